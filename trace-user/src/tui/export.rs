//! What can be taken out of the dashboard: a row, the rows that match the filter, a page; as text or as JSON.
//!
//! In: the state, the model that is on the screen. Out: lines. JSON of requests and loads is that of `log --json`; of
//! other rows, an object of their fields.

use super::format;
use super::row::Form;
use super::screen::Screen;
use super::state::UiState;
use super::table::{Go, Target, line};
use super::view;
use super::world::World;
use modtrail_core::model::Model;
use ratatui::layout::Rect;
use std::ops::ControlFlow;

/// Columns of a page of text.
const WIDTH: u16 = 100;

/// What is open, or else the selected row; `None` if there is neither.
#[must_use]
pub fn one(state: &UiState, model: &Model, form: Form) -> Option<String> {
    let world = &state.world(model);
    match state.opened {
        Some(opened) => of_target(state, world, opened.target, form),
        None => {
            let screen = state.screen()?;
            match screen.open(model) {
                Some(Go::Page(target)) => of_target(state, world, target, form),
                Some(Go::Rows { .. }) | None => screen.selected_line(world, form),
            }
        }
    }
}

fn of_target(state: &UiState, world: &World<'_>, target: Target, form: Form) -> Option<String> {
    use super::screens as of;
    let model = world.model;
    Some(match target {
        Target::Request(id) => line::<of::requests::Requests>(world, model.request(id)?, form),
        Target::Load(id) => line::<of::loads::Loads>(world, model.load(id)?, form),
        Target::Cycle(id) => line::<of::suspend::Suspends>(world, model.cycle(id)?, form),
        Target::Call(id) => line::<of::helpers::Helpers>(world, model.call(id)?, form),
        Target::Firmware(id) => line::<of::firmware::FirmwareRequests>(world, model.firmware_request(id)?, form),
        Target::Group(sameness, id) => line::<of::duplicates::Duplicates>(world, model.duplicate(sameness, id)?, form),
        Target::Finding(id) => line::<of::findings::Findings>(world, state.derived.found().find(id)?, form),
    })
}

/// Passes on the rows of the screen that match its filter, in their order, until told to stop. A screen that is not a
/// list has none.
pub fn each(state: &UiState, model: &Model, form: Form, each: &mut dyn FnMut(&str) -> ControlFlow<()>) {
    if let Some(screen) = state.screen() {
        screen.each_line(&state.world(model), form, each);
    }
}

/// The title of the screen whose rows would be passed on; `None` if it has none.
#[must_use]
pub fn rows_of(state: &UiState) -> Option<&'static str> {
    state.screen().filter(|screen| screen.is_list() && screen.position().rows > 0).map(Screen::title)
}

/// The page that is open, as text; `None` if none is.
#[must_use]
pub fn page(state: &UiState, model: &Model) -> Option<String> {
    let target = state.opened?.target;
    Some(view::text(state, model, target, Rect::new(0, 0, WIDTH, 60))?.join("\n"))
}

/// How much text a terminal is asked to keep, in bytes; more than most take.
pub const COPIED: usize = 64 * 1024;

/// What is said about text that is copied.
///
/// # Errors
/// The same, if it is not copied.
pub fn copied(text: &str) -> Result<String, String> {
    let length = text.len() as u64;
    if text.len() > COPIED {
        let most = format::bytes(COPIED as u64);
        return Err(format!(
            "not copied: {} is more than terminals keep ({most}); e writes a file",
            format::bytes(length)
        ));
    }
    Ok(format!("copied {}", format::bytes(length)))
}
