//! Translates between events and the recording's messages. Encoding never fails; decoding refuses what has no meaning
//! and reports what it was.

use super::schema::{self as pb, event::Body as Wire};
use crate::answer::{CallResult, Errno, ReturnCode, WaitStatus};
use crate::event::{
    Absent, Action, Body, CallEntered, Captured, Comm, Configured, Costs, Depth, DeviceMoment, DriverTried, Event,
    Fact, FileFault, FileId, FirmwareAsked, FirmwareMoment, Hook, Install, Lost, Machine, Module, Moment, Origin,
    Parent, Place, PmTest, Policy, Privileges, Probe, ProbeCost, Program, Replaced, Requested, Resolution, Right,
    STACK_FRAMES, Seccomp, SelfTest, Server, Spared, Stamp, SuspendMoment, SuspendState, Syscall, Task, Uevent,
    Unapplied, UnusableFile, UserNs, Wait, Wanted, Way,
};
use std::sync::Arc;
use trace_common::ids::{CallAddress, ModuleAddress, TaskKey, Tgid, Tid};
use trace_common::kind::{Kind, Loss};
use trace_common::time::{Ktime, Nanos};

/// Why a message is not an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecFault {
    /// Something that this version does not know: a newer one wrote it.
    #[error("a message with an unknown {0}")]
    Newer(&'static str),
    /// What a probe saw, without the task it saw it in.
    #[error("a probe's message without its task")]
    Task,
    /// A required part is missing.
    #[error("a message without its {0}")]
    Part(&'static str),
    /// A number that has no meaning.
    #[error("a message with an impossible {0}")]
    Number(&'static str),
    /// More than any recorder writes.
    #[error("a message with a {0} that is too long")]
    Long(&'static str),
}

/// Capabilities that a message may list: more than there are.
const RIGHTS: usize = 64;
/// Names in a list on the kernel command line: it has 4096 bytes at most.
const NAMES: usize = 2_048;
/// Bytes of a text that probes read: they read 256 at most, and a byte that is not UTF-8 becomes three.
const TEXT: usize = 768;
/// Bytes of a path (`PATH_MAX`).
const PATH: usize = 4_096;
/// Bytes of a symbol (`KSYM_NAME_LEN`, 6.1 to 7.3).
const SYMBOL: usize = 512;
/// Words of a command: more than probes read.
const WORDS: usize = 4 * trace_common::limits::ARGV;

const UNDECODABLE: u32 = 100;
const DAMAGED: u32 = 101;
const REPEATED: u32 = 103;
const MISPLACED: u32 = 104;
const TRAILING: u32 = 105;
const UNWRITTEN: u32 = 106;
const MISSING_PART: u32 = 107;
const NEWER: u32 = 108;
const LATE: u32 = 102;
/// Plus the moment's number.
const UNRUN: u32 = 1_000;
/// Plus the moment's number.
const UNRETURNED: u32 = 2_000;
/// Plus the moment's number.
const DEAF: u32 = 3_000;

/// The message for an event.
#[must_use]
pub fn to_message(event: &Event) -> pb::Event {
    let of_command = matches!(&event.body, Body::Probe(probe) if probe.of_command);
    let (task, cpu, body) = match &event.body {
        Body::Probe(probe) => (Some(task(&probe.task)), u32::from(probe.cpu), moment(&probe.moment)),
        Body::Fact(fact) => (None, 0, wire_fact(fact)),
    };
    pb::Event {
        mono: event.at.mono.as_nanos(),
        boot: event.at.boot.as_nanos(),
        task,
        cpu,
        of_command,
        body: Some(body),
    }
}

/// The event of a message.
///
/// An event of a kind that this version does not know is reported as a loss.
///
/// # Errors
/// [`CodecFault`] if the message is not one that any version writes.
pub fn from_message(message: pb::Event) -> Result<Event, CodecFault> {
    let at = Stamp { mono: Ktime::from_nanos(message.mono), boot: Ktime::from_nanos(message.boot) };
    let body = match event_body(message) {
        Err(CodecFault::Newer(_)) => Body::Fact(Fact::Lost { loss: Lost::Newer, count: 1, until: at.mono }),
        body => body?,
    };
    Ok(Event { at, body })
}

fn event_body(message: pb::Event) -> Result<Body, CodecFault> {
    // A body of a kind that this version does not know is not there.
    let wire = match event_fact(message.body.ok_or(CodecFault::Newer("kind"))?)? {
        Ok(fact) => return Ok(Body::Fact(fact)),
        Err(wire) => wire,
    };
    let task = message.task.ok_or(CodecFault::Task)?;
    let cpu = u16::try_from(message.cpu).map_err(|_| CodecFault::Number("cpu"))?;
    let moment = event_moment(wire)?;
    Ok(Body::Probe(Probe { task: event_task(&task), cpu, of_command: message.of_command, moment }))
}

fn task(task: &Task) -> pb::Task {
    let comm = comm(task.comm);
    pb::Task { tgid: task.key.tgid.0, tid: task.tid.0, start: task.key.start.as_nanos(), comm }
}

fn comm(comm: Comm) -> Vec<u8> {
    comm.0.iter().copied().take_while(|byte| *byte != 0).collect()
}

fn event_comm(bytes: &[u8]) -> Comm {
    let mut comm = Comm::default();
    comm.0.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    comm
}

fn event_task(task: &pb::Task) -> Task {
    let comm = event_comm(&task.comm);
    let key = TaskKey { tgid: Tgid(task.tgid), start: Ktime::from_nanos(task.start) };
    Task { key, tid: Tid(task.tid), comm }
}

fn text(captured: &Captured) -> pb::Text {
    let (text, truncated, error) = match captured {
        Captured::Whole(text) => (text.to_string(), false, 0),
        Captured::Truncated(text) => (text.to_string(), true, 0),
        Captured::Unreadable(error) => (String::new(), false, error.as_return()),
    };
    pb::Text { text, truncated, error }
}

fn captured(text: Option<pb::Text>) -> Result<Captured, CodecFault> {
    let text = text.unwrap_or_default();
    if text.text.len() > TEXT {
        return Err(CodecFault::Long("text"));
    }
    if text.error > 0 {
        return Err(CodecFault::Number("error"));
    }
    Ok(match (Errno::from_return(text.error), text.truncated) {
        (Some(error), _) => Captured::Unreadable(error),
        (None, false) => Captured::Whole(text.text.into()),
        (None, true) => Captured::Truncated(text.text.into()),
    })
}

fn event_path(path: Option<String>) -> Result<Option<Arc<str>>, CodecFault> {
    match path {
        Some(path) if path.len() > PATH => Err(CodecFault::Long("path")),
        path => Ok(path.map(Into::into)),
    }
}

fn event_stack(stack: Vec<String>) -> Result<Arc<[Arc<str>]>, CodecFault> {
    let is_long = stack.len() > STACK_FRAMES || stack.iter().any(|symbol| symbol.len() > SYMBOL);
    if is_long { Err(CodecFault::Long("stack")) } else { Ok(stack.into_iter().map(Into::into).collect()) }
}

const fn syscall_number(syscall: Syscall) -> u32 {
    match syscall {
        Syscall::Init => trace_common::wire::SYSCALL_INIT,
        Syscall::Finit => trace_common::wire::SYSCALL_FINIT,
    }
}

const fn event_syscall(number: u32) -> Result<Syscall, CodecFault> {
    match number {
        trace_common::wire::SYSCALL_INIT => Ok(Syscall::Init),
        trace_common::wire::SYSCALL_FINIT => Ok(Syscall::Finit),
        _ => Err(CodecFault::Newer("system call")),
    }
}

const fn wait_number(wait: Wait) -> u32 {
    match wait {
        Wait::None => 0,
        Wait::Exec => 1,
        Wait::Proc => 2,
    }
}

const fn event_wait(number: u32) -> Result<Wait, CodecFault> {
    match number {
        0 => Ok(Wait::None),
        1 => Ok(Wait::Exec),
        2 => Ok(Wait::Proc),
        _ => Err(CodecFault::Newer("wait mode")),
    }
}

fn module(module: &Module) -> pb::Module {
    pb::Module { address: module.address.0, name: Some(text(&module.name)) }
}

fn event_module(module: pb::Module) -> Result<Module, CodecFault> {
    Ok(Module { address: ModuleAddress(module.address), name: captured(module.name)? })
}

const fn seen(call: CallAddress) -> pb::CallSeen {
    pb::CallSeen { call: Some(call.0) }
}

fn event_call(seen: pb::CallSeen) -> Result<CallAddress, CodecFault> {
    seen.call.map(CallAddress).ok_or(CodecFault::Part("call"))
}

fn owned(text: Option<&Arc<str>>) -> Option<String> {
    text.map(ToString::to_string)
}

const fn file_id(file: FileId) -> pb::FileId {
    pb::FileId { device: file.device, inode: file.inode }
}

const fn event_file_id(file: &pb::FileId) -> FileId {
    FileId { device: file.device, inode: file.inode }
}

fn origin(origin: &Origin) -> pb::Origin {
    let parent = |parent: &Parent| pb::Parent {
        tgid: parent.process.0,
        comm: comm(parent.comm),
        exe: owned(parent.exe.as_ref()),
    };
    pb::Origin {
        uid: origin.uid,
        loginuid: origin.loginuid,
        capable: origin.capable,
        exe: owned(origin.exe.as_ref()),
        cgroup: owned(origin.cgroup.as_ref()),
        parent: origin.parent.as_ref().map(parent),
    }
}

fn event_origin(origin: Option<pb::Origin>) -> Result<Option<Arc<Origin>>, CodecFault> {
    let Some(origin) = origin else { return Ok(None) };
    let parent = |parent: pb::Parent| -> Result<Parent, CodecFault> {
        let exe = event_path(parent.exe)?;
        Ok(Parent { process: Tgid(parent.tgid), comm: event_comm(&parent.comm), exe })
    };
    let origin = Origin {
        uid: origin.uid,
        loginuid: origin.loginuid,
        capable: origin.capable,
        exe: event_path(origin.exe)?,
        cgroup: event_path(origin.cgroup)?,
        parent: origin.parent.map(parent).transpose()?,
    };
    Ok(Some(origin.into()))
}

fn requested(asked: &Requested) -> pb::Requested {
    pb::Requested {
        alias: Some(text(&asked.alias)),
        uid: asked.uid,
        loginuid: asked.loginuid,
        exe: owned(asked.exe.as_ref()),
        cgroup: owned(asked.cgroup.as_ref()),
        stack: asked.stack.iter().map(ToString::to_string).collect(),
        privileges: asked.privileges.as_ref().map(privileges),
    }
}

fn privileges(privileges: &Privileges) -> pb::Privileges {
    pb::Privileges {
        caps: privileges.caps,
        userns: privileges.userns.map(|of| pb::UserNs { inode: of.inode, depth: of.depth, owner: of.owner }),
        seccomp: privileges.seccomp.map(Seccomp::number),
        no_new_privs: privileges.no_new_privs,
    }
}

const fn event_privileges(privileges: &pb::Privileges) -> Privileges {
    Privileges {
        caps: privileges.caps,
        userns: match privileges.userns {
            Some(of) => Some(UserNs { inode: of.inode, depth: of.depth, owner: of.owner }),
            None => None,
        },
        seccomp: match privileges.seccomp {
            Some(number) => Seccomp::from_number(number),
            None => None,
        },
        no_new_privs: privileges.no_new_privs,
    }
}

fn moment(moment: &Moment) -> Wire {
    match moment {
        Moment::Requested(asked) => Wire::Requested(requested(asked)),
        Moment::RefusedEarly { requested: asked, result } => {
            Wire::RefusedEarly(pb::RefusedEarly { requested: Some(requested(asked)), result: result.0 })
        }
        Moment::Admitted { alias, wait } => Wire::Admitted(pb::Admitted { alias: Some(text(alias)), wait: *wait }),
        Moment::Throttled { result } => Wire::Throttled(pb::TurnedAway { result: result.0 }),
        Moment::Deduplicated { result } => Wire::Deduplicated(pb::TurnedAway { result: result.0 }),
        Moment::Denied { result } => Wire::Denied(pb::TurnedAway { result: result.0 }),
        Moment::Served { by, result } => Wire::Served(pb::Served { by: by.as_str().to_owned(), result: result.0 }),
        Moment::CallEntered(entered) => Wire::CallEntered(pb::CallEntered {
            call: entered.call.0,
            wait: wait_number(entered.wait),
            path: Some(text(&entered.path)),
            argv: entered.argv.iter().map(text).collect(),
            argv_more: entered.argv_more,
            stack: entered.stack.iter().map(ToString::to_string).collect(),
        }),
        Moment::CallReturned { result } => Wire::CallReturned(pb::CallReturned { result: result.as_return() }),
        Moment::CallPicked { call } => Wire::CallPicked(seen(*call)),
        Moment::Born { call } => Wire::Born(seen(*call)),
        Moment::Executed { result, program } => Wire::Executed(pb::Executed {
            result: result.0,
            file: program.as_ref().map(|program| file_id(program.file)),
            path: program.as_ref().and_then(|program| owned(program.path.as_ref())),
        }),
        Moment::Completed { call } => Wire::Completed(pb::CallSeen { call: call.map(|call| call.0) }),
        Moment::CallerGone => Wire::CallerGone(pb::CallerGone {}),
        Moment::Forked { child } => {
            Wire::Forked(pb::Forked { child: child.tgid.0, child_start: child.start.as_nanos() })
        }
        Moment::Exited { status } => Wire::Exited(pb::Exited { status: status.map(|status| status.0) }),
        Moment::LoadBegan { syscall, origin: from } => {
            Wire::LoadBegan(pb::LoadBegan { syscall: syscall_number(*syscall), origin: from.as_deref().map(origin) })
        }
        Moment::LoadEnded { syscall, result, ending } => {
            let ending = ending.map(|status| status.0);
            Wire::LoadEnded(pb::LoadEnded { syscall: syscall_number(*syscall), result: result.0, ending })
        }
        Moment::ImageRead { bytes } => Wire::ImageRead(pb::ImageRead { bytes: *bytes }),
        Moment::Coming(of) => Wire::Coming(module(of)),
        Moment::InitBegun(of) => Wire::InitBegun(module(of)),
        Moment::InitEnded { result } => Wire::InitEnded(pb::InitEnded { result: result.0 }),
        Moment::Live(of) => Wire::Live(module(of)),
        Moment::Going(of) => Wire::Going(module(of)),
        Moment::Freed(of) => Wire::Freed(module(of)),
        Moment::Named { name } => Wire::Named(pb::Named { name: Some(text(name)) }),
        Moment::FileNamed { name, file } => {
            Wire::FileNamed(pb::FileNamed { name: Some(text(name)), file: file.map(file_id) })
        }
        Moment::Printed { line } => Wire::Printed(pb::Printed { line: Some(text(line)) }),
        Moment::UnloadBegan { name, origin: from } => {
            Wire::UnloadBegan(pb::UnloadBegan { name: Some(text(name)), origin: from.as_deref().map(origin) })
        }
        Moment::UnloadEnded { result } => Wire::UnloadEnded(pb::Ended { result: result.0 }),
        Moment::Suspend(moment) => suspend(moment),
        Moment::Firmware(moment) => firmware(moment),
        Moment::Device(moment) => device(moment),
    }
}

fn event_requested(asked: pb::Requested) -> Result<Requested, CodecFault> {
    Ok(Requested {
        alias: captured(asked.alias)?,
        uid: asked.uid,
        loginuid: asked.loginuid,
        exe: event_path(asked.exe)?,
        cgroup: event_path(asked.cgroup)?,
        stack: event_stack(asked.stack)?,
        privileges: asked.privileges.as_ref().map(event_privileges),
    })
}

fn event_entered(entered: pb::CallEntered) -> Result<CallEntered, CodecFault> {
    if entered.argv.len() > WORDS {
        return Err(CodecFault::Long("command"));
    }
    Ok(CallEntered {
        call: CallAddress(entered.call),
        wait: event_wait(entered.wait)?,
        path: captured(entered.path)?,
        argv: entered.argv.into_iter().map(|argument| captured(Some(argument))).collect::<Result<_, _>>()?,
        argv_more: entered.argv_more,
        stack: event_stack(entered.stack)?,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is what probes see of loads, suspend and firmware")]
fn event_moment(wire: Wire) -> Result<Moment, CodecFault> {
    Ok(match wire {
        Wire::Requested(asked) => Moment::Requested(event_requested(asked)?.into()),
        Wire::Admitted(admitted) => Moment::Admitted { alias: captured(admitted.alias)?, wait: admitted.wait },
        Wire::Throttled(away) => Moment::Throttled { result: ReturnCode(away.result) },
        Wire::Deduplicated(away) => Moment::Deduplicated { result: ReturnCode(away.result) },
        Wire::Denied(away) => Moment::Denied { result: ReturnCode(away.result) },
        Wire::Served(served) => Moment::Served {
            by: Server::from_name(&served.by).ok_or(CodecFault::Newer("function"))?,
            result: ReturnCode(served.result),
        },
        Wire::RefusedEarly(refused) => {
            let requested = event_requested(refused.requested.ok_or(CodecFault::Part("request"))?)?;
            Moment::RefusedEarly { requested: requested.into(), result: ReturnCode(refused.result) }
        }
        Wire::CallEntered(entered) => Moment::CallEntered(event_entered(entered)?.into()),
        Wire::CallReturned(returned) => Moment::CallReturned { result: CallResult::from_return(returned.result) },
        Wire::CallPicked(seen) => Moment::CallPicked { call: event_call(seen)? },
        Wire::Born(seen) => Moment::Born { call: event_call(seen)? },
        Wire::Executed(executed) => {
            let path = event_path(executed.path)?;
            let program = executed.file.map(|file| Program { file: event_file_id(&file), path }.into());
            Moment::Executed { result: ReturnCode(executed.result), program }
        }
        Wire::Completed(seen) => Moment::Completed { call: seen.call.map(CallAddress) },
        Wire::CallerGone(_) => Moment::CallerGone,
        Wire::Forked(forked) => {
            let start = Ktime::from_nanos(forked.child_start);
            Moment::Forked { child: TaskKey { tgid: Tgid(forked.child), start } }
        }
        Wire::Exited(exited) => Moment::Exited { status: exited.status.map(WaitStatus) },
        other => return event_load(other),
    })
}

/// What probes see of loads and unloads.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is what probes see of suspend and firmware")]
fn event_load(wire: Wire) -> Result<Moment, CodecFault> {
    Ok(match wire {
        Wire::LoadBegan(began) => {
            Moment::LoadBegan { syscall: event_syscall(began.syscall)?, origin: event_origin(began.origin)? }
        }
        Wire::LoadEnded(ended) => {
            let ending = ended.ending.map(WaitStatus);
            Moment::LoadEnded { syscall: event_syscall(ended.syscall)?, result: ReturnCode(ended.result), ending }
        }
        Wire::ImageRead(image) => Moment::ImageRead { bytes: image.bytes },
        Wire::Coming(of) => Moment::Coming(event_module(of)?),
        Wire::InitBegun(of) => Moment::InitBegun(event_module(of)?),
        Wire::InitEnded(ended) => Moment::InitEnded { result: ReturnCode(ended.result) },
        Wire::Live(of) => Moment::Live(event_module(of)?),
        Wire::Going(of) => Moment::Going(event_module(of)?),
        Wire::Freed(of) => Moment::Freed(event_module(of)?),
        Wire::Named(named) => Moment::Named { name: captured(named.name)? },
        Wire::FileNamed(named) => {
            Moment::FileNamed { name: captured(named.name)?, file: named.file.as_ref().map(event_file_id) }
        }
        Wire::Printed(printed) => Moment::Printed { line: captured(printed.line)? },
        Wire::UnloadBegan(began) => {
            Moment::UnloadBegan { name: captured(began.name)?, origin: event_origin(began.origin)? }
        }
        Wire::UnloadEnded(ended) => Moment::UnloadEnded { result: ReturnCode(ended.result) },
        other => return event_suspend(other),
    })
}

/// What probes see of suspend and of firmware.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is what the edge establishes")]
fn event_suspend(wire: Wire) -> Result<Moment, CodecFault> {
    Ok(match wire {
        Wire::SuspendBegan(began) => {
            let way = event_way(began.way, began.state)?;
            Moment::Suspend(SuspendMoment::Began { way, pm_test: began.pm_test.map(PmTest) })
        }
        Wire::SuspendEnded(ended) => Moment::Suspend(SuspendMoment::Ended { result: ReturnCode(ended.result) }),
        Wire::SuspendPhase(phase) => {
            let (action, begins) = (captured(phase.action)?, phase.begins);
            Moment::Suspend(SuspendMoment::Phase { action, value: phase.value, begins })
        }
        Wire::FreezeBegan(_) => Moment::Suspend(SuspendMoment::FreezeBegan),
        Wire::FreezeEnded(ended) => Moment::Suspend(SuspendMoment::FreezeEnded { result: ReturnCode(ended.result) }),
        Wire::ThawBegan(_) => Moment::Suspend(SuspendMoment::ThawBegan),
        Wire::DisableBegan(seen) => Moment::Suspend(SuspendMoment::DisableBegan { depth: Depth(seen.depth) }),
        Wire::DisableEnded(ended) => Moment::Suspend(SuspendMoment::DisableEnded { result: ReturnCode(ended.result) }),
        Wire::DepthSet(seen) => Moment::Suspend(SuspendMoment::DepthSet { depth: Depth(seen.depth) }),
        Wire::FirmwareBegan(asked) => Moment::Firmware(FirmwareMoment::Began(event_firmware(asked)?.into())),
        Wire::FirmwareEnded(ended) => Moment::Firmware(FirmwareMoment::Ended { result: ReturnCode(ended.result) }),
        Wire::FallbackBegan(asked) => Moment::Firmware(FirmwareMoment::FallbackBegan(event_firmware(asked)?.into())),
        Wire::FallbackEnded(ended) => {
            Moment::Firmware(FirmwareMoment::FallbackEnded { result: ReturnCode(ended.result) })
        }
        Wire::LockBegan(began) => Moment::Firmware(FirmwareMoment::LockBegan { waits: began.waits }),
        Wire::LockEnded(ended) => Moment::Firmware(FirmwareMoment::LockEnded { held: ended.held }),
        Wire::Unlocked(_) => Moment::Firmware(FirmwareMoment::Unlocked),
        Wire::DeviceBound(tried) => Moment::Device(DeviceMoment::Bound(event_tried(tried)?.into())),
        Wire::DriverFailed(failed) => {
            let error = Errno::from_return(failed.result);
            let tried = event_tried(failed.tried.unwrap_or_default())?.into();
            Moment::Device(DeviceMoment::Failed { tried, error })
        }
        Wire::Uevent(uevent) => Moment::Device(DeviceMoment::Uevent(event_uevent(uevent)?.into())),
        _ => return Err(CodecFault::Newer("kind")),
    })
}

fn suspend(moment: &SuspendMoment) -> Wire {
    match moment {
        SuspendMoment::Began { way, pm_test } => {
            let (way, state) = match way {
                Way::Suspend { state } => (trace_common::wire::WAY_SUSPEND, state.number()),
                Way::Hibernate => (trace_common::wire::WAY_HIBERNATE, 0),
            };
            Wire::SuspendBegan(pb::SuspendBegan { way, state, pm_test: pm_test.map(|test| test.0) })
        }
        SuspendMoment::Ended { result } => Wire::SuspendEnded(pb::Ended { result: result.0 }),
        SuspendMoment::Phase { action, value, begins } => {
            Wire::SuspendPhase(pb::SuspendPhase { action: Some(text(action)), value: *value, begins: *begins })
        }
        SuspendMoment::FreezeBegan => Wire::FreezeBegan(pb::Seen {}),
        SuspendMoment::FreezeEnded { result } => Wire::FreezeEnded(pb::Ended { result: result.0 }),
        SuspendMoment::ThawBegan => Wire::ThawBegan(pb::Seen {}),
        SuspendMoment::DisableBegan { depth } => Wire::DisableBegan(pb::Depth { depth: depth.0 }),
        SuspendMoment::DisableEnded { result } => Wire::DisableEnded(pb::Ended { result: result.0 }),
        SuspendMoment::DepthSet { depth } => Wire::DepthSet(pb::Depth { depth: depth.0 }),
    }
}

fn event_way(way: u32, state: i32) -> Result<Way, CodecFault> {
    match way {
        trace_common::wire::WAY_SUSPEND => Ok(Way::Suspend { state: SuspendState::from_number(state) }),
        trace_common::wire::WAY_HIBERNATE => Ok(Way::Hibernate),
        _ => Err(CodecFault::Newer("way to sleep")),
    }
}

fn firmware(moment: &FirmwareMoment) -> Wire {
    let asked =
        |asked: &FirmwareAsked| pb::FirmwareAsked { name: Some(text(&asked.name)), device: Some(text(&asked.device)) };
    match moment {
        FirmwareMoment::Began(file) => Wire::FirmwareBegan(asked(file)),
        FirmwareMoment::Ended { result } => Wire::FirmwareEnded(pb::Ended { result: result.0 }),
        FirmwareMoment::FallbackBegan(file) => Wire::FallbackBegan(asked(file)),
        FirmwareMoment::FallbackEnded { result } => Wire::FallbackEnded(pb::Ended { result: result.0 }),
        FirmwareMoment::LockBegan { waits } => Wire::LockBegan(pb::LockBegan { waits: *waits }),
        FirmwareMoment::LockEnded { held } => Wire::LockEnded(pb::LockEnded { held: *held }),
        FirmwareMoment::Unlocked => Wire::Unlocked(pb::Seen {}),
    }
}

fn device(moment: &DeviceMoment) -> Wire {
    let tried = |tried: &DriverTried| pb::DriverTried {
        device: Some(text(&tried.device)),
        bus: Some(text(&tried.bus)),
        driver: Some(text(&tried.driver)),
        module: tried.module.as_ref().map(text),
    };
    match moment {
        DeviceMoment::Bound(of) => Wire::DeviceBound(tried(of)),
        DeviceMoment::Failed { tried: of, error } => {
            Wire::DriverFailed(pb::DriverFailed { tried: Some(tried(of)), result: error.map_or(0, Errno::as_return) })
        }
        DeviceMoment::Uevent(uevent) => Wire::Uevent(pb::Uevent {
            action: uevent.action.number(),
            is_synthetic: uevent.is_synthetic,
            device: Some(text(&uevent.device)),
            subsystem: Some(text(&uevent.subsystem)),
            driver: uevent.driver.as_ref().map(text),
            alias: Some(text(&uevent.alias)),
        }),
    }
}

fn event_tried(tried: pb::DriverTried) -> Result<DriverTried, CodecFault> {
    Ok(DriverTried {
        device: captured(tried.device)?,
        bus: captured(tried.bus)?,
        driver: captured(tried.driver)?,
        module: tried.module.map(|module| captured(Some(module))).transpose()?,
    })
}

fn event_uevent(uevent: pb::Uevent) -> Result<Uevent, CodecFault> {
    Ok(Uevent {
        action: Action::from_number(uevent.action).ok_or(CodecFault::Number("action"))?,
        is_synthetic: uevent.is_synthetic,
        device: captured(uevent.device)?,
        subsystem: captured(uevent.subsystem)?,
        driver: uevent.driver.map(|driver| captured(Some(driver))).transpose()?,
        alias: captured(uevent.alias)?,
    })
}

fn event_firmware(asked: pb::FirmwareAsked) -> Result<FirmwareAsked, CodecFault> {
    Ok(FirmwareAsked { name: captured(asked.name)?, device: captured(asked.device)? })
}

fn wire_fact(fact: &Fact) -> Wire {
    match fact {
        Fact::Machine(machine) => Wire::Machine(pb::Machine {
            boot_id: machine.boot_id.clone(),
            release: machine.release.clone(),
            arch: machine.arch.clone(),
            hostname: machine.hostname.clone(),
            cpus: machine.cpus,
            version: machine.version.clone(),
            wall_ns: machine.wall_ns,
        }),
        Fact::Hooks(hooks) => Wire::Hooks(pb::Hooks { hooks: hooks.iter().map(hook).collect() }),
        Fact::Tracer(process) => Wire::Tracer(pb::Tracer { tgid: process.0 }),
        Fact::SelfTest(test) => Wire::SelfTest(self_test(test)),
        Fact::Stuck { thread, stack } => {
            Wire::Stuck(pb::Stuck { tid: thread.0, stack: stack.iter().map(ToString::to_string).collect() })
        }
        Fact::Gone { thread } => Wire::Gone(pb::Gone { thread: Some(task(thread)) }),
        Fact::LiveModules(names) => {
            Wire::LiveModules(pb::LiveModules { names: names.iter().map(ToString::to_string).collect() })
        }
        Fact::Resolved { alias, resolution } => Wire::Resolved(pb::Resolved {
            alias: alias.to_string(),
            known: resolution.known,
            modules: resolution.modules.iter().map(wanted).collect(),
            configured: resolution.configured.map(|configured| pb::Configured {
                ignored_lines: configured.ignored_lines,
                unread_files: configured.unread_files,
            }),
            absent: resolution.absent.as_ref().map(|absent| pb::Absent {
                folder: absent.folder.to_string(),
                others: absent.others.iter().map(ToString::to_string).collect(),
            }),
            unindexed: resolution.unindexed.as_ref().map(ToString::to_string),
            unread: resolution.unread.as_ref().map(ToString::to_string),
        }),
        Fact::Lost { loss, count, until } => {
            Wire::Lost(pb::Lost { what: loss_number(*loss), count: *count, until: until.as_nanos() })
        }
        Fact::Blamed { uid, comm, loss, count } => {
            Wire::Blamed(pb::Blamed { uid: *uid, comm: self::comm(*comm), what: loss_number(*loss), count: *count })
        }
        Fact::ClockSet { wall_ns } => Wire::ClockSet(pb::ClockSet { wall_ns: *wall_ns }),
        Fact::Tick => Wire::Tick(pb::Tick {}),
        Fact::Drained => Wire::Drained(pb::Drained {}),
        Fact::Costs(costs) => Wire::Costs(pb::Costs {
            probes: costs.probes.iter().map(probe_cost).collect(),
            processor_ns: costs.processor.map(Nanos::as_nanos),
            resident: costs.resident,
        }),
        Fact::Policy(policy) => Wire::Policy(self::policy(policy)),
        Fact::Rights(rights) => Wire::Rights(pb::Rights { rights: rights.iter().map(right).collect() }),
        Fact::End => Wire::End(pb::End {}),
    }
}

/// The fact in a message's body, or the body itself if it is what a probe saw.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other body is what a probe saw, which `event_moment` lists")]
fn event_fact(wire: Wire) -> Result<Result<Fact, Wire>, CodecFault> {
    Ok(Ok(match wire {
        Wire::Machine(machine) => Fact::Machine(Machine {
            boot_id: machine.boot_id,
            release: machine.release,
            arch: machine.arch,
            hostname: machine.hostname,
            cpus: machine.cpus,
            version: machine.version,
            wall_ns: machine.wall_ns,
        }),
        Wire::Hooks(hooks) => Fact::Hooks(hooks.hooks.into_iter().filter_map(event_hook).collect()),
        Wire::Tracer(process) => Fact::Tracer(Tgid(process.tgid)),
        Wire::SelfTest(test) => Fact::SelfTest(event_self_test(test)?),
        Wire::Stuck(stuck) => Fact::Stuck { thread: Tid(stuck.tid), stack: event_stack(stuck.stack)? },
        Wire::Gone(gone) => Fact::Gone { thread: event_task(&gone.thread.ok_or(CodecFault::Part("thread"))?) },
        Wire::LiveModules(names) if names.names.iter().any(|name| name.len() > TEXT) => {
            return Err(CodecFault::Long("name"));
        }
        Wire::LiveModules(names) => Fact::LiveModules(names.names.into_iter().map(Arc::from).collect()),
        Wire::Resolved(resolved) => {
            let modules = resolved.modules.into_iter().map(event_wanted).collect();
            let configured = resolved.configured.map(|configured| Configured {
                ignored_lines: configured.ignored_lines,
                unread_files: configured.unread_files,
            });
            let absent = resolved.absent.map(|absent| {
                let others = absent.others.into_iter().map(Into::into).collect();
                Arc::new(Absent { folder: absent.folder.into(), others })
            });
            let (unindexed, unread) = (resolved.unindexed.map(Into::into), resolved.unread.map(Into::into));
            let resolution =
                Arc::new(Resolution { known: resolved.known, modules, absent, unindexed, unread, configured });
            Fact::Resolved { alias: resolved.alias.into(), resolution }
        }
        Wire::Lost(lost) => {
            Fact::Lost { loss: event_loss(lost.what)?, count: lost.count, until: Ktime::from_nanos(lost.until) }
        }
        Wire::Blamed(blamed) => Fact::Blamed {
            uid: blamed.uid,
            comm: event_comm(&blamed.comm),
            loss: event_loss(blamed.what)?,
            count: blamed.count,
        },
        Wire::ClockSet(set) => Fact::ClockSet { wall_ns: set.wall_ns },
        Wire::Tick(_) => Fact::Tick,
        Wire::Drained(_) => Fact::Drained,
        Wire::Costs(costs) => Fact::Costs(Costs {
            probes: costs.probes.iter().filter_map(event_probe_cost).collect(),
            processor: costs.processor_ns.map(Nanos::new),
            resident: costs.resident,
        }),
        Wire::Policy(policy) => Fact::Policy(event_policy(policy)?.into()),
        Wire::Rights(rights) => Fact::Rights(event_rights(rights.rights)?),
        Wire::End(_) => Fact::End,
        probe => return Ok(Err(probe)),
    }))
}

fn self_test(test: &SelfTest) -> pb::SelfTest {
    let (deaf, unproven) = match test {
        SelfTest::Proven => (Vec::new(), None),
        SelfTest::Deaf(moments) => (moments.iter().map(|kind| u32::from(kind.number())).collect(), None),
        SelfTest::Unproven(why) => (Vec::new(), Some(why.to_string())),
    };
    pb::SelfTest { deaf, unproven }
}

fn event_self_test(test: pb::SelfTest) -> Result<SelfTest, CodecFault> {
    Ok(match test.unproven {
        Some(why) => SelfTest::Unproven(why.into()),
        None if test.deaf.is_empty() => SelfTest::Proven,
        None => SelfTest::Deaf(test.deaf.into_iter().filter_map(|moment| event_kind(moment).ok()).collect()),
    })
}

fn policy(policy: &Policy) -> pb::Policy {
    let list = |names: &[Arc<str>]| names.iter().map(ToString::to_string).collect();
    pb::Policy {
        modules_disabled: policy.modules_disabled,
        blacklist: list(&policy.blacklist),
        initcall_blacklist: list(&policy.initcall_blacklist),
        sig_enforce: policy.sig_enforce,
        lockdown: owned(policy.lockdown.as_ref()),
        loadpin: policy.loadpin,
        helper: owned(policy.helper.as_ref()),
    }
}

fn event_policy(policy: pb::Policy) -> Result<Policy, CodecFault> {
    let is_long = |names: &[String]| names.len() > NAMES || names.iter().any(|name| name.len() > TEXT);
    if is_long(&policy.blacklist) || is_long(&policy.initcall_blacklist) {
        return Err(CodecFault::Long("list"));
    }
    let list = |names: Vec<String>| names.into_iter().map(Into::into).collect();
    Ok(Policy {
        modules_disabled: policy.modules_disabled,
        blacklist: list(policy.blacklist),
        initcall_blacklist: list(policy.initcall_blacklist),
        sig_enforce: policy.sig_enforce,
        lockdown: event_path(policy.lockdown)?,
        loadpin: policy.loadpin,
        helper: event_path(policy.helper)?,
    })
}

fn right(right: &Right) -> pb::Right {
    pb::Right { capability: right.capability.to_string(), why: right.why.to_string() }
}

fn event_rights(rights: Vec<pb::Right>) -> Result<Arc<[Right]>, CodecFault> {
    let is_long = |right: &pb::Right| right.capability.len() > TEXT || right.why.len() > TEXT;
    if rights.len() > RIGHTS || rights.iter().any(is_long) {
        return Err(CodecFault::Long("rights"));
    }
    let event = |right: pb::Right| Right { capability: right.capability.into(), why: right.why.into() };
    Ok(rights.into_iter().map(event).collect())
}

fn probe_cost(cost: &ProbeCost) -> pb::ProbeCost {
    pb::ProbeCost { moment: u32::from(cost.moment.number()), runs: cost.runs, time_ns: cost.time.as_nanos() }
}

/// `None` if this version does not know the moment.
fn event_probe_cost(cost: &pb::ProbeCost) -> Option<ProbeCost> {
    Some(ProbeCost { moment: event_kind(cost.moment).ok()?, runs: cost.runs, time: Nanos::new(cost.time_ns) })
}

fn event_kind(number: u32) -> Result<Kind, CodecFault> {
    u16::try_from(number).ok().and_then(Kind::from_number).ok_or(CodecFault::Newer("moment"))
}

fn hook(hook: &Hook) -> pb::Hook {
    pb::Hook {
        moment: u32::from(hook.moment.number()),
        attached: hook.attached.as_ref().map(ToString::to_string),
        may_miss: hook.may_miss,
        loses: hook.loses.to_string(),
        refused: hook.refused.to_string(),
    }
}

/// `None` if this version does not know the moment.
fn event_hook(hook: pb::Hook) -> Option<Hook> {
    Some(Hook {
        moment: event_kind(hook.moment).ok()?,
        attached: hook.attached.map(Into::into),
        may_miss: hook.may_miss,
        loses: hook.loses.into(),
        refused: hook.refused.into(),
    })
}

fn wanted(wanted: &Wanted) -> pb::Wanted {
    pb::Wanted {
        name: wanted.name.to_string(),
        built_in: wanted.built_in,
        dependencies: wanted.dependencies.iter().map(ToString::to_string).collect(),
        missing: wanted.missing,
        after: wanted.after.iter().map(ToString::to_string).collect(),
        blacklisted: wanted.blacklisted.as_ref().map(place),
        install: wanted.install.as_ref().map(install),
        replaced: wanted
            .replaced
            .iter()
            .map(|replaced| pb::Replaced {
                module: replaced.module.to_string(),
                install: Some(install(&replaced.install)),
            })
            .collect(),
        options: wanted.options.as_ref().map(ToString::to_string),
        alias: wanted.alias.as_ref().map(place),
        spared: wanted
            .spared
            .iter()
            .map(|spared| pb::Spared { module: spared.module.to_string(), place: Some(place(&spared.place)) })
            .collect(),
        unapplied: wanted.unapplied.iter().map(unapplied).collect(),
        missing_files: wanted
            .unusable_files
            .iter()
            .map(|file| pb::MissingFile {
                module: file.module.to_string(),
                path: file.path.to_string(),
                fault: fault_number(file.fault),
            })
            .collect(),
        stale: wanted.stale,
    }
}

const fn fault_number(fault: FileFault) -> u32 {
    match fault {
        FileFault::Missing => 0,
        FileFault::Empty => 1,
        FileFault::Foreign => 2,
    }
}

/// A fault that only a newer modtrail knows makes the file just as unusable.
const fn event_fault(number: u32) -> FileFault {
    match number {
        0 => FileFault::Missing,
        1 => FileFault::Empty,
        _ => FileFault::Foreign,
    }
}

fn event_wanted(wanted: pb::Wanted) -> Wanted {
    Wanted {
        name: wanted.name.into(),
        built_in: wanted.built_in,
        missing: wanted.missing,
        dependencies: wanted.dependencies.into_iter().map(Into::into).collect(),
        after: wanted.after.into_iter().map(Into::into).collect(),
        blacklisted: wanted.blacklisted.map(event_place),
        install: wanted.install.map(event_install),
        replaced: wanted
            .replaced
            .into_iter()
            .map(|replaced| Replaced {
                module: replaced.module.into(),
                install: event_install(replaced.install.unwrap_or_default()),
            })
            .collect(),
        options: wanted.options.map(Into::into),
        alias: wanted.alias.map(event_place),
        spared: wanted
            .spared
            .into_iter()
            .map(|spared| Spared { module: spared.module.into(), place: event_place(spared.place.unwrap_or_default()) })
            .collect(),
        unapplied: wanted.unapplied.into_iter().map(event_unapplied).collect(),
        unusable_files: wanted
            .missing_files
            .into_iter()
            .map(|file| UnusableFile {
                module: file.module.into(),
                path: file.path.into(),
                fault: event_fault(file.fault),
            })
            .collect(),
        stale: wanted.stale,
    }
}

fn unapplied(unapplied: &Unapplied) -> pb::Unapplied {
    pb::Unapplied {
        line: unapplied.line.to_string(),
        place: Some(place(&unapplied.place)),
        why: unapplied.why.to_string(),
    }
}

fn event_unapplied(unapplied: pb::Unapplied) -> Unapplied {
    Unapplied {
        line: unapplied.line.into(),
        place: event_place(unapplied.place.unwrap_or_default()),
        why: unapplied.why.into(),
    }
}

fn install(install: &Install) -> pb::Install {
    pb::Install { command: install.command.to_string(), place: Some(place(&install.place)) }
}

fn event_install(install: pb::Install) -> Install {
    Install { command: install.command.into(), place: event_place(install.place.unwrap_or_default()) }
}

fn place(place: &Place) -> pb::Place {
    match place {
        Place::Line { file, line } => pb::Place { file: Some(file.to_string()), line: *line },
        Place::CommandLine => pb::Place { file: None, line: 0 },
    }
}

fn event_place(place: pb::Place) -> Place {
    match place.file {
        Some(file) => Place::Line { file: file.into(), line: place.line },
        None => Place::CommandLine,
    }
}

fn loss_number(loss: Lost) -> u32 {
    match loss {
        Lost::Kernel(loss) => loss.index(),
        Lost::Undecodable => UNDECODABLE,
        Lost::Damaged => DAMAGED,
        Lost::Late => LATE,
        Lost::Repeated => REPEATED,
        Lost::Misplaced => MISPLACED,
        Lost::Trailing => TRAILING,
        Lost::Unwritten => UNWRITTEN,
        Lost::MissingPart => MISSING_PART,
        Lost::Newer => NEWER,
        Lost::Unrun(kind) => UNRUN + u32::from(kind.number()),
        Lost::Unreturned(kind) => UNRETURNED + u32::from(kind.number()),
        Lost::Deaf(kind) => DEAF + u32::from(kind.number()),
    }
}

fn event_loss(number: u32) -> Result<Lost, CodecFault> {
    match number {
        UNDECODABLE => Ok(Lost::Undecodable),
        DAMAGED => Ok(Lost::Damaged),
        LATE => Ok(Lost::Late),
        REPEATED => Ok(Lost::Repeated),
        MISPLACED => Ok(Lost::Misplaced),
        TRAILING => Ok(Lost::Trailing),
        UNWRITTEN => Ok(Lost::Unwritten),
        MISSING_PART => Ok(Lost::MissingPart),
        NEWER => Ok(Lost::Newer),
        UNRUN..UNRETURNED => event_kind(number - UNRUN).map(Lost::Unrun),
        UNRETURNED..DEAF => event_kind(number - UNRETURNED).map(Lost::Unreturned),
        DEAF..=u32::MAX => event_kind(number - DEAF).map(Lost::Deaf),
        kernel => {
            let loss = Loss::ALL.into_iter().find(|loss| loss.index() == kernel);
            loss.map(Lost::Kernel).ok_or(CodecFault::Newer("loss"))
        }
    }
}
