//! Runs the user's command at each alert, with the alert's facts in the environment, without ever holding up tracing to
//! wait for it.

use modtrail_core::alert::losses::LossNotice;
use modtrail_core::alert::rules::Notice;
use modtrail_core::alert::text::{kind, number, state};
use std::io;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Commands that may run at once. If a further alert's command is not started, that is reported.
const RUNNING: usize = 16;

/// The sink.
#[derive(Debug)]
pub struct Exec {
    command: String,
    running: Vec<Child>,
}

/// Why a command did not run.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// Too many still run.
    #[error("cannot run the alert's command: {RUNNING} earlier ones still run")]
    Busy,
    /// The system refused.
    #[error("cannot run the alert's command")]
    Start(#[source] io::Error),
}

impl Exec {
    /// Will run `command` with `sh -c`.
    #[must_use]
    pub const fn new(command: String) -> Self {
        Self { command, running: Vec::new() }
    }

    /// Starts the command for one alert, with its facts: see [`facts`] and [`loss_facts`].
    ///
    /// # Errors
    /// [`ExecError`] if it is not started.
    pub fn run(&mut self, facts: Vec<(&'static str, String)>) -> Result<(), ExecError> {
        self.running.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if self.running.len() >= RUNNING {
            return Err(ExecError::Busy);
        }
        let child = Command::new("sh")
            .args(["-c", &self.command])
            .envs(facts)
            .stdin(Stdio::null())
            // stdout is the alerts' own.
            .stdout(io::stderr())
            .spawn()
            .map_err(ExecError::Start)?;
        self.running.push(child);
        Ok(())
    }
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
        ("MODTRAIL_ENDED_BY", text(notice.ended_by)),
        ("MODTRAIL_VERDICT", text(notice.verdict.map(|verdict| verdict.as_str()))),
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
