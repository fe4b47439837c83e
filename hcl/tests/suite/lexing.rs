//! Tokens cover every byte, whatever the text.

use hcl::lex::{TokenKind, tokenize};
use proptest::prelude::*;

fn check(text: &str, expect: &str) {
    let found: Vec<String> = tokenize(text)
        .iter()
        .filter(|token| token.kind != TokenKind::Whitespace)
        .map(|token| format!("{:?} {:?}", token.kind, &text[token.range()]))
        .collect();
    assert_eq!(found.join("\n"), expect.trim(), "{text:?}");
}

#[test]
fn templates_nest() {
    check(
        r#"a = "x${f({b = "}"})}y""#,
        r#"
Identifier "a"
Equal "="
OpenQuote "\""
Text "x"
OpenTemplate "${"
Identifier "f"
OpenParenthesis "("
OpenBrace "{"
Identifier "b"
Equal "="
OpenQuote "\""
Text "}"
CloseQuote "\""
CloseBrace "}"
CloseParenthesis ")"
CloseTemplate "}"
Text "y"
CloseQuote "\"""#,
    );
    check(
        "\"%{~ if a ~}$${x}\\\"%%{y}%{ endif }\"",
        r#"
OpenQuote "\""
OpenTemplate "%{~"
Identifier "if"
Identifier "a"
CloseTemplate "~}"
Text "$${x}\\\"%%{y}"
OpenTemplate "%{"
Identifier "endif"
CloseTemplate "}"
CloseQuote "\"""#,
    );
}

#[test]
fn heredocs_end_at_their_marker() {
    check(
        "a = <<-EOT\r\n  x ${b}\r\n  EOTX\r\n  EOT\r\nc",
        r#"
Identifier "a"
Equal "="
OpenHeredoc "<<-EOT\r\n"
Text "  x "
OpenTemplate "${"
Identifier "b"
CloseTemplate "}"
Text "\r\n"
Text "  EOTX\r\n"
CloseHeredoc "  EOT"
Newline "\r\n"
Identifier "c""#,
    );
}

#[test]
fn comments_and_marks_are_kept() {
    check(
        "\u{feff}# a\r\n// b\n/* c\n */ d-e.0.1 1.5e-3 ...",
        r##"
ByteOrderMark "\u{feff}"
Comment "# a"
Newline "\r\n"
Comment "// b"
Newline "\n"
Comment "/* c\n */"
Identifier "d-e"
Dot "."
Number "0.1"
Number "1.5e-3"
Operator "...""##,
    );
}

#[test]
fn a_forgotten_quote_spoils_one_line() {
    check(
        "a = \"x\nb = 1",
        r#"
Identifier "a"
Equal "="
OpenQuote "\""
Text "x"
Newline "\n"
Identifier "b"
Equal "="
Number "1""#,
    );
}

/// Makes texts that look like configuration often enough to reach every state of the lexer.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "\"",
        "${",
        "%{",
        "$${",
        "}",
        "~}",
        "{",
        "[",
        "]",
        "(",
        ")",
        "=",
        "==",
        "=>",
        "<<EOT\n",
        "<<-EOT\r\n",
        "EOT",
        "\n",
        "\r\n",
        "\r",
        "\\",
        "\\u00",
        "#",
        "//",
        "/*",
        "*/",
        " ",
        "\t",
        "a",
        "resource",
        "é",
        "1",
        "0.",
        "1e5",
        "-",
        ",",
        ":",
        "::",
        ".",
        "...",
        "null",
        "for",
        "\u{feff}",
        "\u{0}",
        "$",
        "%",
        "~",
        "<<",
        "lifecycle",
        "ignore_changes",
    ]);
    let piece = prop_oneof![9 => pieces.prop_map(str::to_owned), 1 => any::<String>()];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn tokens_joined_are_the_text(text in any_text()) {
        let tokens = tokenize(&text);
        let mut at = 0;
        for token in &tokens {
            prop_assert_eq!(token.range().start, at);
            prop_assert!(token.range().end > at, "no token is empty");
            at = token.range().end;
        }
        prop_assert_eq!(at, text.len());
        let joined: String = tokens.iter().map(|token| &text[token.range()]).collect();
        prop_assert_eq!(joined, text);
    }
}
