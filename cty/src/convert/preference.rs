//! Which of several types is the more general one.

use std::cmp::Ordering;

use crate::types::Type;

/// Orders indices into `types` so that more general types come first.
///
/// Types in a circle of preferences, which cannot be unified anyway, leave zeros at the end.
pub(super) fn by_preference(types: &[Type]) -> Vec<usize> {
    let mut less_general: Vec<Vec<usize>> = vec![Vec::new(); types.len()];
    let mut n_more_general = vec![0usize; types.len()];
    for (i, a) in types.iter().enumerate() {
        for (j, b) in types.iter().enumerate().skip(i + 1) {
            match compare(a, b) {
                Ordering::Less => {
                    less_general[i].push(j);
                    n_more_general[j] += 1;
                }
                Ordering::Greater => {
                    less_general[j].push(i);
                    n_more_general[i] += 1;
                }
                Ordering::Equal => {}
            }
        }
    }
    let mut order: Vec<usize> = (0..types.len()).filter(|&index| n_more_general[index] == 0).collect();
    let mut n_visited = 0;
    while let Some(&index) = order.get(n_visited) {
        n_visited += 1;
        for &other in &less_general[index] {
            n_more_general[other] -= 1;
            if n_more_general[other] == 0 {
                order.push(other);
            }
        }
    }
    order.resize(types.len(), 0);
    order
}

/// Compares two types: the more general one is less. Optimistic, because conversions are checked later.
fn compare(a: &Type, b: &Type) -> Ordering {
    if *a == Type::Dynamic || *b == Type::Dynamic {
        return (*a == Type::Dynamic).cmp(&(*b == Type::Dynamic));
    }
    match (a, b) {
        (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) | (Type::Map(a), Type::Map(b)) => compare(a, b),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => compare_all(a.iter().zip(b.iter())),
        (Type::Object(a), Type::Object(b)) => {
            let same_names = a.attributes().map(|(name, _)| name).eq(b.attributes().map(|(name, _)| name));
            if same_names {
                compare_all(a.attributes().map(|(_, ty)| ty).zip(b.attributes().map(|(_, ty)| ty)))
            } else {
                Ordering::Equal
            }
        }
        _ => {
            let ((a_family, a_rank), (b_family, b_rank)) = (family_and_rank(a), family_and_rank(b));
            if a_family == b_family { a_rank.cmp(&b_rank) } else { Ordering::Equal }
        }
    }
}

/// Returns which types it can be compared to, and its place among those.
fn family_and_rank(ty: &Type) -> (u8, u8) {
    match ty {
        Type::String => (0, 0),
        Type::Number | Type::Bool => (0, 1),
        Type::List(_) => (1, 0),
        Type::Tuple(_) => (1, 1),
        Type::Set(_) => (1, 2),
        Type::Map(_) => (2, 0),
        Type::Object(_) => (2, 1),
        Type::Dynamic => (3, 0),
    }
}

/// Compares structures: one is more general only where none of its parts is less so.
fn compare_all<'a>(pairs: impl Iterator<Item = (&'a Type, &'a Type)>) -> Ordering {
    let (mut a_is_general, mut b_is_general) = (false, false);
    for (a, b) in pairs {
        match compare(a, b) {
            Ordering::Less => a_is_general = true,
            Ordering::Greater => b_is_general = true,
            Ordering::Equal => {}
        }
    }
    b_is_general.cmp(&a_is_general)
}
