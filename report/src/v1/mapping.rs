//! `driftmgr.mapping/v1`: which object goes to which address. `driftmgr adopt` writes it, a person edits it, and
//! `driftmgr adopt` reads it back.

use std::collections::BTreeMap;

use drift::adopt::{Adoption, AdoptionKey, AdoptionStep, Choice, Choices};
use model::{Diagnostic, Diagnostics, InstanceAddress, Position, ResourceMode, Span};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

const SCHEMA: &str = "driftmgr.mapping/v1";
/// Longest file that is read, in bytes.
const MAX_BYTES: usize = 256 * 1024 * 1024;
/// Most mistakes that are told at once.
const MAX_PROBLEMS: usize = 50;

/// What becomes of the objects, as a mapping file.
pub struct Document<'a> {
    /// The root module the addresses are in, as the user named it.
    pub root: Option<&'a str>,
    /// What becomes of each object.
    pub adoptions: &'a [Adoption<'a>],
    /// The sources of modules that are called for objects, by the names of the calls.
    pub module_sources: &'a BTreeMap<String, String>,
}

impl super::Document for Document<'_> {
    const SCHEMA: &'static str = SCHEMA;
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(rename = "type")]
    resource_type: &'a str,
    id: &'a str,
    name: Option<&'a str>,
    account: Option<&'a str>,
    region: Option<&'a str>,
    root: Option<&'a str>,
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    module_source: Option<&'a str>,
    skip: bool,
    reason: Option<&'a str>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            schema: &'static str,
            objects: Objects<'a>,
        }
        struct Objects<'a>(&'a Document<'a>);
        impl Serialize for Objects<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.adoptions.iter().filter_map(|adoption| entry(adoption, self.0)))
            }
        }
        Body { schema: SCHEMA, objects: Objects(self) }.serialize(serializer)
    }
}

/// Gives the entry of an object; one without a type or an id cannot be imported, so nothing can be decided about it.
fn entry<'a>(adoption: &'a Adoption<'a>, document: &'a Document<'a>) -> Option<Entry<'a>> {
    let finding = adoption.finding;
    let (address, skip, reason) = match &adoption.step {
        AdoptionStep::Import { to, .. } => (Some(to), false, None),
        AdoptionStep::Skip { reason, to } => (to.as_ref(), true, Some(reason.as_str())),
    };
    Some(Entry {
        resource_type: finding.resource_type.as_ref()?.as_str(),
        id: finding.id.as_ref()?.as_str(),
        name: finding.name.as_deref(),
        account: finding.account.as_ref().map(model::AccountId::as_str),
        region: finding.region.as_ref().map(model::Region::as_str),
        root: document.root,
        module_source: address.and_then(call).and_then(|call| document.module_sources.get(call)).map(String::as_str),
        address: address.map(ToString::to_string),
        skip,
        reason,
    })
}

/// Gives the name of the call in the root module that an address leads through.
fn call(address: &InstanceAddress) -> Option<&str> {
    address.resource.module.steps().first().map(|step| &*step.name)
}

/// What a person decided about one object.
#[derive(Clone, Debug, PartialEq)]
pub struct MappingEntry {
    /// The object.
    pub key: AdoptionKey,
    /// What is to become of it.
    pub choice: Choice,
    /// The root module it goes to, as the person named it; `None` where the file does not say.
    pub root: Option<String>,
    /// The source of the module that its address leads into, where the root module does not call it yet.
    pub module_source: Option<String>,
    /// Where the entry begins.
    pub span: Span,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadFile<'a> {
    schema: String,
    #[serde(borrow)]
    objects: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadEntry {
    #[serde(rename = "type")]
    resource_type: String,
    id: String,
    #[serde(default, rename = "name")]
    _name: Option<String>,
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    root: Option<String>,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    module_source: Option<String>,
    #[serde(default)]
    skip: bool,
    #[serde(default)]
    reason: Option<String>,
}

/// Reads a mapping file; `name` is what diagnostics call it. What has an error is left out.
pub fn read(name: &str, text: &str) -> (Vec<MappingEntry>, Diagnostics) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let fail = |summary: &str, detail: String| Diagnostic::error("mapping-file", summary, detail);
    if text.len() > MAX_BYTES {
        let detail = format!("{name} has {} bytes; {MAX_BYTES} is the limit.", text.len());
        return (Vec::new(), vec![fail("The mapping file is too large", detail)]);
    }
    let file: ReadFile<'_> = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let position = Position { line: error.line(), column: error.column(), byte: 0 };
            let span = Span { file: name.into(), start: position, end: position };
            let problem = fail("The mapping file cannot be read", format!("{error}.")).at_span(span);
            return (Vec::new(), vec![problem]);
        }
    };
    if file.schema != SCHEMA {
        let detail = format!("{name} has the schema {:?}; this driftmgr reads {SCHEMA}.", file.schema);
        return (Vec::new(), vec![fail("Not a mapping file", detail)]);
    }
    let mut entries = Vec::new();
    let mut problems = Diagnostics::new();
    let mut lines = Lines { text, byte: 0, line: 1, line_start: 0 };
    for raw in file.objects {
        if problems.len() == MAX_PROBLEMS {
            problems.push(fail("More mistakes follow", format!("Only the first {MAX_PROBLEMS} of {name} are told.")));
            break;
        }
        // The texts of the entries are parts of the whole, so their places tell where they begin.
        let start = lines.at(raw.get().as_ptr() as usize - text.as_ptr() as usize);
        match read_entry(name, raw.get(), start) {
            Ok(entry) => entries.push(entry),
            Err(problem) => problems.push(*problem),
        }
    }
    let (entries, doubles) = without_doubles(entries);
    problems.extend(doubles);
    problems.extend(contradictions(&entries));
    (entries, problems)
}

/// Makes choices of the entries: one that belongs to another root module is left out, with the reason that `elsewhere`
/// gives for the root it names; `None` says that it belongs here.
pub fn choices(entries: &[MappingEntry], elsewhere: &dyn Fn(&str) -> Option<String>) -> Choices {
    let choice = |entry: &MappingEntry| match entry.root.as_deref().and_then(elsewhere) {
        Some(reason) if matches!(entry.choice, Choice::Import(_)) => Choice::Skip(reason),
        _ => entry.choice.clone(),
    };
    entries.iter().map(|entry| (entry.key.clone(), choice(entry))).collect()
}

/// Gives the sources of modules that the entries name, by the names of the calls; `elsewhere` as for [`choices`].
pub fn module_sources(
    entries: &[MappingEntry],
    elsewhere: &dyn Fn(&str) -> Option<String>,
) -> BTreeMap<String, String> {
    let is_here = |entry: &&MappingEntry| entry.root.as_deref().and_then(elsewhere).is_none();
    entries
        .iter()
        .filter(is_here)
        .filter_map(called)
        .map(|(call, source)| (call.to_owned(), source.to_owned()))
        .collect()
}

/// Gives the call that an entry wants, with its source.
fn called(entry: &MappingEntry) -> Option<(&str, &str)> {
    match &entry.choice {
        Choice::Import(address) => Some((call(address)?, entry.module_source.as_deref()?)),
        Choice::Skip(_) => None,
    }
}

/// Finds entries that give one call of one root module different sources.
fn contradictions(entries: &[MappingEntry]) -> Diagnostics {
    let mut sources: BTreeMap<(Option<&str>, &str), (&str, usize)> = BTreeMap::new();
    let mut problems = Diagnostics::new();
    for entry in entries {
        let Some((call, source)) = called(entry) else { continue };
        let (first, line) = *sources.entry((entry.root.as_deref(), call)).or_insert((source, entry.span.start.line));
        if first != source {
            let detail = format!("module.{call} has the source {source:?} here, and {first:?} at line {line}.");
            let problem = Diagnostic::error("mapping-file", "A module has two sources", detail);
            problems.push(problem.at_span(entry.span.clone()));
        }
    }
    problems
}

fn read_entry(name: &str, text: &str, start: Position) -> Result<MappingEntry, Box<Diagnostic>> {
    let span = |position: Position| Span { file: name.into(), start: position, end: position };
    let fail = |summary: &str, detail: String| {
        Err(Box::new(Diagnostic::error("mapping-file", summary, detail).at_span(span(start))))
    };
    if !text.starts_with('{') {
        return fail("An entry is no object", "An entry has a type, an id and an address, in braces.".to_owned());
    }
    let entry: ReadEntry = match serde_json::from_str(text) {
        Ok(entry) => entry,
        Err(error) => {
            let offset = if error.line() <= 1 { start.column.saturating_sub(1) } else { 0 };
            let position = Position {
                line: start.line + error.line().saturating_sub(1),
                column: error.column() + offset,
                byte: 0,
            };
            // The position is given apart, and for the whole file.
            let message = error.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
            let problem = Diagnostic::error("mapping-file", "An entry cannot be read", format!("{message}."));
            return Err(Box::new(problem.at_span(span(position))));
        }
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if entry.resource_type.is_empty() || !entry.resource_type.chars().all(is_word) {
        return fail("Not a resource type", format!("{:?} is none: write one such as aws_vpc.", entry.resource_type));
    }
    if entry.id.is_empty() {
        return fail("An object has no id", format!("An entry of type {} has an empty `id`.", entry.resource_type));
    }
    let choice = match (entry.skip, entry.address) {
        (true, _) => Choice::Skip(entry.reason.unwrap_or_default()),
        (false, None) => {
            return fail("An object has no address", format!("{} must have an `address`, or `skip`.", entry.id));
        }
        (false, Some(address)) => match address.parse::<InstanceAddress>() {
            Err(error) => return fail("Not an address", format!("The entry of {} has an {error}.", entry.id)),
            Ok(address) if address.resource.mode == ResourceMode::Data => {
                let detail = format!("{} is sent to {address}: a data source cannot be imported.", entry.id);
                return fail("Not the address of a managed resource", detail);
            }
            Ok(address) if address.resource_type().as_str() != entry.resource_type => {
                let detail = format!("{} is of type {}, and is sent to {address}.", entry.id, entry.resource_type);
                return fail("An object is sent to an address of another type", detail);
            }
            Ok(address) => Choice::Import(address),
        },
    };
    if let (Some(source), Choice::Import(address)) = (&entry.module_source, &choice)
        && call(address).is_none()
    {
        let detail = format!("{} is sent to {address}, which is in no module; its entry names {source:?}.", entry.id);
        return fail("An entry names a module for nothing", detail);
    }
    let key = AdoptionKey {
        resource_type: entry.resource_type.into(),
        id: entry.id.into(),
        account: entry.account.map(Into::into),
        region: entry.region.map(Into::into),
    };
    Ok(MappingEntry { key, choice, root: entry.root, module_source: entry.module_source, span: span(start) })
}

/// Takes out entries that name an object, or an address of one root module, a second time.
fn without_doubles(entries: Vec<MappingEntry>) -> (Vec<MappingEntry>, Diagnostics) {
    let mut keys: BTreeMap<AdoptionKey, usize> = BTreeMap::new();
    let mut addresses: BTreeMap<(Option<String>, InstanceAddress), usize> = BTreeMap::new();
    let mut kept = Vec::new();
    let mut problems = Diagnostics::new();
    for entry in entries {
        let line = entry.span.start.line;
        let (resource_type, id) = (&entry.key.resource_type, &entry.key.id);
        if let Some(first) = keys.get(&entry.key) {
            let detail = format!("{resource_type} {id} has an entry at line {first} already.");
            problems.push(
                Diagnostic::error("mapping-file", "An object is named twice", detail).at_span(entry.span.clone()),
            );
            continue;
        }
        if let Choice::Import(address) = &entry.choice {
            let place = (entry.root.clone(), address.clone());
            if let Some(first) = addresses.get(&place) {
                let detail = format!("{id} is sent to {address}, and so is the object at line {first}.");
                let problem = Diagnostic::error("address-taken", "An address is taken", detail);
                problems
                    .push(problem.at_span(entry.span.clone()).with_help("Give each of them an address of its own."));
                continue;
            }
            addresses.insert(place, line);
        }
        keys.insert(entry.key.clone(), line);
        kept.push(entry);
    }
    (kept, problems)
}

/// Finds lines and columns of ever later places in a text.
struct Lines<'a> {
    text: &'a str,
    byte: usize,
    line: usize,
    line_start: usize,
}

impl Lines<'_> {
    fn at(&mut self, byte: usize) -> Position {
        let between = self.text.as_bytes().get(self.byte..byte).unwrap_or_default();
        for (index, _) in between.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            self.line += 1;
            self.line_start = self.byte + index + 1;
        }
        self.byte = byte;
        let column = self.text.get(self.line_start..byte).map_or(0, |text| text.chars().count()) + 1;
        Position { line: self.line, column, byte }
    }
}
