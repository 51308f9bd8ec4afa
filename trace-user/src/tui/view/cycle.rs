//! One suspend cycle in detail: what became of it, a timeline with its helpers as bars across freeze, sleep and thaw,
//! and the helper calls it met.
//!
//! The timeline runs on the clock that stops in suspend, so that a night's sleep does not squeeze everything else; a
//! mark cuts the bars at the point where the machine slept.

use super::line::wrap;
use super::page::{Lines, Page, PageLine};
use crate::tui::format;
use crate::tui::table::{Go, Target};
use crate::tui::theme::{Theme, Tone};
use crate::tui::world::World;
use modtrail_core::entities::{Call, Cycle, Met, Timed};
use modtrail_core::event::Stamp;
use modtrail_core::explain::cycle::{attempt, explain};
use modtrail_core::explain::task_words;
use modtrail_core::model::Model;
use modtrail_core::report::cells;
use modtrail_core::report::plain::plain;
use ratatui::text::{Line, Span};
use trace_common::time::Ktime;

/// The names before the bars, and the durations after them.
const NAME: usize = 22;
const BESIDE: usize = NAME + 9;
/// A bar, a bar while user space is frozen, and the point where the machine slept.
const BLOCK: char = '█';
const FROZEN: char = '░';
const SLEPT: char = '┃';

/// Its page.
#[must_use]
pub fn page(world: &World<'_>, cycle: &Cycle, theme: Theme, width: u16) -> Page {
    let mut page = Lines::new(theme, width.saturating_sub(1));
    page.lines.push(title(world, cycle, theme).into());
    let firmware = world.firmware_holding_up(cycle).map(|firmware| &**firmware);
    page.text(&explain(cycle, world.now(), firmware), Tone::Plain);
    if cycle.group != cycle.id {
        page.link("again", &format!("after #{}", cycle.group.0), Go::Page(Target::Cycle(cycle.group)));
    }
    page.heading("timeline");
    let room = page.width;
    page.lines.extend(timeline(world, cycle, theme, room).into_iter().map(PageLine::from));
    page.heading("helpers it met");
    page.lines.extend(helpers(world, cycle, theme, room));
    if !cycle.phases.is_empty() {
        page.heading("phases");
        page.lines.extend(phases(cycle, theme).into_iter().map(PageLine::from));
    }
    Page::of(page.lines)
}

fn title(world: &World<'_>, cycle: &Cycle, theme: Theme) -> Line<'static> {
    let again = if cycle.group == cycle.id { String::new() } else { format!("  again, after #{}", cycle.group.0) };
    let when = format::instant_with_unit(world, cycle.began);
    Line::from(vec![
        Span::styled(format!("#{} ", cycle.id.0), theme.style(Tone::Dim)),
        Span::styled(attempt(cycle), theme.style(Tone::Title)),
        Span::raw("  "),
        Span::styled(cycle.verdict().as_str().to_uppercase(), theme.style(format::cycle_tone(cycle))),
        Span::raw(plain(&format!("  {when}, by {}{again}", task_words(&cycle.task)))),
    ])
}

/// The axis of the timeline.
struct Axis {
    from: Ktime,
    to: Ktime,
    cells: usize,
    /// When user space was frozen, from and to.
    frozen: Option<(Ktime, Ktime)>,
    /// Where the machine slept.
    slept: Option<Ktime>,
}

fn timeline(model: &Model, cycle: &Cycle, theme: Theme, room: usize) -> Vec<Line<'static>> {
    let now = model.now();
    let ended = cycle.ended.unwrap_or(now);
    let calls = || cycle.met().map(|(_, call)| call);
    let from = calls().map(|call| call.entered.mono).fold(cycle.began.mono, Ktime::min);
    let to = calls().map(|call| end(call, now).mono).fold(ended.mono, Ktime::max);
    let cells = room.saturating_sub(BESIDE).clamp(10, 120);
    let frozen = cycle.freeze.ended.filter(|(_, result)| !result.failed());
    let frozen = frozen.map(|(at, _)| (at.mono, cycle.thawed.unwrap_or(ended).mono));
    let axis = Axis { from, to, cells, frozen, slept: slept(cycle) };
    let mut lines = vec![bar(&axis, "attempt", cycle.began, ended, Tone::Busy, theme)];
    let stretch = |name, stretch: modtrail_core::entities::Stretch, tone| {
        stretch.began.map(|began| bar(&axis, name, began, stretch.ended.map_or(now, |(at, _)| at), tone, theme))
    };
    lines.extend(stretch("drain", cycle.disable, Tone::Warn));
    lines.extend(stretch("freeze", cycle.freeze, Tone::Accent));
    if let (Some((from, _)), Some(thawed)) = (cycle.freeze.ended.filter(|(_, result)| !result.failed()), cycle.thawed) {
        lines.push(bar(&axis, "user space frozen", from, thawed, Tone::Dim, theme));
    }
    for (met, call) in cycle.met() {
        let tone = if met == Met::Culprit { Tone::Bad } else { Tone::Good };
        let name = format!("{} {}", met.as_str(), name(call));
        lines.push(bar(&axis, &name, call.entered, end(call, now), tone, theme));
    }
    let asleep = cycle.asleep(now);
    if asleep.as_nanos() > 0 {
        let legend = format!(" {SLEPT} the machine slept {asleep}, which the bars leave out; {FROZEN} frozen");
        lines.push(Line::styled(legend, theme.style(Tone::Dim)));
    }
    lines
}

/// When the machine slept, as far as its phases show: between suspending devices and resuming them.
fn slept(cycle: &Cycle) -> Option<Ktime> {
    let phase =
        cycle.phases.iter().find(|phase| &*phase.action == "machine_suspend" || &*phase.action == "timekeeping_freeze");
    phase.map(|phase| phase.began.mono)
}

/// When the helper ended, or the call, as seen at `now`.
fn end(call: &Call, now: Stamp) -> Stamp {
    call.ended().or(call.returned.map(|(at, _)| at)).unwrap_or(now)
}

fn name(call: &Call) -> &str {
    call.alias().or(call.entry.path.text()).map_or("a helper", |name| name)
}

fn bar(axis: &Axis, name: &str, from: Stamp, to: Stamp, tone: Tone, theme: Theme) -> Line<'static> {
    let (first, last) = (axis.cell(from.mono), axis.cell(to.mono));
    let slept = axis.slept.map(|at| axis.cell(at));
    let frozen = axis.frozen.map(|(from, to)| (axis.cell(from), axis.cell(to)));
    let cell = |place: usize| match place {
        _ if place < first || place > last => ' ',
        _ if slept == Some(place) => SLEPT,
        _ if frozen.is_some_and(|(from, to)| from < place && place < to) => FROZEN,
        _ => BLOCK,
    };
    let drawn: String = (0..axis.cells).map(cell).collect();
    let name = cells::column(name, NAME - 2);
    Line::from(vec![
        Span::raw(format!(" {name} ")),
        Span::styled(drawn, theme.style(tone)),
        Span::raw(format!(" {:>7}", to.mono.since(from.mono).to_string())),
    ])
}

impl Axis {
    /// The cell that contains an instant.
    fn cell(&self, at: Ktime) -> usize {
        let whole = u128::from(self.to.since(self.from).as_nanos().max(1));
        let far = u128::from(at.since(self.from).as_nanos()) * self.cells as u128 / whole;
        usize::try_from(far).unwrap_or(usize::MAX).min(self.cells.saturating_sub(1))
    }
}

fn helpers(model: &Model, cycle: &Cycle, theme: Theme, room: usize) -> Vec<PageLine> {
    let mut lines = Vec::new();
    for (met, call) in cycle.met() {
        let helper = call.helper.map_or_else(String::new, |(task, _)| format!(" [{}]", task.key.tgid.0));
        let request = call.request.map_or_else(String::new, |id| format!(" of {}", format::request_name(model, id)));
        let live = call.request.and_then(|id| model.request(id)).and_then(|request| request.live);
        let seen = [
            ("called", Some(call.entered)),
            ("returned", call.returned.map(|(at, _)| at)),
            ("live", live),
            ("exited", call.exited.map(|(at, _)| at)),
        ];
        let stages = seen.into_iter().filter_map(|(name, at)| Some(format!("{name} {}", around(cycle.began, at?))));
        let stages: Vec<String> = stages.collect();
        let text = format!("{}{helper}{request}, for {}: {}", name(call), task_words(&call.caller), stages.join(", "));
        for (place, part) in wrap(&text, room.saturating_sub(11)).into_iter().enumerate() {
            let met = if place == 0 { met.as_str() } else { "" };
            let line = Line::from(vec![Span::styled(format!(" {met:<9} "), theme.style(Tone::Dim)), Span::raw(part)]);
            // Of a call that serves a request, the request has the page.
            let target = call.request.map_or(Target::Call(call.id), Target::Request);
            lines.push(PageLine { line, go: (place == 0).then_some(Go::Page(target)) });
        }
    }
    if lines.is_empty() {
        lines.push(Line::styled(" none", theme.style(Tone::Dim)).into());
    }
    lines
}

/// How long before or after the cycle's beginning.
fn around(began: Stamp, at: Stamp) -> String {
    if at.mono < began.mono { format!("-{}", began.mono.since(at.mono)) } else { format::offset(began, at) }
}

fn phases(cycle: &Cycle, theme: Theme) -> Vec<Line<'static>> {
    let line = |phase: &modtrail_core::entities::PhaseSpan| {
        let took =
            phase.ended.map_or_else(|| "no end seen".to_owned(), |at| at.mono.since(phase.began.mono).to_string());
        Line::from(vec![
            Span::raw(format!(" {}", cells::column(&format!("{}[{}]", phase.action, phase.value), 24))),
            Span::styled(format!("{:>9} ", around(cycle.began, phase.began)), theme.style(Tone::Dim)),
            Span::raw(format!("{took:>9}")),
        ])
    };
    cycle.phases.iter().map(line).collect()
}
