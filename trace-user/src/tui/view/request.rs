//! One request in detail: what became of it, where its time went, what its helper did, and who asked.
//!
//! One column if there is little room, two if there is much. It is longer than most screens and scrolls.

use super::line::wrap;
use super::{phases, tree};
use crate::tui::format;
use crate::tui::theme::{Theme, Tone};
use modtrail_core::attribution::container::container;
use modtrail_core::attribution::family::family;
use modtrail_core::attribution::known::with_name;
use modtrail_core::entities::{Request, Timed};
use modtrail_core::explain::explain;
use modtrail_core::model::Model;
use modtrail_core::report::plain::plain;
use modtrail_core::stall;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};

/// From this width on, there are two columns.
const TWO_COLUMNS: u16 = 150;
/// The width of the second.
const SECOND: u16 = 60;

/// Draws it from line `scroll` on.
pub fn draw(model: &Model, request: &Request, scroll: usize, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let [first, second] = columns(area);
    let height = height(model, request, area.width);
    let scroll = scroll.min(height.saturating_sub(usize::from(area.height)));
    let scroll = u16::try_from(scroll).unwrap_or(u16::MAX);
    let mut lines = what(model, request, theme, first.width);
    if second.width > 0 {
        let lines = who(model, request, theme, second.width);
        Paragraph::new(lines).scroll((scroll, 0)).render(second, buffer);
    } else {
        lines.push(Line::default());
        lines.extend(who(model, request, theme, first.width));
    }
    Paragraph::new(lines).scroll((scroll, 0)).render(first, buffer);
}

/// How many lines it has.
#[must_use]
pub fn height(model: &Model, request: &Request, width: u16) -> usize {
    let [first, second] = columns(Rect::new(0, 0, width, 1));
    let what = what(model, request, Theme::Monochrome, first.width).len();
    if second.width > 0 {
        what.max(who(model, request, Theme::Monochrome, second.width).len())
    } else {
        what + 1 + who(model, request, Theme::Monochrome, first.width).len()
    }
}

fn columns(area: Rect) -> [Rect; 2] {
    let (second, gap) = if area.width >= TWO_COLUMNS { (SECOND, 2) } else { (0, 0) };
    Layout::horizontal([Constraint::Fill(1), Constraint::Length(second)]).spacing(gap).areas(area)
}

/// What became of it and why.
fn what(model: &Model, request: &Request, theme: Theme, width: u16) -> Vec<Line<'static>> {
    let mut lines = vec![title(model, request, theme)];
    let sentence = wrap(&explain(request), usize::from(width).saturating_sub(1));
    lines.extend(sentence.into_iter().map(|line| Line::raw(format!(" {line}"))));
    lines.push(Line::default());
    lines.push(heading("where the time went", theme));
    lines.extend(phases::lines(model, request, theme, width));
    lines.push(Line::default());
    lines.push(heading("what its helper did", theme));
    lines.extend(tree::lines(model, request, theme, width));
    lines
}

/// Who asked, and what else is known.
fn who(model: &Model, request: &Request, theme: Theme, width: u16) -> Vec<Line<'static>> {
    let mut page = Page { theme, width: usize::from(width), lines: vec![heading("who asked", theme)] };
    let requester = &request.requested;
    let task = &request.task;
    let whose =
        format!("{}, tid {}, uid {}, {}", format::task(task), task.tid.0, requester.uid, format::login(requester));
    page.field("requester", &whose);
    page.field("program", &format::program(requester));
    page.field("asks for", family(&requester.alias.to_string(), &requester.stack).unwrap_or("a module by name"));
    page.field("cgroup", requester.cgroup.as_deref().unwrap_or("unknown (could not be read)"));
    if let Some(container) = requester.cgroup.as_deref().and_then(container) {
        page.field("container", &format!("{} {}", container.engine, container.id));
    }
    page.field("asked", &super::instant_with_unit(model, request.asked));
    page.field("result", &result(request));
    if let Some(parent) = request.parent {
        page.field("asked by", &format!("a load for {}", format::request_name(model, parent)));
    }
    let wanted: Vec<&str> =
        request.resolution.iter().flat_map(|found| &found.modules).map(|wanted| &*wanted.name).collect();
    match &request.resolution {
        Some(found) if found.known => page.field("resolves", &or_nothing(&wanted.join(" "))),
        Some(_) | None => page.field("resolves", "unknown: no module index was read"),
    }
    if let Some(by) = &request.satisfied_by {
        let whose = by.request.map_or_else(String::new, |id| format!(" for {}", format::request_name(model, id)));
        page.field("live by", &format!("{}{whose}", format::task(&by.task)));
    }
    page.field("duplicates", &duplicates(request));
    if let Some(asleep) = request.asleep().filter(|asleep| asleep.as_nanos() > 0) {
        page.field("asleep", &format!("{asleep}, not in the times above"));
    }
    if request.is_open() {
        let place = stall::of_request(request, model);
        page.field("stuck in", &place.words);
        page.field("timeout", &stall::timeout_words(place.ended_by));
        let stack = stall::stack(&place, model, request.asked);
        if !stack.is_empty() {
            page.field("kernel", &stack.join(" < "));
        }
    }
    for gap in &request.gaps {
        page.field("gap", gap.as_str());
    }
    page.lines.push(Line::default());
    page.lines.push(heading("kernel stack", theme));
    if requester.stack.is_empty() {
        page.lines.push(Line::styled(" not taken", theme.style(Tone::Dim)));
    }
    page.lines.extend(requester.stack.iter().map(|symbol| Line::raw(plain(&format!(" {symbol}")))));
    page.lines
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

fn heading(text: &'static str, theme: Theme) -> Line<'static> {
    Line::styled(text, theme.style(Tone::Title))
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
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn or_nothing(text: &str) -> String {
    if text.is_empty() { "no module".to_owned() } else { text.to_owned() }
}

/// Lines with a name before each.
struct Page {
    theme: Theme,
    width: usize,
    lines: Vec<Line<'static>>,
}

impl Page {
    /// One field; a value longer than the line continues under itself.
    fn field(&mut self, name: &str, value: &str) {
        const NAME: usize = 12;
        for (place, part) in wrap(value, self.width.saturating_sub(NAME)).into_iter().enumerate() {
            let name = if place == 0 { name } else { "" };
            self.lines.push(Line::from(vec![
                Span::styled(format!(" {name:<11}"), self.theme.style(Tone::Dim)),
                Span::raw(part),
            ]));
        }
    }
}
