"""Changes the accuracy estate behind terraform's back, as a seed draws it, and writes down the truth about it.

    aws.py STATE SEED [SHARE [UNTOUCHED]]

Runs against the account that the AWS environment variables name. STATE is the state that terraform wrote. From all
changes known here a share (0 to 1, default 0.5) is drawn; no object is changed twice. With UNTOUCHED, a list of addresses
in JSON, only noises are drawn, and of other objects. Prints one JSON document:

- `drifts`: what a drift report must find. Each has `name`, `row` (what sort of change it is), `kind`, `address`, for
  `changed` also `attribute` and `tier`, and `fails`: whether it must make the run fail (null: either way is right).
  `collateral` names further attributes that the change brings along.
- `noises`: what was done that is no drift: no finding about `address` may fail for it.
"""

import json
import random
import sys

import boto3

state = json.load(open(sys.argv[1], encoding="utf-8"))
seed = sys.argv[2]
share = float(sys.argv[3]) if len(sys.argv) > 3 else 0.5
untouched = json.loads(sys.argv[4]) if len(sys.argv) > 4 else None
rng = random.Random(seed)

clients = {}


def aws(service):
    return clients.setdefault(service, boto3.client(service))


def address_of(resource, instance):
    key = instance.get("index_key")
    suffix = "" if key is None else f"[{json.dumps(key)}]"
    module = f"{resource['module']}." if "module" in resource else ""
    return f"{module}{resource['type']}.{resource['name']}{suffix}"


objects = {
    address_of(resource, instance): instance["attributes"]
    for resource in state["resources"]
    if resource["mode"] == "managed"
    for instance in resource["instances"]
}


def those(prefix):
    found = sorted(address for address in objects if address == prefix or address.startswith(prefix + "["))
    assert found or untouched is not None, f"the state has no {prefix}"
    return found


changes = []


def change(*addresses, row, kind="changed", **more):
    """Registers a change of one object among those at the addresses; the function makes it."""

    def register(function):
        changes.append({"name": function.__name__, "row": row, "kind": kind, "function": function,
                        "addresses": [found for prefix in addresses for found in those(prefix)], **more})
        return function

    return register


def declared(*addresses, attribute, row="an argument of the code", **more):
    return change(*addresses, row=row, attribute=attribute, tier="declared", fails=True, **more)


def gone(*addresses, row="deleted by hand"):
    return change(*addresses, row=row, kind="missing", fails=True)


def noise(*addresses, row):
    return change(*addresses, row=row, kind="noise", fails=False)


def statement(**more):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **more}]}


def respelled(text):
    """Writes a policy otherwise, with the same meaning: order of members, lists of one, blanks."""
    policy = json.loads(text)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    for entry in statements:
        for name in ("Action", "Resource"):
            value = entry.get(name)
            if isinstance(value, list):
                entry[name] = value[0] if len(value) == 1 else value[::-1]
            elif isinstance(value, str):
                entry[name] = [value]
    policy = {name: policy[name] for name in reversed(list(policy))}
    return json.dumps(policy, indent=rng.choice([None, 2]))


# -- arguments that the code sets ----------------------------------------------------------------------------------


@declared("aws_cloudwatch_log_group.app", attribute="retention_in_days")
def log_retention(found):
    aws("logs").put_retention_policy(logGroupName=found["name"], retentionInDays=rng.choice([1, 3, 365]))


@declared("aws_ssm_parameter.setting", attribute="value", collateral=["version", "insecure_value"])
def parameter_value(found):
    aws("ssm").put_parameter(Name=found["name"], Value=f"by-hand-{rng.randrange(100)}", Type="String", Overwrite=True)


@declared('module.queue["jobs"].aws_sqs_queue.work', 'module.queue["mails"].aws_sqs_queue.work',
          attribute="visibility_timeout_seconds")
def queue_timeout(found):
    # The emulator forgets a queue's policy when another attribute is set alone.
    kept = aws("sqs").get_queue_attributes(QueueUrl=found["url"], AttributeNames=["Policy"])["Attributes"]
    aws("sqs").set_queue_attributes(QueueUrl=found["url"], Attributes={
        "VisibilityTimeout": str(rng.randrange(100, 900)), **kept})


@declared("aws_instance.web", attribute="tags", row="a tag with another value", collateral=["tags_all"])
def tag_of_instance(found):
    aws("ec2").create_tags(Resources=[found["id"]], Tags=[{"Key": "Name", "Value": f"ü-{rng.randrange(9)} ${{x}}"}])


@declared("aws_subnet.private", attribute="tags", row="a tag more", collateral=["tags_all"])
def tag_of_subnet(found):
    aws("ec2").create_tags(Resources=[found["id"]], Tags=[{"Key": f"extra.{rng.randrange(9)}", "Value": ""}])


@declared("aws_vpc.main", attribute="tags", row="a tag less", collateral=["tags_all"])
def tag_of_vpc(found):
    aws("ec2").delete_tags(Resources=[found["id"]], Tags=[{"Key": "Name"}])


@declared("aws_s3_bucket_versioning.data", attribute="versioning_configuration", row="a twin of another resource")
def versioning_suspended(found):
    aws("s3").put_bucket_versioning(Bucket=found["bucket"], VersioningConfiguration={"Status": "Suspended"})


@declared("aws_lambda_function.thumbs", attribute="memory_size", collateral=["last_modified"])
def memory(found):
    aws("lambda").update_function_configuration(FunctionName=found["function_name"], MemorySize=rng.choice([512, 1024]))


@declared("aws_iam_policy.read", attribute="policy", row="a policy document", collateral=["policy_id"])
def managed_policy(found):
    aws("iam").create_policy_version(PolicyArn=found["arn"], SetAsDefault=True, PolicyDocument=json.dumps(
        statement(Action=["s3:ListBucket", "s3:PutObject"], Resource="*")))


@declared("aws_iam_role.task", attribute="assume_role_policy", row="a policy document")
def trust(found):
    aws("iam").update_assume_role_policy(RoleName=found["name"], PolicyDocument=json.dumps(
        statement(Action="sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{rng.randrange(10**11, 10**12)}:root"})))


@declared("aws_iam_role_policy.queue", attribute="policy", row="a policy document")
def inline_policy_widened(found):
    aws("iam").put_role_policy(RoleName=found["role"], PolicyName=found["name"], PolicyDocument=json.dumps(
        statement(Action="*", Resource="*")))


@declared("aws_s3_bucket_policy.data", attribute="policy", row="a twin of another resource")
def bucket_policy_opened(found):
    aws("s3").put_bucket_policy(Bucket=found["bucket"], Policy=json.dumps(
        statement(Action="s3:GetObject", Principal="*", Resource=f"arn:aws:s3:::{found['bucket']}/*")))


@declared('module.queue["jobs"].aws_sqs_queue_policy.work', 'module.queue["mails"].aws_sqs_queue_policy.work',
          attribute="policy", row="a twin of another resource")
def queue_policy_opened(found):
    policy = json.dumps(statement(Action="sqs:*", Principal="*", Resource="*"))
    aws("sqs").set_queue_attributes(QueueUrl=found["queue_url"], Attributes={"Policy": policy})


@declared("aws_sns_topic.events", attribute="display_name")
def display_name(found):
    aws("sns").set_topic_attributes(TopicArn=found["arn"], AttributeName="DisplayName", AttributeValue="by hand")


@declared("aws_kms_key.main", attribute="description")
def key_description(found):
    aws("kms").update_key_description(KeyId=found["key_id"], Description="by hand")


@declared("aws_secretsmanager_secret.main", attribute="description", row="an argument the code leaves at its default")
def secret_description(found):
    aws("secretsmanager").update_secret(SecretId=found["arn"], Description="by hand")


@declared("aws_subnet.private", attribute="map_public_ip_on_launch", row="an argument the code leaves at its default")
def public_subnet(found):
    aws("ec2").modify_subnet_attribute(SubnetId=found["id"], MapPublicIpOnLaunch={"Value": True})


@declared("aws_cloudwatch_event_rule.nightly", attribute="schedule_expression")
def schedule(found):
    aws("events").put_rule(Name=found["name"], ScheduleExpression=f"rate({rng.randrange(2, 9)} hours)")


@declared("aws_s3_bucket_public_access_block.raw", attribute="block_public_acls",
          collateral=["ignore_public_acls", "block_public_policy", "restrict_public_buckets"])
def access_block_opened(found):
    closed = {"IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    aws("s3").put_public_access_block(Bucket=found["bucket"], PublicAccessBlockConfiguration={
        "BlockPublicAcls": False, **closed})


@declared("aws_s3_bucket_cors_configuration.public", attribute="cors_rule", row="an element of a set")
def cors(found):
    aws("s3").put_bucket_cors(Bucket=found["bucket"], CORSConfiguration={"CORSRules": [
        {"AllowedMethods": ["GET", "HEAD", "PUT"], "AllowedOrigins": ["https://example.com"]}]})


@declared("aws_security_group.inline", attribute="ingress", row="an element of a set")
def inline_rule_added(found):
    aws("ec2").authorize_security_group_ingress(GroupId=found["id"], IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])


@declared("aws_security_group.inline", attribute="egress", row="an element of a set")
def inline_rule_removed(found):
    aws("ec2").revoke_security_group_egress(GroupId=found["id"], IpPermissions=[
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])


@declared("aws_route_table.inline", attribute="route", row="an element of a set")
def inline_route_added(found):
    gateway = objects["aws_internet_gateway.main"]["id"]
    aws("ec2").create_route(RouteTableId=found["id"], DestinationCidrBlock="192.0.2.0/24", GatewayId=gateway)


@declared("aws_network_acl.main", attribute="ingress", row="an element of a set")
def acl_entry_added(found):
    aws("ec2").create_network_acl_entry(NetworkAclId=found["id"], RuleNumber=90, Protocol="6", RuleAction="allow",
                                        Egress=False, CidrBlock="0.0.0.0/0", PortRange={"From": 22, "To": 22})


@declared("aws_ecr_repository.image", attribute="image_tag_mutability", row="an argument the code leaves at its default")
def tags_immutable(found):
    aws("ecr").put_image_tag_mutability(repositoryName=found["name"], imageTagMutability="IMMUTABLE")


@declared("aws_ecr_lifecycle_policy.image", attribute="policy", row="a JSON document")
def lifecycle_policy(found):
    policy = json.loads(found["policy"])
    policy["rules"][0]["selection"]["countNumber"] = rng.randrange(50, 90)
    aws("ecr").put_lifecycle_policy(repositoryName=found["repository"], lifecyclePolicyText=json.dumps(policy))


# -- what the code leaves open -------------------------------------------------------------------------------------


def undeclared(*addresses, attribute, fails, row="added by hand beside resources of its own", **more):
    return change(*addresses, row=row, attribute=attribute, tier="undeclared", fails=fails, **more)


@undeclared("aws_security_group.split", "aws_security_group.old", attribute="ingress", fails=True)
def rogue_rule(found):
    aws("ec2").authorize_security_group_ingress(GroupId=found["id"], IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])


@undeclared("aws_iam_role.task", attribute="inline_policy", fails=True)
def rogue_inline_policy(found):
    aws("iam").put_role_policy(RoleName=found["name"], PolicyName=f"break-glass-{rng.randrange(9)}",
                               PolicyDocument=json.dumps(statement(Action="*", Resource="*")))


@undeclared("aws_iam_role.task", attribute="managed_policy_arns", fails=True)
def rogue_attachment(found):
    name = f"everything-{rng.randrange(1000)}"
    policy = aws("iam").create_policy(PolicyName=name, PolicyDocument=json.dumps(statement(Action="*", Resource="*")))
    aws("iam").attach_role_policy(RoleName=found["name"], PolicyArn=policy["Policy"]["Arn"])


@undeclared("aws_route_table.split", attribute="route", fails=None)
def rogue_route(found):
    gateway = objects["aws_internet_gateway.main"]["id"]
    aws("ec2").create_route(RouteTableId=found["id"], DestinationCidrBlock="198.51.100.0/24", GatewayId=gateway)


@undeclared("aws_instance.web", attribute="disable_api_termination", fails=False, row="optional and computed, not in code")
def termination_protection(found):
    aws("ec2").modify_instance_attribute(InstanceId=found["id"], DisableApiTermination={"Value": True})


@undeclared("aws_sns_topic.events", attribute="policy", fails=True, row="optional and computed, not in code")
def topic_policy(found):
    policy = statement(Sid="open", Action="sns:Publish", Principal="*", Resource=found["arn"])
    aws("sns").set_topic_attributes(TopicArn=found["arn"], AttributeName="Policy", AttributeValue=json.dumps(policy))


@undeclared("aws_dynamodb_table.main", attribute="ttl", fails=False, row="optional and computed, not in code")
def time_to_live(found):
    aws("dynamodb").update_time_to_live(TableName=found["name"], TimeToLiveSpecification={
        "Enabled": True, "AttributeName": "expires"})


@change("aws_ssm_parameter.shared", row="lifecycle.ignore_changes", attribute="value", tier="ignored", fails=False,
        collateral=["version", "insecure_value"])
def ignored_value(found):
    aws("ssm").put_parameter(Name=found["name"], Value="second", Type="String", Overwrite=True)


# -- what was deleted ----------------------------------------------------------------------------------------------


@gone('module.queue["jobs"].aws_sqs_queue.dead', 'module.queue["mails"].aws_sqs_queue.dead')
def queue_deleted(found):
    aws("sqs").delete_queue(QueueUrl=found["url"])


@gone("aws_iam_role_policy_attachment.read", row="a twin of another resource")
def detached_from_role(found):
    aws("iam").detach_role_policy(RoleName=found["role"], PolicyArn=found["policy_arn"])


@gone("aws_iam_group_policy_attachment.operators")
def detached_from_group(found):
    aws("iam").detach_group_policy(GroupName=found["group"], PolicyArn=found["policy_arn"])


@gone("aws_ssm_parameter.setting")
def parameter_deleted(found):
    aws("ssm").delete_parameter(Name=found["name"])


@gone("aws_cloudwatch_log_stream.app")
def stream_deleted(found):
    aws("logs").delete_log_stream(logGroupName=found["log_group_name"], logStreamName=found["name"])


@gone("aws_vpc_security_group_ingress_rule.split", row="a twin of another resource")
def rule_revoked(found):
    aws("ec2").revoke_security_group_ingress(GroupId=found["security_group_id"],
                                             SecurityGroupRuleIds=[found["security_group_rule_id"]])


@gone("aws_route.out", row="a twin of another resource")
def route_deleted(found):
    aws("ec2").delete_route(RouteTableId=found["route_table_id"], DestinationCidrBlock=found["destination_cidr_block"])


@gone("aws_ebs_volume.data")
def volume_deleted(found):
    aws("ec2").delete_volume(VolumeId=found["id"])


@gone("aws_cloudwatch_event_target.nightly")
def target_removed(found):
    aws("events").remove_targets(Rule=found["rule"], Ids=[found["target_id"]])


@gone("aws_lambda_permission.events")
def permission_removed(found):
    aws("lambda").remove_permission(FunctionName=found["function_name"], StatementId=found["statement_id"])


@gone("aws_sns_topic_subscription.jobs")
def unsubscribed(found):
    aws("sns").unsubscribe(SubscriptionArn=found["arn"])


@gone("aws_s3_bucket_policy.data", row="a twin of another resource")
def bucket_policy_deleted(found):
    aws("s3").delete_bucket_policy(Bucket=found["bucket"])


@gone("aws_key_pair.admin")
def key_pair_deleted(found):
    aws("ec2").delete_key_pair(KeyName=found["key_name"])


# -- what is no drift ----------------------------------------------------------------------------------------------


@noise("aws_s3_bucket_policy.data", row="a policy in another spelling")
def bucket_policy_respelled(found):
    aws("s3").put_bucket_policy(Bucket=found["bucket"], Policy=respelled(found["policy"]))


@noise("aws_iam_policy.read", row="a policy in another spelling")
def managed_policy_respelled(found):
    aws("iam").create_policy_version(PolicyArn=found["arn"], SetAsDefault=True,
                                     PolicyDocument=respelled(found["policy"]))


@noise("aws_iam_role.task", row="a policy in another spelling")
def trust_respelled(found):
    aws("iam").update_assume_role_policy(RoleName=found["name"], PolicyDocument=respelled(found["assume_role_policy"]))


@noise("aws_iam_role_policy.queue", row="a policy in another spelling")
def inline_policy_respelled(found):
    aws("iam").put_role_policy(RoleName=found["role"], PolicyName=found["name"],
                               PolicyDocument=respelled(found["policy"]))


@noise("aws_ssm_parameter.setting", row="a computed counter")
def parameter_put_again(found):
    aws("ssm").put_parameter(Name=found["name"], Value=found["value"], Type="String", Overwrite=True)


@noise("aws_lambda_function.thumbs", row="a computed time")
def function_touched(found):
    aws("lambda").update_function_configuration(FunctionName=found["function_name"], MemorySize=found["memory_size"])


@noise("aws_iam_policy.read", row="a computed counter")
def policy_attached_elsewhere(found):
    name = f"temp-{rng.randrange(1000)}"
    aws("iam").create_user(UserName=name)
    aws("iam").attach_user_policy(UserName=name, PolicyArn=found["arn"])


@noise("aws_ecr_lifecycle_policy.image", row="a JSON document in another spelling")
def lifecycle_policy_respelled(found):
    policy = json.loads(found["policy"])
    policy["rules"] = [{name: rule[name] for name in sorted(rule, reverse=True)} for rule in policy["rules"]]
    aws("ecr").put_lifecycle_policy(repositoryName=found["repository"], lifecyclePolicyText=json.dumps(policy))


@noise('module.queue["jobs"].aws_sqs_queue.work', row="data, not configuration")
def message_sent(found):
    aws("sqs").send_message(QueueUrl=found["url"], MessageBody="hello")


@noise("aws_s3_bucket_cors_configuration.public", row="an element of a set, written again")
def cors_again(found):
    aws("s3").put_bucket_cors(Bucket=found["bucket"], CORSConfiguration={"CORSRules": [
        {"AllowedMethods": ["HEAD", "GET"], "AllowedOrigins": ["https://example.com"]}]})


@noise("aws_vpc.main", row="an object that nobody manages")
def neighbour_made(_):
    aws("ec2").create_vpc(CidrBlock="10.99.0.0/16")


def main():
    taken = set(untouched or [])
    truth = {"seed": seed, "drifts": [], "noises": []}
    rng.shuffle(changes)
    for drawn in changes:
        if rng.random() >= share or (untouched is not None and drawn["kind"] != "noise"):
            continue
        free = [address for address in drawn["addresses"] if address not in taken]
        if not free:
            continue
        address = rng.choice(free)
        taken.add(address)
        drawn["function"](objects[address])
        told = {name: value for name, value in drawn.items() if name not in ("function", "addresses")}
        told["address"] = address
        truth["noises" if drawn["kind"] == "noise" else "drifts"].append(told)
    for told in truth.values():
        if isinstance(told, list):
            told.sort(key=lambda entry: (entry["kind"], entry["address"]))
    print(json.dumps(truth, indent=1, ensure_ascii=False))


main()
