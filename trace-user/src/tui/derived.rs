//! What is computed from the model for several screens: the findings, the overview's counts, and what needs attention.
//!
//! In: the model, at each tick. Out: the same, fresh. The screens share it, so that nothing is searched for twice.

use super::go::{FindingId, Go, Target};
use modtrail_core::event::Stamp;
use modtrail_core::findings::{self, Finding};
use modtrail_core::model::Model;
use modtrail_core::overview::Overview;
use modtrail_core::overview::attention::{Concern, Lead, concerns};
use std::sync::Arc;
use trace_common::time::Nanos;

/// The shortest time between two searches for findings: each looks at everything that the model keeps.
const PAUSE: Nanos = Nanos::from_secs(1);

/// What was computed.
#[derive(Clone, Debug, Default)]
pub struct Derived {
    found: Arc<AllFound>,
    overview: Overview,
    concerns: Vec<Concern>,
    from: Option<Searched>,
}

/// A finding, and what identifies it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The finding.
    pub finding: Finding,
    /// What identifies it.
    pub id: FindingId,
}

/// The findings of a model, oldest first.
#[derive(Clone, Debug, Default)]
pub struct AllFound {
    found: Vec<Found>,
    from: Option<Searched>,
}

/// The state of the model that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Searched {
    changes: u64,
    now: Stamp,
}

impl Searched {
    fn of(model: &Model) -> Self {
        Self { changes: model.changes(), now: model.now() }
    }
}

impl Derived {
    /// Whether what a page shows is still kept.
    #[must_use]
    pub fn keeps(&self, model: &Model, target: Target) -> bool {
        match target {
            Target::Request(id) => model.request(id).is_some(),
            Target::Cycle(id) => model.cycle(id).is_some(),
            Target::Load(id) => model.load(id).is_some(),
            Target::Call(id) => model.call(id).is_some(),
            Target::Firmware(id) => model.firmware_request(id).is_some(),
            Target::Group(sameness, id) => model.duplicate(sameness, id).is_some(),
            Target::Finding(id) => self.found.find(id).is_some(),
        }
    }

    /// The overview's counts, as they were made while the model came to be.
    pub fn set_overview(&mut self, overview: Overview) {
        self.overview = overview;
    }

    /// Computes again what the model has changed since. What has been open for `limit` is stalled. `is_still`: the
    /// model's time does not go on by itself.
    pub fn refresh(&mut self, model: &Model, limit: Nanos, is_still: bool) {
        if self.found.is_stale(model, if is_still { Nanos::ZERO } else { PAUSE }) {
            self.found = Arc::new(AllFound::of(model));
            self.from = None;
        }
        self.overview.refresh(model);
        if self.from != Some(Searched::of(model)) {
            let findings: Vec<Finding> = self.found.found.iter().map(|found| found.finding.clone()).collect();
            self.concerns = concerns(model, &findings, limit);
            self.from = Some(Searched::of(model));
        }
    }

    /// The findings.
    #[must_use]
    pub const fn found(&self) -> &Arc<AllFound> {
        &self.found
    }

    /// The overview's counts.
    #[must_use]
    pub const fn overview(&self) -> &Overview {
        &self.overview
    }

    /// What needs attention, the newest first.
    #[must_use]
    pub fn concerns(&self) -> &[Concern] {
        &self.concerns
    }

    /// Where a concern leads to.
    #[must_use]
    pub fn go(&self, lead: Lead) -> Go {
        let target = match lead {
            Lead::Finding(place) => self.found.found.get(place).map(|found| Target::Finding(found.id)),
            Lead::Request(id) => Some(Target::Request(id)),
            Lead::Load(id) => Some(Target::Load(id)),
            Lead::Call(id) => Some(Target::Call(id)),
            Lead::Firmware(id) => Some(Target::Firmware(id)),
            Lead::Cycle(id) => Some(Target::Cycle(id)),
            Lead::Probes => None,
        };
        target.map_or_else(|| Go::rows("probes", String::new()), Go::Page)
    }
}

impl AllFound {
    /// The findings of a model.
    fn of(model: &Model) -> Self {
        let mut found: Vec<Found> = Vec::new();
        let mut all = findings::all(model);
        all.sort_by_key(|finding| (finding.at.boot, finding.kind));
        for finding in all {
            let (at, kind) = (finding.at.boot, finding.kind);
            let before = found.last().map(|found| found.id).filter(|before| (before.at, before.kind) == (at, kind));
            let place = before.map_or(0, |before| before.place + 1);
            found.push(Found { finding, id: FindingId { at, kind, place } });
        }
        Self { found, from: Some(Searched::of(model)) }
    }

    /// Whether the model may have other findings by now, if its time is later by `pause` at least. While something is
    /// open, time alone can make one.
    fn is_stale(&self, model: &Model, pause: Nanos) -> bool {
        let Some(from) = self.from else { return true };
        let now = model.now();
        let is_due = from.changes == 0 || now < from.now || now.mono.since(from.now.mono) >= pause;
        is_due && (from.changes != model.changes() || (from.now != now && model.has_open()))
    }

    /// All of them, oldest first.
    #[must_use]
    pub fn all(&self) -> &[Found] {
        &self.found
    }

    /// One of them, while it lasts.
    #[must_use]
    pub fn find(&self, id: FindingId) -> Option<&Found> {
        self.found.iter().find(|found| found.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modtrail_core::answer::ReturnCode;
    use modtrail_core::event::{Captured, Moment, Syscall, Task};
    use modtrail_core::findings::Kind;
    use modtrail_core::stall;
    use modtrail_core::testing::{Helped, Scenario};

    /// insmod loads a module that asks for itself: a deadlock, once that has lasted for a second.
    fn stuck() -> Scenario {
        let mut scenario = Scenario::default();
        let second = scenario.asks_for_itself(10_000, 100);
        scenario.probe(30_100, second, Moment::Named { name: Captured::whole("slow") });
        scenario
    }

    #[test]
    fn findings_are_searched_for_again_when_the_model_has_changed_and_not_before() {
        let mut scenario = stuck();
        scenario.until(500_000);
        let mut derived = Derived::default();
        let mut search = |scenario: &Scenario| {
            let before = derived.found.clone();
            derived.refresh(scenario.model(), stall::LIMIT, false);
            let kinds: Vec<Kind> = derived.found.found.iter().map(|found| found.finding.kind).collect();
            (!Arc::ptr_eq(&before, &derived.found), kinds)
        };
        assert_eq!(search(&scenario), (true, vec![]));
        assert_eq!(search(&scenario), (false, vec![]), "nothing has changed");
        scenario.until(1_200_000);
        assert_eq!(search(&scenario), (false, vec![]), "a search is not repeated within a second");
        scenario.until(1_600_000);
        assert_eq!(search(&scenario), (true, vec![Kind::Deadlock]), "time alone makes a deadlock of what is open");
        let ended = Moment::LoadEnded { syscall: Syscall::Finit, result: ReturnCode::OK, ending: None };
        scenario.probe(5_000_000, Task::new(100, 100, 1, "insmod"), ended);
        scenario.until(6_000_000);
        assert_eq!(search(&scenario), (true, vec![]));
        scenario.until(9_000_000);
        assert_eq!(search(&scenario).0, scenario.model().has_open(), "time changes nothing if nothing is open");
    }

    #[test]
    fn findings_that_begin_together_are_told_apart() {
        let mut scenario = Scenario::default();
        let files = ["a", "b"].map(|module| modtrail_core::event::UnusableFile {
            module: module.into(),
            path: format!("/lib/{module}.ko").into(),
            fault: modtrail_core::event::FileFault::Missing,
        });
        let wanted = modtrail_core::event::Wanted {
            name: "a".into(),
            unusable_files: files.into(),
            ..modtrail_core::event::Wanted::default()
        };
        let resolution = modtrail_core::event::Resolution {
            known: true,
            modules: vec![wanted],
            ..modtrail_core::event::Resolution::default()
        };
        let fact = modtrail_core::event::Fact::Resolved { alias: "net-pf-29".into(), resolution: resolution.into() };
        scenario.fact(1, fact);
        let requester = Task::new(412, 412, 5, "ping");
        scenario.helped(Helped { alias: "net-pf-29", requester, path: "/sbin/modprobe", pid: 413, at: 10_000 }, 0);
        scenario.until(500_000);
        let all = AllFound::of(scenario.model());
        let found = all.found.iter().filter_map(|found| all.find(found.id));
        let found: Vec<&str> =
            found.map(|found| found.finding.sentence.rsplit('/').next().unwrap_or_default()).collect();
        assert_eq!(found, ["a.ko, is missing", "b.ko, is missing"]);
    }
}
