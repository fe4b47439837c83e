//! Compares three answers with the truth, and prints the comparison.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// What was done to the estate.
#[derive(Debug, Deserialize)]
pub(super) struct Truth {
    drifts: Vec<Done>,
    noises: Vec<Done>,
}

/// One thing that was done, and what must be found of it.
#[derive(Debug, Deserialize)]
struct Done {
    name: String,
    /// The sort of change, for the table.
    row: String,
    kind: String,
    /// The instance it concerns; none where it concerns nothing that is managed.
    address: Option<String>,
    /// The top-level attribute that differs, where one is known.
    attribute: Option<String>,
    tier: Option<String>,
    /// Further attributes that differ with it.
    #[serde(default)]
    collateral: Vec<String>,
    /// Whether it must make the run fail; either way is right where this is not said.
    fails: Option<bool>,
}

impl Truth {
    pub(super) fn read(document: &Value) -> Result<Self> {
        Truth::deserialize(document).context("the truth is not what an accuracy loop reads")
    }

    fn at<'t>(&'t self, address: &'t str) -> impl Iterator<Item = &'t Done> {
        self.drifts.iter().filter(move |done| done.address.as_deref() == Some(address))
    }
}

/// What the three programs said.
pub(super) struct Answers {
    exit_code: i32,
    findings: Vec<Finding>,
    /// How many findings were folded away, by the reason.
    n_folded: usize,
    undetermined: Vec<String>,
    n_instances: u64,
    /// Whether terraform could plan at all.
    is_plan_there: bool,
    /// Addresses that `plan -refresh-only` reports.
    refreshed: BTreeSet<String>,
    /// Addresses for which `plan` wants to do something.
    planned: BTreeSet<String>,
}

#[derive(Debug)]
struct Finding {
    kind: String,
    address: String,
    fails: bool,
    /// Top-level attributes that differ, with their tiers.
    attributes: BTreeSet<(String, String)>,
}

impl Answers {
    pub(super) fn read(exit_code: i32, report: Value, refreshed: &Value, planned: &Value) -> Result<Self> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = report["findings"].as_array().context("the report has no list \"findings\"")?;
        let (mut findings, mut undetermined, mut n_folded) = (Vec::new(), Vec::new(), 0);
        for finding in all {
            let address = text(&finding["address"]);
            if finding["kind"] == "undetermined" {
                undetermined.push(format!("{address}: {}", text(&finding["reason"])));
                continue;
            }
            let is_folded = !finding["folded"].is_null();
            n_folded += usize::from(is_folded);
            let attributes = finding["attributes"].as_array().into_iter().flatten();
            let attributes = attributes.map(|attribute| {
                let path = text(&attribute["path"]);
                let name = path.split(['.', '[']).next().unwrap_or_default().to_owned();
                (name, text(&attribute["tier"]))
            });
            let fails = finding["fails"] == true;
            findings.push(Finding { kind: text(&finding["kind"]), address, fails, attributes: attributes.collect() });
        }
        let addresses = |document: &Value, list: &str| -> BTreeSet<String> {
            let changes = document[list].as_array().into_iter().flatten();
            let is_change = |change: &&Value| {
                let actions = change["change"]["actions"].as_array().into_iter().flatten();
                change["mode"] == "managed" && actions.into_iter().any(|action| action != "no-op" && action != "read")
            };
            changes.filter(is_change).map(|change| text(&change["address"])).collect()
        };
        Ok(Self {
            exit_code,
            findings,
            n_folded,
            undetermined,
            n_instances: report["summary"]["instances"].as_u64().unwrap_or_default(),
            is_plan_there: !planned.is_null(),
            refreshed: addresses(refreshed, "resource_drift"),
            planned: addresses(planned, "resource_changes"),
        })
    }

    fn failing(&self) -> BTreeSet<&str> {
        self.findings.iter().filter(|finding| finding.fails).map(|finding| finding.address.as_str()).collect()
    }

    fn finds(&self, done: &Done) -> bool {
        let Some(address) = &done.address else { return false };
        self.findings.iter().any(|finding| {
            let has_attribute = match (&done.attribute, &done.tier) {
                (Some(attribute), Some(tier)) => finding.attributes.contains(&(attribute.clone(), tier.clone())),
                _ => true,
            };
            finding.address == *address
                && finding.kind == done.kind
                && has_attribute
                && done.fails.is_none_or(|fails| fails == finding.fails)
        })
    }
}

/// Prints what was said of an estate that nobody changed; tells whether driftmgr was right about it.
pub(super) fn print_untouched(pair: &str, answers: &Answers) -> bool {
    let n_failing = answers.failing().len();
    println!("\n{pair}: {} instances, untouched", answers.n_instances);
    println!(
        "  driftmgr drift                 exit {}, {n_failing} failing, {} told and folded, {} undetermined",
        answers.exit_code,
        answers.n_folded,
        answers.undetermined.len()
    );
    println!("  terraform plan -refresh-only   {} reported as changed", answers.refreshed.len());
    println!("  terraform plan                 {} to change", answers.planned.len());
    for undetermined in &answers.undetermined {
        println!("  undetermined: {undetermined}");
    }
    for finding in answers.findings.iter().filter(|finding| finding.fails) {
        println!("  invented: {} {} {:?}", finding.kind, finding.address, finding.attributes);
    }
    n_failing == 0 && answers.exit_code == 0
}

/// Prints what was said of the changed estate; gives the number of mistakes that driftmgr made.
pub(super) fn print(pair: &str, truth: &Truth, answers: &Answers) -> usize {
    println!("\n{pair}: {} drifts, {} noises", truth.drifts.len(), truth.noises.len());
    let mut mistakes = mistakes(truth, answers);
    print_kinds(truth, answers, &mut mistakes);
    print_rows(truth, answers);
    for undetermined in &answers.undetermined {
        // What its provider can't read for terraform either is nobody's mistake here.
        if answers.is_plan_there {
            mistakes.push(format!("undetermined: {undetermined}"));
        } else {
            println!("  undetermined: {undetermined}");
        }
    }
    for mistake in &mistakes {
        println!("  {mistake}");
    }
    mistakes.len()
}

/// Lists everything about single instances that is wrong.
fn mistakes(truth: &Truth, answers: &Answers) -> Vec<String> {
    let mut mistakes = Vec::new();
    for done in truth.drifts.iter().filter(|done| !answers.finds(done)) {
        mistakes.push(format!("overlooked: {done:?}"));
    }
    let mut must_not_fail: BTreeSet<&str> = answers.failing();
    for done in truth.drifts.iter().filter(|done| done.fails != Some(false)) {
        if let Some(address) = &done.address {
            must_not_fail.remove(address.as_str());
        }
    }
    for address in must_not_fail {
        let finding = answers.findings.iter().find(|finding| finding.fails && finding.address == address);
        let noise = truth.noises.iter().find(|done| done.address.as_deref() == Some(address));
        mistakes.push(format!("alarm: {finding:?}, after {:?}", noise.map(|done| &done.name)));
    }
    mistakes
}

/// Prints precision and recall of each kind and tier.
fn print_kinds(truth: &Truth, answers: &Answers, mistakes: &mut Vec<String>) {
    println!(
        "  {:<22} {:>8} {:>8} {:>6} {:>10} {:>7}",
        "kind and tier", "expected", "reported", "right", "precision", "recall"
    );
    let mut rows: BTreeMap<(&str, Option<&str>), [usize; 3]> = BTreeMap::new();
    for done in &truth.drifts {
        let row = rows.entry((&done.kind, done.tier.as_deref())).or_default();
        row[0] += 1;
        row[2] += usize::from(answers.finds(done));
    }
    for finding in &answers.findings {
        let (address, kind) = (&finding.address, finding.kind.as_str());
        let done: Vec<&Done> = truth.at(address).filter(|done| done.kind == kind).collect();
        if kind != "changed" || done.iter().any(|done| done.attribute.is_none()) {
            let is_told = finding.fails || kind != "changed";
            if is_told {
                rows.entry((kind, None)).or_default()[1] += 1;
            }
            if is_told && done.is_empty() && !finding.fails {
                mistakes.push(format!("invented: {finding:?}"));
            }
            continue;
        }
        for (attribute, tier) in &finding.attributes {
            if !matches!(tier.as_str(), "declared" | "undeclared" | "ignored") {
                continue;
            }
            // A noise may be what the code says to ignore: it is told, and fails nothing.
            let is_noise = || truth.noises.iter().any(|done| done.address.as_ref() == Some(address));
            if done.iter().any(|done| done.collateral.contains(attribute)) || (tier == "ignored" && is_noise()) {
                continue;
            }
            rows.entry((kind, Some(tier))).or_default()[1] += 1;
            let is_right =
                done.iter().any(|done| done.attribute.as_ref() == Some(attribute) && done.tier.as_ref() == Some(tier));
            if !is_right {
                mistakes.push(format!("invented: {address}: {attribute} is said to be {tier}"));
            }
        }
    }
    for ((kind, tier), [n_expected, n_reported, n_right]) in rows {
        let name = tier.map_or_else(|| kind.to_owned(), |tier| format!("{kind}, {tier}"));
        let share = |part: usize, whole: usize| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
        println!(
            "  {name:<22} {n_expected:>8} {n_reported:>8} {n_right:>6} {:>10.3} {:>7.3}",
            share(n_right.min(n_reported), n_reported),
            share(n_right, n_expected)
        );
    }
}

/// Prints how many of each sort the three programs tell of: of drifts, more is better; of noises, none is.
fn print_rows(truth: &Truth, answers: &Answers) {
    println!("  {:<46} {:>6} {:>9} {:>13} {:>6}", "", "done", "driftmgr", "refresh-only", "plan");
    let failing = answers.failing();
    for (title, list, is_drift) in [("found", &truth.drifts, true), ("alarms", &truth.noises, false)] {
        let mut rows: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
        for done in list {
            let row = rows.entry(&done.row).or_default();
            let is_in = |addresses: &BTreeSet<String>| done.address.as_ref().is_some_and(|it| addresses.contains(it));
            let is_failing = done.address.as_deref().is_some_and(|address| failing.contains(address));
            row[0] += 1;
            row[1] += usize::from(if is_drift { answers.finds(done) } else { is_failing });
            row[2] += usize::from(is_in(&answers.refreshed));
            row[3] += usize::from(is_in(&answers.planned));
        }
        for (row, [n_done, n_ours, n_refreshed, n_planned]) in rows {
            let name = format!("{title}: {row}");
            println!("  {name:<46} {n_done:>6} {n_ours:>9} {n_refreshed:>13} {n_planned:>6}");
        }
    }
    let touched: BTreeSet<&str> =
        truth.drifts.iter().chain(&truth.noises).filter_map(|done| done.address.as_deref()).collect();
    let untouched = |addresses: &BTreeSet<String>| addresses.iter().filter(|it| !touched.contains(it.as_str())).count();
    let n_ours = failing.iter().filter(|address| !touched.contains(*address)).count();
    println!(
        "  {:<46} {:>6} {:>9} {:>13} {:>6}",
        "alarms: nothing was done",
        answers.n_instances.saturating_sub(touched.len() as u64),
        n_ours,
        untouched(&answers.refreshed),
        untouched(&answers.planned)
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn truth() -> Truth {
        Truth::read(&json!({
            "drifts": [
                {"name": "a", "row": "r", "kind": "changed", "address": "x.a", "attribute": "size", "tier": "declared",
                 "fails": true},
                {"name": "b", "row": "r", "kind": "missing", "address": "x.b", "fails": true},
            ],
            "noises": [{"name": "n", "row": "n", "kind": "noise", "address": "x.c", "fails": false}],
        }))
        .expect("a truth")
    }

    fn answers(findings: Value) -> Answers {
        let nothing = json!({});
        // An empty plan is one.
        Answers::read(2, json!({"findings": findings}), &nothing, &nothing).expect("a report")
    }

    #[test]
    fn what_is_right_is_no_mistake() {
        let found = answers(json!([
            {"kind": "changed", "address": "x.a", "fails": true, "attributes": [{"path": "size", "tier": "declared"}]},
            {"kind": "missing", "address": "x.b", "fails": true},
            {"kind": "changed", "address": "x.c", "fails": false, "attributes": [{"path": "time", "tier": "runtime"}]},
        ]));
        assert_eq!(print("test", &truth(), &found), 0);
    }

    #[test]
    fn alarms_wrong_tiers_and_what_is_overlooked_are_mistakes() {
        let found = answers(json!([
            {"kind": "changed", "address": "x.a", "fails": false, "attributes": [{"path": "size[0]", "tier": "undeclared"}]},
            {"kind": "changed", "address": "x.c", "fails": true, "attributes": [{"path": "time", "tier": "declared"}]},
            {"kind": "undetermined", "address": "x.d", "fails": false, "reason": "why"},
        ]));
        // x.a and x.b overlooked, x.a's tier, x.c's alarm and its tier, x.d undetermined.
        assert_eq!(print("test", &truth(), &found), 6);
    }
}
