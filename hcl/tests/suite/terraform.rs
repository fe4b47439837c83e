//! What is written, real terraform formats, validates and evaluates as meant.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cty::Value;
use hcl::emit::{self, BlockText, ImportSource};
use hcl::gates::Program;
use hcl::versions::Version;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use xtask::tools::{Tool, or_skip};

use crate::emission::{TEXTS, any_value};

const CONFIGURATION: &str = "disable_checkpoint = true\n";

fn start(program: &Path, folder: &Path, configuration: &str, arguments: &[&str]) -> Output {
    let path = folder.join("cli.tfrc");
    std::fs::write(&path, configuration).unwrap();
    Command::new(program)
        .current_dir(folder)
        .args(arguments)
        .env("TF_CLI_CONFIG_FILE", &path)
        .env("TF_IN_AUTOMATION", "1")
        .output()
        .unwrap()
}

pub(crate) fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Output {
    run_with(program, folder, CONFIGURATION, arguments)
}

/// Runs a program with a CLI configuration of its own.
pub(crate) fn run_with(program: &Path, folder: &Path, configuration: &str, arguments: &[&str]) -> Output {
    let output = start(program, folder, configuration, arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {text}");
    output
}

fn programs() -> Vec<PathBuf> {
    [Tool::Terraform, Tool::Tofu].into_iter().filter_map(or_skip).collect()
}

#[test]
fn values_mean_the_same() {
    let mut runner = TestRunner::deterministic();
    let mut values: Vec<Value> = TEXTS.iter().map(|text| Value::string(*text)).collect();
    values.extend((0..150).map(|_| any_value().new_tree(&mut runner).unwrap().current()));
    let mut text = String::new();
    for (index, value) in values.iter().enumerate() {
        let block = BlockText {
            block_type: "output".to_owned(),
            labels: vec![format!("o{index}")],
            arguments: vec![("value".to_owned(), emit::value(value).unwrap())],
            blocks: Vec::new(),
        };
        text.push_str(&block.write());
        text.push('\n');
    }
    text.truncate(text.len() - 1);
    for program in programs() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.tf"), &text).unwrap();
        run(&program, folder.path(), &["fmt", "-check", "-diff"]);
        run(&program, folder.path(), &["init", "-input=false"]);
        run(&program, folder.path(), &["apply", "-auto-approve", "-input=false"]);
        let output = run(&program, folder.path(), &["output", "-json"]);
        let found = cty::json::decode_implied(&output.stdout).unwrap();
        let found: BTreeMap<&str, &Value> = found.entries().collect();
        for (index, value) in values.iter().enumerate() {
            // An output that is null is left out.
            if let Some(output) = found.get(format!("o{index}").as_str()) {
                let found = output.entries().find(|(name, _)| *name == "value").unwrap().1;
                assert_eq!(found, value, "{}: {}", program.display(), emit::value(value).unwrap());
            } else {
                assert!(value.is_null(), "{value}");
            }
        }
    }
}

#[test]
fn import_and_removed_blocks_are_valid() {
    let mut configuration = String::new();
    let mut imports = String::new();
    let mut keys = Vec::new();
    for (index, text) in TEXTS.iter().enumerate() {
        keys.push((emit::quoted(text), "null".to_owned()));
        let to = model::ResourceAddress::managed("terraform_data", "keyed")
            .instance(Some(model::InstanceKey::String((*text).into())));
        let id = format!("{index} {text}");
        if index > 0 {
            imports.push('\n');
        }
        imports.push_str(&emit::import_block(&to, ImportSource::Id(&id.as_str().into()), None).unwrap());
    }
    imports.push('\n');
    imports.push_str(&emit::removed_block(&"terraform_data.gone".parse().unwrap()).unwrap());
    let all: Vec<String> = keys.into_iter().map(|(key, _)| format!("    {key},\n")).collect();
    configuration.push_str(&format!(
        "resource \"terraform_data\" \"keyed\" {{\n  for_each = toset([\n{}  ])\n}}\n",
        all.concat()
    ));
    for program in programs() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.tf"), &configuration).unwrap();
        std::fs::write(folder.path().join("imports.tf"), &imports).unwrap();
        run(&program, folder.path(), &["fmt", "-check", "-diff"]);
        run(&program, folder.path(), &["init", "-input=false"]);
        run(&program, folder.path(), &["validate"]);
        let output = run(&program, folder.path(), &["plan", "-input=false", "-no-color"]);
        let text = String::from_utf8_lossy(&output.stdout);
        let expected = format!("Plan: {} to import, 0 to add, 0 to change, 0 to destroy.", TEXTS.len());
        assert!(text.contains(&expected), "{}: {text}", program.display());
    }
}

/// Gives a program's kind and version.
pub(crate) fn version_of(program: &Path) -> (Program, Version) {
    let folder = tempfile::tempdir().unwrap();
    let answer = run(program, folder.path(), &["version", "-json"]);
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    let is_tofu = program.file_name().unwrap().to_string_lossy().contains("tofu");
    let kind = if is_tofu { Program::OpenTofu } else { Program::Terraform };
    (kind, answer["terraform_version"].as_str().unwrap().parse().unwrap())
}

/// Tells whether a program takes these files: `init`, then the command where that is another one.
pub(crate) fn succeeds(program: &Path, files: &[(&str, &str)], command: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let is_done = |arguments: &[&str]| start(program, folder.path(), CONFIGURATION, arguments).status.success();
    is_done(&["init", "-input=false"]) && (command == "init" || is_done(&[command]))
}
