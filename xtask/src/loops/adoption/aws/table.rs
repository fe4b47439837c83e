//! The figures, and the tables they are printed in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::judge::Outcome;
use super::batch::Judgement;
use super::estate::{self, Object};
use super::rival;
use super::subject::Adopted;
use super::written;

/// One that wrote configuration, as one program judges it.
pub(super) struct Contestant {
    name: String,
    /// What is said of each object, in their order.
    outcomes: Vec<Outcome>,
    /// The arguments that were written for each object.
    arguments: Vec<Option<BTreeSet<String>>>,
    /// The objects, by position, that the provider cannot import.
    not_importable: BTreeSet<usize>,
    /// The objects, by position, that are clean and ignore changes of optional arguments.
    ignoring: BTreeSet<usize>,
}

impl Contestant {
    /// Takes what a program said of what it generated itself.
    pub(super) fn rival(name: &str, judgement: &Judgement, objects: &[Object]) -> Self {
        let refused = rival::cannot_be_imported(judgement);
        let addresses = objects.iter().map(Object::address);
        let not_importable = addresses
            .clone()
            .enumerate()
            .filter(|(_, address)| refused.contains(address))
            .map(|(index, _)| index)
            .collect();
        let arguments = addresses.clone().map(|address| judgement.written.get(&address).cloned()).collect();
        let outcomes = addresses.map(|address| outcome(judgement, &address)).collect();
        Self { name: format!("{name} by itself"), outcomes, arguments, not_importable, ignoring: BTreeSet::new() }
    }

    /// Takes what a program said of what driftmgr wrote.
    pub(super) fn subject(
        program: &str,
        judgement: &Judgement,
        adopted: &Adopted,
        objects: &[Object],
        schemas: &Value,
    ) -> Self {
        let mut contestant = Self {
            name: format!("driftmgr, {program} judges"),
            outcomes: Vec::new(),
            arguments: Vec::new(),
            not_importable: BTreeSet::new(),
            ignoring: BTreeSet::new(),
        };
        for (index, object) in objects.iter().enumerate() {
            let item = adopted.item(object);
            let text = |name: &str| item.and_then(|item| item[name].as_str()).unwrap_or_default().to_owned();
            let address = text("address");
            let resource = written::without_keys(&address);
            if text("reason").contains("support import") {
                contestant.not_importable.insert(index);
            }
            let said = match text("status").as_str() {
                "" => Outcome::Nothing("driftmgr says nothing of it".to_owned()),
                "skipped" => Outcome::Nothing(format!("skipped: {}", text("reason"))),
                "changes" => match outcome(judgement, &address) {
                    Outcome::Clean => {
                        Outcome::Changes(format!("clean but for what driftmgr names: {}", text("reason")))
                    }
                    Outcome::Changes(why) => Outcome::Changes(format!("{why}; driftmgr names it: {}", text("reason"))),
                    other => other,
                },
                _ => outcome(judgement, &address),
            };
            let ignored = adopted.ignored(&resource);
            let required: Vec<&String> =
                ignored.iter().filter(|path| estate::is_required(schemas, &object.resource_type, path)).collect();
            let said = match said {
                Outcome::Clean if !required.is_empty() => {
                    Outcome::Changes(format!("clean only as changes of required {required:?} are ignored"))
                }
                said => said,
            };
            if said == Outcome::Clean && !ignored.is_empty() {
                contestant.ignoring.insert(index);
            }
            contestant.outcomes.push(said);
            contestant.arguments.push(judgement.written.get(&resource).cloned());
        }
        contestant
    }

    /// Returns the mean over the types of the share of objects that are clean, in percent.
    pub(super) fn rate(&self, objects: &[Object]) -> f64 {
        let types = self.by_type(objects, &self.not_importable);
        let shares: f64 = types.values().map(|(n_clean, n)| f64::from(*n_clean) / f64::from(*n)).sum();
        100.0 * shares / f64::from(u32::try_from(types.len()).unwrap_or(u32::MAX))
    }

    /// Returns the same where no clean object may ignore changes of anything.
    fn strict_rate(&self, objects: &[Object], left_out: &BTreeSet<usize>) -> f64 {
        let outcomes = self.outcomes.iter().enumerate().map(|(index, outcome)| {
            if self.ignoring.contains(&index) { Outcome::Changes(String::new()) } else { outcome.clone() }
        });
        let strict = Self {
            name: String::new(),
            outcomes: outcomes.collect(),
            arguments: Vec::new(),
            not_importable: left_out.clone(),
            ignoring: BTreeSet::new(),
        };
        strict.rate(objects)
    }

    /// Counts the objects whose configuration is invalid.
    pub(super) fn n_invalid(&self) -> usize {
        self.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Invalid(_))).count()
    }

    fn by_type<'a>(&self, objects: &'a [Object], left_out: &BTreeSet<usize>) -> BTreeMap<&'a str, (u32, u32)> {
        let mut types: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for (index, (object, outcome)) in objects.iter().zip(&self.outcomes).enumerate() {
            if left_out.contains(&index) {
                continue;
            }
            let (n_clean, n) = types.entry(&object.resource_type).or_default();
            *n += 1;
            *n_clean += u32::from(*outcome == Outcome::Clean);
        }
        types
    }
}

fn outcome(judgement: &Judgement, address: &str) -> Outcome {
    let of_resource = || judgement.outcomes.get(&written::without_keys(address));
    let outcome = judgement.outcomes.get(address).or_else(of_resource);
    outcome.cloned().unwrap_or_else(|| Outcome::Nothing("It is not in the plan.".to_owned()))
}

/// Prints everything, for people and for `docs/dev/adoption.md`.
pub(super) fn print(objects: &[Object], contestants: &[Contestant]) {
    let left_out: BTreeSet<usize> =
        contestants.iter().flat_map(|contestant| &contestant.not_importable).copied().collect();
    let n_types = objects.iter().map(|object| &object.resource_type).collect::<BTreeSet<_>>().len();
    println!("\n{} objects of {n_types} types", objects.len());
    for index in &left_out {
        println!("left out, as the provider cannot import its type: {}", objects[*index].address());
    }
    println!(
        "\n| who | clean, mean over types | types all clean | types none clean | clean objects | changes | invalid | nothing |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for contestant in contestants {
        let types = contestant.by_type(objects, &left_out);
        let shares: Vec<f64> = types.values().map(|(n_clean, n)| f64::from(*n_clean) / f64::from(*n)).collect();
        let n = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let counted = |word: &str| {
            let judged = contestant.outcomes.iter().enumerate().filter(|(index, _)| !left_out.contains(index));
            judged.filter(|(_, outcome)| outcome.word() == word).count()
        };
        println!(
            "| {} | {:.1} % | {} | {} | {} of {} | {} | {} | {} |",
            contestant.name,
            100.0 * shares.iter().sum::<f64>() / n(shares.len()),
            shares.iter().filter(|share| **share >= 1.0).count(),
            shares.iter().filter(|share| **share <= 0.0).count(),
            counted("clean"),
            objects.len() - left_out.len(),
            counted("changes"),
            counted("**invalid**"),
            counted("nothing"),
        );
    }
    for contestant in contestants.iter().filter(|contestant| !contestant.ignoring.is_empty()) {
        println!(
            "\n{}: {} of the clean ones ignore changes of optional arguments; without these the rate is {:.1} %",
            contestant.name,
            contestant.ignoring.len(),
            contestant.strict_rate(objects, &left_out)
        );
    }
    print_types(objects, contestants, &left_out);
    print_readability(objects, contestants, &left_out);
    for contestant in contestants.iter().filter(|contestant| contestant.name.starts_with("driftmgr")) {
        println!("\n{}: what is not clean", contestant.name);
        for (index, (object, outcome)) in objects.iter().zip(&contestant.outcomes).enumerate() {
            if *outcome != Outcome::Clean && !left_out.contains(&index) {
                println!("- {} {:?}: {}: {}", object.address(), object.id, outcome.word(), outcome.why());
            }
        }
    }
}

fn print_types(objects: &[Object], contestants: &[Contestant], left_out: &BTreeSet<usize>) {
    let names: Vec<&str> = contestants.iter().map(|contestant| contestant.name.as_str()).collect();
    println!("\n| type | objects | {} |", names.join(" | "));
    println!("|---|--:{}|", "|--:".repeat(names.len()));
    let by_type: Vec<_> = contestants.iter().map(|contestant| contestant.by_type(objects, left_out)).collect();
    let Some(first) = by_type.first() else { return };
    for (name, (_, n)) in first {
        let cells: Vec<String> = by_type.iter().map(|types| types[name].0.to_string()).collect();
        println!("| {name} | {n} | {} |", cells.join(" | "));
    }
}

fn print_readability(objects: &[Object], contestants: &[Contestant], left_out: &BTreeSet<usize>) {
    println!(
        "\n| who | objects | arguments per object, median of the ratio to the person's | of its arguments the person wrote | of the person's it has |"
    );
    println!("|---|--:|--:|--:|--:|");
    for contestant in contestants {
        let pairs: Vec<(&Object, &BTreeSet<String>)> = objects
            .iter()
            .zip(&contestant.arguments)
            .enumerate()
            .filter(|(index, _)| !left_out.contains(index))
            .filter_map(|(_, (object, arguments))| Some((object, arguments.as_ref()?)))
            .collect();
        let count = |arguments: &BTreeSet<String>| f64::from(u32::try_from(arguments.len()).unwrap_or(u32::MAX));
        let mut ratios: Vec<f64> =
            pairs.iter().map(|(object, arguments)| count(arguments) / count(&object.written).max(1.0)).collect();
        ratios.sort_by(f64::total_cmp);
        let n_common: f64 = pairs.iter().map(|(object, arguments)| count(&(*arguments & &object.written))).sum();
        let n_ours: f64 = pairs.iter().map(|(_, arguments)| count(arguments)).sum();
        let n_theirs: f64 = pairs.iter().map(|(object, _)| count(&object.written)).sum();
        let median = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN);
        println!(
            "| {} | {} | {median:.2} | {:.1} % | {:.1} % |",
            contestant.name,
            pairs.len(),
            100.0 * n_common / n_ours,
            100.0 * n_common / n_theirs
        );
    }
    let Some(subject) = contestants.iter().find(|contestant| contestant.name.starts_with("driftmgr")) else { return };
    let mut differences: BTreeMap<&str, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for (object, arguments) in objects.iter().zip(&subject.arguments) {
        let Some(arguments) = arguments else { continue };
        let (missing, extra) = differences.entry(&object.resource_type).or_default();
        missing.extend(&object.written - arguments);
        extra.extend(arguments - &object.written);
    }
    println!("\n| type | the person wrote, driftmgr did not | driftmgr wrote, the person did not |");
    println!("|---|---|---|");
    for (name, (missing, extra)) in
        differences.iter().filter(|(_, (missing, extra))| !missing.is_empty() || !extra.is_empty())
    {
        let join = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        println!("| {name} | {} | {} |", join(missing), join(extra));
    }
}
