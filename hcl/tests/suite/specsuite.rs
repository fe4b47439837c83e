//! The suite of tests that hashicorp/hcl gives to implementations of its language, run whole.
//!
//! Each test is a `.t` file: what a file of the same name must be worth, decoded as the `.hcldec` file beside it says, or
//! where it must be refused. The files come with the Go module.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cty::Value;
use cty::convert::convert;
use hcl::File;
use hcl::evaluate::{Evaluation, NoScope, Resolved, Scope, TypeConstraint, expression};
use hcl::expression::ReferenceStep;
use hcl::syntax::{AttributeSyntax, BlockSyntax, Body};
use model::{Diagnostic, Diagnostics, Span};

/// Tests that are known to fail, by their path without the ending. The list may only get shorter.
const KNOWN_FAILURES: &[&str] = &[];

#[test]
fn the_suite_of_hashicorp_passes() {
    let Some(root) = xtask::hclsyntax::specification_suite() else { return };
    let mut tests = Vec::new();
    find(&root, &mut tests);
    assert!(tests.len() >= 15, "the suite has {} tests", tests.len());
    let mut failures = Vec::new();
    for test in &tests {
        let name = test.strip_prefix(&root).unwrap().with_extension("").display().to_string();
        match (run(test), KNOWN_FAILURES.contains(&name.as_str())) {
            (Err(reason), false) => failures.push(format!("{name}: {reason}")),
            (Ok(()), true) => failures.push(format!("{name} passes: take it out of the list of known failures")),
            _ => {}
        }
    }
    assert!(failures.is_empty(), "of {} tests:\n{}", tests.len(), failures.join("\n"));
}

fn find(folder: &Path, tests: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            find(&entry, tests);
        } else if entry.extension().is_some_and(|extension| extension == "t") {
            tests.push(entry);
        }
    }
}

fn run(test: &Path) -> Result<(), String> {
    let wanted = read(test)?;
    let specification = read(&test.with_extension("hcldec"))?;
    let json = test.with_extension("hcl.json");
    if json.exists() {
        let text = fs::read_to_string(&json).unwrap();
        if let problems @ [_, ..] = File::parse_json("input", &text).1.as_slice() {
            return Err(format!("{}: {problems:?}", json.display()));
        }
    }
    let text = fs::read_to_string(test.with_extension("hcl")).unwrap();
    let (file, mut problems) = File::parse("input", &text);
    let mut scope = Variables(BTreeMap::new());
    for variables in specification.body.blocks("variables") {
        for variable in &variables.body.attributes {
            let value = evaluate(&specification, variable, &NoScope)?;
            scope.0.insert(variable.name.clone(), value);
        }
    }
    let mut value = Value::dynamic();
    if problems.is_empty() {
        let specs: Vec<&BlockSyntax> =
            specification.body.blocks.iter().filter(|block| block.block_type != "variables").collect();
        let [spec] = specs.as_slice() else { return Err("one specification is wanted".to_owned()) };
        let mut decoder = Decoder { specification: &specification, file: &file, scope: &scope, problems: Vec::new() };
        value = decoder.decode(spec, &file.body)?;
        decoder.refuse_others(spec, &file.body);
        problems = decoder.problems;
    }

    let expected = expected_places(&wanted)?;
    let found: Vec<Place> = problems.iter().filter_map(|problem| problem.span.as_ref()).map(place).collect();
    if found != expected {
        return Err(format!("problems at {expected:?} are wanted, found {problems:?}"));
    }
    if !problems.is_empty() {
        return Ok(());
    }
    if let Some(wanted_type) = wanted.body.attribute("result_type") {
        let constraint = TypeConstraint::parse(&wanted, &wanted_type.expression).map_err(|error| error.to_string())?;
        value = convert(&value, &constraint.ty).map_err(|error| format!("{value} has the wrong type: {error}"))?;
        if let Some(result) = wanted.body.attribute("result") {
            let result = convert(&evaluate(&wanted, result, &NoScope)?, &constraint.ty).map_err(|e| e.to_string())?;
            if result != value {
                return Err(format!("{result} is wanted, found {value}"));
            }
        }
    } else if let Some(result) = wanted.body.attribute("result") {
        let result = evaluate(&wanted, result, &NoScope)?;
        if result != value {
            return Err(format!("{result} is wanted, found {value}"));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<File, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (file, problems) = File::parse(&path.display().to_string(), &text);
    problems.first().map_or(Ok(file), |problem| Err(problem.to_string()))
}

fn evaluate(file: &File, attribute: &AttributeSyntax, scope: &dyn Scope) -> Result<Value, String> {
    let (value, _, problems) = expression(file, &attribute.expression, scope);
    problems.first().map_or(Ok(value), |problem| Err(problem.to_string()))
}

/// Line, column and byte of the beginning and of the end.
type Place = [usize; 6];

fn place(span: &Span) -> Place {
    let (start, end) = (span.start, span.end);
    [start.line, start.column, start.byte, end.line, end.column, end.byte]
}

fn expected_places(wanted: &File) -> Result<Vec<Place>, String> {
    let mut places = Vec::new();
    for diagnostics in wanted.body.blocks("diagnostics") {
        for error in diagnostics.body.blocks("error") {
            let number = |end: &str, name: &str| {
                let end = error.body.blocks(end).next().ok_or("a place is missing")?;
                let value = evaluate(wanted, end.body.attribute(name).ok_or("a place is missing")?, &NoScope)?;
                value.to_string().parse::<usize>().map_err(|error| error.to_string())
            };
            let mut place = [0; 6];
            for (index, (end, name)) in
                ["from", "to"].iter().flat_map(|end| ["line", "column", "byte"].map(|name| (end, name))).enumerate()
            {
                place[index] = number(end, name)?;
            }
            places.push(place);
        }
    }
    Ok(places)
}

struct Variables(BTreeMap<String, Value>);

impl Scope for Variables {
    fn resolve(&self, name: &str, _: &[ReferenceStep<'_>], _: &Evaluation) -> Resolved {
        match self.0.get(name) {
            Some(value) => Resolved::Value { value: value.clone(), n_steps: 0 },
            None => Resolved::Invalid(format!("There is no variable {name:?}.")),
        }
    }
}

/// Decodes bodies as specifications of `hcldec` say.
struct Decoder<'a> {
    specification: &'a File,
    file: &'a File,
    scope: &'a dyn Scope,
    problems: Diagnostics,
}

impl Decoder<'_> {
    fn decode(&mut self, spec: &BlockSyntax, body: &Body) -> Result<Value, String> {
        match spec.block_type.as_str() {
            "literal" => evaluate(self.specification, spec.body.attribute("value").ok_or("no value")?, &NoScope),
            "object" => {
                let mut attributes = BTreeMap::new();
                for inner in &spec.body.blocks {
                    let name = inner.labels.first().ok_or("a specification in an object needs a name")?;
                    attributes.insert(name.clone(), self.decode(inner, body)?);
                }
                Ok(Value::object(attributes))
            }
            "attr" => {
                let name = self.name_of(spec, "name")?;
                let wanted = spec.body.attribute("type").ok_or("no type")?;
                let constraint =
                    TypeConstraint::parse(self.specification, &wanted.expression).map_err(|error| error.to_string())?;
                let Some(attribute) = body.attribute(&name) else { return Ok(Value::null(constraint.ty)) };
                let value = evaluate(self.file, attribute, self.scope)?;
                convert(&value, &constraint.ty).map_err(|error| format!("{name}: {error}"))
            }
            "block" | "block_list" | "block_map" => {
                let block_type = self.name_of(spec, "block_type")?;
                let [inner] = spec.body.blocks.as_slice() else {
                    return Err("one nested specification is wanted".to_owned());
                };
                let mut values = Vec::new();
                for block in body.blocks(&block_type) {
                    values.push((block.labels.clone(), self.decode(inner, &block.body)?));
                    self.refuse_others(inner, &block.body);
                }
                match spec.block_type.as_str() {
                    "block" => Ok(values.pop().map_or_else(|| Value::null(cty::Type::Dynamic), |(_, value)| value)),
                    "block_list" => Ok(Value::tuple(values.into_iter().map(|(_, value)| value).collect())),
                    _ => {
                        let labeled = values.into_iter().map(|(mut labels, value)| (labels.pop().unwrap(), value));
                        Ok(Value::object(labeled.collect()))
                    }
                }
            }
            other => Err(format!("specifications {other:?} are not known")),
        }
    }

    /// Gives the name that a specification says, or has as its own.
    fn name_of(&self, spec: &BlockSyntax, argument: &str) -> Result<String, String> {
        match spec.body.attribute(argument) {
            Some(name) => {
                let name = evaluate(self.specification, name, &NoScope)?;
                name.as_str().map(str::to_owned).ok_or_else(|| format!("{argument} is no text"))
            }
            None => spec.labels.first().cloned().ok_or_else(|| "a specification needs a name".to_owned()),
        }
    }

    /// Reports what a specification does not have.
    fn refuse_others(&mut self, spec: &BlockSyntax, body: &Body) {
        let own;
        let inner = match spec.block_type.as_str() {
            "object" => &spec.body.blocks,
            _ => {
                own = vec![spec.clone()];
                &own
            }
        };
        let names: Vec<String> = inner
            .iter()
            .filter_map(|inner| {
                let argument = if inner.block_type == "attr" { "name" } else { "block_type" };
                self.name_of(inner, argument).ok()
            })
            .collect();
        for attribute in body.attributes.iter().filter(|attribute| !names.contains(&attribute.name)) {
            let range = attribute.range.start..attribute.range.start + attribute.name.len();
            let problem = Diagnostic::error("unsupported-argument", "Unsupported argument", "It is not expected here.");
            self.problems.push(problem.at_span(self.file.span(&range)));
        }
        for block in body.blocks.iter().filter(|block| !names.contains(&block.block_type)) {
            let problem = Diagnostic::error("unsupported-argument", "Unsupported block", "It is not expected here.");
            self.problems.push(problem.at_span(self.file.span(&block.header)));
        }
    }
}
