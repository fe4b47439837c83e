//! `driftmgr adopt`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use drift::Question;
use drift::adopt::Choices;
use engine::{AdoptOffer, AdoptRequest, AdoptStyle, Session, Unobserved};

use super::comparison::ComparisonArgs;
use crate::args::{FormatArgs, FormatName, StoreArgs};
use crate::{failure, output, render};

/// Write import blocks for what no state manages
///
/// Writes imports.tf and mapping.json to a new folder, for review: nothing is imported until you apply it. The mapping
/// file says which object goes to which address; edit it (another address, or skip) and feed it back with --mapping.
/// The resource blocks themselves are yours to write, or `terraform plan -generate-config-out` drafts them.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  driftmgr adopt --state live.tfstate --out-dir adopt\n  driftmgr adopt --state live.tfstate --mapping adopt/mapping.json --out-dir adopt2"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    comparison: ComparisonArgs,
    /// The folder to write to; files that are there already are left alone, which is an error
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
    /// A mapping file that an earlier run wrote and a person edited
    #[arg(long, value_name = "PATH")]
    mapping: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) async fn run(arguments: Arguments, store: &StoreArgs, session: &Session) -> anyhow::Result<u8> {
    let choices = match &arguments.mapping {
        Some(path) => {
            let path = session.path(path);
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("could not read the mapping file {}", path.display()))?;
            render::read_mapping(&path, &text)?
        }
        None => Choices::new(),
    };
    let out_dir = session.path(&arguments.out_dir);
    let (imports_path, mapping_path) = (out_dir.join("imports.tf"), out_dir.join("mapping.json"));
    for path in [&imports_path, &mapping_path] {
        anyhow::ensure!(
            !path.exists(),
            "{} exists already and is left as it is: choose another --out-dir, or remove it",
            path.display()
        );
    }
    let request = AdoptRequest {
        comparison: arguments.comparison.request(Question::Unmanaged, store, session)?,
        choices,
        offer: AdoptOffer::default(),
        style: AdoptStyle::default(),
        out_dir: Some(out_dir.clone()),
        limit: None,
        done: BTreeMap::new(),
        is_import_only: true,
    };
    let answer = engine::adopt(session, &request, &Unobserved).await?;
    failure::print_diagnostics(&answer.comparison.diagnostics);
    failure::print_diagnostics(&answer.diagnostics);

    std::fs::create_dir_all(&out_dir).with_context(|| format!("could not make the folder {}", out_dir.display()))?;
    output::write_file(&imports_path, &answer.files["imports.tf"])?;
    let root = arguments.comparison.states.dir.as_deref().map(std::path::Path::to_string_lossy);
    output::write_file(&mapping_path, &render::mapping(&answer, root.as_deref())?)?;
    match arguments.format.format() {
        FormatName::Json => render::adopt(&answer, &out_dir)?,
        FormatName::Terminal | FormatName::Markdown => {
            let n_imported = answer.n_imported();
            let n_skipped = answer.objects.len() - n_imported;
            output::write_stdout(|out| {
                writeln!(out, "{n_imported} import blocks in {}", imports_path.display())?;
                writeln!(out, "{n_skipped} objects left out, each with its reason, in {}", mapping_path.display())
            })?;
        }
    }
    let is_complete = answer.comparison.verdict.is_complete;
    if !is_complete {
        failure::note("Not everything could be seen: `driftmgr unmanaged` with the same options says what.");
    }
    Ok(if is_complete { 0 } else { 3 })
}
