//! Programs that the kernel did not run although their hook fired, because the same program was just running on that
//! CPU (a task was preempted in it) or another held it up.
//!
//! In: the attached programs. Out: how many such misses there were since the last look. The kernel counts them from
//! 5.12 on (`recursion_misses`, kernel/bpf/syscall.c `bpf_prog_show_fdinfo`); before, there is nothing to read.

use aya::Ebpf;
use std::fs;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::PathBuf;

/// The counters of the attached programs.
#[derive(Debug)]
pub struct Misses {
    programs: Vec<PathBuf>,
    seen: u64,
}

impl Misses {
    /// Of all programs that are loaded now.
    #[must_use]
    pub fn of(ebpf: &Ebpf) -> Self {
        let descriptors = ebpf.programs().filter_map(|(_, program)| program.fd().ok());
        let paths = descriptors.map(|fd| format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd()).into());
        Self { programs: paths.collect(), seen: 0 }
    }

    /// How many runs were missed since the last look.
    pub fn take(&mut self) -> u64 {
        let total: u64 =
            self.programs.iter().filter_map(|path| fs::read_to_string(path).ok()).filter_map(|text| count(&text)).sum();
        let new = total.saturating_sub(self.seen);
        self.seen = total;
        new
    }
}

/// The counter in what the kernel shows of a program.
fn count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("recursion_misses:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_found_among_the_others() {
        let text = "pos:\t0\nprog_type:\t26\nrun_cnt:\t0\nrecursion_misses:\t42\nverified_insns:\t9\n";
        assert_eq!(count(text), Some(42));
        assert_eq!(count("pos:\t0\nprog_type:\t26\n"), None);
    }
}
