//! The CLI configuration: where `init` installs providers from, and which ones developers put in front.
//!
//! Source: "CLI Configuration File" in Terraform's documentation and in `OpenTofu`'s, section "Provider Installation".

use std::path::{Path, PathBuf};

use model::{Diagnostic, Diagnostics, ProviderAddress};
use net::Environment;

use super::Cli;
use super::rc::{self, Item, Node};
use crate::Session;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// What the CLI configuration says about providers.
#[derive(Debug, Default)]
pub(super) struct CliConfig {
    /// How providers are installed; `None` where nothing is said, so that local mirrors count by being there.
    pub(super) installation: Option<Installation>,
    /// The plugin cache.
    pub(super) plugin_cache: Option<PathBuf>,
}

/// A `provider_installation` block.
#[derive(Debug, Default)]
pub(super) struct Installation {
    /// Providers that developers put in front, with the folders of their programs.
    pub(super) dev_overrides: Vec<(ProviderAddress, PathBuf)>,
    /// The filesystem mirrors, in order.
    pub(super) mirrors: Vec<Mirror>,
}

/// A `filesystem_mirror` block.
#[derive(Debug)]
pub(super) struct Mirror {
    /// The folder.
    pub(super) path: PathBuf,
    /// Which providers it serves.
    pub(super) patterns: Patterns,
}

impl Mirror {
    /// Makes a mirror that serves all providers.
    pub(super) fn of_all(path: PathBuf) -> Self {
        Self { path, patterns: Patterns::default() }
    }
}

/// The `include` and `exclude` of an installation method.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// Those it serves; all where there is none.
    include: Vec<ProviderAddress>,
    /// Those it does not serve, whatever is included.
    exclude: Vec<ProviderAddress>,
}

impl Patterns {
    /// Tells whether the method serves a provider.
    pub(super) fn serve(&self, address: &ProviderAddress) -> bool {
        let is_any = |patterns: &[ProviderAddress]| patterns.iter().any(|pattern| matches(pattern, address));
        !is_any(&self.exclude) && (self.include.is_empty() || is_any(&self.include))
    }
}

/// `*` stands for any part.
fn matches(pattern: &ProviderAddress, address: &ProviderAddress) -> bool {
    let part = |pattern: &std::sync::Arc<str>, own: &std::sync::Arc<str>| {
        if &**pattern == "*" { std::sync::Arc::clone(own) } else { std::sync::Arc::clone(pattern) }
    };
    let filled = ProviderAddress {
        host: part(&pattern.host, &address.host),
        namespace: part(&pattern.namespace, &address.namespace),
        provider_type: part(&pattern.provider_type, &address.provider_type),
    };
    filled.is_same_provider(address)
}

/// Reads the CLI configuration. `base` is what relative paths in it are relative to: where terraform would run.
pub(super) fn read(session: &Session, base: &Path, cli: Cli) -> (CliConfig, Diagnostics) {
    let environment = &session.environment;
    let mut diagnostics = Diagnostics::new();
    let mut config = CliConfig::default();
    for path in files(session, cli, &mut diagnostics) {
        let name = path.display().to_string();
        match session.read_trusted(&path, MAX_BYTES) {
            Ok(Some(text)) => match rc::parse(&name, &text) {
                Ok(items) => take(&items, environment, base, &mut config, &mut diagnostics),
                Err(problem) => diagnostics.push(*problem),
            },
            Ok(None) => {}
            Err(reason) => diagnostics.push(invalid(format!("{name} cannot be read: {reason}."))),
        }
    }
    if let Some(cache) = environment.get("TF_PLUGIN_CACHE_DIR") {
        config.plugin_cache = Some(base.join(cache));
    }
    if let Some(cache) = config.plugin_cache.as_ref().filter(|cache| !cache.is_dir()) {
        diagnostics.push(invalid(format!("The plugin cache {} is no folder that can be opened.", cache.display())));
    }
    (config, diagnostics)
}

pub(super) fn invalid(detail: String) -> Diagnostic {
    Diagnostic::warning("cli-config-invalid", "The CLI configuration has a mistake", detail)
        .with_help("Correct it: terraform would refuse it, too.")
}

/// Gives the files that count, those that exist or were named.
fn files(session: &Session, cli: Cli, diagnostics: &mut Diagnostics) -> Vec<PathBuf> {
    let environment = &session.environment;
    for variable in ["TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG"] {
        let Some(named) = environment.get(variable) else { continue };
        let path = session.current_dir.join(named);
        if !matches!(session.read_trusted(&path, MAX_BYTES), Ok(None) | Err(_)) {
            return vec![path];
        }
        let detail =
            format!("{variable} names {}, which is no file that can be read; none is used instead.", path.display());
        let problem = Diagnostic::warning("cli-config-missing", "The CLI configuration file is missing", detail);
        diagnostics.push(problem.with_help(format!("Correct or unset {variable}.")));
        return Vec::new();
    }
    let Some(home) = environment.home() else { return Vec::new() };
    let xdg = environment.get("XDG_CONFIG_HOME").map(|folder| Path::new(folder).join("opentofu"));
    let (terraform, tofu) = (home.join(".terraformrc"), home.join(".tofurc"));
    let mut candidates = match cli {
        Cli::Terraform => vec![terraform, tofu],
        Cli::Tofu => vec![tofu, terraform],
    };
    candidates.extend(xdg.as_ref().map(|folder| folder.join("tofurc")));
    let mut files: Vec<PathBuf> = candidates.into_iter().find(|path| path.is_file()).into_iter().collect();

    let own = home.join(".terraform.d");
    let folder = if own.is_dir() { Some(own) } else { xdg };
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten();
    let mut more: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let is_config = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let stem = name.strip_suffix(".json").unwrap_or(name);
        Path::new(stem).extension().is_some_and(|extension| extension == "tfrc") && path.is_file()
    };
    more.retain(is_config);
    more.sort();
    files.extend(more);
    files
}

fn take(items: &[Item], environment: &Environment, base: &Path, config: &mut CliConfig, diagnostics: &mut Diagnostics) {
    for item in items {
        match (item.name(), &item.value) {
            // The first file that says so counts.
            ("plugin_cache_dir", Node::Text(path)) if config.plugin_cache.is_none() && !path.is_empty() => {
                config.plugin_cache = Some(base.join(expand(path, environment)));
            }
            ("provider_installation", value) => {
                let mut say = |problem: &str| diagnostics.push(invalid(problem.to_owned()).at_span(item.span.clone()));
                if item.names.len() > 1 {
                    say("A `provider_installation` block has no labels.");
                }
                match value {
                    Node::Object(methods) if !item.is_assigned => {
                        if config.installation.is_some() {
                            say("There may be only one `provider_installation` block; the first one counts.");
                        }
                        let installation = installation(methods, base, diagnostics);
                        config.installation.get_or_insert(installation);
                    }
                    _ => say("`provider_installation` must be a block, without an equals sign."),
                }
            }
            _ => {}
        }
    }
}

fn installation(methods: &[Item], base: &Path, diagnostics: &mut Diagnostics) -> Installation {
    let mut installation = Installation::default();
    let mut is_first = true;
    for method in methods {
        if let Err(reason) = add_method(method, is_first, base, &mut installation) {
            let detail = format!("The `{}` block of `provider_installation` {reason}.", method.name());
            diagnostics.push(invalid(detail).at_span(method.span.clone()));
        }
        is_first &= method.name() == "dev_overrides";
    }
    installation
}

fn add_method(method: &Item, is_first: bool, base: &Path, installation: &mut Installation) -> Result<(), String> {
    let Node::Object(arguments) = &method.value else { return Err("must be a block".to_owned()) };
    if method.is_assigned || method.names.len() > 1 {
        return Err("must be a block without an equals sign and without labels".to_owned());
    }
    let text = |name: &str| {
        let argument = arguments.iter().find(|argument| argument.name() == name);
        argument.and_then(|argument| match &argument.value {
            Node::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        })
    };
    match method.name() {
        "dev_overrides" if !is_first => return Err("must come before all others".to_owned()),
        "dev_overrides" => {
            for argument in arguments {
                let name = argument.name();
                let address = super::parse_address(name)
                    .map_err(|error| format!("names {name:?}, no provider's address: {error}"))?;
                let Node::Text(folder) = &argument.value else {
                    return Err(format!("must name a folder for {name:?}"));
                };
                installation.dev_overrides.push((address, base.join(folder)));
            }
        }
        "filesystem_mirror" => {
            let path = text("path").ok_or("needs a `path`")?;
            installation.mirrors.push(Mirror { path: base.join(path), patterns: patterns(arguments)? });
        }
        // These bring packages from elsewhere, which `init` does and we do not.
        "network_mirror" if !text("url").is_some_and(|url| url.starts_with("https://")) => {
            return Err("needs a `url` that begins with `https://`".to_owned());
        }
        "direct" | "network_mirror" | "oci_mirror" => drop(patterns(arguments)?),
        _ => return Err("is no method of installation that is known".to_owned()),
    }
    Ok(())
}

fn patterns(arguments: &[Item]) -> Result<Patterns, String> {
    let list = |name: &str| -> Result<Vec<ProviderAddress>, String> {
        let Some(argument) = arguments.iter().find(|argument| argument.name() == name) else { return Ok(Vec::new()) };
        let Node::List(elements) = &argument.value else {
            return Err(format!("must have a list of texts for `{name}`"));
        };
        elements.iter().map(pattern).collect()
    };
    Ok(Patterns { include: list("include")?, exclude: list("exclude")? })
}

fn pattern(node: &Node) -> Result<ProviderAddress, String> {
    let Node::Text(text) = node else { return Err("has a pattern that is no text".to_owned()) };
    let fail = |reason: &str| Err(format!("has the pattern {text:?}, {reason}"));
    let n_parts = text.split('/').count();
    let Ok(pattern) = super::parse_address(text) else { return fail("which has an empty part") };
    let is_any = |part: &str| part == "*";
    if !(2..=3).contains(&n_parts) {
        return fail("which needs two or three parts");
    }
    if is_any(&pattern.host) && !(is_any(&pattern.namespace) && is_any(&pattern.provider_type)) {
        return fail("in which only everything can follow any host");
    }
    if is_any(&pattern.namespace) && !is_any(&pattern.provider_type) {
        return fail("in which only `*` can follow any namespace");
    }
    Ok(pattern)
}

/// Replaces `$NAME` and `${NAME}` by what the environment says, or by nothing.
fn expand(text: &str, environment: &Environment) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, behind) = braced.unwrap_or_else(|| {
            let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
            after.split_at(end)
        });
        out.push_str(environment.get(name).unwrap_or_default());
        rest = behind;
    }
    out + rest
}

/// Gives the local mirrors that count by being there, where nothing says how providers are installed.
///
/// The current folder is none of them where it is not the root module that was named: whoever only looks at a state trusts
/// nothing that lies about.
pub(super) fn implied_mirrors(environment: &Environment, root: Option<&Path>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = root.map(|root| root.join("terraform.d/plugins")).into_iter().collect();
    let home = environment.home();
    folders.extend(home.map(|home| home.join(".terraform.d/plugins")));
    let data_home = environment.get("XDG_DATA_HOME").map(PathBuf::from);
    folders.extend(data_home.as_ref().map(|folder| folder.join("opentofu/plugins")));
    if cfg!(target_os = "macos") {
        let support = "Library/Application Support/io.terraform/plugins";
        folders.extend(home.map(|home| home.join(support)));
        folders.push(Path::new("/").join(support));
    } else {
        folders.extend(
            data_home
                .or_else(|| home.map(|home| home.join(".local/share")))
                .map(|folder| folder.join("terraform/plugins")),
        );
        let shared = environment.get("XDG_DATA_DIRS").unwrap_or("/usr/local/share:/usr/share");
        folders.extend(std::env::split_paths(shared).map(|folder| folder.join("terraform/plugins")));
    }
    folders.retain(|folder| folder.is_dir());
    folders
}
