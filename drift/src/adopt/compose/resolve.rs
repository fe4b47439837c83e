//! What texts and secrets become: references, templates, variables.

use std::collections::BTreeSet;

use cty::{Path, Value};
use model::ResourceType;
use model::draft::{DraftExpression, TemplatePart};

use super::super::search::SecretArgument;
use super::build::{Leaves, Place};
use super::index::{Entry, Index, Scope, suits};
use super::variables::Variables;
use super::words;

/// Longest text in which references are looked for, in bytes.
const MAX_TEXT: usize = 256 * 1024;

/// Which block refers to which; never in a circle.
///
/// The blocks are kept in an order in which each stands before what it refers to, so that most new references need no
/// search. Source: Pearce and Kelly, "A Dynamic Topological Sort Algorithm for Directed Acyclic Graphs", 2006.
#[derive(Debug)]
pub(super) struct Graph {
    referred: Vec<BTreeSet<usize>>,
    referring: Vec<BTreeSet<usize>>,
    /// The place of each block in the order.
    ranks: Vec<usize>,
}

impl Graph {
    /// Makes a graph of so many blocks.
    pub(super) fn new(n_units: usize) -> Self {
        let none = vec![BTreeSet::new(); n_units];
        Self { referred: none.clone(), referring: none, ranks: (0..n_units).collect() }
    }

    /// Lets one block refer to another one; `false` where that would close a circle.
    pub(super) fn permit(&mut self, from: usize, to: usize) -> bool {
        if self.referred[from].contains(&to) {
            return true;
        }
        if from == to {
            return false;
        }
        let (low, high) = (self.ranks[to], self.ranks[from]);
        if high > low {
            let mut behind = self.reach(&self.referred, to, |rank| rank <= high);
            if behind.contains(&from) {
                return false;
            }
            let mut before = self.reach(&self.referring, from, |rank| rank >= low);
            before.sort_by_key(|unit| self.ranks[*unit]);
            behind.sort_by_key(|unit| self.ranks[*unit]);
            before.append(&mut behind);
            let mut ranks: Vec<usize> = before.iter().map(|unit| self.ranks[*unit]).collect();
            ranks.sort_unstable();
            for (unit, rank) in before.into_iter().zip(ranks) {
                self.ranks[unit] = rank;
            }
        }
        self.referred[from].insert(to);
        self.referring[to].insert(from);
        true
    }

    /// Gives what a block refers to.
    pub(super) fn referred(&self, from: usize) -> &BTreeSet<usize> {
        &self.referred[from]
    }

    fn reach(&self, edges: &[BTreeSet<usize>], from: usize, is_near: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut seen = BTreeSet::from([from]);
        let mut rest = vec![from];
        while let Some(unit) = rest.pop() {
            let next = edges[unit].iter().copied().filter(|next| is_near(self.ranks[*next]));
            rest.extend(next.filter(|next| seen.insert(*next)));
        }
        seen.into_iter().collect()
    }
}

/// Which references are looked for. What an argument says outright goes before what stands inside a document: where
/// two objects name each other, the plainer direction stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Whole arguments.
    Arguments,
    /// Everything.
    Everything,
}

/// Resolves what stands in one object.
pub(super) struct Resolver<'a> {
    /// What may be referred to; `None` where nothing is.
    pub(super) index: Option<&'a Index>,
    /// Which block refers to which.
    pub(super) graph: &'a mut Graph,
    /// The variables.
    pub(super) variables: &'a mut Variables,
    /// The block that the object is written in.
    pub(super) unit: usize,
    /// The type of the object.
    pub(super) resource_type: &'a ResourceType,
    /// Where names in it mean something.
    pub(super) scope: &'a Scope,
    /// Which references are looked for.
    pub(super) pass: Pass,
}

impl Leaves for Resolver<'_> {
    fn text(&mut self, place: &Place, text: &str) -> Option<DraftExpression> {
        let index = self.index?;
        if self.pass == Pass::Arguments && place.is_json {
            return None;
        }
        if let Some(reference) = self.reference(index, place, text, true) {
            return Some(reference);
        }
        if self.pass == Pass::Arguments || text.len() > MAX_TEXT {
            return None;
        }
        let ranges = index.inside(text, |part| self.reference(index, place, part, false).is_some());
        let mut parts = Vec::new();
        let mut done = 0;
        for range in ranges {
            let Some(reference) = self.reference(index, place, &text[range.clone()], false) else { continue };
            if range.start > done {
                parts.push(TemplatePart::Text(text[done..range.start].to_owned()));
            }
            parts.push(TemplatePart::Expression(reference));
            done = range.end;
        }
        if parts.is_empty() {
            return None;
        }
        if done < text.len() {
            parts.push(TemplatePart::Text(text[done..].to_owned()));
        }
        Some(DraftExpression::Template(parts))
    }

    fn secret(&mut self, secret: &SecretArgument, shown: &Path, value: &Value) -> DraftExpression {
        self.variables.take(secret, shown, value)
    }
}

impl Resolver<'_> {
    /// Gives the reference that stands for a text, whole or a part of a longer one.
    fn reference(&mut self, index: &Index, place: &Place, text: &str, is_whole: bool) -> Option<DraftExpression> {
        let entries = index.whole(text);
        if entries.is_empty() {
            return None;
        }
        let argument = place.argument.as_str();
        // What a name is about says the argument, the block where the argument says nothing, or the key of a map.
        let about = match (&place.key, &place.block) {
            (Some(key), _) => key.to_ascii_lowercase(),
            (None, Some(block)) if words::is_silent(argument) => block.trim_end_matches("_ref").to_owned(),
            _ => argument.to_owned(),
        };
        let type_of = |entry: &Entry| index.owners[entry.owner].address.resource_type();
        let is_named = |entry: &Entry| {
            let attribute = entry.path.steps().last();
            let is_namesake =
                matches!(attribute, Some(cty::PathStep::GetAttr(name)) if *name == about) && !words::is_silent(&about);
            words::names(&about, self.resource_type, type_of(entry))
                || is_namesake && words::is_same_provider(self.resource_type, type_of(entry))
        };
        let says_name = is_whole && !place.is_json;
        let may_mean = |entry: &Entry| {
            let owner = &index.owners[entry.owner];
            entry.is_global || says_name && owner.scope.meets(self.scope) && is_named(entry)
        };
        let mut meant: Vec<&Entry> = entries.iter().filter(|entry| may_mean(entry)).collect();
        // What says which object this is stays as it is, but where the object is a part of the other.
        if place.is_outermost && words::is_name(self.resource_type, argument) {
            meant.retain(|entry| words::is_part_of(self.resource_type, type_of(entry)));
        }
        let types: BTreeSet<&str> = meant.iter().map(|entry| type_of(entry).as_str()).collect();
        if types.len() > 1 {
            let is_whole_of = |entry: &&Entry| {
                !types.iter().any(|other| words::is_part_of(type_of(entry), &ResourceType::from(*other)))
            };
            meant.retain(is_whole_of);
            if meant.iter().any(|entry| is_named(entry)) {
                meant.retain(|entry| is_named(entry));
            }
        }
        let first = meant.first()?.owner;
        let owner = &index.owners[first];
        if meant.iter().any(|entry| entry.owner != first) || owner.unit == Some(self.unit) {
            return None;
        }
        let spelling = place.key.as_deref().unwrap_or(argument).to_ascii_lowercase();
        let score = |entry: &&Entry| suits(&spelling, &entry.path, text, entry.is_global);
        let best = meant.into_iter().rev().max_by_key(score)?;
        if let Some(unit) = owner.unit
            && !self.graph.permit(self.unit, unit)
        {
            return None;
        }
        Some(DraftExpression::Reference { to: owner.address.clone(), path: best.path.clone() })
    }
}
