//! States in S3 and what speaks its protocol.
//!
//! Source: `internal/backend/remote-state/s3` of Terraform. A state is fetched in pieces of one version, so that neither
//! its size nor a concurrent `apply` matters; no lock is taken, a held one is a warning.

mod config;
mod listing;

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, IF_MATCH, RANGE};
use http::{HeaderValue, Method};
use model::Diagnostics;
use net::aws::{AwsPartition, AwsSession, Fault, classify};
use net::egress::EgressPolicy;
use net::sign::{SigningScope, aws_v4};
use net::{LimitScope, Network, NetworkConfig, Request, Response};
use tokio::sync::OnceCell;
use url::{Host, Url};

use self::config::Config;
use super::{
    Backend, Context, DEFAULT_WORKSPACE, StateBytes, StateFile, StateSource, check_workspace, lock, sort_workspaces,
};
use crate::scan::MAX_INPUT;
use crate::{Error, ErrorKind};

/// How much of a state one request asks for.
const PIECE: u64 = 8 << 20;
/// How long one request may take, retries included.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Pages of a listing that are read; 1,000 keys each.
const MAX_PAGES: usize = 1000;

/// The row of the table.
pub(super) const BACKEND: Backend = Backend {
    name: "s3",
    schemes: &["s3"],
    from_url: |url, context| {
        let (config, workspace) = Config::from_url(url, &context.environment)?;
        check_workspace(&workspace)?;
        Ok(Box::new(S3::new(config, workspace, context)))
    },
    from_config: |config, root| {
        check_workspace(&root.workspace)?;
        let config = Config::from_block(config, &root.context.environment)?;
        Ok(Box::new(S3::new(config, root.workspace.clone(), root.context)))
    },
};

/// States in one bucket.
#[derive(Debug)]
struct S3 {
    config: Config,
    selected: String,
    context: Context,
    session: OnceCell<Arc<AwsSession>>,
}

impl S3 {
    fn new(config: Config, selected: String, context: &Context) -> Self {
        Self { config, selected, context: context.clone(), session: OnceCell::new() }
    }

    fn key(&self, workspace: &str) -> String {
        let Config { key, workspace_key_prefix: prefix, .. } = &self.config;
        match (workspace, prefix.as_str()) {
            (DEFAULT_WORKSPACE, _) => key.clone(),
            (workspace, "") => format!("{workspace}/{key}"),
            (workspace, prefix) => format!("{prefix}/{workspace}/{key}"),
        }
    }

    async fn session(&self) -> Result<&Arc<AwsSession>, Error> {
        self.session.get_or_try_init(|| self.open_session()).await
    }

    async fn open_session(&self) -> Result<Arc<AwsSession>, Error> {
        let operation = "prepare access to the bucket";
        let fail = |error| Error::from_net(operation, error).with("bucket", &self.config.bucket);
        let network = match &self.context.network {
            Some(network) => network.clone(),
            None => {
                let egress = Arc::new(EgressPolicy::new(AwsPartition::domains()));
                Network::new(NetworkConfig::standard(), &self.config.environment, egress, Arc::new(classify))
                    .map_err(fail)?
            }
        };
        let environment = self.config.environment.clone();
        let session = AwsSession::open(environment, &self.config.access, network).await.map_err(fail)?;
        let Config { allowed_accounts: allowed, forbidden_accounts: forbidden, .. } = &self.config;
        if !allowed.is_empty() || !forbidden.is_empty() {
            let account = session.caller_identity(&self.context.cancel).await.map_err(fail)?.account;
            if forbidden.contains(&account) || (!allowed.is_empty() && !allowed.contains(&account)) {
                return Err(Error::new(ErrorKind::Configuration, "use an account that the backend does not allow")
                    .with("account", account)
                    .with("allowed", allowed.join(" "))
                    .with("forbidden", forbidden.join(" "))
                    .with_help("Choose another profile: `AWS_PROFILE`, or the backend's `profile` argument."));
            }
        }
        Ok(session)
    }

    fn region<'a>(&self, session: &'a AwsSession) -> Result<&'a str, Error> {
        session.region().ok_or_else(|| {
            Error::new(ErrorKind::Configuration, "find the bucket's region")
                .with("bucket", &self.config.bucket)
                .with_help("Set `region` in the `backend` block, `?region=` in the URL, or AWS_REGION.")
        })
    }

    /// Gives the address of the bucket, with a path that ends in a slash.
    fn bucket_url(&self, session: &AwsSession) -> Result<Url, Error> {
        let fail = |error| Error::from_net("find the bucket's address", error).with("bucket", &self.config.bucket);
        let Config { bucket, use_fips, use_dual_stack, .. } = &self.config;
        let region = self.region(session)?;
        let fips = if *use_fips { "-fips" } else { "" };
        let dual_stack = if *use_dual_stack { ".dualstack" } else { "" };
        let host = format!("s3{fips}{dual_stack}.{region}.{}", AwsPartition::of_region(region).dns_suffix);
        let endpoint = session.endpoint("S3", &host).map_err(fail)?;
        let mut url = endpoint.url;
        // Names with dots match no wildcard certificate, and no name lies under an address or `localhost`.
        let has_no_subdomains = match url.host() {
            Some(Host::Domain(domain)) => domain == "localhost",
            _ => true,
        };
        let base = url.path().trim_end_matches('/').to_owned();
        if self.config.use_path_style || bucket.contains('.') || has_no_subdomains {
            url.set_path(&format!("{base}/{bucket}/"));
        } else {
            let host = format!("{bucket}.{}", url.host_str().unwrap_or_default());
            let invalid = |_| Error::new(ErrorKind::Configuration, "find the bucket's address").with("host", &host);
            url.set_host(Some(&host)).map_err(invalid)?;
            if endpoint.is_configured {
                session.network().egress().allow_endpoint(&url);
            }
            url.set_path(&format!("{base}/"));
        }
        Ok(url)
    }

    async fn send(
        &self,
        operation: &'static str,
        key: &str,
        query: Option<&str>,
        prepare: impl FnOnce(&mut Request),
    ) -> Result<Response, Error> {
        let session = self.session().await?;
        let region = self.region(session)?;
        let mut url = self.bucket_url(session)?;
        let segments: Vec<String> = key.split('/').map(aws_v4::percent_encode).collect();
        url.set_path(&format!("{}{}", url.path(), segments.join("/")));
        url.set_query(query);
        let signing = SigningScope { service: "s3".to_owned(), region: region.to_owned() };
        let scope =
            LimitScope { account: session.profile().to_owned(), service: "s3".to_owned(), region: region.to_owned() };
        let mut request = Request::new(operation, Method::GET, url, TIMEOUT).with_scope(scope).with_signing(signing);
        prepare(&mut request);
        let response = session.transport().send(request.clone(), &self.context.cancel).await;
        let response = response.map_err(|error| self.describe(Error::from_net("fetch the state", error), key))?;
        let Some(fault) = Fault::read(&response) else { return Ok(response) };
        let mut error = match (response.status.as_u16(), fault.code.as_str()) {
            (412, _) => Error::new(ErrorKind::Moved, "fetch a state that is being written")
                .with_help("Wait for the running `apply` to end, and start again."),
            // An empty object has no first byte.
            (416, _) => return Ok(response),
            (_, "NoSuchBucket") => Error::new(ErrorKind::NotFound, "find the bucket")
                .with_help("Check its name, and the account and endpoint that are asked."),
            (_, "NoSuchKey") | (404, _) => Error::new(ErrorKind::NotFound, "find the state in its bucket")
                .with_help("Check the key and the workspace; nothing may have been applied there yet."),
            (301 | 307 | 400, _) if response.header("x-amz-bucket-region").is_some_and(|actual| actual != region) => {
                let actual = response.header("x-amz-bucket-region").unwrap_or_default();
                Error::new(ErrorKind::Configuration, "fetch the state from another region")
                    .with("region asked", region)
                    .with("bucket's region", actual)
                    .with_help(format!("Set the region to {actual}."))
            }
            _ => Error::from_net("fetch the state", fault.into_error(&request, &response)),
        };
        if error.kind == ErrorKind::Denied {
            error = error.with("credentials", session.source()).with_help(
                "Reading needs s3:GetObject on the key; without s3:ListBucket a missing key is denied, too.",
            );
        }
        Err(self.describe(error, key))
    }

    fn describe(&self, error: Error, key: &str) -> Error {
        error.with("bucket", &self.config.bucket).with("key", key)
    }

    /// Asks for the bytes of a range, of one version where that is known.
    async fn get_piece(&self, key: &str, range: Range<u64>, version: Option<&str>) -> Result<Response, Error> {
        let range = format!("bytes={}-{}", range.start, range.end - 1);
        self.send("s3:GetObject", key, None, |request| {
            let header = |text: &str| HeaderValue::from_str(text).ok();
            request.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            if let Some(range) = header(&range) {
                request.headers.insert(RANGE, range);
            }
            if let Some(version) = version.and_then(header) {
                request.headers.insert(IF_MATCH, version);
            }
            request.max_body_bytes = MAX_INPUT as usize;
        })
        .await
    }

    async fn get_state(&self, key: &str) -> Result<(StateBytes, Option<String>), Error> {
        let first = self.get_piece(key, 0..PIECE, None).await?;
        let version = first.header("etag").map(str::to_owned);
        if first.status.as_u16() == 416 {
            return Ok((StateBytes::from(Bytes::new()), version));
        }
        let n_total = total_bytes(&first).unwrap_or(first.body.len() as u64);
        if n_total <= first.body.len() as u64 {
            return Ok((StateBytes::from(first.body), version));
        }
        if n_total > MAX_INPUT {
            let error = Error::new(ErrorKind::TooLarge, "fetch the state").with("limit", format!("{MAX_INPUT} bytes"));
            return Err(self.describe(error, key));
        }
        let fail = |error| {
            Error::from_io("keep the state in a temporary file", error)
                .with_help("Set TMPDIR to a directory with room that you may write to.")
        };
        let mut file = tempfile::tempfile().map_err(fail)?;
        let mut piece = first;
        let mut n_written = 0;
        loop {
            file.write_all(&piece.body).map_err(fail)?;
            n_written += piece.body.len() as u64;
            if n_written >= n_total {
                break;
            }
            piece = self.get_piece(key, n_written..n_written + PIECE, version.as_deref()).await?;
            let is_same = piece.header("etag") == version.as_deref() && total_bytes(&piece) == Some(n_total);
            if !is_same || piece.body.is_empty() {
                let moved = Error::new(ErrorKind::Moved, "fetch a state that is being written")
                    .with_help("Wait for the running `apply` to end, and start again.");
                return Err(self.describe(moved, key));
            }
        }
        Ok((StateBytes::from_file(file)?, version))
    }

    async fn held_lock(&self, key: &str) -> Option<Bytes> {
        let found = self.send("s3:GetObject", &format!("{key}.tflock"), None, |_| {}).await.ok()?;
        found.status.is_success().then_some(found.body)
    }

    async fn list(&self, prefix: &str, n_keys: usize) -> Result<Vec<String>, Error> {
        let mut keys = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut query =
                format!("encoding-type=url&list-type=2&max-keys={n_keys}&prefix={}", aws_v4::percent_encode(prefix));
            if let Some(token) = &token {
                query = format!("continuation-token={}&{query}", aws_v4::percent_encode(token));
            }
            let response = self.send("s3:ListObjectsV2", "", Some(&query), |_| {}).await?;
            let page = listing::parse(&response.body).ok_or_else(|| {
                Error::new(ErrorKind::Invalid, "read the listing of the bucket").with("bucket", &self.config.bucket)
            })?;
            keys.extend(page.keys);
            let is_enough = n_keys == 1;
            match page.next {
                Some(next) if !is_enough && Some(&next) != token.as_ref() => token = Some(next),
                Some(_) if !is_enough => break,
                _ => return Ok(keys),
            }
        }
        Err(Error::new(ErrorKind::Invalid, "reach the end of the bucket's listing")
            .with("bucket", &self.config.bucket)
            .with("prefix", prefix)
            .with_help("The listing does not end; name the workspace with TF_WORKSPACE instead."))
    }
}

/// Reads the size of the whole object from `Content-Range: bytes 0-9/100`.
fn total_bytes(response: &Response) -> Option<u64> {
    response.header("content-range")?.rsplit_once('/')?.1.parse().ok()
}

#[async_trait]
impl StateSource for S3 {
    fn url(&self) -> String {
        format!("s3://{}/{}", self.config.bucket, self.key(&self.selected))
    }

    fn selected_workspace(&self) -> &str {
        &self.selected
    }

    async fn list_workspaces(&self) -> Result<Vec<String>, Error> {
        let mut workspaces = Vec::new();
        // The exact key sorts before every key it is the beginning of.
        if self.list(&self.config.key, 1).await?.first() == Some(&self.config.key) {
            workspaces.push(DEFAULT_WORKSPACE.to_owned());
        }
        let prefix = match self.config.workspace_key_prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        for key in self.list(&prefix, 1000).await? {
            let Some((workspace, key)) = key.strip_prefix(&prefix).and_then(|rest| rest.split_once('/')) else {
                continue;
            };
            if key == self.config.key && check_workspace(workspace).is_ok() && workspace != DEFAULT_WORKSPACE {
                workspaces.push(workspace.to_owned());
            }
        }
        sort_workspaces(&mut workspaces);
        Ok(workspaces)
    }

    async fn get(&self, workspace: &str) -> Result<StateFile, Error> {
        check_workspace(workspace)?;
        let key = self.key(workspace);
        let url = format!("s3://{}/{key}", self.config.bucket);
        let (bytes, version) = self.get_state(&key).await?;
        let warnings = match self.held_lock(&key).await {
            Some(note) => vec![lock::warning(&url, &note)],
            None => Diagnostics::new(),
        };
        Ok(StateFile { url: url.into(), workspace: workspace.into(), version, bytes, warnings })
    }

    async fn version(&self, workspace: &str) -> Result<Option<String>, Error> {
        check_workspace(workspace)?;
        let piece = self.get_piece(&self.key(workspace), 0..1, None).await?;
        Ok(piece.header("etag").map(str::to_owned))
    }
}
