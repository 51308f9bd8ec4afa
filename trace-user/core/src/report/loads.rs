//! What the summary says of loads and unloads: what each module cost and who loaded it, which loads failed that serve
//! no request, who unloads.
//!
//! In: the model. Out: lines of text.

use super::cells;
use super::line::who;
use super::plain::counted;
use super::text::{ROWS, line, more, name_width, title};
use crate::attribution::container::{container, unit};
use crate::entities::{Load, Timed, Unload};
use crate::event::Origin;
use crate::explain::load::{explain_load, explain_unload, subject};
use crate::model::Model;
use std::collections::BTreeMap;
use std::sync::Arc;
use trace_common::time::Nanos;

/// What one module cost, over all its loads.
#[derive(Default)]
struct Cost {
    whole: Nanos,
    init: Nanos,
    loads: u64,
    failed: u64,
    by: BTreeMap<String, u64>,
}

/// What each module cost, over all its loads, and who loaded it.
pub(super) fn costs(out: &mut String, model: &Model) {
    let mut costs: BTreeMap<&str, Cost> = BTreeMap::new();
    for load in model.loads().filter(|load| !load.retried) {
        let cost = costs.entry(name(load)).or_default();
        cost.whole = cost.whole.plus(load.total().unwrap_or_default());
        cost.init = cost.init.plus(load.init_time().unwrap_or_default());
        cost.loads += 1;
        cost.failed += u64::from(load.failed() && !load.lost_to_another());
        *cost.by.entry(load.task.comm.to_text()).or_default() += 1;
    }
    if costs.is_empty() {
        return;
    }
    let mut rows: Vec<_> = costs.into_iter().collect();
    rows.sort_by_key(|(module, cost)| (std::cmp::Reverse(cost.whole), *module));
    title(out, "modules by time spent loading");
    let width = name_width(rows.iter().take(ROWS).map(|(module, _)| module));
    for (module, Cost { whole, init, loads, failed, by }) in rows.iter().take(ROWS) {
        let failed = if *failed > 0 { format!(", {failed} failed") } else { String::new() };
        let loads = counted(*loads, "load");
        let module = cells::column(module, width);
        line(out, format_args!("  {:>7} {module} init {init}, {loads}{failed}, by {}", whole.to_string(), names(by)));
    }
    more(out, rows.len());
}

/// `modprobe 3, (udev-worker) 1`, the most first.
fn names(by: &BTreeMap<String, u64>) -> String {
    let mut names: Vec<(&String, &u64)> = by.iter().collect();
    names.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let single = names.len() == 1;
    let words = names.iter().map(|(name, count)| if single { (*name).clone() } else { format!("{name} {count}") });
    words.collect::<Vec<_>>().join(", ")
}

/// Loads that failed and that serve no request.
pub(super) fn failed(out: &mut String, model: &Model) {
    let others: Vec<&Arc<Load>> = model.loads().filter(|load| load.request.is_none() && !load.retried).collect();
    let failed: Vec<&&Arc<Load>> = others.iter().filter(|load| load.failed() && !load.lost_to_another()).collect();
    let lost = others.iter().filter(|load| load.lost_to_another()).count();
    if others.is_empty() {
        return;
    }
    title(out, "loads that served no request");
    let mut by: BTreeMap<String, u64> = BTreeMap::new();
    for load in &others {
        *by.entry(load.task.comm.to_text()).or_default() += 1;
    }
    line(
        out,
        format_args!(
            "  {}, {} failed, {lost} lost to another load of the same module, by {}",
            counted(others.len() as u64, "load"),
            failed.len(),
            names(&by)
        ),
    );
    let width = name_width(failed.iter().take(ROWS).map(|load| subject(load)));
    for load in failed.iter().take(ROWS) {
        let from = place(load.origin.as_deref());
        line(
            out,
            format_args!(
                "  {} {}{from}: {}",
                cells::column(subject(load), width),
                who(&load.task, load.origin.as_deref()),
                explain_load(load)
            ),
        );
    }
    more(out, failed.len());
}

/// Who unloads modules, and how long that takes.
pub(super) fn unloads(out: &mut String, model: &Model) {
    let mut unloads: Vec<&Arc<Unload>> = model.unloads().collect();
    if unloads.is_empty() {
        return;
    }
    unloads.sort_by_key(|unload| (!unload.failed(), std::cmp::Reverse(unload.total()), unload.id));
    title(out, "unloads");
    let width = name_width(unloads.iter().take(ROWS).map(|unload| unload.module.to_string()));
    for unload in unloads.iter().take(ROWS) {
        let from = place(unload.origin.as_deref());
        line(
            out,
            format_args!(
                "  {} {}{from}: {}",
                cells::column(&unload.module.to_string(), width),
                who(&unload.task, unload.origin.as_deref()),
                explain_unload(unload)
            ),
        );
    }
    more(out, unloads.len());
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

/// The module, or else the file, that is loaded.
fn name(load: &Load) -> &str {
    if load.module.is_none() && load.file.is_none() { "(unnamed)" } else { subject(load) }
}
