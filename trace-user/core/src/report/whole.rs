//! The summary of a whole trace as one JSON object, for programs. Names are stable, as in a request's line; what was
//! not seen is null.

use super::cycles;
use super::devices;
use super::json::{self as json_line, HelperLine, helper_line};
use super::plain::plain_json;
use super::summary::longest_slot_wait;
use super::wall;
use crate::attribution::purpose::purpose;
use crate::entities::{Call, Load, Timed, Unload, Verdict, asleep, lasted};
use crate::event::{Hook, Policy, Right, SelfTest};
use crate::explain;
use crate::findings::{self, Finding};
use crate::model::Model;
use crate::model::coverage::Coverage;
use crate::model::duplicates::Group;
use crate::query::Query;
use crate::record::read::{Ending, Integrity};
use crate::repeats::{Repeat, Requester, repeats};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The version of the object's format.
const SCHEMA: u32 = json_line::SCHEMA;

#[derive(Serialize)]
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

/// The object, without a newline at its end. `query`: what the trace was narrowed to.
#[must_use]
pub fn summary(model: &Model, integrity: Integrity, query: &Query) -> String {
    let counts = model.counts();
    let machine = model.machine().map(|machine| {
        json!({"release": machine.release, "arch": machine.arch, "hostname": machine.hostname, "cpus": machine.cpus,
            "boot_id": machine.boot_id, "modtrail": machine.version})
    });
    let first = model.first().unwrap_or_default();
    let whole = json!({
        "schema": SCHEMA,
        "machine": machine,
        "began": model.wall_ns(first).and_then(wall::iso),
        "traced_ns": model.now().mono.since(first.mono).as_nanos(),
        "where": (!query.is_empty()).then(|| query.text()),
        "end": if integrity.ending() == Ending::Whole { "whole" } else { "missing" },
        "damaged_at": integrity.damage.map(|damage| damage.at),
        "lost_at_least": integrity.damage.is_some_and(|damage| !damage.is_counted),
        "self_test": model.self_test().map(self_test),
        "keeps": rights(model.rights()),
        "requests": counts.requests,
        "events": counts.events,
        "coverage": coverage(model.coverage()),
        "lost": lost(model),
        "lost_by_user": lost_by_user(model),
        "unmatched": counts.unmatched,
        "given_up": counts.capped,
        "other_self_tests": counts.other_self_tests,
        "forgotten": counts.forgotten,
        "verdicts": verdicts(model),
        "slots_most": model.most_slots().holders.len(),
        "slots": slots(model),
        "repeats": repeats(model).iter().flat_map(repeated).collect::<Vec<_>>(),
        "duplicate_groups": model.duplicates().map(|group| duplicates(model, group)).collect::<Vec<_>>(),
        "helper_calls": model.calls().map(|call| call_line(model, call)).collect::<Vec<_>>(),
        "loads": model.loads().map(|load| load_object(load, model)).collect::<Vec<_>>(),
        "unloads": model.unloads().map(|unload| unload_object(unload)).collect::<Vec<_>>(),
        "devices": devices::devices(model),
        "policy": model.policy().map(policy),
        "findings": findings::all(model).iter().map(finding).collect::<Vec<_>>(),
        "suspends": cycles::cycles(model),
        "firmware": cycles::firmware(model),
        "hooks": hooks(model.hooks()),
    });
    plain_json(&whole.to_string())
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
pub(super) fn coverage(coverage: Coverage) -> Value {
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
    let open = model.open_requests().count() as u64;
    let count = |verdict: Verdict| {
        let ended = model.verdicts().get(&verdict).copied().unwrap_or(0);
        if verdict == Verdict::InFlight { ended + open } else { ended }
    };
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

fn finding(finding: &Finding) -> Value {
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
