//! Edits change what they say and nothing else.

use hcl::File;
use hcl::edit::{self, Edit, EditProblem};
use hcl::syntax::{BlockSyntax, Body};
use proptest::prelude::*;

fn parsed(text: &str) -> File {
    let (file, problems) = File::parse("main.tf", text);
    assert!(problems.is_empty(), "{text:?}: {problems:?}");
    file
}

fn applied(file: &File, edits: &[Edit]) -> String {
    String::from_utf8(edit::apply(file, file.bytes(), edits).unwrap()).unwrap()
}

/// Edits the first block of a text, or the file where there is none.
fn check(text: &str, make: impl Fn(&File, Option<&BlockSyntax>) -> Result<Edit, EditProblem>, expect: &str) {
    for newline in ["\n", "\r\n"] {
        if newline == "\r\n" && !text.contains('\n') {
            // It has no line end to take after.
            continue;
        }
        let file = parsed(&text.replace('\n', newline));
        let edit = make(&file, file.body.blocks.first()).unwrap();
        let edited = applied(&file, &[edit]);
        parsed(&edited);
        assert_eq!(edited, expect.replace('\n', newline), "{text:?}");
    }
}

#[test]
fn arguments_are_inserted_as_fmt_would() {
    let cases = [
        ("a {\n  b   = 1\n  cde = 2\n}\n", "a {\n  b   = 1\n  cde = 2\n  x   = 9\n}\n"),
        ("a {\n  b = 1 # c\n\n  d {}\n}\n", "a {\n  b = 1 # c\n  x = 9\n\n  d {}\n}\n"),
        ("a {}\n", "a {\n  x = 9\n}\n"),
        ("a { }\n", "a {\n  x = 9\n}\n"),
        ("a {\n}\n", "a {\n  x = 9\n}\n"),
        ("a { b = 1 }\n", "a {\n  b = 1\n  x = 9\n}\n"),
        ("a { /* c */ }", "a {\n  /* c */\n  x = 9\n}"),
        ("a { # c\n  d {}\n}\n", "a { # c\n  x = 9\n\n  d {}\n}\n"),
        ("  a {\n\tb = [\n\t]\n  }\n", "  a {\n\tb = [\n\t]\n\tx = 9\n  }\n"),
        ("a {\n  b = <<E\nc\nE\n}\n", "a {\n  b = <<E\nc\nE\n  x = 9\n}\n"),
        ("b = 1", "b = 1\nx = 9\n"),
        ("", "x = 9\n"),
        ("# c\n", "# c\nx = 9\n"),
    ];
    for (text, expect) in cases {
        check(text, |file, block| edit::insert(file, block, "x", "9"), expect);
    }
    let long = "a {\n  b   = 1 # d\n  cde = 2\n}\n";
    check(
        long,
        |file, block| edit::insert(file, block, "longer", "9"),
        "a {\n  b      = 1 # d\n  cde    = 2\n  longer = 9\n}\n",
    );
    let multi = "a {\n  bcd = 1\n}\n";
    check(
        multi,
        |file, block| edit::insert(file, block, "x", "{\n  y = 1\n}"),
        "a {\n  bcd = 1\n  x = {\n    y = 1\n  }\n}\n",
    );
    let ragged = "a {\n  b = 1\n  cde = 2\n}\n";
    check(ragged, |file, block| edit::insert(file, block, "x", "9"), "a {\n  b = 1\n  cde = 2\n  x = 9\n}\n");
}

#[test]
fn arguments_are_removed_with_their_comments() {
    let first = |file: &File, block: Option<&BlockSyntax>| {
        edit::remove(file, &block.map_or(&file.body, |block| &block.body).attributes[0])
    };
    for (text, expect) in [
        ("a {\n  b = 1\n  c = 2\n}\n", "a {\n  c = 2\n}\n"),
        ("a {\n\n  # of b\n  // too\n  b = 1 # also\n  c = 2\n}\n", "a {\n\n  c = 2\n}\n"),
        ("a {\n  # not of b\n\n  b = 1\n}\n", "a {\n  # not of b\n\n}\n"),
        ("a { # of a\n  b = 1\n}\n", "a { # of a\n}\n"),
        ("a { b = 1 }\n", "a {}\n"),
        ("a {\n  b = [\n    1, # c\n  ]\n}\n", "a {\n}\n"),
        ("b = 1", ""),
    ] {
        check(text, first, expect);
    }
}

#[test]
fn blocks_are_added_behind_the_others() {
    let add = |file: &File, block: Option<&BlockSyntax>| edit::add_block(file, block, "x \"y\" {\n  z = 1\n}\n");
    for (text, expect) in [
        ("a {\n  b = 1\n}\n", "a {\n  b = 1\n\n  x \"y\" {\n    z = 1\n  }\n}\n"),
        ("a {}\n", "a {\n  x \"y\" {\n    z = 1\n  }\n}\n"),
        ("a { b = 1 }\n", "a {\n  b = 1\n\n  x \"y\" {\n    z = 1\n  }\n}\n"),
        ("b = 1\n", "b = 1\n\nx \"y\" {\n  z = 1\n}\n"),
        ("b = 1", "b = 1\n\nx \"y\" {\n  z = 1\n}\n"),
    ] {
        check(text, add, expect);
    }
}

#[test]
fn what_cannot_be_done_is_refused() {
    let file = parsed("a = 1\nb {\n}\n");
    let attribute = &file.body.attributes[0];
    for text in ["", "1 2", "1\nc = 2", "1 # c", "[", "}", "1\n", "<<E\nx"] {
        let is_fine = text.trim() == "1";
        assert_eq!(edit::replace(&file, attribute, text).is_ok(), is_fine, "{text:?}");
    }
    for name in ["", "a b", "1", "a.b", "\"a\""] {
        assert!(matches!(edit::insert(&file, None, name, "1"), Err(EditProblem::Text { .. })), "{name:?}");
    }
    for text in ["", "a = 1", "a {}\nb {}", "a {"] {
        assert!(matches!(edit::add_block(&file, None, text), Err(EditProblem::Text { .. })), "{text:?}");
    }
    let replaced = edit::replace(&file, attribute, "2").unwrap();
    let removed = edit::remove(&file, attribute).unwrap();
    assert!(matches!(edit::apply(&file, file.bytes(), &[replaced.clone(), removed]), Err(EditProblem::Overlap(_))));
    assert_eq!(edit::apply(&file, b"a = 3\n", &[replaced]), Err(EditProblem::Changed));
    let (json, _) = File::parse_json("a.tf.json", "{\"locals\": {\"a\": 1}}");
    let block = &json.body.blocks[0];
    assert!(edit::insert(&json, Some(block), "x", "1").is_err());
    assert!(edit::replace(&json, &block.body.attributes[0], "1").is_err());
}

#[test]
fn bytes_that_are_no_text_stay() {
    let (file, problems) = File::parse_bytes("main.tf", b"a = 1 # \xff\nb = 2\n");
    assert!(problems.is_empty(), "{problems:?}");
    let edit = edit::replace(&file, &file.body.attributes[1], "3").unwrap();
    assert_eq!(edit::apply(&file, file.bytes(), &[edit]).unwrap(), b"a = 1 # \xff\nb = 3\n");
}

/// Makes bodies in many layouts.
fn any_body(depth: u32) -> BoxedStrategy<String> {
    let value = prop::sample::select(vec!["1", "\"x ${y}\"", "[\n  1,\n]", "<<E\nx\nE", "{ a = 1 }", "f(\n1)"]);
    let comment = prop::sample::select(vec!["", " # c", " // c", " /* c */"]);
    let attribute = (value, comment, 1_usize..3).prop_map(|(value, comment, gap)| {
        let comment = if value.starts_with("<<") { "" } else { comment };
        format!("NAME{}= {value}{comment}\n", " ".repeat(gap))
    });
    let other =
        prop::sample::select(vec!["\n", "# c\n", "/* c\n */\n", "b {}\n", "b { c = 1 }\n"]).prop_map(str::to_owned);
    let item = if depth == 0 {
        prop_oneof![attribute, other].boxed()
    } else {
        let block = any_body(depth - 1).prop_map(|body| format!("b \"c\" {{\n{body}}}\n"));
        prop_oneof![3 => attribute, 2 => other, 1 => block].boxed()
    };
    prop::collection::vec(item, 0..6).prop_map(|items| items.concat()).boxed()
}

/// Gives each argument a name of its own, and lines the ends that are wanted.
fn named(body: &str, crlf: bool) -> String {
    let mut pieces = body.split("NAME");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for (index, piece) in pieces.enumerate() {
        text.push_str(&format!("n{index}{piece}"));
    }
    if crlf { text.replace('\n', "\r\n") } else { text }
}

fn sources(file: &File, body: &Body, out: &mut Vec<(String, String)>) {
    for attribute in &body.attributes {
        out.push((attribute.name.clone(), file.source(&attribute.expression)));
    }
    for block in &body.blocks {
        out.push((block.block_type.clone(), format!("{:?}", block.labels)));
        sources(file, &block.body, out);
    }
}

proptest! {
    #[test]
    fn an_edit_changes_what_it_says(body in any_body(2), crlf: bool, choice in 0_usize..1000, action in 0..4) {
        let text = named(&body, crlf);
        let file = parsed(&text);
        let mut bodies: Vec<Option<&BlockSyntax>> = vec![None];
        let mut at = 0;
        while at < bodies.len() {
            let inner = bodies[at].map_or(&file.body, |block| &block.body);
            bodies.extend(inner.blocks.iter().map(Some));
            at += 1;
        }
        let block = bodies[choice % bodies.len()];
        let own = &block.map_or(&file.body, |block| &block.body).attributes;
        let attribute = own.get(choice % own.len().max(1));
        let mut wanted = Vec::new();
        sources(&file, &file.body, &mut wanted);
        let changed = match (action, attribute) {
            (0, Some(attribute)) => {
                let entry = wanted.iter_mut().find(|(name, _)| *name == attribute.name).unwrap();
                entry.1 = "[2]".to_owned();
                edit::replace(&file, attribute, "[2]").unwrap()
            }
            (1, Some(attribute)) => {
                let removed = wanted.iter().position(|(name, _)| *name == attribute.name).unwrap();
                wanted.remove(removed);
                edit::remove(&file, attribute).unwrap()
            }
            (2, _) => {
                wanted.push(("b".to_owned(), "[\"added\"]".to_owned()));
                edit::add_block(&file, block, "b \"added\" {\n}").unwrap()
            }
            _ => {
                wanted.push(("added_name".to_owned(), "[2]".to_owned()));
                edit::set(&file, block, "added_name", "[2]").unwrap()
            }
        };
        let edited = applied(&file, std::slice::from_ref(&changed));
        let after = parsed(&edited);
        let mut found = Vec::new();
        sources(&after, &after.body, &mut found);
        wanted.sort();
        found.sort();
        prop_assert_eq!(&found, &wanted, "{}\n{}", text, edited);

        // What no splice names is there, in order.
        let (mut at, mut rest) = (0, edited.as_str());
        let mut splices: Vec<_> = changed.splices().collect();
        splices.sort_by_key(|(range, _)| range.start);
        for (range, new) in splices {
            rest = rest.strip_prefix(&text[at..range.start]).and_then(|rest| rest.strip_prefix(new)).unwrap();
            at = range.end;
        }
        prop_assert_eq!(rest, &text[at..]);
        if crlf && text.contains('\n') {
            prop_assert_eq!(edited.matches('\n').count(), edited.matches("\r\n").count(), "{:?}", edited);
        }
    }
}
