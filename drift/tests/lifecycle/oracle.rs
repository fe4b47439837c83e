//! OpenTofu's core, which makes the cases: built once for each state of our sources, see `acceptance-tests/lifecycle`.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;
use xtask::tools;

const MODULE: &str = "github.com/opentofu/opentofu";
const VERSION: &str = "v1.12.6";

/// Where our sources lie in the copy of the module: only there may they use what is internal to it.
const PLACES: [(&str, &str); 2] = [("core", "internal/tofu"), ("generate", "internal/driftmgr-lifecycle")];

/// Returns the program that makes cases; where it cannot be built, says so and returns nothing.
///
/// # Panics
/// Where it is not built although Go and the module are there.
pub(crate) fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(find_or_build).as_deref()
}

fn find_or_build() -> Option<PathBuf> {
    let directory = tools::directory().expect("a place for tools");
    let sources = xtask::repository().join("acceptance-tests/lifecycle");
    let target = directory.join(format!("lifecycle-{:016x}", hash(&sources).expect("our sources can be read")));
    if target.is_file() {
        return Some(target);
    }
    fs::create_dir_all(&directory).expect("a directory for tools");
    let lock = File::create(directory.join("lifecycle.lock")).expect("a lock file");
    lock.lock().expect("the lock");
    if target.is_file() {
        return Some(target);
    }
    let module = match download() {
        Ok(module) => module,
        Err(error) => {
            tools::skip(&format!("the comparison with OpenTofu's core needs Go and {MODULE} {VERSION}: {error:#}"));
            return None;
        }
    };
    let copy = directory.join("src").join(format!("lifecycle-{}", std::process::id()));
    let built = build(&module, &sources, &copy, &target);
    fs::remove_dir_all(&copy).expect("the copy can be removed");
    built.expect("the program is built");
    Some(target)
}

fn hash(sources: &Path) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    VERSION.hash(&mut hasher);
    for (folder, _) in PLACES {
        for file in files(&sources.join(folder))? {
            file.file_name().hash(&mut hasher);
            fs::read(&file)?.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    files.sort();
    Ok(files)
}

fn go() -> Result<Command> {
    tools::search_path("go")?;
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

fn build(module: &Path, sources: &Path, copy: &Path, target: &Path) -> Result<()> {
    copy_folder(module, copy)?;
    for (folder, place) in PLACES {
        let place = copy.join(place);
        fs::create_dir_all(&place)?;
        for file in files(&sources.join(folder))? {
            fs::copy(&file, place.join(file.file_name().context("a file has a name")?))?;
        }
    }
    let unfinished = target.with_extension("part");
    let mut command = go()?;
    command.current_dir(copy);
    command.args(["build", "-p", "2", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags=-s -w", "-o"]);
    let output = command.arg(&unfinished).arg(format!("./{}", PLACES[1].1)).output()?;
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
