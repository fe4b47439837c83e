//! Answers of the engine, as the reports that `report` writes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use drift::adopt::{AdoptionStep, Certificate};
use engine::{
    AdoptAnswer, Check, CheckAnswer, CheckStatus, CheckedRevision, CoveredType, DriftAnswer, QueryAnswer, ScanAnswer,
    Session, Shard,
};
use model::{RemoteObject, ScopeOutcome, ScopeStatus, Standing};
use report::v1::check::CheckDocument;
use report::{CheckReport, CheckedRootReport, DriftReport, RevisionRef, Style, Values, format, v1};

use crate::args::{EveryArgs, FormatArgs, FormatName, ReportArgs, ShowArgs, ShowCheckArgs};
use crate::output;

/// Writes a comparison.
pub(crate) fn comparison(
    session: &Session,
    answer: &DriftAnswer,
    to: &ReportArgs,
    show: &ShowArgs,
) -> anyhow::Result<()> {
    let root = answer.root.as_deref().map(Path::to_string_lossy);
    let directory = answer.root.as_deref().and_then(|root| from_top(&session.current_dir.join(root)));
    let report = DriftReport {
        verdict: &answer.verdict,
        states: &answer.states,
        root: root.as_deref(),
        directory: directory.as_deref(),
        ignore: &answer.ignore,
    };
    let style = Style {
        see_tiers: "--tier NAME shows those of a tier".to_owned(),
        see_all: "--all shows them".to_owned(),
        group_by: show.group_by.clone(),
        marker: root.as_deref().unwrap_or_default().to_owned(),
        ..output::style(&session.environment, show.values, show.top())
    };
    output::write_report(&session.environment, to, &style, &|format, style, out| {
        report::write_drift(&report, format, style, out)
    })
}

/// Gives a folder from the top of the repository it lies in, with `/`; `None` where it lies in none.
fn from_top(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let top = folder.ancestors().find(|folder| folder.join(".git").exists())?;
    let steps = folder.strip_prefix(top).ok()?.components();
    let steps: Vec<_> = steps.map(|step| step.as_os_str().to_string_lossy()).collect();
    Some(steps.join("/"))
}

/// Writes what a change meets; `marker` tells its comments from those of other checks.
pub(crate) fn check(
    session: &Session,
    answer: &CheckAnswer,
    marker: &str,
    shard: Option<Shard>,
    to: &ReportArgs,
    show: &ShowCheckArgs,
) -> anyhow::Result<()> {
    let shards: Vec<String> = shard.iter().map(ToString::to_string).collect();
    let roots: Vec<CheckedRootReport<'_>> = answer
        .roots
        .iter()
        .map(|root| CheckedRootReport {
            name: &root.name,
            directory: &root.directory,
            workspace: root.workspace.as_deref(),
            owners: &root.owners,
            why: root.why.as_deref(),
            change: root.change.as_ref(),
            n_aside: root.summary.n_aside,
            report: match &root.answer {
                Ok(answer) => Ok(DriftReport {
                    verdict: &answer.verdict,
                    states: &answer.states,
                    root: Some(&root.name),
                    directory: Some(&root.directory),
                    ignore: &answer.ignore,
                }),
                Err(error) => Err(why_not(error)),
            },
        })
        .collect();
    let report = CheckReport {
        base: revision(answer.base.as_ref()),
        head: revision(answer.head.as_ref()),
        roots: &roots,
        n_roots: answer.n_roots,
        n_unchanged: answer.n_unchanged,
        n_other_shards: answer.n_other_shards,
        shards: &shards,
        diagnostics: &answer.diagnostics,
        at: answer.at,
    };
    let style = check_style(session, marker, show.values, &show.every);
    output::write_report(&session.environment, to, &style, &|format, style, out| {
        report::write_check(&report, format, style, out)
    })
}

fn revision(revision: Option<&CheckedRevision>) -> Option<RevisionRef<'_>> {
    revision.map(|revision| RevisionRef { name: &revision.name, commit: &revision.commit })
}

/// Says why a root module could not be compared, and where.
fn why_not(error: &engine::Error) -> String {
    let mut text = error.to_string();
    for diagnostic in error.diagnostics() {
        let place = diagnostic.span.as_ref().map(|span| format!("{}:{}: ", span.file, span.start.line));
        text.push_str(&format!(" {}{}: {}", place.unwrap_or_default(), diagnostic.summary, diagnostic.detail));
    }
    for help in error.help() {
        text.push_str(&format!(" {help}"));
    }
    text
}

/// Writes a check that was read from documents.
pub(crate) fn check_document(
    session: &Session,
    document: &CheckDocument,
    marker: &str,
    to: &ReportArgs,
    every: &EveryArgs,
) -> anyhow::Result<()> {
    let style = check_style(session, marker, Values::Safe, every);
    output::write_report(&session.environment, to, &style, &|format, style, out| document.write(format, style, out))
}

fn check_style(session: &Session, marker: &str, values: Values, every: &EveryArgs) -> Style {
    Style {
        see_all: "--every shows them".to_owned(),
        marker: marker.to_owned(),
        ..output::style(&session.environment, values, every.top())
    }
}

/// Writes what a scan saw.
pub(crate) fn scan(session: &Session, answer: &ScanAnswer, format: &FormatArgs) -> anyhow::Result<()> {
    let report = v1::scan::ScanReport {
        started: answer.started,
        finished: answer.finished,
        callers: &answer.callers,
        scopes: &answer.outcomes,
        diagnostics: &[],
    };
    if format.format() == FormatName::Json {
        return output::write_stdout(|out| format::json::write(&v1::scan::Document(&report), out));
    }
    output::write_stdout(|out| {
        let mut by_type: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
        for outcome in &answer.outcomes {
            let row = by_type.entry(outcome.scope.native_type.as_str()).or_default();
            row.0 += outcome.n_objects;
            row.1 += 1;
            row.2 += u64::from(outcome.status == ScopeStatus::Complete);
        }
        let rows: Vec<Vec<String>> = by_type
            .iter()
            .filter(|(_, (n_objects, n_scopes, n_complete))| *n_objects > 0 || n_scopes != n_complete)
            .map(|(name, (n_objects, n_scopes, n_complete))| {
                let seen =
                    if n_scopes == n_complete { "all".to_owned() } else { format!("{n_complete} of {n_scopes}") };
                vec![(*name).to_owned(), n_objects.to_string(), seen]
            })
            .collect();
        format::table::write(
            &["TYPE", "OBJECTS", "SCOPES SEEN"],
            &rows,
            output::table_width(&session.environment),
            out,
        )?;
        let callers: Vec<String> = answer.callers.iter().map(|caller| caller.account.to_string()).collect();
        let seconds = answer.finished.duration_since(answer.started).as_secs_f64();
        let n_calls: u64 = answer.outcomes.iter().flat_map(|outcome| outcome.calls.values()).sum();
        writeln!(
            out,
            "\n{} objects in {}, {} of {} scopes seen completely, {n_calls} calls in {seconds:.1} s.",
            answer.summary.n_objects,
            callers.join(", "),
            answer.summary.n_complete,
            answer.summary.n_scopes,
        )?;
        writeln!(
            out,
            "Since the last scan: {} new, {} changed, {} gone.",
            answer.summary.n_new, answer.summary.n_changed, answer.summary.n_gone
        )?;
        not_seen(out, &answer.outcomes)
    })
}

/// Says what was not seen, each cause once with how many scopes it kept from sight.
fn not_seen(out: &mut dyn Write, outcomes: &[ScopeOutcome]) -> io::Result<()> {
    let mut by_cause: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for outcome in outcomes.iter().filter(|outcome| outcome.status != ScopeStatus::Complete) {
        for cause in &outcome.causes {
            by_cause.entry((cause.kind.as_str(), &cause.detail)).or_default().push(outcome.scope.to_string());
        }
    }
    if by_cause.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nNot seen completely:")?;
    for ((kind, detail), scopes) in by_cause {
        let more = match scopes.len() {
            1 => String::new(),
            n_scopes => format!(" and {} more", n_scopes - 1),
        };
        writeln!(out, "  {}{more}: {kind}: {}", scopes[0], report::text::escape_controls(detail))?;
    }
    Ok(())
}

/// Writes the objects of the store that match.
pub(crate) fn query(session: &Session, answer: QueryAnswer, format: &FormatArgs) -> anyhow::Result<()> {
    let freshness = &answer.page.freshness;
    let incomplete: Vec<ScopeOutcome> = freshness.incomplete.iter().map(|record| record.last.clone()).collect();
    let document = v1::query::Answer {
        as_of: freshness.as_of,
        is_complete: freshness.complete,
        n_matching: Some(answer.page.total),
        incomplete_scopes: &incomplete,
        values: format.show.values,
    };
    let n_shown = answer.page.objects.len();
    let mut objects = answer.page.objects.into_iter().map(|stored| stored.object);
    if format.format() == FormatName::Json {
        return output::write_stdout(|out| format::json::write(&v1::query::Document::new(document, &mut objects), out));
    }
    output::write_stdout(|out| {
        let rows: Vec<Vec<String>> = objects.map(|object| row(&object)).collect();
        let header = ["TYPE", "ID", "NAME", "ACCOUNT", "REGION", "STANDING"];
        format::table::write(&header, &rows, output::table_width(&session.environment), out)?;
        let as_of = freshness.as_of.map_or("an unknown time".to_owned(), |as_of| as_of.to_string());
        writeln!(out, "\n{n_shown} of {} matching objects, as of {as_of}.", answer.page.total)?;
        for name in &freshness.never_seen {
            writeln!(out, "{} was never looked for.", report::text::escape_controls(name))?;
        }
        not_seen(out, &incomplete)
    })
}

fn row(object: &RemoteObject) -> Vec<String> {
    let native_type = || object.scope.native_type.to_string();
    vec![
        object.resource_type.as_ref().map_or_else(native_type, ToString::to_string),
        object.import_id.as_ref().map_or_else(|| object.key.to_string(), ToString::to_string),
        object.name.clone().unwrap_or_default(),
        object.scope.account.to_string(),
        object.scope.region.as_ref().map_or("global".to_owned(), ToString::to_string),
        match &object.standing {
            Standing::Ordinary => String::new(),
            Standing::Default(_) => "default".to_owned(),
            Standing::ManagedElsewhere { by, .. } => by.clone(),
        },
    ]
}

/// Writes what the catalog covers.
pub(crate) fn types(session: &Session, types: &[CoveredType], format: &FormatArgs) -> anyhow::Result<()> {
    if format.format() == FormatName::Json {
        let rows: Vec<v1::types::TypeRow> = types.iter().map(type_row).collect();
        return output::write_stdout(|out| format::json::write(&v1::types::Document(&rows), out));
    }
    let rows: Vec<Vec<String>> = types
        .iter()
        .flat_map(|covered| {
            let scope = if covered.is_global { "global" } else { "regional" };
            covered.terraform.iter().map(move |terraform| {
                let proven = if terraform.proof.is_some() { "yes" } else { "no" };
                vec![
                    covered.native_type.clone(),
                    terraform.resource_type.clone(),
                    terraform.import_id.clone(),
                    scope.to_owned(),
                    proven.to_owned(),
                ]
            })
        })
        .collect();
    output::write_stdout(|out| {
        let header = ["TYPE", "TERRAFORM TYPE", "IMPORT ID", "SCOPE", "IMPORT PROVEN"];
        format::table::write(&header, &rows, output::table_width(&session.environment), out)
    })
}

fn type_row(covered: &CoveredType) -> v1::types::TypeRow {
    v1::types::TypeRow {
        cloud: covered.cloud.clone(),
        native_type: covered.native_type.clone(),
        types: covered.terraform.iter().map(|terraform| terraform.resource_type.clone()).collect(),
        import_id: covered.terraform.first().map(|terraform| terraform.import_id.clone()),
        proven: !covered.terraform.is_empty() && covered.terraform.iter().all(|terraform| terraform.proof.is_some()),
        source: covered.sources.first().cloned(),
        regional: !covered.is_global,
        parent: covered.parent.clone(),
        attributes: covered.attributes.clone(),
        permissions: covered.permissions.clone(),
    }
}

/// Writes what was checked.
pub(crate) fn doctor(checks: &[Check]) -> anyhow::Result<()> {
    output::write_stdout(|out| {
        for check in checks {
            let word = match check.status {
                CheckStatus::Passed => "ok",
                CheckStatus::Warned => "warning",
                CheckStatus::Failed => "failed",
            };
            writeln!(out, "{word:<8} {:<10} {}", check.name, report::text::escape_controls(&check.detail))?;
            for help in &check.help {
                writeln!(out, "{:19} {}", "", report::text::escape_controls(help))?;
            }
        }
        Ok(())
    })
}

/// What an adoption came to, and what was done with it.
pub(crate) struct Adopted<'a> {
    /// The answer.
    pub(crate) answer: &'a AdoptAnswer,
    /// The folder of the files.
    pub(crate) folder: &'a str,
    /// The same, as the user named it.
    pub(crate) place: &'a str,
    /// The files that were written.
    pub(crate) files: &'a [String],
    /// What terraform and its like said of them.
    pub(crate) certificates: &'a [Certificate],
    /// What to do next.
    pub(crate) next: &'a [String],
}

/// Writes what became of the unmanaged objects.
pub(crate) fn adopt(session: &Session, adopted: &Adopted<'_>, format: &FormatArgs) -> anyhow::Result<()> {
    let answer = adopted.answer;
    let findings = &answer.comparison.verdict.findings;
    let items: Vec<v1::adopt::AdoptItem<'_>> = answer
        .objects
        .iter()
        .map(|object| v1::adopt::AdoptItem {
            finding: &findings[object.position],
            to: object.to.as_ref(),
            status: &object.status,
            source: object.source.as_ref(),
            n_probes: object.n_probes,
        })
        .collect();
    let variables: Vec<_> = answer.variables.iter().map(|variable| &variable.variable).collect();
    let statistics = &answer.statistics;
    let is_json = format.format() == FormatName::Json;
    let report = v1::adopt::AdoptReport {
        as_of: answer.comparison.verdict.as_of,
        is_complete: answer.comparison.verdict.is_complete,
        out_dir: Some(if is_json { adopted.folder } else { adopted.place }),
        files: adopted.files,
        items: &items,
        variables: &variables,
        effort: v1::adopt::AdoptEffort {
            n_searched: statistics.n_searched,
            n_resumed: statistics.n_resumed,
            n_left: statistics.n_left,
            probes_median: statistics.probes_median,
            probes_max: statistics.probes_max,
            calls: Cow::Borrowed(&statistics.calls),
        },
        certificates: adopted.certificates,
        diagnostics: &answer.diagnostics,
    };
    if is_json {
        return output::write_stdout(|out| format::json::write(&v1::adopt::Document(&report), out));
    }
    let style = Style {
        width: output::width(&session.environment),
        top: format.show.top(),
        see_all: "--all shows them".to_owned(),
        ..Style::plain()
    };
    output::write_stdout(|out| format::adopt::write(&report, adopted.next, &style, out))
}

/// Gives the text of the mapping file.
pub(crate) fn mapping(
    answer: &AdoptAnswer,
    root: Option<&str>,
    module_sources: &BTreeMap<String, String>,
) -> anyhow::Result<String> {
    let mut adoptions = answer.adoptions();
    for (adoption, object) in adoptions.iter_mut().zip(&answer.objects) {
        // Where it became part of a group, that is its address.
        if let (AdoptionStep::Import { to, .. }, Some(address)) = (&mut adoption.step, &object.to) {
            to.clone_from(address);
        }
    }
    let mut text = Vec::new();
    v1::write(&v1::mapping::Document { root, adoptions: &adoptions, module_sources }, true, &mut text)?;
    Ok(String::from_utf8(text)?)
}

/// Reads the word of `--values`.
pub(crate) fn values(word: &str) -> Result<Values, String> {
    Values::from_word(word).ok_or_else(|| format!("`{word}` is neither `none` nor `safe`"))
}
