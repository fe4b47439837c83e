//! The engine: asks a cloud what its definitions say, and never claims more than it was answered.
//!
//! [`discover`] fans out over account × region × type. Types are grouped into families (a type and its children), one
//! task each, in a mixed order; limits, retries and signatures are layers of [`net`]. Every scope that was planned ends
//! in exactly one [`model::ScopeOutcome`], whatever happens: refusals, timeouts, endless pages, cancellation.
//!
//! Start at [`DiscoverRequest`]; the way of one page is `family.rs`, the way of one call `call.rs`.

mod account;
mod call;
mod discover;
mod encode;
mod family;
mod object;
mod outcome;
pub mod reply;
pub mod secrets;
mod shuffle;

pub use account::{Account, EndpointOverride, classifier, enabled_regions, limits_by_service};
pub use discover::{AccountRegions, DetailChoice, DiscoverRequest, Discovery, Event, discover};
