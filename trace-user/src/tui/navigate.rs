//! Moving around: from a line to what it leads to, back, to the next row's page, to the next thing that needs
//! attention.
//!
//! In: the state, the model that is on the screen. Out: another page or screen. Every jump is remembered, so that the
//! way back leads to the same rows, with the same one selected.

use super::screen::Screen;
use super::state::{Opened, Step, UiState};
use super::table::Go;
use super::view;
use modtrail_core::model::Model;
use modtrail_core::query::Query;

/// Jumps that can be gone back.
const TRAIL: usize = 64;

/// Goes where something leads to.
pub fn go(state: &mut UiState, model: &Model, to: Go) {
    go_from(state, model, to, false);
}

/// The same, maybe from a row of the screen.
fn go_from(state: &mut UiState, model: &Model, to: Go, is_of_row: bool) {
    let mut step = Step { shown: state.shown, opened: state.opened, filtered: None, is_of_row };
    match to {
        Go::Page(target) => {
            if !state.derived.keeps(model, target) {
                state.notice = Some("it is no longer kept".to_owned());
                return;
            }
            state.opened = Some(Opened::new(target));
        }
        Go::Rows { screen, filter, sort } => {
            let Some(place) = state.place_of(screen) else { return };
            let Some(shown) = state.screens.get_mut(place) else { return };
            if let Err(fault) = shown.push_filter(&filter) {
                state.notice = Some(fault.to_string());
                return;
            }
            if let Some(heading) = sort {
                shown.sort_by(heading);
            }
            step.filtered = Some(place);
            state.opened = None;
            state.shown = place;
        }
    }
    state.trail.push(step);
    if state.trail.len() > TRAIL {
        state.trail.remove(0);
    }
}

/// Opens what is selected: a line of the page, or a row.
pub fn open_selected(state: &mut UiState, model: &Model) {
    if let Some(opened) = state.opened {
        let page = view::page(state, model, opened.target, state.area);
        let to = page.and_then(|page| page.links().get(opened.link).map(|(_, go)| (*go).clone()));
        if let Some(to) = to {
            go(state, model, to);
        }
        return;
    }
    let Some(screen) = state.screen_mut() else { return };
    if let Some(to) = screen.open(model) {
        // Even if it was followed: the row that was opened stays selected.
        screen.select(screen.position().index);
        let is_of_row = matches!(to, Go::Page(_));
        go_from(state, model, to, is_of_row);
    }
}

/// Back to where the last jump came from; if there was none, every row is shown.
pub fn back(state: &mut UiState) {
    let Some(Step { shown, opened, filtered, .. }) = state.trail.pop() else {
        if state.opened.take().is_none()
            && let Some(screen) = state.screen_mut()
        {
            // No text is a filter that every screen knows.
            let _ = screen.set_filter("");
        }
        return;
    };
    if let Some(screen) = filtered.and_then(|place| state.screens.get_mut(place)) {
        screen.pop_filter();
    }
    (state.shown, state.opened) = (shown, opened);
}

/// Shows a screen by itself: there is no way back from it.
pub fn show(state: &mut UiState, place: usize) {
    if place >= state.screens.len() {
        return;
    }
    state.opened = None;
    state.shown = place;
    state.trail.clear();
    state.screens.iter_mut().for_each(|screen| screen.keep_filter());
}

/// Shows the rows of the next screen that match the filter of this one: the next that has the fields which the filter
/// asks for.
pub fn carry_filter(state: &mut UiState, model: &Model) {
    let filter = state.screen().map(|screen| screen.filter().text().to_owned()).unwrap_or_default();
    if filter.is_empty() {
        state.notice = Some("there is no filter here to carry to another screen".to_owned());
        return;
    }
    let takes = |screen: &dyn Screen| screen.is_list() && Query::parse(&filter, screen.fields()).is_ok();
    let (before, after) = state.screens.split_at(state.shown);
    let next = after.iter().skip(1).chain(before).find(|screen| takes(&***screen)).map(|screen| screen.title());
    match next {
        Some(screen) => go(state, model, Go::rows(screen, filter)),
        None => state.notice = Some("no other screen has the fields of this filter".to_owned()),
    }
}

/// Opens the page of the next row that has one, or of the one before.
pub fn open_neighbour(state: &mut UiState, model: &Model, is_next: bool) {
    if !state.has_neighbours() {
        return;
    }
    let Some(screen) = state.screen_mut() else { return };
    let before = screen.position().index;
    let mut place = before;
    loop {
        let next = if is_next { place.checked_add(1) } else { place.checked_sub(1) };
        let Some(next) = next.filter(|next| *next < screen.position().rows) else {
            screen.select(before);
            state.notice = Some(if is_next { "this is the last row" } else { "this is the first row" }.to_owned());
            return;
        };
        place = next;
        screen.select(place);
        if let Some(Go::Page(target)) = screen.open(model) {
            state.opened = Some(Opened::new(target));
            return;
        }
    }
}

/// Goes to the next thing that needs attention, from the newest on. What leads to the same place is one stop.
pub fn open_attention(state: &mut UiState, model: &Model) {
    let mut stops: Vec<Go> = state.derived.concerns().iter().map(|concern| state.derived.go(concern.lead)).collect();
    stops.dedup();
    // Whoever has gone all the way back begins again.
    let last = state.attended.take().filter(|_| !state.trail.is_empty());
    let before = last.and_then(|last| stops.iter().position(|stop| *stop == last));
    let place = before.map_or(0, |place| (place + 1) % stops.len());
    let Some(to) = stops.get(place).cloned() else {
        state.notice = Some("nothing needs attention".to_owned());
        return;
    };
    // The next one takes its place: the way back is as long as before.
    if before.and_then(|place| stops.get(place)).is_some_and(|stop| is_at(state, stop)) {
        back(state);
    }
    state.notice = Some(format!("{} of {}", place + 1, stops.len()));
    go(state, model, to.clone());
    state.attended = Some(to);
}

/// Whether that is what is shown.
fn is_at(state: &UiState, stop: &Go) -> bool {
    match stop {
        Go::Page(target) => state.opened.is_some_and(|opened| opened.target == *target),
        Go::Rows { screen, .. } => state.opened.is_none() && state.place_of(screen) == Some(state.shown),
    }
}
