//! What differs is reverted by an apply, or accepted into the code.

use model::{Finding, Precision, Remedy, Tier};

pub(super) fn remedies(finding: &Finding) -> Vec<Remedy> {
    let Some(address) = &finding.address else { return Vec::new() };
    // Where the provider planned, what it would not change back is not the code's to change.
    let is_planned = finding.precision == Some(Precision::Provider);
    let is_written = |tier: Tier| tier == Tier::Declared || tier == Tier::Unclassified && !is_planned;
    let apply = finding
        .attributes
        .iter()
        .any(|difference| is_written(difference.tier))
        .then(|| Remedy::Apply { address: address.clone() });
    let updates = finding
        .attributes
        .iter()
        .filter(|difference| is_written(difference.tier) && !difference.is_sensitive)
        .filter_map(|difference| {
            // What a provider does not show is not there any more; of a list call that proves nothing.
            let gone = is_planned.then(|| cty::Value::null(cty::Type::Dynamic));
            Some((difference.path.clone(), difference.cloud.clone().or(gone)?))
        })
        .map(|(path, value)| Remedy::UpdateCode { address: address.clone(), path, value });
    apply.into_iter().chain(updates).collect()
}
