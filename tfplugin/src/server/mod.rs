//! Serving a [`Provider`] to terraform.
//!
//! A client (terraform, OpenTofu, our own host) starts the binary with a cookie, a list of protocol versions and its
//! certificate in the environment; the binary listens on a socket, prints one line that says where, and serves until it
//! is told to shut down. `goplugin/` has the line and the certificates, `service.rs` the calls.

mod control;
mod list;
mod listener;
mod service;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use model::ProviderAddress;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::goplugin::handshake::{Endpoint, HandshakeLine};
use crate::goplugin::tls::{EphemeralCertificate, certificate_from_pem};
use crate::goplugin::{COOKIE_NAME, COOKIE_VALUE};
use crate::wire::{goplugin, health, tfplugin6};
use crate::{Error, ErrorKind, MESSAGE_LIMIT, Provider};
use listener::Listener;

/// The only version of the protocol that is served.
const PROTOCOL_VERSION: u32 = 6;
/// How long open calls may take to end after a shutdown; terraform kills the process after 2 s.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// How a server is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By terraform, for one run.
    Plugin,
    /// By hand, to stay warm over many runs: the server prints the value of `TF_REATTACH_PROVIDERS` and serves, without
    /// encryption on a socket that only this user can open, until it is interrupted.
    Reattach,
}

/// What a server listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenOn {
    /// A socket in the file system: what terraform uses wherever it exists.
    Socket,
    /// A port of the loopback interface: what terraform uses on Windows.
    Port,
}

impl ListenOn {
    /// Gives what terraform uses on this platform.
    pub fn of_this_platform() -> Self {
        if cfg!(unix) { Self::Socket } else { Self::Port }
    }
}

/// What the client that starts a plugin says through environment variables.
#[derive(Clone, Debug)]
pub struct PluginEnvironment {
    cookie: Option<String>,
    versions: Option<String>,
    client_certificate: Option<String>,
    socket_dir: Option<PathBuf>,
    socket_group: Option<String>,
    ports: (u16, u16),
    asks_for_multiplexing: bool,
}

impl PluginEnvironment {
    /// Picks what concerns a plugin out of a process's environment variables.
    pub fn from_vars(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let vars: BTreeMap<OsString, OsString> = vars.into_iter().collect();
        let get = |name: &str| vars.get(&OsString::from(name)).filter(|value| !value.is_empty());
        let text = |name: &str| get(name).map(|value| value.to_string_lossy().into_owned());
        let port = |name: &str| text(name).and_then(|value| value.parse().ok()).unwrap_or(0);
        Self {
            cookie: text(COOKIE_NAME),
            versions: text("PLUGIN_PROTOCOL_VERSIONS"),
            client_certificate: text("PLUGIN_CLIENT_CERT"),
            socket_dir: get("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            socket_group: text("PLUGIN_UNIX_SOCKET_GROUP"),
            ports: (port("PLUGIN_MIN_PORT"), port("PLUGIN_MAX_PORT")),
            asks_for_multiplexing: get("PLUGIN_MULTIPLEX_GRPC").is_some(),
        }
    }

    /// Checks that a client that speaks our protocol started the process, not a person.
    fn check(&self) -> Result<(), Error> {
        let fail = |detail: String| Err(Error::new(ErrorKind::Handshake, "handshake", detail));
        if self.cookie.as_deref() != Some(COOKIE_VALUE) {
            return fail(
                "This program is a plugin that terraform or tofu starts; it is not run by hand. Name the provider in \
                 required_providers and run terraform, or start it with --reattach to keep it warm."
                    .to_owned(),
            );
        }
        let Some(versions) = &self.versions else { return Ok(()) };
        if versions.split(',').any(|version| version.trim().parse() == Ok(PROTOCOL_VERSION)) {
            return Ok(());
        }
        fail(format!(
            "This provider speaks version 6 of the plugin protocol, and the program that started it speaks only version \
             {versions}. Use Terraform 1.0 or newer, or OpenTofu."
        ))
    }
}

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// The provider's address, for `TF_REATTACH_PROVIDERS`.
    pub address: ProviderAddress,
    /// How the server is started.
    pub mode: Mode,
    /// What the server listens on.
    pub listen_on: ListenOn,
    /// What the client says.
    pub environment: PluginEnvironment,
    /// Where sockets are made unless the client says where.
    pub temp_dir: PathBuf,
}

/// Serves until the client says goodbye, as the whole of a process: prints the handshake, ignores interrupts (terraform
/// passes them on as a call), ends when its parent is gone.
pub fn run(provider: Arc<dyn Provider>, options: Options) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&Error::new(ErrorKind::Local, "start", "No threads can be had.").because(error)),
    };
    let shutdown = CancellationToken::new();
    let served = runtime.block_on(async {
        watch_signals(options.mode, &shutdown);
        if options.mode == Mode::Plugin {
            watch_parent(shutdown.clone());
        }
        serve(provider, options, shutdown, &mut std::io::stdout()).await
    });
    // Work that does not end by itself must not keep the process: terraform kills it after 2 s.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &Error) -> ExitCode {
    let mut text = format!("{}\n", error.detail());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}  caused by: {cause}\n");
        source = cause.source();
    }
    // Without standard error there is nobody to tell.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
    ExitCode::FAILURE
}

/// Serves until `shutdown` is cancelled, by the caller or by the client; announces itself with one line in `announce`.
pub async fn serve(
    provider: Arc<dyn Provider>,
    options: Options,
    shutdown: CancellationToken,
    announce: &mut (dyn Write + Send),
) -> Result<(), Error> {
    let environment = &options.environment;
    let client_certificate = match options.mode {
        Mode::Reattach => None,
        Mode::Plugin => {
            environment.check()?;
            environment.client_certificate.as_deref().map(certificate_from_pem).transpose()?
        }
    };
    let (tls, certificate) = match client_certificate {
        None => (None, None),
        Some(client) => {
            let own = EphemeralCertificate::for_server()?;
            let der = own.certificate.to_vec();
            (Some(tokio_rustls::TlsAcceptor::from(own.into_server_config(client)?)), Some(der))
        }
    };
    let listener = Listener::bind(&options)?;
    let endpoint = listener.endpoint();
    let line = match options.mode {
        Mode::Plugin => HandshakeLine {
            protocol_version: PROTOCOL_VERSION,
            endpoint,
            certificate,
            multiplexes: environment.asks_for_multiplexing.then_some(false),
        }
        .to_string(),
        Mode::Reattach => reattach_line(&options.address, &endpoint),
    };

    let connections = listener.accept(tls, shutdown.clone());
    let server = tonic::transport::Server::builder()
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(8 << 20)
        .add_service(
            tfplugin6::provider_server::ProviderServer::new(service::Service::new(provider))
                .max_decoding_message_size(MESSAGE_LIMIT)
                .max_encoding_message_size(MESSAGE_LIMIT),
        )
        .add_service(goplugin::grpc_controller_server::GrpcControllerServer::new(control::Controller {
            shutdown: shutdown.clone(),
            mode: options.mode,
        }))
        .add_service(goplugin::grpc_stdio_server::GrpcStdioServer::new(control::Stdio { shutdown: shutdown.clone() }))
        .add_service(health::health_server::HealthServer::new(control::Health))
        .serve_with_incoming_shutdown(ReceiverStream::new(connections), shutdown.clone().cancelled_owned());
    let mut server = tokio::spawn(server);

    announce.write_all(format!("{line}\n").as_bytes()).and_then(|()| announce.flush()).map_err(|error| {
        Error::new(ErrorKind::Local, "handshake", "The handshake could not be written to standard output.")
            .because(error)
    })?;
    let grace_is_over = async {
        shutdown.cancelled().await;
        tokio::time::sleep(SHUTDOWN_GRACE).await;
    };
    tokio::select! {
        ended = &mut server => match ended {
            Ok(Err(error)) => Err(Error::new(ErrorKind::Connection, "serve", "The server ended.").because(error)),
            Ok(Ok(())) | Err(_) => Ok(()),
        },
        () = grace_is_over => {
            server.abort();
            Ok(())
        }
    }
}

/// Gives the value of `TF_REATTACH_PROVIDERS` by which terraform finds a server that runs already.
fn reattach_line(address: &ProviderAddress, endpoint: &Endpoint) -> String {
    let (network, place) = match endpoint {
        Endpoint::Unix(path) => ("unix", path.display().to_string()),
        Endpoint::Tcp(address) => ("tcp", address.to_string()),
    };
    let server = serde_json::json!({
        "Protocol": "grpc",
        "ProtocolVersion": PROTOCOL_VERSION,
        "Pid": std::process::id(),
        "Test": true,
        "Addr": { "Network": network, "String": place },
    });
    serde_json::json!({ address.to_string(): server }).to_string()
}

#[cfg(unix)]
fn watch_signals(mode: Mode, shutdown: &CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        // Without a handler the signal's own effect remains, which ends the process.
        let Ok(mut signals) = signal(kind) else { continue };
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if kind == SignalKind::terminate() || mode == Mode::Reattach {
                    shutdown.cancel();
                }
            }
        });
    }
}

#[cfg(not(unix))]
fn watch_signals(mode: Mode, shutdown: &CancellationToken) {
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if mode == Mode::Reattach {
                shutdown.cancel();
            }
        }
    });
}

/// Ends the server when the process that started it is gone: a killed terraform says no goodbye.
#[cfg(unix)]
fn watch_parent(shutdown: CancellationToken) {
    let parent = std::os::unix::process::parent_id();
    tokio::spawn(async move {
        while std::os::unix::process::parent_id() == parent {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        shutdown.cancel();
    });
}

#[cfg(not(unix))]
fn watch_parent(_shutdown: CancellationToken) {}
