//! Objects to be composed, in few words.

use std::collections::BTreeMap;

use cty::{Path, Type, Value, json};
use drift::adopt::compose::{Candidate, ComposeOptions, Composition, Layout, Referable, compose};
use drift::adopt::search::{Flaw, Lessons, SecretArgument, SecretSource, Solution};
use model::draft::DraftImportSource;
use model::schema::{Attribute, AttributeType, NestedBlock, NestedObject, NestingMode};
use model::{Block, InstanceAddress, Schema};

/// Makes an attribute; the letters of `flags` are required, optional, computed, sensitive, deprecated.
pub(crate) fn attribute(ty: AttributeType, flags: &str) -> Attribute {
    Attribute {
        required: flags.contains('r'),
        optional: flags.contains('o'),
        computed: flags.contains('c'),
        sensitive: flags.contains('s'),
        deprecated: flags.contains('d'),
        ..Attribute::optional(ty)
    }
}

/// Makes a block of plain attributes.
pub(crate) fn block(attributes: &[(&str, Type, &str)]) -> Block {
    let attributes = attributes
        .iter()
        .map(|(name, ty, flags)| ((*name).to_owned(), attribute(AttributeType::Plain(ty.clone()), flags)))
        .collect();
    Block { attributes, ..Block::default() }
}

/// Makes a nested attribute.
pub(crate) fn nested_attribute(nesting: NestingMode, block: Block) -> AttributeType {
    AttributeType::Nested(NestedObject { nesting, attributes: block.attributes })
}

/// Adds a nested block.
pub(crate) fn with_block(mut outer: Block, name: &str, nesting: NestingMode, min_items: u64, block: Block) -> Block {
    outer.blocks.insert(name.to_owned(), NestedBlock { nesting, block, min_items, max_items: 0 });
    outer
}

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) to: InstanceAddress,
    pub(crate) is_pinned: bool,
    pub(crate) provider: Option<String>,
    pub(crate) schema: Schema,
    pub(crate) observed: Value,
    pub(crate) solution: Solution,
}

/// What is composed.
#[derive(Clone, Debug)]
pub(crate) struct World {
    schemas: BTreeMap<String, Schema>,
    pub(crate) objects: Vec<Object>,
    pub(crate) recorded: Vec<(InstanceAddress, Value)>,
    pub(crate) options: ComposeOptions,
}

impl World {
    pub(crate) fn new() -> Self {
        let options =
            ComposeOptions { layout: Layout::One, has_references: true, group_from: None, taken_variables: [].into() };
        Self { schemas: BTreeMap::new(), objects: Vec::new(), recorded: Vec::new(), options }
    }

    pub(crate) fn schema(&mut self, resource_type: &str, block: Block) -> &mut Self {
        self.schemas.insert(resource_type.to_owned(), Schema { version: 0, block });
        self
    }

    /// Adds an object whose configuration is everything in it that can be configured.
    pub(crate) fn object(&mut self, to: &str, observed: &str) -> &mut Object {
        let to: InstanceAddress = to.parse().expect(to);
        let schema = self.schemas[to.resource_type().as_str()].clone();
        let observed = json::decode(observed.as_bytes(), &schema.value_type()).expect("an object of the schema");
        let config = configurable(&schema.block, &observed);
        let solution = Solution {
            config,
            flaws: Vec::new(),
            secrets: Vec::new(),
            json: Vec::new(),
            ignore_changes: Vec::new(),
            n_probes: 1,
            learned: Lessons::default(),
        };
        self.objects.push(Object { to, is_pinned: false, provider: None, schema, observed, solution });
        self.objects.last_mut().expect("just pushed")
    }

    /// Adds a recorded instance.
    pub(crate) fn record(&mut self, address: &str, value: &str) -> &mut Self {
        let value = json::decode_implied(value.as_bytes()).expect("an object");
        self.recorded.push((address.parse().expect(address), value));
        self
    }

    pub(crate) fn compose(&self) -> Composition {
        let source = DraftImportSource::Id("id".into());
        let candidate = |object| {
            let Object { to, is_pinned, provider, schema, observed, solution }: &Object = object;
            let provider = provider.as_deref();
            Candidate { to, is_pinned: *is_pinned, source: &source, provider, schema, observed, solution }
        };
        let candidates: Vec<Candidate<'_>> = self.objects.iter().map(candidate).collect();
        let referables: Vec<Referable<'_>> =
            self.recorded.iter().map(|(address, value)| Referable { address, value }).collect();
        compose(&candidates, &referables, &self.options)
    }

    pub(crate) fn printed(&self) -> String {
        let composition = self.compose();
        super::evaluate::assert_same(self, &composition);
        super::print::composition(&composition)
    }
}

impl Object {
    pub(crate) fn pinned(&mut self) -> &mut Self {
        self.is_pinned = true;
        self
    }

    pub(crate) fn json(&mut self, path: Path) -> &mut Self {
        self.solution.json.push(path);
        self
    }

    pub(crate) fn flaw(&mut self, path: Path, why: &str) -> &mut Self {
        self.solution.flaws.push(Flaw { path, why: why.to_owned(), replaces: false });
        self
    }

    /// Calls an argument a secret, and marks its value.
    pub(crate) fn secret(&mut self, path: Path, source: SecretSource, is_by_schema: bool) -> &mut Self {
        let mark = |at: &Path, value: Value| Ok(if *at == path { value.mark_sensitive() } else { value });
        self.solution.config = cty::transform(&self.solution.config, mark).expect("marks fit everywhere");
        self.solution.secrets.push(SecretArgument { path, source, is_by_schema });
        self
    }
}

/// Leaves out what only the provider sets.
fn configurable(block: &Block, value: &Value) -> Value {
    let mut attributes = BTreeMap::new();
    for (name, inner) in value.entries() {
        let kept = match (block.attributes.get(name), block.blocks.get(name)) {
            (Some(attribute), _) if !attribute.required && !attribute.optional => Value::null(inner.ty().clone()),
            _ => inner.clone(),
        };
        attributes.insert(name.to_owned(), kept);
    }
    Value::object(attributes)
}

pub(crate) fn path(names: &[&str]) -> Path {
    names.iter().fold(Path::new(), |path, name| match name.parse::<u64>() {
        Ok(number) => path.index(number),
        Err(_) => path.attr(*name),
    })
}

pub(crate) fn strings() -> Type {
    Type::list(Type::String)
}

pub(crate) fn map() -> Type {
    Type::map(Type::String)
}
