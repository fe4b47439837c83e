//! Progress on standard error, for a person who waits: only where that is a terminal.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use engine::{Progress, Quiet, Step};
use indicatif::{ProgressBar, ProgressStyle};

struct Bar(ProgressBar);

impl Progress for Bar {
    fn step(&self, step: Step) {
        match step {
            Step::Phase(text) => self.0.set_message(text),
            Step::Instances { n_done, n_total } => {
                self.0.set_message(format!("{n_done} of {n_total} instances read by their providers"));
            }
            Step::Adoptions { n_done, n_total } => {
                self.0.set_message(format!("{n_done} of {n_total} objects configured"));
            }
            Step::Scopes { n_done, n_total, n_objects } => {
                self.0.set_message(format!("{n_done} of {n_total} scopes, {n_objects} objects"));
            }
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Makes a spinner where standard error is a terminal, else nothing.
pub(crate) fn progress() -> Arc<dyn Progress> {
    if !std::io::stderr().is_terminal() {
        return Arc::new(Quiet);
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    Arc::new(Bar(bar))
}
