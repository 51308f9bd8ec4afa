//! What the kernel answers: return values, wait status words and errnos as types, so that one is never mistaken for
//! another.
//!
//! In: integers as probes report them. Out: values with names.

mod errno;
mod wait_status;

pub use errno::Errno;
pub use wait_status::WaitStatus;

/// The return value of a kernel function that returns zero or a negative errno. A module's init may return more than
/// zero, which the kernel treats as success (kernel/module/main.c `do_init_module`, 5.10 to 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ReturnCode(pub i32);

/// What `call_usermodehelper_exec` returned (kernel/umh.c, 5.10 to 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallResult {
    /// For a caller that waits for the helper's end: how the helper ended. For every other caller it is zero, which
    /// only means that nothing has failed so far.
    Status(WaitStatus),
    /// There is no helper, or the caller no longer waits for it.
    Failed(Errno),
}

impl ReturnCode {
    /// Nothing failed.
    pub const OK: Self = Self(0);

    /// Why it failed; `None` if it did not.
    #[must_use]
    pub const fn error(self) -> Option<Errno> {
        Errno::from_return(self.0)
    }

    /// It failed.
    #[must_use]
    pub const fn failed(self) -> bool {
        self.0 < 0
    }
}

impl CallResult {
    /// Nothing failed; with a status, the helper exited with 0.
    pub const OK: Self = Self::Status(WaitStatus::SUCCESS);

    /// From the value that the function returned.
    #[must_use]
    pub const fn from_return(value: i32) -> Self {
        match Errno::from_return(value) {
            Some(error) => Self::Failed(error),
            None => Self::Status(WaitStatus(value)),
        }
    }

    /// The value that the function returned.
    #[must_use]
    pub const fn as_return(self) -> i32 {
        match self {
            Self::Status(status) => status.0,
            Self::Failed(error) => error.as_return(),
        }
    }

    /// Why there is no helper, or why the caller no longer waits for it; `None` if the call did not fail.
    #[must_use]
    pub const fn error(self) -> Option<Errno> {
        match self {
            Self::Status(_) => None,
            Self::Failed(error) => Some(error),
        }
    }

    /// The status; `None` if the call failed.
    #[must_use]
    pub const fn status(self) -> Option<WaitStatus> {
        match self {
            Self::Status(status) => Some(status),
            Self::Failed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_returns_a_status_or_an_errno() {
        assert_eq!(CallResult::from_return(0), CallResult::OK);
        assert_eq!(CallResult::from_return(256).status(), Some(WaitStatus::EXIT_1));
        assert_eq!(CallResult::from_return(-16).error(), Some(Errno::EBUSY));
        for value in [i32::MIN, -16, 0, 256] {
            assert_eq!(CallResult::from_return(value).as_return(), value);
        }
    }

    #[test]
    fn an_init_that_returns_more_than_zero_did_not_fail() {
        assert_eq!((ReturnCode(5).failed(), ReturnCode(5).error()), (false, None));
        assert!(ReturnCode(-2).failed());
    }
}
