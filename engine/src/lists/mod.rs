//! Lists of providers: which objects exist beside those that states record, as the providers themselves tell.
//!
//! Every configured provider that runs is asked for every type it lists. What a state records is left out: found by
//! identity, by id or ARN, and where that does not tell, by what the provider imports for it. What the inventory saw is
//! left out as well: its record is richer. The rest is nobody's.
//!
//! A list proves that something exists. It never proves that something does not, and it completes no scope.
//!
//! **Start reading** at [`list`], then [`merge::Merge`].

mod ask;
mod born;
mod config;
mod known;
mod merge;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use ::drift::exact::Reading;
use ::drift::{Filters, TypeMapping};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use model::{AccountId, ListOutcome, NativeType, Region, RemoteObject, ResourceType};

use crate::Session;
use crate::refresh::MAX_RUNNING;
use crate::states::States;

pub(crate) use ask::Lister;
use ask::TypeList;
pub(crate) use merge::{Merge, is_complete};

/// The most objects that are taken of one list.
const MAX_OBJECTS: usize = 100_000;

/// What to list, and what is known of it.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// Which types.
    pub(crate) filters: &'a Filters,
    /// The native types of each type that the catalog knows.
    pub(crate) mappings: &'a BTreeMap<ResourceType, TypeMapping>,
    /// What is recorded.
    pub(crate) states: &'a States,
    /// What providers said of recorded instances.
    pub(crate) readings: &'a BTreeMap<usize, Reading>,
}

/// An object that was listed and that no state seems to record.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// The object.
    pub(crate) object: RemoteObject,
    /// Everything that may identify it.
    pub(crate) texts: Vec<String>,
    /// Which of the outcomes it belongs to.
    pub(crate) outcome: usize,
}

/// What lists gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    /// What no state seems to record.
    pub(crate) objects: Vec<Listed>,
    /// What became of each list.
    pub(crate) outcomes: Vec<ListOutcome>,
    /// What was listed already: configurations of one account list the same objects.
    seen: BTreeSet<(ResourceType, AccountId, Option<Region>, Vec<String>)>,
}

/// Asks providers for everything they list.
pub(crate) async fn list(session: &Session, listers: &[Lister], context: Context<'_>) -> Lists {
    session.phase("asking providers for lists");
    let asked: Vec<BoxFuture<'_, Vec<TypeList>>> =
        listers.iter().map(|lister| lister.list_all(context).boxed()).collect();
    let asked: Vec<_> = futures::stream::iter(asked).buffered(MAX_RUNNING).collect().await;
    let mut lists = Lists::default();
    for (lister, asked) in listers.iter().zip(asked) {
        for list in asked {
            settle::settle(lister, list, context, &mut lists).await;
        }
    }
    born::mark(&mut lists, listers, context);
    lists
}

impl Context<'_> {
    /// Tells whether the filters admit a type.
    fn is_wanted(&self, resource_type: &ResourceType) -> bool {
        let native_types = self.mappings.get(resource_type).into_iter().flat_map(|mapping| &mapping.native_types);
        let mut names = native_types.map(NativeType::as_str).chain([resource_type.as_str()]);
        let types = &self.filters.types;
        types.is_empty() || names.any(|name| types.iter().any(|pattern| pattern.matches(name)))
    }
}
