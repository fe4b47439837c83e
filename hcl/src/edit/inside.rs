//! Edits inside of an argument's expression, where that is written out: literals, items of objects, elements of tuples.
//!
//! A value is set at a path, and what stands around it stays as it is. What is computed is refused: only what can be read
//! off the text without evaluating it is changed. Whatever is written is read back before it is given.

mod json;
mod native;

use cty::convert::convert;
use cty::{PathStep, Value};

use super::{Edit, EditProblem, Place};
use crate::syntax::{AttributeSyntax, File};

/// Sets values at paths inside of the expression of an argument; null takes an item or an element away.
///
/// An element of a list is meant by its position, one of a set by its value, or by an object with some of its arguments.
/// The empty path means the whole expression.
///
/// ```
/// use cty::{Path, Value};
/// use hcl::{File, edit};
/// let (file, _) = File::parse("main.tf", "tags = {\n  Name = \"a\" # ours\n  env  = \"dev\"\n}\n");
/// let name = Path::new().index("Name");
/// let owner = Path::new().index("CostCenter");
/// let changes = [(name.steps(), Value::string("b")), (owner.steps(), Value::string("42"))];
/// let edit = edit::set_inside(&file, &file.body.attributes[0], &changes)?;
/// let edited = edit::apply(&file, file.bytes(), &[edit])?;
/// let expected = "tags = {\n  Name       = \"b\" # ours\n  env        = \"dev\"\n  CostCenter = \"42\"\n}\n";
/// assert_eq!(String::from_utf8_lossy(&edited), expected);
/// # Ok::<(), edit::EditProblem>(())
/// ```
///
/// # Errors
/// Where something on the way is computed, or not there, or the value cannot be written: it is marked, or not known.
pub fn set_inside(
    file: &File,
    attribute: &AttributeSyntax,
    changes: &[(&[PathStep], Value)],
) -> Result<Edit, EditProblem> {
    if changes.iter().any(|(_, value)| value.contains_marked() || !value.is_wholly_known()) {
        return Err(EditProblem::Place { reason: "the new value is sensitive, or not known" });
    }
    let range = attribute.expression.range();
    let Some(old) = file.text.get(range.clone()) else {
        return Err(EditProblem::Place { reason: "there is a mistake at that place" });
    };
    let mut text = old.replace("\r\n", "\n");
    if attribute.expression.json().is_some() {
        for (steps, value) in changes {
            text = json::set(&text, steps, value)?;
        }
        let newline = if file.text.contains("\r\n") { "\r\n" } else { "\n" };
        return Ok(Edit { splices: vec![(range, text.replace('\n', newline))] });
    }
    let place = Place::new(file)?;
    let indent = place.indent(attribute.range.start);
    for (steps, value) in changes {
        text = native::set(&text, steps, value, indent)?;
    }
    Ok(Edit { splices: vec![(range, text.replace('\n', place.newline))] })
}

const COMPUTED: EditProblem = EditProblem::Place { reason: "what is there is computed, and no literal" };
const NOT_THERE: EditProblem = EditProblem::Place { reason: "nothing is written there" };

/// What a step of a path means among items or elements.
enum Wanted<'p> {
    /// The item of this name.
    Name(&'p str),
    /// The element at this position.
    Position(usize),
    /// The element that is this, or has all of this.
    Element(&'p Value),
}

fn wanted(step: &PathStep) -> Wanted<'_> {
    match step {
        PathStep::GetAttr(name) => Wanted::Name(name),
        PathStep::Index(key) => {
            match (key.as_str(), key.as_number().and_then(|number| number.to_string().parse().ok())) {
                (Some(name), _) => Wanted::Name(name),
                (_, Some(position)) => Wanted::Position(position),
                _ => Wanted::Element(key),
            }
        }
    }
}

/// Tells whether a literal means the same as a value, in whatever type it is written.
fn is_same(written: &Value, value: &Value) -> bool {
    if written.is_null() || value.is_null() {
        return written.is_null() && value.is_null();
    }
    convert(written, value.ty()).is_ok_and(|written| written == *value)
}

/// Tells whether a literal element is the one that a step of a path means.
fn is_meant(written: &Value, wanted: &Value) -> bool {
    if wanted.ty().as_object().is_none() {
        return is_same(written, wanted);
    }
    wanted.entries().all(|(name, value)| {
        let has = written.entries().find(|(other, _)| *other == name).map(|(_, written)| is_same(written, value));
        // What is not written has its default.
        has.unwrap_or(value.is_null())
    })
}

/// Finds the one element that a step means; `Ok(None)` where none is.
fn find_element(elements: &[Option<Value>], wanted: &Value) -> Result<Option<usize>, EditProblem> {
    if elements.iter().any(Option::is_none) {
        return Err(COMPUTED);
    }
    let mut meant = elements
        .iter()
        .enumerate()
        .filter(|(_, written)| written.as_ref().is_some_and(|written| is_meant(written, wanted)));
    match (meant.next(), meant.next()) {
        (found, None) => Ok(found.map(|(position, _)| position)),
        _ => Err(EditProblem::Place { reason: "several elements are meant" }),
    }
}
