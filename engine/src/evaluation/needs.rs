//! The driver of needs: evaluate, answer what that needs, evaluate again, until nothing new is needed.
//!
//! What a need itself needs comes first: an instance is planned once its configuration waits for nothing. So the order of
//! dependencies comes about by itself, and only what somebody asked for is planned.
//!
//! **Start reading** at [`Stage::settled`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cty::Type;
use futures::{FutureExt, StreamExt};
use hcl::root::{DeclaredInstance, Root, Unexpanded, ValueAnswer, ValueNeed};
use model::{Diagnostics, InstanceAddress, ProviderConfigAddress, ResourceMode, Schema, Severity};
use tfplugin::ProviderSchema;

use super::RootModule;
use super::stage::{Stage, Station};
use crate::Session;
use crate::providers::Configurations;
use crate::states::States;

/// How many needs are answered at once.
const N_PARALLEL: usize = 10;

/// Answers what the blocks of provider configurations need, where they need anything, so that [`Configurations::value`]
/// knows it.
pub(crate) async fn answer_configurations(
    session: &Session,
    (module, states): (&Arc<RootModule>, &Arc<States>),
    blocks: Vec<(ProviderConfigAddress, Arc<ProviderSchema>)>,
) -> Diagnostics {
    let stage = Stage::open(session, module, Some(states));
    let configurations = Arc::clone(&stage.configurations);
    stage
        .settled(move |root| {
            for (address, schema) in &blocks {
                // What is wrong with it is told when it is used.
                drop(configurations.value_in(root, address, &schema.provider.block));
            }
        })
        .await;
    stage.shutdown().await
}

/// What a need waits for.
enum Turn {
    /// Nothing: this answers it.
    Answered(ValueAnswer),
    /// Nothing: it can be asked for.
    Ready(Box<Work>),
    /// These.
    Waiting(Vec<ValueNeed>),
}

/// A need whose own configuration is known as far as it will be.
enum Work {
    /// A managed resource.
    Managed { station: Arc<Station>, schema: Schema, declared: DeclaredInstance },
    /// A data source.
    Data { station: Option<Arc<Station>>, schema: Schema, declared: DeclaredInstance },
    /// A function.
    Function,
}

impl Stage {
    /// Evaluates, and answers what that needs, until nothing more is needed or everything was stopped.
    ///
    /// `take` runs several times, off the threads of async tasks; what it gave the last time counts.
    pub(crate) async fn settled<T: Send + 'static>(
        &self,
        take: impl Fn(&Root) -> T + Send + Sync + 'static,
    ) -> Option<T> {
        let take = Arc::new(take);
        loop {
            let evaluate = Arc::clone(&take);
            let (taken, needs) = self.on_thread(move |root| (evaluate(root), root.take_needs())).await?;
            if needs.is_empty() || self.session.cancel.is_cancelled() {
                return Some(taken);
            }
            self.answer_all(needs).await?;
        }
    }

    /// Evaluates on a thread that may block.
    async fn on_thread<T: Send + 'static>(&self, take: impl FnOnce(&Root) -> T + Send + 'static) -> Option<T> {
        let module = Arc::clone(&self.module);
        tokio::task::spawn_blocking(move || module.evaluate(take)).await.ok()
    }

    /// Answers needs, and first what they wait for.
    async fn answer_all(&self, needs: Vec<ValueNeed>) -> Option<()> {
        let mut pending = needs;
        while !pending.is_empty() && !self.session.cancel.is_cancelled() {
            let turns = self.turns(&pending).await?;
            let mut waiting: Vec<(ValueNeed, Vec<ValueNeed>)> = Vec::new();
            let mut ready = Vec::new();
            let mut answers = Vec::new();
            for (need, turn) in std::mem::take(&mut pending).into_iter().zip(turns) {
                match turn {
                    Turn::Answered(answer) => answers.push((need, answer)),
                    Turn::Ready(work) => ready.push((need, work)),
                    Turn::Waiting(needs) => waiting.push((need, needs)),
                }
            }
            let work = ready.into_iter().map(|(need, work)| {
                async move {
                    let answer = self.answer(&need, *work).await;
                    (need, answer)
                }
                .boxed()
            });
            answers.extend(futures::stream::iter(work).buffered(N_PARALLEL).collect::<Vec<_>>().await);
            let mut known: BTreeSet<String> = waiting.iter().map(|(need, _)| name(need)).collect();
            let added: Vec<ValueNeed> =
                waiting.iter().flat_map(|(_, needs)| needs).filter(|need| known.insert(name(need))).cloned().collect();
            if answers.is_empty() && added.is_empty() {
                answers.extend(circle(&waiting).into_iter().map(|need| {
                    let reason = format!("{} depends on itself, over others or directly", name(&need));
                    (need, ValueAnswer::Unknown { ty: Type::Dynamic, reason })
                }));
            }
            let answered: Vec<&ValueNeed> = answers.iter().map(|(need, _)| need).collect();
            let rest = waiting.into_iter().map(|(need, _)| need).filter(|need| !answered.contains(&need));
            // What others wait for comes first.
            pending = added.into_iter().chain(rest).collect();
            self.module.answer(answers);
        }
        Some(())
    }

    /// Says of each need what it waits for.
    async fn turns(&self, needs: &[ValueNeed]) -> Option<Vec<Turn>> {
        let mut providers: BTreeMap<ProviderConfigAddress, Result<Arc<Station>, String>> = BTreeMap::new();
        let asked: Vec<ValueNeed> = needs.to_vec();
        let found = self.on_thread(move |root| asked.iter().map(|need| provider_of(root, need)).collect::<Vec<_>>());
        let found = found.await?;
        let wanted: BTreeSet<ProviderConfigAddress> =
            found.iter().filter_map(|found| found.as_ref().ok()).flatten().cloned().collect();
        let stations = wanted.into_iter().map(|address| {
            async move {
                let station = self.station(&address).await;
                (address, station.map_err(|cause| clause(&cause.detail)))
            }
            .boxed()
        });
        providers.extend(futures::stream::iter(stations).buffered(N_PARALLEL).collect::<Vec<_>>().await);
        let mut subjects = Vec::new();
        for (need, found) in needs.iter().zip(found) {
            let subject = match (need, found) {
                (_, Err(turn)) => Err(turn),
                (ValueNeed::Function { .. }, Ok(_)) => Err(Turn::Ready(Box::new(Work::Function))),
                (ValueNeed::Instance(address), Ok(provider)) => {
                    let station = provider.as_ref().map(|provider| providers[provider].clone()).transpose();
                    match station {
                        Ok(station) => self.subject(address, station),
                        Err(reason) => {
                            let reason = format!("{} is not planned: {reason}", address.resource);
                            Err(Turn::Answered(ValueAnswer::Unknown { ty: Type::Dynamic, reason }))
                        }
                    }
                }
            };
            subjects.push(subject);
        }
        self.on_thread(move |root| {
            let turn = |subject| match subject {
                Err(turn) => turn,
                Ok(subject) => evaluate(root, subject),
            };
            subjects.into_iter().map(turn).collect()
        })
        .await
    }

    /// Finds the schema of an instance.
    fn subject(&self, address: &InstanceAddress, station: Option<Arc<Station>>) -> Result<Subject, Turn> {
        let unknown = |reason: String| Err(Turn::Answered(ValueAnswer::Unknown { ty: Type::Dynamic, reason }));
        let resource_type = address.resource_type().as_str();
        let is_data = address.resource.mode == ResourceMode::Data;
        let schema = match &station {
            None => Some(super::remote_state_schema()),
            Some(station) if is_data => station.schema.data_sources.get(resource_type).cloned(),
            Some(station) => station.schema.resources.get(resource_type).cloned(),
        };
        let Some(schema) = schema else { return unknown(format!("its provider has no {resource_type}")) };
        if is_data && station.is_some() && !self.settings().data_sources.contains(resource_type) {
            let reason = format!(
                "{} is read from a cloud, and data sources are not read unless driftmgr.yaml allows them",
                address.resource
            );
            return Err(Turn::Answered(ValueAnswer::Unknown { ty: schema.value_type(), reason }));
        }
        let configurations = Arc::clone(&self.configurations);
        Ok(Subject { address: address.clone(), station, schema, configurations })
    }

    async fn answer(&self, need: &ValueNeed, work: Work) -> ValueAnswer {
        match (need, work) {
            (ValueNeed::Function { module, name, arguments }, _) => self.call_function(module, name, arguments).await,
            (ValueNeed::Instance(_), Work::Managed { station, schema, declared }) => {
                self.plan(&station, &schema, &declared).await
            }
            (ValueNeed::Instance(address), Work::Data { schema, .. }) if self.is_confined => ValueAnswer::Unknown {
                ty: schema.value_type(),
                reason: format!("{} is not read for a change that is not trusted", address.resource),
            },
            (ValueNeed::Instance(_), Work::Data { station: Some(station), schema, declared }) => {
                self.read_data(&station, &schema, &declared).await
            }
            (ValueNeed::Instance(_), Work::Data { station: None, declared, .. }) => {
                super::remote_state::read(&self.session, self.module.directory(), &declared).await
            }
            (ValueNeed::Instance(address), Work::Function) => {
                ValueAnswer::Unknown { ty: Type::Dynamic, reason: format!("{address} is no function") }
            }
        }
    }
}

/// An instance, with what says how to evaluate it.
struct Subject {
    address: InstanceAddress,
    station: Option<Arc<Station>>,
    schema: Schema,
    configurations: Arc<Configurations>,
}

/// Evaluates the block of an instance, and that of its provider.
fn evaluate(root: &Root, subject: Subject) -> Turn {
    let Subject { address, station, schema, configurations } = subject;
    // So that everything it waits for is named again.
    root.answer(std::iter::empty());
    root.take_needs();
    if let Some(station) = &station {
        // What is wrong with it is told when the provider is configured.
        drop(configurations.value_in(root, &station.address, &station.schema.provider.block));
    }
    let declared = root.instance(&address, &schema.block);
    let needs = root.take_needs();
    if !needs.is_empty() {
        return Turn::Waiting(needs);
    }
    let unknown = |reason: String| Turn::Answered(ValueAnswer::Unknown { ty: schema.value_type(), reason });
    let mistake = |problem: &dyn std::fmt::Display| {
        unknown(format!("there is a mistake in the code of {}: {}", address.resource, clause(&problem.to_string())))
    };
    let declared = match declared {
        Ok(declared) => declared,
        Err(problem) => return mistake(&problem),
    };
    if let Some(problem) = declared.diagnostics.iter().find(|problem| problem.severity == Severity::Error) {
        return mistake(problem);
    }
    let is_data = address.resource.mode == ResourceMode::Data;
    if is_data && let Some(reason) = defers(root, &address) {
        return unknown(reason);
    }
    Turn::Ready(Box::new(match station {
        Some(station) if !is_data => Work::Managed { station, schema, declared },
        station => Work::Data { station, schema, declared },
    }))
}

/// Says why a data source may be read only while terraform applies.
fn defers(root: &Root, address: &InstanceAddress) -> Option<String> {
    let steps = address.resource.module.steps();
    let depends = |written: &hcl::evaluate::Written| written.attribute("depends_on").is_some();
    let calls = (0..steps.len()).any(|position| {
        let outer = model::ModuleAddress::from_steps(steps[..position].to_vec());
        let call = root.definitions(&outer).and_then(|definitions| definitions.calls.get(&*steps[position].name));
        call.is_none_or(depends)
    });
    let own = root.resource(&address.resource).is_none_or(|block| depends(&block.written));
    let reason = || format!("{} has `depends_on`: it is read once what it depends on is applied", address.resource);
    (calls || own).then(reason)
}

/// Finds the provider configuration of an instance; `None` where none is asked.
fn provider_of(root: &Root, need: &ValueNeed) -> Result<Option<ProviderConfigAddress>, Turn> {
    let ValueNeed::Instance(address) = need else { return Ok(None) };
    if address.resource.mode == ResourceMode::Data && address.resource_type().as_str() == super::remote_state::NAME {
        return Ok(None);
    }
    // So that everything it waits for is named again.
    root.answer(std::iter::empty());
    let provider = root.provider_of(address);
    let needs = root.take_needs();
    match provider {
        Ok(provider) => Ok(Some(provider)),
        Err(_) if !needs.is_empty() => Err(Turn::Waiting(needs)),
        Err(Unexpanded::Unknown { reason, .. }) => Err(Turn::Answered(ValueAnswer::Unknown {
            ty: Type::Dynamic,
            reason: format!("which provider configuration {} has is not known: {reason}", address.resource),
        })),
        Err(Unexpanded::Failed(problem)) => Err(Turn::Answered(ValueAnswer::Unknown {
            ty: Type::Dynamic,
            reason: format!(
                "the provider configuration of {} cannot be told: {}",
                address.resource,
                clause(&problem.detail)
            ),
        })),
    }
}

/// Finds needs that wait for each other in a circle.
fn circle(waiting: &[(ValueNeed, Vec<ValueNeed>)]) -> Vec<ValueNeed> {
    let by_name: BTreeMap<String, &(ValueNeed, Vec<ValueNeed>)> =
        waiting.iter().map(|entry| (name(&entry.0), entry)).collect();
    let mut path: Vec<String> = Vec::new();
    let mut here = waiting.first();
    while let Some((need, needs)) = here {
        let own = name(need);
        if let Some(begin) = path.iter().position(|known| *known == own) {
            path.drain(..begin);
            break;
        }
        path.push(own);
        here = needs.iter().find_map(|need| by_name.get(&name(need))).copied();
    }
    path.iter().filter_map(|name| Some(by_name.get(name)?.0.clone())).collect()
}

/// Names a need.
fn name(need: &ValueNeed) -> String {
    match need {
        ValueNeed::Instance(address) => address.to_string(),
        ValueNeed::Function { module, name, arguments } => format!("{module} {name}{arguments:?}"),
    }
}

/// Makes a clause of a sentence.
pub(super) fn clause(sentence: &str) -> String {
    sentence.trim_end_matches('.').to_owned()
}
