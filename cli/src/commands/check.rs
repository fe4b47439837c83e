//! `driftmgr check`.

use std::io::{self, Write};

use anyhow::Context as _;
use clap::Args;
use drift::{FailOn, Question};
use engine::{CheckAnswer, CheckBase, CheckRequest, CheckedRoot, Session, Shard};
use model::{Finding, Impact};
use report::text::escape_controls;

use super::comparison::ComparisonArgs;
use crate::args::StoreArgs;
use crate::{failure, output};

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
    /// What makes the run fail where it meets the change, as kinds or kind:tier, separated by commas [default: see
    /// docs/findings.md]
    #[arg(long, value_name = "KINDS", help_heading = "How to judge")]
    fail_on: Option<String>,
    /// Report instances as missing even where an implausible share of them is
    #[arg(long, help_heading = "How to judge")]
    accept_missing: bool,
    /// End with 0 instead of 3 where something could not be seen
    #[arg(long, help_heading = "How to judge")]
    allow_incomplete: bool,
}

pub(crate) async fn run(arguments: Arguments, store: &StoreArgs, session: &Session) -> anyhow::Result<u8> {
    let mut drift = arguments.comparison.request(Question::Drift, store, session)?;
    drift.options.accept_missing = arguments.accept_missing;
    if let Some(text) = &arguments.fail_on {
        drift.options.fail_on = FailOn::parse(text).map_err(|diagnostic| anyhow::anyhow!("--fail-on: {diagnostic}"))?;
    }
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
            Err(_) => failure::note(&format!("error: {}: it could not be compared", root.name)),
        }
    }
    output::write_stdout(|out| write(&answer, out)).context("write the answer")?;
    Ok(answer.exit_code(arguments.allow_incomplete).code())
}

fn write(answer: &CheckAnswer, out: &mut dyn Write) -> io::Result<()> {
    if let (Some(base), Some(head)) = (&answer.base, &answer.head) {
        let short = |commit: &str| commit.get(..12).unwrap_or(commit).to_owned();
        let (name, base, head) = (escape_controls(&base.name), short(&base.commit), short(&head.commit));
        writeln!(out, "Compared with {name} ({base}), up to {head} and the working tree.")?;
    }
    for root in &answer.roots {
        write_root(root, out)?;
    }
    let n_checked = answer.roots.len();
    writeln!(out, "\n{n_checked} of {} root modules looked at, {} not met.", answer.n_roots, answer.n_unchanged)
}

fn write_root(root: &CheckedRoot, out: &mut dyn Write) -> io::Result<()> {
    let why = root.why.as_ref().map(|why| format!(" ({} changed)", escape_controls(why))).unwrap_or_default();
    writeln!(out, "\n{}{why}", escape_controls(&root.name))?;
    for touch in root.change.iter().flat_map(|change| &change.touches) {
        let paths: Vec<String> = touch.paths.iter().map(ToString::to_string).collect();
        let paths = if paths.is_empty() { String::new() } else { format!(": {}", paths.join(", ")) };
        let line = format!("the change {} {}{paths}", touch.how, touch.address);
        writeln!(out, "  {}", escape_controls(&line))?;
    }
    let answer = match &root.answer {
        Ok(answer) => answer,
        Err(error) => return writeln!(out, "  error: {}", escape_controls(&error.to_string())),
    };
    let shown = |finding: &&Finding| finding.ignored.is_none() && finding.folded.is_none();
    for finding in answer.verdict.findings.iter().filter(shown) {
        let fails = if finding.fails { "FAILS " } else { "" };
        let impact = finding.impact.map_or("beside the change", Impact::as_str);
        let address = finding.address.as_ref().map(ToString::to_string).unwrap_or_default();
        let line = format!("{fails}{} {impact} {address}: {}", finding.kind, finding.reason);
        writeln!(out, "  {}", escape_controls(&line))?;
    }
    Ok(())
}
