//! Downloads Go modules through the `go` command and builds the programs in them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{run_command, search_path};

/// A program that can be built where its Go module was unpacked.
pub(super) struct GoProgram {
    module: &'static str,
    pub(super) version: &'static str,
    package: &'static str,
    /// Sets the version that the program reports.
    version_flag: &'static str,
}

pub(super) const TOFU: GoProgram = GoProgram {
    module: "github.com/opentofu/opentofu",
    version: "1.12.6",
    package: "./cmd/tofu",
    version_flag: "github.com/opentofu/opentofu/version.dev=no",
};

pub(super) const TIME: GoProgram = GoProgram {
    module: "github.com/hashicorp/terraform-provider-time",
    version: "0.14.2",
    package: ".",
    version_flag: "main.version=0.14.2",
};

/// Builds a program with its own module as the main module.
///
/// So its `replace` directives and checksums hold as its authors meant them, and none has to be repeated here.
pub(super) fn build_in_module_cache(program: &GoProgram, target: &Path) -> Result<()> {
    let source = download(program.module, &format!("v{}", program.version))?;
    build(&source, program.package, program.version_flag, target)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DownloadedModule {
    dir: PathBuf,
}

/// Downloads a module, checks it against the checksum database and returns where it was unpacked.
pub(super) fn download(module: &str, version: &str) -> Result<PathBuf> {
    let output = run_command(go()?.args(["mod", "download", "-json", &format!("{module}@{version}")]))?;
    let downloaded: DownloadedModule =
        serde_json::from_str(&output).with_context(|| format!("go mod download answered {output:?}"))?;
    Ok(downloaded.dir)
}

/// Builds a package of a module; the target appears only once it is whole.
pub(super) fn build(source: &Path, package: &str, version_flag: &str, target: &Path) -> Result<()> {
    let mut part = OsString::from(target);
    part.push(".part");
    // `-p 2` bounds the memory: the largest compile step of the AWS provider takes 3.6 GB alone.
    run_command(
        go()?
            .current_dir(source)
            .args(["build", "-p", "2", "-trimpath", "-buildvcs=false", "-mod=readonly"])
            .arg(format!("-ldflags=-s -w -X {version_flag}"))
            .arg("-o")
            .arg(&part)
            .arg(package),
    )?;
    std::fs::rename(&part, target).with_context(|| format!("cannot create {}", target.display()))
}

/// Returns this machine's platform as Terraform writes it, such as `linux_amd64`.
pub(super) fn platform() -> Result<String> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("no Terraform platform is known for the architecture {other:?}"),
    };
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    Ok(format!("{system}_{architecture}"))
}

fn go() -> Result<Command> {
    let program = search_path("go").context("Go 1.26 or later is needed (https://go.dev/dl)")?;
    let mut command = Command::new(program);
    command.env("GOWORK", "off").env("CGO_ENABLED", "0");
    Ok(command)
}
