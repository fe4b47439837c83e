//! go-cty is the truth: what it encodes and computes, this crate encodes and computes too, byte for byte.

mod behavior;
mod cases;
mod corpus;
mod differential;
#[path = "../../../fuzz/body.rs"]
mod fuzz_body;
mod limits;
mod marks;
mod mutation;
mod numbers;
mod round_trip;
mod strategies;
