//! Helper calls: entered, picked up, born, executed, completed, returned (kernel/umh.c).

use super::task;
use crate::maps::{QUIET_CALLS, QUIET_REQUEST};
use crate::read::offset;
use crate::room::{Room, room};
use crate::{emit, read, share};
use aya_ebpf::EbpfContext;
use trace_common::kind::Kind;
use trace_common::limits::ARGV;
use trace_common::settings::UNKNOWN;
use trace_common::wire::{CallEntered, CallReturned, CallSeen, Executed, Record};

/// hook: `int call_usermodehelper_exec(struct subprocess_info *sub_info, int wait)`, 5.10 to 7.3. The wait mode is the
/// argument: `sub_info->wait` is not set yet. `unframed` is [`read::unframed_return`], zero if the stack is complete.
#[inline(always)]
pub fn call_entered(ctx: &impl EbpfContext, call: u64, wait_mode: i32, unframed: u64) -> i32 {
    let is_left_out = task::was_quiet(ctx.pid(), QUIET_REQUEST);
    if is_left_out || (!task::awaits_return(ctx.pid()) && !share::may_call()) {
        // If it is forgotten there, its helper is recorded as one that serves no request.
        let _ = QUIET_CALLS.insert(call, 1, 0);
        return 0;
    }
    // An address that is used again.
    let _ = QUIET_CALLS.remove(call);
    task::await_return(ctx.pid());
    emit::record::<{ Kind::CallEntered as u16 }, CallEntered>(|record| {
        room!(record.call).put(call);
        room!(record.wait_mode).put(wait_mode);
        room!(record.reserved).put(0);
        let path = read::field(call, offset!(call_path)).unwrap_or(0);
        read::text128(&room!(record.path), path);
        arguments(record, read::field(call, offset!(call_argv)).unwrap_or(0));
        room!(record.stack_bytes).put(read::stack(ctx, &room!(record.stack), unframed));
    });
    debug!(ctx, "helper call {:x} entered by {} wait {}", call, ctx.pid(), wait_mode);
    0
}

/// Copies the argument vector at `argv` (an array of string pointers that ends with NULL) into `record`.
#[inline(always)]
fn arguments(record: &Room<'_, CallEntered>, argv: u64) {
    let mut argc: u32 = 0;
    let mut ended = false;
    for index in 0..ARGV as u32 {
        let argument: u64 = if ended { 0 } else { read::field(argv, index * 8).unwrap_or(0) };
        if argument == 0 {
            ended = true;
        } else {
            if let Some(place) = room!(record.argv).element(index as usize) {
                read::text64(&place, argument);
            }
            argc = index + 1;
        }
    }
    let more = !ended && read::field::<u64>(argv, ARGV as u32 * 8).unwrap_or(0) != 0;
    room!(record.argc).put(argc);
    room!(record.argv_more).put(u32::from(more));
}

/// hook: the return of `call_usermodehelper_exec`, 5.10 to 7.3. `call` is freed: it is an identifier, not an address to
/// read; zero if the hook cannot see it.
#[inline(always)]
pub fn call_returned(ctx: &impl EbpfContext, call: u64, result: i32) -> i32 {
    if !task::returned(ctx.pid()) {
        return 0;
    }
    emit::record::<{ Kind::CallReturned as u16 }, CallReturned>(|record| {
        room!(record.call).put(call);
        room!(record.result).put(result);
        room!(record.reserved).put(0);
    });
    debug!(ctx, "helper call {:x} returned {} to {}", call, result, ctx.pid());
    0
}

/// `-EBUSY`: what a call gets while helpers are disabled.
const EBUSY: i32 = -16;

/// hook: `static void free_modprobe_argv(struct subprocess_info *info)`, 5.10 to 7.3. In the requester's thread it is
/// the end of a request's `call_usermodehelper_exec`. Elsewhere (the requester was killed) it proves nothing about the
/// return. A call that was never queued has no wait mode yet: helpers are disabled, unless the path is empty, in which
/// case nothing is recorded.
#[inline(always)]
pub fn call_freed(ctx: &impl EbpfContext, call: u64) -> i32 {
    let (Some(wait), Some(retval)) =
        (read::field32(call, offset!(call_wait)), read::field32(call, offset!(call_retval)))
    else {
        return 0;
    };
    if wait != 0 {
        return call_returned(ctx, call, retval as i32);
    }
    let path: u64 = read::field(call, offset!(call_path)).unwrap_or(0);
    if read::field::<u8>(path, 0).unwrap_or(0) == 0 { 0 } else { call_returned(ctx, call, EBUSY) }
}

/// Whether the call is left out. It is, until another call has its address: nothing about it comes last on every kernel
/// and in every mode of waiting.
#[inline(always)]
fn is_quiet(call: u64) -> bool {
    QUIET_CALLS.get_ptr(call).is_some()
}

/// The call that a worker's `work` belongs to (`container_of(work, struct subprocess_info, work)`); zero if the offset
/// is not known.
#[inline(always)]
pub fn call_of_work(work: u64) -> u64 {
    let offset = offset!(call_work);
    if work == 0 || offset == UNKNOWN { 0 } else { work - u64::from(offset) }
}

/// hooks: entry and return of `void call_usermodehelper_exec_work(struct work_struct *work)`, 5.10 to 7.3, and `static
/// void umh_complete(struct subprocess_info *sub_info)` if it was not inlined.
#[inline(always)]
pub fn call_seen<const KIND: u16>(ctx: &impl EbpfContext, call: u64) -> i32
where
    CallSeen: Record<KIND>,
{
    if is_quiet(call) {
        return 0;
    }
    emit::record::<KIND, CallSeen>(|record| {
        room!(record.call).put(call);
    });
    debug!(ctx, "helper call {:x} kind {} in {}", call, KIND, ctx.pid());
    0
}

/// hook: `static int call_usermodehelper_exec_async(void *data)` in the helper's task, 5.10 to 7.3. From here on the
/// task and its descendants are followed.
#[inline(always)]
pub fn born(ctx: &impl EbpfContext, call: u64) -> i32 {
    if is_quiet(call) {
        return 0;
    }
    task::follow(ctx.tgid(), read::current_start());
    call_seen::<{ Kind::Born as u16 }>(ctx, call)
}

/// hook: the return of `int kernel_execve(const char *, const char *const *, const char *const *)` in a helper,
/// 5.10 to 7.3.
#[inline(always)]
pub fn executed(ctx: &impl EbpfContext, result: i32) -> i32 {
    if !task::followed(ctx.tgid()) {
        return 0;
    }
    emit::record::<{ Kind::Executed as u16 }, Executed>(|record| {
        room!(record.result).put(result);
        let (device, inode) = read::executable();
        room!(record.exe_device).put(device);
        room!(record.exe_inode).put(inode);
    });
    debug!(ctx, "helper {} executed {}", ctx.pid(), result);
    0
}
