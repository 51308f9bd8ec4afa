//! Helper calls that serve no request, by what they are for.
//!
//! In: the model. Out: kinds, and for a person a table.

use super::document::{Cell, Extent, Fit, Part, Table};
use crate::attribution::purpose::purpose;
use crate::entities::Timed;
use crate::model::Model;
use crate::statistics::percentiles::Percentiles;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use trace_common::time::Nanos;

/// Programs of one kind that are named.
const PROGRAMS: usize = 8;

/// The calls of one kind.
#[derive(Clone, Debug, Default)]
struct Kind<'m> {
    count: u64,
    failed: u64,
    times: Vec<Nanos>,
    programs: BTreeSet<&'m str>,
}

fn kinds(model: &Model) -> BTreeMap<Option<&'static str>, Kind<'_>> {
    let mut kinds: BTreeMap<Option<&'static str>, Kind<'_>> = BTreeMap::new();
    for call in model.calls() {
        let kind = kinds.entry(purpose(call)).or_default();
        kind.count += 1;
        kind.failed += u64::from(call.failed());
        kind.times.extend(call.total());
        kind.programs.extend(call.entry.path.text().map(|path| &**path));
    }
    kinds
}

/// As JSON.
pub(super) fn objects(model: &Model) -> Value {
    let object = |(purpose, kind): (Option<&'static str>, Kind<'_>)| {
        let times = Percentiles::of(kind.times);
        json!({"purpose": purpose, "count": kind.count, "failed": kind.failed,
            "p50_ns": times.map(|times| times.p50.as_nanos()), "max_ns": times.map(|times| times.max.as_nanos()),
            "programs": kind.programs.iter().take(PROGRAMS).collect::<Vec<_>>()})
    };
    kinds(model).into_iter().map(object).collect()
}

/// For a person.
pub(super) fn part(model: &Model, extent: Extent) -> Option<Part> {
    let columns = [
        ("calls", Fit::Number),
        ("failed", Fit::Number),
        ("p50", Fit::Number),
        ("max", Fit::Number),
        ("what for", Fit::Word),
        ("program", Fit::Words),
    ];
    let row = |(purpose, kind): (Option<&'static str>, Kind<'_>)| {
        let times = Percentiles::of(kind.times);
        let programs: Vec<&str> = kind.programs.iter().take(PROGRAMS).copied().collect();
        [
            Cell::number(kind.count),
            Cell::some(kind.failed),
            Cell::time(times.map(|times| times.p50)),
            Cell::time(times.map(|times| times.max)),
            Cell::of(purpose.unwrap_or("another purpose")),
            Cell::of(programs.join(" ")),
        ]
    };
    Part::of("helpers that serve no request", [Table::of(columns, kinds(model).into_iter().map(row), extent)])
}

#[cfg(test)]
mod tests {
    use super::objects;
    use crate::testing::busy;

    #[test]
    fn calls_are_counted_by_their_purpose() {
        let kinds = objects(busy().model());
        assert_eq!(
            (&kinds[0]["purpose"], &kinds[0]["count"], &kinds[0]["failed"]),
            (&"core dump".into(), &1.into(), &0.into())
        );
        assert_eq!(kinds[0]["programs"][0], "/usr/lib/systemd/systemd-coredump");
        // From the call at 450 ms to the helper's exit at 520 ms.
        assert_eq!(kinds[0]["max_ns"], 70_000_000);
    }
}
