//! Where files go that belong into the folder of a module.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use hcl::configuration::Configuration;
use model::{Diagnostic, Diagnostics};

use super::{AdoptAnswer, AdoptRequest};
use crate::Session;
use crate::code::{self, Folder};

/// Moves the files of modules to those of the root module, by their paths from there.
///
/// A module that the root module calls from a folder has them in that folder. The code of any other module is nobody's to
/// write to: its files lie in `modules/NAME`, and a warning says so. `is_in_root` tells that paths may lead out of the
/// root module's folder, as that is where they are written.
pub fn place_module_files(
    session: &Session,
    request: &AdoptRequest,
    answer: &mut AdoptAnswer,
    is_in_root: bool,
) -> Diagnostics {
    let mut problems = Diagnostics::new();
    if answer.module_files.is_empty() {
        return problems;
    }
    let data_folder = session.environment.get("TF_DATA_DIR").unwrap_or(".terraform");
    let root = code::root(&request.comparison.states, session);
    let configuration = root.map(|root| Configuration::read(&Folder(&root), ".", data_folder).0);
    let mut unplaced: BTreeMap<String, String> = BTreeMap::new();
    for (place, text) in std::mem::take(&mut answer.module_files) {
        let names: Vec<String> = place.module.steps().iter().map(|step| step.name.to_string()).collect();
        let file = configuration.as_ref().and_then(|read| read.modules.get(&names)?.files.first());
        let folder = file.and_then(|(path, _)| Path::new(path).parent());
        let is_own = |folder: &&Path| {
            let leads_out = folder.components().any(|part| part == Component::ParentDir);
            !folder.starts_with(data_folder) && folder.is_relative() && (is_in_root || !leads_out)
        };
        let folder = match folder.filter(is_own) {
            Some(folder) => folder.to_string_lossy().into_owned(),
            None => {
                let folder = format!("modules/{}", names.join("_"));
                unplaced.insert(place.module.to_string(), folder.clone());
                folder
            }
        };
        answer.files.insert(format!("{folder}/{}", place.name), text);
    }
    for (module, folder) in unplaced {
        let detail =
            format!("{module} is not called from a folder of the root module. Its files are written to {folder}.");
        let call = module.strip_prefix("module.").filter(|name| !name.contains(['.', '[']));
        let help = match call {
            Some(name) => {
                format!("Move them to the module's own code, or add: module {name:?} {{ source = \"./{folder}\" }}")
            }
            None => "Move them to the module's own code before you plan.".to_owned(),
        };
        problems
            .push(Diagnostic::warning("module-not-there", "Files of a module are set apart", detail).with_help(help));
    }
    problems
}
