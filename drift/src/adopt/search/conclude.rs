//! The end of a search: what is handed on.

use cty::{Mark, Path, PathStep, Value};
use model::{AttributeType, Block, NestingMode};

use super::arguments::{ABSENT, Arguments, Attempt, Id, OBSERVED, elements};
use super::hunt::{Notes, Outcome};
use super::judge::Created;
use super::lessons::{CREATION, Sort};
use super::{Flaw, Lessons, SearchSubject, SecretArgument, SecretSource, Solution, secrets, spelling};

/// What a search found out.
pub(super) struct End<'a> {
    pub(super) subject: SearchSubject<'a>,
    pub(super) arguments: &'a Arguments,
    pub(super) notes: &'a Notes,
    pub(super) lessons: &'a Lessons,
    pub(super) n_probes: u32,
}

impl End<'_> {
    /// Makes the solution of a configuration that can be planned.
    pub(super) fn found(&self, attempt: &Attempt, outcome: &Outcome) -> Solution {
        let bare = self.arguments.render(attempt);
        let mut flaws = changes(outcome);
        let mut ignore_changes: Vec<Path> = Vec::new();
        for id in &attempt.ignored {
            ignore_changes.push(self.arguments.all[*id].path.clone());
        }
        let leaves = leaves(&self.subject.schema.block, &bare);
        let mut found: Vec<SecretArgument> = Vec::new();
        for (id, argument) in self.arguments.all.iter().enumerate() {
            let is_stand_in = self.arguments.is_stand_in(id, attempt.choices[id]);
            if is_stand_in && self.arguments.is_written(attempt, id) {
                let path = argument.path.clone();
                // What is never stored is never compared either: nothing has to be silenced.
                if !argument.is_write_only {
                    let why = format!(
                        "{path} must be set and cannot be read back: a value stands in for it, and its changes are ignored."
                    );
                    flaws.push(Flaw { path: path.clone(), why, replaces: false });
                }
                if !argument.is_block {
                    let is_by_schema = argument.is_sensitive || argument.is_write_only;
                    found.push(SecretArgument { path, source: SecretSource::StandIn, is_by_schema });
                }
            } else if attempt.ignored.contains(&id) && !argument.value.is_null() {
                let path = argument.path.clone();
                let why = if path == Path::new().attr("tags_all") {
                    "The provider would add the default tags of its own configuration. Changes of tags_all are ignored, so \
                     that the import changes nothing: without that, the next apply adds them."
                        .to_owned()
                } else {
                    format!("The provider plans another value for {path} than it reads: its changes are ignored.")
                };
                flaws.push(Flaw { path, why, replaces: false });
            }
        }
        let mut json = Vec::new();
        for leaf in &leaves {
            if let Some(secret) = secrets::of(leaf) {
                if !found.iter().any(|known| known.path == secret.path) {
                    found.push(secret);
                }
            } else if leaf
                .value
                .as_str()
                .is_some_and(|text| spelling::encoded(text).is_some_and(|encoded| encoded.as_str() == Some(text)))
            {
                json.push(leaf.path.clone());
            }
        }
        let paths: Vec<_> =
            found.iter().map(|secret| (outside_sets(&bare, &secret.path), [Mark::Sensitive].into())).collect();
        Solution {
            config: bare.mark_with_paths(&paths),
            flaws,
            secrets: found,
            json,
            ignore_changes,
            n_probes: self.n_probes,
            learned: self.learned(Some(attempt)),
        }
    }

    /// Makes the solution where no configuration is valid.
    pub(super) fn nothing(&self, why: Vec<String>) -> Solution {
        Solution {
            config: Value::null(self.subject.observed.ty().clone()),
            flaws: why.into_iter().map(|why| Flaw { path: Path::new(), why, replaces: false }).collect(),
            secrets: Vec::new(),
            json: Vec::new(),
            ignore_changes: Vec::new(),
            n_probes: self.n_probes,
            learned: self.learned(None),
        }
    }

    /// Gives what the next object of the type can profit from.
    fn learned(&self, attempt: Option<&Attempt>) -> Lessons {
        let mut lessons = self.lessons.clone();
        for (id, (created, digest)) in &self.notes.created {
            let argument = &self.arguments.all[*id];
            match (created, digest) {
                (Created::Open, _) => lessons.learn(Sort::Open, &argument.pattern, ""),
                (Created::Same | Created::Different | Created::Nothing, Some(digest)) => {
                    lessons.learn(Sort::Created, &argument.pattern, digest);
                }
                (Created::Same | Created::Different | Created::Nothing, None) => {}
            }
        }
        if self.notes.is_refused {
            lessons.learn(Sort::Refused, CREATION, "");
        }
        let Some(attempt) = attempt else { return lessons };
        for id in self.notes.deprecated.iter().filter(|id| !self.arguments.is_written(attempt, **id)) {
            lessons.learn(Sort::Deprecated, &self.arguments.all[*id].pattern, "");
        }
        for (dropped, kept) in &self.notes.conflicts {
            if !self.arguments.is_written(attempt, *dropped) && self.arguments.is_written(attempt, *kept) {
                let of = |id: &Id| self.arguments.all[*id].pattern.as_str();
                lessons.learn(Sort::Conflict, of(dropped), of(kept));
            }
        }
        for (id, argument) in self.arguments.all.iter().enumerate() {
            if argument.respelled.is_some() && self.arguments.is_written(attempt, id) {
                let sort = if attempt.choices[id] > OBSERVED { Sort::Json } else { Sort::Raw };
                lessons.learn(sort, &argument.pattern, "");
            }
            if attempt.ignored.contains(&id) && argument.value.is_null() && attempt.choices[id] == ABSENT {
                lessons.learn(Sort::Ignored, &argument.pattern, "");
            }
        }
        lessons
    }
}

/// Says what the plan changes all the same.
fn changes(outcome: &Outcome) -> Vec<Flaw> {
    let Outcome::Planned(planned) = outcome else { return Vec::new() };
    let flaw = |change: &super::changes::Change| {
        let replaces =
            planned.replaces.iter().any(|path| path.starts_with(&change.path) || change.path.starts_with(path));
        let path = &change.path;
        let what = match () {
            () if path.is_empty() => "The provider plans to delete the object".to_owned(),
            () if change.prior.is_null() => format!("The plan sets {path}, which the object does not have"),
            () if change.planned.is_null() => format!("The plan removes {path}"),
            () if !change.planned.is_wholly_known() => format!("The plan cannot tell what {path} will be"),
            () => format!("The plan changes {path}"),
        };
        let more = if replaces { ", for which the object would be replaced." } else { "." };
        Flaw { path: path.clone(), why: format!("{what}{more}"), replaces }
    };
    planned.changes.iter().map(flaw).collect()
}

/// Marks what the schema calls secret in a configuration that is on its way to the provider.
pub(super) fn hide(block: &Block, config: &Value) -> Value {
    let secret = leaves(block, config).into_iter().filter(|leaf| leaf.is_sensitive);
    let paths: Vec<_> = secret.map(|leaf| (outside_sets(config, &leaf.path), [Mark::Sensitive].into())).collect();
    config.mark_with_paths(&paths)
}

/// Shortens a path where it leads into a set: marks of elements are those of their set.
fn outside_sets(config: &Value, path: &Path) -> Path {
    let mut short = Path::new();
    for step in path.steps() {
        let is_in_set =
            matches!(step, PathStep::Index(_)) && short.apply(config).is_ok_and(|value| value.ty().is_set());
        if is_in_set {
            break;
        }
        short.push(step.clone());
    }
    short
}

/// A value inside a configuration that has no parts with a schema.
pub(super) struct Leaf {
    pub(super) path: Path,
    pub(super) value: Value,
    pub(super) is_sensitive: bool,
}

/// Gives what is written in a configuration, elements of maps and lists of text each on its own.
pub(super) fn leaves(block: &Block, config: &Value) -> Vec<Leaf> {
    let mut found = Vec::new();
    in_block(block, config, &Path::new(), &mut found);
    found
}

fn in_block(block: &Block, config: &Value, path: &Path, found: &mut Vec<Leaf>) {
    for (name, attribute) in &block.attributes {
        in_attribute(name, attribute, config, path, found);
    }
    for (name, nested) in &block.blocks {
        let Ok(value) = config.get_attr(name) else { continue };
        let path = path.clone().attr(name);
        in_objects(nested.nesting, &value, &path, &mut |object, path| in_block(&nested.block, object, path, found));
    }
}

fn in_attribute(name: &str, attribute: &model::Attribute, object: &Value, path: &Path, found: &mut Vec<Leaf>) {
    let Ok(value) = object.get_attr(name) else { return };
    if value.is_null() {
        return;
    }
    let path = path.clone().attr(name);
    let is_sensitive = attribute.sensitive || attribute.write_only;
    match &attribute.ty {
        AttributeType::Nested(nested) if !is_sensitive => {
            in_objects(nested.nesting, &value, &path, &mut |object, path| {
                for (name, attribute) in &nested.attributes {
                    in_attribute(name, attribute, object, path, found);
                }
            });
        }
        _ if is_sensitive => found.push(Leaf { path, value, is_sensitive }),
        _ => {
            cty::walk(&value, |inner, value| {
                if value.as_str().is_some() {
                    let steps = path.steps().iter().chain(inner.steps()).cloned().collect();
                    found.push(Leaf { path: steps, value: value.clone(), is_sensitive: false });
                }
                true
            });
        }
    }
}

fn in_objects(nesting: NestingMode, value: &Value, path: &Path, enter: &mut dyn FnMut(&Value, &Path)) {
    if value.is_null() {
        return;
    }
    if matches!(nesting, NestingMode::Single | NestingMode::Group) {
        enter(value, path);
        return;
    }
    for (key, object) in elements(value) {
        if !object.is_null() {
            enter(object, &path.clone().index(key));
        }
    }
}
