//! Adoption: which unmanaged objects are offered, what they are called, and the configuration that plans clean.
//!
//! Three steps, none of which knows files or providers: [`plan`] gives every object an address or the reason why it has
//! none; [`search`] finds the configuration of one object by asking for probes; [`compose`] joins what was found to files
//! with references, variables and groups.

mod addresses;
pub mod compose;
mod names;
pub mod search;
mod status;

pub use addresses::{Adoption, AdoptionKey, AdoptionStep, Choice, Choices, addresses, choice_for, plan};
pub use names::{NamePattern, ParseNamePatternError};
pub use status::{AdoptionStatus, Certificate};
