//! Plays every recorded example of every definition back through the engine.

mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use inventory::definition::{Catalog, Example, Exchange, TypeDefinition};
use inventory::engine::{Account, AccountRegions, DetailChoice, DiscoverRequest, Event, discover};
use model::{AccountId, Region, ScopeStatus};
use net::{Error, ErrorKind, Request, Response, Transport};
use serde_json::Value;
use support::{facts, tell};
use tokio_util::sync::CancellationToken;

/// Answers from the exchanges of an example, each once.
#[derive(Debug)]
struct Playback {
    left: Mutex<Vec<Exchange>>,
    not_recorded: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Playback {
    async fn send(&self, request: Request, _cancel: &CancellationToken) -> Result<Response, Error> {
        let told = tell(&request);
        let mut left = self.left.lock().expect("no test panics while it holds the lock");
        let position = left.iter().position(|exchange| {
            exchange.service == told.service
                && exchange.operation == told.operation
                && exchange.params.iter().all(|(name, value)| told.params.get(name) == Some(value))
        });
        let Some(position) = position else {
            let asked = format!("{}:{} {}", told.service, told.operation, Value::Object(told.params));
            self.not_recorded.lock().expect("as above").push(asked.clone());
            return Err(Error::new(ErrorKind::Invalid, &request.operation, "the example has no such exchange left"));
        };
        let exchange = left.remove(position);
        Ok(Response {
            status: http::StatusCode::from_u16(exchange.status).expect("checked when the definition was compiled"),
            headers: http::HeaderMap::new(),
            body: exchange.body.into(),
            attempts: 1,
        })
    }
}

async fn play(catalog: &Arc<Catalog>, definition: &TypeDefinition, example: &Example) -> Vec<String> {
    let playback =
        Arc::new(Playback { left: Mutex::new(example.exchanges.clone()), not_recorded: Mutex::new(Vec::new()) });
    let account = Account::new(
        Arc::clone(catalog.cloud(&definition.cloud).expect("a type has a cloud")),
        AccountId::from(example.account.as_str()),
        format!("arn:aws:iam::{}:user/reader", example.account),
        Arc::clone(&playback) as Arc<dyn Transport>,
        Arc::new(|_| Ok(None)),
    );
    let regions = vec![Region::from(example.region.as_str())];
    let types = vec![definition.name.clone()];
    let mut request = DiscoverRequest::new(Arc::clone(catalog), vec![AccountRegions { account, regions }], types);
    let keys: BTreeSet<String> = example.objects.iter().map(|object| object.key.clone()).collect();
    request.details = DetailChoice::Recorded(Arc::new(keys));
    let mut objects = Vec::new();
    let discovery = discover(request, &mut |event| {
        if let Event::Object(object) = event {
            objects.push(*object);
        }
    })
    .await;

    let mut problems: Vec<String> = Vec::new();
    problems
        .extend(playback.not_recorded.lock().expect("as above").iter().map(|asked| format!("not recorded: {asked}")));
    for exchange in playback.left.lock().expect("as above").iter() {
        problems.push(format!("nobody asked for {}:{} {:?}", exchange.service, exchange.operation, exchange.params));
    }
    for outcome in &discovery.outcomes {
        if outcome.status != ScopeStatus::Complete || !outcome.causes.is_empty() {
            problems.push(format!("{} is not complete: {:?}", outcome.scope, outcome.causes));
        }
    }
    let mut expected = example.objects.clone();
    for object in objects.iter().filter(|object| object.scope.native_type.as_str() == definition.name) {
        let seen = facts(object);
        let key = object.key.to_string();
        let Some(position) = expected.iter().position(|expected| expected.key == key) else {
            problems.push(format!("found an object that the example does not name: {}", Value::Object(seen)));
            continue;
        };
        for (name, value) in expected.remove(position).facts {
            let found = seen.get(&name).cloned().unwrap_or(Value::Null);
            if found != value {
                problems.push(format!("{key}: `{name}` is {found}, the example says {value}"));
            }
        }
    }
    problems.extend(expected.iter().map(|object| format!("{} was not found", object.key)));
    problems.into_iter().map(|problem| format!("{} ({}): {problem}", example.origin, example.name)).collect()
}

#[tokio::test]
async fn every_example_gives_what_it_says() {
    let catalog = Catalog::embedded();
    let mut problems = Vec::new();
    let mut n_examples = 0;
    for definition in catalog.types() {
        for example in &definition.examples {
            n_examples += 1;
            problems.extend(play(&catalog, definition, example).await);
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(n_examples >= catalog.types().count(), "only {n_examples} examples");
}

/// A test that plays examples back must notice when one is wrong.
#[tokio::test]
async fn a_wrong_example_is_noticed() {
    let catalog = Catalog::embedded();
    let definition = catalog.get("aws.log_group").expect("a type of the catalog");
    let right = definition.examples.first().expect("an example");
    let complains = async |example: &Example, of: &str| {
        let problems = play(&catalog, definition, example).await;
        assert!(problems.iter().any(|problem| problem.contains(of)), "{of:?} is not in {problems:?}");
    };
    let mut wrong = right.clone();
    wrong.objects[0].facts.insert("import_id".to_owned(), Value::from("other"));
    complains(&wrong, "`import_id` is").await;
    let mut missing = right.clone();
    missing.objects.pop();
    complains(&missing, "does not name").await;
    let mut unasked = right.clone();
    unasked.exchanges.push(unasked.exchanges[0].clone());
    complains(&unasked, "nobody asked for").await;
    let mut forgotten = right.clone();
    forgotten.exchanges.remove(0);
    complains(&forgotten, "not recorded").await;
}
