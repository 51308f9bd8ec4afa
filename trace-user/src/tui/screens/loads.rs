//! The loads screen: every attempt to load a module, by any task.

use super::stalled::stalled;
use crate::tui::format;
use crate::tui::table::{Column, Description, Key, Order, Table, Target, dash, duration, number, plain};
use crate::tui::theme::Tone;
use crate::tui::world::World;
use modtrail_core::attribution::container::{container, unit};
use modtrail_core::entities::device::Attempt;
use modtrail_core::entities::{Device, Load, LoadId, Timed};
use modtrail_core::explain::device::attempt_words;
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
            .shows(&[Field::Module, Field::File])
            .sorted(Order::Text(|load| Key::text(Some(name(load))))),
        Column::<Load>::new("by", (14, 10), 3, |_, load| plain(format::task(&load.task)))
            .shows(&[Field::Comm])
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
        let device = |(device, attempt): (&Device, &Attempt)| {
            let tone = if attempt.outcome.is_failure() { Tone::Bad } else { Tone::Plain };
            (format!("device: {}", attempt_words(device, attempt, load)), tone)
        };
        lines.extend(model.attempts_of(load.id).map(device));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{Mode, UiState};
    use modtrail_core::answer::Errno;
    use modtrail_core::event::{DeviceMoment, Moment, Task};
    use modtrail_core::testing::{Scenario, tried};

    #[test]
    fn a_load_shows_each_device_that_its_driver_was_tried_on() {
        let mut scenario = Scenario::default();
        let udev = Task::new(300, 300, 3, "(udev-worker)");
        scenario.load(10_000, udev, "lm75");
        let tried = |device| tried("i2c", device, "lm75", Some("lm75"));
        scenario.probe(13_000, udev, Moment::Device(DeviceMoment::Bound(tried("0-0048"))));
        scenario.went_live(20_000, udev, "lm75");
        let failed = DeviceMoment::Failed { tried: tried("0-0049"), error: Some(Errno::EIO) };
        scenario.probe(24_000, udev, Moment::Device(failed));
        scenario.until(1_000_000);
        let load = scenario.model().loads().next().expect("a load");
        let state = UiState::new(Mode::Live);
        let shown = Loads::describe(&state.world(scenario.model()), load).expect("a description").lines;
        let devices: Vec<_> = shown.iter().filter(|(line, _)| line.starts_with("device: ")).collect();
        let failed = "device: lm75 failed on 0-0049 (i2c) 4.00ms after it went live: EIO (input/output error)";
        let expected = [
            ("device: lm75 is bound to 0-0048 (i2c) before it went live".to_owned(), Tone::Plain),
            (failed.to_owned(), Tone::Bad),
        ];
        assert_eq!(devices, expected.iter().collect::<Vec<_>>());
    }
}
