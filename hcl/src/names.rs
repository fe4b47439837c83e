//! Which names a root has taken: what is added beside its files must meet none of them.

use std::collections::BTreeSet;

use model::{Diagnostics, InstanceAddress, ModuleAddress, ResourceAddress, ResourceMode};

use crate::module;
use crate::source::SourceTree;
use crate::syntax::BlockSyntax;

/// The names that a root has taken, in any file that either program reads.
///
/// ```
/// use hcl::MemoryTree;
/// use hcl::names::OccupiedNames;
/// let main = "resource \"aws_sqs_queue\" \"jobs\" {}\n";
/// let tree = MemoryTree([("Imports.tf".to_owned(), main.as_bytes().to_vec())].into());
/// let (taken, _) = OccupiedNames::read(&tree, ".");
/// assert!(taken.resources.contains(&model::ResourceAddress::managed("aws_sqs_queue", "jobs")));
/// assert_eq!(taken.free_file("imports"), "imports_2.tf");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OccupiedNames {
    /// Resources and data sources of the root module: those that have blocks, and those that `import`, `moved` and
    /// `removed` blocks speak of.
    pub resources: BTreeSet<ResourceAddress>,
    /// Variables.
    pub variables: BTreeSet<String>,
    /// Local values.
    pub locals: BTreeSet<String>,
    /// Outputs.
    pub outputs: BTreeSet<String>,
    /// Calls of modules.
    pub calls: BTreeSet<String>,
    /// Files, in lower case: some file systems tell no case.
    files: BTreeSet<String>,
    /// Whether every file was read without a mistake: only then a name that is not here is free.
    pub is_complete: bool,
}

impl OccupiedNames {
    /// Reads the names that the files of a folder take.
    pub fn read(tree: &dyn SourceTree, folder: &str) -> (Self, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let mut names = Self::default();
        for found in module::every_file(tree, folder, &mut diagnostics) {
            for block in &found.file.body.blocks {
                names.add(&found.file, block);
            }
        }
        names.is_complete = !model::diagnostic::has_errors(&diagnostics);
        names.files = tree.list(folder).unwrap_or_default().iter().map(|name| name.to_lowercase()).collect();
        (names, diagnostics)
    }

    fn add(&mut self, file: &crate::File, block: &BlockSyntax) {
        let body = &block.body;
        match (block.block_type.as_str(), block.labels.as_slice()) {
            ("variable", [name]) => {
                self.variables.insert(name.clone());
            }
            ("locals", []) => self.locals.extend(body.attributes.iter().map(|attribute| attribute.name.clone())),
            ("output", [name]) => {
                self.outputs.insert(name.clone());
            }
            ("module", [name]) => {
                self.calls.insert(name.clone());
            }
            (mode @ ("resource" | "data"), [resource_type, name]) => {
                self.resources.insert(ResourceAddress {
                    module: ModuleAddress::root(),
                    mode: if mode == "data" { ResourceMode::Data } else { ResourceMode::Managed },
                    resource_type: resource_type.as_str().into(),
                    name: name.as_str().into(),
                });
            }
            ("import" | "moved" | "removed", []) => {
                let spoken_of = ["to", "from"].into_iter().filter_map(|name| body.attribute(name));
                let addresses = spoken_of.filter_map(|attribute| {
                    let text = file.source(&attribute.expression);
                    // A key that must be evaluated stands behind the name.
                    let without_key = text.split('[').next().unwrap_or_default();
                    let address = text.parse().or_else(|_| without_key.parse::<InstanceAddress>());
                    address.ok().map(|address| address.resource).filter(|address| address.module.is_root())
                });
                self.resources.extend(addresses);
            }
            _ => {}
        }
    }

    /// Tells whether a file of a name would stand in the place of another one, or be hidden by it.
    ///
    /// OpenTofu passes over `x.tf` where there is an `x.tofu`. Names ending in `override.tf` would change what other
    /// files say, and are never free.
    pub fn has_file(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let hiding = name.replace(".tf", ".tofu");
        module::is_override(&name) || self.files.contains(&name) || self.files.contains(&hiding)
    }

    /// Gives a free name for a file of configuration: `stem.tf`, else with the first number from 2 on that is free.
    pub fn free_file(&self, stem: &str) -> String {
        let numbered = (2_u64..).map(|number| format!("{stem}_{number}.tf"));
        let mut names = std::iter::once(format!("{stem}.tf")).chain(numbered);
        names.find(|name| !self.has_file(name)).unwrap_or_default()
    }
}
