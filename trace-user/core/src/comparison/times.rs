//! What takes longer or shorter, beyond chance and beyond what makes everything longer or shorter.
//!
//! In: what two traces show. Out: changes.

use super::certainty::{Certainty, LIMIT};
use super::observed::{Measure, Observed};
use crate::phases::Phase;
use crate::statistics::percentiles::{Percentiles, median};
use crate::statistics::rank::{least_probability, mann_whitney};
use crate::statistics::several::holm;
use std::collections::BTreeSet;
use trace_common::time::Nanos;

/// Cliff's delta from which an effect counts as large (Romano et al. 2006).
const LARGE: f64 = 0.474;
/// A median that changes by less than this factor is not one that anybody would act on.
const FACTOR: f64 = 1.2;
/// The same for an absolute difference.
const LEAST: Nanos = Nanos::new(100_000);
/// If there are too few samples for a test: the least factor, and the least difference.
const FEW_FACTOR: f64 = 4.0;
const FEW_LEAST: Nanos = Nanos::from_millis(100);
/// Samples on each side with which a test can be tried.
const TRIED: usize = 4;
/// Names from which it is known how much longer or shorter everything takes.
const NAMES: usize = 8;
/// Up to this factor, it is not stated that everything does.
const ALL_ALIKE: f64 = 1.25;

/// Something that takes longer or shorter.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeChange {
    /// What is measured.
    pub measure: Measure,
    /// Of what.
    pub name: String,
    /// Its times in the first trace.
    pub before: Percentiles,
    /// Its times in the second.
    pub after: Percentiles,
    /// The second median through the first.
    pub factor: f64,
    /// How sure it is that this is not chance.
    pub certainty: Certainty,
    /// Of requests: the phase that changed most.
    pub phase: Option<Phase>,
    /// Of modules: the aliases whose requests take longer, or shorter, with it.
    pub follows: Vec<String>,
}

impl TimeChange {
    /// It takes longer.
    #[must_use]
    pub const fn is_slower(&self) -> bool {
        self.after.p50.as_nanos() > self.before.p50.as_nanos()
    }
}

/// The times of one name in both traces.
struct Pair<'o> {
    measure: Measure,
    name: &'o str,
    /// Those of the first, times the factor of everything.
    before: Vec<u64>,
    after: Vec<u64>,
    of: [Percentiles; 2],
}

impl Pair<'_> {
    fn factor(&self) -> f64 {
        factor(self.of[0].p50, self.of[1].p50)
    }

    /// How much the medians differ, beyond what everything does.
    fn difference(&self) -> Nanos {
        let medians = [&self.before, &self.after].map(|times| median(times).unwrap_or_default());
        Nanos::new(medians[0].abs_diff(medians[1]))
    }

    /// The longest of one side is shorter than the shortest of the other.
    fn is_apart(&self) -> bool {
        let ends = |times: &[u64]| (times.iter().min().copied(), times.iter().max().copied());
        let ((least, most), (other_least, other_most)) = (ends(&self.before), ends(&self.after));
        most < other_least || other_most < least
    }
}

/// How much longer everything takes: the median over all names; 1 if there are too few names, or if it is little.
#[must_use]
pub fn overall(before: &Observed, after: &Observed) -> f64 {
    let ratios: Vec<f64> = before
        .times
        .iter()
        .filter_map(|(key, first)| Some(factor(median(first)?, median(after.times.get(key)?)?)))
        .collect();
    let all = median(&ratios).filter(|_| ratios.len() >= NAMES).unwrap_or(1.0);
    if (1.0 / ALL_ALIKE..=ALL_ALIKE).contains(&all) { 1.0 } else { all }
}

/// The changes: the largest difference first. What only follows from a module's is listed with the module.
pub(super) fn changes(before: &Observed, after: &Observed, overall: f64) -> Vec<TimeChange> {
    let pairs: Vec<Pair<'_>> =
        before.times.iter().filter_map(|(key, first)| pair(key, first, after, overall)).collect();
    let tried = pairs.iter().filter(|pair| pair.before.len().min(pair.after.len()) >= TRIED).count().max(1) as f64;
    // A test that cannot say anything, however far apart the samples are, is not made.
    let can_decide = |pair: &Pair<'_>| least_probability(pair.before.len(), pair.after.len()) * tried < LIMIT;
    let tests: Vec<_> =
        pairs.iter().map(|pair| mann_whitney(&pair.before, &pair.after).filter(|_| can_decide(pair))).collect();
    let probabilities: Vec<f64> = tests.iter().flatten().map(|test| test.probability).collect();
    let mut adjusted = holm(&probabilities).into_iter();
    let mut changes: Vec<TimeChange> = Vec::new();
    for (pair, test) in pairs.iter().zip(tests) {
        let certainty = match test {
            Some(test) => {
                let probability = adjusted.next().unwrap_or(1.0);
                is_large(pair, probability, test.effect, overall)
                    .then_some(Certainty::Tested { probability, effect: Some(test.effect) })
            }
            None => is_large_of_few(pair, overall).then_some(Certainty::Few),
        };
        changes.extend(certainty.map(|certainty| change(pair, certainty, before, after)));
    }
    changes.sort_by_key(|change| (std::cmp::Reverse(difference(change)), change.measure, change.name.clone()));
    without_what_follows(changes, before, after)
}

fn pair<'o>(key: &'o (Measure, String), first: &[Nanos], after: &Observed, overall: f64) -> Option<Pair<'o>> {
    let second = after.times.get(key)?;
    let scaled = |time: &Nanos| (time.as_nanos() as f64 * overall) as u64;
    let of = [Percentiles::of(first.to_vec())?, Percentiles::of(second.clone())?];
    let after = second.iter().map(|time| time.as_nanos()).collect();
    Some(Pair { measure: key.0, name: &key.1, before: first.iter().map(scaled).collect(), after, of })
}

fn is_large(pair: &Pair<'_>, probability: f64, effect: f64, overall: f64) -> bool {
    let factor = pair.factor() / overall;
    let is_enough = factor >= FACTOR || factor <= 1.0 / FACTOR;
    probability < LIMIT && effect.abs() >= LARGE && is_enough && pair.difference() >= LEAST
}

fn is_large_of_few(pair: &Pair<'_>, overall: f64) -> bool {
    let factor = pair.factor() / overall;
    (factor >= FEW_FACTOR || factor <= 1.0 / FEW_FACTOR) && pair.difference() >= FEW_LEAST && pair.is_apart()
}

fn change(pair: &Pair<'_>, certainty: Certainty, before: &Observed, after: &Observed) -> TimeChange {
    let phase = (pair.measure == Measure::Total).then(|| before.phase_that_changed(after, pair.name)).flatten();
    TimeChange {
        measure: pair.measure,
        name: pair.name.to_owned(),
        before: pair.of[0],
        after: pair.of[1],
        factor: pair.factor(),
        certainty,
        phase,
        follows: Vec::new(),
    }
}

/// Requests that wait for a module that takes longer take longer too: that is the module's change.
fn without_what_follows(changes: Vec<TimeChange>, before: &Observed, after: &Observed) -> Vec<TimeChange> {
    let (requests, mut causes): (Vec<_>, Vec<_>) =
        changes.into_iter().partition(|change| change.measure == Measure::Total);
    for request in requests {
        let modules: BTreeSet<&String> =
            [before, after].into_iter().filter_map(|of| of.modules.get(&request.name)).flatten().collect();
        let is_cause = |cause: &&mut TimeChange| {
            matches!(cause.measure, Measure::Init | Measure::Load)
                && cause.is_slower() == request.is_slower()
                && modules.contains(&cause.name)
        };
        match causes.iter_mut().find(is_cause) {
            Some(cause) => cause.follows.push(request.name),
            None => causes.push(request),
        }
    }
    causes.sort_by_key(|change| std::cmp::Reverse(difference(change)));
    causes
}

const fn difference(change: &TimeChange) -> u64 {
    change.after.p50.as_nanos().abs_diff(change.before.p50.as_nanos())
}

/// How many times longer the second is; a time below the clocks' resolution counts as that.
fn factor(first: Nanos, second: Nanos) -> f64 {
    second.as_nanos().max(1) as f64 / first.as_nanos().max(1) as f64
}
