//! Where events come from. Every source yields the same [`crate::event::Event`]s, so that live and replay run the
//! same code behind them.

pub mod live;
#[cfg(test)]
pub mod simulation;
pub mod watchdog;
