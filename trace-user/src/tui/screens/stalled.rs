//! The description of an open item: where it is stuck, for how long, and which timeout ends that.

use crate::tui::format;
use crate::tui::table::Cell;
use crate::tui::theme::Tone;
use crate::tui::world::World;
use modtrail_core::event::Stamp;
use modtrail_core::stall::{self, Place};
use std::sync::Arc;
use trace_common::time::Nanos;

/// Puts first where something is stuck and which timeout ends that, and last its thread's kernel stack since it began,
/// which may be long.
pub fn stalled(world: &World<'_>, place: &Place, age: Nanos, began: Stamp, lines: &mut Vec<Cell>) {
    let tone = if age >= world.limit { Tone::Bad } else { Tone::Busy };
    lines.insert(0, (format!("for {} in {}", format::growing(age), place.words), tone));
    lines.insert(1, (stall::timeout_words(place.timeout), Tone::Plain));
    lines.extend(inside(stall::stack(place, world.model, began)));
}

/// A kernel stack, innermost first; nothing if it was not read.
pub fn inside(stack: &[Arc<str>]) -> Option<Cell> {
    (!stack.is_empty()).then(|| (format!("inside {}", stack.join(" < ")), Tone::Dim))
}
