//! The resource types of the cloud: what they consist of, and how changes of them are planned.

use cty::{Path, Type, Value};
use model::{Attribute, Block, Diagnostics, NestingMode, Schema};
use tfplugin::{PlanRequest, PlannedChange, ResourceObject};

use super::rules::{self, Dialect};
use super::specimen;
use crate::shape::{
    computed, field, identity_of, named, nested_attribute, nested_block, optional, optional_computed, required,
    sensitive, text, with_fields,
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
    /// Everything that breaks generated configuration.
    Specimen,
    /// Secrets that a configuration must hold.
    Lock,
    /// A required argument that nobody can read back.
    Vault,
    /// Objects that name each other.
    Node,
    /// Arguments that exclude and demand each other, in the words of the older SDK.
    Valve,
    /// The same in the words of the plugin framework.
    Vent,
    /// What cannot be imported.
    Sealed,
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
    pub(crate) const ALL: [Self; 10] = [
        Self::Object,
        Self::Legacy,
        Self::Policy,
        Self::Specimen,
        Self::Lock,
        Self::Vault,
        Self::Node,
        Self::Valve,
        Self::Vent,
        Self::Sealed,
    ];

    pub(crate) fn of(resource_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == resource_type)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "torture_object",
            Self::Legacy => "torture_legacy",
            Self::Policy => "torture_policy",
            Self::Specimen => "torture_specimen",
            Self::Lock => "torture_lock",
            Self::Vault => "torture_vault",
            Self::Node => "torture_node",
            Self::Valve => "torture_valve",
            Self::Vent => "torture_vent",
            Self::Sealed => "torture_sealed",
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
            Self::Specimen => specimen::specimen_block(),
            Self::Lock => specimen::lock_block(),
            Self::Vault => specimen::vault_block(),
            Self::Node => specimen::node_block(),
            Self::Sealed => specimen::sealed_block(),
            Self::Valve | Self::Vent => rules::block(),
        };
        Schema { version: 1, block }
    }

    /// Tells whether the type is one of the older SDK's, which takes null and zero for the same.
    fn is_legacy(self) -> bool {
        matches!(self, Self::Legacy | Self::Valve)
    }

    /// Gives what the provider makes of what the cloud says.
    pub(crate) fn as_read(self, value: &Value) -> Value {
        match self {
            Self::Object => {
                with_fields(value, [("force", Value::null(Type::Bool)), ("password", Value::null(Type::String))])
            }
            Self::Legacy => map_fields(value, |_, field| empty_for_null(field)),
            Self::Valve => map_fields(value, |_, field| rules::zero_for_null(&empty_for_null(field))),
            Self::Policy | Self::Vent | Self::Sealed => value.clone(),
            Self::Specimen => specimen::as_read(value),
            Self::Lock => with_fields(value, [("token_wo", Value::null(Type::String))]),
            Self::Vault => with_fields(value, [("password", Value::null(Type::String))]),
            Self::Node => {
                let name = text(value, "name").unwrap_or_default();
                // FNV-1a: an id that looks like one, and is the same every time.
                let hash =
                    name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
                let arn = Value::string(format!("arn:torture:net:here:1234:node/{name}"));
                with_fields(value, [("id", Value::string(format!("node-{hash:08x}"))), ("arn", arn)])
            }
        }
    }

    /// Gives a configuration that would give the state there is.
    pub(crate) fn config_of(self, state: &Value) -> Value {
        let block = self.schema().block;
        map_fields(state, |name, field| match block.attributes.get(name) {
            Some(attribute) if attribute.computed && !attribute.optional => Value::null(field.ty().clone()),
            _ if self.is_legacy() && is_empty(field) => Value::null(field.ty().clone()),
            _ => field.clone(),
        })
    }

    /// Refuses what the provider does not take.
    pub(crate) fn validate(self, config: &Value) -> Diagnostics {
        match self {
            Self::Object | Self::Legacy | Self::Policy | Self::Sealed | Self::Node => super::validate_json(config),
            Self::Specimen => specimen::validate(config),
            Self::Lock => specimen::validate_lock(config),
            Self::Vault => specimen::validate_vault(config),
            Self::Valve => rules::validate(config, Dialect::OlderSdk),
            Self::Vent => rules::validate(config, Dialect::Framework),
        }
    }

    pub(crate) fn plan(self, request: PlanRequest) -> PlannedChange {
        let (prior, proposed) = (&request.prior.value, &request.proposed);
        let is_legacy_type_system = self.is_legacy();
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
        let mut requires_replace = if is_renamed { vec![Path::new().attr(self.key())] } else { Vec::new() };
        if self == Self::Specimen {
            planned = specimen::plan(&planned);
            if !is_new && field(prior, "location") != field(&planned, "location") {
                requires_replace.push(Path::new().attr("location"));
            }
        }
        let planned = ResourceObject { value: planned, private: request.prior.private, identity };
        PlannedChange { planned, requires_replace, is_legacy_type_system }
    }

    fn plan_field(self, name: &str, prior: Option<&Value>, proposed: &Value) -> Value {
        match name {
            // Write-only values are never planned.
            "password" if self == Self::Object => Value::null(Type::String),
            "password_wo" | "token_wo" => Value::null(Type::String),
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
                Some(prior) if self == Self::Valve => {
                    let zero = |value: &Value| rules::zero_for_null(&empty_for_null(value));
                    if zero(prior) == zero(proposed) { prior.clone() } else { proposed.clone() }
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
