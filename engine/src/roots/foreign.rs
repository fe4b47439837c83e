//! What other tools' files say of root modules: Terragrunt, Terramate, Atlantis, Digger.

use std::collections::BTreeSet;

use hcl::SourceTree;
use hcl::syntax::File;
use model::{Diagnostic, Diagnostics};

use super::found::is_code;
use super::{RootEntry, glob, joined, named, split};
use crate::yaml::{Entries, Node, YamlReader, find};

/// Other tools' files may repeat themselves with anchors.
const MAX_ALIASES: usize = 1_000;

/// Reads what the files of other tools say; the same folder may be named by several, and the first counts.
pub(super) fn read(files: &[String], tree: &dyn SourceTree, diagnostics: &mut Diagnostics) -> Vec<RootEntry> {
    let folders: BTreeSet<&str> =
        files.iter().map(|path| split(path)).filter(|(_, name)| is_code(name)).map(|(folder, _)| folder).collect();
    let mut roots: Vec<RootEntry> = Vec::new();
    for (name, tool, keys) in [
        ("atlantis.yaml", "Atlantis", ("dir", "workspace")),
        ("digger.yml", "Digger", ("dir", "workspace")),
        ("digger.yaml", "Digger", ("dir", "workspace")),
    ] {
        if files.iter().any(|file| file == name) {
            add(&mut roots, projects(name, tool, keys, tree, &folders, diagnostics));
        }
    }
    for path in files {
        let (folder, name) = split(path);
        if name == "terragrunt.hcl" {
            add(&mut roots, terragrunt(path, folder, &folders, tree, diagnostics));
        } else if [".tm.hcl", ".tm"].iter().any(|end| name.ends_with(end)) {
            add(&mut roots, terramate(path, folder, &folders, tree));
        }
    }
    roots
}

/// Adds what is not known yet.
fn add(roots: &mut Vec<RootEntry>, found: impl IntoIterator<Item = RootEntry>) {
    for root in found {
        let is_known = |known: &RootEntry| {
            known.name == root.name || (&known.directory, &known.workspace) == (&root.directory, &root.workspace)
        };
        if !roots.iter().any(is_known) {
            roots.push(root);
        }
    }
}

/// Reads the `projects` of a file in YAML.
fn projects(
    name: &str,
    tool: &str,
    (folder_key, workspace_key): (&str, &str),
    tree: &dyn SourceTree,
    folders: &BTreeSet<&str>,
    diagnostics: &mut Diagnostics,
) -> Vec<RootEntry> {
    let text = match tree.read(name).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => return Vec::new(),
        Err(error) => {
            let detail = format!("{name} cannot be read: {}. What it says of root modules is not known.", error.reason);
            diagnostics.push(Diagnostic::warning("roots", "Another tool's file was not read", detail));
            return Vec::new();
        }
    };
    let mut reader = YamlReader::new(name, "roots");
    let document = reader.document(&text, MAX_ALIASES);
    let mut roots = Vec::new();
    let Some(Node::Map(entries)) = document.as_ref().map(|document| &document.value) else {
        diagnostics.extend(
            reader.diagnostics.into_iter().map(|problem| Diagnostic { severity: model::Severity::Warning, ..problem }),
        );
        return roots;
    };
    let projects = match find(entries, "projects").map(|projects| &projects.value) {
        Some(Node::List(projects)) => projects.as_slice(),
        _ => &[],
    };
    for project in projects {
        let Node::Map(own) = &project.value else { continue };
        let text = |key: &str| text_of(own, key);
        let folder = text(folder_key).unwrap_or_else(|| ".".to_owned());
        let workspace = text(workspace_key).filter(|workspace| workspace != "default");
        let matching: Vec<String> = if glob::is_pattern(&folder) {
            folders.iter().filter(|known| glob::matches(&folder, known)).map(|known| (*known).to_owned()).collect()
        } else {
            joined(".", &folder).filter(|folder| folders.contains(folder.as_str())).into_iter().collect()
        };
        if matching.is_empty() {
            let detail = format!("No folder with code matches {folder:?}, which {tool} names.");
            let problem = Diagnostic::warning("roots", "No such root module", detail);
            diagnostics.push(problem.at_span(reader.span(&project.referenced)));
        }
        let is_one = matching.len() == 1;
        for folder in matching {
            let base = text("name").filter(|_| is_one).unwrap_or_else(|| folder.clone());
            let is_named_after = workspace.as_ref().is_some_and(|workspace| base.contains(workspace.as_str()));
            let name = match &workspace {
                Some(workspace) if !is_named_after => format!("{base}@{workspace}"),
                _ => base,
            };
            roots.push(RootEntry {
                name,
                workspace: workspace.clone(),
                ..RootEntry::of(&folder, format!("{tool} names it"))
            });
        }
    }
    roots
}

fn text_of(entries: Entries<'_>, key: &str) -> Option<String> {
    find(entries, key).and_then(|node| node.value.as_text()).map(str::to_owned)
}

/// Reads a unit of Terragrunt: its code is in its folder, or where the last `terragrunt init` put it.
fn terragrunt(
    path: &str,
    folder: &str,
    folders: &BTreeSet<&str>,
    tree: &dyn SourceTree,
    diagnostics: &mut Diagnostics,
) -> Option<RootEntry> {
    let bytes = tree.read(path).ok()?;
    let (file, _) = File::parse_bytes(path, &bytes);
    let source = file.body.blocks("terraform").find_map(|block| block.body.attribute("source"));
    let is_unit = source.is_some() || file.body.blocks("include").next().is_some() || folders.contains(folder);
    if !is_unit || folder.split('/').any(|step| step == ".terragrunt-cache") {
        return None;
    }
    if source.is_none() && folders.contains(folder) {
        return Some(RootEntry::of(folder, "Terragrunt runs it"));
    }
    let cache = if folder == "." { ".terragrunt-cache/".to_owned() } else { format!("{folder}/.terragrunt-cache/") };
    let mut unpacked = folders.iter().filter(|known| known.starts_with(&cache));
    match (unpacked.next(), unpacked.next()) {
        (Some(only), None) => {
            let root = RootEntry::of(only, "Terragrunt runs it, and unpacked its code there");
            Some(RootEntry { name: folder.to_owned(), ..root })
        }
        _ => {
            let detail = format!(
                "Terragrunt takes the code of {folder} from elsewhere, and it is not unpacked there. Run `terragrunt init` \
                 first, or name the folder of its code in driftmgr.yaml."
            );
            let problem = Diagnostic::warning("roots", "The code of a Terragrunt unit is not at hand", detail);
            let place = source.map_or_else(|| file.span(&(0..0)), |source| file.span(&source.range));
            diagnostics.push(problem.at_span(model::Span { file: named(path), ..place }));
            None
        }
    }
}

/// Reads a stack of Terramate.
fn terramate(path: &str, folder: &str, folders: &BTreeSet<&str>, tree: &dyn SourceTree) -> Option<RootEntry> {
    let bytes = tree.read(path).ok()?;
    let (file, _) = File::parse_bytes(path, &bytes);
    file.body.blocks("stack").next()?;
    folders.contains(folder).then(|| RootEntry::of(folder, "it is a stack of Terramate"))
}
