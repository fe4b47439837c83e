//! What the code alone does not tell: plans of instances, states of other roots, data sources, circles.

use std::sync::Arc;

use cty::Value;
use hcl::root::ValueNeed;
use model::ModuleAddress;
use net::Environment;
use tempfile::TempDir;

use super::RootModule;
use super::stage::Stage;
use crate::request::StatesRequest;
use crate::{Session, states};

/// Makes a folder with files.
pub(crate) fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("it is made");
        std::fs::write(path, text).expect("it is written");
    }
    folder
}

/// A root module on the disk.
struct World {
    folder: TempDir,
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        Self { folder: folder_with(files) }
    }

    /// Evaluates a local value of the root module; says why where it is not known.
    async fn local(&self, name: &str) -> Result<Value, String> {
        self.local_of(name, true).await
    }

    async fn local_of(&self, name: &str, is_trusted: bool) -> Result<Value, String> {
        let session = Session::new(Environment::default(), self.folder.path().to_owned());
        let request = StatesRequest { dir: Some(self.folder.path().to_owned()), ..StatesRequest::default() };
        let module = RootModule::opened(&session, &request).await.expect("there is code");
        let states = states::load_or_empty(&session, &request).await.expect("the state can be read");
        let stage = Stage::open(&session, &module, Some(&Arc::new(states))).confined(!is_trusted);
        let wanted = name.to_owned();
        let taken = stage.settled(move |root| root.local(&ModuleAddress::root(), &wanted)).await;
        stage.shutdown().await;
        let (value, unknown, problems) = taken.expect("nothing stops it");
        match (problems.first(), unknown.first()) {
            (Some(problem), _) => Err(problem.to_string()),
            (None, Some(unknown)) => Err(unknown.reason.clone()),
            (None, None) => Ok(value),
        }
    }
}

/// A state that records instances of `terraform_data`, by name, each with its attributes as JSON.
fn state(outputs: &str, instances: &[(&str, &str)]) -> String {
    let resource = |(name, attributes): &(&str, &str)| {
        format!(
            r#"{{"mode": "managed", "type": "terraform_data", "name": "{name}",
                "provider": "provider[\"terraform.io/builtin/terraform\"]",
                "instances": [{{"schema_version": 0, "attributes": {attributes}}}]}}"#
        )
    };
    let resources: Vec<String> = instances.iter().map(resource).collect();
    format!(
        r#"{{"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {outputs},
            "resources": [{}]}}"#,
        resources.join(", ")
    )
}

fn recorded(id: &str, text: &str) -> String {
    let dynamic = format!(r#"{{"value": "{text}", "type": "string"}}"#);
    format!(r#"{{"id": "{id}", "input": {dynamic}, "output": {dynamic}, "triggers_replace": null}}"#)
}

#[tokio::test]
async fn what_is_planned_is_known_and_what_stays_has_its_observed_value() {
    let code = r#"
resource "terraform_data" "kept" { input = "a" }
resource "terraform_data" "new" { input = terraform_data.kept.output }
resource "terraform_data" "changed" { input = "c" }
resource "terraform_data" "last" {
  count = length(terraform_data.new.input)
  input = "${terraform_data.new.input}-${count.index}"
}
locals {
  kept    = "${terraform_data.kept.id}:${terraform_data.kept.output}"
  input   = terraform_data.last[0].input
  output  = terraform_data.new.output
  changed = "${terraform_data.changed.id}:${terraform_data.changed.input}"
  after   = terraform_data.changed.output
}
"#;
    let state = state("{}", &[("kept", &recorded("1", "a")), ("changed", &recorded("2", "b"))]);
    let world = World::new(&[("main.tf", code), ("terraform.tfstate", &state)]);
    assert_eq!(world.local("kept").await, Ok(Value::string("1:a")));
    assert_eq!(world.local("input").await, Ok(Value::string("a-0")));
    assert_eq!(world.local("changed").await, Ok(Value::string("2:c")));
    for later in ["output", "after"] {
        let reason = world.local(later).await.expect_err("terraform does not know it either");
        assert!(!reason.is_empty(), "{later}: {reason}");
    }
}

#[tokio::test]
async fn moved_instances_are_found_where_they_were() {
    let code = "resource \"terraform_data\" \"now\" { input = \"a\" }\nmoved {\n  from = terraform_data.before\n  to = terraform_data.now\n}\nlocals { id = terraform_data.now.id }\n";
    let state = state("{}", &[("before", &recorded("1", "a"))]);
    let world = World::new(&[("main.tf", code), ("terraform.tfstate", &state)]);
    assert_eq!(world.local("id").await, Ok(Value::string("1")));
}

#[tokio::test]
async fn outputs_of_other_states_are_read_without_their_marks_and_not_shown() {
    let outputs = r#"{"name": {"value": "net", "type": "string"}, "key": {"value": "planted", "type": "string", "sensitive": true}}"#;
    let code = r#"
locals {
  place = "other"
  name  = data.terraform_remote_state.other.outputs.name
  spare = data.terraform_remote_state.other.outputs.spare
  key   = "${data.terraform_remote_state.other.outputs.key}!"
  open  = issensitive(local.key)
  gone  = data.terraform_remote_state.gone.outputs.name
  later = data.terraform_remote_state.later.outputs.name
}
data "terraform_remote_state" "other" {
  backend  = "local"
  config   = { path = "${local.place}/terraform.tfstate" }
  defaults = { name = "none", spare = "spare" }
}
data "terraform_remote_state" "gone" {
  backend = "local"
  config  = { path = "nowhere.tfstate" }
}
data "terraform_remote_state" "later" {
  backend    = "local"
  config     = { path = "other/terraform.tfstate" }
  depends_on = [terraform_data.x]
}
resource "terraform_data" "x" {}
"#;
    let world = World::new(&[("main.tf", code), ("other/terraform.tfstate", &state(outputs, &[]))]);
    assert_eq!(world.local("name").await, Ok(Value::string("net")));
    assert_eq!(world.local("spare").await, Ok(Value::string("spare")));
    let key = world.local("key").await.expect("it is known");
    // As terraform and tofu do: the data source gives what the state has, without the mark.
    assert!(!key.is_sensitive() && world.local("open").await == Ok(Value::bool(false)), "{key:?}");
    let key = super::guarded(&key);
    assert!(key.is_sensitive() && !format!("{key:?}").contains("planted"), "{key:?}");
    let reason = world.local("gone").await.expect_err("it is not there");
    assert!(reason.contains("cannot be read"), "{reason}");
    let reason = world.local("later").await.expect_err("it is read later");
    assert!(reason.contains("`depends_on`"), "{reason}");
}

#[tokio::test]
async fn nothing_is_asked_for_code_that_is_not_trusted() {
    let outputs = r#"{"name": {"value": "net", "type": "string"}}"#;
    let code = r#"
locals {
  name = data.terraform_remote_state.other.outputs.name
  made = terraform_data.x.input
}
data "terraform_remote_state" "other" {
  backend = "local"
  config  = { path = "other/terraform.tfstate" }
}
resource "terraform_data" "x" { input = "a" }
"#;
    let world = World::new(&[("main.tf", code), ("other/terraform.tfstate", &state(outputs, &[]))]);
    assert_eq!(world.local("name").await, Ok(Value::string("net")));
    assert_eq!(world.local("made").await, Ok(Value::string("a")));
    let reason = world.local_of("name", false).await.expect_err("no other state is read");
    assert!(reason.contains("not trusted"), "{reason}");
    let reason = world.local_of("made", false).await.expect_err("no provider is started");
    assert!(reason.contains("not trusted"), "{reason}");
}

#[tokio::test]
async fn circles_and_mistakes_end_as_unknown_with_the_reason() {
    let code = r#"
resource "terraform_data" "a" { input = terraform_data.b.output }
resource "terraform_data" "b" { input = terraform_data.a.output }
resource "terraform_data" "own" { input = terraform_data.own.id }
resource "terraform_data" "wrong" { nothing = 1 }
resource "strange_thing" "x" {}
locals {
  circle  = terraform_data.a.input
  own     = terraform_data.own.input
  wrong   = terraform_data.wrong.id
  strange = strange_thing.x.id
}
"#;
    let world = World::new(&[("main.tf", code)]);
    for name in ["circle", "own"] {
        let reason = world.local(name).await.expect_err("it is a circle");
        assert!(reason.contains("depends on itself"), "{name}: {reason}");
    }
    let reason = world.local("wrong").await.expect_err("there is no such argument");
    assert!(reason.contains("mistake in the code of terraform_data.wrong"), "{reason}");
    let reason = world.local("strange").await.expect_err("there is no such provider");
    assert!(reason.contains("strange_thing.x is not planned"), "{reason}");
}

#[tokio::test]
async fn instances_with_triggers_or_depending_imports_are_not_planned() {
    let code = r#"
resource "terraform_data" "first" { input = "a" }
resource "terraform_data" "second" {
  input = "b"
  lifecycle { replace_triggered_by = [terraform_data.first] }
}
locals { id = terraform_data.second.id }
"#;
    let state = state("{}", &[("second", &recorded("2", "b"))]);
    let world = World::new(&[("main.tf", code), ("terraform.tfstate", &state)]);
    let reason = world.local("id").await.expect_err("it may be replaced");
    assert!(reason.contains("replace_triggered_by"), "{reason}");
}

#[test]
fn evaluations_share_answers_and_no_lock() {
    let world = World::new(&[("main.tf", "data \"a_b\" \"c\" {}\nlocals {\n  x = data.a_b.c.name\n}\n")]);
    let session = Session::new(Environment::default(), world.folder.path().to_owned());
    let module = RootModule::open(&session, &StatesRequest::default()).expect("there is code");
    let local = |root: &hcl::root::Root| root.local(&ModuleAddress::root(), "x").0;
    let needs = module.evaluate(|root| {
        assert!(!local(root).is_known());
        // Another evaluation begins while this one is under way.
        assert!(!module.evaluate(local).is_known());
        root.take_needs()
    });
    let value = Value::object([("name".to_owned(), Value::string("found"))].into());
    let [ValueNeed::Instance(_)] = &needs[..] else { panic!("{needs:?}") };
    module.answer(needs.into_iter().map(|need| (need, hcl::root::ValueAnswer::Value(value.clone()))));
    for _ in 0..3 {
        assert_eq!(module.evaluate(local), Value::string("found"));
    }
    assert!(!module.anew().evaluate(local).is_known());
}
