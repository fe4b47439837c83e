//! One way to the network, for whatever driftmgr reads from a cloud or a backend.
//!
//! **Owns** the [`Transport`] trait and the one HTTP client behind it; the layers around it, each a file in [`layer`];
//! the guard that decides where a connection may go ([`egress`]); request signing ([`sign`]) and the standard AWS
//! credential chain ([`aws`]); the error every network call ends in ([`Error`]). Every request here is a read, so every
//! request may be sent again.
//!
//! **May not know** anything of ours: no resource type, no definition, no state. It reads no process environment and no
//! home directory: the front end passes an [`Environment`] in.
//!
//! **Start reading** at [`Transport`], then [`Network`], which stacks the layers in the only order that is right.
//!
//! **A good addition** wraps a `Transport` in a file of `layer/` and passes the contract suite in
//! `tests/suite/transport_contract.rs`; or it is a signing scheme in `sign/` with the vendor's published vectors as its
//! test.

pub mod aws;
pub mod egress;
mod environment;
mod error;
mod http_client;
pub mod layer;
mod message;
mod network;
pub mod recording;
pub mod sign;
mod transport;

pub use environment::Environment;
pub use error::{Error, ErrorKind};
pub use http_client::{HttpClient, HttpClientConfig};
pub use message::{LimitScope, Request, Response};
pub use network::{Network, NetworkConfig};
pub use transport::Transport;
