//! `driftmgr check`.

use std::path::Path;

use clap::Args;
use drift::Question;
use engine::{CheckBase, CheckRequest, Session, Shard};

use super::comparison::ComparisonArgs;
use crate::args::{FailArgs, ReportArgs, ShowCheckArgs, StoreArgs};
use crate::{failure, render};

/// Check a change of the code against the cloud: what it touches, destroys, collides with or would silently revert
///
/// The code is read as it is and as it was where the change left the branch that it goes to. Only root modules that the
/// change meets are compared with their clouds, and only what meets the change fails: drift of what the change is not about
/// is shown as information.
///
/// Ends with 2 where something that meets the change fails, else with 1 where a root module could not be compared, else
/// with 3 where something that the change is about could not be seen.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  driftmgr check\n  driftmgr check --base origin/main\n  driftmgr check --all --shard 1/4\n  terraform show -json plan.tfplan | driftmgr check --plan -"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    comparison: ComparisonArgs,
    /// What the change is compared with: where it left this branch, tag or commit; `none` judges everything as drift does
    /// [default: what the CI service says it goes to, else the default branch of origin]
    #[arg(long, value_name = "REV|none", help_heading = "Which change")]
    base: Option<String>,
    /// A plan in JSON, as `terraform show -json plan.tfplan` prints it, or `-`: judge what its own refresh found by what it
    /// does, without git and without credentials
    #[arg(
        long,
        value_name = "PATH|-",
        conflicts_with_all = [
            "base", "all", "shard", "trust_head", "state", "var", "var-file", "no_scan", "profile", "parallelism", "max_rps",
        ],
        help_heading = "Which change"
    )]
    plan: Option<String>,
    /// Also compare root modules that the change does not meet
    #[arg(long, help_heading = "Which change")]
    all: bool,
    /// Look at one part of the root modules, such as 2/5: several runs divide them among themselves
    #[arg(long, value_name = "I/N", help_heading = "Which change")]
    shard: Option<Shard>,
    /// Let the change itself say which providers are started, how they are configured, where states are, and what is ignored;
    /// else what was written before it counts
    #[arg(long, help_heading = "Which change")]
    trust_head: bool,
    /// Report instances as missing even where an implausible share of them is
    #[arg(long, help_heading = "How to judge")]
    accept_missing: bool,
    #[command(flatten)]
    fail: FailArgs,
    #[command(flatten)]
    to: ReportArgs,
    #[command(flatten)]
    show: ShowCheckArgs,
}

pub(crate) async fn run(arguments: Arguments, store: &StoreArgs, session: &Session) -> anyhow::Result<u8> {
    let mut drift = arguments.comparison.request(Question::Drift, store, session)?;
    drift.options.accept_missing = arguments.accept_missing;
    if let Some(fail_on) = &arguments.fail.fail_on {
        drift.options.fail_on = fail_on.clone();
    }
    let marker = marker(drift.states.dir.as_deref(), arguments.shard);
    let request = CheckRequest {
        dir: drift.states.dir.take(),
        drift,
        base: match arguments.base.as_deref() {
            None => CheckBase::Auto,
            Some("none") => CheckBase::Nothing,
            Some(revision) => CheckBase::Revision(revision.to_owned()),
        },
        all: arguments.all,
        shard: arguments.shard,
        trust_head: arguments.trust_head,
    };
    let answer = match &arguments.plan {
        Some(plan) => engine::check_of_plan(session, plan, &request).await?,
        None => engine::check(session, &request).await?,
    };
    failure::print_diagnostics(&answer.diagnostics);
    for root in &answer.roots {
        match &root.answer {
            Ok(answer) => failure::print_diagnostics(&answer.diagnostics),
            Err(error) => {
                failure::note(&format!("error: {}: it could not be compared", root.name));
                failure::print_diagnostics(error.diagnostics());
                error.help().iter().for_each(|help| failure::note(&format!("  help: {help}")));
            }
        }
    }
    render::check(session, &answer, &marker, arguments.shard, &arguments.to, &arguments.show)?;
    Ok(arguments.fail.code(answer.exit_code(arguments.fail.allow_incomplete)))
}

/// Tells the comments of this check from those of others on the same change: by the roots that it looks at.
fn marker(dir: Option<&Path>, shard: Option<Shard>) -> String {
    let dir = dir.map(Path::to_string_lossy).unwrap_or_default();
    match shard {
        Some(shard) => format!("{}:{shard}", dir.trim_end_matches('/')),
        None => dir.trim_end_matches('/').to_owned(),
    }
}
