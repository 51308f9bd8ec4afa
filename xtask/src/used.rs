//! What a running process uses, from `/proc`.
//!
//! In: the number of a process. Out: its processor time and its resident memory; nothing once it is gone.

use std::fs;
use std::time::Duration;

/// The processor time that a process has taken so far, to a hundredth of a second.
pub fn processor_time(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // proc(5): utime and stime are the 14th and 15th field, in hundredths of a second; the second may hold spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(ticks * 10))
}

/// The memory that a process has resident, in bytes.
pub fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))?;
    kibibytes.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::{processor_time, resident};

    #[test]
    fn this_process_uses_something() {
        let own = std::process::id();
        assert!(resident(own).is_some_and(|bytes| bytes > 100_000));
        assert!(processor_time(own).is_some());
        assert_eq!((processor_time(u32::MAX), resident(u32::MAX)), (None, None));
    }
}
