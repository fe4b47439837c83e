//! The credential chain, profile by profile, against files on disk and a server that plays STS, SSO,
//! container and machine.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::support::{Script, Server, reply};
use net::aws::{self, Access, AwsPartition, AwsSession};
use net::egress::EgressPolicy;
use net::layer::RetryConfig;
use net::{Environment, Error, ErrorKind, Network, NetworkConfig};
use tokio_util::sync::CancellationToken;

fn script() -> Script {
    Arc::new(|seen, _| {
        let path = seen.line.split(' ').nth(1).unwrap_or_default();
        let who = |account: &str| {
            reply(
                "200 OK",
                "",
                &format!(
                    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/u</Arn><UserId>U</UserId><Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
                ),
            )
        };
        let keys = |id: &str| {
            reply(
                "200 OK",
                "",
                &format!(
                    "<R><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>secret-{id}</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></R>"
                ),
            )
        };
        let authorization = seen.headers.get("authorization").cloned().unwrap_or_default();
        if seen.body.contains("Action=AssumeRoleWithWebIdentity") {
            assert!(authorization.is_empty() && seen.body.contains("WebIdentityToken=tok%2Fen"), "{}", seen.body);
            return keys("WEB");
        }
        if seen.body.contains("Action=AssumeRole&") {
            if seen.body.contains("role%2Fforbidden") {
                return reply(
                    "403 Forbidden",
                    "",
                    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>",
                );
            }
            let by = if authorization.contains("Credential=BASE/") { "BASE" } else { "ROLE" };
            return keys(if by == "BASE" { "ROLE" } else { "CHAINED" });
        }
        if seen.body.contains("Action=GetCallerIdentity") {
            for (key, account) in [
                ("BASE", "1"),
                ("ENV", "2"),
                ("ROLE", "3"),
                ("CHAINED", "4"),
                ("WEB", "5"),
                ("SSO", "6"),
                ("PROC", "7"),
                ("ECS", "8"),
                ("IMDS", "9"),
            ] {
                if authorization.contains(&format!("Credential={key}/")) {
                    return who(account);
                }
            }
            if authorization.contains("Credential=OLD") {
                return reply(
                    "400 Bad Request",
                    "",
                    "<E><Error><Code>ExpiredToken</Code><Message>old</Message></Error></E>",
                );
            }
            return reply(
                "403 Forbidden",
                "",
                "<E><Error><Code>InvalidClientTokenId</Code><Message>unknown key</Message></Error></E>",
            );
        }
        if path.starts_with("/federation/credentials") {
            assert_eq!(seen.headers["x-amz-sso_bearer_token"], "bearer");
            assert!(path.contains("role_name=Reader&account_id=6"), "{path}");
            return reply(
                "200 OK",
                "",
                r#"{"roleCredentials":{"accessKeyId":"SSO","secretAccessKey":"s","sessionToken":"t","expiration":4070908800000}}"#,
            );
        }
        if path == "/ecs" {
            return reply(
                "200 OK",
                "",
                r#"{"AccessKeyId":"ECS","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}"#,
            );
        }
        match path {
            "/latest/api/token" => reply("200 OK", "", "imds-token"),
            "/latest/meta-data/iam/security-credentials/" => {
                assert_eq!(seen.headers["x-aws-ec2-metadata-token"], "imds-token");
                reply("200 OK", "", "role")
            }
            "/latest/meta-data/iam/security-credentials/role" => reply(
                "200 OK",
                "",
                r#"{"Code":"Success","AccessKeyId":"IMDS","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}"#,
            ),
            other => {
                panic!("unexpected {other} {}", seen.body)
            }
        }
    })
}

struct Home {
    directory: tempfile::TempDir,
    server: Server,
}

impl Home {
    async fn new(config: &str, credentials: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let aws = directory.path().join(".aws");
        std::fs::create_dir_all(aws.join("sso/cache")).unwrap();
        std::fs::write(aws.join("config"), config).unwrap();
        std::fs::write(aws.join("credentials"), credentials).unwrap();
        Self { directory, server: Server::start(script()).await }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn environment(&self, variables: &[(&str, &str)]) -> Environment {
        let endpoint = self.server.url("/").to_string();
        let base = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("PATH", "/usr/bin:/bin"),
        ];
        let all = base.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Environment::new(all, Some(self.path().to_owned()))
    }

    async fn account(&self, variables: &[(&str, &str)], access: Access) -> Result<String, Error> {
        let environment = self.environment(variables);
        let config = NetworkConfig {
            retry: RetryConfig { first_wait: Duration::from_millis(5), ..RetryConfig::standard() },
            ..NetworkConfig::standard()
        };
        let policy = Arc::new(EgressPolicy::new(AwsPartition::domains()));
        let network = Network::new(config, &environment, policy, Arc::new(aws::classify))?;
        let session = AwsSession::open(environment, &access, network).await?;
        Ok(session.caller_identity(&CancellationToken::new()).await?.account)
    }
}

fn profile(name: &str) -> Access {
    Access { profile: Some(name.to_owned()), ..Access::default() }
}

const CONFIG: &str = "
[default]
aws_access_key_id = BASE
aws_secret_access_key = base
[profile role]
role_arn = arn:aws:iam::3:role/r
source_profile = default
external_id = x
[profile chained]
role_arn = arn:aws:iam::4:role/r
source_profile = role
[profile forbidden]
role_arn = arn:aws:iam::4:role/forbidden
source_profile = default
[profile a]
role_arn = arn:aws:iam::4:role/r
source_profile = b
[profile b]
role_arn = arn:aws:iam::4:role/r
source_profile = a
[profile mfa]
role_arn = arn:aws:iam::4:role/r
source_profile = default
mfa_serial = arn:aws:iam::4:mfa/u
[profile from-env]
role_arn = arn:aws:iam::3:role/r
credential_source = Environment
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://corp.example/start
[profile sso]
sso_session = corp
sso_account_id = 6
sso_role_name = Reader
[profile process]
credential_process = printf '{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\"}' \"PROC\"
[profile broken-process]
credential_process = echo planted-secret
[profile empty]
region = us-west-2
[profile old]
aws_access_key_id = OLD
aws_secret_access_key = old
[profile stranger]
aws_access_key_id = STRANGER
aws_secret_access_key = s
";

#[tokio::test]
async fn every_source_is_found() {
    let home = Home::new(CONFIG, "").await;
    assert_eq!(home.account(&[], Access::default()).await.unwrap(), "1");
    let keys = [("AWS_ACCESS_KEY_ID", "ENV"), ("AWS_SECRET_ACCESS_KEY", "e")];
    assert_eq!(home.account(&keys, Access::default()).await.unwrap(), "2", "keys of the environment come first");
    assert_eq!(home.account(&keys, profile("default")).await.unwrap(), "1", "unless a profile is asked for");
    assert_eq!(home.account(&[], profile("role")).await.unwrap(), "3");
    assert_eq!(home.account(&[("AWS_PROFILE", "role")], Access::default()).await.unwrap(), "3");
    assert_eq!(home.account(&[], profile("chained")).await.unwrap(), "4");
    let assumed = Access { role_arn: Some("arn:aws:iam::3:role/r".to_owned()), ..Access::default() };
    assert_eq!(home.account(&[], assumed).await.unwrap(), "3");
    let base = [("AWS_ACCESS_KEY_ID", "BASE"), ("AWS_SECRET_ACCESS_KEY", "e")];
    assert_eq!(home.account(&base, profile("from-env")).await.unwrap(), "3");
    assert_eq!(home.account(&[], profile("process")).await.unwrap(), "7");

    let token = home.path().join("token");
    std::fs::write(&token, "tok/en\n").unwrap();
    let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()), ("AWS_ROLE_ARN", "arn:aws:iam::5:role/w")];
    assert_eq!(home.account(&web, Access::default()).await.unwrap(), "5");
}

#[tokio::test]
async fn container_and_machine_come_last() {
    let home = Home::new("", "").await;
    let container = home.server.url("/ecs").to_string();
    assert_eq!(
        home.account(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container)], Access::default()).await.unwrap(),
        "8"
    );
    let machine = home.server.url("").to_string();
    let machine = machine.trim_end_matches('/');
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine), ("AWS_EC2_METADATA_DISABLED", "false")];
    assert_eq!(home.account(&variables, Access::default()).await.unwrap(), "9");
    let error = home.account(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine)], Access::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials, "a machine that is switched off is not asked: {error}");
    assert!(error.to_string().contains("AWS_PROFILE"), "{error}");
}

#[tokio::test]
async fn an_sso_login_of_the_aws_tools_is_used() {
    let home = Home::new(CONFIG, "").await;
    let error = home.account(&[], profile("sso")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired);
    assert!(error.to_string().contains("aws sso login --profile sso"), "{error}");

    // The name is the SHA-1 of the session's name, as the AWS tools have it.
    let file = home.path().join(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json");
    std::fs::write(&file, r#"{"accessToken":"bearer","expiresAt":"2000-01-01T00:00:00Z"}"#).unwrap();
    let error = home.account(&[], profile("sso")).await.unwrap_err();
    assert!(error.to_string().contains("has expired"), "{error}");
    std::fs::write(&file, r#"{"accessToken":"bearer","expiresAt":"2099-01-01T00:00:00UTC"}"#).unwrap();
    assert_eq!(home.account(&[], profile("sso")).await.unwrap(), "6");
}

#[tokio::test]
async fn wrong_settings_say_what_to_do() {
    let home = Home::new(CONFIG, "").await;
    for (name, kind, part) in [
        ("nobody", ErrorKind::Configuration, "there is no profile named \"nobody\""),
        ("a", ErrorKind::Configuration, "circle"),
        ("mfa", ErrorKind::Configuration, "MFA"),
        ("from-env", ErrorKind::Configuration, "credential_source is Environment"),
        ("empty", ErrorKind::Credentials, "no credentials were found"),
        ("broken-process", ErrorKind::Credentials, "printed no credentials"),
        ("forbidden", ErrorKind::Denied, "not you"),
        ("old", ErrorKind::Expired, "old"),
        ("stranger", ErrorKind::Credentials, "unknown key"),
    ] {
        let error = home.account(&[], profile(name)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.to_string().contains(part), "{name}: {error}");
        assert!(!format!("{error:?}").contains("planted-secret"), "{error:?}");
    }
    let half = [("AWS_ACCESS_KEY_ID", "ENV")];
    let error = home.account(&half, Access::default()).await.unwrap_err();
    assert!(error.to_string().contains("set AWS_SECRET_ACCESS_KEY too"), "{error}");
}

/// The service calls the first credentials expired, whatever their own date says: new ones are fetched, once.
#[tokio::test]
async fn credentials_that_the_service_calls_expired_are_renewed() {
    let script = "test -f used && id=PROC || id=OLD; touch used; echo '{\"Version\":1,\"SecretAccessKey\":\"s\",\"AccessKeyId\":\"'$id'\"}'";
    let home = Home::new("", "").await;
    let file = home.path().join("process.sh");
    std::fs::write(&file, format!("cd {}\n{script}\n", home.path().display())).unwrap();
    let config = format!("[profile renewed]\ncredential_process = sh {}\n", file.display());
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    assert_eq!(home.account(&[], profile("renewed")).await.unwrap(), "7");
    assert_eq!(home.server.seen().len(), 2);
}

#[tokio::test]
async fn endpoints_come_in_the_order_of_the_aws_tools() {
    let config = "[default]\nregion = eu-north-1\nendpoint_url = http://profile.test\nservices = s\n\
                  [services s]\ncloudwatch_logs =\n  endpoint_url = http://profile-logs.test\n";
    let home = Home::new(config, "").await;
    let open = async |variables: &[(&str, &str)]| {
        let all = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment::new(all, Some(home.path().to_owned()));
        let policy = Arc::new(EgressPolicy::new(AwsPartition::domains()));
        let network = Network::new(NetworkConfig::standard(), &environment, policy, Arc::new(aws::classify)).unwrap();
        AwsSession::open(environment, &Access::default(), network).await.unwrap()
    };
    let check = |session: &AwsSession, sdk_id: &str, expect: Option<&str>| {
        let found = session.configured_endpoint(sdk_id).unwrap();
        assert_eq!(found.as_ref().map(url::Url::as_str), expect, "{sdk_id}");
    };
    let session = open(&[]).await;
    assert_eq!(session.region(), Some("eu-north-1"));
    check(&session, "EC2", Some("http://profile.test/"));
    check(&session, "CloudWatch Logs", Some("http://profile-logs.test/"));
    let session = open(&[("AWS_ENDPOINT_URL", "http://all.test"), ("AWS_ENDPOINT_URL_EC2", "http://ec2.test")]).await;
    check(&session, "EC2", Some("http://ec2.test/"));
    check(&session, "CloudWatch Logs", Some("http://all.test/"));
    let session =
        open(&[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"), ("AWS_ENDPOINT_URL", "http://all.test")]).await;
    check(&session, "EC2", None);
    let endpoint = session.endpoint("EC2", "ec2.eu-north-1.amazonaws.com").unwrap();
    assert_eq!((endpoint.url.as_str(), endpoint.is_configured), ("https://ec2.eu-north-1.amazonaws.com/", false));
    let session = open(&[("AWS_ENDPOINT_URL_EC2", "localhost:5000")]).await;
    assert_eq!(session.configured_endpoint("EC2").unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn unreadable_files_are_named() {
    let home = Home::new("", "").await;
    std::fs::write(home.path().join(".aws/config"), [0xff, 0xfe, 0x00]).unwrap();
    let error = home.account(&[], Access::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains(".aws/config"), "{error}");
}
