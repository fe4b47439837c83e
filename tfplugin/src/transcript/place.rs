//! Where values stand in a session, and which places may be shown.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind};

/// Says which strings a transcript holds in clear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mask {
    /// None.
    #[default]
    Everything,
    /// Those at the places that match and that the schema does not call sensitive.
    Allow {
        /// The places.
        attributes: Vec<PlacePattern>,
    },
}

/// Matches places of values in a session, and everything below them.
///
/// A place is a kind, a type and names of attributes and map keys, joined by dots; positions in lists and sets do not
/// count. The kinds: `provider` and `provider_meta` (without a type; each name has to be written out), `resource`,
/// `data`, `list`, `identity`, `import_id`, `display_name`, `private`, `function`. `*` stands for any characters within
/// one name.
///
/// ```
/// use tfplugin::transcript::PlacePattern;
/// for text in ["provider.region", "resource.aws_*.tags", "import_id.*", "identity.aws_instance.region"] {
///     assert_eq!(text.parse::<PlacePattern>()?.to_string(), text);
/// }
/// assert!("provider.*".parse::<PlacePattern>().is_err());
/// # Ok::<(), tfplugin::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacePattern(Vec<String>);

impl FromStr for PlacePattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| {
            let detail = format!("{text:?} is no pattern of a place in a transcript: {reason}.");
            Err(Error::new(ErrorKind::Malformed, "transcript", detail))
        };
        let segments: Vec<String> = text.split('.').map(str::to_owned).collect();
        let [kind, name, ..] = segments.as_slice() else {
            return refuse("it needs a kind and a name, as in resource.aws_instance");
        };
        if Kind::ALL.iter().all(|known| known.word() != kind) {
            let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
            return refuse(&format!("it begins with none of {}", words.join(", ")));
        }
        if segments.iter().any(String::is_empty) {
            return refuse("one of its names is empty");
        }
        if kind.starts_with("provider") && name.contains('*') {
            return refuse("the names of a provider's configuration are to be written out");
        }
        Ok(Self(segments))
    }
}

impl fmt::Display for PlacePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl PlacePattern {
    pub(super) fn matches(&self, place: &[String]) -> bool {
        self.0.len() <= place.len() && self.0.iter().zip(place).all(|(pattern, name)| glob(pattern, name))
    }
}

/// Tells whether a name matches a pattern in which `*` stands for any characters.
fn glob(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let end = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(found) = name.find(piece) else { return false };
        name = &name[found + piece.len()..];
    }
    name.ends_with(end)
}

/// The kinds of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Provider,
    ProviderMeta,
    Resource,
    Data,
    List,
    Identity,
    ImportId,
    DisplayName,
    Private,
    Function,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Provider,
        Self::ProviderMeta,
        Self::Resource,
        Self::Data,
        Self::List,
        Self::Identity,
        Self::ImportId,
        Self::DisplayName,
        Self::Private,
        Self::Function,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::ProviderMeta => "provider_meta",
            Self::Resource => "resource",
            Self::Data => "data",
            Self::List => "list",
            Self::Identity => "identity",
            Self::ImportId => "import_id",
            Self::DisplayName => "display_name",
            Self::Private => "private",
            Self::Function => "function",
        }
    }
}

/// Where a value stands in a session.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) kind: Kind,
    /// The type; empty for the provider's own configuration.
    pub(super) name: String,
}

impl Place {
    pub(super) fn new(kind: Kind, name: &str) -> Self {
        Self { kind, name: name.to_owned() }
    }

    pub(super) fn segments(&self) -> Vec<String> {
        let name = (!self.name.is_empty()).then(|| self.name.clone());
        std::iter::once(self.kind.word().to_owned()).chain(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_characters_of_one_name() {
        for (pattern, name, expect) in [
            ("aws_*", "aws_instance", true),
            ("*", "", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("a*a", "a", false),
            ("name", "names", false),
        ] {
            assert_eq!(glob(pattern, name), expect, "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_that_would_show_too_much_is_refused() {
        for (text, expect) in [
            ("*", "needs a kind"),
            ("*.x", "begins with none of provider"),
            ("provider.*", "to be written out"),
            ("provider_meta.a*", "to be written out"),
            ("resource..tags", "is empty"),
        ] {
            let error = text.parse::<PlacePattern>().expect_err(text).to_string();
            assert!(error.contains(expect), "{error}");
        }
    }
}
