//! What the kernel probes and the user-space side of modtrail agree on: the records that cross the ring buffer,
//! their kind numbers, instants and durations, identities, limits and the settings the probes read.
//!
//! In: nothing. Out: plain types. This crate does no I/O, reads no clock and allocates nothing.
#![no_std]

pub mod blame;
pub mod ids;
pub mod kind;
pub mod limits;
pub mod settings;
pub mod stuck;
pub mod time;
#[expect(unsafe_code, reason = "an unsafe trait ties layouts to kinds")]
pub mod wire;
