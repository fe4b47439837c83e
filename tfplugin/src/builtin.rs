//! The provider that is part of every CLI, `terraform.io/builtin/terraform`, in this process.
//!
//! It has no binary: terraform and tofu carry it within them. Its one managed type, `terraform_data`, lives in the state
//! only, so nothing outside needs to be asked. Its data source `terraform_remote_state` is not served: whoever reads
//! states reads that one too.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use cty::{Path, Refinements, Type, Value};
use model::{Attribute, AttributeType, Block, Diagnostic, Schema};

use crate::provider::{
    ImportRequest, ImportTarget, ImportedObject, MoveRequest, PlanRequest, PlannedChange, ReadRequest, ResourceObject,
    UpgradeRequest,
};
use crate::{Answer, Call, DataSourceRequest, Error, ErrorKind, Provider, ProviderSchema};

/// The address of the provider that is part of every CLI.
pub const ADDRESS: &str = "terraform.io/builtin/terraform";

const DATA: &str = "terraform_data";
const REMOTE_STATE: &str = "terraform_remote_state";
const INVALID_CONFIG: &str = "builtin-invalid-config";
const INVALID_STATE: &str = "builtin-invalid-state";
const INVALID_IMPORT: &str = "builtin-invalid-import";
const INVALID_MOVE: &str = "builtin-invalid-move";
/// What a `moved` block may turn into a `terraform_data`: the provider, without its registry, and its type.
const MOVABLE: (&str, &str, &str) = ("hashicorp", "null", "null_resource");

/// Serves `terraform_data` as terraform and tofu do.
///
/// ```
/// use tfplugin::{Call, Provider, builtin::Builtin};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let call = Call::within(std::time::Duration::from_secs(1));
/// let (schema, _) = Builtin::default().schema(&call).await.unwrap();
/// assert!(schema.resources.contains_key("terraform_data"));
/// # });
/// ```
#[derive(Debug)]
pub struct Builtin {
    schema: Arc<ProviderSchema>,
}

impl Default for Builtin {
    fn default() -> Self {
        let mut schema = ProviderSchema::new(Schema { version: 0, block: Block::default() });
        schema.resources.insert(DATA.to_owned(), Schema { version: 0, block: data_block() });
        schema.moves_states = true;
        Self { schema: Arc::new(schema) }
    }
}

#[async_trait]
impl Provider for Builtin {
    async fn schema(&self, _call: &Call) -> Answer<Arc<ProviderSchema>> {
        Ok((Arc::clone(&self.schema), Vec::new()))
    }

    async fn validate_data_source_config(&self, _call: &Call, data_source: &str, _config: Value) -> Answer<()> {
        Err(no_data_source("ValidateDataResourceConfig", data_source))
    }

    async fn read_data_source(&self, _call: &Call, request: DataSourceRequest) -> Answer<Value> {
        Err(no_data_source("ReadDataSource", &request.data_source))
    }

    async fn validate_resource_config(&self, _call: &Call, resource_type: &str, config: Value) -> Answer<()> {
        let operation = "ValidateResourceConfig";
        expect_data(operation, resource_type)?;
        let [id, output] = ["id", "output"].map(|name| attribute(operation, &config, name));
        let diagnostics = [("id", id?), ("output", output?)].into_iter().filter(|(_, value)| !value.is_null());
        let refused = diagnostics.map(|(name, _)| {
            let detail = format!("{DATA} sets {name:?} itself, so the configuration may not. Remove the argument.");
            Diagnostic::error(INVALID_CONFIG, "Read-only attribute", detail).at_path(Path::new().attr(name))
        });
        Ok(((), refused.collect()))
    }

    async fn upgrade_resource_state(&self, _call: &Call, request: UpgradeRequest) -> Answer<Value> {
        let operation = "UpgradeResourceState";
        expect_data(operation, &request.resource_type)?;
        let ty = data_block().value_type();
        let refuse = |detail: String| {
            let diagnostic = Diagnostic::error(INVALID_STATE, "Recorded object cannot be read", detail);
            Ok((Value::null(ty.clone()), vec![diagnostic]))
        };
        if request.version != 0 {
            return refuse(format!(
                "The state holds a {DATA} with schema version {}, while the only version known is 0. A newer CLI wrote \
                 it.",
                request.version
            ));
        }
        match cty::json::decode(&request.json, &ty) {
            Ok(value) if value.is_null() => refuse(format!("The state holds a {DATA} that is null.")),
            Ok(value) => Ok((value, Vec::new())),
            Err(error) => refuse(format!("The state holds a {DATA} of another shape than its schema's: {error}.")),
        }
    }

    async fn move_resource_state(&self, _call: &Call, request: MoveRequest) -> Answer<ResourceObject> {
        expect_data("MoveResourceState", &request.target_type)?;
        let nothing =
            ResourceObject { value: Value::null(data_block().value_type()), private: Vec::new(), identity: None };
        let refuse = |detail: String| {
            Ok((nothing.clone(), vec![Diagnostic::error(INVALID_MOVE, "Object cannot be moved", detail)]))
        };
        let provider = &request.source_provider;
        if (&*provider.namespace, &*provider.provider_type, request.source_type.as_str()) != MOVABLE {
            return refuse(format!(
                "Only a null_resource can become a {DATA}, and this is a {} of {provider}. Remove the moved block.",
                request.source_type
            ));
        }
        let old = Type::object([("id", Type::String), ("triggers", Type::map(Type::String))]);
        let old = match cty::json::decode(&request.source_json, &old) {
            Ok(old) if !old.is_null() => old,
            Ok(_) => return refuse("The state holds a null_resource that is null.".to_owned()),
            Err(error) => return refuse(format!("The state holds a null_resource of another shape: {error}.")),
        };
        let mut attributes = nulls();
        for (name, value) in old.entries().filter(|(_, value)| !value.is_null()) {
            if name == "id" {
                attributes.insert("id".to_owned(), value.clone());
            } else {
                let triggers = value.entries().map(|(key, value)| (key.to_owned(), value.clone())).collect();
                attributes.insert("triggers_replace".to_owned(), Value::object(triggers));
            }
        }
        let value = Value::object(attributes);
        Ok((ResourceObject { value, private: request.source_private, identity: None }, Vec::new()))
    }

    async fn read_resource(&self, _call: &Call, request: ReadRequest) -> Answer<ResourceObject> {
        expect_data("ReadResource", &request.resource_type)?;
        Ok((request.object, Vec::new()))
    }

    async fn import_resource_state(&self, _call: &Call, request: ImportRequest) -> Answer<Vec<ImportedObject>> {
        expect_data("ImportResourceState", &request.resource_type)?;
        let ImportTarget::Id(id) = request.target else {
            let detail = format!("{DATA} has no identity. Import it by id.");
            return Ok((Vec::new(), vec![Diagnostic::error(INVALID_IMPORT, "No import by identity", detail)]));
        };
        let mut attributes = nulls();
        attributes.insert("id".to_owned(), Value::string(id));
        let object = ResourceObject { value: Value::object(attributes), private: Vec::new(), identity: None };
        Ok((vec![ImportedObject { resource_type: DATA.to_owned(), object }], Vec::new()))
    }

    async fn plan_resource_change(&self, _call: &Call, request: PlanRequest) -> Answer<PlannedChange> {
        expect_data("PlanResourceChange", &request.resource_type)?;
        // As on the wire, marks are no part of a value: what is sensitive now is not changed by that.
        let (prior, _) = request.prior.value.unmark_deep();
        let (proposed, _) = request.proposed.unmark_deep();
        let (value, requires_replace) = plan(&prior, &proposed)?;
        let planned = ResourceObject { value, private: request.prior.private, identity: None };
        Ok((PlannedChange { planned, requires_replace, is_legacy_type_system: false }, Vec::new()))
    }
}

fn plan(prior: &Value, proposed: &Value) -> Result<(Value, Vec<Path>), Error> {
    let operation = "PlanResourceChange";
    if proposed.is_null() {
        return Ok((proposed.clone(), Vec::new()));
    }
    let input = attribute(operation, proposed, "input")?;
    let trigger = attribute(operation, proposed, "triggers_replace")?;
    let mut planned: BTreeMap<String, Value> =
        proposed.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let is_triggered = !prior.is_null() && attribute(operation, prior, "triggers_replace")? != trigger;
    if prior.is_null() || is_triggered {
        let id = Value::unknown(Type::String).refine(&Refinements::new().not_null());
        planned.insert("id".to_owned(), id.unwrap_or_else(|_| Value::unknown(Type::String)));
        let output = if input.is_null() { input } else { Value::unknown(input.ty().clone()) };
        planned.insert("output".to_owned(), output);
    } else if attribute(operation, prior, "input")? != input {
        planned.insert("output".to_owned(), Value::unknown(input.ty().clone()));
    }
    let requires_replace = if is_triggered { vec![Path::new().attr("triggers_replace")] } else { Vec::new() };
    Ok((Value::object(planned), requires_replace))
}

fn expect_data(operation: &'static str, resource_type: &str) -> Result<(), Error> {
    if resource_type == DATA { Ok(()) } else { Err(Error::unknown_type(operation, resource_type)) }
}

fn no_data_source(operation: &'static str, data_source: &str) -> Error {
    if data_source != REMOTE_STATE {
        return Error::unknown_type(operation, data_source);
    }
    let detail = format!(
        "{REMOTE_STATE} is not served here: it is another root's state, which is read as every state is, not through a \
         provider."
    );
    Error::new(ErrorKind::UnknownType, operation, detail)
}

fn attribute(operation: &'static str, object: &Value, name: &str) -> Result<Value, Error> {
    object.entries().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).ok_or_else(|| {
        let detail = format!("The value given for a {DATA} has no attribute {name:?}.");
        Error::new(ErrorKind::Malformed, operation, detail)
    })
}

fn nulls() -> BTreeMap<String, Value> {
    data_block().attributes.iter().map(|(name, of)| (name.clone(), Value::null(of.value_type()))).collect()
}

fn data_block() -> Block {
    let attribute = |ty, optional, description: &str| Attribute {
        ty: AttributeType::Plain(ty),
        description: description.to_owned(),
        description_is_markdown: false,
        required: false,
        optional,
        computed: !optional,
        sensitive: false,
        write_only: false,
        deprecated: false,
        deprecation_message: String::new(),
    };
    let attributes = [
        ("id", attribute(Type::String, false, "A random id that lives as long as the instance.")),
        ("input", attribute(Type::Dynamic, true, "A value to keep in the state.")),
        ("output", attribute(Type::Dynamic, false, "The input, known once it is applied.")),
        ("triggers_replace", attribute(Type::Dynamic, true, "A value whose change replaces the instance.")),
    ];
    Block {
        attributes: attributes.into_iter().map(|(name, attribute)| (name.to_owned(), attribute)).collect(),
        ..Block::default()
    }
}
