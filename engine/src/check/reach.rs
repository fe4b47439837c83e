//! Which files a root module reads, without evaluating anything: each folder of the repository is read once.

use std::collections::{BTreeMap, BTreeSet};

use hcl::SourceTree;
use hcl::module::Module;

use super::git::{join, split};
use crate::roots::RootEntry;

/// So many folders are followed from one root module.
const MAX_FOLDERS: usize = 10_000;
const LOCK_FILE: &str = ".terraform.lock.hcl";
/// The functions of the language that read files.
const READERS: &[&str] = &[
    "file",
    "filebase64",
    "filebase64sha256",
    "filebase64sha512",
    "fileexists",
    "filemd5",
    "fileset",
    "filesha1",
    "filesha256",
    "filesha512",
    "templatefile",
];

/// What the code in one folder reads.
#[derive(Debug, Default)]
struct FolderReads {
    /// The folders of the modules it calls, as far as they are in the repository.
    calls: BTreeSet<String>,
    /// Files, and folders of files, that functions name: relative to the folder itself, or to the root module.
    named: BTreeSet<(Anchor, String)>,
    /// Files elsewhere that links in it lead to.
    linked: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Anchor {
    Module,
    Root,
}

/// Knows what every folder reads, before and after a change.
pub(super) struct Reach<'a> {
    head: &'a dyn SourceTree,
    base: Option<&'a dyn SourceTree>,
    changed: &'a BTreeSet<String>,
    /// Gives the paths that a path leads to by links, now and before.
    links: &'a dyn Fn(&str) -> Vec<String>,
    /// The folders with changed code.
    changed_folders: BTreeSet<&'a str>,
    folders: BTreeMap<String, FolderReads>,
}

impl<'a> Reach<'a> {
    /// Begins; both trees have paths relative to the topmost folder of the repository.
    pub(super) fn new(
        head: &'a dyn SourceTree,
        base: Option<&'a dyn SourceTree>,
        changed: &'a BTreeSet<String>,
        links: &'a dyn Fn(&str) -> Vec<String>,
    ) -> Self {
        let code = changed.iter().filter(|path| is_code(split(path).1));
        let changed_folders = code.map(|path| split(path).0).collect();
        Self { head, base, changed, links, changed_folders, folders: BTreeMap::new() }
    }

    /// Finds the first changed file that a root module reads, before or after the change.
    pub(super) fn why(&mut self, root: &RootEntry) -> Option<String> {
        let mut folders = BTreeSet::new();
        let mut waiting = vec![root.directory.clone()];
        while let Some(folder) = waiting.pop() {
            if folders.len() >= MAX_FOLDERS || !folders.insert(folder.clone()) {
                continue;
            }
            waiting.extend((self.links)(&folder));
            waiting.extend(self.reads(&folder).calls.iter().cloned());
        }
        let of_root: BTreeSet<String> =
            root.variable_files.iter().filter_map(|file| join(&root.directory, file)).collect();
        let (mut named, mut linked) = (BTreeSet::new(), BTreeSet::new());
        for folder in &folders {
            linked.extend(self.reads(folder).linked.iter().cloned());
            for (anchor, path) in &self.reads(folder).named {
                let from = if *anchor == Anchor::Root { &root.directory } else { folder };
                named.extend(join(from, path));
            }
        }
        let is_read = |path: &&String| {
            let (folder, name) = split(path);
            // Of a submodule, the folder itself changes.
            let within = format!("{path}/");
            if linked.contains(*path) || folders.iter().any(|folder| folder == *path || folder.starts_with(&within)) {
                return true;
            }
            if is_code(name) {
                return folders.contains(folder);
            }
            if name.ends_with(".tfvars") || name.ends_with(".tfvars.json") || name == LOCK_FILE {
                return folder == root.directory || of_root.contains(*path);
            }
            of_root.contains(*path)
                || named.iter().any(|named| {
                    named == "."
                        || path
                            .strip_prefix(named.as_str())
                            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                })
        };
        self.changed.iter().find(is_read).cloned()
    }

    /// Tells what the code in a folder reads, in either tree.
    fn reads(&mut self, folder: &str) -> &FolderReads {
        if !self.folders.contains_key(folder) {
            let mut reads = FolderReads::default();
            reads.add(self.head, folder);
            let says_something = |name: &&String| is_code(name) || name.contains(".tfvars") || *name == LOCK_FILE;
            let names = self.head.list(folder).unwrap_or_default();
            let links = names
                .iter()
                .filter(says_something)
                .flat_map(|name| (self.links)(&if folder == "." { name.clone() } else { format!("{folder}/{name}") }));
            reads.linked.extend(links);
            if let Some(base) = self.base.filter(|_| self.changed_folders.contains(folder)) {
                reads.add(base, folder);
            }
            self.folders.insert(folder.to_owned(), reads);
        }
        &self.folders[folder]
    }
}

impl FolderReads {
    fn add(&mut self, tree: &dyn SourceTree, folder: &str) {
        let (module, _) = Module::read(tree, folder);
        let sources = module.calls.iter().filter_map(|call| call.source.as_deref());
        let local = sources.filter(|source| source.starts_with("./") || source.starts_with("../"));
        self.calls.extend(local.filter_map(|source| join(folder, source)));
        for name in tree.list(folder).unwrap_or_default().iter().filter(|name| is_code(name)) {
            let path = if folder == "." { name.clone() } else { format!("{folder}/{name}") };
            if let Ok(bytes) = tree.read(&path) {
                self.named.extend(named_files(&String::from_utf8_lossy(&bytes)));
            }
        }
    }
}

/// Tells whether a file is code of a module.
pub(super) fn is_code(name: &str) -> bool {
    [".tf", ".tofu", ".tf.json", ".tofu.json"].iter().any(|end| name.ends_with(end)) && !name.starts_with('.')
}

/// Finds the paths that calls of functions name which read files: up to what is computed, a folder then.
///
/// A call whose path begins with something computed may read anything near it: its own folder, and that of the root.
fn named_files(text: &str) -> BTreeSet<(Anchor, String)> {
    let mut named = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find('(') {
        let word = rest[..at].trim_end();
        let start = word.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |end| end + 1);
        let is_reader = READERS.contains(&&word[start..]);
        rest = &rest[at + 1..];
        if !is_reader {
            continue;
        }
        let argument = rest.trim_start();
        let Some(quoted) = argument.strip_prefix('"') else {
            let anchor = if argument.starts_with("path.root") { Anchor::Root } else { Anchor::Module };
            named.insert((anchor, ".".to_owned()));
            if anchor == Anchor::Module && !argument.starts_with("path.module") {
                named.insert((Anchor::Root, ".".to_owned()));
            }
            continue;
        };
        let end = quoted.find(['"', '\n']).unwrap_or(quoted.len());
        let path = &quoted[..end];
        let (anchor, path) = match path.strip_prefix("${path.module}") {
            Some(inner) => (Anchor::Module, inner),
            None => (Anchor::Root, path.strip_prefix("${path.root}").unwrap_or(path)),
        };
        let path = path.trim_start_matches('/');
        let fixed = match path.find("${") {
            Some(computed) => split(&path[..computed]).0,
            None => path,
        };
        let fixed = if fixed.is_empty() { "." } else { fixed };
        named.insert((anchor, fixed.to_owned()));
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> hcl::MemoryTree {
        hcl::MemoryTree(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect())
    }

    fn root(directory: &str) -> RootEntry {
        let repository = crate::roots::Repository {
            directory: "/r".into(),
            roots: Vec::new(),
            is_written: false,
            diagnostics: Vec::new(),
        };
        repository.entry_of(&std::path::Path::new("/r").join(directory))
    }

    #[test]
    fn a_root_is_met_by_what_it_reads() {
        let head = tree(&[
            ("a/main.tf", "module \"m\" {\n  source = \"../modules/m\"\n}\n"),
            ("b/main.tf", "locals {\n  t = templatefile(\"${path.module}/t/${var.n}.tpl\", {})\n}\n"),
            ("modules/m/main.tf", "locals {\n  f = file(\"${path.module}/f.json\")\n}\n"),
            ("modules/n/main.tf", ""),
            ("b/shared.tf", ""),
            ("s/main.tf", "module \"m\" {\n  source = \"../sub/m\"\n}\n"),
        ]);
        let base =
            tree(&[("a/main.tf", "module \"m\" {\n  source = \"../modules/n\"\n}\n"), ("modules/n/main.tf", "")]);
        let links = |path: &str| (path == "b/shared.tf").then(|| "common/shared.tf".to_owned()).into_iter().collect();
        let why = |changed: &[&str], directory: &str| {
            let changed = changed.iter().map(|path| (*path).to_owned()).collect();
            Reach::new(&head, Some(&base), &changed, &links).why(&root(directory))
        };
        assert_eq!(why(&["a/main.tf"], "a").as_deref(), Some("a/main.tf"));
        assert_eq!(why(&["a/main.tf"], "b"), None);
        assert_eq!(why(&["modules/m/x.tf"], "a").as_deref(), Some("modules/m/x.tf"));
        assert_eq!(why(&["modules/m/f.json"], "a").as_deref(), Some("modules/m/f.json"));
        assert_eq!(why(&["modules/m/README.md"], "a"), None);
        assert_eq!(why(&["b/t/x.tpl"], "b").as_deref(), Some("b/t/x.tpl"));
        assert_eq!(why(&["b/other.tpl", "b/terraform.tfvars"], "b").as_deref(), Some("b/terraform.tfvars"));
        assert_eq!(why(&["a/.terraform.lock.hcl"], "a").as_deref(), Some("a/.terraform.lock.hcl"));
        assert_eq!(why(&["common/shared.tf"], "b").as_deref(), Some("common/shared.tf"));
        assert_eq!(why(&["sub"], "s").as_deref(), Some("sub"));
        assert_eq!(why(&["sub"], "a"), None);
        // Before the change it called another module, which the change touches as well.
        assert_eq!(why(&["modules/n/main.tf"], "a"), None);
        assert_eq!(why(&["modules/n/main.tf", "a/main.tf"], "a").as_deref(), Some("a/main.tf"));
    }
}
