//! A simulated kernel as a source: a plan decides what happens in it, and what really happened is known.
//!
//! In: a [`plan::Plan`], made from a seed. Out: the events that the live source would yield, with the facts of the
//! edge, in the order in which they would come; and the [`truth::Truth`]. [`machine`] runs the tasks ([`requests`],
//! [`helpers`], [`loads`] and [`suspend`] are their steps), [`probes`] decides what is seen of it, [`delivery`] brings
//! it to the pipeline. Pure: no clock, no I/O; the same plan gives the same events.
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
