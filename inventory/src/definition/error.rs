//! What is wrong in a definition, and where.

use std::fmt;
use std::sync::Arc;

/// A place in one YAML source: file, line and column, both counted from one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Name of the source as it was handed in, for example `catalog/aws/vpc.yaml`.
    pub file: Arc<str>,
    /// Line, from 1; 0 where only the file is known.
    pub line: u64,
    /// Column, from 1; 0 where only the file is known.
    pub column: u64,
}

impl Origin {
    /// Returns the origin that stands for a whole file.
    pub fn file(file: &str) -> Self {
        Self { file: Arc::from(file), line: 0, column: 0 }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        if self.line > 0 {
            write!(formatter, ":{}:{}", self.line, self.column)?;
        }
        Ok(())
    }
}

/// One problem of one definition source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionError {
    /// Where the problem is.
    pub origin: Origin,
    /// What the problem is, as one sentence without a full stop.
    pub message: String,
    /// What to do about it, where that can be said.
    pub help: Option<String>,
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.origin, self.message)?;
        if let Some(help) = &self.help {
            write!(formatter, " ({help})")?;
        }
        Ok(())
    }
}

/// Every problem found in a set of definition sources, in source order.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", .errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct DefinitionErrors {
    /// The problems, never empty when handed out.
    pub errors: Vec<DefinitionError>,
}

impl DefinitionErrors {
    /// Records one problem.
    pub(crate) fn push(&mut self, origin: &Origin, message: impl Into<String>) {
        self.errors.push(DefinitionError { origin: origin.clone(), message: message.into(), help: None });
    }

    /// Records one problem together with what to do about it.
    pub(crate) fn push_with_help(&mut self, origin: &Origin, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(DefinitionError { origin: origin.clone(), message: message.into(), help: Some(help.into()) });
    }

    /// Moves the problems of `other` behind these.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.errors.append(&mut other.errors);
    }
}

/// Returns the candidate that `word` was probably meant to be.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, left_char) in left.chars().take(80).enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, right_char) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(left_char != *right_char);
            diagonal = row[column + 1];
            row[column + 1] = substituted.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
