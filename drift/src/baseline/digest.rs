//! Keyed digests of values: nobody without the key learns anything from one, however few values there could be.

use std::fmt;

use cty::{Path, PathStep, Value};
use model::{AttributeDifference, Finding, InstanceKey, Kind};
use sha2::{Digest, Sha256};

use super::BaselineSubject;
use crate::adopt::search::{is_secret_name, is_secret_text};
use crate::compare::canonical;
use crate::fingerprint::hex;

/// Shorter keys can be guessed, and with them the values.
const MIN_KEY: usize = 32;
/// The block of SHA-256, in bytes.
const BLOCK: usize = 64;
/// How much of a digest is kept, in bytes: by chance, two values have the same once in 2⁹⁶.
const KEPT: usize = 12;

/// The key of the digests of a baseline. It is never written anywhere.
#[derive(Clone, PartialEq, Eq)]
pub struct BaselineKey([u8; BLOCK]);

/// Says that a key is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortKey {
    /// How long it is.
    pub n_characters: usize,
}

impl fmt::Display for ShortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it has {} characters, and at least {MIN_KEY} are needed: others could be guessed", self.n_characters)
    }
}

impl std::error::Error for ShortKey {}

impl BaselineKey {
    /// Makes a key of a secret text.
    ///
    /// # Errors
    /// Where it is too short.
    pub fn new(text: &str) -> Result<Self, ShortKey> {
        let text = text.trim();
        let n_characters = text.chars().count();
        if n_characters < MIN_KEY {
            return Err(ShortKey { n_characters });
        }
        let mut block = [0; BLOCK];
        if text.len() > BLOCK {
            block[..32].copy_from_slice(&Sha256::digest(text.as_bytes()));
        } else {
            block[..text.len()].copy_from_slice(text.as_bytes());
        }
        Ok(Self(block))
    }

    /// Gives what tells this key from others, and tells nothing of it.
    pub(crate) fn check(&self) -> String {
        hex(&self.code(b"driftmgr baseline key")[..4])
    }

    /// Gives the digest of the values of a difference; `None` where one of them is, or looks, secret, or is not known.
    pub(crate) fn digest(&self, subject: &BaselineSubject, difference: &AttributeDifference) -> Option<String> {
        let last = difference.path.steps().iter().rev().find_map(|step| match step {
            PathStep::GetAttr(name) => Some(name.as_str()),
            PathStep::Index(key) => key.as_str(),
        });
        if difference.is_sensitive || last.is_some_and(is_secret_name) {
            return None;
        }
        // What was applied once is in the history; what is to come up again is another value in the cloud, or in the code.
        let is_about_code = matches!(difference.kind, Kind::Pending | Kind::Collision);
        let sides = [Some(&difference.cloud), is_about_code.then_some(&difference.code)];
        let mut text = String::new();
        let mut add = |part: &str| canonical::write_text(part, &mut text);
        add("1");
        match subject {
            BaselineSubject::Instance { address, workspace } => [address, &**workspace].into_iter().for_each(&mut add),
            BaselineSubject::Object { .. } => return None,
        }
        add(difference.kind.as_str());
        add(&difference.path.to_string());
        for side in sides.into_iter().flatten() {
            match side {
                None => add(""),
                Some(value) if value.contains_marked() || !value.is_wholly_known() || holds_secret(value) => {
                    return None;
                }
                Some(value) => add(&canonical::canonical(value, Some(value.ty()))),
            }
        }
        Some(hex(&self.code(text.as_bytes())[..KEPT]))
    }

    /// Computes the HMAC of a message (RFC 2104) with SHA-256.
    fn code(&self, message: &[u8]) -> [u8; 32] {
        let padded = |byte: u8| self.0.map(|own| own ^ byte);
        let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
        Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
    }
}

/// Shows nothing.
impl fmt::Debug for BaselineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BaselineKey(..)")
    }
}

/// Tells whether what a finding is known by looks like a secret.
pub(crate) fn is_secret_subject(finding: &Finding) -> bool {
    let keys = finding.address.iter().flat_map(|address| {
        let of_modules = address.resource.module.steps().iter().filter_map(|step| step.key.as_ref());
        of_modules.chain(address.key.as_ref())
    });
    let is_secret_key = |key: &InstanceKey| matches!(key, InstanceKey::String(text) if is_secret_text(text));
    let id = finding.id.as_ref().map(model::ImportId::as_str);
    let names = [id, finding.arn.as_deref()];
    keys.into_iter().any(is_secret_key) || finding.address.is_none() && names.into_iter().flatten().any(is_secret_text)
}

/// Tells whether what tells elements of a path apart looks like a secret.
pub(crate) fn is_secret_path(path: &Path) -> bool {
    path.steps().iter().any(|step| matches!(step, PathStep::Index(key) if holds_secret(key) || key.contains_marked()))
}

fn holds_secret(value: &Value) -> bool {
    value.as_str().is_some_and(is_secret_text)
        || value.elements().any(holds_secret)
        || value.entries().any(|(name, value)| {
            let is_named = is_secret_name(name) && !canonical::is_blank(value);
            is_named || is_secret_text(name) || holds_secret(value)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 4231, test case 2, has a key that is too short to be made by `new`.
        let mut block = [0; BLOCK];
        block[..4].copy_from_slice(b"Jefe");
        let code = BaselineKey(block).code(b"what do ya want for nothing?");
        assert_eq!(hex(&code), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        // Test case 6: a key longer than a block.
        let mut block = [0; BLOCK];
        block[..32].copy_from_slice(&Sha256::digest([0xaa; 131]));
        let code = BaselineKey(block).code(b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex(&code), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn keys_are_long_and_never_shown() {
        let short = BaselineKey::new("too short").expect_err("it is");
        assert!(short.to_string().contains("at least 32"), "{short}");
        let key = BaselineKey::new(&"k".repeat(100)).expect("it is long");
        assert_eq!(format!("{key:?}"), "BaselineKey(..)");
        assert_ne!(key.check(), BaselineKey::new(&"l".repeat(100)).expect("it is long").check());
    }
}
