//! Sessions with a provider, recorded and replayed: tests and bug reports need no cloud.
//!
//! [`Recorder`] is a [`Provider`](crate::Provider) around another one: it passes every call through and writes a line of
//! JSON about it. [`Player`] is a provider that answers from such lines.
//!
//! **Nothing is written in clear that was not allowed.** A string is replaced by a placeholder, `⟨s0123456789abcdef⟩`,
//! unless the [`Mask`] allows its place *and* the schema does not call it sensitive; so are map keys, names inside
//! dynamically typed values, ids, identities, numbers that are sensitive, and private bytes. Placeholders come from a
//! secret [`Key`], which the transcript does not hold: equal strings have equal placeholders, and nobody can guess the
//! string by trying. What stays readable: schemas, types of resources, numbers and truth values that are not sensitive,
//! and the texts of diagnostics and errors, less every string that was masked before.
//!
//! **A transcript replays in two ways.** With the key, a player takes the requests of the session as they were, masks
//! them itself, and puts the strings it has seen in requests back into its answers. Without it, requests are made of
//! what the transcript shows. A request that was not recorded is an error that names it; a request that was recorded
//! several times is answered in that order.
//!
//! As over the wire, marks and codes of diagnostics get lost, and errors lose their source.
//!
//! ```text
//! {"transcript":"driftmgr.transcript/v1","provider":"registry.terraform.io/hashicorp/time","version":"0.14.2",…}
//! {"method":"GetProviderSchema","answer":{…},"diagnostics":[],"micros":5123}
//! {"method":"ReadResource","type":"time_static","key":"5f0c…","request":{…},"answer":{…},"diagnostics":[],"micros":420}
//! ```

mod key;
mod line;
mod mask;
mod parts;
mod place;
mod player;
mod recorder;
mod schema;
mod value;

use model::ProviderAddress;

pub use key::Key;
pub use place::{Mask, PlacePattern};
pub use player::Player;
pub use recorder::{Options, Recorder};

/// The name and version of the format, in the first line of every transcript.
const FORMAT: &str = "driftmgr.transcript/v1";
/// The longest line that is written or read, in bytes.
const LINE_LIMIT: usize = 256 << 20;
/// The longest transcript that is read, in bytes.
const TRANSCRIPT_LIMIT: usize = 1 << 30;

/// Says which provider a transcript is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The provider's address.
    pub provider: ProviderAddress,
    /// The provider's version, where it is known.
    pub version: Option<String>,
    /// The version of the plugin protocol; none for a provider in process.
    pub protocol: Option<u32>,
}
