//! What `net` promises, against real servers on loopback and published vectors.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aws_v4;
mod credentials;
mod layers;
mod support;
mod tls;
mod transport_contract;
