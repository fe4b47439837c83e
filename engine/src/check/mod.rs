//! `check`: what a change of the code meets in the cloud.
//!
//! The repository tells which files changed, and so which root modules; each of those is compared with its cloud as
//! `drift` does, and its code before and after tells what the change is about. `drift::change` judges by both.
//!
//! **Start reading** at [`check()`], then `touch` (what the change is about) and `reach` (which root modules it meets).

mod answers;
mod base;
mod depends;
mod git;
mod plan;
mod reach;
mod shard;
#[cfg(test)]
mod tests;
mod touch;
mod trust;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::drift::JudgeOptions;
use ::drift::change::{self, ChangeSummary, RootChange, TouchKind};
use ::drift::exact::{applied_from_elsewhere, is_set_by_replacing};
use ::drift::exit;
use futures::StreamExt;
use hcl::SourceTree;
use jiff::Timestamp;
use model::{
    Block, Cause, CauseKind, Diagnostic, Diagnostics, Finding, InstanceAddress, Kind, ProviderConfigAddress,
    RecordedInstance, ResourceMode, Schema, Severity,
};

use crate::code::Folder;
use crate::drift::{DriftAnswer, DriftRequest, Reach as DriftReach, compare};
use crate::evaluation::{KeptTree, RootModule};
use crate::plan::schemas::Schemas;
use crate::roots::{Repository, RootEntry};
use crate::{Error, ErrorKind, Session, states};
use answers::{AnswerSchemas, Answers};
use git::{Git, Revision, RevisionFolder};
pub use plan::check_of_plan;
use reach::Reach;
pub use shard::Shard;
pub(crate) use touch::others;
use touch::{Comparison, TouchSchemas};

const OPERATION: &str = "check a change";
/// So many root modules are compared at once.
const N_PARALLEL: usize = 3;
/// So many times what was learned of code may lead to a provider whose schema tells more.
const MAX_ASKED: usize = 4;

/// Asks what a change of the code meets.
#[derive(Clone, Debug)]
pub struct CheckRequest {
    /// How root modules are compared with their clouds; its folder, states and accounts are those of each in turn.
    pub drift: DriftRequest,
    /// The folder at or under which the root modules are; `None` means the current one.
    pub dir: Option<PathBuf>,
    /// What the change is compared with.
    pub base: CheckBase,
    /// Whether root modules that the change does not meet are compared as well.
    pub all: bool,
    /// Which part of the root modules to look at.
    pub shard: Option<Shard>,
    /// Whether the change may say which providers are started, how they are configured, where states are, and what is
    /// ignored; else what was written before it counts.
    pub trust_head: bool,
}

/// What a change is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckBase {
    /// Where it left the branch that it goes to, as CI services tell, else the default branch of `origin`.
    Auto,
    /// Where it left this one.
    Revision(String),
    /// Nothing: everything is judged as `drift` does.
    Nothing,
}

/// One end of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedRevision {
    /// What it is called.
    pub name: String,
    /// The commit.
    pub commit: String,
}

/// What came of a check.
#[derive(Debug)]
pub struct CheckAnswer {
    /// Where the change began; `None` where it was compared with nothing.
    pub base: Option<CheckedRevision>,
    /// Where it ends; what is not committed yet belongs to it.
    pub head: Option<CheckedRevision>,
    /// The root modules that were looked at, by name.
    pub roots: Vec<CheckedRoot>,
    /// How many root modules there are.
    pub n_roots: u64,
    /// How many of them the change does not meet.
    pub n_unchanged: u64,
    /// How many others look at.
    pub n_other_shards: u64,
    /// Problems met on the way that the answer survived.
    pub diagnostics: Diagnostics,
    /// When the answer was made.
    pub at: Timestamp,
}

/// What came of one root module.
#[derive(Debug)]
pub struct CheckedRoot {
    /// Its name.
    pub name: String,
    /// Its folder, relative to the topmost one of the repository.
    pub directory: String,
    /// Its workspace, where one is written down.
    pub workspace: Option<String>,
    /// Who answers for it.
    pub owners: Vec<String>,
    /// The changed file by which the change meets it.
    pub why: Option<String>,
    /// What the change is about; `None` where it was compared with nothing.
    pub change: Option<RootChange>,
    /// How many findings meet the change.
    pub summary: ChangeSummary,
    /// The comparison with the cloud, or why there is none.
    pub answer: Result<DriftAnswer, Error>,
}

impl CheckAnswer {
    /// Decides the exit code: what meets the change goes before errors, and those before what was not seen.
    pub fn exit_code(&self, allow_incomplete: bool) -> ::drift::ExitCode {
        let verdicts = || self.roots.iter().filter_map(|root| root.answer.as_ref().ok());
        exit::decide(exit::Outcome {
            judges: true,
            n_failing: verdicts().map(|answer| answer.verdict.summary.n_failing).sum(),
            has_errors: self.roots.iter().any(|root| root.answer.is_err())
                || model::diagnostic::has_errors(&self.diagnostics),
            is_complete: verdicts().all(|answer| answer.verdict.is_complete),
            allow_incomplete,
        })
    }
}

/// Everything about the repository that a check needs.
struct Ground {
    repository: Repository,
    /// The root modules to look at, each with the changed file that meets it.
    roots: Vec<(RootEntry, Option<String>)>,
    change: Option<Arc<Change>>,
    base: Option<CheckedRevision>,
    head: Option<CheckedRevision>,
    n_roots: u64,
    n_unchanged: u64,
    n_other_shards: u64,
    diagnostics: Diagnostics,
}

/// The change as git knows it.
struct Change {
    git: Git,
    revision: Arc<Revision>,
    /// The name of the commit before it.
    base: String,
    /// Root modules whose folder it renames: the folders before, by those now.
    renamed: BTreeMap<String, String>,
}

impl Change {
    /// Lists the files that are no longer as they were.
    fn changed(&self) -> &BTreeSet<String> {
        &self.revision.changed.all
    }

    /// Gives the folder of a root module as it was, relative to the topmost one; `None` for what is in no repository.
    fn folder_before(&self, directory: &Path) -> Option<String> {
        let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        let folder = self.git.relative(&directory)?;
        Some(self.renamed.get(&folder).cloned().unwrap_or(folder))
    }

    /// Gives the code of a root module as it was.
    fn tree_before(&self, directory: &Path, data_folder: &str, installed: Option<Vec<u8>>) -> Option<RevisionFolder> {
        Some(RevisionFolder {
            revision: Arc::clone(&self.revision),
            folder: self.folder_before(directory)?,
            disk: Arc::new(KeptTree::new(directory.to_owned())),
            data_folder: data_folder.to_owned(),
            installed,
        })
    }
}

/// Compares the root modules that a change meets with their clouds, and judges what was found by the change.
///
/// # Errors
///
/// Where it cannot be told what the change is: no git, no commit in common. What goes wrong with one root module is in its
/// answer.
pub async fn check(session: &Session, request: &CheckRequest) -> Result<CheckAnswer, Error> {
    session.phase("looking at the change");
    // No provider is asked twice what it offers.
    let session = &Session { schemas: Some(Arc::default()), ..session.clone() };
    let (of_ground, asked) = (session.clone(), request.clone());
    let ground = tokio::task::spawn_blocking(move || ground(&of_ground, &asked));
    let ground = ground.await.map_err(|source| {
        Error::new(ErrorKind::Unavailable, OPERATION, "Looking at the change ended early.").with_source(source)
    })??;
    let Ground { repository, roots, change, base, head, n_roots, n_unchanged, n_other_shards, diagnostics } = ground;
    if roots.len() > 1 && !request.drift.states.locations.is_empty() {
        let detail = format!("{} root modules are to be checked, and --state names the state of one.", roots.len());
        return Err(Error::usage(OPERATION, detail).with_help("Name the root module with --dir."));
    }
    let n_to_check = roots.len();
    session.phase(format!("checking {n_to_check} of {n_roots} root modules"));
    let checks = roots.into_iter().map(|(entry, why)| {
        let (session, repository, change) = (entry.session(session), &repository, change.clone());
        async move {
            let (change, summary, answer) = match check_root(&session, request, repository, &entry, change).await {
                Ok((change, summary, answer)) => (change, summary, Ok(answer)),
                Err(error) => (None, ChangeSummary::default(), Err(error)),
            };
            let RootEntry { name, directory, workspace, owners, .. } = entry;
            CheckedRoot { name, directory, workspace, owners, why, change, summary, answer }
        }
    });
    let mut roots: Vec<CheckedRoot> = futures::stream::iter(checks).buffered(N_PARALLEL).collect().await;
    if session.cancel.is_cancelled() {
        return Err(Error::cancelled(OPERATION));
    }
    roots.sort_by(|a, b| a.name.cmp(&b.name));
    let at = (session.now)();
    Ok(CheckAnswer { base, head, roots, n_roots, n_unchanged, n_other_shards, diagnostics, at })
}

/// Looks at the repository, and at what changed in it.
fn ground(session: &Session, request: &CheckRequest) -> Result<Ground, Error> {
    let folder = session.path(request.dir.as_deref().unwrap_or_else(|| Path::new(".")));
    if !folder.is_dir() {
        let detail = format!("{} is no folder.", folder.display());
        return Err(Error::usage(OPERATION, detail).with_help("Name a folder of the repository with --dir."));
    }
    let folder = folder.canonicalize().unwrap_or(folder);
    let mut repository = Repository::open(session, &folder);
    let mut diagnostics = std::mem::take(&mut repository.diagnostics);
    let is_inside = |root: &RootEntry| root.folder(&repository.directory).starts_with(&folder);
    let mut entries: Vec<RootEntry> = repository.roots.iter().filter(|root| is_inside(root)).cloned().collect();
    if entries.is_empty() && states::is_root_module(&folder) {
        entries.push(repository.entry_of(&folder));
    }
    if entries.is_empty() {
        let detail = format!("No root module was found in {}.", folder.display());
        return Err(Error::new(ErrorKind::NotFound, OPERATION, detail)
            .with_help("Name the root modules in driftmgr.yaml; `driftmgr roots` shows which are known."));
    }
    let n_roots = entries.len() as u64;
    let mut others = 0;
    if let Some(shard) = &request.shard {
        entries.retain(|root| shard.has(&root.name));
        others = n_roots - entries.len() as u64;
    }
    let mut ground = Ground {
        repository,
        roots: Vec::new(),
        change: None,
        base: None,
        head: None,
        n_roots,
        n_unchanged: 0,
        n_other_shards: others,
        diagnostics: Diagnostics::new(),
    };
    if request.base == CheckBase::Nothing {
        ground.roots = entries.into_iter().map(|entry| (entry, None)).collect();
        ground.diagnostics = diagnostics;
        return Ok(ground);
    }
    let found =
        Git::open(session, &folder).and_then(|git| Ok((base::find(&git, &session.environment, &request.base)?, git)));
    let (ends, git) = match found {
        Ok(found) => found,
        Err(error) if request.all && request.base == CheckBase::Auto => {
            let detail = format!("{} Everything is judged as `driftmgr drift` does.", error.detail());
            let mut problem = Diagnostic::warning("no-base", "The code before the change is not known", detail);
            problem.help = error.help().to_vec();
            diagnostics.push(problem);
            ground.roots = entries.into_iter().map(|entry| (entry, None)).collect();
            ground.diagnostics = diagnostics;
            return Ok(ground);
        }
        Err(error) => return Err(error),
    };
    let changed = git.changed(&ends.base.commit)?;
    let revision = Arc::new(git.revision(&ends.base.commit, changed)?);
    let changed = &revision.changed.all;
    let before = RevisionFolder {
        revision: Arc::clone(&revision),
        folder: ".".to_owned(),
        disk: Arc::clone(&revision.top) as Arc<dyn SourceTree + Send + Sync>,
        data_folder: ".terraform".to_owned(),
        installed: None,
    };
    let links = |path: &str| git.links(path).into_iter().chain(revision.link(path)).collect();
    let mut reach = Reach::new(&*revision.top, Some(&before), changed, &links);
    // Git may begin further up than the repository of root modules.
    let prefix = git.relative(&ground.repository.directory).unwrap_or_else(|| ".".to_owned());
    let in_git = |directory: &str| git::join(&prefix, directory).unwrap_or_else(|| directory.to_owned());
    let renamed = renamed(&git, &ends.base.commit, &revision, entries.iter().map(|root| in_git(&root.directory)))?;
    let mut settings: Vec<&String> = Vec::new();
    settings.extend(changed.iter().filter(|path| git::split(path).1 == "driftmgr.yaml"));
    for entry in entries {
        let directory = in_git(&entry.directory);
        let why = reach.why(&RootEntry { directory: directory.clone(), ..entry.clone() }).or_else(|| {
            let says = settings.iter().find(|path| {
                let folder = git::split(path).0;
                folder == "." || directory == folder || directory.starts_with(&format!("{folder}/"))
            });
            says.map(|path| (*path).clone())
        });
        if why.is_none() {
            ground.n_unchanged += 1;
        }
        if why.is_some() || request.all {
            ground.roots.push((entry, why));
        }
    }
    diagnostics.extend(removed(&before, (&prefix, &renamed), &folder, &ground.repository));
    if !request.trust_head {
        let roots = &mut ground.roots;
        trust::take_entries(roots, &before, (&prefix, &renamed), &ground.repository, &mut diagnostics);
    }
    let base = ends.base.name.clone();
    ground.change = Some(Arc::new(Change { git, revision, base, renamed }));
    (ground.base, ground.head) = (Some(ends.base), Some(ends.head));
    ground.diagnostics = diagnostics;
    Ok(ground)
}

/// Finds root modules without code before the change whose files come from a folder that it leaves without code.
fn renamed(
    git: &Git,
    commit: &str,
    revision: &Revision,
    roots: impl Iterator<Item = String>,
) -> Result<BTreeMap<String, String>, Error> {
    let is_new = |root: &String| !revision.has_code(root);
    let roots: BTreeSet<String> = roots.filter(is_new).collect();
    let mut renamed = BTreeMap::new();
    if roots.is_empty() {
        return Ok(renamed);
    }
    let mut origins: BTreeMap<(String, String), u64> = BTreeMap::new();
    for (now, before) in git.renamed(commit)? {
        let (folder, name) = git::split(&now);
        let origin = git::split(&before).0;
        if reach::is_code(name) && roots.contains(folder) && !states::is_root_module(&git.top.join(origin)) {
            *origins.entry((folder.to_owned(), origin.to_owned())).or_default() += 1;
        }
    }
    let mut origins: Vec<_> = origins.into_iter().collect();
    // Most files first; nothing is renamed to two folders.
    origins.sort_by(|(a, n_a), (b, n_b)| n_b.cmp(n_a).then_with(|| a.cmp(b)));
    let mut taken = BTreeSet::new();
    for ((folder, origin), _) in origins {
        if !renamed.contains_key(&folder) && taken.insert(origin.clone()) {
            renamed.insert(folder, origin);
        }
    }
    Ok(renamed)
}

/// Tells of root modules that the change takes away as a whole: nothing is left here that says where their states are.
fn removed(
    before: &RevisionFolder,
    (prefix, renamed): (&str, &BTreeMap<String, String>),
    folder: &Path,
    repository: &Repository,
) -> Diagnostics {
    let changed = &before.revision.changed.all;
    let inside = |path: &str| -> Option<String> {
        if prefix == "." {
            return Some(path.to_owned());
        }
        Some(path.strip_prefix(prefix)?.strip_prefix('/')?.to_owned())
    };
    let is_left = |path: &String| {
        let is_renamed = |origin: &String| inside(origin).as_ref() == Some(path);
        states::is_root_module(&repository.directory.join(path)) || renamed.values().any(is_renamed)
    };
    let code = changed.iter().filter(|path| reach::is_code(git::split(path).1));
    let folders = code.filter_map(|path| inside(path)).map(|path| git::split(&path).0.to_owned());
    let emptied: BTreeSet<String> = folders.filter(|path| !is_left(path)).collect();
    if emptied.is_empty() {
        return Diagnostics::new();
    }
    let files: Vec<String> = before.revision.paths().filter_map(inside).collect();
    let known = Repository::read(&repository.directory, &files, &trust::Under { before, prefix });
    let is_removed =
        |root: &&RootEntry| emptied.contains(&root.directory) && root.folder(&repository.directory).starts_with(folder);
    let warn = |root: &RootEntry| {
        let detail = format!(
            "The change takes away all code of the root module {}. What its state records stays, and nothing manages it any \
             more: destroy it before the code goes, or judge its state alone with `driftmgr drift --state`.",
            root.name
        );
        Diagnostic::warning("root-removed", "A root module is taken away", detail)
    };
    known.roots.iter().filter(is_removed).map(warn).collect()
}

/// Compares one root module with its cloud, and judges by the change.
async fn check_root(
    session: &Session,
    request: &CheckRequest,
    repository: &Repository,
    entry: &RootEntry,
    change: Option<Arc<Change>>,
) -> Result<(Option<RootChange>, ChangeSummary, DriftAnswer), Error> {
    let mut drift = request.drift.clone();
    let own = entry.states_request(&repository.directory);
    let folder = entry.folder(&repository.directory);
    drift.scope = entry.scope_request(&drift.scope);
    drift.states.dir = Some(folder.clone());
    if drift.states.locations.is_empty() {
        drift.states.locations = own.locations;
    }
    drift.states.variables = own.variables.into_iter().chain(drift.states.variables).collect();
    let untrusted = change.clone().filter(|_| !request.trust_head);
    if let Some(change) = &untrusted {
        let mut files = drift.states.locations.iter().filter(|location| !location.contains("://"));
        files.try_for_each(|file| change.refuse_state(&session.path(Path::new(file))))?;
    }
    let head = trust::head(session, &drift.states, untrusted.as_ref()).await.ok_or_else(|| {
        let detail = format!("The folder {} holds no configuration any more.", entry.directory);
        Error::new(ErrorKind::NotFound, OPERATION, detail).with_help(
            "What its state records is managed by nobody now; `driftmgr drift --state` judges a state alone.",
        )
    })?;
    let comparison = match change {
        None => None,
        Some(change) => {
            let (session, head, states) = (session.clone(), Arc::clone(&head), drift.states.clone());
            let opened = tokio::task::spawn_blocking(move || {
                let base = before(&session, &states, &change, &head);
                (base, head, change)
            });
            Some(opened.await.map_err(|source| {
                Error::new(ErrorKind::Unavailable, OPERATION, "Reading the code before the change ended early.")
                    .with_source(source)
            })?)
        }
    };
    let (session, judged) = match (&comparison, untrusted) {
        (Some((base, ..)), Some(change)) => {
            (&trust::session(session, change), Arc::new(head.trusting(Arc::clone(base))))
        }
        _ => (session, Arc::clone(&head)),
    };
    let (mut answer, states) = compare(session, &drift, DriftReach::Code, Some(&judged)).await?;
    answer.root = Some(PathBuf::from(&entry.directory));
    let Some((base, head, change)) = comparison else {
        return Ok((None, ChangeSummary::default(), answer));
    };
    answer.diagnostics.extend(problems_before(&base, &change.base));
    if !request.trust_head {
        answer.diagnostics.extend(trust::warnings(&change, &folder));
    }
    let is_pending = |difference: &model::AttributeDifference| difference.kind == Kind::Pending;
    let pending = answer.verdict.findings.iter().filter(|finding| finding.attributes.iter().any(is_pending));
    let pending: BTreeSet<InstanceAddress> = pending.filter_map(|finding| finding.address.clone()).collect();
    let also = pending.clone();
    let wanted = on_thread(&base, &head, &change, move |comparison| comparison.providers(&also)).await?;
    let mut schemas = vec![Schemas::open(session, Some(folder.clone()), &wanted.iter().collect()).await?];
    let answers = Arc::new(Answers::new(&states, &answer.verdict.findings));
    // What is answered is of this comparison alone.
    let (base, head) = (Arc::new(base.anew()), Arc::new(head.anew()));
    for _ in 0..MAX_ASKED {
        let answers = Arc::clone(&answers);
        let (known, missing) = on_thread(&base, &head, &change, move |comparison| {
            let missing = answers::settle(comparison, &answers, &Asked(&schemas));
            (schemas, missing)
        })
        .await?;
        schemas = known;
        if missing.is_empty() {
            break;
        }
        schemas.push(Schemas::open(session, Some(folder.clone()), &missing.iter().collect()).await?);
    }
    let recorded: Vec<RecordedInstance> = states.recorded.clone();
    let mut known: BTreeSet<InstanceAddress> = recorded.into_iter().map(|instance| instance.address).collect();
    known.extend(answer.verdict.findings.iter().filter_map(|finding| finding.address.clone()));
    known.retain(|address| address.resource.mode == ResourceMode::Managed);
    let (mut root_change, declared) = on_thread(&base, &head, &change, move |comparison| {
        let schemas = Asked(&schemas);
        let before = |address: InstanceAddress| Some((comparison.declared_before(&address, &schemas)?, address));
        let before = pending.into_iter().filter_map(before).map(|(value, address)| (address, value));
        (comparison.change(&schemas, &known), before.collect::<BTreeMap<_, _>>())
    })
    .await?;
    root_change.causes.extend(unread(&head));
    replace(&mut root_change, &answer.verdict.findings);
    for finding in &mut answer.verdict.findings {
        let Some(before) = finding.address.as_ref().and_then(|address| declared.get(address)) else { continue };
        for difference in finding.attributes.iter_mut().filter(|difference| difference.cause.is_none()) {
            difference.cause = applied_from_elsewhere(difference, before);
        }
    }
    let options = JudgeOptions { severities: answer.severities.clone(), ..drift.options };
    let summary = change::judge(&mut answer.verdict, &root_change, &options);
    Ok((Some(root_change), summary, answer))
}

/// Finds the instances that the change replaces: those of which it sets something that only another object can have.
fn replace(change: &mut RootChange, findings: &[Finding]) {
    for touch in change.touches.iter_mut().filter(|touch| touch.how == TouchKind::Updates) {
        let of_touch = findings.iter().filter(|finding| finding.address.as_ref() == Some(&touch.address));
        let mut differences = of_touch.flat_map(|finding| &finding.attributes);
        let is_of_change = |difference: &model::AttributeDifference| {
            let meets = |path: &cty::Path| difference.path.starts_with(path) || path.starts_with(&difference.path);
            is_set_by_replacing(difference) && touch.paths.iter().any(meets)
        };
        if differences.any(is_of_change) {
            touch.how = TouchKind::Replaces;
        }
    }
}

/// Compares the code before and after on a thread that may block.
async fn on_thread<T: Send + 'static>(
    base: &Arc<RootModule>,
    head: &Arc<RootModule>,
    change: &Arc<Change>,
    take: impl FnOnce(&Comparison<'_>) -> T + Send + 'static,
) -> Result<T, Error> {
    let (base, head, change) = (Arc::clone(base), Arc::clone(head), Arc::clone(change));
    let compared = tokio::task::spawn_blocking(move || take(&Comparison::new(&base, &head, change.changed())));
    compared.await.map_err(|source| {
        Error::new(ErrorKind::Unavailable, OPERATION, "Comparing the code ended early.").with_source(source)
    })
}

/// Reads a root module as it was before the change.
fn before(
    session: &Session,
    request: &crate::request::StatesRequest,
    change: &Change,
    head: &Arc<RootModule>,
) -> Arc<RootModule> {
    let directory = head.directory().to_owned();
    let open = |installed: Option<Vec<u8>>| {
        let tree = change.tree_before(&directory, head.data_folder(), installed);
        let tree: Arc<dyn SourceTree + Send + Sync> = match tree {
            Some(tree) => Arc::new(tree),
            None => Arc::new(hcl::MemoryTree::default()),
        };
        let tree = Arc::new(KeptTree::over(directory.clone(), tree));
        RootModule::open_tree(session, request, directory.clone(), tree)
    };
    let base = open(None);
    // What is installed is what HEAD asks for: it says something of BASE only where that asked for the same.
    let asks = |module: &RootModule| -> BTreeMap<Vec<String>, [Option<String>; 2]> {
        let text = |written: &hcl::evaluate::Written, name: &str| {
            let (file, attribute) = written.attribute(name)?;
            Some(file.source(&attribute.expression))
        };
        let of_module = |(names, definitions): (&Vec<String>, &Arc<hcl::definitions::Definitions>)| {
            let call = |(name, written): (&String, &hcl::evaluate::Written)| {
                (
                    [names.as_slice(), std::slice::from_ref(name)].concat(),
                    ["source", "version"].map(|it| text(written, it)),
                )
            };
            definitions.calls.iter().map(call).collect::<Vec<_>>()
        };
        module.configuration().definitions.iter().flat_map(of_module).collect()
    };
    let (asked, asks) = (asks(&base), asks(head));
    let others: Vec<String> = asked
        .iter()
        .filter(|(names, [source, version])| {
            let is_local =
                source.as_ref().is_some_and(|source| source.starts_with("\"./") || source.starts_with("\"../"));
            !is_local && asks.get(*names) != Some(&[source.clone(), version.clone()])
        })
        .map(|(names, _)| names.join("."))
        .collect();
    if others.is_empty() {
        return base;
    }
    let list = Folder(&directory).read(&git::installed_list(head.data_folder())).ok();
    let kept = list.and_then(|bytes| {
        let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        let modules = manifest.get_mut("Modules")?.as_array_mut()?;
        modules.retain(|module| {
            let key = module.get("Key").and_then(serde_json::Value::as_str).unwrap_or_default();
            !others.iter().any(|other| key == other || key.starts_with(&format!("{other}.")))
        });
        serde_json::to_vec(&manifest).ok()
    });
    match kept {
        Some(kept) => open(Some(kept)),
        None => base,
    }
}

/// Says why it is not known of everything whether the change is about it: not all code with the change could be read.
fn unread(head: &RootModule) -> Option<Cause> {
    let problem = head.code_problems().iter().find(|problem| problem.severity == Severity::Error)?;
    Some(Cause::new(CauseKind::OutsideScope, format!("Not all code with the change could be read. {}", problem.detail)))
}

/// Tells what could not be read of the code before the change.
fn problems_before(base: &RootModule, name: &str) -> Diagnostics {
    let errors = base.code_problems().iter().filter(|problem| problem.severity == Severity::Error);
    let warn = |problem: &Diagnostic| {
        let detail = format!(
            "{} That is how it was at {name}; what the change is about in that module is not certain, and counts as if it \
             were met.",
            problem.detail
        );
        let warning = Diagnostic::warning("base-unread", "Not all code before the change could be read", detail);
        match &problem.span {
            Some(span) => warning.at_span(span.clone()),
            None => warning,
        }
    };
    errors.map(warn).collect()
}

/// Schemas of providers that were asked.
struct Asked<'a>(&'a [Schemas]);

impl Asked<'_> {
    fn get(&self, provider: &ProviderConfigAddress, resource_type: &str) -> Result<&Schema, Cause> {
        let schemas = self.0.iter().find(|schemas| schemas.has_asked(provider)).or(self.0.first());
        let unasked = || Cause::new(CauseKind::NoProvider, format!("{} was not asked.", provider.provider));
        schemas.ok_or_else(unasked)?.get(provider, resource_type)
    }
}

impl TouchSchemas for Asked<'_> {
    fn schema(&self, provider: &ProviderConfigAddress, resource_type: &str) -> Result<&Block, String> {
        self.get(provider, resource_type).map(|schema| &schema.block).map_err(|cause| cause.detail)
    }
}

impl AnswerSchemas for Asked<'_> {
    fn whole(&self, provider: &ProviderConfigAddress, resource_type: &str) -> Option<&Schema> {
        self.get(provider, resource_type).ok()
    }

    fn is_asked(&self, provider: &ProviderConfigAddress) -> bool {
        self.0.iter().any(|schemas| schemas.has_asked(provider))
    }
}
