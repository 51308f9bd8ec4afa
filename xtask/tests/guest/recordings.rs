//! Recordings: whole, killed at any moment, and read elsewhere.

use crate::lab::{self, Lab};
use serde_json::Value;
use std::process::Command;
use xtask::guest::Guest;

crate::at_length!(recorded_and_read_elsewhere, killed_while_recording);

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
