//! Comments in code: what they are at, and what is wrong with them.

use std::sync::Arc;

use drift::ignore::RuleOrigin;

use super::of_code;
use crate::Session;
use crate::evaluation::{KeptTree, RootModule};
use crate::request::StatesRequest;

/// Reads the comments of a root module: a line each, problems last.
fn comments(files: &[(&str, &str)]) -> String {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let session = Session::new(net::Environment::default(), "/nowhere".into());
    let tree = Arc::new(KeptTree::over("/nowhere".into(), Arc::new(hcl::MemoryTree(files))));
    let module = RootModule::open_tree(&session, &StatesRequest::default(), "/nowhere".into(), tree);
    let (rules, diagnostics) = of_code(&module);
    let rules = rules.iter().map(|rule| {
        let RuleOrigin::Comment(blocks) = &rule.origin else { panic!("it is a comment") };
        let blocks: Vec<String> = blocks
            .iter()
            .map(|block| {
                let resource = block.resource.as_ref().map(|(resource_type, name)| format!("{resource_type}.{name}"));
                [block.modules.join("."), resource.unwrap_or_default()].join("/")
            })
            .collect();
        let paths: Vec<String> = rule.paths.iter().map(ToString::to_string).collect();
        format!("{}: {} [{}] {}", rule.span.start.line, blocks.join(" "), paths.join(", "), rule.reason)
    });
    let problems = diagnostics.iter().map(|problem| {
        let line = problem.span.as_ref().map_or(0, |span| span.start.line);
        format!("{line}: {}", problem.summary)
    });
    rules.chain(problems).collect::<Vec<_>>().join("\n")
}

#[test]
fn comments_are_about_what_they_stand_at() {
    let code = r#"# driftmgr:ignore reason=block
resource "a_b" "c" { # driftmgr:ignore tags reason=header
  name = "x" // driftmgr:ignore reason=argument
  # Others may stand between.
  /* driftmgr:ignore reason=nested */
  # And below.
  rule {
    port = 1 # driftmgr:ignore reason=port
  }
  dynamic "open" {
    for_each = []
    content {
      # driftmgr:ignore reason=dynamic
      port = 2
    }
  }
}

# driftmgr:ignore missing reason=call
module "m" {
  source = "./m"
}
module "n" {
  source = "./m"
}
"#;
    let called = "# driftmgr:ignore reason=called\nresource \"a_b\" \"inner\" {}\n";
    assert_eq!(
        comments(&[("main.tf", code), ("m/main.tf", called)]),
        "1: /a_b.c [] block\n\
         2: /a_b.c [tags] header\n\
         3: /a_b.c [name] argument\n\
         5: /a_b.c [rule] nested\n\
         8: /a_b.c [rule.port] port\n\
         13: /a_b.c [open.port] dynamic\n\
         19: m/ [] call\n\
         1: m/a_b.inner n/a_b.inner [] called"
    );
}

#[test]
fn comments_that_are_at_nothing_are_said() {
    let code = r##"resource "a_b" "c" {
  tags = {
    # driftmgr:ignore reason=value
    a = "b"
  }
  # driftmgr:ignore reason=end
}
module "m" {
  source = "./m" # driftmgr:ignore reason=source
}
# driftmgr:ignore reason=variable
variable "v" {}
locals {
  text = "# driftmgr:ignore reason=text"
}
# driftmgr:ignore reason=last
"##;
    let json = r#"{"resource": {"a_b": {"d": {"//": "driftmgr:ignore reason=json"}}}}"#;
    let installed = r#"{"Modules": [{"Key": "", "Source": "", "Dir": "."}, {"Key": "r", "Source": "x/y/z", "Dir": ".terraform/modules/r"}]}"#;
    assert_eq!(
        comments(&[
            ("main.tf", code),
            ("other.tf.json", json),
            ("r.tf", "module \"r\" {\n  source = \"x/y/z\"\n}\n"),
            (".terraform/modules/modules.json", installed),
            (".terraform/modules/r/main.tf", "# driftmgr:ignore reason=foreign\nresource \"a_b\" \"e\" {}\n"),
        ]),
        "3: A comment says what to ignore where nothing is\n\
         6: A comment says what to ignore where nothing is\n\
         9: A comment says what to ignore where nothing is found\n\
         11: A comment says what to ignore where nothing is found\n\
         16: A comment says what to ignore where nothing is\n\
         0: A file in JSON says what to ignore"
    );
}
