//! Mutual TLS between two processes that hand each other their certificates beforehand.
//!
//! Each side makes a certificate for one run. The other side accepts exactly that certificate, byte for byte, and then
//! verifies the handshake's signature with it: without the second half, anybody who saw the certificate could pose as
//! its owner. Certificates of go-plugin are authorities used as leaves with keys on P-521, so the stock verifiers and the
//! `ring` backend do not do.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

use crate::{Error, ErrorKind};

/// A certificate and its key, made for one run.
pub(crate) struct EphemeralCertificate {
    pub(crate) certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl EphemeralCertificate {
    /// Makes a server's certificate.
    pub(crate) fn for_server() -> Result<Self, Error> {
        Self::generate(&rcgen::PKCS_ECDSA_P256_SHA256)
    }

    /// Makes a client's certificate, on the curve go-plugin uses: servers that cannot verify that curve ask for no
    /// certificate, and would refuse one on another curve for being an authority.
    pub(crate) fn for_client() -> Result<Self, Error> {
        Self::generate(&rcgen::PKCS_ECDSA_P521_SHA512)
    }

    /// Makes one as go-plugin does: self-signed, for `localhost`, an authority.
    fn generate(algorithm: &'static rcgen::SignatureAlgorithm) -> Result<Self, Error> {
        let fail = |error: rcgen::Error| {
            Error::new(ErrorKind::Local, "TLS", "A certificate for this run could not be made.").because(error)
        };
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).map_err(fail)?;
        params.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![
            rcgen::KeyUsagePurpose::DigitalSignature,
            rcgen::KeyUsagePurpose::KeyEncipherment,
            rcgen::KeyUsagePurpose::KeyAgreement,
            rcgen::KeyUsagePurpose::KeyCertSign,
        ];
        params.extended_key_usages =
            vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth, rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        let key = rcgen::KeyPair::generate_for(algorithm).map_err(fail)?;
        let certificate = params.self_signed(&key).map_err(fail)?;
        Ok(Self {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        })
    }

    /// Gives the certificate as PEM text.
    pub(crate) fn pem(&self) -> String {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(&self.certificate);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for line in text.as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// Gives the configuration of a server that lets in only the owner of `client`.
    pub(crate) fn into_server_config(self, client: CertificateDer<'static>) -> Result<Arc<ServerConfig>, Error> {
        let backend = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Arc::new(PinnedPeer::new(client, &backend));
        let mut config = ServerConfig::builder_with_provider(backend)
            .with_safe_default_protocol_versions()
            .map_err(tls_error)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![self.certificate], self.key)
            .map_err(tls_error)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }

    /// Gives the configuration of a client that talks only to the owner of `server`.
    pub(crate) fn into_client_config(self, server: CertificateDer<'static>) -> Result<Arc<ClientConfig>, Error> {
        let backend = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Arc::new(PinnedPeer::new(server, &backend));
        let mut config = ClientConfig::builder_with_provider(backend)
            .with_safe_default_protocol_versions()
            .map_err(tls_error)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_auth_cert(vec![self.certificate], self.key)
            .map_err(tls_error)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Reads the certificate a client hands over in its environment.
pub(crate) fn certificate_from_pem(pem: &str) -> Result<CertificateDer<'static>, Error> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| {
        Error::new(ErrorKind::Handshake, "TLS", "PLUGIN_CLIENT_CERT holds no certificate in PEM form.")
            .because(error.to_string())
    })
}

fn tls_error(error: rustls::Error) -> Error {
    Error::new(ErrorKind::Local, "TLS", "Mutual TLS could not be set up with the certificate of this run.")
        .because(error)
}

/// Accepts one certificate and whoever holds its key.
#[derive(Debug)]
struct PinnedPeer {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PinnedPeer {
    fn new(certificate: CertificateDer<'static>, backend: &CryptoProvider) -> Self {
        Self { certificate, algorithms: backend.signature_verification_algorithms }
    }

    fn check(&self, presented: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        if presented.as_ref() == self.certificate.as_ref() {
            Ok(())
        } else {
            Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }
}

impl ServerCertVerifier for PinnedPeer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for PinnedPeer {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
