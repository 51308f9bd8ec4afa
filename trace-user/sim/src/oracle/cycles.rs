//! What must be reported of each suspend cycle of a simulated kernel if nothing of it was missed.
//!
//! In: the truth, and what was reported, by the instant at which a cycle began. Out: what is wrong, in words.

use crate::simulation::plan::Plan;
use crate::simulation::truth::{self, Truth};
use modtrail_core::entities::{Call, Cycle};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Two instants this close to each other may be reported in either order: CPUs' clocks differ.
const NEAR: u64 = 30_000;
/// How soon after a failed attempt another one is its repetition.
const AGAIN: u64 = 60_000_000_000;

/// A call, by its caller and its beginning.
type Name = (u32, u64);

/// Everything that is wrong in what is reported of the cycles.
pub fn compare(plan: &Plan, truth: &Truth, said: &BTreeMap<u64, Arc<Cycle>>) -> Vec<String> {
    let mut wrong = Vec::new();
    let real: Vec<&truth::Cycle> = truth.cycles.iter().filter(|cycle| cycle.began.is_some()).collect();
    if real.len() != said.len() {
        wrong.push(format!("{} suspend cycles are reported, and {} were", said.len(), real.len()));
    }
    let mut before: Option<(u64, &truth::Cycle)> = None;
    for cycle in real {
        let Some(reported) = cycle.began.and_then(|mark| said.get(&mark.at)) else {
            wrong.push("a suspend cycle is not reported".to_owned());
            continue;
        };
        let again = before.filter(|(_, before)| is_again(truth, before, cycle));
        let group = again.map_or(reported.id.0, |(group, _)| group);
        before = Some((group, cycle));
        let mut hold = |what: &str, said: String, truly: String| {
            if said != truly {
                wrong.push(format!("suspend cycle {}: {what} is reported as {said}, and is {truly}", reported.id.0));
            }
        };
        hold("group", reported.group.0.to_string(), group.to_string());
        hold(
            "result",
            format!("{:?}", reported.result.map(|result| result.0)),
            format!("{:?}", cycle.ended.map(|(_, result)| result)),
        );
        let asleep = cycle.ended.map_or(0, |(ended, _)| slept(truth, cycle.began.map_or(0, |mark| mark.at), ended.at));
        hold("asleep", reported.asleep(reported.ended.unwrap_or_default()).as_nanos().to_string(), asleep.to_string());
        let drain = cycle.disable.zip(cycle.disabled).map(|(from, (to, _))| to.at - from.at);
        hold("drain", format!("{:?}", reported.disable.time().map(|time| time.as_nanos())), format!("{drain:?}"));
        if plan.view.places.is_none() && is_clear(truth, cycle) {
            let [culprits, drained, refused, frozen] = lists(truth, cycle);
            hold("culprits", shown(&reported.culprits), format!("{culprits:?}"));
            hold("drained", shown(&reported.drained), format!("{drained:?}"));
            hold("refused", shown(&reported.refused), format!("{refused:?}"));
            hold("frozen", shown(&reported.frozen), format!("{frozen:?}"));
        }
    }
    wrong
}

fn shown(calls: &[Arc<Call>]) -> String {
    let names: BTreeSet<Name> = calls.iter().map(|call| (call.caller.tid.0, call.entered.mono.as_nanos())).collect();
    format!("{names:?}")
}

/// How long the machine slept between two instants.
fn slept(truth: &Truth, from: u64, to: u64) -> u64 {
    truth.sleeps.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, long)| long).sum()
}

fn is_again(truth: &Truth, before: &truth::Cycle, cycle: &truth::Cycle) -> bool {
    let (Some((ended, result)), Some(began)) = (before.ended, cycle.began) else { return false };
    result < 0 && began.at - ended.at + slept(truth, ended.at, began.at) < AGAIN
}

/// Culprits, drained, refused, frozen.
fn lists(truth: &Truth, cycle: &truth::Cycle) -> [BTreeSet<Name>; 4] {
    let (Some(disable), Some((disabled, result))) = (cycle.disable, cycle.disabled) else { return Default::default() };
    let enabled = cycle.enabled.map_or(u64::MAX, |mark| mark.at);
    let name = |call: &truth::Call| (call.caller.tid.0, call.entered.at);
    let named = |places: &[usize]| -> BTreeSet<Name> {
        places.iter().filter_map(|place| truth.calls.get(*place)).filter(|call| !call.own).map(name).collect()
    };
    let shown = || truth.calls.iter().filter(|call| !call.own && call.entered.number != usize::MAX);
    let refused = shown().filter(|call| {
        (disable.at..enabled).contains(&call.entered.at) && call.returned.is_some_and(|(_, result)| result == -16)
    });
    let left =
        |call: &&truth::Call| call.returned.is_some_and(|(mark, _)| (disable.at..=disabled.at).contains(&mark.at));
    let drained = shown().filter(left).filter(|call| call.entered.at < disable.at);
    let culprits = if result < 0 { named(&cycle.culprits) } else { BTreeSet::new() };
    [culprits, drained.map(name).collect(), refused.map(name).collect(), named(&cycle.frozen)]
}

/// Nothing that decides which list a call is in happened so close to the border that the clocks may show the opposite
/// order.
fn is_clear(truth: &Truth, cycle: &truth::Cycle) -> bool {
    let borders: Vec<u64> = [cycle.disable, cycle.disabled.map(|(mark, _)| mark), cycle.enabled]
        .into_iter()
        .flatten()
        .map(|mark| mark.at)
        .collect();
    truth.calls.iter().filter(|call| call.entered.number != usize::MAX).all(|call| {
        let ends = [Some(call.entered), call.returned.map(|(mark, _)| mark), call.exited.map(|(mark, _)| mark)];
        let moments = ends.into_iter().flatten().map(|mark| mark.at).chain(call.tree_ended);
        moments.into_iter().all(|at| borders.iter().all(|border| border.abs_diff(at) > NEAR))
    })
}
