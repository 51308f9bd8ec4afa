//! Checks the pipeline's answers about a simulated kernel against what the oracle knows.

use super::{Expected, Oracle, cycles, evidence};
use crate::simulation::plan::Plan;
use crate::simulation::simulate;
use crate::simulation::truth::{self, Truth};
use modtrail_core::answer::CallResult;
use modtrail_core::entities::{Change, Cycle, Gap, Load, Request, RequestId, Timed, Verdict};
use modtrail_core::event::{Body, Event, Fact, Lost};
use modtrail_core::phases::phases;
use modtrail_core::pipeline::Pipeline;
use modtrail_core::record::codec::{from_message, to_message};
use std::collections::BTreeMap;
use std::sync::Arc;
use trace_common::ids::Tid;

/// How long a function may take to return after its request, in nanoseconds: it may be frozen in between.
const SERVED_SOON: u64 = 2_000_000_000;

/// What the pipeline reported in the end.
struct Said {
    requests: BTreeMap<RequestId, Arc<Request>>,
    loads: BTreeMap<(Tid, u64), Arc<Load>>,
    unmatched: u64,
    lost: BTreeMap<Lost, u64>,
    cycles: BTreeMap<u64, Arc<Cycle>>,
    wrong: Vec<String>,
}

/// Everything that is wrong in the pipeline's answers for the plan; empty if nothing is.
pub fn check(plan: &Plan) -> Vec<String> {
    let (events, truth) = simulate(plan);
    let said = listen(&events);
    let oracle = Oracle::new(&truth, plan.view.release);
    let mut wrong = said.wrong.clone();
    let mut places: BTreeMap<RequestId, usize> = BTreeMap::new();
    for (place, request) in truth.requests.iter().enumerate() {
        let found = said.requests.values().filter(|said| is_same(said, request));
        let found: Vec<&Arc<Request>> = found.collect();
        match (oracle.expected(place), found.as_slice()) {
            (None, []) => {}
            (Some(_), [one]) => {
                places.insert(one.id, place);
            }
            (expected, found) => {
                wrong.push(format!(
                    "{} is reported {} times, expected {}",
                    request.alias,
                    found.len(),
                    expected.is_some()
                ));
            }
        }
    }
    if places.len() != said.requests.len() {
        wrong.push(format!("{} requests were reported, {} of them were made", said.requests.len(), places.len()));
    }
    for (id, place) in &places {
        let (Some(request), Some(expected)) = (said.requests.get(id), oracle.expected(*place)) else { continue };
        let mut faults = Vec::new();
        compare(&oracle, &truth.requests[*place], &expected, request, &mut faults);
        if expected.exact {
            compare_ties(&places, &expected, request, &truth, &mut faults);
        }
        let shown = format!("request {} ({}, tid {})", id.0, request.requested.alias, request.task.tid.0);
        wrong.extend(faults.into_iter().map(|fault| format!("{shown}: {fault}")));
    }
    compare_evidence(plan, &events, &said, &mut wrong);
    compare_loads(&oracle, &truth, &said, &places, &mut wrong);
    compare_losses(&events, &truth, &said, &mut wrong);
    if truth.lost.is_empty() && truth.late.is_empty() && plan.view.attach_us == 0 && plan.view.ends_us.is_none() {
        wrong.extend(cycles::compare(plan, &truth, &said.cycles));
    }
    wrong
}

/// Whether the same events give the same changes, and the same again after they were recorded.
pub fn is_deterministic(plan: &Plan) -> bool {
    let (events, _) = simulate(plan);
    let (again, _) = simulate(plan);
    let recorded: Option<Vec<Event>> = events.iter().map(|event| from_message(to_message(event)).ok()).collect();
    let reported = changes(&events);
    events == again && Some(&events) == recorded.as_ref() && reported == changes(&events)
}

fn changes(events: &[Event]) -> Vec<Change> {
    let mut pipeline = Pipeline::default();
    let mut all = Vec::new();
    for event in events {
        pipeline.push(event.clone(), |change, _| all.push(change.clone()));
    }
    all
}

fn listen(events: &[Event]) -> Said {
    let mut said = Said {
        requests: BTreeMap::new(),
        loads: BTreeMap::new(),
        unmatched: 0,
        lost: BTreeMap::new(),
        cycles: BTreeMap::new(),
        wrong: Vec::new(),
    };
    let mut pipeline = Pipeline::default();
    for event in events {
        pipeline.push(event.clone(), |change, _| said.hear(change));
    }
    for request in said.requests.values().filter(|request| !request.closed) {
        said.wrong.push(format!("request {} ({}) was never ended", request.id.0, request.requested.alias));
    }
    said
}

impl Said {
    fn hear(&mut self, change: &Change) {
        match change {
            Change::Request(request) => {
                let before = self.requests.insert(request.id, request.clone());
                if before.is_some_and(|before| before.closed) {
                    self.wrong.push(format!("request {} is reported after its end", request.id.0));
                }
            }
            Change::Load(load) => {
                self.loads.insert((load.task.tid, load.began.mono.as_nanos()), load.clone());
            }
            Change::Cycle(cycle) => {
                self.cycles.insert(cycle.began.mono.as_nanos(), cycle.clone());
            }
            Change::Lost { loss, count, .. } => *self.lost.entry(*loss).or_default() += count,
            Change::Unmatched => self.unmatched += 1,
            Change::Call(_) | Change::Unload(_) | Change::Firmware(_) | Change::Device(_) | Change::Fact { .. } => {}
            Change::Capped | Change::OtherSelfTest | Change::Now(_) => {}
        }
    }
}

fn is_same(said: &Request, request: &truth::Request) -> bool {
    said.task.tid == request.task.tid && said.asked.mono.as_nanos() == request.asked.at
}

macro_rules! hold {
    ($faults:ident, $what:literal, $said:expr, $true:expr) => {
        let (said, truly) = ($said, $true);
        if said != truly {
            $faults.push(format!("{} is reported as {:?}, and is {:?}", $what, said, truly));
        }
    };
}

/// What can be checked in the request alone.
fn compare(oracle: &Oracle<'_>, truly: &truth::Request, expected: &Expected, said: &Request, faults: &mut Vec<String>) {
    if !expected.verdicts.contains(&said.verdict) {
        faults.push(format!("the verdict is {:?}, expected one of {:?}", said.verdict, expected.verdicts));
    }
    if let Some(total) = said.total() {
        hold!(faults, "the sum of the phases", phases(said, None).sum(), total);
    }
    if expected.exact && (said.verdict == Verdict::InFlight || said.gaps.contains(&Gap::TracingEnded)) {
        faults.push("it is left open until tracing ends".into());
    }
    // It may have been missed, or come too late, but never be another's.
    let served = truly.served.filter(|(mark, _)| oracle.seen(*mark));
    let since = truly.returned.map_or(truly.asked.at, |(mark, _)| mark.at);
    let is_soon = served.is_none_or(|(mark, _)| mark.at.saturating_sub(since) < SERVED_SOON);
    let got = said.served.map(|served| served.result.0);
    if got.is_some() || expected.exact && is_soon {
        hold!(faults, "what the requester got", got, served.map(|(_, result)| result));
    }
    if !expected.exact {
        return;
    }
    let call = truly.call.map(|call| &oracle.truth.calls[call]);
    let returned = truly.returned.filter(|(mark, _)| oracle.seen(*mark));
    hold!(faults, "the result", said.result.map(CallResult::as_return), returned.map(|(_, result)| result));
    hold!(faults, "the return", said.returned.map(|at| at.mono.as_nanos()), returned.map(|(mark, _)| mark.at));
    hold!(faults, "the wait", said.wait(), call.map(|call| call.wait));
    let reported = said.call.as_deref();
    let helper = reported.and_then(|call| call.helper).map(|(task, _)| task.key);
    hold!(faults, "the helper", helper, call.and_then(|call| call.born).map(|(task, _)| task.key));
    let status = reported.and_then(|call| call.exited).and_then(|(_, status)| status).map(|status| status.0);
    hold!(faults, "the status", status, call.and_then(|call| call.exited).map(|(_, status)| status));
    let executed = reported.and_then(|call| call.executed).map(|(at, result)| (at.mono.as_nanos(), result.0));
    hold!(faults, "the exec", executed, call.and_then(|call| call.executed).map(|(mark, result)| (mark.at, result)));
    let live = said.live.map(|at| at.mono.as_nanos());
    if !expected.live.contains(&live) && expected.verdicts.len() == 1 {
        faults.push(format!("live at {live:?}, expected one of {:?}", expected.live));
    }
    let duplicates = said.duplicates;
    let within = |count: u32, range: (u32, u32)| (range.0..=range.1).contains(&count);
    if !within(duplicates.same_alias, expected.same_alias) {
        faults.push(format!("{} same alias, expected {:?}", duplicates.same_alias, expected.same_alias));
    }
    if !within(duplicates.same_module, expected.same_module) {
        faults.push(format!("{} same module, expected {:?}", duplicates.same_module, expected.same_module));
    }
    compare_request_loads(oracle, truly, expected, said, faults);
    compare_phases(call, truly, said, faults);
}

/// No verdict contradicts what is reported beside it. What came too late may show more of modules' lives than the
/// verdict could rest on.
fn compare_evidence(plan: &Plan, events: &[Event], said: &Said, wrong: &mut Vec<String>) {
    let lives = evidence::Lives::of(events);
    let loads: Vec<&Load> = said.loads.values().map(|load| &**load).collect();
    let in_time = plan.view.late_one_in == 0;
    for request in said.requests.values().filter(|request| request.closed) {
        let faults = evidence::contradictions(request, &loads, &lives, in_time);
        let shown = format!("request {} ({}, tid {})", request.id.0, request.requested.alias, request.task.tid.0);
        wrong.extend(faults.into_iter().map(|fault| format!("{shown}: {fault}")));
    }
}

/// The loads of the helper's tree. Loads after the end of the request need not be reported.
fn compare_request_loads(
    oracle: &Oracle<'_>,
    truly: &truth::Request,
    expected: &Expected,
    said: &Request,
    faults: &mut Vec<String>,
) {
    let reported: BTreeMap<u64, &Arc<Load>> =
        said.loads.iter().map(|load| (load.began.mono.as_nanos(), load)).collect();
    let real: BTreeMap<u64, &truth::Load> = oracle.loads(truly).into_iter().map(|load| (load.began.at, load)).collect();
    let returned = truly.returned.map_or(u64::MAX, |(mark, _)| mark.at);
    let settled = real.values().all(|load| load.ended.is_some_and(|(mark, _)| mark.at < returned));
    if settled {
        hold!(faults, "the lost copies", said.duplicates.same_file, expected.same_file);
    }
    for (began, load) in &real {
        match reported.get(began) {
            None if settled => faults.push(format!("the load of {} is not reported", load.module)),
            None => {}
            Some(reported) => {
                let ended = reported.ended.map(|(at, result)| (at.mono.as_nanos(), result.0));
                if settled {
                    hold!(faults, "the load's end", ended, load.ended.map(|(mark, result)| (mark.at, result)));
                }
                let name = load.named.map(|_| load.module);
                // If it waited for a load that began before tracing, nothing seen names it.
                let leader = load.follows.map(|leader| oracle.truth.loads[leader].began);
                let may_be_unnamed = leader.is_some_and(|began| !oracle.seen(began));
                if (settled && !may_be_unnamed) || reported.module.is_some() {
                    hold!(faults, "the load's module", reported.module.as_deref(), name);
                }
            }
        }
    }
    if let Some(odd) = reported.keys().find(|began| !real.contains_key(*began)) {
        faults.push(format!("a load at {odd} is not its own"));
    }
}

/// The phases that a single subtraction gives.
fn compare_phases(call: Option<&truth::Call>, truly: &truth::Request, said: &Request, faults: &mut Vec<String>) {
    use modtrail_core::phases::Phase;
    let shares = phases(said, None);
    let share = |phase| shares.get(phase).map(trace_common::time::Nanos::as_nanos);
    let (Some(call), Some(admitted), Some((returned, _))) = (call, truly.admitted, truly.returned) else { return };
    hold!(faults, "the wait for a slot", share(Phase::SlotWait), Some(admitted.at - truly.asked.at));
    let picked = call.picked.filter(|picked| picked.at <= returned.at);
    let queued = picked.map_or(returned.at, |picked| picked.at) - admitted.at;
    let to_exec = call.executed.map(|(mark, _)| mark.at).filter(|at| *at <= returned.at);
    if picked.is_some() || to_exec.is_none() && call.completed.is_none() {
        hold!(faults, "the wait for a worker", share(Phase::Queue), Some(queued));
    }
    if let (Some(picked), Some((executed, 0))) = (picked, call.executed)
        && executed.at <= returned.at
    {
        hold!(faults, "fork and exec", share(Phase::ForkExec), Some(executed.at - picked.at));
    }
}

/// What ties the request to others.
fn compare_ties(
    places: &BTreeMap<RequestId, usize>,
    expected: &Expected,
    said: &Request,
    truth: &Truth,
    faults: &mut Vec<String>,
) {
    hold!(faults, "the parent", said.parent.and_then(|parent| places.get(&parent).copied()), expected.parent);
    let Some(by) = &said.satisfied_by else {
        if said.verdict == Verdict::SatisfiedByAnother {
            faults.push("whose load satisfied it is not said".into());
        }
        return;
    };
    let live = said.live.map(|at| at.mono.as_nanos());
    let load = truth.loads.iter().find(|load| load.live.map(|mark| mark.at) == live && load.task.tid == by.task.tid);
    let Some(load) = load else {
        return faults.push("what is reported to satisfy it did not go live then".into());
    };
    hold!(faults, "the module that satisfied it", &*by.module, load.module);
    hold!(faults, "the task that satisfied it", by.task.key, load.task.key);
    let owner =
        load.call.and_then(|call| truth.calls[call].request).filter(|owner| places.values().any(|p| p == owner));
    hold!(faults, "the request that satisfied it", by.request.and_then(|id| places.get(&id).copied()), owner);
}

/// Every load is reported once, with its end and its request. modtrail's own loads are not.
fn compare_loads(
    oracle: &Oracle<'_>,
    truth: &Truth,
    said: &Said,
    places: &BTreeMap<RequestId, usize>,
    wrong: &mut Vec<String>,
) {
    if !truth.lost.is_empty() || !truth.late.is_empty() {
        return;
    }
    let begun = truth.loads.iter().filter(|load| load.began.number != usize::MAX && oracle.seen(load.began));
    for load in begun {
        let call = load.call.map(|call| &truth.calls[call]);
        let own = call.is_some_and(|call| call.own && oracle.seen(call.entered));
        let reported = said.loads.get(&(load.task.tid, load.began.at));
        let Some(reported) = reported.filter(|_| !own) else {
            if reported.is_some() == own {
                wrong.push(format!(
                    "the load of {} by {} is reported: {}",
                    load.module,
                    load.task.tid.0,
                    reported.is_some()
                ));
            }
            continue;
        };
        let ended = load.ended.filter(|(mark, _)| oracle.seen(*mark) && mark.at + 200_000_000 < truth.ended);
        if let Some((mark, result)) = ended {
            let said = reported.ended.map(|(at, result)| (at.mono.as_nanos(), result.0));
            if said != Some((mark.at, result)) || !reported.closed {
                wrong.push(format!("the load of {} ends with {said:?}, not {:?}", load.module, (mark.at, result)));
            }
        }
        let owner = call.and_then(|call| call.request).filter(|owner| places.values().any(|place| place == owner));
        let owner = owner.filter(|_| call.and_then(|call| call.born).is_some_and(|(_, mark)| oracle.seen(mark)));
        let tied = reported.request.and_then(|id| places.get(&id).copied());
        // Once a request and its call are over, later loads have no request.
        if tied != owner && tied.is_some() {
            wrong.push(format!("the load of {} is tied to request {tied:?}, not {owner:?}", load.module));
        }
    }
    let is_plain = truth.attached == crate::simulation::machine::BEGAN + 50_000;
    if is_plain && said.unmatched > 0 {
        wrong.push(format!("{} events were tied to nothing", said.unmatched));
    }
}

/// Everything that was lost is counted, and nothing else.
fn compare_losses(events: &[Event], truth: &Truth, said: &Said, wrong: &mut Vec<String>) {
    let reported: u64 = said.lost.iter().filter(|(loss, _)| **loss != Lost::Late).map(|(_, count)| count).sum();
    let real: u64 = truth.lost.iter().map(|lost| lost.count).sum();
    if reported != real {
        wrong.push(format!("{reported} events are reported as lost, and {real} are"));
    }
    let (reported, real) = (said.lost.get(&Lost::Late).copied().unwrap_or(0), late(events));
    if reported != real {
        wrong.push(format!("{reported} events are reported as late, and {real} are"));
    }
}

/// Events that came after a later one was final: later than a tick for more than 100 ms after them.
fn late(events: &[Event]) -> u64 {
    let (mut last, mut late) = (0, 0);
    for event in events {
        let at = event.at.mono.as_nanos();
        match event.body {
            Body::Fact(Fact::Tick) => last = last.max(at.saturating_sub(100_000_000)),
            Body::Fact(Fact::Resolved { .. } | Fact::End) => {}
            // Its instant may be long past.
            Body::Fact(Fact::Lost { .. }) if at < last => {}
            Body::Fact(_) | Body::Probe(_) => late += u64::from(at < last),
        }
    }
    late
}
