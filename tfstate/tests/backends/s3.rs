//! States in S3: the contract against moto, and faults against a transport that plays them.

use std::process::Command;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use net::egress::EgressPolicy;
use net::{Environment, Network, NetworkConfig, Request, Response, Transport};
use tfstate::ErrorKind;
use tfstate::backend::{self, BackendConfig, Context, Location, StateSource};
use tokio_util::sync::CancellationToken;
use xtask::moto::{ACCOUNT, Moto, REGION};
use xtask::tools::{Tool, or_skip};

use super::{STATE, check_contract, lineage, snapshot, state_with_lineage, write};

/// Puts the files of a directory into a bucket, by their paths.
const UPLOAD: &str = r#"
import boto3, os, sys
from botocore.config import Config
s3 = boto3.client("s3", config=Config(s3=dict(addressing_style="path")))
s3.create_bucket(Bucket="states", CreateBucketConfiguration=dict(LocationConstraint=os.environ["AWS_REGION"]))
for folder, _, files in os.walk(sys.argv[1]):
    for name in files:
        path = os.path.join(folder, name)
        s3.upload_file(path, "states", os.path.relpath(path, sys.argv[1]))
"#;

fn upload(moto: &Moto, files: &[(&str, &str)]) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(directory.path(), name, text);
    }
    let mut command = Command::new(moto.python());
    command.args(["-c", UPLOAD]).arg(directory.path());
    moto.configure(&mut command);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn open_url(url: &str, context: &Context) -> Box<dyn StateSource> {
    backend::open(&Location::parse(url).unwrap(), context).unwrap()
}

fn block(arguments: &[(&str, cty::Value)]) -> BackendConfig {
    let arguments = arguments.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    BackendConfig { kind: "s3".to_owned(), arguments }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_keeps_the_contract() {
    if or_skip(Tool::Moto).is_none() {
        return;
    }
    let moto = Moto::start().unwrap();
    // More than one piece.
    let padding = format!("{{\"padding\": \"{}\",", "x".repeat(20 << 20));
    let large = state_with_lineage("large").replacen('{', &padding, 1);
    let lock = r#"{"ID": "1", "Operation": "OperationTypePlan", "Who": "ann@host", "Created": "now"}"#;
    let files = [
        ("live/odd key+%41é.tfstate", STATE),
        ("env:/prod/live/odd key+%41é.tfstate", STATE),
        ("env:/other/elsewhere.tfstate", STATE),
        ("large.tfstate", large.as_str()),
        ("large.tfstate.tflock", lock),
        ("empty.tfstate", ""),
    ];
    upload(&moto, &files);
    let context = Context::new(Environment::new(moto.environment(), None));

    let source = open_url("s3://states/live/odd%20key+%2541%C3%A9.tfstate", &context);
    assert_eq!(source.list_workspaces().await.unwrap(), ["default", "prod"]);
    check_contract(&*source).await;
    check_contract(&*open_url("s3://states/live/odd%20key+%2541%C3%A9.tfstate?workspace=prod", &context)).await;

    let source = open_url("s3://states/large.tfstate", &context);
    assert_eq!(source.list_workspaces().await.unwrap(), ["default"]);
    let file = source.get("default").await.unwrap();
    assert!(file.version.is_some());
    assert_eq!(file.warnings[0].code, "state-locked");
    assert!(file.warnings[0].detail.contains("ann@host holds the lock of s3://states/large.tfstate"));
    assert_eq!(lineage(&snapshot(&*source, "default").await.unwrap()), "large");

    let file = open_url("s3://states/empty.tfstate", &context).get("default").await.unwrap();
    let (none, diagnostics) = tfstate::StateSnapshot::read(file).unwrap();
    assert!(none.is_none() && diagnostics.is_empty());

    let error = open_url("s3://no-such-bucket/large.tfstate", &context).get("default").await.unwrap_err();
    assert_eq!((error.kind, error.operation), (ErrorKind::NotFound, "find the bucket"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_module_leads_to_its_bucket() {
    if or_skip(Tool::Moto).is_none() {
        return;
    }
    let moto = Moto::start().unwrap();
    upload(&moto, &[("workspaces/prod/live.tfstate", STATE), ("live.tfstate", &state_with_lineage("default"))]);
    let secret = |name: &str| moto.environment().into_iter().find(|(found, _)| found == name).unwrap().1;
    // Nothing comes from the environment: endpoint, region and keys are the block's, as `-backend-config` gave them.
    let noted = format!(
        r#"{{"version": 3, "terraform_version": "1.11.4", "backend": {{"type": "s3", "hash": 1, "config": {{
            "bucket": "states", "key": "live.tfstate", "region": "{REGION}", "workspace_key_prefix": "workspaces",
            "endpoints": {{"s3": "{endpoint}", "sts": "{endpoint}", "iam": null}}, "use_path_style": true,
            "access_key": "{access_key}", "secret_key": "{secret_key}", "profile": null, "encrypt": true,
            "allowed_account_ids": ["{ACCOUNT}"], "skip_credentials_validation": true, "assume_role": null}}}}}}"#,
        endpoint = moto.endpoint(),
        access_key = secret("AWS_ACCESS_KEY_ID"),
        secret_key = secret("AWS_SECRET_ACCESS_KEY"),
    );
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), ".terraform/terraform.tfstate", &noted);
    write(directory.path(), ".terraform/environment", "prod");
    let home = tempfile::tempdir().unwrap();
    let context = Context::new(Environment::new([], Some(home.path().to_owned())));
    let source = backend::open_root(directory.path(), Some(&block(&[])), &context).unwrap();
    assert_eq!(source.url(), "s3://states/workspaces/prod/live.tfstate");
    assert_eq!(source.list_workspaces().await.unwrap(), ["default", "prod"]);
    check_contract(&*source).await;

    let wrong = noted.replace(ACCOUNT, "999999999999");
    write(directory.path(), ".terraform/terraform.tfstate", &wrong);
    let source = backend::open_root(directory.path(), None, &context).unwrap();
    let error = source.get("prod").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration);
    assert!(error.to_string().contains(ACCOUNT) && error.to_string().contains("999999999999"), "{error}");
}

/// Answers every request with the same function.
struct Played<F>(F, Mutex<Vec<String>>);

impl<F> std::fmt::Debug for Played<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Played")
    }
}

#[async_trait]
impl<F: Fn(&Request) -> (u16, Vec<(&'static str, &'static str)>, &'static str) + Send + Sync> Transport for Played<F> {
    async fn send(&self, request: Request, _: &CancellationToken) -> Result<Response, net::Error> {
        self.1.lock().unwrap().push(request.url.to_string());
        let (status, pairs, body) = (self.0)(&request);
        let headers: HeaderMap =
            pairs.into_iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect();
        let status = StatusCode::from_u16(status).unwrap();
        Ok(Response { status, headers, body: Bytes::from_static(body.as_bytes()), attempts: 1 })
    }
}

type Reply = (u16, Vec<(&'static str, &'static str)>, &'static str);

fn played(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Context {
    let home = tempfile::tempdir().unwrap();
    let variables = [("AWS_ACCESS_KEY_ID", "planted-id"), ("AWS_SECRET_ACCESS_KEY", "planted-secret")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let egress = Arc::new(EgressPolicy::new(net::aws::AwsPartition::domains()));
    let client = Arc::new(Played(reply, Mutex::default()));
    let network = Network::over(client, NetworkConfig::standard(), egress, Arc::new(net::aws::classify));
    Context { network: Some(network), ..Context::new(Environment::new(variables, Some(home.path().to_owned()))) }
}

const URL: &str = "s3://states/live.tfstate?region=eu-west-1";

async fn refusal(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> tfstate::Error {
    let error = open_url(URL, &played(reply)).get("default").await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("planted"), "{error}");
    assert!(error.to_string().contains("states"), "{error}");
    error
}

#[tokio::test(start_paused = true)]
async fn refusals_say_what_to_do() {
    let error = refusal(|_| (403, vec![], "<Error><Code>AccessDenied</Code><Message>no</Message></Error>")).await;
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.help[0].contains("s3:GetObject"));

    let error =
        refusal(|_| (301, vec![("x-amz-bucket-region", "us-east-2")], "<Error><Code>PermanentRedirect</Code></Error>"));
    let error = error.await;
    assert_eq!(
        (error.kind, error.help.as_slice()),
        (ErrorKind::Configuration, &["Set the region to us-east-2.".to_owned()][..])
    );

    let error = refusal(|_| (404, vec![], "<Error><Code>NoSuchKey</Code></Error>")).await;
    assert_eq!(error.kind, ErrorKind::NotFound);

    let error = refusal(|_| (503, vec![], "")).await;
    assert!(error.kind == ErrorKind::Unavailable && error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_state_that_is_written_between_two_pieces_is_noticed() {
    let first = |request: &Request| request.headers["range"].to_str().unwrap().starts_with("bytes=0-");
    let error = refusal(move |request| {
        if first(request) {
            return (206, vec![("etag", "\"a\""), ("content-range", "bytes 0-1/10")], "{ ");
        }
        assert_eq!(request.headers["if-match"], "\"a\"");
        (412, vec![], "<Error><Code>PreconditionFailed</Code></Error>")
    });
    assert_eq!(error.await.kind, ErrorKind::Moved);
    // A server that ignores the condition is not believed either.
    let error = refusal(move |request| {
        let etag = if first(request) { "\"a\"" } else { "\"b\"" };
        (206, vec![("etag", etag), ("content-range", "bytes 0-1/10")], "{ ")
    });
    assert_eq!(error.await.kind, ErrorKind::Moved);
}

#[tokio::test]
async fn every_page_of_a_listing_is_read() {
    let context = played(|request| {
        let query = request.url.query().unwrap_or_default();
        let page = if query.contains("max-keys=1&") {
            "<ListBucketResult><Contents><Key>live.tfstate</Key></Contents></ListBucketResult>"
        } else if query.starts_with("continuation-token=t%2F1%3D&") {
            "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>env%3A/a/live.tfstate</Key></Contents>\
             </ListBucketResult>"
        } else {
            "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>env%3A/b/live.tfstate</Key></Contents>\
             <Contents><Key>env%3A/c/other.tfstate</Key></Contents><NextContinuationToken>t/1=</NextContinuationToken>\
             </ListBucketResult>"
        };
        (200, vec![], page)
    });
    assert_eq!(open_url(URL, &context).list_workspaces().await.unwrap(), ["default", "a", "b"]);
}

#[tokio::test]
async fn a_listing_that_never_ends_is_an_error() {
    let context = played(|request| {
        if request.url.query().unwrap_or_default().contains("max-keys=1&") {
            return (200, vec![], "<ListBucketResult></ListBucketResult>");
        }
        let page = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>\
                    </ListBucketResult>";
        (200, vec![], page)
    });
    let error = open_url(URL, &context).list_workspaces().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn addresses_follow_the_settings() {
    let ask = |url: &'static str| async move {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&asked);
        let context = played(move |request| {
            seen.lock().unwrap().push(request.url.to_string());
            (200, vec![], "")
        });
        let file = open_url(url, &context).get("default").await.unwrap();
        drop(file);
        let mut asked = asked.lock().unwrap();
        asked.swap_remove(0)
    };
    assert_eq!(ask(URL).await, "https://states.s3.eu-west-1.amazonaws.com/live.tfstate");
    assert_eq!(
        ask("s3://my.states/a%20b?region=cn-north-1").await,
        "https://s3.cn-north-1.amazonaws.com.cn/my.states/a%20b"
    );
    let path_style = "s3://states/k?region=eu-west-1&use_path_style=true&endpoint=https%3A%2F%2Fminio.example%2Fbase";
    assert_eq!(ask(path_style).await, "https://minio.example/base/states/k");
    assert_eq!(
        ask("s3://states/k?region=eu-west-1&endpoint=https%3A%2F%2Foss.example").await,
        "https://states.oss.example/k"
    );
    assert_eq!(ask("s3://states/k?region=x&endpoint=http%3A%2F%2F127.0.0.1:9").await, "http://127.0.0.1:9/states/k");
}

#[test]
fn settings_that_cannot_be_honoured_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let context = Context::new(Environment::new([], Some(home.path().to_owned())));
    let refused = |arguments: &[(&str, cty::Value)], kind: ErrorKind| {
        let mut all = vec![("bucket", cty::Value::string("b")), ("key", cty::Value::string("k"))];
        all.extend(arguments.iter().cloned());
        let error = backend::open_root(directory.path(), Some(&block(&all)), &context).unwrap_err();
        assert_eq!(error.kind, kind, "{arguments:?}: {error}");
        assert!(!error.help.is_empty() && !format!("{error} {error:?}").contains("planted"), "{error}");
    };
    let text = cty::Value::string;
    let yes = cty::Value::bool(true);
    refused(&[("sse_customer_key", text("planted"))], ErrorKind::Unsupported);
    refused(&[("insecure", yes.clone())], ErrorKind::Unsupported);
    refused(&[("custom_ca_bundle", text("ca.pem"))], ErrorKind::Unsupported);
    let role = |name: &str, value: cty::Value| {
        cty::Value::object([("role_arn".to_owned(), text("arn")), (name.to_owned(), value)].into())
    };
    refused(&[("assume_role", role("policy", text("{}")))], ErrorKind::Unsupported);
    refused(&[("assume_role_with_web_identity", role("web_identity_token", text("planted")))], ErrorKind::Unsupported);
    refused(&[("assume_role", text("arn"))], ErrorKind::Configuration);
    refused(&[("key", text("/k"))], ErrorKind::Configuration);
    refused(&[("key", text("a/../k"))], ErrorKind::Configuration);
    refused(&[("bucket", text("b/../c"))], ErrorKind::Configuration);
    refused(&[("region", cty::Value::unknown(cty::Type::String))], ErrorKind::Configuration);
    refused(&[("use_path_style", text("maybe"))], ErrorKind::Configuration);

    let fine = [
        ("bucket", text("b")),
        ("key", text("k")),
        ("assume_role", cty::Value::tuple(vec![role("tags", cty::Value::null(cty::Type::Dynamic))])),
        ("insecure", cty::Value::bool(false)),
        ("dynamodb_table", text("locks")),
    ];
    backend::open_root(directory.path(), Some(&block(&fine)), &context).unwrap();
    let error = backend::open(&Location::parse("s3://b/k?regoin=x").unwrap(), &context).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration);
}

#[tokio::test]
async fn a_region_must_be_known() {
    let error = open_url("s3://b/k", &played(|_| (200, vec![], ""))).get("default").await.unwrap_err();
    assert_eq!((error.kind, error.operation), (ErrorKind::Configuration, "find the bucket's region"));
}
