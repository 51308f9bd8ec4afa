//! How long a frame of the dashboard takes, and how long it takes from a key to the next frame, for `cargo xtask
//! bench`.
//!
//! In: how many requests, and where to leave a recording of them. Out: a line `WHAT NANOSECONDS` each.

use modtrail::tui::{Mode, Msg, Theme, UiState, draw, update};
use modtrail_core::event::{Body, Event, Fact, Stamp};
use modtrail_core::pipeline::Pipeline;
use modtrail_core::record::read::read;
use modtrail_core::record::write::Recorder;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::time::{Duration, Instant};
use trace_common::time::Ktime;

/// Frames that are drawn of each kind; the median counts.
const FRAMES: usize = 101;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(count), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: frames REQUESTS FILE".into());
    };
    let model = model(count.parse()?, Path::new(&file))?;
    for (columns, rows) in [(80, 24), (200, 60)] {
        let area = Rect::new(0, 0, columns, rows);
        let mut buffer = Buffer::empty(area);
        for (screen, key) in [(" of the overview", '1'), ("", '2')] {
            let mut state = UiState::new(Mode::Live);
            update(&mut state, &model, Msg::Resize(columns, rows));
            update(&mut state, &model, pressed(KeyCode::Char(key)));
            let frame = median(|| draw(&model, &state, &Theme::Monochrome, area, &mut buffer));
            println!("a frame{screen} at {columns}x{rows} {}", frame.as_nanos());
            let key = median(|| {
                update(&mut state, &model, pressed(KeyCode::Down));
                draw(&model, &state, &Theme::Monochrome, area, &mut buffer);
            });
            println!("from a key to the frame{screen} at {columns}x{rows} {}", key.as_nanos());
        }
    }
    Ok(())
}

const fn pressed(code: KeyCode) -> Msg {
    Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn median(mut each: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..FRAMES)
        .map(|_| {
            let began = Instant::now();
            each();
            began.elapsed()
        })
        .collect();
    times.sort();
    times.get(FRAMES / 2).copied().unwrap_or_default()
}

/// A model with so many requests, those of a real recording over and over; the same goes to `file`.
fn model(requests: u64, file: &Path) -> Result<modtrail_core::model::Model, Box<dyn Error>> {
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/linux-6.12.mcap");
    let mut round: Vec<Event> = Vec::new();
    read(BufReader::new(File::open(recording)?), |event| round.push(event))?;
    let mut pipeline = Pipeline::default();
    let mut recorder = Recorder::begin(BufWriter::new(File::create(file)?))?;
    let first = round.first().map_or(Ktime::from_nanos(0), |event| event.at.mono);
    let span = round.iter().map(|event| event.at.mono.since(first).as_nanos()).max().unwrap_or(0) + 1_000_000_000;
    let mut last = Stamp::default();
    for turn in 0.. {
        let again =
            |event: &&Event| matches!(event.body, Body::Probe(_) | Body::Fact(Fact::Tick | Fact::Resolved { .. }));
        let events =
            round.iter().filter(|event| turn == 0 && !matches!(event.body, Body::Fact(Fact::End)) || again(event));
        for event in events {
            let later = |at: Ktime| Ktime::from_nanos(at.as_nanos() + turn * span);
            last = Stamp { mono: later(event.at.mono), boot: later(event.at.boot) };
            let event = Event { at: last, body: event.body.clone() };
            recorder.write(&event)?;
            pipeline.push(event, |_, _| {});
        }
        if pipeline.model().counts().requests >= requests {
            break;
        }
    }
    recorder.finish(last)?;
    Ok(pipeline.into_model())
}
