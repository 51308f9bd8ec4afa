//! A list: the visible rows of a table, and the selected one in full below them.

use super::line::wrap;
use crate::tui::format;
use crate::tui::list::{Direction, List, window};
use crate::tui::mode::Mode;
use crate::tui::table::{Align, Column, Description, Table};
use crate::tui::theme::{Theme, Tone};
use modtrail_core::model::Model;
use modtrail_core::report::plain::plain;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{
    Block, Borders, HighlightSpacing, Paragraph, Row, StatefulWidget, Table as Cells, TableState, Widget, Wrap,
};

/// The mark before the selected row.
const MARK: &str = "▶";
/// Below this height the rows use every line.
const SPLIT: u16 = 14;

/// The part of the body that shows the rows, without the headings. `description`: lines that describe the selected one.
#[must_use]
pub fn rows_area(description: u16, body: Rect) -> Rect {
    let [_, rows, _] = split(description, body);
    rows
}

/// Columns for the cells of a list on a body of this width, besides the mark.
#[must_use]
pub const fn cells_width(body: u16) -> u16 {
    body.saturating_sub(1)
}

/// Draws it.
pub fn draw<T: Table>(model: &Model, list: &List<T>, mode: &Mode, theme: Theme, body: Rect, buffer: &mut Buffer) {
    let position = list.position();
    let [headings, rows, below] = split(T::DESCRIPTION, body);
    let height = usize::from(rows.height);
    let top = window(position.rows, position.index, position.top, height);
    let columns = list.columns(cells_width(body.width));
    let drawn = list.visible(top, height).map(|id| match list.find(model, id) {
        Some(item) => row::<T>(model, item, &columns, theme),
        None => Row::default(),
    });
    let widths = columns.iter().map(|(_, width)| Constraint::Length(*width));
    let table = Cells::new(drawn, widths)
        .header(heading_row(model, list, &columns, theme))
        .row_highlight_style(theme.style(Tone::Selected))
        .highlight_symbol(MARK)
        .highlight_spacing(HighlightSpacing::Always);
    let selected = (position.rows > 0).then(|| position.index.saturating_sub(top));
    let mut selection = TableState::new().with_selected(selected);
    StatefulWidget::render(table, headings.union(rows), buffer, &mut selection);
    if position.rows == 0 {
        let reason = Line::styled(format!(" {}", why_empty(list, mode)), theme.style(Tone::Dim));
        Paragraph::new(reason).wrap(Wrap { trim: false }).render(rows, buffer);
    }
    let selected = list.selected().and_then(|id| list.find(model, id));
    if let Some(description) = selected.and_then(|item| T::describe(model, item)) {
        describe(description, theme, below, buffer);
    }
}

/// The headings, the rows, and the description of the selected one.
fn split(description: u16, body: Rect) -> [Rect; 3] {
    // With its rule.
    let below = if description > 0 && body.height >= SPLIT { description + 1 } else { 0 };
    Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(below)]).areas(body)
}

fn why_empty<T: Table>(list: &List<T>, mode: &Mode) -> &'static str {
    match mode {
        Mode::Attaching { .. } => "the probes are being attached: nothing is seen until then",
        Mode::Live | Mode::Replay { .. } if !list.filter().is_empty() => "nothing matches the filter",
        Mode::Live | Mode::Replay { .. } => T::EMPTY,
    }
}

fn heading_row<T: Table>(model: &Model, list: &List<T>, columns: &[(usize, u16)], theme: Theme) -> Row<'static> {
    let headings = columns.iter().filter_map(|(place, _)| {
        let column = T::COLUMNS.get(*place)?;
        let heading = if column.is_instant { format::instant_unit(model) } else { column.heading };
        let arrow = match list.sort().direction {
            _ if list.sort().column != *place => "",
            Direction::Up => "▴",
            Direction::Down => "▾",
        };
        Some(aligned(column, format!("{heading}{arrow}"), theme, Tone::Title))
    });
    Row::new(headings)
}

fn row<T: Table>(model: &Model, item: &T::Item, columns: &[(usize, u16)], theme: Theme) -> Row<'static> {
    let cells = columns.iter().filter_map(|(place, width)| {
        let column = T::COLUMNS.get(*place)?;
        let (text, tone) = (column.cell)(model, item);
        let text = plain(&text);
        let width = usize::from(*width);
        let text = match column.align {
            Align::Task => format::cut_task(&text, width),
            Align::Left | Align::Right => format::cut(&text, width),
        };
        Some(aligned(column, text, theme, tone))
    });
    Row::new(cells)
}

fn aligned<I>(column: &Column<I>, text: String, theme: Theme, tone: Tone) -> Line<'static> {
    let line = Line::from(Span::styled(text, theme.style(tone)));
    match column.align {
        Align::Right => line.right_aligned(),
        Align::Left | Align::Task => line,
    }
}

fn describe(description: Description, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let title = format::cut(&plain(&description.title), usize::from(area.width.saturating_sub(2)));
    let block = Block::new().borders(Borders::TOP).title(format!(" {title} ")).title_style(theme.style(Tone::Title));
    let inner = block.inner(area);
    block.render(area, buffer);
    let width = usize::from(inner.width);
    let lines = description
        .lines
        .into_iter()
        .flat_map(|(text, tone)| wrap(&text, width).into_iter().map(move |line| Line::styled(line, theme.style(tone))));
    let mut lines: Vec<Line<'_>> = lines.collect();
    let height = usize::from(inner.height);
    if lines.len() > height {
        lines.truncate(height);
        if let Some(last) = lines.last_mut() {
            *last = Line::styled(format::cut(&format!("{last} …"), width), last.style);
        }
    }
    Paragraph::new(lines).render(inner, buffer);
}
