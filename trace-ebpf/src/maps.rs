//! The maps that the programs share with each other and with the loader.

use aya_ebpf::Global;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, LruHashMap, PerCpuArray, RingBuf};
use trace_common::blame::{Blame, Blamed};
use trace_common::kind::Loss;
use trace_common::limits::{self, RING_BYTES, TRACKED, UEVENT_STRINGS, USERS};
use trace_common::settings::{DeviceOffsets, Settings};

/// Records of requests, helper calls and helpers, on their way to user space.
#[map]
pub static REQUESTS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// Records of loads and modules.
#[map]
pub static LOADS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// Records of suspend and firmware.
#[map]
pub static SUSPEND: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// Records of devices and their drivers.
#[map]
pub static DEVICES: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// The arguments of functions whose end is seen by a return probe, which does not have them, by the stack pointer at
/// their entry.
#[map]
pub static PROBING: LruHashMap<u64, Arguments> = LruHashMap::with_max_entries(limits::PROBING, 0);

/// Arguments of a function.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Arguments {
    /// The first that is needed.
    pub first: u64,
    /// The second that is needed.
    pub second: u64,
}

/// Room to read the places of a uevent's strings into.
#[map]
pub static STRINGS: PerCpuArray<[u64; UEVENT_STRINGS]> = PerCpuArray::with_max_entries(1, 0);

/// The errors of drivers that were tried just now, by thread, as the kernel prints them before the function returns
/// that does not return them.
#[map]
pub static PROBE_ERRORS: LruHashMap<u32, u64> = LruHashMap::with_max_entries(limits::PROBING, 0);

/// What was lost, by who caused it.
#[map]
pub static BLAMED: LruHashMap<Blamed, Blame> = LruHashMap::with_max_entries(USERS * Loss::ALL.len() as u32, 0);

/// What each user has had of its share in this second.
#[map]
pub static SHARES: LruHashMap<Sharer, Share> = LruHashMap::with_max_entries(USERS * Loss::ALL.len() as u32, 0);

/// The helper calls of requests that are left out, by address.
#[map]
pub static QUIET_CALLS: LruHashMap<u64, u64> = LruHashMap::with_max_entries(limits::QUIET_CALLS, 0);

/// Who has a share, and of what.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Sharer {
    /// Who answers for it: see `read::responsible_user`.
    pub user: u32,
    /// A [`Loss`]'s number: what is counted for what is left out.
    pub loss: u32,
    /// For root: the cgroup, since containers share the user. Else zero: a user may have any number of cgroups.
    pub cgroup: u64,
}

/// What a user has had.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Share {
    /// In which second, by the clock that stops in suspend.
    pub second: u64,
    /// How many.
    pub taken: u64,
}

/// What was lost, per CPU, by [`Loss`].
#[map]
pub static DROPS: PerCpuArray<u64> = PerCpuArray::with_max_entries(Loss::ALL.len() as u32, 0);

/// The tasks that are watched, by thread; a process by its first thread.
#[map]
pub static TASKS: HashMap<u32, Watched> = HashMap::with_max_entries(TRACKED, 0);

/// How many threads are watched for [`ASKED`]. While it is zero, what ends a request's function has nothing to look up.
#[map]
pub static ASKING: Array<u64> = Array::with_max_entries(1, 0);

/// Room to read a string into.
#[map]
pub static SCRATCH: PerCpuArray<[u64; 8]> = PerCpuArray::with_max_entries(1, 0);

/// The processes of the traced command, beside the one that user space names, with their starts on the boot clock.
#[map]
pub static COMMAND: HashMap<u32, u64> = HashMap::with_max_entries(TRACKED, 0);

/// Why a task is watched.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Watched {
    /// When its process started, on the boot clock: a pid that now belongs to another process is not watched.
    pub start: u64,
    /// Bits: [`HELPER`], [`CALLER`], [`QUIET_REQUEST`], [`QUIET_LOAD`], [`LOADER`], [`ASKED`]; and [`LINE`] times the
    /// lines that the kernel printed in it.
    pub why: u64,
}

/// The process is a helper or descends from one.
pub const HELPER: u64 = 1;
/// The thread's request or helper call was seen, but not its return.
pub const CALLER: u64 = 2;

/// The thread's request is left out, up to its helper call.
pub const QUIET_REQUEST: u64 = 4;
/// The thread's load is left out.
pub const QUIET_LOAD: u64 = 8;
/// The thread loads a module.
pub const LOADER: u64 = 16;
/// The thread has requested a module, and the kernel function that did so for it was not seen to return.
pub const ASKED: u64 = 32;
/// One line that the kernel printed during that load.
pub const LINE: u64 = 1 << 32;

/// The loader's settings; constant once loaded.
#[unsafe(no_mangle)]
pub static SETTINGS: Global<Settings> = Global::new(Settings::EMPTY);

/// The offsets of what the programs about devices read; constant once loaded.
#[unsafe(no_mangle)]
pub static DEVICE_OFFSETS: Global<DeviceOffsets> = Global::new(DeviceOffsets::UNKNOWN);
