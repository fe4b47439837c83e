//! AWS Signature Version 4 in request headers.
//!
//! Source: "Signature Version 4 signing process" in the AWS general reference; the published test
//! vectors are in `tests/suite/aws_v4.rs`. The signer of the `reqsign` crates encodes every path as S3
//! wants it and takes no clock, so this piece is ours; hashing is theirs.

use std::fmt::Write as _;

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqsign_core::hash::{hex_hmac_sha256, hex_sha256, hmac_sha256};

use super::SigningScope;
use crate::aws::Credentials;
use crate::{Error, ErrorKind, Request};

const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const RESERVED_IN_PATH: AsciiSet = RESERVED.remove(b'/');

/// Encodes text for a query, a form or a path segment as AWS encodes it (RFC 3986, `%20` for a space).
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, &RESERVED).to_string()
}

/// Signs a request at a given time by setting its headers.
///
/// # Errors
/// `Configuration` where a credential holds characters no header may hold.
pub fn sign(
    request: &mut Request,
    credentials: &Credentials,
    scope: &SigningScope,
    now: Timestamp,
) -> Result<(), Error> {
    let date_time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let date = now.strftime("%Y%m%d").to_string();
    let payload_hash = hex_sha256(&request.body);

    let authority = request.authority();
    let operation = request.operation.clone();
    let header = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| {
            Error::new(
                ErrorKind::Configuration,
                operation.clone(),
                "the credentials hold characters that no HTTP header may hold: check the file or variable they come from",
            )
        })
    };
    request.headers.insert(HOST, header(&authority)?);
    request.headers.insert(X_AMZ_DATE, header(&date_time)?);
    request.headers.remove(X_AMZ_SECURITY_TOKEN);
    if let Some(token) = credentials.session_token() {
        let mut value = header(token)?;
        value.set_sensitive(true);
        request.headers.insert(X_AMZ_SECURITY_TOKEN, value);
    }
    if scope.service == "s3" {
        request.headers.insert(X_AMZ_CONTENT_SHA256, header(&payload_hash)?);
    }

    let mut names: Vec<&str> = request
        .headers
        .keys()
        .map(HeaderName::as_str)
        .filter(|name| *name == "host" || *name == "content-type" || name.starts_with("x-amz-"))
        .collect();
    names.sort_unstable();
    let signed_headers = names.join(";");

    let mut canonical = format!(
        "{}\n{}\n{}\n",
        request.method,
        canonical_path(request.url.path(), &scope.service),
        canonical_query(request.url.query().unwrap_or_default()),
    );
    for name in &names {
        let values: Vec<String> = request
            .headers
            .get_all(*name)
            .iter()
            .map(|value| {
                let text = String::from_utf8_lossy(value.as_bytes());
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect();
        let _ = writeln!(canonical, "{name}:{}", values.join(","));
    }
    let _ = write!(canonical, "\n{signed_headers}\n{payload_hash}");

    let credential_scope = format!("{date}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!("AWS4-HMAC-SHA256\n{date_time}\n{credential_scope}\n{}", hex_sha256(canonical.as_bytes()));
    let mut key = hmac_sha256(format!("AWS4{}", credentials.secret_access_key()).as_bytes(), date.as_bytes());
    for part in [scope.region.as_str(), scope.service.as_str(), "aws4_request"] {
        key = hmac_sha256(&key, part.as_bytes());
    }
    let signature = hex_hmac_sha256(&key, to_sign.as_bytes());

    let mut authorization = header(&format!(
        "AWS4-HMAC-SHA256 Credential={}/{credential_scope}, SignedHeaders={signed_headers}, Signature={signature}",
        credentials.access_key_id(),
    ))?;
    authorization.set_sensitive(true);
    request.headers.insert(AUTHORIZATION, authorization);
    Ok(())
}

/// Encodes the path as it is on the wire once more; S3 alone signs it as it is on the wire.
fn canonical_path(path: &str, service: &str) -> String {
    let path = if path.is_empty() { "/" } else { path };
    if service == "s3" {
        let decoded = percent_decode_str(path).decode_utf8_lossy();
        return utf8_percent_encode(&decoded, &RESERVED_IN_PATH).to_string();
    }
    utf8_percent_encode(path, &RESERVED_IN_PATH).to_string()
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encode_again(name), encode_again(value))
        })
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn encode_again(text: &str) -> String {
    percent_encode(&percent_decode_str(text).decode_utf8_lossy())
}
