//! What all evaluations share that one request causes: why things are unknown, and how much may still be done.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use cty::{Mark, Marks, Path, Value};
use model::{Diagnostic, Span};

use super::Unknown;
use crate::syntax::File;

/// How deep evaluation may nest, over all expressions that refer to each other.
const MAX_DEPTH: usize = 300;
/// How many nodes may be evaluated.
const MAX_STEPS: usize = 2_000_000;
/// How many values one value may consist of.
pub(crate) const MAX_ELEMENTS: usize = 500_000;
/// How long a text may be, in bytes.
pub(crate) const MAX_TEXT: usize = 4 << 20;

/// Distinguishes the marks that stand for reasons from others.
const PREFIX: &str = "unknown#";

/// One evaluation with everything it causes.
#[derive(Debug, Default)]
pub struct Evaluation {
    reasons: RefCell<Vec<(String, Option<Span>)>>,
    depth: Cell<usize>,
    n_steps: Cell<usize>,
    n_unknown: Cell<usize>,
    memory: RefCell<BTreeMap<(String, String), Memo>>,
}

/// How far a local value is.
#[derive(Clone, Debug)]
pub(crate) enum Memo {
    /// It is being evaluated: who asks again goes in a circle.
    Begun,
    /// It has this value.
    Done(Value),
}

impl Evaluation {
    /// Begins one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Marks a value as unknown for a reason.
    pub(crate) fn because(&self, value: &Value, reason: String, span: Option<Span>) -> Value {
        let mut reasons = self.reasons.borrow_mut();
        let entry = (reason, span);
        let position = reasons.iter().position(|known| *known == entry).unwrap_or_else(|| {
            reasons.push(entry);
            reasons.len() - 1
        });
        value.mark(Mark::Named(Arc::from(format!("{PREFIX}{position}"))))
    }

    /// Counts a reference to something that is not wholly known.
    pub(crate) fn saw_unknown(&self) {
        self.n_unknown.set(self.n_unknown.get() + 1);
    }

    /// Gives how many references to unknown things were seen.
    pub(crate) fn n_unknown(&self) -> usize {
        self.n_unknown.get()
    }

    /// Goes one level deeper; says what stands in the way.
    pub(crate) fn enter(&self) -> Result<(), &'static str> {
        self.n_steps.set(self.n_steps.get() + 1);
        if self.n_steps.get() > MAX_STEPS {
            return Err("evaluating this takes more steps than any configuration people write");
        }
        if self.depth.get() >= MAX_DEPTH {
            return Err("expressions that refer to each other nest too deep here");
        }
        self.depth.set(self.depth.get() + 1);
        Ok(())
    }

    /// Comes back up.
    pub(crate) fn leave(&self) {
        self.depth.set(self.depth.get().saturating_sub(1));
    }

    /// Gives what is known about the local value of a module.
    pub(crate) fn recall(&self, module: &str, name: &str) -> Option<Memo> {
        self.memory.borrow().get(&(module.to_owned(), name.to_owned())).cloned()
    }

    /// Keeps what is known about the local value of a module.
    pub(crate) fn remember(&self, module: &str, name: &str, memo: Memo) {
        self.memory.borrow_mut().insert((module.to_owned(), name.to_owned()), memo);
    }

    /// Drops what is known about the local value of a module.
    pub(crate) fn forget(&self, module: &str, name: &str) {
        self.memory.borrow_mut().remove(&(module.to_owned(), name.to_owned()));
    }

    /// Takes the reasons off a value, and says for everything unknown in it why it is.
    pub(crate) fn settle(&self, value: &Value) -> (Value, Vec<Unknown>) {
        let (bare, mut marked) = value.unmark_deep_with_paths();
        let mut unknown = Vec::new();
        if !bare.is_wholly_known() {
            cty::walk(&bare, |path, part| {
                if !part.is_known() {
                    self.explain(path, &marked, &mut unknown);
                }
                true
            });
        }
        for (_, marks) in &mut marked {
            marks.retain(|mark| reason_position(mark).is_none());
        }
        marked.retain(|(_, marks)| !marks.is_empty());
        (bare.mark_with_paths(&marked), unknown)
    }

    /// Adds the reasons for what is unknown at a path: its own, else those of what is nearest around it.
    fn explain(&self, path: &Path, marked: &[(Path, Marks)], unknown: &mut Vec<Unknown>) {
        let reasons = self.reasons.borrow();
        let mut around: Vec<&(Path, Marks)> =
            marked.iter().filter(|(at, marks)| path.starts_with(at) && marks.iter().any(is_reason)).collect();
        around.sort_by_key(|(at, _)| at.len());
        let nearest = around.last().into_iter().flat_map(|(_, marks)| marks);
        let n_before = unknown.len();
        for (reason, span) in nearest.filter_map(reason_position).filter_map(|position| reasons.get(position)) {
            unknown.push(Unknown { path: path.clone(), span: span.clone(), reason: reason.clone() });
        }
        if unknown.len() == n_before {
            unknown.push(Unknown { path: path.clone(), span: None, reason: "it depends on something unknown".into() });
        }
    }
}

fn is_reason(mark: &Mark) -> bool {
    reason_position(mark).is_some()
}

fn reason_position(mark: &Mark) -> Option<usize> {
    match mark {
        Mark::Named(name) => name.strip_prefix(PREFIX)?.parse().ok(),
        _ => None,
    }
}

/// Refuses a value that grew out of all proportion.
pub(crate) fn sized(file: &File, range: &Range<usize>, value: Value) -> Result<Value, Box<Diagnostic>> {
    if is_larger(&value, MAX_ELEMENTS) {
        let detail = format!("The value would consist of more than {MAX_ELEMENTS} parts.");
        let problem = Diagnostic::error("evaluation-failed", "Value too large", detail);
        return Err(Box::new(problem.at_span(file.span(range))));
    }
    Ok(value)
}

/// Tells whether a value consists of more parts than a limit.
fn is_larger(value: &Value, limit: usize) -> bool {
    fn count(value: &Value, n_left: &mut usize) -> bool {
        if *n_left == 0 {
            return false;
        }
        *n_left -= 1;
        value.elements().all(|element| count(element, n_left))
            && value.entries().all(|(_, element)| count(element, n_left))
    }
    let mut n_left = limit;
    !count(value, &mut n_left)
}
