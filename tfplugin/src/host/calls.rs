//! The calls of a hosted provider, as the trait that everybody else sees.

use std::sync::Arc;

use async_trait::async_trait;
use cty::Value;
use model::{Block, Diagnostics, Identity, Schema};
use tokio::sync::mpsc;

use super::HostedProvider;
use crate::function::{FunctionError, FunctionRequest};
use crate::provider::{
    ConfigureRequest, DataSourceRequest, GenerateRequest, ImportRequest, ImportTarget, ImportedObject, ListEvent,
    ListRequest, MoveRequest, PlanRequest, PlannedChange, ReadRequest, ResourceObject, UpgradeIdentityRequest,
    UpgradeRequest,
};
use crate::wire::{diagnostic, function, schema, tfplugin6 as wire, value};
use crate::{Answer, Call, Error, ErrorKind, Provider, ProviderSchema};

/// What we can do as a client: write-only attributes are let through, nothing is ever deferred.
const CAPABILITIES: Option<wire::ClientCapabilities> =
    Some(wire::ClientCapabilities { deferral_allowed: false, write_only_attributes_allowed: true });

type Schemas = std::collections::BTreeMap<String, Schema>;

fn block<'a>(operation: &'static str, schemas: &'a Schemas, type_name: &str) -> Result<&'a Block, Error> {
    schemas.get(type_name).map(|schema| &schema.block).ok_or_else(|| Error::unknown_type(operation, type_name))
}

fn encode_meta(
    operation: &'static str,
    schema: &ProviderSchema,
    meta: Option<Value>,
) -> Result<Option<wire::DynamicValue>, Error> {
    // As core does: a provider that has such a schema always gets a value, null where the module says nothing.
    let Some(schema) = &schema.provider_meta else { return Ok(None) };
    let meta = meta.unwrap_or_else(|| Value::null(schema.value_type()));
    value::encode_block(operation, meta, &schema.block).map(Some)
}

fn raw_state(json: Vec<u8>) -> wire::RawState {
    wire::RawState { json: json.into(), ..Default::default() }
}

/// Checks that a provider says it can do what not every provider can.
fn require(operation: &'static str, capability: bool) -> Result<(), Error> {
    if capability { Ok(()) } else { Err(Error::unimplemented(operation)) }
}

fn refuse_deferral(operation: &'static str, deferred: Option<wire::Deferred>) -> Result<(), Error> {
    match deferred {
        None => Ok(()),
        Some(_) => Err(Error::new(
            ErrorKind::Malformed,
            operation,
            "The provider put the call off although it was told not to. This is a bug in the provider.",
        )),
    }
}

impl HostedProvider {
    /// Gives the provider's schema, which is asked for once.
    async fn known_schema(&self, call: &Call) -> Result<Arc<ProviderSchema>, Error> {
        let (schema, diagnostics) = self.schema(call).await?;
        if model::diagnostic::has_errors(&diagnostics) {
            let texts: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            let detail = format!("The provider cannot give its schema: {}", texts.join("; "));
            return Err(Error::new(ErrorKind::Malformed, "GetProviderSchema", detail));
        }
        Ok(schema)
    }

    async fn ask_for_schema(&self, call: &Call) -> Answer<Arc<ProviderSchema>> {
        let (decoded, diagnostics) =
            self.wait_for("GetProviderSchema", call, self.client.get_provider_schema()).await?;
        let mut diagnostics = diagnostic::decode_all(diagnostics);
        let mut schema = decoded?;
        let identities =
            self.wait_for("GetResourceIdentitySchemas", call, self.client.known_identity_schemas()).await?;
        diagnostics.extend(diagnostic::decode_all(identities.diagnostics));
        schema.identities = schema::decode_identities(identities.identity_schemas)?;
        Ok((Arc::new(schema), diagnostics))
    }
}

#[async_trait]
impl Provider for HostedProvider {
    async fn schema(&self, call: &Call) -> Answer<Arc<ProviderSchema>> {
        self.schema.get_or_try_init(|| self.ask_for_schema(call)).await.cloned()
    }

    async fn validate_provider_config(&self, call: &Call, config: Value) -> Answer<()> {
        let operation = "ValidateProviderConfig";
        let schema = self.known_schema(call).await?;
        let config = value::encode_block(operation, config, &schema.provider.block)?;
        let diagnostics = self.wait_for(operation, call, self.client.validate_provider_config(config)).await?;
        Ok(((), diagnostic::decode_all(diagnostics)))
    }

    async fn configure(&self, call: &Call, request: ConfigureRequest) -> Answer<()> {
        let operation = "ConfigureProvider";
        let schema = self.known_schema(call).await?;
        let request = wire::configure_provider::Request {
            terraform_version: request.terraform_version,
            config: Some(value::encode_block(operation, request.config, &schema.provider.block)?),
            client_capabilities: CAPABILITIES,
        };
        let reply = self.wait_for(operation, call, self.client.configure_provider(request)).await?;
        Ok(((), diagnostic::decode_all(reply.diagnostics)))
    }

    async fn validate_data_source_config(&self, call: &Call, data_source: &str, config: Value) -> Answer<()> {
        let operation = "ValidateDataResourceConfig";
        let schema = self.known_schema(call).await?;
        let block = block(operation, &schema.data_sources, data_source)?;
        let config = Some(value::encode_block(operation, config, block)?);
        let request = wire::validate_data_resource_config::Request { type_name: data_source.to_owned(), config };
        let reply = self.wait_for(operation, call, self.client.validate_data_resource_config(request)).await?;
        Ok(((), diagnostic::decode_all(reply.diagnostics)))
    }

    async fn read_data_source(&self, call: &Call, request: DataSourceRequest) -> Answer<Value> {
        let operation = "ReadDataSource";
        let schema = self.known_schema(call).await?;
        let block = block(operation, &schema.data_sources, &request.data_source)?;
        let request = wire::read_data_source::Request {
            type_name: request.data_source,
            config: Some(value::encode_block(operation, request.config, block)?),
            provider_meta: encode_meta(operation, &schema, request.provider_meta)?,
            client_capabilities: CAPABILITIES,
        };
        let reply = self.wait_for(operation, call, self.client.read_data_source(request)).await?;
        refuse_deferral(operation, reply.deferred)?;
        let found = value::decode_block(operation, reply.state.as_ref(), block)?;
        Ok((found, diagnostic::decode_all(reply.diagnostics)))
    }

    async fn validate_resource_config(&self, call: &Call, resource_type: &str, config: Value) -> Answer<()> {
        let operation = "ValidateResourceConfig";
        let schema = self.known_schema(call).await?;
        let block = block(operation, &schema.resources, resource_type)?;
        let request = wire::validate_resource_config::Request {
            type_name: resource_type.to_owned(),
            config: Some(value::encode_block(operation, config, block)?),
            client_capabilities: CAPABILITIES,
        };
        let reply = self.wait_for(operation, call, self.client.validate_resource_config(request)).await?;
        Ok(((), diagnostic::decode_all(reply.diagnostics)))
    }

    async fn upgrade_resource_state(&self, call: &Call, request: UpgradeRequest) -> Answer<Value> {
        let operation = "UpgradeResourceState";
        let schema = self.known_schema(call).await?;
        let block = block(operation, &schema.resources, &request.resource_type)?;
        let request = wire::upgrade_resource_state::Request {
            type_name: request.resource_type,
            version: request.version,
            raw_state: Some(raw_state(request.json)),
        };
        let reply = self.wait_for(operation, call, self.client.upgrade_resource_state(request)).await?;
        let upgraded = value::decode_block(operation, reply.upgraded_state.as_ref(), block)?;
        Ok((upgraded, diagnostic::decode_all(reply.diagnostics)))
    }

    async fn upgrade_resource_identity(&self, call: &Call, request: UpgradeIdentityRequest) -> Answer<Identity> {
        let operation = "UpgradeResourceIdentity";
        let schema = self.known_schema(call).await?;
        let identity_schema = schema.identities.get(&request.resource_type);
        let identity_schema = identity_schema.ok_or_else(|| Error::no_identity(operation, &request.resource_type))?;
        let request = wire::upgrade_resource_identity::Request {
            type_name: request.resource_type,
            version: request.version,
            raw_identity: Some(raw_state(request.json)),
        };
        let reply = self.wait_for(operation, call, self.client.upgrade_resource_identity(request)).await?;
        let upgraded = value::decode_identity(operation, reply.upgraded_identity.as_ref(), Some(identity_schema))?;
        // Null where the diagnostics say why there is none.
        let upgraded = upgraded.unwrap_or_else(|| Identity {
            version: identity_schema.version,
            value: Value::null(value::identity_type(identity_schema)),
        });
        Ok((upgraded, diagnostic::decode_all(reply.diagnostics)))
    }

    async fn move_resource_state(&self, call: &Call, request: MoveRequest) -> Answer<ResourceObject> {
        let operation = "MoveResourceState";
        let schema = self.known_schema(call).await?;
        require(operation, schema.moves_states)?;
        let block = block(operation, &schema.resources, &request.target_type)?;
        let identity_schema = schema.identities.get(&request.target_type);
        let (identity_version, identity) =
            request.source_identity.map_or((0, None), |(version, json)| (version, Some(json)));
        let request = wire::move_resource_state::Request {
            source_provider_address: request.source_provider.to_string(),
            source_type_name: request.source_type,
            source_schema_version: request.source_version,
            source_state: Some(raw_state(request.source_json)),
            target_type_name: request.target_type,
            source_private: request.source_private.into(),
            source_identity: identity.map(raw_state),
            source_identity_schema_version: identity_version,
        };
        let reply = self.wait_for(operation, call, self.client.move_resource_state(request)).await?;
        let object = ResourceObject {
            value: value::decode_block(operation, reply.target_state.as_ref(), block)?,
            private: reply.target_private.into(),
            identity: value::decode_identity(operation, reply.target_identity.as_ref(), identity_schema)?,
        };
        Ok((object, diagnostic::decode_all(reply.diagnostics)))
    }

    async fn generate_resource_config(&self, call: &Call, request: GenerateRequest) -> Answer<Value> {
        let operation = "GenerateResourceConfig";
        let schema = self.known_schema(call).await?;
        require(operation, schema.generates_config)?;
        let block = block(operation, &schema.resources, &request.resource_type)?;
        let request = wire::generate_resource_config::Request {
            state: Some(value::encode_block(operation, request.state, block)?),
            type_name: request.resource_type,
        };
        let reply = self.wait_for(operation, call, self.client.generate_resource_config(request)).await?;
        let config = value::decode_block(operation, reply.config.as_ref(), block)?;
        Ok((config, diagnostic::decode_all(reply.diagnostics)))
    }

    async fn call_function(
        &self,
        call: &Call,
        request: FunctionRequest,
    ) -> Result<Result<Value, FunctionError>, Error> {
        let operation = "CallFunction";
        let schema = self.known_schema(call).await?;
        let signature = schema.functions.get(&request.function);
        let signature = signature.ok_or_else(|| Error::unknown_function(operation, &request.function))?;
        let request = wire::call_function::Request {
            arguments: function::encode_arguments(operation, &request.arguments, signature)?,
            name: request.function,
        };
        let reply = self.wait_for(operation, call, self.client.call_function(request)).await?;
        match reply.error {
            Some(error) => Ok(Err(function::decode_error(error))),
            None => value::decode(operation, reply.result.as_ref(), &signature.returns).map(Ok),
        }
    }

    async fn read_resource(&self, call: &Call, request: ReadRequest) -> Answer<ResourceObject> {
        let operation = "ReadResource";
        let schema = self.known_schema(call).await?;
        let block = block(operation, &schema.resources, &request.resource_type)?;
        let identity_schema = schema.identities.get(&request.resource_type);
        let object = request.object;
        let request = wire::read_resource::Request {
            current_state: Some(value::encode_block(operation, object.value, block)?),
            private: object.private.into(),
            provider_meta: encode_meta(operation, &schema, request.provider_meta)?,
            client_capabilities: CAPABILITIES,
            current_identity: value::encode_identity(operation, object.identity.as_ref(), identity_schema)?,
            type_name: request.resource_type,
        };
        let reply = self.wait_for(operation, call, self.client.read_resource(request)).await?;
        refuse_deferral(operation, reply.deferred)?;
        let object = ResourceObject {
            value: value::decode_block(operation, reply.new_state.as_ref(), block)?,
            private: reply.private.into(),
            identity: value::decode_identity(operation, reply.new_identity.as_ref(), identity_schema)?,
        };
        Ok((object, diagnostic::decode_all(reply.diagnostics)))
    }

    async fn import_resource_state(&self, call: &Call, request: ImportRequest) -> Answer<Vec<ImportedObject>> {
        let operation = "ImportResourceState";
        let schema = self.known_schema(call).await?;
        block(operation, &schema.resources, &request.resource_type)?;
        let identity_schema = schema.identities.get(&request.resource_type);
        let (id, identity) = match &request.target {
            ImportTarget::Id(id) => (id.clone(), None),
            ImportTarget::Identity(identity) => {
                let encoded = value::encode_identity(operation, Some(identity), identity_schema)?;
                let encoded = encoded.ok_or_else(|| Error::no_identity(operation, &request.resource_type))?;
                (String::new(), Some(encoded))
            }
        };
        let request = wire::import_resource_state::Request {
            type_name: request.resource_type,
            id,
            client_capabilities: CAPABILITIES,
            identity,
        };
        let reply = self.wait_for(operation, call, self.client.import_resource_state(request)).await?;
        refuse_deferral(operation, reply.deferred)?;
        let mut imported = Vec::new();
        for object in reply.imported_resources {
            let block = block(operation, &schema.resources, &object.type_name)?;
            let identity_schema = schema.identities.get(&object.type_name);
            let whole = ResourceObject {
                value: value::decode_block(operation, object.state.as_ref(), block)?,
                private: object.private.into(),
                identity: value::decode_identity(operation, object.identity.as_ref(), identity_schema)?,
            };
            imported.push(ImportedObject { resource_type: object.type_name, object: whole });
        }
        Ok((imported, diagnostic::decode_all(reply.diagnostics)))
    }

    async fn plan_resource_change(&self, call: &Call, request: PlanRequest) -> Answer<PlannedChange> {
        let operation = "PlanResourceChange";
        let schema = self.known_schema(call).await?;
        let block = block(operation, &schema.resources, &request.resource_type)?;
        let identity_schema = schema.identities.get(&request.resource_type);
        let prior = request.prior;
        let request = wire::plan_resource_change::Request {
            prior_state: Some(value::encode_block(operation, prior.value, block)?),
            proposed_new_state: Some(value::encode_block(operation, request.proposed, block)?),
            config: Some(value::encode_block(operation, request.config, block)?),
            prior_private: prior.private.into(),
            provider_meta: encode_meta(operation, &schema, request.provider_meta)?,
            client_capabilities: CAPABILITIES,
            prior_identity: value::encode_identity(operation, prior.identity.as_ref(), identity_schema)?,
            type_name: request.resource_type,
        };
        let reply = self.wait_for(operation, call, self.client.plan_resource_change(request)).await?;
        refuse_deferral(operation, reply.deferred)?;
        let planned = ResourceObject {
            value: value::decode_block(operation, reply.planned_state.as_ref(), block)?,
            private: reply.planned_private.into(),
            identity: value::decode_identity(operation, reply.planned_identity.as_ref(), identity_schema)?,
        };
        let change = PlannedChange {
            planned,
            requires_replace: reply.requires_replace.iter().map(diagnostic::decode_path).collect(),
            is_legacy_type_system: reply.legacy_type_system,
        };
        Ok((change, diagnostic::decode_all(reply.diagnostics)))
    }

    async fn validate_list_config(&self, call: &Call, resource_type: &str, config: Value) -> Answer<()> {
        let operation = "ValidateListResourceConfig";
        let schema = self.known_schema(call).await?;
        let block = block(operation, &schema.list_resources, resource_type)?;
        let request = wire::validate_list_resource_config::Request {
            type_name: resource_type.to_owned(),
            config: Some(value::encode_block(operation, config, block)?),
            ..Default::default()
        };
        let reply = self.wait_for(operation, call, self.client.validate_list_resource_config(request)).await?;
        Ok(((), diagnostic::decode_all(reply.diagnostics)))
    }

    async fn list_resource(&self, call: &Call, request: ListRequest, events: mpsc::Sender<ListEvent>) -> Answer<()> {
        let operation = "ListResource";
        let schema = self.known_schema(call).await?;
        let list_block = block(operation, &schema.list_resources, &request.resource_type)?;
        let resource_block = block(operation, &schema.resources, &request.resource_type)?;
        let identity_schema = schema.identities.get(&request.resource_type);
        let asked = wire::list_resource::Request {
            config: Some(value::encode_block(operation, request.config, list_block)?),
            include_resource_object: request.include_resource,
            limit: request.limit,
            type_name: request.resource_type,
        };
        let mut stream = self.wait_for(operation, call, self.client.list_resource(asked)).await?;
        // Dropping the stream, as every return does, tells the provider to stop.
        while let Some(event) = self.wait_for(operation, call, stream.message()).await? {
            let resource = match &event.resource_object {
                Some(resource) => Some(value::decode_block(operation, Some(resource), resource_block)?),
                None => None,
            };
            let event = ListEvent {
                identity: value::decode_identity(operation, event.identity.as_ref(), identity_schema)?,
                display_name: event.display_name,
                resource,
                diagnostics: diagnostic::decode_all(event.diagnostic),
            };
            let is_last = model::diagnostic::has_errors(&event.diagnostics);
            // A reader that neither reads nor leaves must not outlast the call.
            let sent = self.wait_for(operation, call, async { Ok(events.send(event).await) }).await?;
            if sent.is_err() || is_last {
                break;
            }
        }
        Ok(((), Diagnostics::new()))
    }

    async fn stop(&self, call: &Call) -> Result<(), Error> {
        let operation = "StopProvider";
        let reply = self.wait_for(operation, call, self.client.stop_provider(wire::stop_provider::Request {})).await?;
        if reply.error.is_empty() { Ok(()) } else { Err(Error::new(ErrorKind::Connection, operation, reply.error)) }
    }
}
