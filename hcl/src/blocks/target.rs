//! Addresses as code writes them: references, in JSON and before version 0.12 in texts.

use std::fmt;
use std::sync::Arc;

use model::{Diagnostic, InstanceAddress, InstanceKey, ModuleAddress, ModuleStep, ResourceAddress, ResourceMode};

use crate::expression::{self, Node, NodeKind};
use crate::syntax::{Expression, File};

/// What a block names, seen from the module it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockTarget {
    /// A module. Without a key at its last step it may be all instances.
    Module(ModuleAddress),
    /// A resource. Without a key it may be all instances.
    Resource(InstanceAddress),
}

impl BlockTarget {
    /// Gives the modules on the way.
    pub fn module(&self) -> &ModuleAddress {
        match self {
            Self::Module(module) => module,
            Self::Resource(address) => &address.resource.module,
        }
    }

    /// Tells whether the last step has a key.
    pub(crate) fn has_key(&self) -> bool {
        match self {
            Self::Module(module) => module.steps().last().is_some_and(|step| step.key.is_some()),
            Self::Resource(address) => address.key.is_some(),
        }
    }

    /// Tells whether any step has a key.
    pub(crate) fn has_any_key(&self) -> bool {
        self.has_key() || self.module().steps().iter().any(|step| step.key.is_some())
    }
}

impl fmt::Display for BlockTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(module) => module.fmt(f),
            Self::Resource(address) => address.fmt(f),
        }
    }
}

/// A step of a reference.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'n> {
    /// A name.
    Name(&'n str),
    /// What stands in brackets.
    Key(&'n Node),
}

/// Gives the tree of a reference, with the file its places are in; a text is read as what it holds.
///
/// # Errors
/// One problem, where it does not follow the grammar.
pub(crate) fn reference(file: &Arc<File>, expression: &Expression) -> Result<(Arc<File>, Arc<Node>), Box<Diagnostic>> {
    let node = expression::parse(file, expression)?;
    match &node.kind {
        NodeKind::Literal(value) if value.as_str().is_some() => {
            let (inner, node) = expression::parse_text(&file.name, value.as_str().unwrap_or_default())?;
            Ok((Arc::new(inner), Arc::new(node)))
        }
        _ => Ok((Arc::clone(file), node)),
    }
}

/// Gives the steps of a reference; `None` for every other expression.
pub(crate) fn steps(node: &Node) -> Option<Vec<Step<'_>>> {
    match &node.kind {
        NodeKind::Name(name) => Some(vec![Step::Name(name)]),
        NodeKind::Attribute { of, name } => {
            let mut found = steps(of)?;
            found.push(Step::Name(name));
            Some(found)
        }
        NodeKind::Index { of, key } => {
            let mut found = steps(of)?;
            found.push(Step::Key(key));
            Some(found)
        }
        _ => None,
    }
}

/// Gives the key that is written as a literal.
pub(crate) fn literal_key(node: &Node) -> Option<InstanceKey> {
    let NodeKind::Literal(value) = &node.kind else { return None };
    value_key(value)
}

/// Makes an instance key of a value.
pub(crate) fn value_key(value: &cty::Value) -> Option<InstanceKey> {
    if !value.is_known() || value.is_null() {
        return None;
    }
    let number = || value.as_number().and_then(cty::Number::to_i64).and_then(|number| u64::try_from(number).ok());
    value.as_str().map(|text| InstanceKey::String(text.into())).or_else(|| number().map(InstanceKey::Int))
}

/// Reads a target from a reference, whose keys somebody else reads.
///
/// # Errors
/// What is wrong, as a full sentence, or what reading a key says.
pub(crate) fn target<E: From<String>>(
    node: &Node,
    mut key: impl FnMut(&Node) -> Result<InstanceKey, E>,
) -> Result<BlockTarget, E> {
    let wrong = |detail: &str| E::from(detail.to_owned());
    let steps = steps(node).ok_or_else(|| wrong("This must be the address of a resource or of a module."))?;
    let mut rest = steps.as_slice();
    let mut modules = Vec::new();
    while let [Step::Name("module"), Step::Name(name), after @ ..] = rest {
        rest = after;
        let key = match rest {
            [Step::Key(node), after @ ..] => {
                rest = after;
                Some(key(node)?)
            }
            _ => None,
        };
        modules.push(ModuleStep { name: Arc::from(*name), key });
    }
    let module = ModuleAddress::from_steps(modules);
    if rest.is_empty() && !module.is_root() {
        return Ok(BlockTarget::Module(module));
    }
    let (mode, rest) = match rest {
        [Step::Name("data"), after @ ..] => (ResourceMode::Data, after),
        [Step::Name("resource"), after @ ..] if after.len() > 1 => (ResourceMode::Managed, after),
        _ => (ResourceMode::Managed, rest),
    };
    let (resource_type, name, key) = match rest {
        [Step::Name(resource_type), Step::Name(name)] => (*resource_type, *name, None),
        [Step::Name(resource_type), Step::Name(name), Step::Key(node)] => (*resource_type, *name, Some(key(node)?)),
        _ => return Err(wrong("This must be the address of a resource or of a module, without attributes.")),
    };
    let resource = ResourceAddress { module, mode, resource_type: resource_type.into(), name: Arc::from(name) };
    Ok(BlockTarget::Resource(resource.instance(key)))
}

/// Reads a target whose keys are all literal.
///
/// # Errors
/// One problem, with its place.
pub(crate) fn fixed_target(
    file: &Arc<File>,
    attribute: &crate::syntax::AttributeSyntax,
) -> Result<BlockTarget, Box<Diagnostic>> {
    let (_, node) = reference(file, &attribute.expression)?;
    let found =
        target(&node, |key| literal_key(key).ok_or_else(|| "A key here must be a literal number or text.".to_owned()));
    found.map_err(|detail| {
        let problem = Diagnostic::error("invalid-block", "Invalid address", detail);
        Box::new(problem.at_span(file.span(&attribute.range)))
    })
}

/// What an expression refers to: a first name that no `for` binds, and the names behind it as far as nothing else follows.
pub(crate) struct Referred<'n> {
    pub(crate) first: &'n str,
    pub(crate) names: Vec<&'n str>,
    /// Whether a key in brackets follows the names.
    pub(crate) has_key: bool,
    /// Where all of it is.
    pub(crate) range: std::ops::Range<usize>,
}

/// Collects what an expression refers to.
pub(crate) fn references<'n>(node: &'n Node, bound: &mut Vec<&'n str>, found: &mut Vec<Referred<'n>>) {
    if let Some(steps) = steps(node)
        && let Some((Step::Name(first), rest)) = steps.split_first()
    {
        let names = rest.iter().map_while(|step| match step {
            Step::Name(name) => Some(*name),
            Step::Key(_) => None,
        });
        if !bound.contains(first) {
            let names: Vec<&str> = names.collect();
            let has_key = names.len() < rest.len();
            found.push(Referred { first, names, has_key, range: node.range.clone() });
        }
        for step in rest {
            if let Step::Key(key) = step {
                references(key, bound, found);
            }
        }
        return;
    }
    match &node.kind {
        NodeKind::Literal(_) | NodeKind::SplatElement | NodeKind::Name(_) => {}
        NodeKind::Attribute { of, .. } => references(of, bound, found),
        NodeKind::Index { of, key } => {
            references(of, bound, found);
            references(key, bound, found);
        }
        NodeKind::Splat { of, each } => {
            references(of, bound, found);
            references(each, bound, found);
        }
        NodeKind::Template(parts) | NodeKind::Tuple(parts) | NodeKind::Call { arguments: parts, .. } => {
            for part in parts {
                references(part, bound, found);
            }
        }
        NodeKind::Wrapped(inner) | NodeKind::Joined(inner) | NodeKind::Parentheses(inner) => {
            references(inner, bound, found);
        }
        NodeKind::Object(items) => {
            for (key, value) in items {
                // A bare name is the key itself.
                if !matches!(key.kind, NodeKind::Name(_)) {
                    references(key, bound, found);
                }
                references(value, bound, found);
            }
        }
        NodeKind::For(it) => {
            references(&it.collection, bound, found);
            let n_before = bound.len();
            bound.extend(it.key_name.as_deref());
            bound.push(&it.value_name);
            for part in [it.key.as_ref(), Some(&it.value), it.condition.as_ref()].into_iter().flatten() {
                references(part, bound, found);
            }
            bound.truncate(n_before);
        }
        NodeKind::Conditional { condition, yes, no } => {
            for part in [condition, yes, no] {
                references(part, bound, found);
            }
        }
        NodeKind::Unary { operand, .. } => references(operand, bound, found),
        NodeKind::Binary { left, right, .. } => {
            references(left, bound, found);
            references(right, bound, found);
        }
    }
}
