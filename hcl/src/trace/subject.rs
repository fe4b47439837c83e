//! What an address that a person writes means.

use std::fmt;

use cty::{Path, PathStep, Value};
use model::{Diagnostic, InstanceAddress, InstanceKey, ModuleAddress, ResourceAddress, ResourceMode};

use super::TraceSubject;
use crate::evaluate::{Evaluation, NoScope, evaluate};
use crate::expression::{self, Node, NodeKind};
use crate::root::{Root, called, instance_key};
use crate::syntax::File;

/// The most names that are offered where one is not found.
const MAX_OFFERED: usize = 3;

/// Says that the code has nothing of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchName {
    /// Why, as a full sentence.
    pub detail: String,
    /// What may be meant, the likeliest first.
    pub meant: Vec<String>,
}

impl fmt::Display for NoSuchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// Reads a path as HCL writes it: `tags["Name"]`, `ingress[0].from_port`, `ingress[{from_port = 22}]`.
///
/// # Errors
/// One problem, where it is no path.
pub fn parse_path(text: &str) -> Result<Path, Box<Diagnostic>> {
    let (file, node) = expression::parse_text("path", text)?;
    Ok(steps_of(&file, &node)?.into_iter().collect())
}

fn steps_of(file: &File, node: &Node) -> Result<Vec<PathStep>, Box<Diagnostic>> {
    let mut steps = Vec::new();
    let mut current = node;
    loop {
        match &current.kind {
            NodeKind::Name(name) => {
                steps.push(PathStep::GetAttr(name.clone()));
                steps.reverse();
                return Ok(steps);
            }
            NodeKind::Attribute { of, name } => {
                steps.push(PathStep::GetAttr(name.clone()));
                current = of;
            }
            NodeKind::Index { of, key } => {
                let key = evaluate(file, key, &NoScope, &Evaluation::new())?;
                steps.push(PathStep::Index(key));
                current = of;
            }
            _ => {
                let detail = "A path is names, and keys in brackets: tags[\"Name\"], ingress[0].from_port.";
                let problem = Diagnostic::error("invalid-reference", "Invalid path", detail);
                return Err(Box::new(problem.at_span(file.span(&current.range))));
            }
        }
    }
}

impl Root {
    /// Finds what an address means, and the path behind it.
    ///
    /// # Errors
    /// That there is nothing of this name, with the names that may be meant.
    pub fn subject(&self, text: &str) -> Result<(TraceSubject, Path), NoSuchName> {
        let wrong = |detail: String| NoSuchName { detail, meant: Vec::new() };
        let parsed = expression::parse_text("address", text);
        let (file, node) = parsed.map_err(|problem| wrong(format!("{text:?} is no address: {}", problem.detail)))?;
        let steps =
            steps_of(&file, &node).map_err(|problem| wrong(format!("{text:?} is no address: {}", problem.detail)))?;
        let mut rest = steps.as_slice();
        let mut module = ModuleAddress::root();
        // Every call but one whose output is meant leads into a module.
        while let [PathStep::GetAttr(word), name, behind @ ..] = rest
            && word == "module"
            && let Some(name) = attribute(name)
        {
            let (key, behind) = match behind {
                [PathStep::Index(key), behind @ ..] => (instance_key(key).flatten(), behind),
                behind => (None, behind),
            };
            let is_called = self.definitions(&module).is_some_and(|outer| outer.calls.contains_key(name));
            if !is_called {
                return Err(self.missing(text, format!("Nothing calls a module {name:?}{}.", of(&module))));
            }
            if let Ok(keys) = self.call_keys(&module, name)
                && !keys.contains_key(&key)
            {
                let listed: Vec<String> =
                    keys.keys().map(|key| called(&module, name, key.clone()).to_string()).collect();
                let detail = match (listed.as_slice(), &key) {
                    ([], _) => format!("The module {name:?} has no instances: its count or for_each is empty."),
                    (_, None) => format!("The module {name:?} has several instances; name one."),
                    (_, Some(_)) => format!("The module {name:?} has no instance with this key."),
                };
                return Err(NoSuchName { detail, meant: listed.into_iter().take(10).collect() });
            }
            module = called(&module, name, key);
            rest = behind;
            if self.definitions(&module).is_none() && !rest.is_empty() {
                let problem = self.module_scope(&module).err();
                return Err(wrong(problem.map_or_else(|| "Its code is not at hand.".to_owned(), |found| found.detail)));
            }
        }
        self.in_module(text, module, rest)
    }

    fn in_module(
        &self,
        text: &str,
        module: ModuleAddress,
        rest: &[PathStep],
    ) -> Result<(TraceSubject, Path), NoSuchName> {
        let missing = |what: String| Err(self.missing(text, format!("{what}{}.", of(&module))));
        let tail = |n_steps: usize| rest.get(n_steps..).unwrap_or_default().iter().cloned().collect::<Path>();
        let definitions = self.definitions(&module);
        let Some(first) = rest.first().and_then(attribute) else {
            return if module.is_root() {
                missing(format!("{text:?} is no address"))
            } else {
                Ok((TraceSubject::Call(module), Path::new()))
            };
        };
        let second = rest.get(1).and_then(attribute);
        match (first, second) {
            ("local", Some(name)) => {
                if !definitions.is_some_and(|found| found.locals.contains_key(name)) {
                    return missing(format!("There is no local value {name:?}"));
                }
                Ok((TraceSubject::Local { module, name: name.to_owned() }, tail(2)))
            }
            ("var", Some(name)) => {
                if !definitions.is_some_and(|found| found.variables.contains_key(name)) {
                    return missing(format!("There is no variable {name:?}"));
                }
                Ok((TraceSubject::Variable { module, name: name.to_owned() }, tail(2)))
            }
            ("output", Some(name)) => {
                if !definitions.is_some_and(|found| found.outputs.contains_key(name)) {
                    return missing(format!("There is no output {name:?}"));
                }
                Ok((TraceSubject::Output { module, name: name.to_owned() }, tail(2)))
            }
            ("provider", Some(name)) => {
                let blocks = definitions.map(|found| found.providers.as_slice()).unwrap_or_default();
                let aliased = rest.get(2).and_then(attribute).filter(|alias| {
                    blocks.iter().any(|block| block.name == name && block.alias.as_deref() == Some(*alias))
                });
                let is_there = blocks.iter().any(|block| block.name == name && block.alias.as_deref() == aliased);
                if !is_there {
                    return missing(format!("There is no block of the provider {name:?} that is meant"));
                }
                let n_steps = if aliased.is_some() { 3 } else { 2 };
                let key = rest.get(n_steps).and_then(|step| match step {
                    PathStep::Index(key) => instance_key(key).flatten(),
                    PathStep::GetAttr(_) => None,
                });
                let n_steps = n_steps + usize::from(key.is_some());
                let (name, alias) = (name.to_owned(), aliased.map(str::to_owned));
                Ok((TraceSubject::Provider { module, name, alias, key }, tail(n_steps)))
            }
            (output, _) if !module.is_root() && definitions.is_some_and(|found| found.outputs.contains_key(output)) => {
                Ok((TraceSubject::Output { module, name: output.to_owned() }, tail(1)))
            }
            _ => self.resource_subject(text, module, rest),
        }
    }

    fn resource_subject(
        &self,
        text: &str,
        module: ModuleAddress,
        rest: &[PathStep],
    ) -> Result<(TraceSubject, Path), NoSuchName> {
        let (mode, rest) = match rest {
            [PathStep::GetAttr(word), rest @ ..] if word == "data" => (ResourceMode::Data, rest),
            [PathStep::GetAttr(word), rest @ ..] if word == "resource" => (ResourceMode::Managed, rest),
            rest => (ResourceMode::Managed, rest),
        };
        let in_module = of(&module);
        let (Some(resource_type), Some(name)) = (rest.first().and_then(attribute), rest.get(1).and_then(attribute))
        else {
            return Err(self.missing(text, format!("There is nothing of the name {text:?}{in_module}.")));
        };
        let address = ResourceAddress { module, mode, resource_type: resource_type.into(), name: name.into() };
        if self.resource(&address).is_none() {
            let shown = if mode == ResourceMode::Data { "data source" } else { "resource" };
            return Err(
                self.missing(text, format!("There is no block of the {shown} {resource_type}.{name}{in_module}."))
            );
        }
        let key = rest.get(2).and_then(|step| match step {
            PathStep::Index(key) => instance_key(key).flatten(),
            PathStep::GetAttr(_) => None,
        });
        let tail: Path = rest.get(2 + usize::from(key.is_some())..).unwrap_or_default().iter().cloned().collect();
        match self.resource_keys(&address) {
            Ok(keys) if !keys.contains_key(&key) && key.is_some() => {
                let meant = keys.keys().take(10).map(|key| address.clone().instance(key.clone()).to_string()).collect();
                let detail = format!("{address} has no instance with this key.");
                Err(NoSuchName { detail, meant })
            }
            Ok(keys) if keys.contains_key(&key) => Ok((TraceSubject::Instance(address.instance(key)), tail)),
            _ if key.is_some() => Ok((TraceSubject::Instance(address.instance(key)), tail)),
            _ => Ok((TraceSubject::Resource(address), tail)),
        }
    }

    fn missing(&self, text: &str, detail: String) -> NoSuchName {
        // Names are those of the code, which has no keys.
        let mut text = text.to_owned();
        while let Some((start, end)) = text.find('[').and_then(|start| Some((start, start + text[start..].find(']')?)))
        {
            text.replace_range(start..=end, "");
        }
        let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
        let near_to = |name: &str| distance(&text, name).min(if last(&text) == last(name) { 2 } else { usize::MAX });
        let mut near: Vec<(usize, String)> = self
            .names()
            .into_iter()
            .map(|name| (near_to(&name), name))
            .filter(|(distance, name)| *distance <= 2 + name.chars().count() / 5)
            .collect();
        near.sort();
        NoSuchName { detail, meant: near.into_iter().take(MAX_OFFERED).map(|(_, name)| name).collect() }
    }

    /// Lists what can be asked for, by the modules' code: module instances without their keys.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (calls, definitions) in &self.sources().configuration.definitions {
            let prefix = calls.iter().fold(String::new(), |prefix, name| prefix + "module." + name + ".");
            names.extend(definitions.locals.keys().map(|name| format!("{prefix}local.{name}")));
            names.extend(definitions.variables.keys().map(|name| format!("{prefix}var.{name}")));
            names.extend(definitions.calls.keys().map(|name| format!("{prefix}module.{name}")));
            names.extend(definitions.resources.keys().map(|address| format!("{prefix}{address}")));
            let outputs = definitions.outputs.keys();
            names.extend(
                outputs.map(|name| if calls.is_empty() { format!("output.{name}") } else { format!("{prefix}{name}") }),
            );
            names.extend(definitions.providers.iter().map(|block| match &block.alias {
                Some(alias) => format!("{prefix}provider.{}.{alias}", block.name),
                None => format!("{prefix}provider.{}", block.name),
            }));
        }
        names
    }
}

impl fmt::Display for TraceSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = |module: &ModuleAddress| if module.is_root() { String::new() } else { format!("{module}.") };
        match self {
            Self::Instance(address) => address.fmt(f),
            Self::Resource(address) => address.fmt(f),
            Self::Call(module) => module.fmt(f),
            Self::Local { module, name } => write!(f, "{}local.{name}", prefix(module)),
            Self::Variable { module, name } => write!(f, "{}var.{name}", prefix(module)),
            Self::Output { module, name } if module.is_root() => write!(f, "output.{name}"),
            Self::Output { module, name } => write!(f, "{module}.{name}"),
            Self::Provider { module, name, alias, key } => {
                write!(f, "{}provider.{name}", prefix(module))?;
                if let Some(alias) = alias {
                    write!(f, ".{alias}")?;
                }
                key.as_ref().map_or(Ok(()), |key: &InstanceKey| key.fmt(f))
            }
        }
    }
}

impl From<InstanceAddress> for TraceSubject {
    fn from(address: InstanceAddress) -> Self {
        Self::Instance(address)
    }
}

fn attribute(step: &PathStep) -> Option<&str> {
    match step {
        PathStep::GetAttr(name) => Some(name),
        PathStep::Index(_) => None,
    }
}

fn of(module: &ModuleAddress) -> String {
    if module.is_root() { String::new() } else { format!(" in {module}") }
}

/// Counts the changes of single characters that make one word the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(200).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, own) in left.chars().take(200).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, other) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(own != *other);
            diagonal = row[column + 1];
            row[column + 1] = substituted.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Gives the text that an object or a map finds a step by.
pub(super) fn key_text(step: &PathStep) -> Option<String> {
    match step {
        PathStep::GetAttr(name) => Some(name.clone()),
        PathStep::Index(key) => text_of(key),
    }
}

/// Gives the position that a list finds a step by.
pub(super) fn key_position(step: &PathStep) -> Option<usize> {
    match step {
        PathStep::GetAttr(_) => None,
        PathStep::Index(key) => {
            let key = key.unmark().0;
            let number = key.as_number().and_then(cty::Number::to_i64);
            number.or_else(|| key.as_str()?.parse().ok()).and_then(|number| usize::try_from(number).ok())
        }
    }
}

/// Gives a value as the text that a key is.
pub(super) fn text_of(value: &Value) -> Option<String> {
    let value = cty::convert::convert(&value.unmark().0, &cty::Type::String).ok()?;
    value.as_str().map(str::to_owned)
}
