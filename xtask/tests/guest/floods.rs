//! A user without rights who floods modtrail: nobody else's events are pushed out.

use crate::lab::{self, Lab};
use serde_json::{Value, json};
use xtask::guest::Guest;

crate::on_oldest_and_newest!(a_flood_of_refused_loads_silences_nobody);
crate::at_length!(a_storm_of_requests_silences_nobody);

/// The helper of another user's request hangs for a while.
const HELPER: &str = "[ \"$3\" = net-pf-15 ] && sleep 5\nexit 1";

/// Who floods, as stderr names them.
const FLOODER: &str = "events of uid 1000 (provoke) are being lost: ";

/// `modtrail watch` while uid 1000 floods and, amid that, a request of uid 1001 gets stuck: the alerts, and what was
/// reported on stderr.
fn watched(kernel: Guest, flood: &str) -> (Vec<Value>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let outcome = Lab::new(kernel).helper(HELPER).out(folder.path().to_owned()).run(&format!(
        "modtrail watch --limit 1s --sink stdout-json > /out/alerts 2> /out/words &\n\
         until grep -q watching /out/words; do sleep 0.1; done\n\
         provoke as 1000 -- {flood} > /tmp/flooded & FLOOD=$!\n\
         sleep 2; provoke as 1001 -- provoke socket 15 raw 2 > /dev/null\n\
         wait $FLOOD; cp /out/words /out/meanwhile\n\
         until grep -q resolved /out/alerts; do sleep 0.1; done\n\
         kill -TERM $(pidof modtrail); wait; cat /out/alerts"
    ));
    let words = ["meanwhile", "words"].map(|name| std::fs::read_to_string(folder.path().join(name)).expect("stderr"));
    let [meanwhile, all] = words;
    (lab::lines(&outcome), format!("{meanwhile}== and at the end:\n{all}"))
}

/// The other user's request alerted before it was older than `most` nanoseconds, and the flooder is named.
fn check_alert(alerts: &[Value], most: u64, words: &str) {
    let stuck = alerts.iter().find(|alert| alert["alias"] == "net-pf-15" && alert["state"] == "firing");
    let stuck = stuck.unwrap_or_else(|| panic!("no alert: {alerts:?}\n{words}"));
    let age = stuck["age_ns"].as_u64().expect("an age");
    assert!((1_000_000_000..most).contains(&age), "alerted {age} ns after it began\n{words}");
}

fn a_flood_of_refused_loads_silences_nobody(kernel: Guest) {
    let (alerts, words) = watched(kernel, "provoke flood 5 load");
    check_alert(&alerts, 1_500_000_000, &words);
    assert!(words.contains(FLOODER), "{words}");
    let (_, at_the_end) = words.split_once("== and at the end:").expect("both");
    let lost = alerts.iter().find(|alert| alert["alert"] == "lost").unwrap_or_else(|| panic!("{alerts:?}\n{words}"));
    assert_eq!((&lost["state"], &lost["uid"], &lost["comm"]), (&json!("firing"), &json!(1000), &json!("provoke")));
    let total: Vec<&str> = at_the_end.lines().filter(|line| line.contains("lost: ")).collect();
    let only_refused =
        |line: &&str| line.contains("loads left out that the kernel refuses") || line.contains("uid 1000");
    assert!(
        !total.is_empty() && total.iter().all(only_refused),
        "only what the kernel refuses was left out: {total:?}"
    );
}

fn a_storm_of_requests_silences_nobody(kernel: Guest) {
    let (alerts, words) = watched(kernel, "provoke flood 5 sockets 8 18");
    // The flooder's helpers take most of the processor's time, so modtrail is late; but the request is still stuck.
    check_alert(&alerts, 5_000_000_000, &words);
    // The older kernels ask so slowly that nothing need be left out.
    let is_left_out = words.contains("requests left out because their user had had its share");
    assert_eq!(words.contains(FLOODER), is_left_out, "{words}");
}
