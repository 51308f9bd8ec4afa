//! Turns records of the ring buffer into events.
//!
//! In: the bytes of one record, and names for what a record holds as numbers (stack addresses, cgroups). Out: an
//! [`Event`], or why there is none. Anything may be in the bytes: nothing here trusts them.

use crate::event::{
    Body, CallEntered, Captured, Comm, Event, Module, Moment, Probe, Requested, Stamp, Syscall, Task, Wait,
};
use std::sync::Arc;
use trace_common::ids::{CallAddress, ModuleAddress, TaskKey, Tgid, Tid};
use trace_common::kind::Kind;
use trace_common::time::Ktime;
use trace_common::wire;
use zerocopy::FromBytes;

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
    /// Another size than the kind's.
    #[error("a record of kind {kind:?} has {bytes} bytes")]
    Size {
        /// The record's kind.
        kind: Kind,
        /// The record's size.
        bytes: usize,
    },
    /// A field holds a value that means nothing.
    #[error("a record of kind {kind:?} holds a value that means nothing")]
    Value {
        /// The record's kind.
        kind: Kind,
    },
}

/// Gives names to numbers. The edge asks the running system; tests make them up.
pub trait Names {
    /// The symbol that holds the kernel address; `None` where unknown.
    fn symbol(&mut self, address: u64) -> Option<Arc<str>>;
    /// The path of the cgroup with this id, of which `tgid` is a member; `None` where it cannot be read.
    fn cgroup(&mut self, id: u64, tgid: u32) -> Option<Arc<str>>;
}

/// Decodes one record.
///
/// # Errors
/// A [`DecodeFault`] where the bytes are no record of this version.
pub fn decode(bytes: &[u8], names: &mut impl Names) -> Result<Event, DecodeFault> {
    let (header, _) = wire::Header::read_from_prefix(bytes).map_err(|_| DecodeFault::Short { bytes: bytes.len() })?;
    let kind = Kind::from_number(header.kind).ok_or(DecodeFault::Kind { number: header.kind })?;
    let moment = moment(kind, bytes, names)?;
    let task = Task {
        key: TaskKey { tgid: Tgid(header.tgid), start: Ktime::from_nanos(header.task_start) },
        tid: Tid(header.tid),
        comm: Comm(header.comm),
    };
    let at = Stamp { mono: Ktime::from_nanos(header.mono), boot: Ktime::from_nanos(header.boot) };
    Ok(Event { at, body: Body::Probe(Probe { task, cpu: header.cpu, moment }) })
}

fn moment(kind: Kind, bytes: &[u8], names: &mut impl Names) -> Result<Moment, DecodeFault> {
    Ok(match kind {
        Kind::Requested => Moment::Requested(requested(&whole(kind, bytes)?, names)),
        Kind::Admitted => {
            let record: wire::Admitted = whole(kind, bytes)?;
            Moment::Admitted { alias: short(&record.alias), wait: record.wait != 0 }
        }
        Kind::CallEntered => Moment::CallEntered(call_entered(&whole(kind, bytes)?)),
        Kind::CallReturned => {
            let record: wire::CallReturned = whole(kind, bytes)?;
            Moment::CallReturned { result: record.result }
        }
        Kind::CallPicked => Moment::CallPicked { call: seen(kind, bytes)?.ok_or(DecodeFault::Value { kind })? },
        Kind::Born => Moment::Born { call: seen(kind, bytes)?.ok_or(DecodeFault::Value { kind })? },
        Kind::Completed => Moment::Completed { call: seen(kind, bytes)? },
        Kind::Executed => {
            let record: wire::Executed = whole(kind, bytes)?;
            Moment::Executed { result: record.result }
        }
        Kind::CallerGone => {
            let _: wire::Header = whole(kind, bytes)?;
            Moment::CallerGone
        }
        Kind::Forked => {
            let record: wire::Forked = whole(kind, bytes)?;
            let start = Ktime::from_nanos(record.child_start);
            Moment::Forked { child: TaskKey { tgid: Tgid(record.child_tgid), start } }
        }
        Kind::Exited => {
            let record: wire::Exited = whole(kind, bytes)?;
            Moment::Exited { status: (record.status_seen != 0).then_some(record.status) }
        }
        Kind::LoadBegan => {
            let record: wire::LoadBegan = whole(kind, bytes)?;
            Moment::LoadBegan { syscall: syscall(kind, record.syscall)? }
        }
        Kind::LoadEnded => {
            let record: wire::LoadEnded = whole(kind, bytes)?;
            Moment::LoadEnded { syscall: syscall(kind, record.syscall)?, result: record.result }
        }
        Kind::ImageRead => {
            let record: wire::ImageRead = whole(kind, bytes)?;
            Moment::ImageRead { bytes: Some(record.bytes).filter(|bytes| *bytes != 0) }
        }
        Kind::InitEnded => {
            let record: wire::InitEnded = whole(kind, bytes)?;
            Moment::InitEnded { result: record.result }
        }
        Kind::Coming => Moment::Coming(module(kind, bytes)?),
        Kind::InitBegun => Moment::InitBegun(module(kind, bytes)?),
        Kind::Live => Moment::Live(module(kind, bytes)?),
        Kind::Going => Moment::Going(module(kind, bytes)?),
        Kind::Freed => Moment::Freed(module(kind, bytes)?),
    })
}

/// The record, if the bytes are exactly one.
fn whole<T: FromBytes>(kind: Kind, bytes: &[u8]) -> Result<T, DecodeFault> {
    T::read_from_bytes(bytes).map_err(|_| DecodeFault::Size { kind, bytes: bytes.len() })
}

fn requested(record: &wire::Requested, names: &mut impl Names) -> Requested {
    let filled = usize::try_from(record.stack_bytes).unwrap_or(0) / size_of::<u64>();
    let frames = record.stack.get(..filled.min(record.stack.len())).unwrap_or_default();
    Requested {
        alias: short(&record.alias),
        uid: record.uid,
        lsm_result: (record.lsm_result != wire::LSM_UNSEEN).then_some(record.lsm_result),
        cgroup: names.cgroup(record.cgroup, record.header.tgid),
        stack: stack(frames, names),
    }
}

/// The frames as symbols, from `__request_module` outwards: what is inside it is the probe's own.
fn stack(frames: &[u64], names: &mut impl Names) -> Arc<[Arc<str>]> {
    let symbols: Vec<Arc<str>> = frames
        .iter()
        .take_while(|address| **address != 0)
        .map(|address| names.symbol(*address).unwrap_or_else(|| format!("{address:#x}").into()))
        .collect();
    let begin = symbols.iter().position(|symbol| &**symbol == "__request_module").unwrap_or(0);
    symbols.into_iter().skip(begin).collect()
}

fn call_entered(record: &wire::CallEntered) -> CallEntered {
    let argc = usize::try_from(record.argc).unwrap_or(0);
    CallEntered {
        call: CallAddress(record.call),
        wait: Wait::from_mode(record.wait_mode),
        path: captured(record.path.length, record.path.truncated, &record.path.bytes),
        argv: record.argv.iter().take(argc).map(short).collect(),
        argv_more: record.argv_more != 0,
    }
}

/// The call; `None` where the hook did not see its address.
fn seen(kind: Kind, bytes: &[u8]) -> Result<Option<CallAddress>, DecodeFault> {
    let record: wire::CallSeen = whole(kind, bytes)?;
    Ok((record.call != 0).then_some(CallAddress(record.call)))
}

fn module(kind: Kind, bytes: &[u8]) -> Result<Module, DecodeFault> {
    let record: wire::ModuleSeen = whole(kind, bytes)?;
    Ok(Module { address: ModuleAddress(record.module), name: short(&record.name) })
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
    let Ok(length) = usize::try_from(length) else {
        return Captured::Unreadable(length);
    };
    let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or(bytes)).into();
    if truncated == 0 { Captured::Whole(text) } else { Captured::Truncated(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace_common::limits::{ARGV, LONG_TEXT, SHORT_TEXT, STACK};
    use zerocopy::IntoBytes;

    struct Made;

    impl Names for Made {
        fn symbol(&mut self, address: u64) -> Option<Arc<str>> {
            ["bpf_trampoline", "__request_module", "__sock_create"]
                .get(usize::try_from(address).unwrap_or(0).wrapping_sub(1))
                .map(|symbol| (*symbol).into())
        }

        fn cgroup(&mut self, id: u64, _tgid: u32) -> Option<Arc<str>> {
            (id == 7).then(|| "/user.slice".into())
        }
    }

    fn header(kind: Kind) -> wire::Header {
        wire::Header {
            mono: 10,
            boot: 20,
            task_start: 5,
            tgid: 412,
            tid: 413,
            kind: kind.number(),
            cpu: 1,
            reserved: 0,
            comm: Comm::from_text("ping").0,
        }
    }

    fn text(text: &str) -> wire::Text64 {
        let mut bytes = [0xff; SHORT_TEXT];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        wire::Text64 { length: text.len() as i32, truncated: 0, bytes }
    }

    #[test]
    fn a_request_keeps_its_alias_cgroup_and_the_stack_outside_the_probe() {
        let mut stack = [0; STACK];
        stack[..4].copy_from_slice(&[1, 2, 3, 0x99]);
        let record = wire::Requested {
            header: header(Kind::Requested),
            alias: text("net-pf-29"),
            cgroup: 7,
            uid: 1000,
            lsm_result: wire::LSM_UNSEEN,
            stack_bytes: 32,
            stack,
        };
        let event = decode(record.as_bytes(), &mut Made).unwrap();
        let Body::Probe(Probe { task, cpu: 1, moment: Moment::Requested(requested) }) = event.body else {
            panic!("{event:?}");
        };
        assert_eq!(task, Task::new(412, 413, 5, "ping"));
        assert_eq!(requested.alias, Captured::whole("net-pf-29"));
        assert_eq!(requested.lsm_result, None);
        assert_eq!(requested.cgroup.as_deref(), Some("/user.slice"));
        let frames: Vec<&str> = requested.stack.iter().map(|frame| &**frame).collect();
        assert_eq!(frames, ["__request_module", "__sock_create", "0x99"]);
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
        };
        let event = decode(record.as_bytes(), &mut Made).unwrap();
        let Body::Probe(Probe { moment: Moment::CallEntered(entered), .. }) = event.body else {
            panic!("{event:?}");
        };
        let expected = [Captured::whole("-q"), Captured::Truncated("-q".into()), Captured::Unreadable(-14)];
        assert_eq!(*entered.argv, expected);
        assert_eq!((entered.wait, entered.argv_more), (Wait::Proc, true));
        assert_eq!(entered.path, Captured::whole("xxxx"));
    }

    #[test]
    fn bytes_that_are_no_record_are_refused_with_the_reason() {
        assert_eq!(decode(&[0; 8], &mut Made), Err(DecodeFault::Short { bytes: 8 }));
        let mut unknown = header(Kind::Live);
        unknown.kind = 3;
        assert_eq!(decode(unknown.as_bytes(), &mut Made), Err(DecodeFault::Kind { number: 3 }));
        let bytes = size_of::<wire::Header>();
        let cut = header(Kind::Live);
        assert_eq!(decode(cut.as_bytes(), &mut Made), Err(DecodeFault::Size { kind: Kind::Live, bytes }));
        let odd = wire::LoadBegan { header: header(Kind::LoadBegan), syscall: 9, reserved: 0 };
        assert_eq!(decode(odd.as_bytes(), &mut Made), Err(DecodeFault::Value { kind: Kind::LoadBegan }));
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
            let _ = decode(&bytes, &mut Made);
        }
    }
}
