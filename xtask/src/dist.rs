//! `cargo xtask dist`: lays out a release as the registries want it, and the command line beside it.
//!
//! The layout is that of the Terraform registry's "Publish providers" page: a zip per platform, the manifest, SHA256SUMS
//! over both, and a detached binary signature of the sums. The same input gives the same bytes: names are sorted, and
//! the archives carry no time.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::repository;

/// The release that is laid out: the version of every crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What `cargo xtask dist` is asked for.
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder to fill; it must be empty or not there
    #[arg(long, default_value = "target/dist")]
    out: PathBuf,
    /// Take the programs from this folder instead of building them in release mode
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// Sign SHA256SUMS with this key of gpg's (RSA or DSA: the registry accepts no other)
    #[arg(long, value_name = "KEY")]
    sign: Option<String>,
    /// Lay out a filesystem mirror of the provider too, for `provider_installation { filesystem_mirror {} }`
    #[arg(long)]
    mirror: bool,
}

/// Lays out the release and prints what was written.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let out = repository().join(&arguments.out);
    let programs = match &arguments.bin_dir {
        Some(folder) => repository().join(folder),
        None => build()?,
    };
    lay_out(&out, &programs, arguments.sign.as_deref(), arguments.mirror)?;
    if arguments.sign.is_none() {
        println!("unsigned: a registry wants a signature, give a key with --sign");
    }
    for path in files_below(&out)? {
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Fills `out`, which must be empty or not there, with the release of the programs in a folder.
pub fn lay_out(out: &Path, programs: &Path, key: Option<&str>, with_mirror: bool) -> anyhow::Result<()> {
    ensure!(
        !out.exists() || fs::read_dir(out)?.next().is_none(),
        "{} is not empty: a released file is never replaced; remove it or choose another with --out",
        out.display()
    );
    let platform = platform()?;

    let provider = out.join("provider");
    let stem = format!("terraform-provider-driftmgr_{VERSION}");
    let archive = format!("{stem}_{platform}.zip");
    pack(
        &provider.join(&archive),
        &[
            (&programs.join("terraform-provider-driftmgr"), &format!("terraform-provider-driftmgr_v{VERSION}"), 0o755),
            (&repository().join("LICENSE"), "LICENSE", 0o644),
        ],
    )?;
    let manifest = format!("{stem}_manifest.json");
    fs::copy(repository().join("terraform-registry-manifest.json"), provider.join(&manifest))
        .context("copy terraform-registry-manifest.json")?;
    let sums = provider.join(format!("{stem}_SHA256SUMS"));
    write_sums(&provider, &[archive.as_str(), manifest.as_str()], &sums)?;

    let cli = out.join("cli");
    let cli_archive = format!("driftmgr_{VERSION}_{platform}.zip");
    pack(
        &cli.join(&cli_archive),
        &[
            (&programs.join("driftmgr"), "driftmgr", 0o755),
            (&repository().join("LICENSE"), "LICENSE", 0o644),
            (&repository().join("README.md"), "README.md", 0o644),
        ],
    )?;
    let cli_sums = cli.join(format!("driftmgr_{VERSION}_SHA256SUMS"));
    write_sums(&cli, &[cli_archive.as_str()], &cli_sums)?;

    for sums in [&sums, &cli_sums] {
        if let Some(key) = key {
            sign(sums, key)?;
        }
    }
    if with_mirror {
        for host in ["registry.terraform.io", "registry.opentofu.org"] {
            let folder = out.join("mirror").join(host).join("catherinevee/driftmgr");
            fs::create_dir_all(&folder)?;
            fs::copy(provider.join(&archive), folder.join(&archive))?;
        }
    }
    Ok(())
}

/// Builds the programs in release mode, with no path of this machine in them.
fn build() -> anyhow::Result<PathBuf> {
    let root = repository();
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from).join("dist-build");
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
        .context("neither CARGO_HOME nor HOME is set")?;
    let flags =
        format!("--remap-path-prefix={}=/driftmgr --remap-path-prefix={}=/cargo", root.display(), cargo_home.display());
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--locked", "--package", "driftmgr", "--package", "terraform-provider-driftmgr"])
        .env("RUSTFLAGS", flags)
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(&root)
        .status()
        .context("run cargo")?;
    ensure!(status.success(), "the release build failed, see above");
    Ok(target.join("release"))
}

/// Names this platform as the registries do: `linux_amd64`.
fn platform() -> anyhow::Result<String> {
    let os = match std::env::consts::OS {
        "linux" => "linux",
        "macos" => "darwin",
        "windows" => "windows",
        os => bail!("the registries have no name for the system {os}"),
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "arm" => "arm",
        architecture => bail!("the registries have no name for the architecture {architecture}"),
    };
    Ok(format!("{os}_{architecture}"))
}

/// Writes a zip whose bytes depend on the names, modes and contents alone.
fn pack(path: &Path, entries: &[(&PathBuf, &str, u32)]) -> anyhow::Result<()> {
    fs::create_dir_all(path.parent().context("an archive lies in a folder")?)?;
    let mut archive = ZipWriter::new(fs::File::create(path).with_context(|| format!("make {}", path.display()))?);
    for (source, name, mode) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(6))
            .last_modified_time(DateTime::default())
            .unix_permissions(*mode);
        archive.start_file(*name, options)?;
        archive.write_all(&fs::read(source).with_context(|| format!("read {}", source.display()))?)?;
    }
    archive.finish()?;
    Ok(())
}

fn write_sums(folder: &Path, names: &[&str], path: &Path) -> anyhow::Result<()> {
    let mut sums = String::new();
    let mut names = names.to_vec();
    names.sort_unstable();
    for name in names {
        writeln!(sums, "{}  {name}", hex::encode(Sha256::digest(fs::read(folder.join(name))?)))?;
    }
    fs::write(path, sums).with_context(|| format!("write {}", path.display()))
}

fn sign(sums: &Path, key: &str) -> anyhow::Result<()> {
    let mut signature = sums.as_os_str().to_owned();
    signature.push(".sig");
    let status = Command::new("gpg")
        .args(["--batch", "--yes", "--local-user", key, "--output"])
        .arg(&signature)
        .arg("--detach-sign")
        .arg(sums)
        .status()
        .context("run gpg: install gnupg, or leave --sign out")?;
    ensure!(status.success(), "gpg did not sign {}", sums.display());
    Ok(())
}

fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}
