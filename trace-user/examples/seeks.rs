//! How long a seek in a recording takes, and what its checkpoints cost, for `cargo xtask bench`.
//!
//! In: how many events, where to leave a recording of them, and the memory for checkpoints. Out: a line `WHAT: NUMBER
//! UNIT` each. The events are those of a real recording, over and over, each time later.

use jiff::tz::TimeZone;
use modtrail::kernel::costs::resident;
use modtrail::recording::read::sources;
use modtrail::recording::track::TrackMark;
use modtrail_core::event::{Body, Event, Fact, Stamp};
use modtrail_core::model::Model;
use modtrail_core::player::{Command, Head, Limits, Player, When, index};
use modtrail_core::query::Instant as Wall;
use modtrail_core::record::read::read;
use modtrail_core::record::write::Recorder;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};
use trace_common::time::{Ktime, Nanos};

/// Seeks of each kind.
const SEEKS: u64 = 41;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(count), Some(file), Some(mebibytes)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: seeks EVENTS FILE MEBIBYTES".into());
    };
    let (count, file): (u64, _) = (count.parse()?, Path::new(&file));
    let limits = Limits::of_memory(mebibytes.parse::<usize>()? * 1024 * 1024);
    write(count, file)?;
    let size = fs::metadata(file)?.len() / 1024 / 1024;
    println!("replay of {count} events, the file: {size} MiB");
    let found = sources(&[file.to_owned()], |_| {})?;
    let source = found.first().ok_or("no recording")?;
    let before = memory();
    let mut player = Player::new(TrackMark::beginning(), When::End, limits);
    let mut copies = Vec::new();
    let began = Instant::now();
    index(&mut source.track(), limits, |news, _| {
        if let Some(checkpoint) = &news.checkpoint {
            copies.push(time_of_copy(&checkpoint.head));
        }
        player.indexed(news);
        ControlFlow::Continue(())
    })?;
    println!("replay, indexing: {} ms", began.elapsed().as_millis());
    println!("replay, memory of the index: {} MiB", memory().saturating_sub(before) / 1024 / 1024);
    copies.sort();
    println!("replay, checkpoints that were made: {}", copies.len());
    println!("replay, a copy, the slowest: {} us", copies.last().copied().unwrap_or_default().as_micros());
    let mut track = source.track();
    let (first, last) = player.playback().span.ok_or("no events")?;
    let end = player.end().ok_or("no end")?;
    let walls: Vec<i64> = (0..SEEKS).filter_map(|number| wall(end, (first, last), number)).collect();
    let mut timed = |name: &str, command: &dyn Fn(u64) -> Command| -> Result<(), Box<dyn Error>> {
        let mut times = Vec::new();
        for number in 0..SEEKS {
            let began = Instant::now();
            player.command(command(number));
            while player.is_busy() {
                player.work(&mut track, 4_096)?;
            }
            times.push(began.elapsed());
        }
        times.sort();
        let median = times.get(times.len() / 2).copied().unwrap_or_default().as_micros();
        println!("replay, {name}, the median: {median} us");
        println!("replay, {name}, the slowest: {} us", times.last().copied().unwrap_or_default().as_micros());
        Ok(())
    };
    timed("a seek to a time", &|number| {
        let wall = walls.get(usize::try_from(number * 17 % SEEKS).unwrap_or(0)).copied().unwrap_or_default();
        Command::Time(When::At(Wall::Wall(wall), TimeZone::UTC))
    })?;
    timed("a seek to the end", &|_| Command::Time(When::End))?;
    timed("a step back", &|_| Command::PreviousEvent)?;
    timed("a step on", &|_| Command::NextEvent)?;
    timed("a request back", &|_| Command::PreviousRequest)?;
    timed("a finding back", &|_| Command::PreviousFinding)?;
    println!("replay, memory in the end: {} MiB", memory() / 1024 / 1024);
    Ok(())
}

/// What the wall clock showed after so many parts of the time.
fn wall(model: &Model, (first, last): (Stamp, Stamp), parts: u64) -> Option<i64> {
    let span = last.boot.since(first.boot).as_nanos();
    let boot = first.boot.plus(Nanos::new(span / SEEKS * parts));
    i64::try_from(model.wall_ns(Stamp { boot, ..first })?).ok()
}

fn time_of_copy(head: &Head) -> Duration {
    let began = Instant::now();
    let copy = head.clone();
    let took = began.elapsed();
    drop(copy);
    took
}

fn memory() -> u64 {
    resident().unwrap_or(0)
}

/// Writes a recording of so many events.
fn write(count: u64, file: &Path) -> Result<(), Box<dyn Error>> {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/linux-6.12.mcap");
    let mut round: Vec<Event> = Vec::new();
    read(BufReader::new(File::open(recording)?), |event| round.push(event))?;
    round.retain(|event| !matches!(event.body, Body::Fact(Fact::End)));
    let first = round.first().map_or(Ktime::from_nanos(0), |event| event.at.mono);
    let span = round.iter().map(|event| event.at.mono.since(first).as_nanos()).max().unwrap_or(0) + 1_000_000_000;
    let mut recorder = Recorder::begin(BufWriter::new(File::create(file)?))?;
    let mut last = Stamp::default();
    let again = |event: &Event| matches!(event.body, Body::Probe(_) | Body::Fact(Fact::Tick | Fact::Resolved { .. }));
    let all = (0..).flat_map(|turn| round.iter().map(move |event| (turn, event)));
    for (turn, event) in all.filter(|(turn, event)| *turn == 0 || again(event)).take(usize::try_from(count)?) {
        let later = |at: Ktime| Ktime::from_nanos(at.as_nanos() + turn * span);
        last = Stamp { mono: later(event.at.mono), boot: later(event.at.boot) };
        recorder.write(&Event { at: last, body: event.body.clone() })?;
    }
    recorder.finish(last)?;
    Ok(())
}
