use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use cty::convert::convert;
use cty::{Number, Type, json, msgpack, transform, walk};
use proptest::prelude::*;

use crate::fuzz_body;
use crate::strategies::{number, typed_value};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn msgpack((ty, value) in typed_value()) {
        let bytes = msgpack::encode(&value, &ty).expect("a value encodes");
        let again = msgpack::decode(&bytes, &ty).expect("what was encoded decodes");
        prop_assert!(fuzz_body::arrives_as(&value, &again));
        prop_assert_eq!(msgpack::encode(&again, &ty).expect("a value encodes"), bytes);
    }

    #[test]
    fn json((ty, value) in typed_value()) {
        if let Ok(text) = json::encode(&value, &ty) {
            let again = json::decode(&text, &ty).expect("what was encoded decodes");
            prop_assert!(fuzz_body::arrives_as(&value, &again));
            prop_assert_eq!(json::encode(&again, &ty).expect("a value encodes"), text);
        }
    }

    #[test]
    fn types((_, value) in typed_value()) {
        prop_assert_eq!(&Type::from_json(value.ty().to_json()).expect("it works for every value"), value.ty());
    }

    #[test]
    fn conversion_to_the_own_type_changes_nothing((_, value) in typed_value()) {
        prop_assert_eq!(&convert(&value, value.ty()).expect("it works for every value"), &value);
        prop_assert_eq!(&convert(&value, &Type::Dynamic).expect("it works for every value"), &value);
    }

    #[test]
    fn equality_agrees_with_itself((_, a) in typed_value(), (_, b) in typed_value()) {
        if a.is_wholly_known() {
            prop_assert_eq!(a.equals(&a).as_bool(), Some(true));
        }
        prop_assert_eq!(a.equals(&b), b.equals(&a));
    }

    #[test]
    fn transform_that_changes_nothing_changes_nothing((_, value) in typed_value()) {
        prop_assert_eq!(&transform(&value, |_, inner| Ok(inner)).expect("it works for every value"), &value);
    }

    #[test]
    fn paths_lead_to_what_walk_found((_, value) in typed_value()) {
        let mut found = Vec::new();
        walk(&value, |path, inner| {
            found.push((path.clone(), inner.clone()));
            true
        });
        for (path, inner) in found {
            prop_assert_eq!(path.apply(&value).expect("it works for every value"), inner, "at {}", path);
        }
    }

    #[test]
    fn number_text(number in number()) {
        let text = number.to_string();
        let number = Number::parse(&text).expect("it works for every value");
        prop_assert_eq!(number.to_string(), &*text);
        let again = Number::parse(&text).expect("it works for every value");
        prop_assert_eq!(&again, &number);
        let hash = |number: &Number| {
            let mut hasher = DefaultHasher::new();
            number.hash(&mut hasher);
            hasher.finish()
        };
        prop_assert_eq!(hash(&again), hash(&number));
    }

    #[test]
    fn number_as_double(double in any::<f64>()) {
        if let Ok(number) = Number::from_f64(double) {
            prop_assert_eq!(number.to_f64().to_bits(), double.to_bits());
            prop_assert_eq!(number.to_f64_exact().map(f64::to_bits), Some(double.to_bits()));
        }
    }

    #[test]
    fn nearest_double_is_the_one_that_parsing_finds(text in "-?[0-9]{1,30}(\\.[0-9]{1,30})?(e-?[0-9]{1,3})?") {
        let number = Number::parse(&text);
        if let Ok(number) = number {
            prop_assert_eq!(number.to_f64().to_bits(), text.parse::<f64>().expect("a double").to_bits());
        }
    }
}
