//! Whatever a root module says, every value of it is found or refused.
#![no_main]

use std::sync::Arc;

use hcl::MemoryTree;
use hcl::configuration::Configuration;
use hcl::root::{Root, Sources};
use hcl::variables::VariableValues;
use libfuzzer_sys::fuzz_target;
use model::ModuleAddress;

fuzz_target!(|texts: (&str, &str, &str)| {
    let (code, called, values) = texts;
    let files = [("main.tf", code), ("called/main.tf", called), ("terraform.tfvars", values)];
    let tree = MemoryTree(files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into());
    let (configuration, _) = Configuration::read(&tree, ".", ".terraform");
    let mut variables = VariableValues::default();
    let _ = variables.add_standard_files(&tree);
    let root = Root::new(Sources {
        configuration: Arc::new(configuration),
        variables: Arc::new(variables),
        tree: Arc::new(tree),
        home: None,
        workspace: "default".to_owned(),
        current_dir: None,
    });
    let schema = model::Block::default();
    let expansion = root.expand();
    for module in expansion.modules.iter().take(20) {
        let Some(definitions) = root.definitions(module) else { continue };
        for name in definitions.variables.keys() {
            let _ = root.variable(module, name);
        }
        for name in definitions.locals.keys() {
            let _ = root.local(module, name);
        }
        for name in definitions.outputs.keys() {
            let _ = root.output(module, name);
        }
    }
    for address in expansion.instances.iter().take(20) {
        let _ = root.instance(address, &schema);
    }
    let _ = root.local(&ModuleAddress::root(), "a");
});
