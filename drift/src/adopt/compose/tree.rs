//! What is written for one object, before it is joined with others: expressions that can still be taken apart.

use cty::Value;
use model::draft::{DraftBlock, DraftBody, DraftExpression};

/// What an argument is written as.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// One expression.
    Leaf(DraftExpression),
    /// A list, set or tuple.
    List {
        /// What it is without references and variables.
        value: Value,
        /// Its elements, in order.
        items: Vec<Node>,
    },
    /// A map or an object.
    Object {
        /// What is written, in order.
        entries: Vec<(String, Node)>,
        /// What it is without references and variables, where it reads as well when it is written from that.
        literal: Option<Value>,
    },
    /// JSON text.
    Json(Box<Node>),
}

/// What stands between the braces of a block.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tree {
    /// Arguments, in the order in which they are written.
    pub(super) arguments: Vec<(String, Node)>,
    /// Blocks, in the order in which they are written.
    pub(super) blocks: Vec<Branch>,
}

/// A block inside another one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Branch {
    /// Its type.
    pub(super) block_type: String,
    /// The key of a block of a map.
    pub(super) label: Option<String>,
    /// What stands in it.
    pub(super) tree: Tree,
}

impl Node {
    /// Gives the value of a literal.
    pub(super) fn literal(&self) -> Option<&Value> {
        match self {
            Self::Leaf(DraftExpression::Literal(value)) => Some(value),
            _ => None,
        }
    }

    /// Tells whether it takes several lines.
    pub(super) fn is_multiline(&self) -> bool {
        match self {
            Self::Json(_) => true,
            Self::Object { entries, .. } => !entries.is_empty(),
            Self::List { items, .. } => items.iter().any(Node::is_multiline),
            Self::Leaf(DraftExpression::Literal(value)) => value.as_str().is_some_and(|text| text.contains('\n')),
            Self::Leaf(_) => false,
        }
    }

    /// Gives the expression; what holds nothing but literals is one.
    pub(super) fn finish(self) -> DraftExpression {
        match self {
            Self::Leaf(expression) => expression,
            Self::Json(inner) => DraftExpression::Json(Box::new(inner.finish())),
            Self::List { value, items } => {
                let items: Vec<DraftExpression> = items.into_iter().map(Node::finish).collect();
                if items.iter().all(|item| matches!(item, DraftExpression::Literal(_))) {
                    DraftExpression::Literal(value)
                } else {
                    DraftExpression::List(items)
                }
            }
            Self::Object { entries, literal } => {
                let entries: Vec<(String, DraftExpression)> =
                    entries.into_iter().map(|(key, node)| (key, node.finish())).collect();
                match literal {
                    Some(value) if entries.iter().all(|(_, entry)| matches!(entry, DraftExpression::Literal(_))) => {
                        DraftExpression::Literal(value)
                    }
                    _ => DraftExpression::Object(entries),
                }
            }
        }
    }
}

impl Tree {
    /// Gives the body of the block.
    pub(super) fn finish(self) -> DraftBody {
        let block = |branch: Branch| DraftBlock {
            block_type: branch.block_type,
            label: branch.label,
            body: branch.tree.finish(),
        };
        DraftBody {
            arguments: self.arguments.into_iter().map(|(name, node)| (name, node.finish())).collect(),
            blocks: self.blocks.into_iter().map(block).collect(),
        }
    }
}
