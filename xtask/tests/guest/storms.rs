//! Many requests at once: none lost, none joined wrongly, with any of the hooks.

use crate::lab::{self, Lab, Log};
use modtrail_core::event::{Body, Event, Fact, Lost};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use trace_common::time::Nanos;
use xtask::guest::Guest;
use xtask::series::Series;

crate::on_oldest_and_newest!(
    many_aliases,
    one_alias,
    many_aliases_by_kprobes,
    one_alias_by_kprobes,
    returns_that_are_missed,
    abandoned_by_kprobes,
    losses_are_counted_exactly,
);
crate::at_length!(a_ring_that_is_too_small, an_end_that_was_lost);
// What differs there: how the stack is taken, and that there are no trampolines on the older kernel.
crate::on_newer_arm64!(losses_are_counted_exactly);
crate::at_length_on_arm64!(many_aliases, one_alias, abandoned_by_kprobes);

/// Each alias ends in its own number, and its helper exits with that number plus one, so a wrong join is visible.
const EXIT_BY_ALIAS: &str = "n=${3##*-}\nexit $((n + 1))";

fn many_aliases(kernel: Guest) {
    let log = Lab::new(kernel).at_once().helper(EXIT_BY_ALIAS).log("provoke chardevs 45 240");
    check_many_aliases(&log);
    assert!(log.requests.iter().all(|request| request["incomplete"] == json!(null)), "{}", log.shown());
    assert!(log.requests.iter().all(|request| request["result"].is_i64()), "{}", log.shown());
}

fn many_aliases_by_kprobes(kernel: Guest) {
    let log = Lab::new(kernel).at_once().flags("--hooks kprobe").helper(EXIT_BY_ALIAS).log("provoke chardevs 45 240");
    check_many_aliases(&log);
    check_unseen_returns(&log);
}

/// `char-major-240-0` to `-44`, each followed by `char-major-240`.
fn check_many_aliases(log: &Log) {
    let mut exits: BTreeMap<String, Value> = BTreeMap::new();
    let mut helpers = BTreeSet::new();
    for request in &log.requests {
        let alias = request["alias"].as_str().expect("an alias").to_owned();
        assert!(helpers.insert(request["helper"]["pid"].as_u64()), "a helper of two requests: {request}");
        assert_eq!(request["helper"]["argv"][3], alias.as_str());
        if alias != "char-major-240" {
            assert!(exits.insert(alias, request["helper"]["exit_code"].clone()).is_none(), "twice: {request}");
        }
    }
    let expected = (0..45).map(|minor| (format!("char-major-240-{minor}"), json!(minor + 1))).collect();
    assert_eq!(exits, expected, "{}", log.shown());
    assert_eq!(log.requests.len(), 90, "{}", log.shown());
    for request in &log.requests {
        let expected = if request["helper"]["exit_code"] == 1 { "not_found" } else { "helper_failed" };
        assert_eq!(request["verdict"], expected, "{request}");
    }
}

fn one_alias(kernel: Guest) {
    let log = Lab::new(kernel).at_once().modules("can").log("provoke sockets 45 29");
    check_one_alias(&log);
    let most = log.requests.iter().filter_map(|request| request["duplicates"]["same_alias"].as_u64()).max();
    assert!(most >= Some(40), "{}", log.shown());
}

fn one_alias_by_kprobes(kernel: Guest) {
    let log = Lab::new(kernel).at_once().flags("--hooks kprobe").modules("can").log("provoke sockets 45 29");
    check_one_alias(&log);
    check_unseen_returns(&log);
}

/// 45 ask for net-pf-29; `provoke` then asks for a protocol that no module has. If the kernel skipped runs of probes in
/// each attempt, and that is reported, requests may be missing or incomplete, but no verdict is wrong.
fn check_one_alias(log: &Log) {
    let is_whole = !lab::was_skipped(log.stderr.as_bytes());
    let family: Vec<&Value> = log.requests.iter().filter(|request| request["alias"] == "net-pf-29").collect();
    assert!(family.len() == 45 || (!is_whole && family.len() < 45), "{}", log.shown());
    let live: Vec<&&Value> = family.iter().filter(|request| request["verdict"] == "live").collect();
    assert!(live.len() == 1 || (!is_whole && live.is_empty()), "{}", log.shown());
    for request in &family {
        match (request["verdict"].as_str(), live.first()) {
            (Some("live" | "already_live"), _) => assert_eq!(request["satisfied_by"], json!(null), "{request}"),
            (Some("satisfied_by_another"), Some(live)) => {
                assert_eq!(request["satisfied_by"]["request"], live["id"], "{request}");
            }
            (Some("satisfied_by_another" | "incomplete"), _) if !is_whole => {}
            (other, _) => panic!("{other:?}: {request}"),
        }
    }
    assert!(!is_whole || log.count("not_found") == log.requests.len() - 45, "{}", log.shown());
}

/// What the return probes miss is null and marked, and nothing else is.
fn check_unseen_returns(log: &Log) {
    let unseen = "the requester's return was not seen";
    for request in &log.requests {
        let missed = request["result"].is_null();
        assert_eq!(missed, request["total_ns"].is_null(), "{request}");
        assert_eq!(missed, request["incomplete"] == unseen, "{request}");
    }
}

/// With return probes alone, more calls return at once than these have places for: no verdict is wrong, and if the
/// kernel counts what they miss, that many results are null.
fn returns_that_are_missed(kernel: Guest) {
    let helper = "n=${3##*-}\nsleep 0.5\nexit $((n + 1))";
    let lab = Lab::new(kernel).at_once().flags("--hooks kprobe --without free_modprobe_argv").helper(helper);
    let log = lab.log("provoke chardevs 45 240");
    check_many_aliases(&log);
    check_unseen_returns(&log);
    let missed = log.requests.iter().filter(|request| request["result"].is_null()).count();
    assert!(missed > 0, "{}", log.shown());
    if matches!(kernel.series, Series::V6_12 | Series::Newest) {
        let mut totals = log.stderr.lines().filter_map(|line| line.strip_prefix("modtrail: lost: "));
        let total = totals.find(|total| total.contains("return probe") && total.contains("call returned"));
        let count = total.and_then(|total| total.split(' ').next()?.parse::<usize>().ok());
        assert!(count.is_some_and(|count| count >= missed), "{missed} are null: {}", log.shown());
    }
}

fn abandoned_by_kprobes(kernel: Guest) {
    let lab =
        Lab::new(kernel).at_once().flags("--hooks kprobe").modules("can").helper("sleep 1\nexec /sbin/modprobe \"$@\"");
    let log = lab.log("provoke kill-after 300 -- provoke socket 29 raw 0; until grep -q live /sys/module/can/initstate; do sleep 0.1; done 2> /dev/null");
    let request = log.only("net-pf-29");
    assert_eq!(request["verdict"], "abandoned", "{request}");
    assert_eq!(request["helper"]["exit_code"], 0);
}

fn a_ring_that_is_too_small(kernel: Guest) {
    // The reader is stopped while the storm fills the ring, so that something is certainly lost.
    let log = Lab::new(kernel).at_once().flags("--ring-bytes 4096").modules("can").log(
        "kill -STOP $(pidof modtrail); provoke sockets 20 29; kill -CONT $(pidof modtrail); sleep 1; provoke socket 27",
    );
    assert!(log.stderr.contains("events dropped because the ring buffer was full"), "{}", log.shown());
    // What the loss did not touch is as it should be, and nothing that it touched is guessed.
    let after = log.only("net-pf-27");
    assert_eq!((&after["verdict"], &after["incomplete"]), (&json!("not_found"), &json!(null)), "{}", log.shown());
    for request in log.requests.iter().filter(|request| request["alias"] != "net-pf-27") {
        let verdict = request["verdict"].as_str().expect("a verdict");
        let right = ["live", "satisfied_by_another", "already_live"];
        assert!(right.contains(&verdict) || verdict == "incomplete" || verdict == "in_flight", "{request}");
        assert!(request["incomplete"].is_string(), "{request}");
    }
}

/// A request that lost everything after its beginning does not stay open: modtrail checks the helper that it waits for,
/// and finds it gone.
fn an_end_that_was_lost(kernel: Guest) {
    let log = Lab::new(kernel).at_once().flags("--ring-bytes 4096 --limit 3s").helper("sleep 2\nexit 1").log(
        "provoke socket 29 & until grep -qsx helper /proc/[0-9]*/comm; do sleep 0.1; done\n\
         sleep 0.5; kill -STOP $(pidof modtrail); provoke sockets 28 1-28; wait; kill -CONT $(pidof modtrail); sleep 8",
    );
    assert!(log.stderr.contains("events dropped because the ring buffer was full"), "{}", log.shown());
    let request = log.only("net-pf-29");
    let unseen = "the requester's return was not seen; events were lost while it was open";
    assert_eq!(
        (&request["verdict"], &request["incomplete"]),
        (&json!("incomplete"), &json!(unseen)),
        "{}",
        log.shown()
    );
}

/// Two tracers with the same probes; the ring of one is too small. What it lacks is what it reports as lost.
fn losses_are_counted_exactly(kernel: Guest) {
    let folder = tempfile::tempdir().expect("a folder");
    let [whole, small] = record_twice(kernel, folder.path());
    let probes = |events: &[Event]| -> Vec<Event> {
        let is_probe = |event: &&Event| matches!(event.body, Body::Probe(_));
        events.iter().filter(is_probe).cloned().collect()
    };
    // Both see what happens from half a second after the second tracer was proven: the command sleeps until then.
    let proven = |event: &&Event| matches!(event.body, Body::Fact(Fact::SelfTest(_)));
    let begin = whole.iter().find(proven).expect("it was proven").at.mono.plus(Nanos::from_millis(500));
    let end = probes(&whole).iter().map(|event| event.at.mono).max().expect("events");
    let count = |events: &[Event]| {
        probes(events).iter().filter(|event| event.at.mono >= begin && event.at.mono <= end).count() as u64
    };
    let lost_by = |events: &[Event], is: fn(&Lost) -> bool| -> u64 {
        let count = |event: &Event| match &event.body {
            Body::Fact(Fact::Lost { loss, count, until }) if is(loss) && *until >= begin => *count,
            Body::Fact(_) | Body::Probe(_) => 0,
        };
        events.iter().map(count).sum()
    };
    let lost = |events: &[Event]| lost_by(events, |loss| matches!(loss, Lost::Kernel(_)));
    // The kernel may skip runs for one tracer and not for the other; both report how many.
    let skipped =
        [&whole, &small].map(|events| lost_by(events, |loss| matches!(loss, Lost::Unrun(_)))).iter().sum::<u64>();
    let (seen, small_seen, small_lost) = (count(&whole), count(&small), lost(&small));
    assert_eq!(lost(&whole), 0);
    assert!(small_lost > 0, "nothing was lost: {small_seen} of {seen}");
    let apart = (small_seen + small_lost).abs_diff(seen);
    assert!(apart <= skipped, "{small_seen} seen and {small_lost} lost of {seen}, {skipped} skipped");
}

/// One storm as recorded by two tracers at once: one whose ring has room, and one whose ring has not.
fn record_twice(kernel: Guest, folder: &Path) -> [Vec<Event>; 2] {
    let outcome = Lab::new(kernel).at_once().out(folder.to_owned()).run(
        "modtrail record --ring-bytes 4096 -o /out/small.mcap 2> /tmp/small & SMALL=$!\n\
         until grep -q recording /tmp/small; do sleep 0.1; done\n\
         modtrail record -o /out/whole.mcap -- sh -c \"sleep 2; kill -STOP $SMALL; provoke sockets 30 1-30; kill -CONT $SMALL; sleep 1\" > /dev/null\n\
         kill -TERM $SMALL; wait",
    );
    assert_eq!(outcome.status(), 0, "{}", String::from_utf8_lossy(&outcome.stderr));
    ["whole.mcap", "small.mcap"].map(|name| events(&folder.join(name)))
}

fn events(file: &Path) -> Vec<Event> {
    let mut events = Vec::new();
    let file = File::open(file).expect("a file");
    modtrail_core::record::read::read(BufReader::new(file), |event| events.push(event)).expect("a recording");
    events
}
