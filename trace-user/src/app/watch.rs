//! `modtrail watch`: alerts while something is stuck, and when it ends.

use super::config::limit;
use super::failure::Failure;
use super::output::{self, Destination, Output, Written};
use super::runtime;
use super::session::{Session, Signals, Until, report_gaps};
use crate::cli::{SinkChoice, WatchArgs};
use crate::sinks::exec::{self, Exec};
use crate::stderr;
use modtrail_core::alert::losses::{LossAlerts, LossLines};
use modtrail_core::alert::rules::{Alerts, Limits};
use modtrail_core::alert::text;
use modtrail_core::alert::urgent::FindingAlerts;
use modtrail_core::entities::Change;
use modtrail_core::event::Fact;
use modtrail_core::model::Model;
use modtrail_core::record::read::Integrity;
use std::ops::ControlFlow;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] if it cannot be done.
pub fn run(args: &WatchArgs) -> Result<ExitCode, Failure> {
    // Before there is another thread, and before rights are given up.
    let exec = args.exec.as_deref().map(Exec::new).transpose();
    let exec = exec.map_err(|error| Failure::input_output("cannot start", &error))?;
    let limit = limit(args.limit)?;
    let limits = Limits { default: limit, named: args.limit_for.iter().cloned().collect() };
    let mut watcher = Watcher {
        alerts: Alerts::about(limits, args.matching.clone().unwrap_or_default()),
        losses: LossAlerts::default(),
        findings: FindingAlerts::about(args.matching.clone().unwrap_or_default()),
        lines: LossLines::default(),
        sink: args.sink,
        output: output::stdout(),
        exec,
        failure: None,
    };
    let outcome = runtime()?.block_on(async {
        let signals = Signals::new()?;
        let until = Until::default();
        let mut session = Session::begin(&args.trace, None, &until)?;
        session.sample_stalls(args.limit_for.iter().fold(limit, |least, (_, limit)| least.min(*limit)));
        stderr::say(format_args!(
            "watching; a request, load, helper call or firmware request that is open for {limit} is an alert"
        ));
        session.run(until, signals, |change, model| watcher.on(change, model)).await
    });
    let model = outcome?.model;
    let finished = watcher.output.finish();
    report_gaps(&model, Integrity::default());
    match watcher.failure {
        Some(failure) => Err(failure),
        None => finished.map(|()| ExitCode::SUCCESS),
    }
}

struct Watcher {
    alerts: Alerts,
    losses: LossAlerts,
    findings: FindingAlerts,
    lines: LossLines,
    sink: SinkChoice,
    output: Output<Destination>,
    exec: Option<Exec>,
    failure: Option<Failure>,
}

impl Watcher {
    /// Checks for alerts when time has moved, since all that is open is reported then, and when tracing ends.
    fn on(&mut self, change: &Change, model: &Model) -> ControlFlow<()> {
        if !matches!(change, Change::Now(_) | Change::Fact { fact: Fact::End, .. }) {
            return ControlFlow::Continue(());
        }
        self.lines.step(model).iter().for_each(stderr::say);
        let written = self.output.pass_on();
        self.note(written)?;
        let is_json = self.sink == SinkChoice::StdoutJson;
        for notice in self.alerts.step(model) {
            let text = if is_json { text::json_line(&notice, model) } else { text::line(&notice, model) };
            self.report(&text, exec::facts(&notice))?;
        }
        for notice in self.findings.step(model) {
            let text =
                if is_json { text::finding_json_line(&notice, model) } else { text::finding_line(&notice, model) };
            self.report(&text, exec::finding_facts(&notice))?;
        }
        for notice in self.losses.step(model) {
            let text = if is_json { text::loss_json_line(&notice, model) } else { text::loss_line(&notice, model) };
            self.report(&text, exec::loss_facts(&notice))?;
        }
        ControlFlow::Continue(())
    }

    fn report(&mut self, text: &str, facts: Vec<(&'static str, String)>) -> ControlFlow<()> {
        if let Some(exec) = &mut self.exec
            && let Err(error) = exec.run(&facts)
        {
            stderr::say(stderr::chain(&error));
        }
        let written = self.output.line(text);
        self.note(written)
    }

    fn note(&mut self, written: Result<Written, Failure>) -> ControlFlow<()> {
        match written {
            Ok(Written::Out) => ControlFlow::Continue(()),
            Ok(Written::Closed) => ControlFlow::Break(()),
            Err(failure) => {
                self.failure = Some(failure);
                ControlFlow::Break(())
            }
        }
    }
}
