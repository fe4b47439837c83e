//! What surprises about go-cty's values, one by one.

use std::collections::BTreeMap;

use cty::convert::{convert, unify};
use cty::{ErrorKind, Refinements, Type, Value, json, msgpack};

fn object<const N: usize>(attributes: [(&str, Value); N]) -> Value {
    Value::object(attributes.map(|(name, value)| (name.to_owned(), value)).into())
}

fn number(text: &str) -> Value {
    convert(&Value::string(text), &Type::Number).expect("a number")
}

#[test]
fn a_set_of_numbers_is_ordered_by_value_and_one_of_objects_by_text() {
    let numbers = [10i64, 9, 2].map(Value::from);
    let set = Value::set(Type::Number, numbers.to_vec()).expect("a set");
    assert_eq!(set.to_string(), "[2, 9, 10]");
    let objects = numbers.map(|number| object([("n", number)])).to_vec();
    let set = Value::set(Type::object([("n", Type::Number)]), objects).expect("a set");
    assert_eq!(set.to_string(), "[{n = 10}, {n = 2}, {n = 9}]");
}

#[test]
fn unknown_elements_of_a_set_are_never_duplicates() {
    let elements =
        vec![Value::unknown(Type::String), Value::string("a"), Value::string("a"), Value::unknown(Type::String)];
    let set = Value::set(Type::String, elements).expect("a set");
    assert_eq!(set.len(), 3);
    let length = set.length().expect("a length");
    assert_eq!(format!("{length:?}"), "(known after apply) as number where not null, at least 1, at most 3");
    assert_eq!(set.equals(&set).as_bool(), None);
}

#[test]
fn the_same_decimal_encodes_as_its_source_had_it() {
    let (text, double) = (number("0.1"), Value::number(cty::Number::from_f64(0.1).expect("a number")));
    assert_eq!(text, double);
    assert_eq!(msgpack::encode(&text, &Type::Number).expect("bytes"), b"\xa30.1");
    assert_eq!(msgpack::encode(&double, &Type::Number).expect("bytes"), b"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a");
}

#[test]
fn strings_and_names_are_normalized() {
    assert_eq!(Value::string("e\u{301}").as_str(), Some("\u{e9}"));
    let ty = Type::object([("e\u{301}", Type::String)]);
    assert_eq!(ty.to_json(), "[\"object\",{\"\u{e9}\":\"string\"}]");
    let value = json::decode("{\"e\u{301}\": \"x\"}".as_bytes(), &ty).expect("a value");
    assert_eq!(value.get_attr("e\u{301}").expect("an attribute").as_str(), Some("x"));
}

#[test]
fn nulls_keep_their_type_where_any_type_may_stand() {
    let bytes = |value: &Value| msgpack::encode(value, &Type::Dynamic).expect("bytes");
    assert_eq!(bytes(&Value::null(Type::Dynamic)), b"\xc0");
    assert_eq!(bytes(&Value::null(Type::String)), b"\x92\xc4\x08\"string\"\xc0");
    assert!(Value::null(Type::String) != Value::null(Type::Number));
    assert_eq!(Value::null(Type::String).equals(&Value::null(Type::Number)).as_bool(), Some(true));
}

#[test]
fn errors_say_where() {
    let ty = Type::object([("tags", Type::map(Type::list(Type::Number)))]);
    let error = json::decode(br#"{"tags": {"Name": [1, true]}}"#, &ty).expect_err("no number");
    assert_eq!(error.to_string(), r#"tags["Name"][1]: a number is required, but a bool is given"#);
    let error = json::decode(b"{\"tags\":\n {\"a\" 1}}", &ty).expect_err("no JSON");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Syntax, "a colon is expected at line 2 column 7"));
    let error = msgpack::decode(b"\x81\xa4tags\x81\xa1a\x91\xa1x", &ty).expect_err("no number");
    assert_eq!(error.to_string(), r#"tags["a"][0]: a number is required"#);
    let odd = object([("a.b", Value::tuple(vec![Value::string("x")]))]);
    let error = convert(&odd, &Type::object([("a.b", Type::list(Type::Number))])).expect_err("no number");
    assert_eq!(error.to_string(), r#"["a.b"][0]: a number is required"#);
}

#[test]
fn an_object_on_the_wire_has_every_attribute_once() {
    let ty = Type::object([("a", Type::Bool), ("b", Type::Bool)]);
    for bytes in [b"\x81\xa1a\xc3".as_slice(), b"\x82\xa1a\xc3\xa1a\xc3", b"\x82\xa1a\xc3\xa1c\xc3", b"\x80"] {
        assert_eq!(msgpack::decode(bytes, &ty).expect_err("attributes are wrong").kind(), ErrorKind::Type);
    }
    // JSON may leave attributes out.
    assert_eq!(json::decode(b"{}", &ty).expect("a value").to_string(), "{a = null, b = null}");
}

#[test]
fn elements_of_unknown_type_take_the_type_of_the_others() {
    let ty = Type::list(Type::Dynamic);
    let list = Value::list(Type::Dynamic, vec![Value::null(Type::Dynamic), Value::from(1i64)]).expect("a list");
    assert_eq!(list.ty(), &Type::list(Type::Number));
    let mixed = b"\x92\x92\xc4\x08\"string\"\xa1x\x92\xc4\x06\"bool\"\xc3";
    assert_eq!(msgpack::decode(mixed, &ty).expect_err("two types").kind(), ErrorKind::Type);
}

#[test]
fn optional_attributes_are_filled_in_and_others_dropped() {
    let want = Type::object_with_optional([("a", Type::String), ("b", Type::list(Type::String))], ["b"]);
    let given = object([("a", Value::from(1i64)), ("c", Value::bool(true))]);
    let value = convert(&given, &want).expect("a value");
    assert_eq!(value.to_string(), r#"{a = "1", b = null}"#);
    assert_eq!(value.ty(), &Type::object([("a", Type::String), ("b", Type::list(Type::String))]));
    let error = convert(&object([("b", Value::null(Type::Dynamic))]), &want).expect_err("a is missing");
    assert_eq!(error.to_string(), "attribute \"a\" is required");
}

#[test]
fn what_is_known_survives_conversion() {
    let tuple = Value::unknown(Type::tuple([Type::String, Type::String])).refine(&Refinements::new().not_null());
    let list = convert(&tuple.expect("a value"), &Type::list(Type::String)).expect("a list");
    assert_eq!(list.to_string(), "[(known after apply), (known after apply)]");
    let least = Value::unknown_refined(Type::list(Type::String), Refinements::new().length_min(3)).expect("a value");
    let set = convert(&least, &Type::set(Type::String)).expect("a set");
    assert_eq!(set.refinements().map(Refinements::min_length), Some(1));
}

#[test]
fn refinements_that_leave_one_value_make_it_known() {
    let refined = |ty, refinements| Value::unknown_refined(ty, refinements).expect("a value");
    let seven = Refinements::new().not_null().number_min(7i64, true).number_max(7i64, true);
    assert_eq!(refined(Type::Number, seven.clone()), Value::from(7i64));
    let empty = Refinements::new().not_null().length_max(0);
    assert_eq!(refined(Type::map(Type::String), empty).to_string(), "{}");
    for contradiction in [
        Refinements::new().number_min(2i64, true).number_max(1i64, true),
        Refinements::new().number_min(1i64, true).number_max(1i64, false),
        Refinements::new().string_prefix("a string"),
        Refinements::new().length_min(1),
    ] {
        assert!(Value::unknown_refined(Type::Number, contradiction).is_err());
    }
    assert_eq!(Value::from(7i64).refine(&seven).expect("it holds"), Value::from(7i64));
    assert!(Value::from(8i64).refine(&seven).is_err());
}

#[test]
fn a_known_prefix_is_cut_where_more_could_change_it() {
    for (text, prefix) in [("arn:", "arn:"), ("vpc-12", "vpc-1"), ("café", "caf"), ("a<", "a"), ("", ""), ("x", "")] {
        assert_eq!(Refinements::new().string_prefix(text).prefix(), prefix, "{text}");
        assert_eq!(Refinements::new().string_prefix_full(text).prefix(), text);
    }
}

#[test]
fn types_unify_to_the_most_general_one() {
    let object = |ty| Type::object([("a", ty)]);
    assert_eq!(unify(&[object(Type::Number), object(Type::String)]), Some(object(Type::String)));
    assert_eq!(
        unify(&[object(Type::Number), Type::object([("b", Type::Bool)])]),
        None,
        "neither number nor bool is the other, and no string is among them"
    );
    assert_eq!(unify(&[object(Type::Number), Type::map(Type::String)]), Some(Type::map(Type::String)));
    assert_eq!(unify(&[Type::tuple([Type::Bool]), Type::list(Type::String)]), Some(Type::list(Type::String)));
    assert_eq!(unify(&[Type::list(Type::Bool), Type::Dynamic]), Some(Type::Dynamic));
    assert_eq!(unify(&[]), None);
}

#[test]
fn a_map_becomes_an_object_only_with_the_keys_it_needs() {
    let map = Value::map(Type::String, BTreeMap::from([("a".to_owned(), Value::string("1"))])).expect("a map");
    assert_eq!(convert(&map, &Type::object([("a", Type::Number)])).expect("an object").to_string(), "{a = 1}");
    let error = convert(&map, &Type::object([("b", Type::Number)])).expect_err("b is missing");
    assert_eq!(error.to_string(), "map has no element for required attribute \"b\"");
}
