//! Modules that are live and whose driver failed on a device, which no driver is bound to: one finding for each load.

use super::{Evidence, Finding, Kind};
use crate::entities::device::Attempt;
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
        format!("{} ({})", device_words(device), outcome_words(attempt.outcome))
    };
    let mut named: Vec<String> = failed.iter().take(NAMED).map(words).collect();
    if failed.len() > NAMED {
        named.push(format!("{} more", failed.len() - NAMED));
    }
    let bound = model.attempts_of(load.id).filter(|(device, _)| device.bound().is_some()).count();
    let others = match bound {
        0 => "it is bound to no device".to_owned(),
        1 => "it is bound to another device".to_owned(),
        count => format!("it is bound to {count} other devices"),
    };
    let module = load.module.as_deref().unwrap_or("the module");
    Some(Finding {
        kind: Kind::DriverFailed,
        sentence: format!("{module} is live, but its driver {} failed on {}; {others}", first.driver, named.join(", ")),
        next: format!("read what the kernel printed about {}: journalctl -k -g '{}'", device.name, device.name),
        at: first.at,
        evidence: vec![Evidence::Load(load.id)],
    })
}
