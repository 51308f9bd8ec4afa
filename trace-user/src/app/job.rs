//! Job control: modtrail is stopped by whoever uses its terminal, and goes on later.
//!
//! In: signals. Out: which of them came; this process, stopped.

use super::failure::Failure;
use super::session::{listen, received};
use tokio::signal::unix::{Signal, SignalKind};

/// What a shell wants of one of its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobSignal {
    /// It is to stop.
    Stop,
    /// It was stopped, and goes on.
    Continue,
}

/// The signals of job control.
pub struct JobSignals {
    stop: Option<Signal>,
    cont: Option<Signal>,
}

impl JobSignals {
    /// Starts to listen to those that are not ignored.
    ///
    /// # Errors
    /// [`Failure`] if the system does not allow it.
    pub fn new() -> Result<Self, Failure> {
        let on = |number| listen(SignalKind::from_raw(number));
        Ok(Self { stop: on(libc::SIGTSTP)?, cont: on(libc::SIGCONT)? })
    }

    /// Whether this process can be stopped from its terminal.
    #[must_use]
    pub const fn can_stop(&self) -> bool {
        self.stop.is_some()
    }

    /// Waits for one.
    pub async fn next(&mut self) -> JobSignal {
        tokio::select! {
            () = received(&mut self.stop) => JobSignal::Stop,
            () = received(&mut self.cont) => JobSignal::Continue,
        }
    }
}

/// Stops this process until it is continued. If nobody could continue it, because no shell started it as a job, the
/// kernel does not stop it (kernel/signal.c `is_current_pgrp_orphaned`, 5.10 to 7.3): SIGSTOP would.
#[expect(unsafe_code, reason = "no library stops a process in the kernel's own way")]
pub fn stop() {
    // SAFETY: all zeros is the kernel's own way of handling a signal, without flags.
    let own: libc::sigaction = unsafe { std::mem::zeroed() };
    let mut before = own;
    // SAFETY: both are whole, and how the signal was handled before is set again. Nothing else sets it at this time:
    // listeners are made before the first frame.
    unsafe {
        libc::sigaction(libc::SIGTSTP, &raw const own, &raw mut before);
        libc::raise(libc::SIGTSTP);
        libc::sigaction(libc::SIGTSTP, &raw const before, std::ptr::null_mut());
    }
}
