//! `driftmgr doctor`.

use std::path::PathBuf;

use clap::Args;
use engine::{CheckStatus, DoctorRequest, Session};

use crate::args::StoreArgs;
use crate::render;

/// Check the surroundings: whose account this is, what can be seen, where the store is
///
/// Reads only. Ends with 1 where a command could not work as things are.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// A named profile; may be repeated [default: the environment's own credentials]
    #[arg(long, value_name = "NAME")]
    profile: Vec<String>,
    /// A root module to look at [default: the current folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// A folder of definitions laid over the built-in catalog
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
}

pub(crate) async fn run(arguments: Arguments, store: &StoreArgs, session: &Session) -> anyhow::Result<u8> {
    let request = DoctorRequest {
        profiles: arguments.profile,
        dir: arguments.dir,
        catalog: arguments.catalog,
        store: session.store_path(store.store.as_deref())?,
    };
    let checks = engine::doctor(session, &request).await;
    render::doctor(&checks)?;
    Ok(u8::from(checks.iter().any(|check| check.status == CheckStatus::Failed)))
}
