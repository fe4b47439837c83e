//! The examination: which plans to ask for, and what they make of each difference.

mod decide;
mod judge;
mod pending;

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, PathStep, Value};
use model::{AttributeDifference, AttributeType, Block, Kind, Tier};

use super::config::{Code, Supposed, configuration, evaluated};
use super::rows::{changed_names, is_changed_back};
use super::suppose::{is_silent, suppose};
use super::walk::{Facet, Place, agree, differences};
use super::{Facets, Next, Plan, PlanBase, PlanQuestion, security_path};
use crate::compare::canonical::is_blank;
use crate::{Declaration, lifecycle};

/// The examination of one instance: it tells what to ask the provider, and is fed the answers.
///
/// At most four plans are asked: one without the blocks of which nobody knows whether the code writes them; one over
/// Observed; one more with what the code leaves open written as it is recorded, which tells whether the provider calls
/// both the same; and one over Recorded, where something is changed back or the code is not applied. Where nothing
/// differs that a plan could tell more of, none is.
///
/// Where the code was evaluated, the plans tell the rows of the truth table apart, and what the code changes is found
/// where state and cloud agree, too. Else the code is supposed to be what was applied, and all there is to find is
/// what changed since.
#[derive(Clone)]
pub struct Examination<'a> {
    facets: Facets<'a>,
    code: Code<'a>,
    /// Recorded and Observed without marks: providers know none.
    recorded: Value,
    observed: Value,
    /// Where Recorded is marked, or Declared.
    hidden: Vec<Path>,
    /// Declared without marks, where the code was evaluated.
    evaluated: Option<Value>,
    /// The same, and what is unknown in it is as it is recorded.
    supposed: Option<Value>,
    /// Whether the code may change what is recorded.
    is_code_ahead: bool,
    /// Whether one plan is all there is.
    is_settling: bool,
    raw: Option<Value>,
    places: Vec<(Place, Standing)>,
    /// The outermost blocks that a plan leaves alone though the configuration lacks them.
    silent: BTreeSet<String>,
    stage: Stage,
    planned: Option<Plan>,
    is_replanned: bool,
    /// The attributes and blocks that the plan over Observed changes.
    acts_on: BTreeSet<String>,
    trouble: Option<String>,
}

#[derive(Clone, Debug)]
enum Stage {
    /// The plan without these blocks is awaited.
    Blocks(BTreeSet<String>),
    /// The plan over Observed is awaited.
    Observed,
    /// The same is awaited, with what the code leaves open written as it is recorded.
    Written,
    /// The plan over Recorded is awaited.
    Recorded,
    /// Everything is decided.
    Over,
}

/// What is known of a difference.
#[derive(Clone, Debug)]
enum Standing {
    /// The plans decide.
    Open,
    /// No plan is needed.
    Decided(Decided),
    /// The provider calls both sides the same.
    Same,
}

/// What happened, how relevant it is, and why.
#[derive(Clone, Debug)]
struct Decided {
    kind: Kind,
    tier: Tier,
    cause: Option<String>,
}

impl Decided {
    /// Says that the cloud differs from what was applied.
    fn changed(tier: Tier) -> Self {
        Self { kind: Kind::Changed, tier, cause: None }
    }

    fn because(self, cause: impl Into<String>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }
}

/// Whether the code writes an argument.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    Written,
    Silent,
    /// The code was not read, and the schema allows both.
    Unknown,
}

impl<'a> Examination<'a> {
    /// Compares Recorded and Observed; what to do next is a plan to ask for, or the result.
    pub fn begin(facets: Facets<'a>) -> (Self, Next) {
        let (recorded, marks) = facets.recorded.unmark_deep_with_paths();
        let (observed, _) = facets.observed.unmark_deep();
        let config = facets.config.filter(|config| config.is_known() && !config.is_null());
        let (evaluated, config_marks) = config.map(Value::unmark_deep_with_paths).unzip();
        let marks = marks.into_iter().chain(config_marks.into_iter().flatten());
        let supposed = evaluated.as_ref().map(|evaluated| suppose(evaluated, Some(&recorded)));
        let mut examination = Self {
            facets,
            code: Code { address: facets.address, declared: facets.declared },
            recorded,
            observed,
            hidden: marks.map(|(path, _)| path).collect(),
            evaluated,
            supposed,
            is_code_ahead: false,
            is_settling: false,
            raw: None,
            places: Vec::new(),
            silent: BTreeSet::new(),
            stage: Stage::Over,
            planned: None,
            is_replanned: false,
            acts_on: BTreeSet::new(),
            trouble: None,
        };
        examination.is_code_ahead = examination.changes_recorded();
        let is_same = examination.recorded == examination.observed;
        let found = if is_same { Vec::new() } else { examination.walk(None, None) };
        if found.is_empty() {
            let next =
                if examination.is_code_ahead { examination.ask(PlanBase::Observed) } else { Next::Done(Vec::new()) };
            return (examination, next);
        }
        examination.raw = cty::json::decode_implied(facets.recorded_json).ok();
        examination.places = found
            .into_iter()
            .map(|place| {
                let standing = examination.decide(&place).map_or(Standing::Open, Standing::Decided);
                (place, standing)
            })
            .collect();
        let next = examination.first_question();
        (examination, next)
    }

    /// Compares by the one plan there is, and asks for no other: terraform's own, made over Observed with the code as it is.
    ///
    /// `plan` is the plan, or a sentence that says why there is none. Where the code was evaluated, it says what the state
    /// has where that is what is planned.
    pub fn settle(facets: Facets<'a>, plan: Result<Plan, String>) -> Vec<AttributeDifference> {
        let (mut examination, next) = Self::begin(facets);
        examination.is_settling = true;
        if let Next::Done(differences) = next {
            return differences;
        }
        match plan {
            Err(trouble) => examination.trouble = Some(trouble),
            Ok(plan) => {
                examination.refresh(&plan, None);
                examination.silent = examination.open_blocks_left_alone();
                examination.acts_on = examination.acts_because_of_drift(&plan);
                examination.planned = Some(plan);
            }
        }
        match examination.finish() {
            Next::Done(differences) => differences,
            Next::Plan(_) => Vec::new(),
        }
    }

    /// Names the outermost blocks of which nobody knows whether the code writes them, and that the plan leaves alone.
    fn open_blocks_left_alone(&self) -> BTreeSet<String> {
        let is_open = |name: &&String| self.code.declaration(&Path::new().attr(name.as_str())) == Declaration::Unknown;
        let blocks = |is_wanted: fn(&Place) -> bool| {
            let places = self.places.iter().filter(move |(place, _)| is_wanted(place));
            places.filter_map(|(place, _)| place.facts.block.as_ref())
        };
        let changed: BTreeSet<&String> = blocks(is_changed_back).collect();
        blocks(|_| true).filter(is_open).filter(|name| !changed.contains(name)).cloned().collect()
    }

    /// Names the attributes and blocks that a plan of the code as it is changes because of what differs; none where it may
    /// do so because the code was changed.
    fn acts_because_of_drift(&self, plan: &Plan) -> BTreeSet<String> {
        let acts_on = changed_names(&plan.planned, &self.observed);
        let attributes = &self.facets.schema.block.attributes;
        let is_same = |name: &String| self.recorded.get_attr(name).ok() == self.observed.get_attr(name).ok();
        let is_by_code =
            |name: &&String| attributes.get(*name).is_none_or(|own| !super::is_runtime(own)) && is_same(name);
        if acts_on.iter().any(|name| is_by_code(&name)) { BTreeSet::new() } else { acts_on }
    }

    /// Takes the answer to the plan asked for last: the plan, or the provider's refusal as a sentence.
    pub fn answer(&mut self, plan: Result<Plan, String>) -> Next {
        let plan = plan.and_then(|plan| {
            if plan.planned.is_null() { Err("It planned to destroy the object.".to_owned()) } else { Ok(plan) }
        });
        match (std::mem::replace(&mut self.stage, Stage::Over), plan) {
            (Stage::Blocks(blocks), Ok(plan)) => {
                let changed: BTreeSet<String> = self
                    .walk(Some(&plan), None)
                    .into_iter()
                    .filter(|place| !agree(place.facet.planned.as_ref(), place.facet.cloud.as_ref()))
                    .filter_map(|place| place.facts.block)
                    .collect();
                self.silent = blocks.difference(&changed).cloned().collect();
                if self.silent == blocks {
                    self.stage = Stage::Observed;
                    return self.answer(Ok(plan));
                }
                self.ask(PlanBase::Observed)
            }
            (Stage::Observed, Ok(plan)) => {
                self.refresh(&plan, None);
                self.acts_on = changed_names(&plan.planned, &self.observed);
                self.planned = Some(plan);
                let open = self.left_open();
                if open.is_empty() { self.after_observed() } else { self.ask_written(&open) }
            }
            (Stage::Written, Ok(plan)) => {
                let written = self.walk(Some(&plan), None);
                let candidates = self.may_be_same();
                for (((_, standing), written), may_be_same) in self.places.iter_mut().zip(written).zip(candidates) {
                    let is_known = written.facet.planned.as_ref().is_none_or(Value::is_wholly_known);
                    if may_be_same && is_known && !is_changed_back(&written) {
                        *standing = Standing::Same;
                    }
                }
                self.after_observed()
            }
            (Stage::Written, Err(_)) => self.after_observed(),
            (Stage::Recorded, Ok(replan)) => {
                if let Some(plan) = self.planned.take() {
                    self.refresh(&plan, Some(&replan));
                    self.planned = Some(plan);
                    self.is_replanned = true;
                    let in_any_case = changed_names(&replan.planned, &self.recorded);
                    self.acts_on.retain(|name| !in_any_case.contains(name));
                }
                self.finish()
            }
            (Stage::Blocks(_) | Stage::Observed, Err(trouble)) => {
                self.trouble = Some(trouble);
                self.finish()
            }
            (Stage::Recorded, Err(_)) | (Stage::Over, _) => self.finish(),
        }
    }

    /// Tells whether the code, as far as it is known, says something else than what is recorded.
    fn changes_recorded(&self) -> bool {
        let (Some(evaluated), Some(supposed)) = (&self.evaluated, &self.supposed) else { return false };
        let block = &self.facets.schema.block;
        let changes = |config: &Value| lifecycle::proposed_new(block, &self.recorded, config) != self.recorded;
        // What is to be ignored, or is not stored, only brings the configuration closer to what is recorded.
        let is_surely_applied = evaluated.is_wholly_known() && !changes(evaluated);
        !is_surely_applied && changes(&self.configuration(supposed, &self.recorded, &BTreeSet::new()))
    }

    fn configuration(&self, supposed: &Value, prior: &Value, written: &BTreeSet<String>) -> Value {
        evaluated(&self.facets.schema.block, self.code, supposed, &self.recorded, prior, written)
    }

    fn after_observed(&mut self) -> Next {
        let is_runtime = |standing: &Standing| matches!(standing, Standing::Decided(own) if own.tier == Tier::Runtime);
        let has_runtime = self.places.iter().any(|(_, standing)| is_runtime(standing));
        let may_be_stale = self.is_code_ahead && !self.places.is_empty();
        if may_be_stale || self.is_changing_back() || has_runtime && !self.acts_on.is_empty() {
            self.ask(PlanBase::Recorded)
        } else {
            self.finish()
        }
    }

    /// Tells of each difference whether the provider may call both sides the same, though nobody knows it yet: the plan
    /// leaves it alone because the code does not write it, or may not. What only came or only went is not the same as
    /// nothing.
    fn may_be_same(&self) -> Vec<bool> {
        let is_candidate = |(place, standing): &(Place, Standing)| {
            matches!(standing, Standing::Open)
                && !place.is_weak
                && !place.facts.is_recorded_default
                && !is_changed_back(place)
                && self.writing(place) != Writing::Written
        };
        let candidates: Vec<bool> = self.places.iter().map(is_candidate).collect();
        let mut sides: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
        for ((place, _), is_candidate) in self.places.iter().zip(&candidates) {
            if let Some(name) = outermost(&place.path).filter(|_| *is_candidate) {
                let (went, came) = sides.entry(name).or_default();
                *went |= place.facet.state.is_some();
                *came |= place.facet.cloud.is_some();
            }
        }
        let has_both = |place: &Place| outermost(&place.path).and_then(|name| sides.get(name)) == Some(&(true, true));
        let is_pair = |place: &Place| place.facet.state.is_some() && place.facet.cloud.is_some();
        let places = self.places.iter().zip(candidates);
        places.map(|((place, _), is_candidate)| is_candidate && (is_pair(place) || has_both(place))).collect()
    }

    /// Names the outermost attributes and blocks of such differences.
    fn left_open(&self) -> BTreeSet<String> {
        let left = self.places.iter().zip(self.may_be_same()).filter(|(_, may_be_same)| *may_be_same);
        left.filter_map(|((place, _), _)| outermost(&place.path)).map(str::to_owned).collect()
    }

    fn ask_written(&mut self, written: &BTreeSet<String>) -> Next {
        let next = self.question(PlanBase::Observed, written);
        self.stage = Stage::Written;
        next
    }

    fn walk(&self, planned: Option<&Plan>, replanned: Option<&Plan>) -> Vec<Place> {
        let facet = Facet {
            state: Some(self.recorded.clone()),
            cloud: Some(self.observed.clone()),
            planned: planned.map(|plan| plan.planned.clone()),
            replanned: replanned.map(|plan| plan.planned.clone()),
            code: self.evaluated.clone(),
        };
        let mut found =
            differences(&self.facets.schema.block, &facet, has_nested_attributes(&self.facets.schema.block));
        found.retain(|place| !self.is_default_tag(place));
        found
    }

    /// Tells whether a tag only moved between `tags` and the tags of the provider's configuration: `tags_all` of the other
    /// side has it, so the cloud did not change.
    fn is_default_tag(&self, place: &Place) -> bool {
        let [PathStep::GetAttr(name), PathStep::Index(key)] = place.path.steps() else { return false };
        let (other, value) = match (&place.facet.state, &place.facet.cloud) {
            (None, Some(value)) => (&self.recorded, value),
            (Some(value), None) => (&self.observed, value),
            _ => return false,
        };
        name == "tags" && other.get_attr("tags_all").and_then(|tags| tags.index(key)).as_ref() == Ok(value)
    }

    /// Puts what the plans make of each difference beside it.
    fn refresh(&mut self, planned: &Plan, replanned: Option<&Plan>) {
        let found = self.walk(Some(planned), replanned);
        for ((place, _), found) in self.places.iter_mut().zip(found) {
            *place = found;
        }
    }

    fn first_question(&mut self) -> Next {
        let needs_plan = |standing: &Standing| match standing {
            Standing::Open => true,
            Standing::Decided(decided) => decided.tier == Tier::Runtime,
            Standing::Same => false,
        };
        if !self.is_code_ahead && !self.places.iter().any(|(_, standing)| needs_plan(standing)) {
            return self.finish();
        }
        let is_open = |(_, standing): &&(Place, Standing)| matches!(standing, Standing::Open);
        let open = self.places.iter().filter(is_open).map(|(place, _)| place);
        let blocks: BTreeSet<String> = open
            .filter_map(|place| place.facts.block.as_ref())
            .filter(|name| {
                let nested = self.facets.schema.block.blocks.get(*name);
                self.code.declaration(&Path::new().attr(name.as_str())) == Declaration::Unknown
                    && nested.is_some_and(|nested| nested.min_items == 0)
                    && self.recorded.get_attr(name).is_ok_and(|value| !is_blank(&value))
            })
            .cloned()
            .collect();
        if blocks.is_empty() || self.evaluated.is_some() {
            return self.ask(PlanBase::Observed);
        }
        self.silent.clone_from(&blocks);
        let next = self.ask(PlanBase::Observed);
        self.silent.clear();
        self.stage = Stage::Blocks(blocks);
        next
    }

    fn ask(&mut self, over: PlanBase) -> Next {
        self.stage = match over {
            PlanBase::Observed => Stage::Observed,
            PlanBase::Recorded => Stage::Recorded,
        };
        self.question(over, &BTreeSet::new())
    }

    fn question(&self, over: PlanBase, written: &BTreeSet<String>) -> Next {
        let prior = match over {
            PlanBase::Observed => &self.observed,
            PlanBase::Recorded => &self.recorded,
        };
        let block = &self.facets.schema.block;
        let config = match &self.supposed {
            Some(supposed) => self.configuration(supposed, prior, written),
            None => {
                let supposed = Supposed { silent: &self.silent, written };
                configuration(block, self.code, &self.recorded, prior, supposed)
            }
        };
        let proposed = lifecycle::proposed_new(block, prior, &config);
        Next::Plan(Box::new(PlanQuestion { over, prior: prior.clone(), proposed, config }))
    }

    /// Tells whether the plan over Observed changes some open difference back.
    fn is_changing_back(&self) -> bool {
        self.places.iter().any(|(place, standing)| matches!(standing, Standing::Open) && is_changed_back(place))
    }

    fn finish(&mut self) -> Next {
        self.stage = Stage::Over;
        if !self.acts_on.is_empty() && self.planned.is_some() && !self.is_changing_back() {
            self.blame_runtime();
        }
        let mut found = Vec::new();
        for (place, standing) in std::mem::take(&mut self.places) {
            let decided = match standing {
                Standing::Open => self.judge(&place),
                Standing::Decided(decided) => Some(self.unread(&place, &decided).unwrap_or(decided)),
                Standing::Same => None,
            };
            found.extend(decided.map(|decided| (place, decided)));
        }
        // A changed element of a set is planned anew as a whole, the defaults in it with it.
        let changed: Vec<Path> = found
            .iter()
            .filter(|(place, decided)| decided.tier == Tier::Declared && !place.is_weak)
            .filter_map(|(place, _)| element_of_set(&place.path))
            .collect();
        found.retain(|(place, _)| {
            !place.is_weak || element_of_set(&place.path).is_none_or(|element| !changed.contains(&element))
        });
        let mut differences: Vec<AttributeDifference> =
            found.into_iter().map(|(place, decided)| self.difference(place, decided)).collect();
        let pending = self.pending();
        if !pending.is_empty() {
            differences.extend(pending);
            differences.sort_by_cached_key(|difference| difference.path.to_string());
        }
        Next::Done(differences)
    }

    /// Calls declared what only the provider sets, where that alone makes the provider act: it compares by a hash, or by
    /// the object as it found it last.
    fn blame_runtime(&mut self) {
        let acts_on: Vec<String> = self.acts_on.iter().map(|name| format!("`{name}`")).collect();
        let cause = format!("Because of it, the provider plans to change {}.", acts_on.join(", "));
        for (_, standing) in &mut self.places {
            if let Standing::Decided(decided) = standing {
                if decided.tier == Tier::Runtime {
                    *decided = Decided::changed(Tier::Declared).because(cause.clone());
                }
            }
        }
    }

    fn writing(&self, place: &Place) -> Writing {
        let facts = &place.facts;
        let is_ignored = |declaration: &Declaration| *declaration == Declaration::IgnoredChanges;
        let declaration = self.code.declaration(&place.path);
        if let Some(config) = self.evaluated.as_ref().filter(|_| !is_ignored(&declaration)) {
            let is_silent = is_silent(&self.facets.schema.block, config, &place.path);
            return if is_silent && !facts.is_required { Writing::Silent } else { Writing::Written };
        }
        match declaration {
            Declaration::Written(_) | Declaration::IgnoredChanges => Writing::Written,
            Declaration::Silent if facts.is_required => Writing::Written,
            Declaration::Silent => Writing::Silent,
            Declaration::Unknown if facts.is_required => Writing::Written,
            Declaration::Unknown if facts.is_recorded_blank => Writing::Silent,
            Declaration::Unknown => {
                let is_open_block = facts.block.as_ref().is_some_and(|block| self.silent.contains(block));
                if facts.is_computed || is_open_block { Writing::Unknown } else { Writing::Written }
            }
        }
    }

    fn difference(&self, place: Place, decided: Decided) -> AttributeDifference {
        let is_sensitive = self.is_sensitive(&place);
        let show = |value: Option<Value>| value.map(|value| if is_sensitive { value.mark_sensitive() } else { value });
        let source = match self.code.declaration(&place.path) {
            Declaration::Written(span) => Some(span),
            Declaration::Silent | Declaration::IgnoredChanges | Declaration::Unknown => None,
        };
        let Facet { state, cloud, planned, code, .. } = place.facet;
        let is_open = matches!(decided.tier, Tier::Undeclared | Tier::Unclassified) && !place.is_weak;
        let security = security_path(&self.facets.address.resource.resource_type, &place.path)
            .filter(|_| is_open && decided.kind == Kind::Changed);
        AttributeDifference {
            is_security_relevant: security.is_some(),
            cause: decided.cause.or_else(|| security.map(|security| security.why.to_owned())),
            code: show(code),
            state: show(state),
            cloud: show(cloud),
            planned: show(planned.filter(|_| decided.tier == Tier::Declared)),
            source,
            is_sensitive,
            ..AttributeDifference::new(decided.kind, place.path, decided.tier)
        }
    }

    fn is_sensitive(&self, place: &Place) -> bool {
        let is_marked = |hidden: &Path| place.path.starts_with(hidden) || hidden.starts_with(&place.path);
        place.is_hidden || self.hidden.iter().any(is_marked)
    }
}

/// Gives the name of the outermost attribute or block.
fn outermost(path: &Path) -> Option<&str> {
    match path.steps().first() {
        Some(PathStep::GetAttr(name)) => Some(name),
        Some(PathStep::Index(_)) | None => None,
    }
}

/// Gives the path of the outermost element of a set on the way.
fn element_of_set(path: &Path) -> Option<Path> {
    let is_element = |step: &PathStep| match step {
        PathStep::Index(key) => key.ty().as_object().is_some(),
        PathStep::GetAttr(_) => false,
    };
    let position = path.steps().iter().position(is_element)?;
    Some(path.steps()[..=position].iter().cloned().collect())
}

/// Tells whether a schema has nested attributes: only frameworks that tell null from empty have those.
fn has_nested_attributes(block: &Block) -> bool {
    block.attributes.values().any(|attribute| matches!(attribute.ty, AttributeType::Nested(_)))
        || block.blocks.values().any(|nested| has_nested_attributes(&nested.block))
}
