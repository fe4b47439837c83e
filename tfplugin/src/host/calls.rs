//! The calls of a hosted provider, as the trait that everybody else sees.

use std::sync::Arc;

use async_trait::async_trait;
use cty::Value;
use model::{Diagnostics, Identity};
use tokio::sync::mpsc;

use super::HostedProvider;
use super::asked::Asked;
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

fn raw_state(json: Vec<u8>) -> wire::RawState {
    wire::RawState { json: json.into(), ..Default::default() }
}

impl HostedProvider {
    /// Gives the provider's schema, which is asked for once.
    pub(super) async fn known_schema(&self, call: &Call) -> Result<Arc<ProviderSchema>, Error> {
        let (schema, diagnostics) = self.schema(call).await?;
        if model::diagnostic::has_errors(&diagnostics) {
            let texts: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            let detail = format!("The provider cannot give its schema: {}", texts.join("; "));
            return Err(Error::new(ErrorKind::Malformed, "GetProviderSchema", detail).with("provider", &self.name));
        }
        Ok(schema)
    }

    async fn ask_for_schema(&self, call: &Call) -> Answer<Arc<ProviderSchema>> {
        let reply = self.wait_for("GetProviderSchema", call, self.client.get_provider_schema()).await?;
        let mut diagnostics = diagnostic::decode_all(reply.diagnostics);
        let mut schema = reply.schema?;
        let identities =
            self.wait_for("GetResourceIdentitySchemas", call, self.client.known_identity_schemas()).await?;
        diagnostics.extend(diagnostic::decode_all(identities.diagnostics));
        schema.identities = schema::decode_identities(identities.identity_schemas)?;
        let answer = (Arc::new(schema), diagnostics);
        if let Some(source) = self.source.as_ref().filter(|_| reply.is_optional) {
            source.processes.remember_schema(&source.command, &answer);
        }
        Ok(answer)
    }
}

#[async_trait]
impl Provider for HostedProvider {
    async fn schema(&self, call: &Call) -> Answer<Arc<ProviderSchema>> {
        let known = self.schema.get_or_try_init(|| self.ask_for_schema(call)).await;
        known.cloned().map_err(|error| error.with("provider", &self.name))
    }

    async fn validate_provider_config(&self, call: &Call, config: Value) -> Answer<()> {
        let asked = Asked::about(self, call, "ValidateProviderConfig", "").await?;
        let config = asked.encode(config, &asked.schema.provider.block)?.unwrap_or_default();
        let diagnostics = asked.wait(self.client.validate_provider_config(config)).await?;
        Ok(((), diagnostic::decode_all(diagnostics)))
    }

    async fn configure(&self, call: &Call, request: ConfigureRequest) -> Answer<()> {
        let asked = Asked::about(self, call, "ConfigureProvider", "").await?;
        let request = wire::configure_provider::Request {
            terraform_version: request.terraform_version,
            config: asked.encode(request.config, &asked.schema.provider.block)?,
            client_capabilities: CAPABILITIES,
        };
        let reply = asked.wait(self.client.configure_provider(request)).await?;
        Ok(((), diagnostic::decode_all(reply.diagnostics)))
    }

    async fn validate_data_source_config(&self, call: &Call, data_source: &str, config: Value) -> Answer<()> {
        let asked = Asked::about(self, call, "ValidateDataResourceConfig", data_source).await?;
        let config = asked.encode(config, asked.data_source()?)?;
        let request = wire::validate_data_resource_config::Request { type_name: data_source.to_owned(), config };
        let reply = asked.wait(self.client.validate_data_resource_config(request)).await?;
        Ok(((), diagnostic::decode_all(reply.diagnostics)))
    }

    async fn read_data_source(&self, call: &Call, request: DataSourceRequest) -> Answer<Value> {
        let asked = Asked::about(self, call, "ReadDataSource", &request.data_source).await?;
        let block = asked.data_source()?;
        if !self.data_sources.contains(&request.data_source) {
            let detail = format!(
                "The data source {:?} is not read: reading one can do more than look, so each is allowed by name.",
                request.data_source
            );
            return Err(asked.name(Error::new(ErrorKind::NotAllowed, asked.operation, detail)));
        }
        let request = wire::read_data_source::Request {
            type_name: request.data_source,
            config: asked.encode(request.config, block)?,
            provider_meta: asked.encode_meta(request.provider_meta)?,
            client_capabilities: CAPABILITIES,
        };
        let reply = asked.wait(self.client.read_data_source(request)).await?;
        asked.refuse_deferral(reply.deferred)?;
        let diagnostics = diagnostic::decode_all(reply.diagnostics);
        Ok((asked.decode_known(reply.state.as_ref(), block, &diagnostics)?, diagnostics))
    }

    async fn validate_resource_config(&self, call: &Call, resource_type: &str, config: Value) -> Answer<()> {
        let asked = Asked::about(self, call, "ValidateResourceConfig", resource_type).await?;
        let request = wire::validate_resource_config::Request {
            type_name: resource_type.to_owned(),
            config: asked.encode(config, asked.resource()?)?,
            client_capabilities: CAPABILITIES,
        };
        let reply = asked.wait(self.client.validate_resource_config(request)).await?;
        Ok(((), diagnostic::decode_all(reply.diagnostics)))
    }

    async fn upgrade_resource_state(&self, call: &Call, request: UpgradeRequest) -> Answer<Value> {
        let asked = Asked::about(self, call, "UpgradeResourceState", &request.resource_type).await?;
        let block = asked.resource()?;
        let request = wire::upgrade_resource_state::Request {
            type_name: request.resource_type,
            version: request.version,
            raw_state: Some(raw_state(request.json)),
        };
        let reply = asked.wait(self.client.upgrade_resource_state(request)).await?;
        let diagnostics = diagnostic::decode_all(reply.diagnostics);
        Ok((asked.decode_known(reply.upgraded_state.as_ref(), block, &diagnostics)?, diagnostics))
    }

    async fn upgrade_resource_identity(&self, call: &Call, request: UpgradeIdentityRequest) -> Answer<Identity> {
        let asked = Asked::about(self, call, "UpgradeResourceIdentity", &request.resource_type).await?;
        let identity_schema = asked.identity_schema().ok_or_else(|| asked.no_identity())?;
        let request = wire::upgrade_resource_identity::Request {
            type_name: request.resource_type,
            version: request.version,
            raw_identity: Some(raw_state(request.json)),
        };
        let reply = asked.wait(self.client.upgrade_resource_identity(request)).await?;
        let diagnostics = diagnostic::decode_all(reply.diagnostics);
        let upgraded = asked.decode_identity(reply.upgraded_identity.as_ref(), &diagnostics)?;
        // Null where the diagnostics say why there is none.
        let upgraded = upgraded.unwrap_or_else(|| Identity {
            version: identity_schema.version,
            value: Value::null(value::identity_type(identity_schema)),
        });
        Ok((upgraded, diagnostics))
    }

    async fn move_resource_state(&self, call: &Call, request: MoveRequest) -> Answer<ResourceObject> {
        let asked = Asked::about(self, call, "MoveResourceState", &request.target_type).await?;
        asked.require(asked.schema.moves_states)?;
        let block = asked.resource()?;
        let (identity_version, identity) = request.source_identity.unzip();
        let request = wire::move_resource_state::Request {
            source_provider_address: request.source_provider.to_string(),
            source_type_name: request.source_type,
            source_schema_version: request.source_version,
            source_state: Some(raw_state(request.source_json)),
            target_type_name: request.target_type,
            source_private: request.source_private.into(),
            source_identity: identity.map(raw_state),
            source_identity_schema_version: identity_version.unwrap_or_default(),
        };
        let reply = asked.wait(self.client.move_resource_state(request)).await?;
        let diagnostics = diagnostic::decode_all(reply.diagnostics);
        let object = ResourceObject {
            value: asked.decode_known(reply.target_state.as_ref(), block, &diagnostics)?,
            private: reply.target_private.into(),
            identity: asked.decode_identity(reply.target_identity.as_ref(), &diagnostics)?,
        };
        Ok((object, diagnostics))
    }

    async fn read_resource(&self, call: &Call, request: ReadRequest) -> Answer<ResourceObject> {
        let asked = Asked::about(self, call, "ReadResource", &request.resource_type).await?;
        let block = asked.resource()?;
        let object = request.object;
        let request = wire::read_resource::Request {
            current_state: asked.encode(object.value, block)?,
            private: object.private.into(),
            provider_meta: asked.encode_meta(request.provider_meta)?,
            client_capabilities: CAPABILITIES,
            current_identity: asked.encode_identity(object.identity.as_ref())?,
            type_name: request.resource_type,
        };
        let reply = asked.wait(self.client.read_resource(request)).await?;
        asked.refuse_deferral(reply.deferred)?;
        let diagnostics = diagnostic::decode_all(reply.diagnostics);
        if reply.new_state.is_none() && !model::diagnostic::has_errors(&diagnostics) {
            return Err(asked.malformed(
                "The provider answered with neither an object nor an error, from which nothing follows: an object that is \
                 gone is said to be null. This is a bug in the provider.",
            ));
        }
        let object = ResourceObject {
            value: asked.decode_known(reply.new_state.as_ref(), block, &diagnostics)?,
            private: reply.private.into(),
            identity: asked.decode_identity(reply.new_identity.as_ref(), &diagnostics)?,
        };
        Ok((object, diagnostics))
    }

    async fn import_resource_state(&self, call: &Call, request: ImportRequest) -> Answer<Vec<ImportedObject>> {
        let asked = Asked::about(self, call, "ImportResourceState", &request.resource_type).await?;
        asked.resource()?;
        let (id, identity) = match &request.target {
            ImportTarget::Id(id) => (id.clone(), None),
            ImportTarget::Identity(identity) => {
                let encoded = asked.encode_identity(Some(identity))?;
                (String::new(), Some(encoded.ok_or_else(|| asked.no_identity())?))
            }
        };
        let request = wire::import_resource_state::Request {
            type_name: request.resource_type,
            id,
            client_capabilities: CAPABILITIES,
            identity,
        };
        let reply = asked.wait(self.client.import_resource_state(request)).await?;
        asked.refuse_deferral(reply.deferred)?;
        let diagnostics = diagnostic::decode_all(reply.diagnostics);
        let mut imported = Vec::new();
        for object in reply.imported_resources {
            // An import may give objects of other types besides.
            let asked = Asked::about(self, call, asked.operation, &object.type_name).await?;
            let whole = ResourceObject {
                value: asked.decode_known(object.state.as_ref(), asked.resource()?, &diagnostics)?,
                private: object.private.into(),
                identity: asked.decode_identity(object.identity.as_ref(), &diagnostics)?,
            };
            imported.push(ImportedObject { resource_type: object.type_name, object: whole });
        }
        Ok((imported, diagnostics))
    }

    async fn plan_resource_change(&self, call: &Call, request: PlanRequest) -> Answer<PlannedChange> {
        let asked = Asked::about(self, call, "PlanResourceChange", &request.resource_type).await?;
        let block = asked.resource()?;
        let prior = request.prior;
        let request = wire::plan_resource_change::Request {
            prior_state: asked.encode(prior.value, block)?,
            proposed_new_state: asked.encode(request.proposed, block)?,
            config: asked.encode(request.config, block)?,
            prior_private: prior.private.into(),
            provider_meta: asked.encode_meta(request.provider_meta)?,
            client_capabilities: CAPABILITIES,
            prior_identity: asked.encode_identity(prior.identity.as_ref())?,
            type_name: request.resource_type,
        };
        let reply = asked.wait(Box::pin(self.client.plan_resource_change(request))).await?;
        asked.refuse_deferral(reply.deferred)?;
        let diagnostics = diagnostic::decode_all(reply.diagnostics);
        let planned = ResourceObject {
            value: asked.decode(reply.planned_state.as_ref(), block, &diagnostics)?,
            private: reply.planned_private.into(),
            identity: asked.decode_identity(reply.planned_identity.as_ref(), &diagnostics)?,
        };
        let change = PlannedChange {
            planned,
            requires_replace: reply.requires_replace.iter().map(diagnostic::decode_path).collect(),
            is_legacy_type_system: reply.legacy_type_system,
        };
        Ok((change, diagnostics))
    }

    async fn generate_resource_config(&self, call: &Call, request: GenerateRequest) -> Answer<Value> {
        let asked = Asked::about(self, call, "GenerateResourceConfig", &request.resource_type).await?;
        asked.require(asked.schema.generates_config)?;
        let block = asked.resource()?;
        let request = wire::generate_resource_config::Request {
            state: asked.encode(request.state, block)?,
            type_name: request.resource_type,
        };
        let reply = asked.wait(self.client.generate_resource_config(request)).await?;
        let diagnostics = diagnostic::decode_all(reply.diagnostics);
        Ok((asked.decode_known(reply.config.as_ref(), block, &diagnostics)?, diagnostics))
    }

    async fn call_function(
        &self,
        call: &Call,
        request: FunctionRequest,
    ) -> Result<Result<Value, FunctionError>, Error> {
        let asked = Asked::about(self, call, "CallFunction", &request.function).await?;
        let signature = asked.schema.functions.get(&request.function);
        let signature = signature.ok_or_else(|| Error::unknown_function(asked.operation, &request.function))?;
        let arguments = function::encode_arguments(asked.operation, &request.arguments, signature);
        let request = wire::call_function::Request {
            arguments: arguments.map_err(|error| asked.name(error))?,
            name: request.function,
        };
        let reply = asked.wait(self.client.call_function(request)).await?;
        match reply.error {
            Some(error) => Ok(Err(function::decode_error(error))),
            None => {
                let result = value::decode(asked.operation, reply.result.as_ref(), &signature.returns);
                result.map(Ok).map_err(|error| asked.name(error))
            }
        }
    }

    async fn validate_list_config(&self, call: &Call, resource_type: &str, config: Value) -> Answer<()> {
        let asked = Asked::about(self, call, "ValidateListResourceConfig", resource_type).await?;
        let request = wire::validate_list_resource_config::Request {
            type_name: resource_type.to_owned(),
            config: asked.encode(config, asked.list_resource()?)?,
            ..Default::default()
        };
        let reply = asked.wait(self.client.validate_list_resource_config(request)).await?;
        Ok(((), diagnostic::decode_all(reply.diagnostics)))
    }

    async fn list_resource(&self, call: &Call, request: ListRequest, events: mpsc::Sender<ListEvent>) -> Answer<()> {
        let asked = Asked::about(self, call, "ListResource", &request.resource_type).await?;
        let resource_block = asked.resource()?;
        let request = wire::list_resource::Request {
            config: asked.encode(request.config, asked.list_resource()?)?,
            include_resource_object: request.include_resource,
            limit: request.limit,
            type_name: request.resource_type,
        };
        let mut stream = asked.wait(self.client.list_resource(request)).await?;
        // Dropping the stream, as every return does, tells the provider to stop.
        while let Some(event) = asked.wait(stream.message()).await? {
            let diagnostics = diagnostic::decode_all(event.diagnostic);
            let resource = match &event.resource_object {
                Some(resource) => Some(asked.decode_known(Some(resource), resource_block, &diagnostics)?),
                None => None,
            };
            let event = ListEvent {
                identity: asked.decode_identity(event.identity.as_ref(), &diagnostics)?,
                display_name: event.display_name,
                resource,
                diagnostics,
            };
            let is_last = model::diagnostic::has_errors(&event.diagnostics);
            // A reader that neither reads nor leaves must not outlast the call.
            let sent = asked.wait(async { Ok(events.send(event).await) }).await?;
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
