//! The seam every network call goes through.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{Error, Request, Response};

/// Sends one request and returns its complete response.
///
/// Any HTTP status is `Ok`; an error means that there is no response. An implementation returns
/// soon after `cancel` is cancelled and not long after `request.deadline`. The contract suite in
/// `tests/suite/transport_contract.rs` says the rest.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends `request`.
    ///
    /// # Errors
    /// `Cancelled`, `Timeout`, `Unreachable`, `Invalid`, `TooLarge`, `Blocked`, and what a signer
    /// adds: `Credentials`, `Expired`, `Denied`.
    async fn send(&self, request: Request, cancel: &CancellationToken) -> Result<Response, Error>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: Request, cancel: &CancellationToken) -> Result<Response, Error> {
        (**self).send(request, cancel).await
    }
}
