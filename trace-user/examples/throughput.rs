//! How many events a second each stage of modtrail takes, for `cargo xtask bench`.
//!
//! In: how many events, and where to leave a recording of them. Out: a line `STAGE EVENTS NANOSECONDS [NUMBER UNIT]` a
//! stage. The events are those of a real recording, over and over, each time later.

use modtrail::kernel::costs::resident;
use modtrail_core::decode::decode;
use modtrail_core::event::{Body, Event, Fact, Stamp, Task};
use modtrail_core::pipeline::Pipeline;
use modtrail_core::record::read::read;
use modtrail_core::record::write::Recorder;
use modtrail_core::testing::{Helped, Scenario};
use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::time::Instant;
use trace_common::kind::Kind;
use trace_common::time::{Ktime, Nanos};
use trace_common::wire;
use zerocopy::IntoBytes as _;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(count), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: throughput EVENTS FILE".into());
    };
    let (count, file): (u64, _) = (count.parse()?, Path::new(&file));
    decoding(count);
    let round = round()?;
    let mut pipeline = Pipeline::default();
    let began = Instant::now();
    many(&round, count, |event| {
        pipeline.push(event, |_, _| {});
        Ok(())
    })?;
    let memory = resident().unwrap_or(0) / 1024 / 1024;
    println!("pipeline {count} {} {memory} MiB", began.elapsed().as_nanos());
    drop(pipeline);
    let mut recorder = Recorder::begin(BufWriter::new(File::create(file)?))?;
    let began = Instant::now();
    let mut last = Stamp::default();
    many(&round, count, |event| {
        last = event.at;
        Ok(recorder.write(&event)?)
    })?;
    recorder.finish(last)?;
    let took = began.elapsed().as_nanos();
    let size = fs::metadata(file)?.len() as f64 / count as f64;
    println!("record {count} {took} {size:.1} bytes-an-event");
    let began = Instant::now();
    let read = read(BufReader::new(File::open(file)?), |event| drop(black_box(event)))?;
    println!("read {} {}", read.events, began.elapsed().as_nanos());
    for open in [50, 10_000] {
        with_open(open);
    }
    Ok(())
}

/// Requests come and go while others stay open.
fn with_open(open: u32) {
    const REQUESTS: u32 = 5_000;
    let mut scenario = Scenario::default();
    let mut at = 0;
    let mut helped = |scenario: &mut Scenario, number: u32| {
        at += 3_000;
        let alias = format!("fs-{number}");
        let requester = Task::new(1_000_000 + number, 1_000_000 + number, 5, "mount");
        let helped = Helped { alias: &alias, requester, path: "/sbin/modprobe", pid: 3_000_000 + number, at };
        scenario.helped(helped, 0);
        if number >= open {
            scenario.ended(helped, at + 2_500, 256);
        }
        scenario.until(at + 2_900);
    };
    (0..open).for_each(|number| helped(&mut scenario, number));
    let (before, began) = (scenario.events.len(), Instant::now());
    (open..open + REQUESTS).for_each(|number| helped(&mut scenario, number));
    println!("open-{open} {} {}", scenario.events.len() - before, began.elapsed().as_nanos());
}

/// The events of the recording that can happen again.
fn round() -> Result<Vec<Event>, Box<dyn Error>> {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/linux-6.12.mcap");
    let mut events = Vec::new();
    read(BufReader::new(File::open(recording)?), |event| events.push(event))?;
    events.retain(|event| matches!(event.body, Body::Probe(_) | Body::Fact(Fact::Tick | Fact::Resolved { .. })));
    Ok(events)
}

/// Hands over `count` events: the round again and again, each time later.
fn many(
    round: &[Event],
    count: u64,
    mut each: impl FnMut(Event) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let first = round.first().map_or(Ktime::from_nanos(0), |event| event.at.mono);
    let span = round.iter().map(|event| event.at.mono.since(first).as_nanos()).max().unwrap_or(0) + 1_000_000_000;
    let all = (0..).flat_map(|turn| round.iter().map(move |event| (turn * span, event)));
    for (later, event) in all.take(usize::try_from(count)?) {
        let later = |at: Ktime| Ktime::from_nanos(at.as_nanos() + later);
        let at = Stamp { mono: later(event.at.mono), boot: later(event.at.boot) };
        each(Event { at, body: event.body.clone() })?;
    }
    Ok(())
}

/// Decodes records of a module that goes live.
fn decoding(count: u64) {
    let text = wire::Text64 { length: 7, truncated: 0, bytes: [b'x'; 56] };
    let header = wire::Header {
        mono: Nanos::from_secs(5).as_nanos(),
        boot: Nanos::from_secs(6).as_nanos(),
        task_start: 5,
        tgid: 412,
        tid: 412,
        kind: Kind::Live.number(),
        cpu: 1,
        flags: 0,
        comm: *b"modprobe\0\0\0\0\0\0\0\0",
    };
    let record = wire::ModuleSeen { header, module: 7, name: text };
    let began = Instant::now();
    for _ in 0..count {
        let _ = black_box(decode(black_box(record.as_bytes())));
    }
    println!("decode {count} {}", began.elapsed().as_nanos());
}
