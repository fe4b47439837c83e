//! Splits generated configuration into its top-level blocks, so that one of them can be left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// The `.tf` files of a folder, block by block.
#[derive(Clone, Debug, Default)]
pub(super) struct Configuration {
    files: BTreeMap<String, Vec<Block>>,
}

/// A top-level block with the comments above it.
#[derive(Clone, Debug)]
struct Block {
    /// The resource it declares or imports to, as `type.name`; `None` for all other blocks.
    resource: Option<String>,
    lines: Vec<String>,
}

/// An argument that is a variable: where it stands, and the variable.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct VariableUse {
    /// The resource, as `type.name`.
    pub(super) resource: String,
    /// The blocks, arguments and keys that lead to it, each with how many of its name stand before it in the same body.
    pub(super) path: Vec<(String, usize)>,
    /// The variable's name.
    pub(super) variable: String,
}

impl Configuration {
    /// Reads the `.tf` files of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut configuration = Self::default();
        for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "tf") {
                let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                configuration.add(&path.file_name().unwrap_or_default().to_string_lossy(), &text);
            }
        }
        Ok(configuration)
    }

    /// Adds a file.
    pub(super) fn add(&mut self, name: &str, text: &str) {
        self.files.insert(name.to_owned(), split(text));
    }

    /// Lists the resources that are declared or imported, as `type.name`.
    pub(super) fn resources(&self) -> BTreeSet<String> {
        self.files.values().flatten().filter_map(|block| block.resource.clone()).collect()
    }

    /// Lists the resources that have a block of their own.
    pub(super) fn declared(&self) -> BTreeSet<String> {
        let declared = |block: &&Block| block.lines.iter().any(|line| line.starts_with("resource "));
        self.files.values().flatten().filter(declared).filter_map(|block| block.resource.clone()).collect()
    }

    /// Leaves only the blocks of these resources, and those that belong to none.
    pub(super) fn only(&self, resources: &BTreeSet<String>) -> Self {
        let kept = |block: &&Block| block.resource.as_ref().is_none_or(|resource| resources.contains(resource));
        let files = self
            .files
            .iter()
            .map(|(name, blocks)| (name.clone(), blocks.iter().filter(kept).cloned().collect()))
            .collect();
        Self { files }
    }

    /// Returns the text of each file.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, String)> {
        self.files.iter().map(|(name, blocks)| {
            let lines: Vec<&str> = blocks.iter().flat_map(|block| &block.lines).map(String::as_str).collect();
            (name.as_str(), lines.join("\n") + "\n")
        })
    }

    /// Names the resource of the block that a line of a file, counted from 1, is in.
    pub(super) fn resource_at(&self, file: &str, line: usize) -> Option<&str> {
        let mut n_before = 0;
        for block in self.files.get(file)? {
            n_before += block.lines.len();
            if line <= n_before {
                return block.resource.as_deref();
            }
        }
        None
    }

    /// Returns the lines of a resource's own block.
    pub(super) fn text_of(&self, resource: &str) -> Option<String> {
        let mut blocks = self.files.values().flatten().filter(|block| block.resource.as_deref() == Some(resource));
        let block = blocks.find(|block| block.lines.iter().any(|line| line.starts_with("resource ")))?;
        Some(block.lines.join("\n"))
    }

    /// Finds the arguments whose value is a variable.
    pub(super) fn variable_uses(&self) -> Vec<VariableUse> {
        let mut uses = Vec::new();
        for block in self.files.values().flatten() {
            if let Some(resource) = &block.resource {
                variable_uses(resource, &block.lines, &mut uses);
            }
        }
        uses
    }
}

fn split(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut block = Block { resource: None, lines: Vec::new() };
    let mut is_inside = false;
    let mut marker: Option<&str> = None;
    for line in text.lines() {
        block.lines.push(line.to_owned());
        if let Some(end) = marker {
            if line.trim() == end {
                marker = None;
            }
            continue;
        }
        marker = heredoc_marker(line);
        if !is_inside && line.ends_with('{') {
            is_inside = true;
            block.resource = declared_resource(line);
        }
        if let Some(to) = line.strip_prefix("  to ").and_then(|rest| rest.trim_start().strip_prefix('=')) {
            block.resource.get_or_insert_with(|| without_key(to.trim()).to_owned());
        }
        let is_whole = line.starts_with('}') || !is_inside && line.ends_with('}');
        if is_whole && marker.is_none() {
            is_inside = false;
            blocks.push(std::mem::replace(&mut block, Block { resource: None, lines: Vec::new() }));
        }
    }
    if !block.lines.is_empty() {
        blocks.push(block);
    }
    blocks
}

/// Lists what `ignore_changes` names in the text of a block.
pub(super) fn ignored(text: &str) -> Vec<String> {
    let Some((_, list)) = text.split_once("ignore_changes = [") else { return Vec::new() };
    // Keys of maps stand in brackets too, in quotes; arguments that are ignored hold no other text.
    let end = list.find("]\n").unwrap_or(list.len());
    list[..end].split(',').map(str::trim).filter(|path| !path.is_empty()).map(str::to_owned).collect()
}

/// Returns the marker of a heredoc that begins at the end of a line.
fn heredoc_marker(line: &str) -> Option<&str> {
    let (_, marker) = line.rsplit_once("<<")?;
    let marker = marker.strip_prefix('-').unwrap_or(marker);
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    (!marker.is_empty() && marker.chars().all(is_name)).then_some(marker)
}

/// Reads the resource off a line such as `resource "aws_vpc" "main" {`.
fn declared_resource(line: &str) -> Option<String> {
    let mut labels = line.strip_prefix("resource \"")?.split('"');
    let (resource_type, _, name) = (labels.next()?, labels.next()?, labels.next()?);
    Some(format!("{resource_type}.{name}"))
}

/// Takes the instance key from an address.
pub(super) fn without_key(address: &str) -> &str {
    address.split('[').next().unwrap_or(address)
}

fn variable_uses(resource: &str, lines: &[String], uses: &mut Vec<VariableUse>) {
    let mut path: Vec<(String, usize)> = Vec::new();
    let mut seen: Vec<BTreeMap<String, usize>> = vec![BTreeMap::new()];
    let mut marker = None;
    for line in lines.iter().skip_while(|line| !line.starts_with("resource ")).skip(1) {
        if let Some(end) = marker {
            if line.trim() == end {
                marker = None;
            }
            continue;
        }
        marker = heredoc_marker(line);
        let line = line.trim();
        let name = line.split([' ', '=', '{']).next().unwrap_or_default().trim_matches('"').to_owned();
        if line.ends_with(['{', '[', '(']) {
            let names = seen.last_mut().expect("the body of the resource is never left");
            let n_before = names.entry(name.clone()).or_default();
            path.push((name, *n_before));
            *n_before += 1;
            seen.push(BTreeMap::new());
        } else if line.starts_with(['}', ']', ')']) && seen.len() > 1 {
            path.pop();
            seen.pop();
        } else if let Some((_, variable)) = line.split_once("= var.") {
            let variable = variable.split(|character: char| !character.is_alphanumeric() && character != '_').next();
            let path = path.iter().cloned().chain([(name, 0)]).collect();
            let variable = variable.unwrap_or_default().to_owned();
            uses.push(VariableUse { resource: resource.to_owned(), path, variable });
        }
    }
}

/// Follows the path of an argument through the attributes of an object.
pub(super) fn value_at<'a>(attributes: &'a Value, path: &[(String, usize)]) -> Option<&'a Value> {
    path.iter().try_fold(attributes, |value, (name, n_before)| {
        let value = value.get(name)?;
        match value {
            Value::Array(elements) if elements.first().is_some_and(Value::is_object) => elements.get(*n_before),
            _ => Some(value),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Written.\n\nimport {\n  to = aws_a.one[\"x\"]\n  id = \"1\"\n}\n\nresource \"aws_a\" \"one\" {\n  text = <<-EOT\n}\n  EOT\n  \
                        block {\n    secret = var.secret\n  }\n}\n\nvariable \"secret\" {\n  type = string\n}\n";

    fn configuration() -> Configuration {
        let mut configuration = Configuration::default();
        configuration.add("a.tf", TEXT);
        configuration
    }

    #[test]
    fn blocks_are_split_and_joined_without_loss() {
        let configuration = configuration();
        assert_eq!(configuration.texts().collect::<Vec<_>>(), [("a.tf", TEXT.to_owned())]);
        assert_eq!(configuration.resources(), BTreeSet::from(["aws_a.one".to_owned()]));
    }

    #[test]
    fn a_resource_is_left_out_with_its_imports() {
        let texts: Vec<_> = configuration().only(&BTreeSet::new()).texts().map(|(_, text)| text).collect();
        assert_eq!(texts, ["\nvariable \"secret\" {\n  type = string\n}\n"]);
    }

    #[test]
    fn ignored_arguments_are_listed_over_one_line_or_several() {
        assert_eq!(ignored("  lifecycle {\n    ignore_changes = [a, b[0].c]\n  }\n"), ["a", "b[0].c"]);
        assert_eq!(ignored("  lifecycle {\n    ignore_changes = [\n      a,\n      b,\n    ]\n  }\n"), ["a", "b"]);
        assert!(ignored("name = \"x\"").is_empty());
    }

    #[test]
    fn lines_and_variables_are_located() {
        let configuration = configuration();
        assert_eq!(configuration.resource_at("a.tf", 5), Some("aws_a.one"));
        assert_eq!(configuration.resource_at("a.tf", 17), None);
        let [used] = &configuration.variable_uses()[..] else { panic!("one variable is used") };
        assert_eq!(used.variable, "secret");
        let attributes = serde_json::json!({"block": [{"secret": "s"}]});
        assert_eq!(value_at(&attributes, &used.path), Some(&"s".into()));
    }
}
