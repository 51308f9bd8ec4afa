//! An independent witness: the kernel's own tracer, with kprobes and tracepoints of its own on the boot clock, in the
//! same guest at the same time. modtrail's report of each moment is compared with it.

use crate::lab::{self, Lab};
use serde_json::Value;
use std::collections::BTreeMap;
use xtask::guest::Guest;
use xtask::series::Series;

crate::on_oldest_and_newest!(moments_agree);

/// The largest distance between the two, in 99 of 100.
const APART_NS: u64 = 1_000_000;

/// Sets the tracer up, requests a module forty times with modtrail watching, and returns the trace.
const SCRIPT: &str = "\
cd /sys/kernel/tracing; echo boot > trace_clock; echo 16384 > buffer_size_kb
for probe in 'p:w/asked security_kernel_module_request' 'p:w/picked call_usermodehelper_exec_work' \
    'r:w/reaped call_usermodehelper_exec_work' 'r:w/executed kernel_execve' 'r:w/returned call_usermodehelper_exec' \
    'p:w/began __x64_sys_init_module' 'p:w/began2 __x64_sys_finit_module' 'r:w/ended __x64_sys_init_module' \
    'r:w/ended2 __x64_sys_finit_module' 'p:w/notified NOTIFIED val=$arg2:u64'; do
  echo \"$probe\" >> kprobe_events || exit 99
done
echo 1 > events/w/enable; echo 1 > events/module/module_request/enable
cat > /tmp/load <<'LOAD'
for i in $(seq 40); do
  provoke socket 15 raw 2 > /dev/null; while grep -q '^af_key ' /proc/modules; do /sbin/rmmod af_key; done
done
LOAD
modtrail log --json -- sh /tmp/load; echo 0 > tracing_on; cp trace /out/trace";

/// The most runs: one in a hundred moments may be off by chance, and with few moments one more is soon too many.
const RUNS: usize = 3;

fn moments_agree(kernel: Guest) {
    let mut far: Vec<String> = Vec::new();
    let mut compared = 0;
    for _ in 0..RUNS {
        compared += compare(kernel, &mut far);
        if far.len() * 100 <= compared {
            return;
        }
    }
    panic!("{} of {compared}: {}", far.len(), far.join(", "));
}

/// Compares the moments of one run: how many, and which lie too far apart.
fn compare(kernel: Guest, far: &mut Vec<String>) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    // Where modtrail sees it: other notifiers can take a millisecond before the last of them is called.
    let notified =
        if kernel.series == Series::V5_10 { "tracepoint_module_notify" } else { "blocking_notifier_call_chain" };
    let script = SCRIPT.replace("NOTIFIED", notified);
    let outcome = Lab::new(kernel).modules("af_key").out(folder.path().to_owned()).run(&script);
    let mut requests = lab::lines(&outcome);
    requests.retain(|line| line["kind"] == "request");
    assert_eq!(requests.len(), 40, "{}", String::from_utf8_lossy(&outcome.stderr));
    let trace = std::fs::read_to_string(folder.path().join("trace")).expect("a trace came back");
    let seen = witnessed(&trace);
    let mut compared = 0;
    for request in &requests {
        assert_eq!(request["verdict"], "live", "{request}");
        for (moment, pid, at) in moments(request) {
            let near = seen.get(moment).into_iter().flatten().filter(|(by, _)| pid.is_none_or(|pid| *by == pid));
            let apart = near.map(|(_, seen)| seen.abs_diff(at)).min();
            compared += 1;
            if apart.is_none_or(|apart| apart > APART_NS) {
                far.push(format!("{moment} of {} lies {apart:?} ns apart", request["id"]));
            }
        }
    }
    assert!(compared >= 40 * 8, "{compared} moments were compared");
    compared
}

/// What modtrail reports of one request: the moment, the process that it happened in if it is reported, and when.
fn moments(request: &Value) -> Vec<(&'static str, Option<u64>, u64)> {
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("a number is missing: {request}"));
    let phase = |name: &str| request["phases"][name].as_u64().unwrap_or(0);
    let (asked, total) = (number(&request["boot_ns"]), number(&request["total_ns"]));
    let (requester, helper) = (number(&request["requester"]["pid"]), number(&request["helper"]["pid"]));
    let admitted = asked + phase("slot_wait_ns");
    let picked = admitted + phase("queue_ns");
    let mut moments = vec![
        ("asked", Some(requester), asked),
        ("admitted", Some(requester), admitted),
        ("picked", None, picked),
        ("executed", Some(helper), picked + phase("fork_exec_ns")),
        ("reaped", None, asked + total - phase("wake_ns")),
        ("returned", Some(requester), asked + total),
    ];
    for load in request["loads"].as_array().into_iter().flatten() {
        moments.push(("began", Some(helper), number(&load["began_ns"])));
        moments.push(("ended", Some(helper), number(&load["ended_ns"])));
        moments.extend(load["live_ns"].as_u64().map(|live| ("live", Some(helper), live)));
    }
    moments
}

/// By moment, the process and the instant of each line of the tracer:
/// `   provoke-123     [001] d..2.    12.345678: asked: (security_kernel_module_request+0x0/0x50)`.
fn witnessed(trace: &str) -> BTreeMap<&'static str, Vec<(u64, u64)>> {
    let mut seen: BTreeMap<&'static str, Vec<(u64, u64)>> = BTreeMap::new();
    for line in trace.lines().filter(|line| !line.starts_with('#')) {
        let Some((before, rest)) = line.split_once(" [") else { continue };
        let mut words = rest.split_whitespace().skip(2);
        let pid = before.trim().rsplit('-').next().and_then(|pid| pid.parse().ok());
        let at = words.next().and_then(|word| word.trim_end_matches(':').parse::<f64>().ok());
        let (Some(pid), Some(at), Some(event)) = (pid, at, words.next()) else { continue };
        let moment = match event.trim_end_matches(':') {
            "asked" => "asked",
            "module_request" => "admitted",
            "picked" => "picked",
            "executed" => "executed",
            "reaped" => "reaped",
            "returned" => "returned",
            "began" | "began2" => "began",
            "ended" | "ended2" => "ended",
            "notified" if line.ends_with("val=0") => "live",
            _ => continue,
        };
        seen.entry(moment).or_default().push((pid, (at * 1e9) as u64));
    }
    seen
}
