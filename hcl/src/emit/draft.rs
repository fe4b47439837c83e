//! Drafts as blocks.

use cty::{Path, PathStep, Type};
use model::ResourceMode;
use model::draft::{
    Draft, DraftBlock, DraftBody, DraftExpression, DraftImport, DraftImportSource, DraftModuleCall, DraftVariable,
};

use super::expression::{Place, expression, fail, for_each, push_steps};
use super::layout::{self, Shape, Text, push_assignments, push_indent};
use super::text::{is_name, is_plain_name, push_comment, push_quoted, quoted};
use super::{EmitError, ImportSource, import_block};

/// How deep blocks may nest.
const MAX_BLOCK_DEPTH: usize = 50;

/// Writes a resource block, with a line end behind it.
///
/// What it is repeated for and the provider come first, then arguments, blocks, and what `lifecycle` ignores.
///
/// ```
/// use cty::Value;
/// use model::draft::{Draft, DraftBody, DraftExpression};
/// let body = DraftBody {
///     arguments: vec![
///         ("name".to_owned(), DraftExpression::Literal(Value::string("a${b}"))),
///         ("max_message_size".to_owned(), DraftExpression::Literal(Value::from(1024_u64))),
///     ],
///     blocks: Vec::new(),
/// };
/// let draft = Draft {
///     address: model::ResourceAddress::managed("aws_sqs_queue", "jobs"),
///     provider: None,
///     for_each: None,
///     body,
///     ignore_changes: Vec::new(),
///     remarks: Vec::new(),
/// };
/// let expected = r#"resource "aws_sqs_queue" "jobs" {
///   name             = "a$${b}"
///   max_message_size = 1024
/// }
/// "#;
/// assert_eq!(hcl::emit::resource(&draft)?, expected);
/// # Ok::<(), hcl::emit::EmitError>(())
/// ```
///
/// Errors: values that are unknown, infinite or must not be shown, names that are none, and what nests too deep; the
/// path says where.
pub fn resource(draft: &Draft) -> Result<String, EmitError> {
    let mut path = Path::new();
    if !is_plain_name(draft.address.resource_type.as_str()) || !is_name(&draft.address.name) {
        return fail("the type or the name of the resource is no name", &path);
    }
    let mut meta = Vec::new();
    if let Some(provider) = &draft.provider {
        if !provider.split('.').all(is_name) {
            return fail("the provider configuration has no name", &path);
        }
        meta.push(("provider".to_owned(), Text::line(provider.clone())));
    }
    if let Some(repeated) = &draft.for_each {
        path.push(PathStep::GetAttr("for_each".to_owned()));
        meta.push(("for_each".to_owned(), for_each(repeated, 1, &mut path)?));
        path.pop();
    }
    let mut out = remarks(&draft.remarks);
    out.push_str(match draft.address.mode {
        ResourceMode::Managed => "resource ",
        ResourceMode::Data => "data ",
    });
    push_quoted(&mut out, draft.address.resource_type.as_str());
    out.push(' ');
    push_quoted(&mut out, &draft.address.name);
    let ignored = ignore_changes(&draft.ignore_changes)?;
    push_braces(&mut out, 0, |out| {
        let mut parts = Parts::default();
        parts.part(out, !meta.is_empty(), |out| push_assignments(out, &meta, 1));
        push_body(out, &draft.body, 1, &mut path, &mut parts)?;
        parts.part(out, ignored.is_some(), |out| {
            push_indent(out, 1);
            out.push_str("lifecycle {\n");
            let ignored = ignored.clone().map(|ignored| ("ignore_changes".to_owned(), ignored));
            push_assignments(out, ignored.as_slice(), 2);
            push_indent(out, 1);
            out.push_str("}\n");
        });
        Ok(())
    })?;
    Ok(out)
}

/// Writes a call of a module, with a line end behind it.
///
/// Errors: as [`resource`].
pub fn module_call(call: &DraftModuleCall) -> Result<String, EmitError> {
    let mut path = Path::new();
    if !is_name(&call.name) {
        return fail("the name of the module call is no name", &path);
    }
    let mut meta = vec![("source".to_owned(), Text::line(quoted(&call.source)))];
    meta.extend(call.version.as_ref().map(|version| ("version".to_owned(), Text::line(quoted(version)))));
    if let Some(repeated) = &call.for_each {
        path.push(PathStep::GetAttr("for_each".to_owned()));
        meta.push(("for_each".to_owned(), for_each(repeated, 1, &mut path)?));
        path.pop();
    }
    let mut out = remarks(&call.remarks);
    out.push_str("module ");
    push_quoted(&mut out, &call.name);
    push_braces(&mut out, 0, |out| {
        let mut parts = Parts::default();
        parts.part(out, true, |out| push_assignments(out, &meta, 1));
        let arguments = arguments(&call.arguments, 1, &mut path)?;
        push_arguments(out, &arguments, 1, &mut parts);
        Ok(())
    })?;
    Ok(out)
}

/// Writes a variable block, with a line end behind it.
///
/// Errors: a name that is none.
pub fn variable(variable: &DraftVariable) -> Result<String, EmitError> {
    if !is_name(&variable.name) {
        return fail("a variable's name is a letter, then letters, digits, `_` and `-`", &Path::new());
    }
    let mut entries = Vec::new();
    if !variable.description.is_empty() {
        entries.push(("description".to_owned(), Text::line(quoted(&variable.description))));
    }
    entries.push(("type".to_owned(), constraint(&variable.ty, 1)));
    if variable.is_sensitive {
        entries.push(("sensitive".to_owned(), Text::line("true")));
    }
    let mut out = String::from("variable ");
    push_quoted(&mut out, &variable.name);
    out.push_str(" {\n");
    push_assignments(&mut out, &entries, 1);
    out.push_str("}\n");
    Ok(out)
}

/// Writes an import block, with a line end behind it.
///
/// What an identity leaves open (null) is left out of it.
///
/// Errors: as [`import_block`].
pub fn import(import: &DraftImport) -> Result<String, EmitError> {
    let provider = import.provider.as_deref();
    match &import.source {
        DraftImportSource::Id(id) => import_block(&import.to, ImportSource::Id(id), provider),
        DraftImportSource::Identity(identity) => {
            let value = &identity.value;
            if value.is_marked() || value.is_null() || value.ty().as_object().is_none() {
                return import_block(&import.to, ImportSource::Identity(value), provider);
            }
            let given = value.entries().filter(|(_, value)| !value.is_null());
            let given = given.map(|(name, value)| (name.to_owned(), value.clone())).collect();
            import_block(&import.to, ImportSource::Identity(&cty::Value::object(given)), provider)
        }
    }
}

/// Joins blocks to the text of a file, under remarks for whoever reads it.
pub fn file(remarks: &[String], blocks: &[String]) -> String {
    let mut out = self::remarks(remarks);
    for block in blocks {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(block);
    }
    out
}

fn remarks(remarks: &[String]) -> String {
    let mut out = String::new();
    for remark in remarks {
        push_comment(&mut out, remark);
    }
    out
}

/// Writes blank lines between the parts of a block.
#[derive(Debug, Default)]
struct Parts {
    has_any: bool,
}

impl Parts {
    fn part(&mut self, out: &mut String, exists: bool, write: impl FnOnce(&mut String)) {
        if exists {
            if self.has_any {
                out.push('\n');
            }
            self.has_any = true;
            write(out);
        }
    }
}

/// Writes what is between braces, which stay on one line where it is nothing.
fn push_braces(
    out: &mut String,
    indent: usize,
    write: impl FnOnce(&mut String) -> Result<(), EmitError>,
) -> Result<(), EmitError> {
    out.push_str(" {\n");
    let n_before = out.len();
    write(out)?;
    if out.len() == n_before {
        out.pop();
    } else {
        push_indent(out, indent);
    }
    out.push_str("}\n");
    Ok(())
}

fn push_body(
    out: &mut String,
    body: &DraftBody,
    indent: usize,
    path: &mut Path,
    parts: &mut Parts,
) -> Result<(), EmitError> {
    let arguments = arguments(&body.arguments, indent, path)?;
    push_arguments(out, &arguments, indent, parts);
    for block in &body.blocks {
        path.push(PathStep::GetAttr(block.block_type.clone()));
        let mut text = String::new();
        push_block(&mut text, block, indent, path)?;
        parts.part(out, true, |out| out.push_str(&text));
        path.pop();
    }
    Ok(())
}

/// Writes arguments; those of several lines have blank lines around them.
fn push_arguments(out: &mut String, arguments: &[(String, Text)], indent: usize, parts: &mut Parts) {
    for group in arguments.chunk_by(|(_, one), (_, other)| one.shape == Shape::Line && other.shape == Shape::Line) {
        parts.part(out, true, |out| push_assignments(out, group, indent));
    }
}

fn push_block(out: &mut String, block: &DraftBlock, indent: usize, path: &mut Path) -> Result<(), EmitError> {
    if !is_name(&block.block_type) {
        return fail("the type of the block is no name", path);
    }
    if path.len() > MAX_BLOCK_DEPTH {
        return fail("the blocks are nested too deep", path);
    }
    let inner = |out: &mut String, indent: usize, path: &mut Path| {
        push_braces(out, indent, |out| push_body(out, &block.body, indent + 1, path, &mut Parts::default()))
    };
    push_indent(out, indent);
    // `terraform fmt` takes away labels that hold a `$` or `%`, and rewrites others that are not plain.
    let is_safe = |label: &String| label.chars().all(|c| matches!(c, ' '..='~') && !matches!(c, '$' | '%'));
    match &block.label {
        Some(label) if !is_safe(label) => {
            out.push_str("dynamic ");
            push_quoted(out, &block.block_type);
            out.push_str(" {\n");
            let iteration = [
                ("for_each".to_owned(), Text::line(format!("[{}]", quoted(label)))),
                ("labels".to_owned(), Text::line(format!("[{}.value]", block.block_type))),
            ];
            push_assignments(out, &iteration, indent + 1);
            out.push('\n');
            push_indent(out, indent + 1);
            out.push_str("content");
            inner(out, indent + 1, path)?;
            push_indent(out, indent);
            out.push_str("}\n");
            Ok(())
        }
        label => {
            out.push_str(&block.block_type);
            if let Some(label) = label {
                out.push(' ');
                push_quoted(out, label);
            }
            inner(out, indent, path)
        }
    }
}

fn arguments(
    arguments: &[(String, DraftExpression)],
    indent: usize,
    path: &mut Path,
) -> Result<Vec<(String, Text)>, EmitError> {
    let mut texts: Vec<(String, Text)> = Vec::with_capacity(arguments.len());
    for (name, argument) in arguments {
        path.push(PathStep::GetAttr(name.clone()));
        if !is_name(name) {
            return fail("the name of the argument is no name", path);
        }
        if texts.iter().any(|(other, _)| other == name) {
            return fail("the argument stands twice in one block", path);
        }
        texts.push((name.clone(), expression(argument, indent, Place::ARGUMENT, path)?));
        path.pop();
    }
    Ok(texts)
}

fn ignore_changes(ignored: &[Path]) -> Result<Option<Text>, EmitError> {
    if ignored.is_empty() {
        return Ok(None);
    }
    let mut texts = Vec::with_capacity(ignored.len());
    for path in ignored {
        let Some((PathStep::GetAttr(name), steps)) = path.steps().split_first() else {
            return fail("what is ignored begins with an attribute", path);
        };
        if !is_plain_name(name) {
            return fail("what is ignored begins with an attribute", path);
        }
        let mut text = name.clone();
        push_steps(&mut text, steps, path)?;
        texts.push(Text::line(text));
    }
    Ok(Some(layout::list(&texts, 2)))
}

/// Writes a type constraint; `any` for what constraints have no words for.
fn constraint(ty: &Type, indent: usize) -> Text {
    let around = |name: &str, inner: Text| Text { text: format!("{name}({})", inner.text), shape: inner.shape };
    match ty {
        Type::Dynamic => Text::line("any"),
        Type::String => Text::line("string"),
        Type::Number => Text::line("number"),
        Type::Bool => Text::line("bool"),
        Type::List(element) => around("list", constraint(element, indent)),
        Type::Set(element) => around("set", constraint(element, indent)),
        Type::Map(element) => around("map", constraint(element, indent)),
        Type::Tuple(elements) => {
            let elements: Vec<Text> = elements.iter().map(|element| constraint(element, indent + 1)).collect();
            around("tuple", layout::list(&elements, indent))
        }
        Type::Object(object) => {
            if !object.attributes().all(|(name, _)| is_plain_name(name)) {
                return Text::line("any");
            }
            let entries = object.attributes().map(|(name, ty)| {
                let text = constraint(ty, indent + 1);
                (name.to_owned(), if object.is_optional(name) { around("optional", text) } else { text })
            });
            around("object", layout::object(&entries.collect::<Vec<_>>(), indent))
        }
    }
}
