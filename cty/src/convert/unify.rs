use super::Safety;
use super::conversion::plan;
use super::preference::by_preference;
use crate::types::{ObjectType, Type};

/// Finds the type that all the types convert to; nothing where there is none, or no type is given.
pub(super) fn unify(types: &[Type], safety: Safety) -> Option<Type> {
    if types.is_empty() {
        return None;
    }
    let count = |is_kind: fn(&Type) -> bool| types.iter().filter(|ty| is_kind(ty)).count();
    let n_dynamic = count(|ty| *ty == Type::Dynamic);
    let n_maps = count(|ty| matches!(ty, Type::Map(_)));
    let n_lists = count(|ty| matches!(ty, Type::List(_)));
    let n_sets = count(|ty| matches!(ty, Type::Set(_)));
    let n_objects = count(|ty| matches!(ty, Type::Object(_)));
    let n_tuples = count(|ty| matches!(ty, Type::Tuple(_)));
    let are_all = |n_of_kinds: usize| n_of_kinds + n_dynamic == types.len();
    if n_maps > 0 && are_all(n_maps) || n_lists > 0 && are_all(n_lists) || n_sets > 0 && are_all(n_sets) {
        return unify_collections(types, n_dynamic > 0, safety);
    }
    if n_maps > 0 && are_all(n_maps + n_objects) {
        // Objects are often maps in disguise.
        if let Some(ty) = unify_as_collections(types, safety) {
            return Some(ty);
        }
    } else if n_lists > 0 && are_all(n_lists + n_tuples) {
        // Tuples are often lists in disguise.
        if let Some(ty) = unify_as_collections(types, safety) {
            return Some(ty);
        }
    } else if n_objects > 0 && are_all(n_objects) {
        return if n_dynamic > 0 { Some(Type::Dynamic) } else { unify_objects(types, safety) };
    } else if n_tuples > 0 && are_all(n_tuples) {
        return if n_dynamic > 0 { Some(Type::Dynamic) } else { unify_tuples(types, safety) };
    } else if n_objects > 0 && n_tuples > 0 {
        return None;
    }
    let preferred = by_preference(types).into_iter().map(|index| &types[index]);
    preferred.into_iter().find(|want| all_convert(types, want, safety)).cloned()
}

fn all_convert(types: &[Type], want: &Type, safety: Safety) -> bool {
    types.iter().all(|ty| ty == want || plan(ty, want, safety).is_some())
}

/// Unifies collections of one kind by their element types.
fn unify_collections(types: &[Type], has_dynamic: bool, safety: Safety) -> Option<Type> {
    if has_dynamic {
        // What the unknown types turn out to be may change everything.
        return Some(Type::Dynamic);
    }
    let element_types: Vec<Type> = types.iter().filter_map(|ty| ty.element_type().cloned()).collect();
    let element = unify(&element_types, safety)?;
    let unified = match types.first()? {
        Type::Map(_) => Type::map(element),
        Type::Set(_) => Type::set(element),
        _ => Type::list(element),
    };
    all_convert(types, &unified, safety).then_some(unified)
}

/// Unifies a mixture of maps and objects, or of lists and tuples, as maps or lists.
fn unify_as_collections(types: &[Type], safety: Safety) -> Option<Type> {
    let structures: Vec<Type> =
        types.iter().filter(|ty| matches!(ty, Type::Object(_) | Type::Tuple(_))).cloned().collect();
    let collection = structures_to_collection(&structures, safety)?;
    let replaced: Vec<Type> = types
        .iter()
        .map(|ty| if matches!(ty, Type::Object(_) | Type::Tuple(_)) { collection.clone() } else { ty.clone() })
        .collect();
    unify(&replaced, safety).filter(|unified| matches!(unified, Type::Map(_) | Type::List(_)))
}

fn unify_objects(types: &[Type], safety: Safety) -> Option<Type> {
    let objects: Vec<&ObjectType> = types.iter().filter_map(Type::as_object).collect();
    let (first, others) = objects.split_first()?;
    let names = || first.attributes().map(|(name, _)| name);
    if !others.iter().all(|object| object.attributes().map(|(name, _)| name).eq(names())) {
        return structures_to_collection(types, safety);
    }
    let mut attributes = Vec::with_capacity(first.len());
    for name in names() {
        let across: Vec<Type> = objects.iter().filter_map(|object| object.get(name).cloned()).collect();
        attributes.push((name, unify(&across, safety)?));
    }
    let unified = Type::object(attributes);
    if all_convert(types, &unified, safety) { Some(unified) } else { structures_to_collection(types, safety) }
}

fn unify_tuples(types: &[Type], safety: Safety) -> Option<Type> {
    let tuples: Vec<&[Type]> = types
        .iter()
        .filter_map(|ty| match ty {
            Type::Tuple(elements) => Some(&**elements),
            _ => None,
        })
        .collect();
    let (first, others) = tuples.split_first()?;
    if others.iter().any(|elements| elements.len() != first.len()) {
        return structures_to_collection(types, safety);
    }
    let mut elements = Vec::with_capacity(first.len());
    for index in 0..first.len() {
        let across: Vec<Type> = tuples.iter().map(|elements| elements[index].clone()).collect();
        elements.push(unify(&across, safety)?);
    }
    let unified = Type::tuple(elements);
    if all_convert(types, &unified, safety) { Some(unified) } else { structures_to_collection(types, safety) }
}

/// Finds the map that objects, or the list that tuples, convert to.
fn structures_to_collection(types: &[Type], safety: Safety) -> Option<Type> {
    let parts: Vec<Type> = types
        .iter()
        .flat_map(|ty| match ty {
            Type::Object(object) => object.attributes().map(|(_, ty)| ty.clone()).collect(),
            Type::Tuple(elements) => elements.to_vec(),
            _ => Vec::new(),
        })
        .collect();
    let element = unify(&parts, safety)?;
    let is_object = types.first()?.as_object().is_some();
    let unified = if is_object { Type::map(element) } else { Type::list(element) };
    all_convert(types, &unified, safety).then_some(unified)
}
