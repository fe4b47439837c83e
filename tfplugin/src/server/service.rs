//! The calls: wire types in, `cty` and `model` types to the provider, wire types out.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{Block, Diagnostic, Diagnostics};
use tokio::sync::OnceCell;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;
use tonic::{Request, Response, Status};

use super::list::{self, Events};
use crate::function::FunctionRequest;
use crate::provider::{
    ConfigureRequest, DataSourceRequest, GenerateRequest, ImportRequest, ImportTarget, ListRequest, MoveRequest,
    PlanRequest, ReadRequest, ResourceObject, UpgradeIdentityRequest, UpgradeRequest,
};
use crate::wire::tfplugin6::{self as wire, provider_server};
use crate::wire::{diagnostic, function, schema, value};
use crate::{Answer, Call, Error, ErrorKind, Provider, ProviderSchema};

/// How long a provider may take to end a call after it was asked to stop.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// Serves one provider.
pub(super) struct Service {
    provider: Arc<dyn Provider>,
    schema: OnceCell<(Arc<ProviderSchema>, Diagnostics)>,
    /// Cancelled, and replaced, when the client says stop.
    stop: Mutex<CancellationToken>,
}

/// What one call works with.
pub(super) struct Work {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) schema: Arc<ProviderSchema>,
    pub(super) call: Call,
    pub(super) operation: &'static str,
}

impl Work {
    pub(super) fn resource(&self, name: &str) -> Result<&Block, Error> {
        let schema = self.schema.resources.get(name).ok_or_else(|| Error::unknown_type(self.operation, name))?;
        Ok(&schema.block)
    }

    fn data_source(&self, name: &str) -> Result<&Block, Error> {
        let schema = self.schema.data_sources.get(name).ok_or_else(|| Error::unknown_type(self.operation, name))?;
        Ok(&schema.block)
    }

    fn list_resource(&self, name: &str) -> Result<&Block, Error> {
        let schema = self.schema.list_resources.get(name).ok_or_else(|| Error::unknown_type(self.operation, name))?;
        Ok(&schema.block)
    }

    fn provider_meta(&self, wire: Option<&wire::DynamicValue>) -> Result<Option<cty::Value>, Error> {
        let (Some(wire), Some(schema)) = (wire, &self.schema.provider_meta) else { return Ok(None) };
        value::decode_block(self.operation, Some(wire), &schema.block).map(Some)
    }
}

/// A message that can carry diagnostics.
trait Reply: Default + Send + 'static {
    fn with_diagnostics(self, diagnostics: &[Diagnostic]) -> Self;
}

macro_rules! replies {
    ($($module:ident),*) => {
        $(impl Reply for wire::$module::Response {
            fn with_diagnostics(mut self, diagnostics: &[Diagnostic]) -> Self {
                self.diagnostics = diagnostic::encode_all(diagnostics);
                self
            }
        })*
    };
}

replies!(
    configure_provider,
    generate_resource_config,
    get_functions,
    get_metadata,
    get_provider_schema,
    get_resource_identity_schemas,
    import_resource_state,
    move_resource_state,
    plan_resource_change,
    read_data_source,
    read_resource,
    upgrade_resource_identity,
    upgrade_resource_state,
    validate_data_resource_config,
    validate_list_resource_config,
    validate_provider_config,
    validate_resource_config
);

impl Reply for wire::call_function::Response {
    fn with_diagnostics(mut self, diagnostics: &[Diagnostic]) -> Self {
        if !diagnostics.is_empty() {
            let texts: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            self.error = Some(wire::FunctionError { text: texts.join("\n"), function_argument: None });
        }
        self
    }
}

/// Takes the JSON text out of a recorded value.
fn json_of(operation: &'static str, raw: Option<wire::RawState>) -> Result<Vec<u8>, Error> {
    let raw = raw.unwrap_or_default();
    if raw.json.is_empty() && !raw.flatmap.is_empty() {
        return Err(Error::new(
            ErrorKind::Malformed,
            operation,
            "The state was written before Terraform 0.12; apply it once with Terraform 0.12 first.",
        ));
    }
    Ok(raw.json.to_vec())
}

impl Service {
    pub(super) fn new(provider: Arc<dyn Provider>) -> Self {
        Self { provider, schema: OnceCell::new(), stop: Mutex::new(CancellationToken::new()) }
    }

    /// Gets ready for one call; dropping the guard cancels it.
    async fn start(&self, operation: &'static str) -> Result<(Work, Diagnostics, DropGuard), Error> {
        let cancel = self.stop.lock().unwrap_or_else(PoisonError::into_inner).child_token();
        let guard = cancel.clone().drop_guard();
        let call = Call::cancelled_by(cancel);
        let (schema, diagnostics) = self.schema.get_or_try_init(|| self.provider.schema(&call)).await?.clone();
        Ok((Work { provider: self.provider.clone(), schema, call, operation }, diagnostics, guard))
    }

    /// Runs one call in a task of its own, until it is answered, the client stops it, or the client is gone.
    async fn answer<T, F>(&self, operation: &'static str, work: impl FnOnce(Work) -> F) -> Result<Response<T>, Status>
    where
        T: Reply,
        F: Future<Output = Answer<T>> + Send + 'static,
    {
        let answered = async {
            let (ready, _, _guard) = self.start(operation).await?;
            let cancel = ready.call.cancel.clone();
            let mut task = AbortOnDropHandle::new(tokio::spawn(work(ready)));
            let grace_is_over = async {
                cancel.cancelled().await;
                tokio::time::sleep(STOP_GRACE).await;
            };
            let joined = tokio::select! {
                joined = &mut task => joined,
                () = grace_is_over => return Err(Error::cancelled(operation)),
            };
            joined.unwrap_or_else(|_panic| {
                Err(Error::new(
                    ErrorKind::Local,
                    operation,
                    "The provider met a state it was not built for. This is a bug in the provider; its log, which \
                     TF_LOG_PROVIDER=trace shows, says where. Please report it.",
                ))
            })
        };
        match answered.await {
            Ok((reply, diagnostics)) => Ok(Response::new(reply.with_diagnostics(&diagnostics))),
            Err(error) => refusal(&error).map(|diagnostic| Response::new(T::default().with_diagnostics(&[diagnostic]))),
        }
    }
}

/// Turns an error into what the client shows: a status where the protocol has one for it, else a diagnostic.
pub(super) fn refusal(error: &Error) -> Result<Diagnostic, Status> {
    match error.kind() {
        ErrorKind::Unimplemented => Err(Status::unimplemented(error.to_string())),
        ErrorKind::Cancelled => Err(Status::cancelled(error.to_string())),
        _ => Ok(Diagnostic::error("provider-failed", format!("{} failed", error.operation()), error.to_string())),
    }
}

#[tonic::async_trait]
impl provider_server::Provider for Service {
    type ListResourceStream = Events;

    async fn get_metadata(
        &self,
        _request: Request<wire::get_metadata::Request>,
    ) -> Result<Response<wire::get_metadata::Response>, Status> {
        use wire::get_metadata::{
            DataSourceMetadata, FunctionMetadata, ListResourceMetadata, ResourceMetadata, Response,
        };
        self.answer("GetMetadata", |work| async move {
            let schema = &work.schema;
            let data_sources = schema.data_sources.keys().cloned();
            let resources = schema.resources.keys().cloned();
            let list_resources = schema.list_resources.keys().cloned();
            let functions = schema.functions.keys().cloned();
            let reply = Response {
                server_capabilities: Some(schema::capabilities(schema)),
                data_sources: data_sources.map(|type_name| DataSourceMetadata { type_name }).collect(),
                resources: resources.map(|type_name| ResourceMetadata { type_name }).collect(),
                list_resources: list_resources.map(|type_name| ListResourceMetadata { type_name }).collect(),
                functions: functions.map(|name| FunctionMetadata { name }).collect(),
                ..Response::default()
            };
            Ok((reply, Vec::new()))
        })
        .await
    }

    async fn get_provider_schema(
        &self,
        _request: Request<wire::get_provider_schema::Request>,
    ) -> Result<Response<wire::get_provider_schema::Response>, Status> {
        let reply = match self.start("GetProviderSchema").await {
            Ok((work, diagnostics, _guard)) => schema::encode_provider(&work.schema).with_diagnostics(&diagnostics),
            Err(error) => wire::get_provider_schema::Response::default().with_diagnostics(&[refusal(&error)?]),
        };
        Ok(Response::new(reply))
    }

    async fn get_resource_identity_schemas(
        &self,
        _request: Request<wire::get_resource_identity_schemas::Request>,
    ) -> Result<Response<wire::get_resource_identity_schemas::Response>, Status> {
        self.answer("GetResourceIdentitySchemas", |work| async move {
            let identity_schemas = schema::encode_identities(&work.schema.identities);
            let reply = wire::get_resource_identity_schemas::Response { identity_schemas, ..Default::default() };
            Ok((reply, Vec::new()))
        })
        .await
    }

    async fn validate_provider_config(
        &self,
        request: Request<wire::validate_provider_config::Request>,
    ) -> Result<Response<wire::validate_provider_config::Response>, Status> {
        let request = request.into_inner();
        self.answer("ValidateProviderConfig", |work| async move {
            let config = value::decode_block(work.operation, request.config.as_ref(), &work.schema.provider.block)?;
            let ((), diagnostics) = work.provider.validate_provider_config(&work.call, config).await?;
            Ok((wire::validate_provider_config::Response::default(), diagnostics))
        })
        .await
    }

    async fn configure_provider(
        &self,
        request: Request<wire::configure_provider::Request>,
    ) -> Result<Response<wire::configure_provider::Response>, Status> {
        let request = request.into_inner();
        self.answer("ConfigureProvider", |work| async move {
            let config = value::decode_block(work.operation, request.config.as_ref(), &work.schema.provider.block)?;
            let asked = ConfigureRequest { terraform_version: request.terraform_version, config };
            let ((), diagnostics) = work.provider.configure(&work.call, asked).await?;
            Ok((wire::configure_provider::Response::default(), diagnostics))
        })
        .await
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<wire::validate_data_resource_config::Request>,
    ) -> Result<Response<wire::validate_data_resource_config::Response>, Status> {
        let wire::validate_data_resource_config::Request { type_name, config } = request.into_inner();
        self.answer("ValidateDataResourceConfig", |work| async move {
            let config = value::decode_block(work.operation, config.as_ref(), work.data_source(&type_name)?)?;
            let ((), diagnostics) = work.provider.validate_data_source_config(&work.call, &type_name, config).await?;
            Ok((wire::validate_data_resource_config::Response::default(), diagnostics))
        })
        .await
    }

    async fn read_data_source(
        &self,
        request: Request<wire::read_data_source::Request>,
    ) -> Result<Response<wire::read_data_source::Response>, Status> {
        let request = request.into_inner();
        self.answer("ReadDataSource", |work| async move {
            let block = work.data_source(&request.type_name)?;
            let asked = DataSourceRequest {
                config: value::decode_block(work.operation, request.config.as_ref(), block)?,
                provider_meta: work.provider_meta(request.provider_meta.as_ref())?,
                data_source: request.type_name,
            };
            let (found, diagnostics) = work.provider.read_data_source(&work.call, asked).await?;
            let state = Some(value::encode_block(work.operation, found, block)?);
            Ok((wire::read_data_source::Response { state, ..Default::default() }, diagnostics))
        })
        .await
    }

    async fn validate_resource_config(
        &self,
        request: Request<wire::validate_resource_config::Request>,
    ) -> Result<Response<wire::validate_resource_config::Response>, Status> {
        let request = request.into_inner();
        self.answer("ValidateResourceConfig", |work| async move {
            let block = work.resource(&request.type_name)?;
            let config = value::decode_block(work.operation, request.config.as_ref(), block)?;
            let ((), diagnostics) =
                work.provider.validate_resource_config(&work.call, &request.type_name, config).await?;
            Ok((wire::validate_resource_config::Response::default(), diagnostics))
        })
        .await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<wire::upgrade_resource_state::Request>,
    ) -> Result<Response<wire::upgrade_resource_state::Response>, Status> {
        let request = request.into_inner();
        self.answer("UpgradeResourceState", |work| async move {
            let block = work.resource(&request.type_name)?;
            let asked = UpgradeRequest {
                resource_type: request.type_name.clone(),
                version: request.version,
                json: json_of(work.operation, request.raw_state)?,
            };
            let (upgraded, diagnostics) = work.provider.upgrade_resource_state(&work.call, asked).await?;
            let upgraded_state = Some(value::encode_block(work.operation, upgraded, block)?);
            Ok((wire::upgrade_resource_state::Response { upgraded_state, ..Default::default() }, diagnostics))
        })
        .await
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<wire::upgrade_resource_identity::Request>,
    ) -> Result<Response<wire::upgrade_resource_identity::Response>, Status> {
        let request = request.into_inner();
        self.answer("UpgradeResourceIdentity", |work| async move {
            let identity_schema = work.schema.identities.get(&request.type_name);
            if identity_schema.is_none() {
                return Err(Error::no_identity(work.operation, &request.type_name));
            }
            let asked = UpgradeIdentityRequest {
                version: request.version,
                json: json_of(work.operation, request.raw_identity)?,
                resource_type: request.type_name,
            };
            let (upgraded, diagnostics) = work.provider.upgrade_resource_identity(&work.call, asked).await?;
            let upgraded_identity = value::encode_identity(work.operation, Some(&upgraded), identity_schema)?;
            Ok((wire::upgrade_resource_identity::Response { upgraded_identity, ..Default::default() }, diagnostics))
        })
        .await
    }

    async fn move_resource_state(
        &self,
        request: Request<wire::move_resource_state::Request>,
    ) -> Result<Response<wire::move_resource_state::Response>, Status> {
        let request = request.into_inner();
        self.answer("MoveResourceState", |work| async move {
            let block = work.resource(&request.target_type_name)?;
            let identity_schema = work.schema.identities.get(&request.target_type_name);
            let source_provider = request.source_provider_address.parse().map_err(|error| {
                let detail = format!("{:?} is no provider's address.", request.source_provider_address);
                Error::new(ErrorKind::Malformed, work.operation, detail).because(error)
            })?;
            let source_identity = match request.source_identity {
                Some(raw) if !raw.json.is_empty() => Some((request.source_identity_schema_version, raw.json.to_vec())),
                _ => None,
            };
            let asked = MoveRequest {
                source_provider,
                source_type: request.source_type_name,
                source_version: request.source_schema_version,
                source_json: json_of(work.operation, request.source_state)?,
                source_private: request.source_private.to_vec(),
                source_identity,
                target_type: request.target_type_name.clone(),
            };
            let (object, diagnostics) = work.provider.move_resource_state(&work.call, asked).await?;
            let reply = wire::move_resource_state::Response {
                target_identity: value::encode_identity(work.operation, object.identity.as_ref(), identity_schema)?,
                target_state: Some(value::encode_block(work.operation, object.value, block)?),
                target_private: object.private.into(),
                ..Default::default()
            };
            Ok((reply, diagnostics))
        })
        .await
    }

    async fn generate_resource_config(
        &self,
        request: Request<wire::generate_resource_config::Request>,
    ) -> Result<Response<wire::generate_resource_config::Response>, Status> {
        let request = request.into_inner();
        self.answer("GenerateResourceConfig", |work| async move {
            let block = work.resource(&request.type_name)?;
            let state = value::decode_block(work.operation, request.state.as_ref(), block)?;
            let asked = GenerateRequest { resource_type: request.type_name.clone(), state };
            let (config, diagnostics) = work.provider.generate_resource_config(&work.call, asked).await?;
            let config = Some(value::encode_block(work.operation, config, block)?);
            Ok((wire::generate_resource_config::Response { config, ..Default::default() }, diagnostics))
        })
        .await
    }

    async fn get_functions(
        &self,
        _request: Request<wire::get_functions::Request>,
    ) -> Result<Response<wire::get_functions::Response>, Status> {
        self.answer("GetFunctions", |work| async move {
            let functions = function::encode_all(&work.schema.functions);
            Ok((wire::get_functions::Response { functions, ..Default::default() }, Vec::new()))
        })
        .await
    }

    async fn call_function(
        &self,
        request: Request<wire::call_function::Request>,
    ) -> Result<Response<wire::call_function::Response>, Status> {
        let request = request.into_inner();
        self.answer("CallFunction", |work| async move {
            let signature = work.schema.functions.get(&request.name);
            let signature = signature.ok_or_else(|| Error::unknown_function(work.operation, &request.name))?;
            let arguments = function::decode_arguments(work.operation, &request.arguments, signature)?;
            let asked = FunctionRequest { function: request.name, arguments };
            let reply = match work.provider.call_function(&work.call, asked).await? {
                Ok(result) => wire::call_function::Response {
                    result: Some(value::encode(work.operation, &result, &signature.returns)?),
                    error: None,
                },
                Err(error) => {
                    wire::call_function::Response { result: None, error: Some(function::encode_error(&error)) }
                }
            };
            Ok((reply, Vec::new()))
        })
        .await
    }

    async fn read_resource(
        &self,
        request: Request<wire::read_resource::Request>,
    ) -> Result<Response<wire::read_resource::Response>, Status> {
        let request = request.into_inner();
        self.answer("ReadResource", |work| async move {
            let block = work.resource(&request.type_name)?;
            let identity_schema = work.schema.identities.get(&request.type_name);
            let object = ResourceObject {
                value: value::decode_block(work.operation, request.current_state.as_ref(), block)?,
                private: request.private.to_vec(),
                identity: value::decode_identity(work.operation, request.current_identity.as_ref(), identity_schema)?,
            };
            let provider_meta = work.provider_meta(request.provider_meta.as_ref())?;
            let asked = ReadRequest { resource_type: request.type_name.clone(), object, provider_meta };
            let (object, diagnostics) = work.provider.read_resource(&work.call, asked).await?;
            let reply = wire::read_resource::Response {
                new_identity: value::encode_identity(work.operation, object.identity.as_ref(), identity_schema)?,
                new_state: Some(value::encode_block(work.operation, object.value, block)?),
                private: object.private.into(),
                ..Default::default()
            };
            Ok((reply, diagnostics))
        })
        .await
    }

    async fn plan_resource_change(
        &self,
        request: Request<wire::plan_resource_change::Request>,
    ) -> Result<Response<wire::plan_resource_change::Response>, Status> {
        let request = request.into_inner();
        self.answer("PlanResourceChange", |work| async move {
            let block = work.resource(&request.type_name)?;
            let identity_schema = work.schema.identities.get(&request.type_name);
            let prior = ResourceObject {
                value: value::decode_block(work.operation, request.prior_state.as_ref(), block)?,
                private: request.prior_private.to_vec(),
                identity: value::decode_identity(work.operation, request.prior_identity.as_ref(), identity_schema)?,
            };
            let asked = PlanRequest {
                prior,
                proposed: value::decode_block(work.operation, request.proposed_new_state.as_ref(), block)?,
                config: value::decode_block(work.operation, request.config.as_ref(), block)?,
                provider_meta: work.provider_meta(request.provider_meta.as_ref())?,
                resource_type: request.type_name.clone(),
            };
            let (change, diagnostics) = work.provider.plan_resource_change(&work.call, asked).await?;
            let planned = change.planned;
            let reply = wire::plan_resource_change::Response {
                planned_identity: value::encode_identity(work.operation, planned.identity.as_ref(), identity_schema)?,
                planned_state: Some(value::encode_block(work.operation, planned.value, block)?),
                requires_replace: change.requires_replace.iter().map(diagnostic::encode_path).collect(),
                planned_private: planned.private.into(),
                legacy_type_system: change.is_legacy_type_system,
                ..Default::default()
            };
            Ok((reply, diagnostics))
        })
        .await
    }

    async fn import_resource_state(
        &self,
        request: Request<wire::import_resource_state::Request>,
    ) -> Result<Response<wire::import_resource_state::Response>, Status> {
        let request = request.into_inner();
        self.answer("ImportResourceState", |work| async move {
            work.resource(&request.type_name)?;
            let identity_schema = work.schema.identities.get(&request.type_name);
            let identity = value::decode_identity(work.operation, request.identity.as_ref(), identity_schema)?;
            let target = identity.map_or(ImportTarget::Id(request.id), ImportTarget::Identity);
            let asked = ImportRequest { resource_type: request.type_name, target };
            let (imported, diagnostics) = work.provider.import_resource_state(&work.call, asked).await?;
            let mut imported_resources = Vec::new();
            for imported in imported {
                let type_name = imported.resource_type;
                let object = imported.object;
                let identity_schema = work.schema.identities.get(&type_name);
                imported_resources.push(wire::import_resource_state::ImportedResource {
                    state: Some(value::encode_block(work.operation, object.value, work.resource(&type_name)?)?),
                    private: object.private.into(),
                    identity: value::encode_identity(work.operation, object.identity.as_ref(), identity_schema)?,
                    type_name,
                });
            }
            Ok((wire::import_resource_state::Response { imported_resources, ..Default::default() }, diagnostics))
        })
        .await
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<wire::validate_list_resource_config::Request>,
    ) -> Result<Response<wire::validate_list_resource_config::Response>, Status> {
        let request = request.into_inner();
        self.answer("ValidateListResourceConfig", |work| async move {
            let block = work.list_resource(&request.type_name)?;
            let config = value::decode_block(work.operation, request.config.as_ref(), block)?;
            let ((), diagnostics) = work.provider.validate_list_config(&work.call, &request.type_name, config).await?;
            Ok((wire::validate_list_resource_config::Response::default(), diagnostics))
        })
        .await
    }

    async fn list_resource(
        &self,
        request: Request<wire::list_resource::Request>,
    ) -> Result<Response<Self::ListResourceStream>, Status> {
        let request = request.into_inner();
        let ready = async {
            let (work, _, guard) = self.start("ListResource").await?;
            let block = work.list_resource(&request.type_name)?;
            let config = value::decode_block(work.operation, request.config.as_ref(), block)?;
            let asked = ListRequest {
                config,
                include_resource: request.include_resource_object,
                limit: request.limit,
                resource_type: request.type_name,
            };
            Ok::<_, Error>((work, guard, asked))
        };
        match ready.await {
            Ok((work, guard, asked)) => Ok(Response::new(list::start(work, guard, asked))),
            Err(error) => Err(Status::invalid_argument(refusal(&error)?.detail)),
        }
    }

    async fn stop_provider(
        &self,
        _request: Request<wire::stop_provider::Request>,
    ) -> Result<Response<wire::stop_provider::Response>, Status> {
        let stopped = {
            let mut stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *stop, CancellationToken::new())
        };
        stopped.cancel();
        let error = match self.provider.stop(&Call::within(STOP_GRACE)).await {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        };
        Ok(Response::new(wire::stop_provider::Response { error }))
    }
}
