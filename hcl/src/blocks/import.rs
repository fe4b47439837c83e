//! What the next apply takes into the state: `import` blocks.

use std::sync::Arc;

use cty::convert::convert;
use cty::{Type, Value};
use model::{Diagnostic, InstanceAddress, InstanceKey, ModuleAddress, ModuleStep, ResourceMode, Span};

use super::target::{BlockTarget, reference, target};
use crate::definitions::BlockDefinition;
use crate::evaluate::{Unknown, Written};
use crate::expression::Node;
use crate::gates::Program;
use crate::root::{InstanceScope, Repetition, Root, Unexpanded};
use crate::syntax::File;

/// One object that an `import` block names.
#[derive(Clone, Debug)]
pub struct Import {
    /// Where it belongs to.
    pub to: InstanceAddress,
    /// How the provider finds it.
    pub source: ImportedBy,
    /// Where the block begins.
    pub span: Span,
}

/// How a provider finds an object to import.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportedBy {
    /// By this import id.
    Id(String),
    /// By this identity: an object without marks.
    Identity(Value),
    /// By something that is not known, for these reasons.
    Unknown(Vec<Unknown>),
}

/// What goes wrong while an address is read.
struct Failure(Unexpanded);

impl From<String> for Failure {
    fn from(detail: String) -> Self {
        Self(Unexpanded::Failed(Box::new(problem(detail))))
    }
}

impl Root {
    /// Evaluates the `import` blocks; those whose targets are not known are told apart, with the reason.
    pub fn imports(&self) -> (Vec<Import>, Vec<(Span, Unexpanded)>) {
        let (mut imports, mut unknown) = (Vec::new(), Vec::new());
        for module in self.expand().modules {
            let Some(definitions) = self.definitions(&module) else { continue };
            for block in &definitions.imports {
                match self.import_scopes(&module, block) {
                    Ok(scopes) => {
                        for scope in scopes {
                            match self.import(block, &scope) {
                                Ok(import) => imports.push(import),
                                Err(reason) => unknown.push((block.span.clone(), reason)),
                            }
                        }
                    }
                    Err(reason) => unknown.push((block.span.clone(), reason)),
                }
            }
        }
        (imports, unknown)
    }

    /// Gives a scope for each time the block counts.
    fn import_scopes<'r>(
        &'r self,
        module: &ModuleAddress,
        block: &BlockDefinition,
    ) -> Result<Vec<InstanceScope<'r>>, Unexpanded> {
        let scope = self.module_scope(module).map_err(Unexpanded::Failed)?;
        let keys = self.for_each_keys(&block.written, &scope)?;
        let Some(keys) = keys else { return Ok(vec![scope]) };
        let repeated = |(key, value): (&Option<InstanceKey>, &Value)| {
            let key = match key {
                Some(InstanceKey::String(text)) => Value::string(&**text),
                Some(InstanceKey::Int(index)) => Value::from(*index),
                None => return scope.clone(),
            };
            scope.clone().repeated(Repetition::Each { key, value: value.clone() })
        };
        Ok(keys.iter().map(repeated).collect())
    }

    fn import(&self, block: &BlockDefinition, scope: &InstanceScope<'_>) -> Result<Import, Unexpanded> {
        let failed =
            |detail: &str| Unexpanded::Failed(Box::new(problem(detail.to_owned()).at_span(block.span.clone())));
        let (file, to) =
            block.written.attribute("to").ok_or_else(|| failed("An `import` block has an argument \"to\"."))?;
        let (key_file, node) = reference(file, &to.expression).map_err(Unexpanded::Failed)?;
        let key = |node: &Node| self.key(&key_file, node, scope).map_err(Failure);
        let found = target::<Failure>(&node, key).map_err(|Failure(reason)| match reason {
            Unexpanded::Failed(found) if found.span.is_none() => {
                Unexpanded::Failed(Box::new(found.at_span(file.span(&to.range))))
            }
            other => other,
        })?;
        let BlockTarget::Resource(inner) = found else { return Err(failed("`to` must be the address of a resource.")) };
        if inner.resource.mode == ResourceMode::Data {
            return Err(failed("`to` must be the address of a managed resource, not of a data source."));
        }
        let steps: Vec<ModuleStep> = [scope.module().steps(), inner.resource.module.steps()].concat();
        let mut to = inner;
        to.resource.module = ModuleAddress::from_steps(steps);
        let source = self.import_source(&block.written, scope, &failed)?;
        Ok(Import { to, source, span: block.span.clone() })
    }

    fn import_source(
        &self,
        written: &Written,
        scope: &InstanceScope<'_>,
        failed: &dyn Fn(&str) -> Unexpanded,
    ) -> Result<ImportedBy, Unexpanded> {
        let evaluated = |file: &Arc<File>, expression| {
            let (value, unknown, problems) = self.expression(file, expression, scope);
            match problems.into_iter().next() {
                Some(problem) => Err(Unexpanded::Failed(Box::new(problem))),
                None => Ok((value, unknown)),
            }
        };
        match (written.attribute("id"), written.attribute("identity")) {
            (Some((file, id)), None) => {
                let (value, unknown) = evaluated(file, &id.expression)?;
                let value = value.unmark().0;
                if !value.is_known() {
                    return Ok(ImportedBy::Unknown(unknown));
                }
                let value = convert(&value, &Type::String).map_err(|_| failed("`id` must be a text."))?;
                // OpenTofu gives an empty id to the provider.
                let is_of_tofu = self.sources().configuration.program == Some(Program::OpenTofu);
                match value.as_str().filter(|text| is_of_tofu || !text.is_empty()) {
                    Some(text) => Ok(ImportedBy::Id(text.to_owned())),
                    None => Err(failed("`id` must be a text, neither null nor empty.")),
                }
            }
            (None, Some((file, identity))) => {
                let (value, unknown) = evaluated(file, &identity.expression)?;
                let value = value.unmark_deep().0;
                if !value.is_wholly_known() {
                    return Ok(ImportedBy::Unknown(unknown));
                }
                if value.is_null() || !matches!(value.ty(), Type::Object(_) | Type::Map(_)) {
                    return Err(failed("`identity` must be an object."));
                }
                Ok(ImportedBy::Identity(value))
            }
            _ => Err(failed("An `import` block has either \"id\" or \"identity\".")),
        }
    }
}

fn problem(detail: String) -> Diagnostic {
    Diagnostic::error("invalid-block", "Invalid import", detail)
}
