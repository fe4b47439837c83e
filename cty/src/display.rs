//! How values read in messages. What is marked sensitive is never shown.

use std::fmt;

use crate::types::Type;
use crate::value::{Repr, Value};

/// Writes the value as Terraform configuration would: `{name = "x", tags = null}`, `(known after apply)`,
/// `(sensitive)`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_sensitive() {
            return f.write_str("(sensitive)");
        }
        match self.repr() {
            Repr::Null => f.write_str("null"),
            Repr::Unknown(_) => f.write_str("(known after apply)"),
            Repr::Bool(value) => write!(f, "{value}"),
            Repr::Number(number) => write!(f, "{number}"),
            Repr::String(text) => write_quoted(text, f),
            Repr::Sequence(_) | Repr::Map(_) => {
                let (open, close) = if self.ty().has_names() { ("{", "}") } else { ("[", "]") };
                f.write_str(open)?;
                let mut separator = "";
                for element in self.elements() {
                    write!(f, "{separator}{element}")?;
                    separator = ", ";
                }
                for (name, element) in self.entries() {
                    f.write_str(separator)?;
                    if is_identifier(name) {
                        f.write_str(name)?;
                    } else {
                        write_quoted(name, f)?;
                    }
                    write!(f, " = {element}")?;
                    separator = ", ";
                }
                f.write_str(close)
            }
        }
    }
}

/// Writes the value with its type.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} as {}", self.ty())?;
        match self.refinements() {
            Some(refinements) if !self.is_sensitive() => write!(f, " where {refinements:?}"),
            _ => Ok(()),
        }
    }
}

impl Type {
    fn has_names(&self) -> bool {
        matches!(self, Type::Map(_) | Type::Object(_))
    }
}

/// Tells whether HCL takes the name without quotes.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|character| character.is_alphanumeric() || character == '_' || character == '-')
}

fn write_quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '$' | '%' if characters.peek() == Some(&'{') => write!(f, "{character}{character}")?,
            control if control.is_control() => write!(f, "\\u{:04x}", control as u32)?,
            plain => write!(f, "{plain}")?,
        }
    }
    f.write_str("\"")
}
