//! A recording that is played in the dashboard: indexed in a thread of its own, played here.
//!
//! In: a recording; how much time passes. Out: what is known of it, the model at the position, and how it is played.

use super::failure::Failure;
use crate::clock;
use crate::recording::read::{Faults, FileReadError, Source, integrity};
use crate::recording::track::{Opener, Track, TrackMark};
use crate::tui::Mode;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use modtrail_core::player::{Limits, News, Player, Status, When, index};
use modtrail_core::record::read::Damage;
use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use trace_common::time::Nanos;

/// Pieces of news that wait.
const WAITING: usize = 4;
/// Events that are read and joined between two looks at the keys: some milliseconds.
const SLICE: usize = 4_096;
/// The most time that passes at once: a person who was away did not watch.
const STEP: Nanos = Nanos::from_millis(250);

/// How long the first frame waits for the index.
const GRACE: Duration = Duration::from_millis(100);

/// What the thread has to say.
pub enum Indexing {
    /// More is known; so much is read, of a hundred parts.
    News(Box<News<TrackMark>>, u8),
    /// All of it has been read, or it cannot be.
    Over(Result<Faults, FileReadError>),
}

/// Reads all of a recording in a thread of its own, which ends when nobody listens.
pub fn start(source: Source, limits: Limits) -> mpsc::Receiver<Indexing> {
    let (sender, receiver) = mpsc::channel(WAITING);
    thread::spawn(move || {
        let size = source.size();
        let mut track = source.track();
        let indexed = index(&mut track, limits, |news, track| {
            let percent = percent(track.bytes_read(), size);
            match sender.blocking_send(Indexing::News(Box::new(news), percent)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        // Who has quit does not listen any more.
        let _ = sender.blocking_send(Indexing::Over(indexed.map(|()| track.into_faults())));
    });
    receiver
}

/// A part of a whole, which may have grown since.
fn percent(part: u64, whole: Option<u64>) -> u8 {
    let percent = u128::from(part) * 100 / u128::from(whole.unwrap_or(0).max(part).max(1));
    u8::try_from(percent).unwrap_or(100)
}

/// A recording that is played.
pub struct Played<'s> {
    /// Its position.
    pub player: Player<TrackMark>,
    /// How much of its files could be read, once all of them have been.
    pub faults: Faults,
    track: Track<'s, Opener>,
    name: String,
    damage: Option<Damage>,
    today: Option<Date>,
    began: Instant,
    passed: Instant,
}

impl<'s> Played<'s> {
    /// A recording that opens at a time, shown in a zone.
    pub fn new(source: &'s Source, when: When, limits: Limits, zone: &TimeZone) -> Self {
        let now = Timestamp::from_nanosecond(i128::from(clock::wall_ns())).ok();
        Self {
            player: Player::new(TrackMark::beginning(), when, limits),
            faults: Faults::new(),
            track: source.track(),
            name: source.name(),
            damage: None,
            today: now.map(|now| zone.to_datetime(now).date()),
            began: Instant::now(),
            passed: Instant::now(),
        }
    }

    /// When the first frame is due: most recordings are indexed before it.
    pub fn opens(&self) -> Instant {
        if self.player.end().is_some() { self.began } else { self.began + GRACE }
    }

    /// As the dashboard shows it.
    pub fn mode(&self) -> Mode {
        Mode::Replay {
            name: self.name.clone(),
            damage: self.damage,
            playback: Some(self.player.playback()),
            today: self.today,
        }
    }

    /// Takes what the thread has to say.
    ///
    /// # Errors
    /// [`Failure`] if the recording cannot be read.
    pub fn learn(&mut self, indexing: Indexing) -> Result<(), Failure> {
        match indexing {
            Indexing::News(news, percent) => {
                self.player.indexed_until(percent);
                self.player.indexed(*news);
            }
            Indexing::Over(read) => {
                self.faults = read?;
                self.damage = integrity(&self.faults).damage;
            }
        }
        Ok(())
    }

    /// Goes a little further on the way to where the position is to be.
    ///
    /// # Errors
    /// [`FileReadError`] if a file cannot be read any more.
    pub fn work(&mut self) -> Result<(), FileReadError> {
        self.player.work(&mut self.track, SLICE)
    }

    /// Time has passed since this was last called.
    pub fn pass(&mut self) {
        let now = Instant::now();
        let time = u64::try_from(now.duration_since(self.passed).as_nanos()).map_or(STEP, Nanos::new);
        self.passed = now;
        self.player.pass(time.min(STEP));
    }

    /// Whether the next frame shows something else, whatever the person does.
    pub fn is_moving(&self) -> bool {
        matches!(self.player.playback().status, Status::Playing | Status::Seeking)
    }
}
