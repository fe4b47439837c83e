//! Installs and builds the foreign tools, once per version, in a cache of ours.
//!
//! Everything comes from the public registries through their own clients (`go`, `pip`, `apt-get`). What is built lies
//! under a file name that holds its version, with a stable symbolic link beside it; a lock keeps two runs from building
//! it twice.

mod aws;
mod debian;
pub(crate) mod go;
mod inside;
mod reduce;
mod venv;

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use self::debian::DebianProgram;
use self::go::GoProgram;
pub use self::inside::{InsideOpentofu, inside_opentofu};
use self::venv::PythonProgram;

/// Names a foreign tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    /// Terraform itself: found on the search path, never installed.
    Terraform,
    /// `OpenTofu`, built from its Go module.
    Tofu,
    /// The `hashicorp/aws` provider, built from its Go module with the services the estate needs.
    Aws,
    /// The `hashicorp/time` provider, built from its Go module.
    Time,
    /// The AWS emulator, in a Python virtual environment.
    Moto,
    /// The `cyrilgdn/rabbitmq` provider, built from its Go module.
    Rabbitmq,
    /// The `RabbitMQ` server, from Debian.
    RabbitmqServer,
    /// The `gavinbunney/kubectl` provider, built from its Go module.
    Kubectl,
    /// The Kubernetes API server, built from its Go module.
    KubeApiserver,
    /// The etcd server, from Debian: where the Kubernetes API server keeps its objects.
    Etcd,
    /// The `exoscale/exoscale` provider, built from its Go module: protocol 6.
    Exoscale,
    /// The `aliyun/alicloud` provider, built from its Go module: on request only, it takes as long as half of the others.
    Alicloud,
    /// `HashiCorp`'s parser of configuration, behind a program of ours.
    Hclsyntax,
    /// The linter of GitHub workflows, built from its Go module.
    Actionlint,
    /// The checker of the published schemas of CI services, in a Python virtual environment.
    CheckJsonschema,
}

/// How a tool is had.
enum Recipe {
    /// It is on the search path, or it is not there.
    SearchPath,
    Go(&'static GoProgram),
    Aws,
    Python(&'static PythonProgram),
    Debian(&'static DebianProgram),
}

/// The arguments of `cargo xtask tools`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The tools to have; all but alicloud where none is named
    #[arg(value_enum)]
    tools: Vec<Tool>,
}

/// Says where a tool is and what it took to have it.
#[derive(Debug)]
pub struct Installed {
    /// The program to run; for moto, the Python interpreter that can import it.
    pub program: PathBuf,
    /// How long the installation took; `None` where the tool was there already.
    pub took: Option<Duration>,
}

/// Runs `cargo xtask tools`: one line per tool.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut tools = arguments.tools.clone();
    if tools.is_empty() {
        tools.extend(Tool::value_variants().iter().filter(|&&tool| tool != Tool::Alicloud));
    }
    let mut exit_code = ExitCode::SUCCESS;
    for tool in tools {
        match install(tool) {
            Ok(Installed { program, took: None }) => println!("{}: found {}", tool.name(), program.display()),
            Ok(Installed { program, took: Some(took) }) => {
                println!("{}: installed in {:.0} s {}", tool.name(), took.as_secs_f32(), program.display());
            }
            Err(error) if tool == Tool::Terraform => {
                println!("terraform: not found, tofu stands in for it ({error:#})");
            }
            Err(error) if matches!(tool.recipe(), Recipe::Debian(_)) => {
                println!("{}: not found, the tests that need it are skipped ({error:#})", tool.name());
            }
            Err(error) => {
                println!("{}: failed: {error:#}", tool.name());
                exit_code = ExitCode::FAILURE;
            }
        }
    }
    Ok(exit_code)
}

impl Tool {
    /// Returns the name that `cargo xtask tools` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terraform => "terraform",
            Self::Tofu => "tofu",
            Self::Aws => "aws",
            Self::Time => "time",
            Self::Moto => "moto",
            Self::Rabbitmq => "rabbitmq",
            Self::RabbitmqServer => "rabbitmq-server",
            Self::Kubectl => "kubectl",
            Self::KubeApiserver => "kube-apiserver",
            Self::Etcd => "etcd",
            Self::Exoscale => "exoscale",
            Self::Alicloud => "alicloud",
            Self::Hclsyntax => "hclsyntax",
            Self::Actionlint => "actionlint",
            Self::CheckJsonschema => "check-jsonschema",
        }
    }

    fn recipe(self) -> Recipe {
        match self {
            Self::Terraform => Recipe::SearchPath,
            Self::Tofu => Recipe::Go(&go::TOFU),
            Self::Aws => Recipe::Aws,
            Self::Time => Recipe::Go(&go::TIME),
            Self::Moto => Recipe::Python(&venv::MOTO),
            Self::Rabbitmq => Recipe::Go(&go::RABBITMQ),
            Self::RabbitmqServer => Recipe::Debian(&debian::RABBITMQ_SERVER),
            Self::Kubectl => Recipe::Go(&go::KUBECTL),
            Self::KubeApiserver => Recipe::Go(&go::KUBE_APISERVER),
            Self::Etcd => Recipe::Debian(&debian::ETCD),
            Self::Exoscale => Recipe::Go(&go::EXOSCALE),
            Self::Alicloud => Recipe::Go(&go::ALICLOUD),
            Self::Hclsyntax => Recipe::Go(&go::HCLSYNTAX),
            Self::Actionlint => Recipe::Go(&go::ACTIONLINT),
            Self::CheckJsonschema => Recipe::Python(&venv::CHECK_JSONSCHEMA),
        }
    }

    /// Returns the registry's namespace and name of a provider, with its version.
    fn provider(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::Aws => Some(("hashicorp", "aws", aws::VERSION)),
            Self::Time => Some(("hashicorp", "time", go::TIME.version)),
            Self::Rabbitmq => Some(("cyrilgdn", "rabbitmq", go::RABBITMQ.version)),
            Self::Kubectl => Some(("gavinbunney", "kubectl", go::KUBECTL.version)),
            Self::Exoscale => Some(("exoscale", "exoscale", go::EXOSCALE.version)),
            Self::Alicloud => Some(("aliyun", "alicloud", go::ALICLOUD.version)),
            Self::Terraform
            | Self::Tofu
            | Self::Moto
            | Self::RabbitmqServer
            | Self::KubeApiserver
            | Self::Etcd
            | Self::Hclsyntax
            | Self::Actionlint
            | Self::CheckJsonschema => None,
        }
    }

    /// Returns the file name in the cache, version included, and that of the stable link; none for what lies elsewhere.
    fn file_names(self) -> Option<(String, &'static str)> {
        match self.recipe() {
            Recipe::SearchPath | Recipe::Debian(_) => None,
            Recipe::Go(program) => Some((format!("{}_v{}", program.file_name, program.version), program.file_name)),
            Recipe::Aws => Some((
                format!("terraform-provider-aws_v{}_{}", aws::VERSION, aws::services_key()),
                "terraform-provider-aws",
            )),
            Recipe::Python(program) => Some((program.directory_name(), program.name)),
        }
    }
}

/// Returns the directory that holds the tools.
///
/// `DRIFTMGR_TOOLS_DIR` names it; otherwise it lies in the user's cache directory.
pub fn directory() -> Result<PathBuf> {
    if let Some(directory) = env::var_os("DRIFTMGR_TOOLS_DIR") {
        return std::path::absolute(directory).context("DRIFTMGR_TOOLS_DIR is empty");
    }
    let cache = match env::var_os("XDG_CACHE_HOME") {
        Some(cache) if !cache.is_empty() => PathBuf::from(cache),
        _ => PathBuf::from(env::var_os("HOME").context("neither DRIFTMGR_TOOLS_DIR, XDG_CACHE_HOME nor HOME is set")?)
            .join(".cache"),
    };
    Ok(cache.join("driftmgr").join("tools"))
}

/// Returns the program of a tool that is there already, without installing anything.
///
/// # Errors
/// Says what is missing and which command installs it.
pub fn find(tool: Tool) -> Result<PathBuf> {
    let program = match (tool.recipe(), tool.file_names()) {
        (Recipe::Debian(program), _) => return debian::find(program),
        (Recipe::Python(program), Some((file_name, _))) => program.find(&directory()?.join(file_name)),
        (_, Some((file_name, _))) => directory()?.join(file_name),
        (_, None) => return search_path(tool.name()),
    };
    if !program.exists() {
        bail!("{0} is not installed; `cargo xtask tools {0}` installs it", tool.name());
    }
    Ok(program)
}

/// Returns the program of a tool by the name that `cargo xtask tools` takes, as [`find`] does.
pub fn tool_path(name: &str) -> Result<PathBuf> {
    match Tool::from_str(name, false) {
        Ok(tool) => find(tool),
        Err(_) => bail!("there is no tool named {name:?}"),
    }
}

/// Returns terraform, or tofu where there is no terraform.
pub fn terraform_or_tofu() -> Result<PathBuf> {
    find(Tool::Terraform).or_else(|_| find(Tool::Tofu)).context("neither terraform nor tofu can be run")
}

/// Returns a tool's program for a test, or says why the test is skipped.
///
/// A skip prints `skipped: …` and appends that line to the file named by `DRIFTMGR_SKIP_LOG`, so that a run can count
/// its skips though cargo hides the output of tests that pass.
///
/// # Panics
/// Where `DRIFTMGR_REQUIRE_TOOLS` is set, a missing tool fails the test.
pub fn or_skip(tool: Tool) -> Option<PathBuf> {
    match find(tool) {
        Ok(program) => Some(program),
        Err(error) => {
            skip(&format!("{error:#}"));
            None
        }
    }
}

/// Says that a test is skipped, and why; see [`or_skip`].
pub fn skip(why: &str) {
    assert!(env::var_os("DRIFTMGR_REQUIRE_TOOLS").is_none(), "DRIFTMGR_REQUIRE_TOOLS forbids to skip this test: {why}");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("skipped: {test}: {why}\n");
    eprint!("{line}");
    if let Some(log) = env::var_os("DRIFTMGR_SKIP_LOG") {
        let written =
            File::options().create(true).append(true).open(log).and_then(|mut log| log.write_all(line.as_bytes()));
        written.expect("DRIFTMGR_SKIP_LOG names a file that can be written");
    }
}

/// Installs a tool unless it is there.
pub fn install(tool: Tool) -> Result<Installed> {
    if let Ok(program) = find(tool) {
        link_into_cache(tool, &directory()?)?;
        return Ok(Installed { program, took: None });
    }
    if matches!(tool.recipe(), Recipe::SearchPath) {
        bail!("{} is not on PATH; install it from its vendor", tool.name());
    }
    let directory = directory()?;
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;

    let lock_path = directory.join(format!("{}.lock", tool.name()));
    let lock = File::create(&lock_path).with_context(|| format!("cannot create {}", lock_path.display()))?;
    if lock.try_lock().is_err() {
        eprintln!("{}: another run is installing it; waiting", tool.name());
        lock.lock().with_context(|| format!("cannot lock {}", lock_path.display()))?;
    }

    let started = Instant::now();
    let mut took = None;
    if find(tool).is_err() {
        let target = directory.join(tool.file_names().map(|(file_name, _)| file_name).unwrap_or_default());
        eprintln!("{}: {}", tool.name(), announcement(tool));
        match tool.recipe() {
            Recipe::SearchPath => unreachable!("what is looked up is never installed"),
            Recipe::Go(program) => go::build_program(program, &target)?,
            Recipe::Aws => aws::build(&directory, &target)?,
            Recipe::Python(program) => program.install(&target)?,
            Recipe::Debian(program) => debian::install(program)?,
        }
        took = Some(started.elapsed());
    }
    link_into_cache(tool, &directory)?;
    Ok(Installed { program: find(tool)?, took })
}

fn announcement(tool: Tool) -> String {
    match tool.recipe() {
        Recipe::SearchPath => "looking for it".to_owned(),
        Recipe::Go(GoProgram { cost: "", .. }) => "building it from its Go module".to_owned(),
        Recipe::Go(program) => format!("building it from its Go module ({})", program.cost),
        Recipe::Aws => {
            "building it from its Go module, reduced to some 20 services (some 6 CPU minutes, 4 GB of memory)"
                .to_owned()
        }
        Recipe::Python(_) => "installing it into a Python virtual environment".to_owned(),
        Recipe::Debian(program) => format!("installing {} from Debian", program.package),
    }
}

/// Makes the stable link and, for a provider, its place in the filesystem mirror.
fn link_into_cache(tool: Tool, directory: &Path) -> Result<()> {
    let Some((file_name, link_name)) = tool.file_names() else { return Ok(()) };
    replace_link(Path::new(&file_name), &directory.join(link_name))?;

    let Some((namespace, name, version)) = tool.provider() else { return Ok(()) };
    for host in ["registry.terraform.io", "registry.opentofu.org"] {
        let package = mirror(directory).join(host).join(namespace).join(name).join(version).join(go::platform()?);
        fs::create_dir_all(&package).with_context(|| format!("cannot create {}", package.display()))?;
        replace_link(&directory.join(&file_name), &package.join(format!("terraform-provider-{name}_v{version}")))?;
    }
    Ok(())
}

/// Returns the filesystem mirror, in the tools' directory, from which terraform and tofu install the providers.
pub fn mirror(directory: &Path) -> PathBuf {
    directory.join("mirror")
}

fn replace_link(target: &Path, link: &Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|current| current == target) {
        return Ok(());
    }
    let temporary = link.with_extension(format!("{}.part", std::process::id()));
    let _ = fs::remove_file(&temporary);
    symlink(target, &temporary)
        .and_then(|()| fs::rename(&temporary, link))
        .with_context(|| format!("cannot link {} to {}", link.display(), target.display()))
}

/// Looks a program up in `PATH`.
pub fn search_path(name: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").context("PATH is not set")?;
    env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
        .with_context(|| format!("{name} is not on PATH"))
}

/// Runs a command to its end and returns its standard output.
///
/// # Errors
/// Quotes the command and the end of its error output.
fn run_command(command: &mut Command) -> Result<String> {
    let line = format!("{command:?}");
    let output = command.output().with_context(|| format!("cannot start {line}"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = stderr.lines().collect();
        let end = lines[lines.len().saturating_sub(15)..].join("\n");
        bail!("{line} failed ({}):\n{end}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
