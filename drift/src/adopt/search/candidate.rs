//! The configuration that a search starts with.

use std::collections::BTreeSet;

use cty::Value;

use super::arguments::{ABSENT, Arguments, Attempt, Id, OBSERVED};
use super::lessons::Sort;
use super::{Lessons, Profile, SearchSubject, judge, standin};

/// Decides for each argument whether it is written at first.
///
/// Left out is what the provider alone sets, what the provider's own generator leaves out, what is deprecated, and what
/// lessons say. `minimal` also leaves out what is blank or was not chosen by a person: where that is wrong, the plan
/// says so.
pub(super) fn of(subject: SearchSubject<'_>, lessons: &Lessons, arguments: &mut Arguments) -> Attempt {
    let n_arguments = arguments.all.len();
    let mut attempt = Attempt { choices: vec![OBSERVED; n_arguments], ignored: BTreeSet::new(), is_creation: false };
    let silenced = subject.generated.map(|generated| left_out(arguments, subject.observed, generated));
    // What is inside something comes behind it.
    for id in (0..n_arguments).rev() {
        let argument = &arguments.all[id];
        let is_empty = argument.value.is_null() || (argument.is_block && argument.value.is_empty());
        if argument.is_required && (is_empty || argument.is_write_only) {
            stand_in(arguments, id, &mut attempt);
            continue;
        }
        if argument.is_required {
            continue;
        }
        let is_wanted = match subject.profile {
            _ if argument.is_plain_part => !is_empty && !argument.is_blank,
            _ if is_empty || argument.is_write_only || is_own_id(arguments, id) => false,
            _ if is_hollow(arguments, id, &attempt) => false,
            _ if silenced.as_ref().is_some_and(|silenced| silenced.contains(&id)) => false,
            _ if argument.is_deprecated || lessons.has(Sort::Deprecated, &argument.pattern) => false,
            Profile::Minimal => judge::stays(arguments, id, judge::taught(arguments, id, lessons)),
            Profile::Explicit => !is_nothing(argument.is_computed, &argument.value),
        };
        if !is_wanted {
            attempt.choices[id] = ABSENT;
        }
        let argument = &arguments.all[id];
        if lessons.has(Sort::Ignored, &argument.pattern) && argument.value.is_null() && !argument.is_in_set {
            attempt.ignored.insert(id);
        }
    }
    for id in 0..n_arguments {
        let argument = &arguments.all[id];
        let kept = lessons
            .of(Sort::Conflict, &argument.pattern)
            .any(|kept| arguments.with_pattern(kept).iter().any(|kept| arguments.is_written(&attempt, *kept)));
        if kept && !argument.is_required {
            attempt.choices[id] = ABSENT;
        }
        let argument = &arguments.all[id];
        if attempt.choices[id] == OBSERVED && !lessons.has(Sort::Raw, &argument.pattern) {
            if let Some(respelled) = argument.respelled.clone() {
                attempt.choices[id] = arguments.alternative(id, &respelled);
            }
        }
    }
    attempt
}

/// Puts a stand-in where something must be set that nobody can read back.
fn stand_in(arguments: &mut Arguments, id: Id, attempt: &mut Attempt) {
    let argument = &arguments.all[id];
    let value = match &argument.skeleton {
        Some(skeleton) => Some(skeleton.clone()),
        None => standin::for_type(argument.value.ty(), &[]).into_iter().next(),
    };
    let is_ignored = !argument.is_write_only && !argument.is_in_set;
    if let Some(value) = value {
        attempt.choices[id] = arguments.alternative(id, &value);
        if is_ignored {
            attempt.ignored.insert(id);
        }
    }
}

/// Tells whether this is the id that the provider gives every object, which only some let a configuration set.
pub(super) fn is_own_id(arguments: &Arguments, id: Id) -> bool {
    let argument = &arguments.all[id];
    argument.pattern == "id" && argument.is_computed
}

/// Tells whether this consists of parts, none of which is written.
pub(super) fn is_hollow(arguments: &Arguments, id: Id, attempt: &Attempt) -> bool {
    let children = arguments.children(id);
    !children.is_empty() && children.iter().all(|child| attempt.choices[*child] == ABSENT)
}

/// Tells whether a value says nothing even to somebody who wants to see everything.
fn is_nothing(is_computed: bool, value: &Value) -> bool {
    match value.as_str() {
        Some(text) => text.is_empty() && is_computed,
        None => crate::compare::canonical::is_blank(value),
    }
}

/// Finds what the object holds and the provider's generator left out.
fn left_out(arguments: &Arguments, observed: &Value, generated: &Value) -> BTreeSet<Id> {
    let mut found = BTreeSet::new();
    for (id, argument) in arguments.all.iter().enumerate() {
        let mut here = Some((observed.clone(), generated.clone()));
        for step in argument.path.steps() {
            here = here.and_then(|(observed, generated)| match step {
                cty::PathStep::GetAttr(name) => Some((observed.get_attr(name).ok()?, generated.get_attr(name).ok()?)),
                // Elements of sets cannot be told apart, but where there is one only.
                cty::PathStep::Index(key) if observed.ty().is_set() => {
                    let is_single = observed.len() == 1 && generated.len() == 1;
                    is_single.then(|| Some((key.clone(), generated.elements().next()?.clone())))?
                }
                cty::PathStep::Index(key) => Some((observed.index(key).ok()?, generated.index(key).ok()?)),
            });
        }
        if here.is_some_and(|(observed, generated)| {
            !observed.is_null() && (generated.is_null() || (argument.is_block && generated.is_empty()))
        }) {
            found.insert(id);
        }
    }
    found
}
