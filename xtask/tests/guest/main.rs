//! Scenarios in real kernels: each provokes something in a fresh guest and compares what modtrail says with what
//! the scenario knows to be true.
//!
//! In: the `guest` feature (`cargo xtask test` turns it on). Out: one test per scenario and kernel (a series on a
//! machine type).

mod arm64;
mod bench;
mod detach;
mod duplicates;
mod edges;
mod helpers;
mod lab;
mod mixture;
mod modprobe;
mod recordings;
mod shared;
mod storms;
mod suspends;
mod verdicts;
mod watch;
mod witness;

/// Makes each scenario a test on one kernel; `#[ignore]` before the scenarios leaves them to `cargo xtask test --long`.
macro_rules! on {
    ($module:ident, $arch:ident, $series:ident, $(#[$when:meta])* $($scenario:ident),+) => {
        mod $module {
            const GUEST: xtask::guest::Guest = xtask::guest::Guest::$arch(xtask::kernels::Series::$series);
            $crate::on!(@tests [$(#[$when])*] $($scenario),+);
        }
    };
    (@tests $when:tt $($scenario:ident),+) => {
        $($crate::on!(@test $when $scenario);)+
    };
    (@test [$($when:tt)*] $scenario:ident) => {
        #[test] $($when)* fn $scenario() { super::$scenario(GUEST); }
    };
}

/// Makes each scenario a test on each kernel series of amd64.
macro_rules! on_each_kernel {
    ($($scenario:ident),+ $(,)?) => {
        $crate::on!(on_5_10, amd64, V5_10, $($scenario),+);
        $crate::on!(on_6_1, amd64, V6_1, $($scenario),+);
        $crate::on!(on_6_12, amd64, V6_12, $($scenario),+);
        $crate::on!(on_newest, amd64, Newest, $($scenario),+);
    };
}

/// Makes each scenario a test on each kernel series of arm64.
macro_rules! on_arm64 {
    ($($scenario:ident),+ $(,)?) => {
        $crate::on!(on_arm64_6_1, arm64, V6_1, $($scenario),+);
        $crate::on!(on_arm64_6_12, arm64, V6_12, $($scenario),+);
    };
}

/// Makes each scenario, which takes long, a test on one kernel always, and on the others of amd64 by `cargo xtask test --long`.
macro_rules! at_length {
    ($($scenario:ident),+) => {
        mod at_length {
            use super::{$($scenario),+};
            $crate::on!(on_6_12, amd64, V6_12, $($scenario),+);
            $crate::on!(on_5_10, amd64, V5_10, #[ignore = "cargo xtask test --long runs it"] $($scenario),+);
            $crate::on!(on_6_1, amd64, V6_1, #[ignore = "cargo xtask test --long runs it"] $($scenario),+);
            $crate::on!(on_newest, amd64, Newest, #[ignore = "cargo xtask test --long runs it"] $($scenario),+);
        }
    };
}

/// Makes each scenario that needs the test modules a test on each guest that they can be built for here.
macro_rules! with_test_modules {
    ($($scenario:ident),+ $(,)?) => {
        mod with_test_modules {
            use super::{$($scenario),+};
            $crate::on!(on_5_10, amd64, V5_10, $($scenario),+);
            $crate::on!(on_6_1, amd64, V6_1, $($scenario),+);
            $crate::on!(on_6_12, amd64, V6_12, $($scenario),+);
            $crate::on_arm64!($($scenario),+);
        }
    };
}

/// Makes each scenario a test on all of them.
macro_rules! on_each_guest {
    ($($scenario:ident),+ $(,)?) => {
        $crate::on_each_kernel!($($scenario),+);
        $crate::on_arm64!($($scenario),+);
    };
}

/// Makes each scenario a test on all of them; on one of arm64's, whose two kernels differ little here, those of the second list
/// run by `cargo xtask test --long`.
macro_rules! on_each_guest_with_a_sample {
    (always: [$($always:ident),+ $(,)?], now_and_then: [$($long:ident),+ $(,)?]) => {
        $crate::on_each_kernel!($($always,)+ $($long),+);
        $crate::on!(on_arm64_6_12, arm64, V6_12, $($always,)+ $($long),+);
        $crate::on!(on_arm64_6_1, arm64, V6_1, $($always),+);
        mod at_length {
            use super::{$($long),+};
            $crate::on!(on_arm64_6_1, arm64, V6_1, #[ignore = "cargo xtask test --long runs it"] $($long),+);
        }
    };
}
use {at_length, on, on_arm64, on_each_guest, on_each_guest_with_a_sample, on_each_kernel, with_test_modules};
