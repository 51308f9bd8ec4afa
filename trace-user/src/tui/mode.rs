//! The origin of what is shown.

use jiff::civil::Date;
use modtrail_core::player::{Playback, Status};
use modtrail_core::record::read::Damage;

/// Where the model's events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The running kernel, to which the probes are being attached: nothing is seen yet.
    Attaching {
        /// Moments that are done.
        done: usize,
        /// All of them.
        of: usize,
    },
    /// The running kernel.
    Live,
    /// A recording.
    Replay {
        /// The recording's name, as a person knows it.
        name: String,
        /// Where it is damaged.
        damage: Option<Damage>,
        /// How it is played; `None` if it can only be shown as it ended.
        playback: Option<Playback>,
        /// The date on which it is shown, which needs no words; `None` if no date does.
        today: Option<Date>,
    },
}

impl Mode {
    /// How a recording is played, if it is one that is.
    #[must_use]
    pub const fn playback(&self) -> Option<&Playback> {
        match self {
            Self::Replay { playback, .. } => playback.as_ref(),
            Self::Attaching { .. } | Self::Live => None,
        }
    }

    /// Whether the position in a recording stays where it is.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.playback().is_some_and(|playback| playback.status != Status::Playing)
    }
}
