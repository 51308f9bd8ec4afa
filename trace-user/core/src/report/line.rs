//! One request as one line of text for a person.

use super::plain::plain;
use super::wall;
use crate::entities::{Request, Timed};
use crate::explain::explain;
use crate::model::Model;
use trace_common::time::Nanos;

/// The line: when, the alias, the verdict, how long, who asked, and the sentence that explains it.
#[must_use]
pub fn request_line(request: &Request, model: &Model) -> String {
    let when = model.wall_ns(request.asked).and_then(wall::clock);
    let when = when.unwrap_or_else(|| format!("{}", request.asked.boot.since(Default::default())));
    let total = request.total().map_or_else(|| "-".to_owned(), |total| total.to_string());
    let task = &request.task;
    let asleep = request.asleep().filter(|asleep| *asleep > Nanos::ZERO);
    let asleep = asleep.map_or_else(String::new, |asleep| format!("; the machine slept {asleep} of that time"));
    plain(&format!(
        "{when} {:<24} {:<20} {total:>7}  {}[{}]: {}{asleep}",
        request.requested.alias,
        request.verdict.words(),
        task.comm.to_text(),
        task.key.tgid.0,
        explain(request),
    ))
}
