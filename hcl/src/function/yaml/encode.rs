//! `yamlencode`: text is in double quotes, or a literal block where it has several lines.
//!
//! Lines break where libyaml's emitter breaks them, which the programs write YAML with.

use cty::{Notation, Value};

use super::super::{Call, Computed, Failure};
use crate::evaluate::MAX_TEXT;

/// Behind which column a line may break at a blank.
const WIDTH: usize = 80;
/// How long a key may be, in bytes, to stand before a colon without a question mark.
const MAX_SIMPLE_KEY: usize = 128;

pub(super) fn encode(call: &Call<'_>) -> Computed {
    let value = &call.arguments[0];
    if !value.is_wholly_known() {
        return Ok(call.unknown());
    }
    let mut emitter = Emitter { out: String::new(), column: 0, indent: None, is_blank: true, is_indented: true };
    emitter.node(value, Place::Root)?;
    emitter.new_line();
    if is_plain(value) {
        // A plain scalar might go on, so that its end is marked.
        emitter.indicator("...", true, false, false);
        emitter.new_line();
    }
    Ok(Value::string(emitter.out))
}

fn is_plain(value: &Value) -> bool {
    value.is_null() || value.as_number().is_some() || value.as_bool().is_some()
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Element,
    Key,
    /// The value of a key, or a key behind a question mark.
    Entry,
}

struct Emitter {
    out: String,
    column: usize,
    indent: Option<usize>,
    /// Whether what was written last is a blank, or nothing.
    is_blank: bool,
    /// Whether the line has nothing but indentation and indicators so far.
    is_indented: bool,
}

impl Emitter {
    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    /// Begins a line with the indentation, unless that is where it is.
    fn new_line(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.is_indented || self.column > indent || self.column == indent && !self.is_blank {
            self.line_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.is_blank = true;
        self.is_indented = true;
    }

    fn indicator(&mut self, text: &str, needs_blank: bool, is_blank: bool, is_indented: bool) {
        if needs_blank && !self.is_blank {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.is_blank = is_blank;
        self.is_indented &= is_indented;
    }

    fn node(&mut self, value: &Value, place: Place) -> Result<(), Failure> {
        if self.out.len() > MAX_TEXT {
            return Err(super::super::text::too_long());
        }
        let outer = self.indent;
        if value.is_null() {
            self.plain("null");
        } else if let Some(text) = value.as_str() {
            self.indent = Some(outer.map_or(2, |indent| indent + 2));
            self.text(text, place)?;
        } else if let Some(number) = value.as_number() {
            self.plain(&number.to_text(Notation::Plain, None));
        } else if let Some(truth) = value.as_bool() {
            self.plain(if truth { "true" } else { "false" });
        } else if matches!(value.ty(), cty::Type::Map(_) | cty::Type::Object(_)) {
            self.mapping(value)?;
        } else {
            self.sequence(value, place)?;
        }
        self.indent = outer;
        Ok(())
    }

    fn plain(&mut self, text: &str) {
        self.indicator(text, true, false, false);
    }

    fn sequence(&mut self, value: &Value, place: Place) -> Result<(), Failure> {
        if value.is_empty() {
            self.indicator("[", true, true, false);
            self.indicator("]", false, false, false);
            return Ok(());
        }
        // In a mapping, the dashes stand below the key.
        self.indent = match self.indent {
            None => Some(0),
            Some(indent) if place == Place::Entry && !self.is_indented => Some(indent),
            Some(indent) => Some(indent + 2),
        };
        for element in value.elements() {
            self.new_line();
            self.indicator("-", true, false, true);
            self.node(element, Place::Element)?;
        }
        Ok(())
    }

    fn mapping(&mut self, value: &Value) -> Result<(), Failure> {
        if value.is_empty() {
            self.indicator("{", true, true, false);
            self.indicator("}", false, false, false);
            return Ok(());
        }
        self.indent = Some(self.indent.map_or(0, |indent| indent + 2));
        for (key, element) in value.entries() {
            self.new_line();
            if Analysis::of(key).has_lines || key.len() > MAX_SIMPLE_KEY {
                self.indicator("?", true, false, true);
                self.node(&Value::string(key), Place::Entry)?;
                self.new_line();
                self.indicator(":", true, false, true);
            } else {
                self.node(&Value::string(key), Place::Key)?;
                self.indicator(":", false, false, false);
            }
            self.node(element, Place::Entry)?;
        }
        Ok(())
    }

    fn text(&mut self, text: &str, place: Place) -> Result<(), Failure> {
        if text.starts_with('\u{feff}') {
            return Err(Failure::Unable("a text begins with a byte order mark".to_owned()));
        }
        if text.contains('\n') && place != Place::Key && Analysis::of(text).may_be_block {
            self.literal(text);
        } else {
            self.quoted(text, place != Place::Key);
        }
        Ok(())
    }

    fn quoted(&mut self, text: &str, may_break: bool) {
        self.indicator("\"", true, false, false);
        let mut was_blank = false;
        let n_bytes = text.len();
        for (at, c) in text.char_indices() {
            if !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                self.put('\\');
                self.escape(c);
                was_blank = false;
            } else if c == ' ' {
                if may_break && !was_blank && self.column > WIDTH && at > 0 && at + 1 < n_bytes {
                    self.new_line();
                    if text[at + 1..].starts_with(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                was_blank = true;
            } else {
                self.put(c);
                was_blank = false;
            }
        }
        self.indicator("\"", false, false, false);
        self.is_blank = false;
        self.is_indented = false;
    }

    fn escape(&mut self, c: char) {
        let short = match c {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{a0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            c => {
                let code = u32::from(c);
                let text = match code {
                    0..=0xff => format!("x{code:02X}"),
                    0x100..=0xffff => format!("u{code:04X}"),
                    _ => format!("U{code:08X}"),
                };
                text.chars().for_each(|c| self.put(c));
                return;
            }
        };
        self.put(short);
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator("2", false, false, false);
        }
        let mut last = text.chars().rev();
        match (last.next().is_some_and(is_break), last.next()) {
            (false, _) => self.indicator("-", false, false, false),
            (true, None) => self.indicator("+", false, false, false),
            (true, Some(before)) if is_break(before) => self.indicator("+", false, false, false),
            _ => {}
        }
        self.line_break();
        self.is_indented = true;
        self.is_blank = true;
        let mut is_start = true;
        for c in text.chars() {
            if is_break(c) {
                self.out.push(c);
                self.column = 0;
                self.is_indented = true;
                is_start = true;
            } else {
                if is_start {
                    self.new_line();
                }
                self.put(c);
                self.is_indented = false;
                is_start = false;
            }
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Tells whether libyaml writes a character as it is.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// What decides in which form a text can be written.
struct Analysis {
    has_lines: bool,
    may_be_block: bool,
}

impl Analysis {
    fn of(text: &str) -> Self {
        let is_special = text.chars().any(|c| !is_printable(c));
        let has_blank_before_break = text.chars().zip(text.chars().skip(1)).any(|(a, b)| a == ' ' && is_break(b));
        let may_be_block = !text.is_empty() && !text.ends_with(' ') && !is_special && !has_blank_before_break;
        Self { has_lines: text.chars().any(is_break), may_be_block }
    }
}
