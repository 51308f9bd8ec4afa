//! `modtrail doctor --resolve`: what modprobe would do for aliases, for comparison with `modprobe --show-depends`.

use super::failure::Failure;
use super::output::{self, Written};
use crate::kernel::lookup::{Action, Lookup, Step};
use crate::stderr;
use modtrail_core::report::plain::plain;
use std::path::Path;
use std::process::ExitCode;

/// Writes a line for each alias; problems with modprobe's configuration go to stderr.
///
/// # Errors
/// [`Failure`] if the module indexes cannot be read.
pub fn run(aliases: &[String], root: Option<&Path>) -> Result<ExitCode, Failure> {
    let lookup = Lookup::read(root);
    if let Some(error) = lookup.indexes_error() {
        let what = format!("cannot read the module indexes in {}", lookup.folder().display());
        return Err(Failure::cannot_trace(&what, error));
    }
    for problem in lookup.problems() {
        stderr::say(plain(problem));
    }
    for alias in aliases {
        if output::line(&plain(&line(&lookup, alias)))? == Written::Closed {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `ALIAS [MODULE …] STEP; STEP …`
fn line(lookup: &Lookup, alias: &str) -> String {
    let plans = lookup.plans(alias);
    let modules: Vec<&str> = plans.iter().map(|plan| &*plan.module).collect();
    let steps: Vec<String> = plans.iter().flat_map(|plan| &plan.steps).map(step).collect();
    format!("{alias} [{}] {}", modules.join(" "), steps.join("; ")).trim_end().to_owned()
}

/// One step, in the words of `modprobe --show-depends`.
fn step(step: &Step) -> String {
    let Step { module, action, options } = step;
    let words = match action {
        Action::Load(path) => format!("insmod {} {options}", path.display()),
        Action::Run(install) => format!("install {} {options}", install.command),
        Action::BuiltIn => format!("builtin {module}"),
        Action::LeaveOut(place) => format!("blacklist {module} ({place})"),
        Action::Fail => format!("missing {module}"),
    };
    words.trim_end().to_owned()
}
