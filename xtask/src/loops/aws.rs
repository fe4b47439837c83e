//! The closed loop on AWS.
//!
//! 1. Terraform and the real provider create the estate in a fresh emulated account; their plan is clean.
//! 2. The account is changed behind terraform's back; a file tells the truth about it.
//! 3. driftmgr scans and judges by what the inventory sees; its report is scored against the truth. The account's own request log shows that it
//!    only read, and nothing it wrote holds the planted secret.
//! 4. driftmgr writes import blocks; terraform plans them with the real provider, and every object is imported.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Output};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::score::{self, KINDS};
use super::{LoopArguments, Subject, driftmgr};
use crate::estate::{self, N_APPLIES};
use crate::moto::Moto;
use crate::terraform::{CliConfig, RootFolder};
use crate::tools;

/// The value that the estate plants for this: it may be in the state, and nowhere else.
const PLANTED_SECRET: &str = "planted-secret-never-print-me";

pub(super) fn run(arguments: &LoopArguments) -> Result<ExitCode> {
    let driftmgr = driftmgr(arguments)?;
    tools::find(tools::Tool::Aws)?;
    let terraform = tools::terraform_or_tofu()?;
    let started = Instant::now();
    let progress = |text: &str| eprintln!("[{:>4.0} s] {text}", started.elapsed().as_secs_f32());

    progress("terraform creates the estate");
    let moto = Moto::start()?;
    let config = CliConfig::with_tools()?;
    let root = RootFolder::copy_of(&estate::directory(), &terraform, &config, Some(&moto))?;
    root.init()?;
    for _ in 0..N_APPLIES {
        root.apply(10)?;
    }
    let plan = root.plan()?;
    ensure!(plan.clean, "the estate's plan is not clean:\n{}", plan.text);

    progress("the account is changed behind terraform's back");
    let truth: Value = serde_json::from_str(&estate::inject_drift(&moto)?).context("the truth is no JSON")?;

    progress("driftmgr scans, judges and writes import blocks");
    let subject = Subject { driftmgr, root: &root };
    moto.start_recording()?;
    let scan = subject.run(&["scan", "--dir", "."], &[0])?;
    let state = ["--state", "terraform.tfstate", "--json"];
    let drift = subject.run(&[&["drift", "--unmanaged", "--precision", "inventory"], &state[..]].concat(), &[2])?;
    let report = parse(&drift)?;
    let n_wrong = print_scores(&truth, &report)?;
    let (unseen, expected) = (undetermined(&report["findings"])?, undetermined(&truth["undetermined"])?);
    ensure!(unseen == expected, "driftmgr could not judge {unseen:?}, where that is expected of {expected:?} alone");
    println!(
        "undetermined, as the catalog does not know their types: {}",
        unseen.into_iter().collect::<Vec<_>>().join(", ")
    );
    let adopt = subject.run(&[&["adopt", "--no-scan", "--out-dir", "adopt"], &state[..]].concat(), &[0])?;
    let requests = moto.stop_recording()?;

    let n_requests = only_reads(&requests)?;
    println!("driftmgr sent {n_requests} requests, all of them reads");
    for output in [&scan, &drift, &adopt] {
        holds_no_secret(&output.stdout, "driftmgr's standard output")?;
        holds_no_secret(&output.stderr, "driftmgr's standard error")?;
    }
    for path in written_files(&root.path())? {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        holds_no_secret(&bytes, &path.display().to_string())?;
    }
    ensure!(subject.store().exists(), "driftmgr wrote no store where it was told to");
    println!("the planted secret is in nothing that driftmgr wrote");

    progress("terraform plans the import blocks");
    let n_imported = plan_imports(&parse(&adopt)?, &root, &terraform, &config, &moto)?;
    println!("{n_imported} import blocks, each imports with the real provider");

    progress("done");
    Ok(if n_wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn parse(output: &Output) -> Result<Value> {
    serde_json::from_slice(&output.stdout).context("driftmgr printed no JSON")
}

/// Prints precision and recall of each kind, and every difference; returns the number of differences.
fn print_scores(truth: &Value, report: &Value) -> Result<usize> {
    let expected = score::truth(truth, KINDS)?;
    let optional = score::truth(truth, &["optional"])?;
    let reported = score::reported(report)?;
    let mut n_wrong = 0;
    println!("{:<18} {:>8} {:>8} {:>6} {:>10} {:>7}", "kind", "expected", "reported", "right", "precision", "recall");
    for kind in KINDS {
        let score = score::score(kind, &expected, &optional, &reported);
        println!(
            "{kind:<18} {:>8} {:>8} {:>6} {:>10.3} {:>7.3}",
            score.n_expected,
            score.n_reported,
            score.n_right,
            score.precision(),
            score.recall()
        );
        for (what, judged) in [("overlooked", &score.overlooked), ("invented", &score.invented)] {
            for object in judged {
                println!("  {what}: {} {}", object.resource_type, object.id);
            }
            n_wrong += judged.len();
        }
    }
    Ok(n_wrong)
}

/// Returns the addresses of findings, or of a truth file's objects, that could not be judged.
fn undetermined(objects: &Value) -> Result<BTreeSet<String>> {
    let objects = objects.as_array().context("there is no list of objects")?;
    let undetermined = |object: &&Value| object["kind"].is_null() || object["kind"] == "undetermined";
    objects
        .iter()
        .filter(undetermined)
        .map(|object| object["address"].as_str().map(str::to_owned).context("an undetermined object has no address"))
        .collect()
}

/// Makes sure that every recorded request is a read, and counts them.
fn only_reads(recording: &str) -> Result<usize> {
    let mut n_requests = 0;
    for line in recording.lines() {
        let request = estate::recording::operation(line)?;
        ensure!(request.is_read(), "driftmgr sent something else than a read: {request}");
        n_requests += 1;
    }
    ensure!(n_requests > 0, "driftmgr sent no request at all");
    Ok(n_requests)
}

/// Returns the files in a root that are neither configuration nor terraform's own: the store, its snapshots, the output.
fn written_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != ".terraform" {
                files.extend(written_files(&path)?);
            }
            continue;
        }
        let is_configuration = path.extension().is_some_and(|extension| extension == "tf") && name != "imports.tf";
        if !is_configuration && !name.starts_with("terraform.tfstate") {
            files.push(path);
        }
    }
    Ok(files)
}

fn holds_no_secret(bytes: &[u8], what: &str) -> Result<()> {
    let found = bytes.windows(PLANTED_SECRET.len()).any(|window| window == PLANTED_SECRET.as_bytes());
    ensure!(!found, "{what} holds the planted secret");
    Ok(())
}

/// Plans the import blocks in a root of their own, with the configuration that terraform drafts for them.
///
/// Terraform drafts a resource block once it has imported the object, and only then; whether the draft is valid
/// configuration too is a matter of its own, so a plan that fails on drafts is no failure here.
fn plan_imports(
    document: &Value,
    estate_root: &RootFolder<'_>,
    terraform: &Path,
    config: &CliConfig,
    moto: &Moto,
) -> Result<usize> {
    let items = document["items"].as_array().context("driftmgr adopt printed no list \"items\"")?;
    let wanted: BTreeSet<String> = items
        .iter()
        .filter(|item| item["status"] != "skipped")
        .map(|item| item["address"].as_str().map(str::to_owned).context("an import block has no address"))
        .collect::<Result<_>>()?;
    ensure!(!wanted.is_empty(), "driftmgr adopt imports nothing");

    let root = RootFolder::empty(terraform, config, Some(moto))?;
    for name in ["versions.tf", "variables.tf"] {
        let path = estate::directory().join(name);
        root.write(name, &fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?)?;
    }
    let imports = estate_root.path().join("adopt/imports.tf");
    let text = fs::read_to_string(&imports).with_context(|| format!("cannot read {}", imports.display()))?;
    root.write("imports.tf", &text)?;
    root.init()?;
    let output = root.try_run(&["plan", "-no-color", "-input=false", "-generate-config-out=generated.tf"])?;
    let generated = fs::read_to_string(root.path().join("generated.tf"))
        .with_context(|| format!("terraform drafted nothing:\n{}", String::from_utf8_lossy(&output.stderr)))?;
    let imported: BTreeSet<String> = generated.lines().filter_map(drafted_address).collect();
    let left: Vec<&String> = wanted.difference(&imported).collect();
    ensure!(left.is_empty(), "terraform did not import {left:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    ensure!(imported == wanted, "terraform imported more than was listed: {imported:?}");
    Ok(imported.len())
}

/// Reads the address off a line such as `resource "aws_vpc" "main" {`.
fn drafted_address(line: &str) -> Option<String> {
    let mut labels = line.strip_prefix("resource \"")?.split('"');
    let (resource_type, _, name) = (labels.next()?, labels.next()?, labels.next()?);
    Some(format!("{resource_type}.{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drafted_block_gives_its_address() {
        assert_eq!(drafted_address("resource \"aws_vpc\" \"main\" {"), Some("aws_vpc.main".to_owned()));
        assert_eq!(drafted_address("  resource \"aws_vpc\" \"main\" {"), None);
    }

    #[test]
    fn the_planted_secret_is_found_anywhere() {
        assert!(holds_no_secret(b"nothing here", "a test").is_ok());
        assert!(holds_no_secret(format!("a{PLANTED_SECRET}b").as_bytes(), "a test").is_err());
    }
}
