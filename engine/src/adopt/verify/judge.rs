//! What a plan says of what is imported, and what it complains about.

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, Value};
use hcl::File;
use model::InstanceAddress;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value as Json;

/// What a plan says.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    pub(super) failure: Option<String>,
    pub(super) changes: Vec<(String, Vec<String>)>,
    pub(super) elsewhere: Vec<(String, Vec<String>)>,
    pub(super) problems: Vec<(String, String)>,
}

/// What a program complained about: errors, with the addresses that they name.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    at_addresses: Vec<(String, String)>,
    others: Vec<String>,
}

/// A line of what `plan -json` writes.
#[derive(Deserialize)]
struct Line {
    diagnostic: Option<Complaint>,
}

#[derive(Deserialize)]
struct Complaint {
    severity: String,
    summary: String,
    #[serde(default)]
    detail: String,
    address: Option<String>,
    range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    filename: String,
    start: Start,
}

#[derive(Deserialize)]
struct Start {
    line: usize,
    byte: usize,
}

/// The part of `show -json` that counts.
#[derive(Deserialize)]
struct Plan {
    #[serde(default)]
    resource_changes: Vec<ResourceChange>,
}

#[derive(Deserialize)]
struct ResourceChange {
    address: String,
    #[serde(default)]
    mode: String,
    change: Change,
}

#[derive(Deserialize)]
struct Change {
    actions: Vec<String>,
    importing: Option<IgnoredAny>,
    #[serde(default)]
    before: Json,
    #[serde(default)]
    after: Json,
    #[serde(default)]
    after_unknown: Json,
}

impl Judgement {
    /// Says why there is no plan, and which objects are the reason.
    pub(super) fn without_plan(failure: String, complaints: Complaints) -> Self {
        Self { failure: Some(failure), problems: complaints.at_addresses, ..Self::default() }
    }
}

impl Complaints {
    /// Gives all of them as one text.
    pub(super) fn text(&self) -> Option<String> {
        let all = self.at_addresses.iter().map(|(address, why)| format!("{address}: {why}"));
        let all: Vec<String> = all.chain(self.others.iter().cloned()).collect();
        (!all.is_empty()).then(|| super::shortened(&all.join(" ")))
    }
}

/// Reads the errors in what `plan -json` wrote; those that stand in a block of the files get its address.
pub(super) fn complaints(output: &[u8], files: &BTreeMap<String, String>) -> Complaints {
    let mut complaints = Complaints::default();
    for line in output.split(|byte| *byte == b'\n') {
        // Lines that are none of ours are for people.
        let Ok(Line { diagnostic: Some(complaint) }) = serde_json::from_slice::<Line>(line) else { continue };
        if complaint.severity != "error" {
            continue;
        }
        let words: Vec<&str> = complaint.detail.split_whitespace().collect();
        let place = complaint.range.as_ref().map(|range| format!(" ({}:{})", range.filename, range.start.line));
        let why = format!("{}: {}{}", complaint.summary, words.join(" "), place.unwrap_or_default());
        let why = super::shortened(&why);
        match complaint.address.or_else(|| address_at(complaint.range.as_ref()?, files)) {
            Some(address) => complaints.at_addresses.push((address, why)),
            None => complaints.others.push(why),
        }
    }
    complaints
}

/// Gives the address of the block in which a place is.
fn address_at(range: &Range, files: &BTreeMap<String, String>) -> Option<String> {
    let text = files.get(&range.filename)?;
    let (file, _) = File::parse(&range.filename, text);
    let block = file.body.blocks.iter().find(|block| block.range.contains(&range.start.byte))?;
    match (block.block_type.as_str(), block.labels.as_slice()) {
        ("resource", [resource_type, name]) => Some(format!("{resource_type}.{name}")),
        ("module", [name]) => Some(format!("module.{name}")),
        ("import", []) => Some(file.source(&block.body.attribute("to")?.expression)),
        _ => None,
    }
}

/// Judges a plan: what is imported is to be left alone otherwise.
pub(super) fn judge(plan: &[u8], complaints: Complaints, imported: &BTreeSet<String>) -> Result<Judgement, String> {
    let plan: Plan = serde_json::from_slice(plan)
        .map_err(|error| format!("Its plan cannot be read (line {}, column {}).", error.line(), error.column()))?;
    let mut judgement = Judgement::default();
    let mut planned = BTreeSet::new();
    for ResourceChange { address, mode, change } in plan.resource_changes {
        if mode == "data" {
            continue;
        }
        // One address has one spelling for us.
        let address = address.parse::<InstanceAddress>().map_or(address, |address| address.to_string());
        let is_ours = imported.contains(&address);
        if is_ours {
            planned.insert(address.clone());
        }
        let what = match (change.actions.as_slice(), &change.importing) {
            ([action], Some(_)) if action == "no-op" => continue,
            ([action], None) if action == "no-op" => {
                if is_ours {
                    judgement.changes.push((address, vec!["it is not imported: the state has it".to_owned()]));
                }
                continue;
            }
            ([action], _) if action == "update" => differences(&change),
            ([_, _], _) => [vec!["replace".to_owned()], differences(&change)].concat(),
            (actions, _) => vec![actions.join(", ")],
        };
        let list = if is_ours { &mut judgement.changes } else { &mut judgement.elsewhere };
        list.push((address, what));
    }
    for (address, why) in complaints.at_addresses {
        judgement.problems.push((address, why));
    }
    let is_named = |address: &str| judgement.problems.iter().any(|(named, _)| names(named, address));
    let unplanned: Vec<String> =
        imported.iter().filter(|address| !planned.contains(*address) && !is_named(address)).cloned().collect();
    let errors = super::shortened(&complaints.others.join(" "));
    match (unplanned.as_slice(), complaints.others.as_slice()) {
        ([], []) => {}
        // Nothing else is missing, so this is what the error is about.
        ([address], [_]) => judgement.problems.push((address.clone(), errors.clone())),
        (unplanned, []) => {
            let why = "The plan does not have it; it may depend on something that could not be planned.";
            judgement.problems.extend(unplanned.iter().map(|address| (address.clone(), why.to_owned())));
        }
        (unplanned, _) => {
            let why = format!("It was not planned, for one of these reasons. {errors}");
            judgement.problems.extend(unplanned.iter().map(|address| (address.clone(), why.clone())));
        }
    }
    if !judgement.problems.is_empty() || !errors.is_empty() {
        let n_planned = imported.iter().filter(|address| planned.contains(*address)).count();
        let n_all = imported.len();
        let mut failure = format!("Of {n_all} imported objects it planned {n_planned}.");
        if !errors.is_empty() {
            failure = format!("{failure} {errors}");
        }
        judgement.failure = Some(failure);
    }
    Ok(judgement)
}

/// Tells whether an address, of an instance or of a block, means an instance.
fn names(named: &str, instance: &str) -> bool {
    instance == named || instance.strip_prefix(named).is_some_and(|key| key.starts_with('['))
}

/// Gives the paths at which a change changes something.
fn differences(change: &Change) -> Vec<String> {
    let mut paths = Vec::new();
    differ(&change.before, &change.after, &change.after_unknown, &Path::new(), false, &mut paths);
    paths.iter().map(ToString::to_string).collect()
}

/// `is_object`: whether an object here has attributes; otherwise it may be a map, and has keys.
fn differ(before: &Json, after: &Json, unknown: &Json, path: &Path, is_element: bool, paths: &mut Vec<Path>) {
    if *unknown == Json::Bool(true) {
        paths.push(path.clone());
        return;
    }
    match (before, after) {
        (Json::Object(old), Json::Object(new)) => {
            let unknowns = unknown.as_object();
            let names: BTreeSet<&String> =
                old.keys().chain(new.keys()).chain(unknowns.into_iter().flat_map(|names| names.keys())).collect();
            for name in names {
                let path = if path.is_empty() || is_element {
                    path.clone().attr(name.as_str())
                } else {
                    path.clone().index(Value::string(name.as_str()))
                };
                let part = |object: Option<&serde_json::Map<String, Json>>| {
                    object.and_then(|object| object.get(name)).cloned().unwrap_or(Json::Null)
                };
                differ(&part(Some(old)), &part(Some(new)), &part(unknowns), &path, false, paths);
            }
        }
        (Json::Array(old), Json::Array(new)) if old.len() == new.len() => {
            for (position, (old, new)) in old.iter().zip(new).enumerate() {
                let unknown = unknown.as_array().and_then(|unknowns| unknowns.get(position)).unwrap_or(&Json::Null);
                let path = path.clone().index(Value::number(position as u64));
                differ(old, new, unknown, &path, true, paths);
            }
        }
        (old, new) if old != new => paths.push(path.clone()),
        _ => {}
    }
}
