//! `driftmgr scan`.

use std::path::PathBuf;

use clap::Args;
use engine::{ScanRequest, Session};

use crate::args::{CloudArgs, FormatArgs, StoreArgs};
use crate::render;

/// Look at the cloud and store what exists
///
/// Asks every type of the catalog in every chosen region, many at once and no faster than the services allow. What could
/// not be seen is said and never counts as gone. Ends with 3 where something could not be seen.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  driftmgr scan\n  driftmgr scan --profile prod --profile stage --region all\n  driftmgr scan --type 'aws_iam_*'"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    cloud: CloudArgs,
    /// A root module whose provider blocks name regions too
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// End with 0 instead of 3 where something could not be seen
    #[arg(long)]
    allow_incomplete: bool,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) async fn run(arguments: Arguments, store: &StoreArgs, session: &Session) -> anyhow::Result<u8> {
    let request = ScanRequest {
        scope: arguments.cloud.request(),
        store: session.store_path(store.store.as_deref())?,
        dir: arguments.dir,
    };
    let answer = engine::scan(session, &request).await?;
    render::scan(session, &answer, &arguments.format)?;
    let is_complete = answer.outcomes.iter().all(|outcome| outcome.status == model::ScopeStatus::Complete);
    Ok(drift::exit::decide(drift::exit::Outcome {
        judges: false,
        n_failing: 0,
        has_errors: false,
        is_complete,
        allow_incomplete: arguments.allow_incomplete,
    })
    .code())
}
