//! The list of modtrail's kernel programs: for each moment, the candidates that the loader chooses from. Each takes the
//! arguments from its context and passes them to the probe of its subject.
//!
//! In: what the kernel passes to the hooked function. Out: records in the ring buffer. A program always returns 0 and
//! changes nothing in the kernel. `trace-user/src/kernel/hooks.rs` decides which candidate is used.

use crate::probes::{self, device, firmware, helper, load, request, suspend, task};
use crate::read;
use aya_ebpf::macros::{btf_tracepoint, fentry, fexit, kprobe, kretprobe, raw_tracepoint};
use aya_ebpf::programs::{
    BtfTracePointContext, FEntryContext, FExitContext, ProbeContext, RawTracePointContext, RetProbeContext,
};
use trace_common::kind::Kind;
use trace_common::wire::{SYSCALL_FINIT, SYSCALL_INIT, WAY_HIBERNATE, WAY_SUSPEND};

/// `MODULE_STATE_LIVE`, `_COMING`, `_GOING`: the notifier's action (include/linux/module.h, 5.10 to 7.3).
const LIVE: u64 = 0;
const COMING: u64 = 1;
const GOING: u64 = 2;

/// A pair of programs for a function's entry, or for its return: by trampoline, and by kprobe or return probe. The
/// probe of its subject gets the context, and words by their place among the arguments; the function's return value
/// comes after the last argument.
macro_rules! both {
    (entry $fentry:ident, $kprobe:ident, |$ctx:ident $(, $word:ident: $place:literal)*| $probe:expr) => {
        #[fentry]
        fn $fentry(ctx: FEntryContext) -> i32 {
            $(let $word: u64 = ctx.arg($place);)*
            let $ctx = &ctx;
            $probe
        }

        #[kprobe]
        fn $kprobe(ctx: ProbeContext) -> u32 {
            $(let $word: u64 = ctx.arg($place).unwrap_or(0);)*
            let $ctx = &ctx;
            let answer: i32 = $probe;
            answer as u32
        }
    };
    (exit $fexit:ident, $kretprobe:ident, |$ctx:ident, $result:ident: $place:literal| $probe:expr) => {
        #[fexit]
        fn $fexit(ctx: FExitContext) -> i32 {
            let $result: u64 = ctx.arg($place);
            let $ctx = &ctx;
            $probe
        }

        #[kretprobe]
        fn $kretprobe(ctx: RetProbeContext) -> u32 {
            let $result: u64 = ctx.ret();
            let $ctx = &ctx;
            let answer: i32 = $probe;
            answer as u32
        }
    };
}

// requested and denied: int security_kernel_module_request(char *kmod_name)

#[fentry]
fn requested_fentry(ctx: FEntryContext) -> i32 {
    request::requested(&ctx, ctx.arg(0), 0)
}

#[kprobe]
fn requested_kprobe(ctx: ProbeContext) -> u32 {
    request::requested(&ctx, ctx.arg(0).unwrap_or(core::ptr::null()), read::unframed_return(&ctx)) as u32
}

#[fexit]
fn denied_fexit(ctx: FExitContext) -> i32 {
    request::denied(&ctx, ctx.arg(1))
}

#[kretprobe]
fn denied_kretprobe(ctx: RetProbeContext) -> u32 {
    request::denied(&ctx, ctx.ret()) as u32
}

// requested, on a kernel without security hooks: module:module_request(char *name, bool wait, unsigned long ip)

#[btf_tracepoint(function = "module_request")]
fn requested_btf(ctx: BtfTracePointContext) -> i32 {
    request::requested(&ctx, ctx.arg(0), 0)
}

#[raw_tracepoint(tracepoint = "module_request")]
fn requested_raw(ctx: RawTracePointContext) -> i32 {
    request::requested(&ctx, ctx.arg(0), 0)
}

// deduplicated: bool kmod_dup_request_exists_wait(char *module_name, bool wait, int *dup_ret)

#[fexit]
fn deduplicated_fexit(ctx: FExitContext) -> i32 {
    request::deduplicated(&ctx, ctx.arg(2), ctx.arg(3))
}

// refused early: int __request_module(bool wait, const char *fmt, ...)

/// The format and what it may use: those arguments that are in registers on every architecture.
#[kprobe]
fn asked_kprobe(ctx: ProbeContext) -> u32 {
    let word = |place| ctx.arg(place).unwrap_or(0);
    request::asked(&ctx, word(1), [word(2), word(3), word(4), word(5)], read::unframed_return(&ctx)) as u32
}

// served: int __sock_create(struct net *net, int family, int type, int protocol, struct socket **res, int kern);
// struct file_system_type *get_fs_type(const char *name);
// struct crypto_alg *crypto_alg_mod_lookup(const char *name, u32 type, u32 mask);
// int chrdev_open(struct inode *inode, struct file *filp);
// int rtnl_newlink(struct sk_buff *skb, struct nlmsghdr *nlh, struct netlink_ext_ack *extack);
// int tcp_set_congestion_control(struct sock *sk, const char *name, bool load, bool cap_net_admin)

both!(exit socket_served_fexit, socket_served_kretprobe, |ctx, result: 6| {
    request::served::<{ Kind::SocketServed as u16 }>(ctx, || result as i32)
});
both!(exit file_system_served_fexit, file_system_served_kretprobe, |ctx, found: 1| {
    request::served::<{ Kind::FileSystemServed as u16 }>(ctx, || request::of_pointer(found, request::ENODEV))
});
both!(exit algorithm_served_fexit, algorithm_served_kretprobe, |ctx, found: 3| {
    request::served::<{ Kind::AlgorithmServed as u16 }>(ctx, || request::of_pointer(found, request::ENODEV))
});
both!(exit char_device_served_fexit, char_device_served_kretprobe, |ctx, result: 2| {
    request::served::<{ Kind::CharDeviceServed as u16 }>(ctx, || result as i32)
});
both!(exit link_served_fexit, link_served_kretprobe, |ctx, result: 3| {
    request::served::<{ Kind::LinkServed as u16 }>(ctx, || result as i32)
});
both!(exit congestion_served_fexit, congestion_served_kretprobe, |ctx, result: 4| {
    request::served::<{ Kind::CongestionServed as u16 }>(ctx, || result as i32)
});

// served: struct block_device *blkdev_get_no_open(dev_t dev), from 6.15 on with `bool autoload`. Which argument is the
// last is not the same on every kernel, so the value is asked for (5.17 and later).

#[fexit]
fn block_device_served_fexit(ctx: FExitContext) -> i32 {
    request::served::<{ Kind::BlockDeviceServed as u16 }>(&ctx, || {
        request::of_pointer(read::returned(&ctx), request::ENXIO)
    })
}

#[kretprobe]
fn block_device_served_kretprobe(ctx: RetProbeContext) -> u32 {
    let found: u64 = ctx.ret();
    request::served::<{ Kind::BlockDeviceServed as u16 }>(&ctx, || request::of_pointer(found, request::ENXIO)) as u32
}

// served: void dev_load(struct net *net, const char *name)

#[fexit]
fn net_device_served_fexit(ctx: FExitContext) -> i32 {
    let (net, name): (u64, u64) = (ctx.arg(0), ctx.arg(1));
    request::net_device_served(&ctx, net, name)
}

// throttled: int down_timeout(struct semaphore *sem, long timeout)

#[fexit]
fn throttled_fexit(ctx: FExitContext) -> i32 {
    request::throttled(&ctx, ctx.arg(2))
}

#[kretprobe]
fn throttled_kretprobe(ctx: RetProbeContext) -> u32 {
    request::throttled(&ctx, ctx.ret()) as u32
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
    helper::call_entered(&ctx, ctx.arg(0), ctx.arg(1), 0)
}

#[kprobe]
fn call_entered_kprobe(ctx: ProbeContext) -> u32 {
    let (call, wait_mode) = (ctx.arg(0).unwrap_or(0), ctx.arg(1).unwrap_or(0));
    helper::call_entered(&ctx, call, wait_mode, read::unframed_return(&ctx)) as u32
}

#[fexit]
fn call_returned_fexit(ctx: FExitContext) -> i32 {
    helper::call_returned(&ctx, ctx.arg(0), ctx.arg(2))
}

#[kretprobe]
fn call_returned_kretprobe(ctx: RetProbeContext) -> u32 {
    helper::call_returned(&ctx, 0, ctx.ret()) as u32
}

/// `static void free_modprobe_argv(struct subprocess_info *info)`: the last thing that `call_usermodehelper_exec` does
/// for a request's call.
#[kprobe]
fn call_returned_kprobe(ctx: ProbeContext) -> u32 {
    helper::call_freed(&ctx, ctx.arg(0).unwrap_or(0)) as u32
}

// picked and completed: void call_usermodehelper_exec_work(struct work_struct *work)

#[fentry]
fn call_picked_fentry(ctx: FEntryContext) -> i32 {
    helper::call_seen::<{ Kind::CallPicked as u16 }>(&ctx, helper::call_of_work(ctx.arg(0)))
}

#[kprobe]
fn call_picked_kprobe(ctx: ProbeContext) -> u32 {
    helper::call_seen::<{ Kind::CallPicked as u16 }>(&ctx, helper::call_of_work(ctx.arg(0).unwrap_or(0))) as u32
}

#[fexit]
fn completed_fexit(ctx: FExitContext) -> i32 {
    helper::call_seen::<{ Kind::Completed as u16 }>(&ctx, helper::call_of_work(ctx.arg(0)))
}

#[kretprobe]
fn completed_kretprobe(ctx: RetProbeContext) -> u32 {
    helper::call_seen::<{ Kind::Completed as u16 }>(&ctx, 0) as u32
}

// completed, where the symbol exists: void umh_complete(struct subprocess_info *sub_info)

#[kprobe]
fn umh_complete_kprobe(ctx: ProbeContext) -> u32 {
    helper::call_seen::<{ Kind::Completed as u16 }>(&ctx, ctx.arg(0).unwrap_or(0)) as u32
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
    // A fork that fails frees the files of a task that is not this one (kernel/fork.c `copy_process`).
    if ctx.arg::<u64>(0) != Some(read::current()) {
        return 0;
    }
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

// file named: int idempotent_init_module(struct file *f, const char __user *uargs, int flags)

#[fentry]
fn named_file_fentry(ctx: FEntryContext) -> i32 {
    load::file_named(&ctx, ctx.arg(0))
}

#[kprobe]
fn named_file_kprobe(ctx: ProbeContext) -> u32 {
    load::file_named(&ctx, ctx.arg(0).unwrap_or(0)) as u32
}

// file named, if no thread waits for a file that another loads: int kernel_read_file(struct file *file, ...)

both!(entry read_file_fentry, read_file_kprobe, |ctx, file: 0| load::file_read(ctx, file));

// named: struct module *find_module_all(const char *name, size_t len, bool even_unformed)

#[fentry]
fn named_fentry(ctx: FEntryContext) -> i32 {
    load::looked_up(&ctx, ctx.arg(0), ctx.arg(2))
}

#[kprobe]
fn named_kprobe(ctx: ProbeContext) -> u32 {
    load::looked_up(&ctx, ctx.arg(0).unwrap_or(0), ctx.arg(2).unwrap_or(0)) as u32
}

// printed: printk:console(const char *text, size_t len)

#[btf_tracepoint(function = "console")]
fn printed_btf(ctx: BtfTracePointContext) -> i32 {
    load::printed(&ctx, ctx.arg(0), ctx.arg(1))
}

#[raw_tracepoint(tracepoint = "console")]
fn printed_raw(ctx: RawTracePointContext) -> i32 {
    load::printed(&ctx, ctx.arg(0), ctx.arg(1))
}

/// `static int log_store(u32 caller_id, int facility, int level, enum log_flags flags, u64 ts_nsec, const struct
/// dev_printk_info *dev_info, const char *text, u16 text_len)` of 5.10, which gcc makes for a `ts_nsec` of zero: the
/// text is the sixth argument that is left, and its length lies on the stack after the return address.
#[kprobe]
fn printed_kprobe(ctx: ProbeContext) -> u32 {
    let (caller, text) = (ctx.arg::<u64>(0).unwrap_or(0), ctx.arg(5).unwrap_or(0));
    load::stored(&ctx, caller as u32, text, u64::from(read::on_stack(&ctx, 1) as u16)) as u32
}

// unload began and ended: the system call delete_module, by the name of its function on this architecture

both!(entry unload_began_fentry, unload_began_kprobe, |ctx, registers: 0| load::unload_began(ctx, registers));
both!(exit unload_ended_fexit, unload_ended_kretprobe, |ctx, result: 1| load::unload_ended(ctx, result as i64));

// init begun and ended: int do_init_module(struct module *mod)

#[fentry]
fn init_begun_fentry(ctx: FEntryContext) -> i32 {
    load::module_seen::<{ Kind::InitBegun as u16 }>(&ctx, ctx.arg(0))
}

#[kprobe]
fn init_begun_kprobe(ctx: ProbeContext) -> u32 {
    load::module_seen::<{ Kind::InitBegun as u16 }>(&ctx, ctx.arg(0).unwrap_or(0)) as u32
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
    load::module_seen::<{ Kind::Live as u16 }>(&ctx, ctx.arg(2))
}

#[kprobe]
fn live_chain_kprobe(ctx: ProbeContext) -> u32 {
    if ctx.arg::<u64>(1) != Some(LIVE) || !read::is_module_notify_list(ctx.arg(0).unwrap_or(0)) {
        return 0;
    }
    load::module_seen::<{ Kind::Live as u16 }>(&ctx, ctx.arg(2).unwrap_or(0)) as u32
}

// live, coming, going: int tracepoint_module_notify(struct notifier_block *self, unsigned long val, void *data)

#[fentry]
fn live_notify_fentry(ctx: FEntryContext) -> i32 {
    if ctx.arg::<u64>(1) != LIVE {
        return 0;
    }
    load::module_seen::<{ Kind::Live as u16 }>(&ctx, ctx.arg(2))
}

#[kprobe]
fn live_notify_kprobe(ctx: ProbeContext) -> u32 {
    if ctx.arg::<u64>(1) != Some(LIVE) {
        return 0;
    }
    load::module_seen::<{ Kind::Live as u16 }>(&ctx, ctx.arg(2).unwrap_or(0)) as u32
}

#[fentry]
fn coming_fentry(ctx: FEntryContext) -> i32 {
    if ctx.arg::<u64>(1) != COMING {
        return 0;
    }
    load::module_seen::<{ Kind::Coming as u16 }>(&ctx, ctx.arg(2))
}

#[kprobe]
fn coming_kprobe(ctx: ProbeContext) -> u32 {
    if ctx.arg::<u64>(1) != Some(COMING) {
        return 0;
    }
    load::module_seen::<{ Kind::Coming as u16 }>(&ctx, ctx.arg(2).unwrap_or(0)) as u32
}

#[raw_tracepoint(tracepoint = "module_load")]
fn coming_raw(ctx: RawTracePointContext) -> i32 {
    load::module_seen::<{ Kind::Coming as u16 }>(&ctx, ctx.arg(0))
}

#[fentry]
fn going_fentry(ctx: FEntryContext) -> i32 {
    if ctx.arg::<u64>(1) != GOING {
        return 0;
    }
    load::module_seen::<{ Kind::Going as u16 }>(&ctx, ctx.arg(2))
}

#[kprobe]
fn going_kprobe(ctx: ProbeContext) -> u32 {
    if ctx.arg::<u64>(1) != Some(GOING) {
        return 0;
    }
    load::module_seen::<{ Kind::Going as u16 }>(&ctx, ctx.arg(2).unwrap_or(0)) as u32
}

// freed: module:module_free(struct module *mod); void free_module(struct module *mod)

#[btf_tracepoint(function = "module_free")]
fn freed_btf(ctx: BtfTracePointContext) -> i32 {
    load::module_seen::<{ Kind::Freed as u16 }>(&ctx, ctx.arg(0))
}

#[raw_tracepoint(tracepoint = "module_free")]
fn freed_raw(ctx: RawTracePointContext) -> i32 {
    load::module_seen::<{ Kind::Freed as u16 }>(&ctx, ctx.arg(0))
}

#[kprobe]
fn freed_kprobe(ctx: ProbeContext) -> u32 {
    load::module_seen::<{ Kind::Freed as u16 }>(&ctx, ctx.arg(0).unwrap_or(0)) as u32
}

// suspend began and ended: int pm_suspend(suspend_state_t state); int hibernate(void)

both!(entry suspend_began_fentry, suspend_began_kprobe, |ctx, state: 0| suspend::began(ctx, WAY_SUSPEND, state as i32));
both!(entry hibernate_began_fentry, hibernate_began_kprobe, |ctx| suspend::began(ctx, WAY_HIBERNATE, 0));
both!(exit suspend_ended_fexit, suspend_ended_kretprobe, |ctx, result: 1| {
    probes::ended::<{ Kind::SuspendEnded as u16 }>(ctx, result as i32)
});
both!(exit hibernate_ended_fexit, hibernate_ended_kretprobe, |ctx, result: 0| {
    probes::ended::<{ Kind::SuspendEnded as u16 }>(ctx, result as i32)
});

// suspend phase: power:suspend_resume(const char *action, int val, bool start)

#[btf_tracepoint(function = "suspend_resume")]
fn phase_btf(ctx: BtfTracePointContext) -> i32 {
    suspend::phase(&ctx, ctx.arg(0), ctx.arg(1), ctx.arg(2))
}

#[raw_tracepoint(tracepoint = "suspend_resume")]
fn phase_raw(ctx: RawTracePointContext) -> i32 {
    suspend::phase(&ctx, ctx.arg(0), ctx.arg(1), ctx.arg(2))
}

// freeze began and ended: int freeze_processes(void); thaw began: void thaw_processes(void)

both!(entry freeze_began_fentry, freeze_began_kprobe, |ctx| probes::seen::<{ Kind::FreezeBegan as u16 }>(ctx));
both!(exit freeze_ended_fexit, freeze_ended_kretprobe, |ctx, result: 0| {
    probes::ended::<{ Kind::FreezeEnded as u16 }>(ctx, result as i32)
});
both!(entry thaw_began_fentry, thaw_began_kprobe, |ctx| probes::seen::<{ Kind::ThawBegan as u16 }>(ctx));

// disable began and ended: int __usermodehelper_disable(enum umh_disable_depth depth);
// disable depth set: void __usermodehelper_set_disable_depth(enum umh_disable_depth depth)

both!(entry disable_began_fentry, disable_began_kprobe, |ctx, depth: 0| {
    suspend::depth::<{ Kind::DisableBegan as u16 }>(ctx, depth as i32)
});
both!(exit disable_ended_fexit, disable_ended_kretprobe, |ctx, result: 1| {
    probes::ended::<{ Kind::DisableEnded as u16 }>(ctx, result as i32)
});
both!(entry depth_set_fentry, depth_set_kprobe, |ctx, depth: 0| {
    suspend::depth::<{ Kind::DepthSet as u16 }>(ctx, depth as i32)
});

// firmware began and ended: int _request_firmware(const struct firmware **firmware_p, const char *name,
// struct device *device, void *buf, size_t size, size_t offset, u32 opt_flags)

both!(entry firmware_began_fentry, firmware_began_kprobe, |ctx, name: 1, device: 2| {
    firmware::began::<{ Kind::FirmwareBegan as u16 }>(ctx, name, device)
});
both!(exit firmware_ended_fexit, firmware_ended_kretprobe, |ctx, result: 7| {
    probes::ended::<{ Kind::FirmwareEnded as u16 }>(ctx, result as i32)
});

// fallback began and ended: int firmware_fallback_sysfs(struct firmware *fw, const char *name, struct device *device,
// u32 opt_flags, int ret)

both!(entry fallback_began_fentry, fallback_began_kprobe, |ctx, name: 1, device: 2| {
    firmware::began::<{ Kind::FallbackBegan as u16 }>(ctx, name, device)
});
both!(exit fallback_ended_fexit, fallback_ended_kretprobe, |ctx, result: 5| {
    probes::ended::<{ Kind::FallbackEnded as u16 }>(ctx, result as i32)
});

// lock began and ended: int usermodehelper_read_trylock(void); long usermodehelper_read_lock_wait(long timeout);
// unlocked: void usermodehelper_read_unlock(void)

both!(entry trylock_began_fentry, trylock_began_kprobe, |ctx| firmware::lock_began(ctx, 0));
both!(entry lock_wait_began_fentry, lock_wait_began_kprobe, |ctx| firmware::lock_began(ctx, 1));
both!(exit trylock_ended_fexit, trylock_ended_kretprobe, |ctx, result: 0| firmware::lock_ended(ctx, result as i32 == 0));
both!(exit lock_wait_ended_fexit, lock_wait_ended_kretprobe, |ctx, left: 1| firmware::lock_ended(ctx, left as i64 > 0));
both!(entry unlocked_fentry, unlocked_kprobe, |ctx| probes::seen::<{ Kind::Unlocked as u16 }>(ctx));

// device bound: static void driver_bound(struct device *dev)

both!(entry device_bound_fentry, device_bound_kprobe, |ctx, device: 0| device::bound(ctx, device));

// driver failed: static int really_probe(struct device *dev, struct device_driver *drv)

#[fexit]
fn driver_failed_fexit(ctx: FExitContext) -> i32 {
    device::probed(&ctx, ctx.arg(0), ctx.arg(1), ctx.arg(2))
}

#[kprobe]
fn driver_tried_kprobe(ctx: ProbeContext) -> u32 {
    device::probing(&ctx, ctx.arg(0).unwrap_or(0), ctx.arg(1).unwrap_or(0)) as u32
}

#[kretprobe]
fn driver_failed_kretprobe(ctx: RetProbeContext) -> u32 {
    device::probed_unnamed(&ctx, ctx.ret()) as u32
}

/// `int printk(const char *fmt, ...)`, with the third word that the format uses.
#[kprobe]
fn driver_error_kprobe(ctx: ProbeContext) -> u32 {
    device::printed(&ctx, ctx.arg(0).unwrap_or(0), ctx.arg(3).unwrap_or(0)) as u32
}

// uevent: static int dev_uevent(struct kobject *kobj, struct kobj_uevent_env *env), before 6.1 with `struct kset *kset`
// as the first argument

#[fexit]
fn uevent_fexit(ctx: FExitContext) -> i32 {
    device::announced(&ctx, ctx.arg(0), ctx.arg(1))
}

/// What it returned is read, so that the kernel refuses this program for a function with fewer arguments.
#[fexit]
fn uevent_kset_fexit(ctx: FExitContext) -> i32 {
    let result: i32 = ctx.arg(3);
    if result == 0 { device::announced(&ctx, ctx.arg(1), ctx.arg(2)) } else { 0 }
}

#[kprobe]
fn uevent_kprobe(ctx: ProbeContext) -> u32 {
    device::announcing(&ctx, ctx.arg(0).unwrap_or(0), ctx.arg(1).unwrap_or(0)) as u32
}

#[kprobe]
fn uevent_kset_kprobe(ctx: ProbeContext) -> u32 {
    device::announcing(&ctx, ctx.arg(1).unwrap_or(0), ctx.arg(2).unwrap_or(0)) as u32
}

#[kretprobe]
fn uevent_kretprobe(ctx: RetProbeContext) -> u32 {
    device::announced_unnamed(&ctx) as u32
}
