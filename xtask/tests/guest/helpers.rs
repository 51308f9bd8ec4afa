//! Helper calls that serve no request, and requests that meet a kernel about to sleep.

use crate::lab::{self, Lab};
use serde_json::{Value, json};
use xtask::guest::Guest;

crate::at_length!(helpers_of_other_kinds, a_request_during_a_drain);
crate::at_length_on_arm64!(helpers_of_other_kinds);

fn helpers_of_other_kinds(kernel: Guest) {
    let outcome = Lab::new(kernel).run(
        "cat > /tmp/command <<'COMMAND'\n\
         ulimit -c unlimited; echo '|/bin/true %p' > /proc/sys/kernel/core_pattern; sh -c 'kill -SEGV $$'\n\
         mkdir /tmp/cg; mount -t cgroup -o none,name=x x /tmp/cg; echo /bin/false > /tmp/cg/release_agent\n\
         echo 1 > /tmp/cg/notify_on_release; mkdir /tmp/cg/a; sh -c 'echo $$ > /tmp/cg/a/cgroup.procs'; rmdir /tmp/cg/a\n\
         sleep 0.5\n\
         COMMAND\n\
         modtrail record -o /tmp/it.mcap -- sh /tmp/command > /dev/null 2>&1; modtrail report --json /tmp/it.mcap",
    );
    let report = lab::lines(&outcome).pop().expect("a report");
    let calls = report["helper_calls"].as_array().expect("a list");
    let of = |purpose: &str| calls.iter().find(|call| call["purpose"] == purpose).unwrap_or_else(|| panic!("{report}"));
    let dump = of("core dump");
    assert_eq!(
        (&dump["path"], &dump["wait"], &dump["result"]),
        (&json!("/bin/true"), &json!("exec"), &json!(0)),
        "{dump}"
    );
    assert_eq!((&dump["exit_code"], &dump["caller"]["comm"]), (&json!(0), &json!("sh")), "{dump}");
    let agent = of("cgroup release agent");
    assert_eq!((&agent["argv"], &agent["exit_code"]), (&json!(["/bin/false", "/a"]), &json!(1)), "{agent}");
    assert!(calls.iter().all(|call| call["total_ns"].as_u64() > Some(0)), "{report}");
    assert_eq!(report["requests_seen"], 0, "{report}");
}

fn a_request_during_a_drain(kernel: Guest) {
    // Freezing waits for the helper of the first request; the second request is refused at that time.
    let lab = Lab::new(kernel).helper("sleep 3\nexit 1");
    let log = lab.tested_for(0).log(
        "echo freezer > /sys/power/pm_test; provoke wave fs:drained & sleep 1; echo mem > /sys/power/state & sleep 1\n\
         provoke wave fs:turned-away; wait",
    );
    let refused = log.only("fs-turned-away");
    assert_eq!((&refused["verdict"], &refused["result"]), (&json!("refused"), &json!(-16)), "{}", log.shown());
    assert_eq!(refused["helper"]["pid"], Value::Null, "{refused}");
    assert_eq!(log.only("fs-drained")["verdict"], "not_found", "{}", log.shown());
}
