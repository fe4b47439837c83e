"""Makes N objects of four types: `many.py N`.

Runs against the account that the AWS environment variables name. Half of the queues are of one shape, as people make them in
loops; the other objects differ in more than their names.
"""

import json
import sys

import boto3

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

clients = {}


def aws(service):
    return clients.setdefault(service, boto3.client(service))


def queue(number):
    attributes = {} if number % 8 else {"VisibilityTimeout": str(30 + number), "DelaySeconds": str(number % 60)}
    aws("sqs").create_queue(QueueName=f"jobs-{number}", Attributes=attributes)


def topic(number):
    tags = [{"Key": "Name", "Value": f"events {number}"}, {"Key": "cost/center", "Value": str(number)}]
    aws("sns").create_topic(Name=f"events-{number}", Attributes={"DisplayName": f"Events {number}"}, Tags=tags)


def role(number):
    name = f"role-{number}"
    aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), MaxSessionDuration=3600 + number)


def log_group(number):
    name = f"/many/{number}"
    aws("logs").create_log_group(logGroupName=name)
    aws("logs").put_retention_policy(logGroupName=name, retentionInDays=(7, 14, 30, 365)[number // 4 % 4])


def main():
    for number in range(int(sys.argv[1])):
        (queue, topic, role, log_group)[number % 4](number)


main()
