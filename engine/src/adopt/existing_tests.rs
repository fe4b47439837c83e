//! Objects that the code has a place for already: adopted with a real provider whose cloud is a folder, and certified by
//! the real programs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use ::drift::adopt::{AdoptionKey, AdoptionStatus, Choice};
use ::drift::{JudgeOptions, Pattern, Question};
use net::Environment;
use serde_json::json;
use tempfile::TempDir;
use xtask::tools::{self, Tool};

use super::*;
use crate::drift::DriftRequest;
use crate::request::{Freshness, ScopeRequest, Sight, StatesRequest};

/// Gives the folder with the torture provider, building it first.
fn torture() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "tfplugin", "--example", "terraform-provider-torture"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(status.success(), "the torture provider does not build");
        // …/target/debug/deps/TEST-… → …/target/debug/examples
        std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples")
    });
    folder.clone()
}

/// A root module whose state records the object `kept`, and their cloud.
struct World {
    folder: TempDir,
}

impl World {
    fn new(code: &str) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        let cloud = world.path("cloud").display().to_string();
        let main = format!(
            "terraform {{\n  required_providers {{\n    torture = {{\n      source = \"driftmgr/torture\"\n    }}\n  }}\n}}\n\
             provider \"torture\" {{\n  cloud = {cloud:?}\n}}\nresource \"torture_object\" \"kept\" {{\n  name = \"kept\"\n  \
             tier = \"fast\"\n}}\n{code}"
        );
        world.write("root/main.tf", &main);
        world.record(&["kept"]);
        let folder = torture().display().to_string();
        let hosts = ["registry.terraform.io", "registry.opentofu.org"];
        let overrides: String = hosts.map(|host| format!("    \"{host}/driftmgr/torture\" = {folder:?}\n")).concat();
        world.write("terraform.rc", &format!("provider_installation {{\n  dev_overrides {{\n{overrides}  }}\n}}\n"));
        world.add("kept");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Adds an object to the cloud.
    fn add(&self, name: &str) {
        let attributes = json!({"name": name, "tier": "fast", "made": "then"});
        self.write(&format!("cloud/torture_object/{name}.json"), &attributes.to_string());
    }

    /// Records objects in the state, and nothing else.
    fn record(&self, names: &[&str]) {
        let resource = |name: &&str| {
            json!({
                "mode": "managed", "type": "torture_object", "name": name,
                "provider": "provider[\"registry.terraform.io/driftmgr/torture\"]",
                "instances": [{
                    "schema_version": 1, "sensitive_attributes": [],
                    "attributes": {"name": name, "tier": "fast", "made": "then", "force": null},
                }],
            })
        };
        let state = json!({
            "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "6e32f1f4", "outputs": {},
            "resources": names.iter().map(resource).collect::<Vec<_>>(),
            "check_results": null,
        });
        self.write("root/terraform.tfstate", &state.to_string());
    }

    /// Puts the programs that are installed on the path.
    fn add_programs(&self) -> Option<()> {
        std::fs::create_dir(self.path("bin")).unwrap();
        for (tool, name) in [(Tool::Terraform, "terraform"), (Tool::Tofu, "tofu")] {
            std::os::unix::fs::symlink(tools::or_skip(tool)?, self.path("bin").join(name)).unwrap();
        }
        Some(())
    }

    fn session(&self) -> Session {
        let variable = |name: &str, path: &str| (name.to_owned(), self.path(path).display().to_string());
        let variables = [variable("TF_CLI_CONFIG_FILE", "terraform.rc"), variable("HOME", ""), variable("PATH", "bin")];
        let alone = ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned());
        Session::new(Environment::new(variables.into_iter().chain([alone]), None), self.path("root"))
    }

    fn request(&self, choices: &[(&str, &str)]) -> AdoptRequest {
        let mut options = JudgeOptions::for_question(Question::Unmanaged);
        options.filters.types = vec![Pattern::new("torture_object")];
        let key = |id: &str| AdoptionKey {
            resource_type: ResourceType::from("torture_object"),
            id: ImportId::from(id),
            account: None,
            region: None,
        };
        let choice = |(id, address): &(&str, &str)| (key(id), Choice::Import(address.parse().unwrap()));
        AdoptRequest {
            comparison: DriftRequest {
                states: StatesRequest { dir: Some(self.path("root")), ..StatesRequest::default() },
                scope: ScopeRequest::standard(),
                freshness: Freshness::Now,
                sight: Sight::Auto,
                store: self.path("store.db"),
                transcripts: None,
                options,
                ignore_file: None,
                baseline: crate::BaselineSource::Nothing,
            },
            choices: choices.iter().map(choice).collect(),
            offer: AdoptOffer::default(),
            style: AdoptStyle::default(),
            out_dir: None,
            limit: None,
            done: BTreeMap::new(),
            module_sources: BTreeMap::new(),
            is_import_only: false,
        }
    }

    async fn adopt(&self, choices: &[(&str, &str)]) -> (AdoptRequest, AdoptAnswer) {
        let request = self.request(choices);
        let answer = adopt(&self.session(), &request, &Unobserved).await.unwrap();
        (request, answer)
    }
}

/// Gives each object's id with its address and how far it came.
fn outcomes(answer: &AdoptAnswer) -> BTreeMap<String, (String, String)> {
    let one = |object: &AdoptedObject| {
        let id = answer.comparison.verdict.findings[object.position].id.as_ref();
        let status = match &object.status {
            AdoptionStatus::Clean => "clean".to_owned(),
            AdoptionStatus::CleanBut(flaws) => {
                let flaws: Vec<String> = flaws.iter().map(|flaw| format!("but {}", flaw.path)).collect();
                flaws.join(" ")
            }
            AdoptionStatus::ImportOnly(why) => format!("import only: {why}"),
            AdoptionStatus::Skipped(why) => format!("skipped: {why}"),
        };
        (
            id.map(ToString::to_string).unwrap_or_default(),
            (object.to.as_ref().map(ToString::to_string).unwrap_or_default(), status),
        )
    };
    answer.objects.iter().map(one).collect()
}

fn expect(outcomes: &BTreeMap<String, (String, String)>, id: &str, address: &str, status: &str) {
    assert_eq!(outcomes.get(id), Some(&(address.to_owned(), status.to_owned())), "{id} of {outcomes:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_whose_blocks_are_there_get_an_import_block_alone() {
    let world = World::new(
        r#"
resource "torture_object" "jobs" {
  name = "jobs"
  tier = "fast"
}
resource "torture_object" "slow" {
  name = "slow"
  tier = "slow"
}
resource "torture_object" "many" {
  for_each = toset(["a", "b"])
  name     = "many-${each.key}"
}
resource "torture_object" "counted" {
  count = 2
  name  = "counted-${count.index}"
}
resource "torture_object" "kept" {
  name = "kept"
}
data "torture_echo" "unknown" {}
resource "torture_object" "child" {
  name = "${torture_object.kept.name}-child"
  tags = { of = data.torture_echo.unknown.label }
}
resource "torture_object" "replaced" {
  name  = "replaced"
  force = true
}
"#,
    );
    for name in ["jobs", "slow", "many-a", "counted-1", "kept-child", "replaced", "other"] {
        world.add(name);
    }
    let (request, answer) = world.adopt(&[]).await;
    let found = outcomes(&answer);
    expect(&found, "jobs", "torture_object.jobs", "clean");
    expect(&found, "slow", "torture_object.slow", "but tier");
    expect(&found, "many-a", "torture_object.many[\"a\"]", "clean");
    expect(&found, "counted-1", "torture_object.counted[1]", "clean");
    expect(&found, "kept-child", "torture_object.child", "but tags");
    expect(&found, "replaced", "torture_object.replaced", "but force");
    let imports = &answer.files["imports.tf"];
    for address in ["torture_object.jobs", "torture_object.many[\"a\"]", "torture_object.other"] {
        assert!(imports.contains(&format!("to = {address}\n")), "{imports}");
    }
    let generated: String =
        answer.files.iter().filter(|(name, _)| *name != "imports.tf").map(|(_, text)| &**text).collect();
    assert!(generated.contains("\"other\"") && !generated.contains("\"jobs\""), "{generated}");
    assert!(!generated.contains("many-a") && !generated.contains("counted-1"), "{generated}");
    drop(request);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_has_the_value_that_is_planned() {
    let world = World::new(
        r#"
resource "torture_object" "grown" {
  name = "grown"
  tier = "slow"
}
resource "torture_object" "follows" {
  name = "follows"
  tier = torture_object.grown.tier
}
resource "torture_object" "stays" {
  name = "stays"
  tier = torture_object.kept.tier
}
"#,
    );
    world.record(&["kept", "grown"]);
    for name in ["grown", "follows", "stays"] {
        world.add(name);
    }
    let (_, answer) = world.adopt(&[]).await;
    let found = outcomes(&answer);
    // The next apply sets the tier of what it refers to, and so its own.
    expect(&found, "follows", "torture_object.follows", "but tier");
    expect(&found, "stays", "torture_object.stays", "clean");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_was_matched_is_certified() {
    let code = "resource \"torture_object\" \"jobs\" {\n  name = \"jobs\"\n  tier = \"fast\"\n}\nresource \"torture_object\" \"slow\" {\n  name = \"slow\"\n  tier = \"slow\"\n}\n";
    let world = World::new(code);
    let Some(()) = world.add_programs() else { return };
    for name in ["jobs", "slow", "other"] {
        world.add(name);
    }
    let (request, answer) = world.adopt(&[]).await;
    let certificates = verify(&world.session(), &request, &answer).await;
    assert_eq!(certificates.len(), 2);
    for certificate in certificates {
        assert_eq!(certificate.failure, None);
        let tier = ("torture_object.slow".to_owned(), vec!["tier".to_owned()]);
        let paths: Vec<_> = certificate.changes.iter().map(|(address, _)| address.as_str()).collect();
        assert_eq!(paths, ["torture_object.slow"], "{certificate:?}");
        assert!(certificate.changes[0].1.contains(&tier.1[0]), "{certificate:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_goes_to_the_block_that_a_person_names_wherever_that_is() {
    let world = World::new(
        r#"
module "orders" {
  source   = "./orders"
  for_each = { eu = "fast", us = "slow" }
  name     = "orders-${each.key}"
  tier     = each.value
}
module "single" {
  source = "./orders"
  name   = "unlike"
  tier   = "fast"
}
resource "torture_object" "two" {
  count = 2
  name  = "two"
}
"#,
    );
    world.write(
        "root/orders/main.tf",
        "variable \"name\" {}\nvariable \"tier\" {}\nresource \"torture_object\" \"this\" {\n  name = var.name\n  tier = var.tier\n}\n",
    );
    for name in ["orders-eu", "orders-us", "named", "two"] {
        world.add(name);
    }
    let choices = [
        ("orders-eu", "module.orders[\"eu\"].torture_object.this"),
        ("orders-us", "module.orders[\"us\"].torture_object.this"),
        ("named", "module.single.torture_object.this"),
        ("two", "torture_object.two"),
    ];
    let (_, answer) = world.adopt(&choices).await;
    let found = outcomes(&answer);
    expect(&found, "orders-eu", choices[0].1, "clean");
    expect(&found, "orders-us", choices[1].1, "but tier");
    let (_, why) = &found["named"];
    assert!(why.starts_with("skipped: The next apply would replace the object. name:"), "{why}");
    let (_, why) = &found["two"];
    assert!(why.contains("a key must be named"), "{why}");
    assert_eq!(answer.files["imports.tf"].matches("import {").count(), 2, "{:?}", answer.files);
    assert!(answer.module_files.is_empty(), "{:?}", answer.module_files);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_for_granted() {
    let world = World::new(
        r#"
resource "torture_object" "first" {
  name = "twice"
}
resource "torture_object" "second" {
  name = "twice"
}
resource "torture_object" "unknown" {
  name = data.torture_echo.unknown.label
}
resource "torture_object" "imported" {
  name = "imported"
}
import {
  to = torture_object.imported
  id = "imported"
}
resource "torture_object" "moved" {
  name = "moved"
}
moved {
  from = torture_object.before
  to   = torture_object.moved
}
"#,
    );
    for name in ["twice", "moved"] {
        world.add(name);
    }
    let (_, answer) = world.adopt(&[]).await;
    let found = outcomes(&answer);
    for (id, addresses) in
        [("twice", ["torture_object.first", "torture_object.second"]), ("moved", ["torture_object.moved"; 2])]
    {
        let (address, _) = &found[id];
        assert!(
            !answer.files["imports.tf"].contains(addresses[0]) || !addresses.contains(&address.as_str()),
            "{found:?}"
        );
    }
    let notes: Vec<&str> = answer.diagnostics.iter().map(|diagnostic| diagnostic.detail.as_str()).collect();
    let is_said =
        notes.iter().any(|note| note.starts_with("twice may be torture_object.first as well as torture_object.second"));
    assert!(is_said, "{notes:?}");
}

/// What a module says to have the provider of the root module.
const REQUIRED: &str =
    "terraform {\n  required_providers {\n    torture = {\n      source = \"driftmgr/torture\"\n    }\n  }\n}\n";

const ORDERS: &str = r#"
variable "name" {}
variable "settings" {
  type    = object({ tier = string, note = optional(string) })
  default = { tier = "fast" }
}
variable "secret" {
  default   = null
}
variable "is_extra" {
  default = false
}
resource "torture_object" "this" {
  name   = var.name
  tier   = var.settings.tier
  secret = var.secret
}
resource "torture_object" "extra" {
  count = var.is_extra ? 1 : 0
  name  = "${var.name}-extra"
}
"#;

impl World {
    async fn adopt_into(&self, sources: &[(&str, &str)], choices: &[(&str, &str)]) -> (AdoptRequest, AdoptAnswer) {
        let sources = sources.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned()));
        let request = AdoptRequest { module_sources: sources.collect(), ..self.request(choices) };
        let answer = adopt(&self.session(), &request, &Unobserved).await.unwrap();
        (request, answer)
    }

    fn add_with(&self, name: &str, tier: &str, secret: Option<&str>) {
        let attributes = json!({"name": name, "tier": tier, "made": "then", "secret": secret});
        self.write(&format!("cloud/torture_object/{name}.json"), &attributes.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_written_for_objects_that_are_sent_into_a_module() {
    let world = World::new("");
    world.write("root/orders/main.tf", &format!("{REQUIRED}{ORDERS}"));
    world.add_with("plain", "fast", None);
    world.add_with("eu", "slow", None);
    world.add_with("us", "fast", None);
    world.add_with("secret", "fast", Some("planted-secret"));
    let sources = [("plain", "./orders"), ("keyed", "./orders"), ("secret", "./orders")];
    let choices = [
        ("plain", "module.plain.torture_object.this"),
        ("eu", "module.keyed[\"eu\"].torture_object.this"),
        ("us", "module.keyed[\"us\"].torture_object.this"),
        ("secret", "module.secret.torture_object.this"),
    ];
    let (request, answer) = world.adopt_into(&sources, &choices).await;
    let found = outcomes(&answer);
    for (id, address) in choices {
        expect(&found, id, address, "clean");
    }
    let expected = r#"module "keyed" {
  source = "./orders"
  for_each = {
    eu = {
      name     = "eu"
      settings = { tier = "slow" }
    }
    us = {
      name     = "us"
      settings = { tier = "fast" }
    }
  }

  name     = each.value.name
  settings = each.value.settings
}

module "plain" {
  source = "./orders"

  name = "plain"
}

module "secret" {
  source = "./orders"

  name   = "secret"
  secret = var.secret_secret
}
"#;
    assert_eq!(answer.files["generated_modules.tf"], expected);
    assert!(answer.files["generated_variables.tf"].contains("variable \"secret_secret\""), "{:?}", answer.files);
    assert!(!format!("{:?}", answer.files).contains("planted"), "{:?}", answer.files);
    let Some(()) = world.add_programs() else { return };
    for certificate in verify(&world.session(), &request, &answer).await {
        assert!(certificate.is_clean(), "{certificate:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_call_can_say_is_said() {
    let world = World::new("");
    world.write("root/orders/main.tf", &format!("{REQUIRED}{ORDERS}"));
    world.write("root/other/main.tf", ORDERS);
    let strict = "variable \"prefix\" {}\nresource \"torture_object\" \"this\" {\n  name = \"${var.prefix}-x\"\n}\n";
    world.write("root/strict/main.tf", &format!("{REQUIRED}{strict}"));
    let more = "variable \"name\" {}\nresource \"torture_object\" \"this\" {\n  name = var.name\n  tier = \"slow\"\n}\n\
                resource \"torture_object\" \"beside\" {\n  name = \"beside\"\n}\n";
    world.write("root/more/main.tf", &format!("{REQUIRED}{more}"));
    for name in ["one", "two", "three", "four", "five", "six"] {
        world.add(name);
    }
    let sources = [
        ("strict", "./strict"),
        ("more", "./more"),
        ("far", "terraform-aws-modules/sqs/aws"),
        ("gone", "./gone"),
        ("orders", "./orders"),
        ("other", "./other"),
    ];
    let choices = [
        ("one", "module.strict.torture_object.this"),
        ("two", "module.more.torture_object.this"),
        ("three", "module.far.torture_object.this"),
        ("four", "module.gone.torture_object.this"),
        ("five", "module.orders.torture_object.other"),
        ("six", "module.other.torture_object.this"),
    ];
    let (_, answer) = world.adopt_into(&sources, &choices).await;
    let found = outcomes(&answer);
    let check = |id: &str, what: &str| assert!(found[id].1.contains(what), "{id}: {found:#?}");
    check("one", "must be given prefix");
    check("two", "but tier");
    let AdoptionStatus::CleanBut(flaws) = &answer.objects.iter().find(|object| object.source.is_some()).unwrap().status
    else {
        panic!("{found:#?}")
    };
    assert!(flaws.iter().any(|flaw| flaw.why.contains("module.more.torture_object.beside")), "{flaws:?}");
    check("three", "no path that begins with ./");
    check("four", "holds no configuration");
    check("five", "has no torture_object.other");
    check("six", "means the provider registry.terraform.io/hashicorp/torture");
    assert_eq!(answer.files["generated_modules.tf"].matches("module ").count(), 1);
}
