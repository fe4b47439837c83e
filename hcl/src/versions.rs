//! Versions, and constraints on them: `>= 1.5, < 2.0`.
//!
//! Source: the "Version Constraints" page of the Terraform language documentation, and the answers of real programs
//! where it is silent (segments left out, pre-releases, blanks).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A version: numbers, and perhaps what comes before the release.
///
/// Numbers left out are zeros, and build metadata counts for nothing.
///
/// ```
/// use hcl::versions::Version;
/// let version: Version = "v1.12.0-beta1".parse()?;
/// assert!(version < "1.12".parse()? && version > "1.11.9".parse()?);
/// assert_eq!(version.to_string(), "1.12.0-beta1");
/// # Ok::<(), hcl::versions::ParseVersionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Version {
    /// At least three.
    numbers: Vec<u64>,
    /// Empty for a release.
    pre_release: String,
}

/// Says why a text is no version or no constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no version constraint; one reads like \">= 1.5, < 2.0\"")]
pub struct ParseVersionError {
    /// The part that cannot be read.
    pub text: String,
}

/// Conditions on a version, all of which must hold.
///
/// ```
/// use hcl::versions::Constraints;
/// let constraints: Constraints = "~> 1.11, != 1.11.3".parse()?;
/// assert!(constraints.admits(&"1.14.9".parse()?));
/// assert!(!constraints.admits(&"1.11.3".parse()?) && !constraints.admits(&"2.0.0".parse()?));
/// # Ok::<(), hcl::versions::ParseVersionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraints(Vec<Condition>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    operator: Operator,
    version: Version,
    /// How many numbers of the version were written.
    n_written: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// `~>`: only the last number written may be greater.
    Pessimistic,
}

/// The operators as they are written; longer ones first, as they are looked for in order.
const OPERATORS: &[(&str, Operator)] = &[
    ("~>", Operator::Pessimistic),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("!=", Operator::NotEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("=", Operator::Equal),
];

impl Version {
    /// Makes the release with these numbers.
    pub fn release(major: u64, minor: u64, patch: u64) -> Self {
        Self { numbers: vec![major, minor, patch], pre_release: String::new() }
    }

    /// Tells whether it comes before a release.
    pub fn is_pre_release(&self) -> bool {
        !self.pre_release.is_empty()
    }

    /// Gives the next release that differs in the third number.
    pub(crate) fn next_patch(&self) -> Self {
        Self::release(self.numbers[0], self.numbers[1], self.numbers[2].saturating_add(1))
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(input: &str) -> Result<Self, Self::Err> {
        read(input).map(|(version, _)| version)
    }
}

/// Reads a version, and counts the numbers that are written.
fn read(input: &str) -> Result<(Version, usize), ParseVersionError> {
    let fail = || ParseVersionError { text: input.to_owned() };
    let rest = input.trim();
    let rest = rest.strip_prefix('v').unwrap_or(rest);
    let (rest, build) = rest.split_once('+').map_or((rest, None), |(rest, build)| (rest, Some(build)));
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (numbers, pre_release) = rest.split_at(end);
    let pre_release = pre_release.strip_prefix('-').unwrap_or(pre_release);
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '~');
    let are_words = |words: &str| words.split('.').all(is_word);
    let has_hyphen_only = rest.len() > end && pre_release.is_empty();
    if has_hyphen_only || !(pre_release.is_empty() || are_words(pre_release)) || !build.is_none_or(are_words) {
        return Err(fail());
    }
    let numbers = numbers.split('.').map(str::parse).collect::<Result<Vec<u64>, _>>();
    let mut numbers = numbers.map_err(|_| fail())?;
    let n_written = numbers.len();
    numbers.resize(n_written.max(3), 0);
    Ok((Version { numbers, pre_release: pre_release.to_owned() }, n_written))
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        f.write_str(&numbers.join("."))?;
        if self.is_pre_release() { write!(f, "-{}", self.pre_release) } else { Ok(()) }
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

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let n_numbers = self.numbers.len().max(other.numbers.len());
        let number = |version: &Self, index: usize| version.numbers.get(index).copied().unwrap_or(0);
        let numbers = (0..n_numbers).map(|index| number(self, index).cmp(&number(other, index)));
        numbers.fold(Ordering::Equal, Ordering::then).then_with(|| {
            match (self.pre_release.as_str(), other.pre_release.as_str()) {
                ("", "") => Ordering::Equal,
                ("", _) => Ordering::Greater,
                (_, "") => Ordering::Less,
                (own, others) => {
                    let parts = own.split('.').zip(others.split('.'));
                    let order = parts.map(|(own, other)| match (own.parse::<u64>(), other.parse::<u64>()) {
                        (Ok(own), Ok(other)) => own.cmp(&other),
                        (Ok(_), Err(_)) => Ordering::Less,
                        (Err(_), Ok(_)) => Ordering::Greater,
                        (Err(_), Err(_)) => own.cmp(other),
                    });
                    let by_length = || own.split('.').count().cmp(&others.split('.').count());
                    order.fold(Ordering::Equal, Ordering::then).then_with(by_length)
                }
            }
        })
    }
}

impl Constraints {
    /// Tells whether a version meets every condition.
    ///
    /// A version before a release meets only conditions that name such a version of the same release, `=` and `!=` apart.
    pub fn admits(&self, version: &Version) -> bool {
        self.0.iter().all(|condition| condition.admits(version))
    }

    /// Gives the versions that conditions name.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Version> {
        self.0.iter().map(|condition| &condition.version)
    }
}

impl Condition {
    fn admits(&self, version: &Version) -> bool {
        let order = version.cmp(&self.version);
        let is_comparable = match (version.is_pre_release(), self.version.is_pre_release()) {
            (true, true) => version.numbers == self.version.numbers,
            (true, false) => false,
            (false, _) => true,
        };
        match self.operator {
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
            Operator::Greater => is_comparable && order.is_gt(),
            Operator::GreaterOrEqual => is_comparable && order.is_ge(),
            Operator::Less => is_comparable && order.is_lt(),
            Operator::LessOrEqual => is_comparable && order.is_le(),
            Operator::Pessimistic => {
                let n_fixed = self.n_written - 1;
                is_comparable
                    && (version.is_pre_release() || !self.version.is_pre_release())
                    && order.is_ge()
                    && version.numbers.len() >= self.version.numbers.len()
                    && version.numbers[..n_fixed] == self.version.numbers[..n_fixed]
            }
        }
    }
}

impl FromStr for Constraints {
    type Err = ParseVersionError;

    fn from_str(input: &str) -> Result<Self, Self::Err> {
        let conditions = input.split(',').map(|part| {
            let part = part.trim();
            let found = OPERATORS.iter().find_map(|(text, operator)| Some((*operator, part.strip_prefix(text)?)));
            let (operator, version) = found.unwrap_or((Operator::Equal, part));
            let (version, n_written) = read(version).map_err(|_| ParseVersionError { text: part.to_owned() })?;
            Ok(Condition { operator, version, n_written })
        });
        Ok(Self(conditions.collect::<Result<_, _>>()?))
    }
}
