//! Requests for firmware files, and the lock that keeps helpers enabled during them (drivers/base/firmware_loader/,
//! kernel/umh.c).

use crate::read::offset;
use crate::room::room;
use crate::{emit, read};
use aya_ebpf::EbpfContext;
use trace_common::kind::Kind;
use trace_common::wire::{FirmwareBegan, LockBegan, LockEnded, Record};

/// hooks: entry of `_request_firmware(const struct firmware **, const char *name, struct device *device, ...)` and of
/// `firmware_fallback_sysfs(struct firmware *fw, const char *name, struct device *device, ...)`, 5.10 to 7.3.
#[inline(always)]
pub fn began<const KIND: u16>(ctx: &impl EbpfContext, name: u64, device: u64) -> i32
where
    FirmwareBegan: Record<KIND>,
{
    emit::record::<KIND, FirmwareBegan>(|record| {
        let device_name: u64 = read::field(device, offset!(device_name)).unwrap_or(0);
        read::text128(&room!(record.name), name);
        read::text64(&room!(record.device), device_name);
    });
    debug!(ctx, "firmware: kind {} in {}", KIND, ctx.pid());
    0
}

/// hooks: entry of `int usermodehelper_read_trylock(void)` and of `long usermodehelper_read_lock_wait(long timeout)`,
/// 5.10 to 7.3.
#[inline(always)]
pub fn lock_began(ctx: &impl EbpfContext, waits: u32) -> i32 {
    emit::record::<{ Kind::LockBegan as u16 }, LockBegan>(|record| {
        room!(record.waits).put(waits);
        room!(record.reserved).put(0);
    });
    debug!(ctx, "lock asked for by {}", ctx.pid());
    0
}

/// hooks: their return.
#[inline(always)]
pub fn lock_ended(ctx: &impl EbpfContext, held: bool) -> i32 {
    emit::record::<{ Kind::LockEnded as u16 }, LockEnded>(|record| {
        room!(record.held).put(u32::from(held));
        room!(record.reserved).put(0);
    });
    debug!(ctx, "lock answered to {}", ctx.pid());
    0
}
