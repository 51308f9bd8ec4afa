//! Every cap, with its reason. Reaching one is counted and shown, never silent.

/// Bytes of text in a [`crate::wire::Text64`]. The kernel's `MODULE_NAME_LEN` is 56 on 64-bit, and aliases,
/// module names and nearly all helper arguments fit (kernel/module/kmod.c, 6.12).
pub const SHORT_TEXT: usize = 56;

/// Bytes of text in a [`crate::wire::Text128`]: paths of helpers and of executed files.
pub const LONG_TEXT: usize = 120;

/// Bytes of text in a [`crate::wire::Text256`]: the module alias of a device. Those of PCI, USB, ACPI and platform
/// devices fit; some keyboards list every key.
pub const DEVICE_ALIAS: usize = 248;

/// Strings of a uevent that are looked through for the module alias, of 64 that it can have (`UEVENT_NUM_ENVP`,
/// include/linux/kobject.h, 5.10 to 7.3): the device core adds 9 at most before those of a bus, which has 14 at most,
/// those of a keyboard.
pub const UEVENT_STRINGS: usize = 32;

/// Functions about devices that run at once, in all threads, if their end is seen by a return probe, and drivers whose
/// error was just printed. Beyond that, the oldest is forgotten.
pub const PROBING: u32 = 128;

/// Bytes of text in a [`crate::wire::Printed`]: a line of the kernel's log. Lines about modules have rarely more than
/// 200 bytes.
pub const LINE: usize = 256;

/// Lines of the kernel's log that are kept of one load: more than a driver prints that fails.
pub const LINES: u64 = 64;

/// Arguments that are kept of the format of a request's alias: the kernel's formats have three at most.
pub const FORMAT_WORDS: usize = 4;

/// Arguments kept of a helper's command line. modprobe has four; a core pattern rarely has more than eight.
pub const ARGV: usize = 8;

/// Frames kept of a requester's kernel stack: enough to reach the system call through a nested module init.
pub const STACK: usize = 24;

/// Frames kept of the kernel stack of a helper call: enough to show who made it (`do_coredump`,
/// `call_sbin_request_key`).
pub const CALL_STACK: usize = 12;

/// Frames of the kernel stack of a stuck thread: as many as `/proc` shows (fs/proc/base.c `MAX_STACK_TRACE_DEPTH`, 5.10
/// to 7.3).
pub const STACK_FRAMES: usize = 64;

/// Stuck threads whose kernel stacks are read at a time; if there are more, they take turns.
pub const STUCK_AT_ONCE: usize = 16;

/// Tasks that can be watched at once: processes of helpers (50 slots of requests and everything they fork), and threads
/// with an open request or helper call (including those that were turned away unseen and live on: 5.10, 6.1). More are
/// counted as untracked; the loads of such processes have no request.
pub const TRACKED: u32 = 16_384;

/// Bytes of a kernel symbol's name with its module and NUL; longer ones are cut (`KSYM_NAME_LEN` is 128 in 5.10, 512
/// from 6.1 on, for names that compilers make).
pub const SYMBOL: usize = 128;

/// Bytes of the ring buffer of requests unless configured otherwise: about 10,000 records, some 500 requests that wait
/// to be read. That of loads has half of it, that of devices an eighth, that of suspend a sixteenth.
pub const RING_BYTES: u32 = 4 * 1024 * 1024;

/// Users (of root: cgroups) whose shares of the ring buffers, and whose losses, are counted at once. Beyond that, the
/// one that was idle longest is forgotten.
pub const USERS: u32 = 1_024;

/// Refused loads that are recorded per user and second: enough to see that somebody runs modprobe without rights.
pub const REFUSED: u32 = 5;

/// Requests, and loads, that are recorded per user and second while their ring buffer is more than half full.
pub const SHARE: u32 = 64;

/// Helper calls of requests that are left out, by address. Beyond that, the oldest is forgotten: its helper is recorded
/// as one that serves no request.
pub const QUIET_CALLS: u32 = 4_096;

/// How often the two clocks are read again if something came between.
pub const CLOCK_TRIES: u32 = 4;

/// The largest distance between the readings of the two clocks, in nanoseconds: some tens on a real machine,
/// microseconds on an emulated one.
pub const CLOCKS_APART_NS: u64 = 50_000;
