//! Variables for what must not be written.

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, PathStep, Value};
use model::draft::{DraftExpression, DraftVariable};
use model::{InstanceAddress, InstanceKey, ModuleAddress};

use super::super::names::{identifier, local_type};
use super::super::search::{SecretArgument, SecretSource};
use super::ComposedVariable;

/// Names that a variable cannot have.
///
/// Source: "Input Variables" of the Terraform language documentation.
const RESERVED: &[&str] = &["count", "depends_on", "for_each", "lifecycle", "locals", "providers", "source", "version"];

/// The variables of all modules.
#[derive(Debug)]
pub(super) struct Variables {
    /// The names that are taken, by whom where that is an object of these.
    taken: BTreeMap<String, Option<InstanceAddress>>,
    found: Vec<ComposedVariable>,
    /// The object whose secrets are met.
    current: Option<(InstanceAddress, ModuleAddress)>,
}

impl Variables {
    /// Begins with the names that are taken.
    pub(super) fn new(taken: &BTreeSet<String>) -> Self {
        let reserved = RESERVED.iter().map(|name| (*name).to_owned());
        let taken = taken.iter().cloned().chain(reserved).map(|name| (name, None)).collect();
        Self { taken, found: Vec::new(), current: None }
    }

    /// Says whose secrets come next, and in which module they are declared; `None` declares none.
    pub(super) fn begin(&mut self, object: Option<(InstanceAddress, ModuleAddress)>) {
        self.current = object;
    }

    /// Declares the variable of a secret; `shown` is its path without what must not be shown.
    pub(super) fn take(&mut self, secret: &SecretArgument, shown: &Path, value: &Value) -> DraftExpression {
        let Some((object, module)) = self.current.clone() else {
            return DraftExpression::Variable(String::new());
        };
        let name = self.name(&object, shown);
        let how = match (secret.source, secret.is_by_schema) {
            (SecretSource::Observed, true) => "The plan was checked with the value that the provider read.",
            (SecretSource::Observed, false) => {
                "It looks like a secret, though the provider does not say so. The plan was checked with the value that \
                 the provider read."
            }
            (SecretSource::StandIn, _) => "Nobody can read it back: the plan was checked with a stand-in.",
        };
        let description = format!("{shown} of {object}. {how}");
        self.found.push(ComposedVariable {
            module,
            declaration: DraftVariable {
                name: name.clone(),
                description,
                ty: value.ty().clone(),
                is_sensitive: secret.is_by_schema,
            },
            certified: value.clone(),
        });
        DraftExpression::Variable(name)
    }

    /// Gives the variables, by module and name.
    pub(super) fn finish(mut self) -> Vec<ComposedVariable> {
        self.found
            .sort_by(|one, other| (&one.module, &one.declaration.name).cmp(&(&other.module, &other.declaration.name)));
        self.found
    }

    fn name(&mut self, object: &InstanceAddress, path: &Path) -> String {
        let mut words = vec![object.resource.name.to_string()];
        if let Some(InstanceKey::String(key)) = &object.key {
            words.push(identifier(key));
        }
        for step in path.steps() {
            match step {
                PathStep::GetAttr(name) => words.push(identifier(name)),
                // The first block of its type needs no number.
                PathStep::Index(key) => match (key.as_str(), key.as_number()) {
                    (Some(key), _) => words.push(identifier(key)),
                    (None, Some(number)) if number.to_string() != "0" => words.push(number.to_string()),
                    _ => {}
                },
            }
        }
        words.retain(|word| !word.is_empty());
        let plain = words.join("_").replace('-', "_");
        let with_type = format!("{}_{plain}", local_type(object.resource_type()));
        // Several elements of one set are told apart by number, objects of several types by these.
        let is_of_set = matches!(self.taken.get(&plain), Some(Some(other)) if other == object);
        let stem = if is_of_set || !self.taken.contains_key(&plain) { plain } else { with_type };
        let mut name = stem.clone();
        for number in 2u64.. {
            if !self.taken.contains_key(&name) {
                break;
            }
            name = format!("{stem}_{number}");
        }
        self.taken.insert(name.clone(), Some(object.clone()));
        name
    }
}
