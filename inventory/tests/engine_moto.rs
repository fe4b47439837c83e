//! The whole way against moto: credentials, signatures, five protocols, pages, children, several accounts and regions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

use inventory::definition::Catalog;
use inventory::engine::{
    Account, AccountRegions, DiscoverRequest, Event, classifier, discover, enabled_regions, limits_by_service,
};
use model::{AccountId, Region, RemoteObject, ScopeOutcome, ScopeStatus, Standing};
use net::aws::{Access, AwsPartition, AwsSession};
use net::egress::EgressPolicy;
use net::{Environment, Network, NetworkConfig};
use tokio_util::sync::CancellationToken;
use xtask::moto::{ACCOUNT, Moto, REGION};
use xtask::tools::{Tool, or_skip};

/// Makes objects of many types and prints, as `type import-id` lines, what must be found.
const FILL: &str = r#"
import boto3, json, os
from botocore.config import Config
def client(name, region=os.environ["AWS_REGION"]): return boto3.client(name, region_name=region)
def found(type, id): print(type, id, flush=True)
ec2 = client("ec2")
vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]; found("aws_vpc", vpc)
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]; found("aws_subnet", subnet)
group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]; found("aws_security_group", group)
rule = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[dict(IpProtocol="tcp", FromPort=22, ToPort=22, IpRanges=[dict(CidrIp="10.0.0.0/8")])])["SecurityGroupRules"][0]["SecurityGroupRuleId"]
found("aws_vpc_security_group_ingress_rule", rule)
image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
found("aws_instance", ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0]["InstanceId"])
for region in (os.environ["AWS_REGION"], "us-west-2"):
    name, s3 = "bucket-of-" + region, client("s3", region)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration=dict(LocationConstraint=region)); found("aws_s3_bucket", name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=dict(Status="Enabled")); found("aws_s3_bucket_versioning", name)
s3.put_bucket_policy(Bucket=name, Policy=json.dumps(dict(Version="2012-10-17", Statement=[]))); found("aws_s3_bucket_policy", name)
iam = client("iam")
trust = json.dumps(dict(Version="2012-10-17", Statement=[dict(Effect="Allow", Principal=dict(Service="ec2.amazonaws.com"), Action="sts:AssumeRole")]))
allow = json.dumps(dict(Version="2012-10-17", Statement=[dict(Effect="Allow", Action="s3:ListBucket", Resource="*")]))
for number in range(120):
    iam.create_role(RoleName=f"role-{number}", AssumeRolePolicyDocument=trust); found("aws_iam_role", f"role-{number}")
iam.put_role_policy(RoleName="role-1", PolicyName="inline", PolicyDocument=allow); found("aws_iam_role_policy", "role-1:inline")
iam.create_user(UserName="user"); found("aws_iam_user", "user")
policy = iam.create_policy(PolicyName="p", PolicyDocument=allow)["Policy"]["Arn"]; found("aws_iam_policy", policy)
iam.attach_role_policy(RoleName="role-2", PolicyArn=policy); found("aws_iam_role_policy_attachment", "role-2/" + policy)
sqs = client("sqs")
found("aws_sqs_queue", sqs.create_queue(QueueName="queue")["QueueUrl"])
sns = client("sns")
topic = sns.create_topic(Name="topic", Tags=[dict(Key="aws:cloudformation:stack-name", Value="stack")])["TopicArn"]; found("aws_sns_topic", topic)
table = client("dynamodb").create_table(TableName="table", BillingMode="PAY_PER_REQUEST", KeySchema=[dict(AttributeName="k", KeyType="HASH")], AttributeDefinitions=[dict(AttributeName="k", AttributeType="S")])
found("aws_dynamodb_table", "table")
kms = client("kms"); key = kms.create_key()["KeyMetadata"]["KeyId"]; found("aws_kms_key", key)
kms.create_alias(AliasName="alias/one", TargetKeyId=key); found("aws_kms_alias", "alias/one")
logs = client("logs")
for number in range(70):
    logs.create_log_group(logGroupName=f"/group/{number}"); found("aws_cloudwatch_log_group", f"/group/{number}")
ssm = client("ssm")
for number in range(60):
    ssm.put_parameter(Name=f"/parameter/{number}", Value="planted-value", Type="SecureString"); found("aws_ssm_parameter", f"/parameter/{number}")
client("ecr").create_repository(repositoryName="repository"); found("aws_ecr_repository", "repository")
client("sqs", "us-west-2").create_queue(QueueName="elsewhere")
"#;

fn network(environment: &Environment, catalog: &Catalog) -> Network {
    let cloud = catalog.cloud("aws").unwrap();
    let config = NetworkConfig {
        limit_by_service: limits_by_service(cloud)
            .into_iter()
            .map(|(name, limit)| (name, net::layer::LimitConfig { rate: 1000.0, burst: 1000, ..limit }))
            .collect(),
        ..NetworkConfig::standard()
    };
    let policy = Arc::new(EgressPolicy::new(AwsPartition::domains()));
    Network::new(config, environment, policy, classifier(Arc::clone(cloud))).unwrap()
}

async fn account(environment: &Environment, catalog: &Catalog, access: &Access) -> Account {
    let session = AwsSession::open(environment.clone(), access, network(environment, catalog)).await.unwrap();
    let cloud = Arc::clone(catalog.cloud("aws").unwrap());
    Account::open(cloud, &session, &CancellationToken::new()).await.unwrap()
}

async fn look(request: DiscoverRequest) -> (Vec<RemoteObject>, Vec<ScopeOutcome>) {
    let mut objects = Vec::new();
    let discovery = discover(request, &mut |event| {
        if let Event::Object(object) = event {
            objects.push(*object);
        }
    })
    .await;
    (objects, discovery.outcomes)
}

fn fill(moto: &Moto, script: &str) -> BTreeSet<(String, String)> {
    let mut command = Command::new(moto.python());
    command.args(["-c", script]);
    moto.configure(&mut command);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| line.split_once(' ')).map(|(ty, id)| (ty.to_owned(), id.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_was_made_is_found() {
    if or_skip(Tool::Moto).is_none() {
        return;
    }
    let moto = Moto::start().unwrap();
    let made = fill(&moto, FILL);
    let environment = Environment::new(moto.environment(), None);
    let catalog = Catalog::embedded();
    let account = account(&environment, &catalog, &Access::default()).await;
    assert_eq!(account.id.as_str(), ACCOUNT);
    let types: Vec<String> = catalog.types().map(|definition| definition.name.clone()).collect();
    let regions = vec![Region::from(REGION)];
    let request = DiscoverRequest::new(Arc::clone(&catalog), vec![AccountRegions { account, regions }], types);
    let (objects, outcomes) = look(request).await;

    for outcome in &outcomes {
        assert_eq!(outcome.status, ScopeStatus::Complete, "{}: {:?}", outcome.scope, outcome.causes);
    }
    assert_eq!(outcomes.len(), catalog.types().count(), "one outcome for each type");
    let found: BTreeSet<(String, String)> = objects
        .iter()
        .filter_map(|object| Some((object.resource_type.as_ref()?.to_string(), object.import_id.as_ref()?.to_string())))
        .collect();
    let missed: Vec<_> = made.difference(&found).collect();
    assert!(missed.is_empty(), "made and not found: {missed:?}");

    let of_type = |name: &str| -> Vec<&RemoteObject> {
        objects.iter().filter(|object| object.resource_type.as_ref().is_some_and(|ty| ty.as_str() == name)).collect()
    };
    assert!(of_type("aws_vpc").iter().any(|vpc| matches!(vpc.standing, Standing::Default(_))), "the account's own VPC");
    assert!(
        matches!(&of_type("aws_sns_topic")[0].standing, Standing::ManagedElsewhere { by, .. } if by == "CloudFormation")
    );
    assert_eq!(of_type("aws_sqs_queue").len(), 1, "the queue of the other region was not asked for");
    assert_eq!(of_type("aws_s3_bucket").len(), 2, "buckets are listed once, wherever they are");
    let text = format!("{objects:?}");
    assert!(!text.contains("planted-value"), "the value of a secure parameter is in no record");
    let keys: BTreeSet<_> = objects.iter().map(|object| (&object.scope, &object.key)).collect();
    assert_eq!(keys.len(), objects.len(), "no object twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_accounts_and_all_regions_in_one_run() {
    if or_skip(Tool::Moto).is_none() {
        return;
    }
    let moto = Moto::start().unwrap();
    let script = r#"
import boto3, os
sts = boto3.client("sts")
keys = sts.assume_role(RoleArn="arn:aws:iam::111111111111:role/reader", RoleSessionName="fill")["Credentials"]
other = dict(aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"])
for region in ("eu-west-1", "us-west-2"):
    boto3.client("sqs", region_name=region).create_queue(QueueName="mine-" + region)
    boto3.client("sqs", region_name=region, **other).create_queue(QueueName="other-" + region)
boto3.client("iam", **other).create_user(UserName="other-user")
"#;
    fill(&moto, script);
    let environment = Environment::new(moto.environment(), None);
    let catalog = Catalog::embedded();
    let mine = account(&environment, &catalog, &Access::default()).await;
    let role = Access { role_arn: Some("arn:aws:iam::111111111111:role/reader".to_owned()), ..Access::default() };
    let other = account(&environment, &catalog, &role).await;
    assert_eq!(other.id, AccountId::from("111111111111"));
    let regions = enabled_regions(&mine, &Region::from(REGION), &CancellationToken::new()).await.unwrap();
    assert!(regions.len() > 10 && regions.contains(&Region::from("eu-west-1")), "{regions:?}");

    let accounts = [mine, other].map(|account| AccountRegions { account, regions: regions.clone() }).to_vec();
    let types = vec!["aws.sqs_queue".to_owned(), "aws.iam_user".to_owned()];
    let (objects, outcomes) = look(DiscoverRequest::new(Arc::clone(&catalog), accounts, types)).await;
    assert_eq!(outcomes.len(), 2 * (regions.len() + 1));
    let unseen: Vec<_> = outcomes.iter().filter(|outcome| outcome.status != ScopeStatus::Complete).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
    let mut seen: Vec<String> = objects
        .iter()
        .map(|object| {
            let region = object.scope.region.as_ref().map_or("-", Region::as_str);
            format!("{} {region} {}", object.scope.account, object.name.as_deref().unwrap_or("-"))
        })
        .collect();
    seen.sort();
    let expect = [
        "111111111111 - other-user",
        "111111111111 eu-west-1 other-eu-west-1",
        "111111111111 us-west-2 other-us-west-2",
        "123456789012 eu-west-1 mine-eu-west-1",
        "123456789012 us-west-2 mine-us-west-2",
    ];
    assert_eq!(seen, expect);
}

/// moto checks signatures and permissions where it is told to: ours are accepted, and a denial is told from absence.
#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_accepted_and_denials_are_told_apart() {
    if or_skip(Tool::Moto).is_none() {
        return;
    }
    let moto = Moto::start().unwrap();
    let script = r#"
import boto3, json, os, urllib.request
iam = boto3.client("iam")
iam.create_user(UserName="reader")
keys = iam.create_access_key(UserName="reader")["AccessKey"]
allow = dict(Effect="Allow", Action=["sqs:*", "ec2:DescribeVpcs", "s3:*", "logs:*", "sts:*"], Resource="*")
iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(dict(Version="2012-10-17", Statement=[allow])))
boto3.client("sqs").create_queue(QueueName="signed")
boto3.client("s3").create_bucket(Bucket="signed-bucket", CreateBucketConfiguration=dict(LocationConstraint=os.environ["AWS_REGION"]))
urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}, method="POST"))
print(keys["AccessKeyId"], keys["SecretAccessKey"])
"#;
    let (key_id, secret) = fill(&moto, script).into_iter().next().unwrap();
    let with_keys = |secret: &str| {
        let variables = moto
            .environment()
            .into_iter()
            .filter(|(name, _)| !name.starts_with("AWS_SECRET") && name != "AWS_ACCESS_KEY_ID");
        let keys =
            [("AWS_ACCESS_KEY_ID".to_owned(), key_id.clone()), ("AWS_SECRET_ACCESS_KEY".to_owned(), secret.to_owned())];
        Environment::new(variables.chain(keys), None)
    };
    let catalog = Catalog::embedded();
    let reader = account(&with_keys(&secret), &catalog, &Access::default()).await;
    assert_eq!(reader.caller, format!("arn:aws:iam::{ACCOUNT}:user/reader"));
    let types =
        ["aws.sqs_queue", "aws.vpc", "aws.s3_bucket", "aws.log_group", "aws.kms_key"].map(str::to_owned).to_vec();
    let regions = vec![Region::from(REGION)];
    let request = DiscoverRequest::new(Arc::clone(&catalog), vec![AccountRegions { account: reader, regions }], types);
    let (objects, outcomes) = look(request).await;
    let mut statuses: Vec<String> = outcomes
        .iter()
        .map(|outcome| {
            let cause = outcome.causes.first().map(|cause| cause.kind.as_str()).unwrap_or("-");
            format!("{} {:?} {cause}", outcome.scope.native_type, outcome.status)
        })
        .collect();
    statuses.sort();
    let expect = [
        "aws.kms_key Failed denied",
        "aws.log_group Complete -",
        "aws.s3_bucket Complete -",
        "aws.sqs_queue Complete -",
        "aws.vpc Complete denied",
    ];
    assert_eq!(statuses, expect, "{outcomes:?}");
    assert!(objects.iter().any(|object| object.name.as_deref() == Some("signed")));

    let environment = with_keys("wrong-secret");
    let session =
        AwsSession::open(environment.clone(), &Access::default(), network(&environment, &catalog)).await.unwrap();
    let error = session.caller_identity(&CancellationToken::new()).await.unwrap_err();
    assert_eq!(error.kind(), net::ErrorKind::Credentials, "{error}");
}
