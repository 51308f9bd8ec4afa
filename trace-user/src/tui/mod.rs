//! The dashboard: a model drawn on a terminal.
//!
//! In: a [`Model`](modtrail_core::model::Model) and what the user does ([`Msg`]). Out: cells of a buffer. [`update()`]
//! changes the [`UiState`] and is pure; [`draw`] changes nothing and is pure; only [`terminal`] does I/O. The caller
//! owns the loop: it passes every message to `update` and, before it draws, a [`Msg::Tick`]. While
//! [`UiState::is_paused`], it passes both the clone of the model that it made when the pause began.
//!
//! ```text
//! header   what is traced, live or replay, events seen and lost, open requests, worst latency
//! body     one screen: the overview, a list, or a page about one thing
//! footer   the filter being typed, an error, what the last key did, or the keys
//! ```

pub mod derived;
pub mod export;
pub mod filters;
pub mod format;
pub mod glossary;
pub mod go;
pub mod history;
pub mod keymap;
pub mod list;
pub mod marking;
pub mod marks;
pub mod mode;
pub mod navigate;
pub mod palette;
pub mod picture;
pub mod playing;
pub mod prompt;
pub mod row;
pub mod scene;
pub mod screen;
pub mod screens;
pub mod search;
pub mod state;
pub mod table;
pub mod terminal;
#[cfg(test)]
mod test_utils;
pub mod theme;
pub mod typing;
pub mod update;
pub mod view;
pub mod world;

#[cfg(test)]
mod tests;

pub use mode::Mode;
pub use state::UiState;
pub use theme::Theme;
pub use update::{Msg, Outcome, update};
pub use view::draw;
