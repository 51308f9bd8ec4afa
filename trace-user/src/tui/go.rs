//! Where things lead to: pages, and rows of screens.

use modtrail_core::entities::{CallId, CycleId, FirmwareId, LoadId, RequestId};
use modtrail_core::findings::Kind;
use modtrail_core::model::duplicates::Sameness;
use trace_common::time::Ktime;

/// What has a page of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A request.
    Request(RequestId),
    /// A suspend cycle.
    Cycle(CycleId),
    /// A load.
    Load(LoadId),
    /// A helper call that serves no request.
    Call(CallId),
    /// A request for firmware.
    Firmware(FirmwareId),
    /// A group of duplicates.
    Group(Sameness, u64),
    /// A finding.
    Finding(FindingId),
}

/// What a row, a number or a name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Go {
    /// Its page.
    Page(Target),
    /// The rows of a screen that match a filter.
    Rows {
        /// The screen's title.
        screen: &'static str,
        /// The filter as it would be typed; empty for all rows.
        filter: String,
        /// The heading of the column that they are sorted by; `None` if they stay as they are.
        sort: Option<&'static str>,
    },
}

impl Go {
    /// The rows of a screen that match a filter.
    #[must_use]
    pub const fn rows(screen: &'static str, filter: String) -> Self {
        Self::Rows { screen, filter, sort: None }
    }
}

/// What identifies a finding while it lasts: its sentence may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FindingId {
    /// When it began, on the clock that does not stop in suspend.
    pub at: Ktime,
    /// Its kind.
    pub kind: Kind,
    /// Its place among those of its kind that began with it.
    pub place: usize,
}
