//! Structure, mistakes, and literal values.

use hcl::File;
use hcl::syntax::Body;
use proptest::prelude::*;

fn outline(file: &File, body: &Body, indent: usize, out: &mut String) {
    let pad = "  ".repeat(indent);
    for attribute in &body.attributes {
        let line = file.span(&attribute.range).start.line;
        out.push_str(&format!("{pad}{line}: {} = {}\n", attribute.name, file.source(&attribute.expression)));
    }
    for block in &body.blocks {
        let span = file.span(&block.range);
        let lines = (span.start.line, span.end.line);
        out.push_str(&format!("{pad}{}-{}: {} {:?}\n", lines.0, lines.1, block.block_type, block.labels));
        outline(file, &block.body, indent + 1, out);
    }
}

fn check(text: &str, expect: &str) {
    let (file, problems) = File::parse("main.tf", text);
    let mut out = String::new();
    outline(&file, &file.body, 0, &mut out);
    for problem in problems {
        out.push_str(&format!("{problem}\n"));
    }
    assert_eq!(out.trim(), expect.trim(), "{text}");
}

#[test]
fn blocks_and_attributes_have_places() {
    check(
        "# first\nresource \"a_b\" c {\n  d = [\n    1, # one\n    { e = \"}\" },\n  ]\n\n  f {} # end\n  g = x ? \"${y}\" : <<EOT\n}\nEOT\n}\nlocals { h = 1 }\r\ni = /* j */ k // l\n",
        r#"
14: i = k
2-12: resource ["a_b", "c"]
  3: d = [
    1, # one
    { e = "}" },
  ]
  9: g = x ? "${y}" : <<EOT
}
EOT
  8-8: f []
13-13: locals []
  13: h = 1
"#,
    );
}

#[test]
fn each_mistake_is_reported_and_passed() {
    check(
        "a = \"x\nb = 1\n= 2\nc d\ne \"${f}\" {\n  g = 1\n}\nh = [1\n}\ni = 1\ni = 2\nj {\n  k = 1\n",
        r#"
1: a = "x
2: b = 1
8: h = [1
10: i = 1
11: i = 2
12-13: j []
  13: k = 1
main.tf:1:5: Unclosed string: The quote that closes this string is missing in its line.
main.tf:3:1: Argument or block expected: The name of an argument or block must stand here, not "=".
main.tf:4:4: Argument or block expected: After "c", `=` and a value, or labels and `{` must follow.
main.tf:5:3: Invalid block label: The label of a block is plain text in quotes: it holds an interpolation.
main.tf:8:5: Unbalanced brackets: What "[" opens is never closed.
main.tf:9:1: Argument or block expected: The name of an argument or block must stand here, not "}".
main.tf:11:1: Argument set twice: The argument "i" is already set in line 10; set it once.
main.tf:12:3: Unclosed block: The brace that closes this block is missing.
"#,
    );
    check("a = \n", "1: a = \nmain.tf:1:5: Value expected: After `=` a value must follow, in the same line.");
    check(
        "a = 1 § 2\n",
        "1: a = 1 § 2\nmain.tf:1:7: Invalid character: The character \"§\" has no meaning here; remove it, or put it in quotes.",
    );
}

#[test]
fn a_block_in_one_line_holds_one_argument() {
    let n_problems = |text: &str| File::parse("main.tf", text).1.len();
    for text in
        ["a {}\n", "a { b = 1 }\n", "a { b = [\n1\n] }\n", "a { # c\n b = 1\n}\n", "a {\n}\n", "a { b = 1 /* c */ }"]
    {
        assert_eq!(n_problems(text), 0, "{text:?}");
    }
    for text in ["a { b = 1\n}\n", "a { b {} }\n", "a { b = 1\n c = 2 }\n"] {
        assert_eq!(n_problems(text), 1, "{text:?}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let text = "a {\n".repeat(100_000);
    let (_, problems) = File::parse("deep.tf", &text);
    assert!(problems.iter().any(|problem| problem.summary == "Blocks nested too deep"), "{problems:?}");
    let text = format!("a = {}1{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let (file, problems) = File::parse("deep.tf", &text);
    assert!(problems.iter().any(|problem| problem.summary == "Expression nested too deep"), "{problems:?}");
    file.literal(&file.body.attributes[0].expression).unwrap_err();
    let text = "\"${".repeat(100_000);
    assert!(!File::parse("deep.tf", &format!("a = {text}")).1.is_empty());
}

#[test]
fn hundreds_of_levels_are_read() {
    let n = 450;
    for text in [
        format!("{}1{}", "(".repeat(n), ")".repeat(n)),
        format!("{}{}", "[".repeat(n), "]".repeat(n)),
        format!("{}1{}", "{ a = ".repeat(n), " }".repeat(n)),
        format!("{}1{}", "f(".repeat(n), ")".repeat(n)),
        format!("{}b{}", "\"${".repeat(n), "}\"".repeat(n)),
        format!("{}1", "-".repeat(n)),
        format!("b{}", ".c".repeat(n)),
        format!("b{}", "[*].c".repeat(n / 2)),
        format!("1{}", " + 1".repeat(n)),
        format!("{}1", "b ? c : ".repeat(n)),
        format!("{}1{}", "[for b in c : ".repeat(n), "]".repeat(n)),
    ] {
        let (file, problems) = File::parse("deep.tf", &format!("a = {text}\n"));
        assert!(problems.is_empty(), "{}: {problems:?}", &text[..20]);
        let node = hcl::expression::parse(&file, &file.body.attributes[0].expression).unwrap();
        // Trees are walked on stacks of any size, by more than us.
        assert_eq!(hcl::expression::Node::clone(&node), *node);
        let (_, problems) = File::parse("deeper.tf", &format!("a = [{text}, {}]\n", "(".repeat(10_000)));
        assert!(!problems.is_empty());
    }
    let blocks = format!("{}{}", "a {\n".repeat(n), "}\n".repeat(n));
    assert!(File::parse("deep.tf", &blocks).1.is_empty());
    // Levels of one kind in another add up.
    let chains = format!("a = {}1{}\n", "(".repeat(100), format!("{})", " + 1".repeat(100)).repeat(100));
    assert!(File::parse("deep.tf", &chains).1.iter().any(|problem| problem.summary == "Expression nested too deep"));
}

fn literal(text: &str) -> Result<String, String> {
    let (file, _) = File::parse("main.tf", &format!("a = {text}\n"));
    let value = file.literal(&file.body.attributes[0].expression);
    value.map(|value| value.to_string()).map_err(|error| error.reason)
}

#[test]
fn literals_have_values() {
    let same = ["\"x\"", "1.5", "-3", "true", "null", "[1, \"a\", null]", "{a = 1, b = {c = []}}"];
    for text in same {
        assert_eq!(literal(text).as_deref(), Ok(text));
    }
    let (file, _) = File::parse("main.tf", r#"a = "q\"b\\n\n\r\t\u00e9\U0001F600 $${x} %%{y} $$ $$${z}""#);
    let value = file.literal(&file.body.attributes[0].expression).unwrap();
    assert_eq!(value.as_str(), Some("q\"b\\n\n\r\té\u{1F600} ${x} %{y} $$ $${z}"));
    assert_eq!(literal("{\n  \"a b\" : 1 # x\n  c = 2, 5 = 3,\n}").as_deref(), Ok(r#"{"5" = 3, "a b" = 1, c = 2}"#));
    assert_eq!(literal("{ a = 1, a = 2 }").as_deref(), Ok("{a = 2}"), "the last one counts");
}

#[test]
fn heredocs_have_values() {
    let value = |text: &str| {
        let (file, problems) = File::parse("main.tf", text);
        assert!(problems.is_empty(), "{problems:?}");
        file.literal(&file.body.attributes[0].expression).unwrap().as_str().unwrap().to_owned()
    };
    assert_eq!(value("a = <<EOT\n  x\\n\n $${y}\n  EOT\n"), "  x\\n\n ${y}\n");
    assert_eq!(value("a = <<-EOT\n    x\n\n      y\n  EOT\n"), "x\n\n  y\n");
    assert_eq!(value("a = <<EOT\nEOT\n"), "");
}

#[test]
fn what_must_be_evaluated_is_no_literal() {
    for text in [
        "b",
        "f(1)",
        "1 + 1",
        "\"${b}\"",
        "[for x in y : x]",
        "{for k, v in y : k => v}",
        "[b]",
        "{a = b}",
        "{(b) = 1}",
        "- b",
        "[1][0]",
        "{a = 1}.a",
        "true ? 1 : 2",
        "<<EOT\n${b}\nEOT",
        "\"\\q\"",
        "\"\\u12\"",
        "(1)",
    ] {
        assert!(literal(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in super::lexing::any_text()) {
        let (file, problems) = File::parse("any.tf", &text);
        for problem in problems {
            let span = problem.span.unwrap();
            prop_assert!(span.end.byte <= text.len() && span.start.byte <= span.end.byte);
        }
        let mut bodies = vec![&file.body];
        while let Some(body) = bodies.pop() {
            for attribute in &body.attributes {
                let _ = file.literal(&attribute.expression);
                prop_assert!(text.contains(&file.source(&attribute.expression)));
            }
            bodies.extend(body.blocks.iter().map(|block| &block.body));
        }
        let tree = hcl::MemoryTree([("main.tf".to_owned(), text.clone().into_bytes()), ("a.tf.json".to_owned(), text.into_bytes())].into());
        let _ = hcl::module::Module::read(&tree, ".");
    }
}
