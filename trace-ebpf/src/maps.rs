//! The maps that the programs share with each other and with the loader.

use aya_ebpf::Global;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, PerCpuArray, RingBuf};
use trace_common::kind::Loss;
use trace_common::limits::{CALLERS as CALLERS_MAX, RING_BYTES, TRACKED};
use trace_common::settings::Settings;

/// Records on their way to user space.
#[map]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// What was lost, per CPU, by [`Loss`].
#[map]
pub static DROPS: PerCpuArray<u64> = PerCpuArray::with_max_entries(Loss::ALL.len() as u32, 0);

/// Helper processes and their descendants: process to start time on the boot clock.
#[map]
pub static HELPERS: HashMap<u32, u64> = HashMap::with_max_entries(TRACKED, 0);

/// Threads whose request or helper call was seen and not its return: thread to start time of its process.
#[map]
pub static CALLERS: HashMap<u32, u64> = HashMap::with_max_entries(CALLERS_MAX, 0);

/// What the loader says; constant from then on.
#[unsafe(no_mangle)]
pub static SETTINGS: Global<Settings> = Global::new(Settings::EMPTY);
