//! Where events come from. Every source yields the same [`modtrail_core::event::Event`]s, so that live and replay run
//! the same code behind them.

pub mod live;
pub mod watchdog;
