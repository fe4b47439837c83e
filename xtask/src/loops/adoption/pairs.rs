//! What a root created on a real server: its state is forgotten, and everything adopted by id into an empty root.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Choice;
use super::scene::{Object, Scene};
use crate::pairs::{Pair, Running};
use crate::tools;

pub(super) fn run(pair: Pair, driftmgr: impl FnOnce() -> Result<PathBuf>, choice: &Choice) -> Result<ExitCode> {
    let Running { root, server: _server, environment } = pair.start(&tools::terraform_or_tofu()?)?;
    let state = fs::read_to_string(root.path().join("terraform.tfstate")).context("the root has no state")?;
    let state: Value = serde_json::from_str(&state).context("a state is JSON")?;
    let mut objects = Vec::new();
    for resource in state["resources"].as_array().into_iter().flatten() {
        let resource_type = resource["type"].as_str().unwrap_or_default();
        for instance in resource["instances"].as_array().into_iter().flatten() {
            let attributes = &instance["attributes"];
            let id = import_id(resource_type, attributes)?;
            let key = match &instance["index_key"] {
                Value::Null => String::new(),
                Value::String(key) => format!("[{key:?}]"),
                key => format!("[{key}]"),
            };
            objects.push(Object {
                resource_type: resource_type.to_owned(),
                name: format!("r{}", objects.len()),
                about: format!("`{}{key}`, {id}", resource["name"].as_str().unwrap_or_default()),
                expected: expected(resource_type, &id).to_owned(),
                id,
                attributes: attributes.clone(),
            });
        }
    }
    let (source, provider) = pair.provider();
    let scene = Scene {
        name: match pair {
            Pair::Rabbitmq => "RabbitMQ",
            Pair::Kubernetes => "Kubernetes",
        },
        source: format!("registry.terraform.io/{source}"),
        provider,
        folder: tools::directory()?,
        configuration: String::new(),
        environment,
        objects,
    };
    scene.judge(driftmgr, choice)
}

/// Says how far an adoption can come.
fn expected(resource_type: &str, id: &str) -> &'static str {
    match resource_type {
        // The shovel consumes from it, and the provider cannot read a queue with such a consumer.
        "rabbitmq_queue" if id == "alone-0@billing" => "clean or skipped",
        // The provider reads a secret in the clear when it imports, and plans it obscured.
        "kubectl_manifest" if id.starts_with("v1//Secret//") => "clean but for yaml_body_parsed",
        // The broker keeps a hash of a password, and the provider demands one.
        "rabbitmq_user" => "clean but for password",
        _ => "clean",
    }
}

/// Makes the import id of a recorded object, as the providers' documentation says.
fn import_id(resource_type: &str, attributes: &Value) -> Result<String> {
    let text = |name: &str| attributes[name].as_str().with_context(|| format!("a {resource_type} has no {name}"));
    if resource_type != "kubectl_manifest" {
        return Ok(text("id")?.to_owned());
    }
    let mut parts = vec![text("api_version")?, text("kind")?, text("name")?];
    parts.extend(text("namespace").ok().filter(|namespace| !namespace.is_empty()));
    Ok(parts.join("//"))
}
