//! What the search makes of one object each.

use cty::Value;
use drift::adopt::search::{Lessons, Profile, SecretSource, Solution};
use model::{Block, NestingMode};

use super::provider::{Manner, Rule, Unset, World, attribute, block, nested, object, show};

const STRING: &str = r#""string""#;
const NUMBER: &str = r#""number""#;
const BOOL: &str = r#""bool""#;

/// Writes a solution: the configuration, then what else there is to say.
fn told(solution: &Solution) -> String {
    let mut lines = vec![show(&solution.config)];
    lines.extend(solution.flaws.iter().map(|flaw| format!("flaw: {}", flaw.why)));
    let secret = |secret: &drift::adopt::search::SecretArgument| {
        let source = if secret.source == SecretSource::StandIn { " stands in" } else { "" };
        format!("secret: {}{source}", secret.path)
    };
    lines.extend(solution.secrets.iter().map(secret));
    lines.extend(solution.json.iter().map(|path| format!("json: {path}")));
    lines.extend(solution.ignore_changes.iter().map(|path| format!("ignored: {path}")));
    lines.join("\n")
}

fn minimal(world: &World, observed: &str) -> String {
    told(&world.search(&object(&world.block, observed), Profile::Minimal, &Lessons::default()))
}

fn default(value: impl Into<Value>) -> Manner {
    Manner { unset: Unset::Default(value.into()), ..Manner::default() }
}

fn cloud() -> Manner {
    Manner { unset: Unset::Cloud, ..Manner::default() }
}

fn flat(attributes: &[(&str, &str, &str)]) -> Block {
    let attributes: Vec<_> = attributes.iter().map(|(name, ty, words)| (*name, attribute(ty, words))).collect();
    block(&attributes, &[])
}

#[test]
fn what_the_provider_sets_alone_is_never_written() {
    let world = World::new(flat(&[
        ("id", STRING, "optional computed"),
        ("arn", STRING, "computed"),
        ("name", STRING, "required"),
        ("size", NUMBER, "optional"),
    ]));
    let observed = r#"{"id": "x-1", "arn": "arn:x", "name": "x", "size": 3}"#;
    insta::assert_snapshot!(minimal(&world, observed), @r#"{name = "x", size = 3}"#);
}

#[test]
fn defaults_go_and_what_a_person_chose_stays() {
    let world = World::new(flat(&[
        ("name", STRING, "required"),
        ("size", NUMBER, "optional"),
        ("color", STRING, "optional"),
        ("network", STRING, "optional computed"),
        ("address", STRING, "optional computed"),
        ("mode", STRING, "optional computed"),
        ("region", STRING, "optional computed"),
    ]))
    .manner("size", default(Value::from(3_i64)))
    .manner("color", default("red"))
    .manner("network", cloud())
    .manner("address", cloud())
    .manner("mode", cloud())
    .manner("region", default("here"));
    let observed = r#"{"name": "x", "size": 3, "color": "blue", "network": "net-1", "address": "10.0.0.7",
        "mode": "default", "region": "here"}"#;
    insta::assert_snapshot!(minimal(&world, observed), @r#"{color = "blue", name = "x", network = "net-1"}"#);
}

#[test]
fn of_two_that_conflict_the_one_stays_that_plans_clean() {
    let attributes = [
        ("name", STRING, "optional computed"),
        ("name_prefix", STRING, "optional computed"),
        ("size", NUMBER, "optional"),
    ];
    let world = World::new(flat(&attributes))
        .manner("name", cloud())
        .manner("name_prefix", cloud())
        .rule(Rule::Conflict("name".to_owned(), "name_prefix".to_owned()));
    insta::assert_snapshot!(minimal(&world, r#"{"name": "web", "name_prefix": "we"}"#), @r#"{name = "web"}"#);

    let attributes = [("alpha", STRING, "optional computed"), ("beta", STRING, "optional")];
    let world = World::new(flat(&attributes))
        .manner("alpha", cloud())
        .rule(Rule::Excludes("beta".to_owned(), "alpha".to_owned()));
    insta::assert_snapshot!(minimal(&world, r#"{"alpha": "a", "beta": "b"}"#), @r#"{beta = "b"}"#);
}

#[test]
fn what_is_missing_is_added() {
    let attributes = [
        ("a", STRING, "optional computed"),
        ("b", STRING, "optional computed"),
        ("key", STRING, "optional computed"),
        ("cipher", STRING, "optional computed"),
    ];
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let world = World::new(flat(&attributes))
        .manner("a", cloud())
        .manner("b", cloud())
        .manner("key", cloud())
        .manner("cipher", cloud())
        .rule(Rule::ExactlyOneOf(names(["a", "b"])))
        .rule(Rule::AllOf(names(["key", "cipher"])));
    // A word like "default" would go, but one of both must be there; and the key cannot be without its cipher.
    let observed = r#"{"a": "default", "key": "k-123", "cipher": "standard"}"#;
    insta::assert_snapshot!(minimal(&world, observed), @r#"{a = "default", cipher = "standard", key = "k-123"}"#);
}

#[test]
fn blank_values_that_are_refused_are_dropped_first() {
    let inner = flat(&[("port", NUMBER, "required"), ("path", STRING, "optional"), ("note", STRING, "optional")]);
    let world = World::new(block(
        &[("name", attribute(STRING, "required")), ("weight", attribute(NUMBER, "optional"))],
        &[("check", NestingMode::Set, 0, inner)],
    ))
    .manner("weight", Manner { refuses_blank: true, is_legacy: true, ..Manner::default() })
    .manner("check.path", Manner { refuses_blank: true, is_legacy: true, ..Manner::default() })
    .manner("check.note", Manner { is_legacy: true, ..Manner::default() });
    let observed = r#"{"name": "x", "weight": 0, "check": [{"port": 80, "path": "", "note": ""}, {"port": 81, "path": "/up", "note": ""}]}"#;
    insta::assert_snapshot!(minimal(&world, observed), @r#"{check {path = "/up", port = 81}, check {port = 80}, name = "x"}"#);
    let solution = world.search(&object(&world.block, observed), Profile::Explicit, &Lessons::default());
    assert!(solution.flaws.is_empty(), "{}", told(&solution));
}

#[test]
fn empty_text_is_kept_where_it_is_not_the_same_as_nothing() {
    let world = World::new(flat(&[("name", STRING, "required"), ("note", STRING, "optional")]));
    insta::assert_snapshot!(minimal(&world, r#"{"name": "x", "note": ""}"#), @r#"{name = "x", note = ""}"#);
}

#[test]
fn json_is_respelled_where_the_provider_calls_it_the_same() {
    let world =
        World::new(flat(&[("policy", STRING, "required"), ("text", STRING, "required"), ("tidy", STRING, "optional")]))
            .manner("policy", Manner { knows_json: true, ..Manner::default() });
    let observed = r#"{"policy": "{\"b\": 1.50, \"a\": [ ]}", "text": "{ \"b\": 1 }", "tidy": "[1]"}"#;
    insta::assert_snapshot!(minimal(&world, observed), @r#"
    {policy = "{\"a\":[],\"b\":1.5}", text = "{ \"b\": 1 }", tidy = "[1]"}
    json: policy
    json: tidy
    "#);
}

#[test]
fn what_nobody_can_read_back_gets_a_stand_in() {
    let world = World::new(flat(&[
        ("name", STRING, "required"),
        ("password", STRING, "required sensitive"),
        ("kind", STRING, "required"),
        ("pin_wo", STRING, "required write_only"),
        ("token_wo", STRING, "optional write_only"),
    ]))
    .manner("kind", Manner { one_of: vec!["small".to_owned(), "large".to_owned()], ..Manner::default() });
    insta::assert_snapshot!(minimal(&world, r#"{"name": "x"}"#), @r#"
    {kind = (sensitive), name = "x", password = (sensitive), pin_wo = (sensitive)}
    flaw: kind must be set and cannot be read back: a value stands in for it, and its changes are ignored.
    flaw: password must be set and cannot be read back: a value stands in for it, and its changes are ignored.
    secret: kind stands in
    secret: password stands in
    secret: pin_wo stands in
    ignored: kind
    ignored: password
    "#);
}

#[test]
fn a_default_that_the_object_does_not_have_is_ignored() {
    let world = World::new(flat(&[("name", STRING, "required"), ("force", BOOL, "optional")]))
        .manner("force", default(Value::bool(false)));
    insta::assert_snapshot!(minimal(&world, r#"{"name": "x"}"#), @r#"
    {name = "x"}
    ignored: force
    "#);
}

#[test]
fn what_cannot_be_clean_is_told() {
    let attributes =
        [("name", STRING, "required"), ("zone", STRING, "computed"), ("mode", STRING, "optional computed")];
    let mut world = World::new(flat(&attributes))
        .manner("zone", Manner { unset: Unset::Default("b".into()), replaces: true, ..Manner::default() })
        .manner("mode", cloud());
    world.is_legacy_type_system = false;
    let solution = world.search(
        &object(&world.block, r#"{"name": "x", "zone": "a", "mode": "m-1"}"#),
        Profile::Minimal,
        &Lessons::default(),
    );
    assert!(solution.flaws[0].replaces);
    insta::assert_snapshot!(told(&solution), @r#"
    {mode = "m-1", name = "x"}
    flaw: The plan changes zone, for which the object would be replaced.
    "#);
}

#[test]
fn nothing_valid_is_told_with_the_reason() {
    let world = World::new(flat(&[("a", STRING, "required"), ("b", STRING, "required")]))
        .rule(Rule::Conflict("a".to_owned(), "b".to_owned()));
    let solution =
        world.search(&object(&world.block, r#"{"a": "1", "b": "2"}"#), Profile::Minimal, &Lessons::default());
    assert!(solution.config.is_null());
    insta::assert_snapshot!(solution.flaws[0].why, @r#"Conflicting configuration arguments: "a": conflicts with b"#);
}

#[test]
fn a_refusal_without_a_reason_is_searched_out() {
    let attributes = [
        ("a", STRING, "optional"),
        ("b", STRING, "optional computed"),
        ("c", STRING, "optional"),
        ("d", STRING, "optional"),
        ("name", STRING, "required"),
    ];
    let world = World::new(flat(&attributes)).manner("b", cloud()).rule(Rule::Mute("b".to_owned(), "c".to_owned()));
    let observed = r#"{"a": "1", "b": "2", "c": "3", "d": "4", "name": "x"}"#;
    insta::assert_snapshot!(minimal(&world, observed), @r#"{a = "1", c = "3", d = "4", name = "x"}"#);
}

#[test]
fn secrets_are_marked_and_named() {
    let world = World::new(flat(&[
        ("name", STRING, "required"),
        ("master", STRING, "optional sensitive"),
        ("environment", r#"["map","string"]"#, "optional"),
    ]));
    let observed = r#"{"name": "x", "master": "s3cret", "environment": {"DB_PASSWORD": "hunter2!", "LEVEL": "info"}}"#;
    let solution = world.search(&object(&world.block, observed), Profile::Minimal, &Lessons::default());
    assert!(!format!("{solution:?}").contains("hunter2"));
    insta::assert_snapshot!(told(&solution), @r#"
    {environment = {DB_PASSWORD = (sensitive), LEVEL = "info"}, master = (sensitive), name = "x"}
    secret: environment["DB_PASSWORD"]
    secret: master
    "#);
}

#[test]
fn what_a_provider_says_of_a_secret_is_not_repeated() {
    let world = World::new(flat(&[("a", STRING, "required sensitive"), ("b", STRING, "required")]))
        .manner("a", Manner { one_of: vec!["x".to_owned()], ..Manner::default() })
        .rule(Rule::Conflict("a".to_owned(), "b".to_owned()));
    let observed = object(&world.block, r#"{"a": "hunter2!", "b": "2"}"#);
    let solution = world.search(&observed, Profile::Minimal, &Lessons::default());
    let why: Vec<&str> = solution.flaws.iter().map(|flaw| flaw.why.as_str()).collect();
    assert!(why.iter().any(|why| why.contains("(sensitive)")), "{why:?}");
    assert!(!format!("{solution:?}").contains("hunter2"));
}

#[test]
fn hundreds_of_elements_come_to_an_end() {
    let rule = flat(&[("port", NUMBER, "required"), ("note", STRING, "optional"), ("path", STRING, "optional")]);
    let world = World::new(block(&[("name", attribute(STRING, "required"))], &[("rule", NestingMode::Set, 0, rule)]))
        .manner("rule.note", Manner { is_legacy: true, ..Manner::default() })
        .manner("rule.path", default("/"));
    let rules: Vec<String> =
        (0..400).map(|at| format!(r#"{{"port": {at}, "note": "", "path": "/{}"}}"#, at % 2)).collect();
    let observed = object(&world.block, &format!(r#"{{"name": "x", "rule": [{}]}}"#, rules.join(",")));
    let solution = world.search(&observed, Profile::Minimal, &Lessons::default());
    assert!(solution.flaws.is_empty(), "{:?}", solution.flaws.first());
}

#[test]
fn secrets_that_the_cloud_made_are_left_to_it() {
    let world = World::new(flat(&[("name", STRING, "required"), ("key", STRING, "optional computed sensitive")]))
        .manner("key", cloud());
    insta::assert_snapshot!(minimal(&world, r#"{"name": "x", "key": "a1b2c3d4"}"#), @r#"{name = "x"}"#);
}

#[test]
fn a_host_gets_the_scheme_that_the_provider_wants() {
    let one_of = vec!["https://login.example.com".to_owned()];
    let world = World::new(flat(&[("url", STRING, "required")]))
        .manner("url", Manner { one_of, ignores_scheme: true, ..Manner::default() });
    insta::assert_snapshot!(minimal(&world, r#"{"url": "login.example.com"}"#), @r#"{url = "https://login.example.com"}"#);
}

#[test]
fn objects_that_are_attributes_lose_their_blanks_only() {
    let route = r#"["set",["object",{"cidr":"string","gateway":"string","port":"number"}]]"#;
    let world = World::new(flat(&[("name", STRING, "required"), ("route", route, "optional computed")]))
        .manner("route", Manner { has_zero_objects: true, ..Manner::default() });
    let observed = r#"{"name": "x", "route": [{"cidr": "10.0.0.0/8", "gateway": "", "port": 0}]}"#;
    insta::assert_snapshot!(minimal(&world, observed), @r#"{name = "x", route {cidr = "10.0.0.0/8", port = 0}}"#);
}

#[test]
fn nested_attributes_lose_what_is_computed_and_what_is_default() {
    let rule = nested(
        NestingMode::List,
        "optional",
        &[
            ("id", attribute(STRING, "computed")),
            ("action", attribute(STRING, "required")),
            ("note", attribute(STRING, "optional")),
        ],
    );
    let world = World::new(block(&[("name", attribute(STRING, "required")), ("rules", rule)], &[]));
    let observed = r#"{"name": "x", "rules": [{"id": "r-1", "action": "allow", "note": "n"}]}"#;
    let solution = world.search(&object(&world.block, observed), Profile::Minimal, &Lessons::default());
    let rules = solution.config.get_attr("rules").expect("it is there");
    assert_eq!(rules.to_string(), r#"[{action = "allow", id = null, note = "n"}]"#);
}

#[test]
fn blocks_with_nothing_but_defaults_go_and_required_ones_stay() {
    let options = flat(&[("mode", STRING, "optional"), ("hops", NUMBER, "optional")]);
    let needed = flat(&[("port", NUMBER, "required")]);
    let world = World::new(block(
        &[("name", attribute(STRING, "required"))],
        &[("timeouts", NestingMode::List, 0, options.clone()), ("needed", NestingMode::List, 1, needed)],
    ))
    .manner("timeouts.mode", Manner { is_legacy: true, ..Manner::default() });
    insta::assert_snapshot!(
        minimal(&world, r#"{"name": "x", "timeouts": [], "needed": [{"port": 1}]}"#),
        @r#"{name = "x", needed {port = 1}}"#
    );
}

#[test]
fn what_a_generator_drops_comes_back_where_the_plan_misses_it() {
    let world =
        World::new(flat(&[("name", STRING, "required"), ("note", STRING, "optional"), ("size", NUMBER, "optional")]));
    let observed = object(&world.block, r#"{"name": "x", "note": "n", "size": 4}"#);
    let generated = object(&world.block, r#"{"name": "x"}"#);
    for profile in [Profile::Minimal, Profile::Explicit] {
        let solution = world.search_of(&observed, Some(&generated), profile, &Lessons::default());
        insta::allow_duplicates! {
            insta::assert_snapshot!(told(&solution), @r#"{name = "x", note = "n", size = 4}"#);
        }
    }
}

#[test]
fn the_second_object_needs_fewer_probes_and_wrong_lessons_only_cost_some() {
    let attributes = [
        ("name", STRING, "optional computed"),
        ("name_prefix", STRING, "optional computed"),
        ("size", NUMBER, "optional"),
        ("policy", STRING, "optional"),
    ];
    let world = World::new(flat(&attributes))
        .manner("name", cloud())
        .manner("name_prefix", cloud())
        .manner("size", default(Value::from(3_i64)))
        .rule(Rule::Conflict("name".to_owned(), "name_prefix".to_owned()));
    let first = object(&world.block, r#"{"name": "a", "name_prefix": "a", "size": 3, "policy": "{ }"}"#);
    let second = object(&world.block, r#"{"name": "b", "name_prefix": "b", "size": 4, "policy": "{ }"}"#);
    let taught = world.search(&first, Profile::Minimal, &Lessons::default());
    let fresh = world.search(&second, Profile::Minimal, &Lessons::default());
    let quick = world.search(&second, Profile::Minimal, &taught.learned);
    assert_eq!(told(&quick), told(&fresh));
    assert!(quick.n_probes < fresh.n_probes && quick.n_probes == 1, "{} and {}", quick.n_probes, fresh.n_probes);
    assert_eq!(Lessons::from_text(&taught.learned.to_text()), taught.learned);

    let wrong = Lessons::from_text("conflict policy size\njson policy\ncreated size null\nnonsense\n");
    let misled = world.search(&second, Profile::Minimal, &wrong);
    assert_eq!(told(&misled), told(&fresh));
}

#[test]
fn five_megabytes_of_user_data_are_no_trouble() {
    let world = World::new(flat(&[("name", STRING, "required"), ("user_data", STRING, "optional")]));
    let observed =
        object(&world.block, &format!(r#"{{"name": "x", "user_data": "{}"}}"#, "0123456789".repeat(500_000)));
    let solution = world.search(&observed, Profile::Minimal, &Lessons::default());
    assert!(solution.flaws.is_empty() && solution.n_probes < 10);
    assert!(solution.learned.to_text().len() < 1000);
}

#[test]
fn a_blank_argument_that_is_needed_wins_over_a_default() {
    let world = World::new(flat(&[("beta", STRING, "optional"), ("delta", STRING, "optional deprecated")]))
        .manner("beta", default("default"))
        .rule(Rule::Conflict("beta".to_owned(), "delta".to_owned()));
    let observed = object(&world.block, r#"{"beta": "default", "delta": ""}"#);
    for profile in [Profile::Minimal, Profile::Explicit] {
        let solution = world.search(&observed, profile, &Lessons::default());
        insta::allow_duplicates! {
            insta::assert_snapshot!(told(&solution), @r#"{delta = ""}"#);
        }
    }
}

#[test]
fn arguments_that_are_locked_together_are_found() {
    let attributes = [
        ("alpha", STRING, "optional"),
        ("beta", STRING, "optional deprecated"),
        ("gamma_id", STRING, "required"),
        ("omega", STRING, "optional"),
    ];
    let world = World::new(flat(&attributes))
        .manner("alpha", default("default"))
        .manner("omega", default("default"))
        .rule(Rule::AllOf(vec!["gamma_id".to_owned(), "beta".to_owned()]))
        .rule(Rule::Conflict("beta".to_owned(), "alpha".to_owned()));
    let observed = object(&world.block, r#"{"alpha": "default", "beta": "", "gamma_id": "web-1", "omega": ""}"#);
    let first = world.search(&observed, Profile::Minimal, &Lessons::default());
    insta::assert_snapshot!(told(&first), @r#"{beta = "", gamma_id = "web-1", omega = ""}"#);
    let second = world.search(&observed, Profile::Minimal, &first.learned);
    assert_eq!(told(&second), told(&first), "{}", first.learned.to_text());
}

#[test]
fn a_way_out_that_was_passed_over_is_found_again() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    for gamma in ["required", "optional"] {
        let attributes = [
            ("alpha", STRING, "optional"),
            ("delta", STRING, "optional"),
            ("gamma_id", STRING, gamma),
            ("omega", STRING, "optional"),
        ];
        let world = World::new(flat(&attributes))
            .manner("alpha", default("default"))
            .manner("delta", default("default"))
            .rule(Rule::ExactlyOneOf(names(&["delta", "omega", "alpha"])))
            .rule(Rule::AllOf(names(&["omega", "gamma_id"])));
        let observed = r#"{"alpha": "default", "delta": "default", "gamma_id": "web-1", "omega": ""}"#;
        let observed = object(&world.block, observed);
        let first = world.search(&observed, Profile::Minimal, &Lessons::default());
        insta::allow_duplicates! {
            insta::assert_snapshot!(told(&first), @r#"{gamma_id = "web-1", omega = ""}"#);
        }
        let second = world.search(&observed, Profile::Minimal, &first.learned);
        assert_eq!(told(&second), told(&first), "{}", first.learned.to_text());
    }
}

#[test]
fn lessons_that_lead_nowhere_are_forgotten() {
    let attributes = [
        ("delta", STRING, "optional"),
        ("mode", STRING, "optional"),
        ("omega", STRING, "optional"),
        ("zone_name", STRING, "required"),
    ];
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let world = World::new(flat(&attributes))
        .manner("delta", default("default"))
        .rule(Rule::ExactlyOneOf(names(&["omega", "delta", "mode"])))
        .rule(Rule::Excludes("zone_name".to_owned(), "delta".to_owned()));
    let observed = object(&world.block, r#"{"delta": "default", "mode": "default", "zone_name": "web-1"}"#);
    let first = world.search(&observed, Profile::Minimal, &Lessons::default());
    insta::assert_snapshot!(told(&first), @r#"{mode = "default", zone_name = "web-1"}"#);
    let wrong = Lessons::from_text("conflict mode delta\nconflict delta mode\n");
    for lessons in [first.learned.clone(), wrong] {
        let second = world.search(&observed, Profile::Minimal, &lessons);
        assert_eq!(told(&second), told(&first), "{}", lessons.to_text());
    }
}
