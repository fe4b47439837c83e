//! Writing into the working tree: files that are still as they were read, each whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The endings of files that may be written.
const ENDINGS: &[&str] = &[".tf", ".tf.json", ".tofu", ".tofu.json"];

/// A file as it is to be.
pub(super) struct Wanted<'a> {
    /// Its path, relative to the root module.
    pub(super) name: &'a str,
    /// What it held when it was read; `None` where it was not there.
    pub(super) old: Option<&'a [u8]>,
    /// What it is to hold.
    pub(super) new: &'a [u8],
}

/// Writes files. Nothing is written where one of them may not be; what cannot be written then leaves the others.
///
/// Gives what went wrong with each, as a sentence.
pub(super) fn write_all(root: &Path, data_folder: &str, files: &[Wanted<'_>]) -> Vec<Result<(), String>> {
    let checked: Vec<Result<PathBuf, String>> = files.iter().map(|file| check(root, data_folder, file)).collect();
    if checked.iter().any(Result::is_err) {
        let others = || "Nothing was written, because another file cannot be.".to_owned();
        return checked.into_iter().map(|checked| Err(checked.err().unwrap_or_else(others))).collect();
    }
    files.iter().zip(checked).map(|(file, path)| path.and_then(|path| write(&path, file))).collect()
}

/// Says why a path of the root module may not be written; `None` where it may.
pub(super) fn refusal(name: &str, data_folder: &str) -> Option<String> {
    let path = Path::new(name);
    let is_outside = path.is_absolute() || path.components().any(|part| part == std::path::Component::ParentDir);
    if is_outside {
        return Some(format!("{name} lies outside of the root module."));
    }
    if path.starts_with(data_folder) || path.components().any(|part| part.as_os_str() == ".terraform") {
        return Some(format!("{name} is a copy that `init` made: change it where it comes from."));
    }
    let is_code = ENDINGS.iter().any(|ending| name.ends_with(ending));
    (!is_code).then(|| format!("{name} is no file of configuration."))
}

/// Gives the place of a file, where it may be written.
fn check(root: &Path, data_folder: &str, file: &Wanted<'_>) -> Result<PathBuf, String> {
    let Wanted { name, old, .. } = file;
    if let Some(refusal) = refusal(name, data_folder) {
        return Err(refusal);
    }
    let failed = |error: io::Error| format!("{name} cannot be written: {error}.");
    let root = root.canonicalize().map_err(failed)?;
    let path = root.join(name);
    let Some(old) = old else {
        if path.symlink_metadata().is_ok() {
            return Err(format!("{name} is there by now; run the command again."));
        }
        return Ok(path);
    };
    let real = path.canonicalize().map_err(failed)?;
    if !real.starts_with(&root) {
        return Err(format!("{name} is a link that leads out of the root module."));
    }
    if let Some(inside) = real.strip_prefix(&root).ok().and_then(Path::to_str).and_then(|it| refusal(it, data_folder)) {
        return Err(inside);
    }
    let metadata = real.metadata().map_err(failed)?;
    if metadata.permissions().readonly() {
        return Err(format!("{name} is read-only."));
    }
    unchanged(&real, name, old)?;
    Ok(real)
}

fn unchanged(path: &Path, name: &str, old: &[u8]) -> Result<(), String> {
    match fs::read(path) {
        Ok(bytes) if bytes == old => Ok(()),
        Ok(_) => Err(format!("{name} has changed since it was read; run the command again.")),
        Err(error) => Err(format!("{name} cannot be read any more: {error}.")),
    }
}

fn write(path: &Path, file: &Wanted<'_>) -> Result<(), String> {
    let failed = |error: io::Error| format!("{} cannot be written: {error}.", file.name);
    let folder = path.parent().ok_or_else(|| format!("{} has no folder.", file.name))?;
    let temporary = folder.join(format!(".driftmgr-{}.tmp", std::process::id()));
    let written = write_whole(&temporary, path, file).map_err(failed).and_then(|()| match file.old {
        // As late as can be: who saves the file in these moments loses nothing that was not read here.
        Some(old) => unchanged(path, file.name, old).and_then(|()| fs::rename(&temporary, path).map_err(failed)),
        None => fs::hard_link(&temporary, path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => format!("{} is there by now; run the command again.", file.name),
            _ => failed(error),
        }),
    });
    // Gone already where it was renamed.
    let _ = fs::remove_file(&temporary);
    if written.is_ok()
        && let Ok(folder) = fs::File::open(folder)
    {
        // Names are as lasting as the folder that lists them; a file system without this has no such promise to keep.
        let _ = folder.sync_all();
    }
    written
}

fn write_whole(temporary: &Path, path: &Path, file: &Wanted<'_>) -> io::Result<()> {
    // A process of the same number died here: what it left is no file of anybody.
    let _ = fs::remove_file(temporary);
    let mut out = OpenOptions::new().write(true).create_new(true).open(temporary)?;
    if file.old.is_some() {
        out.set_permissions(path.metadata()?.permissions())?;
    }
    out.write_all(file.new)?;
    out.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("main.tf"), "old").expect("it is written");
        folder
    }

    fn wanted<'a>(name: &'a str, old: Option<&'a str>) -> Wanted<'a> {
        Wanted { name, old: old.map(str::as_bytes), new: b"new" }
    }

    fn run(folder: &Path, files: &[Wanted<'_>]) -> Vec<Option<String>> {
        write_all(folder, ".terraform", files).into_iter().map(Result::err).collect()
    }

    fn text(folder: &Path, name: &str) -> String {
        fs::read_to_string(folder.join(name)).unwrap_or_default()
    }

    #[test]
    fn files_are_replaced_and_made() {
        let folder = folder();
        assert_eq!(run(folder.path(), &[wanted("main.tf", Some("old")), wanted("more.tf", None)]), [None, None]);
        assert_eq!((text(folder.path(), "main.tf"), text(folder.path(), "more.tf")), ("new".into(), "new".into()));
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 2, "nothing else is left");
    }

    #[test]
    fn what_changed_meanwhile_stays_and_so_does_the_rest() {
        let folder = folder();
        fs::write(folder.path().join("other.tf"), "somebody's").expect("it is written");
        let problems = run(folder.path(), &[wanted("other.tf", Some("read before")), wanted("main.tf", Some("old"))]);
        assert!(problems[0].as_ref().is_some_and(|problem| problem.contains("has changed")), "{problems:?}");
        assert!(problems[1].as_ref().is_some_and(|problem| problem.contains("another file")), "{problems:?}");
        assert_eq!(
            (text(folder.path(), "main.tf"), text(folder.path(), "other.tf")),
            ("old".into(), "somebody's".into())
        );
        assert!(run(folder.path(), &[wanted("main.tf", None)])[0].is_some(), "it is there by now");
        assert!(run(folder.path(), &[wanted("gone.tf", Some("x"))])[0].is_some(), "it is gone");
    }

    #[test]
    fn nothing_outside_of_the_tree_is_written() {
        let (folder, outside) = (folder(), folder());
        std::os::unix::fs::symlink(outside.path().join("main.tf"), folder.path().join("link.tf")).expect("linked");
        std::os::unix::fs::symlink(outside.path(), folder.path().join("module")).expect("linked");
        fs::create_dir_all(folder.path().join(".terraform/modules/m")).expect("it is made");
        fs::write(folder.path().join(".terraform/modules/m/main.tf"), "old").expect("it is written");
        fs::write(folder.path().join("terraform.tfstate"), "old").expect("it is written");
        let outer = format!("../{}/main.tf", outside.path().file_name().expect("a name").to_string_lossy());
        let names =
            ["link.tf", "module/main.tf", ".terraform/modules/m/main.tf", "terraform.tfstate", &outer, "/tmp/x.tf"];
        for name in names {
            assert!(run(folder.path(), &[wanted(name, Some("old"))])[0].is_some(), "{name}");
        }
        assert_eq!(text(outside.path(), "main.tf"), "old");
        assert_eq!(text(folder.path(), "terraform.tfstate"), "old");
    }

    #[test]
    fn what_is_read_only_stays() {
        let folder = folder();
        let path = folder.path().join("main.tf");
        let mut permissions = path.metadata().expect("it is there").permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).expect("it is set");
        let problems = run(folder.path(), &[wanted("main.tf", Some("old"))]);
        assert!(problems[0].as_ref().is_some_and(|problem| problem.contains("read-only")), "{problems:?}");
        assert_eq!(text(folder.path(), "main.tf"), "old");
    }
}
