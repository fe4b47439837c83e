//! Speaks just enough HTTP/1.1 to servers on the loopback interface.
//!
//! The product's own client is deliberately not used: these tasks must not depend on what they test.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How long the server may take for one answer; moto creates everything in memory.
const DEADLINE: Duration = Duration::from_mins(1);

/// Holds one call of a server on the loopback interface.
#[derive(Clone, Debug)]
pub struct LoopbackCall<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// The path with its query, percent-encoded.
    pub target: &'a str,
    /// The headers, without `Content-Length` and `Connection`.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; empty for none.
    pub body: &'a [u8],
}

/// Holds the part of an answer that tasks look at.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, as it came.
    pub body: Vec<u8>,
}

/// Sends a call to a port of the loopback interface, over a connection of its own.
pub fn send(port: u16, call: &LoopbackCall<'_>) -> Result<Answer> {
    let what = || format!("{} http://127.0.0.1:{port}{}", call.method, call.target);
    let mut stream = connect(port).with_context(what)?;
    exchange(&mut stream, call).with_context(what)
}

/// Connects to a port of the loopback interface, with deadlines for reading and writing.
pub(crate) fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    Ok(stream)
}

/// Sends a call over a connection, and reads the answer until the other side closes it.
pub(crate) fn exchange(stream: &mut (impl Read + Write), call: &LoopbackCall<'_>) -> Result<Answer> {
    let LoopbackCall { method, target, headers, body } = call;
    let mut head = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head.push_str("Host: 127.0.0.1\r\n");
    }
    for (name, value) in *headers {
        if value.contains(['\r', '\n']) || name.contains(['\r', '\n', ':']) {
            bail!("the header {name:?} holds a line break or a colon");
        }
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()?;

    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // A TLS peer that closes without saying so: the answer's own length tells whether it is whole.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        read => drop(read?),
    }
    parse_answer(&answer)
}

fn parse_answer(answer: &[u8]) -> Result<Answer> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").context("the answer's head has no end")?;
    let head = String::from_utf8_lossy(&answer[..end]);
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let status = first
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1))
        .and_then(|status| status.parse().ok())
        .with_context(|| format!("the answer starts with {first:?}"))?;
    let mut body = answer[end + 4..].to_vec();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
            body = join_chunks(&body)?;
        } else if name.eq_ignore_ascii_case("content-length")
            && value.parse().is_ok_and(|length: usize| body.len() < length)
        {
            bail!("the answer ends after {} of {value} bytes", body.len());
        }
    }
    Ok(Answer { status, body })
}

fn join_chunks(mut chunks: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = chunks.windows(2).position(|window| window == b"\r\n").context("a chunk's length has no end")?;
        let line = String::from_utf8_lossy(&chunks[..end]);
        let length = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)
            .with_context(|| format!("{line:?} is no chunk's length"))?;
        if length == 0 {
            return Ok(body);
        }
        let rest = &chunks[end + 2..];
        let (chunk, rest) = rest.split_at_checked(length).context("a chunk is cut short")?;
        body.extend_from_slice(chunk);
        chunks = rest.strip_prefix(b"\r\n").context("a chunk is longer than it says")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_split_into_status_and_body() {
        let answer =
            parse_answer(b"HTTP/1.1 404 NOT FOUND\r\nServer: x\r\n\r\ngone\r\n\r\nreally").expect("a whole answer");
        assert_eq!((answer.status, answer.body.as_slice()), (404, b"gone\r\n\r\nreally".as_slice()));
        assert!(parse_answer(b"HTTP/1.1 200 OK\r\nServer: x").is_err());
        assert!(parse_answer(b"hello\r\n\r\n").is_err());
        assert!(parse_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour").is_err());
    }

    #[test]
    fn chunks_are_joined_and_a_cut_one_is_an_error() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let whole = parse_answer(format!("{head}4\r\ndrif\r\nA;x=y\r\nt is found.\r\n0\r\n\r\n").as_bytes());
        assert!(whole.is_err(), "the second chunk is longer than it says");
        let whole = parse_answer(format!("{head}4\r\ndrif\r\nB;x=y\r\nt is found.\r\n0\r\n\r\n").as_bytes());
        assert_eq!(whole.expect("a whole answer").body, b"drift is found.");
        assert!(parse_answer(format!("{head}ffffffffffffffff\r\nx").as_bytes()).is_err());
        assert!(parse_answer(format!("{head}4\r\ndr").as_bytes()).is_err());
    }
}
