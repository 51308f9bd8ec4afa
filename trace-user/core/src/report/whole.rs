//! The summary of a whole trace as one JSON object, for programs. Names are stable, as in a request's line; what was
//! not seen is null.

use super::coverage::is_at_least;
use super::crowds::longest_slot_wait;
use super::cycles;
use super::devices;
use super::json::{self as json_line, HelperLine, helper_line};
use super::plain::write_json;
use super::{helpers, modules, requesters, slowest, summary, times, wall};
use crate::attribution::purpose::purpose;
use crate::entities::{Call, Load, Timed, Unload, Verdict, asleep, lasted};
use crate::event::{Hook, Machine, Policy, Right, SelfTest};
use crate::explain;
use crate::findings::{self, Finding};
use crate::model::Model;
use crate::model::coverage::Coverage;
use crate::model::duplicates::Group;
use crate::query::Query;
use crate::record::read::{Ending, Integrity};
use crate::repeats::{Repeat, Requester, repeats};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value, json};
use std::io;

/// The version of the object's format.
const SCHEMA: u32 = json_line::SCHEMA;

#[derive(serde::Serialize)]
struct CallLine<'a> {
    purpose: Option<&'static str>,
    boot_ns: u64,
    wall: Option<String>,
    wait: &'static str,
    result: Option<i32>,
    total_ns: Option<u64>,
    total_boot_ns: Option<u64>,
    asleep_ns: Option<u64>,
    caller: Value,
    #[serde(flatten)]
    helper: HelperLine<'a>,
    stack: Vec<&'a str>,
}

/// Writes the object, without a newline at its end. `query`: what the trace was narrowed to. Lists are written as they
/// are made: a trace of a hundred thousand requests needs no memory for its text.
///
/// # Errors
/// What the writer answered.
pub fn write(model: &Model, integrity: &Integrity, query: &Query, to: impl io::Write) -> io::Result<()> {
    write_json(&Whole { model, integrity, query }, to)
}

/// The same as text.
#[must_use]
pub fn summary(model: &Model, integrity: &Integrity, query: &Query) -> String {
    let mut text = Vec::new();
    // Memory takes all.
    let _ = write(model, integrity, query, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

struct Whole<'m> {
    model: &'m Model,
    integrity: &'m Integrity,
    query: &'m Query,
}

/// A list that is made while it is written.
struct Each<F>(F);

impl<I, F> Serialize for Each<F>
where
    I: IntoIterator,
    I::Item: Serialize,
    F: Fn() -> I,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { model, integrity, query } = self;
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in trace(model, integrity, query) {
            map.serialize_entry(name, &value)?;
        }
        for (name, value) in overview(model) {
            map.serialize_entry(name, &value)?;
        }
        map.serialize_entry(
            "requests",
            &Each(|| model.requests().map(|request| json_line::request_object(request, model))),
        )?;
        map.serialize_entry("repeats", &Each(|| repeats(model).into_iter().flat_map(|repeat| repeated(&repeat))))?;
        map.serialize_entry("duplicate_groups", &Each(|| model.duplicates().map(|group| duplicates(model, group))))?;
        map.serialize_entry("helper_calls", &Each(|| model.calls().map(|call| call_line(model, call))))?;
        map.serialize_entry("loads", &Each(|| model.loads().map(|load| load_object(load, model))))?;
        map.serialize_entry("unloads", &Each(|| model.unloads().map(|unload| unload_object(unload))))?;
        map.serialize_entry("devices", &devices::devices(model))?;
        map.serialize_entry("findings", &Each(|| findings::all(model).into_iter().map(|of| finding(&of))))?;
        map.serialize_entry("suspends", &Each(|| cycles::cycles(model)))?;
        map.serialize_entry("firmware", &Each(|| cycles::firmware(model)))?;
        map.serialize_entry("hooks", &hooks(model.hooks()))?;
        map.end()
    }
}

/// What was traced, and how well.
fn trace(model: &Model, integrity: &Integrity, query: &Query) -> [(&'static str, Value); 22] {
    let counts = model.counts();
    let first = model.first().unwrap_or_default();
    let end = if integrity.ending() == Ending::Whole { "whole" } else { "missing" };
    [
        ("schema", SCHEMA.into()),
        ("machine", model.machine().map(machine).into()),
        ("began", model.wall_ns(first).and_then(wall::iso).into()),
        ("traced_ns", model.now().mono.since(first.mono).as_nanos().into()),
        ("where", (!query.is_empty()).then(|| query.text()).into()),
        ("end", end.into()),
        ("damaged_at", integrity.damage.as_ref().map(|damage| damage.at).into()),
        ("lost_at_least", integrity.damage.as_ref().is_some_and(|damage| !damage.is_counted).into()),
        ("at_least", is_at_least(model, integrity).into()),
        ("self_test", model.self_test().map(self_test).into()),
        ("keeps", rights(model.rights())),
        ("requests_seen", counts.requests.into()),
        ("events", counts.events.into()),
        ("coverage", coverage(model.coverage())),
        ("lost", lost(model)),
        ("lost_by_user", lost_by_user(model)),
        ("unmatched", counts.unmatched.into()),
        ("given_up", counts.capped.into()),
        ("other_self_tests", counts.other_self_tests.into()),
        ("forgotten", counts.forgotten.into()),
        ("policy", model.policy().map(policy).into()),
        ("slots_most", model.most_slots().holders.len().into()),
    ]
}

/// What the lists say together.
fn overview(model: &Model) -> [(&'static str, Value); 9] {
    [
        ("verdicts", verdicts(model)),
        ("times", times::objects(model)),
        ("slowest", slowest::objects(model)),
        ("modules", modules::objects(model)),
        ("requesters", requesters::objects(model)),
        ("units", requesters::units(model)),
        ("containers", requesters::containers(model)),
        ("helpers", helpers::objects(model)),
        ("slots", slots(model)),
    ]
}

/// The machine that was traced.
#[must_use]
pub fn machine(machine: &Machine) -> Value {
    json!({"release": machine.release, "arch": machine.arch, "hostname": machine.hostname, "cpus": machine.cpus,
        "boot_id": machine.boot_id, "modtrail": machine.version})
}

/// Who requested an alias again and again: an object for each requester.
fn repeated(repeat: &Repeat) -> Vec<Value> {
    let object = |by: &Requester| {
        json!({"alias": &*repeat.alias, "comm": by.comm, "unit": by.unit.as_deref(),
            "container": by.container.as_deref(),
            "count": by.count(), "verdicts": json_line::verdict_counts(&by.verdicts), "helper_ns": by.helper_time.as_nanos()})
    };
    repeat.requesters.iter().map(object).collect()
}

/// How much of the time was covered.
#[must_use]
pub fn coverage(coverage: Coverage) -> Value {
    json!({"traced_ns": coverage.traced.as_nanos(), "asleep_ns": coverage.asleep.as_nanos(),
        "blind_ns": coverage.blind.as_nanos(), "is_enough": coverage.is_enough()})
}

/// How full the slots were, who held them, and how long others waited for one.
fn slots(model: &Model) -> Value {
    let most = model.most_slots();
    let waited = longest_slot_wait(model);
    json!({
        "at_ns": (!most.holders.is_empty()).then(|| most.at.boot.as_nanos()),
        "holders": most.holders.iter().map(|id| id.0).collect::<Vec<_>>(),
        "longest_wait_ns": waited.map(|(wait, _)| wait.as_nanos()),
        "longest_wait": waited.map(|(_, request)| request.id.0),
    })
}

/// How each moment is seen.
#[must_use]
pub fn hooks(hooks: &[Hook]) -> Value {
    let hook = |hook: &Hook| {
        json!({"moment": hook.moment.name(), "attached": hook.attached.as_deref(), "may_miss": hook.may_miss,
            "loses": &*hook.loses, "refused": &*hook.refused})
    };
    hooks.iter().map(hook).collect()
}

/// Whether the probes were seen to fire.
#[must_use]
pub fn self_test(test: &SelfTest) -> Value {
    match test {
        SelfTest::Proven => json!({"result": "proven"}),
        SelfTest::Deaf(moments) => {
            let names: Vec<&str> = moments.iter().map(|moment| moment.name()).collect();
            json!({"result": "deaf", "moments": names})
        }
        SelfTest::Unproven(why) => json!({"result": "unproven", "why": &**why}),
    }
}

/// The capabilities that modtrail keeps, each with its reason.
#[must_use]
pub fn rights(rights: &[Right]) -> Value {
    rights.iter().map(|right| json!({"capability": &*right.capability, "why": &*right.why})).collect()
}

fn lost_by_user(model: &Model) -> Value {
    let row = |((uid, lost), blamed): (&(u32, crate::event::Lost), &crate::model::Blamed)| json!({"uid": uid, "comm": blamed.comm.to_text(), "what": lost.as_str(), "count": blamed.count});
    model.blamed().iter().map(row).collect()
}

fn lost(model: &Model) -> Value {
    let row = |(lost, count): (&crate::event::Lost, &u64)| json!({"what": lost.as_str(), "moment": lost.moment().map(trace_common::kind::Kind::name), "count": count});
    model.lost().iter().map(row).collect()
}

fn verdicts(model: &Model) -> Value {
    let counts = summary::verdicts(model);
    let count = |verdict: Verdict| counts.get(&verdict).copied().unwrap_or(0);
    let rows = Verdict::ALL.into_iter().map(|verdict| (verdict.as_str().to_owned(), count(verdict).into()));
    Value::Object(rows.collect::<Map<_, _>>())
}

fn duplicates(model: &Model, group: &Group) -> Value {
    let facts = model.group_facts(group);
    let task = |task: &crate::event::Task| json!({"pid": task.key.tgid.0, "comm": task.comm.to_text()});
    let live_by = facts.as_ref().and_then(|facts| facts.live_by).map(|(winner, request)| {
        json!({"pid": winner.key.tgid.0, "comm": winner.comm.to_text(), "request": request.map(|request| request.0)})
    });
    json!({
        "same": group.sameness.as_str(),
        "name": &*group.name,
        "members": group.members,
        "boot_ns": group.began.boot.as_nanos(),
        "first": facts.as_ref().map(|facts| task(&facts.first)),
        "live_by": live_by,
        "wasted_helpers": facts.as_ref().map(|facts| facts.helpers),
        "wasted_bytes": facts.as_ref().map(|facts| facts.bytes),
        "wasted_ns": facts.as_ref().map(|facts| facts.time.as_nanos()),
    })
}

/// A load, by any task; instants count from boot, on the clock that does not stop in suspend.
fn load_object(load: &Load, model: &Model) -> Value {
    json!({
        "id": load.id.0,
        "request": load.request.map(|request| request.0),
        "module": load.module.as_deref(),
        "file": load.file.as_ref().map(|file| &*file.name),
        "loader": json_line::loader(&load.task, load.origin.as_deref()),
        "why": explain::load::why(load),
        "retried": load.retried,
        "printed": json_line::texts(&load.printed),
        "result": load.ended.map(|(_, result)| result.0),
        "began_ns": load.began.boot.as_nanos(),
        "live_ns": load.live.map(|at| at.boot.as_nanos()),
        "ended_ns": load.ended.map(|(at, _)| at.boot.as_nanos()),
        "total_ns": load.total().map(|total| total.as_nanos()),
        "init_ns": load.init_time().map(|init| init.as_nanos()),
        "asleep_ns": load.ended.map(|(at, _)| asleep(load.began, at).as_nanos()),
        "bytes": load.bytes,
        "devices": devices::of_load(load, model),
    })
}

/// An unload; instants as of a load.
fn unload_object(unload: &Unload) -> Value {
    json!({
        "id": unload.id.0,
        "module": unload.module.text().map(|name| &**name),
        "loader": json_line::loader(&unload.task, unload.origin.as_deref()),
        "why": unload.failed().then(|| explain::load::explain_unload(unload)),
        "result": unload.ended.map(|(_, result)| result.0),
        "began_ns": unload.began.boot.as_nanos(),
        "ended_ns": unload.ended.map(|(at, _)| at.boot.as_nanos()),
        "total_ns": unload.total().map(|total| total.as_nanos()),
    })
}

/// A finding.
#[must_use]
pub fn finding(finding: &Finding) -> Value {
    let evidence = finding.evidence.iter().map(|one| json!({"kind": one.kind(), "id": one.id()}));
    json!({"name": finding.kind.as_str(), "sentence": finding.sentence, "next": finding.next,
        "at_ns": finding.at.boot.as_nanos(), "evidence": evidence.collect::<Vec<_>>()})
}

/// What forbids loads on the machine.
#[must_use]
pub fn policy(policy: &Policy) -> Value {
    json!({
        "modules_disabled": policy.modules_disabled,
        "module_blacklist": json_line::texts(&policy.blacklist),
        "initcall_blacklist": json_line::texts(&policy.initcall_blacklist),
        "sig_enforce": policy.sig_enforce,
        "lockdown": policy.lockdown.as_deref(),
        "loadpin": policy.loadpin,
        "helper": policy.helper.as_deref(),
    })
}

fn call_line<'a>(model: &Model, call: &'a Call) -> CallLine<'a> {
    CallLine {
        purpose: purpose(call),
        boot_ns: call.entered.boot.as_nanos(),
        wall: model.wall_ns(call.entered).and_then(wall::iso),
        wait: call.entry.wait.as_str(),
        result: call.returned.map(|(_, result)| result.as_return()),
        total_ns: call.total().map(|total| total.as_nanos()),
        total_boot_ns: call.ended().map(|end| lasted(call.entered, end).as_nanos()),
        asleep_ns: call.ended().map(|end| asleep(call.entered, end).as_nanos()),
        caller: json!({"pid": call.caller.key.tgid.0, "tid": call.caller.tid.0, "comm": call.caller.comm.to_text()}),
        helper: helper_line(call, call.exited.and_then(|(_, status)| status)),
        stack: call.entry.stack.iter().map(|symbol| &**symbol).collect(),
    }
}
