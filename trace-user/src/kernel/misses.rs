//! Hooks that fired without their probe being run, as the kernel counts them.
//!
//! In: the attached programs. Out: for each moment, how many runs were skipped and how many returns had no place, since
//! the last look. Skipped: the same program was running on that CPU, in a task that was preempted (`recursion_misses`, from
//! 5.12, kernel/bpf/syscall.c `bpf_prog_show_fdinfo`). Without a place: more calls were open at once than a return probe
//! has places for (`missed` of a perf event's link, from 6.7, kernel/bpf/syscall.c `bpf_perf_link_fill_kprobe`). Before these
//! versions there is nothing to read.

use super::hooks::{LADDERS, Ladder, Mechanism};
use crate::event::Lost;
use aya::Ebpf;
use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsFd as _, AsRawFd as _, RawFd};
use std::path::PathBuf;
use trace_common::kind::Kind;

/// The counters of the attached programs.
#[derive(Debug, Default)]
pub struct Misses {
    /// What the kernel shows of each program.
    programs: Vec<(Kind, PathBuf)>,
    /// The links of kprobes and return probes, and what each may miss. They live as long as the attached programs.
    kprobes: Vec<(Lost, RawFd)>,
    seen: BTreeMap<Lost, u64>,
}

impl Misses {
    /// Of all programs that are attached now.
    #[must_use]
    pub fn of(ebpf: &Ebpf) -> Self {
        let mut misses = Self::default();
        let mut kprobes: BTreeMap<u32, Lost> = BTreeMap::new();
        let programs = |ladder: &'static Ladder| ladder.rungs.iter().flat_map(|rung| rung.programs);
        for (ladder, program) in
            LADDERS.iter().flat_map(|ladder| programs(ladder).map(move |program| (ladder, program)))
        {
            let moment = ladder.moment;
            let Some(loaded) = ebpf.program(program.name).and_then(|loaded| loaded.fd().ok()) else { continue };
            let path = format!("/proc/self/fdinfo/{}", loaded.as_fd().as_raw_fd()).into();
            let is_known = misses.programs.iter().any(|(_, known)| *known == path);
            // Where a kprobe shows the moment too, what the return probe misses is not missing.
            let is_backed = programs(ladder).any(|other| {
                other.mechanism == Mechanism::Kprobe && ebpf.program(other.name).is_some_and(|other| other.fd().is_ok())
            });
            let lost = match program.mechanism {
                Mechanism::Kprobe => Some(Lost::Unrun(moment)),
                Mechanism::Kretprobe => Some(Lost::Unreturned(moment)).filter(|_| !is_backed),
                Mechanism::BtfTracepoint | Mechanism::RawTracepoint | Mechanism::Fentry | Mechanism::Fexit => None,
            };
            if let Some(lost) = lost.filter(|_| !is_known) {
                let id = fs::read_to_string(&path).ok().and_then(|text| number(&text, "prog_id:"));
                kprobes.extend(id.and_then(|id| u32::try_from(id).ok()).map(|id| (id, lost)));
            }
            if !is_known {
                misses.programs.push((moment, path));
            }
        }
        misses.kprobes = links().filter_map(|link| Some((*kprobes.get(&info(link)?.program)?, link))).collect();
        misses
    }

    /// How many runs were missed since the last look, by what they were.
    pub fn take(&mut self) -> Vec<(Lost, u64)> {
        let mut totals: BTreeMap<Lost, u64> = BTreeMap::new();
        for (moment, path) in &self.programs {
            let count = fs::read_to_string(path).ok().and_then(|text| number(&text, "recursion_misses:")).unwrap_or(0);
            *totals.entry(Lost::Unrun(*moment)).or_default() += count;
        }
        for (lost, link) in &self.kprobes {
            *totals.entry(*lost).or_default() += info(*link).map_or(0, |info| info.missed);
        }
        let mut new = Vec::new();
        for (lost, total) in totals {
            let before = self.seen.insert(lost, total).unwrap_or(0);
            if total > before {
                new.push((lost, total - before));
            }
        }
        new
    }
}

/// The descriptors of this process that are links of eBPF programs.
fn links() -> impl Iterator<Item = RawFd> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let target = fs::read_link(entry.path()).ok()?;
        let is_link = matches!(target.to_str(), Some("anon_inode:bpf_link" | "anon_inode:bpf-link"));
        entry.file_name().to_str().filter(|_| is_link)?.parse().ok()
    })
}

/// What is asked of a link.
struct Info {
    program: u32,
    missed: u64,
}

/// `struct bpf_link_info` of a link whose perf event is a kprobe (include/uapi/linux/bpf.h, 6.7 to 7.3), as words of eight
/// bytes: type and id, program, type of the event, name, length and offset, address, `missed`, cookie.
type LinkInfo = [u64; 8];
const PROGRAM: usize = 1;
const MISSED: usize = 6;

/// What the kernel tells of a link; `None` where it tells nothing.
#[expect(unsafe_code, reason = "no library wraps this call")]
fn info(link: RawFd) -> Option<Info> {
    const BPF_OBJ_GET_INFO_BY_FD: libc::c_int = 15;
    #[repr(C)]
    struct Attributes {
        descriptor: u32,
        length: u32,
        info: u64,
    }
    let mut words: LinkInfo = [0; 8];
    let mut attributes = Attributes {
        descriptor: u32::try_from(link).ok()?,
        length: u32::try_from(size_of::<LinkInfo>()).ok()?,
        info: words.as_mut_ptr() as u64,
    };
    // SAFETY: the kernel reads `attributes` and writes at most `length` bytes to `words`, both of which live through the call.
    let answer =
        unsafe { libc::syscall(libc::SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &raw mut attributes, size_of::<Attributes>()) };
    let program = u32::try_from(words.get(PROGRAM)? & 0xffff_ffff).ok()?;
    (answer == 0).then_some(Info { program, missed: *words.get(MISSED)? })
}

/// The number behind `name` in what the kernel shows of a program.
fn number(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_found_among_the_others() {
        let text = "pos:\t0\nprog_type:\t26\nprog_id:\t7\nrecursion_misses:\t42\nverified_insns:\t9\n";
        assert_eq!((number(text, "recursion_misses:"), number(text, "prog_id:")), (Some(42), Some(7)));
        assert_eq!(number("pos:\t0\nprog_type:\t26\n", "recursion_misses:"), None);
    }

    #[test]
    fn a_descriptor_that_is_no_link_tells_nothing() {
        assert!(info(0).is_none() && info(-1).is_none());
    }
}
