//! `driftmgr adopt` on the estate.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::super::judge::Program;
use super::batch::{Bench, Judgement};
use super::blocks::{self, Configuration};
use super::estate::{Object, VERSIONS};
use super::written;
use crate::moto::Moto;
use crate::terraform::{CliConfig, RootFolder};

/// Counts the objects that driftmgr finds by itself, without a mapping file.
pub(super) fn n_found(
    driftmgr: &Path,
    terraform: &Path,
    moto: &Moto,
    config: &CliConfig,
    objects: &[Object],
) -> Result<usize> {
    let root = RootFolder::empty(terraform, config, Some(moto))?;
    root.write("versions.tf", VERSIONS)?;
    root.init()?;
    let mut command = root.command(driftmgr);
    command.args(["adopt", "--dir", ".", "--import-only", "--out-dir", "../found", "--json"]);
    let report = report(command.env("DRIFTMGR_STORE", root.path().join("../store.db")))?;
    let items = report["items"].as_array().context("there is no list \"items\"")?;
    let is_found = |object: &&Object| {
        items.iter().any(|item| item["type"] == object.resource_type.as_str() && item["id"] == object.id.as_str())
    };
    Ok(objects.iter().filter(is_found).count())
}

fn report(command: &mut Command) -> Result<Value> {
    let output = command.output().context("cannot start driftmgr")?;
    let code = output.status.code().unwrap_or(-1);
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!([0, 3].contains(&code), "driftmgr adopt ended with {code}:\n{stderr}");
    serde_json::from_slice(&output.stdout).context("driftmgr adopt printed no JSON")
}

/// What driftmgr wrote.
pub(super) struct Adopted {
    /// The files.
    pub(super) configuration: Configuration,
    /// What it printed.
    pub(super) report: Value,
    /// The address each object came to, by type and import id.
    pub(super) addresses: BTreeMap<(String, String), String>,
    variables: BTreeMap<String, String>,
    took: Duration,
}

/// Writes the mapping file that names the objects.
pub(super) fn mapping(objects: &[Object]) -> Value {
    let entry = |object: &Object| json!({"type": object.resource_type, "id": object.id, "address": object.address(), "skip": false});
    json!({"schema": "driftmgr.mapping/v1", "objects": objects.iter().map(entry).collect::<Vec<_>>()})
}

/// Lets driftmgr adopt the objects into a root that has a provider block only.
pub(super) fn adopt(
    driftmgr: &Path,
    terraform: &Path,
    moto: &Moto,
    config: &CliConfig,
    objects: &[Object],
) -> Result<Adopted> {
    let root = RootFolder::empty(terraform, config, Some(moto))?;
    root.write("versions.tf", VERSIONS)?;
    root.init()?;
    root.write("../objects.json", &mapping(objects).to_string())?;
    let began = Instant::now();
    let mut command = root.command(driftmgr);
    command.args(["adopt", "--dir", ".", "--mapping", "../objects.json", "--only-mapped"]);
    command.args(["--out-dir", "../adopted", "--json"]);
    // What earlier runs taught must not help this one.
    command.env("XDG_CACHE_HOME", root.path().join("../cache"));
    let report = report(command.env("DRIFTMGR_STORE", root.path().join("../store.db")))?;
    let took = began.elapsed();
    let configuration = Configuration::read(&root.path().join("../adopted"))?;
    let mut addresses = BTreeMap::new();
    for item in report["items"].as_array().context("there is no list \"items\"")? {
        let text = |name: &str| item[name].as_str().map(str::to_owned);
        if let (Some(resource_type), Some(id), Some(address)) = (text("type"), text("id"), text("address")) {
            addresses.insert((resource_type, id), address);
        }
    }
    let mut adopted = Adopted { configuration, report, addresses, variables: BTreeMap::new(), took };
    adopted.variables = adopted.values(objects);
    Ok(adopted)
}

impl Adopted {
    /// Lets a program judge everything that was written.
    pub(super) fn judge(&self, program: &Program, moto: &Moto, config: &CliConfig) -> Result<Judgement> {
        Bench { moto, config, variables: &self.variables }.judge(program, &self.configuration)
    }

    /// Returns what was said of an object.
    pub(super) fn item(&self, object: &Object) -> Option<&Value> {
        let items = self.report["items"].as_array()?;
        items.iter().find(|item| item["type"] == object.resource_type.as_str() && item["id"] == object.id.as_str())
    }

    /// Lists the arguments whose changes a resource ignores.
    pub(super) fn ignored(&self, resource: &str) -> Vec<String> {
        self.configuration.text_of(resource).map(|text| blocks::ignored(&text)).unwrap_or_default()
    }

    /// Says what it took.
    pub(super) fn effort(&self, n_objects: usize) -> String {
        let effort = &self.report["effort"];
        let took = self.took.as_secs_f64();
        format!(
            "driftmgr adopted {n_objects} objects in {took:.1} s, {:.1} a second; probes per object: median {}, most {}; calls {}",
            f64::from(u32::try_from(n_objects).unwrap_or(u32::MAX)) / took,
            effort["probes_median"],
            effort["probes_max"],
            effort["calls"]
        )
    }

    /// Gives each variable the value of the argument that it stands for.
    fn values(&self, objects: &[Object]) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        for used in self.configuration.variable_uses() {
            let object = objects.iter().find(|object| {
                let key = (object.resource_type.clone(), object.id.clone());
                self.addresses.get(&key).is_some_and(|address| written::without_keys(address) == used.resource)
            });
            let value = object.and_then(|object| blocks::value_at(&object.attributes, &used.path));
            let text = match value {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None => "unknown".to_owned(),
                Some(other) => other.to_string(),
            };
            values.insert(used.variable, text);
        }
        values
    }
}
