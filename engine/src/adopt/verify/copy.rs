//! The temporary copy in which is planned: made for one program, removed with this value.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use hcl::SourceTree as _;
use hcl::configuration::Configuration;
use hcl::definitions::Definitions;
use tempfile::TempDir;
use tfstate::backend::StateFile;

use super::super::declared::Beside;
use super::Subject;
use crate::Session;
use crate::code::Folder;
use crate::request::VariableSource;

/// The most that is copied.
const MAX_FILES: usize = 50_000;
const MAX_BYTES: u64 = 1 << 30;
/// How deep folders may nest.
const MAX_DEPTH: usize = 64;
/// The file that puts the state beside the configuration; the last of all override files.
const OVERRIDE: &str = "zzzz_driftmgr_verify_override.tf";
/// What a copy does without: histories, and what `init` makes.
const UNCOPIED_FOLDERS: [&str; 5] = [".git", ".hg", ".svn", ".terraform", ".terragrunt-cache"];
/// What the copy of a root module does without: states of the local backend.
const UNCOPIED_IN_ROOT: [&str; 5] = [
    "terraform.tfstate",
    "terraform.tfstate.backup",
    "terraform.tfstate.d",
    ".terraform.tfstate.lock.info",
    "crash.log",
];
const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// What is copied, and where from.
pub(super) struct Wanted {
    subject: Subject,
    current_dir: PathBuf,
    /// As terraform takes it: relative to the root module, or absolute.
    data_folder: String,
    workspace: Option<String>,
}

/// The copy.
pub(super) struct Copy {
    /// The root module in it.
    pub(super) root: PathBuf,
    /// Where the plan goes.
    pub(super) plan: PathBuf,
    /// Files with values of variables, in the order in which they count; nobody else can read them.
    pub(super) value_files: Vec<PathBuf>,
    /// The workspace, where it is not the usual one.
    pub(super) workspace: Option<String>,
    /// A filesystem mirror of the packages that are installed, under the names of both registries.
    pub(super) packages: PathBuf,
    /// Whether there are any.
    pub(super) has_packages: bool,
    /// The hosts under which packages are installed.
    hosts: BTreeSet<String>,
    _folder: TempDir,
}

impl Wanted {
    pub(super) fn new(session: &Session, subject: &Subject) -> Self {
        let data_folder = session.environment.get("TF_DATA_DIR").unwrap_or(".terraform").to_owned();
        let selected = || {
            let path = subject.root.as_ref()?.join(&data_folder).join("environment");
            fs::read_to_string(path).ok().map(|workspace| workspace.trim().to_owned())
        };
        let workspace = session.environment.get("TF_WORKSPACE").map(str::to_owned).or_else(selected);
        let is_named = |name: &String| {
            let is_part = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            !name.is_empty() && name != "default" && is_part && !name.contains('/')
        };
        Self {
            subject: subject.clone(),
            current_dir: session.current_dir.clone(),
            workspace: workspace.filter(is_named),
            data_folder,
        }
    }
}

impl Copy {
    /// Makes the copy; the reason why it cannot be made is in sentences.
    pub(super) fn make(wanted: &Wanted) -> Result<Self, String> {
        let fail = |error: io::Error| format!("The temporary copy of the root module cannot be made: {error}.");
        // Nobody else may look into it: it holds a state, and values of variables.
        let folder = tempfile::Builder::new().prefix("driftmgr-verify-").tempdir().map_err(fail)?;
        let top = folder.path().canonicalize().map_err(fail)?;
        let mut copy = Self {
            root: top.join("tree"),
            plan: top.join("plan"),
            value_files: Vec::new(),
            workspace: wanted.workspace.clone(),
            packages: top.join("packages"),
            has_packages: false,
            hosts: BTreeSet::new(),
            _folder: folder,
        };
        match &wanted.subject.root {
            None => fs::create_dir(&copy.root).map_err(fail)?,
            Some(root) => {
                let root = root.canonicalize().map_err(fail)?;
                copy.copy_root(&root, wanted)?;
                let data_folder = root.join(&wanted.data_folder);
                copy.link_packages(&data_folder).map_err(fail)?;
                copy.copy_modules(&data_folder, &wanted.data_folder)?;
            }
        }
        for (name, text) in &wanted.subject.files {
            let path = normalized(&copy.root.join(name));
            if !path.starts_with(&top) {
                return Err(format!("The file {name} would lie outside of the temporary copy."));
            }
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(fail)?;
            }
            fs::write(path, text).map_err(fail)?;
        }
        copy.write_module_files(wanted)?;
        fs::write(copy.root.join(OVERRIDE), "terraform {\n  backend \"local\" {}\n}\n").map_err(fail)?;
        fs::create_dir_all(copy.state_folder()).map_err(fail)?;
        copy.write_values(wanted, &top).map_err(fail)?;
        Ok(copy)
    }

    /// Tells whether what is installed comes from the registry of the other program alone.
    pub(super) fn is_installed_by_other(&self, is_tofu: bool) -> bool {
        let [own, other] = if is_tofu { [HOSTS[1], HOSTS[0]] } else { HOSTS };
        self.hosts.contains(other) && !self.hosts.contains(own)
    }

    /// Copies the root module with everything that its code names outside of it, each to the same place relative to it.
    fn copy_root(&mut self, root: &Path, wanted: &Wanted) -> Result<(), String> {
        let places = Places::of(root, wanted);
        let common = places.modules.iter().chain(&places.named).fold(root.to_owned(), |common, place| {
            let shared = common.components().zip(place.components()).take_while(|(left, right)| left == right);
            shared.map(|(component, _)| component).collect()
        });
        let tree = self.root.clone();
        let to = |place: &Path| tree.join(place.strip_prefix(&common).unwrap_or(Path::new("")));
        let mut copying = Copying { n_files: 0, n_bytes: 0, root, data_folder: root.join(&wanted.data_folder) };
        for module in &places.modules {
            copying.folder(module, &to(module), &mut Vec::new())?;
        }
        for named in &places.named {
            // A text that looks like a path may be none: where this one is needed, the plan says that it is missing.
            let target = to(named);
            let copied = match target.parent().map(fs::create_dir_all) {
                Some(Err(_)) | None => break,
                Some(Ok(())) if named.is_dir() => copying.folder(named, &target, &mut Vec::new()),
                Some(Ok(())) => copying.file(named, &target),
            };
            if copied.is_err() {
                break;
            }
        }
        self.root = to(root);
        Ok(())
    }

    /// Links the packages that `init` installed: where `init` looks for them, and into a mirror.
    fn link_packages(&mut self, data_folder: &Path) -> io::Result<()> {
        let installed = data_folder.join("providers");
        let own = self.root.join(".terraform/providers");
        for host in folders(&installed) {
            for namespace in folders(&installed.join(&host)) {
                for name in folders(&installed.join(&host).join(&namespace)) {
                    let provider = Path::new(&host).join(&namespace).join(&name);
                    for version in folders(&installed.join(&provider)) {
                        let version = provider.join(&version);
                        for platform in folders(&installed.join(&version)) {
                            let package = version.join(&platform);
                            // What is linked already leads to the package of a cache or a mirror.
                            let target = installed.join(&package).canonicalize()?;
                            link(&target, &own.join(&package))?;
                            let behind_host = package.strip_prefix(&host).unwrap_or(&package);
                            let hosts = if HOSTS.contains(&host.as_str()) { &HOSTS[..] } else { &[host.as_str()] };
                            for host in hosts {
                                link(&target, &self.packages.join(host).join(behind_host))?;
                            }
                            self.hosts.insert(host.clone());
                            self.has_packages = true;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Copies the modules that `init` installed.
    fn copy_modules(&self, data_folder: &Path, data_name: &str) -> Result<(), String> {
        let installed = data_folder.join("modules");
        let Ok(manifest) = fs::read(installed.join("modules.json")) else { return Ok(()) };
        let own = self.root.join(".terraform/modules");
        let mut copying = Copying { n_files: 0, n_bytes: 0, root: &installed, data_folder: own.clone() };
        copying.folder(&installed, &own, &mut Vec::new())?;
        // Whatever the data folder was called: here it has its usual name.
        let Ok(mut manifest) = serde_json::from_slice::<serde_json::Value>(&manifest) else { return Ok(()) };
        for module in manifest.get_mut("Modules").and_then(|modules| modules.as_array_mut()).into_iter().flatten() {
            let Some(serde_json::Value::String(folder)) = module.get_mut("Dir") else { continue };
            let relative = folder.strip_prefix(data_name).and_then(|rest| rest.strip_prefix("/modules/"));
            if let Some(relative) = relative.map(str::to_owned) {
                *folder = format!(".terraform/modules/{relative}");
            }
        }
        let write = |text: String| fs::write(own.join("modules.json"), text);
        write(manifest.to_string()).map_err(|error| format!("The list of modules cannot be copied: {error}."))
    }

    /// Writes the files that belong into the folders of modules.
    fn write_module_files(&self, wanted: &Wanted) -> Result<(), String> {
        if wanted.subject.module_files.is_empty() {
            return Ok(());
        }
        let (configuration, _) = Configuration::read(&Folder(&self.root), ".", ".terraform");
        for ((names, name), text) in &wanted.subject.module_files {
            let module = names.join(".");
            let file = configuration.modules.get(names).and_then(|module| module.files.first());
            let folder = file.and_then(|(path, _)| Path::new(path).parent());
            let folder = folder.ok_or_else(|| format!("The folder of the module {module} is not known."))?;
            fs::write(normalized(&self.root.join(folder)).join(name), text)
                .map_err(|error| format!("The file {name} of the module {module} cannot be written: {error}."))?;
        }
        Ok(())
    }

    fn state_folder(&self) -> PathBuf {
        match &self.workspace {
            None => self.root.clone(),
            Some(workspace) => self.root.join("terraform.tfstate.d").join(workspace),
        }
    }

    /// Puts the state in its place; before `init` it would be taken for one that has to be migrated.
    pub(super) fn write_state(&self, state: &StateFile) -> Result<(), tfstate::Error> {
        let fail = |error: io::Error| tfstate::Error::from_io("copy the state", error);
        let path = self.state_folder().join("terraform.tfstate");
        let mut file = private(&path).map_err(fail)?;
        let n_bytes = state.bytes.read_all(&mut |bytes| io::copy(bytes, &mut file).map_err(fail))?;
        // An empty file stands for no state, and would be an invalid one here.
        if n_bytes == 0 { fs::remove_file(path).map_err(fail) } else { Ok(()) }
    }

    /// Writes the values of variables into files: arguments and environments of processes can be seen by others.
    fn write_values(&mut self, wanted: &Wanted, top: &Path) -> io::Result<()> {
        let tree = Folder(&self.root);
        let (definitions, _) = Definitions::read(&tree, ".");
        for (position, source) in wanted.subject.sources.iter().enumerate() {
            match source {
                VariableSource::File(path) => self.value_files.push(wanted.current_dir.join(path)),
                VariableSource::Assignment { name, value } => {
                    // For a variable of another type it is an expression, as terraform takes it.
                    let is_text = definitions
                        .variables
                        .get(name)
                        .is_none_or(|variable| variable.constraint.ty.is_primitive() || *value == "null");
                    let (ending, text) = if is_text {
                        (".tfvars.json", serde_json::json!({ name.as_str(): value }).to_string())
                    } else {
                        (".tfvars", format!("{name} = {value}\n"))
                    };
                    let path = top.join(format!("value_{position}{ending}"));
                    private(&path)?.write_all(text.as_bytes())?;
                    self.value_files.push(path);
                }
            }
        }
        if wanted.subject.variables.is_empty() {
            return Ok(());
        }
        let mut values = serde_json::Map::new();
        for (name, value) in &wanted.subject.variables {
            let json = cty::json::encode(value, value.ty()).map_err(io::Error::other)?;
            values.insert(name.clone(), serde_json::from_slice(&json)?);
        }
        let path = top.join("values.tfvars.json");
        private(&path)?.write_all(serde_json::Value::Object(values).to_string().as_bytes())?;
        self.value_files.push(path);
        Ok(())
    }
}

/// Makes a file that nobody else can read.
fn private(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn link(target: &Path, link: &Path) -> io::Result<()> {
    if let Some(parent) = link.parent() {
        fs::create_dir_all(parent)?;
    }
    match symlink(target, link) {
        // Packages of both registries may be installed: the one that came first is as good.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

/// Lists the names of the folders in a folder, links to folders included.
fn folders(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let entries = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// What the code of a root module needs.
struct Places {
    /// The folders of modules, the root module's among them; none is in another one.
    modules: BTreeSet<PathBuf>,
    /// What stands in texts as a path that leads out of the folder, and is there.
    named: BTreeSet<PathBuf>,
}

impl Places {
    fn of(root: &Path, wanted: &Wanted) -> Self {
        let tree = Beside { folder: Folder(root), files: &wanted.subject.files };
        let (configuration, _) = Configuration::read(&tree, ".", &wanted.data_folder);
        let mut modules = BTreeSet::from([root.to_owned()]);
        let mut named = BTreeSet::new();
        for (path, _) in configuration.modules.values().flat_map(|module| &module.files) {
            let file = normalized(&root.join(path));
            let folder = file.parent().unwrap_or(root);
            if !file.starts_with(root) {
                modules.insert(folder.to_owned());
            }
            let Ok(bytes) = tree.read(path) else { continue };
            for path in paths_up(&String::from_utf8_lossy(&bytes)) {
                // Terraform takes it from where it runs, people write it behind `path.module`.
                let bases = [root, folder].into_iter().map(|base| normalized(&base.join(&path)));
                named.extend(bases.filter(|place| place.exists() && !root.starts_with(place)));
            }
        }
        let is_outermost = |place: &PathBuf| !place.ancestors().skip(1).any(|outer| modules.contains(outer));
        let modules: BTreeSet<PathBuf> = modules.iter().filter(|place| is_outermost(place)).cloned().collect();
        named.retain(|place| !place.ancestors().any(|outer| modules.contains(outer)));
        Self { modules, named }
    }
}

/// Finds the paths in a text that lead upwards, up to where something is put in.
pub(super) fn paths_up(text: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut rest = text;
    while let Some(start) = rest.find("../") {
        let behind = &rest[start..];
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '$' | '%' | ',' | ')' | ']' | '}' | '\\');
        let end = behind.find(is_end).unwrap_or(behind.len());
        let path = &behind[..end];
        // `../policies/${each.key}.json`: any file of the folder may be meant.
        let is_whole = behind[end..].starts_with('"');
        let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
        paths.insert(if is_whole { path } else { folder }.to_owned());
        rest = &behind[end..];
    }
    paths
}

/// Takes `.` and `..` out of a path.
fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            component => out.push(component),
        }
    }
    out
}

/// Copies folders, within limits.
struct Copying<'a> {
    n_files: usize,
    n_bytes: u64,
    /// The root module.
    root: &'a Path,
    data_folder: PathBuf,
}

impl Copying<'_> {
    fn folder(&mut self, from: &Path, to: &Path, around: &mut Vec<PathBuf>) -> Result<(), String> {
        let fail = |error: io::Error| format!("{} cannot be copied: {error}.", from.display());
        let real = from.canonicalize().map_err(fail)?;
        // A link may lead back to a folder around it.
        if around.contains(&real) || around.len() >= MAX_DEPTH || real == self.data_folder {
            return Ok(());
        }
        around.push(real);
        fs::create_dir_all(to).map_err(fail)?;
        for entry in fs::read_dir(from).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let (name, path) = (entry.file_name(), entry.path());
            let is_named = |names: &[&str]| names.iter().any(|uncopied| name == *uncopied);
            if (from == self.root && is_named(&UNCOPIED_IN_ROOT)) || (path.is_dir() && is_named(&UNCOPIED_FOLDERS)) {
                continue;
            }
            if path.is_dir() {
                self.folder(&path, &to.join(&name), around)?;
            } else if path.is_file() {
                self.file(&path, &to.join(&name))?;
            }
        }
        around.pop();
        Ok(())
    }

    fn file(&mut self, from: &Path, to: &Path) -> Result<(), String> {
        let fail = |error: io::Error| format!("{} cannot be copied: {error}.", from.display());
        let file = fs::File::open(from).map_err(fail)?;
        self.n_files += 1;
        self.n_bytes += file.metadata().map_err(fail)?.len();
        if self.n_files > MAX_FILES || self.n_bytes > MAX_BYTES {
            return Err(format!(
                "The root module, with what it refers to, is more than {MAX_FILES} files or {MAX_BYTES} bytes, which are \
                 not copied. Keep what is no configuration in another folder."
            ));
        }
        let mut target = fs::File::create(to).map_err(fail)?;
        io::copy(&mut file.take(MAX_BYTES), &mut target).map_err(fail)?;
        Ok(())
    }
}
