//! Signing requests, one file per scheme.

pub mod aws_v4;

use std::fmt;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{Error, Request};

/// Names what a signature is made for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SigningScope {
    /// The service's signing name, such as `ec2`.
    pub service: String,
    /// The region the signature is valid in.
    pub region: String,
}

/// Makes requests acceptable to a cloud.
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync {
    /// Adds what the cloud wants to see, at most fetching credentials for it.
    ///
    /// # Errors
    /// `Credentials` where none are found, `Expired` where they cannot be renewed, `Denied` where a
    /// role may not be assumed.
    async fn sign(&self, request: &mut Request, scope: &SigningScope, cancel: &CancellationToken) -> Result<(), Error>;

    /// Forgets credentials that the service called expired.
    fn renew(&self);
}
