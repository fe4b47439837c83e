//! Where values come from.

use std::fmt::Write as _;
use std::sync::Arc;

use cty::Value;
use hcl::MemoryTree;
use hcl::configuration::Configuration;
use hcl::root::{Root, Sources};
use hcl::trace::{ValueOrigin, origin, parse_path};
use hcl::variables::VariableValues;
use model::TraceStep;

const MAIN: &str = r#"variable "env" { default = "prod" }
variable "region" { type = string }
variable "size" {}
variable "tags" { type = map(string) }
variable "settings" {
  type = object({
    name  = string
    port  = optional(number, 443)
    inner = optional(object({ deep = optional(string, "down") }), {})
  })
}
variable "unset" { type = string }
variable "secret" {
  default   = "hunter2-secret"
  sensitive = true
}
locals {
  sizes  = { prod = "large", dev = "small" }
  common = merge({ a = "1", b = "2" }, var.tags, { c = "3" })
  hosts  = [for name in ["x", "y"] : { name = "${name}-${var.env}", role = "web" }]
  ports  = { for name, port in { http = 80, https = 443 } : upper(name) => port if port > 100 }
  joined = concat(["one"], ["two", var.region])
  chosen = var.env == "prod" ? local.sizes["prod"] : local.sizes["dev"]
  first  = coalesce(null, "", var.region)
  tried  = try(local.sizes.none, "fallback")
  looked = lookup(local.sizes, "qa", "tiny")
  circle = local.circle_too
  circle_too = local.circle
  both   = "${local.sizes.dev}${local.sizes.dev}"
  flat   = flatten([["p"], [["q"], "r"]])
  splat  = local.hosts[*].name
  undecided = var.unset == "x" ? var.region : local.sizes["dev"]
  hidden = "x-${var.secret}-${var.region}"
}
module "app" {
  source   = "./app"
  for_each = toset(["blue", "green"])
  name     = each.key
  size     = local.sizes[var.env]
}
resource "a_host" "web" {
  count = 2
  name  = "web-${count.index}"
  size  = local.chosen
  tags  = merge(local.common, { Name = "web" })
  note  = module.app["blue"].label
  peer  = a_net.keyed["dev"].cidr
  self  = a_net.keyed["dev"].id
  dynamic "rule" {
    for_each = { ssh = 22, web = 443 }
    content {
      port = rule.value
      name = rule.key
    }
  }
  disk {
    size = 10
    kind = var.settings.inner.deep
  }
  disk {
    size = var.settings.port
  }
}
resource "a_net" "keyed" {
  for_each = local.sizes
  cidr     = each.value
  name     = each.key
}
provider "a" {
  alias  = "west"
  region = var.region
}
output "url" { value = "https://${module.app["green"].label}" }
"#;

const TFVARS: &str = "region = \"eu\"\ntags = {\n  b = \"two\"\n  d = \"4\"\n}\nsettings = { name = \"n\" }\n";

const APP: &str = r#"variable "name" {}
variable "size" {}
variable "port" { default = 80 }
locals { label = "${var.name}:${var.port}" }
output "label" { value = local.label }
resource "a_host" "this" { size = var.size }
"#;

fn root() -> Root {
    let files = [("main.tf", MAIN), ("app/main.tf", APP), ("terraform.tfvars", TFVARS)];
    let tree = MemoryTree(files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into());
    let (configuration, problems) = Configuration::read(&tree, ".", ".terraform");
    assert!(problems.is_empty(), "{problems:?}");
    let mut variables = VariableValues::default();
    assert!(variables.add_standard_files(&tree).is_empty());
    variables.add_text("size", "from-env", "the environment variable TF_VAR_size");
    Root::new(Sources {
        configuration: Arc::new(configuration),
        variables: Arc::new(variables),
        tree: Arc::new(tree),
        home: None,
        workspace: "default".to_owned(),
        current_dir: None,
    })
}

fn trace(address: &str) -> TraceStep {
    let root = root();
    let (subject, path) = root.subject(address).unwrap();
    root.trace(&subject, &path).unwrap()
}

/// Writes a trace, one step a line.
fn lines(address: &str) -> String {
    let mut text = String::new();
    write_lines(&trace(address), 0, &mut text);
    text
}

fn write_lines(step: &TraceStep, depth: usize, text: &mut String) {
    let place = step.span.as_ref().map(|span| format!("{}:{} ", span.file, span.start.line)).unwrap_or_default();
    let role = step.role.as_ref().map(|role| format!("{role}: ")).unwrap_or_default();
    let name = step.name.as_deref().unwrap_or_default();
    let path = step.path.to_string();
    let path = if path.is_empty() { path } else { format!(" at {path}") };
    let value = step.value.as_ref().map_or("nothing".to_owned(), Value::to_string);
    let source = step.source.as_ref().map(|source| format!(" <{source}>")).unwrap_or_default();
    let note = step.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    let again = if step.is_repeated { " (above)" } else { "" };
    let kind = step.kind.as_str();
    let indent = "  ".repeat(depth);
    writeln!(text, "{indent}{role}{place}{kind} {name}{path} = {value}{source}{note}{again}").unwrap();
    for unknown in &step.unknown {
        writeln!(text, "{indent}  ? {}", unknown.reason).unwrap();
    }
    for inner in &step.inner {
        write_lines(inner, depth + 1, text);
    }
}

/// What the golden file tells of, in its order.
const ADDRESSES: &[&str] = &[
    "a_host.web[1].size",
    "a_host.web[0].tags[\"b\"]",
    "a_host.web[0].tags[\"Name\"]",
    "a_host.web[0].name",
    "a_host.web[0].note",
    "a_host.web[0].rule[1].port",
    "a_host.web[0].rule[0].name",
    "a_host.web[0].disk[{size=443}].size",
    "a_host.web[0].disk[0].kind",
    "a_host.web[0].disk[2].size",
    "a_host.web[0].nowhere",
    "a_host.web[0].peer",
    "a_host.web[0].self",
    "a_net.keyed[\"dev\"].cidr",
    "a_net.keyed[\"dev\"].name",
    "provider.a.west.region",
    "local.hosts",
    "local.hosts[1].name",
    "local.ports[\"HTTPS\"]",
    "local.joined[2]",
    "local.first",
    "local.tried",
    "local.looked",
    "local.circle",
    "local.both",
    "local.flat[1]",
    "local.splat[1]",
    "local.common",
    "local.undecided",
    "output.url",
    "module.app[\"blue\"].a_host.this.size",
    "module.app[\"blue\"]",
    "var.size",
    "var.unset",
    "var.settings.name",
    "var.secret",
    "local.hidden",
];

#[test]
fn traces_read_as_the_golden_file() {
    let found: String = ADDRESSES.iter().map(|address| format!("== {address}\n{}\n", lines(address))).collect();
    assert!(!found.contains("hunter2"), "a secret is shown");
    if std::env::var_os("DRIFTMGR_UPDATE_GOLDENS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/traces.golden"), &found).unwrap();
    }
    assert_eq!(found, include_str!("traces.golden"), "see DRIFTMGR_UPDATE_GOLDENS in the test");
}

#[test]
fn one_literal_is_told_from_many_places() {
    let text = |span: &model::Span| {
        let file = if &*span.file == "main.tf" { MAIN } else { TFVARS };
        file[span.start.byte..span.end.byte].to_owned()
    };
    let literal = |address: &str| match origin(&trace(address)) {
        ValueOrigin::Literal(span) => text(&span),
        ValueOrigin::Places(places) => format!("{} places", places.len()),
    };
    assert_eq!(literal("a_host.web[1].size"), "\"large\"");
    assert_eq!(literal("a_host.web[0].tags[\"b\"]"), "\"two\"");
    assert_eq!(literal("a_host.web[0].rule[1].port"), "443");
    assert_eq!(literal("a_net.keyed[\"dev\"].cidr"), "\"small\"");
    assert_eq!(literal("local.both"), "2 places");
    assert_eq!(literal("var.size"), "0 places");
    assert_eq!(literal("var.unset"), "1 places");
}

#[test]
fn names_that_are_not_there_say_what_may_be_meant() {
    let root = root();
    let meant = |address: &str| root.subject(address).unwrap_err().meant;
    assert_eq!(meant("local.size")[0], "local.sizes");
    assert_eq!(meant("a_host.wbe[0]")[0], "a_host.web");
    assert_eq!(meant("var.regoin"), ["var.region"]);
    assert_eq!(meant("a_host.web[7]"), ["a_host.web[0]", "a_host.web[1]"]);
    assert_eq!(meant("module.app.label"), ["module.app[\"blue\"]", "module.app[\"green\"]"]);
    assert_eq!(meant("module.app[\"blue\"].size")[0], "module.app.var.size");
    assert!(root.subject("1 + 1").is_err() && root.subject("").is_err() && root.subject("[").is_err());
    assert_eq!(root.subject("a_host.web").unwrap().0.to_string(), "a_host.web");
    assert!(parse_path("tags[\"Name\"]").is_ok() && parse_path("a + b").is_err());
}

#[test]
fn what_a_block_writes_is_listed() {
    let root = root();
    let paths = |address: &str| -> Vec<String> {
        let (subject, _) = root.subject(address).unwrap();
        root.written_paths(&subject).unwrap().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        paths("a_host.web[0]"),
        [
            "name",
            "size",
            "tags",
            "note",
            "peer",
            "self",
            "rule[0].port",
            "rule[0].name",
            "rule[1].port",
            "rule[1].name",
            "disk[0].size",
            "disk[0].kind",
            "disk[1].size",
        ]
    );
    assert_eq!(paths("provider.a.west"), ["alias", "region"]);
    assert!(paths("local.sizes").is_empty());
}

#[test]
fn a_trace_ends_however_long_the_way_is() {
    let mut code = String::from("locals {\n  v0 = 1\n");
    for position in 1..200 {
        let before = position - 1;
        writeln!(code, "  v{position} = local.v{before}\n").unwrap();
    }
    code.push_str("  wide = [for i in range(3000) : \"${i}${local.v3}\"]\n}\n");
    let root = crate::roots::root(&[("main.tf", &code)]);
    for address in ["local.v199", "local.wide", "local.wide[2999]"] {
        let (subject, path) = root.subject(address).unwrap();
        let step = root.trace(&subject, &path).unwrap();
        let mut text = String::new();
        write_lines(&step, 0, &mut text);
        assert!(text.lines().count() < 1_000, "{address}: {}", text.lines().count());
    }
}
