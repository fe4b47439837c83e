//! The provider: what it offers, and the way from each call to what it is about.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cty::{Type, Value};
use model::{Block, Identity, Schema};
use tfplugin::{
    Answer, Call, ConfigureRequest, DataSourceRequest, Error, FunctionError, FunctionRequest, GenerateRequest,
    ImportRequest, ImportedObject, ListEvent, ListRequest, MoveRequest, PlanRequest, PlannedChange, Provider,
    ProviderSchema, ReadRequest, ResourceObject, UpgradeIdentityRequest, UpgradeRequest,
};
use tokio::sync::mpsc;

use crate::cloud::{Cloud, Kind};
use crate::shape::{identity_of, identity_schema, named, optional, text, with_fields, with_name};
use crate::{echo, function, thing};

/// What the provider block says.
#[derive(Default)]
pub(crate) struct Torture {
    configuration: Mutex<Configuration>,
}

#[derive(Clone, Default)]
struct Configuration {
    label: String,
    cloud: Option<PathBuf>,
}

impl Torture {
    fn configuration(&self) -> Configuration {
        self.configuration.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn cloud(&self, operation: &'static str, resource_type: &str) -> Result<Cloud, Error> {
        let kind = Kind::of(resource_type).ok_or_else(|| Error::unknown_type(operation, resource_type))?;
        let folder = self.configuration().cloud.or_else(|| std::env::var_os("TORTURE_CLOUD").map(PathBuf::from));
        Ok(Cloud { kind, folder })
    }
}

/// Tells whether the environment takes the generator of configuration from a type, or from `all`.
fn without_generator(name: &str) -> bool {
    std::env::var("TORTURE_NO_GENERATE").is_ok_and(|names| names.split(',').any(|listed| listed == name))
}

#[async_trait]
impl Provider for Torture {
    async fn schema(&self, _call: &Call) -> Answer<Arc<ProviderSchema>> {
        let mut label = optional(Type::String);
        if let Some(n_mebibytes) = std::env::var("TORTURE_SCHEMA_MIB").ok().and_then(|text| text.parse::<usize>().ok())
        {
            label.description = "x".repeat(n_mebibytes << 20);
        }
        let block =
            Block { attributes: named([("cloud", optional(Type::String)), ("label", label)]), ..Block::default() };
        let mut schema = ProviderSchema::new(Schema { version: 0, block });
        schema.data_sources = named([("torture_echo", echo::schema())]);
        schema.resources = named([(thing::NAME, thing::schema())]);
        for kind in Kind::ALL {
            schema.resources.insert(kind.name().to_owned(), kind.schema());
        }
        let prefix = Block { attributes: named([("prefix", optional(Type::String))]), ..Block::default() };
        for name in schema.resources.keys() {
            schema.identities.insert(name.clone(), identity_schema());
            schema.list_resources.insert(name.clone(), Schema { version: 0, block: prefix.clone() });
        }
        schema.functions = named([("repeat", function::signature())]);
        schema.generates_config = !without_generator("all");
        schema.moves_states = true;
        Ok((Arc::new(schema), Vec::new()))
    }

    async fn configure(&self, _call: &Call, request: ConfigureRequest) -> Answer<()> {
        let mut configuration = self.configuration.lock().unwrap_or_else(PoisonError::into_inner);
        *configuration = Configuration {
            label: text(&request.config, "label").unwrap_or_default().to_owned(),
            cloud: text(&request.config, "cloud").map(PathBuf::from),
        };
        tracing::info!(terraform = request.terraform_version, "the provider was configured");
        Ok(((), Vec::new()))
    }

    async fn validate_data_source_config(&self, _call: &Call, _data_source: &str, config: Value) -> Answer<()> {
        Ok(((), echo::validate(&config)))
    }

    async fn read_data_source(&self, call: &Call, request: DataSourceRequest) -> Answer<Value> {
        echo::read(call, &request.config, self.configuration().label).await
    }

    async fn validate_resource_config(&self, _call: &Call, resource_type: &str, config: Value) -> Answer<()> {
        Ok(((), Kind::of(resource_type).map(|kind| kind.validate(&config)).unwrap_or_default()))
    }

    async fn upgrade_resource_state(&self, _call: &Call, request: UpgradeRequest) -> Answer<Value> {
        if request.resource_type == thing::NAME {
            return thing::upgrade(&request);
        }
        self.cloud("UpgradeResourceState", &request.resource_type)?.upgrade(&request)
    }

    async fn upgrade_resource_identity(&self, _call: &Call, request: UpgradeIdentityRequest) -> Answer<Identity> {
        let json = with_name("UpgradeResourceIdentity", &request.json)?;
        let name = json.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
        Ok((identity_of(name), Vec::new()))
    }

    async fn move_resource_state(&self, _call: &Call, request: MoveRequest) -> Answer<ResourceObject> {
        if request.target_type != thing::NAME {
            return Err(Error::unimplemented("MoveResourceState"));
        }
        thing::take_over(request)
    }

    async fn read_resource(&self, _call: &Call, request: ReadRequest) -> Answer<ResourceObject> {
        if request.resource_type == thing::NAME {
            return Ok((thing::read(request), Vec::new()));
        }
        self.cloud("ReadResource", &request.resource_type)?.read(request).await
    }

    async fn import_resource_state(&self, _call: &Call, request: ImportRequest) -> Answer<Vec<ImportedObject>> {
        if request.resource_type == thing::NAME {
            return Ok(thing::import(request));
        }
        let cloud = self.cloud("ImportResourceState", &request.resource_type)?;
        cloud.import(request)
    }

    async fn plan_resource_change(&self, _call: &Call, request: PlanRequest) -> Answer<PlannedChange> {
        if request.resource_type == thing::NAME {
            return Ok((thing::plan(request), Vec::new()));
        }
        let cloud = self.cloud("PlanResourceChange", &request.resource_type)?;
        Ok((cloud.kind.plan(request), Vec::new()))
    }

    async fn generate_resource_config(&self, _call: &Call, request: GenerateRequest) -> Answer<Value> {
        if without_generator(&request.resource_type) {
            return Err(Error::unimplemented("GenerateResourceConfig"));
        }
        if request.resource_type == thing::NAME {
            return Ok((with_fields(&request.state, [("id", Value::null(Type::String))]), Vec::new()));
        }
        let cloud = self.cloud("GenerateResourceConfig", &request.resource_type)?;
        Ok((cloud.kind.config_of(&request.state), Vec::new()))
    }

    async fn call_function(
        &self,
        _call: &Call,
        request: FunctionRequest,
    ) -> Result<Result<Value, FunctionError>, Error> {
        function::call(&request)
    }

    async fn list_resource(&self, call: &Call, request: ListRequest, events: mpsc::Sender<ListEvent>) -> Answer<()> {
        if request.resource_type == thing::NAME {
            thing::list(call, &request, &events).await?;
        } else {
            self.cloud("ListResource", &request.resource_type)?.list(call, &request, &events).await?;
        }
        Ok(((), Vec::new()))
    }
}
