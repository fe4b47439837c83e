//! The JSON encoding of values, in which states and plans hold them.
//!
//! Text is equal to go-cty's. It has no form for unknown values and infinities.

mod decode;
mod encode;
mod read;
mod strip;

pub use decode::{decode, decode_implied, implied_type};
pub use encode::encode;
pub use strip::strip;
