//! Searches for seeds for which modtrail reports something wrong about the simulated kernel.
//!
//! In: which seeds. Out: each kind of fault with the smallest plan that shows it; status 1 if there is one.

use clap::Parser;
use modtrail_sim::fuzz::try_seeds;
use std::process::ExitCode;

/// Simulates kernels and holds what modtrail says of them against what really happened.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to try.
    #[arg(long, default_value_t = 10_000, conflicts_with = "seed")]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0, conflicts_with = "seed")]
    from: u64,
    /// One seed alone.
    #[arg(long)]
    seed: Option<u64>,
    /// Kinds of faults that are shrunk and shown.
    #[arg(long, default_value_t = 3)]
    show: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let from = arguments.seed.unwrap_or(arguments.from);
    let count = if arguments.seed.is_some() { 1 } else { arguments.seeds };
    let failures = try_seeds(from..from.saturating_add(count));
    for failure in failures.iter().take(arguments.show) {
        println!("{}", failure.shrunk());
    }
    println!("{count} seeds from {from}: {} kinds of faults", failures.len());
    for failure in &failures {
        println!("{:6} (seed {}) {}", failure.count, failure.seed, failure.kind);
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
