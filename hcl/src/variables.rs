//! Values for the variables of a root module, from everywhere terraform takes them.
//!
//! Messages name places and never what stands there: it may be a secret.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use cty::Value;
use model::{Diagnostic, Diagnostics, Span};

use crate::definitions::Variable;
use crate::evaluate::{Evaluation, NoScope, evaluate, expression};
use crate::expression;
use crate::json;
use crate::module::read_text;
use crate::source::SourceTree;
use crate::syntax::{Expression, File};

/// Values by the names of variables; of two for one name the one added later counts.
///
/// Terraform's order is: the environment, the standard files, then what the command line says.
#[derive(Clone, Default)]
pub struct VariableValues(BTreeMap<String, Given>);

#[derive(Clone)]
struct Given {
    form: Form,
    /// Where it comes from, for messages.
    origin: String,
    entry: Option<Entry>,
}

/// Where a file gives a variable its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Name and value.
    pub span: Span,
    /// The value as it is written, with its file; `None` in JSON.
    pub written: Option<(Arc<File>, Expression)>,
}

#[derive(Clone)]
enum Form {
    /// Text: the type of the variable says whether it is an expression.
    Text(String),
    /// A value of its own type.
    Value(Value),
}

impl VariableValues {
    /// Tells whether a variable is given a value.
    pub fn sets(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Tells of values for variables that a root module does not have, as terraform does: in the environment they are
    /// passed over, in files they are warned of, on the command line they are mistakes.
    pub fn undeclared(&self, variables: &BTreeMap<String, Variable>) -> Diagnostics {
        let others = self.0.iter().filter(|(name, _)| !variables.contains_key(*name));
        let problem = |(name, given): (&String, &Given)| {
            let detail = format!("The root module has no variable {name:?}, which {} gives a value.", given.origin);
            let summary = "Value of no variable";
            match (&given.form, given.origin.starts_with("the environment variable")) {
                (Form::Text(_), true) => None,
                (Form::Text(_), false) => Some(Diagnostic::error("invalid-variable", summary, detail)),
                (Form::Value(_), _) => {
                    let problem = Diagnostic::warning("invalid-variable", summary, detail);
                    Some(match &given.entry {
                        Some(entry) => problem.at_span(entry.span.clone()),
                        None => problem,
                    })
                }
            }
        };
        others.filter_map(problem).collect()
    }

    /// Adds a value that is text: from the environment or the command line.
    pub fn add_text(&mut self, name: &str, text: &str, origin: &str) {
        let form = Form::Text(text.to_owned());
        self.0.insert(name.to_owned(), Given { form, origin: origin.to_owned(), entry: None });
    }

    /// Adds the values of all `TF_VAR_…` among environment variables.
    pub fn add_environment<'e>(&mut self, variables: impl IntoIterator<Item = (&'e str, &'e str)>) {
        for (name, text) in variables {
            if let Some(variable) = name.strip_prefix("TF_VAR_") {
                self.add_text(variable, text, &format!("the environment variable {name}"));
            }
        }
    }

    /// Adds the values of the files that terraform reads by itself from the folder of the root module.
    pub fn add_standard_files(&mut self, tree: &dyn SourceTree) -> Diagnostics {
        // Module::read reports a folder that cannot be listed.
        let mut names = tree.list(".").unwrap_or_default();
        let is_automatic = |name: &String| name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json");
        let standard = ["terraform.tfvars", "terraform.tfvars.json"];
        let mut ordered: Vec<String> = standard
            .iter()
            .filter(|name| names.iter().any(|found| found == *name))
            .map(|name| (*name).into())
            .collect();
        names.retain(is_automatic);
        names.sort();
        ordered.extend(names);
        let mut diagnostics = Diagnostics::new();
        for name in ordered {
            match read_text(tree, &name) {
                Ok(text) => diagnostics.extend(self.add_file(&name, &text)),
                Err(reason) => {
                    let detail = format!("The file {name:?} cannot be read: {reason}.");
                    diagnostics.push(problem("Cannot read variables", detail));
                }
            }
        }
        diagnostics
    }

    /// Adds the values of a file, whose name says whether it is JSON.
    pub fn add_file(&mut self, name: &str, text: &str) -> Diagnostics {
        if name.rsplit('.').next() == Some("json") {
            return self.add_json(name, text);
        }
        let (file, problems) = File::parse(name, text);
        let secretive = |found: Diagnostic| {
            let line = found.span.as_ref().map_or(0, |span| span.start.line);
            let detail = format!("Line {line} of {name:?} is no `name = value` with a literal value.");
            Diagnostic { detail, ..found }
        };
        let mut diagnostics: Diagnostics = problems.into_iter().map(secretive).collect();
        for block in &file.body.blocks {
            let detail = format!("{name:?} may hold `name = value` only, and no blocks.");
            diagnostics.push(problem("Block among variables", detail).at_span(file.span(&block.header)));
        }
        let file = Arc::new(file);
        for attribute in &file.body.attributes {
            let (value, _, problems) = expression(&file, &attribute.expression, &NoScope);
            if !problems.is_empty() {
                diagnostics.extend(problems.into_iter().map(secretive));
                continue;
            }
            let span = file.span(&attribute.range);
            let origin = format!("{name}:{}", span.start.line);
            let entry = Entry { span, written: Some((Arc::clone(&file), attribute.expression.clone())) };
            let given = Given { form: Form::Value(value), origin, entry: Some(entry) };
            self.0.insert(attribute.name.clone(), given);
        }
        diagnostics
    }

    fn add_json(&mut self, name: &str, text: &str) -> Diagnostics {
        let file = File::of_tokens(name, text, Vec::new());
        let invalid = |detail: String, range: &Range<usize>| {
            vec![problem("Invalid file of variables", detail).at_span(file.span(range))]
        };
        let root = match json::parse(text) {
            Ok(root) => root,
            Err(problem) => return invalid(format!("{name:?} is no JSON: {}", problem.detail), &problem.range),
        };
        if root.as_object().is_none() {
            return invalid(format!("{name:?} does not hold a JSON object."), &root.range());
        }
        let mut diagnostics = Diagnostics::new();
        let mut names = BTreeSet::new();
        for property in root.properties() {
            let variable = &property.name;
            if !names.insert(variable) {
                diagnostics.extend(invalid(format!("{name:?} sets {variable:?} twice."), &property.name_range));
                continue;
            }
            let span = file.span(&property.name_range);
            let origin = format!("{name}:{}", span.start.line);
            let entry = Some(Entry { span, written: None });
            let given = Given { form: Form::Value(property.value.to_value()), origin, entry };
            self.0.insert(variable.clone(), given);
        }
        diagnostics
    }

    /// Gives the value of a variable of a root module; `None` where there is none.
    ///
    /// # Errors
    /// One problem, where the value given does not have the type of the variable.
    pub fn value(&self, name: &str, variable: &Variable) -> Result<Option<Value>, Box<Diagnostic>> {
        let Some(given) = self.0.get(name) else { return Ok(variable.settle(None)) };
        let wrong = |reason: &str| {
            let detail = format!("The value of the variable {name:?}, from {}, {reason}.", given.origin);
            Box::new(problem("Invalid value of a variable", detail).at_span(variable.span.clone()))
        };
        let value = match &given.form {
            Form::Value(value) => value.clone(),
            Form::Text(text) if variable.constraint.is_expression => expression::parse_text("value", text)
                .and_then(|(file, node)| evaluate(&file, &node, &NoScope, &Evaluation::new()))
                .map_err(|_| wrong("is no literal expression, which the type of the variable asks for"))?,
            Form::Text(text) => Value::string(text),
        };
        let value = variable.constraint.apply(&value).map_err(|error| {
            let place = crate::evaluate::place(error.path());
            wrong(&format!("does not have the type of the variable{place}: {}", error.message()))
        })?;
        Ok(variable.settle(Some(value)))
    }

    /// Gives the names for which there is a value, with where it comes from.
    pub fn origins(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, given)| (name.as_str(), given.origin.as_str()))
    }
}

impl VariableValues {
    /// Gives where a file gives a variable its value; `None` where no file does.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.0.get(name)?.entry.as_ref()
    }

    /// Gives where the value of a variable comes from, as a message names it; `None` where it has none.
    pub fn origin(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|given| given.origin.as_str())
    }
}

/// Shows no values.
impl std::fmt::Debug for VariableValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.origins()).finish()
    }
}

impl Variable {
    /// Gives the value that a variable has where it is given one of its type, or none.
    pub(crate) fn settle(&self, given: Option<Value>) -> Option<Value> {
        let value = match given {
            Some(value) if self.is_nullable || !value.is_null() => value,
            _ => self.default.clone()?,
        };
        let value = if self.is_ephemeral { value.mark(cty::Mark::Ephemeral) } else { value };
        Some(if self.is_sensitive { value.mark_sensitive() } else { value })
    }
}

fn problem(summary: &str, detail: String) -> Diagnostic {
    Diagnostic::error("invalid-variable", summary, detail)
}
