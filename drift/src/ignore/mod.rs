//! Ignore rules: what the user chose not to hear about, why, and until when.

mod file;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{Diagnostic, Diagnostics, Finding, Kind, Span, Tier};

use crate::{Pattern, TagPattern};

pub use file::{FILE_NAME, parse};

/// The rules of one ignore file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
}

/// One rule: a finding must meet all of its conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
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
    /// Attribute paths: only these differences are ignored, not the whole finding.
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

/// The rules that apply on a day.
pub(crate) struct ActiveRules<'a>(Vec<(usize, &'a Rule)>);

impl IgnoreRules {
    /// Makes a set of rules.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// Lists the rules, expired ones too.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Leaves out the rules that have expired, with a warning for each.
    pub(crate) fn active(&self, now: Timestamp) -> (ActiveRules<'_>, Diagnostics) {
        let today = now.to_zoned(TimeZone::UTC).date();
        let mut diagnostics = Diagnostics::new();
        let mut active = Vec::new();
        for (position, rule) in self.rules.iter().enumerate() {
            match rule.expires {
                Some(expires) if expires < today => {
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
                _ => active.push((position, rule)),
            }
        }
        (ActiveRules(active), diagnostics)
    }
}

impl ActiveRules<'_> {
    /// Applies the rules to a finding and counts what each of them took; of several that match, the first does.
    pub(crate) fn apply(&self, finding: &mut Finding, uses: &mut [u64]) {
        if self.0.is_empty() {
            return;
        }
        let address = finding.address.as_ref().map(|address| address.with_deposed(finding.deposed.as_ref()));
        for (position, rule) in &self.0 {
            if !rule.matches(finding, address.as_deref()) {
                continue;
            }
            if rule.paths.is_empty() {
                finding.ignored = Some(rule.reason.clone());
                uses[*position] += 1;
                return;
            }
            for difference in &mut finding.attributes {
                let path = difference.path.to_string();
                if difference.tier != Tier::Ignored && rule.paths.iter().any(|pattern| pattern.matches(&path)) {
                    difference.tier = Tier::Ignored;
                    difference.cause = Some(rule.reason.clone());
                    uses[*position] += 1;
                }
            }
        }
        let is_ignored = |difference: &model::AttributeDifference| difference.tier == Tier::Ignored;
        if finding.kind == Kind::Changed && finding.attributes.iter().all(is_ignored) {
            finding.ignored = finding.attributes.first().and_then(|difference| difference.cause.clone());
        }
    }
}

impl Rule {
    fn matches(&self, finding: &Finding, address: Option<&str>) -> bool {
        let any = |patterns: &[Pattern], texts: &[Option<&str>]| {
            patterns.is_empty()
                || patterns.iter().any(|pattern| texts.iter().flatten().any(|text| pattern.matches(text)))
        };
        let resource_type = finding.resource_type.as_ref().map(model::ResourceType::as_str);
        let native_type = finding.native_type.as_ref().map(model::NativeType::as_str);
        (self.kinds.is_empty() || self.kinds.contains(&finding.kind))
            && any(&self.addresses, &[address])
            && any(&self.types, &[resource_type, native_type])
            && any(&self.ids, &[finding.id.as_ref().map(model::ImportId::as_str), finding.arn.as_deref()])
            && (self.tags.is_empty()
                || self.tags.iter().any(|tag| finding.tags.iter().any(|(key, value)| tag.matches(key, value))))
    }
}
