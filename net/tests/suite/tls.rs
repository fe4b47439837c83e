//! Encrypted connections: certificates are checked, and a bundle that the user names is trusted.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use net::egress::EgressPolicy;
use net::{Environment, Error, ErrorKind, HttpClient, HttpClientConfig, Request, Response, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_util::sync::CancellationToken;

async fn ask(port: u16, bundle: Option<&Path>) -> Result<Response, Error> {
    let url = url::Url::parse(&format!("https://localhost:{port}/")).unwrap();
    let egress = EgressPolicy::default();
    egress.allow_endpoint(&url);
    let bundle = bundle.map(|path| ("AWS_CA_BUNDLE".to_owned(), path.display().to_string()));
    let client = HttpClient::new(&HttpClientConfig {
        environment: Environment::new(bundle, None),
        egress: Arc::new(egress),
        connect_timeout: Duration::from_secs(5),
    })?;
    client.send(Request::new("test:Get", Method::GET, url, Duration::from_secs(10)), &CancellationToken::new()).await
}

#[tokio::test]
async fn a_certificate_is_trusted_only_with_its_bundle() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(socket).await else { return };
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret").await;
                let _ = stream.shutdown().await;
            });
        }
    });

    let error = ask(port, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");

    let directory = tempfile::tempdir().unwrap();
    let bundle = directory.path().join("bundle.pem");
    std::fs::write(&bundle, certified.cert.pem()).unwrap();
    assert_eq!(&ask(port, Some(&bundle)).await.unwrap().body[..], b"secret");

    std::fs::write(&bundle, "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n").unwrap();
    for path in [bundle.as_path(), Path::new("/absent.pem")] {
        let error = ask(port, Some(path)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    server.abort();
}
