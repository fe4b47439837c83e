//! `driftmgr remediate`.

use std::path::Path;

use clap::{Args, ValueEnum};
use drift::{Pattern, Question};
use engine::{RemediateAnswer, RemediateRequest, Session};
use model::RemedyKind;
use report::v1::remedies::{Document, RemediesReport, RemedyFile, RemedyItem};
use report::{Style, Values, format};

use super::comparison::ComparisonArgs;
use crate::args::StoreArgs;
use crate::{failure, output};

/// Say what may be done about each finding, and patch the code where that is proved
///
/// What accepts the cloud into the code is a patch of the argument itself, and is called proved only where the provider,
/// given the patched code, plans nothing there any more and nothing else otherwise. The rest is text: blocks to review and
/// commands to run. Nothing is applied, and no state is written.
///
/// Without --write nothing is changed. With it, files of the root module are: whole or not at all, and only where they are
/// still as they were read.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  driftmgr remediate\n  driftmgr remediate aws_security_group.web --kind accept --write\n  driftmgr remediate --kind accept --format patch | git apply\n  driftmgr remediate 'module.network[*' --json"
)]
pub(crate) struct Arguments {
    /// What it is about: addresses of resources or instances, in which * stands for anything [default: every finding]
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,
    #[command(flatten)]
    comparison: ComparisonArgs,
    /// Only remedies of these kinds; may be repeated
    #[arg(long, value_name = "KIND", value_parser = kind, help_heading = "What to show")]
    kind: Vec<RemedyKind>,
    /// Write patches into the files of the root module
    #[arg(long)]
    write: bool,
    /// End with 0 instead of 3 where something could not be seen
    #[arg(long, help_heading = "How to judge")]
    allow_incomplete: bool,
    /// The format of the answer on standard output
    #[arg(long, value_enum, default_value_t = RemediesFormat::Terminal, help_heading = "How to show it")]
    format: RemediesFormat,
    /// Short for --format json
    #[arg(long, conflicts_with = "format", help_heading = "How to show it")]
    json: bool,
    /// Which values to show: `safe` for those that nothing calls sensitive, `none` for none at all
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "safe",
        value_parser = crate::render::values,
        help_heading = "How to show it"
    )]
    values: Values,
}

/// How remedies are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RemediesFormat {
    /// For people
    Terminal,
    /// One document with a schema name and version
    Json,
    /// What changes in the code, for `git apply`
    Patch,
}

fn kind(text: &str) -> Result<RemedyKind, String> {
    RemedyKind::from_word(text).ok_or_else(|| {
        let words: Vec<&str> = RemedyKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("`{text}` is no kind of remedy: choose from {}", words.join(", "))
    })
}

pub(crate) async fn run(arguments: Arguments, store: &StoreArgs, session: &Session) -> anyhow::Result<u8> {
    let request = RemediateRequest {
        comparison: arguments.comparison.request(Question::Drift, store, session)?,
        addresses: arguments.addresses.iter().map(|address| Pattern::new(address)).collect(),
        kinds: arguments.kind.iter().copied().collect(),
        writes: arguments.write,
    };
    let answer = engine::remediate(session, &request).await?;
    failure::print_diagnostics(&answer.comparison.diagnostics);
    failure::print_diagnostics(&answer.diagnostics);
    write(session, &answer, &arguments)?;
    let is_complete = answer.comparison.verdict.is_complete || arguments.allow_incomplete;
    Ok(match (answer.has_unwritten(), is_complete) {
        (true, _) => 1,
        (false, true) => 0,
        (false, false) => 3,
    })
}

fn write(session: &Session, answer: &RemediateAnswer, arguments: &Arguments) -> anyhow::Result<()> {
    let findings = &answer.comparison.verdict.findings;
    let offers = answer.offers.iter().map(|offer| RemedyItem {
        finding: &findings[offer.finding],
        remedy: &offer.remedy,
        status: offer.status,
        detail: &offer.detail,
        command: offer.command.as_deref(),
        text: offer.text.as_deref(),
        file: offer.file.as_deref(),
        places: &offer.places,
    });
    let items: Vec<RemedyItem<'_>> = offers.collect();
    let files = answer.files.iter().map(|file| RemedyFile {
        name: &file.name,
        is_new: file.is_new,
        diff: file.diff.as_deref().ok(),
        withheld: file.diff.as_ref().err().map(String::as_str),
        is_written: file.written.as_ref().map(Result::is_ok),
        problem: file.written.as_ref().and_then(|written| written.as_ref().err()).map(String::as_str),
    });
    let files: Vec<RemedyFile<'_>> = files.collect();
    let root = answer.comparison.root.as_deref().map(Path::to_string_lossy);
    let report = RemediesReport {
        as_of: answer.comparison.verdict.as_of,
        is_complete: answer.comparison.verdict.is_complete,
        root: root.as_deref(),
        n_findings: answer.n_findings,
        items: &items,
        files: &files,
        diagnostics: &answer.diagnostics,
    };
    match arguments.format {
        _ if arguments.json => write_json(&report, arguments.values),
        RemediesFormat::Json => write_json(&report, arguments.values),
        RemediesFormat::Patch => {
            let mut left_out = Vec::new();
            output::write_stdout(|out| {
                left_out = format::remedies::write_patch(&report, arguments.values, out)?;
                Ok(())
            })?;
            for (name, reason) in left_out {
                failure::note(&format!("{name} is left out of the patch. {reason}"));
            }
            Ok(())
        }
        RemediesFormat::Terminal => {
            let style = Style {
                color: output::wants_color(&session.environment),
                width: output::width(&session.environment),
                values: arguments.values,
                ..Style::plain()
            };
            output::write_stdout(|out| format::remedies::write(&report, &style, out))
        }
    }
}

fn write_json(report: &RemediesReport<'_>, values: Values) -> anyhow::Result<()> {
    output::write_stdout(|out| format::json::write(&Document { report, values }, out))
}
