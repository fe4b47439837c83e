//! Exact drift through a hosted provider whose cloud is a folder of files, and that misbehaves on request.

mod support;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Place, Run, torture};

/// A root module with objects of the torture provider, the state of them, and their cloud.
struct World {
    place: Place,
}

impl World {
    /// Makes a world in which nothing drifted.
    fn of(names: &[&str]) -> Self {
        let world = Self { place: Place::new() };
        let address = "registry.terraform.io/driftmgr/torture";
        let mut code = format!(
            "terraform {{\n  required_providers {{\n    torture = {{\n      source = \"driftmgr/torture\"\n    }}\n  }}\n}}\n\
             provider \"torture\" {{\n  cloud = \"{}\"\n}}\n",
            world.place.path("cloud").display()
        );
        let mut resources = Vec::new();
        for name in names {
            write!(
                code,
                "resource \"torture_object\" \"{name}\" {{\n  name   = \"{name}\"\n  tier   = \"fast\"\n  secret = \
                 \"planted-{name}\"\n}}\n"
            )
            .expect("text grows");
            let attributes = json!({"name": name, "tier": "fast", "secret": format!("planted-{name}"), "made": "then"});
            world.set(name, &attributes);
            let mut recorded = attributes.clone();
            recorded["force"] = Value::Null;
            resources.push(json!({
                "mode": "managed", "type": "torture_object", "name": name,
                "provider": format!("provider[\"{address}\"]"),
                "instances": [{"schema_version": 1, "attributes": recorded, "sensitive_attributes": []}],
            }));
        }
        world.place.write("root/main.tf", code);
        world.write_state(resources);
        let config = format!(
            "provider_installation {{\n  dev_overrides {{\n    {address:?} = {:?}\n  }}\n}}\n",
            torture().display().to_string()
        );
        world.place.write("terraform.rc", config);
        world
    }

    fn write_state(&self, resources: Vec<Value>) {
        let state = json!({
            "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "6e32f1f4", "outputs": {},
            "resources": resources, "check_results": null,
        });
        self.place.write("root/terraform.tfstate", state.to_string());
    }

    /// Writes an object of the cloud.
    fn set(&self, name: &str, attributes: &Value) {
        self.place.write(&format!("cloud/torture_object/{name}.json"), attributes.to_string());
    }

    /// Changes an object of the cloud.
    fn change(&self, name: &str, attribute: &str, value: Value) {
        let path = self.place.path(&format!("cloud/torture_object/{name}.json"));
        let text = std::fs::read_to_string(path).expect("the object is there");
        let mut attributes: Value = serde_json::from_str(&text).expect("objects are JSON");
        attributes[attribute] = value;
        self.set(name, &attributes);
    }

    /// Removes an object of the cloud.
    fn remove(&self, name: &str) {
        std::fs::remove_file(self.place.path(&format!("cloud/torture_object/{name}.json"))).expect("it was there");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.driftmgr();
        command
            .args(["drift", "--dir", "root"])
            .args(arguments)
            .env("TF_CLI_CONFIG_FILE", self.place.path("terraform.rc"))
            // What is found in /proc tells this world's processes by it.
            .env("TORTURE_WORLD", self.place.path(""));
        command
    }

    fn drift(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied());
        Run::of(command.output().expect("driftmgr starts"))
    }

    fn document(&self, code: i32, environment: &[(&str, &str)]) -> Value {
        let document = self.drift(&["--json"], environment).ends_with(code).document("driftmgr.drift/v1");
        assert!(!document.to_string().contains("planted-"), "a secret is in {document}");
        document
    }

    /// Lists the providers that run for this world.
    fn processes(&self) -> Vec<String> {
        let mark = format!("TORTURE_WORLD={}", self.place.path("").display());
        let is_ours = |entry: &Path| {
            let environment = std::fs::read(entry.join("environ")).unwrap_or_default();
            let program = std::fs::read_link(entry.join("exe")).unwrap_or_default();
            program.ends_with("terraform-provider-torture")
                && environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        let entries = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| entry.path()).filter(|path| is_ours(path)).map(|path| path.display().to_string()).collect()
    }

    #[track_caller]
    fn assert_no_process_is_left(&self) {
        let began = Instant::now();
        while !self.processes().is_empty() {
            assert!(began.elapsed() < Duration::from_secs(5), "{:?} are left", self.processes());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn findings<'a>(document: &'a Value, kind: &str) -> Vec<&'a Value> {
    let findings = document["findings"].as_array().expect("a list");
    findings.iter().filter(|finding| finding["kind"] == kind && finding["folded"].is_null()).collect()
}

fn addresses<'a>(document: &'a Value, kind: &str) -> Vec<&'a str> {
    findings(document, kind).iter().filter_map(|finding| finding["address"].as_str()).collect()
}

#[test]
fn an_untouched_world_is_clean_and_says_who_was_asked() {
    let world = World::of(&["a", "b", "c"]);
    let document = world.document(0, &[]);
    assert_eq!(document["summary"]["checked"], 3);
    let configuration = &document["coverage"]["configurations"][0];
    assert_eq!(configuration["precision"], "provider");
    // A busy machine may make a read so slow that it is repeated.
    assert!(configuration["calls"]["ReadResource"].as_u64() >= Some(3), "{configuration}");
    assert_eq!(configuration["calls"]["ConfigureProvider"], 1);
    let text = world.drift(&[], &[]).ends_with(0).stdout;
    assert!(text.contains("provider driftmgr/torture: 3 of 3 instances"), "{text}");
    let markdown = world.drift(&["--format", "markdown"], &[]).ends_with(0).stdout;
    assert!(markdown.contains("3 of 3 instances"), "{markdown}");
    world.assert_no_process_is_left();
}

#[test]
fn what_changed_and_what_is_gone_is_found() {
    let world = World::of(&["a", "b", "c", "d"]);
    world.change("a", "tier", json!("slow"));
    world.change("b", "revision", json!("7"));
    world.change("c", "secret", json!("planted-other"));
    world.remove("d");
    let document = world.document(2, &[]);
    assert_eq!(addresses(&document, "missing"), ["torture_object.d"]);
    let changed = findings(&document, "changed");
    let of = |address: &str| changed.iter().find(|finding| finding["address"] == address);
    let tier = &of("torture_object.a").expect("a changed")["attributes"][0];
    assert_eq!((&tier["path"], &tier["tier"]), (&json!("tier"), &json!("declared")));
    assert_eq!((&tier["state"], &tier["cloud"]), (&json!("fast"), &json!("slow")));
    let secret = &of("torture_object.c").expect("c changed")["attributes"][0];
    assert_eq!((&secret["path"], &secret["sensitive"]), (&json!("secret"), &json!(true)));
    assert!(of("torture_object.b").is_none_or(|finding| finding["fails"] == false), "what the cloud sets is no drift");
    let calls = &document["coverage"]["configurations"][0]["calls"];
    assert!(calls["ReadResource"].as_u64() >= Some(5), "what is gone is looked for twice: {calls}");
}

#[test]
fn precision_is_a_choice() {
    let world = World::of(&["a"]);
    world.change("a", "tier", json!("slow"));
    world.drift(&["--precision", "provider"], &[]).ends_with(2);
    // No inventory knows this type, and no provider is started.
    let calls = world.place.path("calls");
    let environment = [("TORTURE_CALLS", calls.to_str().expect("a path"))];
    let document = world.drift(&["--precision", "inventory", "--json"], &environment).ends_with(3);
    assert_eq!(addresses(&document.document("driftmgr.drift/v1"), "undetermined"), ["torture_object.a"]);
    world.drift(&["--no-scan"], &environment).ends_with(3);
    assert!(!calls.exists(), "a provider was started");

    // Where there is none, the choice decides what that means.
    world.place.write("terraform.rc", "provider_installation {\n}\n");
    let run = world.drift(&["--precision", "provider", "--json"], &[]).ends_with(3);
    let document = run.document("driftmgr.drift/v1");
    let finding = findings(&document, "undetermined")[0];
    assert_eq!(finding["cause"]["kind"], "no_provider", "{finding}");
    world.drift(&[], &[]).ends_with(3);
}

#[test]
fn a_transcript_tells_what_was_asked_and_no_value() {
    let world = World::of(&["a"]);
    world.change("a", "tier", json!("slow"));
    world.drift(&["--record-transcript", "said"], &[]).ends_with(2);
    let text = std::fs::read_to_string(world.place.path("said/driftmgr-torture-1.jsonl")).expect("it was written");
    for method in
        ["GetProviderSchema", "ConfigureProvider", "UpgradeResourceState", "ReadResource", "PlanResourceChange"]
    {
        assert!(text.contains(&format!("\"method\":\"{method}\"")), "{method} is not in {text}");
    }
    for value in ["planted-a", "slow", "fast"] {
        assert!(!text.contains(value), "{value} is in {text}");
    }
    world.drift(&["--record-transcript", "root/main.tf"], &[]).ends_with(1).says("transcripts");
}

#[test]
fn in_ci_an_unverified_provider_is_not_started() {
    let world = World::of(&["a"]);
    let calls = world.place.path("calls");
    let environment = [("CI", "true"), ("TORTURE_CALLS", calls.to_str().expect("a path"))];
    let run = world.drift(&["--precision", "provider", "--json"], &environment).ends_with(3);
    let document = run.document("driftmgr.drift/v1");
    assert_eq!(findings(&document, "undetermined")[0]["cause"]["kind"], "provider_refused");
    assert!(!calls.exists(), "it was started");
}

#[test]
fn a_provider_that_fails_leaves_its_instances_undetermined() {
    let world = World::of(&["a", "b"]);
    for (fault, call, kind) in [
        ("TORTURE_CRASH", "ReadResource", "provider_failed"),
        ("TORTURE_CRASH", "GetProviderSchema", "provider_failed"),
        ("TORTURE_CRASH", "ConfigureProvider", "provider_failed"),
        ("TORTURE_CRASH", "UpgradeResourceState", "provider_failed"),
        ("TORTURE_HANG", "ReadResource", "timeout"),
        ("TORTURE_HANG", "UpgradeResourceState", "timeout"),
        ("TORTURE_FAIL", "ReadResource", "throttled"),
        ("TORTURE_FAIL", "ConfigureProvider", "throttled"),
    ] {
        let began = Instant::now();
        let run = world.drift(&["--precision", "provider", "--scope-timeout", "3s", "--json"], &[(fault, call)]);
        let document = run.ends_with(3).document("driftmgr.drift/v1");
        let undetermined = findings(&document, "undetermined");
        assert_eq!(undetermined.len(), 2, "{fault}={call}: {document}");
        let cause = &undetermined[0]["cause"];
        assert_eq!(cause["kind"], kind, "{fault}={call}: {cause}");
        if fault == "TORTURE_CRASH" {
            assert!(cause["detail"].as_str().is_some_and(|detail| detail.contains("the disk is on fire")), "{cause}");
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{fault}={call} took {:?}", began.elapsed());
        world.assert_no_process_is_left();
    }
}

#[test]
fn an_object_that_cannot_be_read_leaves_the_others() {
    let world = World::of(&["a", "b", "c"]);
    world.change("b", "$error", json!("AccessDenied: planted-b must not be read"));
    let document = world.document(3, &[]);
    let finding = findings(&document, "undetermined")[0];
    assert_eq!((&finding["address"], &finding["cause"]["kind"]), (&json!("torture_object.b"), &json!("denied")));
    assert_eq!(document["summary"]["checked"], 2);
}

#[test]
fn what_waits_does_not_hold_up_the_rest() {
    let names: Vec<String> = (0..24).map(|number| format!("n{number}")).collect();
    let world = World::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names[..12] {
        world.change(name, "$sleep_ms", json!(4_000));
    }
    let began = Instant::now();
    world.drift(&["--parallelism", "2"], &[]).ends_with(0);
    // Two at a time would take 24 s.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn calls_keep_to_the_rate() {
    let world = World::of(&["a", "b", "c", "d", "e", "f", "g"]);
    let began = Instant::now();
    world.drift(&["--max-rps", "2"], &[]).ends_with(0);
    assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn a_state_of_a_newer_provider_and_a_type_it_does_not_know_are_undetermined() {
    let world = World::of(&["a"]);
    let resource = |resource_type: &str, version: u64| {
        json!({
            "mode": "managed", "type": resource_type, "name": "x",
            "provider": "provider[\"registry.terraform.io/driftmgr/torture\"]",
            "instances": [{"schema_version": version, "attributes": {"name": "a"}, "sensitive_attributes": []}],
        })
    };
    world.write_state(vec![resource("torture_object", 9), resource("torture_unheard_of", 0)]);
    let document = world.document(3, &[]);
    let mut kinds: Vec<&str> =
        findings(&document, "undetermined").iter().filter_map(|finding| finding["cause"]["kind"].as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["newer_state", "unknown_type"], "{document}");
}

/// Starts a comparison that hangs in a read, and waits until the provider runs.
fn hanging(world: &World) -> Child {
    let mut command = world.command(&["--json"]);
    command.env("TORTURE_HANG", "ReadResource").stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("driftmgr starts");
    let began = Instant::now();
    while world.processes().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "the provider never started");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    child
}

#[test]
fn no_provider_outlives_the_program_however_it_ends() {
    let world = World::of(&["a"]);
    for (signal, code) in [("-INT", Some(130)), ("-TERM", Some(143)), ("-KILL", None)] {
        let child = hanging(&world);
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        let began = Instant::now();
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), code, "{signal}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.is_empty() && began.elapsed() < Duration::from_secs(10), "{signal}");
        world.assert_no_process_is_left();
    }
}
