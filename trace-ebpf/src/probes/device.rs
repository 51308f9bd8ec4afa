//! Devices: drivers that are tried on them, and the uevents that announce them (drivers/base/dd.c, drivers/base/core.c,
//! lib/kobject_uevent.c).

use crate::maps::{Arguments, PROBE_ERRORS, PROBING};
use crate::read::{device_offset, offset};
use crate::room::room;
use crate::{emit, read, share};
use aya_ebpf::EbpfContext;
use trace_common::kind::Kind;
use trace_common::wire::{DriverTried, Record, Uevent};

/// hook: entry of `static void driver_bound(struct device *dev)`, 5.10 to 7.3: the driver has accepted the device.
#[inline(always)]
pub fn bound(ctx: &impl EbpfContext, device: u64) -> i32 {
    let driver = read::pointer(device, device_offset!(device_driver));
    tried::<{ Kind::DeviceBound as u16 }>(device, driver, 0);
    debug!(ctx, "device bound in {}", ctx.pid());
    0
}

/// hook: return of `static int really_probe(struct device *dev, struct device_driver *drv)`, 5.10 to 7.3. Its meaning
/// has changed: in 5.10 it is 1 if the driver was bound and 0 if the driver returned an error; from 5.15 on, it is 0 if
/// the driver was bound, and a driver's errno is positive. If the driver is not the device's, it was not bound.
#[inline(always)]
pub fn probed(ctx: &impl EbpfContext, device: u64, driver: u64, result: i32) -> i32 {
    if read::pointer(device, device_offset!(device_driver)) == driver {
        return 0;
    }
    let error = if result > 0 { -result } else { result };
    let error = if error == 0 { unreturned(ctx.pid(), device) } else { error };
    tried::<{ Kind::DriverFailed as u16 }>(device, driver, error);
    debug!(ctx, "driver failed in {} with {}", ctx.pid(), error);
    0
}

/// `-EPROBE_DEFER` (include/linux/errno.h).
const EPROBE_DEFER: i32 = -517;

/// The error of a driver that the function does not return: the one that was printed, or that the device is tried again
/// later. Else the driver has rejected the device (`-ENODEV` or `-ENXIO`), and nothing says with which: zero.
#[inline(always)]
fn unreturned(thread: u32, device: u64) -> i32 {
    // SAFETY: the value is copied at once; another thread has another.
    let printed = unsafe { PROBE_ERRORS.get(thread) }.copied();
    if let Some(error) = printed {
        let _ = PROBE_ERRORS.remove(thread);
        return error as i32;
    }
    if read::is_deferred(device) { EPROBE_DEFER } else { 0 }
}

/// `KERN_WARNING "%s: probe of %s failed with error %d\n"`, as far as two words go (drivers/base/dd.c, 5.10).
const FORMAT: [u64; 2] = [u64::from_ne_bytes(*b"\x014%s: pr"), u64::from_ne_bytes(*b"obe of %")];

/// hook: entry of `int printk(const char *fmt, ...)`, 5.10: `really_probe` prints the error that it does not return.
#[inline(always)]
pub fn printed(ctx: &impl EbpfContext, format: u64, error: u64) -> i32 {
    if (read::word(format) ^ FORMAT[0]) | (read::word(format + 8) ^ FORMAT[1]) == 0 {
        let _ = PROBE_ERRORS.insert(ctx.pid(), error, 0);
    }
    0
}

/// hook: entry of `really_probe`, for a return probe.
#[inline(always)]
pub fn probing(ctx: &impl EbpfContext, device: u64, driver: u64) -> i32 {
    enter(ctx, device, driver)
}

/// hook: return of `really_probe`, by a return probe.
#[inline(always)]
pub fn probed_unnamed(ctx: &impl EbpfContext, result: i32) -> i32 {
    let Some((device, driver)) = leave(ctx) else { return 0 };
    probed(ctx, device, driver, result)
}

/// Keeps arguments of a function until it returns.
#[inline(always)]
fn enter(ctx: &impl EbpfContext, first: u64, second: u64) -> i32 {
    let _ = PROBING.insert(read::stack_pointer(ctx), Arguments { first, second }, 0);
    0
}

/// The arguments of a function that returns. The stack pointer is above the return address again, which only x86-64
/// keeps there; no other function that runs now has the same.
#[inline(always)]
fn leave(ctx: &impl EbpfContext) -> Option<(u64, u64)> {
    let above = if cfg!(bpf_target_arch = "aarch64") { 0 } else { 8 };
    let entry = read::stack_pointer(ctx).wrapping_sub(above);
    // SAFETY: the value is copied at once; nobody else has this stack.
    let Arguments { first, second } = unsafe { PROBING.get(entry) }.copied()?;
    let _ = PROBING.remove(entry);
    Some((first, second))
}

#[inline(always)]
fn tried<const KIND: u16>(device: u64, driver: u64, result: i32)
where
    DriverTried: Record<KIND>,
{
    emit::record::<KIND, DriverTried>(|record| {
        let bus = read::pointer(device, device_offset!(device_bus));
        let owner = read::pointer(driver, device_offset!(driver_owner));
        read::text64(&room!(record.device), read::pointer(device, offset!(device_name)));
        read::text64(&room!(record.bus), read::pointer(bus, device_offset!(bus_name)));
        read::text64(&room!(record.driver), read::pointer(driver, device_offset!(driver_name)));
        read::text64(&room!(record.module), owner + u64::from(offset!(module_name)));
        room!(record.in_module).put(u32::from(owner != 0));
        room!(record.result).put(result);
    });
}

/// hook: entry of `dev_uevent`, for a return probe.
#[inline(always)]
pub fn announcing(ctx: &impl EbpfContext, object: u64, env: u64) -> i32 {
    enter(ctx, object, env)
}

/// hook: return of `dev_uevent`, by a return probe.
#[inline(always)]
pub fn announced_unnamed(ctx: &impl EbpfContext) -> i32 {
    let Some((object, env)) = leave(ctx) else { return 0 };
    announced(ctx, object, env)
}

/// hook: return of `static int dev_uevent(struct kobject *kobj, struct kobj_uevent_env *env)` (5.10: after `struct kset
/// *kset`), 5.10 to 7.3: the uevent has all its strings. `object` is the first member of a device.
#[inline(always)]
pub fn announced(ctx: &impl EbpfContext, object: u64, env: u64) -> i32 {
    let Some(said) = read::announcement(env) else { return 0 };
    if !share::may_announce() {
        return 0;
    }
    emit::record::<{ Kind::Uevent as u16 }, Uevent>(|record| {
        room!(record.action).put(said.action);
        room!(record.synthetic).put(said.synthetic);
        read::text64(&room!(record.path_end), said.path_end);
        read::text64(&room!(record.subsystem), said.subsystem);
        let driver = read::pointer(object, device_offset!(device_driver));
        read::text64(&room!(record.driver), read::pointer(driver, device_offset!(driver_name)));
        room!(record.has_driver).put(u32::from(driver != 0));
        room!(record.is_path_cut).put(said.is_path_cut);
        read::text256(&room!(record.alias), said.alias);
    });
    debug!(ctx, "uevent in {}", ctx.pid());
    0
}
