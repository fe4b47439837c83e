//! Against plans that the real terraform and tofu make.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use cty::{Path, Value};
use tfstate::PlanDocument;
use tfstate::plan::{ConfiguredArgument, PlanAction, PlanInstance};
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{Tool, or_skip};

const MAIN: &str = r#"
variable "secret" {
  default   = "planted-secret"
  sensitive = true
}
variable "keys" {
  type    = list(string)
  default = ["a", "b"]
}
resource "terraform_data" "plain" {
  input = { n = 12345678901234567890, s = var.secret, list = ["x"] }
}
resource "terraform_data" "replaced" {
  input            = "same"
  triggers_replace = ["one"]
}
resource "terraform_data" "follows" {
  input = terraform_data.replaced.id
}
resource "terraform_data" "old" {
  input = "moves"
}
resource "terraform_data" "dropped" {
  input = "goes"
}
module "outer" {
  source   = "./outer"
  for_each = toset(["eu \"west\"", "us"])
  keys     = var.keys
}
output "shown" {
  value = terraform_data.plain.output.list
}
output "hidden" {
  value     = var.secret
  sensitive = true
}
check "c" {
  assert {
    condition     = length(terraform_data.plain.output.list) == 1
    error_message = "no"
  }
}
"#;

const OUTER: &str = r#"
variable "keys" {}
module "inner" {
  source = "./inner"
  count  = 2
  keys   = var.keys
}
"#;

const INNER: &str = r#"
variable "keys" {}
resource "terraform_data" "each" {
  for_each = toset(var.keys)
  input    = { key = each.key, fixed = true }
}
"#;

struct World(RootFolder<'static>);

impl World {
    fn new(tool: Tool) -> Option<Self> {
        let root = RootFolder::empty(&or_skip(tool)?, &CliConfig::default(), None).unwrap();
        std::fs::create_dir_all(root.path().join("outer/inner")).unwrap();
        root.write("main.tf", MAIN).unwrap();
        root.write("outer/main.tf", OUTER).unwrap();
        root.write("outer/inner/main.tf", INNER).unwrap();
        root.init().unwrap();
        Some(Self(root))
    }

    fn plan(&self, options: &[&str]) -> PlanDocument {
        let arguments = [&["plan", "-no-color", "-input=false", "-out=p"], options].concat();
        self.0.run(&arguments).unwrap();
        let json = self.0.run(&["show", "-json", "p"]).unwrap();
        let name: Arc<str> = "plan.json".into();
        let bytes = bytes::Bytes::from(json.into_bytes());
        let (document, diagnostics) = PlanDocument::read(&name, bytes.into()).unwrap();
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        document.unwrap()
    }
}

fn worlds() -> impl Iterator<Item = World> {
    [Tool::Terraform, Tool::Tofu].into_iter().filter_map(World::new)
}

fn at<'a>(document: &'a PlanDocument, address: &str) -> PlanInstance<'a> {
    document.find(&address.parse().unwrap()).unwrap()
}

fn get(value: &Value, path: &Path) -> Value {
    path.apply(value).unwrap()
}

fn attr(name: &str) -> Path {
    Path::new().attr(name)
}

const EACH: &str = r#"module.outer["eu \"west\""].module.inner[1].terraform_data.each["b"]"#;

#[test]
fn a_plan_of_nothing_yet_creates_everything() {
    for world in worlds() {
        let document = world.plan(&[]);
        assert_eq!(document.format_version(), "1.2");
        assert!(document.timestamp().is_some() && document.is_errored() == Some(false));
        let managed = document.instances().filter(|instance| instance.action().is_some()).count();
        assert_eq!(managed, 13);
        assert!(document.instances().all(|instance| instance.action() == Some(&PlanAction::Create)));
        assert!(document.instances().all(|instance| !instance.is_recorded() && !instance.has_drift()));
        let facets = at(&document, "terraform_data.plain").facets(None).unwrap();
        assert!(facets.recorded.is_none() && facets.observed.is_none());
        let planned = facets.planned.unwrap();
        assert!(!get(&planned, &attr("id")).is_known() && !get(&planned, &attr("output")).is_known());
        let input = get(&planned, &attr("input"));
        assert_eq!(get(&input, &attr("n")).as_number().unwrap().to_string(), "12345678901234567890");
        assert!(get(&input, &attr("s")).is_sensitive() && !get(&input, &attr("list")).contains_marked());

        let each = at(&document, EACH);
        let body = document.configured(&each.address().resource).unwrap().unwrap();
        assert_eq!(body.arguments["input"], ConfiguredArgument::References(vec!["each.key".to_owned()]));
        let body = document.configured(&"terraform_data.replaced".parse().unwrap()).unwrap().unwrap();
        assert_eq!(body.arguments["input"], ConfiguredArgument::Constant(Value::string("same")));
        assert!(document.variables().unwrap()["secret"].is_sensitive());
        let outputs = document.output_changes().unwrap();
        assert_eq!(outputs["shown"].action, PlanAction::Create);
        assert!(!outputs["shown"].after.is_known() && outputs["hidden"].after.is_sensitive());
        assert_eq!(document.checks().unwrap().iter().filter(|check| check.address == "check.c").count(), 1);
    }
}

#[test]
fn changes_are_told_from_what_stays() {
    for world in worlds() {
        world.0.apply(4).unwrap();
        let document = world.plan(&[]);
        assert!(
            document.instances().all(|instance| instance.action() == Some(&PlanAction::NoOp) && instance.is_recorded())
        );
        let outputs = document.output_changes().unwrap();
        assert!(outputs.values().all(|output| output.action == PlanAction::NoOp), "they are listed all the same");
        assert!(document.prior_outputs().unwrap()["hidden"].value.is_sensitive());
        let facets = at(&document, EACH).facets(None).unwrap();
        assert!(facets.recorded == facets.observed && facets.recorded == facets.planned && facets.recorded.is_some());

        let changed = MAIN
            .replace("[\"one\"]", "[\"two\"]")
            .replace("\"old\"", "\"new\"")
            .replace("[\"x\"]", "[\"x\", \"y\"]")
            .replace("resource \"terraform_data\" \"dropped\" {\n  input = \"goes\"\n}", "");
        let more = "
moved {
  from = terraform_data.old
  to   = terraform_data.new
}
import {
  to = terraform_data.imported
  id = \"an-id\"
}
resource \"terraform_data\" \"imported\" {}
";
        world.0.write("main.tf", &format!("{changed}{more}")).unwrap();
        let document = world.plan(&["-var=keys=[\"a\"]"]);
        let action =
            |address: &str| (at(&document, address).action().unwrap().clone(), at(&document, address).action_reason());
        assert_eq!(action("terraform_data.plain"), (PlanAction::Update, None));
        let reason = Some("replace_because_cannot_update");
        assert_eq!(action("terraform_data.replaced"), (PlanAction::DeleteThenCreate, reason));
        assert_eq!(action("terraform_data.dropped"), (PlanAction::Delete, Some("delete_because_no_resource_config")));
        assert!(!document.is_configured(&"terraform_data.dropped".parse().unwrap()));
        assert_eq!(action(EACH), (PlanAction::Delete, Some("delete_because_each_key")));
        assert_eq!(at(&document, "terraform_data.new").previous_address().unwrap().to_string(), "terraform_data.old");
        let imported = at(&document, "terraform_data.imported");
        assert!(!imported.is_recorded());
        assert_eq!(imported.change().unwrap().unwrap().importing.unwrap(), Value::string("an-id"));
        let replaced = at(&document, "terraform_data.replaced").change().unwrap().unwrap();
        assert_eq!(replaced.replace_paths, [attr("triggers_replace")]);
        let follows = at(&document, "terraform_data.follows").facets(None).unwrap();
        assert!(!get(&follows.planned.unwrap(), &attr("input")).is_known());
        assert!(get(&follows.observed.unwrap(), &attr("input")).is_known());
        let gone = at(&document, "terraform_data.dropped").facets(None).unwrap();
        assert!(gone.planned.is_none() && gone.observed.is_some());
        assert!(!document.has_drift() && !document.is_destroy());
    }
}

#[test]
fn plans_with_options_tell_what_they_cover() {
    for world in worlds() {
        world.0.apply(4).unwrap();
        let document = world.plan(&["-refresh-only"]);
        assert!(!document.has_resource_changes() && document.instances().all(PlanInstance::is_recorded));
        let document = world.plan(&["-destroy"]);
        assert!(document.is_destroy());
        let document = world.plan(&["-target=terraform_data.plain"]);
        assert_eq!(document.instances().filter(|instance| instance.action().is_some()).count(), 1);
        assert_eq!(document.instances().filter(|instance| instance.is_recorded()).count(), 13);
        // OpenTofu does not tell.
        assert!(matches!(document.is_complete(), None | Some(false)));
        let document = world.plan(&["-replace=terraform_data.plain"]);
        let plain = at(&document, "terraform_data.plain");
        assert_eq!(
            (plain.action().unwrap().is_replacement(), plain.action_reason()),
            (true, Some("replace_by_request"))
        );
        let document = world.plan(&["-refresh=false"]);
        assert!(!document.has_drift());
    }
}
