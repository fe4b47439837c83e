//! A real HTTP server on loopback that misbehaves on request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a client sent: the request line, the headers, the body.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// Answers by path; each path counts its own calls.
pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

/// What to write back to the nth call (from 0) of a path.
pub(crate) type Script = Arc<dyn Fn(&Seen, usize) -> Reply + Send + Sync>;

/// What is written to the socket.
pub(crate) enum Reply {
    /// These bytes; the connection stays open.
    Bytes(String),
    /// These bytes, then the connection is closed.
    Close(String),
    /// Nothing for a long time.
    Hang,
    /// These bytes, then nothing.
    Stall(String),
    /// An endless body.
    Endless,
}

pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Reply {
    Reply::Bytes(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()))
}

impl Server {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&seen);
        let counts = Arc::new(Mutex::new(BTreeMap::<String, usize>::new()));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&script), Arc::clone(&all), Arc::clone(&counts)));
            }
        });
        Self { port, seen, task }
    }

    pub(crate) fn url(&self, path: &str) -> url::Url {
        url::Url::parse(&format!("http://127.0.0.1:{}{path}", self.port)).unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut socket: TcpStream,
    script: Script,
    all: Arc<Mutex<Vec<Seen>>>,
    counts: Arc<Mutex<BTreeMap<String, usize>>>,
) {
    while let Some(seen) = read_request(&mut socket).await {
        let path = seen.line.split(' ').nth(1).unwrap_or_default().to_owned();
        let call = {
            let mut counts = counts.lock().unwrap();
            let count = counts.entry(path).or_default();
            *count += 1;
            *count - 1
        };
        all.lock().unwrap().push(seen.clone());
        match script(&seen, call) {
            Reply::Bytes(text) => {
                if socket.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Close(text) => {
                let _ = socket.write_all(text.as_bytes()).await;
                return;
            }
            Reply::Hang => tokio::time::sleep(Duration::from_hours(1)).await,
            Reply::Stall(text) => {
                let _ = socket.write_all(text.as_bytes()).await;
                tokio::time::sleep(Duration::from_hours(1)).await;
            }
            Reply::Endless => {
                let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
                let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
                if socket.write_all(head.as_bytes()).await.is_err() {
                    return;
                }
                while socket.write_all(chunk.as_bytes()).await.is_ok() {}
                return;
            }
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let mut buffer = [0; 4096];
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        let mut buffer = [0; 4096];
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => body.extend_from_slice(&buffer[..count]),
        }
    }
    Some(Seen { line, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
