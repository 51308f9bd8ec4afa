//! Hooks that fired but did not run their probe, as the kernel counts them.
//!
//! In: the attached programs. Out: for each moment, how many runs were skipped and how many returns had no place, since
//! the last read. Skipped: the same program was running on that CPU, in a task that was preempted (`recursion_misses`,
//! from 5.12, kernel/bpf/syscall.c `bpf_prog_get_info_by_fd`). Without a place: more calls were open at once than a
//! return probe has places for (`missed` of a perf event's link, from 6.7, kernel/bpf/syscall.c
//! `bpf_perf_link_fill_kprobe`). Before these versions the counters stay zero.

use super::attach::{Attached, Held};
use super::bpf;
use super::hooks::Mechanism;
use modtrail_core::event::Lost;
use std::collections::BTreeMap;
use std::os::fd::AsFd as _;

/// What was counted before.
#[derive(Debug, Default)]
pub struct Misses {
    seen: BTreeMap<Lost, u64>,
}

impl Misses {
    /// How many runs were missed since the last read, by cause. It is read with each tick, in at most two short system
    /// calls per program. What cannot be read is left for the next time.
    pub fn take(&mut self, attached: &Attached) -> Vec<(Lost, u64)> {
        // `None` if a part of a total could not be read.
        let mut totals: BTreeMap<Lost, Option<u64>> = BTreeMap::new();
        let mut add = |lost, count: Option<u64>| {
            let total = totals.entry(lost).or_insert(Some(0));
            *total = total.zip(count).map(|(total, count)| total.saturating_add(count));
        };
        for held in attached.programs() {
            add(Lost::Unrun(held.moment), bpf::counters(held.program.as_fd()).ok().map(|counters| counters.skipped));
            if let Some(lost) = missed_as(held, attached) {
                // Kernels that do not count it give no answer, each time.
                add(lost, Some(bpf::missed(held.link()).unwrap_or(0)));
            }
        }
        let mut new = Vec::new();
        for (lost, total) in totals {
            let Some(total) = total else { continue };
            let before = self.seen.insert(lost, total).unwrap_or(0);
            if total > before {
                new.push((lost, total - before));
            }
        }
        new
    }
}

/// What kind of call a kprobe or a return probe did not see; `None` for other programs, and if a kprobe shows the
/// moment too: then what the return probe misses is not missing.
fn missed_as(held: &Held, attached: &Attached) -> Option<Lost> {
    match held.mechanism {
        Mechanism::Kprobe => Some(Lost::Unrun(held.moment)),
        Mechanism::Kretprobe => {
            let is_backed = |other: &Held| other.moment == held.moment && other.mechanism == Mechanism::Kprobe;
            (!attached.programs().any(is_backed)).then_some(Lost::Unreturned(held.moment))
        }
        Mechanism::BtfTracepoint | Mechanism::RawTracepoint | Mechanism::Fentry | Mechanism::Fexit => None,
    }
}
