//! The last line: the filter being typed, why it is not a filter, what the last key did, or the keys; at its end, where
//! in the rows the selected one is.

use super::line::{GAP, Piece, strip};
use crate::tui::format;
use crate::tui::keymap::{Action, Binding, Hint};
use crate::tui::mode::Mode;
use crate::tui::screen::Screen;
use crate::tui::state::{Overlay, UiState};
use crate::tui::theme::{Theme, Tone};
use crate::tui::typing::{Input, Purpose};
use modtrail_core::model::Model;
use modtrail_core::report::cells;
use modtrail_core::report::plain::plain;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Draws it.
pub fn draw(model: &Model, state: &UiState, theme: Theme, area: Rect, buffer: &mut Buffer) {
    if let Some(input) = &state.input {
        return typed(input, theme, area.width).render(area, buffer);
    }
    let place = place(state);
    let [left, right] = parts(&place, area);
    let line = match &state.notice {
        Some(notice) => {
            let notice = format::cut(&plain(notice), usize::from(left.width));
            Line::styled(notice, theme.style(Tone::Accent))
        }
        None => {
            let hints = hints(model, state, left.width).into_iter().map(|(_, hint)| hint);
            strip(hints.collect(), theme, left.width)
        }
    };
    line.render(left, buffer);
    Line::styled(place, theme.style(Tone::Dim)).render(right, buffer);
}

/// What the keys are for, and what says where the selected row is.
fn parts(place: &str, area: Rect) -> [Rect; 2] {
    let width = u16::try_from(cells::width(place)).unwrap_or(area.width);
    Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).spacing(1).areas(area)
}

/// The action whose key is shown at a place of the footer.
#[must_use]
pub fn action_at(model: &Model, state: &UiState, area: Rect, at: Position) -> Option<Action> {
    if state.input.is_some() || state.notice.is_some() {
        return None;
    }
    let [left, _] = parts(&place(state), area);
    let mut x = usize::from(left.x);
    let mut places = hints(model, state, left.width).into_iter().map(|(action, hint)| {
        let place = x..x + hint.width();
        x = place.end + GAP;
        (action, place)
    });
    places.find(|(_, place)| left.contains(at) && place.contains(&usize::from(at.x))).map(|(action, _)| action)
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
fn typed(input: &Input, theme: Theme, width: u16) -> Line<'static> {
    let hint = match &input.fault {
        Some(fault) => format::cut(&format!(" ! {fault}"), usize::from(width) * 2 / 3),
        None => match input.purpose {
            Purpose::Filter => "  enter: apply, esc: clear",
            Purpose::Search { .. } => "  enter: search, esc: stop",
            Purpose::Palette => "  enter: run, esc: close",
            Purpose::Time => "  14:03, -5m, +30s, start, end; enter: go, esc: stay",
        }
        .to_owned(),
    };
    let sign = match input.purpose {
        Purpose::Filter => "/",
        Purpose::Search { .. } => "search ",
        Purpose::Palette => ":",
        Purpose::Time => "@",
    };
    let tone = if input.fault.is_some() { Tone::Bad } else { Tone::Dim };
    let room = usize::from(width).saturating_sub(cells::width(&hint) + cells::width(sign) + 1).max(5);
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

/// The keys that would do something now, as many as there is room for, each with its action.
fn hints(model: &Model, state: &UiState, width: u16) -> Vec<(Action, Piece)> {
    let mut used = 0;
    let hint = |(binding, keys): (&Binding, Vec<String>)| {
        let Hint::Footer(word) = binding.hint else { return None };
        let word = if binding.action == Action::Pause && state.mode.is_still() { "play" } else { word };
        let key = keys.into_iter().next().filter(|_| applies(binding.action, model, state))?;
        let spans = vec![(key, Tone::Accent), (format!(" {word}"), Tone::Dim)];
        Some((binding.action, Piece { rank: 0, spans }))
    };
    let fits = |(_, hint): &(Action, Piece)| {
        used += hint.width() + GAP;
        used <= usize::from(width) + GAP
    };
    state.settings.keymap.all().filter_map(hint).take_while(fits).collect()
}

/// Whether the key would do something now.
fn applies(action: Action, model: &Model, state: &UiState) -> bool {
    let is_open = state.opened.is_some();
    let screen = state.screen();
    let is_filtered = screen.is_some_and(|screen| !screen.filter().is_empty());
    match (state.overlay, action) {
        (Overlay::Help(_), _) => matches!(action, Action::Back | Action::Down),
        (Overlay::Columns(_), _) => matches!(action, Action::Back | Action::Open),
        // Its keys stand beside what is typed.
        (Overlay::Palette(_), _) => false,
        (Overlay::None, Action::Back) => is_open || is_filtered || !state.trail.is_empty(),
        (Overlay::None, Action::Open) => is_open || screen.is_some_and(|screen| screen.open(model).is_some()),
        (Overlay::None, Action::Down) => is_open,
        (Overlay::None, Action::NextItem | Action::PreviousItem) => {
            state.has_neighbours() || (!is_open && !state.search.is_empty())
        }
        (Overlay::None, Action::Attention) => !state.derived.concerns().is_empty(),
        (Overlay::None, Action::Sort) => !is_open && screen.is_some_and(Screen::sorts),
        (Overlay::None, Action::Pause) => state.mode == Mode::Live || state.mode.playback().is_some(),
        (Overlay::None, Action::Seek | Action::NextEvent | Action::NextRequest | Action::NextFinding) => {
            state.mode.playback().is_some()
        }
        (Overlay::None, _) => true,
    }
}
