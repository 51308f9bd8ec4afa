//! Recordings: whole, killed at any moment, and read elsewhere.

use crate::lab::{self, Lab};
use serde_json::Value;
use std::process::Command;
use xtask::guest::Guest;

crate::at_length!(recorded_and_read_elsewhere, killed_while_recording, what_happens_to_files, in_many_files);

fn recorded_and_read_elsewhere(kernel: Guest) {
    let folder = tempfile::tempdir().expect("a folder");
    let lab = Lab::new(kernel).modules("can can_raw").out(folder.path().to_owned());
    let outcome = lab.run(
        "modtrail record -o /out/it.mcap -- sh -c 'provoke socket 29 raw 1; provoke socket 27' >&2 && \
         modtrail log --json /out/it.mcap",
    );
    let there = lab::lines(&outcome);
    let verdicts: Vec<&Value> = there.iter().map(|request| &request["verdict"]).collect();
    assert_eq!(verdicts, ["live", "live", "not_found"], "{there:?}");
    // The recording needs nothing from the machine it was made on.
    let file = folder.path().join("it.mcap");
    let modtrail =
        xtask::artifact::build(xtask::arch::Arch::Amd64).expect("modtrail is built").modtrail.expect("modtrail");
    let here = Command::new(&modtrail).args(["log", "--json"]).arg(&file).output().expect("modtrail runs");
    assert!(here.status.success());
    assert_eq!(String::from_utf8_lossy(&here.stdout), String::from_utf8_lossy(&outcome.stdout));
    let report = Command::new(&modtrail).arg("report").arg(&file).output().expect("modtrail runs");
    let text = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(text.contains(&outcome.release) && text.contains("2 live") && text.contains("1 not found"), "{text}");
}

fn killed_while_recording(kernel: Guest) {
    // The first requests are on disk when the recorder is killed, in the middle of others.
    let outcome = Lab::new(kernel).modules("can can_raw").run(
        "modtrail record -o /tmp/it.mcap 2> /tmp/ready & until grep -q recording /tmp/ready; do sleep 0.1; done\n\
         provoke socket 29 raw 1 >&2; until modtrail log /tmp/it.mcap 2> /dev/null | grep -q can_raw; do sleep 0.1; done\n\
         provoke sockets 40 26-28 > /dev/null & sleep 0.3; kill -9 $(pidof modtrail); wait\n\
         modtrail report /tmp/it.mcap >&2 && modtrail log --json /tmp/it.mcap",
    );
    let requests = lab::lines(&outcome);
    let stderr = String::from_utf8_lossy(&outcome.stderr);
    let live: Vec<&Value> = requests.iter().filter(|request| request["verdict"] == "live").collect();
    let modules: Vec<&Value> = live.iter().map(|request| &request["module"]).collect();
    assert_eq!(modules, ["can", "can_raw"], "{stderr}\n{requests:?}");
    assert_eq!(stderr.matches("/tmp/it.mcap is truncated").count(), 2, "{stderr}");
    assert_eq!(outcome.status(), 0, "a recording without its end is fine");
}

/// Waits until modtrail has reported `words` in a file.
const REPORTED: &str = "reported() { until grep -q \"$2\" $1; do sleep 0.1; done; }\n";

/// The requests in the JSON lines between two marks of the script.
fn requests_after<'o>(out: &'o str, mark: &str) -> Vec<&'o str> {
    let after = out.split_once(&format!("{mark}\n")).map_or("", |(_, after)| after);
    after.lines().take_while(|line| line.starts_with('{')).collect()
}

/// The disk is full for a while, and the folder of a recording is removed: events wait, and what is gone is counted.
fn what_happens_to_files(kernel: Guest) {
    let outcome = Lab::new(kernel).run(&format!(
        "{REPORTED}mkdir /tmp/small /tmp/gone && mount -t tmpfs -o size=256k none /tmp/small || exit 99\n\
         modtrail record -o /tmp/small/it.mcap 2> /tmp/full & TRACER=$!; reported /tmp/full ready\n\
         dd if=/dev/zero of=/tmp/small/filler bs=4k 2> /dev/null; REQUESTS=0\n\
         until grep -q 'cannot write' /tmp/full; do provoke sockets 20 26-28 > /dev/null; REQUESTS=$((REQUESTS+20)); done\n\
         rm /tmp/small/filler; reported /tmp/full 'can be written again; 0 events lost'\n\
         provoke socket 27 >&2; kill -TERM $TRACER; wait $TRACER; echo full $?\n\
         echo asked $(modtrail log /tmp/small/it.mcap | grep -c net-pf-) of $REQUESTS and $(grep -c 'cannot write' /tmp/full)\n\
         modtrail record -o /tmp/gone/it.mcap 2> /tmp/words & TRACER=$!; reported /tmp/words ready\n\
         provoke socket 27 >&2; sleep 1; rm -r /tmp/gone; reported /tmp/words 'cannot write'\n\
         mkdir /tmp/gone; reported /tmp/words 'begins there again'; provoke socket 28 >&2\n\
         kill -TERM $TRACER; wait $TRACER; echo gone $?; modtrail log --json /tmp/gone/it.mcap; cat /tmp/full /tmp/words >&2"
    ));
    let (out, err) = (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    assert!(out.starts_with("full 0\n"), "nothing was lost: {out}\n{err}");
    let asked = out.lines().find_map(|line| line.strip_prefix("asked "));
    let words: Vec<&str> = asked.unwrap_or_default().split(' ').collect();
    let [seen, "of", provoked, "and", "1"] = words[..] else { panic!("{out}\n{err}") };
    assert_eq!(seen.parse(), provoked.parse().map(|provoked: u32| provoked + 1), "{out}\n{err}");
    let requests = requests_after(&out, "gone 4");
    assert!(matches!(requests[..], [one] if one.contains("net-pf-28")), "{out}\n{err}");
    assert!(err.contains("could not be written to /tmp/gone/it.mcap"), "{err}");
}

/// Segments, the flight recorder, and a stream.
fn in_many_files(kernel: Guest) {
    let outcome = Lab::new(kernel).run(&format!(
        "{REPORTED}mkdir /tmp/many /tmp/keep\n\
         modtrail record -o /tmp/many/t.mcap --segment-age 1s 2> /tmp/words & TRACER=$!; reported /tmp/words ready\n\
         for number in 27 27 27; do provoke socket $number >&2; sleep 1.5; done\n\
         kill -TERM $TRACER; wait $TRACER; echo many $?; modtrail log --json /tmp/many\n\
         for file in /tmp/many/*; do modtrail report $file > /dev/null || echo $file; done\n\
         ls /tmp/many/*\n\
         modtrail record -o /tmp/keep/t.mcap --keep 5s --limit 1s 2> /tmp/flight & TRACER=$!; reported /tmp/flight ready\n\
         provoke socket 26 >&2; sleep 7\n\
         printf '#!/bin/sh\\n{NOT_FOR_ITSELF}\\nsleep 3' > /tmp/slow; chmod +x /tmp/slow; echo /tmp/slow > /proc/sys/kernel/modprobe\n\
         provoke socket 27 >&2 & ASKS=$!; reported /tmp/flight 'the last'; wait $ASKS\n\
         echo stalled; modtrail log --json /tmp/keep/t.00001.mcap\n\
         kill -USR1 $TRACER; reported /tmp/flight SIGUSR1; kill -TERM $TRACER; wait $TRACER; echo kept $?\n\
         modtrail log --json $(ls /tmp/keep/* | tail -1); cat /tmp/flight >&2\n\
         echo /sbin/modprobe > /proc/sys/kernel/modprobe\n\
         (modtrail record -o - --for 2s 2> /tmp/stream & reported /tmp/stream ready; provoke socket 27 >&2; wait) | modtrail log --json - > /tmp/it; echo stream; cat /tmp/it",
        NOT_FOR_ITSELF = lab::NOT_FOR_ITSELF,
    ));
    let (out, err) = (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
    let aliases = |mark: &str| -> Vec<String> {
        let lines = requests_after(&out, mark).into_iter().map(lab::parsed);
        lines.map(|request| format!("{} {}", request["alias"], request["verdict"]).replace('"', "")).collect()
    };
    assert_eq!(aliases("many 0"), ["net-pf-27 not_found"; 3], "{out}\n{err}");
    assert!(out.matches("/tmp/many/t.0000").count() >= 3, "a file a second, and each can be read: {out}");
    assert!(!err.contains("lost:"), "{err}");
    assert_eq!(aliases("stalled"), ["net-pf-27 in_flight"], "what was before is left out: {out}\n{err}");
    assert_eq!(aliases("kept 0"), ["net-pf-27 hollow"], "{out}\n{err}");
    assert_eq!(aliases("stream"), ["net-pf-27 not_found"], "{out}\n{err}");
}
