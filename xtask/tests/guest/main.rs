//! Scenarios in real kernels: each provokes something in a fresh guest and compares what modtrail says with what
//! the scenario knows to be true.
//!
//! In: the `guest` feature (`cargo xtask test` turns it on). Out: one test per scenario and kernel series.

mod edges;
mod lab;
mod recordings;
mod storms;
mod verdicts;
mod watch;

/// Makes each scenario a test on each kernel series.
macro_rules! on_each_kernel {
    ($($scenario:ident),+ $(,)?) => {
        mod on_6_1 {
            $(#[test] fn $scenario() { super::$scenario(xtask::kernels::Series::V6_1); })+
        }
        mod on_6_12 {
            $(#[test] fn $scenario() { super::$scenario(xtask::kernels::Series::V6_12); })+
        }
    };
}
use on_each_kernel;
