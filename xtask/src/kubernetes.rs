//! Starts a Kubernetes API server with an etcd of its own, and changes things in it by hand.
//!
//! There are no controllers and no kubelet: objects are kept, validated and defaulted as in any cluster, and nothing
//! acts on them.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use rcgen::{CertificateParams, KeyPair, SanType};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::drifts::{ServerCall, Target};
use crate::http::{self, Answer, LoopbackCall};
use crate::server::{self, Server};
use crate::tools::{self, Tool};

/// The administrator's bearer token: the server listens on the loopback interface only, and not for long.
pub const TOKEN: &str = "loopback-only";

/// How long a start may take; it needs some 5 s of CPU time.
const START_LIMIT: Duration = Duration::from_mins(2);

/// A running cluster; it ends when this value is dropped, or when this process ends in whatever way.
#[derive(Debug)]
pub struct Cluster {
    api_server: Server,
    // After the API server: fields are dropped in this order.
    etcd: Server,
    directory: TempDir,
    address: Address,
}

/// Where the API server listens, and how to know it.
#[derive(Debug)]
struct Address {
    port: u16,
    tls: Arc<ClientConfig>,
}

impl Cluster {
    /// Starts a cluster with data and ports of its own, and waits until it is ready.
    ///
    /// # Errors
    /// Where a part is not installed (`cargo xtask tools etcd kube-apiserver` installs them) or does not start; quotes
    /// its output.
    pub fn start() -> Result<Self> {
        let etcd = tools::find(Tool::Etcd)?;
        let api_server = tools::find(Tool::KubeApiserver)?;
        Self::start_programs(&etcd, &api_server).or_else(|_| Self::start_programs(&etcd, &api_server))
    }

    fn start_programs(etcd: &Path, api_server: &Path) -> Result<Self> {
        let directory = tempfile::tempdir().context("cannot create a temporary directory for Kubernetes")?;
        let home = directory.path();
        let [port, client, peer] = server::free_ports()?;
        let write = |name: &str, text: &str| {
            let path = home.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };

        let mut command = server::command(etcd, home);
        let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        command
            .args(["--name=driftmgr", "--data-dir=etcd", "--unsafe-no-fsync=true", "--logger=zap", "--log-level=warn"])
            .arg(format!("--listen-client-urls={client}"))
            .arg(format!("--advertise-client-urls={client}"))
            .arg(format!("--listen-peer-urls={peer}"))
            .arg(format!("--initial-advertise-peer-urls={peer}"))
            .arg(format!("--initial-cluster=driftmgr={peer}"));
        let etcd = Server::start(&command, &home.join("etcd.log"))?;

        let key = KeyPair::generate().context("cannot make a key")?;
        let mut parameters = CertificateParams::default();
        parameters.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        let certificate = parameters.self_signed(&key).context("cannot make a certificate")?;
        write("server.pem", &certificate.pem())?;
        write("server.key", &key.serialize_pem())?;
        write("tokens.csv", &format!("{TOKEN},administrator,administrator,system:masters\n"))?;
        write("kubeconfig", &kubeconfig(port, &certificate.pem()))?;

        let mut command = server::command(api_server, home);
        command
            .arg(format!("--etcd-servers={client}"))
            .arg(format!("--secure-port={port}"))
            .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"])
            .args(["--cert-dir=certificates", "--tls-cert-file=server.pem", "--tls-private-key-file=server.key"])
            .args(["--token-auth-file=tokens.csv", "--anonymous-auth=false", "--authorization-mode=RBAC"])
            .args(["--service-account-issuer=https://127.0.0.1", "--service-account-key-file=server.pem"])
            .args(["--service-account-signing-key-file=server.key", "--service-cluster-ip-range=10.96.0.0/16"])
            .args(["--profiling=false", "--v=0"]);
        let api_server = Server::start(&command, &home.join("kube-apiserver.log"))?;

        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).context("cannot trust the server's certificate")?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("there is no TLS version")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let address = Address { port, tls: Arc::new(tls) };
        let mut cluster = Self { api_server, etcd, directory, address };
        let Self { api_server, address, .. } = &mut cluster;
        api_server.wait_until(START_LIMIT, || {
            address.request("GET", "/readyz", None).is_ok_and(|answer| answer.status == 200)
        })?;
        Ok(cluster)
    }

    /// Returns the port of the API server.
    pub fn port(&self) -> u16 {
        self.address.port
    }

    /// Returns the file that tells clients where the API server is, and who they are.
    pub fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    /// Returns the process ids of the API server and of its etcd.
    pub fn process_ids(&self) -> [u32; 2] {
        [self.api_server.process_id(), self.etcd.process_id()]
    }

    /// Returns the environment in which the provider talks to this cluster.
    ///
    /// The provider keeps a cache under the home directory, by address: so the home directory is the cluster's.
    pub fn environment(&self) -> Vec<(String, String)> {
        let kubeconfig = self.kubeconfig().display().to_string();
        let home = self.directory.path().display().to_string();
        [
            ("KUBECONFIG", kubeconfig.as_str()),
            ("KUBE_CONFIG_PATH", &kubeconfig),
            ("HOME", &home),
            ("NO_PROXY", "127.0.0.1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Sends a request to the API server, as its administrator, and returns the answer, whatever its status.
    ///
    /// The body's type is plain JSON; [`Target::send`] takes others, such as those of patches.
    ///
    /// # Errors
    /// Where the server cannot be reached.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        self.address.request(method, path, body.map(|body| ("application/json", body)))
    }
}

impl Target for Cluster {
    fn send(&self, call: &ServerCall) -> Result<()> {
        let ServerCall { method, path, body, content_type } = call;
        let content_type = content_type.as_deref().unwrap_or("application/json");
        let answer = self.address.request(method, path, body.as_ref().map(|body| (content_type, body)))?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path} is answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(())
    }
}

impl Address {
    fn request(&self, method: &str, path: &str, body: Option<(&str, &Value)>) -> Result<Answer> {
        let authorization = format!("Bearer {TOKEN}");
        let mut headers = vec![("Authorization", authorization.as_str()), ("Accept", "application/json")];
        let mut text = String::new();
        if let Some((content_type, body)) = body {
            headers.push(("Content-Type", content_type));
            text = body.to_string();
        }
        let what = || format!("{method} https://127.0.0.1:{}{path}", self.port);
        let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
        let connection = ClientConnection::new(self.tls.clone(), name).map_err(io::Error::other).with_context(what)?;
        let mut stream = StreamOwned::new(connection, http::connect(self.port).with_context(what)?);
        let call = LoopbackCall { method, target: path, headers: &headers, body: text.as_bytes() };
        http::exchange(&mut stream, &call).with_context(what)
    }
}

fn kubeconfig(port: u16, certificate: &str) -> String {
    let certificate = base64::engine::general_purpose::STANDARD.encode(certificate);
    let cluster = json!({
        "server": format!("https://127.0.0.1:{port}"),
        "certificate-authority-data": certificate,
    });
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "loopback",
        "clusters": [{"name": "loopback", "cluster": cluster}],
        "users": [{"name": "administrator", "user": {"token": TOKEN}}],
        "contexts": [{"name": "loopback", "context": {"cluster": "loopback", "user": "administrator"}}],
    })
    .to_string()
}
