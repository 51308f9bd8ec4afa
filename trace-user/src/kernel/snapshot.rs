//! Facts about this machine at an instant: what it is, and which modules are live.
//!
//! In: `/proc` and the kernel's answers. Out: facts for the pipeline.

use crate::clock;
use modtrail_core::event::{Machine, Stamp};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use trace_common::ids::Tgid;

/// The machine, and the instant at which its wall clock was read.
#[must_use]
pub fn machine() -> (Machine, Stamp) {
    let uname = rustix::system::uname();
    let at = clock::now();
    let machine = Machine {
        boot_id: fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned(),
        release: uname.release().to_string_lossy().into_owned(),
        arch: uname.machine().to_string_lossy().into_owned(),
        hostname: uname.nodename().to_string_lossy().into_owned(),
        cpus: std::thread::available_parallelism().map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(u32::MAX)),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        wall_ns: clock::wall_ns(),
    };
    (machine, at)
}

/// The folder of this kernel's modules and their indexes, from the root of the helpers.
#[must_use]
pub fn modules_folder() -> PathBuf {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    PathBuf::from("/lib/modules").join(release)
}

/// The root in which the kernel's helpers run, if it is not this process's own: that of the first process, whose
/// `fs_struct` the kernel's threads share (init/main.c `rest_init`, 5.10 to 7.3). A process that was started in the
/// initramfs keeps the root that it had there. `None` in a container, where the first process is another, or if it
/// cannot be read.
#[must_use]
pub fn other_root() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    own_process()?;
    let (own, first) = (fs::metadata("/").ok()?, fs::metadata(FIRST_ROOT).ok()?);
    ((own.dev(), own.ino()) != (first.dev(), first.ino())).then(|| PathBuf::from(FIRST_ROOT))
}

/// The root of the first process.
const FIRST_ROOT: &str = "/proc/1/root";

/// The names of the modules that are live now.
///
/// # Errors
/// What the system answers for `/proc/modules`, which is absent on a kernel without modules.
pub fn live_modules() -> io::Result<Arc<[Arc<str>]>> {
    Ok(live_names(&fs::read_to_string("/proc/modules")?))
}

/// The kernel's version, major and minor; zeros if it has no known format.
#[must_use]
pub fn kernel_version(release: &str) -> (u32, u32) {
    let mut numbers =
        release.split(|character: char| !character.is_ascii_digit()).map(|word| word.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Whether tasks can be preempted in this kernel, so that one task's probe can be interrupted by another's on the same
/// CPU. If the mode in force cannot be read, the mode that the kernel was built with is used instead.
#[must_use]
pub fn is_preemptible() -> bool {
    match fs::read_to_string("/sys/kernel/debug/sched/preempt") {
        Ok(modes) => preempts(&modes),
        Err(_) => rustix::system::uname().version().to_string_lossy().contains("PREEMPT"),
    }
}

/// The value of `kernel.perf_event_paranoid` if it is so high that Debian's kernels let nobody open performance events,
/// which kprobes are, without CAP_SYS_ADMIN (`perf_paranoid_any`, a patch of Debian's, 5.10 to 7.2).
#[must_use]
pub fn paranoia() -> Option<i32> {
    let value = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").ok()?.trim().parse().ok()?;
    (value > 2).then_some(value)
}

/// Whether the kernel hides its memory from root (lockdown): nothing can be traced then.
#[must_use]
pub fn is_locked_down() -> bool {
    fs::read_to_string("/sys/kernel/security/lockdown").is_ok_and(|modes| modes.contains("[confidentiality]"))
}

/// `none voluntary (full) lazy`: the mode in force is in parentheses (kernel/sched/debug.c, 6.1 to 7.3).
fn preempts(modes: &str) -> bool {
    modes.contains("(full)") || modes.contains("(lazy)")
}

/// `name size references users state address` a line.
fn live_names(text: &str) -> Arc<[Arc<str>]> {
    let mut names: Vec<Arc<str>> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let name = words.next()?;
            (words.nth(3) == Some("Live")).then(|| name.into())
        })
        .collect();
    names.sort();
    names.into()
}

/// modtrail's process as probes see it; `None` in a pid or time namespace of its own, since the kernel's numbers of
/// processes, or the instants of their starts, differ from those in `/proc` there.
#[must_use]
pub fn own_process() -> Option<Tgid> {
    let initial = is_in_first_pid_namespace() && is_initial("time", TIME_NAMESPACE);
    initial.then(|| Tgid(std::process::id()))
}

/// The signals that this process ignores, the first in the lowest bit; none if that cannot be read.
#[must_use]
pub fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Whether this process is in the kernel's first PID namespace, not in a container's.
#[must_use]
pub fn is_in_first_pid_namespace() -> bool {
    is_initial("pid", PID_NAMESPACE)
}

/// The numbers of the initial namespaces (include/linux/proc_ns.h `PROC_PID_INIT_INO`, `PROC_TIME_INIT_INO`, 5.10 to
/// 7.3).
const PID_NAMESPACE: u32 = 0xeffffffc;
const TIME_NAMESPACE: u32 = 0xeffffffa;

/// Whether this process is in the kernel's first namespace of a kind. A kernel without such namespaces has no other.
fn is_initial(kind: &str, number: u32) -> bool {
    match fs::read_link(format!("/proc/self/ns/{kind}")) {
        Ok(namespace) => namespace.as_os_str() == format!("{kind}:[{number}]").as_str(),
        Err(_) => PathBuf::from("/proc/self").exists(),
    }
}

/// How often the kernel was asked to suspend (kernel/power/main.c `suspend_stats`, 5.10 to 7.3); zero if it does not
/// say.
#[must_use]
pub fn suspend_attempts() -> u64 {
    let count = |name| fs::read_to_string(format!("/sys/power/suspend_stats/{name}")).ok()?.trim().parse().ok();
    ["success", "fail"].into_iter().filter_map(count).fold(0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_live_modules_count_as_live() {
        let text = "can_raw 20480 0 - Live 0x0\nslow 16384 1 - Loading 0x0 (OE+)\ncan 24576 1 can_raw, Live 0x0\n\
                    old 1 0 - Unloading 0x0\nbroken\n";
        assert_eq!(*live_names(text), [Arc::from("can"), Arc::from("can_raw")]);
    }

    #[test]
    fn the_mode_in_force_counts() {
        assert!(preempts("none voluntary (full)\n") && preempts("full (lazy)\n"));
        assert!(!preempts("none (voluntary) full\n"));
    }

    #[test]
    fn releases_are_read_as_numbers() {
        assert_eq!(kernel_version("6.12.117+deb12-amd64"), (6, 12));
        assert_eq!(kernel_version("5.10.0-44-amd64"), (5, 10));
        assert_eq!(kernel_version("odd"), (0, 0));
    }
}
