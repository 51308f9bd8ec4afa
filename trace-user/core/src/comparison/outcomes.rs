//! What became of things that both traces show: which ends changed more than chance explains.
//!
//! In: what two traces show. Out: changes.

use super::certainty::{Certainty, LIMIT};
use super::observed::{Observed, Outcomes, Subject};
use crate::statistics::counts::fisher;
use crate::statistics::several::holm;
use std::collections::BTreeSet;

/// Things of one name that came to other ends.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeChange {
    /// What they are.
    pub subject: Subject,
    /// Their name.
    pub name: String,
    /// What became of them in the first trace.
    pub before: Outcomes,
    /// What became of them in the second.
    pub after: Outcomes,
    /// How sure it is that this is not chance.
    pub certainty: Certainty,
}

/// The changes, by name.
pub(super) fn changes(before: &Observed, after: &Observed) -> Vec<OutcomeChange> {
    let both = before.outcomes.iter().filter_map(|(key, first)| Some((key, first, after.outcomes.get(key)?)));
    let compared: Vec<_> =
        both.filter(|(_, first, second)| !first.ends.is_empty() && !second.ends.is_empty()).collect();
    let probabilities: Vec<f64> = compared.iter().map(|(_, first, second)| probability(first, second)).collect();
    let adjusted = holm(&probabilities);
    let change = |((key, first, second), probability): (&(&(Subject, String), &Outcomes, &Outcomes), f64)| {
        let is_apart = first.ends.keys().all(|end| !second.ends.contains_key(end));
        let certainty = match probability < LIMIT {
            true => Certainty::Tested { probability, effect: None },
            false if is_apart => Certainty::Few,
            false => return None,
        };
        let (subject, name) = (*key).clone();
        Some(OutcomeChange { subject, name, before: (*first).clone(), after: (*second).clone(), certainty })
    };
    compared.iter().zip(adjusted).filter_map(change).collect()
}

/// How probable the least probable difference of an end's share is, for as many ends as there are.
fn probability(first: &Outcomes, second: &Outcomes) -> f64 {
    let trials = [first, second].map(|of| of.ends.values().sum());
    let ends: BTreeSet<&String> = first.ends.keys().chain(second.ends.keys()).collect();
    let share = |end: &&String| fisher([first, second].map(|of| of.ends.get(*end).copied().unwrap_or(0)), trials);
    let least = ends.iter().map(share).fold(1.0, f64::min);
    f64::min(least * ends.len() as f64, 1.0)
}
