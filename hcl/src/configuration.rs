//! A root module with the modules it calls, as far as their code is at hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Diagnostic, Diagnostics, ModuleAddress, ResourceAddress};

use crate::definitions::Definitions;
use crate::gates::Program;
use crate::module::{self, Module, ResourceBlock};
use crate::source::SourceTree;

/// How deep module calls may nest.
const MAX_DEPTH: usize = 32;
/// How many module calls are followed.
const MAX_CALLS: usize = 10_000;

/// All code of a root module: its own, and that of every module it calls, by the names of the calls.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// The modules that were read; the root module has no names. Calls of one folder share what was read there.
    pub modules: BTreeMap<Vec<String>, Arc<Module>>,
    /// What each of them defines for evaluation.
    pub definitions: BTreeMap<Vec<String>, Arc<Definitions>>,
    /// The program it was read for; `None` where either may run it.
    pub program: Option<Program>,
    /// The calls whose code is not at hand, with the reason as a clause.
    pub unread: BTreeMap<Vec<String>, String>,
}

/// Says what the code has at an address.
#[derive(Clone, Copy, Debug)]
pub enum Lookup<'c> {
    /// This block.
    Block(&'c ResourceBlock),
    /// Nothing, for certain: the module was read without a mistake.
    Absent,
    /// The module's code is not at hand, or not all of it could be read: nobody knows.
    Unread,
}

impl Configuration {
    /// Reads the root module in a folder, and every module it calls whose code lies in the tree: those with a relative
    /// path as source, and those that `terraform init` put into the data folder (`.terraform`, or what `TF_DATA_DIR`
    /// names, relative to the root module).
    ///
    /// Where `OpenTofu` has a file of its own, that counts: [`Self::read_for`] reads as a certain program does.
    pub fn read(tree: &dyn SourceTree, folder: &str, data_folder: &str) -> (Self, Diagnostics) {
        Self::read_for(tree, folder, data_folder, None)
    }

    /// Reads as [`Self::read`] does, for a program: terraform does not read the files of `OpenTofu`, which reads them in
    /// the place of those of the same name.
    pub fn read_for(
        tree: &dyn SourceTree,
        folder: &str,
        data_folder: &str,
        program: Option<Program>,
    ) -> (Self, Diagnostics) {
        let mut configuration = Self { program, ..Self::default() };
        let mut diagnostics = Diagnostics::new();
        let installed = installed(tree, folder, data_folder, &mut diagnostics);
        let mut waiting = vec![(Vec::new(), folder.to_owned())];
        // Every folder is read once, and what is wrong in it is said once.
        let mut folders: BTreeMap<String, (Arc<Module>, Arc<Definitions>)> = BTreeMap::new();
        while let Some((names, module_folder)) = waiting.pop() {
            let (module, definitions) = match folders.get(&module_folder) {
                Some((module, definitions)) => (Arc::clone(module), Arc::clone(definitions)),
                None => {
                    let (module, definitions, problems) = read_folder(tree, &module_folder, program);
                    diagnostics.extend(problems);
                    let read = (Arc::new(module), Arc::new(definitions));
                    folders.insert(module_folder.clone(), (Arc::clone(&read.0), Arc::clone(&read.1)));
                    read
                }
            };
            for call in &module.calls {
                let names = [names.as_slice(), std::slice::from_ref(&call.name)].concat();
                let is_relative = |source: &&String| source.starts_with("./") || source.starts_with("../");
                let found = match (installed.get(&names.join(".")), call.source.as_ref().filter(is_relative)) {
                    (_, Some(source)) => Ok(join(&module_folder, source)),
                    (Some(installed), None) => Ok(join(folder, installed)),
                    (None, None) if call.source.is_none() => {
                        Err("its source is missing or no literal, and it is not installed; run `tofu init`")
                    }
                    (None, None) => Err("it is not installed; run `terraform init`"),
                };
                match found {
                    Ok(_) if names.len() > MAX_DEPTH || configuration.modules.len() + waiting.len() > MAX_CALLS => {
                        configuration.unread.insert(names, "modules call each other without end".to_owned());
                    }
                    Ok(folder) => waiting.push((names, folder)),
                    Err(reason) => {
                        configuration.unread.insert(names, reason.to_owned());
                    }
                }
            }
            if module.files.is_empty() && !names.is_empty() {
                configuration.unread.insert(names, format!("the folder {module_folder:?} holds no configuration"));
            } else {
                configuration.definitions.insert(names.clone(), definitions);
                configuration.modules.insert(names, module);
            }
        }
        (configuration, diagnostics)
    }

    /// Gives the root module.
    pub fn root(&self) -> Option<&Module> {
        self.modules.get(&Vec::new()).map(|module| &**module)
    }

    /// Finds the block of a resource. Instance keys of modules do not matter: all instances have the same code.
    pub fn resource(&self, address: &ResourceAddress) -> Lookup<'_> {
        let names = address.module.call_names();
        let Some(module) = self.modules.get(&names) else {
            // A call that nobody makes has no resources; one that was not read may have any.
            let is_unread = (0..=names.len()).any(|n_names| {
                let outer = &names[..n_names];
                self.unread.contains_key(outer) || self.modules.get(outer).is_some_and(|module| !module.is_complete)
            });
            return if is_unread || self.modules.is_empty() { Lookup::Unread } else { Lookup::Absent };
        };
        let in_module = ResourceAddress { module: ModuleAddress::root(), ..address.clone() };
        match module.resource(&in_module) {
            Some(block) => Lookup::Block(block),
            None if module.is_complete => Lookup::Absent,
            None => Lookup::Unread,
        }
    }
}

/// Reads what the module in a folder declares, and what it defines, from one parse of its files.
fn read_folder(tree: &dyn SourceTree, folder: &str, program: Option<Program>) -> (Module, Definitions, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let files = module::files_for(tree, folder, program, &mut diagnostics);
    let module = Module::of_files(&files, &mut diagnostics);
    // The mistakes in them are kept with them.
    let (definitions, _) = Definitions::of_files(folder, &files);
    (module, definitions, diagnostics)
}

/// Finds the folder of a called module, by the names of the calls that lead to it, the folder of its caller and the
/// source that the call names.
///
/// # Errors
/// Why its code is not at hand, as a clause.
pub fn module_folder(
    tree: &dyn SourceTree,
    data_folder: &str,
    names: &[String],
    caller: &str,
    source: Option<&str>,
) -> Result<String, &'static str> {
    match source.filter(|source| source.starts_with("./") || source.starts_with("../")) {
        Some(source) => Ok(join(caller, source)),
        None => installed(tree, ".", data_folder, &mut Diagnostics::new())
            .get(&names.join("."))
            .map(|folder| join(".", folder))
            .ok_or("it is not installed; run `terraform init`"),
    }
}

/// Reads where `terraform init` put modules: folders by the names of the calls, joined with dots.
fn installed(
    tree: &dyn SourceTree,
    folder: &str,
    data_folder: &str,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, String> {
    let path = join(folder, &format!("{data_folder}/modules/modules.json"));
    // Without it nothing is installed, which is no mistake.
    let Ok(bytes) = tree.read(&path) else { return BTreeMap::new() };
    let manifest = match cty::json::decode_implied(&bytes) {
        Ok(manifest) => manifest,
        Err(error) => {
            let detail = format!("{path} is not what `terraform init` writes ({error}); run `terraform init` again.");
            diagnostics.push(Diagnostic::warning("modules-unread", "Installed modules are not known", detail));
            return BTreeMap::new();
        }
    };
    let modules = manifest.entries().find(|(name, _)| *name == "Modules").map(|(_, modules)| modules.elements());
    let text = |module: &cty::Value, wanted: &str| {
        let (_, value) = module.entries().find(|(name, _)| *name == wanted)?;
        value.as_str().map(str::to_owned)
    };
    modules.into_iter().flatten().filter_map(|module| Some((text(module, "Key")?, text(module, "Dir")?))).collect()
}

/// Goes from one folder to another that is named relative to it.
fn join(folder: &str, relative: &str) -> String {
    if relative.starts_with('/') {
        return relative.to_owned();
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| *part != ".").collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}
