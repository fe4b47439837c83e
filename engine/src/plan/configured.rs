//! What the configuration in a plan says of arguments: which of them are written.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use cty::{Path, PathStep, Type, Value};
use drift::{Declaration, DeclaredArguments, DeclaredBlock};
use model::{
    Attribute, AttributeType, Block, NestedObject, NestingMode, Position, ProviderConfigAddress, RecordedInstance,
    ResourceAddress, Span,
};
use tfstate::PlanDocument;
use tfstate::plan::{ConfiguredArgument, ConfiguredBody, PlanAction};

use super::schemas::Schemas;
use crate::code::Declared;

/// The configuration that a plan was made of, as far as the plan holds it.
///
/// It leaves out `lifecycle`, `dynamic` blocks, and attributes that are written as blocks: what may be one of these is
/// unknown where it is absent.
pub(super) struct Configured {
    document: Arc<PlanDocument>,
    schemas: Schemas,
    /// The code beside the plan, for the places of blocks alone: it may have changed since.
    written: Option<Declared>,
    /// The resources that the next apply destroys because the configuration has them no more.
    absent: BTreeSet<ResourceAddress>,
    providers: std::collections::BTreeMap<ResourceAddress, ProviderConfigAddress>,
    /// The resource asked about last: questions about one come in a row.
    last: Mutex<Option<(ResourceAddress, Option<Arc<ConfiguredBody>>)>>,
}

impl Configured {
    pub(super) fn new(
        document: Arc<PlanDocument>,
        schemas: Schemas,
        written: Option<Declared>,
        recorded: &[RecordedInstance],
    ) -> Self {
        let is_dropped = |known: &&RecordedInstance| {
            let instance = document.instance(known.position);
            instance.is_some_and(|instance| {
                instance.action() == Some(&PlanAction::Delete)
                    && matches!(
                        instance.action_reason(),
                        Some("delete_because_no_resource_config" | "delete_because_no_module")
                    )
            }) && document.has_configuration()
                && !document.is_configured(&known.address.resource)
        };
        let absent = recorded.iter().filter(is_dropped).map(|known| known.address.resource.clone()).collect();
        let providers = recorded.iter().map(|known| (known.address.resource.clone(), known.provider.clone())).collect();
        Self { document, schemas, written, absent, providers, last: Mutex::new(None) }
    }

    pub(super) fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    fn body(&self, address: &ResourceAddress) -> Option<Arc<ConfiguredBody>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, body)) = last.as_ref().filter(|(known, _)| known == address) {
            return body.clone();
        }
        let body = self.document.configured(address).ok().flatten().map(Arc::new);
        *last = Some((address.clone(), body.clone()));
        body
    }

    /// Tells whether the code already says what the cloud holds at a path, as far as constants tell.
    pub(super) fn says(&self, address: &ResourceAddress, path: &Path, cloud: Option<&Value>) -> bool {
        let Some((PathStep::GetAttr(name), rest)) = path.steps().split_first() else { return false };
        let body = self.body(address);
        let Some(ConfiguredArgument::Constant(constant)) = body.as_ref().and_then(|body| body.arguments.get(name))
        else {
            return false;
        };
        let mut constant = constant.clone();
        for step in rest {
            let name = match step {
                PathStep::GetAttr(name) => Some(name.as_str()),
                PathStep::Index(key) => key.as_str(),
            };
            let Some((_, member)) = constant.entries().find(|(own, _)| name == Some(own)) else {
                return cloud.is_none();
            };
            constant = member.clone();
        }
        let cloud = cloud.map(|cloud| cloud.unmark_deep().0);
        cloud.is_some_and(|cloud| cty::convert::convert(&constant, cloud.ty()).is_ok_and(|constant| constant == cloud))
    }

    /// Gives a place in the plan: the configuration has none in the code.
    fn span(&self) -> Span {
        let start = Position { line: 1, column: 1, byte: 0 };
        Span { file: Arc::clone(self.document.name()), start, end: start }
    }
}

impl DeclaredArguments for Configured {
    fn block(&self, address: &ResourceAddress) -> DeclaredBlock {
        if self.absent.contains(address) {
            return DeclaredBlock::Absent;
        }
        match self.written.as_ref().map(|written| written.block(address)) {
            Some(DeclaredBlock::Present(span)) if self.document.is_configured(address) => DeclaredBlock::Present(span),
            _ => DeclaredBlock::Unknown,
        }
    }

    fn argument(&self, address: &ResourceAddress, path: &Path) -> Declaration {
        let Some(body) = self.body(address) else { return Declaration::Unknown };
        if !self.document.has_resource_changes() {
            // Nothing was planned that would show what the lifecycle ignores, and the plan does not hold it.
            let written = self.written.as_ref().map(|written| written.argument(address, path));
            if written == Some(Declaration::IgnoredChanges) {
                return Declaration::IgnoredChanges;
            }
        }
        let schema =
            self.providers.get(address).map(|provider| self.schemas.get(provider, address.resource_type.as_str()));
        let block = schema.and_then(Result::ok).map(|schema| &schema.block);
        match in_body(&body, block, path.steps()) {
            Writing::Written => Declaration::Written(self.span()),
            Writing::Silent => Declaration::Silent,
            Writing::Unknown => Declaration::Unknown,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Writing {
    Silent,
    Unknown,
    Written,
}

fn in_body(body: &ConfiguredBody, block: Option<&Block>, steps: &[PathStep]) -> Writing {
    let Some((PathStep::GetAttr(name), rest)) = steps.split_first() else { return Writing::Unknown };
    let nested = block.and_then(|block| block.blocks.get(name));
    match body.arguments.get(name) {
        None if is_plain_attribute(block, name) => Writing::Silent,
        None => Writing::Unknown,
        Some(ConfiguredArgument::Constant(value)) => {
            let nested = block.and_then(|block| block.attributes.get(name)).and_then(nested_object);
            in_constant(value, nested, rest)
        }
        Some(ConfiguredArgument::References(_)) => Writing::Written,
        Some(ConfiguredArgument::Block(body)) => {
            // A map of blocks has its keys where a single block has its arguments.
            let is_map = nested.is_some_and(|nested| nested.nesting == NestingMode::Map);
            let inner = nested.map(|nested| &nested.block);
            match rest {
                [] => Writing::Written,
                [PathStep::Index(key), rest @ ..] if is_map => match key.as_str().map(|key| body.arguments.get(key)) {
                    Some(Some(ConfiguredArgument::Block(body))) => in_blocks(&[body], inner, rest),
                    _ => Writing::Unknown,
                },
                rest => in_body(body, inner, rest),
            }
        }
        Some(ConfiguredArgument::Blocks(bodies)) => {
            let bodies: Vec<&ConfiguredBody> = bodies.iter().collect();
            let rest = match rest {
                [PathStep::Index(_), rest @ ..] => rest,
                rest => rest,
            };
            in_blocks(&bodies, nested.map(|nested| &nested.block), rest)
        }
    }
}

/// Looks into blocks of one type, of which any may be meant: there may be more, which a `dynamic` block writes.
fn in_blocks(bodies: &[&ConfiguredBody], block: Option<&Block>, rest: &[PathStep]) -> Writing {
    if rest.is_empty() {
        return if bodies.is_empty() { Writing::Unknown } else { Writing::Written };
    }
    bodies
        .iter()
        .map(|body| in_body(body, block, rest))
        .max()
        .map_or(Writing::Unknown, |writing| writing.max(Writing::Unknown))
}

/// Looks into a constant: of a nested attribute, what it leaves out is not written; anything else it writes as a whole.
fn in_constant(value: &Value, nested: Option<&NestedObject>, steps: &[PathStep]) -> Writing {
    if value.is_null() {
        return Writing::Silent;
    }
    let (Some(nested), Some((step, rest))) = (nested, steps.split_first()) else { return Writing::Written };
    let attribute = |value: &Value, steps: &[PathStep]| {
        let Some((PathStep::GetAttr(name), rest)) = steps.split_first() else { return Writing::Written };
        let inner = nested.attributes.get(name).and_then(nested_object);
        let member = value.entries().find(|(own, _)| *own == name);
        member.map_or(Writing::Silent, |(_, member)| in_constant(member, inner, rest))
    };
    match nested.nesting {
        NestingMode::Single | NestingMode::Group => attribute(value, steps),
        NestingMode::Map => match step {
            PathStep::Index(key) => {
                let member = value.entries().find(|(own, _)| key.as_str() == Some(own));
                member.map_or(Writing::Written, |(_, member)| attribute(member, rest))
            }
            PathStep::GetAttr(_) => Writing::Written,
        },
        // Which element is meant does not show: any of them may write it.
        NestingMode::List | NestingMode::Set => {
            value.elements().map(|element| attribute(element, rest)).max().unwrap_or(Writing::Written)
        }
    }
}

fn nested_object(attribute: &Attribute) -> Option<&NestedObject> {
    match &attribute.ty {
        AttributeType::Nested(nested) => Some(nested),
        AttributeType::Plain(_) => None,
    }
}

/// Tells whether the schema has an attribute that cannot be written as blocks.
fn is_plain_attribute(block: Option<&Block>, name: &str) -> bool {
    let Some(attribute) = block.and_then(|block| block.attributes.get(name)) else { return false };
    match &attribute.ty {
        AttributeType::Nested(_) => true,
        AttributeType::Plain(Type::List(element) | Type::Set(element)) => element.as_object().is_none(),
        AttributeType::Plain(_) => true,
    }
}
