//! One request, load or unload as one line of text for a person.

use super::cells;
use super::plain::plain;
use super::wall;
use crate::attribution::known::with_name;
use crate::entities::{Load, Request, Timed, Unload};
use crate::event::{Origin, Stamp, Task};
use crate::explain::device::devices_words;
use crate::explain::explain;
use crate::explain::load::{explain_load, explain_unload, subject};
use crate::model::Model;
use trace_common::time::Nanos;

/// Cells of the alias or module.
const NAME: usize = 30;
/// Cells of what became of it.
const OUTCOME: usize = 20;

/// The line: when, the alias, the verdict, how long, who asked, and the sentence that explains it.
#[must_use]
pub fn request_line(request: &Request, model: &Model) -> String {
    let when = when(request.asked, model);
    let task = &request.task;
    let asleep = request.asleep().filter(|asleep| *asleep > Nanos::ZERO);
    let asleep = asleep.map_or_else(String::new, |asleep| format!("; the machine slept {asleep} of that time"));
    let words = format!("{}[{}]: {}{asleep}", task.comm.to_text(), task.key.tgid.0, explain(request));
    row(&when, &with_name(&request.requested.alias), request.verdict.words(), request.total(), &words)
}

/// A line in columns. A name that its column has no room for stands whole at the end.
fn row(when: &str, name: &str, outcome: &str, total: Option<Nanos>, words: &str) -> String {
    let name = plain(name);
    let whole = if cells::width(&name) > NAME { format!("; in full: {name}") } else { String::new() };
    let total = total.map_or_else(|| "-".to_owned(), |total| total.to_string());
    let (name, outcome) = (cells::column(&name, NAME), cells::column(outcome, OUTCOME));
    plain(&format!("{when} {name} {outcome} {total:>7}  {words}{whole}"))
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
    let who = who(&load.task, load.origin.as_deref());
    let when = when(load.began, model);
    row(
        &when,
        subject(load),
        outcome,
        load.total(),
        &format!("{who}: {}{}", explain_load(load), devices_words(load, model.attempts_of(load.id))),
    )
}

/// The line of an unload, in the same form.
#[must_use]
pub fn unload_line(unload: &Unload, model: &Model) -> String {
    let outcome = match unload.ended {
        Some((_, result)) if result.failed() => "unload failed",
        Some(_) => "unloaded",
        None => "unload",
    };
    let who = who(&unload.task, unload.origin.as_deref());
    let when = when(unload.began, model);
    row(&when, &unload.module.to_string(), outcome, unload.total(), &format!("{who}: {}", explain_unload(unload)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Helped, Scenario};

    #[test]
    fn columns_stand_below_each_other_whatever_is_in_them() {
        let mut scenario = Scenario::default();
        scenario.machine();
        let long = "pci:v00008086d00001572sv00001028sd00000000bc02sc00i00";
        let aliases = ["net-pf-29", "\u{65e5}\u{672c}\u{8a9e}-\u{6a21}\u{5757}", "fs-x\u{1b}[2Jy", long];
        for (pid, alias) in (100..).zip(aliases) {
            let requester = Task::new(pid, pid, 5, "ping");
            let helped =
                Helped { alias, requester, path: "/sbin/modprobe", pid: pid + 100, at: u64::from(pid) * 10_000 };
            scenario.helped(helped, 0);
            scenario.ended(helped, u64::from(pid) * 10_000 + 9_000, 256);
        }
        scenario.until(3_000_000);
        let model = scenario.model();
        let lines: Vec<String> = model.requests().map(|request| request_line(request, model)).collect();
        for line in &lines {
            let (before, _) = line.split_once("ping[").expect("who asked");
            // The time of day, the two columns, the total, and what is between them.
            assert_eq!(cells::width(before), 12 + 1 + NAME + 1 + OUTCOME + 1 + 7 + 2, "{line}");
        }
        assert!(lines[2].contains(r"fs-x\u{1b}[2Jy"), "{}", lines[2]);
        assert!(lines[3].contains("pci:v00008086d00001572sv00001… "), "{}", lines[3]);
        assert!(lines[3].ends_with(&format!("; in full: {long}")), "{}", lines[3]);
        assert!(!lines[0].contains("in full"));
    }
}
