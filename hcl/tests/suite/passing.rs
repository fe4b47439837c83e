//! Which provider configuration a resource has: what the programs record.

use std::collections::BTreeMap;
use std::path::Path;

use hcl::root::Root;
use model::{InstanceAddress, ModuleAddress, ResourceAddress};
use xtask::terraform::CliConfig;
use xtask::tools::{Tool, or_skip};

use crate::moves::{Files, tree, write};
use crate::roots::root_of;

const NATIVE: Files<'static> = &[
    (
        "main.tf",
        r#"
terraform {
  required_providers {
    clock = { source = "hashicorp/time" }
  }
}
provider "clock" {}
provider "clock" {
  alias = "west"
}
provider "clock" {
  alias = "east"
}
resource "time_static" "by_name" { provider = clock }
resource "time_static" "aliased" { provider = clock.west }
resource "terraform_data" "builtin" {}
module "inherits" { source = "./inherits" }
module "aliased" {
  source    = "./aliased"
  for_each  = toset(["k"])
  providers = {
    time.near = clock.west
    time.far  = clock.east
    time      = clock.east
  }
}
module "own" {
  source    = "./own"
  providers = { time = clock.west }
}
module "placeholder" {
  source    = "./placeholder"
  providers = { time = clock.west }
}
"#,
    ),
    ("inherits/main.tf", "resource \"time_static\" \"default\" {}\nmodule \"deeper\" {\n  source = \"../deeper\"\n}\n"),
    ("deeper/main.tf", "resource \"time_static\" \"default\" {}\n"),
    (
        "aliased/main.tf",
        r#"
terraform {
  required_providers {
    time = {
      source                = "hashicorp/time"
      configuration_aliases = [time.near, time.far]
    }
  }
}
resource "time_static" "near" { provider = time.near }
resource "time_static" "default" {}
module "deeper" {
  source    = "../deeper"
  providers = { time = time.far }
}
"#,
    ),
    (
        "own/main.tf",
        "provider \"time\" {\n  alias = \"mine\"\n}\nresource \"time_static\" \"own\" {\n  provider = time.mine\n}\nresource \"time_static\" \"default\" {}\n",
    ),
    ("placeholder/main.tf", "provider \"time\" {}\nresource \"time_static\" \"default\" {}\n"),
];

const JSON: Files<'static> = &[
    (
        "main.tf.json",
        r#"{
  "terraform": {"required_providers": {"time": {"source": "hashicorp/time"}}},
  "provider": {"time": [{}, {"alias": "west"}]},
  "resource": {"time_static": {"a": {"provider": "time.west"}, "b": {}}},
  "module": {"m": {"source": "./m", "providers": {"time": "time.west"}}}
}"#,
    ),
    ("m/main.tf", "resource \"time_static\" \"default\" {}\n"),
];

const KEYED: Files<'static> = &[
    (
        "main.tf",
        r#"
provider "time" {
  alias    = "by"
  for_each = toset(["x", "y"])
}
resource "time_static" "direct" {
  for_each = toset(["x"])
  provider = time.by[each.key]
}
module "m" {
  source    = "./m"
  for_each  = { k = "y" }
  providers = { time = time.by[each.value] }
}
"#,
    ),
    ("m/main.tf", "resource \"time_static\" \"default\" {}\n"),
];

fn root(files: Files<'_>) -> Root {
    root_of(tree(files), crate::moves::configuration(files), hcl::variables::VariableValues::default())
}

/// Applies a root, and gives the provider of every recorded instance.
fn recorded(program: &Path, files: Files<'_>) -> BTreeMap<InstanceAddress, String> {
    let folder = xtask::terraform::RootFolder::empty(program, &CliConfig::with_tools().unwrap(), None).unwrap();
    write(&folder.path(), files);
    for arguments in [&["init", "-input=false"][..], &["apply", "-auto-approve", "-input=false"]] {
        let output = folder.try_run(arguments).unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {text}", program.display());
    }
    let state = std::fs::read_to_string(folder.path().join("terraform.tfstate")).unwrap();
    let state: serde_json::Value = serde_json::from_str(&state).unwrap();
    let mut found = BTreeMap::new();
    for resource in state["resources"].as_array().unwrap() {
        let module: ModuleAddress =
            resource["module"].as_str().map_or_else(ModuleAddress::root, |it| it.parse().unwrap());
        let text = |name: &str| resource[name].as_str().unwrap();
        let address = ResourceAddress { module, ..ResourceAddress::managed(text("type"), text("name")) };
        for instance in resource["instances"].as_array().unwrap() {
            let key = match &instance["index_key"] {
                serde_json::Value::String(key) => Some(model::InstanceKey::String(key.as_str().into())),
                serde_json::Value::Null => None,
                other => panic!("{other}"),
            };
            // OpenTofu records configurations with keys by instance.
            let provider = instance["provider"].as_str().filter(|provider| !provider.is_empty());
            let provider = provider.unwrap_or_else(|| text("provider"));
            found.insert(
                address.clone().instance(key),
                provider.replace("registry.opentofu.org", "registry.terraform.io"),
            );
        }
    }
    found
}

fn check(program: &Path, files: Files<'_>) {
    let root = root(files);
    let theirs = recorded(program, files);
    assert!(!theirs.is_empty());
    let ours = |address: &InstanceAddress| root.provider_of(address).unwrap().to_string();
    let ours: BTreeMap<InstanceAddress, String> = theirs.keys().map(|it| (it.clone(), ours(it))).collect();
    assert_eq!(ours, theirs, "{}", program.display());
}

#[test]
fn resources_have_the_configuration_that_the_programs_record() {
    if or_skip(Tool::Time).is_none() {
        return;
    }
    for program in crate::evaluation::programs() {
        check(&program, NATIVE);
        check(&program, JSON);
    }
    if let Some(tofu) = or_skip(Tool::Tofu) {
        check(&tofu, KEYED);
    }
}

#[test]
fn what_nothing_defines_is_a_mistake() {
    for (files, address, part) in [
        (&[("main.tf", "resource \"a_b\" \"c\" {\n  provider = a.west\n}\n")][..], "a_b.c", "\"west\""),
        (&[("main.tf", "resource \"a_b\" \"c\" {\n  provider = 1\n}\n")], "a_b.c", "local name"),
        (&[("main.tf", "locals {}\n")], "a_b.c", "no block"),
        (
            &[
                ("main.tf", "module \"m\" {\n  source = \"./m\"\n}\n"),
                ("m/main.tf", "resource \"a_b\" \"c\" {\n  provider = a.west\n}\n"),
            ],
            "module.m.a_b.c",
            "module.m",
        ),
    ] {
        let problem =
            root(files).sources().configuration.provider_of(&address.parse::<InstanceAddress>().unwrap().resource);
        let problem = problem.unwrap_err();
        assert!(problem.detail.contains(part), "{problem}");
    }
}
