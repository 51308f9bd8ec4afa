//! How a recording is being played, as it is shown.

use super::speed::Speed;
use crate::event::Stamp;
use std::sync::Arc;
use trace_common::time::Ktime;

/// What the player does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It waits until the recording is indexed so far.
    Waiting,
    /// It is on its way to another position.
    Seeking,
    /// Time passes.
    Playing,
    /// Time stands still.
    Paused,
    /// Nothing follows.
    AtEnd,
}

/// How a recording is being played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Playback {
    /// What the player does.
    pub status: Status,
    /// How fast it plays.
    pub speed: Speed,
    /// The instant that is shown: that of the position, or later, if nothing has happened since.
    pub at: Stamp,
    /// The events of probes up to the position.
    pub event: u64,
    /// All of them, as far as that is known.
    pub events: u64,
    /// How much of the recording is indexed, of a hundred parts; `None` once all of it is.
    pub indexed: Option<u8>,
    /// The first and the last instant, as far as that is known.
    pub span: Option<(Stamp, Stamp)>,
    /// When each finding was found, on the clock that does not stop in suspend.
    pub findings: Arc<[Ktime]>,
}

impl Playback {
    /// The position, of a hundred parts of the events.
    #[must_use]
    pub fn percent(&self) -> u64 {
        let percent = u128::from(self.event) * 100 / u128::from(self.events.max(1));
        u64::try_from(percent).unwrap_or(100)
    }
}
