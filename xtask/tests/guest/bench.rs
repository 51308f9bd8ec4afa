//! The benchmarks, a little of each: they run, and every peer answers. Their results are not asserted.
//!
//! In: the peers, which `cargo xtask test --long` installs. Out: one test.

use crate::lab::Slot;
use xtask::bench::{self, Size};

#[test]
#[ignore = "cargo xtask test --long runs it"]
fn every_benchmark_runs() {
    let _slot = Slot::take();
    let table = bench::measure(Size::SHORT).expect("the benchmarks run");
    for wanted in
        ["bpftrace: ", "trace-cmd: ", "perf: ", "a storm of 60", "decoding", "a frame at 200x60", "resident memory"]
    {
        assert!(table.contains(wanted), "{wanted} is missing in\n{table}");
    }
}
