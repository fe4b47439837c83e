//! Expressions as trees.
//!
//! Source: the "HCL Native Syntax Specification", sections "Expressions" and "Templates", and the behavior of its
//! reference implementation where the specification is silent (line ends, strip markers, flush heredocs).

pub(crate) mod parser;
mod template;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use cty::Value;
use model::Diagnostic;

use crate::json::{JsonKind, JsonNode};
use crate::lex;
use crate::syntax::{Expression, File};

/// How deep expressions may nest.
pub(crate) const MAX_DEPTH: usize = 500;

/// An expression, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it is in its file, in bytes; in a JSON text with escapes, where that text is.
    pub range: Range<usize>,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// A number, a bool, null, or text without interpolations.
    Literal(Value),
    /// Text with interpolations and directives, in parts.
    Template(Vec<Node>),
    /// A template that is one interpolation and nothing else: the value keeps its type.
    Wrapped(Box<Node>),
    /// `%{ for }` in a template: the elements of a tuple, joined.
    Joined(Box<Node>),
    /// A name that the scope resolves: `var`, `each`, the variable of a `for`.
    Name(String),
    /// The element that a splat goes through.
    SplatElement,
    /// `of.name`.
    Attribute {
        /// The object.
        of: Box<Node>,
        /// The attribute's name.
        name: String,
    },
    /// `of[key]`, and `of.0`.
    Index {
        /// The collection.
        of: Box<Node>,
        /// The key.
        key: Box<Node>,
    },
    /// `of[*]` and `of.*`, with what follows.
    Splat {
        /// The collection.
        of: Box<Node>,
        /// What is made of each element.
        each: Box<Node>,
    },
    /// `name(arguments)`.
    Call {
        /// The function, with its namespaces.
        name: String,
        /// The arguments.
        arguments: Vec<Node>,
        /// Whether the last argument holds the rest of them: `...`.
        expands_last: bool,
    },
    /// `[a, b]`.
    Tuple(Vec<Node>),
    /// `{ a = b }`.
    Object(Vec<(Node, Node)>),
    /// `[for …]` and `{for …}`.
    For(Box<For>),
    /// `condition ? yes : no`.
    Conditional {
        /// The condition.
        condition: Box<Node>,
        /// The result where it is true.
        yes: Box<Node>,
        /// The result where it is false.
        no: Box<Node>,
    },
    /// `-a` and `!a`.
    Unary {
        /// The operator.
        operator: Unary,
        /// What it is applied to.
        operand: Box<Node>,
    },
    /// `a + b` and the like.
    Binary {
        /// The operator.
        operator: Binary,
        /// What stands before it.
        left: Box<Node>,
        /// What stands behind it.
        right: Box<Node>,
    },
    /// `(inner)`.
    Parentheses(Box<Node>),
}

/// A `for` expression.
#[derive(Clone, Debug, PartialEq)]
pub struct For {
    /// The name of the key, where it has one.
    pub key_name: Option<String>,
    /// The name of the value.
    pub value_name: String,
    /// What is gone through.
    pub collection: Node,
    /// The key of each entry; `None` makes a tuple.
    pub key: Option<Node>,
    /// The value of each entry.
    pub value: Node,
    /// Which elements count.
    pub condition: Option<Node>,
    /// Whether values of one key are gathered: `...`.
    pub groups: bool,
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `-`.
    Negate,
    /// `!`.
    Not,
}

/// An operator between its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `||`.
    Or,
    /// `&&`.
    And,
    /// `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `%`.
    Modulo,
}

/// One step of a reference behind its first name, where that needs no evaluation.
#[derive(Clone, Debug, PartialEq)]
pub enum ReferenceStep<'n> {
    /// `.name`.
    Attribute(&'n str),
    /// `[key]` with a literal key.
    Index(&'n Value),
}

impl Node {
    /// Lists what it refers to: the names of each reference, up to the first key. What it names itself is left out.
    pub fn references(&self) -> Vec<Vec<&str>> {
        let mut found = Vec::new();
        crate::blocks::target::references(self, &mut Vec::new(), &mut found);
        found.into_iter().map(|referred| [&[referred.first], &*referred.names].concat()).collect()
    }

    /// Gives the steps of a reference and its first name, as far as its keys are literal; `None` for what is none.
    ///
    /// The number is that of the nodes around the last step given.
    pub(crate) fn reference(&self) -> Option<(&str, Vec<ReferenceStep<'_>>)> {
        match &self.kind {
            NodeKind::Name(name) => Some((name, Vec::new())),
            NodeKind::Attribute { of, name } => {
                let (root, mut steps) = of.reference()?;
                steps.push(ReferenceStep::Attribute(name));
                Some((root, steps))
            }
            NodeKind::Index { of, key } => {
                let NodeKind::Literal(key) = &key.kind else { return None };
                let (root, mut steps) = of.reference()?;
                steps.push(ReferenceStep::Index(key));
                Some((root, steps))
            }
            _ => None,
        }
    }
}

/// Gives the tree of an expression of a file. It is made once and shared with all clones of the expression.
///
/// # Errors
/// One problem, with its place, where it does not follow the grammar.
pub fn parse(file: &File, expression: &Expression) -> Result<Arc<Node>, Box<Diagnostic>> {
    expression.tree(|value| json(file, value).map(Arc::new)).clone()
}

/// Parses an expression that is written in a string: a value on the command line, a reference in JSON.
///
/// # Errors
/// As [`parse`]; places are those in the text.
pub fn parse_text(name: &str, text: &str) -> Result<(File, Node), Box<Diagnostic>> {
    let file = File::of_tokens(name, text, lex::tokenize(text));
    let node = parser::whole(&file, None)?;
    Ok((file, node))
}

/// Parses a text as a template.
///
/// # Errors
/// As [`parse`]; places are those in the text.
pub fn parse_template(name: &str, text: &str) -> Result<(File, Node), Box<Diagnostic>> {
    let file = File::of_tokens(name, text, lex::tokenize_template(text));
    let node = template::bare(&file, None)?;
    Ok((file, node))
}

/// Parses the reference, or type, that a JSON text holds; places are those in the file.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_reference(file: &File, node: &JsonNode) -> Result<Node, Box<Diagnostic>> {
    let text = node.as_str().unwrap_or_default();
    let inner = File::of_tokens(&file.name, text, lex::tokenize(text));
    parser::whole(&inner, Some(Place::of(file, node.range(), text)))
}

/// Where a text that is parsed on its own stands in a file.
#[derive(Clone)]
pub(crate) struct Place<'f> {
    file: &'f File,
    range: Range<usize>,
    /// Whether the text stands there as it is, behind a quote, without escapes.
    is_exact: bool,
}

impl<'f> Place<'f> {
    /// Finds the place of a text of JSON.
    fn of(file: &'f File, range: Range<usize>, text: &str) -> Self {
        let is_exact = file.text.get(range.start + 1..range.end.max(2) - 1) == Some(text);
        Self { file, range, is_exact }
    }

    fn at(&self, inner: Range<usize>) -> Range<usize> {
        let start = self.range.start + 1;
        if self.is_exact { start + inner.start..start + inner.end } else { self.range.clone() }
    }
}

/// Turns a JSON value into an expression: texts are templates.
///
/// Source: the "HCL JSON Syntax Specification", section "Expressions".
fn json(file: &File, node: &JsonNode) -> Result<Node, Box<Diagnostic>> {
    let range = node.range();
    let kind = match node.kind() {
        JsonKind::Text(text) => return json_text(file, text, range),
        JsonKind::Array(elements) => {
            NodeKind::Tuple(elements.iter().map(|element| json(file, element)).collect::<Result<_, _>>()?)
        }
        JsonKind::Object(properties) => {
            let mut items = Vec::with_capacity(properties.len());
            let mut names = BTreeSet::new();
            for property in properties {
                let place = &property.name_range;
                if !names.insert(&property.name) {
                    let detail = format!("The property {:?} stands twice in this object; keep one.", property.name);
                    return Err(problem(file, place, "Duplicate property", detail));
                }
                // Parentheses make it text, and no name.
                let key = Box::new(json_text(file, &property.name, place.clone())?);
                let key = Node { kind: NodeKind::Parentheses(key), range: place.clone() };
                items.push((key, json(file, &property.value)?));
            }
            NodeKind::Object(items)
        }
        JsonKind::Null | JsonKind::Bool(_) | JsonKind::Number(_) => NodeKind::Literal(node.to_value()),
    };
    Ok(Node { kind, range })
}

fn json_text(file: &File, text: &str, range: Range<usize>) -> Result<Node, Box<Diagnostic>> {
    if !text.contains(['$', '%', '\r']) {
        return Ok(Node { kind: NodeKind::Literal(Value::string(text)), range });
    }
    let inner = File::of_tokens(&file.name, text, lex::tokenize_template(text));
    let place = Place::of(file, range.clone(), text);
    let node = template::bare(&inner, Some(place))?;
    Ok(Node { range, ..node })
}

pub(crate) fn problem(file: &File, range: &Range<usize>, summary: &str, detail: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::error("invalid-expression", summary, detail).at_span(file.span(range)))
}

fn too_deep() -> String {
    format!("Expressions may nest {MAX_DEPTH} levels deep; give parts of this one names in `locals`.")
}
