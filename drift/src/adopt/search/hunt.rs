//! The hunt: one straight line of questions, run again from its start with every answer.
//!
//! What was answered is remembered, so that each run comes to the first question that was not asked yet; nothing is asked
//! twice. A run is a function of the object and the answers, and so is its end.

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, Value};
use model::Diagnostics;

use super::arguments::{Arguments, Attempt, Choice, Id, OBSERVED};
use super::changes::Change;
use super::judge::Created;
use super::lessons::Sort;
use super::{MAX_PROBES, Profile, SearchSubject};

/// What the provider said of an attempt.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It is not valid, or cannot be planned.
    Invalid(Diagnostics),
    /// It can be planned.
    Planned(Planned),
    /// This would be created.
    Created(Value),
}

/// A plan over the object.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    /// What it changes; nothing where it is clean.
    pub(super) changes: Vec<Change>,
    /// What the object would be replaced for.
    pub(super) replaces: Vec<Path>,
    /// Arguments that the provider called deprecated.
    pub(super) deprecated: Vec<Id>,
}

impl Planned {
    /// Tells whether it changes no more than what was accepted.
    pub(super) fn is_within(&self, accepted: &[Path]) -> bool {
        self.changes.iter().all(|change| accepted.contains(&change.path))
            && self.replaces.iter().all(|path| accepted.iter().any(|accepted| path.starts_with(accepted)))
    }
}

/// Why a run ends before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// This is to be asked.
    Ask(Attempt),
    /// Nothing more may be asked.
    Spent,
}

/// An attempt that can be planned, and what its plan changes all the same.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub(super) attempt: Attempt,
    /// What nothing was found against.
    pub(super) accepted: Vec<Path>,
}

/// What was found out on the way to the end.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Arguments that were left out for the sake of others.
    pub(super) conflicts: Vec<(Id, Id)>,
    /// What creations make of arguments.
    pub(super) created: BTreeMap<Id, (Created, Option<String>)>,
    /// Arguments that the provider called deprecated.
    pub(super) deprecated: BTreeSet<Id>,
    /// Whether no creation could be planned.
    pub(super) is_refused: bool,
}

/// One run.
pub(super) struct Hunt<'a> {
    pub(super) profile: Profile,
    pub(super) arguments: &'a mut Arguments,
    pub(super) answers: &'a BTreeMap<Attempt, Outcome>,
    pub(super) lessons: &'a super::Lessons,
    pub(super) notes: Notes,
}

impl<'a> Hunt<'a> {
    pub(super) fn new(
        subject: SearchSubject<'_>,
        arguments: &'a mut Arguments,
        answers: &'a BTreeMap<Attempt, Outcome>,
        lessons: &'a super::Lessons,
    ) -> Self {
        let profile = subject.profile;
        Self { profile, arguments, answers, lessons, notes: Notes::default() }
    }

    /// Looks for a configuration, from each of the beginnings until one leads to a clean plan; nothing where the provider
    /// calls none valid.
    pub(super) fn run(&mut self, beginnings: &[Attempt]) -> Result<Option<Settled>, Stop> {
        let mut best: Option<Settled> = None;
        for first in beginnings {
            let settled = self.settle(first.clone())?;
            let n_left = |settled: &Settled| settled.accepted.len();
            if settled.as_ref().is_some_and(|new| best.as_ref().is_none_or(|best| n_left(new) < n_left(best))) {
                best = settled;
            }
            if best.as_ref().is_some_and(|best| n_left(best) == 0) {
                break;
            }
        }
        let is_clean = |best: &Option<Settled>| best.as_ref().is_some_and(|best| best.accepted.is_empty());
        if let (false, true, Some(last)) = (is_clean(&best), best.is_some(), beginnings.last()) {
            best = self.start_with_missed(last)?.filter(|settled| settled.accepted.is_empty()).or(best);
        }
        let settled = match (best, beginnings.last()) {
            (Some(settled), _) => settled,
            (None, Some(last)) => match self.start_over(last)? {
                Some(settled) => self.settle(settled.attempt.clone())?.unwrap_or(settled),
                None => return Ok(None),
            },
            (None, None) => return Ok(None),
        };
        let settled = self.silence(settled)?;
        match self.profile {
            Profile::Explicit => Ok(Some(settled)),
            Profile::Minimal => self.reduce(settled).map(Some),
        }
    }

    /// Gives the choice by which an argument is written: its JSON as `jsonencode` spells it, where that was not wrong
    /// before.
    pub(super) fn preferred(&mut self, id: Id) -> Choice {
        let argument = &self.arguments.all[id];
        match argument.respelled.clone() {
            Some(respelled) if !self.lessons.has(Sort::Raw, &argument.pattern) => {
                self.arguments.alternative(id, &respelled)
            }
            _ => OBSERVED,
        }
    }

    /// Gives the answer to an attempt.
    pub(super) fn ask(&self, attempt: &Attempt) -> Result<&'a Outcome, Stop> {
        match self.answers.get(attempt) {
            Some(outcome) => Ok(outcome),
            None if self.answers.len() >= MAX_PROBES as usize => Err(Stop::Spent),
            None => Err(Stop::Ask(attempt.clone())),
        }
    }
}
