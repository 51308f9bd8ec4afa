//! How long things took: percentiles of requests, of the way to live, and of inits, of all and of each family.
//!
//! In: the model. Out: percentiles, and for a person a table of them.

use super::document::{Block, Cell, Extent, Fit, Part, Table};
use crate::attribution::family::family;
use crate::entities::{Load, Request, Timed};
use crate::model::Model;
use crate::statistics::percentiles::Percentiles;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use trace_common::time::Nanos;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// From the request to its return.
    Total,
    /// From the request until the wanted module was live.
    ToLive,
    /// A module's init.
    Init,
}

impl Measure {
    /// As spelled in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::ToLive => "request_to_live",
            Self::Init => "init",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Total => "request, total",
            Self::ToLive => "request to live",
            Self::Init => "init of a module",
        }
    }
}

/// The times of one measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// What is measured.
    pub measure: Measure,
    /// Of which kind of request; `None`: of all, and of loads that serve no request.
    pub family: Option<&'static str>,
    /// The percentiles.
    pub of: Percentiles,
}

/// The family of a request; `other` if it is not known.
#[must_use]
pub fn family_of(request: &Request) -> &'static str {
    let alias = request.requested.alias.text().map_or("", |alias| alias);
    family(alias, &request.requested.stack).unwrap_or("other")
}

/// The times of each measure: of all first, then of the families, those with the most samples first. A measure without
/// samples is left out.
#[must_use]
pub fn times(model: &Model) -> Vec<Times> {
    let mut samples: BTreeMap<(Measure, Option<&'static str>), Vec<Nanos>> = BTreeMap::new();
    let mut note = |measure, family: Option<&'static str>, time: Option<Nanos>| {
        if let Some(time) = time {
            samples.entry((measure, None)).or_default().push(time);
            if family.is_some() {
                samples.entry((measure, family)).or_default().push(time);
            }
        }
    };
    for request in model.requests() {
        let family = Some(family_of(request));
        note(Measure::Total, family, request.total());
        note(Measure::ToLive, family, request.to_live());
    }
    for load in model.loads().filter(|load| !load.retried) {
        let family = load.request.and_then(|id| model.request(id)).map(|request| family_of(request));
        note(Measure::Init, family, load.init_time());
    }
    let rows = samples.into_iter();
    let rows =
        rows.filter_map(|((measure, family), times)| Some(Times { measure, family, of: Percentiles::of(times)? }));
    let mut rows: Vec<Times> = rows.collect();
    rows.sort_by_key(|row| (row.measure, row.family.is_some(), std::cmp::Reverse(row.of.samples), row.family));
    rows
}

/// The same as JSON.
pub(super) fn objects(model: &Model) -> Value {
    times(model).iter().map(object).collect()
}

fn object(times: &Times) -> Value {
    let Percentiles { samples, p50, p90, p99, max } = times.of;
    let ns = |time: Option<Nanos>| time.map(Nanos::as_nanos);
    json!({"measure": times.measure.as_str(), "family": times.family, "samples": samples, "few": times.of.is_few(),
        "p50_ns": p50.as_nanos(), "p90_ns": ns(p90), "p99_ns": ns(p99), "max_ns": max.as_nanos()})
}

/// Families that the text shows of each measure.
const FAMILIES: usize = 3;

/// For a person.
pub(super) fn part(model: &Model, extent: Extent) -> Option<Part> {
    let all = times(model);
    let families = if extent == Extent::SHORT { FAMILIES } else { extent.rows };
    let mut rows: Vec<&Times> = Vec::new();
    for measure in [Measure::Total, Measure::ToLive, Measure::Init] {
        let of_measure: Vec<&Times> = all.iter().filter(|row| row.measure == measure).collect();
        // One family alone repeats what all of it shows.
        let more = if of_measure.len() > 2 { families } else { 0 };
        rows.extend(of_measure.into_iter().take(1 + more));
    }
    let is_few = rows.iter().any(|row| row.of.is_few());
    let columns = [
        ("time", Fit::Name),
        ("samples", Fit::Number),
        ("p50", Fit::Number),
        ("p90", Fit::Number),
        ("p99", Fit::Number),
        ("max", Fit::Number),
    ];
    let whole = Extent { rows: usize::MAX, ..extent };
    let table = Table::of(columns, rows.into_iter().map(row), whole);
    let few = "few: fewer than 10 samples, which say little; p90 needs 10, p99 needs 100";
    Part::of("how long it took", [table, Block::words(if is_few { few } else { "" })])
}

fn row(times: &Times) -> [Cell; 6] {
    let name = times.family.map_or_else(|| times.measure.words().to_owned(), |family| format!("  {family}"));
    let few = if times.of.is_few() { " (few)" } else { "" };
    let of = times.of;
    let samples = of.samples as u64;
    [
        Cell::of(format!("{name}{few}")),
        Cell::number(samples),
        Cell::time(Some(of.p50)),
        Cell::time(of.p90),
        Cell::time(of.p99),
        Cell::time(Some(of.max)),
    ]
}

/// How long a load took outside its init.
pub(super) fn outside_init(load: &Load) -> Nanos {
    load.total().unwrap_or_default().minus(load.init_time().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::busy;

    #[test]
    fn each_measure_is_given_of_all_and_of_each_family() {
        let scenario = busy();
        let all = times(scenario.model());
        let find =
            |measure, family: Option<&str>| all.iter().find(|row| row.measure == measure && row.family == family);
        let total = find(Measure::Total, None).expect("requests");
        // Nine requests were made, one is open.
        assert_eq!((total.of.samples, total.of.is_few()), (8, true));
        let files = find(Measure::Total, Some("file system")).expect("fs-vfat and fs-xfs");
        assert_eq!(files.of.samples, 2);
        // can, can_raw, floppy, which failed, and the one that serves no request.
        let init = find(Measure::Init, None).expect("inits");
        assert_eq!(init.of.samples, 4);
        assert_eq!(init.of.max, Nanos::from_millis(67));
        let text = serde_json::to_string(&objects(scenario.model())).expect("JSON");
        assert!(text.contains("\"p90_ns\":null"), "{text}");
    }
}
