//! Lines and titles of the summary. In: words. Out: text that a terminal does not obey.

use super::cells;
use super::plain::plain;
use std::fmt::Write as _;

/// The least and the most cells of a column of names.
const NAME: (usize, usize) = (24, 56);

/// The width of a column for these names.
pub(super) fn name_width<T: AsRef<str>>(names: impl Iterator<Item = T>) -> usize {
    cells::widest(names, NAME.0, NAME.1)
}

/// Rows of each list.
pub(super) const ROWS: usize = 10;

pub(super) fn more(out: &mut String, rows: usize) {
    if rows > ROWS {
        line(out, format_args!("  and {} more", rows - ROWS));
    }
}

pub(super) fn title(out: &mut String, name: &str) {
    line(out, format_args!(""));
    line(out, format_args!("{name}"));
}

/// Writing to a string cannot fail.
pub(super) fn line(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{}", plain(&arguments.to_string()));
}
