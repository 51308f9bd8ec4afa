//! `cargo xtask bench`: what modtrail costs, beside what its peers cost on the same load in the same run.
//!
//! In: how many rounds. Out: one table, on standard output or in `docs/performance.md`. What is quoted are ratios:
//! seconds are those of one machine, and of an emulated one where a guest is measured.

mod dashboard;
mod guest;
mod host;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::artifact;
use crate::paths;
use crate::process::{self, host_cargo};
use crate::progress::say;
use crate::setup;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// How often each thing is measured in a guest; the median counts.
    pub rounds: u32,
    /// Events on the host.
    pub events: u64,
    /// Requests on the dashboard.
    pub requests: u64,
    /// Whether the peer of the dashboard is built where it is not there.
    pub with_dashboard_peer: bool,
    /// How long the guest that measures is given.
    pub limit: Duration,
}

impl Size {
    /// How cargo is to build what is measured. A short run measures nothing, and takes the build that tests have made.
    fn profile(self) -> &'static [&'static str] {
        if self == Size::SHORT { &["--profile", artifact::CHECKED] } else { &["--release"] }
    }

    /// An example of modtrail's, built so.
    fn example(self, name: &str) -> Result<PathBuf> {
        let mut cargo = host_cargo();
        // Of no package by name: what it depends on is then built with the features that the tests have it built with.
        process::run(cargo.arg("build").args(self.profile()).args(["--example", name]))?;
        let folder = if self == Size::SHORT { artifact::CHECKED } else { "release" };
        Ok(artifact::target_folder()?.join(folder).join("examples").join(name))
    }

    /// modtrail, built so.
    fn modtrail(self) -> Result<PathBuf> {
        if self == Size::SHORT { artifact::checked() } else { artifact::modtrail() }
    }

    /// For figures that are kept.
    pub const WHOLE: Size = Size {
        rounds: 3,
        events: 10_000_000,
        requests: 100_000,
        with_dashboard_peer: true,
        limit: Duration::from_secs(3_600),
    };
    /// Only to see that it runs.
    pub const SHORT: Size = Size {
        rounds: 1,
        events: 20_000,
        requests: 2_000,
        with_dashboard_peer: false,
        limit: Duration::from_secs(600),
    };
}

/// One measurement beside its peer's.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What was done.
    pub what: String,
    /// What modtrail took for it, with its unit.
    pub ours: String,
    /// The peer, and what it took.
    pub peer: String,
    /// Ours by the peer's; `None` where they cannot be compared.
    pub ratio: Option<f64>,
}

impl Row {
    /// Two measurements of one kind, shown by `show`.
    pub fn of(what: &str, ours: f64, peer: (&str, f64), show: fn(f64) -> String) -> Row {
        let ratio = (peer.1 > 0.0).then_some(ours / peer.1);
        Row { what: what.to_owned(), ours: show(ours), peer: format!("{}: {}", peer.0, show(peer.1)), ratio }
    }

    /// A measurement that has no peer.
    pub fn alone(what: &str, ours: String) -> Row {
        Row { what: what.to_owned(), ours, peer: "-".to_owned(), ratio: None }
    }
}

/// Measures, and writes the table to standard output, or over the one that is kept.
pub fn run(size: Size, write: bool) -> Result<ExitCode> {
    setup::run()?;
    install_peers()?;
    let table = measure(size)?;
    if write {
        let path = paths::workspace().join("docs/performance.md");
        fs::write(&path, document(&table)).with_context(|| format!("cannot write {}", path.display()))?;
        say("wrote docs/performance.md");
    } else {
        print!("{table}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Installs the peers that are measured in a guest.
pub fn install_peers() -> Result<()> {
    let packages: Vec<&str> = guest::PEERS.iter().map(|(package, _)| *package).collect();
    setup::packages(&packages)
}

/// All measurements, as Markdown. Needs the peers.
pub fn measure(size: Size) -> Result<String> {
    let (mut notes, mut table) = (String::new(), String::from(HEAD));
    let mut add = |place: &str, about: &str, rows: Vec<Row>| {
        // Writing to a string cannot fail.
        let _ = writeln!(notes, "- {place}: {about}");
        for Row { what, ours, peer, ratio } in rows {
            let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
            let _ = writeln!(table, "| {place} | {what} | {ours} | {peer} | {ratio} |");
        }
    };
    say("measuring in a guest");
    let (trace, about, rows) = guest::measure(size)?;
    add("guest", &about, rows);
    say("measuring on this machine");
    let (about, rows) = host::measure(size, &trace)?;
    add("events", &about, rows);
    let (about, rows) = dashboard::measure(size)?;
    add("dashboard", &about, rows);
    Ok(format!("{notes}\n{table}"))
}

/// The head of the table.
const HEAD: &str = "| where | what | modtrail | beside | ratio |\n| --- | --- | --- | --- | --- |\n";

fn document(table: &str) -> String {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!(
        "<!-- Made by `cargo xtask bench --write`. -->\n\n# What modtrail costs\n\nEach of modtrail's figures stands beside \
         another's for the same in the same run: a peer's, or that of the machine when nothing traces it. A ratio is modtrail's \
         figure divided by the other: it is what to quote. Seconds are those of one machine with {processors} processors; in a \
         guest they are emulated, by executed instructions (`--icount`), so that they repeat.\n\n{table}"
    )
}

/// The middle one; zero of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Seconds in a unit that suits them.
fn seconds(time: f64) -> String {
    match time {
        time if time >= 1.0 => format!("{time:.2} s"),
        time if time >= 0.001 => format!("{:.1} ms", time * 1e3),
        time => format!("{:.1} us", time * 1e6),
    }
}

fn bytes(size: f64) -> String {
    if size >= 1024.0 * 1024.0 { format!("{:.1} MiB", size / 1024.0 / 1024.0) } else { format!("{size:.0} B") }
}

#[cfg(test)]
mod tests {
    use super::{Row, median, seconds};

    #[test]
    fn the_middle_one_counts() {
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![])), (2.0, 0.0));
    }

    #[test]
    fn a_ratio_is_ours_by_the_peers() {
        let row = Row::of("start", 0.5, ("bpftrace", 2.0), seconds);
        assert_eq!((row.ours.as_str(), row.peer.as_str(), row.ratio), ("500.0 ms", "bpftrace: 2.00 s", Some(0.25)));
        assert_eq!(Row::of("start", 0.5, ("nothing", 0.0), seconds).ratio, None);
    }
}
