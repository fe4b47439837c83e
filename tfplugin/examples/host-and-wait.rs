//! Starts a provider, prints the id of its process, and waits to be killed.
//!
//! A test kills it, and then sees whether the provider is gone too.

use std::io::Write;
use std::time::Duration;

use tfplugin::host::{Launch, Supervised};
use tfplugin::{Call, Provider};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().ok_or("usage: host-and-wait PROGRAM [ARGUMENT]...")?;
    let launch = Launch { arguments: arguments.collect(), ..Launch::new(program, std::env::vars_os()) };
    let provider = Supervised::new(launch);
    provider.schema(&Call::within(Duration::from_mins(1))).await?;
    let id = provider.process_id().await.ok_or("the provider ended at once")?;
    writeln!(std::io::stdout(), "{id}")?;
    std::future::pending::<()>().await;
    Ok(())
}
