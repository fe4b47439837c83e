//! What is refused, and how; what one instance holds.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use cty::{Path, Type, Value};
use model::{Diagnostics, ResourceMode};
use tfstate::Contents;
use tfstate::format::{
    Attributes, CheckStatus, CheckedKind, InstanceObject, OutputValue, decode_attribute, decode_attributes,
    decode_checks,
};

fn read(bytes: &[u8]) -> (Contents, Diagnostics) {
    let file: Arc<str> = "test.tfstate".into();
    tfstate::index::read(&mut &*bytes, &file).unwrap()
}

/// Checks that the bytes are refused with exactly these codes, each with a detail and a place.
fn refused(bytes: impl AsRef<[u8]>, codes: &[&str]) -> Diagnostics {
    let (reading, diagnostics) = read(bytes.as_ref());
    let found: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(found, codes, "{}", String::from_utf8_lossy(bytes.as_ref()));
    assert!(matches!(reading, Contents::Rejected));
    for diagnostic in &diagnostics {
        assert!(diagnostic.span.is_some() && diagnostic.detail.ends_with('.'), "{diagnostic}");
        assert!(!diagnostic.summary.ends_with('.'), "{diagnostic}");
    }
    diagnostics
}

fn state(resources: &str) -> String {
    format!(r#"{{"version": 4, "serial": 3, "lineage": "l", "resources": [{resources}]}}"#)
}

fn resource(instances: &str) -> String {
    let provider = r#""provider": "provider[\"registry.terraform.io/hashicorp/aws\"]""#;
    state(&format!(r#"{{"mode": "managed", "type": "aws_x", "name": "y", {provider}, "instances": [{instances}]}}"#))
}

#[test]
fn look_alikes_are_named() {
    refused(include_bytes!("states/backend-pointer.tfstate"), &["state-backend-pointer"]);
    refused(include_bytes!("states/tofu-1.12.6-encrypted.tfstate"), &["state-encrypted"]);
    refused(include_bytes!("states/version-3.tfstate"), &["state-old-version"]);
    refused(r#"{"version": 5, "resources": {"a": 1}}"#, &["state-newer-version"]);
    refused(r#"{"version": "four"}"#, &["state-invalid-version"]);
    refused(b"\x1f\x8b\x08\x00", &["state-compressed"]);
    refused(b"PK\x03\x04rest", &["state-plan-file"]);
    refused(r#"{"format_version":"1.2","planned_values":{}}"#, &["state-plan-json"]);
    refused(r#"{"format_version":"1.0","values":{}}"#, &["state-show-json"]);
    refused(r#"{"format_version":"1.0","provider_schemas":{}}"#, &["state-other-json"]);
    refused(r#"{"errors": ["not found"]}"#, &["state-no-version"]);
    refused(b"tfstate\x00\x01", &["state-old-version"]);
    refused(b"\xff\xfe{\x00", &["state-not-utf8"]);
    let page = refused(
        "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>No</Message></Error>",
        &["state-error-page"],
    );
    assert!(page[0].detail.contains("AccessDenied: No"), "{}", page[0].detail);
    refused("resource \"a\" \"b\" {}", &["state-syntax"]);
    refused("[]", &["state-syntax"]);
}

#[test]
fn an_empty_file_is_no_state_and_no_error() {
    let (reading, diagnostics) = read(b"");
    assert!(matches!(reading, Contents::NoState));
    assert!(diagnostics.is_empty());
}

#[test]
fn every_truncation_of_a_real_state_is_told_with_its_byte() {
    let whole = include_bytes!("states/terraform-1.11.4.tfstate");
    for end in (1..whole.len() - 2).step_by(97) {
        // A character cut in half is still a truncation.
        let diagnostics =
            refused(&whole[..end], &[if whole.is_char_boundary(end) { "state-truncated" } else { "state-not-utf8" }]);
        if diagnostics[0].code == "state-truncated" {
            assert!(diagnostics[0].detail.contains(&format!("after {end} bytes")), "{}", diagnostics[0].detail);
        }
    }
}

trait CharBoundary {
    fn is_char_boundary(&self, at: usize) -> bool;
}

impl CharBoundary for [u8] {
    fn is_char_boundary(&self, at: usize) -> bool {
        self.get(at).is_none_or(|byte| *byte & 0xc0 != 0x80)
    }
}

#[test]
fn bytes_that_are_not_text_are_told_with_line_and_byte() {
    let diagnostics = refused(b"{\"version\": 4,\n \"lineage\": \"\xff\"}", &["state-not-utf8"]);
    let start = diagnostics[0].span.as_ref().unwrap().start;
    assert_eq!((start.line, start.column, start.byte), (2, 14, 28));
}

#[test]
fn what_terraform_refuses_is_refused() {
    refused(resource(r#"{"attributes":{}}, {"attributes":{}}"#), &["state-duplicate-instance"]);
    refused(resource(r#"{"index_key":"a"}, {"index_key":"a"}"#), &["state-duplicate-instance"]);
    refused(resource(r#"{"deposed":"12345678"}, {"deposed":"12345678"}"#), &["state-duplicate-instance"]);
    refused(resource(r#"{"deposed":"1234"}"#), &["state-invalid-deposed-key"]);
    refused(resource(r#"{"status":"broken"}"#), &["state-invalid-status"]);
    refused(resource(r#"{"index_key":true}"#), &["state-invalid-member"]);
    refused(resource(r#"{"index_key":1.5}"#), &["state-invalid-member"]);
    refused(resource(r#"{"index_key":-1}"#), &["state-invalid-member"]);
    refused(resource(r#"{"sensitive_attributes":[[{"type":"slice","value":1}]]}"#), &["state-invalid-path"]);
    refused(
        state(r#"{"mode":"odd","type":"a","name":"b","provider":"provider.aws","instances":[]}"#),
        &["state-invalid-mode"],
    );
    refused(
        state(r#"{"mode":"data","type":"a b","name":"b","provider":"provider.aws","instances":[]}"#),
        &["state-invalid-address"],
    );
    refused(
        state(r#"{"module":"modul.a","mode":"data","type":"a","name":"b","provider":"provider.aws"}"#),
        &["state-invalid-address"],
    );
    refused(state(r#"{"mode":"data","type":"a","name":"b","instances":[{}]}"#), &["state-missing-provider"]);
    refused(
        state(r#"{"mode":"data","type":"a","name":"b","provider":"aws","instances":[{}]}"#),
        &["state-invalid-provider"],
    );
    refused(r#"{"version":4,"resources":[],"resources":[]}"#, &["state-syntax"]);
    refused(r#"{"version":4,"serial":-1}"#, &["state-invalid-member"]);
}

#[test]
fn problems_point_at_their_line() {
    let text = "{\"version\": 4, \"resources\": [\n{\"mode\": \"managed\", \"type\": \"a_b\", \"name\": \"c\", \"provider\": \
                \"provider.a\", \"instances\": [\n  {\"index_key\": 1},\n  {\"index_key\": 1}\n]}]}";
    let diagnostics = refused(text, &["state-duplicate-instance"]);
    let start = diagnostics[0].span.as_ref().unwrap().start;
    assert_eq!((start.line, start.column), (4, 3));
    assert_eq!(diagnostics[0].address.as_deref(), Some("a_b.c[1]"));
}

#[test]
fn a_flood_of_problems_is_cut_short() {
    let instances = vec![r#"{"status":"x"}"#; 500].join(",");
    let (_, diagnostics) = read(resource(&instances).as_bytes());
    assert_eq!(diagnostics.len(), 51);
    assert_eq!(diagnostics[50].code, "state-more-problems");
}

#[test]
fn unknown_members_are_counted_and_kept() {
    let text = resource(r#"{"mood": "fine", "attributes": {"id": "a"}}"#).replacen('{', r#"{"extra": [1], "#, 1);
    let (Contents::State(index), diagnostics) = read(text.as_bytes()) else { panic!("it is a state") };
    assert!(diagnostics.is_empty());
    let counts: Vec<(&str, u64)> = index.unknown_members().iter().map(|(name, n)| (name.as_str(), *n)).collect();
    assert_eq!(counts, [("extra", 1), ("resources[].instances[].mood", 1)]);
    let range = index.instance(0).unwrap().object_range();
    let object = InstanceObject::decode(&text.as_bytes()[range.start as usize..range.end as usize]).unwrap();
    assert_eq!(object.unknown_members["mood"], "\"fine\"");
}

#[test]
fn a_byte_order_mark_is_stepped_over() {
    let text = format!("\u{feff}{}", resource(r#"{"attributes": {"id": "a"}}"#));
    let (Contents::State(index), _) = read(text.as_bytes()) else { panic!("it is a state") };
    assert_eq!(index.instance(0).unwrap().id(), Some("a"));
}

#[test]
fn opentofu_additions_are_read() {
    let text = state(
        r#"{"mode": "managed", "type": "aws_x", "name": "y", "instances": [
            {"index_key": "a", "provider": "provider[\"registry.opentofu.org/hashicorp/aws\"].by[\"eu\"]"},
            {"index_key": "b", "provider": "provider[\"registry.opentofu.org/hashicorp/aws\"].by[\"us\"]",
             "skip_destroy": true, "depends_on": ["aws_vpc.main"]}]}"#,
    );
    let (Contents::State(index), diagnostics) = read(text.as_bytes()) else { panic!("it is a state") };
    assert!(diagnostics.is_empty() && index.unknown_members().is_empty());
    let second = index.instance(1).unwrap();
    assert_eq!(second.provider().to_string(), r#"provider["registry.opentofu.org/hashicorp/aws"].by["us"]"#);
    let range = second.object_range();
    let object = InstanceObject::decode(&text.as_bytes()[range.start as usize..range.end as usize]).unwrap();
    assert!(object.skip_destroy);
    assert_eq!(object.depends_on, ["aws_vpc.main"]);

    refused(text.replace(".by[\\\"us\\\"]", ".other"), &["state-two-providers"]);
    let both = text.replace(r#""name": "y","#, r#""name": "y", "provider": "provider.aws","#);
    let (Contents::State(_), diagnostics) = read(both.as_bytes()) else { panic!("that is only a warning") };
    assert_eq!(diagnostics[0].code, "state-two-providers");

    let output = OutputValue::decode(br#"{"value": "x", "type": "string", "deprecated": "use y"}"#).unwrap();
    assert_eq!(output.deprecated, "use y");
}

#[test]
fn an_instance_is_read_in_full() {
    let json = br#"{
        "index_key": 0, "status": "tainted", "schema_version": 2,
        "attributes": {"id": "i-1", "size": 9007199254740993.5, "tags": {"Name": "n"}, "password": "planted-secret"},
        "sensitive_attributes": [[{"type": "get_attr", "value": "password"}]],
        "identity_schema_version": 1, "identity": {"account_id": "1"},
        "private": "eyJhIjoxfQ==", "dependencies": ["aws_vpc.main"], "create_before_destroy": true}"#;
    let object = InstanceObject::decode(json).unwrap();
    assert_eq!(object.schema_version, 2);
    assert_eq!(object.private, br#"{"a":1}"#);
    assert_eq!(object.dependencies, ["aws_vpc.main"]);
    assert!(object.create_before_destroy && !object.skip_destroy);
    assert_eq!(object.identity.as_ref().unwrap().version, 1);
    let value = object.decode_attributes(None).unwrap();
    let at = |path: Path| path.apply(&value).unwrap();
    assert_eq!(at(Path::default().attr("size")).to_string(), "9007199254740993.5");
    assert!(at(Path::default().attr("password")).is_sensitive());
    assert!(!format!("{value:?} {value} {object:?}").contains("planted-secret"));

    let tags = decode_attribute(json, "tags", Some(&Type::map(Type::String))).unwrap().unwrap();
    assert_eq!(tags.len(), 1);
    assert!(decode_attribute(json, "password", None).unwrap().unwrap().is_sensitive());
    assert!(decode_attribute(json, "absent", None).unwrap().is_none());
    let several = decode_attributes(json, &["password", "absent", "size"]).unwrap();
    assert!(several[0].as_ref().unwrap().is_sensitive() && several[1].is_none());
    assert_eq!(several[2].as_ref().unwrap().to_string(), "9007199254740993.5");
    assert!(decode_attribute(json, "tags", Some(&Type::Number)).is_err());
}

#[test]
fn a_path_that_leads_nowhere_marks_what_it_leads_to_at_last() {
    let json = br#"{"attributes": {"rules": [{"key": "planted-secret"}], "other": 1}, "sensitive_attributes": [[
        {"type": "get_attr", "value": "rules"},
        {"type": "index", "value": {"value": {"key": "planted-secret"}, "type": ["object", {"key": "string"}]}},
        {"type": "get_attr", "value": "key"}]]}"#;
    let value = InstanceObject::decode(json).unwrap().decode_attributes(None).unwrap();
    assert!(Path::default().attr("rules").apply(&value).unwrap().is_sensitive());
    assert!(!Path::default().attr("other").apply(&value).unwrap().is_sensitive());
    assert!(decode_attribute(json, "rules", None).unwrap().unwrap().is_sensitive());
}

#[test]
fn flat_attributes_are_kept_and_give_the_id() {
    let text = resource(r#"{"attributes_flat": {"id": "i-1", "tags.%": "0"}}"#);
    let (Contents::State(index), _) = read(text.as_bytes()) else { panic!("it is a state") };
    let instance = index.instance(0).unwrap();
    assert_eq!((instance.id(), instance.attributes_range()), (Some("i-1"), None));
    let range = instance.object_range();
    let object = InstanceObject::decode(&text.as_bytes()[range.start as usize..range.end as usize]).unwrap();
    assert!(matches!(&object.attributes, Attributes::Flat(flat) if flat["tags.%"] == "0"));
    assert!(object.decode_attributes(None).is_err());
}

#[test]
fn an_id_that_is_sensitive_is_not_kept() {
    let text = resource(
        r#"{"attributes": {"id": "planted", "arn": "arn:x"}, "sensitive_attributes": [[{"type": "get_attr", "value": "id"}]]}"#,
    );
    let (Contents::State(index), _) = read(text.as_bytes()) else { panic!("it is a state") };
    let instance = index.instance(0).unwrap();
    assert_eq!((instance.id(), instance.is_id_sensitive(), instance.arn()), (None, true, Some("arn:x")));
    assert_eq!(index.recorded_instances(0).0[0].id, None);
}

#[test]
fn place_is_told_by_arn_identity_and_attribute() {
    let text = resource(
        r#"{"index_key": 0, "attributes": {"arn": "arn:aws:sqs:eu-west-1:111122223333:q", "region": "us-east-1"}},
           {"index_key": 1, "attributes": {"arn": "arn:aws:s3:::bucket", "region": "us-east-2"},
            "identity_schema_version": 0, "identity": {"account_id": "444455556666", "bucket": "b"}},
           {"index_key": 2, "attributes": {"id": 5}, "identity": {"account_id": "1", "region": "eu-north-1"}},
           {"index_key": 3, "attributes": null}"#,
    );
    let (Contents::State(index), _) = read(text.as_bytes()) else { panic!("it is a state") };
    let (recorded, diagnostics) = index.recorded_instances(7);
    assert!(diagnostics.is_empty());
    let places: Vec<(Option<&str>, Option<&str>)> = recorded
        .iter()
        .map(|instance| {
            (
                instance.account.as_ref().map(model::AccountId::as_str),
                instance.region.as_ref().map(model::Region::as_str),
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            (Some("111122223333"), Some("eu-west-1")),
            (Some("444455556666"), Some("us-east-2")),
            (Some("1"), Some("eu-north-1")),
            (None, None),
        ]
    );
    assert_eq!(recorded[2].id.as_ref().map(model::ImportId::as_str), Some("5"));
    assert!(recorded.iter().all(|instance| instance.state == 7));
}

#[test]
fn a_state_of_terraform_is_read_in_full() {
    for (bytes, version) in [
        (&include_bytes!("states/terraform-1.11.4.tfstate")[..], "1.11.4"),
        (&include_bytes!("states/tofu-1.12.6.tfstate")[..], "1.12.6"),
    ] {
        let (Contents::State(index), diagnostics) = read(bytes) else { panic!("it is a state") };
        assert!(diagnostics.is_empty() && index.unknown_members().is_empty());
        assert_eq!(index.terraform_version(), version);
        assert_eq!(index.n_instances(), index.addresses().count());
        assert_eq!(index.n_bytes(), bytes.len() as u64);
        let find = |address: &str| index.find(&address.parse().unwrap()).expect(address);
        assert!(find("terraform_data.tainted").is_tainted());
        assert!(find(r#"terraform_data.keyed["quote\"inside"]"#).is_managed());
        assert_eq!(find("data.terraform_remote_state.other").resource().mode, ResourceMode::Data);
        for instance in index.instances() {
            assert_eq!(index.find(&instance.address()).unwrap().position(), instance.position());
            let range = instance.object_range();
            let object = InstanceObject::decode(&bytes[range.start as usize..range.end as usize]).unwrap();
            assert!(object.unknown_members.is_empty());
            object.decode_attributes(None).unwrap();
        }
        let range = find("terraform_data.plain").object_range();
        let json = &bytes[range.start as usize..range.end as usize];
        let input = decode_attribute(json, "input", Some(&Type::Dynamic)).unwrap().unwrap();
        let size = Path::default().attr("size").apply(&input).unwrap();
        assert_eq!(size.to_string(), "12345678901234567890");
        assert!(!format!("{input:?}").contains("s3cr3t-value"), "{input:?}");

        let output = |name: &str| {
            let found = index.outputs().iter().find(|output| output.name == name).expect(name);
            (
                found.is_sensitive,
                OutputValue::decode(&bytes[found.range.start as usize..found.range.end as usize]).unwrap(),
            )
        };
        let (is_sensitive, secret) = output("secret");
        assert!(is_sensitive && secret.value.is_sensitive() && secret.is_sensitive);
        assert_eq!(output("numbers").1.value.elements().next(), Some(&Value::number(12_345_678_901_234_567_890_u64)));

        let range = index.check_results().unwrap();
        let checks = decode_checks(&bytes[range.start as usize..range.end as usize]).unwrap();
        assert_eq!((checks[0].kind, checks[0].status), (CheckedKind::Check, CheckStatus::Fail));
        assert_eq!(checks[0].objects.as_ref().unwrap()[0].failure_messages, ["The ratio is not negative."]);
    }
}
