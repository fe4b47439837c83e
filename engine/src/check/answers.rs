//! What code refers to in other managed resources, on both sides of a change: what the state records, under what the code
//! sets.
//!
//! No provider is asked. An argument that the code sets has that value after the next apply; what a provider computes stays
//! as it is recorded, where the object is there and nothing is known to be in the way. The rest stays unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cty::{PathStep, Type, Value};
use drift::lifecycle::{normalize_legacy, proposed_new, strip};
use hcl::root::{Root, ValueAnswer, ValueNeed};
use model::{Finding, InstanceAddress, Kind, ProviderConfigAddress, ResourceMode, Schema};
use tfstate::format::Attributes;

use super::touch::{Comparison, TouchSchemas};
use crate::evaluation::RootModule;
use crate::states::States;

/// So many times what was learned may lead to more that is to be learned.
const MAX_ROUNDS: usize = 50;

/// What is recorded of the instances that code may refer to.
pub(super) struct Answers {
    states: Arc<States>,
    /// Where in the states an instance is, by the address that it has there.
    positions: BTreeMap<InstanceAddress, usize>,
    /// The instances of which something was found: what is recorded of them need not be so after the next apply. Of noise,
    /// these attributes alone.
    found: BTreeMap<InstanceAddress, Option<BTreeSet<String>>>,
}

impl Answers {
    /// Takes what one state records; several say nothing of one root module.
    pub(super) fn new(states: &Arc<States>, findings: &[Finding]) -> Self {
        let is_current = |position: &usize| {
            let instance = &states.recorded[*position];
            states.refs.len() == 1 && instance.deposed.is_none() && !instance.is_tainted
        };
        let positions = (0..states.recorded.len()).filter(is_current);
        let positions = positions.map(|position| (states.recorded[position].address.clone(), position)).collect();
        let mut found: BTreeMap<InstanceAddress, Option<BTreeSet<String>>> = BTreeMap::new();
        for finding in findings {
            let Some(address) = &finding.address else { continue };
            let names = finding.attributes.iter().filter_map(|difference| match difference.path.steps().first() {
                Some(PathStep::GetAttr(name)) => Some(name.clone()),
                _ => None,
            });
            let is_noise = finding.kind == Kind::Changed && finding.folded.is_some();
            let of_address = found.entry(address.clone()).or_insert_with(|| Some(BTreeSet::new()));
            match of_address {
                Some(known) if is_noise => known.extend(names),
                _ => *of_address = None,
            }
        }
        Self { states: Arc::clone(states), positions, found }
    }

    /// Gives what is recorded of an instance, as its schema has it.
    fn recorded(&self, address: &InstanceAddress, schema: &Schema) -> Option<Value> {
        let object = self.states.object(*self.positions.get(address)?).ok()?;
        // What an older schema wrote, only its provider can read.
        let is_of_schema = i64::try_from(object.schema_version).is_ok_and(|version| version == schema.version);
        let Attributes::Json(json) = object.attributes.clone() else { return None };
        let json = strip(json.as_bytes(), schema).ok().filter(|_| is_of_schema)?;
        let value = cty::json::decode(&json, &schema.value_type()).ok()?;
        Some(normalize_legacy(&value, &schema.block)).filter(|value| !value.is_null())
    }

    /// Says what an instance is after the next apply, as far as that is known without its provider.
    fn value(&self, recorded_at: &InstanceAddress, config: &Value, schema: &Schema) -> Option<Value> {
        let prior = self.recorded(recorded_at, schema)?;
        let proposed = proposed_new(&schema.block, &prior, config);
        let none = Some(BTreeSet::new());
        let noise = self.found.get(recorded_at).unwrap_or(&none).as_ref().filter(|_| is_applied(config, &prior));
        // Where it may be made anew, only what the code sets is sure.
        let is_sure = |name: &str| noise.is_some_and(|noise| !noise.contains(name));
        let attributes = proposed.entries().map(|(name, value)| {
            let set = config.get_attr(name).is_ok_and(|set| set.is_known() && !set.is_null());
            let is_set = set && (schema.block.attributes.contains_key(name) || value.is_wholly_known());
            (name.to_owned(), if is_set || is_sure(name) { value.clone() } else { Value::unknown(value.ty().clone()) })
        });
        Some(Value::object(attributes.collect::<BTreeMap<_, _>>()))
    }
}

/// One side of a change, with how its addresses are called in the state.
pub(super) struct AnsweredSide<'a> {
    pub(super) module: &'a RootModule,
    /// The instances whose blocks are compared.
    pub(super) compared: Vec<InstanceAddress>,
    /// Gives the address that the state has for an instance of this side.
    pub(super) recorded_at: &'a dyn Fn(&InstanceAddress) -> InstanceAddress,
}

/// Gives the schema of an instance, or names the provider that has to be asked for it.
pub(super) trait AnswerSchemas: TouchSchemas {
    /// Finds the whole schema of a type; `None` where its provider has none, or cannot be asked.
    fn whole(&self, provider: &ProviderConfigAddress, resource_type: &str) -> Option<&Schema>;

    /// Tells whether a provider was asked at all.
    fn is_asked(&self, provider: &ProviderConfigAddress) -> bool;
}

impl Answers {
    /// Answers what one side needs; gives the providers whose schemas would tell more.
    pub(super) fn settle(
        &self,
        side: &AnsweredSide<'_>,
        schemas: &dyn AnswerSchemas,
    ) -> BTreeSet<ProviderConfigAddress> {
        let module = side.module;
        let (mut missing, mut tried) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..MAX_ROUNDS {
            let needs = module.evaluate(|root| {
                drop(root.expand());
                for address in &side.compared {
                    if let Some(schema) = schema_of(module, address, schemas, &mut missing) {
                        // What is wrong with it is told where it is compared.
                        drop(root.instance(address, &schema.block));
                    }
                }
                managed(root.take_needs())
            });
            let mut waiting: Vec<InstanceAddress> = needs.into_iter().filter(|need| !tried.contains(need)).collect();
            if waiting.is_empty() {
                break;
            }
            while let Some(address) = waiting.pop() {
                let is_first = tried.insert(address.clone());
                let Some(schema) = schema_of(module, &address, schemas, &mut missing) else { continue };
                let (config, needs) = module.evaluate(|root| {
                    let config = config(root, &address, schema);
                    (config, managed(root.take_needs()))
                });
                // What it is made of itself comes first.
                let inner: Vec<_> = needs.into_iter().filter(|need| !tried.contains(need)).collect();
                if is_first && !inner.is_empty() {
                    waiting.push(address);
                    waiting.extend(inner);
                    continue;
                }
                let value = config.and_then(|config| self.value(&(side.recorded_at)(&address), &config, schema));
                if let Some(value) = value {
                    module.answer([(ValueNeed::Instance(address), ValueAnswer::Value(value))]);
                }
            }
        }
        missing
    }
}

/// Tells whether everything that the code sets is recorded so.
fn is_applied(config: &Value, recorded: &Value) -> bool {
    if !config.is_known() || config.is_null() {
        return config.is_known();
    }
    if recorded.is_null() {
        return config.ty().as_object().is_none() && !config.ty().is_primitive() && config.is_empty();
    }
    match config.ty() {
        Type::Object(_) => {
            let recorded: BTreeMap<&str, &Value> = recorded.entries().collect();
            config.entries().all(|(name, value)| recorded.get(name).is_some_and(|it| is_applied(value, it)))
        }
        Type::List(_) | Type::Tuple(_) => {
            config.len() == recorded.len()
                && config.elements().zip(recorded.elements()).all(|(value, it)| is_applied(value, it))
        }
        Type::Set(_) => {
            config.len() == recorded.len()
                && config.elements().all(|value| recorded.elements().any(|it| is_applied(value, it)))
        }
        _ => config == recorded,
    }
}

fn config(root: &Root, address: &InstanceAddress, schema: &Schema) -> Option<Value> {
    let declared = root.instance(address, &schema.block).ok()?;
    (!model::diagnostic::has_errors(&declared.diagnostics)).then(|| declared.config.unmark_deep().0)
}

fn managed(needs: Vec<ValueNeed>) -> Vec<InstanceAddress> {
    let address = |need| match need {
        ValueNeed::Instance(address) if address.resource.mode == ResourceMode::Managed => Some(address),
        _ => None,
    };
    needs.into_iter().filter_map(address).collect()
}

fn schema_of<'s>(
    module: &RootModule,
    address: &InstanceAddress,
    schemas: &'s dyn AnswerSchemas,
    missing: &mut BTreeSet<ProviderConfigAddress>,
) -> Option<&'s Schema> {
    let provider = module.configuration().provider_of(&address.resource).ok()?;
    if !schemas.is_asked(&provider) {
        missing.insert(provider);
        return None;
    }
    schemas.whole(&provider, address.resource_type().as_str())
}

/// Answers what both sides need; gives the providers whose schemas would tell more.
pub(super) fn settle(
    comparison: &Comparison<'_>,
    answers: &Answers,
    schemas: &dyn AnswerSchemas,
) -> BTreeSet<ProviderConfigAddress> {
    let mut missing = BTreeSet::new();
    comparison.sides(&mut |side| missing.extend(answers.settle(&side, schemas)), &answers.positions);
    missing
}
