//! A list: the visible rows of the screen, as a table.

use super::selected;
use crate::tui::column::{Column, Place, fit};
use crate::tui::format;
use crate::tui::row::{self, Row};
use crate::tui::screen::Screen;
use crate::tui::state::{Direction, List, Mode, UiState, window};
use crate::tui::theme::{Theme, Tone};
use modtrail_core::answer::ReturnCode;
use modtrail_core::attribution::purpose::purpose;
use modtrail_core::entities::{
    Call, CallId, Cycle, CycleId, Firmware, FirmwareId, Load, LoadId, LockState, Request, RequestId,
};
use modtrail_core::event::Hook;
use modtrail_core::explain::cycle::attempt;
use modtrail_core::model::Model;
use modtrail_core::model::duplicates::Group;
use modtrail_core::stall;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{self, HighlightSpacing, Paragraph, StatefulWidget, Table, TableState, Widget, Wrap};
use trace_common::kind::Kind;

/// The mark before the selected row.
const MARK: &str = "▶";

type Cell = (String, Tone);

/// The part of the body that has the rows, without the columns' heads.
#[must_use]
pub fn rows_area(screen: Screen, body: Rect) -> Rect {
    let [_, rows, _] = split(screen, body);
    rows
}

/// Draws it.
pub fn draw(model: &Model, state: &UiState, theme: Theme, body: Rect, buffer: &mut Buffer) {
    let list = state.list(state.screen);
    let [heads, rows, below] = split(state.screen, body);
    let height = usize::from(rows.height);
    let top = window(list.len(), list.index, list.top, height);
    let places = fit(Column::of(state.screen), body.width.saturating_sub(1));
    let visible = (top..list.len().min(top + height)).filter_map(|place| list.number(place));
    let drawn = visible.map(|number| match find(model, state.screen, number) {
        Some(row) => cells(model, row, &places, theme),
        None => widgets::Row::default(),
    });
    let widths = places.iter().map(|(_, width)| Constraint::Length(*width));
    let table = Table::new(drawn, widths)
        .header(head_row(model, list, &places, theme))
        .row_highlight_style(theme.style(Tone::Selected))
        .highlight_symbol(MARK)
        .highlight_spacing(HighlightSpacing::Always);
    let selected = (!list.is_empty()).then(|| list.index.saturating_sub(top));
    let mut selection = TableState::new().with_selected(selected);
    StatefulWidget::render(table, heads.union(rows), buffer, &mut selection);
    if list.is_empty() {
        let told = empty(state, list);
        Paragraph::new(Line::styled(told, theme.style(Tone::Dim))).wrap(Wrap { trim: false }).render(rows, buffer);
    }
    if let Some(row) = list.selected().and_then(|number| find(model, state.screen, number)) {
        selected::draw(model, row, theme, below, buffer);
    }
}

/// The heads, the rows, and what is told of the selected one.
fn split(screen: Screen, body: Rect) -> [Rect; 3] {
    let below = Constraint::Length(selected::height(screen, body));
    Layout::vertical([Constraint::Length(1), Constraint::Fill(1), below]).areas(body)
}

fn find(model: &Model, screen: Screen, number: u64) -> Option<Row<'_>> {
    match screen {
        Screen::Requests => model.request(RequestId(number)).map(|request| Row::Request(request)),
        Screen::Helpers => model.call(CallId(number)).map(|call| Row::Call(call)),
        Screen::Loads => model.load(LoadId(number)).map(|load| Row::Load(load)),
        Screen::Duplicates => row::find_group(model, number).map(Row::Group),
        Screen::Suspend => model.cycle(CycleId(number)).map(|cycle| Row::Cycle(cycle)),
        Screen::Firmware => model.firmware_request(FirmwareId(number)).map(|firmware| Row::Firmware(firmware)),
        Screen::Probes => {
            let kind = u16::try_from(number).ok().and_then(Kind::from_number)?;
            model.hooks().iter().find(|hook| hook.moment == kind).map(Row::Hook)
        }
    }
}

fn empty(state: &UiState, list: &List) -> &'static str {
    match state.screen {
        _ if matches!(state.mode, Mode::Attaching { .. }) => {
            " the probes are being attached: nothing is seen until then"
        }
        _ if !list.filter.is_empty() => " nothing matches the filter",
        Screen::Requests => " no module has been asked for yet",
        Screen::Helpers => " no helper calls besides module requests yet",
        Screen::Loads => " no module has been loaded yet",
        Screen::Duplicates => " no concurrent duplicates yet",
        Screen::Suspend => " no suspend or hibernate attempts yet",
        Screen::Firmware => " no firmware has been asked for yet",
        Screen::Probes => " the source did not say by what it sees",
    }
}

fn head_row(model: &Model, list: &List, places: &[(Place, u16)], theme: Theme) -> widgets::Row<'static> {
    let heads = places.iter().map(|(place, _)| {
        let head = if place.column == Column::Time { format::instant_unit(model) } else { place.head };
        let mark = match list.sort.direction {
            _ if list.sort.column != place.column => "",
            Direction::Up => "▴",
            Direction::Down => "▾",
        };
        let line = Line::from(Span::styled(format!("{head}{mark}"), theme.style(Tone::Title)));
        if place.column.at_right() { line.right_aligned() } else { line }
    });
    widgets::Row::new(heads)
}

fn cells(model: &Model, row: Row<'_>, places: &[(Place, u16)], theme: Theme) -> widgets::Row<'static> {
    let cells = places.iter().map(|(place, width)| {
        let (text, tone) = match row {
            Row::Request(request) => request_cell(model, request, place.column),
            Row::Call(call) => call_cell(model, call, place.column),
            Row::Load(load) => load_cell(model, load, place.column),
            Row::Group(group) => group_cell(model, group, place.column),
            Row::Cycle(cycle) => cycle_cell(model, cycle, place.column),
            Row::Firmware(firmware) => firmware_cell(model, firmware, place.column),
            Row::Hook(hook) => hook_cell(model, hook, place.column),
        };
        let width = usize::from(*width);
        let is_task = place.column == Column::Requester;
        let text = if is_task { format::cut_task(&text, width) } else { format::cut(&text, width) };
        let line = Line::from(Span::styled(text, theme.style(tone)));
        if place.column.at_right() { line.right_aligned() } else { line }
    });
    widgets::Row::new(cells)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the columns of a screen are its own")]
fn request_cell(model: &Model, request: &Request, column: Column) -> Cell {
    match column {
        Column::Number => (request.id.0.to_string(), Tone::Dim),
        Column::Time => (format::instant(model, request.asked), Tone::Plain),
        Column::Alias => (request.alias.to_string(), Tone::Plain),
        Column::Verdict => (request.verdict.words().into(), format::verdict_tone(request.verdict)),
        Column::Module => (request.module().map_or("-", |module| module).into(), Tone::Plain),
        Column::Requester => (format::task(&request.requester.task), Tone::Plain),
        Column::Total => match request.total() {
            Some(total) => (total.to_string(), Tone::Plain),
            None if request.is_open() => age(request.age(model.now())),
            None => ("-".into(), Tone::Dim),
        },
        Column::ToLive => duration(request.to_live()),
        Column::Result => (format::request_result(request), Tone::Plain),
        Column::Duplicates => match row::duplicates(request) {
            0 => ("-".into(), Tone::Dim),
            duplicates => (duplicates.to_string(), Tone::Warn),
        },
        _ => no_cell(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the columns of a screen are its own")]
fn call_cell(model: &Model, call: &Call, column: Column) -> Cell {
    match column {
        Column::Number => (call.id.0.to_string(), Tone::Dim),
        Column::Time => (format::instant(model, call.entered), Tone::Plain),
        Column::Command => (format::command(call), Tone::Plain),
        Column::Requester => (format::task(&call.caller), Tone::Plain),
        Column::Purpose => (purpose(call).unwrap_or("-").into(), Tone::Plain),
        Column::Wait => (call.wait.as_str().into(), Tone::Plain),
        Column::Helper => match call.helper {
            Some((task, _)) => (task.key.tgid.0.to_string(), Tone::Plain),
            None => ("-".into(), Tone::Dim),
        },
        Column::Total if call.is_closed() => duration(row::call_age(call, model.now())),
        Column::Total => row::call_age(call, model.now()).map_or_else(no_cell, age),
        Column::Result => (format::call_result(call), Tone::Plain),
        _ => no_cell(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the columns of a screen are its own")]
fn load_cell(model: &Model, load: &Load, column: Column) -> Cell {
    match column {
        Column::Number => (load.id.0.to_string(), Tone::Dim),
        Column::Time => (format::instant(model, load.began), Tone::Plain),
        Column::Module => (load.module.as_deref().unwrap_or("-").into(), Tone::Plain),
        Column::Requester => (format::task(&load.task), Tone::Plain),
        Column::For => match load.request {
            Some(id) => (format::request_name(model, id), Tone::Plain),
            None => ("-".into(), Tone::Dim),
        },
        Column::Result => (format::load_result(load), if load.failed() { Tone::Bad } else { Tone::Plain }),
        Column::Bytes => load.bytes.map_or(("-".into(), Tone::Dim), |bytes| (format::bytes(bytes), Tone::Plain)),
        Column::Init => duration(row::init(load)),
        Column::ToLive => duration(row::load_to_live(load)),
        Column::Total if load.closed => duration(row::load_age(load, model.now())),
        Column::Total => row::load_age(load, model.now()).map_or_else(no_cell, age),
        _ => no_cell(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the columns of a screen are its own")]
fn group_cell(model: &Model, group: &Group, column: Column) -> Cell {
    let facts = || model.group_facts(group);
    match column {
        Column::Number => (group.id.to_string(), Tone::Dim),
        Column::Time => (format::instant(model, group.began), Tone::Plain),
        Column::Sameness => (group.sameness.words().trim_start_matches("same ").into(), Tone::Plain),
        Column::Module => (group.name.to_string(), Tone::Plain),
        Column::Duplicates => (group.members.len().to_string(), Tone::Warn),
        Column::Requester => (facts().map(|facts| format::task(&facts.first)).unwrap_or_default(), Tone::Plain),
        Column::LiveBy => match facts().and_then(|facts| facts.live_by) {
            Some((task, Some(request))) => (format!("{} for #{}", format::task(&task), request.0), Tone::Plain),
            Some((task, None)) => (format::task(&task), Tone::Plain),
            None => ("-".into(), Tone::Dim),
        },
        Column::Wasted => (facts().map(|facts| facts.helpers.to_string()).unwrap_or_default(), Tone::Plain),
        Column::Bytes => (facts().map(|facts| format::bytes(facts.bytes)).unwrap_or_default(), Tone::Plain),
        Column::Total => (facts().map(|facts| facts.time.to_string()).unwrap_or_default(), Tone::Plain),
        _ => no_cell(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the columns of a screen are its own")]
fn hook_cell(model: &Model, hook: &Hook, column: Column) -> Cell {
    let cost = || model.costs().and_then(|costs| costs.of(hook.moment));
    match column {
        Column::Moment => (hook.moment.name().into(), Tone::Plain),
        Column::Attached => match &hook.attached {
            Some(attached) => (attached.to_string(), Tone::Plain),
            None => ("not seen".into(), Tone::Bad),
        },
        Column::Runs => match cost() {
            Some(cost) => (format::count(cost.runs), Tone::Plain),
            None => ("-".into(), Tone::Dim),
        },
        Column::PerRun => match cost().and_then(|cost| cost.per_run()) {
            Some(time) => (time.to_string(), Tone::Plain),
            None => ("-".into(), Tone::Dim),
        },
        Column::Loses if hook.may_miss && hook.loses.is_empty() => ("may miss some".into(), Tone::Warn),
        Column::Loses if hook.may_miss => (format!("may miss some; {}", hook.loses), Tone::Warn),
        Column::Loses => (hook.loses.to_string(), Tone::Warn),
        _ => no_cell(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the columns of a screen are its own")]
fn cycle_cell(model: &Model, cycle: &Cycle, column: Column) -> Cell {
    let now = model.now();
    match column {
        Column::Number => (cycle.id.0.to_string(), Tone::Dim),
        Column::Time => (format::instant(model, cycle.began), Tone::Plain),
        Column::Verdict => (cycle.verdict().as_str().into(), format::cycle_tone(cycle)),
        Column::Attempt if cycle.group == cycle.id => (attempt(cycle), Tone::Plain),
        Column::Attempt => (format!("again, after #{}: {}", cycle.group.0, attempt(cycle)), Tone::Plain),
        Column::Total if cycle.ended.is_some() => (cycle.awake(now).to_string(), Tone::Plain),
        Column::Total => (format::growing(cycle.awake(now)), Tone::Busy),
        Column::Asleep => duration(Some(cycle.asleep(now)).filter(|asleep| asleep.as_nanos() > 0)),
        Column::Drain => duration(cycle.disable.time()),
        Column::Met => (format::met(cycle), if cycle.culprits.is_empty() { Tone::Plain } else { Tone::Bad }),
        _ => no_cell(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the columns of a screen are its own")]
fn firmware_cell(model: &Model, firmware: &Firmware, column: Column) -> Cell {
    let now = model.now();
    match column {
        Column::Number => (firmware.id.0.to_string(), Tone::Dim),
        Column::Time => (format::instant(model, firmware.asked), Tone::Plain),
        Column::Alias => (firmware.name.to_string(), Tone::Plain),
        Column::Module => (firmware.device.text().map_or("-", |device| device).into(), Tone::Plain),
        Column::Requester => (format::task(&firmware.task), Tone::Plain),
        Column::Total if firmware.closed => duration(firmware.ended.map(|_| firmware.age(now))),
        Column::Total => age(firmware.age(now)),
        Column::Result => match firmware.result().map(ReturnCode::error) {
            Some(None) => ("found".into(), Tone::Good),
            Some(Some(error)) => (error.text(), Tone::Bad),
            None => ("-".into(), Tone::Dim),
        },
        Column::Wait => (firmware.lock.state().map_or("-", LockState::as_str).into(), Tone::Plain),
        _ => no_cell(),
    }
}

fn duration(duration: Option<trace_common::time::Nanos>) -> Cell {
    duration.map_or_else(|| ("-".into(), Tone::Dim), |duration| (duration.to_string(), Tone::Plain))
}

/// How long something has been open; a stall stands out.
fn age(age: trace_common::time::Nanos) -> Cell {
    (format::growing(age), if age >= stall::LIMIT { Tone::Bad } else { Tone::Busy })
}

/// A cell of a column that the rows do not have.
const fn no_cell() -> Cell {
    (String::new(), Tone::Plain)
}
