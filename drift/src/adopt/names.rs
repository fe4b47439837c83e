//! What adopted objects are called: a pattern of placeholders, and identifiers made of any text.

use std::fmt;
use std::str::FromStr;

use model::{AccountId, Finding, ImportId, Region, ResourceType};

/// Longest name that is made of an object's own, in characters.
const MAX_NAME: usize = 64;
/// Longest pattern that is read, in bytes.
const MAX_PATTERN: usize = 256;
/// Words that mean something else to a reader, or to the language, where a name could stand.
const RESERVED: &[&str] = &[
    "count",
    "data",
    "each",
    "false",
    "for",
    "if",
    "in",
    "local",
    "module",
    "null",
    "path",
    "self",
    "terraform",
    "true",
    "var",
];

/// Says how the names of adopted objects are made: text with placeholders, `{name}` where nothing is said.
///
/// `{name}` is what people call the object: its `Name` tag, else its name, else its import id. The others are
/// `{id}`, `{type}` (without the provider's word), `{service}` (the word behind the provider's), `{region}`,
/// `{account}` and `{tag:KEY}`. What an object does not have is left out; where nothing is left, `{name}` stands in.
///
/// ```
/// use drift::adopt::NamePattern;
/// let pattern: NamePattern = "{service}_{tag:team}_{name}".parse()?;
/// assert_eq!(pattern.to_string(), "{service}_{tag:team}_{name}");
/// # Ok::<(), drift::adopt::ParseNamePatternError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Name,
    Service,
    Type,
    Region,
    Account,
    Id,
    Tag(String),
}

/// Tells why a text is no pattern of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseNamePatternError {
    /// The whole text.
    pub input: String,
    /// What is wrong, as a clause.
    pub reason: String,
}

impl fmt::Display for ParseNamePatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid pattern of names {:?}: {}", self.input, self.reason)
    }
}

impl std::error::Error for ParseNamePatternError {}

impl Default for NamePattern {
    fn default() -> Self {
        Self(vec![Part::Name])
    }
}

impl FromStr for NamePattern {
    type Err = ParseNamePatternError;

    fn from_str(input: &str) -> Result<Self, Self::Err> {
        let fail = |reason: String| Err(ParseNamePatternError { input: input.to_owned(), reason });
        if input.len() > MAX_PATTERN {
            return fail(format!("it has more than {MAX_PATTERN} bytes"));
        }
        let mut parts = Vec::new();
        let mut rest = input;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('{') {
                let Some((word, after)) = inner.split_once('}') else {
                    return fail("a placeholder does not close; write it as in {name}".to_owned());
                };
                rest = after;
                parts.push(match word {
                    "name" => Part::Name,
                    "service" => Part::Service,
                    "type" => Part::Type,
                    "region" => Part::Region,
                    "account" => Part::Account,
                    "id" => Part::Id,
                    _ => match word.strip_prefix("tag:") {
                        Some("") => return fail("the placeholder {tag:} names no tag".to_owned()),
                        Some(key) => Part::Tag(key.to_owned()),
                        None => {
                            return fail(format!(
                                "there is no placeholder {{{word}}}; there are {{name}}, {{service}}, {{type}}, \
                                 {{region}}, {{account}}, {{id}} and {{tag:KEY}}"
                            ));
                        }
                    },
                });
            } else {
                let end = rest.find('{').unwrap_or(rest.len());
                let text = &rest[..end];
                if let Some(c) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !"_-".contains(*c)) {
                    return fail(format!("{c:?} cannot stand in a name; letters, digits, _ and - can"));
                }
                parts.push(Part::Text(text.to_owned()));
                rest = &rest[end..];
            }
        }
        if parts.iter().all(|part| matches!(part, Part::Text(_))) {
            return fail("it has no placeholder, so every object would have the same name".to_owned());
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Name => f.write_str("{name}"),
            Part::Service => f.write_str("{service}"),
            Part::Type => f.write_str("{type}"),
            Part::Region => f.write_str("{region}"),
            Part::Account => f.write_str("{account}"),
            Part::Id => f.write_str("{id}"),
            Part::Tag(key) => write!(f, "{{tag:{key}}}"),
        })
    }
}

impl NamePattern {
    /// Gives the name of an object; empty where nothing about it can be written as one.
    pub(super) fn name(&self, finding: &Finding, resource_type: &ResourceType, id: &ImportId) -> String {
        let called = || {
            let shown = finding.name.as_deref().map(|name| without_id(name, id.as_str()));
            let names = [finding.tags.get("Name").map(String::as_str), shown];
            let named = names.into_iter().flatten().map(identifier).find(|name| !name.is_empty());
            named.unwrap_or_else(|| identifier(last_segment(id.as_str())))
        };
        let mut text = String::new();
        let mut is_own = false;
        for part in &self.0 {
            let value = match part {
                Part::Text(text) => text.clone(),
                Part::Name => called(),
                Part::Service => service(resource_type).to_owned(),
                Part::Type => local_type(resource_type).to_owned(),
                Part::Region => finding.region.as_ref().map(Region::as_str).unwrap_or_default().to_owned(),
                Part::Account => finding.account.as_ref().map(AccountId::as_str).unwrap_or_default().to_owned(),
                Part::Id => identifier(last_segment(id.as_str())),
                Part::Tag(key) => finding.tags.get(key).map(|value| identifier(value)).unwrap_or_default(),
            };
            is_own |= !matches!(part, Part::Text(_)) && !value.is_empty();
            // What is left out leaves no two separators behind.
            let is_doubled = text.is_empty() || text.ends_with(['_', '-']);
            text.push_str(if is_doubled { value.trim_start_matches(['_', '-']) } else { &value });
        }
        let mut name = if is_own { text } else { called() };
        name.truncate(MAX_NAME);
        let name = name.trim_matches(['_', '-']);
        match name.chars().next() {
            Some(first) if !first.is_ascii_alphabetic() => format!("r_{name}"),
            _ if RESERVED.contains(&name) => format!("r_{name}"),
            _ => name.to_owned(),
        }
    }
}

/// Gives the word behind the provider's in a type's name: `sqs` of `aws_sqs_queue`; the whole where there is no other.
pub(super) fn service(resource_type: &ResourceType) -> &str {
    local_type(resource_type).split('_').next().unwrap_or_default()
}

/// Gives a type's name without the provider's word.
pub(super) fn local_type(resource_type: &ResourceType) -> &str {
    let whole = resource_type.as_str();
    whole.split_once('_').map_or(whole, |(_, local)| local)
}

/// Gives what a provider's list calls an object without the id that stands behind it in parentheses.
fn without_id<'a>(name: &'a str, id: &str) -> &'a str {
    let inner = name.trim_end().strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    match inner {
        Some((stem, inner)) if inner == id => stem,
        _ => name,
    }
}

/// Gives the last part of a URL, an ARN or a cloud's path that is not made by a machine, and anything else as it is.
fn last_segment(id: &str) -> &str {
    let is_path = id.contains("://") || id.starts_with("arn:") || id.starts_with('/') || id.starts_with("projects/");
    if !is_path {
        return id;
    }
    let is_made = |segment: &&str| {
        segment.len() >= 8
            && segment.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
            && segment.contains(|c: char| c.is_ascii_digit())
    };
    // Of an ARN the first five parts say where the object is, not which.
    let own = if id.starts_with("arn:") { id.splitn(6, ':').nth(5).unwrap_or(id) } else { id };
    let segments = || own.rsplit(['/', ':']).filter(|segment| segment.contains(char::is_alphanumeric));
    // The first word of several says what kind of object it is.
    let n_names = segments().count().saturating_sub(1).max(1);
    let name = segments().take(n_names).find(|segment| !is_made(segment));
    name.or_else(|| segments().next()).unwrap_or(id)
}

/// Makes a part of an identifier of a text: lower-case ASCII letters, digits and `_`; empty where none is left.
pub(super) fn identifier(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        match latin(c) {
            Some(letters) => name.push_str(letters),
            None if c.is_ascii_alphanumeric() => name.push(c.to_ascii_lowercase()),
            // Accents that stand behind their letter.
            None if ('\u{300}'..='\u{36f}').contains(&c) => {}
            None if !name.ends_with('_') && !name.is_empty() => name.push('_'),
            None => {}
        }
        if name.len() >= MAX_NAME {
            break;
        }
    }
    name.trim_end_matches('_').to_owned()
}

/// Gives the plain letters of a Latin letter with an accent, and of ligatures.
fn latin(c: char) -> Option<&'static str> {
    Some(match c {
        'à'..='å' | 'À'..='Å' | 'ā' | 'Ā' | 'ă' | 'Ă' | 'ą' | 'Ą' => "a",
        'æ' | 'Æ' => "ae",
        'ç' | 'Ç' | 'ć' | 'Ć' | 'č' | 'Č' => "c",
        'ď' | 'Ď' | 'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'è'..='ë' | 'È'..='Ë' | 'ē' | 'Ē' | 'ė' | 'Ė' | 'ę' | 'Ę' | 'ě' | 'Ě' => "e",
        'ğ' | 'Ğ' | 'ģ' | 'Ģ' => "g",
        'ì'..='ï' | 'Ì'..='Ï' | 'ī' | 'Ī' | 'į' | 'Į' | 'ı' | 'İ' => "i",
        'ł' | 'Ł' | 'ľ' | 'Ľ' | 'ļ' | 'Ļ' => "l",
        'ñ' | 'Ñ' | 'ń' | 'Ń' | 'ň' | 'Ň' | 'ņ' | 'Ņ' => "n",
        'ò'..='ö' | 'Ò'..='Ö' | 'ø' | 'Ø' | 'ō' | 'Ō' | 'ő' | 'Ő' => "o",
        'œ' | 'Œ' => "oe",
        'ř' | 'Ř' => "r",
        'ś' | 'Ś' | 'š' | 'Š' | 'ş' | 'Ş' | 'ș' | 'Ș' => "s",
        'ß' | 'ẞ' => "ss",
        'ť' | 'Ť' | 'ţ' | 'Ţ' | 'ț' | 'Ț' => "t",
        'þ' | 'Þ' => "th",
        'ù'..='ü' | 'Ù'..='Ü' | 'ū' | 'Ū' | 'ů' | 'Ů' | 'ű' | 'Ű' | 'ų' | 'Ų' => "u",
        'ý' | 'Ý' | 'ÿ' | 'Ÿ' => "y",
        'ź' | 'Ź' | 'ż' | 'Ż' | 'ž' | 'Ž' => "z",
        _ => return None,
    })
}
