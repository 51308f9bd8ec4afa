//! The keys, made from the table that update reads.

use crate::tui::keymap::BINDINGS;
use crate::tui::theme::{Theme, Tone};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::widgets::{Block, Paragraph, Widget};

/// Draws the keys over the body.
pub fn draw(theme: Theme, area: Rect, buffer: &mut Buffer) {
    let block = Block::bordered().title(" keys ").title_style(theme.style(Tone::Title));
    let inner = block.inner(area);
    block.render(area, buffer);
    let lines = lines(theme);
    let notes = [
        "mouse: wheel moves, a click selects, another opens, tabs can be clicked",
        "filter: words, or alias: module: comm: pid: verdict: path:; all must match",
    ];
    let rows = usize::from(inner.height);
    if lines.len() + notes.len() + 1 <= rows {
        let notes = notes.map(|note| Line::styled(note, theme.style(Tone::Dim)));
        let text: Vec<Line<'_>> = lines.into_iter().chain([Line::default()]).chain(notes).collect();
        return Paragraph::new(text).render(inner, buffer);
    }
    let columns = lines.len().div_ceil(rows.max(1)).max(1);
    let parts = vec![Constraint::Fill(1); columns];
    let areas = Layout::horizontal(parts).spacing(1).split(inner);
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
