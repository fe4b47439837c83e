//! What searches taught, kept in the user's cache per provider, version and resource type.
//!
//! It is a help and no more: what cannot be read does not count, and what cannot be written is learned again. No value of
//! an object is in it.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use drift::adopt::search::Lessons;
use model::ResourceType;

use super::bench::Bench;
use crate::Session;

/// The first line of every file: those of another format are left alone.
const HEADER: &str = "driftmgr.lessons/v1\n";
/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Where the lessons about one version of a provider are.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    /// `None` where there is no such place, or the version is not known: a program that is being developed changes.
    folder: Option<PathBuf>,
}

impl Shelf {
    /// Finds the place for a provider.
    pub(super) fn of(session: &Session, bench: &Bench) -> Self {
        let address = &bench.address;
        let folder = bench.version.as_deref().and_then(|version| {
            let mut folder = match session.environment.get("XDG_CACHE_HOME") {
                Some(cache) if !cache.is_empty() => PathBuf::from(cache),
                _ => session.environment.home()?.join(".cache"),
            };
            folder.push("driftmgr/lessons");
            for part in [&*address.host, &*address.namespace, &*address.provider_type, version] {
                folder.push(plain(part)?);
            }
            Some(folder)
        });
        Self { folder }
    }

    /// Reads what is known of a type.
    pub(super) fn read(&self, resource_type: &ResourceType) -> Lessons {
        let read = || {
            let path = self.path(resource_type)?;
            let is_small = fs::metadata(&path).ok().is_some_and(|file| file.is_file() && file.len() <= MAX_FILE);
            let text = fs::read_to_string(path).ok().filter(|_| is_small)?;
            Some(Lessons::from_text(text.strip_prefix(HEADER)?))
        };
        read().unwrap_or_default()
    }

    /// Writes what is known of a type. What another process wrote meanwhile is kept.
    pub(super) fn write(&self, resource_type: &ResourceType, lessons: &Lessons) {
        let known = self.read(resource_type);
        let mut all = known.clone();
        all.merge(lessons);
        let Some(path) = self.path(resource_type).filter(|_| all != known) else { return };
        let write = || {
            let folder = path.parent()?;
            fs::create_dir_all(folder).ok()?;
            let beside = folder.join(format!(".{resource_type}.{}", std::process::id()));
            let mut file = fs::File::create(&beside).ok()?;
            let written = file.write_all(HEADER.as_bytes()).and_then(|()| file.write_all(all.to_text().as_bytes()));
            let moved = written.and_then(|()| fs::rename(&beside, &path));
            moved.inspect_err(|_| drop(fs::remove_file(&beside))).ok()
        };
        // Without it the next run learns again.
        let _: Option<()> = write();
    }

    fn path(&self, resource_type: &ResourceType) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(plain(resource_type.as_str())?))
    }
}

/// Gives a text that can name a file wherever it stands.
fn plain(text: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    (!text.is_empty() && !text.starts_with('.') && text.chars().all(is_plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lessons_come_back_and_what_is_damaged_does_not_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = Shelf { folder: Some(folder.path().join("a/b")) };
        let queue = ResourceType::from("aws_sqs_queue");
        assert!(shelf.read(&queue).is_empty());
        let lessons = Lessons::from_text("conflict name_prefix name\n");
        shelf.write(&queue, &lessons);
        shelf.write(&queue, &Lessons::from_text("json policy\n"));
        assert_eq!(shelf.read(&queue).to_text(), "conflict name_prefix name\njson policy\n");
        let names = fs::read_dir(folder.path().join("a/b")).expect("it was made");
        assert_eq!(names.count(), 1, "nothing else is left");
        for damaged in ["driftmgr.lessons/v2\njson policy\n", "", "\u{0}", "json policy\n"] {
            fs::write(folder.path().join("a/b/aws_sqs_queue"), damaged).expect("it is written");
            assert!(shelf.read(&queue).is_empty(), "{damaged:?}");
        }
        fs::write(folder.path().join("a/b/aws_sqs_queue"), b"driftmgr.lessons/v1\n\xff").expect("it is written");
        assert!(shelf.read(&queue).is_empty());
        shelf.write(&queue, &lessons);
        assert_eq!(shelf.read(&queue), lessons, "it is written anew");
    }

    #[test]
    fn no_name_leads_elsewhere() {
        assert_eq!(plain("6.47.1"), Some("6.47.1"));
        for text in ["..", ".hidden", "a/b", "", "a\\b", "a\u{0}"] {
            assert_eq!(plain(text), None, "{text:?}");
        }
    }
}
