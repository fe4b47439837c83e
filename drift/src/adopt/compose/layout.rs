//! In which file a block stands, and in which order.

use std::collections::BTreeMap;

use model::{ModuleAddress, ResourceType};

use super::super::names::service;
use super::resolve::Graph;
use super::{FilePlace, Layout};

/// Gives the file for a type.
pub(super) fn place(layout: Layout, module: ModuleAddress, resource_type: &ResourceType) -> FilePlace {
    let name = match layout {
        Layout::Type => format!("generated_{resource_type}.tf"),
        Layout::Service => format!("generated_{}.tf", service(resource_type)),
        Layout::One => "generated.tf".to_owned(),
    };
    FilePlace { module, name }
}

/// Puts the blocks of a file in order: as they are given, but what is referred to goes before what refers to it.
pub(super) fn order(units: &[usize], graph: &Graph) -> Vec<usize> {
    // What is known of a block: whether it stands there already, or waits for others.
    let mut is_done: BTreeMap<usize, bool> = units.iter().map(|unit| (*unit, false)).collect();
    let mut ordered = Vec::with_capacity(units.len());
    for unit in units {
        let mut waiting = vec![(*unit, false)];
        while let Some((unit, is_ready)) = waiting.pop() {
            if is_done.get(&unit) != Some(&false) {
                continue;
            }
            if is_ready {
                is_done.insert(unit, true);
                ordered.push(unit);
                continue;
            }
            waiting.push((unit, true));
            let referred = graph.referred(unit).iter().rev();
            waiting.extend(referred.filter(|other| is_done.get(other) == Some(&false)).map(|other| (*other, false)));
        }
    }
    ordered
}
