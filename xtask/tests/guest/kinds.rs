//! More inputs of the kinds that `field.rs` has reports of: whether the answer says why and what to do. One trace for
//! all, on one kernel that the test modules can be built for; on the others by `cargo xtask test --long`.

use crate::field::{IMAGE, why};
use crate::lab::{Lab, Log};
use crate::shared::{Said, Shared};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use xtask::guest::Guest;

crate::with_test_modules_at_length!(
    helpers_and_loads_that_disagree,
    a_module_that_does_not_stay,
    refused_in_other_ways,
    files_that_are_no_modules,
    why_loads_fail,
    an_install_line_that_calls_itself,
    outdated_and_damaged,
    helpers_that_are_not_modprobe,
    loads_by_a_service,
    unloads_that_fail,
    killed_while_its_init_runs,
);

static TRACE: Shared = Shared {
    lab: |kernel| {
        let modules = "can can_raw vcan modtrail_test modtrail_slow modtrail_fail";
        let lab = Lab::new(kernel).modules(modules).setup(IMAGE).setup("/sbin/modprobe modtrail_test");
        lab.setup("printf '#!/bin/sh\\necho request $1 > /proc/modtrail_test\\n' > /bin/ask; chmod +x /bin/ask")
    },
    unloaded: "can_raw vcan can modtrail_slow modtrail_fail",
    parts: &[
        (
            "helpers_and_loads_that_disagree",
            "/sbin/modprobe can; helper 'exit 3'; ask net-pf-29; helper 'kill -9 $$'; ask can-proto-1; /sbin/rmmod can
             helper '/sbin/modprobe \"$@\"\nexit 3'; ask net-pf-29; /sbin/rmmod can; sleep 1
             echo /sbin/modprobe > /proc/sys/kernel/modprobe
             printf 'alias twin can\nalias twin modtrail_fail\n' > /etc/modprobe.d/x.conf; ask twin; sleep 1; rm /etc/modprobe.d/x.conf",
        ),
        ("a_module_that_does_not_stay", "helper '/sbin/modprobe can\n/sbin/rmmod can'; ask net-pf-29"),
        (
            "refused_in_other_ways",
            "echo > /proc/sys/kernel/modprobe; echo nowait net-pf-29 > /proc/modtrail_test
             echo threads 2 crowd-%d > /proc/modtrail_test; ask 'with blanks'
             echo /tmp > /proc/sys/kernel/modprobe; ask net-pf-15
             echo x > /tmp/plain; echo /tmp/plain > /proc/sys/kernel/modprobe; ask net-pf-16
             ask a23456789b123456789c123456789d123456789e123456789f123456789",
        ),
        (
            "files_that_are_no_modules",
            "head -c 5000 /tmp/can.ko > /tmp/short.ko; insmod /tmp/short.ko; head -c 300 /dev/urandom > /tmp/nvidia.ko; insmod /tmp/nvidia.ko",
        ),
        (
            "why_loads_fail",
            "insmod $(find /lib/modules -name 'can-raw.ko*'); insmod /tmp/can.ko; insmod /tmp/can.ko
             insmod /lib/modules/$(uname -r)/extra/modtrail_slow.ko init_delay_ms=x",
        ),
        (
            "an_install_line_that_calls_itself",
            "echo 'install can /sbin/modprobe can' > /etc/modprobe.d/x.conf; ask net-pf-29 & sleep 3; rm /etc/modprobe.d/x.conf; wait",
        ),
        (
            "outdated_and_damaged",
            "M=/lib/modules/$(uname -r); F=$(find $M -name 'can.ko*'); sleep 1
             mkdir -p $M/updates; cp /tmp/can.ko $M/updates/other.ko; ask other; sleep 1; rm -r $M/updates
             mv $M/modules.alias.bin /tmp/kept.bin; ask net-pf-28; sleep 1; mv /tmp/kept.bin $M/modules.alias.bin; sleep 1
             mv $F /tmp/away; : > $F; ask net-pf-29; sleep 1; echo garbage > $F; ask can-proto-1; sleep 1; mv /tmp/away $F",
        ),
        (
            "helpers_that_are_not_modprobe",
            "helper 'exit 126'; ask net-pf-29; helper 'exit 255'; ask net-pf-15
             printf '#!/bin/sh\nexit 0\n' > /tmp/sh-helper; cp /bin/provoke /tmp/modprobe; echo /tmp/modprobe > /proc/sys/kernel/modprobe; ask net-pf-16",
        ),
        (
            "loads_by_a_service",
            "G=/sys/fs/cgroup/system.slice/vpn.service; mkdir -p $G; sh -c 'echo $$ > /sys/fs/cgroup/system.slice/vpn.service/cgroup.procs; /sbin/modprobe can; :'",
        ),
        (
            "unloads_that_fail",
            "/sbin/modprobe can_raw; busybox rmmod can; provoke as 1000 -- busybox rmmod can; busybox rmmod nosuch",
        ),
        (
            "killed_while_its_init_runs",
            "cp /bin/kmod /tmp/systemd-udevd
             sh -c 'exec -a insmod /tmp/systemd-udevd /lib/modules/$(uname -r)/extra/modtrail_slow.ko init_delay_ms=3000' &
             sleep 1; kill -9 $!; wait; sleep 3",
        ),
    ],
    said: Said::new(BTreeMap::new()),
};

fn of<'l>(log: &'l Log, alias: &str) -> Vec<&'l Value> {
    log.requests.iter().filter(|request| request["alias"] == alias).collect()
}

/// Whether `why` has all these words.
fn says(line: &Value, words: &[&str]) {
    let reason = why(line);
    assert!(words.iter().all(|part| reason.contains(part)), "{words:?}: {line}");
}

fn helpers_and_loads_that_disagree(kernel: Guest) {
    let log = TRACE.part(kernel, "helpers_and_loads_that_disagree");
    let [failed, loaded] = of(&log, "net-pf-29")[..] else { panic!("{}", log.shown()) };
    // The module was live before, but the helper says otherwise.
    assert_eq!((&failed["verdict"], &failed["helper"]["exit_code"]), (&json!("helper_failed"), &json!(3)), "{failed}");
    assert_eq!((&loaded["verdict"], &loaded["result"]), (&json!("live"), &json!(768)), "{loaded}");
    let killed = log.only("can-proto-1");
    assert_eq!((&killed["verdict"], &killed["helper"]["signal"]), (&json!("helper_failed"), &json!(9)), "{killed}");
    // One of its modules went live, the other failed.
    let twin = log.only("twin");
    let loads: Vec<&Value> = twin["loads"].as_array().expect("loads").iter().map(|load| &load["result"]).collect();
    assert_eq!((&twin["verdict"], loads), (&json!("live"), vec![&json!(0), &json!(-19)]), "{twin}");
}

fn a_module_that_does_not_stay(kernel: Guest) {
    let log = TRACE.part(kernel, "a_module_that_does_not_stay");
    let request = log.only("net-pf-29");
    assert_eq!((&request["verdict"], request["gone_ns"].is_u64()), (&json!("live"), true), "{request}");
    says(request, &["it was unloaded again", "before the request returned"]);
}

fn refused_in_other_ways(kernel: Guest) {
    let log = TRACE.part(kernel, "refused_in_other_ways");
    for alias in ["net-pf-29", "crowd-0", "crowd-1", "with blanks"] {
        let request = log.only(alias);
        assert_eq!((&request["verdict"], &request["result"]), (&json!("helper_missing"), &json!(-2)), "{request}");
        assert_eq!(why(request), "no helper is set: kernel.modprobe is empty");
    }
    for (alias, helper) in [("net-pf-15", "/tmp"), ("net-pf-16", "/tmp/plain")] {
        let request = log.only(alias);
        assert_eq!((&request["verdict"], &request["result"]), (&json!("helper_missing"), &json!(-13)), "{request}");
        assert_eq!(
            why(request),
            format!("the kernel's helper is {helper}, not the system's modprobe (see kernel.modprobe)")
        );
    }
    assert_eq!(log.count("refused"), 1, "{}", log.shown());
}

fn files_that_are_no_modules(kernel: Guest) {
    let log = TRACE.part(kernel, "files_that_are_no_modules");
    for file in ["short.ko", "nvidia.ko"] {
        let loads: Vec<&Value> = log.others.iter().filter(|line| line["file"] == file).collect();
        let [load] = &loads[..] else { panic!("{file}: {}", log.shown()) };
        assert_eq!((&load["module"], &load["result"]), (&Value::Null, &json!(-8)), "{load}");
        assert!(why(load).starts_with(&format!("the load of {file} failed before its init (ENOEXEC): ")), "{load}");
    }
}

fn why_loads_fail(kernel: Guest) {
    let log = TRACE.part(kernel, "why_loads_fail");
    says(log.of_module("load", "can_raw")[0], &["it uses the unknown symbols", "what it depends on is not loaded"]);
    let [first, second] = log.of_module("load", "can")[..] else { panic!("{}", log.shown()) };
    assert_eq!((&first["result"], &second["result"]), (&json!(0), &json!(-17)), "{}", log.shown());
    says(second, &["it was live already"]);
    says(log.of_module("load", "modtrail_slow")[0], &["`x' invalid for parameter `init_delay_ms'"]);
}

fn an_install_line_that_calls_itself(kernel: Guest) {
    let log = TRACE.part(kernel, "an_install_line_that_calls_itself");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "live", "{request}");
    says(
        request,
        &["modprobe runs the install line /etc/modprobe.d/x.conf:1, which calls modprobe for it again", "deep"],
    );
}

fn outdated_and_damaged(kernel: Guest) {
    let log = TRACE.part(kernel, "outdated_and_damaged");
    let other = log.only("other");
    assert_eq!(other["verdict"], "not_found", "{other}");
    says(other, &["no module in the index has this alias", "the index lacks", "/updates/other.ko: run depmod"]);
    says(log.only("net-pf-28"), &["the indexes of modules could not be read", "modules.alias.bin", "run depmod"]);
    let empty = log.only("net-pf-29");
    assert_eq!(empty["verdict"], "helper_failed", "{empty}");
    says(empty, &["can is in the index of modules, but its file", "can.ko", "is empty"]);
    // What does not look compressed is passed on to the kernel as it is.
    let damaged = log.only("can-proto-1");
    assert_eq!(damaged["verdict"], "init_failed", "{damaged}");
    says(damaged, &["the kernel found no module in the file", "it is damaged"]);
}

fn helpers_that_are_not_modprobe(kernel: Guest) {
    let log = TRACE.part(kernel, "helpers_that_are_not_modprobe");
    for (alias, code) in [("net-pf-29", 126), ("net-pf-15", 255)] {
        let request = log.only(alias);
        assert_eq!((&request["verdict"], &request["helper"]["exit_code"]), (&json!("helper_failed"), &json!(code)));
        says(request, &["the kernel's helper is /tmp/helper, not the system's modprobe"]);
    }
    says(log.only("net-pf-16"), &["the kernel's helper is /tmp/modprobe, not the system's modprobe"]);
}

fn loads_by_a_service(kernel: Guest) {
    let log = TRACE.part(kernel, "loads_by_a_service");
    let load = log.of_module("load", "can")[0];
    let loader = &load["loader"];
    assert_eq!((&loader["unit"], &loader["parent"]["comm"]), (&json!("vpn.service"), &json!("sh")), "{load}");
    assert_eq!((&load["result"], &load["killed_by"]), (&json!(0), &Value::Null), "{load}");
}

fn unloads_that_fail(kernel: Guest) {
    let log = TRACE.part(kernel, "unloads_that_fail");
    let [used, denied, ..] = log.of_module("unload", "can")[..] else { panic!("{}", log.shown()) };
    says(used, &["(EAGAIN): it is in use"]);
    assert_eq!((&denied["result"], &denied["loader"]["uid"]), (&json!(-1), &json!(1000)), "{denied}");
    says(denied, &["does not have CAP_SYS_MODULE"]);
    says(log.of_module("unload", "nosuch")[0], &["(ENOENT): it is not loaded"]);
}

/// udev kills a worker whose event takes too long. An init that sleeps uninterruptibly goes on.
fn killed_while_its_init_runs(kernel: Guest) {
    let log = TRACE.part(kernel, "killed_while_its_init_runs");
    let load = log.of_module("load", "modtrail_slow")[0];
    assert_eq!((&load["result"], &load["killed_by"]), (&json!(0), &json!(9)), "{load}");
    assert_eq!((&load["loader"]["comm"], load["live_ns"].is_u64()), (&json!("systemd-udevd"), true), "{load}");
}
