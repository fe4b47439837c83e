//! What one plan decides that was made of the code as it is, unapplied changes and all.

use cty::{Type, Value};
use drift::DeclaredArguments;
use drift::exact::{Examination, Facets, Plan};
use model::{Block, InstanceAddress, NestingMode, Schema};

use crate::support::{Code, attribute, block, object};

const STRING: &str = "\"string\"";

fn thing() -> Block {
    block(
        &[
            ("name", attribute(STRING, "required")),
            ("description", attribute(STRING, "optional")),
            ("size", attribute(STRING, "optional computed")),
            ("hash", attribute(STRING, "computed")),
            ("updated_at", attribute(STRING, "computed")),
        ],
        &[("rule", NestingMode::Set, block(&[("port", attribute(STRING, "optional"))], &[]))],
    )
}

/// Compares with a plan; attributes named in `unknown` are known after apply.
fn settle(
    code: Option<&'static str>,
    recorded: &str,
    observed: &str,
    plan: Result<(&str, &[&str]), &str>,
) -> Vec<String> {
    let schema = Schema { version: 0, block: thing() };
    let address: InstanceAddress = "test_thing.x".parse().expect("an address");
    let code = code.map(Code);
    let (recorded_value, observed) = (object(&schema.block, recorded), object(&schema.block, observed));
    let facets = Facets {
        address: &address,
        schema: &schema,
        recorded_json: recorded.as_bytes(),
        recorded: &recorded_value,
        observed: &observed,
        declared: code.as_ref().map(|code| code as &dyn DeclaredArguments),
        config: None,
    };
    let plan = plan.map_err(str::to_owned).map(|(planned, unknown)| {
        let entries = object(&schema.block, planned);
        let entries = entries.entries().map(|(name, value)| {
            let value = if unknown.contains(&name) { Value::unknown(Type::String) } else { value.clone() };
            (name.to_owned(), value)
        });
        Plan { planned: Value::object(entries.collect()), requires_replace: Vec::new(), is_legacy_type_system: false }
    });
    let found = Examination::settle(facets, plan);
    found
        .iter()
        .map(|found| {
            format!(
                "{} {}{}",
                found.tier,
                found.path,
                found.cause.as_deref().map_or_else(String::new, |cause| format!(": {cause}"))
            )
        })
        .collect()
}

#[test]
fn what_the_plan_changes_back_is_declared_and_what_it_leaves_alone_is_not() {
    let recorded = r#"{"name":"a","description":"x","size":"1"}"#;
    let observed = r#"{"name":"a","description":"y","size":"2"}"#;
    let back = r#"{"name":"a","description":"x","size":"2"}"#;
    assert_eq!(
        settle(Some("name, description"), recorded, observed, Ok((back, &[]))),
        ["declared description", "undeclared size"]
    );
    // The code says already what is there.
    assert_eq!(settle(Some("name, description"), recorded, observed, Ok((observed, &[]))), ["undeclared size"]);
    // A third value: the next apply overwrites what somebody did.
    let third = r#"{"name":"a","description":"z","size":"2"}"#;
    assert_eq!(
        settle(Some("name, description"), recorded, observed, Ok((third, &[]))),
        ["declared description", "undeclared size"]
    );
}

#[test]
fn what_only_the_provider_sets_is_not_blamed_for_a_change_of_the_code() {
    let recorded = r#"{"name":"a","description":"x","hash":"1","updated_at":"1"}"#;
    let observed = r#"{"name":"a","description":"x","hash":"2","updated_at":"2"}"#;
    // The code was changed, and that alone makes the provider act.
    let unapplied = r#"{"name":"a","description":"new"}"#;
    let found = settle(Some("name, description"), recorded, observed, Ok((unapplied, &["hash", "updated_at"])));
    assert_eq!(found, ["runtime hash", "runtime updated_at"]);
    // Nothing but what the provider sets: it acts because of that.
    let acts = r#"{"name":"a","description":"x","updated_at":"2"}"#;
    let found = settle(Some("name, description"), recorded, observed, Ok((acts, &["hash"])));
    assert!(found.iter().all(|found| found.starts_with("declared ")) && found.len() == 2, "{found:?}");
    // It leaves everything alone.
    assert_eq!(
        settle(Some("name, description"), recorded, observed, Ok((observed, &[]))),
        ["runtime hash", "runtime updated_at"]
    );
}

#[test]
fn without_a_plan_the_code_decides_and_the_reason_is_told() {
    let (recorded, observed) = (r#"{"name":"a","size":"1"}"#, r#"{"name":"b","size":"2"}"#);
    let found = settle(Some("name"), recorded, observed, Err("It is to go."));
    assert_eq!(
        found,
        [
            "declared name: The provider made no plan: It is to go.",
            "undeclared size: The provider made no plan: It is to go."
        ]
    );
}

#[test]
fn blocks_that_may_be_written_are_what_the_plan_makes_of_them() {
    let recorded = r#"{"name":"a","rule":[{"port":"1"}]}"#;
    let observed = r#"{"name":"a","rule":[{"port":"1"},{"port":"22"}]}"#;
    assert_eq!(settle(None, recorded, observed, Ok((recorded, &[]))), ["declared rule[{port = \"22\"}]"]);
    assert_eq!(settle(None, recorded, observed, Ok((observed, &[]))), ["unclassified rule[{port = \"22\"}]"]);
}

#[test]
fn where_nothing_differs_the_plan_does_not_matter() {
    let same = r#"{"name":"a"}"#;
    assert_eq!(settle(Some("name"), same, same, Ok((r#"{"name":"b"}"#, &[]))), Vec::<String>::new());
}
