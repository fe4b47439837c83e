//! Random types and values of them, for proptest.

use std::collections::BTreeMap;

use cty::{Number, Refinements, Type, Value};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// A type with a value that a reader of that type can be sent.
pub(crate) fn typed_value() -> impl Strategy<Value = (Type, Value)> {
    (concrete_type(), any::<bool>()).prop_flat_map(|(ty, is_dynamic)| {
        let wanted = if is_dynamic { Type::Dynamic } else { ty.clone() };
        value_of(&ty).prop_map(move |value| (wanted.clone(), value))
    })
}

/// Characters that Unicode has had for long: of later ones, Go and Rust do not agree which can be printed.
const CHARACTERS: &str =
    "[\0-~\u{a0}-\u{17f}\u{300}-\u{34e}Α-Ωа-я\u{1100}-\u{11ff}一-龥가-힣\u{e000}\u{fb01}\u{1f600}-\u{1f64f}]";

fn characters(least: usize, most: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("{CHARACTERS}{{{least},{most}}}")).expect("a regular expression")
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("id".to_owned()), Just("tags".to_owned()), "[a-z_]{1,3}".prop_map(|name| name), characters(1, 4)]
}

fn concrete_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![Just(Type::String), Just(Type::Number), Just(Type::Bool)];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            vec(inner.clone(), 0..4).prop_map(Type::tuple),
            btree_map(name(), inner, 0..4).prop_map(Type::object),
        ]
    })
}

/// Numbers but for negative zero, which arrives as zero and may then be in a set already.
pub(crate) fn number() -> impl Strategy<Value = Number> {
    let number = prop_oneof![
        (-200i64..200).prop_map(Number::from_i64),
        any::<i64>().prop_map(Number::from_i64),
        any::<u64>().prop_map(Number::from_u64),
        any::<f64>().prop_filter_map("no NaN", |double| Number::from_f64(double).ok()),
        "-?[0-9]{1,40}(\\.[0-9]{1,40})?(e-?[0-9]{1,2})?".prop_map(|text| Number::parse(&text).expect("a number")),
    ];
    number.prop_map(|number| if number.is_zero() { Number::from_i64(0) } else { number })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z:/-]{0,12}".prop_map(|text| text),
        characters(0, 40),
        Just("e\u{301}".to_owned()),
        characters(250, 300),
    ]
}

/// Anything of the type: mostly known, sometimes null, unknown or refined.
fn value_of(ty: &Type) -> BoxedStrategy<Value> {
    prop_oneof![
        12 => known_of(ty),
        1 => Just(Value::null(ty.clone())),
        1 => Just(Value::unknown(ty.clone())),
        1 => refined_of(ty),
    ]
    .boxed()
}

fn known_of(ty: &Type) -> BoxedStrategy<Value> {
    let ty = ty.clone();
    match &ty {
        Type::String => text().prop_map(Value::string).boxed(),
        Type::Number => number().prop_map(Value::number).boxed(),
        Type::Bool => any::<bool>().prop_map(Value::bool).boxed(),
        Type::Dynamic => Just(Value::dynamic()).boxed(),
        Type::List(element) | Type::Set(element) => {
            let (element, is_set) = (Type::clone(element), ty.is_set());
            vec(value_of(&element), 0..5)
                .prop_map(move |elements| {
                    let make = if is_set { Value::set } else { Value::list };
                    make(element.clone(), elements).expect("elements of one type")
                })
                .boxed()
        }
        Type::Map(element) => {
            let element = Type::clone(element);
            btree_map(text(), value_of(&element), 0..5)
                .prop_map(move |entries| Value::map(element.clone(), entries).expect("elements of one type"))
                .boxed()
        }
        Type::Tuple(types) => types.iter().map(value_of).collect::<Vec<_>>().prop_map(Value::tuple).boxed(),
        Type::Object(object) => {
            let names: Vec<String> = object.attributes().map(|(name, _)| name.to_owned()).collect();
            let values: Vec<_> = object.attributes().map(|(_, ty)| value_of(ty)).collect();
            values
                .prop_map(move |values| {
                    Value::object(names.iter().cloned().zip(values).collect::<BTreeMap<String, Value>>())
                })
                .boxed()
        }
    }
}

fn refined_of(ty: &Type) -> BoxedStrategy<Value> {
    let ty = ty.clone();
    let refinements = match &ty {
        Type::String => text().prop_map(|text| Refinements::new().string_prefix(&text)).boxed(),
        Type::Number => (number(), number(), any::<bool>())
            .prop_map(|(a, b, inclusive)| {
                let (low, high) = if a.compare(&b).is_lt() { (a, b) } else { (b, a) };
                Refinements::new().number_min(low, true).number_max(high, inclusive)
            })
            .boxed(),
        collection if collection.is_collection() => {
            (0u64..3, 0u64..3).prop_map(|(min, more)| Refinements::new().length_min(min).length_max(min + more)).boxed()
        }
        _ => Just(Refinements::new()).boxed(),
    };
    (refinements, any::<bool>())
        .prop_map(move |(refinements, not_null)| {
            let refinements = if not_null { refinements.not_null() } else { refinements };
            Value::unknown_refined(ty.clone(), refinements).unwrap_or_else(|_| Value::unknown(ty.clone()))
        })
        .boxed()
}
