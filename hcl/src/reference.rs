//! References: `tags["Name"]`, `aws_instance.web[0]`.

use cty::{Path, Value};

use crate::expression::{self, Node, NodeKind};
use crate::syntax::{Expression, File};

/// Reads a reference whose keys are all literal; `None` for every other expression.
pub(crate) fn path(file: &File, expression: &Expression) -> Option<Path> {
    let node = match expression.json() {
        // In JSON a reference is written as a string.
        Some(value) => expression::parse_reference(file, value).ok()?,
        None => Node::clone(&*expression::parse(file, expression).ok()?),
    };
    match &node.kind {
        // Before version 0.12 references were written in quotes.
        NodeKind::Literal(text) => steps(&expression::parse_text(&file.name, text.as_str()?).ok()?.1),
        _ => steps(&node),
    }
}

fn steps(node: &Node) -> Option<Path> {
    match &node.kind {
        NodeKind::Name(name) => Some(Path::new().attr(name)),
        NodeKind::Attribute { of, name } => Some(steps(of)?.attr(name)),
        NodeKind::Index { of, key } => {
            let NodeKind::Literal(key) = &key.kind else { return None };
            let key = match key.as_number() {
                Some(number) => Value::from(number.to_string().parse::<u64>().ok()?),
                None => Value::string(key.as_str()?),
            };
            Some(steps(of)?.index(key))
        }
        _ => None,
    }
}
