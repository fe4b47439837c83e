//! The resource types of the cloud: what they consist of, and how changes of them are planned.

use cty::{Path, Type, Value};
use model::{Attribute, Block, NestingMode, Schema};
use tfplugin::{PlanRequest, PlannedChange, ResourceObject};

use crate::shape::{
    computed, field, identity_of, named, nested_attribute, nested_block, optional, required, sensitive, text,
    with_fields,
};

/// A resource type of the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Everything a schema can hold, as the plugin framework does it.
    Object,
    /// Strings and collections, as the older SDK does it.
    Legacy,
    /// The policy of an object.
    Policy,
}

fn optional_computed(ty: Type) -> Attribute {
    Attribute { computed: true, ..optional(ty) }
}

fn object_block() -> Block {
    let ports = [("from_port", Type::Number), ("to_port", Type::Number)];
    let more = [("protocol", Type::String), ("cidrs", Type::set(Type::String))];
    let ingress = Type::set(Type::object(ports.into_iter().chain(more)));
    let endpoint = || {
        named([
            ("host", required(Type::String)),
            ("port", optional(Type::Number)),
            ("token", sensitive(optional(Type::String))),
            ("url", computed(Type::String)),
        ])
    };
    let pair = || named([("key", required(Type::String)), ("value", optional(Type::String))]);
    let level = || named([("level", optional_computed(Type::Number)), ("note", optional(Type::String))]);
    Block {
        attributes: named([
            ("anything", optional(Type::Dynamic)),
            ("endpoint", nested_attribute(NestingMode::Single, endpoint())),
            ("force", optional(Type::Bool)),
            ("id", computed(Type::String)),
            ("ingress", optional(ingress)),
            ("labels", optional_computed(Type::map(Type::String))),
            ("made", computed(Type::String)),
            ("members", nested_attribute(NestingMode::Set, pair())),
            ("name", required(Type::String)),
            ("password", Attribute { write_only: true, ..sensitive(optional(Type::String)) }),
            ("policy", optional_computed(Type::String)),
            ("ratio", optional(Type::Number)),
            ("revision", computed(Type::Number)),
            ("secret", sensitive(optional(Type::String))),
            ("settings", nested_attribute(NestingMode::Map, level())),
            ("steps", nested_attribute(NestingMode::List, pair())),
            ("tags", optional(Type::map(Type::String))),
            ("tier", optional_computed(Type::String)),
        ]),
        blocks: named([
            ("grant", nested_block(NestingMode::Set, pair())),
            ("limits", nested_block(NestingMode::Single, level())),
            ("rule", nested_block(NestingMode::List, pair())),
            ("zone", nested_block(NestingMode::Map, level())),
        ]),
        description: "An object with everything that a schema can hold.".to_owned(),
        ..Block::default()
    }
}

fn legacy_block() -> Block {
    Block {
        attributes: named([
            ("aliases", optional(Type::list(Type::String))),
            ("comment", optional(Type::String)),
            ("id", computed(Type::String)),
            ("name", required(Type::String)),
            ("policy", optional(Type::String)),
            ("region", optional_computed(Type::String)),
            ("tags", optional(Type::map(Type::String))),
            ("tags_all", optional_computed(Type::map(Type::String))),
        ]),
        blocks: named([
            (
                "ingress",
                nested_block(
                    NestingMode::Set,
                    named([
                        ("cidrs", optional(Type::set(Type::String))),
                        ("note", optional(Type::String)),
                        ("port", required(Type::Number)),
                    ]),
                ),
            ),
            ("logging", nested_block(NestingMode::List, named([("target", optional(Type::String))]))),
        ]),
        description: "An object of a provider on the older SDK.".to_owned(),
        ..Block::default()
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Object, Self::Legacy, Self::Policy];

    pub(crate) fn of(resource_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == resource_type)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "torture_object",
            Self::Legacy => "torture_legacy",
            Self::Policy => "torture_policy",
        }
    }

    /// Gives the argument that names the object.
    pub(crate) fn key(self) -> &'static str {
        if self == Self::Policy { "object" } else { "name" }
    }

    pub(crate) fn schema(self) -> Schema {
        let block = match self {
            Self::Object => object_block(),
            Self::Legacy => legacy_block(),
            Self::Policy => Block {
                attributes: named([
                    ("id", computed(Type::String)),
                    ("object", required(Type::String)),
                    ("policy", required(Type::String)),
                ]),
                description: "The policy of an object.".to_owned(),
                ..Block::default()
            },
        };
        Schema { version: 1, block }
    }

    /// Gives what the provider makes of what the cloud says.
    pub(crate) fn as_read(self, value: &Value) -> Value {
        match self {
            Self::Object => {
                with_fields(value, [("force", Value::null(Type::Bool)), ("password", Value::null(Type::String))])
            }
            Self::Legacy => map_fields(value, |_, field| empty_for_null(field)),
            Self::Policy => value.clone(),
        }
    }

    /// Gives a configuration that would give the state there is.
    pub(crate) fn config_of(self, state: &Value) -> Value {
        let block = self.schema().block;
        map_fields(state, |name, field| match block.attributes.get(name) {
            Some(attribute) if attribute.computed && !attribute.optional => Value::null(field.ty().clone()),
            _ if self == Self::Legacy && is_empty(field) => Value::null(field.ty().clone()),
            _ => field.clone(),
        })
    }

    pub(crate) fn plan(self, request: PlanRequest) -> PlannedChange {
        let (prior, proposed) = (&request.prior.value, &request.proposed);
        let is_legacy_type_system = self == Self::Legacy;
        let identity = text(proposed, self.key()).map(identity_of);
        if proposed.is_null() {
            let planned = ResourceObject { value: proposed.clone(), private: Vec::new(), identity: None };
            return PlannedChange { planned, requires_replace: Vec::new(), is_legacy_type_system };
        }
        let is_new = prior.is_null();
        let is_renamed = !is_new && field(prior, self.key()) != field(proposed, self.key());
        let mut planned = map_fields(proposed, |name, proposed| {
            let prior = if is_new { None } else { field(prior, name) };
            self.plan_field(name, prior, proposed)
        });
        if is_new || is_renamed {
            planned = with_fields(&planned, [("id", Value::unknown(Type::String))]);
        }
        if self == Self::Object {
            let unknowns = if is_new {
                vec![("made", Value::unknown(Type::String)), ("revision", Value::unknown(Type::Number))]
            } else if planned == *prior {
                Vec::new()
            } else {
                vec![("revision", Value::unknown(Type::Number))]
            };
            planned = with_fields(&planned, unknowns);
        }
        let requires_replace = if is_renamed { vec![Path::new().attr(self.key())] } else { Vec::new() };
        let planned = ResourceObject { value: planned, private: request.prior.private, identity };
        PlannedChange { planned, requires_replace, is_legacy_type_system }
    }

    fn plan_field(self, name: &str, prior: Option<&Value>, proposed: &Value) -> Value {
        match name {
            // Write-only values are never planned.
            "password" => Value::null(Type::String),
            "tier" if proposed.is_null() => Value::string("standard"),
            "labels" | "region" | "tags_all" if prior.is_none() && proposed.is_null() => {
                Value::unknown(proposed.ty().clone())
            }
            "policy" if prior.is_some_and(|prior| means_the_same(prior, proposed)) => prior.unwrap_or(proposed).clone(),
            "policy" if prior.is_none() && proposed.is_null() && self == Self::Object => Value::unknown(Type::String),
            "endpoint" => plan_endpoint(prior, proposed),
            _ => match prior {
                Some(prior) if self == Self::Legacy && empty_for_null(prior) == empty_for_null(proposed) => {
                    prior.clone()
                }
                _ => proposed.clone(),
            },
        }
    }
}

/// Plans the `url`, which follows the host.
fn plan_endpoint(prior: Option<&Value>, proposed: &Value) -> Value {
    if proposed.is_null() || !proposed.is_known() {
        return proposed.clone();
    }
    let prior = prior.filter(|prior| !prior.is_null());
    let is_same =
        prior.is_some_and(|prior| ["host", "port"].iter().all(|name| field(prior, name) == field(proposed, name)));
    let url = if is_same { prior.and_then(|prior| field(prior, "url")).cloned() } else { None };
    with_fields(proposed, [("url", url.unwrap_or_else(|| Value::unknown(Type::String)))])
}

/// Tells whether two texts are the same JSON.
fn means_the_same(left: &Value, right: &Value) -> bool {
    let parse = |value: &Value| value.as_str().and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    matches!((parse(left), parse(right)), (Some(left), Some(right)) if left == right)
}

/// Tells whether the older SDK takes a value for absent.
fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("") || value.is_known() && value.ty().is_collection() && value.is_empty()
}

/// Makes nulls of texts and collections empty, all the way down.
fn empty_for_null(value: &Value) -> Value {
    if !value.is_known() {
        return value.clone();
    }
    let elements = || value.elements().map(empty_for_null).collect();
    let entries = || value.entries().map(|(key, element)| (key.to_owned(), empty_for_null(element))).collect();
    let emptied = match value.ty() {
        Type::String if value.is_null() => Ok(Value::string("")),
        Type::List(element) => Value::list(Type::clone(element), elements()),
        Type::Set(element) => Value::set(Type::clone(element), elements()),
        Type::Map(element) => Value::map(Type::clone(element), entries()),
        Type::Object(_) if !value.is_null() => Ok(Value::object(entries())),
        _ => return value.clone(),
    };
    emptied.unwrap_or_else(|_| value.clone())
}

fn map_fields(value: &Value, change: impl Fn(&str, &Value) -> Value) -> Value {
    Value::object(value.entries().map(|(name, field)| (name.to_owned(), change(name, field))).collect())
}
