//! Values that get lost or bent on the wire.

use std::collections::BTreeMap;

use cty::{Number, Path, Type, Value};
use tfplugin::{Provider, ReadRequest, ResourceObject, UpgradeRequest};

use crate::support::{call, echo, field, object, schema, start};

#[tokio::test]
async fn numbers_that_travel_as_strings_arrive() {
    let provider = start().await;
    for text in ["0.1", "3.14", "1e30", "12345678901234567890", "9223372036854775808", "-0.000001", "5", "1.5"] {
        let number = Value::number(Number::parse(text).unwrap());
        let found = echo(&provider, &[("number", number.clone())]).await;
        assert_eq!(field(&found, "number"), number, "{text}");
    }
    provider.shutdown().await;
}

#[tokio::test]
async fn refined_unknowns_are_validated() {
    let provider = start().await;
    let ty = schema(&provider).await.data_sources["torture_echo"].value_type();
    let unknown = cty::msgpack::decode(
        &[0xc7, 0x0c, 0x0c, 0x82, 0x01, 0xc2, 0x02, 0xa7, b'a', b'm', b'i', b'-', b'0', b'0', b'0'],
        &Type::String,
    )
    .unwrap();
    assert!(unknown.refinements().is_some(), "the text of the test is refined");
    let config = object(&ty, &[("text", unknown), ("number", Value::unknown(Type::Number)), ("any", Value::dynamic())]);
    let ((), diagnostics) = provider.validate_data_source_config(&call(), "torture_echo", config).await.unwrap();
    assert_eq!(diagnostics, []);
    provider.shutdown().await;
}

#[tokio::test]
async fn a_null_of_a_type_and_a_null_of_no_type_differ() {
    let provider = start().await;
    for value in [
        Value::null(Type::Dynamic),
        Value::null(Type::list(Type::String)),
        Value::string("text"),
        Value::tuple(vec![Value::bool(true), Value::number(1_i64)]),
        Value::object(BTreeMap::from([("deep".to_owned(), Value::null(Type::Number))])),
    ] {
        let found = field(&echo(&provider, &[("any", value.clone())]).await, "any");
        assert_eq!((found.ty(), &found), (value.ty(), &value));
    }
    provider.shutdown().await;
}

#[tokio::test]
async fn absent_blocks_are_empty_and_a_group_is_never_null() {
    let provider = start().await;
    let found = echo(&provider, &[]).await;
    for name in ["block_list", "block_set", "block_map"] {
        let blocks = field(&found, name);
        assert!(!blocks.is_null() && blocks.is_empty(), "{name}: {blocks:?}");
    }
    assert!(field(&found, "block_single").is_null());
    assert!(field(&field(&found, "block_group"), "text").is_null());
    provider.shutdown().await;
}

#[tokio::test]
async fn blocks_left_null_by_a_provider_arrive_empty() {
    let provider = start().await;
    let request = tfplugin::ImportRequest {
        resource_type: "torture_thing".to_owned(),
        target: tfplugin::ImportTarget::Id("id-of-a".to_owned()),
    };
    let (imported, _) = provider.import_resource_state(&call(), request).await.unwrap();
    let rules = field(&imported[0].object.value, "rule");
    assert!(!rules.is_null() && rules.is_empty(), "{rules:?}");
    provider.shutdown().await;
}

#[tokio::test]
async fn nested_attributes_keep_their_shape() {
    let provider = start().await;
    let element = Value::object(BTreeMap::from([
        ("key".to_owned(), Value::string("k")),
        ("value".to_owned(), Value::number(1_i64)),
    ]));
    let list = Value::list(element.ty().clone(), vec![element.clone()]).unwrap();
    let map = Value::map(element.ty().clone(), BTreeMap::from([("a.b ${x}".to_owned(), element.clone())])).unwrap();
    let fields = [("nested_list", list), ("nested_map", map), ("nested_single", element)];
    let found = echo(&provider, &fields).await;
    for (name, value) in fields {
        assert_eq!(field(&found, name), value, "{name}");
    }
    provider.shutdown().await;
}

#[tokio::test]
async fn diagnostics_say_where() {
    let provider = start().await;
    let ty = schema(&provider).await.data_sources["torture_echo"].value_type();
    let reasons = BTreeMap::from([("a key".to_owned(), Value::string("It is refused."))]);
    let config = object(&ty, &[("refuse", Value::map(Type::String, reasons).unwrap())]);
    let ((), diagnostics) = provider.validate_data_source_config(&call(), "torture_echo", config).await.unwrap();
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].path, Some(Path::new().attr("refuse").index(Value::string("a key"))));
    assert_eq!(diagnostics[0].summary, "Refused on request");
    assert_eq!(diagnostics[0].detail, "It is refused.");
    provider.shutdown().await;
}

#[tokio::test]
async fn five_mebibytes_of_state_arrive_and_return() {
    let provider = start().await;
    let ty = schema(&provider).await.resources["torture_thing"].value_type();
    let long = "y".repeat(5 << 20);
    let value = object(&ty, &[("name", Value::string(long.clone()))]);
    let request = ReadRequest {
        resource_type: "torture_thing".to_owned(),
        object: ResourceObject { value, private: Vec::new(), identity: None },
        provider_meta: None,
    };
    let (object, _) = provider.read_resource(&call(), request).await.unwrap();
    assert_eq!(field(&object.value, "name").as_str(), Some(long.as_str()));
    provider.shutdown().await;
}

#[tokio::test]
async fn a_schema_beyond_four_mebibytes_arrives() {
    let provider = tfplugin::host::HostedProvider::launch(crate::support::launch_with(&[("TORTURE_SCHEMA_MIB", "5")]))
        .await
        .unwrap();
    let schema = schema(&provider).await;
    assert_eq!(schema.provider.block.attributes["label"].description.len(), 5 << 20);
    provider.shutdown().await;
}

#[tokio::test]
async fn old_states_are_upgraded() {
    let provider = start().await;
    let request = UpgradeRequest {
        resource_type: "torture_thing".to_owned(),
        version: 1,
        json: br#"{"id":"1","title":"old","password":null,"tags":{"a":"b"},"rule":[]}"#.to_vec(),
    };
    let (upgraded, _) = provider.upgrade_resource_state(&call(), request).await.unwrap();
    assert_eq!(field(&upgraded, "name"), Value::string("old"));
    provider.shutdown().await;
}
