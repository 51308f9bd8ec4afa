//! Each verdict, provoked.

use crate::lab::Lab;
use crate::shared::{self, Said, Shared};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use xtask::guest::Guest;
use xtask::series::Series;

crate::on_each_guest!(
    live,
    live_with_a_dependency,
    live_by_a_helper_that_forks,
    live_by_a_helper_that_daemonises,
    whatever_the_helper_comes_to,
    abandoned,
    in_flight,
    throttled,
    loaded_unloaded_and_loaded_again,
    who_asked,
);
crate::with_test_modules!(
    already_live,
    already_live_built_in,
    satisfied_by_another,
    hollow_by_a_module_whose_init_says_it_exists,
    init_failed,
    unwaited,
    nested,
);

/// A BPF security module is attached by a trampoline, which arm64 has from 6.12 on.
mod with_a_bpf_security_module {
    use super::denied;
    crate::on_each_kernel!(denied);
    crate::on!(on_arm64_6_12, arm64, V6_12, denied);
}

/// What a container's cgroup is named after.
const CONTAINER: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static TRACE: Shared = Shared {
    lab: |kernel| {
        let lab = Lab::new(kernel).modules("can can_raw af_key phonet").setup(CAN_IS_LIVE);
        lab.setup(&format!("echo {CONTAINER} > /tmp/container"))
    },
    unloaded: "can_raw can af_key xfrm_algo phonet",
    parts: &[
        ("live", "provoke socket 29 raw 1"),
        ("live_with_a_dependency", "provoke socket 15 raw 2"),
        ("live_by_a_helper_that_forks", "helper '/sbin/modprobe \"$@\"\nexit $?'; provoke socket 29 raw 0"),
        (
            "live_by_a_helper_that_daemonises",
            "helper '(sleep 0.5; exec /sbin/modprobe \"$@\") &\nexit 0'; provoke socket 29 raw 0; can_is_live",
        ),
        (
            "whatever_the_helper_comes_to",
            "provoke socket 27
             helper 'exit 0'; provoke socket 35 dgram 0
             helper 'exit 7'; provoke socket 29
             helper 'kill -9 $$'; provoke socket 15
             echo /nonexistent > /proc/sys/kernel/modprobe; provoke socket 38",
        ),
        (
            "abandoned",
            "helper 'sleep 1\nexec /sbin/modprobe \"$@\"'; provoke kill-after 300 -- provoke socket 29 raw 0; can_is_live",
        ),
        (
            "loaded_unloaded_and_loaded_again",
            "for i in 1 2 3; do provoke socket 15 raw 2; while grep -q '^af_key ' /proc/modules; do /sbin/rmmod af_key; done; done",
        ),
        (
            "who_asked",
            "(C=system.slice/docker-$(cat /tmp/container).scope
             mkdir -p /tmp/cg && mount -t cgroup2 none /tmp/cg && mkdir -p /tmp/cg/$C; echo 4242 > /proc/self/loginuid
             sleep 0.2; sh -c \"echo \\$\\$ > /tmp/cg/$C/cgroup.procs; exec provoke socket 27\")",
        ),
        (
            "in_flight",
            "helper 'sleep 30'; provoke socket 29 &
             until grep -q call_usermodehelper_exec /proc/$!/stack; do sleep 0.1; done",
        ),
    ],
    said: Said::new(BTreeMap::new()),
};

/// The same for scenarios that need the test modules.
static TEST_MODULES: Shared = Shared {
    lab: |kernel| {
        let modules = "can modtrail_test modtrail_slow modtrail_exist modtrail_fail modtrail_nested";
        Lab::new(kernel).modules(modules).setup(CAN_IS_LIVE).setup("/sbin/modprobe can; /sbin/modprobe modtrail_test")
    },
    unloaded: "can modtrail_nested modtrail_slow",
    parts: &[
        ("already_live", "echo request net-pf-29 > /proc/modtrail_test"),
        // By the name of the first module in the index of built-in ones.
        (
            "already_live_built_in",
            "sed -n 's|.*/\\([^/]*\\)\\.ko$|\\1|p' /lib/modules/$(uname -r)/modules.builtin | head -1 > /tmp/builtin
             echo request $(cat /tmp/builtin) > /proc/modtrail_test",
        ),
        // A person loads the slow module; the kernel requests it while its init runs.
        (
            "satisfied_by_another",
            "/sbin/modprobe modtrail_slow & until grep -q coming /sys/module/modtrail_slow/initstate; do sleep 0.1; done
             echo request modtrail-test-slow > /proc/modtrail_test",
        ),
        ("hollow_by_a_module_whose_init_says_it_exists", "echo request modtrail-test-exist > /proc/modtrail_test"),
        ("init_failed", "echo request modtrail-test-fail > /proc/modtrail_test"),
        ("unwaited", "echo nowait net-pf-29 > /proc/modtrail_test; can_is_live"),
        ("nested", "echo request modtrail-test-nested > /proc/modtrail_test"),
    ],
    said: Said::new(BTreeMap::new()),
};

/// `can_is_live`: waits until the module is; the guest's own time limit ends a wait that would never end.
const CAN_IS_LIVE: &str = "cat > /bin/can_is_live <<'WAIT'
#!/bin/sh
until grep -q live /sys/module/can/initstate; do sleep 0.1; done 2> /dev/null
WAIT
chmod +x /bin/can_is_live";

fn live(kernel: Guest) {
    let log = TRACE.part(kernel, "live");
    assert_eq!(log.status, shared::STATUS, "the command's status is passed on: {}", log.shown());
    assert_eq!(log.requests.len(), 2, "{}", log.shown());
    for (alias, module) in [("net-pf-29", "can"), ("can-proto-1", "can_raw")] {
        let request = log.only(alias);
        assert_eq!(request["verdict"], "live", "{request}");
        assert_eq!(request["module"], module);
        assert_eq!(request["result"], 0);
        assert_eq!(request["wait"], "proc");
        assert_eq!(request["requester"]["comm"], "provoke");
        assert_eq!(request["requester"]["uid"], 0);
        assert_eq!(request["requester"]["stack"][0], "__request_module");
        assert_eq!(request["helper"]["argv"], json!(["/sbin/modprobe", "-q", "--", alias]));
        assert_eq!(request["helper"]["exit_code"], 0);
        let load = &request["loads"][0];
        assert_eq!(load["module"], module);
        assert_eq!(load["pid"], request["helper"]["pid"]);
        assert_eq!(load["live_ns"], live_at(request), "{request}");
        assert!(load["bytes"].as_u64().expect("bytes") > 10_000);
        assert!(request["request_to_live_ns"].as_u64() < request["total_ns"].as_u64());
        assert_eq!(request["incomplete"], json!(null));
    }
    assert_eq!(log.requests[0]["requester"]["pid"], log.requests[1]["requester"]["pid"]);
}

fn live_with_a_dependency(kernel: Guest) {
    let log = TRACE.part(kernel, "live_with_a_dependency");
    let request = log.only("net-pf-15");
    assert_eq!(request["verdict"], "live", "{request}");
    let loads: Vec<_> = request["loads"].as_array().expect("loads").iter().collect();
    let seen: Vec<_> = loads.iter().map(|load| (load["module"].as_str(), load["dependency"].as_bool())).collect();
    assert_eq!(seen, [(Some("xfrm_algo"), Some(true)), (Some("af_key"), Some(false))]);
    assert_eq!(loads[1]["live_ns"], live_at(request), "{request}");
}

/// When the wanted module went live, since boot.
fn live_at(request: &Value) -> u64 {
    let number = |name: &str| request[name].as_u64().expect("a number");
    number("boot_ns") + number("request_to_live_boot_ns")
}

fn live_by_a_helper_that_forks(kernel: Guest) {
    let log = TRACE.part(kernel, "live_by_a_helper_that_forks");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "live", "{request}");
    assert_ne!(request["loads"][0]["pid"], request["helper"]["pid"]);
}

fn live_by_a_helper_that_daemonises(kernel: Guest) {
    let log = TRACE.part(kernel, "live_by_a_helper_that_daemonises");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "live", "{request}");
    assert!(request["request_to_live_ns"].as_u64() > request["total_ns"].as_u64(), "{request}");
}

fn already_live(kernel: Guest) {
    let log = TEST_MODULES.part(kernel, "already_live");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "already_live", "{request}");
    assert_eq!(request["why"], "can was live before it was asked for");
    assert_eq!(request["result"], 0);
    assert_eq!(request["loads"], json!([]));
}

fn already_live_built_in(kernel: Guest) {
    let log = TEST_MODULES.part(kernel, "already_live_built_in");
    assert_eq!(log.requests.len(), 1, "{}", log.shown());
    assert_eq!(log.requests[0]["verdict"], "already_live", "{}", log.shown());
    let why = log.requests[0]["why"].as_str().expect("a reason");
    assert!(why.ends_with(" is built into the kernel"), "{why}");
}

fn satisfied_by_another(kernel: Guest) {
    let log = TEST_MODULES.part(kernel, "satisfied_by_another");
    let request = log.only("modtrail-test-slow");
    assert_eq!(request["verdict"], "satisfied_by_another", "{request}");
    assert_eq!(request["satisfied_by"]["module"], "modtrail_slow");
    assert_eq!(request["satisfied_by"]["comm"], "modprobe");
    assert_eq!(request["satisfied_by"]["request"], json!(null));
    assert_ne!(request["satisfied_by"]["pid"], request["helper"]["pid"]);
}

fn hollow_by_a_module_whose_init_says_it_exists(kernel: Guest) {
    let log = TEST_MODULES.part(kernel, "hollow_by_a_module_whose_init_says_it_exists");
    let request = log.only("modtrail-test-exist");
    assert_eq!(request["verdict"], "hollow", "{request}");
    assert_eq!(request["loads"][0]["result"], -17);
    assert_eq!(request["why"], "the init of modtrail_exist returned -EEXIST and modprobe took that for success");
}

fn init_failed(kernel: Guest) {
    let log = TEST_MODULES.part(kernel, "init_failed");
    let request = log.only("modtrail-test-fail");
    assert_eq!(request["verdict"], "init_failed", "{request}");
    assert_eq!(request["loads"][0]["module"], "modtrail_fail");
    assert_eq!(request["loads"][0]["result"], -19);
    assert_eq!(request["helper"]["exit_code"], 1);
}

/// One helper after another, each with an alias of its own.
fn whatever_the_helper_comes_to(kernel: Guest) {
    let log = TRACE.part(kernel, "whatever_the_helper_comes_to");
    let reported = |alias: &str| {
        let (request, helper) = (log.only(alias), &log.only(alias)["helper"]);
        json!([request["verdict"], request["module"], request["result"], helper["exit_code"], helper["signal"]])
    };
    assert_eq!(reported("net-pf-27"), json!(["not_found", null, 256, 1, null]), "{}", log.shown());
    assert_eq!(reported("net-pf-35"), json!(["hollow", "phonet", 0, 0, null]), "{}", log.shown());
    assert_eq!(
        log.only("net-pf-35")["why"],
        "the kernel's helper is /tmp/helper, not the system's modprobe (see kernel.modprobe)"
    );
    assert_eq!(reported("net-pf-29"), json!(["helper_failed", "can", 1792, 7, null]), "{}", log.shown());
    assert_eq!(reported("net-pf-15"), json!(["helper_failed", "af_key", 9, null, 9]), "{}", log.shown());
    assert_eq!(reported("net-pf-38"), json!(["helper_missing", "af_alg", -2, null, null]), "{}", log.shown());
    assert_eq!(log.only("net-pf-38")["helper"]["path"], "/nonexistent");
}

fn abandoned(kernel: Guest) {
    let log = TRACE.part(kernel, "abandoned");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "abandoned", "{request}");
    assert_eq!(request["result"], -512);
    // The helper went on, and the line was held until it ended.
    assert_eq!(request["helper"]["exit_code"], 0);
    assert!(request["request_to_live_ns"].as_u64() > request["total_ns"].as_u64(), "{request}");
    assert_eq!(request["incomplete"], json!(null));
}

fn unwaited(kernel: Guest) {
    let log = TEST_MODULES.part(kernel, "unwaited");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "unwaited", "{request}");
    assert_eq!(request["wait"], "exec");
    assert_eq!(request["helper"]["exit_code"], 0);
    assert!(request["request_to_live_ns"].as_u64() > request["total_ns"].as_u64(), "{request}");
}

fn in_flight(kernel: Guest) {
    let log = TRACE.part(kernel, "in_flight");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "in_flight", "{request}");
    assert_eq!(request["total_ns"], json!(null));
    assert_eq!(request["incomplete"], "tracing ended first");
    assert!(log.stderr.contains("1 request was still open"), "{}", log.shown());
}

fn nested(kernel: Guest) {
    let log = TEST_MODULES.part(kernel, "nested");
    let outer = log.only("modtrail-test-nested");
    let inner = log.only("modtrail-test-slow");
    assert_eq!((&outer["verdict"], &inner["verdict"]), (&json!("live"), &json!("live")), "{}", log.shown());
    assert_eq!((&outer["parent"], &inner["parent"]), (&json!(null), &outer["id"]));
    assert_eq!(inner["requester"]["pid"], outer["helper"]["pid"]);
    let modules: Vec<_> = outer["loads"].as_array().expect("loads").iter().map(|load| &load["module"]).collect();
    assert_eq!(modules, ["modtrail_nested"], "the inner request's load is its own");
}

/// 60 ask at once, and a helper is slower than the wait for a slot: 10 are turned away, and are distinguished from the
/// others.
fn throttled(kernel: Guest) {
    let lab = Lab::new(kernel).at_once().helper("sleep 6\nexit 1");
    let names: Vec<String> = (0..60).map(|index| format!("fs:full-{index}")).collect();
    let log = lab.log(&format!("provoke wave {}", names.join(" ")));
    // Without trampolines, a return probe may miss a denial: a requester without an answer may have been denied.
    let expected = if kernel == Guest::arm64(Series::V6_1) { "incomplete" } else { "throttled" };
    assert_eq!((log.requests.len(), log.count(expected), log.count("not_found")), (60, 10, 50), "{}", log.shown());
    // From 6.4 on, the slots are a semaphore, whose answer is seen; before, it is inferred.
    let is_seen = !matches!(kernel.series, Series::V5_10 | Series::V6_1);
    for request in log.requests.iter().filter(|request| request["verdict"] == "throttled") {
        assert_eq!(request["helper"], json!(null), "{request}");
        assert_eq!(request["result"], if is_seen { json!(-62) } else { json!(null) }, "{request}");
        assert_eq!(request["incomplete"].is_null(), is_seen, "{request}");
        let waited = request["phases"]["slot_wait_ns"].as_u64();
        assert!(!is_seen || waited >= Some(5_000_000_000), "{request}");
    }
}

/// A security module denies the request. BPF programs can be one if the kernel was started that way.
fn denied(kernel: Guest) {
    let outcome = Lab::new(kernel).append("lsm=bpf").run(
        "provoke deny forbidden > /tmp/ready & until grep -q denying /tmp/ready; do sleep 0.1; done\n\
         exec modtrail log --json -- sh -c 'provoke wave fs:forbidden fs:allowed > /dev/null'",
    );
    let out = String::from_utf8_lossy(&outcome.stdout);
    let requests = crate::lab::lines(&outcome);
    let of = |alias: &str| requests.iter().find(|request| request["alias"] == alias).expect("a request");
    assert_eq!(
        (&of("fs-forbidden")["verdict"], &of("fs-forbidden")["result"]),
        (&json!("denied"), &json!(-1)),
        "{out}"
    );
    assert_eq!(of("fs-allowed")["verdict"], "not_found", "{out}");
    assert_eq!(requests.len(), 2, "{out}");
}

/// Each life of a module counts separately.
fn loaded_unloaded_and_loaded_again(kernel: Guest) {
    let log = TRACE.part(kernel, "loaded_unloaded_and_loaded_again");
    let verdicts: Vec<&Value> = log.requests.iter().map(|request| &request["verdict"]).collect();
    assert_eq!(verdicts, ["live", "live", "live"], "{}", log.shown());
}

/// The requester is reported even if it lives in a container's cgroup and has a different name than its program.
fn who_asked(kernel: Guest) {
    let log = TRACE.part(kernel, "who_asked");
    let request = log.only("net-pf-27");
    let requester = &request["requester"];
    assert_eq!(requester["exe"], "/bin/provoke", "{request}");
    assert_eq!(requester["container"], CONTAINER, "{request}");
    assert_eq!((&requester["container_engine"], &requester["loginuid"]), (&json!("docker"), &json!(4242)), "{request}");
    assert_eq!(requester["unit"], format!("docker-{CONTAINER}.scope"), "{request}");
    assert_eq!(request["family"], "socket family");
    let stack = requester["stack"].as_array().expect("a stack");
    assert_eq!((&stack[0], stack.contains(&json!("__sock_create"))), (&json!("__request_module"), true), "{request}");
}
