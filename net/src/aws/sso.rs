//! Credentials of an SSO login that another tool made.
//!
//! The login itself (`aws sso login`) is interactive and stays with the AWS tools; this reads the
//! token they keep. The `reqsign` crates know no `sso-session` sections, so this piece is ours.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use reqsign_core::hash::hex_sha1;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{AwsPartition, Credentials, Fault, Profiles, Section};
use crate::sign::aws_v4::percent_encode;
use crate::{Environment, Error, ErrorKind, Request, Transport};

const OPERATION: &str = "sso:GetRoleCredentials";

/// Names a role to be had through an SSO login.
#[derive(Debug, Clone)]
pub(super) struct SsoSource {
    profile: String,
    /// The session's name, or the start URL of a profile without `sso-session`.
    cache_key: String,
    region: String,
    account_id: String,
    role_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CachedToken {
    access_token: String,
    expires_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleCredentialsReply {
    role_credentials: RoleCredentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleCredentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: i64,
}

impl SsoSource {
    /// Reads the settings of a profile that has `sso_account_id` or `sso_session`.
    pub(super) fn from_profile(profiles: &Profiles, name: &str, profile: &Section) -> Result<Self, Error> {
        let session = match profile.get("sso_session") {
            Some(session_name) => Some((
                session_name,
                profiles
                    .sso_session(session_name)
                    .ok_or_else(|| wrong(name, format!("sso_session names {session_name:?}, which has no section")))?,
            )),
            None => None,
        };
        let setting = |key: &str| {
            session
                .and_then(|(_, section)| section.get(key))
                .or_else(|| profile.get(key))
                .cloned()
                .ok_or_else(|| wrong(name, format!("{key} is missing")))
        };
        let cache_key = match session {
            Some((session_name, _)) => session_name.clone(),
            None => setting("sso_start_url")?,
        };
        Ok(Self {
            profile: name.to_owned(),
            cache_key,
            region: setting("sso_region")?,
            account_id: setting("sso_account_id")?,
            role_name: setting("sso_role_name")?,
        })
    }

    pub(super) async fn fetch(
        &self,
        environment: &Environment,
        transport: &dyn Transport,
        configured_endpoint: Option<&Url>,
        cancel: &CancellationToken,
    ) -> Result<Credentials, Error> {
        let token = self.token(environment).await?;
        let base = match configured_endpoint {
            Some(endpoint) => endpoint.as_str().trim_end_matches('/').to_owned(),
            None => format!("https://portal.sso.{}.{}", self.region, AwsPartition::of_region(&self.region).dns_suffix),
        };
        let text = format!(
            "{base}/federation/credentials?role_name={}&account_id={}",
            percent_encode(&self.role_name),
            percent_encode(&self.account_id)
        );
        let url = Url::parse(&text)
            .map_err(|source| wrong(&self.profile, "sso_region makes no host name".to_owned()).with_source(source))?;
        let mut bearer = HeaderValue::from_str(&token).map_err(|_| self.log_in("the cached SSO token is damaged"))?;
        bearer.set_sensitive(true);
        let request = Request::new(OPERATION, Method::GET, url, Duration::from_secs(30))
            .with_header(HeaderName::from_static("x-amz-sso_bearer_token"), bearer);
        let response = transport.send(request.clone(), cancel).await?;
        if response.status.as_u16() == 401 {
            return Err(self.log_in("the SSO login is no longer valid"));
        }
        if let Some(fault) = Fault::read(&response) {
            return Err(fault.into_error(&request, &response).with_context("profile", self.profile.as_str()));
        }
        let invalid = || {
            Error::new(ErrorKind::Invalid, OPERATION, "the answer holds no usable credentials")
                .with_context("host", request.authority())
        };
        let reply: RoleCredentialsReply = serde_json::from_slice(&response.body).map_err(|_| invalid())?;
        let credentials = reply.role_credentials;
        let expires_at = Timestamp::from_millisecond(credentials.expiration).map_err(|_| invalid())?;
        Ok(Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            Some(expires_at),
        ))
    }

    async fn token(&self, environment: &Environment) -> Result<String, Error> {
        let file = format!("~/.aws/sso/cache/{}.json", hex_sha1(self.cache_key.as_bytes()));
        let path = environment.expand_home(&file);
        let bytes = tokio::fs::read(&path).await.map_err(|_| self.log_in("there is no SSO login"))?;
        let token: CachedToken =
            serde_json::from_slice(&bytes).map_err(|_| self.log_in("the cached SSO token cannot be read"))?;
        // Older tools write `UTC` where the standard has `Z`.
        let expires_at: Timestamp = token
            .expires_at
            .replace("UTC", "Z")
            .parse()
            .map_err(|_| self.log_in("the cached SSO token has no readable expiry"))?;
        if expires_at <= Timestamp::now() {
            return Err(self.log_in("the SSO login has expired"));
        }
        Ok(token.access_token)
    }

    fn log_in(&self, why: &str) -> Error {
        Error::new(
            ErrorKind::Expired,
            "aws credentials",
            format!("{why}: run `aws sso login --profile {}`", self.profile),
        )
        .with_context("profile", self.profile.as_str())
    }
}

impl fmt::Display for SsoSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the SSO role {} of profile {}", self.role_name, self.profile)
    }
}

fn wrong(profile: &str, what: String) -> Error {
    Error::new(ErrorKind::Configuration, "aws profiles", what).with_context("profile", profile)
}
