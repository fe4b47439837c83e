//! The nouns of Terraform that every crate of driftmgr shares.
//!
//! **Owns** addresses, provider addresses, schemas, identities, import ids, the record of a remote object, scopes and
//! how completely they were seen, the vocabulary of findings, remedies, and diagnostics: one public type per noun.
//!
//! **May not know** files, networks, clocks, the environment or any serialization format: no type here is `Serialize`.
//! Output shapes live in `report`, wire shapes in `tfplugin`, file shapes in `tfstate`, rows in `store`.
//!
//! **Start reading** at [`address`], then [`object`] (what a cloud holds), [`finding`] (what we say about it).
//!
//! **A good addition** is a noun two crates need to exchange, named with Terraform's own word, with a `Display` and a
//! `FromStr` that round-trip where it has a text form.

pub mod address;
pub mod diagnostic;
pub mod draft;
pub mod finding;
pub mod id;
pub mod identity;
pub mod object;
pub mod provider;
pub mod recorded;
pub mod remedy;
pub mod schema;
pub mod scope;
mod text;
pub mod trace;

pub use address::{
    InstanceAddress, InstanceKey, ModuleAddress, ModuleStep, ParseAddressError, ResourceAddress, ResourceMode,
};
pub use diagnostic::{Diagnostic, Diagnostics, Position, Severity, Span};
pub use finding::{
    AttributeDifference, Coverage, Finding, FindingSeverity, Fingerprint, Impact, Kind, ListOutcome, ListStatus,
    PlanLook, ScopeCoverage, Tier,
};
pub use id::{AccountId, CloudName, DeposedKey, ImportId, Lineage, NativeType, Region, ResourceType, Serial};
pub use identity::{Identity, IdentitySchema};
pub use object::{Completeness, ObjectKey, Precision, RemoteObject, Standing};
pub use provider::{ProviderAddress, ProviderConfigAddress};
pub use recorded::{RecordedInstance, StateRef};
pub use remedy::{Remedy, RemedyKind, RemedyStatus};
pub use schema::{Attribute, AttributeType, Block, NestedBlock, NestedObject, NestingMode, Schema};
pub use scope::{Cause, CauseKind, Scope, ScopeOutcome, ScopeStatus};
pub use trace::{TraceKind, TraceStep, UnknownPart};
