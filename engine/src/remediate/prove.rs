//! The proof of a patch: the patched code is evaluated in memory, and the providers plan it.
//!
//! A patch is proved where the plan of each instance that it is about leaves alone what was accepted, and nothing else that
//! is planned becomes another because of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cty::{Path, PathStep, Value};
use drift::lifecycle::Action;
use futures::{FutureExt, StreamExt};
use model::{InstanceAddress, ModuleAddress, ResourceAddress, ResourceMode};

use crate::check;
use crate::evaluation::RootModule;
use crate::evaluation::ask::InstanceChange;
use crate::evaluation::stage::Stage;

/// How many instances are planned at once.
const N_PARALLEL: usize = 10;

/// What the cloud holds at a path of an instance, and the code is to say from now on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Accepted {
    /// The instance, by the address that it has in the code.
    pub(super) address: InstanceAddress,
    pub(super) path: Path,
    pub(super) value: Value,
}

/// Plans the code as it is, once, and as it might be.
pub(super) struct Prover {
    module: Arc<RootModule>,
    stage: Stage,
    planned: BTreeMap<InstanceAddress, Result<InstanceChange, String>>,
}

impl Prover {
    pub(super) fn new(module: &Arc<RootModule>, stage: Stage) -> Self {
        Self { module: Arc::clone(module), stage, planned: BTreeMap::new() }
    }

    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    pub(super) fn into_stage(self) -> Stage {
        self.stage
    }

    /// Proves that files, as they might be, accept what they are to.
    ///
    /// # Errors
    /// Why that is not so, or not known, as a sentence.
    pub(super) async fn prove(
        &mut self,
        files: &BTreeMap<String, String>,
        accepted: &[&Accepted],
    ) -> Result<(), String> {
        let (before, texts) = (Arc::clone(&self.module), files.clone());
        let compared = tokio::task::spawn_blocking(move || {
            let after = before.with_files(texts.iter().map(|(name, text)| (name.as_str(), text.clone())));
            let changed: BTreeSet<String> = texts.into_keys().collect();
            let others = check::others(&before, &after, &changed);
            (Arc::new(after), others)
        });
        let (after, others) = compared.await.map_err(|_| "The evaluation ended early.".to_owned())?;
        if let Some(problem) = after.code_problems().iter().find(|it| !self.module.code_problems().contains(it)) {
            return Err(format!("With the patch there is a mistake in the code: {}", problem.detail));
        }
        if !others.are_same {
            return Err("With the patch the code has other instances.".to_owned());
        }
        if let Some(data) = others.instances.iter().find(|address| address.resource.mode == ResourceMode::Data) {
            return Err(format!("{data} would be read with other arguments, and what that gives is not known."));
        }
        if let Some(address) = &others.of_other_provider {
            return Err(format!("The provider of {address} would be configured otherwise."));
        }
        let wanted: BTreeSet<&InstanceAddress> =
            others.instances.iter().chain(accepted.iter().map(|accepted| &accepted.address)).collect();
        if let Some(address) = wanted.iter().find(|address| has_conditions(&after, address)) {
            return Err(format!("The code of {address} has conditions, which only a plan of everything tells."));
        }
        let stage = self.stage.over(&after);
        let missing = wanted.iter().filter(|address| !self.planned.contains_key(**address));
        let missing: Vec<InstanceAddress> = missing.map(|address| (*address).clone()).collect();
        let planned = plan_all(&self.stage, missing).await;
        self.planned.extend(planned);
        let planned = plan_all(&stage, wanted.into_iter().cloned().collect()).await;
        for (address, after) in planned {
            let own: Vec<&Accepted> = accepted.iter().copied().filter(|it| it.address == address).collect();
            let before = &self.planned[&address];
            let (before, after) = match (before, &after) {
                (Ok(before), Ok(after)) => (before, after),
                (_, Err(reason)) | (Err(reason), _) => {
                    return Err(format!("What is planned for {address} is not known: {reason}"));
                }
            };
            judge(before, after, &own).map_err(|reason| format!("{address}: {reason}"))?;
        }
        Ok(())
    }
}

/// Tells whether a block has `precondition` or `postcondition` blocks.
fn has_conditions(module: &RootModule, address: &InstanceAddress) -> bool {
    let in_module = ResourceAddress { module: ModuleAddress::root(), ..address.resource.clone() };
    let block = module.definitions(&address.resource.module).and_then(|it| it.resources.get(&in_module));
    block.is_some_and(|block| {
        let lifecycles = block.written.blocks().filter(|(_, block)| block.block_type == "lifecycle");
        let mut inner = lifecycles.flat_map(|(_, block)| &block.body.blocks);
        inner.any(|inner| matches!(inner.block_type.as_str(), "precondition" | "postcondition"))
    })
}

/// Plans instances, a few at a time.
async fn plan_all(
    stage: &Stage,
    addresses: Vec<InstanceAddress>,
) -> Vec<(InstanceAddress, Result<InstanceChange, String>)> {
    let plans = addresses.into_iter().map(|address| {
        async move {
            let change = stage.change(&address).await;
            (address, change)
        }
        .boxed()
    });
    futures::stream::iter(plans).buffered(N_PARALLEL).collect().await
}

/// Judges what becomes of the plan of one instance.
fn judge(before: &InstanceChange, after: &InstanceChange, accepted: &[&Accepted]) -> Result<(), String> {
    let plain = |value: &Value| value.unmark_deep().0;
    let (prior, planned, unpatched) = (plain(&after.prior), plain(&after.planned), plain(&before.planned));
    if after.action == Action::Replace && before.action != Action::Replace {
        return Err("with the patch the next apply would make it anew.".to_owned());
    }
    if !accepted.is_empty() && matches!(after.action, Action::Replace | Action::Create) {
        return Err("the next apply makes it anew all the same, because of something else.".to_owned());
    }
    for Accepted { path, value, .. } in accepted {
        let is = |found: Option<Value>| match found {
            Some(found) if !found.is_null() => {
                cty::convert::convert(value, found.ty()).is_ok_and(|value| value == found)
            }
            _ => value.is_null(),
        };
        if !is(at(&prior, path.steps())) {
            return Err(format!("what the cloud holds at {path} is another by now."));
        }
        if !is(at(&planned, path.steps())) {
            return Err(format!("the provider still plans to change {path}."));
        }
    }
    if let Some(name) = worse(&prior, &unpatched, &planned) {
        return Err(format!("with the patch the provider plans to change {name} otherwise."));
    }
    Ok(())
}

/// Names an attribute that is planned to change otherwise than it was; `None` where none is.
fn worse(prior: &Value, before: &Value, after: &Value) -> Option<String> {
    if prior.is_null() || before.is_null() || after.is_null() {
        return (!is_no_worse(Some(prior), Some(before), Some(after))).then(|| "all of it".to_owned());
    }
    let names = after.entries().map(|(name, _)| name);
    let mut worse = names.filter(|name| !is_no_worse(entry(prior, name), entry(before, name), entry(after, name)));
    worse.next().map(str::to_owned)
}

/// Tells whether what changes after a patch did so before.
fn is_no_worse(prior: Option<&Value>, before: Option<&Value>, after: Option<&Value>) -> bool {
    let (Some(was), Some(planned)) = (prior, after) else { return after == prior || after == before };
    if planned == was || Some(planned) == before {
        return true;
    }
    if !was.is_known() || !planned.is_known() || was.is_null() || planned.is_null() || was.ty().is_primitive() {
        return false;
    }
    if was.ty().is_set() {
        let Some(before) = before.filter(|before| before.is_known() && !before.is_null()) else { return false };
        let has = |set: &Value, wanted: &Value| set.elements().any(|element| element == wanted);
        let added = planned.elements().filter(|element| !has(was, element)).all(|element| has(before, element));
        return added && was.elements().filter(|element| !has(planned, element)).all(|element| !has(before, element));
    }
    if was.entries().len() + planned.entries().len() > 0 {
        let names: BTreeSet<&str> = was.entries().chain(planned.entries()).map(|(name, _)| name).collect();
        let of = |value: Option<&'_ Value>, name: &str| value.and_then(|value| entry(value, name)).cloned();
        return names
            .iter()
            .all(|name| is_no_worse(of(prior, name).as_ref(), of(before, name).as_ref(), of(after, name).as_ref()));
    }
    let n = was.elements().len().max(planned.elements().len());
    let of = |value: Option<&Value>, position: usize| {
        value
            .filter(|value| value.is_known() && !value.is_null())
            .and_then(|value| value.elements().nth(position).cloned())
    };
    (0..n).all(|position| {
        is_no_worse(of(prior, position).as_ref(), of(before, position).as_ref(), of(after, position).as_ref())
    })
}

fn entry<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    if !value.is_known() || value.is_null() {
        return None;
    }
    value.entries().find(|(other, _)| *other == name).map(|(_, value)| value)
}

/// Gives what is at a path; an element of a set by what identifies it. `None` where there is no such thing, or several.
pub(super) fn at(value: &Value, steps: &[PathStep]) -> Option<Value> {
    let Some((step, rest)) = steps.split_first() else { return Some(value.clone()) };
    if !value.is_known() || value.is_null() {
        return None;
    }
    match step {
        PathStep::GetAttr(name) => at(entry(value, name)?, rest),
        PathStep::Index(key) => {
            if let Some(name) = key.as_str().filter(|_| value.entries().len() > 0) {
                return at(entry(value, name)?, rest);
            }
            if let (Some(number), false) = (key.as_number(), value.ty().is_set()) {
                let position: usize = number.to_string().parse().ok()?;
                return at(value.elements().nth(position)?, rest);
            }
            let mut meant = value.elements().filter(|element| is_meant(element, key));
            let found = meant.next()?;
            meant.next().is_none().then(|| at(found, rest)).flatten()
        }
    }
}

fn is_meant(element: &Value, key: &Value) -> bool {
    if key.ty().as_object().is_none() || key.is_null() {
        return element == key;
    }
    key.entries().all(|(name, wanted)| {
        entry(element, name).is_some_and(|found| found == wanted || found.is_null() && wanted.is_null())
    })
}

#[cfg(test)]
mod tests {
    use cty::Type;

    use super::*;

    fn object(entries: &[(&str, Value)]) -> Value {
        Value::object(entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    fn host(size: i64, tag: &str, rules: &[&str]) -> Value {
        let tags = Value::map(Type::String, [("Name".to_owned(), Value::string(tag))].into()).expect("a map");
        let rules = Value::set(Type::String, rules.iter().map(|rule| Value::string(*rule)).collect()).expect("a set");
        object(&[("size", Value::from(size)), ("tags", tags), ("rules", rules)])
    }

    fn change(prior: &Value, planned: &Value) -> InstanceChange {
        let action = if prior == planned { Action::NoOp } else { Action::Update };
        InstanceChange { prior: prior.clone(), planned: planned.clone(), action }
    }

    fn accepted(path: &str, value: Value) -> Accepted {
        let path = hcl::trace::parse_path(path).unwrap_or_else(|problem| panic!("{}", problem.detail));
        Accepted { address: "a_host.web".parse().expect("an address"), path, value }
    }

    #[test]
    fn a_patch_is_proved_by_a_plan_that_leaves_it_alone() {
        let prior = host(20, "cloud", &["a", "b"]);
        let before = change(&prior, &host(10, "code", &["a"]));
        let size = accepted("size", Value::from(20_i64));
        let tag = accepted("tags[\"Name\"]", Value::string("cloud"));
        let rule = accepted("rules[\"b\"]", Value::string("b"));
        let all = [&size, &tag, &rule];
        assert_eq!(judge(&before, &change(&prior, &prior), &all), Ok(()));
        // The rest may stay as it was planned.
        assert_eq!(judge(&before, &change(&prior, &host(20, "code", &["a"])), &[&size]), Ok(()));
        assert_eq!(judge(&before, &change(&prior, &host(10, "code", &["a", "b"])), &[&rule]), Ok(()));
        // It is not what was accepted.
        let problem = judge(&before, &change(&prior, &host(10, "cloud", &["a", "b"])), &all).expect_err("size");
        assert!(problem.contains("still plans to change size"), "{problem}");
        // Something else becomes another.
        let problem = judge(&before, &change(&prior, &host(20, "third", &["a"])), &[&size]).expect_err("tags");
        assert!(problem.contains("tags"), "{problem}");
        let problem = judge(&before, &change(&prior, &host(20, "code", &["a", "c"])), &[&size]).expect_err("rules");
        assert!(problem.contains("rules"), "{problem}");
        // The cloud moved on.
        let moved = host(30, "cloud", &["a", "b"]);
        let problem = judge(&change(&moved, &moved), &change(&moved, &moved), &[&size]).expect_err("size");
        assert!(problem.contains("by now"), "{problem}");
    }

    #[test]
    fn what_was_taken_away_is_accepted_by_nothing_there() {
        let prior = host(1, "a", &["a"]);
        let before = change(&prior, &host(1, "a", &["a", "b"]));
        let gone = accepted("rules[\"b\"]", Value::null(Type::Dynamic));
        assert_eq!(judge(&before, &change(&prior, &prior), &[&gone]), Ok(()));
        assert!(judge(&before, &before, &[&gone]).is_err());
    }

    #[test]
    fn a_replacement_proves_nothing() {
        let prior = host(20, "a", &[]);
        let before = change(&prior, &host(10, "a", &[]));
        let size = accepted("size", Value::from(20_i64));
        let replaced = InstanceChange { action: Action::Replace, ..change(&prior, &prior) };
        assert!(judge(&before, &replaced, &[&size]).is_err());
        assert!(judge(&replaced, &replaced, &[&size]).is_err());
        assert_eq!(judge(&replaced, &replaced, &[]), Ok(()));
    }

    #[test]
    fn unknown_is_not_the_same() {
        let prior = host(20, "a", &[]);
        let unknown = object(&[
            ("size", Value::unknown(Type::Number)),
            ("tags", prior.get_attr("tags").expect("it is there")),
            ("rules", prior.get_attr("rules").expect("it is there")),
        ]);
        let size = accepted("size", Value::from(20_i64));
        assert!(judge(&change(&prior, &unknown), &change(&prior, &unknown), &[&size]).is_err());
        assert!(judge(&change(&prior, &prior), &change(&prior, &unknown), &[]).is_err());
    }
}
