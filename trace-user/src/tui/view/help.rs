//! The keys, made from the table that `update` reads, and the fields of the filter.
//!
//! In: the screen that is shown. Out: text over the body.

use crate::tui::keymap::BINDINGS;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Widget, Wrap};

/// From this height on, the keys are framed.
const FRAMED: u16 = 12;

/// Draws the keys over the body.
pub fn draw(screen: Option<&dyn Screen>, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let keys = lines(theme);
    let mut inner = area;
    if area.height >= FRAMED {
        let block = Block::bordered().title(" keys ").title_style(theme.style(Tone::Title));
        inner = block.inner(area);
        block.render(area, buffer);
    }
    let names = screen.map_or(&[][..], |screen| screen.fields()).iter().map(|field| field.name());
    let fields = names.collect::<Vec<_>>().join(" ");
    let notes = [
        "filter: words, FIELD:VALUE = != ~ < <= > >=, and, or, not, ( ); tab completes".to_owned(),
        format!("fields: {fields}"),
        "mouse: the wheel moves, a click selects, a second click opens, tabs can be clicked".to_owned(),
    ];
    let notes = notes.map(|note| Line::styled(format!(" {note}"), theme.style(Tone::Dim)));
    let height = usize::from(inner.height).max(1);
    let columns = if keys.len() + notes.len() <= height { 1 } else { 2 };
    // The last keys are the same in most programs. They are left out if there is no room.
    let rows = keys.len().div_ceil(columns).min(height);
    let [above, below] = Layout::vertical([Constraint::Length(rows as u16), Constraint::Fill(1)]).areas(inner);
    let areas = Layout::horizontal(vec![Constraint::Fill(1); columns]).spacing(1).split(above);
    for (part, lines) in areas.iter().zip(keys.chunks(rows)) {
        Paragraph::new(lines.to_vec()).render(*part, buffer);
    }
    Paragraph::new(notes.to_vec()).wrap(Wrap { trim: false }).render(below, buffer);
}

fn lines(theme: Theme) -> Vec<Line<'static>> {
    let line = |shown: &'static str, says: &'static str| {
        Line::from(vec![Span::styled(format!("{shown:>9} "), theme.style(Tone::Accent)), Span::raw(says)])
    };
    BINDINGS.iter().map(|binding| line(binding.shown, binding.says)).collect()
}
