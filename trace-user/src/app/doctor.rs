//! `modtrail doctor`: what each moment got on this kernel, what is lost, and what to do.

use super::failure::Failure;
use super::{output, resolve, runtime, session};
use crate::cli::DoctorArgs;
use crate::kernel::attach::{AttachError, Progress};
use crate::kernel::hooks::{LADDERS, NEEDED};
use crate::kernel::{policy, snapshot};
use crate::rights::{self, Kept, Needs};
use crate::source::live::{Live, LiveError};
use modtrail_core::event::{Body, Costs, Fact, Hook, Lost, Machine, Policy, Right, SelfTest};
use modtrail_core::report::plain::plain;
use modtrail_core::report::whole;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::Instant;
use trace_common::kind::Kind;
use trace_common::time::Nanos;

/// How long to wait for a proof that the probes fire.
const PROOF_LIMIT: Duration = Duration::from_secs(10);

/// Runs the command.
///
/// # Errors
/// [`Failure`] if nothing can be traced.
pub fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    if args.hooks_table {
        let _ = output::line(hooks_table().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    if !args.resolve.is_empty() {
        return resolve::run(&args.resolve, args.trace.modules_root.as_deref());
    }
    let (machine, _) = snapshot::machine();
    let runtime = runtime()?;
    let _guard = runtime.enter();
    let (found, error) = match Live::attach(&args.trace.options(), &Progress::default()) {
        Ok(mut source) => {
            source.report_costs(true);
            let mut missed = runtime.block_on(proven(&mut source))?;
            missed.extend(source.missed());
            let every = Needs { costs: true, command: true, ..Needs::default() };
            let kept = rights::needed(session::needs(&source, every));
            let found = Found {
                costs: source.costs().unwrap_or_default(),
                hooks: source.hooks().to_vec(),
                self_test: Some(source.self_test().cloned().unwrap_or_else(|| {
                    SelfTest::Unproven(format!("no answer within {} s", PROOF_LIMIT.as_secs()).into())
                })),
                indexes_error: source.indexes_error().map(ToString::to_string),
                configuration_problems: source.configuration_problems().to_vec(),
                missed: summed(missed),
                policy: policy::read(),
                rights: kept.iter().map(Kept::right).collect(),
                no_iterator: source.no_iterator().map(str::to_owned),
            };
            (found, None)
        }
        Err(error) => {
            let hooks = match &error {
                LiveError::Attach(AttachError::Blind { hooks, .. }) => hooks.clone(),
                LiveError::Attach(AttachError::Load(_) | AttachError::GivenUp)
                | LiveError::Ring(_)
                | LiveError::Wait(_) => Vec::new(),
            };
            (Found { hooks, policy: policy::read(), ..Found::default() }, Some(error))
        }
    };
    let text = if args.json { found.json(&machine, error.as_ref()) } else { found.text(&machine) };
    let _ = output::line(text.trim_end())?;
    error.map_or(Ok(ExitCode::SUCCESS), |error| Err(error.into()))
}

/// Waits until it is known whether the probes fire; returns what was missed by then.
async fn proven(source: &mut Live) -> Result<Vec<(Lost, u64)>, LiveError> {
    let limit = Instant::now() + PROOF_LIMIT;
    let (mut events, mut missed) = (Vec::new(), Vec::new());
    while source.self_test().is_none() && Instant::now() < limit {
        source.next(&mut events).await?;
        missed.extend(events.drain(..).filter_map(|event| match event.body {
            Body::Fact(Fact::Lost { loss, count, .. }) => Some((loss, count)),
            Body::Fact(_) | Body::Probe(_) => None,
        }));
    }
    Ok(missed)
}

/// Each kind once.
fn summed(missed: Vec<(Lost, u64)>) -> Vec<(Lost, u64)> {
    let mut sums: BTreeMap<Lost, u64> = BTreeMap::new();
    for (lost, count) in missed {
        *sums.entry(lost).or_default() += count;
    }
    sums.into_iter().collect()
}

/// Everything to report about this kernel.
#[derive(Default)]
struct Found {
    hooks: Vec<Hook>,
    self_test: Option<SelfTest>,
    indexes_error: Option<String>,
    /// What is wrong with modprobe's configuration.
    configuration_problems: Vec<String>,
    missed: Vec<(Lost, u64)>,
    /// What forbids loads on this machine.
    policy: Policy,
    /// The rights that can stay while modtrail traces.
    rights: Vec<Right>,
    /// Why kernel stacks are read from `/proc`, if they are.
    no_iterator: Option<String>,
    /// What tracing has cost so far.
    costs: Costs,
}

impl Found {
    fn degraded(&self) -> usize {
        self.hooks.iter().filter(|hook| hook.falls_short()).count()
    }

    fn text(&self, machine: &Machine) -> String {
        let mut out = String::new();
        line(&mut out, format_args!("Linux {} {}", machine.release, machine.arch));
        for hook in &self.hooks {
            let by = hook.attached.as_deref().unwrap_or("NOT SEEN");
            line(&mut out, format_args!("  {:<22} {by}", hook.moment.name()));
            if let Some((cost, per_run)) = self.costs.of(hook.moment).and_then(|cost| Some((cost, cost.per_run()?))) {
                line(&mut out, format_args!("  {:<22}   ran {} times, {per_run} a run", "", cost.runs));
            }
            if !hook.loses.is_empty() {
                line(&mut out, format_args!("  {:<22}   lost: {}", "", hook.loses));
            }
            if !hook.refused.is_empty() {
                line(&mut out, format_args!("  {:<22}   tried: {}", "", hook.refused));
            }
        }
        if let Some(test) = &self.self_test {
            line(&mut out, format_args!("self-test: {}", test_words(test)));
        }
        if let (Some(processor), Some(resident)) = (self.costs.processor, self.costs.resident) {
            let mebibytes = resident / 1024 / 1024;
            line(&mut out, format_args!("modtrail itself: {processor} of processor time, {mebibytes} MiB of memory"));
        }
        for (lost, count) in &self.missed {
            let moment = lost.moment().map_or("", Kind::name);
            line(&mut out, format_args!("missed so far: {count} of \"{moment}\": {}", lost.as_str()));
        }
        for Right { capability, why } in &self.rights {
            line(&mut out, format_args!("modtrail keeps {capability} while it traces: {why}"));
        }
        if let Some(why) = &self.no_iterator {
            line(
                &mut out,
                format_args!("kernel stacks come from /proc, since the iterator over tasks cannot be used: {why}"),
            );
        }
        if let Some(words) = uncounted(machine) {
            line(&mut out, format_args!("{words}"));
        }
        for words in self.policy.words() {
            line(&mut out, format_args!("FORBIDDEN: {}", plain(&words)));
        }
        if let Some(error) = &self.indexes_error {
            line(
                &mut out,
                format_args!("  module indexes cannot be read: {error}; what aliases resolve to is unknown"),
            );
        }
        for problem in &self.configuration_problems {
            line(&mut out, format_args!("  modprobe's configuration: {}", plain(problem)));
        }
        match self.degraded() {
            _ if self.hooks.is_empty() => {}
            0 => line(&mut out, format_args!("every moment is covered")),
            degraded => {
                line(
                    &mut out,
                    format_args!("{degraded} moments are not seen, or not reliably: results may be incomplete"),
                );
                line(&mut out, format_args!("what to do: {}", advice(&self.hooks)));
            }
        }
        out
    }

    fn json(&self, machine: &Machine, error: Option<&LiveError>) -> String {
        let missed = self.missed.iter().map(
            |(lost, count)| json!({"what": lost.as_str(), "moment": lost.moment().map(Kind::name), "count": count}),
        );
        let probes = self
            .costs
            .probes
            .iter()
            .map(|cost| json!({"moment": cost.moment.name(), "runs": cost.runs, "run_ns": cost.time.as_nanos()}));
        json!({
            "schema": 2,
            "release": machine.release,
            "arch": machine.arch,
            "can_trace": error.is_none(),
            "error": error.map(sentence),
            "self_test": self.self_test.as_ref().map(whole::self_test),
            "degraded": self.degraded(),
            "hooks": whole::hooks(&self.hooks),
            "missed": missed.collect::<Vec<_>>(),
            "probes": probes.collect::<Vec<_>>(),
            "processor_ns": self.costs.processor.map(Nanos::as_nanos),
            "resident_bytes": self.costs.resident,
            "policy": whole::policy(&self.policy),
            "keeps": whole::rights(&self.rights),
            "no_task_iterator": self.no_iterator,
            "misses_uncounted": uncounted(machine),
            "indexes_error": self.indexes_error,
            "configuration_problems": self.configuration_problems,
            "advice": (self.degraded() > 0).then(|| advice(&self.hooks)),
        })
        .to_string()
    }
}

/// An error with its causes.
fn sentence(error: &LiveError) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

fn test_words(test: &SelfTest) -> String {
    match test {
        SelfTest::Proven => "passed: modtrail's own request was seen at every stage".to_owned(),
        SelfTest::Deaf(moments) => {
            let names: Vec<&str> = moments.iter().map(|moment| moment.name()).collect();
            format!(
                "FAILED: a request of modtrail's own was made, and these moments of it were not seen: {}",
                names.join(", ")
            )
        }
        SelfTest::Unproven(why) => format!("unproven: {why}"),
    }
}

/// What probes miss that this kernel does not count.
fn uncounted(machine: &Machine) -> Option<&'static str> {
    match snapshot::kernel_version(&machine.release) {
        release if release < (5, 12) => {
            Some("this kernel counts neither skipped runs of trampolines (5.12 does) nor what kprobes miss (6.7 does)")
        }
        release if release < (6, 7) => {
            Some("this kernel does not count what kprobes miss (6.7 does); a missed return shows as a result of null")
        }
        _ => None,
    }
}

/// What would make more visible.
fn advice(hooks: &[Hook]) -> &'static str {
    let says = |words: &str| hooks.iter().any(|hook| hook.refused.contains(words));
    if says("no hook of the allowed kind") {
        "leave --hooks out, so that every kind of hook may be taken"
    } else if says("carries no BTF") {
        "use a kernel with CONFIG_DEBUG_INFO_BTF: with it, trampolines and typed tracepoints replace return probes"
    } else if says("os error 1)") {
        "the kernel denies some kinds of hooks: look for lockdown (/sys/kernel/security/lockdown) or a lack of rights"
    } else {
        "docs/hooks.md says which kernels offer better hooks; what was tried stands above"
    }
}

/// The ladder as Markdown.
#[must_use]
pub fn hooks_table() -> String {
    let mut out = String::from(
        "<!-- Made by `modtrail doctor --hooks-table`; `cargo xtask check` compares it. -->\n\n# Hooks\n\n\
         A request is followed through moments. Each moment is seen by the first hook of its ladder that this kernel\n\
         takes; `modtrail doctor` shows which that is here. If tasks can be preempted in the kernel, ladders are climbed\n\
         from their first kprobe. `--hooks btf` leaves kprobes out, `--hooks kprobe` leaves all else out.\n",
    );
    for ladder in LADDERS {
        let needed = if NEEDED.contains(&ladder.moment) { " Without it nothing can be traced." } else { "" };
        line(&mut out, format_args!("\n## {}\n\nSeen when {}.{needed}\n", ladder.moment.name(), ladder.meaning));
        line(&mut out, format_args!("| hook | since | what is lost |\n| --- | --- | --- |"));
        for rung in ladder.rungs {
            let lost = if rung.loses.is_empty() { "nothing" } else { rung.loses };
            line(&mut out, format_args!("| `{}` | {} | {lost} |", rung.name(), rung.since));
        }
    }
    out
}

/// Writing to a string cannot fail.
fn line(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{arguments}");
}
