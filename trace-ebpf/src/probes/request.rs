//! Module requests: asked for, and admitted to a slot (kernel/module/kmod.c).

use super::task;
use crate::{emit, read};
use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::bpf_get_current_uid_gid;
use aya_ebpf::helpers::generated::bpf_get_current_cgroup_id;
use trace_common::kind::Kind;
use trace_common::wire::{Admitted, Requested, TurnedAway};

/// hook: entry of `int security_kernel_module_request(char *kmod_name)`, 5.10 to 7.3. On a kernel without security
/// hooks: `module:module_request`. `unframed` is [`read::unframed_return`], zero where the stack is whole.
#[inline(always)]
pub fn requested(ctx: &impl EbpfContext, alias: *const u8, unframed: u64) -> i32 {
    task::await_return(ctx.pid());
    emit::record(Kind::Requested, |record: *mut Requested| {
        // SAFETY: `record` is the room reserved for a `Requested`.
        unsafe {
            read::text64(&raw mut (*record).alias, alias as u64);
            (*record).cgroup = bpf_get_current_cgroup_id();
            (*record).uid = bpf_get_current_uid_gid() as u32;
            let loginuid = read::field32(read::current(), read::offsets().task_loginuid);
            (*record).loginuid = loginuid.unwrap_or(0);
            (*record).loginuid_seen = u32::from(loginuid.is_some());
            (*record).reserved = 0;
            (*record).stack_bytes = read::stack(ctx, &raw mut (*record).stack, unframed);
        }
    });
    debug!(ctx, "requested by {}", ctx.pid());
    0
}

/// hook: `module:module_request(char *name, bool wait, unsigned long ip)`, 5.10 to 7.3.
#[inline(always)]
pub fn admitted(ctx: &impl EbpfContext, alias: *const u8, wait: u32) -> i32 {
    emit::record(Kind::Admitted, |record: *mut Admitted| {
        // SAFETY: `record` is the room reserved for an `Admitted`.
        unsafe {
            read::text64(&raw mut (*record).alias, alias as u64);
            (*record).wait = wait & 1;
            (*record).reserved = 0;
        }
    });
    debug!(ctx, "admitted {} wait {}", ctx.pid(), wait & 1);
    0
}

/// hook: return of `security_kernel_module_request`, 5.10 to 7.3. Only a "no" is told.
#[inline(always)]
pub fn denied(ctx: &impl EbpfContext, result: i32) -> i32 {
    if result == 0 { 0 } else { turned_away(ctx, Kind::Denied, result) }
}

/// `-ETIME`
const ETIME: i32 = -62;

/// hook: return of `int down_timeout(struct semaphore *sem, long timeout)`, by which a request waits for its slot from
/// 6.4 on. Others wait by it too, but not between a request and its helper call.
#[inline(always)]
pub fn throttled(ctx: &impl EbpfContext, result: i32) -> i32 {
    if result == ETIME { turned_away(ctx, Kind::Throttled, result) } else { 0 }
}

#[inline(always)]
fn turned_away(ctx: &impl EbpfContext, kind: Kind, result: i32) -> i32 {
    if !task::returned(ctx.pid()) {
        return 0;
    }
    emit::record(kind, |record: *mut TurnedAway| {
        // SAFETY: `record` is the room reserved for a `TurnedAway`.
        unsafe {
            (*record).result = result;
            (*record).reserved = 0;
        }
    });
    debug!(ctx, "request of {} turned away: {}", ctx.pid(), result);
    0
}
