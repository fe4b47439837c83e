//! Which of the unmanaged objects are offered at all.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ::drift::Pattern;
use ::drift::adopt::{Adoption, AdoptionStep, choice_for};
use model::{Finding, ImportId, ResourceType};

use super::AdoptRequest;
use super::claims::{Held, Hold};

/// Narrows what is offered, beyond the filters of the comparison.
#[derive(Clone, Debug, Default)]
pub struct AdoptOffer {
    /// Patterns one of which an object's name, or where it has none its id, must match; all pass where it is empty.
    pub names: Vec<Pattern>,
    /// Whether what the mapping file does not name is left out.
    pub is_only_chosen: bool,
    /// Whether what an earlier adoption wrote to another folder is offered again.
    pub is_reclaiming: bool,
    /// A folder whose own adoption is done anew: what it claims is offered again.
    pub redo_of: Option<PathBuf>,
}

/// Takes out what was not asked for, and gives for each of the others why this run does not adopt it, where it does not. What was decided about it stands: another run may.
///
/// `import_id` gives what an import block for an object says.
pub(super) fn narrow(
    adoptions: &mut Vec<Adoption<'_>>,
    request: &AdoptRequest,
    held: &Held,
    import_id: &dyn Fn(&Finding) -> Option<ImportId>,
) -> Vec<Option<Hold>> {
    let names = &request.offer.names;
    let matches = |finding: &Finding| {
        let name = finding.name.as_deref().or(finding.id.as_ref().map(ImportId::as_str)).unwrap_or_default();
        names.is_empty() || names.iter().any(|pattern| pattern.matches(name))
    };
    adoptions.retain(|adoption| matches(adoption.finding));
    let mut n_named: BTreeMap<(&ResourceType, &ImportId), usize> = BTreeMap::new();
    for adoption in adoptions.iter() {
        if let (Some(resource_type), Some(id)) = (&adoption.finding.resource_type, &adoption.finding.id) {
            *n_named.entry((resource_type, id)).or_default() += 1;
        }
    }
    let why_not = |adoption: &Adoption<'_>| {
        if !matches!(adoption.step, AdoptionStep::Import { .. }) {
            return None;
        }
        let finding = adoption.finding;
        if request.offer.is_only_chosen && choice_for(&request.choices, finding).is_none() {
            return Some(Hold { reason: "Neither the mapping file nor --import names it.".to_owned(), to: None });
        }
        let is_alone = match (&finding.resource_type, &finding.id) {
            (Some(resource_type), Some(id)) => n_named.get(&(resource_type, id)) == Some(&1),
            _ => true,
        };
        held.holder(finding, &import_id(finding)?, is_alone)
    };
    adoptions.iter().map(why_not).collect()
}
