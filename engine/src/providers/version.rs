//! Versions of providers: read, and ordered as Semantic Versioning 2.0.0 does.

use std::cmp::Ordering;
use std::fmt;

/// A version: three numbers, and perhaps what comes before the release or after.
///
/// Equality and order pass over build metadata, as the specification (section 10) wants.
#[derive(Clone, Debug)]
pub(super) struct Version {
    text: String,
    numbers: [u64; 3],
    /// The dot-separated identifiers behind `-`; empty for a release.
    pre_release: Vec<String>,
}

impl Version {
    /// Reads a version; `None` where the text is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
        let (numbers, pre_release) = rest.split_once('-').map_or((rest, None), |(numbers, pre)| (numbers, Some(pre)));
        let is_identifiers = |text: &str| {
            text.split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        };
        if ![build, pre_release].into_iter().flatten().all(is_identifiers) {
            return None;
        }
        let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let parts: Vec<u64> =
            numbers.split('.').map(|part| Some(part).filter(is_number)?.parse().ok()).collect::<Option<_>>()?;
        Some(Self {
            text: text.to_owned(),
            numbers: parts.try_into().ok()?,
            pre_release: pre_release.map(|text| text.split('.').map(str::to_owned).collect()).unwrap_or_default(),
        })
    }

    /// Tells whether it is a release: nothing prefers a version that is not, unless it is named.
    pub(super) fn is_release(&self) -> bool {
        self.pre_release.is_empty()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let pre_releases = || match (self.is_release(), other.is_release()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let parts = self.pre_release.iter().zip(&other.pre_release);
                parts
                    .map(|(left, right)| compare_identifiers(left, right))
                    .find(|order| order.is_ne())
                    .unwrap_or_else(|| self.pre_release.len().cmp(&other.pre_release.len()))
            }
        };
        self.numbers.cmp(&other.numbers).then_with(pre_releases)
    }
}

/// Numbers order by value and before words; words order by their bytes.
fn compare_identifiers(left: &str, right: &str) -> Ordering {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match (is_number(left), is_number(right)) {
        (true, true) => {
            let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
            left.len().cmp(&right.len()).then_with(|| left.cmp(right))
        }
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_as_the_specification_lists_them() {
        let ascending = [
            "0.9.10",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.2.0",
            "1.10.0",
            "6.47.1",
        ];
        let versions: Vec<Version> = ascending.iter().map(|text| Version::parse(text).expect(text)).collect();
        for pair in versions.windows(2) {
            assert!(pair[0] < pair[1], "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(Version::parse("1.0.0+a"), Version::parse("1.0.0+b"));
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in ["", "1", "1.2", "1.2.3.4", "v1.2.3", "1.2.x", "1.2.3-", "1.2.3+", "1.2.3-a..b", "1.+2.3", "../.."]
        {
            assert_eq!(Version::parse(text), None, "{text:?}");
        }
    }
}
