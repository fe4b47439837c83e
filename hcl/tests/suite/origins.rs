//! The argument that sets something, and the literal that can be edited.

use std::sync::Arc;

use hcl::MemoryTree;
use hcl::configuration::Configuration;
use hcl::root::{Root, Sources};
use hcl::trace::{ArgumentOrigin, ValueOrigin, parse_path};
use hcl::variables::VariableValues;

const MAIN: &str = r#"variable "size" { default = "small" }
locals {
  common = { Owner = "ops", Team = "net" }
  rules  = { ssh = 22, web = 443 }
}
module "app" {
  source = "./app"
  size   = "large"
  tags   = { Name = "app" }
}
resource "a_host" "web" {
  count  = 2
  size   = var.size
  name   = "web"
  alias  = "web-${count.index}"
  script = <<-EOT
    echo one
    echo two
  EOT
  tags   = { Name = "web", "kind" = "front", (local.common.Team) = "n" }
  labels = merge(local.common, { Name = "label" }, { Owner = "dev" })
  ports  = [80, 443]
  disk {
    size = 10
    kind = "fast"
  }
  disk {
    size = 20
    part {
      label = "root"
    }
    part {
      label = "home"
    }
  }
  dynamic "rule" {
    for_each = local.rules
    content {
      port  = rule.value
      allow = "any"
      dynamic "peer" {
        for_each = ["a", "b"]
        content {
          name = peer.value
        }
      }
    }
  }
}
"#;

const APP: &str = r#"variable "size" {}
variable "tags" {}
variable "port" { default = 80 }
resource "a_host" "this" {
  size = var.size
  tags = var.tags
  port = var.port
}
"#;

const JSON: &str = r#"{
  "resource": {"a_host": {"json": {
    "size": "tiny",
    "count": 1,
    "alias": "${var.size}-x",
    "tags": {"Name": "json", "Size": "${var.size}"},
    "disk": [{"size": 1}, {"size": 2, "part": {"label": "root"}}],
    "one": {"size": 5},
    "dynamic": {"rule": {
      "for_each": "${local.rules}",
      "content": {"port": "${rule.value}", "allow": "any", "dynamic": {"peer": [
        {"for_each": ["a"], "iterator": "it", "content": [{"name": "${it.value}"}]},
        {"for_each": ["b"], "content": {"name": "fixed"}}
      ]}}
    }}
  }}}
}
"#;

fn origin(address: &str, path: &str) -> ArgumentOrigin {
    let files = [("main.tf", MAIN), ("more.tf.json", JSON), ("app/main.tf", APP)];
    let tree = MemoryTree(files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into());
    let (configuration, problems) = Configuration::read(&tree, ".", ".terraform");
    assert!(problems.is_empty(), "{problems:?}");
    let root = Root::new(Sources {
        configuration: Arc::new(configuration),
        variables: Arc::new(VariableValues::default()),
        tree: Arc::new(tree),
        home: None,
        workspace: "default".to_owned(),
        current_dir: None,
    });
    root.argument_origin(&address.parse().unwrap(), &parse_path(path).unwrap()).unwrap()
}

/// Writes the argument, and its literal or the number of places that it is made of.
fn check(address: &str, path: &str, argument: &str, value: &str) {
    let text = |span: &model::Span| {
        let file = match &*span.file {
            "main.tf" => MAIN,
            "app/main.tf" => APP,
            _ => JSON,
        };
        assert_eq!(span.start.line, file[..span.start.byte].matches('\n').count() + 1);
        file[span.start.byte..span.end.byte].to_owned()
    };
    let found = origin(address, path);
    assert_eq!(found.argument.as_ref().map(text).unwrap_or_default(), argument, "{address} {path}");
    let literal = match &found.value {
        ValueOrigin::Literal(span) => text(span),
        ValueOrigin::Places(places) => places.len().to_string(),
    };
    assert_eq!(literal, value, "{address} {path}");
}

#[test]
fn arguments_and_their_literals() {
    let web = |path, argument, value| check("a_host.web[0]", path, argument, value);
    web("name", "name   = \"web\"", "\"web\"");
    web("size", "size   = var.size", "\"small\"");
    web("alias", "alias  = \"web-${count.index}\"", "1");
    web("script", "script = <<-EOT\n    echo one\n    echo two\n  EOT", "<<-EOT\n    echo one\n    echo two\n  EOT");
    web("computed", "", "0");
    web("ports[1]", "ports  = [80, 443]", "443");
}

#[test]
fn items_of_maps() {
    let tags = "tags   = { Name = \"web\", \"kind\" = \"front\", (local.common.Team) = \"n\" }";
    let labels = "labels = merge(local.common, { Name = \"label\" }, { Owner = \"dev\" })";
    let web = |path, argument, value| check("a_host.web[1]", path, argument, value);
    web("tags[\"Name\"]", tags, "\"web\"");
    web("tags[\"kind\"]", tags, "\"front\"");
    web("tags[\"net\"]", tags, "\"n\"");
    web("labels[\"Name\"]", labels, "\"label\"");
    web("labels[\"Owner\"]", labels, "\"dev\"");
    web("labels[\"Team\"]", labels, "\"net\"");
}

#[test]
fn nested_blocks() {
    let web = |path, argument, value| check("a_host.web[0]", path, argument, value);
    web("disk[0].kind", "kind = \"fast\"", "\"fast\"");
    web("disk[1].size", "size = 20", "20");
    web("disk[1].part[1].label", "label = \"home\"", "\"home\"");
    web("disk[{ size = 20 }].part[0].label", "label = \"root\"", "\"root\"");
    // A whole element, with what the provider adds.
    web("disk[{ size = 10, kind = \"fast\", id = \"d-1\", note = null }].size", "size = 10", "10");
    web("disk[7].size", "", "0");
    web("rule[1].port", "port  = rule.value", "443");
    web("rule[0].allow", "allow = \"any\"", "\"any\"");
    web("rule[1].peer[1].name", "name = peer.value", "\"b\"");
    web("rule[{ port = 443, allow = \"any\", id = null }].port", "port  = rule.value", "443");
}

#[test]
fn arguments_of_modules() {
    let this = |path, argument, value| check("module.app.a_host.this", path, argument, value);
    this("size", "size = var.size", "\"large\"");
    this("tags[\"Name\"]", "tags = var.tags", "\"app\"");
    this("port", "port = var.port", "80");
}

#[test]
fn json_has_arguments_too() {
    let json = |path, argument, value| check("a_host.json[0]", path, argument, value);
    json("size", "\"size\": \"tiny\"", "\"tiny\"");
    json("alias", "\"alias\": \"${var.size}-x\"", "1");
    json("tags[\"Name\"]", "\"tags\": {\"Name\": \"json\", \"Size\": \"${var.size}\"}", "\"json\"");
    json("tags[\"Size\"]", "\"tags\": {\"Name\": \"json\", \"Size\": \"${var.size}\"}", "\"small\"");
}
#[test]
fn json_has_nested_blocks_too() {
    let json = |path, argument, value| check("a_host.json[0]", path, argument, value);
    json("disk[0].size", "\"size\": 1", "1");
    json("disk[1].part[0].label", "\"label\": \"root\"", "\"root\"");
    json("disk[{ size = 2 }].size", "\"size\": 2", "2");
    json("one[0].size", "\"size\": 5", "5");
    json("rule[1].port", "\"port\": \"${rule.value}\"", "443");
    json("rule[0].allow", "\"allow\": \"any\"", "\"any\"");
    json("rule[0].peer[0].name", "\"name\": \"${it.value}\"", "\"a\"");
    json("rule[0].peer[1].name", "\"name\": \"fixed\"", "\"fixed\"");
}
