//! Finds server programs that Debian packages, and installs the packages where that changes nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{run_command, search_path};

/// A program of a Debian package.
pub(super) struct DebianProgram {
    pub(super) package: &'static str,
    program: &'static str,
    /// Looked into before the search path is.
    folders: &'static [&'static str],
}

/// The script itself: the one on the search path changes to the user of the system's own broker.
pub(super) const RABBITMQ_SERVER: DebianProgram =
    DebianProgram { package: "rabbitmq-server", program: "rabbitmq-server", folders: &["/usr/lib/rabbitmq/bin"] };

pub(super) const ETCD: DebianProgram =
    DebianProgram { package: "etcd-server", program: "etcd", folders: &["/usr/bin", "/usr/sbin"] };

/// Returns the program where it is installed, from Debian or otherwise.
pub(super) fn find(program: &DebianProgram) -> Result<PathBuf> {
    let found =
        program.folders.iter().map(|folder| Path::new(folder).join(program.program)).find(|path| path.is_file());
    match found {
        Some(path) => Ok(path),
        None => search_path(program.program)
            .with_context(|| format!("{0} is not installed (Debian: apt-get install {0})", program.package)),
    }
}

/// Installs the package, as root and where no service manager runs that would start the server.
pub(super) fn install(program: &DebianProgram) -> Result<()> {
    let package = program.package;
    let apt_get = search_path("apt-get").with_context(|| format!("{package} must be installed by hand"))?;
    if run_command(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("only root can install it; run `apt-get install {package}`");
    }
    let first_process = fs::read_to_string("/proc/1/comm").unwrap_or_default();
    if matches!(first_process.trim(), "systemd" | "init" | "runit" | "openrc-init") {
        bail!("{} would start it as a service of this machine; run `apt-get install {package}`", first_process.trim());
    }
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new(&apt_get);
        command.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-o", "DPkg::Lock::Timeout=300"]).args(arguments);
        run_command(&mut command).map(drop)
    };
    let arguments = ["install", "-y", "--no-install-recommends", package];
    apt_get(&arguments).or_else(|_| apt_get(&["update"]).and_then(|()| apt_get(&arguments)))
}
