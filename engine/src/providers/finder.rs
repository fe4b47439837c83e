//! Finds the program of a provider, and checks it against the lock file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use model::{Cause, CauseKind, Diagnostic, Diagnostics, ProviderAddress};
use net::Environment;

use super::cli_config::{self, CliConfig, Mirror};
use super::lock::{self, Entry, Lock};
use super::package::{self, Package};
use super::{Cli, FoundProvider, Place, ProviderSource, Reattach, Verification, hash, reattach};
use crate::Session;

const TERRAFORM_HOST: &str = "registry.terraform.io";
const OPENTOFU_HOST: &str = "registry.opentofu.org";

/// Variables that the common CI services set.
const CI_VARIABLES: &[&str] = &[
    "CI",
    "BITBUCKET_BUILD_NUMBER",
    "BUILDKITE",
    "CIRCLECI",
    "CODEBUILD_BUILD_ID",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "JENKINS_URL",
    "TEAMCITY_VERSION",
    "TF_BUILD",
    "TFC_RUN_ID",
];

/// Says which providers may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// Those that the lock file verifies; neither overrides nor running ones. The default in CI.
    Locked,
    /// All but those whose hash contradicts the lock file. The default elsewhere.
    Anything,
}

/// Says so where [`Trust::Locked`] forbids something.
const REFUSED: &str = "in CI, or with DRIFTMGR_TRUST_PROVIDERS=locked, that is refused";
/// The variable that chooses.
const TRUST_VARIABLE: &str = "DRIFTMGR_TRUST_PROVIDERS";

impl Trust {
    /// Gives what the environment chooses, else the default: strict in CI, where a change may come from anybody.
    fn of(environment: &Environment, diagnostics: &mut Diagnostics) -> Self {
        let is_set = |name: &str| {
            environment.get(name).is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
        };
        match environment.get(TRUST_VARIABLE) {
            Some("any") => Self::Anything,
            Some("locked") => Self::Locked,
            Some(other) => {
                let detail = format!("{TRUST_VARIABLE} is {other:?}; `locked` counts instead.");
                let problem = Diagnostic::warning("invalid-trust", "What providers to trust is not known", detail);
                diagnostics.push(problem.with_help("Set it to `any` or to `locked`, or unset it."));
                Self::Locked
            }
            None if CI_VARIABLES.iter().any(|name| is_set(name)) => Self::Locked,
            None => Self::Anything,
        }
    }
}

/// Finds providers for one root module, or for states without one.
///
/// It reads the CLI configuration and the lock file once, and hashes each package once.
#[derive(Debug)]
pub(crate) struct Finder {
    cli: Cli,
    /// Where `init` installs.
    data_folder: Option<PathBuf>,
    config: CliConfig,
    /// The mirrors that count, in order; those of the CLI configuration, or those that are implied.
    mirrors: Vec<(Place, Mirror)>,
    lock: Lock,
    /// Providers that run already; `None` where the variable says something that cannot be used.
    running: Option<BTreeMap<ProviderAddress, Reattach>>,
    trust: Trust,
    /// Hashes by path: of folders `h1`, of archives `zh`.
    hashes: Mutex<BTreeMap<PathBuf, Result<String, String>>>,
}

/// Where an unpacked package was found.
struct Found {
    address: ProviderAddress,
    place: Place,
    package: Package,
}

impl Finder {
    /// Reads what says where providers are. Without a root module there is neither a data folder nor a lock file.
    ///
    /// Reads files, and nothing large.
    pub(crate) fn open(session: &Session, root: Option<&Path>) -> (Self, Diagnostics) {
        let environment = &session.environment;
        let root = root.map(|root| session.path(root));
        let mut diagnostics = Diagnostics::new();
        let lock = match &root {
            None => Lock::NoRoot,
            Some(root) => {
                let (lock, problems) = lock::read(session, root);
                diagnostics.extend(problems);
                lock
            }
        };
        let cli = cli_of(root.as_deref(), &lock);
        let base = root.clone().unwrap_or_else(|| session.current_dir.clone());
        let (config, problems) = cli_config::read(session, &base, cli);
        diagnostics.extend(problems);
        let running = match environment.get(reattach::VARIABLE).map(reattach::parse) {
            None => Some(BTreeMap::new()),
            Some(Ok(running)) => Some(running),
            Some(Err(problem)) => {
                diagnostics.push(*problem);
                None
            }
        };
        let data_folder = root.as_ref().map(|root| root.join(environment.get("TF_DATA_DIR").unwrap_or(".terraform")));
        let mut finder = Self {
            cli,
            data_folder: data_folder.map(|folder| folder.join("providers")),
            config,
            mirrors: Vec::new(),
            lock,
            running,
            trust: Trust::of(environment, &mut diagnostics),
            hashes: Mutex::default(),
        };
        finder.mirrors = match finder.config.installation.as_mut() {
            Some(installation) => {
                let mirrors = std::mem::take(&mut installation.mirrors).into_iter();
                mirrors.map(|mirror| (Place::FilesystemMirror(mirror.path.clone()), mirror)).collect()
            }
            None => {
                let folders = cli_config::implied_mirrors(environment, root.as_deref()).into_iter();
                folders.map(|path| (Place::ImpliedMirror(path.clone()), Mirror::of_all(path))).collect()
            }
        };
        (finder, diagnostics)
    }

    /// Reads the `source` of a `required_providers` entry; `None` where it is no address.
    ///
    /// Without a host it means the registry of the CLI that the root module is used with.
    pub(crate) fn address_of(&self, source: &str) -> Option<ProviderAddress> {
        let address = super::parse_address(source).ok()?;
        if self.cli == Cli::Tofu && source.split('/').count() < 3 {
            return Some(ProviderAddress { host: OPENTOFU_HOST.into(), ..address });
        }
        Some(address)
    }

    /// Finds a provider and checks it against the lock file.
    ///
    /// The first call for a provider reads its whole package to hash it, which takes up to a second or two: call it where
    /// blocking is allowed.
    ///
    /// # Errors
    /// The cause is of the kind `NoProvider` where none is found, and `ProviderRefused` where the one that is found must
    /// not be used: its hash is not the locked one, or nothing verifies it though [`Trust::Locked`] wants that.
    pub(crate) fn find(&self, address: &ProviderAddress) -> Result<FoundProvider, Cause> {
        if !package::is_plain(address) {
            return Err(none(format!("{address} is no address that a provider can have.")));
        }
        if &*address.host == "terraform.io" && &*address.namespace == "builtin" {
            return Err(none(format!("{address} is part of terraform itself: there is no program to find.")));
        }
        let addresses = self.meanings(address);
        if let Some(found) = self.running(&addresses)? {
            return Ok(found);
        }
        if let Some(found) = self.overridden(&addresses)? {
            return Ok(found);
        }
        if let Lock::Broken(path) = &self.lock {
            return Err(refused(format!(
                "{address} cannot be checked, because the lock file {} cannot be used. Restore it from version control, or \
                 run `{} init` and review what it changes.",
                path.display(),
                self.cli
            )));
        }
        let locked: Vec<&Entry> = addresses
            .iter()
            .flat_map(|address| self.lock.entries().iter().filter(move |e| e.address == *address))
            .collect();
        let (found, verification) = if locked.is_empty() {
            (self.newest(address, &addresses)?, Verification::Unverified { reason: self.why_unlocked() })
        } else {
            let (entry, found) = self.selected(address, &addresses, &locked)?;
            let verification = self.verify(&found, entry)?;
            (found, verification)
        };
        let path = package::program(&found.package.path, &found.address.provider_type).ok_or_else(|| {
            none(format!(
                "The package of {} {} in {} holds no program named terraform-provider-{}. Whoever built or copied it should \
                 look; `{} init` installs it anew once the folder is removed.",
                found.address,
                found.package.version,
                found.package.path.display(),
                found.address.provider_type,
                self.cli
            ))
        })?;
        if let (Trust::Locked, Verification::Unverified { reason }) = (self.trust, &verification) {
            return Err(refused(format!(
                "{} {} ({}) is unverified: {reason}; {REFUSED}. Run `{} init` \
                 and commit {}.",
                found.address,
                found.package.version,
                path.display(),
                self.cli,
                lock::NAME
            )));
        }
        Ok(FoundProvider {
            address: found.address,
            version: Some(found.package.version.to_string()),
            source: ProviderSource::Program { path, place: found.place },
            verification,
        })
    }

    /// Gives the addresses that mean the same provider, the one asked for first.
    fn meanings(&self, address: &ProviderAddress) -> Vec<ProviderAddress> {
        let mut addresses = vec![address.clone()];
        if &*address.namespace == "-" {
            // Before 0.13 there were no namespaces. The one that is locked is meant, else HashiCorp's.
            let of_type = |entry: &&Entry| entry.address.provider_type == address.provider_type;
            let mut locked = self.lock.entries().iter().filter(of_type);
            addresses.push(match (locked.next(), locked.next()) {
                (Some(entry), None) => entry.address.clone(),
                _ => ProviderAddress { namespace: "hashicorp".into(), ..address.clone() },
            });
        }
        let others = addresses.iter().filter_map(|address| {
            let host = match &*address.host {
                TERRAFORM_HOST => OPENTOFU_HOST,
                OPENTOFU_HOST => TERRAFORM_HOST,
                _ => return None,
            };
            Some(ProviderAddress { host: host.into(), ..address.clone() })
        });
        let others: Vec<ProviderAddress> = others.filter(|other| !addresses.contains(other)).collect();
        addresses.extend(others);
        addresses
    }

    fn running(&self, addresses: &[ProviderAddress]) -> Result<Option<FoundProvider>, Cause> {
        let Some(running) = &self.running else {
            return Err(refused(format!(
                "{} says something that cannot be used, so it is not known whether {} runs already. Correct or unset it.",
                reattach::VARIABLE,
                addresses[0]
            )));
        };
        let Some((address, reattach)) = addresses.iter().find_map(|address| running.get_key_value(address)) else {
            return Ok(None);
        };
        if self.trust == Trust::Locked {
            return Err(refused(format!(
                "{} names a running {address}, which nothing can verify; {REFUSED}. Unset the variable.",
                reattach::VARIABLE
            )));
        }
        Ok(Some(FoundProvider {
            address: address.clone(),
            version: None,
            source: ProviderSource::Reattach(reattach.clone()),
            verification: Verification::Unverified { reason: "it runs already, started by somebody else".to_owned() },
        }))
    }

    fn overridden(&self, addresses: &[ProviderAddress]) -> Result<Option<FoundProvider>, Cause> {
        let overrides = self.config.installation.as_ref().map(|installation| installation.dev_overrides.as_slice());
        let overrides = overrides.unwrap_or_default();
        let Some((address, folder)) =
            addresses.iter().find_map(|address| overrides.iter().find(|(overridden, _)| overridden == address))
        else {
            return Ok(None);
        };
        if self.trust == Trust::Locked {
            return Err(refused(format!(
                "`dev_overrides` of the CLI configuration puts {} in front for {address}, which nothing can verify; \
                 {REFUSED}. Remove the entry, or name another file with TF_CLI_CONFIG_FILE.",
                folder.display()
            )));
        }
        let path = package::program(folder, &address.provider_type).ok_or_else(|| {
            none(format!(
                "`dev_overrides` of the CLI configuration names {} for {address}, and there is no program named \
                 terraform-provider-{} in it. Build it, or remove the entry.",
                folder.display(),
                address.provider_type
            ))
        })?;
        let place = Place::DevOverride(folder.clone());
        Ok(Some(FoundProvider {
            address: address.clone(),
            version: None,
            source: ProviderSource::Program { path, place },
            verification: Verification::Unverified { reason: "development overrides are never locked".to_owned() },
        }))
    }

    /// Gives the folders that may hold packages of a provider, in the order in which they count.
    fn places(&self, addresses: &[ProviderAddress]) -> Vec<(Place, &Path)> {
        let mut places = Vec::new();
        places.extend(self.data_folder.as_deref().map(|folder| (Place::DataFolder, folder)));
        places.extend(self.config.plugin_cache.as_deref().map(|folder| (Place::PluginCache, folder)));
        let serving =
            self.mirrors.iter().filter(|(_, mirror)| addresses.iter().any(|address| mirror.patterns.serve(address)));
        places.extend(serving.map(|(place, mirror)| (place.clone(), mirror.path.as_path())));
        places
    }

    /// Finds the version that the lock file selects.
    fn selected<'e>(
        &self,
        asked: &ProviderAddress,
        addresses: &[ProviderAddress],
        locked: &[&'e Entry],
    ) -> Result<(&'e Entry, Found), Cause> {
        for &entry in locked {
            // A lock file of one CLI goes with the packages of the same one, where there are both.
            let others = addresses.iter().filter(|address| **address != entry.address);
            for address in std::iter::once(&entry.address).chain(others) {
                for (place, folder) in self.places(addresses) {
                    let is_selected = |package: &Package| package.version == entry.version && !package.is_packed;
                    if let Some(package) = package::list(folder, address).into_iter().find(is_selected) {
                        return Ok((entry, Found { address: address.clone(), place, package }));
                    }
                }
            }
        }
        let version = &locked[0].version;
        Err(self.nowhere(addresses, &format!("{asked} {version}, the version that {} selects,", lock::NAME)))
    }

    /// Finds the newest version there is: of the data folder where it holds any, else of all other places.
    fn newest(&self, asked: &ProviderAddress, addresses: &[ProviderAddress]) -> Result<Found, Cause> {
        let mut newest: Option<Found> = None;
        for (place, folder) in self.places(addresses) {
            for address in addresses {
                let unpacked = package::list(folder, address).into_iter().filter(|package| !package.is_packed);
                for package in unpacked {
                    // Of equal ones the first place counts; a pre-release counts only where there is nothing else.
                    let rank = |package: &Package| (package.version.is_release(), package.version.clone());
                    if newest.as_ref().is_none_or(|known| rank(&known.package) < rank(&package)) {
                        newest = Some(Found { address: address.clone(), place: place.clone(), package });
                    }
                }
            }
            if newest.is_some() && place == Place::DataFolder {
                break;
            }
        }
        newest.ok_or_else(|| self.nowhere(addresses, &asked.to_string()))
    }

    /// Says that something was not found, where was looked, what else is there, and what to do.
    fn nowhere(&self, addresses: &[ProviderAddress], what: &str) -> Cause {
        let mut looked = Vec::new();
        let mut others = BTreeSet::new();
        let mut packed = BTreeSet::new();
        for (place, folder) in self.places(addresses) {
            looked.push(match place {
                Place::FilesystemMirror(_) | Place::ImpliedMirror(_) => place.to_string(),
                place => format!("{place} {}", folder.display()),
            });
            for package in addresses.iter().flat_map(|address| package::list(folder, address)) {
                if package.is_packed {
                    packed.insert(package.path.display().to_string());
                } else {
                    others.insert(format!("{} ({place})", package.version, place = folder.display()));
                }
            }
        }
        let mut detail = if looked.is_empty() {
            format!("{what} is not installed: there is no root module, no plugin cache and no mirror to look in.")
        } else {
            format!("{what} is not installed. Looked in: {}.", looked.join(", "))
        };
        let list = |set: BTreeSet<String>| set.into_iter().take(5).collect::<Vec<_>>().join(", ");
        if !others.is_empty() {
            detail += &format!(" Other versions are there: {}.", list(others));
        }
        if !packed.is_empty() {
            detail += &format!(" Archives are there, which only `{} init` unpacks: {}.", self.cli, list(packed));
        }
        detail += &match &self.lock {
            Lock::NoRoot => {
                " Name the root module with --dir, or set TF_PLUGIN_CACHE_DIR to a folder that has it.".to_owned()
            }
            _ => format!(" Run `{} init` in the root module.", self.cli),
        };
        none(detail)
    }

    fn why_unlocked(&self) -> String {
        match &self.lock {
            Lock::NoRoot => "without a root module there is no lock file".to_owned(),
            Lock::Absent | Lock::Broken(_) => format!("the root module has no {}", lock::NAME),
            Lock::Present(path, _) => format!("{} does not name it", path.display()),
        }
    }

    /// Compares a package with what the lock file says of it.
    fn verify(&self, found: &Found, entry: &Entry) -> Result<Verification, Cause> {
        let folder = &found.package.path;
        let (h1, zh) = (entry.hashes("h1"), entry.hashes("zh"));
        if h1.is_empty() && zh.is_empty() {
            let reason = format!("{} names no hash of it", lock::NAME);
            return Ok(Verification::Unverified { reason });
        }
        let own = self.hash(folder, hash::h1_of_folder).map_err(|reason| {
            refused(format!("{} cannot be hashed: {reason}. Nothing in it is run.", folder.display()))
        })?;
        if h1.contains(own.as_str()) {
            return Ok(Verification::Verified { by: "h1" });
        }
        // An archive that was locked vouches for a folder that holds what it holds.
        let archives = self.archives(found).into_iter();
        let mut locked_archives =
            archives.filter(|archive| self.hash(archive, hash::zh).is_ok_and(|own| zh.contains(own.as_str())));
        if let Some(archive) = locked_archives.next() {
            let inside = hash::h1_of_archive(&archive).unwrap_or_else(|error| format!("nothing readable ({error})"));
            if inside == own {
                return Ok(Verification::Verified { by: "zh" });
            }
            let expected = format!("{inside}, which is what {} holds", archive.display());
            return Err(refused(self.mismatch(found, &own, &expected)));
        }
        if h1.is_empty() {
            let reason = format!(
                "{} has only zh hashes, of archives, and no archive of it is in a mirror; `{} init` adds the h1 hash",
                lock::NAME,
                self.cli
            );
            return Ok(Verification::Unverified { reason });
        }
        let expected: Vec<&str> = h1.into_iter().collect();
        let mut detail = self.mismatch(found, &own, &expected.join(" or "));
        if found.address != entry.address {
            detail += &format!(
                " The lock file names {}: the two registries may serve different builds of one version.",
                entry.address
            );
        }
        detail += &format!(
            " If the lock file was written on another platform, `{} providers lock -platform={}` adds the hash of this one.",
            self.cli,
            package::platform()
        );
        Err(refused(detail))
    }

    fn mismatch(&self, found: &Found, own: &str, expected: &str) -> String {
        format!(
            "{} {} in {} is not what {} locks: its hash is {own}, and expected is {expected}. Somebody or something changed \
             the package, or the lock file. It is not run. Remove the folder and run `{} init`.",
            found.address,
            found.package.version,
            found.package.path.display(),
            lock::NAME,
            self.cli
        )
    }

    /// Gives the archives of a package's version that are at hand.
    fn archives(&self, found: &Found) -> Vec<PathBuf> {
        let addresses = self.meanings(&found.address);
        let mut archives = Vec::new();
        for (_, folder) in self.places(&addresses) {
            let packages = addresses.iter().flat_map(|address| package::list(folder, address));
            let is_of_version = |package: &Package| package.is_packed && package.version == found.package.version;
            archives.extend(packages.filter(is_of_version).map(|package| package.path));
        }
        archives
    }

    /// Hashes what a path names, once.
    fn hash(&self, path: &Path, compute: fn(&Path) -> std::io::Result<String>) -> Result<String, String> {
        // Links lead several places to one folder.
        let path = path.canonicalize().map_err(|error| error.to_string())?;
        // Whoever waits here for the same package would only hash it again.
        let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = hashes.entry(path).or_insert_with_key(|path| compute(path).map_err(|error| error.to_string()));
        known.clone()
    }
}

/// Tells which CLI a root module is used with.
fn cli_of(root: Option<&Path>, lock: &Lock) -> Cli {
    let is_locked_by_tofu = lock.entries().iter().any(|entry| &*entry.address.host == OPENTOFU_HOST);
    let has_tofu_files = || {
        let entries = root.and_then(|root| std::fs::read_dir(root).ok()).into_iter().flatten();
        entries.filter_map(Result::ok).any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.ends_with(".tofu") || name.ends_with(".tofu.json")
        })
    };
    if is_locked_by_tofu || has_tofu_files() { Cli::Tofu } else { Cli::Terraform }
}

fn none(detail: String) -> Cause {
    Cause::new(CauseKind::NoProvider, detail)
}

fn refused(detail: String) -> Cause {
    Cause::new(CauseKind::ProviderRefused, detail)
}

#[cfg(test)]
#[path = "finder_tests.rs"]
mod tests;
