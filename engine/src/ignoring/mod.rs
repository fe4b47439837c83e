//! Where ignore rules are written: the ignore file, comments in the code, and the baseline.
//!
//! In a change that is not trusted they count as they were before it.

mod comments;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use ::drift::IgnoreRules;
use ::drift::baseline::{BASELINE_FILE_NAME, Baseline, BaselineKey, parse_baseline};
use ::drift::ignore;
use model::{Diagnostic, Diagnostics};

use crate::{DriftRequest, Error, Session};

pub(crate) use comments::of_code;

/// The largest ignore file that is read, in bytes.
const MAX_IGNORE_FILE: u64 = 4 << 20;
/// The largest baseline that is read, in bytes.
const MAX_BASELINE: u64 = 16 << 20;
/// The variable that holds the key of the digests of values.
pub(crate) const KEY_VARIABLE: &str = "DRIFTMGR_BASELINE_KEY";

/// Which baseline counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BaselineSource {
    /// `driftmgr.baseline.json` beside the code, where it is there.
    #[default]
    Beside,
    /// This file, which must be there.
    File(PathBuf),
    /// None.
    Nothing,
}

/// What was chosen to be ignored in files, apart.
pub(crate) struct IgnoreFiles {
    rules: IgnoreRules,
    baseline: Baseline,
    key: Option<BaselineKey>,
    pub(crate) diagnostics: Diagnostics,
}

impl IgnoreFiles {
    /// Reads the ignore file and the baseline of a comparison.
    ///
    /// # Errors
    /// Where one of them has mistakes, or is named and not there.
    pub(crate) fn read(session: &Session, request: &DriftRequest) -> Result<Self, Error> {
        let rules = ignore_file(session, request)?;
        let baseline = baseline_file(session, request)?.map(|(baseline, _)| baseline).unwrap_or_default();
        let key = key(session)?;
        let mut diagnostics = Diagnostics::new();
        if baseline.has_digests() && !key.as_ref().is_some_and(|key| baseline.is_of_key(key)) {
            let why = match key {
                Some(_) => format!("{KEY_VARIABLE} holds another key than the baseline was recorded with"),
                None => format!("{KEY_VARIABLE} is not set"),
            };
            let detail = format!("{why}: entries of the baseline stand for whatever the values are now.");
            diagnostics.push(
                Diagnostic::warning("baseline-key", "Values are not compared with the baseline", detail)
                    .with_help(format!("Set {KEY_VARIABLE} to the key that the baseline was recorded with.")),
            );
        }
        Ok(Self { rules, baseline, key, diagnostics })
    }

    /// Puts all rules together.
    pub(crate) fn with_comments(self, comments: Vec<ignore::Rule>) -> IgnoreRules {
        self.rules.with(comments).with_baseline(&self.baseline, self.key.as_ref())
    }
}

/// Gives the key of the digests, where there is one.
///
/// # Errors
/// Where it is too short.
pub(crate) fn key(session: &Session) -> Result<Option<BaselineKey>, Error> {
    let Some(text) = session.environment.get(KEY_VARIABLE).filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    BaselineKey::new(text).map(Some).map_err(|short| {
        Error::usage("read the key of the baseline", format!("{KEY_VARIABLE} cannot be used: {short}."))
            .with_help("Make one with `openssl rand -hex 32`, and keep it as a secret of your CI service.")
    })
}

fn ignore_file(session: &Session, request: &DriftRequest) -> Result<IgnoreRules, Error> {
    let operation = "read the ignore file";
    let path = match &request.ignore_file {
        Some(path) => session.path(path),
        None => folder(session, request).join(ignore::FILE_NAME),
    };
    let unreadable = |reason: String| {
        let detail = format!("{} cannot be read: {reason}.", path.display());
        Error::usage(operation, detail)
    };
    let text = match session.read_trusted(&path, MAX_IGNORE_FILE).map_err(unreadable)? {
        Some(text) => text,
        None if request.ignore_file.is_some() => return Err(unreadable("it is not there".to_owned())),
        None => return Ok(IgnoreRules::default()),
    };
    let (rules, diagnostics) = ignore::parse(&path.to_string_lossy(), &text);
    if model::diagnostic::has_errors(&diagnostics) {
        return Err(Error::usage(operation, format!("{} has mistakes.", path.display())).with_diagnostics(diagnostics));
    }
    Ok(rules)
}

/// Reads the baseline that counts, with its text; `None` where there is none.
///
/// # Errors
/// Where it has mistakes, or is named and not there.
pub(crate) fn baseline_file(session: &Session, request: &DriftRequest) -> Result<Option<(Baseline, String)>, Error> {
    let operation = "read the baseline";
    let Some(path) = baseline_path(session, request) else { return Ok(None) };
    let unreadable = |reason: String| Error::usage(operation, format!("{} cannot be read: {reason}.", path.display()));
    let text = match session.read_trusted(&path, MAX_BASELINE).map_err(unreadable)? {
        Some(text) => text,
        None if matches!(request.baseline, BaselineSource::File(_)) => {
            return Err(unreadable("it is not there".to_owned())
                .with_help("`driftmgr baseline record` makes one; with --baseline none, none counts."));
        }
        None => return Ok(None),
    };
    let (baseline, diagnostics) = parse_baseline(&path.to_string_lossy(), &text);
    if !diagnostics.is_empty() {
        return Err(Error::usage(operation, format!("{} has mistakes.", path.display())).with_diagnostics(diagnostics));
    }
    Ok(Some((baseline, text)))
}

/// Gives the place of the baseline that counts; `None` where none does.
pub(crate) fn baseline_path(session: &Session, request: &DriftRequest) -> Option<PathBuf> {
    match &request.baseline {
        BaselineSource::Beside => Some(folder(session, request).join(BASELINE_FILE_NAME)),
        BaselineSource::File(path) => Some(session.path(path)),
        BaselineSource::Nothing => None,
    }
}

fn folder(session: &Session, request: &DriftRequest) -> PathBuf {
    request.states.dir.as_deref().map_or_else(|| session.current_dir.clone(), |dir| session.path(dir))
}
