//! What a screen is drawn from: the model, what is computed from it, and what its reader wants to find again.
//!
//! In: the parts of the state. Out: [`Scene`].

use super::derived::Derived;
use super::marks::Marks;
use super::mode::Mode;
use super::world::World;
use modtrail_core::query::Query;

/// What a screen is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'s> {
    /// The model, as its reader sees it.
    pub world: World<'s>,
    /// What is computed from it.
    pub derived: &'s Derived,
    /// Where the model comes from.
    pub mode: &'s Mode,
    /// What is searched for.
    pub search: &'s Query,
    /// What is marked.
    pub marks: &'s Marks,
}
