//! The last line: the filter being typed, why it is not a filter, what the last key did, or the keys; at its end, where
//! in the rows the selected one is.

use super::line::{Piece, strip};
use crate::tui::format;
use crate::tui::keymap::{Action, Hint};
use crate::tui::mode::Mode;
use crate::tui::screen::Screen;
use crate::tui::state::{Overlay, UiState};
use crate::tui::theme::{Theme, Tone};
use crate::tui::typing::Input;
use modtrail_core::model::Model;
use modtrail_core::report::cells;
use modtrail_core::report::plain::plain;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Draws it.
pub fn draw(model: &Model, state: &UiState, theme: Theme, area: Rect, buffer: &mut Buffer) {
    if let Some(input) = &state.input {
        let fault = input.fault.as_ref().map(ToString::to_string);
        return typed("/", input, fault, "enter: apply, esc: clear", theme, area.width).render(area, buffer);
    }
    if let Some(seeking) = &state.seeking {
        let hint = "14:03, -5m, +30s, start, end; enter: go, esc: stay";
        let fault = seeking.fault.clone();
        return typed("@", &seeking.input, fault, hint, theme, area.width).render(area, buffer);
    }
    let place = place(state);
    let width = u16::try_from(cells::width(&place)).unwrap_or(area.width);
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).spacing(1).areas(area);
    let line = match &state.notice {
        Some(notice) => {
            let notice = format::cut(&plain(notice), usize::from(left.width));
            Line::styled(notice, theme.style(Tone::Accent))
        }
        None => hints(model, state, theme, left.width),
    };
    line.render(left, buffer);
    Line::styled(place, theme.style(Tone::Dim)).render(right, buffer);
}

/// Where in the rows the selected one is: `12/31`; `follows 1/31` if the first is followed, whichever it is.
fn place(state: &UiState) -> String {
    let Some(screen) = state.screen().filter(|screen| screen.is_list() && state.overlay == Overlay::None) else {
        return String::new();
    };
    let position = screen.position();
    if position.rows == 0 || (state.opened.is_some() && !state.has_neighbours()) {
        return String::new();
    }
    let place = format!("{}/{}", format::count(position.index as u64 + 1), format::count(position.rows as u64));
    let follows = screen.follows() && state.opened.is_none() && state.mode == Mode::Live;
    if follows { format!("follows {place}") } else { place }
}

/// What stands around the cursor matters most, so the beginning and the end are cut if room is short.
fn typed(
    sign: &'static str,
    input: &Input,
    fault: Option<String>,
    hint: &str,
    theme: Theme,
    width: u16,
) -> Line<'static> {
    let tone = if fault.is_some() { Tone::Bad } else { Tone::Dim };
    let hint = match fault {
        Some(fault) => format::cut(&format!(" ! {fault}"), usize::from(width) * 2 / 3),
        None => format!("  {hint}"),
    };
    let room = usize::from(width).saturating_sub(cells::width(&hint) + 2).max(5);
    let after = format::cut(&input.after, room / 2);
    let before = room.saturating_sub(cells::width(&after));
    let (_, text) = cells::split(&input.before, cells::width(&input.before).saturating_sub(before));
    let text = text.to_owned();
    Line::from(vec![
        Span::styled(sign, theme.style(Tone::Accent)),
        Span::raw(text),
        Span::styled("▏", theme.style(Tone::Busy)),
        Span::raw(after),
        Span::styled(hint, theme.style(tone)),
    ])
}

fn hints(model: &Model, state: &UiState, theme: Theme, width: u16) -> Line<'static> {
    let mut pieces = Vec::new();
    for (binding, keys) in state.settings.keymap.all() {
        let Hint::Footer(word) = binding.hint else { continue };
        let word = if binding.action == Action::Pause && state.mode.is_still() { "play" } else { word };
        let Some(key) = keys.into_iter().next().filter(|_| applies(binding.action, model, state)) else { continue };
        let rank = u8::try_from(pieces.len()).unwrap_or(u8::MAX);
        pieces.push(Piece { rank, spans: vec![(key, Tone::Accent), (format!(" {word}"), Tone::Dim)] });
    }
    strip(pieces, theme, width)
}

/// Whether the key would do something now.
fn applies(action: Action, model: &Model, state: &UiState) -> bool {
    let is_open = state.opened.is_some();
    let screen = state.screen();
    let is_filtered = screen.is_some_and(|screen| !screen.filter().is_empty());
    match (state.overlay, action) {
        (Overlay::Help(_), _) => matches!(action, Action::Back | Action::Down),
        (Overlay::Columns(_), _) => matches!(action, Action::Back | Action::Open),
        (Overlay::None, Action::Back) => is_open || is_filtered || !state.trail.is_empty(),
        (Overlay::None, Action::Open) => is_open || screen.is_some_and(|screen| screen.open(model).is_some()),
        (Overlay::None, Action::Down) => is_open,
        (Overlay::None, Action::NextItem | Action::PreviousItem) => state.has_neighbours(),
        (Overlay::None, Action::Attention) => !state.derived.concerns().is_empty(),
        (Overlay::None, Action::Sort) => !is_open && screen.is_some_and(Screen::sorts),
        (Overlay::None, Action::Pause) => state.mode == Mode::Live || state.mode.playback().is_some(),
        (Overlay::None, Action::Seek | Action::NextEvent | Action::NextRequest | Action::NextFinding) => {
            state.mode.playback().is_some()
        }
        (Overlay::None, _) => true,
    }
}
