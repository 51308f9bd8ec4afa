//! `cargo xtask test`: every test there is, and one line at the end that counts them.
//!
//! In: perhaps a filter on names, and whether long ones run too. Out: the tests' own output, then `N passed, N failed`;
//! status 1 on any failure.
//!
//! What happens in an emulated guest depends on what else the machine does. So a scenario that fails is tried once
//! more, with nothing beside it: one that passes then counts as passed, is named, and counted as unsteady in the last
//! line too.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use anyhow::{Context, Result};

use crate::arch::Arch;
use crate::artifact::{self, CHECKED};
use crate::bench;
use crate::check;
use crate::guest::Guest;
use crate::kernels;
use crate::process::{self, host_cargo};
use crate::progress::say;
use crate::series::Series;
use crate::setup;
use crate::snapshot;
use crate::spent::{self, Spent};

/// Guests at the same time: some of them wait for much of their time.
pub const GUESTS_AT_ONCE: usize = 3;

/// Scenarios at the same time: most of these wait for a guest, or for a trace that they share.
pub const SCENARIOS_AT_ONCE: &str = "16";

/// Failed scenarios that are tried once more; more than these did not fail by chance.
const TRIED_AGAIN: usize = 5;

/// What holds tests: examples are built where they are measured, and checked by the lints.
const TARGETS: [&str; 3] = ["--lib", "--bins", "--tests"];

/// How many tests did what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    /// The names of those that failed, where libtest ran them.
    failures: Vec<String>,
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.failures.extend(other.failures);
    }
}

/// The flag of the test runner by which it runs what is marked as long, too.
pub const LONG: &str = "--include-ignored";

/// Runs them; `long`: also those that need to be shown only now and then.
pub fn run(filter: Option<&str>, long: bool) -> Result<ExitCode> {
    let mut spent = Spent::begin()?;
    setup::run()?;
    if long {
        bench::install_peers()?;
    }
    spent.on("setting up");
    say("building the tests, and modtrail");
    process::run(host_cargo().args(["test", "--profile", CHECKED, "--no-run"]).args(TARGETS))?;
    let modtrail = artifact::checked()?;
    spent.on("building the tests, and modtrail");
    let mut counts = Counts::default();
    if filter.is_none() {
        counts.add(checks());
        spent.on("checks");
    }
    // Beside the tests of the host, which leave a processor idle now and then. Scenarios that need it report what went
    // wrong.
    let for_arm64 = filter.is_none().then(|| thread::spawn(|| artifact::build(Arch::Arm64)));
    let filter: Vec<&str> = filter.into_iter().collect();
    counts.add(host_tests(&filter, long)?);
    spent.on("tests of the host");
    if let Some(built) = for_arm64 {
        built.join().ok();
        spent.on("building for arm64, beyond that");
    }
    say("scenarios in guests");
    // What a scenario says of its failure is shown when it fails.
    let mut command = scenarios(Some(&modtrail), SCENARIOS_AT_ONCE);
    command.env(spent::GUESTS, spent.guests()).arg("--nocapture").args(long.then_some(LONG)).args(&filter);
    leave_out_absent_kernels(&mut command);
    let first = count(&mut command)?;
    spent.on("scenarios in guests, with building them");
    let unsteady = again(first, Some(&modtrail), &mut counts)?;
    spent.on("scenarios that failed, once more");
    print!("{}", spent.table());
    let unsteady = if unsteady == 0 { String::new() } else { format!(", {unsteady} unsteady") };
    println!("{} passed, {} failed{unsteady}", counts.passed, counts.failed);
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Leaves out the scenarios that need a kernel which neither Debian nor the cache has, and names them.
fn leave_out_absent_kernels(command: &mut Command) {
    for series in Series::OWN.into_iter().filter(|series| kernels::own(Guest::amd64(*series)).is_none()) {
        say(format!("not run: scenarios on {series}, a kernel that is not in the cache (CONTRIBUTING.md)"));
        command.args(["--skip", &format!("on_{}", series.as_str().replace(['.', '-'], "_"))]);
    }
}

/// The tests that need no guest.
fn host_tests(filter: &[&str], long: bool) -> Result<Counts> {
    let mut counts = Counts::default();
    let run = |words: &[&str], all: &[&str]| {
        let mut cargo = host_cargo();
        cargo.args(words).args(["--no-fail-fast"]).args(filter).args(all.iter().filter(|_| long));
        count(&mut cargo)
    };
    if process::in_path("cargo-nextest") {
        let nextest = ["nextest", "run", "--cargo-profile", CHECKED, "--no-tests=pass"];
        counts.add(run(&[&nextest[..], &TARGETS].concat(), &["--run-ignored", "all"])?);
        counts.add(run(&["test", "--profile", CHECKED, "--doc"], &[])?);
    } else {
        counts.add(run(&[&["test", "--profile", CHECKED][..], &TARGETS].concat(), &["--", LONG])?);
        counts.add(run(&["test", "--profile", CHECKED, "--doc"], &[])?);
    }
    Ok(counts)
}

/// The checks of `cargo xtask check`, each counted as a test.
fn checks() -> Counts {
    let failed = check::failures().len() as u64;
    Counts { passed: check::COUNT as u64 - failed, failed, failures: Vec::new() }
}

/// The command that runs scenarios, so many at once.
pub fn scenarios(modtrail: Option<&Path>, at_once: &str) -> Command {
    let mut scenarios = host_cargo();
    // Of all packages, as the tests of the host: a dependency is built once.
    scenarios.args(["test", "--profile", CHECKED, "--test", "guest", "--no-fail-fast", "--"]);
    scenarios.args(["--test-threads", at_once]).env(snapshot::ENABLED, "1");
    if let Some(modtrail) = modtrail {
        // Built just now: not each guest has to ask cargo again.
        scenarios.env("MODTRAIL_BIN", modtrail);
    }
    scenarios
}

/// Tries the scenarios that failed once more, one at a time, and adds what came of it all; how many passed only then.
fn again(mut first: Counts, modtrail: Option<&Path>, counts: &mut Counts) -> Result<u64> {
    let failures = std::mem::take(&mut first.failures);
    let all_are_named = u64::try_from(failures.len()) == Ok(first.failed);
    let by_chance = failures.len() <= TRIED_AGAIN && all_are_named;
    counts.add(first);
    let mut unsteady = 0;
    for name in failures.into_iter().filter(|_| by_chance) {
        say(format!("{name} failed: once more, with nothing beside it"));
        let second = count(scenarios(modtrail, "1").args(["--nocapture", LONG, "--exact", &name]))?;
        if (second.passed, second.failed) == (1, 0) {
            say(format!("unsteady: {name} failed, and passed when it was tried again"));
            counts.passed += 1;
            counts.failed -= 1;
            unsteady += 1;
        }
    }
    Ok(unsteady)
}

/// Runs one test command, passing on what it writes, and reads the counts out of it. A command that fails
/// without having counted a failure (it did not build) counts as one.
fn count(command: &mut Command) -> Result<Counts> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let stdout = child.stdout.take().context("no stdout")?;
    let stderr = child.stderr.take().context("no stderr")?;
    let from_stderr = thread::spawn(move || tally(stderr, std::io::stderr()));
    let mut counts = tally(stdout, std::io::stdout());
    counts.add(from_stderr.join().unwrap_or_default());
    let status = child.wait().context("cannot wait for cargo")?;
    if !status.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    Ok(counts)
}

fn tally(from: impl Read, mut to: impl Write) -> Counts {
    let mut counts = Counts::default();
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        to.write_all(&line).and_then(|()| to.flush()).ok();
        let text = String::from_utf8_lossy(&line);
        counts.add(summary(&text).unwrap_or_default());
        counts.failures.extend(failure(&text));
        line.clear();
    }
    counts
}

/// The test's name in a line of libtest's that says that it failed.
fn failure(line: &str) -> Option<String> {
    line.strip_prefix("test ")?.trim_end().strip_suffix(" ... FAILED").map(str::to_owned)
}

/// The counts in a summary line of either test runner.
fn summary(line: &str) -> Option<Counts> {
    // nextest shows a failed test's own output, indented, and libtest's summary is in it: that one is not counted
    // again.
    let is_libtest = line.starts_with("test result:");
    let line = line.trim();
    let is_summary = is_libtest || (line.starts_with("Summary [") && line.contains("run:"));
    if !is_summary {
        return None;
    }
    let words: Vec<&str> = line.split([' ', ',', ';', ':']).filter(|word| !word.is_empty()).collect();
    let mut counts = Counts::default();
    for pair in words.windows(2) {
        match pair {
            [number, "passed"] => counts.passed = number.parse().ok()?,
            [number, "failed" | "timed"] => counts.failed += number.parse::<u64>().ok()?,
            _ => {}
        }
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::{Counts, failure, summary};

    #[test]
    fn a_failed_test_is_known_by_its_name() {
        assert_eq!(failure("test a::on_6_1::b ... FAILED\n").as_deref(), Some("a::on_6_1::b"));
        assert_eq!(failure("test a::on_6_1::b ... ok\n"), None);
        assert_eq!(failure("test result: FAILED. 3 passed\n"), None);
    }

    #[test]
    fn both_runners_are_understood() {
        let libtest =
            "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(summary(libtest), Some(Counts { passed: 3, failed: 1, failures: Vec::new() }));
        let nextest = "     Summary [   0.012s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 4 skipped";
        assert_eq!(summary(nextest), Some(Counts { passed: 10, failed: 2, failures: Vec::new() }));
        assert_eq!(summary(&format!("    {libtest}")), None);
        assert_eq!(summary("        PASS [   0.003s] xtask cli::tests::passed"), None);
    }
}
