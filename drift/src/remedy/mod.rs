//! Remedies: what may be done about a finding, one file per kind that has some.

mod changed;
mod dangling;
mod missing;
mod orphan;
mod unmanaged;

use model::{Finding, Kind, Remedy, ResourceAddress};

/// Gives the remedies of a finding, the usual one first; `address` is where an unmanaged object would be imported to.
///
/// What was ignored or folded has none.
pub fn remedies(finding: &Finding, address: Option<ResourceAddress>) -> Vec<Remedy> {
    if finding.ignored.is_some() || finding.folded.is_some() {
        return Vec::new();
    }
    match finding.kind {
        Kind::Changed | Kind::Collision => changed::remedies(finding),
        Kind::Missing => missing::remedies(finding),
        Kind::Dangling => dangling::remedies(finding),
        Kind::Orphan => orphan::remedies(finding),
        Kind::Unmanaged => unmanaged::remedies(finding, address),
        Kind::Stale => finding.address.clone().map(|address| Remedy::Refresh { address }).into_iter().collect(),
        Kind::NotImported => match (&finding.address, &finding.id) {
            (Some(to), Some(id)) => vec![Remedy::Import { to: to.clone(), id: id.clone() }],
            _ => Vec::new(),
        },
        Kind::Pending | Kind::PendingDestroy | Kind::DoubleOwner | Kind::ManagedElsewhere | Kind::Undetermined => {
            Vec::new()
        }
    }
}
