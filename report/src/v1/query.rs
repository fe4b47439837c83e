//! `driftmgr.query/v1`: remote objects from the store.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Completeness, RemoteObject, ScopeOutcome, Standing};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::common::{CauseOf, ScopeOf, Text, attributes};
use crate::redact::Values;

/// The objects that match a query, as a document. They are taken from the iterator as they are written, once.
pub struct Document<'a> {
    objects: RefCell<&'a mut dyn Iterator<Item = RemoteObject>>,
    answer: Answer<'a>,
}

/// What is known about the answer to a query as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The moment the oldest look ended that the answer rests on.
    pub as_of: Option<Timestamp>,
    /// Whether every scope the query asks about was seen completely and lately enough.
    pub is_complete: bool,
    /// How many objects match, where they were counted; `resources` may be a page of them.
    pub n_matching: Option<u64>,
    /// The scopes that were not seen completely.
    pub incomplete_scopes: &'a [ScopeOutcome],
    /// Which values are shown.
    pub values: Values,
}

impl<'a> Document<'a> {
    /// Makes the document.
    pub fn new(answer: Answer<'a>, objects: &'a mut dyn Iterator<Item = RemoteObject>) -> Self {
        Self { objects: RefCell::new(objects), answer }
    }
}

impl super::Document for Document<'_> {
    const SCHEMA: &'static str = "driftmgr.query/v1";
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Answer { as_of, is_complete, n_matching, incomplete_scopes, values } = self.answer;
        let mut document = serializer.serialize_struct("Document", 7)?;
        document.serialize_field("schema", <Self as super::Document>::SCHEMA)?;
        document.serialize_field("as_of", &as_of.map(|as_of| as_of.to_string()))?;
        document.serialize_field("complete", &is_complete)?;
        document.serialize_field("matching", &n_matching)?;
        document.serialize_field("values", values.as_str())?;
        let scopes: Vec<_> = incomplete_scopes.iter().map(ScopeOf::from).collect();
        document.serialize_field("incomplete_scopes", &scopes)?;
        document.serialize_field("resources", &Resources { objects: &self.objects, values })?;
        document.end()
    }
}

/// Writes one object as JSON on one line, as it stands in `resources` of the document.
///
/// # Errors
///
/// Those of the writer.
pub fn write_object(object: &RemoteObject, values: Values, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    serde_json::to_writer(out, &ObjectOf::new(object, values)).map_err(Into::into)
}

struct Resources<'d, 'a> {
    objects: &'d RefCell<&'a mut dyn Iterator<Item = RemoteObject>>,
    values: Values,
}

impl Serialize for Resources<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut objects = self.objects.borrow_mut();
        let mut sequence = serializer.serialize_seq(None)?;
        for object in &mut **objects {
            sequence.serialize_element(&ObjectOf::new(&object, self.values))?;
        }
        sequence.end()
    }
}

#[derive(Serialize)]
struct ObjectOf<'a> {
    cloud: &'a str,
    account: &'a str,
    region: Option<&'a str>,
    native_type: &'a str,
    key: Text<&'a model::ObjectKey>,
    #[serde(rename = "type")]
    resource_type: Option<Text<&'a model::ResourceType>>,
    id: Option<Text<&'a model::ImportId>>,
    identity: Option<Attributes<'a>>,
    arn: Option<&'a str>,
    name: Option<&'a str>,
    tags: Option<BTreeMap<&'a str, Option<&'a str>>>,
    attributes: Attributes<'a>,
    standing: StandingOf<'a>,
    parent: Option<ParentOf<'a>>,
    completeness: &'static str,
    source: &'a str,
    fetched_at: Text<Timestamp>,
    cause: Option<CauseOf<'a>>,
}

#[derive(Serialize)]
struct ParentOf<'a> {
    native_type: Text<&'a model::NativeType>,
    key: Text<&'a model::ObjectKey>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum StandingOf<'a> {
    Ordinary,
    Default { reason: &'a str },
    ManagedElsewhere { by: &'a str, evidence: &'a str },
}

enum Attributes<'a> {
    Mapped(&'a BTreeMap<String, cty::Value>, Values),
    Identity(&'a cty::Value),
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Mapped(mapped, values) => attributes(mapped.iter(), *values, serializer),
            // An identity is what names the object: it is shown even where no values are wanted.
            Self::Identity(value) => super::common::Json(value).serialize(serializer),
        }
    }
}

impl<'a> ObjectOf<'a> {
    fn new(object: &'a RemoteObject, values: Values) -> Self {
        let tags = object.tags.as_ref();
        Self {
            cloud: object.scope.cloud.as_str(),
            account: object.scope.account.as_str(),
            region: object.scope.region.as_ref().map(model::Region::as_str),
            native_type: object.scope.native_type.as_str(),
            key: Text(&object.key),
            resource_type: object.resource_type.as_ref().map(Text),
            id: object.import_id.as_ref().map(Text),
            identity: object.identity.as_ref().map(|identity| Attributes::Identity(&identity.value)),
            arn: object.arn.as_deref(),
            name: object.name.as_deref(),
            tags: tags.map(|tags| tags.iter().map(|(key, value)| (key.as_str(), values.of_text(value))).collect()),
            attributes: Attributes::Mapped(&object.attributes, values),
            standing: match &object.standing {
                Standing::Ordinary => StandingOf::Ordinary,
                Standing::Default(reason) => StandingOf::Default { reason },
                Standing::ManagedElsewhere { by, evidence } => StandingOf::ManagedElsewhere { by, evidence },
            },
            parent: object
                .parent
                .as_ref()
                .map(|(native_type, key)| ParentOf { native_type: Text(native_type), key: Text(key) }),
            completeness: match object.completeness {
                Completeness::Id => "id",
                Completeness::Summary => "summary",
                Completeness::Full => "full",
            },
            source: &object.source,
            fetched_at: Text(object.fetched_at),
            cause: object.cause.as_ref().map(CauseOf::from),
        }
    }
}
