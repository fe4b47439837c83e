//! `driftmgr report`: what reports of earlier runs say.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use engine::Session;
use report::v1::check;

use crate::args::{EveryArgs, ReportArgs};
use crate::{failure, render};

/// Work with reports that earlier runs wrote
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: ReportCommand,
}

#[derive(Debug, Subcommand)]
enum ReportCommand {
    Merge(MergeArguments),
}

/// Put the reports of several shards together, in any format
///
/// They are JSON, as `driftmgr check --json` writes them, of one change. One report alone is written in another format.
/// What is not in them is in no format: values that one was told to leave out stay out.
///
/// Ends as the check itself would: with 2 where something that meets the change fails, with 3 where a root module is in no
/// report.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  driftmgr report merge shard-*.json --format markdown\n  driftmgr report merge check.json --output sarif=check.sarif --output junit=check.xml"
)]
struct MergeArguments {
    /// The reports
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Tells the comment from those of other checks on the same change
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, help_heading = "How to show it")]
    marker: String,
    /// End with 0 instead of 3 where something could not be seen
    #[arg(long, help_heading = "How to judge")]
    allow_incomplete: bool,
    #[command(flatten)]
    to: ReportArgs,
    #[command(flatten)]
    every: EveryArgs,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> anyhow::Result<u8> {
    let ReportCommand::Merge(arguments) = &arguments.command;
    let documents = arguments.files.iter().map(|file| read(session, file)).collect::<anyhow::Result<Vec<_>>>()?;
    let document = check::merge(documents).map_err(|diagnostic| anyhow::anyhow!("{diagnostic}"))?;
    let missing = document.missing_shards();
    if !missing.is_empty() {
        failure::note(&format!("warning: no report is there of part {}", missing.join(", ")));
    } else if document.n_missing() > 0 {
        let number = document.n_missing();
        let of_them = if number == 1 { "1 root module is".to_owned() } else { format!("{number} root modules are") };
        failure::note(&format!("warning: {of_them} in no report"));
    }
    render::check_document(session, &document, &arguments.marker, &arguments.to, &arguments.every)?;
    Ok(document.exit_code(arguments.allow_incomplete).code())
}

fn read(session: &Session, file: &Path) -> anyhow::Result<check::CheckDocument> {
    let text =
        std::fs::read(session.current_dir.join(file)).with_context(|| format!("could not read {}", file.display()))?;
    check::read(&file.to_string_lossy(), &text).map_err(|diagnostic| anyhow::anyhow!("{diagnostic}"))
}
