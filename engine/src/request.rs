//! What can be asked of the engine: plain structs that a command line or a data source fills in.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use model::{AccountId, Region};

/// Which regions to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Regions {
    /// Those that the states, the provider blocks and the environment name.
    #[default]
    Named,
    /// Every region that is enabled in the account.
    All,
    /// Exactly these.
    Only(Vec<Region>),
}

/// Where to look, how fast, and for how long.
#[derive(Clone, Debug)]
pub struct ScopeRequest {
    /// Named profiles, one account each; empty means the environment's own credentials.
    pub profiles: Vec<String>,
    /// The accounts that may be looked at; empty means whichever the credentials belong to.
    pub accounts: Vec<AccountId>,
    /// The regions.
    pub regions: Regions,
    /// Globs over native and Terraform types; empty means every type of the catalog.
    pub types: Vec<String>,
    /// How many calls of a scan may be under way at once.
    pub parallelism: usize,
    /// How many instances of one provider configuration may be looked at at once through the provider.
    pub provider_parallelism: usize,
    /// The most calls a second, over all scopes; `None` leaves it to the limits of the catalog.
    pub max_rps: Option<f64>,
    /// How long one scope may take, and one instance that its provider is asked about.
    pub scope_deadline: Duration,
    /// A folder of definitions laid over those that are built in.
    pub catalog: Option<PathBuf>,
}

impl ScopeRequest {
    /// Asks for every type with the environment's own credentials, at the usual pace.
    pub fn standard() -> Self {
        Self {
            profiles: Vec::new(),
            accounts: Vec::new(),
            regions: Regions::Named,
            types: Vec::new(),
            parallelism: 16,
            provider_parallelism: 10,
            max_rps: None,
            scope_deadline: Duration::from_secs(300),
            catalog: None,
        }
    }
}

/// Which state snapshots to read.
#[derive(Clone, Debug, Default)]
pub struct StatesRequest {
    /// Paths, URLs, or `-` for standard input.
    pub locations: Vec<String>,
    /// A root module whose backend is read where `locations` is empty.
    pub dir: Option<PathBuf>,
    /// Values for the root module's variables, in order: of two for one variable the later counts.
    pub variables: Vec<VariableSource>,
}

/// Where values for the root module's variables come from, besides the places terraform looks at by itself.
#[derive(Clone, PartialEq, Eq)]
pub enum VariableSource {
    /// `--var NAME=VALUE`.
    Assignment {
        /// The variable.
        name: String,
        /// Its value, as written: text for a variable of primitive type, an expression for any other.
        value: String,
    },
    /// `--var-file PATH`.
    File(PathBuf),
}

/// Shows no value: it may be a secret.
impl fmt::Debug for VariableSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assignment { name, .. } => write!(f, "Assignment({name})"),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

/// What a comparison may use to see recorded instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// Their own providers where these can be asked, the inventory elsewhere.
    #[default]
    Auto,
    /// Their own providers alone.
    Provider,
    /// The inventory alone.
    Inventory,
}

/// Where observations come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The cloud is asked now.
    Now,
    /// The store answers where it was asked no longer ago than this; the rest is asked now.
    Within(Duration),
    /// The store alone answers, however old; what it never saw is undetermined.
    StoreOnly,
}
