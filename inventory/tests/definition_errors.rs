//! What is wrong in a definition is said at once, with its place, and with what to do.

use std::borrow::Cow;

use inventory::definition::{Catalog, DefinitionSource};

const CLOUD: &str = r#"
schema: 1
title: Test cloud
provider: test/test
signing: sigv4
partitions:
  aws: {dns_suffix: test.invalid, global_region: us-east-1, pattern: '^[a-z-]+-\d$'}
limits: {requests_per_second: 10, concurrency: 5}
services:
  json: {protocol: json, target_prefix: T, json_version: "1.1", endpoint: "https://json.{region}.{dns_suffix}"}
  rest: {protocol: rest-xml, endpoint: "https://rest.{region}.{dns_suffix}"}
errors: {throttled: [Slow]}
caller: {service: json, action: GetCaller, account: /Account, identity: /Arn}
source: {errors: https://example.com/errors}
"#;

/// A definition without fault, line by line, so that a check can replace one.
const GOOD: [&str; 11] = [
    "schema: 1",
    "title: Thing",
    "service: json",
    "scope: regional",
    "list: {action: ListThings, items: /Things}",
    "key: '{/Id}'",
    "attributes: {name: /Name}",
    "terraform: [{type: test_thing, import_id: '{/Id}'}]",
    "permissions: [test:ListThings]",
    "source: {list: https://example.com}",
    "sensitive: [/Secret]",
];

fn compile(thing: &str) -> Result<Catalog, String> {
    let source = |name: &str, text: &str| DefinitionSource { name: name.to_owned(), text: Cow::Owned(text.to_owned()) };
    Catalog::compile(&[source("t/cloud.yaml", CLOUD), source("t/thing.yaml", thing)])
        .map_err(|errors| errors.to_string())
}

/// Replaces the line of `GOOD` that has the same key, and compares what is said.
fn check(line: &str, expect: &str) {
    let key = line.split(':').next().unwrap_or_default();
    let mut lines: Vec<&str> = GOOD.to_vec();
    match lines.iter().position(|good| good.split(':').next() == Some(key)) {
        Some(position) if line.ends_with(':') => drop(lines.remove(position)),
        Some(position) => lines[position] = line,
        None => lines.push(line),
    }
    match compile(&lines.join("\n")) {
        Ok(_) => panic!("{line} was accepted"),
        Err(said) => assert_eq!(said, expect, "{line}"),
    }
}

#[test]
fn a_definition_without_fault_is_accepted() {
    let catalog = compile(&GOOD.join("\n")).unwrap_or_else(|said| panic!("{said}"));
    assert_eq!(catalog.types().count(), 1);
}

#[test]
fn each_fault_is_said_where_it_is() {
    check(
        "schema: 2",
        "t/thing.yaml:1:9: this definition was written for another version of the format (this version of driftmgr reads \
         `schema: 1`)",
    );
    check("title:", "t/thing.yaml:1:1: a type definition lacks the key `title`");
    check("service: jsn", "t/thing.yaml:3:10: cloud.yaml has no service `jsn` (did you mean `json`?)");
    check("scope: region", "t/thing.yaml:4:8: `region` is no scope (did you mean `regional`?)");
    check("scope: 7", "t/thing.yaml:4:8: `scope` must be a string, found an integer (quote it if it is meant as text)");
    check(
        "list: {path: /, items: /Things}",
        "t/thing.yaml:5:7: `json` takes actions: give `action` and `params`, no path",
    );
    check(
        "list: {service: rest, action: ListThings, items: /Things}",
        "t/thing.yaml:5:7: `rest` speaks REST: give `path`, not `action`",
    );
    check("list: {from_parent: /Things}", "t/thing.yaml:5:7: `from_parent` needs a `parent` without `join`");
    check(
        "list: {action: ListThings, items: /Things, page: {token: /T, param: P, size: 5}}",
        "t/thing.yaml:5:50: a page size needs both `size_param` and `size`",
    );
    check(
        "list: {action: PutThing, items: /Things}",
        "t/thing.yaml:5:16: `PutThing` is not an action that only reads (a definition may only use actions that start with \
         Describe, List, Get, BatchGet, Search)",
    );
    check("key: '{parent/Id}'", "t/thing.yaml:6:6: the template `{parent/Id}` names a parent, but the type has none");
    check(
        "attributes: {Name: /Name}",
        "t/thing.yaml:7:14: `Name` is no attribute path: write it as in HCL, for example `rule[0].status`",
    );
    check(
        "attributes: {name: {at: /Name, typ: number}}",
        "t/thing.yaml:7:32: unknown key `typ` in a mapping (did you mean `type`?)",
    );
    check(
        "attributes: {name: {at: /Name, text: x}}",
        "t/thing.yaml:7:20: a mapping has exactly one source: at, parent, text, constant, first, tag or tags",
    );
    check("attributes: {name: {at: /Name, each: /x}}", "t/thing.yaml:7:20: `each` needs `type: list` or `type: set`");
    check("volatile: [nam]", "t/thing.yaml:1:1: `volatile` names `nam`, which `attributes` does not map");
    check(
        "terraform: [{type: Thing, import_id: '{/Id}'}]",
        "t/thing.yaml:8:20: `Thing` is no Terraform resource type\n\
         t/thing.yaml:1:1: the definition says nothing under `terraform`: no Terraform type, no import id (only a type whose objects claim others (`claim.type`, `claim.id`, `claim.by`, `claim.evidence`) has none)",
    );
    check(
        "permissions:",
        "t/thing.yaml:1:1: the definition makes calls but names no `permissions` (name the IAM actions)",
    );
    check("source: {list: http://example.com}", "t/thing.yaml:1:1: the source `http://example.com` is no https URL");
    check("parent: t.other", "t/thing.yaml:1:1: the parent `t.other` is no type of this catalog");
    check("parent: t.thing", "t/thing.yaml:1:1: `t.thing` has more than 4 ancestors");
    check(
        "details: {more: {action: GetThing, page: {token: /T, param: P}, need: sometimes}}",
        "t/thing.yaml:12:71: `sometimes` is no need (use one of always, on_demand)\n\
         t/thing.yaml:12:17: a detail with `page` needs `list: true`",
    );
    check(
        "tags: {at: /Tags, key: Key}",
        "t/thing.yaml:12:7: a list of tags needs both `key` and `value`; a map of tags has neither",
    );
    check(
        "examples: [{name: x, recorded_from: y, exchanges: []}]",
        "t/thing.yaml:12:12: an example needs at least one exchange",
    );
}

#[test]
fn many_faults_are_said_at_once_and_none_twice() {
    let said =
        compile("schema: 1\ntitel: X\nservice: json\nscope: regional\nlist: {action: Put, items: x}\nkey: '{'\n")
            .expect_err("must be refused");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() >= 4, "{said}");
    let mut distinct = lines.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), lines.len(), "{said}");
}

/// Definitions are input: however they are damaged, the answer is an error with a place, or a catalog.
#[test]
fn damaged_definitions_never_panic() {
    let sources = inventory::definition::embedded_sources();
    let base: Vec<DefinitionSource> = sources
        .iter()
        .filter(|source| source.name == "aws/cloud.yaml" || source.name.starts_with("aws/_mixins/"))
        .cloned()
        .collect();
    // A small generator: the same damage on every run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap_or_default()
    };
    let pieces =
        ["{", "}", "[", "]", ": ", "\n", "  ", "&a ", "*a", "'", "\"", "|", "~", "- ", "/", "\u{0}", "é", "!!x "];
    let mut n_refused = 0;
    let intact: Vec<_> = sources.iter().filter(|source| !base.iter().any(|known| known.name == source.name)).collect();
    for round in 0..400 {
        let source = intact[round % intact.len()];
        let (text, _) = source.text.split_once("\nexamples:").unwrap_or((&source.text, ""));
        let mut damaged: Vec<char> = text.chars().collect();
        for _ in 0..=next(3) {
            let position = next(damaged.len());
            match next(3) {
                0 => drop(damaged.drain(position..(position + 1 + next(20)).min(damaged.len()))),
                1 => damaged.splice(position..position, pieces[next(pieces.len())].chars()).for_each(drop),
                _ => damaged.truncate(position.max(1)),
            }
        }
        let mut all = base.clone();
        let text: String = damaged.into_iter().collect();
        all.push(DefinitionSource { name: source.name.clone(), text: Cow::Owned(text) });
        if let Err(errors) = Catalog::compile(&all) {
            n_refused += 1;
            assert!(errors.errors.iter().all(|error| !error.message.is_empty()), "{errors}");
        }
    }
    assert!(n_refused > 200, "only {n_refused} of 400 damaged definitions were refused: is the damage too small?");
}
