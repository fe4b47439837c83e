//! Records that change their shape: identities of older versions, objects of other types, configurations made of states.

use std::collections::BTreeMap;

use cty::Value;
use model::Identity;
use tfplugin::{
    ErrorKind, GenerateRequest, ImportRequest, ImportTarget, MoveRequest, Provider, UpgradeIdentityRequest,
};

use crate::support::{call, field, object, schema, start};

fn thing() -> String {
    "torture_thing".to_owned()
}

#[tokio::test]
async fn an_identity_of_an_older_version_is_upgraded() {
    let provider = start().await;
    let request = UpgradeIdentityRequest { resource_type: thing(), version: 0, json: br#"{"title":"old"}"#.to_vec() };
    let (identity, diagnostics) = provider.upgrade_resource_identity(&call(), request).await.unwrap();
    assert_eq!(diagnostics, []);
    assert_eq!(identity.version, 1);
    assert_eq!(field(&identity.value, "name"), Value::string("old"));
    let request = UpgradeIdentityRequest { resource_type: "torture_echo".to_owned(), version: 0, json: Vec::new() };
    let error = provider.upgrade_resource_identity(&call(), request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownType);
    provider.shutdown().await;
}

#[tokio::test]
async fn an_identity_of_another_version_is_not_sent() {
    let provider = start().await;
    let value = Value::object(BTreeMap::from([("name".to_owned(), Value::string("a"))]));
    let target = ImportTarget::Identity(Identity { version: 0, value });
    let request = ImportRequest { resource_type: thing(), target };
    let error = provider.import_resource_state(&call(), request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("upgraded first"), "{error}");
    provider.shutdown().await;
}

#[tokio::test]
async fn an_object_of_another_type_is_taken_over() {
    let provider = start().await;
    let move_of = |json: &str| MoveRequest {
        source_provider: "registry.terraform.io/other/other".parse().unwrap(),
        source_type: "other_thing".to_owned(),
        source_version: 4,
        source_json: json.as_bytes().to_vec(),
        source_private: b"p".to_vec(),
        source_identity: Some((2, br#"{"label":"a"}"#.to_vec())),
        target_type: thing(),
    };
    let (moved, diagnostics) = provider.move_resource_state(&call(), move_of(r#"{"label":"a"}"#)).await.unwrap();
    assert_eq!(diagnostics, []);
    assert_eq!(field(&moved.value, "name"), Value::string("a"));
    assert_eq!(moved.private, b"pm");
    assert_eq!(field(&moved.identity.unwrap().value, "name"), Value::string("a"));
    let (moved, diagnostics) = provider.move_resource_state(&call(), move_of("{}")).await.unwrap();
    assert!(moved.value.is_null());
    assert!(diagnostics[0].detail.contains("other_thing of registry.terraform.io/other/other"), "{diagnostics:?}");
    provider.shutdown().await;
}

#[tokio::test]
async fn a_configuration_is_made_of_a_state() {
    let provider = start().await;
    let schema = schema(&provider).await;
    assert!(schema.generates_config);
    let ty = schema.resources["torture_thing"].value_type();
    let state = object(&ty, &[("id", Value::string("id-of-a")), ("name", Value::string("a"))]);
    let request = GenerateRequest { resource_type: thing(), state };
    let (config, diagnostics) = provider.generate_resource_config(&call(), request).await.unwrap();
    assert_eq!(diagnostics, []);
    assert!(field(&config, "id").is_null());
    assert_eq!(field(&config, "name"), Value::string("a"));
    provider.shutdown().await;
}
