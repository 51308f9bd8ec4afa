//! Draws the state of the dashboard. Nothing here changes anything: the same model, state, theme and area give the same
//! cells. Positions on the screen are functions of the state and the area, which `update` asks for when the mouse is
//! clicked.

pub mod chart;
pub mod chooser;
pub mod crumbs;
pub mod cycle;
pub mod footer;
pub mod header;
pub mod help;
pub mod item;
pub mod line;
pub mod list;
pub mod page;
pub mod palette;
pub mod phases;
pub mod position;
pub mod request;
pub mod tree;

use super::keymap::Action;
use super::palette::entries;
use super::state::{Overlay, UiState};
use super::table::Target;
use super::theme::{Theme, Tone};
use modtrail_core::model::Model;
use modtrail_core::report::plain::is_deceptive;
use page::Page;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget, Wrap};

/// Columns that the screens need.
pub const WIDTH_MIN: u16 = 40;
/// Rows that the screens need.
pub const HEIGHT_MIN: u16 = 10;
/// From this height on, there is a line that says where the person came from and what is filtered.
const CRUMBS: u16 = 16;

/// From this height on, there is a line that shows where in a recording the position is.
const POSITION: u16 = 30;

/// The parts of the screen.
#[derive(Clone, Copy, Debug)]
struct Areas {
    header: Rect,
    position: Rect,
    tabs: Rect,
    crumbs: Rect,
    body: Rect,
    footer: Rect,
}

/// Draws everything.
pub fn draw(model: &Model, state: &UiState, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    // The theme's own background, wherever nothing is drawn.
    buffer.set_style(area, theme.style(Tone::Plain));
    if too_small(area) {
        return draw_too_small(*theme, area, buffer);
    }
    let areas = areas(state, area);
    let scene = state.scene(model);
    header::draw(&scene.world, state, *theme, areas.header, buffer);
    if let Some(playback) = state.mode.playback() {
        position::draw(&scene.world, playback, *theme, areas.position, buffer);
    }
    header::draw_tabs(state, *theme, areas.tabs, buffer);
    crumbs::draw(&scene.world, state, *theme, areas.crumbs, buffer);
    let page = state.opened.and_then(|opened| Some((opened, shown(state, model, opened.target, *theme, areas.body)?)));
    match (state.overlay, page) {
        (Overlay::Help(scroll), _) => help::draw(state, scroll, *theme, areas.body, buffer),
        (_, Some((opened, page))) => page.draw(opened.scroll, opened.link, *theme, areas.body, buffer),
        (_, None) => {
            if let Some(screen) = state.screen() {
                screen.draw(&scene, *theme, areas.body, buffer);
            }
        }
    }
    if let (Overlay::Columns(place), Some(screen)) = (state.overlay, state.screen()) {
        chooser::draw(screen, place, *theme, areas.body, buffer);
    }
    if let Overlay::Palette(place) = state.overlay {
        palette::draw(&entries(state, model), place, *theme, areas.body, buffer);
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

/// The part of the screen that shows a screen or a page; empty if the terminal is too small.
#[must_use]
pub fn body(state: &UiState, area: Rect) -> Rect {
    if too_small(area) { Rect::default() } else { areas(state, area).body }
}

/// Rows of the screen, or lines of an open page or the help, that fit.
#[must_use]
pub fn rows_height(state: &UiState, area: Rect) -> usize {
    let body = body(state, area);
    let is_covered = state.opened.is_some() || matches!(state.overlay, Overlay::Help(_));
    let screen = state.screen().filter(|_| !is_covered && !too_small(area));
    screen.map_or(usize::from(body.height), |screen| screen.height(body))
}

/// The page of something on a screen of this size, without its styles; `None` if the model no longer keeps it.
#[must_use]
pub fn page(state: &UiState, model: &Model, target: Target, area: Rect) -> Option<Page> {
    shown(state, model, target, Theme::Monochrome, body(state, area))
}

/// The page of something as text, this wide.
#[must_use]
pub fn text(state: &UiState, model: &Model, target: Target, area: Rect) -> Option<Vec<String>> {
    shown(state, model, target, Theme::Monochrome, area).map(|page| page.text())
}

fn shown(state: &UiState, model: &Model, target: Target, theme: Theme, body: Rect) -> Option<Page> {
    let world = &state.world(model);
    let width = body.width;
    Some(match target {
        Target::Request(id) => request::page(world, model.request(id)?, theme, width),
        Target::Cycle(id) => cycle::page(world, model.cycle(id)?, theme, width),
        Target::Load(id) => item::load(world, model.load(id)?, theme, width),
        Target::Call(id) => item::call(world, model.call(id)?, theme, width),
        Target::Firmware(id) => item::firmware(world, model.firmware_request(id)?, theme, width),
        Target::Group(sameness, id) => item::group(world, model.duplicate(sameness, id)?, theme, width),
        Target::Finding(id) => item::finding(world, state.derived.found().find(id)?, theme, width),
    })
}

/// The last line of the help that the screen can begin with.
#[must_use]
pub fn help_scroll_max(state: &UiState, area: Rect) -> usize {
    let body = body(state, area);
    help::height(state, body).saturating_sub(usize::from(body.height))
}

/// The line of the help that explains this verdict or finding.
#[must_use]
pub fn help_line(state: &UiState, area: Rect, name: &str) -> usize {
    help::line_of(state, body(state, area), name)
}

/// The place of the palette's entry that is drawn at a place of the screen. It has `count` entries, of which the one at
/// `place` is selected.
#[must_use]
pub fn palette_row_at(state: &UiState, count: usize, place: usize, at: Position) -> Option<usize> {
    palette::row_at(count, place, body(state, state.area), at)
}

/// The action whose key the last line shows at a place of the screen.
#[must_use]
pub fn hint_at(model: &Model, state: &UiState, area: Rect, at: Position) -> Option<Action> {
    if too_small(area) { None } else { footer::action_at(model, state, areas(state, area).footer, at) }
}

/// The place of the tab at a place of the screen.
#[must_use]
pub fn tab_at(state: &UiState, area: Rect, at: Position) -> Option<usize> {
    if too_small(area) {
        return None;
    }
    header::tabs(state, areas(state, area).tabs).into_iter().position(|(_, tab)| tab.contains(at))
}

const fn too_small(area: Rect) -> bool {
    area.width < WIDTH_MIN || area.height < HEIGHT_MIN
}

/// Whether there is a line that says where the person came from and what is filtered.
fn has_crumbs(state: &UiState, area: Rect) -> bool {
    let is_filtered = state.screen().is_some_and(|screen| !screen.filter().is_empty());
    area.height >= CRUMBS && (is_filtered || state.opened.is_some() || !state.trail.is_empty())
}

fn areas(state: &UiState, area: Rect) -> Areas {
    let has_position = area.height >= POSITION && state.mode.playback().is_some();
    let parts = [2, u16::from(has_position), 1, u16::from(has_crumbs(state, area))].map(Constraint::Length);
    let [first, second, third, fourth] = parts;
    let [header, position, tabs, crumbs, body, footer] =
        Layout::vertical([first, second, third, fourth, Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    Areas { header, position, tabs, crumbs, body, footer }
}

fn draw_too_small(theme: Theme, area: Rect, buffer: &mut Buffer) {
    let message = format!("terminal too small: needs {WIDTH_MIN}x{HEIGHT_MIN}, has {}x{}", area.width, area.height);
    Paragraph::new(Line::styled(message, theme.style(Tone::Warn))).wrap(Wrap { trim: true }).render(area, buffer);
}
