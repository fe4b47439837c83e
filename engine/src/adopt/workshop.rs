//! The workshop: the providers of what is to be adopted, found, started, configured, and each object given to one.
//!
//! The root module says which provider a type belongs to and which configurations there are; a state says it where
//! there is no root module, and where neither does, terraform's own rule counts: the type's prefix names one of
//! HashiCorp's. An object goes to the configuration of its account and region, else to one whose provider takes the
//! region with the import id.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use cty::Value;
use hcl::definitions::Definitions;
use model::{
    AccountId, Cause, Diagnostic, Diagnostics, Finding, ModuleAddress, ProviderAddress, ProviderConfigAddress, Region,
    ResourceType,
};

use super::bench::Bench;
use crate::drift::DriftRequest;
use crate::evaluation::RootModule;
use crate::providers::Configurations;
use crate::refresh::calls::Calls;
use crate::refresh::pace::{Pace, Rate};
use crate::refresh::pool::{Origin, Pool, Unit};
use crate::refresh::{caller, find_origins, in_turn};
use crate::states::States;
use crate::{Error, ErrorKind, Session};

/// Who works on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Assignment {
    /// This bench.
    Bench {
        /// Its position.
        bench: usize,
        /// Whether the region must stand behind the import id.
        is_region_in_id: bool,
    },
    /// Nobody, because there is no provider to ask, for this reason.
    NoProvider(String),
    /// Nobody, because whoever could be asked would look at something else.
    WrongPlace(String),
}

/// Providers that are ready to work on objects.
pub(super) struct Workshop {
    pool: Pool,
    /// One for each configuration that an object may need.
    pub(super) benches: Vec<Arc<Bench>>,
    /// The calls that were made.
    pub(super) calls: Arc<Calls>,
    /// Warnings so far.
    pub(super) diagnostics: Diagnostics,
    /// The provider of each type.
    providers: BTreeMap<ResourceType, ProviderAddress>,
    /// Why providers cannot be asked.
    causes: BTreeMap<ProviderAddress, Cause>,
}

/// A configuration of a provider that may be needed; its position is that of its unit in the pool.
struct Station {
    provider: ProviderAddress,
    /// What a block's `provider` argument says; `None` where it needs none.
    argument: Option<String>,
    region: Option<Region>,
}

/// Gives what terraform takes for the local name of a type's provider.
fn prefix_of(resource_type: &ResourceType) -> &str {
    resource_type.as_str().split('_').next().unwrap_or_default()
}

impl Workshop {
    /// Finds, starts and configures what the objects need.
    ///
    /// `home` is the region that the default configuration of the AWS provider looks in, where its block does not say.
    ///
    /// # Errors
    ///
    /// Where the credentials belong to accounts in which none of the objects is.
    pub(super) async fn open(
        session: &Session,
        request: &DriftRequest,
        states: &States,
        (module, home): (Option<&Arc<RootModule>>, Option<&Region>),
        wants: &[&Finding],
    ) -> Result<Self, Error> {
        let directory = module.map(|module| module.directory().to_owned());
        let definitions = module.and_then(|module| module.definitions(&ModuleAddress::root()));
        let definitions = definitions.cloned().unwrap_or_default();
        let mut providers = BTreeMap::new();
        let mut names: BTreeMap<ProviderAddress, String> = BTreeMap::new();
        for finding in wants {
            let Some(resource_type) = &finding.resource_type else { continue };
            if providers.contains_key(resource_type) {
                continue;
            }
            let Some((name, address)) = provider_of(resource_type, finding, &definitions, states) else { continue };
            names.entry(address.clone()).or_insert(name);
            providers.insert(resource_type.clone(), address);
        }
        let calls = Arc::<Calls>::default();
        let mut workshop = Self {
            pool: Pool::new(&session.environment, session.cancel.child_token(), Arc::clone(&calls), None),
            benches: Vec::new(),
            calls: Arc::clone(&calls),
            diagnostics: Diagnostics::new(),
            providers,
            causes: BTreeMap::new(),
        };
        if workshop.providers.is_empty() {
            return Ok(workshop);
        }
        session.phase("starting providers");
        let addresses: BTreeSet<ProviderAddress> = workshop.providers.values().cloned().collect();
        let folder = directory.or_else(|| initialized(session));
        let (found, problems) = find_origins(session, folder, addresses).await?;
        workshop.diagnostics.extend(problems);
        let (configurations, problems) = Configurations::read(session, module);
        workshop.diagnostics.extend(problems);
        let mut stations = Vec::new();
        for (provider, origin) in found {
            let origin = match origin {
                Ok(origin) => origin,
                Err(cause) => {
                    workshop.causes.insert(provider, cause);
                    continue;
                }
            };
            let aliases = aliases_of(&definitions, &provider);
            let named = Named { provider: &provider, name: &names[&provider], aliases: &aliases };
            workshop.start(&named, &origin, &configurations, home, wants, &mut stations).await;
        }
        let configured = workshop.configure(session, request, &calls, stations, wants).await;
        if let Err(error) = configured {
            workshop.shutdown().await;
            return Err(error);
        }
        Ok(workshop)
    }

    /// Starts a provider, and gives each of its configurations that an object may need a process of its own.
    async fn start(
        &mut self,
        named: &Named<'_>,
        origin: &Origin,
        configurations: &Configurations,
        home: Option<&Region>,
        wants: &[&Finding],
        stations: &mut Vec<Station>,
    ) {
        let hosted = self.pool.host(origin);
        let schema = match self.pool.schema(&hosted, &(0, named.address(None))).await {
            Ok(schema) => schema,
            Err(cause) => {
                self.causes.insert(named.provider.clone(), cause);
                return;
            }
        };
        let mut hosted = Some(hosted);
        for alias in std::iter::once(None).chain(named.aliases.iter().map(Some)) {
            let address = named.address(alias);
            let config = match configurations.value(&address, &schema.provider.block) {
                Ok(config) => config,
                Err(cause) if alias.is_none() => {
                    self.causes.insert(named.provider.clone(), cause);
                    continue;
                }
                Err(cause) => {
                    let summary = "A provider configuration cannot be used";
                    self.diagnostics.push(Diagnostic::warning("provider-not-asked", summary, cause.detail));
                    continue;
                }
            };
            let written = config.get_attr("region").ok();
            let written = written.as_ref().and_then(Value::as_str).map(Region::from);
            let region = if alias.is_none() { written.or_else(|| home.cloned()) } else { written };
            // Where nothing tells what a further configuration is for, nothing is given to it.
            if alias.is_some() && !(region.is_some() && wants.iter().any(|finding| finding.region == region)) {
                continue;
            }
            stations.push(Station { provider: named.provider.clone(), argument: named.argument(alias), region });
            let hosted = hosted.take().unwrap_or_else(|| self.pool.host(origin));
            let (origin, schema, uses) = (origin.clone(), Arc::clone(&schema), vec![(0, address)]);
            self.pool.units.push(Unit { origin, hosted, schema, config, uses });
        }
    }

    /// Configures every provider, and asks it whose credentials it has where it can tell.
    async fn configure(
        &mut self,
        session: &Session,
        request: &DriftRequest,
        calls: &Arc<Calls>,
        stations: Vec<Station>,
        wants: &[&Finding],
    ) -> Result<(), Error> {
        let pool = &self.pool;
        let configure = |unit| async move {
            pool.configure(unit).await?;
            let Some(source) = caller::source_of(&unit.uses[0].1.provider) else { return Ok(None) };
            Ok::<_, Cause>(Some(caller::ask(source, pool, unit, calls).await))
        };
        let asked = in_turn(pool.units.iter().map(configure)).await;
        let rate = request.scope.max_rps.map(|max_rps| Arc::new(Rate::new(max_rps)));
        let mut foreign = Vec::new();
        for ((unit, station), asked) in pool.units.iter().zip(stations).zip(asked) {
            let account = match asked {
                Err(cause) => {
                    self.causes.insert(station.provider, cause);
                    continue;
                }
                Ok(None) => None,
                Ok(Some(Ok(account))) => Some(account),
                Ok(Some(Err(reason))) => {
                    let detail = format!("{} did not say whose credentials it has. {reason}", unit.uses[0].1);
                    let summary = "A provider does not say whose credentials it has";
                    self.diagnostics.push(Diagnostic::warning("caller-unknown", summary, detail));
                    None
                }
            };
            if let Some(account) = &account {
                let own = wants.iter().filter(|finding| self.provider_of(finding) == Some(&station.provider));
                let others: BTreeSet<&AccountId> = own.filter_map(|finding| finding.account.as_ref()).collect();
                if !others.is_empty() && !others.contains(account) {
                    foreign.push(format!(
                        "The objects are in {}. The credentials of {} belong to account {account}.",
                        caller::name_all("account", &others),
                        unit.uses[0].1
                    ));
                }
            }
            self.benches.push(Arc::new(Bench {
                provider: Arc::clone(&unit.hosted.provider),
                schema: Arc::clone(&unit.schema),
                address: station.provider,
                version: unit.origin.version().map(str::to_owned),
                argument: station.argument,
                region: station.region,
                account,
                name: unit.uses[0].clone(),
                calls: Arc::clone(calls),
                pace: Pace::new(request.scope.provider_parallelism),
                rate: rate.clone(),
                deadline: request.scope.scope_deadline,
                cancel: session.cancel.clone(),
                secrets: unit.secrets(),
            }));
        }
        if foreign.is_empty() || foreign.len() < self.benches.len() {
            return Ok(());
        }
        let summary = "The credentials belong to another account than the objects";
        let help = "Choose the profile or role of the objects' account and run again.";
        let error = |detail| Diagnostic::error("wrong-account", summary, detail).with_help(help);
        let errors = foreign.into_iter().map(error).collect();
        let detail = "Nothing was adopted, because other objects would be found under the same ids.";
        Err(Error::new(ErrorKind::WrongAccount, "adopt objects", detail).with_diagnostics(errors))
    }

    fn provider_of(&self, finding: &Finding) -> Option<&ProviderAddress> {
        self.providers.get(finding.resource_type.as_ref()?)
    }

    /// Says who works on an object.
    pub(super) fn assign(&self, finding: &Finding) -> Assignment {
        let resource_type = finding.resource_type.as_ref().map(ResourceType::as_str).unwrap_or_default();
        let Some(provider) = self.provider_of(finding) else {
            return Assignment::NoProvider(format!("Nothing says which provider {resource_type} belongs to."));
        };
        let all = self.benches.iter().enumerate().filter(|(_, bench)| bench.address == *provider);
        let Some((_, first)) = all.clone().next() else {
            let why = self.causes.get(provider).map_or("It could not be started.", |cause| cause.detail.as_str());
            return Assignment::NoProvider(why.to_owned());
        };
        let Some(schema) = first.schema.resources.get(resource_type) else {
            let version = first.version.as_deref().map_or_else(String::new, |version| format!(" {version}"));
            // An import block for it would keep the whole root from being planned.
            return Assignment::WrongPlace(format!("{provider}{version} has no resource type {resource_type}."));
        };
        let is_own = |bench: &Bench| match (&bench.account, &finding.account) {
            (Some(account), Some(of_object)) => account == of_object,
            _ => true,
        };
        let own: Vec<(usize, &Arc<Bench>)> = all.filter(|(_, bench)| is_own(bench)).collect();
        let Some((first, _)) = own.first() else {
            let account = finding.account.as_ref().map(AccountId::as_str).unwrap_or_default();
            return Assignment::WrongPlace(format!(
                "It is in account {account}, and no provider configuration has credentials of that account."
            ));
        };
        let Some(region) = &finding.region else { return Assignment::Bench { bench: *first, is_region_in_id: false } };
        if let Some((bench, _)) = own.iter().find(|(_, bench)| bench.region.as_ref() == Some(region)) {
            return Assignment::Bench { bench: *bench, is_region_in_id: false };
        }
        if schema.block.attributes.contains_key("region") {
            return Assignment::Bench { bench: *first, is_region_in_id: true };
        }
        if own[0].1.region.is_none() {
            return Assignment::Bench { bench: *first, is_region_in_id: false };
        }
        Assignment::WrongPlace(format!(
            "It is in {region}, where no provider configuration looks, and its type takes no region."
        ))
    }

    /// Ends every provider.
    pub(super) async fn shutdown(&self) {
        // Without transcripts there is nothing to say.
        drop(self.pool.shutdown().await);
    }
}

/// How the root module names the configurations of a provider.
struct Named<'a> {
    provider: &'a ProviderAddress,
    /// The local name, and whether resource types mean it without saying so.
    name: &'a str,
    aliases: &'a [String],
}

impl Named<'_> {
    fn address(&self, alias: Option<&String>) -> ProviderConfigAddress {
        let (module, provider) = (ModuleAddress::root(), self.provider.clone());
        ProviderConfigAddress { module, provider, alias: alias.map(|alias| alias.as_str().into()), key: None }
    }

    fn argument(&self, alias: Option<&String>) -> Option<String> {
        match alias {
            Some(alias) => Some(format!("{}.{alias}", self.name)),
            None if *self.name == *self.provider.provider_type => None,
            None => Some(self.name.to_owned()),
        }
    }
}

/// Gives the provider of a type, and its local name in the root module.
fn provider_of(
    resource_type: &ResourceType,
    finding: &Finding,
    definitions: &Definitions,
    states: &States,
) -> Option<(String, ProviderAddress)> {
    let prefix = prefix_of(resource_type);
    let required = &definitions.required_providers;
    let parse = |(name, source): (&String, &Option<String>)| {
        let address = source.as_deref().unwrap_or(name).to_lowercase().parse::<ProviderAddress>().ok()?;
        Some((name.clone(), address))
    };
    let is_meant = |(_, address): &(String, ProviderAddress)| *address.provider_type == *prefix;
    let by_name = required.get_key_value(prefix).and_then(parse);
    if let Some(found) = by_name.or_else(|| required.iter().filter_map(parse).find(is_meant)) {
        return Some(found);
    }
    let mut n_uses: BTreeMap<&ProviderAddress, usize> = BTreeMap::new();
    for instance in states.recorded.iter().filter(|instance| prefix_of(instance.address.resource_type()) == prefix) {
        *n_uses.entry(&instance.provider.provider).or_default() += 1;
    }
    let most_used = n_uses.into_iter().max_by_key(|(_, n_uses)| *n_uses).map(|(address, _)| address);
    let known = most_used.or(finding.provider.as_ref()).cloned();
    Some((prefix.to_owned(), known.or_else(|| prefix.parse().ok())?))
}

/// Gives the aliases of a provider in the root module, those without `for_each`.
fn aliases_of(definitions: &Definitions, provider: &ProviderAddress) -> Vec<String> {
    let means = |name: &str| {
        let source = definitions.required_providers.get(name).and_then(Option::as_deref);
        source
            .unwrap_or(name)
            .to_lowercase()
            .parse()
            .is_ok_and(|named: ProviderAddress| named.is_same_provider(provider))
    };
    let own = definitions.providers.iter().filter(|configuration| means(&configuration.name));
    let plain = own.filter(|configuration| configuration.body.attribute("for_each").is_none());
    plain.filter_map(|configuration| configuration.alias.clone()).collect()
}

/// Gives the current folder where `init` was run in it.
fn initialized(session: &Session) -> Option<PathBuf> {
    let data_folder = session.environment.get("TF_DATA_DIR").unwrap_or(".terraform");
    let folder = session.current_dir.join(data_folder).join("providers");
    folder.is_dir().then(|| session.current_dir.clone())
}

#[cfg(test)]
mod tests {
    use cty::Type;
    use drift::adopt::AdoptionKey;
    use hcl::MemoryTree;
    use model::{Attribute, AttributeType, Block, Schema};
    use tfplugin::builtin::Builtin;
    use tfplugin::{Provider, ProviderSchema};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::refresh::cause::Secrets;

    fn definitions(code: &str) -> Definitions {
        let tree = MemoryTree([("main.tf".to_owned(), code.as_bytes().to_vec())].into());
        Definitions::read(&tree, ".").0
    }

    fn finding(resource_type: &str, account: Option<&str>, region: Option<&str>) -> Finding {
        super::super::named::finding(&AdoptionKey {
            resource_type: resource_type.into(),
            id: "x".into(),
            account: account.map(Into::into),
            region: region.map(Into::into),
        })
    }

    /// Gives the local name and address that a type's provider has in a root module.
    fn provider(code: &str, resource_type: &str) -> String {
        let finding = finding(resource_type, None, None);
        let found = provider_of(&resource_type.into(), &finding, &definitions(code), &States::default());
        let (name, address) = found.expect("there is always a rule");
        let named = Named { provider: &address, name: &name, aliases: &[] };
        format!("{address} as {}", named.argument(None).unwrap_or_default())
    }

    #[test]
    fn a_type_belongs_to_the_provider_that_the_root_means_by_its_prefix() {
        let required = |text: &str| format!("terraform {{\n  required_providers {{\n    {text}\n  }}\n}}\n");
        assert_eq!(provider("", "aws_sqs_queue"), "registry.terraform.io/hashicorp/aws as ");
        let own = required("torture = { source = \"driftmgr/torture\" }");
        assert_eq!(provider(&own, "torture_object"), "registry.terraform.io/driftmgr/torture as ");
        assert_eq!(provider(&own, "aws_sqs_queue"), "registry.terraform.io/hashicorp/aws as ");
        let renamed = required("cloud = { source = \"hashicorp/aws\" }");
        assert_eq!(provider(&renamed, "aws_sqs_queue"), "registry.terraform.io/hashicorp/aws as cloud");
        let elsewhere = required("aws = { source = \"example.com/Fork/aws\" }");
        assert_eq!(provider(&elsewhere, "aws_sqs_queue"), "example.com/fork/aws as ");
    }

    #[test]
    fn aliases_are_those_of_the_provider_and_not_repeated_ones() {
        let code = "provider \"aws\" {}\nprovider \"aws\" {\n  alias = \"west\"\n}\nprovider \"google\" {\n  alias = \
                    \"other\"\n}\nprovider \"aws\" {\n  alias    = \"each\"\n  for_each = toset([\"a\"])\n}\n";
        let aws = "hashicorp/aws".parse().expect("an address");
        assert_eq!(aliases_of(&definitions(code), &aws), ["west"]);
    }

    /// Makes a workshop with a bench for each account and region; only `fake_regional` takes a region.
    fn workshop(benches: &[(Option<&str>, Option<&str>)]) -> Workshop {
        let region = Attribute { computed: true, ..Attribute::optional(AttributeType::Plain(Type::String)) };
        let mut schema = ProviderSchema::new(Schema { version: 0, block: Block::default() });
        let block = Block { attributes: [("region".to_owned(), region)].into(), ..Block::default() };
        schema.resources = BTreeMap::from([
            ("fake_plain".to_owned(), Schema { version: 0, block: Block::default() }),
            ("fake_regional".to_owned(), Schema { version: 0, block }),
        ]);
        let (schema, calls) = (Arc::new(schema), Arc::<Calls>::default());
        let address: ProviderAddress = "a/fake".parse().expect("an address");
        let bench = |(account, region): &(Option<&str>, Option<&str>)| {
            Arc::new(Bench {
                provider: Arc::new(Builtin::default()) as Arc<dyn Provider>,
                schema: Arc::clone(&schema),
                address: address.clone(),
                version: None,
                argument: None,
                region: region.map(Region::from),
                account: account.map(AccountId::from),
                name: (0, "provider[\"a/fake\"]".parse().expect("an address")),
                calls: Arc::clone(&calls),
                pace: Pace::new(1),
                rate: None,
                deadline: std::time::Duration::from_secs(1),
                cancel: CancellationToken::new(),
                secrets: Secrets::default(),
            })
        };
        let types = ["fake_plain", "fake_regional", "fake_unheard_of"];
        Workshop {
            pool: Pool::new(&net::Environment::default(), CancellationToken::new(), Arc::clone(&calls), None),
            benches: benches.iter().map(bench).collect(),
            calls: Arc::clone(&calls),
            diagnostics: Diagnostics::new(),
            providers: types.iter().map(|name| (ResourceType::from(*name), address.clone())).collect(),
            causes: BTreeMap::new(),
        }
    }

    #[test]
    fn an_object_goes_to_the_configuration_of_its_account_and_region() {
        let workshop =
            workshop(&[(Some("1"), Some("eu-west-1")), (Some("1"), Some("us-west-2")), (Some("2"), Some("us-west-2"))]);
        let check = |resource_type: &str, account: Option<&str>, region: Option<&str>| {
            workshop.assign(&finding(resource_type, account, region))
        };
        let at = |bench, is_region_in_id| Assignment::Bench { bench, is_region_in_id };
        assert_eq!(check("fake_plain", Some("1"), Some("eu-west-1")), at(0, false));
        assert_eq!(check("fake_plain", Some("1"), Some("us-west-2")), at(1, false));
        assert_eq!(check("fake_plain", Some("2"), Some("us-west-2")), at(2, false));
        assert_eq!(check("fake_plain", None, None), at(0, false));
        assert_eq!(check("fake_plain", Some("2"), None), at(2, false), "what is global has an account all the same");
        assert_eq!(check("fake_regional", Some("1"), Some("ap-south-1")), at(0, true));
        assert_eq!(check("fake_regional", Some("2"), Some("eu-west-1")), at(2, true));
        let place = |assignment| match assignment {
            Assignment::WrongPlace(reason) => reason,
            other => panic!("{other:?}"),
        };
        assert!(place(check("fake_plain", Some("1"), Some("ap-south-1"))).contains("ap-south-1"));
        assert!(place(check("fake_plain", Some("3"), None)).contains("account 3"));
        assert!(place(check("fake_unheard_of", None, None)).contains("no resource type fake_unheard_of"));
        assert!(matches!(check("other_thing", None, None), Assignment::NoProvider(_)));
    }

    #[test]
    fn where_no_region_is_known_the_provider_decides_for_types_without_one() {
        let workshop = workshop(&[(None, None)]);
        let check = |resource_type: &str| workshop.assign(&finding(resource_type, Some("1"), Some("eu-west-1")));
        assert_eq!(check("fake_plain"), Assignment::Bench { bench: 0, is_region_in_id: false });
        assert_eq!(check("fake_regional"), Assignment::Bench { bench: 0, is_region_in_id: true });
    }
}
