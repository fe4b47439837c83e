//! `driftmgr unmanaged`.

use clap::Args;
use drift::Question;
use engine::Session;

use super::comparison::ComparisonArgs;
use crate::args::{ReportArgs, ShowArgs, StoreArgs};
use crate::{failure, render};

/// Show what no state of the named set manages
///
/// "Unmanaged" has a meaning only against a set of states: name all states that manage the account with --state, once
/// each. Account defaults, service-made objects and what CloudFormation and its like manage are folded, with the reason.
///
/// Besides the catalog's own lists, the installed providers of the states are asked to list every type they can: what they
/// show exists. Nothing follows from what they do not show.
///
/// Ends with 2 where something is unmanaged, else with 3 where something could not be seen.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  driftmgr unmanaged --state network.tfstate --state s3://states/app.tfstate\n  driftmgr unmanaged --type 'aws_s3_*' --json"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    comparison: ComparisonArgs,
    /// End with 0 instead of 3 where something could not be seen
    #[arg(long, help_heading = "How to judge")]
    allow_incomplete: bool,
    #[command(flatten)]
    to: ReportArgs,
    #[command(flatten)]
    show: ShowArgs,
}

pub(crate) async fn run(arguments: Arguments, store: &StoreArgs, session: &Session) -> anyhow::Result<u8> {
    let request = arguments.comparison.request(Question::Unmanaged, store, session)?;
    let answer = engine::drift(session, &request).await?;
    failure::print_diagnostics(&answer.diagnostics);
    render::comparison(session, &answer, &arguments.to, &arguments.show)?;
    Ok(answer.verdict.exit_code(arguments.allow_incomplete).code())
}
