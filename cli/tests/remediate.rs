//! Remedies: what is proved is right by terraform's own plan, and nothing else is written or claimed.

mod support;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use support::{Demo, Place, Run, torture};
use xtask::terraform::CliConfig;
use xtask::tools::{self, Tool};

const PROVIDER: &str = "registry.terraform.io/driftmgr/torture";

/// Code in which values come from everywhere.
const CODE: &str = r#"# Ours.
resource "torture_object" "web" {
  name   = "web"
  secret = "planted-web"
  ratio  = 1
  tier   = "fast" # the usual one
  tags = {
    Name = "web" # shown
    env  = "dev"
  }
  rule {
    key   = "first"
    value = "one"
  }
  policy = <<-EOT
    {"allow": "all"}
  EOT
}

resource "torture_object" "many" {
  for_each = toset(["a", "b"])
  name     = "many-${each.key}"
  tier     = "slow"
}

locals {
  tier = "fast"
}

resource "torture_object" "local" {
  name = "local"
  tier = local.tier
}

resource "torture_object" "follows" {
  name = "follows"
  tier = torture_object.web.tier
}
"#;

/// A root module of the torture provider, its state and its cloud.
struct World {
    place: Place,
}

impl World {
    fn new(code: &str) -> Self {
        let world = Self { place: Place::new() };
        let head = format!(
            "terraform {{\n  required_version = \">= 1.7\"\n  required_providers {{\n    torture = {{\n      source = \
             \"{PROVIDER}\"\n    }}\n  }}\n}}\nprovider \"torture\" {{\n  cloud = \"{}\"\n}}\n",
            world.place.path("cloud").display()
        );
        world.place.write("root/providers.tf", head);
        world.place.write("root/main.tf", code);
        let config = CliConfig::default().dev_override(PROVIDER, &torture()).render();
        world.place.write("terraform.rc", config);
        world
    }

    /// Makes the objects of [`CODE`], as code, state and cloud agree on them.
    fn of_code() -> Self {
        let world = Self::new(CODE);
        let rule = json!([{"key": "first", "value": "one"}]);
        let web = json!({
            "name": "web", "secret": "planted-web", "tier": "fast", "tags": {"Name": "web", "env": "dev"}, "ratio": 1,
            "rule": rule, "policy": "{\"allow\": \"all\"}\n",
        });
        let named = |name: &str, tier: &str| json!({"name": name, "tier": tier});
        world.record(&[
            ("web", None, web),
            ("many", Some("a"), named("many-a", "slow")),
            ("many", Some("b"), named("many-b", "slow")),
            ("local", None, named("local", "fast")),
            ("follows", None, named("follows", "fast")),
        ]);
        world
    }

    /// Writes objects into the cloud, and into the state.
    fn record(&self, objects: &[(&str, Option<&str>, Value)]) {
        let mut resources: Vec<Value> = Vec::new();
        for (name, key, attributes) in objects {
            self.place.write(
                &format!("cloud/torture_object/{}.json", attributes["name"].as_str().expect("a name")),
                attributes.to_string(),
            );
            let mut attributes = attributes.clone();
            for name in ["grant", "rule", "members"] {
                if attributes[name].is_null() && name != "members" {
                    attributes[name] = json!([]);
                }
            }
            attributes["zone"] = json!({});
            let mut instance = json!({"schema_version": 1, "attributes": attributes, "sensitive_attributes": []});
            if let Some(key) = key {
                instance["index_key"] = json!(key);
            }
            match resources.iter_mut().find(|resource| resource["name"] == *name) {
                Some(resource) => resource["instances"].as_array_mut().expect("a list").push(instance),
                None => resources.push(json!({
                    "mode": "managed", "type": "torture_object", "name": name,
                    "provider": format!("provider[\"{PROVIDER}\"]"), "instances": [instance],
                })),
            }
        }
        let state = json!({
            "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "6e32f1f4", "outputs": {},
            "resources": resources, "check_results": null,
        });
        self.place.write("root/terraform.tfstate", state.to_string());
    }

    /// Changes an object of the cloud.
    fn change(&self, name: &str, attribute: &str, value: Value) {
        let path = self.place.path(&format!("cloud/torture_object/{name}.json"));
        let mut attributes: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).expect("it is there")).expect("objects are JSON");
        attributes[attribute] = value;
        std::fs::write(path, attributes.to_string()).expect("it is written");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.driftmgr();
        command
            .args(["remediate", "--dir", "root", "--precision", "provider"])
            .args(arguments)
            .env("TF_CLI_CONFIG_FILE", self.place.path("terraform.rc"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let run = Run::of(self.command(arguments).output().expect("driftmgr starts"));
        assert!(!run.stdout.contains("planted-") && !run.stderr.contains("planted-"), "{}{}", run.stdout, run.stderr);
        run
    }

    fn document(&self, arguments: &[&str]) -> Value {
        self.run(&[&["--json"], arguments].concat()).ends_with(0).document("driftmgr.remedies/v1")
    }

    fn code(&self) -> String {
        std::fs::read_to_string(self.place.path("root/main.tf")).expect("it is there")
    }

    /// Plans with a program; nothing where it is not at hand.
    fn plan(&self, tool: Tool) -> Option<Output> {
        let program = tools::or_skip(tool)?;
        Some(plan(&program, &self.place.path("root"), &self.place.path("terraform.rc"), &[]))
    }
}

/// Plans a folder; exits with 0 where nothing is to be done, with 2 where something is.
fn plan(
    program: &PathBuf,
    folder: &std::path::Path,
    config: &std::path::Path,
    environment: &[(&str, String)],
) -> Output {
    Command::new(program)
        .args(["plan", "-no-color", "-input=false", "-lock=false", "-detailed-exitcode"])
        .current_dir(folder)
        .env("TF_CLI_CONFIG_FILE", config)
        .env("CHECKPOINT_DISABLE", "1")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .output()
        .expect("it starts")
}

#[track_caller]
fn is_clean(output: &Output) {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{text}");
}

/// Gives the remedies of a kind: address, path and status of each.
fn of_kind(document: &Value, kind: &str) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = document["remedies"].as_array().expect("a list").iter().filter(|item| item["kind"] == kind);
    items.map(|item| (text(&item["address"]), text(&item["path"]), text(&item["status"]))).collect()
}

fn detail<'d>(document: &'d Value, address: &str, kind: &str) -> &'d str {
    let items = document["remedies"].as_array().expect("a list");
    let found = items.iter().find(|item| item["address"] == address && item["kind"] == kind);
    found.unwrap_or_else(|| panic!("{address} {kind} is not in {document:#}"))["detail"].as_str().expect("a sentence")
}

#[test]
fn literals_take_over_what_the_cloud_holds_and_terraform_agrees() {
    let world = World::of_code();
    world.change("web", "ratio", json!(2));
    world.change("web", "tags", json!({"Name": "by hand", "owner": "somebody"}));
    world.change("web", "rule", json!([{"key": "first", "value": "two"}]));
    world.change("web", "policy", json!("{\n  \"allow\": \"${more}\"\n}\n"));
    let document = world.document(&[]);
    let accepted = of_kind(&document, "accept");
    assert!(accepted.iter().all(|(_, _, status)| status == "proved"), "{document:#}");
    assert_eq!(world.code(), CODE, "nothing is written unasked");
    let items = document["remedies"].as_array().expect("a list");
    let of = |kind: &str| items.iter().find(|item| item["kind"] == kind).unwrap_or_else(|| panic!("{kind}"));
    assert_eq!(of("revert")["command"], "terraform apply");
    let changes: Vec<&str> =
        of("revert")["changes"].as_array().expect("a list").iter().filter_map(|it| it["path"].as_str()).collect();
    assert_eq!(changes, ["policy", "ratio", "rule[0].value", "tags[\"Name\"]", "tags[\"env\"]", "tags[\"owner\"]"]);
    let comment = of("baseline")["text"].as_str().expect("a line");
    let command = of("baseline")["command"].as_str().expect("a command");
    let expected = "driftmgr baseline add --dir root torture_object.web --approver NAME --reason 'say why'";
    assert_eq!(command, expected);
    assert!(comment.starts_with('#') && comment.contains("tags[") && comment.contains("say why"), "{comment}");
    assert_eq!(document["files"][0]["written"], Value::Null);

    // The patch alone is what git takes, and is all that --write does.
    let patch = world.run(&["--kind", "accept", "--format", "patch"]).ends_with(0).stdout;
    world.place.write("changes.patch", &patch);
    let copy = world.place.write("copy/main.tf", CODE);
    let applied = Command::new("git")
        .args(["apply", "../changes.patch"])
        .current_dir(world.place.path("copy"))
        .env("GIT_CEILING_DIRECTORIES", world.place.path(""))
        .output()
        .expect("git runs");
    assert!(applied.status.success(), "{}\n{patch}", String::from_utf8_lossy(&applied.stderr));
    let document = world.document(&["--kind", "accept", "--write"]);
    assert_eq!(document["files"][0]["written"], true);
    let code = world.code();
    assert_eq!(std::fs::read_to_string(copy).expect("it is there"), code);
    let expected = CODE
        .replace("ratio  = 1", "ratio  = 2")
        .replace(
            "    Name = \"web\" # shown\n    env  = \"dev\"\n",
            "    Name  = \"by hand\" # shown\n    owner = \"somebody\"\n",
        )
        .replace("value = \"one\"", "value = \"two\"")
        .replace("    {\"allow\": \"all\"}\n", "    {\n      \"allow\": \"$${more}\"\n    }\n");
    assert_eq!(code, expected);

    for tool in [Tool::Terraform, Tool::Tofu] {
        let Some(output) = world.plan(tool) else { continue };
        is_clean(&output);
    }
    let again = world.document(&[]);
    let left = of_kind(&again, "accept");
    assert!(left.iter().all(|(_, _, status)| status == "refused"), "there is nothing left to accept: {again:#}");
    assert_eq!(again["files"], json!([]));
    let items = again["remedies"].as_array().expect("a list");
    let refresh = items.iter().find(|item| item["kind"] == "refresh").unwrap_or_else(|| panic!("{again:#}"));
    assert_eq!((&refresh["finding"], &refresh["command"]), (&json!("stale"), &json!("terraform apply -refresh-only")));
}

#[test]
fn what_would_not_do_is_refused_and_says_why() {
    let world = World::of_code();
    world.change("web", "tier", json!("by hand"));
    world.change("local", "tier", json!("by hand"));
    world.change("many-a", "tier", json!("one"));
    world.change("many-b", "tier", json!("other"));
    let document = world.document(&["--kind", "accept", "--write"]);
    assert!(of_kind(&document, "accept").iter().all(|(_, _, status)| status == "refused"), "{document:#}");
    assert_eq!((world.code().as_str(), &document["files"]), (CODE, &json!([])));
    let says = |address: &str, text: &str| {
        let detail = detail(&document, address, "accept");
        assert!(detail.contains(text), "{address}: {text:?} is not in {detail:?}");
    };
    says("torture_object.web", "torture_object.follows");
    says("torture_object.local", "main.tf:27");
    says("torture_object.many[\"a\"]", "different values");
    says("torture_object.many[\"b\"]", "different values");

    // What the code demands besides is told only by a plan of everything.
    let world = World::of_code();
    let condition = "tier     = \"slow\"\n  lifecycle {\n    precondition {\n      condition = true\n      error_message = \"m\"\n    }\n  }\n";
    world.place.write("root/main.tf", CODE.replace("tier     = \"slow\"\n", condition));
    world.change("many-a", "tier", json!("one"));
    world.change("many-b", "tier", json!("one"));
    let document = world.document(&["torture_object.many", "--kind", "accept"]);
    let reason = detail(&document, "torture_object.many[\"a\"]", "accept");
    assert!(reason.contains("has conditions"), "{reason}");

    // One of the two that share it is as the code says.
    let world = World::of_code();
    world.change("many-a", "tier", json!("one"));
    let document = world.document(&["torture_object.many*", "--kind", "accept"]);
    let reason = detail(&document, "torture_object.many[\"a\"]", "accept");
    assert!(reason.contains("torture_object.many[\"b\"]"), "{reason}");

    // Both agree.
    world.change("many-b", "tier", json!("one"));
    let document = world.document(&["torture_object.many", "--kind", "accept", "--write"]);
    assert_eq!(document["summary"]["proved"], 2, "{document:#}");
    assert_eq!(world.code(), CODE.replace("tier     = \"slow\"", "tier     = \"one\""));
    let Some(output) = world.plan(Tool::Terraform) else { return };
    is_clean(&output);
}

#[test]
fn no_secret_is_written_or_shown() {
    let world = World::of_code();
    world.change("web", "secret", json!("planted-other"));
    world.change("web", "tags", json!({"Name": "web", "env": "AKIAIOSFODNN7EXAMPLE"}));
    world.change("web", "ratio", json!(2));
    for format in ["json", "terminal", "patch"] {
        let run = world.run(&["--format", format]).ends_with(0);
        assert!(!run.stdout.contains("AKIAIOSFODNN7EXAMPLE"), "{}", run.stdout);
    }
    let document = world.document(&["--kind", "accept", "--write"]);
    let proved: Vec<_> = of_kind(&document, "accept").into_iter().filter(|item| item.2 == "proved").collect();
    assert_eq!(proved, [("torture_object.web".to_owned(), "ratio".to_owned(), "proved".to_owned())]);
    assert_eq!(world.code(), CODE.replace("ratio  = 1", "ratio  = 2"));
    let hidden = world.document(&["--values", "none"]);
    assert!(hidden["files"].as_array().expect("a list").iter().all(|file| file["diff"].is_null()), "{hidden:#}");
}

#[test]
fn a_tree_that_changes_while_it_is_patched_stays_as_it_is() {
    let world = World::of_code();
    world.change("web", "ratio", json!(2));
    let object = world.place.path("cloud/torture_object/web.json");
    let text = std::fs::read_to_string(&object).expect("it is there");
    std::fs::remove_file(&object).expect("it is removed");
    let made = Command::new("mkfifo").arg(&object).status().expect("mkfifo runs");
    assert!(made.success());
    let mut command = world.command(&["--kind", "accept", "--write", "--json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("driftmgr starts");
    // The provider opens its end once it reads the object: by then the code was read.
    let mut pipe = std::fs::OpenOptions::new().write(true).open(&object).expect("the provider reads");
    let edited = CODE.replace("# Ours.", "# Somebody else's.");
    world.place.write("root/main.tf", &edited);
    let whole = world.place.write("web.json", &text);
    std::fs::rename(whole, &object).expect("it is a file again");
    pipe.write_all(text.as_bytes()).expect("the provider takes it");
    drop(pipe);
    let run = Run::of(child.wait_with_output().expect("it ends")).ends_with(1);
    let document = run.document("driftmgr.remedies/v1");
    assert_eq!(document["files"][0]["written"], false, "{document:#}");
    assert!(document["files"][0]["problem"].as_str().is_some_and(|it| it.contains("has changed since it was read")));
    assert_eq!(world.code(), edited);
    run.says("not-patched");
    let names = std::fs::read_dir(world.place.path("root")).expect("it is there");
    assert!(names.flatten().all(|entry| !entry.file_name().to_string_lossy().contains(".tmp")));
}

#[test]
fn what_has_no_code_is_forgotten_by_a_block_that_both_programs_take() {
    let world = World::of_code();
    let (kept, gone) = CODE.split_once("resource \"torture_object\" \"many\"").expect("it is there");
    let (_, rest) = gone.split_once("locals").expect("it is there");
    world.place.write("root/main.tf", format!("{kept}locals{rest}"));
    let document = world.document(&["--kind", "removed"]);
    assert_eq!(of_kind(&document, "removed").len(), 2, "{document:#}");
    let expected = "removed {\n  from = torture_object.many\n\n  lifecycle {\n    destroy = false\n  }\n}\n";
    assert_eq!(document["remedies"][0]["text"], expected);
    assert_eq!((&document["files"][0]["path"], &document["files"][0]["new"]), (&json!("removed.tf"), &json!(true)));
    world.document(&["--kind", "removed", "--write"]);
    let written = std::fs::read_to_string(world.place.path("root/removed.tf")).expect("it is written");
    assert_eq!(written, expected, "both instances are meant by one block");
    for tool in [Tool::Terraform, Tool::Tofu] {
        let Some(output) = world.plan(tool) else { continue };
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(2), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(
            text.contains("0 to add, 0 to change, 0 to destroy") && text.contains("2 to forget")
                || text.contains("no longer be managed"),
            "{text}"
        );
    }

    // A `for_each` that lost a key: no block can mean one instance.
    let world = World::of_code();
    world.place.write("root/main.tf", CODE.replace("[\"a\", \"b\"]", "[\"a\"]"));
    let document = world.document(&["--kind", "removed", "--write"]);
    assert_eq!(of_kind(&document, "removed").len(), 1, "{document:#}");
    assert_eq!(document["remedies"][0]["status"], "refused");
    assert_eq!(document["remedies"][0]["command"], "terraform state rm 'torture_object.many[\"b\"]'");
    assert!(!world.place.path("root/removed.tf").exists());
}

#[test]
fn a_renamed_resource_is_moved_where_the_provider_has_nothing_to_do() {
    let world = World::of_code();
    let renamed = CODE.replace("\"torture_object\" \"local\"", "\"torture_object\" \"renamed\"");
    world.place.write("root/main.tf", &renamed);
    let document = world.document(&["--write"]);
    let moved = of_kind(&document, "moved");
    assert_eq!(moved, [("torture_object.local".to_owned(), String::new(), "proved".to_owned())], "{document:#}");
    let written = std::fs::read_to_string(world.place.path("root/moved.tf")).expect("it is written");
    assert_eq!(written, "moved {\n  from = torture_object.local\n  to   = torture_object.renamed\n}\n");
    assert!(!world.place.path("root/removed.tf").exists(), "what has moved is not forgotten");
    for tool in [Tool::Terraform, Tool::Tofu] {
        let Some(output) = world.plan(tool) else { continue };
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("has moved to") && text.contains("0 to add, 0 to change, 0 to destroy"), "{text}");
    }
    assert_eq!(world.document(&[])["remedies"], json!([]), "driftmgr understands the block too");

    // It is another one besides: nobody can tell that it is the same.
    let world = World::of_code();
    world.place.write("root/main.tf", renamed.replace("tier = local.tier", "tier = \"slow\""));
    let document = world.document(&[]);
    assert_eq!(of_kind(&document, "moved"), [], "{document:#}");
    assert_eq!(of_kind(&document, "removed").len(), 1, "{document:#}");
}

#[test]
fn json_and_modules_are_patched_where_they_are_written() {
    let world = World::new("module \"inner\" {\n  source = \"./inner\"\n  ratio  = 3\n}\n");
    let json_code = "{\n  \"resource\": {\n    \"torture_object\": {\n      \"one\": {\n        \"name\": \"one\",\n        \"tags\": {\"a\": \"b\"},\n        \"ratio\": 1\n      }\n    }\n  }\n}\n";
    world.place.write("root/more.tf.json", json_code);
    let inner = "variable \"ratio\" {\n  type = number\n}\n\nresource \"torture_object\" \"two\" {\n  name  = \"two\"\n  tier  = \"fast\"    # one\n  ratio = var.ratio # two\n}\n";
    let head = format!(
        "terraform {{\n  required_providers {{\n    torture = {{\n      source = \"{PROVIDER}\"\n    }}\n  }}\n}}\n"
    );
    world.place.write("root/inner/main.tf", format!("{head}{inner}"));
    world.place.write(
        "root/.terraform/modules/modules.json",
        json!({"Modules": [{"Key": "", "Source": "", "Dir": "."}, {"Key": "inner", "Source": "./inner", "Dir": "inner"}]})
            .to_string(),
    );
    world.record(&[
        ("one", None, json!({"name": "one", "tags": {"a": "b"}, "ratio": 1, "tier": "t"})),
        ("two", None, json!({"name": "two", "tier": "fast", "ratio": 3})),
    ]);
    let path = world.place.path("root/terraform.tfstate");
    let mut state: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("it is there")).expect("JSON");
    state["resources"][1]["module"] = json!("module.inner");
    std::fs::write(&path, state.to_string()).expect("it is written");
    world.change("one", "tags", json!({"a": "${b}", "c": "d"}));
    world.change("one", "ratio", json!(2));
    world.change("two", "tier", json!("very slow"));
    world.change("two", "ratio", json!(4));
    let document = world.document(&["--kind", "accept", "--write"]);
    let read = |name: &str| std::fs::read_to_string(world.place.path(name)).expect("it is there");
    let expected =
        json_code.replace("{\"a\": \"b\"}", "{\"a\": \"$${b}\", \"c\": \"d\"}").replace("\"ratio\": 1", "\"ratio\": 2");
    assert_eq!(read("root/more.tf.json"), expected, "{document:#}");
    let expected = inner.replace("\"fast\"    # one", "\"very slow\" # one").replace("var.ratio #", "var.ratio   #");
    assert_eq!(read("root/inner/main.tf"), format!("{head}{expected}"));
    let address = "module.inner.torture_object.two";
    let items = document["remedies"].as_array().expect("a list");
    let ratio = items.iter().find(|item| item["path"] == "ratio" && item["address"] == address).expect("it is there");
    assert_eq!(ratio["status"], "refused");
    assert!(ratio["places"].to_string().contains("\"line\":3"), "{ratio:#}");
    let Some(output) = world.plan(Tool::Terraform) else { return };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("0 to add, 1 to change, 0 to destroy") && text.contains("4 -> 3"), "{text}");
}

#[test]
fn what_was_changed_in_an_account_is_accepted_and_terraform_agrees() {
    if tools::or_skip(Tool::Moto).is_none() {
        return;
    }
    let demo = Demo::start(true);
    let (Some(()), Some(program)) = (demo.install_providers(), tools::or_skip(Tool::Terraform)) else { return };
    let mut command = demo.place.driftmgr();
    demo.moto.configure(&mut command);
    command.args(["remediate", "--dir", "estate", "--kind", "accept", "--write", "--json"]);
    let run = Run::of(command.output().expect("driftmgr starts"));
    assert!(!run.stdout.contains("planted-secret") && !run.stderr.contains("planted-secret"));
    let document = run.document("driftmgr.remedies/v1");
    let accepted = of_kind(&document, "accept");
    let proved: Vec<_> = accepted.iter().filter(|(_, _, status)| status == "proved").collect();
    assert!(!proved.is_empty(), "{document:#}");

    let in_estate = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        demo.moto.configure(&mut command);
        let output = command
            .args(arguments)
            .current_dir(demo.place.path("estate"))
            .env("TF_CLI_CONFIG_FILE", demo.place.path("terraform.rc"))
            .env("CHECKPOINT_DISABLE", "1")
            .output()
            .expect("terraform starts");
        let problem = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned(), problem)
    };
    let (is_formatted, unformatted, _) = in_estate(&["fmt", "-check", "-recursive"]);
    assert!(is_formatted, "{unformatted}");
    let (is_planned, _, problem) = in_estate(&["plan", "-input=false", "-lock=false", "-out=after.tfplan"]);
    assert!(is_planned, "{problem}");
    let (_, plan, _) = in_estate(&["show", "-json", "after.tfplan"]);
    let plan: Value = serde_json::from_str(&plan).expect("a plan is JSON");
    let changes = plan["resource_changes"].as_array().expect("a list");
    for (address, path, _) in proved {
        let change = changes.iter().find(|change| change["address"] == *address).expect("it is planned");
        let name = path.split(['.', '[']).next().expect("a name");
        let change = &change["change"];
        let is_left_alone = change["actions"] == json!(["no-op"]) || change["before"][name] == change["after"][name];
        assert!(is_left_alone, "{address} {path}: {change:#}");
    }
}
