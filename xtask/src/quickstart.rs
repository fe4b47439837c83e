//! `cargo xtask quickstart`: the whole product on an emulated account, as a person would use it.
//!
//! The account and the state of the demo estate are brought up, something is changed behind terraform's back, and each
//! command is run and shown. What was found is compared with the truth at the end, so that the show can fail.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::loops::score::{self, Score};
use crate::moto::Moto;
use crate::terraform::{CliConfig, RootFolder};
use crate::{dist, estate, repository, tools};

/// The value of the one secret that nobody manages, as `examples/estate/drift.py` sets it: a variable once it is adopted.
const SECRET: (&str, &str) = ("TF_VAR_hand_made_flag_value", "on");

/// What the pull request changes: a file, what stands there, and what is to stand there.
const CHANGE: &[(&str, &str, &str)] = &[
    ("services.tf", "catalog = { retention_in_days = 14 }", "catalog = { retention_in_days = 30 }"),
    ("modules/service/main.tf", "message_retention_seconds = 1209600", "message_retention_seconds = 604800"),
];

/// What it meets by that, as `examples/estate/drift.py` left the account.
const MET: &[(&str, &str)] = &[
    ("collides", "module.service[\"catalog\"].aws_cloudwatch_log_group.service"),
    ("touches", "module.service[\"billing\"].aws_sqs_queue.dead_letter"),
];

/// What `cargo xtask quickstart` is asked for.
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder with the programs `driftmgr` and `terraform-provider-driftmgr`
    #[arg(long)]
    bin_dir: PathBuf,
    /// Install the real provider in the root first: it then judges what drifted
    #[arg(long)]
    exact: bool,
}

/// Shows the product; fails where it does not find what was changed.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let bin_dir = std::path::absolute(repository().join(&arguments.bin_dir)).context("--bin-dir is empty")?;
    let started = Instant::now();
    progress(started, "starting an emulated AWS account (moto) and creating the estate of examples/estate in it");
    let moto = estate::start()?;
    let workspace = tempfile::tempdir().context("cannot create a temporary directory")?;
    let root = workspace.path().join("estate");
    estate::copy_to(&root)?;
    progress(started, "changing things behind terraform's back: see examples/estate/drift.py");
    let truth: Value = serde_json::from_str(&estate::inject_drift(&moto)?).context("drift.py printed no JSON")?;

    // Without the real provider none is found at all, whatever the user's own configuration offers.
    let config = if arguments.exact { CliConfig::with_tools()? } else { CliConfig::default() };
    let config_file = workspace.path().join("terraform.rc");
    fs::write(&config_file, config.render()).with_context(|| format!("cannot write {}", config_file.display()))?;
    let show = Show { moto: &moto, bin_dir: &bin_dir, root: &root, workspace: &workspace, config_file: &config_file };
    if arguments.exact {
        headline("0. The providers of the root, as everybody installs them");
        show.terraform_init(&root)?;
    }
    headline("1. Whose account is this, and what can be seen of it?");
    show.driftmgr(&["doctor"], &[0])?;
    headline("2. What exists out there?");
    show.driftmgr(&["scan"], &[0])?;
    show.driftmgr(&["query", "--type", "aws_sqs_queue"], &[0])?;
    headline(if arguments.exact {
        "3. What drifted from the state that terraform wrote? The provider reads, plans and so decides"
    } else {
        "3. What drifted from the state that terraform wrote?"
    });
    show.driftmgr(&["drift"], &[2])?;
    headline("4. What does nobody manage?");
    show.driftmgr(&["unmanaged", "--no-scan"], &[2])?;
    headline("5. Import blocks for it, to review");
    show.driftmgr(&["adopt", "--no-scan", "--out-dir", "../adopt"], &[0])?;
    show.file("../adopt/imports.tf", 24)?;
    headline("6. The comment for the pull request");
    let inventory = ["drift", "--unmanaged", "--no-scan"];
    let question = if arguments.exact { &inventory[..1] } else { &inventory };
    show.driftmgr(&[question, &["--format", "markdown"]].concat(), &[2])?;
    headline("7. The same answers inside terraform plan");
    show.plan()?;

    let mut found = show.json(&[question, &["--json"]].concat())?;
    // The provider also tells what was added beside resources of their own: the truth calls that unmanaged.
    let mut n_wrong = if arguments.exact {
        keep_declared(&mut found)?;
        compare(&truth, &found, &["changed", "missing"])?
    } else {
        compare(&truth, &found, score::KINDS)?
    };
    if arguments.exact {
        headline(
            "8. Configuration for what nobody manages, asked of the provider and certified by the programs themselves",
        );
        // Lists that the emulator does not know are said, and make it 3.
        show.driftmgr(&["adopt", "--dir", ".", "--max-age", "1h", "--reclaim", "--verify"], &[0, 3])?;
        n_wrong += show.adopted()?;
        show.file("generated_sns.tf", 60)?;
    }
    headline(if arguments.exact {
        "9. A pull request that sets what somebody else has set by hand meanwhile: its comment"
    } else {
        "8. A pull request that sets what somebody else has set by hand meanwhile: its comment"
    });
    n_wrong += show.pull_request(arguments.exact)?;
    progress(started, "done; the account is gone and nothing is left running");
    Ok(if n_wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Show<'a> {
    moto: &'a Moto,
    bin_dir: &'a Path,
    root: &'a Path,
    workspace: &'a TempDir,
    config_file: &'a Path,
}

impl Show<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        self.command_in(self.root, arguments)
    }

    fn command_in(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.bin_dir.join("driftmgr"));
        self.moto.configure(&mut command);
        command.args(arguments).current_dir(folder).env("DRIFTMGR_STORE", self.store());
        command.env("XDG_CACHE_HOME", self.workspace.path().join("cache"));
        command.env("TF_CLI_CONFIG_FILE", self.config_file).env_remove("TF_DATA_DIR");
        command
    }

    fn terraform_init(&self, folder: &Path) -> Result<()> {
        let program = tools::terraform_or_tofu()?;
        let arguments = ["init", "-no-color", "-input=false"];
        println!("$ {} {}", program.file_name().unwrap_or_default().to_string_lossy(), arguments.join(" "));
        std::io::stdout().flush()?;
        let mut command = Command::new(&program);
        command.args(arguments).current_dir(folder);
        command.env("TF_CLI_CONFIG_FILE", self.config_file).env_remove("TF_DATA_DIR").env_remove("TF_CLI_ARGS");
        let status = command.status().context("cannot start terraform")?;
        ensure!(status.success(), "terraform init failed");
        Ok(())
    }

    fn store(&self) -> PathBuf {
        self.workspace.path().join("store.db")
    }

    fn driftmgr(&self, arguments: &[&str], expected: &[i32]) -> Result<()> {
        println!("$ driftmgr {}", arguments.join(" "));
        std::io::stdout().flush()?;
        let status = self.command(arguments).status().context("cannot start driftmgr")?;
        let code = status.code().unwrap_or(-1);
        println!("[exit code {code}]");
        ensure!(expected.contains(&code), "driftmgr {} ended with {code}, not {expected:?}", arguments.join(" "));
        Ok(())
    }

    fn json(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.command(arguments).output().context("cannot start driftmgr")?;
        serde_json::from_slice(&output.stdout).with_context(|| {
            format!("driftmgr {} printed no JSON: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr))
        })
    }

    fn file(&self, name: &str, n_lines: usize) -> Result<()> {
        let text = fs::read_to_string(self.root.join(name)).with_context(|| format!("cannot read {name}"))?;
        println!("$ head -n {n_lines} {name}");
        for line in text.lines().take(n_lines) {
            println!("{line}");
        }
        Ok(())
    }

    /// Changes the code as somebody would who does not know what was changed by hand, shows the comment that a pull request
    /// gets, and counts what is wrong in it.
    fn pull_request(&self, is_exact: bool) -> Result<usize> {
        let folder = self.workspace.path().join("pull-request");
        estate::copy_to(&folder)?;
        fs::write(folder.join(".gitignore"), ".terraform/\n*.tfstate\n").context("cannot write .gitignore")?;
        if is_exact {
            self.terraform_init(&folder)?;
        }
        git(&folder, &["init", "-q", "-b", "main"])?;
        git(&folder, &["add", "-A"])?;
        commit(&folder, "The shop")?;
        git(&folder, &["checkout", "-q", "-b", "longer-logs"])?;
        for (file, was, is) in CHANGE {
            let path = folder.join(file);
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            ensure!(text.matches(was).count() == 1, "{file} of the estate does not say {was:?} once");
            fs::write(&path, text.replace(was, is)).with_context(|| format!("cannot write {}", path.display()))?;
        }
        commit(&folder, "Keep logs longer, and messages shorter")?;
        println!("$ git diff main");
        println!("{}", git(&folder, &["diff", "--no-color", "--no-ext-diff", "-U1", "main"])?.trim_end());

        let arguments = ["check", "--base", "main", "--format", "markdown"];
        println!("$ driftmgr {}", arguments.join(" "));
        std::io::stdout().flush()?;
        let status = self.command_in(&folder, &arguments).status().context("cannot start driftmgr")?;
        let code = status.code().unwrap_or(-1);
        println!("[exit code {code}]");
        let output = self.command_in(&folder, &["check", "--base", "main", "--json"]).output();
        let answer: Value = serde_json::from_slice(&output.context("cannot start driftmgr")?.stdout)
            .context("driftmgr check printed no JSON")?;
        let findings = answer["roots"][0]["report"]["findings"].as_array().context("the check has no findings")?;
        let mut met: Vec<(&str, &str)> = findings
            .iter()
            // What no provider judged is told, and fails nothing where it only differs.
            .filter(|finding| finding["fails"] == true || !is_exact)
            .filter_map(|finding| Some((finding["impact"].as_str()?, finding["address"].as_str()?)))
            .collect();
        met.sort_unstable();
        let is_met = if is_exact { met == MET } else { MET.iter().all(|one| met.contains(one)) };
        let is_right = code == 2 && is_met;
        println!(
            "\nCompared with the truth: {}",
            if is_right { "it names just what the change meets" } else { "it is wrong" }
        );
        if !is_right {
            println!("  expected {MET:?}, found {met:?}");
        }
        Ok(usize::from(!is_right))
    }

    /// Plans the root with the adopted objects in it, and counts those that are changed, too many or too few.
    fn adopted(&self) -> Result<usize> {
        let program = tools::terraform_or_tofu()?;
        let plan = self.workspace.path().join("plan");
        let out = format!("-out={}", plan.display());
        let terraform = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            self.moto.configure(&mut command);
            command.args(arguments).current_dir(self.root).env("TF_CLI_CONFIG_FILE", self.config_file);
            command
                .env(SECRET.0, SECRET.1)
                .env_remove("TF_DATA_DIR")
                .env_remove("TF_CLI_ARGS")
                .output()
                .context("cannot start terraform")
        };
        let planned = terraform(&["plan", "-no-color", "-input=false", "-lock=false", &out])?;
        ensure!(planned.status.success(), "the plan failed: {}", String::from_utf8_lossy(&planned.stderr));
        let shown = terraform(&["show", "-json", &plan.display().to_string()])?;
        let shown: Value = serde_json::from_slice(&shown.stdout).context("the plan is no JSON")?;
        let changes = shown["resource_changes"].as_array().context("the plan has no changes")?;
        let imported: Vec<&Value> = changes.iter().filter(|change| !change["change"]["importing"].is_null()).collect();
        let (mut n_tagged, mut n_wrong) = (0, usize::from(imported.is_empty()));
        for change in &imported {
            // Of some types no configuration keeps the provider block's default tags away; adopt says which.
            let mut tagged = change["change"]["before"].clone();
            tagged["tags_all"] = change["change"]["after"]["tags_all"].clone();
            let actions = &change["change"]["actions"];
            if *actions == serde_json::json!(["update"]) && tagged == change["change"]["after"] {
                n_tagged += 1;
            } else if *actions != serde_json::json!(["no-op"]) {
                println!("  changed: {} {actions}", change["address"]);
                n_wrong += 1;
            }
        }
        println!(
            "terraform plan imports {} objects, adds the root's default tags to {n_tagged} of them, and changes nothing else \
             of them",
            imported.len()
        );
        Ok(n_wrong)
    }

    /// Plans a root that reads our data sources, with the provider installed from a mirror as a user would.
    fn plan(&self) -> Result<()> {
        let release = self.workspace.path().join("release");
        dist::lay_out(&release, self.bin_dir, None, true)?;
        let program = tools::terraform_or_tofu()?;
        let config = CliConfig::default().mirror(&release.join("mirror"));
        let root = RootFolder::copy_of(&repository().join("examples/audit"), &program, &config, Some(self.moto))?;
        for arguments in [&["init", "-no-color", "-input=false"][..], &["plan", "-no-color", "-input=false"]] {
            let name = program.file_name().unwrap_or_default().to_string_lossy();
            println!("$ {name} {}", arguments.join(" "));
            std::io::stdout().flush()?;
            let state = self.root.join("terraform.tfstate");
            let status = root
                .command(&program)
                .args(arguments)
                .env("DRIFTMGR_STORE", self.store())
                .env("TF_VAR_state", &state)
                .status()
                .context("cannot start terraform")?;
            ensure!(status.success(), "{name} {} failed", arguments.join(" "));
        }
        Ok(())
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").args(arguments).current_dir(folder).output().context("cannot start git")?;
    ensure!(output.status.success(), "git {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).context("git printed something else than UTF-8")
}

fn commit(folder: &Path, message: &str) -> Result<()> {
    let author = ["-c", "user.name=A developer", "-c", "user.email=developer@example.com"];
    git(folder, &[&author[..], &["commit", "-q", "-a", "-m", message]].concat()).map(drop)
}

fn headline(text: &str) {
    println!("\n\x1b[1m{text}\x1b[0m");
}

/// Drops what differs only in what the code leaves open.
fn keep_declared(found: &mut Value) -> Result<()> {
    let findings = found["findings"].as_array_mut().context("the report has no list \"findings\"")?;
    findings.retain(|finding| {
        let mut attributes = finding["attributes"].as_array().into_iter().flatten();
        finding["kind"] != "changed" || attributes.any(|attribute| attribute["tier"] == "declared")
    });
    Ok(())
}

/// Compares what was found with the truth, prints both sides of every difference, and counts them.
fn compare(truth: &Value, found: &Value, kinds: &[&str]) -> Result<usize> {
    let expected = score::truth(truth, kinds)?;
    let optional = score::truth(truth, &["optional"])?;
    let reported = score::reported(found)?;
    let scores: Vec<Score> = kinds.iter().map(|kind| score::score(kind, &expected, &optional, &reported)).collect();
    let n_expected: usize = scores.iter().map(|score| score.n_expected).sum();
    let n_right: usize = scores.iter().map(|score| score.n_right).sum();
    println!("\nCompared with the truth: {n_right} of {n_expected} changes found as what they are");
    let mut n_wrong = 0;
    for score in &scores {
        for (what, objects) in [("not found", &score.overlooked), ("found, but not changed", &score.invented)] {
            for object in objects {
                println!("  {what}: {} {} {}", object.kind, object.resource_type, object.id);
                n_wrong += 1;
            }
        }
    }
    Ok(n_wrong)
}

fn progress(started: Instant, text: &str) {
    eprintln!("[{:>3} s] {text}", started.elapsed().as_secs());
}
