//! Holds two traces against each other.
//!
//! In: two models. Out: a [`Comparison`].

use super::observed::{Observed, Outcomes, Subject};
use super::outcomes::{self, OutcomeChange};
use super::times::{self, TimeChange};
use crate::findings::Finding;
use crate::model::Model;

/// What differs from the first trace to the second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// How many times longer everything takes; 1 if it does not.
    pub overall: f64,
    /// Names that both traces show.
    pub in_both: usize,
    /// What became of things.
    pub outcomes: Vec<OutcomeChange>,
    /// What takes longer or shorter, the largest difference first.
    pub times: Vec<TimeChange>,
    /// What only the second shows.
    pub new: Vec<Appearance>,
    /// What only the first shows.
    pub gone: Vec<Appearance>,
    /// Findings that only the second has.
    pub findings_new: Vec<Finding>,
    /// Findings that only the first has.
    pub findings_gone: Vec<Finding>,
}

/// Something that only one trace shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appearance {
    /// What it is.
    pub subject: Subject,
    /// Its name.
    pub name: String,
    /// What became of it, and who did it.
    pub outcomes: Outcomes,
}

impl Comparison {
    /// Nothing differs beyond chance.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
            && self.times.is_empty()
            && self.new.is_empty()
            && self.gone.is_empty()
            && self.findings_new.is_empty()
            && self.findings_gone.is_empty()
    }
}

/// Compares two traces.
#[must_use]
pub fn compare(before: &Model, after: &Model) -> Comparison {
    let (before, after) = (Observed::of(before), Observed::of(after));
    let overall = times::overall(&before, &after);
    Comparison {
        overall,
        in_both: before.outcomes.keys().filter(|key| after.outcomes.contains_key(*key)).count(),
        outcomes: outcomes::changes(&before, &after),
        times: times::changes(&before, &after, overall),
        new: only(&after, &before),
        gone: only(&before, &after),
        findings_new: only_findings(&after, &before),
        findings_gone: only_findings(&before, &after),
    }
}

/// What one shows and the other does not.
fn only(one: &Observed, other: &Observed) -> Vec<Appearance> {
    let own = one.outcomes.iter().filter(|(key, _)| !other.outcomes.contains_key(*key));
    let appearance = |((subject, name), outcomes): (&(Subject, String), &Outcomes)| Appearance {
        subject: *subject,
        name: name.clone(),
        outcomes: outcomes.clone(),
    };
    own.map(appearance).collect()
}

fn only_findings(one: &Observed, other: &Observed) -> Vec<Finding> {
    one.findings
        .iter()
        .filter(|(key, _)| !other.findings.contains_key(*key))
        .map(|(_, finding)| finding.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::certainty::{Certainty, LIMIT};
    use crate::comparison::observed::Measure;
    use crate::event::{Moment, Task};
    use crate::testing::{Helped, Scenario, busy};
    use trace_common::time::Nanos;

    /// Requests of ping's for net-pf-29, each of which loads `can` with an init of so many microseconds. It is unloaded
    /// again, and a request for `other` follows.
    fn inits(times: &[u64], other: &str, status: i32) -> Scenario {
        let mut scenario = Scenario::default();
        scenario.machine();
        scenario.resolves("net-pf-29", &[("can", &[])]);
        scenario.resolves(other, &[]);
        for (place, init) in times.iter().enumerate() {
            let (pid, at) = (500 + 10 * place as u32, 10_000 + 5_000_000 * place as u64);
            let requester = Task::new(pid, pid, 1, "ping");
            let first = Helped { alias: "net-pf-29", requester, path: "/sbin/modprobe", pid: pid + 1, at };
            scenario.helped(first, 0);
            let helper = scenario.helper(first);
            scenario.load(at + 3_000, helper, "can");
            let live = at + 5_100 + init;
            scenario.went_live(live, helper, "can");
            scenario.ended(first, live + 1_000, 0);
            scenario.probe(live + 2_000, requester, Moment::Going(crate::testing::module("can")));
            let at = live + 10_000;
            let second = Helped { alias: other, requester, path: "/sbin/modprobe", pid: pid + 2, at };
            scenario.helped(second, 0);
            scenario.ended(second, at + 4_000, status);
        }
        scenario.until(5_000_000 * times.len() as u64);
        scenario
    }

    fn compared(before: &Scenario, after: &Scenario) -> Comparison {
        compare(before.model(), after.model())
    }

    const TIMES: [u64; 10] = [2_000, 2_300, 1_900, 2_100, 2_700, 2_050, 1_950, 2_200, 2_500, 2_010];

    #[test]
    fn a_trace_does_not_differ_from_itself() {
        let scenario = busy();
        let comparison = compared(&scenario, &scenario);
        assert!(comparison.is_empty() && comparison.in_both > 8, "{comparison:?}");
    }

    #[test]
    fn an_init_that_takes_longer_is_named_with_what_waits_for_it_and_noise_is_not() {
        let before = inits(&TIMES, "net-pf-99", 256);
        let mut noisy = TIMES;
        noisy.rotate_left(3);
        let same = compared(&before, &inits(&noisy.map(|time| time + 90), "net-pf-99", 256));
        assert!(same.is_empty(), "{same:?}");
        let slower = compared(&before, &inits(&noisy.map(|time| time + 60_000), "net-pf-99", 256));
        let [change] = &slower.times[..] else { panic!("{slower:?}") };
        assert_eq!((change.measure, change.name.as_str(), change.is_slower()), (Measure::Init, "can", true));
        assert_eq!(change.follows, ["net-pf-29 (AF_CAN)"]);
        assert_eq!(change.after.p50, Nanos::new(62_050_000));
        let Certainty::Tested { probability, effect } = change.certainty else { panic!("{change:?}") };
        assert!(probability < LIMIT && effect == Some(1.0), "{change:?}");
        assert!(Comparison { times: Vec::new(), ..slower.clone() }.is_empty(), "{slower:?}");
        let back = compared(&inits(&noisy.map(|time| time + 60_000), "net-pf-99", 256), &before);
        assert!(!back.times[0].is_slower() && back.times.len() == 1, "{back:?}");
    }

    #[test]
    fn few_samples_show_only_what_is_large_and_say_so() {
        let before = inits(&[2_000], "net-pf-99", 256);
        assert!(compared(&before, &inits(&[4_000], "net-pf-99", 256)).is_empty());
        let comparison = compared(&before, &inits(&[900_000], "net-pf-99", 256));
        let [change] = &comparison.times[..] else { panic!("{comparison:?}") };
        assert_eq!((change.name.as_str(), change.certainty), ("can", Certainty::Few));
    }

    #[test]
    fn other_ends_new_names_and_findings_are_listed() {
        let before = inits(&TIMES, "net-pf-99", 256);
        let ends = compared(&before, &inits(&TIMES, "net-pf-99", 512));
        let [change] = &ends.outcomes[..] else { panic!("{ends:?}") };
        assert_eq!((change.subject, change.name.as_str()), (Subject::Request, "net-pf-99"));
        assert_eq!(change.before.ends, [("not found".to_owned(), 10)].into());
        assert_eq!(change.after.ends, [("helper failed".to_owned(), 10)].into());
        assert!(matches!(change.certainty, Certainty::Tested { .. }), "{change:?}");
        // One of each says little.
        let few = compared(&inits(&[2_000], "net-pf-99", 256), &inits(&[2_000], "net-pf-99", 512));
        assert_eq!(few.outcomes[0].certainty, Certainty::Few);
        let names = compared(&before, &inits(&TIMES, "net-pf-98", 256));
        assert_eq!((names.new[0].name.as_str(), names.gone[0].name.as_str()), ("net-pf-98", "net-pf-99"));
        assert_eq!(names.new[0].outcomes.by, [("ping".to_owned(), 10)].into());
        assert_eq!((names.new.len(), names.gone.len(), names.outcomes.len()), (1, 1, 0));
        // Success without a module is hollow, and a finding.
        let found = compared(&before, &inits(&TIMES, "net-pf-99", 0));
        assert!(!found.findings_new.is_empty() && found.findings_gone.is_empty(), "{found:?}");
    }
}
