//! Which folders are root modules, by what is in them.

use std::collections::{BTreeMap, BTreeSet};

use hcl::SourceTree;
use hcl::module::Module;

use super::{RootEntry, joined, split};

/// Folders whose modules are shown to people rather than applied, unless they say where their state is.
const SHOWN: &[&str] = &["examples", "example", "test", "tests", "testdata", "fixtures"];

/// What is known of a folder with code.
#[derive(Default)]
struct Candidate {
    has_backend: bool,
    has_provider: bool,
    has_resources: bool,
    /// Whether something is there that only running terraform, or meaning to, leaves.
    trace: Option<&'static str>,
}

/// Finds the root modules among these files.
///
/// A folder is one where it says where its state is, or where terraform was run or given values there. Else it is one
/// where it configures providers and nothing calls it.
pub(super) fn read(files: &[String], tree: &dyn SourceTree) -> Vec<RootEntry> {
    let mut candidates: BTreeMap<&str, Candidate> = BTreeMap::new();
    let mut called: BTreeSet<String> = BTreeSet::new();
    for path in files {
        let (folder, name) = split(path);
        if is_code(name) && !is_unpacked(folder) {
            candidates.entry(folder).or_default();
        }
    }
    for path in files {
        let (folder, name) = split(path);
        let Some(candidate) = candidates.get_mut(folder) else { continue };
        match name {
            ".terraform.lock.hcl" => candidate.trace = Some("terraform was initialized in it"),
            "terraform.tfstate" => candidate.trace = Some("its state is in it"),
            "terraform.tfvars" | "terraform.tfvars.json" => candidate.trace = Some("its variables are set in it"),
            name if name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json") => {
                candidate.trace = Some("its variables are set in it");
            }
            _ => {}
        }
    }
    for (folder, candidate) in &mut candidates {
        let (module, _) = Module::read(tree, folder);
        candidate.has_backend = module.backend.is_some();
        candidate.has_provider = !module.providers.is_empty();
        candidate.has_resources = !module.resources.is_empty() || !module.calls.is_empty();
        let sources = module.calls.iter().filter_map(|call| call.source.as_deref());
        let local = sources.filter(|source| source.starts_with("./") || source.starts_with("../"));
        called.extend(local.filter_map(|source| joined(folder, source)));
    }
    let evidence = |folder: &str, candidate: &Candidate| {
        if candidate.has_backend {
            return Some("it says where its state is");
        }
        let is_shown = folder.split('/').any(|step| SHOWN.contains(&step));
        if called.contains(folder) || is_shown {
            return None;
        }
        let configures = candidate.has_provider && candidate.has_resources;
        candidate.trace.or(configures.then_some("it configures providers, and nothing calls it"))
    };
    let roots = candidates.iter().filter_map(|(folder, own)| Some(RootEntry::of(folder, evidence(folder, own)?)));
    let mut roots: Vec<RootEntry> = roots.collect();
    if roots.is_empty() && candidates.contains_key(".") {
        roots.push(RootEntry::of(".", "it is the only folder at hand"));
    }
    roots
}

/// Tells whether a file is code of a module.
pub(super) fn is_code(name: &str) -> bool {
    [".tf", ".tofu", ".tf.json", ".tofu.json"].iter().any(|end| name.ends_with(end)) && !name.starts_with('.')
}

/// Tells whether a folder was unpacked by a tool.
fn is_unpacked(folder: &str) -> bool {
    folder.split('/').any(|step| step.starts_with('.') && step.len() > 1)
}
