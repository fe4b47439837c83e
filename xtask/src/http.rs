//! Speaks just enough HTTP/1.1 to one server on the loopback interface.
//!
//! The product's own client is deliberately not used: these tasks must not depend on what they test.

use std::io::{Read, Write};
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
    let LoopbackCall { method, target, headers, body } = call;
    let what = || format!("{method} http://127.0.0.1:{port}{target}");
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).with_context(what)?;
    stream
        .set_read_timeout(Some(DEADLINE))
        .and_then(|()| stream.set_write_timeout(Some(DEADLINE)))
        .with_context(what)?;

    let mut head = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head.push_str("Host: 127.0.0.1\r\n");
    }
    for (name, value) in *headers {
        if value.contains(['\r', '\n']) || name.contains(['\r', '\n', ':']) {
            bail!("{}: the header {name:?} holds a line break or a colon", what());
        }
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).with_context(what)?;

    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).with_context(what)?;
    parse_answer(&answer).with_context(what)
}

fn parse_answer(answer: &[u8]) -> Result<Answer> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").context("the answer's head has no end")?;
    let head = String::from_utf8_lossy(&answer[..end]);
    let status = head
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1))
        .and_then(|status| status.parse().ok())
        .with_context(|| format!("the answer starts with {:?}", head.lines().next().unwrap_or_default()))?;
    Ok(Answer { status, body: answer[end + 4..].to_vec() })
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
    }
}
