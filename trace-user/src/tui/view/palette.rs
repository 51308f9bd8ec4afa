//! The palette: the entries that match, in a box over the body.
//!
//! In: the entries, and which is selected. Out: the box; the place of the entry that is drawn at a place of the screen.

use crate::tui::format;
use crate::tui::list::window;
use crate::tui::palette::Entry;
use crate::tui::theme::{Theme, Tone};
use modtrail_core::report::cells;
use modtrail_core::report::plain::plain;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

/// Its width, if there is room.
const WIDTH: u16 = 76;
/// The rows that it shows, at most.
const ROWS: u16 = 16;

/// The box, and the rows in it.
fn areas(count: usize, body: Rect) -> (Rect, Rect) {
    let height = u16::try_from(count.max(1)).unwrap_or(ROWS).min(ROWS).saturating_add(2).min(body.height);
    let width = WIDTH.min(body.width);
    let outer = Rect::new(body.x + (body.width - width) / 2, body.y, width, height);
    (outer, Block::bordered().inner(outer))
}

/// Draws it with the entry at `place` selected.
pub fn draw(entries: &[Entry], place: usize, theme: Theme, body: Rect, buffer: &mut Buffer) {
    let (outer, rows) = areas(entries.len(), body);
    Clear.render(outer, buffer);
    buffer.set_style(outer, theme.style(Tone::Plain));
    Block::bordered().title(" actions ").title_style(theme.style(Tone::Title)).render(outer, buffer);
    let height = usize::from(rows.height);
    let top = window(entries.len(), place, 0, height);
    if entries.is_empty() {
        Line::styled(" nothing has such a name", theme.style(Tone::Dim)).render(rows, buffer);
    }
    for (line, (at, entry)) in (0..).zip(entries.iter().enumerate().skip(top).take(height)) {
        let row = Rect::new(rows.x, rows.y + line, rows.width, 1);
        let room = usize::from(row.width).saturating_sub(4);
        // Keys are short; a query or a name may be long.
        let hint = format::cut(&plain(&entry.hint), room / 2);
        let text = format::cut(&plain(&entry.text), room.saturating_sub(cells::width(&hint)));
        Line::from(Span::raw(format!(" {text}"))).render(row, buffer);
        Line::styled(format!("{hint} "), theme.style(Tone::Dim)).right_aligned().render(row, buffer);
        if at == place {
            buffer.set_style(row, theme.style(Tone::Selected));
        }
    }
}

/// The place of the entry that is drawn at a place of the screen.
#[must_use]
pub fn row_at(count: usize, place: usize, body: Rect, at: Position) -> Option<usize> {
    let (_, rows) = areas(count, body);
    let top = window(count, place, 0, usize::from(rows.height));
    let row = rows.contains(at).then(|| top + usize::from(at.y - rows.y))?;
    (row < count).then_some(row)
}
