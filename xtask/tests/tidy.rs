//! The rules of docs/dev that a machine can check, over the whole tree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// Lists the files git tracks or would track, relative to the root.
fn files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).expect("file names are UTF-8");
    let files: Vec<PathBuf> = listed
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|path| root().join(path).is_file())
        .collect();
    assert!(files.len() > 50, "git lists the tree");
    files
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_default()
}

fn rust_sources() -> impl Iterator<Item = (PathBuf, String)> {
    files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| !path.components().any(|part| part.as_os_str() == "generated"))
        .map(|path| {
            let text = read(&path);
            (path, text)
        })
}

/// The crate table of docs/dev/architecture.md: crate → the crates it may import.
fn crate_table() -> BTreeMap<String, BTreeSet<String>> {
    let text = read(Path::new("docs/dev/architecture.md"));
    let table = text.split("## The crates").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the section");
    table
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, name, _, imports, _] = cells.as_slice() else { return None };
            let name = name.strip_prefix('`')?.strip_suffix('`')?;
            let imports = imports.split(", ").filter(|import| *import != "–").map(str::to_owned).collect();
            Some((name.to_owned(), imports))
        })
        .collect()
}

#[test]
fn crates_import_what_the_table_allows() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let names: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let table = crate_table();
    assert_eq!(
        table.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        names,
        "the table lists every crate, and no other"
    );
    for package in packages {
        let name = package["name"].as_str().expect("a name");
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let imported = dependency["name"].as_str().expect("a name");
            let is_dev = dependency["kind"].as_str() == Some("dev");
            if names.contains(imported) && !is_dev {
                assert!(
                    table[name].contains(imported),
                    "{name} imports {imported}, which docs/dev/architecture.md does not allow"
                );
            }
        }
    }
}

#[test]
fn source_files_stay_small() {
    let mut lengths: Vec<(usize, PathBuf)> = rust_sources().map(|(path, text)| (text.lines().count(), path)).collect();
    lengths.sort();
    let too_long: Vec<_> = lengths.iter().filter(|(length, _)| *length > 1_200).collect();
    assert!(too_long.is_empty(), "files over 1,200 lines: {too_long:?}");
    let (ninetieth, path) = &lengths[lengths.len() * 9 / 10];
    assert!(*ninetieth <= 600, "nine of ten files have at most 600 lines, but {} has {ninetieth}", path.display());
}

#[test]
fn one_noun_has_one_public_type() {
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in rust_sources() {
        let Some(crate_name) = path.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned())
        else {
            continue;
        };
        // Layered shapes say their layer at the call (`v1::Finding`, `wire::Schema`) and are no nouns of their own.
        let is_layer = path.components().any(|part| {
            ["v1", "wire", "format"].iter().any(|layer| part.as_os_str().to_string_lossy().starts_with(layer))
        });
        if is_layer || !path.components().any(|part| part.as_os_str() == "src") {
            continue;
        }
        for line in text.lines() {
            let declared = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
            if let Some(rest) = declared {
                let noun: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                owners.entry(noun).or_default().insert(crate_name.clone());
            }
        }
    }
    // Every IO crate has one error type of its own, called `Error`, with its `ErrorKind`.
    let shared: Vec<_> = owners
        .iter()
        .filter(|(noun, crates)| crates.len() > 1 && !["Error", "ErrorKind"].contains(&noun.as_str()))
        .collect();
    assert!(shared.is_empty(), "public types declared in several crates: {shared:?}");
}

#[test]
fn every_crate_introduces_itself() {
    for (path, text) in rust_sources().filter(|(path, _)| path.ends_with("src/lib.rs")) {
        let head: String =
            text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join(" ").to_lowercase();
        for words in ["own", "may not know", "start reading", "good addition"] {
            assert!(head.contains(words), "the head of {} does not say `{words}`", path.display());
        }
    }
}

#[test]
fn lints_are_expected_with_a_reason() {
    for (path, text) in rust_sources().filter(|(path, _)| !path.ends_with("xtask/tests/tidy.rs")) {
        assert!(!text.contains("#[allow("), "{}: use #[expect(lint, reason = \"…\")]", path.display());
        assert!(
            !text.contains("#[ignore"),
            "{}: a test that needs a tool says aloud that it is skipped",
            path.display()
        );
    }
}

#[test]
fn nothing_of_one_machine_is_committed() {
    let hosts = ["proxy.golang", "registry.npmjs", "files.pythonhosted", "static.crates", "index.crates", "deb.debian"];
    for path in files().into_iter().filter(|path| !path.ends_with("xtask/tests/tidy.rs")) {
        let text = read(&path);
        for needle in ["/work/", "/root/"].iter().chain(&hosts) {
            assert!(!text.contains(needle), "{} names {needle}", path.display());
        }
    }
}

#[test]
fn changelog_fragments_have_a_kind_and_a_sentence() {
    let kinds = ["breaking", "note", "feature", "enhancement", "fix", "security"];
    for path in files().into_iter().filter(|path| path.starts_with("changelog.d")) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name == "README.md" {
            continue;
        }
        let parts: Vec<&str> = name.split('.').collect();
        assert!(
            matches!(parts.as_slice(), [_, kind, "md"] if kinds.contains(kind)),
            "{name}: <slug>.<{}>.md",
            kinds.join("|")
        );
        assert!(read(&path).trim().ends_with('.'), "{name} is one sentence or more, with a full stop");
    }
}

#[test]
fn the_index_of_decisions_is_complete() {
    let index = read(Path::new("docs/adr/README.md"));
    for path in files().into_iter().filter(|path| path.starts_with("docs/adr")) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name == "README.md" {
            continue;
        }
        assert!(index.contains(&format!("({name})")), "docs/adr/README.md does not link {name}");
        let text = read(&path);
        for heading in ["## Context", "## Decision", "## Alternatives", "## What would prove it wrong"] {
            assert!(text.contains(heading), "{name} lacks `{heading}`");
        }
    }
}

#[test]
fn every_diagnostic_has_its_place_in_the_documentation() {
    let page = read(Path::new("docs/diagnostics.md"));
    let mut n_codes = 0;
    for (path, text) in rust_sources().filter(|(path, _)| path.components().any(|part| part.as_os_str() == "src")) {
        for call in ["Diagnostic::error(", "Diagnostic::warning("] {
            for (position, _) in text.match_indices(call) {
                let Some(code) = text[position + call.len()..].trim_start().strip_prefix('"') else { continue };
                let code = code.split('"').next().unwrap_or_default();
                assert!(
                    page.contains(&format!("`{code}`")),
                    "docs/diagnostics.md lacks `{code}` of {}",
                    path.display()
                );
                n_codes += 1;
            }
        }
    }
    assert!(n_codes > 30, "the codes are found in the sources, {n_codes} were");
}

#[test]
fn links_between_documents_hold() {
    for path in files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = read(&path);
        let folder = path.parent().expect("a folder");
        for (position, _) in text.match_indices("](") {
            let target = text[position + 2..].split(')').next().unwrap_or_default();
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") || target.contains(' ') {
                continue;
            }
            assert!(
                root().join(folder).join(target).exists(),
                "{} links {target}, which does not exist",
                path.display()
            );
        }
    }
}
