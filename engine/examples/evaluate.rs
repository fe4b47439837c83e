//! Evaluates a root module and prints every value as JSON: what `cargo xtask loop evaluation` compares with a plan.
//!
//! `evaluate ROOT [--plan FILE] [-var=NAME=VALUE]… [-var-file=FILE]… [--planned] [--read DATA_SOURCE]…` takes schemas from the providers that `init` installed into
//! the root. What the code alone does not tell stays unknown, unless the JSON of a plan answers it. With `--planned` each
//! provider plans what was evaluated, as if nothing existed, and reads the data sources that are named.
//!
//! In the output `{"$": "unknown"}` is an unknown value and `{"$": "set", "of": […]}` a set.

#![expect(clippy::print_stdout, reason = "an example reports on standard output")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cty::{Type, Value};
use drift::lifecycle::proposed_new;
use hcl::configuration::Configuration;
use hcl::evaluate::Unknown;
use hcl::root::{Expansion, Root, Sources, ValueAnswer, ValueNeed};
use hcl::variables::VariableValues;
use hcl::{ReadError, SourceTree};
use model::{Attribute, AttributeType, Block, Diagnostics, ModuleAddress, NestedObject, NestingMode, ResourceMode};
use serde_json::{Value as Json, json};
use tfplugin::builtin::Builtin;
use tfplugin::host::{HostedProvider, Launch};
use tfplugin::{Call, ConfigureRequest, DataSourceRequest, PlanRequest, Provider, ProviderSchema, ResourceObject};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How often needs are answered before that counts as going in circles.
const MAX_ROUNDS: usize = 50;

#[derive(Default)]
struct Arguments {
    root: PathBuf,
    plan: Option<PathBuf>,
    /// What terraform's options of the same form say, in their order.
    variables: Vec<String>,
    is_planned: bool,
    read: BTreeSet<String>,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = Arguments::default();
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--plan" => arguments.plan = rest.next().map(PathBuf::from),
            option if option.starts_with("-var=") || option.starts_with("-var-file=") => {
                arguments.variables.push(argument);
            }
            "--planned" => arguments.is_planned = true,
            "--read" => arguments.read.extend(rest.next()),
            root => arguments.root = std::path::absolute(root)?,
        }
    }
    let providers = providers(&arguments).await?;
    let plan = match &arguments.plan {
        Some(path) => Some(PlanValues::read(&serde_json::from_slice(&std::fs::read(path)?)?)),
        None => None,
    };

    let began = Instant::now();
    let (root, problems) = read(&arguments)?;
    let read_in = began.elapsed();
    let schema = |mode: ResourceMode, name: &str| -> Option<&Block> {
        let of = |provider: &'_ Hosted| match mode {
            ResourceMode::Managed => provider.schema.resources.contains_key(name),
            ResourceMode::Data => provider.schema.data_sources.contains_key(name),
        };
        let provider = providers.iter().find(|provider| of(provider))?;
        let schemas = match mode {
            ResourceMode::Managed => &provider.schema.resources,
            ResourceMode::Data => &provider.schema.data_sources,
        };
        schemas.get(name).map(|schema| &schema.block)
    };
    let began = Instant::now();
    let expansion = settle(&root, plan.as_ref(), &schema);
    let mut instances = Vec::new();
    let mut configs = Vec::new();
    for address in &expansion.instances {
        let (mode, name) = (address.resource.mode, address.resource.resource_type.as_str());
        let Some(block) = schema(mode, name) else {
            instances.push(json!({"address": address.to_string(), "error": format!("no provider has {name}")}));
            continue;
        };
        match root.instance(address, block) {
            Ok(declared) => {
                let config = declared.config.unmark_deep().0;
                instances.push(json!({
                    "address": address.to_string(),
                    "config": of_block(&config, block),
                    "unknown": reasons(&declared.unknown),
                    "diagnostics": texts(&declared.diagnostics),
                }));
                configs.push((instances.len() - 1, mode, name.to_owned(), config));
            }
            Err(problem) => {
                instances.push(json!({"address": address.to_string(), "error": problem.to_string()}));
            }
        }
    }
    let mut values = BTreeMap::new();
    for module in &expansion.modules {
        values.insert(module.to_string(), module_values(&root, module));
    }
    let evaluated_in = began.elapsed();
    if arguments.is_planned {
        for (index, mode, name, config) in configs {
            let planned = match mode {
                ResourceMode::Managed => planned(&providers, &name, config).await,
                ResourceMode::Data if arguments.read.contains(&name) && config.is_wholly_known() => {
                    observed(&providers, &name, config).await
                }
                ResourceMode::Data => continue,
            };
            instances[index]["planned"] = planned.unwrap_or_else(|error| json!(error.to_string()));
        }
    }
    for provider in providers {
        if let Some(hosted) = provider.hosted {
            hosted.shutdown().await;
        }
    }
    let undetermined: Vec<Json> = expansion
        .unknown_modules
        .iter()
        .map(|(module, reason)| json!({"address": module.to_string(), "reason": reason.to_string()}))
        .chain(
            expansion
                .unknown_resources
                .iter()
                .map(|(resource, reason)| json!({"address": resource.to_string(), "reason": reason.to_string()})),
        )
        .collect();
    let document = json!({
        "read_seconds": read_in.as_secs_f64(),
        "evaluated_seconds": evaluated_in.as_secs_f64(),
        "instances": instances,
        "undetermined": undetermined,
        "modules": values,
        "diagnostics": texts(&problems),
    });
    println!("{document}");
    Ok(())
}

/// The root module's folder and what lies beside it, as terraform sees them.
struct Disk(PathBuf);

impl SourceTree for Disk {
    fn list(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        entries(&self.0.join(folder), Path::is_file)
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        entries(&self.0.join(folder), Path::is_dir)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        std::fs::read(self.0.join(path)).map_err(|error| fail(path, &error))
    }
}

fn entries(folder: &Path, is_meant: fn(&Path) -> bool) -> Result<Vec<String>, ReadError> {
    let path = folder.display().to_string();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| fail(&path, &error))? {
        let entry = entry.map_err(|error| fail(&path, &error))?;
        if is_meant(&entry.path()) {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort();
    Ok(names)
}

fn fail(path: &str, error: &std::io::Error) -> ReadError {
    ReadError { path: path.to_owned(), reason: error.to_string() }
}

fn read(arguments: &Arguments) -> Outcome<(Root, Diagnostics)> {
    let tree = Arc::new(Disk(arguments.root.clone()));
    let (configuration, mut problems) = Configuration::read(&*tree, ".", ".terraform");
    let mut variables = VariableValues::default();
    let environment: Vec<(String, String)> = std::env::vars().collect();
    variables.add_environment(environment.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    problems.extend(variables.add_standard_files(&*tree));
    for option in &arguments.variables {
        if let Some(name) = option.strip_prefix("-var-file=") {
            problems.extend(variables.add_file(name, &std::fs::read_to_string(arguments.root.join(name))?));
        } else if let Some((name, value)) = option.strip_prefix("-var=").and_then(|rest| rest.split_once('=')) {
            variables.add_text(name, value, "-var");
        }
    }
    let workspace = std::fs::read_to_string(arguments.root.join(".terraform/environment")).ok();
    let workspace = workspace.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or("default").to_owned();
    let sources = Sources {
        configuration: Arc::new(configuration),
        variables: Arc::new(variables),
        tree,
        home: std::env::var("HOME").ok(),
        workspace,
        current_dir: Some(arguments.root.to_string_lossy().into_owned()),
    };
    Ok((Root::new(sources), problems))
}

/// Evaluates everything until nothing more is asked for that the plan can answer.
fn settle<'s>(
    root: &Root,
    plan: Option<&PlanValues>,
    schema: &dyn Fn(ResourceMode, &str) -> Option<&'s Block>,
) -> Expansion {
    for _ in 0..MAX_ROUNDS {
        let expansion = root.expand();
        for module in &expansion.modules {
            module_values(root, module);
        }
        for address in &expansion.instances {
            if let Some(block) = schema(address.resource.mode, address.resource.resource_type.as_str()) {
                drop(root.instance(address, block));
            }
        }
        let needs = root.take_needs();
        let Some(plan) = plan.filter(|_| !needs.is_empty()) else { return expansion };
        let answers = needs.into_iter().map(|need| {
            let found = match &need {
                ValueNeed::Instance(address) => schema(address.resource.mode, address.resource.resource_type.as_str())
                    .and_then(|block| plan.value(&address.to_string(), &block.value_type())),
                ValueNeed::Function { .. } => None,
            };
            let unknown = || ValueAnswer::Unknown { ty: Type::Dynamic, reason: "the plan does not have it".to_owned() };
            let answer = found.map_or_else(unknown, ValueAnswer::Value);
            (need, answer)
        });
        root.answer(answers.collect::<Vec<_>>());
    }
    root.expand()
}

fn module_values(root: &Root, module: &ModuleAddress) -> Json {
    let Some(definitions) = root.definitions(module) else { return Json::Null };
    let one = |(value, unknown, problems): (Value, Vec<Unknown>, Diagnostics)| json!({"value": tagged(&value.unmark_deep().0), "unknown": reasons(&unknown), "diagnostics": texts(&problems)});
    let all = |names: Vec<&String>, evaluate: &dyn Fn(&str) -> (Value, Vec<Unknown>, Diagnostics)| -> Json {
        names.into_iter().map(|name| (name.clone(), one(evaluate(name)))).collect::<serde_json::Map<_, _>>().into()
    };
    json!({
        "variables": all(definitions.variables.keys().collect(), &|name| root.variable(module, name)),
        "locals": all(definitions.locals.keys().collect(), &|name| root.local(module, name)),
        "outputs": all(definitions.outputs.keys().collect(), &|name| root.output(module, name)),
    })
}

fn reasons(unknown: &[Unknown]) -> Json {
    unknown.iter().map(|unknown| json!([unknown.path.to_string(), unknown.reason])).collect()
}

fn texts(diagnostics: &Diagnostics) -> Json {
    let text = |diagnostic: &model::Diagnostic| {
        let place = diagnostic.span.as_ref().map(|span| format!("{}:{}: ", span.file, span.start.line));
        format!("{}{}: {}", place.unwrap_or_default(), diagnostic.summary, diagnostic.detail)
    };
    diagnostics.iter().map(text).collect()
}

/// Writes a value. What is not written and the provider computes is left out; an absent nested block is null.
fn of_block(value: &Value, block: &Block) -> Json {
    if !value.is_known() || value.is_null() {
        return tagged(value);
    }
    let mut entries = serde_json::Map::new();
    for (name, value) in value.entries() {
        let json = match (block.attributes.get(name), block.blocks.get(name)) {
            (Some(attribute), _) if attribute.computed && value.is_known() && value.is_null() => continue,
            (Some(Attribute { ty: AttributeType::Nested(nested), .. }), _) => {
                let block = Block { attributes: nested.attributes.clone(), ..Block::default() };
                nest(value, nested.nesting, &block)
            }
            (_, Some(_)) if value.is_known() && is_collection(value) && value.is_empty() => Json::Null,
            (_, Some(nested)) => nest(value, nested.nesting, &nested.block),
            _ => tagged(value),
        };
        entries.insert(name.to_owned(), json);
    }
    entries.into()
}

fn nest(value: &Value, nesting: NestingMode, block: &Block) -> Json {
    if !value.is_known() || value.is_null() {
        return tagged(value);
    }
    let elements = || value.elements().map(|element| of_block(element, block)).collect::<Vec<_>>();
    match nesting {
        NestingMode::Single | NestingMode::Group => of_block(value, block),
        NestingMode::List => elements().into(),
        NestingMode::Set => json!({"$": "set", "of": elements()}),
        NestingMode::Map => {
            let entries = value.entries().map(|(key, value)| (key.to_owned(), of_block(value, block)));
            entries.collect::<serde_json::Map<_, _>>().into()
        }
    }
}

fn is_collection(value: &Value) -> bool {
    matches!(value.ty(), Type::List(_) | Type::Set(_) | Type::Map(_) | Type::Tuple(_))
}

fn tagged(value: &Value) -> Json {
    if !value.is_known() {
        return json!({"$": "unknown"});
    }
    if value.is_null() {
        return Json::Null;
    }
    match value.ty() {
        Type::Set(_) => json!({"$": "set", "of": value.elements().map(tagged).collect::<Vec<_>>()}),
        Type::List(_) | Type::Tuple(_) => value.elements().map(tagged).collect(),
        Type::Map(_) | Type::Object(_) => value
            .entries()
            .map(|(key, value)| (key.to_owned(), tagged(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        ty => {
            let bytes = cty::json::encode(value, ty).unwrap_or_default();
            serde_json::from_slice(&bytes).unwrap_or(Json::Null)
        }
    }
}

struct Hosted {
    schema: Arc<ProviderSchema>,
    hosted: Option<HostedProvider>,
}

/// Starts every provider that is installed into a root.
async fn providers(arguments: &Arguments) -> Outcome<Vec<Hosted>> {
    let call = Call::within(Duration::from_mins(2));
    let (schema, _) = Builtin::default().schema(&call).await?;
    let mut schema = (*schema).clone();
    schema.data_sources.insert("terraform_remote_state".to_owned(), engine::evaluation::remote_state_schema());
    let schema = Arc::new(schema);
    let mut providers = vec![Hosted { schema, hosted: None }];
    let mut programs = Vec::new();
    find(&arguments.root.join(".terraform/providers"), &mut programs);
    for program in programs {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = name.trim_start_matches("terraform-provider-").split('_').next().unwrap_or_default().to_owned();
        let mut launch = Launch::new(program, std::env::vars_os());
        launch.data_sources = arguments.read.clone();
        let hosted = HostedProvider::launch(launch).await?;
        let (schema, _) = hosted.schema(&call).await?;
        if arguments.is_planned {
            let config = provider_value(&name, &schema.provider.block);
            hosted.configure(&call, ConfigureRequest { terraform_version: "1.11.4".to_owned(), config }).await?;
        }
        providers.push(Hosted { schema, hosted: Some(hosted) });
    }
    Ok(providers)
}

fn find(folder: &Path, programs: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_provider =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("terraform-provider-"));
        if path.is_dir() {
            find(&path, programs);
        } else if is_provider {
            programs.push(path);
        }
    }
}

/// Lets a provider plan what was evaluated, as if it did not exist.
async fn planned(providers: &[Hosted], resource_type: &str, config: Value) -> Outcome<Json> {
    let provider = providers.iter().find(|provider| provider.schema.resources.contains_key(resource_type));
    let provider = provider.ok_or("no provider has it")?;
    let schema = provider.schema.resources.get(resource_type).ok_or("no schema")?;
    let call = Call::within(Duration::from_mins(2));
    let prior = Value::null(schema.block.value_type());
    let proposed = proposed_new(&schema.block, &prior, &config);
    let request = PlanRequest {
        resource_type: resource_type.to_owned(),
        prior: ResourceObject { value: prior, private: Vec::new(), identity: None },
        proposed,
        config,
        provider_meta: None,
    };
    let (change, problems) = match &provider.hosted {
        None => Builtin::default().plan_resource_change(&call, request).await?,
        Some(hosted) => hosted.plan_resource_change(&call, request).await?,
    };
    if model::diagnostic::has_errors(&problems) {
        return Err(texts(&problems).to_string().into());
    }
    Ok(tagged(&change.planned.value.unmark_deep().0))
}

/// Lets a provider read a data source, which must need no cloud.
async fn observed(providers: &[Hosted], data_source: &str, config: Value) -> Outcome<Json> {
    let hosted = providers.iter().find(|provider| provider.schema.data_sources.contains_key(data_source));
    let hosted = hosted.and_then(|provider| provider.hosted.as_ref()).ok_or("no provider has it")?;
    let request = DataSourceRequest { data_source: data_source.to_owned(), config, provider_meta: None };
    let (value, problems) = hosted.read_data_source(&Call::within(Duration::from_mins(2)), request).await?;
    if model::diagnostic::has_errors(&problems) {
        return Err(texts(&problems).to_string().into());
    }
    Ok(tagged(&value.unmark_deep().0))
}

/// Makes a provider configuration that needs no cloud.
fn provider_value(name: &str, block: &Block) -> Value {
    let of = |(attribute, definition): (&String, &Attribute)| {
        let ty = attribute_type(definition);
        let value = match (name, attribute.as_str()) {
            ("aws", "region") => Value::string("eu-central-1"),
            ("aws", "access_key" | "secret_key") => Value::string("testing"),
            ("aws", skip) if skip.starts_with("skip_") && ty == Type::Bool => Value::bool(true),
            _ => Value::null(ty),
        };
        (attribute.clone(), value)
    };
    let attributes = block.attributes.iter().map(of);
    let blocks = block.blocks.iter().map(|(name, nested)| {
        let ty = nested.block.value_type();
        let value = match nested.nesting {
            NestingMode::Set => Value::set(ty, Vec::new()),
            NestingMode::Map => Value::map(ty, BTreeMap::new()),
            NestingMode::List => Value::list(ty, Vec::new()),
            NestingMode::Single | NestingMode::Group => Ok(Value::null(ty)),
        };
        (name.clone(), value.unwrap_or_else(|_| Value::dynamic()))
    });
    Value::object(attributes.chain(blocks).collect())
}

fn attribute_type(attribute: &Attribute) -> Type {
    match &attribute.ty {
        AttributeType::Plain(ty) => ty.clone(),
        AttributeType::Nested(nested) => NestedObject::value_type(nested),
    }
}

/// The values of instances in the JSON of a plan.
struct PlanValues(BTreeMap<String, [Json; 3]>);

impl PlanValues {
    fn read(plan: &Json) -> Self {
        let mut values = BTreeMap::new();
        let mut modules = vec![&plan["prior_state"]["values"]["root_module"]];
        while let Some(module) = modules.pop() {
            modules.extend(module["child_modules"].as_array().into_iter().flatten());
            for resource in module["resources"].as_array().into_iter().flatten() {
                let address = resource["address"].as_str().unwrap_or_default().to_owned();
                let parts = [resource["values"].clone(), Json::Bool(false), resource["sensitive_values"].clone()];
                values.insert(address, parts);
            }
        }
        for change in plan["resource_changes"].as_array().into_iter().flatten() {
            let address = change["address"].as_str().unwrap_or_default().to_owned();
            let change = &change["change"];
            let parts = ["after", "after_unknown", "after_sensitive"].map(|part| change[part].clone());
            values.insert(address, parts);
        }
        Self(values)
    }

    fn value(&self, address: &str, ty: &Type) -> Option<Value> {
        let [after, unknown, sensitive] = self.0.get(address)?;
        Some(of_plan(after, unknown, sensitive, ty))
    }
}

fn of_plan(after: &Json, unknown: &Json, sensitive: &Json, ty: &Type) -> Value {
    let value = plain(after, unknown, sensitive, ty);
    if sensitive == &Json::Bool(true) { value.mark_sensitive() } else { value }
}

fn plain(after: &Json, unknown: &Json, sensitive: &Json, ty: &Type) -> Value {
    if unknown == &Json::Bool(true) {
        return Value::unknown(ty.clone());
    }
    let has_unknown = unknown.as_object().is_some_and(|parts| !parts.is_empty())
        || unknown.as_array().is_some_and(|parts| !parts.is_empty());
    if after.is_null() && !has_unknown {
        return Value::null(ty.clone());
    }
    let element = |index: usize, ty: &Type| of_plan(&after[index], &unknown[index], &sensitive[index], ty);
    let n_elements = after.as_array().map_or(0, Vec::len).max(unknown.as_array().map_or(0, Vec::len));
    let names = || {
        let keys =
            |json: &Json| -> Vec<String> { json.as_object().into_iter().flat_map(|o| o.keys().cloned()).collect() };
        [keys(after), keys(unknown)].concat()
    };
    let entry = |name: &str, ty: &Type| of_plan(&after[name], &unknown[name], &sensitive[name], ty);
    let collected = match ty {
        Type::List(of) => Value::list((**of).clone(), (0..n_elements).map(|index| element(index, of)).collect()),
        Type::Set(of) => Value::set((**of).clone(), (0..n_elements).map(|index| element(index, of)).collect()),
        Type::Map(of) => {
            Value::map((**of).clone(), names().iter().map(|name| (name.clone(), entry(name, of))).collect())
        }
        Type::Tuple(types) => {
            Ok(Value::tuple(types.iter().enumerate().map(|(index, ty)| element(index, ty)).collect()))
        }
        Type::Object(object) => {
            let attributes = object.attributes().map(|(name, ty)| (name.to_owned(), entry(name, ty)));
            Ok(Value::object(attributes.collect()))
        }
        Type::Dynamic if after.is_object() => {
            Ok(Value::object(names().iter().map(|name| (name.clone(), entry(name, &Type::Dynamic))).collect()))
        }
        Type::Dynamic if after.is_array() => {
            Ok(Value::tuple((0..n_elements).map(|index| element(index, &Type::Dynamic)).collect()))
        }
        Type::Dynamic => cty::json::decode_implied(after.to_string().as_bytes()),
        ty => cty::json::decode(after.to_string().as_bytes(), ty),
    };
    collected.unwrap_or_else(|_| Value::unknown(ty.clone()))
}
