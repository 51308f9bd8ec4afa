//! A simulated kernel as a source: what happens in it follows from a plan, and what really happened is known.
//!
//! In: a [`plan::Plan`], which a seed gives. Out: the events that the live source would yield of it, with the facts of
//! the edge, in the order in which they would come; and the [`truth::Truth`]. [`machine`] runs the tasks ([`requests`],
//! [`helpers`], [`loads`], [`suspend`] are what they go through), [`probes`] says what is seen of it, [`delivery`]
//! brings it to the pipeline. Pure: no clock, no I/O; the same plan gives the same events.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each part of the machine takes the steps and moments that are its own"
)]

pub mod delivery;
pub mod helpers;
pub mod loads;
pub mod machine;
pub mod plan;
pub mod probes;
pub mod random;
pub mod requests;
pub mod runs;
pub mod suspend;
pub mod tasks;
pub mod truth;
pub mod world;

use machine::Machine;
use modtrail_core::event::Event;
use plan::Plan;
use truth::Truth;

/// What the source yields, and what really happened.
#[must_use]
pub fn simulate(plan: &Plan) -> (Vec<Event>, Truth) {
    let (happened, truth) = Machine::new(plan).run();
    delivery::deliver(plan, &happened, truth)
}
