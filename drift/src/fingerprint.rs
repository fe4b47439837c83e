//! Fingerprints: what makes a finding the same finding in the next run.

use model::{Finding, Fingerprint};
use sha2::{Digest, Sha256};

use crate::fails;

/// Computes the fingerprint from the kind, the state's history and address or else the object's scope and key, and
/// the paths of the attributes that are no noise. Values play no part, nor does anything that changes by itself.
///
/// `object` is the scope and key of an object without an address.
pub(crate) fn fingerprint(finding: &Finding, object: Option<&str>) -> Fingerprint {
    let mut hasher = Sha256::new();
    let mut add = |part: &str| {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    };
    add(finding.kind.as_str());
    match &finding.address {
        Some(address) => {
            add("address");
            for state in &finding.states {
                let lineage = state.lineage.as_str();
                add(if lineage.is_empty() { &state.url } else { lineage });
                add(&state.workspace);
            }
            add(&address.with_deposed(finding.deposed.as_ref()));
        }
        None => {
            add("object");
            add(object.unwrap_or_default());
        }
    }
    // What is noise comes and goes.
    let mut paths: Vec<String> = finding
        .attributes
        .iter()
        .filter(|difference| finding.folded.is_some() || !fails::is_noise(difference))
        .map(|difference| difference.path.to_string())
        .collect();
    paths.sort_unstable();
    for path in &paths {
        add(path);
    }
    Fingerprint(hex(&hasher.finalize()[..16]))
}

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}
