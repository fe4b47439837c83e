//! What AWS means when it refuses.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::layer::{ReplyClass, status_class};
use crate::{Error, ErrorKind, Request, Response};

/// Error bodies are small; what is longer is somebody else's page.
const MAX_FAULT_BYTES: usize = 64 << 10;
const MAX_MESSAGE_CHARS: usize = 300;

/// Holds the error code and message of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The code, without namespace, such as `UnauthorizedOperation`.
    pub code: String,
    /// The service's own words.
    pub message: String,
}

impl Fault {
    /// Reads the refusal out of a response of any AWS protocol; `None` for a success.
    ///
    /// Where the body cannot be read, the code is made from the status.
    pub fn read(response: &Response) -> Option<Self> {
        if response.status.is_success() {
            return None;
        }
        let body = &response.body[..response.body.len().min(MAX_FAULT_BYTES)];
        let header = response.header("x-amzn-errortype").map(short_code);
        let (code, message) = match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => read_json(body),
            Some(b'<') => read_xml(body),
            _ => (None, None),
        };
        let code = header.or(code).unwrap_or_else(|| format!("Http{}", response.status.as_u16()));
        let message = message.or_else(|| response.status.canonical_reason().map(str::to_owned)).unwrap_or_default();
        Some(Self { code, message: shorten(&message) })
    }

    /// Says what the caller can do about this refusal.
    pub fn kind(&self, response: &Response) -> ErrorKind {
        fault_kind(&self.code).unwrap_or_else(|| match response.status.as_u16() {
            401 | 403 => ErrorKind::Denied,
            404 => ErrorKind::NotFound,
            429 => ErrorKind::Throttled,
            500.. => ErrorKind::Server,
            300..=399 => ErrorKind::Invalid,
            _ => ErrorKind::Rejected,
        })
    }

    /// Makes an error of it, for the request it answers.
    pub fn into_error(self, request: &Request, response: &Response) -> Error {
        let kind = self.kind(response);
        let mut error = Error::new(kind, &request.operation, self.message)
            .with_context("code", self.code)
            .with_context("status", response.status.as_u16().to_string())
            .with_context("host", request.authority());
        if response.attempts > 1 {
            error = error.with_context("attempts", response.attempts.to_string());
        }
        error
    }
}

/// Says what the caller can do about an AWS error code; `None` for a code without general meaning.
///
/// Source: "Common errors" of the AWS API references and the retry rules of the AWS tools.
pub fn fault_kind(code: &str) -> Option<ErrorKind> {
    let kind = match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "LimitExceededException"
        | "ProvisionedThroughputExceededException"
        | "SlowDown"
        | "PriorRequestNotComplete"
        | "EC2ThrottledException"
        | "TransactionInProgressException" => ErrorKind::Throttled,
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired" => ErrorKind::Expired,
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "AuthFailure"
        | "InvalidToken"
        | "RequestTimeTooSkewed" => ErrorKind::Credentials,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "AuthorizationError"
        | "AuthorizationErrorException"
        | "NotAuthorized"
        | "UnauthorizedAccess"
        | "AllAccessDisabled"
        | "KMSAccessDeniedException"
        | "ExplicitDeny" => ErrorKind::Denied,
        "OptInRequired"
        | "SubscriptionRequiredException"
        | "RegionDisabledException"
        | "UnsupportedRegion"
        | "InvalidRegion" => ErrorKind::Disabled,
        "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        | "InternalServerException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "Unavailable"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "InternalServiceError"
        | "InternalServiceException" => ErrorKind::Server,
        "NoSuchEntity"
        | "ResourceNotFoundException"
        | "NotFoundException"
        | "NoSuchBucket"
        | "NoSuchKey"
        | "ParameterNotFound"
        | "RepositoryNotFoundException"
        | "QueueDoesNotExist"
        | "NotFound"
        | "AWS.SimpleQueueService.NonExistentQueue"
        | "NoSuchTagSet"
        | "NoSuchBucketPolicy"
        | "NoSuchLifecycleConfiguration"
        | "ServerSideEncryptionConfigurationNotFoundError"
        | "NoSuchPublicAccessBlockConfiguration"
        | "OwnershipControlsNotFoundError"
        | "NoSuchCORSConfiguration"
        | "ReplicationConfigurationNotFoundError"
        | "LifecyclePolicyNotFoundException"
        | "RepositoryPolicyNotFoundException" => ErrorKind::NotFound,
        _ if code.ends_with(".NotFound") => ErrorKind::NotFound,
        _ => return None,
    };
    Some(kind)
}

/// Decides what the layers make of an AWS response.
pub fn classify(response: &Response) -> ReplyClass {
    if response.status.is_success() || response.status.is_redirection() {
        return ReplyClass::Accept;
    }
    match Fault::read(response).and_then(|fault| fault_kind(&fault.code)) {
        Some(ErrorKind::Throttled) => ReplyClass::Throttled,
        Some(ErrorKind::Expired) => ReplyClass::Expired,
        Some(ErrorKind::Server) => ReplyClass::Transient,
        Some(_) => ReplyClass::Accept,
        None => status_class(response),
    }
}

fn read_json(body: &[u8]) -> (Option<String>, Option<String>) {
    let Ok(serde_json::Value::Object(object)) = serde_json::from_slice(body) else {
        return (None, None);
    };
    let text = |names: &[&str]| {
        names.iter().find_map(|name| object.get(*name).and_then(serde_json::Value::as_str)).map(str::to_owned)
    };
    (text(&["__type", "code", "Code"]).map(|code| short_code(&code)), text(&["message", "Message", "errorMessage"]))
}

fn read_xml(body: &[u8]) -> (Option<String>, Option<String>) {
    let text = String::from_utf8_lossy(body);
    (element_text(&text, "Code").map(|code| short_code(&code)), element_text(&text, "Message"))
}

/// Returns the text of the first element of that name, whatever its namespace.
pub(crate) fn element_text(xml: &str, name: &str) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    let mut inside = false;
    let mut text = String::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => inside = start.local_name().as_ref() == name.as_bytes(),
            Event::Text(part) if inside => text.push_str(&part.decode().ok()?),
            Event::GeneralRef(reference) if inside => {
                if let Some(character) = reference.resolve_char_ref().ok()? {
                    text.push(character);
                } else {
                    text.push_str(quick_xml::escape::resolve_xml_entity(&reference.decode().ok()?)?);
                }
            }
            Event::End(_) if inside => return Some(text.trim().to_owned()),
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Strips what stands around a code: `com.amazonaws.x#Code`, `Code:http://…`.
fn short_code(code: &str) -> String {
    let code = code.rsplit('#').next().unwrap_or(code);
    code.split(':').next().unwrap_or(code).trim().to_owned()
}

fn shorten(message: &str) -> String {
    let one_line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if one_line.chars().count() <= MAX_MESSAGE_CHARS {
        return one_line;
    }
    let mut short: String = one_line.chars().take(MAX_MESSAGE_CHARS).collect();
    short.push('…');
    short
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn check(status: u16, body: &'static str, code: &str, kind: ErrorKind, outcome: ReplyClass) {
        let response = Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
            attempts: 1,
        };
        let fault = Fault::read(&response).unwrap();
        assert_eq!((fault.code.as_str(), fault.kind(&response), classify(&response)), (code, kind, outcome), "{body}");
    }

    #[test]
    fn refusals_of_every_protocol_are_read() {
        check(
            403,
            "<?xml version=\"1.0\"?><Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no &amp; no</Message></Error></Errors></Response>",
            "UnauthorizedOperation",
            ErrorKind::Denied,
            ReplyClass::Accept,
        );
        check(
            400,
            "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>",
            "Throttling",
            ErrorKind::Throttled,
            ReplyClass::Throttled,
        );
        check(
            400,
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"gone"}"#,
            "ResourceNotFoundException",
            ErrorKind::NotFound,
            ReplyClass::Accept,
        );
        check(503, "<Error><Code>SlowDown</Code></Error>", "SlowDown", ErrorKind::Throttled, ReplyClass::Throttled);
        check(
            400,
            r#"{"__type":"ExpiredTokenException"}"#,
            "ExpiredTokenException",
            ErrorKind::Expired,
            ReplyClass::Expired,
        );
        check(502, "<html>bad gateway", "Http502", ErrorKind::Server, ReplyClass::Transient);
        check(403, "", "Http403", ErrorKind::Denied, ReplyClass::Accept);
        check(400, "{", "Http400", ErrorKind::Rejected, ReplyClass::Accept);
        check(
            400,
            "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code></Error></Errors></Response>",
            "InvalidVpcID.NotFound",
            ErrorKind::NotFound,
            ReplyClass::Accept,
        );
    }

    #[test]
    fn entities_in_messages_are_resolved() {
        assert_eq!(element_text("<a><m>x &lt;&#38; y</m></a>", "m").as_deref(), Some("x <& y"));
        assert_eq!(element_text("<a><m>x", "m"), None);
        assert_eq!(element_text("<a><m>&unknown;</m></a>", "m"), None);
    }
}
