//! What a person meets at the edges: no permissions, a run of `doctor`, a reader that goes away.

use crate::lab::{self, Lab};
use serde_json::{Value, json};
use xtask::guest::Guest;
use xtask::series::Series;

crate::on_each_kernel!(doctor_names_every_moment);
crate::on_oldest_and_newest!(without_btf);
crate::at_length!(
    without_rights,
    with_least_rights,
    with_rights_of_its_file,
    rights_are_given_up,
    a_forged_executable,
    beside_another,
    in_a_pid_namespace,
    without_some_hooks,
    a_full_table_of_tasks,
    without_other_hooks,
    locked_down,
    the_probes_own_messages,
    a_full_disk,
    an_unread_pipe,
    few_descriptors,
    ignored_signals,
    a_closed_pipe,
);

fn without_rights(kernel: Guest) {
    let outcome = Lab::new(kernel).run(
        "for command in log doctor watch 'record -o /tmp/x' top; do provoke as 65534 -- modtrail $command; echo status $?; done",
    );
    let (out, err) = (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    let statuses: Vec<&str> = out.lines().filter(|line| line.starts_with("status")).collect();
    // The dashboard opens its terminal before it attaches, so the missing terminal is the first thing it meets.
    assert_eq!(statuses, ["status 3", "status 3", "status 3", "status 3", "status 4"], "{out}\n{err}");
    assert_eq!(err.matches("hint: run it as root, or with CAP_BPF and CAP_PERFMON").count(), 4, "{err}");
    assert_eq!(err.matches("cannot show the dashboard").count(), 1, "{err}");
    assert!(!err.contains("panicked"), "{err}");
}

/// CAP_PERFMON and CAP_BPF are all that tracing takes; before 5.11 memory for maps takes CAP_SYS_RESOURCE, too.
const fn least(kernel: Guest) -> &'static str {
    if matches!(kernel.series, Series::V5_10) { "38,39,24" } else { "38,39" }
}

fn with_least_rights(kernel: Guest) {
    let request = traced_by(kernel, &format!("provoke as 1000 with {} -- modtrail", least(kernel)));
    // With CAP_SYS_RESOURCE, which modtrail has given up, the requester has more rights than modtrail.
    let exe = if kernel.series == Series::V5_10 { json!(null) } else { json!("/bin/provoke") };
    assert_eq!(request["requester"]["exe"], exe, "{request}");
}

/// The same by `setcap`: the kernel protects such a process from its own user, and hides parts of `/proc/self` from it.
fn with_rights_of_its_file(kernel: Guest) {
    let install = format!(
        "mount -t tmpfs none /mnt; cp $(command -v modtrail) /mnt; provoke setcap /mnt/modtrail {}",
        least(kernel)
    );
    let request = traced_by(kernel, &format!("{install}; provoke as 1000 -- /mnt/modtrail"));
    assert_eq!(request["requester"]["exe"], "/bin/provoke", "{request}");
}

/// What `modtrail`, a script that ends with a way to run it, does with these rights; the request that it traced.
fn traced_by(kernel: Guest, modtrail: &str) -> Value {
    let (install, run) = modtrail.rsplit_once("; ").unwrap_or((":", modtrail));
    let lab = Lab::new(kernel).modules("can");
    let outcome = lab.helper("[ \"$3\" = net-pf-27 ] && sleep 4\nexec /sbin/modprobe \"$@\"").run(&format!(
        "{install}; as() {{ {run} \"$@\"; }}\n\
         as doctor --json; as log --json -- provoke socket 29 raw 0 > /tmp/log; grep net-pf-29 /tmp/log\n\
         as watch --limit 1s --sink stdout-json > /tmp/alerts 2> /tmp/words & until grep -q watching /tmp/words; do sleep 0.1; done\n\
         grep Cap /proc/$(pidof modtrail)/status >&2; provoke socket 27 > /dev/null; kill -TERM $(pidof modtrail); wait; grep firing /tmp/alerts"
    ));
    let reported = lab::lines(&outcome);
    let err = String::from_utf8_lossy(&outcome.stderr);
    let [doctor, request, alert] = &reported[..] else { panic!("{reported:?}\n{err}") };
    assert_eq!((&doctor["can_trace"], &doctor["self_test"]["result"]), (&json!(true), &json!("proven")), "{doctor}");
    assert_eq!(doctor["no_task_iterator"], json!(null), "{doctor}");
    assert_eq!(request["verdict"], "live", "{request}");
    assert_eq!(alert["alias"], "net-pf-27", "{alert}");
    // Without CAP_SYSLOG, kernel symbols have names from 5.16 on.
    let is_named = alert["stack"].as_array().is_some_and(|stack| stack.iter().any(|frame| frame == "do_wait"));
    assert!(is_named || kernel.series == Series::V5_10, "{alert}");
    assert_eq!(masks(&err, "CapEff:"), [bits(&[38, 39])], "{err}");
    request.clone()
}

/// A requester that executes another program before modtrail has read its path is not shown as that program.
fn a_forged_executable(kernel: Guest) {
    let log = Lab::new(kernel).log(
        "kill -STOP $(pidof modtrail); provoke forge 27 -- sleep 4 & sleep 2; kill -CONT $(pidof modtrail); sleep 1\n\
         provoke forge 28 -- provoke socket 26; wait",
    );
    assert_eq!(log.only("net-pf-27")["requester"]["exe"], json!(null), "{}", log.shown());
    // The same file, executed once more.
    assert_eq!(log.only("net-pf-28")["requester"]["exe"], "/bin/provoke", "{}", log.shown());
}

/// Another modtrail's self-test is not taken for a request of somebody's.
fn beside_another(kernel: Guest) {
    let recorded = Lab::new(kernel).recorded("modtrail doctor > /dev/null; provoke socket 27");
    assert_eq!(recorded.log.only("net-pf-27")["verdict"], "not_found", "{}", recorded.log.shown());
    let report = &recorded.report;
    assert_eq!((&report["requests_seen"], &report["other_self_tests"]), (&json!(1), &json!(1)), "{report}");
}

/// When more tasks ask than are followed, that is counted, with who filled the table; no verdict is guessed.
fn a_full_table_of_tasks(kernel: Guest) {
    let lab = Lab::new(kernel).flags("--tracked 4").helper("sleep 2\nexit 1");
    let recorded = lab.recorded("provoke as 1000 -- provoke sockets 12 18; provoke socket 27");
    let (log, report) = (&recorded.log, &recorded.report);
    let untracked = "helper processes or callers that could not be followed";
    let is_it = |lost: &&Value| lost["what"] == untracked;
    let (lost, blamed) = (report["lost"].as_array(), report["lost_by_user"].as_array());
    assert!(lost.is_some_and(|lost| lost.iter().any(|lost| is_it(&lost))), "{report}");
    assert!(blamed.is_some_and(|lost| lost.iter().any(|lost| is_it(&lost) && lost["uid"] == 1000)), "{report}");
    assert!(log.stderr.contains("events of uid 1000 (provoke) are being lost"), "{}", log.shown());
    let flood = log.requests.iter().filter(|request| request["alias"] == "net-pf-18");
    let is_careful = |request: &&Value| {
        ["incomplete", "not_found"].iter().any(|verdict| request["verdict"] == *verdict)
            && request["incomplete"].is_string()
    };
    assert_eq!((flood.clone().count(), flood.filter(is_careful).count()), (12, 12), "{}", log.shown());
    let after = log.only("net-pf-27");
    assert_eq!((&after["verdict"], &after["incomplete"]), (&json!("not_found"), &json!(null)), "{after}");
}

/// What modtrail has while it traces, in each of its threads, and what the traced command and an alert's command have.
fn rights_are_given_up(kernel: Guest) {
    let caps = "grep -h -e CapEff -e NoNewPrivs /proc/self/status";
    let outcome = Lab::new(kernel).helper("[ \"$3\" = net-pf-27 ] && sleep 3\nexit 1").run(&format!(
        // Debian's kernels take CAP_SYS_ADMIN for kprobes if this is more than 2.
        "echo 2 > /proc/sys/kernel/perf_event_paranoid\n\
         modtrail record -o /tmp/it -- {caps} > /tmp/command\n\
         modtrail record -o /tmp/it -- sh -c 'cat /proc/$PPID/task/*/status' > /tmp/tracer\n\
         modtrail watch --limit 1s --exec '{caps} > /tmp/$MODTRAIL_STATE' > /tmp/alerts 2> /tmp/words &\n\
         until grep -q watching /tmp/words; do sleep 0.1; done; provoke socket 27 > /dev/null\n\
         until [ -s /tmp/resolved ]; do sleep 0.1; done; kill -TERM $(pidof modtrail); wait\n\
         echo 3 > /proc/sys/kernel/perf_event_paranoid; modtrail record -o /tmp/it -- sh -c 'cat /proc/$PPID/status' > /tmp/paranoid\n\
         for part in command tracer firing paranoid; do echo == $part; cat /tmp/$part; done; cat /tmp/words >&2",
    ));
    let (out, err) = (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    let part = |name: &str| {
        let rest = out.split(&format!("== {name}\n")).nth(1).unwrap_or_else(|| panic!("{out}\n{err}"));
        rest.split("== ").next().unwrap_or_default().to_owned()
    };
    // CAP_SYS_ADMIN as an example of those that only root has.
    assert_ne!(masks(&part("command"), "CapEff:")[0] & bits(&[21]), 0, "the command keeps its rights: {out}");
    assert_eq!(masks(&part("firing"), "CapEff:"), [0], "{out}\n{err}");
    let tracer = part("tracer");
    let symbols: &[u32] = if kernel.series == Series::V5_10 { &[34] } else { &[] };
    let kept = bits(&[5, 19, 38, 39]) | bits(symbols);
    for (name, expected) in [("CapEff:", kept), ("CapPrm:", kept), ("CapBnd:", 0), ("CapAmb:", 0), ("CapInh:", 0)] {
        let found = masks(&tracer, name);
        assert!(!found.is_empty() && found.iter().all(|mask| *mask == expected), "{name} {found:x?}\n{tracer}");
    }
    assert_eq!(tracer.matches("NoNewPrivs:\t1").count(), tracer.matches("NoNewPrivs:").count(), "{tracer}");
    let paranoid = masks(&part("paranoid"), "CapEff:")[0];
    assert!([kept, kept | bits(&[21])].contains(&paranoid), "{paranoid:x}");
}

/// The sets of capabilities with this name in lines of `/proc/PID/status`.
fn masks(status: &str, name: &str) -> Vec<u64> {
    let masks = status.lines().filter_map(|line| line.strip_prefix(name));
    masks.map(|mask| u64::from_str_radix(mask.trim(), 16).expect("a mask")).collect()
}

fn bits(numbers: &[u32]) -> u64 {
    numbers.iter().fold(0, |mask, number| mask | 1 << number)
}

/// If pids are not the kernel's, modtrail traces, and does not call its probes deaf because it sees no request of its
/// own.
fn in_a_pid_namespace(kernel: Guest) {
    let inside = "unshare --pid --fork --mount-proc";
    let outcome = Lab::new(kernel).modules("can").run_seen(&format!(
        "{inside} modtrail doctor --json; \
         {inside} modtrail log --json -- sh -c '(provoke socket 29 raw 0; provoke socket 27) > /dev/null'"
    ));
    let reported = lab::lines(&outcome);
    assert_eq!(
        (&reported[0]["can_trace"], &reported[0]["self_test"]["result"]),
        (&json!(true), &json!("unproven")),
        "{reported:?}"
    );
    let reported = reported.iter().skip(1).map(|request| [&request["alias"], &request["verdict"]]);
    let expected = [["net-pf-29", "live"], ["can-proto-0", "not_found"], ["net-pf-27", "not_found"]];
    assert_eq!(reported.collect::<Vec<_>>(), expected);
}

fn doctor_names_every_moment(kernel: Guest) {
    let outcome = Lab::new(kernel).run("for hooks in auto kprobe btf; do modtrail doctor --json --hooks $hooks; done");
    let found = lab::lines(&outcome);
    assert_eq!(found.len(), 3, "{found:?}");
    let seen_by = |found: &Value, moment: &str| {
        let hooks = found["hooks"].as_array().expect("hooks");
        hooks.iter().find(|hook| hook["moment"] == moment).expect("the moment")["attached"].clone()
    };
    for one in &found {
        assert_eq!((&one["can_trace"], &one["self_test"]["result"]), (&json!(true), &json!("proven")), "{one}");
    }
    assert_eq!(seen_by(&found[0], "helper call entered"), "kprobe call_usermodehelper_exec");
    assert_eq!(seen_by(&found[1], "helper call entered"), "kprobe call_usermodehelper_exec");
    assert_eq!(seen_by(&found[2], "helper call entered"), "fentry call_usermodehelper_exec");
    assert_eq!(seen_by(&found[1], "admitted"), json!(null));
    // Slots are a semaphore from 6.4 on: before, its answer cannot be seen, but everything else can.
    let is_old = matches!(kernel.series, Series::V5_10 | Series::V6_1);
    // What does not happen on a kernel is not unseen.
    let is_unseen = |hook: &&Value| hook["attached"].is_null() && hook["loses"] != "";
    let unseen = found[0]["hooks"].as_array().expect("hooks").iter().filter(is_unseen);
    let unseen: Vec<&Value> = unseen.map(|hook| &hook["moment"]).collect();
    let mut expected = if is_old { vec!["throttled"] } else { vec![] };
    // Its function is inlined before 6.1.
    expected.extend((kernel.series == Series::V5_10).then_some("block device served"));
    assert_eq!(unseen, expected);
}

/// Whatever a kernel lacks, modtrail goes on with the next best, and reports what that costs.
fn without_some_hooks(kernel: Guest) {
    // The first is what happens on a kernel with `lockdown=integrity`, or on arm64 before 6.12.
    without(kernel, &["--without fentry --without fexit", "--hooks btf"]);
    let outcome = Lab::new(kernel).run(
        "modtrail doctor --json --without security_kernel_module_request; \
         modtrail log --json --without security_kernel_module_request -- provoke socket 27 > /dev/null; echo $?; \
         modtrail doctor --without call_usermodehelper_exec > /dev/null; echo $?",
    );
    let out = String::from_utf8_lossy(&outcome.stdout);
    // As on a kernel without security hooks: requests are seen when they are admitted.
    assert!(out.contains("\"attached\":\"tp_btf module_request\"") && out.contains("\n0\n3\n"), "{out}");
}

fn without_other_hooks(kernel: Guest) {
    without(kernel, &["--without kprobe", "--without tp_btf", "--without fexit", "--without sched_process_exit"]);
}

/// Two requests get the right verdict with any of these flags.
fn without(kernel: Guest, flags: &[&str]) {
    let runs: Vec<String> = flags.iter().map(|flags| format!("'{flags}'")).collect();
    let outcome = Lab::new(kernel).modules("can").run_seen(&format!(
        "for flags in {}; do echo \"\\\"$flags\\\"\"\n\
         modtrail log $flags --json -- sh -c '(provoke socket 29 raw 0; provoke socket 27) > /dev/null'\n\
         while grep -q '^can ' /proc/modules; do /sbin/rmmod can; done; done",
        runs.join(" ")
    ));
    let lines = lab::lines(&outcome);
    let reported: Vec<&[Value]> = lines.split(Value::is_string).skip(1).collect();
    assert_eq!(reported.len(), flags.len(), "{lines:?}");
    for (flags, requests) in flags.iter().zip(reported) {
        let verdict =
            |alias: &str| requests.iter().find(|line| line["alias"] == alias).map(|line| line["verdict"].clone());
        assert_eq!(verdict("net-pf-29"), Some(json!("live")), "{flags}: {requests:?}");
        assert_eq!(verdict("net-pf-27"), Some(json!("not_found")), "{flags}: {requests:?}");
    }
}

fn the_probes_own_messages(kernel: Guest) {
    let log = Lab::new(kernel).flags("--probe-log").log("provoke socket 27");
    assert!(log.stderr.contains("probe: requested by") && log.stderr.contains("probe: helper call"), "{}", log.shown());
    assert_eq!(log.only("net-pf-27")["verdict"], "not_found");
}

fn a_full_disk(kernel: Guest) {
    let outcome = Lab::new(kernel).run(
        "mkdir /tmp/small && mount -t tmpfs -o size=8k none /tmp/small || exit 99\n\
         modtrail record -o /tmp/small/it.mcap -- provoke sockets 30 1-30 > /dev/null; echo status $?\n\
         modtrail record -o /tmp/small/it.mcap -- sh -c 'provoke sockets 30 1-30; exit 7' > /dev/null; echo status $?\n\
         modtrail report /dev/full; echo status $?; modtrail report /proc > /dev/full; echo status $?",
    );
    let (out, err) = (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    assert!(out.starts_with("status 4\nstatus 7\n"), "the recording's failure, then the command's: {out}\n{err}");
    assert!(err.contains("No space left on device"), "{err}");
    assert!(!err.contains("panicked"), "{err}");
}

/// A pipe whose reader does not read: tracing goes on, SIGTERM ends it at once, and what nobody took is counted.
fn an_unread_pipe(kernel: Guest) {
    let outcome = Lab::new(kernel).run(
        "mkfifo /tmp/pipe; sleep 1000 < /tmp/pipe & READER=$!\n\
         modtrail log --json > /tmp/pipe 2> /tmp/words & TRACER=$!\n\
         until grep -q ready /tmp/words; do sleep 0.1; done\n\
         provoke sockets 50 1-50 > /dev/null; provoke sockets 50 1-50 > /dev/null; provoke sockets 50 1-50 > /dev/null\n\
         sleep 3; kill -TERM $TRACER; provoke took -- provoke gone $TRACER\n\
         wait $TRACER; echo status $?; kill $READER; cat /tmp/words",
    );
    let (out, err) = (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    assert!(out.contains("status 0"), "{out}\n{err}");
    let lost = out.lines().find(|line| line.contains("lines of output lost: nobody read standard output"));
    assert!(lost.is_some(), "{out}\n{err}");
    let took = err.lines().find_map(|line| line.strip_prefix("took ")?.parse::<u64>().ok()).expect("how long it took");
    assert!(took < 1_000_000, "it ended {took} us after SIGTERM");
}

/// A low limit of descriptors is raised, as far as it may be.
fn few_descriptors(kernel: Guest) {
    let log = Lab::new(kernel).run("ulimit -S -n 40; modtrail log --json -- provoke socket 27; ulimit -H -n 40; modtrail log -- true; echo status $?");
    let (out, err) = (String::from_utf8_lossy(&log.stdout), String::from_utf8_lossy(&log.stderr));
    assert!(out.contains("not_found") && out.contains("status 3"), "{out}\n{err}");
    assert!(err.contains("open files"), "the real cause is named: {err}");
}

/// Signals that were ignored when modtrail started stay ignored, as under nohup.
fn ignored_signals(kernel: Guest) {
    let outcome = Lab::new(kernel).run(
        "sh -c 'trap \"\" HUP INT; exec modtrail record -o /tmp/it.mcap' 2> /tmp/words & TRACER=$!\n\
         until grep -q ready /tmp/words; do sleep 0.1; done\n\
         kill -HUP $TRACER; kill -INT $TRACER; sleep 1; provoke socket 27 > /dev/null; sleep 1\n\
         kill -TERM $TRACER; wait $TRACER; echo status $?; modtrail log /tmp/it.mcap",
    );
    let out = String::from_utf8_lossy(&outcome.stdout);
    assert!(out.contains("status 0") && out.contains("net-pf-27"), "{out}");
}

fn a_closed_pipe(kernel: Guest) {
    let outcome = Lab::new(kernel).run(
        "modtrail record -o /tmp/it.mcap -- provoke sockets 10 1-30 > /dev/null\n\
         (modtrail log /tmp/it.mcap; echo status $? >&2) | head -n 1 > /dev/null\n\
         (modtrail report /tmp/it.mcap; echo status $? >&2) | true",
    );
    let err = String::from_utf8_lossy(&outcome.stderr);
    assert_eq!(err.matches("status 0").count(), 2, "{err}");
    assert!(!err.contains("panicked") && !err.contains("cannot write"), "{err}");
}

/// A kernel without BTF has kprobes and raw tracepoints. What they cannot show is null, and no verdict is wrong.
fn without_btf(kernel: Guest) {
    let lab = Lab::new(kernel).modules("can").setup("mount -t tmpfs none /sys/kernel/btf");
    let log = lab.log("provoke socket 29 raw 0; provoke socket 27");
    assert_eq!(log.only("net-pf-29")["verdict"], "live", "{}", log.shown());
    assert_eq!(log.only("net-pf-27")["verdict"], "not_found", "{}", log.shown());
}

/// A kernel that hides its memory cannot be traced, and modtrail explains why.
fn locked_down(kernel: Guest) {
    let outcome = Lab::new(kernel)
        .append("lockdown=confidentiality")
        .run("mount -t securityfs none /sys/kernel/security; modtrail log; echo $?; modtrail doctor --json; echo $?");
    let (out, err) = (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    assert_eq!(out.matches("\n3\n").count() + usize::from(out.starts_with("3\n")), 2, "{out}");
    assert!(err.contains("locked down for confidentiality") && out.contains("\"can_trace\":false"), "{out}\n{err}");
}
