//! The life of helper processes and their descendants. Everything else that forks or exits is ignored after one map
//! lookup (a thread that is not the first of its process needs a second one at its exit).

use crate::maps::{ASKED, ASKING, CALLER, HELPER, LINE, LOADER, QUIET_LOAD, QUIET_REQUEST, TASKS, Watched};
use crate::read::offset;
use crate::room::room;
use crate::{command, emit, read};
use aya_ebpf::EbpfContext;
use trace_common::kind::{Kind, Loss};
use trace_common::limits::LINES;
use trace_common::wire::{Exited, Forked, Header};

/// From now on this task is watched for this reason too.
#[inline(always)]
fn watch(task: u32, start: u64, why: u64) {
    watch_or(task, start, why, Loss::Untracked);
}

/// The same. If the map is full, this loss is counted.
#[inline(always)]
fn watch_or(task: u32, start: u64, why: u64, loss: Loss) {
    if let Some(known) = TASKS.get_ptr_mut(task) {
        // SAFETY: the map's value is aligned and stays in memory while the program runs. Only the task itself changes
        // its entry; a parent creates its child's entry before the child runs.
        unsafe {
            if (*known).start == start {
                (*known).why |= why;
                return;
            }
        }
        // Another thread had the number, and its exit was not seen.
        forget_asked(task);
    }
    if TASKS.insert(task, Watched { start, why }, 0).is_err() {
        emit::lost(loss);
    }
}

/// From now on this process is followed.
#[inline(always)]
pub fn follow(tgid: u32, start: u64) {
    watch(tgid, start, HELPER);
}

/// Whether the process is a helper or descends from one. A pid that now belongs to another process does not count.
#[inline(always)]
pub fn followed(tgid: u32) -> bool {
    // SAFETY: the value is copied at once; at worst an entry that is being deleted is read.
    match unsafe { TASKS.get(tgid) } {
        Some(known) => known.why & HELPER != 0 && known.start == read::current_start(),
        None => false,
    }
}

/// What this thread does is left out, for this reason.
#[inline(always)]
pub fn quieten(tid: u32, why: u64) {
    watch(tid, read::current_start(), why);
}

/// Whether this thread is watched for this reason.
#[inline(always)]
pub fn is_watched(tid: u32, why: u64) -> bool {
    match TASKS.get_ptr(tid) {
        // SAFETY: as in `watch`.
        Some(known) => unsafe { (*known).why & why != 0 && (*known).start == read::current_start() },
        None => false,
    }
}

/// The same; from now on it is not.
#[inline(always)]
pub fn was_quiet(tid: u32, why: u64) -> bool {
    let Some(known) = TASKS.get_ptr_mut(tid) else { return false };
    // SAFETY: as in `watch`.
    let Watched { start, why: before } = unsafe { *known };
    if before & why == 0 {
        return false;
    }
    let is_same = start == read::current_start();
    let rest = before & !why;
    if rest == 0 {
        let _ = TASKS.remove(tid);
    } else {
        // SAFETY: as in `watch`.
        unsafe { (*known).why = rest };
    }
    is_same
}

/// This thread requests a module: what its kernel function returns then is recorded.
#[inline(always)]
pub fn asks(tid: u32) {
    let Some(asking) = ASKING.get_ptr_mut(0) else { return };
    if !is_watched(tid, ASKED) {
        forget_asked(tid);
        watch(tid, read::current_start(), ASKED);
        if is_watched(tid, ASKED) {
            // SAFETY: the map's value is an aligned u64 that lives as long as the map.
            unsafe { emit::add(asking, 1) };
        }
    }
}

/// Whether this thread has requested a module since the last return of such a function.
#[inline(always)]
pub fn has_asked(tid: u32) -> bool {
    let Some(asking) = ASKING.get_ptr(0) else { return false };
    // SAFETY: as in `asks`. Other CPUs change it for other threads only.
    if unsafe { asking.read_volatile() } == 0 {
        return false;
    }
    let asked = is_watched(tid, ASKED);
    forget_asked(tid);
    asked
}

/// Stops watching the thread for [`ASKED`].
#[inline(always)]
fn forget_asked(tid: u32) {
    let Some(known) = TASKS.get_ptr(tid) else { return };
    // SAFETY: as in `watch`.
    if unsafe { (*known).why } & ASKED == 0 {
        return;
    }
    was_quiet(tid, ASKED);
    if let Some(asking) = ASKING.get_ptr_mut(0) {
        // SAFETY: as in `asks`.
        unsafe { emit::add(asking, u64::MAX) };
    }
}

/// This thread loads a module from now on: lines that the kernel prints in it are kept.
#[inline(always)]
pub fn load_begins(tid: u32) {
    was_quiet(tid, LINES_OF_LOAD);
    watch_or(tid, read::current_start(), LOADER, Loss::LinesLeftOut);
}

/// It no longer does.
#[inline(always)]
pub fn load_ends(tid: u32) {
    was_quiet(tid, LINES_OF_LOAD);
}

/// What is known of a thread's load.
const LINES_OF_LOAD: u64 = LOADER | !(LINE - 1);

/// Whether a line that the kernel prints in this thread is kept. One of a load's that is not is counted.
#[inline(always)]
pub fn may_print(tid: u32) -> bool {
    let Some(known) = TASKS.get_ptr_mut(tid) else { return false };
    // SAFETY: as in `watch`.
    let Watched { start, why } = unsafe { *known };
    if why & LOADER == 0 || start != read::current_start() {
        return false;
    }
    if why >= LINES * LINE {
        emit::lost(Loss::LinesLeftOut);
        return false;
    }
    // SAFETY: as in `watch`.
    unsafe { (*known).why = why + LINE };
    true
}

/// This thread has requested a module, or is inside `call_usermodehelper_exec`.
#[inline(always)]
pub fn await_return(tid: u32) {
    watch(tid, read::current_start(), CALLER);
}

/// Whether this thread has a request or a helper call open that is recorded.
#[inline(always)]
pub fn awaits_return(tid: u32) -> bool {
    is_watched(tid, CALLER)
}

/// This thread has its answer. False if that was recorded before, if it asked before the probes were attached, or if
/// the map was full when it asked, which was counted.
#[inline(always)]
pub fn returned(tid: u32) -> bool {
    match TASKS.get_ptr_mut(tid) {
        Some(known) => answered(tid, known),
        None => false,
    }
}

/// The thread no longer waits for an answer; returns whether it did.
#[inline(always)]
fn answered(tid: u32, known: *mut Watched) -> bool {
    // SAFETY: as in `watch`.
    let why = unsafe { (*known).why };
    if why & CALLER == 0 {
        return false;
    }
    if why == CALLER {
        // If an entry cannot be removed, the thread's exit may be reported too, which does no harm.
        let _ = TASKS.remove(tid);
    } else {
        // SAFETY: as in `watch`.
        unsafe { (*known).why = why & !CALLER };
    }
    true
}

/// hook: `sched:sched_process_fork(parent, child)` in the parent, or `wake_up_new_task(child)`, 5.10 to 7.3.
#[inline(always)]
pub fn forked(ctx: &impl EbpfContext, child: *const u8) -> i32 {
    let parent = ctx.tgid();
    let is_helper = followed(parent);
    let is_of_command = command::is_of_command(parent);
    if !is_helper && !is_of_command {
        return 0;
    }
    let Some(child_tgid) = read::field32(child as u64, offset!(task_tgid)) else {
        emit::lost(if is_helper { Loss::Untracked } else { Loss::CommandUntracked });
        return 0;
    };
    if child_tgid == parent {
        return 0; // a thread
    }
    let child_start = read::process_start(child as u64);
    if is_of_command && !command::forked(child_tgid, child_start) {
        emit::lost(Loss::CommandUntracked);
    }
    if !is_helper {
        return 0;
    }
    follow(child_tgid, child_start);
    emit::record::<{ Kind::Forked as u16 }, Forked>(|record| {
        room!(record.child_start).put(child_start);
        room!(record.child_tgid).put(child_tgid);
        room!(record.reserved).put(0);
    });
    debug!(ctx, "helper {} forked {}", parent, child_tgid);
    0
}

/// hooks: `sched:sched_process_exit`, and `exit_files` within `do_exit`, 5.10 to 7.3: `exit_code` is set, and the
/// thread is out of `signal->live`. Records the end of a followed process when its last thread exits; if the count of
/// threads cannot be read, the exit of the main thread counts instead.
#[inline(always)]
pub fn exited(ctx: &impl EbpfContext) -> i32 {
    let (thread, process) = (ctx.pid(), ctx.tgid());
    let mut is_helper = false;
    if let Some(known) = TASKS.get_ptr_mut(thread) {
        // SAFETY: as in `watch`.
        let Watched { start, why } = unsafe { *known };
        let is_same = start == read::current_start();
        is_helper = thread == process && is_same && why & HELPER != 0;
        // The return of its request or call was not seen.
        if answered(thread, known) && is_same {
            emit::record::<{ Kind::CallerGone as u16 }, Header>(|_| {});
        }
        forget_asked(thread);
        // What was left out of it ends with it.
        was_quiet(thread, QUIET_REQUEST | QUIET_LOAD | LINES_OF_LOAD);
    }
    if thread != process {
        is_helper = followed(process);
    }
    if !is_helper && !command::is_of_command(process) {
        return 0;
    }
    let task = read::current();
    let signal: u64 = read::field(task, offset!(task_signal)).unwrap_or(0);
    let last = match read::field32(signal, offset!(signal_live)) {
        Some(live) => live == 0,
        None => ctx.tgid() == ctx.pid(),
    };
    if !last {
        return 0;
    }
    if !is_helper {
        command::exited(process);
        return 0;
    }
    emit::record::<{ Kind::Exited as u16 }, Exited>(|record| {
        room!(record.status).put(0);
        let seen = read::copy32(&room!(record.status), task, offset!(task_exit_code));
        room!(record.status_seen).put(u32::from(seen));
    });
    let _ = TASKS.remove(process);
    command::exited(process);
    debug!(ctx, "helper {} exited", ctx.pid());
    0
}
