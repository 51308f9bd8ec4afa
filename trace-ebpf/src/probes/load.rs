//! Loads and the states of modules (kernel/module/main.c).

use super::task;
use crate::maps::{LOADER, QUIET_LOAD};
use crate::read::offset;
use crate::room::room;
use crate::{emit, read, share};
use aya_ebpf::EbpfContext;
use trace_common::kind::Kind;
use trace_common::settings::UNKNOWN;
use trace_common::wire::{
    Ended, FileNamed, ImageRead, InitEnded, LoadBegan, LoadEnded, ModuleSeen, Printed, Record, UnloadBegan,
};

/// hooks: entry of `__x64_sys_init_module` and `__x64_sys_finit_module` (or the architecture's names), 5.10 to 7.3.
#[inline(always)]
pub fn began(ctx: &impl EbpfContext, syscall: u32) -> i32 {
    if !share::may_load() {
        task::quieten(ctx.pid(), QUIET_LOAD);
        return 0;
    }
    // One that was left out before may have ended unseen.
    task::was_quiet(ctx.pid(), QUIET_LOAD);
    task::load_begins(ctx.pid());
    emit::record::<{ Kind::LoadBegan as u16 }, LoadBegan>(|record| {
        room!(record.syscall).put(syscall);
        room!(record.reserved).put(0);
        read::origin(&room!(record.origin));
    });
    debug!(ctx, "load began in {}", ctx.pid());
    0
}

/// hooks: return of the same functions. The system call's `long` is an errno, so 32 bits hold it.
#[inline(always)]
pub fn ended(ctx: &impl EbpfContext, syscall: u32, result: i64) -> i32 {
    if task::was_quiet(ctx.pid(), QUIET_LOAD) {
        return 0;
    }
    task::load_ends(ctx.pid());
    emit::record::<{ Kind::LoadEnded as u16 }, LoadEnded>(|record| {
        room!(record.syscall).put(syscall);
        room!(record.result).put(result as i32);
        room!(record.status).put(0);
        let ending = read::is_ending() && read::ending_status(&room!(record.status));
        room!(record.ending).put(u32::from(ending));
    });
    debug!(ctx, "load ended in {} with {}", ctx.pid(), result);
    0
}

/// hook: `static int load_module(struct load_info *info, const char __user *uargs, int flags)`, 5.10 to 7.3.
/// `info->len` is valid at entry; `info->name` is not.
#[inline(always)]
pub fn image_read(ctx: &impl EbpfContext, info: *const u8) -> i32 {
    if task::is_watched(ctx.pid(), QUIET_LOAD) {
        return 0;
    }
    emit::record::<{ Kind::ImageRead as u16 }, ImageRead>(|record| {
        let bytes = read::field(info as u64, offset!(load_info_len)).unwrap_or(0);
        room!(record.bytes).put(bytes);
    });
    debug!(ctx, "image read in {}", ctx.pid());
    0
}

/// hooks: `do_init_module(struct module *)` entry, the module notifier, `module:module_free`: 5.10 to 7.3.
#[inline(always)]
pub fn module_seen<const KIND: u16>(ctx: &impl EbpfContext, module: u64) -> i32
where
    ModuleSeen: Record<KIND>,
{
    emit::record::<KIND, ModuleSeen>(|record| {
        let offset = offset!(module_name);
        let name = if module == 0 || offset == UNKNOWN { 0 } else { module + u64::from(offset) };
        room!(record.module).put(module);
        read::text64(&room!(record.name), name);
    });
    debug!(ctx, "module {:x} kind {} in {}", module, KIND, ctx.pid());
    0
}

/// hook: `static int idempotent_init_module(struct file *f, ...)`, 6.5 to 7.3: the file that `finit_module` must load,
/// whether this thread loads it or waits for another that does.
#[inline(always)]
pub fn file_named(ctx: &impl EbpfContext, file: u64) -> i32 {
    if task::is_watched(ctx.pid(), QUIET_LOAD) {
        return 0;
    }
    let dentry: u64 = read::field(file, offset!(file_dentry)).unwrap_or(0);
    emit::record::<{ Kind::FileNamed as u16 }, FileNamed>(|record| {
        let (device, inode) = read::file_id(file);
        room!(record.inode).put(inode);
        room!(record.device).put(device);
        room!(record.reserved).put(0);
        read::text64(&room!(record.name), read::field(dentry, offset!(dentry_name)).unwrap_or(0));
    });
    debug!(ctx, "load in {} has a file", ctx.pid());
    0
}

/// hook: `int kernel_read_file(struct file *file, ...)`, 5.10 to 7.3, which reads firmware and other files too.
#[inline(always)]
pub fn file_read(ctx: &impl EbpfContext, file: u64) -> i32 {
    if task::is_watched(ctx.pid(), LOADER) { file_named(ctx, file) } else { 0 }
}

/// hook: `struct module *find_module_all(const char *name, size_t len, bool even_unformed)`, 5.10 to 7.3. Only a load
/// also searches unformed modules: then the name is that of the module it loads.
#[inline(always)]
pub fn looked_up(ctx: &impl EbpfContext, name: u64, even_unformed: u32) -> i32 {
    if even_unformed & 0xff == 0 || task::is_watched(ctx.pid(), QUIET_LOAD) {
        return 0;
    }
    emit::record::<{ Kind::Named as u16 }, ModuleSeen>(|record| {
        room!(record.module).put(0);
        read::text64(&room!(record.name), name);
    });
    debug!(ctx, "load in {} is named", ctx.pid());
    0
}

/// hook: return of `do_init_module`, 5.10 to 7.3. `module` is freed if `result` is negative: only an identifier; zero
/// if the hook cannot see it.
#[inline(always)]
pub fn init_ended(ctx: &impl EbpfContext, module: u64, result: i32) -> i32 {
    emit::record::<{ Kind::InitEnded as u16 }, InitEnded>(|record| {
        room!(record.module).put(module);
        room!(record.result).put(result);
        room!(record.reserved).put(0);
    });
    debug!(ctx, "init of {:x} ended in {} with {}", module, ctx.pid(), result);
    0
}

/// hook: `static int log_store(u32 caller_id, ..., const char *text, u16 text_len)`, 5.10. An interrupt that prints has
/// a caller that is not this thread.
#[inline(always)]
pub fn stored(ctx: &impl EbpfContext, caller: u32, text: u64, length: u64) -> i32 {
    if caller == ctx.pid() { printed(ctx, text, length) } else { 0 }
}

/// hook: `printk:console(const char *text, size_t len)` if it fires in the context that prints (6.1 to 7.3). `text`
/// need not end with a NUL.
#[inline(always)]
pub fn printed(ctx: &impl EbpfContext, text: u64, length: u64) -> i32 {
    if !task::may_print(ctx.pid()) {
        return 0;
    }
    emit::record::<{ Kind::Printed as u16 }, Printed>(|record| read::line(record, text, length));
    0
}

/// hooks: entry of `__x64_sys_delete_module` (or the architecture's name), 5.10 to 7.3, with the caller's registers.
#[inline(always)]
pub fn unload_began(ctx: &impl EbpfContext, registers: u64) -> i32 {
    if !share::may_load() {
        task::quieten(ctx.pid(), QUIET_LOAD);
        return 0;
    }
    task::was_quiet(ctx.pid(), QUIET_LOAD);
    emit::record::<{ Kind::UnloadBegan as u16 }, UnloadBegan>(|record| {
        read::argument_text(&room!(record.name), registers);
        read::origin(&room!(record.origin));
    });
    debug!(ctx, "unload began in {}", ctx.pid());
    0
}

/// hooks: return of the same function.
#[inline(always)]
pub fn unload_ended(ctx: &impl EbpfContext, result: i64) -> i32 {
    if task::was_quiet(ctx.pid(), QUIET_LOAD) {
        return 0;
    }
    emit::record::<{ Kind::UnloadEnded as u16 }, Ended>(|record| {
        room!(record.result).put(result as i32);
        room!(record.reserved).put(0);
    });
    debug!(ctx, "unload ended in {} with {}", ctx.pid(), result);
    0
}
