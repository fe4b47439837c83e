//! What a change is about in one root module: its code before and after, instance by instance.
//!
//! What is made of the same text is not touched, and nothing of it is evaluated. The rest is evaluated on both sides by the
//! schema of its provider, and compared path by path. What is unknown on a side is touched only where its text is
//! another, or that of something it is made of.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, Type, Value};
use drift::change::{RootChange, Touch, TouchKind};
use hcl::configuration::Lookup;
use hcl::evaluate::Written;
use hcl::root::{Expansion, META_ARGUMENTS, Root};
use model::{Block, InstanceAddress, ModuleAddress, ProviderConfigAddress, ResourceAddress, ResourceMode, Span};

use super::answers::AnsweredSide;
use super::depends::{Differences, Pair, names_of};
use crate::evaluation::RootModule;

/// Why a value cannot be compared, where one side of it is unknown.
const KNOWN_LATER: &str = "what it is set to is known only when it is applied";

/// A root module on one side of a change.
struct Side<'a> {
    module: &'a RootModule,
    expansion: Expansion,
    instances: BTreeSet<InstanceAddress>,
}

impl<'a> Side<'a> {
    fn of(module: &'a RootModule) -> Self {
        let expansion = module.evaluate(Root::expand);
        let managed = expansion.instances.iter().filter(|it| it.resource.mode == ResourceMode::Managed);
        let instances = managed.cloned().collect();
        Self { module, expansion, instances }
    }

    /// Says why nobody can tell whether the code has an instance; `None` where it is told.
    fn doubt(&self, address: &InstanceAddress) -> Option<String> {
        let resource = &address.resource;
        let steps = resource.module.steps();
        let is_on_way = |module: &ModuleAddress| {
            let unknown = module.steps();
            let Some((last, outer)) = unknown.split_last() else { return true };
            steps.len() >= unknown.len() && steps[..outer.len()] == *outer && steps[outer.len()].name == last.name
        };
        if self.instances.contains(address) {
            return None;
        }
        let of_module = self.expansion.unknown_modules.iter().find(|(module, _)| is_on_way(module));
        let of_resource = self.expansion.unknown_resources.iter().find(|(unknown, _)| unknown == resource);
        if let Some(reason) = of_module.map(|(_, reason)| reason).or(of_resource.map(|(_, reason)| reason)) {
            return Some(format!("which instances there are is not known: {reason}"));
        }
        let faulty = (0..=steps.len()).map(|n| ModuleAddress::from_steps(steps[..n].to_vec()));
        let faulty = faulty
            .into_iter()
            .find(|module| self.module.definitions(module).is_some() && !self.module.is_complete(module));
        faulty.map(|_| "not all of its code could be read".to_owned())
    }

    fn written(&self, address: &ResourceAddress) -> Option<(&Written, &Span)> {
        let in_module = ResourceAddress { module: ModuleAddress::root(), ..address.clone() };
        let found = self.module.definitions(&address.module)?.resources.get(&in_module)?;
        Some((&found.written, &found.span))
    }
}

/// Which instances a change of files makes others.
pub(crate) struct Others {
    /// Those whose code is another, or what that is made of; data sources included.
    pub(crate) instances: BTreeSet<InstanceAddress>,
    /// Whether both sides have the same instances, known ones and unknown ones.
    pub(crate) are_same: bool,
    /// One whose provider has another configuration, or one made of something else.
    pub(crate) of_other_provider: Option<InstanceAddress>,
}

/// Finds what a change of files makes another, by the text alone.
pub(crate) fn others(base: &RootModule, head: &RootModule, changed: &BTreeSet<String>) -> Others {
    let comparison = Comparison::new(base, head, changed);
    let all = |side: &Side<'_>| {
        let unknown_modules = side.expansion.unknown_modules.iter().map(|(module, _)| module.clone());
        let unknown_resources = side.expansion.unknown_resources.iter().map(|(resource, _)| resource.clone());
        let instances = side.expansion.instances.iter().cloned().collect::<BTreeSet<_>>();
        (instances, unknown_modules.collect::<BTreeSet<_>>(), unknown_resources.collect::<BTreeSet<_>>())
    };
    let (before, after) = (all(&comparison.base), all(&comparison.head));
    let instances: BTreeSet<_> =
        after.0.iter().filter(|address| comparison.is_other(address, address)).cloned().collect();
    let of_other_provider = instances.iter().find(|address| comparison.provider_differs(address, address)).cloned();
    Others { instances, are_same: before == after, of_other_provider }
}

/// Gives the schemas of resource types, where their providers could be asked.
pub(super) trait TouchSchemas {
    /// Finds the schema of a type, or says why there is none, as a sentence.
    fn schema(&self, provider: &ProviderConfigAddress, resource_type: &str) -> Result<&Block, String>;
}

/// A change that is being looked at.
pub(super) struct Comparison<'a> {
    base: Side<'a>,
    head: Side<'a>,
    differences: Differences<'a>,
    /// The addresses before, by those after; and the other way round.
    before: BTreeMap<InstanceAddress, InstanceAddress>,
    after: BTreeMap<InstanceAddress, InstanceAddress>,
    /// Which blocks are others: all instances of one have the same code.
    others: RefCell<BTreeMap<(Pair, ResourceAddress, ResourceAddress), bool>>,
}

impl<'a> Comparison<'a> {
    /// Reads both sides; `changed` are the files that differ.
    pub(super) fn new(base: &'a RootModule, head: &'a RootModule, changed: &BTreeSet<String>) -> Self {
        let (base, head) = (Side::of(base), Side::of(head));
        let (moves, _) = head.module.configuration().moves();
        let after = moves.all_current(&base.instances);
        let after: BTreeMap<_, _> = after
            .into_iter()
            .filter(|(from, to)| from != to && !head.instances.contains(from) && head.instances.contains(to))
            .collect();
        let before = after.iter().map(|(from, to)| (to.clone(), from.clone())).collect();
        let variables = variables(base.module, head.module);
        let differences =
            Differences::new(base.module.configuration(), head.module.configuration(), variables, changed);
        Self { base, head, differences, before, after, others: RefCell::default() }
    }

    /// Lists the configurations whose schemas are needed; `also` are instances that are looked at in any case.
    pub(super) fn providers(&self, also: &BTreeSet<InstanceAddress>) -> BTreeSet<ProviderConfigAddress> {
        let configuration = self.head.module.configuration();
        let touched = self.pairs().filter(|(before, after)| self.is_other(before, after)).map(|(_, after)| after);
        touched.chain(also).filter_map(|address| configuration.provider_of(&address.resource).ok()).collect()
    }

    /// Pairs the instances that both sides have.
    fn pairs(&self) -> impl Iterator<Item = (&InstanceAddress, &InstanceAddress)> {
        self.head.instances.iter().filter_map(|after| {
            let before = self.before.get(after).unwrap_or(after);
            self.base.instances.contains(before).then_some((before, after))
        })
    }

    /// Gives both sides with what of them is compared; `recorded` are the addresses that the state has.
    pub(super) fn sides<T>(&self, take: &mut dyn FnMut(AnsweredSide<'_>), recorded: &BTreeMap<InstanceAddress, T>) {
        let others: Vec<_> = self.pairs().filter(|(before, after)| self.is_other(before, after)).collect();
        // A state may have been written before the change, or by its own apply.
        let at = |address: &InstanceAddress, other: &BTreeMap<InstanceAddress, InstanceAddress>| {
            let elsewhere = other.get(address).filter(|_| !recorded.contains_key(address));
            elsewhere.unwrap_or(address).clone()
        };
        let of_base = |address: &InstanceAddress| at(address, &self.after);
        let compared = others.iter().map(|(before, _)| (*before).clone()).collect();
        take(AnsweredSide { module: self.base.module, compared, recorded_at: &of_base });
        let of_head = |address: &InstanceAddress| at(address, &self.before);
        let compared = others.iter().map(|(_, after)| (*after).clone()).collect();
        take(AnsweredSide { module: self.head.module, compared, recorded_at: &of_head });
    }

    /// Tells whether an instance is written otherwise, or made of something else.
    fn is_other(&self, before: &InstanceAddress, after: &InstanceAddress) -> bool {
        let in_module = |it: &InstanceAddress| ResourceAddress { module: ModuleAddress::root(), ..it.resource.clone() };
        let pair = Pair::of(&before.resource.module, &after.resource.module);
        let key = (pair, in_module(before), in_module(after));
        if let Some(known) = self.others.borrow().get(&key) {
            return *known;
        }
        let is_other = self.compare_blocks(&key.0, before, after);
        self.others.borrow_mut().insert(key, is_other);
        is_other
    }

    fn compare_blocks(&self, pair: &Pair, before: &InstanceAddress, after: &InstanceAddress) -> bool {
        let (Some((base, _)), Some((head, _))) =
            (self.base.written(&before.resource), self.head.written(&after.resource))
        else {
            return true;
        };
        let counts = |name: &str| !matches!(name, "depends_on" | "connection" | "provisioner");
        self.differences.of_body(pair, base, head, &counts)
            || self.differences.of_way(pair)
            || self.provider_differs(before, after)
    }

    fn provider_differs(&self, before: &InstanceAddress, after: &InstanceAddress) -> bool {
        let base = self.base.module.configuration().provider_of(&before.resource);
        let head = self.head.module.configuration().provider_of(&after.resource);
        match (base, head) {
            (Ok(base), Ok(head)) => base != head || self.differences.of_provider(&head),
            (base, head) => base.is_ok() != head.is_ok(),
        }
    }

    /// Says what the change is about; `known` are addresses of which something is known, whether the code has them or not.
    pub(super) fn change(&self, schemas: &dyn TouchSchemas, known: &BTreeSet<InstanceAddress>) -> RootChange {
        let imports = |side: &Side<'_>| -> BTreeMap<InstanceAddress, Span> {
            let found = side.module.evaluate(Root::imports).0;
            found.into_iter().map(|import| (import.to, import.span)).collect()
        };
        let (imported_before, imported) = (imports(&self.base), imports(&self.head));
        let mut touches = BTreeMap::new();
        for after in &self.head.instances {
            let before = self.before.get(after).unwrap_or(after);
            let import = imported.get(after).filter(|_| !imported_before.contains_key(after));
            let source = self.head.written(&after.resource).map(|(_, span)| span.clone());
            let of = |how: TouchKind, paths: Vec<Path>, unsure: Option<String>| Touch {
                address: after.clone(),
                how,
                paths,
                source: source.clone(),
                unsure,
            };
            let touch = if let Some(span) = import {
                Some(Touch { source: Some(span.clone()), ..of(TouchKind::Imports, Vec::new(), None) })
            } else if self.base.instances.contains(before) {
                self.compare(before, after, schemas, &of)
            } else if let Some(doubt) = self.base.doubt(before) {
                Some(of(TouchKind::Updates, Vec::new(), Some(format!("before the change, {doubt}"))))
            } else {
                Some(of(TouchKind::Creates, Vec::new(), None))
            };
            touches.extend(touch.map(|touch| (after.clone(), touch)));
        }
        let (removals, _) = self.head.module.configuration().removals();
        for before in &self.base.instances {
            if self.head.instances.contains(before) || self.after.contains_key(before) {
                continue;
            }
            let removal = removals.iter().find(|removal| removal.removes(before));
            let (how, unsure) = match (self.head.doubt(before), removal.map(|removal| removal.destroy)) {
                (Some(doubt), _) => (TouchKind::Updates, Some(doubt)),
                (None, None | Some(Some(true))) => (TouchKind::Destroys, None),
                (None, Some(Some(false))) => (TouchKind::Forgets, None),
                (None, Some(None)) => {
                    let reason = "of a `removed` block without `destroy` terraform makes a destruction, and OpenTofu \
                                  forgets the object";
                    (TouchKind::Destroys, Some(reason.to_owned()))
                }
            };
            if unsure.is_some() && how == TouchKind::Updates && !self.may_be_other(before) {
                continue;
            }
            let source = removal.map(|removal| removal.span.clone());
            let touch = Touch { address: before.clone(), how, paths: Vec::new(), source, unsure };
            touches.insert(before.clone(), touch);
        }
        // Of what neither side tells apart, a state or a finding does.
        for address in known.iter().filter(|it| it.resource.mode == ResourceMode::Managed) {
            if touches.contains_key(address) || self.head.instances.contains(address) {
                continue;
            }
            let Some(doubt) = self.head.doubt(address).or_else(|| self.base.doubt(address)) else { continue };
            if self.may_be_other(address) {
                let source = self.head.written(&address.resource).map(|(_, span)| span.clone());
                let touch = Touch {
                    address: address.clone(),
                    how: TouchKind::Updates,
                    paths: Vec::new(),
                    source,
                    unsure: Some(doubt),
                };
                touches.insert(address.clone(), touch);
            }
        }
        RootChange { touches: touches.into_values().collect(), causes: Vec::new() }
    }

    fn may_be_other(&self, address: &InstanceAddress) -> bool {
        self.is_other(address, address)
    }

    /// Compares an instance that both sides have.
    fn compare(
        &self,
        before: &InstanceAddress,
        after: &InstanceAddress,
        schemas: &dyn TouchSchemas,
        of: &dyn Fn(TouchKind, Vec<Path>, Option<String>) -> Touch,
    ) -> Option<Touch> {
        let moves = || (before != after).then(|| TouchKind::Moves { from: before.clone() });
        if !self.is_other(before, after) {
            return moves().map(|how| of(how, Vec::new(), None));
        }
        let pair = Pair::of(&before.resource.module, &after.resource.module);
        let (base, _) = self.base.written(&before.resource)?;
        let (head, _) = self.head.written(&after.resource)?;
        let updates = || moves().unwrap_or(TouchKind::Updates);
        if self.provider_differs(before, after) {
            let reason = "the configuration of its provider is another".to_owned();
            return Some(of(updates(), Vec::new(), Some(reason)));
        }
        let provider = self.head.module.configuration().provider_of(&after.resource);
        let provider = provider.map_err(|problem| problem.detail);
        let kind = after.resource_type().as_str();
        let schema = provider.as_ref().map_err(Clone::clone).and_then(|provider| schemas.schema(provider, kind));
        let (mut paths, unsure) = match schema {
            Ok(schema) => self.by_schema(before, after, schema, &pair, (base, head)),
            Err(reason) => self.by_text(before, after, &pair, (base, head), &reason),
        };
        let lifecycle_differs = self.differences.of_argument(&pair, base, head, "lifecycle");
        if paths.is_empty() && !lifecycle_differs && unsure.is_none() {
            return moves().map(|how| of(how, Vec::new(), None));
        }
        if lifecycle_differs {
            // What is ignored no longer is set back as well.
            let ignored = |side: &Side<'a>, address: &InstanceAddress| match side
                .module
                .configuration()
                .resource(&address.resource)
            {
                Lookup::Block(block) => format!("{:?}", block.ignore_changes),
                Lookup::Absent | Lookup::Unread => String::new(),
            };
            if ignored(&self.base, before) != ignored(&self.head, after) {
                paths.clear();
            } else if paths.is_empty() && unsure.is_none() {
                return moves().map(|how| of(how, Vec::new(), None));
            }
        }
        paths.sort_by_key(ToString::to_string);
        paths.dedup();
        let argument = match (self.head.module.configuration().resource(&after.resource), paths.as_slice()) {
            (Lookup::Block(block), [path]) => block.written(path).map(|argument| argument.span.clone()),
            _ => None,
        };
        let touch = of(updates(), paths, unsure);
        Some(Touch { source: argument.or(touch.source), ..touch })
    }

    /// Gives what the code said of an instance before the change, by the address that it has now.
    pub(super) fn declared_before(&self, address: &InstanceAddress, schemas: &dyn TouchSchemas) -> Option<Value> {
        let address = self.after.get(address).unwrap_or(address);
        let before = self.before.get(address).unwrap_or(address);
        if !self.base.instances.contains(before) {
            return None;
        }
        let provider = self.base.module.configuration().provider_of(&before.resource).ok()?;
        let schema = schemas.schema(&provider, before.resource_type().as_str()).ok()?;
        let declared = self.base.module.evaluate(|root| root.instance(before, schema)).ok()?;
        (!model::diagnostic::has_errors(&declared.diagnostics)).then_some(declared.config)
    }

    /// Compares what both sides evaluate to.
    fn by_schema(
        &self,
        before: &InstanceAddress,
        after: &InstanceAddress,
        schema: &Block,
        pair: &Pair,
        (base, head): (&Written, &Written),
    ) -> (Vec<Path>, Option<String>) {
        let old = self.base.module.evaluate(|root| root.instance(before, schema));
        let new = self.head.module.evaluate(|root| root.instance(after, schema));
        let (old, new) = match (old, new) {
            (Ok(old), Ok(new)) => (old.config.unmark_deep().0, new.config.unmark_deep().0),
            (Err(problem), _) | (_, Err(problem)) => {
                let reason = problem.detail.trim_end_matches('.').to_owned();
                return (Vec::new(), Some(reason));
            }
        };
        let (mut paths, mut open) = (Vec::new(), BTreeSet::new());
        differing(&old, &new, &Path::new(), &mut paths, &mut open);
        let is_other = |name: &String| self.differences.of_argument(pair, base, head, name);
        let open: Vec<String> = open.into_iter().filter(is_other).collect();
        if open.is_empty() {
            return (paths, None);
        }
        paths.extend(open.into_iter().map(|name| Path::new().attr(name)));
        (paths, Some(KNOWN_LATER.to_owned()))
    }

    /// Compares what is written, where nobody knows the schema.
    fn by_text(
        &self,
        before: &InstanceAddress,
        after: &InstanceAddress,
        pair: &Pair,
        (base, head): (&Written, &Written),
        reason: &str,
    ) -> (Vec<Path>, Option<String>) {
        let value = |side: &Side<'a>, address: &InstanceAddress, written: &Written, name: &str| {
            let Some((file, argument)) = written.attribute(name) else {
                let is_block = names_of(written).contains(name);
                return (!is_block).then(|| Value::null(Type::Dynamic));
            };
            side.module.evaluate(|root| {
                let scope = root.instance_scope(address).ok()?;
                let (value, _, problems) = root.expression(file, &argument.expression, &scope);
                problems.is_empty().then(|| value.unmark_deep().0).filter(Value::is_wholly_known)
            })
        };
        let mut paths = Vec::new();
        let names: BTreeSet<&str> = names_of(base).into_iter().chain(names_of(head)).collect();
        for name in names.into_iter().filter(|name| !META_ARGUMENTS.contains(name)) {
            if !self.differences.of_argument(pair, base, head, name) {
                continue;
            }
            let same = value(&self.base, before, base, name)
                .zip(value(&self.head, after, head, name))
                .is_some_and(|(old, new)| old == new);
            if !same {
                paths.push(Path::new().attr(name));
            }
        }
        let unsure =
            (!paths.is_empty()).then(|| format!("only what is written was compared, because {}", clause(reason)));
        (paths, unsure)
    }
}

/// Makes a clause of a sentence.
fn clause(sentence: &str) -> String {
    let mut characters = sentence.trim_end_matches('.').chars();
    let first = characters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    format!("{first}{}", characters.as_str())
}

/// Lists the variables of the root module that are set to something else.
fn variables(base: &RootModule, head: &RootModule) -> BTreeSet<String> {
    let root = ModuleAddress::root();
    let (Some(before), Some(after)) = (base.definitions(&root), head.definitions(&root)) else {
        return BTreeSet::new();
    };
    let value = |module: &RootModule, definitions: &hcl::definitions::Definitions, name: &str| {
        let variable = definitions.variables.get(name)?;
        Some(module.sources().variables.value(name, variable).map_err(|problem| problem.detail))
    };
    let names = before.variables.keys().chain(after.variables.keys());
    names.filter(|name| value(base, before, name) != value(head, after, name)).cloned().collect()
}

/// Finds the paths at which two values differ; `open` gets the arguments that are unknown in part.
pub(super) fn differing(old: &Value, new: &Value, at: &Path, paths: &mut Vec<Path>, open: &mut BTreeSet<String>) {
    if !old.is_known() || !new.is_known() {
        if let Some(cty::PathStep::GetAttr(name)) = at.steps().first() {
            open.insert(name.clone());
        }
        return;
    }
    if old.is_null() || new.is_null() {
        let is_known = old.is_wholly_known() && new.is_wholly_known();
        if !(old.is_null() && new.is_null()) && is_known {
            paths.push(at.clone());
        } else if !is_known && let Some(cty::PathStep::GetAttr(name)) = at.steps().first() {
            open.insert(name.clone());
        }
        return;
    }
    match (old.ty(), new.ty()) {
        (Type::Object(_) | Type::Map(_), Type::Object(_) | Type::Map(_)) => {
            let is_object = old.ty().as_object().is_some();
            let entries = |value: &Value| -> BTreeMap<String, Value> {
                value.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect()
            };
            let (old, new) = (entries(old), entries(new));
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let inner = if is_object { at.clone().attr(name.as_str()) } else { at.clone().index(name.as_str()) };
                match (old.get(name), new.get(name)) {
                    (Some(old), Some(new)) => differing(old, new, &inner, paths, open),
                    _ => paths.push(inner),
                }
            }
        }
        (Type::List(_) | Type::Tuple(_), Type::List(_) | Type::Tuple(_)) => {
            let (old, new): (Vec<_>, Vec<_>) = (old.elements().collect(), new.elements().collect());
            if old.len() != new.len() {
                paths.push(at.clone());
                return;
            }
            for (position, (old, new)) in old.into_iter().zip(new).enumerate() {
                differing(old, new, &at.clone().index(position as u64), paths, open);
            }
        }
        _ if !old.is_wholly_known() || !new.is_wholly_known() => {
            if let Some(cty::PathStep::GetAttr(name)) = at.steps().first() {
                open.insert(name.clone());
            }
        }
        _ if old != new => paths.push(at.clone()),
        _ => {}
    }
}
