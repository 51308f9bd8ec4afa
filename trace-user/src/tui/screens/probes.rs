//! The probes screen: how each moment is seen, what that loses, and what it costs.

use crate::tui::format;
use crate::tui::table::{Cell, Column, Description, Order, Table, dash, plain};
use crate::tui::theme::Tone;
use crate::tui::world::World;
use modtrail_core::event::{Hook, ProbeCost, Right};
use modtrail_core::model::Model;
use modtrail_core::query::Field;
use trace_common::kind::Kind;

/// Every moment.
#[derive(Clone, Copy, Debug)]
pub struct Probes;

impl Table for Probes {
    type Item = Hook;
    type Store = Model;
    type Id = Kind;

    const TITLE: &'static str = "probes";
    const ONE: &'static str = "moment";
    const EMPTY: &'static str = "the source did not say by what it sees";
    const NEWEST_FIRST: bool = false;
    const DESCRIPTION: u16 = 6;
    const SHOWS_COSTS: bool = true;
    const COLUMNS: &'static [Column<Hook>] = &[
        Column::<Hook>::new("moment", (16, 6), 0, |_, hook| plain(hook.moment.name()))
            .shows(&[Field::Moment])
            .sorted(Order::Own),
        Column::<Hook>::new("attached", (26, 24), 0, |_, hook| match &hook.attached {
            Some(attached) => plain(attached.to_string()),
            None => ("not seen".into(), Tone::Bad),
        })
        .shows(&[Field::Hook]),
        Column::<Hook>::new("runs", (6, 3), 3, |model, hook| {
            cost(model, hook).map_or_else(dash, |cost| plain(format::count(cost.runs)))
        })
        .right(),
        Column::<Hook>::new("per run", (7, 1), 2, |model, hook| {
            cost(model, hook).and_then(|cost| cost.per_run()).map_or_else(dash, |time| plain(time.to_string()))
        })
        .right(),
        Column::<Hook>::new("loses", (12, 150), 1, loses),
    ];
    const FIELDS: &'static [Field] = Hook::FIELDS;

    fn items(model: &Model) -> Box<dyn DoubleEndedIterator<Item = &Hook> + '_> {
        Box::new(model.hooks().iter())
    }

    fn count(model: &Model) -> usize {
        model.hooks().len()
    }

    fn id(hook: &Hook) -> Kind {
        hook.moment
    }

    fn find(model: &Model, moment: Kind) -> Option<&Hook> {
        model.hooks().iter().find(|hook| hook.moment == moment)
    }

    /// How a moment is seen, what that loses, and what the kernel refused.
    fn describe(model: &World<'_>, hook: &Hook) -> Option<Description> {
        let seen = match &hook.attached {
            Some(attached) if hook.may_miss => (format!("seen by {attached}, which may miss some"), Tone::Warn),
            Some(attached) => (format!("seen by {attached}"), Tone::Plain),
            None if hook.can_happen() => ("not seen on this kernel".to_owned(), Tone::Bad),
            None => ("does not happen on this kernel".to_owned(), Tone::Plain),
        };
        let loses = if hook.loses.is_empty() { "nothing" } else { &*hook.loses };
        let refused = if hook.refused.is_empty() { "none" } else { &*hook.refused };
        let mut lines = vec![
            seen,
            (format!("loses: {loses}"), Tone::Plain),
            (format!("preferred hooks that failed: {refused}"), Tone::Dim),
        ];
        lines.extend(model.costs().map(|costs| (format::own_costs(costs), Tone::Dim)));
        let kept: Vec<&str> = model.rights().iter().map(|right| &*right.capability).collect();
        if !kept.is_empty() {
            lines.push((format!("privileges in force: {}", kept.join(", ")), Tone::Dim));
        }
        if model.costs().is_some() {
            lines.push(("runs are counted while this screen is open".to_owned(), Tone::Dim));
        }
        let why = |right: &Right| (format!("{} {}", right.capability, right.why), Tone::Dim);
        lines.extend(model.rights().iter().map(why));
        Some(Description { title: hook.moment.name().to_owned(), lines })
    }
}

fn cost(model: &Model, hook: &Hook) -> Option<ProbeCost> {
    model.costs().and_then(|costs| costs.of(hook.moment))
}

fn loses(_model: &World<'_>, hook: &Hook) -> Cell {
    match (hook.may_miss, hook.loses.is_empty()) {
        (true, true) => ("may miss some".into(), Tone::Warn),
        (true, false) => (format!("may miss some; {}", hook.loses), Tone::Warn),
        (false, _) => (hook.loses.to_string(), Tone::Warn),
    }
}
