//! The prompt on the last line: a filter, a search, a command of the palette or a time to go to, while it is typed.
//!
//! In: keys, pasted text. Out: at once, the rows that match or the row that is found; what enter leads to.

use super::navigate::{back, show};
use super::palette::{self, Command};
use super::playing::can_play;
use super::search;
use super::state::{Overlay, UiState};
use super::typing::{Input, Purpose};
use modtrail_core::model::Model;
use modtrail_core::player::When;
use modtrail_core::query::completions;
use ratatui::crossterm::event::{KeyCode, KeyEvent};

/// What a key in the prompt leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entered {
    /// Nothing but what is shown.
    Nothing,
    /// This line is typed, and is to be remembered.
    Line(String),
    /// This is to be done.
    Command(Command),
    /// The recording is to go there.
    Time(When),
}

/// Starts a filter of the list; if the screen is none, of the requests.
pub fn start_filter(state: &mut UiState) {
    show_list(state);
    let text = state.screen().map(|screen| screen.filter().text().to_owned()).unwrap_or_default();
    state.input = Some(Input::new(Purpose::Filter, &text));
}

/// Starts a search in the list; if the screen is none, in the requests.
pub fn start_search(state: &mut UiState) {
    show_list(state);
    let from = state.screen().filter(|screen| !screen.follows()).map(|screen| screen.position().index);
    state.input = Some(Input::new(Purpose::Search { from }, ""));
}

/// Opens the palette.
pub fn start_palette(state: &mut UiState) {
    state.overlay = Overlay::Palette(0);
    state.input = Some(Input::new(Purpose::Palette, ""));
}

/// Asks for a time of the recording, if it can be played.
pub fn start_time(state: &mut UiState) {
    if can_play(state) {
        state.input = Some(Input::new(Purpose::Time, ""));
    }
}

fn show_list(state: &mut UiState) {
    if state.screen().is_some_and(|screen| !screen.is_list())
        && let Some(place) = state.place_of("requests")
    {
        show(state, place);
    }
    while state.opened.is_some() {
        back(state);
    }
}

/// Takes a key.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other key edits the line, or is for nothing")]
pub fn on_key(state: &mut UiState, model: &Model, key: KeyEvent) -> Entered {
    let Some(input) = &mut state.input else { return Entered::Nothing };
    let purpose = input.purpose;
    let is_changed = match key.code {
        KeyCode::Esc => {
            leave(state, purpose);
            return Entered::Nothing;
        }
        KeyCode::Enter => return enter(state, model, purpose),
        KeyCode::Up | KeyCode::Down if purpose == Purpose::Palette => {
            palette::step(state, model, key.code == KeyCode::Down);
            return Entered::Nothing;
        }
        KeyCode::Up | KeyCode::Down if purpose == Purpose::Time => false,
        KeyCode::Up | KeyCode::Down => input.recall(&state.history, key.code == KeyCode::Up),
        KeyCode::Tab => complete(state, purpose),
        _ => input.edit(key),
    };
    if is_changed {
        apply(state, model);
    }
    Entered::Nothing
}

/// Puts in text that was pasted.
pub fn paste(state: &mut UiState, model: &Model, text: &str) {
    let Some(input) = &mut state.input else { return };
    input.put(text);
    apply(state, model);
}

/// The prompt closes without having led to anything.
fn leave(state: &mut UiState, purpose: Purpose) {
    state.input = None;
    match purpose {
        Purpose::Filter => {
            // No text is a filter that every screen knows.
            let _ = set_filter(state, "");
        }
        Purpose::Search { from } => search::forget(state, from),
        Purpose::Palette => state.overlay = Overlay::None,
        Purpose::Time => {}
    }
}

fn enter(state: &mut UiState, model: &Model, purpose: Purpose) -> Entered {
    if purpose == Purpose::Palette {
        let Some(command) = palette::chosen(state, model) else { return Entered::Nothing };
        (state.input, state.overlay) = (None, Overlay::None);
        return Entered::Command(command);
    }
    if purpose == Purpose::Time {
        return enter_time(state);
    }
    let Some(input) = state.input.take_if(|input| input.fault.is_none()) else { return Entered::Nothing };
    let line = input.text().trim().to_owned();
    if line.is_empty() {
        return Entered::Nothing;
    }
    state.history.add(&line);
    Entered::Line(line)
}

/// Goes to the time that is typed, or says why it is not one.
fn enter_time(state: &mut UiState) -> Entered {
    let Some(input) = &mut state.input else { return Entered::Nothing };
    match When::parse(&input.text(), &state.settings.zone) {
        Ok(when) => {
            state.input = None;
            Entered::Time(when)
        }
        Err(words) => {
            input.fault = Some(words);
            Entered::Nothing
        }
    }
}

/// Takes over what is typed: it is in force while it is typed.
fn apply(state: &mut UiState, model: &Model) {
    let Some((purpose, text)) = state.input.as_ref().map(|input| (input.purpose, input.text())) else { return };
    let taken = match purpose {
        Purpose::Filter => set_filter(state, &text),
        Purpose::Search { from } => search::begin(state, model, &text, from),
        Purpose::Palette => {
            state.overlay = Overlay::Palette(0);
            Ok(())
        }
        // It is tried when it is entered.
        Purpose::Time => Ok(()),
    };
    if let Some(input) = &mut state.input {
        input.fault = taken.err();
    }
}

/// Filters the list on the screen.
///
/// # Errors
/// Why the text is not a filter, as a sentence; the last valid one stays.
pub fn set_filter(state: &mut UiState, text: &str) -> Result<(), String> {
    let text = state.settings.filters.expand(text)?;
    let Some(screen) = state.screen_mut() else { return Ok(()) };
    screen.set_filter(&text).map_err(|fault| fault.to_string())
}

/// Adds what every way to go on has in common; returns whether there is any.
fn complete(state: &mut UiState, purpose: Purpose) -> bool {
    let fields = match purpose {
        Purpose::Filter | Purpose::Search { .. } => state.screen().map_or(&[][..], |screen| screen.fields()),
        Purpose::Palette | Purpose::Time => return false,
    };
    let Some(input) = &mut state.input else { return false };
    let mut ways = state.settings.filters.completions(&input.before);
    ways.extend(completions(&input.before, fields));
    let Some(first) = ways.first() else { return false };
    let common = ways.iter().skip(1).fold(first.as_str(), |common, way| {
        let shared = common.char_indices().zip(way.chars()).find(|((_, one), other)| one != other);
        let end = shared.map_or(common.len().min(way.len()), |((at, _), _)| at);
        common.get(..end).unwrap_or_default()
    });
    common.clone_into(&mut input.before);
    true
}
