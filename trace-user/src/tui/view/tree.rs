//! What a request's helper did: its loads in order, and under each the requests that the module's init made.

use super::line::wrap;
use super::page::PageLine;
use crate::tui::format;
use crate::tui::table::{Go, Target};
use crate::tui::theme::{Theme, Tone};
use modtrail_core::entities::{Call, Load, Request, Timed};
use modtrail_core::event::Stamp;
use modtrail_core::model::Model;
use modtrail_core::report::plain::plain;
use ratatui::text::{Line, Span};

type Part = (String, Tone);

/// A line of the tree and what is under it.
struct Node {
    parts: Vec<Part>,
    go: Option<Go>,
    under: Vec<Node>,
}

/// The lines of the tree.
#[must_use]
pub fn lines(model: &Model, request: &Request, theme: Theme, width: u16) -> Vec<PageLine> {
    let Some(call) = request.call.as_deref() else {
        return vec![Line::styled(" no helper was called", theme.style(Tone::Dim)).into()];
    };
    let nested: Vec<&Request> = model.children(request.id).map(|child| &**child).collect();
    let mut under: Vec<Node> = request
        .loads
        .iter()
        .map(|load| Node {
            parts: load_parts(request, load),
            go: Some(Go::Page(Target::Load(load.id))),
            under: nested.iter().filter(|child| asked_by(child, load)).map(|child| child_node(model, child)).collect(),
        })
        .collect();
    let loads = &request.loads;
    let others = nested.iter().filter(|child| !loads.iter().any(|load| asked_by(child, load)));
    under.extend(others.map(|child| child_node(model, child)));
    let helper = helper_lines(request.asked, call, theme, usize::from(width));
    let mut lines: Vec<PageLine> = helper.into_iter().map(PageLine::from).collect();
    branch(&under, " ", theme, &mut lines);
    lines
}

/// Whether `child` was asked for in the thread, and during the time, of `load`.
fn asked_by(child: &Request, load: &Load) -> bool {
    let ended = load.ended.is_none_or(|(at, _)| child.asked.mono <= at.mono);
    child.task.tid == load.task.tid && child.asked.mono >= load.began.mono && ended
}

fn branch(nodes: &[Node], before: &str, theme: Theme, lines: &mut Vec<PageLine>) {
    for (place, node) in nodes.iter().enumerate() {
        let (joint, below) = if place + 1 == nodes.len() { ("└", "  ") } else { ("├", "│ ") };
        let line = line(&format!("{before}{joint}"), node.parts.clone(), theme);
        lines.push(PageLine { line, go: node.go.clone() });
        branch(&node.under, &format!("{before}{below}"), theme, lines);
    }
}

fn line(before: &str, parts: Vec<Part>, theme: Theme) -> Line<'static> {
    let mut spans = vec![Span::styled(format!("{before} "), theme.style(Tone::Dim))];
    spans.extend(parts.into_iter().map(|(text, tone)| Span::styled(plain(&text), theme.style(tone))));
    Line::from(spans)
}

/// Its process and how it ended, what it executes, and when it reached each stage.
fn helper_lines(asked: Stamp, call: &Call, theme: Theme, width: usize) -> Vec<Line<'static>> {
    const INDENT: usize = 3;
    let process = call.helper.map_or_else(String::new, |(task, _)| format!("[{}] ", task.key.tgid.0));
    let before = format!("{process}{}  ", format::call_result(call));
    let mut lines = Vec::new();
    let room = width.saturating_sub(before.chars().count() + 1);
    for (place, part) in wrap(&format::command(call), room).into_iter().enumerate() {
        let named = if place == 0 { before.clone() } else { " ".repeat(before.chars().count()) };
        lines.push(line("", vec![(named, Tone::Title), (part, Tone::Plain)], theme));
    }
    let moments = wrap(&moments(asked, call), width.saturating_sub(INDENT));
    lines.extend(moments.into_iter().map(|part| line("  ", vec![(part, Tone::Dim)], theme)));
    lines
}

fn moments(asked: Stamp, call: &Call) -> String {
    let seen = [
        ("called", Some(call.entered)),
        ("picked", call.picked),
        ("born", call.helper.map(|(_, at)| at)),
        ("executed", call.executed.map(|(at, _)| at)),
        ("completed", call.completed.filter(|_| call.reaped().is_none())),
        ("exited", call.exited.map(|(at, _)| at)),
        ("reaped", call.reaped()),
    ];
    let parts: Vec<String> =
        seen.into_iter().filter_map(|(name, at)| Some(format!("{name} {}", format::offset(asked, at?)))).collect();
    parts.join(", ")
}

fn load_parts(request: &Request, load: &Load) -> Vec<Part> {
    let mut parts = vec![
        ("load ".to_owned(), Tone::Dim),
        (load.module.as_deref().unwrap_or("(unnamed)").to_owned(), Tone::Title),
        (format!("  {}", format::load_result(load)), if load.failed() { Tone::Bad } else { Tone::Plain }),
    ];
    if request.is_dependency(load) {
        parts.push(("  dependency".to_owned(), Tone::Accent));
    }
    if let Some(live) = load.live {
        parts.push((format!("  live {}", format::offset(request.asked, live)), Tone::Good));
    }
    if let Some(init) = load.init_time() {
        parts.push((format!("  init {init}"), Tone::Plain));
    }
    if let Some(bytes) = load.bytes {
        parts.push((format!("  {}", format::bytes(bytes)), Tone::Dim));
    }
    let own = request.call.as_ref().and_then(|call| call.helper).map(|(task, _)| task.key);
    if own != Some(load.task.key) {
        parts.push((format!("  by {}", format::task(&load.task)), Tone::Dim));
    }
    parts
}

fn child_node(model: &Model, child: &Request) -> Node {
    let age = match child.total() {
        Some(total) => total.to_string(),
        None if child.is_open() => format::growing(child.age_so_far(model.now())),
        None => "-".to_owned(),
    };
    let parts = vec![
        (format!("request #{} ", child.id.0), Tone::Dim),
        (child.requested.alias.to_string(), Tone::Title),
        (format!("  {}", child.verdict.words()), format::verdict_tone(child.verdict)),
        (format!("  {age}"), Tone::Plain),
    ];
    Node { parts, go: Some(Go::Page(Target::Request(child.id))), under: Vec::new() }
}
