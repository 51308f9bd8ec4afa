//! What is recorded at each moment, one file per kernel subject. Each function takes plain arguments, whichever hook
//! they come from, writes one record, and returns 0.

pub mod device;
pub mod firmware;
pub mod helper;
pub mod load;
pub mod request;
pub mod suspend;
pub mod task;

use crate::emit;
use crate::room::room;
use aya_ebpf::EbpfContext;
use trace_common::wire::{Ended, Header, Record};

/// hooks: those that have nothing to report except that they fired.
#[inline(always)]
pub fn seen<const KIND: u16>(ctx: &impl EbpfContext) -> i32
where
    Header: Record<KIND>,
{
    emit::record::<KIND, Header>(|_| {});
    debug!(ctx, "kind {} in {}", KIND, ctx.pid());
    0
}

/// hooks: the return of a function that returns zero or a negative errno.
#[inline(always)]
pub fn ended<const KIND: u16>(ctx: &impl EbpfContext, result: i32) -> i32
where
    Ended: Record<KIND>,
{
    emit::record::<KIND, Ended>(|record| {
        room!(record.result).put(result);
        room!(record.reserved).put(0);
    });
    debug!(ctx, "kind {} result {} in {}", KIND, result, ctx.pid());
    0
}
