//! The only code that reads kernel memory. Each read is checked by the kernel and may fail; none can fault.

use crate::maps::{SCRATCH, STRINGS};
use crate::room::{Room, room};
use aya_ebpf::EbpfContext;
use aya_ebpf::cty::c_void;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel as bpf_probe_read_kernel_raw;
use aya_ebpf::helpers::generated::{
    bpf_get_current_cgroup_id, bpf_get_current_task, bpf_get_func_ret, bpf_get_stack, bpf_probe_read_kernel_str,
    bpf_probe_read_user_str,
};
use aya_ebpf::helpers::{bpf_get_current_uid_gid, bpf_probe_read_kernel};
use aya_ebpf::programs::ProbeContext;
use trace_common::limits::{FORMAT_WORDS, LINE, SHORT_TEXT, UEVENT_STRINGS};
use trace_common::settings::{Settings, UNKNOWN};
use trace_common::wire::{
    ACTION_ADD, ACTION_CHANGE, CAPS_SEEN, NO_NEW_PRIVS_SEEN, Origin, Printed, Privileges, SECCOMP_SEEN, Text64,
    Text128, Text256, USERNS_SEEN,
};

/// One of the loader's settings. All of them together would not fit onto the stack of some programs.
macro_rules! setting {
    ($settings:ident: $type:ty, $($field:ident).+) => {{
        let settings = (&raw const crate::maps::$settings).cast::<$type>();
        // SAFETY: a `Global` is nothing but its value, which the loader has set; the compiler may not assume what it
        // is.
        unsafe { core::ptr::read_volatile(&raw const (*settings).$($field).+) }
    }};
}

/// The offset of a field in this kernel.
macro_rules! offset {
    ($field:ident) => {
        $crate::read::setting!(SETTINGS: trace_common::settings::Settings, offsets.$field)
    };
}
pub(crate) use offset;
pub(crate) use setting;

/// The offset of what the programs about devices read.
macro_rules! device_offset {
    ($field:ident) => {
        $crate::read::setting!(DEVICE_OFFSETS: trace_common::settings::DeviceOffsets, $field)
    };
}
pub(crate) use device_offset;

/// Whether `head` is the notifier chain of modules' states.
#[inline(always)]
pub fn is_module_notify_list(head: u64) -> bool {
    let list = setting!(SETTINGS: Settings, module_notify_list);
    list != 0 && head == list
}

/// The field of type `T` at `offset` in the struct at `base`; `None` if the offset is not known or the read fails.
#[inline(always)]
pub fn field<T>(base: u64, offset: u32) -> Option<T> {
    if base == 0 || offset == UNKNOWN {
        return None;
    }
    let address = (base + u64::from(offset)) as *const T;
    // SAFETY: bpf_probe_read_kernel checks the address and returns an error instead of faulting.
    unsafe { bpf_probe_read_kernel(address) }.ok()
}

/// The 32-bit field at `offset` in the struct at `base`. It is read into eight bytes of stack that are all written: the
/// verifier of 5.10 refuses the wider load that the compiler makes from two neighbouring halves.
#[inline(always)]
pub fn field32(base: u64, offset: u32) -> Option<u32> {
    if base == 0 || offset == UNKNOWN {
        return None;
    }
    let mut value: u64 = 0;
    let address = (base + u64::from(offset)) as *const c_void;
    // SAFETY: the destination has room for eight bytes, of which four are written; the kernel checks the address.
    let answer = unsafe { bpf_probe_read_kernel_raw((&raw mut value).cast(), 4, address) };
    (answer == 0).then_some(value as u32)
}

/// Copies the 32-bit field at `offset` in the struct at `base` into a record; returns whether it could be read. A value
/// that may be missing is not kept on the stack: the verifier of 5.10 refuses to read the half that was not written.
#[inline(always)]
pub fn copy32(room: &Room<'_, i32>, base: u64, offset: u32) -> bool {
    if base == 0 || offset == UNKNOWN {
        return false;
    }
    let address = (base + u64::from(offset)) as *const c_void;
    // SAFETY: there is room for four bytes; the kernel checks the address.
    unsafe { bpf_probe_read_kernel_raw(room.place().cast(), 4, address) == 0 }
}

/// Copies `pm_test_level` into a record; returns whether its address is known.
#[inline(always)]
pub fn pm_test_level(room: &Room<'_, i32>) -> bool {
    copy32(room, setting!(SETTINGS: Settings, pm_test_level), 0)
}

/// `SIGNAL_GROUP_EXIT` (include/linux/sched/signal.h, 5.10 to 7.3).
const GROUP_EXIT: u32 = 4;

/// Whether the current process is ending: a signal is going to, or another of its threads exits.
#[inline(always)]
pub fn is_ending() -> bool {
    let signals: u64 = field(current(), offset!(task_signal)).unwrap_or(0);
    field32(signals, offset!(signal_flags)).is_some_and(|flags| flags & GROUP_EXIT != 0)
}

/// Copies the status with which the current process is ending into a record; returns whether it could be read.
#[inline(always)]
pub fn ending_status(room: &Room<'_, i32>) -> bool {
    let signals: u64 = field(current(), offset!(task_signal)).unwrap_or(0);
    copy32(room, signals, offset!(signal_exit_code))
}

/// The process of the traced command; zero if there is none.
#[inline(always)]
pub fn command() -> u32 {
    setting!(SETTINGS: Settings, command)
}

/// Whether it is known that no helper is set: `modprobe_path` is empty.
#[inline(always)]
pub fn has_no_helper() -> bool {
    field::<u8>(setting!(SETTINGS: Settings, modprobe_path), 0) == Some(0)
}

/// `CAP_SYS_MODULE` (include/uapi/linux/capability.h).
const SYS_MODULE: u32 = 16;

/// Whether the current task has the right to load modules: `CAP_SYS_MODULE`, in the initial user namespace. If the
/// kernel's types do not show that: whether it is root.
#[inline(always)]
pub fn may_load_modules() -> bool {
    let cred: u64 = field(current(), offset!(task_cred)).unwrap_or(0);
    let user_ns: u64 = field(cred, offset!(cred_user_ns)).unwrap_or(0);
    // A set of capabilities begins with its low half, in every version of its type.
    match (field32(cred, offset!(cred_caps)), field32(user_ns, offset!(user_ns_level))) {
        (Some(low), Some(level)) => low & (1 << SYS_MODULE) != 0 && level == 0,
        _ => bpf_get_current_uid_gid() as u32 == 0,
    }
}

/// User namespaces inside each other that are looked through. The kernel allows 33 (`create_user_ns`).
const NESTED: u32 = 8;

/// Who answers for what happens in namespaces that lie deeper: all such tasks have one share (`DEFAULT_OVERFLOWUID`).
const OVERFLOW_USER: u32 = 65_534;

/// Who answers for what the current task does: its user or, in a user namespace, the user who made the outermost one. A
/// user may have many subordinate ids, and a task without a login may choose its login id, so neither counts.
#[inline(always)]
pub fn responsible_user() -> u32 {
    let uid = bpf_get_current_uid_gid() as u32;
    let cred: u64 = field(current(), offset!(task_cred)).unwrap_or(0);
    let mut user_ns: u64 = field(cred, offset!(cred_user_ns)).unwrap_or(0);
    let mut user = uid;
    for _ in 0..=NESTED {
        if field32(user_ns, offset!(user_ns_level)).unwrap_or(0) == 0 {
            return user;
        }
        user = field32(user_ns, offset!(user_ns_owner)).unwrap_or(uid);
        user_ns = field(user_ns, offset!(user_ns_parent)).unwrap_or(0);
    }
    OVERFLOW_USER
}

/// `PFA_NO_NEW_PRIVS` (include/linux/sched.h), in the low byte of `task_struct.atomic_flags`.
const NO_NEW_PRIVS: u32 = 1;

/// Writes what the current task may do.
#[inline(always)]
pub fn privileges(privileges: &Room<'_, Privileges>) {
    let task = current();
    let (cred, _) = value(task, offset!(task_cred), 8);
    let (user_ns, _) = value(cred, offset!(cred_user_ns), 8);
    let (caps, caps_seen) = value(cred, offset!(cred_caps), 8);
    let (userns, userns_seen) = value(user_ns, offset!(user_ns_number), 4);
    let (seccomp, seccomp_seen) = value(task, offset!(task_seccomp), 4);
    let (flags, flags_seen) = value(task, offset!(task_flags), 4);
    room!(privileges.caps).put(caps);
    room!(privileges.userns).put(userns as u32);
    room!(privileges.userns_depth).put(value(user_ns, offset!(user_ns_level), 4).0 as u32);
    room!(privileges.userns_owner).put(value(user_ns, offset!(user_ns_owner), 4).0 as u32);
    room!(privileges.seccomp).put(seccomp as u32);
    room!(privileges.no_new_privs).put(flags as u32 & NO_NEW_PRIVS);
    room!(privileges.seen).put(
        (caps_seen * CAPS_SEEN)
            | (userns_seen * USERNS_SEEN)
            | (seccomp_seen * SECCOMP_SEEN)
            | (flags_seen * NO_NEW_PRIVS_SEEN),
    );
}

/// The field of `size` bytes, 8 at most, at `offset` in the struct at `base`, and 1; zeros if it cannot be read. Unlike
/// [`field`], it leaves nothing unwritten that the verifier of 5.10 could refuse to read.
#[inline(always)]
fn value(base: u64, offset: u32, size: u32) -> (u64, u32) {
    let mut value: u64 = 0;
    if base == 0 || offset == UNKNOWN {
        return (value, 0);
    }
    let address = (base + u64::from(offset)) as *const c_void;
    // SAFETY: the destination has room for eight bytes; the kernel checks the address.
    let answer = unsafe { bpf_probe_read_kernel_raw((&raw mut value).cast(), size, address) };
    (value, u32::from(answer == 0))
}

/// Network devices that are looked through. In a namespace with more, whether one is there may not be known.
const NET_DEVICES: u32 = 256;

/// Whether the namespace `net` has a network device of this name, under its first name; `None` if that is not known.
#[inline(always)]
pub fn has_net_device(net: u64, name: u64) -> Option<bool> {
    if offset!(net_devices) == UNKNOWN || offset!(net_device_list) == UNKNOWN || offset!(net_device_name) == UNKNOWN {
        return None;
    }
    let wanted = net_device_name(name);
    let head = net + u64::from(offset!(net_devices));
    let to_name = u64::from(offset!(net_device_name)).wrapping_sub(u64::from(offset!(net_device_list)));
    // The newest is the last: the list is gone through from its end.
    let mut node = value(head, 8, 8).0;
    for _ in 0..NET_DEVICES {
        if node == head {
            return Some(false);
        }
        if node == 0 {
            return None;
        }
        let known = net_device_name(node.wrapping_add(to_name));
        if (known[0] ^ wanted[0]) | (known[1] ^ wanted[1]) == 0 {
            return Some(true);
        }
        node = value(node, 8, 8).0;
    }
    None
}

/// A network device's name (`IFNAMSIZ` bytes), with zeros after its end; zeros if it cannot be read.
#[inline(always)]
fn net_device_name(address: u64) -> [u64; 2] {
    let mut name = [0_u64; 2];
    // SAFETY: the destination has room for sixteen bytes; the kernel checks the address.
    unsafe { bpf_probe_read_kernel_str((&raw mut name).cast(), 16, address as *const c_void) };
    name
}

/// The user who logged in for the current task; `None` if that cannot be read.
#[inline(always)]
pub fn loginuid() -> Option<u32> {
    field32(current(), offset!(task_loginuid))
}

/// The file that the current process executes, by its device and the number of its inode; zeros for a kernel thread, or
/// if it cannot be read.
#[inline(always)]
pub fn executable() -> (u32, u64) {
    executable_of(current())
}

/// The same, of a task's process.
#[inline(always)]
fn executable_of(task: u64) -> (u32, u64) {
    let mm: u64 = field(task, offset!(task_mm)).unwrap_or(0);
    file_id(field(mm, offset!(mm_exe_file)).unwrap_or(0))
}

/// The file behind an open `struct file`, in the same way.
#[inline(always)]
pub fn file_id(file: u64) -> (u32, u64) {
    let inode: u64 = field(file, offset!(file_inode)).unwrap_or(0);
    let super_block: u64 = field(inode, offset!(inode_super)).unwrap_or(0);
    match (field32(super_block, offset!(super_device)), field(inode, offset!(inode_number))) {
        (Some(device), Some(number)) => (device, number),
        _ => (0, 0),
    }
}

/// Writes where the current task comes from.
#[inline(always)]
pub fn origin(origin: &Room<'_, Origin>) {
    let (device, inode) = executable();
    let loginuid = loginuid();
    room!(origin.uid).put(bpf_get_current_uid_gid() as u32);
    room!(origin.loginuid).put(loginuid.unwrap_or(0));
    room!(origin.loginuid_seen).put(u32::from(loginuid.is_some()));
    room!(origin.exe_device).put(device);
    room!(origin.exe_inode).put(inode);
    room!(origin.cgroup).put(current_cgroup());
    let parent: u64 = field(current(), offset!(task_parent)).unwrap_or(0);
    let (device, inode) = executable_of(parent);
    room!(origin.parent_start).put(process_start(parent));
    room!(origin.parent_exe_inode).put(inode);
    room!(origin.parent_exe_device).put(device);
    room!(origin.parent).put(field32(parent, offset!(task_tgid)).unwrap_or(0));
    room!(origin.parent_comm).put(field(parent, offset!(task_comm)).unwrap_or([0; 16]));
    room!(origin.capable).put(u32::from(may_load_modules()));
    room!(origin.reserved).put(0);
}

/// Reads the string that the caller of a system call passed as its first argument into `text`. `registers` is the
/// `struct pt_regs` of the caller.
#[inline(always)]
pub fn argument_text(text: &Room<'_, Text64>, registers: u64) {
    // The first argument is in `di` (x86-64, after 14 words) or `x0` (arm64).
    let place = if cfg!(bpf_target_arch = "aarch64") { 0 } else { 112 };
    let source: u64 = field(registers, place).unwrap_or(0);
    let size = SHORT_TEXT as u32;
    let bytes = room!(text.bytes);
    // SAFETY: there is room for all the bytes; the kernel checks `source`.
    let copied = unsafe { bpf_probe_read_user_str(bytes.place().cast(), size, source as *const c_void) };
    room!(text.length).put(if copied > 0 { copied as i32 - 1 } else { copied as i32 });
    // The kernel cuts a name at the same length (kernel/module/main.c `delete_module`).
    room!(text.truncated).put(0);
}

/// Reads `length` bytes at `source` into a record's line.
#[inline(always)]
pub fn line(record: &Room<'_, Printed>, source: u64, length: u64) {
    let kept = if length < LINE as u64 { length } else { LINE as u64 - 1 };
    let bytes = room!(record.bytes);
    // The mask shows the verifier what the comparison shows a reader.
    let size = (kept & 0xff) as u32;
    // SAFETY: there is room for 256 bytes, and at most 255 are read; the kernel checks `source`.
    let answer = unsafe { bpf_probe_read_kernel_raw(bytes.place().cast(), size, source as *const c_void) };
    room!(record.length).put(if answer == 0 { size as i32 } else { answer as i32 });
    room!(record.truncated).put(u32::from(kept < length));
}

/// What the function returned at whose end a trampoline runs; zero if the kernel does not say.
#[inline(always)]
pub fn returned(ctx: &impl EbpfContext) -> u64 {
    let mut value = 0_u64;
    // SAFETY: the destination is a word.
    unsafe { bpf_get_func_ret(ctx.as_ptr(), &raw mut value) };
    value
}

/// The current cgroup's id, in the v2 hierarchy.
#[inline(always)]
pub fn current_cgroup() -> u64 {
    // SAFETY: the helper takes no arguments.
    unsafe { bpf_get_current_cgroup_id() }
}

/// The current `task_struct`.
#[inline(always)]
pub fn current() -> u64 {
    // SAFETY: the helper takes no arguments.
    unsafe { bpf_get_current_task() }
}

/// When the current process started, on the boot clock; zero if it cannot be read.
#[inline(always)]
pub fn current_start() -> u64 {
    process_start(current())
}

/// When the process of `task` started, on the boot clock; zero if it cannot be read.
#[inline(always)]
pub fn process_start(task: u64) -> u64 {
    field::<u64>(task, offset!(task_group_leader))
        .and_then(|leader| field(leader, offset!(task_start_boottime)))
        .unwrap_or(0)
}

/// The return address of the function under a kprobe, if a stack walk misses it: on arm64, at the function's first
/// instruction, it is still in register x30 and not in a frame. Zero on other machines.
#[inline(always)]
pub fn unframed_return(ctx: &ProbeContext) -> u64 {
    // SAFETY: on arm64 a kprobe's context is a `struct user_pt_regs`, whose first 31 words are x0 to x30.
    if cfg!(bpf_target_arch = "aarch64") { unsafe { ctx.as_ptr().cast::<u64>().add(30).read() } } else { 0 }
}

/// The word at this place on the stack of the function under a kprobe at its entry: 0 is the return address (x86-64).
#[inline(always)]
pub fn on_stack(ctx: &ProbeContext, place: u32) -> u64 {
    if cfg!(bpf_target_arch = "aarch64") {
        return 0;
    }
    // SAFETY: on x86-64 a kprobe's context is a `struct pt_regs`, whose 20th word is the stack pointer.
    let stack = unsafe { ctx.as_ptr().cast::<u64>().add(19).read() };
    field(stack, place * 8).unwrap_or(0)
}

/// Writes the kernel stack of `ctx` to `frames`, with `unframed` (unless zero) after the first; returns how many bytes
/// it fills, or a negative errno.
#[inline(always)]
pub fn stack<const N: usize>(ctx: &impl EbpfContext, frames: &Room<'_, [u64; N]>, unframed: u64) -> i64 {
    let first = frames.place().cast::<u64>();
    let before = usize::from(unframed != 0);
    // SAFETY: `before` is at most 1, and the helper gets the size of what is behind it.
    let bytes = unsafe { bpf_get_stack(ctx.as_ptr(), first.add(before).cast(), ((N - before) * 8) as u32, 0) };
    if before == 0 || bytes < 8 {
        return bytes;
    }
    // SAFETY: the helper has written the second frame; there is room for both.
    unsafe {
        first.write(first.add(1).read());
        first.add(1).write(unframed);
    }
    bytes + 8
}

/// Reads the string at `source` into `text`.
#[inline(always)]
pub fn text64(text: &Room<'_, Text64>, source: u64) {
    string(room!(text.length), room!(text.truncated), &room!(text.bytes), source);
}

/// At least as many bytes as the alias has that the kernel makes of a format: those of the format and of every string
/// at the words. A word that is not a string's address, or that the format does not use, only makes the answer larger;
/// a string that is longer than a name may be counts as that.
#[inline(always)]
pub fn longest_alias(format: u64, words: &[u64; FORMAT_WORDS]) -> u32 {
    let mut length = string_size(format);
    for word in words {
        length += string_size(*word);
    }
    length
}

/// The bytes of the string at `source` with the zero that ends it, up to those of a name; zero if there is none.
#[inline(always)]
fn string_size(source: u64) -> u32 {
    let Some(scratch) = SCRATCH.get_ptr_mut(0) else { return 0 };
    // SAFETY: the scratch has room for so many bytes; the kernel checks `source`.
    let copied = unsafe { bpf_probe_read_kernel_str(scratch.cast(), SHORT_TEXT as u32, source as *const c_void) };
    // An error is negative and counts as no bytes. A branch here would give the verifier 64 paths for six strings.
    (copied & !(copied >> 63)) as u32
}

/// What a uevent says: the places of its strings.
pub struct Announcement {
    /// [`ACTION_ADD`] or [`ACTION_CHANGE`].
    pub action: u32,
    /// Not zero: somebody asked for it through sysfs.
    pub synthetic: u32,
    /// The end of the device's path.
    pub path_end: u64,
    /// Not zero: there is more of the path before that.
    pub is_path_cut: u32,
    /// The subsystem.
    pub subsystem: u64,
    /// The module alias.
    pub alias: u64,
}

/// The first bytes of a uevent's strings (lib/kobject_uevent.c `kobject_uevent_env`, drivers/base/core.c `dev_uevent`,
/// 5.10 to 7.3), which begin with action, path and subsystem.
const ACTION: u64 = u64::from_ne_bytes(*b"ACTION=\0");
const SYNTHETIC: u64 = u64::from_ne_bytes(*b"SYNTH_UU");
const ADD: u32 = u32::from_ne_bytes(*b"add\0");
const CHANGE: u32 = u32::from_ne_bytes(*b"chan");
const ALIAS: u64 = u64::from_ne_bytes(*b"MODALIAS");

/// Seven of the eight bytes of a word.
#[inline(always)]
const fn seven(word: u64) -> u64 {
    word & u64::from_ne_bytes([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0])
}

/// What the uevent in `env` (a `struct kobj_uevent_env`) says; `None` if it neither adds nor changes a device with a
/// module alias, or if it is not a uevent: sysfs fills the same struct for a reader.
#[inline(always)]
pub fn announcement(env: u64) -> Option<Announcement> {
    let places = STRINGS.get_ptr_mut(0)?;
    let size = (UEVENT_STRINGS * 8) as u32;
    let source = (env + u64::from(device_offset!(uevent_strings))) as *const c_void;
    // SAFETY: the map's value has room for so many bytes; the kernel checks `source`. Nobody else writes to it: a
    // probe is not interrupted by another run of itself on its CPU.
    let places = unsafe {
        if bpf_probe_read_kernel_raw(places.cast(), size, source) != 0 {
            return None;
        }
        &*places
    };
    let first = places[0];
    if seven(word(first)) != ACTION {
        return None;
    }
    let action = match value(first, 7, 4).0 as u32 {
        ADD => ACTION_ADD,
        CHANGE => ACTION_CHANGE,
        _ => return None,
    };
    let alias = *places[3..].iter().find(|place| word(**place) == ALIAS)?;
    // The strings stand one after the other.
    let (path, subsystem) = (places[1] + 8, places[2]);
    let longest = SHORT_TEXT as u64 - 1;
    let length = subsystem.wrapping_sub(path).wrapping_sub(1);
    let skipped = length.saturating_sub(longest);
    Some(Announcement {
        action,
        // What sysfs passes on comes first.
        synthetic: u32::from(word(places[3]) == SYNTHETIC),
        path_end: path + skipped,
        is_path_cut: u32::from(skipped != 0),
        subsystem: subsystem + 10,
        alias: alias + 9,
    })
}

/// The word at this address; zero if it cannot be read.
#[inline(always)]
pub fn word(address: u64) -> u64 {
    value(address, 0, 8).0
}

/// Whether the kernel will try drivers on the device again: it stands in the list of those (drivers/base/dd.c
/// `driver_deferred_probe_add`, 5.10 to 7.3).
#[inline(always)]
pub fn is_deferred(device: u64) -> bool {
    let (private, _) = value(device, device_offset!(device_private), 8);
    let (next, seen) = value(private, device_offset!(deferred_probe), 8);
    seen != 0 && next != private + u64::from(device_offset!(deferred_probe))
}

/// The pointer at `offset` in the struct at `base`; zero if it cannot be read.
#[inline(always)]
pub fn pointer(base: u64, offset: u32) -> u64 {
    value(base, offset, 8).0
}

/// The stack pointer of the function under a kprobe at its entry, or under a return probe.
#[inline(always)]
pub fn stack_pointer(ctx: &impl EbpfContext) -> u64 {
    let place = if cfg!(bpf_target_arch = "aarch64") { 31 } else { 19 };
    // SAFETY: the context is a `struct pt_regs` of x86-64, whose 20th word is the stack pointer, or a `struct
    // user_pt_regs` of arm64, whose 32nd it is.
    unsafe { ctx.as_ptr().cast::<u64>().add(place).read() }
}

/// Reads the string at `source` into `text`.
#[inline(always)]
pub fn text256(text: &Room<'_, Text256>, source: u64) {
    string(room!(text.length), room!(text.truncated), &room!(text.bytes), source);
}

/// Reads the string at `source` into `text`.
#[inline(always)]
pub fn text128(text: &Room<'_, Text128>, source: u64) {
    string(room!(text.length), room!(text.truncated), &room!(text.bytes), source);
}

#[inline(always)]
fn string<const N: usize>(length: Room<'_, i32>, truncated: Room<'_, u32>, bytes: &Room<'_, [u8; N]>, source: u64) {
    let size = N as u32;
    // SAFETY: there is room for all the bytes; the kernel checks `source`.
    let copied = unsafe { bpf_probe_read_kernel_str(bytes.place().cast(), size, source as *const c_void) };
    let full = copied == i64::from(size);
    // A string that fills the room may end right there: the byte that the NUL replaced shows it. It is read into a word
    // that is written as a whole: if the byte could be missing, the compiler would keep what was there before, and the
    // verifier refuses that if it was a pointer.
    let mut last: u64 = 0;
    let displaced = (source + u64::from(size) - 1) as *const c_void;
    // SAFETY: the destination has room for eight bytes, of which one is written; the kernel checks the address.
    let is_hidden = unsafe { bpf_probe_read_kernel_raw((&raw mut last).cast(), 1, displaced) } != 0;
    let more = full && (is_hidden || last != 0);
    length.put(if copied > 0 { copied as i32 - 1 } else { copied as i32 });
    truncated.put(u32::from(more));
}
