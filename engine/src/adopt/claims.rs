//! What was adopted before: nothing is offered twice.
//!
//! Two things say so. An import block in the root module names the object; terraform allows one block for each. And every
//! adoption that wrote files adds its objects to a list beside the store, with the file that has their import blocks: until
//! somebody applies that, no state records them. A claim whose file is gone counts for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::drift::adopt::AdoptionKey;
use model::{Diagnostic, Diagnostics, Finding, ImportId, InstanceAddress, ResourceType};
use serde::{Deserialize, Serialize};

use super::private::{open_private, sibling};
use super::{AdoptAnswer, AdoptRequest};
use crate::evaluation::RootModule;
use crate::{Error, ErrorKind, Session};

const VERSION: u32 = 1;
/// Longest list that is read, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// A line of the list.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claim {
    version: u32,
    #[serde(rename = "type")]
    resource_type: String,
    id: String,
    account: Option<String>,
    region: Option<String>,
    /// The file with its import block.
    file: PathBuf,
    at: String,
}

impl Claim {
    fn key(&self) -> AdoptionKey {
        AdoptionKey {
            resource_type: self.resource_type.as_str().into(),
            id: self.id.as_str().into(),
            account: self.account.as_deref().map(Into::into),
            region: self.region.as_deref().map(Into::into),
        }
    }
}

/// What earlier adoptions hold.
#[derive(Debug, Default)]
pub(super) struct Held {
    claims: BTreeMap<AdoptionKey, Claim>,
    /// Where the import block of an object sends it, and the file that it stands in.
    blocks: BTreeMap<(ResourceType, String), (InstanceAddress, String)>,
}

/// Why an object is not adopted again.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    /// A sentence.
    pub(super) reason: String,
    /// The address it has, where that is known.
    pub(super) to: Option<InstanceAddress>,
}

impl Held {
    /// Reads the list beside the store, and the import blocks of the root module.
    pub(super) fn read(request: &AdoptRequest, module: Option<&Arc<RootModule>>) -> (Self, Diagnostics) {
        let mut held = Self::default();
        let mut diagnostics = Diagnostics::new();
        if !request.offer.is_reclaiming {
            let (claims, problems) = read_list(&list_path(&request.comparison.store));
            diagnostics.extend(problems);
            let redone = request.offer.redo_of.as_deref();
            let counts = |claim: &Claim| claim.file.parent() != redone;
            held.claims = claims.into_iter().filter(counts).map(|claim| (claim.key(), claim)).collect();
        }
        let root = module.and_then(|module| module.configuration().root());
        for block in root.into_iter().flat_map(|root| &root.imports) {
            if let (Some(address), Some(id)) = (&block.address, &block.id) {
                let key = (address.resource_type().clone(), id.clone());
                held.blocks.insert(key, (address.clone(), block.span.file.to_string()));
            }
        }
        (held, diagnostics)
    }

    /// Says who adopted an object already.
    ///
    /// `import_id` is what an import block for it would say; `is_alone` tells that no other object of its type has its id.
    pub(super) fn holder(&self, finding: &Finding, import_id: &ImportId, is_alone: bool) -> Option<Hold> {
        let resource_type = finding.resource_type.as_ref()?;
        let id = finding.id.as_ref()?;
        let in_region = finding.region.as_ref().map(|region| format!("{id}@{region}"));
        let plain = is_alone.then(|| id.to_string());
        let names = [Some(import_id.to_string()), in_region, plain];
        let block = names.into_iter().flatten().find_map(|name| self.blocks.get(&(resource_type.clone(), name)));
        if let Some((address, file)) = block {
            let reason = format!("An import block in {file} adopts it already; remove that to adopt it anew.");
            return Some(Hold { reason, to: Some(address.clone()) });
        }
        let key = key_of(finding)?;
        let claim = self.claims.get(&key)?;
        let file = claim.file.display();
        let reason = format!("It was already adopted by {file} on {}; --reclaim offers it again.", claim.at);
        Some(Hold { reason, to: None })
    }
}

/// Gives what names an object in a mapping file, a journal and the list of claims.
pub(super) fn key_of(finding: &Finding) -> Option<AdoptionKey> {
    Some(AdoptionKey {
        resource_type: finding.resource_type.clone()?,
        id: finding.id.clone()?,
        account: finding.account.clone(),
        region: finding.region.clone(),
    })
}

/// Notes that the objects of an answer that have import blocks have them in a file.
///
/// # Errors
///
/// Where the list beside the store cannot be written: the files are written all the same.
pub fn claim(session: &Session, store: &Path, answer: &AdoptAnswer, file: &Path) -> Result<(), Error> {
    let at = (session.now)().strftime("%Y-%m-%d").to_string();
    let findings = &answer.comparison.verdict.findings;
    let adopted = answer.objects.iter().filter(|object| object.source.is_some());
    let claims = adopted.filter_map(|object| key_of(&findings[object.position])).map(|key| Claim {
        version: VERSION,
        resource_type: key.resource_type.to_string(),
        id: key.id.to_string(),
        account: key.account.map(|account| account.to_string()),
        region: key.region.map(|region| region.to_string()),
        file: file.to_owned(),
        at: at.clone(),
    });
    add(&list_path(store), claims).map_err(|source| {
        let detail = format!("{}: {source}.", list_path(store).display());
        Error::new(ErrorKind::Unavailable, "note what was adopted", detail)
            .with_help("The files are written. Until they are applied, another run offers the same objects again.")
            .with_source(source)
    })
}

fn list_path(store: &Path) -> PathBuf {
    sibling(store, ".adopted.jsonl")
}

/// Writes the list anew, with what still counts and what is added, while no other process does.
fn add(path: &Path, claims: impl Iterator<Item = Claim>) -> io::Result<()> {
    let added: Vec<Claim> = claims.collect();
    if added.is_empty() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let lock = open_private(&sibling(path, ".lock"))?;
    lock.lock()?;
    let keys: BTreeSet<AdoptionKey> = added.iter().map(Claim::key).collect();
    let kept = read_list(path).0.into_iter().filter(|claim| !keys.contains(&claim.key()));
    let mut text = String::new();
    for claim in kept.chain(added) {
        text.push_str(&serde_json::to_string(&claim)?);
        text.push('\n');
    }
    let temporary = sibling(path, &format!(".{}", std::process::id()));
    let mut file = open_private(&temporary)?;
    file.set_len(0)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let written = written.and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Nobody else knows of it; that it cannot be removed adds nothing to the first error.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Reads the claims that still count.
fn read_list(path: &Path) -> (Vec<Claim>, Diagnostics) {
    let warn = |detail: String| {
        Diagnostic::warning("adopt-claims", "What was adopted before is not known", detail)
            .with_help("Look for objects that were adopted already before the new files are applied.")
    };
    let read = File::open(path).and_then(|file| {
        let size = file.metadata()?.len();
        if size > MAX_BYTES {
            return Err(io::Error::other(format!("it has {size} bytes, and {MAX_BYTES} is the limit")));
        }
        io::read_to_string(file)
    });
    let text = match read {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (Vec::new(), Diagnostics::new()),
        Err(error) => return (Vec::new(), vec![warn(format!("{}: {error}.", path.display()))]),
    };
    let mut files: BTreeMap<PathBuf, bool> = BTreeMap::new();
    let mut claims = Vec::new();
    let mut n_unread = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        match serde_json::from_str::<Claim>(line) {
            Ok(claim) if claim.version == VERSION => {
                if *files.entry(claim.file.clone()).or_insert_with_key(|file| file.is_file()) {
                    claims.push(claim);
                }
            }
            _ => n_unread += 1,
        }
    }
    let mut diagnostics = Diagnostics::new();
    if n_unread > 0 {
        let detail =
            format!("{n_unread} lines of {} are damaged or of a newer driftmgr; they do not count.", path.display());
        diagnostics.push(warn(detail));
    }
    (claims, diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(id: &str, file: &Path) -> Claim {
        Claim {
            version: VERSION,
            resource_type: "aws_sqs_queue".to_owned(),
            id: id.to_owned(),
            account: None,
            region: Some("eu-central-1".to_owned()),
            file: file.to_owned(),
            at: "2026-11-23".to_owned(),
        }
    }

    fn ids(path: &Path) -> Vec<String> {
        read_list(path).0.into_iter().map(|claim| claim.id).collect()
    }

    #[test]
    fn claims_last_as_long_as_the_file_of_their_import_blocks() {
        let place = tempfile::tempdir().expect("a folder");
        let list = place.path().join("store.db.adopted.jsonl");
        let files = ["a.tf", "b.tf"].map(|name| place.path().join(name));
        for file in &files {
            fs::write(file, "").expect("written");
        }
        add(&list, [claim("one", &files[0]), claim("two", &files[1])].into_iter()).expect("noted");
        add(&list, [claim("one", &files[1]), claim("three", &files[0])].into_iter()).expect("noted");
        assert_eq!(ids(&list), ["two", "one", "three"]);
        fs::remove_file(&files[1]).expect("removed");
        assert_eq!(ids(&list), ["three"]);
        add(&list, [claim("four", &files[0])].into_iter()).expect("noted");
        assert_eq!(fs::read_to_string(&list).expect("the list").lines().count(), 2, "what is gone is dropped");
    }

    #[test]
    fn a_damaged_list_is_said_and_the_rest_of_it_counts() {
        let place = tempfile::tempdir().expect("a folder");
        let list = place.path().join("store.db.adopted.jsonl");
        let file = place.path().join("imports.tf");
        fs::write(&file, "").expect("written");
        add(&list, [claim("one", &file)].into_iter()).expect("noted");
        let mut text = fs::read_to_string(&list).expect("the list");
        text.push_str("{\"version\": 9}\n{\"ver");
        fs::write(&list, text).expect("written");
        let (claims, diagnostics) = read_list(&list);
        assert_eq!((claims.len(), diagnostics.len()), (1, 1));
        assert!(diagnostics[0].detail.contains("2 lines"), "{diagnostics:?}");
        fs::write(&list, b"\xff\xfe").expect("written");
        assert_eq!(read_list(&list).1.len(), 1);
    }
}
