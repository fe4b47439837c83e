//! Downloads Go modules through the `go` command and builds the programs in them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{run_command, search_path};

/// A program that can be built as its authors meant it.
pub(super) struct GoProgram {
    source: Source,
    pub(super) version: &'static str,
    package: &'static str,
    /// Sets the version that the program reports.
    version_flag: &'static str,
    /// The file name in the cache, before the version.
    pub(super) file_name: &'static str,
    /// What the build costs, for the person who waits; empty where it costs little.
    pub(super) cost: &'static str,
}

/// Where the main module of a build lies.
enum Source {
    /// The program's own module, where Go unpacked it: its `replace` directives and checksums hold as its authors meant
    /// them, and none has to be repeated here. The path is the one Go serves it under, whatever it calls itself.
    Module(&'static str),
    /// A module in this repository, which requires the program's: for modules that cannot be a main module themselves.
    Repository(&'static str),
}

pub(super) const TOFU: GoProgram = GoProgram {
    source: Source::Module("github.com/opentofu/opentofu"),
    version: "1.12.6",
    package: "./cmd/tofu",
    version_flag: "github.com/opentofu/opentofu/version.dev=no",
    file_name: "tofu",
    cost: "some 4 CPU minutes",
};

pub(super) const TIME: GoProgram = GoProgram {
    source: Source::Module("github.com/hashicorp/terraform-provider-time"),
    version: "0.14.2",
    package: ".",
    version_flag: "main.version=0.14.2",
    file_name: "terraform-provider-time",
    cost: "",
};

pub(super) const RABBITMQ: GoProgram = GoProgram {
    source: Source::Module("github.com/cyrilgdn/terraform-provider-rabbitmq"),
    version: "1.8.0",
    package: ".",
    version_flag: "main.version=1.8.0",
    file_name: "terraform-provider-rabbitmq",
    cost: "",
};

pub(super) const KUBECTL: GoProgram = GoProgram {
    source: Source::Module("github.com/gavinbunney/terraform-provider-kubectl"),
    version: "1.19.0",
    package: ".",
    version_flag: "main.version=1.19.0",
    file_name: "terraform-provider-kubectl",
    cost: "some 2 CPU minutes",
};

/// Its repository's folders of other modules are not in its module, so it builds from a module of ours.
pub(super) const KUBE_APISERVER: GoProgram = GoProgram {
    source: Source::Repository("acceptance-tests/kubernetes/apiserver"),
    version: "1.37.2",
    package: ".",
    version_flag: "k8s.io/component-base/version.gitVersion=v1.37.2",
    file_name: "kube-apiserver",
    cost: "some 7 CPU minutes, 2.4 GB of memory",
};

pub(super) const EXOSCALE: GoProgram = GoProgram {
    source: Source::Module("github.com/exoscale/terraform-provider-exoscale"),
    version: "0.60.0",
    package: ".",
    version_flag: "github.com/exoscale/terraform-provider-exoscale/version.Version=0.60.0",
    file_name: "terraform-provider-exoscale",
    cost: "a CPU minute",
};

pub(super) const ALICLOUD: GoProgram = GoProgram {
    source: Source::Module("github.com/aliyun/terraform-provider-alicloud"),
    version: "1.240.0",
    package: ".",
    version_flag: "main.version=1.240.0",
    file_name: "terraform-provider-alicloud",
    cost: "some 9 CPU minutes, 5.6 GB of memory",
};

/// The version is that of the library, and a number that counts the changes of the program.
pub(super) const HCLSYNTAX: GoProgram = GoProgram {
    source: Source::Repository(crate::hclsyntax::SOURCES),
    version: "2.24.0-1",
    package: ".",
    version_flag: "main.version=2.24.0-1",
    file_name: "hclsyntax",
    cost: "",
};

pub(super) const ACTIONLINT: GoProgram = GoProgram {
    source: Source::Module("github.com/rhysd/actionlint"),
    version: "1.7.12",
    package: "./cmd/actionlint",
    version_flag: "github.com/rhysd/actionlint.version=1.7.12",
    file_name: "actionlint",
    cost: "",
};

/// Builds a program.
pub(super) fn build_program(program: &GoProgram, target: &Path) -> Result<()> {
    let source = match program.source {
        Source::Module(path) => download(path, &format!("v{}", program.version))?,
        Source::Repository(folder) => crate::repository().join(folder),
    };
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

/// Returns where Go has unpacked a module that another one, in this repository, requires; downloads it unless it is there.
pub(crate) fn required(sources: &str, module: &str) -> Result<PathBuf> {
    let sources = crate::repository().join(sources);
    let output = run_command(go()?.current_dir(sources).args(["mod", "download", "-json", module]))?;
    let downloaded: DownloadedModule =
        serde_json::from_str(&output).with_context(|| format!("go mod download answered {output:?}"))?;
    Ok(downloaded.dir)
}

fn go() -> Result<Command> {
    let program = search_path("go").context("Go 1.26 or later is needed (https://go.dev/dl)")?;
    let mut command = Command::new(program);
    command.env("GOWORK", "off").env("CGO_ENABLED", "0");
    Ok(command)
}
