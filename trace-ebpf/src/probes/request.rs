//! Module requests: asked for, and admitted to a slot (kernel/module/kmod.c).

use super::task;
use crate::maps::QUIET_REQUEST;
use crate::room::room;
use crate::{emit, read, share};
use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::bpf_get_current_uid_gid;
use trace_common::kind::Kind;
use trace_common::limits::{FORMAT_WORDS, SHORT_TEXT};
use trace_common::wire::{Admitted, Ended, Record, RefusedEarly, Requested, TurnedAway};

/// hook: entry of `int security_kernel_module_request(char *kmod_name)`, 5.10 to 7.3. On a kernel without security
/// hooks: `module:module_request`. `unframed` is [`read::unframed_return`], zero if the stack is complete.
#[inline(always)]
pub fn requested(ctx: &impl EbpfContext, alias: *const u8, unframed: u64) -> i32 {
    if !share::may_request() {
        // An earlier request may have been turned away unseen: the answer to this one must not be taken for its own.
        task::returned(ctx.pid());
        task::quieten(ctx.pid(), QUIET_REQUEST);
        return 0;
    }
    // One that was left out before may have ended unseen.
    task::was_quiet(ctx.pid(), QUIET_REQUEST);
    task::await_return(ctx.pid());
    task::asks(ctx.pid());
    emit::record::<{ Kind::Requested as u16 }, Requested>(|record| {
        read::text64(&room!(record.alias), alias as u64);
        room!(record.cgroup).put(read::current_cgroup());
        room!(record.uid).put(bpf_get_current_uid_gid() as u32);
        let loginuid = read::loginuid();
        room!(record.loginuid).put(loginuid.unwrap_or(0));
        room!(record.loginuid_seen).put(u32::from(loginuid.is_some()));
        let (device, inode) = read::executable();
        room!(record.exe_device).put(device);
        room!(record.exe_inode).put(inode);
        read::privileges(&room!(record.privileges));
        room!(record.stack_bytes).put(read::stack(ctx, &room!(record.stack), unframed));
    });
    debug!(ctx, "requested by {}", ctx.pid());
    0
}

/// `-ENOENT`
const ENOENT: i32 = -2;

/// hook: entry of `int __request_module(bool wait, const char *fmt, ...)`, 5.10 to 7.3, with the words that the format
/// may use. Without a helper it returns `-ENOENT` at once; if the name may be too long, user space formats it and finds
/// out. Any other request is seen at the security hook.
#[inline(always)]
pub fn asked(ctx: &impl EbpfContext, format: u64, words: [u64; FORMAT_WORDS], unframed: u64) -> i32 {
    let is_refused = read::has_no_helper();
    let may_be_long = || read::longest_alias(format, &words) >= SHORT_TEXT as u32;
    if !(is_refused || may_be_long()) || !share::may_request() {
        return 0;
    }
    task::asks(ctx.pid());
    emit::record::<{ Kind::RefusedEarly as u16 }, RefusedEarly>(|record| {
        read::text64(&room!(record.format), format);
        let strings = room!(record.strings);
        for (place, word) in words.into_iter().enumerate() {
            if let Some(string) = strings.element(place) {
                read::text64(&string, word);
            }
        }
        room!(record.result).put(if is_refused { ENOENT } else { 0 });
        room!(record.uid).put(bpf_get_current_uid_gid() as u32);
        let loginuid = read::loginuid();
        room!(record.loginuid).put(loginuid.unwrap_or(0));
        room!(record.loginuid_seen).put(u32::from(loginuid.is_some()));
        room!(record.cgroup).put(read::current_cgroup());
        let (device, inode) = read::executable();
        room!(record.exe_inode).put(inode);
        room!(record.exe_device).put(device);
        room!(record.reserved).put(0);
        read::privileges(&room!(record.privileges));
        room!(record.words).put(words);
        room!(record.stack_bytes).put(read::stack(ctx, &room!(record.stack), unframed));
    });
    debug!(ctx, "request of {} may be refused early", ctx.pid());
    0
}

/// hooks: the return of a kernel function that requests modules for its callers. It runs often, and is recorded only if
/// this thread has requested a module: `result` is zero or a negative errno, and is not computed otherwise.
#[inline(always)]
pub fn served<const KIND: u16>(ctx: &impl EbpfContext, result: impl FnOnce() -> i32) -> i32
where
    Ended: Record<KIND>,
{
    if !task::has_asked(ctx.pid()) {
        return 0;
    }
    super::ended::<KIND>(ctx, result())
}

/// `-ENODEV`: what callers of `get_fs_type` make of a null pointer (fs/namespace.c, 5.10 to 7.3), and those of
/// `dev_load` if the device is not there (net/core/dev_ioctl.c).
pub const ENODEV: i32 = -19;
/// `-ENXIO`: what callers of `blkdev_get_no_open` make of a null pointer (block/bdev.c, 6.1 to 7.3).
pub const ENXIO: i32 = -6;
/// The largest errno in a pointer (include/linux/err.h `MAX_ERRNO`).
const MAX_ERRNO: u64 = 4_095;

/// What a pointer says that the function returned: its errno if it is one, `null` if it is null, else zero.
#[inline(always)]
pub const fn of_pointer(pointer: u64, null: i32) -> i32 {
    if pointer == 0 {
        null
    } else if pointer >= MAX_ERRNO.wrapping_neg() {
        pointer as i32
    } else {
        0
    }
}

/// hook: the return of `void dev_load(struct net *net, const char *name)`, 5.10 to 7.3. It served if the device is
/// there, as its callers find out after it. If that is not known, nothing is recorded.
#[inline(always)]
pub fn net_device_served(ctx: &impl EbpfContext, net: u64, name: u64) -> i32 {
    if !task::has_asked(ctx.pid()) {
        return 0;
    }
    match read::has_net_device(net, name) {
        Some(false) => super::ended::<{ Kind::NetDeviceServed as u16 }>(ctx, ENODEV),
        Some(true) => super::ended::<{ Kind::NetDeviceServed as u16 }>(ctx, 0),
        None => 0,
    }
}

/// hook: `module:module_request(char *name, bool wait, unsigned long ip)`, 5.10 to 7.3.
#[inline(always)]
pub fn admitted(ctx: &impl EbpfContext, alias: *const u8, wait: u32) -> i32 {
    if task::is_watched(ctx.pid(), QUIET_REQUEST) {
        return 0;
    }
    emit::record::<{ Kind::Admitted as u16 }, Admitted>(|record| {
        read::text64(&room!(record.alias), alias as u64);
        room!(record.wait).put(wait & 1);
        room!(record.reserved).put(0);
    });
    debug!(ctx, "admitted {} wait {}", ctx.pid(), wait & 1);
    0
}

/// hook: return of `security_kernel_module_request`, 5.10 to 7.3. Only a denial is recorded.
#[inline(always)]
pub fn denied(ctx: &impl EbpfContext, result: i32) -> i32 {
    if result == 0 { 0 } else { turned_away::<{ Kind::Denied as u16 }>(ctx, result) }
}

/// `-ETIME`
const ETIME: i32 = -62;

/// hook: return of `int down_timeout(struct semaphore *sem, long timeout)`, in which a request waits for its slot from
/// 6.4 on. Other tasks wait in it too, but not between a request and its helper call.
#[inline(always)]
pub fn throttled(ctx: &impl EbpfContext, result: i32) -> i32 {
    if result == ETIME { turned_away::<{ Kind::Throttled as u16 }>(ctx, result) } else { 0 }
}

/// hook: return of `bool kmod_dup_request_exists_wait(char *module_name, bool wait, int *dup_ret)`
/// (kernel/module/dups.c, 6.4 to 7.3 with CONFIG_MODULE_DEBUG_AUTOLOAD_DUPS): an earlier request for the same name
/// stands for this one.
#[inline(always)]
pub fn deduplicated(ctx: &impl EbpfContext, result: u64, exists: u64) -> i32 {
    // A `bool` is returned in the lowest byte; the rest of the register means nothing.
    if exists & 0xff == 0 {
        return 0;
    }
    let result = read::field32(result, 0).unwrap_or(0);
    turned_away::<{ Kind::Deduplicated as u16 }>(ctx, result as i32)
}

#[inline(always)]
fn turned_away<const KIND: u16>(ctx: &impl EbpfContext, result: i32) -> i32
where
    TurnedAway: Record<KIND>,
{
    task::was_quiet(ctx.pid(), QUIET_REQUEST);
    if !task::returned(ctx.pid()) {
        return 0;
    }
    emit::record::<KIND, TurnedAway>(|record| {
        room!(record.result).put(result);
        room!(record.reserved).put(0);
    });
    debug!(ctx, "request of {} turned away: {}", ctx.pid(), result);
    0
}
