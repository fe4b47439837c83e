//! The catalog a request means: the built-in definitions, a folder of the user's over them, and the types asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use drift::{InlineIn, Pattern, TypeMapping};
use inventory::definition::{Catalog, DefinitionSource, TypeDefinition};
use model::{NativeType, ResourceType};

use crate::{Error, Session};

/// The largest definition file that is read, in bytes.
const MAX_SOURCE: u64 = 1 << 20;

/// Compiles the built-in definitions with those of `overlay` over them.
pub(crate) fn load(session: &Session, overlay: Option<&Path>) -> Result<Arc<Catalog>, Error> {
    let Some(overlay) = overlay else { return Ok(Catalog::embedded()) };
    let folder = session.path(overlay);
    let mut sources = Vec::new();
    read_sources(&folder, &folder, &mut sources)?;
    if sources.is_empty() {
        let detail = format!("{} holds no definition: no file below it ends in .yaml.", folder.display());
        return Err(Error::usage("read the catalog", detail));
    }
    let catalog = Catalog::with_overlay(sources).map_err(|errors| {
        Error::usage("compile the catalog", format!("{} has mistakes:\n{errors}", folder.display()))
    })?;
    Ok(Arc::new(catalog))
}

fn read_sources(root: &Path, folder: &Path, sources: &mut Vec<DefinitionSource>) -> Result<(), Error> {
    let fail = |path: &Path, source: std::io::Error| {
        Error::usage("read the catalog", format!("{} cannot be read.", path.display())).with_source(source)
    };
    let entries = std::fs::read_dir(folder).map_err(|source| fail(folder, source))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| fail(folder, source))?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_sources(root, &path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            let size = path.metadata().map_err(|source| fail(&path, source))?.len();
            if size > MAX_SOURCE {
                let detail = format!("{} has {size} bytes; a definition has at most {MAX_SOURCE}.", path.display());
                return Err(Error::usage("read the catalog", detail));
            }
            let text = std::fs::read_to_string(&path).map_err(|source| fail(&path, source))?;
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            sources.push(DefinitionSource { name, text: text.into() });
        }
    }
    Ok(())
}

/// Says which native types every Terraform type of the catalog manages.
pub(crate) fn type_mappings(catalog: &Catalog) -> BTreeMap<ResourceType, TypeMapping> {
    let mut mappings: BTreeMap<ResourceType, TypeMapping> = BTreeMap::new();
    for definition in catalog.types() {
        let aliases = definition.terraform.iter().flat_map(|mapping| &mapping.aliases);
        let names = definition.resource_types().chain(aliases.map(|alias| alias.resource_type.as_str()));
        for name in names.collect::<BTreeSet<_>>() {
            let mapping = mappings.entry(name.into()).or_insert_with(|| TypeMapping {
                cloud: definition.cloud.as_str().into(),
                native_types: Vec::new(),
                inline_in: Vec::new(),
            });
            mapping.native_types.push(definition.name.as_str().into());
            let own = definition.terraform.iter().filter(|mapping| mapping.resource_type == name);
            mapping.inline_in.extend(own.flat_map(|mapping| &mapping.inline_in).map(|place| InlineIn {
                resource_type: place.resource_type.as_str().into(),
                attribute: place.attribute.clone(),
            }));
        }
    }
    mappings
}

/// Finds the types that any of the globs names, by native or Terraform type; all of them where there is no glob.
///
/// A glob that names nothing is an error: a typo must not look like "nothing there".
pub(crate) fn select(catalog: &Catalog, globs: &[String]) -> Result<BTreeSet<NativeType>, Error> {
    let mut selected = BTreeSet::new();
    if globs.is_empty() {
        selected.extend(catalog.types().map(|definition| NativeType::from(definition.name.as_str())));
        return Ok(selected);
    }
    for glob in globs {
        let pattern = Pattern::new(glob);
        let n_before = selected.len();
        let is_named = |definition: &TypeDefinition| {
            pattern.matches(&definition.name) || definition.resource_types().any(|name| pattern.matches(name))
        };
        let named: Vec<NativeType> = catalog
            .types()
            .filter(|definition| is_named(definition))
            .map(|definition| NativeType::from(definition.name.as_str()))
            .collect();
        let is_known = !named.is_empty();
        selected.extend(named);
        if selected.len() == n_before && !is_known {
            return Err(Error::usage("select the types", format!("No type of the catalog is named {glob}."))
                .with_help("`driftmgr types` lists them; `*` stands for any text."));
        }
    }
    Ok(selected)
}
