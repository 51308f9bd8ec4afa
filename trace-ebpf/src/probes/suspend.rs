//! Suspend, hibernation, and how helpers are disabled around them (kernel/power/, kernel/umh.c).

use crate::room::room;
use crate::{emit, read};
use aya_ebpf::EbpfContext;
use trace_common::kind::Kind;
use trace_common::wire::{DepthSeen, PhaseSeen, Record, SuspendBegan};

/// hooks: entry of `int pm_suspend(suspend_state_t state)` and of `int hibernate(void)`, 5.10 to 7.3.
#[inline(always)]
pub fn began(ctx: &impl EbpfContext, way: u32, state: i32) -> i32 {
    emit::record::<{ Kind::SuspendBegan as u16 }, SuspendBegan>(|record| {
        room!(record.way).put(way);
        room!(record.state).put(state);
        room!(record.pm_test).put(0);
        room!(record.pm_test_seen).put(u32::from(read::pm_test_level(&room!(record.pm_test))));
    });
    debug!(ctx, "suspend began: way {} state {}", way, state);
    0
}

/// hook: `power:suspend_resume(const char *action, int val, bool start)`, 5.10 to 7.3.
#[inline(always)]
pub fn phase(ctx: &impl EbpfContext, action: u64, value: i32, begins: u32) -> i32 {
    emit::record::<{ Kind::PhaseSeen as u16 }, PhaseSeen>(|record| {
        room!(record.value).put(value);
        room!(record.begins).put(begins & 1);
        read::text64(&room!(record.action), action);
    });
    debug!(ctx, "suspend phase: {} {}", value, begins & 1);
    0
}

/// hooks: entry of `int __usermodehelper_disable(enum umh_disable_depth depth)` and of
/// `void __usermodehelper_set_disable_depth(enum umh_disable_depth depth)`, 5.10 to 7.3.
#[inline(always)]
pub fn depth<const KIND: u16>(ctx: &impl EbpfContext, depth: i32) -> i32
where
    DepthSeen: Record<KIND>,
{
    emit::record::<KIND, DepthSeen>(|record| {
        room!(record.depth).put(depth);
        room!(record.reserved).put(0);
    });
    debug!(ctx, "helpers disabled as far as {}", depth);
    0
}
