//! What providers are asked: the plan of an instance, a data source that may be read, a function.

use cty::convert::convert;
use cty::{Mark, Marks, Path, PathStep, Type, Value};
use drift::lifecycle::{
    self, Action, Ignored, action, apply_ignore_changes, ignore_in_configuration, normalize_legacy, replace_paths,
};
use hcl::module::IgnoreChanges;
use hcl::root::{DeclaredInstance, ValueAnswer};
use model::{Block, InstanceAddress, ModuleAddress, Schema, Severity};
use tfplugin::{DataSourceRequest, FunctionParameter, FunctionRequest, PlanRequest, ResourceObject};

use super::needs::clause;
use super::stage::{Stage, Station};
use crate::refresh::Reader;
use crate::refresh::asking::{Failure, settle};
use crate::refresh::cause::Secrets;

/// What the next apply makes of an instance.
#[derive(Clone, Debug)]
pub(crate) struct InstanceChange {
    /// What the cloud holds; null where there is nothing.
    pub(crate) prior: Value,
    /// What it would be.
    pub(crate) planned: Value,
    /// What is done for that.
    pub(crate) action: Action,
}

impl Stage {
    /// Asks what the next apply makes of an instance.
    pub(super) async fn plan(&self, station: &Station, schema: &Schema, declared: &DeclaredInstance) -> ValueAnswer {
        let address = &declared.address;
        let unknown = |reason: String| ValueAnswer::Unknown { ty: schema.value_type(), reason };
        if let Some(reason) = self.why_not_planned(address) {
            return unknown(reason);
        }
        match self.try_plan(station, schema, declared).await {
            Ok(value) => {
                let (_, marks) = declared.config.unmark_deep_with_paths();
                let marks: Vec<(Path, Marks)> =
                    marks.into_iter().filter(|(path, _)| path.apply(&value).is_ok()).collect();
                ValueAnswer::Value(marked(&value.mark_with_paths(&marks), &schema.block))
            }
            Err(Failure::Unseen(cause) | Failure::Crashed(cause)) => {
                unknown(format!("the plan of {address} is not known: {}", clause(&cause.detail)))
            }
        }
    }

    /// Says why no plan of an instance is known without planning everything.
    fn why_not_planned(&self, address: &InstanceAddress) -> Option<String> {
        if let Some((states, position)) = self.states.as_ref().zip(self.recorded.get(address))
            && states.recorded[*position].is_tainted
        {
            return Some(format!("{address} is tainted, so the next apply replaces it"));
        }
        let definitions = self.module.definitions(&address.resource.module)?;
        let in_module = model::ResourceAddress { module: ModuleAddress::root(), ..address.resource.clone() };
        let block = definitions.resources.get(&in_module)?;
        let triggers = block.written.blocks().any(|(_, block)| {
            block.block_type == "lifecycle" && block.body.attribute("replace_triggered_by").is_some()
        });
        if triggers {
            return Some(format!("{address} is replaced where something else changes (`replace_triggered_by`)"));
        }
        let imports =
            self.module.configuration().root().is_some_and(|root| {
                root.imports.iter().any(|import| import.to.starts_with(&address.resource.to_string()))
            });
        if imports && !self.recorded.contains_key(address) {
            return Some(format!("{address} is about to be imported"));
        }
        None
    }

    async fn try_plan(
        &self,
        station: &Station,
        schema: &Schema,
        declared: &DeclaredInstance,
    ) -> Result<Value, Failure> {
        let change = self.try_change(station, schema, declared).await?;
        Ok(match change.action {
            // Nothing is to be done: what is there stays.
            Action::NoOp => change.prior,
            _ => change.planned,
        })
    }

    /// Says what the next apply makes of an instance of what the cloud holds.
    ///
    /// # Errors
    /// Why nobody can tell, as a sentence.
    pub(crate) async fn change(&self, address: &InstanceAddress) -> Result<InstanceChange, String> {
        let instance = address.clone();
        let provider = self.settled(move |root| root.provider_of(&instance).map_err(|reason| reason.to_string())).await;
        let provider = provider.ok_or("It was stopped before it was done.")??;
        let station = self.station(&provider).await.map_err(|cause| cause.detail)?;
        let Some(schema) = station.schema.resources.get(address.resource_type().as_str()) else {
            return Err(format!("{} has no resource type {}.", provider.provider, address.resource_type()));
        };
        if let Some(reason) = self.why_not_planned(address) {
            return Err(format!("{reason}."));
        }
        let (instance, block) = (address.clone(), schema.block.clone());
        let declared = self.settled(move |root| root.instance(&instance, &block)).await;
        let declared = declared.ok_or("It was stopped before it was done.")?.map_err(|problem| problem.detail)?;
        if let Some(problem) = declared.diagnostics.iter().find(|problem| problem.severity == Severity::Error) {
            return Err(format!("There is a mistake in its code: {}", problem.detail));
        }
        match self.try_change(&station, schema, &declared).await {
            Ok(change) => Ok(change),
            Err(Failure::Unseen(cause) | Failure::Crashed(cause)) => Err(cause.detail),
        }
    }

    async fn try_change(
        &self,
        station: &Station,
        schema: &Schema,
        declared: &DeclaredInstance,
    ) -> Result<InstanceChange, Failure> {
        let address = &declared.address;
        let reader = self.configured(station).await?;
        let config = declared.config.unmark_deep().0;
        let mut secrets = reader.secrets.clone();
        secrets.add(&declared.config);
        let resource_type = address.resource_type().as_str();
        let validated = station.provider.validate_resource_config(&self.call(), resource_type, config.clone()).await;
        settle("ValidateResourceConfig", validated, &secrets)?;
        let nothing =
            || ResourceObject { value: Value::null(schema.value_type()), private: Vec::new(), identity: None };
        let prior = match self.recorded.get(address) {
            None => nothing(),
            Some(position) => self.observe(&reader, *position).await?.unwrap_or_else(nothing),
        };
        let ignored = self.ignored(address);
        let effective = ignore_in_configuration(&prior.value, &config, &ignored, &schema.block);
        let asked = Asked { reader: &reader, schema, secrets: &secrets, resource_type };
        let planned = asked.plan(self, &prior, &effective, &ignored).await?;
        let replace = replace_paths(&planned.1, &prior.value, &planned.0, &schema.block);
        let action = action(&prior.value, &planned.0, &replace, &schema.block);
        let planned = if action == Action::NoOp || prior.value.is_null() || replace.is_empty() {
            planned.0
        } else {
            // It is made anew, from nothing.
            asked.plan(self, &nothing(), &config, &ignored).await?.0
        };
        Ok(InstanceChange { prior: prior.value, planned, action })
    }

    fn ignored(&self, address: &InstanceAddress) -> Ignored {
        match self.module.configuration().resource(&address.resource) {
            hcl::configuration::Lookup::Block(block) => match &block.ignore_changes {
                IgnoreChanges::All => Ignored::All,
                IgnoreChanges::Paths(paths) => Ignored::Paths(paths.clone()),
            },
            _ => Ignored::Paths(Vec::new()),
        }
    }

    /// Reads a data source that driftmgr.yaml allows.
    pub(super) async fn read_data(
        &self,
        station: &Station,
        schema: &Schema,
        declared: &DeclaredInstance,
    ) -> ValueAnswer {
        let address = &declared.address;
        let unknown = |reason: String| ValueAnswer::Unknown { ty: schema.value_type(), reason };
        if !declared.config.is_wholly_known() {
            let why = declared.unknown.first().map_or("a part of it depends on something unknown", |one| &one.reason);
            return unknown(format!("{} is read once its arguments are known: {why}", address.resource));
        }
        let read = async {
            let reader = self.configured(station).await?;
            let mut secrets = reader.secrets.clone();
            secrets.add(&declared.config);
            let (config, marks) = declared.config.unmark_deep_with_paths();
            let data_source = address.resource_type().as_str();
            let provider = &station.provider;
            let valid = provider.validate_data_source_config(&self.call(), data_source, config.clone()).await;
            settle("ValidateDataSourceConfig", valid, &secrets)?;
            let request = DataSourceRequest { data_source: data_source.to_owned(), config, provider_meta: None };
            let mut slot = station.pace.slot().await;
            let value = slot.wait_for(provider.read_data_source(&self.call(), request)).await;
            Ok::<_, Failure>(settle("ReadDataSource", value, &secrets)?.mark_with_paths(&marks))
        };
        match read.await {
            Ok(value) => ValueAnswer::Value(marked(&value, &schema.block)),
            Err(Failure::Unseen(cause) | Failure::Crashed(cause)) => {
                unknown(format!("{} cannot be read: {}", address.resource, clause(&cause.detail)))
            }
        }
    }

    /// Calls a function of a provider.
    pub(super) async fn call_function(&self, module: &ModuleAddress, name: &str, arguments: &[Value]) -> ValueAnswer {
        let unknown = |ty: Type, reason: String| ValueAnswer::Unknown { ty, reason };
        let Some((local, function)) = name.strip_prefix("provider::").and_then(|rest| rest.rsplit_once("::")) else {
            return unknown(Type::Dynamic, format!("{name}() is no function of a provider"));
        };
        let definitions = self.module.definitions(module);
        let Some(Ok(provider)) = definitions.map(|definitions| definitions.provider_named(local)) else {
            return unknown(Type::Dynamic, format!("which provider {local:?} is, is not known"));
        };
        let station = match self.station(&Self::plain(provider)).await {
            Ok(station) => station,
            Err(cause) => return unknown(Type::Dynamic, format!("{name}() is not called: {}", clause(&cause.detail))),
        };
        let Some(signature) = station.schema.functions.get(function) else {
            return ValueAnswer::Invalid(format!("The provider {local:?} has no function {function:?}."));
        };
        let parameters = signature.parameters.iter().chain(signature.variadic_parameter.iter().cycle());
        let n_least = signature.parameters.len();
        let is_counted =
            arguments.len() == n_least || arguments.len() > n_least && signature.variadic_parameter.is_some();
        if !is_counted {
            return ValueAnswer::Invalid(format!("{name}() does not take {} arguments.", arguments.len()));
        }
        let mut converted = Vec::new();
        for (value, parameter) in arguments.iter().zip(parameters) {
            match argument(value, parameter) {
                Ok(Some(value)) => converted.push(value),
                Ok(None) => {
                    return unknown(signature.returns.clone(), format!("an argument of {name}() is not known"));
                }
                Err(reason) => {
                    return ValueAnswer::Invalid(format!("The argument {:?} of {name}() {reason}.", parameter.name));
                }
            }
        }
        let request = FunctionRequest { function: function.to_owned(), arguments: converted };
        let mut secrets = Secrets::default();
        for argument in arguments {
            secrets.add(argument);
        }
        match station.provider.call_function(&self.call(), request).await {
            Ok(Ok(value)) => ValueAnswer::Value(value),
            Ok(Err(error)) => {
                ValueAnswer::Invalid(format!("{name}() failed: {}.", clause(&secrets.scrub(&error.text))))
            }
            Err(error) => {
                unknown(signature.returns.clone(), format!("{name}() failed: {}", secrets.scrub(&error.to_string())))
            }
        }
    }
}

/// Makes an argument of a value; `None` where the function is not called with what is unknown.
fn argument(value: &Value, parameter: &FunctionParameter) -> Result<Option<Value>, String> {
    let value = convert(value, &parameter.ty).map_err(|error| format!("does not have its type: {error}"))?;
    if value.is_null() && !parameter.allows_null {
        return Err("must not be null".to_owned());
    }
    Ok((value.is_wholly_known() || parameter.allows_unknown).then_some(value))
}

/// One instance that is planned.
struct Asked<'a> {
    reader: &'a Reader,
    schema: &'a Schema,
    secrets: &'a Secrets,
    resource_type: &'a str,
}

impl Asked<'_> {
    /// Asks for a plan; gives the planned value, and the paths for which the provider asks to make the object anew.
    async fn plan(
        &self,
        stage: &Stage,
        prior: &ResourceObject,
        config: &Value,
        ignored: &Ignored,
    ) -> Result<(Value, Vec<Path>), Failure> {
        let block = &self.schema.block;
        let request = PlanRequest {
            resource_type: self.resource_type.to_owned(),
            prior: ResourceObject { value: prior.value.unmark_deep().0, ..prior.clone() },
            proposed: lifecycle::proposed_new(block, &prior.value, config),
            config: config.clone(),
            provider_meta: None,
        };
        let mut slot = self.reader.pace.slot().await;
        let change = slot.wait_for(self.reader.provider.plan_resource_change(&stage.call(), request)).await;
        let change = settle("PlanResourceChange", change, self.secrets)?;
        let planned = if change.is_legacy_type_system {
            let planned = normalize_legacy(&change.planned.value, block);
            apply_ignore_changes(&prior.value, &planned, ignored)
        } else {
            change.planned.value
        };
        Ok((planned, change.requires_replace))
    }
}

/// Marks what a schema calls sensitive.
pub(super) fn marked(value: &Value, block: &Block) -> Value {
    let bare = value.unmark_deep().0;
    let mut paths: Vec<(Path, Marks)> = Vec::new();
    cty::walk(&bare, |path, _| {
        let is_sensitive = is_sensitive(block, path);
        if is_sensitive {
            paths.push((path.clone(), Marks::from([Mark::Sensitive])));
        }
        !is_sensitive
    });
    value.mark_with_paths(&paths)
}

/// Tells whether a schema calls the attribute at a path sensitive.
fn is_sensitive(block: &Block, path: &Path) -> bool {
    let Some(PathStep::GetAttr(_)) = path.steps().last() else { return false };
    let mut here = Some(block);
    let mut nested: Option<&model::NestedObject> = None;
    for step in path.steps() {
        let PathStep::GetAttr(name) = step else { continue };
        let attribute = match nested {
            Some(object) => object.attributes.get(name),
            None => here.and_then(|block| block.attributes.get(name)),
        };
        if let Some(attribute) = attribute {
            if attribute.sensitive {
                return true;
            }
            match &attribute.ty {
                model::AttributeType::Nested(object) => nested = Some(object),
                model::AttributeType::Plain(_) => return false,
            }
            continue;
        }
        here = here.and_then(|block| Some(&block.blocks.get(name)?.block));
    }
    false
}
