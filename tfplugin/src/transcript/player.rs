//! A provider that answers from a transcript.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cty::Value;
use model::{Diagnostics, Identity};
use tokio::sync::mpsc;

use super::line::{Header, Line};
use super::mask::{Known, Masker};
use super::parts::{self, Parts, Reader};
use super::place::Kind;
use super::recorder::{canonical, request_key};
use super::{About, Key, LINE_LIMIT, Mask, TRANSCRIPT_LIMIT, schema};
use crate::provider::{
    ConfigureRequest, DataSourceRequest, GenerateRequest, ImportRequest, ImportedObject, ListEvent, ListRequest,
    MoveRequest, PlanRequest, PlannedChange, ReadRequest, ResourceObject, UpgradeIdentityRequest, UpgradeRequest,
};
use crate::{Answer, Call, Error, ErrorKind, FunctionError, FunctionRequest, Provider, ProviderSchema};

/// How many recorded requests are compared with one that is missing, to say which is nearest.
const COMPARED: usize = 100;

/// Answers what was recorded, in the order in which it was recorded where the same was asked repeatedly.
pub struct Player {
    about: About,
    mask: Mask,
    key: Option<Key>,
    /// Line numbers from 1.
    calls: BTreeMap<usize, Line>,
    schema: Option<(Arc<ProviderSchema>, Diagnostics)>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By what stands for the request: the lines that are left, and how many there were.
    left: BTreeMap<String, (VecDeque<usize>, usize)>,
    known: Known,
}

impl Player {
    /// Reads a transcript that is asked in its own words: with the placeholders it shows.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] with the line, and [`ErrorKind::Local`] where it cannot be read.
    pub fn open(reader: impl Read) -> Result<Self, Error> {
        Self::read(reader, None)
    }

    /// Reads a transcript that is asked in the words of the session it is of, which the key leads back to.
    ///
    /// # Errors
    /// As [`Player::open`].
    pub fn open_with(reader: impl Read, key: Key) -> Result<Self, Error> {
        Self::read(reader, Some(key))
    }

    /// Gives the provider that the transcript is of.
    pub fn about(&self) -> &About {
        &self.about
    }

    fn read(reader: impl Read, key: Option<Key>) -> Result<Self, Error> {
        let mut reader = BufReader::new(reader);
        let mut n_bytes = 0;
        let mut lines = (1_usize..).map_while(|number| {
            let mut line = Vec::new();
            let limit = u64::try_from(LINE_LIMIT).unwrap_or(u64::MAX);
            let n_read = match reader.by_ref().take(limit).read_until(b'\n', &mut line) {
                Ok(n_read) => n_read,
                Err(error) => {
                    let detail = format!("The transcript cannot be read after line {}.", number - 1);
                    return Some(Err(Error::new(ErrorKind::Local, "transcript", detail).because(error)));
                }
            };
            n_bytes += n_read;
            match n_read {
                0 => None,
                LINE_LIMIT => Some(Err(malformed(number, "it is longer than a line may be"))),
                _ if n_bytes > TRANSCRIPT_LIMIT => {
                    Some(Err(malformed(number, "the transcript is longer than a transcript may be")))
                }
                _ => Some(Ok((number, line))),
            }
        });
        let Some(first) = lines.next() else {
            return Err(malformed(1, "the transcript is empty"));
        };
        let header: Header = serde_json::from_slice(&first?.1)
            .map_err(|error| malformed(1, &format!("no transcript begins like this: {error}")))?;
        let (about, mask) = header.read().map_err(|reason| malformed(1, &reason))?;

        let mut calls = BTreeMap::new();
        let mut state = State::default();
        let mut found_schema = None;
        for numbered in lines {
            let (number, text) = numbered?;
            let line: Line = serde_json::from_slice(&text)
                .map_err(|error| malformed(number, &format!("it describes no call: {error}")))?;
            let Some(method) = parts::METHODS.iter().find(|method| **method == line.method) else {
                return Err(malformed(number, &format!("{:?} is no call that is recorded", line.method)));
            };
            if *method == "GetProviderSchema"
                && let Some(answer) = &line.answer
            {
                let written = answer.get("schema").ok_or_else(|| malformed(number, "it has no schema"))?;
                let written = serde::Deserialize::deserialize(written)
                    .map_err(|error| malformed(number, &format!("its schema cannot be read: {error}")))?;
                let schema = schema::decode(written).map_err(|reason| malformed(number, &reason))?;
                let reader = Reader { json: answer, schema: None, known: &state.known };
                let diagnostics = reader.diagnostics(&line.diagnostics).map_err(|reason| malformed(number, &reason))?;
                found_schema = Some((Arc::new(schema), diagnostics));
            }
            let name = match &key {
                Some(_) => line.key.clone(),
                None => canonical(method, line.type_name.as_deref(), &line.request),
            };
            let (left, n_recorded) = state.left.entry(name).or_default();
            left.push_back(number);
            *n_recorded += 1;
            calls.insert(number, line);
        }
        Ok(Self { about, mask, key, calls, schema: found_schema, state: Mutex::new(state) })
    }

    /// Gives the recorded answer to a request, read as `read` says.
    fn answer<T>(
        &self,
        method: &'static str,
        type_name: Option<&str>,
        request: &Parts,
        read: impl FnOnce(Reader<'_>) -> Result<T, String>,
    ) -> Answer<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let schema = self.schema.as_ref().map(|(schema, _)| &**schema);
        let name = match &self.key {
            Some(key) => request_key(method, type_name, request, key, schema, &mut state.known),
            None => canonical(method, type_name, &self.as_shown(request)),
        };
        let number = match state.left.get_mut(&name) {
            Some((left, n_recorded)) => {
                let n_recorded = *n_recorded;
                left.pop_front().ok_or_else(|| {
                    let detail = format!(
                        "The transcript answers this {} {n_recorded} times, and it was asked once more.",
                        what(method, type_name)
                    );
                    Error::new(ErrorKind::NotRecorded, method, detail)
                })?
            }
            None => return Err(self.missing(method, type_name, request)),
        };
        let Some(line) = self.calls.get(&number) else {
            return Err(Error::new(ErrorKind::NotRecorded, method, "The transcript lost a line."));
        };
        let malformed = |reason: String| malformed(number, &reason);
        if let Some(error) = &line.error {
            return Err(error.read(method, |text| state.known.restore_text(text)).map_err(malformed)?);
        }
        let Some(json) = &line.answer else {
            let why = line.omitted.as_deref().unwrap_or("The line has neither an answer nor an error.");
            let detail = format!("Line {number} of the transcript has no answer to this call: {why}");
            return Err(Error::new(ErrorKind::NotRecorded, method, detail));
        };
        let reader = Reader { json, schema, known: &state.known };
        let diagnostics = reader.diagnostics(&line.diagnostics).map_err(malformed)?;
        Ok((read(reader).map_err(malformed)?, diagnostics))
    }

    /// Gives a request as the transcript would show it.
    fn as_shown(&self, request: &Parts) -> serde_json::Value {
        // Without the key whoever asks has placeholders, which any key leaves alone.
        let any_key = Key::from_bytes([0; 32]);
        let key = self.key.as_ref().unwrap_or(&any_key);
        let schema = self.schema.as_ref().map(|(schema, _)| &**schema);
        let mut masker = Masker { key, mask: &self.mask, schema, known: &mut Known::default() };
        parts::write(request, &mut masker).unwrap_or_default()
    }

    fn missing(&self, method: &'static str, type_name: Option<&str>, request: &Parts) -> Error {
        let ours = self.as_shown(request);
        let candidates = self
            .calls
            .iter()
            .filter(|(_, line)| line.method == method && line.type_name.as_deref() == type_name)
            .take(COMPARED);
        let nearest = candidates
            .map(|(number, line)| (parts::difference(&ours, &line.request, ""), number))
            .min_by_key(|((n_differences, _), number)| (*n_differences, **number));
        let hint = match nearest {
            None => "It was never called so in that session.".to_owned(),
            Some(((_, Some(place)), number)) => {
                format!("The nearest one is on line {number}; the first difference is at {place:?}.")
            }
            Some(((_, None), number)) => format!("Line {number} looks the same, and was masked with another key."),
        };
        let detail = format!("The transcript holds no {} with this request. {hint}", what(method, type_name));
        Error::new(ErrorKind::NotRecorded, method, detail)
    }
}

fn what(method: &str, type_name: Option<&str>) -> String {
    type_name.map_or_else(|| method.to_owned(), |type_name| format!("{method} of {type_name}"))
}

fn malformed(number: usize, reason: &str) -> Error {
    let detail = format!("Line {number} of the transcript cannot be used: {reason}. Record the session again.");
    Error::new(ErrorKind::Malformed, "transcript", detail)
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where other answers are read")]
fn nothing(_: Reader<'_>) -> Result<(), String> {
    Ok(())
}

#[async_trait]
impl Provider for Player {
    async fn schema(&self, _call: &Call) -> Answer<Arc<ProviderSchema>> {
        match &self.schema {
            Some((schema, diagnostics)) => Ok((Arc::clone(schema), diagnostics.clone())),
            None => self.answer("GetProviderSchema", None, &Vec::new(), |_| Err("it has no schema".to_owned())),
        }
    }

    async fn validate_provider_config(&self, _call: &Call, config: Value) -> Answer<()> {
        self.answer("ValidateProviderConfig", None, &parts::provider_config(&config), nothing)
    }

    async fn configure(&self, _call: &Call, request: ConfigureRequest) -> Answer<()> {
        self.answer("ConfigureProvider", None, &parts::configure(&request), nothing)
    }

    async fn validate_data_source_config(&self, _call: &Call, data_source: &str, config: Value) -> Answer<()> {
        let request = parts::data_config(data_source, &config);
        self.answer("ValidateDataResourceConfig", Some(data_source), &request, nothing)
    }

    async fn read_data_source(&self, _call: &Call, request: DataSourceRequest) -> Answer<Value> {
        let name = &request.data_source;
        self.answer("ReadDataSource", Some(name), &parts::data_source(&request), |of| of.value(Kind::Data, name))
    }

    async fn validate_resource_config(&self, _call: &Call, resource_type: &str, config: Value) -> Answer<()> {
        let request = parts::resource_config(resource_type, &config);
        self.answer("ValidateResourceConfig", Some(resource_type), &request, nothing)
    }

    async fn upgrade_resource_state(&self, _call: &Call, request: UpgradeRequest) -> Answer<Value> {
        let name = &request.resource_type;
        self.answer("UpgradeResourceState", Some(name), &parts::upgrade(&request), |of| of.value(Kind::Resource, name))
    }

    async fn upgrade_resource_identity(&self, _call: &Call, request: UpgradeIdentityRequest) -> Answer<Identity> {
        let name = &request.resource_type;
        let parts = parts::upgrade_identity(&request);
        self.answer("UpgradeResourceIdentity", Some(name), &parts, |of| of.identity(name))
    }

    async fn move_resource_state(&self, _call: &Call, request: MoveRequest) -> Answer<ResourceObject> {
        let name = &request.target_type;
        self.answer("MoveResourceState", Some(name), &parts::move_state(&request), |of| of.object(name))
    }

    async fn read_resource(&self, _call: &Call, request: ReadRequest) -> Answer<ResourceObject> {
        let name = &request.resource_type;
        self.answer("ReadResource", Some(name), &parts::read(&request), |of| of.object(name))
    }

    async fn import_resource_state(&self, _call: &Call, request: ImportRequest) -> Answer<Vec<ImportedObject>> {
        let name = &request.resource_type;
        self.answer("ImportResourceState", Some(name), &parts::import(&request), |of| of.imported())
    }

    async fn plan_resource_change(&self, _call: &Call, request: PlanRequest) -> Answer<PlannedChange> {
        let name = &request.resource_type;
        self.answer("PlanResourceChange", Some(name), &parts::plan(&request), |of| of.planned(name))
    }

    async fn generate_resource_config(&self, _call: &Call, request: GenerateRequest) -> Answer<Value> {
        let name = &request.resource_type;
        let parts = parts::generate(&request);
        self.answer("GenerateResourceConfig", Some(name), &parts, |of| of.value(Kind::Resource, name))
    }

    async fn call_function(
        &self,
        _call: &Call,
        request: FunctionRequest,
    ) -> Result<Result<Value, FunctionError>, Error> {
        let name = &request.function;
        let answer = self.answer("CallFunction", Some(name), &parts::function(&request), |of| of.function_result(name));
        answer.map(|(result, _)| result)
    }

    async fn validate_list_config(&self, _call: &Call, resource_type: &str, config: Value) -> Answer<()> {
        let request = parts::list_config(resource_type, &config);
        self.answer("ValidateListResourceConfig", Some(resource_type), &request, nothing)
    }

    async fn list_resource(&self, call: &Call, request: ListRequest, events: mpsc::Sender<ListEvent>) -> Answer<()> {
        let name = &request.resource_type;
        let (listed, diagnostics) =
            self.answer("ListResource", Some(name), &parts::list(&request), |of| of.events(name))?;
        for event in listed {
            tokio::select! {
                () = call.cancel.cancelled() => return Err(Error::cancelled("ListResource")),
                sent = events.send(event) => if sent.is_err() { break },
            }
        }
        Ok(((), diagnostics))
    }

    async fn stop(&self, _call: &Call) -> Result<(), Error> {
        match self.answer("StopProvider", None, &Vec::new(), nothing) {
            // Nothing runs here that would need to be stopped.
            Err(error) if error.kind() == ErrorKind::NotRecorded => Ok(()),
            answer => answer.map(|((), _)| ()),
        }
    }
}
