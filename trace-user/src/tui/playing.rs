//! What keys do to a recording that is played, and the time that is typed to go to.
//!
//! In: actions, keys. Out: commands for the player. Pure.

use super::keymap::Action;
use super::mode::Mode;
use super::state::UiState;
use super::typing::Seeking;
use modtrail_core::player::{Command, When};
use ratatui::crossterm::event::{KeyCode, KeyEvent};

/// The command that an action stands for, if the recording can be played.
pub fn play(state: &mut UiState, action: Action) -> Option<Command> {
    command(action).filter(|_| can_play(state))
}

/// A time is going to be typed.
pub fn start_typing(state: &mut UiState) {
    if can_play(state) {
        state.seeking = Some(Seeking::default());
    }
}

/// Takes a key of a time that is being typed; once that is done, returns the command.
pub fn on_typed(state: &mut UiState, key: KeyEvent) -> Option<Command> {
    let seeking = state.seeking.as_mut()?;
    if key.code == KeyCode::Esc {
        state.seeking = None;
    } else if key.code == KeyCode::Enter {
        match When::parse(&seeking.input.text(), &state.settings.zone) {
            Ok(when) => {
                state.seeking = None;
                return Some(Command::Time(when));
            }
            Err(words) => seeking.fault = Some(words),
        }
    } else if seeking.input.edit(key) {
        seeking.fault = None;
    }
    None
}

/// Whether what is shown can be played. It says why not.
fn can_play(state: &mut UiState) -> bool {
    let words = match &state.mode {
        Mode::Replay { playback: Some(_), .. } => return true,
        Mode::Replay { playback: None, .. } => "what came through a pipe is shown as it ended: play a file",
        Mode::Attaching { .. } | Mode::Live => "only a recording can be played: modtrail replay FILE",
    };
    state.notice = Some(words.to_owned());
    false
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other action is about the screen")]
fn command(action: Action) -> Option<Command> {
    Some(match action {
        Action::Pause => Command::Toggle,
        Action::NextEvent => Command::NextEvent,
        Action::PreviousEvent => Command::PreviousEvent,
        Action::NextRequest => Command::NextRequest,
        Action::PreviousRequest => Command::PreviousRequest,
        Action::NextFinding => Command::NextFinding,
        Action::PreviousFinding => Command::PreviousFinding,
        Action::Faster => Command::Faster,
        Action::Slower => Command::Slower,
        Action::Start => Command::Time(When::Start),
        Action::End => Command::Time(When::End),
        _ => return None,
    })
}
