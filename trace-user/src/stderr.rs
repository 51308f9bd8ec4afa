//! Lines on standard error, each written whole: what else writes there, the traced command for one, comes before or
//! after it.
//!
//! In: text. Out: one write. Where nobody reads any more, there is nobody to tell.

use std::fmt::Display;
use std::io::{self, Write as _};

/// Says something in modtrail's name.
pub fn say(text: impl Display) {
    line(format_args!("modtrail: {text}"));
}

/// Writes a line.
pub fn line(text: impl Display) {
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}
