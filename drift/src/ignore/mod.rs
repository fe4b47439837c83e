//! Ignore rules: what the user chose not to hear about, why, and until when.
//!
//! They come from an ignore file ([`parse`]), from comments in the code ([`parse_comment`]) and from a baseline
//! ([`IgnoreRules::with_baseline`]). What they take stays in the answer and is counted; it never fails.

mod comment;
mod file;
mod generate;

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, PathStep};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{
    AttributeDifference, Diagnostic, Diagnostics, Finding, InstanceAddress, Kind, Precision, ResourceMode, Span,
    StateRef, Tier,
};

use crate::baseline::{Baseline, BaselineEntry, BaselineKey, BaselineSubject, is_about_attributes};
use crate::{Filters, JudgeOptions, Pattern, TagPattern, Verdict, fails};

pub use comment::{COMMENT_MARKER, parse_comment};
pub use file::{FILE_NAME, parse};
pub use generate::{GeneratedRules, generate};

/// So many entries are named where a baseline has a problem with many.
const MAX_NAMED: usize = 5;

/// The rules that apply to one root module, wherever they are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
    /// What the digests of the baseline are compared with; `None` where they cannot be.
    key: Option<BaselineKey>,
}

/// One rule: a finding must meet all of its conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Where it comes from, with what only rules from there have.
    pub origin: RuleOrigin,
    /// Kinds of findings; any where it is empty.
    pub kinds: Vec<Kind>,
    /// Addresses; one must match where there are some.
    pub addresses: Vec<Pattern>,
    /// Terraform types or native types; one must match where there are some.
    pub types: Vec<Pattern>,
    /// Import ids or cloud-wide names; one must match where there are some.
    pub ids: Vec<Pattern>,
    /// Tags; one must match where there are some.
    pub tags: Vec<TagPattern>,
    /// Attribute paths: only these differences, and those inside of them, are ignored, not the whole finding.
    pub paths: Vec<Pattern>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The last day it applies, in UTC.
    pub expires: Option<Date>,
    /// Where it is written.
    pub span: Span,
}

/// Says where a rule comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleOrigin {
    /// An ignore file.
    File,
    /// A comment in the code, at a block that stands at these places: more than one where its module is called more often.
    Comment(Vec<CommentedBlock>),
    /// An entry of a baseline.
    Baseline(Box<BaselineEntry>),
}

/// A block of the code that a comment is at, whatever the keys of its instances.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommentedBlock {
    /// The names of the calls that lead to its module, and its own where it is a call.
    pub modules: Vec<String>,
    /// Type and name, where it is a resource; `None` for a call of a module: everything in it is meant.
    pub resource: Option<(String, String)>,
}

impl RuleOrigin {
    /// Gives the word used in every output.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::File => "ignore_file",
            Self::Comment(_) => "comment",
            Self::Baseline(_) => "baseline",
        }
    }
}

/// The rules that apply on a day.
pub(crate) struct ActiveRules<'a> {
    written: Vec<(usize, &'a Rule)>,
    entries: BTreeMap<&'a BaselineSubject, Vec<(usize, &'a BaselineEntry)>>,
    key: Option<&'a BaselineKey>,
}

impl IgnoreRules {
    /// Makes a set of rules.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules, key: None }
    }

    /// Adds rules behind those that are there.
    #[must_use]
    pub fn with(mut self, rules: Vec<Rule>) -> Self {
        self.rules.extend(rules);
        self
    }

    /// Adds the entries of a baseline. Without the key of their digests, or with another, they stand for whatever the
    /// values are.
    #[must_use]
    pub fn with_baseline(mut self, baseline: &Baseline, key: Option<&BaselineKey>) -> Self {
        let rule = |entry: &BaselineEntry| Rule {
            origin: RuleOrigin::Baseline(Box::new(entry.clone())),
            kinds: vec![entry.kind],
            addresses: Vec::new(),
            types: Vec::new(),
            ids: Vec::new(),
            tags: Vec::new(),
            paths: Vec::new(),
            reason: entry.reason.clone(),
            owner: Some(entry.approver.clone()),
            expires: entry.expires,
            span: entry.span.clone(),
        };
        self.rules.extend(baseline.entries().iter().map(rule));
        self.key = key.filter(|key| baseline.is_of_key(key)).cloned();
        self
    }

    /// Lists the rules, expired ones too.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Leaves out the rules that have expired, with a warning for each.
    pub(crate) fn active(&self, now: Timestamp) -> (ActiveRules<'_>, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let mut active = ActiveRules { written: Vec::new(), entries: BTreeMap::new(), key: self.key.as_ref() };
        let mut expired_entries = Vec::new();
        for (position, rule) in self.rules.iter().enumerate() {
            let expired = rule.expires.filter(|expires| *expires < day(now));
            match (expired, &rule.origin) {
                (None, RuleOrigin::Baseline(entry)) => {
                    active.entries.entry(&entry.subject).or_default().push((position, entry));
                }
                (None, _) => active.written.push((position, rule)),
                (Some(_), RuleOrigin::Baseline(entry)) => expired_entries.push(&**entry),
                (Some(expires), _) => {
                    let owner = rule.owner.as_ref().map(|owner| format!(" Its owner is {owner}.")).unwrap_or_default();
                    let detail = format!(
                        "The rule \"{}\" applied until {expires} and is not used any more.{owner}",
                        rule.reason
                    );
                    diagnostics.push(
                        Diagnostic::warning("ignore-rule-expired", "An ignore rule has expired", detail)
                            .at_span(rule.span.clone())
                            .with_help("Remove the rule, or give it another date."),
                    );
                }
            }
        }
        if let Some(first) = expired_entries.first() {
            let name = |entry: &&BaselineEntry| {
                let until = entry.expires.map(|expires| format!(", until {expires}")).unwrap_or_default();
                format!("{} (approved by {}{until})", entry.title(), entry.approver)
            };
            let detail = format!("What they are about is judged again: {}.", named(&expired_entries, name));
            diagnostics.push(
                Diagnostic::warning("baseline-expired", count(expired_entries.len(), "expired"), detail)
                    .at_span(first.span.clone())
                    .with_help(
                        "Deal with the differences, or record them again; `driftmgr baseline remove --expired` removes the \
                         entries.",
                    ),
            );
        }
        (active, diagnostics)
    }

    /// Finds the rules that took nothing though all that they may be about was looked at.
    ///
    /// Gives their positions. Where only a part was asked for, or was seen, nothing is said of the rules about the rest.
    pub fn unused(&self, verdict: &Verdict, states: &[StateRef], options: &JudgeOptions, now: Timestamp) -> Vec<usize> {
        if options.filters != Filters::default() || !options.tiers.is_empty() {
            return Vec::new();
        }
        let unseen: Vec<&Finding> =
            verdict.findings.iter().filter(|finding| finding.kind == Kind::Undetermined).collect();
        let is_exact =
            verdict.coverage.configurations.iter().all(|configuration| configuration.precision == Precision::Provider);
        let unseen_subjects = unseen.iter().filter_map(|finding| BaselineSubject::of(finding)).collect();
        let seen =
            Seen { unseen_subjects, unseen: &unseen, is_exact, is_complete: verdict.is_complete, states, options };
        let of_rules = self.rules.iter().zip(&verdict.rule_uses).enumerate();
        let is_unused = |(position, (rule, uses)): (usize, (&Rule, &u64))| {
            let is_expired = rule.expires.is_some_and(|expires| expires < day(now));
            (*uses == 0 && !is_expired && seen.all_of(rule)).then_some(position)
        };
        of_rules.filter_map(is_unused).collect()
    }

    /// Says which rules took nothing.
    pub(crate) fn unused_warnings(&self, unused: &[usize]) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        let mut entries = Vec::new();
        for rule in unused.iter().filter_map(|position| self.rules.get(*position)) {
            if let RuleOrigin::Baseline(entry) = &rule.origin {
                entries.push(&**entry);
                continue;
            }
            let detail = format!("Nothing that was found matches the rule \"{}\".", rule.reason);
            diagnostics.push(
                Diagnostic::warning("ignore-rule-unused", "An ignore rule matches nothing", detail)
                    .at_span(rule.span.clone())
                    .with_help("Remove the rule, or mend its conditions."),
            );
        }
        if let Some(first) = entries.first() {
            let has_digests = self.key.is_some() && entries.iter().any(|entry| entry.digest.is_some());
            let other = if has_digests { ", or is there with another value" } else { "" };
            let detail =
                format!("What they are about is no longer found{other}: {}.", named(&entries, |entry| entry.title()));
            diagnostics.push(
                Diagnostic::warning("baseline-unused", count(entries.len(), "match nothing"), detail)
                    .at_span(first.span.clone())
                    .with_help("`driftmgr baseline record --prune` removes them."),
            );
        }
        diagnostics
    }
}

fn day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

fn count(n_entries: usize, what: &str) -> String {
    match (n_entries, what) {
        (1, "expired") => "An entry of the baseline has expired".to_owned(),
        (1, _) => "An entry of the baseline matches nothing".to_owned(),
        (_, "expired") => format!("{n_entries} entries of the baseline have expired"),
        _ => format!("{n_entries} entries of the baseline match nothing"),
    }
}

fn named(entries: &[&BaselineEntry], name: impl Fn(&&BaselineEntry) -> String) -> String {
    let mut names: Vec<String> = entries.iter().take(MAX_NAMED).map(name).collect();
    if entries.len() > MAX_NAMED {
        names.push(format!("{} more", entries.len() - MAX_NAMED));
    }
    names.join("; ")
}

/// What was asked for and looked at.
struct Seen<'a> {
    unseen_subjects: BTreeSet<BaselineSubject>,
    unseen: &'a [&'a Finding],
    is_exact: bool,
    is_complete: bool,
    states: &'a [StateRef],
    options: &'a JudgeOptions,
}

impl Seen<'_> {
    /// Tells whether all was looked at that a rule may be about.
    fn all_of(&self, rule: &Rule) -> bool {
        let question = self.options.question;
        let is_of_unmanaged = |kind: &Kind| matches!(kind, Kind::Unmanaged | Kind::ManagedElsewhere);
        let is_asked =
            |kind: &Kind| if is_of_unmanaged(kind) { question.asks_unmanaged() } else { question.asks_drift() };
        if let RuleOrigin::Baseline(entry) = &rule.origin {
            let is_read = match &entry.subject {
                BaselineSubject::Instance { workspace, .. } => {
                    let is_workspace = |state: &StateRef| *state.workspace == **workspace;
                    self.states.iter().any(is_workspace)
                        && !self.unseen_subjects.contains(&entry.subject)
                        && (self.is_exact || entry.path.is_none())
                }
                BaselineSubject::Object { .. } => self.is_complete,
            };
            return is_read && is_asked(&entry.kind);
        }
        let is_about_instances =
            !rule.addresses.is_empty() || !rule.paths.is_empty() || matches!(rule.origin, RuleOrigin::Comment(_));
        let is_all_asked = match rule.kinds.as_slice() {
            [] if is_about_instances => question.asks_drift(),
            [] => question.asks_drift() && question.asks_unmanaged(),
            kinds => kinds.iter().all(is_asked),
        };
        let may_meet_unseen = |finding: &&Finding| rule.matches_subject(finding, address_text(finding).as_deref());
        let is_only_of_instances = is_about_instances || !question.asks_unmanaged();
        is_all_asked
            && (self.is_exact || rule.paths.is_empty())
            && (self.is_complete || is_only_of_instances)
            && !self.unseen.iter().any(may_meet_unseen)
    }
}

fn address_text(finding: &Finding) -> Option<String> {
    finding.address.as_ref().map(|address| address.with_deposed(finding.deposed.as_ref()))
}

impl ActiveRules<'_> {
    /// Applies the rules to a finding and counts what each of them took; of several that match, the first does.
    pub(crate) fn apply(&self, finding: &mut Finding, uses: &mut [u64]) {
        if self.written.is_empty() && self.entries.is_empty() {
            return;
        }
        let address = address_text(finding);
        let mut taken = BTreeSet::new();
        for (position, rule) in &self.written {
            if !rule.kinds.is_empty() && !rule.kinds.contains(&finding.kind)
                || !rule.matches_subject(finding, address.as_deref())
            {
                continue;
            }
            if rule.paths.is_empty() {
                finding.ignored = Some(rule.reason.clone());
                uses[*position] += 1;
                return;
            }
            for (index, difference) in finding.attributes.iter_mut().enumerate() {
                if difference.tier != Tier::Ignored && is_at(&rule.paths, &difference.path) {
                    take(difference, rule.reason.clone());
                    taken.insert(index);
                    uses[*position] += 1;
                }
            }
        }
        if !self.entries.is_empty() && self.apply_baseline(finding, &mut taken, uses) {
            return;
        }
        // What is left is noise, which would have been folded away on its own.
        let is_done =
            |(index, difference): (usize, &AttributeDifference)| taken.contains(&index) || fails::is_noise(difference);
        if let Some(first) = taken.first()
            && is_about_attributes(finding)
            && finding.attributes.iter().enumerate().all(is_done)
        {
            finding.ignored.clone_from(&finding.attributes[*first].cause);
        }
    }

    /// Applies the baseline; tells whether the finding is ignored as a whole.
    fn apply_baseline(&self, finding: &mut Finding, taken: &mut BTreeSet<usize>, uses: &mut [u64]) -> bool {
        let Some(subject) = BaselineSubject::of(finding) else { return false };
        let Some(entries) = self.entries.get(&subject) else { return false };
        for (position, entry) in entries.iter().filter(|(_, entry)| entry.kind == finding.kind) {
            let Some(path) = &entry.path else {
                if is_about_attributes(finding) {
                    continue;
                }
                finding.ignored = Some(entry.said());
                uses[*position] += 1;
                return true;
            };
            for (index, difference) in finding.attributes.iter_mut().enumerate() {
                if difference.tier != Tier::Ignored
                    && difference.path.to_string() == *path
                    && entry.has_values_of(difference, self.key)
                {
                    take(difference, entry.said());
                    taken.insert(index);
                    uses[*position] += 1;
                }
            }
        }
        false
    }
}

fn take(difference: &mut AttributeDifference, reason: String) {
    difference.tier = Tier::Ignored;
    difference.cause = Some(reason);
}

/// Tells whether patterns mean a path, or something around it. A pattern may leave out keys and positions.
fn is_at(patterns: &[Pattern], path: &Path) -> bool {
    let (mut whole, mut plain) = (Path::new(), Path::new());
    path.steps().iter().any(|step| {
        whole.push(step.clone());
        if let PathStep::GetAttr(_) = step {
            plain.push(step.clone());
        }
        let (whole, plain) = (whole.to_string(), plain.to_string());
        patterns.iter().any(|pattern| pattern.matches(&whole) || pattern.matches(&plain))
    })
}

impl Rule {
    /// Tells whether a finding is about what the rule is about, whatever its kind and its differences.
    fn matches_subject(&self, finding: &Finding, address: Option<&str>) -> bool {
        let any = |patterns: &[Pattern], texts: &[Option<&str>]| {
            patterns.is_empty()
                || patterns.iter().any(|pattern| texts.iter().flatten().any(|text| pattern.matches(text)))
        };
        let is_at_block = match &self.origin {
            RuleOrigin::File => true,
            RuleOrigin::Comment(blocks) => {
                finding.address.as_ref().is_some_and(|address| blocks.iter().any(|block| block.holds(address)))
            }
            RuleOrigin::Baseline(_) => false,
        };
        let resource_type = finding.resource_type.as_ref().map(model::ResourceType::as_str);
        let native_type = finding.native_type.as_ref().map(model::NativeType::as_str);
        is_at_block
            && any(&self.addresses, &[address])
            && any(&self.types, &[resource_type, native_type])
            && any(&self.ids, &[finding.id.as_ref().map(model::ImportId::as_str), finding.arn.as_deref()])
            && (self.tags.is_empty()
                || self.tags.iter().any(|tag| finding.tags.iter().any(|(key, value)| tag.matches(key, value))))
    }
}

impl CommentedBlock {
    /// Tells whether an instance is made by the block.
    fn holds(&self, address: &InstanceAddress) -> bool {
        let resource = &address.resource;
        let mut names = resource.module.steps().iter().map(|step| &*step.name);
        let is_inside = self.modules.iter().all(|name| names.next() == Some(name.as_str()));
        is_inside
            && match &self.resource {
                None => true,
                Some((resource_type, name)) => {
                    names.next().is_none()
                        && resource.mode == ResourceMode::Managed
                        && resource.resource_type.as_str() == resource_type
                        && *resource.name == **name
                }
            }
    }
}
