//! Comments in the code that say what to ignore, found among the tokens of its files.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use ::drift::ignore::{COMMENT_MARKER, CommentedBlock, Rule, parse_comment};
use hcl::File;
use hcl::definitions::Definitions;
use hcl::lex::{Token, TokenKind};
use hcl::syntax::{BlockSyntax, Body};
use model::{Diagnostic, Diagnostics};

use crate::evaluation::RootModule;

const CODE: &str = "ignore-comment";

/// Collects what the comments of a root module say, and of the modules it calls that lie beside it.
///
/// What `init` installed is somebody else's code: its comments do not count.
pub(crate) fn of_code(module: &RootModule) -> (Vec<Rule>, Diagnostics) {
    let mut by_folder: BTreeMap<&str, (&Arc<Definitions>, Vec<Vec<String>>)> = BTreeMap::new();
    for (names, definitions) in &module.configuration().definitions {
        let entry = by_folder.entry(&definitions.folder).or_insert_with(|| (definitions, Vec::new()));
        entry.1.push(names.clone());
    }
    let data_folder = module.data_folder().trim_start_matches("./").trim_end_matches('/');
    let is_installed = |folder: &str| {
        let rest = folder.trim_start_matches("./").strip_prefix(data_folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let (mut rules, mut diagnostics) = (Vec::new(), Diagnostics::new());
    for (folder, (definitions, calls)) in by_folder {
        if is_installed(folder) {
            continue;
        }
        for (file, _) in &definitions.files {
            if !file.text.contains(COMMENT_MARKER) {
                continue;
            }
            if file.tokens().is_empty() {
                let detail = format!(
                    "{} is JSON, which has no comments. Rules about what it writes belong in the ignore file.",
                    file.name
                );
                diagnostics.push(Diagnostic::warning(CODE, "A file in JSON says what to ignore", detail));
                continue;
            }
            for result in of_file(file, &calls) {
                match result {
                    Ok(rule) => rules.push(rule),
                    Err(problem) => diagnostics.push(*problem),
                }
            }
        }
    }
    (rules, diagnostics)
}

/// Reads the comments of a file of a module that these calls lead to.
fn of_file(file: &File, calls: &[Vec<String>]) -> Vec<Result<Rule, Box<Diagnostic>>> {
    let tokens = file.tokens();
    let comments = tokens.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Comment);
    let mut results = Vec::new();
    for (position, token) in comments {
        let text = comment_text(&file.text[token.range()]);
        if !text.trim_start().starts_with(COMMENT_MARKER) {
            continue;
        }
        let span = file.span(&token.range());
        let place = target(tokens, position).and_then(|start| find(&file.body, start));
        let Some(place) = place else {
            let detail = "It belongs on the line of a resource, a call of a module, an argument or a nested block, or on \
                          its own line above one. The comment ignores nothing.";
            let problem = Diagnostic::warning(CODE, "A comment says what to ignore where nothing is", detail);
            results.push(Err(Box::new(problem.at_span(span))));
            continue;
        };
        let is_call = place.block.block_type == "module";
        let labels = &place.block.labels;
        let blocks = match (place.block.block_type.as_str(), labels.as_slice(), &place.argument) {
            ("resource", [resource_type, name], _) => calls
                .iter()
                .map(|modules| CommentedBlock {
                    modules: modules.clone(),
                    resource: Some((resource_type.clone(), name.clone())),
                })
                .collect(),
            ("module", [name], None) => calls
                .iter()
                .map(|modules| CommentedBlock {
                    modules: [modules.as_slice(), std::slice::from_ref(name)].concat(),
                    resource: None,
                })
                .collect(),
            (block_type, ..) => {
                let what = if is_call { "an argument of a call" } else { "a block of this type" };
                let detail = format!(
                    "The comment is at {what} ({block_type}); only resources, what is in them, and calls of modules have \
                     findings. The comment ignores nothing."
                );
                let problem = Diagnostic::warning(CODE, "A comment says what to ignore where nothing is found", detail);
                results.push(Err(Box::new(problem.at_span(span))));
                continue;
            }
        };
        results.extend(parse_comment(text, blocks, place.argument.as_deref(), span));
    }
    results
}

/// Gives what a comment says, without what makes it one.
fn comment_text(text: &str) -> &str {
    match text.strip_prefix("/*") {
        Some(text) => text.strip_suffix("*/").unwrap_or(text),
        None => text.trim_start_matches(['#', '/']),
    }
}

/// Finds where the code begins that a comment is about: that on its own line before it, else that on a line after it.
fn target(tokens: &[Token], comment: usize) -> Option<usize> {
    let is_code = |token: &&Token| !token.kind.is_trivia() && token.kind != TokenKind::Newline;
    let line = tokens[..comment].iter().rev().take_while(|token| token.kind != TokenKind::Newline);
    let on_line = line.filter(is_code).last();
    on_line.or_else(|| tokens[comment..].iter().find(is_code)).map(|token| token.range().start)
}

/// What a comment is at.
struct Place<'a> {
    /// The outermost block.
    block: &'a BlockSyntax,
    /// The path of an argument in it, or of a nested block.
    argument: Option<String>,
}

/// Finds the block or argument that begins at a byte.
fn find(body: &Body, start: usize) -> Option<Place<'_>> {
    let block = body.blocks.iter().find(|block| holds(&block.range, start))?;
    if block.range.start == start {
        return Some(Place { block, argument: None });
    }
    let mut names = Vec::new();
    let mut inner = block;
    loop {
        if let Some(attribute) = inner.body.attributes.iter().find(|attribute| attribute.range.start == start) {
            names.push(attribute.name.as_str());
            break;
        }
        let (outer, nested) = (inner, inner.body.blocks.iter().find(|nested| holds(&nested.range, start))?);
        match (nested.block_type.as_str(), nested.labels.as_slice()) {
            ("dynamic", [name]) => names.push(name),
            ("content", []) if outer.block_type == "dynamic" => {}
            (block_type, _) => names.push(block_type),
        }
        if nested.range.start == start {
            break;
        }
        inner = nested;
    }
    Some(Place { block, argument: Some(names.join(".")) })
}

fn holds(range: &Range<usize>, byte: usize) -> bool {
    range.start <= byte && byte < range.end
}
