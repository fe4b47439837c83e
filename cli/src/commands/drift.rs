//! `driftmgr drift`.

use std::path::PathBuf;

use clap::Args;
use drift::Question;
use engine::Session;
use model::Tier;

use super::comparison::ComparisonArgs;
use crate::args::{FailArgs, ReportArgs, ShowArgs, StoreArgs};
use crate::{failure, render};

/// Compare states with the cloud: what is missing, what changed, what could not be looked at
///
/// Where the provider of an instance is installed, as `terraform init` leaves it, the provider itself reads the object
/// and plans: every attribute is compared, and the provider decides what is a difference. Nothing is ever applied.
///
/// Elsewhere the cloud is asked through its list calls, so what is found has inventory precision: that an object is gone
/// is certain once its scope was seen completely; that a mapped attribute differs is shown, and never fails the run.
///
/// Ends with 2 where something fails, else with 3 where something could not be seen.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  driftmgr drift\n  driftmgr drift --state live.tfstate --unmanaged --json\n  terraform state pull | driftmgr drift --state -\n  terraform show -json plan.tfplan | driftmgr drift --plan -"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    comparison: ComparisonArgs,
    /// A plan in JSON, as `terraform show -json plan.tfplan` prints it, or `-`: tell what its own refresh found, without
    /// credentials. Nothing is asked but the schemas of installed providers
    #[arg(
        long,
        value_name = "PATH|-",
        conflicts_with_all = [
            "state", "var", "var-file", "unmanaged", "no_scan", "profile", "parallelism", "max_rps", "record_transcript",
        ],
        help_heading = "Where to look"
    )]
    plan: Option<String>,
    /// Also show what no state of the set manages
    #[arg(long, help_heading = "What to show")]
    unmanaged: bool,
    /// Only differences of these tiers; may be repeated
    #[arg(long, value_name = "TIER", value_parser = tier, help_heading = "What to show")]
    tier: Vec<Tier>,
    /// Report instances as missing even where an implausible share of them is
    #[arg(long, help_heading = "How to judge")]
    accept_missing: bool,
    #[command(flatten)]
    fail: FailArgs,
    /// Record what is said to providers and what they answer, for a bug report; every value is masked
    #[arg(long, value_name = "DIR", help_heading = "How to judge")]
    record_transcript: Option<PathBuf>,
    #[command(flatten)]
    to: ReportArgs,
    #[command(flatten)]
    show: ShowArgs,
}

fn tier(text: &str) -> Result<Tier, String> {
    Tier::from_word(text).ok_or_else(|| {
        let words: Vec<&str> = Tier::ALL.iter().map(|tier| tier.as_str()).collect();
        format!("`{text}` is no tier: choose from {}", words.join(", "))
    })
}

pub(crate) async fn run(arguments: Arguments, store: &StoreArgs, session: &Session) -> anyhow::Result<u8> {
    let question = if arguments.unmanaged { Question::DriftAndUnmanaged } else { Question::Drift };
    let mut request = arguments.comparison.request(question, store, session)?;
    request.transcripts.clone_from(&arguments.record_transcript);
    request.options.tiers = arguments.tier.iter().copied().collect();
    request.options.accept_missing = arguments.accept_missing;
    if let Some(fail_on) = &arguments.fail.fail_on {
        request.options.fail_on = fail_on.clone();
    }
    let answer = match &arguments.plan {
        Some(plan) => engine::drift_of_plan(session, plan, &request).await?,
        None => engine::drift(session, &request).await?,
    };
    failure::print_diagnostics(&answer.diagnostics);
    render::comparison(session, &answer, &arguments.to, &arguments.show)?;
    Ok(arguments.fail.code(answer.verdict.exit_code(arguments.fail.allow_incomplete)))
}
