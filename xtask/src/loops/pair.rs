//! The loop on a pair: drift and noise drawn by a seed, and who sees what.
//!
//! Terraform and the real provider create the root in the real server; things are changed behind their back, some of
//! which nobody may be told of. `terraform plan`, `terraform plan -refresh-only` and driftmgr are asked in the same
//! state of the server, and each answer is scored against the list the changes were drawn from.
//!
//! That `terraform plan` scores 1.0 is no finding: the lists hold what these providers' plans see, which a test checks.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::score::{self, Judged};
use super::{Subject, driftmgr};
use crate::drifts::{self, Drift, Kind};
use crate::pairs::Pair;
use crate::terraform::Root;
use crate::tools;

/// The kinds that terraform can tell of.
const KINDS: [&str; 2] = ["changed", "missing"];

/// The arguments of `cargo xtask loop pair`.
#[derive(clap::Args)]
pub struct PairArguments {
    /// The pair to run
    #[arg(value_enum)]
    pair: Pair,
    /// What the drifts and noises are drawn by
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many drifts to draw at most
    #[arg(long, default_value_t = 8)]
    drifts: usize,
    /// How many noises to draw at most
    #[arg(long, default_value_t = 5)]
    noises: usize,
    /// Score terraform's two plans alone
    #[arg(long)]
    peers_only: bool,
    #[command(flatten)]
    subject: super::LoopArguments,
}

pub(super) fn run(arguments: &PairArguments) -> Result<ExitCode> {
    let PairArguments { pair, seed, drifts: n_drifts, noises: n_noises, peers_only, subject } = arguments;
    let driftmgr = if *peers_only { None } else { Some(driftmgr(subject)?) };
    let terraform = tools::terraform_or_tofu()?;
    let running = pair.start(&terraform)?;

    let list = pair.drifts()?;
    let drawn = drifts::draw(&list, *seed, *n_drifts, *n_noises);
    println!("seed {seed} draws:");
    for drift in &drawn {
        drifts::inject(running.server.as_ref(), drift)?;
        println!("  {:<9} {} ({})", kind_name(drift.kind), drift.name, drift.addresses.join(", "));
    }
    let expected = truth(&drawn);

    let root = &running.root;
    let mut n_wrong = 0;
    let (plan, took) = planned(root, &["plan"], "resource_changes")?;
    print_scores("terraform plan", took, &expected, &plan);
    let (refreshed, took) = planned(root, &["plan", "-refresh-only"], "resource_drift")?;
    print_scores("terraform plan -refresh-only", took, &expected, &refreshed);
    if let Some(driftmgr) = driftmgr {
        let subject = Subject { driftmgr, root };
        let started = Instant::now();
        let arguments = ["drift", "--state", "terraform.tfstate", "--precision", "exact", "--json"];
        let output = subject.run(&arguments, &[0, 2, 3])?;
        let took = started.elapsed();
        let report: Value = serde_json::from_slice(&output.stdout).context("driftmgr printed no JSON")?;
        let reported = failing(&report)?;
        n_wrong = print_scores("driftmgr drift --precision exact", took, &expected, &reported);
        let expected_code = if expected.is_empty() { 0 } else { 2 };
        let code = output.status.code();
        ensure!(code == Some(expected_code), "driftmgr ended with {code:?}, not with {expected_code}");
    }
    Ok(if n_wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Changed => "changed",
        Kind::Missing => "missing",
        Kind::Unmanaged => "unmanaged",
        Kind::Noise => "noise",
    }
}

/// Names what a judge of the root's own instances must report.
fn truth(drawn: &[&Drift]) -> BTreeSet<Judged> {
    let told = drawn.iter().filter(|drift| KINDS.contains(&kind_name(drift.kind)));
    told.flat_map(|drift| drift.addresses.iter().map(|address| judged(kind_name(drift.kind), address))).collect()
}

/// Names a finding by its address: an object without one is in nobody's state.
fn judged(kind: &str, address: &str) -> Judged {
    Judged { kind: kind.to_owned(), resource_type: String::new(), id: address.to_owned() }
}

/// Plans the root, and reads one of the lists of changes in the plan.
fn planned(root: &Root<'_>, arguments: &[&str], list: &str) -> Result<(BTreeSet<Judged>, Duration)> {
    let started = Instant::now();
    root.run(&[arguments, &["-no-color", "-input=false", "-out=plan"]].concat())?;
    let took = started.elapsed();
    let plan = root.run(&["show", "-json", "plan"])?;
    let plan: Value = serde_json::from_str(&plan).context("terraform show printed no JSON")?;
    let mut planned = BTreeSet::new();
    for change in plan[list].as_array().map(Vec::as_slice).unwrap_or_default() {
        let address = change["address"].as_str().context("a change has no address")?;
        let actions = change["change"]["actions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let actions: Vec<&str> = actions.iter().filter_map(Value::as_str).collect();
        match actions.as_slice() {
            ["no-op" | "read"] => {}
            // What is to be created is gone; what the refresh saw deleted is gone.
            ["create" | "delete"] => drop(planned.insert(judged("missing", address))),
            _ => drop(planned.insert(judged("changed", address))),
        }
    }
    Ok((planned, took))
}

/// Reads the findings that make the run fail, of a `driftmgr.drift/v1` document.
fn failing(report: &Value) -> Result<BTreeSet<Judged>> {
    let findings = report["findings"].as_array().context("the report has no list \"findings\"")?;
    let failing = findings.iter().filter(|finding| finding["fails"] == true);
    failing
        .map(|finding| {
            let kind = finding["kind"].as_str().context("a finding has no kind")?;
            let address = finding["address"].as_str().context("a finding has no address")?;
            Ok(judged(kind, address))
        })
        .collect()
}

/// Prints one judge's precision and recall of each kind, and every difference; returns the number of differences.
fn print_scores(judge: &str, took: Duration, expected: &BTreeSet<Judged>, reported: &BTreeSet<Judged>) -> usize {
    println!("{judge}: {:.2} s", took.as_secs_f32());
    let mut n_wrong = 0;
    let none = BTreeSet::new();
    let kinds: BTreeSet<&str> = KINDS.into_iter().chain(reported.iter().map(|judged| judged.kind.as_str())).collect();
    for kind in kinds {
        let score = score::score(kind, expected, &none, reported);
        println!(
            "  {kind:<9} expected {:>3} reported {:>3} right {:>3} precision {:.3} recall {:.3}",
            score.n_expected,
            score.n_reported,
            score.n_right,
            score.precision(),
            score.recall()
        );
        for (what, judged) in [("overlooked", &score.overlooked), ("invented", &score.invented)] {
            for object in judged {
                println!("    {what}: {}", object.id);
            }
            n_wrong += judged.len();
        }
    }
    n_wrong
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_fails_is_scored_and_noise_is_no_truth() {
        let report = json!({"findings": [
            {"kind": "changed", "fails": true, "address": "a.b"},
            {"kind": "changed", "fails": false, "address": "a.c"},
        ]});
        assert_eq!(failing(&report).expect("a report"), BTreeSet::from([judged("changed", "a.b")]));
        let list = Pair::Rabbitmq.drifts().expect("a list");
        let noises: Vec<&Drift> = list.iter().filter(|drift| drift.kind == Kind::Noise).collect();
        assert!(truth(&noises).is_empty());
        let all: Vec<&Drift> = list.iter().collect();
        assert!(truth(&all).contains(&judged("missing", "rabbitmq_exchange.alone")));
    }
}
