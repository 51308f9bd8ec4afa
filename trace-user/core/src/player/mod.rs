//! A recording that is played: a model of any position in it, reached by playing, by steps or by seeking.
//!
//! In: the recording's events, again and again from the places that were marked ([`Feed`]); what is known of all of it
//! ([`index()`]); commands; and how much time has passed. Out: the model at the position, and how it is played
//! ([`Playback`]). Pure: no clock and no thread. The same position gives the same model, however it was reached.
//!
//! A position is a number of events, in order, that the pipeline has let through. A seek begins at the last checkpoint
//! before it, which is a copy of the pipeline, and reads on from there.

pub mod checkpoints;
pub mod head;
pub mod index;
pub mod playback;
pub mod speed;
pub mod target;
#[cfg(test)]
mod tests;
pub mod when;

pub use checkpoints::{Checkpoint, Checkpoints, Limits};
pub use head::Head;
pub use index::{Marked, News, index};
pub use playback::{Playback, Status};
pub use speed::Speed;
pub use target::Target;
pub use when::When;

use crate::event::{Event, Stamp};
use crate::model::Model;
use crate::overview::Overview;
use head::Advance;
use index::Known;
use trace_common::time::{Ktime, Nanos};
use when::Bounds;

/// The events of a recording as they came, from any place that was marked.
pub trait Feed {
    /// A place.
    type Mark: Clone;
    /// Why it cannot be read.
    type Error;

    /// The next event; `None` after the last, or before the recording's own end.
    ///
    /// # Errors
    /// It cannot be read.
    fn next(&mut self) -> Result<Option<Event>, Self::Error>;
    /// The recording's own end; `None` if it is not there. After the last event.
    fn end(&self) -> Option<Event>;
    /// The place at which [`Feed::next`] goes on, if it is one that [`Feed::go`] finds again.
    fn mark(&self) -> Option<Self::Mark>;
    /// Goes on at another place.
    ///
    /// # Errors
    /// It cannot be read.
    fn go(&mut self, mark: &Self::Mark) -> Result<(), Self::Error>;
}

/// What the person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Play, or pause. At the end, play from the beginning.
    Toggle,
    /// One event on.
    NextEvent,
    /// One event back.
    PreviousEvent,
    /// To the beginning of the next request.
    NextRequest,
    /// To the beginning of the latest request; if that is here, of the one before.
    PreviousRequest,
    /// To where the next finding is found.
    NextFinding,
    /// To where the finding before was found.
    PreviousFinding,
    /// Twice as fast.
    Faster,
    /// Half as fast.
    Slower,
    /// To a time.
    Time(When),
}

impl Command {
    /// Whether it goes on from where the command before it arrives.
    #[must_use]
    pub const fn goes_on(&self) -> bool {
        !matches!(self, Self::Toggle | Self::Time(_))
    }
}

/// A seek that has not arrived.
#[derive(Clone, Copy, Debug)]
struct Seek {
    target: Target,
    /// It only goes on from here: no checkpoint is nearer.
    is_direct: bool,
    is_begun: bool,
    /// The clock when it began, if it skips a gap.
    skips_from: Option<Ktime>,
}

/// A recording that is played.
#[derive(Debug)]
pub struct Player<M> {
    /// It reads the feed.
    head: Head,
    /// Where the feed has to go before the head reads on.
    place: Option<M>,
    /// What is shown until a seek arrives.
    shown: Option<Head>,
    seek: Option<Seek>,
    is_playing: bool,
    speed: Speed,
    /// The instant up to which it is played.
    clock: Ktime,
    /// For how long it has been played without an event.
    quiet: Nanos,
    checkpoints: Checkpoints<M>,
    known: Known,
    /// Where it is to open, until that can be said.
    opening: Option<When>,
    notice: Option<String>,
}

/// A gap is played for so long. What is left of it is skipped.
const QUIET: Nanos = Nanos::from_secs(2);

impl<M: Clone> Player<M> {
    /// A recording of which `mark` is the beginning. It opens at `when`: `-5m` is before its end, `+5m` after its
    /// beginning.
    #[must_use]
    pub fn new(mark: M, when: When, limits: Limits) -> Self {
        let target = if when == When::Start { Target::Start } else { Target::End };
        let first = Checkpoint { head: Head::default(), mark: mark.clone() };
        let seek = Seek { target, is_direct: target == Target::Start, is_begun: false, skips_from: None };
        Self {
            head: Head::default(),
            place: Some(mark),
            shown: None,
            seek: Some(seek),
            is_playing: false,
            speed: Speed::default(),
            clock: Ktime::from_nanos(0),
            quiet: Nanos::ZERO,
            checkpoints: Checkpoints::new(first, limits),
            known: Known::default(),
            opening: Some(when).filter(|when| !matches!(when, When::Start | When::End)),
            notice: None,
        }
    }

    /// The model at the position.
    #[must_use]
    pub fn model(&self) -> &Model {
        self.picture().model()
    }

    /// The overview's counts at the position.
    #[must_use]
    pub fn overview(&self) -> &Overview {
        self.picture().overview()
    }

    /// Where it is: how many events, in order, were let through.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.picture().steps()
    }

    /// What is to be said about the last command, once.
    pub const fn take_notice(&mut self) -> Option<String> {
        self.notice.take()
    }

    /// How it is played.
    #[must_use]
    pub fn playback(&self) -> Playback {
        let shown = self.picture();
        let status = match self.seek {
            Some(seek) if self.waits(seek) => Status::Waiting,
            Some(Seek { skips_from: Some(_), .. }) => Status::Playing,
            Some(_) => Status::Seeking,
            None if self.is_playing => Status::Playing,
            None if shown.is_closed() => Status::AtEnd,
            None => Status::Paused,
        };
        Playback {
            status,
            speed: self.speed,
            at: self.now(),
            event: shown.events(),
            events: self.known.events.max(shown.events()),
            indexed: self.known.indexed(),
            span: self.known.span,
            findings: self.known.findings_at(),
        }
    }

    /// Whether [`Player::work`] has something to do.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match self.seek {
            Some(seek) => !self.waits(seek),
            None => self.is_playing && !self.is_played(),
        }
    }

    fn picture(&self) -> &Head {
        self.shown.as_ref().unwrap_or(&self.head)
    }

    /// What is known of the recording has become more.
    pub fn indexed(&mut self, news: News<M>) {
        self.known.add(&news);
        if let Some(checkpoint) = news.checkpoint {
            // Whoever waits sees how far that is.
            if self.seek.is_some_and(|seek| self.waits(seek)) {
                (self.head, self.place) = (checkpoint.head.clone(), Some(checkpoint.mark.clone()));
                self.shown = None;
            }
            self.checkpoints.add(checkpoint);
        }
        if let Some(end) = news.end {
            self.checkpoints.close(*end);
        }
        let is_whole = self.known.is_whole;
        let knows_times = is_whole || self.model().machine().is_some();
        if let Some(when) = self.opening.take_if(|when| knows_times && (is_whole || !matches!(when, When::Before(_))))
            && let Some((first, last)) = self.known.span
        {
            self.seek_time(&when, if matches!(when, When::Before(_)) { last } else { first });
        }
    }

    /// So much of the recording has been indexed, of a hundred parts.
    pub const fn indexed_until(&mut self, percent: u8) {
        self.known.percent = percent;
    }

    /// Whether it is on its way to a position.
    #[must_use]
    pub const fn is_seeking(&self) -> bool {
        self.seek.is_some()
    }

    /// Does what the person wants, or says why not.
    pub fn command(&mut self, command: Command) {
        match command {
            Command::Toggle => self.toggle(),
            Command::Faster => self.change_speed(self.speed.faster()),
            Command::Slower => self.change_speed(self.speed.slower()),
            Command::Time(when) => self.seek_time(&when, self.now()),
            Command::NextEvent
            | Command::PreviousEvent
            | Command::NextRequest
            | Command::PreviousRequest
            | Command::NextFinding
            | Command::PreviousFinding => {
                self.is_playing = false;
                self.step(&command);
            }
        }
    }

    /// Goes to a time, which may be counted from `base`.
    fn seek_time(&mut self, when: &When, base: Stamp) {
        let (first, last) = self.known.span.unwrap_or((base, base));
        // What is known of the end knows when the wall clock was set.
        let model = self.end().unwrap_or_else(|| self.model());
        let last = if self.known.is_whole { last } else { Stamp::awake(u64::MAX) };
        match when.target(model, Bounds { base, first, last }) {
            Ok((target, words)) => {
                self.notice = words.map(str::to_owned);
                self.go(target);
            }
            Err(words) => self.notice = Some(words),
        }
    }

    /// So much time has passed for the person.
    pub fn pass(&mut self, time: Nanos) {
        // If the events come too fast, the clock waits for them.
        if !self.is_playing || self.seek.is_some() || !self.is_played() {
            return;
        }
        self.clock = self.clock.plus(self.speed.of(time));
        self.quiet = self.quiet.plus(time);
        if self.quiet >= QUIET {
            self.seek = Some(Seek {
                target: Target::NextEvent,
                is_direct: true,
                is_begun: false,
                skips_from: Some(self.clock),
            });
        }
    }

    /// Reads and joins about `budget` events.
    ///
    /// # Errors
    /// The recording cannot be read. The position is then that of the checkpoint before what was shown.
    pub fn work<F: Feed<Mark = M>>(&mut self, feed: &mut F, budget: usize) -> Result<(), F::Error> {
        let worked = match self.seek {
            Some(seek) if self.waits(seek) => Ok(()),
            Some(seek) => self.run(feed, seek, budget),
            None => self.play(feed, budget),
        };
        if worked.is_err() {
            self.give_up();
        }
        worked
    }

    fn run<F: Feed<Mark = M>>(&mut self, feed: &mut F, seek: Seek, budget: usize) -> Result<(), F::Error> {
        if !seek.is_begun {
            self.begin(seek);
        }
        if self.advance(feed, seek.target, budget)? {
            self.arrive(seek);
        }
        Ok(())
    }

    fn play<F: Feed<Mark = M>>(&mut self, feed: &mut F, budget: usize) -> Result<(), F::Error> {
        let before = self.head.events();
        self.advance(feed, Target::Time(self.clock), budget)?;
        if self.head.events() > before {
            self.quiet = Nanos::ZERO;
        }
        if self.head.is_closed() {
            self.is_playing = false;
        }
        self.head.refresh_overview();
        Ok(())
    }

    /// Lets the head go on; returns whether it has arrived.
    fn advance<F: Feed<Mark = M>>(&mut self, feed: &mut F, target: Target, budget: usize) -> Result<bool, F::Error> {
        if let Some(place) = self.place.as_ref().filter(|_| !self.head.is_over()) {
            feed.go(place)?;
            self.place = None;
        }
        let Self { head, checkpoints, .. } = self;
        let advanced = head.advance(feed, target, budget, |head, feed| checkpoints.pass(head, feed))?;
        Ok(advanced == Advance::Arrived)
    }

    /// The seek begins at the nearest place before its target.
    fn begin(&mut self, seek: Seek) {
        self.seek = Some(Seek { is_begun: true, ..seek });
        let own = self.head.is_before(seek.target).then(|| self.head.steps());
        let nearest = if seek.is_direct { None } else { self.checkpoints.before(seek.target) };
        let nearer = nearest.filter(|(head, _)| own.is_none_or(|own| own < head.steps()));
        let before = match nearer {
            Some((head, mark)) => {
                self.place = mark.cloned();
                std::mem::replace(&mut self.head, head.clone())
            }
            None => self.head.clone(),
        };
        self.checkpoints.leave(self.head.steps());
        self.shown.get_or_insert(before);
    }

    fn arrive(&mut self, seek: Seek) {
        self.head.refresh_overview();
        (self.seek, self.shown, self.quiet) = (None, None, Nanos::ZERO);
        let here = self.head.model().now().boot;
        self.clock = match (seek.target, seek.skips_from) {
            (Target::Time(at), _) => at.min(self.known.last().unwrap_or(at)),
            (_, Some(_)) => self.head.upcoming().map_or(here, |event| event.at.boot),
            (_, None) => here,
        };
        if let Some(from) = seek.skips_from {
            self.notice = Some(format!("skipped {} without an event", self.clock.since(from)));
        }
        if self.head.is_closed() {
            self.is_playing = false;
        }
    }

    /// The recording cannot be read, and the feed may be anywhere.
    fn give_up(&mut self) {
        let steps = self.picture().steps();
        if let Some((head, mark)) = self.checkpoints.before(Target::Step(steps)) {
            (self.head, self.place) = (head.clone(), mark.cloned());
        }
        (self.seek, self.shown, self.is_playing) = (None, None, false);
    }

    fn go(&mut self, target: Target) {
        self.opening = None;
        self.seek = Some(Seek { target, is_direct: false, is_begun: false, skips_from: None });
    }

    /// Whether everything up to the clock has been played.
    fn is_played(&self) -> bool {
        self.head.is_closed() || self.head.has_reached(Target::Time(self.clock))
    }

    /// Whether it is not known yet where the seek leads.
    fn waits(&self, seek: Seek) -> bool {
        !seek.is_direct && !seek.is_begun && !self.known.is_whole && !self.checkpoints.reach(seek.target)
    }

    fn toggle(&mut self) {
        self.quiet = Nanos::ZERO;
        if self.picture().is_closed() && self.seek.is_none() {
            self.is_playing = true;
            self.notice = Some("playing from the beginning".to_owned());
            return self.go(Target::Start);
        }
        self.is_playing = !self.is_playing;
    }

    fn change_speed(&mut self, speed: Speed) {
        self.speed = speed;
        self.notice = Some(format!("speed {speed}"));
    }

    fn step(&mut self, command: &Command) {
        let shown = self.picture();
        let (events, requests) = (shown.events(), shown.requests());
        let wanted = match command {
            Command::NextEvent if shown.is_closed() => Err("this is the end"),
            Command::NextEvent => Ok((Target::Event(events + 1), true)),
            Command::PreviousEvent if shown.is_closed() && events > 0 => Ok((Target::Event(events), false)),
            Command::PreviousEvent if events == 0 => Err("this is the beginning"),
            Command::PreviousEvent => Ok((Target::after_event(events - 1), false)),
            Command::NextRequest if self.known.is_whole && requests >= self.known.requests => {
                Err("no request begins after this")
            }
            Command::NextRequest => Ok((Target::Request(requests + 1), true)),
            Command::PreviousRequest if requests == 0 => Err("no request begins before this"),
            Command::PreviousRequest if events > shown.request_begun() => Ok((Target::Request(requests), false)),
            Command::PreviousRequest => Ok((Target::after_request(requests - 1), false)),
            Command::NextFinding => {
                return self.seek_finding(self.known.finding_after(shown.steps()).cloned(), "later");
            }
            Command::PreviousFinding => {
                return self.seek_finding(self.known.finding_before(shown.steps()).cloned(), "earlier");
            }
            Command::Toggle | Command::Faster | Command::Slower | Command::Time(_) => return,
        };
        match wanted {
            // While another seek is on its way, the head is not at what is shown.
            Ok((target, is_direct)) => {
                self.go(target);
                let is_direct = is_direct && self.shown.is_none();
                self.seek = self.seek.map(|seek| Seek { is_direct, ..seek });
            }
            Err(words) => self.notice = Some(words.to_owned()),
        }
    }

    fn seek_finding(&mut self, found: Option<Marked>, which: &str) {
        let still = if self.known.is_whole { "" } else { " so far: the recording is still being indexed" };
        match found {
            Some(found) => {
                self.notice = Some(format!("{}: {}", found.kind.as_str(), found.sentence));
                self.go(Target::Step(found.steps));
            }
            None => self.notice = Some(format!("there is no {which} finding{still}")),
        }
    }

    /// The instant that is shown: nothing need have happened then.
    #[must_use]
    pub fn now(&self) -> Stamp {
        let now = self.model().now();
        let is_far = self.seek.is_some_and(|seek| self.waits(seek));
        if is_far { now } else { Stamp { boot: now.boot.max(self.clock), ..now } }
    }

    /// The model at the end of the recording; `None` until all of it is indexed.
    #[must_use]
    pub fn end(&self) -> Option<&Model> {
        self.checkpoints.end().map(Head::model)
    }
}
