//! `driftmgr types`.

use std::path::PathBuf;

use clap::Args;
use engine::Session;

use crate::args::FormatArgs;
use crate::{output, render};

/// List the types that can be found, and the permissions that takes
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Terraform or native types, as globs [default: all]
    #[arg(value_name = "GLOB")]
    types: Vec<String>,
    /// Print the least policy that lets a principal look for these types, instead of the list
    #[arg(long)]
    permissions: bool,
    /// A folder of definitions laid over the built-in catalog
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> anyhow::Result<u8> {
    if arguments.permissions {
        let policy = engine::policy(session, &arguments.types, arguments.catalog.as_deref())?;
        let text = serde_json::to_string_pretty(&policy)?;
        output::write_stdout(|out| writeln!(out, "{text}"))?;
        return Ok(0);
    }
    let types = engine::types(session, &arguments.types, arguments.catalog.as_deref())?;
    render::types(session, &types, &arguments.format)?;
    Ok(0)
}
