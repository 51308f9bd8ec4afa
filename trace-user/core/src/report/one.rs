//! The report of one thing for a person: a request, a load, an unload or a suspend cycle, with all that a bug report
//! needs beside it.
//!
//! In: the thing, and the model that it is in. Out: a document.

use super::coverage::warnings;
use super::cycles::{cycle_words, firmware_words};
use super::document::{Block, Cell, Document, Extent, Fit, Item, Part, Table};
use super::json::gaps;
use super::line::who;
use super::plain::Plain;
use super::{summary, wall};
use crate::answer::{CallResult, ReturnCode};
use crate::attribution::container::{container, unit};
use crate::attribution::known::with_name;
use crate::entities::{Call, Cycle, Load, Met, Request, Timed, Unload};
use crate::event::{Origin, Stamp};
use crate::explain::cycle::{attempt, call_words};
use crate::explain::load::{explain_load, explain_unload, subject};
use crate::explain::{explain, task_words};
use crate::findings::{self, Evidence};
use crate::model::Model;
use crate::phases::{Phase, phases};
use crate::record::read::Integrity;
use std::sync::Arc;
use trace_common::time::Nanos;

/// A fact and its value; those that are not known are left out.
type Fact = (&'static str, Option<String>);

/// The report of a request.
#[must_use]
pub fn request(request: &Request, model: &Model, integrity: &Integrity) -> Document {
    let name = with_name(&request.requested.alias);
    let title = format!("Request {} for {name}: {}", request.id.0, request.verdict.words());
    let parts = [
        happened(&explain(request), request_facts(request, model)),
        time(request),
        loads(request),
        children(request, model),
        printed(request.loads.iter().map(|load| &**load)),
        stack(request),
        about(Evidence::Request(request.id), model),
    ];
    document(title, parts, model, integrity)
}

/// The report of a load.
#[must_use]
pub fn load(load: &Load, model: &Model, integrity: &Integrity) -> Document {
    let origin = load.origin.as_deref();
    let facts = vec![
        ("when", when(load.began, model)),
        ("by", Some(who(&load.task, origin))),
        ("for", load.request.map(|request| format!("request {}", request.0))),
        ("file", load.file.as_ref().map(|file| file.name.to_string())),
        ("result", load.ended.map(|(_, result)| result_words(result))),
        ("total", load.total().map(|total| total.to_string())),
        ("init", load.init_time().map(|init| init.to_string())),
        ("to live", load.to_live().map(|to_live| to_live.to_string())),
        ("bytes", load.bytes.map(|bytes| bytes.to_string())),
    ];
    let facts = facts.into_iter().chain(origin.map(origin_facts).unwrap_or_default());
    let parts = [
        happened(&explain_load(load), facts.collect()),
        printed([load].into_iter()),
        about(Evidence::Load(load.id), model),
    ];
    document(format!("Load {} of {}", load.id.0, subject(load)), parts, model, integrity)
}

/// The report of an unload.
#[must_use]
pub fn unload(unload: &Unload, model: &Model, integrity: &Integrity) -> Document {
    let origin = unload.origin.as_deref();
    let facts = vec![
        ("when", when(unload.began, model)),
        ("by", Some(who(&unload.task, origin))),
        ("result", unload.ended.map(|(_, result)| result_words(result))),
        ("total", unload.total().map(|total| total.to_string())),
    ];
    let facts = facts.into_iter().chain(origin.map(origin_facts).unwrap_or_default());
    let parts = [happened(&explain_unload(unload), facts.collect()), about(Evidence::Unload(unload.id), model)];
    document(format!("Unload {} of {}", unload.id.0, unload.module), parts, model, integrity)
}

/// The report of a suspend cycle.
#[must_use]
pub fn cycle(cycle: &Cycle, model: &Model, integrity: &Integrity) -> Document {
    let time = |time: Option<Nanos>| time.map(|time| time.to_string());
    let asleep = cycle.asleep(model.now());
    let again = (cycle.group != cycle.id).then(|| format!("cycle {}, which failed", cycle.group.0));
    let facts = vec![
        ("when", when(cycle.began, model)),
        ("what", Some(attempt(cycle))),
        ("by", Some(task_words(&cycle.task))),
        ("result", cycle.result.map(result_words)),
        ("again after", again),
        ("freezing took", time(cycle.freeze.time())),
        ("disabling helpers took", time(cycle.disable.time())),
        ("asleep", (asleep > Nanos::ZERO).then(|| asleep.to_string())),
        ("not seen", cycle.incomplete.then(|| "events were lost during it".to_owned())),
    ];
    let title = format!("Suspend cycle {}: {}", cycle.id.0, cycle.verdict().as_str());
    let parts = [happened(&cycle_words(cycle, model), facts), met(cycle, model), firmware(cycle, model), steps(cycle)];
    document(title, parts, model, integrity)
}

fn document<const N: usize>(title: String, parts: [Option<Part>; N], model: &Model, integrity: &Integrity) -> Document {
    let machine = model.machine().map(summary::machine).map(Plain::from);
    let warnings = warnings(model, integrity).into_iter().map(Plain::from);
    let covered = Plain::from(format!("covered: {}", model.coverage().words()));
    let head = machine.into_iter().chain([covered]).chain(warnings).collect();
    Document { title: title.into(), head, parts: parts.into_iter().flatten().collect() }
}

fn when(at: Stamp, model: &Model) -> Option<String> {
    model.wall_ns(at).and_then(wall::iso)
}

fn result_words(result: ReturnCode) -> String {
    result.error().map_or_else(|| "success".to_owned(), |error| error.words())
}

fn happened(sentence: &str, facts: Vec<Fact>) -> Option<Part> {
    let rows = facts.into_iter().filter_map(|(name, value)| Some([Cell::of(name), Cell::of(value?)]));
    let table = Table::of([("fact", Fit::Word), ("value", Fit::Words)], rows, Extent::LONG);
    Part::of("what happened", [Block::words(sentence), table])
}

fn origin_facts(origin: &Origin) -> Vec<Fact> {
    let cgroup = origin.cgroup.as_deref();
    vec![
        ("executable", origin.exe.as_ref().map(ToString::to_string)),
        ("user", Some(format!("uid {}", origin.uid))),
        ("unit", cgroup.and_then(unit).map(ToOwned::to_owned)),
        ("container", cgroup.and_then(container).map(|container| container.id.to_owned())),
    ]
}

fn request_facts(request: &Request, model: &Model) -> Vec<Fact> {
    let requested = &request.requested;
    let cgroup = requested.cgroup.as_deref();
    let time = |time: Option<Nanos>| time.map(|time| time.to_string());
    let duplicates = request.duplicates;
    let same = [
        (duplicates.same_alias, "of the same alias"),
        (duplicates.same_module, "of the same module by another alias"),
        (duplicates.same_file, "of its own loads lost to another copy"),
    ];
    let same = same.into_iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}"));
    let same: Vec<String> = same.collect();
    vec![
        ("when", when(request.asked, model)),
        ("module", request.module().map(ToString::to_string)),
        ("total", time(request.total())),
        ("to live", time(request.to_live())),
        ("asleep of that", time(request.asleep().filter(|asleep| *asleep > Nanos::ZERO))),
        ("result", request.result.map(call_result)),
        ("requester", Some(task_words(&request.task))),
        ("executable", requested.exe.as_ref().map(ToString::to_string)),
        ("user", Some(format!("uid {}", requested.uid))),
        ("unit", cgroup.and_then(unit).map(ToOwned::to_owned)),
        ("container", cgroup.and_then(container).map(|container| container.id.to_owned())),
        ("helper", request.call.as_deref().map(|call| helper_words(call, request))),
        ("asked for by the helper of", request.parent.map(|parent| format!("request {}", parent.0))),
        ("at the same time", (!same.is_empty()).then(|| same.join(", "))),
        ("not seen", gaps(request)),
    ]
}

fn call_result(result: CallResult) -> String {
    match (result.error(), result.status()) {
        (Some(error), _) => error.words(),
        (None, Some(status)) => status.text(),
        (None, None) => "success".to_owned(),
    }
}

/// `/sbin/modprobe -q -- net-pf-29 (pid 413): exit 0`
fn helper_words(call: &Call, request: &Request) -> String {
    let words: Vec<String> = call.entry.argv.iter().map(ToString::to_string).collect();
    let pid = call.helper.map_or_else(String::new, |(helper, _)| format!(" (pid {})", helper.key.tgid.0));
    let status = request.status().map_or_else(String::new, |status| format!(": {}", status.text()));
    format!("{}{pid}{status}", words.join(" "))
}

fn time(request: &Request) -> Option<Part> {
    let phases = phases(request, None);
    let whole = u128::from(phases.sum().as_nanos().max(1));
    let row = |phase: Phase| {
        let share = phases.get(phase)?;
        let percent = u64::try_from(u128::from(share.as_nanos()) * 100 / whole).unwrap_or(100);
        let bar = "█".repeat(usize::try_from(percent / 2).unwrap_or_default());
        let percent = Cell { text: format!("{percent}%").into(), rank: Some(percent) };
        Some([Cell::of(phase.as_str()), Cell::time(Some(share)), percent, Cell::of(bar)])
    };
    let columns = [("phase", Fit::Word), ("time", Fit::Number), ("share", Fit::Number), ("", Fit::Words)];
    let rows = Phase::ALL.into_iter().filter_map(row);
    Part::of("where the time went", [Table::of(columns, rows, Extent::LONG)])
}

fn loads(request: &Request) -> Option<Part> {
    let row = |load: &Arc<Load>| {
        let role = if request.is_dependency(load) { "dependency" } else { "" };
        let result =
            load.ended.map_or_else(|| "open, or its end was not seen".to_owned(), |(_, result)| result_words(result));
        [
            Cell::of(subject(load)),
            Cell::time(load.total()),
            Cell::time(load.init_time()),
            Cell::time(load.live.map(|live| live.mono.since(request.asked.mono))),
            Cell::of(role),
            Cell::of(result),
        ]
    };
    let columns = [
        ("module", Fit::Name),
        ("total", Fit::Number),
        ("init", Fit::Number),
        ("live after", Fit::Number),
        ("", Fit::Word),
        ("result", Fit::Words),
    ];
    Part::of("what its helper loaded", [Table::of(columns, request.loads.iter().map(row), Extent::LONG)])
}

fn children(request: &Request, model: &Model) -> Option<Part> {
    let item = |child: &Arc<Request>| {
        let name = with_name(&child.requested.alias);
        Item::of(format!("#{} {name}: {}: {}", child.id.0, child.verdict.words(), explain(child)))
    };
    let items = Block::items(model.children(request.id).map(item), Extent { rows: 50, ..Extent::SHORT });
    Part::of("requests that its helper caused", [items])
}

fn printed<'l>(loads: impl Iterator<Item = &'l Load>) -> Option<Part> {
    let lines = loads.flat_map(|load| load.printed.iter().map(|line| Plain::from(&**line))).collect();
    Part::of("what the kernel printed during the load", [Block::Fixed(lines)])
}

fn stack(request: &Request) -> Option<Part> {
    let lines = request.requested.stack.iter().map(|symbol| Plain::from(&**symbol)).collect();
    Part::of("kernel stack of the requester, innermost first", [Block::Fixed(lines)])
}

/// Findings that rest on it.
fn about(evidence: Evidence, model: &Model) -> Option<Part> {
    let found = findings::all(model).into_iter().filter(|finding| finding.evidence.contains(&evidence));
    let item = |finding: findings::Finding| {
        Item::with(format!("{}: {}", finding.kind.as_str(), finding.sentence), format!("next: {}", finding.next))
    };
    Part::of("findings", [Block::items(found.map(item), Extent::SHORT)])
}

/// The helper calls that a cycle met.
fn met(cycle: &Cycle, model: &Model) -> Option<Part> {
    let row = |(met, call): (Met, &Arc<Call>)| {
        let live = call.request.and_then(|id| model.request(id)).and_then(|request| request.live);
        let live = live.map_or_else(String::new, |_| ", and its module went live".to_owned());
        [
            Cell::of(met.as_str()),
            Cell::of(call_words(call)),
            Cell::time(call.total()),
            Cell::of(format!("{}, by {}{live}", call.entry.path, task_words(&call.caller))),
        ]
    };
    let columns = [("how", Fit::Word), ("helper call", Fit::Name), ("total", Fit::Number), ("program", Fit::Words)];
    Part::of(
        "helper calls that it met",
        [Table::of(columns, cycle.met().map(row), Extent { rows: 100, ..Extent::SHORT })],
    )
}

fn firmware(cycle: &Cycle, model: &Model) -> Option<Part> {
    let item = |firmware: &Arc<crate::entities::Firmware>| {
        let task = task_words(&firmware.task);
        Item::of(format!("{}, by {task}: {}", firmware.file.name, firmware_words(firmware, model)))
    };
    Part::of(
        "firmware requests that held it up",
        [Block::items(model.firmware_holding_up(cycle).map(item), Extent::SHORT)],
    )
}

fn steps(cycle: &Cycle) -> Option<Part> {
    let row = |phase: &crate::entities::PhaseSpan| {
        let after = phase.began.mono.since(cycle.began.mono);
        let took = phase.ended.map(|ended| ended.mono.since(phase.began.mono));
        let value = i64::from(phase.value);
        [Cell::time(Some(after)), Cell::time(took), Cell::of(&*phase.action), Cell::of(value.to_string())]
    };
    let columns = [("after", Fit::Number), ("took", Fit::Number), ("phase", Fit::Name), ("value", Fit::Number)];
    Part::of("phases", [Table::of(columns, cycle.phases.iter().map(row), Extent { rows: 100, ..Extent::SHORT })])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::RequestId;
    use crate::report::{markdown, page};
    use crate::testing::busy;

    #[test]
    fn a_request_is_reported_with_its_time_its_loads_and_what_they_caused() {
        let scenario = busy();
        let model = scenario.model();
        let first = model.request(RequestId(1)).expect("a request");
        let document = request(first, model, &Integrity::default());
        let text = page::text(&document);
        for expected in [
            "can_raw went live 98.1ms after it was asked for",
            "requester   ping[412]",
            "/sbin/modprobe -q -- can-proto-1 (pid 413): exit 0",
            "init       84.9ms    79%",
            "dependency  success",
            "#2 crypto-hmac(sha256): not found",
            "__sock_create",
            "LOST: 12 ",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        let markdown = markdown::text(&document);
        assert!(markdown.starts_with(r"## Request 1 for can-proto-1 (CAN_RAW): live"), "{markdown}");
        assert!(markdown.contains("| init | 84.9ms | 79% |"), "{markdown}");
    }
}
