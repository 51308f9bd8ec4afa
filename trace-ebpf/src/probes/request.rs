//! Module requests: asked for, and admitted to a slot (kernel/module/kmod.c).

use crate::{emit, read};
use aya_ebpf::EbpfContext;
use aya_ebpf::helpers::bpf_get_current_uid_gid;
use aya_ebpf::helpers::generated::{bpf_get_current_cgroup_id, bpf_get_stack};
use aya_log_ebpf::debug;
use trace_common::kind::Kind;
use trace_common::limits::STACK;
use trace_common::wire::{Admitted, Requested};

/// hook: `int security_kernel_module_request(char *kmod_name)`, 5.10 to 7.3. `lsm_result` is what it answered, or
/// [`trace_common::wire::LSM_UNSEEN`].
#[inline(always)]
pub fn requested(ctx: &impl EbpfContext, alias: *const u8, lsm_result: i32) -> i32 {
    if ctx.tgid() == read::own_tgid() {
        return 0;
    }
    emit::record(Kind::Requested, |record: *mut Requested| {
        // SAFETY: `record` is the room reserved for a `Requested`; the stack helper gets the size of its array.
        unsafe {
            read::text64(&raw mut (*record).alias, alias as u64);
            (*record).cgroup = bpf_get_current_cgroup_id();
            (*record).uid = bpf_get_current_uid_gid() as u32;
            (*record).lsm_result = lsm_result;
            (*record).stack_bytes =
                bpf_get_stack(ctx.as_ptr(), (&raw mut (*record).stack).cast(), (STACK * 8) as u32, 0);
        }
    });
    debug!(ctx, "requested by {} lsm {}", ctx.pid(), lsm_result);
    0
}

/// hook: `module:module_request(char *name, bool wait, unsigned long ip)`, 5.10 to 7.3.
#[inline(always)]
pub fn admitted(ctx: &impl EbpfContext, alias: *const u8, wait: u32) -> i32 {
    if ctx.tgid() == read::own_tgid() {
        return 0;
    }
    emit::record(Kind::Admitted, |record: *mut Admitted| {
        // SAFETY: `record` is the room reserved for an `Admitted`.
        unsafe {
            read::text64(&raw mut (*record).alias, alias as u64);
            (*record).wait = wait & 1;
            (*record).reserved = 0;
        }
    });
    debug!(ctx, "admitted {} wait {}", ctx.pid(), wait & 1);
    0
}
