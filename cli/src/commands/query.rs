//! `driftmgr query`.

use std::time::Duration;

use clap::Args;
use engine::{QueryRequest, Session};

use crate::args::{FormatArgs, StoreArgs, duration};
use crate::render;

/// Ask the store what exists
///
/// Answers from the last scan at once, and says as of when and whether that was complete. An answer is never empty
/// because nothing was scanned: that is an error.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  driftmgr query --type aws_instance --region eu-central-1\n  driftmgr query --tag owner=web --json\n  driftmgr query --where instance_type=t3.micro"
)]
pub(crate) struct Arguments {
    /// A Terraform or native type, as a glob; may be repeated
    #[arg(long = "type", value_name = "GLOB")]
    types: Vec<String>,
    /// An account; may be repeated
    #[arg(long, value_name = "ID")]
    account: Vec<String>,
    /// A region; may be repeated
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// Only what carries this tag, or this tag with this value; may be repeated
    #[arg(long, value_name = "KEY[=VALUE]")]
    tag: Vec<String>,
    /// A name, as a glob
    #[arg(long, value_name = "GLOB")]
    name: Option<String>,
    /// The object with this import id
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The object with this ARN
    #[arg(long, value_name = "ARN")]
    arn: Option<String>,
    /// A condition on an attribute, such as `instance_type=t3.micro`; may be repeated. Reads every object that the other
    /// options leave
    #[arg(long = "where", value_name = "CONDITION")]
    conditions: Vec<String>,
    /// Also what is gone
    #[arg(long)]
    include_gone: bool,
    /// The most objects to print; the total is always said
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: u32,
    /// How many objects to leave out at the start
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u32,
    /// How old the answer may be; an older one is an error
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    max_age: Option<Duration>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn run(arguments: &Arguments, store: &StoreArgs, session: &Session) -> anyhow::Result<u8> {
    let request = QueryRequest {
        store: session.store_path(store.store.as_deref())?,
        types: arguments.types.clone(),
        accounts: arguments.account.clone(),
        regions: arguments.region.clone(),
        tags: arguments.tag.clone(),
        name: arguments.name.clone(),
        import_id: arguments.id.clone(),
        arn: arguments.arn.clone(),
        conditions: arguments.conditions.clone(),
        include_gone: arguments.include_gone,
        limit: Some(arguments.limit),
        offset: arguments.offset,
        max_age: arguments.max_age,
    };
    let answer = engine::query(session, &request)?;
    render::query(session, answer, &arguments.format)?;
    Ok(0)
}
