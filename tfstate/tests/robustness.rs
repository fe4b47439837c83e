//! Any input: what is a state keeps its instances, what is none is refused, nothing panics.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Read};
use std::sync::Arc;

use model::{InstanceAddress, InstanceKey, ModuleAddress, ModuleStep, ResourceAddress, ResourceMode, ResourceType};
use proptest::prelude::*;
use serde_json::json;
use tfstate::format::{InstanceObject, OutputValue, decode_attribute, decode_checks};
use tfstate::{Contents, Index};

const STATE: &[u8] = include_bytes!("states/terraform-1.11.4.tfstate");

/// Gives its bytes a few at a time.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.1.min(self.0.len()).min(buffer.len());
        buffer[..n_bytes].copy_from_slice(&self.0[..n_bytes]);
        self.0 = &self.0[n_bytes..];
        Ok(n_bytes)
    }
}

/// Indexes the bytes and decodes everything the index leads to.
fn read_everything(bytes: &[u8], n_bytes: usize) -> Option<Box<Index>> {
    let file: Arc<str> = "any".into();
    let (reading, diagnostics) = tfstate::index::read(&mut Drip(bytes, n_bytes), &file).unwrap();
    assert_eq!(matches!(reading, Contents::Rejected), model::diagnostic::has_errors(&diagnostics));
    let Contents::State(index) = reading else { return None };
    let _ = index.recorded_instances(0);
    for instance in index.instances() {
        let range = instance.object_range();
        let json = &bytes[range.start as usize..range.end as usize];
        if let Ok(object) = InstanceObject::decode(json) {
            let _ = object.decode_attributes(None);
        }
        let _ = decode_attribute(json, "id", None);
        assert!(index.find(&instance.address()).is_some() || instance.deposed().is_some());
    }
    for output in index.outputs() {
        let _ = OutputValue::decode(&bytes[output.range.start as usize..output.range.end as usize]);
    }
    if let Some(range) = index.check_results() {
        let _ = decode_checks(&bytes[range.start as usize..range.end as usize]);
    }
    Some(index)
}

fn key() -> impl Strategy<Value = Option<InstanceKey>> {
    prop_oneof![
        Just(None),
        any::<u32>().prop_map(|index| Some(InstanceKey::Int(index.into()))),
        any::<String>().prop_map(|key| Some(InstanceKey::String(key.into()))),
    ]
}

fn address() -> impl Strategy<Value = InstanceAddress> {
    let name = "[a-zé_][a-z0-9_-]{0,8}";
    let step = (name, key()).prop_map(|(name, key)| ModuleStep { name: name.into(), key });
    (proptest::collection::vec(step, 0..4), any::<bool>(), name, name, key()).prop_map(
        |(steps, is_data, ty, name, key)| {
            let mode = if is_data { ResourceMode::Data } else { ResourceMode::Managed };
            let module = ModuleAddress::from_steps(steps);
            ResourceAddress { module, mode, resource_type: ResourceType::from(ty), name: name.into() }.instance(key)
        },
    )
}

fn resource(address: &InstanceAddress, id: &str) -> serde_json::Value {
    let mut instance = json!({"attributes": {"other": [id], "id": id, "arn": format!("arn:{id}")}});
    match &address.key {
        Some(InstanceKey::Int(index)) => instance["index_key"] = json!(index),
        Some(InstanceKey::String(key)) => instance["index_key"] = json!(**key),
        None => {}
    }
    json!({
        "module": address.resource.module.to_string(),
        "mode": if address.resource.mode == ResourceMode::Data { "data" } else { "managed" },
        "type": address.resource.resource_type.as_str(),
        "name": *address.resource.name,
        "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
        "instances": [instance],
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn every_address_and_id_comes_back(
        found in proptest::collection::btree_map(address(), any::<String>(), 0..12),
        n_bytes in 1_usize..5000,
        is_pretty in any::<bool>(),
    ) {
        let resources: Vec<_> = found.iter().map(|(address, id)| resource(address, id)).collect();
        let state = json!({"version": 4, "serial": 1, "lineage": "l", "resources": resources});
        let text = if is_pretty { format!("{state:#}") } else { state.to_string() };
        let index = read_everything(text.as_bytes(), n_bytes).expect("a state");
        prop_assert_eq!(index.n_instances(), found.len());
        prop_assert_eq!(index.addresses().count(), found.len());
        for (address, id) in &found {
            let instance = index.find(address).expect("it was written");
            prop_assert_eq!(instance.id().unwrap_or_default(), id);
            let range = instance.object_range();
            let value = decode_attribute(&text.as_bytes()[range.start as usize..range.end as usize], "id", None);
            // Values are normalized as cty does it, ids are not.
            prop_assert_eq!(value.unwrap(), Some(cty::Value::string(id.as_str())));
        }
    }

    #[test]
    fn no_mutation_of_a_state_panics(
        mutations in proptest::collection::vec((0..STATE.len(), any::<u8>(), 0_u8..3), 1..6),
        n_bytes in 100_usize..20_000,
    ) {
        let mut bytes = STATE.to_vec();
        for (at, byte, how) in mutations {
            let at = at % bytes.len();
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        read_everything(&bytes, n_bytes);
    }

    #[test]
    fn no_structural_mutation_panics(
        mutations in proptest::collection::vec((0..STATE.len(), 0_usize..12), 1..4),
    ) {
        let pieces = ["{", "}", "[", "]", "\"", ",", ":", "null", "1e999", "\\u", "{\"value\":1,\"type\":\"number\"}", "-"];
        let mut bytes = STATE.to_vec();
        for (at, piece) in mutations {
            let at = at % bytes.len();
            bytes.splice(at..=at, pieces[piece].bytes());
        }
        read_everything(&bytes, usize::MAX);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read_everything(&bytes, 64).is_none());
    }
}

#[test]
fn a_value_of_any_size_is_stepped_over_in_bounded_memory() {
    let text = format!(
        r#"{{"version": 4, "resources": [{{"mode": "data", "type": "a", "name": "b", "provider": "provider.a",
            "instances": [{{"attributes": {{"content": "{}", "id": "x"}}}}]}}]}}"#,
        "y\\n".repeat(5 << 20),
    );
    let index = read_everything(text.as_bytes(), usize::MAX).expect("a state");
    assert_eq!(index.instance(0).unwrap().id(), Some("x"));
}

#[test]
fn an_id_of_absurd_size_is_refused() {
    let text = format!(
        r#"{{"version": 4, "resources": [{{"mode": "data", "type": "a", "name": "b", "provider": "provider.a",
            "instances": [{{"attributes": {{"id": "{}"}}}}]}}]}}"#,
        "y".repeat(5 << 20),
    );
    let file: Arc<str> = "any".into();
    let (reading, diagnostics) = tfstate::index::read(&mut text.as_bytes(), &file).unwrap();
    assert!(matches!(reading, Contents::Rejected));
    assert_eq!(diagnostics[0].code, "state-too-long");
}

#[test]
fn a_bomb_of_brackets_is_refused() {
    let text = format!("{{\"version\": 4, \"x\": {}", "[".repeat(1 << 20));
    let file: Arc<str> = "any".into();
    let (reading, diagnostics) = tfstate::index::read(&mut text.as_bytes(), &file).unwrap();
    assert!(matches!(reading, Contents::Rejected));
    assert_eq!(diagnostics[0].code, "state-too-deep");
}
