//! What a person decided: the mapping file, and objects named by their ids.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::Context;
use drift::adopt::{AdoptionKey, Choice, Choices};
use engine::Session;
use model::{Diagnostic, ImportId, InstanceAddress, ResourceMode, ResourceType};
use report::v1;

use super::OfferArgs;
use super::place::Place;
use crate::failure;

/// `--import TYPE=ID` or `--import ADDRESS=ID`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ImportArgument {
    pub(super) resource_type: ResourceType,
    id: ImportId,
    to: InstanceAddress,
}

impl FromStr for ImportArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = "write TYPE=ID, such as aws_sqs_queue=jobs, or ADDRESS=ID";
        let (place, id) = split(text).ok_or(usage)?;
        if id.is_empty() {
            return Err(format!("the id is empty: {usage}"));
        }
        let address = if place.contains('.') { place.to_owned() } else { format!("{place}.{}", name_of(id)) };
        let to: InstanceAddress = address.parse().map_err(|error| format!("{error}: {usage}"))?;
        if to.resource.mode == ResourceMode::Data {
            return Err("a data source cannot be imported".to_owned());
        }
        Ok(Self { resource_type: to.resource_type().clone(), id: id.into(), to })
    }
}

/// Splits at the first equals sign that is not inside of an instance key.
fn split(text: &str) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (position, c) in text.char_indices() {
        match c {
            '=' if !is_quoted => return Some((&text[..position], &text[position + 1..])),
            '"' if !is_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    None
}

/// Makes a resource name of an id: lower-case letters, digits and `_`.
fn name_of(id: &str) -> String {
    let mut name = String::new();
    for c in id.chars().take(64) {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('_') && !name.is_empty() {
            name.push('_');
        }
    }
    let name = name.trim_matches('_');
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name.to_owned() } else { format!("r_{name}") }
}

/// Reads the mapping file, and adds the objects that are named by their ids; gives the sources of modules that are to be
/// called for them, too, by the names of the calls.
pub(super) fn read(
    offer: &OfferArgs,
    place: &Place,
    session: &Session,
) -> anyhow::Result<(Choices, BTreeMap<String, String>)> {
    let (mut choices, module_sources) = match &offer.mapping {
        None => (Choices::new(), BTreeMap::new()),
        Some(path) => {
            let path = session.path(path);
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("could not read the mapping file {}", path.display()))?;
            let (entries, mut problems) = v1::mapping::read(&path.to_string_lossy(), &text);
            for entry in &entries {
                let folder = entry.root.as_deref().map(|root| session.path(root.as_ref()));
                if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                    let detail =
                        format!("{} goes to the root module {}, which is no folder.", entry.key.id, folder.display());
                    let problem = Diagnostic::error("mapping-file", "A root module is not there", detail);
                    problems.push(problem.at_span(entry.span.clone()).with_help("Correct `root`, or leave it out."));
                }
            }
            if model::diagnostic::has_errors(&problems) {
                failure::print_diagnostics(&problems);
                anyhow::bail!("the mapping file {} has mistakes; nothing was written", path.display());
            }
            failure::print_diagnostics(&problems);
            let elsewhere = |root: &str| place.elsewhere(root, session);
            (v1::mapping::choices(&entries, &elsewhere), v1::mapping::module_sources(&entries, &elsewhere))
        }
    };
    for import in &offer.import {
        let key = AdoptionKey {
            resource_type: import.resource_type.clone(),
            id: import.id.clone(),
            account: None,
            region: None,
        };
        let is_same = |other: &AdoptionKey| (&other.resource_type, &other.id) == (&key.resource_type, &key.id);
        anyhow::ensure!(!choices.keys().any(is_same), "{} {} is named twice", key.resource_type, key.id);
        let is_taken = choices.values().any(|choice| *choice == Choice::Import(import.to.clone()));
        anyhow::ensure!(
            !is_taken,
            "{} would go to {}, which another object has: name an address with --import ADDRESS=ID",
            key.id,
            import.to
        );
        choices.insert(key, Choice::Import(import.to.clone()));
    }
    Ok((choices, module_sources))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_by_its_id_and_perhaps_an_address() {
        let check = |text: &str| {
            let import: ImportArgument = text.parse()?;
            Ok::<_, String>(format!("{} -> {}", import.id, import.to))
        };
        let expect = |text: &str| Ok(text.to_owned());
        assert_eq!(
            check("aws_sqs_queue=https://sqs/1/Jobs=a"),
            expect("https://sqs/1/Jobs=a -> aws_sqs_queue.https_sqs_1_jobs_a")
        );
        assert_eq!(check("rabbitmq_queue=9@/"), expect("9@/ -> rabbitmq_queue.r_9"));
        assert_eq!(check("module.m.aws_vpc.x[\"a=b\"]=vpc-1"), expect("vpc-1 -> module.m.aws_vpc.x[\"a=b\"]"));
        for wrong in ["aws_vpc", "=x", "aws_vpc=", "aws_vpc.=x", "data.aws_vpc.x=y", "aws vpc=x"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }
}
