//! Exit codes: what a run tells a script.

/// What a process that judged returns.
///
/// Signals have codes of their own, which the front end gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// 0: nothing to act on.
    Clean,
    /// 1: an error, wrong usage included.
    Error,
    /// 2: drift was found, whatever else happened.
    Drift,
    /// 3: no drift was found, but something could not be seen.
    Incomplete,
}

impl ExitCode {
    /// Gives the number.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Error => 1,
            Self::Drift => 2,
            Self::Incomplete => 3,
        }
    }
}

/// What an exit code is decided from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the command judges (`drift`, `check`, `unmanaged`): no other command ever says "drift".
    pub judges: bool,
    /// How many findings fail.
    pub n_failing: u64,
    /// Whether a diagnostic is an error.
    pub has_errors: bool,
    /// Whether everything that was to be seen was seen.
    pub is_complete: bool,
    /// Whether the user accepts that something was not seen.
    pub allow_incomplete: bool,
}

/// Decides the exit code: drift goes before errors, and errors before what was not seen.
pub fn decide(outcome: Outcome) -> ExitCode {
    if outcome.judges && outcome.n_failing > 0 {
        ExitCode::Drift
    } else if outcome.has_errors {
        ExitCode::Error
    } else if !outcome.is_complete && !outcome.allow_incomplete {
        ExitCode::Incomplete
    } else {
        ExitCode::Clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_exit_codes() {
        let check = |judges, n_failing, has_errors, is_complete, allow_incomplete, code| {
            let outcome = Outcome { judges, n_failing, has_errors, is_complete, allow_incomplete };
            assert_eq!(decide(outcome).code(), code, "{outcome:?}");
        };
        check(true, 0, false, true, false, 0);
        check(true, 0, false, false, false, 3);
        check(true, 0, false, false, true, 0);
        check(true, 0, true, true, false, 1);
        check(true, 0, true, false, true, 1);
        check(true, 1, false, true, false, 2);
        check(true, 1, true, false, false, 2);
        check(true, 1, false, false, true, 2);
        check(false, 1, false, true, false, 0);
        check(false, 1, true, true, false, 1);
        check(false, 1, false, false, false, 3);
    }
}
