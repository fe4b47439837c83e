//! Starts a `RabbitMQ` broker with its management interface, and changes things in it by hand.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use serde_json::Value;
use tempfile::TempDir;

use crate::drifts::{ServerCall, Target};
use crate::http::{self, Answer, LoopbackCall};
use crate::server::{self, Server};
use crate::tools::{self, Tool};

/// The administrator's name.
pub const USERNAME: &str = "administrator";
/// The administrator's password: the broker listens on the loopback interface only, and not for long.
pub const PASSWORD: &str = "loopback-only";

/// The plugins whose objects the provider manages.
const PLUGINS: &str = "[rabbitmq_management, rabbitmq_shovel, rabbitmq_shovel_management, rabbitmq_federation, \
                       rabbitmq_federation_management].\n";
/// How long a start may take; it needs some 5 s of CPU time.
const START_LIMIT: Duration = Duration::from_mins(2);

/// A running broker; it ends when this value is dropped, or when this process ends in whatever way.
#[derive(Debug)]
pub struct Broker {
    server: Server,
    // After the server: fields are dropped in this order.
    port_mapper: Server,
    _directory: TempDir,
    port: u16,
}

impl Broker {
    /// Starts a broker with data, name and ports of its own, and waits until its management interface answers.
    ///
    /// # Errors
    /// Where it is not installed (`cargo xtask tools rabbitmq-server` installs it) or does not start; quotes its output.
    pub fn start() -> Result<Self> {
        let program = tools::find(Tool::RabbitmqServer)?;
        Self::start_program(&program).or_else(|_| Self::start_program(&program))
    }

    fn start_program(program: &Path) -> Result<Self> {
        let directory = tempfile::tempdir().context("cannot create a temporary directory for RabbitMQ")?;
        let home = directory.path();
        let [port, amqp, distribution, mapper] = server::free_ports()?;
        let write = |name: &str, text: &str| {
            let path = home.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write(
            "rabbitmq.conf",
            &format!(
                "listeners.tcp.1 = 127.0.0.1:{amqp}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {port}\n\
                 default_user = {USERNAME}\ndefault_pass = {PASSWORD}\nlog.file = false\nlog.console = true\n\
                 log.console.level = warning\ndisk_free_limit.absolute = 1MB\n"
            ),
        )?;
        write("enabled_plugins", PLUGINS)?;
        let log = home.join("output.log");

        // The broker would start this one as a daemon that outlives it.
        let mut command = server::command(&tools::search_path("epmd")?, home);
        command.args(["-address", "127.0.0.1", "-port", &mapper.to_string()]);
        let port_mapper = Server::start(&command, &log)?;

        let mut command = server::command(program, home);
        let node = format!("driftmgr-{amqp}@localhost");
        command
            // Without a shell around the server, its process id is the broker's.
            .arg("-noinput")
            .env("RABBITMQ_ALLOW_INPUT", "true")
            .env("RABBITMQ_NODENAME", node)
            .env("RABBITMQ_DIST_PORT", distribution.to_string())
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none")
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", mapper.to_string())
            .env("RABBITMQ_CONF_ENV_FILE", home.join("no-environment.conf"))
            .env("RABBITMQ_CONFIG_FILE", home.join("rabbitmq.conf"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", home.join("advanced.config"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", home.join("generated"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", home.join("enabled_plugins"))
            .env("RABBITMQ_FEATURE_FLAGS_FILE", home.join("feature_flags"))
            .env("RABBITMQ_MNESIA_BASE", home.join("data"))
            .env("RABBITMQ_LOG_BASE", home.join("log"))
            .env("RABBITMQ_PID_FILE", home.join("broker.pid"));
        let server = Server::start(&command, &log)?;

        let mut broker = Self { server, port_mapper, _directory: directory, port };
        let ready = || {
            let answer = request(port, "GET", "/api/health/checks/virtual-hosts", None);
            answer.is_ok_and(|answer| answer.status == 200)
        };
        broker.server.wait_until(START_LIMIT, ready)?;
        Ok(broker)
    }

    /// Returns the port of the management interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the URL of the management interface.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the process ids of the broker and of its port mapper.
    pub fn process_ids(&self) -> [u32; 2] {
        [self.server.process_id(), self.port_mapper.process_id()]
    }

    /// Returns the environment in which the provider talks to this broker.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("RABBITMQ_ENDPOINT", self.endpoint().as_str()),
            ("RABBITMQ_USERNAME", USERNAME),
            ("RABBITMQ_PASSWORD", PASSWORD),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Sends a request to the management interface and returns the answer, whatever its status.
    ///
    /// # Errors
    /// Where the broker cannot be reached.
    pub fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        request(self.port, method, path, body)
    }
}

impl Target for Broker {
    fn send(&self, call: &ServerCall) -> Result<()> {
        let ServerCall { method, path, body, .. } = call;
        let answer = self.request(method, path, body.as_ref())?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path} is answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(())
    }
}

fn request(port: u16, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{USERNAME}:{PASSWORD}"));
    let authorization = format!("Basic {credentials}");
    let body = body.map(Value::to_string).unwrap_or_default();
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    http::send(port, &LoopbackCall { method, target: path, headers: &headers, body: body.as_bytes() })
}
