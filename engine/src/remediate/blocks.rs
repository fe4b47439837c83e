//! Remedies that are blocks of their own: `removed`, `import` and `moved`.

use std::collections::{BTreeMap, BTreeSet};

use drift::{DeclaredArguments, DeclaredBlock};
use hcl::emit::{self, BlockText, ImportSource};
use hcl::gates::Feature;
use hcl::{File, SourceTree, edit};
use model::{Finding, InstanceAddress, Kind, Remedy, ResourceAddress};

use crate::code::Declared;
use crate::evaluation::RootModule;

/// A block to be written, and the file in which it stands.
#[derive(Clone, Debug)]
pub(super) struct NewBlock {
    pub(super) file: &'static str,
    pub(super) text: String,
}

/// What becomes of a remedy that is a block.
pub(super) enum BlockOffer {
    /// It can be written into the file.
    Write(NewBlock, String),
    /// It is shown, and stands for itself nowhere: why.
    Show(String, String),
    /// Why there is none; perhaps with what a person may run in its place.
    Refuse(String, Option<String>),
}

/// Says which feature of the language a remedy needs.
pub(super) fn feature(remedy: &Remedy) -> Option<Feature> {
    match remedy {
        Remedy::Forget { .. } => Some(Feature::RemovedBlocks),
        Remedy::Import { .. } => Some(Feature::ImportBlocks),
        Remedy::Move { .. } => Some(Feature::MovedBlocks),
        _ => None,
    }
}

/// Writes the block of a remedy.
pub(super) fn offer(remedy: &Remedy, finding: &Finding, declared: &Declared, program: &str) -> BlockOffer {
    match remedy {
        Remedy::Forget { from } => forget(from, finding, declared, program),
        Remedy::Import { to, id } => match emit::import_block(to, ImportSource::Id(id), None) {
            Ok(text) => {
                let detail = format!("The next apply imports the object to {to}, as the code has it.");
                BlockOffer::Write(NewBlock { file: "imports.tf", text }, detail)
            }
            Err(problem) => BlockOffer::Refuse(format!("The block {problem}."), None),
        },
        Remedy::Move { from, to } => match moved(from, to) {
            Some(block) => {
                let detail = format!("The next apply takes {from} for {to}: nothing is destroyed or made.");
                BlockOffer::Write(block, detail)
            }
            None => BlockOffer::Refuse(format!("{from} and {to} cannot be the same."), None),
        },
        _ => BlockOffer::Refuse("There is no block for it.".to_owned(), None),
    }
}

/// Writes a `moved` block; `None` between different types.
pub(super) fn moved(from: &InstanceAddress, to: &InstanceAddress) -> Option<NewBlock> {
    let block = BlockText {
        block_type: "moved".to_owned(),
        arguments: vec![("from".to_owned(), emit::address(from)), ("to".to_owned(), emit::address(to))],
        ..BlockText::default()
    };
    (from.resource_type() == to.resource_type()).then(|| NewBlock { file: "moved.tf", text: block.write() })
}

fn forget(from: &ResourceAddress, finding: &Finding, declared: &Declared, program: &str) -> BlockOffer {
    let text = match emit::removed_block(from) {
        Ok(text) => text,
        Err(problem) => return BlockOffer::Refuse(format!("The block {problem}."), None),
    };
    let command =
        finding.address.as_ref().map(|address| format!("{program} state rm {}", quoted(&address.to_string())));
    match declared.block(from) {
        DeclaredBlock::Present(span) if finding.kind == Kind::Missing => {
            let detail = format!(
                "The object is gone: the next apply makes it again. To leave it at that, take away the code of {from} \
                 ({}:{}), and write this block in its place. Beside each other the two are a mistake.",
                span.file, span.start.line
            );
            BlockOffer::Show(text, detail)
        }
        DeclaredBlock::Present(span) => {
            let detail = format!(
                "The code still has {from} ({}:{}), and a `removed` block cannot mean one of its instances.",
                span.file, span.start.line
            );
            BlockOffer::Refuse(detail, command)
        }
        DeclaredBlock::Unknown => {
            let detail = format!("Whether the code has {from} is not known; beside its code this block is a mistake.");
            BlockOffer::Show(text, detail)
        }
        DeclaredBlock::Absent => {
            let detail = format!(
                "The next apply forgets every instance of {from} and destroys nothing. Without it, it destroys them."
            );
            let detail = match finding.kind {
                Kind::Dangling => format!("The next apply forgets every instance of {from}, and destroys nothing."),
                _ => detail,
            };
            BlockOffer::Write(NewBlock { file: "removed.tf", text }, detail)
        }
    }
}

/// Quotes a word for a shell.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '=' | ':'));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Adds blocks to the files they stand in; gives the new text of each file, or why it cannot be had.
pub(super) fn write(
    module: &RootModule,
    texts: &BTreeMap<String, String>,
    blocks: &[NewBlock],
) -> BTreeMap<String, Result<String, String>> {
    let mut written = BTreeMap::new();
    let names: BTreeSet<&str> = blocks.iter().map(|block| block.file).collect();
    for name in names {
        let mut own: Vec<&str> = Vec::new();
        for block in blocks.iter().filter(|block| block.file == name) {
            if !own.contains(&block.text.as_str()) {
                own.push(&block.text);
            }
        }
        let old = texts.get(name).cloned().or_else(|| {
            let is_there = module.tree().list(".").is_ok_and(|names| names.iter().any(|other| other == name));
            is_there.then(|| {
                module.tree().read(name).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
            })
        });
        let text = match old {
            None => Ok(emit::file(&[], &own.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())),
            Some(old) => add(name, old, &own),
        };
        written.insert(name.to_owned(), text);
    }
    written
}

fn add(name: &str, mut text: String, blocks: &[&str]) -> Result<String, String> {
    for block in blocks {
        let (file, problems) = File::parse(name, &text);
        if let Some(problem) = problems.first() {
            return Err(format!("{name} has a mistake: {}", problem.detail));
        }
        let edit = edit::add_block(&file, None, block).map_err(|problem| format!("{name}: {problem}."))?;
        let bytes = edit::apply(&file, file.bytes(), &[edit]).map_err(|problem| format!("{name}: {problem}."))?;
        text = String::from_utf8(bytes).map_err(|_| format!("{name} is not all UTF-8."))?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_shells() {
        assert_eq!(quoted("aws_vpc.main"), "aws_vpc.main");
        assert_eq!(quoted("aws_vpc.main[\"a'b\"]"), "'aws_vpc.main[\"a'\\''b\"]'");
    }
}
