//! A snapshot: its index, and the bytes to decode more from.

use std::sync::Arc;

use cty::{Type, Value};
use model::{Diagnostics, RecordedInstance, StateRef};

use crate::backend::{StateBytes, StateFile};
use crate::format::{self, CheckResult, InstanceObject, OutputValue};
use crate::index::{self, Contents, Index};
use crate::{Error, ErrorKind};

/// One state snapshot that was fetched and indexed.
///
/// ```no_run
/// # fn show(file: tfstate::backend::StateFile) -> Result<(), tfstate::Error> {
/// let (snapshot, diagnostics) = tfstate::StateSnapshot::read(file)?;
/// if let Some(snapshot) = snapshot {
///     for address in snapshot.index().addresses() {
///         println!("{address}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StateSnapshot {
    index: Index,
    bytes: StateBytes,
    state: StateRef,
}

impl StateSnapshot {
    /// Indexes a file; `None` where it is no state that can be used, as the diagnostics say.
    ///
    /// An empty file gives `None` without an error: there is no state yet. The work is blocking.
    ///
    /// # Errors
    /// Where reading fails, or the file is written meanwhile.
    pub fn read(file: StateFile) -> Result<(Option<Self>, Diagnostics), Error> {
        let mut diagnostics = file.warnings;
        let name = Arc::clone(&file.url);
        let (reading, problems) = file.bytes.read_all(&mut |reader| index::read(reader, &name))?;
        diagnostics.extend(problems);
        let snapshot = match reading {
            Contents::State(index) => {
                let state = index.state_ref(&file.url, &file.workspace);
                Some(Self { index: *index, bytes: file.bytes, state })
            }
            Contents::NoState | Contents::Rejected => None,
        };
        Ok((snapshot, diagnostics))
    }

    /// Gives the index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Names the snapshot.
    pub fn state_ref(&self) -> &StateRef {
        &self.state
    }

    /// Gives every managed instance; `state` is the index of this state among those that are read.
    pub fn recorded_instances(&self, state: usize) -> (Vec<RecordedInstance>, Diagnostics) {
        self.index.recorded_instances(state)
    }

    /// Decodes everything that is recorded of one instance, by its position.
    ///
    /// # Errors
    /// Where there is no such instance, its bytes cannot be read any more, or they are not well-formed.
    pub fn instance(&self, position: usize) -> Result<InstanceObject, Error> {
        self.with_object(position, InstanceObject::decode)
    }

    /// Decodes the attributes of one instance, with the type its schema implies or without.
    ///
    /// # Errors
    /// As [`StateSnapshot::instance`] and [`InstanceObject::decode_attributes`].
    pub fn attributes(&self, position: usize, ty: Option<&Type>) -> Result<Value, Error> {
        self.with_object(position, |json| InstanceObject::decode(json)?.decode_attributes(ty))
    }

    /// Decodes one top-level attribute of one instance; `None` where it is not there.
    ///
    /// # Errors
    /// As [`StateSnapshot::instance`] and [`format::decode_attribute`].
    pub fn attribute(&self, position: usize, name: &str, ty: Option<&Type>) -> Result<Option<Value>, Error> {
        self.with_object(position, |json| format::decode_attribute(json, name, ty))
    }

    /// Decodes top-level attributes of one instance, in the order asked; `None` for those not there.
    ///
    /// The other attributes are stepped over.
    ///
    /// # Errors
    /// As [`StateSnapshot::instance`] and [`format::decode_attributes`].
    pub fn attributes_by_name(&self, position: usize, names: &[&str]) -> Result<Vec<Option<Value>>, Error> {
        self.with_object(position, |json| format::decode_attributes(json, names))
    }

    /// Decodes one output value of the root module; `None` where there is none of that name.
    ///
    /// # Errors
    /// Where its bytes cannot be read any more, or they are not well-formed.
    pub fn output(&self, name: &str) -> Result<Option<OutputValue>, Error> {
        let outputs = self.index.outputs();
        let Ok(found) = outputs.binary_search_by(|output| output.name.as_str().cmp(name)) else { return Ok(None) };
        let output = self.bytes.with_range(&outputs[found].range, &mut |json| OutputValue::decode(json))?;
        output.map(Some).map_err(|error| error.with("output", name))
    }

    /// Decodes the results of checks; `None` where whoever wrote the snapshot knew no checks.
    ///
    /// # Errors
    /// Where their bytes cannot be read any more, or they are not well-formed.
    pub fn check_results(&self) -> Result<Option<Vec<CheckResult>>, Error> {
        let Some(range) = self.index.check_results() else { return Ok(None) };
        self.bytes.with_range(&range, &mut |json| format::decode_checks(json))?.map(Some)
    }

    fn with_object<T>(&self, position: usize, decode: impl Fn(&[u8]) -> Result<T, Error>) -> Result<T, Error> {
        let instance = self.index.instance(position).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "find an instance of the state").with("position", position)
        })?;
        let decoded = self.bytes.with_range(&instance.object_range(), &mut |json| decode(json))?;
        decoded.map_err(|error| {
            error.with("address", instance.address().with_deposed(instance.deposed())).with("state", &self.state.url)
        })
    }
}
