//! The tasks of this repository, and the foreign programs its tests run against.
//!
//! **Owns** installing and building the foreign tools ([`tools`]), the emulated AWS account ([`moto`]), the real servers
//! ([`rabbitmq`], [`kubernetes`]), what is changed in them by hand ([`drifts`]) and their roots ([`pairs`]), running terraform or tofu against
//! them ([`terraform`]), the demo estate ([`estate`]), and what is shown and proved with all that ([`quickstart`],
//! [`loops`]); the layout of a release too ([`dist`]).
//!
//! **May not know** any crate of ours. A task that needs our programs runs them as a user would, as processes. So every
//! crate can have this one as a dev-dependency.
//!
//! **Start reading** at [`tools::Tool`], then [`moto::Moto`] and [`rabbitmq::Broker`].
//!
//! **A good addition** is one file per task with one line in `main.rs`: what it needs it asks of [`tools`], and where a
//! tool can't be had it says so through [`tools::or_skip`] instead of passing silently.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the person who runs it")]

pub mod dist;
pub mod drifts;
pub mod estate;
pub mod hclsyntax;
pub mod http;
pub mod kubernetes;
pub mod loops;
pub mod many_roots;
pub mod moto;
pub mod oracle;
pub mod pairs;
pub mod quickstart;
pub mod rabbitmq;
pub mod server;
pub mod terraform;
pub mod tools;

use std::path::{Path, PathBuf};

/// Returns the root directory of the repository this program was built from.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the xtask crate lies in the repository's root").to_path_buf()
}
