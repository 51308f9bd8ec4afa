//! Who asked: by name, by systemd unit, by container.
//!
//! In: the model. Out: counts, and for a person tables.

use super::document::{Block, Cell, Extent, Fit, Part, Table};
use super::json::verdict_counts;
use crate::attribution::container::{container, unit};
use crate::entities::{Request, Verdict};
use crate::model::Model;
use crate::repeats::{Requester, helper_time, outcomes, requesters};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use trace_common::time::Nanos;

/// What those of one unit or container asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    verdicts: BTreeMap<Verdict, u64>,
    helper_time: Nanos,
}

impl Tally {
    fn count(&self) -> u64 {
        self.verdicts.values().sum()
    }
}

/// The most requests first.
fn tallied<'m>(model: &'m Model, place: impl Fn(&'m Request) -> Option<&'m str>) -> Vec<(&'m str, Tally)> {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for request in model.requests() {
        if let Some(place) = place(request) {
            let tally = tallies.entry(place).or_default();
            *tally.verdicts.entry(request.verdict).or_default() += 1;
            tally.helper_time = tally.helper_time.plus(helper_time(request));
        }
    }
    let mut rows: Vec<(&str, Tally)> = tallies.into_iter().collect();
    rows.sort_by_key(|(place, tally)| (std::cmp::Reverse(tally.count()), *place));
    rows
}

fn unit_of(request: &Request) -> Option<&str> {
    unit(request.requested.cgroup.as_deref()?)
}

fn container_of(request: &Request) -> Option<&str> {
    container(request.requested.cgroup.as_deref()?).map(|container| container.id)
}

fn all(model: &Model) -> Vec<Requester> {
    requesters(model.requests().map(|request| &**request))
}

/// Requesters as JSON.
pub(super) fn objects(model: &Model) -> Value {
    let object = |by: &Requester| {
        json!({"comm": by.comm, "unit": by.unit.as_deref(), "container": by.container.as_deref(), "count": by.count(),
            "verdicts": verdict_counts(&by.verdicts), "helper_ns": by.helper_time.as_nanos()})
    };
    all(model).iter().map(object).collect()
}

/// Units as JSON.
pub(super) fn units(model: &Model) -> Value {
    tallies("unit", &tallied(model, unit_of))
}

/// Containers as JSON.
pub(super) fn containers(model: &Model) -> Value {
    tallies("container", &tallied(model, container_of))
}

fn tallies(name: &str, rows: &[(&str, Tally)]) -> Value {
    let object = |(place, tally): &(&str, Tally)| {
        json!({name: place, "count": tally.count(), "verdicts": verdict_counts(&tally.verdicts),
            "helper_ns": tally.helper_time.as_nanos()})
    };
    rows.iter().map(object).collect()
}

/// For a person.
pub(super) fn part(model: &Model, extent: Extent) -> Option<Part> {
    let by_name = all(model).into_iter().map(|by| row(&by.words(), by.count(), by.helper_time, &by.verdicts));
    let by_name = table("requester", by_name, extent);
    // One place alone repeats what all of it shows.
    let places = |name, rows: Vec<(&str, Tally)>, least: usize| {
        let rows = if rows.len() > least { rows } else { Vec::new() };
        let rows = rows.into_iter().map(|(place, of)| row(place, of.count(), of.helper_time, &of.verdicts));
        table(name, rows, extent)
    };
    let blocks =
        [by_name, places("unit", tallied(model, unit_of), 1), places("container", tallied(model, container_of), 0)];
    Part::of("who asked", blocks)
}

fn table(name: &'static str, rows: impl Iterator<Item = [Cell; 4]>, extent: Extent) -> Block {
    let columns =
        [("requests", Fit::Number), ("helpers", Fit::Number), (name, Fit::Name), ("what became of them", Fit::Words)];
    Table::of(columns, rows, extent)
}

fn row(name: &str, count: u64, helpers: Nanos, verdicts: &BTreeMap<Verdict, u64>) -> [Cell; 4] {
    [Cell::number(count), Cell::time(Some(helpers)), Cell::of(name), Cell::of(outcomes(verdicts))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::busy;

    #[test]
    fn requests_are_counted_by_place() {
        let scenario = busy();
        let units = units(scenario.model());
        assert_eq!((&units[0]["unit"], &units[0]["count"]), (&"session-3.scope".into(), &9.into()), "{units}");
        assert_eq!(containers(scenario.model()), json!([]));
        let requesters = objects(scenario.model());
        let mount = requesters.as_array().expect("a list").iter().find(|by| by["comm"] == "mount").expect("mount");
        assert_eq!((&mount["count"], &mount["verdicts"]), (&2.into(), &json!({"already_live": 1, "hollow": 1})));
    }
}
