//! What went wrong somewhere in somebody's plugin, as a list of tests.
//!
//! Our host drives a server of ours (`examples/terraform-provider-torture.rs`) as a process of its own, so each test
//! proves both sides.

mod calls;
mod handshake;
mod processes;
mod support;
mod trust;
mod values;
