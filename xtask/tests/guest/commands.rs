//! A command that is traced: what it and its descendants cause, and nothing of others; its output stays its own.

use crate::lab::{self, Lab};
use serde_json::json;
use xtask::guest::Guest;

crate::at_length!(only_what_the_command_caused);

/// Somebody else asks and loads all the time. The command asks itself, by a child, and by a grandchild that left its
/// parent, and it writes to standard output.
fn only_what_the_command_caused(kernel: Guest) {
    let outcome = Lab::new(kernel).modules("can vcan").run(
        "(while :; do provoke socket 9; /sbin/modprobe vcan; /sbin/rmmod vcan; sleep 0.2; done) > /dev/null 2>&1 &\n\
         modtrail log --json -o /tmp/lines -- sh -c 'provoke socket 29 raw 0; (provoke socket 27); \
         (setsid sh -c \"sleep 0.5; provoke socket 28 > /dev/null; /sbin/rmmod can\" &); sleep 2; exit 7'; echo status $?\n\
         cat /tmp/lines; modtrail log --json --all -- sleep 1 | grep -c net-pf-9; kill $!",
    );
    let (out, err) = (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    let (own, reported) = out.split_once("status 7\n").unwrap_or_else(|| panic!("{out}\n{err}"));
    assert_eq!(own.lines().count(), 2, "only what the command wrote: {out}");
    let lines: Vec<serde_json::Value> =
        reported.lines().filter(|line| line.starts_with('{')).map(lab::parsed).collect();
    let mut seen: Vec<&str> = lines.iter().map(|line| line["alias"].as_str().unwrap_or("-")).collect();
    seen.sort_unstable();
    assert_eq!(seen, ["-", "can-proto-0", "net-pf-27", "net-pf-28", "net-pf-29"], "{out}\n{err}");
    assert!(lines.iter().all(|line| line["of_command"] == json!(true)), "{out}");
    assert!(err.contains("of others; --all shows them"), "{err}");
    let others: u32 = reported.lines().last().and_then(|count| count.parse().ok()).unwrap_or(0);
    assert!(others > 0, "{out}");
}
