//! Version 1 of the documents. Fields are added, never renamed; each document has a JSON Schema in `docs/schemas/`.
//!
//! The types here own nothing they describe: a document is written from what it is about, one element at a time.

pub mod adopt;
pub mod check;
mod common;
pub mod drift;
pub mod explain;
pub mod mapping;
pub mod query;
pub mod remedies;
pub mod scan;
pub mod types;

pub use common::{Document, write};
