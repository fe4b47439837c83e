//! Access to AWS: profiles, regions, endpoints, credentials, and what its errors mean.
//!
//! Start at [`AwsSession`]: one account's way in, made from an [`Environment`](crate::Environment) and an
//! [`Access`] that names a profile, a role or both. Several sessions live side by side in one run.

mod credentials;
mod fault;
mod profile;
mod provider;
mod session;
mod sso;
mod sts;

pub use credentials::Credentials;
pub use fault::{Fault, classify, fault_kind};
pub use profile::{Profiles, Section};
pub use session::{Access, AwsEndpoint, AwsPartition, AwsSession};
pub use sts::CallerIdentity;
