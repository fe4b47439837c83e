//! What the engine makes of servers that misbehave: nothing is lost, nothing is invented.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use inventory::definition::{Catalog, DefinitionSource};
use inventory::engine::{Account, AccountRegions, DetailChoice, DiscoverRequest, Event, classifier, discover};
use model::{AccountId, CauseKind, Completeness, Region, RemoteObject, ScopeOutcome, ScopeStatus, Standing};
use net::egress::EgressPolicy;
use net::layer::{LimitConfig, RetryConfig};
use net::{Environment, Network, NetworkConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CLOUD: &str = r#"
schema: 1
title: Test cloud
provider: test/test
signing: sigv4
partitions:
  aws: {dns_suffix: test.invalid, global_region: us-east-1, pattern: '^[a-z]+-[a-z]+-\d$', regions: [us-east-1]}
limits: {requests_per_second: 1000, concurrency: 50}
services:
  svc: {protocol: json, target_prefix: Svc, json_version: "1.1", endpoint: "https://svc.{region}.{dns_suffix}"}
  xml: {protocol: query, api_version: "2020-01-01", endpoint: "https://xml.{region}.{dns_suffix}"}
  ec2: {protocol: ec2, api_version: "2016-11-15", endpoint: "https://ec2.{region}.{dns_suffix}"}
  sts: {protocol: query, api_version: "2011-06-15", endpoint: "https://sts.{region}.{dns_suffix}"}
errors: {throttled: [MyThrottle], denied: [MyDenied], disabled: [MyDisabled]}
managed_elsewhere:
  - when: {tag: "stack", exists: true}
    by: Stacker
    reason: "its tag names the stack"
caller: {service: sts, action: GetCallerIdentity, account: /Account, identity: /Arn}
source: {errors: https://example.com/errors}
"#;

const THING: &str = r#"
schema: 1
title: Thing
service: svc
scope: regional
list: {action: ListThings, items: /Things, page: {token: /Next, param: Next}}
details:
  more: {need: on_demand, action: GetThing, params: {Id: "{/Id}"}, result: /Thing, tolerate: [NoMore]}
skip_if: [{at: /State, equals: deleted}]
key: "{/Id}"
name: /Name
tags: {at: /Tags}
sensitive: [/Secret, /more/Secret]
attributes:
  name: /Name
  size: {at: /more/Size, type: number}
  note: /Note
terraform:
  - {type: test_thing, import_id: "{/Id}"}
permissions: [svc:ListThings, svc:GetThing]
source: {list: https://example.com/things}
"#;

const PART: &str = r#"
schema: 1
title: Part
service: svc
scope: regional
parent: {type: aws.thing}
list: {action: ListParts, params: {Id: "{parent/Id}"}, items: /Parts}
key: "{parent/Id}/{/Name}"
terraform:
  - {type: test_part, import_id: "{parent/Id}/{/Name}"}
permissions: [svc:ListParts]
source: {list: https://example.com/parts}
"#;

const USER: &str = r#"
schema: 1
title: User
service: xml
scope: global
list: {action: ListUsers, items: /Users, page: {token: /Marker, param: Marker, more: /IsTruncated}}
key: "{/Name}"
terraform:
  - {type: test_user, import_id: "{/Name}"}
permissions: [xml:ListUsers]
source: {list: https://example.com/users}
"#;

/// What was asked: the operation, and the body.
#[derive(Clone, Debug)]
struct Asked {
    operation: String,
    body: String,
    region: String,
}

enum Reply {
    Answer(u16, &'static str, String),
    Raw(String),
    Hang,
}

type Script = Arc<dyn Fn(&Asked, usize) -> Reply + Send + Sync>;

struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn ok(body: &str) -> Reply {
    Reply::Answer(200, "", body.to_owned())
}

fn refuse(status: u16, code: &str) -> Reply {
    Reply::Answer(status, "", format!(r#"{{"__type":"{code}","message":"because"}}"#))
}

async fn serve(script: Script) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&asked);
    let task = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(converse(socket, Arc::clone(&script), Arc::clone(&all)));
        }
    });
    Server { port, asked, task }
}

async fn converse(mut socket: TcpStream, script: Script, all: Arc<Mutex<Vec<Asked>>>) {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            let mut buffer = [0; 4096];
            match socket.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let header = |name: &str| {
            head.lines()
                .find_map(|line| line.strip_prefix(name))
                .map(|value| value.trim().to_owned())
                .unwrap_or_default()
        };
        let length: usize = header("content-length:").parse().unwrap_or(0);
        while bytes.len() < end + 4 + length {
            let mut buffer = [0; 4096];
            match socket.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            }
        }
        let body = String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned();
        bytes.drain(..end + 4 + length);
        let region = header("authorization:").split('/').nth(2).unwrap_or_default().to_owned();
        let target = header("x-amz-target:");
        let operation = match target.split_once('.') {
            Some((_, operation)) => operation.to_owned(),
            None => body
                .split('&')
                .next()
                .and_then(|first| first.strip_prefix("Action="))
                .unwrap_or_default()
                .to_lowercase(),
        };
        let asked = Asked { operation, body, region };
        let call = {
            let mut all = all.lock().unwrap();
            let call = all.iter().filter(|other| other.operation == asked.operation).count();
            all.push(asked.clone());
            call
        };
        let text = match script(&asked, call) {
            Reply::Answer(status, headers, body) => {
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
            }
            Reply::Raw(text) => {
                let _ = socket.write_all(text.as_bytes()).await;
                return;
            }
            Reply::Hang => {
                tokio::time::sleep(Duration::from_hours(1)).await;
                return;
            }
        };
        if socket.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn catalog() -> Arc<Catalog> {
    let sources =
        [("aws/cloud.yaml", CLOUD), ("aws/thing.yaml", THING), ("aws/part.yaml", PART), ("aws/user.yaml", USER)]
            .map(|(name, text)| DefinitionSource { name: name.to_owned(), text: Cow::Borrowed(text) });
    match Catalog::compile(&sources) {
        Ok(catalog) => Arc::new(catalog),
        Err(errors) => panic!("{errors}"),
    }
}

struct Seen {
    objects: Vec<RemoteObject>,
    outcomes: Vec<ScopeOutcome>,
}

impl Seen {
    fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.objects.iter().map(|object| object.key.to_string()).collect();
        keys.sort();
        keys
    }

    fn outcome(&self, native_type: &str) -> &ScopeOutcome {
        self.outcomes.iter().find(|outcome| outcome.scope.native_type.as_str() == native_type).unwrap()
    }
}

async fn look(server: &Server, types: &[&str], change: impl FnOnce(&mut DiscoverRequest)) -> Seen {
    look_until(server, types, change, usize::MAX).await
}

/// Cancels the request once so many objects were seen.
async fn look_until(server: &Server, types: &[&str], change: impl FnOnce(&mut DiscoverRequest), enough: usize) -> Seen {
    let catalog = catalog();
    let cloud = Arc::clone(catalog.cloud("aws").unwrap());
    let url = url::Url::parse(&format!("http://127.0.0.1:{}", server.port)).unwrap();
    let policy = EgressPolicy::default();
    policy.allow_endpoint(&url);
    let config = NetworkConfig {
        retry: RetryConfig {
            max_attempts: 3,
            first_wait: Duration::from_millis(2),
            longest_wait: Duration::from_millis(10),
            budget: 1000,
        },
        limit: LimitConfig { rate: 1000.0, burst: 1000, max_concurrency: 50 },
        attempt_timeout: Duration::from_secs(20),
        ..NetworkConfig::standard()
    };
    let network =
        Network::new(config, &Environment::default(), Arc::new(policy), classifier(Arc::clone(&cloud))).unwrap();
    let signer = Arc::new(FixedSigner);
    let account = Account::new(
        cloud,
        AccountId::from("123456789012"),
        "arn:aws:iam::123456789012:user/reader".to_owned(),
        network.signed(signer),
        Arc::new(move |_| Ok(Some(url.clone()))),
    );
    let regions = vec![Region::from("eu-west-1")];
    let types = types.iter().map(|name| (*name).to_owned()).collect();
    let mut request = DiscoverRequest::new(catalog, vec![AccountRegions { account, regions }], types);
    change(&mut request);
    let cancel = request.cancel.clone();
    let mut objects = Vec::new();
    let mut reported = Vec::new();
    let discovery = discover(request, &mut |event| match event {
        Event::Object(object) => {
            objects.push(*object);
            if objects.len() >= enough {
                cancel.cancel();
            }
        }
        Event::Scope(outcome) => reported.push(outcome.scope),
    })
    .await;
    reported.sort();
    let scopes: Vec<_> = discovery.outcomes.iter().map(|outcome| outcome.scope.clone()).collect();
    assert_eq!(reported, scopes, "each scope is reported exactly once");
    Seen { objects, outcomes: discovery.outcomes }
}

#[derive(Debug)]
struct FixedSigner;

#[async_trait::async_trait]
impl net::sign::Signer for FixedSigner {
    async fn sign(
        &self,
        request: &mut net::Request,
        scope: &net::sign::SigningScope,
        _cancel: &tokio_util::sync::CancellationToken,
    ) -> Result<(), net::Error> {
        let credentials = net::aws::Credentials::new("AKID", "secret", None, None);
        net::sign::aws_v4::sign(request, &credentials, scope, jiff::Timestamp::now())
    }

    fn renew(&self) {}
}

#[tokio::test]
async fn pages_details_children_and_tags_make_records() {
    let script: Script = Arc::new(|asked, _| match asked.operation.as_str() {
        "listthings" if !asked.body.contains("Next") => ok(
            r#"{"Things":[{"Id":"a","Name":"A","Tags":{"stack":"s"},"Secret":"planted"},{"Id":"gone","State":"deleted"}],"Next":"2"}"#,
        ),
        "listthings" => ok(r#"{"Things":[{"Id":"b","Name":"B","Note":"password=hunter22"},{"Id":"a"}],"Next":""}"#),
        "getthing" if asked.body.contains("\"a\"") => ok(r#"{"Thing":{"Size":"12","Secret":"planted"}}"#),
        "getthing" => refuse(400, "NoMore"),
        "listparts" if asked.body.contains("\"a\"") => ok(r#"{"Parts":[{"Name":"p"}]}"#),
        "listparts" => ok(r#"{"Parts":[]}"#),
        other => panic!("{other}"),
    });
    let server = serve(script).await;
    let seen = look(&server, &["aws.part"], |_| {}).await;
    assert_eq!(seen.keys(), ["a", "a/p", "b"]);
    let a = seen.objects.iter().find(|object| &*object.key.0 == "a").unwrap();
    assert_eq!(a.completeness, Completeness::Full);
    assert_eq!(a.attributes["size"], cty::Value::number(12_u64));
    assert_eq!(
        a.standing,
        Standing::ManagedElsewhere { by: "Stacker".into(), evidence: "its tag names the stack".into() }
    );
    assert_eq!(&*a.source, "svc:ListThings");
    let b = seen.objects.iter().find(|object| &*object.key.0 == "b").unwrap();
    assert!(!b.attributes.contains_key("note"), "a value that looks like a password is withheld");
    assert_eq!(b.completeness, Completeness::Full, "a tolerated refusal is an answer");
    let part = seen.objects.iter().find(|object| &*object.key.0 == "a/p").unwrap();
    assert_eq!(part.parent.as_ref().unwrap().1, a.key);
    assert!(!format!("{:?}", seen.objects).contains("planted"));
    let things = seen.outcome("aws.thing");
    assert_eq!((things.status, things.n_objects, things.causes.len()), (ScopeStatus::Complete, 2, 0));
    assert_eq!(things.calls, BTreeMap::from([("svc:GetThing".into(), 3), ("svc:ListThings".into(), 2)]));
    assert_eq!(seen.outcome("aws.part").status, ScopeStatus::Complete);
}

#[tokio::test]
async fn refusals_fail_the_scope_and_say_what_to_do() {
    for (status, code, kind, help) in [
        (
            400,
            "AccessDeniedException",
            CauseKind::Denied,
            "Allow svc:ListThings, svc:GetThing to arn:aws:iam::123456789012:user/reader",
        ),
        (403, "MyDenied", CauseKind::Denied, "leave the type out"),
        (400, "MyDisabled", CauseKind::RegionUnavailable, "eu-west-1"),
        (403, "OptInRequired", CauseKind::RegionUnavailable, "eu-west-1"),
        (400, "UnrecognizedClientException", CauseKind::Credentials, "may not be enabled"),
        (400, "ExpiredTokenException", CauseKind::Credentials, "renew them"),
        (400, "MyThrottle", CauseKind::Throttled, "lower rate"),
        (500, "InternalFailure", CauseKind::ServerError, "failed more often"),
        (400, "ValidationException", CauseKind::InvalidReply, "the definition needs correcting"),
    ] {
        let server = serve(Arc::new(move |_, _| refuse(status, code))).await;
        let seen = look(&server, &["aws.thing"], |_| {}).await;
        let outcome = seen.outcome("aws.thing");
        assert_eq!(outcome.status, ScopeStatus::Failed, "{code}");
        assert_eq!(outcome.causes[0].kind, kind, "{code}: {:?}", outcome.causes);
        assert!(outcome.causes[0].detail.contains(help), "{code}: {}", outcome.causes[0].detail);
        assert!(seen.objects.is_empty());
    }
}

#[tokio::test]
async fn throttling_that_passes_is_no_failure() {
    let server = serve(Arc::new(|_, call| match call {
        0 => Reply::Answer(429, "retry-after: 1\r\n", String::new()),
        1 => refuse(400, "MyThrottle"),
        _ => ok(r#"{"Things":[]}"#),
    }))
    .await;
    let start = Instant::now();
    let seen = look(&server, &["aws.thing"], |_| {}).await;
    let outcome = seen.outcome("aws.thing");
    assert_eq!((outcome.status, outcome.calls["svc:ListThings"]), (ScopeStatus::Complete, 3));
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_failing_later_page_leaves_a_partial_scope() {
    let server = serve(Arc::new(|asked, _| {
        if asked.body.contains("Next") {
            refuse(500, "InternalFailure")
        } else {
            ok(r#"{"Things":[{"Id":"a"}],"Next":"2"}"#)
        }
    }))
    .await;
    let seen = look(&server, &["aws.thing"], |request| request.details = DetailChoice::Required).await;
    let outcome = seen.outcome("aws.thing");
    assert_eq!((outcome.status, outcome.n_objects), (ScopeStatus::Partial, 1));
    assert_eq!(outcome.causes[0].kind, CauseKind::ServerError);
    assert_eq!(seen.objects[0].completeness, Completeness::Summary);
}

#[tokio::test]
async fn page_tokens_that_never_end_are_noticed() {
    let server = serve(Arc::new(|_, _| ok(r#"{"Things":[{"Id":"a"}],"Next":"same"}"#))).await;
    let seen = look(&server, &["aws.thing"], |request| request.details = DetailChoice::Required).await;
    let outcome = seen.outcome("aws.thing");
    assert_eq!((outcome.status, outcome.causes[0].kind), (ScopeStatus::Partial, CauseKind::InvalidReply));
    assert!(outcome.causes[0].detail.contains("same page token twice"), "{:?}", outcome.causes);
    assert_eq!(outcome.calls["svc:ListThings"], 2);

    let server = serve(Arc::new(|_, call| ok(&format!(r#"{{"Things":[],"Next":"{call}"}}"#)))).await;
    let seen = look(&server, &["aws.thing"], |request| request.max_pages = 5).await;
    let outcome = seen.outcome("aws.thing");
    assert_eq!(outcome.calls["svc:ListThings"], 5);
    assert!(outcome.causes[0].detail.contains("more pages than the limit"), "{:?}", outcome.causes);
    assert_eq!(outcome.status, ScopeStatus::Partial);
}

#[tokio::test]
async fn replies_that_cannot_be_read_fail_the_scope_without_being_quoted() {
    for (native_type, body) in [
        ("aws.thing", r#"{"Things":[{"Id": planted"#),
        ("aws.thing", "<html>planted</html>"),
        ("aws.user", "<ListUsersResponse><planted>"),
        ("aws.user", "<!DOCTYPE a [<!ENTITY b \"planted\">]><ListUsersResponse>&b;</ListUsersResponse>"),
        ("aws.user", "{\"planted\": true}"),
    ] {
        let server = serve(Arc::new(move |_, _| ok(body))).await;
        let seen = look(&server, &[native_type], |_| {}).await;
        let outcome = seen.outcome(native_type);
        assert_eq!(outcome.status, ScopeStatus::Failed, "{body}");
        assert_eq!(outcome.causes[0].kind, CauseKind::InvalidReply, "{body}: {:?}", outcome.causes);
        assert!(!outcome.causes[0].detail.contains("planted"), "{:?}", outcome.causes);
    }
    let huge = format!("{{\"Things\":[{{\"Id\":\"{}\"}}]}}", "x".repeat(33 << 20));
    let server = serve(Arc::new(move |_, _| ok(&huge))).await;
    let seen = look(&server, &["aws.thing"], |_| {}).await;
    let outcome = seen.outcome("aws.thing");
    assert_eq!((outcome.status, outcome.causes[0].kind), (ScopeStatus::Failed, CauseKind::InvalidReply));
    assert!(outcome.causes[0].detail.contains("over the limit"), "{:?}", outcome.causes);

    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let server = serve(Arc::new(move |_, _| ok(&nested))).await;
    assert_eq!(look(&server, &["aws.thing"], |_| {}).await.outcome("aws.thing").status, ScopeStatus::Failed);
}

#[tokio::test]
async fn sockets_that_break_or_hang_fail_the_scope_in_time() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"Things\"";
    let server = serve(Arc::new(move |_, _| Reply::Raw(cut.to_owned()))).await;
    let seen = look(&server, &["aws.thing"], |_| {}).await;
    assert_eq!(seen.outcome("aws.thing").causes[0].kind, CauseKind::Unreachable);

    let server = serve(Arc::new(|_, _| Reply::Hang)).await;
    let start = Instant::now();
    let seen = look(&server, &["aws.thing"], |request| request.type_deadline = Duration::from_millis(500)).await;
    assert_eq!(seen.outcome("aws.thing").causes[0].kind, CauseKind::Timeout);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_failing_scope_leaves_the_others_alone() {
    let server = serve(Arc::new(|asked, _| match (asked.operation.as_str(), asked.region.as_str()) {
        ("listthings", "eu-west-1") => refuse(400, "MyDenied"),
        ("listthings", _) => ok(r#"{"Things":[{"Id":"a"}]}"#),
        _ => ok("<ListUsersResponse><ListUsersResult><IsTruncated>false</IsTruncated><Users><member><Name>u</Name></member></Users></ListUsersResult></ListUsersResponse>"),
    }))
    .await;
    let seen = look(&server, &["aws.thing", "aws.user", "aws.absent"], |request| {
        request.details = DetailChoice::Required;
        request.accounts[0].regions = ["nowhere", "eu-west-1", "eu-west-2"].map(Region::from).to_vec();
    })
    .await;
    assert_eq!(seen.keys(), ["a", "u"]);
    let statuses: Vec<_> = seen.outcomes.iter().map(|outcome| (outcome.scope.to_string(), outcome.status)).collect();
    let expect = [
        ("123456789012/global/aws.absent", ScopeStatus::Failed),
        ("123456789012/global/aws.user", ScopeStatus::Complete),
        ("123456789012/eu-west-1/aws.thing", ScopeStatus::Failed),
        ("123456789012/eu-west-2/aws.thing", ScopeStatus::Complete),
        ("123456789012/nowhere/aws.thing", ScopeStatus::Failed),
    ];
    assert_eq!(statuses, expect.map(|(scope, status)| (scope.to_owned(), status)));
    assert_eq!(seen.outcome("aws.absent").causes[0].kind, CauseKind::NoDefinition);
    let users = server.asked.lock().unwrap().iter().filter(|asked| asked.operation == "listusers").count();
    assert_eq!(users, 1, "a global type is asked once, not once a region");
}

#[tokio::test]
async fn children_of_unseen_parents_are_undetermined() {
    let server = serve(Arc::new(|_, _| refuse(400, "MyDenied"))).await;
    let seen = look(&server, &["aws.part"], |_| {}).await;
    let parts = seen.outcome("aws.part");
    assert_eq!((parts.status, parts.causes[0].kind), (ScopeStatus::Failed, CauseKind::ParentNotSeen));

    let server = serve(Arc::new(|asked, _| match asked.operation.as_str() {
        "listthings" if asked.body.contains("Next") => refuse(400, "MyDenied"),
        "listthings" => ok(r#"{"Things":[{"Id":"a"},{"Id":"b"},{"Id":"c"}],"Next":"2"}"#),
        _ if asked.body.contains("\"a\"") => ok(r#"{"Parts":[{"Name":"p"}]}"#),
        _ if asked.body.contains("\"b\"") => refuse(400, "ResourceNotFoundException"),
        _ => refuse(400, "MyDenied"),
    }))
    .await;
    let seen = look(&server, &["aws.part"], |request| request.details = DetailChoice::Required).await;
    assert_eq!(seen.keys(), ["a", "a/p", "b", "c"]);
    let parts = seen.outcome("aws.part");
    assert_eq!(parts.status, ScopeStatus::Partial);
    let kinds: Vec<_> = parts.causes.iter().map(|cause| cause.kind).collect();
    assert_eq!(
        kinds,
        [CauseKind::Denied, CauseKind::ParentNotSeen],
        "b is gone, which is no cause: {:?}",
        parts.causes
    );
}

#[tokio::test]
async fn a_failing_detail_is_told_of_its_object_and_the_scope_stays_complete() {
    let server = serve(Arc::new(|asked, _| match asked.operation.as_str() {
        "listthings" => ok(r#"{"Things":[{"Id":"a"},{"Id":"b"}]}"#),
        _ if asked.body.contains("\"a\"") => refuse(400, "MyDenied"),
        _ => ok(r#"{"Thing":{"Size":1}}"#),
    }))
    .await;
    let seen = look(&server, &["aws.thing"], |_| {}).await;
    let outcome = seen.outcome("aws.thing");
    assert_eq!((outcome.status, outcome.n_objects), (ScopeStatus::Complete, 2), "all were listed: absence is proved");
    assert_eq!(outcome.causes[0].kind, CauseKind::Denied);
    let a = seen.objects.iter().find(|object| &*object.key.0 == "a").unwrap();
    assert_eq!((a.completeness, a.cause.as_ref().unwrap().kind), (Completeness::Summary, CauseKind::Denied));
    assert!(!a.attributes.contains_key("size"));
    let b = seen.objects.iter().find(|object| &*object.key.0 == "b").unwrap();
    assert_eq!((b.completeness, b.cause.as_ref()), (Completeness::Full, None));
}

#[tokio::test]
async fn details_are_fetched_for_recorded_objects_only_where_asked_so() {
    let server = serve(Arc::new(|asked, _| match asked.operation.as_str() {
        "listthings" => ok(r#"{"Things":[{"Id":"a"},{"Id":"b"}]}"#),
        _ => ok(r#"{"Thing":{"Size":1}}"#),
    }))
    .await;
    let recorded = Arc::new(["b".to_owned()].into_iter().collect());
    let seen = look(&server, &["aws.thing"], |request| request.details = DetailChoice::Recorded(recorded)).await;
    assert_eq!(seen.outcome("aws.thing").calls["svc:GetThing"], 1);
    let levels: Vec<_> = seen.objects.iter().map(|object| (object.key.to_string(), object.completeness)).collect();
    assert_eq!(levels, [("a".to_owned(), Completeness::Summary), ("b".to_owned(), Completeness::Full)]);
}

#[tokio::test]
async fn an_object_without_its_key_is_a_gap_and_sinks_nothing() {
    let server = serve(Arc::new(|_, _| ok(r#"{"Things":[{"Name":"no id"},{"Id":"a"},17]}"#))).await;
    let seen = look(&server, &["aws.thing"], |request| request.details = DetailChoice::Required).await;
    let outcome = seen.outcome("aws.thing");
    assert_eq!((seen.keys(), outcome.status), (vec!["a".to_owned()], ScopeStatus::Partial));
    assert_eq!(outcome.causes[0].kind, CauseKind::InvalidReply);
}

#[tokio::test]
async fn cancelling_keeps_what_was_seen_and_says_so() {
    let server = serve(Arc::new(|asked, _| match asked.operation.as_str() {
        "listthings" if asked.region == "eu-west-1" => ok(r#"{"Things":[{"Id":"a"}]}"#),
        _ => Reply::Hang,
    }))
    .await;
    let start = Instant::now();
    let change = |request: &mut DiscoverRequest| {
        request.details = DetailChoice::Required;
        request.accounts[0].regions = ["eu-west-1", "eu-west-2"].map(Region::from).to_vec();
    };
    let seen = look_until(&server, &["aws.thing", "aws.user"], change, 1).await;
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(seen.keys(), ["a"]);
    let cancelled =
        seen.outcomes.iter().filter(|outcome| outcome.causes.iter().any(|cause| cause.kind == CauseKind::Cancelled));
    assert_eq!(cancelled.count(), 2);
    assert_eq!(seen.outcomes.iter().filter(|outcome| outcome.status == ScopeStatus::Complete).count(), 1);
}
