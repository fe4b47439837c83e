//! Which types the catalog covers, and which permissions a look at them needs.

use std::path::Path;

use inventory::definition::{Reach, permissions};

use crate::{Error, Session, catalog};

/// One type of remote object that can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoveredType {
    /// Its native name.
    pub native_type: String,
    /// What people call it.
    pub title: String,
    /// Whether it is looked for once per account rather than per region.
    pub is_global: bool,
    /// The cloud.
    pub cloud: String,
    /// The Terraform attributes that are kept.
    pub attributes: Vec<String>,
    /// Where the facts of the definition come from.
    pub sources: Vec<String>,
    /// The native type of its parent, where it is a child.
    pub parent: Option<String>,
    /// The Terraform types that manage such objects.
    pub terraform: Vec<CoveredResourceType>,
    /// The permissions that looking for it needs.
    pub permissions: Vec<String>,
}

/// One Terraform type of a [`CoveredType`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoveredResourceType {
    /// The Terraform type.
    pub resource_type: String,
    /// How its import id is made.
    pub import_id: String,
    /// Which provider imported by such an id, and against what; `None` where no import has proved it yet.
    pub proof: Option<String>,
}

/// Lists the types that the globs name, by native type.
pub fn types(session: &Session, globs: &[String], overlay: Option<&Path>) -> Result<Vec<CoveredType>, Error> {
    let catalog = catalog::load(session, overlay)?;
    let selected = catalog::select(&catalog, globs)?;
    Ok(selected
        .iter()
        .filter_map(|native_type| catalog.get(native_type.as_str()))
        .map(|definition| CoveredType {
            native_type: definition.name.clone(),
            title: definition.title.clone(),
            is_global: definition.reach == Reach::Global,
            cloud: definition.cloud.clone(),
            attributes: definition.attributes.iter().map(|attribute| attribute.path.to_string()).collect(),
            sources: definition.sources.values().cloned().collect(),
            parent: definition.parent.as_ref().map(|parent| parent.type_name.clone()),
            terraform: definition
                .terraform
                .iter()
                .map(|mapping| CoveredResourceType {
                    resource_type: mapping.resource_type.clone(),
                    import_id: mapping.import_id.to_string(),
                    proof: mapping.proof.as_ref().map(|proof| format!("{} against {}", proof.provider, proof.against)),
                })
                .collect(),
            permissions: definition.permissions.clone(),
        })
        .collect())
}

/// Gives the least policy that lets a principal look for the types that the globs name, as a JSON document of the cloud.
pub fn policy(session: &Session, globs: &[String], overlay: Option<&Path>) -> Result<serde_json::Value, Error> {
    let catalog = catalog::load(session, overlay)?;
    let selected = catalog::select(&catalog, globs)?;
    let names: Vec<&str> = selected.iter().map(model::NativeType::as_str).collect();
    let definitions = catalog.with_ancestors(&names);
    let definitions: Vec<_> = definitions.iter().map(AsRef::as_ref).collect();
    Ok(permissions(&catalog, &definitions))
}
