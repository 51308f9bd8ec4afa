//! The life of helper processes and their descendants. Everything else that forks or exits is passed over after one
//! look into a map.

use crate::debug;
use crate::maps::{CALLERS, HELPERS};
use crate::{emit, read};
use aya_ebpf::EbpfContext;
use trace_common::kind::{Kind, Loss};
use trace_common::wire::{Exited, Forked, Header};

/// From now on this process is followed.
#[inline(always)]
pub fn follow(tgid: u32, start: u64) {
    if HELPERS.insert(tgid, start, 0).is_err() {
        emit::lost(Loss::Untracked);
    }
}

/// Whether the process is a helper or descends from one. A pid that was taken over by another process is not.
#[inline(always)]
pub fn followed(tgid: u32) -> bool {
    // SAFETY: the value is copied at once; at worst an entry that is being deleted is read.
    match unsafe { HELPERS.get(tgid) } {
        Some(start) => *start == read::current_start(),
        None => false,
    }
}

/// This thread has asked for a module, or is inside `call_usermodehelper_exec`.
#[inline(always)]
pub fn await_return(tid: u32) {
    if CALLERS.insert(tid, read::current_start(), 0).is_err() {
        emit::lost(Loss::Untracked);
    }
}

/// `-ENOENT`: the map holds no such key.
const ENOENT: i32 = -2;

/// This thread has its answer. False where that was told before, where it asked before the probes were attached, and where the
/// map was full when it asked, which was counted.
#[inline(always)]
pub fn returned(tid: u32) -> bool {
    match CALLERS.remove(tid) {
        Ok(()) => true,
        Err(ENOENT) => false,
        // The entry stays, so that the thread's exit may be told too: that is no harm.
        Err(_) => true,
    }
}

/// Tells of a thread that exits and whose request or call was not seen to return.
#[inline(always)]
fn caller_gone(tid: u32) {
    // SAFETY: the value is copied at once; at worst an entry that is being deleted is read.
    let Some(start) = (unsafe { CALLERS.get(tid) }) else {
        return;
    };
    let same = *start == read::current_start();
    let _ = CALLERS.remove(tid);
    if same {
        emit::record(Kind::CallerGone, |_record: *mut Header| {});
    }
}

/// hook: `sched:sched_process_fork(parent, child)` in the parent, or `wake_up_new_task(child)`, 5.10 to 7.3.
#[inline(always)]
pub fn forked(ctx: &impl EbpfContext, child: *const u8) -> i32 {
    let parent = ctx.tgid();
    if !followed(parent) {
        return 0;
    }
    let Some(child_tgid) = read::field32(child as u64, read::offsets().task_tgid) else {
        emit::lost(Loss::Untracked);
        return 0;
    };
    if child_tgid == parent {
        return 0; // a thread
    }
    let child_start = read::process_start(child as u64);
    follow(child_tgid, child_start);
    emit::record(Kind::Forked, |record: *mut Forked| {
        // SAFETY: `record` is the room reserved for a `Forked`.
        unsafe {
            (*record).child_start = child_start;
            (*record).child_tgid = child_tgid;
            (*record).reserved = 0;
        }
    });
    debug!(ctx, "helper {} forked {}", parent, child_tgid);
    0
}

/// hooks: `sched:sched_process_exit`, and `exit_files` within `do_exit`, 5.10 to 7.3: `exit_code` is set, and the thread
/// is out of `signal->live`. Records the end of a followed process with its last thread; where the count of threads
/// cannot be read, the end of the main thread stands for it.
#[inline(always)]
pub fn exited(ctx: &impl EbpfContext) -> i32 {
    caller_gone(ctx.pid());
    if !followed(ctx.tgid()) {
        return 0;
    }
    let (task, offsets) = (read::current(), read::offsets());
    let signal: u64 = read::field(task, offsets.task_signal).unwrap_or(0);
    let last = match read::field32(signal, offsets.signal_live) {
        Some(live) => live == 0,
        None => ctx.tgid() == ctx.pid(),
    };
    if !last {
        return 0;
    }
    let _ = HELPERS.remove(ctx.tgid());
    emit::record(Kind::Exited, |record: *mut Exited| {
        // SAFETY: `record` is the room reserved for an `Exited`.
        unsafe {
            (*record).status = 0;
            let seen = read::copy32(&raw mut (*record).status, task, offsets.task_exit_code);
            (*record).status_seen = u32::from(seen);
        }
    });
    debug!(ctx, "helper {} exited", ctx.pid());
    0
}
