//! Functions of what is not known or is marked: the reference implementation must give the same.

use crate::oracle::expressions::{compare, variables};

/// Functions that look at files or at the clock, or that the programs treat differently: they are tested elsewhere.
const ELSEWHERE: &[&str] = &[
    "abspath",
    "base64gunzip",
    "base64gzip",
    "bcrypt",
    "file",
    "filebase64",
    "filebase64sha256",
    "filebase64sha512",
    "fileexists",
    "filemd5",
    "fileset",
    "filesha1",
    "filesha256",
    "filesha512",
    "pathexpand",
    "plantimestamp",
    "rsadecrypt",
    "templatefile",
    "templatestring",
    "timestamp",
    "uuid",
    "textdecodebase64",
    "textencodebase64",
];

/// Variables that stand for all others where there would be too many calls.
const SOME: &[&str] = &[
    "s", "n", "null_s", "u_any", "u_s", "u_n", "u_l", "u_set", "u_m", "u_o", "u_t", "r_s", "r_n", "r_l", "m_s",
    "m_u_s", "m_l", "m_l_part", "m_m", "l", "l_part", "set_part", "m_part", "o_part", "o_open", "t_part", "t_open",
    "t",
];

/// Calls of which less is known here on purpose, or a mistake is seen earlier; and why.
const LESS: &[(&str, &str)] = &[
    ("alltrue(set_", "a set with unknown elements becomes an unknown list"),
    ("anytrue(set_", "a set with unknown elements becomes an unknown list"),
    ("reverse(set_", "the order of a set can change when all of its elements are known"),
    ("flatten(m_part)", "it is a mistake as soon as all is known"),
    ("flatten(o_", "it is a mistake as soon as all is known"),
    ("merge(null_o)", "a later version of go-cty has a value where this one fails"),
];

/// Calls with what functions expect.
const TYPICAL: &str = include_str!("function_unknowns.txt");

fn check(texts: &[String]) {
    let Some((mut different, _)) = compare(texts, &variables()) else { return };
    different.retain(|one| !LESS.iter().any(|(call, _)| one.starts_with(call)));
    let shown = different.iter().take(60).map(|one| format!("{one}\n")).collect::<String>();
    assert!(different.is_empty(), "{} of {} differ:\n{shown}", different.len(), texts.len());
}

fn names() -> impl Iterator<Item = &'static str> {
    hcl::function::names().into_iter().filter(|name| !ELSEWHERE.contains(name))
}

#[test]
fn calls_with_one_argument_of_every_kind() {
    let names_of_variables: Vec<String> = variables().into_keys().collect();
    let calls = names().flat_map(|name| names_of_variables.iter().map(move |variable| format!("{name}({variable})")));
    check(&calls.collect::<Vec<_>>());
}

#[test]
fn calls_with_two_arguments_of_many_kinds() {
    let pairs = || SOME.iter().flat_map(|a| SOME.iter().skip(1).step_by(2).map(move |b| (a, b)));
    let calls = names().flat_map(|name| pairs().map(move |(a, b)| format!("{name}({a}, {b})")));
    check(&calls.collect::<Vec<_>>());
}

#[test]
fn typical_calls() {
    check(&TYPICAL.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>());
}
