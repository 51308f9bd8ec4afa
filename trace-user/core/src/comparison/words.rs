//! A comparison for a person.
//!
//! In: two traces and what differs. Out: a document.

use super::certainty::Certainty;
use super::judge::{Appearance, Comparison};
use super::observed::{Outcomes, Subject};
use super::outcomes::OutcomeChange;
use super::times::TimeChange;
use crate::entities::Verdict;
use crate::findings::Finding;
use crate::model::Model;
use crate::record::read::Integrity;
use crate::report::coverage::{at_least, is_at_least, lost_words};
use crate::report::document::{Block, Cell, Document, Extent, Fit, Item, Part, Table};
use crate::report::modules::names;
use crate::report::plain::{Plain, counted};
use crate::report::{summary, wall};

/// One of the two traces.
#[derive(Clone, Copy)]
pub struct Side<'m> {
    /// What it is called: its file, and the part of it.
    pub name: &'m str,
    /// What is in it.
    pub model: &'m Model,
    /// How much of it could be read.
    pub integrity: &'m Integrity,
}

/// The comparison as a document.
#[must_use]
pub fn document(before: Side<'_>, after: Side<'_>, comparison: &Comparison, extent: Extent) -> Document {
    let mut head = vec![side("A", before), side("B", after)];
    head.extend(cautions(before, after, comparison));
    if comparison.is_empty() {
        head.push(format!("nothing differs beyond chance; {} in both", counted(comparison.in_both as u64, "name")));
    }
    let slower = comparison.times.iter().filter(|change| change.is_slower());
    let faster = comparison.times.iter().filter(|change| !change.is_slower());
    let parts = [
        outcomes(&comparison.outcomes, extent),
        times("slower in B", slower, extent),
        times("faster in B", faster, extent),
        appearances("new in B", &comparison.new, extent),
        appearances("gone in B", &comparison.gone, extent),
        findings("findings that are new in B", &comparison.findings_new, extent),
        findings("findings that are gone in B", &comparison.findings_gone, extent),
    ];
    let parts: Vec<Part> = parts.into_iter().flatten().collect();
    let title = format!("What differs from {} to {}", before.name, after.name);
    Document { title: title.into(), head: head.into_iter().map(Plain::from).collect(), parts }
}

/// `A: monday.mcap: guest - Linux 6.12 x86_64, …; from …; covered: …; 31 requests; 0 lost`
fn side(letter: &str, side: Side<'_>) -> String {
    let Side { name, model, integrity } = side;
    let machine = model.machine().map(|machine| format!("{} Linux {}", machine.hostname, machine.release));
    let began = model.first().and_then(|first| model.wall_ns(first)).and_then(wall::date_time);
    let facts = [
        machine,
        began.map(|began| format!("from {began}")),
        Some(format!("covered: {}", model.coverage().words())),
        Some(format!("{}{}", at_least(model, integrity), counted(model.counts().requests, "request"))),
        Some(lost_words(model, integrity)),
    ];
    format!("{letter}: {name}: {}", facts.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// What a reader must know before any difference.
fn cautions(before: Side<'_>, after: Side<'_>, comparison: &Comparison) -> Vec<String> {
    let mut lines = Vec::new();
    for (letter, side, other) in [("A", before, "new in B"), ("B", after, "gone in B")] {
        let is_thin = !side.model.coverage().is_enough() || is_at_least(side.model, side.integrity);
        if is_thin {
            lines.push(format!("{letter} is not whole: what is {other} may have been there and not been seen"));
        }
        lines.extend(side.integrity.faults().into_iter().map(|fault| format!("{letter} {fault}")));
    }
    let unjudged = |side: Side<'_>| summary::verdicts(side.model).get(&Verdict::Incomplete).copied().unwrap_or(0);
    let unjudged = [unjudged(before), unjudged(after)];
    if unjudged != [0, 0] {
        let [one, other] = unjudged;
        lines.push(format!("incomplete requests are not compared: {one} of A, {other} of B"));
    }
    if (comparison.overall - 1.0).abs() > f64::EPSILON {
        let factor = comparison.overall;
        lines.push(format!("everything takes {factor:.2} times as long in B: only what differs from that is listed"));
    }
    lines
}

fn outcomes(changes: &[OutcomeChange], extent: Extent) -> Option<Part> {
    let row = |change: &OutcomeChange| {
        [
            Cell::of(change.subject.as_str()),
            Cell::of(change.name.as_str()),
            Cell::of(ends(&change.before)),
            Cell::of(ends(&change.after)),
            Cell::of(sure(change.certainty)),
        ]
    };
    let columns = [
        ("what", Fit::Word),
        ("name", Fit::Name),
        ("in A", Fit::Words),
        ("in B", Fit::Words),
        ("by chance", Fit::Word),
    ];
    Part::of("what became of them", [Table::of(columns, changes.iter().map(row), extent)])
}

/// `live 12, not found 1`
fn ends(outcomes: &Outcomes) -> String {
    let mut ends: Vec<(&String, &u64)> = outcomes.ends.iter().collect();
    ends.sort_by_key(|(end, count)| (std::cmp::Reverse(**count), *end));
    let words: Vec<String> = ends.iter().map(|(end, count)| format!("{end} {count}")).collect();
    if words.is_empty() { format!("{} not judged", outcomes.count) } else { words.join(", ") }
}

/// How probable it is by chance.
fn sure(certainty: Certainty) -> String {
    match certainty {
        Certainty::Tested { probability, .. } if probability < 0.000_1 => "p < 0.0001".to_owned(),
        Certainty::Tested { probability, .. } => format!("p = {probability:.4}"),
        Certainty::Few => "few samples".to_owned(),
    }
}

fn times<'c>(name: &str, changes: impl Iterator<Item = &'c TimeChange>, extent: Extent) -> Option<Part> {
    let columns = [
        ("what", Fit::Word),
        ("name", Fit::Name),
        ("median A", Fit::Number),
        ("B", Fit::Number),
        ("times", Fit::Number),
        ("samples", Fit::Number),
        ("by chance", Fit::Words),
    ];
    Part::of(name, [Table::of(columns, changes.map(row), extent)])
}

fn row(change: &TimeChange) -> [Cell; 7] {
    let TimeChange { measure, name, before, after, factor, certainty, .. } = change;
    let phase = change.phase.map_or_else(String::new, |phase| format!("; most in {}", phase.as_str()));
    let follows = match &change.follows[..] {
        [] => String::new(),
        follows => format!("; so are requests for {}", follows.join(", ")),
    };
    [
        Cell::of(measure.words()),
        Cell::of(name.as_str()),
        Cell::time(Some(before.p50)),
        Cell::time(Some(after.p50)),
        Cell { text: times_words(*factor).into(), rank: Some((factor * 1_000.0) as u64) },
        Cell::of(format!("{}, {}", before.samples, after.samples)),
        Cell::of(format!("{}{phase}{follows}", sure(*certainty))),
    ]
}

/// `1.62`, `12.3`, `410`
fn times_words(factor: f64) -> String {
    let digits = if factor < 10.0 {
        2
    } else if factor < 100.0 {
        1
    } else {
        0
    };
    format!("{factor:.digits$}")
}

fn appearances(name: &str, appearances: &[Appearance], extent: Extent) -> Option<Part> {
    let row = |one: &Appearance| {
        let by = names(&one.outcomes.by);
        [
            Cell::of(one.subject.as_str()),
            Cell::number(one.outcomes.count),
            Cell::of(one.name.as_str()),
            Cell::of(format!("{}; by {by}", ends(&one.outcomes))),
        ]
    };
    let columns =
        [("what", Fit::Word), ("count", Fit::Number), ("name", Fit::Name), ("what became of them", Fit::Words)];
    // Failed loads first: they are what somebody looks for.
    let mut rows: Vec<&Appearance> = appearances.iter().collect();
    rows.sort_by_key(|one| (!is_failed_load(one), one.subject, std::cmp::Reverse(one.outcomes.count)));
    Part::of(name, [Table::of(columns, rows.into_iter().map(row), extent)])
}

fn is_failed_load(one: &Appearance) -> bool {
    one.subject == Subject::Load && one.outcomes.ends.keys().any(|end| end != "live")
}

fn findings(name: &str, findings: &[Finding], extent: Extent) -> Option<Part> {
    let item = |finding: &Finding| {
        Item::with(format!("{}: {}", finding.kind.as_str(), finding.sentence), format!("next: {}", finding.next))
    };
    Part::of(name, [Block::items(findings.iter().map(item), extent)])
}
