//! Why the program ends without doing what was asked: one sentence, a hint, and the exit status.

use crate::kernel::attach::AttachError;
use crate::kernel::{object, snapshot};
use crate::recording::read::FileReadError;
use crate::recording::target::FileWriteError;
use crate::source::live::LiveError;
use crate::stderr::{self, chain};
use std::error::Error;
use std::io;
use std::process::ExitCode;

/// Wrong usage.
const USAGE: u8 = 2;
/// This kernel cannot be traced, or not by this user.
const CANNOT_TRACE: u8 = 3;
/// Input or output failed.
const INPUT_OUTPUT: u8 = 4;

/// The end.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    status: u8,
    sentence: String,
    hint: Option<&'static str>,
}

impl Failure {
    /// The command line makes no sense.
    #[must_use]
    pub fn usage(sentence: &str) -> Self {
        Self { status: USAGE, sentence: sentence.to_owned(), hint: Some("modtrail --help shows what there is") }
    }

    /// The configuration is wrong, or cannot be read.
    #[must_use]
    pub fn configuration(cause: &(dyn Error + 'static)) -> Self {
        Self { status: USAGE, sentence: chain(cause), hint: Some("modtrail config init shows every key") }
    }

    /// Tracing is impossible here, because of `cause`.
    #[must_use]
    pub fn cannot_trace(what: &str, cause: &(dyn Error + 'static)) -> Self {
        Self { status: CANNOT_TRACE, sentence: format!("{what}: {}", chain(cause)), hint: None }
    }

    /// Input or output failed.
    #[must_use]
    pub fn input_output(what: &str, cause: &(dyn Error + 'static)) -> Self {
        Self { status: INPUT_OUTPUT, sentence: format!("{what}: {}", chain(cause)), hint: None }
    }

    /// There is no terminal to draw on.
    #[must_use]
    pub fn no_terminal() -> Self {
        Self {
            status: INPUT_OUTPUT,
            sentence: "cannot show the dashboard: standard output is not a terminal".to_owned(),
            hint: Some("modtrail log or modtrail report write plain text"),
        }
    }

    /// The same, with another exit status.
    #[must_use]
    pub fn with_status(self, status: u8) -> Self {
        Self { status, ..self }
    }

    /// Prints it on stderr and returns the exit status.
    #[must_use]
    pub fn report(&self) -> ExitCode {
        stderr::say(&self.sentence);
        if let Some(hint) = self.hint {
            stderr::line(format_args!("hint: {hint}"));
        }
        ExitCode::from(self.status)
    }
}

impl From<LiveError> for Failure {
    fn from(error: LiveError) -> Self {
        let hint = live_hint(&error);
        Self { status: CANNOT_TRACE, sentence: chain(&error), hint: Some(hint) }
    }
}

impl From<FileReadError> for Failure {
    fn from(error: FileReadError) -> Self {
        let hint = match &error {
            FileReadError::Open { .. }
            | FileReadError::Changed { .. }
            | FileReadError::Empty { .. }
            | FileReadError::Double { .. } => None,
            FileReadError::Foreign { .. } => Some("modtrail record -o FILE writes recordings"),
        };
        Self { status: INPUT_OUTPUT, sentence: chain(&error), hint }
    }
}

impl From<FileWriteError> for Failure {
    fn from(error: FileWriteError) -> Self {
        let hint = match &error {
            FileWriteError::Create { .. } | FileWriteError::Unfit { .. } => None,
            FileWriteError::Incomplete { .. } | FileWriteError::Write { .. } => {
                Some("what was flushed before can be read: modtrail report shows it")
            }
        };
        Self { status: INPUT_OUTPUT, sentence: chain(&error), hint }
    }
}

fn live_hint(error: &LiveError) -> &'static str {
    let is_root = rustix::process::geteuid().is_root();
    // Root is denied some hooks on kernels that lack the others: then the lack is what counts.
    if denied(error) || (!is_root && matches!(error, LiveError::Attach(AttachError::Blind { denied: true, .. }))) {
        return if is_root {
            "the kernel denies eBPF to root here: look for lockdown, a container, or a seccomp filter; a recording made \
             elsewhere can be read without rights"
        } else {
            "run it as root, or with CAP_BPF and CAP_PERFMON; reading a recording needs no rights"
        };
    }
    match error {
        LiveError::Attach(AttachError::Blind { .. } | AttachError::Load(_)) | LiveError::Ring(_)
            if object::lacks_descriptors() =>
        {
            "modtrail can need 512 open files, and this process may not have as many: raise its limit (ulimit -n 512)"
        }
        LiveError::Attach(AttachError::Blind { .. }) if snapshot::is_locked_down() => {
            "the kernel is locked down for confidentiality (/sys/kernel/security/lockdown): probes may not read its memory; \
             boot it without lockdown=confidentiality, or read a recording made elsewhere"
        }
        LiveError::Attach(AttachError::Blind { .. }) => {
            "this kernel has no modules (CONFIG_MODULES) or no hooks on them (BTF trampolines or CONFIG_KPROBES); \
             modtrail doctor lists what was tried; cargo xtask run shows modtrail in a guest"
        }
        LiveError::Attach(AttachError::Load(_) | AttachError::GivenUp) | LiveError::Ring(_) | LiveError::Wait(_) => {
            "modtrail needs Linux 5.8 or newer with eBPF; modtrail doctor says more"
        }
    }
}

/// Whether the kernel answered that it is not allowed.
fn denied(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let answer = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if answer == Some(io::ErrorKind::PermissionDenied) {
            return true;
        }
        next = error.source();
    }
    false
}
