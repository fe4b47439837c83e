//! The hashes of a lock file: `h1` of an unpacked package, `zh` of the archive it came in.
//!
//! Source: "Dependency Lock File" in the Terraform language documentation, section "Understanding lock file changes",
//! and the `dirhash` package of Go's module tools, whose `Hash1` is `h1`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;

/// How many files a package may have.
const MAX_FILES: usize = 10_000;
/// How deep the folders of a package may nest.
const MAX_DEPTH: usize = 32;

/// Computes the `h1` hash of an unpacked package, following links to files as terraform does.
pub(super) fn h1_of_folder(folder: &Path) -> io::Result<String> {
    let mut sums = BTreeMap::new();
    add_folder(folder, "", 0, &mut sums)?;
    Ok(h1(&sums))
}

/// Computes the `h1` hash that an archive would have if it were unpacked.
pub(super) fn h1_of_archive(archive: &Path) -> io::Result<String> {
    let mut archive = zip::ZipArchive::new(File::open(archive)?)?;
    if archive.len() > MAX_FILES {
        return Err(too_many());
    }
    let mut sums = BTreeMap::new();
    for index in 0..archive.len() {
        let file = archive.by_index(index)?;
        let name = file.name().to_owned();
        if !name.ends_with('/') {
            sums.insert(name, sha256(file)?);
        }
    }
    Ok(h1(&sums))
}

/// Computes the `zh` hash of an archive.
pub(super) fn zh(archive: &Path) -> io::Result<String> {
    Ok(format!("zh:{}", sha256(File::open(archive)?)?))
}

/// Sums up names and hexadecimal SHA-256 sums of files.
fn h1(sums: &BTreeMap<String, String>) -> String {
    let mut context = Context::new(&SHA256);
    for (name, sum) in sums {
        context.update(format!("{sum}  {name}\n").as_bytes());
    }
    format!("h1:{}", base64::engine::general_purpose::STANDARD.encode(context.finish()))
}

fn add_folder(folder: &Path, prefix: &str, depth: usize, sums: &mut BTreeMap<String, String>) -> io::Result<()> {
    if depth > MAX_DEPTH {
        return Err(io::Error::other("its folders are nested too deep"));
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().filter(|name| !name.contains('\n'));
        let name = name.ok_or_else(|| io::Error::other("a file has a name that no package has"))?;
        let name = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            add_folder(&entry.path(), &format!("{name}/"), depth + 1, sums)?;
            continue;
        }
        if sums.len() >= MAX_FILES {
            return Err(too_many());
        }
        // Reading from anything else might never end.
        if !fs::metadata(entry.path())?.is_file() {
            return Err(io::Error::other(format!("{name} is no file")));
        }
        sums.insert(name, sha256(File::open(entry.path())?)?);
    }
    Ok(())
}

fn too_many() -> io::Error {
    io::Error::other(format!("it has more than {MAX_FILES} files"))
}

fn sha256(mut input: impl Read) -> io::Result<String> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match input.read(&mut buffer)? {
            0 => return Ok(hex::encode(context.finish())),
            n_bytes => context.update(&buffer[..n_bytes]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_folder_hashes_as_its_sorted_list_of_sums() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("b")).expect("it is made");
        fs::write(folder.path().join("b/inner"), "two").expect("it is written");
        fs::write(folder.path().join("a"), "one").expect("it is written");
        let sum = |text: &str| hex::encode(aws_lc_rs::digest::digest(&SHA256, text.as_bytes()));
        let list = format!("{}  a\n{}  b/inner\n", sum("one"), sum("two"));
        let expected =
            base64::engine::general_purpose::STANDARD.encode(aws_lc_rs::digest::digest(&SHA256, list.as_bytes()));
        assert_eq!(h1_of_folder(folder.path()).expect("it can be read"), format!("h1:{expected}"));

        let archive = folder.path().join("package.zip");
        let mut writer = zip::ZipWriter::new(File::create(&archive).expect("it is made"));
        let options = zip::write::SimpleFileOptions::default();
        writer.add_directory("b/", options).expect("a folder");
        for (name, text) in [("b/inner", "two"), ("a", "one")] {
            writer.start_file(name, options).expect("a file");
            writer.write_all(text.as_bytes()).expect("its bytes");
        }
        writer.finish().expect("it is written");
        assert_eq!(h1_of_archive(&archive).expect("it can be read"), format!("h1:{expected}"));
    }

    #[cfg(unix)]
    #[test]
    fn links_to_files_count_as_the_files_and_nothing_else_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let (real, linked) = (folder.path().join("real"), folder.path().join("linked"));
        for path in [&real, &linked] {
            fs::create_dir(path).expect("it is made");
        }
        fs::write(real.join("program"), "x").expect("it is written");
        std::os::unix::fs::symlink(real.join("program"), linked.join("program")).expect("it is linked");
        let hash = h1_of_folder(&real).expect("it can be read");
        assert_eq!(h1_of_folder(&linked).expect("it can be read"), hash);
        std::os::unix::fs::symlink(&real, linked.join("folder")).expect("it is linked");
        assert!(h1_of_folder(&linked).is_err(), "a link to a folder is no file");
    }
}
