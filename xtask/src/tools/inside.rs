//! Programs of ours that are built inside a copy of the OpenTofu module: only there may they use what is internal to it.
//!
//! Each is built once for each state of its sources, under a name that holds their hash.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;

use super::{directory, search_path, skip};

const MODULE: &str = "github.com/opentofu/opentofu";
const VERSION: &str = "v1.12.6";

/// A program of ours that needs what is internal to OpenTofu.
#[derive(Clone, Copy, Debug)]
pub struct InsideOpentofu {
    /// What its file in the cache is called, before the hash.
    pub name: &'static str,
    /// The folder of its sources in this repository.
    pub sources: &'static str,
    /// The folders in there, each with its place in the copy of the module; the last one is the program.
    pub places: &'static [(&'static str, &'static str)],
}

/// Returns a program, built where it is not there yet; where it cannot be built, counts a skip and returns nothing.
///
/// # Panics
/// Where it is not built although Go and the module are there.
pub fn inside_opentofu(program: &InsideOpentofu) -> Option<PathBuf> {
    let directory = directory().expect("a place for tools");
    let sources = crate::repository().join(program.sources);
    let hash = hash(program, &sources).expect("our sources can be read");
    let target = directory.join(format!("{}-{hash:016x}", program.name));
    if target.is_file() {
        return Some(target);
    }
    fs::create_dir_all(&directory).expect("a directory for tools");
    let lock = File::create(directory.join(format!("{}.lock", program.name))).expect("a lock file");
    lock.lock().expect("the lock");
    if target.is_file() {
        return Some(target);
    }
    let module = match download() {
        Ok(module) => module,
        Err(error) => {
            skip(&format!("the comparison with OpenTofu's core needs Go and {MODULE} {VERSION}: {error:#}"));
            return None;
        }
    };
    let copy = directory.join("src").join(format!("{}-{}", program.name, std::process::id()));
    let built = build(program, &module, &sources, &copy, &target);
    fs::remove_dir_all(&copy).expect("the copy can be removed");
    built.expect("the program is built");
    Some(target)
}

fn hash(program: &InsideOpentofu, sources: &Path) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    VERSION.hash(&mut hasher);
    for (folder, _) in program.places {
        for file in files(&sources.join(folder))?.iter().filter(|file| is_go(file)) {
            file.file_name().hash(&mut hasher);
            fs::read(file)?.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

fn is_go(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "go")
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    files.sort();
    Ok(files)
}

fn go() -> Result<Command> {
    search_path("go")?;
    let mut command = Command::new("nice");
    command.args(["-n", "10", "go"]).env("GOWORK", "off").env("CGO_ENABLED", "0").stdin(Stdio::null());
    Ok(command)
}

/// Downloads the module, checked by Go's checksum database, and returns where it was unpacked.
fn download() -> Result<PathBuf> {
    let output = go()?.args(["mod", "download", "-json", &format!("{MODULE}@{VERSION}")]).output()?;
    let answer: Json = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("go mod download says {}", String::from_utf8_lossy(&output.stderr)))?;
    match answer["Dir"].as_str() {
        Some(directory) => Ok(PathBuf::from(directory)),
        None => bail!("go mod download says {}", answer["Error"]),
    }
}

fn build(program: &InsideOpentofu, module: &Path, sources: &Path, copy: &Path, target: &Path) -> Result<()> {
    copy_folder(module, copy)?;
    for (folder, place) in program.places {
        let place = copy.join(place);
        fs::create_dir_all(&place)?;
        for file in files(&sources.join(folder))?.iter().filter(|file| is_go(file)) {
            fs::copy(file, place.join(file.file_name().context("a file has a name")?))?;
        }
    }
    let (_, package) = program.places.last().context("a program has a place")?;
    let unfinished = target.with_extension("part");
    let mut command = go()?;
    command.current_dir(copy);
    command.args(["build", "-p", "2", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags=-s -w", "-o"]);
    let output = command.arg(&unfinished).arg(format!("./{package}")).output()?;
    ensure!(output.status.success(), "go build says {}", String::from_utf8_lossy(&output.stderr));
    fs::rename(&unfinished, target)?;
    Ok(())
}

/// Copies what the program is built of: not the data of tests.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for path in files(from)? {
        let name = path.file_name().context("a file has a name")?;
        if path.is_file() {
            fs::copy(&path, to.join(name))?;
        } else if name != "testdata" {
            copy_folder(&path, &to.join(name))?;
        }
    }
    Ok(())
}
