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

/// A folder that files go to.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The folder; it is made where it is not there.
    pub folder: PathBuf,
    /// What happens to names that are taken.
    pub taken: TakenNames,
}

/// Writes files, by their names, and gives the name that each of them got.
///
/// Every text is on the disk under a name of its own before the first file appears, and a file appears by a hard link,
/// which replaces nothing. Where one of them cannot appear, those that did are taken back.
///
/// # Errors
///
/// Where the folder cannot be made or written to, a name is taken that must not be, or the disk is full. Nothing was
/// written then.
pub fn write_files(
    destination: &Destination,
    files: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Error> {
    let folder = &destination.folder;
    if destination.taken == TakenNames::Refuse {
        refuse_taken(folder, files.keys().map(String::as_str))?;
    }
    let mut work = Work { folder, made_folders: missing_folders(folder), temporary: Vec::new(), appeared: Vec::new() };
    let result = work.write(destination.taken, files);
    work.clean(result.is_err());
    result
}

/// Fails where a folder has files of these names already.
///
/// # Errors
///
/// One, which names all of them.
pub fn refuse_taken<'a>(folder: &Path, names: impl Iterator<Item = &'a str>) -> Result<(), Error> {
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
    fn write(
        &mut self,
        taken: TakenNames,
        files: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Error> {
        fs::create_dir_all(self.folder).map_err(|error| failure(self.folder, error))?;
        for (index, (name, text)) in files.iter().enumerate() {
            let path = self.folder.join(format!(".driftmgr-{}-{index}.tmp", std::process::id()));
            self.write_whole(&path, text).map_err(|error| failure(&self.folder.join(name), error))?;
        }
        let mut names = BTreeMap::new();
        for (index, (name, text)) in files.iter().enumerate() {
            let given = self.appear(index, name, text, taken)?;
            names.insert(name.clone(), given);
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
    fn appear(&mut self, index: usize, name: &str, text: &str, taken: TakenNames) -> Result<String, Error> {
        for number in 1..=MAX_BESIDE {
            let given = if number == 1 { name.to_owned() } else { beside(name, number) };
            let path = self.folder.join(&given);
            match link(&self.temporary[index], &path, text) {
                Ok(()) => {
                    self.appeared.push(path);
                    return Ok(given);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match taken {
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
    fn clean(self, is_failed: bool) {
        for path in &self.temporary {
            let _ = fs::remove_file(path);
        }
        if is_failed {
            for path in &self.appeared {
                let _ = fs::remove_file(path);
            }
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

/// Puts a number before the extension: `imports.tf` becomes `imports_2.tf`.
fn beside(name: &str, number: usize) -> String {
    match name.split_once('.') {
        Some((stem, extension)) => format!("{stem}_{number}.{extension}"),
        None => format!("{name}_{number}"),
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

    fn files(names: &[&str]) -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), format!("# {name}\n"))).collect()
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
        let destination = Destination { folder: place.path().to_owned(), taken: TakenNames::Refuse };
        let error = write_files(&destination, &files(&["generated.tf", "imports.tf"])).expect_err("it is taken");
        assert!(error.detail().contains("imports.tf") && !error.detail().contains("generated.tf"), "{error}");
        assert_eq!(names(place.path()), ["imports.tf"]);
        assert_eq!(fs::read_to_string(place.path().join("imports.tf")).expect("it is there"), "mine");
    }

    #[test]
    fn files_stand_beside_those_that_are_there() {
        let place = tempfile::tempdir().expect("a folder");
        fs::write(place.path().join("imports.tf"), "mine").expect("written");
        std::os::unix::fs::symlink("nowhere", place.path().join("imports_2.tf")).expect("linked");
        let destination = Destination { folder: place.path().to_owned(), taken: TakenNames::WriteBeside };
        let given = write_files(&destination, &files(&["generated_sqs.tf", "imports.tf"])).expect("it is written");
        assert_eq!(given["imports.tf"], "imports_3.tf");
        let given = write_files(&destination, &files(&["generated_sqs.tf"])).expect("it is written");
        assert_eq!(given["generated_sqs.tf"], "generated_sqs_2.tf");
        let expected = ["generated_sqs.tf", "generated_sqs_2.tf", "imports.tf", "imports_2.tf", "imports_3.tf"];
        assert_eq!(names(place.path()), expected);
        assert_eq!(fs::read_to_string(place.path().join("imports.tf")).expect("it is there"), "mine");
    }

    #[test]
    fn what_cannot_be_written_whole_is_not_written_at_all() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("a/b");
        let destination = Destination { folder: folder.clone(), taken: TakenNames::Refuse };
        // The second file has a name that no file can have.
        let error = write_files(&destination, &files(&["first.tf", &"x".repeat(300)])).expect_err("the name is long");
        assert!(error.detail().contains("Nothing was written"), "{error}");
        assert!(names(place.path()).is_empty(), "the folders it made are gone");

        fs::write(place.path().join("file"), "").expect("written");
        let destination = Destination { folder: place.path().join("file"), taken: TakenNames::Refuse };
        let error = write_files(&destination, &files(&["first.tf"])).expect_err("no folder");
        assert!(!error.help().is_empty() && error.detail().contains("file"), "{error}");
    }
}
