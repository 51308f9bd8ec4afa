//! The palette: everything that can be done, by name. The actions are those of the keymap.
//!
//! In: the state, what is typed. Out: the entries that match, the best first, each with what it does.

use super::go::{Go, Target};
use super::keymap::Action;
use super::state::{Overlay, UiState};
use super::view::crumbs;
use code_fuzzy_match::FuzzyMatcher;
use modtrail_core::entities::{CallId, CycleId, FirmwareId, LoadId, RequestId, Verdict};
use modtrail_core::findings::Kind;
use modtrail_core::model::Model;
use std::cmp::Reverse;

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// An action, as its key does.
    Do(Action),
    /// Filters the rows by the saved filter of this name.
    Filter(String),
    /// Shows what a verdict or a finding means.
    Explain(&'static str),
    /// Goes there.
    Go(Go),
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub text: String,
    /// Its key, or more about it.
    pub hint: String,
    /// What it does.
    pub command: Command,
}

/// The entries that match what is typed, the best first.
#[must_use]
pub fn entries(state: &UiState, model: &Model) -> Vec<Entry> {
    let typed = state.input.as_ref().map(|input| input.text()).unwrap_or_default();
    let typed = typed.trim();
    let mut matcher = FuzzyMatcher::new();
    let scored = all(state, model).into_iter().filter_map(|entry| {
        let score = if typed.is_empty() { 0 } else { matcher.fuzzy_match(&entry.text, typed)? };
        Some((score, entry))
    });
    let mut scored: Vec<(usize, Entry)> = scored.collect();
    scored.sort_by_key(|(score, _)| Reverse(*score));
    // A number names things: they come first.
    let numbered = numbered(state, model, typed);
    numbered.into_iter().chain(scored.into_iter().map(|(_, entry)| entry)).collect()
}

/// The entry that is selected.
#[must_use]
pub fn chosen(state: &UiState, model: &Model) -> Option<Command> {
    let Overlay::Palette(place) = state.overlay else { return None };
    entries(state, model).into_iter().nth(place).map(|entry| entry.command)
}

/// Selects the next entry, or the one before.
pub fn step(state: &mut UiState, model: &Model, is_next: bool) {
    let Overlay::Palette(place) = state.overlay else { return };
    let last = entries(state, model).len().saturating_sub(1);
    state.overlay = Overlay::Palette(if is_next { (place + 1).min(last) } else { place.saturating_sub(1) });
}

fn all(state: &UiState, model: &Model) -> Vec<Entry> {
    let keymap = state.settings.keymap.all().filter(|(binding, _)| binding.action != Action::Palette);
    let actions = keymap.map(|(binding, keys)| Entry {
        text: binding.says.to_owned(),
        hint: keys.join(" "),
        command: Command::Do(binding.action),
    });
    let filters = state.settings.filters.all().map(|(name, query)| Entry {
        text: format!("filter @{name}"),
        hint: query.to_owned(),
        command: Command::Filter(name.to_owned()),
    });
    let world = state.world(model);
    let marks = state.marks.all().map(|(letter, target)| Entry {
        text: format!("go to mark {letter}"),
        hint: crumbs::name(&world, state, target),
        command: Command::Go(Go::Page(target)),
    });
    let names = Verdict::ALL.map(Verdict::as_str).into_iter().chain(Kind::ALL.map(Kind::as_str));
    let pages = names.map(|name| Entry {
        text: format!("explain {name}"),
        hint: String::new(),
        command: Command::Explain(name),
    });
    actions.chain(filters).chain(marks).chain(pages).collect()
}

/// Everything that has the number that is typed: `22`, `#22`.
fn numbered(state: &UiState, model: &Model, typed: &str) -> Vec<Entry> {
    let Ok(number) = typed.strip_prefix('#').unwrap_or(typed).parse::<u64>() else { return Vec::new() };
    let world = state.world(model);
    let targets = [
        ("request", Target::Request(RequestId(number))),
        ("load", Target::Load(LoadId(number))),
        ("helper call", Target::Call(CallId(number))),
        ("firmware request", Target::Firmware(FirmwareId(number))),
        ("suspend", Target::Cycle(CycleId(number))),
    ];
    let kept = targets.into_iter().filter(|(_, target)| state.derived.keeps(model, *target));
    let entry = |(kind, target)| Entry {
        text: format!("go to {kind} #{number}"),
        hint: crumbs::name(&world, state, target),
        command: Command::Go(Go::Page(target)),
    };
    kept.map(entry).collect()
}
