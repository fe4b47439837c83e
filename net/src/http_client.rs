//! The one HTTP client.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::egress::{BlockedAddresses, EgressPolicy, FilteringResolver, METADATA_SERVICES};
use crate::layer::Deadline;
use crate::{Environment, Error, ErrorKind, Request, Response, Transport};

const USER_AGENT: &str = concat!("driftmgr/", env!("CARGO_PKG_VERSION"));

/// Says how the client connects.
#[derive(Debug, Clone)]
pub struct HttpClientConfig {
    /// Where `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` (either letter case) and
    /// `AWS_CA_BUNDLE` are read from.
    pub environment: Environment,
    /// Where names may lead.
    pub egress: Arc<EgressPolicy>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
}

/// Sends requests over HTTP/1.1 or HTTP/2 with kept connections, following no redirect.
#[derive(Debug)]
pub struct HttpClient {
    timed: Deadline,
}

impl HttpClient {
    /// Builds a client.
    ///
    /// # Errors
    /// `Configuration` where a proxy address or the certificate bundle is unusable.
    pub fn new(config: &HttpClientConfig) -> Result<Self, Error> {
        // The provider is chosen here, because another crate's features could make the choice
        // ambiguous. An error says that the process has chosen already, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();

        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .gzip(true)
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(50))
            .pool_max_idle_per_host(16)
            .tcp_keepalive(Duration::from_secs(30))
            .http2_adaptive_window(true)
            .dns_resolver(FilteringResolver { policy: Arc::clone(&config.egress) })
            .no_proxy();
        for proxy in proxies(config)? {
            builder = builder.proxy(proxy);
        }
        if let Some(path) = config.environment.get("AWS_CA_BUNDLE") {
            let path = config.environment.expand_home(path);
            let unusable = |source: Box<dyn StdError + Send + Sync>| {
                Error::new(
                    ErrorKind::Configuration,
                    "http client",
                    "the certificate bundle that AWS_CA_BUNDLE names cannot be used: correct or unset the variable",
                )
                .with_context("file", path.display().to_string())
                .with_source(source)
            };
            let pem = std::fs::read(&path).map_err(|source| unusable(Box::new(source)))?;
            let certificates =
                reqwest::Certificate::from_pem_bundle(&pem).map_err(|source| unusable(Box::new(source)))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|source| {
            Error::new(ErrorKind::Configuration, "http client", "the HTTP client cannot be set up").with_source(source)
        })?;
        Ok(Self { timed: Deadline::new(Arc::new(Exchange { client })) })
    }
}

#[async_trait]
impl Transport for HttpClient {
    async fn send(&self, request: Request, cancel: &CancellationToken) -> Result<Response, Error> {
        self.timed.send(request, cancel).await
    }
}

/// One exchange without deadline, so that [`Deadline`] stays the only place that knows about time.
#[derive(Debug)]
struct Exchange {
    client: reqwest::Client,
}

impl Exchange {
    async fn exchange(&self, request: &Request) -> Result<Response, Error> {
        let mut response = self
            .client
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone())
            .body(request.body.clone())
            .send()
            .await
            .map_err(|error| explain(request, error))?;
        let too_large = |size: u64| {
            Error::new(
                ErrorKind::TooLarge,
                &request.operation,
                format!("the answer has {size} bytes or more, over the limit of {}", request.max_body_bytes),
            )
            .with_context("host", request.authority())
        };
        if let Some(length) = response.content_length() {
            if length > request.max_body_bytes as u64 {
                return Err(too_large(length));
            }
        }
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| explain(request, error))? {
            if body.len() + chunk.len() > request.max_body_bytes {
                return Err(too_large((body.len() + chunk.len()) as u64));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body: Bytes::from(body), attempts: 1 })
    }
}

#[async_trait]
impl Transport for Exchange {
    async fn send(&self, request: Request, _cancel: &CancellationToken) -> Result<Response, Error> {
        let start = Instant::now();
        let result = self.exchange(&request).await;
        let elapsed_ms = start.elapsed().as_millis();
        match &result {
            Ok(response) => debug!(
                operation = %request.operation,
                host = %request.authority(),
                status = response.status.as_u16(),
                bytes = response.body.len(),
                elapsed_ms,
                "answered"
            ),
            Err(error) => debug!(
                operation = %request.operation,
                host = %request.authority(),
                kind = %error.kind(),
                elapsed_ms,
                "not answered"
            ),
        }
        result
    }
}

fn proxies(config: &HttpClientConfig) -> Result<Vec<reqwest::Proxy>, Error> {
    let environment = &config.environment;
    let either = |upper: &'static str, lower: &'static str| {
        environment
            .get(lower)
            .map(|value| (lower, value))
            .or_else(|| environment.get(upper).map(|value| (upper, value)))
    };
    let all = either("ALL_PROXY", "all_proxy");
    // Neither local endpoints nor the machine's own credentials are ever asked for through a proxy.
    let except = either("NO_PROXY", "no_proxy").map(|(_, value)| value).unwrap_or_default();
    let except =
        reqwest::NoProxy::from_string(&format!("{except},localhost,127.0.0.1,::1,{}", METADATA_SERVICES.join(",")));
    let mut proxies = Vec::new();
    for (setting, for_https) in
        [(either("HTTPS_PROXY", "https_proxy").or(all), true), (either("HTTP_PROXY", "http_proxy").or(all), false)]
    {
        let Some((name, value)) = setting else { continue };
        // The address may hold a password, so the error names the variable and not its value.
        let unusable = || {
            Error::new(
                ErrorKind::Configuration,
                "http client",
                format!("{name} is not the address of a proxy: write it as http://host:port"),
            )
        };
        let text = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
        let address = url::Url::parse(&text).map_err(|_| unusable())?;
        let proxy =
            if for_https { reqwest::Proxy::https(address.clone()) } else { reqwest::Proxy::http(address.clone()) };
        proxies.push(proxy.map_err(|_| unusable())?.no_proxy(except.clone()));
        config.egress.allow_endpoint(&address);
    }
    Ok(proxies)
}

/// Turns the library's error into ours, without its URL: a query may hold what nobody should see.
fn explain(request: &Request, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let mut blocked = None;
    let mut broken = false;
    let mut source: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(current) = source {
        blocked = blocked.or_else(|| current.downcast_ref::<BlockedAddresses>().map(ToString::to_string));
        broken |= current
            .downcast_ref::<io::Error>()
            .is_some_and(|error| !matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput));
        source = current.source();
    }
    let (kind, message) = if let Some(blocked) = blocked {
        (ErrorKind::Blocked, format!("{blocked}: name it as an endpoint to allow it"))
    } else if error.is_timeout() {
        (ErrorKind::Timeout, "the host did not answer in time".to_owned())
    } else if error.is_connect() {
        (ErrorKind::Unreachable, format!("cannot connect: {}", deepest(&error)))
    } else if error.is_builder() {
        (ErrorKind::Rejected, format!("the request cannot be written: {}", deepest(&error)))
    } else if broken || incomplete(&error) {
        (ErrorKind::Unreachable, format!("the connection broke before the answer was complete: {}", deepest(&error)))
    } else {
        (ErrorKind::Invalid, format!("the answer is not valid HTTP: {}", deepest(&error)))
    };
    Error::new(kind, &request.operation, message).with_context("host", request.authority()).with_source(error)
}

/// Tells whether the connection ended where more should have come.
fn incomplete(error: &reqwest::Error) -> bool {
    let text = deepest(error);
    ["end of file", "unexpected eof", "connection closed", "connection reset", "before message completed", "canceled"]
        .iter()
        .any(|part| text.to_ascii_lowercase().contains(part))
}

fn deepest(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
