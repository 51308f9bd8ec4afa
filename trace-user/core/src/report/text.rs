//! Lines and titles of short answers. In: words. Out: text that a terminal does not obey.

use super::plain::plain;
use std::fmt::Write as _;

pub(super) fn title(out: &mut String, name: &str) {
    line(out, format_args!(""));
    line(out, format_args!("{name}"));
}

/// Writing to a string cannot fail.
pub(super) fn line(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{}", plain(&arguments.to_string()));
}
