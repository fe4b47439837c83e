//! A change of the code: what it is about, and which findings meet it.
//!
//! Only what meets the change fails: its instance is touched, destroyed or moved, or it stands in the way of a creation.
//! Everything else of the same root is information: it was there before, and whoever changes something else is not the one
//! to ask.

use std::collections::BTreeMap;
use std::fmt;

use cty::Path;
use model::{AttributeDifference, Cause, Finding, Impact, InstanceAddress, Kind, Span, Tier};

use crate::fingerprint::fingerprint;
use crate::{FailOn, JudgeOptions, Summary, Verdict, conclude};

/// What a change does to a resource instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TouchKind {
    /// The instance is written, and was not before.
    Creates,
    /// Its arguments are others, or may be.
    Updates,
    /// It is written otherwise, so that the next apply makes it anew.
    Replaces,
    /// It is no longer written: the next apply destroys it.
    Destroys,
    /// It is no longer written, and a `removed` block keeps its object.
    Forgets,
    /// It has another address.
    Moves {
        /// The address before.
        from: InstanceAddress,
    },
    /// It is written with an `import` block that was not there before.
    Imports,
}

impl TouchKind {
    /// Gives the word used in every output.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Creates => "creates",
            Self::Updates => "updates",
            Self::Replaces => "replaces",
            Self::Destroys => "destroys",
            Self::Forgets => "forgets",
            Self::Moves { .. } => "moves",
            Self::Imports => "imports",
        }
    }
}

impl fmt::Display for TouchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One instance that a change is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Touch {
    /// The instance, as the change leaves its address; where it removes it, as it was.
    pub address: InstanceAddress,
    /// What the change does to it.
    pub how: TouchKind,
    /// The arguments that are others, a set always as a whole.
    ///
    /// Empty where the instance comes or goes as a whole, where only its address is another, and where nobody can tell:
    /// then `unsure` says so.
    pub paths: Vec<Path>,
    /// The code that is about it.
    pub source: Option<Span>,
    /// Why it is not certain, as a clause with its subject: "the provider is not installed".
    pub unsure: Option<String>,
}

/// What a change of the code is about, in one root module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RootChange {
    /// The instances, by address.
    pub touches: Vec<Touch>,
    /// Why it is not known of everything whether the change is about it; empty where it is.
    pub causes: Vec<Cause>,
}

/// How many findings meet a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSummary {
    /// Those that do, by how. What was ignored or folded is not counted.
    pub by_impact: BTreeMap<Impact, u64>,
    /// Those that do not, and that would fail if no change was looked at.
    pub n_aside: u64,
}

impl RootChange {
    /// Finds what the change does to an instance, by the address that a state or the code has for it.
    pub fn touch(&self, address: &InstanceAddress) -> Option<&Touch> {
        let is_at = |touch: &&Touch| touch.address == *address;
        let is_from = |touch: &&Touch| matches!(&touch.how, TouchKind::Moves { from } if from == address);
        self.touches.iter().find(is_at).or_else(|| self.touches.iter().find(is_from))
    }
}

/// Judges findings anew by whether they meet a change: only those that do fail, of what the options say.
///
/// The verdict is about the code with the change. What the change removes on purpose is no orphan afterwards, the totals
/// count what fails now, and the verdict is complete where everything that the change is about could be seen.
pub fn judge(verdict: &mut Verdict, change: &RootChange, options: &JudgeOptions) -> ChangeSummary {
    let mut by_address: BTreeMap<&InstanceAddress, &Touch> = BTreeMap::new();
    for touch in &change.touches {
        if let TouchKind::Moves { from } = &touch.how {
            by_address.entry(from).or_insert(touch);
        }
    }
    by_address.extend(change.touches.iter().map(|touch| (&touch.address, touch)));
    let mut summary = ChangeSummary::default();
    for finding in &mut verdict.findings {
        let touch = finding.address.as_ref().and_then(|address| by_address.get(address).copied());
        match touch {
            Some(touch) => meet(finding, touch, options),
            None => {
                summary.n_aside += u64::from(finding.fails);
                pass_by(finding);
            }
        }
        if let Some(impact) = finding.impact
            && finding.ignored.is_none()
            && finding.folded.is_none()
        {
            *summary.by_impact.entry(impact).or_default() += 1;
        }
    }
    verdict.findings.sort_by(|a, b| conclude::sort_key(a).cmp(&conclude::sort_key(b)));
    verdict.summary = Summary::of(&verdict.findings, &verdict.coverage);
    let is_unseen =
        |finding: &Finding| finding.kind == Kind::Undetermined && finding.impact.is_some() && finding.ignored.is_none();
    verdict.is_complete = change.causes.is_empty() && !verdict.findings.iter().any(is_unseen);
    summary
}

/// Judges a finding of an instance that the change is about.
fn meet(finding: &mut Finding, touch: &Touch, options: &JudgeOptions) {
    let is_removed = matches!(touch.how, TouchKind::Destroys | TouchKind::Forgets);
    if finding.kind == Kind::Orphan && is_removed {
        finding.kind = Kind::PendingDestroy;
        let reason = if touch.how == TouchKind::Forgets {
            "This change removes it from the code, and keeps the object: the next apply forgets it."
        } else {
            "This change removes it from the code: the next apply destroys it."
        };
        reason.clone_into(&mut finding.reason);
        finding.source.clone_from(&touch.source);
        finding.remedies.clear();
        finding.severity = options.severities.severity(finding);
        finding.fingerprint = fingerprint(finding, None);
    }
    let impact = impact(finding, touch);
    finding.impact = Some(impact);
    let is_settled_by_change = match finding.kind {
        // It is gone already, and nothing is left to destroy.
        Kind::Dangling => is_removed,
        Kind::NotImported => touch.how == TouchKind::Imports,
        _ => false,
    };
    let fail_on = &options.fail_on;
    finding.fails = !is_settled_by_change && (fail_on.fails(finding) || fails_as_collision(finding, touch, fail_on));
    if let Some(unsure) = &touch.unsure {
        finding.reason.push_str(&format!(" Whether this change is about it is not certain: {unsure}."));
    }
}

/// Decides how a finding meets the change: by the first that is so.
fn impact(finding: &Finding, touch: &Touch) -> Impact {
    match touch.how {
        TouchKind::Destroys | TouchKind::Replaces => return Impact::Destroys,
        TouchKind::Creates if finding.kind == Kind::NotImported => return Impact::Collides,
        _ => {}
    }
    if finding.attributes.iter().any(|difference| is_overwritten(difference, touch)) {
        return Impact::Collides;
    }
    let is_undone = |difference: &AttributeDifference| {
        matches!(difference.kind, Kind::Changed | Kind::Collision) && difference.tier == Tier::Declared
    };
    let forgets = touch.how == TouchKind::Forgets;
    if !forgets && finding.attributes.iter().any(is_undone) { Impact::Reverts } else { Impact::Touches }
}

/// Tells whether the change sets what somebody else changed meanwhile.
fn is_overwritten(difference: &AttributeDifference, touch: &Touch) -> bool {
    matches!(difference.kind, Kind::Changed | Kind::Collision)
        && matches!(difference.tier, Tier::Declared | Tier::Unclassified)
        && touch.paths.iter().any(|path| difference.path.starts_with(path) || path.starts_with(&difference.path))
}

/// Tells whether a finding fails because the change and somebody else set one argument, whatever its own row says: that
/// the change sets the argument makes it declared.
fn fails_as_collision(finding: &Finding, touch: &Touch, fail_on: &FailOn) -> bool {
    let overwritten = finding.attributes.iter().filter(|difference| is_overwritten(difference, touch));
    let attributes: Vec<AttributeDifference> = overwritten
        .map(|difference| AttributeDifference::new(Kind::Collision, difference.path.clone(), Tier::Declared))
        .collect();
    !attributes.is_empty() && {
        let collision = Finding {
            precision: finding.precision,
            ignored: finding.ignored.clone(),
            folded: finding.folded.clone(),
            attributes,
            ..Finding::new(Kind::Collision, String::new())
        };
        fail_on.fails(&collision)
    }
}

/// Says of a finding that has nothing to do with the change what the next apply does all the same.
fn pass_by(finding: &mut Finding) {
    finding.impact = None;
    finding.fails = false;
    let is_declared = |difference: &AttributeDifference| difference.tier == Tier::Declared;
    let aside = match finding.kind {
        Kind::Changed | Kind::Collision if finding.attributes.iter().any(is_declared) => {
            "This change is not about it; the next apply of this root undoes it too."
        }
        Kind::Missing => "This change is not about it; the next apply of this root makes it again too.",
        Kind::Orphan => "This change did not remove it; the next apply of this root destroys it too.",
        _ => return,
    };
    finding.reason.push(' ');
    finding.reason.push_str(aside);
}
