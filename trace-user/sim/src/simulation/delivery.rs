//! The way from the ring to the pipeline: the order in which events arrive, and what the edge adds.
//!
//! In: records, and what was lost before the ring. Out: events as `source/live.rs` yields them, in batches that each
//! end with a tick; and, in the truth, which moments were delivered.

use super::machine::{BEGAN, Happening, SLEPT, TRACER};
use super::plan::{Plan, Release};
use super::probes::{Drop, Record, attached_at, see};
use super::random::Random;
use super::truth::{self, Truth};
use super::world;
use modtrail_core::event::{Body, Event, Fact, Hook, Lost, Machine, Moment, Probe, SelfTest, Stamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use trace_common::ids::Tgid;
use trace_common::kind::Kind;
use trace_common::time::Ktime;

/// How long after the last event ticks are still sent: everything has ended by then.
const AFTER: u64 = 9_000_000_000;
/// How long events are held back for earlier ones, as in the order stage.
const WINDOW: u64 = 100_000_000;

/// What the edge uses.
struct Edge<'p> {
    plan: &'p Plan,
    random: Random,
    truth: Truth,
    reported: BTreeSet<Arc<str>>,
    events: Vec<Event>,
    last_look: u64,
    /// The latest instant of all that has arrived.
    newest: u64,
}

/// Everything that the source yields.
#[must_use]
pub fn deliver(plan: &Plan, happened: &[Happening], truth: Truth) -> (Vec<Event>, Truth) {
    let (records, drops) = see(plan, happened);
    let begun = attached_at(plan, Kind::Requested).max(BEGAN) + 50_000;
    let last = happened.last().map_or(begun, |last| last.at);
    let end = plan.view.ends_us.map_or(last + AFTER, |ends| BEGAN + u64::from(ends) * 1_000).max(begun);
    let mut edge = Edge {
        plan,
        random: Random::new(u64::from(plan.view.salt) ^ 0xed6e),
        truth,
        reported: BTreeSet::new(),
        events: Vec::new(),
        last_look: begun,
        newest: 0,
    };
    edge.truth.attached = begun;
    edge.truth.ended = end;
    edge.open(begun);
    let mut arrivals = edge.arrivals(records);
    let mut drops: Vec<Drop> = drops;
    let mut look = begun;
    while look < end {
        let busy = arrivals.first_key_value().is_some_and(|((at, _), _)| *at < look + 300_000_000);
        let nap = if busy { edge.random.between(1_000_000, 50_000_000) } else { 250_000_000 };
        look = (look + nap).min(end);
        edge.look(look, &mut arrivals, &mut drops);
    }
    edge.fact(end + 1_000, Fact::End);
    (edge.events, edge.truth)
}

impl Edge<'_> {
    fn fact(&mut self, at: u64, fact: Fact) {
        let at = self.stamp(at);
        self.events.push(Event { at, body: Body::Fact(fact) });
    }

    fn open(&mut self, begun: u64) {
        let machine = Machine { release: "6.1.0-simulated".into(), cpus: 4, ..Machine::default() };
        self.fact(begun.saturating_sub(20_000_000), Fact::Machine(machine));
        self.fact(begun.saturating_sub(20_000_000), Fact::Tracer(Tgid(TRACER)));
        let hooks = Kind::ALL.into_iter().map(|moment| self.hook(moment)).collect();
        self.fact(begun, Fact::Hooks(hooks));
        let read = begun + self.random.between(0, 200_000);
        let live = self.live_modules(read);
        self.fact(begun, live);
        self.fact(begun + 300_000, Fact::SelfTest(SelfTest::Proven));
    }

    fn hook(&self, moment: Kind) -> Hook {
        let view = self.plan.view;
        let is_blind = moment == Kind::Throttled && view.release == Release::V6_1;
        let may_miss = match moment {
            Kind::CallReturned => view.places.is_some(),
            Kind::LoadEnded | Kind::InitEnded => view.load_places.is_some(),
            _ => is_blind,
        };
        let attached = (!is_blind).then(|| "simulated".into());
        Hook { moment, attached, may_miss, loses: "".into(), refused: "".into() }
    }

    /// The modules that the kernel lists as live at `at`.
    fn live_modules(&self, at: u64) -> Fact {
        let is_live = |life: &&truth::Life| life.from.0 <= at && life.gone.is_none_or(|gone| gone.0 > at);
        let names: BTreeSet<Arc<str>> =
            self.truth.lives.iter().filter(is_live).map(|life| Arc::from(life.module)).collect();
        Fact::LiveModules(names.into_iter().collect())
    }

    /// The records by when they can be read.
    fn arrivals(&mut self, records: Vec<Record>) -> BTreeMap<(u64, usize), Record> {
        let view = self.plan.view;
        let mut arrivals = BTreeMap::new();
        for record in records {
            let most = u64::from(view.handover_us) * 1_000;
            let slow = self.random.one_in(8);
            let delay = if slow { self.random.between(0, most) } else { self.random.between(0, most.min(20_000)) };
            let late = self.random.one_in(u64::from(view.late_one_in));
            let delay = if late { self.random.between(150_000_000, 500_000_000) } else { delay };
            arrivals.insert((record.happening.at + delay, record.number), record);
        }
        arrivals
    }

    /// The edge reads what has arrived by `now`, and reports what was lost since it last read.
    fn look(&mut self, now: u64, arrivals: &mut BTreeMap<(u64, usize), Record>, drops: &mut Vec<Drop>) {
        while let Some(((at, _), _)) = arrivals.first_key_value() {
            if *at > now {
                break;
            }
            if let Some((_, record)) = arrivals.pop_first() {
                self.read(record, now);
            }
        }
        if now == self.truth.ended {
            self.catch_up(now, arrivals);
        }
        let since = std::mem::replace(&mut self.last_look, now);
        let mut lost: BTreeMap<Lost, u64> = BTreeMap::new();
        drops.retain(|drop| {
            let is_new = drop.at <= now;
            if is_new && drop.at >= since.min(self.truth.attached) {
                *lost.entry(drop.why).or_default() += 1;
            }
            !is_new
        });
        if !lost.is_empty() {
            let until = now + self.random.between(1_000, 60_000);
            for (why, count) in lost {
                self.truth.lost.push(truth::Lost { why, span: (since, until), count });
                self.fact(since, Fact::Lost { loss: why, count, until: Ktime::from_nanos(until) });
            }
            let read = until + self.random.between(0, 200_000);
            let live = self.live_modules(read);
            self.fact(until, live);
        }
        self.fact(now, Fact::Tick);
    }

    /// Room in the ring is reserved before the record's clock is read, so the cause of a record always precedes it: at
    /// the end of tracing the latest records may be missing, but none in the middle.
    fn catch_up(&mut self, now: u64, arrivals: &mut BTreeMap<(u64, usize), Record>) {
        let newest = self.newest;
        let before = arrivals.extract_if(.., |_, record| record.happening.at <= newest);
        let before: Vec<Record> = before.map(|(_, record)| record).collect();
        for record in before {
            self.read(record, now);
        }
    }

    fn read(&mut self, record: Record, now: u64) {
        let Record { number, happening } = record;
        self.newest = self.newest.max(happening.at);
        if let Moment::Requested(asked) = &happening.moment
            && let Some(alias) = asked.alias.text()
            && self.reported.insert(alias.clone())
        {
            let resolution = Arc::new(world::resolution(alias));
            self.fact(happening.at, Fact::Resolved { alias: alias.clone(), resolution });
        }
        if happening.at + WINDOW < self.last_look {
            self.truth.late.push((happening.at, now));
        }
        if let Some(seen) = self.truth.seen.get_mut(number) {
            *seen = true;
        }
        let cpu = u16::try_from(happening.cpu).unwrap_or(0);
        let probe = Probe { task: happening.task, cpu, of_command: false, moment: happening.moment };
        let at = self.stamp(happening.at);
        self.events.push(Event { at, body: Body::Probe(probe) });
    }

    /// The instant on both clocks.
    fn stamp(&self, at: u64) -> Stamp {
        let slept: u64 = self.truth.sleeps.iter().filter(|(when, _)| *when <= at).map(|(_, long)| long).sum();
        Stamp { mono: Ktime::from_nanos(at), boot: Ktime::from_nanos(at + SLEPT + slept) }
    }
}
