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
use super::{MAX_PROBES, Profile};

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
    /// What this run came by: another one, with lessons, may have asked more.
    pub(super) met: BTreeSet<Attempt>,
    /// So many answers are enough.
    max_probes: u32,
}

impl<'a> Hunt<'a> {
    pub(super) fn new(
        profile: Profile,
        arguments: &'a mut Arguments,
        answers: &'a BTreeMap<Attempt, Outcome>,
        lessons: &'a super::Lessons,
    ) -> Self {
        let (notes, met) = (Notes::default(), BTreeSet::new());
        Self { profile, arguments, answers, lessons, notes, met, max_probes: MAX_PROBES }
    }

    /// Looks for a clean configuration from where lessons say to begin; nothing where they are wrong for this object.
    ///
    /// They are wrong where settling ends unclean, or clean only because more is ignored than they say, and where it takes
    /// so long that nothing would be left to begin again with.
    pub(super) fn run_taught(&mut self, taught: &Attempt) -> Result<Option<Settled>, Stop> {
        self.max_probes = MAX_PROBES / 2;
        let settled = match self.settle(taught.clone()) {
            Err(Stop::Spent) => return Ok(None),
            settled => settled?,
        };
        self.max_probes = MAX_PROBES;
        let is_right =
            |settled: &Settled| settled.accepted.is_empty() && settled.attempt.ignored.is_subset(&taught.ignored);
        match settled.filter(is_right) {
            Some(settled) => self.finish(settled).map(Some),
            None => Ok(None),
        }
    }

    /// Looks for a configuration; nothing where the provider calls none valid.
    pub(super) fn run(&mut self, first: &Attempt) -> Result<Option<Settled>, Stop> {
        let settled = match self.settle(first.clone())? {
            Some(settled) if settled.accepted.is_empty() => settled,
            Some(settled) => {
                let other = self.start_with_missed(first)?;
                other.filter(|other| other.accepted.is_empty()).unwrap_or(settled)
            }
            None => match self.start_over(first)? {
                Some(settled) => self.settle(settled.attempt.clone())?.unwrap_or(settled),
                None => return Ok(None),
            },
        };
        let settled = self.silence(settled)?;
        self.finish(settled).map(Some)
    }

    fn finish(&mut self, settled: Settled) -> Result<Settled, Stop> {
        match self.profile {
            Profile::Explicit => Ok(settled),
            Profile::Minimal => self.reduce(settled),
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
    pub(super) fn ask(&mut self, attempt: &Attempt) -> Result<&'a Outcome, Stop> {
        match self.answers.get(attempt) {
            Some(outcome) => {
                self.met.insert(attempt.clone());
                Ok(outcome)
            }
            None if self.answers.len() >= self.max_probes as usize => Err(Stop::Spent),
            None => Err(Stop::Ask(attempt.clone())),
        }
    }
}
