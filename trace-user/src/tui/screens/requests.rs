//! The requests screen: every request, newest first.

use super::stalled::stalled;
use crate::tui::format;
use crate::tui::table::{Column, Description, Key, Order, Table, Target, dash, duration, number, plain};
use crate::tui::theme::Tone;
use crate::tui::world::World;
use modtrail_core::attribution::known::with_name;
use modtrail_core::entities::{Request, RequestId, Timed as _};
use modtrail_core::explain::explain;
use modtrail_core::model::Model;
use modtrail_core::query::Field;
use modtrail_core::report::{json, line};
use modtrail_core::stall;

/// Every request.
#[derive(Clone, Copy, Debug)]
pub struct Requests;

impl Table for Requests {
    type Item = Request;
    type Store = Model;
    type Id = RequestId;

    const TITLE: &'static str = "requests";
    const ONE: &'static str = "request";
    const EMPTY: &'static str = "no module has been asked for yet";
    const COLUMNS: &'static [Column<Request>] = &[
        Column::<Request>::new("#", (6, 0), 9, |_, request| number(request.id.0)).right(),
        Column::<Request>::began(4),
        Column::<Request>::new("alias", (12, 48), 0, |_, request| plain(with_name(&request.requested.alias)))
            .shows(&[Field::Alias])
            .sorted(Order::Text(|request| Key::captured(&request.requested.alias))),
        Column::<Request>::new("verdict", (14, 0), 0, |world, request| {
            if request.is_open() && request.age_so_far(world.now()) >= world.limit {
                return ("stalled".into(), Tone::Bad);
            }
            (format::verdict(request.verdict).into(), format::verdict_tone(request.verdict))
        })
        .shows(&[Field::Verdict])
        .sorted(Order::By(|_, request| Key::Number(request.verdict as u64))),
        Column::<Request>::new("module", (12, 16), 6, |_, request| {
            plain(request.module().map_or("-", |module| module))
        })
        .shows(&[Field::Module])
        .sorted(Order::Text(|request| Key::text(request.module().map(|module| &**module)))),
        Column::<Request>::new("requester", (13, 11), 3, |_, request| plain(format::task(&request.task)))
            .shows(&[Field::Comm])
            .tasks()
            .sorted(Order::By(|_, request| Key::task(&request.task))),
        Column::<Request>::total(1),
        Column::<Request>::new("to live", (7, 0), 2, |_, request| duration(request.to_live()))
            .right()
            .sorted(Order::By(|_, request| Key::time(request.to_live()))),
        Column::<Request>::new("result", (7, 6), 5, |_, request| match request.is_open() {
            true => (format::stage(request).into(), Tone::Busy),
            false => plain(format::request_result(request)),
        })
        .sorted(Order::By(|_, request| Key::Owned(format::request_result(request)))),
        Column::<Request>::new("dup", (4, 0), 7, |_, request| match duplicates(request) {
            0 => dash(),
            duplicates => (duplicates.to_string(), Tone::Warn),
        })
        .right()
        .sorted(Order::By(|_, request| Key::Number(u64::from(duplicates(request))))),
    ];
    const FIELDS: &'static [Field] = Request::FIELDS;

    fn items(model: &Model) -> Box<dyn DoubleEndedIterator<Item = &Request> + '_> {
        Box::new(model.requests().map(|request| &**request))
    }

    fn count(model: &Model) -> usize {
        model.requests().len()
    }

    fn id(request: &Request) -> RequestId {
        request.id
    }

    fn find(model: &Model, id: RequestId) -> Option<&Request> {
        model.request(id).map(|request| &**request)
    }

    fn describe(world: &World<'_>, request: &Request) -> Option<Description> {
        let mut lines = vec![(explain(request), format::verdict_tone(request.verdict))];
        if let Some(age) = request.age(world.now()).filter(|_| request.is_open()) {
            stalled(world, &stall::of_request(request, world), age, request.asked, &mut lines);
        }
        let title = format!("#{} {}", request.id.0, with_name(&request.requested.alias));
        Some(Description { title, lines })
    }

    fn text(world: &World<'_>, request: &Request) -> String {
        line::request_line(request, world.model)
    }

    fn json(world: &World<'_>, request: &Request) -> String {
        json::request_line(request, world.model)
    }

    fn open(_model: &Model, request: &Request) -> Option<Target> {
        Some(Target::Request(request.id))
    }
}

/// How many others asked for the same thing, counted in any way.
fn duplicates(request: &Request) -> u32 {
    let counts = request.duplicates;
    counts.same_alias.saturating_add(counts.same_module).saturating_add(counts.same_file)
}
