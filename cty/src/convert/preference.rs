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
    match (a, b) {
        (Type::Dynamic, Type::Dynamic) => Ordering::Equal,
        (_, Type::Dynamic) => Ordering::Less,
        (Type::Dynamic, _) => Ordering::Greater,
        (Type::String, Type::Number | Type::Bool) => Ordering::Less,
        (Type::Number | Type::Bool, Type::String) => Ordering::Greater,
        (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) | (Type::Map(a), Type::Map(b)) => compare(a, b),
        (Type::List(_), Type::Set(_) | Type::Tuple(_)) | (Type::Tuple(_), Type::Set(_)) => Ordering::Less,
        (Type::Set(_) | Type::Tuple(_), Type::List(_)) | (Type::Set(_), Type::Tuple(_)) => Ordering::Greater,
        (Type::Map(_), Type::Object(_)) => Ordering::Less,
        (Type::Object(_), Type::Map(_)) => Ordering::Greater,
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => compare_all(a.iter().zip(b.iter())),
        (Type::Object(a), Type::Object(b)) => {
            let same_names = a.attributes().map(|(name, _)| name).eq(b.attributes().map(|(name, _)| name));
            if same_names {
                compare_all(a.attributes().map(|(_, ty)| ty).zip(b.attributes().map(|(_, ty)| ty)))
            } else {
                Ordering::Equal
            }
        }
        _ => Ordering::Equal,
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
