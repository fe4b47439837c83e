//! The `terraform-provider-driftmgr` binary: what exists, drifted and is unmanaged, as data sources, and functions.
//!
//! **Owns** the provider's schema, the values of its data sources, its functions, and its documentation pages.
//!
//! **May not know** states, clouds or files: it asks [`engine`] and turns the answer into a value.
//!
//! **Start reading** at `data/mod.rs`, then one data source; `fresh.rs` decides when the cloud is asked.
//!
//! **A good addition** is a data source: one file in `data/` with its schema and its reading, one line in
//! [`data::ALL`](data), an example under `examples/data-sources/`. Its page in `docs/` is generated
//! (`DRIFTMGR_BLESS=1 cargo test -p terraform-provider-driftmgr --test docs`). A function is the same, in `function/` and
//! `examples/functions/`.

mod arguments;
mod data;
pub mod docs;
mod fresh;
mod function;
mod provider;
mod schema;
mod settings;
mod values;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tfplugin::server::{self, ListenOn, Mode, Options};

/// The provider's address in the public registry.
pub const ADDRESS: &str = "registry.terraform.io/catherinevee/driftmgr";

const USAGE: &str = "\
This program is a provider plugin that terraform or tofu starts.

  --reattach  serve until interrupted, and print the value of TF_REATTACH_PROVIDERS by which terraform finds this server
  --version   print the version
";

/// Runs the program with its arguments and environment.
pub fn run(arguments: impl Iterator<Item = OsString>, vars: impl Iterator<Item = (OsString, OsString)>) -> ExitCode {
    let vars: Vec<(OsString, OsString)> = vars.collect();
    let mut mode = Mode::Plugin;
    for argument in arguments {
        match argument.to_str() {
            Some("--reattach") => mode = Mode::Reattach,
            Some("--version") => return print(&format!("{}\n", env!("CARGO_PKG_VERSION")), ExitCode::SUCCESS),
            Some("--help") => return print(USAGE, ExitCode::SUCCESS),
            _ => return print(USAGE, ExitCode::FAILURE),
        }
    }
    let text_vars: Vec<(String, String)> =
        vars.iter().filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))).collect();
    let environment = engine::Environment::new(text_vars, std::env::home_dir());
    tfplugin::log::install("driftmgr", environment.get("TF_LOG_PROVIDER").or_else(|| environment.get("TF_LOG")));
    let current_dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    server::run(
        Arc::new(provider::Driftmgr::new(engine::Session::new(environment, current_dir))),
        Options {
            address: ADDRESS.parse().expect("the address is well-formed"),
            mode,
            listen_on: ListenOn::of_this_platform(),
            environment: server::PluginEnvironment::from_vars(vars),
            temp_dir: std::env::temp_dir(),
        },
    )
}

fn print(text: &str, code: ExitCode) -> ExitCode {
    // Without standard output there is nobody to tell.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    code
}
