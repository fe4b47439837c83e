//! The environment as a value.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Carries the environment variables and the home directory that the front end chose to pass in.
///
/// Libraries never read the process environment; a test passes the map it wants. `Debug` prints the
/// names of the variables and none of their values, because some of them are secrets.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    home: Option<PathBuf>,
}

impl Environment {
    /// Builds an environment from variables and a home directory.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>, home: Option<PathBuf>) -> Self {
        Self { variables: variables.into_iter().collect(), home }
    }

    /// Returns the value of a variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Tells whether a variable holds `true` (any letter case), as the AWS tools read their switches.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Returns the home directory, where one is known.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// Returns all variables, in the order of their names.
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// Replaces a leading `~/` by the home directory.
    pub fn expand_home(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(path),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Environment")
            .field("names", &self.variables.keys().collect::<Vec<_>>())
            .field("home", &self.home)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let environment = Environment::new([("AWS_SECRET_ACCESS_KEY".to_owned(), "planted".to_owned())], None);
        let text = format!("{environment:?}");
        assert!(text.contains("AWS_SECRET_ACCESS_KEY") && !text.contains("planted"), "{text}");
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let environment = Environment::new([("A".to_owned(), String::new())], Some(PathBuf::from("/home/u")));
        assert_eq!(environment.get("A"), None);
        assert_eq!(environment.expand_home("~/x"), PathBuf::from("/home/u/x"));
    }
}
