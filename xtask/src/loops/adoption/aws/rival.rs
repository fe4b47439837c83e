//! What terraform and tofu generate by themselves: `plan -generate-config-out`, then the plan of what they wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::super::judge::{Outcome, Program};
use super::batch::{Bench, Judgement};
use super::blocks::Configuration;
use super::estate::{Object, VERSIONS};
use crate::moto::Moto;
use crate::terraform::{CliConfig, RootFolder};

/// Says that a provider cannot import a type, in the words of its development kits.
const NO_IMPORT: [&str; 2] = ["doesn't support import", "Resource Import Not Implemented"];

/// Lets a program generate configuration for the objects, and plan it.
pub(super) fn run(
    program: &Program,
    moto: &Moto,
    config: &CliConfig,
    objects: &[Object],
) -> Result<(Judgement, Configuration)> {
    let (generated, failures) = generate(program, moto, config, objects)?;
    let mut configuration = generated;
    let drafted = configuration.declared();
    let imports: Vec<&Object> = objects.iter().filter(|object| drafted.contains(&object.address())).collect();
    configuration.add("imports.tf", &import_blocks(&imports));
    let no_variables = BTreeMap::new();
    let mut judgement = Bench { moto, config, variables: &no_variables }.judge(program, &configuration)?;
    for (address, why) in failures {
        judgement.outcomes.insert(address, Outcome::Nothing(why));
    }
    Ok((judgement, configuration))
}

/// Lets a program do the same with one object in a root of its own; what comes of it must be the same.
pub(super) fn confirm_alone(
    program: &Program,
    moto: &Moto,
    config: &CliConfig,
    object: &Object,
    judgement: &Judgement,
) -> Result<()> {
    let (alone, _) = run(program, moto, config, std::slice::from_ref(object))?;
    let word = |judgement: &Judgement| judgement.outcomes.get(&object.address()).map(Outcome::word);
    let (alone, together) = (word(&alone), word(judgement));
    ensure!(alone == together, "{}: {alone:?} alone, {together:?} among others", object.address());
    Ok(())
}

/// Tells which objects are of a type that the provider cannot import.
pub(super) fn cannot_be_imported(judgement: &Judgement) -> BTreeSet<String> {
    let says_so = |outcome: &Outcome| NO_IMPORT.iter().any(|words| outcome.why().contains(words));
    judgement.outcomes.iter().filter(|(_, outcome)| says_so(outcome)).map(|(address, _)| address.clone()).collect()
}

/// Writes an import block for each object.
fn import_blocks(objects: &[&Object]) -> String {
    let block = |object: &&Object| {
        format!(
            "import {{\n  to = {}\n  id = {}\n}}\n",
            object.address(),
            Value::from(object.id.clone()).to_string().replace("${", "$${")
        )
    };
    objects.iter().map(block).collect::<Vec<_>>().join("\n")
}

/// Generates all objects at once; those that come to nothing are tried again alone, and say why.
fn generate(
    program: &Program,
    moto: &Moto,
    config: &CliConfig,
    objects: &[Object],
) -> Result<(Configuration, BTreeMap<String, String>)> {
    let root = RootFolder::empty(&program.path, config, Some(moto))?;
    root.write("versions.tf", VERSIONS)?;
    root.init()?;
    let mut configuration = Configuration::default();
    let all: Vec<&Object> = objects.iter().collect();
    let (text, _) = draft(&root, &all)?;
    configuration.add("generated.tf", &text);
    let drafted = configuration.declared();
    let mut failures = BTreeMap::new();
    let mut rest = text;
    for object in all.iter().filter(|object| !drafted.contains(&object.address())) {
        let (text, why) = draft(&root, &[object])?;
        if text.is_empty() {
            failures.insert(object.address(), why);
        } else {
            rest.push('\n');
            rest.push_str(&text);
        }
    }
    configuration.add("generated.tf", &rest);
    Ok((configuration, failures))
}

/// Returns what a program drafts, and its errors.
fn draft(root: &RootFolder<'_>, objects: &[&Object]) -> Result<(String, String)> {
    root.write("imports.tf", &import_blocks(objects))?;
    let path = root.path().join("generated.tf");
    if path.exists() {
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    let output = root.try_run(&["plan", "-json", "-input=false", "-generate-config-out=generated.tf"])?;
    let text = if path.exists() {
        fs::read_to_string(&path).context("cannot read what was generated")?
    } else {
        String::new()
    };
    let messages = String::from_utf8_lossy(&output.stdout);
    let errors = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let errors: Vec<String> = errors
        .filter(|message| message["diagnostic"]["severity"] == "error")
        .map(|message| {
            let text = |name: &str| message["diagnostic"][name].as_str().unwrap_or_default().replace('\n', " ");
            format!("{}: {}", text("summary"), text("detail"))
        })
        .collect();
    ensure!(
        !text.is_empty() || !errors.is_empty(),
        "nothing was generated: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok((text, errors.join("; ")))
}
