//! What nobody manages is imported.

use model::{Finding, Remedy, ResourceAddress};

pub(super) fn remedies(finding: &Finding, address: Option<ResourceAddress>) -> Vec<Remedy> {
    match (address, &finding.id) {
        (Some(address), Some(id)) => vec![Remedy::Import { to: address.instance(None), id: id.clone() }],
        _ => Vec::new(),
    }
}
