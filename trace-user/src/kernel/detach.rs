//! Leaves the detaching of probes to a separate process, so that nobody waits for it.
//!
//! In: what keeps probes attached. Out: nothing. A child releases it; the child holds no other descriptor, no terminal
//! and no working directory, and exits.
//!
//! The kernel removes trampolines one after another, under a lock, and waits for a grace period for each (some 100 ms:
//! kernel/bpf/trampoline.c `bpf_trampoline_unlink_prog`, 5.10 to 7.2). Nothing is done in that time, but a shell would
//! have no prompt and a terminal would not be restored. The next process that attaches waits for the same lock, so the
//! child pauses before it releases: a modtrail that is started in that time finds the trampolines in place.
//!
//! In a PID namespace of its own modtrail waits. When the first process of such a namespace ends, it waits in its exit
//! for all the others, and on 6.1 a grace period of RCU tasks waits for that exit (kernel/pid_namespace.c
//! `zap_pid_ns_processes`). A child that waits for a grace period there would never end, and no probe on this machine
//! could be detached any more.

use crate::kernel::snapshot;
use std::fs;
use std::io::{PipeReader, pipe};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

/// How long the child pauses, in seconds.
const PAUSE: libc::c_uint = 1;

/// Releases `links` without waiting for what the kernel does then. If no process can be created, or if it could not
/// end, the caller waits.
pub fn leave(links: Vec<OwnedFd>) {
    let can_leave = !links.is_empty() && snapshot::is_in_first_pid_namespace();
    let Some((gone, here)) = pipe().ok().filter(|_| can_leave) else { return };
    let kept = |descriptor: &RawFd| {
        *descriptor == gone.as_raw_fd() || links.iter().any(|link| link.as_raw_fd() == *descriptor)
    };
    let others: Vec<RawFd> = descriptors().into_iter().filter(|descriptor| !kept(descriptor)).collect();
    fork(&gone, &others);
    // The child releases last: it waits for the other end of the pipe to be closed.
    drop(links);
    drop(here);
}

/// The most descriptors that this process has had, if it cannot see which it has.
const DESCRIPTORS: RawFd = 1_024;

/// The descriptors of this process. One that has capabilities of its file's may not list them: then, all that it could
/// have.
fn descriptors() -> Vec<RawFd> {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return (0..DESCRIPTORS).collect() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Makes the child.
#[expect(unsafe_code, reason = "no library forks without running another program")]
fn fork(gone: &PipeReader, others: &[RawFd]) {
    // SAFETY: the child only makes system calls: it takes no lock, and no memory that another thread may hold.
    if unsafe { libc::fork() } != 0 {
        return;
    }
    let mut byte = [0_u8; 1];
    // SAFETY: as above. The descriptors are numbers, the name ends with a NUL, and `byte` has room for what is read.
    // Errors change nothing: the child ends all the same.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, c"modtrail-detach".as_ptr());
        for descriptor in others {
            libc::close(*descriptor);
        }
        libc::setsid();
        libc::chdir(c"/".as_ptr());
        libc::read(gone.as_raw_fd(), byte.as_mut_ptr().cast(), 1);
        libc::sleep(PAUSE);
        libc::_exit(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::path::{Path, PathBuf};
    use std::thread;
    use std::time::{Duration, Instant};

    #[test]
    fn what_is_left_is_closed_by_another_process_soon() {
        let (mut reader, writer) = pipe().unwrap();
        let (mut unrelated, held) = pipe().unwrap();
        leave(vec![writer.into()]);
        // In a PID namespace of its own modtrail creates no child: `leave` has closed everything.
        let child = snapshot::is_in_first_pid_namespace().then(child);
        if let Some(child) = &child {
            // What was left to it, and the end of the pipe that signals when to release.
            let descriptors = || fs::read_dir(child.join("fd")).map_or(0, Iterator::count);
            wait_until(|| {
                descriptors() == 2 && fs::read_link(child.join("cwd")).is_ok_and(|path| path == Path::new("/"))
            });
        }
        drop(held);
        let mut rest = Vec::new();
        assert_eq!(unrelated.read_to_end(&mut rest).unwrap(), 0, "the child does not hold what is not left to it");
        assert_eq!(reader.read_to_end(&mut rest).unwrap(), 0, "the child ends, and with it the last writer");
        if let Some(child) = child {
            wait_until(|| !fs::read_to_string(child.join("stat")).is_ok_and(|stat| !stat.contains(") Z")));
        }
    }

    /// The child's folder in `/proc`.
    fn child() -> PathBuf {
        let children = fs::read_to_string("/proc/thread-self/children").expect("the kernel lists children");
        let mut folders = children.split_whitespace().map(|child| Path::new("/proc").join(child));
        folders.next().expect("a child")
    }

    fn wait_until(is_so: impl Fn() -> bool) {
        let limit = Instant::now() + Duration::from_secs(10);
        while !is_so() {
            assert!(Instant::now() < limit, "it never came to be so");
            thread::sleep(Duration::from_millis(1));
        }
    }
}
