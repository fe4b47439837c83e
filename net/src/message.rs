//! Requests and responses.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::time::Instant;
use url::Url;

use crate::sign::SigningScope;

/// The largest response body read unless a request says otherwise: 32 MiB.
const DEFAULT_MAX_BODY_BYTES: usize = 32 << 20;

/// Names what shares one rate limit: an account, a service and a region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LimitScope {
    /// The account, or the name of the profile while the account is not known.
    pub account: String,
    /// The service, such as `ec2`.
    pub service: String,
    /// The region, or an empty string for a service without regions.
    pub region: String,
}

impl fmt::Display for LimitScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.account, self.service, self.region)
    }
}

/// Holds one request, ready to be signed and sent.
///
/// Every request is a read and may be sent more than once. `Debug` prints neither headers nor body.
#[derive(Clone)]
pub struct Request {
    /// What is asked, for errors and logs, such as `ec2:DescribeVpcs`.
    pub operation: String,
    /// The method.
    pub method: Method,
    /// The address, with its query.
    pub url: Url,
    /// The headers; `host` and the signature are added later.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// When the caller stops waiting, retries and waiting for a turn included.
    pub deadline: Instant,
    /// The size at which a response body is refused, in bytes after decompression.
    pub max_body_bytes: usize,
    /// What shares a rate limit with this request.
    pub scope: LimitScope,
    /// What the signature is made for; `None` sends the request unsigned.
    pub signing: Option<SigningScope>,
}

impl Request {
    /// Builds a request without headers, body or signature that may take `timeout` altogether.
    pub fn new(operation: impl Into<String>, method: Method, url: Url, timeout: Duration) -> Self {
        Self {
            operation: operation.into(),
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            deadline: Instant::now() + timeout,
            max_body_bytes: DEFAULT_MAX_BODY_BYTES,
            scope: LimitScope::default(),
            signing: None,
        }
    }

    /// Sets a header.
    #[must_use]
    pub fn with_header(mut self, name: http::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the body and its content type.
    #[must_use]
    pub fn with_body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body.into();
        self
    }

    /// Sets what shares a rate limit with this request.
    #[must_use]
    pub fn with_scope(mut self, scope: LimitScope) -> Self {
        self.scope = scope;
        self
    }

    /// Asks for a signature.
    #[must_use]
    pub fn with_signing(mut self, signing: SigningScope) -> Self {
        self.signing = Some(signing);
        self
    }

    /// Returns host and port as the `host` header writes them.
    pub fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("host", &self.authority())
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// Holds one complete response; any status is a response, not an error.
///
/// `Debug` prints neither headers nor body.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
    /// How often the request was sent to get this response.
    pub attempts: u32,
}

impl Response {
    /// Returns a header as text, where it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Response")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
