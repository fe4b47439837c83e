//! No text, however made, steers what shows it.

use proptest::prelude::*;
use report::text::{escape_controls, escape_markdown, fence_for, shorten, width};

proptest! {
    #[test]
    fn terminals_get_no_control_characters(text in any::<String>()) {
        prop_assert!(!escape_controls(&text).chars().any(char::is_control));
    }

    #[test]
    fn markdown_gets_no_markup(text in any::<String>()) {
        let escaped = escape_markdown(&text);
        prop_assert!(!escaped.contains(['<', '>', '|', '`', '*', '[', ']', '@', '\\', '\n', '\r']));
        prop_assert!(!escaped.contains("://"));
    }

    #[test]
    fn cut_text_fits(text in any::<String>(), columns in 1..40usize) {
        prop_assert!(width(&shorten(&escape_controls(&text), columns)) <= columns);
    }

    #[test]
    fn fences_are_longer_than_any_run_inside(text in "[`a\n]{0,40}") {
        prop_assert!(!text.contains(&fence_for(&text)));
    }
}
