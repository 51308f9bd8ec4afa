//! A thread that is stuck, as the kernel shows it: its kernel stack, or that it no longer exists.
//!
//! In: `/proc/PID/task/TID/stack`, which root may read, and `/proc/PID/stat`. Out: a fact.

use crate::clock;
use crate::kernel::names::is_start;
use crate::kernel::snapshot;
use modtrail_core::event::{Body, Event, Fact, STACK_FRAMES, Task};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The thread's kernel stack at this instant, empty if it cannot be read; or that the thread is gone. If the numbers of
/// processes are not the kernel's, nothing is reported.
#[must_use]
pub fn sample(task: Task) -> Option<Event> {
    snapshot::own_process()?;
    let process = format!("/proc/{}", task.key.tgid.0);
    let thread = format!("{process}/task/{}", task.tid.0);
    let stack = parse(&fs::read_to_string(format!("{thread}/stack")).unwrap_or_default());
    let is_gone = match fs::read_to_string(format!("{process}/stat")) {
        Ok(stat) => !is_start(&stat, task.key.start.as_nanos()) || !Path::new(&thread).exists(),
        // Some users cannot see which processes exist, but they can see that a given one does.
        Err(_) => is_missing(task.key.tgid.0),
    };
    let fact = if is_gone { Fact::Gone { thread: task } } else { Fact::Stuck { thread: task.tid, stack } };
    Some(Event { at: clock::now(), body: Body::Fact(fact) })
}

/// Whether the kernel knows no process of this number.
fn is_missing(process: u32) -> bool {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH))
}

/// The functions in lines like `[<0>] do_nanosleep+0x67/0x160`; a frame without a symbol is an address, and left out.
fn parse(text: &str) -> Arc<[Arc<str>]> {
    let name = |line: &str| line.split_once("] ").and_then(|(_, rest)| rest.split('+').next()).map(Arc::from);
    text.lines().filter_map(name).filter(|name: &Arc<str>| !name.starts_with("0x")).take(STACK_FRAMES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_missing_when_nobody_knows_it() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        assert!(!is_missing(child.id()), "not reaped yet");
        child.wait().unwrap();
        assert!(is_missing(child.id()) && !is_missing(1));
    }

    #[test]
    fn functions_are_kept_without_their_offsets() {
        let text = "[<0>] hrtimer_nanosleep+0xb3/0x1a0\n[<0>] do_syscall_64+0x58/0x80\nbroken\n";
        let names: Vec<String> = parse(text).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["hrtimer_nanosleep", "do_syscall_64"]);
        assert!(parse("").is_empty());
    }
}
