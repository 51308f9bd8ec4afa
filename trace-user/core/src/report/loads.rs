//! What the report says of loads that serve no request, and of unloads.
//!
//! In: the model. Out: sentences for a person.

use super::document::{Block, Extent, Item, Part};
use super::line::who;
use super::modules::names;
use super::plain::counted;
use crate::attribution::container::{container, unit};
use crate::entities::{Load, Timed, Unload};
use crate::event::Origin;
use crate::explain::load::{explain_load, explain_unload, subject};
use crate::model::Model;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Loads that serve no request, and why some failed.
pub(super) fn failed(model: &Model, extent: Extent) -> Option<Part> {
    let others: Vec<&Arc<Load>> = model.loads().filter(|load| load.request.is_none() && !load.retried).collect();
    if others.is_empty() {
        return None;
    }
    let failed: Vec<&&Arc<Load>> = others.iter().filter(|load| load.failed() && !load.lost_to_another()).collect();
    let lost = others.iter().filter(|load| load.lost_to_another()).count();
    let mut by: BTreeMap<String, u64> = BTreeMap::new();
    for load in &others {
        *by.entry(load.task.comm.to_text()).or_default() += 1;
    }
    let loads = counted(others.len() as u64, "load");
    let words =
        format!("{loads}, {} failed, {lost} lost to another load of the same module, by {}", failed.len(), names(&by));
    let item = |load: &&Arc<Load>| {
        let origin = load.origin.as_deref();
        Item::of(format!("{} {}{}: {}", subject(load), who(&load.task, origin), place(origin), explain_load(load)))
    };
    Part::of("loads that served no request", [Block::words(words), Block::items(failed.into_iter().map(item), extent)])
}

/// Who unloads modules, and how long that takes.
pub(super) fn unloads(model: &Model, extent: Extent) -> Option<Part> {
    let mut unloads: Vec<&Arc<Unload>> = model.unloads().collect();
    unloads.sort_by_key(|unload| (!unload.failed(), std::cmp::Reverse(unload.total()), unload.id));
    let item = |unload: &Arc<Unload>| {
        let origin = unload.origin.as_deref();
        Item::of(format!(
            "{} {}{}: {}",
            unload.module,
            who(&unload.task, origin),
            place(origin),
            explain_unload(unload)
        ))
    };
    Part::of("unloads", [Block::items(unloads.into_iter().map(item), extent)])
}

/// ` (unit ssh.service, uid 1000)`: what is known of where a task runs.
fn place(origin: Option<&Origin>) -> String {
    let Some(origin) = origin else { return String::new() };
    let cgroup = origin.cgroup.as_deref();
    let unit = cgroup.and_then(unit).map(|unit| format!("unit {unit}"));
    let container = cgroup.and_then(container).map(|container| format!("container {}", container.id));
    let uid = (origin.uid != 0).then(|| format!("uid {}", origin.uid));
    let words: Vec<String> = [unit, container, uid].into_iter().flatten().collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}
