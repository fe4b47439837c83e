//! Accepting what the cloud holds: where in the code it would be written, and the edits that write it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use cty::{Path, PathStep, Value};
use drift::adopt::search::is_secret_name;
use hcl::File;
use hcl::edit::{self, Edit};
use hcl::evaluate::Written;
use hcl::root::Root;
use hcl::syntax::{AttributeSyntax, Body};
use hcl::trace::ValueOrigin;
use model::{Block, Span};

use super::prove::{Accepted, at};
use super::write;
use crate::evaluation::guarded;
use crate::explain::secrets;

/// Why something is not accepted, and where its value comes from.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) reason: String,
    pub(super) places: Vec<Span>,
}

/// An argument that takes over what the cloud holds.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) file: Arc<File>,
    /// Where the argument is, in bytes.
    pub(super) argument: Range<usize>,
    /// From the argument on to what changes in it.
    pub(super) steps: Vec<PathStep>,
    pub(super) span: Span,
}

/// The key of an argument: its file and where it begins.
pub(super) type SiteKey = (Arc<str>, usize);

impl Site {
    pub(super) fn key(&self) -> SiteKey {
        (Arc::clone(&self.file.name), self.argument.start)
    }
}

/// Finds where the code sets what is to be accepted.
pub(super) fn site(root: &Root, accepted: &Accepted, schema: &Block, data_folder: &str) -> Result<Site, Refused> {
    let Accepted { address, path, value } = accepted;
    let refused = |reason: String, places: Vec<Span>| Err(Refused { reason, places });
    if may_be_secret(path, value) {
        return refused(
            format!("What the cloud holds at {path} may be a secret, and no secret is written."),
            Vec::new(),
        );
    }
    let declared =
        root.instance(address, schema).ok().and_then(|declared| at(&declared.config.unmark_deep().0, path.steps()));
    let says_so = match &declared {
        Some(declared) if declared.is_wholly_known() && !declared.is_null() => {
            cty::convert::convert(value, declared.ty()).is_ok_and(|value| value == *declared)
        }
        _ => false,
    };
    if says_so {
        let reason = "The code says so already: only the state is behind, and a refresh mends that.".to_owned();
        return refused(reason, Vec::new());
    }
    let origin = match root.argument_origin(address, path) {
        Ok(origin) => origin,
        Err(problem) => return refused(problem.detail, Vec::new()),
    };
    let places = match &origin.value {
        ValueOrigin::Literal(span) => vec![span.clone()],
        ValueOrigin::Places(places) => places.clone(),
    };
    let Some(argument) = origin.argument else {
        let reason = format!("No argument sets {path} alone: a block would have to be added, changed or taken away.");
        return refused(reason, places);
    };
    let found = root.resource(&address.resource).and_then(|block| find(&block.written, &argument));
    let Some((file, attribute)) = found else {
        return refused(format!("The argument that sets {path} is not in the block of the resource."), places);
    };
    let Some(n_steps) = steps_to_argument(schema, path).filter(|_| value_is_inside(path, schema, &attribute)) else {
        return refused(format!("The argument that sets {path} is computed from something else."), places);
    };
    if let Some(reason) = write::refusal(&file.name, data_folder) {
        return refused(reason, vec![argument]);
    }
    let is_inside = |span: &Span| {
        span.file == argument.file && span.start.byte >= argument.start.byte && span.end.byte <= argument.end.byte
    };
    if let Some(outside) = places.iter().find(|place| !is_inside(place)) {
        let reason = format!(
            "Its value comes from {}:{}, and what is written there may be used elsewhere: change it there.",
            outside.file, outside.start.line
        );
        return refused(reason, places);
    }
    let steps = path.steps()[n_steps..].to_vec();
    let site = Site { file, argument: attribute.range.clone(), steps, span: argument };
    // Whatever is wrong with the edit alone is wrong with it among others.
    match edits(&site.file, &attribute, &[(&site.steps, value.clone())]) {
        Ok(_) => Ok(site),
        Err(problem) => refused(format!("{}.", sentence(&problem.to_string())), vec![site.span]),
    }
}

/// Edits one argument.
pub(super) fn edits(
    file: &File,
    attribute: &AttributeSyntax,
    changes: &[(&[PathStep], Value)],
) -> Result<Edit, edit::EditProblem> {
    match changes {
        [(steps, value)] if steps.is_empty() && value.is_null() => edit::remove(file, attribute),
        changes => edit::set_inside(file, attribute, changes),
    }
}

/// Edits every argument that takes something over; gives the new text of each file.
///
/// # Errors
/// The arguments that cannot be edited, with why.
pub(super) fn patch(changes: &[(&Site, &Accepted)]) -> Result<BTreeMap<String, String>, Vec<(SiteKey, String)>> {
    let mut by_site: BTreeMap<SiteKey, (&Site, Vec<(&[PathStep], Value)>)> = BTreeMap::new();
    let mut problems = Vec::new();
    for (site, accepted) in changes {
        let (_, changes) = by_site.entry(site.key()).or_insert((site, Vec::new()));
        match changes.iter().find(|(steps, _)| **steps == site.steps[..]) {
            Some((_, value)) if *value != accepted.value => {
                let reason =
                    "Several instances share what is written there, and the cloud holds different values of them.";
                problems.push((site.key(), reason.to_owned()));
            }
            Some(_) => {}
            None => changes.push((&site.steps, accepted.value.clone())),
        }
    }
    let mut files: BTreeMap<&str, (&File, Vec<Edit>)> = BTreeMap::new();
    for (key, (site, changes)) in &by_site {
        let attribute = attribute_at(&site.file.body, site.argument.start);
        // Elements leave from the last to the first, so that positions mean what they meant.
        let mut changes = changes.clone();
        changes.sort_by_key(|(steps, value)| (value.is_null(), std::cmp::Reverse(position(steps))));
        match attribute.map(|attribute| edits(&site.file, attribute, &changes)) {
            Some(Ok(edit)) => files.entry(&site.file.name).or_insert((&site.file, Vec::new())).1.push(edit),
            Some(Err(problem)) => problems.push((key.clone(), format!("{}.", sentence(&problem.to_string())))),
            None => problems.push((key.clone(), "The argument is not found again.".to_owned())),
        }
    }
    let mut texts = BTreeMap::new();
    for (name, (file, edits)) in files {
        match edit::apply(file, file.bytes(), &edits).map(String::from_utf8) {
            Ok(Ok(text)) => {
                let is_json = file.tokens().is_empty();
                let text = if is_json { text } else { edit::with_aligned_comments(&file.text, &text) };
                texts.insert(name.to_owned(), text);
            }
            Ok(Err(_)) => problems.extend(of_file(&by_site, name, "The file is not all UTF-8.")),
            Err(problem) => {
                problems.extend(of_file(&by_site, name, &format!("{}.", sentence(&problem.to_string()))));
            }
        }
    }
    if problems.is_empty() { Ok(texts) } else { Err(problems) }
}

fn of_file<T>(by_site: &BTreeMap<SiteKey, T>, name: &str, reason: &str) -> Vec<(SiteKey, String)> {
    let keys = by_site.keys().filter(|(file, _)| **file == *name);
    keys.map(|key| (key.clone(), reason.to_owned())).collect()
}

fn position(steps: &[PathStep]) -> Option<u64> {
    match steps.last() {
        Some(PathStep::Index(key)) => key.as_number().and_then(|number| number.to_string().parse().ok()),
        _ => None,
    }
}

/// Tells whether a value must not be written because of its name or its looks.
fn may_be_secret(path: &Path, value: &Value) -> bool {
    value.contains_marked()
        || secrets::last_name(path).is_some_and(|name| is_secret_name(&name))
        || looks_secret(value)
        || guarded(&secrets::without_secrets(value)).contains_marked()
}

fn looks_secret(value: &Value) -> bool {
    let mut found = false;
    cty::walk(value, |_, part| {
        found = found || part.as_str().is_some_and(super::shown::looks_secret);
        !found
    });
    found
}

/// Gives how many steps of a path lead to the argument that sets it, that one included.
fn steps_to_argument(schema: &Block, path: &Path) -> Option<usize> {
    let mut block = schema;
    for (position, step) in path.steps().iter().enumerate() {
        let PathStep::GetAttr(name) = step else { continue };
        if block.attributes.contains_key(name) {
            return Some(position + 1);
        }
        block = &block.blocks.get(name)?.block;
    }
    None
}

/// Tells whether an argument is the one that a schema means.
fn value_is_inside(path: &Path, schema: &Block, attribute: &AttributeSyntax) -> bool {
    let last = steps_to_argument(schema, path).and_then(|n_steps| path.steps().get(n_steps - 1));
    matches!(last, Some(PathStep::GetAttr(name)) if *name == attribute.name)
}

/// Finds an argument of a block by its place.
fn find(written: &Written, argument: &Span) -> Option<(Arc<File>, AttributeSyntax)> {
    let own = written
        .attributes()
        .find(|(file, attribute)| file.name == argument.file && attribute.range.start == argument.start.byte);
    if let Some((file, attribute)) = own {
        return Some((Arc::clone(file), attribute.clone()));
    }
    written.blocks().filter(|(file, _)| file.name == argument.file).find_map(|(file, block)| {
        let attribute = attribute_at(&block.body, argument.start.byte)?;
        Some((Arc::clone(file), attribute.clone()))
    })
}

fn attribute_at(body: &Body, start: usize) -> Option<&AttributeSyntax> {
    let own = body.attributes.iter().find(|attribute| attribute.range.start == start);
    own.or_else(|| body.blocks.iter().find_map(|block| attribute_at(&block.body, start)))
}

/// Begins a sentence with a clause.
fn sentence(clause: &str) -> String {
    let mut chars = clause.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
