//! Reading and writing configuration; what is written is shown to real terraform.

#![expect(clippy::format_collect, reason = "the text of a test need not be made fast")]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod blocks;
mod conformance;
mod drafts;
mod edits;
mod emission;
mod evaluation;
mod function_calls;
mod function_unknowns;
mod functions;
mod gates;
mod inside;
mod json;
mod lexing;
mod mistakes;
mod modules;
mod moves;
mod oracle;
mod origins;
mod own_blocks;
mod packages;
mod parsing;
mod passing;
mod planned_drafts;
mod roots;
mod specsuite;
mod terraform;
mod traces;
mod variables;
