//! What `hcl-edit` and `hcl-rs` make of the texts whose verdicts are known, and of literals: they agree, but for a list of
//! their shortfalls, each of which is still one.
//!
//! The golden file says for each text in what they fall short: `refused` and `accepted` where hclsyntax does the other,
//! `reprinted` where they print other bytes than they read, `value` where a literal is worth something else.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use hcl::File;
use hcl_rs::eval::{Context, Evaluate as _};
use serde_json::Value as Json;
use xtask::hclsyntax::Language;

use crate::conformance::corpus;

/// What `hcl-edit` needs for what nests deep: it has no limit of its own.
const STACK: usize = 1 << 30;

#[test]
fn packages_agree_but_for_known_shortfalls() {
    let Some(suite) = xtask::hclsyntax::specification_suite() else { return };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || compare(&suite)).unwrap();
    let (found, n_agreed, n_values) = thread.join().unwrap();
    assert!(n_agreed > 200 && n_values > 50, "{n_agreed} texts, {n_values} values");
    if std::env::var_os("DRIFTMGR_UPDATE_GOLDENS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/packages.golden"), &found).unwrap();
    }
    // What is missing from the file fell short, what is too much there does no more.
    assert_eq!(found, include_str!("packages.golden"), "see DRIFTMGR_UPDATE_GOLDENS in the test");
}

/// Lists shortfalls, and counts the texts in which there is none, and the values that are the same.
fn compare(suite: &Path) -> (String, usize, usize) {
    let native = corpus::all().into_iter().filter(|(language, _)| *language == Language::Native);
    let mut texts: BTreeMap<String, String> = native
        .filter_map(|(_, text)| std::str::from_utf8(text).ok())
        .map(|text| (shown(text), text.to_owned()))
        .collect();
    add(suite, suite, &mut texts);
    let (mut found, mut n_agreed, mut n_values) = (String::new(), 0, 0);
    for (name, text) in texts {
        let shortfalls = shortfalls(&text, &mut n_values);
        match shortfalls.as_str() {
            "" => n_agreed += 1,
            shortfalls => writeln!(found, "{name}\n  {shortfalls}").unwrap(),
        }
    }
    (found, n_agreed, n_values)
}

fn add(root: &Path, folder: &Path, texts: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add(root, &path, texts);
        } else if path.extension().is_some_and(|extension| extension == "hcl") {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            texts.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Writes a text in one line, and of a long one its ends.
fn shown(text: &str) -> String {
    let whole = format!("{text:?}");
    if whole.len() <= 160 {
        return whole;
    }
    let (head, tail) = (whole.floor_char_boundary(100), whole.ceil_char_boundary(whole.len() - 40));
    format!("{} …{} bytes… {}", &whole[..head], text.len(), &whole[tail..])
}

fn shortfalls(text: &str, n_values: &mut usize) -> String {
    let (file, problems) = File::parse("input", text);
    let parsed = hcl_edit::parser::parse_body(text);
    let body = match (problems.is_empty(), &parsed) {
        (true, Err(_)) => return "refused".to_owned(),
        (false, Ok(_)) => return "accepted".to_owned(),
        (false, Err(_)) => return String::new(),
        (true, Ok(body)) => body,
    };
    let mut found = Vec::new();
    if body.to_string() != text {
        found.push("reprinted".to_owned());
    }
    let theirs: hcl_rs::Body = hcl_rs::parse(text).unwrap();
    for attribute in &file.body.attributes {
        let Ok(ours) = file.literal(&attribute.expression) else { continue };
        let theirs = theirs.attributes().find(|theirs| theirs.key() == attribute.name).unwrap();
        let theirs = theirs.expr().evaluate(&Context::new()).map(|value| serde_json::to_value(value).unwrap());
        let ours: Json = serde_json::from_slice(&cty::json::encode(&ours, ours.ty()).unwrap()).unwrap();
        match theirs {
            Ok(theirs) if is_same(&ours, &theirs) => *n_values += 1,
            Ok(theirs) => found.push(format!("value of {}: {theirs}, not {ours}", attribute.name)),
            Err(_) => found.push(format!("no value of {}", attribute.name)),
        }
    }
    found.join("; ")
}

/// Compares values; numbers as far as 64 bits tell them.
fn is_same(ours: &Json, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Json::Number(ours), Json::Number(theirs)) => {
            ours == theirs || ours.as_f64().zip(theirs.as_f64()).is_some_and(|(a, b)| a.to_bits() == b.to_bits())
        }
        (Json::Array(ours), Json::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| is_same(ours, theirs))
        }
        (Json::Object(ours), Json::Object(theirs)) => {
            let has_same = |(name, ours): (&String, &Json)| theirs.get(name).is_some_and(|it| is_same(ours, it));
            ours.len() == theirs.len() && ours.iter().all(has_same)
        }
        _ => ours == theirs,
    }
}
