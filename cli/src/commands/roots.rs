//! `driftmgr roots`.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use engine::Session;
use engine::roots::Repository;

use crate::{failure, output};

/// List the root modules of a repository, as driftmgr.yaml names them or as they are found
///
/// Without driftmgr.yaml, a folder is taken for a root module where it says where its state is, where terraform was run
/// or given values, or where it configures providers and nothing calls it. What atlantis.yaml, digger.yml, Terragrunt and
/// Terramate name counts before that.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  driftmgr roots\n  driftmgr roots --print\n  driftmgr roots --write")]
pub(crate) struct Arguments {
    /// A folder of the repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Print them as a driftmgr.yaml
    #[arg(long, conflicts_with = "write")]
    print: bool,
    /// Write them to driftmgr.yaml in the topmost folder; a file that is there is left alone
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> anyhow::Result<u8> {
    let repository = Repository::open(session, &arguments.dir);
    failure::print_diagnostics(&repository.diagnostics);
    let is_faulty = model::diagnostic::has_errors(&repository.diagnostics);
    if arguments.print {
        output::write_stdout(|out| out.write_all(repository.to_text().as_bytes()))?;
    } else if arguments.write {
        let path = repository.directory.join("driftmgr.yaml");
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let mut file = file.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => anyhow::anyhow!(
                "{} is there already and is left as it is; `driftmgr roots --print` shows what would be written",
                path.display()
            ),
            _ => anyhow::Error::new(error).context(format!("{} cannot be written", path.display())),
        })?;
        file.write_all(repository.to_text().as_bytes()).with_context(|| format!("write {}", path.display()))?;
        output::write_stdout(|out| writeln!(out, "Wrote {}.", path.display()))?;
    } else {
        output::write_stdout(|out| {
            let rows: Vec<Vec<String>> = repository
                .roots
                .iter()
                .map(|root| {
                    let workspace = root.workspace.clone().unwrap_or_default();
                    [&root.name, &root.directory, &workspace, &root.owners.join(", "), &root.evidence]
                        .map(|text| report::text::escape_controls(text).into_owned())
                        .to_vec()
                })
                .collect();
            let header = ["NAME", "FOLDER", "WORKSPACE", "OWNERS", "WHY"];
            report::format::table::write(&header, &rows, output::table_width(&session.environment), out)?;
            let noun = if rows.len() == 1 { "root module" } else { "root modules" };
            writeln!(out, "\n{} {noun} in {}.", rows.len(), repository.directory.display())
        })?;
    }
    Ok(u8::from(is_faulty))
}
