//! One request in detail: what became of it, where its time went, what its helper did, and who asked.
//!
//! One column if there is little room, two if there is much. It is longer than most screens and scrolls.

use super::page::{Lines, Page, PageLine, widths};
use super::{phases, tree};
use crate::tui::format;
use crate::tui::table::{Go, Target};
use crate::tui::theme::{Theme, Tone};
use crate::tui::world::World;
use modtrail_core::attribution::container::{container, unit};
use modtrail_core::attribution::family::family;
use modtrail_core::attribution::known::with_name;
use modtrail_core::entities::{Request, Timed};
use modtrail_core::event::Task;
use modtrail_core::explain::explain;
use modtrail_core::model::Model;
use modtrail_core::query::{Field, exactly};
use modtrail_core::report::plain::plain;
use modtrail_core::stall;
use ratatui::text::{Line, Span};

/// Its page.
#[must_use]
pub fn page(world: &World<'_>, request: &Request, theme: Theme, width: u16) -> Page {
    let [first, second] = widths(width);
    let second = if second > 0 { second } else { first };
    Page::of_two(what(world, request, theme, first), who(world, request, theme, second), width)
}

/// What became of it and why.
fn what(world: &World<'_>, request: &Request, theme: Theme, width: u16) -> Vec<PageLine> {
    let mut page = Lines::new(theme, width);
    page.lines.push(title(world, request, theme).into());
    page.text(&explain(request), Tone::Plain);
    page.heading("where the time went");
    page.lines.extend(phases::lines(world, request, theme, width).into_iter().map(PageLine::from));
    page.heading("what its helper did");
    page.lines.extend(tree::lines(world, request, theme, width));
    page.lines
}

/// Who asked, and what else is known.
fn who(world: &World<'_>, request: &Request, theme: Theme, width: u16) -> Vec<PageLine> {
    let mut page = Lines::new(theme, width);
    page.heading("who asked");
    asked(&mut page, world, request);
    related(&mut page, world, request);
    stuck(&mut page, world, request);
    for gap in &request.gaps {
        page.field("gap", gap.as_str());
    }
    page.heading("kernel stack");
    let stack = &request.requested.stack;
    if stack.is_empty() {
        page.text("not taken", Tone::Dim);
    }
    page.lines.extend(stack.iter().map(|symbol| Line::raw(plain(&format!(" {symbol}"))).into()));
    page.lines
}

/// The requests of one process, of a helper too.
fn by_process(task: &Task) -> Go {
    Go::rows("requests", format!("pid={}", task.key.tgid.0))
}

/// Requests whose field holds exactly this.
fn requests_with(field: Field, value: &str) -> Go {
    Go::rows("requests", exactly(field, value))
}

/// Who asked.
fn asked(page: &mut Lines, world: &World<'_>, request: &Request) {
    let requester = &request.requested;
    let task = &request.task;
    let whose =
        format!("{}, tid {}, uid {}, {}", format::task(task), task.tid.0, requester.uid, format::login(requester));
    page.link("requester", &whose, by_process(task));
    match &requester.exe {
        Some(exe) => page.link("program", exe, requests_with(Field::Exe, exe)),
        None => page.field("program", &format::program(requester)),
    }
    page.field("asks for", family(&requester.alias.to_string(), &requester.stack).unwrap_or("a module by name"));
    page.field("cgroup", requester.cgroup.as_deref().unwrap_or("unknown (could not be read)"));
    if let Some(container) = requester.cgroup.as_deref().and_then(container) {
        let name = format!("{} {}", container.engine, container.id);
        page.link("container", &name, requests_with(Field::Container, container.id));
    } else if let Some(unit) = requester.cgroup.as_deref().and_then(unit) {
        page.link("unit", unit, requests_with(Field::Unit, unit));
    }
    page.field("asked", &format::instant_with_unit(world, request.asked));
    page.field("result", &result(request));
}

/// What it belongs with.
fn related(page: &mut Lines, world: &World<'_>, request: &Request) {
    if let Some(parent) = request.parent {
        let name = format!("a load for {}", format::request_name(world, parent));
        page.link("asked by", &name, Go::Page(Target::Request(parent)));
    }
    if let Some((helper, _)) = request.call.as_ref().and_then(|call| call.helper) {
        let loads = Go::rows("loads", format!("pid={}", helper.key.tgid.0));
        page.link("helper", &format!("{}, and its loads", format::task(&helper)), loads);
    }
    let wanted: Vec<&str> =
        request.resolution.iter().flat_map(|found| &found.modules).map(|wanted| &*wanted.name).collect();
    match (&request.resolution, request.module()) {
        (Some(found), Some(module)) if found.known => {
            page.link("resolves", &wanted.join(" "), requests_with(Field::Module, module));
        }
        (Some(found), None) if found.known => page.field("resolves", "no module"),
        (Some(_) | None, _) => page.field("resolves", "unknown: no module index was read"),
    }
    if let Some(by) = &request.satisfied_by {
        let whose = by.request.map_or_else(String::new, |id| format!(" for {}", format::request_name(world, id)));
        let loads = Go::rows("loads", exactly(Field::Module, &by.module));
        let go = by.request.map_or(loads, |id| Go::Page(Target::Request(id)));
        page.link("live by", &format!("{}{whose}", format::task(&by.task)), go);
    }
    let counts = request.duplicates;
    let name = match request.module().filter(|_| counts.same_alias == 0) {
        Some(module) => module.to_string(),
        None => request.requested.alias.to_string(),
    };
    match counts.same_alias.max(counts.same_module).max(counts.same_file) {
        0 => page.field("duplicates", "none"),
        _ => {
            let groups = Go::rows("duplicates", exactly(Field::Module, &name));
            page.link("duplicates", &duplicates(request), groups);
        }
    }
    if let Some(asleep) = request.asleep().filter(|asleep| asleep.as_nanos() > 0) {
        page.field("asleep", &format!("{asleep}, not in the times above"));
    }
}

/// Where it is stuck, while it is open.
fn stuck(page: &mut Lines, model: &Model, request: &Request) {
    if !request.is_open() {
        return;
    }
    let place = stall::of_request(request, model);
    page.field("stuck in", &place.words);
    page.field("timeout", &stall::timeout_words(place.timeout));
    let stack = stall::stack(&place, model, request.asked);
    if !stack.is_empty() {
        page.field("kernel", &stack.join(" < "));
    }
}

fn title(model: &Model, request: &Request, theme: Theme) -> Line<'static> {
    let total = match request.total() {
        Some(total) => format!("  total {total}"),
        None if request.is_open() => format!("  open for {}", request.age_so_far(model.now())),
        None => String::new(),
    };
    let to_live = request.to_live().map_or_else(String::new, |to_live| format!("  to live {to_live}"));
    Line::from(vec![
        Span::styled(format!("#{} ", request.id.0), theme.style(Tone::Dim)),
        Span::styled(plain(&with_name(&request.requested.alias)), theme.style(Tone::Title)),
        Span::raw("  "),
        Span::styled(request.verdict.words().to_uppercase(), theme.style(format::verdict_tone(request.verdict))),
        Span::raw(total),
        Span::raw(to_live),
    ])
}

/// What the requester got, and how the helper ended.
fn result(request: &Request) -> String {
    let returned = match request.result {
        Some(result) => result.as_return().to_string(),
        None => return "none yet, or the return was missed".to_owned(),
    };
    match format::request_result(request).as_str() {
        "-" => returned,
        words => format!("{returned} ({words})"),
    }
}

fn duplicates(request: &Request) -> String {
    let counts = request.duplicates;
    let counted =
        [("same alias", counts.same_alias), ("same module", counts.same_module), ("same file", counts.same_file)];
    let parts: Vec<String> =
        counted.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect();
    parts.join(", ")
}
