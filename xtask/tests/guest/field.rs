//! What people ran into with module loading, by their public reports: for each kind, whether the answer says why and
//! what to do. One trace for all kinds, on each kernel.

use crate::lab::{Lab, Log};
use crate::shared::{Said, Shared};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use xtask::guest::Guest;

crate::on_each_kernel!(
    refused_before_a_helper,
    of_another_kernel,
    a_missing_dependency,
    a_wrong_parameter,
    not_a_module,
    rules_that_do_not_hold,
    another_helper,
    a_helper_that_cannot_run,
    by_a_person,
    by_a_user_without_rights,
    no_modules_of_this_kernel,
    modules_disabled,
);
crate::with_test_modules!(unloaded_while_requested);
crate::at_length!(forbidden_by_the_kernel_command_line);

static TRACE: Shared = Shared {
    lab: |kernel| Lab::new(kernel).modules("can can_raw af_key vcan").setup(IMAGE),
    unloaded: "can_raw vcan can af_key xfrm_algo",
    parts: &[
        (
            "refused_before_a_helper",
            "echo > /proc/sys/kernel/modprobe; provoke socket 29 raw 0; provoke fs xfs; echo /sbin/modprobe > /proc/sys/kernel/modprobe
             provoke fs a23456789b123456789c123456789d123456789e123456789f123456789",
        ),
        (
            "of_another_kernel",
            "sed 's/mod_unload/mod_UNLOAD/; s/~Module signature appended~/~Module signature appendeX~/' /tmp/can.ko > /tmp/nvidia-current.ko
             insmod /tmp/nvidia-current.ko
             cp /tmp/nvidia-current.ko $(find /lib/modules -name 'can.ko*'); provoke socket 29 raw 0
             cp /tmp/kept.ko $(find /lib/modules -name 'can.ko*')",
        ),
        (
            "a_missing_dependency",
            "file=$(find /lib/modules -name 'xfrm_algo.ko*'); mv $file /tmp/away; provoke socket 15 raw 2; sleep 1; mv /tmp/away $file
             mv $(find /lib/modules -name 'vcan.ko*') /tmp/vcan.away; provoke fs vcan; modprobe vcan",
        ),
        (
            "a_wrong_parameter",
            "echo 'options can stats_timer=abc' > /etc/modprobe.d/x.conf; provoke socket 29 raw 0; sleep 1; rm /etc/modprobe.d/x.conf",
        ),
        ("not_a_module", "echo garbage > /tmp/garbage.ko; insmod /tmp/garbage.ko; : > /tmp/empty.ko; insmod /tmp/empty.ko"),
        (
            "rules_that_do_not_hold",
            "printf 'blacklist can\n' > /etc/modprobe.d/y.conf; provoke socket 29 raw 0; sleep 1; rm /etc/modprobe.d/y.conf
             printf 'blacklist can\n' > /etc/modprobe.d/y.txt; printf 'blacklists can\n' > /etc/modprobe.d/z.conf; provoke socket 29 raw 0
             sleep 1; rm /etc/modprobe.d/y.txt /etc/modprobe.d/z.conf",
        ),
        (
            "another_helper",
            "mkdir -p /tmp/sbin; printf '#!/bin/sh\nexit 0\n' > /tmp/sbin/modprobe; chmod +x /tmp/sbin/modprobe
             echo /tmp/sbin/modprobe > /proc/sys/kernel/modprobe; provoke socket 29 raw 0",
        ),
        (
            "a_helper_that_cannot_run",
            "printf '#!/bin/sh\nnosuchcommand\n' > /tmp/sbin/modprobe; echo /tmp/sbin/modprobe > /proc/sys/kernel/modprobe
             provoke socket 29 raw 0; printf '#!/nosuch\n' > /tmp/sbin/modprobe; provoke socket 15 raw 2
             printf '#!/bin/sh\nsh -c \"kill -9 \\$\\$\"\nexit $?\n' > /tmp/sbin/modprobe; provoke socket 27",
        ),
        ("by_a_person", "sh -c '/sbin/modprobe can; sleep 0.1'; /sbin/rmmod can; busybox rmmod can"),
        ("by_a_user_without_rights", "provoke as 65534 -- /sbin/modprobe can; provoke as 65534 -- busybox rmmod nosuch"),
        (
            "no_modules_of_this_kernel",
            "mv /lib/modules/$(uname -r) /lib/modules/9.9.9-new; provoke socket 29 raw 0; sleep 1
             mv /lib/modules/9.9.9-new /lib/modules/$(uname -r)",
        ),
        ("modules_disabled", "echo 1 > /proc/sys/kernel/modules_disabled; provoke socket 29 raw 0; /sbin/modprobe can"),
    ],
    said: Said::new(BTreeMap::new()),
};

/// The image of a module, and the file that it is from. (Modules of newer kernels are compressed.)
pub const IMAGE: &str = "file=$(find /lib/modules -name 'can.ko*'); cp $file /tmp/kept.ko
    case $file in *.xz) xz -dc < $file > /tmp/can.ko 2> /dev/null || cp $file /tmp/can.ko ;; *) cp $file /tmp/can.ko ;; esac";

/// The reason that a line gives.
pub fn why(line: &Value) -> &str {
    line["why"].as_str().unwrap_or_else(|| panic!("no reason: {line}"))
}

/// The part's only line that is not a request's.
fn other<'l>(log: &'l Log, kind: &str) -> &'l Value {
    let found: Vec<&Value> = log.others.iter().filter(|line| line["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind}: {}", log.shown());
    found[0]
}

fn refused_before_a_helper(kernel: Guest) {
    let log = TRACE.part(kernel, "refused_before_a_helper");
    for alias in ["net-pf-29", "fs-xfs"] {
        let request = log.only(alias);
        assert_eq!((&request["verdict"], &request["result"]), (&json!("helper_missing"), &json!(-2)), "{request}");
        assert_eq!(why(request), "no helper is set: kernel.modprobe is empty");
        assert_eq!(
            (&request["requester"]["comm"], &request["requester"]["exe"]),
            (&json!("provoke"), &json!("/bin/provoke"))
        );
    }
    let long = &log.requests[2];
    assert_eq!((&long["verdict"], &long["result"]), (&json!("refused"), &json!(-36)), "{}", log.shown());
    assert!(why(long).contains("longer than the kernel allows"), "{long}");
    assert!(long["alias"].as_str().is_some_and(|alias| alias.starts_with("fs-a23456789b")), "{long}");
}

fn of_another_kernel(kernel: Guest) {
    let log = TRACE.part(kernel, "of_another_kernel");
    let load = other(&log, "load");
    assert!(why(load).contains("version magic ") && why(load).ends_with("it was built for another kernel"), "{load}");
    // Never by its file's name.
    assert_eq!((&load["module"], &load["file"]), (&json!("can"), &json!("nvidia-current.ko")), "{load}");
    assert_eq!((&load["result"], &load["loader"]["comm"]), (&json!(-8), &json!("insmod")), "{load}");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "init_failed", "{request}");
    assert!(
        why(request).contains("version magic ") && why(request).ends_with("it was built for another kernel"),
        "{request}"
    );
}

fn a_missing_dependency(kernel: Guest) {
    let log = TRACE.part(kernel, "a_missing_dependency");
    let request = log.only("net-pf-15");
    assert_eq!(request["verdict"], "init_failed", "{}", log.shown());
    assert!(
        why(request).contains("unknown symbols xfrm_")
            && why(request).contains("xfrm_algo, on which it depends, was not loaded"),
        "{request}"
    );
    assert!(why(request).contains("xfrm_algo.ko") && why(request).ends_with("is missing"), "{request}");
}

fn a_wrong_parameter(kernel: Guest) {
    let log = TRACE.part(kernel, "a_wrong_parameter");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "init_failed", "{}", log.shown());
    assert!(why(request).contains("abc") && why(request).contains("stats_timer"), "{request}");
}

fn not_a_module(kernel: Guest) {
    let log = TRACE.part(kernel, "not_a_module");
    let loads: Vec<&Value> = log.others.iter().filter(|line| line["file"] == "garbage.ko").collect();
    let [load] = &loads[..] else { panic!("{}", log.shown()) };
    assert_eq!((&load["module"], &load["result"]), (&json!(null), &json!(-8)), "{load}");
    assert!(why(load).starts_with("the load of garbage.ko failed before its init (ENOEXEC): "), "{load}");
}

fn rules_that_do_not_hold(kernel: Guest) {
    let log = TRACE.part(kernel, "rules_that_do_not_hold");
    let live: Vec<&Value> = log.requests.iter().filter(|request| request["alias"] == "net-pf-29").collect();
    let [blacklisted, free] = &live[..] else { panic!("{}", log.shown()) };
    assert_eq!(blacklisted["verdict"], "hollow", "{blacklisted}");
    assert_eq!(why(blacklisted), "can is blacklisted in /etc/modprobe.d/y.conf:1");
    assert_eq!(free["verdict"], "live", "{free}");
    assert!(
        why(free)
            .contains("modprobe does not apply \"blacklist can\" (/etc/modprobe.d/y.txt:1): modprobe reads only files"),
        "{free}"
    );
}

fn another_helper(kernel: Guest) {
    let log = TRACE.part(kernel, "another_helper");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "hollow", "{request}");
    assert_eq!(
        why(request),
        "the kernel's helper is /tmp/sbin/modprobe, not the system's modprobe (see kernel.modprobe)"
    );
}

fn a_helper_that_cannot_run(kernel: Guest) {
    let log = TRACE.part(kernel, "a_helper_that_cannot_run");
    let missing = log.only("net-pf-15");
    assert_eq!(missing["verdict"], "helper_missing", "{missing}");
    let failed = log.only("net-pf-29");
    assert_eq!(
        (&failed["verdict"], &failed["helper"]["exit_code"]),
        (&json!("helper_failed"), &json!(127)),
        "{failed}"
    );
    let killed = log.only("net-pf-27");
    assert_eq!(
        (&killed["verdict"], &killed["helper"]["exit_code"]),
        (&json!("helper_failed"), &json!(137)),
        "{killed}"
    );
}

fn by_a_person(kernel: Guest) {
    let log = TRACE.part(kernel, "by_a_person");
    let loads = log.of_module("load", "can");
    let [load] = &loads[..] else { panic!("{}", log.shown()) };
    assert_eq!((&load["result"], &load["why"], &load["loader"]["uid"]), (&json!(0), &json!(null), &json!(0)), "{load}");
    assert_eq!((&load["loader"]["parent"]["comm"], load["live_ns"].is_u64()), (&json!("sh"), true), "{load}");
    let unloads = log.of_module("unload", "can");
    let [first, second, ..] = &unloads[..] else { panic!("{}", log.shown()) };
    assert_eq!((&first["result"], &first["loader"]["comm"]), (&json!(0), &json!("rmmod")), "{first}");
    assert_eq!(second["result"], -2, "{second}");
    assert!(why(second).ends_with("it is not loaded"), "{second}");
}

fn by_a_user_without_rights(kernel: Guest) {
    let log = TRACE.part(kernel, "by_a_user_without_rights");
    let load = other(&log, "load");
    assert_eq!((&load["result"], &load["loader"]["uid"]), (&json!(-1), &json!(65534)), "{load}");
    assert!(
        why(load).ends_with("its task (uid 65534) does not have CAP_SYS_MODULE in the initial user namespace"),
        "{load}"
    );
}

fn no_modules_of_this_kernel(kernel: Guest) {
    let log = TRACE.part(kernel, "no_modules_of_this_kernel");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "not_found", "{request}");
    let reason = why(request);
    assert!(reason.starts_with("no modules are installed for the running kernel: /lib/modules/"), "{reason}");
    assert!(reason.contains("is missing") && reason.contains("9.9.9-new"), "{reason}");
}

fn modules_disabled(kernel: Guest) {
    let log = TRACE.part(kernel, "modules_disabled");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "init_failed", "{request}");
    assert!(why(request).contains("kernel.modules_disabled is 1"), "{request}");
    assert!(why(other(&log, "load")).contains("kernel.modules_disabled is 1"), "{}", log.shown());
}

/// A module that is going cannot be loaded; older kernels wait until it is gone.
fn unloaded_while_requested(kernel: Guest) {
    let lab = Lab::new(kernel)
        .modules("modtrail_test modtrail_slow")
        .setup("/sbin/modprobe modtrail_test; /sbin/modprobe modtrail_slow init_delay_ms=0 exit_delay_ms=3000");
    let log =
        lab.log("/sbin/rmmod modtrail_slow & sleep 1; echo request modtrail-test-slow > /proc/modtrail_test; wait");
    let request = log.only("modtrail-test-slow");
    if request["verdict"] == "live" {
        return assert!(kernel.to_string().starts_with("5.10"), "{request}");
    }
    assert_eq!(request["verdict"], "init_failed", "{request}");
    assert!(why(request).contains("modtrail_slow was being unloaded by rmmod["), "{request}");
    let unload = &log.of_module("unload", "modtrail_slow")[0];
    assert!(unload["total_ns"].as_u64() >= Some(3_000_000_000), "{unload}");
}

fn forbidden_by_the_kernel_command_line(kernel: Guest) {
    let lab = Lab::new(kernel).modules("can vcan").append("module_blacklist=vcan,can");
    let recorded = lab.recorded("provoke socket 29 raw 0; modtrail doctor | grep FORBIDDEN");
    let request = recorded.log.only("net-pf-29");
    assert_eq!(request["verdict"], "init_failed", "{request}");
    assert!(why(request).contains("the kernel command line forbids can (module_blacklist=)"), "{request}");
    assert!(
        recorded.output.contains("module_blacklist= on the kernel command line forbids vcan, can"),
        "{}",
        recorded.output
    );
    assert_eq!(recorded.report["policy"]["module_blacklist"], json!(["vcan", "can"]));
}
