//! Writing what adoption made: whole files, all of them or none, never over one that is there.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind};

const OPERATION: &str = "write what was adopted";
/// How many names are tried beside one that is taken.
const MAX_BESIDE: usize = 10_000;

/// Says what happens where a file of a wanted name is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenNames {
    /// It is an error, and nothing is written.
    Refuse,
    /// The new file stands beside it with a number: `generated_sqs_2.tf`.
    WriteBeside,
}

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its text.
    pub text: String,
    /// What happens where its name is taken.
    pub taken: TakenNames,
}

/// Writes files, by their paths relative to a folder, and gives the path that each of them got.
///
/// Every text is on the disk under a name of its own before the first file appears, and a file appears by a hard link,
/// which replaces nothing. Where one of them cannot appear, those that did are taken back.
///
/// # Errors
///
/// Where a folder cannot be made or written to, a name is taken that must not be, or the disk is full. Nothing was
/// written then.
pub fn write_files(folder: &Path, files: &BTreeMap<String, NewFile>) -> Result<BTreeMap<String, String>, Error> {
    let refused = files.iter().filter(|(_, file)| file.taken == TakenNames::Refuse);
    refuse_taken(folder, refused.map(|(name, _)| name.as_str()))?;
    let mut work = Work { folder, made_folders: Vec::new(), temporary: Vec::new(), appeared: Vec::new() };
    let result = work.write(files);
    work.clean(result.is_err());
    result
}

/// Gives each file the first path that is free in a folder: its own, or one with a number.
pub fn free_names<'a>(folder: &Path, names: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    let free = |name: &str| {
        let names = (1..=MAX_BESIDE).map(|number| beside(name, number));
        names.into_iter().find(|name| !exists(&folder.join(name))).unwrap_or_else(|| name.to_owned())
    };
    names.map(|name| (name.to_owned(), free(name))).collect()
}

/// Fails where a folder holds configuration: a root module is not mixed with another one.
///
/// # Errors
///
/// One, which names what is there.
pub fn refuse_configuration(folder: &Path) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let endings = [".tf", ".tf.json", ".tofu", ".tofu.json"];
    let mut names: Vec<String> = names.filter(|name| endings.iter().any(|ending| name.ends_with(ending))).collect();
    names.sort();
    refuse_taken(folder, names.iter().map(String::as_str))
}

/// Fails where a folder has files of these names already, and names all of them.
fn refuse_taken<'a>(folder: &Path, names: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let taken: Vec<String> = names
        .map(|name| folder.join(name))
        .filter(|path| exists(path))
        .map(|path| path.display().to_string())
        .collect();
    if taken.is_empty() {
        return Ok(());
    }
    let (what, stay) = if taken.len() == 1 { ("It is", "stays as it is") } else { ("They are", "stay as they are") };
    let detail = format!("{} there already and {stay}: {}. Nothing was written.", what, taken.join(", "));
    Err(Error::usage(OPERATION, detail)
        .with_help("Choose another --out-dir, or name the folder with --dir to add files to the configuration in it."))
}

/// What one run of writing has done so far.
struct Work<'a> {
    folder: &'a Path,
    made_folders: Vec<PathBuf>,
    temporary: Vec<PathBuf>,
    appeared: Vec<PathBuf>,
}

impl Work<'_> {
    fn write(&mut self, files: &BTreeMap<String, NewFile>) -> Result<BTreeMap<String, String>, Error> {
        for (index, (name, file)) in files.iter().enumerate() {
            let path = self.folder.join(name);
            let folder = path.parent().unwrap_or(self.folder);
            self.made_folders.extend(missing_folders(folder));
            fs::create_dir_all(folder).map_err(|error| failure(folder, error))?;
            let temporary = folder.join(format!(".driftmgr-{}-{index}.tmp", std::process::id()));
            self.write_whole(&temporary, &file.text).map_err(|error| failure(&path, error))?;
        }
        let mut names = BTreeMap::new();
        for (index, (name, file)) in files.iter().enumerate() {
            names.insert(name.clone(), self.appear(index, name, file)?);
        }
        // Names are as lasting as the folder that lists them; a file system without this has no such promise to keep.
        if let Ok(folder) = File::open(self.folder) {
            let _ = folder.sync_all();
        }
        Ok(names)
    }

    fn write_whole(&mut self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
            // A process of the same number died here: what it left is no file of anybody.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(path)?;
                OpenOptions::new().write(true).create_new(true).open(path)?
            }
            opened => opened?,
        };
        self.temporary.push(path.to_owned());
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// Lets a file that is written whole appear under its name, or under the first free one beside it.
    fn appear(&mut self, index: usize, name: &str, file: &NewFile) -> Result<String, Error> {
        for number in 1..=MAX_BESIDE {
            let given = beside(name, number);
            let path = self.folder.join(&given);
            match link(&self.temporary[index], &path, &file.text) {
                Ok(()) => {
                    self.appeared.push(path);
                    return Ok(given);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match file.taken {
                    TakenNames::Refuse => return refuse_taken(self.folder, [name].into_iter()).map(|()| given),
                    TakenNames::WriteBeside => {}
                },
                Err(error) => return Err(failure(&path, error)),
            }
        }
        let detail = format!("{} and {MAX_BESIDE} names beside it are taken.", self.folder.join(name).display());
        Err(Error::usage(OPERATION, detail).with_help("Name another folder with --out-dir."))
    }

    /// Removes what only this run knows of; after a failure, everything it made. What cannot be removed adds nothing to
    /// the failure that is told.
    fn clean(mut self, is_failed: bool) {
        for path in &self.temporary {
            let _ = fs::remove_file(path);
        }
        if is_failed {
            for path in &self.appeared {
                let _ = fs::remove_file(path);
            }
            self.made_folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
            for folder in &self.made_folders {
                // One that somebody else has put a file into stays.
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

/// Gives a written file its name, which must be free.
fn link(temporary: &Path, path: &Path, text: &str) -> io::Result<()> {
    match fs::hard_link(temporary, path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) => {
            // A file system without hard links: the name is taken first, and given back where the text does not fit.
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
            let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
            if written.is_err() {
                let _ = fs::remove_file(path);
            }
            written
        }
        result => result,
    }
}

/// Gives the folders that are not there yet, the innermost first.
fn missing_folders(folder: &Path) -> Vec<PathBuf> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !exists(folder);
    folder.ancestors().take_while(is_missing).map(Path::to_owned).collect()
}

/// Tells whether a name is taken, be it by a link that leads nowhere.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Puts a number before the extension, from 2 on: `imports.tf` becomes `imports_2.tf`.
fn beside(path: &str, number: usize) -> String {
    if number == 1 {
        return path.to_owned();
    }
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let separator = if folder.is_empty() { "" } else { "/" };
    match name.split_once('.') {
        Some((stem, extension)) => format!("{folder}{separator}{stem}_{number}.{extension}"),
        None => format!("{folder}{separator}{name}_{number}"),
    }
}

fn failure(path: &Path, error: io::Error) -> Error {
    let detail = format!("{}: {error}. Nothing was written.", path.display());
    let help = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "Make room, and run the same command again: what was found out is kept and goes on from there."
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "Name a folder that you may write to with --out-dir, and run the command again: what was found out is kept."
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "Name a folder with --out-dir, not a file.",
        _ => "Run the same command again once that is mended: what was found out is kept.",
    };
    Error::new(ErrorKind::Unavailable, OPERATION, detail).with_help(help).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str], taken: TakenNames) -> BTreeMap<String, NewFile> {
        names.iter().map(|name| ((*name).to_owned(), NewFile { text: format!("# {name}\n"), taken })).collect()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("the folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_taken_name_is_refused_and_nothing_is_written() {
        let place = tempfile::tempdir().expect("a folder");
        fs::write(place.path().join("imports.tf"), "mine").expect("written");
        let files = files(&["generated.tf", "imports.tf"], TakenNames::Refuse);
        let error = write_files(place.path(), &files).expect_err("it is taken");
        assert!(error.detail().contains("imports.tf") && !error.detail().contains("generated.tf"), "{error}");
        assert_eq!(names(place.path()), ["imports.tf"]);
        assert_eq!(fs::read_to_string(place.path().join("imports.tf")).expect("it is there"), "mine");
        assert!(refuse_configuration(place.path()).is_err() && refuse_configuration(&place.path().join("a")).is_ok());
    }

    #[test]
    fn files_stand_beside_those_that_are_there() {
        let place = tempfile::tempdir().expect("a folder");
        fs::write(place.path().join("imports.tf"), "mine").expect("written");
        std::os::unix::fs::symlink("nowhere", place.path().join("imports_2.tf")).expect("linked");
        let wanted = ["generated_sqs.tf", "imports.tf"];
        assert_eq!(free_names(place.path(), wanted.into_iter())["imports.tf"], "imports_3.tf");
        let given = write_files(place.path(), &files(&wanted, TakenNames::WriteBeside)).expect("it is written");
        assert_eq!(given["imports.tf"], "imports_3.tf");
        let more = files(&["generated_sqs.tf", "modules/a.b/generated.tf"], TakenNames::WriteBeside);
        let given = write_files(place.path(), &more).expect("it is written");
        assert_eq!(given["generated_sqs.tf"], "generated_sqs_2.tf");
        let given = write_files(place.path(), &more).expect("it is written");
        assert_eq!(given["modules/a.b/generated.tf"], "modules/a.b/generated_2.tf");
        assert_eq!(names(&place.path().join("modules/a.b")), ["generated.tf", "generated_2.tf"]);
        assert_eq!(fs::read_to_string(place.path().join("imports.tf")).expect("it is there"), "mine");
    }

    #[test]
    fn what_cannot_be_written_whole_is_not_written_at_all() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("a/b");
        // The second file has a name that no file can have.
        let files = files(&["c/first.tf", &"x".repeat(300)], TakenNames::Refuse);
        let error = write_files(&folder, &files).expect_err("the name is long");
        assert!(error.detail().contains("Nothing was written"), "{error}");
        assert!(names(place.path()).is_empty(), "the folders it made are gone");

        fs::write(place.path().join("file"), "").expect("written");
        let error = write_files(&place.path().join("file"), &files).expect_err("no folder");
        assert!(!error.help().is_empty() && error.detail().contains("file"), "{error}");
    }
}
