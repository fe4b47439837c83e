//! The table of kinds and tiers: what makes a run fail, and how much it matters.
//!
//! `docs/findings.md` is generated from [`TABLE`] and tested against it.

use std::collections::BTreeSet;

use model::{AttributeDifference, Diagnostic, Finding, FindingSeverity, Kind, Precision, Tier};

use crate::Question;
use crate::baseline::is_about_attributes;
use crate::pattern::nearest;

/// One row: what a finding of a kind, with an attribute of a tier where the kind has attributes, means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The kind.
    pub kind: Kind,
    /// The tier, for the kinds that are about attributes.
    pub tier: Option<Tier>,
    /// Whether the row is about the paths that are relevant for security, or about all others.
    pub is_security_relevant: bool,
    /// Whether it makes `driftmgr drift` fail.
    pub fails_drift: bool,
    /// Whether it makes `driftmgr unmanaged` fail.
    pub fails_unmanaged: bool,
    /// How much it matters.
    pub severity: FindingSeverity,
    /// What it means, as a sentence.
    pub meaning: &'static str,
}

const fn existence(kind: Kind, fails_drift: bool, severity: FindingSeverity, meaning: &'static str) -> Row {
    Row { kind, tier: None, is_security_relevant: false, fails_drift, fails_unmanaged: false, severity, meaning }
}

const fn attribute(kind: Kind, tier: Tier, severity: FindingSeverity, meaning: &'static str) -> Row {
    let fails_drift = matches!((kind, tier), (Kind::Changed | Kind::Collision, Tier::Declared));
    Row { kind, tier: Some(tier), is_security_relevant: false, fails_drift, fails_unmanaged: false, severity, meaning }
}

const fn security(tier: Tier, meaning: &'static str) -> Row {
    Row {
        kind: Kind::Changed,
        tier: Some(tier),
        is_security_relevant: true,
        fails_drift: true,
        fails_unmanaged: false,
        severity: FindingSeverity::High,
        meaning,
    }
}

/// The word that stands for the rows about paths that are relevant for security, in `--fail-on`.
pub const SECURITY_RELEVANT: &str = "security_relevant";

/// Every kind and tier, in the order of the documentation.
pub const TABLE: &[Row] = &{
    use FindingSeverity::{High, Info, Low, Medium};
    use Kind::{Changed, Collision, Pending, Stale};
    use Tier::{Declared, Explained, Ignored, Runtime, SchemaAdded, Unclassified, Undeclared, Unreadable};
    [
        attribute(Changed, Declared, Medium, "The cloud differs in an argument that the code sets."),
        security(Undeclared, "The code leaves the argument open, and a change there opens something or gives rights."),
        attribute(Changed, Undeclared, Low, "The cloud differs in an argument that the code leaves open."),
        attribute(Changed, Explained, Info, "Another recorded instance accounts for the difference."),
        security(Unclassified, "The code was not read; written or not, the change opens something or gives rights."),
        attribute(Changed, Unclassified, Low, "The cloud differs; the code was not read."),
        attribute(Changed, Runtime, Info, "The cloud differs in an attribute that only the provider sets."),
        attribute(Changed, Ignored, Info, "The user said to ignore the difference."),
        attribute(Changed, SchemaAdded, Info, "The provider grew the attribute since the state was written."),
        attribute(Changed, Unreadable, Info, "The attribute cannot be read back."),
        attribute(Collision, Declared, High, "Code, state and cloud all differ: the next apply overwrites a change."),
        attribute(Collision, Unclassified, Low, "State and cloud differ from a plan; the code was not read."),
        attribute(Stale, Declared, Info, "The code already says what the cloud holds: only the state is behind."),
        attribute(
            Stale,
            Unclassified,
            Info,
            "A plan leaves the cloud as it is and not the state; the code was not read.",
        ),
        attribute(Pending, Declared, Info, "The code is not applied yet: the next apply sets it."),
        attribute(Pending, Undeclared, Info, "The next apply sets it though the code leaves it open."),
        attribute(Pending, Unclassified, Info, "The next apply sets it; the code was not read."),
        attribute(Pending, Runtime, Info, "The next apply changes what only the provider sets, and nothing else."),
        existence(Kind::Missing, true, High, "The object is gone; the code and the state still have it."),
        existence(Kind::Orphan, true, High, "No code is left for it: the next apply destroys it."),
        existence(Kind::Dangling, true, Medium, "Only the state remembers it."),
        existence(Kind::NotImported, true, High, "It is written and exists, but no state has it."),
        existence(Kind::DoubleOwner, true, High, "Several addresses record one object."),
        existence(Kind::PendingDestroy, false, Info, "This change removes it on purpose."),
        existence(
            Pending,
            false,
            Info,
            "The next apply acts on it as a whole: it is tainted, deposed, or to be imported.",
        ),
        Row {
            kind: Kind::Unmanaged,
            tier: None,
            is_security_relevant: false,
            fails_drift: false,
            fails_unmanaged: true,
            severity: Low,
            meaning: "The cloud has it, no state of the named set does.",
        },
        existence(Kind::ManagedElsewhere, false, Info, "Another tool or service manages it."),
        existence(
            Kind::Undetermined,
            false,
            Info,
            "It could not be looked at; the exit code is 3 unless drift was found.",
        ),
    ]
};

/// The word before a severity from which on every finding fails, in `--fail-on`: `severity:high`.
pub const SEVERITY: &str = "severity";

/// Which kinds and tiers make a run fail, and from which severity on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailOn {
    rows: BTreeSet<(Kind, Option<Tier>, bool)>,
    at_least: Option<FindingSeverity>,
}

impl FailOn {
    /// Gives what fails by default where a question is answered.
    pub fn default_of(question: Question) -> Self {
        let fails = |row: &&Row| match question {
            Question::Drift | Question::DriftAndUnmanaged => row.fails_drift,
            Question::Unmanaged => row.fails_unmanaged,
        };
        Self { rows: TABLE.iter().filter(fails).map(key).collect(), at_least: None }
    }

    /// Reads what the user gave instead of the default.
    ///
    /// Shape: words separated by commas: a kind (`missing`), a tier (`undeclared`) of what somebody changed, a kind and a
    /// tier (`changed:undeclared`), [`SECURITY_RELEVANT`] for undeclared differences that are, a severity from which on
    /// everything fails (`severity:high`), or `none` alone.
    ///
    /// # Errors
    ///
    /// A diagnostic with the code `invalid-fail-on` that names the word.
    pub fn parse(text: &str) -> Result<Self, Box<Diagnostic>> {
        if text.trim() == "none" {
            return Ok(Self { rows: BTreeSet::new(), at_least: None });
        }
        let mut rows = BTreeSet::new();
        let mut at_least: Option<FindingSeverity> = None;
        for word in text.split(',').map(str::trim) {
            if let Some((SEVERITY, severity)) = word.split_once(':') {
                let least = FindingSeverity::from_word(severity).ok_or_else(|| unknown_severity(severity))?;
                at_least = Some(at_least.map_or(least, |other| other.min(least)));
                continue;
            }
            let is_meant = |row: &&Row| match word.split_once(':') {
                None if word == SECURITY_RELEVANT => row.is_security_relevant,
                Some((kind, tier)) => row.kind.as_str() == kind && row.tier.is_some_and(|own| own.as_str() == tier),
                // Code that is not applied, or that says what is there, is nobody's drift: it takes its kind to mean it.
                None => {
                    let is_drift = matches!(row.kind, Kind::Changed | Kind::Collision);
                    row.kind.as_str() == word || is_drift && row.tier.is_some_and(|own| own.as_str() == word)
                }
            };
            let n_rows = rows.len();
            let meant: Vec<&Row> = TABLE.iter().filter(is_meant).collect();
            rows.extend(meant.iter().copied().map(key));
            if meant.is_empty() && rows.len() == n_rows {
                let words = || {
                    let kinds = Kind::ALL.iter().map(|kind| kind.as_str());
                    kinds.chain(Tier::ALL.iter().map(|tier| tier.as_str())).chain([SECURITY_RELEVANT, "none"])
                };
                let detail = format!(
                    "{word:?} is neither a kind of finding nor a tier. What may be given is: {}, KIND:TIER, or \
                     severity:LEVEL, separated by commas.",
                    words().collect::<Vec<_>>().join(", ")
                );
                let diagnostic = Diagnostic::error("invalid-fail-on", "Unknown word in --fail-on", detail);
                return Err(Box::new(match nearest(word, words()) {
                    Some(near) => diagnostic.with_help(format!("Did you mean {near:?}?")),
                    None => diagnostic,
                }));
            }
        }
        Ok(Self { rows, at_least })
    }

    /// Decides whether a finding makes the run fail.
    ///
    /// What was ignored or folded never does, and no difference seen at inventory precision does.
    pub fn fails(&self, finding: &Finding) -> bool {
        if finding.ignored.is_some() || finding.folded.is_some() {
            return false;
        }
        if self.weighs_enough(finding) {
            return true;
        }
        let is_whole = !is_about_attributes(finding);
        is_whole && self.rows.contains(&(finding.kind, None, false))
            || finding.attributes.iter().any(|difference| self.fails_at(finding, difference))
    }

    /// Decides whether a difference of a finding makes the run fail.
    pub(crate) fn fails_at(&self, finding: &Finding, difference: &AttributeDifference) -> bool {
        // What is pending, stale or a collision is so whatever its path is relevant for.
        let is_security_relevant = difference.is_security_relevant && finding.kind == Kind::Changed;
        let row = (finding.kind, Some(difference.tier), is_security_relevant);
        // Noise decides nothing beside something else.
        let decides = !is_noise(difference) || finding.attributes.iter().all(is_noise);
        finding.precision == Some(Precision::Provider) && self.rows.contains(&row)
            || decides && self.weighs_enough(finding)
    }

    /// Tells whether a finding fails by its severity, whatever its rows.
    fn weighs_enough(&self, finding: &Finding) -> bool {
        let is_certain = finding.attributes.is_empty() || finding.precision == Some(Precision::Provider);
        is_certain && finding.kind != Kind::Undetermined && self.at_least.is_some_and(|least| finding.severity >= least)
    }
}

fn unknown_severity(word: &str) -> Box<Diagnostic> {
    let words = || FindingSeverity::ALL.iter().map(|severity| severity.as_str());
    let detail = format!("{word:?} is no severity. There are: {}.", words().collect::<Vec<_>>().join(", "));
    let diagnostic = Diagnostic::error("invalid-fail-on", "Unknown severity in --fail-on", detail);
    Box::new(match nearest(word, words()) {
        Some(near) => diagnostic.with_help(format!("Did you mean {near:?}?")),
        None => diagnostic,
    })
}

fn key(row: &Row) -> (Kind, Option<Tier>, bool) {
    (row.kind, row.tier, row.is_security_relevant)
}

/// Gives the severity of a kind, and of its weightiest attribute where it has some.
pub fn severity(kind: Kind, differences: &[AttributeDifference]) -> FindingSeverity {
    let of_row = |tier: Option<Tier>, is_security_relevant: bool| {
        TABLE.iter().find(|row| key(row) == (kind, tier, is_security_relevant)).map(|row| row.severity)
    };
    let of_tiers = || {
        let of_one = |difference: &AttributeDifference| {
            of_row(Some(difference.tier), difference.is_security_relevant).unwrap_or(FindingSeverity::Low)
        };
        differences.iter().map(of_one).max().unwrap_or(FindingSeverity::Info)
    };
    of_row(None, false).unwrap_or_else(of_tiers)
}

/// Tells whether a difference is of a tier that never asks anybody to do something.
pub(crate) fn is_noise(difference: &AttributeDifference) -> bool {
    !matches!(difference.tier, Tier::Declared | Tier::Undeclared | Tier::Unclassified)
}

/// Orders differences by what they mean for the run: 0 fails by default, 2 is noise.
pub(crate) fn rank(difference: &AttributeDifference) -> u8 {
    match difference.tier {
        Tier::Declared => 0,
        _ if is_noise(difference) => 2,
        _ if difference.is_security_relevant => 0,
        _ => 1,
    }
}

/// Says why a finding of nothing but noise is folded away.
pub(crate) fn folded_reason(differences: &[AttributeDifference]) -> String {
    let tiers: BTreeSet<Tier> = differences.iter().map(|difference| difference.tier).collect();
    let said = |tier: &Tier| match tier {
        Tier::Runtime => "what only the provider sets",
        Tier::Explained => "what other resources account for",
        Tier::SchemaAdded => "what the provider grew since the state was written",
        Tier::Unreadable => "what cannot be read back",
        Tier::Ignored => "what the code ignores",
        Tier::Declared | Tier::Undeclared | Tier::Unclassified => "what the code sets or leaves open",
    };
    let mut said: Vec<&str> = tiers.iter().map(said).collect();
    let last = said.pop().unwrap_or_default();
    let others = if said.is_empty() { String::new() } else { format!("{} and ", said.join(", ")) };
    format!("Nothing differs but {others}{last}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_every_tier_has_a_row() {
        for kind in Kind::ALL {
            assert!(TABLE.iter().any(|row| row.kind == *kind), "{kind}");
        }
        for tier in Tier::ALL {
            assert!(TABLE.iter().any(|row| row.tier == Some(*tier)), "{tier}");
        }
    }

    #[test]
    fn fail_on_reads_kinds_tiers_and_both() {
        let rows = |text: &str| FailOn::parse(text).map(|fail_on| fail_on.rows.len());
        assert_eq!(rows("none"), Ok(0));
        assert_eq!(rows("missing, unmanaged"), Ok(2));
        assert_eq!(rows("declared"), Ok(2));
        assert_eq!(rows("changed:undeclared"), Ok(2));
        assert_eq!(rows("security_relevant"), Ok(2));
        assert_eq!(rows("pending"), Ok(5));
        assert_eq!(rows("stale:declared"), Ok(1));
        let error = FailOn::parse("missing,unmanagd").expect_err("no such word");
        assert_eq!(error.help, ["Did you mean \"unmanaged\"?"]);
    }
}
