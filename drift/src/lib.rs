//! Decides what differs between code, state and cloud, why, and what can be done about it.
//!
//! **Owns** the join of recorded instances and remote objects, the truth table, the exact comparison of what a provider
//! read, tiers, what another instance explains, what makes a run fail and how much it matters, ignore rules and the
//! baseline, filters, summaries, fingerprints, remedies, and adoption: addresses and configuration. Facets go in as
//! [`Evidence`] and an iterator of objects; a [`Verdict`] comes out.
//!
//! **May not know** files, networks, clocks, the environment or any source crate: `now` is an argument, values come
//! through [`RecordedAttributes`] and [`DeclaredArguments`]. Nothing here is `async`.
//!
//! **Start reading** at [`judge`], then [`fails`] (the table of kinds and tiers) and [`evidence`] (what goes in); for
//! what a provider read, at [`exact::Examination`]; for the configuration of what nobody manages, at [`adopt`].
//!
//! **A good addition** turns a wrong verdict into a right one with a case in `tests/` that fails without it; a remedy
//! is one file in `remedy/`. What cannot be known stays undetermined, with a cause a person can act on.

pub mod adopt;
pub mod baseline;
pub mod change;
mod compare;
mod conclude;
pub mod evidence;
pub mod exact;
pub mod exit;
mod explain;
pub mod fails;
mod fingerprint;
pub mod ignore;
mod join;
mod judge;
pub mod lifecycle;
mod look;
pub mod options;
pub mod pattern;
pub mod place;
pub mod remedy;
pub mod severity;
pub mod summary;
mod unmanaged;

pub use evidence::{
    Caller, Declaration, DeclaredArguments, DeclaredBlock, DeclaredNames, Evidence, InlineIn, RecordedAttributes,
    TypeMapping, UnrecordedInstance,
};
pub use exit::ExitCode;
pub use fails::FailOn;
pub use ignore::IgnoreRules;
pub use judge::{Verdict, judge};
pub use options::{Filters, JudgeOptions, Question, StateSet};
pub use pattern::{Pattern, TagPattern};
pub use severity::{SeverityRule, SeverityRules};
pub use summary::Summary;
