//! Requests for firmware files, and the lock that keeps helpers enabled meanwhile (drivers/base/firmware_loader/,
//! kernel/umh.c).

use crate::{emit, read};
use aya_ebpf::EbpfContext;
use trace_common::kind::Kind;
use trace_common::wire::{FirmwareBegan, LockBegan, LockEnded};

/// hooks: entry of `_request_firmware(const struct firmware **, const char *name, struct device *device, ...)` and of
/// `firmware_fallback_sysfs(struct firmware *fw, const char *name, struct device *device, ...)`, 5.10 to 7.3.
#[inline(always)]
pub fn began(ctx: &impl EbpfContext, kind: Kind, name: u64, device: u64) -> i32 {
    emit::record(kind, |record: *mut FirmwareBegan| {
        let device_name: u64 = read::field(device, read::offsets().device_name).unwrap_or(0);
        // SAFETY: `record` is the room reserved for a `FirmwareBegan`.
        unsafe {
            read::text128(&raw mut (*record).name, name);
            read::text64(&raw mut (*record).device, device_name);
        }
    });
    debug!(ctx, "firmware: kind {} in {}", kind.number(), ctx.pid());
    0
}

/// hooks: entry of `int usermodehelper_read_trylock(void)` and of `long usermodehelper_read_lock_wait(long timeout)`,
/// 5.10 to 7.3.
#[inline(always)]
pub fn lock_began(ctx: &impl EbpfContext, waits: u32) -> i32 {
    emit::record(Kind::LockBegan, |record: *mut LockBegan| {
        // SAFETY: `record` is the room reserved for a `LockBegan`.
        unsafe {
            (*record).waits = waits;
            (*record).reserved = 0;
        }
    });
    debug!(ctx, "lock asked for by {}", ctx.pid());
    0
}

/// hooks: their return.
#[inline(always)]
pub fn lock_ended(ctx: &impl EbpfContext, held: bool) -> i32 {
    emit::record(Kind::LockEnded, |record: *mut LockEnded| {
        // SAFETY: `record` is the room reserved for a `LockEnded`.
        unsafe {
            (*record).held = u32::from(held);
            (*record).reserved = 0;
        }
    });
    debug!(ctx, "lock answered to {}", ctx.pid());
    0
}
