//! Expressions: by hand, and at random.

use cty::{Refinements, Type, Value};
use hcl::File;
use hcl::evaluate::expression;
use serde_json::{Value as Json, json};

use super::generate::Generator;
use super::values::{Table, Variables, difference, from_json, may_be, to_json, with_reasons};

/// What expressions refer to: values of all sorts, of all degrees of being known.
pub(crate) fn variables() -> Variables {
    let text = Value::string;
    let number = |number: i64| Value::from(number);
    let list = |elements: Vec<Value>| Value::list(Type::Dynamic, elements).unwrap();
    let set = |elements: Vec<Value>| Value::set(Type::Dynamic, elements).unwrap();
    let object = |attributes: &[(&str, Value)]| {
        Value::object(attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    let map = |entries: &[(&str, Value)]| {
        Value::map(Type::Dynamic, entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
            .unwrap()
    };
    let unknown = Value::unknown;
    let refined = |ty: Type, refinements: Refinements| Value::unknown_refined(ty, refinements).unwrap();
    let not_null = || Refinements::new().not_null();
    let known = Refinements::new;
    let strings = || Type::list(Type::String);
    let one = object(&[("id", text("i-1")), ("n", number(1)), ("on", Value::bool(true))]);
    let two = object(&[("id", text("i-2")), ("n", number(2)), ("on", Value::bool(false))]);
    let open = object(&[("id", unknown(Type::String)), ("n", number(3)), ("on", Value::null(Type::Bool))]);
    let entries = [
        ("s", text("web")),
        ("s_number", text("12")),
        ("s_true", text("true")),
        ("s_empty", text("")),
        ("s_accent", text("he\u{301}llo\n")),
        ("n", number(3)),
        ("n_zero", number(0)),
        ("n_less", number(-1)),
        ("b_yes", Value::bool(true)),
        ("b_no", Value::bool(false)),
        ("null_any", Value::null(Type::Dynamic)),
        ("null_s", Value::null(Type::String)),
        ("null_n", Value::null(Type::Number)),
        ("null_b", Value::null(Type::Bool)),
        ("null_l", Value::null(strings())),
        ("null_set", Value::null(Type::set(Type::String))),
        ("null_m", Value::null(Type::map(Type::Number))),
        ("null_o", Value::null(one.ty().clone())),
        ("null_t", Value::null(Type::tuple([Type::String, Type::Number]))),
        ("u_any", Value::dynamic()),
        ("u_s", unknown(Type::String)),
        ("u_n", unknown(Type::Number)),
        ("u_b", unknown(Type::Bool)),
        ("u_l", unknown(strings())),
        ("u_ln", unknown(Type::list(Type::Number))),
        ("u_la", unknown(Type::list(Type::Dynamic))),
        ("u_lo", unknown(Type::list(one.ty().clone()))),
        ("u_set", unknown(Type::set(Type::String))),
        ("u_m", unknown(Type::map(Type::Number))),
        ("u_ma", unknown(Type::map(Type::Dynamic))),
        ("u_o", unknown(one.ty().clone())),
        ("u_t", unknown(Type::tuple([Type::String, Type::Number]))),
        ("r_s", refined(Type::String, not_null().string_prefix_full("arn:aws:"))),
        ("r_s_null", refined(Type::String, known().string_prefix_full("ami-"))),
        ("r_s_any", refined(Type::String, not_null())),
        ("r_n", refined(Type::Number, not_null().number_min(1i64, true).number_max(10i64, true))),
        ("r_n_min", refined(Type::Number, known().number_min(5i64, false))),
        ("r_n_max", refined(Type::Number, not_null().number_max(0i64, true))),
        ("r_b", refined(Type::Bool, not_null())),
        ("r_l", refined(strings(), not_null().length_min(1).length_max(3))),
        ("r_l_null", refined(strings(), known().length_max(2))),
        ("r_l_min", refined(strings(), not_null().length_min(2))),
        ("r_set", refined(Type::set(Type::String), not_null().length_min(2).length_max(4))),
        ("r_m", refined(Type::map(Type::Number), not_null().length_min(1))),
        ("r_o", refined(one.ty().clone(), not_null())),
        ("r_t", refined(Type::tuple([Type::String, Type::Number]), not_null())),
        ("m_s", text("hush").mark_sensitive()),
        ("m_n", number(7).mark_sensitive()),
        ("m_b", Value::bool(true).mark_sensitive()),
        ("m_b_no", Value::bool(false).mark_sensitive()),
        ("m_null", Value::null(Type::String).mark_sensitive()),
        ("m_u_s", unknown(Type::String).mark_sensitive()),
        ("m_u_b", unknown(Type::Bool).mark_sensitive()),
        ("m_u_any", Value::dynamic().mark_sensitive()),
        ("m_r_n", refined(Type::Number, not_null().number_min(1i64, true)).mark_sensitive()),
        ("m_l", list(vec![text("a"), text("b")]).mark_sensitive()),
        ("m_l_part", list(vec![text("a"), text("b").mark_sensitive()])),
        ("m_l_unknown", list(vec![text("a"), unknown(Type::String).mark_sensitive()])),
        ("m_set", set(vec![text("a"), text("b")]).mark_sensitive()),
        ("m_m", map(&[("a", number(1)), ("b", number(2).mark_sensitive())])),
        ("m_o", object(&[("id", text("i-9").mark_sensitive()), ("n", number(9)), ("on", Value::bool(true))])),
        ("m_o_all", one.mark_sensitive()),
        ("m_t", Value::tuple(vec![text("x").mark_sensitive(), number(1)])),
        ("e_s", text("brief").mark(cty::Mark::Ephemeral)),
        ("l", list(vec![text("a"), text("b"), text("c")])),
        ("l_n", list(vec![number(1), number(2), number(3)])),
        ("l_b", list(vec![Value::bool(true), Value::bool(false)])),
        ("l_empty", Value::list(Type::String, Vec::new()).unwrap()),
        ("l_null", list(vec![text("a"), Value::null(Type::String)])),
        ("l_part", list(vec![text("a"), unknown(Type::String)])),
        ("l_refined", list(vec![text("arn:aws:x"), refined(Type::String, not_null().string_prefix_full("arn:aws:"))])),
        ("l_o", list(vec![one.clone(), two.clone()])),
        ("l_o_part", list(vec![one.clone(), open.clone()])),
        ("l_o_null", list(vec![one.clone(), Value::null(one.ty().clone())])),
        ("l_l", list(vec![list(vec![text("a")]), list(vec![text("b"), text("c")])])),
        ("set", set(vec![text("b"), text("a"), text("c")])),
        ("set_n", set(vec![number(3), number(1)])),
        ("set_empty", Value::set(Type::String, Vec::new()).unwrap()),
        ("set_part", set(vec![text("a"), unknown(Type::String)])),
        ("set_two_parts", set(vec![unknown(Type::String), unknown(Type::String)])),
        ("set_null", set(vec![text("a"), Value::null(Type::String)])),
        ("set_o", set(vec![two.clone(), one.clone()])),
        ("set_o_part", set(vec![one.clone(), open.clone()])),
        ("m", map(&[("a", text("x")), ("b", text("y"))])),
        ("m_numbers", map(&[("a", number(1)), ("b", number(2))])),
        ("m_empty", Value::map(Type::Number, std::collections::BTreeMap::new()).unwrap()),
        ("m_part", map(&[("a", number(1)), ("b", unknown(Type::Number))])),
        ("m_null_part", map(&[("a", number(1)), ("b", Value::null(Type::Number))])),
        ("m_objects", map(&[("a", one.clone()), ("b", two.clone())])),
        ("m_lists", map(&[("a", list(vec![text("x")])), ("b", Value::list(Type::String, Vec::new()).unwrap())])),
        ("o", one.clone()),
        ("o_part", open),
        ("o_open", object(&[("id", Value::dynamic()), ("n", number(1)), ("more", Value::null(Type::Dynamic))])),
        ("o_empty", object(&[])),
        (
            "o_deep",
            object(&[
                ("in", object(&[("list", list(vec![one, two])), ("s", text("deep"))])),
                ("t", Value::tuple(vec![number(1), text("z")])),
            ]),
        ),
        ("t", Value::tuple(vec![text("x"), number(1), Value::bool(true)])),
        ("t_two", Value::tuple(vec![text("x"), number(1)])),
        ("t_empty", Value::tuple(Vec::new())),
        ("t_part", Value::tuple(vec![unknown(Type::String), number(1)])),
        ("t_open", Value::tuple(vec![Value::dynamic(), number(1)])),
        ("t_null", Value::tuple(vec![Value::null(Type::Dynamic), text("a")])),
    ];
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Asks for all values, and returns what differs.
pub(crate) fn compare(texts: &[String], variables: &Variables) -> Option<(Vec<String>, Counts)> {
    let questions = questions(texts, variables);
    let answers = xtask::oracle::ask(&questions)?;
    let reasoned: Variables = variables.iter().map(|(name, value)| (name.clone(), with_reasons(value))).collect();
    let mut counts = Counts::default();
    let mut doubtful = Vec::new();
    for ((text, question), answer) in texts.iter().zip(&questions).zip(&answers) {
        if let Some(trouble) = answer["panic"].as_str() {
            assert!(!trouble.starts_with("the question"), "{trouble}: {text}");
            counts.panics += 1;
            continue;
        }
        let ours = evaluate(text, variables);
        counts.add(answer);
        if let Some(difference) = mismatch(text, &ours, answer) {
            doubtful.push((text, question, ours, difference));
            continue;
        }
        // The reasons why something is not known change nothing.
        let again = evaluate(text, &reasoned);
        if let Some(difference) = mismatch(text, &again, answer).filter(|_| !is_excused(text, &again, answer)) {
            doubtful.push((text, question, again, format!("with reasons: {difference}")));
        }
    }
    let mut different = Vec::new();
    for (text, question, ours, difference) in doubtful {
        if super::differs_always(text, question, |answer| mismatch(text, &ours, answer).is_some()) {
            different.push(difference);
        } else {
            counts.ambiguous += 1;
        }
    }
    Some((different, counts))
}

fn questions(texts: &[String], variables: &Variables) -> Vec<Json> {
    let names: Vec<(String, Json)> = variables.iter().map(|(name, value)| (name.clone(), to_json(value))).collect();
    let question = |text: &String| {
        let used = names.iter().filter(|(name, _)| text.contains(name.as_str())).cloned();
        json!({"expression": text, "variables": used.collect::<serde_json::Map<String, Json>>()})
    };
    texts.iter().map(question).collect()
}

/// Tells whether it can be meant that what is unknown for a reason makes another value of an expression than what is just
/// unknown.
fn is_excused(text: &str, ours: &Result<Value, String>, answer: &Json) -> bool {
    match (ours, &answer["errors"]) {
        (Ok(ours), Json::Null) => is_less_known(text, ours, &from_json(&answer["value"])),
        // A mistake in what may not count is not seen.
        (Ok(ours), _) => may_be_open(text) && (!ours.is_wholly_known() || text.contains('?')),
        (Err(_), _) => false,
    }
}

/// Tells whether a text has operations of which less is known where others may know more.
///
/// These may know the type of the result of a conditional that is not chosen, to which the other result is converted, and
/// see of `||` and `&&` that one side decides.
pub(super) fn may_be_open(text: &str) -> bool {
    ["?", "||", "&&"].iter().any(|operator| text.contains(operator))
}

/// Tells whether less is known of a value where there are reasons, as it is meant.
pub(super) fn is_less_known(text: &str, ours: &Value, theirs: &Value) -> bool {
    let is_open = may_be_open(text) && !ours.is_wholly_known() && may_be(ours, theirs);
    is_open || is_attempt(text) && has_more_marks(ours, theirs)
}

pub(super) fn is_attempt(text: &str) -> bool {
    text.contains("try(") || text.contains("can(")
}

/// Tells whether ours differs from an answer in nothing but more marks: those of what is not known here, and may be known
/// to others, are kept.
fn has_more_marks(ours: &Value, theirs: &Value) -> bool {
    let ((ours, own), (theirs, marks)) = (ours.unmark_deep(), theirs.unmark_deep());
    difference(&ours, &theirs).is_none() && own.is_superset(&marks)
}

/// Says how ours differs from an answer.
fn mismatch(text: &str, ours: &Result<Value, String>, answer: &Json) -> Option<String> {
    // What `try` and `can` make of unknown things is unknown here: others may know them, and see a mistake in them.
    let attempts = is_attempt(text);
    match (ours, &answer["errors"]) {
        (Ok(ours), Json::Null) => {
            let theirs = from_json(&answer["value"]);
            let difference = difference(ours, &theirs)?;
            let accepted = attempts && !ours.is_wholly_known() && may_be(ours, &theirs);
            (!accepted).then(|| format!("{text}\n    ours   {ours:?}\n    theirs {theirs:?}\n    {difference}"))
        }
        (Err(_), Json::Array(_)) => None,
        (Ok(_), _) if attempts => None,
        (Ok(ours), errors) => Some(format!("{text}\n    ours   {ours:?}\n    theirs {errors}")),
        (Err(problem), _) => Some(format!("{text}\n    ours   {problem}\n    theirs {}", answer["value"]["text"])),
    }
}

/// How many answers were of which sort.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    values: usize,
    unknown: usize,
    marked: usize,
    errors: usize,
    panics: usize,
    ambiguous: usize,
}

impl Counts {
    fn add(&mut self, answer: &Json) {
        if answer["errors"].is_array() {
            self.errors += 1;
            return;
        }
        let value = from_json(&answer["value"]);
        self.values += 1;
        self.unknown += usize::from(!value.is_wholly_known());
        self.marked += usize::from(value.contains_marked());
    }
}

fn evaluate(text: &str, variables: &Variables) -> Result<Value, String> {
    let (file, problems) = File::parse("a.tf", &format!("value = {text}\n"));
    if let Some(problem) = problems.first() {
        return Err(problem.to_string());
    }
    let (value, _, problems) = expression(&file, &file.body.attributes[0].expression, &Table(variables));
    problems.first().map_or(Ok(value), |problem| Err(problem.to_string()))
}

fn assert_same(texts: &[String]) -> Option<Counts> {
    let (different, counts) = compare(texts, &variables())?;
    let shown = different.iter().take(40).map(|one| format!("{one}\n")).collect::<String>();
    assert!(different.is_empty(), "{} of {} differ:\n{shown}", different.len(), texts.len());
    Some(counts)
}

/// Expressions whose values are worth a line each.
const BY_HAND: &str = include_str!("expressions.txt");

#[test]
fn expressions_by_hand() {
    let texts: Vec<String> = BY_HAND
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.replace("\\n", "\n"))
        .collect();
    assert_same(&texts);
}

#[test]
fn expressions_at_random() {
    let seed = std::env::var("ORACLE_SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in std::iter::once(1).chain(seed) {
        let mut generator = Generator::new(seed, &variables());
        let n_cases =
            if seed == 1 { 2_000 } else { std::env::var("ORACLE_CASES").map_or(4_000, |n| n.parse().unwrap()) };
        let texts: Vec<String> = (0..n_cases).map(|_| generator.expression()).collect();
        super::say(&format!("{n_cases} expressions with ORACLE_SEED={seed}"));
        let Some(counts) = assert_same(&texts) else { return };
        super::say(&format!("{counts:?}"));
        let n_all = counts.values + counts.errors;
        assert!(counts.values > n_all / 3 && counts.errors > n_all / 50, "{counts:?}");
        assert!(counts.unknown > n_all / 20 && counts.marked > n_all / 50, "{counts:?}");
        assert!(counts.panics < n_all / 100, "{counts:?}");
    }
}
