//! Values of expressions, templates and blocks: the reference implementation must give the same, unknown parts and marks
//! included.
//!
//! What is not known may be known less well here, never better and never otherwise.

mod blocks;
mod constraints;
pub(crate) mod expressions;
mod generate;
pub(crate) mod values;

/// Tells the person who runs the tests, whatever the harness does with output.
fn say(message: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{message}");
}
