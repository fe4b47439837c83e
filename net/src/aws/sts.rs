//! The three calls to the Security Token Service that access needs.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::fault::element_text;
use super::{Credentials, Fault};
use crate::sign::{SigningScope, aws_v4};
use crate::{Error, ErrorKind, LimitScope, Request, Response, Transport};

const TIMEOUT: Duration = Duration::from_secs(30);
const VERSION: &str = "2011-06-15";

/// Says who a set of credentials belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account id.
    pub account: String,
    /// The ARN of the user or the assumed role.
    pub arn: String,
    /// The unique id of the user or the role session.
    pub user_id: String,
}

/// What a role is assumed with.
#[derive(Debug, Clone)]
pub(super) struct RoleRequest {
    pub(super) role_arn: String,
    pub(super) session_name: String,
    pub(super) external_id: Option<String>,
    pub(super) duration_seconds: Option<String>,
}

/// Where the service is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sts<'a> {
    pub(super) transport: &'a dyn Transport,
    pub(super) endpoint: &'a Url,
    pub(super) region: &'a str,
}

pub(super) async fn caller_identity(
    transport: &dyn Transport,
    endpoint: &Url,
    region: &str,
    cancel: &CancellationToken,
) -> Result<CallerIdentity, Error> {
    let sts = Sts { transport, endpoint, region };
    let request = sts.request("GetCallerIdentity", &[]).with_signing(sts.signing());
    let response = sts.send(request.clone(), cancel).await?;
    let text = String::from_utf8_lossy(&response.body);
    let field = |name: &str| {
        element_text(&text, name).filter(|text| !text.is_empty()).ok_or_else(|| incomplete(&request, name))
    };
    Ok(CallerIdentity { account: field("Account")?, arn: field("Arn")?, user_id: field("UserId")? })
}

impl Sts<'_> {
    pub(super) async fn assume_role(
        &self,
        role: &RoleRequest,
        with: &Credentials,
        cancel: &CancellationToken,
    ) -> Result<Credentials, Error> {
        let mut parameters = vec![("RoleArn", role.role_arn.as_str()), ("RoleSessionName", role.session_name.as_str())];
        parameters.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
        parameters.extend(role.duration_seconds.as_deref().map(|seconds| ("DurationSeconds", seconds)));
        let mut request = self.request("AssumeRole", &parameters);
        aws_v4::sign(&mut request, with, &self.signing(), Timestamp::now())?;
        self.credentials(request, &role.role_arn, cancel).await
    }

    pub(super) async fn assume_role_with_web_identity(
        &self,
        role: &RoleRequest,
        token: &str,
        cancel: &CancellationToken,
    ) -> Result<Credentials, Error> {
        let mut parameters = vec![
            ("RoleArn", role.role_arn.as_str()),
            ("RoleSessionName", role.session_name.as_str()),
            ("WebIdentityToken", token),
        ];
        parameters.extend(role.duration_seconds.as_deref().map(|seconds| ("DurationSeconds", seconds)));
        let request = self.request("AssumeRoleWithWebIdentity", &parameters);
        self.credentials(request, &role.role_arn, cancel).await
    }

    async fn credentials(
        &self,
        request: Request,
        role_arn: &str,
        cancel: &CancellationToken,
    ) -> Result<Credentials, Error> {
        let about = request.clone();
        let response = self.send(request, cancel).await.map_err(|error| error.with_context("role", role_arn))?;
        let text = String::from_utf8_lossy(&response.body);
        let field = |name: &str| {
            element_text(&text, name).filter(|text| !text.is_empty()).ok_or_else(|| incomplete(&about, name))
        };
        let expiration = field("Expiration")?;
        let expires_at: Timestamp = expiration.parse().map_err(|_| incomplete(&about, "Expiration"))?;
        Ok(Credentials::new(
            field("AccessKeyId")?,
            field("SecretAccessKey")?,
            Some(field("SessionToken")?),
            Some(expires_at),
        ))
    }

    fn signing(&self) -> SigningScope {
        SigningScope { service: "sts".to_owned(), region: self.region.to_owned() }
    }

    fn request(&self, action: &str, parameters: &[(&str, &str)]) -> Request {
        let mut body = format!("Action={action}&Version={VERSION}");
        for (name, value) in parameters {
            body.push('&');
            body.push_str(name);
            body.push('=');
            body.push_str(&aws_v4::percent_encode(value));
        }
        let scope = LimitScope { account: String::new(), service: "sts".to_owned(), region: self.region.to_owned() };
        Request::new(format!("sts:{action}"), Method::POST, self.endpoint.clone(), TIMEOUT)
            .with_body("application/x-www-form-urlencoded; charset=utf-8", body)
            .with_scope(scope)
    }

    async fn send(&self, request: Request, cancel: &CancellationToken) -> Result<Response, Error> {
        let response = self.transport.send(request.clone(), cancel).await?;
        match Fault::read(&response) {
            Some(fault) => Err(fault.into_error(&request, &response)),
            None => Ok(response),
        }
    }
}

fn incomplete(request: &Request, field: &str) -> Error {
    Error::new(ErrorKind::Invalid, &request.operation, format!("the answer has no usable {field}"))
        .with_context("host", request.authority())
}
