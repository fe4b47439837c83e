//! Addresses of modules, resources and resource instances, in Terraform's text form.
//!
//! Source: the "Resource Addressing" page of the Terraform language documentation; the string keys are written as
//! `terraform state list` writes them, with `${` and `%{` doubled.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::text::{is_identifier, read_identifier, read_quoted, write_quoted};
use crate::{DeposedKey, ResourceType};

/// Tells apart the instances of one resource or module: its `count` index or its `for_each` key.
///
/// Integers order numerically and before strings, as in a state snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceKey {
    /// The index that `count` gave.
    Int(u64),
    /// The key that `for_each` gave.
    String(Arc<str>),
}

impl fmt::Display for InstanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(index) => write!(f, "[{index}]"),
            Self::String(key) => {
                f.write_str("[")?;
                write_quoted(f, key)?;
                f.write_str("]")
            }
        }
    }
}

/// Says whether a resource is managed (`resource`) or read (`data`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceMode {
    /// A `data` block.
    Data,
    /// A `resource` block.
    Managed,
}

/// One call on the way from the root module to a module instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleStep {
    /// The label of the `module` block.
    pub name: Arc<str>,
    /// The instance key, where the block has `count` or `for_each`.
    pub key: Option<InstanceKey>,
}

/// Addresses one module instance; empty is the root module.
///
/// ```
/// use model::ModuleAddress;
/// let module: ModuleAddress = r#"module.network["eu"].module.subnet[0]"#.parse()?;
/// assert_eq!(module.steps().len(), 2);
/// assert_eq!(module.to_string(), r#"module.network["eu"].module.subnet[0]"#);
/// # Ok::<(), model::ParseAddressError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleAddress(Option<Arc<[ModuleStep]>>);

impl ModuleAddress {
    /// Gives the root module.
    pub fn root() -> Self {
        Self(None)
    }

    /// Builds the address from its steps, outermost first.
    pub fn from_steps(steps: Vec<ModuleStep>) -> Self {
        Self((!steps.is_empty()).then(|| steps.into()))
    }

    /// Gives the steps, outermost first.
    pub fn steps(&self) -> &[ModuleStep] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Gives the names of the calls that lead to it, outermost first, without keys: what all instances of a module share.
    pub fn call_names(&self) -> Vec<String> {
        self.steps().iter().map(|step| step.name.to_string()).collect()
    }

    /// Tells whether this is the root module.
    pub fn is_root(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Display for ModuleAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.steps().iter().enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            write!(f, "module.{}", step.name)?;
            if let Some(key) = &step.key {
                key.fmt(f)?;
            }
        }
        Ok(())
    }
}

/// Addresses one resource: a block in a module instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResourceAddress {
    /// The module instance that holds the block.
    pub module: ModuleAddress,
    /// Managed or data.
    pub mode: ResourceMode,
    /// The first label of the block.
    pub resource_type: ResourceType,
    /// The second label of the block.
    pub name: Arc<str>,
}

impl ResourceAddress {
    /// Addresses a managed resource of the root module.
    pub fn managed(resource_type: impl Into<ResourceType>, name: impl Into<Arc<str>>) -> Self {
        Self {
            module: ModuleAddress::root(),
            mode: ResourceMode::Managed,
            resource_type: resource_type.into(),
            name: name.into(),
        }
    }

    /// Addresses one instance of this resource.
    pub fn instance(self, key: Option<InstanceKey>) -> InstanceAddress {
        InstanceAddress { resource: self, key }
    }
}

impl PartialOrd for ResourceAddress {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceAddress {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.module
            .cmp(&other.module)
            .then_with(|| self.mode.cmp(&other.mode))
            .then_with(|| self.resource_type.cmp(&other.resource_type))
            .then_with(|| self.name.cmp(&other.name))
    }
}

impl fmt::Display for ResourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_root() {
            write!(f, "{}.", self.module)?;
        }
        if self.mode == ResourceMode::Data {
            f.write_str("data.")?;
        }
        write!(f, "{}.{}", self.resource_type, self.name)
    }
}

/// Addresses one resource instance: what one line of `terraform state list` names.
///
/// ```
/// use model::InstanceAddress;
/// let address: InstanceAddress = r#"module.a.aws_sqs_queue.jobs["high \"prio\" $${x}"]"#.parse()?;
/// assert_eq!(address.to_string().parse::<InstanceAddress>()?, address);
/// # Ok::<(), model::ParseAddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceAddress {
    /// The resource.
    pub resource: ResourceAddress,
    /// The key within the resource, where it has `count` or `for_each`.
    pub key: Option<InstanceKey>,
}

impl InstanceAddress {
    /// Gives the Terraform resource type.
    pub fn resource_type(&self) -> &ResourceType {
        &self.resource.resource_type
    }

    /// Writes the address with the deposed key behind it, as terraform does for deposed objects.
    pub fn with_deposed(&self, deposed: Option<&DeposedKey>) -> String {
        match deposed {
            Some(key) => format!("{self} (deposed {key})"),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for InstanceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.resource.fmt(f)?;
        match &self.key {
            Some(key) => key.fmt(f),
            None => Ok(()),
        }
    }
}

/// Tells why a text is not an address, and at which byte that shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid address {input:?}: {reason} (at byte {offset})")]
pub struct ParseAddressError {
    /// The whole text.
    pub input: String,
    /// What is wrong, as a clause.
    pub reason: &'static str,
    /// Where it shows, in bytes from the start.
    pub offset: usize,
}

struct Parser<'a> {
    input: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn new(input: &'a str) -> Self {
        Self { input, rest: input }
    }

    fn fail<T>(&self, reason: &'static str) -> Result<T, ParseAddressError> {
        Err(ParseAddressError { input: self.input.to_owned(), reason, offset: self.input.len() - self.rest.len() })
    }

    fn identifier(&mut self, reason: &'static str) -> Result<&'a str, ParseAddressError> {
        match read_identifier(self.rest) {
            Some((identifier, rest)) => {
                self.rest = rest;
                Ok(identifier)
            }
            None => self.fail(reason),
        }
    }

    fn dot(&mut self) -> bool {
        match self.rest.strip_prefix('.') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn key(&mut self) -> Result<Option<InstanceKey>, ParseAddressError> {
        let Some(inner) = self.rest.strip_prefix('[') else { return Ok(None) };
        let (key, after) = if inner.starts_with('"') {
            match read_quoted(inner) {
                Some((text, after)) => (InstanceKey::String(text.into()), after),
                None => return self.fail("the string key does not close or holds an unknown escape"),
            }
        } else {
            let end = inner.find(']').unwrap_or(inner.len());
            match inner[..end].parse() {
                Ok(index) => (InstanceKey::Int(index), &inner[end..]),
                Err(_) => return self.fail("an instance key is a whole number or a quoted string"),
            }
        };
        match after.strip_prefix(']') {
            Some(rest) => {
                self.rest = rest;
                Ok(Some(key))
            }
            None => self.fail("the instance key lacks its closing bracket"),
        }
    }

    fn modules(&mut self) -> Result<Vec<ModuleStep>, ParseAddressError> {
        let mut steps = Vec::new();
        while let Some(rest) = self.rest.strip_prefix("module.") {
            self.rest = rest;
            let name = self.identifier("a module name must follow `module.`")?.into();
            let key = self.key()?;
            steps.push(ModuleStep { name, key });
            if !self.dot() {
                break;
            }
        }
        Ok(steps)
    }

    fn end<T>(&self, value: T) -> Result<T, ParseAddressError> {
        if self.rest.is_empty() { Ok(value) } else { self.fail("nothing may follow here") }
    }
}

impl FromStr for ModuleAddress {
    type Err = ParseAddressError;

    fn from_str(input: &str) -> Result<Self, Self::Err> {
        let mut parser = Parser::new(input);
        let steps = parser.modules()?;
        if input.ends_with('.') {
            return parser.fail("a module name must follow the dot");
        }
        parser.end(Self::from_steps(steps))
    }
}

impl FromStr for ResourceAddress {
    type Err = ParseAddressError;

    fn from_str(input: &str) -> Result<Self, Self::Err> {
        let address: InstanceAddress = input.parse()?;
        match address.key {
            None => Ok(address.resource),
            Some(_) => Parser::new(input).fail("a resource address has no instance key"),
        }
    }
}

impl FromStr for InstanceAddress {
    type Err = ParseAddressError;

    fn from_str(input: &str) -> Result<Self, Self::Err> {
        let mut parser = Parser::new(input);
        let module = ModuleAddress::from_steps(parser.modules()?);
        let mode = match parser.rest.strip_prefix("data.") {
            Some(rest) => {
                parser.rest = rest;
                ResourceMode::Data
            }
            None => ResourceMode::Managed,
        };
        let resource_type = parser.identifier("a resource type must stand here")?;
        if !parser.dot() {
            return parser.fail("a dot and the resource's name must follow its type");
        }
        let name = parser.identifier("a resource name must stand here")?.into();
        let key = parser.key()?;
        let resource = ResourceAddress { module, mode, resource_type: resource_type.into(), name };
        parser.end(Self { resource, key })
    }
}

/// Tells whether the text can be the label of a `resource` or `module` block.
pub fn is_valid_name(text: &str) -> bool {
    is_identifier(text)
}
