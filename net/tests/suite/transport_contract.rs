//! What every [`Transport`] promises, run on each implementation against a real server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{Reply, Script, Server, reply};
use http::Method;
use net::egress::EgressPolicy;
use net::layer::{RetryConfig, status_class};
use net::recording::{Record, Replay};
use net::{Environment, ErrorKind, HttpClient, HttpClientConfig, Network, NetworkConfig, Request, Transport};
use tokio_util::sync::CancellationToken;

fn script() -> Script {
    Arc::new(|seen, _| match seen.line.split(' ').nth(1).unwrap_or_default() {
        "/found?a=b" => reply("200 OK", "x-kept: yes\r\n", &format!("{} {}", seen.line, seen.body)),
        "/absent" => reply("404 Not Found", "", "nothing here"),
        "/moved" => reply("302 Found", "location: /found?a=b\r\n", ""),
        "/large" => reply("200 OK", "", &"x".repeat(2000)),
        "/endless" => Reply::Endless,
        "/hang" => Reply::Hang,
        "/stall" => Reply::Stall("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart".to_owned()),
        "/cut" => Reply::Close("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart".to_owned()),
        "/cut-chunk" => Reply::Close("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\npart".to_owned()),
        "/bad-chunk" => {
            Reply::Bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\npart\r\n0\r\n\r\n".to_owned())
        }
        "/no-http" => Reply::Close("SSH-2.0-OpenSSH\r\n\r\n".to_owned()),
        "/silent-close" => Reply::Close(String::new()),
        other => panic!("no such path {other}"),
    })
}

fn request(server: &Server, path: &str) -> Request {
    Request::new("test:Get", Method::GET, server.url(path), Duration::from_secs(30))
}

async fn contract(transport: &dyn Transport, server: &Server) {
    let never = CancellationToken::new();

    let posted = Request { method: Method::POST, ..request(server, "/found?a=b") }.with_body("text/plain", "hello");
    let response = transport.send(posted, &never).await.unwrap();
    assert_eq!(response.status.as_u16(), 200);
    assert_eq!(response.header("x-kept"), Some("yes"));
    assert_eq!(&response.body[..], b"POST /found?a=b HTTP/1.1 hello");

    let response = transport.send(request(server, "/absent"), &never).await.unwrap();
    assert_eq!((response.status.as_u16(), &response.body[..]), (404, &b"nothing here"[..]));
    let response = transport.send(request(server, "/moved"), &never).await.unwrap();
    assert_eq!(response.status.as_u16(), 302, "redirects are not followed");

    for path in ["/large", "/endless"] {
        let small = Request { max_body_bytes: 1000, ..request(server, path) };
        let error = transport.send(small, &never).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{path}: {error}");
    }
    let exact = Request { max_body_bytes: 2000, ..request(server, "/large") };
    assert_eq!(transport.send(exact, &never).await.unwrap().body.len(), 2000);

    for path in ["/hang", "/stall"] {
        let start = Instant::now();
        let soon =
            Request { deadline: tokio::time::Instant::now() + Duration::from_millis(200), ..request(server, path) };
        let error = transport.send(soon, &never).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{path}: {error}");
        assert!(start.elapsed() < Duration::from_secs(10), "{path} took {:?}", start.elapsed());
    }

    for (path, kind) in [
        ("/cut", ErrorKind::Unreachable),
        ("/cut-chunk", ErrorKind::Unreachable),
        ("/silent-close", ErrorKind::Unreachable),
        ("/bad-chunk", ErrorKind::Invalid),
        ("/no-http", ErrorKind::Invalid),
    ] {
        let error = transport.send(request(server, path), &never).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{path}: {error:?}");
        assert!(error.to_string().starts_with("test:Get: "), "{error}");
        assert!(!error.to_string().contains('?'), "no query in an error: {error}");
    }

    let start = Instant::now();
    let stop = CancellationToken::new();
    let stopper = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stopper.cancel();
    });
    let error = transport.send(request(server, "/hang"), &stop).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(start.elapsed() < Duration::from_secs(10));
    let error = transport.send(request(server, "/absent"), &stop).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "a cancelled token sends nothing: {error}");

    // Nothing listens on a port that was just given back.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nowhere = url::Url::parse(&format!("http://127.0.0.1:{free}/")).unwrap();
    let error = transport.send(Request { url: nowhere, ..request(server, "/absent") }, &never).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
}

fn policy(server: &Server) -> Arc<EgressPolicy> {
    let policy = EgressPolicy::default();
    policy.allow_endpoint(&server.url("/"));
    Arc::new(policy)
}

fn client(server: &Server) -> HttpClient {
    HttpClient::new(&HttpClientConfig {
        environment: Environment::default(),
        egress: policy(server),
        connect_timeout: Duration::from_secs(2),
    })
    .unwrap()
}

#[tokio::test]
async fn the_client_keeps_the_contract() {
    let server = Server::start(script()).await;
    contract(&client(&server), &server).await;
}

#[tokio::test]
async fn the_whole_stack_keeps_the_contract() {
    let server = Server::start(script()).await;
    let config = NetworkConfig {
        retry: RetryConfig { first_wait: Duration::from_millis(5), ..RetryConfig::standard() },
        ..NetworkConfig::standard()
    };
    let network = Network::new(config, &Environment::default(), policy(&server), Arc::new(status_class)).unwrap();
    contract(network.unsigned().as_ref(), &server).await;
}

#[tokio::test]
async fn a_recorder_keeps_the_contract_and_plays_back_the_same() {
    let server = Server::start(script()).await;
    let recorder = Record::new(Arc::new(client(&server)));
    contract(&recorder, &server).await;

    let replay = Replay::from_json_lines(&recorder.to_json_lines()).unwrap();
    let never = CancellationToken::new();
    let response = replay.send(request(&server, "/absent"), &never).await.unwrap();
    assert_eq!((response.status.as_u16(), &response.body[..]), (404, &b"nothing here"[..]));
    let error = replay.send(request(&server, "/absent"), &never).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "each exchange is used once");
    assert_eq!(replay.left().len(), 3);
    assert_eq!(Replay::from_json_lines("{}\n").unwrap_err().kind(), ErrorKind::Invalid);
}
