//! Finds, by asking the provider, a configuration under which an existing object plans clean.
//!
//! A [`Search`] never talks to anybody: it gives out a [`Probe`] (a configuration to be validated and planned over the
//! object), is fed the [`ProbeAnswer`], and goes on until it is [`Step::Done`].

mod candidate;
mod lessons;

use cty::{Path, Value};
use model::{Diagnostics, ResourceType, Schema};

use crate::exact::Plan;
use crate::lifecycle::{self, Action};
pub use lessons::Lessons;

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
pub struct Subject<'a> {
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
pub enum Step {
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
    /// Nobody can read it back: a stand-in was used, and changes of it are ignored.
    StandIn,
}

/// After so many probes a search ends with the best it found.
pub const MAX_PROBES: u32 = 60;

/// A search under way.
#[derive(Debug)]
pub struct Search<'a> {
    subject: Subject<'a>,
    config: Value,
    n_probes: u32,
    learned: Lessons,
}

impl<'a> Search<'a> {
    /// Begins a search with what is known of the type already.
    pub fn begin(subject: Subject<'a>, lessons: &Lessons) -> (Self, Step) {
        let config = candidate::of(subject);
        let search = Self { subject, config, n_probes: 1, learned: lessons.clone() };
        let step = search.probe();
        (search, step)
    }

    /// Takes the answer to the probe that was given out last.
    pub fn answer(&mut self, answer: &ProbeAnswer) -> Step {
        let flaw = |why: String| Flaw { path: Path::new(), why, replaces: false };
        let (config, flaws) = match &answer.plan {
            None => {
                let config = Value::null(self.subject.observed.ty().clone());
                let detail = |problem: &model::Diagnostic| flaw(format!("{}: {}", problem.summary, problem.detail));
                (config, answer.problems.iter().map(detail).collect())
            }
            Some(plan) => {
                let replace = lifecycle::replace_paths(
                    &plan.requires_replace,
                    self.subject.observed,
                    &plan.planned,
                    &self.subject.schema.block,
                );
                let action =
                    lifecycle::action(self.subject.observed, &plan.planned, &replace, &self.subject.schema.block);
                let flaws = if action == Action::NoOp { vec![] } else { vec![flaw(format!("The plan: {action:?}."))] };
                (self.config.clone(), flaws)
            }
        };
        Step::Done(Box::new(Solution {
            config,
            flaws,
            secrets: Vec::new(),
            json: Vec::new(),
            ignore_changes: Vec::new(),
            n_probes: self.n_probes,
            learned: self.learned.clone(),
        }))
    }

    fn probe(&self) -> Step {
        let proposed = lifecycle::proposed_new(&self.subject.schema.block, self.subject.observed, &self.config);
        Step::Probe(Box::new(Probe {
            prior: self.subject.observed.clone(),
            proposed,
            config: self.config.clone(),
            effective: self.config.clone(),
        }))
    }
}
