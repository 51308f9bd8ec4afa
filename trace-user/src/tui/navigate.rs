//! Moving around: from a line to what it leads to, back, to the next row's page, to the next thing that needs
//! attention.
//!
//! In: the state, the model that is on the screen. Out: another page or screen. Every jump is remembered, so that the
//! way back leads to the same rows, with the same one selected.

use super::state::{Opened, Step, UiState};
use super::table::{Go, Target};
use super::view;
use modtrail_core::model::Model;

/// Jumps that can be gone back.
const TRAIL: usize = 64;

/// Goes where something leads to.
pub fn go(state: &mut UiState, model: &Model, to: Go) {
    let mut step = Step { shown: state.shown, opened: state.opened, filtered: None };
    match to {
        Go::Page(target) => {
            if !view::exists(model, &state.derived, target) {
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
        go(state, model, to);
    }
}

/// Back to where the last jump came from; if there was none, every row is shown.
pub fn back(state: &mut UiState) {
    let Some(Step { shown, opened, filtered }) = state.trail.pop() else {
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

/// Opens the next thing that needs attention: the newest if none is open.
pub fn open_attention(state: &mut UiState, model: &Model) {
    let all: Vec<Go> = state.derived.concerns().iter().map(|concern| state.derived.go(concern.lead)).collect();
    let targets: Vec<Target> = all
        .iter()
        .filter_map(|go| match go {
            Go::Page(target) => Some(*target),
            Go::Rows { .. } => None,
        })
        .collect();
    let current = state.opened.and_then(|opened| targets.iter().position(|target| *target == opened.target));
    match (current, targets.first()) {
        (Some(place), _) => {
            let next = targets.get((place + 1) % targets.len().max(1)).copied();
            state.opened = next.map(Opened::new);
            state.notice = Some(format!("{} of {}", (place + 1) % targets.len().max(1) + 1, targets.len()));
        }
        (None, Some(first)) => {
            go(state, model, Go::Page(*first));
            state.notice = Some(format!("1 of {}", targets.len()));
        }
        (None, None) => match all.into_iter().next() {
            Some(to) => go(state, model, to),
            None => state.notice = Some("nothing needs attention".to_owned()),
        },
    }
}
