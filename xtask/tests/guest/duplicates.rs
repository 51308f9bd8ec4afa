//! Many ask for, or load, the same thing at once: who came first, who won, and what the others cost.

use crate::lab::{Lab, Log};
use serde_json::{Value, json};
use xtask::guest::Guest;

crate::at_length!(
    ten_tasks_ask_for_one_alias,
    eight_load_one_file,
    modprobes_race_a_request,
    two_aliases_of_one_module,
);
crate::at_length_on_arm64!(ten_tasks_ask_for_one_alias);

fn ten_tasks_ask_for_one_alias(kernel: Guest) {
    // All ask while the first helper is slow: none finds the module live before it asked.
    let lab = Lab::new(kernel).modules("af_key").helper("sleep 1\nexec /sbin/modprobe \"$@\"");
    let log = lab.log("provoke wave $(for i in $(seq 10); do echo socket:15:raw:2; done)");
    assert_eq!(log.requests.len(), 10, "{}", log.shown());
    assert_eq!((log.count("live"), log.count("satisfied_by_another")), (1, 9), "{}", log.shown());
    let winner = &log.requests.iter().find(|request| request["verdict"] == "live").expect("a winner")["id"];
    for request in &log.requests {
        assert_eq!(request["duplicates"]["same_alias"], 9, "{request}");
        assert_eq!(request["duplicates"]["same_module"], 0, "{request}");
        assert!(request["verdict"] == "live" || &request["satisfied_by"]["request"] == winner, "{request}");
    }
}

/// The groups of duplicates, and the requests, of one recording.
fn reported(lab: &Lab, command: &str) -> (Vec<Value>, Log) {
    let recorded = lab.recorded(command);
    assert_eq!(recorded.report["lost"], json!([]), "{}", recorded.report);
    (recorded.report["duplicate_groups"].as_array().expect("a list").clone(), recorded.log)
}

fn eight_load_one_file(kernel: Guest) {
    let file = "F=$(/sbin/modprobe --show-depends xfrm_algo | sed 's/^insmod //; s/ .*//')\n\
                case $F in *.xz) xz -dc $F > /tmp/xfrm_algo.ko; F=/tmp/xfrm_algo.ko;; esac";
    let (groups, _) = reported(&Lab::new(kernel).modules("xfrm_algo"), &format!("{file}\nprovoke finit 8 $F"));
    let group = groups.iter().find(|group| group["same"] == "same_file").unwrap_or_else(|| panic!("{groups:?}"));
    assert_eq!((&group["name"], group["members"].as_array().map(Vec::len)), (&json!("xfrm_algo"), Some(8)), "{group}");
    assert_eq!((&group["first"]["comm"], &group["live_by"]["comm"]), (&json!("provoke"), &json!("provoke")), "{group}");
    assert_eq!(group["live_by"]["request"], json!(null), "{group}");
    assert!(group["wasted_ns"].as_u64() > Some(0), "{group}");
    // From 6.5 on, the losers wait for the winner; before, each reads the file.
    let reads = group["wasted_bytes"].as_u64() > Some(0);
    assert_eq!(reads, matches!(kernel.series, xtask::series::Series::V5_10 | xtask::series::Series::V6_1), "{group}");
}

fn modprobes_race_a_request(kernel: Guest) {
    // As udev's workers do: loads that no request asked for, and a request for the same module at the same time.
    let lab = Lab::new(kernel).modules("af_key").helper("sleep 1\nexec /sbin/modprobe \"$@\"");
    let recorded =
        lab.recorded("provoke socket 15 raw 2 & sleep 0.5; for i in 1 2 3 4; do /sbin/modprobe af_key & done; wait");
    let request = recorded.log.only("net-pf-15");
    assert_eq!(request["verdict"], "satisfied_by_another", "{request}");
    assert_eq!(
        (&request["satisfied_by"]["request"], &request["satisfied_by"]["comm"]),
        (&json!(null), &json!("modprobe"))
    );
    // How many of the four load it at the same time depends on luck: exactly those that did are reported together.
    let loads: Vec<&Value> = recorded.report["loads"].as_array().expect("loads").iter().collect();
    let loads: Vec<&Value> = loads.into_iter().filter(|load| load["module"] == "af_key").collect();
    assert_eq!(loads.iter().filter(|load| load["live_ns"].is_u64()).count(), 1, "{loads:?}");
    let at = |load: &Value, name: &str| load[name].as_u64().unwrap_or_else(|| panic!("{load}"));
    let met = |one: &&&Value| {
        let overlaps = |other: &&Value| {
            other["id"] != one["id"]
                && at(one, "began_ns") <= at(other, "ended_ns")
                && at(other, "began_ns") <= at(one, "ended_ns")
        };
        loads.iter().any(overlaps)
    };
    let together: Vec<&Value> = loads.iter().filter(met).map(|load| &load["id"]).collect();
    let groups = recorded.report["duplicate_groups"].as_array().expect("a list");
    let group = groups.iter().find(|group| group["same"] == "same_file" && group["name"] == "af_key");
    let members = group.map_or(json!([]), |group| group["members"].clone());
    assert_eq!(members, json!(together), "{groups:?}\n{loads:?}");
    assert!(group.is_none_or(|group| group["live_by"]["request"] == json!(null)), "{groups:?}");
}

fn two_aliases_of_one_module(kernel: Guest) {
    let lab = Lab::new(kernel).modules("af_key").helper("sleep 1\nexec /sbin/modprobe \"$@\"");
    let (groups, log) = reported(
        &lab.setup("mkdir -p /etc/modprobe.d; echo 'alias fs-keyed af_key' > /etc/modprobe.d/keyed.conf"),
        "provoke wave socket:15:raw:2 fs:keyed",
    );
    assert_eq!(log.requests.len(), 2, "{}", log.shown());
    for request in &log.requests {
        assert_eq!(
            (&request["duplicates"]["same_alias"], &request["duplicates"]["same_module"]),
            (&json!(0), &json!(1)),
            "{request}"
        );
    }
    let group = groups.iter().find(|group| group["same"] == "same_module").unwrap_or_else(|| panic!("{groups:?}"));
    assert_eq!((&group["name"], group["members"].as_array().map(Vec::len)), (&json!("af_key"), Some(2)), "{group}");
}
