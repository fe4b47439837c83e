//! terraform and tofu call our functions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use serde_json::{Value as Json, json};
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

const ADDRESS: &str = "catherinevee/driftmgr";
const HEAD: &str =
    "terraform {\n  required_providers {\n    driftmgr = {\n      source = \"catherinevee/driftmgr\"\n    }\n  }\n}\n";

/// Gives a root that finds our binary and nothing else to every CLI that is installed.
fn with_each_cli(test: impl Fn(&RootFolder<'_>)) {
    let binary = Path::new(env!("CARGO_BIN_EXE_terraform-provider-driftmgr"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(binary, folder.path().join("terraform-provider-driftmgr")).unwrap();
    for tool in [Tool::Terraform, Tool::Tofu] {
        if let Some(program) = tools::or_skip(tool) {
            let config = CliConfig::default().dev_override(ADDRESS, folder.path());
            test(&RootFolder::empty(&program, &config, None).unwrap());
        }
    }
}

fn outputs(root: &RootFolder<'_>) -> serde_json::Map<String, Json> {
    let outputs: Json = serde_json::from_str(&root.run(&["output", "-json"]).unwrap()).unwrap();
    let outputs = outputs.as_object().unwrap();
    outputs.iter().map(|(name, output)| (name.clone(), output["value"].clone())).collect()
}

#[test]
fn addresses_are_taken_apart() {
    with_each_cli(|root| {
        let body = r#"
output "whole" { value = provider::driftmgr::parse_address("module.a[0].module.b[\"x.y\"].data.aws_ami.this[\"k ]\\\"\"]") }
output "plain" { value = provider::driftmgr::parse_address("aws_sqs_queue.orders") }
output "sum" { value = provider::driftmgr::parse_address("aws_sqs_queue.orders[41]").key + 1 }
"#;
        root.write("main.tf", &format!("{HEAD}{body}")).unwrap();
        root.apply(10).unwrap();
        let outputs = outputs(root);
        assert_eq!(
            outputs["whole"],
            json!({
                "address": r#"module.a[0].module.b["x.y"].data.aws_ami.this["k ]\""]"#,
                "key": "k ]\"",
                "mode": "data",
                "module": r#"module.a[0].module.b["x.y"]"#,
                "name": "this",
                "resource": r#"module.a[0].module.b["x.y"].data.aws_ami.this"#,
                "type": "aws_ami",
            })
        );
        assert_eq!(
            outputs["plain"],
            json!({
                "address": "aws_sqs_queue.orders",
                "key": null,
                "mode": "managed",
                "module": "",
                "name": "orders",
                "resource": "aws_sqs_queue.orders",
                "type": "aws_sqs_queue",
            })
        );
        assert_eq!(outputs["sum"], 42);
    });
}

#[test]
fn import_ids_follow_from_attributes() {
    with_each_cli(|root| {
        let body = r#"
resource "terraform_data" "role" {
  input = "app"
}
output "queue" { value = provider::driftmgr::import_id("aws_sqs_queue", { id = "https://queue/1/orders", tags = null }) }
output "map" { value = provider::driftmgr::import_id("aws_iam_user", tomap({ id = "ann" })) }
output "attachment" {
  value = provider::driftmgr::import_id("aws_iam_role_policy_attachment", {
    role = terraform_data.role.output, policy_arn = sensitive("arn:aws:iam::aws:policy/X")
  })
  sensitive = true
}
"#;
        root.write("main.tf", &format!("{HEAD}{body}")).unwrap();
        let plan = root.plan().unwrap();
        assert!(!plan.text.contains("policy/X"), "{}", plan.text);
        root.apply(10).unwrap();
        let outputs = outputs(root);
        assert_eq!(outputs["queue"], "https://queue/1/orders");
        assert_eq!(outputs["map"], "ann");
        assert_eq!(outputs["attachment"], "app/arn:aws:iam::aws:policy/X");
    });
}

#[test]
fn a_wrong_argument_is_pointed_at() {
    with_each_cli(|root| {
        for (call, parameter, expect) in [
            (r#"import_id("aws_unheard_of", {})"#, "resource_type", "does not cover"),
            (r#"import_id("aws_sqs_queue", "orders")"#, "attributes", "have to be an object"),
            (r#"import_id("aws_sqs_queue", { name = "orders" })"#, "attributes", "{/id}"),
            (r#"parse_address("module.a")"#, "address", "a resource type must stand here"),
            (r#"parse_address("aws_sqs_queue.orders[x]")"#, "address", "a whole number or a quoted string"),
        ] {
            let body = format!("output \"it\" {{\n  value = provider::driftmgr::{call}\n}}\n");
            root.write("main.tf", &format!("{HEAD}{body}")).unwrap();
            let output = root.try_run(&["plan", "-json", "-input=false"]).unwrap();
            assert!(!output.status.success(), "{call}");
            let text = String::from_utf8_lossy(&output.stdout);
            let mut lines = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
            let error = lines.rfind(|line| line["@level"] == "error").unwrap();
            let diagnostic = &error["diagnostic"];
            let words = diagnostic["detail"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(expect), "{call}: {words}");
            assert!(words.contains(&format!("\"{parameter}\"")), "{call}: {words}");
            assert!(words.ends_with('.') && !words.ends_with(".."), "the CLI sets the full stop: {words}");
        }
    });
}

#[test]
fn the_examples_of_the_functions_hold() {
    with_each_cli(|root| {
        let examples = xtask::repository().join("examples/functions");
        let mut n_examples = 0;
        for entry in std::fs::read_dir(examples).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path().join("function.tf")).unwrap();
            root.write("main.tf", &format!("{HEAD}{text}")).unwrap();
            root.apply(10).unwrap();
            let outputs = outputs(root);
            if let Some(id) = outputs.get("import_id") {
                assert_eq!(id, "app/arn:aws:iam::aws:policy/ReadOnlyAccess");
            } else {
                assert_eq!(outputs["owner"], "team-shop");
                assert_eq!(outputs["queue"], "aws_sqs_queue orders, number 0");
            }
            n_examples += 1;
        }
        assert_eq!(n_examples, 2);
    });
}
