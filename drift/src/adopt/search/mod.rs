//! Finds, by asking the provider, a configuration under which an existing object plans clean.
//!
//! A [`Search`] never talks to anybody: it gives out a [`Probe`] (a configuration to be validated and planned over the
//! object), is fed the [`ProbeAnswer`], and goes on until it is [`SearchStep::Done`]. No rule here knows a resource type. In
//! order:
//!
//! 1. *Candidate*: what the provider alone sets is never written. Left out at first is also what the provider's own
//!    generator leaves out, what is deprecated, what lessons of earlier objects say, and in `minimal` what is blank or was
//!    not chosen by a person. JSON is spelled as `jsonencode` does. What must be set and cannot be read gets a stand-in.
//! 2. *Settling*: complaints are read by their path, else by the names in their text. What excludes each other is reduced
//!    to one (what is required, set, not deprecated), what is missing is added, blanks are the first to be dropped; then
//!    counterparts, enclosing blocks, stand-ins. What a valid plan would change is put back, or left out, or, where the
//!    object has nothing and the provider a default, ignored. Each idea is tried once; where one leads nowhere, what was
//!    refused before it is looked at again, and only then something is made up. Where nothing helps, the search begins
//!    again with what must be set and what the plans missed, and adds the rest piece by piece.
//! 3. *Reducing* (`minimal`): one plan of a creation tells what the provider would choose by itself; `judge` says what
//!    stays all the same. What goes is left out at once; what the plan then names is put back, else halves are tried.
//! 4. *Lessons* that lead into anything but a clean plan, or into ignoring more than they say, are wrong for this object:
//!    all of it begins again without them.
//! 5. *End*: what is left is told as [`Flaw`]s; secrets are marked; what was learned is kept for the next object.
//!
//! Nothing is asked twice, and after [`MAX_PROBES`] the best that was found is taken. The same answers give the same end.
//!
//! **Start reading** at `hunt`, which puts the steps in order, then `settle` and `reduce`.

mod arguments;
mod candidate;
mod changes;
mod complaints;
mod conclude;
mod hunt;
mod judge;
mod lessons;
mod reduce;
mod secrets;
mod settle;
mod spelling;
mod standin;

use std::collections::BTreeMap;

use cty::{Path, Value};
use model::{Diagnostic, Diagnostics, ResourceType, Schema, Severity};

use self::arguments::{ABSENT, Arguments, Attempt};
use self::conclude::End;
use self::hunt::{Hunt, Notes, Outcome, Planned, Settled, Stop};
use crate::exact::Plan;
use crate::lifecycle::{self, Action, Ignored};
pub use lessons::Lessons;
pub use secrets::{is_secret_name, is_secret_text};

/// How much the configuration says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// What a person would write: an argument without which the plan stays clean is left out.
    #[default]
    Minimal,
    /// Everything that may be written and plans clean.
    Explicit,
}

/// The object to be configured.
#[derive(Clone, Copy, Debug)]
pub struct SearchSubject<'a> {
    /// Its type.
    pub resource_type: &'a ResourceType,
    /// The schema of its type.
    pub schema: &'a Schema,
    /// Observed: what the provider read, normalized. Not null, without marks.
    pub observed: &'a Value,
    /// What the provider's `GenerateResourceConfig` gave, where it has that.
    pub generated: Option<&'a Value>,
    /// How much the configuration is to say.
    pub profile: Profile,
}

/// What a search wants next.
#[derive(Clone, Debug, PartialEq)]
pub enum SearchStep {
    /// An answer to this.
    Probe(Box<Probe>),
    /// Nothing more.
    Done(Box<Solution>),
}

/// A configuration to be validated, and where it is valid planned over the object.
///
/// Where `prior` is null the creation of such an object is planned, to see what the provider would choose by itself:
/// neither the private bytes nor the identity of the object go along. Nothing is ever created.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The object as it is, or null.
    pub prior: Value,
    /// The configuration that is planned, merged with it.
    pub proposed: Value,
    /// The configuration that is validated; what is secret is marked, and goes to the provider without the mark.
    pub config: Value,
    /// The configuration that is planned, without marks: where changes are ignored it has the object's own values, as
    /// core does it.
    pub effective: Value,
}

/// What a provider says of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeAnswer {
    /// What it complains about, warnings included, with the paths it names.
    pub problems: Diagnostics,
    /// Its plan; `None` where an error kept it from making one.
    pub plan: Option<Plan>,
}

/// What a search ended with.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// The configuration; what is secret is marked. Null where there is none that is valid.
    pub config: Value,
    /// What keeps it from planning clean, and what had to be silenced; empty where it is clean.
    pub flaws: Vec<Flaw>,
    /// Arguments that become variables.
    pub secrets: Vec<SecretArgument>,
    /// Texts that plan clean when they are written through `jsonencode`; the configuration has that spelling.
    pub json: Vec<Path>,
    /// What `lifecycle.ignore_changes` must name.
    pub ignore_changes: Vec<Path>,
    /// How many probes it took.
    pub n_probes: u32,
    /// What was learned of the type, for the next object.
    pub learned: Lessons,
}

/// One thing that keeps a configuration from being clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The argument; empty where it is about the whole object.
    pub path: Path,
    /// Why, as a sentence.
    pub why: String,
    /// Whether the next apply would replace the object: such a configuration is not to be written.
    pub replaces: bool,
}

/// An argument whose value is not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretArgument {
    /// The argument.
    pub path: Path,
    /// Where the value that the configuration was certified with comes from.
    pub source: SecretSource,
    /// Whether the provider's schema calls it sensitive; else its shape or its name gave it away.
    pub is_by_schema: bool,
}

/// Says where the value of a secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The provider reads it back.
    Observed,
    /// Nobody can read it back: a stand-in was used, and changes of it are ignored where it is stored.
    StandIn,
}

/// After so many probes a search ends with the best it found.
pub const MAX_PROBES: u32 = 60;

/// Tells whether a value that a schema does not call sensitive is a secret all the same, by a name on its path or by its
/// shape: parts of it count.
pub fn looks_secret(path: &Path, value: &Value) -> bool {
    let mut is_found = false;
    cty::walk(value, |inner, part| {
        let inner = inner.steps().iter().cloned();
        let mut path = path.clone();
        inner.for_each(|step| path.push(step));
        let leaf = conclude::Leaf { path, value: part.clone(), is_sensitive: false };
        is_found |= !part.is_null() && part.is_known() && secrets::of(&leaf).is_some();
        !is_found
    });
    is_found
}

/// A search under way.
#[derive(Debug)]
pub struct Search<'a> {
    subject: SearchSubject<'a>,
    /// What was known of the type before.
    lessons: Lessons,
    arguments: Arguments,
    /// Where lessons say to begin, until they lead nowhere.
    taught: Option<Attempt>,
    /// Where to begin without lessons.
    first: Attempt,
    answers: BTreeMap<Attempt, Outcome>,
    asked: Option<Attempt>,
}

impl<'a> Search<'a> {
    /// Begins a search with what is known of the type already.
    pub fn begin(subject: SearchSubject<'a>, lessons: &Lessons) -> (Self, SearchStep) {
        let mut arguments = Arguments::of(&subject.schema.block, subject.observed);
        let mut beginning = |lessons: &Lessons| candidate::of(subject, lessons, &mut arguments);
        let first = beginning(&Lessons::default());
        let taught = (!lessons.is_empty()).then(|| beginning(lessons));
        let (lessons, answers) = (lessons.clone(), BTreeMap::new());
        let mut search = Self { subject, lessons, arguments, taught, first, answers, asked: None };
        let step = search.go_on();
        (search, step)
    }

    /// Takes the answer to the probe that was given out last.
    pub fn answer(&mut self, answer: &ProbeAnswer) -> SearchStep {
        if let Some(attempt) = self.asked.take() {
            let outcome = self.judge(&attempt, answer);
            self.answers.insert(attempt, outcome);
        }
        self.go_on()
    }

    fn go_on(&mut self) -> SearchStep {
        let (result, notes) = self.hunt();
        let settled = match result {
            Err(Stop::Ask(attempt)) => {
                let probe = self.probe(&attempt);
                self.asked = Some(attempt);
                return SearchStep::Probe(Box::new(probe));
            }
            Ok(settled) => settled,
            Err(Stop::Spent) => None,
        };
        let end = End {
            subject: self.subject,
            arguments: &self.arguments,
            notes: &notes,
            lessons: &self.lessons,
            n_probes: self.answers.len() as u32,
        };
        let settled = settled.or_else(|| self.best());
        let answered = settled.and_then(|settled| self.answers.get_key_value(&settled.attempt));
        let solution = match answered {
            Some((attempt, outcome)) => end.found(attempt, outcome),
            None => end.nothing(self.complaints()),
        };
        SearchStep::Done(Box::new(solution))
    }

    /// Hunts as far as the answers lead: with lessons, and from the start without them once those turn out to be wrong.
    ///
    /// What was answered stays answered, so that the second hunt asks only what the first did not.
    fn hunt(&mut self) -> (Result<Option<Settled>, Stop>, Notes) {
        let profile = self.subject.profile;
        if let Some(taught) = &self.taught {
            let mut hunt = Hunt::new(profile, &mut self.arguments, &self.answers, &self.lessons);
            let result = hunt.run_taught(taught);
            if !matches!(result, Ok(None)) {
                return (result, hunt.notes);
            }
            self.taught = None;
        }
        let none = Lessons::default();
        let mut hunt = Hunt::new(profile, &mut self.arguments, &self.answers, &none);
        let result = hunt.run(&self.first);
        (result, hunt.notes)
    }

    /// Gives the best of what was tried, for when nothing more may be.
    fn best(&self) -> Option<Settled> {
        let planned = self.answers.iter().filter_map(|(attempt, outcome)| match outcome {
            Outcome::Planned(planned) => Some((attempt, planned)),
            Outcome::Invalid(_) | Outcome::Created(_) => None,
        });
        let n_written = |attempt: &Attempt| attempt.choices.iter().filter(|choice| **choice != ABSENT).count();
        let (attempt, planned) = planned
            .min_by_key(|(attempt, planned)| (planned.replaces.len(), planned.changes.len(), n_written(attempt)))?;
        let accepted = planned.changes.iter().map(|change| change.path.clone()).collect();
        Some(Settled { attempt: attempt.clone(), accepted })
    }

    /// Says why no configuration is valid: what the provider said of the one it was asked about first.
    fn complaints(&self) -> Vec<String> {
        let problems = self.answers.get(&self.first).into_iter().filter_map(|outcome| match outcome {
            Outcome::Invalid(problems) => Some(problems),
            Outcome::Planned(_) | Outcome::Created(_) => None,
        });
        let errors = problems.flatten().filter(|problem| problem.severity == Severity::Error);
        let say = |problem: &Diagnostic| self.without_secrets(format!("{}: {}", problem.summary, problem.detail));
        let mut why: Vec<String> = errors.map(say).collect();
        if why.is_empty() {
            why.push("The provider made no plan, and did not say why.".to_owned());
        }
        why
    }

    /// Takes out of a provider's text what it repeats of secrets.
    fn without_secrets(&self, text: String) -> String {
        let mut text = text;
        for leaf in conclude::leaves(&self.subject.schema.block, self.subject.observed) {
            if secrets::of(&leaf).is_none() {
                continue;
            }
            cty::walk(&leaf.value, |_, value| {
                if let Some(secret) = value.as_str().filter(|secret| !secret.is_empty()) {
                    text = text.replace(secret, "(sensitive)");
                }
                true
            });
        }
        text
    }

    fn judge(&self, attempt: &Attempt, answer: &ProbeAnswer) -> Outcome {
        let Some(plan) = &answer.plan else { return Outcome::Invalid(answer.problems.clone()) };
        let (block, observed) = (&self.subject.schema.block, self.subject.observed);
        if attempt.is_creation {
            return Outcome::Created(plan.planned.clone());
        }
        let mut planned = plan.planned.clone();
        if plan.is_legacy_type_system {
            planned = lifecycle::normalize_legacy(&planned, block);
            if !attempt.ignored.is_empty() {
                planned = lifecycle::apply_ignore_changes(observed, &planned, &self.ignored(attempt));
            }
        }
        let mut replaces = lifecycle::replace_paths(&plan.requires_replace, observed, &planned, block);
        let is_clean = lifecycle::action(observed, &planned, &replaces, block) == Action::NoOp;
        let changes = if is_clean { Vec::new() } else { changes::between(block, observed, &planned) };
        if is_clean {
            replaces.clear();
        }
        let deprecated = complaints::deprecated(&answer.problems, &self.arguments);
        Outcome::Planned(Planned { changes, replaces, deprecated })
    }

    fn ignored(&self, attempt: &Attempt) -> Ignored {
        Ignored::Paths(attempt.ignored.iter().map(|id| self.arguments.all[*id].path.clone()).collect())
    }

    fn probe(&self, attempt: &Attempt) -> Probe {
        let block = &self.subject.schema.block;
        let config = self.arguments.render(attempt);
        let prior = if attempt.is_creation {
            Value::null(self.subject.observed.ty().clone())
        } else {
            self.subject.observed.clone()
        };
        let effective = if attempt.ignored.is_empty() || attempt.is_creation {
            config.clone()
        } else {
            lifecycle::ignore_in_configuration(&prior, &config, &self.ignored(attempt), block)
        };
        let proposed = lifecycle::proposed_new(block, &prior, &effective);
        Probe { prior, proposed, config: conclude::hide(block, &config), effective }
    }
}
