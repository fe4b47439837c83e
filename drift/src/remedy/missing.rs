//! What is gone is made again by an apply, or forgotten.

use model::{Finding, Remedy};

pub(super) fn remedies(finding: &Finding) -> Vec<Remedy> {
    let Some(address) = &finding.address else { return Vec::new() };
    vec![Remedy::Apply { address: address.clone() }, Remedy::Forget { from: address.resource.clone() }]
}
