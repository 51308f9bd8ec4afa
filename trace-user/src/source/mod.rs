//! Where events come from. Every source yields the same [`modtrail_core::event::Event`]s, so live and replay run the
//! same code after it.

pub mod live;
pub mod wall;
pub mod watchdog;
