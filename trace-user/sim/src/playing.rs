//! Simulated recordings that are played, in any way: the model at a position is what the pipeline makes of the events
//! up to there, whether that was reached by playing, by steps or by seeking, and however far the recording is indexed.

use crate::simulation::plan::Plan;
use crate::simulation::random::Random;
use crate::simulation::simulate;
use modtrail_core::event::{Body, Event, Fact};
use modtrail_core::model::Model;
use modtrail_core::overview::Overview;
use modtrail_core::pipeline::Pipeline;
use modtrail_core::player::{Command, Feed, Limits, News, Player, Status, When, index};
use modtrail_core::query::Query;
use modtrail_core::record::read::Integrity;
use modtrail_core::report::whole;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::ops::ControlFlow;
use trace_common::time::Nanos;

/// Events between two places that can be found again, as chunks of a file have them.
const CHUNK: usize = 7;
/// Small, so that there are many checkpoints even in a short recording.
const LIMITS: Limits = Limits { spread: 40, near: 10, bytes: usize::MAX };
/// The fewest events of a recording that is gone through step by step.
const STEPS: u64 = 50;

/// A recording in memory.
struct Recording {
    events: Vec<Event>,
    end: Option<Event>,
    next: usize,
}

impl Feed for Recording {
    type Mark = usize;
    type Error = Infallible;

    fn next(&mut self) -> Result<Option<Event>, Infallible> {
        self.next += 1;
        Ok(self.events.get(self.next - 1).cloned())
    }

    fn end(&self) -> Option<Event> {
        self.end.clone()
    }

    fn mark(&self) -> Option<usize> {
        self.next.is_multiple_of(CHUNK).then_some(self.next)
    }

    fn go(&mut self, mark: &usize) -> Result<(), Infallible> {
        self.next = *mark;
        Ok(())
    }
}

fn recording(seed: u64) -> Recording {
    let (mut events, _) = simulate(&Plan::of(seed));
    let end = events.pop_if(|last| matches!(last.body, Body::Fact(Fact::End)));
    Recording { events, end, next: 0 }
}

fn said(model: &Model) -> String {
    whole::summary(model, &Integrity::default(), &Query::default())
}

/// What the pipeline makes of so many events, in order.
fn expected(recording: &Recording, position: u64) -> Model {
    let mut pipeline = Pipeline::default();
    let mut steps = 0;
    let mut events = recording.events.iter().chain(&recording.end).cloned();
    while steps < position {
        if pipeline.step(|_, _| {}) {
            steps += 1;
        } else if let Some(event) = events.next() {
            pipeline.take(event);
        } else {
            pipeline.release();
            if pipeline.next().is_none() {
                pipeline.cut(|_, _| {});
                steps += 1;
                assert_eq!(steps, position, "nothing follows the end");
            }
        }
    }
    pipeline.into_model()
}

/// Any command.
fn command(random: &mut Random) -> Command {
    let time = |random: &mut Random| Nanos::from_millis(random.between(0, 20_000));
    match random.between(0, 12) {
        0 => Command::Toggle,
        1 => Command::Faster,
        2 => Command::Slower,
        3 => Command::NextRequest,
        4 => Command::PreviousRequest,
        5 => Command::NextFinding,
        6 => Command::PreviousFinding,
        7 => Command::Time(When::Start),
        8 => Command::Time(When::End),
        9 => Command::Time(When::After(time(random))),
        10 => Command::Time(When::Before(time(random))),
        11 => Command::NextEvent,
        _ => Command::PreviousEvent,
    }
}

/// A person plays the recording of a seed.
struct Session {
    seed: u64,
    random: Random,
    feed: Recording,
    player: Player<usize>,
    news: VecDeque<News<usize>>,
}

impl Session {
    fn new(seed: u64, when: When) -> Self {
        let mut news = VecDeque::new();
        let Ok(()) = index(&mut recording(seed), LIMITS, |more, _| {
            news.push_back(more);
            ControlFlow::Continue(())
        });
        let player = Player::new(0, when, LIMITS);
        Self { seed, random: Random::new(seed), feed: recording(seed), player, news }
    }

    /// Some of the recording is indexed.
    fn learns(&mut self, pieces: usize) {
        for news in self.news.drain(..pieces.min(self.news.len())) {
            self.player.indexed(news);
        }
    }

    /// Everything is done that can be.
    fn settles(&mut self) {
        while self.player.is_busy() {
            let budget = usize::try_from(self.random.between(1, 60)).unwrap_or(1);
            let Ok(()) = self.player.work(&mut self.feed, budget);
        }
    }

    fn watches(&mut self) {
        for _ in 0..self.random.between(0, 11) {
            self.player.pass(Nanos::from_millis(self.random.between(0, 900)));
            self.settles();
        }
    }

    fn is_as_expected(&self, after: &Command) {
        let position = self.player.position();
        let expected = expected(&self.feed, position);
        let context = || format!("seed {}, after {after:?}, at position {position}", self.seed);
        assert!(said(self.player.model()) == said(&expected), "{}", context());
        let mut overview = Overview::default();
        overview.refresh(&expected);
        assert!(self.player.overview() == &overview, "the overview of {}", context());
    }
}

#[test]
fn a_position_has_one_model_whatever_the_way_to_it() {
    for seed in 0..60 {
        let when = if seed % 2 == 0 { When::Start } else { When::End };
        let mut session = Session::new(seed, when);
        for _ in 0..25 {
            let pieces = session.random.between(0, 3);
            session.learns(usize::try_from(pieces).unwrap_or(0));
            let command = command(&mut session.random);
            session.player.command(command.clone());
            session.settles();
            session.watches();
            session.is_as_expected(&command);
        }
    }
}

#[test]
fn steps_go_on_and_back_by_one_and_every_seek_arrives() {
    let mut stepped = 0;
    for seed in 0..30 {
        let mut session = Session::new(seed, When::End);
        session.learns(usize::MAX);
        session.settles();
        let playback = session.player.playback();
        assert_eq!((playback.status, playback.event), (Status::AtEnd, playback.events), "seed {seed}");
        let all = playback.events;
        // Some plans do next to nothing.
        if all < STEPS {
            continue;
        }
        stepped += 1;
        let does = |session: &mut Session, command: Command| {
            session.player.command(command);
            session.settles();
            session.player.playback().event
        };
        for event in (0..all).rev().take(40) {
            // The first step back leaves the end alone.
            let before = does(&mut session, Command::PreviousEvent);
            assert_eq!(before, event + 1, "seed {seed}");
        }
        let here = does(&mut session, Command::PreviousEvent);
        assert_eq!(does(&mut session, Command::NextEvent), here + 1);
        assert_eq!(does(&mut session, Command::PreviousEvent), here);
        let start = does(&mut session, Command::Time(When::Start));
        assert_eq!(start, 0);
        let requests = |session: &Session| session.player.model().counts().requests;
        for number in 1..=session.player.end().expect("all is known").counts().requests {
            does(&mut session, Command::NextRequest);
            assert_eq!(requests(&session), number, "seed {seed}");
        }
        assert!(session.player.take_notice().is_none());
        let last = session.player.position();
        does(&mut session, Command::NextRequest);
        assert!(session.player.position() == last && session.player.take_notice().is_some(), "seed {seed}");
        while requests(&session) > 0 {
            let before = requests(&session);
            does(&mut session, Command::PreviousRequest);
            assert_eq!(requests(&session), before - 1, "seed {seed}");
        }
    }
    assert!(stepped > 15, "{stepped} recordings");
}
