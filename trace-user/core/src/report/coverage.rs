//! What the report says of itself: how much of the time was covered, what was lost, what could not be seen.
//!
//! In: the model, and how much of the recording could be read. Out: words for a person.

use super::document::{Block, Cell, Extent, Fit, Item, Part, Table};
use crate::event::{Comm, Lost, Policy, SelfTest};
use crate::model::Model;
use crate::record::read::{Ending, Integrity};

/// Whether every count is only the least that can have happened: something was lost or is no longer kept, or the
/// recording lacks its end.
#[must_use]
pub fn is_at_least(model: &Model, integrity: &Integrity) -> bool {
    let counts = model.counts();
    let is_cut = integrity.damage.is_some() || integrity.ending() == Ending::Missing;
    model.lost_total() > 0 || is_cut || counts.forgotten > 0 || counts.capped > 0
}

/// What a count begins with if it is only the least.
#[must_use]
pub fn at_least(model: &Model, integrity: &Integrity) -> &'static str {
    if is_at_least(model, integrity) { "at least " } else { "" }
}

/// What a reader must know before any number: losses, forbidden loads, deaf probes, a damaged file. Empty if all is
/// well.
pub(super) fn warnings(model: &Model, integrity: &Integrity) -> Vec<String> {
    let mut lines = losses(model, integrity);
    let counts = model.counts();
    let shown = [
        (counts.unmatched, "events belong to something that began before tracing or was lost"),
        (counts.capped, "open requests, calls, loads or live modules given up because there were too many"),
        (counts.forgotten, "older requests, calls, loads and causes of losses are counted but no longer kept"),
        (counts.other_self_tests, "requests left out: self-tests of other modtrails"),
    ];
    lines.extend(shown.into_iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")));
    let forbidden = model.policy().map(Policy::words).unwrap_or_default();
    lines.extend(forbidden.into_iter().map(|words| format!("FORBIDDEN: {words}")));
    match model.self_test() {
        Some(SelfTest::Deaf(moments)) => {
            let names: Vec<&str> = moments.iter().map(|moment| moment.name()).collect();
            lines.push(format!("DEAF: a request of modtrail's own was made and not seen: {}", names.join(", ")));
        }
        Some(SelfTest::Unproven(why)) => lines.push(format!("whether the probes fire was not proven: {why}")),
        Some(SelfTest::Proven) | None => {}
    }
    lines.extend(integrity.faults().into_iter().map(|fault| format!("the recording {fault}")));
    lines
}

/// What was lost and, if that is known, who caused most of it.
fn losses(model: &Model, integrity: &Integrity) -> Vec<String> {
    const USERS: usize = 3;
    let mut lines = Vec::new();
    for (lost, count) in model.lost() {
        lines.push(format!("LOST: {}{count} {}", integrity.at_least(*lost), lost.words()));
        let mut users: Vec<(u64, u32, Comm)> = (model.blamed().iter())
            .filter(|((_, loss), _)| loss == lost)
            .map(|((uid, _), blamed)| (blamed.count, *uid, blamed.comm))
            .collect();
        users.sort_by_key(|(count, uid, _)| (std::cmp::Reverse(*count), *uid));
        for (count, uid, comm) in users.iter().take(USERS) {
            lines.push(format!("of these, {count} of uid {uid} ({comm})"));
        }
        let more = users.len().saturating_sub(USERS);
        lines.extend((more > 0).then(|| format!("and of {more} other users")));
    }
    lines
}

/// How many were lost, with `at least` where that is so.
#[must_use]
pub fn lost_words(model: &Model, integrity: &Integrity) -> String {
    format!("{}{} lost", integrity.at_least(Lost::Damaged), model.lost_total())
}

/// The moments that were not seen, or not reliably.
pub(super) fn blind(model: &Model, extent: Extent) -> Option<Part> {
    let degraded = model.hooks().iter().filter(|hook| hook.falls_short());
    let row = |hook: &crate::event::Hook| {
        let by = hook.attached.as_deref().unwrap_or("not seen");
        [Cell::of(hook.moment.name()), Cell::of(format!("{by}: {}", hook.loses))]
    };
    let table =
        Table::of([("moment", Fit::Word), ("seen by, and what is lost", Fit::Words)], degraded.map(row), extent);
    Part::of("what could not be seen, or not reliably", [table])
}

/// Who caused losses, whole: for a page that has room for it.
pub(super) fn blamed(model: &Model, extent: Extent) -> Option<Part> {
    let item = |((uid, lost), blamed): (&(u32, Lost), &crate::model::Blamed)| {
        Item::of(format!("{} of uid {uid} ({}): {}", blamed.count, blamed.comm, lost.words()))
    };
    let items = Block::items(model.blamed().iter().map(item), extent);
    Part::of("who caused losses", [items]).filter(|_| extent == Extent::LONG)
}
