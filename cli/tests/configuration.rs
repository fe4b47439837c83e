//! Bad input: code that is broken, incomplete or wrong. The rest is answered, and what could not be known is said.

mod support;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use support::Place;
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

/// Code in which nothing is wrong.
const GOOD: &str = r#"variable "number" { default = 3 }
locals { good = "g-${var.number}" }
resource "terraform_data" "kept" { input = local.good }
"#;

/// Makes a root module of files.
fn root(files: &[(&str, &str)]) -> Place {
    let place = Place::new();
    place.write("main.tf", GOOD);
    for (name, text) in files {
        place.write(name, text);
    }
    place
}

/// The state of [`GOOD`].
fn state() -> String {
    let text = |text: &str| json!({"value": text, "type": "string"});
    let attributes = json!({"id": "1", "input": text("g-3"), "output": text("g-3"), "triggers_replace": null});
    json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {},
        "resources": [{
            "mode": "managed", "type": "terraform_data", "name": "kept",
            "provider": "provider[\"terraform.io/builtin/terraform\"]",
            "instances": [{"schema_version": 0, "attributes": attributes}],
        }],
    })
    .to_string()
}

/// Explains one value: the exit code and what is printed, warnings first.
#[track_caller]
fn explain(place: &Place, address: &str, code: i32, says: &[&str]) {
    let run = place.run(&["explain", address]).ends_with(code);
    let text = format!("{}\n{}", run.stderr, run.stdout);
    for part in says {
        assert!(text.contains(part), "{address}: {part:?} is not in\n{text}");
    }
}

#[test]
fn one_broken_file_of_many_leaves_the_others() {
    let broken = "locals { list = [1, 2\nresource \"terraform_data\" \"swallowed\" { input = 1 }\n";
    let place = root(&[("broken.tf", broken), ("terraform.tfstate", &state())]);
    explain(&place, "local.good", 0, &["broken.tf:1:8", "Unclosed block", "local.good = \"g-3\""]);
    explain(&place, "local.list", 3, &["there is a mistake in the code"]);
    // What is not found may be where nobody could read.
    explain(&place, "terraform_data.swallowed", 1, &["Not all of the code could be read", "broken.tf:1:8"]);
    let run = place.run(&["drift", "--json"]).ends_with(0).says("broken.tf:1:8");
    assert_eq!(run.document("driftmgr.drift/v1")["summary"]["checked"], 1);
    // Not what the code no longer has, but what nobody can read: no orphan.
    place.write("main.tf", GOOD.replace("resource \"terraform_data\" \"kept\"", "resource \"terraform_data\" \"kept"));
    let document = place.run(&["drift", "--json"]).document("driftmgr.drift/v1");
    let findings = document["findings"].as_array().expect("a list");
    assert!(findings.iter().all(|finding| finding["kind"] != "orphan"), "{document}");
    std::fs::remove_file(place.path("broken.tf")).expect("it was there");
    place.write("main.tf", "locals { good = 1 }\n");
    let document = place.run(&["drift", "--json"]).ends_with(2).document("driftmgr.drift/v1");
    assert_eq!(document["findings"][0]["kind"], "orphan", "{document}");
}

#[test]
fn modules_and_providers_that_are_missing_leave_the_rest() {
    let code = r#"
module "gone" {
  source = "./gone"
}
module "registry" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "6.0.0"
}
resource "terraform_data" "depends" {
  input = [local.good, module.gone.name]
}
resource "nobody_thing" "here" {
  name = local.good
}
"#;
    let place = root(&[("more.tf", code), ("terraform.tfstate", &state())]);
    explain(&place, "local.good", 0, &["local.good = \"g-3\""]);
    explain(&place, "terraform_data.depends", 3, &["the code of module.gone is not at hand"]);
    explain(&place, "module.gone.name", 1, &["The code of module.gone is not at hand"]);
    explain(&place, "module.registry.vpc_id", 1, &["The code of module.registry is not at hand"]);
    explain(&place, "nobody_thing.here", 0, &["name = \"g-3\"", "hashicorp/nobody is not installed", "terraform init"]);
    let document = place.run(&["drift", "--json"]).ends_with(0).document("driftmgr.drift/v1");
    assert_eq!(document["summary"]["checked"], 1);
}

#[test]
fn circles_and_modules_without_end_are_told() {
    let circles = r#"
locals {
  chicken = local.egg
  egg     = local.chicken
}
resource "terraform_data" "left" {
  input = terraform_data.right.output
}
resource "terraform_data" "right" {
  input = terraform_data.left.output
}
module "self" {
  source = "./self"
}
"#;
    let module = "module \"again\" { source = \"../self\" }\noutput \"near\" { value = 7 }\noutput \"deep\" { value = module.again.deep }\n";
    let place = root(&[("circles.tf", circles), ("self/main.tf", module), ("terraform.tfstate", &state())]);
    explain(&place, "local.good", 0, &["local.good = \"g-3\""]);
    explain(&place, "local.chicken", 3, &["refers to itself"]);
    explain(&place, "module.self.near", 0, &["module.self.near = 7"]);
    explain(&place, "module.self.deep", 3, &["modules call each other without end"]);
    let run = place.run(&["explain", "terraform_data.left", "input", "--state", "terraform.tfstate"]).ends_with(3);
    assert!(run.stdout.contains("depends on itself"), "{}", run.stdout);
    let document = place.run(&["drift", "--json"]).ends_with(0).document("driftmgr.drift/v1");
    assert_eq!(document["summary"]["checked"], 1);
}

#[test]
fn ten_megabytes_are_read_and_what_is_larger_is_left_out() {
    let mut text = String::new();
    let mut n_values = 0;
    while text.len() < 10_000_000 {
        writeln!(text, "locals {{\n  v{n_values} = \"{}-${{local.good}}\"\n}}", "x".repeat(400)).expect("text grows");
        n_values += 1;
    }
    let place = root(&[("large.tf", &text)]);
    explain(&place, &format!("local.v{}", n_values - 1), 0, &["local.good = \"g-3\"", "x…"]);
    place.write("large.tf", format!("locals {{ huge = 1 }}\n# {}\n", "x".repeat(17_000_000)));
    explain(&place, "local.good", 0, &["local.good = \"g-3\"", "\"large.tf\" cannot be read", "is the limit"]);
    explain(&place, "local.huge", 1, &["Not all of the code could be read", "is the limit"]);
}

#[test]
fn what_nests_too_deep_is_refused_by_itself() {
    let n_levels = 10_000;
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(n_levels), close.repeat(n_levels));
    let place = root(&[
        ("lists.tf", &format!("locals {{\n  lists = {}\n  beside = 1\n}}\n", deep("[", "]"))),
        ("parentheses.tf", &format!("locals {{\n  parentheses = {}\n}}\n", deep("(", ")"))),
        ("templates.tf", &format!("locals {{\n  templates = {}\n}}\n", deep("\"${", "}\""))),
        ("blocks.tf", &deep("a {\n", "}\n")),
        ("json.tf.json", &format!("{{\"locals\": {{\"json\": {}}}}}", deep("[", "]"))),
    ]);
    explain(&place, "local.good", 0, &["local.good = \"g-3\"", "blocks.tf:501", "json.tf.json:1", "lists.tf:2"]);
    explain(&place, "local.beside", 0, &["local.beside = 1"]);
    explain(&place, "local.lists", 3, &["nest 500 levels deep"]);
    for name in ["local.parentheses", "local.templates"] {
        explain(&place, name, 3, &["there is a mistake in the code"]);
    }
    explain(&place, "local.json", 1, &["Not all of the code could be read"]);
    // Not nested, but long: each value refers to the next one.
    let mut chain = String::new();
    for index in 0..n_levels {
        writeln!(chain, "  c{index} = local.c{}", index + 1).expect("text grows");
    }
    let place = root(&[("chain.tf", &format!("locals {{\n{chain}  c{n_levels} = 1\n}}\n"))]);
    explain(&place, "local.good", 0, &[]);
    explain(&place, "local.c9990", 0, &["local.c9990 = 1"]);
    explain(&place, "local.c0", 3, &["nest too deep"]);
}

#[test]
fn overrides_that_contradict_each_other_end_as_terraforms() {
    let files = [
        ("a_override.tf", "locals { good = \"first\" }\nvariable \"number\" { default = 1 }\n"),
        (
            "b_override.tf",
            "locals { good = \"second\" }\nresource \"terraform_data\" \"kept\" { input = \"second\" }\n",
        ),
        ("override.tf", "locals { good = \"last-${var.number}\" }\n"),
    ];
    let place = root(&files);
    explain(&place, "local.good", 0, &["local.good = \"last-1\"", "override.tf:1"]);
    explain(&place, "terraform_data.kept", 0, &["input = \"second\"", "b_override.tf:2"]);
    let Some(program) = tools::or_skip(Tool::Terraform) else { return };
    let theirs = RootFolder::empty(&program, &CliConfig::default(), None).expect("a root module");
    theirs.write("main.tf", GOOD).expect("the code is written");
    theirs
        .write("output.tf", "output \"both\" { value = [local.good, terraform_data.kept.input] }\n")
        .expect("written");
    for (name, text) in files {
        theirs.write(name, text).expect("the code is written");
    }
    theirs.apply(1).expect("the root is applied");
    let both: Value =
        serde_json::from_str(&theirs.run(&["output", "-json", "both"]).expect("an output")).expect("JSON");
    assert_eq!(both, json!(["last-1", "second"]));
}

#[test]
fn wrong_types_are_told_with_their_place() {
    let code = r#"variable "count" {
  type    = number
  default = "many"
}
variable "sizes" { type = list(number) }
variable "object" {
  type = object({ name = string, port = optional(number, 80) })
}
locals {
  counted = var.count
  sum     = 1 + "x"
  port    = var.object.port
}
resource "terraform_data" "counted" {
  count = "many"
}
"#;
    let place = root(&[
        ("types.tf", code),
        ("terraform.tfvars", "sizes = [\"large\"]\nobject = { name = \"n\" }\n"),
        ("terraform.tfstate", &state()),
    ]);
    explain(&place, "local.good", 0, &["local.good = \"g-3\"", "types.tf:3:13", "a number is required"]);
    explain(&place, "local.counted", 3, &["not known"]);
    explain(&place, "local.sum", 3, &["The operator cannot be applied to this", "types.tf:11"]);
    explain(&place, "local.port", 0, &["local.port = 80"]);
    explain(&place, "var.sizes", 3, &["terraform.tfvars", "does not have the type of the variable at [0]"]);
    explain(&place, "terraform_data.counted", 3, &["count"]);
    let run = place.run(&["explain", "local.port", "--var", "object=[]"]).ends_with(3);
    assert!(run.stdout.contains("from --var, does not have the type"), "{}", run.stdout);
    let document = place.run(&["drift", "--json"]).ends_with(0).document("driftmgr.drift/v1");
    assert_eq!(document["summary"]["checked"], 1);
}

#[test]
fn values_of_variables_that_nobody_declares_are_warned_of() {
    let place = root(&[
        ("terraform.tfvars", "number = 4\nnumbre = 5\n"),
        ("more.auto.tfvars.json", "{\"spare\": {\"a\": [1]}}"),
        ("broken.auto.tfvars", "number = \nspare = 1\n"),
        ("terraform.tfstate", &state()),
    ]);
    explain(&place, "local.good", 0, &["no variable \"numbre\"", "\"spare\"", "broken.auto.tfvars:1"]);
    let run = place.run(&["explain", "local.good", "--var", "none=1", "--var-file", "gone.tfvars"]).ends_with(0);
    let run =
        run.says("no variable \"none\", which --var sets").says("\"gone.tfvars\" that --var-file names cannot be read");
    assert!(run.stdout.contains("g-"), "{}", run.stdout);
    // A variable of the environment may be meant for another root.
    let mut command = place.driftmgr();
    command.args(["explain", "local.good"]).env("TF_VAR_elsewhere", "1");
    let run = support::Run::of(command.output().expect("driftmgr starts")).ends_with(0);
    assert!(!run.stderr.contains("elsewhere"), "{}", run.stderr);
}

/// Lets a file change without end while something runs.
fn while_changing(mut change: impl FnMut(usize) + Send, run: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n_changes = 0;
            while !is_over.load(Ordering::SeqCst) {
                change(n_changes);
                n_changes += 1;
            }
        });
        // What fails ends the changes too.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        is_over.store(true, Ordering::SeqCst);
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn a_file_that_changes_while_it_is_read_is_one_of_its_versions() {
    let place = root(&[]);
    let text = |which: usize| {
        let value = ["one", "two"][which % 2];
        let filler = format!("# {}\n", "-".repeat(which % 2 * 200_000));
        format!(
            "locals {{\n  first = {value:?}\n}}\n{filler}locals {{\n  last = {value:?}\n}}\nlocals {{\n  both = \"${{local.first}}-${{local.last}}\"\n}}\n"
        )
    };
    place.write("changing.tf", text(0));
    let path = place.path("changing.tf");
    let replace = |n_changes: usize| {
        let next = place.write("next", text(n_changes));
        std::fs::rename(next, &path).expect("the file is replaced");
    };
    while_changing(replace, || {
        for _ in 0..20 {
            let document = place.run(&["explain", "local.both", "--json"]).ends_with(0).json();
            let value = &document["explained"][0]["values"][0]["value"];
            assert!(value == "one-one" || value == "two-two", "{value}");
        }
    });
    // Written in place, and now and then away: whatever is seen of it, the other files are answered.
    let rewrite = |n_changes: usize| match n_changes % 3 {
        0 => drop(std::fs::remove_file(&path)),
        _ => std::fs::write(&path, text(n_changes)).expect("the file is written"),
    };
    while_changing(rewrite, || {
        for _ in 0..20 {
            explain(&place, "local.good", 0, &["local.good = \"g-3\""]);
            let run = place.run(&["explain", "local.both", "--json"]);
            match run.code {
                0 => {
                    let value = &run.json()["explained"][0]["values"][0]["value"];
                    assert!(value == "one-one" || value == "two-two", "{value}");
                }
                1 | 3 => {}
                code => panic!("{code}: {}", run.stderr),
            }
        }
    });
}

#[test]
fn what_is_listed_and_cannot_be_read_is_told() {
    let place = root(&[("binary.tf", "locals { b = \"\u{0}\" }\n"), ("terraform.tfstate", &state())]);
    std::fs::create_dir(place.path("folder.tf")).expect("the folder is made");
    std::os::unix::fs::symlink("nowhere.tf", place.path("vanished.tf")).expect("the link is made");
    place.write("latin.tf", b"locals { l = \"\xe9\" }\n");
    explain(&place, "local.good", 0, &["local.good = \"g-3\"", "latin.tf"]);
    let document = place.run(&["drift", "--json"]).ends_with(0).document("driftmgr.drift/v1");
    assert_eq!(document["summary"]["checked"], 1);
}

#[test]
fn a_plan_is_judged_although_the_code_beside_it_is_broken() {
    let Some(program) = tools::or_skip(Tool::Terraform) else { return };
    let theirs = RootFolder::empty(&program, &CliConfig::default(), None).expect("a root module");
    theirs.write("main.tf", GOOD).expect("the code is written");
    theirs.apply(1).expect("the root is applied");
    theirs.run(&["plan", "-no-color", "-out=plan.tfplan"]).expect("the root is planned");
    let plan = theirs.run(&["show", "-json", "plan.tfplan"]).expect("the plan is shown");
    let mut drifted: Value = serde_json::from_str(&plan).expect("plans are JSON");
    let change = |before: &str, after: &str| {
        let object = |input: &str| json!({"id": "1", "input": input, "output": input, "triggers_replace": null});
        json!({
            "address": "terraform_data.kept", "mode": "managed", "type": "terraform_data", "name": "kept",
            "provider_name": "terraform.io/builtin/terraform",
            "change": {"actions": ["update"], "before": object(before), "after": object(after), "after_unknown": {},
                       "before_sensitive": {}, "after_sensitive": {}},
        })
    };
    drifted["resource_drift"] = json!([change("g-3", "other")]);
    drifted["resource_changes"] = json!([change("other", "g-3")]);
    let place = root(&[("plan.json", &drifted.to_string())]);
    let judge = |place: &Place| {
        let run = place.run(&["drift", "--plan", "plan.json", "--json"]).ends_with(2);
        let document = run.document("driftmgr.drift/v1");
        assert_eq!(document["findings"].as_array().map(Vec::len), Some(1), "{document}");
        assert_eq!(document["findings"][0]["kind"], "changed", "{document}");
        document["findings"][0]["attributes"].to_string()
    };
    let whole = judge(&place);
    assert!(whole.contains("declared"), "{whole}");
    for (name, text) in [
        ("broken.tf", "locals { list = [1, 2\n"),
        ("circle.tf", "locals { a = local.a }\nmodule \"gone\" { source = \"./gone\" }\n"),
        ("terraform.tfvars", "number = \nspare = 1\n"),
    ] {
        place.write(name, text);
        assert_eq!(judge(&place), whole, "{name}");
    }
    // No code at all is no reason either.
    std::fs::remove_file(place.path("main.tf")).expect("it was there");
    judge(&place);
}
