//! A small provider: schemas and objects in a few words, and plans as an SDK makes them.

use std::collections::BTreeMap;

use cty::{Path, Type, Value};
use drift::exact::{Examination, Facets, Next, Plan, PlanBase, PlanQuestion};
use drift::{Declaration, DeclaredArguments, DeclaredBlock};
use model::{
    Attribute, AttributeDifference, AttributeType, Block, InstanceAddress, NestedBlock, NestedObject, NestingMode,
    Position, ResourceAddress, Schema, Span,
};

/// Makes an attribute of a type in JSON; the words say what the schema says of it: `optional computed`.
pub(crate) fn attribute(ty: &str, words: &str) -> Attribute {
    with_type(AttributeType::Plain(Type::from_json(ty).expect(ty)), words)
}

pub(crate) fn nested(nesting: NestingMode, words: &str, attributes: &[(&str, Attribute)]) -> Attribute {
    let attributes = attributes.iter().map(|(name, attribute)| ((*name).to_owned(), attribute.clone())).collect();
    with_type(AttributeType::Nested(NestedObject { nesting, attributes }), words)
}

fn with_type(ty: AttributeType, words: &str) -> Attribute {
    let has = |word: &str| words.split(' ').any(|own| own == word);
    Attribute {
        required: has("required"),
        optional: has("optional"),
        computed: has("computed"),
        sensitive: has("sensitive"),
        write_only: has("write_only"),
        deprecated: has("deprecated"),
        ..Attribute::optional(ty)
    }
}

pub(crate) fn block(attributes: &[(&str, Attribute)], blocks: &[(&str, NestingMode, Block)]) -> Block {
    Block {
        attributes: attributes.iter().map(|(name, attribute)| ((*name).to_owned(), attribute.clone())).collect(),
        blocks: blocks
            .iter()
            .map(|(name, nesting, block)| {
                let nested = NestedBlock { nesting: *nesting, block: block.clone(), min_items: 0, max_items: 0 };
                ((*name).to_owned(), nested)
            })
            .collect(),
        ..Block::default()
    }
}

/// Reads an object in the shape of a block; what the text leaves out is null, or no block.
pub(crate) fn object(block: &Block, text: &str) -> Value {
    fill(block, &cty::json::decode_implied(text.as_bytes()).expect(text))
}

fn fill(block: &Block, value: &Value) -> Value {
    let given: BTreeMap<&str, &Value> = value.entries().collect();
    let mut filled = BTreeMap::new();
    for (name, attribute) in &block.attributes {
        let ty = attribute.value_type();
        let value = match given.get(name.as_str()) {
            Some(value) => fill_type(value, &ty),
            None => Value::null(ty),
        };
        filled.insert(name.clone(), value);
    }
    for (name, nested) in &block.blocks {
        let elements = || given.get(name.as_str()).into_iter().flat_map(|value| value.elements());
        let made = elements().map(|element| fill(&nested.block, element)).collect();
        let ty = nested.block.value_type();
        let value = match nested.nesting {
            NestingMode::List => Value::list(ty, made),
            NestingMode::Set => Value::set(ty, made),
            _ => Ok(given.get(name.as_str()).map_or(Value::null(ty), |value| fill(&nested.block, value))),
        };
        filled.insert(name.clone(), value.expect(name));
    }
    Value::object(filled)
}

/// Converts to a type, attributes that are left out being null.
fn fill_type(value: &Value, ty: &Type) -> Value {
    if value.is_null() {
        return Value::null(ty.clone());
    }
    let elements = |ty: &Type| value.elements().map(|element| fill_type(element, ty)).collect::<Vec<_>>();
    match ty {
        Type::Object(object) => {
            let given: BTreeMap<&str, &Value> = value.entries().collect();
            let attributes = object.attributes().map(|(name, ty)| {
                let value = given.get(name).map_or_else(|| Value::null(ty.clone()), |value| fill_type(value, ty));
                (name.to_owned(), value)
            });
            Value::object(attributes.collect())
        }
        Type::List(element) => Value::list(Type::clone(element), elements(element)).expect("a list"),
        Type::Set(element) => Value::set(Type::clone(element), elements(element)).expect("a set"),
        ty => cty::convert::convert(value, ty).expect("it converts"),
    }
}

/// What the block writes, and what `ignore_changes` names: `a, b, !c`.
pub(crate) struct Code(pub(crate) &'static str);

impl DeclaredArguments for Code {
    fn block(&self, _: &ResourceAddress) -> DeclaredBlock {
        DeclaredBlock::Unknown
    }

    fn argument(&self, _: &ResourceAddress, path: &Path) -> Declaration {
        let full = path.to_string();
        let starts = |path: &str, word: &str| {
            path.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
        };
        let words = || self.0.split(", ");
        let mut ignored = words().filter_map(|word| word.strip_prefix('!'));
        if ignored.any(|word| word == "all" || starts(&full, word)) {
            return Declaration::IgnoredChanges;
        }
        let names: Vec<&str> = path
            .steps()
            .iter()
            .filter_map(|step| if let cty::PathStep::GetAttr(name) = step { Some(name.as_str()) } else { None })
            .collect();
        let names = names.join(".");
        let position = Position { line: 1, column: 1, byte: 0 };
        let span = Span { file: "main.tf".into(), start: position, end: position };
        let is_written = |word: &str| starts(&names, word) || starts(word, &names);
        if words().any(is_written) { Declaration::Written(span) } else { Declaration::Silent }
    }
}

/// Plans as a provider does that finds nothing to correct: the proposed object.
pub(crate) fn plain(question: &PlanQuestion) -> Value {
    question.proposed.clone()
}

/// Leaves everything alone.
pub(crate) fn nothing(question: &PlanQuestion) -> Value {
    question.prior.clone()
}

pub(crate) struct Case<'a> {
    pub(crate) address: &'a str,
    pub(crate) block: Block,
    pub(crate) recorded: &'a str,
    /// The attributes as an older version of the provider wrote them.
    pub(crate) raw: Option<&'a str>,
    pub(crate) observed: &'a str,
    pub(crate) code: Option<&'static str>,
    /// What the code evaluates to, where it was evaluated.
    pub(crate) config: Option<&'a str>,
    /// The arguments of it that evaluation does not know.
    pub(crate) unknown: &'a [&'a str],
    pub(crate) plan: fn(&PlanQuestion) -> Value,
    /// What the provider says instead of a plan.
    pub(crate) refusal: Option<&'a str>,
    pub(crate) sensitive: Vec<Path>,
    /// What cannot change in place.
    pub(crate) requires_replace: Vec<Path>,
}

impl Case<'_> {
    pub(crate) fn new(block: Block) -> Self {
        Self {
            address: "test_thing.x",
            block,
            recorded: "{}",
            raw: None,
            observed: "{}",
            code: None,
            config: None,
            unknown: &[],
            plan: plain,
            refusal: None,
            sensitive: Vec::new(),
            requires_replace: Vec::new(),
        }
    }

    /// Examines, and gives the differences and how many plans were asked over which object.
    pub(crate) fn examine(&self) -> (Vec<AttributeDifference>, Vec<PlanBase>) {
        let recorded = object(&self.block, self.recorded);
        let marks: Vec<_> = self.sensitive.iter().map(|path| (path.clone(), [cty::Mark::Sensitive].into())).collect();
        let recorded = recorded.mark_with_paths(&marks);
        let observed = object(&self.block, self.observed);
        let address: InstanceAddress = self.address.parse().expect(self.address);
        let schema = Schema { version: 0, block: self.block.clone() };
        let code = self.code.map(Code);
        let bare = recorded.unmark_deep().0;
        let recorded_json = match self.raw {
            Some(raw) => raw.as_bytes().to_vec(),
            None => cty::json::encode(&bare, bare.ty()).expect("it is known"),
        };
        let config = self.config.map(|text| {
            let known = object(&self.block, text);
            let entries = known.entries().map(|(name, value)| {
                let is_unknown = self.unknown.contains(&name);
                (name.to_owned(), if is_unknown { Value::unknown(value.ty().clone()) } else { value.clone() })
            });
            Value::object(entries.collect())
        });
        let facets = Facets {
            address: &address,
            schema: &schema,
            recorded_json: &recorded_json,
            recorded: &recorded,
            observed: &observed,
            declared: code.as_ref().map(|code| code as &dyn DeclaredArguments),
            config: config.as_ref(),
        };
        let (mut examination, mut next) = Examination::begin(facets);
        let mut asked = Vec::new();
        loop {
            match next {
                Next::Done(found) => return (found, asked),
                Next::Plan(question) => {
                    assert!(asked.len() < 4, "{asked:?}");
                    for value in [&question.prior, &question.proposed, &question.config] {
                        assert!(!value.contains_marked(), "providers know no marks");
                        assert_eq!(value.ty(), &self.block.value_type());
                    }
                    asked.push(question.over);
                    next = examination.answer(match self.refusal {
                        Some(refusal) => Err(refusal.to_owned()),
                        None => Ok(Plan {
                            planned: (self.plan)(&question),
                            requires_replace: self.requires_replace.clone(),
                            is_legacy_type_system: true,
                        }),
                    });
                }
            }
        }
    }

    /// Examines, and writes one line per difference.
    pub(crate) fn found(&self) -> Vec<String> {
        let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        let line = |difference: &AttributeDifference| {
            let cause = difference.cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
            let AttributeDifference { tier, path, state, cloud, .. } = difference;
            format!("{tier} {path}: {} -> {}{cause}", show(state), show(cloud))
        };
        self.examine().0.iter().map(line).collect()
    }

    /// Examines, and writes kind and tier of each difference, and what code, state and cloud have.
    pub(crate) fn rows(&self) -> Vec<String> {
        let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        let line = |difference: &AttributeDifference| {
            let cause = difference.cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
            let AttributeDifference { kind, tier, path, code, state, cloud, .. } = difference;
            format!("{kind} {tier} {path}: code {}, state {}, cloud {}{cause}", show(code), show(state), show(cloud))
        };
        self.examine().0.iter().map(line).collect()
    }
}
