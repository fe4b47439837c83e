//! `driftmgr state`.

use clap::{Args, Subcommand};
use engine::Session;
use engine::request::StatesRequest;

use crate::{failure, output};

/// Look into a state
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the addresses in a state: the lines `terraform state list` prints, without terraform
    ///
    /// Needs no provider, no init and no lock, and works where the state is found: a file, a root module, s3, or standard
    /// input, as in `terraform state pull | driftmgr state list -`.
    List {
        /// A file, a folder, an s3:// URL, or `-` for standard input [default: the root module in the current folder]
        #[arg(value_name = "PATH|URL|-")]
        state: Option<String>,
    },
}

pub(crate) async fn run(arguments: Arguments, session: &Session) -> anyhow::Result<u8> {
    let Action::List { state } = arguments.action;
    let request = StatesRequest { locations: state.into_iter().collect(), ..StatesRequest::default() };
    let (list, diagnostics) = engine::states::list(session, &request).await?;
    failure::print_diagnostics(&diagnostics);
    output::write_stdout(|out| list.iter().try_for_each(|address| writeln!(out, "{address}")))?;
    Ok(0)
}
