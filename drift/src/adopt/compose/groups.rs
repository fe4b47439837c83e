//! Which objects are written as one block.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cty::Value;
use model::draft::DraftExpression;
use model::{InstanceKey, ResourceAddress};

use super::super::names::local_type;
use super::merge::{Merged, merge};
use super::tree::{Node, Tree};
use super::{Candidate, words};

/// How many things may vary within a group.
const MAX_COLUMNS: usize = 4;
/// Longest key of an instance that is made of a name, in bytes.
const MAX_KEY: usize = 64;

/// An object that is written, before anything refers to anything.
#[derive(Debug)]
pub(super) struct Written<'a> {
    /// The object.
    pub(super) candidate: &'a Candidate<'a>,
    /// What is written for it, with literals only.
    pub(super) literal: Tree,
    /// Whether something in it becomes a variable.
    pub(super) has_secrets: bool,
    /// Objects in other instances of the same module, for which the same block stands.
    pub(super) twins: Vec<&'a Candidate<'a>>,
}

/// A block.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// Its address.
    pub(super) address: ResourceAddress,
    /// The objects, by position; with keys, in the order of those, where the block is repeated.
    pub(super) members: Vec<(usize, Option<String>)>,
}

impl Unit {
    /// Gives the keys of a block that is repeated; none of another one.
    pub(super) fn keys(&self) -> Vec<String> {
        self.members.iter().filter_map(|(_, key)| key.clone()).collect()
    }
}

/// Divides objects into blocks, in the order of their addresses. What cannot share the block that it was sent to is given
/// with the reason, a sentence.
pub(super) fn units(
    written: &[Written<'_>],
    group_from: Option<usize>,
    taken: &BTreeSet<ResourceAddress>,
) -> (Vec<Unit>, Vec<(usize, String)>) {
    let mut left_out = Vec::new();
    let mut units: BTreeMap<ResourceAddress, Unit> = BTreeMap::new();
    let mut buckets: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut by_resource: BTreeMap<&ResourceAddress, Vec<usize>> = BTreeMap::new();
    for (position, one) in written.iter().enumerate() {
        by_resource.entry(&one.candidate.to.resource).or_default().push(position);
    }
    for (address, members) in by_resource {
        let single = match members.as_slice() {
            [position] if written[*position].candidate.to.key.is_none() => Some(*position),
            _ => None,
        };
        let Some(position) = single else {
            match keyed(written, address, &members, taken) {
                Ok(unit) => drop(units.insert(address.clone(), unit)),
                Err(reason) => left_out.extend(members.iter().map(|position| (*position, reason.clone()))),
            }
            continue;
        };
        let one = &written[position];
        let unit = Unit { address: address.clone(), members: vec![(position, None)] };
        units.insert(address.clone(), unit);
        let solution = one.candidate.solution;
        let is_plain = solution.flaws.is_empty() && solution.ignore_changes.is_empty() && !one.has_secrets;
        if group_from.is_some() && is_plain && !one.candidate.is_pinned {
            let mut shape = format!("{}\n{}\n{:?}\n", address.module, address.resource_type, one.candidate.provider);
            sign_tree(&one.literal, &mut shape);
            buckets.entry(shape).or_default().push(position);
        }
    }
    let mut used: BTreeSet<ResourceAddress> = taken.iter().chain(units.keys()).cloned().collect();
    for members in buckets.into_values() {
        for (members, keys) in alike(written, &members, group_from.unwrap_or(usize::MAX).max(2)) {
            let address = name(written, &members, &used);
            used.insert(address.clone());
            for position in &members {
                units.remove(&written[*position].candidate.to.resource);
            }
            let mut members: Vec<(usize, Option<String>)> =
                members.into_iter().zip(keys.into_iter().map(Some)).collect();
            members.sort_by(|(_, one), (_, other)| one.cmp(other));
            units.insert(address.clone(), Unit { address, members });
        }
    }
    (units.into_values().collect(), left_out)
}

/// Makes the block that a person sent several objects to.
fn keyed(
    written: &[Written<'_>],
    address: &ResourceAddress,
    members: &[usize],
    taken: &BTreeSet<ResourceAddress>,
) -> Result<Unit, String> {
    if taken.contains(address) {
        return Err(format!(
            "The block {address} is there already: add what the object needs to it, or choose another address."
        ));
    }
    let mut keys = Vec::new();
    for position in members {
        match &written[*position].candidate.to.key {
            Some(InstanceKey::String(key)) => keys.push(key.to_string()),
            Some(InstanceKey::Int(_)) => {
                return Err(format!(
                    "Adopted blocks are repeated by text keys, as in {address}[\"a\"], not by number."
                ));
            }
            None => return Err(format!("Objects are sent both to {address} and to instances of it.")),
        }
    }
    if keys.len() > 1 && members.iter().any(|position| written[*position].has_secrets) {
        return Err(format!(
            "{address} is to be one block for several objects, but some hold secrets, which `for_each` must not: \
             choose an address of its own for each."
        ));
    }
    let providers: BTreeSet<Option<&str>> =
        members.iter().map(|position| written[*position].candidate.provider).collect();
    if providers.len() > 1 {
        return Err(format!("The objects sent to {address} belong to several provider configurations."));
    }
    let trees: Vec<&Tree> = members.iter().map(|position| &written[*position].literal).collect();
    if merge(&keys, &trees).is_none() {
        return Err(format!(
            "{address} is to be one block for several objects, but these differ in which blocks they have inside: \
             choose an address of its own for each."
        ));
    }
    let members = members.iter().copied().zip(keys.into_iter().map(Some)).collect();
    Ok(Unit { address: address.clone(), members })
}

/// Divides objects of one shape into groups in which few things vary, each with the keys of its members.
fn alike(written: &[Written<'_>], members: &[usize], group_from: usize) -> Vec<(Vec<usize>, Vec<String>)> {
    if members.len() < group_from {
        return Vec::new();
    }
    if know_one_another(written, members) {
        return Vec::new();
    }
    let (keys, merged) = together(written, members);
    let Some(merged) = merged else { return Vec::new() };
    if reads_well(&merged) {
        return vec![(members.to_vec(), keys)];
    }
    // What takes few values divides the objects.
    let dividing: Vec<&Vec<Node>> = merged
        .columns
        .iter()
        .map(|column| &column.nodes)
        .filter(|nodes| {
            let values: BTreeSet<String> = nodes.iter().map(|node| format!("{node:?}")).collect();
            values.len() * group_from <= members.len()
        })
        .collect();
    let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (position, member) in members.iter().enumerate() {
        let values: Vec<&Node> = dividing.iter().map(|nodes| &nodes[position]).collect();
        parts.entry(format!("{values:?}")).or_default().push(*member);
    }
    let group = |part: Vec<usize>| {
        let (keys, merged) = together(written, &part);
        merged.filter(|merged| part.len() >= group_from && reads_well(merged)).map(|_| (part, keys))
    };
    parts.into_values().filter_map(group).collect()
}

/// Tells whether one of the objects names another one of them: in one block they could not refer to one another.
fn know_one_another(written: &[Written<'_>], members: &[usize]) -> bool {
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    for position in members {
        for name in ["id", "arn"] {
            let id = written[*position].candidate.observed.get_attr(name).ok();
            if let Some(id) = id.as_ref().filter(|id| !id.is_marked()).and_then(Value::as_str) {
                ids.insert(id.to_owned(), *position);
            }
        }
    }
    let names_other = |position: &usize| {
        let mut texts = Vec::new();
        texts_of(&written[*position].literal, &mut texts);
        texts.into_iter().any(|text| ids.get(text).is_some_and(|other| other != position))
    };
    members.iter().any(names_other)
}

fn texts_of<'a>(tree: &'a Tree, texts: &mut Vec<&'a str>) {
    fn of<'a>(node: &'a Node, texts: &mut Vec<&'a str>) {
        match node {
            Node::Leaf(_) => texts.extend(node.literal().and_then(Value::as_str)),
            Node::Json(inner) => of(inner, texts),
            Node::List { items, .. } => items.iter().for_each(|item| of(item, texts)),
            Node::Object { entries, .. } => entries.iter().for_each(|(_, node)| of(node, texts)),
        }
    }
    tree.arguments.iter().for_each(|(_, node)| of(node, texts));
    tree.blocks.iter().for_each(|branch| texts_of(&branch.tree, texts));
}

fn together(written: &[Written<'_>], members: &[usize]) -> (Vec<String>, Option<Merged>) {
    let keys = keys(written, members);
    let trees: Vec<&Tree> = members.iter().map(|position| &written[*position].literal).collect();
    let merged = merge(&keys, &trees);
    (keys, merged)
}

/// Tells whether a block for several objects is easier to read than several blocks.
fn reads_well(merged: &Merged) -> bool {
    let n_columns = merged.columns.len();
    let is_long = |node: &Node| match node {
        Node::Object { .. } => false,
        node => node.is_multiline(),
    };
    n_columns <= MAX_COLUMNS
        && 2 * n_columns <= n_leaves(&merged.tree)
        && !merged.columns.iter().flat_map(|column| &column.nodes).any(is_long)
}

fn n_leaves(tree: &Tree) -> usize {
    fn of(node: &Node) -> usize {
        match node {
            Node::Leaf(_) => 1,
            Node::Json(inner) => of(inner),
            Node::List { items, .. } if items.iter().all(|item| matches!(item, Node::Leaf(_))) => 1,
            Node::List { items, .. } => items.iter().map(of).sum(),
            Node::Object { entries, .. } => entries.iter().map(|(_, node)| of(node)).sum(),
        }
    }
    let own: usize = tree.arguments.iter().map(|(_, node)| of(node)).sum();
    own + tree.blocks.iter().map(|branch| n_leaves(&branch.tree)).sum::<usize>()
}

/// Gives a key for each object: what people call it, where that tells them apart; else the name it would have alone.
fn keys(written: &[Written<'_>], members: &[usize]) -> Vec<String> {
    let text = |node: &Node| {
        let text = node.literal().and_then(Value::as_str)?;
        let is_key = !text.is_empty() && text.len() <= MAX_KEY && !text.chars().any(char::is_control);
        is_key.then(|| text.to_owned())
    };
    let called = |position: &usize| {
        let Written { candidate, literal, .. } = &written[*position];
        let names = literal.arguments.iter().filter(|(name, _)| words::is_name(candidate.to.resource_type(), name));
        names.map(|(_, node)| text(node)).next().flatten()
    };
    let tagged = |position: &usize| {
        let tags = written[*position].literal.arguments.iter().find(|(name, _)| name == "tags");
        match tags {
            Some((_, Node::Object { entries, .. })) => {
                entries.iter().find(|(key, _)| key == "Name").and_then(|(_, node)| text(node))
            }
            _ => None,
        }
    };
    let named = |position: &usize| Some(written[*position].candidate.to.resource.name.to_string());
    let all = |of: &dyn Fn(&usize) -> Option<String>| {
        let keys: Option<Vec<String>> = members.iter().map(of).collect();
        keys.filter(|keys| keys.iter().collect::<BTreeSet<_>>().len() == members.len())
    };
    // Names alone in their type are unique.
    all(&called).or_else(|| all(&tagged)).or_else(|| all(&named)).unwrap_or_default()
}

/// Gives an address for a group: what its members' names have in common, else `this`.
fn name(written: &[Written<'_>], members: &[usize], used: &BTreeSet<ResourceAddress>) -> ResourceAddress {
    let first = &written[members[0]].candidate.to.resource;
    let names: Vec<&str> = members.iter().map(|position| &*written[*position].candidate.to.resource.name).collect();
    let words: Vec<Vec<&str>> = names.iter().map(|name| name.split(['_', '-']).collect()).collect();
    let common = |is_end: bool| {
        let at = |words: &Vec<&'_ str>, offset: usize| {
            let position = if is_end { words.len().checked_sub(offset + 1) } else { Some(offset) };
            position.and_then(|position| words.get(position)).map(|word| (*word).to_owned())
        };
        let mut shared: Vec<String> = Vec::new();
        while let Some(word) = at(&words[0], shared.len())
            && words.iter().all(|words| at(words, shared.len()).as_ref() == Some(&word))
        {
            shared.push(word);
        }
        if is_end {
            shared.reverse();
        }
        shared.join("_")
    };
    let is_name = |name: &String| name.len() > 1 && name.starts_with(|c: char| c.is_ascii_alphabetic());
    // `sgr` says nothing where the rest of each name is an id.
    let is_id = |words: &Vec<&str>| {
        words.last().is_some_and(|word| word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit()))
    };
    let commons = if words.iter().all(is_id) { vec![] } else { vec![common(false), common(true)] };
    let stem = commons.into_iter().find(is_name).unwrap_or_else(|| {
        local_type(&first.resource_type).rsplit('_').next().filter(|word| word.len() > 1).unwrap_or("this").to_owned()
    });
    let mut address = ResourceAddress { name: stem.as_str().into(), ..first.clone() };
    // A member's own name is free again when all of them go.
    let is_free = |address: &ResourceAddress| !used.contains(address) || names.contains(&&*address.name);
    for number in 2u64.. {
        if is_free(&address) {
            break;
        }
        address.name = format!("{stem}_{number}").into();
    }
    address
}

/// Writes what has to be equal in objects of one block: which arguments and blocks they have, not what these say.
fn sign_tree(tree: &Tree, out: &mut String) {
    for (name, node) in &tree.arguments {
        let _ = write!(out, "{name}=");
        sign(node, out);
        out.push(';');
    }
    for branch in &tree.blocks {
        let _ = write!(out, "{}[{:?}]{{", branch.block_type, branch.label);
        sign_tree(&branch.tree, out);
        out.push('}');
    }
}

fn sign(node: &Node, out: &mut String) {
    match node {
        Node::Leaf(DraftExpression::Literal(value)) => {
            let _ = write!(out, "{}", value.ty());
        }
        Node::Leaf(_) => out.push('?'),
        Node::Json(inner) => {
            out.push_str("json ");
            sign(inner, out);
        }
        Node::List { items, .. } if items.iter().all(|item| matches!(item, Node::Leaf(_))) => out.push_str("[]"),
        Node::List { items, .. } => {
            out.push('[');
            for item in items {
                sign(item, out);
            }
            out.push(']');
        }
        // Tags may differ as a whole.
        Node::Object { entries, .. } if entries.iter().all(|(_, node)| matches!(node, Node::Leaf(_))) => {
            out.push_str("{}");
        }
        Node::Object { entries, .. } => {
            out.push('{');
            for (key, node) in entries {
                let _ = write!(out, "{key:?}:");
                sign(node, out);
            }
            out.push('}');
        }
    }
}
