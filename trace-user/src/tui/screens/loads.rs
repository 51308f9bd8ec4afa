//! The loads screen: every attempt to load a module, by any task.

use super::stalled::stalled;
use crate::tui::format;
use crate::tui::table::{Column, Description, Key, Order, Table, Target, dash, duration, number, plain};
use crate::tui::theme::Tone;
use crate::tui::world::World;
use modtrail_core::attribution::container::{container, unit};
use modtrail_core::entities::{Load, LoadId, Timed};
use modtrail_core::explain::load::{explain_load, subject};
use modtrail_core::model::Model;
use modtrail_core::query::Field;
use modtrail_core::report::{json, line};
use modtrail_core::stall;

/// Every load.
#[derive(Clone, Copy, Debug)]
pub struct Loads;

impl Table for Loads {
    type Item = Load;
    type Store = Model;
    type Id = LoadId;

    const TITLE: &'static str = "loads";
    const ONE: &'static str = "load";
    const EMPTY: &'static str = "no module has been loaded yet";
    const DESCRIPTION: u16 = 5;
    const COLUMNS: &'static [Column<Load>] = &[
        Column::<Load>::new("#", (6, 0), 9, |_, load| number(load.id.0)).right(),
        Column::<Load>::began(4),
        Column::<Load>::new("module", (14, 30), 0, |_, load| plain(name(load)))
            .sorted(Order::Text(|load| Key::text(Some(name(load))))),
        Column::<Load>::new("by", (14, 10), 3, |_, load| plain(format::task(&load.task)))
            .tasks()
            .sorted(Order::By(|_, load| Key::task(&load.task))),
        Column::<Load>::new("for", (8, 46), 5, |model, load| {
            load.request.map_or_else(dash, |id| plain(format::request_name(model, id)))
        })
        .sorted(Order::By(|_, load| Key::number(load.request.map(|id| id.0)))),
        Column::<Load>::new("result", (8, 5), 1, |_, load| {
            (format::load_result(load), if load.failed() { Tone::Bad } else { Tone::Plain })
        })
        .sorted(Order::By(|_, load| Key::Owned(format::load_result(load)))),
        Column::<Load>::new("size", (9, 0), 6, |_, load| {
            load.bytes.map_or_else(dash, |bytes| plain(format::bytes(bytes)))
        })
        .right()
        .sorted(Order::By(|_, load| Key::number(load.bytes))),
        Column::<Load>::new("init", (6, 1), 7, |_, load| duration(load.init_time()))
            .right()
            .sorted(Order::By(|_, load| Key::time(load.init_time()))),
        Column::<Load>::new("to live", (7, 0), 2, |_, load| duration(load.to_live()))
            .right()
            .sorted(Order::By(|_, load| Key::time(load.to_live()))),
        Column::<Load>::total(1),
    ];
    const FIELDS: &'static [Field] = Load::FIELDS;

    fn items(model: &Model) -> Box<dyn DoubleEndedIterator<Item = &Load> + '_> {
        Box::new(model.loads().map(|load| &**load))
    }

    fn count(model: &Model) -> usize {
        model.loads().len()
    }

    fn id(load: &Load) -> LoadId {
        load.id
    }

    fn find(model: &Model, id: LoadId) -> Option<&Load> {
        model.load(id).map(|load| &**load)
    }

    fn describe(model: &World<'_>, load: &Load) -> Option<Description> {
        let request = load.request.map_or_else(String::new, |id| format!(" for {}", format::request_name(model, id)));
        let tone = if load.failed() { Tone::Bad } else { Tone::Plain };
        let by = format!("by {}{request}{}", format::task(&load.task), from(load));
        let mut lines = vec![(explain_load(load), tone), (by, Tone::Plain)];
        lines.extend(load.printed.iter().map(|line| (format!("printed: {line}"), Tone::Dim)));
        if let Some(age) = load.age(model.now()).filter(|_| !load.closed) {
            stalled(model, &stall::of_load(load), age, load.began, &mut lines);
        }
        let title = format!("#{} {}", load.id.0, name(load));
        Some(Description { title, lines })
    }

    fn text(world: &World<'_>, load: &Load) -> String {
        line::load_line(load, world.model)
    }

    fn json(world: &World<'_>, load: &Load) -> String {
        json::load_line(load, world.model)
    }

    fn open(_model: &Model, load: &Load) -> Option<Target> {
        Some(Target::Load(load.id))
    }
}

/// The module, or else the file, that is loaded.
fn name(load: &Load) -> &str {
    if load.module.is_none() && load.file.is_none() { "-" } else { subject(load) }
}

/// Where the task comes from, as far as is known: its parent, unit, container and user.
fn from(load: &Load) -> String {
    let Some(origin) = &load.origin else { return String::new() };
    let cgroup = origin.cgroup.as_deref();
    let parent = origin.parent.as_ref().map(|parent| format!("parent {}[{}]", parent.comm, parent.process.0));
    let unit = cgroup.and_then(unit).map(|unit| format!("unit {unit}"));
    let container = cgroup.and_then(container).map(|container| format!("container {}", container.id));
    let words = [parent, unit, container, Some(format!("uid {}", origin.uid))];
    format!(", {}", words.into_iter().flatten().collect::<Vec<_>>().join(", "))
}
