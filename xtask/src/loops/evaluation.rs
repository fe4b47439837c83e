//! How much of a root module is known without a plan, and whether it is what terraform and tofu plan.
//!
//! Each root is evaluated twice: from its code alone, and with what a plan answers for the resources and data sources that
//! it refers to. Both are compared with the plan leaf by leaf, and the values of the root module with what `terraform
//! console` prints for them. Where a provider plans something else than the code says, it is asked to plan what was
//! evaluated: only if that gives the same, the difference is the provider's.

mod compare;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use self::compare::Score;
use crate::repository;
use crate::terraform::{CliConfig, RootFolder};
use crate::tools::{self, Tool};

/// The roots of `acceptance-tests/evaluation`.
const CASES: &[&str] = &["blocks", "expressions", "functions", "json", "modules", "moves", "state", "variables"];
/// The share of the leaves that terraform knows which must be known from the code alone, over all roots.
const LEAST_SHARE: f64 = 0.9;
/// Data sources that compute and read nothing.
const PURE_DATA_SOURCES: &[&str] = &["aws_iam_policy_document"];

/// The arguments of `cargo xtask loop evaluation`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A root module of this machine to judge instead of ours: initialized, with the JSON of its plan in `plan.json`; may be
    /// repeated
    #[arg(long, value_name = "DIR")]
    root: Vec<PathBuf>,
    /// Print every reason for which something is not known, and every value that a provider plans otherwise
    #[arg(long)]
    verbose: bool,
}

/// What judging a root gave.
struct Judged {
    /// From the code alone.
    code: Score,
    /// With what the plan answers.
    answered: Score,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let evaluator = Evaluator { program: build_evaluator()? };
    let mut total = Judged { code: Score::default(), answered: Score::default() };
    let mut add = |name: &str, judged: Result<Judged>| match judged {
        Ok(judged) => {
            judged.print(name);
            total.code.add(&judged.code);
            total.answered.add(&judged.answered);
        }
        Err(error) => {
            println!("{name}: {error:#}");
            total.code.wrong.push(format!("{name}: {error:#}"));
        }
    };
    for root in &arguments.root {
        add(&root.display().to_string(), evaluator.judge_as_it_is(root));
    }
    if arguments.root.is_empty() {
        for tool in [Tool::Terraform, Tool::Tofu] {
            let Some(program) = tools::or_skip(tool) else { continue };
            for case in CASES {
                add(&format!("{case} ({})", tool.name()), evaluator.judge_case(case, &program));
            }
        }
    }
    total.print("total");
    if arguments.verbose {
        total.code.print_details("from the code alone");
        total.answered.print_details("with the answers of the plan");
    }
    let n_wrong = total.code.wrong.len() + total.answered.wrong.len();
    let is_enough = !arguments.root.is_empty() || total.code.share() >= LEAST_SHARE;
    if !is_enough {
        println!("less than {:.0} % are known from the code alone", 100.0 * LEAST_SHARE);
    }
    Ok(if n_wrong == 0 && is_enough { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Judged {
    fn print(&self, name: &str) {
        let Self { code, answered } = self;
        println!(
            "{name}: {} leaves; known {:.1} % (of what terraform knows {:.1} %), with the plan's answers {:.1} % ({:.1} %); {} \
             planned otherwise by their provider, {} more filled in; wrong {}, with answers {}",
            code.n_leaves(),
            100.0 * code.share_of_all(),
            100.0 * code.share(),
            100.0 * answered.share_of_all(),
            100.0 * answered.share(),
            answered.explained.len() - answered.n_filled_in,
            answered.n_filled_in,
            code.wrong.len(),
            answered.wrong.len(),
        );
        for (what, score) in [("", code), ("with answers: ", answered)] {
            for wrong in &score.wrong {
                println!("  WRONG {what}{wrong}");
            }
        }
    }
}

impl Score {
    fn print_details(&self, what: &str) {
        println!("{what}: why leaves that terraform knows are not known");
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (reason, count) in reasons.iter().take(40) {
            println!("  {count:6} {reason}");
        }
        for line in &self.explained {
            println!("  planned otherwise: {line}");
        }
    }
}

/// Runs the program that evaluates.
struct Evaluator {
    program: PathBuf,
}

impl Evaluator {
    /// Plans a root of ours and judges it.
    fn judge_case(&self, case: &str, program: &Path) -> Result<Judged> {
        let root = RootFolder::empty(program, &CliConfig::with_tools()?, None)?;
        let source = repository().join("acceptance-tests/evaluation").join(case);
        copy(&source, &root.path())?;
        let options = Options::read(&source.join("arguments"))?;
        let root = root.with_environment(options.environment);
        root.init()?;
        let mut plan = vec!["plan", "-no-color", "-input=false", "-out=plan.tfplan"];
        plan.extend(options.variables.iter().map(String::as_str));
        root.run(&plan)?;
        let planned = parse(root.run(&["show", "-json", "plan.tfplan"])?.as_bytes(), "the plan")?;
        root.write("plan.json", &planned.to_string())?;
        let command = || {
            let mut command = root.command(&self.program);
            command.arg(".").args(&options.variables);
            command
        };
        let console = |evaluated: &Value| {
            let mut command = root.command(program);
            command.arg("console").arg("-no-color").args(&options.variables);
            Ok(Some(console(command, evaluated)?))
        };
        judge(&command, &planned, &console)
    }

    /// Judges a root as it lies there.
    fn judge_as_it_is(&self, root: &Path) -> Result<Judged> {
        let read = |name: &str| fs::read(root.join(name)).with_context(|| format!("cannot read {name}"));
        let planned = parse(&read("plan.json")?, "plan.json")?;
        let command = || {
            let mut command = Command::new(&self.program);
            command.current_dir(root).arg(".");
            command
        };
        let console = |_: &Value| {
            let printed = read("console.json").ok();
            let printed = printed.map(|bytes| serde_json::from_slice(&bytes)).transpose();
            printed.context("console.json is no JSON")
        };
        judge(&command, &planned, &console)
    }
}

/// What the console printed, by the expression that it was asked for.
type Printed = BTreeMap<String, Value>;

/// Evaluates twice and compares.
fn judge(
    command: &dyn Fn() -> Command,
    planned: &Value,
    console: &dyn Fn(&Value) -> Result<Option<Printed>>,
) -> Result<Judged> {
    let evaluate = |more: &[&str]| -> Result<Value> {
        let mut command = command();
        command.arg("--planned").args(PURE_DATA_SOURCES.iter().flat_map(|name| ["--read", name])).args(more);
        let output = command.output().context("cannot start the evaluator")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        parse(&output.stdout, "what the evaluator printed")
    };
    let answered = compare::compare(&evaluate(&["--plan", "plan.json"])?, planned, None);
    let evaluated = evaluate(&[])?;
    // With fewer answers a provider may not be able to plan or read; what it does to a value it showed with all of them.
    let mut code = compare::compare(&evaluated, planned, Some(&answered));
    if let Some(printed) = console(&evaluated)? {
        code.add(&compare::compare_console(&evaluated, &printed));
    }
    Ok(Judged { code, answered })
}

/// Asks the console for the JSON of every local value and variable of the root module that it can tell.
fn console(mut command: Command, evaluated: &Value) -> Result<Printed> {
    let mut names = Vec::new();
    for (kind, prefix) in [("locals", "local"), ("variables", "var")] {
        let values = evaluated["modules"][""][kind].as_object();
        names.extend(values.into_iter().flatten().map(|(name, _)| format!("{prefix}.{name}")));
    }
    // The console prints one value: an object, with a line for each of these.
    let fields: Vec<String> = names.iter().map(|name| format!("{name:?} = jsonencode({name})")).collect();
    let question = format!("{{ {} }}\n", fields.join(", "));
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the console")?;
    child.stdin.take().context("the console has no input")?.write_all(question.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the console failed:\n{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let mut printed = Printed::new();
    for (name, value) in text.lines().filter_map(|line| line.trim().split_once(" = ")) {
        // What it does not know, or may not show, it prints otherwise.
        if value.starts_with('"') {
            let json: String = serde_json::from_str(&value.replace("$${", "${").replace("%%{", "%{"))
                .with_context(|| format!("the console printed {value}"))?;
            printed.insert(name.trim_matches('"').to_owned(), parse(json.as_bytes(), "what the console printed")?);
        }
    }
    ensure!(names.is_empty() || !printed.is_empty(), "the console printed:\n{text}");
    Ok(printed)
}

/// How a root is planned: what the file `arguments` beside it says, one variable of the environment or one option a line.
#[derive(Default)]
struct Options {
    environment: Vec<(String, String)>,
    variables: Vec<String>,
}

impl Options {
    fn read(path: &Path) -> Result<Self> {
        let mut options = Self::default();
        let text = if path.exists() { fs::read_to_string(path)? } else { String::new() };
        for line in text.lines() {
            match line.split_once('=') {
                Some(_) if line.starts_with('-') => options.variables.push(line.to_owned()),
                Some((name, value)) => options.environment.push((name.to_owned(), value.to_owned())),
                None => bail!("{}: {line:?} is no NAME=VALUE", path.display()),
            }
        }
        Ok(options)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let path = entry?.path();
        let target = to.join(path.file_name().context("a file without a name")?);
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

fn parse(bytes: &[u8], what: &str) -> Result<Value> {
    serde_json::from_slice(bytes).with_context(|| format!("{what} is no JSON"))
}

fn build_evaluator() -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(repository());
    cargo.args(["build", "--quiet", "--package", "engine", "--example", "evaluate", "--message-format=json"]);
    let output = cargo.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo can't build the evaluator");
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message = parse(line.as_bytes(), "what cargo printed")?;
        if let (Some("evaluate"), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str()) {
            return Ok(PathBuf::from(path));
        }
    }
    bail!("cargo built no program named evaluate")
}
