//! Answers that mean nothing, put on the wire by a proxy between our host and the torture provider.

use std::fmt::Write;

use cty::{Path, Type, Value};
use model::Diagnostics;
use tfplugin::host::{HostedProvider, Launch};
use tfplugin::{Error, ErrorKind, ImportRequest, ImportTarget, Provider, ReadRequest, ResourceObject};

use crate::support::{call, example, launch_with, object, schema, torture};

/// Writes a field of a message, as bytes of a length.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut length = content.len();
    let mut bytes = vec![number << 3 | 2];
    while length > 0x7f {
        bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap());
    bytes.extend_from_slice(content);
    bytes
}

/// Puts a message into the frame of gRPC.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

/// Starts the torture provider behind a proxy that answers one call with these bytes.
async fn answering(operation: &str, body: &[u8]) -> HostedProvider {
    let hex = body.iter().fold(format!("{operation}="), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let launch = Launch { arguments: vec![torture().into()], ..launch_with(&[("WIRE_ANSWERS", &hex)]) };
    HostedProvider::launch(Launch { program: example("wire-proxy"), ..launch }).await.unwrap()
}

/// Reads a thing whose reading is answered with these bytes; what follows still works.
async fn read_answered(body: &[u8]) -> Result<(ResourceObject, Diagnostics), Error> {
    let provider = answering("ReadResource", body).await;
    let ty = schema(&provider).await.resources["torture_thing"].value_type();
    let value = object(&ty, &[("name", Value::string("a"))]);
    let request = ReadRequest {
        resource_type: "torture_thing".to_owned(),
        object: ResourceObject { value, private: Vec::new(), identity: None },
        provider_meta: None,
    };
    let answer = provider.read_resource(&call(), request).await;
    let ((), diagnostics) =
        provider.validate_resource_config(&call(), "torture_thing", object(&ty, &[])).await.unwrap();
    assert_eq!(diagnostics, []);
    provider.shutdown().await;
    answer
}

/// Reads a thing whose state comes as this msgpack.
async fn refused_state(msgpack: &[u8]) -> String {
    let error = read_answered(&framed(&field(1, &field(1, msgpack)))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    let text = error.to_string();
    assert!(text.starts_with("ReadResource: ") && text.contains("type: torture_thing"), "{text}");
    assert!(text.contains("provider: wire-proxy"), "{text}");
    text
}

/// The type of a thing, one attribute of which is another than the schema says.
fn thing_type(other: Option<(&str, Type)>) -> Type {
    let rule = Type::list(Type::object([("text", Type::String)]));
    let usual = [
        ("id", Type::String),
        ("name", Type::String),
        ("password", Type::String),
        ("rule", rule),
        ("tags", Type::map(Type::String)),
    ];
    Type::object(usual.map(|(name, ty)| match &other {
        Some((changed, ty)) if *changed == name => (name, ty.clone()),
        _ => (name, ty),
    }))
}

fn encoded(ty: &Type, fields: &[(&str, Value)]) -> Vec<u8> {
    cty::msgpack::encode(&object(ty, fields), ty).unwrap()
}

#[tokio::test]
async fn bytes_that_are_no_msgpack_are_refused() {
    let whole =
        encoded(&thing_type(None), &[("rule", Value::null(Type::list(Type::object([("text", Type::String)]))))]);
    for garbage in [&b"\xc1"[..], b"\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", &whole[..whole.len() - 1]] {
        refused_state(garbage).await;
    }
}

#[tokio::test]
async fn values_of_another_type_are_refused() {
    refused_state(b"\xa1a").await;
    let ty = thing_type(Some(("tags", Type::Number)));
    refused_state(&encoded(&ty, &[("tags", Value::number(1_i64))])).await;
    let ty = thing_type(Some(("name", Type::list(Type::String))));
    let names = Value::list(Type::String, vec![Value::string("a")]).unwrap();
    refused_state(&encoded(&ty, &[("name", names)])).await;
}

#[tokio::test]
async fn objects_with_too_few_or_too_many_attributes_are_refused() {
    let one = Type::object([("id", Type::String)]);
    refused_state(&encoded(&one, &[("id", Value::string("x"))])).await;
    let Type::Object(usual) = thing_type(None) else { panic!("a thing is an object") };
    let more = usual.attributes().map(|(name, ty)| (name.to_owned(), ty.clone()));
    let more = Type::object(more.chain([("surprise".to_owned(), Type::String)]));
    refused_state(&encoded(&more, &[])).await;
}

#[tokio::test]
async fn unknown_values_in_what_exists_are_refused() {
    let text = refused_state(&encoded(&thing_type(None), &[("id", Value::unknown(Type::String))])).await;
    assert!(text.contains("unknown value for something that exists"), "{text}");
}

#[tokio::test]
async fn an_answer_without_anything_does_not_mean_gone() {
    let error = read_answered(&framed(b"")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("neither an object nor an error"), "{error}");
}

#[tokio::test]
async fn an_error_is_told_whatever_comes_beside_it() {
    let problem = field(2, &[b"\x08\x01".to_vec(), field(2, b"AccessDenied")].concat());
    let unknown = encoded(&thing_type(None), &[("id", Value::unknown(Type::String))]);
    for state in [b"\xc1".to_vec(), unknown] {
        let body = [field(1, &field(1, &state)), problem.clone(), field(5, &field(1, &field(1, b"\xc1")))].concat();
        let (object, diagnostics) = read_answered(&framed(&body)).await.unwrap();
        assert_eq!(diagnostics[0].summary, "AccessDenied");
        assert!(object.value.is_null());
    }
}

#[tokio::test]
async fn bytes_that_are_no_message_are_refused_at_once() {
    let started = std::time::Instant::now();
    for body in [framed(b"\xff\xff\xff"), framed(&field(2, &field(2, b"\xff\xfe not text")))] {
        let error = read_answered(&body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
        assert!(error.to_string().contains("no message of the protocol"), "{error}");
    }
    assert!(started.elapsed() < std::time::Duration::from_mins(1));
}

#[tokio::test]
async fn a_message_that_claims_to_be_larger_than_256_mebibytes_is_not_waited_for() {
    let error = read_answered(b"\x00\x12\xc0\x00\x00only this").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    assert!(error.to_string().contains("larger than the 256 MiB"), "{error}");
}

#[tokio::test]
async fn a_call_put_off_is_refused() {
    // Field 4 is `deferred`, whose field 1 is the reason: an unknown resource configuration.
    let gone = field(1, &field(1, b"\xc0"));
    let error = read_answered(&framed(&[gone, field(4, b"\x08\x01")].concat())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("put the call off"), "{error}");
}

#[tokio::test]
async fn an_identity_of_another_shape_is_refused() {
    let gone = field(1, &field(1, b"\xc0"));
    let identity = field(5, &field(1, &field(1, b"\x81\xa5other\xa1x")));
    let error = read_answered(&framed(&[gone, identity].concat())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
}

#[tokio::test]
async fn paths_that_lead_nowhere_are_kept_as_far_as_they_say_something() {
    let name = field(1, &field(1, b"tags"));
    let nothing = field(1, b"");
    let key = field(1, &field(2, b"k"));
    let attribute = field(4, &[name, nothing, key].concat());
    let endless = field(4, &field(1, &field(1, b"x")).repeat(100_000 / 25));
    let mut body = Vec::new();
    for path in [attribute, endless] {
        body.extend(field(2, &[b"\x08\x01".to_vec(), field(2, b"wrong"), path].concat()));
    }
    let (_, diagnostics) = read_answered(&framed(&body)).await.unwrap();
    assert_eq!(diagnostics[0].path, Some(Path::new().attr("tags")));
    assert!(diagnostics[1].path.as_ref().unwrap().steps().len() <= 200);
}

#[tokio::test]
async fn an_import_of_a_type_that_does_not_exist_names_it() {
    let imported = field(1, &[field(1, b"torture_surprise"), field(2, &field(1, b"\xc0"))].concat());
    let provider = answering("ImportResourceState", &framed(&imported)).await;
    let request =
        ImportRequest { resource_type: "torture_thing".to_owned(), target: ImportTarget::Id("id-of-a".to_owned()) };
    let error = provider.import_resource_state(&call(), request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownType);
    assert!(error.to_string().contains("torture_surprise"), "{error}");
    provider.shutdown().await;
}
