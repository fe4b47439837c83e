//! Text with placeholders: import ids, ARNs, paths and parameters.

use std::fmt;

use serde_json::Value;

use super::pointer::Pointer;

/// Where an object was found; the scope part of what templates may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeValues {
    /// Account the caller belongs to.
    pub account: String,
    /// Region that was asked; the partition's global region for global types.
    pub region: String,
    /// Partition of the region, for example `aws-cn`.
    pub partition: String,
    /// DNS suffix of the partition, for example `amazonaws.com`.
    pub dns_suffix: String,
}

/// Everything a template, mapping or condition may look at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The native object, details merged in; null while listing without a parent.
    pub object: &'a Value,
    /// The native parent object, for types that have one.
    pub parent: Option<&'a Value>,
    /// Where the object was asked for.
    pub scope: &'a ScopeValues,
}

/// Text with placeholders such as `{/VpcId}`, `{parent/RoleName}` or `{account}`.
///
/// A placeholder names `account`, `region`, `partition`, `dns_suffix`, a pointer into the object (`{/a/b}`)
/// or a pointer into the parent (`{parent/a/b}`), then filters: `{/Path|tail:/}`. `{/State|must:on}` stands for nothing,
/// and keeps the template from having a value where the state is another. `{{` and `}}` stand for braces.
/// Nothing in a template runs code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Placeholder { root: Root, filters: Vec<Filter>, text: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Root {
    Account,
    Region,
    Partition,
    DnsSuffix,
    Object(Pointer),
    Parent(Pointer),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Filter {
    /// Percent-encodes everything but unreserved characters.
    UrlEncode,
    /// As `UrlEncode`, but keeps `/`.
    UrlPath,
    /// Keeps what follows the last occurrence of the text.
    Tail(String),
    /// Keeps what precedes the first occurrence of the text.
    Head(String),
    /// Lower case.
    Lower,
    /// Stands for nothing where the value is absent, empty or this text; else the template has no value.
    Must(String),
}

/// A placeholder found nothing to stand for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{{{placeholder}}}` of the template `{template}` has no value in this object")]
pub struct MissingValue {
    /// The whole template.
    pub template: String,
    /// The placeholder, without its braces.
    pub placeholder: String,
}

impl Template {
    /// Parses a template; the error is a sentence about what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(position) = rest.find(['{', '}']) {
            literal.push_str(&rest[..position]);
            let brace = &rest[position..=position];
            let after = &rest[position + 1..];
            if after.starts_with(brace) {
                literal.push_str(brace);
                rest = &after[1..];
            } else if brace == "}" {
                return Err(format!("the template `{text}` has a `}}` without `{{`; write `}}}}` for a brace"));
            } else {
                let Some(end) = after.find('}') else {
                    return Err(format!("the template `{text}` has a `{{` without `}}`; write `{{{{` for a brace"));
                };
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(parse_placeholder(&after[..end]).map_err(|why| format!("{why} in the template `{text}`"))?);
                rest = &after[end + 1..];
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Fills the placeholders in.
    pub fn render(&self, subject: &Subject<'_>) -> Result<String, MissingValue> {
        let mut rendered = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => rendered.push_str(text),
                Part::Placeholder { root, filters, text } => {
                    let missing = || MissingValue { template: self.text.clone(), placeholder: text.clone() };
                    let value = root.value(subject);
                    if let [Filter::Must(expected)] = filters.as_slice() {
                        if value.is_none_or(|value| value.is_empty() || value == *expected) {
                            continue;
                        }
                        return Err(missing());
                    }
                    let value = value.ok_or_else(missing)?;
                    rendered.push_str(&filters.iter().fold(value, |value, filter| filter.apply(&value)));
                }
            }
        }
        Ok(rendered)
    }

    /// Returns true when the text depends on a parent object.
    pub fn needs_parent(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Placeholder { root: Root::Parent(_), .. }))
    }

    /// Returns the pointers into the object, to know which details the text depends on.
    pub(crate) fn object_pointers(&self) -> impl Iterator<Item = &Pointer> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder { root: Root::Object(pointer), .. } => Some(pointer),
            _ => None,
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Root {
    fn value(&self, subject: &Subject<'_>) -> Option<String> {
        match self {
            Self::Account => Some(subject.scope.account.clone()),
            Self::Region => Some(subject.scope.region.clone()),
            Self::Partition => Some(subject.scope.partition.clone()),
            Self::DnsSuffix => Some(subject.scope.dns_suffix.clone()),
            Self::Object(pointer) => pointer.first(subject.object).and_then(scalar_text),
            Self::Parent(pointer) => pointer.first(subject.parent?).and_then(scalar_text),
        }
    }
}

impl Filter {
    fn apply(&self, value: &str) -> String {
        match self {
            Self::UrlEncode => url_encode(value, b""),
            Self::UrlPath => url_encode(value, b"/"),
            Self::Tail(separator) => value.rsplit_once(separator.as_str()).map_or(value, |(_, tail)| tail).to_owned(),
            Self::Head(separator) => value.split_once(separator.as_str()).map_or(value, |(head, _)| head).to_owned(),
            Self::Lower => value.to_lowercase(),
            Self::Must(_) => value.to_owned(),
        }
    }
}

/// Returns the text of a string, number or boolean.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn url_encode(text: &str, keep: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn parse_placeholder(text: &str) -> Result<Part, String> {
    let mut pieces = text.split('|');
    let name = pieces.next().unwrap_or_default().trim();
    let root = match name {
        "account" => Root::Account,
        "region" => Root::Region,
        "partition" => Root::Partition,
        "dns_suffix" => Root::DnsSuffix,
        _ if name.starts_with('/') => Root::Object(Pointer::parse(name)?),
        _ if name.starts_with("parent/") => Root::Parent(Pointer::parse(&name["parent".len()..])?),
        _ => {
            return Err(format!(
                "`{{{name}}}` is no placeholder: use account, region, partition, dns_suffix, /pointer or parent/pointer"
            ));
        }
    };
    let filters = pieces
        .map(|filter| match filter.split_once(':') {
            None if filter == "urlencode" => Ok(Filter::UrlEncode),
            None if filter == "urlpath" => Ok(Filter::UrlPath),
            None if filter == "lower" => Ok(Filter::Lower),
            Some(("tail", separator)) if !separator.is_empty() => Ok(Filter::Tail(separator.to_owned())),
            Some(("head", separator)) if !separator.is_empty() => Ok(Filter::Head(separator.to_owned())),
            Some(("must", expected)) => Ok(Filter::Must(expected.to_owned())),
            _ => Err(format!(
                "`{filter}` is no filter: use urlencode, urlpath, lower, tail:TEXT, head:TEXT or must:TEXT"
            )),
        })
        .collect::<Result<Vec<_>, _>>()?;
    if filters.len() > 1 && filters.iter().any(|filter| matches!(filter, Filter::Must(_))) {
        return Err("`must` goes with no other filter".to_owned());
    }
    Ok(Part::Placeholder { root, filters, text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(template: &str, expect: &str) {
        let object = json!({"Name": "a/b c", "Arn": "arn:aws:x:::role/path/n", "Count": 3, "Empty": null});
        let parent = json!({"Role": "r"});
        let scope = ScopeValues {
            account: "123456789012".into(),
            region: "eu-west-1".into(),
            partition: "aws".into(),
            dns_suffix: "amazonaws.com".into(),
        };
        let subject = Subject { object: &object, parent: Some(&parent), scope: &scope };
        let rendered = Template::parse(template)
            .map_err(|error| error.clone())
            .and_then(|template| template.render(&subject).map_err(|missing| missing.to_string()));
        assert_eq!(rendered.unwrap_or_else(|error| error), expect, "{template}");
    }

    #[test]
    fn placeholders_filters_and_braces() {
        check("arn:{partition}:s3:::{/Name}", "arn:aws:s3:::a/b c");
        check("{parent/Role}:{/Arn|tail:/}", "r:n");
        check("{/Name|urlencode}", "a%2Fb%20c");
        check("{/Name|urlpath}?{/Count}", "a/b%20c?3");
        check("{/Name|head:/}", "a");
        check("{{{account}}}", "{123456789012}");
        check("x{/Empty|must:}{/Count|must:3}{/Absent|must:y}", "x");
        check("x{/Count|must:4}", "`{/Count|must:4}` of the template `x{/Count|must:4}` has no value in this object");
        check("{/Name|must:a|lower}", "`must` goes with no other filter in the template `{/Name|must:a|lower}`");
        check("{/Empty}", "`{/Empty}` of the template `{/Empty}` has no value in this object");
        check("{", "the template `{` has a `{` without `}`; write `{{` for a brace");
        check("}", "the template `}` has a `}` without `{`; write `}}` for a brace");
        check(
            "{env.HOME}",
            "`{env.HOME}` is no placeholder: use account, region, partition, dns_suffix, /pointer or parent/pointer in \
             the template `{env.HOME}`",
        );
        check(
            "{/Name|exec}",
            "`exec` is no filter: use urlencode, urlpath, lower, tail:TEXT, head:TEXT or must:TEXT in the template \
             `{/Name|exec}`",
        );
    }
}
