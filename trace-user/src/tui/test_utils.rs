//! Screens as text, for tests.

use super::state::UiState;
use super::theme::Theme;
use super::view::draw;
use modtrail_core::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A buffer after one draw.
pub fn drawn(model: &Model, state: &UiState, theme: Theme, width: u16, height: u16) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    draw(model, state, &theme, area, &mut buffer);
    buffer
}

/// The buffer's characters, a line for each row, without the blanks at their ends.
pub fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width.max(1));
    let rows = buffer.content().chunks(width).map(|row| {
        let row: String = row.iter().map(|cell| cell.symbol()).collect();
        format!("{}\n", row.trim_end())
    });
    rows.collect()
}
