//! A root module as terraform sees it: read once for a command, evaluated as far as the command asks.
//!
//! Everything that looks at the code looks at one [`RootModule`]: provider blocks, the tiers of a difference, adoption,
//! explanations. What the code alone does not tell is a need of `hcl::root`; what answered one stays answered.
//!
//! **Start reading** at [`RootModule::open`], then `Stage::settled`, which answers needs.

pub(crate) mod ask;
mod needs;
mod remote_state;
pub(crate) mod stage;
#[cfg(test)]
pub(crate) mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cty::{Mark, Value};
use hcl::SourceTree;
use hcl::configuration::Configuration;
use hcl::definitions::Definitions;
use hcl::root::{Root, Sources, Unexpanded, ValueAnswer, ValueNeed};
use hcl::variables::VariableValues;
use model::{Diagnostic, Diagnostics, ModuleAddress};

use crate::request::{StatesRequest, VariableSource};
use crate::{Session, code};

pub(crate) use needs::answer_configurations;
pub use remote_state::remote_state_schema;
pub use tree::KeptTree;

/// The largest file of variables that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// A root module, with every module it calls, the values of its variables, and the workspace.
pub struct RootModule {
    directory: PathBuf,
    data_folder: String,
    tree: Arc<KeptTree>,
    sources: Sources,
    /// What is wrong with the code.
    code_problems: Diagnostics,
    /// What is wrong with variables and their values.
    variable_problems: Diagnostics,
    /// What was answered so far.
    answers: Mutex<Vec<(ValueNeed, ValueAnswer)>>,
    /// Evaluations that nobody is busy with, each with how many answers it got.
    idle: Mutex<Vec<(usize, Root)>>,
    /// The same root module before a change that is not trusted: its provider blocks count.
    trusted: Option<Arc<RootModule>>,
}

impl RootModule {
    /// Reads the root module that a request is about; `None` where it names states alone.
    ///
    /// What is wrong with it is told by [`RootModule::code_problems`] and [`RootModule::variable_problems`]; the rest is
    /// there all the same. This reads files: off the threads of async tasks.
    pub fn open(session: &Session, request: &StatesRequest) -> Option<Arc<Self>> {
        let directory = code::root(request, session)?;
        let tree = Arc::new(KeptTree::new(directory.clone()));
        Some(Self::open_tree(session, request, directory, tree))
    }

    /// Reads the root module of a folder as a tree has it, which need not be the one on the disk.
    pub(crate) fn open_tree(
        session: &Session,
        request: &StatesRequest,
        directory: PathBuf,
        tree: Arc<KeptTree>,
    ) -> Arc<Self> {
        let data_folder = session.environment.get("TF_DATA_DIR").unwrap_or(".terraform").to_owned();
        let (configuration, code_problems) = Configuration::read(&*tree, ".", &data_folder);
        let mut variable_problems = variable_problems(&*tree);
        let variables = variables(session, request, &tree, &configuration, &mut variable_problems);
        let sources = Sources {
            configuration: Arc::new(configuration),
            variables: Arc::new(variables),
            tree: Arc::clone(&tree) as Arc<dyn SourceTree + Send + Sync>,
            home: session.environment.home().map(|home| home.to_string_lossy().into_owned()),
            workspace: workspace(session, &directory, &data_folder),
            current_dir: Some(directory.to_string_lossy().into_owned()),
        };
        Arc::new(Self::of(directory, data_folder, tree, sources, code_problems, variable_problems))
    }

    /// Reads the root module as [`RootModule::open`] does, on a thread that may block.
    pub async fn opened(session: &Session, request: &StatesRequest) -> Option<Arc<Self>> {
        let (session, request) = (session.clone(), request.clone());
        tokio::task::spawn_blocking(move || Self::open(&session, &request)).await.ok().flatten()
    }

    /// Gives the same root module with another file, or another text of one, that is not on the disk.
    #[must_use]
    pub fn with_file(&self, name: &str, text: String) -> Self {
        self.with_files([(name, text)])
    }

    /// Gives the same root module with other files, or other texts of some, that are not on the disk.
    #[must_use]
    pub fn with_files<'a>(&self, files: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let tree = Arc::new(self.tree.with_files(files));
        let (configuration, problems) = Configuration::read(&*tree, ".", &self.data_folder);
        let sources = Sources {
            configuration: Arc::new(configuration),
            tree: Arc::clone(&tree) as Arc<dyn SourceTree + Send + Sync>,
            ..self.sources.clone()
        };
        let variable_problems = variable_problems(&*tree);
        Self::of(self.directory.clone(), self.data_folder.clone(), tree, sources, problems, variable_problems)
    }

    fn of(
        directory: PathBuf,
        data_folder: String,
        tree: Arc<KeptTree>,
        sources: Sources,
        code_problems: Diagnostics,
        variable_problems: Diagnostics,
    ) -> Self {
        let (answers, idle) = (Mutex::default(), Mutex::default());
        let trusted = None;
        Self { directory, data_folder, tree, sources, code_problems, variable_problems, answers, idle, trusted }
    }

    /// Gives the same root module, whose provider blocks are those that it had before a change.
    #[must_use]
    pub(crate) fn trusting(&self, before: Arc<Self>) -> Self {
        Self { trusted: Some(before), ..self.anew() }
    }

    /// Gives the root module whose provider blocks count: this one, or what it was before a change that is not trusted.
    pub(crate) fn trusted(self: &Arc<Self>) -> &Arc<Self> {
        self.trusted.as_ref().unwrap_or(self)
    }

    /// Tells whether it is a change that is not trusted.
    pub(crate) fn is_untrusted(&self) -> bool {
        self.trusted.is_some()
    }

    /// Gives the same root module, without what was answered.
    #[must_use]
    pub fn anew(&self) -> Self {
        let (tree, sources) = (Arc::clone(&self.tree), self.sources.clone());
        let (code, variables) = (self.code_problems.clone(), self.variable_problems.clone());
        Self::of(self.directory.clone(), self.data_folder.clone(), tree, sources, code, variables)
    }

    /// Gives its folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Gives the folder that `init` installs into, relative to its own.
    pub fn data_folder(&self) -> &str {
        &self.data_folder
    }

    /// Gives its files, as they were when they were read first.
    pub fn tree(&self) -> &Arc<KeptTree> {
        &self.tree
    }

    /// Gives all of its code.
    pub fn configuration(&self) -> &Configuration {
        &self.sources.configuration
    }

    /// Gives what it is evaluated from.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Gives what a module defines; `None` where its code is not at hand.
    pub fn definitions(&self, module: &ModuleAddress) -> Option<&Definitions> {
        self.sources.configuration.definitions.get(&call_names(module)).map(|definitions| &**definitions)
    }

    /// Tells whether all of a module's code could be read: only then what is not there does not exist.
    pub fn is_complete(&self, module: &ModuleAddress) -> bool {
        self.sources.configuration.modules.get(&call_names(module)).is_some_and(|module| module.is_complete)
    }

    /// Gives what is wrong with the code.
    pub fn code_problems(&self) -> &Diagnostics {
        &self.code_problems
    }

    /// Gives what is wrong with the variables of the root module, and with what they are set to.
    pub fn variable_problems(&self) -> &Diagnostics {
        &self.variable_problems
    }

    /// Lends an evaluation that knows every answer so far, and remembers what it evaluated for whoever comes next.
    ///
    /// No lock is held meanwhile: who comes at the same time gets an evaluation of its own.
    pub fn evaluate<T>(&self, take: impl FnOnce(&Root) -> T) -> T {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (n_known, root) = idle.unwrap_or_else(|| (0, Root::new(self.sources.clone())));
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (n_answers, missing) = (answers.len(), answers[n_known..].to_vec());
        drop(answers);
        // Even without a new answer: what waits is evaluated anew, and names what it waits for.
        root.answer(missing);
        // What others asked for and did not want is nothing that this one needs.
        root.take_needs();
        let taken = take(&root);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((n_answers, root));
        taken
    }

    /// Keeps answers for every evaluation from now on.
    pub fn answer(&self, answers: impl IntoIterator<Item = (ValueNeed, ValueAnswer)>) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).extend(answers);
    }
}

/// Shows no values.
impl fmt::Debug for RootModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootModule").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// Tells whether the code has a module instance.
///
/// # Errors
/// Why nobody can tell.
pub fn has_module(root: &Root, module: &ModuleAddress) -> Result<bool, Unexpanded> {
    let steps = module.steps();
    for (position, step) in steps.iter().enumerate() {
        let outer = ModuleAddress::from_steps(steps[..position].to_vec());
        if !root.call_keys(&outer, &step.name)?.contains_key(&step.key) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Gives the mark of what terraform would show, and driftmgr does not: a sensitive output of another state.
///
/// Whatever is made of such a value has the mark too; nothing else follows from it, as nothing does for terraform.
fn kept_back() -> Mark {
    Mark::Named(Arc::from("sensitive in its state"))
}

/// Marks as sensitive what terraform would show and driftmgr does not.
pub(crate) fn guarded(value: &Value) -> Value {
    if !value.contains_marked() {
        return value.clone();
    }
    let mark = kept_back();
    let (bare, marks) = value.unmark_deep_with_paths();
    let marks: Vec<_> = marks
        .into_iter()
        .map(|(path, mut marks)| {
            if marks.contains(&mark) {
                marks.insert(Mark::Sensitive);
            }
            (path, marks)
        })
        .collect();
    bare.mark_with_paths(&marks)
}

/// Gives the names of the calls that lead to a module.
pub(crate) fn call_names(module: &ModuleAddress) -> Vec<String> {
    module.steps().iter().map(|step| step.name.to_string()).collect()
}

/// Finds what is wrong with the variables of the root module.
fn variable_problems(tree: &dyn SourceTree) -> Diagnostics {
    let (_, problems) = Definitions::read(tree, ".");
    let is_of_variable =
        |problem: &Diagnostic| matches!(problem.code, "invalid-variable" | "invalid-type" | "invalid-expression");
    problems.into_iter().filter(is_of_variable).collect()
}

/// Gives the workspace: what the environment says, else what was selected in the data folder.
fn workspace(session: &Session, directory: &Path, data_folder: &str) -> String {
    let selected = || std::fs::read_to_string(directory.join(data_folder).join("environment")).ok();
    let workspace = session.environment.get("TF_WORKSPACE").map(str::to_owned).or_else(selected);
    let workspace = workspace.as_deref().map(str::trim).filter(|workspace| !workspace.is_empty());
    workspace.unwrap_or("default").to_owned()
}

/// Gathers what variables are set to: the environment, the standard files, then what the command line says.
fn variables(
    session: &Session,
    request: &StatesRequest,
    tree: &KeptTree,
    configuration: &Configuration,
    problems: &mut Diagnostics,
) -> VariableValues {
    let mut variables = VariableValues::default();
    let environment = session.environment.variables().iter();
    variables.add_environment(environment.map(|(name, value)| (name.as_str(), value.as_str())));
    // A variable that every root of a repository is given need not be in each of them.
    let of_environment: BTreeSet<String> = variables.origins().map(|(name, _)| name.to_owned()).collect();
    problems.extend(variables.add_standard_files(tree));
    for source in &request.variables {
        match source {
            VariableSource::Assignment { name, value } => variables.add_text(name, value, "--var"),
            VariableSource::File(path) => problems.extend(add_file(&mut variables, session, path)),
        }
    }
    let root = configuration.definitions.get(&Vec::new());
    let is_complete = configuration.root().is_some_and(|root| root.is_complete);
    let mut undeclared: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, origin) in variables.origins() {
        let is_declared = root.is_some_and(|root| root.variables.contains_key(name));
        if !is_declared && is_complete && !of_environment.contains(name) {
            let place = origin.rsplit_once(':').map_or(origin, |(file, _)| file);
            undeclared.entry(place).or_default().push(name);
        }
    }
    for (place, names) in undeclared {
        let quoted: Vec<String> = names.iter().take(3).map(|name| format!("{name:?}")).collect();
        let others = if names.len() > 3 { format!(", and {} more", names.len() - 3) } else { String::new() };
        let detail = format!("The root module has no variable {}{others}, which {place} sets.", quoted.join(", "));
        problems.push(Diagnostic::warning("invalid-variable", "Value of no variable", detail));
    }
    variables
}

fn add_file(variables: &mut VariableValues, session: &Session, path: &Path) -> Diagnostics {
    let name = path.to_string_lossy();
    let full = session.path(path);
    let read = || {
        let n_bytes = full.metadata().map_err(|error| error.to_string())?.len();
        if n_bytes > MAX_FILE {
            return Err(format!("it has {n_bytes} bytes, and {MAX_FILE} is the limit"));
        }
        std::fs::read_to_string(&full).map_err(|error| error.to_string())
    };
    match read() {
        Ok(text) => variables.add_file(&name, &text),
        Err(reason) => {
            let detail = format!("The file {name:?} that --var-file names cannot be read: {reason}.");
            vec![Diagnostic::error("invalid-variable", "Cannot read variables", detail)]
        }
    }
}
