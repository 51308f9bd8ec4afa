//! Devices as JSON: what was announced, which load followed, which drivers were tried.
//!
//! In: the model. Out: JSON values. Names are stable; what was not seen is null.

use crate::entities::device::{Announced, Attempt, Outcome};
use crate::entities::{Device, Load};
use crate::event::{Captured, Task};
use crate::model::Model;
use serde_json::{Map, Value, json};

/// Every kept device.
pub(super) fn devices(model: &Model) -> Vec<Value> {
    model.devices().map(|device| object(device, model)).collect()
}

/// The devices that a load's drivers were tried on.
pub(super) fn of_load(load: &Load, model: &Model) -> Vec<Value> {
    let own = |(device, attempt): (&Device, &Attempt)| {
        let (id, name, bus) = (device.id.0, &*device.name, &*device.bus);
        let whose = json!({"id": id, "name": name, "bus": bus}).as_object().cloned().unwrap_or_default();
        Value::Object(whose.into_iter().chain(tried(attempt, model)).collect())
    };
    model.attempts_of(load.id).map(own).collect()
}

fn object(device: &Device, model: &Model) -> Value {
    let followed_by = device.followed_by.and_then(|load| model.load(load)).map(|load| {
        json!({"load": load.id.0, "module": load.module.as_deref(), "pid": load.task.key.tgid.0,
            "comm": load.task.comm.to_text(), "began_ns": load.began.boot.as_nanos(),
            "live_ns": load.live.map(|at| at.boot.as_nanos())})
    });
    json!({
        "id": device.id.0,
        "name": &*device.name,
        "bus": &*device.bus,
        "boot_ns": device.began.boot.as_nanos(),
        "uevent": device.announced.as_ref().map(uevent),
        "followed_by": followed_by,
        "bound": device.bound().is_some(),
        "attempts": device.attempts.iter().map(|attempt| tried(attempt, model)).collect::<Vec<_>>(),
        "attempts_left_out": device.attempts_more,
    })
}

fn uevent(announced: &Announced) -> Value {
    let uevent = &announced.uevent;
    let modules = announced.resolution.iter().flat_map(|resolution| &resolution.modules);
    json!({
        "boot_ns": announced.at.boot.as_nanos(),
        "action": uevent.action.as_str(),
        "synthetic": uevent.is_synthetic,
        "alias": uevent.alias.text().map(|alias| &**alias),
        "alias_cut": matches!(uevent.alias, Captured::Truncated(_)),
        "modules": announced.resolution.as_ref().map(|_| modules.map(|wanted| &*wanted.name).collect::<Vec<_>>()),
        "driver": uevent.driver.as_ref().and_then(Captured::text).map(|driver| &**driver),
        "task": task(&announced.task),
    })
}

fn tried(attempt: &Attempt, model: &Model) -> Map<String, Value> {
    let live = attempt.load.and_then(|load| model.load(load)).and_then(|load| load.live);
    let value = json!({
        "driver": &*attempt.driver,
        "module": attempt.module.as_deref(),
        "load": attempt.load.map(|load| load.0),
        "bound": attempt.outcome == Outcome::Bound,
        "result": attempt.outcome.as_return(),
        "boot_ns": attempt.at.boot.as_nanos(),
        "after_live_ns": attempt.after_live(live).map(|after| after.as_nanos()),
        "times": attempt.times,
        "task": task(&attempt.task),
    });
    value.as_object().cloned().unwrap_or_default()
}

fn task(task: &Task) -> Value {
    json!({"pid": task.key.tgid.0, "tid": task.tid.0, "comm": task.comm.to_text()})
}
