//! One request, load or unload as one line of JSON. Names are stable: `schema` changes if the meaning of a field ever
//! does. Times are integers in nanoseconds; what was not seen is null.

use super::devices;
use super::plain::write_json;
use super::wall;
use crate::answer::{CallResult, WaitStatus};
use crate::attribution::container::{container, unit};
use crate::attribution::family::family;
use crate::attribution::known::known_as;
use crate::entities::{Call, Load, Request, Timed, Unload, Verdict, lasted};
use crate::event::{Captured, Origin, Seccomp, Task};
use crate::explain;
use crate::model::Model;
use crate::phases::{Phase, phases};
use serde::Serialize;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The version of the line's format.
pub(crate) const SCHEMA: u32 = 2;

/// A request.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    schema: u32,
    kind: &'static str,
    id: u64,
    alias: Option<&'a str>,
    known_as: Option<Cow<'static, str>>,
    verdict: &'static str,
    why: Option<String>,
    module: Option<&'a str>,
    family: Option<&'static str>,
    result: Option<i32>,
    wait: Option<&'static str>,
    boot_ns: u64,
    wall: Option<String>,
    total_ns: Option<u64>,
    total_boot_ns: Option<u64>,
    asleep_ns: Option<u64>,
    request_to_live_ns: Option<u64>,
    request_to_live_boot_ns: Option<u64>,
    gone_ns: Option<u64>,
    deduplicated_by: Option<u64>,
    phases: Map<String, Value>,
    served: Option<ServedLine>,
    of_command: bool,
    requester: RequesterLine<'a>,
    helper: Option<HelperLine<'a>>,
    loads: Vec<LoadLine<'a>>,
    duplicates: DuplicatesLine,
    parent: Option<u64>,
    satisfied_by: Option<SatisfiedLine<'a>>,
    incomplete: Option<String>,
}

#[derive(Serialize)]
struct RequesterLine<'a> {
    pid: u32,
    tid: u32,
    comm: String,
    exe: Option<&'a str>,
    uid: u32,
    loginuid: Option<u32>,
    caps: Option<String>,
    userns: Option<UserNsLine>,
    seccomp: Option<&'static str>,
    no_new_privs: Option<bool>,
    cgroup: Option<&'a str>,
    container: Option<&'a str>,
    container_engine: Option<&'static str>,
    unit: Option<&'a str>,
    stack: Vec<&'a str>,
}

/// The requester's user namespace.
#[derive(Serialize)]
struct UserNsLine {
    inode: u32,
    depth: u32,
    owner: u32,
}

/// What the requester got.
#[derive(Serialize)]
struct ServedLine {
    by: &'static str,
    result: i32,
}

/// A helper, in a request's line and among other helper calls.
#[derive(Serialize)]
pub(super) struct HelperLine<'a> {
    pid: Option<u32>,
    path: Option<&'a str>,
    argv: Vec<Option<&'a str>>,
    exit_code: Option<i32>,
    signal: Option<i32>,
}

/// A load of a request's. Instants count from boot, on the clock that does not stop in suspend.
#[derive(Serialize)]
struct LoadLine<'a> {
    module: Option<&'a str>,
    file: Option<&'a str>,
    pid: u32,
    result: Option<i32>,
    began_ns: u64,
    live_ns: Option<u64>,
    ended_ns: Option<u64>,
    bytes: Option<u64>,
    dependency: bool,
    printed: Vec<&'a str>,
    devices: Vec<Value>,
}

/// A load, or an unload, that serves no request.
#[derive(Serialize)]
struct OwnLine<'a> {
    schema: u32,
    kind: &'static str,
    id: u64,
    module: Option<&'a str>,
    file: Option<&'a str>,
    result: Option<i32>,
    why: Option<String>,
    boot_ns: u64,
    wall: Option<String>,
    total_ns: Option<u64>,
    total_boot_ns: Option<u64>,
    live_ns: Option<u64>,
    init_ns: Option<u64>,
    bytes: Option<u64>,
    printed: Vec<&'a str>,
    killed_by: Option<i32>,
    devices: Option<Vec<Value>>,
    of_command: bool,
    loader: LoaderLine<'a>,
}

/// Who loads or unloads: as a requester, with the parent.
#[derive(Serialize)]
pub(super) struct LoaderLine<'a> {
    pid: u32,
    tid: u32,
    comm: String,
    exe: Option<&'a str>,
    uid: Option<u32>,
    loginuid: Option<u32>,
    cgroup: Option<&'a str>,
    container: Option<&'a str>,
    container_engine: Option<&'static str>,
    unit: Option<&'a str>,
    parent: Option<ParentLine<'a>>,
}

#[derive(Serialize)]
struct ParentLine<'a> {
    pid: u32,
    comm: String,
    exe: Option<&'a str>,
}

#[derive(Serialize)]
struct DuplicatesLine {
    same_alias: u32,
    same_module: u32,
    same_file: u32,
}

#[derive(Serialize)]
struct SatisfiedLine<'a> {
    request: Option<u64>,
    module: &'a str,
    pid: u32,
    comm: String,
}

/// How many requests have each verdict, by the verdicts' names.
pub(super) fn verdict_counts(counts: &BTreeMap<Verdict, u64>) -> Map<String, Value> {
    counts.iter().map(|(verdict, count)| (verdict.as_str().to_owned(), (*count).into())).collect()
}

/// The line, without its newline.
#[must_use]
pub fn request_line(request: &Request, model: &Model) -> String {
    plain_line(&request_object(request, model))
}

/// The same before it is text.
pub(super) fn request_object<'r>(request: &'r Request, model: &Model) -> Line<'r> {
    Line {
        schema: SCHEMA,
        kind: "request",
        id: request.id.0,
        alias: text(&request.requested.alias),
        known_as: text(&request.requested.alias).and_then(known_as),
        verdict: request.verdict.as_str(),
        why: explain::why(request),
        module: request.module().map(|module| &**module),
        family: family(text(&request.requested.alias).unwrap_or_default(), &request.requested.stack),
        result: request.result.map(CallResult::as_return),
        wait: request.wait().map(crate::event::Wait::as_str),
        boot_ns: request.asked.boot.as_nanos(),
        wall: model.wall_ns(request.asked).and_then(wall::iso),
        total_ns: request.total().map(|total| total.as_nanos()),
        total_boot_ns: request.returned.map(|at| lasted(request.asked, at).as_nanos()),
        asleep_ns: request.asleep().map(|asleep| asleep.as_nanos()),
        request_to_live_ns: request.to_live().map(|to_live| to_live.as_nanos()),
        request_to_live_boot_ns: request.live.map(|at| lasted(request.asked, at).as_nanos()),
        deduplicated_by: request.deduplicated_by.map(|first| first.0),
        gone_ns: request.gone.map(|at| at.boot.as_nanos()),
        phases: phases_map(request),
        served: request.served.map(|served| ServedLine { by: served.by.as_str(), result: served.result.0 }),
        of_command: request.of_command,
        requester: requester(request),
        helper: helper(request),
        loads: request.loads.iter().map(|load| own_load(load, request, model)).collect(),
        duplicates: DuplicatesLine {
            same_alias: request.duplicates.same_alias,
            same_module: request.duplicates.same_module,
            same_file: request.duplicates.same_file,
        },
        parent: request.parent.map(|parent| parent.0),
        satisfied_by: request.satisfied_by.as_ref().map(|by| SatisfiedLine {
            request: by.request.map(|request| request.0),
            module: &by.module,
            pid: by.task.key.tgid.0,
            comm: by.task.comm.to_text(),
        }),
        incomplete: gaps(request),
    }
}

/// The line of a load that serves no request, without its newline.
#[must_use]
pub fn load_line(load: &Load, model: &Model) -> String {
    let ended = load.ended.map(|(at, _)| at);
    plain_line(&OwnLine {
        schema: SCHEMA,
        kind: "load",
        id: load.id.0,
        module: load.module.as_deref(),
        file: load.file.as_ref().map(|file| &*file.name),
        result: load.ended.map(|(_, result)| result.0),
        why: explain::load::why(load),
        boot_ns: load.began.boot.as_nanos(),
        wall: model.wall_ns(load.began).and_then(wall::iso),
        total_ns: load.total().map(|total| total.as_nanos()),
        total_boot_ns: ended.map(|at| lasted(load.began, at).as_nanos()),
        live_ns: load.live.map(|at| at.boot.as_nanos()),
        init_ns: load.init_time().map(|init| init.as_nanos()),
        bytes: load.bytes,
        printed: texts(&load.printed),
        killed_by: load.ending.and_then(WaitStatus::signal),
        devices: Some(devices::of_load(load, model)),
        of_command: load.of_command,
        loader: loader(&load.task, load.origin.as_deref()),
    })
}

/// The line of an unload, without its newline.
#[must_use]
pub fn unload_line(unload: &Unload, model: &Model) -> String {
    let ended = unload.ended.map(|(at, _)| at);
    plain_line(&OwnLine {
        schema: SCHEMA,
        kind: "unload",
        id: unload.id.0,
        module: text(&unload.module),
        file: None,
        result: unload.ended.map(|(_, result)| result.0),
        why: unload.failed().then(|| explain::load::explain_unload(unload)),
        boot_ns: unload.began.boot.as_nanos(),
        wall: model.wall_ns(unload.began).and_then(wall::iso),
        total_ns: unload.total().map(|total| total.as_nanos()),
        total_boot_ns: ended.map(|at| lasted(unload.began, at).as_nanos()),
        live_ns: None,
        init_ns: None,
        bytes: None,
        printed: Vec::new(),
        killed_by: None,
        devices: None,
        of_command: unload.of_command,
        loader: loader(&unload.task, unload.origin.as_deref()),
    })
}

/// Strings and integers under string keys cannot fail to serialise, and memory takes all.
fn plain_line(line: &impl Serialize) -> String {
    let mut text = Vec::new();
    let _ = write_json(line, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

pub(super) fn loader<'a>(task: &Task, origin: Option<&'a Origin>) -> LoaderLine<'a> {
    let cgroup = origin.and_then(|origin| origin.cgroup.as_deref());
    let container = cgroup.and_then(container);
    let parent = origin.and_then(|origin| origin.parent.as_ref()).map(|parent| ParentLine {
        pid: parent.process.0,
        comm: parent.comm.to_text(),
        exe: parent.exe.as_deref(),
    });
    LoaderLine {
        pid: task.key.tgid.0,
        tid: task.tid.0,
        comm: task.comm.to_text(),
        exe: origin.and_then(|origin| origin.exe.as_deref()),
        uid: origin.map(|origin| origin.uid),
        loginuid: origin.and_then(|origin| origin.loginuid),
        cgroup,
        container: container.map(|container| container.id),
        container_engine: container.map(|container| container.engine),
        unit: cgroup.and_then(unit),
        parent,
    }
}

/// What was not seen, as one phrase; `None` if everything was.
#[must_use]
pub fn gaps(request: &Request) -> Option<String> {
    let gaps: Vec<&str> = request.gaps.iter().map(|gap| gap.as_str()).collect();
    (!gaps.is_empty()).then(|| gaps.join("; "))
}

fn phases_map(request: &Request) -> Map<String, Value> {
    let phases = phases(request, None);
    let entry = |phase: Phase| {
        let share = phases.get(phase).map_or(Value::Null, |share| share.as_nanos().into());
        (format!("{}_ns", phase.as_str()), share)
    };
    Phase::ALL.into_iter().map(entry).collect()
}

fn requester(request: &Request) -> RequesterLine<'_> {
    let (task, requester) = (&request.task, &*request.requested);
    let container = requester.cgroup.as_deref().and_then(container);
    let privileges = requester.privileges.unwrap_or_default();
    RequesterLine {
        pid: task.key.tgid.0,
        tid: task.tid.0,
        comm: task.comm.to_text(),
        exe: requester.exe.as_deref(),
        uid: requester.uid,
        loginuid: requester.loginuid,
        caps: privileges.caps.map(|caps| format!("{caps:016x}")),
        userns: privileges.userns.map(|of| UserNsLine { inode: of.inode, depth: of.depth, owner: of.owner }),
        seccomp: privileges.seccomp.map(Seccomp::as_str),
        no_new_privs: privileges.no_new_privs,
        cgroup: requester.cgroup.as_deref(),
        container: container.map(|container| container.id),
        container_engine: container.map(|container| container.engine),
        unit: requester.cgroup.as_deref().and_then(unit),
        stack: requester.stack.iter().map(|frame| &**frame).collect(),
    }
}

fn helper(request: &Request) -> Option<HelperLine<'_>> {
    request.call.as_deref().map(|call| helper_line(call, request.status()))
}

/// A helper and how it ended, by its wait status word.
pub(super) fn helper_line(call: &Call, status: Option<WaitStatus>) -> HelperLine<'_> {
    // A helper whose exec failed has not run a program that could exit.
    let status = status.filter(|_| call.executed.is_none_or(|(_, result)| !result.failed()));
    let signal = status.and_then(WaitStatus::signal);
    let exit_code = status.and_then(WaitStatus::exit_code);
    HelperLine {
        pid: call.helper.map(|(helper, _)| helper.key.tgid.0),
        path: text(&call.entry.path),
        argv: call.entry.argv.iter().map(text).collect(),
        exit_code,
        signal,
    }
}

fn own_load<'a>(load: &'a Load, request: &Request, model: &Model) -> LoadLine<'a> {
    LoadLine {
        module: load.module.as_deref(),
        file: load.file.as_ref().map(|file| &*file.name),
        pid: load.task.key.tgid.0,
        result: load.ended.map(|(_, result)| result.0),
        began_ns: load.began.boot.as_nanos(),
        live_ns: load.live.map(|at| at.boot.as_nanos()),
        ended_ns: load.ended.map(|(at, _)| at.boot.as_nanos()),
        bytes: load.bytes,
        dependency: request.is_dependency(load),
        printed: texts(&load.printed),
        devices: devices::of_load(load, model),
    }
}

pub(super) fn texts(texts: &[Arc<str>]) -> Vec<&str> {
    texts.iter().map(|text| &**text).collect()
}

fn text(captured: &Captured) -> Option<&str> {
    captured.text().map(|text| &**text)
}
