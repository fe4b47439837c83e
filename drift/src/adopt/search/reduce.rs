//! Reducing: leaving out what a person would not have written, as long as the plan stays as it is.

use cty::{Path, PathStep, Value};

use super::arguments::{ABSENT, Attempt, Id, OBSERVED, is_zero};
use super::candidate::{is_hollow, is_own_id};
use super::changes;
use super::complaints;
use super::hunt::{Hunt, Outcome, Settled, Stop};
use super::judge::{self, Created};
use super::lessons::{CREATION, NULL, Sort};

/// So many creations are planned, each without what the last one was refused for.
const MAX_CREATIONS: usize = 4;
/// So often what a plan names is put back, before what is to go is tried in halves.
const MAX_ROUNDS: usize = 6;

impl Hunt<'_> {
    /// Leaves out what a person would not have written.
    pub(super) fn reduce(&mut self, settled: Settled) -> Result<Settled, Stop> {
        let mut current = settled;
        let Outcome::Planned(planned) = self.ask(&current.attempt)? else { return Ok(current) };
        self.notes.deprecated.extend(planned.deprecated.iter().copied());
        let open = |hunt: &Self, id: Id| {
            let argument = &hunt.arguments.all[id];
            !argument.is_required
                && !argument.is_block
                && hunt.arguments.children(id).is_empty()
                && !argument.value.is_null()
                && !argument.is_plain_part
                && !argument.is_write_only
                && !is_own_id(hunt.arguments, id)
        };
        let all = || 0..self.arguments.all.len();
        let candidates: Vec<Id> = all().filter(|id| open(self, *id)).collect();
        let is_undecided = |id: &Id| {
            let argument = &self.arguments.all[*id];
            !argument.is_in_set
                && !argument.is_blank
                && !self.is_deprecated(*id)
                && judge::taught(self.arguments, *id, self.lessons).is_none()
        };
        let is_refused = self.lessons.has(Sort::Refused, CREATION);
        if !is_refused && candidates.iter().any(is_undecided) {
            self.plan_creation(&current.attempt, &candidates)?;
        }
        let mut goes: Vec<Id> = Vec::new();
        let mut comes: Vec<Id> = Vec::new();
        for id in candidates {
            let created = self.created(id);
            let stays = !self.is_deprecated(id) && judge::stays(self.arguments, id, created.clone());
            // The plan tells what the provider never sets by itself.
            let stays = stays && (created.is_some() || self.arguments.all[id].is_computed);
            let is_written = self.arguments.is_written(&current.attempt, id);
            let argument = &self.arguments.all[id];
            if is_written && !stays {
                goes.push(id);
            } else if !is_written
                && matches!(created, Some(Created::Different | Created::Nothing))
                && !argument.is_blank
                && !self.is_deprecated(id)
                && current.attempt.choices[id] == ABSENT
                && self.arguments.ancestors(id).all(|outer| current.attempt.choices[outer] == OBSERVED)
                && !self.notes.conflicts.iter().any(|(dropped, _)| *dropped == id)
            {
                comes.push(id);
            }
        }
        if !comes.is_empty() {
            let mut next = current.attempt.clone();
            for id in &comes {
                next.choices[*id] = self.preferred(*id);
            }
            if let Some(next) = self.within(&next, &current)? {
                current.attempt = next;
            }
        }
        let goes = self.with_hollow(&current.attempt, goes);
        current.attempt = self.shave(current.clone(), goes, MAX_ROUNDS)?;
        Ok(current)
    }

    fn is_deprecated(&self, id: Id) -> bool {
        self.arguments.all[id].is_deprecated || self.notes.deprecated.contains(&id)
    }

    /// Gives an attempt back where it plans no more than another one.
    fn within(&mut self, attempt: &Attempt, settled: &Settled) -> Result<Option<Attempt>, Stop> {
        let is_within = match self.ask(attempt)? {
            Outcome::Planned(planned) => planned.is_within(&settled.accepted),
            _ => false,
        };
        Ok(is_within.then(|| attempt.clone()))
    }

    fn created(&self, id: Id) -> Option<Created> {
        match self.notes.created.get(&id) {
            Some((created, _)) => Some(created.clone()),
            None => judge::taught(self.arguments, id, self.lessons),
        }
    }

    /// Adds blocks and nested attributes of which nothing is left; deprecated ones too.
    fn with_hollow(&self, attempt: &Attempt, goes: Vec<Id>) -> Vec<Id> {
        let mut without = attempt.clone();
        for id in &goes {
            without.choices[*id] = ABSENT;
        }
        let mut found = Vec::new();
        for id in (0..self.arguments.all.len()).rev() {
            let argument = &self.arguments.all[id];
            let is_whole = argument.is_block || !self.arguments.children(id).is_empty();
            if !argument.is_required && is_whole && self.arguments.is_written(attempt, id) {
                if self.is_deprecated(id) || is_hollow(self.arguments, id, &without) {
                    without.choices[id] = ABSENT;
                    found.push(id);
                }
            }
        }
        found.extend(goes);
        found
    }

    /// Leaves out as much as the plan allows.
    fn shave(&mut self, from: Settled, goes: Vec<Id>, n_rounds: usize) -> Result<Attempt, Stop> {
        let mut goes = goes;
        for _ in 0..n_rounds {
            if goes.is_empty() {
                return Ok(from.attempt);
            }
            let mut next = from.attempt.clone();
            for id in &goes {
                next.choices[*id] = ABSENT;
            }
            let named: Vec<Id> = match self.ask(&next)? {
                Outcome::Planned(planned) if planned.is_within(&from.accepted) => return Ok(next),
                Outcome::Planned(planned) => {
                    let blamed = planned.changes.iter().filter(|change| !from.accepted.contains(&change.path));
                    let mut named = Vec::new();
                    for change in blamed {
                        for id in self.arguments.at(&change.path) {
                            let is_exact = self.arguments.all[id].path == change.path;
                            if is_exact && goes.contains(&id) && change.planned.is_wholly_known() {
                                self.note_created(id, &change.planned);
                            }
                            named.push(id);
                        }
                    }
                    named
                }
                Outcome::Invalid(problems) => {
                    let complaints = complaints::of(problems, self.arguments);
                    let named: Vec<Id> =
                        complaints.into_iter().flat_map(|complaint| [complaint.at, complaint.named].concat()).collect();
                    for id in named.iter().filter(|id| goes.contains(id)) {
                        self.notes.created.insert(*id, (Created::Different, Some(NULL.to_owned())));
                    }
                    named
                }
                Outcome::Created(_) => Vec::new(),
            };
            let is_named = |id: &Id| {
                named.iter().any(|named| {
                    named == id || self.arguments.is_inside(*id, *named) || self.arguments.is_inside(*named, *id)
                })
            };
            let n_before = goes.len();
            goes.retain(|id| !is_named(id));
            if goes.len() == n_before {
                break;
            }
        }
        if goes.len() < 2 {
            return Ok(from.attempt);
        }
        let second = goes.split_off(goes.len() / 2);
        let attempt = self.shave(from.clone(), goes, 2)?;
        self.shave(Settled { attempt, ..from }, second, 2)
    }

    /// Asks what would be created without these arguments, and notes it.
    ///
    /// What the provider asks for is put back; where it does not say what it misses, everything is that the provider
    /// never sets by itself.
    fn plan_creation(&mut self, attempt: &Attempt, candidates: &[Id]) -> Result<(), Stop> {
        let mut creation = Attempt { is_creation: true, ..attempt.clone() };
        for id in candidates {
            creation.choices[*id] = ABSENT;
        }
        for _ in 0..MAX_CREATIONS {
            let problems = match self.ask(&creation)? {
                Outcome::Invalid(problems) => problems,
                Outcome::Created(created) => {
                    for id in candidates.iter().filter(|id| creation.choices[**id] == ABSENT) {
                        let Some(value) = self.look_up(created, *id) else { continue };
                        self.note_created(*id, &value);
                    }
                    return Ok(());
                }
                Outcome::Planned(_) => return Ok(()),
            };
            let before = creation.clone();
            for complaint in complaints::of(problems, self.arguments) {
                for id in complaint.at.iter().chain(&complaint.named) {
                    creation.choices[*id] = attempt.choices[*id];
                    if candidates.contains(id) && self.arguments.is_written(attempt, *id) {
                        self.notes.created.insert(*id, (Created::Different, Some(NULL.to_owned())));
                    }
                }
            }
            let is_left = |id: &Id| creation.choices[*id] == ABSENT && self.arguments.is_written(attempt, *id);
            let left: Vec<Id> = candidates.iter().copied().filter(is_left).collect();
            if creation == before {
                for id in left.iter().filter(|id| !self.arguments.all[**id].is_computed) {
                    creation.choices[*id] = attempt.choices[*id];
                }
            }
            if creation == before {
                for id in &left[..left.len().div_ceil(2)] {
                    creation.choices[*id] = attempt.choices[*id];
                }
            }
            if creation == before {
                break;
            }
        }
        self.notes.is_refused = true;
        Ok(())
    }

    /// Notes what is made of an argument that is left out.
    fn note_created(&mut self, id: Id, value: &Value) {
        let argument = &self.arguments.all[id];
        let noted = if value.is_wholly_known() {
            let is_same = changes::is_same(value, &argument.value) || (is_zero(value) && argument.is_blank);
            let created = match () {
                () if is_same => Created::Same,
                () if is_zero(value) => Created::Nothing,
                () => Created::Different,
            };
            (created, judge::digest_of(self.arguments, id, value))
        } else {
            (Created::Open, None)
        };
        self.notes.created.insert(id, noted);
    }

    /// Gives what a created object holds for an argument; nothing where elements cannot be told apart.
    fn look_up(&self, created: &Value, id: Id) -> Option<Value> {
        let path: &Path = &self.arguments.all[id].path;
        let mut value = created.clone();
        for step in path.steps() {
            if !value.is_known() {
                return Some(Value::unknown(self.arguments.all[id].value.ty().clone()));
            }
            value = match step {
                PathStep::GetAttr(name) => value.get_attr(name).ok()?,
                PathStep::Index(_) if value.ty().is_set() => {
                    let mut elements = value.elements();
                    elements.next().filter(|_| value.len() == 1).cloned()?
                }
                PathStep::Index(key) => value.index(key).ok()?,
            };
        }
        Some(value)
    }
}
