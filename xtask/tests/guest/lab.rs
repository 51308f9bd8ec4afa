//! Runs a scenario's script in a guest and reads modtrail's lines.

use modtrail_core::event::Lost;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use trace_common::kind::Kind;
use xtask::guest::Guest;
use xtask::qemu::Clock;
use xtask::test::GUESTS_AT_ONCE;
use xtask::vm::{self, BootFile, End, VmOptions, VmOutcome};

/// The report and the lines of a recording, and what the recorded command wrote.
pub struct Recorded {
    pub report: Value,
    pub log: Log,
    pub output: String,
}

/// Separates modtrail's output from the command's.
const OUTPUT: &str = "== what the command wrote";

/// The beginning of a helper that ignores modtrail's own request, by which it proves that its probes fire while the
/// scenario already runs.
pub const NOT_FOR_ITSELF: &str = "[ \"$3\" = net-pf-16-proto-1 ] && exit 1";

/// How often a scenario is tried if the kernel skipped runs of probes.
pub const ATTEMPTS: u32 = 3;

/// A guest that will run, and what is done in it.
pub struct Lab {
    options: VmOptions,
    setup: String,
    flags: String,
}

/// What `modtrail log --json` said.
pub struct Log {
    pub requests: Vec<Value>,
    /// Loads and unloads that serve no request.
    pub others: Vec<Value>,
    pub stderr: String,
    pub status: i32,
}

impl Lab {
    /// A guest with one processor, in which time passes by executed instructions: the load of the host changes nothing
    /// in it, and sleeping tasks cost no time.
    pub fn new(kernel: Guest) -> Self {
        let mut options = VmOptions::new(kernel, &[]);
        options.timeout = Some(Duration::from_secs(240));
        options.clock = Clock::Instructions;
        options.smp = 1;
        Self { options, setup: String::new(), flags: String::new() }
    }

    /// Gives the guest two processors, on which tasks really run at once, by the host's clock.
    pub fn at_once(mut self) -> Self {
        self.options.clock = Clock::Host;
        self.options.smp = 2;
        self
    }

    /// The guest boots for this run, by the host's clock.
    pub fn booted(mut self) -> Self {
        self.options.afresh = true;
        self.options.clock = Clock::Host;
        self
    }

    /// Ships these modules.
    pub fn modules(mut self, names: &str) -> Self {
        self.options.modules = names.split_whitespace().map(str::to_owned).collect();
        self
    }

    /// More words for the kernel's command line. The guest boots for this run, by the host's clock: by instructions, a
    /// boot takes three times as long.
    pub fn append(mut self, words: &str) -> Self {
        self.options.append.push(words.to_owned());
        self.options.clock = Clock::Host;
        self
    }

    /// Boots the kernel as a machine's firmware would: it only returns from a real sleep that way. By the host's clock,
    /// as above.
    pub fn bzimage(mut self) -> Self {
        self.options.boot = BootFile::BzImage;
        self.at_once()
    }

    /// How many seconds a test of suspend (`/sys/power/pm_test`) waits at its deepest point. The kernel counts them
    /// with a busy processor, which takes long if time passes by instructions.
    pub fn tested_for(self, seconds: u32) -> Self {
        self.setup(&format!("echo {seconds} > /sys/module/suspend/parameters/pm_test_delay"))
    }

    /// Runs this before modtrail is started.
    pub fn setup(mut self, script: &str) -> Self {
        self.setup.push_str(script);
        self.setup.push('\n');
        self
    }

    /// Makes this script the kernel's helper, except for modtrail's own request.
    pub fn helper(self, script: &str) -> Self {
        self.setup(&format!(
            "cat > /tmp/helper <<'HELPER'\n#!/bin/sh\n{NOT_FOR_ITSELF}\n{script}\nHELPER\nchmod +x /tmp/helper\n\
             echo /tmp/helper > /proc/sys/kernel/modprobe"
        ))
    }

    /// More flags for modtrail.
    pub fn flags(mut self, flags: &str) -> Self {
        flags.clone_into(&mut self.flags);
        self
    }

    /// What is written to /out in the guest goes to this folder.
    pub fn out(mut self, folder: PathBuf) -> Self {
        self.options.out = Some(folder);
        self
    }

    /// Traces `command` and reads the lines. Also checks what must hold for every request.
    pub fn log(&self, command: &str) -> Log {
        let outcome = self.run_seen(&format!(
            "cat > /tmp/command <<'COMMAND'\n{command}\nCOMMAND\n\
             exec modtrail log {} --json --all -- sh -c 'sh /tmp/command > /tmp/command.out 2>&1'",
            self.flags
        ));
        Log::new(lines(&outcome), &outcome)
    }

    /// Records `command`, then reads the report and the lines of the recording, and what the command wrote.
    pub fn recorded(&self, command: &str) -> Recorded {
        let outcome = self.run_seen(&format!(
            "cat > /tmp/command <<'COMMAND'\n{command}\nCOMMAND\n\
             modtrail record {} -o /tmp/it.mcap -- sh /tmp/command > /tmp/command.out || exit 99\n\
             modtrail report --json /tmp/it.mcap && modtrail log --json /tmp/it.mcap; echo {OUTPUT}; cat /tmp/command.out",
            self.flags
        ));
        let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&outcome.stderr).into_owned();
        let (reported, output) = text.split_once(&format!("{OUTPUT}\n")).unwrap_or_else(|| panic!("{text}\n{stderr}"));
        let mut lines = reported.lines().map(parsed);
        let report = lines.next().unwrap_or_else(|| panic!("no report: {stderr}"));
        let log = Log::new(lines.collect(), &outcome);
        Recorded { report, log, output: output.to_owned() }
    }

    /// Runs `script`, and again if the kernel skipped runs of probes and modtrail reported it.
    pub fn run_seen(&self, script: &str) -> VmOutcome {
        let mut outcome = self.run(script);
        for _ in 1..ATTEMPTS {
            if !was_skipped(&outcome.stderr) {
                break;
            }
            outcome = self.run(script);
        }
        outcome
    }

    /// Runs `script` after the setup; the guest must end by itself.
    pub fn run(&self, script: &str) -> VmOutcome {
        let script = format!("{}{script}", self.setup);
        let mut options = self.options.clone();
        options.command = ["sh", "-c", &script].map(str::to_owned).to_vec();
        let outcome = ended(&options);
        let stderr = String::from_utf8_lossy(&outcome.stderr);
        assert!(matches!(outcome.end, End::Exited(_)), "{:?}\n{stderr}\n{}", outcome.end, outcome.console);
        outcome
    }
}

/// Guests that may run now, and threads that wait for one to end. Scenarios that wait for a shared trace take none.
static FREE: (Mutex<usize>, Condvar) = (Mutex::new(GUESTS_AT_ONCE), Condvar::new());

/// The right to run a guest, given up when dropped.
pub struct Slot;

impl Slot {
    /// Waits for it.
    pub fn take() -> Slot {
        let free = FREE.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = FREE.1.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Slot
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *FREE.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        FREE.1.notify_one();
    }
}

/// Runs a guest, and once more if it did not end by itself: emulated machines hang or die now and then, whatever runs
/// in them.
pub fn ended(options: &VmOptions) -> VmOutcome {
    let _slot = Slot::take();
    match vm::run(options) {
        Ok(outcome) if matches!(outcome.end, End::Exited(_)) => return outcome,
        Ok(VmOutcome { end, console, .. }) => {
            eprintln!("the guest did not end ({end:?}); once more, from its boot\n{console}");
        }
        Err(error) => eprintln!("the guest did not start; once more, from its boot\n{error:#}"),
    }
    // By the host's clock: by instructions, a boot takes three times as long.
    let options = VmOptions { afresh: true, clock: Clock::Host, ..options.clone() };
    vm::run(&options).expect("the guest starts")
}

/// Whether modtrail reported that the kernel skipped runs of probes. If tasks can be preempted in the kernel and
/// emulation slows everything down, this depends on luck, and no scenario is about it.
pub fn was_skipped(stderr: &[u8]) -> bool {
    String::from_utf8_lossy(stderr).contains(Lost::Unrun(Kind::Live).as_str())
}

impl Log {
    fn new(lines: Vec<Value>, outcome: &VmOutcome) -> Self {
        let (requests, others): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line["kind"] == "request");
        requests.iter().for_each(check_phases);
        Log {
            requests,
            others,
            stderr: String::from_utf8_lossy(&outcome.stderr).into_owned(),
            status: outcome.status(),
        }
    }

    /// The loads (`kind` "load") or unloads of a module, in the order in which they began.
    pub fn of_module(&self, kind: &str, module: &str) -> Vec<&Value> {
        let mut found: Vec<&Value> =
            self.others.iter().filter(|line| line["kind"] == kind && line["module"] == module).collect();
        found.sort_by_key(|line| line["boot_ns"].as_u64());
        found
    }

    /// The only request for `alias`.
    pub fn only(&self, alias: &str) -> &Value {
        let found: Vec<&Value> = self.requests.iter().filter(|request| request["alias"] == alias).collect();
        assert_eq!(found.len(), 1, "requests for {alias}: {}", self.shown());
        found[0]
    }

    /// With only what began after the request for `from_alias` and, if `to_alias` is given, before the one for that.
    pub fn between(&self, from_alias: &str, to_alias: Option<&str>) -> Log {
        let id = |request: &Value| request["id"].as_u64().expect("a number");
        let mark = |alias: &str| id(self.only(alias));
        let (from, to) = (mark(from_alias), to_alias.map_or(u64::MAX, mark));
        let mut requests = self.requests.clone();
        requests.retain(|request| (from + 1..to).contains(&id(request)));
        requests.sort_by_key(id);
        let at = |line: &Value| line["boot_ns"].as_u64().expect("a time");
        let since = at(self.only(from_alias));
        let until = to_alias.map_or(u64::MAX, |alias| at(self.only(alias)));
        let others = self.others.iter().filter(|line| (since..until).contains(&at(line))).cloned().collect();
        Log { requests, others, stderr: self.stderr.clone(), status: self.status }
    }

    /// How many requests have this verdict.
    pub fn count(&self, verdict: &str) -> usize {
        self.requests.iter().filter(|request| request["verdict"] == verdict).count()
    }

    /// All of it, for a failing test.
    pub fn shown(&self) -> String {
        let lines: Vec<String> = self.requests.iter().chain(&self.others).map(Value::to_string).collect();
        format!("status {}\n{}\n{}", self.status, lines.join("\n"), self.stderr)
    }
}

/// Each line of the guest's stdout as JSON.
pub fn lines(outcome: &VmOutcome) -> Vec<Value> {
    let text = String::from_utf8(outcome.stdout.clone()).expect("modtrail writes UTF-8");
    text.lines().map(parsed).collect()
}

pub fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// If a total is known, the phases are a partition of it.
fn check_phases(request: &Value) {
    let Some(total) = request["total_ns"].as_u64() else { return };
    let phases = request["phases"].as_object().expect("phases");
    let sum: u64 = phases.values().filter_map(Value::as_u64).sum();
    assert!(sum.abs_diff(total) <= (total / 100).max(50_000), "phases sum to {sum} of {total}: {request}");
}
