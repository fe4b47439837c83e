//! In which file a block stands, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use model::{ModuleAddress, ResourceType};

use super::super::names::service;
use super::resolve::Graph;
use super::{FilePlace, Layout, words};

/// Gives the file for a type.
pub(super) fn place(layout: Layout, module: ModuleAddress, resource_type: &ResourceType) -> FilePlace {
    let name = match layout {
        Layout::Type => format!("generated_{resource_type}.tf"),
        Layout::Service => format!("generated_{}.tf", service(resource_type)),
        Layout::One => "generated.tf".to_owned(),
    };
    FilePlace { module, name }
}

/// Puts the blocks of a file in order: types that others refer to go first, then addresses, but never a block before
/// what it refers to; what extends one block alone (`aws_s3_bucket_versioning`) stands right behind that.
pub(super) fn order(units: &[usize], graph: &Graph, types: &[&ResourceType]) -> Vec<usize> {
    let in_file: BTreeSet<usize> = units.iter().copied().collect();
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut wholes = Vec::new();
    for unit in units {
        let referred = graph.referred(*unit).iter().copied().filter(|other| in_file.contains(other));
        let extended: Vec<usize> = referred.filter(|other| words::is_part_of(types[*unit], types[*other])).collect();
        match extended.as_slice() {
            [whole] => parts.entry(*whole).or_default().push(*unit),
            _ => wholes.push(*unit),
        }
    }
    let ranks = ranks(units, graph, types);
    wholes.sort_by_key(|unit| ranks.get(types[*unit]));
    let mut done: BTreeSet<usize> = BTreeSet::new();
    let mut ordered = Vec::with_capacity(units.len());
    for unit in wholes {
        let mut waiting = vec![(unit, false)];
        while let Some((unit, is_ready)) = waiting.pop() {
            if done.contains(&unit) {
                continue;
            }
            if is_ready {
                done.insert(unit);
                ordered.push(unit);
                let own = parts.get(&unit).into_iter().flatten().rev();
                waiting.extend(own.map(|part| (*part, false)));
                continue;
            }
            waiting.push((unit, true));
            let referred = graph.referred(unit).iter().rev().filter(|other| in_file.contains(other));
            waiting.extend(referred.filter(|other| !done.contains(other)).map(|other| (*other, false)));
        }
    }
    ordered
}

/// Gives each type a place behind the types that its blocks refer to; where these go in circles, by name.
fn ranks<'a>(units: &[usize], graph: &Graph, types: &[&'a ResourceType]) -> BTreeMap<&'a ResourceType, usize> {
    let mut open: BTreeMap<&ResourceType, BTreeSet<&ResourceType>> = BTreeMap::new();
    let in_file: BTreeSet<&ResourceType> = units.iter().map(|unit| types[*unit]).collect();
    for unit in units {
        let own = types[*unit];
        let referred = graph.referred(*unit).iter().map(|other| types[*other]);
        open.entry(own).or_default().extend(referred.filter(|other| *other != own && in_file.contains(other)));
    }
    let mut ranks = BTreeMap::new();
    while let Some(next) = open.iter().find(|(_, referred)| referred.is_empty()).or(open.iter().next()) {
        let next = *next.0;
        open.remove(next);
        for referred in open.values_mut() {
            referred.remove(next);
        }
        ranks.insert(next, ranks.len());
    }
    ranks
}
