//! The helpers screen: helper calls that serve no request.

use super::stalled::{inside, stalled};
use crate::tui::format;
use crate::tui::table::{Column, Description, Key, Order, Table, Target, dash, number, plain};
use crate::tui::theme::Tone;
use crate::tui::world::World;
use modtrail_core::attribution::purpose::purpose;
use modtrail_core::entities::{Call, CallId, Timed};
use modtrail_core::model::Model;
use modtrail_core::query::Field;
use modtrail_core::stall;

/// Helper calls that serve no request.
#[derive(Clone, Copy, Debug)]
pub struct Helpers;

impl Table for Helpers {
    type Item = Call;
    type Store = Model;
    type Id = CallId;

    const TITLE: &'static str = "helpers";
    const ONE: &'static str = "helper call";
    const EMPTY: &'static str = "no helper calls besides module requests yet";
    const DESCRIPTION: u16 = 5;
    const COLUMNS: &'static [Column<Call>] = &[
        Column::<Call>::new("#", (6, 0), 9, |_, call| number(call.id.0)).right(),
        Column::<Call>::began(4),
        Column::<Call>::new("for", (14, 6), 3, |_, call| plain(purpose(call).unwrap_or("-")))
            .shows(&[Field::Purpose])
            .sorted(Order::Text(|call| Key::text(purpose(call)))),
        Column::<Call>::new("command", (24, 100), 0, |_, call| plain(format::command(call)))
            .shows(&[Field::Helper, Field::Argv])
            .sorted(Order::By(|_, call| Key::Owned(format::command(call)))),
        Column::<Call>::new("caller", (14, 10), 4, |_, call| plain(format::task(&call.caller)))
            .shows(&[Field::Comm])
            .tasks()
            .sorted(Order::By(|_, call| Key::task(&call.caller))),
        Column::<Call>::new("waits", (5, 0), 6, |_, call| plain(call.entry.wait.as_str()))
            .shows(&[Field::Wait])
            .sorted(Order::By(|_, call| Key::Text(call.entry.wait.as_str()))),
        Column::<Call>::new("pid", (7, 0), 5, |_, call| pid(call).map_or_else(dash, |pid| plain(pid.to_string())))
            .right()
            .sorted(Order::By(|_, call| Key::number(pid(call)))),
        Column::<Call>::total(1),
        Column::<Call>::new("result", (8, 5), 2, |_, call| plain(format::call_result(call)))
            .sorted(Order::By(|_, call| Key::Owned(format::call_result(call)))),
    ];
    const FIELDS: &'static [Field] = Call::FIELDS;

    fn items(model: &Model) -> Box<dyn DoubleEndedIterator<Item = &Call> + '_> {
        Box::new(model.calls().map(|call| &**call))
    }

    fn count(model: &Model) -> usize {
        model.calls().len()
    }

    fn id(call: &Call) -> CallId {
        call.id
    }

    fn find(model: &Model, id: CallId) -> Option<&Call> {
        model.call(id).map(|call| &**call)
    }

    fn describe(model: &World<'_>, call: &Call) -> Option<Description> {
        let mut lines = vec![(format!("called by {}", format::task(&call.caller)), Tone::Plain)];
        match call.age(model.now()).filter(|_| !call.is_closed()) {
            Some(age) => stalled(model, &stall::of_call(call, model), age, call.entered, &mut lines),
            None => lines.extend(inside(&call.entry.stack)),
        }
        Some(Description { title: format!("#{} {}", call.id.0, format::command(call)), lines })
    }

    fn open(_model: &Model, call: &Call) -> Option<Target> {
        Some(Target::Call(call.id))
    }
}

fn pid(call: &Call) -> Option<u64> {
    call.helper.map(|(task, _)| u64::from(task.key.tgid.0))
}
