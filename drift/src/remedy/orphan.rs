//! What has no code left is kept by forgetting it, or destroyed by the next apply.

use model::{Finding, Remedy};

pub(super) fn remedies(finding: &Finding) -> Vec<Remedy> {
    let from = finding.address.as_ref().map(|address| address.resource.clone());
    from.map(|from| Remedy::Forget { from }).into_iter().collect()
}
