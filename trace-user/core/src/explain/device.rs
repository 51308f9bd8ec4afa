//! What a load's driver did with devices, in words.
//!
//! In: a load, the devices that its drivers were tried on. Out: text, without a full stop. Pure.

use crate::entities::device::{Attempt, Outcome};
use crate::entities::{Device, Load};

/// Devices that are named in a sentence; more are counted.
const NAMED: usize = 3;

/// What the load's driver did with devices, as the end of a sentence about the load; nothing if it was tried on none.
/// `tried`: each device, with what came of it last.
#[must_use]
pub fn devices_words<'d>(load: &Load, tried: impl Iterator<Item = (&'d Device, &'d Attempt)>) -> String {
    let tried: Vec<(&Device, &Attempt)> = tried.collect();
    let mut words: Vec<String> =
        tried.iter().take(NAMED).map(|(device, attempt)| attempt_words(device, attempt, load)).collect();
    if tried.len() > NAMED {
        words.push(format!("{} more devices", tried.len() - NAMED));
    }
    if words.is_empty() { String::new() } else { format!("; {}", words.join(", ")) }
}

/// `virtio-pci is bound to 0000:00:05.0 (pci) 3ms after live`
#[must_use]
pub fn attempt_words(device: &Device, attempt: &Attempt, load: &Load) -> String {
    let when = match attempt.after_live(load.live) {
        Some(after) => format!(" {after} after it went live"),
        None if load.live.is_some() => " before it went live".to_owned(),
        None => String::new(),
    };
    let (driver, name) = (&attempt.driver, device_words(device));
    match attempt.outcome {
        Outcome::Bound => format!("{driver} is bound to {name}{when}"),
        Outcome::Failed(_) if attempt.outcome.is_failure() => {
            format!("{driver} failed on {name}{when}: {}", outcome_words(attempt.outcome))
        }
        Outcome::Failed(_) => format!("{driver} is not bound to {name}: {}", outcome_words(attempt.outcome)),
    }
}

/// Why a driver is not bound to a device, in words.
#[must_use]
pub fn outcome_words(outcome: Outcome) -> String {
    match outcome {
        Outcome::Bound => "bound".to_owned(),
        Outcome::Failed(None) => "it rejected the device".to_owned(),
        Outcome::Failed(Some(error)) => error.words(),
    }
}

/// `0000:00:05.0 (pci)`
#[must_use]
pub fn device_words(device: &Device) -> String {
    if device.bus.is_empty() { device.name.to_string() } else { format!("{} ({})", device.name, device.bus) }
}
