//! The order in which terraform lists instances.

use std::cmp::Ordering;

use model::{ModuleAddress, ResourceAddress};

use super::Entry;

/// Orders resources: fewer module steps first, then step by step, data sources first, then type and name.
pub(super) fn compare_resources(left: &ResourceAddress, right: &ResourceAddress) -> Ordering {
    compare_modules(&left.module, &right.module)
        .then_with(|| left.mode.cmp(&right.mode))
        .then_with(|| left.resource_type.cmp(&right.resource_type))
        .then_with(|| left.name.cmp(&right.name))
}

fn compare_modules(left: &ModuleAddress, right: &ModuleAddress) -> Ordering {
    let (left, right) = (left.steps(), right.steps());
    if std::ptr::eq(left, right) {
        return Ordering::Equal;
    }
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// Orders the entries as terraform does; the current object comes before the deposed ones of its address.
///
/// Positions that `report` is given hold the same object as the one before: the same address and deposed key.
pub(super) fn sort(resources: &[ResourceAddress], entries: &[Entry], report: &mut dyn FnMut(&Entry)) -> Vec<u32> {
    let mut by_address: Vec<u32> = (0..resources.len() as u32).collect();
    let resource = |position: u32| &resources[position as usize];
    by_address.sort_by(|left, right| compare_resources(resource(*left), resource(*right)));
    let mut ranks = vec![0_u32; resources.len()];
    for pair in by_address.windows(2) {
        let is_same = compare_resources(resource(pair[0]), resource(pair[1])).is_eq();
        ranks[pair[1] as usize] = ranks[pair[0] as usize] + u32::from(!is_same);
    }
    let compare = |left: &Entry, right: &Entry| {
        ranks[left.resource as usize]
            .cmp(&ranks[right.resource as usize])
            .then_with(|| left.key.cmp(&right.key))
            .then_with(|| left.deposed.cmp(&right.deposed))
    };
    let entry = |position: u32| &entries[position as usize];
    let mut order: Vec<u32> = (0..entries.len() as u32).collect();
    order.sort_by(|left, right| compare(entry(*left), entry(*right)));
    for pair in order.windows(2) {
        if compare(entry(pair[0]), entry(pair[1])).is_eq() {
            report(entry(pair[1]));
        }
    }
    order
}
