//! Records an example for a definition from a real account or an emulator, with the usual `AWS_*` variables:
//!
//! `cargo run -p inventory --example record -- aws.vpc --name "a default VPC and one of ours" --from "moto 5.2.5"`
//!
//! It asks what the engine asks, and prints `examples:` as they stand at the end of `catalog/aws/vpc.yaml`. The account
//! id and endpoints are masked; read what is printed before you commit it all the same, and take away what the example
//! does not need.

#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use inventory::definition::Catalog;
use inventory::engine::{Account, AccountRegions, DetailChoice, DiscoverRequest, Event, classifier, discover};
use model::{Region, RemoteObject};
use net::aws::{Access, AwsPartition, AwsSession};
use net::egress::EgressPolicy;
use net::{Environment, Network, NetworkConfig, Request, Response, Transport};
use serde_json::Value;
use support::{Told, facts, tell};
use tokio_util::sync::CancellationToken;

const MASKED_ACCOUNT: &str = "123456789012";

/// Passes requests on and keeps what was said.
#[derive(Debug)]
struct Recorder {
    inner: Arc<dyn Transport>,
    said: Mutex<Vec<Said>>,
}

/// What was asked, the status and the body of the answer.
type Said = (Told, u16, String);

#[async_trait]
impl Transport for Recorder {
    async fn send(&self, request: Request, cancel: &CancellationToken) -> Result<Response, net::Error> {
        let told = tell(&request);
        let response = self.inner.send(request, cancel).await?;
        let body = String::from_utf8_lossy(&response.body).into_owned();
        let mut said = self.said.lock().expect("nothing panics while it holds the lock");
        said.push((told, response.status.as_u16(), body));
        Ok(response)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let type_name = arguments.next().ok_or("name the type, for example aws.vpc")?;
    let mut options = BTreeMap::new();
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        options.insert(name, value);
    }
    let catalog = Catalog::embedded();
    let definition = catalog.get(&type_name).ok_or_else(|| format!("the catalog has no type {type_name}"))?;
    let cloud = Arc::clone(catalog.cloud(&definition.cloud).ok_or("the type has no cloud")?);

    let environment = Environment::new(std::env::vars(), std::env::home_dir());
    let policy = Arc::new(EgressPolicy::new(AwsPartition::domains()));
    let network = Network::new(NetworkConfig::standard(), &environment, policy, classifier(Arc::clone(&cloud)))?;
    let session = AwsSession::open(environment.clone(), &Access::default(), network).await?;
    let region = session.region().ok_or("set AWS_REGION")?.to_owned();
    let cancel = CancellationToken::new();
    let identity = session.caller_identity(&cancel).await?;

    // The first look finds the keys, so that the second asks for the details of these objects and no others.
    let keys = look(&catalog, &type_name, &session, &identity, &region, session.transport(), DetailChoice::Required)
        .await
        .iter()
        .map(|object| object.key.to_string())
        .collect::<BTreeSet<_>>();
    let recorder = Arc::new(Recorder { inner: session.transport(), said: Mutex::default() });
    let transport = Arc::clone(&recorder) as Arc<dyn Transport>;
    let details = DetailChoice::Recorded(Arc::new(keys));
    let objects = look(&catalog, &type_name, &session, &identity, &region, transport, details).await;

    let name = options.get("--name").map_or("recorded", String::as_str);
    let from = options.get("--from").map_or("AWS", String::as_str);
    let mut yaml = format!("examples:\n  - name: {}\n    recorded_from: {}\n", quoted(name), quoted(from));
    if region != "us-east-1" {
        writeln!(yaml, "    region: {region}")?;
    }
    yaml.push_str("    exchanges:\n");
    for (Told { service, operation, params }, status, body) in recorder.said.lock().expect("as above").iter() {
        writeln!(yaml, "      - operation: {}", quoted(operation))?;
        if *service != definition.service {
            writeln!(yaml, "        service: {service}")?;
        }
        if !params.is_empty() {
            writeln!(yaml, "        params: {}", flow(&Value::Object(params.clone())))?;
        }
        if *status != 200 {
            writeln!(yaml, "        status: {status}")?;
        }
        match serde_json::from_str::<Value>(body) {
            Ok(json) => block(&mut yaml, "body", &json, 8),
            Err(_) => {
                yaml.push_str("        body: |\n");
                for line in pretty_xml(body) {
                    writeln!(yaml, "          {line}")?;
                }
            }
        }
    }
    yaml.push_str("    objects:\n");
    for object in &objects {
        let mut facts = facts(object);
        let key = facts.remove("key").unwrap_or_default();
        writeln!(yaml, "      - key: {}", flow(&key))?;
        for (fact, value) in &facts {
            block(&mut yaml, fact, value, 8);
        }
    }
    let mut masked = yaml.replace(&identity.account, MASKED_ACCOUNT);
    if let Ok(Some(endpoint)) = session.configured_endpoint("SQS") {
        let masked_endpoint = format!("https://sqs.{region}.amazonaws.com");
        masked = masked.replace(endpoint.as_str().trim_end_matches('/'), &masked_endpoint);
    }
    print!("{masked}");
    Ok(())
}

async fn look(
    catalog: &Arc<Catalog>,
    type_name: &str,
    session: &Arc<AwsSession>,
    identity: &net::aws::CallerIdentity,
    region: &str,
    transport: Arc<dyn Transport>,
    details: DetailChoice,
) -> Vec<RemoteObject> {
    let cloud = catalog.clouds().find(|cloud| type_name.starts_with(&format!("{}.", cloud.name)));
    let endpoints = Arc::clone(session);
    let account = Account::new(
        Arc::clone(cloud.expect("the type was found in the catalog")),
        identity.account.as_str().into(),
        identity.arn.clone(),
        transport,
        Arc::new(move |variable: &str| endpoints.configured_endpoint(variable)),
    );
    let accounts = vec![AccountRegions { account, regions: vec![Region::from(region)] }];
    let mut request = DiscoverRequest::new(Arc::clone(catalog), accounts, vec![type_name.to_owned()]);
    request.details = details;
    let mut objects = Vec::new();
    let discovery = discover(request, &mut |event| {
        if let Event::Object(object) = event {
            if object.scope.native_type.as_str() == type_name {
                objects.push(*object);
            }
        }
    })
    .await;
    for outcome in &discovery.outcomes {
        for cause in &outcome.causes {
            println!("# {}: {}", outcome.scope, cause.detail);
        }
    }
    objects.sort_by(|left, right| left.key.cmp(&right.key));
    objects
}

fn quoted(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || " ._/-".contains(c))
        && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_plain { text.to_owned() } else { Value::from(text).to_string() }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, field)| format!("{}: {}", word(key), flow(field))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(elements) => format!("[{}]", elements.iter().map(flow).collect::<Vec<_>>().join(", ")),
        scalar => scalar.to_string(),
    }
}

fn word(key: &str) -> String {
    let is_plain = key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        && key.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_plain { key.to_owned() } else { Value::from(key).to_string() }
}

/// Writes a value under a key, on one line where it fits.
fn block(yaml: &mut String, key: &str, value: &Value, indent: usize) {
    let pad = " ".repeat(indent);
    let line = flow(value);
    let fits = indent + key.len() + line.len() < 118;
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Object(fields) if !fits => {
            let _ = writeln!(yaml, "{pad}{}:", word(key));
            for (name, field) in fields {
                block(yaml, name, field, indent + 2);
            }
            Ok(())
        }
        Value::Array(elements) if !fits => {
            let _ = writeln!(yaml, "{pad}{}:", word(key));
            for element in elements {
                let _ = writeln!(yaml, "{pad}  - {}", flow(element));
            }
            Ok(())
        }
        _ => writeln!(yaml, "{pad}{}: {line}", word(key)),
    };
}

/// Puts one element on a line, leaves out the declaration and what only names a request.
fn pretty_xml(body: &str) -> Vec<String> {
    let noise = ["?xml", "RequestId", "requestId", "HostId", "/ResponseMetadata", "ResponseMetadata"];
    let mut lines: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    let mut rest = body.trim();
    while let Some(start) = rest.find('<') {
        let Some(length) = rest[start..].find('>') else { break };
        let tag = &rest[start + 1..start + length];
        let text = rest[start + length + 1..].split('<').next().unwrap_or_default().trim();
        rest = &rest[start + length + 1..];
        let name = tag.split(' ').next().unwrap_or_default();
        if let Some(closed) = name.strip_prefix('/') {
            depth = depth.saturating_sub(1);
            if noise.contains(&closed) {
                continue;
            }
            let opening = format!("<{closed}");
            match lines.last_mut().filter(|line| line.trim_start().starts_with(&opening) && !line.contains("</")) {
                Some(line) => {
                    let _ = write!(line, "<{name}>");
                }
                None => lines.push(format!("{}<{name}>", "  ".repeat(depth))),
            }
            continue;
        }
        let is_noise = noise.iter().any(|noise| name.starts_with(noise));
        if !is_noise {
            lines.push(format!("{}<{tag}>{text}", "  ".repeat(depth)));
        }
        if !tag.ends_with('/') && !tag.starts_with('?') {
            depth += 1;
        }
    }
    lines
}
