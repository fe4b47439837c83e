//! The set of all definitions: compiled once, never changed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::cloud::CloudDefinition;
use super::compile;
use super::error::{DefinitionErrors, Origin};
use super::merge::{self, Sources};
use super::node::Node;
use super::resource_type::{Listing, TypeDefinition};
use super::template::{ScopeValues, Subject, Template};

include!(concat!(env!("OUT_DIR"), "/embedded_catalog.rs"));

const MAX_PARENTS: usize = 4;

/// One definition source: a name relative to the catalog folder, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionSource {
    /// For example `aws/vpc.yaml` or `aws/_mixins/tags.yaml`; errors name it.
    pub name: String,
    /// YAML.
    pub text: Cow<'static, str>,
}

/// All compiled definitions. Immutable: another catalog is compiled beside it, never into it.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    clouds: BTreeMap<String, Arc<CloudDefinition>>,
    types: BTreeMap<String, Arc<TypeDefinition>>,
    by_resource_type: BTreeMap<String, Vec<Arc<TypeDefinition>>>,
}

impl Catalog {
    /// Returns the catalog that is part of the program, compiled on first use.
    pub fn embedded() -> Arc<Self> {
        static EMBEDDED: OnceLock<Arc<Catalog>> = OnceLock::new();
        EMBEDDED
            .get_or_init(|| {
                let catalog = Self::compile(&embedded_sources());
                Arc::new(catalog.expect("the embedded catalog compiles, as a test of this crate proves"))
            })
            .clone()
    }

    /// Compiles the embedded catalog with `overlay` on top: a source of the same name replaces the embedded one.
    pub fn with_overlay(overlay: Vec<DefinitionSource>) -> Result<Self, DefinitionErrors> {
        let mut sources: BTreeMap<String, DefinitionSource> =
            embedded_sources().into_iter().map(|source| (source.name.clone(), source)).collect();
        sources.extend(overlay.into_iter().map(|source| (source.name.clone(), source)));
        Self::compile(&sources.into_values().collect::<Vec<_>>())
    }

    /// Compiles definition sources; every problem of every source is reported at once.
    pub fn compile(sources: &[DefinitionSource]) -> Result<Self, DefinitionErrors> {
        let mut errors = DefinitionErrors::default();
        let mut by_cloud: BTreeMap<&str, Sources> = BTreeMap::new();
        for source in sources {
            let parts = source.name.strip_suffix(".yaml").and_then(|stem| stem.split_once('/'));
            let Some((cloud, stem)) = parts.filter(|(_, stem)| is_stem(stem)) else {
                errors.push_with_help(
                    &Origin::file(&source.name),
                    "a definition is named `<cloud>/<type>.yaml`, `<cloud>/cloud.yaml` or `<cloud>/_mixins/<name>.yaml`",
                    "use lower case letters, digits and underscores",
                );
                continue;
            };
            match Node::parse(&source.name, &source.text) {
                Ok(node) => {
                    by_cloud.entry(cloud).or_default().insert(stem.to_owned(), node);
                }
                Err(more) => errors.append(more),
            }
        }
        let mut catalog = Self::default();
        for (cloud_name, sources) in by_cloud {
            catalog.compile_cloud(cloud_name, &sources, &mut errors);
        }
        catalog.check_parents(&mut errors);
        for definition in catalog.types.values() {
            let aliases = definition.terraform.iter().flat_map(|mapping| &mapping.aliases);
            let names: BTreeSet<&str> =
                definition.resource_types().chain(aliases.map(|alias| alias.resource_type.as_str())).collect();
            for name in names {
                catalog.by_resource_type.entry(name.to_owned()).or_default().push(definition.clone());
            }
        }
        if errors.errors.is_empty() { Ok(catalog) } else { Err(errors) }
    }

    fn compile_cloud(&mut self, name: &str, sources: &Sources, errors: &mut DefinitionErrors) {
        let Some(node) = sources.get("cloud") else {
            errors.push(&Origin::file(&format!("{name}/cloud.yaml")), "the cloud has no cloud.yaml");
            return;
        };
        let Some(cloud) = CloudDefinition::read(name, node, errors) else { return };
        for stem in sources.keys().filter(|stem| *stem != "cloud" && !stem.starts_with("_mixins/")) {
            let Some(tree) = merge::merged(stem, sources, errors) else { continue };
            let type_name = format!("{name}.{stem}");
            if let Some(definition) = compile::read_type(&type_name, &tree, &cloud, errors) {
                self.types.insert(type_name, Arc::new(definition));
            }
        }
        self.clouds.insert(name.to_owned(), Arc::new(cloud));
    }

    fn check_parents(&self, errors: &mut DefinitionErrors) {
        for definition in self.types.values() {
            let mut ancestor = definition;
            for step in 0..=MAX_PARENTS {
                let Some(parent) = &ancestor.parent else { break };
                if step == MAX_PARENTS {
                    errors.push(
                        &definition.origin,
                        format!("`{}` has more than {MAX_PARENTS} ancestors", definition.name),
                    );
                    break;
                }
                let Some(next) = self.types.get(&parent.type_name) else {
                    errors.push(
                        &ancestor.origin,
                        format!("the parent `{}` is no type of this catalog", parent.type_name),
                    );
                    break;
                };
                let detail = match &ancestor.list {
                    Listing::FromParent(from_parent) => from_parent.detail.as_deref(),
                    Listing::Call(_) => None,
                };
                if let Some(detail) = detail.filter(|detail| !next.detail_names().contains(detail)) {
                    errors.push(&ancestor.origin, format!("the parent `{}` has no detail `{detail}`", next.name));
                }
                ancestor = next;
            }
        }
    }

    /// Returns a cloud by name.
    pub fn cloud(&self, name: &str) -> Option<&Arc<CloudDefinition>> {
        self.clouds.get(name)
    }

    /// Returns every cloud, by name.
    pub fn clouds(&self) -> impl Iterator<Item = &Arc<CloudDefinition>> {
        self.clouds.values()
    }

    /// Returns a type by its native name, for example `aws.vpc`.
    pub fn get(&self, type_name: &str) -> Option<&Arc<TypeDefinition>> {
        self.types.get(type_name)
    }

    /// Returns every type, by native name.
    pub fn types(&self) -> impl Iterator<Item = &Arc<TypeDefinition>> {
        self.types.values()
    }

    /// Returns the types whose objects a Terraform resource type manages, aliases included.
    pub fn for_resource_type(&self, resource_type: &str) -> &[Arc<TypeDefinition>] {
        self.by_resource_type.get(resource_type).map_or(&[], Vec::as_slice)
    }

    /// Returns the import ids that a recorded instance may have, from its attributes, each with the native type.
    ///
    /// Usually there is one. A state's `id` is not always the import id: a Lambda permission records its statement id
    /// only, while its import id names the function as well.
    pub fn recorded_import_ids(&self, resource_type: &str, attributes: &Value) -> Vec<(Arc<TypeDefinition>, String)> {
        let scope = ScopeValues::default();
        let subject = Subject { object: attributes, parent: None, scope: &scope };
        let mut found: Vec<(Arc<TypeDefinition>, String)> = Vec::new();
        for (definition, template) in self.recorded_id_templates(resource_type) {
            let Ok(id) = template.render(&subject) else { continue };
            if !found.iter().any(|(known, known_id)| known.name == definition.name && *known_id == id) {
                found.push((definition.clone(), id));
            }
        }
        found
    }

    /// Returns the templates by which an import id is made of what a state records of a Terraform type, each with its
    /// native type.
    pub fn recorded_id_templates<'c>(
        &'c self,
        resource_type: &'c str,
    ) -> impl Iterator<Item = (&'c Arc<TypeDefinition>, &'c Template)> {
        self.for_resource_type(resource_type).iter().flat_map(move |definition| {
            let templates = definition.terraform.iter().flat_map(move |mapping| {
                let own = (mapping.resource_type == resource_type).then_some(&mapping.recorded_id);
                let aliases = mapping.aliases.iter().filter(move |alias| alias.resource_type == resource_type);
                own.into_iter().chain(aliases.map(|alias| &alias.recorded_id))
            });
            templates.map(move |template| (definition, template))
        })
    }

    /// Returns the types a user means: by native name, by native name without cloud, or by Terraform type.
    pub fn find(&self, word: &str) -> Vec<Arc<TypeDefinition>> {
        if let Some(definition) = self.get(word) {
            return vec![definition.clone()];
        }
        let by_resource_type = self.for_resource_type(word);
        if !by_resource_type.is_empty() {
            return by_resource_type.to_vec();
        }
        let has_stem = |name: &str| name.split_once('.').is_some_and(|(_, stem)| stem == word);
        self.types().filter(|definition| has_stem(&definition.name)).cloned().collect()
    }

    /// Returns the types with all their ancestors, parents before children.
    pub fn with_ancestors(&self, type_names: &[&str]) -> Vec<Arc<TypeDefinition>> {
        let mut ordered: Vec<Arc<TypeDefinition>> = Vec::new();
        for type_name in type_names {
            let mut line: Vec<&Arc<TypeDefinition>> = Vec::new();
            let mut next = self.get(type_name);
            while let Some(definition) = next {
                line.push(definition);
                next = definition.parent.as_ref().and_then(|parent| self.get(&parent.type_name));
            }
            for definition in line.into_iter().rev() {
                if !ordered.iter().any(|known| known.name == definition.name) {
                    ordered.push(definition.clone());
                }
            }
        }
        ordered
    }
}

/// Returns the sources that are part of the program.
pub fn embedded_sources() -> Vec<DefinitionSource> {
    EMBEDDED_CATALOG
        .iter()
        .map(|(name, text)| DefinitionSource { name: (*name).to_owned(), text: Cow::Borrowed(*text) })
        .collect()
}

fn is_stem(stem: &str) -> bool {
    let name = stem.strip_prefix("_mixins/").unwrap_or(stem);
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
