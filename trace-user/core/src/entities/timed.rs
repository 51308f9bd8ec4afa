//! When things begin and end, and how old they are: one rule for requests, helper calls, loads, unloads, firmware
//! requests and suspend cycles.

use super::device::Attempt;
use super::{Call, Cycle, Device, Firmware, Load, PhaseSpan, Request, Unload};
use crate::event::{Stamp, weight};
use std::sync::Arc;
use trace_common::time::Nanos;

/// Something that begins and ends.
pub trait Timed {
    /// When it began.
    fn began(&self) -> Stamp;

    /// When it ended for the task that waits for it; `None` until then, or if that was not seen.
    fn ended(&self) -> Option<Stamp>;

    /// It does not go on.
    fn is_closed(&self) -> bool;

    /// Bytes, roughly: what it shares with others counts in full.
    fn weight(&self) -> usize;

    /// Whether it certainly weighs what it weighed `before`, so that this need not be counted again.
    fn weighs_as(&self, _before: &Self) -> bool {
        false
    }

    /// How long it took; `None` until it ended, or if its end was not seen.
    fn total(&self) -> Option<Nanos> {
        self.ended().map(|at| at.mono.since(self.began().mono))
    }

    /// How long it took, or has taken at `now`; `None` if its end was not seen.
    fn age(&self, now: Stamp) -> Option<Nanos> {
        let until = self.ended().or((!self.is_closed()).then_some(now))?;
        Some(until.mono.since(self.began().mono))
    }

    /// How long it took, as far as was seen: up to `now` if its end was not seen.
    fn age_so_far(&self, now: Stamp) -> Nanos {
        self.ended().unwrap_or(now).mono.since(self.began().mono)
    }
}

impl Timed for Request {
    fn began(&self) -> Stamp {
        self.asked
    }

    fn ended(&self) -> Option<Stamp> {
        self.returned
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn weight(&self) -> usize {
        let call = self.call.as_ref().map_or(0, |call| call.weight());
        let resolution = self.resolution.as_ref().map_or(0, |resolution| resolution.weight());
        let loads: usize = self.loads.iter().map(|load| load.weight()).sum();
        size_of::<Self>() + self.requested.weight() + call + resolution + loads
    }

    fn weighs_as(&self, before: &Self) -> bool {
        let entry = |request: &Self| request.call.as_ref().map(|call| Arc::as_ptr(&call.entry));
        let program = |request: &Self| request.call.as_ref().and_then(|call| call.program.clone());
        let resolution = |request: &Self| request.resolution.as_ref().map(Arc::as_ptr);
        Arc::ptr_eq(&self.requested, &before.requested)
            && entry(self) == entry(before)
            && program(self) == program(before)
            && resolution(self) == resolution(before)
            && self.loads.iter().map(|load| load.weight()).eq(before.loads.iter().map(|load| load.weight()))
    }
}

impl Timed for Call {
    fn began(&self) -> Stamp {
        self.entered
    }

    /// When its helper ended, or when it failed.
    fn ended(&self) -> Option<Stamp> {
        let failed = self.returned.filter(|(_, result)| result.error().is_some()).map(|(at, _)| at);
        self.gone().or(failed)
    }

    /// Its helper ended, or it never had one and its caller was answered or left.
    fn is_closed(&self) -> bool {
        self.ended().is_some() || self.left().is_some()
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.entry.weight() + self.program.as_ref().map_or(0, |program| program.weight())
    }

    fn weighs_as(&self, before: &Self) -> bool {
        Arc::ptr_eq(&self.entry, &before.entry) && self.program == before.program
    }
}

impl Timed for Load {
    fn began(&self) -> Stamp {
        self.began
    }

    fn ended(&self) -> Option<Stamp> {
        self.ended.map(|(at, _)| at)
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn weight(&self) -> usize {
        let origin = self.origin.as_ref().map_or(0, |origin| origin.weight());
        let file = self.file.as_ref().map_or(0, |file| size_of_val(&**file) + weight::text(&file.name));
        let unload = self.unloading.as_ref().map_or(0, |unload| unload.weight());
        let policy = self.policy.as_ref().map_or(0, |policy| policy.weight());
        let texts = self.module.as_ref().map_or(0, weight::text) + weight::texts(&self.printed);
        size_of::<Self>() + origin + file + unload + policy + texts
    }
}

impl Timed for Unload {
    fn began(&self) -> Stamp {
        self.began
    }

    fn ended(&self) -> Option<Stamp> {
        self.ended.map(|(at, _)| at)
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.module.weight() + self.origin.as_ref().map_or(0, |origin| origin.weight())
    }
}

impl Timed for Firmware {
    fn began(&self) -> Stamp {
        self.asked
    }

    fn ended(&self) -> Option<Stamp> {
        self.ended.map(|(at, _)| at)
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.file.weight()
    }
}

/// Nothing waits for a device, so it is never open.
impl Timed for Device {
    fn began(&self) -> Stamp {
        self.began
    }

    /// When a driver was bound to it.
    fn ended(&self) -> Option<Stamp> {
        self.bound().map(|attempt| attempt.at)
    }

    fn is_closed(&self) -> bool {
        true
    }

    fn weight(&self) -> usize {
        let announced = self.announced.as_ref().map_or(0, |announced| {
            announced.uevent.weight() + announced.resolution.as_ref().map_or(0, |resolution| resolution.weight())
        });
        let attempt = |attempt: &Attempt| {
            size_of_val(attempt) + weight::text(&attempt.driver) + attempt.module.as_ref().map_or(0, weight::text)
        };
        let names = weight::text(&self.name) + weight::text(&self.bus);
        size_of::<Self>() + names + announced + self.attempts.iter().map(attempt).sum::<usize>()
    }
}

impl Timed for Cycle {
    fn began(&self) -> Stamp {
        self.began
    }

    fn ended(&self) -> Option<Stamp> {
        self.ended
    }

    fn is_closed(&self) -> bool {
        self.closed
    }

    fn weight(&self) -> usize {
        size_of::<Self>()
            + self.phases.len() * size_of::<PhaseSpan>()
            + self.met().map(|(_, call)| call.weight()).sum::<usize>()
    }
}
