//! Severity rules: what somebody says that findings matter, instead of the table.

use model::{Finding, FindingSeverity, Kind, Tier};

use crate::{Pattern, fails};

/// One rule: what it says of the findings that it is about.
///
/// Each list narrows it; an empty one does not.
#[derive(Clone, Debug, PartialEq)]
pub struct SeverityRule {
    /// The kinds.
    pub kinds: Vec<Kind>,
    /// Tiers, one of which an attribute must have.
    pub tiers: Vec<Tier>,
    /// The Terraform types, or native ones where none is known.
    pub types: Vec<Pattern>,
    /// The addresses; what has none is not meant.
    pub addresses: Vec<Pattern>,
    /// How much they matter.
    pub severity: FindingSeverity,
}

/// Rules of which the first that is about a finding counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeverityRules(pub Vec<SeverityRule>);

impl SeverityRules {
    /// Decides how much a finding matters: what a rule says, else its row of the table.
    ///
    /// What could not be looked at has the severity of the table, whatever a rule says.
    pub fn severity(&self, finding: &Finding) -> FindingSeverity {
        let rule = self.0.iter().find(|rule| rule.is_about(finding));
        rule.map_or_else(|| fails::severity(finding.kind, &finding.attributes), |rule| rule.severity)
    }
}

impl SeverityRule {
    fn is_about(&self, finding: &Finding) -> bool {
        let of_type = |pattern: &Pattern| {
            let of_terraform = finding.resource_type.as_ref().is_some_and(|name| pattern.matches(name.as_str()));
            of_terraform || finding.native_type.as_ref().is_some_and(|name| pattern.matches(name.as_str()))
        };
        let address = finding.address.as_ref().map(|address| address.with_deposed(finding.deposed.as_ref()));
        let at = |pattern: &Pattern| address.as_ref().is_some_and(|address| pattern.matches(address));
        finding.kind != Kind::Undetermined
            && (self.kinds.is_empty() || self.kinds.contains(&finding.kind))
            && (self.tiers.is_empty()
                || finding.attributes.iter().any(|difference| self.tiers.contains(&difference.tier)))
            && (self.types.is_empty() || self.types.iter().any(of_type))
            && (self.addresses.is_empty() || self.addresses.iter().any(at))
    }
}

#[cfg(test)]
mod tests {
    use model::AttributeDifference;

    use super::*;
    use crate::FailOn;

    fn finding(kind: Kind, address: &str, tier: Option<Tier>) -> Finding {
        let address: model::InstanceAddress = address.parse().expect("an address");
        let difference = |tier| AttributeDifference::new(kind, cty::Path::new().attr("a"), tier);
        Finding {
            resource_type: Some(address.resource.resource_type.clone()),
            address: Some(address),
            attributes: tier.map(difference).into_iter().collect(),
            precision: Some(model::Precision::Provider),
            ..Finding::new(kind, String::new())
        }
    }

    fn rule(severity: FindingSeverity) -> SeverityRule {
        SeverityRule { kinds: Vec::new(), tiers: Vec::new(), types: Vec::new(), addresses: Vec::new(), severity }
    }

    #[test]
    fn the_first_rule_that_is_about_a_finding_counts() {
        use FindingSeverity::{High, Info, Low, Medium};
        let rules = SeverityRules(vec![
            SeverityRule { addresses: vec![Pattern::new("module.sandbox.*")], ..rule(Info) },
            SeverityRule {
                kinds: vec![Kind::PendingDestroy],
                types: vec![Pattern::new("aws_db_*"), Pattern::new("aws_s3_bucket")],
                ..rule(High)
            },
            SeverityRule { kinds: vec![Kind::Changed], tiers: vec![Tier::Undeclared], ..rule(High) },
        ]);
        let check = |kind, address: &str, tier, severity| {
            assert_eq!(rules.severity(&finding(kind, address, tier)), severity, "{kind} {address}");
        };
        check(Kind::PendingDestroy, "aws_db_instance.main", None, High);
        check(Kind::PendingDestroy, "module.sandbox.aws_db_instance.main", None, Info);
        check(Kind::PendingDestroy, "aws_vpc.main", None, Info);
        check(Kind::Changed, "aws_vpc.main", Some(Tier::Undeclared), High);
        check(Kind::Changed, "aws_vpc.main", Some(Tier::Declared), Medium);
        check(Kind::Changed, "aws_vpc.main", Some(Tier::Unclassified), Low);
        let everything = SeverityRules(vec![rule(High)]);
        assert_eq!(everything.severity(&finding(Kind::Undetermined, "aws_vpc.main", None)), Info);
    }

    #[test]
    fn a_run_fails_from_a_severity_on() {
        let fail_on = FailOn::parse("severity:medium, unmanaged").expect("words");
        let mut found = finding(Kind::PendingDestroy, "aws_vpc.main", None);
        assert!(!fail_on.fails(&found));
        found.severity = FindingSeverity::High;
        assert!(fail_on.fails(&found));
        found.ignored = Some("known".to_owned());
        assert!(!fail_on.fails(&found));
        // A difference that only the inventory saw never fails.
        let mut changed = finding(Kind::Changed, "aws_vpc.main", Some(Tier::Declared));
        changed.severity = FindingSeverity::High;
        assert!(fail_on.fails(&changed));
        changed.precision = Some(model::Precision::Inventory);
        assert!(!fail_on.fails(&changed));
        let error = FailOn::parse("severity:hihg").expect_err("no such severity");
        assert_eq!(error.help, ["Did you mean \"high\"?"]);
    }
}
