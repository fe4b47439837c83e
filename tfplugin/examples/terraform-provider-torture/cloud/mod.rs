//! A cloud that is a folder: one file an object.

mod kind;
mod rules;
mod specimen;
mod value;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cty::{Path, Type, Value};
use model::{Diagnostic, Diagnostics};
use tfplugin::{
    Answer, Call, Error, ErrorKind, ImportRequest, ImportTarget, ImportedObject, ListEvent, ListRequest, ReadRequest,
    ResourceObject, UpgradeRequest,
};
use tokio::sync::mpsc;

pub(crate) use kind::Kind;

use crate::shape::{field, identity_of, text, with_fields, with_name};

type Json = serde_json::Map<String, serde_json::Value>;

/// The objects of one type.
pub(crate) struct Cloud {
    pub(crate) kind: Kind,
    pub(crate) folder: Option<PathBuf>,
}

/// How often something was read that is different each time.
static LOOKS: AtomicU64 = AtomicU64::new(1);

/// What a look at one object gives.
enum Seen {
    Nothing,
    Object(Value),
    Failure(String),
}

impl Cloud {
    fn path(&self, operation: &'static str, kind: Kind) -> Result<PathBuf, Error> {
        let folder = self.folder.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Local, operation, "There is no cloud: set `cloud` of the provider, or TORTURE_CLOUD.")
        })?;
        Ok(folder.join(kind.name()))
    }

    async fn look(&self, operation: &'static str, name: &str) -> Result<Seen, Error> {
        // What a policy holds lies in the object it belongs to.
        let kind = if self.kind == Kind::Policy { Kind::Object } else { self.kind };
        let path = self.path(operation, kind)?.join(format!("{name}.json"));
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Seen::Nothing),
            Err(error) => return Ok(Seen::Failure(format!("{} cannot be read: {error}.", path.display()))),
            Ok(bytes) => bytes,
        };
        let mut json: Json = match serde_json::from_slice(&bytes) {
            Err(error) => return Ok(Seen::Failure(format!("{} is no JSON object: {error}.", path.display()))),
            Ok(json) => json,
        };
        if let Some(pause) = json.get("$sleep_ms").and_then(serde_json::Value::as_u64) {
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        if let Some(reason) = json.get("$error").and_then(serde_json::Value::as_str) {
            return Ok(Seen::Failure(reason.to_owned()));
        }
        if self.kind == Kind::Policy {
            let Some(policy) = json.remove("policy").filter(|policy| !policy.is_null()) else {
                return Ok(Seen::Nothing);
            };
            json = Json::from_iter([("object".to_owned(), name.into()), ("policy".to_owned(), policy)]);
        }
        json.insert("id".to_owned(), name.into());
        json.insert("name".to_owned(), name.into());
        if let Some(attribute) = json.get("$changes").and_then(serde_json::Value::as_str) {
            // The time tells the looks of several processes apart.
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis());
            let look = now + u128::from(LOOKS.fetch_add(1, Ordering::Relaxed));
            json.insert(attribute.to_owned(), look.to_string().into());
        }
        match value::of_json(&serde_json::Value::Object(json), &self.kind.schema().value_type()) {
            Ok(value) => Ok(Seen::Object(self.kind.as_read(&value))),
            Err(reason) => Ok(Seen::Failure(format!("{} does not fit the schema: {reason}.", path.display()))),
        }
    }

    /// Gives what the file of an object asks for besides its attributes.
    fn directive(&self, operation: &'static str, name: &str, directive: &str) -> Result<serde_json::Value, Error> {
        let path = self.path(operation, self.kind)?.join(format!("{name}.json"));
        let json: Option<Json> = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(json.and_then(|mut json| json.remove(directive)).unwrap_or_default())
    }

    /// Gives the state, its name no longer called `title` and its missing attributes null.
    pub(crate) fn upgrade(&self, request: &UpgradeRequest) -> Answer<Value> {
        let json = serde_json::Value::Object(with_name("UpgradeResourceState", &request.json)?);
        let upgraded = value::of_json(&json, &self.kind.schema().value_type()).map_err(|reason| {
            let detail = format!("The state does not fit the schema: {reason}.");
            Error::new(ErrorKind::Malformed, "UpgradeResourceState", detail)
        })?;
        Ok((upgraded, Vec::new()))
    }

    pub(crate) async fn read(&self, request: ReadRequest) -> Answer<ResourceObject> {
        let prior = request.object;
        let name = text(&prior.value, self.kind.key()).or_else(|| text(&prior.value, "id")).unwrap_or_default();
        let none = || ResourceObject {
            value: Value::null(self.kind.schema().value_type()),
            private: Vec::new(),
            identity: None,
        };
        if self.directive("ReadResource", name, "$gone")? == true {
            return Ok((none(), Vec::new()));
        }
        match self.look("ReadResource", name).await? {
            Seen::Nothing => Ok((none(), Vec::new())),
            Seen::Failure(reason) => {
                let summary = format!("{name} cannot be read");
                Ok((none(), vec![Diagnostic::error("unreadable", summary, reason)]))
            }
            Seen::Object(value) => {
                let kept = field(&prior.value, "force").filter(|_| self.kind == Kind::Object);
                let value = match kept {
                    Some(force) => with_fields(&value, [("force", force.clone())]),
                    None => value,
                };
                let identity = Some(identity_of(name));
                Ok((ResourceObject { value, private: prior.private, identity }, Vec::new()))
            }
        }
    }

    /// Gives no more than the name, unless the object's file asks for something worse.
    pub(crate) fn import(&self, request: ImportRequest) -> Answer<Vec<ImportedObject>> {
        let refuse =
            |summary: &str, detail: &str| Ok((Vec::new(), vec![Diagnostic::error("refused", summary, detail)]));
        if self.kind == Kind::Sealed {
            let detail = "This resource does not support import. Please contact the provider developer for additional \
                          information.";
            return refuse("Resource Import Not Implemented", detail);
        }
        let name = match &request.target {
            ImportTarget::Id(id) => id.clone(),
            ImportTarget::Identity(identity) => text(&identity.value, "name").unwrap_or_default().to_owned(),
        };
        let object_of = |kind: Kind, name: &str| {
            let Type::Object(attributes) = kind.schema().value_type() else { return None };
            let nulls = attributes.attributes().map(|(name, ty)| (name.to_owned(), Value::null(ty.clone())));
            let bare = Value::object(nulls.collect());
            let value = with_fields(&bare, [("id", Value::string(name)), (kind.key(), Value::string(name))]);
            let object = ResourceObject { value, private: Vec::new(), identity: Some(identity_of(name)) };
            Some(ImportedObject { resource_type: kind.name().to_owned(), object })
        };
        let objects = match self.directive("ImportResourceState", &name, "$import")?.as_str() {
            Some("several") => vec![object_of(self.kind, &name), object_of(self.kind, &format!("{name}-too"))],
            Some("another type") => vec![object_of(Kind::Policy, &name)],
            Some("nothing") => Vec::new(),
            Some("by identity") if matches!(request.target, ImportTarget::Id(_)) => {
                return refuse("Unexpected import id", "Only an identity tells which object is meant.");
            }
            _ => vec![object_of(self.kind, &name)],
        };
        Ok((objects.into_iter().flatten().collect(), Vec::new()))
    }

    pub(crate) async fn list(
        &self,
        call: &Call,
        request: &ListRequest,
        events: &mpsc::Sender<ListEvent>,
    ) -> Result<(), Error> {
        let operation = "ListResource";
        let kind = if self.kind == Kind::Policy { Kind::Object } else { self.kind };
        let prefix = text(&request.config, "prefix").unwrap_or_default();
        let mut names = Vec::new();
        // A folder that is not there holds nothing.
        for entry in std::fs::read_dir(self.path(operation, kind)?).into_iter().flatten().flatten() {
            if let Some(name) = entry.file_name().to_string_lossy().strip_suffix(".json") {
                names.extend(name.starts_with(prefix).then(|| name.to_owned()));
            }
        }
        names.sort_unstable();
        for name in names {
            let Seen::Object(value) = self.look(operation, &name).await? else { continue };
            let event = ListEvent {
                identity: Some(identity_of(&name)),
                resource: request.include_resource.then_some(value),
                display_name: name,
                diagnostics: Vec::new(),
            };
            tokio::select! {
                () = call.cancel.cancelled() => break,
                sent = events.send(event) => if sent.is_err() { break },
            }
        }
        Ok(())
    }
}

/// Refuses a policy that is no JSON.
fn validate_json(config: &Value) -> Diagnostics {
    match text(config, "policy").map(serde_json::from_str::<serde_json::Value>) {
        Some(Err(error)) => {
            let detail = format!("A policy is JSON text: {error}.");
            vec![Diagnostic::error("not-json", "The policy is no JSON", detail).at_path(Path::new().attr("policy"))]
        }
        Some(Ok(_)) | None => Vec::new(),
    }
}
