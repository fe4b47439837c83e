//! What changes in each file, as far as it may be shown.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hcl::SourceTree;
use model::{Block, InstanceAddress, ResourceMode};

use super::PatchedFile;
use super::diff;
use super::write::{self, Wanted};
use crate::evaluation::RootModule;
use crate::evaluation::stage::Stage;
use crate::explain::secrets;

/// What of the old text of a file must not be shown, in bytes.
pub(super) type SecretRanges = BTreeMap<String, Vec<Range<usize>>>;

/// Shows what changes in each file, and writes it where that was asked for.
pub(super) fn patched(
    module: &RootModule,
    texts: &BTreeMap<String, String>,
    secret_ranges: &SecretRanges,
    writes: bool,
) -> Vec<PatchedFile> {
    let names: BTreeSet<String> = module.tree().list(".").unwrap_or_default().into_iter().collect();
    let olds: BTreeMap<&str, Option<Vec<u8>>> = texts
        .keys()
        .map(|name| {
            let is_there = name.contains('/') || names.contains(name);
            (name.as_str(), is_there.then(|| module.tree().read(name).unwrap_or_default()))
        })
        .collect();
    let wanted: Vec<Wanted<'_>> = texts
        .iter()
        .map(|(name, text)| Wanted { name, old: olds[name.as_str()].as_deref(), new: text.as_bytes() })
        .collect();
    let mut written = if writes {
        write::write_all(module.directory(), module.data_folder(), &wanted).into_iter().map(Some).collect()
    } else {
        vec![None; wanted.len()]
    };
    let shown = wanted.iter().zip(written.drain(..)).map(|(file, written)| {
        let old = file.old.map(String::from_utf8_lossy);
        let new = String::from_utf8_lossy(file.new);
        let starts: Vec<usize> = old.as_deref().map(line_starts).unwrap_or_default();
        let ranges = secret_ranges.get(file.name).map(Vec::as_slice).unwrap_or_default();
        let is_secret = |line: Option<usize>, text: &str| {
            let in_range = line.is_some_and(|line| {
                let (start, end) = (starts[line], starts[line] + text.trim_end().len());
                ranges.iter().any(|range| start < range.end && end > range.start)
            });
            in_range || looks_secret(text) || secrets::names_secret(text)
        };
        PatchedFile {
            name: file.name.to_owned(),
            is_new: file.old.is_none(),
            diff: diff::unified(file.name, old.as_deref(), &new, is_secret),
            written,
        }
    });
    shown.collect()
}

/// Tells whether a text is or holds what must not be shown.
pub(super) fn looks_secret(text: &str) -> bool {
    secrets::looks_secret(text) || inventory::engine::secrets::looks_like(text).is_some()
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// Finds what of files must not be shown: what schemas and variables call sensitive.
pub(super) async fn secret_ranges(module: &RootModule, stage: &Stage, names: &BTreeSet<&str>) -> SecretRanges {
    let mut ranges = SecretRanges::new();
    for (calls, definitions) in &module.configuration().definitions {
        for (address, resource) in &definitions.resources {
            if !names.contains(&*resource.span.file) {
                continue;
            }
            let path = calls.iter().map(|name| model::ModuleStep { name: name.as_str().into(), key: None });
            let path = model::ModuleAddress::from_steps(path.collect());
            let instance = model::ResourceAddress { module: path, ..address.clone() }.instance(None);
            let schema = match address.mode {
                ResourceMode::Managed => schema_of(module, stage, &instance).await,
                ResourceMode::Data => Err("It is not known.".to_owned()),
            };
            for (file, attribute) in resource.written.attributes() {
                let is_open = schema.as_ref().is_ok_and(|schema| {
                    schema.attributes.get(&attribute.name).is_some_and(|it| !it.sensitive)
                        || hcl::root::META_ARGUMENTS.contains(&attribute.name.as_str())
                });
                if !is_open {
                    ranges.entry(file.name.to_string()).or_default().push(attribute.range.clone());
                }
            }
            for (file, block) in resource.written.blocks() {
                let nested = schema.as_ref().ok().and_then(|schema| schema.blocks.get(&block.block_type));
                let is_open = nested.is_some_and(|nested| !holds_sensitive(&nested.block))
                    || hcl::root::META_ARGUMENTS.contains(&block.block_type.as_str())
                        && block.block_type == "lifecycle";
                if !is_open {
                    ranges.entry(file.name.to_string()).or_default().push(block.range.clone());
                }
            }
        }
        for variable in definitions.variables.values().filter(|variable| variable.is_sensitive) {
            if let Some((file, expression)) = &variable.default_written {
                ranges.entry(file.name.to_string()).or_default().push(expression.range());
            }
        }
    }
    ranges
}

fn holds_sensitive(block: &Block) -> bool {
    block.attributes.values().any(|attribute| attribute.sensitive)
        || block.blocks.values().any(|nested| holds_sensitive(&nested.block))
}

/// Gives the schema of an instance's block.
///
/// # Errors
/// Why there is none, as a sentence.
pub(super) async fn schema_of(module: &RootModule, stage: &Stage, address: &InstanceAddress) -> Result<Block, String> {
    let provider = module.configuration().provider_of(&address.resource).map_err(|problem| problem.detail)?;
    stage.schema(&provider, address.resource_type()).await
}
