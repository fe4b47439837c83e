//! What is written for one object: its configuration taken apart, in the order in which a person would write it.

use cty::{Path, PathStep, Type, Value, json};
use model::draft::DraftExpression;
use model::schema::{Attribute, AttributeType, NestedBlock, NestedObject, NestingMode};
use model::{Block, ResourceType};

use super::super::search::{SecretArgument, SecretSource, Solution};
use super::tree::{Branch, Node, Tree};
use super::words;

/// Arguments that label an object; they stand last, and what they hold is never a reference.
const LABELS: &[&str] = &["annotations", "labels", "tags", "tags_all"];
/// Arguments for people, in which nothing is a reference.
const PROSE: &[&str] = &["comment", "description"];
/// Keys of JSON documents that people write in this order, before all others.
const DOCUMENT: &[&str] = &[
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Says where a text stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The argument of the schema that it is, or is in.
    pub(super) argument: String,
    /// The block or nested attribute that the argument is in.
    pub(super) block: Option<String>,
    /// The key of the map or JSON object that it is in.
    pub(super) key: Option<String>,
    /// Whether it is an argument of the resource itself, and not in a block or a collection.
    pub(super) is_outermost: bool,
    /// Whether it is inside JSON text.
    pub(super) is_json: bool,
}

/// Says what becomes of texts and secrets.
pub(super) trait Leaves {
    /// Gives what a text is written as; `None` leaves it as it is.
    fn text(&mut self, place: &Place, text: &str) -> Option<DraftExpression>;

    /// Gives what a secret is written as. `shown` is its path without elements of sets, which may be secrets
    /// themselves; the value is without marks.
    fn secret(&mut self, secret: &SecretArgument, shown: &Path, value: &Value) -> DraftExpression;
}

/// Gives a path without elements of sets: these stand in it with all they hold, secrets included.
pub(super) fn shown(path: &Path, value: &Value) -> Path {
    let mut shown = Path::new();
    let mut current = value.unmark().0;
    for step in path.steps() {
        if !current.ty().is_set() {
            shown.push(step.clone());
        }
        let next = Path::from(vec![step.clone()]).apply(&current);
        current = next.unwrap_or_else(|_| Value::dynamic()).unmark().0;
    }
    shown
}

/// Takes the configuration of an object apart.
pub(super) fn tree(resource_type: &ResourceType, block: &Block, solution: &Solution, leaves: &mut dyn Leaves) -> Tree {
    let mut builder = Builder {
        resource_type,
        solution,
        leaves,
        path: Path::new(),
        place: Place { argument: String::new(), block: None, key: None, is_outermost: true, is_json: false },
        is_below_mark: false,
        has_implied_blocks: !holds_nested(block),
    };
    builder.block(block, &solution.config)
}

struct Builder<'a> {
    resource_type: &'a ResourceType,
    solution: &'a Solution,
    leaves: &'a mut dyn Leaves,
    path: Path,
    place: Place,
    /// Whether a mark was met further out that no secret accounts for.
    is_below_mark: bool,
    /// Whether programs read blocks as the elements of an argument.
    has_implied_blocks: bool,
}

impl Builder<'_> {
    fn block(&mut self, block: &Block, value: &Value) -> Tree {
        let mut arguments = Vec::new();
        let mut branches = Vec::new();
        for (name, attribute) in &block.attributes {
            let Ok(inner) = value.get_attr(name) else { continue };
            if inner.is_null() {
                continue;
            }
            let is_required = attribute.required;
            let has_implied_blocks = self.has_implied_blocks;
            self.at_argument(name, |builder| match implied_block(attribute, &inner) {
                Some(names) if has_implied_blocks && builder.secret(&inner, attribute.sensitive).is_none() => {
                    let elements = builder.each(&inner, |builder, element| builder.implied(&names, element));
                    branches.extend(elements.into_iter().map(|tree| (!is_required, branch(name, None, tree))));
                }
                _ => arguments.push((name.clone(), is_required, builder.attribute(attribute, &inner))),
            });
        }
        for (name, nested) in &block.blocks {
            let Ok(inner) = value.get_attr(name) else { continue };
            if inner.is_null() {
                continue;
            }
            let written = self.at_argument(name, |builder| {
                builder.place.is_outermost = false;
                builder.nested(name, nested, &inner)
            });
            branches.extend(written.into_iter().map(|branch| (nested.min_items == 0, branch)));
        }
        // Blocks of one type stay in their order.
        branches.sort_by(|(is_optional, one), (is_other_optional, other)| {
            (is_optional, &one.block_type).cmp(&(is_other_optional, &other.block_type))
        });
        Tree { arguments: self.in_order(arguments), blocks: branches.into_iter().map(|(_, branch)| branch).collect() }
    }

    fn nested(&mut self, name: &str, nested: &NestedBlock, value: &Value) -> Vec<Branch> {
        match nested.nesting {
            NestingMode::Single | NestingMode::Group => {
                let tree = self.below(value, |builder, value| builder.block(&nested.block, value));
                // A group that says nothing is the same as none.
                let is_silent = nested.nesting == NestingMode::Group && tree == Tree::default();
                if is_silent { Vec::new() } else { vec![branch(name, None, tree)] }
            }
            NestingMode::List | NestingMode::Set => {
                let trees = self.each(value, |builder, element| builder.block(&nested.block, element));
                trees.into_iter().map(|tree| branch(name, None, tree)).collect()
            }
            NestingMode::Map => self.below(value, |builder, value| {
                let one = |(key, element): (&str, &Value)| {
                    let tree = builder.at(PathStep::Index(Value::string(key)), |builder| {
                        builder.below(element, |builder, element| builder.block(&nested.block, element))
                    });
                    branch(name, Some(key), tree)
                };
                value.entries().map(one).collect()
            }),
        }
    }

    /// Writes an element of a list of objects as the block that stands for it.
    fn implied(&mut self, names: &[String], element: &Value) -> Tree {
        let mut arguments = Vec::new();
        for name in names {
            let Ok(inner) = element.get_attr(name) else { continue };
            if !inner.is_null() {
                let node = self.at_argument(name, |builder| {
                    builder.place.is_outermost = false;
                    builder.plain(&inner)
                });
                arguments.push((name.clone(), false, node));
            }
        }
        let was_outermost = std::mem::replace(&mut self.place.is_outermost, false);
        let arguments = self.in_order(arguments);
        self.place.is_outermost = was_outermost;
        Tree { arguments, blocks: Vec::new() }
    }

    fn attribute(&mut self, attribute: &Attribute, value: &Value) -> Node {
        if let Some(secret) = self.secret(value, attribute.sensitive) {
            return self.variable(&secret, value);
        }
        match &attribute.ty {
            AttributeType::Plain(_) => self.plain(value),
            AttributeType::Nested(nested) => {
                self.below(value, |builder, value| builder.nested_attribute(nested, value))
            }
        }
    }

    fn nested_attribute(&mut self, nested: &NestedObject, value: &Value) -> Node {
        match nested.nesting {
            _ if value.is_null() => Node::Leaf(DraftExpression::Literal(value.clone())),
            NestingMode::Single | NestingMode::Group => self.nested_object(nested, value),
            NestingMode::List | NestingMode::Set => {
                let items = self.each(value, |builder, element| builder.nested_object(nested, element));
                Node::List { value: value.unmark_deep().0, items }
            }
            NestingMode::Map => {
                let one = |(key, element): (&str, &Value)| {
                    let node = self.at(PathStep::Index(Value::string(key)), |builder| {
                        builder.below(element, |builder, element| builder.nested_object(nested, element))
                    });
                    (key.to_owned(), node)
                };
                Node::Object { entries: value.entries().map(one).collect(), literal: None }
            }
        }
    }

    fn nested_object(&mut self, nested: &NestedObject, value: &Value) -> Node {
        if value.is_null() {
            return Node::Leaf(DraftExpression::Literal(value.clone()));
        }
        let mut arguments = Vec::new();
        for (name, attribute) in &nested.attributes {
            let Ok(inner) = value.get_attr(name) else { continue };
            if !inner.is_null() {
                let node = self.at_argument(name, |builder| {
                    builder.place.is_outermost = false;
                    builder.attribute(attribute, &inner)
                });
                arguments.push((name.clone(), attribute.required, node));
            }
        }
        // What is null is left out, so it is not written from the value.
        Node::Object { entries: self.in_order(arguments), literal: None }
    }

    /// Writes a value without a schema of its own: everything in it is said, nulls included.
    fn plain(&mut self, value: &Value) -> Node {
        if let Some(secret) = self.secret(value, false) {
            return self.variable(&secret, value);
        }
        let bare = value.unmark().0;
        if let Some(text) = bare.as_str() {
            if self.solution.json.contains(&self.path)
                && let Some(node) = self.json_text(text)
            {
                return node;
            }
            return self.text(&bare, text);
        }
        if bare.is_null() || bare.is_empty() {
            return Node::Leaf(DraftExpression::Literal(bare));
        }
        match bare.ty() {
            Type::List(_) | Type::Set(_) | Type::Tuple(_) => {
                let items = self.each(value, |builder, element| {
                    let was_outermost = std::mem::replace(&mut builder.place.is_outermost, false);
                    let node = builder.plain(element);
                    builder.place.is_outermost = was_outermost;
                    node
                });
                Node::List {
                    value: bare.unmark_deep().0,
                    items: if bare.ty().is_set() { sorted(items) } else { items },
                }
            }
            _ => self.below(value, |builder, value| {
                let is_object = value.ty().as_object().is_some();
                let was = builder.place.clone();
                builder.place.is_outermost = false;
                let one = |(key, element): (&str, &Value)| {
                    let step =
                        if is_object { PathStep::GetAttr(key.to_owned()) } else { PathStep::Index(Value::string(key)) };
                    builder.place.key = Some(key.to_owned());
                    (key.to_owned(), builder.at(step, |builder| builder.plain(element)))
                };
                let entries = value.entries().map(one).collect();
                builder.place = was;
                Node::Object { entries, literal: Some(value.unmark_deep().0) }
            }),
        }
    }

    fn text(&mut self, value: &Value, text: &str) -> Node {
        let is_for_people = LABELS.contains(&self.place.argument.as_str())
            || PROSE.contains(&self.place.argument.as_str())
            || self.place.key.as_deref().is_some_and(|key| PROSE.contains(&key));
        let written = if is_for_people { None } else { self.leaves.text(&self.place, text) };
        Node::Leaf(written.unwrap_or_else(|| DraftExpression::Literal(value.clone())))
    }

    /// Takes JSON text apart, where writing it again gives the very same text.
    fn json_text(&mut self, text: &str) -> Option<Node> {
        let value = json::decode_implied(text.as_bytes()).ok()?;
        let is_document = matches!(value.ty(), Type::Object(_) | Type::Tuple(_));
        if !is_document || json::encode(&value, value.ty()).ok()? != text.as_bytes() {
            return None;
        }
        let was = self.place.clone();
        self.place.is_outermost = false;
        self.place.is_json = true;
        let node = self.json(&value);
        self.place = was;
        Some(Node::Json(Box::new(node)))
    }

    fn json(&mut self, value: &Value) -> Node {
        if let Some(text) = value.as_str() {
            return self.text(value, text);
        }
        if value.is_null() || value.is_empty() {
            return Node::Leaf(DraftExpression::Literal(value.clone()));
        }
        if !matches!(value.ty(), Type::Object(_)) {
            let items = value.elements().map(|element| self.json(element)).collect();
            return Node::List { value: value.clone(), items };
        }
        let mut entries = Vec::new();
        for (key, element) in value.entries() {
            let outer = self.place.key.replace(key.to_owned());
            entries.push((key.to_owned(), self.json(element)));
            self.place.key = outer;
        }
        let position = |key: &str| DOCUMENT.iter().position(|known| *known == key).unwrap_or(DOCUMENT.len());
        entries.sort_by_key(|(key, _)| position(key));
        Node::Object { entries, literal: None }
    }

    /// Puts arguments in the order in which a person would write them.
    fn in_order(&self, arguments: Vec<(String, bool, Node)>) -> Vec<(String, Node)> {
        let rank = |name: &str, is_required: bool, node: &Node| {
            let is_name = if self.place.is_outermost {
                words::is_name(self.resource_type, name)
            } else {
                matches!(name, "name" | "key" | "type")
            };
            match () {
                () if LABELS.contains(&name) => 5,
                () if node.is_multiline() => 3 + i32::from(!is_required),
                () if is_name => 0,
                () if is_required => 1,
                () => 2,
            }
        };
        let mut ranked: Vec<(i32, String, Node)> = arguments
            .into_iter()
            .map(|(name, is_required, node)| (rank(&name, is_required, &node), name, node))
            .collect();
        ranked.sort_by(|one, other| {
            let of = |(rank, name, _): &(i32, String, Node)| (*rank, !(*rank == 0 && name == "name"));
            of(one).cmp(&of(other)).then_with(|| one.1.cmp(&other.1))
        });
        ranked.into_iter().map(|(_, name, node)| (name, node)).collect()
    }

    /// Gives what is known of the secret that the value here is; `None` where it may be written, or is taken apart.
    fn secret(&self, value: &Value, is_sensitive: bool) -> Option<SecretArgument> {
        if let Some(secret) = self.solution.secrets.iter().find(|secret| leads(&secret.path, &self.path, false)) {
            return Some(secret.clone());
        }
        let is_marked = value.is_marked() && !self.has_secret_below();
        (is_sensitive || is_marked || self.is_below_mark).then(|| SecretArgument {
            path: self.path.clone(),
            source: SecretSource::Observed,
            is_by_schema: is_sensitive,
        })
    }

    fn variable(&mut self, secret: &SecretArgument, value: &Value) -> Node {
        let shown = shown(&self.path, &self.solution.config);
        Node::Leaf(self.leaves.secret(secret, &shown, &value.unmark_deep().0))
    }

    fn has_secret_below(&self) -> bool {
        self.solution.secrets.iter().any(|secret| leads(&secret.path, &self.path, true))
    }

    /// Goes into a value that holds others; where it is marked and no secret below says why, all of them are secrets.
    fn below<T>(&mut self, value: &Value, inside: impl FnOnce(&mut Self, &Value) -> T) -> T {
        let was_below_mark = self.is_below_mark;
        self.is_below_mark |= value.is_marked() && !self.has_secret_below();
        let result = inside(self, &value.unmark().0);
        self.is_below_mark = was_below_mark;
        result
    }

    /// Goes into each element of a list or set.
    fn each<T>(&mut self, value: &Value, mut inside: impl FnMut(&mut Self, &Value) -> T) -> Vec<T> {
        self.below(value, |builder, value| {
            let is_set = value.ty().is_set();
            let mut results = Vec::new();
            for (index, element) in value.elements().enumerate() {
                let key = if is_set { element.clone() } else { Value::from(index as u64) };
                results.push(builder.at(PathStep::Index(key), |builder| builder.below(element, &mut inside)));
            }
            results
        })
    }

    fn at<T>(&mut self, step: PathStep, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let result = inside(self);
        self.path.pop();
        result
    }

    fn at_argument<T>(&mut self, name: &str, inside: impl FnOnce(&mut Self) -> T) -> T {
        let was = self.place.clone();
        // Behind another argument's name this is one inside it.
        self.place.block = Some(std::mem::take(&mut self.place.argument)).filter(|outer| !outer.is_empty());
        name.clone_into(&mut self.place.argument);
        self.place.key = None;
        let result = self.at(PathStep::GetAttr(name.to_owned()), inside);
        self.place = was;
        result
    }
}

/// Puts references in a set in the order of their addresses, before what is written out.
fn sorted(mut items: Vec<Node>) -> Vec<Node> {
    items.sort_by_key(|item| match item {
        Node::Leaf(DraftExpression::Reference { to, path }) => (false, Some(to.clone()), path.to_string()),
        _ => (true, None, String::new()),
    });
    items
}

fn branch(name: &str, label: Option<&str>, tree: Tree) -> Branch {
    Branch { block_type: name.to_owned(), label: label.map(str::to_owned), tree }
}

/// Tells whether a schema holds a nested attribute: then no argument of the type may be written as blocks.
fn holds_nested(block: &Block) -> bool {
    block.attributes.values().any(|attribute| matches!(attribute.ty, AttributeType::Nested(_)))
        || block.blocks.values().any(|nested| holds_nested(&nested.block))
}

/// Gives the names of the arguments of the blocks that stand for a list of objects; `None` where it is written as it is.
///
/// Source: "Attributes as Blocks" of the Terraform language documentation.
fn implied_block(attribute: &Attribute, value: &Value) -> Option<Vec<String>> {
    let AttributeType::Plain(Type::List(element) | Type::Set(element)) = &attribute.ty else { return None };
    let names = element.as_object()?.attributes().map(|(name, _)| name.to_owned()).collect();
    let bare = value.unmark().0;
    let is_whole = !bare.is_empty() && bare.elements().all(|element| !element.is_null());
    is_whole.then_some(names)
}

/// Tells whether the path of a secret is this one, or with `is_through` leads through it. Elements of a set of objects
/// are all the same here: what was said of one of them holds for all.
fn leads(secret: &Path, path: &Path, is_through: bool) -> bool {
    let n_steps = path.len();
    if secret.len() < n_steps || (secret.len() > n_steps) != is_through {
        return false;
    }
    let is_key = |value: &Value| value.ty().is_primitive();
    secret.steps().iter().zip(path.steps()).all(|pair| match pair {
        (PathStep::Index(one), PathStep::Index(other)) if !is_key(one) && !is_key(other) => true,
        (one, other) => one == other,
    })
}
