//! Requests that came to nothing, with why: those that differ in numbers of one occurrence alone are one.
//!
//! In: the model. Out: sentences for a person.

use super::alike::alike;
use super::document::{Block, Extent, Item, Part};
use super::plain::counted;
use crate::attribution::known::with_name;
use crate::entities::{Request, Verdict};
use crate::explain::{explain, task_words};
use crate::model::Model;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Requests that were called hollow.
pub(super) fn hollow(model: &Model, extent: Extent) -> Option<Part> {
    list("hollow: request_module() returned 0, but no wanted module is live", model, extent, |request| {
        request.verdict == Verdict::Hollow
    })
}

/// Requests that failed. Those that no module answers are left out: programs ask for much that they can do without.
pub(super) fn failed(model: &Model, extent: Extent) -> Option<Part> {
    list("failed", model, extent, |request| {
        matches!(
            request.verdict,
            Verdict::InitFailed
                | Verdict::HelperFailed
                | Verdict::HelperMissing
                | Verdict::Refused
                | Verdict::Throttled
                | Verdict::Denied
        )
    })
}

/// Requests that were open at the end.
pub(super) fn open(model: &Model, extent: Extent) -> Option<Part> {
    list("open when tracing ended", model, extent, |request| request.is_open() || request.verdict == Verdict::InFlight)
}

/// Requests that cannot be judged.
pub(super) fn incomplete(model: &Model, extent: Extent) -> Option<Part> {
    // The reason counts, not what was asked for.
    let name = "incomplete: something that could change the verdict was not seen";
    grouped(name, model, extent, |request| {
        (request.verdict == Verdict::Incomplete).then(|| (String::new(), alike(&explain(request))))
    })
}

/// Those of one alias with the same reason are one.
fn list(name: &str, model: &Model, extent: Extent, belongs: impl Fn(&Request) -> bool) -> Option<Part> {
    let key = |request: &Request| (request.requested.alias.to_string(), alike(&explain(request)));
    grouped(name, model, extent, |request| belongs(request).then(|| key(request)))
}

/// Those with the same key are one; those without one are left out.
fn grouped<K: Ord>(name: &str, model: &Model, extent: Extent, key: impl Fn(&Request) -> Option<K>) -> Option<Part> {
    let mut rows: Vec<(&Arc<Request>, u64)> = Vec::new();
    let mut known: BTreeMap<K, usize> = BTreeMap::new();
    for request in model.requests() {
        let Some(key) = key(request) else { continue };
        let place = *known.entry(key).or_insert(rows.len());
        match rows.get_mut(place) {
            Some((_, others)) => *others += 1,
            None => rows.push((request, 0)),
        }
    }
    let item = |(request, others): (&Arc<Request>, u64)| {
        let others = if others > 0 { format!(" (and {})", counted(others, "other")) } else { String::new() };
        let (id, name) = (request.id.0, with_name(&request.requested.alias));
        Item::of(format!("#{id} {name}{others}, {}: {}", task_words(&request.task), explain(request)))
    };
    Part::of(name, [Block::items(rows.into_iter().map(item), extent)])
}
