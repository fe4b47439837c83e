//! Whose credentials a provider has: asked of the provider itself, before it reads anything.

use std::collections::{BTreeMap, BTreeSet};

use cty::Value;
use drift::RecordedAttributes;
use model::{AccountId, ProviderAddress, RecordedInstance};
use tfplugin::DataSourceRequest;

use super::calls::Calls;
use super::cause;
use super::pool::{Pool, Unit};
use crate::states::States;

/// A data source that says whose credentials a provider has, and reads nothing else.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CallerSource {
    namespace: &'static str,
    provider_type: &'static str,
    /// The data source; it takes no argument.
    pub(crate) data_source: &'static str,
    /// The attribute that holds the account.
    attribute: &'static str,
    /// What such a thing is called.
    pub(crate) noun: &'static str,
    /// Where a recorded instance tells the same.
    recorded: RecordedIn,
}

/// Where a recorded instance says which account it is in.
#[derive(Debug, PartialEq, Eq)]
enum RecordedIn {
    /// In its ARN or identity.
    Identifiers,
    /// In an attribute.
    Attribute(&'static str),
    /// In its id, behind this.
    Id(&'static str),
}

/// The data sources that are asked; no other is ever read.
const SOURCES: &[CallerSource] = &[
    CallerSource {
        namespace: "hashicorp",
        provider_type: "aws",
        data_source: "aws_caller_identity",
        attribute: "account_id",
        noun: "account",
        recorded: RecordedIn::Identifiers,
    },
    CallerSource {
        namespace: "hashicorp",
        provider_type: "azurerm",
        data_source: "azurerm_client_config",
        attribute: "subscription_id",
        noun: "subscription",
        recorded: RecordedIn::Id("/subscriptions/"),
    },
    CallerSource {
        namespace: "hashicorp",
        provider_type: "google",
        data_source: "google_client_config",
        attribute: "project",
        noun: "project",
        recorded: RecordedIn::Attribute("project"),
    },
];

/// Finds the data source for a provider.
pub(crate) fn source_of(provider: &ProviderAddress) -> Option<&'static CallerSource> {
    SOURCES
        .iter()
        .find(|source| *provider.namespace == *source.namespace && *provider.provider_type == *source.provider_type)
}

/// Asks a configured provider whose credentials it has.
///
/// # Errors
///
/// Why it gave no answer, as sentences.
pub(crate) async fn ask(source: &CallerSource, pool: &Pool, unit: &Unit, calls: &Calls) -> Result<AccountId, String> {
    let Some(schema) = unit.schema.data_sources.get(source.data_source) else {
        return Err(format!("The provider has no data source {}.", source.data_source));
    };
    let secrets = unit.secrets();
    let config = null_object(&schema.value_type());
    let request = DataSourceRequest { data_source: source.data_source.to_owned(), config, provider_meta: None };
    calls.count_for(&unit.uses[0], "ReadDataSource");
    let answer = unit.hosted.provider.read_data_source(&pool.call(), request).await;
    let (found, diagnostics) = answer.map_err(|error| cause::of_error(&error, &secrets).detail)?;
    if let Some(cause) = cause::of_diagnostics("ReadDataSource", &diagnostics, &secrets) {
        return Err(cause.detail);
    }
    let account = found.get_attr(source.attribute).ok().and_then(|account| account.as_str().map(AccountId::from));
    account.filter(|account| !account.as_str().is_empty()).ok_or_else(|| "It gave no answer.".to_owned())
}

/// Makes an object whose attributes are all null.
fn null_object(ty: &cty::Type) -> Value {
    let cty::Type::Object(object) = ty else { return Value::null(ty.clone()) };
    Value::object(object.attributes().map(|(name, ty)| (name.to_owned(), Value::null(ty.clone()))).collect())
}

/// Gathers the accounts that instances are recorded in, each with an example.
pub(crate) fn recorded_accounts<'a>(
    source: &CallerSource,
    states: &'a States,
    positions: &[usize],
) -> BTreeMap<AccountId, &'a RecordedInstance> {
    let mut accounts = BTreeMap::new();
    for &position in positions {
        let instance = &states.recorded[position];
        let account = match &source.recorded {
            RecordedIn::Identifiers => instance.account.clone(),
            RecordedIn::Attribute(name) => {
                let values = states.attributes(position, &[name]).unwrap_or_default();
                values.into_iter().flatten().find_map(|value| value.as_str().map(AccountId::from))
            }
            RecordedIn::Id(prefix) => {
                let rest = instance.id.as_ref().and_then(|id| id.as_str().strip_prefix(prefix));
                rest.and_then(|rest| rest.split('/').next()).map(AccountId::from)
            }
        };
        if let Some(account) = account.filter(|account| !account.as_str().is_empty()) {
            accounts.entry(account).or_insert(instance);
        }
    }
    accounts
}

/// Names accounts: `account 1`, `accounts 1, 2`.
pub(crate) fn name_all(noun: &str, accounts: &BTreeSet<&AccountId>) -> String {
    let plural = if accounts.len() == 1 { "" } else { "s" };
    let names: Vec<&str> = accounts.iter().map(|account| account.as_str()).collect();
    format!("{noun}{plural} {}", names.join(", "))
}
