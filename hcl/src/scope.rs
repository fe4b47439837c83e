//! What names mean in a module: `var`, `local`, `path`, `terraform`, `each`. What only a cloud or a state knows is
//! unknown, and says so.

use std::fmt::Write as _;

use cty::{Type, Value};

use crate::definitions::Definitions;
use crate::evaluate::{Evaluation, Files, Memo, Resolved, Scope, Written, evaluate, sized};
use crate::expression::{self, ReferenceStep};
use crate::variables::VariableValues;

/// Resolves names for one module.
#[derive(Clone, Copy)]
pub struct ModuleScope<'a> {
    /// The names of the calls that lead to it, joined with dots; empty for the root module.
    pub path: &'a str,
    /// What it defines.
    pub definitions: &'a Definitions,
    /// What its variables are set to.
    pub inputs: Inputs<'a>,
    /// What is around it.
    pub surroundings: Surroundings<'a>,
    /// The key and value of `each`, where it has any.
    pub each: Option<(&'a Value, &'a Value)>,
}

/// What the variables of a module are set to.
#[derive(Clone, Copy)]
pub enum Inputs<'a> {
    /// A root module's: values from outside.
    Root(&'a VariableValues),
    /// A called module's: arguments of the call, in the scope of the caller.
    Call {
        /// The arguments.
        arguments: &'a Written,
        /// The caller's scope.
        scope: &'a ModuleScope<'a>,
    },
}

/// What is the same for all modules of a configuration.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// What functions may read.
    pub files: Files<'a>,
    /// The workspace.
    pub workspace: &'a str,
    /// The folder in which terraform runs: `path.cwd`.
    pub current_dir: Option<&'a str>,
}

impl Scope for ModuleScope<'_> {
    fn resolve(&self, name: &str, steps: &[ReferenceStep<'_>], run: &Evaluation) -> Resolved {
        let first = match steps.first() {
            Some(ReferenceStep::Attribute(first)) => *first,
            Some(ReferenceStep::Index(key)) if name != "var" && name != "local" => key.as_str().unwrap_or_default(),
            _ => return Resolved::Invalid(format!("What of {name:?} is meant must follow behind a dot.")),
        };
        let value = |value: Value| Resolved::Value { value, n_steps: 1 };
        let unknown = |reason: String| Resolved::Unknown { ty: Type::Dynamic, n_steps: steps.len(), reason };
        match (name, first) {
            ("var", variable) => self.variable(variable, run),
            ("local", local) => self.local(local, run),
            ("path", "module") => value(Value::string(self.definitions.folder.clone())),
            ("path", "root") => value(Value::string(".")),
            ("path", "cwd") => match self.surroundings.current_dir {
                Some(folder) => value(Value::string(folder)),
                None => unknown("the current folder is not known".to_owned()),
            },
            ("terraform" | "tofu", "workspace") => value(Value::string(self.surroundings.workspace)),
            ("path" | "terraform" | "tofu", other) => Resolved::Invalid(format!("{name} has no attribute {other:?}.")),
            ("each", part) => match (self.each, part) {
                (Some((key, _)), "key") => value(key.clone()),
                (Some((_, of_key)), "value") => value(of_key.clone()),
                _ => {
                    Resolved::Invalid("`each` has a key and a value, and only where there is a `for_each`.".to_owned())
                }
            },
            ("count" | "self", _) => Resolved::Invalid(format!("There is no `{name}` here.")),
            ("data", _) => unknown(format!("{} is read from a cloud", text(name, steps))),
            ("module", _) => unknown(format!("{} is an output of a module, which is not evaluated", text(name, steps))),
            ("ephemeral", _) => unknown(format!("{} is opened by a provider", text(name, steps))),
            _ => unknown(format!("{} is an attribute of a resource", text(name, steps))),
        }
    }

    fn files(&self) -> Option<Files<'_>> {
        Some(self.surroundings.files)
    }

    fn current_dir(&self) -> Option<&str> {
        self.surroundings.current_dir
    }
}

impl ModuleScope<'_> {
    fn variable(&self, name: &str, run: &Evaluation) -> Resolved {
        let Some(variable) = self.definitions.variables.get(name) else {
            return Resolved::Invalid(format!("The module has no variable {name:?}."));
        };
        let ty = variable.constraint.ty.clone();
        let value = match self.inputs {
            Inputs::Root(values) => values.value(name, variable),
            Inputs::Call { arguments, scope } => match arguments.attribute(name) {
                None => Ok(variable.settle(None)),
                Some((file, argument)) => expression::parse(file, &argument.expression)
                    .and_then(|node| evaluate(file, &node, scope, run))
                    .and_then(|value| {
                        let value = variable.constraint.apply(&value).map_err(|error| {
                            let detail = format!("The variable {name:?} cannot take this value: {error}.");
                            let code = "invalid-argument-value";
                            let problem = model::Diagnostic::error(code, "Invalid value of an argument", detail);
                            problem.at_span(file.expression_span(&argument.expression))
                        })?;
                        Ok(variable.settle(Some(value)))
                    }),
            },
        };
        match value {
            Ok(Some(value)) => Resolved::Value { value, n_steps: 1 },
            Ok(None) => {
                let reason = match self.inputs {
                    Inputs::Root(_) => format!("the variable {name:?} has no value"),
                    Inputs::Call { .. } => format!("the call of the module gives no value for the variable {name:?}"),
                };
                Resolved::Unknown { ty, n_steps: 1, reason }
            }
            Err(problem) => Resolved::Failed(problem),
        }
    }

    fn local(&self, name: &str, run: &Evaluation) -> Resolved {
        let Some((file, expression)) = self.definitions.locals.get(name) else {
            return Resolved::Invalid(format!("The module has no local value {name:?}."));
        };
        match run.recall(self.path, name) {
            Some(Memo::Done(value)) => return Resolved::Value { value, n_steps: 1 },
            Some(Memo::Begun) => {
                return Resolved::Invalid(format!(
                    "The local value {name:?} refers to itself, over others or directly."
                ));
            }
            None => run.remember(self.path, name, Memo::Begun),
        }
        let value = expression::parse(file, expression)
            .and_then(|node| evaluate(file, &node, self, run).map(|value| (value, node.range.clone())));
        let value = value.and_then(|(value, range)| sized(file, &range, value));
        match value {
            Ok(value) => {
                run.remember(self.path, name, Memo::Done(value.clone()));
                Resolved::Value { value, n_steps: 1 }
            }
            Err(problem) => {
                run.forget(self.path, name);
                Resolved::Failed(problem)
            }
        }
    }
}

fn text(name: &str, steps: &[ReferenceStep<'_>]) -> String {
    let mut text = name.to_owned();
    for step in steps {
        let _ = match step {
            ReferenceStep::Attribute(name) => write!(text, ".{name}"),
            ReferenceStep::Index(key) => write!(text, "[{key}]"),
        };
    }
    text
}
