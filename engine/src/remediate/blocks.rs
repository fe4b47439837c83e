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

    /// Offers a remedy for code, and gives the file and the text.
    fn offered(code: &str, remedy: &Remedy, kind: Kind) -> (Option<&'static str>, String) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("main.tf"), code).expect("it is written");
        let session = crate::Session::new(net::Environment::default(), folder.path().to_owned());
        let module = RootModule::open(&session, &crate::request::StatesRequest::default()).expect("there is code");
        let module = std::sync::Arc::new(module.anew());
        let (declared, _) = crate::code::declared(&module, &[]);
        let address = "a_b.c[\"k\"]".parse().expect("an address");
        let finding = Finding { address: Some(address), ..Finding::new(kind, "It is so.".to_owned()) };
        match offer(remedy, &finding, &declared, "tofu") {
            BlockOffer::Write(block, _) => (Some(block.file), block.text),
            BlockOffer::Show(text, _) => (None, text),
            BlockOffer::Refuse(_, command) => (None, command.unwrap_or_default()),
        }
    }

    #[test]
    fn blocks_go_where_they_mean_something() {
        let (code, none) = ("resource \"a_b\" \"c\" {\n  for_each = toset([\"k\"])\n}\n", "locals {}\n");
        let to: InstanceAddress = "a_b.c[\"k\"]".parse().expect("an address");
        let import = Remedy::Import { to: to.clone(), id: "${x}".into() };
        let text = "import {\n  to = a_b.c[\"k\"]\n  id = \"$${x}\"\n}\n";
        assert_eq!(offered(code, &import, Kind::NotImported), (Some("imports.tf"), text.to_owned()));
        let forget = Remedy::Forget { from: to.resource.clone() };
        let text = "removed {\n  from = a_b.c\n\n  lifecycle {\n    destroy = false\n  }\n}\n";
        assert_eq!(offered(none, &forget, Kind::Orphan), (Some("removed.tf"), text.to_owned()));
        assert_eq!(offered(none, &forget, Kind::Dangling), (Some("removed.tf"), text.to_owned()));
        assert_eq!(offered(code, &forget, Kind::Missing), (None, text.to_owned()), "it stands beside its code");
        assert_eq!(offered(code, &forget, Kind::Orphan), (None, "tofu state rm 'a_b.c[\"k\"]'".to_owned()));
        let unread = "module \"m\" {\n";
        assert_eq!(offered(unread, &forget, Kind::Orphan), (None, text.to_owned()), "nobody can tell");
    }

    #[test]
    fn blocks_are_added_behind_others() {
        let old = "removed {\n  from = a_b.d\n}".to_owned();
        let added = add("removed.tf", old, &["x {}", "y {}"]);
        assert_eq!(added.as_deref(), Ok("removed {\n  from = a_b.d\n}\n\nx {}\n\ny {}\n"));
        assert!(add("removed.tf", "removed {".to_owned(), &["x {}"]).is_err());
    }

    #[test]
    fn words_are_quoted_for_shells() {
        assert_eq!(quoted("aws_vpc.main"), "aws_vpc.main");
        assert_eq!(quoted("aws_vpc.main[\"a'b\"]"), "'aws_vpc.main[\"a'\\''b\"]'");
    }
}
