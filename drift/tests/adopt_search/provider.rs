//! A provider in a few words: attributes, what they default to, and rules between them.

use std::collections::BTreeMap;

use cty::{Path, Value};
use drift::adopt::search::{Lessons, Probe, ProbeAnswer, Profile, Search, SearchStep, SearchSubject, Solution};
use drift::exact::Plan;
use model::{
    Attribute, AttributeType, Block, Diagnostic, NestedBlock, NestedObject, NestingMode, ResourceType, Schema,
};

/// What a provider makes of an attribute that the configuration leaves out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unset {
    /// Nothing.
    Null,
    /// A value that it knows beforehand.
    Default(Value),
    /// What the cloud decides.
    Cloud,
}

/// What a provider thinks of an attribute.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) unset: Unset,
    /// Whether null and zero values are the same.
    pub(crate) is_legacy: bool,
    /// Whether texts that are the same JSON are the same.
    pub(crate) knows_json: bool,
    /// Whether a change needs a replacement.
    pub(crate) replaces: bool,
    /// Whether a blank value is refused.
    pub(crate) refuses_blank: bool,
    /// Whether it does not read back the scheme of an address.
    pub(crate) ignores_scheme: bool,
    /// Whether nulls inside its objects become zero values, and blanks are refused in them.
    pub(crate) has_zero_objects: bool,
    /// The only values that are valid, where not all are.
    pub(crate) one_of: Vec<String>,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            unset: Unset::Null,
            is_legacy: false,
            knows_json: false,
            replaces: false,
            refuses_blank: false,
            ignores_scheme: false,
            has_zero_objects: false,
            one_of: Vec::new(),
        }
    }
}

/// A rule between attributes, by name.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Conflict(String, String),
    ExactlyOneOf(Vec<String>),
    AllOf(Vec<String>),
    /// In the words of the framework.
    Excludes(String, String),
    /// Says nothing but that it is wrong.
    Mute(String, String),
}

/// The provider of one resource type.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) block: Block,
    /// By the names that lead to an attribute, without keys.
    pub(crate) manners: BTreeMap<String, Manner>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) is_legacy_type_system: bool,
    /// Whether creations are refused without a reason.
    pub(crate) refuses_creation: bool,
}

/// Makes an attribute of a type in JSON; the words say what the schema says of it: `optional computed`.
pub(crate) fn attribute(ty: &str, words: &str) -> Attribute {
    with_type(AttributeType::Plain(cty::Type::from_json(ty).expect(ty)), words)
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

pub(crate) fn block(attributes: &[(&str, Attribute)], blocks: &[(&str, NestingMode, u64, Block)]) -> Block {
    Block {
        attributes: attributes.iter().map(|(name, attribute)| ((*name).to_owned(), attribute.clone())).collect(),
        blocks: blocks
            .iter()
            .map(|(name, nesting, min_items, block)| {
                let nested =
                    NestedBlock { nesting: *nesting, block: block.clone(), min_items: *min_items, max_items: 0 };
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
        let value = given.get(name.as_str()).map_or_else(|| Value::null(ty.clone()), |value| fill_type(value, &ty));
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
fn fill_type(value: &Value, ty: &cty::Type) -> Value {
    if value.is_null() {
        return Value::null(ty.clone());
    }
    let elements = |ty: &cty::Type| value.elements().map(|element| fill_type(element, ty)).collect::<Vec<_>>();
    match ty {
        cty::Type::Object(object) => {
            let given: BTreeMap<&str, &Value> = value.entries().collect();
            let attributes = object.attributes().map(|(name, ty)| {
                let value = given.get(name).map_or_else(|| Value::null(ty.clone()), |value| fill_type(value, ty));
                (name.to_owned(), value)
            });
            Value::object(attributes.collect())
        }
        cty::Type::List(element) => Value::list(cty::Type::clone(element), elements(element)).expect("a list"),
        cty::Type::Set(element) => Value::set(cty::Type::clone(element), elements(element)).expect("a set"),
        ty => cty::convert::convert(value, ty).expect("it converts"),
    }
}

fn is_zero(value: &Value) -> bool {
    value.is_null()
        || value.as_str().is_some_and(str::is_empty)
        || value.as_bool() == Some(false)
        || value.as_number().is_some_and(cty::Number::is_zero)
        || (value.ty().is_collection() && value.is_known() && value.is_empty())
}

impl World {
    pub(crate) fn new(block: Block) -> Self {
        Self {
            block,
            manners: BTreeMap::new(),
            rules: Vec::new(),
            is_legacy_type_system: true,
            refuses_creation: false,
        }
    }

    pub(crate) fn manner(mut self, name: &str, manner: Manner) -> Self {
        self.manners.insert(name.to_owned(), manner);
        self
    }

    pub(crate) fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Searches; every probe is checked for what no provider must be given.
    pub(crate) fn search(&self, observed: &Value, profile: Profile, lessons: &Lessons) -> Solution {
        self.search_of(observed, None, profile, lessons)
    }

    pub(crate) fn search_of(
        &self,
        observed: &Value,
        generated: Option<&Value>,
        profile: Profile,
        lessons: &Lessons,
    ) -> Solution {
        let schema = Schema { version: 0, block: self.block.clone() };
        let resource_type = ResourceType::from("test_thing");
        let subject = SearchSubject { resource_type: &resource_type, schema: &schema, observed, generated, profile };
        let (mut search, mut step) = Search::begin(subject, lessons);
        let mut asked: Vec<(Value, bool)> = Vec::new();
        loop {
            match step {
                SearchStep::Done(solution) => {
                    assert_eq!(solution.n_probes as usize, asked.len());
                    return *solution;
                }
                SearchStep::Probe(probe) => {
                    assert!(asked.len() < drift::adopt::search::MAX_PROBES as usize, "{asked:?}");
                    for value in [&probe.prior, &probe.proposed, &probe.config, &probe.effective] {
                        assert_eq!(value.ty(), &self.block.value_type());
                    }
                    assert!(!probe.effective.contains_marked() && !probe.proposed.contains_marked());
                    asked.push((probe.config.unmark_deep().0, probe.prior.is_null()));
                    step = search.answer(&self.answer(&probe));
                }
            }
        }
    }

    pub(crate) fn answer(&self, probe: &Probe) -> ProbeAnswer {
        let mut problems = self.validate(&probe.config.unmark_deep().0);
        if probe.prior.is_null() && self.refuses_creation {
            problems.push(Diagnostic::error("provider", "It will not do", ""));
        }
        let plan = problems.is_empty().then(|| self.plan(&probe.prior, &probe.proposed, &probe.effective));
        ProbeAnswer { problems, plan }
    }

    pub(crate) fn validate(&self, config: &Value) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let is_set = |name: &str| config.get_attr(name).is_ok_and(|value| !value.is_null());
        let error = |name: &str, summary: &str, detail: String| {
            Diagnostic::error("provider", summary, detail).at_path(Path::new().attr(name))
        };
        for rule in &self.rules {
            match rule {
                Rule::Conflict(a, b) if is_set(a) && is_set(b) => {
                    problems.push(error(
                        a,
                        "Conflicting configuration arguments",
                        format!("\"{a}\": conflicts with {b}"),
                    ));
                    problems.push(error(
                        b,
                        "Conflicting configuration arguments",
                        format!("\"{b}\": conflicts with {a}"),
                    ));
                }
                Rule::Excludes(a, b) if is_set(a) && is_set(b) => {
                    let detail = format!("Attribute \"{b}\" cannot be specified when \"{a}\" is specified");
                    problems.push(error(b, "Invalid Attribute Combination", detail));
                }
                Rule::Mute(a, b) if is_set(a) && is_set(b) => {
                    problems.push(Diagnostic::error("provider", "This will not do", "Think again."));
                }
                Rule::ExactlyOneOf(names) => {
                    let set: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_set(name)).collect();
                    let all = names.join(",");
                    for name in names {
                        let detail = match set.len() {
                            0 => format!("\"{name}\": one of `{all}` must be specified"),
                            1 => continue,
                            _ => format!(
                                "\"{name}\": only one of `{all}` can be specified, but `{}` were specified.",
                                set.join(",")
                            ),
                        };
                        problems.push(error(name, "Invalid combination of arguments", detail));
                    }
                }
                Rule::AllOf(names) => {
                    if names.iter().any(|name| is_set(name)) && !names.iter().all(|name| is_set(name)) {
                        let all = names.join(",");
                        for name in names.iter().filter(|name| is_set(name)) {
                            let detail = format!("\"{name}\": all of `{all}` must be specified");
                            problems.push(error(name, "Missing required argument", detail));
                        }
                    }
                }
                Rule::Conflict(..) | Rule::Excludes(..) | Rule::Mute(..) => {}
            }
        }
        self.validate_block(&self.block, config, &Path::new(), "", &mut problems);
        problems
    }

    fn validate_block(
        &self,
        block: &Block,
        config: &Value,
        path: &Path,
        pattern: &str,
        problems: &mut Vec<Diagnostic>,
    ) {
        for (name, attribute) in &block.attributes {
            let value = config.get_attr(name).expect("it has the type");
            let path = path.clone().attr(name);
            if !attribute.required && !attribute.optional && !value.is_null() {
                let detail = format!("Value for unconfigurable attribute {name}");
                problems
                    .push(Diagnostic::error("provider", "Value for unconfigurable attribute", detail).at_path(path));
                continue;
            }
            if attribute.required && value.is_null() {
                let detail = format!("The argument \"{name}\" is required, but no definition was found.");
                problems.push(Diagnostic::error("provider", "Missing required argument", detail).at_path(path));
                continue;
            }
            let Some(manner) = self.manners.get(&format!("{pattern}{name}")) else { continue };
            if manner.refuses_blank && !value.is_null() && is_zero(&value) {
                let detail = format!("expected {name} to be in the range (1 - 10), got {value}");
                problems.push(Diagnostic::error("provider", "Invalid value", detail).at_path(path.clone()));
            }
            let mut parts = value.elements().flat_map(Value::entries);
            if manner.has_zero_objects && parts.any(|(_, part)| part.as_str() == Some("")) {
                let detail = "\"\" is not a valid CIDR block".to_owned();
                problems.push(Diagnostic::error("provider", "Invalid value", detail).at_path(path.clone()));
            }
            if let Some(text) = value.as_str() {
                if !manner.one_of.is_empty() && !manner.one_of.iter().any(|one| one == text) {
                    let detail = format!("expected {name} to be one of {:?}, got {text}", manner.one_of);
                    problems.push(Diagnostic::error("provider", "Invalid value", detail).at_path(path));
                }
            }
        }
        for (name, nested) in &block.blocks {
            let value = config.get_attr(name).expect("it has the type");
            let path = path.clone().attr(name);
            if value.len() < usize::try_from(nested.min_items).expect("it is small") {
                let detail = format!("Attribute {name} requires {} item minimum", nested.min_items);
                problems.push(Diagnostic::error("provider", "Not enough list items", detail).at_path(path));
                continue;
            }
            let is_set = value.ty().is_set();
            for (at, element) in value.elements().enumerate() {
                // Older SDKs cannot say in which element of a set a problem is.
                let path = if is_set { path.clone() } else { path.clone().index(at as u64) };
                self.validate_block(&nested.block, element, &path, &format!("{pattern}{name}."), problems);
            }
        }
    }

    /// Plans as SDKs do.
    pub(crate) fn plan(&self, prior: &Value, proposed: &Value, config: &Value) -> Plan {
        let mut requires_replace = Vec::new();
        let planned = self.plan_block(&self.block, prior, proposed, config, "");
        for (name, manner) in &self.manners {
            if manner.replaces && !prior.is_null() && !name.contains('.') {
                requires_replace.push(Path::new().attr(name));
            }
        }
        Plan { planned, requires_replace, is_legacy_type_system: self.is_legacy_type_system }
    }

    fn plan_block(&self, block: &Block, prior: &Value, proposed: &Value, config: &Value, pattern: &str) -> Value {
        let default_manner = Manner::default();
        let mut planned = BTreeMap::new();
        for (name, attribute) in &block.attributes {
            let ty = attribute.value_type();
            let config = config.get_attr(name).unwrap_or_else(|_| Value::null(ty.clone()));
            let prior_value = prior.get_attr(name).unwrap_or_else(|_| Value::null(ty.clone()));
            let is_creation = prior.is_null();
            let manner = self.manners.get(&format!("{pattern}{name}")).unwrap_or(&default_manner);
            let value = if attribute.write_only {
                Value::null(ty)
            } else if !config.is_null() {
                let is_same_json = manner.knows_json && json(&config).is_some() && json(&config) == json(&prior_value);
                let is_same_zero = manner.is_legacy && !is_creation && is_zero(&config) && is_zero(&prior_value);
                let without_scheme = config.as_str().and_then(|text| text.strip_prefix("https://"));
                let is_same_host = manner.ignores_scheme && without_scheme == prior_value.as_str();
                if manner.has_zero_objects {
                    zero_nulls(&config)
                } else if is_same_json || is_same_zero || is_same_host {
                    prior_value
                } else {
                    config
                }
            } else {
                match &manner.unset {
                    Unset::Default(default) => default.clone(),
                    Unset::Cloud if is_creation => Value::unknown(ty),
                    Unset::Cloud => prior_value,
                    Unset::Null if attribute.computed && is_creation => Value::unknown(ty),
                    Unset::Null if attribute.computed => prior_value,
                    Unset::Null if manner.is_legacy && is_zero(&prior_value) => prior_value,
                    Unset::Null => Value::null(ty),
                }
            };
            planned.insert(name.clone(), value);
        }
        for (name, nested) in &block.blocks {
            let proposed = proposed.get_attr(name).expect("it has the type");
            let prior = prior.get_attr(name).unwrap_or_else(|_| Value::null(nested.value_type()));
            let pattern = format!("{pattern}{name}.");
            let ty = nested.block.value_type();
            let elements = proposed.elements().enumerate().map(|(at, element)| {
                let prior = if proposed.ty().is_set() {
                    let can_be = |prior: &&Value| {
                        element.entries().all(|(name, value)| {
                            value.is_null() || prior.get_attr(name).is_ok_and(|prior| prior == *value)
                        })
                    };
                    prior.elements().find(can_be).cloned()
                } else {
                    prior.elements().nth(at).cloned()
                };
                self.plan_block(&nested.block, &prior.unwrap_or(Value::null(ty.clone())), element, element, &pattern)
            });
            let elements: Vec<Value> = elements.collect();
            let value = if proposed.ty().is_set() { Value::set(ty, elements) } else { Value::list(ty, elements) };
            planned.insert(name.clone(), value.expect("it has the type"));
        }
        Value::object(planned)
    }
}

/// Puts what older SDKs read for nothing where nothing is.
fn zero_nulls(value: &Value) -> Value {
    let zero = |_: &Path, value: Value| {
        Ok(match value.ty() {
            cty::Type::String if value.is_null() => Value::string(""),
            cty::Type::Number if value.is_null() => Value::from(0_i64),
            _ => value,
        })
    };
    cty::transform(value, zero).expect("types stay the same")
}

fn json(value: &Value) -> Option<Value> {
    let text = value.as_str().filter(|text| text.starts_with(['{', '[']))?;
    cty::json::decode_implied(text.as_bytes()).ok()
}

/// Writes a configuration without what is null or empty.
pub(crate) fn show(value: &Value) -> String {
    let mut parts = Vec::new();
    for (name, value) in value.entries().filter(|(_, value)| !value.is_null()) {
        if value.ty().as_object().is_some() {
            parts.push(format!("{name} {}", show(value)));
        } else if value.elements().any(|element| element.ty().as_object().is_some()) {
            parts.extend(value.elements().map(|element| format!("{name} {}", show(element))));
        } else if !value.ty().is_collection() || !value.is_empty() {
            parts.push(format!("{name} = {value}"));
        }
    }
    format!("{{{}}}", parts.join(", "))
}
