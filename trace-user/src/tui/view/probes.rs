//! The selected moment of the probes screen in full: what sees it, what that loses, and what the kernel refused.

use super::line::wrap;
use crate::event::Hook;
use crate::tui::theme::{Theme, Tone};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph, Widget};

/// Draws it under the list.
pub fn draw(hook: &Hook, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let title = format!(" {} ", hook.moment.name());
    let block = Block::new().borders(Borders::TOP).title(title).title_style(theme.style(Tone::Title));
    let inner = block.inner(area);
    block.render(area, buffer);
    let seen = match &hook.attached {
        Some(attached) if hook.may_miss => (format!("seen by {attached}, which may miss some"), Tone::Warn),
        Some(attached) => (format!("seen by {attached}"), Tone::Plain),
        None => ("not seen on this kernel".to_owned(), Tone::Bad),
    };
    let loses = if hook.loses.is_empty() { "nothing" } else { &*hook.loses };
    let refused = if hook.refused.is_empty() { "none" } else { &*hook.refused };
    let told = [seen, (format!("loses: {loses}"), Tone::Plain), (format!("better ones refused: {refused}"), Tone::Dim)];
    let width = usize::from(inner.width);
    let lines = told
        .into_iter()
        .flat_map(|(text, tone)| wrap(&text, width).into_iter().map(move |line| Line::styled(line, theme.style(tone))));
    Paragraph::new(lines.collect::<Vec<_>>()).render(inner, buffer);
}
