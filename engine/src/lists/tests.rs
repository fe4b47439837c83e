//! Lists of a provider made for it: what comes in the middle of a list, and what tells that an object is recorded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::drift::{Filters, Pattern};
use async_trait::async_trait;
use cty::{Type, Value};
use model::identity::IdentityAttribute;
use model::{
    Attribute, AttributeType, Block, CauseKind, Diagnostic, Identity, IdentitySchema, ListOutcome, ListStatus, Schema,
    ScopeStatus,
};
use serde_json::json;
use tfplugin::{
    Answer, Call, Error, ImportRequest, ImportTarget, ImportedObject, ListEvent, ListRequest, Provider, ProviderSchema,
    ResourceObject,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::refresh::cause::Secrets;
use crate::refresh::pace::Pace;
use crate::request::StatesRequest;
use crate::states;

/// Lists what its types' names say.
struct Fake;

fn attribute(required: bool) -> Attribute {
    Attribute { required, optional: !required, ..Attribute::optional(AttributeType::Plain(Type::String)) }
}

fn schema() -> ProviderSchema {
    let block = |names: &[(&str, bool)]| {
        let attributes = names.iter().map(|(name, required)| ((*name).to_owned(), attribute(*required))).collect();
        Schema { version: 0, block: Block { attributes, ..Block::default() } }
    };
    let identity = |names: &[&str]| {
        let attribute = IdentityAttribute {
            ty: Type::String,
            required_for_import: true,
            optional_for_import: false,
            description: String::new(),
        };
        let attributes = names.iter().map(|name| ((*name).to_owned(), attribute.clone())).collect();
        IdentitySchema { version: 0, attributes }
    };
    let mut schema = ProviderSchema::new(block(&[]));
    for name in ["fake_many", "fake_broken", "fake_denied", "fake_endless", "fake_role", "fake_renamed"] {
        schema.list_resources.insert(name.to_owned(), block(&[("filter", false)]));
        schema.identities.insert(name.to_owned(), identity(&["account_id", "name"]));
    }
    schema.list_resources.insert("fake_role_policy".to_owned(), block(&[("role_name", true)]));
    schema.identities.insert("fake_role_policy".to_owned(), identity(&["policy", "role"]));
    schema.list_resources.insert("fake_orphan".to_owned(), block(&[("whatever", true)]));
    schema.identities.insert("fake_orphan".to_owned(), identity(&["name"]));
    schema
}

fn object(attributes: &[(&str, &str)]) -> Value {
    Value::object(attributes.iter().map(|(name, text)| ((*name).to_owned(), Value::string(*text))).collect())
}

fn named(name: &str) -> Vec<(&str, &str)> {
    vec![("account_id", "1"), ("name", name)]
}

#[async_trait]
impl Provider for Fake {
    async fn schema(&self, _call: &Call) -> Answer<Arc<ProviderSchema>> {
        Ok((Arc::new(schema()), Vec::new()))
    }

    async fn list_resource(&self, call: &Call, request: ListRequest, events: mpsc::Sender<ListEvent>) -> Answer<()> {
        assert!(!request.include_resource && request.config.is_wholly_known());
        let send = |identity: Option<Value>, diagnostics| {
            let events = events.clone();
            async move {
                let identity = identity.map(|value| Identity { version: 0, value });
                let event = ListEvent { identity, display_name: "shown".to_owned(), resource: None, diagnostics };
                events.send(event).await.is_ok()
            }
        };
        match request.resource_type.as_str() {
            "fake_many" => {
                for number in 0..5_000 {
                    send(Some(object(&named(&format!("n{number}")))), Vec::new()).await;
                }
            }
            "fake_broken" => {
                send(Some(object(&named("a"))), Vec::new()).await;
                let detail = "AccessDenied: you may not";
                send(None, vec![Diagnostic::error("provider-error", "reading b", detail)]).await;
                send(None, vec![Diagnostic::warning("provider-warning", "skipping c", "it is odd")]).await;
                send(Some(object(&named("d"))), Vec::new()).await;
            }
            "fake_denied" => {
                return Ok(((), vec![Diagnostic::error("provider-error", "listing", "AccessDenied: you may not")]));
            }
            "fake_endless" => {
                let mut number = 0;
                while send(Some(object(&named(&number.to_string()))), Vec::new()).await {
                    number += 1;
                    if number == 1_000 {
                        call.cancel.cancelled().await;
                        return Err(Error::cancelled("ListResource"));
                    }
                }
            }
            "fake_role" => {
                send(Some(object(&named("admin"))), Vec::new()).await;
                send(Some(object(&named("admin"))), Vec::new()).await;
                send(Some(object(&named("reader"))), Vec::new()).await;
            }
            "fake_role_policy" => {
                let role = request.config.get_attr("role_name").expect("it is an argument");
                let role = role.as_str().expect("a text");
                send(Some(object(&[("policy", "inline"), ("role", role)])), Vec::new()).await;
            }
            "fake_renamed" => {
                send(Some(object(&named("by-name"))), Vec::new()).await;
                send(Some(object(&named("nobodys"))), Vec::new()).await;
            }
            other => panic!("{other} must not be listed"),
        }
        Ok(((), Vec::new()))
    }

    async fn import_resource_state(&self, _call: &Call, request: ImportRequest) -> Answer<Vec<ImportedObject>> {
        let value = match &request.target {
            ImportTarget::Identity(identity) => {
                let text =
                    |name: &str| identity.value.get_attr(name).ok().and_then(|value| value.as_str().map(String::from));
                let name = || text("name").expect("it has a name");
                match request.resource_type.as_str() {
                    "fake_role_policy" => {
                        let (role, policy) = (text("role").expect("a role"), text("policy").expect("a policy"));
                        object(&[("id", &format!("{role}:{policy}"))])
                    }
                    "fake_renamed" => object(&[("id", &format!("id-of-{}", name()))]),
                    _ => object(&[("id", &name())]),
                }
            }
            ImportTarget::Id(id) => object(&[("id", id)]),
        };
        let object = ResourceObject { value, private: Vec::new(), identity: None };
        Ok((vec![ImportedObject { resource_type: request.resource_type, object }], Vec::new()))
    }
}

struct World {
    states: States,
    session: Session,
    lister: Lister,
}

impl World {
    /// Makes a world in which these are recorded: type and attributes.
    async fn of(recorded: &[(&str, serde_json::Value)]) -> Self {
        let resource = |(number, (name, attributes)): (usize, &(&str, serde_json::Value))| {
            json!({
                "mode": "managed", "type": name, "name": format!("r{number}"),
                "provider": "provider[\"example.com/a/fake\"]",
                "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}],
            })
        };
        let state = json!({
            "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}, "check_results": null,
            "resources": recorded.iter().enumerate().map(resource).collect::<Vec<_>>(),
        });
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("terraform.tfstate");
        std::fs::write(&path, state.to_string()).expect("it is written");
        let session = Session::new(net::Environment::default(), folder.path().to_owned());
        let request =
            StatesRequest { locations: vec![path.to_string_lossy().into_owned()], ..StatesRequest::default() };
        let states = states::load(&session, &request).await.expect("the state is read");
        let lister = Lister {
            provider: Arc::new(Fake),
            schema: Arc::new(schema()),
            name: "provider[\"example.com/a/fake\"]".parse().expect("an address"),
            version: Some("1.2.3".to_owned()),
            account: None,
            pace: Pace::new(10),
            n_parallel: 10,
            rate: None,
            deadline: Duration::from_mins(5),
            cancel: CancellationToken::new(),
            secrets: Secrets::default(),
            now: jiff::Timestamp::now,
        };
        Self { states, session, lister }
    }

    async fn list(&self, types: &[&str]) -> Lists {
        let filters = Filters { types: types.iter().map(|name| Pattern::new(name)).collect(), ..Filters::default() };
        let (mappings, readings) = (BTreeMap::new(), BTreeMap::new());
        let context = Context { filters: &filters, mappings: &mappings, states: &self.states, readings: &readings };
        list(&self.session, std::slice::from_ref(&self.lister), context).await
    }
}

fn keys(lists: &Lists) -> Vec<&str> {
    lists.objects.iter().map(|listed| &*listed.object.key.0).collect()
}

fn outcome<'a>(lists: &'a Lists, name: &str) -> &'a ListOutcome {
    lists.outcomes.iter().find(|outcome| outcome.resource_type.as_str() == name).expect("it was listed")
}

#[tokio::test(start_paused = true)]
async fn many_objects_are_all_taken_and_the_recorded_ones_left_out() {
    let world = World::of(&[("fake_many", json!({"id": "x", "name": "n7"}))]).await;
    let lists = world.list(&["fake_many"]).await;
    assert_eq!(lists.objects.len(), 4_999);
    let outcome = outcome(&lists, "fake_many");
    assert_eq!((outcome.status, outcome.n_objects, outcome.n_recorded), (ListStatus::Listed, 5_000, 1));
    assert_eq!(outcome.calls["ListResource"], 1);
    assert_eq!(outcome.calls["ImportResourceState"], 2, "one object proves that names are import ids");
    let object = &lists.objects[0].object;
    assert_eq!(object.import_id.as_ref().map(ToString::to_string).as_deref(), Some("n0"));
    assert_eq!((object.scope.account.as_str(), &*object.source), ("1", "ListResource"));
}

#[tokio::test(start_paused = true)]
async fn what_came_around_an_error_is_kept_and_nothing_is_claimed_of_the_rest() {
    let world = World::of(&[]).await;
    let lists = world.list(&["fake_broken", "fake_denied"]).await;
    assert_eq!(keys(&lists), ["a", "d"]);
    let broken = outcome(&lists, "fake_broken");
    assert_eq!((broken.status, broken.causes[0].kind), (ListStatus::Partial, CauseKind::Denied));
    let denied = outcome(&lists, "fake_denied");
    assert_eq!((denied.status, denied.n_objects, denied.causes[0].kind), (ListStatus::Failed, 0, CauseKind::Denied));
    assert!(!is_complete(&lists.outcomes, &BTreeMap::new()));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_does_not_end_is_cut_when_its_time_is_up_or_somebody_stops_it() {
    let world = World::of(&[]).await;
    let cancel = world.lister.cancel.clone();
    let stop = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        cancel.cancel();
    };
    let types = ["fake_endless"];
    let (lists, ()) = tokio::join!(world.list(&types), stop);
    let outcome = outcome(&lists, "fake_endless");
    assert_eq!((outcome.status, outcome.n_objects), (ListStatus::Partial, 1_000));
    assert_eq!(outcome.causes[0].kind, CauseKind::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn an_argument_that_names_a_parent_is_filled_and_another_is_said() {
    let world = World::of(&[
        ("fake_role", json!({"id": "admin", "name": "admin"})),
        ("fake_role_policy", json!({"id": "admin:inline"})),
    ])
    .await;
    let lists = world.list(&["fake_role*", "fake_orphan"]).await;
    let policy = outcome(&lists, "fake_role_policy");
    assert_eq!((policy.status, policy.n_objects, policy.n_recorded), (ListStatus::Listed, 2, 1));
    assert_eq!(policy.calls["ListResource"], 2, "once for each role");
    let is_policy = |object: &&RemoteObject| object.resource_type == Some("fake_role_policy".into());
    let listed = lists.objects.iter().map(|listed| &listed.object).find(is_policy).expect("one is nobody's");
    assert_eq!((&*listed.key.0, listed.name.as_deref()), ("inline/reader", Some("shown")));
    assert_eq!(
        listed.import_id.as_ref().map(ToString::to_string).as_deref(),
        Some("reader:inline"),
        "an import proved it"
    );
    let orphan = outcome(&lists, "fake_orphan");
    assert_eq!((orphan.status, orphan.causes[0].kind), (ListStatus::NotListed, CauseKind::ParentNotSeen));
    assert!(orphan.causes[0].detail.contains("`whatever`"), "{orphan:?}");
    assert_eq!(keys(&lists).iter().filter(|key| **key == "admin").count(), 0, "twice listed, once recorded");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_a_state_calls_otherwise_is_recognized_by_an_import() {
    let world = World::of(&[("fake_renamed", json!({"id": "id-of-by-name"}))]).await;
    let lists = world.list(&["fake_renamed"]).await;
    assert_eq!(keys(&lists), ["nobodys"]);
    assert_eq!(outcome(&lists, "fake_renamed").n_recorded, 1);
    assert_eq!(lists.objects[0].object.import_id, None, "a name is no import id here");
}

#[tokio::test(start_paused = true)]
async fn the_inventory_has_the_last_word_where_it_saw_everything() {
    let world = World::of(&[]).await;
    let mappings = BTreeMap::from([(
        ResourceType::from("fake_role"),
        TypeMapping { cloud: "fake".into(), native_types: vec!["fake.role".into()], inline_in: Vec::new() },
    )]);
    let filters = Filters { types: vec![Pattern::new("fake_role")], ..Filters::default() };
    let readings = BTreeMap::new();
    let context = Context { filters: &filters, mappings: &mappings, states: &world.states, readings: &readings };
    let lists = list(&world.session, std::slice::from_ref(&world.lister), context).await;
    assert_eq!(keys(&lists), ["admin", "reader"]);
    let mut role = lists.objects[0].object.clone();
    let outcome = |status| model::ScopeOutcome {
        scope: role.scope.clone(),
        status,
        causes: Vec::new(),
        n_objects: 1,
        calls: BTreeMap::new(),
        started: jiff::Timestamp::now(),
        finished: jiff::Timestamp::now(),
    };
    let complete = [outcome(ScopeStatus::Complete)];
    let mut merge = Merge::new(lists.clone(), &mappings, &complete);
    assert!(merge.take_rest().is_empty());
    assert_eq!(merge.into_outcomes()[0].n_inventory, 2);

    let partial = [outcome(ScopeStatus::Partial)];
    let mut merge = Merge::new(lists, &mappings, &partial);
    role.source = "iam:ListRoles".into();
    merge.note(&role);
    let rest = merge.take_rest();
    assert_eq!(rest.iter().map(|object| &*object.key.0).collect::<Vec<_>>(), ["reader"]);
    assert_eq!(merge.into_outcomes()[0].n_inventory, 1);
}
