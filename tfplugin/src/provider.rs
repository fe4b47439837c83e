//! The one face of a provider: our own, a hosted binary, a fake.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cty::{Path, Value};
use model::{Diagnostics, Identity, IdentitySchema, ProviderAddress, Schema};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::function::{FunctionError, FunctionRequest, FunctionSignature};

/// What a call gives: a value with the provider's diagnostics, or an error of the protocol itself.
///
/// A value beside an error diagnostic is what the provider sent along; it is null where it sent none.
pub type Answer<T> = Result<(T, Diagnostics), Error>;

/// How long one call may take, and how it is told to stop.
#[derive(Clone, Debug)]
pub struct Call {
    /// Cancelled when nobody waits for the answer any more.
    pub cancel: CancellationToken,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
}

impl Call {
    /// Makes a call that must be answered within `timeout`.
    pub fn within(timeout: Duration) -> Self {
        Self { cancel: CancellationToken::new(), deadline: Instant::now().checked_add(timeout) }
    }

    /// Makes a call that only `cancel` ends.
    pub fn cancelled_by(cancel: CancellationToken) -> Self {
        Self { cancel, deadline: None }
    }
}

/// Everything a provider offers, by type name.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderSchema {
    /// The configuration of the provider itself.
    pub provider: Schema,
    /// The configuration of a module's `provider_meta` block, where the provider has one.
    pub provider_meta: Option<Schema>,
    /// Managed resource types.
    pub resources: BTreeMap<String, Schema>,
    /// Data sources.
    pub data_sources: BTreeMap<String, Schema>,
    /// Configurations of the resource types that can be listed.
    pub list_resources: BTreeMap<String, Schema>,
    /// Identities of the resource types that have one.
    pub identities: BTreeMap<String, IdentitySchema>,
    /// Functions.
    pub functions: BTreeMap<String, FunctionSignature>,
    /// Whether the provider wants to plan destruction.
    pub plans_destroy: bool,
    /// Whether the provider can make a configuration of a state.
    pub generates_config: bool,
    /// Whether the provider can take over the states of other resource types.
    pub moves_states: bool,
}

impl ProviderSchema {
    /// Makes the schema of a provider that offers nothing but its own configuration.
    pub fn new(provider: Schema) -> Self {
        Self {
            provider,
            provider_meta: None,
            resources: BTreeMap::new(),
            data_sources: BTreeMap::new(),
            list_resources: BTreeMap::new(),
            identities: BTreeMap::new(),
            functions: BTreeMap::new(),
            plans_destroy: false,
            generates_config: false,
            moves_states: false,
        }
    }
}

/// Asks a provider to be ready to work.
#[derive(Clone, Debug)]
pub struct ConfigureRequest {
    /// The version of terraform that asks, or that we stand in for: providers decide features by it.
    pub terraform_version: String,
    /// The provider block's value.
    pub config: Value,
}

/// Asks for what a data source finds.
#[derive(Clone, Debug)]
pub struct DataSourceRequest {
    /// The data source.
    pub data_source: String,
    /// The data block's value; wholly known.
    pub config: Value,
    /// The value of the module's `provider_meta` block.
    pub provider_meta: Option<Value>,
}

/// A managed object as a provider and a state hold it.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceObject {
    /// The value; null where the object does not exist.
    pub value: Value,
    /// Bytes that only the provider understands, handed back with the next call.
    pub private: Vec<u8>,
    /// The identity, where the type has one.
    pub identity: Option<Identity>,
}

/// Asks what became of an object.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// The resource type.
    pub resource_type: String,
    /// The object as it was last seen.
    pub object: ResourceObject,
    /// The value of the module's `provider_meta` block.
    pub provider_meta: Option<Value>,
}

/// Asks for a recorded state in the shape of the provider's current schema.
#[derive(Clone, Debug)]
pub struct UpgradeRequest {
    /// The resource type.
    pub resource_type: String,
    /// The schema version the state was written with.
    pub version: i64,
    /// The attributes as the state's JSON text.
    pub json: Vec<u8>,
}

/// Asks for a recorded identity in the shape of the provider's current schema.
#[derive(Clone, Debug)]
pub struct UpgradeIdentityRequest {
    /// The resource type.
    pub resource_type: String,
    /// The version of the identity schema it was written with.
    pub version: i64,
    /// The identity as the state's JSON text.
    pub json: Vec<u8>,
}

/// Asks for the state of another resource type's object, perhaps of another provider, as one of this type.
#[derive(Clone, Debug)]
pub struct MoveRequest {
    /// The provider that wrote the state.
    pub source_provider: ProviderAddress,
    /// The resource type it was written for.
    pub source_type: String,
    /// The schema version it was written with.
    pub source_version: i64,
    /// The attributes as the state's JSON text.
    pub source_json: Vec<u8>,
    /// The bytes that only the other provider understands.
    pub source_private: Vec<u8>,
    /// The identity as the state's JSON text, with the version it was written with.
    pub source_identity: Option<(i64, Vec<u8>)>,
    /// The resource type it becomes.
    pub target_type: String,
}

/// Asks for a configuration that would give the state there is.
#[derive(Clone, Debug)]
pub struct GenerateRequest {
    /// The resource type.
    pub resource_type: String,
    /// The object as it was read.
    pub state: Value,
}

/// Names an object to import.
#[derive(Clone, Debug)]
pub enum ImportTarget {
    /// By import id.
    Id(String),
    /// By identity.
    Identity(Identity),
}

/// Asks for the first state of an object that exists already.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// The resource type.
    pub resource_type: String,
    /// Which object.
    pub target: ImportTarget,
}

/// One object an import gave; it is not whole until it was read.
#[derive(Clone, Debug)]
pub struct ImportedObject {
    /// The resource type; usually the one asked for.
    pub resource_type: String,
    /// The object.
    pub object: ResourceObject,
}

/// Asks what would change.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The resource type.
    pub resource_type: String,
    /// The object as it is; null where there is none yet.
    pub prior: ResourceObject,
    /// The configuration merged with what is there.
    pub proposed: Value,
    /// The resource block's value.
    pub config: Value,
    /// The value of the module's `provider_meta` block.
    pub provider_meta: Option<Value>,
}

/// What a provider plans.
#[derive(Clone, Debug)]
pub struct PlannedChange {
    /// The object as it would be.
    pub planned: ResourceObject,
    /// Attributes whose change needs a replacement.
    pub requires_replace: Vec<Path>,
    /// Whether the provider's SDK is excused from planning exactly.
    pub is_legacy_type_system: bool,
}

/// Asks which objects of a type exist.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// The resource type.
    pub resource_type: String,
    /// The list block's `config` value.
    pub config: Value,
    /// Whether each event should carry the whole object.
    pub include_resource: bool,
    /// The most events anybody will read.
    pub limit: i64,
}

/// One listed object.
#[derive(Clone, Debug)]
pub struct ListEvent {
    /// What identifies it; only an event with an error lacks it.
    pub identity: Option<Identity>,
    /// What people call it.
    pub display_name: String,
    /// The whole object, where it was asked for.
    pub resource: Option<Value>,
    /// What went wrong with this object.
    pub diagnostics: Diagnostics,
}

/// A provider of Terraform, whatever runs it.
///
/// Values are shaped by the schema the provider gave; unknown values occur in configurations that are validated or
/// planned. There is no way to apply. A method a provider does not override answers that it is not served, and a
/// validation that it does not override finds nothing.
///
/// An implementation returns soon after [`Call::cancel`] is cancelled; the server gives up on it otherwise.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Gives everything the provider offers. Never needs a configuration, never talks to anybody.
    async fn schema(&self, call: &Call) -> Answer<Arc<ProviderSchema>>;

    /// Checks the provider block.
    async fn validate_provider_config(&self, _call: &Call, _config: Value) -> Answer<()> {
        Ok(((), Vec::new()))
    }

    /// Takes the provider block. Cheap: most processes that are configured are asked nothing.
    async fn configure(&self, _call: &Call, _request: ConfigureRequest) -> Answer<()> {
        Ok(((), Vec::new()))
    }

    /// Checks a data block, in which values may be unknown.
    async fn validate_data_source_config(&self, _call: &Call, _data_source: &str, _config: Value) -> Answer<()> {
        Ok(((), Vec::new()))
    }

    /// Gives what a data source finds: a value of the data source's schema, arguments included.
    async fn read_data_source(&self, _call: &Call, _request: DataSourceRequest) -> Answer<Value> {
        Err(Error::unimplemented("ReadDataSource"))
    }

    /// Checks a resource block, in which values may be unknown.
    async fn validate_resource_config(&self, _call: &Call, _resource_type: &str, _config: Value) -> Answer<()> {
        Ok(((), Vec::new()))
    }

    /// Gives a recorded state in the shape of the current schema.
    async fn upgrade_resource_state(&self, _call: &Call, _request: UpgradeRequest) -> Answer<Value> {
        Err(Error::unimplemented("UpgradeResourceState"))
    }

    /// Gives a recorded identity in the shape of the current schema.
    async fn upgrade_resource_identity(&self, _call: &Call, _request: UpgradeIdentityRequest) -> Answer<Identity> {
        Err(Error::unimplemented("UpgradeResourceIdentity"))
    }

    /// Gives the state of another resource type's object as one of this provider's; nothing moves but the record.
    async fn move_resource_state(&self, _call: &Call, _request: MoveRequest) -> Answer<ResourceObject> {
        Err(Error::unimplemented("MoveResourceState"))
    }

    /// Gives what became of an object; its value is null where it is gone.
    async fn read_resource(&self, _call: &Call, _request: ReadRequest) -> Answer<ResourceObject> {
        Err(Error::unimplemented("ReadResource"))
    }

    /// Gives the first state of an existing object.
    async fn import_resource_state(&self, _call: &Call, _request: ImportRequest) -> Answer<Vec<ImportedObject>> {
        Err(Error::unimplemented("ImportResourceState"))
    }

    /// Gives what would change.
    async fn plan_resource_change(&self, _call: &Call, _request: PlanRequest) -> Answer<PlannedChange> {
        Err(Error::unimplemented("PlanResourceChange"))
    }

    /// Gives a configuration that would give the state there is, where [`ProviderSchema::generates_config`] says it can.
    async fn generate_resource_config(&self, _call: &Call, _request: GenerateRequest) -> Answer<Value> {
        Err(Error::unimplemented("GenerateResourceConfig"))
    }

    /// Gives the result of a function, or why there is none for these arguments. Needs no configuration.
    async fn call_function(
        &self,
        _call: &Call,
        _request: FunctionRequest,
    ) -> Result<Result<Value, FunctionError>, Error> {
        Err(Error::unimplemented("CallFunction"))
    }

    /// Checks the `config` of a list block.
    async fn validate_list_config(&self, _call: &Call, _resource_type: &str, _config: Value) -> Answer<()> {
        Ok(((), Vec::new()))
    }

    /// Sends the objects of a type to `events`, until all are sent, the limit is reached or nobody listens.
    async fn list_resource(&self, _call: &Call, _request: ListRequest, _events: mpsc::Sender<ListEvent>) -> Answer<()> {
        Err(Error::unimplemented("ListResource"))
    }

    /// Asks the provider to end what it is doing; it stays able to do more.
    async fn stop(&self, _call: &Call) -> Result<(), Error> {
        Ok(())
    }
}
