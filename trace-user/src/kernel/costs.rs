//! What tracing costs, as the kernel counts it.
//!
//! In: the attached programs, `/proc/self`. Out: [`Costs`]. The kernel keeps statistics of all eBPF programs on the
//! machine, but only while somebody holds them open: they cost some nanoseconds per run.

use super::attach::Attached;
use super::bpf;
use crate::clock;
use modtrail_core::event::{Costs, ProbeCost};
use std::fs;
use std::os::fd::{AsFd as _, OwnedFd};
use trace_common::time::Nanos;

/// The kernel keeps statistics while this lives.
#[derive(Debug)]
pub struct Statistics {
    /// `None` if the kernel does not allow it, which requires CAP_SYS_ADMIN: runs are not counted then.
    kept: Option<OwnedFd>,
}

impl Statistics {
    /// Makes the kernel keep statistics from now on.
    #[must_use]
    pub fn open() -> Self {
        Self { kept: bpf::enable_stats().ok() }
    }

    /// What has been counted up to now.
    #[must_use]
    pub fn read(&self, attached: &Attached) -> Costs {
        let mut probes: Vec<ProbeCost> = Vec::new();
        for held in attached.programs().filter(|_| self.kept.is_some()) {
            // One that cannot be read is left out: that does not mean that it never ran.
            let Ok(counted) = bpf::counters(held.program.as_fd()) else { continue };
            let (runs, time) = (counted.runs, Nanos::new(counted.run_ns));
            match probes.iter_mut().find(|cost| cost.moment == held.moment) {
                Some(cost) => {
                    cost.runs = cost.runs.saturating_add(runs);
                    cost.time = Nanos::new(cost.time.as_nanos().saturating_add(counted.run_ns));
                }
                None => probes.push(ProbeCost { moment: held.moment, runs, time }),
            }
        }
        Costs { probes: probes.into(), processor: Some(clock::processor_time()), resident: resident() }
    }
}

/// The memory that this process has resident, in bytes; `None` if `/proc` does not show it.
#[must_use]
pub fn resident() -> Option<u64> {
    parse(&fs::read_to_string("/proc/self/status").ok()?)
}

/// `VmRSS:     9216 kB`
fn parse(status: &str) -> Option<u64> {
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    kibibytes.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_in_bytes() {
        assert_eq!(parse("Name:\tmodtrail\nVmRSS:\t    9216 kB\n"), Some(9_437_184));
        assert_eq!((parse("VmRSS:\t9216\n"), parse("")), (None, None));
        assert!(resident().is_some_and(|bytes| bytes > 100_000));
    }
}
