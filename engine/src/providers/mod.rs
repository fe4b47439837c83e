//! Where the programs of providers are, and whether they are the ones that were locked.
//!
//! Terraform's rules, and `OpenTofu`'s where they differ: what is attached to and what developers put in front come
//! first, then what `init` installed into the data folder, then the places `init` would install from. A program is only
//! found here, never started.
//!
//! **Start reading** at [`Finder::find`].

mod cli_config;
mod configuration;
#[cfg(test)]
mod configuration_tests;
mod finder;
mod hash;
#[cfg(all(test, unix))]
mod init_tests;
mod lock;
mod package;
mod rc;
mod reattach;
mod version;

use std::fmt;
use std::path::PathBuf;

use model::{ParseAddressError, ProviderAddress};

pub(crate) use configuration::Configurations;
pub(crate) use finder::Finder;

/// A provider that can be talked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundProvider {
    /// The address under which it was found: that of the other public registry, or with another namespace, where the
    /// one asked for is not there but means the same provider.
    pub(crate) address: ProviderAddress,
    /// Its version, where a lock file or a folder tells.
    pub(crate) version: Option<String>,
    /// How to reach it.
    pub(crate) source: ProviderSource,
    /// Whether it is the one that was locked.
    pub(crate) verification: Verification,
}

/// How a provider is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProviderSource {
    /// It is started.
    Program {
        /// The program.
        path: PathBuf,
        /// The kind of place it lies in.
        place: Place,
    },
    /// It runs already, started by somebody who wants to debug it.
    Reattach(Reattach),
}

/// A provider that runs already, as `TF_REATTACH_PROVIDERS` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reattach {
    /// The major version of the plugin protocol: 5 or 6.
    pub(crate) protocol_version: u32,
    /// The kind of address.
    pub(crate) network: Network,
    /// The path of a socket, or a loopback address with its port.
    pub(crate) address: String,
    /// The process.
    pub(crate) pid: u32,
    /// Whether it is a test's: such a process must not be ended.
    pub(crate) is_test: bool,
}

/// What a running provider listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// A Unix domain socket.
    Unix,
    /// A TCP port of this machine.
    Tcp,
}

/// A place where programs of providers lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The root module's data folder, where `init` installs.
    DataFolder,
    /// The plugin cache.
    PluginCache,
    /// A filesystem mirror that the CLI configuration names.
    FilesystemMirror(PathBuf),
    /// A filesystem mirror that counts because it exists.
    ImpliedMirror(PathBuf),
    /// The folder of a `dev_overrides` entry.
    DevOverride(PathBuf),
}

/// Says whether a program is the one that was locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    /// Its hash is in the lock file.
    Verified {
        /// The scheme of the hash: `h1` (the unpacked folder) or `zh` (the archive it came in).
        by: &'static str,
    },
    /// Nothing says which hash it should have.
    Unverified {
        /// Why, as a clause.
        reason: String,
    },
}

impl FoundProvider {
    /// Says in a sentence why the provider was found under another address than the one asked for, where it was.
    pub(crate) fn note(&self, asked: &ProviderAddress) -> Option<String> {
        if self.address == *asked {
            return None;
        }
        Some(if &*asked.namespace == "-" {
            format!("{asked} is how Terraform wrote addresses before 0.13; it is taken for {}.", self.address)
        } else {
            format!("{asked} is not here, but {} is: the two registries serve the same provider.", self.address)
        })
    }
}

impl fmt::Display for ProviderSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { path, place } => write!(f, "{} ({place})", path.display()),
            Self::Reattach(reattach) => write!(
                f,
                "process {} at {}, protocol {} (TF_REATTACH_PROVIDERS)",
                reattach.pid, reattach.address, reattach.protocol_version
            ),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataFolder => f.write_str("data folder"),
            Self::PluginCache => f.write_str("plugin cache"),
            Self::FilesystemMirror(folder) => write!(f, "filesystem mirror {}", folder.display()),
            Self::ImpliedMirror(folder) => write!(f, "local mirror {}", folder.display()),
            Self::DevOverride(_) => f.write_str("dev_overrides"),
        }
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified { by } => write!(f, "verified by its {by} hash in the lock file"),
            Self::Unverified { reason } => write!(f, "unverified: {reason}"),
        }
    }
}

/// The CLI a root module is used with, as far as it shows: they differ in where they look first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cli {
    Terraform,
    Tofu,
}

impl fmt::Display for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terraform => "terraform",
            Self::Tofu => "tofu",
        })
    }
}

/// Reads a provider's address as people write it: Terraform makes it lower-case.
fn parse_address(text: &str) -> Result<ProviderAddress, ParseAddressError> {
    text.to_lowercase().parse()
}
