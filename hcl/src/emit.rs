//! Text for people to review: values, addresses and blocks, formatted so that `terraform fmt` leaves them alone.

use std::fmt::Write as _;

use cty::{Path, PathStep, Type, Value};
use model::{ImportId, InstanceAddress, InstanceKey, ModuleAddress, ResourceAddress, ResourceMode};

use crate::lex::{is_identifier_part, is_identifier_start};

/// How wide a list may be to stand in one line.
const MAX_LINE: usize = 80;
/// How deep values may nest.
const MAX_DEPTH: usize = 100;
/// Names that mean something else where a key stands.
const KEYWORDS: &[&str] = &["false", "for", "if", "in", "null", "true"];

/// Says why something cannot be written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("cannot be written{}: {reason}", place(path))]
pub struct EmitError {
    /// What is wrong, as a clause.
    pub reason: &'static str,
    /// Where in the value.
    pub path: Path,
}

fn place(path: &Path) -> String {
    if path.is_empty() { String::new() } else { format!(" (at {path})") }
}

/// Says how an object is found when it is imported.
#[derive(Clone, Copy, Debug)]
pub enum ImportSource<'a> {
    /// By its import id.
    Id(&'a ImportId),
    /// By its identity: an object. From terraform and OpenTofu 1.12 on.
    Identity(&'a Value),
}

/// A block to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockText {
    /// The type.
    pub block_type: String,
    /// The labels.
    pub labels: Vec<String>,
    /// Names and texts of the arguments, in order; a text is what [`value`] or an address function gives.
    pub arguments: Vec<(String, String)>,
    /// The blocks inside, in order.
    pub blocks: Vec<BlockText>,
}

impl BlockText {
    /// Writes the block, with a line end behind it.
    pub fn write(&self) -> String {
        let mut out = String::new();
        self.write_at(&mut out, 0);
        out
    }

    fn write_at(&self, out: &mut String, indent: usize) {
        push_indent(out, indent);
        out.push_str(&self.block_type);
        for label in &self.labels {
            out.push(' ');
            push_quoted(out, label);
        }
        if self.arguments.is_empty() && self.blocks.is_empty() {
            out.push_str(" {}\n");
            return;
        }
        out.push_str(" {\n");
        push_assignments(out, &self.arguments, indent + 1);
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 || !self.arguments.is_empty() {
                out.push('\n');
            }
            block.write_at(out, indent + 1);
        }
        push_indent(out, indent);
        out.push_str("}\n");
    }
}

/// Writes an `import` block.
///
/// ```
/// use hcl::emit::{ImportSource, import_block};
/// let to = r#"aws_sqs_queue.jobs["a${b}"]"#.parse()?;
/// let text = import_block(&to, ImportSource::Id(&"https://sqs/jobs".into()), None)?;
/// assert_eq!(text, "import {\n  to = aws_sqs_queue.jobs[\"a$${b}\"]\n  id = \"https://sqs/jobs\"\n}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Errors: a data source as target, an identity that is not a known object, a provider for a target in a module (which
/// terraform refuses).
pub fn import_block(
    to: &InstanceAddress,
    source: ImportSource<'_>,
    provider: Option<&str>,
) -> Result<String, EmitError> {
    let fail = |reason| Err(EmitError { reason, path: Path::new() });
    if to.resource.mode == ResourceMode::Data {
        return fail("a data source cannot be imported");
    }
    if provider.is_some() && !to.resource.module.is_root() {
        return fail("a provider can be named only where the target is in the root module");
    }
    let mut arguments = vec![("to".to_owned(), address(to))];
    match source {
        ImportSource::Id(id) => arguments.push(("id".to_owned(), quoted(id.as_str()))),
        ImportSource::Identity(identity) => {
            if identity.is_null() || identity.ty().as_object().is_none() {
                return fail("an identity is an object");
            }
            arguments.push(("identity".to_owned(), value(identity)?));
        }
    }
    arguments.extend(provider.map(|provider| ("provider".to_owned(), provider.to_owned())));
    Ok(BlockText { block_type: "import".to_owned(), arguments, ..BlockText::default() }.write())
}

/// Writes a `removed` block that forgets a resource and destroys nothing.
///
/// Instance keys of modules are left out: the block means every instance.
///
/// Errors: a data source.
pub fn removed_block(from: &ResourceAddress) -> Result<String, EmitError> {
    if from.mode == ResourceMode::Data {
        return Err(EmitError { reason: "a data source needs no `removed` block", path: Path::new() });
    }
    let mut target = String::new();
    for step in from.module.steps() {
        let _ = write!(target, "module.{}.", step.name);
    }
    let _ = write!(target, "{}.{}", from.resource_type, from.name);
    // Terraform destroys and OpenTofu forgets where this is left out.
    let lifecycle = BlockText {
        block_type: "lifecycle".to_owned(),
        arguments: vec![("destroy".to_owned(), "false".to_owned())],
        ..BlockText::default()
    };
    let block = BlockText {
        block_type: "removed".to_owned(),
        arguments: vec![("from".to_owned(), target)],
        blocks: vec![lifecycle],
        ..BlockText::default()
    };
    Ok(block.write())
}

/// Writes the address of a resource instance as an expression.
pub fn address(address: &InstanceAddress) -> String {
    let mut out = String::new();
    push_module(&mut out, &address.resource.module);
    if address.resource.mode == ResourceMode::Data {
        out.push_str("data.");
    }
    let _ = write!(out, "{}.{}", address.resource.resource_type, address.resource.name);
    push_key(&mut out, address.key.as_ref());
    out
}

fn push_module(out: &mut String, module: &ModuleAddress) {
    for step in module.steps() {
        let _ = write!(out, "module.{}", step.name);
        push_key(out, step.key.as_ref());
        out.push('.');
    }
}

fn push_key(out: &mut String, key: Option<&InstanceKey>) {
    match key {
        Some(InstanceKey::Int(index)) => {
            let _ = write!(out, "[{index}]");
        }
        Some(InstanceKey::String(text)) => {
            out.push('[');
            push_quoted(out, text);
            out.push(']');
        }
        None => {}
    }
}

/// Writes a text as a string without interpolation.
///
/// What could be misread in a review (control characters, marks that turn the direction of text) is written as an escape.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(&mut out, text);
    out
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => {
                out.push(c);
                out.push(c);
            }
            c if c.is_control() || is_deceptive(c) => push_escape(out, c),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn push_escape(out: &mut String, c: char) {
    let code = u32::from(c);
    let _ = if code <= 0xffff { write!(out, "\\u{code:04x}") } else { write!(out, "\\U{code:08x}") };
}

/// Tells whether a character is invisible or turns the direction of the text around it.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Writes a value as an expression.
///
/// Errors: what is unknown, and what must not be shown.
pub fn value(value: &Value) -> Result<String, EmitError> {
    let mut out = String::new();
    push_value(&mut out, value, &mut Path::new())?;
    Ok(out)
}

/// Writes a value as for no indentation: no text in it holds a raw line end, so it can be indented later.
fn push_value(out: &mut String, value: &Value, path: &mut Path) -> Result<(), EmitError> {
    let fail = |reason, path: &Path| Err(EmitError { reason, path: path.clone() });
    if value.is_marked() {
        return fail("the value must not be shown", path);
    }
    if !value.is_known() {
        return fail("the value is not known", path);
    }
    if path.len() > MAX_DEPTH {
        return fail("the value is nested too deep", path);
    }
    if value.is_null() {
        out.push_str("null");
        return Ok(());
    }
    match value.ty() {
        Type::List(_) | Type::Set(_) | Type::Tuple(_) => {
            let mut texts = Vec::with_capacity(value.len());
            for (index, element) in value.elements().enumerate() {
                path.push(PathStep::Index(Value::from(index as u64)));
                let mut text = String::new();
                push_value(&mut text, element, path)?;
                texts.push(text);
                path.pop();
            }
            push_list(out, &texts);
        }
        Type::Map(_) | Type::Object(_) => {
            let mut entries = Vec::with_capacity(value.len());
            for (name, element) in value.entries() {
                path.push(PathStep::GetAttr(name.to_owned()));
                let mut text = String::new();
                push_value(&mut text, element, path)?;
                entries.push((key(name), text));
                path.pop();
            }
            if entries.is_empty() {
                out.push_str("{}");
            } else {
                out.push_str("{\n");
                push_assignments(out, &entries, 1);
                out.push('}');
            }
        }
        Type::Dynamic | Type::String | Type::Number | Type::Bool => {
            if let Some(text) = value.as_str() {
                push_quoted(out, text);
            } else if let Some(number) = value.as_number() {
                if number.is_infinite() {
                    return fail("infinity has no literal", path);
                }
                let _ = write!(out, "{number}");
            } else {
                out.push_str(if value.as_bool() == Some(true) { "true" } else { "false" });
            }
        }
    }
    Ok(())
}

fn push_list(out: &mut String, texts: &[String]) {
    let width: usize = texts.iter().map(|text| text.len() + 2).sum();
    if width <= MAX_LINE && texts.iter().all(|text| !text.contains('\n')) {
        let _ = write!(out, "[{}]", texts.join(", "));
        return;
    }
    out.push_str("[\n");
    for text in texts {
        push_indent(out, 1);
        push_indented(out, text, 1);
        out.push_str(",\n");
    }
    out.push(']');
}

/// Writes the key of an object: a name where that is enough.
fn key(name: &str) -> String {
    let is_name = name.starts_with(is_identifier_start) && name.chars().all(is_identifier_part);
    if is_name && name.is_ascii() && !KEYWORDS.contains(&name) {
        return name.to_owned();
    }
    let mut out = String::new();
    let mut plain = String::new();
    out.push('"');
    for c in name.chars() {
        // How wide other characters are is a matter of taste, and equal signs are aligned by width.
        if c.is_ascii() || is_one_wide(c) {
            plain.push(c);
        } else {
            out.push_str(&inner(&std::mem::take(&mut plain)));
            push_escape(&mut out, c);
        }
    }
    out.push_str(&inner(&plain));
    out.push('"');
    out
}

/// Gives what stands between the quotes.
fn inner(text: &str) -> String {
    let text = quoted(text);
    text[1..text.len() - 1].to_owned()
}

/// Tells whether a character is a letter that never joins another to one sign.
fn is_one_wide(c: char) -> bool {
    let is_of_script = matches!(c, '\u{a0}'..='\u{2ff}' | '\u{370}'..='\u{482}' | '\u{48a}'..='\u{52f}'
        | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}');
    is_of_script && c.is_alphanumeric()
}

/// Writes `name = text` lines with their equal signs in one column, as far as `terraform fmt` aligns them: texts of
/// several lines stand apart.
fn push_assignments(out: &mut String, entries: &[(String, String)], indent: usize) {
    let is_short = |entry: &(String, String)| !entry.1.contains('\n');
    let mut rest = entries;
    while let Some(first) = rest.first() {
        let n_in_group = if is_short(first) { rest.iter().take_while(|entry| is_short(entry)).count() } else { 1 };
        let (group, behind) = rest.split_at(n_in_group);
        let width = group.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, text) in group {
            push_indent(out, indent);
            out.push_str(name);
            out.extend(std::iter::repeat_n(' ', width - name.chars().count()));
            out.push_str(" = ");
            push_indented(out, text, indent);
            out.push('\n');
        }
        rest = behind;
    }
}

/// Writes a text of several lines, all but the first indented.
fn push_indented(out: &mut String, text: &str, indent: usize) {
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
            push_indent(out, indent);
        }
        out.push_str(line);
    }
}

fn push_indent(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n("  ", indent));
}
