//! JSON: the documents of [`crate::v1`], indented.

use std::io;

use crate::v1;

/// Writes any document.
///
/// # Errors
///
/// Those of the writer.
pub fn write(document: &impl v1::Document, out: &mut dyn io::Write) -> io::Result<()> {
    v1::write(document, true, out)
}
