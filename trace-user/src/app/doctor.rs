//! `modtrail doctor`: what each moment got on this kernel, what is lost, and what to do.

use super::failure::Failure;
use super::{output, runtime};
use crate::cli::DoctorArgs;
use crate::event::Hook;
use crate::kernel::attach::AttachError;
use crate::kernel::hooks::{LADDERS, NEEDED};
use crate::kernel::snapshot;
use crate::source::live::{Live, LiveError};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// [`Failure`] where nothing can be traced.
pub fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    if args.hooks_table {
        let _ = output::line(hooks_table().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let (machine, _) = snapshot::machine();
    let _ = output::line(&format!("Linux {} {}", machine.release, machine.arch))?;
    let runtime = runtime()?;
    let _guard = runtime.enter();
    match Live::attach(args.trace.options()) {
        Ok(source) => {
            let _ = output::line(state(source.hooks(), source.indexes_error()).trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            if let LiveError::Attach(AttachError::Blind { hooks, .. }) = &error {
                let _ = output::line(state(hooks, None).trim_end())?;
            }
            Err(error.into())
        }
    }
}

/// What each moment got.
fn state(hooks: &[Hook], indexes_error: Option<&std::io::Error>) -> String {
    let mut out = String::new();
    for hook in hooks {
        let by = hook.attached.as_deref().unwrap_or("NOT SEEN");
        line(&mut out, format_args!("  {:<22} {by}", hook.moment.name()));
        if !hook.loses.is_empty() {
            line(&mut out, format_args!("  {:<22}   lost: {}", "", hook.loses));
        }
        if !hook.refused.is_empty() {
            line(&mut out, format_args!("  {:<22}   tried: {}", "", hook.refused));
        }
    }
    if let Some(error) = indexes_error {
        line(&mut out, format_args!("  module indexes cannot be read: {error}; what an alias stands for is unknown"));
    }
    let degraded = hooks.iter().filter(|hook| hook.may_miss || hook.attached.is_none()).count();
    if degraded == 0 {
        line(&mut out, format_args!("every moment is seen"));
    } else {
        line(&mut out, format_args!("{degraded} moments are not seen, or not reliably: results may be incomplete"));
        line(&mut out, format_args!("what to do: {}", advice(hooks)));
    }
    out
}

/// What would make more be seen.
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
         takes; `modtrail doctor` says which that is here. `--hooks btf` leaves kprobes out, `--hooks kprobe` leaves all\n\
         else out.\n",
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
