//! A state on standard input: `terraform state pull | driftmgr … -`.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Mutex;

use async_trait::async_trait;
use model::Diagnostics;

use super::{DEFAULT_WORKSPACE, StateBytes, StateFile, StateSource};
use crate::scan::MAX_INPUT;
use crate::{Error, ErrorKind};

/// What standard input is called.
const NAME: &str = "-";

/// A state that comes from a stream, once.
///
/// It is copied into a temporary file that only this user may read and that has no name, so that memory stays bounded
/// and the file is gone when the process is.
pub struct Stdin(Mutex<Option<Box<dyn Read + Send>>>);

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdin").finish_non_exhaustive()
    }
}

impl Stdin {
    /// Reads the state from a stream.
    pub fn new(stream: impl Read + Send + 'static) -> Self {
        Self(Mutex::new(Some(Box::new(stream))))
    }
}

#[async_trait]
impl StateSource for Stdin {
    fn url(&self) -> String {
        NAME.to_owned()
    }

    fn selected_workspace(&self) -> &'static str {
        DEFAULT_WORKSPACE
    }

    async fn list_workspaces(&self) -> Result<Vec<String>, Error> {
        Ok(vec![DEFAULT_WORKSPACE.to_owned()])
    }

    async fn get(&self, workspace: &str) -> Result<StateFile, Error> {
        if workspace != DEFAULT_WORKSPACE {
            return Err(Error::new(ErrorKind::NotFound, "find a workspace on standard input")
                .with("workspace", workspace)
                .with_help("Select it where the state is pulled: `TF_WORKSPACE=… terraform state pull`."));
        }
        let stream = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let stream = stream.ok_or_else(|| {
            Error::new(ErrorKind::Configuration, "read standard input a second time")
                .with_help("Name `-` once; give every further state as a file or URL.")
        })?;
        let spooled = tokio::task::spawn_blocking(move || spool(stream)).await;
        let bytes = spooled.map_err(|error| Error::new(ErrorKind::Io, "read standard input").because(error))??;
        Ok(StateFile {
            url: NAME.into(),
            workspace: workspace.into(),
            version: None,
            bytes,
            warnings: Diagnostics::new(),
        })
    }

    async fn version(&self, _: &str) -> Result<Option<String>, Error> {
        Ok(None)
    }
}

fn spool(mut stream: Box<dyn Read + Send>) -> Result<StateBytes, Error> {
    let fail = |error| {
        Error::from_io("keep standard input in a temporary file", error)
            .with_help("Set TMPDIR to a directory with room that you may write to.")
    };
    let mut file = tempfile::tempfile().map_err(fail)?;
    let mut buffer = vec![0; 256 * 1024];
    let mut n_bytes = 0;
    loop {
        let n_read = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n_read) => n_read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::from_io("read standard input", error)),
        };
        n_bytes += n_read as u64;
        if n_bytes > MAX_INPUT {
            return Err(
                Error::new(ErrorKind::TooLarge, "read standard input").with("limit", format!("{MAX_INPUT} bytes"))
            );
        }
        file.write_all(&buffer[..n_read]).map_err(fail)?;
    }
    file.flush().map_err(fail)?;
    StateBytes::from_file(file)
}
