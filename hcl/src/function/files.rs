//! Functions on paths and on files of the configuration.
//!
//! Only files inside of the root module's folder are read: what lies outside is not a part of the configuration, and may
//! differ from one machine to the next.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cty::{Mark, Type, Value};

use super::{ANY, Call, Computed, Failure, Function, Parameter, Returns, TEXT, Takes, Wanted, glob, of};
use crate::evaluate::{Evaluation, Files, Resolved, Scope, evaluate};
use crate::expression::{self, Node, NodeKind, ReferenceStep};
use crate::source::SourceTree;

const fn function(name: &'static str, parameters: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Text, is_nullable: false, body }
}

/// How many bytes of a file become a value.
const MAX_FILE: usize = 4 << 20;
const MARKED: Parameter = of(Wanted::Any, &[Takes::Marked]);
const MARKED_TEXT: Parameter = of(Wanted::Text, &[Takes::Marked]);

pub(super) const FUNCTIONS: &[Function] = &[
    function("abspath", &[TEXT], |call| {
        let path = call.text(0);
        match call.evaluator.scope.current_dir() {
            _ if path.starts_with('/') => Ok(Value::string(clean(path))),
            Some(folder) => Ok(Value::string(clean(&format!("{folder}/{path}")))),
            None => Err(Failure::Unable("the current folder is not known, which abspath() needs".to_owned())),
        }
    }),
    function("basename", &[TEXT], |call| Ok(Value::string(base_name(call.text(0))))),
    function("dirname", &[TEXT], |call| Ok(Value::string(folder_name(call.text(0))))),
    function("file", &[TEXT], |call| read(call, |bytes| text_of(call, bytes).map(Value::string))),
    function("filebase64", &[TEXT], |call| read(call, |bytes| Ok(Value::string(STANDARD.encode(bytes))))),
    Function {
        returns: Returns::Bool,
        ..function("fileexists", &[TEXT], |call| {
            let (files, path) = inside(call, call.text(0))?;
            exists(files.tree, &path).map(Value::bool)
        })
    },
    Function {
        returns: Returns::TextSet,
        ..function("fileset", &[TEXT, TEXT], |call| {
            let folder = call.text(0);
            let pattern = clean(&format!("{folder}/{}", call.text(1)));
            let (files, pattern) = inside(call, &pattern)?;
            let base = relative(call, folder).ok_or_else(outside)?;
            let found = glob::find(files.tree, &pattern)?;
            let names = found.into_iter().map(|path| Value::string(from(&base, &path)));
            call.sized(Value::set(Type::String, names.collect())?)
        })
    },
    function("pathexpand", &[TEXT], |call| {
        let path = call.text(0);
        let Some(rest) = path.strip_prefix('~') else { return Ok(Value::string(path)) };
        if !rest.is_empty() && !rest.starts_with('/') {
            return Err(Failure::from("Only one's own home directory can be expanded."));
        }
        match call.evaluator.scope.files().and_then(|files| files.home) {
            Some(home) => Ok(Value::string(clean(&format!("{home}{rest}")))),
            None => Err(Failure::Unable("no home directory is known, which pathexpand() needs".to_owned())),
        }
    }),
    Function { returns: Returns::Anything, is_nullable: true, ..function("templatefile", &[TEXT, ANY], template_file) },
    Function {
        returns: Returns::Anything,
        is_nullable: true,
        ..function("templatestring", &[MARKED_TEXT, MARKED], template_string)
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
pub(super) fn clean(path: &str) -> String {
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

/// Gives a path as one from a folder to what is in it or beside it.
fn from(base: &str, path: &str) -> String {
    let mut base: Vec<&str> = base.split('/').filter(|part| *part != ".").collect();
    let mut rest: Vec<&str> = path.split('/').collect();
    while base.first().is_some_and(|part| rest.first() == Some(part)) && rest.len() > 1 {
        base.remove(0);
        rest.remove(0);
    }
    let up = std::iter::repeat_n("..", base.len());
    up.chain(rest).collect::<Vec<_>>().join("/")
}

/// Gives a path relative to the root module's folder; `None` where it leads outside.
fn relative(call: &Call<'_>, path: &str) -> Option<String> {
    let path = clean(path);
    let path = match call.evaluator.scope.current_dir().map(clean) {
        Some(folder) if path == folder => ".".to_owned(),
        Some(folder) if path.starts_with('/') => {
            path.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/'))?.to_owned()
        }
        _ => path,
    };
    let is_outside = path.starts_with('/') || path == ".." || path.starts_with("../") || path.starts_with('~');
    (!is_outside).then_some(path)
}

fn outside() -> Failure {
    Failure::Unable("it comes from a file outside of the root module's folder, which is not read".to_owned())
}

/// Gives the files, and where in them a path leads.
fn inside<'a>(call: &'a Call<'_>, path: &str) -> Result<(Files<'a>, String), Failure> {
    let none = || Failure::Unable("it comes from a file, and none can be read here".to_owned());
    let files = call.evaluator.scope.files().ok_or_else(none)?;
    Ok((files, relative(call, path).ok_or_else(outside)?))
}

/// Reads the file that the first argument means.
pub(super) fn read(call: &Call<'_>, decode: impl FnOnce(Vec<u8>) -> Computed) -> Computed {
    decode(bytes(call)?)
}

fn bytes(call: &Call<'_>) -> Result<Vec<u8>, Failure> {
    let (files, path) = inside(call, call.text(0))?;
    let bytes = files.tree.read(&path).map_err(|error| {
        // What is there and yet cannot be read, others may be able to read.
        if is_file(files.tree, &path) {
            return Failure::Unable(format!("the file {path:?} cannot be read: {}", error.reason));
        }
        Failure::Wrong(format!("The file {path:?} cannot be read: {}.", error.reason))
    })?;
    if bytes.len() > MAX_FILE {
        return Err(Failure::Unable(format!("the file {path:?} has more than {MAX_FILE} bytes")));
    }
    Ok(bytes)
}

fn text_of(call: &Call<'_>, bytes: Vec<u8>) -> Result<String, Failure> {
    let path = call.text(0);
    String::from_utf8(bytes).map_err(|_| Failure::Wrong(format!("The file {path:?} is not UTF-8 text.")))
}

/// Tells whether there is a file.
fn exists(tree: &dyn SourceTree, path: &str) -> Result<bool, Failure> {
    if is_file(tree, path) {
        return Ok(true);
    }
    let (folder, name) = parent(path);
    if path == "." || tree.folders(folder).is_ok_and(|names| names.iter().any(|other| other == name)) {
        return Err(Failure::from("The path is that of a folder."));
    }
    if path.match_indices('/').any(|(end, _)| is_file(tree, &path[..end])) {
        return Err(Failure::from("The path leads through a file."));
    }
    Ok(tree.read(path).is_ok())
}

/// Splits a path into the folder and the name in it.
fn parent(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or((".", path))
}

fn is_file(tree: &dyn SourceTree, path: &str) -> bool {
    let (folder, name) = parent(path);
    tree.list(folder).is_ok_and(|names| names.iter().any(|other| other == name))
}

/// The scope of a template: the variables it is given, and nothing else.
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

fn template_file(call: &Call<'_>) -> Computed {
    let text = text_of(call, bytes(call)?)?;
    render(call, call.text(0), &text, &call.arguments[1])
}

fn template_string(call: &Call<'_>) -> Computed {
    let ((template, mut marks), (variables, of_variables)) = (call.bare(0), call.bare(1));
    marks.extend(of_variables);
    let result = render(call, "template", template.as_str().unwrap_or_default(), &variables)?;
    if *result.ty() != Type::String {
        let reason = "templatestring() gives text in terraform and another value in OpenTofu";
        return Err(Failure::Unable(reason.to_owned()));
    }
    Ok(result.with_marks(marks))
}

fn render(call: &Call<'_>, name: &str, text: &str, variables: &Value) -> Computed {
    if !matches!(variables.ty(), Type::Map(_) | Type::Object(_)) {
        return Err(Failure::from("The variables must be a map or an object."));
    }
    let scope = TemplateScope { variables: variables.entries().collect(), outer: call.evaluator.scope };
    if let Some(invalid) = scope.variables.keys().find(|name| !is_identifier(name)) {
        return Err(Failure::Wrong(format!("No variable of a template can have the name {invalid:?}.")));
    }
    let evaluated = expression::parse_template(name, text).and_then(|(file, node)| {
        check_names(&node, &scope, &mut Vec::new(), call)?;
        evaluate(&file, &node, &scope, call.evaluator.run)
    });
    let is_secret = variables.unmark_deep().1.contains(&Mark::Sensitive);
    evaluated.map_err(|problem| {
        let line = problem.span.as_ref().map_or(0, |span| span.start.line);
        let detail = if is_secret { "something is wrong with a value that is not shown." } else { &problem.detail };
        let detail = format!("In line {line} of {name:?}: {detail}");
        if super::special::is_limit(&problem) { Failure::TooLarge(detail) } else { Failure::Wrong(detail) }
    })
}

fn is_identifier(name: &str) -> bool {
    let parsed = expression::parse_text("name", name);
    parsed.is_ok_and(|(_, node)| matches!(&node.kind, NodeKind::Name(parsed) if parsed == name))
}

/// Finds a name that the template is not given, even where it would not be looked at.
fn check_names<'n>(
    node: &'n Node,
    scope: &TemplateScope<'_>,
    own: &mut Vec<&'n str>,
    call: &Call<'_>,
) -> Result<(), Box<model::Diagnostic>> {
    let check = |node: &'n Node, own: &mut Vec<&'n str>| check_names(node, scope, own, call);
    match &node.kind {
        NodeKind::Name(name) if !own.contains(&name.as_str()) && !scope.variables.contains_key(name.as_str()) => {
            let detail = format!("The template is given no variable {name:?}.");
            Err(call.evaluator.fail(&node.range, "Invalid reference", detail))
        }
        NodeKind::Name(_) | NodeKind::Literal(_) | NodeKind::SplatElement => Ok(()),
        NodeKind::Template(parts) | NodeKind::Tuple(parts) | NodeKind::Call { arguments: parts, .. } => {
            parts.iter().try_for_each(|part| check(part, own))
        }
        NodeKind::Wrapped(inner)
        | NodeKind::Joined(inner)
        | NodeKind::Parentheses(inner)
        | NodeKind::Attribute { of: inner, .. }
        | NodeKind::Unary { operand: inner, .. } => check(inner, own),
        NodeKind::Index { of: a, key: b }
        | NodeKind::Splat { of: a, each: b }
        | NodeKind::Binary { left: a, right: b, .. } => [a, b].into_iter().try_for_each(|part| check(part, own)),
        NodeKind::Object(items) => items.iter().try_for_each(|(key, value)| {
            if !matches!(key.kind, NodeKind::Name(_)) {
                check(key, own)?;
            }
            check(value, own)
        }),
        NodeKind::Conditional { condition, yes, no } => {
            [condition, yes, no].into_iter().try_for_each(|part| check(part, own))
        }
        NodeKind::For(parts) => {
            check(&parts.collection, own)?;
            let n_outer = own.len();
            own.extend(parts.key_name.as_deref());
            own.push(&parts.value_name);
            let inner = [parts.key.as_ref(), Some(&parts.value), parts.condition.as_ref()];
            let result = inner.into_iter().flatten().try_for_each(|part| check(part, own));
            own.truncate(n_outer);
            result
        }
    }
}
