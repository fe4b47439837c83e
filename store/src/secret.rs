//! Keyed digests that stand in for sensitive values, so that a change can be seen and the value cannot.

use std::fmt::{self, Write as _};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use rand::TryRngCore;
use sha2::{Digest, Sha256};

use crate::error::{Context, Error, ErrorKind, Result};
use crate::writer::open_private;

/// How many bytes a block of SHA-256 has.
const BLOCK: usize = 64;
/// How many bytes a key has.
const KEY: usize = 32;

/// The key of one store. It lives in a file of its own beside the store (mode 0600), so that a copy of the store, or a
/// snapshot, does not carry what is needed to guess values by trial.
pub(crate) struct SecretKey([u8; KEY]);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(sensitive)")
    }
}

impl SecretKey {
    /// Reads the key, or makes one where there is none.
    pub(crate) fn load_or_make(path: &Path) -> Result<Self> {
        let operation = "read the store's key";
        let mut file = open_private(path).context(operation, path)?;
        let bytes = fs::read(path).context(operation, path)?;
        if bytes.is_empty() {
            let mut key = [0; KEY];
            rand::rngs::OsRng
                .try_fill_bytes(&mut key)
                .map_err(|source| Error::io("make the store's key", path, std::io::Error::other(source)))?;
            file.write_all(&key).context(operation, path)?;
            file.sync_all().context(operation, path)?;
            return Ok(Self(key));
        }
        match bytes.try_into() {
            Ok(key) => Ok(Self(key)),
            Err(bytes) => {
                let detail =
                    format!("it has {} bytes instead of {KEY}; delete it to have a fresh one made", bytes.len());
                Err(Error::new(ErrorKind::Corrupt, operation, path, detail))
            }
        }
    }

    /// Gives the text that stands for a sensitive value: equal for equal values, useless for everything else.
    pub(crate) fn stand_in(&self, value: &[u8]) -> String {
        format!("hmac-sha256:{}", hex(&hmac_sha256(&self.0, value)))
    }
}

/// Writes bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String takes any text");
    }
    text
}

/// Computes HMAC-SHA-256 for a key no longer than a block.
///
/// Source: RFC 2104, section 2.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut inner_pad = [0x36; BLOCK];
    let mut outer_pad = [0x5c; BLOCK];
    for ((inner, outer), byte) in inner_pad.iter_mut().zip(&mut outer_pad).zip(key) {
        *inner ^= byte;
        *outer ^= byte;
    }
    let inner = Sha256::new().chain_update(inner_pad).chain_update(message).finalize();
    Sha256::new().chain_update(outer_pad).chain_update(inner).finalize().into()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    /// Source: RFC 4231, test cases 1 and 2.
    #[test]
    fn digests_are_those_of_the_rfc() {
        assert_eq!(
            hex(&hmac_sha256(&[0x0b; 20], b"Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(&hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn the_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db.key");
        let first = SecretKey::load_or_make(&path).unwrap();
        let second = SecretKey::load_or_make(&path).unwrap();
        assert_eq!(first.stand_in(b"secret"), second.stand_in(b"secret"));
        assert_ne!(first.stand_in(b"secret"), first.stand_in(b"other"));
        assert_eq!(format!("{first:?}"), "SecretKey(sensitive)");
        fs::write(&path, b"short").unwrap();
        assert_eq!(SecretKey::load_or_make(&path).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
