//! Signing, once per attempt.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::reply_class::{Classifier, ReplyClass};
use crate::sign::Signer;
use crate::{Error, Request, Response, Transport};

/// Signs each attempt with fresh credentials and a fresh date.
pub struct Sign {
    inner: Arc<dyn Transport>,
    signer: Arc<dyn Signer>,
    classifier: Classifier,
}

impl Sign {
    /// Wraps a transport with a signer.
    pub fn new(inner: Arc<dyn Transport>, signer: Arc<dyn Signer>, classifier: Classifier) -> Self {
        Self { inner, signer, classifier }
    }
}

impl fmt::Debug for Sign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sign").field("inner", &self.inner).field("signer", &self.signer).finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Sign {
    async fn send(&self, mut request: Request, cancel: &CancellationToken) -> Result<Response, Error> {
        if let Some(scope) = request.signing.clone() {
            self.signer.sign(&mut request, &scope, cancel).await?;
        }
        let response = self.inner.send(request, cancel).await?;
        if (self.classifier)(&response) == ReplyClass::Expired {
            self.signer.renew();
        }
        Ok(response)
    }
}
