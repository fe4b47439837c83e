use crate::refine::Refinements;
use crate::set;
use crate::types::Type;
use crate::value::{Repr, Value};

/// Says whether two values are equal, as far as that is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Equal,
    Different,
    Unknown,
}

impl Verdict {
    fn of(equal: bool) -> Verdict {
        if equal { Verdict::Equal } else { Verdict::Different }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.raw_equals(other)
    }
}

impl Eq for Value {}

impl Value {
    /// Compares as the language does: the result is unknown where an unknown value could make it either, nulls of all
    /// types are equal, and marks of both sides stick to the result.
    #[must_use]
    pub fn equals(&self, other: &Value) -> Value {
        let result = |a: &Value, b: &Value| match compare(a, b) {
            Verdict::Equal => Value::bool(true),
            Verdict::Different => Value::bool(false),
            Verdict::Unknown => unknown_bool(),
        };
        if !self.contains_marked() && !other.contains_marked() {
            return result(self, other);
        }
        let (bare, mut marks) = self.unmark_deep();
        let (bare_other, mut other_marks) = other.unmark_deep();
        // Against null only the values themselves matter, not what is inside them.
        if self.is_null() != other.is_null() {
            marks.clone_from(self.marks());
            other_marks.clone_from(other.marks());
        }
        result(&bare, &bare_other).with_marks(marks).with_marks(other_marks)
    }

    /// Compares type, content and marks exactly: an unknown value equals one of the same type and refinements.
    pub fn raw_equals(&self, other: &Value) -> bool {
        if self.ty() != other.ty() || self.marks() != other.marks() {
            return false;
        }
        match (self.repr(), other.repr()) {
            (Repr::Null, Repr::Null) => true,
            (Repr::Unknown(a), Repr::Unknown(b)) => a == b,
            (Repr::Bool(a), Repr::Bool(b)) => a == b,
            (Repr::Number(a), Repr::Number(b)) => a == b,
            (Repr::String(a), Repr::String(b)) => a == b,
            (Repr::Sequence(a), Repr::Sequence(b)) => a == b,
            (Repr::Map(a), Repr::Map(b)) => a == b,
            _ => false,
        }
    }

    /// Tells whether nothing about the type is open: neither it nor anything inside it is of unknown type.
    fn has_settled_type(&self) -> bool {
        match self.repr() {
            Repr::Null => true,
            Repr::Unknown(_) => !self.ty().has_dynamic(),
            _ => self.children().all(Value::has_settled_type),
        }
    }
}

/// Returns the bool that is not known, but not null.
pub(super) fn unknown_bool() -> Value {
    Value::unknown(Type::Bool).refine_not_null()
}

/// Returns the number that is not known, but not null.
pub(super) fn unknown_number(refinements: Refinements) -> Value {
    let unknown = Value::unknown(Type::Number);
    unknown.refine(&refinements.not_null()).unwrap_or_else(|_| unknown.refine_not_null())
}

fn compare(a: &Value, b: &Value) -> Verdict {
    if a.is_null() && b.is_definitely_not_null() || b.is_null() && a.is_definitely_not_null() {
        return Verdict::Different;
    }
    match (a.is_known(), b.is_known()) {
        (false, false) => return Verdict::Unknown,
        (true, false) => return compare_with_unknown(a, b),
        (false, true) => return compare_with_unknown(b, a),
        (true, true) => {}
    }
    if a.is_null() || b.is_null() {
        return Verdict::of(a.is_null() && b.is_null());
    }
    if !a.has_settled_type() || !b.has_settled_type() {
        let may_agree = a.ty().conforms_to(b.ty()) || b.ty().conforms_to(a.ty());
        return if may_agree { Verdict::Unknown } else { Verdict::Different };
    }
    if a.ty() != b.ty() {
        return Verdict::Different;
    }
    match (a.repr(), b.repr()) {
        (Repr::Bool(a), Repr::Bool(b)) => Verdict::of(a == b),
        (Repr::Number(a), Repr::Number(b)) => Verdict::of(a == b),
        (Repr::String(a), Repr::String(b)) => Verdict::of(a == b),
        (Repr::Sequence(_), Repr::Sequence(_)) if a.ty().is_set() => compare_sets(a, b),
        (Repr::Sequence(x), Repr::Sequence(y)) if x.len() == y.len() => {
            let pairs = x.iter().zip(y.iter());
            if a.ty().as_object().is_some() { compare_unordered(pairs) } else { compare_all(pairs) }
        }
        (Repr::Map(a), Repr::Map(b)) if a.len() == b.len() => {
            if a.iter().zip(b.iter()).any(|((a_key, _), (b_key, _))| a_key != b_key) {
                return Verdict::Different;
            }
            compare_unordered(a.iter().zip(b.iter()).map(|((_, a), (_, b))| (a, b)))
        }
        _ => Verdict::Different,
    }
}

fn compare_with_unknown(known: &Value, unknown: &Value) -> Verdict {
    if unknown.excludes(known) {
        return Verdict::Different;
    }
    if known.is_null() || unknown.ty().has_dynamic() || known.ty() == unknown.ty() {
        Verdict::Unknown
    } else {
        Verdict::Different
    }
}

/// Compares pairs in order: the first that is not equal decides.
fn compare_all<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Verdict {
    pairs.map(|(a, b)| compare(a, b)).find(|verdict| *verdict != Verdict::Equal).unwrap_or(Verdict::Equal)
}

/// Compares pairs that have no order: any difference decides. (go-cty stops at whichever it happens to see first.)
fn compare_unordered<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Verdict {
    let mut verdict = Verdict::Equal;
    for (a, b) in pairs {
        match compare(a, b) {
            Verdict::Different => return Verdict::Different,
            Verdict::Unknown => verdict = Verdict::Unknown,
            Verdict::Equal => {}
        }
    }
    verdict
}

/// Sets are equal where each has all elements of the other; an unknown element leaves that open.
fn compare_sets(a: &Value, b: &Value) -> Verdict {
    if a.elements().chain(b.elements()).any(|element| !element.is_known()) {
        return Verdict::Unknown;
    }
    Verdict::of(contains_all(a, b) && contains_all(b, a))
}

fn contains_all(set: &Value, elements: &Value) -> bool {
    let hashed: std::collections::HashMap<String, Vec<&Value>> =
        set.elements().fold(std::collections::HashMap::new(), |mut hashed, element| {
            hashed.entry(set::hash_bytes(element)).or_default().push(element);
            hashed
        });
    elements.elements().all(|wanted| {
        hashed
            .get(&set::hash_bytes(wanted))
            .is_some_and(|candidates| candidates.iter().any(|candidate| set::equivalent(candidate, wanted)))
    })
}
