//! The slowest requests, where those that overlapped for the same thing count once: the slowest of a storm stands for
//! all of them.
//!
//! In: the model. Out: requests, and for a person a table.

use super::document::{Block, Cell, Extent, Fit, Part, Table};
use crate::attribution::known::with_name;
use crate::entities::{Request, RequestId, Timed};
use crate::model::Model;
use crate::model::duplicates::Sameness;
use crate::phases::{Phase, phases};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::time::Nanos;

/// A slow request.
#[derive(Clone, Debug)]
pub struct Slow<'m> {
    /// The request.
    pub request: &'m Arc<Request>,
    /// How many others it stands for.
    pub others: usize,
}

/// Requests by their groups of duplicates.
type Groups = BTreeMap<RequestId, Vec<(Sameness, u64)>>;

/// The groups of each request that is in one.
#[must_use]
pub fn groups(model: &Model) -> Groups {
    let mut groups = Groups::new();
    for group in model.duplicates().filter(|group| group.sameness != Sameness::File) {
        for member in &group.members {
            groups.entry(RequestId(*member)).or_default().push((group.sameness, group.id));
        }
    }
    groups
}

/// The requests whose return was seen, the slowest first, each group of duplicates once.
#[must_use]
pub fn slowest(model: &Model) -> Vec<Slow<'_>> {
    let groups = groups(model);
    let mut requests: Vec<&Arc<Request>> = model.requests().filter(|request| request.total().is_some()).collect();
    requests.sort_by_key(|request| (std::cmp::Reverse(request.total()), request.id));
    let mut seen: BTreeMap<(Sameness, u64), usize> = BTreeMap::new();
    let mut slow: Vec<Slow<'_>> = Vec::new();
    for request in requests {
        let of = groups.get(&request.id).map_or(&[][..], |of| of);
        let known: BTreeSet<usize> = of.iter().filter_map(|group| seen.get(group).copied()).collect();
        let place = known.first().copied().unwrap_or(slow.len());
        seen.extend(of.iter().map(|group| (*group, place)));
        match slow.get_mut(place) {
            Some(first) => first.others += 1,
            None => slow.push(Slow { request, others: 0 }),
        }
    }
    slow
}

/// The ten slowest as JSON.
pub(super) fn objects(model: &Model) -> Value {
    let object = |slow: &Slow<'_>| json!({"request": slow.request.id.0, "total_ns": slow.request.total().map(Nanos::as_nanos), "others": slow.others});
    slowest(model).iter().take(Extent::SHORT.rows).map(object).collect()
}

/// For a person.
pub(super) fn part(model: &Model, extent: Extent) -> Option<Part> {
    let slow = slowest(model);
    let columns = [
        ("total", Fit::Number),
        ("id", Fit::Word),
        ("request", Fit::Name),
        ("verdict", Fit::Word),
        ("where the time went", Fit::Words),
    ];
    let has_groups = slow.iter().any(|slow| slow.others > 0);
    let rows = slow.iter().map(row);
    let note = "+n: the slowest of n+1 that asked for the same at the same time";
    let table = Table::of(columns, rows, Extent { rows: extent.rows.min(100), ..extent });
    Part::of("slowest requests", [table, Block::words(if has_groups { note } else { "" })])
}

fn row(slow: &Slow<'_>) -> [Cell; 5] {
    let request = slow.request;
    let others = if slow.others > 0 { format!(" +{}", slow.others) } else { String::new() };
    [
        Cell::time(request.total()),
        Cell { text: format!("#{}{others}", request.id.0).into(), rank: Some(request.id.0) },
        Cell::of(with_name(&request.requested.alias)),
        Cell::of(request.verdict.words()),
        Cell::of(where_it_went(request)),
    ]
}

/// The phases that took most of the time, the longest first: `init 2.09s, load 113ms`. What took less than a twentieth
/// is left out.
#[must_use]
pub fn where_it_went(request: &Request) -> String {
    const NAMED: usize = 2;
    let phases = phases(request, None);
    let least = phases.sum().as_nanos() / 20;
    let mut shares: Vec<(Nanos, Phase)> =
        Phase::ALL.into_iter().filter_map(|phase| phases.get(phase).map(|share| (share, phase))).collect();
    shares.retain(|(share, _)| share.as_nanos() > least);
    shares.sort_by_key(|(share, phase)| (std::cmp::Reverse(*share), *phase));
    let words = shares.iter().take(NAMED).map(|(share, phase)| format!("{} {share}", phase.as_str()));
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::busy;

    #[test]
    fn those_that_overlapped_for_the_same_count_once() {
        let scenario = busy();
        let slow = slowest(scenario.model());
        let shown: Vec<(u64, usize)> = slow.iter().map(|slow| (slow.request.id.0, slow.others)).collect();
        let twice =
            slow.iter().filter(|slow| slow.request.requested.alias.text().is_some_and(|it| &**it == "net-pf-99"));
        assert_eq!(twice.map(|slow| slow.others).collect::<Vec<_>>(), [1], "{shown:?}");
        assert_eq!(shown.iter().map(|(_, others)| 1 + others).sum::<usize>(), 8, "{shown:?}");
        assert!(slow.windows(2).all(|two| two[0].request.total() >= two[1].request.total()));
        assert_eq!(where_it_went(slow[0].request), "init 84.9ms, user 15.1ms");
    }
}
