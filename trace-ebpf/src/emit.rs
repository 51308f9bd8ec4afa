//! The only code that reserves room in the ring buffer, and that counts what found none.

use crate::maps::{DROPS, EVENTS};
use crate::read;
use aya_ebpf::helpers::generated::{bpf_get_smp_processor_id, bpf_ktime_get_boot_ns, bpf_ktime_get_ns};
use aya_ebpf::helpers::{bpf_get_current_comm, bpf_get_current_pid_tgid};
use core::arch::asm;
use trace_common::kind::{Kind, Loss};
use trace_common::wire::Header;

/// Writes one record of kind `kind`: `fill` gets a pointer to the whole record, its header already written, and must
/// write every field behind it. A record without room is counted.
#[inline(always)]
pub fn record<T: 'static>(kind: Kind, fill: impl FnOnce(*mut T)) {
    let Some(mut entry) = EVENTS.reserve::<T>(0) else {
        lost(Loss::RingFull);
        return;
    };
    let place = entry.as_mut_ptr();
    // SAFETY: every record is `repr(C)` and starts with a `Header`; the reserved room holds a whole `T`.
    unsafe { place.cast::<Header>().write(header(kind)) };
    fill(place);
    entry.submit(0);
}

/// Counts one loss on this CPU.
#[inline(always)]
pub fn lost(loss: Loss) {
    if let Some(counter) = DROPS.get_ptr_mut(loss.index()) {
        // A program may be interrupted by another on the same CPU, so the addition has to be atomic; the target has no
        // `AtomicU64::fetch_add`.
        // SAFETY: the map's value is an aligned u64 that lives as long as the map.
        unsafe { asm!("lock *(u64 *)({counter} + 0) += {one}", counter = in(reg) counter, one = in(reg) 1_u64) };
    }
}

#[inline(always)]
fn header(kind: Kind) -> Header {
    let task = bpf_get_current_pid_tgid();
    // SAFETY: these helpers take no arguments and read clocks and the current CPU.
    let (mono, boot, cpu) = unsafe { (bpf_ktime_get_ns(), bpf_ktime_get_boot_ns(), bpf_get_smp_processor_id()) };
    Header {
        mono,
        boot,
        task_start: read::current_start(),
        tgid: (task >> 32) as u32,
        tid: task as u32,
        kind: kind.number(),
        cpu: cpu as u16,
        reserved: 0,
        comm: bpf_get_current_comm().unwrap_or_default(),
    }
}
