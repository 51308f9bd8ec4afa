//! A user without rights who floods modtrail: nobody else's events are pushed out.

use crate::lab::{self, Lab};
use serde_json::{Value, json};
use xtask::guest::Guest;

crate::at_length!(a_flood_of_refused_loads_silences_nobody, a_storm_of_requests_silences_nobody);

/// The helper of another user's request hangs for a while.
const HELPER: &str = "[ \"$3\" = net-pf-15 ] && sleep 5\nexit 1";

/// Who floods, as stderr names them.
const FLOODER: &str = "events of uid 1000 (provoke) are being lost: ";

/// What `modtrail watch` reported.
struct Watched {
    alerts: Vec<Value>,
    /// What stderr had when the flood ended.
    meanwhile: String,
    /// What stderr had in the end.
    stderr: String,
}

/// `modtrail watch` while uid 1000 floods and, amid that, a request of uid 1001 gets stuck.
fn watched(kernel: Guest, flood: &str) -> Watched {
    let folder = tempfile::tempdir().expect("a folder");
    let outcome = Lab::new(kernel).helper(HELPER).out(folder.path().to_owned()).run(&format!(
        "modtrail watch --limit 1s --sink stdout-json > /out/alerts 2> /out/words &\n\
         until grep -q watching /out/words; do sleep 0.1; done\n\
         provoke as 1000 -- {flood} > /tmp/flooded & FLOOD=$!\n\
         sleep 2; provoke as 1001 -- provoke socket 15 raw 2 > /dev/null\n\
         wait $FLOOD; cp /out/words /out/meanwhile\n\
         until grep -q 'net-pf-15.*resolved\\|resolved.*net-pf-15' /out/alerts; do sleep 0.1; done\n\
         kill -TERM $(pidof modtrail); wait; cat /out/alerts"
    ));
    let [meanwhile, stderr] =
        ["meanwhile", "words"].map(|name| std::fs::read_to_string(folder.path().join(name)).expect("stderr"));
    Watched { alerts: lab::lines(&outcome), meanwhile, stderr }
}

impl Watched {
    /// The other user's request alerted before it was older than `most` nanoseconds.
    fn check_alert(&self, most: u64) {
        let Self { alerts, stderr, .. } = self;
        let stuck = alerts.iter().find(|alert| alert["alias"] == "net-pf-15" && alert["state"] == "firing");
        let stuck = stuck.unwrap_or_else(|| panic!("no alert: {alerts:?}\n{stderr}"));
        let age = stuck["age_ns"].as_u64().expect("an age");
        assert!((1_000_000_000..most).contains(&age), "alerted {age} ns after it began\n{stderr}");
    }
}

fn a_flood_of_refused_loads_silences_nobody(kernel: Guest) {
    // In user namespaces of its own, where its user is root: it answers for it all the same.
    let watched = watched(kernel, "unshare -U -r unshare -U -r provoke flood 5 load");
    watched.check_alert(1_500_000_000);
    let Watched { alerts, meanwhile, stderr } = &watched;
    assert!(meanwhile.contains(FLOODER), "{meanwhile}");
    let lost = alerts.iter().find(|alert| alert["alert"] == "lost").unwrap_or_else(|| panic!("{alerts:?}\n{stderr}"));
    assert_eq!((&lost["state"], &lost["uid"], &lost["comm"]), (&json!("firing"), &json!(1000), &json!("provoke")));
    let total: Vec<&str> = stderr.lines().filter(|line| line.contains("lost: ")).collect();
    let only_refused =
        |line: &&str| line.contains("loads left out that the kernel refuses") || line.contains("uid 1000");
    assert!(
        !total.is_empty() && total.iter().all(only_refused),
        "only what the kernel refuses was left out: {total:?}"
    );
}

fn a_storm_of_requests_silences_nobody(kernel: Guest) {
    let watched = watched(kernel, "provoke flood 5 sockets 8 18");
    watched.check_alert(1_500_000_000);
    // The older kernels ask so slowly that nothing need be left out.
    let Watched { meanwhile, stderr, .. } = &watched;
    let is_left_out = stderr.contains("requests left out because their user had had its share");
    assert_eq!(meanwhile.contains(FLOODER), is_left_out, "{meanwhile}\nand in the end:\n{stderr}");
}
