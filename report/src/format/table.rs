//! Tables in plain text, for the answers that are lists.

use std::io;

use crate::text::{escape_controls, shorten, width};

/// Fewest columns a cell is cut to.
const MIN_WIDTH: usize = 8;

/// Writes rows in aligned columns, cut so that a line fits. Cells are made harmless for a terminal.
///
/// # Errors
///
/// Those of the writer.
pub fn write(header: &[&str], rows: &[Vec<String>], columns: usize, out: &mut dyn io::Write) -> io::Result<()> {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| escape_controls(cell).into_owned()).collect()).collect();
    let mut widths: Vec<usize> = header.iter().map(|title| width(title)).collect();
    for row in &rows {
        for (own, cell) in widths.iter_mut().zip(row) {
            *own = (*own).max(width(cell));
        }
    }
    let gaps = 2 * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > columns {
        let Some(widest) = widths.iter_mut().max() else { break };
        if *widest <= MIN_WIDTH {
            break;
        }
        *widest -= 1;
    }
    let titles = header.iter().map(|title| (*title).to_owned()).collect();
    for row in std::iter::once(&titles).chain(&rows) {
        let mut line = String::new();
        for (cell, own) in row.iter().zip(&widths) {
            let cell = shorten(cell, *own);
            line.push_str(&cell);
            line.push_str(&" ".repeat(own.saturating_sub(width(&cell)) + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    fn check(columns: usize) -> String {
        let rows = [vec!["日本".to_owned(), "a\u{1b}b".to_owned()], vec!["x".to_owned(), "c".repeat(30)]];
        let mut out = Vec::new();
        super::write(&["NAME", "ID"], &rows, columns, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("it is text")
    }

    #[test]
    fn columns_are_aligned_and_cut() {
        insta::assert_snapshot!(check(80), @r#"
    NAME  ID
    日本  a\u{1b}b
    x     cccccccccccccccccccccccccccccc
    "#);
        insta::assert_snapshot!(check(20), @r#"
    NAME  ID
    日本  a\u{1b}b
    x     ccccccccccccc…
    "#);
    }
}
