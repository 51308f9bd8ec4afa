//! The numbers in which the kernel answers, as names and words: errnos, signals and wait status words.
//!
//! In: a number. Out: text. The numbers are those of amd64 and arm64 (asm-generic), and the kernel's own errnos above
//! 511, which user space never sees.

/// `-EBUSY`: what a helper call gets while helpers are disabled (kernel/umh.c `call_usermodehelper_exec`, 5.10 to 7.3).
pub const EBUSY: i32 = -16;
/// `-EEXIST`: the module is live already (kernel/module/main.c `add_unformed_module`, 5.10 to 7.3), or its own init
/// returned it.
pub const EEXIST: i32 = -17;
/// `-ERESTARTSYS`: what a helper call returns to a caller that was killed while it waited (kernel/umh.c, 5.10 to 7.3).
pub const ERESTARTSYS: i32 = -512;

/// Number, name, meaning.
const ERRNOS: [(u32, &str, &str); 63] = [
    (1, "EPERM", "operation not permitted"),
    (2, "ENOENT", "no such file or directory"),
    (3, "ESRCH", "no such process"),
    (4, "EINTR", "interrupted"),
    (5, "EIO", "input/output error"),
    (6, "ENXIO", "no such device or address"),
    (7, "E2BIG", "argument list too long"),
    (8, "ENOEXEC", "not in an executable format"),
    (9, "EBADF", "bad file descriptor"),
    (10, "ECHILD", "no child processes"),
    (11, "EAGAIN", "try again"),
    (12, "ENOMEM", "out of memory"),
    (13, "EACCES", "permission denied"),
    (14, "EFAULT", "bad address"),
    (16, "EBUSY", "device or resource busy"),
    (17, "EEXIST", "exists already"),
    (18, "EXDEV", "link between file systems"),
    (19, "ENODEV", "no such device"),
    (20, "ENOTDIR", "not a directory"),
    (21, "EISDIR", "is a directory"),
    (22, "EINVAL", "invalid argument"),
    (23, "ENFILE", "too many open files in the system"),
    (24, "EMFILE", "too many open files"),
    (25, "ENOTTY", "inappropriate ioctl"),
    (26, "ETXTBSY", "file is being written"),
    (27, "EFBIG", "file too large"),
    (28, "ENOSPC", "no space left on device"),
    (30, "EROFS", "read-only file system"),
    (31, "EMLINK", "too many links"),
    (32, "EPIPE", "broken pipe"),
    (33, "EDOM", "argument out of domain"),
    (34, "ERANGE", "result out of range"),
    (35, "EDEADLK", "would deadlock"),
    (36, "ENAMETOOLONG", "name too long"),
    (38, "ENOSYS", "not implemented"),
    (39, "ENOTEMPTY", "directory not empty"),
    (40, "ELOOP", "too many symbolic links"),
    (61, "ENODATA", "no data available"),
    (62, "ETIME", "timer expired"),
    (71, "EPROTO", "protocol error"),
    (74, "EBADMSG", "bad message"),
    (75, "EOVERFLOW", "value too large"),
    (83, "ELIBBAD", "corrupted shared library"),
    (92, "ENOPROTOOPT", "protocol not available"),
    (93, "EPROTONOSUPPORT", "protocol not supported"),
    (95, "EOPNOTSUPP", "operation not supported"),
    (97, "EAFNOSUPPORT", "address family not supported"),
    (98, "EADDRINUSE", "address in use"),
    (105, "ENOBUFS", "no buffer space"),
    (110, "ETIMEDOUT", "timed out"),
    (111, "ECONNREFUSED", "connection refused"),
    (114, "EALREADY", "under way already"),
    (115, "EINPROGRESS", "in progress"),
    (116, "ESTALE", "stale file handle"),
    (123, "ENOMEDIUM", "no medium found"),
    (125, "ECANCELED", "cancelled"),
    (126, "ENOKEY", "required key not available"),
    (127, "EKEYEXPIRED", "key has expired"),
    (128, "EKEYREVOKED", "key has been revoked"),
    (129, "EKEYREJECTED", "key was rejected"),
    (512, "ERESTARTSYS", "interrupted by a signal"),
    (517, "EPROBE_DEFER", "probing deferred"),
    (524, "ENOTSUPP", "not supported"),
];

/// Signals by number, from 1.
const SIGNALS: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// How a process ended, from its wait status word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this code.
    Exited(i32),
    /// This signal killed it.
    Killed(i32),
}

/// The name of an errno, given as it is or negated: `ENOENT`.
#[must_use]
pub fn errno_name(errno: i32) -> Option<&'static str> {
    find(errno).map(|(_, name, _)| *name)
}

/// What an errno means, given as it is or negated: `no such file or directory`.
#[must_use]
pub fn errno_meaning(errno: i32) -> Option<&'static str> {
    find(errno).map(|(_, _, meaning)| *meaning)
}

/// The name of a signal: `SIGKILL`.
#[must_use]
pub fn signal_name(signal: i32) -> Option<&'static str> {
    let place = usize::try_from(signal).ok()?.checked_sub(1)?;
    SIGNALS.get(place).copied()
}

/// An errno as short text: its name, or its number where it has none.
#[must_use]
pub fn errno_text(errno: i32) -> String {
    errno_name(errno).map_or_else(|| format!("errno {}", errno.unsigned_abs()), str::to_owned)
}

/// An errno with its meaning: `ENOENT (no such file or directory)`.
#[must_use]
pub fn errno_words(errno: i32) -> String {
    match find(errno) {
        Some((_, name, meaning)) => format!("{name} ({meaning})"),
        None => errno_text(errno),
    }
}

/// A signal as short text: its name, or its number where it has none.
#[must_use]
pub fn signal_text(signal: i32) -> String {
    signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}

impl Ending {
    /// Reads a wait status word.
    #[must_use]
    pub const fn of(status: i32) -> Self {
        match status & 0x7f {
            0 => Self::Exited((status >> 8) & 0xff),
            signal => Self::Killed(signal),
        }
    }

    /// As short text: `exit 1`, `SIGKILL`.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Exited(code) => format!("exit {code}"),
            Self::Killed(signal) => signal_text(signal),
        }
    }

    /// As the rest of a sentence about the process: `exited 1`, `was killed by SIGKILL`.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Exited(code) => format!("exited {code}"),
            Self::Killed(signal) => format!("was killed by {}", signal_text(signal)),
        }
    }
}

fn find(errno: i32) -> Option<&'static (u32, &'static str, &'static str)> {
    let number = errno.unsigned_abs();
    ERRNOS.binary_search_by_key(&number, |(number, _, _)| *number).ok().and_then(|place| ERRNOS.get(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errnos_are_found_with_either_sign() {
        assert!(ERRNOS.is_sorted_by_key(|(number, _, _)| *number));
        assert_eq!(errno_name(-2), Some("ENOENT"));
        assert_eq!(errno_name(512), Some("ERESTARTSYS"));
        assert_eq!(errno_name(i32::MIN), None);
        assert_eq!(errno_words(-2), "ENOENT (no such file or directory)");
        assert_eq!(errno_words(-4000), "errno 4000");
    }

    #[test]
    fn signals_have_names() {
        assert_eq!(signal_name(9), Some("SIGKILL"));
        assert_eq!(signal_name(31), Some("SIGSYS"));
        assert_eq!([signal_name(0), signal_name(-1), signal_name(64)], [None; 3]);
        assert_eq!(signal_text(34), "signal 34");
    }

    #[test]
    fn wait_status_words_are_read() {
        assert_eq!(Ending::of(256).text(), "exit 1");
        assert_eq!(Ending::of(9).words(), "was killed by SIGKILL");
        assert_eq!(Ending::of(0x8b).text(), "SIGSEGV");
    }
}
