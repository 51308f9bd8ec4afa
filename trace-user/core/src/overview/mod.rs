//! What a person sees first: what needs attention, how much happens and how long it takes, and who and what most often.
//!
//! In: the model, again and again as it grows. Out: counts, percentiles, a timeline, the most frequent names. Pure.
//! Each request and load is counted once, when it is first seen and when it is closed, so that looking again costs what
//! has come since; and what the model gives up later stays counted.

pub mod attention;
mod histogram;
mod names;
mod timeline;

pub use histogram::{Histogram, Percentiles};
pub use names::Names;
pub use timeline::{Bin, Span, Timeline};

use crate::attribution::container::{container, unit};
use crate::entities::{Load, LoadId, Request, RequestId, Timed};
use crate::model::Model;
use std::collections::BTreeSet;

/// What was counted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// What happened when.
    pub timeline: Timeline,
    /// How long requests took that have returned.
    pub total: Histogram,
    /// How long inits ran.
    pub init: Histogram,
    /// What was asked for.
    pub aliases: Names,
    /// The threads' names that asked.
    pub requesters: Names,
    /// The modules that the aliases of closed requests resolve to.
    pub modules: Names,
    /// The systemd units of those who asked.
    pub units: Names,
    /// The containers of those who asked, by id.
    pub containers: Names,
    /// Requests that the model gave up before they could be counted here.
    pub missed: u64,
    /// The model's number of changes when this was counted.
    changes: u64,
    last_request: RequestId,
    open_requests: BTreeSet<RequestId>,
    last_load: LoadId,
    open_loads: BTreeSet<LoadId>,
}

impl Overview {
    /// Counts what is new in the model; returns whether anything was. A model with fewer changes than the one before is
    /// another one: everything is counted from the beginning.
    pub fn refresh(&mut self, model: &Model) -> bool {
        if model.changes() < self.changes {
            *self = Self::default();
        }
        if let Some(first) = model.first() {
            self.timeline.last_until(first.boot);
            self.timeline.last_until(model.now().boot);
        }
        if model.changes() == self.changes {
            return false;
        }
        self.changes = model.changes();
        self.count_requests(model);
        self.count_loads(model);
        true
    }

    fn count_requests(&mut self, model: &Model) {
        for id in std::mem::take(&mut self.open_requests) {
            // One that was given up while it was open has no end that is known.
            if let Some(request) = model.request(id) {
                self.look_again(request);
            }
        }
        let last = self.last_request;
        let fresh: Vec<_> = model.requests().rev().take_while(|request| request.id > last).collect();
        if let Some(newest) = fresh.first() {
            let came = newest.id.0.saturating_sub(last.0);
            self.missed += if model.is_part() { 0 } else { came.saturating_sub(fresh.len() as u64) };
            self.last_request = newest.id;
        }
        for request in fresh.into_iter().rev() {
            self.first_seen(request);
            self.look_again(request);
        }
    }

    /// What is known of a request from its beginning.
    fn first_seen(&mut self, request: &Request) {
        if let Some(bin) = self.timeline.at(request.asked.boot) {
            bin.requests += 1;
        }
        if let Some(alias) = request.requested.alias.text() {
            self.aliases.add(alias);
        }
        self.requesters.add(&request.task.comm.to_text());
        let Some(cgroup) = request.requested.cgroup.as_deref() else { return };
        match (container(cgroup), unit(cgroup)) {
            (Some(container), _) => self.containers.add(container.id),
            (None, Some(unit)) => self.units.add(unit),
            (None, None) => {}
        }
    }

    /// What is known of a request once it is closed.
    fn look_again(&mut self, request: &Request) {
        if !request.closed {
            self.open_requests.insert(request.id);
            return;
        }
        if let Some(module) = request.module() {
            self.modules.add(module);
        }
        if let Some(total) = request.total() {
            self.total.add(total);
            if let Some(bin) = self.timeline.at(request.asked.boot) {
                bin.total.add(total);
            }
        }
    }

    fn count_loads(&mut self, model: &Model) {
        let open = std::mem::take(&mut self.open_loads);
        open.into_iter().filter_map(|id| model.load(id)).for_each(|load| self.look_at_load(load));
        let last = self.last_load;
        let fresh: Vec<_> = model.loads().rev().take_while(|load| load.id > last).collect();
        if let Some(newest) = fresh.first() {
            self.last_load = newest.id;
        }
        fresh.into_iter().rev().for_each(|load| self.look_at_load(load));
    }

    fn look_at_load(&mut self, load: &Load) {
        if !load.closed {
            self.open_loads.insert(load.id);
            return;
        }
        if let Some(init) = load.init_time() {
            self.init.add(init);
            if let Some(bin) = self.timeline.at(load.began.boot) {
                bin.init.add(init);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Body, Event, Fact, Task};
    use crate::testing::{Helped, Scenario, busy};

    fn tops(names: &Names) -> Vec<String> {
        names.top(3).iter().map(|(name, count)| format!("{name} {count}")).collect()
    }

    #[test]
    fn looking_at_each_step_counts_what_looking_once_counts() {
        let events = busy().events;
        let (mut scenario, mut often) = (Scenario::default(), Overview::default());
        let mut looks = 0;
        for event in events {
            let at = event.at;
            scenario.send(event);
            // What came is only released as time passes.
            scenario.send(Event { at, body: Body::Fact(Fact::Tick) });
            looks += usize::from(often.refresh(scenario.model()));
        }
        assert!(looks > 10, "{looks}");
        let mut once = Overview::default();
        assert!(once.refresh(scenario.model()));
        assert!(!once.refresh(scenario.model()), "nothing is new");
        assert_eq!(often.timeline.spans(1), once.timeline.spans(1));
        assert_eq!((&often.total, &often.init, &often.aliases), (&once.total, &once.init, &once.aliases));
        let spans = once.timeline.spans(1);
        assert_eq!(spans[0].bin.requests, scenario.model().requests().len() as u64);
        let closed = scenario.model().requests().filter(|request| request.total().is_some()).count() as u64;
        assert_eq!(once.total.count(), closed);
        assert_eq!(tops(&once.aliases), ["net-pf-99 2", "block-major-2 1", "can-proto-1 1"]);
        assert_eq!(tops(&once.requesters)[0], "a-long-commname 2");
        assert_eq!(tops(&once.units)[0], "session-3.scope 9");
        assert!(once.containers.is_empty());
        assert_eq!(once.missed, 0);
    }

    #[test]
    fn a_request_counts_once_however_often_it_changes_and_its_total_when_it_is_known() {
        let mut scenario = Scenario::default();
        let requester = Task::new(412, 412, 5, "ping");
        let helped = Helped { alias: "net-pf-29", requester, path: "/sbin/modprobe", pid: 413, at: 10_000 };
        let mut overview = Overview::default();
        scenario.helped(helped, 0);
        scenario.until(500_000);
        overview.refresh(scenario.model());
        assert_eq!((overview.aliases.top(1)[0].1, overview.total.count()), (1, 0));
        scenario.ended(helped, 600_000, 256);
        scenario.until(2_000_000);
        overview.refresh(scenario.model());
        assert_eq!((overview.aliases.top(1)[0].1, overview.total.count()), (1, 1));
        assert_eq!(overview.total.percentiles().map(|found| found.p50), scenario.request(1).total());
        overview.refresh(&Model::default());
        assert!(overview.aliases.is_empty(), "another model is counted from the beginning");
    }
}
