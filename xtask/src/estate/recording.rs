//! Cleans what moto's recorder wrote of everything that belongs to one run or one machine, and replays it.
//!
//! Shape: one JSON object per line, a subset of moto's own format, so that moto's own replay accepts it too.
//! Reads are kept: they draw from the same random numbers as the ids do.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::http;

/// Stands for moto's own host, whatever its port.
const HOST: &str = "127.0.0.1";
/// The headers by which moto finds the service, the account and the operation.
const KEPT_HEADERS: &[&str] = &["authorization", "content-type", "host", "x-amz-account-id", "x-amz-target"];

#[derive(Deserialize, Serialize)]
struct Request {
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
    body: String,
    body_encoded: bool,
}

/// Cleans a recording.
///
/// # Errors
/// Where a line is no request of moto's recorder, or its body is no text.
pub(super) fn clean(recording: &str) -> Result<String> {
    let mut cleaned = String::new();
    for (index, line) in recording.lines().enumerate() {
        let what = || format!("line {} of the recording", index + 1);
        let mut request: Request = serde_json::from_str(line).with_context(what)?;
        if request.body_encoded {
            let bytes = STANDARD.decode(&request.body).with_context(what)?;
            request.body = String::from_utf8(bytes).with_context(what)?;
            request.body_encoded = false;
        }
        request.headers.retain(|name, _| KEPT_HEADERS.contains(&name.to_ascii_lowercase().as_str()));
        for (name, value) in &mut request.headers {
            if name.eq_ignore_ascii_case("host") && value.starts_with(HOST) {
                HOST.clone_into(value);
            }
            if name.eq_ignore_ascii_case("authorization") {
                *value = without_signature(value).with_context(what)?;
            }
        }
        let (host, target) = host_and_target(&request.url).with_context(what)?;
        let host = if host.starts_with(HOST) { HOST } else { host };
        request.url = format!("http://{host}{target}");
        cleaned.push_str(&serde_json::to_string(&request)?);
        cleaned.push('\n');
    }
    Ok(cleaned)
}

/// Sends every request of a cleaned recording to moto, in order.
///
/// # Errors
/// Where moto fails on a request. A refusal (status 4xx) is no failure: the provider asks for what may not exist.
pub(super) fn replay(recording: &str, port: u16) -> Result<()> {
    for (index, line) in recording.lines().enumerate() {
        let what = || format!("line {}", index + 1);
        let request: Request = serde_json::from_str(line).with_context(what)?;
        ensure!(!request.body_encoded, "{}: the body is encoded; record it again", what());
        let (_, target) = host_and_target(&request.url).with_context(what)?;
        let headers: Vec<(&str, &str)> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = http::send(
            port,
            &http::LoopbackCall { method: &request.method, target, headers: &headers, body: request.body.as_bytes() },
        )
        .with_context(what)?;
        ensure!(
            answer.status < 500,
            "{}: moto answers {} {target} with status {}: {}",
            what(),
            request.method,
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
    }
    Ok(())
}

/// What a recorded request asks for.
pub(crate) struct Operation {
    method: String,
    target: String,
    /// The operation's name, where the protocol has one: all but the REST protocols.
    name: Option<String>,
}

impl Operation {
    /// Returns whether nothing can change by it, going by the name that AWS gives its reads.
    pub(crate) fn is_read(&self) -> bool {
        const READS: &[&str] = &["BatchGet", "Describe", "Get", "List", "Lookup", "Search", "Select"];
        match &self.name {
            Some(name) => READS.iter().any(|prefix| name.starts_with(prefix)),
            None => matches!(self.method.as_str(), "GET" | "HEAD"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.target, self.name.as_deref().unwrap_or_default())
    }
}

/// Tells what a line of a recording asks for.
pub(crate) fn operation(line: &str) -> Result<Operation> {
    let cleaned = clean(line)?;
    let request: Request = serde_json::from_str(&cleaned)?;
    let (_, target) = host_and_target(&request.url)?;
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let of_target = request
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("x-amz-target"))
        .and_then(|(_, value)| value.rsplit('.').next());
    let of_form = query.split('&').chain(request.body.split('&')).find_map(|pair| pair.strip_prefix("Action="));
    let name = of_target.or(of_form).map(str::to_owned);
    Ok(Operation { name, target: target.to_owned(), method: request.method })
}

fn host_and_target(url: &str) -> Result<(&str, &str)> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url:?} is no http URL"))?;
    let slash = rest.find('/').with_context(|| format!("{url:?} has no path"))?;
    Ok(rest.split_at(slash))
}

/// Keeps the access key, the region and the service of an `Authorization` header; the date and the signature go.
fn without_signature(authorization: &str) -> Result<String> {
    let (credential, _) = authorization.split_once(',').context("the Authorization header holds one part only")?;
    let mut parts: Vec<&str> = credential.split('/').collect();
    ensure!(parts.len() == 5, "the credential {credential:?} has no five parts");
    parts[1] = "20260101";
    Ok(format!("{}, SignedHeaders=host, Signature=removed", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cleaned_request_keeps_what_moto_dispatches_on_and_nothing_of_the_run() {
        let recorded = r#"{"headers": {"Host": "127.0.0.1:45769", "User-Agent": "os/linux", "Content-Length": "3", "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20261123/us-east-1/sts/aws4_request, SignedHeaders=a;b, Signature=23fa", "X-Amz-Date": "20261123T112912Z"}, "method": "POST", "url": "http://127.0.0.1:45769/a?b=c", "body": "QT1i", "body_encoded": true}"#;
        let cleaned = clean(recorded).expect("a recorded request");
        assert_eq!(
            cleaned,
            "{\"method\":\"POST\",\"url\":\"http://127.0.0.1/a?b=c\",\"headers\":{\"Authorization\":\"AWS4-HMAC-SHA256 \
             Credential=testing/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=removed\",\"Host\":\
             \"127.0.0.1\"},\"body\":\"A=b\",\"body_encoded\":false}\n"
        );
        assert_eq!(clean(&cleaned).expect("a cleaned request"), cleaned);
    }

    #[test]
    fn the_host_of_s3_control_is_kept() {
        let recorded = r#"{"headers": {"Host": "1.s3-control.moto.test"}, "method": "GET", "url": "http://1.s3-control.moto.test/v1/tags/a%3Ab", "body": "", "body_encoded": false}"#;
        let cleaned = clean(recorded).expect("a recorded request");
        assert!(cleaned.contains("\"url\":\"http://1.s3-control.moto.test/v1/tags/a%3Ab\""), "{cleaned}");
    }

    #[test]
    fn reads_are_told_from_writes_in_each_protocol() {
        let line = |method: &str, query: &str, target: &str, body: &str| {
            let line = format!(
                r#"{{"headers": {{"X-Amz-Target": "{target}"}}, "method": "{method}", "url": "http://127.0.0.1:1/{query}", "body": "{body}", "body_encoded": false}}"#
            );
            let line = if target.is_empty() { line.replace(r#""X-Amz-Target": """#, "") } else { line };
            operation(&line).expect("a request").is_read()
        };
        assert!(line("POST", "", "", "Action=DescribeVpcs&Version=1"));
        assert!(!line("POST", "", "", "Version=1&Action=CreateVpc"));
        assert!(line("POST", "", "AmazonSSM.GetParameters", "{}"));
        assert!(!line("POST", "", "AmazonSSM.PutParameter", "{}"));
        assert!(line("GET", "bucket?tagging", "", ""));
        assert!(!line("PUT", "bucket?tagging", "", ""));
        assert!(!line("POST", "2015-03-31/functions", "", ""));
    }

    #[test]
    fn a_line_that_is_no_request_is_named() {
        let error = clean("{}\n").expect_err("no request");
        assert!(format!("{error:#}").contains("line 1 of the recording"), "{error:#}");
    }
}
