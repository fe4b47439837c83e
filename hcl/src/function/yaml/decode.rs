//! `yamldecode`: the events of a parser become values by the rules of the programs.

use std::collections::BTreeMap;

use cty::convert::convert;
use cty::{Type, Value};
use granit_parser::{Event, Options, Parser, ScalarStyle, Tag};

use super::super::{Computed, Failure};
use super::resolve::{Style, resolve};

const MAX_DEPTH: usize = 64;
const MAX_NODES: usize = 200_000;

pub(super) fn decode(text: &str) -> Computed {
    if let Some(reason) = strange(text) {
        return Err(Failure::Unable(reason.to_owned()));
    }
    let mut reader = Reader {
        events: Parser::new_from_str_with_options(text, Options::default()),
        anchors: BTreeMap::new(),
        n_nodes: 0,
    };
    let nothing = || Failure::from("The text holds no YAML document.");
    loop {
        match reader.next()?.ok_or_else(nothing)? {
            Event::StreamStart => {}
            Event::DocumentStart(_, Some(version)) if (version.major, version.minor) != (1, 1) => {
                return Err(Failure::from("The YAML is of a version that the programs do not read."));
            }
            Event::DocumentStart(..) => break,
            _ => return Err(nothing()),
        }
    }
    let first = reader.next()?.ok_or_else(nothing)?;
    let value = reader.node(first, 0)?;
    loop {
        match reader.next()? {
            None | Some(Event::StreamEnd) => return Ok(value),
            Some(Event::DocumentEnd) => {}
            Some(_) => return Err(Failure::from("The text holds more than one YAML document.")),
        }
    }
}

struct Reader<'t> {
    events: Parser<'t, granit_parser::StrInput<'t>>,
    /// Values by the numbers of their anchors; without one while it is being read.
    anchors: BTreeMap<usize, Option<Value>>,
    n_nodes: usize,
}

/// Says what in a text the parser of the programs, which is one of YAML 1.1, may take in another way.
fn strange(text: &str) -> Option<&'static str> {
    let is_strange = |c: char| match c {
        '\t' | '\n' | '\r' => false,
        '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => true,
        c => c.is_control(),
    };
    if text.chars().any(is_strange) {
        return Some("the YAML holds characters that control how it is shown");
    }
    text.lines().any(|line| line.starts_with('\t')).then_some("a line of the YAML begins with a tab")
}

impl<'t> Reader<'t> {
    /// Gives the next event that is no comment.
    fn next(&mut self) -> Result<Option<Event<'t>>, Failure> {
        loop {
            match self.events.next() {
                None => return Ok(None),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, _))) => return Ok(Some(event)),
                Some(Err(error)) => {
                    let line = error.marker().line();
                    // On these all parsers agree, on others not.
                    let message = error.to_string();
                    let plain = ["unclosed ", "mapping values are not allowed", "found unknown", "block collection"];
                    if plain.iter().any(|part| message.contains(part)) {
                        return Err(Failure::Wrong(format!("Line {line} of the text is no YAML that can be read.")));
                    }
                    return Err(Failure::Unable(format!("line {line} of the YAML is not one that driftmgr can read")));
                }
            }
        }
    }

    fn more(&mut self) -> Result<Event<'t>, Failure> {
        self.next()?.ok_or_else(|| Failure::from("The YAML ends too early."))
    }

    fn count(&mut self, n_more: usize) -> Result<(), Failure> {
        self.n_nodes += n_more;
        if self.n_nodes > MAX_NODES {
            return Err(Failure::Unable(format!("the YAML has more than {MAX_NODES} values")));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'t>, depth: usize) -> Computed {
        if depth > MAX_DEPTH {
            return Err(Failure::Unable(format!("the YAML nests deeper than {MAX_DEPTH} levels")));
        }
        self.count(1)?;
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_tagged = tag.is_some();
                let value = resolve(&tag_text(tag.as_deref()), &text, style_of(style))?;
                // The type of what stands in quotes or in a block is settled before its value: it is text.
                let is_text = !is_tagged && style != ScalarStyle::Plain;
                (anchor, if is_text { convert(&value, &Type::String)? } else { value })
            }
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).and_then(Option::as_ref).cloned();
                let value = value.ok_or("An alias refers to what it is a part of.")?;
                self.count(n_values(&value))?;
                return Ok(value);
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "tag:yaml.org,2002:seq")?;
                self.anchors.insert(anchor, None);
                let mut elements = Vec::new();
                loop {
                    match self.more()? {
                        Event::SequenceEnd => break,
                        event => elements.push(self.node(event, depth + 1)?),
                    }
                }
                (anchor, Value::tuple(elements))
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "tag:yaml.org,2002:map")?;
                self.anchors.insert(anchor, None);
                (anchor, self.mapping(depth)?)
            }
            _ => return Err(Failure::from("A value is missing in the YAML.")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, Some(value.clone()));
        }
        Ok(value)
    }

    fn mapping(&mut self, depth: usize) -> Computed {
        let mut attributes = BTreeMap::new();
        loop {
            let (text, style, anchor, tag) = match self.more()? {
                Event::MappingEnd => return Ok(Value::object(attributes)),
                Event::Scalar(text, style, anchor, tag) => (text, style, anchor, tag_text(tag.as_deref())),
                _ => return Err(Failure::from("A key of the YAML is no text.")),
            };
            self.count(1)?;
            if tag.is_empty() && text == "<<" || tag == "tag:yaml.org,2002:merge" {
                let event = self.more()?;
                let merged = self.node(event, depth + 1)?;
                let parts: Vec<Value> = match merged.ty() {
                    Type::Tuple(_) => merged.elements().cloned().collect(),
                    _ => vec![merged],
                };
                for part in parts {
                    if part.ty().as_object().is_none() || part.is_null() {
                        return Err(Failure::from("Only mappings can be merged into a mapping."));
                    }
                    attributes.extend(part.entries().map(|(name, value)| (name.to_owned(), value.clone())));
                }
                continue;
            }
            if anchor > 0 {
                // The programs do not remember these.
                return Err(Failure::Unable("a key of the YAML has an anchor".to_owned()));
            }
            let key = convert(&resolve(&tag, &text, style_of(style))?, &Type::String)?;
            let key = key.as_str().ok_or("A key of the YAML is null.")?.to_owned();
            let event = self.more()?;
            let value = self.node(event, depth + 1)?;
            attributes.insert(key, value);
        }
    }
}

fn n_values(value: &Value) -> usize {
    let mut n_values = 0;
    cty::walk(value, |_, _| {
        n_values += 1;
        true
    });
    n_values
}

fn tag_text(tag: Option<&Tag>) -> String {
    tag.map_or_else(String::new, |tag| format!("{}{}", tag.handle(), tag.suffix()))
}

fn check_tag(tag: Option<&Tag>, expected: &str) -> Result<(), Failure> {
    let tag = tag_text(tag);
    if tag.is_empty() || tag == expected {
        return Ok(());
    }
    Err(Failure::Wrong(format!("The YAML has a tag that does not fit what it stands before: {tag:?}.")))
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
        _ => Style::Bare,
    }
}
