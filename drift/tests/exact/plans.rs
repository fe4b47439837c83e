//! Which plans are asked, and what their answers mean.

use cty::{Path, Value};
use drift::exact::{PlanBase, PlanQuestion};
use model::{Block, NestingMode};

use crate::support::{Case, attribute, block};

const STRING: &str = "\"string\"";

fn thing() -> Block {
    block(
        &[
            ("id", attribute(STRING, "optional computed")),
            ("name", attribute(STRING, "required")),
            ("description", attribute(STRING, "optional")),
            ("size", attribute(STRING, "optional computed")),
            ("updated_at", attribute(STRING, "computed")),
        ],
        &[],
    )
}

#[test]
fn where_nothing_differs_no_plan_is_asked() {
    let case = Case { recorded: r#"{"name":"a"}"#, observed: r#"{"name":"a"}"#, ..Case::new(thing()) };
    assert_eq!(case.examine(), (vec![], vec![]));
}

#[test]
fn where_only_the_provider_s_own_attributes_differ_one_plan_is_asked() {
    let case = Case {
        recorded: r#"{"name":"a","updated_at":"1"}"#,
        observed: r#"{"name":"a","updated_at":"2"}"#,
        ..Case::new(thing())
    };
    assert_eq!(case.found(), [r#"runtime updated_at: "1" -> "2""#]);
    assert_eq!(case.examine().1, [PlanBase::Observed]);
}

/// Plans as a provider does that remembers the object as it applied it, and compares that with the object as it is.
fn compares_by_itself(question: &PlanQuestion) -> Value {
    let is_applied = question.prior.get_attr("updated_at") == Ok(Value::string("as applied"));
    set(question, "applied", (!is_applied).then(|| Value::unknown(cty::Type::String)))
}

fn set(question: &PlanQuestion, name: &str, value: Option<Value>) -> Value {
    let entries = question.proposed.entries().map(|(own, proposed)| {
        let value = value.as_ref().filter(|_| own == name).unwrap_or(proposed);
        (own.to_owned(), value.clone())
    });
    Value::object(entries.collect())
}

#[test]
fn what_only_the_provider_sets_is_declared_where_it_alone_makes_the_provider_act() {
    let mut schema = thing();
    schema.attributes.insert("applied".to_owned(), attribute(STRING, "computed"));
    let case = Case {
        recorded: r#"{"name":"a","applied":"h","updated_at":"as applied"}"#,
        observed: r#"{"name":"a","applied":"h","updated_at":"by hand"}"#,
        plan: compares_by_itself,
        ..Case::new(schema)
    };
    assert_eq!(
        case.found(),
        [r#"declared updated_at: "as applied" -> "by hand" (Because of it, the provider plans to change `applied`.)"#]
    );
    assert_eq!(case.examine().1, [PlanBase::Observed, PlanBase::Recorded]);
    let in_any_case = Case { recorded: r#"{"name":"a","applied":"h","updated_at":"another"}"#, ..case };
    assert_eq!(in_any_case.found(), [r#"runtime updated_at: "another" -> "by hand""#]);
}

#[test]
fn what_is_in_something_unknown_is_unknown() {
    fn forgets(question: &PlanQuestion) -> Value {
        let unknown = Value::unknown(question.prior.get_attr("zones").expect("it is there").ty().clone());
        set(question, "zones", Some(unknown))
    }
    for ty in [r#"["list","string"]"#, r#"["set","string"]"#] {
        let case = Case {
            recorded: r#"{"zones":["a"]}"#,
            observed: r#"{"zones":["a","b"]}"#,
            code: Some("name"),
            plan: forgets,
            ..Case::new(block(&[("zones", attribute(ty, "optional computed"))], &[]))
        };
        let found = case.found();
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("undeclared zones["), "{found:?}");
        assert!(found[0].ends_with("(The next apply settles it: the provider plans it as known after apply.)"));
    }
}

#[test]
fn what_the_plan_changes_back_is_declared_and_asked_about_twice() {
    let case =
        Case { recorded: r#"{"name":"a"}"#, observed: r#"{"name":"b"}"#, code: Some("name"), ..Case::new(thing()) };
    assert_eq!(case.found(), [r#"declared name: "a" -> "b""#]);
    assert_eq!(case.examine().1, [PlanBase::Observed, PlanBase::Recorded]);
    let found = &case.examine().0[0];
    assert_eq!(found.planned, Some(Value::string("a")));
}

#[test]
fn what_the_code_is_silent_on_and_the_plan_changes_back_is_declared() {
    let case = Case {
        recorded: r#"{"name":"a"}"#,
        observed: r#"{"name":"a","description":"by hand"}"#,
        code: Some("name"),
        ..Case::new(thing())
    };
    assert_eq!(case.found(), [r#"declared description: null -> "by hand""#]);
}

#[test]
fn what_the_code_is_silent_on_and_the_plan_leaves_alone_is_undeclared() {
    let case = Case {
        recorded: r#"{"name":"a","size":"s"}"#,
        observed: r#"{"name":"a","size":"l"}"#,
        code: Some("name"),
        ..Case::new(thing())
    };
    assert_eq!(case.found(), [r#"undeclared size: "s" -> "l""#]);
    assert_eq!(case.examine().1, [PlanBase::Observed, PlanBase::Observed]);
    let written = Case { code: Some("name, size"), ..case };
    assert_eq!(written.found(), [r#"declared size: "s" -> "l""#]);
}

#[test]
fn without_code_what_the_schema_leaves_open_is_unclassified() {
    let case =
        Case { recorded: r#"{"name":"a","size":"s"}"#, observed: r#"{"name":"a","size":"l"}"#, ..Case::new(thing()) };
    assert_eq!(case.found(), [r#"unclassified size: "s" -> "l""#]);
    let gained = Case { recorded: r#"{"name":"a"}"#, ..case };
    assert_eq!(gained.found(), [r#"undeclared size: null -> "l""#], "what was written would be recorded");
}

fn keeps_name(question: &PlanQuestion) -> Value {
    set(question, "name", question.prior.get_attr("name").ok())
}

#[test]
fn what_the_provider_would_call_the_same_if_it_were_written_is_no_difference() {
    fn keeps_size(question: &PlanQuestion) -> Value {
        set(question, "size", question.prior.get_attr("size").ok())
    }
    let case = || Case { code: Some("name"), plan: keeps_size, ..Case::new(thing()) };
    let spelled = Case { recorded: r#"{"name":"a","size":"tcp"}"#, observed: r#"{"name":"a","size":"6"}"#, ..case() };
    assert_eq!(spelled.found(), [""; 0]);
    let gained = Case { recorded: r#"{"name":"a"}"#, observed: r#"{"name":"a","size":"6"}"#, ..case() };
    assert_eq!(gained.found(), [r#"undeclared size: null -> "6""#], "something is not the same as nothing");
}

#[test]
fn elements_that_only_came_are_told_whatever_the_provider_calls_them() {
    fn keeps_rules(question: &PlanQuestion) -> Value {
        set(question, "rules", question.prior.get_attr("rules").ok())
    }
    let schema = block(&[("rules", attribute(r#"["set","string"]"#, "optional computed"))], &[]);
    let case = || Case { code: Some("name"), plan: keeps_rules, ..Case::new(schema.clone()) };
    let respelled = Case { recorded: r#"{"rules":["tcp"]}"#, observed: r#"{"rules":["6"]}"#, ..case() };
    assert_eq!(respelled.found(), [""; 0]);
    let rogue = Case { recorded: r#"{"rules":["tcp"]}"#, observed: r#"{"rules":["tcp","udp"]}"#, ..case() };
    assert_eq!(rogue.found(), [r#"undeclared rules["udp"]: - -> "udp""#]);
}

#[test]
fn a_plan_that_leaves_everything_alone_removes_what_is_declared_and_keeps_the_rest() {
    let case = Case {
        recorded: r#"{"name":"ARN:A","size":"s"}"#,
        observed: r#"{"name":"arn:a","size":"l"}"#,
        code: Some("name"),
        plan: keeps_name,
        ..Case::new(thing())
    };
    assert_eq!(case.found(), [r#"undeclared size: "s" -> "l""#]);
}

#[test]
fn a_change_that_is_planned_in_any_case_is_not_drift_of_the_cloud() {
    fn always(question: &PlanQuestion) -> Value {
        set(question, "name", Some(Value::string("sha1:hashed")))
    }
    let case = Case {
        recorded: r#"{"name":"a"}"#,
        observed: r#"{"name":"b"}"#,
        code: Some("name"),
        plan: always,
        ..Case::new(thing())
    };
    assert_eq!(
        case.found(),
        [
            r#"undeclared name: "a" -> "b" (The provider plans the same change without the difference, so it is not what causes the plan.)"#
        ]
    );
}

#[test]
fn without_a_plan_the_writing_decides() {
    let case = Case {
        recorded: r#"{"name":"a","size":"s"}"#,
        observed: r#"{"name":"b","size":"l"}"#,
        code: Some("name"),
        refusal: Some("The name must not be a."),
        ..Case::new(thing())
    };
    assert_eq!(
        case.found(),
        [
            r#"declared name: "a" -> "b" (The provider made no plan: The name must not be a.)"#,
            r#"undeclared size: "s" -> "l" (The provider made no plan: The name must not be a.)"#,
        ]
    );
}

#[test]
fn what_is_not_known_before_apply_is_not_called_declared() {
    fn replaces(question: &PlanQuestion) -> Value {
        set(question, "size", Some(Value::unknown(cty::Type::String)))
    }
    let case = Case {
        recorded: r#"{"name":"a","size":"s"}"#,
        observed: r#"{"name":"b","size":"l"}"#,
        code: Some("name"),
        plan: replaces,
        ..Case::new(thing())
    };
    assert_eq!(
        case.found(),
        [
            r#"declared name: "a" -> "b""#,
            r#"undeclared size: "s" -> "l" (The next apply settles it: the provider plans it as known after apply.)"#,
        ]
    );
}

/// A bucket as the AWS provider has it: `versioning` is a block that the provider fills in where the code has none,
/// and only the provider knows.
fn bucket() -> Block {
    let versioning = block(&[("enabled", attribute("\"bool\"", "optional"))], &[]);
    block(
        &[("name", attribute(STRING, "required"))],
        &[
            ("versioning", NestingMode::List, versioning),
            ("rule", NestingMode::List, block(&[("days", attribute("\"number\"", "required"))], &[])),
        ],
    )
}

fn computes_versioning(question: &PlanQuestion) -> Value {
    let keep = question.config.get_attr("versioning").expect("it is there").is_empty();
    set(question, "versioning", keep.then(|| question.prior.get_attr("versioning").expect("it is there")))
}

#[test]
fn without_code_a_block_that_the_provider_fills_in_is_unclassified_and_any_other_declared() {
    let case = Case {
        recorded: r#"{"name":"a","versioning":[{"enabled":false}],"rule":[{"days":1}]}"#,
        observed: r#"{"name":"a","versioning":[{"enabled":true}],"rule":[{"days":2}]}"#,
        plan: computes_versioning,
        ..Case::new(bucket())
    };
    assert_eq!(case.found(), ["declared rule[0].days: 1 -> 2", "unclassified versioning[0].enabled: false -> true"]);
    assert_eq!(case.examine().1, [PlanBase::Observed, PlanBase::Observed, PlanBase::Recorded]);
    let only = Case { observed: r#"{"name":"a","versioning":[{"enabled":true}],"rule":[{"days":1}]}"#, ..case };
    assert_eq!(only.examine().1, [PlanBase::Observed], "one plan says it all");
}

#[test]
fn with_code_a_block_that_the_provider_fills_in_is_undeclared_unless_it_is_written() {
    let case = Case {
        recorded: r#"{"name":"a","versioning":[{"enabled":false}]}"#,
        observed: r#"{"name":"a","versioning":[{"enabled":true}]}"#,
        code: Some("name"),
        plan: computes_versioning,
        ..Case::new(bucket())
    };
    assert_eq!(case.found(), ["undeclared versioning[0].enabled: false -> true"]);
    let written = Case { code: Some("name, versioning.enabled"), ..case };
    assert_eq!(written.found(), ["declared versioning[0].enabled: false -> true"]);
}

#[test]
fn the_replacement_that_a_revert_takes_is_said() {
    let case = Case {
        recorded: r#"{"name":"a"}"#,
        observed: r#"{"name":"b"}"#,
        requires_replace: vec![Path::new().attr("name")],
        ..Case::new(thing())
    };
    assert_eq!(case.found(), [r#"declared name: "a" -> "b" (To change it back, the next apply replaces the object.)"#]);
}
