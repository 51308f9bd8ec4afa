//! Wait status words: how a process ended.
//!
//! In: a status word. Out: a [`WaitStatus`], and text.

/// A wait status word (wait(2)): an exit code, or the signal that killed the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WaitStatus(pub i32);

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

impl WaitStatus {
    /// It exited with 0.
    pub const SUCCESS: Self = Self(0);
    /// It exited with 1: the only exit code of a modprobe that failed.
    pub const EXIT_1: Self = Self(1 << 8);

    /// It exited with 0.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::SUCCESS
    }

    /// Its exit code; `None` if a signal killed it.
    #[must_use]
    pub fn exit_code(self) -> Option<i32> {
        self.signal().is_none().then_some((self.0 >> 8) & 0xff)
    }

    /// The number of the signal that killed it; `None` if it exited.
    #[must_use]
    pub fn signal(self) -> Option<i32> {
        Some(self.0 & 0x7f).filter(|signal| *signal != 0)
    }

    /// As short text: `exit 1`, `SIGKILL`.
    #[must_use]
    pub fn text(self) -> String {
        match self.signal() {
            Some(signal) => signal_text(signal),
            None => format!("exit {}", self.exit_code().unwrap_or_default()),
        }
    }

    /// As the rest of a sentence about the process: `exited 1`, `was killed by SIGKILL`.
    #[must_use]
    pub fn words(self) -> String {
        match self.signal() {
            Some(signal) => format!("was killed by {}", signal_text(signal)),
            None => format!("exited {}", self.exit_code().unwrap_or_default()),
        }
    }
}

/// A signal as short text: its name, or its number if it has no name.
fn signal_text(signal: i32) -> String {
    let place = usize::try_from(signal).ok().and_then(|signal| signal.checked_sub(1));
    match place.and_then(|place| SIGNALS.get(place)) {
        Some(name) => (*name).to_owned(),
        None => format!("signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_and_signals_are_distinguished() {
        assert_eq!(WaitStatus::EXIT_1.text(), "exit 1");
        assert_eq!(WaitStatus(9).words(), "was killed by SIGKILL");
        assert_eq!(WaitStatus(0x8b).text(), "SIGSEGV");
        assert_eq!([WaitStatus(34).text(), WaitStatus(31).text()], ["signal 34", "SIGSYS"]);
        assert_eq!((WaitStatus(0x8b).exit_code(), WaitStatus(256).signal()), (None, None));
    }
}
