//! `cargo xtask many-roots`: a git repository of many root modules, each with a state that agrees with its code.
//!
//! A seed draws how large each root module is, which of them call the shared module, and what the objects are. Their
//! provider is `hashicorp/time`, which does next to nothing: what is measured on such a repository is everything around
//! it. The branch `one` changes one root module, and `shared` the module that many call; `main` is what both left.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::drifts::SplitMix;
use crate::terraform::CliConfig;
use crate::tools;

/// The arguments of `cargo xtask many-roots`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder to make, or an empty one
    dir: PathBuf,
    /// What draws the root modules [default: the time, which is printed]
    #[arg(long)]
    seed: Option<u64>,
    /// How many root modules
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(2..=10_000))]
    roots: u64,
    /// How many resource instances in all of them
    #[arg(long, default_value_t = 10_000)]
    instances: u64,
    /// How many of the root modules call the shared module
    #[arg(long, default_value_t = 120)]
    callers: u64,
}

/// The folder of the shared module.
const SHARED: &str = "modules/release";
/// The fewest instances of a root module: each sort of resource has at least one.
const FEWEST: u64 = 6;

/// One root module, as it was drawn.
struct Drawn {
    name: String,
    /// Instances by `for_each`, by `count`, and in the shared module.
    n_services: u64,
    n_steps: u64,
    n_releases: u64,
}

/// Makes the repository.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let Arguments { dir, roots, instances, callers, .. } = arguments;
    let time = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs());
    let seed = arguments.seed.unwrap_or_else(time);
    ensure!(*instances >= roots * FEWEST, "{roots} root modules have at least {} instances", roots * FEWEST);
    ensure!(callers <= roots, "there are only {roots} root modules that could call the shared module");
    tools::find(tools::Tool::Time)?;
    fs::create_dir_all(dir.join(SHARED)).with_context(|| format!("cannot create {}", dir.display()))?;
    ensure!(!dir.join(".git").exists(), "{} holds a repository already", dir.display());
    let dir = dir.canonicalize().with_context(|| format!("cannot find {}", dir.display()))?;
    let drawn = draw(&mut SplitMix(seed), *roots, *instances, *callers);
    write(&dir.join(".gitignore"), ".terraform/\n*.tfstate\n")?;
    write(&dir.join(SHARED).join("main.tf"), &shared_module("1"))?;
    let mut random = SplitMix(seed ^ 0x5eed);
    for root in &drawn {
        let folder = dir.join("roots").join(&root.name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        write(&folder.join("main.tf"), &root.code("7"))?;
        write(&folder.join("terraform.tfvars"), &format!("owner = \"team-{}\"\n", root.name))?;
        write(&folder.join("terraform.tfstate"), &root.state(&mut random)?)?;
    }
    initialize(&dir, &drawn)?;
    let (first, called) = (&drawn[0], drawn.iter().filter(|root| root.n_releases > 0).count());
    git(&dir, &["init", "-q", "-b", "main"])?;
    git(&dir, &["add", "-A"])?;
    commit(&dir, "everything")?;
    git(&dir, &["checkout", "-q", "-b", "one"])?;
    write(&dir.join("roots").join(&first.name).join("main.tf"), &first.code("30"))?;
    commit(&dir, "one root module")?;
    git(&dir, &["checkout", "-q", "-b", "shared", "main"])?;
    write(&dir.join(SHARED).join("main.tf"), &shared_module("2"))?;
    commit(&dir, "the shared module")?;
    git(&dir, &["checkout", "-q", "main"])?;
    println!(
        "seed {seed}: {roots} root modules, {instances} instances; `one` changes roots/{}, `shared` a module that {called} \
         root modules call",
        first.name
    );
    Ok(ExitCode::SUCCESS)
}

/// Draws how large each root module is, and which of them call the shared module.
fn draw(random: &mut SplitMix, n_roots: u64, n_instances: u64, n_callers: u64) -> Vec<Drawn> {
    let mut sizes = vec![FEWEST; usize::try_from(n_roots).unwrap_or(usize::MAX)];
    for _ in 0..n_instances - n_roots * FEWEST {
        let at = random.below(n_roots);
        sizes[usize::try_from(at).unwrap_or_default()] += 1;
    }
    let mut callers = BTreeSet::new();
    while (callers.len() as u64) < n_callers {
        callers.insert(random.below(n_roots));
    }
    let root = |(at, size): (usize, u64)| {
        let n_releases = if callers.contains(&(at as u64)) { size / 3 } else { 0 };
        let n_steps = 1 + random.below(size - n_releases - 1);
        Drawn { name: format!("r{at:04}"), n_services: size - n_releases - n_steps, n_steps, n_releases }
    };
    sizes.into_iter().enumerate().map(root).collect()
}

impl Drawn {
    /// Writes its code; the retention is what the branch `one` changes.
    fn code(&self, retention: &str) -> String {
        let Self { name, n_services, n_steps, n_releases } = self;
        let mut services = String::new();
        for at in 0..*n_services {
            let _ = writeln!(
                services,
                "    \"service-{at}\" = {{ tier = \"{}\" }}",
                ["web", "work", "data"][at as usize % 3]
            );
        }
        let call = if *n_releases > 0 {
            format!(
                "\nmodule \"release\" {{\n  source = \"../../{SHARED}\"\n  name   = local.name\n  size   = {n_releases}\n}}\n"
            )
        } else {
            String::new()
        };
        format!(
            r#"terraform {{
  required_providers {{
    time = {{
      source = "hashicorp/time"
    }}
  }}
}}

variable "owner" {{
  type = string
}}

locals {{
  name      = "{name}"
  retention = {retention}
  services = {{
{services}  }}
}}

resource "time_static" "service" {{
  for_each = local.services

  triggers = {{
    name  = "${{local.name}}-${{each.key}}"
    tier  = upper(each.value.tier)
    owner = var.owner
  }}
}}

resource "time_static" "step" {{
  count = {n_steps}

  triggers = {{
    name      = format("%s-%03d", local.name, count.index)
    retention = local.retention
  }}
}}
{call}"#
        )
    }

    /// Writes the state that applying the code leaves.
    fn state(&self, random: &mut SplitMix) -> Result<String> {
        let Self { name, n_services, n_steps, n_releases } = self;
        let mut services: Vec<(String, Value)> = (0..*n_services)
            .map(|at| {
                let tier = ["WEB", "WORK", "DATA"][at as usize % 3];
                let key = format!("service-{at}");
                let triggers = json!({"name": format!("{name}-{key}"), "tier": tier, "owner": format!("team-{name}")});
                (key, instance(random, triggers))
            })
            .collect();
        services.sort_by(|a, b| a.0.cmp(&b.0));
        let keyed = |(key, mut instance): (String, Value)| {
            instance["index_key"] = json!(key);
            instance
        };
        let counted = |(at, mut instance): (u64, Value)| {
            instance["index_key"] = json!(at);
            instance
        };
        let steps: Vec<Value> = (0..*n_steps)
            .map(|at| (at, instance(random, json!({"name": format!("{name}-{at:03}"), "retention": "7"}))))
            .map(counted)
            .collect();
        let releases: Vec<Value> = (0..*n_releases)
            .map(|at| (at, instance(random, json!({"name": format!("{name}-release-{at}"), "revision": "1"}))))
            .map(counted)
            .collect();
        let resource = |name: &str, instances: Vec<Value>| {
            json!({"mode": "managed", "type": "time_static", "name": name,
                   "provider": "provider[\"registry.terraform.io/hashicorp/time\"]", "instances": instances})
        };
        let mut resources =
            vec![resource("service", services.into_iter().map(keyed).collect()), resource("step", steps)];
        if !releases.is_empty() {
            let mut inner = resource("this", releases);
            inner["module"] = json!("module.release");
            resources.push(inner);
        }
        let lineage = format!("{:08x}-0000-4000-8000-{:012x}", random.below(1 << 32), random.below(1 << 48));
        let state = json!({"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": lineage, "outputs": {},
                           "resources": resources, "check_results": null});
        serde_json::to_string_pretty(&state).context("a state is no JSON")
    }
}

/// Makes an instance of a moment in 2026 that is drawn.
fn instance(random: &mut SplitMix, triggers: Value) -> Value {
    const DAYS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    const NEW_YEAR: u64 = 1_767_225_600;
    let (month, of_day) = (random.below(12), random.below(86_400));
    let day = random.below(DAYS[month as usize]);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let before: u64 = DAYS[..month as usize].iter().sum();
    let rfc3339 = format!("2026-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", month + 1, day + 1);
    json!({
        "schema_version": 0,
        "attributes": {
            "day": day + 1, "hour": hour, "id": rfc3339, "minute": minute, "month": month + 1, "rfc3339": rfc3339,
            "second": second, "triggers": triggers, "unix": NEW_YEAR + (before + day) * 86_400 + of_day, "year": 2026,
        },
        "sensitive_attributes": [],
    })
}

fn shared_module(revision: &str) -> String {
    format!(
        r#"terraform {{
  required_providers {{
    time = {{
      source = "hashicorp/time"
    }}
  }}
}}

variable "name" {{
  type = string
}}

variable "size" {{
  type = number
}}

resource "time_static" "this" {{
  count = var.size

  triggers = {{
    name     = "${{var.name}}-release-${{count.index}}"
    revision = "{revision}"
  }}
}}
"#
    )
}

/// Lets terraform initialize one root module of each sort, and the others have the same.
fn initialize(dir: &Path, drawn: &[Drawn]) -> Result<()> {
    let terraform = tools::terraform_or_tofu()?;
    let config = dir.with_extension("tfrc");
    write(&config, &CliConfig::with_tools()?.render())?;
    for calls in [false, true] {
        let same: Vec<&Drawn> = drawn.iter().filter(|root| (root.n_releases > 0) == calls).collect();
        let Some((first, others)) = same.split_first() else { continue };
        let folder = dir.join("roots").join(&first.name);
        let mut command = Command::new(&terraform);
        command.args(["init", "-no-color", "-input=false"]).current_dir(&folder).env("TF_CLI_CONFIG_FILE", &config);
        command.env_remove("TF_DATA_DIR").env_remove("TF_CLI_ARGS").env_remove("TF_PLUGIN_CACHE_DIR");
        let output = command.output().context("cannot start terraform")?;
        ensure!(output.status.success(), "terraform init failed:\n{}", String::from_utf8_lossy(&output.stderr));
        for other in others {
            let to = dir.join("roots").join(&other.name);
            for name in [".terraform", ".terraform.lock.hcl"] {
                let status = Command::new("cp").arg("-a").arg(folder.join(name)).arg(&to).status();
                ensure!(status.context("cannot start cp")?.success(), "cannot copy {name} to {}", to.display());
            }
        }
    }
    Ok(())
}

fn commit(dir: &Path, message: &str) -> Result<()> {
    git(dir, &["-c", "user.name=many", "-c", "user.email=many@example.com", "commit", "-q", "-a", "-m", message])
}

fn git(dir: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new("git").args(arguments).current_dir(dir).output().context("cannot start git")?;
    ensure!(output.status.success(), "git {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_instances_and_callers_are_drawn_as_asked_for() {
        let drawn = draw(&mut SplitMix(7), 50, 1_000, 12);
        let n_instances: u64 = drawn.iter().map(|root| root.n_services + root.n_steps + root.n_releases).sum();
        assert_eq!((drawn.len(), n_instances), (50, 1_000));
        assert_eq!(drawn.iter().filter(|root| root.n_releases > 0).count(), 12);
        assert!(drawn.iter().all(|root| root.n_services > 0 && root.n_steps > 0));
    }
}
