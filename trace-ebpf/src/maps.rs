//! The maps that the programs share with each other and with the loader.

use aya_ebpf::Global;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, PerCpuArray, RingBuf};
use trace_common::kind::Loss;
use trace_common::limits::{RING_BYTES, TRACKED};
use trace_common::settings::Settings;

/// Records on their way to user space.
#[map]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// What was lost, per CPU, by [`Loss`].
#[map]
pub static DROPS: PerCpuArray<u64> = PerCpuArray::with_max_entries(Loss::ALL.len() as u32, 0);

/// The tasks that are watched, by thread; a process by its first thread.
#[map]
pub static TASKS: HashMap<u32, Watched> = HashMap::with_max_entries(TRACKED, 0);

/// Why a task is watched.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Watched {
    /// When its process started, on the boot clock: a pid that now belongs to another process is not watched.
    pub start: u64,
    /// Bits: [`HELPER`], [`CALLER`].
    pub why: u64,
}

/// The process is a helper or descends from one.
pub const HELPER: u64 = 1;
/// The thread's request or helper call was seen, but not its return.
pub const CALLER: u64 = 2;

/// The loader's settings; constant once loaded.
#[unsafe(no_mangle)]
pub static SETTINGS: Global<Settings> = Global::new(Settings::EMPTY);
