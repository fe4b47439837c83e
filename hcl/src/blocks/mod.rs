//! The blocks that are terraform's own: what they mean, and what is wrong with them.
//!
//! Each file has one kind: where objects moved to ([`moved`]), what is forgotten or destroyed ([`removed`]), what is
//! imported ([`import`]), which provider configuration a resource has ([`providers`]), what must hold ([`condition`]). What
//! is wrong is told by [`Definitions::mistakes`](crate::definitions::Definitions::mistakes), of one module, and
//! [`Root::problems`](crate::root::Root::problems), of all. What needs no evaluation hangs on
//! [`Configuration`](crate::configuration::Configuration), the rest on [`Root`](crate::root::Root).

pub mod condition;
mod dependencies;
mod grammar;
pub mod import;
mod mistakes;
pub mod moved;
mod problems;
pub mod providers;
mod references;
pub mod removed;
pub(crate) mod target;

pub use target::BlockTarget;
