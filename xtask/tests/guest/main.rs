//! Scenarios in real kernels: each provokes something in a fresh guest and compares modtrail's output with what the
//! scenario knows to be true.
//!
//! In: kernels (`cargo xtask test` provides them). Out: one test per scenario and kernel (a series on a
//! machine type).

mod arm64;
mod bench;
mod circles;
mod commands;
mod detach;
mod devices;
mod duplicates;
mod dups;
mod edges;
mod field;
mod floods;
mod helpers;
mod kinds;
mod lab;
mod mixture;
mod modprobe;
mod recordings;
mod served;
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
            const GUEST: xtask::guest::Guest = xtask::guest::Guest::$arch(xtask::series::Series::$series);
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

/// Makes each scenario a test on one kernel, by `cargo xtask test --long` only.
macro_rules! at_length_on {
    ($module:ident, $arch:ident, $series:ident, $($scenario:ident),+ $(,)?) => {
        $crate::on!($module, $arch, $series, #[ignore = "cargo xtask test --long runs it"] $($scenario),+);
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

/// Makes each scenario a test on the newer kernel of arm64 always, and on the older by `cargo xtask test --long`: its
/// guest takes as long to boot as the scenarios take.
macro_rules! on_arm64 {
    ($($scenario:ident),+ $(,)?) => {
        $crate::at_length_on!(on_arm64_6_1, arm64, V6_1, $($scenario),+);
        $crate::on!(on_arm64_6_12, arm64, V6_12, $($scenario),+);
    };
}

/// The same, for scenarios beside others that run on each guest: in a module of their own.
macro_rules! on_newer_arm64 {
    ($($scenario:ident),+ $(,)?) => {
        mod newer_arm64 {
            use super::{$($scenario),+};
            $crate::on_arm64!($($scenario),+);
        }
    };
}

/// Makes each scenario a test on arm64 by `cargo xtask test --long` only, beside others: in a module of their own.
macro_rules! at_length_on_arm64 {
    ($($scenario:ident),+ $(,)?) => {
        mod arm64_at_length {
            use super::{$($scenario),+};
            $crate::at_length_on!(on_arm64_6_1, arm64, V6_1, $($scenario),+);
            $crate::at_length_on!(on_arm64_6_12, arm64, V6_12, $($scenario),+);
        }
    };
}

/// Makes each scenario (not specific to one kernel, or slow) a test on one kernel always, and on the others of amd64 by
/// `cargo xtask test --long`.
macro_rules! at_length {
    ($($scenario:ident),+ $(,)?) => {
        mod at_length {
            use super::{$($scenario),+};
            $crate::on!(on_6_12, amd64, V6_12, $($scenario),+);
            $crate::at_length_on!(on_5_10, amd64, V5_10, $($scenario),+);
            $crate::at_length_on!(on_6_1, amd64, V6_1, $($scenario),+);
            $crate::at_length_on!(on_newest, amd64, Newest, $($scenario),+);
        }
    };
}

/// Makes each scenario a test on the oldest and the newest kernel of amd64 always, and on those between by `cargo xtask
/// test --long`: the oldest and the newest differ most.
macro_rules! on_oldest_and_newest {
    ($($scenario:ident),+ $(,)?) => {
        mod oldest_and_newest {
            use super::{$($scenario),+};
            $crate::on!(on_5_10, amd64, V5_10, $($scenario),+);
            $crate::on!(on_newest, amd64, Newest, $($scenario),+);
            $crate::at_length_on!(on_6_1, amd64, V6_1, $($scenario),+);
            $crate::at_length_on!(on_6_12, amd64, V6_12, $($scenario),+);
        }
    };
}

/// Makes each scenario that needs the test modules a test on the oldest kernel and the newest that they can be built
/// for here always, on the others by `cargo xtask test --long`.
macro_rules! with_test_modules {
    ($($scenario:ident),+ $(,)?) => {
        mod with_test_modules {
            use super::{$($scenario),+};
            $crate::on!(on_5_10, amd64, V5_10, $($scenario),+);
            $crate::on!(on_6_12, amd64, V6_12, $($scenario),+);
            $crate::at_length_on!(on_6_1, amd64, V6_1, $($scenario),+);
            $crate::at_length_on_arm64!($($scenario),+);
        }
    };
}

/// The same for scenarios that are not specific to one kernel: on the newest that they can be built for here always.
macro_rules! with_test_modules_at_length {
    ($($scenario:ident),+ $(,)?) => {
        mod with_test_modules_at_length {
            use super::{$($scenario),+};
            $crate::on!(on_6_12, amd64, V6_12, $($scenario),+);
            $crate::at_length_on!(on_5_10, amd64, V5_10, $($scenario),+);
            $crate::at_length_on!(on_6_1, amd64, V6_1, $($scenario),+);
        }
    };
}

/// Makes each scenario a test on each kernel series of amd64, and on arm64 as [`on_arm64!`] does.
macro_rules! on_each_guest {
    ($($scenario:ident),+ $(,)?) => {
        $crate::on_each_kernel!($($scenario),+);
        $crate::on_arm64!($($scenario),+);
    };
}
use {
    at_length, at_length_on, at_length_on_arm64, on, on_arm64, on_each_guest, on_each_kernel, on_newer_arm64,
    on_oldest_and_newest, with_test_modules, with_test_modules_at_length,
};
