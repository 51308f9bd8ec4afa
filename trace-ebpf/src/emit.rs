//! The only code that reserves room in the ring buffer and counts the records that did not get any.

use crate::command;
use crate::maps::{BLAMED, DEVICES, DROPS, LOADS, REQUESTS, SUSPEND};
use crate::read;
use crate::room::Room;
use aya_ebpf::bindings::{BPF_RB_AVAIL_DATA, BPF_RB_RING_SIZE};
use aya_ebpf::helpers::generated::{
    bpf_get_current_comm, bpf_get_smp_processor_id, bpf_ktime_get_boot_ns, bpf_ktime_get_ns,
};
use aya_ebpf::helpers::{bpf_get_current_pid_tgid, bpf_get_current_uid_gid};
use aya_ebpf::maps::RingBuf;
use core::arch::asm;
use trace_common::blame::{Blame, Blamed};
use trace_common::kind::{Loss, Ring};
use trace_common::limits::{CLOCK_TRIES, CLOCKS_APART_NS};
use trace_common::wire::{Header, OF_COMMAND, Record};

/// Writes one record of this kind: `fill` gets the room for the whole record, with the header already written, and must
/// write every field after it. A record without room is counted.
#[inline(always)]
pub fn record<const KIND: u16, T: Record<KIND>>(fill: impl FnOnce(&Room<'_, T>)) {
    let Some(mut entry) = map(Ring::of(KIND)).reserve::<T>(0) else {
        lost(Ring::of(KIND).full());
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

/// A ring's map.
#[inline(always)]
fn map(ring: Ring) -> &'static RingBuf {
    match ring {
        Ring::Requests => &REQUESTS,
        Ring::Loads => &LOADS,
        Ring::Suspend => &SUSPEND,
        Ring::Devices => &DEVICES,
    }
}

/// Whether the ring is more than half full.
#[inline(always)]
pub fn is_half_full(ring: Ring) -> bool {
    let map = map(ring);
    map.query(u64::from(BPF_RB_AVAIL_DATA)) * 2 > map.query(u64::from(BPF_RB_RING_SIZE))
}

/// Counts one loss, for the current task's user.
#[inline(always)]
pub fn lost(loss: Loss) {
    lost_by(bpf_get_current_uid_gid() as u32, loss);
}

/// Counts one loss, for this user.
#[inline(always)]
pub fn lost_by(user: u32, loss: Loss) {
    count(loss);
    blame(Blamed::new(user, loss));
}

/// Counts one loss on this CPU.
#[inline(always)]
fn count(loss: Loss) {
    if let Some(counter) = DROPS.get_ptr_mut(loss.index()) {
        // Another program may interrupt this one on the same CPU.
        // SAFETY: the map's value is an aligned u64 that lives as long as the map.
        unsafe { add(counter, 1) };
    }
}

/// Adds to a counter at once: the target has no `AtomicU64::fetch_add`.
///
/// # Safety
/// `counter` must be aligned, and valid for reads and writes.
#[inline(always)]
pub unsafe fn add(counter: *mut u64, number: u64) {
    // SAFETY: the promise of the caller.
    unsafe { asm!("lock *(u64 *)({counter} + 0) += {number}", counter = in(reg) counter, number = in(reg) number) };
}

/// Counts one loss for a user, and keeps the current thread's name.
#[inline(always)]
fn blame(who: Blamed) {
    if let Some(known) = BLAMED.get_ptr_mut(who) {
        // SAFETY: the map's value is aligned and stays in memory while the program runs. The name has 16 bytes. If two
        // CPUs count at once, one count may be lost: the total is counted elsewhere, per CPU.
        unsafe {
            (*known).count += 1;
            bpf_get_current_comm((&raw mut (*known).comm).cast(), 16);
        }
        return;
    }
    let mut new = Blame { count: 1, comm: [0; 16] };
    // SAFETY: the name has 16 bytes.
    unsafe { bpf_get_current_comm((&raw mut new.comm).cast(), 16) };
    // A map of the kind that forgets what is oldest has room.
    let _ = BLAMED.insert(who, new, 0);
}

/// Writes each field into its place in the ring. A header that is made on the stack first would be copied in words that
/// the verifier of 5.10 cannot follow.
///
/// # Safety
/// `header` must be valid for writes.
#[inline(always)]
unsafe fn header(header: *mut Header, kind: u16) {
    let current = bpf_get_current_pid_tgid();
    // SAFETY: the caller's promise. The helpers read the current CPU and the current task's name; the latter writes the
    // whole name, or zeros if it fails.
    unsafe {
        clocks(header);
        (*header).task_start = read::current_start();
        (*header).tgid = (current >> 32) as u32;
        (*header).tid = current as u32;
        (*header).kind = kind;
        (*header).cpu = bpf_get_smp_processor_id() as u16;
        (*header).flags = if command::is_of_command((current >> 32) as u32) { OF_COMMAND } else { 0 };
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
