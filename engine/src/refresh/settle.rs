//! The second pass: what refers to other instances is compared again, with what these will be.
//!
//! The providers that read everything are asked for plans as well. No object is read twice, and no provider is started
//! for it; where the code is a change that is not trusted, nothing else is read either.
//!
//! **Start reading** at [`settle`].

use std::collections::BTreeMap;
use std::sync::Arc;

use drift::exact::{Outcome, Reading};
use futures::StreamExt;
use model::Diagnostics;

use super::pool::Unit;
use super::{N_EVALUATED, Reader};
use crate::Session;
use crate::code::{Declared, EvaluatedInstance};
use crate::evaluation::stage::Stage;
use crate::states::States;

/// How many instances are compared at once; the pace of their provider may allow fewer.
const N_COMPARED: usize = 16;

/// Compares again what was read of instances whose code refers to others; what nobody can know stays as it is.
pub(super) async fn settle(
    session: &Session,
    declared: &Arc<Declared>,
    states: &Arc<States>,
    readers: &[(&Unit, Arc<Reader>)],
    readings: &mut BTreeMap<usize, Reading>,
) -> Diagnostics {
    // All readers keep what they read in one place.
    let Some((_, first)) = readers.first() else { return Diagnostics::new() };
    let waiting = first.kept.take_waiting();
    if waiting.is_empty() || session.cancel.is_cancelled() {
        return Diagnostics::new();
    }
    session.phase("evaluating what refers to others");
    let module = declared.module();
    let stage = Stage::open(session, module, Some(states)).confined(module.is_untrusted());
    for (unit, reader) in readers {
        for (_, configuration) in &unit.uses {
            stage.lend(configuration, unit, reader);
        }
    }
    for (unit, reader) in readers {
        let is_own = |position: &&usize| {
            let instance = &states.recorded[**position];
            unit.uses.iter().any(|of| *of == (instance.state, instance.provider.clone()))
        };
        let own: Vec<usize> = waiting.keys().filter(is_own).copied().collect();
        for positions in own.chunks(N_EVALUATED) {
            let instances = positions.iter().map(|position| states.recorded[*position].clone()).collect();
            let evaluated = EvaluatedInstance::settled(&stage, declared, &unit.schema, instances).await;
            let is_news = |(position, evaluated): &(&usize, EvaluatedInstance)| {
                evaluated.n_unknown() < waiting[*position] && evaluated.config().is_some()
            };
            let compare = |(position, evaluated): (&usize, EvaluatedInstance)| {
                let (position, reader) = (*position, Arc::clone(reader));
                async move { (position, reader.compare_again(position, &evaluated).await) }
            };
            let known = positions.iter().zip(evaluated).filter(is_news).map(compare);
            let compared: Vec<(usize, Option<Outcome>)> =
                futures::stream::iter(known).buffered(N_COMPARED).collect().await;
            for (position, outcome) in compared {
                if let (Some(reading), Some(outcome)) = (readings.get_mut(&position), outcome) {
                    reading.outcome = outcome;
                }
            }
        }
    }
    stage.shutdown().await
}
