//! Search: the next row that matches is selected, and no row is hidden.
//!
//! In: typed text, and in which direction to go on. Out: another row selected, or a word about why not.

use super::keymap::Action;
use super::screen::Screen;
use super::state::UiState;
use modtrail_core::model::Model;
use modtrail_core::query::Query;

/// Searches for what is typed, from the row at `from` on.
///
/// # Errors
/// Why the text is not a query, as a sentence; the last valid one stays.
pub fn begin(state: &mut UiState, model: &Model, text: &str, from: Option<usize>) -> Result<(), String> {
    let text = state.settings.filters.expand(text)?;
    let Some(screen) = state.screens.get_mut(state.shown) else { return Ok(()) };
    state.search = Query::parse(&text, screen.fields()).map_err(|fault| fault.to_string())?;
    if state.search.is_empty() {
        select(&mut **screen, from);
        return Ok(());
    }
    let (first, rows) = (from.unwrap_or(0), screen.position().rows);
    let found = screen.first_match(model, &state.search, &mut (first..rows).chain(0..first));
    select(&mut **screen, found.or(from));
    found.map(drop).ok_or_else(|| "no row matches".to_owned())
}

/// Selects the row at a place, or follows the first.
fn select(screen: &mut dyn Screen, place: Option<usize>) {
    match place {
        Some(place) => screen.select(place),
        None => screen.follow(),
    }
}

/// Searches for nothing, and selects what was selected before.
pub fn forget(state: &mut UiState, from: Option<usize>) {
    state.search = Query::default();
    if let Some(screen) = state.screen_mut() {
        select(&mut **screen, from);
    }
}

/// Selects the next row that matches, or the one before; after the last comes the first.
pub fn go_on(state: &mut UiState, model: &Model, is_next: bool) {
    if state.search.is_empty() {
        let key = state.settings.keymap.first(Action::Search);
        state.notice = Some(format!("nothing is searched for: {key} starts a search"));
        return;
    }
    let Some(screen) = state.screens.get_mut(state.shown).filter(|screen| screen.is_list()) else {
        state.notice = Some("there are no rows here to search".to_owned());
        return;
    };
    let position = screen.position();
    let at = position.index;
    let found = if is_next {
        screen.first_match(model, &state.search, &mut (at + 1..position.rows).chain(0..=at))
    } else {
        screen.first_match(model, &state.search, &mut (0..at).rev().chain((at..position.rows).rev()))
    };
    let Some(found) = found else {
        state.notice = Some(format!("no row matches {}", state.search.text()));
        return;
    };
    screen.select(found);
    let has_turned = if is_next { found <= at } else { found >= at };
    if has_turned {
        let words =
            if is_next { "the search went on from the first row" } else { "the search went on from the last row" };
        state.notice = Some(words.to_owned());
    }
}
