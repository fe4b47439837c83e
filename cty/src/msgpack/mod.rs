//! The msgpack encoding of values, in which Terraform and its providers exchange them.
//!
//! Bytes are equal to go-cty's. Decoding is stricter in a few places where go-cty would return a value that does not
//! have the wanted type, or crash: every attribute must be there exactly once, elements of a collection must have one
//! type, strings must be UTF-8, refinements must not contradict one another, and nothing may follow the value.

mod decode;
mod encode;
mod implied;
mod read;

pub use decode::decode;
pub use encode::encode;
pub use implied::implied_type;

/// Is the extension code of unknown values with refinements; go-cty reads any other as plainly unknown.
const REFINED_UNKNOWN: u8 = 0x0c;

/// Are the keys of the map of refinements.
mod refinement_key {
    pub(super) const NULLNESS: i64 = 1;
    pub(super) const STRING_PREFIX: i64 = 2;
    pub(super) const NUMBER_MIN: i64 = 3;
    pub(super) const NUMBER_MAX: i64 = 4;
    pub(super) const LENGTH_MIN: i64 = 5;
    pub(super) const LENGTH_MAX: i64 = 6;
}
