//! The list of modtrail's kernel programs: for each moment the candidates among which the loader chooses, each a
//! thin shell that takes the arguments out of its context and hands them to the probe of its subject.
//!
//! In: what the kernel passes to the hooked function. Out: records in the ring buffer. A program returns 0 always
//! and changes nothing in the kernel. `trace-user/src/kernel/hooks.rs` says which candidate is taken when.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod emit;
mod maps;
mod probes;
mod read;

use aya_ebpf::macros::{btf_tracepoint, fentry, fexit, kprobe, kretprobe, raw_tracepoint};
use aya_ebpf::programs::{
    BtfTracePointContext, FEntryContext, FExitContext, ProbeContext, RawTracePointContext, RetProbeContext,
};
use probes::{helper, load, request, task};
use trace_common::kind::Kind;
use trace_common::wire::{LSM_UNSEEN, SYSCALL_FINIT, SYSCALL_INIT};

/// `MODULE_STATE_LIVE`, `_COMING`, `_GOING`: the notifier's action (include/linux/module.h, 5.10 to 7.3).
const LIVE: u64 = 0;
const COMING: u64 = 1;
const GOING: u64 = 2;

// requested: int security_kernel_module_request(char *kmod_name)

#[fexit]
fn requested_fexit(ctx: FExitContext) -> i32 {
    request::requested(&ctx, ctx.arg(0), ctx.arg(1))
}

#[kprobe]
fn requested_kprobe(ctx: ProbeContext) -> u32 {
    request::requested(&ctx, ctx.arg(0).unwrap_or(core::ptr::null()), LSM_UNSEEN) as u32
}

// admitted: module:module_request(char *name, bool wait, unsigned long ip)

#[btf_tracepoint(function = "module_request")]
fn admitted_btf(ctx: BtfTracePointContext) -> i32 {
    request::admitted(&ctx, ctx.arg(0), ctx.arg(1))
}

#[raw_tracepoint(tracepoint = "module_request")]
fn admitted_raw(ctx: RawTracePointContext) -> i32 {
    request::admitted(&ctx, ctx.arg(0), ctx.arg(1))
}

// helper call entered and returned: int call_usermodehelper_exec(struct subprocess_info *sub_info, int wait)

#[fentry]
fn call_entered_fentry(ctx: FEntryContext) -> i32 {
    helper::call_entered(&ctx, ctx.arg(0), ctx.arg(1))
}

#[kprobe]
fn call_entered_kprobe(ctx: ProbeContext) -> u32 {
    helper::call_entered(&ctx, ctx.arg(0).unwrap_or(0), ctx.arg(1).unwrap_or(0)) as u32
}

#[fexit]
fn call_returned_fexit(ctx: FExitContext) -> i32 {
    helper::call_returned(&ctx, ctx.arg(0), ctx.arg(2))
}

#[kretprobe]
fn call_returned_kretprobe(ctx: RetProbeContext) -> u32 {
    helper::call_returned(&ctx, 0, ctx.ret()) as u32
}

// picked and completed: void call_usermodehelper_exec_work(struct work_struct *work)

#[fentry]
fn call_picked_fentry(ctx: FEntryContext) -> i32 {
    helper::call_seen(&ctx, Kind::CallPicked, helper::call_of_work(ctx.arg(0)))
}

#[kprobe]
fn call_picked_kprobe(ctx: ProbeContext) -> u32 {
    helper::call_seen(&ctx, Kind::CallPicked, helper::call_of_work(ctx.arg(0).unwrap_or(0))) as u32
}

#[fexit]
fn completed_fexit(ctx: FExitContext) -> i32 {
    helper::call_seen(&ctx, Kind::Completed, helper::call_of_work(ctx.arg(0)))
}

#[kretprobe]
fn completed_kretprobe(ctx: RetProbeContext) -> u32 {
    helper::call_seen(&ctx, Kind::Completed, 0) as u32
}

// completed, where the symbol exists: void umh_complete(struct subprocess_info *sub_info)

#[kprobe]
fn umh_complete_kprobe(ctx: ProbeContext) -> u32 {
    helper::call_seen(&ctx, Kind::Completed, ctx.arg(0).unwrap_or(0)) as u32
}

// born: int call_usermodehelper_exec_async(void *data)

#[fentry]
fn born_fentry(ctx: FEntryContext) -> i32 {
    helper::born(&ctx, ctx.arg(0))
}

#[kprobe]
fn born_kprobe(ctx: ProbeContext) -> u32 {
    helper::born(&ctx, ctx.arg(0).unwrap_or(0)) as u32
}

// executed: int kernel_execve(const char *filename, const char *const *argv, const char *const *envp)

#[fexit]
fn executed_fexit(ctx: FExitContext) -> i32 {
    helper::executed(&ctx, ctx.arg(3))
}

#[kretprobe]
fn executed_kretprobe(ctx: RetProbeContext) -> u32 {
    helper::executed(&ctx, ctx.ret()) as u32
}

#[raw_tracepoint(tracepoint = "sched_process_exec")]
fn executed_raw(ctx: RawTracePointContext) -> i32 {
    helper::executed(&ctx, 0)
}

// forked: sched:sched_process_fork(struct task_struct *parent, struct task_struct *child)

#[btf_tracepoint(function = "sched_process_fork")]
fn forked_btf(ctx: BtfTracePointContext) -> i32 {
    task::forked(&ctx, ctx.arg(1))
}

#[raw_tracepoint(tracepoint = "sched_process_fork")]
fn forked_raw(ctx: RawTracePointContext) -> i32 {
    task::forked(&ctx, ctx.arg(1))
}

/// `void wake_up_new_task(struct task_struct *p)`: the parent wakes the child for the first time.
#[kprobe]
fn forked_kprobe(ctx: ProbeContext) -> u32 {
    task::forked(&ctx, ctx.arg(0).unwrap_or(core::ptr::null())) as u32
}

// exited: sched:sched_process_exit(struct task_struct *p, ...)

#[btf_tracepoint(function = "sched_process_exit")]
fn exited_btf(ctx: BtfTracePointContext) -> i32 {
    task::exited(&ctx)
}

#[raw_tracepoint(tracepoint = "sched_process_exit")]
fn exited_raw(ctx: RawTracePointContext) -> i32 {
    task::exited(&ctx)
}

/// `void exit_files(struct task_struct *tsk)`, which `do_exit` calls after it took the thread out of its group.
#[kprobe]
fn exited_kprobe(ctx: ProbeContext) -> u32 {
    task::exited(&ctx) as u32
}

// load began and ended: the two system calls, by the name of their function on this architecture

#[fentry]
fn init_module_began_fentry(ctx: FEntryContext) -> i32 {
    load::began(&ctx, SYSCALL_INIT)
}

#[kprobe]
fn init_module_began_kprobe(ctx: ProbeContext) -> u32 {
    load::began(&ctx, SYSCALL_INIT) as u32
}

#[fexit]
fn init_module_ended_fexit(ctx: FExitContext) -> i32 {
    load::ended(&ctx, SYSCALL_INIT, ctx.arg(1))
}

#[kretprobe]
fn init_module_ended_kretprobe(ctx: RetProbeContext) -> u32 {
    load::ended(&ctx, SYSCALL_INIT, ctx.ret()) as u32
}

#[fentry]
fn finit_module_began_fentry(ctx: FEntryContext) -> i32 {
    load::began(&ctx, SYSCALL_FINIT)
}

#[kprobe]
fn finit_module_began_kprobe(ctx: ProbeContext) -> u32 {
    load::began(&ctx, SYSCALL_FINIT) as u32
}

#[fexit]
fn finit_module_ended_fexit(ctx: FExitContext) -> i32 {
    load::ended(&ctx, SYSCALL_FINIT, ctx.arg(1))
}

#[kretprobe]
fn finit_module_ended_kretprobe(ctx: RetProbeContext) -> u32 {
    load::ended(&ctx, SYSCALL_FINIT, ctx.ret()) as u32
}

// image read: int load_module(struct load_info *info, const char __user *uargs, int flags)

#[fentry]
fn image_read_fentry(ctx: FEntryContext) -> i32 {
    load::image_read(&ctx, ctx.arg(0))
}

#[kprobe]
fn image_read_kprobe(ctx: ProbeContext) -> u32 {
    load::image_read(&ctx, ctx.arg(0).unwrap_or(core::ptr::null())) as u32
}

// init begun and ended: int do_init_module(struct module *mod)

#[fentry]
fn init_begun_fentry(ctx: FEntryContext) -> i32 {
    load::module_seen(&ctx, Kind::InitBegun, ctx.arg(0))
}

#[kprobe]
fn init_begun_kprobe(ctx: ProbeContext) -> u32 {
    load::module_seen(&ctx, Kind::InitBegun, ctx.arg(0).unwrap_or(0)) as u32
}

#[fexit]
fn init_ended_fexit(ctx: FExitContext) -> i32 {
    load::init_ended(&ctx, ctx.arg(0), ctx.arg(1))
}

#[kretprobe]
fn init_ended_kretprobe(ctx: RetProbeContext) -> u32 {
    load::init_ended(&ctx, 0, ctx.ret()) as u32
}

// live, exactly: int blocking_notifier_call_chain(struct blocking_notifier_head *nh, unsigned long val, void *v)

#[fentry]
fn live_chain_fentry(ctx: FEntryContext) -> i32 {
    if ctx.arg::<u64>(1) != LIVE || !read::is_module_notify_list(ctx.arg(0)) {
        return 0;
    }
    load::module_seen(&ctx, Kind::Live, ctx.arg(2))
}

// live, coming, going: int tracepoint_module_notify(struct notifier_block *self, unsigned long val, void *data)

#[fentry]
fn live_notify_fentry(ctx: FEntryContext) -> i32 {
    if ctx.arg::<u64>(1) != LIVE {
        return 0;
    }
    load::module_seen(&ctx, Kind::Live, ctx.arg(2))
}

#[kprobe]
fn live_notify_kprobe(ctx: ProbeContext) -> u32 {
    if ctx.arg::<u64>(1) != Some(LIVE) {
        return 0;
    }
    load::module_seen(&ctx, Kind::Live, ctx.arg(2).unwrap_or(0)) as u32
}

#[fentry]
fn coming_fentry(ctx: FEntryContext) -> i32 {
    if ctx.arg::<u64>(1) != COMING {
        return 0;
    }
    load::module_seen(&ctx, Kind::Coming, ctx.arg(2))
}

#[kprobe]
fn coming_kprobe(ctx: ProbeContext) -> u32 {
    if ctx.arg::<u64>(1) != Some(COMING) {
        return 0;
    }
    load::module_seen(&ctx, Kind::Coming, ctx.arg(2).unwrap_or(0)) as u32
}

#[raw_tracepoint(tracepoint = "module_load")]
fn coming_raw(ctx: RawTracePointContext) -> i32 {
    load::module_seen(&ctx, Kind::Coming, ctx.arg(0))
}

#[fentry]
fn going_fentry(ctx: FEntryContext) -> i32 {
    if ctx.arg::<u64>(1) != GOING {
        return 0;
    }
    load::module_seen(&ctx, Kind::Going, ctx.arg(2))
}

#[kprobe]
fn going_kprobe(ctx: ProbeContext) -> u32 {
    if ctx.arg::<u64>(1) != Some(GOING) {
        return 0;
    }
    load::module_seen(&ctx, Kind::Going, ctx.arg(2).unwrap_or(0)) as u32
}

// freed: module:module_free(struct module *mod); void free_module(struct module *mod)

#[btf_tracepoint(function = "module_free")]
fn freed_btf(ctx: BtfTracePointContext) -> i32 {
    load::module_seen(&ctx, Kind::Freed, ctx.arg(0))
}

#[raw_tracepoint(tracepoint = "module_free")]
fn freed_raw(ctx: RawTracePointContext) -> i32 {
    load::module_seen(&ctx, Kind::Freed, ctx.arg(0))
}

#[kprobe]
fn freed_kprobe(ctx: ProbeContext) -> u32 {
    load::module_seen(&ctx, Kind::Freed, ctx.arg(0).unwrap_or(0)) as u32
}

/// Never reached: the programs contain no panic. The compiler asks for it, and the verifier would refuse a loop.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Lets the probes call helpers that the kernel offers to GPL programs only; modtrail's MIT licence is compatible.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
