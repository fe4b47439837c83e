//! One block for several objects: what they share stands in it, what varies is looked up by the instance's key.

use std::collections::BTreeSet;

use cty::{Path, Type, Value};
use model::draft::DraftExpression;

use super::super::names::identifier;
use super::tree::{Branch, Node, Tree};

/// What several objects make together.
#[derive(Clone, Debug)]
pub(super) struct Merged {
    /// What stands in the block.
    pub(super) tree: Tree,
    /// What varies.
    pub(super) columns: Vec<Column>,
}

/// What varies in one place, or in several that vary together.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// What it is called in the map that the block is repeated for.
    pub(super) name: String,
    /// What it is for each object.
    pub(super) nodes: Vec<Node>,
}

/// Joins what is written for several objects, each with its key; `None` where their blocks differ.
pub(super) fn merge(keys: &[String], trees: &[&Tree]) -> Option<Merged> {
    let mut merger = Merger { keys, columns: Vec::new(), names: BTreeSet::new(), path: Vec::new() };
    let tree = merger.tree(trees)?;
    Some(Merged { tree, columns: merger.columns })
}

impl Merged {
    /// Gives what the block is repeated for.
    pub(super) fn for_each(&self, keys: &[String]) -> DraftExpression {
        if self.columns.is_empty() {
            return DraftExpression::ToSet(keys.to_vec());
        }
        let entry = |(position, key): (usize, &String)| {
            let of = |column: &Column| (column.name.clone(), column.nodes[position].clone().finish());
            (key.clone(), DraftExpression::Object(self.columns.iter().map(of).collect()))
        };
        DraftExpression::Object(keys.iter().enumerate().map(entry).collect())
    }
}

struct Merger<'a> {
    keys: &'a [String],
    columns: Vec<Column>,
    names: BTreeSet<String>,
    path: Vec<String>,
}

impl Merger<'_> {
    fn tree(&mut self, trees: &[&Tree]) -> Option<Tree> {
        let (first, others) = trees.split_first()?;
        let kinds = |tree: &Tree| -> Vec<(String, Option<String>)> {
            tree.blocks.iter().map(|branch| (branch.block_type.clone(), branch.label.clone())).collect()
        };
        if others.iter().any(|other| kinds(other) != kinds(first)) {
            return None;
        }
        let mut names: Vec<&String> = first.arguments.iter().map(|(name, _)| name).collect();
        for (name, _) in others.iter().flat_map(|other| &other.arguments) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut merged = Tree::default();
        for name in names {
            let node = |tree: &&Tree| {
                let found = tree.arguments.iter().find(|(other, _)| other == name);
                // What is null is the same as what is not written.
                found.map_or_else(
                    || Node::Leaf(DraftExpression::Literal(Value::null(Type::Dynamic))),
                    |(_, node)| node.clone(),
                )
            };
            let nodes: Vec<Node> = trees.iter().map(node).collect();
            let node = self.at(name, |merger| merger.node(&nodes.iter().collect::<Vec<_>>()));
            merged.arguments.push((name.clone(), node));
        }
        for (position, branch) in first.blocks.iter().enumerate() {
            let inner: Vec<&Tree> = trees.iter().map(|tree| &tree.blocks[position].tree).collect();
            let tree = self.at(&branch.block_type, |merger| merger.tree(&inner))?;
            merged.blocks.push(Branch { tree, ..branch.clone() });
        }
        Some(merged)
    }

    fn node(&mut self, nodes: &[&Node]) -> Node {
        let Some((first, others)) = nodes.split_first() else {
            return Node::Leaf(DraftExpression::Literal(Value::null(Type::Dynamic)));
        };
        if others.iter().all(|other| other == first) {
            return (*first).clone();
        }
        let is_key = |(node, key): (&&Node, &String)| node.literal().and_then(Value::as_str) == Some(key);
        if nodes.iter().zip(self.keys).all(is_key) {
            return Node::Leaf(DraftExpression::EachKey);
        }
        match first {
            Node::Json(_) => {
                let inner: Vec<&Node> = nodes
                    .iter()
                    .filter_map(|node| if let Node::Json(inner) = node { Some(&**inner) } else { None })
                    .collect();
                if inner.len() == nodes.len() {
                    return Node::Json(Box::new(self.node(&inner)));
                }
            }
            Node::Object { entries, .. } => {
                let keys = |node: &Node| match node {
                    Node::Object { entries, .. } => entries.iter().map(|(key, _)| key.clone()).collect(),
                    _ => Vec::new(),
                };
                let own = keys(first);
                if others.iter().all(|other| keys(other) == own) {
                    let entry = |merger: &mut Self, position: usize, key: &String| {
                        let inner: Vec<&Node> = nodes
                            .iter()
                            .filter_map(|node| match node {
                                Node::Object { entries, .. } => entries.get(position).map(|(_, inner)| inner),
                                _ => None,
                            })
                            .collect();
                        (key.clone(), merger.at(key, |merger| merger.node(&inner)))
                    };
                    let entries =
                        entries.iter().enumerate().map(|(position, (key, _))| entry(self, position, key)).collect();
                    return Node::Object { entries, literal: None };
                }
            }
            Node::List { value, items } => {
                let is_structured = |item: &Node| !matches!(item, Node::Leaf(_));
                let n_items = items.len();
                let all: Vec<&Vec<Node>> = nodes
                    .iter()
                    .filter_map(|node| if let Node::List { items, .. } = node { Some(items) } else { None })
                    .filter(|items| items.len() == n_items && items.iter().all(is_structured))
                    .collect();
                if all.len() == nodes.len() {
                    let item =
                        |position: usize| self.node(&all.iter().map(|items| &items[position]).collect::<Vec<_>>());
                    return Node::List { value: value.clone(), items: (0..n_items).map(item).collect() };
                }
            }
            Node::Leaf(_) => {}
        }
        self.column(nodes)
    }

    fn column(&mut self, nodes: &[&Node]) -> Node {
        // Equal numbers, as of two ports, need not stay equal; equal texts and references are one thing.
        let is_number = |node: &Node| node.literal().is_some_and(|value| value.as_str().is_none());
        let is_same = |column: &&Column| {
            let pairs = || column.nodes.iter().zip(nodes);
            pairs().all(|(one, other)| one == *other) && !nodes.iter().all(|node| is_number(node))
        };
        let name = match self.columns.iter().find(is_same) {
            Some(column) => column.name.clone(),
            None => {
                let name = self.name();
                self.columns
                    .push(Column { name: name.clone(), nodes: nodes.iter().map(|node| (*node).clone()).collect() });
                name
            }
        };
        Node::Leaf(DraftExpression::EachValue(Path::new().attr(name)))
    }

    /// Gives a name for what varies here: the last word of the path, or as many as tell it apart.
    fn name(&mut self) -> String {
        let words: Vec<String> = self.path.iter().map(|word| identifier(word)).collect();
        let named = (0..words.len()).rev().map(|from| words[from..].join("_"));
        let numbered = (2u64..).map(|number| format!("value_{number}"));
        let is_name = |name: &String| name.starts_with(|c: char| c.is_ascii_alphabetic());
        let name = named.chain(numbered).find(|name| is_name(name) && !self.names.contains(name)).unwrap_or_default();
        self.names.insert(name.clone());
        name
    }

    fn at<T>(&mut self, word: &str, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(word.to_owned());
        let result = inside(self);
        self.path.pop();
        result
    }
}
