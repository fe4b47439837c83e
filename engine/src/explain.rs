//! `explain`: where a value of the code comes from.
//!
//! The code is evaluated and followed by `hcl::trace`. An installed provider is asked for its schema alone, which says
//! what an argument is and which ones are secret; it is neither configured nor given credentials. Only with a state are
//! providers asked what resources are planned to be; otherwise that stays unknown, with the reason.

pub(crate) mod secrets;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use cty::{Path, PathStep};
use hcl::root::{META_ARGUMENTS, Root};
use hcl::trace::{NoSuchName, TraceSubject, parse_path};
use model::{
    Attribute, AttributeType, Block, Cause, Diagnostic, Diagnostics, InstanceAddress, ModuleAddress, ProviderAddress,
    ProviderConfigAddress, ResourceMode, Severity, Span, TraceStep,
};

use crate::evaluation::RootModule;
use crate::evaluation::stage::Stage;
use crate::plan::schemas::Schemas;
use crate::request::StatesRequest;
use crate::{Error, ErrorKind, Session, states};

const OPERATION: &str = "explain a value";
/// So many instances are explained where their resource is asked for; of more, the first.
const MAX_INSTANCES: usize = 3;
/// The code of what says that nobody can tell which instances a resource has.
const INSTANCES_UNKNOWN: &str = "instances-unknown";

/// Asks where the values of something come from.
#[derive(Clone, Debug)]
pub struct ExplainRequest {
    /// The root module, and the values of its variables; with its state, what resources are planned to be is asked of their
    /// providers.
    pub states: StatesRequest,
    /// What is asked about: `aws_vpc.main`, `local.x`, `module.m.var.y`, `provider.aws.west`; a path may follow.
    pub address: String,
    /// The path of the value in it; without one, everything that its block writes.
    pub path: Option<String>,
    /// Whether the installed provider is asked for its schema.
    pub with_provider: bool,
}

/// Where values come from.
#[derive(Debug)]
pub struct Explanation {
    /// What was asked about.
    pub address: String,
    /// The path of the one value that was asked about.
    pub path: Option<Path>,
    /// The root module.
    pub root: PathBuf,
    /// What the provider was asked, where it is about a provider's block.
    pub provider: Option<ProviderLook>,
    /// The instances, where a resource is asked about that has several.
    pub instances: Vec<InstanceAddress>,
    /// What is explained.
    pub explained: Vec<Explained>,
    /// Problems met on the way that the answer survived.
    pub diagnostics: Diagnostics,
}

/// Something that is explained: an instance, a provider block, a local value.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// Its address.
    pub address: String,
    /// Where it is declared.
    pub span: Option<Span>,
    /// Its values, in the order in which they are written; one where a path was asked about.
    pub values: Vec<TraceStep>,
}

/// What became of asking a provider for its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderLook {
    /// The provider.
    pub provider: ProviderAddress,
    /// Its version, where it is known.
    pub version: Option<String>,
    /// Why there is no schema, as a sentence; `None` where there is one.
    pub problem: Option<String>,
}

impl Explanation {
    /// Tells whether every value that was asked for is known, and which instances there are.
    pub fn is_complete(&self) -> bool {
        let has_instances = self.diagnostics.iter().all(|problem| problem.code != INSTANCES_UNKNOWN);
        has_instances && self.explained.iter().flat_map(|explained| &explained.values).all(|value| !value.is_unknown())
    }
}

/// Explains where values come from.
///
/// # Errors
///
/// Where there is no root module, or it has nothing of this name.
pub async fn explain(session: &Session, request: &ExplainRequest) -> Result<Explanation, Error> {
    let module = RootModule::opened(session, &request.states).await;
    let module = module.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, OPERATION, "There is no configuration in this folder: it has no .tf files.")
            .with_help("Name the folder of the root module with --dir.")
    })?;
    let problems = module.code_problems().iter().chain(module.variable_problems());
    let mut told = BTreeSet::new();
    let mut diagnostics: Diagnostics = problems
        .filter(|problem| told.insert((problem.to_string(), problem.span.clone())))
        .map(|problem| Diagnostic { severity: Severity::Warning, ..problem.clone() })
        .collect();
    let (subject, mut path) = module.evaluate(|root| root.subject(&request.address)).map_err(|missing| {
        if module.configuration().modules.values().all(|module| module.is_complete) {
            return not_found(&missing);
        }
        // Nobody can tell that it does not exist.
        let detail = format!("{} Not all of the code could be read: it may be in the rest.", missing.detail);
        not_found(&NoSuchName { detail, ..missing }).with_diagnostics(diagnostics.clone())
    })?;
    if let Some(text) = &request.path {
        let more = parse_path(text).map_err(|problem| {
            let detail = format!("{text:?} is no path: {}", problem.detail);
            Error::usage(OPERATION, detail).with_help("Write it as HCL does: tags[\"Name\"], ingress[0].from_port.")
        })?;
        path = path.steps().iter().chain(more.steps()).cloned().collect();
    }
    if let Some(PathStep::GetAttr(first)) = path.steps().first()
        && matches!(subject, TraceSubject::Instance(_) | TraceSubject::Resource(_))
        && META_ARGUMENTS.contains(&first.as_str())
        && !matches!(first.as_str(), "count" | "for_each")
    {
        let detail = format!("`{first}` means something to terraform itself and has no value to explain.");
        return Err(Error::usage(OPERATION, detail));
    }
    let configuration = configuration_of(&module, &subject);
    let mut provider = None;
    let mut schema: Option<Block> = None;
    if let Some(address) = configuration {
        let (look, found) = if request.with_provider {
            let wanted = BTreeSet::from([&address]);
            let schemas = Schemas::open(session, Some(module.directory().to_owned()), &wanted).await?;
            diagnostics.extend(schemas.diagnostics.iter().cloned());
            look(&schemas, &address, &subject)
        } else {
            let problem = Some("The provider was not asked, because --no-provider says so.".to_owned());
            (ProviderLook { provider: address.provider.clone(), version: None, problem }, None)
        };
        (provider, schema) = (Some(look), found);
    }
    if session.cancel.is_cancelled() {
        return Err(Error::cancelled(OPERATION));
    }
    let (address, answered_path) = (subject.to_string(), (!path.is_empty()).then(|| path.clone()));
    let explain = move |root: &Root| explain_subject(root, &subject, &path, schema.as_ref());
    let answer = if request.states.locations.is_empty() || !request.with_provider {
        module.evaluate(explain)
    } else {
        let states = Arc::new(states::load(session, &request.states).await?);
        let stage = Stage::open(session, &module, Some(&states));
        let answer = stage.settled(explain).await;
        diagnostics.extend(stage.shutdown().await);
        answer.ok_or_else(|| Error::cancelled(OPERATION))?
    };
    let (instances, explained, problems) = answer.map_err(|problem| {
        Error::new(ErrorKind::NotFound, OPERATION, problem.detail.clone()).with_diagnostics(vec![*problem])
    })?;
    diagnostics.extend(problems);
    if session.cancel.is_cancelled() {
        return Err(Error::cancelled(OPERATION));
    }
    Ok(Explanation {
        address,
        path: answered_path,
        root: module.directory().to_owned(),
        provider,
        instances,
        explained,
        diagnostics,
    })
}

fn not_found(missing: &NoSuchName) -> Error {
    let error = Error::new(ErrorKind::NotFound, OPERATION, missing.detail.clone());
    match missing.meant.as_slice() {
        [] => error.with_help("Addresses are written as in terraform: aws_vpc.main, module.m.aws_vpc.main, local.x, var.x, output.x, provider.aws."),
        meant => error.with_help(format!("Did you mean {}?", meant.join(", or "))),
    }
}

/// Gives the provider configuration whose schema a subject has.
fn configuration_of(module: &Arc<RootModule>, subject: &TraceSubject) -> Option<ProviderConfigAddress> {
    match subject {
        TraceSubject::Instance(InstanceAddress { resource, .. }) | TraceSubject::Resource(resource) => {
            module.configuration().provider_of(resource).ok()
        }
        TraceSubject::Provider { module: address, name, alias, .. } => {
            let provider = module.definitions(address)?.provider_named(name).ok()?;
            let alias = alias.as_deref().map(Into::into);
            Some(ProviderConfigAddress { module: ModuleAddress::root(), provider, alias, key: None })
        }
        TraceSubject::Call(_)
        | TraceSubject::Local { .. }
        | TraceSubject::Variable { .. }
        | TraceSubject::Output { .. } => None,
    }
}

/// Takes the schema of what a subject is out of what its provider offers.
fn look(schemas: &Schemas, address: &ProviderConfigAddress, subject: &TraceSubject) -> (ProviderLook, Option<Block>) {
    let mut look = ProviderLook { provider: address.provider.clone(), version: schemas.used(address).0, problem: None };
    let all = match schemas.all(address) {
        Ok(all) => all,
        Err(Cause { detail, .. }) => {
            look.problem = Some(detail);
            return (look, None);
        }
    };
    let (schema, what) = match subject {
        TraceSubject::Instance(InstanceAddress { resource, .. }) | TraceSubject::Resource(resource) => {
            match resource.mode {
                ResourceMode::Managed => {
                    let name = resource.resource_type.to_string();
                    (all.resources.get(&name), format!("resource type {name}"))
                }
                ResourceMode::Data => {
                    let name = resource.resource_type.to_string();
                    (all.data_sources.get(&name), format!("data source {name}"))
                }
            }
        }
        _ => (Some(&all.provider), String::new()),
    };
    if schema.is_none() {
        look.problem = Some(format!("The installed {} has no {what}.", address.provider));
    }
    (look, schema.map(|schema| schema.block.clone()))
}

type ValueAnswer = (Vec<InstanceAddress>, Vec<Explained>, Diagnostics);

fn explain_subject(
    root: &Root,
    subject: &TraceSubject,
    path: &Path,
    schema: Option<&Block>,
) -> Result<ValueAnswer, Box<Diagnostic>> {
    let mut diagnostics = Diagnostics::new();
    let TraceSubject::Resource(address) = subject else {
        return Ok((Vec::new(), vec![explain_one(root, subject, path, schema)?], diagnostics));
    };
    let keys = match root.resource_keys(address) {
        Ok(keys) => keys,
        Err(reason) => {
            let reason = reason.to_string();
            let reason = reason.trim_end_matches('.');
            let detail = format!("Which instances {address} has is not known: {reason}.");
            diagnostics.push(Diagnostic::warning(INSTANCES_UNKNOWN, "Instances are not known", detail));
            return Ok((Vec::new(), vec![repetition(root, subject)?], diagnostics));
        }
    };
    let instances: Vec<InstanceAddress> = keys.keys().map(|key| address.clone().instance(key.clone())).collect();
    if instances.is_empty() {
        return Ok((instances, vec![repetition(root, subject)?], diagnostics));
    }
    let n_explained = if instances.len() > MAX_INSTANCES { 1 } else { instances.len() };
    let explained = instances
        .iter()
        .take(n_explained)
        .map(|instance| explain_one(root, &TraceSubject::Instance(instance.clone()), path, schema))
        .collect::<Result<_, _>>()?;
    Ok((instances, explained, diagnostics))
}

/// Explains what repeats a resource.
fn repetition(root: &Root, subject: &TraceSubject) -> Result<Explained, Box<Diagnostic>> {
    let of = |name: &str| root.trace(subject, &Path::new().attr(name));
    let counted = of("count")?;
    let mut value = if counted.span.is_some() { counted } else { of("for_each")? };
    secrets::hide(&mut value, false);
    Ok(Explained { address: subject.to_string(), span: root.declaration(subject), values: vec![value] })
}

fn explain_one(
    root: &Root,
    subject: &TraceSubject,
    path: &Path,
    schema: Option<&Block>,
) -> Result<Explained, Box<Diagnostic>> {
    let is_block = matches!(subject, TraceSubject::Instance(_) | TraceSubject::Provider { .. } | TraceSubject::Call(_));
    let paths = if path.is_empty() && is_block { root.written_paths(subject)? } else { vec![path.clone()] };
    let mut values = Vec::with_capacity(paths.len());
    for path in paths {
        let mut value = root.trace(subject, &path)?;
        let mut is_sensitive = false;
        if let Some(schema) = schema.filter(|_| is_block) {
            match find(schema, &path) {
                Some(attribute) => {
                    is_sensitive = attribute.is_sensitive;
                    if let (Some(ty), Some(found)) = (attribute.ty, &value.value) {
                        value.value = cty::convert::convert(found, &ty).ok().or(value.value);
                    }
                }
                None if !META_ARGUMENTS.contains(&first_name(&path)) && !is_meta_of_provider(subject, &path) => {
                    value.note = Some("the installed provider has no such argument".to_owned());
                }
                None => {}
            }
        }
        secrets::hide(&mut value, is_sensitive);
        values.push(value);
    }
    Ok(Explained { address: subject.to_string(), span: root.declaration(subject), values })
}

fn first_name(path: &Path) -> &str {
    match path.steps().first() {
        Some(PathStep::GetAttr(name)) => name,
        _ => "",
    }
}

fn is_meta_of_provider(subject: &TraceSubject, path: &Path) -> bool {
    matches!(subject, TraceSubject::Provider { .. }) && matches!(first_name(path), "alias" | "version" | "for_each")
}

/// What a schema says of a path.
struct Found {
    is_sensitive: bool,
    /// The type, where the path leads to an attribute of a plain type itself.
    ty: Option<cty::Type>,
}

fn find(schema: &Block, path: &Path) -> Option<Found> {
    let mut block = schema;
    let mut steps = path.steps().iter();
    while let Some(step) = steps.next() {
        // Positions and keys of blocks do not matter to what is in them.
        let PathStep::GetAttr(name) = step else { continue };
        if let Some(attribute) = block.attributes.get(name) {
            return Some(of_attribute(attribute, steps.as_slice()));
        }
        block = &block.blocks.get(name)?.block;
    }
    Some(Found { is_sensitive: false, ty: None })
}

fn of_attribute(attribute: &Attribute, rest: &[PathStep]) -> Found {
    let is_sensitive = attribute.sensitive || attribute.write_only;
    match &attribute.ty {
        AttributeType::Plain(ty) => Found { is_sensitive, ty: rest.is_empty().then(|| ty.clone()) },
        AttributeType::Nested(nested) => {
            let named = rest.iter().enumerate().find_map(|(position, step)| match step {
                PathStep::GetAttr(name) => Some((nested.attributes.get(name)?, &rest[position + 1..])),
                PathStep::Index(_) => None,
            });
            match named {
                Some((inner, rest)) => {
                    let found = of_attribute(inner, rest);
                    Found { is_sensitive: found.is_sensitive || is_sensitive, ..found }
                }
                // All of it is shown: what is secret inside makes it so.
                None => Found { is_sensitive: is_sensitive || has_secret(nested), ty: None },
            }
        }
    }
}

fn has_secret(nested: &model::NestedObject) -> bool {
    nested.attributes.values().any(|attribute| {
        attribute.sensitive
            || attribute.write_only
            || matches!(&attribute.ty, AttributeType::Nested(inner) if has_secret(inner))
    })
}
