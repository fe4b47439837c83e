use cty::{ErrorKind, Number};

fn number(text: &str) -> Number {
    Number::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "", " 1", "1 ", "-", "+", ".", "e5", "1e", "1e+", "0x10", "1_000", "1,5", "--1", "+-1", "1.2.3", "NaN", "INF",
        "١",
    ] {
        let error = Number::parse(text).expect_err(text);
        assert_eq!((error.kind(), error.message()), (ErrorKind::Syntax, "a number is required"), "{text:?}");
    }
}

#[test]
fn unusual_notations_are_read() {
    for (text, shown) in [
        ("+1", "1"),
        ("007", "7"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1p3", "8"),
        ("3P-1", "1.5"),
        ("1E2", "100"),
        ("-0", "-0"),
        ("0e999999999999", "0"),
        ("Inf", "+Inf"),
        ("-inf", "-Inf"),
    ] {
        assert_eq!(number(text).to_string(), shown, "{text}");
    }
}

#[test]
fn a_few_bytes_do_not_ask_for_gigabytes() {
    let long = "1".repeat(200_000);
    for text in ["1e1000000000", "1e-1000000000", "1e99999999999999999999", "1p999999999", long.as_str()] {
        assert_eq!(Number::parse(text).expect_err(text).kind(), ErrorKind::Limit, "{}", &text[..20.min(text.len())]);
    }
    let large = number("1e30000");
    assert_eq!(large.to_string().len(), 30_001);
    assert_eq!(large.mul(&large).expect_err("too large").kind(), ErrorKind::Limit);
}

#[test]
fn arithmetic_without_result_is_an_error() {
    let (zero, infinity) = (number("0"), Number::infinity(false));
    for result in [zero.div(&zero), infinity.div(&infinity), zero.mul(&infinity), infinity.sub(&infinity)] {
        assert_eq!(result.expect_err("no result").kind(), ErrorKind::Undefined);
    }
    assert_eq!(number("-1").div(&zero).map(|n| n.to_string()), Ok("-Inf".to_owned()));
    assert!(Number::from_f64(f64::NAN).is_err());
}

#[test]
fn precision_is_that_of_the_source() {
    let third = number("1").div(&number("3")).expect("a quotient").to_string();
    assert_eq!(third, format!("0.{}5", "3".repeat(154)));
    assert_eq!(
        Number::from_i64(1).div(&Number::from_i64(3)).expect("a quotient").to_string(),
        "0.33333333333333333334"
    );
    let large = Number::from_f64(1e201).expect("a number");
    assert_eq!(large.add(&Number::from_i64(1)).expect("a sum"), large);
}

#[test]
fn equal_numbers_are_not_always_the_same() {
    let (parsed, double) = (number("0.1"), Number::from_f64(0.1).expect("a number"));
    assert_eq!(parsed, double);
    assert_eq!(parsed.partial_cmp(&double), Some(std::cmp::Ordering::Equal));
    assert!(parsed.compare(&double).is_lt());
    assert_ne!(number("0.1"), number("0.10000000000000001"));
}
