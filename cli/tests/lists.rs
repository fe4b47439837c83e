//! What nobody manages, as the installed provider lists it: a hosted provider whose cloud is a folder of files.

mod support;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Demo, Place, Run, torture};
use xtask::terraform::CliConfig;
use xtask::tools::{self, Tool};

/// A root module whose state records the object `kept`, and their cloud.
struct World {
    place: Place,
}

impl World {
    fn new(registry: &str) -> Self {
        let world = Self { place: Place::new() };
        let address = format!("{registry}/driftmgr/torture");
        let cloud = world.place.path("cloud");
        world.place.write(
            "root/main.tf",
            format!(
                "terraform {{\n  required_providers {{\n    torture = {{\n      source = \"driftmgr/torture\"\n    }}\n  }}\n}}\n\
                 provider \"torture\" {{\n  cloud = {:?}\n}}\nresource \"torture_object\" \"kept\" {{\n  name = \"kept\"\n  \
                 tier = \"fast\"\n}}\n",
                cloud.display().to_string()
            ),
        );
        let attributes = json!({"name": "kept", "tier": "fast", "made": "then", "force": null});
        let state = json!({
            "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "6e32f1f4", "outputs": {},
            "resources": [{
                "mode": "managed", "type": "torture_object", "name": "kept",
                "provider": format!("provider[\"{address}\"]"),
                "instances": [{"schema_version": 1, "attributes": attributes, "sensitive_attributes": []}],
            }],
            "check_results": null,
        });
        world.place.write("root/terraform.tfstate", state.to_string());
        let config = format!(
            "provider_installation {{\n  dev_overrides {{\n    {address:?} = {:?}\n  }}\n}}\n",
            torture().display().to_string()
        );
        world.place.write("terraform.rc", config);
        world.add("kept");
        world
    }

    /// Adds an object to the cloud.
    fn add(&self, name: &str) {
        let attributes = json!({"name": name, "tier": "fast", "made": "then"});
        self.place.write(&format!("cloud/torture_object/{name}.json"), attributes.to_string());
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.driftmgr();
        command.args(arguments).args(["--dir", "root"]).env("TF_CLI_CONFIG_FILE", self.place.path("terraform.rc"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().expect("driftmgr starts"))
    }
}

fn unmanaged(document: &Value) -> Vec<&str> {
    let findings = document["findings"].as_array().expect("a list").iter();
    let unmanaged = findings.filter(|finding| finding["kind"] == "unmanaged");
    unmanaged.map(|finding| finding["id"].as_str().unwrap_or("?")).collect()
}

#[test]
fn what_the_provider_lists_and_no_state_records_is_unmanaged_whichever_registry_it_is_from() {
    for registry in ["registry.terraform.io", "registry.opentofu.org"] {
        let world = World::new(registry);
        let arguments = ["unmanaged", "--type", "torture_object", "--json"];
        let document = world.run(&arguments).ends_with(0).document("driftmgr.drift/v1");
        let list = &document["coverage"]["lists"][0];
        assert_eq!((&list["status"], &list["objects"], &list["recorded"]), (&json!("listed"), &json!(1), &json!(1)));

        world.add("rogue");
        let document = world.run(&arguments).ends_with(2).document("driftmgr.drift/v1");
        assert_eq!(unmanaged(&document), ["rogue"], "{registry}");
        let finding = &document["findings"][0];
        assert_eq!((&finding["found_by"], &finding["type"]), (&json!("ListResource"), &json!("torture_object")));
        assert_eq!(finding["remedies"][0]["to"], "torture_object.rogue");
        assert_eq!(document["coverage"]["lists"][0]["calls"]["ListResource"], 1);
        let text = world.run(&["unmanaged", "--type", "torture_object"]).ends_with(2).stdout;
        assert!(text.contains("lists of providers: 1 of 1 type, 2 objects"), "{text}");

        let drift = ["drift", "--unmanaged", "--type", "torture_object", "--json"];
        let document = world.run(&drift).document("driftmgr.drift/v1");
        assert_eq!(unmanaged(&document), ["rogue"]);
        assert_eq!(document["summary"]["checked"], 1);
    }
}

#[test]
fn what_is_found_can_be_adopted() {
    let world = World::new("registry.terraform.io");
    world.add("rogue");
    world.run(&["adopt", "--type", "torture_object", "--out-dir", "adopted"]).ends_with(0);
    let imports = std::fs::read_to_string(world.place.path("adopted/imports.tf")).expect("it was written");
    assert!(imports.contains("to = torture_object.rogue") && imports.contains("id = \"rogue\""), "{imports}");
}

#[test]
fn five_thousand_objects_are_listed() {
    let world = World::new("registry.terraform.io");
    for number in 0..5_000 {
        world.add(&format!("n{number}"));
    }
    let document = world.run(&["unmanaged", "--type", "torture_object", "--json"]).ends_with(2).json();
    assert_eq!(unmanaged(&document).len(), 5_000);
    assert_eq!(document["coverage"]["lists"][0]["calls"]["ListResource"], 1);
}

#[test]
fn a_list_that_fails_is_said_and_leaves_the_answer_incomplete() {
    let world = World::new("registry.terraform.io");
    world.add("rogue");
    // The provider that fails gives what it has first.
    for (fault, code, status, kind) in [
        ("TORTURE_FAIL", 2, "partial", "throttled"),
        ("TORTURE_CRASH", 3, "failed", "provider_failed"),
        ("TORTURE_HANG", 3, "failed", "timeout"),
    ] {
        let mut command = world.command(&["unmanaged", "--type", "torture_object", "--scope-timeout", "3s", "--json"]);
        let run = Run::of(command.env(fault, "ListResource").output().expect("driftmgr starts"));
        let document = run.ends_with(code).document("driftmgr.drift/v1");
        let list = &document["coverage"]["lists"][0];
        assert_eq!((&list["status"], &list["causes"][0]["kind"]), (&json!(status), &json!(kind)), "{fault}");
        assert_eq!(document["complete"], false);
    }
    let mut command = world.command(&["unmanaged", "--type", "torture_object", "--scope-timeout", "3s"]);
    let run = Run::of(command.env("TORTURE_HANG", "ListResource").output().expect("driftmgr starts")).ends_with(3);
    assert!(run.stdout.contains("torture_object (failed)"), "{}", run.stdout);
}

#[test]
fn a_stop_ends_the_list_at_once() {
    let world = World::new("registry.terraform.io");
    let ended = world.place.path("ended");
    let mut command = world.command(&["unmanaged", "--type", "torture_thing", "--json"]);
    command.env("TORTURE_LIST_ENDED", &ended).stdout(Stdio::piped()).stderr(Stdio::piped());
    let calls = world.place.path("calls");
    let child = command.env("TORTURE_CALLS", &calls).spawn().expect("driftmgr starts");
    let began = Instant::now();
    while !std::fs::read_to_string(&calls).is_ok_and(|calls| calls.contains("+ListResource")) {
        assert!(began.elapsed() < Duration::from_secs(30), "the list never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty());
    let began = Instant::now();
    while !ended.exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "the provider still lists");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn inventory_precision_starts_no_provider() {
    let world = World::new("registry.terraform.io");
    world.add("rogue");
    let calls = world.place.path("calls");
    let mut command = world.command(&["unmanaged", "--precision", "inventory", "--no-scan", "--json"]);
    let run = Run::of(command.env("TORTURE_CALLS", &calls).output().expect("driftmgr starts"));
    assert!(!calls.exists(), "a provider was started: {}", run.stderr);
}

#[test]
#[expect(clippy::print_stdout, reason = "which lists the emulator answers is worth knowing")]
fn on_aws_what_plan_is_silent_about_is_found_and_nothing_recorded_is_unmanaged() {
    let (Some(_), Some(_)) = (tools::or_skip(Tool::Aws), tools::or_skip(Tool::Moto)) else { return };
    let mut programs: Vec<PathBuf> = tools::find(Tool::Tofu).into_iter().collect();
    programs.extend(tools::search_path("terraform"));
    if programs.is_empty() {
        tools::skip("neither terraform nor tofu installs a provider");
    }
    let demo = Demo::start(true);
    let script = "import boto3\n\
                  iam = boto3.client('iam')\n\
                  user = iam.list_users()['Users'][0]['UserName']\n\
                  print(iam.create_access_key(UserName=user)['AccessKey']['AccessKeyId'])\n";
    let mut python = Command::new(demo.moto.python());
    demo.moto.configure(&mut python);
    let made = Run::of(python.args(["-c", script]).output().expect("python starts")).ends_with(0);
    let key = made.stdout.trim();
    let config = demo.place.write("terraform.rc", CliConfig::with_tools().expect("there are tools").render());
    let state: Value = serde_json::from_slice(&std::fs::read(demo.state()).expect("the state")).expect("JSON");
    let instances = state["resources"].as_array().expect("a list").iter().flat_map(|resource| {
        let instances = resource["instances"].as_array().expect("a list").iter();
        instances.map(|instance| (resource["type"].clone(), instance["attributes"]["id"].clone()))
    });
    let recorded: Vec<(Value, Value)> = instances.collect();
    for program in programs {
        let folder = demo.place.path("estate/.terraform");
        for leftover in [folder.clone(), demo.place.path("estate/.terraform.lock.hcl")] {
            // What an earlier round left; the first leaves nothing.
            let _ = if leftover.is_dir() { std::fs::remove_dir_all(leftover) } else { std::fs::remove_file(leftover) };
        }
        let mut init = Command::new(&program);
        demo.moto.configure(&mut init);
        init.args(["init", "-input=false", "-no-color"]).env("TF_CLI_CONFIG_FILE", &config);
        let init = init.current_dir(demo.place.path("estate")).output().expect("it starts");
        Run::of(init).ends_with(0);

        let mut command = demo.driftmgr_in(&demo.place);
        command.args(["unmanaged", "--dir", "estate", "--scope-timeout", "20s", "--json"]);
        let run = Run::of(command.env("TF_CLI_CONFIG_FILE", &config).output().expect("driftmgr starts"));
        let document = run.ends_with(2).document("driftmgr.drift/v1");
        let findings = document["findings"].as_array().expect("a list");
        let unmanaged: Vec<&Value> = findings.iter().filter(|finding| finding["kind"] == "unmanaged").collect();
        let is_found =
            |of: &Value| unmanaged.iter().any(|finding| finding["type"] == of["type"] && finding["id"] == of["id"]);
        for expected in demo.truth["unmanaged"].as_array().expect("a list") {
            assert!(is_found(expected), "{} does not find {expected}", program.display());
        }
        let found = unmanaged.iter().find(|finding| finding["id"] == key).expect("the access key is found");
        assert_eq!((&found["type"], &found["found_by"]), (&json!("aws_iam_access_key"), &json!("ListResource")));
        for finding in &unmanaged {
            let is_recorded = recorded.iter().any(|(name, id)| finding["type"] == *name && finding["id"] == *id);
            assert!(!is_recorded, "{finding} is recorded");
        }
        let folded = |name: &str, reason: &str| {
            let mut of = unmanaged.iter().filter(|finding| finding["type"] == name);
            of.any(|finding| finding["folded"] == reason)
        };
        assert!(folded("aws_route_table", "it is the main route table of its VPC"), "{unmanaged:#?}");
        assert!(folded("aws_ebs_volume", "it is the root device of its instance"), "{unmanaged:#?}");
        let lists = document["coverage"]["lists"].as_array().expect("a list");
        let word = |status: &str| -> Vec<String> {
            let of = lists.iter().filter(|list| list["status"] == status);
            of.map(|list| format!("{} {}", list["type"], list["causes"])).collect()
        };
        println!("{}: {} types listed", program.display(), word("listed").len());
        println!("failed: {:#?}\nnot listed: {:#?}", word("failed"), word("not_listed"));
        for finding in unmanaged.iter().filter(|finding| finding["found_by"] == "ListResource") {
            println!("only listed: {} {} {}", finding["type"], finding["id"], finding["folded"]);
        }
        assert!(word("listed").len() >= 50, "{lists:#?}");
    }
}

#[test]
fn what_the_code_has_and_nobody_imported_is_told_apart_from_what_nobody_manages() {
    let world = World::new("registry.terraform.io");
    for name in ["unimported", "nobody"] {
        world.add(name);
    }
    let code = std::fs::read_to_string(world.place.path("root/main.tf")).expect("the code");
    let more = "locals {\n  base = \"un\"\n}\nresource \"torture_object\" \"more\" {\n  name = \"${local.base}imported\"\n  \
                tier = \"fast\"\n}\nresource \"torture_object\" \"new\" {\n  name = \"not-there\"\n}\n";
    world.place.write("root/main.tf", format!("{code}{more}"));
    let drift = |code: i32| {
        let arguments = ["drift", "--unmanaged", "--type", "torture_object", "--json"];
        let document = world.run(&arguments).ends_with(code).document("driftmgr.drift/v1");
        let findings = document["findings"].as_array().expect("a list").iter();
        let mut told: Vec<String> = findings
            .filter(|finding| finding["folded"].is_null())
            .map(|it| {
                format!(
                    "{} {} {}",
                    it["kind"].as_str().unwrap_or("?"),
                    it["address"].as_str().unwrap_or("-"),
                    it["id"].as_str().unwrap_or("?")
                )
            })
            .collect();
        told.sort();
        told
    };
    assert_eq!(drift(2), ["not_imported torture_object.more unimported", "unmanaged - nobody"]);
    // Once an import block is about it, the next apply imports it.
    let import = "import {\n  to = torture_object.more\n  id = \"unimported\"\n}\n";
    world.place.write("root/main.tf", format!("{code}{more}{import}"));
    assert_eq!(drift(0), ["pending torture_object.more unimported", "unmanaged - nobody"]);
}
