//! Values of expressions and blocks, unknown where they cannot be known, with the reason.
//!
//! An unknown value carries a mark that names why it is unknown, and marks follow values through every operation: so
//! whatever is unknown in a result says where that came from. These marks never leave this module.

mod body;
mod node;
mod operate;
mod run;
mod traverse;
mod types;

use cty::{Path, Type, Value};
use model::{Diagnostic, Diagnostics, Span};

pub use body::{Written, block};
pub use run::Evaluation;
pub use types::TypeConstraint;

use crate::expression::{self, Node, ReferenceStep};
use crate::source::SourceTree;
use crate::syntax::{Expression, File};
pub(crate) use body::block_in;
pub(crate) use node::{Evaluator, Frame, capitalized, pairs, place};
pub(crate) use run::{MAX_ELEMENTS, MAX_TEXT, is_reason, sized};

/// Something that is not known, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// Where in the value it is.
    pub path: Path,
    /// The code that says so, where there is any.
    pub span: Option<Span>,
    /// Why it is not known, as a clause with its subject: "the variable \"region\" has no value".
    pub reason: String,
}

/// What a reference means.
#[derive(Clone, Debug)]
pub enum Resolved {
    /// This value, for the first steps behind the name.
    Value {
        /// The value.
        value: Value,
        /// How many steps led to it.
        n_steps: usize,
    },
    /// A value that is not known.
    Unknown {
        /// Its type, as far as that is known.
        ty: Type,
        /// How many steps led to it.
        n_steps: usize,
        /// Why it is not known, as a clause with its subject.
        reason: String,
    },
    /// Nothing: the reference is a mistake. A full sentence.
    Invalid(String),
    /// Nothing: there is a mistake in what it refers to.
    Failed(Box<Diagnostic>),
}

/// Says what names mean, and which files can be read.
pub trait Scope {
    /// Resolves a reference: its first name, and the steps behind it as far as they are literal.
    ///
    /// What is evaluated on the way takes part in the run, which ends what would never end.
    fn resolve(&self, name: &str, steps: &[ReferenceStep<'_>], run: &Evaluation) -> Resolved;

    /// Gives the files that functions may read.
    fn files(&self) -> Option<Files<'_>> {
        None
    }

    /// Gives the folder in which terraform runs, by its absolute path.
    fn current_dir(&self) -> Option<&str> {
        None
    }

    /// Calls a function of a provider by its whole name, such as `provider::aws::arn_parse`.
    ///
    /// The arguments have no marks; the result gets theirs. Steps of the result are not looked at.
    fn provider_function(&self, name: &str, arguments: &[Value], run: &Evaluation) -> Resolved {
        let _ = (arguments, run);
        let reason = format!("the function {name}() is computed by a provider");
        Resolved::Unknown { ty: Type::Dynamic, n_steps: 0, reason }
    }
}

/// What functions may read.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    /// The files; relative paths start from its topmost folder, the root module's.
    pub tree: &'a dyn SourceTree,
    /// The user's home directory.
    pub home: Option<&'a str>,
}

/// A scope in which nothing has a name.
#[derive(Clone, Copy, Debug)]
pub struct NoScope;

impl Scope for NoScope {
    fn resolve(&self, _: &str, _: &[ReferenceStep<'_>], _: &Evaluation) -> Resolved {
        Resolved::Invalid("Only literal values can stand here; put text in quotes.".to_owned())
    }
}

/// Evaluates an expression.
///
/// Where it is wrong, the problem says why, and the value is unknown.
///
/// ```
/// use hcl::File;
/// use hcl::evaluate::{NoScope, expression};
/// let (file, _) = File::parse("main.tf", "a = upper(\"b${1 + 1}\")\n");
/// let (value, unknown, problems) = expression(&file, &file.body.attributes[0].expression, &NoScope);
/// assert_eq!(value, cty::Value::string("B2"));
/// assert!(unknown.is_empty() && problems.is_empty());
/// ```
pub fn expression(file: &File, expression: &Expression, scope: &dyn Scope) -> (Value, Vec<Unknown>, Diagnostics) {
    let run = Evaluation::new();
    match expression::parse(file, expression).and_then(|node| evaluate(file, &node, scope, &run)) {
        Ok(value) => {
            let (value, unknown) = run.settle(&value);
            (value, unknown, Diagnostics::new())
        }
        Err(problem) => (Value::dynamic(), Vec::new(), vec![*problem]),
    }
}

/// Evaluates a tree as a part of a run: reasons stay marks of the value.
pub(crate) fn evaluate(
    file: &File,
    node: &Node,
    scope: &dyn Scope,
    run: &Evaluation,
) -> Result<Value, Box<Diagnostic>> {
    Evaluator { file, scope, run }.value(node, &Frame::EMPTY)
}
