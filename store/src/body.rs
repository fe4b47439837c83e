//! Record bodies: what is kept of an object beyond its columns, as one cty value in msgpack.

use std::collections::BTreeMap;

use cty::{Mark, Type, Value};
use model::{Identity, ImportId, RemoteObject, ResourceType};
use sha2::{Digest, Sha256};

use crate::record::{completeness_word, standing_columns};
use crate::secret::SecretKey;

/// How many bytes of its SHA-256 digest name a body.
const HASH: usize = 16;

/// One encoded body.
#[derive(Debug)]
pub(crate) struct Body {
    /// The digest of type and bytes.
    pub(crate) hash: [u8; HASH],
    /// The digest of that and of the columns: equal while nothing about the object changes.
    pub(crate) digest: [u8; HASH],
    /// The type, in cty's JSON form.
    pub(crate) shape: String,
    /// The value in msgpack.
    pub(crate) record: Vec<u8>,
}

/// What a body holds.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) attributes: BTreeMap<String, Value>,
    pub(crate) identity: Option<Identity>,
    pub(crate) tags: Option<BTreeMap<String, String>>,
    pub(crate) volatile: Vec<String>,
}

/// Encodes what the columns do not hold. Sensitive values are replaced first.
pub(crate) fn encode(object: &RemoteObject, key: &SecretKey) -> cty::Result<Body> {
    let tags = match &object.tags {
        Some(tags) => {
            let entries = tags.iter().map(|(name, text)| (name.clone(), Value::string(text))).collect();
            Value::map(Type::String, entries)?
        }
        None => Value::null(Type::map(Type::String)),
    };
    let identity = match &object.identity {
        Some(identity) => Value::object(BTreeMap::from([
            ("value".to_owned(), redact(&identity.value, key)?),
            ("version".to_owned(), Value::from(identity.version)),
        ])),
        None => Value::null(Type::Dynamic),
    };
    let mut attributes = BTreeMap::new();
    for (name, value) in &object.attributes {
        attributes.insert(name.clone(), redact(value, key)?);
    }
    let record = Value::object(BTreeMap::from([
        ("attributes".to_owned(), Value::object(attributes)),
        ("identity".to_owned(), identity),
        ("tags".to_owned(), tags),
        ("volatile".to_owned(), Value::list(Type::String, object.volatile.iter().map(Value::string).collect())?),
    ]));
    let shape = record.ty().to_json();
    let record = cty::msgpack::encode(&record, record.ty())?;
    let hash = shorten(Sha256::new().chain_update(&shape).chain_update([0]).chain_update(&record));
    let (standing, standing_detail, standing_evidence) = standing_columns(&object.standing);
    let columns = [
        object.resource_type.as_ref().map(ResourceType::as_str),
        object.import_id.as_ref().map(ImportId::as_str),
        object.arn.as_deref(),
        object.name.as_deref(),
        object.parent.as_ref().map(|(native_type, _)| native_type.as_str()),
        object.parent.as_ref().map(|(_, key)| &*key.0),
        Some(standing),
        standing_detail,
        standing_evidence,
        Some(completeness_word(object.completeness)),
        object.cause.as_ref().map(|cause| cause.kind.as_str()),
        object.cause.as_ref().map(|cause| cause.detail.as_str()),
    ];
    let mut digest = Sha256::new().chain_update(hash);
    for column in columns {
        // The length in front keeps neighbors apart; no text is as long as what stands for none.
        digest.update(column.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        digest.update(column.unwrap_or_default());
    }
    let digest = shorten(digest);
    Ok(Body { hash, digest, shape, record })
}

fn shorten(digest: Sha256) -> [u8; HASH] {
    let mut short = [0; HASH];
    short.copy_from_slice(&digest.finalize()[..HASH]);
    short
}

/// Decodes a body.
pub(crate) fn decode(record: &[u8], shape: &Type) -> cty::Result<Content> {
    let value = cty::msgpack::decode(record, shape)?;
    let mut content = Content { attributes: BTreeMap::new(), identity: None, tags: None, volatile: Vec::new() };
    for (name, part) in value.entries() {
        match name {
            "attributes" => {
                content.attributes = part.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect();
            }
            "identity" if !part.is_null() => {
                let field = |wanted: &str| part.entries().find(|(name, _)| *name == wanted).map(|(_, value)| value);
                content.identity = field("value").map(|value| Identity {
                    version: field("version").and_then(Value::as_number).and_then(cty::Number::to_i64).unwrap_or(0),
                    value: value.clone(),
                });
            }
            "tags" if !part.is_null() => {
                let text = |(name, value): (&str, &Value)| Some((name.to_owned(), value.as_str()?.to_owned()));
                content.tags = Some(part.entries().filter_map(text).collect());
            }
            "volatile" => content.volatile = part.elements().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => {}
        }
    }
    Ok(content)
}

/// Replaces every value that must not be shown or kept by a keyed digest, and drops all other marks.
///
/// Collections that then hold several types become tuples or objects.
pub(crate) fn redact(value: &Value, key: &SecretKey) -> cty::Result<Value> {
    if value.marks().iter().any(|mark| matches!(mark, Mark::Sensitive | Mark::Ephemeral)) {
        let (bare, _) = value.unmark_deep();
        let bytes = cty::msgpack::encode(&bare, bare.ty())?;
        return Ok(Value::string(key.stand_in(&bytes)));
    }
    if !value.contains_marked() {
        return Ok(value.clone());
    }
    if value.is_null() || !value.is_known() {
        return Ok(value.unmark().0);
    }
    match value.ty() {
        Type::List(_) | Type::Set(_) | Type::Tuple(_) => {
            let elements: Vec<Value> =
                value.elements().map(|element| redact(element, key)).collect::<Result<_, _>>()?;
            let rebuilt = match value.ty() {
                Type::List(_) => Value::list(Type::Dynamic, elements.clone()),
                Type::Set(_) => Value::set(Type::Dynamic, elements.clone()),
                _ => Ok(Value::tuple(elements.clone())),
            };
            Ok(rebuilt.unwrap_or_else(|_| Value::tuple(elements)))
        }
        Type::Map(_) | Type::Object(_) => {
            let mut entries = BTreeMap::new();
            for (name, element) in value.entries() {
                entries.insert(name.to_owned(), redact(element, key)?);
            }
            let rebuilt = match value.ty() {
                Type::Map(_) => Value::map(Type::Dynamic, entries.clone()),
                _ => Ok(Value::object(entries.clone())),
            };
            Ok(rebuilt.unwrap_or_else(|_| Value::object(entries)))
        }
        Type::Dynamic | Type::String | Type::Number | Type::Bool => Ok(value.unmark().0),
    }
}
