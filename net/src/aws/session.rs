//! One account's way in.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::provider::{CredentialSource, Surroundings};
use super::sts::{self, CallerIdentity};
use super::{Credentials, Profiles};
use crate::sign::{Signer, SigningScope, aws_v4};
use crate::{Environment, Error, ErrorKind, Network, Request, Transport};

/// A failed search for credentials is not repeated for this long: hundreds of requests may ask.
const REMEMBER_FAILURE: Duration = Duration::from_secs(10);

/// Names whose credentials to use for an account.
///
/// Everything absent means what the AWS tools do without options: the environment, the profile that
/// `AWS_PROFILE` names or the default one, the container, the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// The profile; naming one here leaves out keys in the environment.
    pub profile: Option<String>,
    /// A role to assume with the credentials found.
    pub role_arn: Option<String>,
    /// The external id that the role asks for.
    pub external_id: Option<String>,
    /// The region, over that of the environment and the profile.
    pub region: Option<String>,
}

/// Names where a service of one region is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsEndpoint {
    /// The address.
    pub url: Url,
    /// Whether the user named it, for instance to point at an emulator.
    pub is_configured: bool,
}

/// Names a group of regions with accounts and host names of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AwsPartition {
    /// The id as it stands in ARNs.
    pub id: &'static str,
    /// The domain under which its services are.
    pub dns_suffix: &'static str,
    /// The region that services without regions are signed for.
    pub global_region: &'static str,
}

impl AwsPartition {
    /// Returns the partition of a region, by the region's prefix.
    pub fn of_region(region: &str) -> Self {
        let (id, dns_suffix, global_region) = match region {
            _ if region.starts_with("cn-") => ("aws-cn", "amazonaws.com.cn", "cn-north-1"),
            _ if region.starts_with("us-gov-") => ("aws-us-gov", "amazonaws.com", "us-gov-west-1"),
            _ if region.starts_with("us-iso-") => ("aws-iso", "c2s.ic.gov", "us-iso-east-1"),
            _ if region.starts_with("us-isob-") => ("aws-iso-b", "sc2s.sgov.gov", "us-isob-east-1"),
            _ if region.starts_with("eu-isoe-") => ("aws-iso-e", "cloud.adc-e.uk", "eu-isoe-west-1"),
            _ if region.starts_with("us-isof-") => ("aws-iso-f", "csp.hci.ic.gov", "us-isof-south-1"),
            _ if region.starts_with("eusc-") => ("aws-eusc", "amazonaws.eu", "eusc-de-east-1"),
            _ => ("aws", "amazonaws.com", "us-east-1"),
        };
        Self { id, dns_suffix, global_region }
    }

    /// Returns the domains of all partitions, for the egress guard.
    pub fn domains() -> Vec<String> {
        [
            "amazonaws.com",
            "amazonaws.com.cn",
            "api.aws",
            "c2s.ic.gov",
            "sc2s.sgov.gov",
            "cloud.adc-e.uk",
            "csp.hci.ic.gov",
            "amazonaws.eu",
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

/// Reads one account: knows its region and endpoints, signs for it, sends for it.
pub struct AwsSession {
    environment: Environment,
    profiles: Profiles,
    profile_name: String,
    region: Option<String>,
    network: Network,
    source: CredentialSource,
    cache: Mutex<Cache>,
    renewals: AtomicU64,
}

#[derive(Default)]
struct Cache {
    credentials: Option<(u64, Credentials)>,
    failure: Option<(Instant, ErrorKind, String)>,
}

impl AwsSession {
    /// Reads the shared files and works out where credentials come from; fetches none yet.
    ///
    /// Endpoints that environment and profile name are allowed through the egress guard.
    ///
    /// # Errors
    /// `Configuration` where the profile does not exist, is circular or incomplete, or an endpoint is
    /// not an address.
    pub async fn open(environment: Environment, access: &Access, network: Network) -> Result<Arc<Self>, Error> {
        let profiles = Profiles::load(&environment).await?;
        let profile_name = access
            .profile
            .clone()
            .or_else(|| environment.get("AWS_PROFILE").map(str::to_owned))
            .unwrap_or_else(|| "default".to_owned());
        let is_named = access.profile.is_some() || environment.get("AWS_PROFILE").is_some();
        if is_named && profiles.profile(&profile_name).is_none() {
            let known: Vec<&str> = profiles.names().collect();
            return Err(Error::new(
                ErrorKind::Configuration,
                "aws profiles",
                format!("there is no profile named {profile_name:?}: the shared files have {}", list(&known)),
            ));
        }
        let region = access
            .region
            .clone()
            .or_else(|| environment.get("AWS_REGION").map(str::to_owned))
            .or_else(|| environment.get("AWS_DEFAULT_REGION").map(str::to_owned))
            .or_else(|| profiles.profile(&profile_name).and_then(|profile| profile.get("region").cloned()));
        let source = CredentialSource::resolve(&environment, &profiles, &profile_name, access)?;
        let session = Self {
            environment,
            profiles,
            profile_name,
            region,
            network,
            source,
            cache: Mutex::default(),
            renewals: AtomicU64::new(0),
        };
        Ok(Arc::new(session))
    }

    /// Returns the region that environment or profile name.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Returns the profile in use.
    pub fn profile(&self) -> &str {
        &self.profile_name
    }

    /// Says in a few words where credentials are looked for, for errors and reports.
    pub fn source(&self) -> String {
        self.source.to_string()
    }

    /// Returns the network the session sends through.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Returns the endpoint that the user named for a service, by its SDK id, such as `S3` or `CloudWatch Logs`.
    ///
    /// The order is that of the AWS tools: the service's variable, the general variable, the service's
    /// setting in the profile, the general setting.
    ///
    /// # Errors
    /// `Configuration` where what was named is no http address.
    pub fn configured_endpoint(&self, sdk_id: &str) -> Result<Option<Url>, Error> {
        let variable = format!("AWS_ENDPOINT_URL_{}", sdk_id.to_ascii_uppercase().replace([' ', '-'], "_"));
        let setting = sdk_id.to_ascii_lowercase().replace([' ', '-'], "_");
        let profile = self.profiles.profile(&self.profile_name);
        let ignored = self.environment.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            || profile
                .and_then(|profile| profile.get("ignore_configured_endpoint_urls"))
                .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if ignored {
            return Ok(None);
        }
        let in_services = || {
            let section = profile?.get("services")?;
            self.profiles.service_setting(section, &setting, "endpoint_url")
        };
        let named = self
            .environment
            .get(&variable)
            .map(|value| (variable.as_str(), value))
            .or_else(|| self.environment.get("AWS_ENDPOINT_URL").map(|value| ("AWS_ENDPOINT_URL", value)))
            .or_else(|| in_services().map(|value| ("endpoint_url", value)))
            .or_else(|| profile?.get("endpoint_url").map(|value| ("endpoint_url", value.as_str())));
        let Some((name, value)) = named else { return Ok(None) };
        match Url::parse(value) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
                self.network.egress().allow_endpoint(&url);
                Ok(Some(url))
            }
            _ => Err(Error::new(
                ErrorKind::Configuration,
                "aws endpoints",
                format!("{name} is not an address: write it as http://host:port or https://host"),
            )
            .with_context("profile", self.profile_name.as_str())),
        }
    }

    /// Returns where a service is: what the user named, else `https://{host}`.
    ///
    /// # Errors
    /// `Configuration` where what the user named is no http address, or the host is none.
    pub fn endpoint(&self, sdk_id: &str, host: &str) -> Result<AwsEndpoint, Error> {
        if let Some(url) = self.configured_endpoint(sdk_id)? {
            return Ok(AwsEndpoint { url, is_configured: true });
        }
        let url = Url::parse(&format!("https://{host}/")).map_err(|source| {
            Error::new(ErrorKind::Configuration, "aws endpoints", format!("{host:?} is not a host name"))
                .with_source(source)
        })?;
        Ok(AwsEndpoint { url, is_configured: false })
    }

    /// Returns a transport that signs with this session's credentials.
    pub fn transport(self: &Arc<Self>) -> Arc<dyn Transport> {
        self.network.signed(Arc::new(SessionSigner { session: Arc::clone(self) }))
    }

    /// Returns credentials, fetching or renewing them where needed.
    ///
    /// # Errors
    /// `Credentials` where there are none, `Expired`, `Denied`, and what the network adds.
    pub async fn credentials(&self, cancel: &CancellationToken) -> Result<Credentials, Error> {
        let renewals = self.renewals.load(Ordering::Acquire);
        let mut cache = self.cache.lock().await;
        if let Some((generation, credentials)) = &cache.credentials {
            if *generation >= renewals && !credentials.needs_renewal(Timestamp::now()) {
                return Ok(credentials.clone());
            }
        }
        if let Some((at, kind, message)) = &cache.failure {
            if at.elapsed() < REMEMBER_FAILURE {
                return Err(Error::new(*kind, "aws credentials", message.clone())
                    .with_context("profile", self.profile_name.as_str()));
            }
        }
        let surroundings = Surroundings {
            environment: &self.environment,
            network: &self.network,
            region: self.sts_region(),
            sts_endpoint: self.sts_endpoint()?,
            sso_endpoint: self.configured_endpoint("SSO")?,
        };
        match self.source.fetch(&surroundings, cancel).await {
            Ok(credentials) => {
                cache.failure = None;
                cache.credentials = Some((renewals, credentials.clone()));
                Ok(credentials)
            }
            Err(error) => {
                if error.kind() != ErrorKind::Cancelled {
                    cache.failure = Some((Instant::now(), error.kind(), error.message().to_owned()));
                }
                Err(error)
            }
        }
    }

    /// Asks who the credentials belong to.
    ///
    /// # Errors
    /// As [`AwsSession::credentials`], and what the service answers.
    pub async fn caller_identity(self: &Arc<Self>, cancel: &CancellationToken) -> Result<CallerIdentity, Error> {
        sts::caller_identity(self.transport().as_ref(), &self.sts_endpoint()?, self.sts_region(), cancel).await
    }

    fn sts_endpoint(&self) -> Result<Url, Error> {
        let region = self.sts_region();
        let host = format!("sts.{region}.{}", AwsPartition::of_region(region).dns_suffix);
        Ok(self.endpoint("STS", &host)?.url)
    }

    fn sts_region(&self) -> &str {
        self.region.as_deref().unwrap_or("us-east-1")
    }
}

impl fmt::Debug for AwsSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AwsSession")
            .field("profile", &self.profile_name)
            .field("region", &self.region)
            .field("source", &self.source.to_string())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct SessionSigner {
    session: Arc<AwsSession>,
}

#[async_trait]
impl Signer for SessionSigner {
    async fn sign(&self, request: &mut Request, scope: &SigningScope, cancel: &CancellationToken) -> Result<(), Error> {
        let credentials = self.session.credentials(cancel).await?;
        aws_v4::sign(request, &credentials, scope, Timestamp::now())
    }

    fn renew(&self) {
        self.session.renewals.fetch_add(1, Ordering::AcqRel);
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
