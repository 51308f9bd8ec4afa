//! The last line: the filter being typed, why it is not a filter, or the keys.

use super::line::{Piece, strip};
use crate::tui::format;
use crate::tui::keymap::{BINDINGS, Hint};
use crate::tui::mode::Mode;
use crate::tui::screen::Screen;
use crate::tui::state::{Input, Overlay, UiState};
use crate::tui::theme::{Theme, Tone};
use modtrail_core::model::Model;
use modtrail_core::report::cells;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Draws it.
pub fn draw(model: &Model, state: &UiState, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let line = match &state.input {
        Some(input) => typed(input, theme, area.width),
        None => hints(model, state, theme, area.width),
    };
    line.render(area, buffer);
}

/// The end of the typed text matters most, so its beginning is cut if room is short.
fn typed(input: &Input, theme: Theme, width: u16) -> Line<'static> {
    let hint = match &input.fault {
        Some(fault) => format::cut(&format!(" ! {fault}"), usize::from(width) * 2 / 3),
        None => "  enter: apply, esc: clear".to_owned(),
    };
    let tone = if input.fault.is_some() { Tone::Bad } else { Tone::Dim };
    let room = usize::from(width).saturating_sub(cells::width(&hint) + 2).max(5);
    let (_, text) = cells::split(&input.text, cells::width(&input.text).saturating_sub(room));
    let text = text.to_owned();
    Line::from(vec![
        Span::styled("/", theme.style(Tone::Accent)),
        Span::raw(text),
        Span::styled("▏", theme.style(Tone::Busy)),
        Span::styled(hint, theme.style(tone)),
    ])
}

fn hints(model: &Model, state: &UiState, theme: Theme, width: u16) -> Line<'static> {
    let mut pieces = Vec::new();
    for binding in &BINDINGS {
        let Hint::Footer(word) = binding.hint else { continue };
        if !applies(binding.action, model, state) {
            continue;
        }
        let key = binding.shown.split(' ').next().unwrap_or_default();
        let rank = u8::try_from(pieces.len()).unwrap_or(u8::MAX);
        let spans = vec![(key.to_owned(), Tone::Accent), (format!(" {word}"), Tone::Dim)];
        pieces.push(Piece { rank, spans });
    }
    strip(pieces, theme, width)
}

/// Whether the key would do something now.
fn applies(action: crate::tui::keymap::Action, model: &Model, state: &UiState) -> bool {
    use crate::tui::keymap::Action;
    let list = state.opened.is_none();
    match (state.overlay, action) {
        (Overlay::Help, _) => matches!(action, Action::Back | Action::Quit),
        (Overlay::None, Action::Back) => !list || state.screen().is_some_and(|screen| !screen.filter().is_empty()),
        (Overlay::None, Action::Open) => list && state.screen().is_some_and(|screen| screen.open(model).is_some()),
        (Overlay::None, Action::Down) => !list,
        (Overlay::None, Action::Sort) => list && state.screen().is_some_and(Screen::sorts),
        (Overlay::None, Action::Pause) => state.mode == Mode::Live,
        (Overlay::None, _) => true,
    }
}
