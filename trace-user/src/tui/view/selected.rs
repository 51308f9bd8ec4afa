//! The selected row of a list in full, under the list: what did not fit into its columns and, for what is open, where
//! it is stuck and which clock will end that. Requests and cycles have pages of their own.

use super::line::wrap;
use crate::tui::format;
use crate::tui::row::{self, Row};
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use modtrail_core::entities::{Call, Firmware, Load};
use modtrail_core::event::{Hook, Stamp};
use modtrail_core::model::Model;
use modtrail_core::stall::{self, Place};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph, Widget};
use std::sync::Arc;
use trace_common::time::Nanos;

/// Lines of it, its rule included.
const LINES: u16 = 6;
/// Below this height the list has them all.
const SPLIT: u16 = 14;

/// A title and what is told under it.
struct Details {
    title: String,
    lines: Vec<(String, Tone)>,
}

/// How many lines of a list's part of the screen it takes.
#[must_use]
pub const fn height(screen: Screen, body: Rect) -> u16 {
    let has_one = matches!(screen, Screen::Helpers | Screen::Loads | Screen::Firmware | Screen::Probes);
    if has_one && body.height >= SPLIT { LINES } else { 0 }
}

/// Draws it.
pub fn draw(model: &Model, row: Row<'_>, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let Some(told) = details(model, row) else { return };
    let title = format::cut(&told.title, usize::from(area.width.saturating_sub(2)));
    let block = Block::new().borders(Borders::TOP).title(format!(" {title} ")).title_style(theme.style(Tone::Title));
    let inner = block.inner(area);
    block.render(area, buffer);
    let width = usize::from(inner.width);
    let lines = told
        .lines
        .into_iter()
        .flat_map(|(text, tone)| wrap(&text, width).into_iter().map(move |line| Line::styled(line, theme.style(tone))));
    Paragraph::new(lines.collect::<Vec<_>>()).render(inner, buffer);
}

fn details(model: &Model, row: Row<'_>) -> Option<Details> {
    match row {
        Row::Hook(hook) => Some(hook_details(model, hook)),
        Row::Call(call) => Some(call_details(model, call)),
        Row::Load(load) => Some(load_details(model, load)),
        Row::Firmware(firmware) => Some(firmware_details(model, firmware)),
        Row::Request(_) | Row::Group(_) | Row::Cycle(_) => None,
    }
}

/// By what a moment is seen, what that loses, and what the kernel refused.
fn hook_details(model: &Model, hook: &Hook) -> Details {
    let seen = match &hook.attached {
        Some(attached) if hook.may_miss => (format!("seen by {attached}, which may miss some"), Tone::Warn),
        Some(attached) => (format!("seen by {attached}"), Tone::Plain),
        None => ("not seen on this kernel".to_owned(), Tone::Bad),
    };
    let loses = if hook.loses.is_empty() { "nothing" } else { &*hook.loses };
    let refused = if hook.refused.is_empty() { "none" } else { &*hook.refused };
    let mut lines = vec![
        seen,
        (format!("loses: {loses}"), Tone::Plain),
        (format!("preferred hooks that failed: {refused}"), Tone::Dim),
    ];
    if let Some(costs) = model.costs() {
        let runs = "runs are counted while this screen is open".to_owned();
        lines.extend([format::own_costs(costs), runs].map(|line| (line, Tone::Dim)));
    }
    Details { title: hook.moment.name().to_owned(), lines }
}

fn call_details(model: &Model, call: &Call) -> Details {
    let mut lines = vec![(format!("called by {}", format::task(&call.caller)), Tone::Plain)];
    match row::call_age(call, model.now()).filter(|_| !call.is_closed()) {
        Some(age) => stuck(model, &stall::of_call(call, model), age, call.entered, &mut lines),
        None => lines.extend(inside(&call.stack)),
    }
    Details { title: format!("#{} {}", call.id.0, format::command(call)), lines }
}

fn load_details(model: &Model, load: &Load) -> Details {
    let request = load.request.map_or_else(String::new, |id| format!(" for {}", format::request_name(model, id)));
    let result = format::load_result(load);
    let mut lines = vec![(format!("loaded by {}{request}: {result}", format::task(&load.task)), Tone::Plain)];
    if let Some(age) = row::load_age(load, model.now()).filter(|_| !load.closed) {
        stuck(model, &stall::of_load(load), age, load.began, &mut lines);
    }
    Details { title: format!("#{} {}", load.id.0, load.module.as_deref().unwrap_or("a module")), lines }
}

fn firmware_details(model: &Model, firmware: &Firmware) -> Details {
    let now = model.now();
    let mut lines =
        vec![(format!("asked for by {} for {}", format::task(&firmware.task), firmware.device), Tone::Plain)];
    if !firmware.closed {
        stuck(model, &stall::of_firmware(firmware), firmware.age(now), firmware.asked, &mut lines);
        return Details { title: firmware_title(firmware), lines };
    }
    let fallback = firmware.fallback_time(now).map(|time| format!("waited {time} for user space to give it"));
    lines.push((fallback.unwrap_or_else(|| "user space was not asked for it".to_owned()), Tone::Plain));
    if let Some(lock) = firmware.lock.state() {
        let held = firmware.lock_time(now).map_or_else(String::new, |time| format!(", held for {time}"));
        lines.push((format!("the lock that keeps helpers enabled: {}{held}", lock.as_str()), Tone::Plain));
    }
    Details { title: firmware_title(firmware), lines }
}

fn firmware_title(firmware: &Firmware) -> String {
    format!("#{} {}", firmware.id.0, firmware.name)
}

/// Where something is stuck that is open for so long and which clock ends that, before all else; last its thread's
/// kernel stack since it began, which may be long.
fn stuck(model: &Model, place: &Place, age: Nanos, began: Stamp, lines: &mut Vec<(String, Tone)>) {
    let tone = if age >= stall::LIMIT { Tone::Bad } else { Tone::Busy };
    lines.insert(0, (format!("for {} in {}", format::growing(age), place.words), tone));
    lines.insert(1, (stall::timeout_words(place.ended_by), Tone::Plain));
    lines.extend(inside(stall::stack(place, model, began)));
}

/// A kernel stack, innermost first; nothing where it was not read.
fn inside(stack: &[Arc<str>]) -> Option<(String, Tone)> {
    (!stack.is_empty()).then(|| (format!("inside {}", stack.join(" < ")), Tone::Dim))
}
