//! `driftmgr baseline` and everything else that ignores, against the cloud of the torture provider.

mod support;

use serde_json::{Value, json};
use support::{Place, Run, torture};

const ADDRESS: &str = "registry.terraform.io/driftmgr/torture";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const FILE: &str = "driftmgr.baseline.json";

/// A root module whose objects are files, all applied.
struct World {
    place: Place,
}

impl World {
    fn of(names: &[&str]) -> Self {
        let world = Self { place: Place::new() };
        let mut resources = Vec::new();
        for name in names {
            let attributes = json!({"name": name, "tier": "fast", "secret": format!("planted-{name}"), "made": "then"});
            world.place.write(&format!("cloud/torture_object/{name}.json"), attributes.to_string());
            let mut recorded = attributes;
            recorded["force"] = Value::Null;
            resources.push(json!({
                "mode": "managed", "type": "torture_object", "name": name, "provider": format!("provider[\"{ADDRESS}\"]"),
                "instances": [{"schema_version": 1, "attributes": recorded, "sensitive_attributes": []}],
            }));
        }
        let state = json!({
            "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "a lineage", "outputs": {},
            "resources": resources, "check_results": null,
        });
        world.place.write("root/terraform.tfstate", state.to_string());
        let config = format!(
            "provider_installation {{\n  dev_overrides {{\n    {ADDRESS:?} = {:?}\n  }}\n}}\n",
            torture().display().to_string()
        );
        world.place.write("terraform.rc", config);
        let blocks: Vec<String> = names.iter().map(|name| block(name, "", "")).collect();
        world.code(&blocks.concat());
        world
    }

    fn code(&self, blocks: &str) {
        let cloud = self.place.path("cloud").display().to_string();
        let code = format!(
            "terraform {{\n  required_providers {{\n    torture = {{\n      source = \"driftmgr/torture\"\n    }}\n  }}\n}}\n\
             provider \"torture\" {{\n  cloud = {cloud:?}\n}}\n{blocks}"
        );
        self.place.write("root/main.tf", code);
    }

    /// Changes an object by hand.
    fn change(&self, name: &str, attribute: &str, value: &str) {
        let path = self.place.path(&format!("cloud/torture_object/{name}.json"));
        let text = std::fs::read_to_string(&path).expect("the object is there");
        let mut attributes: Value = serde_json::from_str(&text).expect("objects are JSON");
        attributes[attribute] = json!(value);
        std::fs::write(path, attributes.to_string()).expect("it is written");
    }

    fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let mut command = self.place.driftmgr();
        command
            .args(arguments)
            .current_dir(self.place.path("root"))
            .env("TF_CLI_CONFIG_FILE", self.place.path("terraform.rc"))
            .envs(environment.iter().copied());
        Run::of(command.output().expect("driftmgr starts"))
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    fn baseline(&self) -> String {
        std::fs::read_to_string(self.place.path(&format!("root/{FILE}"))).expect("the baseline is there")
    }

    /// Lists what is in the folder of the root module.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(self.place.path("root")).expect("the folder");
        let mut files: Vec<_> = entries
            .map(|entry| entry.expect("an entry"))
            .map(|entry| {
                let bytes = std::fs::read(entry.path()).expect("a file");
                (entry.file_name().to_string_lossy().into_owned(), bytes)
            })
            .collect();
        files.sort();
        files
    }
}

fn block(name: &str, above: &str, at_tier: &str) -> String {
    format!(
        "{above}resource \"torture_object\" \"{name}\" {{\n  name   = \"{name}\"\n  tier   = \"fast\"{at_tier}\n  secret = \
         \"planted-{name}\"\n}}\n"
    )
}

/// Looks at standard output.
trait Prints {
    /// Makes sure that a text is on it.
    fn prints(self, text: &str) -> Self;
}

impl Prints for Run {
    #[track_caller]
    fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "standard output does not say {text:?}:\n{}", self.stdout);
        self
    }
}

const APPROVAL: &[&str] = &["--approver", "ada", "--reason", "it was so before"];

/// Lists the failing findings of a report, each with what still counts in it.
fn failing(run: &Run) -> Vec<String> {
    let document = run.document("driftmgr.drift/v1");
    let findings = document["findings"].as_array().expect("a list").clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = |finding: &Value| {
        let attributes = finding["attributes"].as_array().expect("a list");
        let paths: Vec<String> = attributes
            .iter()
            .filter(|attribute| attribute["tier"] == "declared")
            .map(|attribute| text(&attribute["path"]))
            .collect();
        format!("{} {} {}", text(&finding["kind"]), text(&finding["address"]), paths.join(" ")).trim().to_owned()
    };
    findings.iter().filter(|finding| finding["fails"] == true).map(name).collect()
}

#[test]
fn what_is_recorded_fails_no_more_and_what_comes_on_top_does() {
    let world = World::of(&["a", "b", "c"]);
    world.change("a", "tier", "slow");
    std::fs::remove_file(world.place.path("cloud/torture_object/b.json")).expect("it was there");
    world.run(&["drift"]).ends_with(2);
    let before = world.files();
    let arguments = [&["baseline", "record"], APPROVAL].concat();
    world.run(&arguments).ends_with(0).prints("2 added; 2 entries now");
    let after: Vec<_> = world.files().into_iter().filter(|(name, _)| name != FILE).collect();
    assert_eq!(before, after, "nothing but the baseline is written");
    let text = world.baseline();
    assert!(!text.contains("slow") && !text.contains("planted") && !text.contains("digest"), "{text}");
    world.run(&arguments).ends_with(0).prints("nothing changed; 2 entries now");
    assert_eq!(world.baseline(), text);

    let run = world.run(&["drift", "--json"]).ends_with(0);
    let document = run.document("driftmgr.drift/v1");
    assert_eq!(document["summary"]["ignored"], json!({"changed": 1, "missing": 1}));
    assert_eq!(document["ignore_rules"][0]["by"], "baseline");
    assert_eq!(document["ignore_rules"][0]["owner"], "ada");
    let shown = world.run(&["drift"]).ends_with(0);
    shown.prints("Ignored (2), by 2 entries of the baseline").prints("it was so before (baseline, approved by ada)");
    world.run(&["drift", "--baseline", "none"]).ends_with(2);

    world.change("c", "tier", "slow");
    assert_eq!(failing(&world.run(&["drift", "--json"]).ends_with(2)), ["changed torture_object.c tier"]);
    world
        .run(&[&["baseline", "add", "torture_object.c", "tier", "--until", "2000-01-01"], APPROVAL].concat())
        .ends_with(0);
    let expired = world.run(&["drift"]).ends_with(2);
    expired.says("baseline-expired").says("changed torture_object.c tier (approved by ada, until 2000-01-01)");
    world.run(&["baseline", "remove", "--expired"]).ends_with(0).prints("- changed torture_object.c tier");
    assert_eq!(world.baseline(), text);
    world.run(&["baseline", "remove", "torture_object.c"]).ends_with(1).says("no entry about torture_object.c");

    world.change("a", "tier", "fast");
    world.change("c", "tier", "fast");
    world.run(&["drift"]).ends_with(0).says("baseline-unused").says("changed torture_object.a tier");
    // Nothing is said, and nothing goes, where only a part is looked at.
    let part = world.run(&["drift", "--type", "torture_other"]);
    assert!(!part.stderr.contains("baseline-unused"), "{}", part.stderr);
    world.run(&[&["baseline", "record", "--prune"], APPROVAL].concat()).ends_with(0).prints("1 removed; 1 entry now");
    world.run(&["baseline", "remove", "torture_object.b"]).ends_with(0).prints("0 entries now");
}

#[test]
fn another_value_fails_again_where_there_is_a_key() {
    let world = World::of(&["a"]);
    world.change("a", "tier", "slow");
    world.change("a", "secret", "planted-otherwise");
    let key = [("DRIFTMGR_BASELINE_KEY", KEY)];
    world.run_with(&[&["baseline", "record"], APPROVAL].concat(), &key).ends_with(0);
    let text = world.baseline();
    let entries: Value = serde_json::from_str(&text).expect("it is JSON");
    let has_digest = |path: &str| {
        let entries = entries["entries"].as_array().expect("a list");
        let entry = entries.iter().find(|entry| entry["path"] == path);
        entry.map(|entry| entry["digest"].is_string())
    };
    assert_eq!(has_digest("tier"), Some(true), "{text}");
    assert_ne!(has_digest("secret"), Some(true), "what is sensitive has none: {text}");
    assert!(!text.contains("planted") && !text.contains("slow") && !text.contains(KEY), "{text}");
    world.run_with(&["drift"], &key).ends_with(0);
    world.change("a", "tier", "medium");
    let run = world.run_with(&["drift", "--json"], &key).ends_with(2);
    assert_eq!(failing(&run), ["changed torture_object.a tier"]);
    world.run(&["drift"]).ends_with(0).says("baseline-key").says("is not set");
    world.run_with(&["drift"], &[("DRIFTMGR_BASELINE_KEY", "short")]).ends_with(1).says("at least 32");
    world.run_with(&[&["baseline", "record"], APPROVAL].concat(), &key).ends_with(0).prints("1 replaced");
    world.run_with(&["drift"], &key).ends_with(0);
}

#[test]
fn a_baseline_that_is_wrong_or_newer_is_an_error_with_its_line() {
    let world = World::of(&["a"]);
    world.place.write(&format!("root/{FILE}"), "{\n  \"version\": 7,\n  \"entries\": []\n}\n");
    world.run(&["drift"]).ends_with(1).says("newer version").says(":2:14").says("Upgrade driftmgr");
    let record = [&["baseline", "record"], APPROVAL].concat();
    world.run(&record).ends_with(1);
    assert!(world.baseline().contains("\"version\": 7"), "it is left as it is");
    world.place.write(&format!("root/{FILE}"), "{\"version\": 1, \"entries\": [\n  {\"adress\": \"x\"}]}");
    world.run(&["drift"]).ends_with(1).says("unknown field `adress`").says(":2:");
    world.run(&["drift", "--baseline", "none"]).ends_with(0);
    world.run(&["drift", "--baseline", "nowhere.json"]).ends_with(1).says("it is not there");
    world
        .run(&[&["baseline", "add", "torture_object.nobody"], APPROVAL, &["--baseline", "new.json"]].concat())
        .ends_with(1)
        .says("Nothing was found about torture_object.nobody");
    assert!(!world.place.path("root/new.json").exists());
    world.run(&["baseline", "record", "--approver", "ada", "--reason", " "]).ends_with(1).says("--reason");
    world.run(&["baseline", "remove", "--expired", "--baseline", "none"]).ends_with(1);
}

#[test]
fn comments_in_the_code_ignore_where_they_stand() {
    let world = World::of(&["a", "b", "c"]);
    for name in ["a", "b", "c"] {
        world.change(name, "tier", "slow");
    }
    let code = |a: &str, b: &str| [block("a", a, ""), block("b", "", b), block("c", "", "")].concat();
    world.code(&code("# driftmgr:ignore tier reason=\"tuned by hand\" owner=ops\n", " # driftmgr:ignore reason=tuned"));
    let run = world.run(&["drift", "--json"]).ends_with(2);
    assert_eq!(failing(&run), ["changed torture_object.c tier"]);
    let document = run.document("driftmgr.drift/v1");
    assert_eq!(document["summary"]["ignored"], json!({"changed": 2}));
    assert_eq!(document["ignore_rules"][0]["by"], "comment");
    assert_eq!(document["ignore_rules"][1]["source"]["file"], "main.tf");
    world.run(&["drift"]).prints("Ignored (2), by 2 comments in the code").prints("tuned by hand");
    world.code(&code("# driftmgr:ignore tier\n", " # driftmgr:ignore reason=tuned until=2000-01-01"));
    let run = world.run(&["drift"]).ends_with(2);
    run.says("ignore-comment").says("has no reason").says("ignore-rule-expired");
}

#[test]
fn suggested_rules_are_ready_to_use() {
    let world = World::of(&["a", "b"]);
    world.change("a", "tier", "slow");
    world.change("b", "tier", "slow");
    let suggest = ["baseline", "suggest", "--reason", "tuned by hand: it's so", "--owner", "ops"];
    let run = world.run(&suggest).ends_with(0);
    world.place.write("root/.driftmgrignore.yaml", &run.stdout);
    world.run(&["drift"]).ends_with(0).prints("by 2 rules of the ignore file");
    std::fs::remove_file(world.place.path("root/.driftmgrignore.yaml")).expect("it was there");
    let run = world.run(&[&suggest[..], &["--comments"]].concat()).ends_with(0);
    let mut lines = run.stdout.lines();
    assert_eq!(lines.next(), Some("torture_object.a"));
    let comment = lines.next().expect("a comment").trim();
    world.code(&[block("a", &format!("{comment}\n"), ""), block("b", "", "")].concat());
    let run = world.run(&["drift", "--json"]).ends_with(2);
    assert_eq!(failing(&run), ["changed torture_object.b tier"]);
}
