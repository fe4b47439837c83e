//! The rows of the truth table where code, state and cloud differ, told by the program about a provider's objects.

mod support;

use serde_json::{Value, json};
use support::Run;
use support::change::{World, object};

/// Runs `driftmgr drift --json` in a root module.
fn drift(world: &World, root: &str) -> Value {
    let mut command = world.place.driftmgr();
    command
        .args(["drift", "--json", "--all"])
        .current_dir(world.place.path(&format!("repo/{root}")))
        .env("TF_CLI_CONFIG_FILE", world.place.path("terraform.rc"));
    let run = Run::of(command.output().expect("driftmgr starts"));
    assert!([0, 2].contains(&run.code), "{run:?}");
    run.document("driftmgr.drift/v1")
}

/// Gives kind and difference of each finding about an instance's `tier`.
fn tiers(document: &Value, name: &str) -> Vec<(String, Value)> {
    let address = format!("torture_object.{name}");
    let findings = document["findings"].as_array().expect("findings");
    let of = findings.iter().filter(|finding| finding["address"] == address);
    of.flat_map(|finding| {
        let attributes = finding["attributes"].as_array().cloned().unwrap_or_default();
        let kind = finding["kind"].as_str().unwrap_or_default().to_owned();
        attributes.into_iter().filter(|it| it["path"] == "tier").map(move |it| (kind.clone(), it))
    })
    .collect()
}

/// Gives kind and difference of the one finding about an instance's `tier`.
#[track_caller]
fn tier(document: &Value, name: &str) -> (String, Value) {
    let told = tiers(document, name);
    let [one] = &told[..] else { panic!("{name}: {told:#?} in {document:#}") };
    one.clone()
}

#[test]
fn each_row_has_its_kind_its_values_and_its_line() {
    let world = World::of(&[("a", &["hand", "code", "both", "clash", "same"])]);
    // The state says `fast` everywhere.
    world.change("hand", "tier", json!("slow"));
    world.change("both", "tier", json!("slow"));
    world.change("clash", "tier", json!("medium"));
    world.code(
        "a",
        &[
            object("hand", "hand", "fast"),
            object("code", "code", "slow"),
            object("both", "both", "slow"),
            object("clash", "clash", "slow"),
            object("same", "same", "fast"),
        ],
    );
    let told = drift(&world, "a");
    let code = std::fs::read_to_string(world.place.path("repo/a/main.tf")).expect("the code");
    for (name, kind, values) in [
        ("hand", "changed", ["fast", "fast", "slow"]),
        ("code", "pending", ["slow", "fast", "fast"]),
        ("both", "stale", ["slow", "fast", "slow"]),
        ("clash", "collision", ["slow", "fast", "medium"]),
    ] {
        let (said, difference) = tier(&told, name);
        assert_eq!(said, kind, "{name}");
        let side = |side: &str| difference[side].as_str().unwrap_or_default().to_owned();
        assert_eq!([side("code"), side("state"), side("cloud")], values, "{name}: {difference:#}");
        let line = difference["source"]["line"].as_u64().expect("it stands in the code") as usize;
        assert_eq!(difference["source"]["file"], "main.tf");
        assert!(code.lines().nth(line - 1).is_some_and(|text| text.trim().starts_with("tier")), "{name}: line {line}");
    }
    assert_eq!(tiers(&told, "same"), []);
}

#[test]
fn what_refers_to_another_resource_is_judged_by_what_that_will_be() {
    let world = World::of(&[("a", &["source", "made", "set", "kept", "last"])]);
    let follows = |name: &str, of: &str| object(name, name, "-").replace("\"-\"", &format!("torture_object.{of}.tier"));
    // `made` is what the code makes of the source; `kept` was changed by hand; `last` follows over another one.
    world.change("made", "tier", json!("slow"));
    world.change("kept", "tier", json!("medium"));
    world.code(
        "a",
        &[
            object("source", "source", "slow"),
            follows("made", "source"),
            follows("set", "source"),
            follows("kept", "source"),
            follows("last", "set"),
        ],
    );
    let told = drift(&world, "a");
    for (name, kind, from) in [
        ("source", "pending", None),
        ("made", "stale", None),
        ("set", "pending", Some("torture_object.source")),
        ("kept", "collision", None),
        ("last", "pending", Some("torture_object.source")),
    ] {
        let (said, difference) = tier(&told, name);
        assert_eq!(said, kind, "{name}: {difference:#}");
        assert_eq!(difference["code"], "slow", "{name}: {difference:#}");
        if from.is_some() {
            assert_eq!(difference["propagated_from"].as_str(), from, "{name}: {difference:#}");
        }
    }
    // What is not applied hides no drift of what refers to it: where code and state agree, nothing follows.
    world.code(
        "a",
        &[
            object("source", "source", "fast"),
            follows("made", "source"),
            follows("set", "source"),
            follows("kept", "source"),
            follows("last", "set"),
        ],
    );
    let told = drift(&world, "a");
    for name in ["made", "kept"] {
        let (said, difference) = tier(&told, name);
        assert_eq!((said.as_str(), difference["code"].as_str()), ("changed", Some("fast")), "{name}");
    }
    assert_eq!(tiers(&told, "last"), []);
}

#[test]
fn nothing_is_read_twice_for_what_refers_to_others() {
    let world = World::of(&[("a", &["source", "set", "last"])]);
    let follows = |name: &str, of: &str| object(name, name, "-").replace("\"-\"", &format!("torture_object.{of}.tier"));
    world.code("a", &[object("source", "source", "slow"), follows("set", "source"), follows("last", "set")]);
    let calls = world.place.path("calls.txt");
    let mut command = world.place.driftmgr();
    command
        .args(["drift", "--json"])
        .current_dir(world.place.path("repo/a"))
        .env("TF_CLI_CONFIG_FILE", world.place.path("terraform.rc"))
        .env("TORTURE_CALLS", &calls);
    Run::of(command.output().expect("driftmgr starts")).ends_with(0);
    let calls = std::fs::read_to_string(calls).expect("calls are written down");
    let count = |call: &str| calls.lines().filter(|line| line.starts_with(call)).count();
    assert_eq!(count("+ReadResource"), 3, "{calls}");
    assert_eq!(count("+ReadResource"), calls.lines().filter(|line| line.contains("-ReadResource")).count(), "{calls}");
}
