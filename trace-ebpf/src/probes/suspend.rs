//! Suspend, hibernation, and how helpers are disabled around them (kernel/power/, kernel/umh.c).

use crate::{emit, read};
use aya_ebpf::EbpfContext;
use trace_common::kind::Kind;
use trace_common::wire::{DepthSeen, Ended, PhaseSeen, SuspendBegan};

/// hooks: entry of `int pm_suspend(suspend_state_t state)` and of `int hibernate(void)`, 5.10 to 7.3.
#[inline(always)]
pub fn began(ctx: &impl EbpfContext, way: u32, state: i32) -> i32 {
    emit::record(Kind::SuspendBegan, |record: *mut SuspendBegan| {
        // SAFETY: `record` is the room reserved for a `SuspendBegan`.
        unsafe {
            (*record).way = way;
            (*record).state = state;
            (*record).pm_test = 0;
            (*record).pm_test_seen = u32::from(read::pm_test_level(&raw mut (*record).pm_test));
        }
    });
    debug!(ctx, "suspend began: way {} state {}", way, state);
    0
}

/// hook: `power:suspend_resume(const char *action, int val, bool start)`, 5.10 to 7.3.
#[inline(always)]
pub fn phase(ctx: &impl EbpfContext, action: u64, value: i32, begins: u32) -> i32 {
    emit::record(Kind::PhaseSeen, |record: *mut PhaseSeen| {
        // SAFETY: `record` is the room reserved for a `PhaseSeen`.
        unsafe {
            (*record).value = value;
            (*record).begins = begins & 1;
            read::text64(&raw mut (*record).action, action);
        }
    });
    debug!(ctx, "suspend phase: {} {}", value, begins & 1);
    0
}

/// hooks: entry of `int freeze_processes(void)` and of `void thaw_processes(void)`, 5.10 to 7.3.
#[inline(always)]
pub fn seen(ctx: &impl EbpfContext, kind: Kind) -> i32 {
    emit::record(kind, |_record: *mut trace_common::wire::Header| {});
    debug!(ctx, "kind {} in {}", kind.number(), ctx.pid());
    0
}

/// hooks: entry of `int __usermodehelper_disable(enum umh_disable_depth depth)` and of
/// `void __usermodehelper_set_disable_depth(enum umh_disable_depth depth)`, 5.10 to 7.3.
#[inline(always)]
pub fn depth(ctx: &impl EbpfContext, kind: Kind, depth: i32) -> i32 {
    emit::record(kind, |record: *mut DepthSeen| {
        // SAFETY: `record` is the room reserved for a `DepthSeen`.
        unsafe {
            (*record).depth = depth;
            (*record).reserved = 0;
        }
    });
    debug!(ctx, "helpers disabled as far as {}", depth);
    0
}

/// hooks: the return of a function that gives zero or a negative errno.
#[inline(always)]
pub fn ended(ctx: &impl EbpfContext, kind: Kind, result: i32) -> i32 {
    emit::record(kind, |record: *mut Ended| {
        // SAFETY: `record` is the room reserved for an `Ended`.
        unsafe {
            (*record).result = result;
            (*record).reserved = 0;
        }
    });
    debug!(ctx, "kind {} result {} in {}", kind.number(), result, ctx.pid());
    0
}
