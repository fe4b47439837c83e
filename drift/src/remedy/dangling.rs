//! What only the state remembers is forgotten; a deposed object that is gone leaves with the next apply.

use model::{Finding, Remedy};

pub(super) fn remedies(finding: &Finding) -> Vec<Remedy> {
    match (&finding.address, &finding.deposed) {
        (Some(address), None) => vec![Remedy::Forget { from: address.resource.clone() }],
        (Some(address), Some(_)) => vec![Remedy::Apply { address: address.clone() }],
        (None, _) => Vec::new(),
    }
}
