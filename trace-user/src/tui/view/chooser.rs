//! The columns of a list, to be chosen from.
//!
//! In: the columns with what is wanted of each. Out: a box over the right of the body.

use crate::tui::format;
use crate::tui::screen::Screen;
use crate::tui::table::Choice;
use crate::tui::theme::{Theme, Tone};
use modtrail_core::report::cells;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Widget};

/// Its width.
const WIDTH: u16 = 34;

/// Draws it with the column at `place` selected.
pub fn draw(screen: &dyn Screen, place: usize, theme: Theme, body: Rect, buffer: &mut Buffer) {
    let choices = screen.choices();
    let height = u16::try_from(choices.len() + 3).unwrap_or(body.height).min(body.height);
    let width = WIDTH.min(body.width);
    let area = Rect::new(body.right() - width, body.y, width, height);
    Clear.render(area, buffer);
    buffer.set_style(area, theme.style(Tone::Plain));
    let block = Block::bordered().title(" columns ").title_style(theme.style(Tone::Title));
    let inner = block.inner(area);
    block.render(area, buffer);
    let rows = usize::from(inner.height.saturating_sub(1));
    let top = place.saturating_sub(rows.saturating_sub(1));
    for (line, (at, (heading, choice))) in (0..).zip(choices.iter().enumerate().skip(top).take(rows)) {
        let words = match choice {
            Choice::Auto => "if there is room",
            Choice::Always => "always",
            Choice::Never => "never",
        };
        let tone = if *choice == Choice::Never { Tone::Dim } else { Tone::Plain };
        let row = Rect::new(inner.x, inner.y + line, inner.width, 1);
        let text = format!(" {} {words}", cells::column(heading, 12));
        Line::styled(format::cut(&text, usize::from(inner.width)), theme.style(tone)).render(row, buffer);
        if at == place {
            buffer.set_style(row, theme.style(Tone::Selected));
        }
    }
    let hint = Rect::new(inner.x, inner.bottom().saturating_sub(1), inner.width, 1);
    Line::styled(" enter changes, esc closes", theme.style(Tone::Dim)).render(hint, buffer);
}
