//! Where the time of a test run goes.
//!
//! In: steps as they are done, and the processor time of each guest (a line a guest, written by the process that runs
//! scenarios to the file that [`GUESTS`] names): several run at a time, and how long one takes says little. Out: a
//! table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::paths;

/// The environment variable that names the file.
pub const GUESTS: &str = "MODTRAIL_GUEST_TIMES";

/// Scenarios that are listed.
const LISTED: usize = 12;

/// The time of a run's steps.
#[derive(Debug)]
pub struct Spent {
    began: Instant,
    step: Instant,
    steps: Vec<(&'static str, Duration)>,
    guests: PathBuf,
}

impl Spent {
    /// Begins. The file for guests is empty from now on.
    pub fn begin() -> anyhow::Result<Spent> {
        let guests = paths::cache()?.join("guest-times");
        paths::write_whole(&guests, b"")?;
        let now = Instant::now();
        Ok(Spent { began: now, step: now, steps: Vec::new(), guests })
    }

    /// The file for guests.
    pub fn guests(&self) -> &PathBuf {
        &self.guests
    }

    /// A step is done: what passed since the one before was for it.
    pub fn on(&mut self, step: &'static str) {
        self.steps.push((step, self.step.elapsed()));
        self.step = Instant::now();
    }

    /// The table, for a person.
    pub fn table(&self) -> String {
        let guests = fs::read_to_string(&self.guests).unwrap_or_default();
        table(self.began.elapsed(), &self.steps, &guests)
    }
}

/// Notes the processor time that a guest took, where a run wants to know, for the test that this thread runs.
pub fn note_guest(kernel: &str, took: Duration) {
    let Some(file) = std::env::var_os(GUESTS) else { return };
    let test = thread::current().name().unwrap_or("?").to_owned();
    let line = format!("{test}\t{kernel}\t{}\n", took.as_millis());
    // One write, so that lines of several threads do not mix. It is for information: what fails is not worth a test.
    OpenOptions::new().append(true).open(file).and_then(|mut file| file.write_all(line.as_bytes())).ok();
}

fn table(all: Duration, steps: &[(&str, Duration)], guests: &str) -> String {
    let mut out = String::from("where the time went:\n");
    let mut row = |name: &str, time: Duration, note: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{:>8}  {name}{note}", minutes(time));
    };
    for (step, time) in steps {
        row(step, *time, "");
    }
    row("in all", all, "");
    let mut kernels: BTreeMap<&str, (u32, Duration)> = BTreeMap::new();
    let mut scenarios: BTreeMap<&str, (u32, Duration)> = BTreeMap::new();
    for line in guests.lines() {
        let mut words = line.split('\t');
        let (Some(test), Some(kernel), Some(took)) = (words.next(), words.next(), words.next()) else { continue };
        let took = Duration::from_millis(took.parse().unwrap_or(0));
        for (count, time) in [kernels.entry(kernel).or_default(), scenarios.entry(test).or_default()] {
            *count += 1;
            *time += took;
        }
    }
    out.push_str("processor time of guests:\n");
    let mut row = |name: &str, (count, time): (u32, Duration)| {
        let _ = writeln!(out, "{:>8}  {name} ({count})", minutes(time));
    };
    kernels.into_iter().for_each(|(kernel, spent)| row(kernel, spent));
    let mut scenarios: Vec<_> = scenarios.into_iter().collect();
    scenarios.sort_by_key(|(_, (_, time))| std::cmp::Reverse(*time));
    scenarios.into_iter().take(LISTED).for_each(|(test, spent)| row(test, spent));
    out
}

/// `3m07s`
fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}m{:02}s", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::table;
    use std::time::Duration;

    #[test]
    fn guests_are_summed_by_kernel_and_by_scenario() {
        let guests = "a::on_6_1::x\t6.1\t61000\na::on_6_1::x\t6.1\t1000\nb::on_5_10::y\t5.10\t3000\nbroken\n";
        let shown = table(Duration::from_secs(200), &[("building", Duration::from_secs(75))], guests);
        let lines: Vec<&str> = shown.lines().map(str::trim_start).collect();
        assert_eq!(
            lines,
            [
                "where the time went:",
                "1m15s  building",
                "3m20s  in all",
                "processor time of guests:",
                "0m03s  5.10 (1)",
                "1m02s  6.1 (2)",
                "1m02s  a::on_6_1::x (2)",
                "0m03s  b::on_5_10::y (1)",
            ]
        );
    }
}
