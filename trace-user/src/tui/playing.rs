//! What keys do to a recording that is played.
//!
//! In: actions. Out: commands for the player. Pure.

use super::keymap::Action;
use super::mode::Mode;
use super::state::UiState;
use modtrail_core::player::{Command, When};

/// The command that an action stands for, if the recording can be played.
pub fn play(state: &mut UiState, action: Action) -> Option<Command> {
    command(action).filter(|_| can_play(state))
}

/// Whether what is shown can be played. It says why not.
pub fn can_play(state: &mut UiState) -> bool {
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
