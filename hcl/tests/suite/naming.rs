//! Names that stay.

use std::collections::BTreeSet;

use hcl::names::{Candidates, suggest};
use proptest::prelude::*;

fn check(tag: &str, expect: &str) {
    let object = Candidates { tag: Some(tag), name: None, id: "the-id" };
    assert_eq!(suggest(&BTreeSet::new(), &[object]), [expect], "{tag:?}");
}

#[test]
fn texts_become_names() {
    check("web", "web");
    check("My Web-Server  (prod)", "my_web_server_prod");
    check("myWebServer", "my_web_server");
    check("Größe Straße", "groesse_strasse");
    check("42", "r_42");
    check("for", "r_for");
    check("日本", "the_id");
    check("", "the_id");
    check("--", "the_id");
    check("a/b:c.d", "a_b_c_d");
    check(&"x".repeat(500), &"x".repeat(48));
}

#[test]
fn equal_names_get_suffixes_of_their_ids() {
    let object = |id| Candidates { tag: Some("web"), name: None, id };
    let labels = suggest(&BTreeSet::new(), &[object("i-1"), object("i-2")]);
    assert_eq!(labels.iter().filter(|label| label.starts_with("web_")).count(), 2);
    assert_eq!(suggest(&BTreeSet::new(), &[object("i-2"), object("i-1")]), [labels[1].as_str(), labels[0].as_str()]);
    let later = suggest(&BTreeSet::from(["web".to_owned()]), &[object("i-2")]);
    assert_eq!(later, [labels[1].as_str()], "what has the name keeps it");
}

proptest! {
    #[test]
    fn labels_are_names_without_collisions_in_any_order(
        objects in prop::collection::btree_map("[a-z0-9]{1,4}", prop::option::of("[aA b1é$-]{0,6}"), 0..30),
        existing in prop::collection::btree_set("[ab_]{1,3}", 0..6),
        by in 0_usize..30,
    ) {
        let mut list: Vec<Candidates<'_>> =
            objects.iter().map(|(id, tag)| Candidates { tag: tag.as_deref(), name: None, id }).collect();
        let labels = suggest(&existing, &list);
        let distinct: BTreeSet<&String> = labels.iter().collect();
        prop_assert_eq!(distinct.len(), labels.len());
        for label in &labels {
            prop_assert!(model::address::is_valid_name(label) && label.is_ascii());
            prop_assert!(!existing.contains(label));
        }
        let by = by % list.len().max(1);
        list.rotate_left(by);
        let mut expected = labels.clone();
        expected.rotate_left(by);
        prop_assert_eq!(suggest(&existing, &list), expected);
    }
}
