//! From the line of the handshake to a client.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::{CertificateDer, ServerName};
use tonic::transport::{Channel, Uri};
use tower::service_fn;

use super::client::Client;
use crate::goplugin::Stream;
use crate::goplugin::handshake::{Endpoint, HandshakeLine};
use crate::goplugin::tls::EphemeralCertificate;
use crate::{Error, ErrorKind};

/// Connects; the connection is encrypted exactly where we handed the provider our certificate.
pub(super) async fn connect(line: &HandshakeLine, own: Option<EphemeralCertificate>) -> Result<Client, Error> {
    let version = line.protocol_version;
    let unknown_version = || {
        let detail = format!(
            "The provider chose version {version} of the plugin protocol although it was offered only 5 and 6."
        );
        Error::new(ErrorKind::Handshake, "handshake", detail)
    };
    if !matches!(version, 5 | 6) {
        return Err(unknown_version());
    }
    let tls = match (own, &line.certificate) {
        (None, None) => None,
        (Some(own), Some(theirs)) => Some(own.into_client_config(CertificateDer::from(theirs.clone()))?),
        (Some(_), None) => {
            return Err(Error::new(
                ErrorKind::Handshake,
                "handshake",
                "The provider offers no certificate, so nothing would protect the credentials we send it. It was built with \
                 a very old go-plugin.",
            ));
        }
        (None, Some(_)) => {
            return Err(Error::new(
                ErrorKind::Handshake,
                "handshake",
                "The provider insists on encryption, which was turned off here.",
            ));
        }
    };
    let endpoint = line.endpoint.clone();
    let connector = service_fn(move |_: Uri| {
        let (endpoint, tls) = (endpoint.clone(), tls.clone());
        async move { open(&endpoint, tls).await.map(TokioIo::new) }
    });
    let channel = Channel::from_static("http://plugin.invalid")
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(8 << 20)
        .connect_timeout(Duration::from_secs(10))
        .connect_with_connector(connector)
        .await
        .map_err(|error| {
            Error::new(
                ErrorKind::Handshake,
                "connect",
                "The provider printed its handshake but cannot be connected to.",
            )
            .because(error)
        })?;
    Client::new(version, channel).ok_or_else(unknown_version)
}

async fn open(endpoint: &Endpoint, tls: Option<Arc<ClientConfig>>) -> io::Result<Box<dyn Stream>> {
    let stream: Box<dyn Stream> = match endpoint {
        #[cfg(unix)]
        Endpoint::Unix(path) => Box::new(tokio::net::UnixStream::connect(path).await?),
        #[cfg(not(unix))]
        Endpoint::Unix(_) => return Err(io::Error::other("this platform has no sockets in its file system")),
        Endpoint::Tcp(address) if !address.ip().is_loopback() => {
            return Err(io::Error::other(format!("{address} is not an address of this machine")));
        }
        Endpoint::Tcp(address) => {
            let stream = tokio::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
    };
    let Some(tls) = tls else { return Ok(stream) };
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    Ok(Box::new(tokio_rustls::TlsConnector::from(tls).connect(name, stream).await?))
}
