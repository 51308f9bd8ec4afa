//! A scripted mixture of requests, and whether modtrail's answer about each agrees with the script.
//!
//! In: a guest, how many requests, a seed. Out: a [`Tally`]. The script keeps its own record: `provoke` writes who
//! asked and when, and the kernel's helper, one of our scripts, writes which process served which alias and does what
//! the name of the alias says. modtrail's report is compared with both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use xtask::arch::Arch;
use xtask::guest::Guest;
use xtask::vm::{End, VmOptions};

use crate::lab;

crate::on_oldest_and_newest!(two_hundred_requests);
crate::at_length_on_arm64!(two_hundred_requests);
crate::at_length!(two_hundred_by_kprobes);
crate::at_length_on!(on_5_10, amd64, V5_10, a_thousand_requests);
crate::at_length_on!(on_6_1, amd64, V6_1, a_thousand_requests);
crate::at_length_on!(on_6_12, amd64, V6_12, a_thousand_requests);
crate::at_length_on!(on_newest, amd64, Newest, a_thousand_requests);

/// Where the figures for docs/kernels.md are kept, if anywhere.
const KEPT: &str = "MODTRAIL_FIGURES";

fn a_thousand_requests(kernel: Guest) {
    mixture(kernel, 1_000, "");
}

fn two_hundred_requests(kernel: Guest) {
    mixture(kernel, 200, "");
}

fn two_hundred_by_kprobes(kernel: Guest) {
    mixture(kernel, 200, "--hooks kprobe");
}

/// Runs `count` requests: all are reported, tied and judged correctly, and nothing is lost.
fn mixture(kernel: Guest, count: usize, flags: &str) {
    let mut tally = run(VmOptions::new(kernel, &[]), count, 1, flags).expect("the mixture runs");
    for _ in 1..lab::ATTEMPTS {
        if tally.wrong.is_empty() || !lab::was_skipped(tally.lost.as_bytes()) {
            break;
        }
        eprintln!("the kernel skipped probes ({}); once more, after\n{}", tally.lost, shown(&tally));
        tally = run(VmOptions::new(kernel, &[]), count, 1, flags).expect("the mixture runs");
    }
    let is_longest = flags.is_empty() && (count == 1_000 || kernel.arch == Arch::Arm64);
    if let Some(folder) = std::env::var_os(KEPT).filter(|_| is_longest) {
        keep(&tally, kernel, Path::new(&folder)).expect("the figures are kept");
    }
    assert!(tally.wrong.is_empty(), "{} wrong\n{}", tally.wrong.len(), shown(&tally));
    assert_eq!((tally.reported, tally.joined, tally.judged), (count, count, count));
}

fn shown(tally: &Tally) -> String {
    tally.wrong.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// A kernel's tick, and a half.
const TICK_NS: u64 = 6_000_000;

/// The most requests at once: as many as there are slots.
const AT_ONCE: usize = 50;

/// What a helper does for an alias that begins with `fs-` and this word, and the result for the request: its verdict,
/// exit code and signal.
const KINDS: [Kind; 8] = [
    Kind::new("zero", "exit 0", "hollow", Some(0), None),
    Kind::new("none", "exit 1", "not_found", Some(1), None),
    Kind::new("slow", "sleep 0.3; exit 1", "not_found", Some(1), None),
    Kind::new("code", "exit 42", "helper_failed", Some(42), None),
    Kind::new("hit", "kill -9 $$", "helper_failed", None, Some(9)),
    Kind::new("fork", "(sleep 0.2) & exit 3", "helper_failed", Some(3), None),
    Kind::new("left", "sleep 1; exit 0", "abandoned", Some(0), None),
    Kind::new("lost", "", "helper_missing", None, None),
];

/// Sockets whose family is a module, and that module.
const SOCKETS: [(&str, &str, &str); 2] =
    [("socket:15:raw:2", "net-pf-15", "af_key"), ("socket:38:5:0", "net-pf-38", "af_alg")];

/// The modules that a guest needs.
const MODULES: [&str; 2] = ["af_key", "af_alg"];

struct Kind {
    name: &'static str,
    helper: &'static str,
    verdict: &'static str,
    exit_code: Option<i64>,
    signal: Option<i64>,
}

impl Kind {
    const fn new(
        name: &'static str,
        helper: &'static str,
        verdict: &'static str,
        exit_code: Option<i64>,
        signal: Option<i64>,
    ) -> Kind {
        Kind { name, helper, verdict, exit_code, signal }
    }
}

/// modtrail's results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    /// The kernel's release.
    release: String,
    /// Requests that the script made.
    scripted: usize,
    /// Requests that modtrail reported.
    reported: usize,
    /// Of those, tied to the right requester and the right helper.
    joined: usize,
    /// Of those, with the right verdict.
    judged: usize,
    /// What was reported as lost, in modtrail's words; empty if nothing was.
    lost: String,
    /// What was wrong, a sentence each.
    wrong: Vec<String>,
}

/// Runs `count` requests in the guest that `options` describes, traced with `flags`.
fn run(mut options: VmOptions, count: usize, seed: u64, flags: &str) -> Result<Tally> {
    let folder = tempfile::tempdir().context("no folder for the records")?;
    options.modules = MODULES.map(str::to_owned).to_vec();
    options.out = Some(folder.path().to_owned());
    options.timeout = Some(Duration::from_secs(900));
    let script = script(count, seed, flags);
    options.command = ["sh", "-c", &script].map(str::to_owned).to_vec();
    let outcome = lab::ended(&options);
    let stderr = String::from_utf8_lossy(&outcome.stderr).into_owned();
    if outcome.end != End::Exited(0) {
        bail!("the script did not end well: {:?}\n{stderr}\n{}", outcome.end, outcome.console);
    }
    let read =
        |name: &str| fs::read_to_string(folder.path().join(name)).with_context(|| format!("no {name} came back"));
    let lost: Vec<&str> = stderr.lines().filter_map(|line| line.strip_prefix("modtrail: lost: ")).collect();
    let mut tally = compare(&read("log")?, &Truth::read(&read("record")?, &read("truth")?)?)?;
    tally.release = outcome.release;
    tally.lost.clone_from(&lost.join("; "));
    // Return probes are known to miss returns, and the newest kernel is known to skip runs of trampolines. What that
    // can hide is compared with the record above; a dropped event is a different problem.
    if lost.iter().any(|lost| !lost.contains("return probe") && !lost.contains("did not run the probe")) {
        tally.wrong.push(format!("lost: {}", tally.lost));
    }
    if tally.scripted != count {
        tally.wrong.push(format!("the script made {} requests of {count}", tally.scripted));
    }
    Ok(tally)
}

/// The guest's script: the helper, the waves, and at the end as many more requests as are needed for `count`.
fn script(count: usize, seed: u64, flags: &str) -> String {
    let mut script = format!(
        "cat > /tmp/helper <<'HELPER'\n#!/bin/sh\n{}\necho \"$3 $$\" >> /out/truth\ncase \"$3\" in\n",
        lab::NOT_FOR_ITSELF
    );
    for kind in KINDS.iter().filter(|kind| !kind.helper.is_empty()) {
        // Writing to a string cannot fail.
        let _ = writeln!(script, "fs-{}-*) {};;", kind.name, kind.helper);
    }
    script.push_str("*) exec /sbin/modprobe \"$@\";;\nesac\nHELPER\nchmod +x /tmp/helper\n");
    script.push_str("cat > /tmp/waves <<'WAVES'\nmodprobe=/proc/sys/kernel/modprobe\necho /tmp/helper > $modprobe\n");
    let mut random = Random(seed | 1);
    let mut made = 0;
    // Leaves room for the sockets: some find their family live and request nothing.
    while made + AT_ONCE < count * 9 / 10 {
        made += wave(&mut script, &mut random, made);
    }
    let _ = write!(
        script,
        "more=0\nwhile n=$(($(cat /out/truth /out/missing | wc -l))); [ $n -lt {count} ]; do\n\
         w=; k=0; while [ $k -lt {AT_ONCE} ] && [ $((n + k)) -lt {count} ]; do w=\"$w fs:none-more$more\"; more=$((more + 1)); \
         k=$((k + 1)); done\nprovoke wave $w >> /out/record\ndone\nWAVES\n\
         : > /out/truth; : > /out/missing; : > /out/record\n\
         exec modtrail log {flags} --json --all -- sh /tmp/waves > /out/log\n"
    );
    script
}

/// One wave; returns how many requests it certainly makes.
fn wave(script: &mut String, random: &mut Random, serial: usize) -> usize {
    let size = 1 + random.below(AT_ONCE);
    if random.below(6) == 0 {
        // The helper is missing: the wave's own file records what was asked, since no helper does.
        let names: Vec<String> = (0..size).map(|index| format!("lost-{serial}-{index}")).collect();
        let words: Vec<String> = names.iter().map(|name| format!("fs:{name}")).collect();
        let _ = writeln!(
            script,
            "echo /nonexistent > $modprobe; provoke wave {} >> /out/record; printf '%s\\n' {} >> /out/missing; \
             echo /tmp/helper > $modprobe",
            words.join(" "),
            names.join(" ")
        );
        return size;
    }
    let socket = SOCKETS.get(random.below(SOCKETS.len())).filter(|_| random.below(3) == 0);
    let mut sure = 0;
    let words: Vec<String> = (0..size)
        .map(|index| match socket {
            Some((word, _, _)) if index < 10 => (*word).to_owned(),
            _ => {
                sure += 1;
                let kind = KINDS.get(random.below(KINDS.len() - 1)).map_or("none", |kind| kind.name);
                let action = if kind == "left" { "kill" } else { "fs" };
                format!("{action}:{kind}-{serial}-{index}")
            }
        })
        .collect();
    let _ = writeln!(script, "provoke wave {} >> /out/record", words.join(" "));
    if let Some((_, _, module)) = socket {
        let _ = writeln!(script, "while grep -q '^{module} ' /proc/modules; do /sbin/rmmod {module}; done");
    }
    sure
}

/// Numbers that look random and are the same for the same seed (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap_or(0)
    }
}

/// One line of provoke's record.
#[derive(Clone, Debug)]
struct Asked {
    pid: u64,
    began_ns: u64,
    /// `None` if it was killed.
    ended_ns: Option<u64>,
}

/// What the script knows.
struct Truth {
    /// By alias, for aliases that are asked for once.
    asked: BTreeMap<String, Asked>,
    /// Requesters of aliases that are asked for often, by pid.
    sockets: BTreeMap<u64, Asked>,
    /// Helpers by alias.
    helpers: BTreeMap<String, BTreeSet<u64>>,
    scripted: usize,
}

impl Truth {
    fn read(record: &str, truth: &str) -> Result<Truth> {
        let (mut asked, mut sockets) = (BTreeMap::new(), BTreeMap::new());
        for line in record.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [word, pid, _, began, ended] = words.as_slice() else { bail!("not a line of provoke's: {line}") };
            let ended_ns = Some(ended.parse()?).filter(|ended| *ended != 0);
            let one = Asked { pid: pid.parse()?, began_ns: began.parse()?, ended_ns };
            match word.split_once(':') {
                Some(("socket", _)) => drop(sockets.insert(one.pid, one)),
                Some((_, name)) => drop(asked.insert(format!("fs-{name}"), one)),
                None => bail!("not a line of provoke's: {line}"),
            }
        }
        let mut helpers: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for line in truth.lines() {
            let (alias, pid) = line.split_once(' ').with_context(|| format!("not a line of the helper's: {line}"))?;
            helpers.entry(alias.to_owned()).or_default().insert(pid.parse()?);
        }
        let missing = asked.keys().filter(|alias| alias.starts_with("fs-lost-")).count();
        Ok(Truth { asked, sockets, helpers, scripted: truth.lines().count() + missing })
    }
}

fn compare(log: &str, truth: &Truth) -> Result<Tally> {
    let mut lines: Vec<Value> = log.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("not JSON")?;
    lines.retain(|line| line["kind"] == "request");
    let mut tally = Tally { scripted: truth.scripted, reported: lines.len(), ..Tally::default() };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for line in &lines {
        let alias = line["alias"].as_str().unwrap_or_default();
        *seen.entry(alias.to_owned()).or_default() += 1;
        let joined = check_join(line, alias, truth);
        let judged = check_verdict(line, alias, &lines);
        tally.joined += usize::from(joined.is_ok());
        tally.judged += usize::from(judged.is_ok());
        tally.wrong.extend([joined, judged].into_iter().filter_map(Result::err).map(|why| format!("{why}: {line}")));
    }
    for alias in truth.asked.keys().filter(|alias| seen.get(*alias) != Some(&1)) {
        tally.wrong.push(format!("{alias} was reported {} times", seen.get(alias).copied().unwrap_or(0)));
    }
    for (_, alias, _) in SOCKETS {
        let served = truth.helpers.get(alias).map_or(0, BTreeSet::len);
        if seen.get(alias).copied().unwrap_or(0) != served {
            tally.wrong.push(format!("{alias} was asked for {served} times and reported {:?} times", seen.get(alias)));
        }
    }
    Ok(tally)
}

/// Whether the request is tied to its requester and its helper.
fn check_join(line: &Value, alias: &str, truth: &Truth) -> Result<(), String> {
    let pid = line["requester"]["pid"].as_u64().unwrap_or_default();
    let asked = truth.asked.get(alias).or_else(|| truth.sockets.get(&pid)).ok_or("nobody asked for it")?;
    if asked.pid != pid {
        return Err(format!("{} asked for it", asked.pid));
    }
    let at = line["boot_ns"].as_u64().unwrap_or_default();
    let total = line["total_ns"].as_u64();
    // Probes read the fast clock, which can be a tick away from the other one (kernel/time/timekeeping.c).
    let inside =
        at + TICK_NS >= asked.began_ns && asked.ended_ns.is_none_or(|ended| at + total.unwrap_or(0) <= ended + TICK_NS);
    if !inside {
        return Err(format!("it was asked for and answered between {} and {:?}", asked.began_ns, asked.ended_ns));
    }
    let helper = line["helper"]["pid"].as_u64();
    let served = truth.helpers.get(alias);
    match served {
        Some(served) if helper.is_none_or(|helper| !served.contains(&helper)) => Err(format!("{served:?} served it")),
        None if !alias.starts_with("fs-lost-") => Err("no helper served it".to_owned()),
        Some(_) | None => Ok(()),
    }
}

/// Whether the verdict agrees with what the helper did.
fn check_verdict(line: &Value, alias: &str, lines: &[Value]) -> Result<(), String> {
    let verdict = line["verdict"].as_str().unwrap_or_default();
    // Kprobes do not see how a killed requester's call returns; its exit proves that it was killed.
    let is_proven = verdict == "abandoned" && line["incomplete"] == "the requester's return was not seen";
    if !line["incomplete"].is_null() && !is_proven {
        return Err("it is called incomplete".to_owned());
    }
    let kind = KINDS.iter().find(|kind| alias.strip_prefix("fs-").is_some_and(|name| name.starts_with(kind.name)));
    let Some(kind) = kind else { return check_socket(line, verdict, lines) };
    let helper = &line["helper"];
    let ended = (helper["exit_code"].as_i64(), helper["signal"].as_i64());
    if verdict == kind.verdict && ended == (kind.exit_code, kind.signal) {
        Ok(())
    } else {
        Err(format!("it is {} {:?} {:?}", kind.verdict, kind.exit_code, kind.signal))
    }
}

/// How late the kernel may report that a module is live, by the requester's return. A load that the kernel refused
/// because of that proves that the module was live.
fn report_delay_ns(line: &Value) -> u64 {
    let loads = line["loads"].as_array().into_iter().flatten();
    let is_proven = loads.filter(|load| load["module"] == line["module"]).any(|load| load["result"] == -17);
    if is_proven { 2_000_000_000 } else { 50_000_000 }
}

/// If several ask for one family at once, one load wins; the others find it live, or learn that during their load.
fn check_socket(line: &Value, verdict: &str, lines: &[Value]) -> Result<(), String> {
    let asked = line["boot_ns"].as_u64().unwrap_or_default();
    let live_at = |winner: &Value| {
        Some(winner["boot_ns"].as_u64()? + winner["request_to_live_ns"].as_u64()?)
            .filter(|_| winner["verdict"] == "live")
    };
    let same = || lines.iter().filter(|other| other["alias"] == line["alias"]);
    match verdict {
        "live" => {
            let own = line["loads"].as_array().into_iter().flatten();
            let live = own.filter(|load| load["module"] == line["module"] && load["live_ns"].is_u64()).count();
            if live == 1 { Ok(()) } else { Err("its own load of the module did not go live".to_owned()) }
        }
        "satisfied_by_another" => {
            let winner = same().find(|other| other["id"] == line["satisfied_by"]["request"]);
            let at = winner.and_then(live_at);
            let until = asked + line["total_ns"].as_u64().unwrap_or_default() + report_delay_ns(line);
            if at.is_some_and(|at| (asked..=until).contains(&at)) {
                Ok(())
            } else {
                Err(format!("the module went live at {at:?}, not between {asked} and {until}"))
            }
        }
        "already_live" if same().filter_map(live_at).any(|at| at < asked) => Ok(()),
        other => Err(format!("{other} is not a verdict for a module that can be loaded")),
    }
}

/// Writes the tally for the documents, if a folder for it is named.
fn keep(tally: &Tally, kernel: Guest, folder: &Path) -> Result<()> {
    let Tally { release, scripted, reported, joined, judged, lost, .. } = tally;
    let lost = if lost.is_empty() { "none" } else { lost };
    fs::write(
        folder.join(kernel.to_string()),
        format!("| {kernel} | {release} | {scripted} | {reported} | {joined} | {judged} | {lost} |\n"),
    )
    .context("cannot keep the tally")
}

mod tests {
    use super::{Truth, compare, script};

    const RECORD: &str = "fs:code-1-0 100 ENODEV 1000 9000\nfs:lost-1-1 101 ENODEV 1000 9000\n";
    const TRUTH: &str = "fs-code-1-0 200\n";

    fn line(alias: &str, pid: u64, helper: u64, verdict: &str, code: &str) -> String {
        format!(
            r#"{{"kind":"request","alias":"{alias}","boot_ns":2000,"total_ns":1000,"requester":{{"pid":{pid}}},"helper":{{"pid":{helper},"exit_code":{code},"signal":null}},"verdict":"{verdict}","incomplete":null}}"#
        )
    }

    #[test]
    fn what_is_right_counts_and_each_thing_that_is_wrong_is_said() {
        let truth = Truth::read(RECORD, TRUTH).unwrap();
        let missing = line("fs-lost-1-1", 101, 201, "helper_missing", "null");
        let right = compare(&format!("{}\n{missing}\n", line("fs-code-1-0", 100, 200, "helper_failed", "42")), &truth);
        let right = right.unwrap();
        assert_eq!((right.scripted, right.reported, right.joined, right.judged), (2, 2, 2, 2));
        assert_eq!(right.wrong, Vec::<String>::new());
        let wrong = [
            line("fs-code-1-0", 100, 201, "helper_failed", "42"),
            line("fs-code-1-0", 101, 200, "helper_failed", "42"),
            line("fs-code-1-0", 100, 200, "helper_failed", "41"),
            line("fs-code-1-0", 100, 200, "hollow", "42"),
            line("fs-code-1-1", 100, 200, "helper_failed", "42"),
        ];
        for one in wrong {
            let tally = compare(&format!("{one}\n{missing}\n"), &truth).unwrap();
            assert!(!tally.wrong.is_empty(), "{one}");
        }
        assert!(!compare(&format!("{missing}\n"), &truth).unwrap().wrong.is_empty());
    }

    #[test]
    fn the_same_seed_gives_the_same_script() {
        assert_eq!(script(1000, 7, ""), script(1000, 7, ""));
        assert_ne!(script(1000, 7, ""), script(1000, 8, ""));
    }
}
