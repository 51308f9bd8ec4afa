//! What requesters got, and who could ask: modtrail's answer is held against what the system calls of the requesters
//! returned, in a mixture of all kinds of requests, and against who the requesters were.

use crate::lab::{Lab, Recorded};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use xtask::guest::Guest;
use xtask::series::Series;

crate::on_oldest_and_newest!(each_kind_of_service);
crate::at_length_on_arm64!(each_kind_of_service);

/// Rounds of nine attempts, most of which make a request.
const ROUNDS: u32 = 24;

fn each_kind_of_service(kernel: Guest) {
    let modules = "can can_raw vcan xfs dummy algif_hash af_alg tun loop tcp_bbr af_key";
    let lab = Lab::new(kernel).modules(modules).setup(
        "printf '#!/bin/sh\\nexit 0\\n' > /tmp/true; chmod +x /tmp/true; echo 5000 > /proc/sys/user/max_user_namespaces
         echo 'alias netdev-dummy0 dummy' > /etc/modprobe.d/dummy.conf",
    );
    let recorded = lab.recorded(&format!(
        "provoke served 1; echo /tmp/true > /proc/sys/kernel/modprobe; provoke served {ROUNDS}
         echo /sbin/modprobe > /proc/sys/kernel/modprobe
         provoke as 1000 -- unshare -U -r provoke socket 15 raw 2; /sbin/rmmod af_key; provoke socket 15 raw 2"
    ));
    services(kernel, &recorded);
    privileges(&recorded);
}

/// For each attempt, the last of its thread's requests by the function has what the system call said.
fn services(kernel: Guest, Recorded { log, output, .. }: &Recorded) {
    let (mut compared, mut got) = (0, BTreeSet::new());
    for line in output.lines() {
        let [thread, function, result] = line.split(' ').collect::<Vec<_>>()[..] else { continue };
        let number: u64 = thread.parse().expect("a thread");
        let by_function = |request: &&Value| {
            request["requester"]["tid"] == number
                && request["requester"]["stack"].to_string().contains(&format!("\"{function}\""))
        };
        let mut of_attempt: Vec<&Value> = log.requests.iter().filter(by_function).collect();
        of_attempt.sort_by_key(|request| request["id"].as_u64());
        let Some(last) = of_attempt.last() else { continue };
        let expected = if sees(kernel, function) {
            json!({"by": function, "result": result.parse::<i32>().expect("a number")})
        } else {
            Value::Null
        };
        assert_eq!(last["served"], expected, "{line}\n{last}\n{output}");
        compared += 1;
        got.extend((result == "0").then_some(function));
    }
    // What each function answers if it has what it is asked for was compared, too; SHA-1 is built in.
    let functions = if sees(kernel, "blkdev_get_no_open") { 7 } else { 6 };
    assert_eq!(got.len(), functions, "{got:?}: {output}\n{}", log.shown());
    assert!(compared >= 7 * ROUNDS, "{compared} of {ROUNDS} rounds were compared:\n{output}\n{}", log.shown());
}

/// Whether the function's return is seen on this kernel.
fn sees(kernel: Guest, function: &str) -> bool {
    match function {
        "blkdev_get_no_open" => kernel.series != Series::V5_10,
        _ => true,
    }
}

/// The user's first load in a namespace of its own is a finding, and root's is none.
fn privileges(Recorded { log, report, .. }: &Recorded) {
    let mut asked: Vec<&Value> = log.requests.iter().filter(|request| request["alias"] == "net-pf-15").collect();
    asked.sort_by_key(|request| request["id"].as_u64());
    let [user, root] = asked[..] else { panic!("two: {}", log.shown()) };
    assert_eq!((&user["verdict"], &root["verdict"]), (&json!("live"), &json!("live")), "{}", log.shown());
    let userns = &user["requester"]["userns"];
    assert_eq!((&userns["depth"], &userns["owner"]), (&json!(1), &json!(1000)), "{user}");
    assert_eq!(root["requester"]["userns"]["depth"], 0, "{root}");
    assert_ne!(root["requester"]["caps"], "0000000000000000", "{root}");
    let findings = report["findings"].as_array().expect("findings");
    let found: Vec<&Value> = findings.iter().filter(|finding| finding["name"] == "unprivileged_first").collect();
    let evidence = json!([{"kind": "request", "id": user["id"]}]);
    let [finding] = found[..] else { panic!("one: {report}") };
    assert_eq!(finding["evidence"], evidence, "{finding}");
    assert!(finding["sentence"].as_str().is_some_and(|words| words.contains("af_key")), "{finding}");
}
