//! The definition format: a resource type is one YAML file.
//!
//! A cloud is a folder: `cloud.yaml` (partitions, services, endpoints, limits, error codes), one file per resource type,
//! and fragments under `_mixins/`. `docs/dev/adding-a-type.md` shows how to write one; the JSON Schema is
//! `docs/schemas/driftmgr.definition.v1.json`.
//!
//! Shape: sources are parsed into trees that know their line and column ([`Catalog::compile`]), merged (`extends`,
//! `mixins`, `unset`), then read into [`TypeDefinition`]s whose templates, pointers, conditions and expressions are
//! parsed already. Whatever is wrong is found there, with file, line and column; nothing can be malformed later.
//!
//! What a definition makes of an object is a pure function: [`TypeDefinition::map`]. The engine does the calls.

mod catalog;
mod cloud;
mod compile;
mod condition;
mod error;
mod evaluate;
mod example;
mod fields;
mod mapping;
mod merge;
mod node;
mod permissions;
mod pointer;
mod render;
mod resource_type;
mod template;

pub use catalog::{Catalog, DefinitionSource, embedded_sources};
pub use cloud::{
    CallerCheck, CloudDefinition, Endpoint, ErrorClass, ErrorClasses, Limits, Partition, Service, Signing,
};
pub use condition::{ObjectCondition, Operand, StandingRule, Tags, Test};
pub use error::{DefinitionError, DefinitionErrors, Origin};
pub use evaluate::{MappedAttribute, MappedObject, TerraformObject};
pub use mapping::{AttributePath, AttributeStep, Mapping, ValueKind};
pub use permissions::permissions;
pub use pointer::Pointer;
pub use render::RenderedCall;
pub use resource_type::{
    Alias, AttributeMapping, CallTemplate, Detail, Example, ExampleObject, Exchange, FromParent, Inline, Join,
    ListCall, Listing, Method, Need, Paging, Param, Parent, Proof, Protocol, Reach, TagSource, TerraformMapping,
    TypeDefinition,
};
pub use template::{MissingValue, ScopeValues, Subject, Template};
