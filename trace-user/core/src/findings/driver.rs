//! Modules that are live and whose driver failed on a device, which no driver is bound to: one finding for each load.

use super::{Evidence, Finding, Kind};
use crate::entities::device::{Attempt, Outcome};
use crate::entities::{Device, Load};
use crate::explain::device::{device_words, outcome_words};
use crate::model::Model;
use std::sync::Arc;

/// Devices that are named; more are counted.
const NAMED: usize = 3;

/// Finds them.
pub(super) fn find(model: &Model) -> Vec<Finding> {
    model.loads().filter(|load| load.live.is_some()).filter_map(|load| finding(load, model)).collect()
}

fn finding(load: &Arc<Load>, model: &Model) -> Option<Finding> {
    let failed: Vec<(&Device, &Attempt)> = model
        .attempts_of(load.id)
        .filter(|(device, attempt)| attempt.outcome.is_failure() && device.bound().is_none())
        .collect();
    let (device, first) = *failed.first()?;
    let words = |(device, attempt): &(&Device, &Attempt)| {
        format!("{} on {} ({})", attempt.driver, device_words(device), outcome_words(attempt.outcome))
    };
    let mut named: Vec<String> = failed.iter().take(NAMED).map(words).collect();
    if failed.len() > NAMED {
        named.push(format!("{} more", failed.len() - NAMED));
    }
    let bound = model.attempts_of(load.id).filter(|(_, attempt)| attempt.outcome == Outcome::Bound).count();
    let others = match bound {
        0 => "no device uses it".to_owned(),
        1 => "another device uses it".to_owned(),
        count => format!("{count} other devices use it"),
    };
    let module = load.module.as_deref().unwrap_or("the module");
    Some(Finding {
        kind: Kind::DriverFailed,
        sentence: format!("{module} went live, but its driver failed: {}; {others}", named.join(", ")),
        next: format!("read what the kernel printed about {}{}", device.name, command(&device.name)),
        at: first.at,
        evidence: vec![Evidence::Load(load.id)],
    })
}

/// The command that shows it, if the name means nothing else to a shell or in an expression.
fn command(name: &str) -> String {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":.-_".contains(&byte));
    if is_plain { format!(": journalctl -k -g {name}") } else { String::new() }
}
