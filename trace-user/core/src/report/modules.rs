//! What each module cost: its inits without the requests that they made, the rest of its loads, how often it was
//! loaded, what it depends on, and who asked.
//!
//! In: the model. Out: costs, and for a person a table.

use super::document::{Block, Cell, Extent, Fit, Part, Table};
use super::times::outside_init;
use crate::attribution::known::with_name;
use crate::entities::{Load, Request};
use crate::event::Stamp;
use crate::explain::load::subject;
use crate::model::Model;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::ids::Tid;
use trace_common::time::Nanos;

/// What one module cost, over all its loads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Its inits, without the time in which they waited for requests that they made themselves.
    pub init: Nanos,
    /// That time.
    pub nested: Nanos,
    /// Its loads, without their inits and without those that lost to another.
    pub load: Nanos,
    /// Loads that lost to another of the same module: how long they waited for it.
    pub waited: Nanos,
    /// How many loads there were.
    pub loads: u64,
    /// How many of them failed, other than by losing to another.
    pub failed: u64,
    /// How many lost to another load of the module.
    pub lost: u64,
    /// What modprobe loads before it, as far as an alias that was asked for shows it.
    pub dependencies: BTreeSet<Arc<str>>,
    /// Who asked: requesters, or else who loaded it, by name.
    pub by: BTreeMap<String, u64>,
    /// What was asked for.
    pub aliases: BTreeSet<String>,
}

impl Cost {
    /// What is its own: without what its inits waited for.
    #[must_use]
    pub const fn own(&self) -> Nanos {
        self.init.plus(self.load)
    }
}

/// What inits wait for: requests by the thread that made them, in order of time.
pub struct Nested<'m>(BTreeMap<Tid, Vec<&'m Request>>);

impl<'m> Nested<'m> {
    /// Of all requests of a model.
    #[must_use]
    pub fn of(model: &'m Model) -> Self {
        let mut by_thread: BTreeMap<Tid, Vec<&Request>> = BTreeMap::new();
        for request in model.requests() {
            by_thread.entry(request.task.tid).or_default().push(request);
        }
        by_thread.values_mut().for_each(|requests| requests.sort_by_key(|request| request.asked.mono));
        Self(by_thread)
    }

    /// How long the load's init waited for requests that it made itself.
    #[must_use]
    pub fn within(&self, load: &Load) -> Nanos {
        let ended = load.live.or(load.init_ended.map(|(at, _)| at));
        let (Some(begun), Some(ended)) = (load.init_begun, ended) else { return Nanos::ZERO };
        let of_thread = self.0.get(&load.task.tid).map_or(&[][..], |requests| requests);
        let first = of_thread.partition_point(|request| request.asked.mono < begun.mono);
        let own = of_thread.iter().skip(first).take_while(|request| request.asked.mono <= ended.mono);
        let waited = |request: &&&Request| overlap(request.asked, request.returned?, ended);
        own.filter_map(|request| waited(&request)).fold(Nanos::ZERO, Nanos::plus)
    }
}

fn overlap(from: Stamp, to: Stamp, end: Stamp) -> Option<Nanos> {
    Some(to.mono.min(end.mono).since(from.mono))
}

/// The cost of each module, or file if its module is not known, by name.
#[must_use]
pub fn costs(model: &Model) -> BTreeMap<&str, Cost> {
    let nested = Nested::of(model);
    let mut costs: BTreeMap<&str, Cost> = BTreeMap::new();
    for load in model.loads().filter(|load| !load.retried) {
        let cost = costs.entry(name(load)).or_default();
        let waited = nested.within(load);
        cost.init = cost.init.plus(load.init_time().unwrap_or_default().minus(waited));
        cost.nested = cost.nested.plus(waited);
        let (outside, is_lost) = (outside_init(load), load.lost_to_another());
        let time = if is_lost { &mut cost.waited } else { &mut cost.load };
        *time = time.plus(outside);
        cost.loads += 1;
        cost.lost += u64::from(is_lost);
        cost.failed += u64::from(load.failed() && !is_lost);
        let request = load.request.and_then(|id| model.request(id));
        let who = request.map_or_else(|| load.task.comm.to_text(), |request| request.task.comm.to_text());
        *cost.by.entry(who).or_default() += 1;
        if let Some(request) = request {
            note_request(cost, request, load);
        }
    }
    costs
}

fn note_request(cost: &mut Cost, request: &Request, load: &Load) {
    cost.aliases.insert(with_name(&request.requested.alias));
    let wanted = request.resolution.iter().flat_map(|resolution| &resolution.modules);
    for wanted in wanted.filter(|wanted| load.module.as_ref().is_some_and(|module| wanted.is(module))) {
        cost.dependencies.extend(wanted.dependencies.iter().cloned());
    }
}

/// The module, or else the file, that is loaded.
fn name(load: &Load) -> &str {
    if load.module.is_none() && load.file.is_none() { "(unnamed)" } else { subject(load) }
}

/// The most expensive first.
fn sorted(model: &Model) -> Vec<(&str, Cost)> {
    let mut rows: Vec<(&str, Cost)> = costs(model).into_iter().collect();
    rows.sort_by_key(|(module, cost)| (std::cmp::Reverse(cost.own()), *module));
    rows
}

/// As JSON.
pub(super) fn objects(model: &Model) -> Value {
    let object = |(module, cost): (&str, Cost)| {
        let dependencies: Vec<&str> = cost.dependencies.iter().map(|name| &**name).collect();
        let by: Vec<Value> = cost.by.iter().map(|(comm, count)| json!({"comm": comm, "count": count})).collect();
        json!({"module": module, "init_ns": cost.init.as_nanos(), "nested_ns": cost.nested.as_nanos(),
            "load_ns": cost.load.as_nanos(), "waited_ns": cost.waited.as_nanos(), "loads": cost.loads, "failed": cost.failed, "lost_to_another": cost.lost,
            "dependencies": dependencies, "aliases": cost.aliases, "by": by})
    };
    sorted(model).into_iter().map(object).collect()
}

/// For a person.
pub(super) fn part(model: &Model, extent: Extent) -> Option<Part> {
    let columns = [
        ("init", Fit::Number),
        ("load", Fit::Number),
        ("loads", Fit::Number),
        ("failed", Fit::Number),
        ("module", Fit::Name),
        ("asked by", Fit::Words),
    ];
    let rows = sorted(model).into_iter().map(|(module, cost)| row(module, &cost));
    let table = Table::of(columns, rows, extent);
    let note =
        "init without the requests that it made; load: reading and linking, without what waited for another load";
    Part::of("what modules cost", [table, Block::words(note)]).filter(|_| model.loads().len() > 0)
}

fn row(module: &str, cost: &Cost) -> [Cell; 6] {
    let dependencies: Vec<&str> = cost.dependencies.iter().map(|name| &**name).collect();
    let needs = if dependencies.is_empty() { String::new() } else { format!("; needs {}", dependencies.join(" ")) };
    let nested =
        if cost.nested > Nanos::ZERO { format!("; init waited {} for requests", cost.nested) } else { String::new() };
    let lost =
        if cost.lost > 0 { format!("; {} waited {} for another", cost.lost, cost.waited) } else { String::new() };
    [
        // No init takes no time at all: none was seen.
        Cell::time(Some(cost.init).filter(|init| *init > Nanos::ZERO)),
        Cell::time(Some(cost.load).filter(|load| *load > Nanos::ZERO)),
        Cell::number(cost.loads),
        Cell::some(cost.failed),
        Cell::of(module),
        Cell::of(format!("{}{needs}{nested}{lost}", names(&cost.by))),
    ]
}

/// `modprobe 3, (udev-worker) 1`, the most first.
#[must_use]
pub fn names(by: &BTreeMap<String, u64>) -> String {
    const NAMED: usize = 5;
    let mut names: Vec<(&String, &u64)> = by.iter().collect();
    names.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let single = names.len() == 1;
    let words = names.iter().take(NAMED);
    let mut words: Vec<String> =
        words.map(|(name, count)| if single { (*name).clone() } else { format!("{name} {count}") }).collect();
    let more = names.len().saturating_sub(NAMED);
    words.extend((more > 0).then(|| format!("and {more} others")));
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::busy;

    #[test]
    fn an_init_is_not_charged_for_the_request_that_it_made() {
        let scenario = busy();
        let costs = costs(scenario.model());
        let can = &costs["can"];
        // Its init went from 132.1 ms to 150 ms, and asked for a cipher from 140 ms to 147.3 ms.
        assert_eq!((can.init, can.nested), (Nanos::new(10_600_000), Nanos::new(7_300_000)));
        assert_eq!(can.by, [("ping".to_owned(), 1)].into());
        assert_eq!(can.aliases, ["can-proto-1 (CAN_RAW)".to_owned()].into());
        assert_eq!(costs["can_raw"].dependencies, [Arc::from("can")].into());
        assert_eq!((costs["floppy"].loads, costs["floppy"].failed), (1, 1));
        assert_eq!(costs["snd_hda_codec_hdmi"].by, [("(udev-worker)".to_owned(), 1)].into());
    }
}
