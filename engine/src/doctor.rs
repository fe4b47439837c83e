//! `doctor`: what works as things are, and what to do about the rest. It reads only.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use hcl::configuration::Configuration;
use model::ProviderAddress;

use crate::accounts::{self, Hints};
use crate::code::Folder;
use crate::providers::{Finder, Verification};
use crate::request::{ScopeRequest, StatesRequest};
use crate::states::States;
use crate::{Error, Session, catalog, query, states};

/// How long a foreign program may take to say its version.
const VERSION_DEADLINE: Duration = Duration::from_secs(10);

/// Says what to check.
#[derive(Clone, Debug)]
pub struct DoctorRequest {
    /// Named profiles; empty means the environment's own credentials.
    pub profiles: Vec<String>,
    /// The root module; `None` means the current folder.
    pub dir: Option<PathBuf>,
    /// A folder of definitions laid over those that are built in.
    pub catalog: Option<PathBuf>,
    /// The store's file.
    pub store: PathBuf,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// It works.
    Passed,
    /// Some commands will not work, or not wholly.
    Warned,
    /// No command that looks at the cloud will work.
    Failed,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was checked, in a word or two.
    pub name: &'static str,
    /// How it came out.
    pub status: CheckStatus,
    /// What was found, as sentences.
    pub detail: String,
    /// What to do, one step each.
    pub help: Vec<String>,
}

impl Check {
    fn new(name: &'static str, status: CheckStatus, detail: impl Into<String>) -> Self {
        Self { name, status, detail: detail.into(), help: Vec::new() }
    }

    fn of_error(name: &'static str, status: CheckStatus, error: &Error) -> Self {
        let mut check = Self::new(name, status, format!("{error}"));
        check.help = error.help().to_vec();
        check.help.extend(error.diagnostics().iter().map(ToString::to_string));
        check
    }
}

/// Checks everything, in the order in which things are needed.
pub async fn doctor(session: &Session, request: &DoctorRequest) -> Vec<Check> {
    let mut checks = vec![check_catalog(session, request)];
    checks.extend(check_accounts(session, request).await);
    checks.push(check_store(session, &request.store));
    let directory = request.dir.as_deref().map_or(session.current_dir.clone(), |dir| session.path(dir));
    let (check, states) = check_state(session, &directory).await;
    checks.push(check);
    checks.extend(check_providers(session, directory, states.as_ref()).await);
    checks.push(check_cli(session).await);
    checks
}

fn check_catalog(session: &Session, request: &DoctorRequest) -> Check {
    match catalog::load(session, request.catalog.as_deref()) {
        Ok(catalog) => {
            let n_types = catalog.types().count();
            let n_terraform = catalog::type_mappings(&catalog).len();
            let detail = format!("{n_types} types of remote objects, for {n_terraform} Terraform types.");
            Check::new("catalog", CheckStatus::Passed, detail)
        }
        Err(error) => Check::of_error("catalog", CheckStatus::Failed, &error),
    }
}

async fn check_accounts(session: &Session, request: &DoctorRequest) -> Vec<Check> {
    let scope = ScopeRequest { profiles: request.profiles.clone(), ..ScopeRequest::standard() };
    let accounts = async {
        let catalog = catalog::load(session, request.catalog.as_deref())?;
        let network = accounts::network(session, &scope, &catalog)?;
        accounts::open(session, &scope, &network, &catalog, &Hints::default()).await
    };
    match accounts.await {
        Ok(accounts) => accounts
            .iter()
            .map(|account| {
                let regions: Vec<&str> = account.regions.iter().map(model::Region::as_str).collect();
                let detail = format!(
                    "Account {}, as {}, with profile {}; {} unless states or --region name others.",
                    account.inventory.id,
                    account.inventory.caller,
                    account.profile,
                    regions.join(", ")
                );
                Check::new("account", CheckStatus::Passed, detail)
            })
            .collect(),
        Err(error) => vec![Check::of_error("account", CheckStatus::Failed, &error)],
    }
}

fn check_store(session: &Session, path: &Path) -> Check {
    let snapshot = match query::open_snapshot(path) {
        Ok(snapshot) => snapshot,
        Err(error) if error.kind() == crate::ErrorKind::NotFound => {
            let detail = format!("{} is not there yet; the first scan makes it.", path.display());
            return Check::new("store", CheckStatus::Passed, detail);
        }
        Err(error) => return Check::of_error("store", CheckStatus::Failed, &error),
    };
    match snapshot.info() {
        Ok(info) => {
            let age = info.published_at.map_or("at an unknown time".to_owned(), |at| {
                let minutes = (session.now)().duration_since(at).as_mins();
                format!("{at} ({minutes} min ago)")
            });
            let detail = format!("{} holds {} objects, published {age}.", path.display(), info.n_objects);
            Check::new("store", CheckStatus::Passed, detail)
        }
        Err(error) => Check::of_error("store", CheckStatus::Failed, &query::store_error(error)),
    }
}

async fn check_state(session: &Session, directory: &Path) -> (Check, Option<States>) {
    let has_state = directory.join("terraform.tfstate").exists() || directory.join(".terraform").exists();
    if !has_state && !states::is_root_module(directory) {
        let detail = format!("{} is no root module; name states with --state.", directory.display());
        return (Check::new("state", CheckStatus::Warned, detail), None);
    }
    let request = StatesRequest { dir: Some(directory.to_owned()), ..StatesRequest::default() };
    match states::load(session, &request).await {
        Ok(states) => {
            let detail = match states.refs.as_slice() {
                [] => "The state is empty: nothing was applied yet.".to_owned(),
                refs => refs
                    .iter()
                    .map(|state| {
                        format!("{}, serial {}, {} instances.", state.url, state.serial, states.recorded.len())
                    })
                    .collect::<Vec<_>>()
                    .join(" "),
            };
            (Check::new("state", CheckStatus::Passed, detail), Some(states))
        }
        Err(error) => (Check::of_error("state", CheckStatus::Warned, &error), None),
    }
}

/// Says of every provider that the code requires or the state names where it is and whether it is the locked one.
async fn check_providers(session: &Session, directory: PathBuf, states: Option<&States>) -> Vec<Check> {
    let data_folder = session.environment.get("TF_DATA_DIR").unwrap_or(".terraform");
    let (configuration, _) = Configuration::read(&Folder(&directory), ".", data_folder);
    let required = configuration.modules.values().flat_map(|module| &module.required_providers);
    let sources = required.map(|(name, required)| required.source.as_ref().unwrap_or(name).clone());
    let sources: BTreeSet<String> = sources.collect();
    let recorded = states.into_iter().flat_map(|states| &states.recorded);
    let recorded: BTreeSet<ProviderAddress> = recorded.map(|instance| instance.provider.provider.clone()).collect();
    let find = {
        let session = session.clone();
        move || {
            let root = states::is_root_module(&directory).then_some(directory.as_path());
            let (finder, diagnostics) = Finder::open(&session, root);
            let checks = diagnostics.iter().map(|problem| {
                let detail = format!("{}: {}", problem.summary, problem.detail);
                Check { help: problem.help.clone(), ..Check::new("provider", CheckStatus::Warned, detail) }
            });
            let mut checks: Vec<Check> = checks.collect();
            let mut addresses: Vec<ProviderAddress> = recorded.into_iter().collect();
            // A source that is no address is terraform's to complain about.
            for address in sources.iter().filter_map(|source| finder.address_of(source)) {
                if !addresses.iter().any(|known| known.is_same_provider(&address)) {
                    addresses.push(address);
                }
            }
            addresses.retain(|address| &*address.namespace != "builtin");
            addresses.sort();
            checks.extend(addresses.iter().map(|address| check_provider(&finder, address)));
            checks
        }
    };
    // Packages are hashed, which reads all of them.
    tokio::task::spawn_blocking(find).await.unwrap_or_else(|error| {
        vec![Check::new("provider", CheckStatus::Warned, format!("Looking for providers ended early: {error}."))]
    })
}

fn check_provider(finder: &Finder, address: &ProviderAddress) -> Check {
    let found = match finder.find(address) {
        Ok(found) => found,
        Err(cause) => return Check::new("provider", CheckStatus::Warned, cause.detail),
    };
    let version = found.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let detail = format!("{}{version}: {}; {}.", found.address, found.source, found.verification);
    let status = match found.verification {
        Verification::Verified { .. } => CheckStatus::Passed,
        Verification::Unverified { .. } => CheckStatus::Warned,
    };
    Check { help: found.note(address).into_iter().collect(), ..Check::new("provider", status, detail) }
}

/// Finds terraform or tofu: driftmgr needs neither, whoever applies import blocks does.
async fn check_cli(session: &Session) -> Check {
    let folders = session.environment.get("PATH").unwrap_or_default();
    for name in ["terraform", "tofu"] {
        let Some(program) = std::env::split_paths(folders).map(|folder| folder.join(name)).find(|path| path.is_file())
        else {
            continue;
        };
        let output = tokio::process::Command::new(&program)
            .arg("version")
            .env("CHECKPOINT_DISABLE", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let text = match tokio::time::timeout(VERSION_DEADLINE, output).await {
            Ok(Ok(output)) => String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned(),
            Ok(Err(error)) => format!("does not run: {error}"),
            Err(_) => "does not answer".to_owned(),
        };
        return Check::new("terraform", CheckStatus::Passed, format!("{}: {text}.", program.display()));
    }
    Check::new(
        "terraform",
        CheckStatus::Warned,
        "Neither terraform nor tofu is on PATH; only applying import blocks needs one.",
    )
}
