//! A service of the emulated account that fails.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::{Demo, Place, Run};

/// What one service does instead of its work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Answers every call with this head and body.
    Answer { status: &'static str, headers: &'static str, body: &'static str },
    /// Answers the first calls with this status, and works from then on.
    AtFirst { status: &'static str, headers: &'static str, n_calls: usize },
    /// Takes the call and says nothing.
    Hang,
    /// Always says that there is one more page, under a token that is the same or another one each time.
    EndlessPages { is_new: bool },
}

/// Stands between the program and the emulated account, and lets one service fail.
pub(crate) struct Broken {
    port: u16,
    /// How many calls it got.
    pub(crate) n_calls: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Broken {
    /// Stands between the program and the account.
    pub(crate) fn start(demo: &Demo, service: &'static str, fault: Fault) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (n_calls, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let broken = Self { port, n_calls: Arc::clone(&n_calls), is_over: Arc::clone(&is_over) };
        let upstream = demo.moto.port();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let (n_calls, is_over) = (Arc::clone(&n_calls), Arc::clone(&is_over));
                std::thread::spawn(move || {
                    // A client that hangs up is what some of these tests are about.
                    let _ = serve(stream, upstream, service, fault, &n_calls, &is_over);
                });
            }
        });
        broken
    }

    /// Gives the program, ready to run against the account with its broken service.
    pub(crate) fn driftmgr(&self, demo: &Demo, place: &Place) -> Command {
        let mut command = demo.driftmgr_in(place);
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port));
        command
    }

    /// Runs the program against the account with its broken service.
    pub(crate) fn run(&self, demo: &Demo, place: &Place, arguments: &[&str]) -> Run {
        Run::of(self.driftmgr(demo, place).args(arguments).output().expect("driftmgr starts"))
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for the next connection.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn serve(
    mut stream: TcpStream,
    upstream: u16,
    service: &str,
    fault: Fault,
    n_calls: &AtomicUsize,
    is_over: &AtomicBool,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length, mut is_broken) = (String::new(), 0, false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
        is_broken |= lower.starts_with("authorization:") && lower.contains(&format!("/{service}/aws4_request"));
        if line == "\r\n" {
            break;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if is_broken {
        let n_before = n_calls.fetch_add(1, Ordering::SeqCst);
        let mut answer = |status: &str, headers: &str, body: &str| {
            let length = body.len();
            write!(stream, "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        };
        match fault {
            Fault::Answer { status, headers, body } => return answer(status, headers, body),
            Fault::AtFirst { status, headers, n_calls } if n_before < n_calls => return answer(status, headers, "{}"),
            Fault::AtFirst { .. } => {}
            Fault::EndlessPages { is_new } => {
                let token = if is_new { n_before } else { 0 };
                let body = format!("{{\"QueueUrls\": [], \"NextToken\": \"t{token}\"}}");
                return answer("200 OK", "Content-Type: application/x-amz-json-1.0\r\n", &body);
            }
            Fault::Hang => {
                while !is_over.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(20));
                }
                return Ok(());
            }
        }
    }
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream))?;
    write!(server, "{head}Connection: close\r\n\r\n")?;
    server.write_all(&body)?;
    std::io::copy(&mut server, &mut stream).map(drop)
}
