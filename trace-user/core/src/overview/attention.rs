//! What needs attention, in one list: findings, what is stalled, suspends that failed, losses, deaf probes.
//!
//! In: the model, and its findings. Out: concerns, each with the next step and what it leads to: the newest first, then
//! what holds for the whole trace.

use crate::entities::{CallId, CycleId, CycleVerdict, FirmwareId, LoadId, RequestId};
use crate::event::{SelfTest, Stamp};
use crate::explain::cycle::explain;
use crate::explain::load::subject;
use crate::findings::Finding;
use crate::model::Model;
use crate::stall::{self, Open, Timeout};
use trace_common::time::Nanos;

/// Stalled things that are listed; what is beyond that is counted in the last one's sentence.
const LISTED: usize = 100;
/// The name of what is stalled.
const STALLED: &str = "stalled";

/// Something that needs attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// When it began; `None` if it holds for the whole trace.
    pub at: Option<Stamp>,
    /// What kind it is, in a word or two.
    pub name: &'static str,
    /// What it is.
    pub sentence: String,
    /// What to do next.
    pub next: String,
    /// What it leads to.
    pub lead: Lead,
}

/// What a concern leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// The finding at this place of the findings that were passed in.
    Finding(usize),
    /// A request.
    Request(RequestId),
    /// A load.
    Load(LoadId),
    /// A helper call.
    Call(CallId),
    /// A request for firmware.
    Firmware(FirmwareId),
    /// A suspend cycle.
    Cycle(CycleId),
    /// How each moment is seen.
    Probes,
}

/// Everything that needs attention; what has been open for `limit` is stalled. `findings` are those of the model.
#[must_use]
pub fn concerns(model: &Model, findings: &[Finding], limit: Nanos) -> Vec<Concern> {
    let mut all: Vec<Concern> =
        findings.iter().enumerate().map(|(place, finding)| of_finding(place, finding)).collect();
    all.extend(stall::open(model, limit).take(LISTED).map(|(age, open)| of_stalled(model, age, open, limit)));
    all.extend(failed_cycles(model));
    // Those that begin together stay in the order of their kinds, the worst first.
    all.sort_by_key(|concern| std::cmp::Reverse(concern.at));
    all.extend(standing(model));
    let more = stall::count(model, limit).saturating_sub(LISTED);
    if let Some(last) = all.iter_mut().rev().find(|concern| concern.name == STALLED).filter(|_| more > 0) {
        last.sentence = format!("{} (and {more} more are stalled)", last.sentence);
    }
    all
}

fn of_finding(place: usize, finding: &Finding) -> Concern {
    Concern {
        at: Some(finding.at),
        name: finding.kind.as_str(),
        sentence: finding.sentence.clone(),
        next: finding.next.clone(),
        lead: Lead::Finding(place),
    }
}

fn of_stalled(model: &Model, age: Nanos, open: Open<'_>, limit: Nanos) -> Concern {
    let place = open.place(model);
    let (what, lead) = match open {
        Open::Request(request) => {
            (format!("request #{} {}", request.id.0, request.requested.alias), Lead::Request(request.id))
        }
        Open::Load(load) => (format!("the load of {}", subject(load)), Lead::Load(load.id)),
        Open::Call(call) => (format!("helper call {}", call.entry.path), Lead::Call(call.id)),
        Open::Firmware(firmware) => {
            (format!("the firmware request for {}", firmware.file.name), Lead::Firmware(firmware.id))
        }
    };
    let began = open.began();
    Concern {
        // Since when it is stalled.
        at: Some(Stamp { mono: began.mono.plus(limit), boot: began.boot.plus(limit) }),
        name: STALLED,
        sentence: format!("{what} has been open for {age}, in {}", place.words),
        next: match place.timeout {
            Some(Timeout::Ends(_)) => format!("wait: it {}", stall::timeout_words(place.timeout)),
            Some(Timeout::MayNotEnd(_)) | None => {
                format!("look where it is stuck; {}", stall::timeout_words(place.timeout))
            }
        },
        lead,
    }
}

fn failed_cycles(model: &Model) -> impl Iterator<Item = Concern> {
    let failed = |verdict| matches!(verdict, CycleVerdict::HelperRan | CycleVerdict::NotFrozen | CycleVerdict::Failed);
    model.cycles().filter(move |cycle| failed(cycle.verdict())).map(|cycle| {
        let firmware = model.firmware_holding_up(cycle).map(|firmware| &**firmware);
        let culprits = if cycle.culprits.is_empty() {
            "open its timeline: it shows what suspend waited for"
        } else {
            "open its timeline; kill the helpers that still run, or give them a timeout"
        };
        Concern {
            at: Some(cycle.began),
            name: "suspend_failed",
            sentence: format!("suspend #{} {}", cycle.id.0, explain(cycle, model.now(), firmware)),
            next: culprits.to_owned(),
            lead: Lead::Cycle(cycle.id),
        }
    })
}

/// What holds for the whole trace.
fn standing(model: &Model) -> Vec<Concern> {
    let mut standing = Vec::new();
    let mut note = |name, sentence, next: &str| {
        standing.push(Concern { at: None, name, sentence, next: next.to_owned(), lead: Lead::Probes });
    };
    if let Some(SelfTest::Deaf(moments)) = model.self_test() {
        let names: Vec<&str> = moments.iter().map(|moment| moment.name()).collect();
        let sentence = format!("probes that do not fire: {}", names.join(", "));
        note("probe_deaf", sentence, "see the probes screen; modtrail doctor says what else could be attached");
    }
    for (lost, count) in model.lost() {
        let sentence = format!("{count} {}", lost.words());
        let next = if lost.casts_doubt() {
            "verdicts that this could change are incomplete; a larger ring (--ring-bytes) loses less"
        } else {
            "no verdict depends on it"
        };
        note("lost", sentence, next);
    }
    let coverage = model.coverage();
    if coverage.traced > Nanos::ZERO && !coverage.is_enough() {
        let sentence = format!("only {} was covered: something may have happened unseen", coverage.words());
        note("low_coverage", sentence, "see what was lost, above");
    }
    standing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Task;
    use crate::findings;
    use crate::testing::{Helped, Scenario, busy};

    #[test]
    fn findings_and_losses_are_there_the_newest_first_and_what_is_standing_last() {
        let scenario = busy();
        let found = findings::all(scenario.model());
        let all = concerns(scenario.model(), &found, stall::LIMIT);
        let names: Vec<&str> = all.iter().map(|concern| concern.name).collect();
        assert!(names.contains(&"hollow_requests"), "{names:?}");
        assert_eq!(names.iter().rev().position(|name| *name == "lost"), Some(0), "{names:?}");
        let instants: Vec<_> = all.iter().filter_map(|concern| concern.at).collect();
        assert!(instants.windows(2).all(|pair| pair[0] >= pair[1]));
        for concern in &all {
            if let Lead::Finding(place) = concern.lead {
                assert_eq!(found[place].sentence, concern.sentence);
            }
        }
    }

    #[test]
    fn what_is_open_past_the_limit_is_there_with_what_ends_it() {
        let mut scenario = Scenario::default();
        let requester = Task::new(300, 300, 4, "(udev-worker)");
        scenario.helped(Helped { alias: "net-pf-29", requester, path: "/sbin/modprobe", pid: 413, at: 10_000 }, 0);
        scenario.until(10_009_000);
        assert_eq!(concerns(scenario.model(), &[], stall::LIMIT), []);
        scenario.until(12_000_000);
        let all = concerns(scenario.model(), &[], stall::LIMIT);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].name, all[0].lead), ("stalled", Lead::Request(RequestId(1))));
        assert!(all[0].sentence.starts_with("request #1 net-pf-29 has been open for 11.9s"), "{}", all[0].sentence);
        assert!(all[0].next.contains("udev"), "{}", all[0].next);
    }
}
