//! Judges many objects by one plan, each as if it were alone.
//!
//! A plan of many objects costs little more than that of one, but one invalid block hides the rest: so whatever a plan
//! complains about is taken out and noted, until the plan of the rest succeeds. Blocks that do not refer to each other are
//! judged by it as they would be alone.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::super::judge::{Outcome, Program};
use super::blocks::Configuration;
use super::estate::VERSIONS;
use super::written;
use crate::moto::Moto;
use crate::terraform::{CliConfig, RootFolder};

/// What a program says of configuration.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// What it says of each resource instance, by address.
    pub(super) outcomes: BTreeMap<String, Outcome>,
    /// The arguments that are written for each resource, by address without keys; invalid ones are missing.
    pub(super) written: BTreeMap<String, BTreeSet<String>>,
    /// What each instance that is imported is in the cloud.
    pub(super) attributes: BTreeMap<String, Value>,
}

/// An error of a plan: the resource that it is about, where it says so, and the words.
struct PlanError {
    resource: Option<String>,
    words: String,
}

/// Where configuration is judged.
pub(super) struct Bench<'a> {
    /// The cloud.
    pub(super) moto: &'a Moto,
    /// Where providers are.
    pub(super) config: &'a CliConfig,
    /// The values of variables.
    pub(super) variables: &'a BTreeMap<String, String>,
}

impl Bench<'_> {
    /// Lets a program judge configuration.
    pub(super) fn judge(&self, program: &Program, configuration: &Configuration) -> Result<Judgement> {
        let root = RootFolder::empty(&program.path, self.config, Some(self.moto))?.with_environment(
            self.variables.iter().map(|(name, value)| (format!("TF_VAR_{name}"), value.clone())).collect(),
        );
        if !configuration.texts().any(|(name, _)| name == "versions.tf") {
            root.write("versions.tf", VERSIONS)?;
        }
        for (name, text) in configuration.texts() {
            root.write(name, &text)?;
        }
        root.init()?;
        let mut judgement = Judgement::default();
        judge_part(&root, configuration, configuration.resources(), &mut judgement)?;
        Ok(judgement)
    }
}

/// Judges some of the resources, and adds what is said of them.
fn judge_part(
    root: &RootFolder<'_>,
    configuration: &Configuration,
    mut resources: BTreeSet<String>,
    judgement: &mut Judgement,
) -> Result<()> {
    loop {
        if resources.is_empty() {
            return Ok(());
        }
        let part = configuration.only(&resources);
        for (name, text) in part.texts() {
            root.write(name, &text)?;
        }
        let output = root.try_run(&["plan", "-json", "-input=false", "-out=plan.tfplan"])?;
        if output.status.success() {
            return read_plan(root, judgement);
        }
        let errors = errors(&output.stdout, &part);
        ensure!(!errors.is_empty(), "a plan failed without a word: {}", String::from_utf8_lossy(&output.stderr));
        let mut n_located = 0;
        for PlanError { resource, words } in &errors {
            let Some(resource) = resource.as_ref().filter(|resource| resources.remove(*resource)) else { continue };
            n_located += 1;
            judgement.outcomes.insert(resource.clone(), Outcome::Invalid(words.clone()));
        }
        if n_located > 0 {
            continue;
        }
        if let (1, Some(resource)) = (resources.len(), resources.first()) {
            judgement.outcomes.insert(resource.clone(), Outcome::Invalid(errors[0].words.clone()));
            return Ok(());
        }
        // Nobody says which one it is.
        let half: BTreeSet<String> = resources.iter().take(resources.len() / 2).cloned().collect();
        resources.retain(|resource| !half.contains(resource));
        judge_part(root, configuration, half, judgement)?;
    }
}

fn errors(stdout: &[u8], configuration: &Configuration) -> Vec<PlanError> {
    let mut errors = Vec::new();
    for line in String::from_utf8_lossy(stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let diagnostic = &message["diagnostic"];
        if diagnostic["severity"] != "error" {
            continue;
        }
        let text = |name: &str| diagnostic[name].as_str().unwrap_or_default().replace('\n', " ");
        let (file, line) = (diagnostic["range"]["filename"].as_str(), diagnostic["range"]["start"]["line"].as_u64());
        let located = || configuration.resource_at(file?, usize::try_from(line?).ok()?);
        let address = diagnostic["address"].as_str().map(written::without_keys);
        let resource = address.or_else(|| located().map(str::to_owned)).or_else(|| {
            // Errors of an import quote the address only.
            let detail = text("detail");
            let quoted =
                detail.split('"').find(|part| configuration.resources().contains(&written::without_keys(part)))?;
            Some(written::without_keys(quoted))
        });
        let words = format!("{}: {}", text("summary"), text("detail"));
        errors.push(PlanError { resource, words: words.trim_end_matches([' ', ':']).to_owned() });
    }
    errors
}

fn read_plan(root: &RootFolder<'_>, judgement: &mut Judgement) -> Result<()> {
    let plan: Value = serde_json::from_str(&root.run(&["show", "-json", "plan.tfplan"])?).context("a plan is JSON")?;
    judgement.written.extend(written::arguments(&plan));
    for change in plan["resource_changes"].as_array().context("a plan has no changes")? {
        let address = change["address"].as_str().context("a change has no address")?.to_owned();
        let change = &change["change"];
        judgement.attributes.insert(address.clone(), change["before"].clone());
        let actions: Vec<&str> = change["actions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let outcome = match (&actions[..], change.get("importing")) {
            (["no-op"], Some(_)) => Outcome::Clean,
            (["no-op"], None) => Outcome::Nothing("It is not imported.".to_owned()),
            _ => {
                let mut paths = Vec::new();
                differing(&change["before"], &change["after"], &change["after_unknown"], "", &mut paths);
                paths.truncate(8);
                Outcome::Changes(format!("{}: {}", actions.join(" and "), paths.join(", ")))
            }
        };
        judgement.outcomes.insert(address, outcome);
    }
    Ok(())
}

/// Lists where two values differ, and how, as far as it is short.
fn differing(before: &Value, after: &Value, unknown: &Value, path: &str, found: &mut Vec<String>) {
    if *unknown == Value::Bool(true) {
        if before.is_null() || before.as_str() == Some("") {
            return;
        }
        found.push(format!("{path} (unknown)"));
        return;
    }
    match (before, after) {
        _ if before == after => {}
        (Value::Object(befores), Value::Object(afters)) => {
            let names: BTreeSet<&String> = befores.keys().chain(afters.keys()).collect();
            for name in names {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                differing(&before[name], &after[name], &unknown[name], &path, found);
            }
        }
        (Value::Array(befores), Value::Array(afters)) if befores.len() == afters.len() => {
            for (index, (before, after)) in befores.iter().zip(afters).enumerate() {
                differing(before, after, &unknown[index], &format!("{path}[{index}]"), found);
            }
        }
        _ => {
            let show = |value: &Value| {
                let text = value.to_string();
                if text.len() > 40 { "…".to_owned() } else { text }
            };
            found.push(format!("{path} {} -> {}", show(before), show(after)));
        }
    }
}
