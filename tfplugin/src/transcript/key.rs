//! The secret from which placeholders are made.

use std::fmt;

use aws_lc_rs::hmac;
use cty::Number;

use crate::{Error, ErrorKind};

/// The least number that stands for a sensitive one; they are below 2^53, so every reader of JSON keeps them whole.
const FIRST_NUMBER: u64 = 9_000_000_000_000_000;
const N_NUMBERS: u64 = 7_000_000_000_000;
const N_DIGITS: usize = 16;

/// Makes the placeholders of a transcript; who has it can try values against them, so it is kept apart.
#[derive(Clone)]
pub struct Key([u8; 32]);

/// What a placeholder stands for, so that equal texts in different roles differ.
#[derive(Clone, Copy)]
enum Role {
    Text = b's' as isize,
    Private = b'p' as isize,
    Number = b'n' as isize,
    Request = b'r' as isize,
}

impl Key {
    /// Makes a key that nobody knows.
    ///
    /// # Errors
    /// [`ErrorKind::Local`] where the system has no randomness.
    pub fn random() -> Result<Self, Error> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|error| {
            Error::new(ErrorKind::Local, "transcript", "The system gave no random numbers.").because(error)
        })?;
        Ok(Self(bytes))
    }

    /// Makes a key that was kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Gives the key's bytes, to keep them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Gives the placeholder of a text; that of a placeholder is itself, and that of no text at all is none.
    pub(super) fn text(&self, text: &str) -> String {
        if text.is_empty() || is_placeholder(text, 's') {
            text.to_owned()
        } else {
            format!("⟨s{}⟩", self.digits(Role::Text, text))
        }
    }

    /// Gives the placeholder of private bytes. None stay none.
    pub(super) fn private(&self, bytes: &[u8]) -> String {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.is_empty() || is_placeholder(text, 'p') => text.to_owned(),
            _ => format!("⟨p{}⟩", hex(&self.tag(Role::Private, bytes), N_DIGITS)),
        }
    }

    /// Gives the placeholder of a number.
    pub(super) fn number(&self, number: &Number) -> Number {
        let is_placeholder =
            number.to_u64().is_some_and(|number| (FIRST_NUMBER..FIRST_NUMBER + N_NUMBERS).contains(&number));
        if is_placeholder {
            return number.clone();
        }
        let tag = self.tag(Role::Number, number.to_string().as_bytes());
        let index = tag.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        Number::from_u64(FIRST_NUMBER + index % N_NUMBERS)
    }

    /// Gives what stands for a whole request.
    pub(super) fn request(&self, canonical: &str) -> String {
        hex(&self.tag(Role::Request, canonical.as_bytes()), 2 * N_DIGITS)
    }

    fn digits(&self, role: Role, text: &str) -> String {
        hex(&self.tag(role, text.as_bytes()), N_DIGITS)
    }

    fn tag(&self, role: Role, bytes: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        context.update(&[role as u8]);
        context.update(bytes);
        context.sign().as_ref().to_vec()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

fn hex(bytes: &[u8], n_digits: usize) -> String {
    let digits: Vec<String> = bytes.iter().take(n_digits / 2).map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn is_placeholder(text: &str, role: char) -> bool {
    text.strip_prefix('⟨')
        .and_then(|rest| rest.strip_prefix(role))
        .and_then(|rest| rest.strip_suffix('⟩'))
        .is_some_and(|digits| digits.len() == N_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Replaces every placeholder of a text inside a longer text, as `original` says; unknown ones stay.
pub(super) fn replace_placeholders<'a>(text: &str, original: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("⟨s") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let end = from.find('⟩').map_or(from.len(), |end| end + '⟩'.len_utf8());
        let (candidate, after) = from.split_at(end);
        out.push_str(original(candidate).unwrap_or(candidate));
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_stable_and_their_own() {
        let key = Key::from_bytes([7; 32]);
        let text = key.text("hunter2");
        assert_eq!(text, key.text("hunter2"));
        assert_eq!(key.text(&text), text);
        assert_eq!(cty::normalize(&text), text, "a value holds it unchanged");
        assert_ne!(text, Key::from_bytes([8; 32]).text("hunter2"));
        let number = key.number(&Number::from_u64(1234));
        assert_eq!(key.number(&number), number);
        let private = key.private(b"\xff secret");
        assert_eq!(key.private(private.as_bytes()), private);
        assert_eq!(key.private(b""), "");
        assert_eq!(format!("{key:?}"), "Key(…)");
    }

    #[test]
    fn placeholders_are_found_in_texts() {
        let key = Key::from_bytes([7; 32]);
        let (a, b) = (key.text("a"), key.text("b"));
        let text = format!("{a} and {b}, ⟨s and ⟨s12⟩ {a}");
        let restored = replace_placeholders(&text, |found| (found == a).then_some("A"));
        assert_eq!(restored, format!("A and {b}, ⟨s and ⟨s12⟩ A"));
    }
}
