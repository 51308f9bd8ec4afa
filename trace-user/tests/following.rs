//! `modtrail log --follow`: the lines of a recording that is still being written, as its recorder writes it.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

const RECORDING: &[u8] = include_bytes!("recordings/linux-6.12.mcap");

fn follow(path: &std::path::Path) -> (Child, BufReader<ChildStdout>) {
    let mut modtrail = Command::new(env!("CARGO_BIN_EXE_modtrail"));
    let started = modtrail.args(["log", "--follow"]).arg(path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut started = started.expect("modtrail runs");
    let lines = BufReader::new(started.stdout.take().expect("it has a stdout"));
    (started, lines)
}

fn whole(path: &std::path::Path) -> Vec<String> {
    let modtrail = Command::new(env!("CARGO_BIN_EXE_modtrail")).arg("log").arg(path).output().expect("modtrail runs");
    String::from_utf8(modtrail.stdout).expect("text").lines().map(ToOwned::to_owned).collect()
}

/// The place in the recording from which on lines are missing if it ends there, of the last line.
fn all_but_the_end() -> usize {
    RECORDING.len() * 3 / 4
}

#[test]
fn lines_come_while_it_grows_and_it_ends_with_the_recording() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("growing.mcap");
    let (first, rest) = RECORDING.split_at(all_but_the_end());
    File::create(&path).and_then(|mut file| file.write_all(first)).expect("it can be written");
    let before = whole(&path).len();
    let (mut modtrail, mut lines) = follow(&path);
    let mut seen = Vec::new();
    // Some lines come before the file is whole; what is open where it stops has its line later.
    while seen.len() < before / 2 {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).expect("text") > 0, "it ended before the recording did");
        seen.push(line.trim_end().to_owned());
    }
    OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(rest)).expect("it can be written");
    seen.extend(lines.lines().map(|line| line.expect("text")));
    assert_eq!(modtrail.wait().expect("it ends").code(), Some(0));
    assert_eq!(seen, whole(&path));
}

#[test]
fn a_signal_is_its_normal_end_while_the_recorder_is_silent() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("growing.mcap");
    let first = RECORDING.get(..all_but_the_end()).expect("a part");
    File::create(&path).and_then(|mut file| file.write_all(first)).expect("it can be written");
    let (mut modtrail, mut lines) = follow(&path);
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    let process = rustix::process::Pid::from_child(&modtrail);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it runs");
    assert!(lines.lines().count() > 0, "what is left comes at the end");
    assert_eq!(modtrail.wait().expect("it ends").code(), Some(0));
}
