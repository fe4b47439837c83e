//! Where the files of an adoption go, and what is to be done with them there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::{AdoptAnswer, NewFile, Session, TakenNames};

use super::Arguments;

/// The name of the mapping file that is written.
const MAPPING: &str = "mapping.json";

/// Where the files go.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The folder.
    pub(super) folder: PathBuf,
    /// The folder, as the user named it.
    pub(super) text: String,
    /// The root module that the files belong to, as the user named it; `None` where they are a root of their own.
    pub(super) root_text: Option<String>,
    /// Whether the folder is that root module, so that files stand beside those that are there.
    pub(super) is_root: bool,
}

impl Place {
    pub(super) fn find(arguments: &Arguments, session: &Session) -> anyhow::Result<Self> {
        let states = &arguments.comparison.states;
        let root_text = states.dir.as_ref().map(|dir| dir.to_string_lossy().into_owned());
        let Some(chosen) = arguments.output.out_dir.as_ref().or(states.dir.as_ref()) else {
            anyhow::bail!(
                "there is no place for the files: name a root module with --dir, or a new folder with --out-dir"
            );
        };
        let folder = session.path(chosen);
        let root = states.dir.as_ref().map(|dir| session.path(dir));
        let is_root = root.is_some_and(|root| is_same(&root, &folder));
        if is_root {
            anyhow::ensure!(folder.is_dir(), "{} is no folder: --dir names a root module", folder.display());
        } else {
            let there = folder.ancestors().find(|folder| folder.symlink_metadata().is_ok());
            let file = there.filter(|there| !there.is_dir());
            anyhow::ensure!(
                file.is_none(),
                "{} is no folder: --out-dir names one, or a new one",
                file.unwrap_or(&folder).display()
            );
            engine::refuse_configuration(&folder)?;
        }
        Ok(Self { folder, text: chosen.to_string_lossy().into_owned(), root_text, is_root })
    }

    /// Says why an object that belongs to a root module is not adopted here, as a sentence; `None` where it is.
    pub(super) fn elsewhere(&self, root: &str, session: &Session) -> Option<String> {
        let wanted = session.path(root.as_ref());
        let own = match &self.root_text {
            Some(own) => session.path(own.as_ref()),
            None => self.folder.clone(),
        };
        (!is_same(&own, &wanted)).then(|| format!("It belongs to the root module {root}: run adopt with --dir {root}."))
    }

    /// Gives the files names that are free, where they stand beside others.
    pub(super) fn choose_names(&self, answer: &mut AdoptAnswer) {
        if self.is_root {
            let names = engine::free_names(&self.folder, answer.files.keys().map(String::as_str));
            answer.files = std::mem::take(&mut answer.files)
                .into_iter()
                .map(|(name, text)| (names.get(&name).cloned().unwrap_or(name), text))
                .collect();
        }
    }

    /// Writes the files and the mapping file; gives their names, in order.
    pub(super) fn write(&self, answer: &AdoptAnswer, mapping: String) -> anyhow::Result<Vec<String>> {
        let is_told = self.folder.join(MAPPING).exists();
        if answer.objects.is_empty() || (answer.n_imported() == 0 && is_told) {
            return Ok(Vec::new());
        }
        let taken = if self.is_root { TakenNames::WriteBeside } else { TakenNames::Refuse };
        let mut files =
            BTreeMap::from([(MAPPING.to_owned(), NewFile { text: mapping, taken: TakenNames::WriteBeside })]);
        if answer.n_imported() > 0 {
            let texts = answer.files.iter().filter(|(_, text)| !text.is_empty());
            files.extend(texts.map(|(name, text)| (name.clone(), NewFile { text: text.clone(), taken })));
        }
        Ok(engine::write_files(&self.folder, &files)?.into_values().collect())
    }

    /// Gives the file with the import blocks as the list of claims names it; `None` where it was not written.
    pub(super) fn imports(&self, files: &[String]) -> Option<PathBuf> {
        let is_imports = |name: &&String| name.starts_with("imports") && !name.contains('/');
        self.folder.join(files.iter().find(is_imports)?).canonicalize().ok()
    }

    /// Lists the commands to be run next.
    pub(super) fn next(&self, answer: &AdoptAnswer) -> Vec<String> {
        let mut next = Vec::new();
        if answer.n_imported() > 0 {
            let folder = quoted(&self.text);
            match (&self.root_text, self.is_root) {
                (_, true) => next.push(format!("terraform -chdir={folder} plan")),
                (Some(root), false) => {
                    let root = quoted(root);
                    next.push(format!("mv {folder}/*.tf {root}/"));
                    next.push(format!("terraform -chdir={root} plan"));
                }
                (None, false) => {
                    next.push(format!("terraform -chdir={folder} init"));
                    next.push(format!("terraform -chdir={folder} plan"));
                }
            }
        }
        if answer.statistics.n_left > 0 {
            next.push("driftmgr adopt …, the same again, for the objects that are left".to_owned());
        }
        next
    }
}

fn is_same(left: &Path, right: &Path) -> bool {
    match (left.canonicalize(), right.canonicalize()) {
        (Ok(left), Ok(right)) => left == right,
        _ => left == right,
    }
}

/// Writes a word for a shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("a/b-c_d.tf"), "a/b-c_d.tf");
        assert_eq!(quoted("it's mine"), "'it'\\''s mine'");
    }
}
