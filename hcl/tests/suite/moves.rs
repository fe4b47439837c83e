//! Where recorded addresses are now: what we say is what the programs plan.

use std::collections::{BTreeMap, BTreeSet};

use hcl::MemoryTree;
use hcl::configuration::Configuration;
use model::InstanceAddress;

use crate::evaluation::{programs, run};

pub(crate) type Files<'a> = &'a [(&'a str, &'a str)];

/// Writes files into a folder, in the place of those there.
pub(crate) fn write(folder: &std::path::Path, files: Files<'_>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if [".tf", ".json", ".tofu", ".tfvars"].iter().any(|ending| name.ends_with(ending)) {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

pub(crate) fn tree(files: Files<'_>) -> MemoryTree {
    MemoryTree(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect())
}

pub(crate) fn configuration(files: Files<'_>) -> Configuration {
    let (configuration, problems) = Configuration::read(&tree(files), ".", ".terraform");
    assert!(problems.is_empty(), "{problems:?}");
    configuration
}

fn resource(name: &str, more: &str) -> String {
    format!("resource \"terraform_data\" \"{name}\" {{\n{more}\n}}\n")
}

fn moved(from: &str, to: &str) -> String {
    format!("moved {{\n  from = {from}\n  to   = {to}\n}}\n")
}

/// Applies the first code and plans the second: gives the new address of every recorded one, itself where it stays.
fn planned(program: &std::path::Path, before: Files<'_>, after: Files<'_>) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let ok = |arguments: &[&str]| {
        let output = run(program, folder.path(), arguments, &[]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {text}", program.display());
        output
    };
    write(folder.path(), before);
    ok(&["init", "-input=false"]);
    ok(&["apply", "-auto-approve", "-input=false"]);
    write(folder.path(), after);
    ok(&["init", "-input=false"]);
    ok(&["plan", "-input=false", "-out=plan"]);
    let output = ok(&["show", "-json", "plan"]);
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut found = BTreeMap::new();
    for change in plan["resource_changes"].as_array().unwrap() {
        let address = change["address"].as_str().unwrap().to_owned();
        if change["change"]["before"].is_null() {
            continue;
        }
        let before = change["previous_address"].as_str().unwrap_or(&address).to_owned();
        found.insert(before, address);
    }
    found
}

fn check(name: &str, before: Files<'_>, after: Files<'_>) {
    let configuration = configuration(after);
    let (moves, problems) = configuration.moves();
    assert!(problems.is_empty(), "{name}: {problems:?}");
    for program in programs() {
        let theirs = planned(&program, before, after);
        assert!(!theirs.is_empty());
        let recorded: BTreeSet<InstanceAddress> = theirs.keys().map(|address| address.parse().unwrap()).collect();
        let ours = moves.all_current(&recorded);
        let ours: BTreeMap<String, String> = ours.iter().map(|(old, new)| (old.to_string(), new.to_string())).collect();
        assert_eq!(ours, theirs, "{name}: {}", program.display());
    }
}

#[test]
fn recorded_addresses_are_now_where_the_programs_move_them() {
    let call = |name: &str, more: &str| format!("module \"{name}\" {{\n  source = \"./m\"\n{more}\n}}\n");
    let (none, two, keys) = ("", "  count = 2", "  for_each = toset([\"x\", \"y\"])");
    let inner = resource("i", none);
    // Every case has resources of its own, so one apply tests them all.
    let before = [
        resource("a", none),
        resource("chain1", none),
        resource("count", none),
        resource("uncount", two),
        resource("named", two),
        resource("whole", two),
        resource("to_keys", two),
        resource("stays", none),
        resource("taken_from", none),
        resource("taken_to", none),
        resource("stated", none),
        call("plain", none),
        call("renamed", none),
        call("counted", none),
        call("uncounted", two),
        call("repeated", keys),
        call("rekeyed", keys),
        call("deep", none),
        resource("into", none),
        call("counted_and_renamed", none),
        resource("moved_and_counted", none),
    ]
    .concat();
    let after = [
        resource("b", none),
        moved("terraform_data.a", "terraform_data.b"),
        resource("chain3", none),
        moved("terraform_data.chain2", "terraform_data.chain3"),
        moved("terraform_data.chain1", "terraform_data.chain2"),
        resource("count", two),
        resource("uncount", none),
        resource("named", "  for_each = { k = 1, l = 2 }"),
        moved("terraform_data.named[1]", "terraform_data.named[\"k\"]"),
        moved("terraform_data.named[0]", "terraform_data.named[\"l\"]"),
        resource("whole2", two),
        moved("terraform_data.whole", "terraform_data.whole2"),
        resource("to_keys2", keys),
        moved("terraform_data.to_keys[0]", "terraform_data.to_keys2[\"x\"]"),
        resource("stays", none),
        resource("taken_to", none),
        moved("terraform_data.taken_from", "terraform_data.taken_to"),
        resource("stated", "  count = 1"),
        moved("terraform_data.elsewhere", "terraform_data.stated[0]"),
        call("plain", none),
        call("renamed2", none),
        moved("module.renamed", "module.renamed2"),
        call("counted", two),
        call("uncounted", none),
        call("repeated2", keys),
        moved("module.repeated", "module.repeated2"),
        call("rekeyed", "  for_each = toset([\"y\", \"z\"])"),
        moved("module.rekeyed[\"x\"]", "module.rekeyed[\"z\"]"),
        call("deep", none),
        call("new", keys).replace("./m", "./n"),
        moved("terraform_data.into", "module.new[\"x\"].terraform_data.i2"),
        call("renamed_and_counted", two),
        moved("module.counted_and_renamed", "module.renamed_and_counted"),
        resource("counted_now", two),
        moved("terraform_data.moved_and_counted", "terraform_data.counted_now"),
    ]
    .concat();
    let inner2 = [resource("i2", none), moved("terraform_data.i", "terraform_data.i2")].concat();
    let new = resource("i2", none);
    let after = [("main.tf", after.as_str()), ("m/main.tf", &inner2), ("n/main.tf", &new)];
    check("all", &[("main.tf", &before), ("m/main.tf", &inner)], &after);
}

#[test]
fn moves_go_between_types() {
    let configuration =
        configuration(&[("main.tf", &[moved("null_resource.a", "terraform_data.a"), resource("a", "")].concat())]);
    let moves = configuration.moves().0;
    let current = |address: &str| moves.current(&address.parse().unwrap()).to_string();
    assert_eq!(current("null_resource.a"), "terraform_data.a");
    assert_eq!(current("null_resource.a[\"k\"]"), "terraform_data.a[\"k\"]");
    assert_eq!(current("module.x.null_resource.a"), "module.x.null_resource.a");
}

#[test]
fn moves_in_json_are_read_and_mistakes_are_named() {
    let json =
        r#"{"moved": [{"from": "a_b.c", "to": "a_b.d[\"k\"]"}], "resource": {"a_b": {"d": {"for_each": {"k": 1}}}}}"#;
    let configuration_of_json = configuration(&[("main.tf.json", json)]);
    let (moves, problems) = configuration_of_json.moves();
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(moves.current(&"a_b.c".parse().unwrap()).to_string(), "a_b.d[\"k\"]");
    // In a circle everybody ends where they began, or one further.
    let circle = [moved("a_b.c", "a_b.d"), moved("a_b.d", "a_b.c")].concat();
    let circle = configuration(&[("main.tf", &circle)]);
    assert_eq!(circle.moves().0.current(&"a_b.c".parse().unwrap()).to_string(), "a_b.c");
    for (text, part) in [
        ("moved {\n  from = a_b.c\n}\n", "\"to\""),
        ("moved {\n  from = a_b.c\n  to = module.m\n}\n", "not both"),
        ("moved {\n  from = a_b.c[each.key]\n  to = a_b.d\n}\n", "literal"),
        ("moved {\n  from = a_b.c.d\n  to = a_b.d\n}\n", "without attributes"),
        ("moved {\n  from = 1\n  to = a_b.d\n}\n", "address"),
    ] {
        let configuration = configuration(&[("main.tf", text)]);
        let problems = configuration.moves().1;
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert!(problems[0].detail.contains(part) && problems[0].span.is_some(), "{}", problems[0]);
    }
}
