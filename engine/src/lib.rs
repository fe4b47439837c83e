//! Runs one scan, comparison or adoption: the only place where IO meets decisions.
//!
//! **Owns** the order of things: which states, which scopes, what from the store and what from the cloud; then it asks
//! `drift` and hands back what that decided. Requests and answers are plain structs; [`Session`] is what the process
//! lends.
//!
//! **May not know** output formats, terminals, HTTP servers, or how anything is decided.
//!
//! **Start reading** at [`drift()`], which uses every other part; then [`scan()`] and [`states`].
//!
//! **A good addition** is a request struct, an answer struct and one function between them that reads from top to bottom
//! as the story of the command.

mod accounts;
mod adopt;
mod baseline;
mod catalog;
mod check;
mod claims;
mod code;
mod doctor;
mod drift;
mod error;
pub mod evaluation;
mod explain;
mod ignoring;
mod import_id;
mod lists;
mod plan;
pub(crate) mod providers;
mod published;
mod query;
mod refresh;
mod remediate;
pub mod request;
pub mod roots;
mod scan;
mod session;
mod settings;
mod severity;
pub mod states;
mod types;
mod yaml;

pub use adopt::{
    AdoptAnswer, AdoptObserver, AdoptOffer, AdoptRequest, AdoptStatistics, AdoptStyle, AdoptedObject, AdoptedVariable,
    Finished, Journal, NewFile, TakenNames, Unobserved, adopt, claim, free_names, place_module_files,
    refuse_configuration, verify, write_files,
};
pub use baseline::{
    BaselineAnswer, BaselineRemoval, BaselineRequest, BaselineStep, record_baseline, remove_from_baseline,
};
pub use check::{CheckAnswer, CheckBase, CheckRequest, CheckedRevision, CheckedRoot, Shard, check, check_of_plan};
pub use doctor::{Check, CheckStatus, DoctorRequest, doctor};
pub use drift::{DriftAnswer, DriftRequest, drift, subject};
pub use error::{Error, ErrorKind};
pub use explain::{ExplainRequest, Explained, Explanation, ProviderLook, explain};
pub use ignoring::BaselineSource;
pub use import_id::import_id;
pub use net::Environment;
pub use plan::drift_of_plan;
pub use published::published;
pub use query::{QueryAnswer, QueryRequest, query, snapshot_path};
pub use remediate::{PatchedFile, RemediateAnswer, RemediateRequest, RemedyOffer, remediate};
pub use scan::{ScanAnswer, ScanRequest, scan};
pub use session::{Progress, Quiet, Session, Step};
pub use types::{CoveredResourceType, CoveredType, policy, types};
