//! Runs terraform or tofu on a copy of a root module, with providers from a filesystem mirror only.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::moto::Moto;
use crate::tools;

/// Says where terraform finds providers; rendered into a `TF_CLI_CONFIG_FILE`.
///
/// Nothing is ever installed from the network: what neither the mirrors nor the overrides hold is an error.
#[derive(Clone, Debug, Default)]
pub struct CliConfig {
    mirrors: Vec<PathBuf>,
    dev_overrides: BTreeMap<String, PathBuf>,
}

impl CliConfig {
    /// Returns a configuration that finds the providers among the tools.
    pub fn with_tools() -> Result<Self> {
        Ok(Self::default().mirror(&tools::mirror(&tools::directory()?)))
    }

    /// Adds a filesystem mirror.
    #[must_use]
    pub fn mirror(mut self, directory: &Path) -> Self {
        self.mirrors.push(directory.to_path_buf());
        self
    }

    /// Adds a development override: a provider source address and the directory of its executable.
    #[must_use]
    pub fn dev_override(mut self, source: &str, directory: &Path) -> Self {
        self.dev_overrides.insert(source.to_owned(), directory.to_path_buf());
        self
    }

    /// Renders the configuration file.
    pub fn render(&self) -> String {
        let mut blocks = Vec::new();
        if !self.dev_overrides.is_empty() {
            blocks.push("  dev_overrides {\n".to_owned());
            for (source, directory) in &self.dev_overrides {
                blocks.push(format!("    {source:?} = {:?}\n", directory.display().to_string()));
            }
            blocks.push("  }\n".to_owned());
        }
        for mirror in &self.mirrors {
            blocks.push(format!("  filesystem_mirror {{\n    path = {:?}\n  }}\n", mirror.display().to_string()));
        }
        format!("disable_checkpoint = true\n\nprovider_installation {{\n{}}}\n", blocks.concat())
    }
}

/// A root module in a temporary directory, and the program and environment to run on it.
#[derive(Debug)]
pub struct RootFolder<'moto> {
    directory: TempDir,
    program: PathBuf,
    config_file: PathBuf,
    moto: Option<&'moto Moto>,
    environment: Vec<(String, String)>,
}

impl<'moto> RootFolder<'moto> {
    /// Creates an empty root, for the emulated account where one is named.
    pub fn empty(program: &Path, config: &CliConfig, moto: Option<&'moto Moto>) -> Result<Self> {
        let directory = tempfile::tempdir().context("cannot create a temporary directory for a root module")?;
        let config_file = directory.path().join("terraform.rc");
        fs::write(&config_file, config.render()).with_context(|| format!("cannot write {}", config_file.display()))?;
        fs::create_dir(directory.path().join("root")).context("cannot create a root module")?;
        Ok(Self { directory, program: program.to_path_buf(), config_file, moto, environment: Vec::new() })
    }

    /// Creates a root from the `.tf` files and the modules of a directory; states and caches stay behind.
    pub fn copy_of(source: &Path, program: &Path, config: &CliConfig, moto: Option<&'moto Moto>) -> Result<Self> {
        let root = Self::empty(program, config, moto)?;
        copy_configuration(source, &root.path())?;
        Ok(root)
    }

    /// Adds variables to the environment in which every program runs, such as those that name a server.
    #[must_use]
    pub fn with_environment(mut self, environment: Vec<(String, String)>) -> Self {
        self.environment.extend(environment);
        self
    }

    /// Returns the root module's directory.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// Returns the program that runs here.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns the CLI configuration file, for other programs that run terraform.
    pub fn config_file(&self) -> &Path {
        &self.config_file
    }

    /// Writes a file into the root.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path().join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Returns a command that runs a program in this root with this root's environment.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(moto) = self.moto {
            moto.configure(&mut command);
        }
        command
            .current_dir(self.path())
            .env("TF_CLI_CONFIG_FILE", &self.config_file)
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_DATA_DIR")
            .env_remove("TF_WORKSPACE")
            .env_remove("TF_PLUGIN_CACHE_DIR")
            .env_remove("TF_CLI_ARGS")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs terraform and returns what it printed, whatever the exit code.
    pub fn try_run(&self, arguments: &[&str]) -> Result<Output> {
        self.command(&self.program)
            .args(arguments)
            .output()
            .with_context(|| format!("cannot start {}", self.program.display()))
    }

    /// Runs terraform and returns its standard output.
    ///
    /// # Errors
    /// Where terraform fails: quotes everything it printed to standard error.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.try_run(arguments)?;
        if !output.status.success() {
            bail!("terraform {} failed ({}):\n{}", arguments.join(" "), output.status, text(&output));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs `terraform init`.
    pub fn init(&self) -> Result<()> {
        self.run(&["init", "-no-color", "-input=false"]).map(drop)
    }

    /// Applies the root, with so many operations at once.
    pub fn apply(&self, parallelism: u8) -> Result<String> {
        let parallelism = format!("-parallelism={parallelism}");
        self.run(&["apply", "-no-color", "-input=false", "-auto-approve", &parallelism])
    }

    /// Plans the root.
    pub fn plan(&self) -> Result<TerraformPlan> {
        let output = self.try_run(&["plan", "-no-color", "-input=false", "-detailed-exitcode"])?;
        match output.status.code() {
            Some(0) => Ok(TerraformPlan { clean: true, text: text(&output) }),
            Some(2) => Ok(TerraformPlan { clean: false, text: text(&output) }),
            _ => bail!("terraform plan failed ({}):\n{}", output.status, text(&output)),
        }
    }
}

/// What `terraform plan` answered.
#[derive(Debug)]
pub struct TerraformPlan {
    /// Whether there is nothing to do.
    pub clean: bool,
    /// What was printed.
    pub text: String,
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) fn copy_configuration(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            if !name.to_string_lossy().starts_with('.') {
                copy_configuration(&path, &to.join(name))?;
            }
        } else if path.extension().is_some_and(|extension| extension == "tf") {
            fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
            fs::copy(&path, to.join(name)).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cli_configuration_names_overrides_before_mirrors_and_no_network() {
        let config = CliConfig::default()
            .mirror(Path::new("/mirror"))
            .dev_override("example.com/a/b", Path::new("/bin directory"));
        assert_eq!(
            config.render(),
            "disable_checkpoint = true\n\nprovider_installation {\n  dev_overrides {\n    \"example.com/a/b\" = \
             \"/bin directory\"\n  }\n  filesystem_mirror {\n    path = \"/mirror\"\n  }\n}\n"
        );
    }
}
