//! The kernel stack of a thread that is stuck, as the kernel shows it.
//!
//! In: `/proc/PID/task/TID/stack`, which root may read. Out: a fact.

use crate::clock;
use crate::event::{Body, Event, Fact, Task};
use std::fs;
use std::sync::Arc;

/// Frames kept.
const FRAMES: usize = 24;

/// The thread's kernel stack at this instant; empty where it cannot be read, or the thread is gone.
#[must_use]
pub fn sample(task: Task) -> Event {
    let path = format!("/proc/{}/task/{}/stack", task.key.tgid.0, task.tid.0);
    let stack = parse(&fs::read_to_string(path).unwrap_or_default());
    Event { at: clock::now(), body: Body::Fact(Fact::Stuck { thread: task.tid, stack }) }
}

/// The functions in lines like `[<0>] do_nanosleep+0x67/0x160`.
fn parse(text: &str) -> Arc<[Arc<str>]> {
    let name = |line: &str| line.split_once("] ").and_then(|(_, rest)| rest.split('+').next()).map(Arc::from);
    text.lines().filter_map(name).take(FRAMES).collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn functions_are_kept_without_their_offsets() {
        let text = "[<0>] hrtimer_nanosleep+0xb3/0x1a0\n[<0>] do_syscall_64+0x58/0x80\nbroken\n";
        let names: Vec<String> = parse(text).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["hrtimer_nanosleep", "do_syscall_64"]);
        assert!(parse("").is_empty());
    }
}
