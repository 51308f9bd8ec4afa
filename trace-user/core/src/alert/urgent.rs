//! Findings that somebody must hear of at once: tasks that wait for each other in a circle, requests that cause
//! requests, a helper that is not modprobe, state that forbids loads.
//!
//! In: the model, each time it has advanced. Out: notices, each once: when a finding comes up, and a deadlock's end.
//! Time is the model's.

use super::rules::Standing;
use crate::event::Stamp;
use crate::findings::{self, Evidence, Finding, Kind};
use crate::model::Model;
use crate::query::Query;
use std::collections::BTreeMap;
use trace_common::time::Nanos;

/// How often deadlocks are looked for.
const OFTEN: Nanos = Nanos::from_millis(250);
/// How often the rest is: that goes through everything that is kept.
const SELDOM: Nanos = Nanos::from_secs(5);
/// Findings that are remembered as reported; beyond that, the oldest is forgotten, and may be reported again.
const REPORTED: usize = 4_096;

/// What a sink gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingNotice {
    /// It has come up, or is over.
    pub standing: Standing,
    /// The finding.
    pub finding: Finding,
    /// When this was found.
    pub at: Stamp,
}

/// What was reported.
#[derive(Debug, Default)]
pub struct FindingAlerts {
    /// What findings may be about.
    query: Query,
    /// The deadlocks that last, by what shows them.
    deadlocks: BTreeMap<Vec<(&'static str, u64)>, Finding>,
    /// The others, by kind and sentence, with the number of their report.
    reported: BTreeMap<(Kind, String), u64>,
    reports: u64,
    looked: Option<Stamp>,
    looked_at_all: Option<(Stamp, u64)>,
}

impl FindingAlerts {
    /// About what matches the query alone: something that shows the finding does.
    #[must_use]
    pub fn about(query: Query) -> Self {
        Self { query, ..Self::default() }
    }

    /// Looks at the model as it is now.
    pub fn step(&mut self, model: &Model) -> Vec<FindingNotice> {
        let now = model.now();
        let is_due = |last: Option<Stamp>, every| last.is_none_or(|last| now.mono.since(last.mono) >= every);
        let mut notices = Vec::new();
        if is_due(self.looked, OFTEN) {
            self.looked = Some(now);
            self.deadlocks(model, &mut notices);
        }
        let seen = self.looked_at_all.map(|(_, changes)| changes);
        if is_due(self.looked_at_all.map(|(at, _)| at), SELDOM) && seen != Some(model.changes()) {
            self.looked_at_all = Some((now, model.changes()));
            self.others(model, &mut notices);
        }
        notices
    }

    /// Looks at the model as it is at the end, however short ago the last look was.
    pub fn step_at_end(&mut self, model: &Model) -> Vec<FindingNotice> {
        (self.looked, self.looked_at_all) = (None, None);
        self.step(model)
    }

    fn deadlocks(&mut self, model: &Model, notices: &mut Vec<FindingNotice>) {
        let at = model.now();
        let found = findings::deadlocks(model);
        let wanted = found.into_iter().filter(|finding| self.is_wanted(finding, model));
        let lasting: BTreeMap<_, _> = wanted.map(|finding| (shown_by(&finding), finding)).collect();
        let over = self.deadlocks.iter().filter(|(shown, _)| !lasting.contains_key(*shown));
        notices.extend(over.map(|(_, finding)| FindingNotice {
            standing: Standing::Resolved,
            finding: finding.clone(),
            at,
        }));
        let new = lasting.iter().filter(|(shown, _)| !self.deadlocks.contains_key(*shown));
        notices.extend(new.map(|(_, finding)| FindingNotice {
            standing: Standing::Firing,
            finding: finding.clone(),
            at,
        }));
        self.deadlocks = lasting;
    }

    /// Whether it is about something that is wanted; what nothing shows is about the machine.
    fn is_wanted(&self, finding: &Finding, model: &Model) -> bool {
        let matches = |evidence: &Evidence| match *evidence {
            Evidence::Request(id) => model.request(id).is_some_and(|request| self.query.matches(&**request, model)),
            Evidence::Load(id) => model.load(id).is_some_and(|load| self.query.matches(&**load, model)),
            Evidence::Unload(id) => model.unload(id).is_some_and(|unload| self.query.matches(&**unload, model)),
        };
        self.query.is_empty()
            || self.query.matches(finding, model)
            || finding.evidence.is_empty()
            || finding.evidence.iter().any(matches)
    }

    fn others(&mut self, model: &Model, notices: &mut Vec<FindingNotice>) {
        let at = model.now();
        for finding in findings::urgent(model) {
            let name = (finding.kind, finding.sentence.clone());
            if self.reported.contains_key(&name) || !self.is_wanted(&finding, model) {
                continue;
            }
            self.reports += 1;
            self.reported.insert(name, self.reports);
            if self.reported.len() > REPORTED
                && let Some(oldest) =
                    self.reported.iter().min_by_key(|(_, number)| **number).map(|(name, _)| name.clone())
            {
                self.reported.remove(&oldest);
            }
            notices.push(FindingNotice { standing: Standing::Firing, finding, at });
        }
    }
}

fn shown_by(finding: &Finding) -> Vec<(&'static str, u64)> {
    finding.evidence.iter().map(|evidence: &Evidence| (evidence.kind(), evidence.id())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Captured, Moment, Syscall, Task};
    use crate::testing::{Helped, Scenario};

    #[test]
    fn a_deadlock_is_reported_when_it_comes_up_and_when_it_is_over() {
        let mut scenario = Scenario::default();
        let second = scenario.asks_for_itself(10_000, 100);
        let mut alerts = FindingAlerts::default();
        scenario.until(200_000);
        assert_eq!(alerts.step(scenario.model()), []);
        scenario.probe(400_000, second, Moment::Named { name: Captured::whole("slow") });
        scenario.until(2_600_000);
        let [notice] = &alerts.step(scenario.model())[..] else { panic!("one") };
        assert_eq!((notice.standing, notice.finding.kind), (Standing::Firing, Kind::Deadlock));
        scenario.until(2_900_000);
        assert_eq!(alerts.step(scenario.model()), []);
        let ended = Moment::LoadEnded { syscall: Syscall::Finit, result: crate::answer::ReturnCode(-4), ending: None };
        scenario.probe(3_200_000, second, ended);
        scenario.until(3_400_000);
        let [notice] = &alerts.step(scenario.model())[..] else { panic!("one") };
        assert_eq!(notice.standing, Standing::Resolved);
    }

    #[test]
    fn another_helper_is_reported_once() {
        let mut scenario = Scenario::default();
        let mut alerts = FindingAlerts::default();
        let mut reported = 0;
        for round in 0..3_u32 {
            let at = 10_000 + u64::from(round) * 6_000_000;
            let requester = Task::new(10, 10, 1, "ping");
            let request = Helped { alias: "net-pf-99", requester, path: "/tmp/modprobe", pid: 100 + round, at };
            scenario.helped(request, 0);
            scenario.ended(request, at + 10_000, 256);
            scenario.until(at + 100_000);
            reported += alerts.step(scenario.model()).len();
        }
        assert_eq!(reported, 1);
    }
}
