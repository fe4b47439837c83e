//! Drafts before real programs: `fmt` has nothing to say, and plans hold what was meant.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use cty::{Path, Type, Value};
use hcl::emit;
use model::draft::{
    Draft, DraftBlock, DraftBody, DraftExpression, DraftImport, DraftImportSource, DraftModuleCall, DraftVariable,
};
use model::{Identity, InstanceKey, ResourceAddress, ResourceMode};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use xtask::terraform::CliConfig;

use crate::drafts::{LINES, any_expression, draft, json, literal, object, repeated, text, world};
use crate::emission::TEXTS;
use crate::evaluation::programs;
use crate::terraform::{run, run_with};

/// JSON texts that `jsonencode` gives of what they say.
const JSON: &[&str] = &[
    "{}",
    "[]",
    "null",
    "true",
    "\"\"",
    "-1",
    "1.5",
    "0.1",
    "123456789012345678901234567890",
    "0.0000001",
    "-0",
    r#"{"":{"a":[[],{},[null]]},"for":1,"q\"q":"${x} %{y}"}"#,
    r#"["\u003c\u003e\u0026\u2028é\u0000\\"]"#,
    r#"{"1st":[[[]]],"a.b":"x\ny\n"}"#,
];

/// Real programs format, plan and evaluate as we do.
#[test]
fn programs_understand_drafts() {
    let mut runner = TestRunner::deterministic();
    let mut expected: Vec<(DraftExpression, Value)> =
        TEXTS.iter().map(|line| (text(line), Value::string(*line))).collect();
    expected.extend(LINES.iter().flat_map(|line| {
        let all = [format!("a\n{line}\n"), format!("{line}\nb\n"), format!("  a\n{line}\n")];
        all.map(|all| (text(&all), Value::string(all)))
    }));
    expected.extend(JSON.iter().map(|text| {
        let value = cty::json::decode_implied(text.as_bytes()).unwrap();
        assert_eq!(json(&value), *text);
        (DraftExpression::Json(Box::new(literal(value))), Value::string(*text))
    }));
    let strategy = any_expression();
    expected.extend((0..250).map(|_| strategy.new_tree(&mut runner).unwrap().current()));
    let base = draft("base", vec![("input", literal(world()))]);
    let mut keyed = draft("keyed", vec![("input", DraftExpression::EachValue(Path::new()))]);
    keyed.for_each = Some(literal(object(&[("k${", world())])));
    let variable = DraftVariable {
        name: "password".to_owned(),
        description: String::new(),
        ty: Type::String,
        is_sensitive: false,
    };
    let mut blocks = vec![emit::variable(&variable).unwrap()];
    blocks.extend([base, keyed].iter().map(|draft| emit::resource(draft).unwrap()));
    for (index, (expression, _)) in expected.iter().enumerate() {
        let mut draft = repeated(&format!("r{index}"), expression.clone());
        draft.remarks = vec![format!("Number {index}: {}", LINES[index % LINES.len()])];
        draft.ignore_changes = vec![Path::new().attr("input").index(Value::string("k${"))];
        blocks.push(emit::resource(&draft).unwrap());
    }
    let configuration = emit::file(&["Drafts.".to_owned()], &blocks);
    for program in programs() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.tf"), &configuration).unwrap();
        std::fs::write(folder.path().join("terraform.tfvars"), "password = \"p\"\n").unwrap();
        run(&program, folder.path(), &["fmt", "-check", "-diff"]);
        run(&program, folder.path(), &["init", "-input=false"]);
        run(&program, folder.path(), &["plan", "-input=false", "-out=plan"]);
        let shown = run(&program, folder.path(), &["show", "-json", "plan"]);
        let plan: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
        let resources = plan["planned_values"]["root_module"]["resources"].as_array().unwrap();
        let by_name: BTreeMap<&str, &serde_json::Value> = resources
            .iter()
            .map(|resource| (resource["name"].as_str().unwrap(), &resource["values"]["input"]))
            .collect();
        for (index, (_, value)) in expected.iter().enumerate() {
            let wanted: serde_json::Value = serde_json::from_str(&json(value)).unwrap();
            let found = by_name[format!("r{index}").as_str()];
            assert_eq!(*found, wanted, "{}: {}", program.display(), blocks[index + 3]);
        }
    }
}

/// Labels of any text survive `fmt`, and are the keys of the blocks' map.
#[test]
fn labels_stay_what_they_are() {
    let labels: BTreeMap<&str, String> = TEXTS
        .iter()
        .chain(LINES)
        .chain(&["c d", "1st", "for", "a$b", "100%", "'"])
        .enumerate()
        .map(|(index, label)| (*label, index.to_string()))
        .collect();
    let mut echo = draft("labels", vec![]);
    echo.address.mode = ResourceMode::Data;
    echo.address.resource_type = "torture_echo".into();
    for (label, own) in &labels {
        let body = DraftBody { arguments: vec![("text".to_owned(), text(own))], blocks: vec![] };
        let label = Some((*label).to_owned());
        echo.body.blocks.push(DraftBlock { block_type: "block_map".to_owned(), label, body });
    }
    let programs = programs();
    if programs.is_empty() {
        return;
    }
    let configuration = CliConfig::default().dev_override("test/torture", &torture());
    let requirement =
        "terraform {\n  required_providers {\n    torture = {\n      source = \"test/torture\"\n    }\n  }\n}\n";
    let written = emit::file(&[], &[requirement.to_owned(), emit::resource(&echo).unwrap()]);
    for program in programs {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.tf"), &written).unwrap();
        let call = |arguments: &[&str]| run_with(&program, folder.path(), &configuration.render(), arguments);
        call(&["fmt", "-check", "-diff"]);
        call(&["plan", "-input=false", "-out=plan"]);
        let shown: serde_json::Value = serde_json::from_slice(&call(&["show", "-json", "plan"]).stdout).unwrap();
        let map = &shown["prior_state"]["values"]["root_module"]["resources"][0]["values"]["block_map"];
        let found: BTreeMap<&str, &str> = map
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, block)| (key.as_str(), block["text"].as_str().unwrap()))
            .collect();
        let wanted: Vec<(Value, &str)> =
            labels.iter().map(|(label, own)| (Value::string(*label), own.as_str())).collect();
        let wanted: BTreeMap<&str, &str> = wanted.iter().map(|(label, own)| (label.as_str().unwrap(), *own)).collect();
        assert_eq!(found, wanted, "{}", program.display());
    }
}

/// Gives the folder with the torture provider, building it first.
fn torture() -> PathBuf {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "tfplugin", "--example", "terraform-provider-torture"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success(), "the torture provider does not build");
    // …/target/debug/deps/suite-… → …/target/debug/examples
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples")
}

/// Every kind of block, as far as it can be formatted without a provider.
#[test]
fn formatting_changes_no_block() {
    let identity = object(&[("bucket", Value::string("b")), ("account_id", Value::string("1"))]);
    let ty = Type::object_with_optional(
        [("password", Type::String), ("ports", Type::list(Type::tuple([Type::Number, Type::Dynamic])))],
        ["ports"],
    );
    let variable =
        DraftVariable { name: "db".to_owned(), description: "A \"x\" ${y}.".to_owned(), ty, is_sensitive: true };
    let call = DraftModuleCall {
        name: "queue".to_owned(),
        source: "./m".to_owned(),
        version: Some("~> 1.0".to_owned()),
        for_each: Some(literal(object(&[("a", world()), ("bcd", object(&[("x", Value::from(1_i64))]))]))),
        arguments: vec![
            ("name".to_owned(), DraftExpression::EachKey),
            ("script".to_owned(), text("a\n  b\n")),
            ("list".to_owned(), literal(Value::tuple(vec![Value::tuple(vec![object(&[("k", world())])])]))),
            ("one".to_owned(), DraftExpression::Json(Box::new(literal(Value::tuple(vec![world()]))))),
            ("set".to_owned(), DraftExpression::ToSet(vec!["a".repeat(60), "b".repeat(60)])),
        ],
        remarks: vec!["A remark.".to_owned()],
    };
    let mut all = vec![emit::variable(&variable).unwrap(), emit::module_call(&call).unwrap()];
    for key in [None, Some(InstanceKey::Int(1)), Some(InstanceKey::String("k${".into()))] {
        let to = ResourceAddress::managed("a_b", "c").instance(key);
        let sources = [
            DraftImportSource::Id("x${y}\n".into()),
            DraftImportSource::Identity(Identity { version: 0, value: identity.clone() }),
        ];
        all.extend(sources.map(|source| {
            emit::import(&DraftImport { to: to.clone(), source, provider: Some("aws.west".to_owned()) }).unwrap()
        }));
    }
    let full = Draft {
        provider: Some("aws.west".to_owned()),
        for_each: Some(DraftExpression::ToSet(vec!["a".to_owned(), "b".to_owned()])),
        ignore_changes: ["a", "b", "c"].map(|name| Path::new().attr(name.repeat(40))).to_vec(),
        ..draft("full", vec![("a", text("x\ny\n")), ("bcd", text("z"))])
    };
    all.push(emit::resource(&full).unwrap());
    let written = emit::file(&["Written by a program.".to_owned(), "Twice.".to_owned()], &all);
    let (_, problems) = hcl::File::parse("main.tf", &written);
    assert!(problems.is_empty(), "{problems:?}");
    for program in programs() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.tf"), &written).unwrap();
        run(&program, folder.path(), &["fmt", "-check", "-diff"]);
    }
}
