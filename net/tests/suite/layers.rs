//! Retry, limit and guard against a real server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{Reply, Script, Server, reply};
use http::Method;
use net::aws;
use net::egress::EgressPolicy;
use net::layer::{LimitConfig, RetryConfig};
use net::{Environment, ErrorKind, LimitScope, Network, NetworkConfig, Request};
use tokio_util::sync::CancellationToken;

fn config() -> NetworkConfig {
    NetworkConfig {
        retry: RetryConfig {
            max_attempts: 4,
            first_wait: Duration::from_millis(5),
            longest_wait: Duration::from_millis(20),
            budget: 100,
        },
        ..NetworkConfig::standard()
    }
}

fn network(server: &Server, config: NetworkConfig) -> Network {
    let policy = EgressPolicy::default();
    policy.allow_endpoint(&server.url("/"));
    Network::new(config, &Environment::default(), Arc::new(policy), Arc::new(aws::classify)).unwrap()
}

fn request(server: &Server, path: &str) -> Request {
    Request::new("test:Get", Method::GET, server.url(path), Duration::from_secs(10)).with_scope(LimitScope {
        account: "1".into(),
        service: "test".into(),
        region: "here".into(),
    })
}

#[tokio::test]
async fn retry_after_is_obeyed_and_the_answer_comes_through() {
    let script: Script = Arc::new(|_, call| match call {
        0 => reply("429 Too Many Requests", "retry-after: 1\r\n", ""),
        1 => reply("500 Internal Server Error", "", "oops"),
        2 => reply("400 Bad Request", "", r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#),
        _ => reply("200 OK", "", "done"),
    });
    let server = Server::start(script).await;
    let network = network(&server, config());
    let start = Instant::now();
    let response = network.unsigned().send(request(&server, "/"), &CancellationToken::new()).await.unwrap();
    assert_eq!((&response.body[..], response.attempts), (&b"done"[..], 4));
    assert!(start.elapsed() >= Duration::from_secs(1), "waited {:?}", start.elapsed());
    assert_eq!(network.retry_budget().left(), 97);
    let state = network.limiter().states().remove(0);
    assert_eq!((state.calls, state.throttled), (4, 2));
    assert!(state.rate < LimitConfig::standard().rate, "{state:?}");
}

#[tokio::test]
async fn the_last_answer_is_returned_when_retries_are_used_up() {
    let script: Script = Arc::new(|_, _| reply("503 Service Unavailable", "", "<Error><Code>SlowDown</Code></Error>"));
    let server = Server::start(script).await;
    let network = network(&server, config());
    let response = network.unsigned().send(request(&server, "/"), &CancellationToken::new()).await.unwrap();
    assert_eq!((response.status.as_u16(), response.attempts), (503, 4));
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let script: Script = Arc::new(|_, _| reply("429 Too Many Requests", "retry-after: 3600\r\n", ""));
    let server = Server::start(script).await;
    let network = network(&server, config());
    let start = Instant::now();
    let response = network.unsigned().send(request(&server, "/"), &CancellationToken::new()).await.unwrap();
    assert_eq!((response.status.as_u16(), response.attempts), (429, 1));
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_run_has_a_budget_of_retries() {
    let script: Script = Arc::new(|_, _| reply("500 Internal Server Error", "", ""));
    let server = Server::start(script).await;
    let mut config = config();
    config.retry.budget = 4;
    let network = network(&server, config);
    for path in ["/a", "/b", "/c"] {
        network.unsigned().send(request(&server, path), &CancellationToken::new()).await.unwrap();
    }
    assert_eq!(server.seen().len(), 3 + 4);
}

#[tokio::test]
async fn refusals_are_not_sent_again() {
    let script: Script = Arc::new(|_, _| reply("403 Forbidden", "", r#"{"__type":"AccessDeniedException"}"#));
    let server = Server::start(script).await;
    let network = network(&server, config());
    let response = network.unsigned().send(request(&server, "/"), &CancellationToken::new()).await.unwrap();
    assert_eq!((response.status.as_u16(), server.seen().len()), (403, 1));
}

#[tokio::test]
async fn a_broken_connection_is_tried_again() {
    let script: Script = Arc::new(|_, call| match call {
        0 => Reply::Close("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart".to_owned()),
        _ => reply("200 OK", "", "whole"),
    });
    let server = Server::start(script).await;
    let response =
        network(&server, config()).unsigned().send(request(&server, "/"), &CancellationToken::new()).await.unwrap();
    assert_eq!((&response.body[..], response.attempts), (&b"whole"[..], 2));
}

#[tokio::test]
async fn a_hung_attempt_is_given_up_and_tried_again() {
    let script: Script = Arc::new(|_, call| if call == 0 { Reply::Hang } else { reply("200 OK", "", "woke") });
    let server = Server::start(script).await;
    let config = NetworkConfig { attempt_timeout: Duration::from_millis(200), ..config() };
    let response =
        network(&server, config).unsigned().send(request(&server, "/"), &CancellationToken::new()).await.unwrap();
    assert_eq!((&response.body[..], response.attempts), (&b"woke"[..], 2));
}

#[tokio::test]
async fn concurrency_is_bounded_per_scope_and_seen() {
    let script: Script = Arc::new(|_, _| reply("200 OK", "", ""));
    let server = Server::start(script).await;
    let slow = LimitConfig { rate: 1000.0, burst: 100, max_concurrency: 3 };
    let config = NetworkConfig { limit_by_service: BTreeMap::from([("test".to_owned(), slow)]), ..config() };
    let network = network(&server, config);
    let transport = network.unsigned();
    let never = CancellationToken::new();
    let calls = (0..40).map(|_| transport.send(request(&server, "/"), &never));
    for result in futures::future::join_all(calls).await {
        result.unwrap();
    }
    let state = network.limiter().states().remove(0);
    assert_eq!((state.calls, state.peak_in_flight), (40, 3));
}

#[tokio::test]
async fn the_rate_is_kept() {
    let script: Script = Arc::new(|_, _| reply("200 OK", "", ""));
    let server = Server::start(script).await;
    let limit = LimitConfig { rate: 20.0, burst: 5, max_concurrency: 50 };
    let network = network(&server, NetworkConfig { limit, ..config() });
    let transport = network.unsigned();
    let never = CancellationToken::new();
    let start = Instant::now();
    let calls = (0..25).map(|_| transport.send(request(&server, "/"), &never));
    futures::future::join_all(calls).await;
    assert!(start.elapsed() >= Duration::from_millis(950), "25 calls took {:?}", start.elapsed());
    assert!(network.limiter().states()[0].waited > Duration::from_secs(1));
}

#[tokio::test]
async fn a_turn_that_does_not_come_in_time_is_throttling() {
    let script: Script = Arc::new(|_, _| reply("200 OK", "", ""));
    let server = Server::start(script).await;
    let limit = LimitConfig { rate: 0.2, burst: 1, max_concurrency: 1 };
    let network = network(&server, NetworkConfig { limit, ..config() });
    let never = CancellationToken::new();
    network.unsigned().send(request(&server, "/"), &never).await.unwrap();
    let soon = Request { deadline: tokio::time::Instant::now() + Duration::from_millis(50), ..request(&server, "/") };
    let error = network.unsigned().send(soon, &never).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Throttled | ErrorKind::Timeout), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_guard_refuses_before_anything_is_sent() {
    let script: Script = Arc::new(|_, _| reply("200 OK", "", ""));
    let server = Server::start(script).await;
    let policy = Arc::new(EgressPolicy::new(["amazonaws.com".to_owned()]));
    let network = Network::new(config(), &Environment::default(), policy, Arc::new(aws::classify)).unwrap();
    let error = network.unsigned().send(request(&server, "/"), &CancellationToken::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Blocked, "{error}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_listed_name_that_leads_to_loopback_is_blocked_at_the_lookup() {
    let policy = Arc::new(EgressPolicy::new(["localhost".to_owned()]));
    let network = Network::new(config(), &Environment::default(), policy, Arc::new(aws::classify)).unwrap();
    let url = url::Url::parse("https://localhost/").unwrap();
    let request = Request::new("test:Get", Method::GET, url, Duration::from_secs(5));
    let error = network.unsigned().send(request, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Blocked, "{error:?}");
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_used_and_never_for_loopback() {
    let script: Script = Arc::new(|seen, _| reply("200 OK", "", &seen.line));
    let server = Server::start(script).await;
    let environment = Environment::new([("http_proxy".to_owned(), format!("127.0.0.1:{}", server.port))], None);
    let policy = EgressPolicy::default();
    policy.allow_endpoint(&url::Url::parse("http://emulator.test/").unwrap());
    let network = Network::new(config(), &environment, Arc::new(policy), Arc::new(aws::classify)).unwrap();
    let url = url::Url::parse("http://emulator.test/x").unwrap();
    let request = Request::new("test:Get", Method::GET, url, Duration::from_secs(5));
    let response = network.unsigned().send(request, &CancellationToken::new()).await.unwrap();
    assert_eq!(&response.body[..], b"GET http://emulator.test/x HTTP/1.1");

    let broken = Environment::new([("HTTPS_PROXY".to_owned(), "http://user:planted@".to_owned())], None);
    let error = Network::new(config(), &broken, Arc::default(), Arc::new(aws::classify)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(!format!("{error:?}").contains("planted"), "{error:?}");
}
