//! Drift that a plan in JSON tells of, without any credentials: what the plan's own refresh saw against what was recorded.
//!
//! The plan is terraform's own, of the code as it was, so that the same comparison judges it as judges what a provider
//! reads; see [`drift::exact::Examination::settle`]. Of a provider that is installed only the schema is asked: no
//! configuration, no credentials, no call to a cloud.
//!
//! **Start reading** at [`drift_of_plan`].

mod compare;
mod configured;
pub(crate) mod schemas;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;

use ::drift::exact::{Outcome, ProviderUse, Reading};
use ::drift::{DeclaredArguments, Evidence, JudgeOptions, RecordedAttributes, Verdict};
use cty::Value;
use jiff::{SignedDuration, Timestamp};
use model::finding::PlanLook;
use model::{
    Cause, CauseKind, Diagnostic, Diagnostics, Kind, Lineage, ProviderConfigAddress, RecordedInstance, ResourceMode,
    Serial, StateRef,
};
use tfstate::PlanDocument;
use tfstate::backend::{self, Location, StateBytes};
use tfstate::plan::{PlanAction, PlanInstance};

use crate::evaluation::RootModule;
use crate::ignoring::{self, IgnoreFiles};
use crate::request::Freshness;
use crate::{DriftAnswer, DriftRequest, Error, ErrorKind, Session, catalog, code, severity, states};
use configured::Configured;
use schemas::Schemas;

const OPERATION: &str = "find drift in a plan";
/// Terraform before this version does not tell in its plan what the refresh found.
const TELLS_DRIFT: (u64, u64, u64) = (0, 15, 4);

/// Tells what drifted by a plan in JSON alone: `plan` is a file, or `-` for standard input.
///
/// Of the request count its root module, where providers are installed and the ignore file lies, how to judge, and how
/// old the plan may be. The store is neither read nor written.
///
/// # Errors
///
/// Where the plan cannot be read, or what is there is no plan in JSON.
pub async fn drift_of_plan(session: &Session, plan: &str, request: &DriftRequest) -> Result<DriftAnswer, Error> {
    drift_of_document(session, plan, request).await.map(|(answer, _)| answer)
}

/// Tells what drifted by a plan, and gives the plan back.
pub(crate) async fn drift_of_document(
    session: &Session,
    plan: &str,
    request: &DriftRequest,
) -> Result<(DriftAnswer, Arc<PlanDocument>), Error> {
    let mut files = IgnoreFiles::read(session, request)?;
    let severities = severity::read(session, request)?;
    let catalog = catalog::load(session, request.scope.catalog.as_deref())?;
    session.phase("reading the plan");
    let (document, mut diagnostics, written_at) = read(session, plan).await?;
    let document = Arc::new(document);
    let (made_at, problem) = made_at(session, &document, written_at);
    diagnostics.extend(problem);

    let state = StateRef {
        url: Arc::clone(document.name()),
        workspace: "default".into(),
        lineage: Lineage::new(""),
        serial: Serial(0),
    };
    let (recorded, decode_problems) = recorded(&document, &catalog);
    // A schema is asked for only where there is something to compare.
    let drifted = recorded.iter().filter(|known| {
        document.instance(known.position).is_some_and(|instance| instance.has_drift() && !instance.is_gone())
    });
    let providers: BTreeSet<&ProviderConfigAddress> = drifted.map(|known| &known.provider).collect();
    let schemas = Schemas::open(session, code::root(&request.states, session), &providers).await?;
    diagnostics.extend(schemas.diagnostics.iter().cloned());
    if session.cancel.is_cancelled() {
        return Err(Error::cancelled(OPERATION));
    }

    session.phase("comparing");
    let doubts = Doubts::of(&document);
    diagnostics.extend(doubts.warnings(&document));
    let module = RootModule::opened(session, &request.states).await;
    diagnostics.append(&mut files.diagnostics);
    let (comments, problems) = module.as_deref().map(ignoring::of_code).unwrap_or_default();
    diagnostics.extend(problems);
    let ignore = files.with_comments(comments);
    let written = module.map(|module| code::declared(&module, &recorded).0);
    let configured = Configured::new(Arc::clone(&document), schemas, written, &recorded);
    let mut options = JudgeOptions { severities: severities.clone(), ..request.options.clone() };
    if let Freshness::Within(max_age) = request.freshness {
        options.max_age = SignedDuration::try_from(max_age).ok();
    }
    let job = Job { document: Arc::clone(&document), state, recorded, decode_problems, configured, doubts, made_at };
    let types = catalog::type_mappings(&catalog);
    let now = (session.now)();
    let compared = tokio::task::spawn_blocking(move || {
        let verdict = job.run(&types, &ignore, &options, now);
        (verdict, job.state, ignore)
    });
    let ((mut verdict, problems), state, ignore) = compared.await.map_err(|source| {
        Error::new(ErrorKind::Unavailable, OPERATION, "The comparison ended early.").with_source(source)
    })?;
    diagnostics.extend(problems);
    diagnostics.extend(std::mem::take(&mut verdict.diagnostics));
    verdict.is_complete &= !diagnostics.iter().any(|diagnostic| makes_incomplete(diagnostic.code));
    let answer = DriftAnswer {
        verdict,
        states: vec![state],
        root: request.states.dir.clone(),
        ignore,
        severities,
        callers: Vec::new(),
        diagnostics,
        at: now,
    };
    Ok((answer, document))
}

/// Tells whether a warning says that instances may be left out of which nothing else tells.
fn makes_incomplete(code: &str) -> bool {
    matches!(code, "plan-errored" | "plan-invalid-entry" | "plan-deferred")
}

/// Reads the plan; gives the time of its file too.
async fn read(session: &Session, plan: &str) -> Result<(PlanDocument, Diagnostics, Option<Timestamp>), Error> {
    let failed = |error: tfstate::Error| {
        let kind =
            if error.kind == tfstate::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Unavailable };
        Error::new(kind, "read the plan", format!("{error}.")).with_source(error)
    };
    let (bytes, written_at) = if plan == "-" {
        let context = backend::Context::new(session.environment.clone());
        let source = backend::open(&Location::Stdin, &context).map_err(failed)?;
        (source.get(source.selected_workspace()).await.map_err(failed)?.bytes, None)
    } else {
        let path = session.path(plan.as_ref());
        let unreadable = |source: std::io::Error| {
            let kind = match source.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::Unavailable,
            };
            Error::new(kind, "read the plan", format!("{plan} cannot be read: {source}.")).with_source(source)
        };
        let file = File::open(&path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(Error::usage("read the plan", format!("{plan} is no file."))
                .with_help("Name the JSON of a saved plan: `terraform show -json plan.tfplan > plan.json`."));
        }
        let written_at = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        (StateBytes::from_file(file).map_err(failed)?, written_at)
    };
    let name: Arc<str> = plan.into();
    let reading = tokio::task::spawn_blocking(move || PlanDocument::read(&name, bytes));
    let (document, problems) = reading
        .await
        .map_err(|source| {
            Error::new(ErrorKind::Unavailable, "read the plan", "Reading ended early.").with_source(source)
        })?
        .map_err(failed)?;
    match document {
        Some(document) => Ok((document, problems, written_at)),
        None => Err(Error::usage("read the plan", format!("{plan} cannot be used.")).with_diagnostics(problems)),
    }
}

/// Gives the moment of the look.
fn made_at(
    session: &Session,
    document: &PlanDocument,
    written_at: Option<Timestamp>,
) -> (Timestamp, Option<Diagnostic>) {
    if let Some(at) = document.timestamp().and_then(|text| text.parse().ok()) {
        return (at, None);
    }
    let at = written_at.unwrap_or_else(|| (session.now)());
    let detail = format!(
        "Only plans of Terraform 1.5 and later tell. What is seen in it is shown as of {at:.0}, when its JSON was written; \
         the look is older than that."
    );
    (at, Some(Diagnostic::warning("plan-without-time", "The plan does not say when it was made", detail)))
}

/// Gives the recorded managed instances, and why some cannot be decoded.
fn recorded(
    document: &PlanDocument,
    catalog: &inventory::definition::Catalog,
) -> (Vec<RecordedInstance>, BTreeMap<usize, Cause>) {
    let (mut recorded, mut problems) = (Vec::new(), BTreeMap::new());
    let wanted = |instance: &PlanInstance<'_>| {
        instance.address().resource.mode == ResourceMode::Managed && instance.is_recorded()
    };
    for instance in document.instances().filter(wanted) {
        let position = recorded.len();
        match instance.recorded_instance(0) {
            Ok(mut known) => {
                if let Ok(Some(attributes)) = instance.recorded() {
                    states::derive_import_id(catalog, &mut known, &attributes);
                }
                recorded.push(known);
            }
            Err(error) => {
                problems.insert(position, undecodable(&error));
                recorded.push(RecordedInstance {
                    address: instance.address().clone(),
                    deposed: instance.deposed().cloned(),
                    is_tainted: instance.is_tainted(),
                    provider: instance.provider(),
                    id: None,
                    import_id: None,
                    arn: None,
                    identity: None,
                    account: None,
                    region: None,
                    state: 0,
                    position: instance.position(),
                });
            }
        }
    }
    (recorded, problems)
}

fn undecodable(error: &tfstate::Error) -> Cause {
    Cause::new(CauseKind::InvalidReply, format!("What the plan says of it cannot be decoded: {error}."))
}

/// What a plan leaves open about its refresh.
#[derive(Clone, Debug)]
struct Doubts {
    /// Why nothing can be told of any instance.
    all: Option<Cause>,
    is_errored: bool,
    is_refresh_only: bool,
    is_narrowed: Option<bool>,
    is_surely_refreshed: bool,
}

impl Doubts {
    fn of(document: &PlanDocument) -> Self {
        let has_drift = document.has_drift();
        let not_told = |detail: String| Some(Cause::new(CauseKind::NotScanned, detail));
        let all = if has_drift {
            None
        } else if document.is_destroy() {
            not_told(
                "A plan made with -destroy does not tell what its refresh found. Make one without, or with \
                 -refresh-only."
                    .to_owned(),
            )
        } else if version(document.terraform_version()).is_none_or(|version| version < TELLS_DRIFT) {
            let version = document.terraform_version();
            let version = if version.is_empty() { "that does not name itself" } else { version };
            not_told(format!(
                "The plan was made by a version {version}; Terraform before 0.15.4 does not tell in its plan what the \
                 refresh found."
            ))
        } else {
            None
        };
        let is_refresh_only = !document.has_resource_changes();
        Self {
            all,
            is_errored: document.is_errored() == Some(true),
            is_refresh_only,
            is_narrowed: document.is_complete().map(|is_complete| !is_complete),
            is_surely_refreshed: has_drift,
        }
    }

    /// Says why nothing can be told of an instance; `None` where the plan's refresh saw it.
    fn about(&self, instance: PlanInstance<'_>) -> Option<Cause> {
        if instance.has_drift() {
            return None;
        }
        if self.all.is_some() {
            return self.all.clone();
        }
        let unseen = |detail: &str| Some(Cause::new(CauseKind::OutsideScope, detail));
        if self.is_errored && instance.action().is_none() {
            return unseen("Planning ended with an error, and the plan does not get as far as this instance.");
        }
        if !self.is_refresh_only && instance.action().is_none() {
            return unseen(
                "The plan leaves the instance out: -target or -exclude narrowed it, or its change was deferred.",
            );
        }
        if self.is_refresh_only && self.is_narrowed == Some(true) {
            return unseen("The plan was narrowed with -target, and does not say to what.");
        }
        None
    }

    fn warnings(&self, document: &PlanDocument) -> Diagnostics {
        let mut warnings = Diagnostics::new();
        if self.is_errored {
            let detail = "What it did not get to is undetermined, and instances that could not be read are not in it at \
                          all. Mend what made planning fail, and make the plan again.";
            warnings.push(Diagnostic::warning("plan-errored", "Planning ended with an error", detail));
        }
        if document.n_deferred() > 0 {
            let detail =
                format!("{} changes were deferred to a later plan, and are not judged.", document.n_deferred());
            warnings.push(Diagnostic::warning("plan-deferred", "The plan leaves changes to a later one", detail));
        }
        if self.all.is_some() || self.is_surely_refreshed {
            return warnings;
        }
        let detail = if self.is_refresh_only && self.is_narrowed.is_none() {
            "Nothing that its refresh saw differs from the state. A plan of OpenTofu, or of an older Terraform, does not \
             say whether -target narrowed it."
        } else if self.is_refresh_only {
            return warnings;
        } else {
            "Nothing in the plan differs from the state, and a plan made with -refresh=false looks just the same: whether \
             anything was looked at, only who made it knows."
        };
        warnings.push(Diagnostic::warning(
            "plan-refresh-assumed",
            "The plan does not prove that it was refreshed",
            detail,
        ));
        warnings
    }
}

/// Reads the numbers of a version.
fn version(text: &str) -> Option<(u64, u64, u64)> {
    let plain = text.split(['-', '+']).next()?;
    let mut parts = plain.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

/// Everything a comparison needs, to be carried to a thread that may block.
struct Job {
    document: Arc<PlanDocument>,
    state: StateRef,
    recorded: Vec<RecordedInstance>,
    decode_problems: BTreeMap<usize, Cause>,
    configured: Configured,
    doubts: Doubts,
    made_at: Timestamp,
}

impl Job {
    fn run(
        &self,
        types: &BTreeMap<model::ResourceType, ::drift::TypeMapping>,
        ignore: &::drift::IgnoreRules,
        options: &::drift::JudgeOptions,
        now: Timestamp,
    ) -> (Verdict, Diagnostics) {
        let is_too_old = options.max_age.is_some_and(|max_age| now.duration_since(self.made_at) > max_age);
        let mut without_schema = BTreeMap::new();
        let mut readings = BTreeMap::new();
        for (position, known) in self.recorded.iter().enumerate() {
            let Some(instance) = self.document.instance(known.position) else { continue };
            let outcome = if is_too_old {
                let detail =
                    format!("The plan was made at {:.0}, longer ago than allowed. Make it again.", self.made_at);
                Outcome::Unseen(Cause::new(CauseKind::NotScanned, detail))
            } else {
                self.outcome(position, instance, &mut without_schema)
            };
            let reading = Reading { observed_at: self.made_at, provider_version: None, identity: None, outcome };
            readings.insert(position, reading);
        }
        let provider_uses = self.provider_uses();
        let evidence = Evidence {
            states: std::slice::from_ref(&self.state),
            recorded: &self.recorded,
            attributes: self,
            types,
            scopes: &[],
            callers: &[],
            declared: Some(&self.configured as &dyn DeclaredArguments),
            unrecorded: &[],
            removed_by_change: &BTreeSet::new(),
            readings: &readings,
            provider_uses: &provider_uses,
            ignore,
        };
        let mut verdict = ::drift::judge(&evidence, &mut std::iter::empty(), options, now);
        for finding in &mut verdict.findings {
            if finding.kind == Kind::Missing {
                "The state records it, and the refresh of the plan did not find it.".clone_into(&mut finding.reason);
            }
        }
        verdict.as_of = Some(self.made_at);
        verdict.coverage.plan = Some(PlanLook {
            name: Arc::clone(self.document.name()),
            terraform_version: self.document.terraform_version().to_owned(),
            made_at: self.document.timestamp().and_then(|text| text.parse().ok()),
            is_surely_refreshed: self.doubts.is_surely_refreshed || self.doubts.is_refresh_only,
        });
        (verdict, warnings_without_schema(&without_schema))
    }

    fn outcome(
        &self,
        position: usize,
        instance: PlanInstance<'_>,
        without_schema: &mut BTreeMap<String, (u64, String)>,
    ) -> Outcome {
        if let Some(cause) = self.decode_problems.get(&position).cloned().or_else(|| self.doubts.about(instance)) {
            return Outcome::Unseen(cause);
        }
        if instance.is_gone() {
            return Outcome::Gone;
        }
        if !instance.has_drift() {
            return Outcome::Seen { differences: Vec::new(), observed: None };
        }
        let known = &self.recorded[position];
        let schema = self.configured.schemas().get(&known.provider, known.address.resource_type().as_str());
        let reason = match schema {
            Ok(schema) => match compare::exact(instance, schema, &self.configured) {
                Ok(outcome) => return outcome,
                Err(error) => format!("The schema of the installed provider does not fit the plan: {error}."),
            },
            Err(cause) => cause.detail.clone(),
        };
        let (n_instances, _) = without_schema.entry(known.provider.provider.to_string()).or_insert((0, reason));
        *n_instances += 1;
        compare::untyped(instance, &self.configured).unwrap_or_else(|error| Outcome::Unseen(undecodable(&error)))
    }

    fn provider_uses(&self) -> Vec<ProviderUse> {
        let configurations: BTreeSet<&ProviderConfigAddress> =
            self.recorded.iter().map(|instance| &instance.provider).collect();
        configurations
            .into_iter()
            .map(|provider| {
                let (version, calls) = self.configured.schemas().used(provider);
                ProviderUse { state: 0, provider: provider.clone(), version, calls, cause: None }
            })
            .collect()
    }
}

fn warnings_without_schema(without: &BTreeMap<String, (u64, String)>) -> Diagnostics {
    let warn = |(provider, (n_instances, reason)): (&String, &(u64, String))| {
        let detail = format!(
            "{n_instances} drifted instances of {provider} were compared attribute by attribute as a whole. {reason} \
             `terraform init` installs the provider; no credentials are needed."
        );
        Diagnostic::warning("plan-without-schema", "Drift was judged without the provider's schema", detail)
    };
    without.iter().map(warn).collect()
}

impl RecordedAttributes for Job {
    fn attributes(&self, instance: usize, names: &[&str]) -> Result<Vec<Option<Value>>, Cause> {
        let all = self.all_attributes(instance)?;
        let entries: BTreeMap<&str, &Value> = all.entries().collect();
        Ok(names.iter().map(|name| entries.get(name).map(|value| Value::clone(value))).collect())
    }

    fn all_attributes(&self, instance: usize) -> Result<Value, Cause> {
        let known = self.document.instance(self.recorded[instance].position);
        let recorded = known.map_or(Ok(None), PlanInstance::recorded).map_err(|error| undecodable(&error))?;
        Ok(recorded.unwrap_or_else(|| Value::object(BTreeMap::new())))
    }
}

/// Says why there is no plan for an instance, where there is none.
fn plan_missing(action: Option<&PlanAction>) -> Option<&'static str> {
    match action {
        None => Some("The plan was made with -refresh-only."),
        Some(PlanAction::Delete | PlanAction::Forget) => Some("It is to go."),
        Some(_) => None,
    }
}
