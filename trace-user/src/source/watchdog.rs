//! Proves that the probes fire: at the start, and after the machine slept or user space was frozen.
//!
//! In: the instants of checks, and the events that came between them. Out: what was found: nothing, that the probes
//! fire, or which of them are deaf and since when they may be. The caller attaches deaf ones again, and they are tested
//! again.

use crate::kernel::self_test::{self, Proof};
use crate::kernel::snapshot;
use modtrail_core::event::{Body, Depth, Event, Moment, SelfTest, Stamp, SuspendMoment};
use std::time::Duration;
use tokio::time::Instant;
use trace_common::kind::Kind;
use trace_common::time::Nanos;

/// How long the probes are given to show modtrail's request.
const LIMIT: Duration = Duration::from_secs(1);
/// A check that comes this long after the one before shows that modtrail itself stood still, maybe frozen.
const STOOD_STILL: Nanos = Nanos::from_millis(400);
/// How soon after that the kernel has counted the attempt to suspend, if there was one.
const COUNTED_WITHIN: Nanos = Nanos::from_secs(2);
/// The machine slept if the difference of its two clocks grew by more than this between two checks.
const SLEPT: Nanos = Nanos::from_millis(50);
/// How soon it is tried again if the kernel would not start a helper: user space runs shortly before helpers may.
const AGAIN: Duration = Duration::from_millis(250);
/// How often it is tried again.
const TRIES: u32 = 20;
/// How soon probes that stayed deaf after they were attached again are tried again.
const STILL_DEAF: Duration = Duration::from_secs(5);

/// The watchdog.
#[derive(Debug)]
pub struct Watchdog {
    last: Stamp,
    /// The last instant at which the probes worked, as far as is known.
    sound: Stamp,
    trial: Option<Trial>,
    /// When a trial is to begin, and how many before it failed.
    due: Option<(Instant, u32)>,
    /// Nothing is known yet: if there is no first answer, that is reported at once, since somebody may wait for it.
    /// Around a suspend it is worth asking again.
    is_first: bool,
    /// How often in a row the probes were found deaf.
    deaf: u32,
    /// When modtrail last stood still.
    stood_still: Option<Stamp>,
    /// Attempts to suspend that the kernel has counted.
    attempts: u64,
}

#[derive(Debug)]
struct Trial {
    proof: Proof,
    began: Instant,
    tries: u32,
}

/// What a check found.
#[derive(Debug)]
pub enum Finding {
    /// Nothing, or nothing yet.
    Nothing,
    /// The probes fire, or why that cannot be proven.
    Proven(SelfTest),
    /// These did not show modtrail's own request.
    Deaf {
        /// The moments.
        moments: Vec<Kind>,
        /// Since when, at the earliest.
        since: Stamp,
    },
}

impl Watchdog {
    /// Begins at `now`, when the probes were attached: the first check must prove them.
    #[must_use]
    pub fn new(now: Stamp) -> Self {
        Self {
            last: now,
            sound: now,
            trial: None,
            due: Some((Instant::now(), 0)),
            is_first: true,
            deaf: 0,
            stood_still: None,
            attempts: snapshot::suspend_attempts(),
        }
    }

    /// Checks the events that came since the last check.
    pub fn look(&mut self, now: Stamp, new: &[Event]) -> Finding {
        let slept = now.boot.since(self.last.boot).minus(now.mono.since(self.last.mono)) >= SLEPT;
        if (slept || self.was_frozen(now) || new.iter().any(enables_helpers))
            && self.due.is_none()
            && self.trial.is_none()
        {
            self.due = Some((Instant::now(), 0));
        } else if self.due.is_none() && self.trial.is_none() {
            self.sound = now;
        }
        self.last = now;
        if let Some((_, tries)) = self.due.take_if(|(when, _)| *when <= Instant::now()) {
            match self_test::begin() {
                Ok(proof) => self.trial = Some(Trial { proof, began: Instant::now(), tries }),
                Err(why) => return self.unproven(SelfTest::Unproven(why.into()), tries, true),
            }
        }
        self.follow(now, new)
    }

    /// Deaf probes were attached again at `now`: whether that helped must be proven.
    ///
    /// They are tried in pairs, the second at once after the first. A kprobe that is attached while kprobes are
    /// switched off stays off when they are switched on again (`enable_kprobe` in kernel/kprobes.c, 5.10 to 6.12): the
    /// first trial after that finds it deaf, and it must be attached once more.
    pub fn attached_again(&mut self, now: Stamp) {
        let again = if self.deaf.is_multiple_of(2) { STILL_DEAF } else { Duration::ZERO };
        self.due = Some((Instant::now() + again, 0));
        self.sound = now;
    }

    /// What the probes reported was lost before it could be read: that proves nothing.
    pub fn lost(&mut self) {
        self.deaf = self.deaf.saturating_sub(1);
        self.due = Some((Instant::now() + AGAIN, 0));
    }

    /// modtrail stood still between two checks, the last of them now or shortly before, and the kernel has counted an
    /// attempt to suspend, which it only does when user space runs again.
    fn was_frozen(&mut self, now: Stamp) -> bool {
        if now.mono.since(self.last.mono) >= STOOD_STILL {
            self.stood_still = Some(now);
        }
        if self.stood_still.is_none_or(|at| now.mono.since(at.mono) >= COUNTED_WITHIN) {
            return false;
        }
        let before = std::mem::replace(&mut self.attempts, snapshot::suspend_attempts());
        self.attempts != before
    }

    fn follow(&mut self, now: Stamp, new: &[Event]) -> Finding {
        let Some(trial) = &mut self.trial else { return Finding::Nothing };
        new.iter().for_each(|event| trial.proof.see(event));
        let refused = trial.proof.refusal();
        let over = trial.proof.is_complete() || trial.proof.is_turned_away() || refused.is_some();
        if !over && trial.began.elapsed() < LIMIT {
            return Finding::Nothing;
        }
        let (tries, is_answered) = (trial.tries, over);
        let outcome = refused.unwrap_or_else(|| trial.proof.outcome());
        self.trial = None;
        match outcome {
            SelfTest::Proven => {
                self.is_first = false;
                (self.sound, self.deaf) = (now, 0);
                Finding::Proven(SelfTest::Proven)
            }
            SelfTest::Deaf(moments) => {
                self.deaf += 1;
                self.is_first = false;
                Finding::Deaf { moments, since: self.sound }
            }
            SelfTest::Unproven(_) => self.unproven(outcome, tries, is_answered),
        }
    }

    fn unproven(&mut self, outcome: SelfTest, tries: u32, is_answered: bool) -> Finding {
        if tries >= TRIES || (self.is_first && is_answered) {
            self.is_first = false;
            return Finding::Proven(outcome);
        }
        self.due = Some((Instant::now() + AGAIN, tries + 1));
        Finding::Nothing
    }
}

/// Helpers may be started again: user space runs, or a suspend was given up.
fn enables_helpers(event: &Event) -> bool {
    let Body::Probe(probe) = &event.body else { return false };
    let Moment::Suspend(moment) = &probe.moment else { return false };
    matches!(moment, SuspendMoment::DepthSet { depth: Depth::ENABLED })
}
