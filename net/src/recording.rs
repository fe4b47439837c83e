//! Recording exchanges and playing them back, for tests.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{Error, ErrorKind, Request, Response, Transport};

/// What stands in a recording where a secret was.
const MASK: &str = "(masked)";
/// Elements and members of a reply whose text is a secret.
const SECRET_FIELDS: [&str; 8] = [
    "SecretAccessKey",
    "SessionToken",
    "AccessKeyId",
    "secretAccessKey",
    "sessionToken",
    "accessKeyId",
    "accessToken",
    "refreshToken",
];

/// Holds one request and its response as a recording keeps them.
///
/// Request headers are left out altogether, because signatures and tokens live there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedExchange {
    /// What was asked, such as `ec2:DescribeVpcs`.
    pub operation: String,
    /// The method.
    pub method: String,
    /// Path and query, without the host: a recording plays back for any endpoint.
    pub path: String,
    /// The body that was sent.
    pub body: String,
    /// The `x-amz-target` header, which names the operation of JSON protocols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// The content type of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The body of the answer.
    pub answer: String,
}

impl RecordedExchange {
    fn asks_the_same(&self, request: &Request) -> bool {
        self.method == request.method.as_str()
            && self.path == path_and_query(request)
            && self.target == target(request)
            && self.body == String::from_utf8_lossy(&request.body)
    }
}

/// Passes requests on and keeps what was said, secrets masked.
#[derive(Debug)]
pub struct Record {
    inner: Arc<dyn Transport>,
    exchanges: Mutex<Vec<RecordedExchange>>,
}

impl Record {
    /// Wraps a transport.
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner, exchanges: Mutex::default() }
    }

    /// Returns what was recorded so far, one JSON object a line.
    pub fn to_json_lines(&self) -> String {
        let exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for exchange in exchanges.iter() {
            text.push_str(&serde_json::to_string(exchange).expect("strings and numbers are always JSON"));
            text.push('\n');
        }
        text
    }
}

#[async_trait]
impl Transport for Record {
    async fn send(&self, request: Request, cancel: &CancellationToken) -> Result<Response, Error> {
        let response = self.inner.send(request.clone(), cancel).await?;
        let exchange = RecordedExchange {
            operation: request.operation.clone(),
            method: request.method.to_string(),
            path: path_and_query(&request),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            target: target(&request),
            status: response.status.as_u16(),
            content_type: response.header("content-type").map(str::to_owned),
            answer: mask(&String::from_utf8_lossy(&response.body)),
        };
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        Ok(response)
    }
}

/// Answers from a recording; each exchange is used once, in the order recorded.
#[derive(Debug)]
pub struct Replay {
    exchanges: Mutex<VecDeque<RecordedExchange>>,
}

impl Replay {
    /// Plays back the given exchanges.
    pub fn new(exchanges: impl IntoIterator<Item = RecordedExchange>) -> Self {
        Self { exchanges: Mutex::new(exchanges.into_iter().collect()) }
    }

    /// Reads a recording: one JSON object a line.
    ///
    /// # Errors
    /// `Invalid`, naming the line.
    pub fn from_json_lines(text: &str) -> Result<Self, Error> {
        let exchanges: Result<Vec<RecordedExchange>, Error> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(position, line)| {
                serde_json::from_str(line).map_err(|source| {
                    Error::new(ErrorKind::Invalid, "replay", "a line of the recording cannot be read")
                        .with_context("line", (position + 1).to_string())
                        .with_source(source)
                })
            })
            .collect();
        Ok(Self::new(exchanges?))
    }

    /// Reads a recording from a file.
    ///
    /// # Errors
    /// `Configuration` where the file cannot be read, `Invalid` where it is no recording.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let text = tokio::fs::read_to_string(path).await.map_err(|source| {
            Error::new(ErrorKind::Configuration, "replay", "the recording cannot be read")
                .with_context("file", path.display().to_string())
                .with_source(source)
        })?;
        Self::from_json_lines(&text).map_err(|error| error.with_context("file", path.display().to_string()))
    }

    /// Returns the exchanges that nothing asked for.
    pub fn left(&self) -> Vec<RecordedExchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn answer(&self, request: &Request) -> Result<Response, Error> {
        let mut exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        let found = exchanges.iter().position(|exchange| exchange.asks_the_same(request));
        let Some(exchange) = found.and_then(|position| exchanges.remove(position)) else {
            return Err(Error::new(ErrorKind::NotFound, &request.operation, "the recording has no such request left")
                .with_context("path", path_and_query(request)));
        };
        let invalid = |source: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Invalid, &request.operation, "the recording holds an impossible answer")
                .with_source(source)
        };
        let mut headers = HeaderMap::new();
        if let Some(content_type) = &exchange.content_type {
            headers.insert(
                http::header::CONTENT_TYPE,
                HeaderValue::from_str(content_type).map_err(|source| invalid(Box::new(source)))?,
            );
        }
        Ok(Response {
            status: StatusCode::from_u16(exchange.status).map_err(|source| invalid(Box::new(source)))?,
            headers,
            body: Bytes::from(exchange.answer),
            attempts: 1,
        })
    }
}

#[async_trait]
impl Transport for Replay {
    async fn send(&self, request: Request, cancel: &CancellationToken) -> Result<Response, Error> {
        if cancel.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, &request.operation, "stopped before an answer came"));
        }
        self.answer(&request)
    }
}

fn path_and_query(request: &Request) -> String {
    match request.url.query() {
        Some(query) => format!("{}?{query}", request.url.path()),
        None => request.url.path().to_owned(),
    }
}

fn target(request: &Request) -> Option<String> {
    let name = HeaderName::from_static("x-amz-target");
    request.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Replaces the text of secret fields, in XML and in JSON.
fn mask(text: &str) -> String {
    let mut masked = text.to_owned();
    for field in SECRET_FIELDS {
        masked = replace_between(&masked, &format!("<{field}>"), "</");
        for separator in ["\":\"", "\": \"", "\" : \""] {
            masked = replace_between(&masked, &format!("\"{field}{separator}"), "\"");
        }
    }
    masked
}

fn replace_between(text: &str, start: &str, end: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(position) = rest.find(start) {
        let (before, after) = rest.split_at(position + start.len());
        out.push_str(before);
        out.push_str(MASK);
        rest = after.find(end).map_or("", |length| &after[length..]);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_replies_are_masked() {
        let xml = "<AccessKeyId>AKIA1</AccessKeyId><SecretAccessKey>s3cr3t</SecretAccessKey><Arn>a</Arn>";
        assert_eq!(
            mask(xml),
            "<AccessKeyId>(masked)</AccessKeyId><SecretAccessKey>(masked)</SecretAccessKey><Arn>a</Arn>"
        );
        assert_eq!(mask(r#"{"accessToken": "t0ken", "x": 1}"#), r#"{"accessToken": "(masked)", "x": 1}"#);
    }
}
