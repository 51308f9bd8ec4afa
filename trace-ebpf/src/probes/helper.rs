//! Helper calls: entered, picked up, born, executed, completed, returned (kernel/umh.c).

use super::task;
use crate::{emit, read};
use aya_ebpf::EbpfContext;
use trace_common::kind::Kind;
use trace_common::limits::ARGV;
use trace_common::settings::UNKNOWN;
use trace_common::wire::{CallEntered, CallReturned, CallSeen, Executed};

/// hook: `int call_usermodehelper_exec(struct subprocess_info *sub_info, int wait)`, 5.10 to 7.3. The wait mode is
/// the argument: `sub_info->wait` is not set yet. `unframed` is [`read::unframed_return`], zero where the stack is
/// whole.
#[inline(always)]
pub fn call_entered(ctx: &impl EbpfContext, call: u64, wait_mode: i32, unframed: u64) -> i32 {
    task::await_return(ctx.pid());
    emit::record(Kind::CallEntered, |record: *mut CallEntered| {
        let offsets = read::offsets();
        // SAFETY: `record` is the room reserved for a `CallEntered`.
        unsafe {
            (*record).call = call;
            (*record).wait_mode = wait_mode;
            (*record).reserved = 0;
            let path = read::field(call, offsets.call_path).unwrap_or(0);
            read::text128(&raw mut (*record).path, path);
            arguments(record, read::field(call, offsets.call_argv).unwrap_or(0));
            (*record).stack_bytes = read::stack(ctx, &raw mut (*record).stack, unframed);
        }
    });
    debug!(ctx, "helper call {:x} entered by {} wait {}", call, ctx.pid(), wait_mode);
    0
}

/// Copies the argument vector at `argv` (an array of string pointers that ends with NULL) into `record`.
///
/// # Safety
/// `record` must be valid for writes.
#[inline(always)]
unsafe fn arguments(record: *mut CallEntered, argv: u64) {
    let mut argc: u32 = 0;
    let mut ended = false;
    for index in 0..ARGV as u32 {
        let argument: u64 = if ended { 0 } else { read::field(argv, index * 8).unwrap_or(0) };
        if argument == 0 {
            ended = true;
        } else {
            // SAFETY: `index` is below `ARGV`, so the place lies inside the record.
            unsafe {
                read::text64(
                    (&raw mut (*record).argv).cast::<trace_common::wire::Text64>().add(index as usize),
                    argument,
                )
            };
            argc = index + 1;
        }
    }
    let more = !ended && read::field::<u64>(argv, ARGV as u32 * 8).unwrap_or(0) != 0;
    // SAFETY: the caller's promise.
    unsafe {
        (*record).argc = argc;
        (*record).argv_more = u32::from(more);
    }
}

/// hook: the return of `call_usermodehelper_exec`, 5.10 to 7.3. `call` is freed: it is a name, not an address to
/// read; zero where the hook cannot see it.
#[inline(always)]
pub fn call_returned(ctx: &impl EbpfContext, call: u64, result: i32) -> i32 {
    if !task::returned(ctx.pid()) {
        return 0;
    }
    emit::record(Kind::CallReturned, |record: *mut CallReturned| {
        // SAFETY: `record` is the room reserved for a `CallReturned`.
        unsafe {
            (*record).call = call;
            (*record).result = result;
            (*record).reserved = 0;
        }
    });
    debug!(ctx, "helper call {:x} returned {} to {}", call, result, ctx.pid());
    0
}

/// `-EBUSY`: what a call gets that helpers are disabled for.
const EBUSY: i32 = -16;

/// hook: `static void free_modprobe_argv(struct subprocess_info *info)`, 5.10 to 7.3: in the requester's thread it is
/// the end of a request's `call_usermodehelper_exec`; elsewhere (the requester was killed) it says nothing of the
/// return. A call that was never queued has no wait mode yet: helpers are disabled, unless the path is empty, of which
/// nothing is recorded.
#[inline(always)]
pub fn call_freed(ctx: &impl EbpfContext, call: u64) -> i32 {
    let offsets = read::offsets();
    let (Some(wait), Some(retval)) = (read::field32(call, offsets.call_wait), read::field32(call, offsets.call_retval))
    else {
        return 0;
    };
    if wait != 0 {
        return call_returned(ctx, call, retval as i32);
    }
    let path: u64 = read::field(call, offsets.call_path).unwrap_or(0);
    if read::field::<u8>(path, 0).unwrap_or(0) == 0 { 0 } else { call_returned(ctx, call, EBUSY) }
}

/// The call that a worker's `work` belongs to (`container_of(work, struct subprocess_info, work)`); zero where the
/// offset is not known.
#[inline(always)]
pub fn call_of_work(work: u64) -> u64 {
    let offset = read::offsets().call_work;
    if work == 0 || offset == UNKNOWN { 0 } else { work - u64::from(offset) }
}

/// hooks: entry and return of `void call_usermodehelper_exec_work(struct work_struct *work)`, 5.10 to 7.3, and
/// `static void umh_complete(struct subprocess_info *sub_info)` where it was not inlined.
#[inline(always)]
pub fn call_seen(ctx: &impl EbpfContext, kind: Kind, call: u64) -> i32 {
    emit::record(kind, |record: *mut CallSeen| {
        // SAFETY: `record` is the room reserved for a `CallSeen`.
        unsafe { (*record).call = call };
    });
    debug!(ctx, "helper call {:x} kind {} in {}", call, kind.number(), ctx.pid());
    0
}

/// hook: `static int call_usermodehelper_exec_async(void *data)` in the helper's task, 5.10 to 7.3. From here on the
/// task and its descendants are followed.
#[inline(always)]
pub fn born(ctx: &impl EbpfContext, call: u64) -> i32 {
    task::follow(ctx.tgid(), read::current_start());
    call_seen(ctx, Kind::Born, call)
}

/// hook: the return of `int kernel_execve(const char *, const char *const *, const char *const *)` in a helper,
/// 5.10 to 7.3.
#[inline(always)]
pub fn executed(ctx: &impl EbpfContext, result: i32) -> i32 {
    if !task::followed(ctx.tgid()) {
        return 0;
    }
    emit::record(Kind::Executed, |record: *mut Executed| {
        // SAFETY: `record` is the room reserved for an `Executed`.
        unsafe {
            (*record).result = result;
            (*record).reserved = 0;
        }
    });
    debug!(ctx, "helper {} executed {}", ctx.pid(), result);
    0
}
