//! `driftmgr.mapping/v1`: which object goes to which address. `driftmgr adopt` writes it, a person edits it, and
//! `driftmgr adopt` reads it back.

use drift::adopt::{Adoption, AdoptionKey, AdoptionStep, Choice, Choices};
use model::{Diagnostic, Diagnostics, InstanceAddress, Position, Span};
use serde::{Deserialize, Serialize, Serializer};

const SCHEMA: &str = "driftmgr.mapping/v1";
/// Longest file that is read, in bytes.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// What becomes of the objects, as a mapping file.
pub struct Document<'a> {
    /// The root module the addresses are in, as the user named it.
    pub root: Option<&'a str>,
    /// What becomes of each object.
    pub adoptions: &'a [Adoption<'a>],
}

impl super::Document for Document<'_> {
    const SCHEMA: &'static str = SCHEMA;
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(rename = "type")]
    resource_type: &'a str,
    id: &'a str,
    name: Option<&'a str>,
    account: Option<&'a str>,
    region: Option<&'a str>,
    root: Option<&'a str>,
    address: Option<String>,
    skip: bool,
    reason: Option<&'a str>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            schema: &'static str,
            objects: Objects<'a>,
        }
        struct Objects<'a>(&'a Document<'a>);
        impl Serialize for Objects<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.adoptions.iter().filter_map(|adoption| entry(adoption, self.0.root)))
            }
        }
        Body { schema: SCHEMA, objects: Objects(self) }.serialize(serializer)
    }
}

/// Gives the entry of an object; one without a type or an id cannot be imported, so nothing can be decided about it.
fn entry<'a>(adoption: &'a Adoption<'a>, root: Option<&'a str>) -> Option<Entry<'a>> {
    let finding = adoption.finding;
    let (address, skip, reason) = match &adoption.step {
        AdoptionStep::Import { to, .. } => (Some(to), false, None),
        AdoptionStep::Skip { reason, to } => (to.as_ref(), true, Some(reason.as_str())),
    };
    Some(Entry {
        resource_type: finding.resource_type.as_ref()?.as_str(),
        id: finding.id.as_ref()?.as_str(),
        name: finding.name.as_deref(),
        account: finding.account.as_ref().map(model::AccountId::as_str),
        region: finding.region.as_ref().map(model::Region::as_str),
        root,
        address: address.map(ToString::to_string),
        skip,
        reason,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadFile {
    schema: String,
    objects: Vec<ReadEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadEntry {
    #[serde(rename = "type")]
    resource_type: String,
    id: String,
    #[serde(default, rename = "name")]
    _name: Option<String>,
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default, rename = "root")]
    _root: Option<String>,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    skip: bool,
    #[serde(default)]
    reason: Option<String>,
}

/// Reads a mapping file; `name` is what diagnostics call it. What has an error is left out.
pub fn read(name: &str, text: &str) -> (Choices, Diagnostics) {
    let mut choices = Choices::new();
    let mut diagnostics = Diagnostics::new();
    let mut fail = |summary: &str, detail: String| diagnostics.push(Diagnostic::error("mapping-file", summary, detail));
    if text.len() > MAX_BYTES {
        fail("The mapping file is too large", format!("{name} has {} bytes; {MAX_BYTES} is the limit.", text.len()));
        return (choices, diagnostics);
    }
    let file: ReadFile = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let position = Position { line: error.line(), column: error.column(), byte: 0 };
            let span = Span { file: name.into(), start: position, end: position };
            let diagnostic =
                Diagnostic::error("mapping-file", "The mapping file cannot be read", format!("{error}.")).at_span(span);
            return (choices, vec![diagnostic]);
        }
    };
    if file.schema != SCHEMA {
        fail("Not a mapping file", format!("{name} has the schema {:?}; this driftmgr reads {SCHEMA}.", file.schema));
        return (choices, diagnostics);
    }
    for entry in file.objects {
        let choice = if entry.skip {
            Choice::Skip(entry.reason.unwrap_or_default())
        } else {
            let Some(address) = entry.address else {
                fail("An object has no address", format!("{} must have an `address`, or `skip`.", entry.id));
                continue;
            };
            match address.parse::<InstanceAddress>() {
                Ok(address) => Choice::Import(address),
                Err(error) => {
                    fail("Not an address", format!("The entry of {} has an {error}.", entry.id));
                    continue;
                }
            }
        };
        let key = AdoptionKey {
            resource_type: entry.resource_type.into(),
            id: entry.id.into(),
            account: entry.account.map(Into::into),
            region: entry.region.map(Into::into),
        };
        if choices.contains_key(&key) {
            fail(
                "An object is named twice",
                format!("{} {} has several entries in {name}.", key.resource_type, key.id),
            );
            continue;
        }
        choices.insert(key, choice);
    }
    (choices, diagnostics)
}
