//! The kernel stacks of threads that are stuck. The loader reads an iterator over the kernel's tasks, which runs this
//! program for each; `/proc/PID/stack` has the same, but takes CAP_SYS_ADMIN.
//!
//! In: the map `WANTED`. Out: a [`Stuck`] for each wanted thread that exists. Needs Linux 5.9 and BTF.
#![expect(unsafe_code, reason = "a probe reads the kernel's memory and calls its helpers")]
#![no_std]
#![no_main]

mod object;

use aya_ebpf::Global;
use aya_ebpf::bindings::{seq_file, task_struct};
use aya_ebpf::helpers::bpf_probe_read_kernel;
use aya_ebpf::helpers::generated::{bpf_get_task_stack, bpf_seq_write};
use aya_ebpf::macros::{map, raw_tracepoint};
use aya_ebpf::maps::Array;
use aya_ebpf::programs::RawTracePointContext;
use trace_common::limits::STUCK_AT_ONCE;
use trace_common::settings::UNKNOWN;
use trace_common::stuck::Stuck;

/// The offset of `task_struct.pid` in this kernel; the loader sets it.
#[unsafe(no_mangle)]
static TASK_PID: Global<u32> = Global::new(UNKNOWN);

/// The threads that the loader asks for, as the kernel numbers them; zero for none.
#[map]
static WANTED: Array<[u32; STUCK_AT_ONCE]> = Array::with_max_entries(1, 0);

/// What is written next: it is larger than a program's stack.
#[map]
static NEXT: Array<Stuck> = Array::with_max_entries(1, 0);

/// Runs for each task, with `struct bpf_iter__task` as its context: the iterator's state, and the task; zero at the end
/// (kernel/bpf/task_iter.c, 5.9 to 7.3).
///
/// It is compiled like a raw tracepoint's program, whose context is an array of words too.
#[raw_tracepoint]
fn stack_of(ctx: RawTracePointContext) -> i32 {
    let (meta, task): (*const *mut seq_file, *mut task_struct) = (ctx.arg(0), ctx.arg(1));
    if task.is_null() {
        return 0;
    }
    let offset = TASK_PID.load();
    // SAFETY: bpf_probe_read_kernel checks the address and returns an error instead of faulting.
    let Ok(tid) = (unsafe { bpf_probe_read_kernel((task as u64 + u64::from(offset)) as *const u32) }) else { return 0 };
    let (Some(wanted), Some(next)) = (WANTED.get(0), NEXT.get_ptr_mut(0)) else { return 0 };
    if !wanted.contains(&tid) {
        return 0;
    }
    // SAFETY: `next` is valid for a `Stuck`, and one reader at a time runs the iterator. The first word of what the
    // context's first word points to is the file that is read (`bpf_iter_meta.seq`).
    unsafe {
        let frames = &raw mut (*next).frames;
        (*next).tid = tid;
        (*next).bytes = bpf_get_task_stack(task, frames.cast(), size_of_val(&*frames) as u32, 0) as i32;
        bpf_seq_write(*meta, next.cast_const().cast(), size_of::<Stuck>() as u32);
    }
    0
}
