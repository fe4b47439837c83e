//! What holds for every provider of rules: the search ends, finds a clean configuration where there is one, leaves
//! nothing in it that could go, and does the same again.

use std::collections::BTreeMap;

use cty::Value;
use drift::adopt::search::{Lessons, MAX_PROBES, Probe, Profile, Solution};
use drift::lifecycle::{self, Action};
use model::{Block, NestingMode};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::provider::{Manner, Rule, Unset, World, attribute, block, show};

const NAMES: [&str; 7] = ["alpha", "beta", "gamma_id", "delta", "mode", "zone_name", "omega"];

/// An attribute, what the provider thinks of it, and what is written for it.
#[derive(Clone, Debug)]
struct Entry {
    words: &'static str,
    unset: u8,
    is_legacy: bool,
    refuses_blank: bool,
    /// What a person wrote, where anything.
    written: Option<u8>,
}

fn entry() -> impl Strategy<Value = Entry> {
    let words = prop_oneof![
        3 => Just("optional"),
        3 => Just("optional computed"),
        1 => Just("required"),
        1 => Just("computed"),
        1 => Just("optional deprecated"),
    ];
    (words, 0..4_u8, any::<bool>(), any::<bool>(), proptest::option::of(0..4_u8)).prop_map(
        |(words, unset, is_legacy, refuses_blank, written)| Entry { words, unset, is_legacy, refuses_blank, written },
    )
}

fn text(value: u8) -> Value {
    Value::string(["", "default", "web-1", "net-123"][usize::from(value)])
}

#[derive(Clone)]
struct Made {
    world: World,
    observed: Value,
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "observed {}", show(&self.observed))?;
        let part = &self.world.block.blocks["part"];
        for (prefix, block) in [("", &self.world.block), ("part.", &part.block)] {
            for (name, attribute) in &block.attributes {
                let words = [
                    ("required", attribute.required),
                    ("optional", attribute.optional),
                    ("computed", attribute.computed),
                    ("deprecated", attribute.deprecated),
                ];
                let words: Vec<&str> = words.iter().filter(|(_, is)| *is).map(|(word, _)| *word).collect();
                let manner = &self.world.manners.get(&format!("{prefix}{name}"));
                writeln!(f, "{prefix}{name} {} {manner:?}", words.join(" "))?;
            }
        }
        write!(f, "{:?} {:?} legacy {}", part.nesting, self.world.rules, self.world.is_legacy_type_system)
    }
}

/// Makes a world, and an object in it that somebody made with a valid configuration.
fn made() -> impl Strategy<Value = Made> {
    let entries = proptest::collection::vec(entry(), NAMES.len());
    let inner = proptest::collection::vec(entry(), 3);
    let rules = proptest::collection::vec((0..4_u8, 0..7_usize, 0..7_usize, 0..7_usize), 0..4);
    let elements = 0..3_usize;
    (entries, inner, rules, elements, any::<bool>(), any::<bool>(), any::<bool>()).prop_filter_map(
        "nobody can have made it",
        |(entries, inner, rules, n_elements, is_set, is_legacy, refuses)| {
            let (attributes, manners, written) = attributes(&entries, "");
            let (inner_attributes, inner_manners, inner_written) = attributes_of_block(&inner);
            let nesting = if is_set { NestingMode::Set } else { NestingMode::List };
            let inner_block = block_of(&inner_attributes);
            let mut all = block_of(&attributes);
            all.blocks = block(&[], &[("part", nesting, 0, inner_block)]).blocks;
            let mut world = World::new(all);
            world.manners = manners.into_iter().chain(inner_manners).collect();
            world.is_legacy_type_system = is_legacy;
            world.refuses_creation = refuses;
            for (sort, a, b, c) in rules {
                let name = |at: usize| NAMES[at].to_owned();
                if a == b || b == c || a == c || [a, b, c].iter().any(|at| entries[*at].words == "computed") {
                    continue;
                }
                world.rules.push(match sort {
                    0 => Rule::Conflict(name(a), name(b)),
                    1 => Rule::ExactlyOneOf(vec![name(a), name(b), name(c)]),
                    2 => Rule::AllOf(vec![name(a), name(b)]),
                    _ => Rule::Excludes(name(a), name(b)),
                });
            }
            let config = config_of(&world.block, &written, &inner_written, n_elements);
            if !world.validate(&config).is_empty() {
                return None;
            }
            let prior = Value::null(world.block.value_type());
            let proposed = lifecycle::proposed_new(&world.block, &prior, &config);
            let observed = settle(&world.plan(&prior, &proposed, &config).planned);
            Some(Made { world, observed })
        },
    )
}

type Attributes = Vec<(String, &'static str)>;

fn attributes(entries: &[Entry], prefix: &str) -> (Attributes, BTreeMap<String, Manner>, BTreeMap<String, Value>) {
    let (mut attributes, mut manners, mut written) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for (name, entry) in NAMES.iter().zip(entries) {
        attributes.push(((*name).to_owned(), entry.words));
        let is_computed = entry.words.contains("computed");
        let unset = match entry.unset {
            0 => Unset::Null,
            1 if is_computed => Unset::Cloud,
            _ if entry.words == "required" => Unset::Null,
            value => Unset::Default(text(value)),
        };
        let manner =
            Manner { unset, is_legacy: entry.is_legacy, refuses_blank: entry.refuses_blank, ..Manner::default() };
        manners.insert(format!("{prefix}{name}"), manner);
        let value = match entry.words {
            "computed" => None,
            "required" => Some(entry.written.unwrap_or(2)),
            _ => entry.written,
        };
        if let Some(value) = value {
            written.insert((*name).to_owned(), text(value));
        }
    }
    (attributes, manners, written)
}

fn attributes_of_block(entries: &[Entry]) -> (Attributes, BTreeMap<String, Manner>, BTreeMap<String, Value>) {
    attributes(entries, "part.")
}

fn block_of(attributes: &Attributes) -> Block {
    let attributes: Vec<_> =
        attributes.iter().map(|(name, words)| (name.as_str(), attribute(r#""string""#, words))).collect();
    block(&attributes, &[])
}

fn config_of(
    block: &Block,
    written: &BTreeMap<String, Value>,
    inner: &BTreeMap<String, Value>,
    n_elements: usize,
) -> Value {
    let fill = |block: &Block, written: &BTreeMap<String, Value>, suffix: &str| -> BTreeMap<String, Value> {
        let value = |name: &String| match written.get(name).and_then(Value::as_str) {
            Some("web-1") => Value::string(format!("web-1{suffix}")),
            Some(text) => Value::string(text),
            None => Value::null(cty::Type::String),
        };
        block.attributes.keys().map(|name| (name.clone(), value(name))).collect()
    };
    let mut all = fill(block, written, "");
    for (name, nested) in &block.blocks {
        let elements = (0..n_elements)
            .map(|at| Value::object(fill(&nested.block, inner, if at == 0 { "" } else { "-second" })))
            .collect();
        let ty = nested.block.value_type();
        let value =
            if nested.nesting == NestingMode::Set { Value::set(ty, elements) } else { Value::list(ty, elements) };
        all.insert(name.clone(), value.expect("they are of one type"));
    }
    Value::object(all)
}

/// Lets the cloud decide what a plan left open.
fn settle(planned: &Value) -> Value {
    let decide = |path: &cty::Path, value: Value| {
        Ok(if value.is_known() { value } else { Value::string(format!("cloud-{}", path.len())) })
    };
    cty::transform(planned, decide).expect("texts stay texts")
}

/// Tells whether a configuration is valid and plans clean.
fn is_clean(made: &Made, config: &Value) -> bool {
    let proposed = lifecycle::proposed_new(&made.world.block, &made.observed, config);
    let probe = Probe { prior: made.observed.clone(), proposed, config: config.clone(), effective: config.clone() };
    made.world
        .answer(&probe)
        .plan
        .is_some_and(|plan| lifecycle::action(&made.observed, &plan.planned, &[], &made.world.block) == Action::NoOp)
}

fn search(made: &Made, profile: Profile, lessons: &Lessons) -> Solution {
    made.world.search(&made.observed, profile, lessons)
}

proptest! {

    #[test]
    fn a_clean_configuration_is_found_where_there_is_one(made in made()) {
        for profile in [Profile::Minimal, Profile::Explicit] {
            let solution = search(&made, profile, &Lessons::default());
            prop_assert!(solution.flaws.is_empty(), "{:?}\n{:?}", solution.flaws, made);
            prop_assert!(solution.ignore_changes.is_empty());
            let config = solution.config.unmark_deep().0;
            prop_assert!(is_clean(&made, &config), "{}", show(&config));
        }
    }

    #[test]
    fn nothing_is_left_that_could_go(made in made()) {
        let solution = search(&made, Profile::Minimal, &Lessons::default());
        let config = solution.config.unmark_deep().0;
        for (name, attribute) in &made.world.block.attributes {
            let value = config.get_attr(name).expect("it has the type");
            // What the provider would decide by itself is judged, not measured.
            if attribute.required || attribute.computed || value.is_null() {
                continue;
            }
            let without = config.entries().map(|(other, value)| {
                let value = if other == name { Value::null(value.ty().clone()) } else { value.clone() };
                (other.to_owned(), value)
            });
            let without = Value::object(without.collect());
            prop_assert!(!is_clean(&made, &without), "{name} in {}\n{made:?}", show(&config));
        }
    }

    #[test]
    fn it_does_the_same_again_and_profits_from_lessons(made in made()) {
        let first = search(&made, Profile::Minimal, &Lessons::default());
        let again = search(&made, Profile::Minimal, &Lessons::default());
        prop_assert_eq!(&first, &again);
        let taught = search(&made, Profile::Minimal, &first.learned);
        prop_assert!(taught.flaws.is_empty(), "{:?}", taught.flaws);
        // Where they are wrong for the object, it begins again: they cost no more than it takes to find that out.
        let most = (first.n_probes + MAX_PROBES / 2).min(MAX_PROBES);
        prop_assert!(taught.n_probes <= most, "{} after {}", taught.n_probes, first.n_probes);
        let mut merged = first.learned.clone();
        merged.merge(&taught.learned);
        prop_assert_eq!(Lessons::from_text(&merged.to_text()), merged);
    }

    #[test]
    fn any_object_comes_to_an_end(made in made(), blanks in proptest::collection::vec(0..5_u8, NAMES.len())) {
        // An object that nobody can have made with a configuration: values at random.
        let attributes = made.observed.entries().enumerate().map(|(at, (name, value))| {
            let value = match blanks.get(at) {
                Some(choice) if *choice < 4 && value.ty() == &cty::Type::String => text(*choice),
                _ => value.clone(),
            };
            (name.to_owned(), value)
        });
        let made = Made { observed: Value::object(attributes.collect()), world: made.world };
        let solution = search(&made, Profile::Minimal, &Lessons::default());
        if solution.flaws.is_empty() && solution.ignore_changes.is_empty() {
            let config = solution.config.unmark_deep().0;
            prop_assert!(is_clean(&made, &config), "{}", show(&config));
        }
    }
}

#[test]
fn lessons_save_more_than_half_of_the_probes() {
    let mut runner = TestRunner::deterministic();
    let (mut n_first, mut n_taught) = (0, 0);
    for _ in 0..300 {
        let made = made().new_tree(&mut runner).expect("somebody can have made it").current();
        let first = search(&made, Profile::Minimal, &Lessons::default());
        n_first += first.n_probes;
        n_taught += search(&made, Profile::Minimal, &first.learned).n_probes;
    }
    assert!(n_taught * 2 < n_first, "{n_taught} after {n_first}");
}
