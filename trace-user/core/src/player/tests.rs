//! How a recording is played: by time, over gaps, to findings, while it is being indexed, and when it cannot be read.

use super::{Command, Feed, Limits, News, Player, Status, When, index};
use crate::event::{Event, Task};
use crate::testing::{Helped, Scenario, stamp};
use std::ops::ControlFlow;
use trace_common::time::Nanos;

/// A recording in memory that can be found again at every event, until it breaks.
struct Recording {
    events: Vec<Event>,
    next: usize,
    is_broken: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Broken;

impl Feed for Recording {
    type Mark = usize;
    type Error = Broken;

    fn next(&mut self) -> Result<Option<Event>, Broken> {
        self.next += 1;
        if self.is_broken { Err(Broken) } else { Ok(self.events.get(self.next - 1).cloned()) }
    }

    fn end(&self) -> Option<Event> {
        None
    }

    fn mark(&self) -> Option<usize> {
        Some(self.next)
    }

    fn go(&mut self, mark: &usize) -> Result<(), Broken> {
        self.next = *mark;
        if self.is_broken { Err(Broken) } else { Ok(()) }
    }
}

const LIMITS: Limits = Limits { spread: 16, near: 4, bytes: usize::MAX };

/// Two requests, at one second and at one minute, with ticks in between; the helper of each exits with 0, and nothing
/// is live.
fn recording() -> Recording {
    let mut scenario = Scenario::default();
    scenario.machine();
    scenario.resolves("net-pf-29", &[("can", &[])]);
    for (number, at) in [(0, 1_000_000), (1, 60_000_000)] {
        let requester = Task::new(412 + number, 412 + number, 5, "ping");
        let helped = Helped { alias: "net-pf-29", requester, path: "/sbin/modprobe", pid: 500 + number, at };
        scenario.helped(helped, 0);
        scenario.ended(helped, at + 10_000, 0);
        for second in 1..59 {
            scenario.until(at + second * 1_000_000);
        }
    }
    Recording { events: scenario.events, next: 0, is_broken: false }
}

fn news() -> Vec<News<usize>> {
    let mut all = Vec::new();
    let indexed = index(&mut recording(), LIMITS, |news, _| {
        all.push(news);
        ControlFlow::Continue(())
    });
    assert_eq!(indexed, Ok(()));
    all
}

/// A recording that is indexed, and opened.
fn opened(when: When) -> (Player<usize>, Recording) {
    let mut player = Player::new(0, when, LIMITS);
    news().into_iter().for_each(|news| player.indexed(news));
    let mut recording = recording();
    settle(&mut player, &mut recording);
    (player, recording)
}

fn settle(player: &mut Player<usize>, recording: &mut Recording) {
    while player.is_busy() {
        assert_eq!(player.work(recording, 8), Ok(()));
    }
}

fn does(player: &mut Player<usize>, recording: &mut Recording, command: Command) -> Option<String> {
    player.command(command);
    settle(player, recording);
    player.take_notice()
}

/// When the player is, in microseconds since tracing began.
fn micros(player: &Player<usize>) -> u64 {
    player.now().mono.since(stamp(0).mono).as_nanos() / 1_000
}

#[test]
fn it_opens_at_the_end_at_the_beginning_or_at_a_time() {
    let (player, _) = opened(When::End);
    assert_eq!((player.playback().status, player.model().counts().requests), (Status::AtEnd, 2));
    let (player, _) = opened(When::Start);
    assert_eq!((player.playback().status, player.playback().event), (Status::Paused, 0));
    assert!(player.model().machine().is_some(), "what holds from the beginning is known");
    let (player, _) = opened(When::After(Nanos::from_secs(30)));
    assert_eq!((player.model().counts().requests, micros(&player) / 1_000_000), (1, 30));
    let (player, _) = opened(When::Before(Nanos::from_secs(30)));
    assert_eq!((player.model().counts().requests, micros(&player) / 1_000_000), (2, 88));
}

#[test]
fn time_passes_as_fast_as_it_is_set_and_a_gap_is_skipped() {
    let (mut player, mut recording) = opened(When::Start);
    let mut does = |player: &mut Player<usize>, command| does(player, &mut recording, command);
    does(&mut player, Command::Toggle);
    let mut notices = Vec::new();
    let mut latest = 0;
    for _ in 0..100 {
        player.pass(Nanos::from_millis(100));
        notices.extend(does_nothing(&mut player, &mut does));
        assert!(micros(&player) >= latest, "time never goes back");
        latest = micros(&player);
    }
    // The events of a request take some milliseconds; two seconds later, the rest of the minute is skipped; and after
    // the last event, the rest of the recording.
    let skipped: Vec<&str> = notices.iter().map(String::as_str).collect();
    assert!(
        matches!(skipped[..], [first, second] if first.starts_with("skipped ") && second.starts_with("skipped ")),
        "{skipped:?}"
    );
    assert_eq!((player.playback().status, player.model().counts().requests), (Status::AtEnd, 2));
    assert_eq!(does(&mut player, Command::Toggle).as_deref(), Some("playing from the beginning"));
    assert_eq!((player.playback().status, player.playback().event), (Status::Playing, 0));
}

/// What is said while the player does what it has to.
fn does_nothing(
    player: &mut Player<usize>,
    does: &mut impl FnMut(&mut Player<usize>, Command) -> Option<String>,
) -> Option<String> {
    let faster = does(player, Command::Faster);
    let slower = does(player, Command::Slower);
    faster.into_iter().chain(slower).find(|words| !words.starts_with("speed"))
}

#[test]
fn the_speed_says_how_much_is_played() {
    for (command, expected) in [(Command::Faster, 2_000), (Command::Slower, 500)] {
        let (mut player, mut recording) = opened(When::After(Nanos::from_secs(1)));
        does(&mut player, &mut recording, command);
        does(&mut player, &mut recording, Command::Toggle);
        let before = player.clock;
        player.pass(Nanos::from_millis(1_000));
        assert_eq!(player.clock.since(before), Nanos::from_millis(expected));
    }
}

#[test]
fn findings_are_gone_through_in_order_and_are_there_when_they_are_reached() {
    let (mut player, mut recording) = opened(When::Start);
    let said = does(&mut player, &mut recording, Command::NextFinding).expect("a finding");
    assert!(said.starts_with("hollow_requests: "), "{said}");
    let found = crate::findings::all(player.model());
    assert!(said.ends_with(&found.first().expect("it is there").sentence), "{said} {found:?}");
    assert_eq!(player.model().counts().requests, 1);
    let first = player.position();
    let none = does(&mut player, &mut recording, Command::PreviousFinding);
    assert_eq!(none.as_deref(), Some("there is no earlier finding"));
    does(&mut player, &mut recording, Command::Time(When::End));
    while does(&mut player, &mut recording, Command::PreviousFinding).is_some_and(|said| !said.starts_with("there")) {}
    assert_eq!(player.position(), first);
}

#[test]
fn what_is_not_indexed_yet_is_waited_for_and_what_is_near_is_not() {
    let mut news = news();
    let end = news.pop().expect("an end");
    let mut player = Player::new(0, When::Start, LIMITS);
    let mut recording = recording();
    settle(&mut player, &mut recording);
    assert_eq!(player.playback().status, Status::Paused, "the beginning needs no index");
    does(&mut player, &mut recording, Command::NextEvent);
    assert_eq!(player.playback().event, 1);
    let said = does(&mut player, &mut recording, Command::NextFinding);
    assert_eq!(said.as_deref(), Some("there is no later finding so far: the recording is still being indexed"));
    does(&mut player, &mut recording, Command::Time(When::End));
    player.indexed_until(40);
    assert_eq!((player.playback().status, player.playback().indexed), (Status::Waiting, Some(40)));
    let before = player.position();
    news.into_iter().for_each(|news| player.indexed(news));
    assert!(player.position() > before && player.playback().status == Status::Waiting, "it shows how far that is");
    player.indexed(end);
    settle(&mut player, &mut recording);
    assert_eq!((player.playback().status, player.playback().indexed), (Status::AtEnd, None));
}

#[test]
fn a_recording_that_cannot_be_read_any_more_stays_where_it_can_be_shown() {
    let (mut player, mut recording) = opened(When::End);
    recording.is_broken = true;
    player.command(Command::Time(When::Before(Nanos::from_secs(30))));
    assert_eq!(player.work(&mut recording, 100), Err(Broken));
    assert!(!player.is_busy());
    player.command(Command::Time(When::End));
    settle(&mut player, &mut recording);
    assert_eq!(player.playback().status, Status::AtEnd, "the end is known without reading");
    recording.is_broken = false;
    does(&mut player, &mut recording, Command::Time(When::Before(Nanos::from_secs(30))));
    assert_eq!(micros(&player) / 1_000_000, 88);
}

#[test]
fn checkpoints_are_bounded_and_stay_spread() {
    let mut recording = recording();
    let mut player = Player::new(0, When::End, Limits { spread: 1, near: 1, bytes: usize::MAX });
    let indexed = index(&mut recording, Limits { spread: 1, near: 1, bytes: usize::MAX }, |news, _| {
        player.indexed(news);
        ControlFlow::Continue(())
    });
    assert_eq!(indexed, Ok(()));
    let steps: Vec<u64> = player.checkpoints.steps().collect();
    assert!(steps.len() > 6 && steps.is_sorted(), "{steps:?}");
    player.checkpoints.limit(5);
    let fewer: Vec<u64> = player.checkpoints.steps().collect();
    assert!((3..=5).contains(&fewer.len()) && fewer.first() == Some(&0), "{fewer:?}");
    let gaps: Vec<u64> = fewer.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().max() <= gaps.iter().min().map(|gap| gap * 3).as_ref(), "{gaps:?}");
}
