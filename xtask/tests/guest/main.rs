//! Scenarios in real kernels: each provokes something in a fresh guest and compares what modtrail says with what
//! the scenario knows to be true.
//!
//! In: the `guest` feature (`cargo xtask test` turns it on). Out: one test per scenario and kernel series.

use xtask::kernels::Series;
use xtask::vm::{self, End, VmOptions, VmOutcome};

/// Runs `command` in a guest and says, where it did not end by itself, what the guest's console said.
fn guest(kernel: Series, command: &[&str]) -> VmOutcome {
    let outcome = vm::run(&VmOptions::new(kernel, command)).expect("the guest starts");
    assert!(
        matches!(outcome.end, End::Exited(_)),
        "{:?}\n{}",
        outcome.end,
        outcome.console
    );
    outcome
}

fn runs_a_command(kernel: Series) {
    let outcome = guest(kernel, &["sh", "-c", "uname -r; echo words >&2"]);
    assert_eq!(outcome.status(), 0);
    assert_eq!(
        String::from_utf8_lossy(&outcome.stdout).trim_end(),
        outcome.release
    );
    assert_eq!(outcome.stderr, b"words\n");
}

#[test]
fn runs_a_command_on_6_1() {
    runs_a_command(Series::V6_1);
}

#[test]
fn runs_a_command_on_6_12() {
    runs_a_command(Series::V6_12);
}
