//! Values of expressions, templates and blocks: the reference implementation must give the same, unknown parts and marks
//! included.
//!
//! What is not known may be known less well here, never better and never otherwise.

mod blocks;
mod constraints;
pub(crate) mod expressions;
mod generate;
pub(crate) mod values;
