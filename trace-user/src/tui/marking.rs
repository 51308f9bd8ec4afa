//! Setting marks and returning to them: a key asks for a letter, and the next key is that letter.
//!
//! In: the state, the key that comes next. Out: a mark, or the page of what is marked.

use super::go::Go;
use super::keymap::Action;
use super::marks::Awaited;
use super::navigate::go;
use super::state::UiState;
use super::view::crumbs;
use modtrail_core::model::Model;
use ratatui::crossterm::event::{KeyCode, KeyEvent};

/// Asks for the letter of what is open, or of the selected row.
pub fn ask_to_set(state: &mut UiState, model: &Model) {
    let of_row = || match state.screen()?.open(model)? {
        Go::Page(target) => Some(target),
        Go::Rows { .. } => None,
    };
    let Some(target) = state.opened.map(|opened| opened.target).or_else(of_row) else {
        state.notice = Some("there is nothing here to mark: select a row that has a page".to_owned());
        return;
    };
    state.notice = Some("mark it with which letter?".to_owned());
    state.awaited = Some(Awaited::Set(target));
}

/// Asks for the letter of a mark.
pub fn ask_to_return(state: &mut UiState, model: &Model) {
    let world = state.world(model);
    let named = state.marks.all().map(|(letter, target)| format!("{letter} {}", crumbs::name(&world, state, target)));
    let named: Vec<String> = named.collect();
    if named.is_empty() {
        let key = state.settings.keymap.first(Action::Mark);
        state.notice = Some(format!("nothing is marked: {key} and a letter mark a row"));
        return;
    }
    state.notice = Some(format!("go to which mark? {}", named.join(", ")));
    state.awaited = Some(Awaited::Return);
}

/// Takes the key that was asked for.
pub fn take(state: &mut UiState, model: &Model, awaited: Awaited, key: KeyEvent) {
    let letter = key.code.as_char().filter(|letter| letter.is_alphanumeric());
    let Some(letter) = letter else {
        state.notice = (key.code != KeyCode::Esc).then(|| "a mark is a letter or a digit".to_owned());
        return;
    };
    match (awaited, state.marks.target(letter)) {
        (Awaited::Set(target), _) => {
            state.marks.set(letter, target);
            let key = state.settings.keymap.first(Action::ReturnToMark);
            state.notice = Some(format!("marked: {key} {letter} comes back here"));
        }
        (Awaited::Return, Some(target)) => go(state, model, Go::Page(target)),
        (Awaited::Return, None) => state.notice = Some(format!("nothing is marked with {letter}")),
    }
}
