//! What became of a suspend cycle, in one sentence that a person can act on.
//!
//! In: a cycle, and the firmware requests that held it up. Out: text, without a full stop. Pure.

use super::load::subject;
use super::task_words;
use crate::answer::ReturnCode;
use crate::entities::{Call, Cycle, CycleKind, CycleVerdict, Firmware, Load, Timed};
use crate::event::{Stamp, SuspendState, Way};
use std::fmt::Write as _;
use std::sync::Arc;
use trace_common::time::Nanos;

/// What was tried, in a few words: `suspend to memory, a test of the freezer`.
#[must_use]
pub fn attempt(cycle: &Cycle) -> String {
    let state = match cycle.way {
        Some(Way::Suspend { state: SuspendState::Freeze }) => " to idle",
        Some(Way::Suspend { state: SuspendState::Standby }) => " to standby",
        Some(Way::Suspend { state: SuspendState::Mem }) => " to memory",
        Some(Way::Suspend { state: SuspendState::Other(_) } | Way::Hibernate) | None => "",
    };
    let kind = if cycle.kind == CycleKind::Unknown { "freezing of user space" } else { cycle.kind.as_str() };
    let test = match cycle.pm_test.filter(|_| cycle.is_test()) {
        Some(test) => format!(", a test (pm_test {})", test.as_str()),
        None => String::new(),
    };
    format!("{kind}{state}{test}")
}

/// The sentence.
#[must_use]
pub fn explain<'a>(cycle: &Cycle, now: Stamp, firmware: impl Iterator<Item = &'a Firmware>) -> String {
    let mut text = outcome(cycle, now);
    if let Some(drain) = cycle.disable.time().filter(|_| !cycle.drained.is_empty()) {
        let _ = write!(text, "; it waited {drain} for {}", calls(&cycle.drained));
    }
    let held: Vec<String> =
        firmware.map(|firmware| format!("{} for {}", task_words(&firmware.task), firmware.file.name)).collect();
    if !held.is_empty() {
        let _ = write!(text, "; held up by a firmware fallback of {}", held.join(", "));
    }
    if !cycle.refused.is_empty() {
        let _ = write!(text, "; refused: {}", calls(&cycle.refused));
    }
    if !cycle.frozen.is_empty() {
        let _ = write!(text, "; frozen half way: {}", calls(&cycle.frozen));
    }
    if cycle.incomplete {
        text.push_str("; events were lost, so there may be more");
    }
    text
}

fn outcome(cycle: &Cycle, now: Stamp) -> String {
    let awake = cycle.age_so_far(now);
    match (cycle.verdict(), cycle.result.and_then(ReturnCode::error)) {
        (CycleVerdict::HelperRan, _) => format!(
            "failed: {} was still running {} after suspend disabled helpers, and the kernel gave up (EAGAIN): kill the \
             helpers, or give them a timeout",
            calls(&cycle.culprits),
            cycle.disable.time().unwrap_or_default()
        ),
        (_, Some(error)) => format!("failed with {} after {awake}{}", error.words(), unfrozen(&cycle.unfrozen)),
        (CycleVerdict::ShutDown, None) => "helpers stay disabled".to_owned(),
        (CycleVerdict::UnderWay, None) => format!("under way for {awake}"),
        (CycleVerdict::Unknown, None) => format!("finished after {awake}; its result was not seen"),
        (_, None) => match cycle.asleep(now) {
            Nanos::ZERO => format!("finished after {awake} without sleeping"),
            asleep => format!("slept {asleep}; suspend and resume took {awake}"),
        },
    }
}

/// What did not freeze, as far as modtrail knows it: loads that went on from before the freezer until it gave up.
fn unfrozen(loads: &[Arc<Load>]) -> String {
    const NAMED: usize = 3;
    let of = |load: &Arc<Load>| format!("{} loaded {}", task_words(&load.task), subject(load));
    let named: Vec<String> = loads.iter().take(NAMED).map(of).collect();
    let more = loads.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(", and {more} more loads") };
    if named.is_empty() {
        return String::new();
    }
    format!("; all the time, {}{more}: a task rarely freezes while it loads a module", named.join(", "))
}

/// The first of the calls by name, and how many more there are.
fn calls(calls: &[Arc<Call>]) -> String {
    const NAMED: usize = 3;
    let named: Vec<String> = calls.iter().take(NAMED).map(|call| call_words(call)).collect();
    let more = calls.len().saturating_sub(NAMED);
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}

/// A helper call as its last argument and its process: `net-pf-29 (modprobe[413])`.
#[must_use]
pub fn call_words(call: &Call) -> String {
    let what = call.alias().or(call.entry.path.text()).map_or("a helper", |text| text);
    match &call.helper {
        Some((helper, _)) => format!("{what} (pid {})", helper.key.tgid.0),
        None => format!("{what} (for {})", task_words(&call.caller)),
    }
}
