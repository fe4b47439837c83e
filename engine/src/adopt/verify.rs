//! A certificate from the real programs: `plan` of a temporary copy, in which nothing is ever applied.
//!
//! The copy has the root module, what it refers to beside itself, what `init` installed, and the files that are to be
//! written; its state is a copy in a file, whatever the backend is. Nothing outside of it is written, and it is removed.
//!
//! **Start reading** at [`verify`], then [`certify`].

mod copy;
mod judge;
mod program;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::drift::adopt::Certificate;
use ::drift::adopt::compose::FilePlace;
use cty::Value;
use tfstate::backend::{self, Location, StateFile};

use super::{AdoptAnswer, AdoptRequest};
use crate::request::{StatesRequest, VariableSource};
use crate::{Session, code};
use copy::{Copy, Wanted};
use judge::Judgement;
use program::{Halt, Run};

/// The programs, in the order in which they are asked.
const PROGRAMS: [&str; 2] = ["terraform", "tofu"];
/// How long one program may take for everything.
const DEADLINE: Duration = Duration::from_secs(3_600);
/// The longest text of a program that is quoted, in characters.
const MAX_QUOTED: usize = 1_000;
/// The shortest text that is hidden wherever it is quoted; what is shorter is in many words.
const MIN_HIDDEN: usize = 4;

/// What is to be certified.
#[derive(Clone, Default)]
struct Subject {
    /// The root module that the files are a part of; `None` where they are all there is.
    root: Option<PathBuf>,
    /// The files to be written, by name.
    files: BTreeMap<String, String>,
    /// Those of modules that the root module calls: the names of the calls, and the name of the file.
    module_files: BTreeMap<(Vec<String>, String), String>,
    /// What is recorded already.
    state: Option<Arc<StateFile>>,
    /// The values of the variables that the files declare, without marks.
    variables: Vec<(String, Value)>,
    /// What else sets variables.
    sources: Vec<VariableSource>,
    /// The addresses that are imported, as text.
    imported: BTreeSet<String>,
}

/// Lets terraform and, where found, tofu plan the files of an adoption over a copy of the root module.
///
/// One certificate for each program that is on `PATH`; a single one that says so where none is. What keeps a program
/// from planning is said in its certificate, cancellation included.
pub async fn verify(session: &Session, request: &AdoptRequest, answer: &AdoptAnswer) -> Vec<Certificate> {
    let states = &request.comparison.states;
    let root = code::root(states, session);
    let (state, unread) = match &root {
        None => (None, None),
        Some(root) => match recorded(session, states, root).await {
            Ok(state) => (state, None),
            Err(reason) => (None, Some(reason)),
        },
    };
    let is_imported = |object: &&super::AdoptedObject| object.source.is_some();
    let imported = answer.objects.iter().filter(is_imported).filter_map(|object| object.to.as_ref());
    let value =
        |variable: &super::AdoptedVariable| (variable.variable.name.clone(), variable.value.unmark_deep_with_paths().0);
    let module_file = |(place, text): (&FilePlace, &String)| {
        ((crate::evaluation::call_names(&place.module), place.name.clone()), text.clone())
    };
    // A module's variables are set by its call.
    let of_root = answer.variables.iter().filter(|variable| variable.module.is_root());
    let subject = Subject {
        root,
        files: answer.files.clone(),
        module_files: answer.module_files.iter().map(module_file).collect(),
        state: state.map(Arc::new),
        variables: of_root.map(value).collect(),
        sources: states.variables.clone(),
        imported: imported.map(ToString::to_string).collect(),
    };
    match unread {
        None => certify_with_all(session, &subject).await,
        Some(reason) => {
            let failure = format!("The state of the root module cannot be read: {reason}");
            vec![failed(PROGRAMS[0].to_owned(), failure)]
        }
    }
}

/// Reads what is recorded of a root module: from the one place that was named, else from its backend.
async fn recorded(session: &Session, states: &StatesRequest, root: &Path) -> Result<Option<StateFile>, String> {
    let context =
        backend::Context { cancel: session.cancel.clone(), ..backend::Context::new(session.environment.clone()) };
    let place = match states.locations.as_slice() {
        [location] if location != "-" => {
            Location::parse(location).and_then(|location| backend::open(&location, &context))
        }
        _ => backend::open_root(root, code::backend_config(root).as_ref(), &context),
    };
    let is_missing = |error: &tfstate::Error| error.kind == tfstate::ErrorKind::NotFound;
    let place = match place {
        Ok(place) => place,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(format!("{error}.")),
    };
    tokio::select! {
        () = session.cancel.cancelled() => Err(Halt::Cancelled.to_string()),
        file = place.get(place.selected_workspace()) => match file {
            Ok(file) => Ok(Some(file)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(format!("{error}.")),
        },
    }
}

async fn certify_with_all(session: &Session, subject: &Subject) -> Vec<Certificate> {
    let folders = session.environment.get("PATH").unwrap_or_default();
    let find = |name: &&str| {
        let candidates = std::env::split_paths(folders).map(|folder| session.current_dir.join(folder).join(name));
        let found = candidates.into_iter().find(|path| path.is_file());
        found.map(|path| ((*name).to_owned(), path))
    };
    let found: Vec<(String, PathBuf)> = PROGRAMS.iter().filter_map(find).collect();
    if found.is_empty() {
        let failure = "Neither terraform nor tofu is on PATH, so nothing was certified. Install one of them.";
        return vec![failed(PROGRAMS.join(" or "), failure.to_owned())];
    }
    let mut certificates = Vec::new();
    // One behind the other: both ask the same clouds.
    for (name, path) in found {
        session.phase(format!("verifying with {name}"));
        certificates.push(certify(session, subject, name, path, DEADLINE).await);
    }
    certificates
}

/// Plans the subject with one program.
async fn certify(session: &Session, subject: &Subject, name: String, path: PathBuf, deadline: Duration) -> Certificate {
    let wanted = Wanted::new(session, subject);
    let is_tofu = name == "tofu";
    // Copying reads and writes much.
    let copied = tokio::task::spawn_blocking(move || Copy::make(&wanted)).await;
    let copy = match copied {
        Ok(Ok(copy)) => Arc::new(copy),
        Ok(Err(reason)) => return failed(name, reason),
        Err(error) => return failed(name, format!("Copying the root module ended early: {error}.")),
    };
    let environment = program::environment(session, &copy);
    let run = Run::new(&path, &copy.root, &environment, &session.cancel, deadline);
    let program = match run.version().await {
        Ok(version) => format!("{name} {version}"),
        Err(halt) => return failed(name, format!("{} could not say its version: {halt}", path.display())),
    };
    let hide = Hidden::of(subject);
    match plan(&run, &copy, is_tofu, subject).await {
        Ok(Judgement { failure, changes, elsewhere, problems }) => Certificate {
            program,
            failure: failure.map(|failure| hide.in_text(&failure)),
            changes,
            elsewhere,
            problems: problems.into_iter().map(|(address, why)| (address, hide.in_text(&why))).collect(),
        },
        Err(failure) => failed(program, hide.in_text(&failure)),
    }
}

async fn plan(run: &Run<'_>, copy: &Arc<Copy>, is_tofu: bool, subject: &Subject) -> Result<Judgement, String> {
    let initialized = initialize(run, copy, is_tofu).await?;
    if let Some(state) = &subject.state {
        let (copy, state) = (Arc::clone(copy), Arc::clone(state));
        let written = tokio::task::spawn_blocking(move || copy.write_state(&state)).await;
        written
            .map_err(|error| format!("Copying the state ended early: {error}."))?
            .map_err(|error| format!("{error}."))?;
    }
    let mut arguments: Vec<OsString> =
        ["plan", "-input=false", "-lock=false", "-no-color", "-json"].map(OsString::from).into();
    let mut out = OsString::from("-out=");
    out.push(&copy.plan);
    arguments.push(out);
    for file in &copy.value_files {
        let mut argument = OsString::from("-var-file=");
        argument.push(file);
        arguments.push(argument);
    }
    let planned = run.output(&arguments).await.map_err(|halt| format!("`plan` gave no answer: {halt}"))?;
    let complaints = judge::complaints(&planned.stdout, &subject.files);
    if !copy.plan.is_file() {
        // What kept it from being initialized is the cause of what the plan complains about.
        let why = initialized.or_else(|| complaints.text()).unwrap_or_else(|| quoted(&planned.stderr));
        return Ok(Judgement::without_plan(format!("It made no plan. {why}"), complaints));
    }
    let shown = run
        .output(&["show".into(), "-no-color".into(), "-json".into(), copy.plan.clone().into()])
        .await
        .map_err(|halt| format!("`show` gave no answer: {halt}"))?;
    if !shown.is_success {
        return Err(format!("`show` of the plan failed. {}", quoted(&shown.stderr)));
    }
    judge::judge(&shown.stdout, complaints, &subject.imported)
}

/// Runs `init`; gives why it failed where a plan may be made all the same.
async fn initialize(run: &Run<'_>, copy: &Copy, is_tofu: bool) -> Result<Option<String>, String> {
    let plain: Vec<OsString> = ["init", "-input=false", "-reconfigure", "-no-color"].map(OsString::from).into();
    let mut from_installed = plain.clone();
    let mut folder = OsString::from("-plugin-dir=");
    folder.push(&copy.packages);
    from_installed.push(folder);
    // Packages that the other program installed serve, too: the registries have the same providers.
    let attempts = match (copy.has_packages, copy.is_installed_by_other(is_tofu)) {
        (false, _) => vec![plain],
        (true, false) => vec![plain, from_installed],
        (true, true) => vec![from_installed, plain],
    };
    let mut failure = None;
    for arguments in attempts {
        let output = run.output(&arguments).await.map_err(|halt| format!("`init` gave no answer: {halt}"))?;
        if output.is_success {
            return Ok(None);
        }
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let text = format!("`init` failed. {}", quoted(&output.stderr));
        // Providers of developers are in no registry: `init` fails over them, and a plan needs no `init` for them.
        if said.contains("development overrides are in effect") {
            return Ok(Some(text));
        }
        failure.get_or_insert(text);
    }
    Err(failure.unwrap_or_default())
}

fn failed(program: String, failure: String) -> Certificate {
    Certificate { program, failure: Some(failure), changes: Vec::new(), elsewhere: Vec::new(), problems: Vec::new() }
}

/// Gives the errors in what a program wrote, on one line.
fn quoted(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let from = text.find("Error: ").unwrap_or_default();
    let words = text[from..].split_whitespace().filter(|word| !matches!(*word, "│" | "╷" | "╵"));
    shortened(&words.collect::<Vec<_>>().join(" "))
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_QUOTED).collect();
    if short.len() < text.len() {
        let _ = write!(short, " …");
    }
    short
}

/// Texts that no message may show.
struct Hidden(BTreeSet<String>);

impl Hidden {
    fn of(subject: &Subject) -> Self {
        let mut texts = BTreeSet::new();
        for (_, value) in &subject.variables {
            cty::walk(value, |_, part| {
                if let Some(text) = part.as_str() {
                    // A program may quote a line of it, and write it as it stands in code.
                    let lines = text.lines().chain([text]).map(str::trim);
                    texts.extend(lines.filter(|line| line.chars().count() >= MIN_HIDDEN).map(str::to_owned));
                }
                true
            });
        }
        Self(texts)
    }

    fn in_text(&self, text: &str) -> String {
        let mut texts: Vec<&String> = self.0.iter().collect();
        // A part of one may be another.
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let hide = |text: String, hidden: &String| {
            let escaped = hidden.escape_debug().to_string();
            text.replace(hidden.as_str(), "(sensitive)").replace(&escaped, "(sensitive)")
        };
        texts.into_iter().fold(text.to_owned(), hide)
    }
}
