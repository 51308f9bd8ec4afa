//! `cargo xtask kernels`: what was shown on which kernel, as a document.
//!
//! In: the guest scenarios, run. Out: `docs/kernels.md`: the mixture's figures, and each scenario's outcome on each
//! guest, or why it does not run there; status 1 where one failed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::arch::Arch;
use crate::artifact;
use crate::paths;
use crate::progress::say;
use crate::setup;
use crate::test::{LONG, SCENARIOS_AT_ONCE, scenarios};

/// The environment variable that tells the mixture where to keep its figures.
const FIGURES: &str = "MODTRAIL_FIGURES";

/// The guests' columns: what stands in a test's name, and what stands in the table.
const COLUMNS: [(&str, &str); 6] = [
    ("on_5_10", "5.10"),
    ("on_6_1", "6.1"),
    ("on_6_12", "6.12"),
    ("on_newest", "newest"),
    ("on_arm64_6_1", "6.1 arm64"),
    ("on_arm64_6_12", "6.12 arm64"),
];

/// The group of scenarios that need the project's own modules.
const WITH_MODULES: &str = "with_test_modules";

/// One test's place and outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    scenario: String,
    column: &'static str,
    with_modules: bool,
    passed: bool,
}

/// Runs all scenarios, or those with `filter` in their name, and writes the document; what is not run again stands as
/// it was shown last.
pub fn run(filter: Option<&str>) -> Result<ExitCode> {
    setup::run()?;
    let programs = artifact::build(Arch::Amd64)?;
    let folder = paths::cache()?.join("figures");
    if filter.is_none() {
        fs::remove_dir_all(&folder).ok();
    }
    paths::make_dir(&folder)?;
    let outcomes = folder.join("outcomes");
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    for line in fs::read_to_string(&outcomes).unwrap_or_default().lines() {
        last.extend(line.split_once(" ... ").map(|(test, answer)| (test.to_owned(), answer.to_owned())));
    }
    say("all scenarios in guests");
    let mut tests = scenarios(programs.modtrail.as_deref(), SCENARIOS_AT_ONCE);
    tests.arg(LONG).args(filter).env(FIGURES, &folder);
    let mut child = tests.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let stdout = BufReader::new(child.stdout.take().context("no output of cargo's")?);
    for line in stdout.lines() {
        let line = line.context("cannot read cargo's output")?;
        println!("{line}");
        if let Some((test, answer)) = line.split_once(" ... ").filter(|_| outcome(&line).is_some()) {
            last.insert(test.to_owned(), answer.to_owned());
        }
    }
    child.wait().context("cannot wait for cargo")?;
    let lines: Vec<String> = last.iter().map(|(test, answer)| format!("{test} ... {answer}")).collect();
    paths::write_whole(&outcomes, lines.join("\n").as_bytes())?;
    let shown: Vec<Shown> = lines.iter().filter_map(|line| outcome(line)).collect();
    let mut figures = Vec::new();
    for (_, name) in COLUMNS {
        figures.extend(fs::read_to_string(folder.join(name.replace(' ', "-"))).ok());
    }
    fs::write(paths::workspace().join("docs/kernels.md"), document(&figures, &shown))
        .context("cannot write the document")?;
    let failed = shown.iter().filter(|shown| !shown.passed).count();
    say(format!("docs/kernels.md: {} scenarios passed, {failed} failed", shown.len() - failed));
    Ok(if failed == 0 && !shown.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The outcome in a line of the test runner's: `test verdicts::on_6_1::live ... ok`.
fn outcome(line: &str) -> Option<Shown> {
    let (path, answer) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let parts: Vec<&str> = path.split("::").collect();
    let column = COLUMNS.iter().find(|(module, _)| parts.contains(module)).map(|(_, name)| *name)?;
    let (room, scenario) = (parts.first()?, parts.last()?);
    let passed = match answer {
        "ok" => true,
        "FAILED" => false,
        _ => return None,
    };
    let scenario = format!("{room}: {}", scenario.replace('_', " "));
    Some(Shown { scenario, column, with_modules: parts.contains(&WITH_MODULES), passed })
}

fn document(figures: &[String], shown: &[Shown]) -> String {
    let mut out = String::from(
        "<!-- Made by `cargo xtask kernels`, which runs every scenario. -->\n\n# Kernels\n\n\
         What modtrail was shown to do, in guests with Debian's kernels.\n\n\
         ## A mixture of requests\n\n\
         A script makes requests of mixed kinds, up to 50 at once: helpers that exit with every kind of status, fork, are killed,\n\
         are slow or are not there; requesters that are killed; socket families whose modules are loaded, unloaded and asked for\n\
         by ten tasks at once. It keeps its own record of who asked and which helper did what, and each request that modtrail\n\
         reports is held against that.\n\n\
         | kernel | release | requests made | reported | tied rightly | judged rightly | lost |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    out.extend(figures.iter().map(String::as_str));
    out.push_str("\n## Scenarios\n\n| scenario |");
    let mut rule = String::from("| --- |");
    for (_, name) in COLUMNS {
        // Writing to a string cannot fail.
        let _ = write!(out, " {name} |");
        rule.push_str(" --- |");
    }
    let _ = writeln!(out, "\n{rule}");
    let outcomes: BTreeMap<(&str, &str), &Shown> =
        shown.iter().map(|shown| ((&*shown.scenario, shown.column), shown)).collect();
    let scenarios: BTreeSet<(&str, bool)> = shown.iter().map(|shown| (&*shown.scenario, shown.with_modules)).collect();
    for (scenario, with_modules) in scenarios {
        let _ = write!(out, "| {scenario} |");
        for (_, column) in COLUMNS {
            let cell = match outcomes.get(&(scenario, column)) {
                Some(shown) if shown.passed => "yes",
                Some(_) => "FAILED",
                None if with_modules && column == "newest" => "no (1)",
                None => "no (2)",
            };
            let _ = write!(out, " {cell} |");
        }
        out.push('\n');
    }
    out.push_str(
        "\n(1) Not run: the test modules cannot be built here for this kernel, whose headers need a newer compiler and a newer C\n\
         library than Debian 12's.\n\n\
         (2) Not run: the scenario is about one machine type, needs what this kernel lacks on it (a BPF security module on 6.1 of\n\
         arm64), or is shown on the others only, to keep the whole run short.\n",
    );
    out
}

#[cfg(test)]
mod tests {
    use super::{Shown, document, outcome};

    #[test]
    fn a_tests_name_tells_its_place_in_the_table() {
        let live = outcome("test verdicts::on_6_1::live_with_a_dependency ... ok").unwrap();
        assert_eq!((&*live.scenario, live.column, live.passed), ("verdicts: live with a dependency", "6.1", true));
        let nested = outcome("test verdicts::with_test_modules::on_arm64_6_12::nested ... FAILED").unwrap();
        assert_eq!((nested.column, nested.with_modules, nested.passed), ("6.12 arm64", true, false));
        assert_eq!(outcome("test mixture::on_6_1::a_thousand_requests has been running for over 60 seconds"), None);
        assert_eq!(outcome("test mixture::tests::the_same_seed_gives_the_same_script ... ok"), None);
    }

    #[test]
    fn what_did_not_run_says_why() {
        let shown = |column, with_modules, passed| Shown { scenario: "a: b".into(), column, with_modules, passed };
        let text = document(&[], &[shown("6.1", true, true), shown("6.12", true, false)]);
        assert!(text.contains("| a: b | no (2) | yes | FAILED | no (1) | no (2) | no (2) |"), "{text}");
    }
}
