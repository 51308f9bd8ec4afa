//! A list: the visible rows of a table with a scroll bar, and the selected one in full below them, or beside them if
//! there is much room.

use super::line::wrap;
use crate::tui::format;
use crate::tui::list::{Direction, List, window};
use crate::tui::mode::Mode;
use crate::tui::scene::Scene;
use crate::tui::table::{Align, Column, Description, Table};
use crate::tui::theme::{Theme, Tone};
use crate::tui::world::World;
use modtrail_core::query::Query;
use modtrail_core::report::plain::plain;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{
    Block, Borders, HighlightSpacing, Paragraph, Row, StatefulWidget, Table as Cells, TableState, Widget, Wrap,
};
use std::ops::Range;

/// The mark before the selected row.
pub const MARK: &str = "▶";
/// How what is sought stands out: on every terminal, whatever its colours.
const FOUND: Modifier = Modifier::UNDERLINED.union(Modifier::BOLD);
/// Below this height the rows use every line.
const SPLIT: u16 = 14;
/// From this width on, the selected row is described beside the others.
const BESIDE: u16 = 160;

/// The parts of a list on the screen.
#[derive(Clone, Copy, Debug)]
pub struct Areas {
    /// The headings of the columns.
    pub headings: Rect,
    /// The rows.
    pub rows: Rect,
    /// The scroll bar.
    bar: Rect,
    /// The description of the selected row; empty if there is no room for it.
    description: Rect,
    /// It stands beside the rows, not below them.
    is_beside: bool,
}

/// The parts of a list on a body. `description`: lines below the rows that describe the selected one.
#[must_use]
pub fn areas(description: u16, body: Rect) -> Areas {
    let is_beside = body.width >= BESIDE;
    let beside = if is_beside { body.width / 3 } else { 0 };
    let [list, side] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(beside)]).areas(body);
    // With its rule.
    let below = if !is_beside && description > 0 && body.height >= SPLIT { description + 1 } else { 0 };
    let parts = [Constraint::Length(1), Constraint::Fill(1), Constraint::Length(below)];
    let [headings, rows, below] = Layout::vertical(parts).areas(list);
    let [headings, _] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(1)]).areas(headings);
    let [rows, bar] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(1)]).areas(rows);
    Areas { headings, rows, bar, description: if is_beside { side } else { below }, is_beside }
}

/// Columns for the cells of a list on this body, besides the mark.
#[must_use]
pub fn cells_width(description: u16, body: Rect) -> u16 {
    areas(description, body).rows.width.saturating_sub(1)
}

/// The place of the column whose heading is drawn at a place of the body.
#[must_use]
pub fn column_at<T: Table>(list: &List<T>, body: Rect, at: Position) -> Option<usize> {
    let headings = areas(T::DESCRIPTION, body).headings;
    // The mark stands before them, and a blank between them.
    let mut x = headings.x + 1;
    let column = |(place, width): (usize, u16)| {
        let heading = Rect::new(x, headings.y, width, 1);
        x += width + 1;
        (place, heading)
    };
    let mut columns = list.columns(cells_width(T::DESCRIPTION, body)).into_iter().map(column);
    columns.find(|(_, heading)| heading.contains(at)).map(|(place, _)| place)
}

/// Draws it.
pub fn draw<T: Table>(scene: &Scene<'_>, list: &List<T>, theme: Theme, body: Rect, buffer: &mut Buffer) {
    let world = &scene.world;
    let sought = [list.filter(), scene.search];
    let position = list.position();
    let areas = areas(T::DESCRIPTION, body);
    let height = usize::from(areas.rows.height);
    let top = window(position.rows, position.index, position.top, height);
    let columns = list.columns(areas.rows.width.saturating_sub(1));
    let drawn = list.visible(top, height).map(|id| match list.find(world.model, id) {
        Some(item) => row::<T>(world, item, &columns, sought, theme),
        None => Row::default(),
    });
    let widths = columns.iter().map(|(_, width)| Constraint::Length(*width));
    let table = Cells::new(drawn, widths)
        .header(heading_row(world, list, &columns, theme))
        .row_highlight_style(theme.style(Tone::Selected))
        .highlight_symbol(MARK)
        .highlight_spacing(HighlightSpacing::Always);
    let selected = (position.rows > 0).then(|| position.index.saturating_sub(top));
    let mut selection = TableState::new().with_selected(selected);
    StatefulWidget::render(table, areas.headings.union(areas.rows), buffer, &mut selection);
    scroll_bar(position.rows, top, theme, areas.bar, buffer);
    marks(scene, list, top, theme, areas.rows, buffer);
    if position.rows == 0 {
        let reason = Line::styled(format!(" {}", why_empty(list, scene.mode)), theme.style(Tone::Dim));
        Paragraph::new(reason).wrap(Wrap { trim: false }).render(areas.rows, buffer);
    }
    let selected = list.selected().and_then(|id| list.find(world.model, id));
    if let Some(description) = selected.and_then(|item| T::describe(world, item)) {
        describe(description, areas.is_beside, theme, areas.description, buffer);
    }
}

/// The letters of rows that are marked, before them.
fn marks<T: Table>(scene: &Scene<'_>, list: &List<T>, top: usize, theme: Theme, rows: Rect, buffer: &mut Buffer) {
    for (y, id) in rows.rows().map(|row| row.y).zip(list.visible(top, usize::from(rows.height))) {
        let target = list.find(scene.world.model, id).and_then(|item| T::open(scene.world.model, item));
        let letter = target.and_then(|target| scene.marks.letter(target));
        if let Some(letter) = letter.filter(|_| list.selected() != Some(id)) {
            buffer.set_string(rows.x, y, letter.to_string(), theme.style(Tone::Accent));
        }
    }
}

/// Which part of so many rows is on the screen, from `top` on; nothing if all are.
pub fn scroll_bar(rows: usize, top: usize, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let height = usize::from(area.height);
    if rows <= height || height == 0 {
        return;
    }
    let length = (height * height / rows).max(1);
    let begin = top * (height - length) / rows.saturating_sub(height).max(1);
    for line in 0..area.height {
        let is_thumb = (begin..begin + length).contains(&usize::from(line));
        let (symbol, tone) = if is_thumb { ("█", Tone::Plain) } else { ("│", Tone::Dim) };
        buffer.set_string(area.x, area.y + line, symbol, theme.style(tone));
    }
}

fn why_empty<T: Table>(list: &List<T>, mode: &Mode) -> &'static str {
    match mode {
        Mode::Attaching { .. } => "the probes are being attached: nothing is seen until then",
        Mode::Live | Mode::Replay { .. } if !list.filter().is_empty() => "nothing matches the filter",
        Mode::Live | Mode::Replay { .. } => T::EMPTY,
    }
}

fn heading_row<T: Table>(world: &World<'_>, list: &List<T>, columns: &[(usize, u16)], theme: Theme) -> Row<'static> {
    let headings = columns.iter().filter_map(|(place, _)| {
        let column = T::COLUMNS.get(*place)?;
        let heading = if column.is_instant { format::instant_unit(world) } else { column.heading.to_owned() };
        let arrow = match list.sort().direction {
            _ if list.sort().column != *place => "",
            Direction::Up => "▴",
            Direction::Down => "▾",
        };
        Some(aligned(column, Span::styled(format!("{heading}{arrow}"), theme.style(Tone::Title)).into()))
    });
    Row::new(headings)
}

/// A row. What is `sought` in its text stands out.
fn row<T: Table>(
    world: &World<'_>,
    item: &T::Item,
    columns: &[(usize, u16)],
    sought: [&Query; 2],
    theme: Theme,
) -> Row<'static> {
    let cells = columns.iter().filter_map(|(place, width)| {
        let column = T::COLUMNS.get(*place)?;
        let (text, tone) = (column.cell)(world, item);
        let text = plain(&text);
        let width = usize::from(*width);
        let text = match column.align {
            Align::Task => format::cut_task(&text, width),
            Align::Left | Align::Right => format::cut(&text, width),
        };
        let found = sought.iter().flat_map(|query| query.found(column.shows, &text)).collect();
        Some(aligned(column, marked(&text, found, theme.style(tone))))
    });
    Row::new(cells)
}

/// Text in which these ranges stand out.
fn marked(text: &str, mut found: Vec<Range<usize>>, style: Style) -> Line<'static> {
    found.sort_unstable_by_key(|range| range.start);
    let mut spans = Vec::new();
    let mut done = 0;
    let mut push = |range: Range<usize>, style: Style| {
        let part = text.get(range).filter(|part| !part.is_empty());
        spans.extend(part.map(|part| Span::styled(part.to_owned(), style)));
    };
    for range in found {
        let begin = range.start.max(done);
        if begin < range.end {
            push(done..begin, style);
            push(begin..range.end, style.add_modifier(FOUND));
            done = range.end;
        }
    }
    push(done..text.len(), style);
    Line::from(spans)
}

fn aligned<I>(column: &Column<I>, line: Line<'static>) -> Line<'static> {
    match column.align {
        Align::Right => line.right_aligned(),
        Align::Left | Align::Task => line,
    }
}

fn describe(description: Description, is_beside: bool, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let title = format::cut(&plain(&description.title), usize::from(area.width.saturating_sub(3)));
    let borders = if is_beside { Borders::LEFT | Borders::TOP } else { Borders::TOP };
    let block = Block::new().borders(borders).title(format!(" {title} ")).title_style(theme.style(Tone::Title));
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
