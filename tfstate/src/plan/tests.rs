//! Plans by hand: what each part means, and that no damage does harm.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cty::{Path, Type, Value};
use model::Diagnostics;
use proptest::prelude::*;

use super::*;

const SECRET: &str = "planted-secret-never-print-me";

fn read(text: &str) -> (Option<PlanDocument>, Diagnostics) {
    let bytes = bytes::Bytes::from(text.to_owned().into_bytes());
    PlanDocument::read(&"plan.json".into(), bytes.into()).unwrap()
}

fn plan(text: &str) -> PlanDocument {
    let (document, diagnostics) = read(text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    document.unwrap()
}

#[track_caller]
fn refused(text: &str) -> String {
    let (document, diagnostics) = read(text);
    assert!(document.is_none() && diagnostics.len() == 1, "{diagnostics:?}");
    assert!(!diagnostics[0].to_string().contains(SECRET));
    diagnostics[0].code.to_owned()
}

/// A plan with each sort of thing in it; `resources` stand behind the module's address, as `jq -S` would have it.
fn sample() -> String {
    r#"{
      "format_version": "1.7", "terraform_version": "1.15.0", "timestamp": "2026-11-23T20:58:34Z", "novelty": [{"a": 1}],
      "applyable": true, "complete": true, "errored": false,
      "variables": {"open": {"value": 1}, "secret": {"value": "SECRET"}, "mystery": {"value": "SECRET"}},
      "prior_state": {"format_version": "1.0", "values": {
        "outputs": {"o": {"sensitive": true, "value": "SECRET", "type": "string"}},
        "root_module": {
          "resources": [
            {"address": "a_b.one", "mode": "managed", "type": "a_b", "name": "one", "provider_name": "registry.terraform.io/x/a",
             "schema_version": 3, "tainted": true, "values": {"id": "i-1", "secret": "SECRET", "n": 12345678901234567890123},
             "sensitive_values": {"secret": true}},
            {"address": "data.a_b.read", "mode": "data", "type": "a_b", "name": "read", "provider_name": "registry.terraform.io/x/a",
             "values": {}, "sensitive_values": {}},
            {"address": "e.f", "mode": "ephemeral", "type": "e", "name": "f"}
          ],
          "child_modules": [{"resources": [
            {"address": "x", "mode": "managed", "type": "a_b", "name": "two", "index": "k\"", "deposed_key": "00aa11bb",
             "provider_name": "registry.terraform.io/x/a", "values": {"id": "i-2"}, "sensitive_values": {}}
          ], "address": "module.m[\"eu\"]"}]
        }}},
      "resource_drift": [
        {"address": "a_b.one", "mode": "managed", "type": "a_b", "name": "one", "provider_name": "registry.terraform.io/x/a",
         "previous_address": "a_b.old",
         "change": {"actions": ["update"], "before": {"id": "i-1", "secret": "was", "n": 1}, "after": {"id": "i-1"},
                    "after_unknown": {}, "before_sensitive": {"secret": true}, "after_sensitive": {}}},
        {"address": "a_b.gone", "mode": "managed", "type": "a_b", "name": "gone", "provider_name": "registry.terraform.io/x/a",
         "change": {"actions": ["delete"], "before": {"id": "i-3"}, "after": null, "after_unknown": {}, "before_sensitive": {}, "after_sensitive": false}}
      ],
      "resource_changes": [
        {"address": "a_b.one", "mode": "managed", "type": "a_b", "name": "one", "provider_name": "registry.terraform.io/x/a",
         "action_reason": "replace_because_tainted",
         "change": {"actions": ["create", "delete"], "before": {"id": "i-1", "secret": "SECRET", "n": 5},
                    "after": {"secret": "SECRET", "list": [null, "b"], "set": ["c"]},
                    "after_unknown": {"id": true, "list": [true, false], "set": [false]},
                    "before_sensitive": {"secret": true}, "after_sensitive": {"secret": true},
                    "replace_paths": [["secret"], ["list", 0]],
                    "before_identity": {"id": "i-1"}}},
        {"address": "a_b.gone", "mode": "managed", "type": "a_b", "name": "gone", "provider_name": "registry.terraform.io/x/a",
         "change": {"actions": ["create"], "before": null, "after_unknown": true, "before_sensitive": false, "after_sensitive": false}},
        {"address": "a_b.imported", "mode": "managed", "type": "a_b", "name": "imported", "provider_name": "registry.terraform.io/x/a",
         "change": {"actions": ["no-op"], "before": {"id": "i-4"}, "after": {"id": "i-4"}, "after_unknown": {},
                    "before_sensitive": {}, "after_sensitive": {}, "importing": {"identity": {"id": "i-4"}}, "generated_config": "resource"}}
      ],
      "output_changes": {
        "same": {"actions": ["no-op"], "before": 1, "after": 1, "after_unknown": false, "before_sensitive": false, "after_sensitive": false},
        "later": {"actions": ["create"], "before": null, "after_unknown": true, "before_sensitive": false, "after_sensitive": true}},
      "configuration": {
        "provider_config": {
          "a": {"name": "a", "full_name": "registry.terraform.io/x/a"},
          "a.west": {"name": "a", "full_name": "registry.terraform.io/x/a", "alias": "west", "expressions": {"t": {"constant_value": "SECRET"}}}},
        "root_module": {
          "variables": {"open": {"default": 1}, "secret": {"sensitive": true}},
          "resources": [
            {"address": "a_b.one", "mode": "managed", "type": "a_b", "name": "one", "provider_config_key": "a.west",
             "expressions": {"secret": {"references": ["var.secret"]}, "n": {"constant_value": 5}, "now": {},
                             "rule": [{"port": {"constant_value": 1}}, {"port": {"references": ["each.key"]}}],
                             "limits": {"level": {"constant_value": 2}}}}],
          "module_calls": {"m": {"module": {"resources": [
            {"address": "a_b.two", "mode": "managed", "type": "a_b", "name": "two", "provider_config_key": "m:a.west"}]}}}}},
      "relevant_attributes": [{"resource": "a_b.one", "attribute": ["list", 0, "id"]}],
      "checks": [{"address": {"kind": "check", "name": "c", "to_display": "check.c"}, "status": "fail",
                  "instances": [{"address": {"to_display": "check.c"}, "status": "fail", "problems": [{"message": "no"}]}]}]
    }"#
        .replace("SECRET", SECRET)
}

fn attr(name: &str) -> Path {
    Path::new().attr(name)
}

fn at<'a>(document: &'a PlanDocument, address: &str) -> PlanInstance<'a> {
    document.find(&address.parse().unwrap()).unwrap()
}

#[test]
fn facets_come_from_their_parts() {
    let text = sample();
    let document = plan(&text);
    assert_eq!((document.format_version(), document.terraform_version()), ("1.7", "1.15.0"));
    assert_eq!(
        (document.is_applyable(), document.is_complete(), document.is_errored()),
        (Some(true), Some(true), Some(false))
    );
    let shown: Vec<String> =
        document.instances().map(|instance| instance.address().with_deposed(instance.deposed())).collect();
    let expected =
        ["a_b.one", "data.a_b.read", r#"module.m["eu"].a_b.two["k\""] (deposed 00aa11bb)"#, "a_b.gone", "a_b.imported"];
    assert_eq!(shown, expected);

    let one = at(&document, "a_b.one");
    assert_eq!(one.provider().to_string(), r#"provider["registry.terraform.io/x/a"].west"#);
    assert_eq!(one.previous_address().unwrap().to_string(), "a_b.old");
    assert_eq!(
        (one.action(), one.action_reason()),
        (Some(&PlanAction::CreateThenDelete), Some("replace_because_tainted"))
    );
    assert!(one.is_tainted() && one.is_recorded() && one.has_drift() && !one.is_gone());
    assert_eq!(one.schema_version(), Some(3));
    let facets = one.facets(None).unwrap();
    let recorded = facets.recorded.unwrap();
    assert_eq!(attr("secret").apply(&recorded).unwrap(), Value::string("was").mark_sensitive());
    let observed = facets.observed.unwrap();
    assert!(attr("secret").apply(&observed).unwrap().is_sensitive());
    assert_eq!(attr("n").apply(&observed).unwrap().as_number().unwrap().to_string(), "12345678901234567890123");
    let planned = facets.planned.unwrap();
    assert!(!attr("id").apply(&planned).unwrap().is_known());
    let list = attr("list").apply(&planned).unwrap();
    assert_eq!(list.elements().map(Value::is_known).collect::<Vec<_>>(), [false, true]);
    let detail = one.change().unwrap().unwrap();
    assert_eq!(detail.replace_paths, [attr("secret"), attr("list").index(Value::number(0_u64))]);
    assert_eq!(detail.before_identity.unwrap(), Value::object([("id".to_owned(), Value::string("i-1"))].into()));
    let known = one.recorded_instance(0).unwrap();
    assert_eq!(known.id.unwrap().as_str(), "i-1");

    let gone = at(&document, "a_b.gone");
    assert!(gone.is_gone() && gone.is_recorded());
    let facets = gone.facets(None).unwrap();
    assert!(facets.recorded.is_some() && facets.observed.is_none());
    assert!(!facets.planned.unwrap().is_known());

    let imported = at(&document, "a_b.imported");
    assert!(!imported.is_recorded());
    let detail = imported.change().unwrap().unwrap();
    assert_eq!(
        detail.importing.unwrap().to_string(),
        Value::object([("id".to_owned(), Value::string("i-4"))].into()).to_string()
    );
    assert_eq!(detail.generated_config.as_deref(), Some("resource"));

    let two = document.instance(2).unwrap();
    assert_eq!(two.provider().alias.as_deref(), Some("west"), "the module passes it through");
    assert!(two.action().is_none() && document.is_configured(&two.address().resource));
}

#[test]
fn values_get_the_types_of_a_schema() {
    let text = sample();
    let document = plan(&text);
    let ty = Type::object([
        ("id", Type::String),
        ("secret", Type::String),
        ("n", Type::Number),
        ("list", Type::list(Type::String)),
        ("set", Type::set(Type::String)),
        ("later", Type::map(Type::Bool)),
    ]);
    let facets = at(&document, "a_b.one").facets(Some(&ty)).unwrap();
    let planned = facets.planned.unwrap();
    assert_eq!(planned.ty(), &ty);
    assert_eq!(attr("id").apply(&planned).unwrap(), Value::unknown(Type::String));
    assert_eq!(attr("later").apply(&planned).unwrap(), Value::null(Type::map(Type::Bool)), "the schema grew");
    assert_eq!(attr("set").apply(&planned).unwrap(), Value::set(Type::String, vec![Value::string("c")]).unwrap());
    let narrow = Type::object([("id", Type::String)]);
    let error = at(&document, "a_b.one").facets(Some(&narrow)).unwrap_err().to_string();
    assert!(error.contains("no attribute") && !error.contains(SECRET), "{error}");
    let wrong = Type::object([("id", Type::String), ("secret", Type::Number), ("n", Type::Number)]);
    let error = at(&document, "a_b.one").facets(Some(&wrong)).unwrap_err().to_string();
    assert!(error.contains("number") && !error.contains(SECRET), "{error}");
}

#[test]
fn the_configuration_tells_constants_references_and_blocks() {
    let text = sample();
    let document = plan(&text);
    let body = document.configured(&"a_b.one".parse().unwrap()).unwrap().unwrap();
    assert_eq!(body.arguments["n"], ConfiguredArgument::Constant(Value::number(5_u64)));
    assert_eq!(body.arguments["secret"], ConfiguredArgument::References(vec!["var.secret".to_owned()]));
    assert_eq!(body.arguments["now"], ConfiguredArgument::References(Vec::new()));
    assert!(matches!(&body.arguments["rule"], ConfiguredArgument::Blocks(blocks) if blocks.len() == 2));
    assert!(matches!(&body.arguments["limits"], ConfiguredArgument::Block(_)));
    assert_eq!(
        document.configured(&"module.m[\"eu\"].a_b.two".parse().unwrap()).unwrap(),
        Some(ConfiguredBody::default())
    );
    assert_eq!(document.configured(&"a_b.absent".parse().unwrap()).unwrap(), None);
}

#[test]
fn variables_outputs_and_checks_are_read_and_secrets_stay_marked() {
    let text = sample();
    let document = plan(&text);
    let variables = document.variables().unwrap();
    assert!(!variables["open"].is_sensitive() && variables["secret"].is_sensitive());
    assert!(variables["mystery"].is_sensitive(), "nothing says that it may be shown");
    let outputs = document.output_changes().unwrap();
    assert_eq!(outputs["same"].action, PlanAction::NoOp);
    assert!(!outputs["later"].after.is_known() && outputs["later"].after.is_sensitive());
    assert!(document.prior_outputs().unwrap()["o"].value.is_sensitive());
    let checks = document.checks().unwrap();
    assert_eq!(
        (checks[0].address.as_str(), checks[0].objects.as_ref().unwrap()[0].failure_messages.len()),
        ("check.c", 1)
    );
    let relevant = document.relevant_attributes().unwrap();
    assert_eq!(relevant[0].path.to_string(), attr("list").index(Value::number(0_u64)).attr("id").to_string());
    let shown = format!("{document:?} {variables:?} {outputs:?} {:?}", at(&document, "a_b.one").facets(None).unwrap());
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn without_a_mask_everything_is_sensitive() {
    let old = r#"{"format_version": "0.1", "terraform_version": "0.12.24", "planned_values": {}, "resource_changes": [
        {"address": "a_b.one", "mode": "managed", "type": "a_b", "name": "one", "index": 0, "provider_name": "a",
         "change": {"actions": ["update"], "before": {"id": "x"}, "after": {"id": "x"}, "after_unknown": {}}}]}"#;
    let document = plan(old);
    let one = document.instance(0).unwrap();
    assert_eq!(one.address().to_string(), "a_b.one[0]");
    assert!(one.facets(None).unwrap().planned.unwrap().is_sensitive());
    assert_eq!(one.provider().to_string(), r#"provider["registry.terraform.io/hashicorp/a"]"#);
}

#[test]
fn what_is_no_plan_is_told_from_one() {
    assert_eq!(refused(""), "plan-not-json");
    assert_eq!(refused("PK\u{3}\u{4}"), "plan-file");
    assert_eq!(refused("\nTerraform will perform the following actions:"), "plan-not-json");
    assert_eq!(refused("<html>"), "plan-not-json");
    assert_eq!(
        refused("{\"@level\":\"info\",\"@message\":\"Terraform 1.11.4\"}\n{\"@level\":\"info\"}"),
        "plan-event-stream"
    );
    assert_eq!(refused(r#"{"version": 4, "serial": 1, "lineage": "x", "resources": []}"#), "plan-is-state");
    assert_eq!(refused(r#"{"format_version": "1.0", "terraform_version": "1.11.4", "values": {}}"#), "plan-is-state");
    assert_eq!(refused(r#"{"format_version": "1.0"}"#), "plan-other-json");
    assert_eq!(refused(r#"{"format_version": "1.0", "valid": true}"#), "plan-other-json");
    assert_eq!(refused(r#"{"data": {"id": "plan-x"}}"#), "plan-other-json");
    assert_eq!(refused(r#"{"plan_format_version": "1.2", "resource_changes": []}"#), "plan-redacted");
    assert_eq!(refused(r#"{"meta": {}, "encrypted_data": "x", "encryption_version": "v0"}"#), "plan-encrypted");
    assert_eq!(
        refused(r#"{"format_version": "2.0", "resource_changes": {"new": "shape"}}"#),
        "plan-unsupported-version"
    );
    let text = sample();
    assert_eq!(refused(&text[..text.len() / 2]), "plan-damaged");
    assert_eq!(refused(&format!("{text} 1")), "plan-damaged");
    let (_, diagnostics) = read("PK\u{3}\u{4}");
    assert!(
        diagnostics[0].help[0].contains("terraform show -json plan.json > plan.json")
            || diagnostics[0].help[0].contains("show -json")
    );
}

#[test]
fn an_entry_without_an_address_is_passed_over_with_a_warning() {
    let text = r#"{"format_version": "1.2", "planned_values": {}, "resource_changes": [
        {"address": "no address", "mode": "managed", "type": "a b", "name": "x", "change": {"actions": ["no-op"]}},
        {"address": "a_b.x", "module_address": "modul.x", "mode": "managed", "type": "a_b", "name": "x", "change": {"actions": ["no-op"]}},
        {"address": "a_b.x", "mode": "managed", "type": "a_b", "name": "x", "index": -1, "change": {"actions": ["no-op"]}},
        {"address": "a_b.x", "mode": "managed", "type": "a_b", "name": "x", "change": {"actions": ["newer", "words"]}}]}"#;
    let (document, diagnostics) = read(text);
    let codes: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, ["plan-invalid-entry"; 3]);
    let document = document.unwrap();
    assert_eq!(
        document.instance(0).unwrap().action(),
        Some(&PlanAction::Other(vec!["newer".to_owned(), "words".to_owned()]))
    );
}

#[test]
fn deep_nesting_is_refused() {
    let modules = "{\"child_modules\": [".repeat(100) + &"]}".repeat(100);
    let text =
        format!("{{\"format_version\": \"1.2\", \"prior_state\": {{\"values\": {{\"root_module\": {modules}}}}}}}");
    assert_eq!(refused(&text), "plan-damaged");
    let value = "[".repeat(300) + &"]".repeat(300);
    assert_eq!(refused(&format!("{{\"format_version\": \"1.2\", \"planned_values\": {value}}}")), "plan-damaged");
    let value = "[".repeat(200) + &"]".repeat(200);
    let text = format!(
        "{{\"format_version\": \"1.2\", \"resource_changes\": [{{\"mode\": \"managed\", \"type\": \"a_b\", \"name\": \"c\", \
         \"change\": {{\"actions\": [\"update\"], \"before\": {value}, \"after_unknown\": {value}}}}}]}}"
    );
    let document = plan(&text);
    assert!(document.instance(0).unwrap().facets(None).is_err(), "it is not decoded");
}

/// Asks a document for everything it has.
fn ask_everything(document: &PlanDocument) {
    for instance in document.instances() {
        let _ = instance.facets(None);
        let _ = instance.facets(Some(&Type::object([("id", Type::String), ("n", Type::set(Type::Number))])));
        let _ = instance.change();
        let _ = instance.recorded_instance(0);
        let _ = document.configured(&instance.address().resource);
    }
    let _ = document.variables();
    let _ = document.output_changes();
    let _ = document.prior_outputs();
    let _ = document.checks();
    let _ = document.relevant_attributes();
}

proptest! {
    #[test]
    fn damage_never_panics(cut in 0_usize..6_000, at in 0_usize..6_000, byte in any::<u8>(), insert in "[\\[\\]{}\",:0-9a-z ]{0,12}") {
        let mut text = sample().into_bytes();
        let place = at % text.len();
        text[place] = byte;
        text.splice(place..place, insert.into_bytes());
        if cut < text.len() && cut % 3 == 0 {
            text.truncate(cut);
        }
        let (document, diagnostics) = PlanDocument::read(&"plan.json".into(), bytes::Bytes::from(text).into()).unwrap();
        for diagnostic in &diagnostics {
            prop_assert!(!diagnostic.to_string().contains(SECRET));
        }
        if let Some(document) = document {
            ask_everything(&document);
        }
    }
}
