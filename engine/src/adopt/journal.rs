//! The journal of a run: what was found out so far, so that a run that was interrupted goes on where it was.
//!
//! One line of JSON for each finished object, on the disk before the next one is told. Nothing secret stands in it: the
//! arguments that must not be shown are null, and the run that goes on reads them again.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ::drift::adopt::search::{Flaw, Lessons, Profile, SecretArgument, SecretSource, Solution};
use ::drift::adopt::{AdoptionKey, AdoptionStatus};
use aws_lc_rs::digest::{Context, SHA256};
use cty::{Path as AttributePath, PathStep, Type, Value};
use model::{Diagnostic, Diagnostics};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::private::{open_private, sibling};
use super::{AdoptObserver, AdoptRequest, Finished};
use crate::{Error, ErrorKind, Session};

const SCHEMA: &str = "driftmgr.adopt-journal/v1";
/// Longest journal that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// A run's journal, open for writing; no other process can open it meanwhile.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    /// Why a line could not be written: from then on nothing more is.
    failure: Mutex<Option<String>>,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Header {
    schema: String,
    driftmgr: String,
    profile: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(rename = "type")]
    resource_type: String,
    id: String,
    account: Option<String>,
    region: Option<String>,
    provider_version: Option<String>,
    is_clean: bool,
    config: Typed,
    flaws: Vec<FlawLine>,
    secrets: Vec<SecretLine>,
    json: Vec<Vec<Step>>,
    ignore_changes: Vec<Vec<Step>>,
    n_probes: u32,
}

#[derive(Serialize, Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    ty: Box<RawValue>,
    value: Box<RawValue>,
}

#[derive(Serialize, Deserialize)]
struct FlawLine {
    path: Vec<Step>,
    why: String,
    replaces: bool,
}

#[derive(Serialize, Deserialize)]
struct SecretLine {
    path: Vec<Step>,
    is_stand_in: bool,
    is_by_schema: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Attr(String),
    Index(Typed),
}

impl Journal {
    /// Opens the journal of adopting to a folder from a set of states, and gives what it holds.
    ///
    /// One that is damaged, of another version of this program or of a run with another profile does not count, which is
    /// said; what was read before the damage does.
    ///
    /// # Errors
    ///
    /// Where it cannot be written, or another process is at work on the same.
    pub fn open(
        session: &Session,
        request: &AdoptRequest,
        folder: &Path,
    ) -> Result<(Self, BTreeMap<AdoptionKey, Finished>, Diagnostics), Error> {
        let path = path_of(session, request, folder);
        let header = Header {
            schema: SCHEMA.to_owned(),
            driftmgr: env!("CARGO_PKG_VERSION").to_owned(),
            profile: match request.style.profile {
                Profile::Minimal => "minimal".to_owned(),
                Profile::Explicit => "explicit".to_owned(),
            },
        };
        open_at(&path, &header)
    }

    /// Removes the journal: the run it is about has ended, and its files are written.
    pub fn remove(self) {
        // What stays is read by the next run, which confirms what it says.
        let _ = fs::remove_file(&self.path);
    }

    /// Says why the run cannot be continued where it stopped, if it cannot.
    pub fn failure(&self) -> Option<Diagnostic> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.as_ref().map(|failure| {
            let detail =
                format!("{}: {failure}. Should this run be interrupted, the next begins anew.", self.path.display());
            Diagnostic::warning("adopt-journal", "Progress is not kept", detail)
        })
    }
}

impl AdoptObserver for Journal {
    fn finished(&self, finished: &Finished) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if failure.is_some() {
            return;
        }
        let Some(line) = line_of(finished).filter(|line| read_line(line).as_ref() == Some(&without_lessons(finished)))
        else {
            // What would not come back as it is, is searched for again.
            return;
        };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_data());
        *failure = written.err().map(|error| error.to_string());
    }
}

fn path_of(session: &Session, request: &AdoptRequest, folder: &Path) -> PathBuf {
    let mut digest = Context::new(&SHA256);
    let mut add = |text: &str| {
        digest.update(text.as_bytes());
        digest.update(b"\0");
    };
    add(&folder.to_string_lossy());
    let states = &request.comparison.states;
    if let Some(dir) = &states.dir {
        add(&session.path(dir).to_string_lossy());
    }
    states.locations.iter().for_each(|location| add(location));
    let digits = hex::encode(&digest.finish().as_ref()[..8]);
    sibling(&request.comparison.store, &format!(".adopt-{digits}.jsonl"))
}

type Opened = (Journal, BTreeMap<AdoptionKey, Finished>, Diagnostics);

fn open_at(path: &Path, header: &Header) -> Result<Opened, Error> {
    let operation = "keep a journal of the run";
    let fail = |source: io::Error| {
        let detail = format!("{}: {source}.", path.display());
        Error::new(ErrorKind::Unavailable, operation, detail)
            .with_help("Choose a place that can be written to with --store.")
            .with_source(source)
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    let mut file = open_private(path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let detail = "Another run adopts the same objects to the same folder.";
            return Err(Error::new(ErrorKind::Unavailable, operation, detail)
                .with_help("Let it end, or name another folder with --out-dir."));
        }
        Err(TryLockError::Error(error)) => return Err(fail(error)),
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(MAX_BYTES).read_to_end(&mut bytes).map_err(fail)?;
    let (finished, n_good, problem) = read(&bytes, header);
    let mut diagnostics = Diagnostics::new();
    if let Some(problem) = problem {
        let detail = format!("{} {problem}. What it says from there on is found out again.", path.display());
        diagnostics.push(Diagnostic::warning("adopt-journal", "Not all of the earlier run counts", detail));
    }
    file.set_len(n_good).and_then(|()| file.seek(SeekFrom::Start(n_good))).map_err(fail)?;
    if n_good == 0 {
        let line = serde_json::to_string(header).map_err(|error| fail(error.into()))?;
        file.write_all(format!("{line}\n").as_bytes()).map_err(fail)?;
    }
    let journal = Journal { path: path.to_owned(), file: Mutex::new(file), failure: Mutex::new(None) };
    Ok((journal, finished, diagnostics))
}

/// Reads a journal; gives how many bytes of it are good, and what is wrong with the rest, as a clause.
///
/// A line without an end is what an interruption leaves, and nothing to be said.
fn read(bytes: &[u8], header: &Header) -> (BTreeMap<AdoptionKey, Finished>, u64, Option<String>) {
    let mut finished = BTreeMap::new();
    let mut n_good = 0_usize;
    let mut problem = None;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let Some((_, line_text)) = line.split_last().filter(|(last, _)| **last == b'\n') else { break };
        let text = std::str::from_utf8(line_text).ok();
        if index == 0 {
            match text.and_then(|text| serde_json::from_str::<Header>(text).ok()) {
                Some(read) if read == *header => {}
                Some(read) if read.schema == SCHEMA => {
                    problem = Some("is of another version of driftmgr, or of a run with another --profile".to_owned());
                }
                _ => problem = Some("is no journal that this driftmgr reads".to_owned()),
            }
        } else {
            match text.and_then(read_line) {
                Some(one) => {
                    finished.insert(one.key.clone(), one);
                }
                None => problem = Some(format!("is damaged at line {}", index + 1)),
            }
        }
        if problem.is_some() {
            break;
        }
        n_good += line.len();
    }
    (finished, n_good as u64, problem)
}

/// Writes what became of an object as a line; `None` where there is nothing to be kept, or it must not be.
fn line_of(finished: &Finished) -> Option<String> {
    let solution = finished.solution.as_ref()?;
    if solution.config.contains_marked() {
        return None;
    }
    let is_clean = match &finished.status {
        AdoptionStatus::Clean => true,
        AdoptionStatus::CleanBut(flaws) if *flaws == solution.flaws => false,
        _ => return None,
    };
    let secret = |secret: &SecretArgument| {
        let is_stand_in = secret.source == SecretSource::StandIn;
        Some(SecretLine { path: steps(&secret.path)?, is_stand_in, is_by_schema: secret.is_by_schema })
    };
    let flaw =
        |flaw: &Flaw| Some(FlawLine { path: steps(&flaw.path)?, why: flaw.why.clone(), replaces: flaw.replaces });
    let line = Line {
        resource_type: finished.key.resource_type.to_string(),
        id: finished.key.id.to_string(),
        account: finished.key.account.as_ref().map(ToString::to_string),
        region: finished.key.region.as_ref().map(ToString::to_string),
        provider_version: finished.provider_version.clone(),
        is_clean,
        config: typed(&solution.config)?,
        flaws: solution.flaws.iter().map(flaw).collect::<Option<_>>()?,
        secrets: solution.secrets.iter().map(secret).collect::<Option<_>>()?,
        json: solution.json.iter().map(steps).collect::<Option<_>>()?,
        ignore_changes: solution.ignore_changes.iter().map(steps).collect::<Option<_>>()?,
        n_probes: solution.n_probes,
    };
    serde_json::to_string(&line).ok()
}

fn read_line(text: &str) -> Option<Finished> {
    let line: Line = serde_json::from_str(text).ok()?;
    let flaw = |flaw: FlawLine| Some(Flaw { path: path(flaw.path)?, why: flaw.why, replaces: flaw.replaces });
    let secret = |secret: SecretLine| {
        let source = if secret.is_stand_in { SecretSource::StandIn } else { SecretSource::Observed };
        Some(SecretArgument { path: path(secret.path)?, source, is_by_schema: secret.is_by_schema })
    };
    let flaws: Vec<Flaw> = line.flaws.into_iter().map(flaw).collect::<Option<_>>()?;
    let solution = Solution {
        config: value(&line.config)?,
        flaws: flaws.clone(),
        secrets: line.secrets.into_iter().map(secret).collect::<Option<_>>()?,
        json: line.json.into_iter().map(path).collect::<Option<_>>()?,
        ignore_changes: line.ignore_changes.into_iter().map(path).collect::<Option<_>>()?,
        n_probes: line.n_probes,
        learned: Lessons::default(),
    };
    Some(Finished {
        key: AdoptionKey {
            resource_type: line.resource_type.into(),
            id: line.id.into(),
            account: line.account.map(Into::into),
            region: line.region.map(Into::into),
        },
        status: if line.is_clean { AdoptionStatus::Clean } else { AdoptionStatus::CleanBut(flaws) },
        provider_version: line.provider_version,
        solution: Some(solution),
    })
}

/// Lessons only ever save probes, and are kept elsewhere.
fn without_lessons(finished: &Finished) -> Finished {
    let mut finished = finished.clone();
    if let Some(solution) = &mut finished.solution {
        solution.learned = Lessons::default();
    }
    finished
}

fn typed(value: &Value) -> Option<Typed> {
    let ty = RawValue::from_string(value.ty().to_json()).ok()?;
    let text = cty::json::encode(value, value.ty()).ok()?;
    Some(Typed { ty, value: RawValue::from_string(String::from_utf8(text).ok()?).ok()? })
}

fn value(typed: &Typed) -> Option<Value> {
    let ty = Type::from_json(typed.ty.get()).ok()?;
    cty::json::decode(typed.value.get().as_bytes(), &ty).ok()
}

fn steps(path: &AttributePath) -> Option<Vec<Step>> {
    let step = |step: &PathStep| match step {
        PathStep::GetAttr(name) => Some(Step::Attr(name.clone())),
        PathStep::Index(key) => (!key.contains_marked()).then(|| typed(key)).flatten().map(Step::Index),
    };
    path.steps().iter().map(step).collect()
}

fn path(steps: Vec<Step>) -> Option<AttributePath> {
    let mut path = AttributePath::new();
    for step in steps {
        path.push(match step {
            Step::Attr(name) => PathStep::GetAttr(name),
            Step::Index(key) => PathStep::Index(value(&key)?),
        });
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { schema: SCHEMA.to_owned(), driftmgr: "1".to_owned(), profile: "minimal".to_owned() }
    }

    fn finished(id: &str, config: Value) -> Finished {
        let path = AttributePath::new().attr("tags").index("a.b");
        let flaw = Flaw { path: path.clone(), why: "It says so.".to_owned(), replaces: false };
        Finished {
            key: AdoptionKey {
                resource_type: "torture_object".into(),
                id: id.into(),
                account: None,
                region: Some("eu-central-1".into()),
            },
            status: AdoptionStatus::CleanBut(vec![flaw.clone()]),
            provider_version: Some("1.2.3".to_owned()),
            solution: Some(Solution {
                config,
                flaws: vec![flaw],
                secrets: vec![SecretArgument { path: path.clone(), source: SecretSource::StandIn, is_by_schema: true }],
                json: vec![path.clone()],
                ignore_changes: vec![path],
                n_probes: 7,
                learned: Lessons::default(),
            }),
        }
    }

    fn config(text: &str) -> Value {
        cty::json::decode_implied(text.as_bytes()).expect("JSON")
    }

    fn open(path: &Path) -> (Vec<Finished>, Diagnostics, Journal) {
        let (journal, finished, diagnostics) = open_at(path, &header()).expect("it opens");
        (finished.into_values().collect(), diagnostics, journal)
    }

    #[test]
    fn what_is_finished_comes_back_after_an_interruption() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("store.db.adopt-1.jsonl");
        let one = finished(
            "one",
            config(r#"{"n": 1.5, "big": 12345678901234567890123, "s": "ä\n${x}", "none": null, "l": [true]}"#),
        );
        let two = finished("two", config("{}"));
        let (found, diagnostics, journal) = open(&path);
        assert!(found.is_empty() && diagnostics.is_empty());
        let error = open_at(&path, &header()).expect_err("one run at a time");
        assert!(error.detail().contains("Another run"), "{error}");
        journal.finished(&one);
        drop(journal);
        let mut file = fs::OpenOptions::new().append(true).open(&path).expect("it is there");
        file.write_all(b"{\"type\": \"torture_obj").expect("written");
        drop(file);
        let (found, diagnostics, journal) = open(&path);
        assert_eq!((found, diagnostics), (vec![one.clone()], vec![]), "a torn line is what an interruption leaves");
        journal.finished(&two);
        drop(journal);
        let (found, _, journal) = open(&path);
        assert_eq!(found, [one, two]);
        journal.remove();
        assert!(!path.exists());
    }

    #[test]
    fn what_must_not_be_shown_is_not_kept() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("j.jsonl");
        let (_, _, journal) = open(&path);
        let secret = Value::string("planted").mark_sensitive();
        journal.finished(&finished("one", Value::object(BTreeMap::from([("password".to_owned(), secret)]))));
        assert!(!fs::read_to_string(&path).expect("it is there").contains("planted"));
    }

    #[test]
    fn a_journal_that_cannot_be_read_is_said_and_does_not_count() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("j.jsonl");
        let (_, _, journal) = open(&path);
        journal.finished(&finished("one", config("{}")));
        journal.finished(&finished("two", config("{}")));
        drop(journal);
        let whole = fs::read_to_string(&path).expect("it is there");
        let lines: Vec<&str> = whole.lines().collect();
        let header = serde_json::to_string(&header()).expect("a header");
        for (text, n_found, words) in [
            (format!("{}\n{}\n{}\n", lines[0], lines[1], "x".repeat(20)), 1, "line 3"),
            (whole.replace("/v1", "/v2"), 0, "no journal"),
            (whole.replace(&header, &header.replace("minimal", "explicit")), 0, "another --profile"),
            ("\u{0}\u{1}\n".to_owned(), 0, "no journal"),
        ] {
            fs::write(&path, &text).expect("written");
            let (found, diagnostics, _) = open(&path);
            assert_eq!(found.len(), n_found, "{text}");
            assert!(diagnostics[0].detail.contains(words), "{diagnostics:?}");
            let (again, diagnostics, _) = open(&path);
            assert_eq!((again.len(), diagnostics.len()), (n_found, 0), "it was mended");
        }
    }
}
