//! Whatever the schema and the values: no panic, nothing where nothing differs, and a result in order.

use std::collections::BTreeMap;

use cty::{Type, Value};
use drift::exact::{Examination, Facets, Next, Plan};
use model::{Attribute, Block, NestedBlock, NestingMode, Schema, Tier};
use proptest::prelude::*;

use crate::support::{Code, attribute};

const FLAGS: &[&str] =
    &["required", "optional", "computed", "optional computed", "optional sensitive", "optional write_only"];

fn types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![Just(Type::String), Just(Type::Number), Just(Type::Bool)];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            prop::collection::btree_map("[a-d]", inner, 0..3).prop_map(Type::object),
        ]
    })
}

fn attributes() -> impl Strategy<Value = BTreeMap<String, Attribute>> {
    let one = (types(), 0..FLAGS.len()).prop_map(|(ty, flags)| attribute(&ty.to_json(), FLAGS[flags]));
    prop::collection::btree_map("[a-f]", one, 0..4)
}

fn blocks() -> impl Strategy<Value = Block> {
    let leaf = attributes().prop_map(|attributes| Block { attributes, ..Block::default() });
    leaf.prop_recursive(2, 6, 2, |inner| {
        let nesting = prop_oneof![
            Just(NestingMode::Single),
            Just(NestingMode::Group),
            Just(NestingMode::List),
            Just(NestingMode::Set),
            Just(NestingMode::Map)
        ];
        let nested = (nesting, inner, 0..2u64).prop_map(|(nesting, block, min_items)| NestedBlock {
            nesting,
            block,
            min_items,
            max_items: 0,
        });
        (attributes(), prop::collection::btree_map("[u-z]", nested, 0..3)).prop_map(|(attributes, blocks)| Block {
            attributes,
            blocks,
            ..Block::default()
        })
    })
}

/// Makes a value of a type out of bytes; unknown values where they are allowed.
fn value(ty: &Type, bytes: &mut impl Iterator<Item = u8>, with_unknown: bool) -> Value {
    let byte = bytes.next().unwrap_or(1);
    if byte.is_multiple_of(11) {
        return Value::null(ty.clone());
    }
    if with_unknown && byte.is_multiple_of(13) {
        return Value::unknown(ty.clone());
    }
    let mut several = |ty: &Type| (0..byte % 4).map(|_| value(ty, bytes, with_unknown)).collect::<Vec<_>>();
    match ty {
        Type::String => Value::string(["", "a", "b", r#"{"Statement":[{"Effect":"Allow"}]}"#][usize::from(byte % 4)]),
        Type::Number => Value::number(u64::from(byte % 3)),
        Type::Bool => Value::bool(byte.is_multiple_of(2)),
        Type::List(element) => Value::list(Type::clone(element), several(element)).expect("one type"),
        Type::Set(element) => Value::set(Type::clone(element), several(element)).expect("one type"),
        Type::Map(element) => {
            let entries = several(element).into_iter().zip(["k", "l", "m"]).map(|(value, key)| (key.to_owned(), value));
            Value::map(Type::clone(element), entries.collect()).expect("one type")
        }
        Type::Object(object) => Value::object(
            object.attributes().map(|(name, ty)| (name.to_owned(), value(ty, bytes, with_unknown))).collect(),
        ),
        Type::Tuple(_) | Type::Dynamic => Value::null(ty.clone()),
    }
}

fn object(block: &Block, bytes: &[u8], with_unknown: bool) -> Value {
    let mut bytes = bytes.iter().copied();
    loop {
        let made = value(&block.value_type(), &mut bytes, with_unknown);
        if !made.is_null() && made.is_known() {
            return made;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_schema_and_no_value_is_too_strange(
        block in blocks(),
        recorded in prop::collection::vec(any::<u8>(), 0..48),
        observed in prop::collection::vec(any::<u8>(), 0..48),
        planned in prop::collection::vec(any::<u8>(), 0..48),
        code in prop_oneof![Just(None), Just(Some("a, b, u, x.a")), Just(Some("c, !a, !u"))],
        config in prop::option::of(prop::collection::vec(any::<u8>(), 0..48)),
        refuses in any::<bool>(),
    ) {
        let schema = Schema { version: 1, block };
        let recorded = object(&schema.block, &recorded, false);
        let observed = object(&schema.block, &observed, false);
        let plan = Plan {
            planned: object(&schema.block, &planned, true),
            requires_replace: Vec::new(),
            is_legacy_type_system: false,
        };
        let code = code.map(Code);
        let config = config.map(|bytes| object(&schema.block, &bytes, true));
        let address = "test_thing.x".parse().expect("an address");
        let json = cty::json::encode(&recorded, recorded.ty()).expect("it is known");
        let facets = Facets {
            address: &address,
            schema: &schema,
            recorded_json: &json,
            recorded: &recorded,
            observed: &observed,
            declared: code.as_ref().map(|code| code as &dyn drift::DeclaredArguments),
            config: config.as_ref(),
        };
        let (mut examination, mut next) = Examination::begin(facets);
        let mut n_plans = 0;
        let found = loop {
            match next {
                Next::Done(found) => break found,
                Next::Plan(question) => {
                    n_plans += 1;
                    prop_assert!(n_plans <= 4);
                    prop_assert_eq!(question.config.ty(), &schema.value_type());
                    prop_assert_eq!(question.proposed.ty(), &schema.value_type());
                    next = examination.answer(if refuses { Err("No.".to_owned()) } else { Ok(plan.clone()) });
                }
            }
        };
        let paths: Vec<String> = found.iter().map(|difference| difference.path.to_string()).collect();
        prop_assert!(paths.is_sorted());
        for difference in &found {
            prop_assert!(!difference.is_security_relevant || difference.tier == Tier::Undeclared);
        }
    }

    #[test]
    fn nothing_differs_from_itself(block in blocks(), bytes in prop::collection::vec(any::<u8>(), 0..48)) {
        let schema = Schema { version: 1, block };
        let recorded = object(&schema.block, &bytes, false);
        let address = "test_thing.x".parse().expect("an address");
        let facets = Facets {
            address: &address,
            schema: &schema,
            recorded_json: b"{}",
            recorded: &recorded,
            observed: &recorded.clone(),
            declared: None,
            config: None,
        };
        prop_assert_eq!(Examination::begin(facets).1, Next::Done(Vec::new()));
    }
}
