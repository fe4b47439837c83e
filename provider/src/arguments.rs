//! Reading the arguments of a block.

use std::time::Duration;

use cty::{Path, Value};
use model::{Diagnostic, Diagnostics};

/// The arguments of one block. What is null, or unknown while a configuration is validated, is absent.
pub(crate) struct Arguments<'a>(&'a Value);

impl<'a> Arguments<'a> {
    pub(crate) fn new(block: &'a Value) -> Self {
        Self(block)
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        let (_, value) = self.0.entries().find(|(key, _)| *key == name)?;
        (!value.is_null() && value.is_known()).then_some(value)
    }

    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.0.entries().any(|(key, value)| key == name && !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let elements = self.get(name).into_iter().flat_map(Value::elements);
        elements.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).and_then(Value::as_bool)
    }

    /// Gives a whole number from 0 to `max`.
    pub(crate) fn number(&self, name: &str, max: u32) -> Result<Option<u32>, Diagnostics> {
        let Some(number) = self.get(name).and_then(Value::as_number) else { return Ok(None) };
        let whole = number.to_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| *number <= max);
        whole.map(Some).ok_or_else(|| {
            let detail = format!("The argument {name} takes a whole number from 0 to {max}.");
            vec![Diagnostic::error("invalid-argument", "Invalid number", detail).at_path(Path::new().attr(name))]
        })
    }

    /// Gives a span of time: `90s`, `15m`, `2h`, `1d`.
    pub(crate) fn duration(&self, name: &str) -> Result<Option<Duration>, Diagnostics> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse_duration(&text).map(Some).ok_or_else(|| {
            let detail = format!("The argument {name} takes a span of time such as 90s, 15m, 2h or 1d, not {text:?}.");
            vec![Diagnostic::error("invalid-argument", "Invalid span of time", detail).at_path(Path::new().attr(name))]
        })
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let seconds_each = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let seconds = number.checked_mul(seconds_each).filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_have_units() {
        assert_eq!(parse_duration("90s"), Some(Duration::from_secs(90)));
        assert_eq!(parse_duration("1d"), Some(Duration::from_secs(86_400)));
        for wrong in ["", "5", "0s", "-1s", "1w", "h", "99999999999999999999d", "1h30m"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}
