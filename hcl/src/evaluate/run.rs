//! What all evaluations share that one request causes: why things are unknown, and how much may still be done.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use cty::{Mark, Marks, Value};
use model::{Diagnostic, Span};

use super::Unknown;
use crate::syntax::File;

/// How deep evaluation may nest, over all expressions that refer to each other.
const MAX_DEPTH: usize = 10_000;
/// How many nodes may be evaluated for one thing that somebody asks for, with all that it refers to for the first time.
const MAX_STEPS: usize = 20_000_000;
/// How many values one value may consist of.
pub(crate) const MAX_ELEMENTS: usize = 500_000;
/// How long a text may be, in bytes.
pub(crate) const MAX_TEXT: usize = 4 << 20;

/// Distinguishes the marks that stand for reasons from others.
const PREFIX: &str = "unknown#";

/// One evaluation with everything it causes.
#[derive(Debug, Default)]
pub struct Evaluation {
    reasons: RefCell<Vec<Reason>>,
    positions: RefCell<HashMap<Reason, usize>>,
    depth: Cell<usize>,
    n_steps: Cell<usize>,
    n_unknown: Cell<usize>,
    is_stopped: Cell<bool>,
    is_in_spite_of_problems: Cell<bool>,
}

/// Why something is not known, and where the code says so.
type Reason = (String, Option<Span>);

impl Evaluation {
    /// Begins one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Marks a value as unknown for a reason.
    pub(crate) fn because(&self, value: &Value, reason: String, span: Option<Span>) -> Value {
        let entry = (reason, span);
        let known = self.positions.borrow().get(&entry).copied();
        let position = known.unwrap_or_else(|| {
            let mut reasons = self.reasons.borrow_mut();
            reasons.push(entry.clone());
            self.positions.borrow_mut().insert(entry, reasons.len() - 1);
            reasons.len() - 1
        });
        value.mark(Mark::Named(Arc::from(format!("{PREFIX}{position}"))))
    }

    /// Gives how many references to things that are not wholly known were seen.
    pub(crate) fn n_unknown(&self) -> usize {
        self.n_unknown.get()
    }

    /// Says how many references to things that are not wholly known were seen.
    pub(crate) fn set_n_unknown(&self, n_unknown: usize) {
        self.n_unknown.set(n_unknown);
    }

    /// Goes one level deeper; says what stands in the way. From the topmost level on, steps count anew.
    pub(crate) fn enter(&self) -> Result<(), &'static str> {
        if self.depth.get() == 0 {
            self.n_steps.set(0);
            self.is_stopped.set(false);
        }
        self.n_steps.set(self.n_steps.get() + 1);
        if self.n_steps.get() > MAX_STEPS {
            self.is_stopped.set(true);
            return Err("evaluating this takes more steps than any configuration people write");
        }
        if self.depth.get() >= MAX_DEPTH {
            self.is_stopped.set(true);
            return Err("expressions that refer to each other nest too deep here");
        }
        self.depth.set(self.depth.get() + 1);
        Ok(())
    }

    /// Tells whether a limit was reached: then there is no result, whatever it does not depend on.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.get()
    }

    /// Tells whether parts with problems are worth unknown values.
    pub(crate) fn is_in_spite_of_problems(&self) -> bool {
        self.is_in_spite_of_problems.get()
    }

    /// Says whether parts with problems are worth unknown values, and gives what was said before.
    pub(crate) fn set_in_spite_of_problems(&self, is: bool) -> bool {
        self.is_in_spite_of_problems.replace(is)
    }

    /// Comes back up.
    pub(crate) fn leave(&self) {
        self.depth.set(self.depth.get().saturating_sub(1));
    }

    /// Takes the reasons off a value, and says for everything unknown in it why it is.
    pub(crate) fn settle(&self, value: &Value) -> (Value, Vec<Unknown>) {
        let mut unknown = Vec::new();
        if !value.is_wholly_known() {
            self.explain(value, &mut unknown);
        }
        (value.retain_marks(&|mark| !is_reason(mark)), unknown)
    }

    /// Lists the reasons for what is unknown in a value: its own, else those of what is nearest around it.
    fn explain(&self, value: &Value, unknown: &mut Vec<Unknown>) {
        let reasons = self.reasons.borrow();
        // Positions of reasons, each with the length of the path they are at; the innermost last.
        let mut around: Vec<(usize, Vec<usize>)> = Vec::new();
        cty::walk(value, |path, part| {
            around.retain(|(length, _)| *length < path.len());
            let own: Vec<usize> = part.marks().iter().filter_map(reason_position).collect();
            if !own.is_empty() {
                around.push((path.len(), own));
            }
            if !part.is_known() {
                let n_before = unknown.len();
                let nearest = around.last().into_iter().flat_map(|(_, positions)| positions);
                for (reason, span) in nearest.filter_map(|&position| reasons.get(position)) {
                    unknown.push(Unknown { path: path.clone(), span: span.clone(), reason: reason.clone() });
                }
                if unknown.len() == n_before {
                    let reason = "it depends on something unknown".to_owned();
                    unknown.push(Unknown { path: path.clone(), span: None, reason });
                }
            }
            true
        });
    }
}

/// Keeps of marks the reasons why something is not known: those stay where others do not.
pub(crate) fn reasons(marks: &Marks) -> Marks {
    marks.iter().filter(|mark| is_reason(mark)).cloned().collect()
}

pub(crate) fn is_reason(mark: &Mark) -> bool {
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
