//! `driftmgr explain` on a real root module.

mod support;

use support::{Place, check_schema};

const MAIN: &str = r#"variable "env" { default = "dev" }
variable "db_password" { type = string }
variable "marked" {
  type      = string
  sensitive = true
}
locals {
  sizes = { prod = "large", dev = "small" }
  size  = local.sizes[var.env]
  users = { name = "ann", password = "planted-named" }
}
module "net" {
  source = "./net"
  cidr   = "10.${local.octet}.0.0/16"
}
locals { octet = 7 }
resource "null_thing" "web" {
  for_each = toset(["a", "b"])
  size     = local.size
  network  = module.net.cidr
  token    = "planted-argument"
  url      = "postgres://app:planted-url@db/x"
  script   = "export DB_PASSWORD=planted-script"
  mixed    = "x-${var.marked}-${var.env}"
  hashed   = base64encode(var.db_password)
  users    = local.users
  id_of    = null_thing.other.id
}
resource "null_thing" "other" {}
output "size" { value = null_thing.web["a"].size }
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("main.tf", MAIN);
    place.write("net/main.tf", "variable \"cidr\" {}\noutput \"cidr\" { value = var.cidr }\n");
    place.write("prod.tfvars", "env = \"prod\"\n");
    place.write("terraform.tfvars", "db_password = \"planted-tfvars\"\nmarked = \"planted-marked\"\n");
    place
}

#[test]
fn a_value_is_followed_to_the_line_that_writes_it() {
    let place = place();
    let run = place.run(&["explain", "null_thing.web[\"a\"]", "size", "--no-provider", "--var-file", "prod.tfvars"]);
    let text = run.ends_with(0).stdout;
    let expected = "\
null_thing.web[\"a\"]: size = \"large\"

main.tf:19  the argument size
    local.size
  main.tf:9  the local value local.size
      local.sizes[var.env]
    main.tf:9  an element, chosen by a key
      main.tf:8  the local value local.sizes[\"prod\"]
          { prod = \"large\", dev = \"small\" }
        main.tf:8  written here
      main.tf:1  the key: the variable var.env = \"prod\"
        prod.tfvars:1  set in prod.tfvars
";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("Read without the provider's schema"), "{text}");

    let run = place.run(&["explain", "module.net.cidr", "--json"]).ends_with(0);
    let document = run.json();
    check_schema("driftmgr.explain/v1", &document);
    assert_eq!(document["complete"], true);
    assert_eq!(document["provider"], serde_json::Value::Null);
    let value = &document["explained"][0]["values"][0];
    assert_eq!((value["kind"].as_str(), value["value"].as_str()), (Some("output"), Some("10.7.0.0/16")));
    let argument = &value["steps"][0]["steps"][0];
    assert_eq!((argument["kind"].as_str(), argument["source"]["line"].as_u64()), (Some("module_argument"), Some(14)));
}

#[test]
fn every_argument_is_told_and_what_is_unknown_ends_with_3() {
    let place = place();
    let run = place.run(&["explain", "null_thing.web", "--no-provider"]).ends_with(3);
    assert!(run.stdout.contains("null_thing.web[\"a\"], main.tf:17"), "{}", run.stdout);
    assert!(run.stdout.contains("null_thing.web[\"b\"], main.tf:17"), "{}", run.stdout);
    assert!(run.stdout.contains("module.net.cidr"), "{}", run.stdout);
    assert!(run.stdout.contains("Not known, and why:\n  id_of: null_thing.other"), "{}", run.stdout);
    place.run(&["explain", "null_thing.web", "--no-provider", "--allow-incomplete"]).ends_with(0);
    let document = place.run(&["explain", "null_thing.web", "--json", "--no-provider"]).ends_with(3).json();
    check_schema("driftmgr.explain/v1", &document);
    assert_eq!(document["instances"].as_array().map(Vec::len), Some(2));
    assert_eq!(document["complete"], false);
}

#[test]
fn planted_secrets_are_never_shown() {
    let place = place();
    let addresses = [
        "null_thing.web",
        "null_thing.web[\"a\"].users",
        "null_thing.web[\"a\"].users.name",
        "null_thing.web[\"a\"].token",
        "null_thing.web[\"a\"].url",
        "null_thing.web[\"a\"].script",
        "null_thing.web[\"a\"].mixed",
        "null_thing.web[\"a\"].hashed",
        "local.users",
        "local.users.password",
        "local.users.name",
        "var.db_password",
        "var.marked",
    ];
    let encoded = "cGxhbnRlZC10ZnZhcnM=";
    for address in addresses {
        for options in [&[][..], &["--json"], &["--values", "none"], &["--json", "--values", "none"]] {
            let arguments = [&["explain", address, "--no-provider", "--allow-incomplete"], options].concat();
            let run = place.run(&arguments).ends_with(0);
            for text in [&run.stdout, &run.stderr] {
                assert!(!text.contains("planted") && !text.contains(encoded), "{address} {options:?}:\n{text}");
            }
            assert!(run.stdout.contains("sensitive") || run.stdout.contains("ann") || options.contains(&"none"));
        }
    }
    let run = place.run(&["explain", "local.sizes", "--values", "none"]).ends_with(0);
    assert!(!run.stdout.contains("large"), "{}", run.stdout);
}

#[test]
fn names_that_are_not_there_are_errors_that_help() {
    let place = place();
    place.run(&["explain", "local.siez"]).ends_with(1).says("Did you mean local.size");
    place.run(&["explain", "null_thing.web[\"c\"]"]).ends_with(1).says("null_thing.web[\"a\"]");
    place.run(&["explain", "null_thing.web", "a + b"]).ends_with(1).says("no path");
    place.run(&["explain", "null_thing.web[\"a\"]", "lifecycle"]).ends_with(1).says("terraform itself");
    place.run(&["explain", "]["]).ends_with(1);
    let run = place.run(&["explain", "null_thing.web[\"a\"]", "nothing", "--no-provider"]).ends_with(0);
    assert!(run.stdout.contains("nothing = null"), "{}", run.stdout);
}

#[test]
fn mistakes_in_the_code_are_told_and_the_rest_is_explained() {
    let place = place();
    place.write("broken.tf", "locals {\n  x = \n}\nlocals { y = local.sizes.none }\n");
    let run = place.run(&["explain", "local.sizes"]).ends_with(0);
    assert!(run.stderr.contains("broken.tf:2"), "{}", run.stderr);
    place.write("broken.tf", "locals { y = local.sizes.none }\n");
    let run = place.run(&["explain", "local.y"]).ends_with(3);
    assert!(run.stdout.contains("there is a mistake in the code"), "{}", run.stdout);
}
