//! Real recordings, changed at random in every layer: the bytes of the file, the messages in it, the events of which
//! they tell, and the records of the ring. Nothing panics, nothing is invented, and all of it ends.
//!
//! `cargo test` tries a sample; `cargo xtask test --long` tries a million. A failure names its seed.

use modtrail_core::decode::decode;
use modtrail_core::event::{Body, Event, Fact, Moment};
use modtrail_core::explain::explain;
use modtrail_core::pipeline::Pipeline;
use modtrail_core::record::codec::{from_message, to_message};
use modtrail_core::record::read::read;
use modtrail_core::record::schema;
use modtrail_core::report::{summary, whole};
use modtrail_core::{Ending, Model};
use prost::Message as _;
use trace_common::kind::Kind;

/// Recordings of real kernels.
const CORPUS: [&[u8]; 2] =
    [include_bytes!("../../tests/recordings/linux-6.1.mcap"), include_bytes!("../../tests/recordings/linux-6.12.mcap")];

/// Numbers by chance, the same for the same seed (xorshift64*).
struct Random(u64);

impl Random {
    const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    const fn below(&mut self, limit: usize) -> usize {
        (self.next() % if limit == 0 { 1 } else { limit as u64 }) as usize
    }
}

fn events(bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    // What is refused has given its events before that.
    let _ = read(bytes, |event| events.push(event));
    events
}

/// Everything that is said of the events, which must be no more than they hold.
fn judge(events: Vec<Event>) -> Model {
    let asked =
        |event: &&Event| matches!(&event.body, Body::Probe(probe) if matches!(probe.moment, Moment::Requested(_)));
    let requested = events.iter().filter(asked).count() as u64;
    let mut pipeline = Pipeline::default();
    events.into_iter().for_each(|event| pipeline.push(event, |_, _| {}));
    pipeline.cut(|_, _| {});
    let model = pipeline.into_model();
    assert!(model.counts().requests <= requested, "{} of {requested}", model.counts().requests);
    model.requests().for_each(|request| assert!(!explain(request).is_empty()));
    assert!(!summary::summary(&model, Ending::Missing).is_empty());
    assert!(!whole::summary(&model, Ending::Missing).is_empty());
    model
}

/// Bytes of the file: changed, cut, repeated, moved.
fn of_the_file(random: &mut Random) {
    let mut bytes = CORPUS[random.below(CORPUS.len())].to_vec();
    for _ in 0..=random.below(4) {
        let (from, to) = (random.below(bytes.len()), random.below(bytes.len()));
        let (from, to) = (from.min(to), from.max(to));
        match random.below(5) {
            0 => bytes[from] ^= 1 << random.below(8),
            1 => bytes[from] = random.next() as u8,
            2 => bytes.truncate(to.max(1)),
            3 => drop(bytes.drain(from..to.min(from + 5_000))),
            _ => {
                let piece = bytes[from..to.min(from + 5_000)].to_vec();
                let place = random.below(bytes.len());
                drop(bytes.splice(place..place, piece));
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    judge(events(&bytes));
}

/// Messages of events: changed in their bytes, which a checksum of the file does not show.
fn of_the_messages(random: &mut Random, recorded: &[Event]) {
    let changed = recorded.iter().filter_map(|event| {
        if random.below(20) > 0 {
            return Some(event.clone());
        }
        let mut bytes = to_message(event).encode_to_vec();
        for _ in 0..=random.below(3) {
            let place = random.below(bytes.len());
            bytes[place] = random.next() as u8;
        }
        from_message(schema::Event::decode(&*bytes).ok()?).ok()
    });
    let changed: Vec<Event> = changed.collect();
    judge(changed);
}

/// Events: left out, repeated, moved, at other instants, of other threads.
fn of_the_events(random: &mut Random, recorded: &[Event]) {
    let mut events = recorded.to_vec();
    for _ in 0..=random.below(12) {
        if events.len() < 2 {
            break;
        }
        let (one, two) = (random.below(events.len()), random.below(events.len()));
        match random.below(6) {
            0 => drop(events.remove(one)),
            1 => events.insert(one, events[two].clone()),
            2 => events.swap(one, two),
            3 => events[one].at = events[two].at,
            4 => {
                let task = match &events[two].body {
                    Body::Probe(probe) => Some(probe.task),
                    Body::Fact(_) => None,
                };
                if let (Some(task), Body::Probe(probe)) = (task, &mut events[one].body) {
                    probe.task = task;
                }
            }
            _ => events.truncate(one.max(1)),
        }
    }
    judge(events);
}

/// Records of the ring: of every kind, with bytes by chance behind a header that may be right.
fn of_the_ring(random: &mut Random) {
    let mut bytes: Vec<u8> = (0..random.below(1_024)).map(|_| random.next() as u8).collect();
    if bytes.len() > 34 {
        let kind = Kind::ALL[random.below(Kind::ALL.len())].number().to_ne_bytes();
        bytes[32..34].copy_from_slice(&kind);
    }
    if let Ok(decoded) = decode(&bytes) {
        judge(vec![decoded.event, Event { at: modtrail_core::event::Stamp::default(), body: Body::Fact(Fact::End) }]);
    }
}

fn try_all(seeds: std::ops::Range<u64>) {
    let recorded = CORPUS.map(events);
    for seed in seeds {
        let attempt = std::panic::catch_unwind(|| {
            let random = &mut Random::new(seed);
            let recorded = &recorded[random.below(recorded.len())];
            match seed % 4 {
                0 => of_the_file(random),
                1 => of_the_messages(random, recorded),
                2 => of_the_events(random, recorded),
                _ => (0..16).for_each(|_| of_the_ring(random)),
            }
        });
        assert!(attempt.is_ok(), "seed {seed}");
    }
}

#[test]
fn a_sample_of_changes_breaks_nothing() {
    try_all(0..if cfg!(debug_assertions) { 2_000 } else { 20_000 });
}

#[test]
#[ignore = "cargo xtask test --long runs it"]
fn a_million_changes_break_nothing() {
    try_all(0..1_000_000);
}
