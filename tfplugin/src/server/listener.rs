//! The socket a server listens on.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

use super::{ListenOn, Options};
use crate::goplugin::Stream;
use crate::goplugin::handshake::Endpoint;
use crate::{Error, ErrorKind};

/// The longest path of a socket that every platform takes, in bytes, the closing zero excluded.
const MAX_SOCKET_PATH: usize = 103;
/// How long a client may take to prove who it is.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// A socket that is bound, and what must be removed with it.
pub(super) enum Listener {
    #[cfg(unix)]
    Unix {
        listener: UnixListener,
        path: PathBuf,
        _folder: tempfile::TempDir,
    },
    Tcp(TcpListener),
}

impl Listener {
    pub(super) fn bind(options: &Options) -> Result<Self, Error> {
        match options.listen_on {
            ListenOn::Socket => Self::bind_unix(options),
            ListenOn::Port => Self::bind_tcp(options.environment.ports),
        }
    }

    #[cfg(unix)]
    fn bind_unix(options: &Options) -> Result<Self, Error> {
        use std::os::unix::fs::{PermissionsExt, chown};

        let parent = options.environment.socket_dir.as_deref().unwrap_or(&options.temp_dir);
        let fail = |detail: &str, error: io::Error| {
            Error::new(ErrorKind::Local, "listen", detail).with("folder", parent.display()).because(error)
        };
        let folder = tempfile::Builder::new()
            .prefix("plugin-")
            .rand_bytes(8)
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(|error| fail("A folder for the plugin's socket cannot be made.", error))?;
        let path = folder.path().join("s");
        check_length(&path)?;
        let listener = UnixListener::bind(&path).map_err(|error| fail("The plugin's socket cannot be made.", error))?;
        if let Some(group) = &options.environment.socket_group {
            let gid = group_id(group)?;
            for (path, mode) in [(path.as_path(), 0o660), (folder.path(), 0o710)] {
                chown(path, None, Some(gid))
                    .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)))
                    .map_err(|error| fail("The plugin's socket cannot be given to PLUGIN_UNIX_SOCKET_GROUP.", error))?;
            }
        }
        Ok(Self::Unix { listener, path, _folder: folder })
    }

    #[cfg(not(unix))]
    fn bind_unix(_options: &Options) -> Result<Self, Error> {
        Err(Error::new(ErrorKind::Local, "listen", "This platform has no sockets in its file system."))
    }

    /// Takes the first free port; without a range any port.
    fn bind_tcp((first, last): (u16, u16)) -> Result<Self, Error> {
        let mut error = Error::new(
            ErrorKind::Local,
            "listen",
            format!(
                "No port of 127.0.0.1 from {first} to {last} is free. PLUGIN_MIN_PORT and PLUGIN_MAX_PORT give the \
                 range."
            ),
        );
        for port in first..=last.max(first) {
            let bound = std::net::TcpListener::bind(("127.0.0.1", port)).and_then(|listener| {
                listener.set_nonblocking(true)?;
                TcpListener::from_std(listener)
            });
            match bound {
                Ok(listener) => return Ok(Self::Tcp(listener)),
                Err(failure) => error = error.because(failure),
            }
        }
        Err(error)
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        match self {
            #[cfg(unix)]
            Self::Unix { path, .. } => Endpoint::Unix(path.clone()),
            Self::Tcp(listener) => Endpoint::Tcp(listener.local_addr().expect("a bound socket has an address")),
        }
    }

    /// Accepts connections until `shutdown`, each with a handshake of its own: one bad client holds up nobody.
    pub(super) fn accept(
        self,
        tls: Option<TlsAcceptor>,
        shutdown: CancellationToken,
    ) -> mpsc::Receiver<io::Result<Connection>> {
        let (sender, receiver) = mpsc::channel(16);
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = shutdown.cancelled() => return,
                    accepted = self.next() => accepted,
                };
                let stream = match accepted {
                    Ok(stream) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                };
                let (tls, sender) = (tls.clone(), sender.clone());
                tokio::spawn(async move {
                    let stream: Box<dyn Stream> = match tls {
                        None => stream,
                        Some(tls) => match tokio::time::timeout(TLS_TIMEOUT, tls.accept(stream)).await {
                            Ok(Ok(stream)) => Box::new(stream),
                            Ok(Err(error)) => return tracing::warn!(%error, "a client was refused"),
                            Err(_) => return tracing::warn!("a client did not finish its handshake"),
                        },
                    };
                    // Without a receiver the server is gone, and the connection ends with it.
                    let _ = sender.send(Ok(Connection(stream))).await;
                });
            }
        });
        receiver
    }

    async fn next(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            #[cfg(unix)]
            Self::Unix { listener, .. } => Ok(Box::new(listener.accept().await?.0)),
            Self::Tcp(listener) => {
                let stream = listener.accept().await?.0;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
        }
    }
}

fn check_length(path: &Path) -> Result<(), Error> {
    let length = path.as_os_str().len();
    if length <= MAX_SOCKET_PATH {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Local,
        "listen",
        format!(
            "The path of the plugin's socket would be {length} bytes long; sockets take {MAX_SOCKET_PATH}: {}. Set TMPDIR \
             or PLUGIN_UNIX_SOCKET_DIR to a folder with a shorter path.",
            path.display()
        ),
    ))
}

/// Finds a group by number, or by name in `/etc/group`.
#[cfg(unix)]
fn group_id(group: &str) -> Result<u32, Error> {
    let from_file = || {
        let groups = std::fs::read_to_string("/etc/group").ok()?;
        let line = groups.lines().find(|line| line.split(':').next() == Some(group))?;
        line.split(':').nth(2)?.parse().ok()
    };
    group.parse().ok().or_else(from_file).ok_or_else(|| {
        Error::new(ErrorKind::Local, "listen", format!("PLUGIN_UNIX_SOCKET_GROUP names no group: {group:?}."))
    })
}

/// One client.
pub(super) struct Connection(Box<dyn Stream>);

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}
