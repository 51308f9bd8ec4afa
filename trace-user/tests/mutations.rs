//! Real recordings, changed at random in every layer: the bytes of the file, the messages in it, the events that they
//! report, and the records of the ring. Nothing panics, nothing is invented, and all of it ends; in this process, and
//! in modtrail's own, which stays small too.
//!
//! `cargo test` tries a sample; `cargo xtask test --long` tries a million, and two thousand files with modtrail. A
//! failure names its seed.

use modtrail_core::comparison::compare;
use modtrail_core::decode::decode;
use modtrail_core::event::{Body, Event, Fact, Moment};
use modtrail_core::explain::explain;
use modtrail_core::pipeline::Pipeline;
use modtrail_core::query::Query;
use modtrail_core::record::codec::{from_message, to_message};
use modtrail_core::record::read::read;
use modtrail_core::record::schema;
use modtrail_core::report::document::Extent;
use modtrail_core::report::{html, markdown, page, summary, whole};
use modtrail_core::{Integrity, Model};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use prost::Message as _;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use trace_common::kind::Kind;

/// Recordings of real kernels.
const CORPUS: [&[u8]; 2] = [include_bytes!("recordings/linux-6.1.mcap"), include_bytes!("recordings/linux-6.12.mcap")];

/// Random numbers, the same for the same seed (xorshift64*).
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

/// Everything that modtrail reports of the events, which must be no more than they hold.
fn judge(events: Vec<Event>) -> Model {
    let asked =
        |event: &&Event| matches!(&event.body, Body::Probe(probe) if matches!(probe.moment, Moment::Requested(_)));
    let requested = events.iter().filter(asked).count() as u64;
    let mut pipeline = Pipeline::default();
    events.into_iter().for_each(|event| pipeline.push(event, |_, _| {}));
    pipeline.close(None, |_, _| {});
    let model = pipeline.into_model();
    assert!(model.counts().requests <= requested, "{} of {requested}", model.counts().requests);
    model.requests().for_each(|request| assert!(!explain(request).is_empty()));
    let (integrity, query) = (Integrity::default(), Query::default());
    let document = summary::document(&model, &integrity, &query, Extent::LONG);
    let forms = [page::text(&document), markdown::text(&document), html::page(&document)];
    assert!(forms.iter().all(|form| !form.is_empty()));
    assert!(!whole::summary(&model, &integrity, &query).is_empty());
    assert!(compare(&model, &model).is_empty(), "a trace does not differ from itself");
    model
}

/// A recording with changed bytes: altered, cut, repeated, moved.
fn changed_file(random: &mut Random) -> Vec<u8> {
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
    bytes
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

/// Records of the ring: of every kind, with random bytes behind a header that may be right.
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
                0 => drop(judge(events(&changed_file(random)))),
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

/// What is run over each file.
const COMMANDS: [&[&str]; 6] =
    [&["report"], &["report", "--json"], &["report", "--html"], &["log"], &["log", "--json"], &["diff", KEPT]];
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings/linux-6.12.mcap");

/// What modtrail may say of a file: that it is damaged, or not a recording.
const STATUSES: [i32; 2] = [0, 4];
/// Each run ends by then, on any machine.
const LIMIT: Duration = Duration::from_secs(60);
/// The most memory of a run, in KiB.
const MEMORY: i64 = 256 * 1024;

/// Waits for a child's status, up to the limit.
fn until_it_ends<S>(mut status: impl FnMut() -> Option<S>) -> S {
    let began = Instant::now();
    loop {
        if let Some(status) = status() {
            return status;
        }
        assert!(began.elapsed() < LIMIT, "it does not end");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs modtrail over a file and returns its status and what it wrote to stderr.
fn modtrail(words: &[&str], file: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modtrail"));
    command.args(words).arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    until_it_ends(|| child.try_wait().expect("a child"));
    let output = child.wait_with_output().expect("its end");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The dashboard over a file, left when it has come to the end.
fn dashboard(file: &Path) -> (Option<i32>, String) {
    let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, ..PtySize::default() }).expect("a terminal");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_modtrail"));
    command.arg("replay");
    command.arg(file);
    let mut child = pair.slave.spawn_command(command).expect("it runs");
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().expect("its output");
    let (sender, is_at_end) = channel();
    let shown = thread::spawn(move || {
        let (mut shown, mut bytes) = (Vec::new(), [0; 4_096]);
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            shown.extend_from_slice(&bytes[..count]);
            if String::from_utf8_lossy(&shown).contains("AT THE END") {
                let _ = sender.send(());
            }
        }
        String::from_utf8_lossy(&shown).into_owned()
    });
    let mut writer = pair.master.take_writer().expect("its input");
    let status = until_it_ends(|| {
        if is_at_end.try_recv().is_ok() {
            let _ = writer.write_all(b"q");
        }
        child.try_wait().expect("a child")
    });
    drop(writer);
    drop(pair.master);
    (i32::try_from(status.exit_code()).ok(), shown.join().expect("the reader"))
}

/// The most memory that a child of this process had, in KiB.
#[expect(unsafe_code, reason = "no library asks for what children used")]
fn most_memory() -> i64 {
    // SAFETY: zeros are a valid `rusage`, and the call fills it.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `used` is valid for writes.
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut used) }, 0);
    used.ru_maxrss
}

fn try_files(seeds: std::ops::Range<u64>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("changed.mcap");
    for seed in seeds {
        std::fs::write(&path, changed_file(&mut Random::new(seed))).expect("the file is written");
        let mut outcomes: Vec<(Option<i32>, String)> = COMMANDS.iter().map(|words| modtrail(words, &path)).collect();
        if seed % 10 == 0 {
            outcomes.push(dashboard(&path));
        }
        for (status, said) in outcomes {
            assert!(status.is_some_and(|status| STATUSES.contains(&status)), "seed {seed}: {status:?}: {said}");
            assert!(!said.contains("panicked"), "seed {seed}: {said}");
        }
        assert!(most_memory() < MEMORY, "seed {seed}: {} KiB", most_memory());
    }
}

#[test]
fn a_sample_of_changed_files_does_modtrail_no_harm() {
    try_files(0..40);
}

#[test]
#[ignore = "cargo xtask test --long runs it"]
fn two_thousand_changed_files_do_modtrail_no_harm() {
    try_files(0..2_000);
}
