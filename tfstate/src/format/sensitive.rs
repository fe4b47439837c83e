//! Paths of attributes that must not be shown, and how they are put on decoded values.
//!
//! Source: `unmarshalPaths` in `internal/states/statefile/version4.go`.

use cty::{Mark, Marks, Path, PathStep, Type, Value};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::members::{Flaw, syntax};

#[derive(Deserialize)]
struct Step<'a> {
    r#type: String,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// Reads `sensitive_attributes`.
pub(crate) fn parse(json: &[u8]) -> Result<Vec<Path>, Flaw> {
    let paths: Option<Vec<Vec<Step<'_>>>> = serde_json::from_slice(json).map_err(|error| syntax(&error))?;
    paths.unwrap_or_default().iter().map(|steps| parse_path(steps)).collect()
}

fn parse_path(steps: &[Step<'_>]) -> Result<Path, Flaw> {
    let mut path = Path::default();
    for step in steps {
        let value = step.value.get();
        path.push(match step.r#type.as_str() {
            "get_attr" => PathStep::GetAttr(serde_json::from_str(value).map_err(|error| syntax(&error))?),
            "index" => PathStep::Index(
                cty::json::decode(value.as_bytes(), &Type::Dynamic)
                    .map_err(|error| Flaw(format!("an index of a path is not a value with its type: {error}")))?,
            ),
            other => return Err(Flaw(format!("{other:?} is no kind of path step"))),
        });
    }
    Ok(path)
}

/// Tells whether a top-level attribute is sensitive, as a whole or in part.
pub(crate) fn covers_attribute(path: &Path, name: &str) -> bool {
    match path.steps().first() {
        None => true,
        Some(PathStep::GetAttr(attribute)) => attribute == name,
        Some(PathStep::Index(_)) => false,
    }
}

/// Marks what the paths lead to; where a path leads nowhere, what it leads to at last.
///
/// A value without schema has no sets, so that a path into a set ends before it: then the whole collection is marked.
pub(crate) fn mark(value: &Value, paths: &[Path]) -> Value {
    if paths.is_empty() {
        return value.clone();
    }
    let marked: Vec<(Path, Marks)> = paths
        .iter()
        .map(|path| {
            let mut path = path.clone();
            while !path.is_empty() && path.apply(value).is_err() {
                path.pop();
            }
            (path, Marks::from([Mark::Sensitive]))
        })
        .collect();
    value.mark_with_paths(&marked)
}

/// Gives the paths within one top-level attribute.
pub(crate) fn within_attribute(paths: &[Path], name: &str) -> Vec<Path> {
    let within = paths.iter().filter(|path| covers_attribute(path, name));
    within.map(|path| path.steps().iter().skip(1).cloned().fold(Path::default(), extend)).collect()
}

fn extend(mut path: Path, step: PathStep) -> Path {
    path.push(step);
    path
}
