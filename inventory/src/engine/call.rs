//! One call: request, answer, and what a refusal means.

use model::{Cause, CauseKind};
use net::ErrorKind;
use net::aws::Fault;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::account::Account;
use super::encode::{PageArguments, Target, encode};
use super::reply::{self, Format};
use crate::definition::{CloudDefinition, ErrorClass, Protocol, RenderedCall};

/// Why a call gave nothing.
#[derive(Clone, Debug)]
pub(super) struct CallFailure {
    /// The error code of the service, where it answered.
    pub(super) code: Option<String>,
    /// The thing asked for does not exist.
    pub(super) is_absent: bool,
    /// The same for people and reports.
    pub(super) cause: Cause,
}

/// What a call gave, and how often it was sent.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) operation: String,
    pub(super) attempts: u64,
    pub(super) result: Result<Value, CallFailure>,
}

impl CallFailure {
    pub(super) fn new(kind: CauseKind, detail: impl Into<String>) -> Self {
        Self { code: None, is_absent: false, cause: Cause::new(kind, detail) }
    }

    pub(super) fn of_network(error: &net::Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Throttled => CauseKind::Throttled,
            ErrorKind::Denied => CauseKind::Denied,
            ErrorKind::Expired | ErrorKind::Credentials | ErrorKind::Configuration => CauseKind::Credentials,
            ErrorKind::Disabled => CauseKind::RegionUnavailable,
            ErrorKind::Timeout => CauseKind::Timeout,
            ErrorKind::Cancelled => CauseKind::Cancelled,
            ErrorKind::Unreachable | ErrorKind::Blocked => CauseKind::Unreachable,
            ErrorKind::Server => CauseKind::ServerError,
            _ => CauseKind::InvalidReply,
        };
        Self {
            code: None,
            is_absent: error.kind() == ErrorKind::NotFound,
            cause: Cause::new(kind, sentence(&error.to_string())),
        }
    }
}

/// Whom a call asks, until when, and on whose behalf.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) account: &'a Account,
    pub(super) target: &'a Target<'a>,
    /// What the caller must be allowed to do, for the advice in a refusal.
    pub(super) permissions: &'a [String],
    pub(super) deadline: Instant,
    pub(super) cancel: &'a CancellationToken,
}

/// Sends a call and reads its answer.
pub(super) async fn perform(asking: Asking<'_>, call: &RenderedCall, page: &PageArguments) -> Answer {
    let Asking { account, target, deadline, cancel, .. } = asking;
    let operation = format!("{}:{}", target.service.name, short_operation(call));
    let answer = |attempts: u64, result| Answer { operation: operation.clone(), attempts, result };
    let timeout = deadline.saturating_duration_since(Instant::now());
    let mut request = match encode(call, page, target, timeout) {
        Ok(request) => request,
        Err(error) => return answer(0, Err(CallFailure::new(CauseKind::NoDefinition, sentence(&error.to_string())))),
    };
    request.operation.clone_from(&operation);
    let response = match account.transport().send(request.clone(), cancel).await {
        Ok(response) => response,
        Err(error) => {
            let attempts = error.context().iter().find(|(name, _)| *name == "attempts");
            let attempts = attempts.and_then(|(_, count)| count.parse().ok()).unwrap_or(1);
            return answer(attempts, Err(CallFailure::of_network(&error)));
        }
    };
    let attempts = u64::from(response.attempts);
    if let Some(fault) = Fault::read(&response) {
        let kind = fault_kind(account.cloud(), &fault, &response);
        return answer(attempts, Err(refused(asking, &operation, &fault, kind)));
    }
    let first = response.body.iter().find(|byte| !byte.is_ascii_whitespace());
    let format = match call.protocol {
        Protocol::Json | Protocol::RestJson => Format::Json,
        // S3 answers some questions, such as that for a bucket's policy, with the JSON it was given.
        Protocol::RestXml if first == Some(&b'{') => Format::Json,
        Protocol::Ec2 | Protocol::Query | Protocol::RestXml => Format::Xml,
    };
    let result = reply::read(format, &response.body).map_err(|error| {
        let where_from = format!("{operation} at {}", request.authority());
        CallFailure::new(CauseKind::InvalidReply, format!("{where_from}: {}", sentence(&error.to_string())))
    });
    let is_query = call.protocol == Protocol::Query;
    answer(attempts, result.map(|tree| if is_query { reply::without_result(tree, &call.action) } else { tree }))
}

/// Names a call without what varies from object to object, so that calls can be counted by it.
fn short_operation(call: &RenderedCall) -> String {
    if !call.action.is_empty() {
        return call.action.clone();
    }
    let method = call.operation();
    let method = method.split(' ').next().unwrap_or_default();
    // A bare argument is a subresource (`?versioning`) and tells what is asked; an argument with a value does not.
    let subresource = call.query.iter().find(|(_, value)| value.is_empty());
    let depth = call.path.split('/').filter(|part| !part.is_empty()).count();
    match (subresource, depth) {
        (Some((name, _)), _) => format!("{method} ?{name}"),
        (None, 0) => format!("{method} /"),
        (None, _) => format!("{method} {}", first_words(&call.path)),
    }
}

/// Keeps the parts of a path that are words of an API, every second one of the rest being an object's name:
/// `/2015-03-31/functions/x/policy` becomes `/2015-03-31/functions/{}/policy`.
fn first_words(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let shown: Vec<&str> = parts
        .iter()
        .enumerate()
        .map(|(position, part)| if parts.len() == 1 || (position >= 2 && position % 2 == 0) { "{}" } else { part })
        .collect();
    format!("/{}", shown.join("/"))
}

fn fault_kind(cloud: &CloudDefinition, fault: &Fault, response: &net::Response) -> ErrorKind {
    match cloud.classify(&fault.code) {
        Some(ErrorClass::Throttled) => ErrorKind::Throttled,
        Some(ErrorClass::Denied) => ErrorKind::Denied,
        Some(ErrorClass::Disabled) => ErrorKind::Disabled,
        Some(ErrorClass::Credentials) => ErrorKind::Credentials,
        Some(ErrorClass::Retryable) => ErrorKind::Server,
        None => fault.kind(response),
    }
}

fn refused(asking: Asking<'_>, operation: &str, fault: &Fault, kind: ErrorKind) -> CallFailure {
    let Asking { account, target, permissions, .. } = asking;
    let (cause_kind, help) = match kind {
        ErrorKind::Denied => (
            CauseKind::Denied,
            format!("Allow {} to {}, or leave the type out.", permissions.join(", "), account.caller),
        ),
        ErrorKind::Throttled => (CauseKind::Throttled, "Scan again later, or with a lower rate.".to_owned()),
        ErrorKind::Expired => {
            (CauseKind::Credentials, "The credentials expired during the scan: renew them.".to_owned())
        }
        ErrorKind::Credentials => (
            CauseKind::Credentials,
            format!(
                "The region {} may not be enabled in account {}, or the credentials were revoked.",
                target.signing.region, account.id
            ),
        ),
        ErrorKind::Disabled => (
            CauseKind::RegionUnavailable,
            format!("Enable it in account {}, or leave the region {} out.", account.id, target.signing.region),
        ),
        ErrorKind::Server => (CauseKind::ServerError, "The service failed more often than we ask again.".to_owned()),
        ErrorKind::NotFound => (CauseKind::InvalidReply, "What was asked for does not exist.".to_owned()),
        _ => (
            CauseKind::InvalidReply,
            "The service refused the request as wrong: the definition needs correcting.".to_owned(),
        ),
    };
    let said =
        if fault.message.is_empty() { String::new() } else { format!(": {}", fault.message.trim_end_matches('.')) };
    CallFailure {
        code: Some(fault.code.clone()),
        is_absent: kind == ErrorKind::NotFound,
        cause: Cause::new(cause_kind, format!("{operation} answered {}{said}. {help}", fault.code)),
    }
}

/// Makes a library's phrase a sentence.
fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    format!("{text}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_counted_by_what_is_asked_not_of_whom() {
        assert_eq!(first_words("/2015-03-31/functions"), "/2015-03-31/functions");
        assert_eq!(first_words("/2015-03-31/functions/f1/policy"), "/2015-03-31/functions/{}/policy");
        assert_eq!(first_words("/bucket"), "/{}");
    }
}
