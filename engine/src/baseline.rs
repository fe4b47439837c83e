//! `baseline`: writes down what is found, with who approves it, so that it fails no more.
//!
//! Nothing is written but the baseline file, and that as a whole or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ::drift::baseline::{Approval, Baseline, BaselineEntry, BaselineSubject, RecordedEntries, Selection};
use ::drift::ignore::RuleOrigin;
use model::Kind;

use crate::ignoring::{self, BaselineSource, baseline_file, baseline_path};
use crate::{DriftAnswer, DriftRequest, Error, ErrorKind, Session, drift};

const OPERATION: &str = "write the baseline";

/// Asks to write down what a comparison finds.
#[derive(Clone, Debug)]
pub struct BaselineRequest {
    /// The comparison; what makes it fail is what is recorded. Its baseline is the file that is written.
    pub drift: DriftRequest,
    /// Who approves what is recorded, and why.
    pub approval: Approval,
    /// What is recorded.
    pub step: BaselineStep,
}

/// What is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaselineStep {
    /// Everything that fails.
    Record {
        /// Whether entries go that have expired or match nothing.
        prune: bool,
    },
    /// What is found about one instance or object, whether it fails or not.
    Add {
        /// The address, or the import id of an object that has none.
        subject: String,
        /// One attribute, as findings write it.
        path: Option<String>,
    },
}

/// Asks to take entries out of the baseline.
#[derive(Clone, Debug)]
pub struct BaselineRemoval {
    /// The comparison whose baseline it is.
    pub drift: DriftRequest,
    /// What the entries are about; `None` for those that have expired.
    pub subject: Option<(String, Option<String>)>,
}

/// What became of a baseline.
#[derive(Debug)]
pub struct BaselineAnswer {
    /// The file.
    pub path: PathBuf,
    /// What was recorded.
    pub recorded: RecordedEntries,
    /// The entries that are gone.
    pub removed: Vec<BaselineEntry>,
    /// How many entries there are now.
    pub n_entries: usize,
    /// Whether the file was written; it is not where nothing changed.
    pub is_written: bool,
    /// The comparison, where one was made.
    pub answer: Option<DriftAnswer>,
}

/// Compares, and writes down what was found.
///
/// # Errors
///
/// Where the comparison gives no answer, what was named is not found, or the file cannot be written or was changed
/// meanwhile.
pub async fn record_baseline(session: &Session, request: &BaselineRequest) -> Result<BaselineAnswer, Error> {
    let mut request = request.clone();
    let path = path_of(session, &request.drift)?;
    if !path.exists() {
        // The file is yet to be made.
        request.drift.baseline = BaselineSource::Nothing;
    }
    let before = baseline_file(session, &request.drift)?;
    let digest_key = ignoring::key(session)?;
    let answer = drift(session, &request.drift).await?;
    let (mut baseline, text) = match before {
        Some((baseline, text)) => (baseline, Some(text)),
        None => (Baseline::default(), None),
    };
    let findings = &answer.verdict.findings;
    let selection = match &request.step {
        BaselineStep::Record { .. } => Selection::Failing(&request.drift.options.fail_on),
        BaselineStep::Add { subject, path } => Selection::Named { subject, path: path.as_deref() },
    };
    if let BaselineStep::Add { subject, path } = &request.step
        && !findings.iter().any(|finding| selection.finds(finding))
    {
        let at = path.as_ref().map(|path| format!(" at {path}")).unwrap_or_default();
        let detail = format!("Nothing was found about {subject}{at} that is not ignored, folded away or undetermined.");
        return Err(Error::new(ErrorKind::NotFound, OPERATION, detail)
            .with_help("Name the address and the path as `driftmgr drift` shows them."));
    }
    let mut removed = Vec::new();
    if request.step == (BaselineStep::Record { prune: true }) {
        let options = &request.drift.options;
        let unused = answer.ignore.unused(&answer.verdict, &answer.states, options, answer.at);
        let unused: BTreeSet<(&BaselineSubject, Kind, Option<&str>)> = unused
            .into_iter()
            .filter_map(|position| match &answer.ignore.rules()[position].origin {
                RuleOrigin::Baseline(entry) => Some(key(entry)),
                RuleOrigin::File | RuleOrigin::Comment(_) => None,
            })
            .collect();
        removed = baseline.take_out(|entry| entry.is_expired(answer.at) || unused.contains(&key(entry)));
    }
    let recorded = baseline.record(findings, selection, &request.approval, digest_key.as_ref(), answer.at);
    let is_written = write(&path, text.as_deref(), &baseline)?;
    let n_entries = baseline.entries().len();
    Ok(BaselineAnswer { path, recorded, removed, n_entries, is_written, answer: Some(answer) })
}

/// Takes entries out of the baseline. Nothing is compared.
///
/// # Errors
///
/// Where there is no baseline, it has no such entry, or it cannot be written or was changed meanwhile.
pub fn remove_from_baseline(session: &Session, request: &BaselineRemoval) -> Result<BaselineAnswer, Error> {
    let path = path_of(session, &request.drift)?;
    let Some((mut baseline, text)) = baseline_file(session, &request.drift)? else {
        let detail = format!("{} is not there.", path.display());
        return Err(Error::new(ErrorKind::NotFound, OPERATION, detail).with_help("Name it with --baseline."));
    };
    let removed = match &request.subject {
        Some((subject, path)) => baseline.remove(subject, path.as_deref()),
        None => baseline.remove_expired((session.now)()),
    };
    if let (Some((subject, at)), true) = (&request.subject, removed.is_empty()) {
        let at = at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
        let detail = format!("{} has no entry about {subject}{at}.", path.display());
        return Err(Error::new(ErrorKind::NotFound, OPERATION, detail));
    }
    let is_written = write(&path, Some(&text), &baseline)?;
    let n_entries = baseline.entries().len();
    Ok(BaselineAnswer { path, recorded: RecordedEntries::default(), removed, n_entries, is_written, answer: None })
}

/// Gives what tells entries apart.
fn key(entry: &BaselineEntry) -> (&BaselineSubject, Kind, Option<&str>) {
    (&entry.subject, entry.kind, entry.path.as_deref())
}

fn path_of(session: &Session, request: &DriftRequest) -> Result<PathBuf, Error> {
    let path = baseline_path(session, request).ok_or_else(|| {
        Error::usage(OPERATION, "With --baseline none there is no file to write.").with_help("Leave the option out.")
    })?;
    // What a link leads to is written, and the link stays.
    Ok(path.canonicalize().unwrap_or(path))
}

/// Writes the file as a whole, where it changes; `before` is what it held when it was read.
fn write(path: &Path, before: Option<&str>, baseline: &Baseline) -> Result<bool, Error> {
    let text = baseline.to_text();
    if before == Some(text.as_str()) || before.is_none() && baseline.entries().is_empty() {
        return Ok(false);
    }
    let failed = |error: io::Error| {
        let detail = format!("{} cannot be written; it is as it was.", path.display());
        Error::new(ErrorKind::Unavailable, OPERATION, detail).with_source(error)
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".driftmgr.baseline.");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    let now = match fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    if now.as_deref() != before.map(str::as_bytes) {
        let detail = format!("{} was changed meanwhile, and is left as it is.", path.display());
        return Err(Error::new(ErrorKind::Unavailable, OPERATION, detail).with_help("Run the command again."));
    }
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use ::drift::baseline::BASELINE_FILE_NAME;

    use super::*;

    #[test]
    fn a_file_that_changed_meanwhile_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(BASELINE_FILE_NAME);
        let entry = |name: &str| {
            let text = format!(
                "{{\"version\": 1, \"entries\": [{{\"address\": \"a_b.{name}\", \"kind\": \"missing\", \"reason\": \"r\", \
                 \"approver\": \"a\"}}]}}"
            );
            ::drift::baseline::parse_baseline("b.json", &text).0
        };
        assert!(!write(&path, None, &Baseline::default()).expect("nothing is to be written") && !path.exists());
        assert!(write(&path, None, &entry("one")).expect("it is written"));
        let text = fs::read_to_string(&path).expect("it is there");
        assert!(!write(&path, Some(&text), &entry("one")).expect("it is the same"));
        fs::write(&path, "somebody else's").expect("it is written");
        let error = write(&path, Some(&text), &entry("two")).expect_err("it changed");
        assert!(error.detail().contains("was changed meanwhile"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "somebody else's");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left behind");
    }
}
