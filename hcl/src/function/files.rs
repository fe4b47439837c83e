//! Functions on paths and on files of the configuration.
//!
//! Only files inside of the root module's folder are read: what lies outside is not a part of the configuration, and may
//! differ from one machine to the next.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cty::{Type, Value};

use super::{ANY, Call, Computed, Function, Parameter, Returns, TEXT};
use crate::evaluate::{Evaluation, Files, Resolved, Scope, evaluate};
use crate::expression::{self, ReferenceStep};

const fn function(name: &'static str, body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters: &[TEXT], rest: None, returns: Returns::Text, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("basename", |call| Ok(Value::string(base_name(call.text(0))))),
    function("dirname", |call| Ok(Value::string(folder_name(call.text(0))))),
    function("file", |call| {
        read(call, Type::String, |bytes| {
            String::from_utf8(bytes).map(Value::string).map_err(|_| "The file is not UTF-8 text.".to_owned())
        })
    }),
    function("filebase64", |call| read(call, Type::String, |bytes| Ok(Value::string(STANDARD.encode(bytes))))),
    Function {
        returns: Returns::Bool,
        ..function("fileexists", |call| {
            let Some((files, path)) = inside(call) else { return Ok(outside(call, Type::Bool)) };
            Ok(Value::bool(files.tree.read(&path).is_ok()))
        })
    },
    function("pathexpand", |call| {
        let path = call.text(0);
        let Some(rest) = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
            return Ok(Value::string(path));
        };
        match call.evaluator.scope.files().and_then(|files| files.home) {
            Some(home) => Ok(Value::string(format!("{}{rest}", home.trim_end_matches('/')))),
            None => {
                let run = call.evaluator.run;
                let reason = "no home directory is known, which pathexpand() needs".to_owned();
                let span = call.evaluator.file.span(call.range);
                Ok(run.because(&Value::unknown(Type::String), reason, Some(span)))
            }
        }
    }),
    Function {
        parameters: &[TEXT, Parameter { takes_unknown_parts: true, ..ANY }],
        ..function("templatefile", template)
    },
];

fn base_name(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match (path.is_empty(), trimmed.rsplit('/').next()) {
        (true, _) => ".",
        (false, Some(last)) if !trimmed.is_empty() => last,
        _ => "/",
    }
}

/// Gives the folder part of a path, with `.` and `..` resolved.
fn folder_name(path: &str) -> String {
    let folder = path.rfind('/').map_or("", |end| &path[..=end]);
    clean(folder)
}

/// Resolves `.`, `..` and repeated slashes in a path.
fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    match (is_absolute, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// Gives the files, and the path in them that the first argument means; `None` where it leads outside.
fn inside<'a>(call: &'a Call<'_>) -> Option<(Files<'a>, String)> {
    let files = call.evaluator.scope.files()?;
    let path = clean(call.text(0));
    let is_outside = path.starts_with('/') || path == ".." || path.starts_with("../") || path.starts_with('~');
    (!is_outside).then_some((files, path))
}

fn outside(call: &Call<'_>, ty: Type) -> Value {
    let reason = "it comes from a file outside of the root module's folder, which is not read".to_owned();
    let span = call.evaluator.file.span(call.range);
    call.evaluator.run.saw_unknown();
    call.evaluator.run.because(&Value::unknown(ty), reason, Some(span))
}

/// Reads the file that the first argument means.
pub(super) fn read(call: &Call<'_>, ty: Type, decode: impl FnOnce(Vec<u8>) -> Computed) -> Computed {
    let Some((files, path)) = inside(call) else { return Ok(outside(call, ty)) };
    decode(files.tree.read(&path).map_err(|error| format!("The file {path:?} cannot be read: {}.", error.reason))?)
}

/// The scope of a template file: the variables it is given, and nothing else.
struct TemplateScope<'a> {
    variables: BTreeMap<&'a str, &'a Value>,
    outer: &'a dyn Scope,
}

impl Scope for TemplateScope<'_> {
    fn resolve(&self, name: &str, _: &[ReferenceStep<'_>], _: &Evaluation) -> Resolved {
        match self.variables.get(name) {
            Some(value) => Resolved::Value { value: (*value).clone(), n_steps: 0 },
            None => Resolved::Invalid(format!("The template is given no variable {name:?}.")),
        }
    }

    fn files(&self) -> Option<Files<'_>> {
        self.outer.files()
    }

    fn current_dir(&self) -> Option<&str> {
        self.outer.current_dir()
    }
}

fn template(call: &Call<'_>) -> Computed {
    let Some((files, path)) = inside(call) else { return Ok(outside(call, Type::Dynamic)) };
    let variables = &call.arguments[1];
    if !matches!(variables.ty(), Type::Map(_) | Type::Object(_)) {
        return Err("The variables must be a map or an object.".to_owned());
    }
    let bytes =
        files.tree.read(&path).map_err(|error| format!("The file {path:?} cannot be read: {}.", error.reason))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("The file {path:?} is not UTF-8 text."))?;
    let scope = TemplateScope { variables: variables.entries().collect(), outer: call.evaluator.scope };
    let result = expression::parse_template(&path, &text)
        .and_then(|(file, node)| evaluate(&file, &node, &scope, call.evaluator.run));
    result.map_err(|problem| {
        let line = problem.span.as_ref().map_or(0, |span| span.start.line);
        format!("In line {line} of {path:?}: {}", problem.detail)
    })
}
