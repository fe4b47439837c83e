//! Root modules with what they call, evaluated on demand.

use std::sync::Arc;

use cty::{Mark, Type, Value};
use hcl::MemoryTree;
use hcl::configuration::Configuration;
use hcl::root::{Root, Sources, Unexpanded, ValueAnswer, ValueNeed};
use hcl::variables::VariableValues;
use model::{InstanceAddress, ModuleAddress};

/// Makes a root of the files of a folder.
pub(crate) fn root(files: &[(&str, &str)]) -> Root {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    let tree = MemoryTree(files.collect());
    let (configuration, problems) = Configuration::read(&tree, ".", ".terraform");
    assert!(problems.is_empty(), "{problems:?}");
    root_of(tree, configuration, VariableValues::default())
}

pub(crate) fn root_of(tree: MemoryTree, configuration: Configuration, variables: VariableValues) -> Root {
    Root::new(Sources {
        configuration: Arc::new(configuration),
        variables: Arc::new(variables),
        tree: Arc::new(tree),
        home: Some("/home/somebody".to_owned()),
        workspace: "default".to_owned(),
        current_dir: None,
    })
}

fn schema(arguments: &[&str]) -> model::Block {
    let mut schema = model::Block::default();
    for name in arguments {
        schema.attributes.insert((*name).to_owned(), crate::blocks::plain(Type::String));
    }
    schema
}

fn address(text: &str) -> InstanceAddress {
    text.parse().unwrap()
}

fn local(root: &Root, name: &str) -> Result<Value, String> {
    let (value, _, problems) = root.local(&ModuleAddress::root(), name);
    problems.first().map_or(Ok(value), |problem| Err(problem.to_string()))
}

const NETWORK: &str = r#"
variable "zones" { type = set(string) }
variable "prefix" { default = "net" }
resource "a_subnet" "this" {
  for_each = var.zones
  name     = "${var.prefix}-${each.key}"
}
output "names" { value = { for zone, subnet in a_subnet.this : zone => subnet.name } }
output "secret" {
  value     = "s-${var.prefix}"
  sensitive = true
}
"#;

fn network() -> Root {
    root(&[
        (
            "main.tf",
            r#"
locals { stages = { dev = ["a"], prod = ["a", "b"] } }
module "network" {
  source   = "./network"
  for_each = local.stages
  zones    = each.value
  prefix   = each.key
}
locals {
  secret = module.network["prod"].secret
  all    = { for stage, network in module.network : stage => network.names }
  wrong  = module.network["none"].secret
}
resource "a_host" "one" {
  count = 2
  name  = "${count.index}-${module.network["prod"].names["b"]}"
}
"#,
        ),
        ("network/main.tf", NETWORK),
    ])
}

#[test]
fn every_instance_of_modules_and_resources_is_listed() {
    let expansion = network().expand();
    assert!(expansion.unknown_modules.is_empty() && expansion.unknown_resources.is_empty());
    let instances: Vec<String> = expansion.instances.iter().map(ToString::to_string).collect();
    assert_eq!(
        instances,
        [
            "a_host.one[0]",
            "a_host.one[1]",
            "module.network[\"dev\"].a_subnet.this[\"a\"]",
            "module.network[\"prod\"].a_subnet.this[\"a\"]",
            "module.network[\"prod\"].a_subnet.this[\"b\"]",
        ]
    );
}

#[test]
fn values_go_through_modules_and_wait_for_answers() {
    let root = network();
    let subnet = root.instance(&address("module.network[\"prod\"].a_subnet.this[\"b\"]"), &schema(&["name"])).unwrap();
    assert_eq!(subnet.config.get_attr("name").unwrap(), Value::string("prod-b"));
    assert!(root.take_needs().is_empty());

    let host = address("a_host.one[1]");
    let waiting = root.instance(&host, &schema(&["name"])).unwrap();
    assert!(!waiting.config.is_wholly_known());
    assert!(waiting.unknown[0].reason.contains("whose plan was not asked for"), "{:?}", waiting.unknown);
    // All of the output is needed to know a part of it.
    let needs = root.take_needs();
    let of = |key: &str| ValueNeed::Instance(address(&format!("module.network[\"prod\"].a_subnet.this[\"{key}\"]")));
    assert_eq!(needs, [of("a"), of("b")]);
    root.answer(needs.into_iter().map(|need| {
        let ValueNeed::Instance(address) = &need else { panic!("an instance is needed") };
        let config = root.instance(address, &schema(&["name", "id"])).unwrap().config;
        (need, ValueAnswer::Value(config))
    }));
    let known = root.instance(&host, &schema(&["name"])).unwrap();
    assert_eq!(known.config.get_attr("name").unwrap(), Value::string("1-prod-b"));
    assert!(known.unknown.is_empty() && root.take_needs().is_empty());
}

#[test]
fn sensitive_outputs_stay_sensitive_and_missing_instances_are_mistakes() {
    let root = network();
    let secret = local(&root, "secret").unwrap();
    assert!(secret.marks().contains(&Mark::Sensitive));
    assert_eq!(secret.unmark().0, Value::string("s-prod"));
    assert!(local(&root, "wrong").unwrap_err().contains("no instance with this key"));
    assert!(root.instance(&address("a_host.one[2]"), &schema(&["name"])).is_err());
    assert!(root.instance(&address("a_host.none"), &schema(&["name"])).is_err());
}

#[test]
fn circles_end() {
    let root = root(&[(
        "main.tf",
        "locals {\n  a = local.b\n  b = local.a\n  c = 1\n}\nresource \"a_b\" \"c\" {\n  count = length(a_b.c)\n}\n",
    )]);
    assert!(local(&root, "a").unwrap_err().contains("refers to itself"));
    assert_eq!(local(&root, "c").unwrap(), Value::from(1_u64));
    assert!(matches!(root.resource_keys(&address("a_b.c").resource), Err(Unexpanded::Failed(_))));
}

#[test]
fn a_file_that_does_not_parse_makes_what_it_may_define_unknown() {
    let tree = MemoryTree(
        [("a.tf", "locals {\n  a = local.b\n  c = 2\n}\n"), ("b.tf", "locals =\n  b = 1\n}\n")]
            .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
            .into(),
    );
    let (configuration, problems) = Configuration::read(&tree, ".", ".terraform");
    assert!(!problems.is_empty());
    let root = root_of(tree, configuration, VariableValues::default());
    assert_eq!(local(&root, "c").unwrap(), Value::from(2_u64));
    let (value, unknown, _) = root.local(&ModuleAddress::root(), "a");
    assert!(!value.is_known());
    assert_eq!(unknown[0].reason, "it may be defined in a file that could not be read");
}

#[test]
fn functions_of_providers_are_asked_for_once_their_arguments_are_known() {
    let root = root(&[(
        "main.tf",
        "variable \"v\" {}\nlocals {\n  a = provider::x::up(\"b\").c\n  d = provider::x::up(var.v)\n}\n",
    )]);
    assert!(!local(&root, "a").unwrap().is_known());
    assert!(!local(&root, "d").unwrap().is_known());
    let needs = root.take_needs();
    let function = ValueNeed::Function {
        module: ModuleAddress::root(),
        name: "provider::x::up".to_owned(),
        arguments: vec![Value::string("b")],
    };
    assert_eq!(needs, [function]);
    let value = Value::object([("c".to_owned(), Value::string("B"))].into());
    root.answer(needs.into_iter().map(|need| (need, ValueAnswer::Value(value.clone()))));
    assert_eq!(local(&root, "a").unwrap(), Value::string("B"));
}
