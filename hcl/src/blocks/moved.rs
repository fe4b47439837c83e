//! Where the objects of recorded addresses are now: `moved` blocks, and the moves that nobody needs to write.

use std::collections::{BTreeMap, BTreeSet};

use model::{Diagnostic, Diagnostics, InstanceAddress, InstanceKey, ModuleAddress, ResourceAddress, Span};

use super::target::{BlockTarget, fixed_target};
use crate::configuration::Configuration;
use crate::evaluate::Written;

/// All moves that a configuration states.
#[derive(Clone, Debug)]
pub struct Moves<'c> {
    configuration: &'c Configuration,
    statements: Vec<MoveStatement>,
}

/// A `moved` block.
#[derive(Clone, Debug)]
pub struct MoveStatement {
    /// The module whose code states it, by the names of the calls; all its instances are meant.
    pub module: Vec<String>,
    /// From where, seen from that module.
    pub from: BlockTarget,
    /// To where, seen from that module.
    pub to: BlockTarget,
    /// Where the block begins.
    pub span: Span,
}

impl Configuration {
    /// Gives the moves that the code states, and what is wrong with them.
    pub fn moves(&self) -> (Moves<'_>, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let mut statements = Vec::new();
        for (names, definitions) in &self.definitions {
            for block in &definitions.moved {
                let end = |name: &str| match block.written.attribute(name) {
                    Some((file, attribute)) => fixed_target(file, attribute),
                    None => {
                        let detail = format!("A `moved` block has an argument {name:?}.");
                        let problem = Diagnostic::error("invalid-block", "Missing argument", detail);
                        Err(Box::new(problem.at_span(block.span.clone())))
                    }
                };
                match (end("from"), end("to")) {
                    (Ok(from), Ok(to)) => {
                        let is_one_kind =
                            matches!(from, BlockTarget::Module(_)) == matches!(to, BlockTarget::Module(_));
                        if is_one_kind {
                            let span = block.span.clone();
                            let wrong = if from == to {
                                Some(format!("{from} is moved to itself."))
                            } else if !from.has_key() && !to.has_key() && self.still_has(names, &from) {
                                Some(format!("The code still has {from}, which is said to have moved."))
                            } else {
                                None
                            };
                            diagnostics.extend(wrong.map(|detail| {
                                let problem = Diagnostic::error("invalid-block", "Invalid move", detail);
                                problem.at_span(span.clone())
                            }));
                            statements.push(MoveStatement { module: names.clone(), from, to, span });
                            continue;
                        }
                        let detail = format!("{from} and {to} are not both modules, or both resources.");
                        let problem = Diagnostic::error("invalid-block", "Invalid move", detail);
                        diagnostics.push(problem.at_span(block.span.clone()));
                    }
                    (from, to) => diagnostics.extend([from.err(), to.err()].into_iter().flatten().map(|it| *it)),
                }
            }
        }
        let is_same = |a: &MoveStatement, b: &MoveStatement| a.module == b.module && a.to == b.to && a.from != b.from;
        for (at, statement) in statements.iter().enumerate() {
            if statements[..at].iter().any(|earlier| is_same(earlier, statement)) {
                let detail = format!("Another `moved` block moves something else to {}.", statement.to);
                let problem = Diagnostic::error("invalid-block", "Invalid move", detail);
                diagnostics.push(problem.at_span(statement.span.clone()));
            }
        }
        // Calls of one folder state the same mistakes.
        let mut told = Diagnostics::new();
        for problem in diagnostics {
            if !told.contains(&problem) {
                told.push(problem);
            }
        }
        (Moves { configuration: self, statements }, told)
    }
}

impl Moves<'_> {
    /// Gives the `moved` blocks.
    pub fn statements(&self) -> &[MoveStatement] {
        &self.statements
    }

    /// Tells where the object of a recorded address is now, as far as no other object is in its way.
    pub fn current(&self, address: &InstanceAddress) -> InstanceAddress {
        self.follow(address, &|_| false)
    }

    /// Tells where the objects of all recorded addresses are now. An address that is taken is not moved to.
    pub fn all_current(&self, recorded: &BTreeSet<InstanceAddress>) -> BTreeMap<InstanceAddress, InstanceAddress> {
        let resources: BTreeSet<&ResourceAddress> = recorded.iter().map(|address| &address.resource).collect();
        let modules: BTreeSet<&ModuleAddress> = recorded.iter().map(|address| &address.resource.module).collect();
        let is_taken = |end: &Taken<'_>| match end {
            Taken::Module(module) => modules.contains(module),
            Taken::Resource(resource) => resources.contains(resource),
            Taken::Instance(instance) => recorded.contains(*instance),
        };
        recorded.iter().map(|address| (address.clone(), self.follow(address, &is_taken))).collect()
    }

    fn follow(&self, address: &InstanceAddress, is_taken: &dyn Fn(&Taken<'_>) -> bool) -> InstanceAddress {
        let mut address = address.clone();
        let mut was_moved = false;
        let mut waiting: Vec<&MoveStatement> = self.statements.iter().collect();
        loop {
            // What names an inner part comes before what names the whole.
            let matching = waiting.iter().enumerate().filter_map(|(at, it)| Some((at, *it, it.apply(&address)?)));
            let next = matching.max_by_key(|(at, it, _)| (it.precision(), std::cmp::Reverse(*at)));
            let Some((at, statement, moved)) = next else { break };
            waiting.remove(at);
            if is_taken(&statement.taken(&moved)) {
                continue;
            }
            address = moved;
            was_moved = true;
        }
        if was_moved {
            return address;
        }
        self.implied(&address).filter(|moved| !is_taken(&Taken::Instance(moved))).unwrap_or(address)
    }

    /// Gives where an object is after `count` was added to or taken from a resource of which no block speaks.
    fn implied(&self, address: &InstanceAddress) -> Option<InstanceAddress> {
        let in_module = ResourceAddress { module: ModuleAddress::root(), ..address.resource.clone() };
        let names = address.resource.module.call_names();
        let resource = self.configuration.definitions.get(&names)?.resources.get(&in_module)?;
        if self.statements.iter().any(|statement| statement.mentions(&address.resource)) {
            return None;
        }
        let key = implied_key(address.key.as_ref(), &resource.written);
        (key != address.key).then(|| address.resource.clone().instance(key))
    }
}

/// What an object would take.
enum Taken<'a> {
    Module(ModuleAddress),
    Resource(&'a ResourceAddress),
    Instance(&'a InstanceAddress),
}

impl MoveStatement {
    /// Tells whether it is about single instances, and not about all of a resource or module.
    fn is_of_instances(&self) -> bool {
        self.from.has_key() || self.to.has_key()
    }

    /// Counts what must fit: an inner part is before the whole.
    fn precision(&self) -> usize {
        let is_resource = matches!(self.from, BlockTarget::Resource(_));
        2 * (self.module.len() + self.from.module().steps().len() + usize::from(is_resource))
            + usize::from(self.is_of_instances())
    }

    /// Gives where it moves an address; `None` where it is not about it.
    fn apply(&self, address: &InstanceAddress) -> Option<InstanceAddress> {
        let steps = address.resource.module.steps();
        let (declared, rest) = steps.split_at_checked(self.module.len())?;
        if !declared.iter().zip(&self.module).all(|(step, name)| *step.name == **name) {
            return None;
        }
        let wanted = self.from.module().steps();
        let (inner, rest) = rest.split_at_checked(wanted.len())?;
        let moved = match (&self.from, &self.to) {
            (BlockTarget::Module(_), BlockTarget::Module(to)) => {
                let (last, before) = wanted.split_last()?;
                let (inner_last, inner_before) = inner.split_last()?;
                let is_meant = before == inner_before
                    && last.name == inner_last.name
                    && (!self.is_of_instances() || last.key == inner_last.key);
                if !is_meant {
                    return None;
                }
                let mut to = to.steps().to_vec();
                if !self.is_of_instances()
                    && let Some(step) = to.last_mut()
                {
                    step.key.clone_from(&inner_last.key);
                }
                let module = ModuleAddress::from_steps([declared, &to, rest].concat());
                let resource = ResourceAddress { module, ..address.resource.clone() };
                InstanceAddress { resource, key: address.key.clone() }
            }
            (BlockTarget::Resource(from), BlockTarget::Resource(to)) => {
                let is_meant = wanted == inner
                    && rest.is_empty()
                    && from.resource.mode == address.resource.mode
                    && from.resource.resource_type == address.resource.resource_type
                    && from.resource.name == address.resource.name
                    && (!self.is_of_instances() || from.key == address.key);
                if !is_meant {
                    return None;
                }
                let module = ModuleAddress::from_steps([declared, to.resource.module.steps()].concat());
                let key = if self.is_of_instances() { &to.key } else { &address.key };
                InstanceAddress { resource: ResourceAddress { module, ..to.resource.clone() }, key: key.clone() }
            }
            _ => return None,
        };
        (moved != *address).then_some(moved)
    }

    /// Gives what must be free for an object to come to an address.
    fn taken<'a>(&self, moved: &'a InstanceAddress) -> Taken<'a> {
        match &self.to {
            BlockTarget::Module(_) => Taken::Module(moved.resource.module.clone()),
            BlockTarget::Resource(_) if self.is_of_instances() => Taken::Instance(moved),
            BlockTarget::Resource(_) => Taken::Resource(&moved.resource),
        }
    }

    /// Tells whether it names a resource, or one of its instances.
    fn mentions(&self, resource: &ResourceAddress) -> bool {
        [&self.from, &self.to].into_iter().any(|end| {
            let BlockTarget::Resource(end) = end else { return false };
            let steps = resource.module.steps();
            let names = steps.iter().map(|step| &*step.name);
            let inner = end.resource.module.steps();
            let own = self.module.iter().map(String::as_str).chain(inner.iter().map(|step| &*step.name));
            names.eq(own)
                && steps[self.module.len()..] == *inner
                && end.resource.mode == resource.mode
                && end.resource.resource_type == resource.resource_type
                && end.resource.name == resource.name
        })
    }
}

/// Gives the key that a recorded one has become: none and zero stand for each other.
fn implied_key(recorded: Option<&InstanceKey>, written: &Written) -> Option<InstanceKey> {
    let is_counted = written.attribute("count").is_some();
    let is_repeated = is_counted || written.attribute("for_each").is_some();
    match recorded {
        None if is_counted => Some(InstanceKey::Int(0)),
        Some(InstanceKey::Int(0)) if !is_repeated => None,
        other => other.cloned(),
    }
}
