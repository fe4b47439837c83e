//! What the user asked for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use model::{AccountId, Finding, Region, ResourceType, Tier};

use crate::{FailOn, Pattern, SeverityRules, TagPattern};

/// How to judge.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgeOptions {
    /// Which question is answered.
    pub question: Question,
    /// Whether the states are all there are, so that "unmanaged" has a meaning.
    pub state_set: StateSet,
    /// Report instances as missing even where an implausible share of them is.
    pub accept_missing: bool,
    /// What to look at.
    pub filters: Filters,
    /// Which tiers of attribute differences to show; all where it is empty.
    pub tiers: BTreeSet<Tier>,
    /// How much findings matter, where that is not what the table says.
    pub severities: SeverityRules,
    /// What makes the run fail.
    pub fail_on: FailOn,
    /// Observations older than this count as not made.
    pub max_age: Option<SignedDuration>,
    /// Tags whose keys start so belong to the cloud and are never compared: `aws:`.
    pub reserved_tag_prefixes: Vec<String>,
}

impl JudgeOptions {
    /// Gives the options that a question has where nothing else is asked for.
    pub fn for_question(question: Question) -> Self {
        Self {
            question,
            state_set: StateSet::Complete,
            accept_missing: false,
            filters: Filters::default(),
            tiers: BTreeSet::new(),
            severities: SeverityRules::default(),
            fail_on: FailOn::default_of(question),
            max_age: None,
            reserved_tag_prefixes: vec!["aws:".to_owned()],
        }
    }
}

/// Which question a verdict answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// What became of the recorded instances?
    Drift,
    /// The same, and what does nobody manage?
    DriftAndUnmanaged,
    /// What does nobody manage?
    Unmanaged,
}

impl Question {
    /// Tells whether recorded instances are asked about.
    pub fn asks_drift(self) -> bool {
        self != Self::Unmanaged
    }

    /// Tells whether it is asked what nobody manages.
    pub fn asks_unmanaged(self) -> bool {
        self != Self::Drift
    }
}

/// Says whether the states that were read are the whole set the user named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateSet {
    /// All of them were read.
    Complete,
    /// Some could not be read; the reason is a sentence that names them.
    Incomplete(String),
}

/// What to look at; an empty list lets everything through, and the lists are combined with "and".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    /// Terraform types or native types.
    pub types: Vec<Pattern>,
    /// Tags: one of them must be there.
    pub tags: Vec<TagPattern>,
    /// Accounts. What is in no known account passes.
    pub accounts: BTreeSet<AccountId>,
    /// Regions. What is in no known region, or global, passes.
    pub regions: BTreeSet<Region>,
}

impl Filters {
    /// Tells whether a finding is among what was asked for.
    pub fn admits(&self, finding: &Finding) -> bool {
        self.admits_type(finding.resource_type.as_ref(), finding.native_type.as_slice())
            && self.admits_place(finding.account.as_ref(), finding.region.as_ref())
            && self.admits_tags(Some(&finding.tags))
    }

    pub(crate) fn admits_type(&self, resource_type: Option<&ResourceType>, native_types: &[model::NativeType]) -> bool {
        self.types.is_empty()
            || self.types.iter().any(|pattern| {
                resource_type.is_some_and(|resource_type| pattern.matches(resource_type.as_str()))
                    || native_types.iter().any(|native_type| pattern.matches(native_type.as_str()))
            })
    }

    pub(crate) fn admits_place(&self, account: Option<&AccountId>, region: Option<&Region>) -> bool {
        account.is_none_or(|account| self.accounts.is_empty() || self.accounts.contains(account))
            && region.is_none_or(|region| self.regions.is_empty() || self.regions.contains(region))
    }

    pub(crate) fn admits_tags(&self, tags: Option<&BTreeMap<String, String>>) -> bool {
        let is_there =
            |pattern: &TagPattern| tags.into_iter().flatten().any(|(key, value)| pattern.matches(key, value));
        self.tags.is_empty() || self.tags.iter().any(is_there)
    }
}
