//! A thread that is stuck, as the kernel shows it: its kernel stack, or that it is there no more.
//!
//! In: `/proc/PID/task/TID/stack`, which root may read, and `/proc/PID/stat`. Out: a fact.

use crate::clock;
use crate::event::{Body, Event, Fact, STACK_FRAMES, Task};
use crate::kernel::snapshot;
use std::fs;
use std::io;
use std::sync::Arc;
use trace_common::time::Ktime;

/// `USER_HZ`, in which `/proc` tells times, in nanoseconds (the same on all machine types but alpha).
const CLOCK_TICK_NS: u64 = 10_000_000;

/// The thread's kernel stack at this instant, empty where it cannot be read; or that the thread is gone. In a pid namespace
/// the numbers that probes see are others, and nothing is told.
#[must_use]
pub fn sample(task: Task) -> Option<Event> {
    snapshot::own_process()?;
    let process = format!("/proc/{}", task.key.tgid.0);
    let thread = format!("{process}/task/{}", task.tid.0);
    let stack = parse(&fs::read_to_string(format!("{thread}/stack")).unwrap_or_default());
    let stat = fs::read_to_string(format!("{process}/stat"));
    let gone = is_anothers(task.key.start, &stat) || is_missing(&fs::metadata(&thread));
    let fact = if gone { Fact::Gone { thread: task } } else { Fact::Stuck { thread: task.tid, stack } };
    Some(Event { at: clock::now(), body: Body::Fact(fact) })
}

fn is_missing<T>(read: &io::Result<T>) -> bool {
    read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Whether the process with this `stat` is not the one that started then; one that started at zero is not known so well.
fn is_anothers(start: Ktime, stat: &io::Result<String>) -> bool {
    let Ok(stat) = stat else { return is_missing(stat) };
    let started = started(stat);
    start != Ktime::default() && started.is_some_and(|ticks| ticks != start.as_nanos() / CLOCK_TICK_NS)
}

/// When a process started, in clock ticks since boot: the twenty-second field of its `stat`, whose second, its name in
/// parentheses, may hold anything.
fn started(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// The functions in lines like `[<0>] do_nanosleep+0x67/0x160`.
fn parse(text: &str) -> Arc<[Arc<str>]> {
    let name = |line: &str| line.split_once("] ").and_then(|(_, rest)| rest.split('+').next()).map(Arc::from);
    text.lines().filter_map(name).take(STACK_FRAMES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_started_at_another_time_is_another() {
        let stat = "413 (a) b) S 2 0 0 0 -1 69238880 1 0 0 0 0 0 0 0 20 0 1 0 4177 0 0 18446744073709551615 0";
        assert_eq!(started(stat), Some(4_177));
        let read = || Ok(stat.to_owned());
        assert!(!is_anothers(Ktime::from_nanos(41_779_999_999), &read()));
        assert!(is_anothers(Ktime::from_nanos(41_780_000_000), &read()));
        assert!(!is_anothers(Ktime::default(), &read()));
        assert!(is_anothers(Ktime::default(), &Err(io::ErrorKind::NotFound.into())));
        assert!(!is_anothers(Ktime::from_nanos(1), &Err(io::ErrorKind::PermissionDenied.into())));
    }

    #[test]
    fn functions_are_kept_without_their_offsets() {
        let text = "[<0>] hrtimer_nanosleep+0xb3/0x1a0\n[<0>] do_syscall_64+0x58/0x80\nbroken\n";
        let names: Vec<String> = parse(text).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["hrtimer_nanosleep", "do_syscall_64"]);
        assert!(parse("").is_empty());
    }
}
