//! The credential chain.
//!
//! What the AWS tools agree on: keys in the environment, a web identity token, the profile (keys, a
//! role with its source, SSO, a process), the container, the machine. Machine and container are read
//! through the `reqsign` crates; profiles with roles and SSO sessions, which they do not know, here.

use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqsign_aws_v4::{ECSCredentialProvider, IMDSv2CredentialProvider};
use reqsign_core::{Context, FileRead, HttpSend, ProvideCredential, StaticEnv};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::session::Access;
use super::sso::SsoSource;
use super::sts::{RoleRequest, Sts};
use super::{Credentials, Profiles, Section};
use crate::{Environment, Error, ErrorKind, Network, Request, Transport};

/// Profiles that name each other as source, at most.
const MAX_SOURCE_DEPTH: usize = 8;
const PROCESS_TIMEOUT: Duration = Duration::from_mins(1);
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);
const SESSION_NAME: &str = "driftmgr";

/// Holds what fetching needs besides the source.
pub(super) struct Surroundings<'a> {
    pub(super) environment: &'a Environment,
    pub(super) network: &'a Network,
    pub(super) region: &'a str,
    pub(super) sts_endpoint: Url,
    pub(super) sso_endpoint: Option<Url>,
}

/// Names where credentials come from, worked out before any is fetched.
#[derive(Clone)]
pub(super) enum CredentialSource {
    Keys { credentials: Credentials, from: String },
    WebIdentity { role: RoleRequest, token_file: PathBuf },
    Sso(SsoSource),
    Process { command: String, profile: String },
    Container,
    Machine,
    Role { role: RoleRequest, with: Box<CredentialSource> },
    Chain(Vec<CredentialSource>),
}

impl CredentialSource {
    /// Works out the source from settings alone.
    pub(super) fn resolve(
        environment: &Environment,
        profiles: &Profiles,
        profile_name: &str,
        access: &Access,
    ) -> Result<Self, Error> {
        let mut chain = Vec::new();
        if access.profile.is_none() {
            chain.extend(keys_of_environment(environment)?);
            chain.extend(web_identity_of_environment(environment));
        }
        if chain.is_empty() {
            if let Some(profile) = profiles.profile(profile_name) {
                chain.extend(of_profile(environment, profiles, profile_name, profile, &mut Vec::new())?);
            }
            if access.profile.is_none() {
                if is_container(environment) {
                    chain.push(Self::Container);
                }
                if !environment.is_true("AWS_EC2_METADATA_DISABLED") {
                    chain.push(Self::Machine);
                }
            }
        }
        let base = if chain.len() == 1 { chain.remove(0) } else { Self::Chain(chain) };
        Ok(match &access.role_arn {
            None => base,
            Some(role_arn) => Self::Role {
                role: RoleRequest {
                    role_arn: role_arn.clone(),
                    session_name: SESSION_NAME.to_owned(),
                    external_id: access.external_id.clone(),
                    duration_seconds: None,
                },
                with: Box::new(base),
            },
        })
    }

    /// Fetches credentials.
    pub(super) async fn fetch(
        &self,
        surroundings: &Surroundings<'_>,
        cancel: &CancellationToken,
    ) -> Result<Credentials, Error> {
        let Surroundings { environment, network, region, sts_endpoint, sso_endpoint } = surroundings;
        match self {
            Self::Keys { credentials, .. } => Ok(credentials.clone()),
            Self::WebIdentity { role, token_file } => {
                let token = tokio::fs::read_to_string(token_file).await.map_err(|source| {
                    Error::new(ErrorKind::Credentials, "aws credentials", "the web identity token cannot be read")
                        .with_context("file", token_file.display().to_string())
                        .with_source(source)
                })?;
                let transport = network.unsigned();
                let sts = Sts { transport: transport.as_ref(), endpoint: sts_endpoint, region };
                sts.assume_role_with_web_identity(role, token.trim(), cancel).await
            }
            Self::Sso(sso) => sso.fetch(environment, network.unsigned().as_ref(), sso_endpoint.as_ref(), cancel).await,
            Self::Process { command, profile } => run_process(environment, command, profile, cancel).await,
            Self::Container => {
                let named = environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI").and_then(|uri| Url::parse(uri).ok());
                let transport = match named {
                    Some(url) => {
                        network.egress().allow_endpoint(&url);
                        network.unsigned()
                    }
                    None => network.metadata(METADATA_TIMEOUT),
                };
                let context = context(environment, transport, cancel);
                provided(ECSCredentialProvider::new().provide_credential(&context).await, self)
            }
            Self::Machine => {
                let transport =
                    match environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").and_then(|uri| Url::parse(uri).ok()) {
                        Some(url) => {
                            network.egress().allow_endpoint(&url);
                            network.unsigned()
                        }
                        None => network.metadata(METADATA_TIMEOUT),
                    };
                let context = context(environment, transport, cancel);
                provided(IMDSv2CredentialProvider::new().provide_credential(&context).await, self)
            }
            Self::Role { role, with } => {
                let credentials = Box::pin(with.fetch(surroundings, cancel)).await?;
                let transport = network.unsigned();
                let sts = Sts { transport: transport.as_ref(), endpoint: sts_endpoint, region };
                sts.assume_role(role, &credentials, cancel).await
            }
            Self::Chain(sources) => {
                let mut tried = Vec::new();
                for source in sources {
                    match Box::pin(source.fetch(surroundings, cancel)).await {
                        Ok(credentials) => return Ok(credentials),
                        Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
                        Err(error) => tried.push(format!("{source}: {}", error.message())),
                    }
                }
                let tried = if tried.is_empty() { String::new() } else { format!(" (tried {})", tried.join("; ")) };
                Err(Error::new(
                    ErrorKind::Credentials,
                    "aws credentials",
                    format!(
                        "no credentials were found{tried}: set AWS_PROFILE, log in with the AWS tools, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                    ),
                ))
            }
        }
    }
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys { from, .. } => write!(formatter, "keys of {from}"),
            Self::WebIdentity { role, .. } => write!(formatter, "role {} by web identity", role.role_arn),
            Self::Sso(sso) => write!(formatter, "{sso}"),
            Self::Process { profile, .. } => write!(formatter, "the credential process of profile {profile}"),
            Self::Container => formatter.write_str("the container"),
            Self::Machine => formatter.write_str("the machine's metadata service"),
            Self::Role { role, with } => write!(formatter, "role {} through {with}", role.role_arn),
            Self::Chain(sources) => {
                let names: Vec<String> = sources.iter().map(ToString::to_string).collect();
                if names.is_empty() {
                    formatter.write_str("nowhere")
                } else {
                    formatter.write_str(&names.join(", then "))
                }
            }
        }
    }
}

fn keys_of_environment(environment: &Environment) -> Result<Option<CredentialSource>, Error> {
    match (environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => Ok(Some(CredentialSource::Keys {
            credentials: Credentials::new(id, secret, environment.get("AWS_SESSION_TOKEN").map(str::to_owned), None),
            from: "the environment".to_owned(),
        })),
        (None, None) => Ok(None),
        (id, _) => Err(Error::new(
            ErrorKind::Configuration,
            "aws credentials",
            format!(
                "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set: set {} too, or unset both",
                if id.is_some() { "AWS_SECRET_ACCESS_KEY" } else { "AWS_ACCESS_KEY_ID" }
            ),
        )),
    }
}

fn web_identity_of_environment(environment: &Environment) -> Option<CredentialSource> {
    let token_file = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE")?;
    let role_arn = environment.get("AWS_ROLE_ARN")?;
    Some(CredentialSource::WebIdentity {
        role: RoleRequest {
            role_arn: role_arn.to_owned(),
            session_name: environment.get("AWS_ROLE_SESSION_NAME").unwrap_or(SESSION_NAME).to_owned(),
            external_id: None,
            duration_seconds: None,
        },
        token_file: environment.expand_home(token_file),
    })
}

fn is_container(environment: &Environment) -> bool {
    ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"]
        .iter()
        .any(|name| environment.get(name).is_some())
}

/// Reads where a profile's credentials come from; `None` for a profile that only holds settings.
fn of_profile(
    environment: &Environment,
    profiles: &Profiles,
    name: &str,
    profile: &Section,
    seen: &mut Vec<String>,
) -> Result<Option<CredentialSource>, Error> {
    let wrong = |what: String| Error::new(ErrorKind::Configuration, "aws profiles", what).with_context("profile", name);
    if seen.iter().any(|earlier| earlier == name) || seen.len() >= MAX_SOURCE_DEPTH {
        return Err(wrong(format!("source_profile goes round in a circle: {} -> {name}", seen.join(" -> "))));
    }
    seen.push(name.to_owned());

    if let Some(role_arn) = profile.get("role_arn") {
        let role = RoleRequest {
            role_arn: role_arn.clone(),
            session_name: profile.get("role_session_name").cloned().unwrap_or_else(|| SESSION_NAME.to_owned()),
            external_id: profile.get("external_id").cloned(),
            duration_seconds: profile.get("duration_seconds").cloned(),
        };
        if let Some(token_file) = profile.get("web_identity_token_file") {
            return Ok(Some(CredentialSource::WebIdentity { role, token_file: environment.expand_home(token_file) }));
        }
        if profile.contains_key("mfa_serial") {
            return Err(wrong(
                "the role asks for an MFA code, which is not asked for here: get a session with the AWS tools (`aws configure export-credentials --format env`) and pass its variables".to_owned(),
            ));
        }
        let with = match (profile.get("source_profile"), profile.get("credential_source").map(String::as_str)) {
            (Some(source_name), _) if source_name == name => keys_of_profile(name, profile)
                .ok_or_else(|| wrong("source_profile names the profile itself, which has no keys".to_owned()))?,
            (Some(source_name), _) => {
                let source = profiles
                    .profile(source_name)
                    .ok_or_else(|| wrong(format!("source_profile names {source_name:?}, which does not exist")))?;
                of_profile(environment, profiles, source_name, source, seen)?
                    .ok_or_else(|| wrong(format!("source_profile names {source_name:?}, which has no credentials")))?
            }
            (None, Some("Environment")) => keys_of_environment(environment)?
                .ok_or_else(|| wrong("credential_source is Environment, which has no keys".to_owned()))?,
            (None, Some("EcsContainer")) => CredentialSource::Container,
            (None, Some("Ec2InstanceMetadata")) => CredentialSource::Machine,
            (None, Some(other)) => {
                return Err(wrong(format!(
                    "credential_source is {other:?}: it is Environment, EcsContainer or Ec2InstanceMetadata"
                )));
            }
            (None, None) => {
                return Err(wrong(
                    "role_arn needs source_profile, credential_source or web_identity_token_file".to_owned(),
                ));
            }
        };
        return Ok(Some(CredentialSource::Role { role, with: Box::new(with) }));
    }
    if let Some(keys) = keys_of_profile(name, profile) {
        return Ok(Some(keys));
    }
    if profile.contains_key("sso_account_id") {
        return Ok(Some(CredentialSource::Sso(SsoSource::from_profile(profiles, name, profile)?)));
    }
    Ok(profile
        .get("credential_process")
        .map(|command| CredentialSource::Process { command: command.clone(), profile: name.to_owned() }))
}

fn keys_of_profile(name: &str, profile: &Section) -> Option<CredentialSource> {
    Some(CredentialSource::Keys {
        credentials: Credentials::new(
            profile.get("aws_access_key_id")?,
            profile.get("aws_secret_access_key")?,
            profile.get("aws_session_token").cloned(),
            None,
        ),
        from: format!("profile {name}"),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessReply {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<Timestamp>,
}

async fn run_process(
    environment: &Environment,
    command: &str,
    profile: &str,
    cancel: &CancellationToken,
) -> Result<Credentials, Error> {
    let fail = |message: &str| {
        Error::new(ErrorKind::Credentials, "aws credentials", format!("the credential process {message}"))
            .with_context("profile", profile)
    };
    let run = tokio::process::Command::new("sh")
        .arg("-c")
        .arg(command)
        .env_clear()
        .envs(environment.variables())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Error::new(ErrorKind::Cancelled, "aws credentials", "stopped before the credential process ended")),
        output = run => output.map_err(|source| fail("cannot be started").with_source(source))?,
        () = tokio::time::sleep(PROCESS_TIMEOUT) => return Err(fail("did not end within a minute")),
    };
    if !output.status.success() {
        return Err(fail("failed: run it by hand to see why").with_context("status", output.status.to_string()));
    }
    // The parser's own error would quote the output.
    let reply: ProcessReply =
        serde_json::from_slice(&output.stdout).map_err(|_| fail("printed no credentials as JSON"))?;
    if reply.version != 1 {
        return Err(fail("printed a version other than 1"));
    }
    Ok(Credentials::new(reply.access_key_id, reply.secret_access_key, reply.session_token, reply.expiration))
}

fn context(environment: &Environment, transport: Arc<dyn Transport>, cancel: &CancellationToken) -> Context {
    Context::new().with_file_read(ReadFiles).with_http_send(SendThrough { transport, cancel: cancel.clone() }).with_env(
        StaticEnv {
            home_dir: environment.home().map(PathBuf::from),
            envs: environment.variables().iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        },
    )
}

fn provided(
    result: reqsign_core::Result<Option<reqsign_aws_v4::Credential>>,
    source: &CredentialSource,
) -> Result<Credentials, Error> {
    match result {
        Ok(Some(found)) => {
            let expires_at = found.expires_in.and_then(|at| Timestamp::from_second(at.as_second()).ok());
            Ok(Credentials::new(found.access_key_id, found.secret_access_key, found.session_token, expires_at))
        }
        Ok(None) => Err(Error::new(ErrorKind::Credentials, "aws credentials", format!("{source} offers none"))),
        Err(error) => {
            // Replies of these services hold keys, so only the kind is kept of what the library says.
            let why = match error.kind() {
                reqsign_core::ErrorKind::PermissionDenied => "refuses to give any",
                reqsign_core::ErrorKind::ConfigInvalid => "has no role attached, or is set up wrongly",
                reqsign_core::ErrorKind::RateLimited => "asks for fewer calls",
                _ => "does not answer",
            };
            Err(Error::new(ErrorKind::Credentials, "aws credentials", why))
        }
    }
}

#[derive(Debug)]
struct ReadFiles;

impl FileRead for ReadFiles {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        tokio::fs::read(path).await.map_err(|source| {
            reqsign_core::Error::config_invalid("a credentials file cannot be read").with_source(source)
        })
    }
}

#[derive(Debug)]
struct SendThrough {
    transport: Arc<dyn Transport>,
    cancel: CancellationToken,
}

impl HttpSend for SendThrough {
    async fn http_send(&self, request: http::Request<Bytes>) -> reqsign_core::Result<http::Response<Bytes>> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|source| {
            reqsign_core::Error::config_invalid("a credentials address is no address").with_source(source)
        })?;
        let mut ours = Request::new("aws credentials", parts.method, url, Duration::from_secs(10));
        ours.headers = parts.headers;
        ours.body = body;
        let response = self
            .transport
            .send(ours, &self.cancel)
            .await
            .map_err(|error| reqsign_core::Error::unexpected("no answer").with_source(error))?;
        let mut theirs = http::Response::new(response.body);
        *theirs.status_mut() = response.status;
        *theirs.headers_mut() = response.headers;
        Ok(theirs)
    }
}
