//! `driftmgr.scan/v1`: what a scan saw, and what it did not.

use jiff::Timestamp;
use model::{Diagnostic, ScopeOutcome, ScopeStatus};
use serde::{Serialize, Serializer};

use super::common::{DiagnosticOf, ScopeOf, Text};

/// A finished scan.
#[derive(Clone, Copy, Debug)]
pub struct ScanReport<'a> {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Whose credentials were used.
    pub callers: &'a [::drift::Caller],
    /// What became of each scope.
    pub scopes: &'a [ScopeOutcome],
    /// Errors and warnings.
    pub diagnostics: &'a [Diagnostic],
}

impl ScanReport<'_> {
    /// Tells whether every scope was seen completely.
    pub fn is_complete(&self) -> bool {
        self.scopes.iter().all(|outcome| outcome.status == ScopeStatus::Complete)
    }
}

/// A finished scan, as a document.
pub struct Document<'a>(pub &'a ScanReport<'a>);

impl super::Document for Document<'_> {
    const SCHEMA: &'static str = "driftmgr.scan/v1";
}

#[derive(Serialize)]
struct Body<'a> {
    schema: &'static str,
    started: Text<Timestamp>,
    finished: Text<Timestamp>,
    complete: bool,
    objects: u64,
    callers: Vec<CallerOf<'a>>,
    scopes: Vec<ScopeOf<'a>>,
    diagnostics: Vec<DiagnosticOf<'a>>,
}

#[derive(Serialize)]
struct CallerOf<'a> {
    cloud: &'a str,
    profile: Option<&'a str>,
    account: &'a str,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ScanReport { started, finished, callers, scopes, diagnostics } = self.0;
        Body {
            schema: <Self as super::Document>::SCHEMA,
            started: Text(*started),
            finished: Text(*finished),
            complete: self.0.is_complete(),
            objects: scopes.iter().map(|outcome| outcome.n_objects).sum(),
            callers: callers
                .iter()
                .map(|caller| CallerOf {
                    cloud: caller.cloud.as_str(),
                    profile: caller.profile.as_deref(),
                    account: caller.account.as_str(),
                })
                .collect(),
            scopes: scopes.iter().map(ScopeOf::from).collect(),
            diagnostics: diagnostics.iter().map(DiagnosticOf::from).collect(),
        }
        .serialize(serializer)
    }
}
