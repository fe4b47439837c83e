//! Settling: from a configuration that may be wrong to one that is valid and plans clean.

use std::collections::{BTreeMap, BTreeSet};

use cty::Value;
use model::Diagnostics;

use super::arguments::{ABSENT, Attempt, Choice, Id, OBSERVED};
use super::changes::Change;
use super::complaints::{self, Complaint};
use super::hunt::{Hunt, Outcome, Planned, Settled, Stop};
use super::{spelling, standin};
use crate::compare::canonical::is_blank;

/// What is written differently, as one step.
type Edit = Vec<(Id, Choice)>;

/// So often an attempt that was made before is passed over for the next idea.
const MAX_IDEAS: usize = 200;

/// What was tried already.
#[derive(Debug, Default)]
pub(super) struct Memory {
    used: BTreeSet<(String, Edit)>,
    /// Arguments that a repair left out, with those for whose sake.
    dropped: BTreeMap<Id, Vec<Id>>,
    /// What was not valid and may have a remedy left, in order.
    refused: Vec<Attempt>,
    /// What of it was looked at again.
    revisited: Vec<Attempt>,
    /// Whether nothing is left but to make up what nobody can read back.
    may_invent: bool,
}

impl Memory {
    /// Gives what was not valid before and may have a remedy left, the last one first; once there is nothing more of it,
    /// all of it again, with remedies that are made up. Where something else was valid, only those are left.
    fn earlier(&mut self, is_something_valid: bool) -> Option<Attempt> {
        if !self.may_invent && (is_something_valid || self.refused.is_empty()) {
            self.may_invent = true;
            self.refused.extend(self.revisited.drain(..).rev());
        }
        let earlier = self.refused.pop()?;
        self.revisited.push(earlier.clone());
        Some(earlier)
    }
}

impl Hunt<'_> {
    /// Repairs an attempt until its plan is clean, or nothing is left to try; nothing where no attempt was valid.
    pub(super) fn settle(&mut self, first: Attempt) -> Result<Option<Settled>, Stop> {
        let mut attempt = first;
        let mut seen = BTreeSet::new();
        let mut memory = Memory::default();
        let mut best: Option<((usize, usize), Settled)> = None;
        'attempts: loop {
            let outcome = self.ask(&attempt)?;
            if seen.insert(attempt.clone()) && matches!(outcome, Outcome::Invalid(_)) {
                memory.refused.push(attempt.clone());
            }
            if let Outcome::Planned(planned) = outcome {
                let score = (planned.replaces.len(), planned.changes.len());
                if best.as_ref().is_none_or(|(best, _)| score < *best) {
                    let accepted = planned.changes.iter().map(|change| change.path.clone()).collect();
                    best = Some((score, Settled { attempt: attempt.clone(), accepted }));
                }
                if planned.changes.is_empty() {
                    break;
                }
            }
            let mut back = None;
            for _ in 0..MAX_IDEAS {
                let next = match outcome {
                    Outcome::Invalid(problems) => self.repair(&attempt, problems, &mut memory),
                    Outcome::Planned(planned) => self.mend(&attempt, planned, &mut memory),
                    Outcome::Created(_) => None,
                };
                match next {
                    None => break,
                    // One that was not valid may have a remedy left.
                    Some(next) if seen.contains(&next) => {
                        back = back.or(Some(next).filter(|next| self.is_refused(next)));
                    }
                    Some(next) => {
                        attempt = next;
                        continue 'attempts;
                    }
                }
            }
            match back.or_else(|| memory.earlier(best.is_some())) {
                Some(back) => attempt = back,
                None => break,
            }
        }
        Ok(best.map(|(_, settled)| settled))
    }

    fn is_refused(&self, attempt: &Attempt) -> bool {
        matches!(self.answers.get(attempt), Some(Outcome::Invalid(_)))
    }

    /// Changes an attempt by what the provider's complaints ask for.
    fn repair(&mut self, attempt: &Attempt, problems: &Diagnostics, memory: &mut Memory) -> Option<Attempt> {
        let mut next = attempt.clone();
        for complaint in complaints::of(problems, self.arguments) {
            let concerns = complaint.at.iter().chain(&complaint.named);
            // Two complaints about one conflict are one conflict.
            if concerns.clone().any(|id| next.choices[*id] != attempt.choices[*id]) {
                continue;
            }
            for edit in self.remedies(&complaint, attempt, memory.may_invent) {
                if !memory.used.insert((complaint.signature.clone(), edit.clone())) {
                    continue;
                }
                let is_drop = edit.iter().all(|(_, choice)| *choice == ABSENT);
                if is_drop {
                    let kept: Vec<Id> = concerns
                        .clone()
                        .copied()
                        .filter(|id| !edit.contains(&(*id, ABSENT)) && self.arguments.is_written(attempt, *id))
                        .collect();
                    for (id, _) in &edit {
                        memory.dropped.insert(*id, kept.clone());
                        self.notes.conflicts.extend(kept.iter().map(|kept| (*id, *kept)));
                    }
                }
                self.apply(&edit, &mut next);
                break;
            }
        }
        if next != *attempt {
            return Some(next);
        }
        let blanks = self.droppable(attempt, |hunt, id| hunt.arguments.all[id].is_blank);
        self.use_edit("blank", blanks, attempt, memory)
    }

    /// Gives what may help against a complaint, best first.
    fn remedies(&mut self, complaint: &Complaint, attempt: &Attempt, may_invent: bool) -> Vec<Edit> {
        let members: Vec<Id> = complaint.at.iter().chain(&complaint.named).copied().collect();
        let (set, unset): (Vec<Id>, Vec<Id>) = members.iter().partition(|id| self.arguments.is_written(attempt, **id));
        let mut edits: Vec<Edit> = Vec::new();
        let is_missing = complaint.is_missing && !(complaint.is_conflict && set.len() > 1) && !unset.is_empty();
        let held = self.additions(&unset);
        if is_missing {
            edits.extend(held.iter().cloned());
        }
        let blanks = set.iter().copied().filter(|id| self.arguments.all[*id].is_blank).collect::<Vec<_>>();
        edits.push(self.drop_all(&blanks));
        if set.len() > 1 {
            let mut by_worth = set.clone();
            by_worth.sort_by_key(|id| self.worth(*id));
            for keep in &by_worth {
                let others: Vec<Id> = set
                    .iter()
                    .copied()
                    .filter(|id| {
                        id != keep && !self.arguments.is_inside(*id, *keep) && !self.arguments.is_inside(*keep, *id)
                    })
                    .collect();
                edits.push(self.drop_all(&others));
            }
        }
        for id in complaint.at.iter().chain(&complaint.named).filter(|id| set.contains(id)) {
            edits.push(self.drop_all(&[*id]));
        }
        if !is_missing {
            edits.extend(held);
        } else if may_invent {
            edits.extend(self.inventions(complaint, &unset));
        }
        let is_about_value = !(is_missing || complaint.is_conflict && set.len() > 1);
        for id in complaint.at.iter().filter(|id| is_about_value && set.contains(id)) {
            if self.arguments.all[*id].is_required || attempt.choices[*id] > OBSERVED {
                edits.extend(self.stand_ins(*id, &complaint.possible));
            }
        }
        for id in &complaint.at {
            let outer: Vec<Id> = self.arguments.ancestors(*id).collect();
            edits.extend(outer.into_iter().map(|outer| self.drop_all(&[outer])));
        }
        edits.retain(|edit| edit.iter().any(|(id, choice)| attempt.choices[*id] != *choice));
        edits
    }

    /// Gives ways to set what is not set and the object holds: each alone, then all.
    fn additions(&self, unset: &[Id]) -> Vec<Edit> {
        let mut held: Vec<Id> = unset.iter().copied().filter(|id| self.is_held(*id)).collect();
        held.sort_by_key(|id| self.worth(*id));
        let mut edits: Vec<Edit> = held.iter().map(|id| vec![(*id, OBSERVED)]).collect();
        if held.len() > 1 {
            edits.push(held.iter().map(|id| (*id, OBSERVED)).collect());
        }
        edits
    }

    fn is_held(&self, id: Id) -> bool {
        !self.arguments.all[id].value.is_null() && !self.arguments.all[id].is_write_only
    }

    /// Gives ways to set what is not set and nobody can read back.
    fn inventions(&mut self, complaint: &Complaint, unset: &[Id]) -> Vec<Edit> {
        let mut unheld: Vec<Id> = unset.iter().copied().filter(|id| !self.is_held(*id)).collect();
        unheld.sort_by_key(|id| {
            let argument = &self.arguments.all[*id];
            (!complaint.at.contains(id), argument.is_write_only, !argument.is_sensitive, argument.pattern.clone())
        });
        unheld.into_iter().flat_map(|id| self.stand_ins(id, &complaint.possible)).collect()
    }

    /// Gives values that may stand for what cannot be read.
    fn stand_ins(&mut self, id: Id, possible: &[String]) -> Vec<Edit> {
        let argument = &self.arguments.all[id];
        let mut values: Vec<Value> = argument.value.as_str().and_then(spelling::with_scheme).into_iter().collect();
        values.extend(match &argument.skeleton {
            Some(skeleton) => vec![skeleton.clone()],
            None if argument.is_block => Vec::new(),
            None => standin::for_type(argument.value.ty(), possible),
        });
        let edit = |value| vec![(id, self.arguments.alternative(id, value))];
        values.iter().map(edit).collect()
    }

    /// Says what is rather kept than others: the smaller, the rather.
    fn worth(&self, id: Id) -> impl Ord + use<> {
        let argument = &self.arguments.all[id];
        (
            !argument.is_required,
            argument.is_blank,
            argument.is_deprecated,
            argument.is_write_only,
            argument.is_block,
            argument.is_computed,
            argument.pattern.clone(),
        )
    }

    fn drop_all(&self, ids: &[Id]) -> Edit {
        ids.iter().filter(|id| !self.arguments.all[**id].is_required).map(|id| (*id, ABSENT)).collect()
    }

    fn droppable(&self, attempt: &Attempt, which: impl Fn(&Self, Id) -> bool) -> Edit {
        let all = 0..self.arguments.all.len();
        let ids: Vec<Id> = all.filter(|id| self.arguments.is_written(attempt, *id) && which(self, *id)).collect();
        self.drop_all(&ids)
    }

    fn use_edit(&mut self, why: &str, edit: Edit, attempt: &Attempt, memory: &mut Memory) -> Option<Attempt> {
        if edit.is_empty() || !memory.used.insert((why.to_owned(), edit.clone())) {
            return None;
        }
        let mut next = attempt.clone();
        self.apply(&edit, &mut next);
        (next != *attempt).then_some(next)
    }

    /// Writes what an edit says, and whatever it is part of.
    fn apply(&mut self, edit: &Edit, next: &mut Attempt) {
        for (id, choice) in edit {
            next.choices[*id] = *choice;
            if *choice == ABSENT {
                next.ignored.remove(id);
                continue;
            }
            for outer in self.arguments.ancestors(*id) {
                if next.choices[outer] == ABSENT {
                    next.choices[outer] = OBSERVED;
                }
            }
            let argument = &self.arguments.all[*id];
            next.ignored.remove(id);
            if self.arguments.is_stand_in(*id, *choice) && !argument.is_write_only && !argument.is_in_set {
                next.ignored.insert(*id);
            }
        }
    }

    /// Changes an attempt by what its plan would change of the object.
    fn mend(&mut self, attempt: &Attempt, planned: &Planned, memory: &mut Memory) -> Option<Attempt> {
        let mut next = attempt.clone();
        for change in &planned.changes {
            let Some((id, edits)) = self.answers_to(change, attempt, memory) else { continue };
            let why = change.path.to_string();
            let unused = |edit: &Edit| {
                edit.iter().any(|(id, choice)| attempt.choices[*id] != *choice)
                    && !memory.used.contains(&(why.clone(), edit.clone()))
            };
            if let Some(edit) = edits.into_iter().find(unused) {
                memory.used.insert((why, edit.clone()));
                for (id, choice) in &edit {
                    next.choices[*id] = *choice;
                }
            } else if let Some(id) = self.ignorable(id)
                && self.arguments.all[id].value.is_null()
                && !attempt.ignored.contains(&id)
                && memory.used.insert((why, Vec::new()))
            {
                next.ignored.insert(id);
            }
        }
        if next != *attempt {
            return Some(next);
        }
        // What becomes unknown for no reason of its own has its reason in something else that is set.
        if planned.changes.iter().all(|change| change.planned.is_wholly_known()) {
            return None;
        }
        let mut suspects = self.droppable(attempt, |hunt, id| {
            let argument = &hunt.arguments.all[id];
            argument.parent.is_none() && (argument.is_computed || argument.is_block)
        });
        suspects.sort_unstable();
        let mut size = suspects.len();
        while size > 0 {
            for edit in suspects.chunks(size) {
                if let Some(next) = self.use_edit("suspect", edit.to_vec(), attempt, memory) {
                    return Some(next);
                }
            }
            size /= 2;
        }
        None
    }

    /// Gives the argument that a change is about, and what may undo the change, best first.
    fn answers_to(&mut self, change: &Change, attempt: &Attempt, memory: &Memory) -> Option<(Id, Vec<Edit>)> {
        let n_names = change.path.steps().iter().filter(|step| matches!(step, cty::PathStep::GetAttr(_))).count();
        let found = self.arguments.at(&change.path);
        let id = *found.first()?;
        if self.arguments.all[id].pattern.split('.').count() != n_names {
            return None;
        }
        let mut edits: Vec<Edit> = Vec::new();
        let is_written = self.arguments.is_written(attempt, id);
        let holds = !change.prior.is_null();
        if holds && !is_written {
            let mut edit: Edit = vec![(id, self.preferred(id))];
            edit.extend(self.arguments.ancestors(id).map(|outer| (outer, OBSERVED)));
            for (id, _) in edit.clone() {
                let rivals = memory.dropped.get(&id).into_iter().flatten();
                edit.extend(rivals.filter(|rival| !self.arguments.all[**rival].is_required).map(|id| (*id, ABSENT)));
            }
            edit.retain(|(id, choice)| attempt.choices[*id] == ABSENT || *choice == ABSENT);
            edits.push(edit);
        }
        let inside: Edit = (id..self.arguments.all.len())
            .take_while(|inner| *inner == id || self.arguments.is_inside(*inner, id))
            .filter(|inner| *inner != id && attempt.choices[*inner] == ABSENT)
            .filter(|inner| !self.arguments.all[*inner].value.is_null() && !memory.dropped.contains_key(inner))
            .map(|inner| (inner, OBSERVED))
            .collect();
        if holds && !inside.is_empty() {
            let mut whole = inside;
            whole.insert(0, (id, OBSERVED));
            edits.push(whole);
        }
        if holds && attempt.choices[id] > OBSERVED {
            edits.push(vec![(id, OBSERVED)]);
        }
        if is_written && !self.arguments.all[id].is_required {
            edits.push(vec![(id, ABSENT)]);
        }
        let argument = &self.arguments.all[id];
        // A default that the object's SDK never wrote down: what it is said to be may satisfy the provider.
        if argument.is_blank && argument.value.is_null() && !is_blank(&change.planned) && argument.is_in_set {
            return None;
        }
        Some((id, edits))
    }

    /// Ignores the changes that nothing was found against, where that helps.
    pub(super) fn silence(&mut self, settled: Settled) -> Result<Settled, Stop> {
        let mut next = settled.attempt.clone();
        for path in &settled.accepted {
            let ids = self.arguments.at(path);
            let exact = ids.into_iter().filter(|id| self.arguments.all[*id].path == *path);
            next.ignored.extend(exact.filter_map(|id| self.ignorable(id)));
        }
        if next == settled.attempt {
            return Ok(settled);
        }
        Ok(match self.ask(&next)? {
            Outcome::Planned(planned) if planned.changes.len() < settled.accepted.len() => {
                Settled { attempt: next, accepted: planned.changes.iter().map(|change| change.path.clone()).collect() }
            }
            _ => settled,
        })
    }

    /// Gives the argument by which changes of one can be ignored: no path leads into a set.
    fn ignorable(&self, id: Id) -> Option<Id> {
        let mut all = std::iter::once(id).chain(self.arguments.ancestors(id));
        all.find(|id| !self.arguments.all[*id].is_in_set && !self.arguments.all[*id].is_block)
    }

    /// Begins again with what must be set, and adds the rest piece by piece as long as it stays valid.
    pub(super) fn start_over(&mut self, first: &Attempt) -> Result<Option<Settled>, Stop> {
        let Some(base) = self.make_valid(self.bare(first))? else { return Ok(None) };
        self.grow(base, first).map(Some)
    }

    /// Begins again with nothing but what must be set and what plans missed so far: where arguments are locked together,
    /// the plans tell the way out.
    pub(super) fn start_with_missed(&mut self, first: &Attempt) -> Result<Option<Settled>, Stop> {
        let mut missed = self.bare(first);
        let plans = self.met.iter().filter_map(|attempt| match self.answers.get(attempt) {
            Some(Outcome::Planned(planned)) => Some(planned),
            Some(Outcome::Invalid(_) | Outcome::Created(_)) | None => None,
        });
        for change in plans.flat_map(|planned| &planned.changes).filter(|change| !change.prior.is_null()) {
            for id in self.arguments.at(&change.path) {
                if self.arguments.all[id].path == change.path {
                    for id in std::iter::once(id).chain(self.arguments.ancestors(id)) {
                        missed.choices[id] = missed.choices[id].max(OBSERVED);
                    }
                }
            }
        }
        match self.settle(missed)? {
            Some(settled) => self.grow(settled.attempt, first).map(Some),
            None => Ok(None),
        }
    }

    /// Gives an attempt without all that need not be set.
    fn bare(&self, first: &Attempt) -> Attempt {
        let mut bare = first.clone();
        for (id, argument) in self.arguments.all.iter().enumerate() {
            if !argument.is_required && argument.parent.is_none() {
                bare.choices[id] = ABSENT;
            }
        }
        bare
    }

    /// Adds what another attempt holds piece by piece, as long as that is valid and plans no more changes.
    fn grow(&mut self, from: Attempt, other: &Attempt) -> Result<Settled, Stop> {
        let mut settled = Settled { attempt: from, accepted: Vec::new() };
        let Outcome::Planned(planned) = self.ask(&settled.attempt)? else { return Ok(settled) };
        settled.accepted = planned.changes.iter().map(|change| change.path.clone()).collect();
        let mut rest: Vec<Id> = (0..self.arguments.all.len())
            .filter(|id| self.arguments.all[*id].parent.is_none() && !self.arguments.all[*id].is_blank)
            .filter(|id| self.arguments.is_written(other, *id) && !self.arguments.is_written(&settled.attempt, *id))
            .collect();
        rest.sort_by_key(|id| self.worth(*id));
        let mut pieces = vec![rest];
        while let Some(piece) = pieces.pop().filter(|piece| !piece.is_empty()) {
            let mut next = settled.attempt.clone();
            for id in &piece {
                next.choices[*id] = other.choices[*id];
            }
            match self.ask(&next)? {
                Outcome::Planned(planned) if planned.changes.len() <= settled.accepted.len() => {
                    settled.accepted = planned.changes.iter().map(|change| change.path.clone()).collect();
                    settled.attempt = next;
                }
                _ if piece.len() > 1 => {
                    let (first, second) = piece.split_at(piece.len() / 2);
                    pieces.push(second.to_vec());
                    pieces.push(first.to_vec());
                }
                _ => {}
            }
        }
        Ok(settled)
    }

    /// Repairs an attempt until it can be planned, whatever the plan.
    fn make_valid(&mut self, first: Attempt) -> Result<Option<Attempt>, Stop> {
        let mut attempt = first;
        let mut memory = Memory::default();
        let mut seen = BTreeSet::new();
        loop {
            let Outcome::Invalid(problems) = self.ask(&attempt)? else { return Ok(Some(attempt)) };
            if seen.insert(attempt.clone()) {
                memory.refused.push(attempt.clone());
            }
            let mut next = self.repair(&attempt, problems, &mut memory);
            while next.as_ref().is_some_and(|next| seen.contains(next)) {
                next = self.repair(&attempt, problems, &mut memory);
            }
            match next.or_else(|| memory.earlier(false)) {
                Some(next) => attempt = next,
                None => return Ok(None),
            }
        }
    }
}
