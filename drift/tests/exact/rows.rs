//! The second part of the truth table: code, state and cloud, told apart by two plans.

use cty::{Path, Type, Value};
use drift::exact::{Examination, Facets, Next, Plan, PlanBase, PlanQuestion};
use model::{Block, Kind, NestingMode, Schema};
use proptest::prelude::*;

use crate::support::{Case, attribute, block, object, plain};

const STRING: &str = "\"string\"";

fn thing() -> Block {
    block(
        &[
            ("id", attribute(STRING, "computed")),
            ("name", attribute(STRING, "required")),
            ("description", attribute(STRING, "optional")),
            ("size", attribute(STRING, "optional computed")),
            ("password", attribute(STRING, "optional sensitive")),
            ("tags", attribute(r#"["map","string"]"#, "optional")),
            ("updated_at", attribute(STRING, "computed")),
        ],
        &[(
            "rule",
            NestingMode::Set,
            block(&[("port", attribute(STRING, "required")), ("note", attribute(STRING, "optional"))], &[]),
        )],
    )
}

/// Plans as an SDK does: what is updated has a time that nobody knows yet.
fn updates(question: &PlanQuestion) -> Value {
    if question.proposed == question.prior {
        return question.proposed.clone();
    }
    with(&question.proposed, "updated_at", Value::unknown(Type::String))
}

fn with(object: &Value, name: &str, value: Value) -> Value {
    let entries = object.entries().map(|(own, other)| {
        let value = if own == name { value.clone() } else { other.clone() };
        (own.to_owned(), value)
    });
    Value::object(entries.collect())
}

fn case<'a>(config: &'a str, recorded: &'a str, observed: &'a str) -> Case<'a> {
    Case { config: Some(config), recorded, observed, code: Some("name"), plan: updates, ..Case::new(thing()) }
}

const A: &str = r#"{"name":"a","updated_at":"t"}"#;
const B: &str = r#"{"name":"b","updated_at":"t"}"#;
const C: &str = r#"{"name":"c","updated_at":"t"}"#;
const CODE_A: &str = r#"{"name":"a"}"#;

#[test]
fn in_sync_nothing_is_asked() {
    assert_eq!(case(CODE_A, A, A).examine(), (vec![], vec![]));
}

#[test]
fn what_only_the_cloud_has_is_changed() {
    let case = case(CODE_A, A, B);
    assert_eq!(case.rows(), [r#"changed declared name: code "a", state "a", cloud "b""#]);
    assert_eq!(case.examine().1, [PlanBase::Observed, PlanBase::Recorded]);
}

#[test]
fn what_only_the_code_has_is_pending_and_one_plan_tells() {
    let case = case(CODE_A, B, B);
    assert_eq!(case.rows(), [r#"pending declared name: code "a", state "b", cloud "b""#]);
    assert_eq!(case.examine().1, [PlanBase::Observed]);
    assert_eq!(case.examine().0[0].planned, Some(Value::string("a")));
}

#[test]
fn what_only_the_state_lacks_is_stale() {
    let case = case(CODE_A, B, A);
    assert_eq!(case.rows(), [r#"stale declared name: code "a", state "b", cloud "a""#]);
    assert_eq!(case.examine().1, [PlanBase::Observed, PlanBase::Recorded]);
}

#[test]
fn where_all_differ_it_is_a_collision() {
    assert_eq!(case(CODE_A, B, C).rows(), [r#"collision declared name: code "a", state "b", cloud "c""#]);
}

#[test]
fn one_instance_has_each_row_at_its_own_attribute() {
    let config = r#"{"name":"a","description":"new","tags":{"k":"1","mine":"x"}}"#;
    let recorded = r#"{"name":"a","description":"old","tags":{"k":"0","mine":"x"}}"#;
    let observed = r#"{"name":"b","description":"old","tags":{"k":"1","mine":"y"},"size":"l"}"#;
    assert_eq!(
        case(config, recorded, observed).rows(),
        [
            r#"pending declared description: code "new", state "old", cloud "old""#,
            r#"changed declared name: code "a", state "a", cloud "b""#,
            r#"changed undeclared size: code null, state null, cloud "l""#,
            r#"stale declared tags["k"]: code "1", state "0", cloud "1""#,
            r#"changed declared tags["mine"]: code "x", state "x", cloud "y""#,
        ]
    );
}

#[test]
fn keys_and_blocks_that_come_and_go_have_their_rows() {
    let rules = |ports: &[&str]| {
        let rules: Vec<String> = ports.iter().map(|port| format!(r#"{{"port":"{port}"}}"#)).collect();
        format!(r#"{{"name":"a","rule":[{}]}}"#, rules.join(","))
    };
    let rows = |code: &[&str], state: &[&str], cloud: &[&str]| {
        case(&rules(code), &rules(state), &rules(cloud))
            .rows()
            .iter()
            .map(|row| row.split(':').next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(&["1"], &["1"], &["1", "22"]), [r#"changed declared rule[{port = "22"}]"#]);
    assert_eq!(rows(&["1", "22"], &["1", "22"], &["1"]), [r#"changed declared rule[{port = "22"}]"#]);
    assert_eq!(rows(&["1", "22"], &["1"], &["1"]), [r#"pending declared rule[{port = "22"}]"#]);
    assert_eq!(rows(&["1"], &["1", "22"], &["1", "22"]), [r#"pending declared rule[{port = "22"}]"#]);
    assert_eq!(rows(&["1", "22"], &["1"], &["1", "22"]), [r#"stale declared rule[{port = "22"}]"#]);
    assert_eq!(rows(&["1"], &["1", "22"], &["1"]), [r#"stale declared rule[{port = "22"}]"#]);
    assert_eq!(
        rows(&["1", "443"], &["1"], &["1", "22"]),
        [r#"changed declared rule[{port = "22"}]"#, r#"pending declared rule[{port = "443"}]"#]
    );
    let tags = |text: &str| format!(r#"{{"name":"a","tags":{text}}}"#);
    let tagged = |code: &str, state: &str, cloud: &str| case(&tags(code), &tags(state), &tags(cloud)).rows();
    assert_eq!(tagged(r#"{"k":"1"}"#, "{}", "{}"), [r#"pending declared tags["k"]: code "1", state -, cloud -"#]);
    assert_eq!(
        tagged("{}", r#"{"k":""}"#, r#"{"k":""}"#),
        [r#"pending declared tags["k"]: code -, state "", cloud """#]
    );
}

#[test]
fn an_argument_taken_out_of_the_code_is_code_too() {
    let (with, without) = (r#"{"name":"a","description":"x"}"#, r#"{"name":"a"}"#);
    assert_eq!(case(without, with, with).rows(), [r#"pending declared description: code null, state "x", cloud "x""#]);
    assert_eq!(
        case(without, with, without).rows(),
        [r#"stale declared description: code null, state "x", cloud null"#]
    );
    let other = r#"{"name":"a","description":"y"}"#;
    assert_eq!(
        case(without, with, other).rows(),
        [r#"collision declared description: code null, state "x", cloud "y""#]
    );
    // What the provider may set as well stays as it is.
    let sized = r#"{"name":"a","size":"s"}"#;
    assert_eq!(case(without, sized, sized).rows(), [""; 0]);
}

#[test]
fn what_the_provider_calls_the_same_has_no_row() {
    /// Keeps the name as it is where only the letter case differs.
    fn ignores_case(question: &PlanQuestion) -> Value {
        let name = |object: &Value| object.get_attr("name").expect("it is there");
        let is_same = name(&question.prior).as_str().map(str::to_lowercase)
            == name(&question.proposed).as_str().map(str::to_lowercase);
        if is_same { with(&question.proposed, "name", name(&question.prior)) } else { plain(question) }
    }
    let upper = r#"{"name":"A"}"#;
    let case = |config, recorded, observed| Case { plan: ignores_case, ..case(config, recorded, observed) };
    assert_eq!(case(r#"{"name":"a"}"#, upper, upper).rows(), [""; 0]);
    assert_eq!(case(r#"{"name":"a"}"#, r#"{"name":"a"}"#, upper).rows(), [""; 0]);
    assert_eq!(case(r#"{"name":"A"}"#, r#"{"name":"a"}"#, upper).rows(), [""; 0]);
    assert_eq!(
        case(r#"{"name":"a"}"#, r#"{"name":"b"}"#, upper).rows(),
        [r#"stale declared name: code "a", state "b", cloud "A""#]
    );
}

#[test]
fn a_change_that_is_planned_whatever_the_code_says_is_no_collision() {
    fn always(question: &PlanQuestion) -> Value {
        with(&question.proposed, "name", Value::string("sha1:hashed"))
    }
    let config = r#"{"name":"a","description":"new"}"#;
    let case = Case { plan: always, ..case(config, r#"{"name":"a"}"#, r#"{"name":"b"}"#) };
    let rows = case.rows();
    assert!(rows.iter().any(|row| row.starts_with("changed undeclared name:")), "{rows:?}");
    assert!(rows.iter().any(|row| row.starts_with("pending declared description:")), "{rows:?}");
}

#[test]
fn what_an_update_leaves_to_the_provider_is_no_finding_of_its_own() {
    let rows = case(CODE_A, B, B).rows();
    assert!(!rows.iter().any(|row| row.contains("updated_at")), "{rows:?}");
}

#[test]
fn what_follows_in_the_provider_s_attributes_is_told_where_nothing_else_is() {
    fn counts(question: &PlanQuestion) -> Value {
        with(&question.proposed, "updated_at", Value::string("later"))
    }
    let both = Case { plan: counts, ..case(CODE_A, B, B) };
    assert_eq!(both.rows(), [r#"pending declared name: code "a", state "b", cloud "b""#]);
}

#[test]
fn a_replacement_is_said() {
    let requires_replace = vec![Path::new().attr("name")];
    let pending = Case { requires_replace: requires_replace.clone(), ..case(CODE_A, B, B) };
    let cause = "(To set it, the next apply replaces the object.)";
    assert!(pending.rows()[0].ends_with(cause), "{:?}", pending.rows());
    let collision = Case { requires_replace, ..case(CODE_A, B, C) };
    assert!(collision.rows()[0].ends_with(cause), "{:?}", collision.rows());
}

#[test]
fn what_evaluation_does_not_know_is_taken_to_be_what_is_recorded() {
    let unknown = |recorded, observed| Case { unknown: &["name"], ..case(CODE_A, recorded, observed) };
    assert_eq!(unknown(B, B).examine(), (vec![], vec![]));
    let changed = unknown(B, C);
    assert_eq!(
        changed.rows(),
        [
            r#"changed declared name: code (known after apply), state "b", cloud "c" (What the code sets it to is not known before an apply. It was taken to be what is recorded; the code may as well say what the cloud has, or something else.)"#
        ]
    );
    let other = Case {
        config: Some(r#"{"name":"?","description":"new"}"#),
        ..unknown(r#"{"name":"b","description":"old"}"#, r#"{"name":"b","description":"old"}"#)
    };
    assert_eq!(other.rows(), [r#"pending declared description: code "new", state "old", cloud "old""#]);
}

#[test]
fn ignored_changes_are_ignored_in_the_code_as_well() {
    let ignoring = |recorded, observed| Case { code: Some("name, !name"), ..case(CODE_A, recorded, observed) };
    assert_eq!(ignoring(B, B).examine(), (vec![], vec![]));
    let found = ignoring(B, C).rows();
    assert_eq!(
        found,
        [r#"changed ignored name: code "a", state "b", cloud "c" (`lifecycle.ignore_changes` covers it.)"#]
    );
}

#[test]
fn a_secret_that_the_code_changes_is_pending_and_not_shown() {
    let secret = |config, observed| case(config, r#"{"name":"a","password":"old"}"#, observed);
    let expect = "pending declared password: code (sensitive), state (sensitive), cloud (sensitive)";
    let unapplied = secret(r#"{"name":"a","password":"new"}"#, r#"{"name":"a","password":"old"}"#);
    assert_eq!(unapplied.rows(), [expect]);
    // The provider does not read it back.
    let unread = secret(r#"{"name":"a","password":"new"}"#, r#"{"name":"a"}"#).rows();
    assert_eq!(unread.len(), 1, "{unread:?}");
    assert!(unread[0].starts_with("pending declared password: code (sensitive)"), "{unread:?}");
    let applied = secret(r#"{"name":"a","password":"old"}"#, r#"{"name":"a"}"#).rows();
    assert!(applied[0].starts_with("changed unreadable password"), "{applied:?}");
}

#[test]
fn what_evaluation_marks_is_not_shown_either() {
    let schema = thing();
    let (address, schema) = ("test_thing.x".parse().expect("an address"), Schema { version: 0, block: schema });
    let at = |text| object(&schema.block, text);
    let (recorded, observed, config) = (at(B), at(C), at(CODE_A));
    let mark = (Path::new().attr("name"), [cty::Mark::Sensitive].into());
    let config = config.mark_with_paths(&[mark]);
    let facets = Facets {
        address: &address,
        schema: &schema,
        recorded_json: b"{}",
        recorded: &recorded,
        observed: &observed,
        declared: None,
        config: Some(&config),
    };
    let (mut examination, mut next) = Examination::begin(facets);
    let found = loop {
        match next {
            Next::Done(found) => break found,
            Next::Plan(question) => {
                assert!(!question.config.contains_marked(), "providers know no marks");
                let (planned, requires_replace) = (updates(&question), Vec::new());
                next = examination.answer(Ok(Plan { planned, requires_replace, is_legacy_type_system: true }));
            }
        }
    };
    let text = format!("{found:?}");
    assert_eq!((found.len(), found[0].kind), (1, Kind::Collision));
    assert!(found[0].is_sensitive && !text.contains("\"a\"") && !text.contains("\"b\""), "{text}");
}

#[test]
fn where_the_provider_refuses_the_plan_what_differs_is_kept() {
    let refused = Case { refusal: Some("No."), ..case(CODE_A, B, C) };
    let found = refused.rows();
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("changed declared name") && found[0].ends_with("(The provider made no plan: No.)"));
    assert_eq!(Case { refusal: Some("No."), ..case(CODE_A, B, B) }.rows(), [""; 0]);
}

/// Writes an object of strings; what is empty is null.
fn strings(values: &[(&str, &str)]) -> String {
    let entries = values.iter().filter(|(_, value)| !value.is_empty());
    let entries: Vec<String> = entries.map(|(name, value)| format!(r#""{name}":"{value}""#)).collect();
    format!("{{{}}}", entries.join(","))
}

fn some() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a"), Just("b"), Just("c")]
}

fn maybe() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(""), Just("a"), Just("b"), Just("c")]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Each attribute has the row of the table, whatever the others have; where all are the same there is none.
    #[test]
    fn every_attribute_has_its_row(
        names in [some(), some(), some()],
        descriptions in [maybe(), maybe(), maybe()],
        sizes in [maybe(), maybe(), maybe()],
    ) {
        let sides: Vec<String> = (0..3)
            .map(|side| strings(&[("name", names[side]), ("description", descriptions[side]), ("size", sizes[side])]))
            .collect();
        let found = case(&sides[0], &sides[1], &sides[2]).examine().0;
        let kind = |[code, state, cloud]: [&str; 3]| match (code == state, code == cloud, state == cloud) {
            (true, true, true) => None,
            (true, false, false) => Some("changed declared"),
            (false, false, true) => Some("pending declared"),
            (false, true, false) => Some("stale declared"),
            (false, false, false) => Some("collision declared"),
            _ => unreachable!("equality is transitive"),
        };
        // What the code leaves open is by its tier.
        let open = |[code, state, cloud]: [&str; 3]| match code {
            "" => (state != cloud).then_some("changed undeclared"),
            _ => kind([code, state, cloud]),
        };
        let expect: Vec<String> = [("description", kind(descriptions)), ("name", kind(names)), ("size", open(sizes))]
            .into_iter()
            .filter_map(|(name, kind)| Some(format!("{} {name}", kind?)))
            .collect();
        let rows: Vec<String> =
            found.iter().map(|found| format!("{} {} {}", found.kind, found.tier, found.path)).collect();
        prop_assert_eq!(rows, expect);
    }

    /// Code that evaluates to what was applied is judged as code that was only parsed.
    #[test]
    fn code_that_is_applied_changes_nothing(
        name in [some(), some()],
        description in [maybe(), maybe()],
        size in [maybe(), maybe()],
    ) {
        let side = |at: usize| strings(&[("name", name[at]), ("description", description[at]), ("size", size[at])]);
        let (recorded, observed) = (side(0), side(1));
        let config = strings(&[("name", name[0]), ("description", description[0])]);
        let evaluated = Case { code: Some("name, description"), ..case(&config, &recorded, &observed) };
        let parsed = Case { config: None, code: Some("name, description"), ..case(&config, &recorded, &observed) };
        prop_assert_eq!(evaluated.found(), parsed.found());
    }
}
