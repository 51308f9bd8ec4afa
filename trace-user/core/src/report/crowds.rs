//! What the report says of many requests at once: duplicates with the work that they wasted, slots, and what repeats.
//!
//! In: the model. Out: sentences for a person.

use super::document::{Block, Cell, Extent, Fit, Item, Part, Table};
use super::modules::names;
use super::wall;
use crate::attribution::known::with_name;
use crate::entities::{Request, SLOTS};
use crate::explain::task_words;
use crate::model::Model;
use crate::model::duplicates::{Group, GroupFacts};
use crate::phases::{Phase, phases};
use crate::repeats::{Repeat, repeats};
use std::collections::BTreeMap;
use trace_common::time::Nanos;

/// What was requested again and again, by whom, and what came of it.
pub(super) fn repeated(model: &Model, extent: Extent) -> Option<Part> {
    let items = repeats(model).into_iter().map(|repeat: Repeat| Item::of(repeat.words()));
    Part::of("what repeats", [Block::items(items, extent)])
}

/// Who asked for the same thing at the same time, and what that wasted.
pub(super) fn duplicates(model: &Model, extent: Extent) -> Option<Part> {
    let groups = model.duplicates().filter_map(|group| Some((group, model.group_facts(group)?)));
    let mut groups: Vec<(&Group, GroupFacts)> = groups.collect();
    groups.sort_by_key(|(group, _)| (group.sameness, std::cmp::Reverse(group.members.len()), group.id));
    let columns = [
        ("times", Fit::Number),
        ("same", Fit::Word),
        ("name", Fit::Name),
        ("helpers", Fit::Number),
        ("read", Fit::Number),
        ("wasted", Fit::Number),
        ("first, and who loaded it", Fit::Words),
    ];
    let rows = groups.iter().map(|(group, facts)| row(group, facts));
    Part::of("concurrent duplicates, and the work that they wasted", [Table::of(columns, rows, extent)])
}

fn row(group: &Group, facts: &GroupFacts) -> [Cell; 7] {
    let live_by = match facts.live_by {
        Some((task, Some(request))) => format!("loaded by {} for #{}", task_words(&task), request.0),
        Some((task, None)) => format!("loaded by {}", task_words(&task)),
        None => "none loaded it".to_owned(),
    };
    [
        Cell::number(group.members.len() as u64),
        Cell::of(group.sameness.words().trim_start_matches("same ")),
        Cell::of(&*group.name),
        Cell::number(facts.helpers),
        Cell { text: bytes(facts.bytes).into(), rank: Some(facts.bytes) },
        Cell::time(Some(facts.time)),
        Cell::of(format!("{}, {live_by}", task_words(&facts.first))),
    ]
}

/// `426KiB`
fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes}B"),
        1_024..1_048_576 => format!("{}KiB", bytes / 1_024),
        _ => format!("{}MiB", bytes / 1_048_576),
    }
}

/// How many of the slots were taken, and who waited longest for one.
pub(super) fn slots(model: &Model) -> Option<Part> {
    let (wait, request) = longest_slot_wait(model)?;
    let most = model.most_slots();
    let when = model.wall_ns(most.at).and_then(wall::clock).map_or_else(String::new, |when| format!(" at {when}"));
    let taken = format!("at most {} of {SLOTS} were taken at once{when}{}", most.holders.len(), holders(model));
    let name = with_name(&request.requested.alias);
    let waited = format!("the longest wait for one was {wait}, of #{} {name}", request.id.0);
    Part::of("slots", [Block::words(taken), Block::words(waited)])
}

/// Who held the slots when most were taken, by name: `: provoke 49, ping 1`; nothing if their requests are given up.
fn holders(model: &Model) -> String {
    let mut by: BTreeMap<String, u64> = BTreeMap::new();
    for request in model.most_slots().holders.iter().filter_map(|id| model.request(*id)) {
        *by.entry(request.task.comm.to_text()).or_default() += 1;
    }
    if by.is_empty() { String::new() } else { format!(", by {}", names(&by)) }
}

/// The request that waited longest for a slot.
pub(super) fn longest_slot_wait(model: &Model) -> Option<(Nanos, &Request)> {
    let waits = model.requests().filter_map(|request| Some((phases(request, None).get(Phase::SlotWait)?, &**request)));
    waits.max_by_key(|(wait, request)| (*wait, std::cmp::Reverse(request.id)))
}
