//! The states a request names: found, read, indexed, and watched for writes.

use std::path::Path;
use std::sync::Arc;

use cty::Value;
use drift::RecordedAttributes;
use inventory::definition::{Catalog, ScopeValues, Subject, Template};
use model::{Cause, CauseKind, Diagnostic, Diagnostics, ImportId, RecordedInstance, ResourceType, StateRef};
use tfstate::StateSnapshot;
use tfstate::backend::{self, Location, StateSource};
use tfstate::format::InstanceObject;

use crate::request::StatesRequest;
use crate::session::TrustedBackend;
use crate::{Error, ErrorKind, Session};

/// States that were read.
#[derive(Debug, Default)]
pub struct States {
    /// The snapshots, in the order they were asked for.
    pub refs: Vec<StateRef>,
    /// The managed instances of all of them.
    pub recorded: Vec<RecordedInstance>,
    /// Problems that the rest survived.
    pub diagnostics: Diagnostics,
    snapshots: Vec<StateSnapshot>,
    sources: Vec<Source>,
}

/// Where a snapshot came from, to look whether it changed.
#[derive(Debug)]
struct Source {
    place: Arc<dyn StateSource>,
    workspace: String,
    version: Option<String>,
}

/// Reads the states that a request names; without any, the one of the root module in `dir` or in the current folder.
///
/// # Errors
///
/// Where a place cannot be opened, or what is there is no state. One unreadable state ends it: a comparison against
/// fewer states than were named would call managed objects unmanaged.
pub async fn load(session: &Session, request: &StatesRequest) -> Result<States, Error> {
    load_each(session, request, false).await
}

/// Reads states as [`load`] does; the file of a root module that was never applied may be missing.
pub(crate) async fn load_or_empty(session: &Session, request: &StatesRequest) -> Result<States, Error> {
    load_each(session, request, request.locations.is_empty()).await
}

async fn load_each(session: &Session, request: &StatesRequest, may_be_missing: bool) -> Result<States, Error> {
    let mut states = States::default();
    for place in places(session, request, &mut states.diagnostics)? {
        let workspace = place.selected_workspace().to_owned();
        let (snapshot, version) = match read(session, &place, &workspace, &mut states.diagnostics).await {
            // Elsewhere than on this disk, what is missing may as well be a mistake of the address.
            Err(error) if may_be_missing && error.kind() == ErrorKind::NotFound && is_never_applied(&place) => {
                let detail = format!("{} is not there: nothing was ever applied, so nothing is recorded.", place.url());
                states.diagnostics.push(Diagnostic::warning("state-empty", "A state is empty", detail));
                continue;
            }
            read => read?,
        };
        let position = states.refs.len();
        if let Some(snapshot) = snapshot {
            let (recorded, diagnostics) = snapshot.recorded_instances(position);
            states.refs.push(snapshot.state_ref().clone());
            states.recorded.extend(recorded);
            states.diagnostics.extend(diagnostics);
            states.snapshots.push(snapshot);
            states.sources.push(Source { place, workspace, version });
        }
    }
    Ok(states)
}

fn is_never_applied(place: &Arc<dyn StateSource>) -> bool {
    !place.url().contains("://") && place.selected_workspace() == "default"
}

/// Lists the addresses of one state, as `terraform state list` does.
///
/// # Errors
///
/// As [`load`].
pub async fn list(session: &Session, request: &StatesRequest) -> Result<(Vec<String>, Diagnostics), Error> {
    let mut addresses = Vec::new();
    let mut diagnostics = Diagnostics::new();
    for place in places(session, request, &mut diagnostics)? {
        let workspace = place.selected_workspace().to_owned();
        let (snapshot, _) = read(session, &place, &workspace, &mut diagnostics).await?;
        if let Some(snapshot) = snapshot {
            addresses.extend(snapshot.index().addresses().map(|address| address.to_string()));
        }
    }
    Ok((addresses, diagnostics))
}

fn places(
    session: &Session,
    request: &StatesRequest,
    diagnostics: &mut Diagnostics,
) -> Result<Vec<Arc<dyn StateSource>>, Error> {
    let context =
        backend::Context { cancel: session.cancel.clone(), ..backend::Context::new(session.environment.clone()) };
    if request.locations.is_empty() {
        let directory = request.dir.as_deref().unwrap_or(Path::new("."));
        let folder = session.path(directory);
        let trusted = session.trusted.as_ref().map_or(Ok(TrustedBackend::OnDisk), |trusted| trusted.backend(&folder));
        let code = match trusted? {
            TrustedBackend::OnDisk => crate::code::backend_config(&folder),
            TrustedBackend::Was(was) => was,
            TrustedBackend::Nowhere(problem) => {
                diagnostics.push(problem);
                return Ok(Vec::new());
            }
        };
        let place = backend::open_root(directory, code.as_ref(), &context).map_err(state_error)?;
        return Ok(vec![place.into()]);
    }
    let open = |text: &String| backend::open(&Location::parse(text)?, &context);
    request.locations.iter().map(|text| open(text).map(Arc::from).map_err(state_error)).collect()
}

async fn read(
    session: &Session,
    place: &Arc<dyn StateSource>,
    workspace: &str,
    diagnostics: &mut Diagnostics,
) -> Result<(Option<StateSnapshot>, Option<String>), Error> {
    let operation = format!("read the state {}", place.url());
    let file = tokio::select! {
        () = session.cancel.cancelled() => return Err(Error::cancelled(operation)),
        file = place.get(workspace) => file.map_err(state_error)?,
    };
    let version = file.version.clone();
    let (snapshot, problems) = tokio::task::spawn_blocking(move || StateSnapshot::read(file))
        .await
        .map_err(|source| {
            Error::new(ErrorKind::Unavailable, operation.clone(), "Reading ended early.").with_source(source)
        })?
        .map_err(state_error)?;
    let (errors, warnings): (Diagnostics, Diagnostics) =
        problems.into_iter().partition(|problem| problem.severity == model::Severity::Error);
    diagnostics.extend(warnings);
    if !errors.is_empty() {
        return Err(Error::usage(operation, "What is there cannot be used as a state.").with_diagnostics(errors));
    }
    if snapshot.is_none() {
        let detail = format!("{} is empty: nothing was ever applied there, so nothing is recorded.", place.url());
        diagnostics.push(Diagnostic::warning("state-empty", "A state is empty", detail));
    }
    Ok((snapshot, version))
}

impl States {
    /// Works out the import ids of instances whose `id` attribute is something else, by the templates of the catalog.
    pub(crate) fn derive_import_ids(&mut self, catalog: &Catalog) {
        for instance in &mut self.recorded {
            if !has_import_id_templates(catalog, instance) {
                continue;
            }
            // What cannot be decoded here is reported when the instance is compared.
            let Ok(attributes) = self.snapshots[instance.state].attributes(instance.position, None) else { continue };
            derive_import_id(catalog, instance, &attributes);
        }
    }

    /// Decodes everything that is recorded of the instance at a position of [`States::recorded`].
    pub(crate) fn object(&self, position: usize) -> Result<InstanceObject, Cause> {
        let recorded = &self.recorded[position];
        self.snapshots[recorded.state].instance(recorded.position).map_err(|error| undecodable(&error))
    }

    /// Tells whether any state was written since it was read.
    pub(crate) async fn moved(&self) -> bool {
        for source in &self.sources {
            let Some(version) = &source.version else { continue };
            let now = source.place.version(&source.workspace).await;
            if !now.is_ok_and(|now| now.as_ref() == Some(version)) {
                return true;
            }
        }
        false
    }
}

/// Tells whether the import id of an instance is made of other attributes than `id`.
fn has_import_id_templates(catalog: &Catalog, instance: &RecordedInstance) -> bool {
    import_id_templates(catalog, instance.address.resource_type()).next().is_some()
}

fn import_id_templates<'c>(
    catalog: &'c Catalog,
    resource_type: &'c ResourceType,
) -> impl Iterator<Item = &'c Template> {
    let templates = catalog.recorded_id_templates(resource_type.as_str());
    templates.map(|(_, template)| template).filter(|template| template.to_string() != "{/id}")
}

/// Works out the import id of an instance whose `id` attribute is something else, from its recorded attributes.
pub(crate) fn derive_import_id(catalog: &Catalog, instance: &mut RecordedInstance, attributes: &Value) {
    if !has_import_id_templates(catalog, instance) {
        return;
    }
    let (attributes, _) = attributes.unmark_deep_with_paths();
    let Ok(json) = cty::json::encode(&attributes, attributes.ty()) else { return };
    let Ok(object) = serde_json::from_slice(&json) else { return };
    let place = ScopeValues::default();
    let subject = Subject { object: &object, parent: None, scope: &place };
    // Without a value the state cannot name what the cloud lists, which is not the same as having no template.
    let import_id = import_id_templates(catalog, instance.address.resource_type())
        .find_map(|template| template.render(&subject).ok());
    instance.import_id = Some(ImportId::from(import_id.unwrap_or_default()));
}

impl RecordedAttributes for States {
    fn attributes(&self, instance: usize, names: &[&str]) -> Result<Vec<Option<Value>>, Cause> {
        let recorded = &self.recorded[instance];
        let snapshot = &self.snapshots[recorded.state];
        snapshot.attributes_by_name(recorded.position, names).map_err(|error| undecodable(&error))
    }

    fn all_attributes(&self, instance: usize) -> Result<Value, Cause> {
        let recorded = &self.recorded[instance];
        let snapshot = &self.snapshots[recorded.state];
        snapshot.attributes(recorded.position, None).map_err(|error| undecodable(&error))
    }
}

fn undecodable(error: &dyn std::fmt::Display) -> Cause {
    Cause::new(CauseKind::InvalidReply, format!("The recorded attributes cannot be decoded: {error}."))
}

pub(crate) fn state_error(error: tfstate::Error) -> Error {
    let kind = match error.kind {
        tfstate::ErrorKind::NotFound => ErrorKind::NotFound,
        tfstate::ErrorKind::Configuration | tfstate::ErrorKind::Unsupported => ErrorKind::Usage,
        _ => ErrorKind::Unavailable,
    };
    let mut converted = Error::new(kind, "read a state", format!("{error}."));
    for help in &error.help {
        converted = converted.with_help(help.clone());
    }
    converted.with_source(error)
}

/// Tells whether a folder holds configuration.
pub(crate) fn is_root_module(directory: &Path) -> bool {
    std::fs::read_dir(directory).is_ok_and(|entries| {
        entries.filter_map(Result::ok).any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            [".tf", ".tf.json", ".tofu", ".tofu.json"].iter().any(|ending| name.ends_with(ending))
        })
    })
}
