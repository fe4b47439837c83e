//! The accounts a request means: whose credentials there are, and which regions of each account to look at.

use std::collections::BTreeSet;
use std::sync::Arc;

use drift::Caller;
use inventory::definition::Catalog;
use inventory::engine::{AccountRegions, classifier, enabled_regions, limits_by_service};
use model::{AccountId, Region};
use net::aws;
use net::egress::EgressPolicy;
use net::{Network, NetworkConfig};

use crate::code::ProviderPlaces;
use crate::request::{Regions, ScopeRequest};
use crate::{Error, ErrorKind, Session};

/// The one cloud that is described so far.
const CLOUD: &str = "aws";

/// One account that can be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// The account as the discovery engine knows it.
    pub(crate) inventory: inventory::engine::Account,
    /// The profile its credentials came from.
    pub(crate) profile: String,
    /// The regions to look at.
    pub(crate) regions: BTreeSet<Region>,
}

impl Account {
    /// Says whose credentials these are.
    pub(crate) fn as_caller(&self) -> Caller {
        Caller { cloud: CLOUD.into(), profile: Some(self.profile.as_str().into()), account: self.inventory.id.clone() }
    }

    /// Gives the account with its regions, as the discovery engine wants them.
    pub(crate) fn to_regions(&self) -> AccountRegions {
        AccountRegions { account: self.inventory.clone(), regions: self.regions.iter().cloned().collect() }
    }
}

/// Where the states say that their instances are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints {
    /// The regions of the instances and of the provider blocks.
    pub(crate) regions: BTreeSet<Region>,
    /// The profiles of the provider blocks, which count where the request names none.
    pub(crate) profiles: BTreeSet<String>,
}

impl Hints {
    /// Adds what provider blocks say.
    pub(crate) fn add(&mut self, places: ProviderPlaces) {
        self.regions.extend(places.regions);
        self.profiles.extend(places.profiles);
    }
}

/// Builds the network a run uses: the catalog's limits and error codes, narrowed by the request.
pub(crate) fn network(session: &Session, request: &ScopeRequest, catalog: &Catalog) -> Result<Network, Error> {
    let cloud = catalog.cloud(CLOUD).ok_or_else(no_cloud)?;
    let mut config = NetworkConfig::standard();
    config.max_in_flight = request.parallelism;
    config.max_rps = request.max_rps;
    config.limit_by_service = limits_by_service(cloud);
    let egress = Arc::new(EgressPolicy::new(aws::AwsPartition::domains()));
    Network::new(config, &session.environment, egress, classifier(Arc::clone(cloud))).map_err(|source| {
        Error::new(ErrorKind::Usage, "set up the network", "The environment's proxy or certificates are unusable.")
            .with_source(source)
    })
}

fn no_cloud() -> Error {
    Error::usage("read the catalog", format!("The catalog does not describe {CLOUD}."))
}

/// Finds out whose credentials there are: one account for each profile, or that of the environment.
///
/// # Errors
///
/// Where a profile does not exist, credentials are not accepted, or belong to an account that was not asked for. Nothing
/// is looked at then: a wrong account must not look like an empty one.
pub(crate) async fn open(
    session: &Session,
    request: &ScopeRequest,
    network: &Network,
    catalog: &Catalog,
    hints: &Hints,
) -> Result<Vec<Account>, Error> {
    session.phase("asking whose credentials these are");
    let cloud = catalog.cloud(CLOUD).ok_or_else(no_cloud)?;
    let named = request.profiles.iter();
    let profiles: Vec<Option<String>> = match (named.len(), hints.profiles.len()) {
        (0, 0) => vec![None],
        (0, _) => hints.profiles.iter().cloned().map(Some).collect(),
        _ => named.cloned().map(Some).collect(),
    };
    let mut accounts: Vec<Account> = Vec::new();
    for profile in profiles {
        let access = aws::Access { profile, ..aws::Access::default() };
        let access = aws::AwsSession::open(session.environment.clone(), &access, network.clone())
            .await
            .map_err(|source| credentials_error(session, None, source))?;
        let account = inventory::engine::Account::open(Arc::clone(cloud), &access, &session.cancel)
            .await
            .map_err(|source| credentials_error(session, Some(&access), source))?;
        if !request.accounts.is_empty() && !request.accounts.contains(&account.id) {
            let asked: Vec<&str> = request.accounts.iter().map(AccountId::as_str).collect();
            let detail = format!(
                "The credentials of {} belong to account {} ({}), but only {} may be looked at.",
                access.source(),
                account.id,
                account.caller,
                asked.join(", ")
            );
            return Err(Error::new(ErrorKind::WrongAccount, "look at the account", detail)
                .with_help("Choose another --profile, or add the account with --account."));
        }
        let regions = regions(session, request, &access, &account, hints).await?;
        match accounts.iter_mut().find(|known| known.inventory.id == account.id) {
            Some(known) => known.regions.extend(regions),
            None => accounts.push(Account { inventory: account, profile: access.profile().to_owned(), regions }),
        }
    }
    Ok(accounts)
}

async fn regions(
    session: &Session,
    request: &ScopeRequest,
    access: &aws::AwsSession,
    account: &inventory::engine::Account,
    hints: &Hints,
) -> Result<BTreeSet<Region>, Error> {
    let regions: BTreeSet<Region> = match &request.regions {
        Regions::Only(regions) => regions.iter().cloned().collect(),
        Regions::All => {
            let home = Region::from(access.region().unwrap_or("us-east-1"));
            let enabled = enabled_regions(account, &home, &session.cancel).await.map_err(|cause| {
                Error::new(ErrorKind::Unavailable, "list the enabled regions", cause.detail)
                    .with_help("Name the regions with --region, or allow ec2:DescribeRegions.")
            })?;
            enabled.into_iter().collect()
        }
        Regions::Named => hints.regions.iter().cloned().chain(access.region().map(Region::from)).collect(),
    };
    if regions.is_empty() {
        let detail = "Neither the states, the provider blocks, the environment nor the profile name a region.";
        return Err(Error::new(ErrorKind::Usage, "choose the regions", detail)
            .with_help("Name them with --region (`all` for every enabled one), or set AWS_REGION."));
    }
    Ok(regions)
}

fn credentials_error(session: &Session, access: Option<&Arc<aws::AwsSession>>, source: net::Error) -> Error {
    if session.cancel.is_cancelled() {
        return Error::cancelled("find out whose credentials these are");
    }
    let from =
        access.map_or_else(String::new, |access| format!(" Credentials were looked for in: {}.", access.source()));
    let kind = match source.kind() {
        net::ErrorKind::Configuration | net::ErrorKind::Credentials => ErrorKind::Usage,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, "find out whose credentials these are", format!("{source}.{from}"))
        .with_help("`driftmgr doctor` shows what is found where.")
}
