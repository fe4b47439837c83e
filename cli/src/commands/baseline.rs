//! `driftmgr baseline`.

use clap::{Args, Subcommand};
use drift::baseline::{Approval, BaselineEntry};
use drift::{FailOn, Question};
use engine::{BaselineAnswer, BaselineRemoval, BaselineRequest, BaselineStep, DriftRequest, Session};
use jiff::civil::Date;

use super::comparison::ComparisonArgs;
use crate::args::StoreArgs;
use crate::{failure, output};

/// Write down what is known, with who approves it and why: it is ignored from then on, and still counted
///
/// The baseline is a file for git, driftmgr.baseline.json beside the code unless --baseline names another. It holds no
/// values. Nothing else in the working tree is written.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  driftmgr baseline record --approver ada --reason 'as it was when we began' --until 2027-06-30\n  driftmgr baseline add aws_instance.web tags --approver ada --reason 'the scanner writes it'\n  driftmgr baseline remove aws_instance.web tags\n  driftmgr baseline suggest --reason 'scaled by hand'"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare as `driftmgr drift` does, and record everything that fails; what is recorded already stays
    Record(Box<RecordArguments>),
    /// Compare, and record what was found about one instance, whether it fails or not
    Add(Box<AddArguments>),
    /// Remove entries; nothing is compared
    Remove(Box<RemoveArguments>),
    /// Compare, and print rules for an ignore file that ignore just what fails, or comments for the code
    Suggest(Box<SuggestArguments>),
}

/// Who approves.
#[derive(Args, Debug)]
#[command(next_help_heading = "Approval")]
struct ApprovalArgs {
    /// Who approves it
    #[arg(long, value_name = "NAME")]
    approver: String,
    /// Why it is as it is
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The last day it counts, such as 2027-06-30; then it fails again
    #[arg(long, value_name = "DATE", value_parser = date)]
    until: Option<Date>,
}

impl ApprovalArgs {
    fn approval(&self) -> anyhow::Result<Approval> {
        for (name, text) in [("--approver", &self.approver), ("--reason", &self.reason)] {
            anyhow::ensure!(!text.trim().is_empty(), "{name} must not be empty");
        }
        Ok(Approval { approver: self.approver.clone(), reason: self.reason.clone(), expires: self.until })
    }
}

/// What fails, and so is recorded.
#[derive(Args, Debug)]
struct FailingArgs {
    /// Take what `driftmgr unmanaged` finds, and not what drifted
    #[arg(long, help_heading = "How to judge")]
    unmanaged: bool,
    /// What makes the run fail, as kinds or kind:tier, separated by commas [default: see docs/findings.md]
    #[arg(long, value_name = "KINDS", help_heading = "How to judge")]
    fail_on: Option<String>,
    /// Report instances as missing even where an implausible share of them is
    #[arg(long, help_heading = "How to judge")]
    accept_missing: bool,
}

impl FailingArgs {
    fn request(
        &self,
        comparison: &ComparisonArgs,
        store: &StoreArgs,
        session: &Session,
    ) -> anyhow::Result<DriftRequest> {
        let question = if self.unmanaged { Question::Unmanaged } else { Question::Drift };
        let mut request = comparison.request(question, store, session)?;
        request.options.accept_missing = self.accept_missing;
        if let Some(text) = &self.fail_on {
            request.options.fail_on =
                FailOn::parse(text).map_err(|diagnostic| anyhow::anyhow!("--fail-on: {diagnostic}"))?;
        }
        Ok(request)
    }
}

#[derive(Args, Debug)]
struct RecordArguments {
    #[command(flatten)]
    comparison: ComparisonArgs,
    #[command(flatten)]
    failing: FailingArgs,
    #[command(flatten)]
    approval: ApprovalArgs,
    /// Also remove entries that have expired, or match nothing though what they are about was looked at
    #[arg(long, help_heading = "Approval")]
    prune: bool,
}

#[derive(Args, Debug)]
struct AddArguments {
    /// The instance, as findings name it; the import id of an object that has no address
    #[arg(value_name = "ADDRESS")]
    subject: String,
    /// One attribute, as findings write it [default: all that differ]
    #[arg(value_name = "PATH")]
    path: Option<String>,
    #[command(flatten)]
    comparison: ComparisonArgs,
    #[command(flatten)]
    failing: FailingArgs,
    #[command(flatten)]
    approval: ApprovalArgs,
}

#[derive(Args, Debug)]
struct RemoveArguments {
    /// The instance, as the entries name it; the import id of an object that has no address
    #[arg(value_name = "ADDRESS", required_unless_present = "expired")]
    subject: Option<String>,
    /// One attribute, as the entries write it [default: all entries about the instance]
    #[arg(value_name = "PATH")]
    path: Option<String>,
    /// Remove the entries that have expired
    #[arg(long, conflicts_with = "subject")]
    expired: bool,
    #[command(flatten)]
    comparison: ComparisonArgs,
}

#[derive(Args, Debug)]
struct SuggestArguments {
    #[command(flatten)]
    comparison: ComparisonArgs,
    #[command(flatten)]
    failing: FailingArgs,
    /// Why it is as it is
    #[arg(long, value_name = "TEXT", help_heading = "Rules")]
    reason: String,
    /// Who answers for it
    #[arg(long, value_name = "NAME", help_heading = "Rules")]
    owner: Option<String>,
    /// The last day the rules count, such as 2027-06-30
    #[arg(long, value_name = "DATE", value_parser = date, help_heading = "Rules")]
    until: Option<Date>,
    /// Print comments for the code, each with the resource it belongs above
    #[arg(long, help_heading = "Rules")]
    comments: bool,
}

fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("`{text}` is no day: write it as 2027-06-30"))
}

pub(crate) async fn run(arguments: Arguments, store: &StoreArgs, session: &Session) -> anyhow::Result<u8> {
    match arguments.command {
        Command::Record(arguments) => {
            let request = BaselineRequest {
                drift: arguments.failing.request(&arguments.comparison, store, session)?,
                approval: arguments.approval.approval()?,
                step: BaselineStep::Record { prune: arguments.prune },
            };
            tell(session, &engine::record_baseline(session, &request).await?)?;
        }
        Command::Add(arguments) => {
            let AddArguments { subject, path, comparison, failing, approval } = *arguments;
            let request = BaselineRequest {
                drift: failing.request(&comparison, store, session)?,
                approval: approval.approval()?,
                step: BaselineStep::Add { subject, path },
            };
            tell(session, &engine::record_baseline(session, &request).await?)?;
        }
        Command::Remove(arguments) => {
            let RemoveArguments { subject, path, comparison, .. } = *arguments;
            let drift = comparison.request(Question::Drift, store, session)?;
            let request = BaselineRemoval { drift, subject: subject.map(|subject| (subject, path)) };
            tell(session, &engine::remove_from_baseline(session, &request)?)?;
        }
        Command::Suggest(arguments) => suggest(&arguments, store, session).await?,
    }
    Ok(0)
}

/// Says what became of the baseline.
fn tell(session: &Session, answer: &BaselineAnswer) -> anyhow::Result<()> {
    if let Some(compared) = &answer.answer {
        // What is said of entries was true before this.
        let is_about_entries = |code: &str| matches!(code, "baseline-expired" | "baseline-unused");
        let others: Vec<_> =
            compared.diagnostics.iter().filter(|diagnostic| !is_about_entries(diagnostic.code)).cloned().collect();
        failure::print_diagnostics(&others);
        if compared.verdict.summary.n_undetermined > 0 || !compared.verdict.is_complete {
            failure::note("warning: not everything could be seen; what differs there is not recorded");
        }
    }
    for (what, why) in &answer.recorded.left_out {
        failure::note(&format!("warning: {what} is not recorded: {why}"));
    }
    let path = answer.path.strip_prefix(&session.current_dir).unwrap_or(&answer.path).display().to_string();
    output::write_stdout(|out| {
        let removed: Vec<String> = answer.removed.iter().map(BaselineEntry::title).collect();
        for title in &removed {
            writeln!(out, "- {}", report::text::escape_controls(title))?;
        }
        let recorded = &answer.recorded;
        let counts = [(recorded.n_added, "added"), (recorded.n_replaced, "replaced"), (removed.len(), "removed")];
        let counts: Vec<String> =
            counts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
        let noun = if answer.n_entries == 1 { "entry" } else { "entries" };
        let state = match (counts.as_slice(), answer.is_written) {
            ([], false) => "nothing changed".to_owned(),
            ([], true) => "digests of values were added".to_owned(),
            (counts, _) => counts.join(", "),
        };
        writeln!(out, "{}: {state}; {} {noun} now.", report::text::escape_controls(&path), answer.n_entries)
    })
}

async fn suggest(arguments: &SuggestArguments, store: &StoreArgs, session: &Session) -> anyhow::Result<()> {
    anyhow::ensure!(!arguments.reason.trim().is_empty(), "--reason must not be empty");
    let request = arguments.failing.request(&arguments.comparison, store, session)?;
    let answer = engine::drift(session, &request).await?;
    failure::print_diagnostics(&answer.diagnostics);
    let (findings, fail_on) = (&answer.verdict.findings, &request.options.fail_on);
    let owner = arguments.owner.as_deref();
    let generated = drift::ignore::generate(findings, fail_on, &arguments.reason, owner, arguments.until);
    if generated.n_left_out > 0 {
        let n_left_out = generated.n_left_out;
        failure::note(&format!("warning: {n_left_out} of what fails is known by nothing that may be written down"));
    }
    if arguments.comments {
        return output::write_stdout(|out| {
            for (address, comment) in &generated.comments {
                let [address, comment] =
                    [address, comment].map(|text| report::text::escape_controls(text).into_owned());
                writeln!(out, "{address}\n  {comment}")?;
            }
            Ok(())
        });
    }
    output::write_stdout(|out| out.write_all(generated.file.as_bytes()))
}
