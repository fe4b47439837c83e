//! The Terraform plugin protocol, as a server and as a host, behind one [`Provider`] trait.
//!
//! **Owns** the protocol: versions 5 and 6 on the wire, the go-plugin handshake, mutual TLS, the processes of hosted
//! providers, and the trait that our own provider, a hosted binary and a test's fake all implement.
//!
//! **May not know** what any provider is for, where binaries are found, or the environment: what the environment says is
//! handed in. No type of the wire leaves this crate.
//!
//! **Start reading** at [`Provider`], then [`server::run`] (terraform hosts us) and [`host::HostedProvider`] (we host a
//! provider).
//!
//! **It cannot apply.** Code exists only for an allow-list of calls (`tests/generated.rs`): no Apply can be sent, because
//! none can be named.
//!
//! **A good addition** is one call: its entry in the allow-list, a method of [`Provider`] with requests made of `cty` and
//! `model` types, its two sides in `server/service.rs` and `host/calls.rs`, and a test under `tests/pitfalls/` that
//! drives it from both.

pub mod builtin;
pub mod error;
pub mod function;
mod goplugin;
pub mod host;
pub mod log;
pub mod provider;
pub mod server;
pub mod transcript;
mod wire;

pub use error::{Error, ErrorKind};
pub use function::{FunctionError, FunctionParameter, FunctionRequest, FunctionSignature};
pub use provider::{
    Answer, Call, ConfigureRequest, DataSourceRequest, GenerateRequest, ImportRequest, ImportTarget, ImportedObject,
    ListEvent, ListRequest, MoveRequest, PlanRequest, PlannedChange, Provider, ProviderSchema, ReadRequest,
    ResourceObject, UpgradeIdentityRequest, UpgradeRequest,
};

/// The largest message either side accepts, in bytes.
const MESSAGE_LIMIT: usize = 256 << 20;
