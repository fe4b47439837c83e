//! Faults of the bytes, for people.

use model::{Diagnostic, Position};

use crate::scan::{Fault, MAX_DEPTH, MAX_TOKEN};

/// Says what is wrong, whose fault it is and what to do next.
pub(super) fn describe(fault: &Fault, position: Position) -> Diagnostic {
    let byte = position.byte;
    match fault {
        Fault::Truncated => Diagnostic::error(
            "state-truncated",
            "The state is truncated",
            format!(
                "The file ends after {byte} bytes, in the middle of the document. It was cut off when it was written."
            ),
        )
        .with_help(
            "Fetch it again, or restore it from a backup: `terraform.tfstate.backup`, or the bucket's versions.",
        ),
        Fault::NotUtf8 => Diagnostic::error(
            "state-not-utf8",
            "The state is not UTF-8 text",
            format!(
                "Byte {byte} (counted from 0) is not part of any UTF-8 character. The file was damaged or converted."
            ),
        ),
        Fault::TooDeep => Diagnostic::error(
            "state-too-deep",
            "The state is nested too deeply",
            format!("Values may be nested {MAX_DEPTH} levels deep; the one at byte {byte} is deeper."),
        ),
        Fault::TooLong => Diagnostic::error(
            "state-too-long",
            "A text in the state is too long",
            format!("Names, ids and identities may have {MAX_TOKEN} bytes; the one around byte {byte} is longer."),
        ),
        Fault::Expected(what) => Diagnostic::error(
            "state-syntax",
            "The state is not well-formed",
            format!("At byte {byte}, {what} should stand. The file was damaged, or edited by hand."),
        )
        .with_help("Restore it from a backup: `terraform.tfstate.backup`, or the bucket's versions."),
        Fault::Io(_) | Fault::TooLarge => {
            Diagnostic::error("state-unreadable", "The state cannot be read", "Reading the file failed.")
        }
    }
}
