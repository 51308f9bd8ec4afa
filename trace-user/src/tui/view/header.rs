//! The two lines that are always on the screen, and the tabs: what is traced, up to which instant, and how much of it
//! was lost. No screen hides a loss.

use super::line::{Piece, strip};
use crate::tui::format;
use crate::tui::mode::Mode;
use crate::tui::state::UiState;
use crate::tui::theme::{Theme, Tone};
use crate::tui::world::World;
use modtrail_core::event::{SelfTest, Stamp};
use modtrail_core::model::Model;
use modtrail_core::player::{Playback, Speed, Status};
use modtrail_core::record::read::Damage;
use modtrail_core::stall;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};
use trace_common::time::Nanos;

/// Room for how much of a list is shown.
const SHOWN: u16 = 20;
/// In less room than this, nothing is said about it.
const SHOWN_MIN: u16 = 6;

/// Draws both lines.
pub fn draw(world: &World<'_>, state: &UiState, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let lines = vec![strip(source(world, state), theme, area.width), strip(figures(world, state), theme, area.width)];
    Paragraph::new(lines).render(area, buffer);
}

/// The titles of the tabs, each with its position in the tabs' line: with padding around each if there is room,
/// otherwise only around the one that is shown. If they have no room even so, the others are cut, and at last they are
/// the numbers that are their keys.
#[must_use]
pub fn tabs(state: &UiState, area: Rect) -> Vec<(String, Rect)> {
    // How much of the list is shown comes after them.
    let roomy = state.titles().map(|title| width(title) + 3).sum::<u16>() + SHOWN <= area.width;
    let is_filtered =
        !super::has_crumbs(state, state.area) && state.screen().is_some_and(|screen| !screen.filter().is_empty());
    let longest = longest(state, if is_filtered { area.width.saturating_sub(SHOWN) } else { area.width });
    let mut x = area.x;
    let place = |(place, title): (usize, &'static str)| {
        let is_shown = place == state.shown;
        let title = match longest {
            _ if is_shown => title.to_owned(),
            Some(longest) => format::cut(title, usize::from(longest)),
            None => (place + 1).to_string(),
        };
        let width = if roomy || is_shown { width(&title) + 2 } else { width(&title) };
        let tab = Rect::new(x, area.y, width, 1).intersection(area);
        x = x.saturating_add(width).saturating_add(1);
        (title, tab)
    };
    state.titles().enumerate().map(place).collect()
}

/// The most cells of a title that is not shown, so that all have room; `None` if that is too little to read.
fn longest(state: &UiState, room: u16) -> Option<u16> {
    let needed = |longest: u16| {
        let title = |(place, title): (usize, &'static str)| {
            if place == state.shown { width(title) + 2 } else { width(title).min(longest) }
        };
        state.titles().enumerate().map(title).sum::<u16>() + state.titles().len() as u16 - 1
    };
    (4..=room).rev().find(|longest| needed(*longest) <= room)
}

fn width(title: &str) -> u16 {
    u16::try_from(title.chars().count()).unwrap_or(u16::MAX)
}

/// Draws the tabs, and how much of the list is shown.
pub fn draw_tabs(state: &UiState, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let places = tabs(state, area);
    let used = places.last().map_or(0, |(_, tab)| tab.right() - area.x);
    for (place, (title, tab)) in places.into_iter().enumerate() {
        let (text, tone) = if place == state.shown {
            (format!("[{title}]"), Tone::Selected)
        } else if tab.width > width(&title) {
            (format!(" {title} "), Tone::Plain)
        } else {
            (title, Tone::Plain)
        };
        Span::styled(text, theme.style(tone)).render(tab, buffer);
    }
    let Some(screen) = state.screen().filter(|screen| screen.is_list()) else { return };
    let filter = screen.filter();
    // What matches stands in the line below.
    if super::has_crumbs(state, state.area) {
        return;
    }
    let shown = match (filter.is_empty(), screen.position().rows) {
        (true, 1) => "1 row".to_owned(),
        (true, rows) => format!("{} rows", format::count(rows as u64)),
        (false, rows) => format!("{} match {}", format::count(rows as u64), filter.text()),
    };
    let room = area.width.saturating_sub(used + 2);
    if room < SHOWN_MIN {
        return;
    }
    let shown = format::cut(&shown, usize::from(room));
    let tone = if filter.is_empty() { Tone::Dim } else { Tone::Accent };
    let rest = Rect::new(area.right() - room, area.y, room, 1);
    Line::styled(shown, theme.style(tone)).right_aligned().render(rest, buffer);
}

/// What is traced, and up to which instant.
fn source(model: &World<'_>, state: &UiState) -> Vec<Piece> {
    let mut pieces = vec![Piece::new(7, "modtrail", Tone::Title)];
    match &state.mode {
        Mode::Attaching { done, of } => {
            pieces.push(Piece::new(0, format!("ATTACHING PROBES {done}/{of}"), Tone::Busy));
        }
        Mode::Live if state.is_paused() => {
            let came = format!("PAUSED, {} events since", format::count(state.held_back()));
            pieces.push(Piece::new(0, came, Tone::Warn));
        }
        Mode::Live => pieces.push(Piece::new(0, "LIVE", Tone::Good)),
        Mode::Replay { name, playback: None, .. } => {
            pieces.push(Piece {
                rank: 0,
                spans: vec![("REPLAY ".into(), Tone::Busy), (format::cut(name, 40), Tone::Plain)],
            });
        }
        Mode::Replay { name, playback: Some(playback), .. } => {
            pieces.push(Piece::new(0, "REPLAY", Tone::Busy));
            pieces.push(Piece::new(0, status(playback), status_tone(playback.status)));
            pieces.push(Piece::new(2, format::cut(name, 40), Tone::Plain));
        }
    }
    let now = state.mode.playback().map_or(model.now(), |playback| playback.at);
    let now = state.paused.map_or(now, |paused| paused.at);
    pieces.push(Piece::new(1, time(model, &state.mode, now), Tone::Plain));
    if let Some(playback) = state.mode.playback() {
        // Who waits for it sees it in the status.
        if let Some(percent) = playback.indexed.filter(|_| playback.status != Status::Waiting) {
            pieces.push(Piece::new(2, format!("indexing {percent}%"), Tone::Busy));
        }
    }
    let is_at_end = state.mode.playback().is_none_or(|playback| playback.status == Status::AtEnd);
    if matches!(state.mode, Mode::Replay { .. }) && is_at_end && !model.has_ended() {
        pieces.push(Piece::new(2, "no end", Tone::Warn));
    }
    if let Mode::Replay { damage: Some(damage), .. } = &state.mode {
        pieces.push(Piece::new(2, format!("damaged at byte {}", damage.at), Tone::Warn));
    }
    if let Some(machine) = model.machine() {
        pieces.push(Piece::new(4, machine.hostname.clone(), Tone::Accent));
        pieces.push(Piece::new(3, machine.release.clone(), Tone::Plain));
        pieces.push(Piece::new(5, machine.arch.clone(), Tone::Dim));
        pieces.push(Piece::named(6, "cpus", machine.cpus.to_string(), Tone::Dim));
    }
    pieces
}

/// The instant, with its date if that is not today's.
fn time(model: &World<'_>, mode: &Mode, now: Stamp) -> String {
    let time = format::instant_with_unit(model, now);
    let Mode::Replay { today: Some(today), .. } = mode else { return time };
    match format::date(model, now).filter(|date| date != today) {
        Some(date) => format!("{date} {time}"),
        None => time,
    }
}

/// What the player does.
fn status(playback: &Playback) -> String {
    match playback.status {
        Status::Waiting => format!("INDEXING {}%", playback.indexed.unwrap_or(100)),
        Status::Seeking => "SEEKING".to_owned(),
        Status::Playing => format!("PLAYING {}", playback.speed),
        Status::Paused if playback.speed == Speed::default() => "PAUSED".to_owned(),
        Status::Paused => format!("PAUSED {}", playback.speed),
        Status::AtEnd => "AT THE END".to_owned(),
    }
}

const fn status_tone(status: Status) -> Tone {
    match status {
        Status::Waiting | Status::Seeking => Tone::Busy,
        Status::Playing => Tone::Good,
        Status::Paused | Status::AtEnd => Tone::Warn,
    }
}

/// `event 12 of 389 (3%)`.
fn position(playback: &Playback) -> Piece {
    let (event, events) = (format::count(playback.event), format::count(playback.events));
    let words = match playback.indexed {
        Some(_) => format!("{event} of {events} so far"),
        None => format!("{event} of {events} ({}%)", playback.percent()),
    };
    Piece::named(0, "event", words, Tone::Plain)
}

/// Whose events are being lost now.
fn losing(model: &Model) -> Option<Piece> {
    const NOW: Nanos = Nanos::from_secs(2);
    let recent = model.blamed().iter().filter(|(_, blamed)| model.now().mono.since(blamed.latest.mono) < NOW);
    let ((uid, _), blamed) = recent.max_by_key(|(_, blamed)| blamed.count)?;
    Some(Piece::new(1, format!("!! LOSING uid {uid} ({})", blamed.comm), Tone::Bad))
}

/// How much came, how much was lost, and the current state.
fn figures(model: &World<'_>, state: &UiState) -> Vec<Piece> {
    let counts = model.counts();
    let open = model.open_requests().count() as u64;
    let is_counted = !matches!(state.mode, Mode::Replay { damage: Some(Damage { is_counted: false, .. }), .. });
    let mut pieces = vec![match state.mode.playback() {
        Some(playback) => position(playback),
        None => Piece::named(2, "events", format::count(counts.events), Tone::Plain),
    }];
    pieces.push(match model.lost_total() {
        0 => Piece::named(0, "lost", "0", Tone::Plain),
        lost => {
            let at_least = if is_counted { "" } else { "at least " };
            Piece::new(0, format!("!! LOST {at_least}{}", format::count(lost)), Tone::Bad)
        }
    });
    pieces.extend(losing(model));
    let busy = if open > 0 { Tone::Busy } else { Tone::Plain };
    pieces.push(Piece::named(0, "open", format::count(open), busy));
    if let Some((worst, id)) = model.worst() {
        pieces.push(Piece::named(1, "worst", worst.to_string(), Tone::Plain));
        let alias = model.request(id).map(|request| request.requested.alias.to_string()).unwrap_or_default();
        pieces.push(Piece::new(8, format!("#{} {}", id.0, format::cut(&alias, 40)), Tone::Dim));
    }
    pieces.push(Piece::named(4, "requests", format::count(counts.requests), Tone::Plain));
    let slots = model.slots().count() as u64;
    if slots > 0 {
        pieces.push(Piece::named(5, "slots", format!("{slots} of 50"), busy));
    }
    if let Some(SelfTest::Deaf(_)) = model.self_test() {
        pieces.push(Piece::new(1, "!! DEAF PROBES", Tone::Bad));
    }
    let stalled = stall::count(model, model.limit) as u64;
    if stalled > 0 {
        pieces.push(Piece::new(1, format!("!! STALLED {stalled}"), Tone::Bad));
    }
    for screen in state.screens.iter().filter(|screen| screen.is_in_header()) {
        match screen.count(model) as u64 {
            0 => {}
            count => pieces.push(Piece::new(1, format!("{} {}", screen.title(), format::count(count)), Tone::Warn)),
        }
    }
    if let Some(cycle) = model.cycles().next_back().filter(|cycle| cycle.ended.is_none()) {
        pieces.push(Piece::new(2, format!("{}: {}", cycle.verdict().as_str(), cycle.kind.as_str()), Tone::Busy));
    }
    let unseen = model.hooks().iter().filter(|hook| hook.is_unseen()).count() as u64;
    let doubts = [
        (5, "unseen moments", unseen),
        (3, "unmatched", counts.unmatched),
        (3, "given up", counts.capped),
        (6, "forgotten", counts.forgotten),
    ];
    let doubts = doubts.into_iter().filter(|(_, _, number)| *number > 0);
    pieces.extend(doubts.map(|(rank, name, number)| Piece::named(rank, name, format::count(number), Tone::Warn)));
    pieces
}
