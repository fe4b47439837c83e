//! The blocks that are terraform's own: what they mean, and what is wrong with them.
//!
//! Each file has one kind: where objects moved to ([`moved`]), what is forgotten or destroyed ([`removed`]), what is
//! imported ([`import`]), which provider configuration a resource has ([`providers`]). What needs no evaluation hangs on
//! [`Configuration`](crate::configuration::Configuration), the rest on [`Root`](crate::root::Root).

pub mod import;
pub mod moved;
pub mod providers;
pub mod removed;
mod target;

pub use target::Target;
