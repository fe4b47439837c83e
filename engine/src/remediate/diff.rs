//! Unified diffs of files, as `git apply` takes them, without a line that may hold a secret.

/// How many lines are shown around a change.
const CONTEXT: usize = 3;
/// Where more lines than that (of one side times the other) differ, all of them are shown as changed.
const MAX_PAIRS: usize = 4 << 20;

/// One line of a diff: of the old text, of the new one, or of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Same(usize, usize),
    Old(usize),
    New(usize),
}

/// Writes what changes in a file; `old` is `None` where there is no such file. `is_secret` is asked about each line that
/// would be shown of the old text (by its number, from 0) or the new one.
///
/// # Errors
/// Why it cannot be shown, as a sentence.
pub(super) fn unified(
    name: &str,
    old: Option<&str>,
    new: &str,
    is_secret: impl Fn(Option<usize>, &str) -> bool,
) -> Result<String, String> {
    let (old_lines, new_lines) = (lines(old.unwrap_or_default()), lines(new));
    let aligned = align(&old_lines, &new_lines);
    let mut out = format!("diff --git a/{name} b/{name}\n");
    if old.is_none() {
        out.push_str(&format!("new file mode 100644\n--- /dev/null\n+++ b/{name}\n"));
    } else {
        out.push_str(&format!("--- a/{name}\n+++ b/{name}\n"));
    }
    let is_hidden = |line: &Line| match line {
        Line::Same(old, _) | Line::Old(old) => is_secret(Some(*old), old_lines[*old]),
        Line::New(new) => is_secret(None, new_lines[*new]),
    };
    let changes: Vec<usize> =
        aligned.iter().enumerate().filter(|(_, line)| !matches!(line, Line::Same(..))).map(|(at, _)| at).collect();
    let mut at = 0;
    while let Some(&first) = changes.get(at) {
        let mut last = first;
        while let Some(&next) = changes.get(at).filter(|next| **next <= last + 2 * CONTEXT) {
            let between = (last + 1..next).all(|position| !is_hidden(&aligned[position]));
            if next > last + 1 && !between {
                break;
            }
            last = next;
            at += 1;
        }
        if (first..=last).any(|position| is_hidden(&aligned[position])) {
            return Err("A line that changes may hold a secret beside what changes.".to_owned());
        }
        let floor = changes[..changes.partition_point(|change| *change < first)].last().map_or(0, |before| before + 1);
        let shown = |position: &usize| !is_hidden(&aligned[*position]);
        let begin = (floor.max(first.saturating_sub(CONTEXT))..first).rev().take_while(shown).last().unwrap_or(first);
        let ceiling = changes.get(at).copied().unwrap_or(aligned.len());
        let end = (last + 1..ceiling.min(last + 1 + CONTEXT)).take_while(shown).last().map_or(last + 1, |end| end + 1);
        if end == last + 1 && end < aligned.len() {
            return Err("The line behind a line that changes may hold a secret.".to_owned());
        }
        push_hunk(&mut out, &aligned[begin..end], (&old_lines, &new_lines), &aligned[..begin]);
    }
    Ok(out)
}

fn push_hunk(out: &mut String, hunk: &[Line], (old, new): (&[&str], &[&str]), before: &[Line]) {
    let count = |lines: &[Line], is_old: bool| {
        let counts = |line: &&Line| match line {
            Line::Same(..) => true,
            Line::Old(_) => is_old,
            Line::New(_) => !is_old,
        };
        lines.iter().filter(counts).count()
    };
    let range = |is_old: bool| {
        let (start, length) = (count(before, is_old), count(hunk, is_old));
        let start = if length == 0 { start } else { start + 1 };
        if length == 1 { start.to_string() } else { format!("{start},{length}") }
    };
    out.push_str(&format!("@@ -{} +{} @@\n", range(true), range(false)));
    for line in hunk {
        let (mark, text) = match line {
            Line::Same(at, _) => (' ', old[*at]),
            Line::Old(at) => ('-', old[*at]),
            Line::New(at) => ('+', new[*at]),
        };
        out.push(mark);
        out.push_str(text);
        if !text.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Finds which lines stayed.
fn align(old: &[&str], new: &[&str]) -> Vec<Line> {
    let n_before = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (&old[n_before..], &new[n_before..]);
    let n_after = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old_middle, new_middle) = (&old_rest[..old_rest.len() - n_after], &new_rest[..new_rest.len() - n_after]);
    let mut aligned: Vec<Line> = (0..n_before).map(|at| Line::Same(at, at)).collect();
    let (n_old, n_new) = (old_middle.len(), new_middle.len());
    if n_old.saturating_mul(n_new) > MAX_PAIRS {
        aligned.extend((0..n_old).map(|at| Line::Old(n_before + at)));
        aligned.extend((0..n_new).map(|at| Line::New(n_before + at)));
    } else {
        // The longest common part of what is left from each pair of places on.
        let width = n_new + 1;
        let mut longest = vec![0_u32; (n_old + 1) * width];
        for i in (0..n_old).rev() {
            for j in (0..n_new).rev() {
                longest[i * width + j] = if old_middle[i] == new_middle[j] {
                    longest[(i + 1) * width + j + 1] + 1
                } else {
                    longest[(i + 1) * width + j].max(longest[i * width + j + 1])
                };
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < n_old || j < n_new {
            if i < n_old && j < n_new && old_middle[i] == new_middle[j] {
                aligned.push(Line::Same(n_before + i, n_before + j));
                (i, j) = (i + 1, j + 1);
            } else if i < n_old && (j == n_new || longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
                aligned.push(Line::Old(n_before + i));
                i += 1;
            } else {
                aligned.push(Line::New(n_before + j));
                j += 1;
            }
        }
    }
    aligned.extend((0..n_after).map(|at| Line::Same(n_before + n_old + at, n_before + n_new + at)));
    aligned
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies a diff with git, and gives what the file holds then.
    fn applied(old: Option<&str>, new: &str, hidden: &[&str]) -> Result<String, String> {
        let diff = unified("a b/main.tf", old, new, |_, line| hidden.iter().any(|hidden| line.contains(hidden)))?;
        assert!(hidden.iter().all(|hidden| !diff.contains(hidden)), "{diff}");
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(old) = old {
            std::fs::create_dir(folder.path().join("a b")).expect("it is made");
            std::fs::write(folder.path().join("a b/main.tf"), old).expect("it is written");
        }
        std::fs::write(folder.path().join("patch"), &diff).expect("it is written");
        let ran = std::process::Command::new("git")
            .args(["apply", "patch"])
            .current_dir(folder.path())
            .env("GIT_CEILING_DIRECTORIES", folder.path())
            .output()
            .expect("git runs");
        assert!(ran.status.success(), "{}\n{diff}", String::from_utf8_lossy(&ran.stderr));
        Ok(std::fs::read_to_string(folder.path().join("a b/main.tf")).expect("it is there"))
    }

    #[test]
    fn git_takes_what_is_written() {
        let long = (0..40).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\n") + "\n";
        let cases = [
            ("a\nb\nc\n".to_owned(), "a\nB\nc\n".to_owned()),
            ("a\nb\nc".to_owned(), "a\nb\nC".to_owned()),
            ("a\nb\nc".to_owned(), "a\nb\nc\nd\n".to_owned()),
            ("a\r\nb\r\n".to_owned(), "a\r\nB\r\n".to_owned()),
            ("b\n".to_owned(), "a\nb\n".to_owned()),
            ("a\nb\nc\nd\n".to_owned(), "b\nc\n".to_owned()),
            (long.clone(), long.replace("line 3\n", "three\n").replace("line 30\n", "").replace("line 12\n", "x\ny\n")),
            (long.clone(), long.replace("line 3\n", "three\n").replace("line 9\n", "nine\n")),
        ];
        for (old, new) in cases {
            assert_eq!(applied(Some(&old), &new, &[]), Ok(new.clone()), "{old:?}");
        }
        assert_eq!(applied(None, "a\nb\n", &[]).as_deref(), Ok("a\nb\n"));
    }

    #[test]
    fn no_line_with_a_secret_is_shown() {
        let old = "a\nsecret 1\nb\nc\nd\nsecret 2\n";
        assert_eq!(applied(Some(old), &old.replace("b\n", "B\n"), &["secret"]), Ok(old.replace("b\n", "B\n")));
        let both = old.replace("b\n", "B\n").replace("d\n", "");
        assert!(applied(Some(old), &both, &["secret"]).is_err(), "the line behind the last change is hidden");
        let apart = "b\nx\nsecret\ny\nc\nz\n";
        let changed = apart.replace("b\n", "B\n").replace("c\n", "C\n");
        assert_eq!(applied(Some(apart), &changed, &["secret"]), Ok(changed.clone()));
        assert!(applied(Some("a secret\nb\n"), "b secret\nb\n", &["secret"]).is_err());
    }
}
