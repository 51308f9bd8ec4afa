//! What tracing costs: the kernel's statistics of each program's runs, and what modtrail itself uses.
//!
//! In: what the edge read. Out: values for reports and screens.

use std::sync::Arc;
use trace_common::kind::Kind;
use trace_common::time::Nanos;

/// What tracing has cost up to an instant. Only established while somebody asks: keeping statistics takes time itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Costs {
    /// Of each moment that is seen.
    pub probes: Arc<[ProbeCost]>,
    /// Processor time that modtrail has used since it was started, in user space and in the kernel; `None` if it cannot
    /// be read.
    pub processor: Option<Nanos>,
    /// Bytes of memory that modtrail has resident; `None` if they cannot be read.
    pub resident: Option<u64>,
}

/// What the programs of one moment cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeCost {
    /// The moment.
    pub moment: Kind,
    /// How often they ran while statistics were kept.
    pub runs: u64,
    /// How long that took (`run_time_ns` of `struct bpf_prog_info`, from 5.1).
    pub time: Nanos,
}

impl ProbeCost {
    /// How long one run took on average; `None` if there was none.
    #[must_use]
    pub fn per_run(&self) -> Option<Nanos> {
        self.time.as_nanos().checked_div(self.runs).map(Nanos::new)
    }
}

impl Costs {
    /// The cost of a moment; `None` if it is not known.
    #[must_use]
    pub fn of(&self, moment: Kind) -> Option<ProbeCost> {
        self.probes.iter().find(|cost| cost.moment == moment).copied()
    }
}
