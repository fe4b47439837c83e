//! What the code no longer has, on purpose: `removed` blocks.

use model::{Diagnostic, Diagnostics, InstanceAddress, ModuleAddress, ResourceAddress, ResourceMode, Span};

use super::target::{BlockTarget, fixed_target};
use crate::configuration::Configuration;
use crate::definitions::BlockDefinition;
use crate::gates::Program;

/// A `removed` block.
#[derive(Clone, Debug)]
pub struct Removal {
    /// The module whose code states it, by the names of the calls; all its instances are meant.
    pub module: Vec<String>,
    /// What was removed, seen from that module.
    pub from: BlockTarget,
    /// What `lifecycle` says: whether the objects are destroyed. `None` where it says nothing.
    pub destroy: Option<bool>,
    /// Where the block begins.
    pub span: Span,
}

impl Configuration {
    /// Gives what `removed` blocks state, and what is wrong with them.
    pub fn removals(&self) -> (Vec<Removal>, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let mut removals = Vec::new();
        for (names, definitions) in &self.definitions {
            for block in &definitions.removed {
                let found = removal(names, block).and_then(|removal| {
                    if !self.still_has(names, &removal.from) {
                        return Ok(removal);
                    }
                    let detail = format!("The code still has {}, which a `removed` block says is gone.", removal.from);
                    let problem = Diagnostic::error("invalid-block", "Removed object still exists", detail);
                    Err(Box::new(problem.at_span(removal.span)))
                });
                match found {
                    Ok(removal) => removals.push(removal),
                    Err(problem) if diagnostics.contains(&problem) => {}
                    Err(problem) => diagnostics.push(*problem),
                }
            }
        }
        (removals, diagnostics)
    }

    /// Tells whether the code has the block that a module, by the names of the calls, means.
    pub(crate) fn still_has(&self, names: &[String], target: &BlockTarget) -> bool {
        let mut names = names.to_vec();
        names.extend(target.module().call_names());
        match target {
            BlockTarget::Module(_) => {
                let call = names.pop();
                let definitions = self.definitions.get(&names);
                call.zip(definitions).is_some_and(|(call, definitions)| definitions.calls.contains_key(&call))
            }
            BlockTarget::Resource(address) => {
                let in_module = ResourceAddress { module: ModuleAddress::root(), ..address.resource.clone() };
                self.definitions.get(&names).is_some_and(|it| it.resources.contains_key(&in_module))
            }
        }
    }
}

impl Removal {
    /// Tells whether the objects are destroyed. Where the block does not say it, terraform destroys, and `OpenTofu` forgets.
    pub fn destroys(&self, program: Program) -> bool {
        self.destroy.unwrap_or(program == Program::Terraform)
    }

    /// Tells whether it is about an instance.
    pub fn removes(&self, address: &InstanceAddress) -> bool {
        let own = self.module.iter().map(String::as_str);
        let inner = self.from.module().steps().iter().map(|step| &*step.name);
        let wanted: Vec<&str> = own.chain(inner).collect();
        let steps = address.resource.module.steps();
        let is_inside =
            steps.len() >= wanted.len() && steps.iter().zip(&wanted).all(|(step, name)| &*step.name == *name);
        match &self.from {
            BlockTarget::Module(_) => is_inside,
            BlockTarget::Resource(from) => {
                is_inside
                    && steps.len() == wanted.len()
                    && from.resource.mode == address.resource.mode
                    && from.resource.resource_type == address.resource.resource_type
                    && from.resource.name == address.resource.name
            }
        }
    }
}

fn removal(names: &[String], block: &BlockDefinition) -> Result<Removal, Box<Diagnostic>> {
    let wrong = |detail: String| {
        Box::new(Diagnostic::error("invalid-block", "Invalid removal", detail).at_span(block.span.clone()))
    };
    let (file, from) = block
        .written
        .attribute("from")
        .ok_or_else(|| wrong("A `removed` block has an argument \"from\".".to_owned()))?;
    let from = fixed_target(file, from)?;
    if from.has_any_key() {
        return Err(wrong(format!("{from} has a key; a `removed` block is about all instances.")));
    }
    if matches!(&from, BlockTarget::Resource(address) if address.resource.mode == ResourceMode::Data) {
        return Err(wrong(format!("{from} is a data source, of which nothing is kept that could be removed.")));
    }
    let lifecycle = block.written.blocks().find(|(_, inner)| inner.block_type == "lifecycle");
    let destroy = lifecycle.and_then(|(file, lifecycle)| Some((file, lifecycle.body.attribute("destroy")?)));
    let destroy = match destroy {
        None => None,
        Some((file, destroy)) => {
            let value = file.literal(&destroy.expression).ok();
            let value = value.and_then(|value| cty::convert::convert(&value, &cty::Type::Bool).ok()?.as_bool());
            Some(value.ok_or_else(|| wrong("`destroy` must be true or false, as a literal.".to_owned()))?)
        }
    };
    Ok(Removal { module: names.to_vec(), from, destroy, span: block.span.clone() })
}
