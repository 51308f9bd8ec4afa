//! The summary of a whole trace: which machine, what was lost, every verdict, what took longest, what was hollow, what
//! was requested many times at once, which modules cost most, and what could not be seen.

use super::cells;
use super::cycles;
use super::loads;
use super::plain::counted;
use super::text::{ROWS, line, more, name_width, title};
use super::wall;
use crate::attribution::known::with_name;
use crate::attribution::purpose::purpose;
use crate::entities::{Request, SLOTS, Timed, Verdict};
use crate::event::{Comm, Lost, Policy, SelfTest};
use crate::explain::{explain, task_words};
use crate::findings;
use crate::model::Model;
use crate::model::duplicates::{Group, GroupFacts};
use crate::phases::{Phase, phases};
use crate::query::Query;
use crate::record::read::Integrity;
use crate::repeats::repeats;
use std::collections::BTreeMap;
use std::sync::Arc;
use trace_common::time::Nanos;

/// The report, as lines of text. `query`: what the trace was narrowed to.
#[must_use]
pub fn summary(model: &Model, integrity: Integrity, query: &Query) -> String {
    let mut out = String::new();
    head(&mut out, model, integrity);
    if !query.is_empty() {
        let kept = if model.counts().forgotten > 0 { ", of what is still kept" } else { "" };
        line(&mut out, format_args!("only what matches{kept}: {}", query.text()));
    }
    attention(&mut out, model);
    verdicts(&mut out, model);
    slowest(&mut out, model);
    repeated(&mut out, model);
    loads::costs(&mut out, model);
    list(&mut out, "hollow: request_module() returned 0, but no wanted module is live", model, |request| {
        request.verdict == Verdict::Hollow
    });
    list(&mut out, "failed", model, |request| {
        matches!(request.verdict, Verdict::InitFailed | Verdict::HelperFailed | Verdict::HelperMissing)
    });
    loads::failed(&mut out, model);
    loads::unloads(&mut out, model);
    list(&mut out, "open when tracing ended", model, |request| {
        request.is_open() || request.verdict == Verdict::InFlight
    });
    duplicates(&mut out, model);
    slots(&mut out, model);
    other_helpers(&mut out, model);
    cycles::write_cycles(&mut out, model);
    cycles::write_firmware(&mut out, model);
    blind(&mut out, model);
    out
}

fn head(out: &mut String, model: &Model, integrity: Integrity) {
    if let Some(machine) = model.machine() {
        line(
            out,
            format_args!(
                "{} - Linux {} {}, {} CPUs, modtrail {}",
                machine.hostname, machine.release, machine.arch, machine.cpus, machine.version
            ),
        );
    }
    let first = model.first().unwrap_or_default();
    let begin = model.wall_ns(first).and_then(wall::iso).unwrap_or_else(|| "an unknown instant".to_owned());
    line(out, format_args!("traced for {} from {begin}", model.now().mono.since(first.mono)));
    let counts = model.counts();
    let (requests, events) = (counted(counts.requests, "request"), counted(counts.events, "event"));
    let at_least = integrity.at_least(Lost::Damaged);
    line(out, format_args!("{requests}, {events}, {at_least}{} lost", model.lost_total()));
    line(out, format_args!("covered: {}", model.coverage().words()));
    losses(out, model, integrity);
    let shown = [
        (counts.unmatched, "events belong to something that began before tracing or was lost"),
        (counts.capped, "open requests, calls, loads or live modules given up because there were too many"),
        (counts.forgotten, "older requests, calls, loads and causes of losses are counted but no longer kept"),
        (counts.other_self_tests, "requests left out: self-tests of other modtrails"),
    ];
    for (count, words) in shown.into_iter().filter(|(count, _)| *count > 0) {
        line(out, format_args!("  {count} {words}"));
    }
    for words in model.policy().map(Policy::words).unwrap_or_default() {
        line(out, format_args!("  FORBIDDEN: {words}"));
    }
    match model.self_test() {
        Some(SelfTest::Deaf(moments)) => {
            let names: Vec<&str> = moments.iter().map(|moment| moment.name()).collect();
            line(out, format_args!("  DEAF: a request of modtrail's own was made and not seen: {}", names.join(", ")));
        }
        Some(SelfTest::Unproven(why)) => line(out, format_args!("  whether the probes fire was not proven: {why}")),
        Some(SelfTest::Proven) | None => {}
    }
    for fault in integrity.faults() {
        line(out, format_args!("  the recording {fault}"));
    }
}

/// What is worth attention, with the next step.
fn attention(out: &mut String, model: &Model) {
    let found = findings::all(model);
    if found.is_empty() {
        return;
    }
    title(out, "needs attention");
    for finding in found.iter().take(ROWS) {
        line(out, format_args!("  {}: {}", finding.kind.as_str(), finding.sentence));
        line(out, format_args!("    next: {}", finding.next));
    }
    more(out, found.len());
}

fn verdicts(out: &mut String, model: &Model) {
    title(out, "verdicts");
    let mut counts = model.verdicts().clone();
    let open = model.open_requests().count() as u64;
    if open > 0 {
        *counts.entry(Verdict::InFlight).or_default() += open;
    }
    if counts.is_empty() {
        line(out, format_args!("  no requests"));
    }
    for (verdict, count) in counts {
        line(out, format_args!("  {count:>6} {}", verdict.words()));
    }
}

fn slowest(out: &mut String, model: &Model) {
    let mut requests: Vec<&Arc<Request>> = model.requests().filter(|request| request.total().is_some()).collect();
    requests.sort_by_key(|request| (std::cmp::Reverse(request.total()), request.id));
    if requests.is_empty() {
        return;
    }
    title(out, "slowest requests");
    let width = name_width(requests.iter().take(ROWS).map(|request| with_name(&request.requested.alias)));
    for request in requests.into_iter().take(ROWS) {
        let total = request.total().unwrap_or_default();
        line(
            out,
            format_args!(
                "  {:>7} #{:<5} {} {:<20} {}",
                total.to_string(),
                request.id.0,
                cells::column(&with_name(&request.requested.alias), width),
                request.verdict.words(),
                longest(request)
            ),
        );
    }
}

/// What was requested again and again, by whom, and what came of it.
fn repeated(out: &mut String, model: &Model) {
    let repeats = repeats(model);
    if repeats.is_empty() {
        return;
    }
    title(out, "what repeats");
    for repeat in repeats.iter().take(ROWS) {
        line(out, format_args!("  {}", repeat.words()));
    }
    more(out, repeats.len());
}

/// Where most of the request's time went.
fn longest(request: &Request) -> String {
    let phases = phases(request, None);
    let shares = Phase::ALL.into_iter().filter_map(|phase| phases.get(phase).map(|share| (share, phase)));
    shares.max().map_or_else(String::new, |(share, phase)| format!("{} {share}", phase.as_str()))
}

fn list(out: &mut String, name: &str, model: &Model, belongs: impl Fn(&Request) -> bool) {
    let rows: Vec<&Arc<Request>> = model.requests().filter(|request| belongs(request)).collect();
    if rows.is_empty() {
        return;
    }
    title(out, name);
    let width = name_width(rows.iter().take(ROWS).map(|request| with_name(&request.requested.alias)));
    for request in rows.iter().take(ROWS) {
        let task = &request.task;
        line(
            out,
            format_args!(
                "  #{:<5} {} {}[{}]: {}",
                request.id.0,
                cells::column(&with_name(&request.requested.alias), width),
                task.comm.to_text(),
                task.key.tgid.0,
                explain(request)
            ),
        );
    }
    more(out, rows.len());
}

fn duplicates(out: &mut String, model: &Model) {
    let groups: Vec<(&Group, GroupFacts)> =
        model.duplicates().filter_map(|group| Some((group, model.group_facts(group)?))).collect();
    if groups.is_empty() {
        return;
    }
    title(out, "concurrent duplicates, and the work they wasted");
    let mut rows: Vec<_> = groups.iter().collect();
    rows.sort_by_key(|(group, _)| (group.sameness, std::cmp::Reverse(group.members.len()), group.id));
    let width = name_width(rows.iter().take(ROWS).map(|(group, _)| &group.name));
    for (group, facts) in rows.iter().take(ROWS) {
        let live_by = match facts.live_by {
            Some((task, Some(request))) => format!("loaded by {} (request #{})", task_words(&task), request.0),
            Some((task, None)) => format!("loaded by {}", task_words(&task)),
            None => "none of them loaded it".to_owned(),
        };
        line(
            out,
            format_args!(
                "  {:<11} {} {:>4} times, first {}, {live_by}; wasted: {} helper runs, {} bytes read, {}",
                group.sameness.words(),
                cells::column(&group.name, width),
                group.members.len(),
                task_words(&facts.first),
                facts.helpers,
                facts.bytes,
                facts.time
            ),
        );
    }
    more(out, rows.len());
}

/// How many of the slots were taken, and who waited longest for one.
fn slots(out: &mut String, model: &Model) {
    let Some((wait, request)) = longest_slot_wait(model) else {
        return;
    };
    title(out, "slots");
    let most = model.most_slots();
    let when = model.wall_ns(most.at).and_then(wall::clock).map_or_else(String::new, |when| format!(" at {when}"));
    line(out, format_args!("  at most {} of {SLOTS} were taken at once{when}{}", most.holders.len(), holders(model)));
    line(
        out,
        format_args!("  the longest wait was {wait}, of #{} {}", request.id.0, with_name(&request.requested.alias)),
    );
}

/// Who held the slots when most were taken, by name: `: provoke 49, ping 1`; nothing if their requests are given up.
fn holders(model: &Model) -> String {
    let mut names: BTreeMap<String, u64> = BTreeMap::new();
    for request in model.most_slots().holders.iter().filter_map(|id| model.request(*id)) {
        *names.entry(request.task.comm.to_text()).or_default() += 1;
    }
    let mut names: Vec<(String, u64)> = names.into_iter().collect();
    names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let words: Vec<String> = names.iter().take(5).map(|(name, count)| format!("{name} {count}")).collect();
    let more = names.len().saturating_sub(words.len());
    let more = if more > 0 { format!(", and {more} others") } else { String::new() };
    if words.is_empty() { String::new() } else { format!(": {}{more}", words.join(", ")) }
}

/// The request that waited longest for a slot.
pub(super) fn longest_slot_wait(model: &Model) -> Option<(Nanos, &Request)> {
    let waits = model.requests().filter_map(|request| Some((phases(request, None).get(Phase::SlotWait)?, &**request)));
    waits.max_by_key(|(wait, request)| (*wait, std::cmp::Reverse(request.id)))
}

/// Helper calls that serve no request, by what they are for.
fn other_helpers(out: &mut String, model: &Model) {
    let mut kinds: BTreeMap<&str, (u64, u64, Nanos)> = BTreeMap::new();
    for call in model.calls() {
        let kind = kinds.entry(purpose(call).unwrap_or("of another kind")).or_default();
        kind.0 += 1;
        kind.1 += u64::from(call.failed());
        kind.2 = kind.2.max(call.total().unwrap_or_default());
    }
    if kinds.is_empty() {
        return;
    }
    title(out, "other helpers");
    for (kind, (calls, failed, longest)) in kinds {
        line(out, format_args!("  {calls:>6} {kind:<24} {failed} failed, longest {longest}"));
    }
}

fn blind(out: &mut String, model: &Model) {
    let degraded: Vec<_> = model.hooks().iter().filter(|hook| hook.may_miss || hook.attached.is_none()).collect();
    if degraded.is_empty() {
        return;
    }
    title(out, "what could not be seen, or not reliably");
    for hook in degraded {
        let by = hook.attached.as_deref().unwrap_or("not seen");
        line(out, format_args!("  {:<22} {by}: {}", hook.moment.name(), hook.loses));
    }
}

/// What was lost and, if that is known, who caused most of it.
fn losses(out: &mut String, model: &Model, integrity: Integrity) {
    for (lost, count) in model.lost() {
        line(out, format_args!("  LOST: {}{count} {}", integrity.at_least(*lost), lost.words()));
        let mut users: Vec<(u64, u32, Comm)> = (model.blamed().iter())
            .filter(|((_, loss), _)| loss == lost)
            .map(|((uid, _), blamed)| (blamed.count, *uid, blamed.comm))
            .collect();
        users.sort_by_key(|(count, uid, _)| (std::cmp::Reverse(*count), *uid));
        for (count, uid, comm) in users.iter().take(ROWS) {
            line(out, format_args!("  of these, {count} of uid {uid} ({comm})"));
        }
        more(out, users.len());
    }
}
