//! The baseline: findings that are known, that somebody approved, and that fail no more.
//!
//! An entry names one finding, or one difference of one, exactly: by its subject, its kind and its path. It holds no
//! value. Where the user has a key, it also holds a digest of the value that no one can compute without that key, so
//! that another value comes up again.

mod digest;
mod file;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use model::{AttributeDifference, Finding, Kind, Position, Span, Tier};

use crate::{FailOn, fails};

pub use digest::{BaselineKey, ShortKey};
pub(crate) use digest::{is_secret_path, is_secret_subject};
pub use file::{BASELINE_FILE_NAME, parse_baseline};

/// What is known of one root module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// Names the key that the digests were made with, without telling it.
    key_check: Option<String>,
    entries: Vec<BaselineEntry>,
}

/// One finding, or one difference of one, that somebody approved.
#[derive(Clone, Debug, PartialEq)]
pub struct BaselineEntry {
    /// What it is about.
    pub subject: BaselineSubject,
    /// The kind of the finding.
    pub kind: Kind,
    /// The attribute; `None` where the finding is not about attributes.
    pub path: Option<String>,
    /// A keyed digest of the value, where there is a key and nothing calls the value sensitive.
    pub digest: Option<String>,
    /// Why it is there.
    pub reason: String,
    /// Who approved it.
    pub approver: String,
    /// The last day it applies, in UTC.
    pub expires: Option<Date>,
    /// Where it is written.
    pub span: Span,
}

/// What tells entries apart, in the order in which they are written.
type EntryKey = (BaselineSubject, Kind, Option<String>);

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BaselineSubject {
    /// A resource instance.
    Instance {
        /// Its address, with the deposed key behind it where it is a deposed object.
        address: String,
        /// The workspace of the state that records it.
        workspace: Arc<str>,
    },
    /// An object that no state records.
    Object {
        /// Its Terraform type, or its native type where it has none.
        object_type: String,
        /// Its import id, or its cloud-wide name where it has none.
        id: String,
        /// Its account, where it is known.
        account: Option<String>,
        /// Its region, where it has one.
        region: Option<String>,
    },
}

/// Who approves what is recorded, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub approver: String,
    /// Why.
    pub reason: String,
    /// The last day it applies, in UTC.
    pub expires: Option<Date>,
}

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedEntries {
    /// How many entries are there that were not.
    pub n_added: usize,
    /// How many stand in for another one, which had expired or was about another value.
    pub n_replaced: usize,
    /// What could not be recorded, each with why, as a clause.
    pub left_out: Vec<(String, &'static str)>,
}

/// Which findings are recorded.
#[derive(Clone, Copy, Debug)]
pub enum Selection<'a> {
    /// Those that make the run fail, with the differences that do.
    Failing(&'a FailOn),
    /// Those of one instance, all or at one path, unless they are noise.
    Named {
        /// The address, as findings show it; the import id for an object without one.
        subject: &'a str,
        /// The path, as findings show it.
        path: Option<&'a str>,
    },
}

impl Baseline {
    /// Makes a baseline of entries, in the order in which it is written.
    ///
    /// # Errors
    /// The position of an entry that is about the same as one before it.
    pub fn new(key_check: Option<String>, entries: Vec<BaselineEntry>) -> Result<Self, usize> {
        let mut sorted = BTreeMap::new();
        for (position, entry) in entries.into_iter().enumerate() {
            if sorted.insert(entry.key(), entry).is_some() {
                return Err(position);
            }
        }
        Ok(Self { key_check, entries: sorted.into_values().collect() })
    }

    /// Lists the entries, expired ones too, by what they are about.
    pub fn entries(&self) -> &[BaselineEntry] {
        &self.entries
    }

    /// Tells whether there are digests.
    pub fn has_digests(&self) -> bool {
        self.entries.iter().any(|entry| entry.digest.is_some())
    }

    /// Tells whether the digests were made with a key.
    pub fn is_of_key(&self, key: &BaselineKey) -> bool {
        self.key_check.as_deref() == Some(key.check().as_str())
    }

    /// Adds entries for findings that are neither ignored nor folded away, nor undetermined.
    ///
    /// What is there stays as it is, unless it has expired or is about another value. With a key, values get digests; those
    /// of another key are dropped, because nobody could compare them any more.
    pub fn record(
        &mut self,
        findings: &[Finding],
        selection: Selection<'_>,
        approval: &Approval,
        key: Option<&BaselineKey>,
        now: Timestamp,
    ) -> RecordedEntries {
        if let Some(key) = key.filter(|key| !self.is_of_key(key)) {
            self.key_check = Some(key.check());
            for entry in &mut self.entries {
                entry.digest = None;
            }
        }
        let key = key.filter(|key| self.is_of_key(key));
        let mut recorded = RecordedEntries::default();
        let mut entries: BTreeMap<EntryKey, BaselineEntry> =
            std::mem::take(&mut self.entries).into_iter().map(|entry| (entry.key(), entry)).collect();
        let mut put = |entry, recorded: &mut RecordedEntries| put(&mut entries, entry, now, recorded);
        for finding in findings {
            if !selection.finds(finding) {
                continue;
            }
            let title = title_of(finding);
            let Some(subject) = BaselineSubject::of(finding) else {
                recorded.left_out.push((title, "it has neither an address nor an id to be known by"));
                continue;
            };
            if is_secret_subject(finding) {
                recorded.left_out.push((finding.kind.to_string(), "what it is known by looks like a secret"));
                continue;
            }
            let entry = |path: Option<String>, digest: Option<String>| BaselineEntry {
                subject: subject.clone(),
                kind: finding.kind,
                path,
                digest,
                reason: approval.reason.clone(),
                approver: approval.approver.clone(),
                expires: approval.expires,
                span: nowhere(),
            };
            if !is_about_attributes(finding) {
                put(entry(None, None), &mut recorded);
                continue;
            }
            for difference in finding.attributes.iter().filter(|difference| selection.has(finding, difference)) {
                let path = difference.path.to_string();
                if is_secret_path(&difference.path) {
                    recorded.left_out.push((title.clone(), "an attribute is known by what looks like a secret"));
                    continue;
                }
                let digest = key.and_then(|key| key.digest(&subject, difference));
                put(entry(Some(path), digest), &mut recorded);
            }
        }
        self.entries = entries.into_values().collect();
        recorded
    }

    /// Removes the entries about a subject, all or at one path; gives them.
    pub fn remove(&mut self, subject: &str, path: Option<&str>) -> Vec<BaselineEntry> {
        self.take_out(|entry| entry.subject.name() == subject && (path.is_none() || entry.path.as_deref() == path))
    }

    /// Removes the entries that have expired; gives them.
    pub fn remove_expired(&mut self, now: Timestamp) -> Vec<BaselineEntry> {
        self.take_out(|entry| entry.is_expired(now))
    }

    /// Removes entries by what they say; gives them.
    pub fn take_out(&mut self, is_meant: impl Fn(&BaselineEntry) -> bool) -> Vec<BaselineEntry> {
        let (taken, kept) = std::mem::take(&mut self.entries).into_iter().partition(is_meant);
        self.entries = kept;
        if !self.has_digests() {
            self.key_check = None;
        }
        taken
    }
}

impl Selection<'_> {
    /// Tells whether something of a finding is recorded.
    pub fn finds(&self, finding: &Finding) -> bool {
        let is_put_aside = finding.ignored.is_some() || finding.folded.is_some();
        !is_put_aside
            && finding.kind != Kind::Undetermined
            && self.means(finding)
            && (!is_about_attributes(finding)
                || finding.attributes.iter().any(|difference| self.has(finding, difference)))
    }

    fn means(&self, finding: &Finding) -> bool {
        match self {
            Self::Failing(_) => finding.fails,
            Self::Named { subject, .. } => BaselineSubject::of(finding).is_some_and(|own| own.name() == *subject),
        }
    }

    fn has(&self, finding: &Finding, difference: &AttributeDifference) -> bool {
        if difference.tier == Tier::Ignored {
            return false;
        }
        match self {
            Self::Failing(fail_on) => fail_on.fails_at(finding, difference),
            Self::Named { path: Some(path), .. } => difference.path.to_string() == *path,
            Self::Named { path: None, .. } => !fails::is_noise(difference),
        }
    }
}

impl BaselineEntry {
    /// Tells whether it applies no more.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires < now.to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// Says what it is about: `changed aws_s3_bucket.logs tags["Owner"]`.
    pub fn title(&self) -> String {
        let path = self.path.as_ref().map(|path| format!(" {path}")).unwrap_or_default();
        format!("{} {}{path}", self.kind, self.subject)
    }

    /// Says why what it is about is ignored.
    pub(crate) fn said(&self) -> String {
        let until = self.expires.map(|expires| format!(", until {expires}")).unwrap_or_default();
        format!("{} (baseline, approved by {}{until})", self.reason, self.approver)
    }

    /// Tells whether a difference has the values that were approved, as far as that can be told.
    pub(crate) fn has_values_of(&self, difference: &AttributeDifference, key: Option<&BaselineKey>) -> bool {
        match (&self.digest, key) {
            (Some(digest), Some(key)) => key.digest(&self.subject, difference).as_ref() == Some(digest),
            _ => true,
        }
    }

    fn key(&self) -> EntryKey {
        (self.subject.clone(), self.kind, self.path.clone())
    }
}

/// Puts an entry where it belongs. One about the same gives way where it does not take the finding: it has expired, or its
/// digest is another.
fn put(
    entries: &mut BTreeMap<EntryKey, BaselineEntry>,
    entry: BaselineEntry,
    now: Timestamp,
    recorded: &mut RecordedEntries,
) {
    match entries.entry(entry.key()) {
        Entry::Occupied(mut other) => {
            let other = other.get_mut();
            let is_other_value = other.digest.is_some() && other.digest != entry.digest;
            if other.is_expired(now) || is_other_value {
                *other = entry;
                recorded.n_replaced += 1;
            } else if other.digest.is_none() && entry.digest.is_some() {
                // The approval stands: nothing was known of the value.
                other.digest = entry.digest;
            }
        }
        Entry::Vacant(place) => {
            place.insert(entry);
            recorded.n_added += 1;
        }
    }
}

impl BaselineSubject {
    /// Tells what a finding is about; `None` where it is known by nothing that lasts.
    pub fn of(finding: &Finding) -> Option<Self> {
        if let Some(address) = &finding.address {
            let workspace =
                finding.states.first().map_or_else(|| "default".into(), |state| Arc::clone(&state.workspace));
            return Some(Self::Instance { address: address.with_deposed(finding.deposed.as_ref()), workspace });
        }
        let id = finding.id.as_ref().map(|id| id.as_str().to_owned()).or_else(|| finding.arn.clone())?;
        Some(Self::Object {
            object_type: crate::summary::type_name(finding)?.to_owned(),
            id,
            account: finding.account.as_ref().map(ToString::to_string),
            region: finding.region.as_ref().map(ToString::to_string),
        })
    }

    /// Gives the address, or the id of an object that has none.
    pub fn name(&self) -> &str {
        match self {
            Self::Instance { address, .. } => address,
            Self::Object { id, .. } => id,
        }
    }
}

impl fmt::Display for BaselineSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance { address, workspace } if **workspace == *"default" => f.write_str(address),
            Self::Instance { address, workspace } => write!(f, "{address} in workspace {workspace}"),
            Self::Object { object_type, id, .. } => write!(f, "{object_type} {id}"),
        }
    }
}

/// Tells whether a finding is about some attributes, rather than about the instance or object as a whole.
pub(crate) fn is_about_attributes(finding: &Finding) -> bool {
    let is_of_attributes = matches!(finding.kind, Kind::Changed | Kind::Pending | Kind::Stale | Kind::Collision);
    is_of_attributes && !finding.attributes.is_empty()
}

fn title_of(finding: &Finding) -> String {
    let subject = BaselineSubject::of(finding).map_or_else(|| "an object".to_owned(), |subject| subject.to_string());
    format!("{} {subject}", finding.kind)
}

/// The place of what is not written yet.
fn nowhere() -> Span {
    let start = Position { line: 1, column: 1, byte: 0 };
    Span { file: BASELINE_FILE_NAME.into(), start, end: start }
}
