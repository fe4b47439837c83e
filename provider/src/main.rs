//! The binary that terraform and tofu start.

use std::process::ExitCode;

fn main() -> ExitCode {
    terraform_provider_driftmgr::run(std::env::args_os().skip(1), std::env::vars_os())
}
