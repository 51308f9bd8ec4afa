//! The kernel's slots for requests, and whether a request holds one or waits for one.
//!
//! Values only. An `Option` that is `None` was not seen; nothing here is guessed. Durations are on the clock that stops
//! in suspend unless stated otherwise.

use trace_common::time::Nanos;

/// Requests that can be inside `__request_module` at once (`MAX_KMOD_CONCURRENT`, kernel/module/kmod.c, 5.10 to 7.3).
pub const SLOTS: usize = 50;

/// When no request waits for a slot any more: a second after the kernel's limit (`MAX_KMOD_ALL_BUSY_TIMEOUT`,
/// kernel/module/kmod.c, 5.10 to 7.3).
pub const SLOT_LIMIT: Nanos = Nanos::from_secs(6);

/// Whether a request holds one of the kernel's slots or waits for one (kernel/module/kmod.c `MAX_KMOD_CONCURRENT`, 5.10
/// to 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// It waits for one.
    Waiting,
    /// It holds one.
    Held,
}

impl Slot {
    /// As a filter names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Held => "held",
        }
    }
}
