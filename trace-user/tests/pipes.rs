//! What modtrail does where nobody reads what it writes: it ends as it would, and does not panic.

use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn nobody_reads_standard_error() {
    for (arguments, status) in [(["report", "/nonexistent.mcap"], 4), (["doctor", "--nonsense"], 2)] {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let mut modtrail = Command::new(env!("CARGO_BIN_EXE_modtrail"));
        let ended = modtrail.args(arguments).stdout(Stdio::null()).stderr(writer).status().expect("modtrail runs");
        assert_eq!(ended.code(), Some(status), "{arguments:?}");
    }
}

/// What only reads recordings is confined before it reads: `no_new_privs` comes with that.
#[test]
fn a_command_that_only_reads_is_confined_before_it_reads() {
    let mut modtrail = Command::new(env!("CARGO_BIN_EXE_modtrail"));
    let started =
        modtrail.args(["report", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut started = started.expect("modtrail runs");
    let status = format!("/proc/{}/status", started.id());
    let is_confined = || std::fs::read_to_string(&status).is_ok_and(|text| text.contains("NoNewPrivs:\t1"));
    let begun = Instant::now();
    while !is_confined() && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(is_confined(), "it waits for its input, and is not confined");
    drop(started.stdin.take());
    assert_eq!(started.wait().expect("it ends").code(), Some(4), "nothing is not a recording");
}
