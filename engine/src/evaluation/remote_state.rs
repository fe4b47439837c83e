//! `terraform_remote_state`: the outputs of another state, read as its backend keeps it.

use std::collections::BTreeMap;
use std::path::Path;

use cty::{Type, Value};
use hcl::root::{DeclaredInstance, ValueAnswer};
use model::{Attribute, AttributeType, Block, Schema};
use tfstate::StateSnapshot;
use tfstate::backend::{self, BackendConfig, DEFAULT_WORKSPACE};

use super::needs::clause;
use crate::Session;

/// The name of the data source.
pub(super) const NAME: &str = "terraform_remote_state";

/// Gives the schema of `terraform_remote_state`.
///
/// Source: <https://developer.hashicorp.com/terraform/language/state/remote-state-data>.
pub fn remote_state_schema() -> Schema {
    let attribute = |ty: Type, required: bool, computed: bool| Attribute {
        required,
        optional: !required && !computed,
        computed,
        ..Attribute::optional(AttributeType::Plain(ty))
    };
    let attributes = [
        ("backend", attribute(Type::String, true, false)),
        ("config", attribute(Type::Dynamic, false, false)),
        ("defaults", attribute(Type::Dynamic, false, false)),
        ("outputs", attribute(Type::Dynamic, false, true)),
        ("workspace", attribute(Type::String, false, false)),
    ];
    let attributes = attributes.into_iter().map(|(name, attribute)| (name.to_owned(), attribute)).collect();
    Schema { version: 0, block: Block { attributes, ..Block::default() } }
}

/// Reads the outputs of the state that a data block names.
pub(super) async fn read(session: &Session, directory: &Path, declared: &DeclaredInstance) -> ValueAnswer {
    let name = &declared.address.resource;
    let unknown = |reason: String| ValueAnswer::Unknown { ty: Type::Dynamic, reason };
    let config = declared.config.unmark_deep().0;
    if !config.is_wholly_known() {
        let is_named = |path: &cty::Path| *path != cty::Path::default().attr("outputs");
        let why = declared.unknown.iter().find(|unknown| is_named(&unknown.path));
        let why = why.map_or("a part of it depends on something unknown", |unknown| &unknown.reason);
        return unknown(format!("{name} is read once its arguments are known: {why}"));
    }
    match outputs(session, directory, &config).await {
        Ok(mut outputs) => {
            let defaults = declared.config.unmark().0.get_attr("defaults").ok();
            let mut all: BTreeMap<String, Value> = defaults
                .filter(|defaults| !defaults.is_null())
                .map(|defaults| defaults.entries().map(|(name, value)| (name.to_owned(), kept_back(value))).collect())
                .unwrap_or_default();
            all.append(&mut outputs);
            let entries = declared.config.unmark().0;
            let mut value: BTreeMap<String, Value> =
                entries.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect();
            value.insert("outputs".to_owned(), Value::object(all));
            ValueAnswer::Value(Value::object(value))
        }
        Err(reason) => unknown(format!("the state of {name} cannot be read: {reason}")),
    }
}

/// Takes the marks off an output, as terraform and tofu do; what was sensitive is still not shown.
fn kept_back(value: &Value) -> Value {
    let is_sensitive = value.contains_marked();
    let bare = value.unmark_deep().0;
    if is_sensitive { bare.mark(super::kept_back()) } else { bare }
}

/// Fetches a state, and gives its outputs.
async fn outputs(session: &Session, directory: &Path, config: &Value) -> Result<BTreeMap<String, Value>, String> {
    let field = |name: &str| config.get_attr(name).ok().filter(|value| !value.is_null());
    let kind = field("backend").and_then(|kind| kind.as_str().map(str::to_owned)).ok_or("it names no backend")?;
    let arguments = field("config").map(|config| {
        let set = config.entries().filter(|(_, value)| !value.is_null());
        set.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    });
    let workspace = field("workspace").and_then(|workspace| workspace.as_str().map(str::to_owned));
    let workspace = workspace.unwrap_or_else(|| DEFAULT_WORKSPACE.to_owned());
    let backend = BackendConfig { kind, arguments: arguments.unwrap_or_default() };
    let context =
        backend::Context { cancel: session.cancel.clone(), ..backend::Context::new(session.environment.clone()) };
    let say = |error: tfstate::Error| clause(&error.to_string());
    let place = backend::open_config(&backend, directory, &workspace, &context).map_err(say)?;
    let file = tokio::select! {
        () = session.cancel.cancelled() => return Err("everything was stopped".to_owned()),
        file = place.get(&workspace) => file.map_err(say)?,
    };
    let read = tokio::task::spawn_blocking(move || {
        let (snapshot, problems) = StateSnapshot::read(file).map_err(say)?;
        if model::diagnostic::has_errors(&problems) {
            return Err("what is there cannot be used as a state".to_owned());
        }
        let snapshot = snapshot.ok_or("no state was ever stored there")?;
        let mut outputs = BTreeMap::new();
        for output in snapshot.index().outputs() {
            if let Some(found) = snapshot.output(&output.name).map_err(say)? {
                outputs.insert(output.name.clone(), kept_back(&found.value));
            }
        }
        Ok(outputs)
    });
    read.await.map_err(|_| "reading it ended early".to_owned())?
}
