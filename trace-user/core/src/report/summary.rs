//! The report of a whole trace for a person: what was seen and what became of it, what needs attention, how long it
//! took, what was slow and who asked; then the rest.
//!
//! In: the model. Out: a document.

use super::coverage::{at_least, blamed, blind, lost_words, warnings};
use super::document::{Block, Cell, Document, Extent, Fit, Item, Part, Table};
use super::plain::{Plain, counted};
use super::timeline::timeline;
use super::{crowds, cycles, failures, helpers, loads, modules, requesters, slowest, times, wall};
use crate::attribution::known::with_name;
use crate::entities::{Request, Timed, Verdict};
use crate::event::Machine;
use crate::explain::{explain, task_words};
use crate::findings::{self, Finding};
use crate::model::Model;
use crate::query::Query;
use crate::record::read::Integrity;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The report. `query`: what the trace was narrowed to.
#[must_use]
pub fn document(model: &Model, integrity: &Integrity, query: &Query, extent: Extent) -> Document {
    let parts = [
        attention(model, extent),
        times::part(model, extent),
        slowest::part(model, extent),
        modules::part(model, extent),
        requesters::part(model, extent),
        crowds::repeated(model, extent),
        failures::hollow(model, extent),
        failures::failed(model, extent),
        failures::open(model, extent),
        failures::incomplete(model, extent),
        loads::failed(model, extent),
        loads::unloads(model, extent),
        crowds::duplicates(model, extent),
        crowds::slots(model),
        helpers::part(model, extent),
        cycles::cycles_part(model, extent),
        cycles::firmware_part(model, extent),
        along_time(model, extent),
        requests(model, extent),
        blamed(model, extent),
        blind(model, extent),
    ];
    Document { title: title(model), head: head(model, integrity, query), parts: parts.into_iter().flatten().collect() }
}

/// `modtrail report: guest, 2026-11-23 20:07:42 UTC`
fn title(model: &Model) -> Plain {
    let host = model.machine().map(|machine| machine.hostname.to_string());
    let began = model.first().and_then(|first| model.wall_ns(first)).and_then(wall::date_time);
    let facts: Vec<String> = [host, began].into_iter().flatten().collect();
    format!("Module requests: {}", if facts.is_empty() { "an unknown machine".to_owned() } else { facts.join(", ") })
        .into()
}

fn head(model: &Model, integrity: &Integrity, query: &Query) -> Vec<Plain> {
    let mut lines: Vec<String> = model.machine().map(machine).into_iter().collect();
    let first = model.first().unwrap_or_default();
    let begin = model.wall_ns(first).and_then(wall::date_time).unwrap_or_else(|| "an unknown instant".to_owned());
    lines.push(format!("from {begin}; covered: {}; {}", model.coverage().words(), lost_words(model, integrity)));
    lines.push(seen(model, integrity));
    if !query.is_empty() {
        let kept = if model.counts().forgotten > 0 { ", of what is still kept" } else { "" };
        lines.push(format!("only what matches{kept}: {}", query.text()));
    }
    lines.extend(warnings(model, integrity));
    lines.into_iter().map(Plain::from).collect()
}

/// `guest - Linux 6.12.48 x86_64, 2 CPUs, modtrail 0.1.0`
pub(super) fn machine(machine: &Machine) -> String {
    let Machine { hostname, release, arch, cpus, version, .. } = machine;
    format!("{hostname} - Linux {release} {arch}, {cpus} CPUs, modtrail {version}")
}

/// How much was seen and what became of the requests, the most frequent verdict first.
fn seen(model: &Model, integrity: &Integrity) -> String {
    let mut counts: Vec<(Verdict, u64)> = verdicts(model).into_iter().collect();
    counts.sort_by_key(|(verdict, count)| (std::cmp::Reverse(*count), *verdict));
    let verdicts: Vec<String> = counts.iter().map(|(verdict, count)| format!("{count} {}", verdict.words())).collect();
    let verdicts = if verdicts.is_empty() { String::new() } else { format!(": {}", verdicts.join(", ")) };
    let requests = counted(model.counts().requests, "request");
    let others = [
        (model.loads().filter(|load| load.request.is_none() && !load.retried).count(), "load without a request"),
        (model.unloads().len(), "unload"),
        (model.calls().len(), "other helper call"),
        (model.cycles().len(), "suspend cycle"),
        (model.firmware().len(), "firmware request"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0).map(|(count, thing)| many(count as u64, thing));
    let others: String = others.map(|words| format!("; {words}")).collect();
    format!("{}{requests}{verdicts}{others}; {}", at_least(model, integrity), counted(model.counts().events, "event"))
}

fn many(count: u64, thing: &str) -> String {
    match thing.split_once(' ').filter(|(first, _)| *first == "load") {
        Some((load, rest)) => format!("{} {rest}", counted(count, load)),
        None => counted(count, thing),
    }
}

/// How many requests have each verdict; those that are open are in flight.
#[must_use]
pub fn verdicts(model: &Model) -> BTreeMap<Verdict, u64> {
    let mut counts = model.verdicts().clone();
    let open = model.open_requests().count() as u64;
    if open > 0 {
        *counts.entry(Verdict::InFlight).or_default() += open;
    }
    counts
}

/// Sentences of one kind and with the same next step that are shown.
const ALIKE: usize = 2;

/// What is worth attention: those with the same next step stand together.
fn attention(model: &Model, extent: Extent) -> Option<Part> {
    let found = findings::all(model);
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in &found {
        let same =
            groups.iter_mut().find(|group| group.iter().any(|it| (it.kind, &it.next) == (finding.kind, &finding.next)));
        match same {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    let shown = if extent == Extent::SHORT { ALIKE } else { extent.rows };
    let items = groups.into_iter().filter_map(|group| attention_item(&group, shown));
    let name = format!("needs attention ({}; modtrail explain NAME says more)", found.len());
    Part::of(name, [Block::items(items, extent)])
}

fn attention_item(group: &[&Finding], shown: usize) -> Option<Item> {
    let first = group.first()?;
    let mut more: Vec<Plain> =
        group.iter().skip(1).take(shown - 1).map(|it| format!("also: {}", it.sentence).into()).collect();
    let rest = group.len().saturating_sub(shown);
    more.extend((rest > 0).then(|| format!("and {rest} more of this kind").into()));
    more.push(format!("next: {}", first.next).into());
    Some(Item { words: format!("{}: {}", first.kind.as_str(), first.sentence).into(), more })
}

fn along_time(model: &Model, extent: Extent) -> Option<Part> {
    Part::of("requests along the time", [Block::Timeline(timeline(model, extent.bars))])
}

/// Every request, for a page that has room for it.
fn requests(model: &Model, extent: Extent) -> Option<Part> {
    let columns = [
        ("id", Fit::Number),
        ("time UTC", Fit::Word),
        ("request", Fit::Name),
        ("verdict", Fit::Word),
        ("requester", Fit::Name),
        ("total", Fit::Number),
        ("to live", Fit::Number),
        ("what happened", Fit::Words),
    ];
    let row = |request: &Arc<Request>| {
        let when = model.wall_ns(request.asked).and_then(wall::clock).unwrap_or_default();
        [
            Cell::number(request.id.0),
            Cell { text: when.into(), rank: Some(request.asked.boot.as_nanos()) },
            Cell::of(with_name(&request.requested.alias)),
            Cell::of(request.verdict.words()),
            Cell::of(task_words(&request.task)),
            Cell::time(request.total()),
            Cell::time(request.to_live()),
            Cell::of(explain(request)),
        ]
    };
    let rows = if extent == Extent::LONG { model.requests().len() } else { 0 };
    Part::of("requests", [Table::of(columns, model.requests().take(rows).map(row), extent)])
}
