use std::collections::BTreeMap;

use cty::convert::convert;
use cty::{ErrorKind, Mark, Marks, Type, Value, json, msgpack};

const SECRET: &str = "hunter2";

fn secret() -> Value {
    Value::string(SECRET).mark_sensitive()
}

fn object(value: Value) -> Value {
    Value::object(BTreeMap::from([("open".to_owned(), Value::string("o")), ("password".to_owned(), value)]))
}

#[test]
fn sensitive_values_are_never_shown() {
    let values = [
        secret(),
        object(secret()),
        Value::list(Type::String, vec![secret()]).expect("a list"),
        Value::set(Type::String, vec![secret()]).expect("a set"),
        object(Value::string(SECRET)).mark_sensitive(),
        Value::unknown_refined(Type::String, cty::Refinements::new().string_prefix_full(SECRET))
            .expect("a value")
            .mark_sensitive(),
    ];
    for value in &values {
        assert!(!format!("{value} {value:?} {value:#?}").contains(SECRET), "{value}");
        assert!(value.to_string().contains("(sensitive)"));
    }
    assert_eq!(object(secret()).to_string(), r#"{open = "o", password = (sensitive)}"#);
}

#[test]
fn errors_do_not_repeat_values() {
    let messages = [
        convert(&secret(), &Type::Number).expect_err("no number").to_string(),
        convert(&object(secret()), &Type::map(Type::Number)).expect_err("no map").to_string(),
        msgpack::encode(&object(secret()), &Type::Dynamic).expect_err("marked").to_string(),
        json::encode(&secret(), &Type::String).expect_err("marked").to_string(),
        json::decode(br#"{"a": "hunter2"}"#, &Type::map(Type::Number)).expect_err("no number").to_string(),
        json::decode(br#"["hunter2"]"#, &Type::list(Type::list(Type::String))).expect_err("no list").to_string(),
        json::decode(br#""hunter2" x"#, &Type::String).expect_err("extra").to_string(),
        msgpack::decode(b"\xa7hunter2", &Type::Number).expect_err("no number").to_string(),
        Value::map(Type::Bool, BTreeMap::new()).and_then(|map| map.index(&secret())).expect_err("missing").to_string(),
        secret().add(&Value::from(1i64)).expect_err("no number").to_string(),
    ];
    for message in messages {
        assert!(!message.contains(SECRET), "{message}");
    }
}

#[test]
fn marked_values_do_not_cross_the_wire() {
    let error = msgpack::encode(&object(secret()), &Type::Dynamic).expect_err("marked");
    assert_eq!((error.kind(), error.path().to_string().as_str()), (ErrorKind::Marked, "password"));
}

#[test]
fn marks_follow_values_through_operations() {
    let one = Value::from(1i64).mark_sensitive();
    let two = Value::from(2i64).mark(Mark::Ephemeral);
    let both = Marks::from([Mark::Sensitive, Mark::Ephemeral]);
    assert_eq!(one.add(&two).expect("a sum").marks(), &both);
    assert_eq!(one.less_than(&two).expect("a bool").marks(), &both);
    assert_eq!(one.equals(&two).marks(), &both);
    assert!(secret().equals(&Value::null(Type::String)).is_sensitive());
    assert!(object(secret()).get_attr("password").expect("a string").is_sensitive());
    assert!(!object(secret()).get_attr("open").expect("a string").is_marked());
    assert!(object(Value::string("x")).mark_sensitive().get_attr("open").expect("a string").is_sensitive());
    let list = Value::list(Type::String, vec![Value::string("a"), secret()]).expect("a list");
    assert!(list.index(&Value::from(1i64)).expect("a string").is_sensitive());
    assert!(!list.length().expect("a number").is_marked());
    let set = Value::set(Type::String, vec![Value::string("a"), secret()]).expect("a set");
    assert!(set.is_sensitive() && !set.elements().any(Value::contains_marked));
    let map = convert(&object(secret()), &Type::map(Type::String)).expect("a map");
    assert!(!map.is_marked() && map.index(&Value::string("password")).expect("a string").is_sensitive());
}

#[test]
fn marks_come_off_and_go_back_where_they_were() {
    let marked = object(Value::tuple(vec![secret(), Value::from(1i64).mark(Mark::Named("x".into()))])).mark_sensitive();
    let (bare, found) = marked.unmark_deep_with_paths();
    assert!(!bare.contains_marked());
    let places: Vec<String> = found.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(places, ["", "password[0]", "password[1]"]);
    assert_eq!(bare.mark_with_paths(&found), marked);
    assert_ne!(bare, marked);
}
