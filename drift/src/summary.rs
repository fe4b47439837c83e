//! Totals: how much was found, by what it is and where it lies.

use std::collections::{BTreeMap, BTreeSet};

use model::{Coverage, Finding, Kind, NativeType, Tier};

/// How many findings of each kind there are.
pub type KindCounts = BTreeMap<Kind, u64>;

/// The totals of a verdict. What was ignored or folded is counted apart and in none of the groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Managed instances that were to be judged.
    pub n_instances: u64,
    /// Those that were compared with the cloud.
    pub n_checked: u64,
    /// Those that could not be.
    pub n_undetermined: u64,
    /// Findings that make the run fail.
    pub n_failing: u64,
    /// By kind.
    pub by_kind: KindCounts,
    /// Attribute differences by tier.
    pub by_tier: BTreeMap<Tier, u64>,
    /// By Terraform type, or native type where there is none.
    pub by_type: BTreeMap<String, KindCounts>,
    /// By service: cloud and the first part of the native type.
    pub by_service: BTreeMap<String, KindCounts>,
    /// By account.
    pub by_account: BTreeMap<String, KindCounts>,
    /// By region; what is global or in no known region is not here.
    pub by_region: BTreeMap<String, KindCounts>,
    /// By tag key.
    pub by_tag_key: BTreeMap<String, KindCounts>,
    /// What the user chose to ignore, by kind.
    pub ignored: KindCounts,
    /// What was folded away, by kind.
    pub folded: KindCounts,
}

impl Summary {
    /// Counts the findings.
    pub fn of(findings: &[Finding], coverage: &Coverage) -> Self {
        let mut summary = Self {
            n_instances: coverage.n_instances,
            n_checked: coverage.n_checked,
            n_undetermined: coverage.n_undetermined,
            ..Self::default()
        };
        for finding in findings {
            summary.add(finding);
        }
        summary
    }

    fn add(&mut self, finding: &Finding) {
        let kind = finding.kind;
        self.n_failing += u64::from(finding.fails);
        if finding.ignored.is_some() {
            *self.ignored.entry(kind).or_default() += 1;
            return;
        }
        if finding.folded.is_some() {
            *self.folded.entry(kind).or_default() += 1;
            return;
        }
        *self.by_kind.entry(kind).or_default() += 1;
        for difference in &finding.attributes {
            *self.by_tier.entry(difference.tier).or_default() += 1;
        }
        let group = |groups: &mut BTreeMap<String, KindCounts>, name: Option<&str>| {
            let Some(name) = name else { return };
            if let Some(counts) = groups.get_mut(name) {
                *counts.entry(kind).or_default() += 1;
            } else {
                groups.insert(name.to_owned(), KindCounts::from([(kind, 1)]));
            }
        };
        group(&mut self.by_type, type_name(finding));
        group(&mut self.by_service, finding.native_type.as_ref().map(service_name));
        group(&mut self.by_account, finding.account.as_ref().map(model::AccountId::as_str));
        group(&mut self.by_region, finding.region.as_ref().map(model::Region::as_str));
        for key in finding.tags.keys() {
            group(&mut self.by_tag_key, Some(key));
        }
    }

    /// Lists the kinds that occur, shown or not.
    pub fn kinds(&self) -> BTreeSet<Kind> {
        self.by_kind.keys().chain(self.ignored.keys()).chain(self.folded.keys()).copied().collect()
    }
}

/// Gives the Terraform type of a finding, or its native type where it has none.
pub fn type_name(finding: &Finding) -> Option<&str> {
    let native_type = || finding.native_type.as_ref().map(NativeType::as_str);
    finding.resource_type.as_ref().map(model::ResourceType::as_str).or_else(native_type)
}

/// Gives the service a native type belongs to: `aws.ec2` of `aws.ec2.instance`.
pub fn service_name(native_type: &NativeType) -> &str {
    let text = native_type.as_str();
    text.match_indices('.').nth(1).map_or(text, |(end, _)| &text[..end])
}
