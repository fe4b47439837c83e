//! Reading the members of one JSON object while leaving their values as they are written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Says what is wrong with a piece of a snapshot, as a clause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Flaw(pub(crate) String);

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The members of an object that have not been taken yet.
pub(crate) struct Members<'a>(BTreeMap<Name<'a>, &'a RawValue>);

impl<'a> Members<'a> {
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self, Flaw> {
        let members: Option<_> = serde_json::from_slice(json).map_err(|error| syntax(&error))?;
        Ok(Self(members.unwrap_or_default()))
    }

    /// Takes a member's text; absent and null are both `None`.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<&'a str> {
        self.0.remove(&Name(Cow::Borrowed(name))).map(RawValue::get).filter(|text| *text != "null")
    }

    /// Looks at a member's text.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(&Name(Cow::Borrowed(name))).map(|value| value.get())
    }

    /// Takes a member of a known type.
    pub(crate) fn take_as<T: Deserialize<'a>>(&mut self, name: &'static str) -> Result<Option<T>, Flaw> {
        let Some(text) = self.take(name) else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|error| Flaw(format!("`{name}`: {}", syntax(&error))))
    }

    /// Gives what has not been taken, as it is written.
    pub(crate) fn into_rest(self) -> BTreeMap<String, String> {
        self.0.into_iter().map(|(name, value)| (name.0.into_owned(), value.get().to_owned())).collect()
    }
}

/// Says where JSON text is wrong without quoting it: it may hold secrets.
pub(crate) fn syntax(error: &serde_json::Error) -> Flaw {
    let what = match error.classify() {
        serde_json::error::Category::Syntax => "this is not well-formed JSON",
        serde_json::error::Category::Eof => "the text ends too early",
        serde_json::error::Category::Data => "this has not the type it should have",
        serde_json::error::Category::Io => "the text cannot be read",
    };
    Flaw(format!("{what} (line {}, column {} of this part)", error.line(), error.column()))
}
