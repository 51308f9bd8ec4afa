//! Draws the state of the dashboard. Nothing here changes anything: the same model, state, theme and area give the same
//! cells. Positions on the screen are functions of the area alone, which `update` calls when the mouse is clicked.

pub mod cycle;
pub mod footer;
pub mod header;
pub mod help;
pub mod line;
pub mod list;
pub mod phases;
pub mod request;
pub mod tree;

use super::format;
use super::screen::Screen;
use super::state::{Overlay, UiState};
use super::table::Target;
use super::theme::{Theme, Tone};
use modtrail_core::entities::{Cycle, Request};
use modtrail_core::model::Model;
use modtrail_core::report::plain::is_deceptive;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget, Wrap};

/// Columns that the screens need.
pub const WIDTH_MIN: u16 = 60;
/// Rows that the screens need.
pub const HEIGHT_MIN: u16 = 12;

/// The parts of the screen.
#[derive(Clone, Copy, Debug)]
struct Areas {
    header: Rect,
    tabs: Rect,
    body: Rect,
    footer: Rect,
}

/// Draws everything.
pub fn draw(model: &Model, state: &UiState, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    if too_small(area) {
        return draw_too_small(*theme, area, buffer);
    }
    let areas = areas(area);
    header::draw(model, state, *theme, areas.header, buffer);
    header::draw_tabs(state, *theme, areas.tabs, buffer);
    match (state.overlay, state.opened.and_then(|opened| Some((opened.scroll, find(model, opened.target)?)))) {
        (Overlay::Help, _) => help::draw(state.screen(), *theme, areas.body, buffer),
        (Overlay::None, Some((scroll, Page::Request(request)))) => {
            request::draw(model, request, scroll, *theme, areas.body, buffer);
        }
        (Overlay::None, Some((scroll, Page::Cycle(cycle)))) => {
            cycle::draw(model, cycle, scroll, *theme, areas.body, buffer);
        }
        (Overlay::None, None) => {
            if let Some(screen) = state.screen() {
                screen.draw(model, &state.mode, *theme, areas.body, buffer);
            }
        }
    }
    footer::draw(model, state, *theme, areas.footer, buffer);
    unmask(area, buffer);
}

/// Nothing that hides or reorders what stands beside it gets to the terminal, wherever it was drawn.
fn unmask(area: Rect, buffer: &mut Buffer) {
    for position in area.positions() {
        if let Some(cell) = buffer.cell_mut(position)
            && !cell.symbol().is_ascii()
            && cell.symbol().chars().any(is_deceptive)
        {
            cell.set_symbol("?");
        }
    }
}

/// Rows of the screen's list, or lines of an open request, that fit.
#[must_use]
pub fn rows_height(state: &UiState, area: Rect) -> usize {
    if too_small(area) {
        return 0;
    }
    let body = areas(area).body;
    let height = if state.opened.is_some() { body.height } else { list::rows_area(description(state), body).height };
    usize::from(height)
}

/// Columns for the cells of a list.
#[must_use]
pub const fn cells_width(area: Rect) -> u16 {
    list::cells_width(area.width)
}

fn description(state: &UiState) -> u16 {
    state.screen().map_or(0, Screen::description)
}

/// The page that is open.
enum Page<'m> {
    Request(&'m Request),
    Cycle(&'m Cycle),
}

fn find(model: &Model, target: Target) -> Option<Page<'_>> {
    match target {
        Target::Request(id) => model.request(id).map(|request| Page::Request(request)),
        Target::Cycle(id) => model.cycle(id).map(|cycle| Page::Cycle(cycle)),
    }
}

/// The last line of the page that the screen can begin with; `None` if the model no longer keeps what it shows.
#[must_use]
pub fn scroll_max(model: &Model, state: &UiState, target: Target) -> Option<usize> {
    let page = find(model, target)?;
    if too_small(state.area) {
        return Some(0);
    }
    let body = areas(state.area).body;
    let height = match page {
        Page::Request(request) => request::height(model, request, body.width),
        Page::Cycle(cycle) => cycle::lines(model, cycle, Theme::Monochrome, body.width).len(),
    };
    Some(height.saturating_sub(usize::from(body.height)))
}

/// The row of the list, counted from the first on the screen, at a place of the screen.
#[must_use]
pub fn row_at(state: &UiState, area: Rect, at: Position) -> Option<usize> {
    let rows = list::rows_area(description(state), areas(area).body);
    let inside = !too_small(area) && rows.contains(at);
    inside.then(|| usize::from(at.y - rows.y))
}

/// The place of the tab at a place of the screen.
#[must_use]
pub fn tab_at(state: &UiState, area: Rect, at: Position) -> Option<usize> {
    if too_small(area) {
        return None;
    }
    header::tabs(state, areas(area).tabs).into_iter().position(|(_, tab)| tab.contains(at))
}

const fn too_small(area: Rect) -> bool {
    area.width < WIDTH_MIN || area.height < HEIGHT_MIN
}

fn areas(area: Rect) -> Areas {
    let parts = [Constraint::Length(2), Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)];
    let [header, tabs, body, footer] = Layout::vertical(parts).areas(area);
    Areas { header, tabs, body, footer }
}

fn draw_too_small(theme: Theme, area: Rect, buffer: &mut Buffer) {
    let message = format!("terminal too small: needs {WIDTH_MIN}x{HEIGHT_MIN}, has {}x{}", area.width, area.height);
    Paragraph::new(Line::styled(message, theme.style(Tone::Warn))).wrap(Wrap { trim: true }).render(area, buffer);
}

/// The wall time or the time since boot, with its unit.
fn instant_with_unit(model: &Model, at: modtrail_core::event::Stamp) -> String {
    let unit = if model.machine().is_some() { "UTC" } else { "s since boot" };
    format!("{} {unit}", format::instant(model, at))
}
