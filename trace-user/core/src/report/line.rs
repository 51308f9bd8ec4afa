//! One request, load or unload as one line of text for a person.

use super::plain::plain;
use super::wall;
use crate::attribution::known::with_name;
use crate::entities::{Load, Request, Timed, Unload};
use crate::event::{Origin, Stamp, Task};
use crate::explain::explain;
use crate::explain::load::{explain_load, explain_unload, subject};
use crate::model::Model;
use trace_common::time::Nanos;

/// The line: when, the alias, the verdict, how long, who asked, and the sentence that explains it.
#[must_use]
pub fn request_line(request: &Request, model: &Model) -> String {
    let when = when(request.asked, model);
    let total = request.total().map_or_else(|| "-".to_owned(), |total| total.to_string());
    let task = &request.task;
    let asleep = request.asleep().filter(|asleep| *asleep > Nanos::ZERO);
    let asleep = asleep.map_or_else(String::new, |asleep| format!("; the machine slept {asleep} of that time"));
    plain(&format!(
        "{when} {:<24} {:<20} {total:>7}  {}[{}]: {}{asleep}",
        with_name(&request.requested.alias),
        request.verdict.words(),
        task.comm.to_text(),
        task.key.tgid.0,
        explain(request),
    ))
}

/// The line of a load that serves no request: when, the module, what became of it, how long, who loaded, and why.
#[must_use]
pub fn load_line(load: &Load, model: &Model) -> String {
    let outcome = match (load.failed(), load.live.is_some()) {
        _ if load.lost_to_another() => "loaded by another",
        (true, _) => "load failed",
        (false, true) => "loaded",
        (false, false) => "load",
    };
    let total = load.total().map_or_else(|| "-".to_owned(), |total| total.to_string());
    let who = who(&load.task, load.origin.as_deref());
    let when = when(load.began, model);
    plain(&format!("{when} {:<24} {outcome:<20} {total:>7}  {who}: {}", subject(load), explain_load(load)))
}

/// The line of an unload, in the same form.
#[must_use]
pub fn unload_line(unload: &Unload, model: &Model) -> String {
    let outcome = match unload.ended {
        Some((_, result)) if result.failed() => "unload failed",
        Some(_) => "unloaded",
        None => "unload",
    };
    let total = unload.total().map_or_else(|| "-".to_owned(), |total| total.to_string());
    let who = who(&unload.task, unload.origin.as_deref());
    let when = when(unload.began, model);
    plain(&format!("{when} {:<24} {outcome:<20} {total:>7}  {who}: {}", unload.module, explain_unload(unload)))
}

/// `insmod[141] of sh[140]`
pub(super) fn who(task: &Task, origin: Option<&Origin>) -> String {
    let parent = origin.and_then(|origin| origin.parent.as_ref());
    let parent =
        parent.map_or_else(String::new, |parent| format!(" of {}[{}]", parent.comm.to_text(), parent.process.0));
    format!("{}[{}]{parent}", task.comm.to_text(), task.key.tgid.0)
}

fn when(at: Stamp, model: &Model) -> String {
    let when = model.wall_ns(at).and_then(wall::clock);
    when.unwrap_or_else(|| format!("{}", at.boot.since(Default::default())))
}
