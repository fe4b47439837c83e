//! Objects that nobody manages, what each program generates for them, and what the plans say of that.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Choice;
use super::judge::{self, Outcome, Program};
use crate::terraform::{CliConfig, RootFolder};

/// What every secret of an estate is, where nobody can read it back.
const SECRET: &str = "planted-secret";
/// What the tables call the program that is judged.
const DRIFTMGR: &str = "driftmgr";
/// How many of the programs run at once.
const N_WORKERS: usize = 2;

/// An estate, and how it is reached.
pub(super) struct Scene {
    /// What people call it.
    pub(super) name: &'static str,
    /// The provider's source address, with its host.
    pub(super) source: String,
    /// What the provider goes by in a root.
    pub(super) provider: &'static str,
    /// The folder of its executable.
    pub(super) folder: PathBuf,
    /// What its block says, a line each.
    pub(super) configuration: String,
    /// What its processes need to know.
    pub(super) environment: Vec<(String, String)>,
    pub(super) objects: Vec<Object>,
}

/// One object.
#[derive(Clone)]
pub(super) struct Object {
    pub(super) resource_type: String,
    pub(super) id: String,
    /// What its address ends with.
    pub(super) name: String,
    /// What is difficult about it.
    pub(super) about: String,
    /// How far its adoption has to come.
    pub(super) expected: String,
    /// What it consists of, where that is known: what a plan takes as the values of secrets is found there.
    pub(super) attributes: Value,
}

impl Object {
    pub(super) fn address(&self) -> String {
        format!("{}.{}", self.resource_type, self.name)
    }

    fn import(&self) -> String {
        // The ids here hold nothing that JSON spells otherwise than the language of the files.
        format!("import {{\n  to = {}\n  id = {}\n}}\n", self.address(), Value::from(self.id.as_str()))
    }
}

/// What driftmgr made of the objects.
#[derive(Default)]
struct Adoption {
    /// The entry of each object in the answer, by address.
    items: BTreeMap<String, Value>,
    /// What each program says, by address.
    outcomes: Vec<BTreeMap<String, Outcome>>,
    /// What a program would format otherwise.
    misformatted: Vec<String>,
    seconds: f32,
}

impl Scene {
    /// Makes an empty root that has the provider.
    fn root(&self, program: &Program) -> Result<RootFolder<'static>> {
        let config = CliConfig::default().dev_override(&self.source, &self.folder);
        let root = RootFolder::empty(&program.path, &config, None)?.with_environment(self.environment.clone());
        let Self { provider, source, configuration, .. } = self;
        root.write(
            "versions.tf",
            &format!(
                "terraform {{\n  required_providers {{\n    {provider} = {{\n      source = {source:?}\n    }}\n  }}\n}}\n\n\
                 provider {provider:?} {{\n{configuration}}}\n"
            ),
        )?;
        Ok(root)
    }

    /// Lets everybody try, and prints what came of it; tells whether driftmgr did what is expected.
    pub(super) fn judge(mut self, driftmgr: impl FnOnce() -> Result<PathBuf>, choice: &Choice) -> Result<ExitCode> {
        if let Some(text) = &choice.only {
            self.objects.retain(|object| object.address().contains(text));
        }
        ensure!(!self.objects.is_empty(), "no object is left to adopt");
        let programs = judge::programs()?;
        let mut baselines = Vec::new();
        if !choice.without_baseline {
            for program in &programs {
                eprintln!("[{}] {} generates, each object alone", self.name, program.name);
                baselines.push(self.baseline(program, choice)?);
            }
        }
        let mut adoption = None;
        if !choice.baseline_only {
            let driftmgr = driftmgr()?;
            eprintln!("[{}] driftmgr adopts, all objects at once", self.name);
            adoption = Some(self.adopt(&driftmgr, &programs, choice)?);
        }
        let mut is_right = true;
        println!("## {}\n", self.name);
        self.print_cases(&programs, &baselines, adoption.as_ref());
        self.print_rates(&programs, &baselines, adoption.as_ref());
        if let Some(adoption) = &adoption {
            is_right = self.print_surprises(&programs, adoption);
        }
        Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Asks a program for the configuration of each object alone, and plans what it wrote.
    fn baseline(&self, program: &Program, choice: &Choice) -> Result<BTreeMap<String, Outcome>> {
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(BTreeMap::new());
        let work = || -> Result<()> {
            while let Some(object) = self.objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcome = self.generated_by(program, object, choice)?;
                outcomes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(object.address(), outcome);
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..N_WORKERS).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("a worker does not panic"))
        })?;
        Ok(outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn generated_by(&self, program: &Program, object: &Object, choice: &Choice) -> Result<Outcome> {
        let root = self.root(program)?;
        root.write("imports.tf", &object.import())?;
        let generated = root.path().join("generated.tf");
        let mut command = root.command(&program.path);
        command.args(["plan", "-no-color", "-input=false", "-generate-config-out=generated.tf"]);
        let Some(output) = judge::output_in_time(command, &root.path())? else {
            return Ok(Outcome::Nothing(judge::TOO_SLOW.to_owned()));
        };
        if !generated.exists() {
            let text = String::from_utf8_lossy(&output.stderr).replace(['│', '╷', '╵'], "");
            let why = text.split("Error:").nth(1).unwrap_or(&text).split_whitespace().collect::<Vec<_>>().join(" ");
            return Ok(Outcome::Nothing(why));
        }
        if let Some(folder) = &choice.keep {
            let to = folder.join(program.name.replace(' ', "-"));
            fs::create_dir_all(&to).with_context(|| format!("cannot create {}", to.display()))?;
            fs::copy(&generated, to.join(format!("{}.tf", object.address())))
                .context("cannot keep what was generated")?;
        }
        Ok(judge::plan(&root, &BTreeMap::new())?.outcome(&object.address()))
    }

    /// Lets driftmgr adopt everything at once, and each program plan what it wrote.
    fn adopt(&self, driftmgr: &Path, programs: &[Program], choice: &Choice) -> Result<Adoption> {
        let began = Instant::now();
        let (written, items) = self.write(driftmgr, &programs[0], &self.objects, choice.keep.as_deref())?;
        let mut adoption = Adoption { items, seconds: began.elapsed().as_secs_f32(), ..Adoption::default() };
        for program in programs {
            let root = self.with_files(program, &written)?;
            let output = root.try_run(&["fmt", "-check", "-list=true"])?;
            if !output.status.success() {
                let files = String::from_utf8_lossy(&output.stdout).replace('\n', " ");
                adoption.misformatted.push(format!("{}: {files}", program.name));
            }
            let plan = self.plan(&root)?;
            let mut outcomes = BTreeMap::new();
            for object in &self.objects {
                let address = object.address();
                let is_written = adoption.items.get(&address).is_some_and(|item| item["status"] != "skipped");
                let outcome = if !is_written {
                    let reason = adoption.items.get(&address).and_then(|item| item["reason"].as_str());
                    Outcome::Nothing(reason.unwrap_or("It is not in the answer.").to_owned())
                } else if plan.errors.is_empty() {
                    plan.outcome(&address)
                } else {
                    // One mistake leaves the program without an answer about all the others.
                    let (alone, _) = self.write(driftmgr, program, std::slice::from_ref(object), None)?;
                    self.plan(&self.with_files(program, &alone)?)?.outcome(&address)
                };
                outcomes.insert(address, outcome);
            }
            adoption.outcomes.push(outcomes);
        }
        Ok(adoption)
    }

    /// Runs driftmgr in an empty root; gives the root, with the files in `adopted`, and the entries of its answer.
    fn write(
        &self,
        driftmgr: &Path,
        program: &Program,
        objects: &[Object],
        keep: Option<&Path>,
    ) -> Result<(RootFolder<'static>, BTreeMap<String, Value>)> {
        let root = self.root(program)?;
        let entry =
            |object: &Object| json!({"type": object.resource_type, "id": object.id, "address": object.address()});
        let mapping = json!({
            "schema": "driftmgr.mapping/v1",
            "objects": objects.iter().map(entry).collect::<Vec<_>>(),
        });
        let types: BTreeSet<&str> = objects.iter().map(|object| object.resource_type.as_str()).collect();
        let mapping_file = root.path().with_file_name("ids.json");
        fs::write(&mapping_file, mapping.to_string()).context("cannot write the mapping file")?;
        let output = root
            .command(driftmgr)
            .args(["adopt", "--dir", ".", "--out-dir", "adopted", "--json", "--only-mapped", "--mapping"])
            .arg(&mapping_file)
            .args(types.iter().flat_map(|resource_type| ["--type", resource_type]))
            .env("XDG_CACHE_HOME", mapping_file.with_file_name("cache"))
            .env("DRIFTMGR_STORE", mapping_file.with_file_name("store.db"))
            .output()
            .with_context(|| format!("cannot start {}", driftmgr.display()))?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        ensure!(matches!(code, Some(0 | 3)), "driftmgr adopt ended with {code:?}:\n{stderr}");
        let answer: Value = serde_json::from_slice(&output.stdout).context("driftmgr printed no JSON")?;
        if let Some(folder) = keep {
            let to = folder.join("driftmgr");
            fs::create_dir_all(&to).with_context(|| format!("cannot create {}", to.display()))?;
            fs::write(to.join("answer.json"), &output.stdout).context("cannot keep the answer")?;
            for file in fs::read_dir(root.path().join("adopted")).into_iter().flatten() {
                let path = file?.path();
                fs::copy(&path, to.join(path.file_name().context("a file has a name")?))?;
            }
        }
        let items = answer["items"].as_array().context("an answer has items")?;
        let ids: BTreeMap<(&str, &str), String> = objects
            .iter()
            .map(|object| ((object.resource_type.as_str(), object.id.as_str()), object.address()))
            .collect();
        let mut by_address = BTreeMap::new();
        for item in items {
            let key = (item["type"].as_str().unwrap_or_default(), item["id"].as_str().unwrap_or_default());
            if let Some(address) = ids.get(&key) {
                by_address.insert(address.clone(), item.clone());
            }
        }
        Ok((root, by_address))
    }

    /// Makes a root with the files that driftmgr wrote.
    fn with_files(&self, program: &Program, written: &RootFolder<'_>) -> Result<RootFolder<'static>> {
        let root = self.root(program)?;
        // There is no folder where every object was skipped.
        for file in fs::read_dir(written.path().join("adopted")).into_iter().flatten() {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "tf") {
                fs::copy(&path, root.path().join(path.file_name().context("a file has a name")?))?;
            }
        }
        Ok(root)
    }

    /// Plans a root; its variables get the values that the provider reads, as the first plan shows them.
    fn plan(&self, root: &RootFolder<'_>) -> Result<judge::Plan> {
        let variables = self.variables(&root.path(), &BTreeMap::new())?;
        let plan = judge::plan(root, &variables)?;
        let read = self.variables(&root.path(), &plan.before)?;
        if read == variables { Ok(plan) } else { judge::plan(root, &read) }
    }

    /// Gives every variable of some files a value: what was read of the object where the variable stands, else what is
    /// known of it, else the secret that is planted everywhere.
    fn variables(&self, folder: &Path, read: &BTreeMap<String, Value>) -> Result<BTreeMap<String, String>> {
        let mut text = String::new();
        for file in fs::read_dir(folder).into_iter().flatten() {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "tf") {
                text.push_str(&fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?);
            }
        }
        let declared = text.lines().filter_map(|line| line.strip_prefix("variable \"")?.split('"').next());
        let mut variables: BTreeMap<String, String> =
            declared.map(|name| (name.to_owned(), SECRET.to_owned())).collect();
        let mut object = None;
        for line in text.lines() {
            if let Some(labels) = line.strip_prefix("resource \"") {
                let labels: Vec<&str> = labels.split('"').collect();
                object = self.objects.iter().find(|object| {
                    labels.first() == Some(&object.resource_type.as_str())
                        && labels.get(2) == Some(&object.name.as_str())
                });
            }
            let Some((argument, name)) = line.split_once("= var.") else { continue };
            let argument = argument.trim().trim_matches('"');
            let name: String = name.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).collect();
            let value = object.and_then(|object| {
                let read = read.get(&object.address()).and_then(|read| find(read, argument));
                read.filter(|value| !value.is_null()).or_else(|| find(&object.attributes, argument))
            });
            if let Some(value) = value {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                variables.insert(name, text);
            }
        }
        Ok(variables)
    }

    fn print_cases(&self, programs: &[Program], baselines: &[BTreeMap<String, Outcome>], adoption: Option<&Adoption>) {
        let mut head = "| object | what is difficult |".to_owned();
        if !baselines.is_empty() {
            head.extend(programs.iter().map(|program| format!(" {}'s own |", program.name)));
        }
        if adoption.is_some() {
            head.push_str(" driftmgr says | probes |");
            head.extend(programs.iter().map(|program| format!(" {} |", program.name)));
        }
        println!("{head}\n{}", "|---".repeat(head.matches('|').count() - 1) + "|");
        for object in &self.objects {
            let address = object.address();
            let mut row = format!("| `{address}` | {} |", object.about);
            let cell = |outcomes: &BTreeMap<String, Outcome>| {
                format!(" {} |", outcomes.get(&address).map_or("", Outcome::word))
            };
            row.extend(baselines.iter().map(cell));
            if let Some(adoption) = adoption {
                let item = adoption.items.get(&address).unwrap_or(&Value::Null);
                row.push_str(&format!(" {} | {} |", item["status"].as_str().unwrap_or("–"), item["probes"]));
                row.extend(adoption.outcomes.iter().map(cell));
            }
            println!("{row}");
        }
        println!();
    }

    fn print_rates(&self, programs: &[Program], baselines: &[BTreeMap<String, Outcome>], adoption: Option<&Adoption>) {
        println!("| whose configuration | judge | valid | clean | clean, the mean over types |\n|---|---|---|---|---|");
        // What nobody can adopt is counted for nobody.
        let counted: Vec<&Object> =
            self.objects.iter().filter(|object| !object.expected.starts_with("skipped")).collect();
        let line = |whose: &str, judge: &str, outcomes: &BTreeMap<String, Outcome>| {
            let of = |object: &Object| outcomes.get(&object.address());
            // A plan without changes is not enough where a required argument had to be silenced.
            let is_silenced = |object: &Object| {
                let item =
                    adoption.filter(|_| whose == DRIFTMGR).and_then(|adoption| adoption.items.get(&object.address()));
                item.is_some_and(|item| item["status"] != "clean")
            };
            let is_clean = |object: &Object| of(object) == Some(&Outcome::Clean) && !is_silenced(object);
            let is_valid = |object: &Object| matches!(of(object), Some(Outcome::Clean | Outcome::Changes(_)));
            let n_valid = counted.iter().filter(|object| is_valid(object)).count();
            let n_clean = counted.iter().filter(|object| is_clean(object)).count();
            let types: BTreeSet<&str> = counted.iter().map(|object| object.resource_type.as_str()).collect();
            let mut sum = 0.0;
            for resource_type in &types {
                let of_type = || counted.iter().filter(|object| object.resource_type == *resource_type);
                sum += share(of_type().filter(|object| is_clean(object)).count(), of_type().count());
            }
            println!(
                "| {whose} | {judge} | {n_valid} of {} | {n_clean} of {} | {:.1} % of {} types |",
                counted.len(),
                counted.len(),
                100.0 * sum / share(types.len(), 1),
                types.len()
            );
        };
        for (program, outcomes) in programs.iter().zip(baselines) {
            line(&program.name, &program.name, outcomes);
        }
        for (program, outcomes) in programs.iter().zip(adoption.iter().flat_map(|adoption| &adoption.outcomes)) {
            line(DRIFTMGR, &program.name, outcomes);
        }
        if let Some(adoption) = adoption {
            let mut probes: Vec<u64> = adoption.items.values().filter_map(|item| item["probes"].as_u64()).collect();
            probes.sort_unstable();
            println!(
                "\ndriftmgr took {:.1} s for {} objects; probes: {} in the middle, {} at most",
                adoption.seconds,
                self.objects.len(),
                probes.get(probes.len() / 2).copied().unwrap_or_default(),
                probes.last().copied().unwrap_or_default()
            );
        }
        println!();
    }

    /// Prints what is not as expected, and everything that is not clean with its reason.
    fn print_surprises(&self, programs: &[Program], adoption: &Adoption) -> bool {
        let mut surprises = Vec::new();
        for object in &self.objects {
            let address = object.address();
            let item = adoption.items.get(&address).unwrap_or(&Value::Null);
            let status = item["status"].as_str().unwrap_or("missing");
            let reason = item["reason"].as_str().unwrap_or_default();
            if status != "clean" {
                println!("- `{address}`: {status}: {reason} (expected: {})", object.expected);
            }
            for (program, outcomes) in programs.iter().zip(&adoption.outcomes) {
                let outcome = &outcomes[&address];
                let is_right = match (object.expected.as_str(), outcome) {
                    ("clean", Outcome::Clean) => status == "clean",
                    ("not clean", outcome) => *outcome != Outcome::Clean,
                    (expected, Outcome::Nothing(_)) => expected.contains("skipped") && status == "skipped",
                    ("clean or skipped", Outcome::Clean) => true,
                    // Where something is stated, the plan may still be clean.
                    (expected, Outcome::Clean | Outcome::Changes(_)) => {
                        expected.starts_with("clean but for") && status != "skipped"
                    }
                    _ => false,
                };
                if !is_right {
                    let (word, why) = (outcome.word(), outcome.why());
                    surprises.push(format!(
                        "`{address}`: {} was expected; driftmgr says {status}, {} says {word}: {why}",
                        object.expected, program.name
                    ));
                }
            }
        }
        surprises.extend(adoption.misformatted.iter().map(|files| format!("is formatted otherwise by {files}")));
        println!("\n{} surprises", surprises.len());
        for surprise in &surprises {
            println!("- {surprise}");
        }
        surprises.is_empty()
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer objects than a float can count")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// Finds what a name leads to, however deep.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(entries) => entries.get(name).or_else(|| entries.values().find_map(|entry| find(entry, name))),
        Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        _ => None,
    }
}
