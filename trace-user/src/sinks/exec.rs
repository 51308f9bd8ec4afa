//! Runs the user's command at each alert, with the alert's facts in the environment, without ever holding up tracing to
//! wait for it.
//!
//! In: the command, the facts of each alert. Out: `sh -c` in a process that has no capabilities. A process of its own
//! starts it, which is made before modtrail keeps itself from getting rights: the command may run programs that become
//! another user or group, such as those that send mail.

use crate::{rights, stderr};
use modtrail_core::alert::losses::LossNotice;
use modtrail_core::alert::rules::Notice;
use modtrail_core::alert::text::{kind, number, state};
use modtrail_core::alert::urgent::FindingNotice;
use modtrail_core::stall::Timeout;
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};
use rustix::process::setpgid;
use rustix::stdio::{dup2_stdout, stderr as standard_error};
use rustix::thread::set_name;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// Commands that may run at once. If a further alert's command is not started, that is reported.
const RUNNING: usize = 16;
/// The most bytes of an alert's facts.
const MESSAGE: usize = 16 * 1024;

/// The sink.
#[derive(Debug)]
pub struct Exec {
    starter: OwnedFd,
}

/// Why a command did not run.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The process that starts it could not be made.
    #[error("cannot make a process that runs the alerts' command")]
    Starter(#[source] Errno),
    /// The process that starts it cannot be reached.
    #[error("cannot run the alert's command")]
    Send(#[source] Errno),
}

impl Exec {
    /// Will run `command` with `sh -c`. No other thread may exist yet.
    ///
    /// # Errors
    /// [`ExecError::Starter`] with what the system answered.
    pub fn new(command: &str) -> Result<Self, ExecError> {
        let sockets = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
        let (starter, alerts) = sockets.map_err(ExecError::Starter)?;
        let exec = fork(starter, alerts, command).map_err(ExecError::Starter)?;
        // It answers when it has given up its rights.
        let mut answer = [0; size_of::<i32>()];
        match recv(&exec.starter, &mut answer[..], RecvFlags::empty()) {
            Ok((length, _)) if length == answer.len() => match i32::from_ne_bytes(answer) {
                0 => Ok(exec),
                number => Err(ExecError::Starter(Errno::from_raw_os_error(number))),
            },
            Ok(_) => Err(ExecError::Starter(Errno::PIPE)),
            Err(error) => Err(ExecError::Starter(error)),
        }
    }

    /// Has the command started for one alert, with its facts: see [`facts`] and [`loss_facts`].
    ///
    /// # Errors
    /// [`ExecError::Send`] if that cannot be asked for. That the command itself did not start is reported on stderr.
    pub fn run(&mut self, facts: &[(&'static str, String)]) -> Result<(), ExecError> {
        let message = facts.iter().map(|(name, value)| format!("{name}={}\0", value.replace('\0', " ")));
        let message: String = message.collect();
        let bytes = message.as_bytes();
        let bytes = bytes.get(..MESSAGE).unwrap_or(bytes);
        match send(&self.starter, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(_) => Ok(()),
            Err(answer) => Err(ExecError::Send(answer)),
        }
    }
}

/// Makes the process that starts commands: it ends when `starter` is closed.
#[expect(unsafe_code, reason = "no library forks without running another program")]
fn fork(starter: OwnedFd, alerts: OwnedFd, command: &str) -> Result<Exec, Errno> {
    // SAFETY: there is one thread, as the caller promises: the child may do what any process may.
    match unsafe { libc::fork() } {
        0 => {
            drop(starter);
            serve(&alerts, command);
            // SAFETY: it ends the process; nothing of it is needed any more, and what is buffered is its parent's.
            unsafe { libc::_exit(0) }
        }
        -1 => Err(io::Error::last_os_error().raw_os_error().map_or(Errno::AGAIN, Errno::from_raw_os_error)),
        _ => Ok(Exec { starter }),
    }
}

/// Starts the command once per message, until modtrail closes the socket.
fn serve(alerts: &OwnedFd, command: &str) {
    let kept_none = rights::keep_none();
    let number = kept_none.err().map_or(0, Errno::raw_os_error);
    if send(alerts, &number.to_ne_bytes(), SendFlags::NOSIGNAL).is_err() || number != 0 {
        return;
    }
    // What stops modtrail lets it report its last alerts, and lets their commands finish.
    let _ = set_name(c"modtrail-exec");
    let _ = setpgid(None, None);
    let before = ENDING.map(|signal| handle(signal, libc::SIG_IGN));
    // stdout is the alerts' own.
    let _ = dup2_stdout(standard_error());
    let mut running: Vec<Child> = Vec::new();
    let mut room = [0; MESSAGE];
    loop {
        let length = match recv(alerts, &mut room[..], RecvFlags::empty()) {
            Ok((0, _)) => return,
            Ok((length, _)) => length,
            Err(Errno::INTR) => continue,
            Err(_) => return,
        };
        running.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if running.len() >= RUNNING {
            stderr::say(format_args!("cannot run the alert's command: {RUNNING} earlier ones still run"));
            continue;
        }
        match start(command, room.get(..length).unwrap_or_default(), before) {
            Ok(child) => running.push(child),
            Err(error) => stderr::say(format_args!("cannot run the alert's command: {error}")),
        }
    }
}

/// The signals that end modtrail.
const ENDING: [libc::c_int; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];

/// Starts the command for one message; the signals that end modtrail do to it what they did `before`.
#[expect(unsafe_code, reason = "no library sets how a command begins to handle signals")]
fn start(command: &str, message: &[u8], before: [libc::sighandler_t; 3]) -> io::Result<Child> {
    let message = String::from_utf8_lossy(message);
    let facts = message.split('\0').filter_map(|fact| fact.split_once('='));
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).envs(facts).stdin(Stdio::null());
    let as_before = move || {
        for (signal, how) in ENDING.into_iter().zip(before) {
            handle(signal, how);
        }
        Ok(())
    };
    // SAFETY: it only makes system calls.
    unsafe { shell.pre_exec(as_before) }.spawn()
}

/// Sets how a signal is handled, and returns how it was.
#[expect(unsafe_code, reason = "no library sets how signals are handled without a thread")]
fn handle(signal: libc::c_int, how: libc::sighandler_t) -> libc::sighandler_t {
    // SAFETY: `how` is one of the kernel's own ways, or was returned by this function: no code of ours runs.
    unsafe { libc::signal(signal, how) }
}

/// The notice as environment variables; what is not known is empty.
#[must_use]
pub fn facts(notice: &Notice) -> Vec<(&'static str, String)> {
    let text = |name: Option<&str>| name.unwrap_or_default().to_owned();
    vec![
        ("MODTRAIL_STATE", state(notice.standing).to_owned()),
        ("MODTRAIL_KIND", kind(notice.subject).to_owned()),
        ("MODTRAIL_ID", number(notice.subject).to_string()),
        ("MODTRAIL_ALIAS", text(notice.alias.as_deref())),
        ("MODTRAIL_MODULE", text(notice.module.as_deref())),
        ("MODTRAIL_COMM", notice.task.0.clone()),
        ("MODTRAIL_PID", notice.task.1.to_string()),
        ("MODTRAIL_AGE_NS", notice.age.as_nanos().to_string()),
        ("MODTRAIL_LIMIT_NS", notice.limit.as_nanos().to_string()),
        ("MODTRAIL_STUCK_IN", notice.stuck_in.clone()),
        ("MODTRAIL_ENDED_BY", text(notice.timeout.and_then(Timeout::end))),
        ("MODTRAIL_VERDICT", text(notice.verdict.map(|verdict| verdict.as_str()))),
        ("MODTRAIL_OUTCOME", text(notice.outcome.as_deref())),
    ]
}

/// The same, about a finding.
#[must_use]
pub fn finding_facts(notice: &FindingNotice) -> Vec<(&'static str, String)> {
    vec![
        ("MODTRAIL_STATE", state(notice.standing).to_owned()),
        ("MODTRAIL_KIND", notice.finding.kind.as_str().to_owned()),
        ("MODTRAIL_SENTENCE", notice.finding.sentence.clone()),
        ("MODTRAIL_NEXT", notice.finding.next.clone()),
    ]
}

/// The same, about a user whose events are being lost.
#[must_use]
pub fn loss_facts(notice: &LossNotice) -> Vec<(&'static str, String)> {
    vec![
        ("MODTRAIL_STATE", state(notice.standing).to_owned()),
        ("MODTRAIL_KIND", "lost".to_owned()),
        ("MODTRAIL_UID", notice.uid.to_string()),
        ("MODTRAIL_COMM", notice.comm.to_text()),
        ("MODTRAIL_COUNT", notice.count.to_string()),
    ]
}
