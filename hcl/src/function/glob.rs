//! Files by patterns of their paths: `*`, `**`, `?`, `[a-z]`, `{a,b}`.
//!
//! Source: the documentation of `fileset`, and of the package `doublestar` in its version 4.

use super::Failure;
use crate::source::SourceTree;

/// How many files and folders are looked at.
const MAX_VISITED: usize = 50_000;
/// How many patterns alternatives can stand for.
const MAX_ALTERNATIVES: usize = 256;

/// Finds the files whose paths match a pattern.
pub(super) fn find(tree: &dyn SourceTree, pattern: &str) -> Result<Vec<String>, Failure> {
    let mut search = Search { tree, n_visited: 0, found: Vec::new() };
    if pattern.contains("[!") {
        return Err(Failure::Unable("terraform and OpenTofu take `[!` in a pattern differently".to_owned()));
    }
    for pattern in alternatives(pattern)? {
        let parts: Vec<&str> = pattern.split('/').collect();
        for part in &parts {
            matches(part, "")?;
        }
        search.folder(".", &parts)?;
    }
    search.found.sort();
    search.found.dedup();
    Ok(search.found)
}

struct Search<'t> {
    tree: &'t dyn SourceTree,
    n_visited: usize,
    found: Vec<String>,
}

impl Search<'_> {
    fn folder(&mut self, folder: &str, parts: &[&str]) -> Result<(), Failure> {
        let Some((first, rest)) = parts.split_first() else { return Ok(()) };
        let below = |name: &str| if folder == "." { name.to_owned() } else { format!("{folder}/{name}") };
        if !rest.is_empty() && !first.contains(['*', '?', '[', '\\']) {
            return self.folder(&below(first), rest);
        }
        // What cannot be listed, or is not there, holds nothing for the programs either.
        let Ok(names) = self.tree.list(folder) else { return Ok(()) };
        self.count(names.len())?;
        let is_deep = *first == "**";
        if is_deep && !rest.is_empty() {
            // No folder at all, or any number of them.
            self.folder(folder, rest)?;
        }
        if rest.is_empty() {
            for name in names {
                if is_deep || matches(first, &name)? {
                    self.found.push(below(&name));
                }
            }
        }
        if !is_deep && rest.is_empty() {
            return Ok(());
        }
        let unable = |error| Failure::Unable(format!("fileset() would have to look through folders: {error}"));
        let folders = self.tree.folders(folder).map_err(unable)?;
        self.count(folders.len())?;
        for name in folders {
            if is_deep {
                self.folder(&below(&name), parts)?;
            } else if matches(first, &name)? {
                self.folder(&below(&name), rest)?;
            }
        }
        Ok(())
    }

    fn count(&mut self, n_more: usize) -> Result<(), Failure> {
        self.n_visited += n_more + 1;
        if self.n_visited > MAX_VISITED {
            return Err(Failure::Unable(format!("fileset() would look at more than {MAX_VISITED} files")));
        }
        Ok(())
    }
}

fn bad() -> Failure {
    Failure::from("The pattern does not follow the syntax of patterns of files.")
}

/// Writes `{a,b}` out.
fn alternatives(pattern: &str) -> Result<Vec<String>, Failure> {
    let mut patterns = vec![pattern.to_owned()];
    // Each round writes out one pair of braces.
    while let Some(at) = patterns.iter().position(|pattern| brace(pattern).is_some()) {
        let pattern = patterns.swap_remove(at);
        let open = brace(&pattern).ok_or_else(bad)?;
        let (mut depth, mut is_escaped, mut start) = (0, false, open + 1);
        let mut inner = Vec::new();
        let mut end = None;
        for (index, c) in pattern.char_indices().skip_while(|(index, _)| *index <= open) {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '{' => depth += 1,
                '}' if depth == 0 => {
                    inner.push(&pattern[start..index]);
                    end = Some(index + 1);
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    inner.push(&pattern[start..index]);
                    start = index + 1;
                }
                _ => {}
            }
        }
        let end = end.ok_or_else(bad)?;
        patterns.extend(inner.iter().map(|part| format!("{}{part}{}", &pattern[..open], &pattern[end..])));
        if patterns.len() > MAX_ALTERNATIVES {
            return Err(Failure::Unable(format!("the pattern stands for more than {MAX_ALTERNATIVES} others")));
        }
    }
    Ok(patterns)
}

/// Finds the first open brace.
fn brace(pattern: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (index, c) in pattern.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '{' => return Some(index),
            _ => {}
        }
    }
    None
}

/// Tells whether a name matches a part of a pattern.
fn matches(pattern: &str, name: &str) -> Result<bool, Failure> {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let units = units(&pattern)?;
    // Where to go on when the last star should have taken more.
    let mut back: Option<(usize, usize)> = None;
    let (mut at, mut next) = (0, 0);
    while next < name.len() {
        match units.get(at) {
            Some(Unit::Star) => {
                back = Some((at, next));
                at += 1;
                continue;
            }
            Some(unit) if unit.admits(name[next]) => {
                at += 1;
                next += 1;
                continue;
            }
            _ => {}
        }
        let Some((star, taken)) = back else { return Ok(false) };
        back = Some((star, taken + 1));
        (at, next) = (star + 1, taken + 1);
    }
    Ok(units[at.min(units.len())..].iter().all(|unit| matches!(unit, Unit::Star)))
}

enum Unit {
    Star,
    Any,
    Char(char),
    Class { is_negated: bool, ranges: Vec<(char, char)> },
}

impl Unit {
    fn admits(&self, c: char) -> bool {
        match self {
            Self::Star | Self::Any => true,
            Self::Char(own) => *own == c,
            Self::Class { is_negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *is_negated
            }
        }
    }
}

fn units(pattern: &[char]) -> Result<Vec<Unit>, Failure> {
    let mut units = Vec::new();
    let mut rest = pattern.iter().copied().peekable();
    while let Some(c) = rest.next() {
        units.push(match c {
            '*' => Unit::Star,
            '?' => Unit::Any,
            '\\' => Unit::Char(rest.next().ok_or_else(bad)?),
            '[' => {
                let is_negated = rest.next_if(|c| matches!(c, '!' | '^')).is_some();
                let mut ranges = Vec::new();
                let read = |c: char, rest: &mut dyn Iterator<Item = char>| match c {
                    '\\' => rest.next().ok_or_else(bad),
                    c => Ok(c),
                };
                loop {
                    let c = rest.next().ok_or_else(bad)?;
                    if c == ']' && !ranges.is_empty() {
                        break;
                    }
                    let low = read(c, &mut rest)?;
                    let mut high = low;
                    if rest.peek() == Some(&'-') {
                        rest.next();
                        let c = rest.next().filter(|c| *c != ']').ok_or_else(bad)?;
                        high = read(c, &mut rest)?;
                    }
                    ranges.push((low, high));
                }
                Unit::Class { is_negated, ranges }
            }
            c => Unit::Char(c),
        });
    }
    Ok(units)
}
