//! Prints what `terraform state list` prints: `state_list PATH|URL|-`.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use net::Environment;
use tfstate::StateSnapshot;
use tfstate::backend::{self, Context, Location};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let location = std::env::args().nth(1).unwrap_or_else(|| "-".to_owned());
    match list(&location).await {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "Error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn list(location: &str) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let home = std::env::home_dir();
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let context = Context::new(Environment::new(variables, home));
    let source = backend::open(&Location::parse(location)?, &context)?;
    let file = source.get(source.selected_workspace()).await?;
    let (snapshot, diagnostics) = StateSnapshot::read(file)?;
    for diagnostic in diagnostics {
        writeln!(io::stderr(), "{diagnostic}")?;
    }
    let Some(snapshot) = snapshot else { return Ok(ExitCode::FAILURE) };
    let mut out = BufWriter::new(io::stdout().lock());
    for address in snapshot.index().addresses() {
        writeln!(out, "{address}")?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
