//! The layer below the protocol: how a plugin and its client find and trust each other.

pub(crate) mod handshake;
pub(crate) mod tls;

use tokio::io::{AsyncRead, AsyncWrite};

/// Names the variable by which a client shows that it means to start a plugin.
pub(crate) const COOKIE_NAME: &str = "TF_PLUGIN_MAGIC_COOKIE";
/// The value terraform and every provider agree on; it is no secret.
pub(crate) const COOKIE_VALUE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// A byte stream in both directions, plain or encrypted.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}
