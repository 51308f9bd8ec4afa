//! The command that is traced. Its process is made before modtrail gives its rights up, and waits until the probes are
//! attached: the command has the rights of whoever started modtrail.
//!
//! In: the command as typed. Out: a process that waits, then the command's end.

use super::failure::Failure;
use crate::kernel::ring::watch;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, waitpid};
use std::ffi::{CString, c_char};
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _, pipe};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use tokio::io::unix::AsyncFd;

/// A process that will execute the command, and ends if modtrail ends first.
#[derive(Debug)]
pub struct Held {
    program: String,
    process: Pid,
    /// A byte in it lets the process go on.
    gate: PipeWriter,
    /// Closed by a successful execution; the error's number otherwise.
    answer: PipeReader,
}

/// A command that runs.
#[derive(Debug)]
pub struct Running {
    process: Pid,
    /// Readable once the process has ended.
    watched: AsyncFd<OwnedFd>,
}

impl Held {
    /// Makes the process; `None` if no command is wanted. No other thread may exist yet.
    ///
    /// # Errors
    /// [`Failure`] if the command holds a NUL, or the system makes no process.
    pub fn new(command: &[String]) -> Result<Option<Self>, Failure> {
        let Some(program) = command.first() else { return Ok(None) };
        let failed = |error: io::Error| cannot_run(program, &error);
        let words = command.iter().map(|word| CString::new(word.as_str()));
        let words = words.collect::<Result<Vec<_>, _>>().map_err(|error| failed(error.into()))?;
        let (waits, gate) = pipe().map_err(failed)?;
        let (answer, answers) = pipe().map_err(failed)?;
        let mut arguments: Vec<*const c_char> = words.iter().map(|word| word.as_ptr()).collect();
        arguments.push(std::ptr::null());
        let process = fork(&arguments, (waits.as_raw_fd(), gate.as_raw_fd()), answers.as_raw_fd()).map_err(failed)?;
        Ok(Some(Self { program: program.clone(), process, gate, answer }))
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.process.as_raw_nonzero().get().unsigned_abs()
    }

    /// Executes the command.
    ///
    /// # Errors
    /// [`Failure`] with what the system answered.
    pub fn start(mut self) -> Result<Running, Failure> {
        let failed = |error: io::Error| cannot_run(&self.program, &error);
        match self.gate.write_all(&[1]) {
            // A signal has ended it while it waited: its end is the command's.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written.map_err(failed)?,
        }
        let mut number = Vec::new();
        self.answer.read_to_end(&mut number).map_err(failed)?;
        if let Ok(number) = <[u8; 4]>::try_from(number.as_slice()) {
            // It has ended by itself.
            let _ = waitpid(Some(self.process), WaitOptions::empty());
            return Err(failed(io::Error::from_raw_os_error(i32::from_ne_bytes(number))));
        }
        let descriptor = pidfd_open(self.process, PidfdFlags::empty()).map_err(|error| failed(error.into()))?;
        let watched = watch(descriptor).map_err(failed)?;
        Ok(Running { process: self.process, watched })
    }
}

fn cannot_run(program: &str, error: &io::Error) -> Failure {
    Failure::input_output(&format!("cannot run {program}"), error)
}

impl Running {
    /// Sends it a signal; it may have just ended by itself.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(self.process, signal);
    }

    /// Waits for its end; `None` if the system does not say how it ended. It may be cancelled.
    pub async fn ended(&self) -> Option<ExitStatus> {
        loop {
            let mut ready = self.watched.readable().await.ok()?;
            match waitpid(Some(self.process), WaitOptions::NOHANG).ok()? {
                Some((_, status)) => return Some(ExitStatus::from_raw(status.as_raw())),
                None => ready.clear_ready(),
            }
        }
    }
}

/// Makes the process that waits at `gate` (its end to read, and modtrail's), then executes the command; an error's
/// number goes to `answers`.
#[expect(unsafe_code, reason = "no library makes a process that waits before it executes a program")]
fn fork(arguments: &[*const c_char], gate: (RawFd, RawFd), answers: RawFd) -> io::Result<Pid> {
    // Whoever ignores it does not learn how a child ended.
    // SAFETY: no code runs at the signal.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    // SAFETY: the child only makes system calls: it takes no lock, and allocates nothing.
    let process = unsafe { libc::fork() };
    if process != 0 {
        return Pid::from_raw(process).filter(|_| process > 0).ok_or_else(io::Error::last_os_error);
    }
    let mut byte = [0_u8; 1];
    // SAFETY: as above. The descriptors are numbers; `byte` has room for what is read; `arguments` are texts that end
    // with a NUL, and the last of them is null. Rust ignores SIGPIPE, which the command would inherit.
    unsafe {
        libc::close(gate.1);
        loop {
            match libc::read(gate.0, byte.as_mut_ptr().cast(), 1) {
                1 => break,
                -1 if *libc::__errno_location() == libc::EINTR => {}
                _ => libc::_exit(0),
            }
        }
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        if let [program, ..] = arguments {
            libc::execvp(*program, arguments.as_ptr());
        }
        let number = (*libc::__errno_location()).to_ne_bytes();
        libc::write(answers, number.as_ptr().cast(), number.len());
        libc::_exit(127);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &[&str]) -> Result<Option<ExitStatus>, Failure> {
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        let held = Held::new(&command)?.expect("a command");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { Ok(held.start()?.ended().await) })
    }

    #[test]
    fn a_command_runs_once_it_is_let_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("made").display().to_string();
        let held = Held::new(&["touch".to_owned(), file.clone()]).expect("a process").expect("a command");
        assert!(!std::path::Path::new(&file).exists());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let status = runtime.block_on(async { held.start().expect("it runs").ended().await });
        assert!(status.is_some_and(|status| status.success()) && std::path::Path::new(&file).exists());
    }

    #[test]
    fn its_end_is_passed_on() {
        assert_eq!(run(&["sh", "-c", "exit 7"]).expect("it runs").and_then(|status| status.code()), Some(7));
        assert_eq!(run(&["sh", "-c", "kill -9 $$"]).expect("it runs").and_then(|status| status.signal()), Some(9));
        assert!(run(&["/nowhere/at/all"]).is_err() && run(&["a\0b"]).is_err());
    }

    #[test]
    fn without_modtrail_it_does_not_run() {
        let held = Held::new(&["false".to_owned()]).expect("a process").expect("a command");
        let process = held.process;
        drop(held);
        let (_, status) = waitpid(Some(process), WaitOptions::empty()).expect("a child").expect("its end");
        assert_eq!(status.exit_status(), Some(0));
    }
}
