//! JSON syntax: the same structure, told apart by names.
//!
//! Source: the "JSON Configuration Syntax" page of the Terraform language documentation.

use std::collections::BTreeMap;
use std::ops::Range;

use model::{Diagnostic, Diagnostics};

use crate::json::{self, JsonNode, JsonProperty};
use crate::syntax::{AttributeSyntax, BlockSyntax, Body, Expression, File};

/// How blocks of a type are written.
struct Form {
    block_type: &'static str,
    n_labels: usize,
    /// The blocks in it that are not told by the schema of a provider.
    inner: &'static [Form],
    /// Whether a schema may make blocks of its other properties, of which there may be two of one name.
    has_schema: bool,
}

const fn form(block_type: &'static str, n_labels: usize, inner: &'static [Form]) -> Form {
    Form { block_type, n_labels, inner, has_schema: false }
}

const fn with_schema(block_type: &'static str, n_labels: usize, inner: &'static [Form]) -> Form {
    Form { block_type, n_labels, inner, has_schema: true }
}

const CONDITIONS: &[Form] = &[form("precondition", 0, &[]), form("postcondition", 0, &[])];
const RESOURCE: &[Form] = &[
    form("lifecycle", 0, CONDITIONS),
    with_schema("connection", 0, &[]),
    with_schema("provisioner", 1, &[with_schema("connection", 0, &[])]),
];

/// Blocks with a schema in which nothing is generated.
const STATIC: &[&str] = &["backend", "provider_meta", "removed", "terraform"];

/// The blocks of a file.
const TOP: &[Form] = &[
    with_schema("action", 2, &[]),
    form("check", 1, &[with_schema("data", 2, &[]), form("assert", 0, &[])]),
    with_schema("data", 2, RESOURCE),
    with_schema("ephemeral", 2, RESOURCE),
    form("import", 0, &[]),
    form("language", 0, &[form("compatible_with", 0, &[])]),
    form("locals", 0, &[]),
    form("module", 1, &[form("lifecycle", 0, &[])]),
    form("moved", 0, &[]),
    form("output", 1, CONDITIONS),
    with_schema("provider", 1, &[]),
    with_schema("removed", 0, RESOURCE),
    with_schema("resource", 2, RESOURCE),
    with_schema(
        "terraform",
        0,
        &[
            with_schema("backend", 1, &[]),
            form("cloud", 0, &[form("workspaces", 0, &[])]),
            with_schema("provider_meta", 1, &[]),
            form("required_providers", 0, &[]),
        ],
    ),
    form("variable", 1, &[form("validation", 0, &[])]),
];

/// Reads the structure of a JSON file.
pub(crate) fn parse(file: &File, diagnostics: &mut Diagnostics) -> Body {
    let mut reader = Reader { file, diagnostics };
    let mut body = Body::default();
    let Some(root) = reader.root() else { return body };
    for property in reader.objects(&root, "The file holds a JSON object, or a list of objects.") {
        match TOP.iter().find(|form| form.block_type == property.name) {
            Some(form) => reader.blocks(&mut body, property, form),
            // A property of this name is a comment.
            None if property.name == "//" => {}
            None => {
                let detail = format!("There are no blocks of the type {:?}.", property.name);
                reader.report(&property.name_range, "Unsupported block type", detail);
            }
        }
    }
    body
}

struct Reader<'f, 'd> {
    file: &'f File,
    diagnostics: &'d mut Diagnostics,
}

impl Reader<'_, '_> {
    fn report(&mut self, range: &Range<usize>, summary: &str, detail: String) {
        let problem = Diagnostic::error("invalid-configuration", summary, detail).at_span(self.file.span(range));
        self.diagnostics.push(problem);
    }

    fn root(&mut self) -> Option<JsonNode> {
        match json::parse(&self.file.text) {
            Ok(root) => Some(root),
            Err(problem) => {
                self.report(&problem.range, "Invalid JSON", problem.detail);
                None
            }
        }
    }

    /// Gives the properties of an object or of all objects in a list; whatever else there is, is reported.
    fn objects<'n>(&mut self, node: &'n JsonNode, detail: &str) -> Vec<&'n JsonProperty> {
        let mut properties = Vec::new();
        for object in node.as_array().unwrap_or(std::slice::from_ref(node)) {
            match object.as_object() {
                Some(own) => properties.extend(own),
                None if object.is_null() && node.as_array().is_none() => {}
                None => self.report(&object.range(), "Invalid structure", detail.to_owned()),
            }
        }
        properties
    }

    /// Adds the blocks of one type.
    fn blocks(&mut self, body: &mut Body, property: &JsonProperty, form: &Form) {
        self.labeled(body, property, form, &property.value, &mut Vec::new());
    }

    fn labeled(
        &mut self,
        body: &mut Body,
        property: &JsonProperty,
        form: &Form,
        node: &JsonNode,
        labels: &mut Vec<(String, Range<usize>)>,
    ) {
        let block_type = form.block_type;
        if labels.len() < form.n_labels {
            let detail =
                format!("{block_type:?} must hold objects, one level for each of its {} labels.", form.n_labels);
            let n_reported = self.diagnostics.len();
            let properties = self.objects(node, &detail);
            if properties.is_empty() && self.diagnostics.len() == n_reported {
                self.report(&node.range(), "Invalid structure", detail);
            }
            for label in properties {
                labels.push((label.name.clone(), label.name_range.clone()));
                self.labeled(body, property, form, &label.value, labels);
                labels.pop();
            }
            return;
        }
        if node.is_null() {
            return;
        }
        for content in node.as_array().unwrap_or(std::slice::from_ref(node)) {
            if content.as_object().is_none() {
                let detail = format!("A block of the type {block_type:?} is an object, or a list of objects.");
                self.report(&content.range(), "Invalid structure", detail);
                continue;
            }
            let mut inner = Body::default();
            self.content(&mut inner, content, form);
            body.blocks.push(BlockSyntax {
                block_type: block_type.to_owned(),
                labels: labels.iter().map(|(label, _)| label.clone()).collect(),
                header: labels.last().map_or(&property.name_range, |(_, range)| range).clone(),
                range: content.range(),
                body: inner,
            });
        }
    }

    /// Adds what stands in an object.
    fn content(&mut self, body: &mut Body, content: &JsonNode, form: &Form) {
        let mut names = BTreeMap::new();
        for property in content.properties() {
            if let Some(inner) = form.inner.iter().find(|inner| inner.block_type == property.name) {
                self.blocks(body, property, inner);
                continue;
            }
            let first = names.entry(&property.name).or_insert(property.name_range.start);
            if !form.has_schema && *first != property.name_range.start {
                let line = self.file.span(&(*first..*first)).start.line;
                let detail = format!("The argument {:?} is already set in line {line}; set it once.", property.name);
                self.report(&property.name_range, "Argument set twice", detail);
                continue;
            }
            match dynamic(property).filter(|_| form.has_schema && !STATIC.contains(&form.block_type)) {
                Some(blocks) => body.blocks.extend(blocks),
                None => body.attributes.push(attribute(property)),
            }
        }
    }
}

/// Gives the elements of a list, or the value itself.
pub(crate) fn one_or_many(node: &JsonNode) -> &[JsonNode] {
    node.as_array().unwrap_or(std::slice::from_ref(node))
}

/// Makes the body of a nested block, whose other blocks only a schema tells from arguments, of an object.
pub(crate) fn nested_body(content: &JsonNode) -> Body {
    let mut body = Body::default();
    for property in content.properties() {
        match dynamic(property) {
            Some(blocks) => body.blocks.extend(blocks),
            None => body.attributes.push(attribute(property)),
        }
    }
    body
}

/// Makes the blocks `dynamic` of a property of this name; nothing of any other, or of what has another form.
fn dynamic(property: &JsonProperty) -> Option<Vec<BlockSyntax>> {
    if property.name != "dynamic" {
        return None;
    }
    // Where labels are due, no property is a comment.
    let generators = one_or_many(&property.value).iter().map(JsonNode::as_object).collect::<Option<Vec<_>>>()?;
    let generated = || generators.iter().copied().flatten();
    let is_form = |node: &JsonNode| one_or_many(node).iter().all(|node| node.as_object().is_some() || node.is_null());
    if generated().next().is_none() || !generated().all(|generated| is_form(&generated.value)) {
        return None;
    }
    let blocks = generated().flat_map(|generated| {
        // In a list null is a block without anything in it; alone it is none.
        let bodies = one_or_many(&generated.value).iter().filter(|_| !generated.value.is_null());
        bodies.map(|body| BlockSyntax {
            block_type: "dynamic".to_owned(),
            labels: vec![generated.name.clone()],
            header: generated.name_range.clone(),
            range: body.range(),
            body: dynamic_body(body),
        })
    });
    Some(blocks.collect())
}

/// Makes the body of a block `dynamic`, in which `content` is a block.
fn dynamic_body(node: &JsonNode) -> Body {
    let mut body = Body::default();
    for property in node.properties() {
        if property.name != "content" {
            body.attributes.push(attribute(property));
            continue;
        }
        body.blocks.extend(one_or_many(&property.value).iter().map(|content| BlockSyntax {
            block_type: "content".to_owned(),
            labels: Vec::new(),
            header: property.name_range.clone(),
            range: content.range(),
            body: nested_body(content),
        }));
    }
    body
}

/// Makes an argument of a property.
pub(crate) fn attribute(property: &JsonProperty) -> AttributeSyntax {
    AttributeSyntax {
        name: property.name.clone(),
        range: property.name_range.start..property.value.range().end,
        expression: Expression::of_json(property.value.clone()),
    }
}
