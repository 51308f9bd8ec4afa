//! Threads that are stuck, as the kernel shows them: their kernel stacks, or that they no longer exist.
//!
//! In: threads; an iterator over the kernel's tasks, or `/proc/PID/task/TID/stack`, which takes CAP_SYS_ADMIN; and
//! `/proc/PID/stat`. Out: facts.

use crate::clock;
use crate::kernel::bpf::{self, Type};
use crate::kernel::btf::{TASK_ITERATOR, Types};
use crate::kernel::names::is_start;
use crate::kernel::object::{Object, Overrides};
use crate::kernel::snapshot;
use aya::maps::{Array, Map, MapData};
use modtrail_core::event::{Body, Event, Fact, STACK_FRAMES, Task};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use trace_common::ids::Tid;
use trace_common::limits::STUCK_AT_ONCE;
use trace_common::settings::UNKNOWN;
use trace_common::stuck::Stuck;
use zerocopy::{FromBytes as _, IntoBytes as _};

/// The iterator's program, built for this architecture.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/stack"));

/// What shows kernel stacks.
pub enum Stacks {
    /// The kernel's iterator over tasks.
    Iterator(TaskIterator),
    /// `/proc`, and why the iterator cannot be used.
    Proc(String),
}

/// An iterator over tasks, ready to be read.
pub struct TaskIterator {
    wanted: Array<MapData, [u32; STUCK_AT_ONCE]>,
    /// Keeps the program.
    link: OwnedFd,
}

impl Stacks {
    /// The iterator if this kernel has it, otherwise `/proc`.
    #[must_use]
    pub fn open(types: &Types) -> Self {
        TaskIterator::load(types).map_or_else(Self::Proc, Self::Iterator)
    }

    /// The kernel stack of each thread at this instant, empty if it cannot be read; or that the thread is gone. At most
    /// [`STUCK_AT_ONCE`] threads are looked at. If the numbers of processes are not the kernel's, nothing is reported.
    /// `name` names the function at an address; a frame without a name is left out.
    pub fn sample(&mut self, tasks: &[Task], mut name: impl FnMut(u64) -> Option<Arc<str>>) -> Vec<Event> {
        if snapshot::own_process().is_none() || tasks.is_empty() {
            return Vec::new();
        }
        let tasks = tasks.get(..STUCK_AT_ONCE).unwrap_or(tasks);
        let stacks = match self {
            Self::Iterator(iterator) => iterator.read(tasks).unwrap_or_default(),
            Self::Proc(_) => BTreeMap::new(),
        };
        let mut stack = |task: &Task| match self {
            Self::Iterator(_) => {
                let frames = stacks.get(&task.tid).into_iter().flatten();
                frames.filter_map(|address| name(*address)).collect()
            }
            Self::Proc(_) => parse(&fs::read_to_string(format!("{}/stack", folder(task))).unwrap_or_default()),
        };
        let fact = |task: &Task| match is_gone(task) {
            true => Fact::Gone { thread: *task },
            false => Fact::Stuck { thread: task.tid, stack: stack(task) },
        };
        let facts: Vec<Fact> = tasks.iter().map(fact).collect();
        let at = clock::now();
        facts.into_iter().map(|fact| Event { at, body: Body::Fact(fact) }).collect()
    }
}

impl TaskIterator {
    fn load(types: &Types) -> Result<Self, String> {
        let of = types.function(TASK_ITERATOR)?;
        let offset = types.offsets.task_pid;
        if offset == UNKNOWN {
            return Err("the kernel's BTF does not say where a thread's number is".to_owned());
        }
        let constants = vec![("TASK_PID", offset.as_bytes())];
        let object = Object::open(OBJECT, &Overrides { constants, sizes: Vec::new() });
        let mut object = object.map_err(|error| error.to_string())?;
        let loaded = object.load("stack_of", Type::Iterator { of });
        let program = loaded.ok_or("the object does not hold the program")?.map_err(|refused| refused.to_string())?;
        let link = bpf::attach_iterator(program.as_fd()).map_err(|answer| answer.to_string())?;
        let wanted = object.take_map("WANTED").filter(|map| matches!(map, Map::Array(_)));
        let wanted = wanted.and_then(|map| Array::try_from(map).ok()).ok_or("the object does not hold the map")?;
        Ok(Self { wanted, link })
    }

    fn read(&mut self, tasks: &[Task]) -> io::Result<BTreeMap<Tid, Vec<u64>>> {
        let mut wanted = [0; STUCK_AT_ONCE];
        wanted.iter_mut().zip(tasks).for_each(|(wanted, task)| *wanted = task.tid.0);
        self.wanted.set(0, wanted, 0).map_err(io::Error::other)?;
        let mut bytes = Vec::new();
        bpf::iterate(self.link.as_fd())?.read_to_end(&mut bytes)?;
        Ok(bytes.chunks_exact(size_of::<Stuck>()).filter_map(frames).collect())
    }
}

/// A thread and the addresses on its kernel stack.
fn frames(bytes: &[u8]) -> Option<(Tid, Vec<u64>)> {
    let stuck = Stuck::read_from_bytes(bytes).ok()?;
    let count = usize::try_from(stuck.bytes).ok()? / size_of::<u64>();
    Some((Tid(stuck.tid), stuck.frames.get(..count)?.to_vec()))
}

/// The thread's folder in `/proc`.
fn folder(task: &Task) -> String {
    format!("/proc/{}/task/{}", task.key.tgid.0, task.tid.0)
}

fn is_gone(task: &Task) -> bool {
    match fs::read_to_string(format!("/proc/{}/stat", task.key.tgid.0)) {
        Ok(stat) => !is_start(&stat, task.key.start.as_nanos()) || !Path::new(&folder(task)).exists(),
        // Some users cannot see which processes exist, but they can see that a given one does.
        Err(_) => is_missing(task.key.tgid.0),
    }
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

    #[test]
    fn what_the_iterator_wrote_is_read_as_far_as_it_is_filled() {
        let mut stuck = Stuck { tid: 7, bytes: 16, frames: [0; STACK_FRAMES] };
        stuck.frames[..2].copy_from_slice(&[3, 4]);
        assert_eq!(frames(stuck.as_bytes()), Some((Tid(7), vec![3, 4])));
        for bytes in [-14, 8 * STACK_FRAMES as i32 + 8] {
            assert_eq!(frames(Stuck { bytes, ..stuck }.as_bytes()), None);
        }
        assert_eq!(frames(&[1, 2, 3]), None);
    }
}
