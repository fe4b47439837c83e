//! Requests and answers, taken apart into what is masked in different ways.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cty::{Path, Value};
use model::{Diagnostics, Identity};
use serde_json::Value as Json;

use super::mask::{Known, Masker};
use super::place::{Kind, Place};
use super::value;
use crate::provider::{
    ConfigureRequest, DataSourceRequest, GenerateRequest, ImportRequest, ImportTarget, ImportedObject, ListEvent,
    ListRequest, MoveRequest, PlanRequest, PlannedChange, ReadRequest, ResourceObject, UpgradeIdentityRequest,
    UpgradeRequest,
};
use crate::{FunctionError, FunctionRequest, ProviderSchema};

/// Every call that is recorded, as the protocol names it.
pub(super) const METHODS: [&str; 18] = [
    "GetProviderSchema",
    "ValidateProviderConfig",
    "ConfigureProvider",
    "ValidateDataResourceConfig",
    "ReadDataSource",
    "ValidateResourceConfig",
    "UpgradeResourceState",
    "UpgradeResourceIdentity",
    "MoveResourceState",
    "ReadResource",
    "ImportResourceState",
    "PlanResourceChange",
    "GenerateResourceConfig",
    "CallFunction",
    "ValidateListResourceConfig",
    "ListResource",
    "StopProvider",
    "handshake",
];

/// A piece of a request or an answer, with what is needed to mask it.
pub(super) enum Part {
    /// What is shown in any case.
    Plain(Json),
    /// A text with a place of its own.
    Text(String, Place),
    /// What a provider says to people.
    Said(String),
    Value(Value, Place),
    /// JSON text of a state.
    Recorded(Vec<u8>, Place),
    Private(Vec<u8>, String),
    Identity(Option<Identity>, String),
    Paths(Vec<Path>, Place),
    Diagnostics(Diagnostics, Place),
    List(Vec<Parts>),
}

pub(super) type Parts = Vec<(&'static str, Part)>;

fn resource(type_name: &str) -> Place {
    Place::new(Kind::Resource, type_name)
}

fn meta(meta: Option<&Value>) -> Option<(&'static str, Part)> {
    meta.map(|meta| ("provider_meta", Part::Value(meta.clone(), Place::new(Kind::ProviderMeta, ""))))
}

pub(super) fn provider_config(config: &Value) -> Parts {
    vec![("config", Part::Value(config.clone(), Place::new(Kind::Provider, "")))]
}

pub(super) fn configure(request: &ConfigureRequest) -> Parts {
    let version = Part::Plain(request.terraform_version.clone().into());
    std::iter::once(("terraform_version", version)).chain(provider_config(&request.config)).collect()
}

pub(super) fn data_config(data_source: &str, config: &Value) -> Parts {
    vec![("config", Part::Value(config.clone(), Place::new(Kind::Data, data_source)))]
}

pub(super) fn data_source(request: &DataSourceRequest) -> Parts {
    let config = data_config(&request.data_source, &request.config);
    config.into_iter().chain(meta(request.provider_meta.as_ref())).collect()
}

pub(super) fn resource_config(resource_type: &str, config: &Value) -> Parts {
    vec![("config", Part::Value(config.clone(), resource(resource_type)))]
}

pub(super) fn upgrade(request: &UpgradeRequest) -> Parts {
    vec![
        ("version", Part::Plain(request.version.into())),
        ("json", Part::Recorded(request.json.clone(), resource(&request.resource_type))),
    ]
}

pub(super) fn upgrade_identity(request: &UpgradeIdentityRequest) -> Parts {
    vec![
        ("version", Part::Plain(request.version.into())),
        ("json", Part::Recorded(request.json.clone(), Place::new(Kind::Identity, &request.resource_type))),
    ]
}

pub(super) fn move_state(request: &MoveRequest) -> Parts {
    let mut parts = vec![
        ("source_provider", Part::Plain(request.source_provider.to_string().into())),
        ("source_type", Part::Plain(request.source_type.clone().into())),
        ("source_version", Part::Plain(request.source_version.into())),
        ("source_json", Part::Recorded(request.source_json.clone(), resource(&request.source_type))),
        ("source_private", Part::Private(request.source_private.clone(), request.source_type.clone())),
    ];
    if let Some((version, json)) = &request.source_identity {
        let place = Place::new(Kind::Identity, &request.source_type);
        parts.push(("source_identity_version", Part::Plain((*version).into())));
        parts.push(("source_identity", Part::Recorded(json.clone(), place)));
    }
    parts
}

pub(super) fn object(type_name: &str, object: &ResourceObject) -> Parts {
    vec![
        ("value", Part::Value(object.value.clone(), resource(type_name))),
        ("private", Part::Private(object.private.clone(), type_name.to_owned())),
        ("identity", Part::Identity(object.identity.clone(), type_name.to_owned())),
    ]
}

pub(super) fn read(request: &ReadRequest) -> Parts {
    let parts = object(&request.resource_type, &request.object);
    parts.into_iter().chain(meta(request.provider_meta.as_ref())).collect()
}

pub(super) fn import(request: &ImportRequest) -> Parts {
    let type_name = &request.resource_type;
    match &request.target {
        ImportTarget::Id(id) => vec![("id", Part::Text(id.clone(), Place::new(Kind::ImportId, type_name)))],
        ImportTarget::Identity(identity) => {
            vec![("identity", Part::Identity(Some(identity.clone()), type_name.clone()))]
        }
    }
}

pub(super) fn imported(objects: &[ImportedObject]) -> Parts {
    let each = objects.iter().map(|imported| {
        let type_name = ("type", Part::Plain(imported.resource_type.clone().into()));
        std::iter::once(type_name).chain(object(&imported.resource_type, &imported.object)).collect()
    });
    vec![("objects", Part::List(each.collect()))]
}

pub(super) fn plan(request: &PlanRequest) -> Parts {
    let type_name = &request.resource_type;
    let mut parts = object(type_name, &request.prior);
    parts.push(("proposed", Part::Value(request.proposed.clone(), resource(type_name))));
    parts.push(("config", Part::Value(request.config.clone(), resource(type_name))));
    parts.extend(meta(request.provider_meta.as_ref()));
    parts
}

pub(super) fn planned(type_name: &str, change: &PlannedChange) -> Parts {
    let mut parts = object(type_name, &change.planned);
    parts.push(("requires_replace", Part::Paths(change.requires_replace.clone(), resource(type_name))));
    parts.push(("is_legacy_type_system", Part::Plain(change.is_legacy_type_system.into())));
    parts
}

pub(super) fn generate(request: &GenerateRequest) -> Parts {
    vec![("state", Part::Value(request.state.clone(), resource(&request.resource_type)))]
}

pub(super) fn function(request: &FunctionRequest) -> Parts {
    let place = Place::new(Kind::Function, &request.function);
    let arguments = request.arguments.iter().map(|value| vec![("value", Part::Value(value.clone(), place.clone()))]);
    vec![("arguments", Part::List(arguments.collect()))]
}

pub(super) fn function_result(name: &str, result: &Result<Value, FunctionError>) -> Parts {
    match result {
        Ok(value) => vec![("value", Part::Value(value.clone(), Place::new(Kind::Function, name)))],
        Err(error) => {
            vec![("refused", Part::Said(error.text.clone())), ("argument", Part::Plain(error.argument.into()))]
        }
    }
}

pub(super) fn list_config(resource_type: &str, config: &Value) -> Parts {
    vec![("config", Part::Value(config.clone(), Place::new(Kind::List, resource_type)))]
}

pub(super) fn list(request: &ListRequest) -> Parts {
    let mut parts = list_config(&request.resource_type, &request.config);
    parts.push(("include_resource", Part::Plain(request.include_resource.into())));
    parts.push(("limit", Part::Plain(request.limit.into())));
    parts
}

pub(super) fn events(type_name: &str, events: &[ListEvent]) -> Parts {
    let each = events.iter().map(|event| {
        let place = Place::new(Kind::DisplayName, type_name);
        let mut parts = vec![
            ("identity", Part::Identity(event.identity.clone(), type_name.to_owned())),
            ("display_name", Part::Text(event.display_name.clone(), place)),
            ("diagnostics", Part::Diagnostics(event.diagnostics.clone(), resource(type_name))),
        ];
        parts.extend(event.resource.iter().map(|value| ("value", Part::Value(value.clone(), resource(type_name)))));
        parts
    });
    vec![("events", Part::List(each.collect()))]
}

/// Masks and writes parts.
pub(super) fn write(parts: &Parts, masker: &mut Masker<'_>) -> cty::Result<Json> {
    let mut written = serde_json::Map::new();
    for (name, part) in parts {
        written.insert((*name).to_owned(), write_part(part, masker)?);
    }
    Ok(Json::Object(written))
}

fn write_part(part: &Part, masker: &mut Masker<'_>) -> cty::Result<Json> {
    let value = |value: &Value, place: &Place, masker: &mut Masker<'_>| {
        let declared = place.declared_type(masker.schema);
        value::encode(&masker.value(value, place)?, declared.as_ref())
    };
    Ok(match part {
        Part::Plain(json) => json.clone(),
        Part::Text(text, place) => masker.text(text, place).into(),
        Part::Said(text) => masker.known.mask_text(masker.key, text).into(),
        Part::Value(of, place) => value(of, place, masker)?,
        Part::Recorded(json, place) => match cty::json::decode_implied(json) {
            Ok(of) => value::encode(&masker.value(&of, place)?, None)?,
            Err(_) => serde_json::json!({ "unreadable": masker.key.private(json) }),
        },
        Part::Private(bytes, type_name) => match masker.private(bytes, type_name) {
            Some(placeholder) => placeholder.into(),
            None => serde_json::json!({ "base64": STANDARD.encode(bytes) }),
        },
        Part::Identity(None, _) => Json::Null,
        Part::Identity(Some(identity), type_name) => {
            let place = Place::new(Kind::Identity, type_name);
            serde_json::json!({ "version": identity.version, "value": value(&identity.value, &place, masker)? })
        }
        Part::Paths(paths, place) => {
            let paths = paths.iter().map(|path| value::encode_path(&masker.path(path, Some(place))?));
            Json::Array(paths.collect::<cty::Result<_>>()?)
        }
        Part::Diagnostics(diagnostics, place) => {
            let written = write_diagnostics(diagnostics, Some(place), masker)?;
            serde_json::to_value(written).unwrap_or(Json::Null)
        }
        Part::List(list) => {
            Json::Array(list.iter().map(|parts| write(parts, masker)).collect::<cty::Result<Vec<_>>>()?)
        }
    })
}

/// Masks and writes diagnostics.
pub(super) fn write_diagnostics(
    diagnostics: &Diagnostics,
    place: Option<&Place>,
    masker: &mut Masker<'_>,
) -> cty::Result<Vec<value::WrittenDiagnostic>> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let path = diagnostic.path.as_ref().map(|path| masker.path(path, place)).transpose()?;
            let (known, key) = (&*masker.known, masker.key);
            value::WrittenDiagnostic::new(diagnostic, path.as_ref(), |text| known.mask_text(key, text))
        })
        .collect()
}

/// Reads the parts of an answer.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) json: &'a Json,
    pub(super) schema: Option<&'a ProviderSchema>,
    /// What is put back into what is read.
    pub(super) known: &'a Known,
}

type Read<T> = Result<T, String>;

impl<'a> Reader<'a> {
    fn get(&self, name: &str) -> Read<&'a Json> {
        self.json.get(name).ok_or_else(|| format!("the answer has no {name:?}"))
    }

    fn value_of(&self, json: &Json, place: &Place) -> Read<Value> {
        let value = value::decode(json, place.declared_type(self.schema).as_ref())?;
        self.known.restore(&value).map_err(|error| format!("a value cannot be put together: {error}"))
    }

    pub(super) fn value(&self, kind: Kind, type_name: &str) -> Read<Value> {
        self.get("value").and_then(|json| self.value_of(json, &Place::new(kind, type_name)))
    }

    fn private(&self) -> Read<Vec<u8>> {
        match self.get("private")? {
            Json::String(placeholder) => Ok(placeholder.clone().into_bytes()),
            Json::Object(object) => {
                let text = object.get("base64").and_then(Json::as_str).ok_or("private bytes are not base64")?;
                STANDARD.decode(text).map_err(|error| format!("private bytes are not base64: {error}"))
            }
            _ => Err("private bytes are neither a placeholder nor base64".to_owned()),
        }
    }

    fn identity_of(&self, json: &Json, type_name: &str) -> Read<Option<Identity>> {
        if json.is_null() {
            return Ok(None);
        }
        let version = json.get("version").and_then(Json::as_i64).ok_or("an identity has no version")?;
        let value = json.get("value").ok_or("an identity has no value")?;
        let value = self.value_of(value, &Place::new(Kind::Identity, type_name))?;
        Ok(Some(Identity { version, value }))
    }

    pub(super) fn object(&self, type_name: &str) -> Read<ResourceObject> {
        Ok(ResourceObject {
            value: self.value(Kind::Resource, type_name)?,
            private: self.private()?,
            identity: self.identity_of(self.get("identity")?, type_name)?,
        })
    }

    pub(super) fn identity(&self, type_name: &str) -> Read<Identity> {
        let identity = self.identity_of(self.get("identity")?, type_name)?;
        identity.ok_or_else(|| "the answer's identity is null".to_owned())
    }

    fn list(&self, name: &str) -> Read<impl Iterator<Item = Reader<'a>>> {
        let list = self.get(name)?.as_array().ok_or_else(|| format!("{name:?} is not an array"))?;
        let (schema, known) = (self.schema, self.known);
        Ok(list.iter().map(move |json| Reader { json, schema, known }))
    }

    fn text(&self, name: &str) -> Read<String> {
        let text = self.get(name)?.as_str().ok_or_else(|| format!("{name:?} is not a text"))?;
        Ok(self.known.restore_text(text))
    }

    pub(super) fn imported(&self) -> Read<Vec<ImportedObject>> {
        let objects = self.list("objects")?.map(|one| {
            let resource_type = one.text("type")?;
            Ok(ImportedObject { object: one.object(&resource_type)?, resource_type })
        });
        objects.collect()
    }

    pub(super) fn planned(&self, type_name: &str) -> Read<PlannedChange> {
        let paths = self.get("requires_replace")?.as_array().ok_or("the paths are not an array")?;
        let paths = paths.iter().map(|path| {
            let path = value::decode_path(path)?;
            self.known.restore_path(&path).map_err(|error| format!("a path cannot be put together: {error}"))
        });
        Ok(PlannedChange {
            planned: self.object(type_name)?,
            requires_replace: paths.collect::<Read<_>>()?,
            is_legacy_type_system: self.get("is_legacy_type_system")? == &Json::Bool(true),
        })
    }

    pub(super) fn function_result(&self, name: &str) -> Read<Result<Value, FunctionError>> {
        if self.json.get("refused").is_none() {
            return self.value(Kind::Function, name).map(Ok);
        }
        let argument = self.json.get("argument").and_then(Json::as_u64);
        let argument = argument.map(usize::try_from).transpose().map_err(|_| "there is no such argument")?;
        Ok(Err(FunctionError { text: self.text("refused")?, argument }))
    }

    pub(super) fn events(&self, type_name: &str) -> Read<Vec<ListEvent>> {
        let events = self.list("events")?.map(|one| {
            let has_value = one.json.get("value").is_some();
            let diagnostics: Vec<value::WrittenDiagnostic> =
                serde::Deserialize::deserialize(one.get("diagnostics")?)
                    .map_err(|error| format!("an event's diagnostics are none: {error}"))?;
            Ok(ListEvent {
                identity: one.identity_of(one.get("identity")?, type_name)?,
                display_name: one.text("display_name")?,
                resource: if has_value { Some(one.value(Kind::Resource, type_name)?) } else { None },
                diagnostics: one.diagnostics(&diagnostics)?,
            })
        });
        events.collect()
    }

    pub(super) fn diagnostics(&self, written: &[value::WrittenDiagnostic]) -> Read<Diagnostics> {
        let restored = written.iter().map(|written| {
            let path = written.path.as_ref().map(value::decode_path).transpose()?;
            let path = path.map(|path| self.known.restore_path(&path)).transpose();
            let path = path.map_err(|error| format!("a path cannot be put together: {error}"))?;
            Ok(written.read(path, |text| self.known.restore_text(text)))
        });
        restored.collect()
    }
}

/// Counts in how many places two requests differ, and gives the first.
pub(super) fn difference(ours: &Json, theirs: &Json, at: &str) -> (usize, Option<String>) {
    let parts = |json: &Json| -> Option<BTreeMap<String, Json>> {
        match json {
            Json::Object(object) => Some(object.iter().map(|(name, json)| (name.clone(), json.clone())).collect()),
            Json::Array(array) => {
                // Padded, so that elements stay in their order.
                Some(array.iter().enumerate().map(|(index, json)| (format!("{index:06}"), json.clone())).collect())
            }
            _ => None,
        }
    };
    let (Some(ours_in), Some(theirs_in)) = (parts(ours), parts(theirs)) else {
        return if ours == theirs { (0, None) } else { (1, Some(at.to_owned())) };
    };
    let mut n_differences = 0;
    let mut first = None;
    let names: std::collections::BTreeSet<&String> = ours_in.keys().chain(theirs_in.keys()).collect();
    for name in names {
        let inner = format!("{at}/{}", name.trim_start_matches('0'));
        let (n, where_to) = match (ours_in.get(name), theirs_in.get(name)) {
            (Some(ours), Some(theirs)) => difference(ours, theirs, &inner),
            _ => (1, Some(inner)),
        };
        n_differences += n;
        first = first.or(where_to);
    }
    (n_differences, first)
}
