//! Values of blocks, shaped by the schema of a provider.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use cty::convert::convert;
use cty::{Marks, Path, Type, Value};
use model::schema::{Attribute, AttributeType, NestedBlock, NestedObject, NestingMode};
use model::{Diagnostic, Diagnostics, Span};

use super::node::{Evaluator, Frame, pairs, place};
use super::run::{is_reason, reasons};
use super::{Evaluation, Scope, Unknown};
use crate::convert_json;
use crate::expression::{self, NodeKind};
use crate::json::JsonNode;
use crate::syntax::{AttributeSyntax, BlockSyntax, Body, Expression, File};

/// How deep blocks may nest.
const MAX_DEPTH: usize = 64;

/// What the files of a module write into one block: its own body, and what override files replace of it.
#[derive(Clone, Debug, Default)]
pub struct Written {
    attributes: Vec<(Arc<File>, AttributeSyntax)>,
    blocks: Vec<(Arc<File>, BlockSyntax)>,
}

impl Written {
    /// Takes the body of a block of a file.
    pub fn new(file: &Arc<File>, body: &Body) -> Self {
        Self {
            attributes: body.attributes.iter().map(|attribute| (Arc::clone(file), attribute.clone())).collect(),
            blocks: body.blocks.iter().map(|block| (Arc::clone(file), block.clone())).collect(),
        }
    }

    /// Makes a body of literal values, each with its name and its place in a text that is not configuration.
    pub fn of_values(name: &str, text: &str, values: Vec<(String, Range<usize>, Value)>) -> Self {
        let file = Arc::new(File::of_tokens(name, text, Vec::new()));
        let attribute = |(name, range, value): (String, Range<usize>, Value)| {
            let expression = Expression::of_json(JsonNode::of_value(&literal(&value), &range));
            (Arc::clone(&file), AttributeSyntax { name, range, expression })
        };
        Self { attributes: values.into_iter().map(attribute).collect(), blocks: Vec::new() }
    }

    /// Tells whether an argument or block of this name is written.
    pub fn writes(&self, name: &str) -> bool {
        self.attributes.iter().any(|(_, attribute)| attribute.name == name)
            || self.blocks.iter().any(|(_, block)| block_type(block) == name)
    }

    /// Replaces what an override file writes again: arguments by name, nested blocks by type, all of a type at once.
    ///
    /// Blocks `lifecycle` stay: of them the programs replace single arguments, so the last one that writes one counts.
    pub fn override_with(&mut self, other: Self) {
        self.attributes.retain(|(_, own)| !other.writes(&own.name));
        self.blocks.retain(|(_, own)| own.block_type == "lifecycle" || !other.writes(block_type(own)));
        self.attributes.extend(other.attributes);
        self.blocks.extend(other.blocks);
    }

    /// Leaves out arguments and blocks of these names, which mean something to terraform itself.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.attributes.retain(|(_, attribute)| !names.contains(&attribute.name.as_str()));
        self.blocks.retain(|(_, block)| !names.contains(&block_type(block)));
        self
    }

    /// Gives the arguments, each with its file.
    pub fn attributes(&self) -> impl Iterator<Item = (&Arc<File>, &AttributeSyntax)> {
        self.attributes.iter().map(|(file, attribute)| (file, attribute))
    }

    /// Gives the nested blocks that are written out (those that `dynamic` makes are not), each with its file.
    pub fn blocks(&self) -> impl Iterator<Item = (&Arc<File>, &BlockSyntax)> {
        self.blocks.iter().map(|(file, block)| (file, block))
    }

    /// Finds an argument, with its file.
    pub fn attribute(&self, name: &str) -> Option<(&Arc<File>, &AttributeSyntax)> {
        self.attributes.iter().find(|(_, attribute)| attribute.name == name).map(|(file, found)| (file, found))
    }
}

/// Makes a value one whose texts are no templates.
fn literal(value: &Value) -> Value {
    match value.ty() {
        Type::Tuple(_) if !value.is_null() => Value::tuple(value.elements().map(literal).collect()),
        Type::Object(_) if !value.is_null() => {
            Value::object(value.entries().map(|(name, inner)| (escaped(name), literal(inner))).collect())
        }
        _ => value.as_str().map_or_else(|| value.clone(), |text| Value::string(escaped(text))),
    }
}

fn escaped(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

/// Gives the place of an argument: in JSON, of all of it.
fn argument_span(file: &File, attribute: &AttributeSyntax) -> Span {
    match attribute.expression.json() {
        Some(_) => file.span(&attribute.range),
        None => file.expression_span(&attribute.expression),
    }
}

fn block_type(block: &BlockSyntax) -> &str {
    match (block.block_type.as_str(), block.labels.as_slice()) {
        ("dynamic", [generated]) => generated,
        (own, _) => own,
    }
}

/// Evaluates a block against the schema that says which arguments and blocks it has.
///
/// Shape: an object of the schema's type; what is not written is null, or empty where blocks are collected. What is
/// unknown in it is named, and so is everything that does not fit the schema.
pub fn block(written: &Written, schema: &model::Block, scope: &dyn Scope) -> (Value, Vec<Unknown>, Diagnostics) {
    block_in(&Evaluation::new(), written, schema, scope)
}

/// Evaluates a block as a part of a run.
pub(crate) fn block_in(
    run: &Evaluation,
    written: &Written,
    schema: &model::Block,
    scope: &dyn Scope,
) -> (Value, Vec<Unknown>, Diagnostics) {
    let mut reader = Reader { scope, run, has_implied_blocks: !is_beyond_sdk(schema), diagnostics: Diagnostics::new() };
    let items = Items {
        attributes: written.attributes.iter().map(|(file, attribute)| (&**file, attribute)).collect(),
        blocks: written.blocks.iter().map(|(file, block)| (&**file, block)).collect(),
    };
    let around = Around { frame: &Frame::EMPTY, marks: Marks::new(), is_open: false };
    // Steps count for the whole block: what `dynamic` makes inside of `dynamic` ends.
    let entered = run.enter();
    let value = reader.object(&items, schema, &around, &Path::new());
    if entered.is_ok() {
        run.leave();
    }
    let diagnostics = reader.diagnostics;
    let (value, unknown) = run.settle(&value);
    (value, unknown, diagnostics)
}

/// What stands in a block.
struct Items<'b> {
    attributes: Vec<(&'b File, &'b AttributeSyntax)>,
    blocks: Vec<(&'b File, &'b BlockSyntax)>,
}

impl<'b> Items<'b> {
    fn of(file: &'b File, body: &'b Body) -> Self {
        Self {
            attributes: body.attributes.iter().map(|attribute| (file, attribute)).collect(),
            blocks: body.blocks.iter().map(|block| (file, block)).collect(),
        }
    }
}

impl Items<'_> {
    /// Tells whether there are blocks of a type, or a `dynamic` that makes some.
    fn has_blocks(&self, name: &str) -> bool {
        self.blocks.iter().any(|(_, block)| block_type(block) == name)
    }
}

impl<'b> Items<'b> {
    /// Gives what makes blocks of a type, in the order in which it is written: in JSON all of them may stand in a property.
    fn of_blocks(&self, name: &str) -> Vec<Item<'b>> {
        let blocks = self.blocks.iter().filter(|(_, block)| block_type(block) == name);
        let mut items: Vec<Item<'b>> = blocks.map(|(file, block)| Item::Block(file, block)).collect();
        let json = self.attributes.iter().filter(|(_, attribute)| attribute.name == name);
        let n_blocks = items.len();
        items.extend(json.filter_map(|(file, attribute)| Some(Item::Json(file, attribute.expression.json()?))));
        if n_blocks < items.len() {
            items.sort_by_key(|item| match item {
                Item::Block(_, block) => block.range.start,
                Item::Json(_, content) => content.range().start,
            });
        }
        items
    }
}

/// What makes blocks of a type.
enum Item<'b> {
    Block(&'b File, &'b BlockSyntax),
    /// The value of a property.
    Json(&'b File, &'b JsonNode),
}

/// The blocks of one type, evaluated.
#[derive(Default)]
struct Collected {
    /// Labels and values.
    blocks: Vec<(Vec<String>, Value)>,
    /// Set where it is not known how many there are: why, as marks.
    unknown: Option<Marks>,
    /// Whether there can be one block only.
    is_one: bool,
}

impl Collected {
    /// Tells whether further blocks change nothing: then nobody looks into them.
    fn is_settled(&self) -> bool {
        self.unknown.is_some() && !self.is_one
    }
}

/// What is around the items of a body.
struct Around<'f> {
    /// The names that `dynamic` introduces.
    frame: &'f Frame<'f>,
    /// What every argument is marked with: the marks of the `for_each` that makes the block.
    marks: Marks,
    /// Whether nobody knows if there is such a block: then its arguments are not evaluated.
    is_open: bool,
}

struct Reader<'a> {
    scope: &'a dyn Scope,
    run: &'a Evaluation,
    /// Whether an argument whose type is a list or set of objects may be written as blocks, which ended with protocol 6.
    has_implied_blocks: bool,
    diagnostics: Diagnostics,
}

impl Reader<'_> {
    fn implied_block(&self, attribute: &Attribute) -> Option<model::Block> {
        implied_block(attribute).filter(|_| self.has_implied_blocks)
    }

    fn report(&mut self, problem: Diagnostic, path: &Path) {
        self.diagnostics.push(problem.at_path(path.clone()));
    }

    fn evaluate(&mut self, file: &File, expression: &Expression, frame: &Frame<'_>, path: &Path) -> Option<Value> {
        let evaluator = Evaluator { file, scope: self.scope, run: self.run };
        match expression::parse(file, expression).and_then(|node| evaluator.value(&node, frame)) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.report(*problem, path);
                None
            }
        }
    }

    fn object(&mut self, items: &Items<'_>, schema: &model::Block, around: &Around<'_>, path: &Path) -> Value {
        let mut attributes = BTreeMap::new();
        for (name, attribute) in &schema.attributes {
            let path = path.clone().attr(name);
            let value = self.attribute(items, name, attribute, around, &path);
            attributes.insert(name.clone(), value);
        }
        for (name, nested) in &schema.blocks {
            let path = path.clone().attr(name);
            let collected = self.collect(items, name, &nested.block, nested.nesting, around, &path);
            let value = self.nest(name, nested, collected, items, around, &path);
            attributes.insert(name.clone(), value);
        }
        self.refuse_others(items, schema, path);
        // What stands between bodies and lets arguments be written as blocks hides the marks of a whole body.
        let marks = if self.has_implied_blocks { Marks::new() } else { around.marks.clone() };
        Value::object(attributes).with_marks(marks)
    }

    /// Reports arguments and blocks that the schema does not have.
    fn refuse_others(&mut self, items: &Items<'_>, schema: &model::Block, path: &Path) {
        let is_known = |name: &str| schema.attributes.contains_key(name) || schema.blocks.contains_key(name);
        let unknown_argument = |file: &File, name: &str, range| {
            let detail =
                format!("The provider's schema has no argument {name:?} here; check its name and the version.");
            Diagnostic::error("unsupported-argument", "Unsupported argument", detail).at_span(file.span(range))
        };
        for (file, attribute) in &items.attributes {
            let is_json = attribute.expression.json().is_some();
            let name = attribute.name.as_str();
            if is_json && name == "//" {
                continue;
            }
            let is_first = || {
                items
                    .attributes
                    .iter()
                    .find(|(_, other)| other.name == name)
                    .is_some_and(|(_, first)| std::ptr::eq(*first, *attribute))
            };
            if !is_known(name) {
                let problem = unknown_argument(file, name, &attribute.range);
                self.report(problem, path);
            } else if is_json && schema.attributes.contains_key(name) && !is_first() {
                let detail = format!("The argument {name:?} is already set; set it once.");
                let problem = Diagnostic::error("invalid-configuration", "Argument set twice", detail);
                self.report(problem.at_span(file.span(&attribute.range)), path);
            } else if !is_json && schema.blocks.contains_key(name) {
                let detail = format!("{name:?} is a block, not an argument: write `{name} {{ … }}`.");
                let problem = Diagnostic::error("unsupported-argument", "Block expected", detail);
                self.report(problem.at_span(file.span(&attribute.range)), path);
            }
        }
        for (file, block) in &items.blocks {
            let name = block_type(block);
            let is_written = items.attributes.iter().any(|(_, attribute)| attribute.name == name);
            let is_attribute = schema
                .attributes
                .get(name)
                .is_some_and(|attribute| is_written || self.implied_block(attribute).is_none());
            if !is_known(name) {
                let problem = unknown_argument(file, name, &block.header);
                self.report(problem, path);
            } else if is_attribute {
                let detail = format!("{name:?} is an argument, not a block: write `{name} = …`.");
                let problem = Diagnostic::error("unsupported-argument", "Argument expected", detail);
                self.report(problem.at_span(file.span(&block.header)), path);
            }
        }
    }

    fn attribute(
        &mut self,
        items: &Items<'_>,
        name: &str,
        attribute: &Attribute,
        around: &Around<'_>,
        path: &Path,
    ) -> Value {
        let ty = attribute.value_type();
        let Some((file, written)) = items.attributes.iter().find(|(_, written)| written.name == name) else {
            // Lists of objects may be written as blocks.
            if let Some(schema) = self.implied_block(attribute).filter(|_| items.has_blocks(name)) {
                let collected = self.collect(items, name, &schema, NestingMode::List, around, path);
                let values: Vec<Value> = collected.blocks.into_iter().map(|(_, value)| value).collect();
                return match collected.unknown {
                    Some(marks) => Value::unknown(ty).with_marks(marks),
                    // Where `dynamic` makes no block, nothing is written.
                    None if values.is_empty() => Value::null(ty),
                    None => convert(&Value::tuple(values), &ty).unwrap_or_else(|_| Value::unknown(ty)),
                };
            }
            if attribute.required {
                self.missing(items, path, &format!("The argument {name:?} is required, but not written."));
            }
            return Value::null(ty);
        };
        let value = if around.is_open {
            Value::dynamic()
        } else {
            match self.evaluate(file, &written.expression, around.frame, path) {
                Some(value) => value,
                None => return Value::unknown(ty),
            }
        };
        let value = value.with_marks(around.marks.iter().cloned());
        let wanted = match &attribute.ty {
            AttributeType::Plain(ty) => ty.clone(),
            AttributeType::Nested(nested) => lenient(nested),
        };
        match convert(&value, &wanted) {
            Ok(value) => value,
            Err(error) => {
                let inner = place(error.path());
                let detail = format!("The argument {name:?} cannot take this value{inner}: {}.", error.message());
                let problem = Diagnostic::error("invalid-argument-value", "Invalid value of an argument", detail)
                    .at_span(argument_span(file, written));
                self.report(problem, path);
                Value::unknown(ty)
            }
        }
    }

    fn missing(&mut self, items: &Items<'_>, path: &Path, detail: &str) {
        let mut problem = Diagnostic::error("missing-argument", "Missing argument", detail);
        problem.span = items
            .attributes
            .first()
            .map(|(file, attribute)| file.span(&attribute.range))
            .or_else(|| items.blocks.first().map(|(file, block)| file.span(&block.header)));
        self.report(problem, path);
    }

    /// Evaluates all blocks of a type, those that `dynamic` makes included.
    fn collect(
        &mut self,
        items: &Items<'_>,
        name: &str,
        schema: &model::Block,
        nesting: NestingMode,
        around: &Around<'_>,
        path: &Path,
    ) -> Collected {
        let has_label = nesting == NestingMode::Map;
        let is_one = matches!(nesting, NestingMode::Single | NestingMode::Group);
        let mut collected = Collected { is_one, ..Collected::default() };
        if path.len() > MAX_DEPTH {
            return collected;
        }
        for item in items.of_blocks(name) {
            match item {
                Item::Json(file, content) => {
                    self.json_blocks(file, content, schema, usize::from(has_label), &[], around, path, &mut collected);
                }
                Item::Block(file, block) if block.block_type == "dynamic" => {
                    self.dynamic(file, name, &block.body, schema, has_label, around, path, &mut collected);
                }
                Item::Block(file, block) if block.labels.len() != usize::from(has_label) => {
                    let wanted = if has_label { "one label" } else { "no label" };
                    let detail = format!("A {name:?} block has {wanted} behind its name, not {}.", block.labels.len());
                    let problem = Diagnostic::error("unsupported-argument", "Wrong labels of a block", detail);
                    self.report(problem.at_span(file.span(&block.header)), path);
                }
                Item::Block(file, block) => {
                    self.add(block.labels.clone(), &Items::of(file, &block.body), schema, around, path, &mut collected);
                }
            }
        }
        collected
    }

    /// Evaluates a block and adds it to those of its type.
    fn add(
        &mut self,
        labels: Vec<String>,
        items: &Items<'_>,
        schema: &model::Block,
        around: &Around<'_>,
        path: &Path,
        collected: &mut Collected,
    ) {
        if collected.is_settled() {
            return;
        }
        // The marks of a `for_each` are not those of blocks that are written inside.
        let inside = Around { frame: around.frame, marks: Marks::new(), is_open: around.is_open };
        let value = self.object(items, schema, &inside, path);
        if around.is_open {
            collected.unknown.get_or_insert_default().extend(reasons(&around.marks));
        }
        collected.blocks.push((labels, value));
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of where the block is")]
    fn json_blocks(
        &mut self,
        file: &File,
        content: &JsonNode,
        schema: &model::Block,
        n_labels: usize,
        labels: &[String],
        around: &Around<'_>,
        path: &Path,
        collected: &mut Collected,
    ) {
        let is_listed = content.as_array().is_some();
        for content in convert_json::one_or_many(content) {
            if content.is_null() && is_listed && n_labels == 0 {
                let nothing = Items { attributes: Vec::new(), blocks: Vec::new() };
                self.add(labels.to_vec(), &nothing, schema, around, path, collected);
            }
            if content.is_null() {
                continue;
            }
            if content.as_object().is_none() {
                let detail = "In JSON a block is an object, or a list of objects.";
                let problem = Diagnostic::error("unsupported-argument", "Block expected", detail);
                self.report(problem.at_span(file.span(&content.range())), path);
                continue;
            }
            if n_labels == 0 {
                let body = convert_json::nested_body(content);
                self.add(labels.to_vec(), &Items::of(file, &body), schema, around, path, collected);
                continue;
            }
            for label in content.properties() {
                let labels = [labels, std::slice::from_ref(&label.name)].concat();
                self.json_blocks(file, &label.value, schema, n_labels - 1, &labels, around, path, collected);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of where the block is")]
    fn dynamic(
        &mut self,
        file: &File,
        name: &str,
        body: &Body,
        schema: &model::Block,
        has_label: bool,
        around: &Around<'_>,
        path: &Path,
        collected: &mut Collected,
    ) {
        let report = |reader: &mut Self, detail: &str| {
            let range = body.attribute("for_each").map_or(0..0, |attribute| attribute.range.clone());
            let problem = Diagnostic::error("invalid-dynamic-block", "Invalid dynamic block", detail);
            reader.report(problem.at_span(file.span(&range)), path);
        };
        let contents: Vec<&BlockSyntax> = body.blocks("content").collect();
        let (Some(for_each), [content]) = (body.attribute("for_each"), contents.as_slice()) else {
            return report(self, "A dynamic block needs `for_each` and one `content` block.");
        };
        let is_meant = |name: &str| matches!(name, "for_each" | "iterator") || has_label && name == "labels";
        if !body.attributes.iter().all(|attribute| is_meant(&attribute.name)) || body.blocks.len() > 1 {
            return report(
                self,
                "A dynamic block has `for_each`, `iterator`, `content`, and `labels` where they are wanted.",
            );
        }
        let iterator = match body.attribute("iterator") {
            Some(iterator) => match iterator_name(file, &iterator.expression) {
                Some(name) => name,
                None => return report(self, "`iterator` of a dynamic block must be one name, without quotes."),
            },
            None => name.to_owned(),
        };
        let Some(source) = self.evaluate(file, &for_each.expression, around.frame, path) else { return };
        let (source, marks) = source.unmark();
        if source.is_null() {
            return report(self, "`for_each` of a dynamic block cannot be null; an empty list makes no block.");
        }
        let elements = match pairs(&source) {
            Some(elements) if source.is_known() => elements,
            None if *source.ty() != Type::Dynamic => {
                return report(self, "`for_each` of a dynamic block must be a list, a set, a map or an object.");
            }
            _ => {
                let element = Value::dynamic().with_marks(reasons(&marks));
                vec![(element.clone(), element)]
            }
        };
        for (key, value) in elements {
            if self.run.is_stopped() {
                return;
            }
            let each = Value::object(BTreeMap::from([("key".to_owned(), key), ("value".to_owned(), value)]));
            let frame = Frame::with(around.frame, vec![(iterator.as_str(), each)]);
            let Some((labels, open)) = self.labels(file, body, has_label, &frame, path) else { continue };
            if collected.is_settled() {
                return;
            }
            if !open.is_empty() {
                collected.unknown.get_or_insert_default().extend(open);
                continue;
            }
            let is_open = around.is_open || !source.is_known();
            let inside = Around { frame: &frame, marks: marks.clone(), is_open };
            let value = self.object(&Items::of(file, &content.body), schema, &inside, path);
            collected.blocks.push((labels, value));
            if is_open {
                collected.unknown.get_or_insert_default().extend(reasons(&marks));
            }
        }
    }

    /// Evaluates the labels of a block that `dynamic` makes, with the reasons why they are not known; nothing where there is
    /// a problem, which is reported.
    fn labels(
        &mut self,
        file: &File,
        body: &Body,
        has_label: bool,
        frame: &Frame<'_>,
        path: &Path,
    ) -> Option<(Vec<String>, Marks)> {
        let written = body.attribute("labels");
        let values = match written {
            Some(written) => self.evaluate(file, &written.expression, frame, path)?,
            None => Value::tuple(Vec::new()),
        };
        let open: Marks = if values.is_wholly_known() { Marks::new() } else { reasons(&values.unmark_deep().1) };
        if !open.is_empty() {
            return Some((Vec::new(), open));
        }
        let label = |value: &Value| {
            let value = convert(value, &Type::String).ok().filter(|value| value.marks().iter().all(is_reason))?;
            value.as_str().map(str::to_owned)
        };
        let labels: Option<Vec<String>> = values.elements().map(label).collect();
        let labels = labels.filter(|labels| labels.len() == usize::from(has_label));
        if labels.is_none() {
            let detail = "The labels of a dynamic block must be texts that are known and not sensitive, as many as the \
                          block has.";
            let range = written.map_or(0..0, |written| written.range.clone());
            let problem = Diagnostic::error("invalid-dynamic-block", "Invalid labels of a dynamic block", detail);
            self.report(problem.at_span(file.span(&range)), path);
        }
        labels.map(|labels| (labels, Marks::new()))
    }

    /// Makes one value of all blocks of a type.
    fn nest(
        &mut self,
        name: &str,
        nested: &NestedBlock,
        collected: Collected,
        items: &Items<'_>,
        around: &Around<'_>,
        path: &Path,
    ) -> Value {
        let ty = nested.value_type();
        let mut blocks = collected.blocks;
        let block_place = items.blocks.iter().find(|(_, block)| block_type(block) == name);
        let span = block_place.map(|(file, block)| file.span(&block.header));
        let too_many = |reader: &mut Self, detail: String| {
            let mut problem = Diagnostic::error("unsupported-argument", "Duplicate block", detail);
            problem.span.clone_from(&span);
            reader.report(problem, path);
        };
        let is_one = matches!(nested.nesting, NestingMode::Single | NestingMode::Group);
        if is_one && blocks.len() > 1 {
            too_many(self, format!("There can be one {name:?} block here, not {}.", blocks.len()));
        }
        // A group is there in any case: only what is written in it is not known.
        if let Some(marks) = collected.unknown.filter(|_| nested.nesting != NestingMode::Group) {
            return Value::unknown(ty).with_marks(marks);
        }
        let n_blocks = blocks.len() as u64;
        if nested.nesting != NestingMode::Map && n_blocks < nested.min_items {
            let detail = format!("At least {} {name:?} blocks are required, not {n_blocks}.", nested.min_items);
            self.missing(items, path, &detail);
        }
        let is_counted = matches!(nested.nesting, NestingMode::List | NestingMode::Set);
        if is_counted && nested.max_items > 0 && n_blocks > nested.max_items {
            too_many(self, format!("At most {} {name:?} blocks are allowed, not {n_blocks}.", nested.max_items));
        }
        let element = nested.block.value_type();
        let result = match nested.nesting {
            NestingMode::Single | NestingMode::Group => {
                return match blocks.pop() {
                    Some((_, value)) => value,
                    None if nested.nesting == NestingMode::Single => Value::null(ty),
                    None => {
                        let nothing = Items { attributes: Vec::new(), blocks: Vec::new() };
                        let around = Around { frame: around.frame, marks: Marks::new(), is_open: false };
                        self.object(&nothing, &optional(&nested.block), &around, path)
                    }
                };
            }
            NestingMode::List if ty == Type::Dynamic => {
                return Value::tuple(blocks.into_iter().map(|(_, value)| value).collect());
            }
            NestingMode::List => Value::list(element, blocks.into_iter().map(|(_, value)| value).collect()),
            NestingMode::Set => {
                let element = if element.has_dynamic() { Type::Dynamic } else { element };
                Value::set(element, blocks.into_iter().map(|(_, value)| value).collect())
            }
            NestingMode::Map => {
                let n_blocks = blocks.len();
                let named = blocks.into_iter().filter_map(|(labels, value)| Some((labels.into_iter().next()?, value)));
                let named: BTreeMap<String, Value> = named.collect();
                if named.len() < n_blocks {
                    too_many(self, format!("Each {name:?} block needs one label of its own."));
                }
                if ty == Type::Dynamic { Ok(Value::object(named)) } else { Value::map(element, named) }
            }
        };
        result.unwrap_or_else(|error| {
            too_many(self, format!("The {name:?} blocks do not have one type: {}.", error.message()));
            Value::unknown(ty)
        })
    }
}

/// Gives the one name that an expression consists of; in JSON it is a text.
fn iterator_name(file: &File, expression: &Expression) -> Option<String> {
    match &expression::parse(file, expression).ok()?.kind {
        NodeKind::Name(name) => Some(name.clone()),
        NodeKind::Literal(text) if expression.json().is_some() => text.as_str().map(str::to_owned),
        _ => None,
    }
}

/// Gives the schema of a block that is not written: nothing in it is required.
fn optional(block: &model::Block) -> model::Block {
    let mut block = block.clone();
    for attribute in block.attributes.values_mut() {
        attribute.required = false;
    }
    for nested in block.blocks.values_mut() {
        nested.min_items = 0;
        nested.block = optional(&nested.block);
    }
    block
}

/// Gives the type of a nested attribute, of which a configuration may leave out what it need not write.
fn lenient(nested: &NestedObject) -> Type {
    let types = nested.attributes.iter().map(|(name, attribute)| {
        let ty = match &attribute.ty {
            AttributeType::Plain(ty) => ty.clone(),
            AttributeType::Nested(inner) => lenient(inner),
        };
        (name.as_str(), ty)
    });
    let optional = nested.attributes.iter().filter(|(_, attribute)| !attribute.required).map(|(name, _)| name);
    let element = Type::object_with_optional(types, optional);
    match nested.nesting {
        NestingMode::Single | NestingMode::Group => element,
        NestingMode::List => Type::list(element),
        NestingMode::Set => Type::set(element),
        NestingMode::Map => Type::map(element),
    }
}

/// Tells whether a schema has what the SDK could not make that let arguments be written as blocks: nested attributes,
/// objects, deep collections.
fn is_beyond_sdk(schema: &model::Block) -> bool {
    let is_beyond = |attribute: &Attribute| match &attribute.ty {
        AttributeType::Nested(_) | AttributeType::Plain(Type::Tuple(_) | Type::Object(_)) => true,
        AttributeType::Plain(ty) => {
            let element = ty.element_type();
            matches!(ty, Type::Map(_)) && element.is_some_and(|element| element.as_object().is_some())
                || element.and_then(Type::element_type).is_some_and(|inner| !inner.is_primitive())
        }
    };
    schema.attributes.values().any(is_beyond) || schema.blocks.values().any(|nested| is_beyond_sdk(&nested.block))
}

/// Gives the schema of blocks that an attribute may be written as: one whose type is a list or set of objects.
fn implied_block(attribute: &Attribute) -> Option<model::Block> {
    let AttributeType::Plain(Type::List(element) | Type::Set(element)) = &attribute.ty else { return None };
    let object = element.as_object()?;
    let attributes = object.attributes().map(|(name, ty)| {
        let ty = AttributeType::Plain(ty.clone());
        let inner = Attribute { ty, required: false, optional: true, ..attribute.clone() };
        (name.to_owned(), inner)
    });
    Some(model::Block { attributes: attributes.collect(), ..model::Block::default() })
}
