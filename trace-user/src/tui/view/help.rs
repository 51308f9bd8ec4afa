//! The keys, made from the table that `update` reads, and the fields of the filter.
//!
//! In: the screen that is shown. Out: text over the body.

use super::line::wrap;
use crate::tui::keymap::BINDINGS;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Widget};

/// Draws the keys over the body.
pub fn draw(screen: Option<&dyn Screen>, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let lines = lines(theme);
    if lines.len() > usize::from(area.height.saturating_sub(2)) {
        return in_columns(&lines, area, buffer);
    }
    let block = Block::bordered().title(" keys ").title_style(theme.style(Tone::Title));
    let inner = block.inner(area);
    block.render(area, buffer);
    let names = screen.map_or(&[][..], |screen| screen.fields()).iter().map(|field| field.name());
    let fields = names.collect::<Vec<_>>().join(" ");
    let notes = [
        "filter: words, FIELD:VALUE = != ~ < <= > >=, and, or, not, ( ); tab completes".to_owned(),
        format!("fields: {fields}"),
        "mouse: the wheel moves, a click selects, a second click opens, tabs can be clicked".to_owned(),
    ];
    let width = usize::from(inner.width.saturating_sub(1));
    let notes = notes.iter().flat_map(|note| wrap(note, width));
    let notes = notes.map(|note| Line::styled(format!(" {note}"), theme.style(Tone::Dim)));
    Paragraph::new(lines.into_iter().chain(notes).collect::<Vec<_>>()).render(inner, buffer);
}

/// As many columns as the keys need if there are few rows, without decoration.
fn in_columns(lines: &[Line<'static>], area: Rect, buffer: &mut Buffer) {
    let rows = usize::from(area.height);
    let columns = lines.len().div_ceil(rows.max(1)).max(1);
    let parts = vec![Constraint::Fill(1); columns];
    let areas = Layout::horizontal(parts).spacing(1).split(area);
    for (part, lines) in areas.iter().zip(lines.chunks(rows.max(1))) {
        Paragraph::new(lines.to_vec()).render(*part, buffer);
    }
}

fn lines(theme: Theme) -> Vec<Line<'static>> {
    let line = |shown: &'static str, says: &'static str| {
        Line::from(vec![Span::styled(format!("{shown:>9} "), theme.style(Tone::Accent)), Span::raw(says)])
    };
    BINDINGS.iter().map(|binding| line(binding.shown, binding.says)).collect()
}
