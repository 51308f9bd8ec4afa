//! The duplicates screen: groups of requests, or of loads, for the same thing at the same time.

use crate::tui::format;
use crate::tui::table::{Cell, Column, Key, Order, Table, Target, dash, plain};
use crate::tui::theme::Tone;
use modtrail_core::model::Model;
use modtrail_core::model::duplicates::{Group, GroupFacts, Sameness};
use modtrail_core::query::Field;

/// Every group.
#[derive(Clone, Copy, Debug)]
pub struct Duplicates;

impl Table for Duplicates {
    type Item = Group;
    type Store = Model;
    /// One number can begin a group of each sameness.
    type Id = (u64, Sameness);

    const TITLE: &'static str = "duplicates";
    const ONE: &'static str = "group";
    const EMPTY: &'static str = "no concurrent duplicates yet";
    const COLUMNS: &'static [Column<Group>] = &[
        Column::<Group>::new("time", (12, 0), 5, |model, group| plain(format::instant(model, group.began)))
            .instants()
            .sorted(Order::By(|_, group| Key::Number(group.began.boot.as_nanos()))),
        Column::<Group>::new("same", (6, 0), 0, |_, group| plain(group.sameness.words().trim_start_matches("same ")))
            .sorted(Order::By(|_, group| Key::Number(group.sameness as u64))),
        Column::<Group>::new("name", (14, 40), 0, |_, group| plain(group.name.to_string()))
            .shows(&[Field::Alias, Field::Module])
            .sorted(Order::Text(|group| Key::Text(&group.name))),
        Column::<Group>::new("times", (5, 0), 0, |_, group| (group.members.len().to_string(), Tone::Warn))
            .right()
            .sorted(Order::By(|_, group| Key::Number(group.members.len() as u64))),
        Column::<Group>::new("first", (14, 10), 4, |model, group| of(model, group, |facts| format::task(&facts.first)))
            .shows(&[Field::Comm])
            .tasks()
            .sorted(Order::By(|model, group| key(model, group, |facts| Key::task(&facts.first)))),
        Column::<Group>::new("live by", (14, 20), 3, |model, group| live_by(model, group).map_or_else(dash, plain))
            .sorted(Order::By(|model, group| live_by(model, group).map_or(Key::Absent, Key::Owned))),
        Column::<Group>::new("helpers", (7, 0), 1, |model, group| of(model, group, |facts| facts.helpers.to_string()))
            .right()
            .sorted(Order::By(|model, group| key(model, group, |facts| Key::Number(facts.helpers)))),
        Column::<Group>::new("wasted", (9, 0), 2, |model, group| of(model, group, |facts| format::bytes(facts.bytes)))
            .right()
            .sorted(Order::By(|model, group| key(model, group, |facts| Key::Number(facts.bytes)))),
        Column::<Group>::new("in vain", (7, 1), 1, |model, group| of(model, group, |facts| facts.time.to_string()))
            .right()
            .sorted(Order::By(|model, group| key(model, group, |facts| Key::Number(facts.time.as_nanos())))),
    ];
    const FIELDS: &'static [Field] = Group::FIELDS;

    fn items(model: &Model) -> Box<dyn DoubleEndedIterator<Item = &Group> + '_> {
        Box::new(model.duplicates())
    }

    fn count(model: &Model) -> usize {
        model.duplicates().count()
    }

    fn id(group: &Group) -> (u64, Sameness) {
        (group.id, group.sameness)
    }

    fn find(model: &Model, (id, sameness): (u64, Sameness)) -> Option<&Group> {
        model.duplicate(sameness, id)
    }

    fn open(_model: &Model, group: &Group) -> Option<Target> {
        Some(Target::Group(group.sameness, group.id))
    }
}

fn of(model: &Model, group: &Group, text: fn(&GroupFacts) -> String) -> Cell {
    plain(model.group_facts(group).map(|facts| text(&facts)).unwrap_or_default())
}

fn key(model: &Model, group: &Group, key: fn(&GroupFacts) -> Key<'static>) -> Key<'static> {
    model.group_facts(group).map_or(Key::Absent, |facts| key(&facts))
}

fn live_by(model: &Model, group: &Group) -> Option<String> {
    let (task, request) = model.group_facts(group)?.live_by?;
    let request = request.map_or_else(String::new, |request| format!(" for #{}", request.0));
    Some(format!("{}{request}", format::task(&task)))
}
