#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

/// Gives its bytes a few at a time, so that every token crosses a window's end somewhere.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.1.min(self.0.len()).min(buffer.len());
        buffer[..n_bytes].copy_from_slice(&self.0[..n_bytes]);
        self.0 = &self.0[n_bytes..];
        Ok(n_bytes)
    }
}

fn members(input: &str, n_bytes: usize) -> Result<Vec<(String, String)>, Fault> {
    let mut drip = Drip(input.as_bytes(), n_bytes);
    let mut scanner = Scanner::new(&mut drip);
    let mut members = Vec::new();
    let mut is_first = true;
    scanner.begin_object()?;
    while let Some(key) = scanner.next_key(&mut is_first)? {
        let key = key.to_owned();
        members.push((key, scanner.capture_value()?.to_owned()));
    }
    scanner.expect_end()?;
    Ok(members)
}

#[test]
fn reads_the_same_however_the_input_is_cut() {
    let input = r#" { "a" : [1, {"b\"]": "}"}], "\u00e9\ud83d\ude00\ud800x" :-1.5e+3 ,"" : "q\\" , "n":null } "#;
    let expected: Vec<(String, String)> =
        [("a", r#"[1, {"b\"]": "}"}]"#), ("é😀\u{fffd}x", "-1.5e+3"), ("", r#""q\\""#), ("n", "null")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .to_vec();
    for n_bytes in 1..input.len() {
        assert_eq!(members(input, n_bytes).unwrap(), expected, "{n_bytes} bytes at a time");
    }
}

#[test]
fn a_character_that_is_cut_in_half_is_whole_again() {
    let input = "{\"a\": {\"é日😀\": \"日😀é\"}, \"é\": \"😀\"}".as_bytes();
    for n_bytes in 1..8 {
        let mut drip = Drip(input, n_bytes);
        let mut scanner = Scanner::new(&mut drip);
        scanner.skip_value().unwrap();
        scanner.expect_end().unwrap();
    }
}

#[test]
fn every_proper_prefix_is_truncated() {
    let input = r#"{"a":[1,{"b\"]":"}"}],"b":true}"#;
    for end in 0..input.len() {
        assert!(matches!(members(&input[..end], 3), Err(Fault::Truncated)), "{}", &input[..end]);
    }
}

#[test]
fn refuses_what_is_not_json() {
    for input in
        ["{,}", "{\"a\" 1}", "{\"a\":01}", "{\"a\":nul}", "{\"a\":[}}", "{\"a\":1}x", "{a:1}", "{\"a\":1 \"b\":2}"]
    {
        assert!(matches!(members(input, 2), Err(Fault::Expected(_))), "{input}");
    }
    let deep = format!("{{\"a\":{}", "[".repeat(MAX_DEPTH + 1));
    assert!(matches!(members(&deep, 100), Err(Fault::TooDeep)));
}

#[test]
fn counts_lines_and_characters() {
    let mut input = "{\n \"é\": x}".as_bytes();
    let mut scanner = Scanner::new(&mut input);
    scanner.begin_object().unwrap();
    scanner.next_key(&mut true).unwrap();
    assert!(matches!(scanner.skip_value(), Err(Fault::Expected(_))));
    assert_eq!(scanner.fault_position(), Position { line: 2, column: 7, byte: 9 });
}

#[test]
fn names_the_byte_that_is_not_utf8() {
    let mut input = &b"{\"a\": \"\xc3\xa9\xff\"}"[..];
    let mut scanner = Scanner::new(&mut input);
    assert!(matches!(scanner.begin_object(), Err(Fault::NotUtf8)));
    assert_eq!(scanner.fault_position().byte, 9);
}
