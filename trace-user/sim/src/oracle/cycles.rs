//! What has to be said of each suspend cycle of a simulated kernel of which nothing was missed.
//!
//! In: the truth, and what was said, by the instant at which a cycle began. Out: what is wrong, in words.

use crate::simulation::plan::Plan;
use crate::simulation::truth::{self, Truth};
use modtrail_core::entities::{Call, Cycle};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Two instants this near to each other may be told in either order: CPUs' clocks differ.
const NEAR: u64 = 30_000;
/// How soon after a failed attempt another is its repetition.
const AGAIN: u64 = 60_000_000_000;

/// A call, by its caller and its beginning.
type Name = (u32, u64);

/// Everything that is wrong with what is said of the cycles.
pub fn compare(plan: &Plan, truth: &Truth, said: &BTreeMap<u64, Arc<Cycle>>) -> Vec<String> {
    let mut wrong = Vec::new();
    let real: Vec<&truth::Cycle> = truth.cycles.iter().filter(|cycle| cycle.began.is_some()).collect();
    if real.len() != said.len() {
        wrong.push(format!("{} suspend cycles are said, and {} were", said.len(), real.len()));
    }
    let mut before: Option<(u64, &truth::Cycle)> = None;
    for cycle in real {
        let Some(told) = cycle.began.and_then(|mark| said.get(&mark.at)) else {
            wrong.push("a suspend cycle is not told".to_owned());
            continue;
        };
        let again = before.filter(|(_, before)| is_again(truth, before, cycle));
        let group = again.map_or(told.id.0, |(group, _)| group);
        before = Some((group, cycle));
        let mut hold = |what: &str, said: String, truly: String| {
            if said != truly {
                wrong.push(format!("suspend cycle {}: {what} is said to be {said}, and is {truly}", told.id.0));
            }
        };
        hold("group", told.group.0.to_string(), group.to_string());
        hold(
            "result",
            format!("{:?}", told.result.map(|result| result.0)),
            format!("{:?}", cycle.ended.map(|(_, result)| result)),
        );
        let asleep = cycle.ended.map_or(0, |(ended, _)| slept(truth, cycle.began.map_or(0, |mark| mark.at), ended.at));
        hold("asleep", told.asleep(told.ended.unwrap_or_default()).as_nanos().to_string(), asleep.to_string());
        let drain = cycle.disable.zip(cycle.disabled).map(|(from, (to, _))| to.at - from.at);
        hold("drain", format!("{:?}", told.disable.time().map(|time| time.as_nanos())), format!("{drain:?}"));
        if plan.view.places.is_none() && is_clear(truth, cycle) {
            let [culprits, drained, refused, frozen] = lists(truth, cycle);
            hold("culprits", shown(&told.culprits), format!("{culprits:?}"));
            hold("drained", shown(&told.drained), format!("{drained:?}"));
            hold("refused", shown(&told.refused), format!("{refused:?}"));
            hold("frozen", shown(&told.frozen), format!("{frozen:?}"));
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

/// Nothing that decides who is in which list happened so near to its border that clocks may tell it the other way
/// round.
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
