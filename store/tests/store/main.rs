//! The store against real files: every promise of the crate's first page has a test here.

#![expect(clippy::print_stdout, reason = "helper processes report to the test that started them")]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod findings;
mod golden;
mod hostile;
mod kill;
mod lifecycle;
mod queries;
mod secrets;
mod support;
