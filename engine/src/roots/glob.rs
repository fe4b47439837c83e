//! Patterns over folders: `*` and `?` within a name, `**` for any number of folders.

use drift::Pattern;

/// Tells whether a path with slashes matches a pattern.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let steps = |text: &str| -> Vec<String> {
        text.split('/').filter(|step| !step.is_empty() && *step != ".").map(str::to_owned).collect()
    };
    all_match(&steps(pattern), &steps(path))
}

/// Tells whether a text is a pattern rather than one path.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

fn all_match(pattern: &[String], path: &[String]) -> bool {
    // `reached[n]`: the pattern so far matches the first n steps of the path.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for step in pattern {
        let mut next = vec![false; path.len() + 1];
        if step == "**" {
            let first = reached.iter().position(|is_reached| *is_reached).unwrap_or(reached.len());
            next.iter_mut().skip(first).for_each(|is_reached| *is_reached = true);
        } else {
            let step = Pattern::new(step);
            for (position, name) in path.iter().enumerate() {
                next[position + 1] = reached[position] && step.matches(name);
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_folders_match() {
        assert!(matches("live/*/network", "live/prod/network"));
        assert!(!matches("live/*", "live/prod/network"));
        assert!(matches("live/**", "live/prod/network"));
        assert!(matches("**/network", "network"));
        assert!(matches("**", "."));
        assert!(matches(".", "."));
        assert!(!matches("live", "live2"));
        assert!(matches("./live/", "live"));
        assert!(!matches("**/a/**/b", "a/c"));
    }
}
