//! What a recording that begins in the middle of a trace must know: the facts that were established before it begins.
//!
//! In: the events before its beginning, as they came. Out: the facts that still hold, as of the beginning.

use crate::event::weight::text;
use crate::event::{Body, Event, Fact, Hook, Machine, Module, Moment, Policy, Resolution, Right, SelfTest, Stamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::ids::Tgid;

/// Bytes of what aliases resolve to that are remembered. Beyond that, all of it is forgotten: a request whose alias was
/// resolved before does not show what it stands for then.
const RESOLUTIONS: usize = 16 * 1024 * 1024;

/// The facts that hold.
#[derive(Clone, Debug, Default)]
pub struct Preface {
    /// What the machine is, and an instant at which the wall clock was read.
    machine: Option<(Machine, Stamp)>,
    tracer: Option<Tgid>,
    hooks: Option<Arc<[Hook]>>,
    rights: Option<Arc<[Right]>>,
    policy: Option<Arc<Policy>>,
    self_test: Option<SelfTest>,
    /// `None` while it is not known.
    live: Option<BTreeSet<Arc<str>>>,
    resolutions: BTreeMap<Arc<str>, Arc<Resolution>>,
    /// What those weigh.
    bytes: usize,
}

impl Preface {
    /// Takes what happened before the beginning.
    pub fn take(&mut self, event: &Event) {
        match &event.body {
            Body::Fact(fact) => self.fact(fact, event.at),
            Body::Probe(probe) => self.moment(&probe.moment),
        }
    }

    fn fact(&mut self, fact: &Fact, at: Stamp) {
        match fact {
            Fact::Machine(machine) => self.machine = Some((machine.clone(), at)),
            Fact::ClockSet { wall_ns } => {
                if let Some((machine, read_at)) = &mut self.machine {
                    machine.wall_ns = *wall_ns;
                    *read_at = at;
                }
            }
            Fact::Tracer(process) => self.tracer = Some(*process),
            Fact::Hooks(hooks) => self.hooks = Some(hooks.clone()),
            Fact::Rights(rights) => self.rights = Some(rights.clone()),
            Fact::Policy(policy) => self.policy = Some(policy.clone()),
            Fact::SelfTest(test) => self.self_test = Some(test.clone()),
            Fact::LiveModules(names) => self.live = Some(names.iter().cloned().collect()),
            Fact::Resolved { alias, resolution } => self.resolved(alias, resolution),
            Fact::Stuck { .. }
            | Fact::Gone { .. }
            | Fact::Lost { .. }
            | Fact::Blamed { .. }
            | Fact::Costs(_)
            | Fact::Tick
            | Fact::Drained
            | Fact::End => {}
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "no other moment changes which modules are live")]
    fn moment(&mut self, moment: &Moment) {
        match moment {
            Moment::Live(module) => self.live_changed(module, BTreeSet::insert),
            Moment::Going(module) | Moment::Freed(module) => {
                self.live_changed(module, |live, name| live.remove(&name));
            }
            _ => {}
        }
    }

    fn live_changed(&mut self, module: &Module, change: impl FnOnce(&mut BTreeSet<Arc<str>>, Arc<str>) -> bool) {
        match (module.name.text(), &mut self.live) {
            (Some(name), Some(live)) => {
                change(live, name.clone());
            }
            // Which module it was is not known, so which ones are live is not known either.
            (None, live) => *live = None,
            (Some(_), None) => {}
        }
    }

    fn resolved(&mut self, alias: &Arc<str>, resolution: &Arc<Resolution>) {
        let weight = |resolution: &Resolution| text(alias) + resolution.weight();
        let before = self.resolutions.insert(alias.clone(), resolution.clone());
        self.bytes += weight(resolution);
        self.bytes -= before.map_or(0, |before| weight(&before));
        if self.bytes > RESOLUTIONS {
            self.resolutions.clear();
            self.bytes = 0;
        }
    }

    /// The facts, all at the instant at which the recording begins.
    pub fn events(&self, at: Stamp) -> impl Iterator<Item = Event> {
        let machine = self.machine.as_ref().map(|(machine, read_at)| {
            let since = at.boot.since(read_at.boot).as_nanos();
            let before = read_at.boot.since(at.boot).as_nanos();
            let wall_ns = machine.wall_ns.saturating_add(since).saturating_sub(before);
            Fact::Machine(Machine { wall_ns, ..machine.clone() })
        });
        let once = [
            machine,
            self.tracer.map(Fact::Tracer),
            self.hooks.clone().map(Fact::Hooks),
            self.rights.clone().map(Fact::Rights),
            self.policy.clone().map(Fact::Policy),
            self.live.as_ref().map(|live| Fact::LiveModules(live.iter().cloned().collect())),
            self.self_test.clone().map(Fact::SelfTest),
        ];
        let resolved = self
            .resolutions
            .iter()
            .map(|(alias, resolution)| Fact::Resolved { alias: alias.clone(), resolution: resolution.clone() });
        let facts: Vec<Fact> = once.into_iter().flatten().chain(resolved).collect();
        facts.into_iter().map(move |fact| Event { at, body: Body::Fact(fact) })
    }
}
