//! Text for people to review: values, addresses, blocks and whole drafts, formatted so that `terraform fmt` leaves them
//! alone, and meaning, byte for byte, what they were written from.
//!
//! [`resource`], [`module_call`], [`variable`] and [`import`] write what [`model::draft`] holds, [`file()`] joins them. How
//! a literal is spelled is decided here:
//! - Text of several lines that ends with a line end is a heredoc where it survives that; every other text is in quotes.
//! - [`Json`](model::draft::DraftExpression::Json) holds the expression whose `jsonencode` the text is. What that
//!   function, given the literals as they are read back, would not encode to the same bytes is written as the text.
//! - A label of a block that `terraform fmt` would lose is given by a `dynamic` block.
//! - What is marked, unknown or infinite is an error: no secret is ever written.

mod draft;
mod expression;
mod layout;
mod text;

pub use draft::{file, import, module_call, resource, variable};
pub use expression::{address, value};
pub use layout::BlockText;
pub(crate) use text::key;
pub use text::quoted;

use std::fmt::Write as _;

use cty::{Path, Value};
use model::{ImportId, InstanceAddress, ResourceAddress, ResourceMode};

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
