//! What became of a suspend cycle, in one sentence that a person can act on.
//!
//! In: a cycle, and the firmware requests that held it up. Out: text, without a full stop. Pure.

use super::task_words;
use crate::entities::{Call, Cycle, CycleKind, Firmware};
use crate::errno::errno_words;
use crate::event::{Stamp, Way};
use std::fmt::Write as _;
use trace_common::time::Nanos;

/// `-EAGAIN`: what disabling helpers gives up with (kernel/umh.c, 5.10 to 7.3).
const EAGAIN: i32 = -11;

/// What was tried, in a few words: `suspend to memory, a test of the freezer`.
#[must_use]
pub fn attempt(cycle: &Cycle) -> String {
    let state = match cycle.way {
        Some(Way::Suspend { state: 1 }) => " to idle",
        Some(Way::Suspend { state: 2 }) => " to standby",
        Some(Way::Suspend { state: 3 }) => " to memory",
        Some(Way::Suspend { .. } | Way::Hibernate) | None => "",
    };
    let kind = if cycle.kind == CycleKind::Unknown { "freezing of user space" } else { cycle.kind.as_str() };
    let test = match cycle.pm_test.filter(|_| cycle.is_test()) {
        Some(test) => format!(", a test (pm_test {})", test.as_str()),
        None => String::new(),
    };
    format!("{kind}{state}{test}")
}

/// The cycle's verdict in a word or two.
#[must_use]
pub fn verdict(cycle: &Cycle) -> &'static str {
    match cycle.result {
        Some(0) if cycle.is_test() => "tested",
        Some(0) => "slept",
        Some(EAGAIN) if !cycle.culprits.is_empty() => "failed: helper",
        Some(_) if cycle.freeze.result().is_some_and(|result| result < 0) => "failed: freezer",
        Some(_) => "failed",
        None if cycle.kind == CycleKind::Shutdown => "shut down",
        None if cycle.ended.is_none() => "under way",
        None => "over",
    }
}

/// The sentence.
#[must_use]
pub fn explain<'a>(cycle: &Cycle, now: Stamp, firmware: impl Iterator<Item = &'a Firmware>) -> String {
    let mut text = outcome(cycle, now);
    if let Some(drain) = cycle.disable.time().filter(|_| !cycle.drained.is_empty()) {
        let _ = write!(text, "; it waited {drain} for {}", calls(&cycle.drained));
    }
    let held: Vec<String> =
        firmware.map(|firmware| format!("{} for {}", task_words(&firmware.task), firmware.name)).collect();
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
    let asleep = cycle.asleep(now);
    match cycle.result {
        Some(0) if asleep == Nanos::ZERO => format!("finished after {} without sleeping", cycle.awake(now)),
        Some(0) => format!("slept {asleep}; suspend and resume took {}", cycle.awake(now)),
        Some(EAGAIN) if !cycle.culprits.is_empty() => format!(
            "failed: {} was still running {} after suspend disabled helpers, and the kernel gave up (EAGAIN): kill the \
             helpers, or give them a timeout",
            calls(&cycle.culprits),
            cycle.disable.time().unwrap_or_default()
        ),
        Some(result) => format!("failed with {} after {}", errno_words(result), cycle.awake(now)),
        None if cycle.kind == CycleKind::Shutdown => "helpers stay disabled".to_owned(),
        None if cycle.ended.is_none() => format!("under way for {}", cycle.awake(now)),
        None => format!("finished after {}; its result was not seen", cycle.awake(now)),
    }
}

/// The first of the calls by name, and how many more there are.
fn calls(calls: &[std::sync::Arc<Call>]) -> String {
    const NAMED: usize = 3;
    let named: Vec<String> = calls.iter().take(NAMED).map(|call| call_words(call)).collect();
    let more = calls.len().saturating_sub(NAMED);
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}

/// A helper call as its last argument and its process: `net-pf-29 (modprobe[413])`.
#[must_use]
pub fn call_words(call: &Call) -> String {
    let what = call.alias().or(call.path.text()).map_or("a helper", |text| text);
    match &call.helper {
        Some((helper, _)) => format!("{what} (pid {})", helper.key.tgid.0),
        None => format!("{what} (for {})", task_words(&call.caller)),
    }
}
