//! The suspend screen: every attempt to suspend or hibernate.

use crate::tui::format;
use crate::tui::table::{Cell, Column, Key, Order, Table, Target, duration, number, plain};
use crate::tui::theme::Tone;
use crate::tui::world::World;
use modtrail_core::entities::{Cycle, CycleId, Timed};
use modtrail_core::explain::cycle::attempt;
use modtrail_core::model::Model;
use modtrail_core::query::Field;
use trace_common::time::Nanos;

/// Every suspend cycle.
#[derive(Clone, Copy, Debug)]
pub struct Suspends;

impl Table for Suspends {
    type Item = Cycle;
    type Store = Model;
    type Id = CycleId;

    const TITLE: &'static str = "suspend";
    const ONE: &'static str = "suspend cycle";
    const EMPTY: &'static str = "no suspend or hibernate attempts yet";
    const COLUMNS: &'static [Column<Cycle>] = &[
        Column::<Cycle>::new("#", (4, 0), 9, |_, cycle| number(cycle.id.0)).right(),
        Column::<Cycle>::began(3),
        Column::<Cycle>::new("verdict", (15, 0), 0, |_, cycle| {
            (cycle.verdict().as_str().into(), format::cycle_tone(cycle))
        })
        .sorted(Order::By(|_, cycle| Key::Number(cycle.verdict() as u64))),
        Column::<Cycle>::new("awake", (6, 1), 1, awake)
            .right()
            .sorted(Order::Growing(|model, cycle| Key::time(cycle.age(model.now())))),
        Column::<Cycle>::new("asleep", (6, 1), 2, |model, cycle| {
            duration(Some(cycle.asleep(model.now())).filter(|asleep| *asleep > Nanos::ZERO))
        })
        .right()
        .sorted(Order::Growing(|model, cycle| Key::Number(cycle.asleep(model.now()).as_nanos()))),
        Column::<Cycle>::new("drain", (6, 1), 1, |_, cycle| duration(cycle.disable.time()))
            .right()
            .sorted(Order::By(|_, cycle| Key::time(cycle.disable.time()))),
        Column::<Cycle>::new("helpers", (14, 60), 0, |_, cycle| {
            (format::met(cycle), if cycle.culprits.is_empty() { Tone::Plain } else { Tone::Bad })
        })
        .sorted(Order::By(|_, cycle| Key::Number(cycle.met().count() as u64))),
        Column::<Cycle>::new("what", (14, 40), 4, what)
            .shows(&[Field::Outcome])
            .sorted(Order::By(|_, cycle| Key::Owned(attempt(cycle)))),
    ];
    const FIELDS: &'static [Field] = Cycle::FIELDS;

    fn items(model: &Model) -> Box<dyn DoubleEndedIterator<Item = &Cycle> + '_> {
        Box::new(model.cycles().map(|cycle| &**cycle))
    }

    fn count(model: &Model) -> usize {
        model.cycles().len()
    }

    fn id(cycle: &Cycle) -> CycleId {
        cycle.id
    }

    fn find(model: &Model, id: CycleId) -> Option<&Cycle> {
        model.cycle(id).map(|cycle| &**cycle)
    }

    fn open(_model: &Model, cycle: &Cycle) -> Option<Target> {
        Some(Target::Cycle(cycle.id))
    }
}

fn awake(model: &World<'_>, cycle: &Cycle) -> Cell {
    let awake = cycle.age_so_far(model.now());
    if cycle.ended.is_some() { plain(awake.to_string()) } else { (format::growing(awake), Tone::Busy) }
}

fn what(_model: &World<'_>, cycle: &Cycle) -> Cell {
    if cycle.group == cycle.id {
        plain(attempt(cycle))
    } else {
        plain(format!("again, after #{}: {}", cycle.group.0, attempt(cycle)))
    }
}
