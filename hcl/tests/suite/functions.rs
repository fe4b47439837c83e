//! Functions: terraform and `OpenTofu` must have the same names, values, types and mistakes.

use std::collections::{BTreeMap, BTreeSet};

use cty::Value;
use hcl::MemoryTree;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::evaluation::{World, outputs, programs, run};
use crate::function_calls::{BINARY_FILES, CALLS, CODE, FILES, UNKNOWN};

/// Functions that only a program's console has, or that are only there to say that they are gone.
const NOT_OURS: &[&str] = &["list", "map", "type"];

#[test]
fn the_table_has_the_functions_that_the_programs_have() {
    let ours: BTreeSet<String> = hcl::function::names().into_iter().map(str::to_owned).collect();
    let mut all = BTreeSet::new();
    for program in programs() {
        let folder = tempfile::tempdir().unwrap();
        let output = run(&program, folder.path(), &["metadata", "functions", "-json"], &[]);
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let names = found["function_signatures"].as_object().unwrap().keys();
        let names = names.map(|name| name.strip_prefix("core::").unwrap_or(name).to_owned());
        all.extend(names.filter(|name| !NOT_OURS.contains(&name.as_str())));
        assert!(all.len() > 100, "{all:?}");
    }
    if programs().len() == 2 {
        assert_eq!(ours, all);
    }
}

pub(crate) fn world() -> World {
    let mut files = vec![("main.tf", CODE), ("unknown.tf", UNKNOWN)];
    files.extend(FILES);
    let mut world = World::new(&files);
    world.tree.0.extend(BINARY_FILES.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())));
    world
}

/// Stands for the value of a call that is a mistake.
const MISTAKE: &str = "it is a mistake";

/// Gives what a program makes of calls; those of functions that it does not have are left out.
fn theirs(program: &std::path::Path, tree: &MemoryTree, calls: &[&str]) -> BTreeMap<usize, Value> {
    let is_tofu = program.to_string_lossy().contains("tofu");
    let only_tofu = ["base64gunzip(", "cidrcontains(", "urldecode("];
    // What terraform refuses before it evaluates anything.
    let never_terraform = ["templatestring(\""];
    let mut blocks = String::new();
    for (index, call) in calls.iter().enumerate() {
        if !is_tofu && only_tofu.iter().chain(&never_terraform).any(|name| call.contains(name)) {
            continue;
        }
        blocks.push_str(&format!(
            "output \"o{index}\" {{\n  value     = try([{call}], {MISTAKE:?})\n  sensitive = true\n}}\n"
        ));
    }
    let mut tree = tree.clone();
    tree.0.remove("unknown.tf");
    tree.0.insert("outputs.tf".to_owned(), blocks.into_bytes());
    let found = outputs(program, &tree, &[], &[]);
    found.into_iter().map(|(name, value)| (name[1..].parse().unwrap(), value)).collect()
}

#[test]
fn calls_have_the_values_types_and_mistakes_that_the_programs_give_them() {
    let world = world();
    let programs = programs();
    let all: Vec<BTreeMap<usize, Value>> = programs.iter().map(|program| theirs(program, &world.tree, CALLS)).collect();
    let mistake = Value::string(MISTAKE);
    let mut differences = Vec::new();
    for (index, call) in CALLS.iter().enumerate() {
        let (ours, reasons) = world.evaluate(call);
        let theirs: Vec<&Value> = all.iter().filter_map(|found| found.get(&index)).collect();
        // What is a mistake for one program has the value that the other one gives it.
        let values: Vec<&&Value> = theirs.iter().filter(|value| ***value != mistake).collect();
        let is_same = match (&ours, values.as_slice()) {
            // Not claiming anything is never wrong; which calls those are is tested below.
            (Ok(value), _) if !value.is_wholly_known() => !reasons.is_empty(),
            (Ok(value), [first, others @ ..]) => {
                // As theirs, it goes through JSON, where a number has the digits that tell it from its neighbors.
                let own = Value::tuple(vec![value.unmark_deep().0]);
                let json = cty::json::encode(&own, own.ty()).unwrap();
                let kept = cty::json::decode(&json, own.ty()).unwrap();
                (**first == &own || **first == &kept) && others.iter().all(|other| *other == *first)
            }
            (Ok(_), []) => theirs.is_empty(),
            (Err(_), values) => values.is_empty(),
        };
        if !is_same {
            let ours = match &ours {
                Ok(value) => format!("[{value}] of {}", value.ty()),
                Err(problem) => problem.clone(),
            };
            let theirs: Vec<String> = theirs.iter().map(|value| format!("{value} of {}", value.ty())).collect();
            differences.push(format!("{call}\n  programs: {}\n  here: {ours}", theirs.join("\n            ")));
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// Why a call that the programs have a value for has none here: a part of each reason.
const NOT_CLAIMED: &[&str] = &[
    "another value each time",
    "decrypts a secret",
    "does not pack data",
    "counts from the end in OpenTofu",
    "does not know the encoding",
    "names the property",
    "last digit of a fractional power",
    "gives text in terraform",
    "outside of the root module's folder",
    "current folder is not known",
    "number above 4096",
    "written as one of IPv6",
    "powers above",
    "more digits than",
    "in an unusual form",
    "binary data",
    "more often than driftmgr matches",
    "year that has not four digits",
    "too large to be shown",
    "a limit was reached",
    "null that has no type here",
    "cannot merge an object that is null",
    "cannot merge an object that is null",
    "key of the YAML has an anchor",
    "has one name twice",
    "written with escapes",
    "is not UTF-8 text",
    "programs compute with it differently",
    "where a number is negative",
    "take `[!` in a pattern differently",
    "characters that control how it is shown",
    "begins with a tab",
    "is not one that driftmgr can read",
];

#[test]
fn calls_that_have_no_value_here_are_few_and_say_why() {
    let world = world();
    let mut n_unknown = 0;
    for call in CALLS {
        let (value, reasons) = world.evaluate(call);
        if value.is_ok_and(|value| !value.is_wholly_known()) {
            n_unknown += 1;
            let is_expected = |reason: &String| NOT_CLAIMED.iter().any(|part| reason.contains(part));
            assert!(!reasons.is_empty() && reasons.iter().all(is_expected), "{call}: {reasons:?}");
        }
    }
    assert!(n_unknown * 12 < CALLS.len(), "{n_unknown} of {}", CALLS.len());
}

#[test]
fn every_function_is_called_in_the_table() {
    let missing: Vec<&str> = hcl::function::names()
        .into_iter()
        .filter(|name| !CALLS.iter().any(|call| call.contains(&format!("{name}("))))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(CALLS.len() >= 900, "{}", CALLS.len());
}

/// Arguments of every kind, for functions that do not expect them.
const ARGUMENTS: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "1e300",
    "1e-300",
    "12345678901234567890123456789",
    "\"\"",
    "\"a\"",
    "\"é\"",
    "\"10.0.0.0/8\"",
    "\"/(a*)*$/\"",
    "\"%s%d\"",
    "\"2020-02-29T00:00:00Z\"",
    "\"{}\"",
    "[]",
    "{}",
    "[1, \"a\", null]",
    "tolist([])",
    "tolist([\"a\", \"b\"])",
    "toset([1, 2])",
    "tomap({ a = 1 })",
    "{ a = [1], b = null }",
    "[[1], [[2]], []]",
    "var.unknown",
    "[var.unknown]",
    "tolist([var.unknown_text])",
    "{ a = var.unknown }",
    "sensitive(\"a\")",
    "[sensitive(1)]",
    "sensitive({ a = 1 })",
    "var.unknown_text",
    "\"x${var.unknown_text}\"",
    "var.unknown_list",
    "toset([var.unknown_text])",
    "range(300)",
    "\"~/x\"",
    "\"../x\"",
    "\"**\"",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn no_arguments_make_a_function_panic(
        function in any::<prop::sample::Index>(),
        arguments in vec(prop::sample::select(ARGUMENTS), 0..5),
        expands in any::<bool>(),
    ) {
        let names = hcl::function::names();
        let name = names[function.index(names.len())];
        let expands = if expands && !arguments.is_empty() { "..." } else { "" };
        let _ = world().evaluate(&format!("{name}({}{expands})", arguments.join(", ")));
    }
}

#[test]
fn every_function_takes_every_argument_and_says_why_it_knows_no_value() {
    let world = world();
    let check = |call: &str| {
        let (_, reasons) = world.evaluate(call);
        assert!(!reasons.iter().any(|reason| reason == "it depends on something unknown"), "{call}");
    };
    for name in hcl::function::names() {
        for a in ARGUMENTS {
            check(&format!("{name}({a})"));
            for b in ARGUMENTS.iter().step_by(5) {
                check(&format!("{name}({a}, {b})"));
            }
        }
    }
}

#[test]
fn what_would_grow_without_bound_does_not() {
    let world = world();
    for call in [
        "range(0, 1e12)",
        "range(0, 1e-300, 1e-312)",
        "setproduct(range(1000), range(1000), range(1000))",
        "setproduct([for a in range(12) : [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]...)",
        "format(\"%1000000000d\", 1)",
        "format(\"%.1000000000f\", 1)",
        "formatlist(\"%4000d\", [for a in range(1000) : [for b in range(1000) : a]])",
        "indent(1000000000, \"a\\nb\")",
        "join(join(\"\", [for a in range(1024) : \"aaaaaaaaaaaaaaaa\"]), range(1024))",
        "replace(join(\"\", range(1024)), \"\", join(\"\", range(1024)))",
        "replace(join(\"\", range(1024)), \"/()/\", join(\"\", range(1024)))",
        "regex(\"((a{1,500}){1,500}){1,500}\", \"a\")",
        "regex(\"(a*)*(a*)*(a*)*(a*)*b\", join(\"\", [for a in range(1024) : \"aaaaaaaaaaaaaaaa\"]))",
        "regexall(\"\", join(\"\", [for a in range(1024) : \"aaaaaaaaaaaaaaaa\"]))",
        "cidrsubnets(\"::/0\", [for a in range(1024) : 128]...)",
        "cidrsubnet(\"::/0\", 128, 1e30)",
        "pow(10, 100000)",
        "pow(1e308, -65000)",
        "parseint(join(\"\", range(1024)), 10)",
        "yamldecode(\"a: &a [x, x, x, x, x, x, x, x, x]\\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d]\\nf: [*e, *e, *e, *e, *e, *e, *e, *e]\\n\")",
        "jsondecode(join(\"\", [for a in range(1024) : \"[\"]))",
        "yamldecode(join(\"\", [for a in range(1024) : \"[\"]))",
        "jsondecode(\"1e999999999\")",
        "yamldecode(\"1e999999999\")",
        "tonumber(\"1e999999999\")",
        "fileset(\".\", join(\"\", [for a in range(20) : \"{a,b}\"]))",
        "fileset(\".\", \"**/**/**/**/**/**/**/*\")",
        "templatefile(\"files/endless.tpl\", {})",
        "timeadd(\"2020-01-01T00:00:00Z\", \"9999999999999999h\")",
        "base64gunzip(\"H4sIAAAAAAAA\")",
        "chunklist(range(1024), 9223372036854775807)",
        "substr(\"a\", -9223372036854775808, 9223372036854775807)",
        "element([1], 9223372036854775807)",
    ] {
        let _ = world.evaluate(call);
    }
}
