//! Recordings survive what happens to files: whole, cut at any byte, with any byte changed.

use super::codec::{from_message, to_message};
use super::read::{Damage, Integrity, ReadError, read};
use super::schema::event::Body as Wire;
use super::write::Recorder;
use crate::answer::{Errno, ReturnCode};
use crate::event::{
    Absent, Body, Configured, DeviceMoment, Event, Fact, FileFault, Install, Lost, Moment, Place, Policy, Probe,
    Replaced, Resolution, STACK_FRAMES, Server, Spared, Stamp, Task, Unapplied, UnusableFile, Wait, Wanted,
};
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::testing::{busy, entered};
use std::sync::Arc;
use trace_common::ids::{CallAddress, Tid};
use trace_common::kind::Kind;
use trace_common::limits::{ARGV, SHORT_TEXT};

/// Events of every kind that a scenario has, as a recording of several chunks.
fn recorded() -> (Vec<Event>, Vec<u8>) {
    let events = busy().events;
    let bytes = recording(&events);
    (events, bytes)
}

/// Events as a recording, twenty in a chunk.
fn recording(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut recorder = Recorder::begin(&mut bytes).expect("bytes can be written");
    for (index, event) in events.iter().enumerate() {
        recorder.write(event).expect("bytes can be written");
        if index % 20 == 19 {
            recorder.flush().expect("bytes can be written");
        }
    }
    recorder.finish(Stamp::awake(u64::MAX)).expect("bytes can be written");
    bytes
}

fn events(bytes: &[u8]) -> (Vec<Event>, Result<Integrity, ReadError>) {
    let mut events = Vec::new();
    let outcome = read(bytes, |event| events.push(event));
    (events, outcome)
}

fn is_damage(event: &Event) -> bool {
    matches!(event.body, Body::Fact(Fact::Lost { loss: Lost::Damaged, .. }))
}

#[test]
fn what_is_recorded_is_read_back_whole() {
    let (written, bytes) = recorded();
    let (mut read, outcome) = events(&bytes);
    let end = read.pop().expect("an end");
    assert!(matches!(end.body, Body::Fact(Fact::End)));
    assert_eq!(read, written);
    let count = written.len() as u64 + 1;
    assert_eq!(outcome.expect("a recording"), Integrity { events: count, has_end: true, ..Integrity::default() });
}

#[test]
fn the_longest_that_is_recorded_is_read_back_whole() {
    let frames: Vec<Arc<str>> = (0..STACK_FRAMES).map(|frame| format!("{frame:0>127}").into()).collect();
    let stuck = Event { at: Stamp::awake(1), body: Body::Fact(Fact::Stuck { thread: Tid(1), stack: frames.into() }) };
    let words = vec!["x".repeat(SHORT_TEXT); ARGV];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let moment = Moment::CallEntered(entered(CallAddress(1), Wait::Proc, &words).into());
    let probe = Probe { task: Task::default(), cpu: 1, of_command: true, moment };
    let entered = Event { at: Stamp::awake(2), body: Body::Probe(probe) };
    let (read, outcome) = events(&recording(&[stuck.clone(), entered.clone()]));
    assert_eq!(read.get(..2), Some(&[stuck, entered][..]));
    assert_eq!(outcome.expect("a recording").damaged, 0);
}

#[test]
fn what_happens_to_devices_is_read_back_whole() {
    let tried = |module| crate::testing::tried("i2c", "0-0048", "lm75", module);
    let failed = |error| Moment::Device(DeviceMoment::Failed { tried: tried(None), error });
    let moments = [
        Moment::Device(DeviceMoment::Bound(tried(Some("lm75")))),
        failed(Some(Errno::EIO)),
        failed(None),
        crate::testing::uevent("i2c", "0-0048", "i2c:lm75"),
    ];
    let probe = |moment| Body::Probe(Probe { task: Task::default(), cpu: 1, of_command: false, moment });
    let written = moments.map(|moment| Event { at: Stamp::awake(1), body: probe(moment) });
    let (read, outcome) = events(&recording(&written));
    assert_eq!(read.get(..4), Some(&written[..]));
    assert_eq!(outcome.expect("a recording").damaged, 0);
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
        spared: vec![Spared { module: "a".into(), place: place(5) }],
        unapplied: vec![Unapplied { line: "x".into(), place: place(6), why: "y".into() }],
        unusable_files: vec![UnusableFile { module: "a".into(), path: "/a.ko".into(), fault: FileFault::Empty }],
        stale: true,
    };
    let modules = vec![wanted, Wanted { name: "d".into(), ..Wanted::default() }];
    let configured = Some(Configured { ignored_lines: 3, unread_files: 2 });
    let absent = Absent { folder: "/lib/modules/6".into(), others: vec!["5".into()] };
    for resolution in [
        Resolution {
            known: true,
            modules,
            absent: Some(absent.into()),
            unindexed: Some("x".into()),
            unread: Some("y".into()),
            configured,
        },
        Resolution::default(),
    ] {
        let fact = Fact::Resolved { alias: "net-pf-29".into(), resolution: resolution.into() };
        let event = Event { at: Stamp::awake(1), body: Body::Fact(fact) };
        assert_eq!(from_message(to_message(&event)), Ok(event));
    }
}

#[test]
fn what_forbids_loads_is_read_back_whole() {
    let policy = Policy {
        modules_disabled: true,
        blacklist: ["can".into()].into(),
        initcall_blacklist: ["can_init".into()].into(),
        sig_enforce: Some(false),
        lockdown: Some("integrity".into()),
        loadpin: true,
        helper: Some("".into()),
    };
    for policy in [policy, Policy::default()] {
        let event = Event { at: Stamp::awake(1), body: Body::Fact(Fact::Policy(policy.into())) };
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
        let Ok(integrity) = outcome else {
            assert_eq!(most, 0, "cut at {end}: read before, refused now");
            continue;
        };
        let kept: Vec<&Event> = read.iter().filter(|event| !is_damage(event)).collect();
        assert!(kept.len() >= most, "cut at {end}: {} events, {most} before", kept.len());
        most = kept.len();
        let original = written.iter().take(kept.len());
        assert!(kept.iter().zip(original).all(|(read, written)| *read == written), "cut at {end}");
        assert!(integrity.has_end || kept.len() <= written.len(), "cut at {end}");
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
            let is_placed =
                outcome.as_ref().is_ok_and(|integrity| integrity.damaged == 0 || integrity.damage.is_some());
            assert!(is_placed || outcome.is_err(), "byte {place}");
            let silent = outcome.is_ok_and(|integrity| integrity.damaged == 0 && integrity.has_end);
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

/// The places of the chunks of a recording, each with its length.
fn chunk_places(bytes: &[u8]) -> Vec<(usize, usize)> {
    let (mut at, mut places) = (mcap::MAGIC.len(), Vec::new());
    while let Some([opcode, length @ ..]) = bytes.get(at..at + 9) {
        let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
        let length = 9 + usize::try_from(length).expect("a length in memory");
        if *opcode == mcap::records::op::CHUNK {
            places.push((at, length));
        }
        at += length;
    }
    places
}

#[test]
fn damage_has_its_place_and_is_counted_if_what_follows_shows_how_much_it_cost() {
    let (_, bytes) = recorded();
    let (at, length) = chunk_places(&bytes)[2];
    let mut changed = bytes.clone();
    changed[at + length - 1] ^= 0xff;
    let integrity = events(&changed).1.expect("a recording");
    assert_eq!((integrity.damaged, integrity.has_end), (20, true));
    assert_eq!(integrity.damage, Some(Damage { at: at as u64, is_counted: true }));
    assert_eq!(integrity.faults(), [format!("is damaged at byte {at}: 20 events could not be read")]);
    // Nothing after a damaged length can be found: one that no record has, and one that a record could have.
    let rest = bytes.len() - at;
    for length in [u64::MAX, rest as u64 + 1_000] {
        let mut changed = bytes.clone();
        changed[at + 1..at + 9].copy_from_slice(&length.to_le_bytes());
        let integrity = events(&changed).1.expect("a recording");
        assert_eq!((integrity.events, integrity.damaged, integrity.has_end), (20, 1, false), "{length}");
        assert_eq!(integrity.damage, Some(Damage { at: at as u64, is_counted: false }), "{length}");
        let words = "at least 1 event could not be read, and how many more is not known";
        assert_eq!(integrity.faults(), [format!("is damaged at byte {at}: {words}")], "{length}");
        assert_eq!((integrity.at_least(Lost::Damaged), integrity.at_least(Lost::Repeated)), ("at least ", ""));
    }
    // A file that was cut is not damaged.
    let integrity = events(&bytes[..at + length / 2]).1.expect("a recording");
    assert_eq!((integrity.damaged, integrity.damage), (0, None));
    assert!(matches!(&integrity.faults()[..], [fault] if fault.starts_with("is truncated")), "{integrity:?}");
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

/// The chunks of a recording, and what stands before the first and behind the last.
fn pieces(bytes: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>, Vec<u8>) {
    let (mut head, mut chunks, mut tail) = (bytes[..mcap::MAGIC.len()].to_vec(), Vec::new(), Vec::new());
    let mut rest = &bytes[mcap::MAGIC.len()..bytes.len() - mcap::MAGIC.len()];
    while let Some((opcode, behind)) = rest.split_first() {
        let length = u64::from_le_bytes(behind[..8].try_into().expect("eight bytes"));
        let length = usize::try_from(length).expect("a length in memory");
        let (record, after) = rest.split_at(9 + length);
        match *opcode {
            mcap::records::op::CHUNK => chunks.push(record.to_vec()),
            // The index of a chunk's messages belongs to none of these.
            mcap::records::op::MESSAGE_INDEX => {}
            _ if chunks.is_empty() => head.extend(record),
            _ => tail.extend(record),
        }
        rest = after;
    }
    tail.extend(mcap::MAGIC);
    (head, chunks, tail)
}

fn losses(read: &[Event]) -> Vec<(Lost, u64)> {
    let loss = |event: &Event| match &event.body {
        Body::Fact(Fact::Lost { loss, count, .. }) => Some((*loss, *count)),
        Body::Fact(_) | Body::Probe(_) => None,
    };
    read.iter().filter_map(loss).collect()
}

#[test]
fn chunks_that_stand_twice_or_in_the_wrong_place_are_recognized() {
    let (written, bytes) = recorded();
    let (head, chunks, tail) = pieces(&bytes);
    assert!(chunks.len() > 3, "{} chunks", chunks.len());
    let own = losses(&written).len();
    let put_together = |order: &[usize]| {
        let body: Vec<u8> = order.iter().flat_map(|place| chunks[*place].clone()).collect();
        let (read, outcome) = events(&[head.clone(), body, tail.clone()].concat());
        (read, outcome.expect("a recording"))
    };
    let straight: Vec<usize> = (0..chunks.len()).collect();
    let (read, integrity) = put_together(&straight);
    assert_eq!((losses(&read).len(), integrity.damaged, integrity.repeated, integrity.misplaced), (own, 0, 0, 0));
    let mut twice = straight.clone();
    twice.insert(2, 1);
    let (again, integrity) = put_together(&twice);
    assert_eq!((again.len(), integrity.damaged, integrity.misplaced), (read.len() + 1, 0, 0));
    assert!(losses(&again).contains(&(Lost::Repeated, integrity.repeated)) && integrity.repeated > 0);
    let mut swapped = straight.clone();
    swapped.swap(1, 2);
    let (other, integrity) = put_together(&swapped);
    assert_eq!((integrity.damaged, integrity.repeated, integrity.events), (0, 0, written.len() as u64 + 1));
    assert!(integrity.misplaced > 0 && losses(&other).iter().any(|(loss, _)| *loss == Lost::Misplaced));
    let reversed: Vec<usize> = straight.iter().rev().copied().collect();
    let (read, integrity) = put_together(&reversed);
    assert_eq!((integrity.damaged, integrity.repeated, integrity.events), (0, 0, written.len() as u64 + 1));
    assert!(integrity.has_end && read.last().is_some_and(|event| matches!(event.body, Body::Fact(Fact::End))));
}

#[test]
fn a_damaged_chunk_before_one_in_the_wrong_place_is_reported() {
    let (_, bytes) = recorded();
    let (head, chunks, tail) = pieces(&bytes);
    let mut damaged = chunks[3].clone();
    *damaged.last_mut().expect("a byte") ^= 0xff;
    let file = [head, chunks[0].clone(), chunks[2].clone(), damaged, chunks[1].clone(), tail].concat();
    let integrity = events(&file).1.expect("a recording");
    assert!(integrity.misplaced > 0 && integrity.damaged == 1, "{integrity:?}");
}

#[test]
fn what_follows_a_recording_is_reported() {
    let (_, bytes) = recorded();
    let (read, outcome) = events(&[bytes.clone(), bytes].concat());
    assert_eq!(losses(&read).last(), Some(&(Lost::Trailing, 1)));
    assert_eq!(model(&read).lost().get(&Lost::Trailing), Some(&1), "before the end, or nobody hears of it");
    assert!(outcome.expect("a recording").damaged == 0);
}

#[test]
fn a_chunk_that_claims_to_be_huge_is_damaged() {
    let (_, bytes) = recorded();
    let (head, chunks, tail) = pieces(&bytes);
    let mut huge = chunks[1].clone();
    // Behind the opcode, the record's length and two instants.
    huge[25..33].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    let (read, outcome) = events(&[head, chunks[0].clone(), huge, chunks[2].clone(), tail].concat());
    assert!(losses(&read).iter().any(|(loss, _)| *loss == Lost::Damaged));
    assert!(outcome.expect("a recording").damaged > 0);
}

#[test]
fn other_files_are_refused_with_what_they_lack() {
    for bytes in [&b""[..], b"hello", b"\x7fELF\x02\x01\x01 and so on and so on", &[0; 4096]] {
        assert!(matches!(events(bytes).1, Err(ReadError::Foreign(_))), "{bytes:?}");
    }
}

#[test]
fn what_only_a_newer_version_knows_is_a_loss_of_one_event_and_the_rest_is_read() {
    let served = to_message(&Event {
        at: Stamp::awake(7),
        body: Body::Probe(Probe {
            task: Task::default(),
            cpu: 1,
            of_command: false,
            moment: Moment::Served { by: Server::Socket, result: ReturnCode(0) },
        }),
    });
    let newer = Body::Fact(Fact::Lost { loss: Lost::Newer, count: 1, until: Stamp::awake(7).mono });
    let unknown = |change: &dyn Fn(&mut Wire)| {
        let mut message = served.clone();
        message.body.as_mut().map(change);
        from_message(message).map(|event| event.body)
    };
    assert!(matches!(unknown(&|_| {}), Ok(Body::Probe(_))));
    let no_kind = from_message(super::schema::Event { body: None, ..served.clone() }).map(|event| event.body);
    assert_eq!(no_kind, Ok(newer.clone()));
    let no_function =
        unknown(&|body| *body = Wire::Served(super::schema::Served { by: "of_tomorrow".into(), result: 0 }));
    assert_eq!(no_function, Ok(newer.clone()));
    let no_loss = unknown(&|body| *body = Wire::Lost(super::schema::Lost { what: 99, count: 5, until: 0 }));
    assert_eq!(no_loss, Ok(newer));
    let hook = |moment| super::schema::Hook { moment, ..super::schema::Hook::default() };
    let known = u32::from(Kind::Live.number());
    let hooks = unknown(&|body| *body = Wire::Hooks(super::schema::Hooks { hooks: vec![hook(999), hook(known)] }));
    assert!(
        matches!(hooks, Ok(Body::Fact(Fact::Hooks(hooks))) if hooks.len() == 1),
        "the hooks that are known are there"
    );
    assert!(!Lost::Newer.casts_doubt(), "this version's verdicts rest on what it knows");
}
