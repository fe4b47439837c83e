//! `driftmgr drift --plan`: what real plans of terraform and tofu tell, of a cloud that is a folder.

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use support::{Demo, Place, Run, torture};
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

/// Is in plans, states and the cloud, where only terraform may know it.
const PLANTED: &str = "planted-secret-never-print-me";

const TERRAFORM: &str = r#"
terraform {
  required_providers {
    torture = {
      source = "driftmgr/torture"
    }
  }
}
variable "cloud" {}
variable "note" {
  default = "kept"
}
provider "torture" {
  cloud = var.cloud
}
provider "torture" {
  alias = "other"
  cloud = var.cloud
}
"#;

const OBJECTS: &str = r#"
resource "torture_legacy" "kept" {
  name    = "kept"
  comment = var.note
}
resource "torture_legacy" "changed" {
  provider = torture.other
  name     = "changed"
  comment  = "written"
  tags     = { team = "a" }
  ingress {
    port = 1
  }
  dynamic "logging" {
    for_each = toset(["x"])
    content {
      target = logging.key
    }
  }
}
resource "torture_legacy" "gone" {
  name = "gone"
}
resource "torture_object" "hidden" {
  name   = "hidden"
  secret = "planted-secret-never-print-me"
}
module "many" {
  source   = "./many"
  for_each = toset(["eu"])
}
"#;

const MANY: &str = r#"
terraform {
  required_providers {
    torture = {
      source = "driftmgr/torture"
    }
  }
}
resource "torture_legacy" "many" {
  for_each = toset(["many-a", "many-b"])
  name     = each.key
}
"#;

/// A root module that was applied, and its cloud.
struct World {
    root: RootFolder<'static>,
    place: Place,
}

impl World {
    fn new(tool: Tool) -> Option<Self> {
        let program = tools::or_skip(tool)?;
        let place = Place::new();
        let folder = torture();
        let config =
            ["registry.terraform.io", "registry.opentofu.org"].iter().fold(CliConfig::default(), |config, host| {
                config.dev_override(&format!("{host}/driftmgr/torture"), &folder)
            });
        let cloud = place.path("cloud").display().to_string();
        let root = RootFolder::empty(&program, &config, None).expect("a root module");
        let root = root.with_environment(vec![("TF_VAR_cloud".to_owned(), cloud)]);
        let world = Self { root, place };
        world.cloud("kept", json!({"comment": "kept"}));
        world.cloud(
            "changed",
            json!({"comment": "written", "tags": {"team": "a"}, "ingress": [{"port": 1}], "logging": [{"target": "x"}]}),
        );
        for name in ["gone", "many-a", "many-b"] {
            world.cloud(name, json!({}));
        }
        world
            .place
            .write("cloud/torture_object/hidden.json", json!({"secret": PLANTED, "tier": "standard"}).to_string());
        world.code(OBJECTS);
        std::fs::create_dir(world.root.path().join("many")).expect("a folder");
        world.root.write("many/main.tf", MANY).expect("the module is written");
        // The provider itself is overridden, so that init fails when it has installed the modules.
        world.root.try_run(&["init", "-no-color"]).expect("terraform starts");
        for (address, id) in [
            ("torture_legacy.kept", "kept"),
            ("torture_legacy.changed", "changed"),
            ("torture_legacy.gone", "gone"),
            ("torture_object.hidden", "hidden"),
            (r#"module.many["eu"].torture_legacy.many["many-a"]"#, "many-a"),
            (r#"module.many["eu"].torture_legacy.many["many-b"]"#, "many-b"),
        ] {
            world.root.run(&["import", "-no-color", address, id]).expect("the object is imported");
        }
        Some(world)
    }

    fn code(&self, objects: &str) {
        self.root.write("main.tf", &format!("{TERRAFORM}{objects}")).expect("the code is written");
    }

    fn cloud(&self, name: &str, attributes: Value) {
        self.place.write(&format!("cloud/torture_legacy/{name}.json"), attributes.to_string());
    }

    /// Changes the cloud behind terraform's back.
    fn drift(&self) {
        self.cloud(
            "changed",
            json!({
                "comment": "by hand", "tags": {"team": "b", "more": "1"}, "region": "elsewhere",
                "ingress": [{"port": 1}, {"port": 22}], "logging": [{"target": "x"}]
            }),
        );
        std::fs::remove_file(self.place.path("cloud/torture_legacy/gone.json")).expect("it is removed");
        self.place.write(
            "cloud/torture_object/hidden.json",
            json!({"secret": format!("{PLANTED}-too"), "tier": "standard"}).to_string(),
        );
    }

    /// Makes a plan, and its JSON.
    fn plan(&self, options: &[&str]) -> PathBuf {
        let plan = self.root.path().join("p.tfplan");
        let _ = std::fs::remove_file(&plan);
        let arguments = [&["plan", "-no-color", "-input=false", "-out=p.tfplan"], options].concat();
        let planned = self.root.try_run(&arguments).expect("terraform starts");
        assert!(plan.exists(), "{}", String::from_utf8_lossy(&planned.stderr));
        let json = self.root.run(&["show", "-json", "p.tfplan"]).expect("the plan is shown");
        self.place.write("plan.json", json)
    }

    fn command(&self, arguments: &[&str]) -> Run {
        let mut command = self.place.driftmgr();
        command.args(["drift", "--dir"]).arg(self.root.path()).args(arguments);
        command.env("TF_CLI_CONFIG_FILE", self.root.config_file());
        let run = Run::of(command.output().expect("driftmgr starts"));
        assert!(!run.stdout.contains(PLANTED) && !run.stderr.contains(PLANTED), "{}{}", run.stdout, run.stderr);
        run
    }

    /// Tells what drifted by a plan made with these options.
    fn judge(&self, options: &[&str]) -> Run {
        let plan = self.plan(options);
        self.command(&["--json", "--plan", plan.to_str().expect("a path")])
    }
}

fn both(check: impl Fn(World)) {
    for tool in [Tool::Terraform, Tool::Tofu] {
        if let Some(world) = World::new(tool) {
            check(world);
        }
    }
}

/// Gives the kind of each finding by its address.
fn kinds(document: &Value) -> BTreeMap<&str, &str> {
    let findings = document["findings"].as_array().expect("a list").iter();
    findings.map(|finding| (text(&finding["address"]), text(&finding["kind"]))).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Gives the tier of each attribute that differs of an instance.
fn tiers<'a>(document: &'a Value, address: &str) -> BTreeMap<&'a str, &'a str> {
    let findings = document["findings"].as_array().expect("a list");
    let finding = findings.iter().find(|finding| finding["address"] == address).expect("it is found");
    let attributes = finding["attributes"].as_array().expect("a list").iter();
    attributes.map(|attribute| (text(&attribute["path"]), text(&attribute["tier"]))).collect()
}

const DRIFTED: [(&str, &str); 3] =
    [("torture_legacy.changed", "changed"), ("torture_legacy.gone", "missing"), ("torture_object.hidden", "changed")];

#[test]
fn what_the_refresh_of_a_plan_found_is_drift() {
    both(|world| {
        let clean = world.judge(&[]).ends_with(0).says("plan-refresh-assumed").document("driftmgr.drift/v1");
        assert_eq!(kinds(&clean), BTreeMap::new());
        assert_eq!(clean["coverage"]["plan"]["surely_refreshed"], false);
        assert_eq!((&clean["summary"]["checked"], &clean["summary"]["instances"]), (&json!(6), &json!(6)));
        world.judge(&["-refresh-only"]).ends_with(0);

        world.drift();
        let document = world.judge(&[]).ends_with(2).document("driftmgr.drift/v1");
        assert_eq!(kinds(&document), DRIFTED.into());
        let expected = [
            ("comment", "declared"),
            ("ingress[{port = 22}]", "declared"),
            ("region", "undeclared"),
            (r#"tags["more"]"#, "declared"),
            (r#"tags["team"]"#, "declared"),
        ];
        assert_eq!(tiers(&document, "torture_legacy.changed"), expected.into());
        assert_eq!(tiers(&document, "torture_object.hidden"), [("secret", "declared")].into());
        let coverage = &document["coverage"];
        assert_eq!(coverage["plan"]["surely_refreshed"], true);
        assert_eq!(coverage["plan"]["made_at"], document["as_of"]);
        let calls: u64 = coverage["configurations"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|one| one["calls"]["GetProviderSchema"].as_u64())
            .sum();
        assert_eq!(calls, 1, "nothing else is asked: {coverage}");
        assert!(!world.place.path("store.db").exists(), "the store is left alone");

        // The same without a plan of changes, and in the order that a pipe has.
        let document = world.judge(&["-refresh-only"]).ends_with(2).document("driftmgr.drift/v1");
        assert_eq!(kinds(&document), DRIFTED.into());
        assert_eq!(tiers(&document, "torture_legacy.changed"), expected.into());
        let plan = world.plan(&[]);
        let mut command = world.place.driftmgr();
        command.args(["drift", "--plan", "-"]).stdin(std::fs::File::open(plan).expect("it is there"));
        Run::of(command.output().expect("driftmgr starts")).ends_with(2).says("plan-without-schema");
    });
}

#[test]
fn what_a_plan_did_not_look_at_is_undetermined() {
    both(|world| {
        world.drift();
        let undetermined =
            |document: &Value| kinds(document).into_values().filter(|kind| *kind == "undetermined").count();

        let document = world.judge(&["-destroy"]).ends_with(3).document("driftmgr.drift/v1");
        assert_eq!(undetermined(&document), kinds(&document).len(), "{document}");

        let document = world.judge(&["-target=torture_legacy.changed"]).ends_with(2).document("driftmgr.drift/v1");
        assert_eq!((kinds(&document)["torture_legacy.changed"], undetermined(&document)), ("changed", 5));
        let document = world.judge(&["-target=torture_legacy.kept"]).ends_with(3).document("driftmgr.drift/v1");
        assert_eq!((undetermined(&document), &document["complete"]), (5, &json!(false)));

        // Nobody can tell from the plan.
        world.judge(&["-refresh=false"]).ends_with(0).says("plan-refresh-assumed");

        world.place.write("cloud/torture_legacy/kept.json", json!({"$error": "the cloud is down"}).to_string());
        let plan = world.root.path().join("p.tfplan");
        let _ = std::fs::remove_file(&plan);
        let planned =
            world.root.try_run(&["plan", "-no-color", "-input=false", "-out=p.tfplan"]).expect("terraform starts");
        assert!(!planned.status.success());
        if plan.exists() {
            let json = world.root.run(&["show", "-json", "p.tfplan"]).expect("the plan is shown");
            let plan = world.place.write("plan.json", json);
            let run = world.command(&["--json", "--plan", plan.to_str().expect("a path")]).says("plan-errored");
            assert_eq!(run.document("driftmgr.drift/v1")["complete"], false);
        }
    });
}

#[test]
fn what_the_code_changes_is_no_drift() {
    both(|world| {
        // An update, a replacement, an import, a creation, something that moves, and something that is not known yet.
        world.cloud("new", json!({}));
        let objects = OBJECTS.replace("\"written\"", "\"rewritten\"").replace(
            "resource \"torture_legacy\" \"gone\" {\n  name = \"gone\"",
            "resource \"torture_legacy\" \"here\" {\n  name = \"renamed\"",
        );
        let more = "
import {
  to = torture_legacy.new
  id = \"new\"
}
resource \"torture_legacy\" \"new\" {
  name    = \"new\"
  comment = \"more\"
}
resource \"terraform_data\" \"later\" {
  input = \"x\"
}
moved {
  from = torture_legacy.gone
  to   = torture_legacy.here
}
output \"same\" {
  value = 1
}
";
        world.code(&format!("{objects}{more}"));
        let document = world.judge(&["-var=note=other"]).ends_with(0).document("driftmgr.drift/v1");
        assert_eq!(kinds(&document), BTreeMap::new(), "{document}");
        assert_eq!(document["summary"]["instances"], 6, "neither what is created nor what is imported is recorded");

        // Drift beside it: what the code now says is there is none, and what is not known yet is declared.
        world.cloud("changed", json!({"comment": "rewritten", "tags": {"team": "a"}, "ingress": [{"port": 1}], "logging": [{"target": "x"}]}));
        world.cloud("kept", json!({"comment": "by hand"}));
        world.code(&format!("{objects}{more}").replace("comment = var.note", "comment = terraform_data.later.id"));
        let document = world.judge(&[]).ends_with(2).document("driftmgr.drift/v1");
        assert_eq!(kinds(&document), [("torture_legacy.kept", "changed")].into());
        assert_eq!(tiers(&document, "torture_legacy.kept"), [("comment", "declared")].into());
    });
}

#[test]
fn what_no_code_is_left_for_is_an_orphan_and_what_is_tainted_is_pending() {
    both(|world| {
        let end = OBJECTS.find("module \"many\"").expect("it is there");
        world.code(&OBJECTS[..end]);
        let state = world.root.path().join("terraform.tfstate");
        let mut json: Value = serde_json::from_str(&std::fs::read_to_string(&state).expect("a state")).expect("JSON");
        for resource in json["resources"].as_array_mut().expect("a list") {
            if resource["name"] == "kept" {
                resource["instances"][0]["status"] = json!("tainted");
            }
            if resource["name"] == "gone" {
                let mut deposed = resource["instances"][0].clone();
                deposed["deposed"] = json!("00aa11bb");
                resource["instances"].as_array_mut().expect("a list").push(deposed);
            }
        }
        json["serial"] = json!(100);
        std::fs::write(&state, json.to_string()).expect("the state is written");
        let document = world.judge(&[]).ends_with(2).document("driftmgr.drift/v1");
        let expected = [
            (r#"module.many["eu"].torture_legacy.many["many-a"]"#, "orphan"),
            (r#"module.many["eu"].torture_legacy.many["many-b"]"#, "orphan"),
            ("torture_legacy.gone", "pending"),
            ("torture_legacy.kept", "pending"),
        ];
        assert_eq!(kinds(&document), expected.into());
    });
}

#[test]
fn without_the_provider_attributes_are_compared_as_a_whole() {
    both(|world| {
        world.drift();
        let plan = world.plan(&[]);
        let run = world.place.run(&["drift", "--json", "--plan", plan.to_str().expect("a path")]);
        let run = run.ends_with(2).says("plan-without-schema");
        assert!(!run.stdout.contains(PLANTED), "{}", run.stdout);
        let document = run.document("driftmgr.drift/v1");
        assert_eq!(kinds(&document), DRIFTED.into());
        let expected =
            [("comment", "declared"), ("ingress", "declared"), ("region", "unclassified"), ("tags", "declared")];
        assert_eq!(tiers(&document, "torture_legacy.changed"), expected.into());
        world.place.write(".driftmgrignore.yaml", "version: 1\nrules:\n  - address: torture_*.*\n    reason: a test\n");
        let run = world.place.run(&["drift", "--json", "--plan", plan.to_str().expect("a path")]).ends_with(0);
        assert_eq!(run.json()["summary"]["ignored"], json!({"changed": 2, "missing": 1}));
        std::fs::remove_file(world.place.path(".driftmgrignore.yaml")).expect("it is removed");
        let mut json: Value = serde_json::from_str(&std::fs::read_to_string(&plan).expect("a plan")).expect("JSON");
        json["timestamp"] = json!("2020-01-02T03:04:05Z");
        std::fs::write(&plan, json.to_string()).expect("the plan is written");
        let run = world.place.run(&["drift", "--max-age", "1h", "--json", "--plan", plan.to_str().expect("a path")]);
        let document = run.ends_with(3).document("driftmgr.drift/v1");
        assert_eq!(document["as_of"], "2020-01-02T03:04:05Z");
        assert!(kinds(&document).into_values().all(|kind| kind == "undetermined"));
    });
}

/// Gives what fails: each instance, with its attributes that the code sets or that open something.
fn failing(document: &Value) -> BTreeMap<String, Vec<String>> {
    let findings = document["findings"].as_array().expect("a list").iter();
    let attributes = |finding: &Value| {
        let attributes = finding["attributes"].as_array().expect("a list").iter();
        let declared = attributes.filter(|attribute| attribute["tier"] == "declared");
        declared.map(|attribute| text(&attribute["path"]).to_owned()).collect()
    };
    let failing = findings.filter(|finding| finding["fails"] == true);
    failing
        .map(|finding| (format!("{} {}", text(&finding["kind"]), text(&finding["address"])), attributes(finding)))
        .collect()
}

#[test]
fn the_plan_of_an_estate_tells_what_its_provider_tells() {
    let (Some(_), Some(terraform)) = (tools::or_skip(Tool::Moto), tools::or_skip(Tool::Terraform)) else { return };
    let demo = Demo::start(true);
    let Some(()) = demo.install_providers() else { return };
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(&terraform);
        demo.moto.configure(&mut command);
        command.args(arguments).current_dir(demo.place.path("estate"));
        command.env("TF_CLI_CONFIG_FILE", demo.place.path("terraform.rc")).env("CHECKPOINT_DISABLE", "1");
        let output = command.output().expect("terraform starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    run(&["plan", "-no-color", "-input=false", "-out=p.tfplan"]);
    demo.place.write("plan.json", run(&["show", "-json", "p.tfplan"]));

    let mut command = demo.place.driftmgr();
    demo.moto.configure(&mut command);
    command.args(["drift", "--dir", "estate", "--precision", "provider", "--json"]);
    let read = Run::of(command.output().expect("driftmgr starts")).ends_with(2).document("driftmgr.drift/v1");
    // No endpoint and no credentials.
    let planned = demo.place.run(&["drift", "--dir", "estate", "--plan", "plan.json", "--json"]).ends_with(2);
    let planned = planned.document("driftmgr.drift/v1");
    assert_eq!(failing(&planned), failing(&read));
    assert_eq!(planned["summary"]["checked"], planned["summary"]["instances"]);
}

#[test]
fn what_is_no_plan_says_how_to_make_one() {
    let place = Place::new();
    place.write("p.tfplan", "PK\u{3}\u{4}");
    place
        .run(&["drift", "--plan", "p.tfplan"])
        .ends_with(1)
        .says("plan-file")
        .says("terraform show -json p.tfplan > plan.json");
    place.run(&["drift", "--plan", "absent.json"]).ends_with(1).says("absent.json");
    place.run(&["drift", "--plan", "."]).ends_with(1).says("is no file");
    place.run(&["drift", "--plan", "p.tfplan", "--state", "x"]).ends_with(1).says("--plan");
    place.write("events.json", "{\"@level\":\"info\"}\n{}\n");
    place.run(&["drift", "--plan", "events.json"]).ends_with(1).says("plan-event-stream");
}
