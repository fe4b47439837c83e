//! A go-plugin server between a host and a provider, for tests: it sees, and can change, what goes over the wire.
//!
//! `wire-proxy PROGRAM [ARGUMENT]...` starts the provider, announces itself as one of the same version, and passes every
//! call on, whatever it is. Towards the host it is encrypted with a certificate of its own, towards the provider plain.
//!
//! | variable | effect |
//! |---|---|
//! | `WIRE_LOG` | a file that gets the path of every call, a line each |
//! | `WIRE_HANG` | the name of a call that is never answered |
//! | `WIRE_ANSWERS` | `NAME=HEX` pairs, separated by commas: these calls are answered with these bytes instead |

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::fs::File;
use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine;
use hyper_util::rt::TokioIo;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http;
use tonic::server::NamedService;
use tonic::transport::{Channel, Server};

type Answer = Result<http::Response<Body>, Infallible>;

/// What every call goes through.
struct Wire {
    provider: Channel,
    log: Option<File>,
    hangs: Option<String>,
    answers: BTreeMap<String, Vec<u8>>,
}

impl Wire {
    async fn pass(&self, request: http::Request<Body>) -> http::Response<Body> {
        let path = request.uri().path().to_owned();
        if let Some(mut log) = self.log.as_ref() {
            log.write_all(format!("{path}\n").as_bytes()).expect("the log can be written");
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        if self.hangs.as_deref() == Some(name) {
            std::future::pending::<()>().await;
        }
        if let Some(answer) = self.answers.get(name) {
            let mut response = http::Response::new(Body::new(http_body_util::Full::new(answer.clone().into())));
            let headers = response.headers_mut();
            headers.insert("content-type", http::HeaderValue::from_static("application/grpc"));
            headers.insert("grpc-status", http::HeaderValue::from_static("0"));
            return response;
        }
        let answered = tower::ServiceExt::oneshot(self.provider.clone(), request).await;
        answered.unwrap_or_else(|error| Status::unavailable(error.to_string()).into_http())
    }
}

macro_rules! services {
    ($($service:ident: $name:literal),* $(,)?) => {
        $(#[derive(Clone)]
        struct $service(Arc<Wire>);

        impl NamedService for $service {
            const NAME: &'static str = $name;
        }

        impl tower::Service<http::Request<Body>> for $service {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

            fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                let wire = self.0.clone();
                Box::pin(async move { Ok(wire.pass(request).await) })
            }
        })*
    };
}

services! {
    Provider5: "tfplugin5.Provider",
    Provider6: "tfplugin6.Provider",
    Controller: "plugin.GRPCController",
    Stdio_: "plugin.GRPCStdio",
    Broker: "plugin.GRPCBroker",
}

fn bytes_of(hex: &str) -> Result<Vec<u8>, std::num::ParseIntError> {
    (0..hex.len() / 2).map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16)).collect()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().ok_or("usage: wire-proxy PROGRAM [ARGUMENT]...")?;
    let mut provider = tokio::process::Command::new(program)
        .args(arguments)
        .env_remove("PLUGIN_CLIENT_CERT")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut output = BufReader::new(provider.stdout.take().ok_or("standard output is piped")?);
    let mut line = String::new();
    output.read_line(&mut line).await?;
    let [_, version, "unix", path, ..] = line.trim().split('|').collect::<Vec<_>>()[..] else {
        return Err(format!("the provider printed {line:?}").into());
    };
    let path = path.to_owned();
    let connector = tower::service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let mut answers = BTreeMap::new();
    let spoken = std::env::var("WIRE_ANSWERS").unwrap_or_default();
    for (name, hex) in spoken.split(',').filter_map(|pair| pair.split_once('=')) {
        answers.insert(name.to_owned(), bytes_of(hex)?);
    }
    let log = std::env::var_os("WIRE_LOG").map(|path| File::options().create(true).append(true).open(path));
    let wire = Arc::new(Wire {
        provider: Channel::from_static("http://plugin.invalid").connect_with_connector(connector).await?,
        log: log.transpose()?,
        hangs: std::env::var("WIRE_HANG").ok(),
        answers,
    });

    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket)?;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512)?;
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()])?.self_signed(&key)?;
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )?;
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let (sender, connections) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let (near, mut far) = tokio::io::duplex(64 << 10);
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut stream, &mut far).await });
            if sender.send(Ok::<_, std::io::Error>(near)).await.is_err() {
                break;
            }
        }
    });
    let server = Server::builder()
        .add_service(Provider5(wire.clone()))
        .add_service(Provider6(wire.clone()))
        .add_service(Controller(wire.clone()))
        .add_service(Stdio_(wire.clone()))
        .add_service(Broker(wire))
        .serve_with_incoming(tokio_stream::wrappers::ReceiverStream::new(connections));
    let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(certificate.der());
    writeln!(std::io::stdout(), "1|{version}|unix|{}|grpc|{encoded}", socket.display())?;
    tokio::select! {
        served = server => served?,
        ended = provider.wait() => drop(ended?),
    }
    Ok(())
}
