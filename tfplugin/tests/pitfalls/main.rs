//! What went wrong somewhere in somebody's plugin, as a list of tests.
//!
//! Our host drives a server of ours (`examples/terraform-provider-torture`) as a process of its own, so each test
//! proves both sides.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod calls;
mod cloud;
mod functions;
mod handshake;
mod hangs;
mod moves;
mod processes;
mod supervision;
mod support;
mod trust;
mod values;
