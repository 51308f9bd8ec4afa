//! The line under the tabs: where the person came from, and which rows match the filter.
//!
//! In: the state. Out: `overview › requests verdict:hollow › #12 fs-xfs`, and how many rows match.

use crate::tui::format;
use crate::tui::screens::findings::words;
use crate::tui::state::UiState;
use crate::tui::table::Target;
use crate::tui::theme::{Theme, Tone};
use crate::tui::world::World;
use modtrail_core::explain::cycle::attempt;
use modtrail_core::findings::Evidence;
use modtrail_core::report::cells;
use modtrail_core::report::plain::plain;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Draws it.
pub fn draw(world: &World<'_>, state: &UiState, theme: Theme, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let matches = matches(state);
    let room = usize::from(area.width).saturating_sub(cells::width(&matches) + 2);
    let mut parts: Vec<String> = Vec::new();
    for step in &state.trail {
        parts.push(screen(state, step.shown, false));
        parts.extend(step.opened.map(|opened| name(world, state, opened.target)));
    }
    parts.push(screen(state, state.shown, true));
    parts.extend(state.opened.map(|opened| name(world, state, opened.target)));
    // A row that was opened stands behind its own screen.
    parts.dedup();
    let mut text = parts.join(" › ");
    // What is nearest matters most.
    while cells::width(&text) > room && parts.len() > 1 {
        parts.remove(0);
        text = format!("… › {}", parts.join(" › "));
    }
    let last = format::cut(&plain(&text), room);
    Line::from(vec![Span::raw(" "), Span::styled(last, theme.style(Tone::Accent))]).render(area, buffer);
    Line::styled(matches, theme.style(Tone::Dim)).right_aligned().render(area, buffer);
}

/// A screen, with its filter if that is still in force.
fn screen(state: &UiState, place: usize, is_shown: bool) -> String {
    let Some(screen) = state.screens.get(place) else { return String::new() };
    let filter = screen.filter().text();
    if filter.is_empty() || !(is_shown || place == state.shown) {
        return screen.title().to_owned();
    }
    format!("{} {filter}", screen.title())
}

/// What something that has a page is called.
#[must_use]
pub fn name(world: &World<'_>, state: &UiState, target: Target) -> String {
    match target {
        Target::Request(id) => format::request_name(world, id),
        Target::Load(id) => words(world, Evidence::Load(id)),
        Target::Call(id) => {
            let command = world.call(id).map(|call| format!(" {}", format::command(call)));
            format!("helper call #{}{}", id.0, command.unwrap_or_default())
        }
        Target::Firmware(id) => {
            let file = world.firmware_request(id).map(|firmware| format!(" {}", firmware.file.name));
            format!("firmware #{}{}", id.0, file.unwrap_or_default())
        }
        Target::Cycle(id) => {
            let attempt = world.cycle(id).map(|cycle| format!(" {}", attempt(cycle)));
            format!("#{}{}", id.0, attempt.unwrap_or_default())
        }
        Target::Group(sameness, id) => {
            let group = world.duplicate(sameness, id).map(|group| group.name.to_string());
            format!("{} {}", sameness.words(), group.unwrap_or_default())
        }
        Target::Finding(id) => {
            let found = state.derived.found().find(id);
            found.map_or_else(String::new, |found| found.finding.kind.as_str().to_owned())
        }
    }
}

fn matches(state: &UiState) -> String {
    let Some(screen) = state.screen().filter(|screen| !screen.filter().is_empty() && state.opened.is_none()) else {
        return String::new();
    };
    format!("{} match ", format::count(screen.position().rows as u64))
}
