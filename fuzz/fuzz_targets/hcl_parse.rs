//! Whatever the text, its tokens are the text, and reading it ends.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (file, _) = hcl::File::parse("main.tf", text);
    let joined: String = file.tokens().iter().map(|token| &text[token.range()]).collect();
    assert_eq!(joined, text);
    let _ = hcl::File::parse_json("main.tf.json", text);
    let _ = hcl::expression::parse_text("text", text);
    let _ = hcl::expression::parse_template("text", text);
});
