//! Suspend cycles and firmware requests in the report of a whole trace: as JSON and as text.
//!
//! Instants are nanoseconds since boot on the clock that does not stop in suspend; durations leave the time asleep out.

use super::document::{Block, Cell, Extent, Fit, Item, Part, Table};
use super::wall;
use crate::answer::ReturnCode;
use crate::entities::{Call, Cycle, Firmware, Load, LockState, PhaseSpan, Timed, asleep, lasted};
use crate::event::{Stamp, Task, Way};
use crate::explain::cycle::{attempt, explain};
use crate::explain::task_words;
use crate::model::Model;
use serde_json::{Value, json};
use std::sync::Arc;

/// Every cycle, oldest first.
pub fn cycles(model: &Model) -> impl Iterator<Item = Value> {
    model.cycles().map(|cycle| cycle_object(model, cycle))
}

/// Every firmware request, oldest first.
pub fn firmware(model: &Model) -> impl Iterator<Item = Value> {
    model.firmware().map(|firmware| firmware_object(model, firmware))
}

/// A cycle as JSON.
#[must_use]
pub fn cycle_object(model: &Model, cycle: &Cycle) -> Value {
    let state = match cycle.way {
        Some(Way::Suspend { state }) => state.as_str(),
        Some(Way::Hibernate) => Some("disk"),
        None => None,
    };
    let calls = |calls: &[Arc<Call>]| calls.iter().map(|call| call_object(model, call)).collect::<Vec<_>>();
    let held_up_by: Vec<u64> = model.firmware_holding_up(cycle).map(|firmware| firmware.id.0).collect();
    json!({
        "id": cycle.id.0,
        "group": cycle.group.0,
        "kind": cycle.kind.as_str(),
        "state": state,
        "pm_test": cycle.pm_test.map(crate::event::PmTest::as_str),
        "verdict": cycle.verdict().as_str(),
        "result": cycle.result.map(|result| result.0),
        "wall": model.wall_ns(cycle.began).and_then(wall::iso),
        "began_ns": boot(cycle.began),
        "ended_ns": cycle.ended.map(boot),
        "asleep_ns": cycle.asleep(model.now()).as_nanos(),
        "drain_ns": cycle.disable.time().map(|time| time.as_nanos()),
        "freeze_ns": cycle.freeze.time().map(|time| time.as_nanos()),
        "disabled_ns": cycle.disable.began.map(boot),
        "thawed_ns": cycle.thawed.map(boot),
        "enabled_ns": cycle.enabled.map(boot),
        "caller": task_object(&cycle.task),
        "culprits": calls(&cycle.culprits),
        "drained": calls(&cycle.drained),
        "refused": calls(&cycle.refused),
        "frozen": calls(&cycle.frozen),
        "unfrozen": cycle.unfrozen.iter().map(|load| load_object(load)).collect::<Vec<_>>(),
        "held_up_by_firmware": held_up_by,
        "phases": cycle.phases.iter().map(phase_object).collect::<Vec<_>>(),
        "incomplete": cycle.incomplete.then_some("events were lost during it"),
    })
}

fn load_object(load: &Load) -> Value {
    json!({
        "load": load.id.0,
        "request": load.request.map(|id| id.0),
        "module": load.module.as_deref(),
        "loader": task_object(&load.task),
        "began_ns": boot(load.began),
    })
}

fn phase_object(phase: &PhaseSpan) -> Value {
    json!({"action": &*phase.action, "value": phase.value, "began_ns": boot(phase.began), "ended_ns": phase.ended.map(boot)})
}

fn call_object(model: &Model, call: &Call) -> Value {
    let request = call.request.and_then(|id| model.request(id));
    json!({
        "request": call.request.map(|id| id.0),
        "alias": call.alias().map(|alias| &**alias),
        "path": call.entry.path.text().map(|path| &**path),
        "pid": call.helper.map(|(helper, _)| helper.key.tgid.0),
        "caller": task_object(&call.caller),
        "result": call.returned.map(|(_, result)| result.as_return()),
        "called_ns": boot(call.entered),
        "returned_ns": call.returned.map(|(at, _)| boot(at)),
        "exited_ns": call.exited.map(|(at, _)| boot(at)),
        "live_ns": request.and_then(|request| request.live).map(boot),
    })
}

fn firmware_object(model: &Model, firmware: &Firmware) -> Value {
    let now = model.now();
    json!({
        "id": firmware.id.0,
        "name": firmware.file.name.text().map(|name| &**name),
        "device": firmware.file.device.text().map(|device| &**device),
        "result": firmware.result().map(|result| result.0),
        "boot_ns": boot(firmware.asked),
        "wall": model.wall_ns(firmware.asked).and_then(wall::iso),
        "total_ns": firmware.total().map(|total| total.as_nanos()),
        "total_boot_ns": firmware.ended.map(|(at, _)| lasted(firmware.asked, at).as_nanos()),
        "asleep_ns": firmware.ended.map(|(at, _)| asleep(firmware.asked, at).as_nanos()),
        "fallback": firmware.is_asked_of_user_space(),
        "fallback_ns": firmware.fallback_time(now).map(|time| time.as_nanos()),
        "fallback_result": fallback_result(firmware),
        "lock": firmware.lock.state().map(LockState::as_str),
        "lock_ns": firmware.lock_time(now).map(|time| time.as_nanos()),
        "caller": task_object(&firmware.task),
    })
}

fn fallback_result(firmware: &Firmware) -> Option<i32> {
    firmware.fallback_ended.filter(|_| firmware.is_asked_of_user_space()).map(|(_, result)| result.0)
}

fn task_object(task: &Task) -> Value {
    json!({"pid": task.key.tgid.0, "comm": task.comm.to_text()})
}

const fn boot(at: Stamp) -> u64 {
    at.boot.as_nanos()
}

/// The cycles for a person, the newest first.
pub(super) fn cycles_part(model: &Model, extent: Extent) -> Option<Part> {
    let item = |cycle: &Arc<Cycle>| Item::of(cycle_words(cycle, model));
    Part::of("around suspend, the newest first", [Block::items(model.cycles().rev().map(item), extent)])
}

/// `#2 20:07:42.191 failed: helper: suspend to memory, by systemd-sleep[166]: …`
pub(super) fn cycle_words(cycle: &Cycle, model: &Model) -> String {
    let again = if cycle.group == cycle.id { String::new() } else { format!(" (again, after #{})", cycle.group.0) };
    let firmware = model.firmware_holding_up(cycle).map(|firmware| &**firmware);
    let sentence = explain(cycle, model.now(), firmware);
    let when = model.wall_ns(cycle.began).and_then(wall::clock).unwrap_or_default();
    let (id, word, task) = (cycle.id.0, cycle.verdict().as_str(), task_words(&cycle.task));
    format!("#{id} {when} {word}: {}{again}, by {task}: {sentence}", attempt(cycle))
}

/// The firmware requests for a person, the longest first.
pub(super) fn firmware_part(model: &Model, extent: Extent) -> Option<Part> {
    let mut rows: Vec<&Arc<Firmware>> = model.firmware().collect();
    rows.sort_by_key(|firmware| (std::cmp::Reverse(firmware.age(model.now())), firmware.id));
    let columns = [
        ("total", Fit::Number),
        ("file", Fit::Name),
        ("device", Fit::Name),
        ("what became of it, and who asked", Fit::Words),
    ];
    let row = |firmware: &Arc<Firmware>| {
        [
            Cell::time(firmware.age(model.now())),
            Cell::of(firmware.file.name.to_string()),
            Cell::of(firmware.file.device.text().map_or("-", |device| device)),
            Cell::of(format!("{}, by {}", firmware_words(firmware, model), task_words(&firmware.task))),
        ]
    };
    Part::of("firmware", [Table::of(columns, rows.into_iter().map(row), extent)])
}

/// What became of a firmware request.
pub(super) fn firmware_words(firmware: &Firmware, model: &Model) -> String {
    let result = match firmware.result().map(ReturnCode::error) {
        Some(None) => "found".to_owned(),
        Some(Some(error)) => error.words(),
        None => "open, or its return was not seen".to_owned(),
    };
    let fallback = firmware.fallback_time(model.now()).map_or_else(String::new, |time| {
        let lock = firmware.lock.state().map_or("not asked for", LockState::as_str);
        format!(", asked of user space for {time}, lock {lock}")
    });
    let asleep = firmware.ended.map(|(at, _)| asleep(firmware.asked, at)).filter(|asleep| asleep.as_nanos() > 0);
    let asleep = asleep.map_or_else(String::new, |asleep| format!(", and {asleep} asleep"));
    format!("{result}{fallback}{asleep}")
}
