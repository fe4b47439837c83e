//! What `driftmgr.yaml` says of root modules.

use std::collections::BTreeSet;

use model::{AccountId, Diagnostics, Region};
use serde_saphyr::Spanned;

use super::found::is_code;
use super::glob;
use super::{RootEntry, joined, split};
use crate::settings::{CODE, FILE_NAME, TOP_KEYS, VERSION};
use crate::yaml::{Node, YamlReader, find};

const ROOT_KEYS: &[&str] =
    &["path", "name", "workspaces", "variable_files", "states", "profiles", "accounts", "regions", "owners"];
/// Stands for the workspace in the name of a file of variables.
const WORKSPACE: &str = "{workspace}";

/// Reads the root modules; `None` where the file names none, so that they must be found.
pub(super) fn read(text: &str, files: &[String], diagnostics: &mut Diagnostics) -> Option<Vec<RootEntry>> {
    let mut reader = YamlReader::new(FILE_NAME, CODE);
    let roots = roots(&mut reader, text, files);
    diagnostics.append(&mut reader.diagnostics);
    roots
}

fn roots(reader: &mut YamlReader, text: &str, files: &[String]) -> Option<Vec<RootEntry>> {
    if text.trim().is_empty() {
        return None;
    }
    let document = reader.document(text, 0)?;
    let entries = reader.versioned(&document, TOP_KEYS, VERSION)?;
    let roots = find(entries, "roots")?;
    let Node::List(roots) = &roots.value else {
        reader.error("`roots` must be a list", "Each root module is an element of the list.", &roots.referenced);
        return Some(Vec::new());
    };
    let folders: BTreeSet<&str> =
        files.iter().map(|path| split(path)).filter(|(_, name)| is_code(name)).map(|(folder, _)| folder).collect();
    Some(roots.iter().flat_map(|root| entries_of(reader, root, &folders)).collect())
}

fn entries_of(reader: &mut YamlReader, node: &Spanned<Node>, folders: &BTreeSet<&str>) -> Vec<RootEntry> {
    let n_problems = reader.diagnostics.len();
    let Some(entries) = reader.mapping(node, ROOT_KEYS) else { return Vec::new() };
    let (path, name) = (reader.text("path", entries), reader.text("name", entries));
    let workspaces = reader.texts("workspaces", entries);
    let variable_files = reader.texts("variable_files", entries);
    let texts = ["states", "profiles", "owners", "accounts", "regions"].map(|key| reader.texts(key, entries));
    let [states, profiles, owners, accounts, regions] = texts;
    let Some(path) = path else {
        if reader.diagnostics.len() == n_problems {
            let detail = "Say in `path` which folder it is, from the folder of this file.";
            reader.error("A root module without a folder", detail, &node.referenced);
        }
        return Vec::new();
    };
    let place = find(entries, "path").map_or(&node.referenced, |path| &path.referenced);
    let named: Vec<String> = if glob::is_pattern(&path) {
        folders.iter().filter(|folder| glob::matches(&path, folder)).map(|folder| (*folder).to_owned()).collect()
    } else {
        joined(".", &path).filter(|folder| folders.contains(folder.as_str())).into_iter().collect()
    };
    if named.is_empty() {
        reader.error("No such root module", format!("No folder with code matches {path:?}."), place);
    }
    if named.len() > 1 && name.is_some() {
        let detail = "One name cannot stand for the several folders that `path` matches.";
        reader.error("A name for several root modules", detail, &node.referenced);
    }
    if workspaces.is_empty() && variable_files.iter().any(|file| file.contains(WORKSPACE)) {
        let detail = format!("{WORKSPACE} stands for each of `workspaces`, and there is none.");
        reader.error("A workspace that is not named", detail, &node.referenced);
    }
    if reader.diagnostics.len() > n_problems {
        return Vec::new();
    }
    let workspaces: Vec<Option<&str>> = match workspaces.as_slice() {
        [] => vec![None],
        named => named.iter().map(|workspace| Some(workspace.as_str())).collect(),
    };
    let mut found = Vec::new();
    for folder in named {
        for workspace in &workspaces {
            let own = name.as_deref().unwrap_or(&folder);
            let file = |file: &String| workspace.map_or_else(|| file.clone(), |own| file.replace(WORKSPACE, own));
            found.push(RootEntry {
                name: workspace.map_or_else(|| own.to_owned(), |workspace| format!("{own}@{workspace}")),
                directory: folder.clone(),
                workspace: workspace.map(str::to_owned),
                variable_files: variable_files.iter().map(file).collect(),
                states: states.clone(),
                profiles: profiles.clone(),
                accounts: accounts.iter().map(|account| AccountId::from(account.as_str())).collect(),
                regions: regions.iter().map(|region| Region::from(region.as_str())).collect(),
                owners: owners.clone(),
                evidence: format!("{FILE_NAME} names it"),
            });
        }
    }
    found
}
