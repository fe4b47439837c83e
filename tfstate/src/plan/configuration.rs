//! What a plan tells of the configuration: which arguments a block writes, and the constants among them.
//!
//! `dynamic` blocks are left out by terraform, and so are attributes that are written as blocks: what is not here may be
//! written all the same where the schema admits blocks.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use cty::Value;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::format::members::{Flaw, syntax};

/// The deepest nesting of blocks that is read.
const MAX_DEPTH: usize = 32;

/// What a block writes, by the names of arguments and nested blocks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfiguredBody {
    /// The arguments and nested blocks.
    pub arguments: BTreeMap<String, ConfiguredArgument>,
}

/// One argument, or the nested blocks of one type.
///
/// `Debug` shows no constant: it may be secret, and nothing in the configuration says so.
#[derive(Clone, PartialEq)]
pub enum ConfiguredArgument {
    /// A constant, without a type.
    Constant(Value),
    /// An expression, by what it refers to: `var.name`, `aws_vpc.main.id`. Empty where it only calls functions.
    References(Vec<String>),
    /// One nested block that is no list: in such a schema there is one at most.
    Block(ConfiguredBody),
    /// Nested blocks in their order, those of `dynamic` left out.
    Blocks(Vec<ConfiguredBody>),
}

impl fmt::Debug for ConfiguredArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(_) => f.write_str("Constant(…)"),
            Self::References(references) => f.debug_tuple("References").field(references).finish(),
            Self::Block(body) => f.debug_tuple("Block").field(body).finish(),
            Self::Blocks(bodies) => f.debug_tuple("Blocks").field(bodies).finish(),
        }
    }
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

type Members<'a> = BTreeMap<Name<'a>, &'a RawValue>;

impl ConfiguredBody {
    pub(super) fn parse(json: &[u8]) -> Result<Self, Flaw> {
        let members: Members<'_> = serde_json::from_slice(json).map_err(|error| syntax(&error))?;
        body(&members, 0)
    }
}

fn body(members: &Members<'_>, depth: usize) -> Result<ConfiguredBody, Flaw> {
    if depth > MAX_DEPTH {
        return Err(Flaw(format!("blocks are nested more than {MAX_DEPTH} deep")));
    }
    let mut arguments = BTreeMap::new();
    for (name, value) in members {
        if let Some(argument) = argument(value.get(), depth)? {
            arguments.insert(name.0.clone().into_owned(), argument);
        }
    }
    Ok(ConfiguredBody { arguments })
}

/// Reads what stands for an argument or for blocks; `None` for what is neither.
fn argument(json: &str, depth: usize) -> Result<Option<ConfiguredArgument>, Flaw> {
    if json.starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(json).map_err(|error| syntax(&error))?;
        let mut bodies = Vec::new();
        for element in elements.iter().filter(|element| element.get().starts_with('{')) {
            let members = serde_json::from_str(element.get()).map_err(|error| syntax(&error))?;
            bodies.push(body(&members, depth + 1)?);
        }
        return Ok(Some(ConfiguredArgument::Blocks(bodies)));
    }
    if !json.starts_with('{') {
        return Ok(None);
    }
    let members: Members<'_> = serde_json::from_str(json).map_err(|error| syntax(&error))?;
    let get = |name: &'static str| members.get(&Name(Cow::Borrowed(name))).map(|value| value.get());
    let references = || match get("references") {
        Some(text) => serde_json::from_str::<Vec<String>>(text).ok(),
        None => Some(Vec::new()),
    };
    let is_expression = members.keys().all(|name| matches!(&*name.0, "constant_value" | "references"));
    if is_expression {
        if let Some(text) = get("constant_value") {
            let value = cty::json::decode_implied(text.as_bytes());
            let value = value.map_err(|_| Flaw("a constant is not well-formed".to_owned()))?;
            return Ok(Some(ConfiguredArgument::Constant(value)));
        }
        if let Some(references) = references() {
            return Ok(Some(ConfiguredArgument::References(references)));
        }
    }
    body(&members, depth + 1).map(|body| Some(ConfiguredArgument::Block(body)))
}
