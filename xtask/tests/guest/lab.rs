//! Runs a scenario's script in a guest and reads modtrail's lines.

use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use xtask::kernels::Series;
use xtask::vm::{self, End, VmOptions, VmOutcome};

/// A guest to be, and what is done in it.
pub struct Lab {
    options: VmOptions,
    setup: String,
    flags: String,
}

/// What `modtrail log --json` said.
pub struct Log {
    pub requests: Vec<Value>,
    pub stderr: String,
    pub status: i32,
}

impl Lab {
    pub fn new(kernel: Series) -> Self {
        let mut options = VmOptions::new(kernel, &[]);
        options.timeout = Some(Duration::from_secs(240));
        Self { options, setup: String::new(), flags: String::new() }
    }

    /// Ships these modules.
    pub fn modules(mut self, names: &str) -> Self {
        self.options.modules = names.split_whitespace().map(str::to_owned).collect();
        self
    }

    /// Runs this before modtrail is started.
    pub fn setup(mut self, script: &str) -> Self {
        self.setup.push_str(script);
        self.setup.push('\n');
        self
    }

    /// Makes this script the kernel's helper.
    pub fn helper(self, script: &str) -> Self {
        self.setup(&format!(
            "cat > /tmp/helper <<'HELPER'\n#!/bin/sh\n{script}\nHELPER\nchmod +x /tmp/helper\n\
             echo /tmp/helper > /proc/sys/kernel/modprobe"
        ))
    }

    /// Further flags for modtrail.
    pub fn flags(mut self, flags: &str) -> Self {
        flags.clone_into(&mut self.flags);
        self
    }

    /// What comes in /out goes to this folder.
    pub fn out(mut self, folder: PathBuf) -> Self {
        self.options.out = Some(folder);
        self
    }

    /// Traces `command` and reads the lines. Whatever holds for every request is checked here.
    pub fn log(self, command: &str) -> Log {
        let flags = self.flags.clone();
        let outcome = self.run(&format!(
            "cat > /tmp/command <<'COMMAND'\n{command}\nCOMMAND\n\
             exec modtrail log {flags} --json -- sh -c 'sh /tmp/command > /tmp/command.out 2>&1'"
        ));
        let requests = lines(&outcome);
        requests.iter().for_each(check_phases);
        Log { requests, stderr: String::from_utf8_lossy(&outcome.stderr).into_owned(), status: outcome.status() }
    }

    /// Runs `script` after the setup; the guest must end by itself.
    pub fn run(mut self, script: &str) -> VmOutcome {
        let script = format!("{}{script}", self.setup);
        self.options.command = ["sh", "-c", &script].map(str::to_owned).to_vec();
        let outcome = vm::run(&self.options).expect("the guest starts");
        let stderr = String::from_utf8_lossy(&outcome.stderr);
        assert!(matches!(outcome.end, End::Exited(_)), "{:?}\n{stderr}\n{}", outcome.end, outcome.console);
        outcome
    }
}

impl Log {
    /// The only request for `alias`.
    pub fn only(&self, alias: &str) -> &Value {
        let found: Vec<&Value> = self.requests.iter().filter(|request| request["alias"] == alias).collect();
        assert_eq!(found.len(), 1, "requests for {alias}: {}", self.shown());
        found[0]
    }

    /// How many requests have this verdict.
    pub fn count(&self, verdict: &str) -> usize {
        self.requests.iter().filter(|request| request["verdict"] == verdict).count()
    }

    /// Everything, for a failing test.
    pub fn shown(&self) -> String {
        let lines: Vec<String> = self.requests.iter().map(Value::to_string).collect();
        format!("status {}\n{}\n{}", self.status, lines.join("\n"), self.stderr)
    }
}

/// Each line of the guest's stdout as JSON.
pub fn lines(outcome: &VmOutcome) -> Vec<Value> {
    let text = String::from_utf8(outcome.stdout.clone()).expect("modtrail writes UTF-8");
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(parse).collect()
}

/// Where a total is known, the phases are a partition of it.
fn check_phases(request: &Value) {
    let Some(total) = request["total_ns"].as_u64() else { return };
    let phases = request["phases"].as_object().expect("phases");
    let sum: u64 = phases.values().filter_map(Value::as_u64).sum();
    assert!(sum.abs_diff(total) <= (total / 100).max(50_000), "phases sum to {sum} of {total}: {request}");
}
