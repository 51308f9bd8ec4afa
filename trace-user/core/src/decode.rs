//! Turns records of the ring buffer into events.
//!
//! In: the bytes of one record. Out: an [`Event`] with the numbers that only the running system can name (stack
//! addresses, a cgroup), or why there is none. The bytes may be anything: nothing here trusts them.

use crate::alias;
use crate::answer::{CallResult, Errno, ReturnCode, WaitStatus};
use crate::event::{
    Action, Body, CallEntered, Captured, Comm, Depth, DeviceMoment, DriverTried, Event, FileId, FirmwareAsked,
    FirmwareMoment, Module, Moment, Origin, Parent, PmTest, Privileges, Probe, Program, Requested, Seccomp, Server,
    Stamp, SuspendMoment, SuspendState, Syscall, Task, Uevent, UserNs, Wait, Way,
};
use std::sync::Arc;
use trace_common::ids::{CallAddress, ModuleAddress, TaskKey, Tgid, Tid};
use trace_common::kind::Kind;
use trace_common::limits::SHORT_TEXT;
use trace_common::time::Ktime;
use trace_common::wire::{self, Record};
use zerocopy::FromBytes;

/// The record of a kind in the layout of that kind; no other layout compiles.
macro_rules! whole {
    ($kind:ident as $layout:ty, $bytes:expr) => {
        whole::<{ Kind::$kind as u16 }, $layout>(Kind::$kind, $bytes)?
    };
}

/// Why a record gives no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeFault {
    /// Too short for a header.
    #[error("a record of {bytes} bytes is too short for a header")]
    Short {
        /// The record's size.
        bytes: usize,
    },
    /// No kind has this number.
    #[error("no kind of record has the number {number}")]
    Kind {
        /// The number in the header.
        number: u16,
    },
    /// Its size is not the kind's.
    #[error("a record of kind {kind:?} has {bytes} bytes")]
    Size {
        /// The record's kind.
        kind: Kind,
        /// The record's size.
        bytes: usize,
    },
    /// A field holds a value that has no meaning.
    #[error("a record of kind {kind:?} holds a value that means nothing")]
    Value {
        /// The record's kind.
        kind: Kind,
    },
}

/// An event, and the numbers in its record that only the running system can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The event, without what has to be looked up.
    pub event: Event,
    /// What has to be looked up; `None` for most events.
    pub unnamed: Option<Unnamed>,
}

/// Numbers that the running system can name.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Unnamed {
    /// The task's cgroup; `None` for events that have none.
    pub cgroup: Option<u64>,
    /// The file that the task executes; `None` for events that have none, or if it has none or it could not be read.
    pub exe: Option<FileId>,
    /// When the task's parent started, on the boot clock in nanoseconds, and the file that it executes; as `exe`.
    pub parent: Option<(u64, FileId)>,
    /// The return addresses of the kernel stack, innermost first. The innermost are in the probe itself.
    pub stack: Vec<u64>,
}

/// Decodes one record.
///
/// # Errors
/// A [`DecodeFault`] if the bytes are not a record of this version.
pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeFault> {
    let (header, _) = wire::Header::read_from_prefix(bytes).map_err(|_| DecodeFault::Short { bytes: bytes.len() })?;
    let kind = Kind::from_number(header.kind).ok_or(DecodeFault::Kind { number: header.kind })?;
    let mut unnamed = None;
    let moment = moment(kind, bytes, &mut unnamed)?;
    let task = Task {
        key: TaskKey { tgid: Tgid(header.tgid), start: Ktime::from_nanos(header.task_start) },
        tid: Tid(header.tid),
        comm: Comm(header.comm),
    };
    let at = Stamp { mono: Ktime::from_nanos(header.mono), boot: Ktime::from_nanos(header.boot) };
    let of_command = header.flags & wire::OF_COMMAND != 0;
    let probe = Probe { task, cpu: header.cpu, of_command, moment };
    Ok(Decoded { event: Event { at, body: Body::Probe(probe) }, unnamed })
}

fn moment(kind: Kind, bytes: &[u8], unnamed: &mut Option<Unnamed>) -> Result<Moment, DecodeFault> {
    Ok(match kind {
        Kind::Requested => Moment::Requested(requested(&whole!(Requested as wire::Requested, bytes), unnamed).into()),
        Kind::Admitted => {
            let record = whole!(Admitted as wire::Admitted, bytes);
            Moment::Admitted { alias: short(&record.alias), wait: record.wait != 0 }
        }
        Kind::Throttled | Kind::Denied | Kind::Deduplicated => turned_away(kind, bytes)?,
        Kind::SocketServed
        | Kind::FileSystemServed
        | Kind::AlgorithmServed
        | Kind::CharDeviceServed
        | Kind::BlockDeviceServed
        | Kind::NetDeviceServed
        | Kind::LinkServed
        | Kind::CongestionServed => served(kind, bytes)?,
        Kind::RefusedEarly => refused_early(&whole!(RefusedEarly as wire::RefusedEarly, bytes), unnamed),
        Kind::CallEntered => {
            Moment::CallEntered(call_entered(&whole!(CallEntered as wire::CallEntered, bytes), unnamed).into())
        }
        Kind::CallReturned => {
            let record = whole!(CallReturned as wire::CallReturned, bytes);
            Moment::CallReturned { result: CallResult::from_return(record.result) }
        }
        Kind::CallPicked => Moment::CallPicked { call: address(kind, &whole!(CallPicked as wire::CallSeen, bytes))? },
        Kind::Born => Moment::Born { call: address(kind, &whole!(Born as wire::CallSeen, bytes))? },
        Kind::Completed => Moment::Completed { call: seen(&whole!(Completed as wire::CallSeen, bytes)) },
        Kind::Executed => executed(&whole!(Executed as wire::Executed, bytes), unnamed),
        Kind::CallerGone => {
            let _ = whole!(CallerGone as wire::Header, bytes);
            Moment::CallerGone
        }
        Kind::Forked => Moment::Forked { child: forked(&whole!(Forked as wire::Forked, bytes)) },
        Kind::Exited => {
            let record = whole!(Exited as wire::Exited, bytes);
            Moment::Exited { status: (record.status_seen != 0).then_some(WaitStatus(record.status)) }
        }
        Kind::LoadBegan
        | Kind::LoadEnded
        | Kind::ImageRead
        | Kind::InitEnded
        | Kind::Coming
        | Kind::InitBegun
        | Kind::Live
        | Kind::Going
        | Kind::Freed
        | Kind::Named
        | Kind::FileNamed
        | Kind::Printed
        | Kind::UnloadBegan
        | Kind::UnloadEnded => load(kind, bytes, unnamed)?,
        Kind::SuspendBegan
        | Kind::SuspendEnded
        | Kind::PhaseSeen
        | Kind::FreezeBegan
        | Kind::FreezeEnded
        | Kind::ThawBegan
        | Kind::DisableBegan
        | Kind::DisableEnded
        | Kind::DepthSet => Moment::Suspend(suspend(kind, bytes)?),
        Kind::FirmwareBegan
        | Kind::FirmwareEnded
        | Kind::FallbackBegan
        | Kind::FallbackEnded
        | Kind::LockBegan
        | Kind::LockEnded
        | Kind::Unlocked => Moment::Firmware(firmware(kind, bytes)?),
        Kind::DeviceBound | Kind::DriverFailed | Kind::Uevent => Moment::Device(device(kind, bytes)?),
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`moment` passes only these kinds")]
fn load(kind: Kind, bytes: &[u8], unnamed: &mut Option<Unnamed>) -> Result<Moment, DecodeFault> {
    Ok(match kind {
        Kind::LoadBegan => {
            let record = whole!(LoadBegan as wire::LoadBegan, bytes);
            let origin = Some(origin(&record.origin, unnamed).into());
            Moment::LoadBegan { syscall: syscall(kind, record.syscall)?, origin }
        }
        Kind::LoadEnded => {
            let record = whole!(LoadEnded as wire::LoadEnded, bytes);
            let ending = (record.ending != 0).then_some(WaitStatus(record.status));
            Moment::LoadEnded { syscall: syscall(kind, record.syscall)?, result: ReturnCode(record.result), ending }
        }
        Kind::ImageRead => {
            let record = whole!(ImageRead as wire::ImageRead, bytes);
            Moment::ImageRead { bytes: Some(record.bytes).filter(|bytes| *bytes != 0) }
        }
        Kind::InitEnded => {
            let record = whole!(InitEnded as wire::InitEnded, bytes);
            Moment::InitEnded { result: ReturnCode(record.result) }
        }
        Kind::Coming => Moment::Coming(module(&whole!(Coming as wire::ModuleSeen, bytes))),
        Kind::InitBegun => Moment::InitBegun(module(&whole!(InitBegun as wire::ModuleSeen, bytes))),
        Kind::Live => Moment::Live(module(&whole!(Live as wire::ModuleSeen, bytes))),
        Kind::Going => Moment::Going(module(&whole!(Going as wire::ModuleSeen, bytes))),
        Kind::Freed => Moment::Freed(module(&whole!(Freed as wire::ModuleSeen, bytes))),
        Kind::Named => Moment::Named { name: module(&whole!(Named as wire::ModuleSeen, bytes)).name },
        Kind::FileNamed => {
            let record = whole!(FileNamed as wire::FileNamed, bytes);
            Moment::FileNamed { name: short(&record.name), file: file(record.device, record.inode) }
        }
        Kind::Printed => Moment::Printed { line: line(&whole!(Printed as wire::Printed, bytes)) },
        Kind::UnloadBegan => {
            let record = whole!(UnloadBegan as wire::UnloadBegan, bytes);
            Moment::UnloadBegan { name: short(&record.name), origin: Some(origin(&record.origin, unnamed).into()) }
        }
        _ => Moment::UnloadEnded { result: ended(&whole!(UnloadEnded as wire::Ended, bytes)) },
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`moment` passes only these kinds")]
fn suspend(kind: Kind, bytes: &[u8]) -> Result<SuspendMoment, DecodeFault> {
    Ok(match kind {
        Kind::SuspendBegan => {
            let record = whole!(SuspendBegan as wire::SuspendBegan, bytes);
            let way = match record.way {
                wire::WAY_SUSPEND => Way::Suspend { state: SuspendState::from_number(record.state) },
                wire::WAY_HIBERNATE => Way::Hibernate,
                _ => return Err(DecodeFault::Value { kind }),
            };
            SuspendMoment::Began { way, pm_test: (record.pm_test_seen != 0).then_some(PmTest(record.pm_test)) }
        }
        Kind::SuspendEnded => SuspendMoment::Ended { result: ended(&whole!(SuspendEnded as wire::Ended, bytes)) },
        Kind::PhaseSeen => {
            let record = whole!(PhaseSeen as wire::PhaseSeen, bytes);
            let (action, begins) = (short(&record.action), record.begins != 0);
            SuspendMoment::Phase { action, value: record.value, begins }
        }
        Kind::FreezeEnded => SuspendMoment::FreezeEnded { result: ended(&whole!(FreezeEnded as wire::Ended, bytes)) },
        Kind::DisableBegan => {
            SuspendMoment::DisableBegan { depth: depth(&whole!(DisableBegan as wire::DepthSeen, bytes)) }
        }
        Kind::DisableEnded => {
            SuspendMoment::DisableEnded { result: ended(&whole!(DisableEnded as wire::Ended, bytes)) }
        }
        Kind::DepthSet => SuspendMoment::DepthSet { depth: depth(&whole!(DepthSet as wire::DepthSeen, bytes)) },
        Kind::ThawBegan => {
            let _ = whole!(ThawBegan as wire::Header, bytes);
            SuspendMoment::ThawBegan
        }
        _ => {
            let _ = whole!(FreezeBegan as wire::Header, bytes);
            SuspendMoment::FreezeBegan
        }
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`moment` passes only these kinds")]
fn firmware(kind: Kind, bytes: &[u8]) -> Result<FirmwareMoment, DecodeFault> {
    Ok(match kind {
        Kind::FirmwareBegan => {
            FirmwareMoment::Began(firmware_asked(&whole!(FirmwareBegan as wire::FirmwareBegan, bytes)).into())
        }
        Kind::FirmwareEnded => FirmwareMoment::Ended { result: ended(&whole!(FirmwareEnded as wire::Ended, bytes)) },
        Kind::FallbackBegan => {
            FirmwareMoment::FallbackBegan(firmware_asked(&whole!(FallbackBegan as wire::FirmwareBegan, bytes)).into())
        }
        Kind::FallbackEnded => {
            FirmwareMoment::FallbackEnded { result: ended(&whole!(FallbackEnded as wire::Ended, bytes)) }
        }
        Kind::LockBegan => {
            let record = whole!(LockBegan as wire::LockBegan, bytes);
            FirmwareMoment::LockBegan { waits: record.waits != 0 }
        }
        Kind::LockEnded => {
            let record = whole!(LockEnded as wire::LockEnded, bytes);
            FirmwareMoment::LockEnded { held: record.held != 0 }
        }
        _ => {
            let _ = whole!(Unlocked as wire::Header, bytes);
            FirmwareMoment::Unlocked
        }
    })
}

fn firmware_asked(record: &wire::FirmwareBegan) -> FirmwareAsked {
    let name = captured(record.name.length, record.name.truncated, &record.name.bytes);
    FirmwareAsked { name, device: short(&record.device) }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`moment` passes only these kinds")]
fn device(kind: Kind, bytes: &[u8]) -> Result<DeviceMoment, DecodeFault> {
    Ok(match kind {
        Kind::DeviceBound => DeviceMoment::Bound(tried(&whole!(DeviceBound as wire::DriverTried, bytes)).into()),
        Kind::DriverFailed => {
            let record = whole!(DriverFailed as wire::DriverTried, bytes);
            DeviceMoment::Failed { tried: tried(&record).into(), error: Errno::from_return(record.result) }
        }
        _ => DeviceMoment::Uevent(uevent(&whole!(Uevent as wire::Uevent, bytes))?.into()),
    })
}

fn tried(record: &wire::DriverTried) -> DriverTried {
    DriverTried {
        device: short(&record.device),
        bus: short(&record.bus),
        driver: short(&record.driver),
        module: (record.in_module != 0).then(|| short(&record.module)),
    }
}

fn uevent(record: &wire::Uevent) -> Result<Uevent, DecodeFault> {
    Ok(Uevent {
        action: Action::from_number(record.action).ok_or(DecodeFault::Value { kind: Kind::Uevent })?,
        is_synthetic: record.synthetic != 0,
        device: device_name(&short(&record.path_end), record.is_path_cut != 0),
        subsystem: short(&record.subsystem),
        driver: (record.has_driver != 0).then(|| short(&record.driver)),
        alias: captured(record.alias.length, record.alias.truncated, &record.alias.bytes),
    })
}

/// A device's name, by the end of its path; unreadable if the path begins within the name. (In a device's name, sysfs
/// writes a slash as an exclamation mark.)
fn device_name(path: &Captured, is_cut: bool) -> Captured {
    let Captured::Whole(path) = path else { return path.clone() };
    match path.rsplit_once('/') {
        Some((_, name)) => Captured::whole(&name.replace('!', "/")),
        None if is_cut => Captured::Unreadable(Errno::ENAMETOOLONG),
        None => Captured::Whole(path.clone()),
    }
}

const fn ended(record: &wire::Ended) -> ReturnCode {
    ReturnCode(record.result)
}

const fn depth(record: &wire::DepthSeen) -> Depth {
    Depth(record.depth)
}

/// The record, if the bytes are exactly one of this kind.
fn whole<const KIND: u16, T: Record<KIND>>(kind: Kind, bytes: &[u8]) -> Result<T, DecodeFault> {
    T::read_from_bytes(bytes).map_err(|_| DecodeFault::Size { kind, bytes: bytes.len() })
}

fn requested(record: &wire::Requested, unnamed: &mut Option<Unnamed>) -> Requested {
    *unnamed = Some(Unnamed {
        cgroup: Some(record.cgroup),
        exe: file(record.exe_device, record.exe_inode),
        parent: None,
        stack: stack(&record.stack, record.stack_bytes),
    });
    Requested {
        alias: short(&record.alias),
        uid: record.uid,
        loginuid: (record.loginuid_seen != 0).then_some(record.loginuid),
        exe: None,
        cgroup: None,
        stack: [].into(),
        privileges: privileges(&record.privileges),
    }
}

fn executed(record: &wire::Executed, unnamed: &mut Option<Unnamed>) -> Moment {
    let file = file(record.exe_device, record.exe_inode).filter(|_| record.result == 0);
    *unnamed = file.map(|exe| Unnamed { exe: Some(exe), ..Unnamed::default() });
    let program = file.map(|file| Program { file, path: None }.into());
    Moment::Executed { result: ReturnCode(record.result), program }
}

/// The return of a function that requests modules for its callers.
fn served(kind: Kind, bytes: &[u8]) -> Result<Moment, DecodeFault> {
    let by = Server::of_moment(kind).ok_or(DecodeFault::Value { kind })?;
    // The layout is the same for all of them.
    let record = whole::<{ Kind::SocketServed as u16 }, wire::Ended>(kind, bytes)?;
    Ok(Moment::Served { by, result: ended(&record) })
}

/// What could be read of what the requester may do; `None` if nothing could.
fn privileges(record: &wire::Privileges) -> Option<Privileges> {
    let seen = |bit: u32| record.seen & bit != 0;
    let userns = UserNs { inode: record.userns, depth: record.userns_depth, owner: record.userns_owner };
    (record.seen != 0).then(|| Privileges {
        caps: seen(wire::CAPS_SEEN).then_some(record.caps),
        userns: seen(wire::USERNS_SEEN).then_some(userns),
        seccomp: Seccomp::from_number(record.seccomp).filter(|_| seen(wire::SECCOMP_SEEN)),
        no_new_privs: seen(wire::NO_NEW_PRIVS_SEEN).then_some(record.no_new_privs != 0),
    })
}

fn refused_early(record: &wire::RefusedEarly, unnamed: &mut Option<Unnamed>) -> Moment {
    *unnamed = Some(Unnamed {
        cgroup: Some(record.cgroup),
        exe: file(record.exe_device, record.exe_inode),
        parent: None,
        stack: stack(&record.stack, record.stack_bytes),
    });
    let format = short(&record.format);
    let strings = record.strings.each_ref().map(short);
    let alias = match &format {
        Captured::Whole(text) => alias::formatted(text, &record.words, &strings),
        Captured::Truncated(text) => Some(Captured::Truncated(text.clone())),
        Captured::Unreadable(_) => None,
    };
    let requested = Requested {
        alias: alias.unwrap_or(Captured::Unreadable(Errno::EINVAL)),
        uid: record.uid,
        loginuid: (record.loginuid_seen != 0).then_some(record.loginuid),
        exe: None,
        cgroup: None,
        stack: [].into(),
        privileges: privileges(&record.privileges),
    };
    // The name may be too long: the kernel counts as it formats (kernel/module/kmod.c `__request_module`).
    let is_cut = matches!(requested.alias, Captured::Truncated(_));
    let is_long = is_cut || requested.alias.text().is_some_and(|alias| alias.len() >= SHORT_TEXT);
    let result = if record.result == 0 && is_long { Errno::ENAMETOOLONG.as_return() } else { record.result };
    Moment::RefusedEarly { requested: requested.into(), result: ReturnCode(result) }
}

fn origin(record: &wire::Origin, unnamed: &mut Option<Unnamed>) -> Origin {
    let parent_exe = file(record.parent_exe_device, record.parent_exe_inode);
    *unnamed = Some(Unnamed {
        cgroup: Some(record.cgroup),
        exe: file(record.exe_device, record.exe_inode),
        parent: parent_exe.map(|exe| (record.parent_start, exe)),
        stack: Vec::new(),
    });
    let parent = Parent { process: Tgid(record.parent), comm: Comm(record.parent_comm), exe: None };
    Origin {
        uid: record.uid,
        loginuid: (record.loginuid_seen != 0).then_some(record.loginuid),
        capable: record.capable != 0,
        exe: None,
        cgroup: None,
        parent: (record.parent != 0).then_some(parent),
    }
}

/// The file; `None` if it could not be read.
fn file(device: u32, inode: u64) -> Option<FileId> {
    (inode != 0).then_some(FileId { device, inode })
}

/// A line of the kernel's log, without the end that some of them have.
fn line(record: &wire::Printed) -> Captured {
    let trimmed = |text: Arc<str>| if text.ends_with('\n') { text.trim_end_matches('\n').into() } else { text };
    match captured(record.length, record.truncated, &record.bytes) {
        Captured::Whole(text) => Captured::Whole(trimmed(text)),
        Captured::Truncated(text) => Captured::Truncated(text),
        Captured::Unreadable(error) => Captured::Unreadable(error),
    }
}

/// The frames that were filled.
fn stack(frames: &[u64], bytes: i64) -> Vec<u64> {
    let filled = usize::try_from(bytes).unwrap_or(0) / size_of::<u64>();
    let frames = frames.get(..filled.min(frames.len())).unwrap_or_default();
    frames.iter().copied().take_while(|address| *address != 0).collect()
}

fn call_entered(record: &wire::CallEntered, unnamed: &mut Option<Unnamed>) -> CallEntered {
    let argc = usize::try_from(record.argc).unwrap_or(0);
    *unnamed = Some(Unnamed { stack: stack(&record.stack, record.stack_bytes), ..Unnamed::default() });
    CallEntered {
        call: CallAddress(record.call),
        wait: Wait::from_mode(record.wait_mode),
        path: captured(record.path.length, record.path.truncated, &record.path.bytes),
        argv: record.argv.iter().take(argc).map(short).collect(),
        argv_more: record.argv_more != 0,
        stack: [].into(),
    }
}

const fn forked(record: &wire::Forked) -> TaskKey {
    TaskKey { tgid: Tgid(record.child_tgid), start: Ktime::from_nanos(record.child_start) }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`moment` passes only these kinds")]
fn turned_away(kind: Kind, bytes: &[u8]) -> Result<Moment, DecodeFault> {
    Ok(match kind {
        Kind::Throttled => Moment::Throttled { result: away(&whole!(Throttled as wire::TurnedAway, bytes)) },
        Kind::Denied => Moment::Denied { result: away(&whole!(Denied as wire::TurnedAway, bytes)) },
        _ => Moment::Deduplicated { result: away(&whole!(Deduplicated as wire::TurnedAway, bytes)) },
    })
}

const fn away(record: &wire::TurnedAway) -> ReturnCode {
    ReturnCode(record.result)
}

/// The call, if every hook sees its address.
fn address(kind: Kind, record: &wire::CallSeen) -> Result<CallAddress, DecodeFault> {
    seen(record).ok_or(DecodeFault::Value { kind })
}

/// The call; `None` if the hook did not see its address.
fn seen(record: &wire::CallSeen) -> Option<CallAddress> {
    (record.call != 0).then_some(CallAddress(record.call))
}

fn module(record: &wire::ModuleSeen) -> Module {
    Module { address: ModuleAddress(record.module), name: short(&record.name) }
}

fn syscall(kind: Kind, number: u32) -> Result<Syscall, DecodeFault> {
    match number {
        wire::SYSCALL_INIT => Ok(Syscall::Init),
        wire::SYSCALL_FINIT => Ok(Syscall::Finit),
        _ => Err(DecodeFault::Value { kind }),
    }
}

fn short(text: &wire::Text64) -> Captured {
    captured(text.length, text.truncated, &text.bytes)
}

fn captured(length: i32, truncated: u32, bytes: &[u8]) -> Captured {
    if let Some(error) = Errno::from_return(length) {
        return Captured::Unreadable(error);
    }
    let length = usize::try_from(length).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or(bytes)).into();
    if truncated == 0 { Captured::Whole(text) } else { Captured::Truncated(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace_common::limits::{ARGV, CALL_STACK, LINE, LONG_TEXT, STACK};
    use zerocopy::{FromZeros, IntoBytes};

    fn header(kind: Kind) -> wire::Header {
        wire::Header {
            mono: 10,
            boot: 20,
            task_start: 5,
            tgid: 412,
            tid: 413,
            kind: kind.number(),
            cpu: 1,
            flags: wire::OF_COMMAND,
            comm: Comm::from_text("ping").0,
        }
    }

    fn text(text: &str) -> wire::Text64 {
        let mut bytes = [0xff; SHORT_TEXT];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        wire::Text64 { length: text.len() as i32, truncated: 0, bytes }
    }

    #[test]
    fn a_device_is_named_by_the_end_of_its_path_and_a_driver_may_be_built_in() {
        let path = |path: &str, is_path_cut: u32| {
            let mut alias = wire::Text256::new_zeroed();
            alias.bytes[..8].copy_from_slice(b"i2c:lm75");
            alias.length = 8;
            let record = wire::Uevent {
                header: header(Kind::Uevent),
                action: wire::ACTION_ADD,
                synthetic: 1,
                path_end: text(path),
                subsystem: text("i2c"),
                driver: text("lm75"),
                has_driver: 0,
                is_path_cut,
                alias,
            };
            let Ok(Moment::Device(DeviceMoment::Uevent(uevent))) = moment_of(record.as_bytes()) else { panic!() };
            assert_eq!(
                (&uevent.alias, &uevent.driver, uevent.is_synthetic),
                (&Captured::whole("i2c:lm75"), &None, true)
            );
            uevent.device.clone()
        };
        assert_eq!(path("/devices/pci0000:00/i2c-0/0-0048", 0), Captured::whole("0-0048"));
        assert_eq!(path("00/i2c-0/cciss!c0d0", 1), Captured::whole("cciss/c0d0"));
        assert_eq!(path("0-0048", 1), Captured::Unreadable(Errno::ENAMETOOLONG));
        let (header, module) = (header(Kind::DriverFailed), text("lm75"));
        let tried = |in_module, result| {
            let [device, bus, driver] = ["0-0048", "i2c", "lm75"].map(text);
            let record = wire::DriverTried { header, device, bus, driver, module, in_module, result };
            let Ok(Moment::Device(DeviceMoment::Failed { tried, error })) = moment_of(record.as_bytes()) else {
                panic!()
            };
            (tried.module.clone(), error)
        };
        assert_eq!(tried(0, 0), (None, None));
        assert_eq!(tried(1, -5), (Some(Captured::whole("lm75")), Some(Errno::EIO)));
    }

    fn moment_of(bytes: &[u8]) -> Result<Moment, DecodeFault> {
        let Body::Probe(probe) = decode(bytes)?.event.body else { panic!("not a probe's") };
        Ok(probe.moment)
    }

    fn origin() -> wire::Origin {
        wire::Origin {
            uid: 0,
            loginuid: 1000,
            loginuid_seen: 1,
            exe_device: 1,
            exe_inode: 12,
            cgroup: 7,
            parent_start: 3,
            parent_exe_inode: 13,
            parent_exe_device: 1,
            parent: 300,
            parent_comm: Comm::from_text("udevd").0,
            capable: 1,
            reserved: 0,
        }
    }

    #[test]
    fn a_load_says_where_it_comes_from() {
        let record = wire::LoadBegan { header: header(Kind::LoadBegan), syscall: 2, reserved: 0, origin: origin() };
        let Decoded { event, unnamed } = decode(record.as_bytes()).unwrap();
        let Body::Probe(Probe { moment: Moment::LoadBegan { origin: Some(origin), .. }, .. }) = event.body else {
            panic!("{event:?}");
        };
        let parent = Parent { process: Tgid(300), comm: Comm::from_text("udevd"), exe: None };
        assert_eq!((origin.loginuid, &origin.parent), (Some(1000), &Some(parent)));
        let (exe, parent) = (FileId { device: 1, inode: 12 }, (3, FileId { device: 1, inode: 13 }));
        let expected = Unnamed { cgroup: Some(7), exe: Some(exe), parent: Some(parent), stack: Vec::new() };
        assert_eq!(unnamed, Some(expected));
    }

    #[test]
    fn a_line_of_the_log_has_no_end() {
        let mut bytes = [0; LINE];
        bytes[..4].copy_from_slice(b"can\n");
        let record = wire::Printed { header: header(Kind::Printed), length: 4, truncated: 0, bytes };
        let moment = |record: &wire::Printed| decode(record.as_bytes()).unwrap().event.body;
        let printed = |body| matches!(body, Body::Probe(Probe { moment: Moment::Printed { line }, .. }) if line == Captured::whole("can"));
        assert!(printed(moment(&record)));
        assert!(!printed(moment(&wire::Printed { truncated: 1, ..record })));
    }

    #[test]
    fn a_request_that_is_refused_early_has_the_alias_that_its_format_makes() {
        let strings = [text("xfs"), text("second"), text("third"), text("fourth")];
        let record = wire::RefusedEarly {
            header: header(Kind::RefusedEarly),
            result: -2,
            uid: 1000,
            loginuid: 0,
            loginuid_seen: 0,
            cgroup: 7,
            exe_inode: 11,
            exe_device: 1,
            reserved: 0,
            privileges: wire::Privileges::new_zeroed(),
            format: text("fs-%s"),
            words: [1, 2, 3, 4],
            strings,
            stack_bytes: 0,
            stack: [0; STACK],
        };
        let alias = |record: &wire::RefusedEarly| match decode(record.as_bytes()).unwrap().event.body {
            Body::Probe(Probe { moment: Moment::RefusedEarly { requested, result }, .. }) => {
                assert_eq!(result, ReturnCode(-2));
                requested.alias.clone()
            }
            Body::Probe(_) | Body::Fact(_) => panic!("not a refusal"),
        };
        assert_eq!(alias(&record), Captured::whole("fs-xfs"));
        assert_eq!(alias(&wire::RefusedEarly { format: text("%pV"), ..record }), Captured::Unreadable(Errno::EINVAL));
    }

    #[test]
    fn a_request_keeps_its_alias_and_what_has_to_be_looked_up() {
        let mut stack = [0; STACK];
        stack[..4].copy_from_slice(&[1, 2, 3, 0x99]);
        let record = wire::Requested {
            header: header(Kind::Requested),
            alias: text("net-pf-29"),
            cgroup: 7,
            uid: 1000,
            loginuid: 1000,
            loginuid_seen: 1,
            exe_device: 0x80_0001,
            exe_inode: 11,
            privileges: wire::Privileges {
                caps: 1 << 12,
                userns: 4_026_531_837,
                userns_depth: 1,
                userns_owner: 1000,
                seccomp: 2,
                no_new_privs: 1,
                seen: wire::CAPS_SEEN | wire::USERNS_SEEN | wire::SECCOMP_SEEN,
            },
            stack_bytes: 32,
            stack,
        };
        let exe = Some(FileId { device: 0x80_0001, inode: 11 });
        let Decoded { event, unnamed } = decode(record.as_bytes()).unwrap();
        let Body::Probe(Probe { task, cpu: 1, of_command: true, moment: Moment::Requested(requested) }) = event.body
        else {
            panic!("{event:?}");
        };
        assert_eq!(task, Task::new(412, 413, 5, "ping"));
        assert_eq!(requested.alias, Captured::whole("net-pf-29"));
        assert_eq!((requested.loginuid, &requested.exe, &requested.cgroup), (Some(1000), &None, &None));
        let privileges = Privileges {
            caps: Some(1 << 12),
            userns: Some(UserNs { inode: 4_026_531_837, depth: 1, owner: 1000 }),
            seccomp: Some(Seccomp::Filter),
            no_new_privs: None,
        };
        assert_eq!(requested.privileges, Some(privileges));
        assert_eq!(unnamed, Some(Unnamed { cgroup: Some(7), exe, parent: None, stack: vec![1, 2, 3, 0x99] }));
    }

    #[test]
    fn a_call_keeps_cut_and_unreadable_arguments_apart() {
        let mut argv = [text("-q"); ARGV];
        argv[1].truncated = 1;
        argv[2].length = -14;
        let record = wire::CallEntered {
            header: header(Kind::CallEntered),
            call: 0xdead,
            wait_mode: 6,
            argc: 3,
            argv_more: 1,
            reserved: 0,
            path: wire::Text128 { length: 4, truncated: 0, bytes: [b'x'; LONG_TEXT] },
            argv,
            stack_bytes: 16,
            stack: [3; CALL_STACK],
        };
        let Decoded { event, unnamed } = decode(record.as_bytes()).unwrap();
        let Body::Probe(Probe { moment: Moment::CallEntered(entered), .. }) = event.body else {
            panic!("{event:?}");
        };
        let expected = [
            Captured::whole("-q"),
            Captured::Truncated("-q".into()),
            Captured::Unreadable(Errno::from_return(-14).unwrap()),
        ];
        assert_eq!(*entered.argv, expected);
        assert_eq!((entered.wait, entered.argv_more), (Wait::Proc, true));
        assert_eq!(entered.path, Captured::whole("xxxx"));
        assert_eq!(unnamed, Some(Unnamed { stack: vec![3, 3], ..Unnamed::default() }));
    }

    #[test]
    fn bytes_that_are_no_record_are_refused_with_the_reason() {
        assert_eq!(decode(&[0; 8]), Err(DecodeFault::Short { bytes: 8 }));
        let mut unknown = header(Kind::Live);
        unknown.kind = 15;
        assert_eq!(decode(unknown.as_bytes()), Err(DecodeFault::Kind { number: 15 }));
        let bytes = size_of::<wire::Header>();
        let cut = header(Kind::Live);
        assert_eq!(decode(cut.as_bytes()), Err(DecodeFault::Size { kind: Kind::Live, bytes }));
        let odd = wire::LoadBegan { header: header(Kind::LoadBegan), syscall: 9, reserved: 0, origin: origin() };
        assert_eq!(decode(odd.as_bytes()), Err(DecodeFault::Value { kind: Kind::LoadBegan }));
    }

    #[test]
    fn no_bytes_at_all_can_make_it_panic() {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        for _ in 0..20_000 {
            let size = (next() % 800) as usize;
            let mut bytes: Vec<u8> = (0..size).map(|_| next() as u8).collect();
            if let Some(place) = bytes.get_mut(32..34) {
                let kind = Kind::ALL[(next() % Kind::ALL.len() as u64) as usize];
                place.copy_from_slice(&kind.number().to_le_bytes());
            }
            let _ = decode(&bytes);
        }
    }
}
