//! Who may talk to a provider: exactly the client that started it.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use rustls::ClientConfig;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::support::{COOKIE, torture};

/// The first bytes of every HTTP/2 connection, with empty settings.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

struct Certificate {
    der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    pem: String,
}

/// Makes a client's certificate on P-521, as go-plugin does.
fn certificate() -> Certificate {
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let key_der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Certificate { der: certificate.der().clone(), key: key_der, pem: certificate.pem() }
}

/// Accepts any server, so that only the server's judgement of the client is tested.
#[derive(Debug)]
struct Credulous;

impl rustls::client::danger::ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: rustls_pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Presents a certificate, whether or not the key belongs to it.
#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl rustls::client::ResolvesClientCert for Presents {
    fn resolve(&self, _root_hints: &[&[u8]], _schemes: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Tells whether a client gets an answer to its greeting.
async fn is_let_in(path: &str, own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>) -> bool {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous));
    let mut config = match own {
        Some((certificate, key)) => {
            let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
            builder.with_client_cert_resolver(Arc::new(Presents(Arc::new(CertifiedKey::new(vec![certificate], key)))))
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = UnixStream::connect(path).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let talk = async {
        let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.ok()?;
        stream.write_all(HELLO).await.ok()?;
        stream.flush().await.ok()?;
        stream.read_u8().await.ok()
    };
    tokio::time::timeout(Duration::from_secs(5), talk).await.expect("a refusal is said, not left unsaid").is_some()
}

#[tokio::test]
async fn only_the_client_that_started_the_server_is_let_in() {
    let (invited, stranger) = (certificate(), certificate());
    let mut server = tokio::process::Command::from(Command::new(torture()))
        .env(COOKIE.0, COOKIE.1)
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .env("PLUGIN_CLIENT_CERT", &invited.pem)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut output = BufReader::new(server.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).await.unwrap();
    let parts: Vec<&str> = line.trim().split('|').collect();
    let [_, version, "unix", path, "grpc", encoded] = parts.as_slice() else { panic!("{line}") };
    assert_eq!(*version, "6");
    assert!(!encoded.contains('='), "the certificate is written without padding");
    assert!(base64::engine::general_purpose::STANDARD_NO_PAD.decode(encoded).is_ok());

    assert!(!is_let_in(path, None).await, "no certificate");
    let stranger_key = stranger.key.clone_key();
    assert!(!is_let_in(path, Some((stranger.der, stranger.key))).await, "another certificate");
    assert!(!is_let_in(path, Some((invited.der.clone(), stranger_key))).await, "the certificate without its key");
    // A client that connects and says nothing holds up nobody.
    let silent = UnixStream::connect(path).await.unwrap();
    assert!(is_let_in(path, Some((invited.der, invited.key))).await, "the invited client");
    drop(silent);
    server.kill().await.unwrap();
}

#[tokio::test]
async fn a_seventh_field_is_for_clients_that_ask() {
    for (asks, n_fields) in [(false, 6), (true, 7)] {
        let mut command = tokio::process::Command::new(torture());
        command.env(COOKIE.0, COOKIE.1).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        if asks {
            command.env("PLUGIN_MULTIPLEX_GRPC", "true");
        }
        let mut server = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        assert_eq!(line.trim().split('|').count(), n_fields, "{line}");
        server.kill().await.unwrap();
    }
}
