//! Lines on standard error, each written whole: other output there, such as the traced command's, comes before or after
//! it.
//!
//! In: text. Out: one write. If nobody reads any more, errors are ignored.

use std::fmt::Display;
use std::io::{self, Write as _};

/// Writes a message with modtrail's name.
pub fn say(text: impl Display) {
    line(format_args!("modtrail: {text}"));
}

/// Writes a line.
pub fn line(text: impl Display) {
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}
