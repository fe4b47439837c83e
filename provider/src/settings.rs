//! The provider block.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::request::{Regions, ScopeRequest, StatesRequest};
use engine::{Environment, Session};
use model::{Block, Diagnostics, Schema};

use crate::arguments::Arguments;
use crate::schema::{BOOL, STRING, STRINGS, attributes, optional};

/// How old an answer may be where nothing else is said.
const MAX_AGE: Duration = Duration::from_hours(1);

/// What the provider block says; nothing of it is looked at until a data source is read.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    store: Option<PathBuf>,
    states: Vec<String>,
    dir: Option<PathBuf>,
    profiles: Vec<String>,
    accounts: Vec<String>,
    regions: Vec<String>,
    endpoint: Option<String>,
    catalog: Option<PathBuf>,
    pub(crate) ignore_file: Option<PathBuf>,
    pub(crate) max_age: Duration,
    pub(crate) may_refresh: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            store: None,
            states: Vec::new(),
            dir: None,
            profiles: Vec::new(),
            accounts: Vec::new(),
            regions: Vec::new(),
            endpoint: None,
            catalog: None,
            ignore_file: None,
            max_age: MAX_AGE,
            may_refresh: true,
        }
    }
}

/// Gives the schema of the provider block.
pub(crate) fn schema() -> Schema {
    let block = Block {
        attributes: attributes([
            (
                "accounts",
                optional(
                    &STRINGS,
                    "The accounts that may be looked at. Without it, the account the credentials belong to.",
                ),
            ),
            ("catalog", optional(&STRING, "A folder of type definitions that is laid over those that are built in.")),
            (
                "dir",
                optional(
                    &STRING,
                    "A root module whose backend tells where its state is, where `states` names none. Its ignore file, \
                     `.driftmgrignore.yaml`, counts.",
                ),
            ),
            (
                "endpoint",
                optional(
                    &STRING,
                    "The URL of every service, for an emulator. Without it, `AWS_ENDPOINT_URL` or the cloud's own.",
                ),
            ),
            ("ignore_file", optional(&STRING, "Rules for findings to ignore, each with its reason.")),
            (
                "max_age",
                optional(&STRING, "How old an answer may be: `90s`, `15m`, `2h`, `1d`. `1h` where nothing is said."),
            ),
            ("profiles", optional(&STRINGS, "Named profiles of the AWS configuration, one account each.")),
            (
                "refresh",
                optional(
                    &BOOL,
                    "Whether the cloud is asked where the store's answer is missing or too old; `true` where nothing is said. \
                     With `false` that is an error.",
                ),
            ),
            (
                "regions",
                optional(
                    &STRINGS,
                    "The regions to look at, or `[\"all\"]`. Without it, those that the states, the provider blocks and the \
                     environment name.",
                ),
            ),
            (
                "states",
                optional(
                    &STRINGS,
                    "The states that make up what is managed: files, workspace folders, `s3://` URLs. What is \"unmanaged\" \
                     is judged against exactly these.",
                ),
            ),
            (
                "store",
                optional(
                    &STRING,
                    "The file of the store that `driftmgr scan` fills. Without it, `DRIFTMGR_STORE` or the user's state \
                     folder.",
                ),
            ),
        ]),
        description:
            "driftmgr answers what exists in your cloud accounts, what drifted from the state, and what nobody \
                      manages. It reads, and never changes anything."
                .to_owned(),
        description_is_markdown: true,
        ..Block::default()
    };
    Schema { version: 0, block }
}

impl Settings {
    /// Reads the provider block.
    pub(crate) fn read(arguments: &Arguments<'_>) -> (Self, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let max_age = arguments.duration("max_age").unwrap_or_else(|problems| {
            diagnostics.extend(problems);
            None
        });
        let path = |name: &str| arguments.text(name).map(PathBuf::from);
        let settings = Self {
            store: path("store"),
            states: arguments.texts("states"),
            dir: path("dir"),
            profiles: arguments.texts("profiles"),
            accounts: arguments.texts("accounts"),
            regions: arguments.texts("regions"),
            endpoint: arguments.text("endpoint"),
            catalog: path("catalog"),
            ignore_file: path("ignore_file"),
            max_age: max_age.unwrap_or(MAX_AGE),
            may_refresh: arguments.flag("refresh").unwrap_or(true),
        };
        (settings, diagnostics)
    }

    /// Gives the file of the store.
    pub(crate) fn store(&self, session: &Session) -> Result<PathBuf, engine::Error> {
        session.store_path(self.store.as_deref())
    }

    /// Gives the environment with what the provider block sets in it.
    pub(crate) fn environment(&self, inherited: &Environment) -> Environment {
        let mut variables = inherited.variables().clone();
        if let Some(endpoint) = &self.endpoint {
            variables.insert("AWS_ENDPOINT_URL".to_owned(), endpoint.clone());
        }
        Environment::new(variables, inherited.home().map(Path::to_path_buf))
    }

    /// Gives the root module.
    pub(crate) fn dir(&self) -> Option<PathBuf> {
        self.dir.clone()
    }

    pub(crate) fn catalog(&self) -> Option<PathBuf> {
        self.catalog.clone()
    }

    /// Gives the states to judge against: those a data block names, else those of the provider block.
    pub(crate) fn states(&self, named: Vec<String>) -> StatesRequest {
        StatesRequest {
            locations: if named.is_empty() { self.states.clone() } else { named },
            dir: self.dir.clone(),
            ..StatesRequest::default()
        }
    }

    /// Gives where to look for some types, in some accounts and regions.
    pub(crate) fn scope(&self, types: Vec<String>, accounts: &[String], regions: &[String]) -> ScopeRequest {
        let accounts = if accounts.is_empty() { &self.accounts } else { accounts };
        let regions = if regions.is_empty() { &self.regions } else { regions };
        let regions = match regions {
            [] => Regions::Named,
            [all] if all == "all" => Regions::All,
            some => Regions::Only(some.iter().map(|region| region.as_str().into()).collect()),
        };
        ScopeRequest {
            profiles: self.profiles.clone(),
            accounts: accounts.iter().map(|account| account.as_str().into()).collect(),
            regions,
            types,
            catalog: self.catalog.clone(),
            ..ScopeRequest::standard()
        }
    }
}
