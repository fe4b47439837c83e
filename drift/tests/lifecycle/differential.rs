//! Each function against OpenTofu's own, on cases that it makes.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use cty::{Mark, Marks, Path, Type, Value, msgpack};
use drift::lifecycle::{
    Ignored, action, apply_ignore_changes, ignore_in_configuration, normalize_legacy, proposed_new, replace_paths,
    strip,
};
use model::{Attribute, AttributeType, Block, NestedBlock, NestedObject, NestingMode, Schema};
use serde_json::Value as Json;

use crate::{oracle, schemas};

/// How many cases of each seed are compared.
const N_CASES: usize = 2_000;

#[test]
fn core_does_the_same_on_cases_that_never_change() {
    compare(4);
}

#[test]
fn core_does_the_same_on_cases_nobody_saw_before() {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    let given = std::env::var("LIFECYCLE_SEED").ok().and_then(|seed| seed.parse().ok());
    compare(given.unwrap_or(elapsed.as_nanos() as u64));
}

#[track_caller]
fn compare(seed: u64) {
    let Some(program) = oracle::program() else { return };
    let count = N_CASES.to_string();
    let mut process = Command::new(program)
        .args(["-seed", &seed.to_string(), "-count", &count])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let stdout = process.stdout.take().expect("a pipe");
    let mut tally = Tally::default();
    let mut problems = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.expect("the program prints text");
        let case: Json = serde_json::from_str(&line).expect("a case is JSON");
        if let Err(problem) = check(&case, &mut tally) {
            problems.push(format!("case {}: {problem}\n  {line}", tally.cases));
        }
        tally.cases += 1;
    }
    assert!(process.wait().expect("the program ends").success(), "the program failed with seed {seed}");
    let _ = writeln!(std::io::stderr(), "compared with OpenTofu, LIFECYCLE_SEED={seed}: {tally:?}");
    let shown: Vec<String> =
        problems.iter().take(3).map(|problem| problem.chars().take(6_000).collect::<String>()).collect();
    let n_problems = problems.len();
    assert!(problems.is_empty(), "{n_problems} cases differ, LIFECYCLE_SEED={seed}\n{}", shown.join("\n"));
    tally.assert_meaningful();
}

/// How many cases show something.
#[derive(Debug, Default)]
struct Tally {
    cases: usize,
    stripped: usize,
    normalized: usize,
    config_ignored: usize,
    plan_ignored: usize,
    /// The proposed object is neither the configuration nor the prior object.
    merged: usize,
    replace_kept: usize,
    replace_dropped: usize,
    by_action: BTreeMap<String, usize>,
}

impl Tally {
    fn assert_meaningful(&self) {
        assert_eq!(self.cases, N_CASES);
        let by_action = |action: &str| self.by_action.get(action).copied().unwrap_or_default();
        for (what, n_cases, percent) in [
            ("strip", self.stripped, 25),
            ("normalize_legacy", self.normalized, 20),
            ("ignore_in_configuration", self.config_ignored, 15),
            ("apply_ignore_changes", self.plan_ignored, 3),
            ("proposed_new", self.merged, 30),
            ("replace_paths, kept", self.replace_kept, 10),
            ("replace_paths, dropped", self.replace_dropped, 20),
            ("no-op", by_action("NoOp"), 15),
            ("update", by_action("Update"), 15),
            ("replace", by_action("Replace"), 8),
            ("create", by_action("Create"), 3),
        ] {
            assert!(n_cases * 100 >= N_CASES * percent, "{what}: only {n_cases} of {N_CASES} cases show something");
        }
    }
}

fn check(case: &Json, tally: &mut Tally) -> Result<(), String> {
    let block = read_block(&case["schema"]);
    let ty = block.value_type();
    let decode = |json: &Json| decode(text(json), &ty);
    let equal = |what: &str, got: &Value, want: &Json| equal(what, got, text(want), &ty);

    check_strip(&case["strip"], &block, &ty, tally)?;

    let legacy = decode(&case["normalize"]["value"]);
    let normalized = normalize_legacy(&legacy, &block);
    equal("normalize_legacy", &normalized, &case["normalize"]["want"])?;
    tally.normalized += usize::from(normalized != legacy);

    let want = &case["want"];
    let prior = decode(&case["prior"]).mark_with_paths(&sensitive(&case["prior_sensitive"]));
    let config = decode(&case["config"]);
    let ignored = match case["ignore_all"].as_bool() {
        Some(true) => Ignored::All,
        _ => Ignored::Paths(read_paths(&case["ignore"])),
    };
    let (bare_prior, _) = prior.unmark_deep();
    let (used_config, _) = ignore_in_configuration(&prior, &config, &ignored, &block).unmark_deep();
    equal("ignore_in_configuration", &used_config, &want["config"])?;
    tally.config_ignored += usize::from(used_config != config);

    let proposed = proposed_new(&block, &bare_prior, &used_config);
    equal("proposed_new", &proposed, &want["proposed"])?;
    tally.merged += usize::from(proposed != used_config && proposed != bare_prior);

    let answered = decode(&case["planned"]);
    let planned = match case["legacy"].as_bool() {
        Some(true) => apply_ignore_changes(&bare_prior, &answered, &ignored),
        _ => answered.clone(),
    };
    tally.plan_ignored += usize::from(planned != answered);
    let replace = replace_paths(&read_paths(&case["requires_replace"]), &bare_prior, &planned, &block);
    let expected = read_paths(&want["replace"]);
    if replace.len() != expected.len() || !replace.iter().all(|path| expected.contains(path)) {
        return Err(format!("replace_paths gives {replace:?}, not {expected:?}"));
    }
    tally.replace_kept += usize::from(!replace.is_empty());
    tally.replace_dropped += usize::from(case["requires_replace"].as_array().map_or(0, Vec::len) > replace.len());

    let expected = text(&want["action"]);
    if expected != "Replace" {
        equal("apply_ignore_changes", &planned, &want["after"])?;
    }
    let marked = planned.mark_with_paths(&sensitive(&want["after_sensitive"]));
    let decided = action(&prior, &marked, &replace, &block);
    *tally.by_action.entry(expected.to_owned()).or_default() += 1;
    if format!("{decided:?}") == expected { Ok(()) } else { Err(format!("action gives {decided:?}, not {expected}")) }
}

fn check_strip(case: &Json, block: &Block, ty: &Type, tally: &mut Tally) -> Result<(), String> {
    let recorded = text(&case["recorded"]);
    let schema = Schema { version: 1, block: block.clone() };
    let stripped = strip(recorded.as_bytes(), &schema).map_err(|error| format!("strip: {error}"))?;
    tally.stripped += usize::from(stripped != recorded.as_bytes());
    let object = cty::json::decode(&stripped, ty).map_err(|error| format!("strip leaves what is wrong: {error}"))?;
    equal("strip", &object, text(&case["object"]), ty)?;
    // OpenTofu's numbers go through floats, so the texts are compared as floats.
    let stripped: Json = serde_json::from_slice(&stripped).map_err(|error| format!("strip: {error}"))?;
    let expected: Json = serde_json::from_str(text(&case["want"])).expect("JSON");
    if same_json(&stripped, &expected) { Ok(()) } else { Err(format!("strip gives\n  {stripped}, not\n  {expected}")) }
}

fn same_json(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= a.abs() * 1e-14,
            _ => false,
        },
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same_json(a, b)))
        }
        _ => a == b,
    }
}

/// Compares what a provider would get: how a null inside a dynamic value came to its type does not cross the wire.
fn equal(what: &str, got: &Value, want: &str, ty: &Type) -> Result<(), String> {
    let encoded = msgpack::encode(got, ty).map_err(|error| format!("{what} gives {got}: {error}"))?;
    if hex::encode(&encoded) == want {
        return Ok(());
    }
    Err(format!("{what} gives\n  {got}, not\n  {}", decode(want, ty)))
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_default()
}

fn decode(text: &str, ty: &Type) -> Value {
    let bytes = hex::decode(text).expect("hexadecimal digits");
    msgpack::decode(&bytes, ty).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn sensitive(json: &Json) -> Vec<(Path, Marks)> {
    read_paths(json).into_iter().map(|path| (path, Marks::from([Mark::Sensitive]))).collect()
}

fn read_paths(json: &Json) -> Vec<Path> {
    let paths = json.as_array().map(Vec::as_slice).unwrap_or_default();
    let step = |path: Path, step: &Json| {
        let kind = |kind: &str| step[kind].as_str();
        match (kind("attr"), kind("key"), kind("index")) {
            (Some(name), _, _) => path.attr(name),
            (_, Some(key), _) => path.index(key),
            (_, _, Some(index)) => path.index(index.parse::<i64>().expect("a small number")),
            _ => panic!("{step} is no step of a path"),
        }
    };
    paths.iter().map(|path| path.as_array().into_iter().flatten().fold(Path::new(), step)).collect()
}

fn read_block(json: &Json) -> Block {
    let blocks = members(&json["blocks"]).map(|(name, nested)| {
        let nested = NestedBlock {
            nesting: read_nesting(&nested["nesting"]),
            block: read_block(&nested["block"]),
            min_items: 0,
            max_items: 0,
        };
        (name, nested)
    });
    Block { attributes: read_attributes(&json["attributes"]), blocks: blocks.collect(), ..Block::default() }
}

fn read_attributes(json: &Json) -> BTreeMap<String, Attribute> {
    let read = |json: &Json| {
        let ty = match json.get("nested") {
            Some(nested) => AttributeType::Nested(NestedObject {
                nesting: read_nesting(&nested["nesting"]),
                attributes: read_attributes(&nested["attributes"]),
            }),
            None => AttributeType::Plain(Type::from_json(json["type"].to_string().as_str()).expect("a type")),
        };
        schemas::attribute(text(&json["flags"]), ty)
    };
    members(json).map(|(name, attribute)| (name, read(attribute))).collect()
}

fn members(json: &Json) -> impl Iterator<Item = (String, &Json)> {
    json.as_object().into_iter().flatten().map(|(name, member)| (name.clone(), member))
}

fn read_nesting(json: &Json) -> NestingMode {
    match json.as_str() {
        Some("single") => NestingMode::Single,
        Some("group") => NestingMode::Group,
        Some("list") => NestingMode::List,
        Some("set") => NestingMode::Set,
        Some("map") => NestingMode::Map,
        _ => panic!("{json} is no nesting mode"),
    }
}
