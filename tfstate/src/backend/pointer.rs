//! What `terraform init` and `terraform workspace select` note in a root module's data directory.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{BackendConfig, DEFAULT_WORKSPACE, check_workspace};
use crate::{Error, ErrorKind};

/// The largest note that is read, in bytes.
const MAX_NOTE: u64 = 1024 * 1024;

#[derive(Deserialize)]
struct Pointer {
    backend: Option<Backend>,
    state_store: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Backend {
    r#type: String,
    #[serde(default)]
    config: Option<BTreeMap<String, Box<RawValue>>>,
}

/// Reads the backend that was noted; `None` where there is no note.
pub(super) fn read(path: &Path) -> Result<Option<BackendConfig>, Error> {
    let operation = "read what `terraform init` noted";
    let Some(note) = read_note(path, operation)? else { return Ok(None) };
    let invalid = || {
        Error::new(ErrorKind::Invalid, operation)
            .with("file", path.display())
            .with_help("Run `terraform init -reconfigure` to write it again.")
    };
    // The parser's own message is left out: it may quote an argument that is secret.
    let pointer: Pointer = serde_json::from_slice(&note).map_err(|_| invalid())?;
    if pointer.state_store.is_some() {
        return Err(Error::new(ErrorKind::Unsupported, "read a state that a provider stores")
            .with("file", path.display())
            .with_help("Pipe the state instead: `terraform state pull | driftmgr … -`."));
    }
    let Some(backend) = pointer.backend else { return Ok(None) };
    let mut arguments = BTreeMap::new();
    for (name, value) in backend.config.unwrap_or_default() {
        let value = cty::json::decode_implied(value.get().as_bytes()).map_err(|_| invalid().with("argument", &name))?;
        if !value.is_null() {
            arguments.insert(name, value);
        }
    }
    Ok(Some(BackendConfig { kind: backend.r#type, arguments }))
}

/// Reads which workspace is selected.
pub(super) fn selected_workspace(data_dir: &Path) -> Result<String, Error> {
    let path = data_dir.join("environment");
    let operation = "read which workspace is selected";
    let Some(note) = read_note(&path, operation)? else { return Ok(DEFAULT_WORKSPACE.to_owned()) };
    let text = String::from_utf8_lossy(&note).trim().to_owned();
    if text.is_empty() {
        return Ok(DEFAULT_WORKSPACE.to_owned());
    }
    check_workspace(&text).map_err(|error| error.with("file", path.display()))?;
    Ok(text)
}

fn read_note(path: &Path, operation: &'static str) -> Result<Option<Vec<u8>>, Error> {
    let fail = |error| Error::from_io(operation, error).with("file", path.display());
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(fail(error)),
    };
    let mut note = Vec::new();
    file.take(MAX_NOTE).read_to_end(&mut note).map_err(fail)?;
    Ok(Some(note))
}
