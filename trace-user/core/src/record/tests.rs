//! Recordings survive what happens to files: whole, cut at any byte, with any byte changed.

use super::codec::{from_message, to_message};
use super::read::{Coverage, ReadError, read};
use super::write::Recorder;
use crate::event::{Body, Configured, Event, Fact, Install, Place, Replaced, Resolution, Stamp, Wanted};
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::testing::busy;

/// Events of every kind that a scenario has, as a recording of several chunks.
fn recorded() -> (Vec<Event>, Vec<u8>) {
    let events = busy().events;
    let mut bytes = Vec::new();
    let mut recorder = Recorder::begin(&mut bytes).expect("bytes can be written");
    for (index, event) in events.iter().enumerate() {
        recorder.write(event).expect("bytes can be written");
        if index % 20 == 19 {
            recorder.flush().expect("bytes can be written");
        }
    }
    recorder.finish(Stamp::awake(u64::MAX)).expect("bytes can be written");
    (events, bytes)
}

fn events(bytes: &[u8]) -> (Vec<Event>, Result<Coverage, ReadError>) {
    let mut events = Vec::new();
    let outcome = read(bytes, |event| events.push(event));
    (events, outcome)
}

fn is_damage(event: &Event) -> bool {
    matches!(event.body, Body::Fact(Fact::Lost { loss: crate::event::Lost::Damaged, .. }))
}

#[test]
fn what_is_recorded_is_read_back_whole() {
    let (written, bytes) = recorded();
    let (mut read, outcome) = events(&bytes);
    let end = read.pop().expect("an end");
    assert!(matches!(end.body, Body::Fact(Fact::End)));
    assert_eq!(read, written);
    let count = written.len() as u64 + 1;
    assert_eq!(outcome.expect("a recording"), Coverage { events: count, damaged: 0, has_end: true });
}

#[test]
fn what_an_alias_resolves_to_is_read_back_whole() {
    let place = |line| Place::Line { file: "/etc/modprobe.d/x.conf".into(), line };
    let install = Install { command: "/bin/true".into(), place: place(4) };
    let wanted = Wanted {
        name: "can".into(),
        built_in: true,
        missing: true,
        dependencies: vec!["a".into()],
        after: vec!["b".into(), "c".into()],
        blacklisted: Some(Place::CommandLine),
        install: Some(install.clone()),
        replaced: vec![Replaced { module: "a".into(), install }],
        options: Some("x=1".into()),
        alias: Some(place(0)),
    };
    let modules = vec![wanted, Wanted { name: "d".into(), ..Wanted::default() }];
    let configured = Some(Configured { ignored_lines: 3, unread_files: 2 });
    for resolution in [Resolution { known: true, modules, configured }, Resolution::default()] {
        let fact = Fact::Resolved { alias: "net-pf-29".into(), resolution: resolution.into() };
        let event = Event { at: Stamp::awake(1), body: Body::Fact(fact) };
        assert_eq!(from_message(to_message(&event)), Ok(event));
    }
}

fn model(events: &[Event]) -> Model {
    let mut pipeline = Pipeline::default();
    events.iter().for_each(|event| pipeline.push(event.clone(), |_, _| {}));
    pipeline.into_model()
}

#[test]
fn cut_at_any_byte_all_whole_chunks_are_read() {
    let (written, bytes) = recorded();
    let mut most = 0;
    for end in 0..bytes.len() {
        let (read, outcome) = events(&bytes[..end]);
        let Ok(coverage) = outcome else {
            assert_eq!(most, 0, "cut at {end}: read before, refused now");
            continue;
        };
        let kept: Vec<&Event> = read.iter().filter(|event| !is_damage(event)).collect();
        assert!(kept.len() >= most, "cut at {end}: {} events, {most} before", kept.len());
        most = kept.len();
        let original = written.iter().take(kept.len());
        assert!(kept.iter().zip(original).all(|(read, written)| *read == written), "cut at {end}");
        assert!(coverage.has_end || kept.len() <= written.len(), "cut at {end}");
    }
    assert!(most >= written.len(), "the last cut loses nothing but the index");
}

#[test]
fn a_changed_byte_costs_its_chunk_and_invents_nothing() {
    let (written, bytes) = recorded();
    let mut damaged = 0;
    for place in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[place] ^= 0x40;
        let (read, outcome) = events(&bytes);
        let kept = read.iter().filter(|event| !is_damage(event)).count();
        if kept <= written.len() {
            let silent = outcome.is_ok_and(|coverage| coverage.damaged == 0 && coverage.has_end);
            assert!(!silent, "byte {place}: {} events are missing, and nobody says so", written.len() + 1 - kept);
            damaged += 1;
        }
        let mut left = written.iter();
        for event in read.iter().filter(|event| !is_damage(event) && !matches!(event.body, Body::Fact(Fact::End))) {
            assert!(left.any(|written| written == event), "byte {place}: {event:?} was never recorded");
        }
    }
    assert!(damaged > 1_000, "{damaged} of {} changes cost something", bytes.len());
}

#[test]
fn damage_is_reported_in_its_place() {
    let (written, bytes) = recorded();
    // A byte of the third chunk: the first byte whose change costs exactly events 40 to 59.
    let (read, at) = (0..bytes.len())
        .find_map(|place| {
            let mut bytes = bytes.clone();
            bytes[place] ^= 0xff;
            let (read, _) = events(&bytes);
            let at = read.iter().position(is_damage).filter(|at| *at == 40 && read.len() + 20 == written.len() + 2)?;
            Some((read, at))
        })
        .expect("a change that costs one chunk");
    assert_eq!((&read[at - 1], &read[at + 1]), (&written[39], &written[60]));
    assert!(read.len() < written.len());
    assert!(model(&read).lost_total() > 0);
}

#[test]
fn other_files_are_refused_with_what_they_lack() {
    for bytes in [&b""[..], b"hello", b"\x7fELF\x02\x01\x01 and so on and so on", &[0; 4096]] {
        assert!(matches!(events(bytes).1, Err(ReadError::Foreign(_))), "{bytes:?}");
    }
}
