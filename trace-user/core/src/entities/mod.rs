//! What the correlator joins events into: requests, helper calls, loads, unloads, firmware requests, devices and
//! suspend cycles, and the changes to them that it reports.
//!
//! Values only. An `Option` that is `None` was not seen; nothing here is guessed. Durations are on the clock that
//! stops in suspend unless stated otherwise.

pub mod asleep;
pub mod call;
pub mod change;
pub mod cycle;
pub mod device;
pub mod firmware;
pub mod ids;
pub mod load;
pub mod request;
pub mod slot;
pub mod timed;
pub mod unload;
pub mod verdict;

pub use asleep::{asleep, lasted};
pub use call::Call;
pub use change::Change;
pub use cycle::{Cycle, CycleId, CycleKind, CycleVerdict, Met, PhaseSpan, Stretch};
pub use device::Device;
pub use firmware::{Firmware, FirmwareId, Lock, LockState};
pub use ids::{CallId, DeviceId, LoadId, RequestId, UnloadId};
pub use load::{Load, LoadedFile};
pub use request::{Duplicates, Gap, Request, SatisfiedBy, Served, TurnedAway};
pub use slot::{SLOT_LIMIT, SLOTS, Slot};
pub use timed::Timed;
pub use unload::Unload;
pub use verdict::Verdict;
