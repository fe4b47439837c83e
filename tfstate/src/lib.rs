//! State snapshots of Terraform and OpenTofu: the format, a streaming index, and the backends they live in; and plan JSON.
//!
//! **Owns** the file format of version 4 ([`format`]), the index that one pass over a snapshot gives ([`index`]),
//! the places snapshots are fetched from ([`backend`]), and what `show -json` prints of a plan ([`plan`]). States are read and never written; no lock is taken.
//!
//! **May not know** configurations, providers, clouds or findings. Only [`backend`] touches files and networks; the
//! rest works on a `Read` or on bytes. Nothing here reads the process environment: an [`backend::Environment`] is
//! passed in.
//!
//! **Start reading** at [`StateSnapshot`], which puts the three together, then [`index::read`]; for plans at
//! [`PlanDocument`].
//!
//! **A good addition** is a backend: one file in `backend/`, one line in [`backend::BACKENDS`], and the contract suite
//! of `tests/backends` run on it.

pub mod backend;
mod error;
pub mod format;
pub mod index;
pub mod plan;
mod scan;
mod snapshot;

pub use error::{Error, ErrorKind};
pub use index::{Contents, Index, IndexedInstance, IndexedOutput};
pub use plan::PlanDocument;
pub use snapshot::StateSnapshot;
