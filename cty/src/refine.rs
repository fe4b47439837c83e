//! Refinements: what is known about an unknown value beyond its type.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::number::Number;
use crate::strings::{normalize, safe_prefix};
use crate::types::Type;
use crate::value::{Repr, Value};

/// Bounds the lists that stand in for an unknown list of known length: longer ones stay unknown as a whole.
const MAX_PLACEHOLDER_LENGTH: u64 = 1024;

/// Narrows down what an unknown value can turn out to be.
///
/// ```
/// use cty::{Refinements, Type, Value};
/// let arn = Value::unknown_refined(Type::String, Refinements::new().not_null().string_prefix_full("arn:"))?;
/// assert_eq!(arn.equals(&Value::string("i-1")).as_bool(), Some(false));
/// assert_eq!(arn.equals(&Value::string("arn:aws")).as_bool(), None);
/// # Ok::<(), cty::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Refinements {
    pub(crate) not_null: bool,
    pub(crate) prefix: String,
    pub(crate) lower: Option<Bound>,
    pub(crate) upper: Option<Bound>,
    pub(crate) min_length: u64,
    pub(crate) max_length: Option<u64>,
}

/// Limits a number on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The limit.
    pub number: Number,
    /// Whether the limit itself is possible.
    pub inclusive: bool,
}

impl Refinements {
    /// Returns refinements that say nothing yet.
    pub fn new() -> Refinements {
        Refinements::default()
    }

    /// Adds that the value will not be null.
    #[must_use]
    pub fn not_null(self) -> Refinements {
        Refinements { not_null: true, ..self }
    }

    /// Adds how a string will start, shortened to what characters that follow cannot change: a last letter could yet
    /// receive an accent.
    #[must_use]
    pub fn string_prefix(self, prefix: &str) -> Refinements {
        Refinements { prefix: safe_prefix(prefix), ..self }
    }

    /// Adds how a string will start, where the caller knows that what follows does not change it.
    #[must_use]
    pub fn string_prefix_full(self, prefix: &str) -> Refinements {
        Refinements { prefix: normalize(prefix).into_owned(), ..self }
    }

    /// Adds that a number will be at least this one, or larger.
    #[must_use]
    pub fn number_min(self, number: impl Into<Number>, inclusive: bool) -> Refinements {
        Refinements { lower: Some(Bound { number: number.into(), inclusive }), ..self }
    }

    /// Adds that a number will be at most this one, or smaller.
    #[must_use]
    pub fn number_max(self, number: impl Into<Number>, inclusive: bool) -> Refinements {
        Refinements { upper: Some(Bound { number: number.into(), inclusive }), ..self }
    }

    /// Adds that a collection will have at least so many elements.
    #[must_use]
    pub fn length_min(self, length: u64) -> Refinements {
        Refinements { min_length: length, ..self }
    }

    /// Adds that a collection will have at most so many elements.
    #[must_use]
    pub fn length_max(self, length: u64) -> Refinements {
        Refinements { max_length: Some(length), ..self }
    }

    /// Tells whether the value will certainly not be null.
    pub fn is_not_null(&self) -> bool {
        self.not_null
    }

    /// Returns how a string will start; empty where that is not known.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the least a number can be.
    pub fn lower(&self) -> Option<&Bound> {
        self.lower.as_ref()
    }

    /// Returns the most a number can be.
    pub fn upper(&self) -> Option<&Bound> {
        self.upper.as_ref()
    }

    /// Returns the least number of elements of a collection.
    pub fn min_length(&self) -> u64 {
        self.min_length
    }

    /// Returns the largest number of elements of a collection.
    pub fn max_length(&self) -> Option<u64> {
        self.max_length
    }

    /// Adds all that `more` says.
    fn merge(mut self, more: &Refinements) -> Result<Refinements> {
        self.not_null |= more.not_null;
        if more.prefix.len() > self.prefix.len() {
            if !more.prefix.starts_with(&self.prefix) {
                return Err(contradiction("the prefix contradicts the one known before"));
            }
            self.prefix.clone_from(&more.prefix);
        } else if !self.prefix.starts_with(&more.prefix) {
            return Err(contradiction("the prefix contradicts the one known before"));
        }
        if let Some(lower) = more.lower.as_ref().filter(|lower| !is_infinite(lower, true)) {
            let narrows = self.lower.as_ref().is_none_or(|old| {
                if lower.inclusive && !old.inclusive { lower.number > old.number } else { lower.number >= old.number }
            });
            if narrows {
                self.lower = Some(lower.clone());
            }
        }
        if let Some(upper) = more.upper.as_ref().filter(|upper| !is_infinite(upper, false)) {
            let narrows = self.upper.as_ref().is_none_or(|old| {
                if upper.inclusive && !old.inclusive { upper.number < old.number } else { upper.number <= old.number }
            });
            if narrows {
                self.upper = Some(upper.clone());
            }
        }
        if let (Some(lower), Some(upper)) = (&self.lower, &self.upper) {
            let possible = if lower.inclusive && upper.inclusive {
                lower.number <= upper.number
            } else {
                lower.number < upper.number
            };
            if !possible {
                return Err(contradiction("the bounds exclude all numbers"));
            }
        }
        self.min_length = self.min_length.max(more.min_length);
        self.max_length = match (self.max_length, more.max_length) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if self.max_length.is_some_and(|max_length| max_length < self.min_length) {
            return Err(contradiction("the upper bound of the length is less than its lower bound"));
        }
        Ok(self)
    }

    fn check_applies_to(&self, ty: &Type) -> Result<()> {
        let refused = if !self.prefix.is_empty() && *ty != Type::String {
            "string prefix"
        } else if (self.lower.is_some() || self.upper.is_some()) && *ty != Type::Number {
            "numeric bounds"
        } else if (self.min_length > 0 || self.max_length.is_some()) && !ty.is_collection() {
            "length bounds"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Type, format!("cannot refine the {refused} of a value of type {ty}")))
    }

    fn is_useful(&self) -> bool {
        *self != Refinements::default()
    }
}

fn is_infinite(bound: &Bound, negative: bool) -> bool {
    bound.number.is_infinite() && bound.number.is_negative() == negative
}

fn contradiction(message: &str) -> Error {
    Error::new(ErrorKind::Type, message)
}

/// Writes what is known, such as `not null, prefix "arn:"`.
impl fmt::Debug for Refinements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut facts = Vec::new();
        if self.not_null {
            facts.push("not null".to_owned());
        }
        if !self.prefix.is_empty() {
            facts.push(format!("prefix {:?}", self.prefix));
        }
        if let Some(Bound { number, inclusive }) = &self.lower {
            facts.push(format!("{} {number}", if *inclusive { "at least" } else { "more than" }));
        }
        if let Some(Bound { number, inclusive }) = &self.upper {
            facts.push(format!("{} {number}", if *inclusive { "at most" } else { "less than" }));
        }
        if self.min_length > 0 {
            facts.push(format!("at least {} elements", self.min_length));
        }
        if let Some(max_length) = self.max_length {
            facts.push(format!("at most {max_length} elements"));
        }
        f.write_str(&facts.join(", "))
    }
}

impl Value {
    /// Returns an unknown value about which more is known than its type; where that leaves just one value, a known one.
    ///
    /// Nothing can be known about a value of unknown type: there the refinements are ignored.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] for refinements that contradict one another or do not apply to the type.
    #[expect(clippy::needless_pass_by_value, reason = "callers build the refinements in place")]
    pub fn unknown_refined(ty: Type, refinements: Refinements) -> Result<Value> {
        Value::unknown(ty).refine(&refinements)
    }

    /// Adds to what is known about an unknown value; a known one is checked and returned.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] for refinements that contradict the value, one another, or do not apply to its type.
    pub fn refine(&self, refinements: &Refinements) -> Result<Value> {
        if *self.ty() == Type::Dynamic {
            return Ok(self.clone());
        }
        refinements.check_applies_to(self.ty())?;
        let Repr::Unknown(old) = self.repr() else {
            let range = self.range();
            let broken = if self.is_null() {
                refinements.not_null
            } else {
                range.clone().merge(refinements).is_err() || !prefix_fits(self, refinements)
            };
            return if broken {
                Err(contradiction("the known value contradicts the refinement"))
            } else {
                Ok(self.clone())
            };
        };
        let merged = old.as_deref().cloned().unwrap_or_default().merge(refinements)?;
        Ok(self.collapsed(merged).with_marks(self.marks().iter().cloned()))
    }

    /// Returns the value with the knowledge that it is not null; one that is null already stays so.
    #[must_use]
    pub(crate) fn refine_not_null(&self) -> Value {
        self.refine(&Refinements::new().not_null()).unwrap_or_else(|_| self.clone())
    }

    /// Makes the value of this one's type of which exactly this is known, without marks.
    fn collapsed(&self, refinements: Refinements) -> Value {
        let ty = self.ty();
        if refinements.not_null {
            if let (Some(lower), Some(upper)) = (&refinements.lower, &refinements.upper) {
                if lower.inclusive && upper.inclusive && lower.number == upper.number {
                    return Value::number(lower.number.clone());
                }
            }
            let length = refinements.max_length.filter(|max| *max == refinements.min_length);
            let known = match (ty, length) {
                (Type::Map(_), Some(0)) => Some(Repr::Map(Arc::new([]))),
                (Type::List(element), Some(length @ 0..=MAX_PLACEHOLDER_LENGTH)) => {
                    Some(vec![Value::unknown(Type::clone(element)); length as usize])
                        .map(|elements| Repr::Sequence(elements.into()))
                }
                (Type::Set(element), Some(length @ 0..=1)) => {
                    Some(vec![Value::unknown(Type::clone(element)); length as usize])
                        .map(|elements| Repr::Sequence(elements.into()))
                }
                _ => None,
            };
            if let Some(known) = known {
                return Value::new(ty.clone(), known);
            }
        }
        let refinements = refinements.is_useful().then(|| Arc::new(refinements));
        Value::new(ty.clone(), Repr::Unknown(refinements))
    }

    /// Returns all that can be said about the value without naming it; for an unknown value, its refinements.
    ///
    /// Of a null value nothing can be said in this form.
    pub(crate) fn range(&self) -> Refinements {
        let not_null = Refinements::new().not_null();
        match self.repr() {
            Repr::Unknown(refinements) => refinements.as_deref().cloned().unwrap_or_default(),
            Repr::Null => Refinements::new(),
            Repr::String(text) => Refinements { prefix: text.to_string(), ..not_null },
            Repr::Number(number) => not_null.number_min(number.clone(), true).number_max(number.clone(), true),
            Repr::Sequence(_) | Repr::Map(_) if self.ty().is_collection() => match self.exact_length() {
                Some(length) => not_null.length_min(length).length_max(length),
                None => not_null,
            },
            _ => not_null,
        }
    }

    /// Returns the number of elements of a known value, unless it is a set whose unknown elements may coincide.
    pub(crate) fn exact_length(&self) -> Option<u64> {
        let settled = !self.ty().is_set() || self.len() == 1 || self.is_wholly_known();
        settled.then_some(self.len() as u64)
    }

    /// Returns the value of which only what its range says is known.
    pub(crate) fn range_placeholder(&self) -> Value {
        if self.is_null() { self.clone() } else { self.collapsed(self.range()) }
    }

    /// Returns what two values, without marks, have in common.
    pub(crate) fn common_range(&self, other: &Value) -> Value {
        if self == other {
            return self.clone();
        }
        let same_type = self.ty() == other.ty();
        if self.is_null() && other.is_null() {
            return Value::null(if same_type { self.ty().clone() } else { Type::Dynamic });
        }
        if !same_type {
            return Value::dynamic();
        }
        let (a, b) = (self.range(), other.range());
        let comparable = !self.is_null() && !other.is_null();
        let common = Refinements {
            not_null: a.not_null && b.not_null,
            prefix: common_prefix(&a.prefix, &b.prefix).to_owned(),
            lower: widest(a.lower, b.lower, |a, b| a.compare(b).is_le()),
            upper: widest(a.upper, b.upper, |a, b| a.compare(b).is_ge()),
            min_length: a.min_length.min(b.min_length),
            max_length: a.max_length.zip(b.max_length).map(|(a, b)| a.max(b)).filter(|_| comparable),
        };
        self.collapsed(common)
    }

    /// Returns what is known of a number or collection that will be one of these two, of which neither has marks:
    /// whether it can be null, and the bounds of a number or a length; where the types differ, nothing.
    ///
    /// ```
    /// use cty::Value;
    /// let either = Value::from(3i64).common_bounds(&Value::from(8i64));
    /// assert_eq!(either.less_than(&Value::from(9i64))?.as_bool(), Some(true));
    /// # Ok::<(), cty::Error>(())
    /// ```
    #[must_use]
    pub fn common_bounds(&self, other: &Value) -> Value {
        if self.ty() != other.ty() {
            return Value::dynamic();
        }
        let (a, b) = (self.range(), other.range());
        self.collapsed(Refinements {
            not_null: a.not_null && b.not_null,
            prefix: String::new(),
            lower: widest(a.lower, b.lower, |a, b| a.compare(b).is_le()),
            upper: widest(a.upper, b.upper, |a, b| a.compare(b).is_ge()),
            min_length: a.min_length.min(b.min_length),
            max_length: a.max_length.zip(b.max_length).map(|(a, b)| a.max(b)),
        })
    }

    /// Tells whether the value is known not to be null, be it known or not.
    pub fn is_definitely_not_null(&self) -> bool {
        match self.repr() {
            Repr::Unknown(refinements) => refinements.as_ref().is_some_and(|refinements| refinements.not_null),
            Repr::Null => false,
            _ => true,
        }
    }

    /// Tells whether this value, which is unknown, can certainly not turn out to be `known`.
    pub(crate) fn excludes(&self, known: &Value) -> bool {
        if known.is_null() {
            return self.is_definitely_not_null();
        }
        if !known.ty().conforms_to(self.ty()) {
            return true;
        }
        let Some(refinements) = self.refinements() else { return false };
        match known.repr() {
            Repr::String(_) => !prefix_fits(known, refinements),
            Repr::Number(number) => {
                let below = |lower: &Bound| *number < lower.number || !lower.inclusive && *number == lower.number;
                let above = |upper: &Bound| *number > upper.number || !upper.inclusive && *number == upper.number;
                refinements.lower.as_ref().is_some_and(below) || refinements.upper.as_ref().is_some_and(above)
            }
            _ if known.ty().is_collection() => {
                let most = known.len() as u64;
                let least = known.exact_length().unwrap_or(most.min(1));
                most < refinements.min_length || refinements.max_length.is_some_and(|max| least > max)
            }
            _ => false,
        }
    }
}

/// Returns the bound that both bounds keep to.
fn widest(a: Option<Bound>, b: Option<Bound>, is_first_wider: fn(&Number, &Number) -> bool) -> Option<Bound> {
    let (a, b) = a.zip(b)?;
    let number = if is_first_wider(&a.number, &b.number) { a.number } else { b.number };
    Some(Bound { number, inclusive: true })
}

fn common_prefix<'a>(a: &'a str, b: &str) -> &'a str {
    let length =
        a.char_indices().zip(b.chars()).find(|((_, a), b)| a != b).map_or(a.len().min(b.len()), |((at, _), _)| at);
    &a[..length]
}

/// Tells whether a known string and a known prefix agree as far as both go.
fn prefix_fits(known: &Value, refinements: &Refinements) -> bool {
    known.as_str().is_none_or(|text| text.starts_with(&refinements.prefix))
}
