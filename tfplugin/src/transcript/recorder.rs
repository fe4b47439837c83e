//! A provider that writes down what another one is asked and answers.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use cty::Value;
use model::Identity;
use serde::Serialize;
use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::line::{Header, Line, WrittenError};
use super::mask::{Known, Masker};
use super::parts::{self, Part, Parts};
use super::place::{Kind, Place};
use super::{About, Key, LINE_LIMIT, Mask, schema};
use crate::provider::{
    ConfigureRequest, DataSourceRequest, GenerateRequest, ImportRequest, ImportedObject, ListEvent, ListRequest,
    MoveRequest, PlanRequest, PlannedChange, ReadRequest, ResourceObject, UpgradeIdentityRequest, UpgradeRequest,
};
use crate::{Answer, Call, Error, FunctionError, FunctionRequest, Provider, ProviderSchema};

/// What a transcript is about and what it may show.
#[derive(Clone, Debug)]
pub struct Options {
    /// The provider.
    pub about: About,
    /// What may be shown.
    pub mask: Mask,
    /// What placeholders are made of.
    pub key: Key,
}

/// Passes every call to another provider and writes a line about it when it is answered.
///
/// A sink that fails stops the recording, never the session: [`Recorder::finish`] says so. A call whose caller goes away
/// before the answer leaves no line.
pub struct Recorder {
    inner: Arc<dyn Provider>,
    options: Options,
    schema: OnceLock<Arc<ProviderSchema>>,
    written: Mutex<Written>,
}

struct Written {
    sink: Box<dyn Write + Send>,
    known: Known,
    failure: Option<io::Error>,
}

/// One call that was answered.
struct Told<'a> {
    method: &'static str,
    type_name: Option<&'a str>,
    request: Parts,
    /// The request as it is shown; none where it cannot be.
    masked: Option<Json>,
    started: Instant,
}

impl Recorder {
    /// Begins a transcript.
    pub fn new(inner: Arc<dyn Provider>, sink: Box<dyn Write + Send>, options: Options) -> Self {
        let mut written = Written { sink, known: Known::default(), failure: None };
        written.write_line(&Header::new(&options.about, &options.mask));
        Self { inner, options, schema: OnceLock::new(), written: Mutex::new(written) }
    }

    /// Makes sure that all was written.
    ///
    /// # Errors
    /// The first error of the sink; nothing was written after it.
    pub fn finish(&self) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        match written.failure.take() {
            Some(failure) => Err(failure),
            None => written.sink.flush(),
        }
    }

    /// Gives the schema, which says what is sensitive; without one everything is taken to be.
    async fn known_schema(&self, call: &Call) -> Option<Arc<ProviderSchema>> {
        if self.schema.get().is_none() {
            // What goes wrong is recorded there, and again with the call that needs the schema.
            let _ = self.schema(call).await;
        }
        self.schema.get().cloned()
    }

    async fn tell<T>(
        &self,
        call: &Call,
        told: Told<'_>,
        answer: impl Future<Output = Answer<T>> + Send,
        parts_of: impl FnOnce(&T) -> Parts + Send,
    ) -> Answer<T> {
        let schema = self.known_schema(call).await;
        // Masked before it is sent: whatever is answered meanwhile, to this call or another, may quote it.
        let masked = self.mask_request(&told, schema.as_deref());
        let told = Told { started: Instant::now(), masked, ..told };
        let answer = answer.await;
        let parts = answer.as_ref().ok().map(|(value, _)| parts_of(value));
        self.write(&told, schema.as_deref(), parts.as_ref(), &answer);
        answer
    }

    fn mask_request(&self, told: &Told<'_>, schema: Option<&ProviderSchema>) -> Option<Json> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let Options { mask, key, .. } = &self.options;
        parts::write(&told.request, &mut Masker { key, mask, schema, known: &mut written.known }).ok()
    }

    fn write<T>(
        &self,
        told: &Told<'_>,
        schema: Option<&ProviderSchema>,
        answer_parts: Option<&Parts>,
        answer: &Answer<T>,
    ) {
        let micros = u64::try_from(told.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let key = &self.options.key;
        let mut line = Line {
            method: told.method.to_owned(),
            type_name: told.type_name.map(str::to_owned),
            key: request_key(told.method, told.type_name, &told.request, key, schema, &mut Known::default()),
            request: told.masked.clone().unwrap_or_default(),
            answer: None,
            diagnostics: Vec::new(),
            error: None,
            omitted: None,
            micros,
        };
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let Written { known, .. } = &mut *written;
        let mut masker = Masker { key, mask: &self.options.mask, schema, known };
        let mut fill = || {
            line.answer = answer_parts.map(|parts| parts::write(parts, &mut masker)).transpose()?;
            if let Ok((_, diagnostics)) = answer {
                let place = place_of(told);
                line.diagnostics = parts::write_diagnostics(diagnostics, place.as_ref(), &mut masker)?;
            }
            Ok::<(), cty::Error>(())
        };
        if told.masked.is_none() || fill().is_err() {
            // What is said about a value that could not be masked may quote it.
            line.answer = None;
            line.diagnostics = Vec::new();
            line.omitted = Some("The call holds a value that cannot be written.".to_owned());
        } else if let Err(error) = answer {
            line.error = Some(WrittenError::new(error, |text| masker.known.mask_text(key, text)));
        }
        written.write_line(&line);
    }
}

/// Gives the place that the paths of a call's diagnostics start from.
fn place_of(told: &Told<'_>) -> Option<Place> {
    told.request.iter().find_map(|(_, part)| match part {
        Part::Value(_, place) | Part::Recorded(_, place) => Some(place.clone()),
        _ => None,
    })
}

/// Gives what stands for an unmasked request: its text with every string replaced, made into a number of its own.
pub(super) fn request_key(
    method: &str,
    type_name: Option<&str>,
    request: &Parts,
    key: &Key,
    schema: Option<&ProviderSchema>,
    known: &mut Known,
) -> String {
    let mut masker = Masker { key, mask: &Mask::Everything, schema, known };
    let request = parts::write(request, &mut masker).unwrap_or(Json::Null);
    key.request(&canonical(method, type_name, &request))
}

/// Gives the text that is equal for equal requests.
pub(super) fn canonical(method: &str, type_name: Option<&str>, request: &Json) -> String {
    format!("{method} {} {request}", type_name.unwrap_or_default())
}

impl Written {
    fn write_line(&mut self, line: &impl Serialize) {
        if self.failure.is_some() {
            return;
        }
        let result = serde_json::to_vec(line).map_err(io::Error::from).and_then(|mut bytes| {
            if bytes.len() >= LINE_LIMIT {
                let size = bytes.len();
                return Err(io::Error::other(format!("one call takes {size} bytes, and a line at most {LINE_LIMIT}")));
            }
            bytes.push(b'\n');
            self.sink.write_all(&bytes)
        });
        self.failure = result.err();
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it stands where other answers are taken apart")]
fn nothing((): &()) -> Parts {
    Vec::new()
}

fn told<'a>(method: &'static str, type_name: Option<&'a str>, request: Parts) -> Told<'a> {
    Told { method, type_name, request, masked: Some(serde_json::json!({})), started: Instant::now() }
}

#[async_trait]
impl Provider for Recorder {
    async fn schema(&self, call: &Call) -> Answer<Arc<ProviderSchema>> {
        let told = told("GetProviderSchema", None, Vec::new());
        let answer = self.inner.schema(call).await;
        let is_usable = answer.as_ref().is_ok_and(|(_, diagnostics)| !model::diagnostic::has_errors(diagnostics));
        // It is large and never changes: once is enough.
        let is_new = match &answer {
            Ok((schema, _)) if is_usable => self.schema.set(Arc::clone(schema)).is_ok(),
            _ => true,
        };
        if is_new {
            let parts = answer.as_ref().ok().map(|(schema, _)| {
                let json = serde_json::to_value(schema::encode(schema)).unwrap_or(Json::Null);
                vec![("schema", Part::Plain(json))]
            });
            self.write(&told, None, parts.as_ref(), &answer);
        }
        answer
    }

    async fn validate_provider_config(&self, call: &Call, config: Value) -> Answer<()> {
        let told = told("ValidateProviderConfig", None, parts::provider_config(&config));
        self.tell(call, told, self.inner.validate_provider_config(call, config), nothing).await
    }

    async fn configure(&self, call: &Call, request: ConfigureRequest) -> Answer<()> {
        let told = told("ConfigureProvider", None, parts::configure(&request));
        self.tell(call, told, self.inner.configure(call, request), nothing).await
    }

    async fn validate_data_source_config(&self, call: &Call, data_source: &str, config: Value) -> Answer<()> {
        let request = parts::data_config(data_source, &config);
        let told = told("ValidateDataResourceConfig", Some(data_source), request);
        self.tell(call, told, self.inner.validate_data_source_config(call, data_source, config), nothing).await
    }

    async fn read_data_source(&self, call: &Call, request: DataSourceRequest) -> Answer<Value> {
        let name = request.data_source.clone();
        let told = told("ReadDataSource", Some(&name), parts::data_source(&request));
        let place = Place::new(Kind::Data, &name);
        self.tell(call, told, self.inner.read_data_source(call, request), |value| one_value(value, place)).await
    }

    async fn validate_resource_config(&self, call: &Call, resource_type: &str, config: Value) -> Answer<()> {
        let request = parts::resource_config(resource_type, &config);
        let told = told("ValidateResourceConfig", Some(resource_type), request);
        self.tell(call, told, self.inner.validate_resource_config(call, resource_type, config), nothing).await
    }

    async fn upgrade_resource_state(&self, call: &Call, request: UpgradeRequest) -> Answer<Value> {
        let name = request.resource_type.clone();
        let told = told("UpgradeResourceState", Some(&name), parts::upgrade(&request));
        let place = Place::new(Kind::Resource, &name);
        self.tell(call, told, self.inner.upgrade_resource_state(call, request), |value| one_value(value, place)).await
    }

    async fn upgrade_resource_identity(&self, call: &Call, request: UpgradeIdentityRequest) -> Answer<Identity> {
        let name = request.resource_type.clone();
        let told = told("UpgradeResourceIdentity", Some(&name), parts::upgrade_identity(&request));
        let answer = self.inner.upgrade_resource_identity(call, request);
        let parts_of = |identity: &Identity| vec![("identity", Part::Identity(Some(identity.clone()), name.clone()))];
        self.tell(call, told, answer, parts_of).await
    }

    async fn move_resource_state(&self, call: &Call, request: MoveRequest) -> Answer<ResourceObject> {
        let name = request.target_type.clone();
        let told = told("MoveResourceState", Some(&name), parts::move_state(&request));
        let answer = self.inner.move_resource_state(call, request);
        self.tell(call, told, answer, |object| parts::object(&name, object)).await
    }

    async fn read_resource(&self, call: &Call, request: ReadRequest) -> Answer<ResourceObject> {
        let name = request.resource_type.clone();
        let told = told("ReadResource", Some(&name), parts::read(&request));
        self.tell(call, told, self.inner.read_resource(call, request), |object| parts::object(&name, object)).await
    }

    async fn import_resource_state(&self, call: &Call, request: ImportRequest) -> Answer<Vec<ImportedObject>> {
        let name = request.resource_type.clone();
        let told = told("ImportResourceState", Some(&name), parts::import(&request));
        let answer = self.inner.import_resource_state(call, request);
        self.tell(call, told, answer, |objects| parts::imported(objects)).await
    }

    async fn plan_resource_change(&self, call: &Call, request: PlanRequest) -> Answer<PlannedChange> {
        let name = request.resource_type.clone();
        let told = told("PlanResourceChange", Some(&name), parts::plan(&request));
        let answer = self.inner.plan_resource_change(call, request);
        self.tell(call, told, answer, |change| parts::planned(&name, change)).await
    }

    async fn generate_resource_config(&self, call: &Call, request: GenerateRequest) -> Answer<Value> {
        let name = request.resource_type.clone();
        let told = told("GenerateResourceConfig", Some(&name), parts::generate(&request));
        let place = Place::new(Kind::Resource, &name);
        self.tell(call, told, self.inner.generate_resource_config(call, request), |value| one_value(value, place)).await
    }

    async fn call_function(
        &self,
        call: &Call,
        request: FunctionRequest,
    ) -> Result<Result<Value, FunctionError>, Error> {
        let name = request.function.clone();
        let told = told("CallFunction", Some(&name), parts::function(&request));
        let answer = async { self.inner.call_function(call, request).await.map(|result| (result, Vec::new())) };
        let (result, _) = self.tell(call, told, answer, |result| parts::function_result(&name, result)).await?;
        Ok(result)
    }

    async fn validate_list_config(&self, call: &Call, resource_type: &str, config: Value) -> Answer<()> {
        let request = parts::list_config(resource_type, &config);
        let told = told("ValidateListResourceConfig", Some(resource_type), request);
        self.tell(call, told, self.inner.validate_list_config(call, resource_type, config), nothing).await
    }

    async fn list_resource(&self, call: &Call, request: ListRequest, events: mpsc::Sender<ListEvent>) -> Answer<()> {
        let name = request.resource_type.clone();
        let told = told("ListResource", Some(&name), parts::list(&request));
        let (sender, mut receiver) = mpsc::channel::<ListEvent>(1);
        let answer = async {
            let passed_on = async {
                let mut seen: Vec<ListEvent> = Vec::new();
                while let Some(event) = receiver.recv().await {
                    seen.push(event.clone());
                    if events.send(event).await.is_err() {
                        // The one behind us stops as it would have without us.
                        break;
                    }
                }
                drop(receiver);
                seen
            };
            let (answer, seen) = tokio::join!(self.inner.list_resource(call, request, sender), passed_on);
            answer.map(|((), diagnostics)| (seen, diagnostics))
        };
        let (_, diagnostics) =
            self.tell(call, told, answer, |seen: &Vec<ListEvent>| parts::events(&name, seen)).await?;
        Ok(((), diagnostics))
    }

    async fn stop(&self, call: &Call) -> Result<(), Error> {
        let told = told("StopProvider", None, Vec::new());
        let answer = self.inner.stop(call).await.map(|()| ((), Vec::new()));
        self.write(&told, None, Some(&Vec::new()), &answer);
        answer.map(|((), _)| ())
    }
}

fn one_value(value: &Value, place: Place) -> Parts {
    vec![("value", Part::Value(value.clone(), place))]
}
