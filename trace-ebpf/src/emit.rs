//! The only code that reserves room in the ring buffer and counts the records that did not get any.

use crate::maps::{DROPS, EVENTS};
use crate::read;
use crate::room::Room;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::generated::{
    bpf_get_current_comm, bpf_get_smp_processor_id, bpf_ktime_get_boot_ns, bpf_ktime_get_ns,
};
use core::arch::asm;
use trace_common::kind::Loss;
use trace_common::limits::{CLOCK_TRIES, CLOCKS_APART_NS};
use trace_common::wire::{Header, Record};

/// Writes one record of this kind: `fill` gets the room for the whole record, with the header already written, and must
/// write every field after it. A record without room is counted.
#[inline(always)]
pub fn record<const KIND: u16, T: Record<KIND>>(fill: impl FnOnce(&Room<'_, T>)) {
    let Some(mut entry) = EVENTS.reserve::<T>(0) else {
        lost(Loss::RingFull);
        return;
    };
    let place = entry.as_mut_ptr();
    // SAFETY: a `Record` is `repr(C)` and begins with a `Header`. The reserved room holds a whole `T`, and belongs to
    // this program until it submits it.
    unsafe {
        header(place.cast(), KIND);
        fill(&Room::new(place));
    }
    entry.submit(0);
}

/// Counts one loss on this CPU.
#[inline(always)]
pub fn lost(loss: Loss) {
    if let Some(counter) = DROPS.get_ptr_mut(loss.index()) {
        // Another program may interrupt this one on the same CPU, so the addition has to be atomic; the target has no
        // `AtomicU64::fetch_add`.
        // SAFETY: the map's value is an aligned u64 that lives as long as the map.
        unsafe { asm!("lock *(u64 *)({counter} + 0) += {one}", counter = in(reg) counter, one = in(reg) 1_u64) };
    }
}

/// Writes each field into its place in the ring. A header that is made on the stack first would be copied in words that
/// the verifier of 5.10 cannot follow.
///
/// # Safety
/// `header` must be valid for writes.
#[inline(always)]
unsafe fn header(header: *mut Header, kind: u16) {
    let task = bpf_get_current_pid_tgid();
    // SAFETY: the caller's promise. The helpers read the current CPU and the current task's name; the latter writes the
    // whole name, or zeros if it fails.
    unsafe {
        clocks(header);
        (*header).task_start = read::current_start();
        (*header).tgid = (task >> 32) as u32;
        (*header).tid = task as u32;
        (*header).kind = kind;
        (*header).cpu = bpf_get_smp_processor_id() as u16;
        (*header).reserved = 0;
        bpf_get_current_comm((&raw mut (*header).comm).cast(), 16);
    }
}

/// Reads both clocks as of one instant. An interruption between the two readings (an interrupt, a hypervisor that runs
/// another guest for some milliseconds) would look like time asleep or its opposite, so they are read again until they
/// are close.
///
/// # Safety
/// `header` must be valid for writes.
#[inline(always)]
unsafe fn clocks(header: *mut Header) {
    for _ in 0..CLOCK_TRIES {
        // SAFETY: the caller's promise; the helpers take no arguments.
        let taken = unsafe {
            let mono = bpf_ktime_get_ns();
            (*header).mono = mono;
            (*header).boot = bpf_ktime_get_boot_ns();
            bpf_ktime_get_ns().wrapping_sub(mono)
        };
        if taken <= CLOCKS_APART_NS {
            break;
        }
    }
}
