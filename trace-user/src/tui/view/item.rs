//! The pages of what a list describes in a few lines: loads, helper calls, firmware requests, groups of duplicates,
//! findings. Each shows the description in full, and what it belongs with.

use super::page::{Lines, Page};
use crate::tui::derived::Found;
use crate::tui::format;
use crate::tui::screens::findings::{tone, words};
use crate::tui::screens::firmware::FirmwareRequests;
use crate::tui::screens::helpers::Helpers;
use crate::tui::screens::loads::Loads;
use crate::tui::table::{Go, Table, Target};
use crate::tui::theme::{Theme, Tone};
use crate::tui::world::World;
use modtrail_core::attribution::container::{container, unit};
use modtrail_core::entities::{Call, Firmware, Load, LoadId, RequestId, Timed};
use modtrail_core::event::Task;
use modtrail_core::findings::Evidence;
use modtrail_core::model::duplicates::{Group, Sameness};
use modtrail_core::query::{Field, exactly};

/// Members and pieces of evidence that are listed.
const LISTED: usize = 200;

/// A page that begins with the description of an item of a list.
fn described<T: Table>(world: &World<'_>, item: &T::Item, theme: Theme, width: u16) -> Lines {
    let mut page = Lines::new(theme, width.saturating_sub(1));
    if let Some(description) = T::describe(world, item) {
        page.heading(&format!("{} {}", T::ONE, description.title));
        description.lines.iter().for_each(|(text, tone)| page.text(text, *tone));
    }
    page.heading("related");
    page
}

/// How long something took, and when it began.
fn times<I: Timed>(page: &mut Lines, world: &World<'_>, item: &I) {
    page.field("began", &format::instant_with_unit(world, item.began()));
    let total = match item.total() {
        Some(total) => total.to_string(),
        None if item.is_closed() => "unknown: its end was not seen".to_owned(),
        None => format::growing(item.age_so_far(world.now())),
    };
    page.field("total", &total);
}

fn rows(screen: &'static str, filter: String) -> Go {
    Go::rows(screen, filter)
}

fn process(screen: &'static str, task: &Task) -> Go {
    rows(screen, format!("pid={}", task.key.tgid.0))
}

/// A load.
#[must_use]
pub fn load(world: &World<'_>, load: &Load, theme: Theme, width: u16) -> Page {
    let mut page = described::<Loads>(world, load, theme, width);
    if let Some(id) = load.request {
        page.link("for", &format::request_name(world, id), Go::Page(Target::Request(id)));
    }
    page.link("loader", &format::task(&load.task), process("loads", &load.task));
    if let Some(module) = &load.module {
        page.link("module", module, rows("loads", exactly(Field::Module, module)));
        page.link("requests", &format!("for {module}"), rows("requests", exactly(Field::Module, module)));
    }
    let cgroup = load.origin.as_ref().and_then(|origin| origin.cgroup.as_deref());
    if let Some(container) = cgroup.and_then(container) {
        let name = format!("{} {}", container.engine, container.id);
        page.link("container", &name, rows("loads", exactly(Field::Container, container.id)));
    } else if let Some(unit) = cgroup.and_then(unit) {
        page.link("unit", unit, rows("loads", exactly(Field::Unit, unit)));
    }
    times(&mut page, world, load);
    page.field("result", &format::load_result(load));
    page.field("init", &load.init_time().map_or_else(|| "-".to_owned(), |init| init.to_string()));
    Page::of(page.lines)
}

/// A helper call that serves no request.
#[must_use]
pub fn call(world: &World<'_>, call: &Call, theme: Theme, width: u16) -> Page {
    let mut page = described::<Helpers>(world, call, theme, width);
    page.link("caller", &format::task(&call.caller), process("helpers", &call.caller));
    if let Some((helper, _)) = call.helper {
        page.link("helper", &format!("{}, and its loads", format::task(&helper)), process("loads", &helper));
    }
    if let Some(path) = call.entry.path.text() {
        page.link("path", path, rows("helpers", exactly(Field::Helper, path)));
    }
    times(&mut page, world, call);
    page.field("result", &format::call_result(call));
    Page::of(page.lines)
}

/// A request for firmware.
#[must_use]
pub fn firmware(world: &World<'_>, firmware: &Firmware, theme: Theme, width: u16) -> Page {
    let mut page = described::<FirmwareRequests>(world, firmware, theme, width);
    page.link("requester", &format::task(&firmware.task), process("firmware", &firmware.task));
    if let Some(file) = firmware.file.name.text() {
        page.link("file", file, rows("firmware", exactly(Field::File, file)));
    }
    if let Some(device) = firmware.file.device.text() {
        page.link("device", device, rows("firmware", exactly(Field::Device, device)));
    }
    times(&mut page, world, firmware);
    Page::of(page.lines)
}

/// A group of duplicates, with its members.
#[must_use]
pub fn group(world: &World<'_>, group: &Group, theme: Theme, width: u16) -> Page {
    let mut page = Lines::new(theme, width.saturating_sub(1));
    page.heading(&format!("{} {}, {} times at once", group.sameness.words(), group.name, group.members.len()));
    if let Some(facts) = world.group_facts(group) {
        page.field("first", &format::task(&facts.first));
        match facts.live_by {
            Some((task, Some(id))) => {
                let words = format!("{} for {}", format::task(&task), format::request_name(world, id));
                page.link("live by", &words, Go::Page(Target::Request(id)));
            }
            Some((task, None)) => page.link("live by", &format::task(&task), process("loads", &task)),
            None => page.field("live by", "none of them loaded it"),
        }
        let wasted =
            format!("{} helper runs, {} read, {} in total", facts.helpers, format::bytes(facts.bytes), facts.time);
        page.field("wasted", &wasted);
    }
    page.field("began", &format::instant_with_unit(world, group.began));
    page.heading("members");
    for id in group.members.iter().take(LISTED) {
        member(&mut page, world, group.sameness, *id);
    }
    if group.members.len() > LISTED {
        page.text(&format!("and {} more", group.members.len() - LISTED), Tone::Dim);
    }
    Page::of(page.lines)
}

fn member(page: &mut Lines, world: &World<'_>, sameness: Sameness, id: u64) {
    if sameness == Sameness::File {
        match world.load(LoadId(id)) {
            Some(load) => {
                let words = format!("load #{id} by {}: {}", format::task(&load.task), format::load_result(load));
                page.item(&words, Go::Page(Target::Load(load.id)));
            }
            None => page.text(&format!("load #{id}, no longer kept"), Tone::Dim),
        }
        return;
    }
    match world.request(RequestId(id)) {
        Some(request) => {
            let name = format::request_name(world, request.id);
            let words = format!("{name} by {}: {}", format::task(&request.task), request.verdict.words());
            page.item(&words, Go::Page(Target::Request(request.id)));
        }
        None => page.text(&format!("#{id}, no longer kept"), Tone::Dim),
    }
}

/// A finding, with its evidence and what its kind means.
#[must_use]
pub fn finding(world: &World<'_>, found: &Found, theme: Theme, width: u16) -> Page {
    let finding = &found.finding;
    let mut page = Lines::new(theme, width.saturating_sub(1));
    page.heading(finding.kind.as_str());
    page.text(&finding.sentence, tone(finding.kind));
    page.heading("next");
    page.text(&finding.next, Tone::Plain);
    page.heading("evidence");
    for evidence in finding.evidence.iter().take(LISTED) {
        let words = words(world, *evidence);
        match evidence {
            Evidence::Request(id) if world.request(*id).is_some() => {
                page.item(&words, Go::Page(Target::Request(*id)));
            }
            Evidence::Load(id) if world.load(*id).is_some() => page.item(&words, Go::Page(Target::Load(*id))),
            Evidence::Request(_) | Evidence::Load(_) | Evidence::Unload(_) => page.text(&words, Tone::Plain),
        }
    }
    if finding.evidence.len() > LISTED {
        page.text(&format!("and {} more", finding.evidence.len() - LISTED), Tone::Dim);
    }
    page.field("since", &format::instant_with_unit(world, finding.at));
    page.heading("what it means");
    page.text(finding.kind.page(), Tone::Plain);
    Page::of(page.lines)
}
