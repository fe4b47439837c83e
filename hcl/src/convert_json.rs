//! JSON syntax: the same structure, told apart by names.
//!
//! Source: the "JSON Configuration Syntax" page of the Terraform language documentation.

use cty::{Type, Value};
use model::{Diagnostic, Diagnostics};

use crate::syntax::{AttributeSyntax, BlockSyntax, Body, Expression, File};

/// The blocks of a file with the number of their labels, and the blocks inside of those that are read here.
const TOP: &[(&str, usize, &[(&str, usize)])] = &[
    ("check", 1, &[]),
    ("data", 2, &[("lifecycle", 0)]),
    ("ephemeral", 2, &[("lifecycle", 0)]),
    ("import", 0, &[]),
    ("locals", 0, &[]),
    ("module", 1, &[]),
    ("moved", 0, &[]),
    ("output", 1, &[]),
    ("provider", 1, &[]),
    ("removed", 0, &[("lifecycle", 0)]),
    ("resource", 2, &[("lifecycle", 0)]),
    ("terraform", 0, &[("backend", 1), ("cloud", 0), ("provider_meta", 1), ("required_providers", 0)]),
    ("variable", 1, &[]),
];

/// Reads the structure of a JSON file.
pub(crate) fn parse(file: &File, diagnostics: &mut Diagnostics) -> Body {
    let value = match cty::json::decode_implied(file.text.as_bytes()) {
        Ok(value) => value,
        Err(error) => {
            let detail = format!("The file is not valid JSON: {error}.");
            let problem = Diagnostic::error("invalid-configuration", "Invalid JSON", detail);
            diagnostics.push(problem.at_span(file.span(&(0..0))));
            return Body::default();
        }
    };
    let mut body = Body::default();
    let problem = |detail: String| {
        Diagnostic::error("invalid-configuration", "Invalid structure", detail).at_span(file.span(&(0..0)))
    };
    if !matches!(value.ty(), Type::Object(_)) {
        diagnostics.push(problem("The file must hold a JSON object.".to_owned()));
    }
    for (name, content) in value.entries() {
        match TOP.iter().find(|(block_type, _, _)| *block_type == name) {
            Some((_, n_labels, inner)) => {
                if !blocks(&mut body, name, content, *n_labels, &mut Vec::new(), inner) {
                    let detail = format!("{name:?} must hold objects, one level for each of its {n_labels} labels.");
                    diagnostics.push(problem(detail));
                }
            }
            // A property of this name is a comment.
            None if name == "//" => {}
            None => diagnostics.push(problem(format!("There are no blocks of the type {name:?}."))),
        }
    }
    body
}

/// Adds the blocks of one type; tells whether the value has their form.
fn blocks(
    body: &mut Body,
    block_type: &str,
    value: &Value,
    n_labels: usize,
    labels: &mut Vec<String>,
    inner: &[(&str, usize)],
) -> bool {
    let mut is_sound = true;
    if matches!(value.ty(), Type::Tuple(_)) {
        for element in value.elements() {
            // A list of lists of lists is no form of anything.
            is_sound &=
                element.ty().as_object().is_some() && blocks(body, block_type, element, n_labels, labels, inner);
        }
        return is_sound;
    }
    if value.ty().as_object().is_none() {
        return value.is_null();
    }
    if n_labels > 0 {
        for (label, content) in value.entries().filter(|(label, _)| *label != "//") {
            labels.push(label.to_owned());
            is_sound &= blocks(body, block_type, content, n_labels - 1, labels, inner);
            labels.pop();
        }
        return is_sound;
    }
    let mut content = Body::default();
    for (name, value) in value.entries().filter(|(name, _)| *name != "//") {
        match inner.iter().find(|(inner_type, _)| *inner_type == name) {
            Some((_, n_labels)) => is_sound &= blocks(&mut content, name, value, *n_labels, &mut Vec::new(), &[]),
            None => content.attributes.push(AttributeSyntax {
                name: name.to_owned(),
                range: 0..0,
                expression: Expression::of_json(value.clone()),
            }),
        }
    }
    body.blocks.push(BlockSyntax {
        block_type: block_type.to_owned(),
        labels: labels.clone(),
        header: 0..0,
        range: 0..0,
        body: content,
    });
    is_sound
}
