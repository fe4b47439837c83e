"""Changes the estate behind terraform's back, and writes down the truth about it.

Runs against the account that the AWS environment variables name (in the quickstart: an emulated one). Prints one JSON
document: what a drift report must find, as lists of `{type, id, ...}` under the kind of each finding.

- `changed`: an attribute of a recorded object differs. `attribute` names it, `was` and `is` are its values.
- `missing`: a recorded object is gone.
- `unmanaged`: an object that no state records.
- `managed_elsewhere`: an object that a CloudFormation stack made.
- `undetermined`: a recorded object that can't be judged, as the catalog does not know its type.
- `optional`: objects that the changes above bring along; a report may list or fold them.
"""

import io
import json
import zipfile

import boto3

NAME = "shop-demo"
KINDS = ("changed", "missing", "unmanaged", "managed_elsewhere", "undetermined", "optional")
truth = {kind: [] for kind in KINDS}


def client(service):
    return boto3.client(service)


ec2, iam, sqs, sns, ssm, kms = (client(name) for name in ("ec2", "iam", "sqs", "sns", "ssm", "kms"))
s3, logs, ecr, functions, tables, stacks = (
    client(name) for name in ("s3", "logs", "ecr", "lambda", "dynamodb", "cloudformation")
)
ACCOUNT = client("sts").get_caller_identity()["Account"]
REGION = ec2.meta.region_name


def queue_url(name):
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"


def note(kind, resource_type, import_id, **more):
    truth[kind].append({"type": resource_type, "id": import_id, **more})


def only(items):
    (item,) = items
    return item


def named(name):
    return [{"Name": "tag:Name", "Values": [name]}]


def web_security_group():
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [f"{NAME}-web"]}])
    return only(groups["SecurityGroups"])["GroupId"]


def note_own_rules(group):
    """Each group is born with a rule that lets everything out."""
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    for rule in rules["SecurityGroupRules"]:
        note("optional", "aws_vpc_security_group_egress_rule", rule["SecurityGroupRuleId"])


def change():
    """Edits attributes of objects that terraform manages."""
    group = f"/shop/{NAME}-catalog"
    logs.put_retention_policy(logGroupName=group, retentionInDays=3)
    note(
        "changed",
        "aws_cloudwatch_log_group",
        group,
        address='module.service["catalog"].aws_cloudwatch_log_group.service',
        attribute="retention_in_days",
        was=14,
        **{"is": 3},
    )

    parameter = f"/{NAME}/log_level"
    ssm.put_parameter(Name=parameter, Value="debug", Type="String", Overwrite=True)
    note(
        "changed",
        "aws_ssm_parameter",
        parameter,
        address='aws_ssm_parameter.setting["log_level"]',
        attribute="value",
        was="info",
        **{"is": "debug"},
    )

    queue = queue_url(f"{NAME}-billing-work")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "300"})
    note(
        "changed",
        "aws_sqs_queue",
        queue,
        address='module.service["billing"].aws_sqs_queue.work',
        attribute="visibility_timeout_seconds",
        was=60,
        **{"is": 300},
    )

    instances = ec2.describe_instances(Filters=named(f"{NAME}-web-1"))
    instance = only(only(instances["Reservations"])["Instances"])["InstanceId"]
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "Role", "Value": "bastion"}])
    note(
        "changed",
        "aws_instance",
        instance,
        address="aws_instance.web[1]",
        attribute='tags["Role"]',
        was="web",
        **{"is": "bastion"},
    )

    s3.put_bucket_versioning(Bucket=f"{NAME}-pictures", VersioningConfiguration={"Status": "Suspended"})
    note(
        "changed",
        "aws_s3_bucket_versioning",
        f"{NAME}-pictures",
        address="aws_s3_bucket_versioning.pictures",
        attribute="versioning_configuration[0].status",
        was="Enabled",
        **{"is": "Suspended"},
    )

    functions.update_function_configuration(FunctionName=f"{NAME}-thumbnailer", MemorySize=1024)
    note(
        "changed",
        "aws_lambda_function",
        f"{NAME}-thumbnailer",
        address="aws_lambda_function.thumbnailer",
        attribute="memory_size",
        was=256,
        **{"is": 1024},
    )


def remove():
    """Deletes objects that terraform manages."""
    queue = queue_url(f"{NAME}-billing-dead-letter")
    sqs.delete_queue(QueueUrl=queue)
    note("missing", "aws_sqs_queue", queue, address='module.service["billing"].aws_sqs_queue.dead_letter')

    user = f"{NAME}-grace"
    iam.delete_user(UserName=user)
    note("missing", "aws_iam_user", user, address='aws_iam_user.operator["grace"]')

    group = web_security_group()
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    rule = only(
        rule["SecurityGroupRuleId"]
        for rule in rules["SecurityGroupRules"]
        if not rule["IsEgress"] and rule["FromPort"] == 80
    )
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule])
    note(
        "missing",
        "aws_vpc_security_group_ingress_rule",
        rule,
        address='aws_vpc_security_group_ingress_rule.web["http"]',
    )


def attach_by_hand():
    """Adds to objects that terraform manages what no state records: `terraform plan` is silent about all of it."""
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    role = f"{NAME}-catalog"
    iam.put_role_policy(RoleName=role, PolicyName="break-glass", PolicyDocument=json.dumps(everything))
    note("unmanaged", "aws_iam_role_policy", f"{role}:break-glass")
    policy = iam.create_policy(PolicyName="allow-everything", PolicyDocument=json.dumps(everything))["Policy"]["Arn"]
    note("unmanaged", "aws_iam_policy", policy)
    user = f"{NAME}-ada"
    iam.attach_user_policy(UserName=user, PolicyArn=policy)
    note("unmanaged", "aws_iam_user_policy_attachment", f"{user}/{policy}")

    function = f"{NAME}-thumbnailer"
    functions.add_permission(
        FunctionName=function, StatementId="open-to-all", Action="lambda:InvokeFunction", Principal="*"
    )
    note("unmanaged", "aws_lambda_permission", f"{function}/open-to-all")

    subscription = sns.subscribe(
        TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:{NAME}-orders",
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}-catalog-work",
        ReturnSubscriptionArn=True,
    )
    note("unmanaged", "aws_sns_topic_subscription", subscription["SubscriptionArn"])

    bucket = f"{NAME}-exports"
    public = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Principal": "*", "Resource": f"arn:aws:s3:::{bucket}/*"}
        ],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(public))
    note("unmanaged", "aws_s3_bucket_policy", bucket)

    answer = ec2.authorize_security_group_ingress(
        GroupId=web_security_group(),
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "just for today"}],
            }
        ],
    )
    note("unmanaged", "aws_vpc_security_group_ingress_rule", only(answer["SecurityGroupRules"])["SecurityGroupRuleId"])


def make_by_hand():
    """Creates one object of every type, as somebody with a console would."""
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": 'try "this" ${first} – ü'}])
    note("unmanaged", "aws_vpc", vpc)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.1.0/24")["Subnet"]["SubnetId"]
    note("unmanaged", "aws_subnet", subnet)
    group = ec2.create_security_group(GroupName="experiment", Description="by hand", VpcId=vpc)["GroupId"]
    note("unmanaged", "aws_security_group", group)
    note_own_rules(group)

    instances = ec2.run_instances(
        ImageId="ami-12c6146b",
        InstanceType="t3.large",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        SecurityGroupIds=[group],
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "test, delete me (since 2023)"}]}
        ],
    )
    note("unmanaged", "aws_instance", only(instances["Instances"])["InstanceId"])

    bucket = f"{NAME}-old-backups"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    note("unmanaged", "aws_s3_bucket", bucket)

    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        ],
    }
    role = iam.create_role(RoleName="debug-admin", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    note("unmanaged", "aws_iam_role", "debug-admin")
    iam.create_user(UserName="temp+contractor@example.com")
    note("unmanaged", "aws_iam_user", "temp+contractor@example.com")

    sqs.create_queue(QueueName="replay-of-march.fifo", Attributes={"FifoQueue": "true"})
    note("unmanaged", "aws_sqs_queue", queue_url("replay-of-march.fifo"))
    note("unmanaged", "aws_sns_topic", sns.create_topic(Name="pager-of-the-week")["TopicArn"])

    tables.create_table(
        TableName="carts-copy",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    note("unmanaged", "aws_dynamodb_table", "carts-copy")

    key = kms.create_key(Description="who made this?")["KeyMetadata"]["KeyId"]
    note("unmanaged", "aws_kms_key", key)
    kms.create_alias(AliasName="alias/mystery", TargetKeyId=key)
    note("unmanaged", "aws_kms_alias", "alias/mystery")

    logs.create_log_group(logGroupName="/hand/made#1")
    note("unmanaged", "aws_cloudwatch_log_group", "/hand/made#1")
    ssm.put_parameter(Name="/hand/made/flag", Value="on", Type="String")
    note("unmanaged", "aws_ssm_parameter", "/hand/made/flag")
    ecr.create_repository(repositoryName="sandbox/web")
    note("unmanaged", "aws_ecr_repository", "sandbox/web")

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.py", "def handler(event, context):\n    return event\n")
    functions.create_function(
        FunctionName="hotfix",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role["Arn"],
        Code={"ZipFile": archive.getvalue()},
    )
    note("unmanaged", "aws_lambda_function", "hotfix")


def make_by_stack():
    """Creates a stack that no state records, and in it objects that CloudFormation owns: no candidates for an import.

    Some carry CloudFormation's tag, and some, as on AWS itself, do not: only the stack says that it made them.
    """
    stack = f"{NAME}-legacy"
    network = {"Ref": "Network"}
    template = {
        "Resources": {
            "Network": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.77.0.0/16"}},
            "Zone": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {"VpcId": network, "CidrBlock": "10.77.1.0/24", "AvailabilityZone": f"{REGION}a"},
            },
            "Guard": {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {"VpcId": network, "GroupName": f"{stack}-guard", "GroupDescription": "by a stack"},
            },
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{stack}-jobs"}},
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": f"{stack}-events"}},
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"{stack}-files"}},
        }
    }
    stacks.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    note("unmanaged", "aws_cloudformation_stack", stack)
    terraform_types = {
        "AWS::EC2::VPC": "aws_vpc",
        "AWS::EC2::Subnet": "aws_subnet",
        "AWS::EC2::SecurityGroup": "aws_security_group",
        "AWS::S3::Bucket": "aws_s3_bucket",
        "AWS::SNS::Topic": "aws_sns_topic",
        "AWS::SQS::Queue": "aws_sqs_queue",
    }
    for made in stacks.list_stack_resources(StackName=stack)["StackResourceSummaries"]:
        resource_type, import_id = terraform_types[made["ResourceType"]], made["PhysicalResourceId"]
        note("managed_elsewhere", resource_type, import_id, manager="cloudformation", stack=stack)
        if resource_type == "aws_security_group":
            note_own_rules(import_id)


def leave_alone():
    """Tells of what nobody can judge: it is neither missing nor fine."""
    gateways = ec2.describe_internet_gateways(Filters=named(NAME))["InternetGateways"]
    gateway = only(gateways)["InternetGatewayId"]
    note("undetermined", "aws_internet_gateway", gateway, address="aws_internet_gateway.main")


leave_alone()
change()
remove()
attach_by_hand()
make_by_hand()
make_by_stack()
print(json.dumps(truth, indent=2, ensure_ascii=False))
