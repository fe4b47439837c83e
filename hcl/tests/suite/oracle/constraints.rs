//! Type constraints of variables, with values for what is left out.

use cty::Value;
use hcl::File;
use hcl::evaluate::{TypeConstraint, expression};
use serde_json::{Map, Value as Json, json};

use super::expressions::{is_attempt, variables};
use super::generate::Generator;
use super::values::{Table, Variables, difference, from_json, may_be, to_json};

/// Constraints and values, one pair a line.
const BY_HAND: &str = include_str!("constraints.txt");

fn given(constraint: &str, value: &str, variables: &Variables) -> Result<Value, String> {
    let (file, problems) = File::parse("a.tf", &format!("type = {constraint}\nvalue = {value}\n"));
    if let Some(problem) = problems.first() {
        return Err(problem.to_string());
    }
    let [ty, written] = file.body.attributes.as_slice() else { return Err("two arguments".to_owned()) };
    let constraint = TypeConstraint::parse(&file, &ty.expression).map_err(|problem| problem.to_string())?;
    let (value, _, problems) = expression(&file, &written.expression, &Table(variables));
    if let Some(problem) = problems.first() {
        return Err(problem.to_string());
    }
    constraint.apply(&value).map_err(|error| error.to_string())
}

/// Says how ours differs from an answer.
fn mismatch(value: &str, ours: &Result<Value, String>, answer: &Json) -> Option<String> {
    match (ours, &answer["errors"]) {
        (Ok(ours), Json::Null) => {
            let theirs = from_json(&answer["value"]);
            let is_attempt = is_attempt(value) && !ours.is_wholly_known() && may_be(ours, &theirs);
            let difference = difference(ours, &theirs).filter(|_| !is_attempt);
            difference.map(|difference| format!("ours   {ours:?}\n    theirs {theirs:?}\n    {difference}"))
        }
        (Err(_), Json::Array(_)) => None,
        (_, _) if is_attempt(value) => None,
        (Ok(ours), errors) => Some(format!("ours   {ours:?}\n    theirs {errors}")),
        (Err(problem), _) => Some(format!("ours   {problem}\n    theirs {}", answer["value"]["text"])),
    }
}

fn assert_same(pairs: &[(String, String)]) -> Option<(usize, usize)> {
    let variables = variables();
    let names: Vec<(String, Json)> = variables.iter().map(|(name, value)| (name.clone(), to_json(value))).collect();
    let question = |(constraint, value): &(String, String)| {
        let used = names.iter().filter(|(name, _)| value.contains(name.as_str())).cloned();
        json!({"expression": value, "constraint": constraint, "variables": used.collect::<Map<String, Json>>()})
    };
    let questions: Vec<Json> = pairs.iter().map(question).collect();
    let answers = xtask::oracle::ask(&questions)?;
    let mut different = Vec::new();
    let (mut n_values, mut n_errors) = (0, 0);
    for (((constraint, value), question), answer) in pairs.iter().zip(&questions).zip(&answers) {
        if let Some(trouble) = answer["panic"].as_str() {
            assert!(!trouble.starts_with("the question"), "{trouble}: {constraint}");
            continue;
        }
        let ours = given(constraint, value, &variables);
        match answer["errors"] {
            Json::Null => n_values += 1,
            _ => n_errors += 1,
        }
        let differs = |answer: &Json| mismatch(value, &ours, answer).is_some();
        let found = mismatch(value, &ours, answer).filter(|_| super::differs_always(value, question, differs));
        different.extend(found.map(|found| format!("{constraint} <- {value}\n    {found}\n")));
    }
    let shown = different.iter().take(30).map(String::as_str).collect::<String>();
    assert!(different.is_empty(), "{} of {} differ:\n{shown}", different.len(), pairs.len());
    Some((n_values, n_errors))
}

#[test]
fn constraints_by_hand() {
    let pairs: Vec<(String, String)> = BY_HAND
        .lines()
        .filter_map(|line| line.split_once(" <- "))
        .map(|(constraint, value)| (constraint.to_owned(), value.to_owned()))
        .collect();
    assert!(pairs.len() > 50);
    assert_same(&pairs);
}

#[test]
fn constraints_at_random() {
    let seed = std::env::var("ORACLE_SEED").ok().and_then(|seed| seed.parse().ok());
    let n_cases = std::env::var("ORACLE_CASES").map_or(1_000, |n| n.parse().unwrap());
    for seed in std::iter::once(1).chain(seed) {
        super::say(&format!("{n_cases} constraints with ORACLE_SEED={seed}"));
        let mut generator = Generator::new(seed, &variables());
        let pairs: Vec<(String, String)> = (0..n_cases).map(|_| generator.constrained()).collect();
        let Some((n_values, n_errors)) = assert_same(&pairs) else { return };
        super::say(&format!("{n_values} values, {n_errors} errors"));
        assert!(n_values > n_cases / 4 && n_errors > n_cases / 50, "{n_values} values, {n_errors} errors");
    }
}
